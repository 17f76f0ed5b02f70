//! What an operator meets: topics, dead letters, new policies, reviewers, compaction.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contactwatch::state::Retention;
use contactwatch::time::Span;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;

use crate::catch_up::engine;
use crate::harness::client::Sees;
use crate::harness::daemon::{Setup, command};
use crate::harness::work::{
    CLOCKLESS, Terms, Work, create_topics, create_wide_topics, expected_on, history, now, outcome, produce,
    turn,
};
use crate::harness::{Stage, eventually, signal};

fn admin(stage: &Stage) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", &stage.bootstrap).create().unwrap()
}

fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn create(stage: &Stage, name: &str, partitions: i32, settings: &[(&str, &str)]) {
    let topic = stage.topic(name);
    let topic = settings
        .iter()
        .fold(NewTopic::new(&topic, partitions, TopicReplication::Fixed(1)), |topic, (key, value)| {
            topic.set(key, value)
        });
    let created = block(admin(stage).create_topics([&topic], &AdminOptions::new()));
    created.unwrap().into_iter().for_each(|result| drop(result.unwrap()));
}

/// The daemon does not begin with topics that would lose something; it says which command mends them.
pub(crate) fn topics_that_are_not_right(stage: &Stage) -> String {
    type Make = fn(&Stage);
    const CASES: [(&str, Make, &[&str]); 5] = [
        (
            "nothing",
            |_| {},
            &["messages does not exist", "orders does not exist", "contactwatch topics create --partitions"],
        ),
        ("no-orders", |stage| create(stage, "messages", 2, &[]), &["orders does not exist"]),
        (
            "unequal",
            |stage| {
                create(stage, "messages", 2, &[]);
                create(stage, "orders", 3, &[]);
            },
            &["has 2 partitions", "has 3", "--alter --topic", "--partitions 3"],
        ),
        (
            "state-count",
            |stage| {
                create(stage, "messages", 2, &[]);
                create(stage, "orders", 2, &[]);
                create(stage, "state", 4, &[("cleanup.policy", "compact")]);
            },
            &["state has 4 partitions, the inputs have 2"],
        ),
        (
            "not-compacted",
            |stage| {
                create(stage, "messages", 2, &[]);
                create(stage, "orders", 2, &[]);
                create(stage, "state", 2, &[]);
            },
            &["cleanup.policy=delete", "kafka-configs.sh"],
        ),
    ];
    for (name, make, words) in CASES {
        let stage = stage.part(name);
        make(&stage);
        let (config, _) = Setup::default().write(&stage);
        for args in [&["topics", "check"][..], &["run"]] {
            let (code, _, err) = command(args, &config);
            assert_eq!(code, 2, "{name} {args:?}: {err}");
            for word in words {
                assert!(err.contains(word), "{name} {args:?}: \"{word}\" in {err}");
            }
        }
    }
    // Missing outputs are made when that is allowed, and only then.
    let stage = stage.part("outputs");
    create(&stage, "messages", 2, &[]);
    create(&stage, "orders", 2, &[]);
    let (config, _) = Setup::default().kafka("create_topics: false").write(&stage);
    let (code, _, err) = command(&["run"], &config);
    assert_eq!(code, 2, "{err}");
    let daemon = Setup::default().start_ready(&stage);
    let (code, out, _) = command(&["topics", "check"], &daemon.config);
    assert_eq!(code, 0, "{out}");
    daemon.terminate();
    format!("{} layouts refused with what mends them; missing outputs made", CASES.len() + 1)
}

