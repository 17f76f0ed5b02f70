//! A history that lies in the topics before the daemon starts: what comes of it is known to the byte.

use std::collections::BTreeSet;

use crate::harness::client::Record;
use crate::harness::daemon::Setup;
use crate::harness::receiver::Receiver;
use contactwatch::time::Span;

use crate::harness::work::{
    CLOCKLESS, Expected, Terms, Work, create_topics, expected, expected_on, history, outcome, produce,
    with_faults,
};
use crate::harness::{Stage, eventually, signal};

#[path = "../support/mod.rs"]
pub(crate) mod support;

pub(crate) use support::engine;

/// Native and canonical events in; verdicts, alerts and metrics out; no secret in between.
pub(crate) fn end_to_end(stage: &Stage) -> String {
    create_topics(stage);
    let work = history(2);
    let sent = produce(stage, &work);
    let wanted = expected(stage, &engine());
    let receiver = Receiver::start();
    let mut daemon = Setup::default().receiver(&receiver.address).start_ready(stage);
    daemon.wait_caught_up(stage);
    wait_for(stage, &wanted);
    outcome(stage).same_as(&wanted, "end to end");

    // What fires is delivered, by its identity; what was answered has ended.
    let client = stage.client();
    let records = client.committed(&stage.topic("alerts"));
    let identities: BTreeSet<String> =
        records.iter().map(|record| record.json()["labels"].to_string()).collect();
    let firing = || -> BTreeSet<String> { receiver.alerts(false).into_iter().collect() };
    let fired: BTreeSet<String> = records
        .iter()
        .map(Record::json)
        .filter(|alert| alert["status"] == "firing")
        .map(|alert| alert["labels"].to_string())
        .collect();
    eventually("every alert is delivered", 60, || fired.is_subset(&firing()));
    assert!(firing().is_subset(&identities), "alerts that nobody wrote");
    assert!(receiver.alerts(true).len() < firing().len(), "answered questions have ended");

    let counted = daemon.metric("contactwatch_events_consumed_total", "topic") as usize;
    assert_eq!(counted, sent, "events counted");
    assert!(daemon.metric("contactwatch_messages_scored_total", "direction=\"seller\"") > 200.0);
    assert_eq!(daemon.metric("contactwatch_alerts_written_total", "") as usize, records.len());
    no_secrets(&work, &daemon.log(), "log");
    no_secrets(&work, &daemon.get("/metrics").1, "metrics");
    for alert in receiver.all() {
        no_secrets(&work, &alert["labels"].to_string(), "labels of an alert");
    }
    daemon.terminate();
    format!(
        "{sent} events, {} verdicts, {} alert records of {} identities delivered: to the byte what the engine says",
        wanted.verdicts.len(),
        records.len(),
        fired.len()
    )
}

/// No words of a message and no buyer in `text`.
fn no_secrets(work: &[Work], text: &str, place: &str) {
    let mut looked_for = 0;
    for event in work {
        let value: serde_json::Value = serde_json::from_str(&event.value).unwrap();
        for path in [
            "/text",
            "/buyer",
            "/native/data/0",
            "/native/message/text",
            "/native/user/id",
            "/native/message",
        ] {
            let Some(secret) = value.pointer(path).and_then(serde_json::Value::as_str) else { continue };
            // Short ones are names of stores and the like.
            if secret.chars().count() >= 12 {
                looked_for += 1;
                assert!(!text.contains(secret), "{place} tells {path}: {secret}");
            }
        }
    }
    assert!(looked_for > 200, "hardly anything was looked for");
}

fn wait_for(stage: &Stage, wanted: &Expected) {
    let client = stage.client();
    eventually(&format!("{} verdicts are there", wanted.verdicts.len()), 90, || {
        client.committed(&stage.topic("verdicts")).len() >= wanted.verdicts.len()
    });
}

