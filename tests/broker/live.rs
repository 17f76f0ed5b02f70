//! Conversations that happen now, while processes, brokers and clocks misbehave.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contactwatch::time::{Millis, Span};

use crate::catch_up::engine;
use crate::harness::broker::Broker;
use crate::harness::client::{Client, Sees};
use crate::harness::daemon::Setup;
use crate::harness::work::{PARTITIONS, Work, create_topics, expected, fault, now, outcome, produce, turn};
use crate::harness::{Stage, eventually, signal};

/// One record that nobody can read comes after so many turns.
const FAULT_EVERY: usize = 50;

/// Produces turns of conversations, and a few records that nobody can read, as long as `during` runs; returns how many events that were.
fn while_producing(stage: &Stage, during: impl FnOnce(&AtomicUsize)) -> usize {
    let ended = AtomicBool::new(false);
    let turns = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let sender = stage.client().producer();
            while !ended.load(Ordering::Relaxed) {
                let number = turns.fetch_add(1, Ordering::Relaxed);
                for event in turn(number, now()) {
                    sender.send(&stage.topic(event.topic), &event.key, Some(event.value.as_bytes()));
                }
                if number.is_multiple_of(FAULT_EVERY) {
                    let bad = fault("messages", "ozon/1", number);
                    sender.send(&stage.topic(bad.topic), &bad.key, Some(bad.value.as_bytes()));
                }
                // A steady stream, not a burst.
                std::thread::sleep(Duration::from_millis(4));
            }
            sender.flush();
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| during(&turns)));
        ended.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
    let turns = turns.load(Ordering::Relaxed);
    2 * turns + turns.div_ceil(FAULT_EVERY)
}

/// Waits until so many more turns were produced.
fn more_turns(turns: &AtomicUsize, more: usize) {
    let goal = turns.load(Ordering::Relaxed) + more;
    eventually("more is produced", 60, || turns.load(Ordering::Relaxed) >= goal);
}

/// Lets one daemon finish the work, and compares.
fn finish(stage: &Stage, setup: &Setup, what: &str) -> String {
    let mut daemon = setup.start_ready(stage);
    daemon.wait_caught_up(stage);
    daemon.terminate();
    let wanted = expected(stage, &engine());
    outcome(stage).same_as(&wanted, what);
    wanted.told()
}

/// Processes join and leave, in order and by power failure, while work arrives.
pub(crate) fn processes_come_and_go(stage: &Stage) -> String {
    create_topics(stage);
    let setup = |name: &str| Setup::default().named(name);
    let mut comings = 0;
    let events = while_producing(stage, |turns| {
        let mut first = setup("a").start_ready(stage);
        for round in 0..3 {
            let second = setup("b").start_ready(stage);
            more_turns(turns, 300);
            first.kill();
            first = setup("a").start_ready(stage);
            more_turns(turns, 300);
            if round == 1 {
                // Killed without a name: its partitions come back when its session has run out.
                Setup::default().start_ready(stage).kill();
            }
            second.terminate();
            comings += 3;
        }
        first.terminate();
    });
    let told = finish(stage, &setup("a"), "processes came and went");
    format!("{events} events, {told}, none lost, none twice; {comings} comings and goings")
}

/// Transactions are lost again and again, while work arrives: each time memory goes back to what is committed.
pub(crate) fn transactions_are_lost(stage: &Stage) -> String {
    let mut told = Vec::new();
    for (point, every) in [("settled", 7), ("before_offsets", 5), ("before_commit", 4)] {
        let stage = &stage.part(&point.replace('_', "-"));
        create_topics(stage);
        let mut lost = 0.0;
        let events = while_producing(stage, |turns| {
            let daemon = Setup::default().aborts_at(point, every).start_ready(stage);
            eventually("it was lost several times", 60, || {
                lost = daemon.metric("contactwatch_kafka_commit_failures_total", "aborted");
                lost >= 4.0
            });
            more_turns(turns, 100);
            daemon.terminate();
        });
        let of_it = finish(stage, &Setup::default(), point);
        told.push(format!("{point}: {events} events, {of_it}, {lost} transactions lost"));
    }
    format!("none lost, none twice; {}", told.join("; "))
}

/// The library does not come back from a call, whatever time it was given: the worker leaves it, and goes on with a new
/// producer.
pub(crate) fn a_call_never_returns(stage: &Stage) -> String {
    create_topics(stage);
    let mut lost = 0.0;
    let events = while_producing(stage, |turns| {
        let daemon = Setup::default()
            .kafka("commit_interval_ms: 1000")
            .hangs_at("adding_offsets", 6)
            .start_ready(stage);
        eventually("calls did not come back", 90, || {
            lost = daemon.metric("contactwatch_kafka_commit_failures_total", "aborted");
            lost >= 2.0
        });
        more_turns(turns, 100);
        daemon.terminate();
    });
    let told = finish(stage, &Setup::default(), "calls never returned");
    format!("{events} events, {told}, none lost, none twice; {lost} calls given up")
}