/// Bad records go to the dead letters as they were; repaired ones come back.
pub(crate) fn dead_letters(stage: &Stage) -> String {
    create_topics(stage);
    let bad: [(&[u8], &str); 5] = [
        (b"{", "invalid_json"),
        (b"\xff\xfe", "invalid_utf8"),
        (br#"{"type":"message"}"#, "missing_field"),
        (br#"{"type":"message","platform":"ozon","store":"7","message_id":"9","occurred_at":"2099-01-01T00:00:00Z"}"#, "invalid_time"),
        (br#"{"type":"mail","platform":"ozon","store":"7","occurred_at":"2026-10-01T00:00:00Z"}"#, "unknown_type"),
    ];
    let sender = stage.client().producer();
    let [question, answer] = turn(1, now());
    let mut sent = 0;
    for ((value, _), good) in bad.iter().zip([Some(&question), None, Some(&answer), None, None]) {
        sender.send(&stage.topic("messages"), "ozon/1", Some(value));
        if let Some(good) = good {
            sender.send(&stage.topic("messages"), &good.key, Some(good.value.as_bytes()));
        }
        sent += 1;
    }
    sender.send(&stage.topic("messages"), "ozon/1", None);
    sender.flush();
    // The repaired one has no conversation: it waits for one, but not for long.
    let mut daemon = Setup::default().more("policies: {hold_back: 1s}").start_ready(stage);
    daemon.wait_caught_up(stage);
    let client = stage.client();
    let letters = client.committed(&stage.topic("dead-letters"));
    assert_eq!(letters.len(), sent, "{letters:?}");
    for (value, code) in bad {
        let letter = letters.iter().find(|letter| letter.headers["error_code"] == code).unwrap();
        assert_eq!(letter.value.as_deref(), Some(value), "{code}");
        assert_eq!((&*letter.key, &letter.headers["topic"]), ("ozon/1", &stage.topic("messages")));
        for header in ["partition", "offset", "timestamp", "error"] {
            assert!(!letter.headers[header].is_empty(), "{code}: {header}");
        }
    }
    assert_eq!(daemon.metric("contactwatch_events_rejected_total", "messages") as usize, sent);
    assert_eq!(client.committed(&stage.topic("verdicts")).len(), 1, "the good ones were judged");

    let (code, out, err) = command(&["dead-letters", "list"], &daemon.config);
    assert!(code == 0 && out.contains("5 dead letters") && out.contains("unknown_type 1"), "{out}{err}");
    let (code, out, err) = command(&["dead-letters", "replay"], &daemon.config);
    assert!(code == 1 && out.contains("5 letters still cannot be read"), "{out}{err}");
    let (_, export, _) = command(&["dead-letters", "export"], &daemon.config);
    let repaired: Vec<String> = export
        .lines()
        .filter(|line| line.contains("unknown_type"))
        .map(|line| {
            line.replace(r#"\"type\":\"mail\""#, r#"\"type\":\"message\",\"author\":\"seller\",\"message_id\":\"77\",\"text\":\"Подпишитесь на наш канал\""#)
        })
        .collect();
    let file = stage.dir.join("repaired.ndjson");
    std::fs::write(&file, repaired.join("\n")).unwrap();
    for _ in 0..2 {
        // The second time does no harm.
        let (code, out, err) = command(&["dead-letters", "replay", file.to_str().unwrap()], &daemon.config);
        assert!(code == 0 && out.contains("1 record put back"), "{out}{err}");
    }
    daemon.wait_caught_up(stage);
    eventually("the repaired one is judged", 60, || {
        let verdicts = client.committed(&stage.topic("verdicts"));
        verdicts.iter().filter(|verdict| verdict.text().contains("ozon/7/m/77/sent")).count() == 1
    });
    eventually("the repeat is counted", 30, || {
        daemon.metric("contactwatch_events_duplicate_total", "messages") == 1.0
    });
    daemon.terminate();
    format!("{sent} bad records kept as they were, 1 repaired and judged once")
}

/// Too many bad records stop the daemon; nothing is committed past them.
pub(crate) fn dead_letter_limits(stage: &Stage) -> String {
    let mut told = Vec::new();
    for (name, limits, good, bad) in
        [("run", "{run: 5, ratio: 1.0}", 3, 5), ("ratio", "{run: 1000, ratio: 0.1}", 220, 60)]
    {
        let stage = stage.part(name);
        create_topics(&stage);
        let sender = stage.client().producer();
        for number in 0..good {
            for event in turn(17 * number, now()) {
                sender.send(&stage.topic("messages"), "ozon/0", Some(event.value.as_bytes()));
            }
        }
        for _ in 0..bad {
            sender.send(&stage.topic("messages"), "ozon/0", Some(b"nonsense"));
        }
        sender.flush();
        let setup = Setup::default().named("one");
        let log =
            setup.clone().kafka(&format!("dead_letter_limits: {limits}")).start(&stage).wait_code(3, 60);
        let last = log.lines().last().unwrap_or_default().to_owned();
        for word in
            [&*stage.topic("messages"), "partition", "at offset", "invalid_json", "dead_letter_limits"]
        {
            assert!(last.contains(word), "{name}: \"{word}\" in {last}");
        }
        let client = stage.client();
        let letters = || client.committed(&stage.topic("dead-letters")).len();
        let before = letters();
        assert!(before < bad, "{before}");
        let committed = client.offsets(&stage.name, &stage.topic("messages"));
        assert!(committed.values().all(|at| *at < 2 * good as i64 + bad as i64), "{committed:?}");
        // The operator lets them pass: none is lost, none twice.
        let mut daemon = setup.start_ready(&stage);
        daemon.wait_caught_up(&stage);
        daemon.terminate();
        assert_eq!(letters(), bad, "{name}");
        told.push(format!("{name}: stopped, {before} of {bad} letters written before, {bad} after"));
    }
    told.join("; ")
}

/// New policies judge from the moment they are loaded; faulty ones change nothing.
pub(crate) fn policies_change(stage: &Stage) -> String {
    create_topics(stage);
    let overlay = stage.dir.join("overlay.yaml");
    let write = |text: &str| std::fs::write(&overlay, text).unwrap();
    let weight = |weight: u32| {
        format!("overlay: ozon/seed-2024-07\nreason: a test\nrules:\n  promo: {{weight: {weight}}}\n")
    };
    write(&weight(10));
    let daemon =
        Setup::default().more(&format!("policies: {{overlays: [{}]}}", overlay.display())).start_ready(stage);
    let client = stage.client();
    let mut number = 0;
    // The hash of the enforced pack in the verdict of one more message.
    let mut judge = || -> String {
        number += 1;
        produce(stage, &turn(number, now()));
        let id = format!("ozon/{}/m/seller-{number}/sent", number % 17);
        let mut hash = String::new();
        eventually("it is judged", 60, || {
            let verdicts = client.committed(&stage.topic("verdicts"));
            let found = verdicts
                .iter()
                .map(crate::harness::client::Record::json)
                .find(|verdict| verdict["event_id"] == *id);
            let Some(verdict) = found else { return false };
            let packs = verdict["packs"].as_array().unwrap();
            let enforced = packs.iter().find(|pack| pack["mode"] == "enforce").unwrap();
            hash = enforced["hash"].as_str().unwrap().to_owned();
            true
        });
        hash
    };
    let generation = |daemon: &crate::harness::daemon::Daemon| -> u64 {
        let version: serde_json::Value = serde_json::from_str(&daemon.get("/version").1).unwrap();
        version["generation"].as_u64().unwrap()
    };
    let mut hashes = vec![judge()];
    write(&weight(20));
    eventually("the file's change is seen", 60, || generation(&daemon) == 2);
    hashes.push(judge());
    write(&weight(30));
    signal(daemon.pid(), "HUP");
    eventually("SIGHUP is heard", 60, || generation(&daemon) >= 3);
    hashes.push(judge());
    write(&weight(40));
    let (status, body) = daemon.post("/-/reload", "");
    assert_eq!(status, 200, "{body}");
    hashes.push(judge());
    assert_eq!(hashes.iter().collect::<BTreeSet<_>>().len(), 4, "{hashes:?}");

    write("overlay: ozon/seed-2024-07\nreason: a test\nrules:\n  promo: {severity: criticl}\n");
    let (status, body) = daemon.post("/-/reload", "");
    assert!(status == 422 && body.contains("did you mean"), "{status} {body}");
    assert_eq!(daemon.metric("contactwatch_config_last_reload_successful", "") as i64, 0);
    assert_eq!(&judge(), hashes.last().unwrap());
    write(&weight(40));
    eventually("the mended file is loaded", 60, || {
        daemon.metric("contactwatch_config_last_reload_successful", "") as i64 == 1
    });
    let (status, _) = daemon.ask("POST", "/-/reload", None, "");
    assert_eq!(status, 401, "nobody reloads without the token");
    daemon.terminate();
    "by file, SIGHUP and POST: 4 pack hashes in verdicts; a faulty file changed nothing".to_owned()
}

/// Labels of reviewers and acts of marketplaces are events, and counted.
pub(crate) fn reviewers_and_marketplaces_are_counted(stage: &Stage) -> String {
    create_topics(stage);
    let daemon = Setup::default().start_ready(stage);
    produce(stage, &turn(1, now()));
    let freeze = serde_json::json!({
        "type": "enforcement", "platform": "ozon", "store": "1", "event_id": "ozon/1/e/1",
        "occurred_at": now().to_string(), "kind": "freeze", "reason": "contact",
    });
    produce(stage, &[Work { topic: "messages", key: "ozon/1".to_owned(), value: freeze.to_string() }]);
    let client = stage.client();
    let mut verdict = serde_json::Value::Null;
    eventually("a violation is found", 60, || {
        let verdicts = client.committed(&stage.topic("verdicts"));
        verdict = verdicts.first().map(crate::harness::client::Record::json).unwrap_or_default();
        verdict["verdict"] == "violation"
    });
    let label = serde_json::json!({
        "platform": "ozon", "store": "1", "verdict_id": verdict["verdict_id"], "label": "misjudged", "reviewer": "r",
    });
    let (status, body) = daemon.post("/v1/dispositions", &label.to_string());
    assert_eq!(status, 202, "{body}");
    eventually("the label is counted by its rule", 60, || {
        daemon.metric("contactwatch_review_verdicts_total", "rule=\"promo\",verdict=\"misjudged\"") == 1.0
            && daemon.metric("contactwatch_reviews_total", "ozon") == 1.0
    });
    eventually("the freeze is counted", 60, || {
        daemon.metric("contactwatch_enforcements_total", "kind=\"freeze\"") == 1.0
    });
    // A draft is judged with the conversation as it is.
    let draft = serde_json::json!({"platform": "ozon", "store": "1", "conversation": "c1", "text": "Ваш заказ в пути."});
    let (status, body) = daemon.post("/v1/check", &draft.to_string());
    let answer: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(status == 200 && answer["history"] == true && answer["verdict"]["verdict"] == "clean", "{body}");
    let (_, recent) =
        daemon.ask("GET", "/v1/stores/ozon/1/verdicts", Some(crate::harness::daemon::TOKEN), "");
    assert!(recent.contains(verdict["verdict_id"].as_str().unwrap()), "{recent}");
    daemon.terminate();
    "1 label by its rule, 1 freeze, 1 draft with history".to_owned()
}

/// Every partition of a wide topic is read from the first moment on, by a process that has just begun and by those that
/// get some of its partitions, or all of them: none waits for ever.
pub(crate) fn wide_topics_are_read_whole(stage: &Stage) -> String {
    const WIDE: i32 = 60;
    const ROUNDS: usize = 1;
    const STORES: usize = 12 * WIDE as usize;
    create_wide_topics(stage, WIDE);
    let mut number = 0;
    let mut ask_all = || {
        let work: Vec<Work> = (0..STORES)
            .map(|_| {
                number += 1;
                let [mut asked, _] = turn(number, now());
                asked.key = format!("ozon/{}", number % STORES);
                asked
            })
            .collect();
        produce(stage, &work);
    };
    for _ in 0..ROUNDS {
        ask_all();
        let mut first = Setup::default().start_ready(stage);
        first.wait_caught_up(stage);
        let mut second = Setup::default().start_ready(stage);
        ask_all();
        second.wait_caught_up(stage);
        first.terminate();
        ask_all();
        second.wait_caught_up(stage);
        second.terminate();
    }
    let filled: BTreeSet<i32> =
        stage.client().committed(&stage.topic("messages")).iter().map(|record| record.partition).collect();
    assert_eq!(filled.len(), WIDE as usize, "every partition has records");
    format!("{WIDE} partitions, {} times assigned, {number} events read", 3 * ROUNDS)
}

/// State that was compacted, with tombstones in it, is the same state.
pub(crate) fn state_survives_compaction(stage: &Stage) -> String {
    create_topics(stage);
    let topic = stage.topic("state");
    let quick = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.01"),
        ("max.compaction.lag.ms", "500"),
        ("segment.ms", "500"),
        ("delete.retention.ms", "100"),
    ];
    let change =
        quick.iter().fold(AlterConfig::new(ResourceSpecifier::Topic(&topic)), |change, (key, value)| {
            change.set(key, value)
        });
    let options = AdminOptions::new().request_timeout(Some(Duration::from_secs(20)));
    block(admin(stage).alter_configs([&change], &options))
        .unwrap()
        .into_iter()
        .for_each(|result| drop(result.unwrap()));

    // What is idle for half a day is forgotten, so that tombstones are written.
    let retention = Retention {
        conversation: Span::hours(12),
        order: Span::hours(12),
        promise: Span::hours(12),
        store: Span::days(800),
    };
    let setup = Setup::default()
        .named("one")
        .kafka("commit_events: 50")
        .kafka(CLOCKLESS)
        .more("retention: {conversation: 12h, order: 12h, promise: 12h, store: 800d}");
    let work = history(1);
    let client = stage.client();
    // The last third stays for a daemon whose state comes from the compacted topic.
    let third = work.len() / 3;
    let mut largest = 0;
    let mut tombstones = false;
    for part in [&work[..third], &work[third..2 * third]] {
        produce(stage, part);
        let mut daemon = setup.start_ready(stage);
        daemon.wait_caught_up(stage);
        let records = client.read(&topic, Sees::Everything);
        largest = largest.max(records.len());
        tombstones |= records.iter().any(|record| record.value.is_none());
        daemon.terminate();
    }
    assert!(tombstones, "nothing expired");
    let keys: BTreeMap<(i32, String), ()> = client
        .read(&topic, Sees::Everything)
        .into_iter()
        .map(|record| ((record.partition, record.key), ()))
        .collect();
    // A segment is closed when something is written after its time: markers of aborted transactions would do as well.
    let nudge = setup.start_ready(stage);
    let mut left = largest;
    eventually("the topic shrinks", 120, || {
        produce(stage, &[Work { topic: "messages", key: "ozon/nobody".to_owned(), value: r#"{"type":"native","platform":"ozon","store":"nobody","native":{"message_type":"TYPE_PING","time":"2026-10-05T00:00:00Z"}}"#.to_owned() }]);
        left = client.read(&topic, Sees::Everything).len();
        left < largest && left <= keys.len() + 30
    });
    nudge.kill();
    produce(stage, &work[2 * third..]);
    let mut daemon = setup.start_ready(stage);
    daemon.wait_caught_up(stage);
    let wanted = expected_on(stage, &engine(), Terms { retention, lateness: Span::days(4000) });
    eventually("all verdicts are there", 60, || outcome(stage).verdicts.len() >= wanted.verdicts.len());
    daemon.terminate();
    outcome(stage).same_as(&wanted, "after compaction");
    format!(
        "{largest} state records became {left} of {} keys; {} verdicts the same",
        keys.len(),
        wanted.verdicts.len()
    )
}