/// Killed at each step of the loop, again and again, the daemon leaves what an undisturbed one leaves.
pub(crate) fn kill_at_every_step(stage: &Stage) -> String {
    // Where, and the how-many-th time it comes by there: in the middle of work, whatever the speed of the machine.
    const POINTS: [(&str, [u32; 2]); 8] = [
        ("taking", [150, 400]),
        ("committing", [2, 3]),
        ("before_offsets", [2, 3]),
        ("before_commit", [2, 3]),
        ("after_commit", [1, 2]),
        ("restoring", [20, 60]),
        ("revoking", [1, 1]),
        ("settled", [2, 3]),
    ];
    let work = with_faults(history(1), 25);
    // Most of the time is spent waiting for groups: so several at a time.
    let killed = |(point, times): &(&str, [u32; 2])| {
        killed_at(&stage.part(&point.replace('_', "-")), &work, point, times)
    };
    let counts: Vec<Expected> = std::thread::scope(|scope| {
        let halves =
            POINTS.chunks(POINTS.len() / 2).map(|points| scope.spawn(|| points.iter().map(killed).collect()));
        let halves: Vec<std::thread::ScopedJoinHandle<'_, Vec<Expected>>> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let points: Vec<&str> = POINTS.iter().map(|(point, _)| *point).collect();
    format!(
        "each time {}, none lost, none twice; killed {} times, at {}",
        counts[0].told(),
        2 * POINTS.len(),
        points.join(", ")
    )
}

/// Static members that die while their group is being made find all partitions again.
pub(crate) fn static_members_die_early(stage: &Stage) -> String {
    let work = history(1);
    let setup = Setup::default().named("one").kafka("static_membership: true");
    // Nearly at once, a little later, in the middle.
    let points =
        [("after_commit", 1), ("after_commit", 2), ("committing", 1), ("taking", 20), ("settled", 1)];
    let mut verdicts = 0;
    for (round, times) in [&points[..], &points[3..]].into_iter().enumerate() {
        let stage = stage.part(&round.to_string());
        create_topics(&stage);
        produce(&stage, &work);
        for (point, time) in times {
            setup.clone().dies_at(point, *time).start(&stage).wait_death(90);
        }
        let wanted = expected(&stage, &engine());
        let mut daemon = setup.start_ready(&stage);
        daemon.wait_caught_up(&stage);
        wait_for(&stage, &wanted);
        daemon.terminate();
        outcome(&stage).same_as(&wanted, "static members");
        verdicts += wanted.verdicts.len();
    }
    format!("{verdicts} verdicts, none lost, none twice; killed {} times", points.len() + 2)
}

/// Lets a daemon die twice at one point, lets another finish, and compares. Returns what has come of it.
fn killed_at(stage: &Stage, work: &[Work], point: &str, times: &[u32]) -> Expected {
    create_topics(stage);
    let half = work.len() / 2;
    produce(stage, &work[..half]);
    // A history that arrives in parts is the same history as long as the clock lets nothing fire.
    let setup = Setup::default().named("one").kafka("commit_events: 100").kafka(CLOCKLESS);
    if point == "restoring" || point == "revoking" {
        // There must be something to restore, and somebody to leave.
        let mut daemon = setup.start_ready(stage);
        daemon.wait_caught_up(stage);
        daemon.kill();
    }
    produce(stage, &work[half..]);
    for time in times {
        let mut daemon = setup.clone().dies_at(point, *time).start(stage);
        // The broker may notice only now that the one before is dead, and revoke what it has just assigned: then the
        // daemon dies at the point before it is ready.
        if point == "revoking" && daemon.is_ready_before_its_end() {
            signal(daemon.pid(), "TERM");
        }
        daemon.wait_death(90);
    }
    let terms = Terms { lateness: Span::days(4000), ..Terms::default() };
    let wanted = expected_on(stage, &engine(), terms);
    let mut daemon = setup.start_ready(stage);
    daemon.wait_caught_up(stage);
    wait_for(stage, &wanted);
    daemon.terminate();
    assert!(!wanted.letters.is_empty() && wanted.alerts.iter().any(|alert| alert.ends_with("resolved")));
    outcome(stage).same_as(&wanted, point);
    wanted
}

/// Without transactions a crash may repeat what went out, with equal ids; it loses nothing.
pub(crate) fn a_crash_at_least_once(stage: &Stage) -> String {
    create_topics(stage);
    produce(stage, &with_faults(history(1), 25));
    let wanted = expected(stage, &engine());
    let setup = Setup::default().named("one").kafka("delivery: at_least_once").kafka("commit_events: 100");
    let points = [
        // Comes by only when something went out. Nothing of it is committed, so it goes out again and again.
        ("between_output_and_state", 1),
        ("between_output_and_state", 1),
        ("between_output_and_state", 1),
        ("committing", 2),
        ("before_offsets", 2),
        ("settled", 2),
        ("after_commit", 2),
    ];
    for (point, time) in points {
        setup.clone().dies_at(point, time).start(stage).wait_death(90);
    }
    let mut daemon = setup.start_ready(stage);
    daemon.wait_caught_up(stage);
    let client = stage.client();
    let unique = || -> Expected {
        let mut found = outcome(stage);
        found.verdicts.dedup();
        found.alerts.dedup();
        found.letters.dedup();
        found
    };
    eventually("no verdict is lost", 60, || unique().verdicts.len() >= wanted.verdicts.len());
    daemon.terminate();
    unique().same_as(&wanted, "at least once");
    let all = client.committed(&stage.topic("verdicts")).len();
    let (verdicts, repeated) = (wanted.verdicts.len(), all - wanted.verdicts.len());
    assert!(repeated > 0, "a crash between verdicts and state repeats them");
    format!("{verdicts} verdicts, none lost, {repeated} repeated after {} crashes", points.len())
}
