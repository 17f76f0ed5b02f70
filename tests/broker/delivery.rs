//! Alerts on their way to receivers that are slow, broken, dead, picky or forgetful.

use std::collections::BTreeSet;

use contactwatch::time::Span;

use crate::catch_up::engine;
use crate::harness::broker::free_port;
use crate::harness::daemon::Setup;
use crate::harness::receiver::{Mood, Receiver};
use crate::harness::work::{Work, create_topics, expected, history, now, outcome, produce};
use crate::harness::{Stage, eventually};

fn message(store: &str, id: &str, author: &str, at: contactwatch::time::Millis, text: &str) -> Work {
    let value = serde_json::json!({
        "type": "message", "platform": "ozon", "store": store, "conversation": "c", "message_id": id,
        "author": author, "origin": "human", "occurred_at": at.to_string(), "text": text,
    });
    Work { topic: "messages", key: format!("ozon/{store}"), value: value.to_string() }
}

pub(crate) fn alertmanagers_fail(stage: &Stage) -> String {
    create_topics(stage);
    produce(stage, &history(1));
    let wanted = expected(stage, &engine());
    let dead = free_port();
    let receiver = Receiver::start();
    receiver.be(Mood::Broken);
    let setup = Setup::default()
        .named("one")
        .receiver(&receiver.address)
        .receiver(&format!("http://127.0.0.1:{dead}"));
    let mut daemon = setup.start_ready(stage);

    // Scoring does not wait for anybody.
    daemon.wait_caught_up(stage);
    eventually("all verdicts are there", 60, || outcome(stage).verdicts.len() >= wanted.verdicts.len());
    // What has ended before anybody took it is nobody's business any more.
    let records: Vec<serde_json::Value> = stage
        .client()
        .committed(&stage.topic("alerts"))
        .iter()
        .map(crate::harness::client::Record::json)
        .collect();
    let over: BTreeSet<&str> = records
        .iter()
        .filter(|alert| alert["status"] == "resolved")
        .filter_map(|alert| alert["alert_id"].as_str())
        .collect();
    let fired: BTreeSet<String> = records
        .iter()
        .filter(|alert| alert["status"] == "firing" && !over.contains(alert["alert_id"].as_str().unwrap()))
        .map(|alert| alert["labels"].to_string())
        .collect();
    eventually("it was tried, several times", 60, || receiver.posts() >= 3);
    assert!(receiver.alerts(false).is_empty());
    receiver.be(Mood::Slow);
    let posts = receiver.posts();
    eventually("a slow one was tried", 60, || receiver.posts() > posts);
    daemon.kill();

    // A restart, and all of it is still to come.
    let daemon = setup.start_ready(stage);
    receiver.be(Mood::Well);
    eventually("the first has everything", 120, || {
        fired.is_subset(&receiver.alerts(false).into_iter().collect())
    });
    let second = Receiver::start_at(dead);
    eventually("the second has everything, once it lives", 120, || {
        fired.is_subset(&second.alerts(false).into_iter().collect())
    });

    // A receiver that restarts has forgotten: it is told again what is active.
    let active: BTreeSet<String> = receiver.alerts(true).into_iter().collect();
    receiver.forget();
    eventually("it is told again", 60, || active.is_subset(&receiver.alerts(true).into_iter().collect()));
    receiver.forget();
    daemon.kill();
    let daemon = setup.start_ready(stage);
    eventually("it is told again after a restart of the daemon", 60, || {
        active.is_subset(&receiver.alerts(true).into_iter().collect())
    });

    // One alert that a receiver refuses holds up no other.
    receiver.be(Mood::Refuses("picky".to_owned()));
    let mut work = Vec::new();
    for store in ["picky", "good-1", "good-2"] {
        work.push(message(store, "1", "buyer", now(), "Где заказ?"));
        work.push(message(
            store,
            "2",
            "seller",
            now().plus(Span(1)),
            "Дарим скидку 10 % на следующий заказ!",
        ));
    }
    produce(stage, &work);
    let has =
        |store: &str| receiver.alerts(true).iter().any(|labels| labels.contains(&format!("\"{store}\"")));
    eventually("the good ones are delivered", 60, || has("good-1") && has("good-2"));
    eventually("the bad one is counted", 60, || {
        daemon.metric("contactwatch_alert_sends_total", "alertmanager-0,rejected") >= 1.0
    });
    receiver.be(Mood::Well);

    daemon.terminate();

    // An overdue reply alerts until somebody answers.
    let stage = &stage.part("late");
    create_topics(stage);
    let daemon = Setup::default().kafka("lateness: 1s").receiver(&receiver.address).start_ready(stage);
    let asked = now().plus(Span::seconds(3)).minus(Span::hours(2));
    produce(stage, &[message("late", "1", "buyer", asked, "Где заказ?")]);
    let overdue = |active: bool| {
        receiver
            .alerts(active)
            .iter()
            .any(|labels| labels.contains("ReplyOverdue") && labels.contains("\"late\""))
    };
    eventually("the overdue reply alerts", 60, || overdue(true));
    produce(stage, &[message("late", "2", "seller", now(), "Добрый день! Заказ в пути.")]);
    eventually("the answer ends it", 60, || overdue(false) && !overdue(true));
    daemon.terminate();
    format!(
        "{} verdicts while every receiver failed; {} alerts delivered to both, told again after restarts of either side, \
         1 refused alone, 1 answered",
        wanted.verdicts.len(),
        fired.len()
    )
}