/// Killed at each step of a commit, with verdicts in it: nothing is lost, nothing is doubled, and what the open
/// transaction wrote is in the topic, where no reader of committed records sees it.
pub(crate) fn killed_with_verdicts_under_way(stage: &Stage) -> String {
    // Where, and whether what was judged has gone out by then, and is not committed.
    const POINTS: [(&str, bool); 6] = [
        ("taking", false),
        ("committing", false),
        ("settled", true),
        ("before_offsets", true),
        ("before_commit", true),
        ("after_commit", false),
    ];
    let killed = |(point, goes_out): &(&str, bool)| {
        let stage = stage.part(&point.replace('_', "-"));
        create_topics(&stage);
        let setup = Setup::default().named("one");
        // Work that never ends: there are verdicts in every commit but the first of each worker.
        while_producing(&stage, |turns| {
            for times in [6, 7] {
                more_turns(turns, 100);
                let times = if *point == "taking" { 50 * times } else { times };
                setup.clone().dies_at(point, times).start(&stage).wait_death(90);
            }
        });
        let told = finish(&stage, &setup, point);
        let (client, topic) = (stage.client(), stage.topic("verdicts"));
        let (written, seen) = (client.read(&topic, Sees::Everything).len(), client.committed(&topic).len());
        assert!(written > seen || !goes_out, "{point}: the crashes left nothing behind: {seen} verdicts");
        format!("{point}: {told}, {} verdicts never committed", written - seen)
    };
    let told: Vec<String> = std::thread::scope(|scope| {
        let halves = POINTS
            .chunks(POINTS.len() / 2)
            .map(|points| scope.spawn(move || points.iter().map(killed).collect::<Vec<_>>()));
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    format!("killed {} times, none lost, none twice; {}", 2 * POINTS.len(), told.join("; "))
}

/// A broker goes, in order for a moment and by power failure for longer than a transaction may be open, and comes back
/// with its data; the daemon stays.
pub(crate) fn a_broker_restarts(stage: &Stage) -> String {
    let mut broker = Broker::start(&stage.dir.join("broker"));
    let stage = stage.at(broker.bootstrap());
    create_topics(&stage);
    let setup = Setup::default().named("a");
    let mut daemon = setup.start_ready(&stage);
    let events = while_producing(&stage, |turns| {
        for at_once in [false, true] {
            // It is at work: only then is there a transaction that can run out.
            let before = daemon.metric("contactwatch_kafka_committed_offset", "");
            eventually("it commits", 60, || {
                daemon.metric("contactwatch_kafka_committed_offset", "") > before
            });
            more_turns(turns, 300);
            broker.down(at_once);
            more_turns(turns, 300);
            if at_once {
                eventually("a transaction has run out", 90, || {
                    daemon.metric("contactwatch_kafka_commit_failures_total", "aborted") >= 1.0
                });
            }
            broker.up();
            more_turns(turns, 300);
        }
    });
    daemon.wait_caught_up(&stage);
    assert!(daemon.runs());
    daemon.terminate();
    let wanted = expected(&stage, &engine());
    outcome(&stage).same_as(&wanted, "the broker restarted");
    format!("{events} events, {}, none lost, none twice; 2 restarts", wanted.told())
}

/// A process that stood still comes back to find its partitions with another: what it still holds is refused.
pub(crate) fn a_process_that_stood_still_is_fenced(stage: &Stage) -> String {
    create_topics(stage);
    let setup = Setup::default().kafka("commit_interval_ms: 1000");
    let mut ended_by_itself = false;
    let events = while_producing(stage, |turns| {
        let mut still = setup.start_ready(stage);
        more_turns(turns, 200);
        signal(still.pid(), "STOP");
        // A whole fleet of partitions is a heartbeat time-out away, and the open transaction runs out after that.
        let other = setup.start(stage);
        eventually("the other has all partitions", 90, || {
            other.metric("contactwatch_kafka_assigned_partitions", "messages") as i32 == PARTITIONS
                && other.get("/readyz").0 == 200
        });
        more_turns(turns, 200);
        signal(still.pid(), "CONT");
        more_turns(turns, 400);
        if still.runs() {
            still.wait_ready();
            still.terminate();
        } else {
            let log = still.wait_code(3, 1);
            assert!(log.contains("stood still"), "{log}");
            ended_by_itself = true;
        }
        other.terminate();
    });
    let told = finish(stage, &setup, "a process stood still");
    let how = if ended_by_itself { "it ended with 3" } else { "it joined again" };
    format!("{events} events, {told}, none lost, none twice; {how}")
}

/// Two processes with one name: the older one ends, and says why. It may have stood still meanwhile.
pub(crate) fn two_with_one_name(stage: &Stage) -> String {
    let mut told = Vec::new();
    for (name, still) in [("awake", false), ("still", true)] {
        let stage = &stage.part(name);
        create_topics(stage);
        let setup = Setup::default().named("same").kafka("commit_interval_ms: 1000");
        let mut said = String::new();
        let events = while_producing(stage, |turns| {
            let mut older = setup.start_ready(stage);
            more_turns(turns, 200);
            if still {
                signal(older.pid(), "STOP");
            }
            let mut newer = setup.start(stage);
            if still {
                // It is all alone, and has been for a while, when the other comes back.
                newer.wait_ready();
                eventually("the newer one has all partitions", 90, || {
                    newer.metric("contactwatch_kafka_assigned_partitions", "messages") as i32 == PARTITIONS
                });
                more_turns(turns, 200);
                signal(older.pid(), "CONT");
            }
            let log = older.wait_code(3, 60);
            said = log.lines().last().unwrap_or_default().to_owned();
            assert!(log.contains("kafka.instance"), "{log}");
            newer.wait_ready();
            more_turns(turns, 100);
            assert!(newer.runs(), "the newer one was put out:\n{}", newer.log());
            newer.terminate();
        });
        let of_it = finish(stage, &setup, name);
        told.push(format!("{name}: {events} events, {of_it}; the older one said: {said}"));
    }
    format!("none lost, none twice; {}", told.join("; "))
}

/// KIP-848: the broker shares partitions out.
pub(crate) fn the_brokers_group_protocol(stage: &Stage) -> String {
    create_topics(stage);
    let setup = Setup::default().kafka("group_protocol: consumer");
    let events = while_producing(stage, |turns| {
        let first = setup.start_ready(stage);
        let second = setup.start_ready(stage);
        let owned = |daemon: &crate::harness::daemon::Daemon| {
            daemon.metric("contactwatch_kafka_assigned_partitions", "messages") as i32
        };
        eventually("both have partitions", 60, || {
            let (a, b) = (owned(&first), owned(&second));
            a > 0 && b > 0 && a + b == PARTITIONS
        });
        more_turns(turns, 300);
        first.terminate();
        eventually("the second has all", 60, || owned(&second) == PARTITIONS);
        more_turns(turns, 100);
        second.terminate();
    });
    let told = finish(stage, &setup, "the broker's group protocol");
    format!("{events} events, {told}, none lost, none twice; 2 processes")
}

fn question(store: &str, id: &str, at: Millis) -> Work {
    let value = serde_json::json!({
        "type": "message", "platform": "ozon", "store": store, "conversation": "c", "message_id": id,
        "author": "buyer", "occurred_at": at.to_string(), "text": "Когда придёт мой заказ?",
    });
    Work { topic: "messages", key: format!("ozon/{store}"), value: value.to_string() }
}

/// Deadlines that fired in a store.
fn breaches(client: &Client, stage: &Stage) -> Vec<serde_json::Value> {
    let verdicts = client.committed(&stage.topic("verdicts"));
    verdicts
        .iter()
        .map(crate::harness::client::Record::json)
        .filter(|verdict| verdict["trigger"] == "timer")
        // The warning before the deadline is a verdict of its own.
        .filter(|verdict| verdict["findings"][0]["severity"] != "info")
        .collect()
}

/// In a store where nothing happens the 2 h deadline fires by the clock, in time, and once: over a crash and a rebalance.
pub(crate) fn an_idle_store_is_told_in_time(stage: &Stage) -> String {
    create_topics(stage);
    // What becomes known late is looked at a second later.
    let terms =
        |name: &str| Setup::default().named(name).kafka("lateness: 2s").more("policies: {hold_back: 1s}");
    let setup = terms("a");
    let daemon = setup.start_ready(stage);
    let deadline = now().plus(Span::seconds(4));
    produce(stage, &[question("idle", "1", deadline.minus(Span::hours(2)))]);
    let client = stage.client();
    eventually("the deadline fires", 60, || !breaches(&client, stage).is_empty());
    let late = now().since(deadline);
    assert!(late.0 < 10_000, "{} ms after its deadline", late.0);
    daemon.kill();
    let first = setup.start_ready(stage);
    let second = terms("b").start_ready(stage);
    // A later deadline in the same partition: once it has fired, the first one would have fired again.
    let deadline = now().plus(Span::seconds(4));
    produce(stage, &[question("idle", "2", deadline.minus(Span::hours(2)))]);
    let answer = serde_json::json!({
        "type": "message", "platform": "ozon", "store": "idle", "conversation": "c", "message_id": "3",
        "author": "seller", "origin": "human", "occurred_at": now().to_string(), "text": "Завтра.",
    });
    produce(stage, &[Work { topic: "messages", key: "ozon/idle".to_owned(), value: answer.to_string() }]);
    let another = question("idle", "4", now().plus(Span::seconds(4)).minus(Span::hours(2)));
    let another = Work { value: another.value.replace("\"c\"", "\"d\""), ..another };
    produce(stage, &[another]);
    eventually("the other deadline fires", 60, || breaches(&client, stage).len() >= 2);
    first.terminate();
    second.terminate();
    let fired: Vec<String> = breaches(&client, stage)
        .iter()
        .map(|verdict| {
            format!(
                "{} {}",
                verdict["event_id"].as_str().unwrap(),
                verdict["findings"][0]["rule"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(fired.iter().filter(|fired| fired.contains("/m/1/")).count(), 1, "{fired:?}");
    format!("fired {} ms after its deadline, once over a crash and a rebalance", late.0)
}
