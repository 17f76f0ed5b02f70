//! Every kind of event that the repository has: platforms' own objects, and the golden timelines.

use std::collections::BTreeSet;
use std::process::Command;

use contactwatch::event::{Body, Decoded, decode};
use contactwatch::time::Span;

use crate::catch_up::support::timelines;
use crate::harness::Stage;
use crate::harness::daemon::Setup;
use crate::harness::work::{PARTITIONS, Work, create_topics, merged, now, produce};

/// One event, in a store of its own name.
fn work(line: &str, store: impl FnOnce(&str) -> String) -> Work {
    let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
    // Some native objects name their store themselves.
    let named = event["store"].as_str().map(store).unwrap_or_default();
    let key = format!("{}/{named}", event["platform"].as_str().unwrap());
    if !named.is_empty() {
        event["store"] = named.into();
    }
    let value = event.to_string();
    let orders = match decode(value.as_bytes()).unwrap() {
        Decoded::One(event) => matches!(event.body, Body::Order(_)),
        Decoded::Many(events) => events.iter().all(|event| matches!(event.body, Body::Order(_))),
        Decoded::Skipped(_) => false,
    };
    Work { topic: if orders { "orders" } else { "messages" }, key, value }
}

/// What readers of committed records see in a partition is what `contactwatch score` prints of its events, to the byte
/// and in order.
pub(crate) fn every_source_is_judged_as_score_does(stage: &Stage) -> String {
    create_topics(stage);
    let native = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/native-wrapped.ndjson");
    let native = std::fs::read_to_string(native).unwrap();
    let mut all: Vec<Work> = native.lines().map(|line| work(line, str::to_owned)).collect();
    let (natives, timelines) = (all.len(), timelines());
    for (number, (_, timeline)) in timelines.iter().enumerate() {
        let events =
            timeline.events.iter().map(|event| work(event.get(), |store| format!("{store}-{number}")));
        all.extend(events);
    }
    produce(stage, &all);
    let mut daemon = Setup::default().start_ready(stage);
    daemon.wait_caught_up(stage);
    // The last deadlines fire by the clock.
    let mut scored = Vec::new();
    for (partition, records) in (0..PARTITIONS).zip(merged(stage)) {
        let path = stage.dir.join(format!("{partition}.ndjson"));
        let lines: String = records.iter().map(|record| record.text() + "\n").collect();
        std::fs::write(&path, lines).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_contactwatch"))
            .args(["score", "--until", &now().minus(Span::seconds(5)).to_string()])
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        scored.push(printed.lines().map(str::to_owned).collect::<Vec<_>>());
    }
    let client = stage.client();
    let count: usize = scored.iter().map(Vec::len).sum();
    crate::harness::eventually("all verdicts are there", 60, || {
        client.committed(&stage.topic("verdicts")).len() >= count
    });
    daemon.terminate();
    let verdicts = client.committed(&stage.topic("verdicts"));
    for (partition, scored) in (0..PARTITIONS).zip(&scored) {
        let found: Vec<String> = verdicts
            .iter()
            .filter(|record| record.partition == partition)
            .map(crate::harness::client::Record::text)
            .collect();
        let differs = found.iter().zip(scored).position(|(found, scored)| found != scored);
        if let Some(at) = differs {
            panic!("partition {partition}, verdict {at}:\n{}\nscore says:\n{}", found[at], scored[at]);
        }
        assert_eq!(found.len(), scored.len(), "verdicts in partition {partition}");
    }
    let rules: BTreeSet<String> = verdicts
        .iter()
        .filter_map(|verdict| Some(verdict.json()["findings"].as_array()?.clone()))
        .flatten()
        .map(|finding| finding["rule"].as_str().unwrap().to_owned())
        .collect();
    assert!(natives > 40 && rules.len() > 20, "{natives} native objects, {rules:?}");
    format!(
        "{natives} native objects and {} timelines, {} events: {count} verdicts of {} rules, to the byte and in the order \
         of score",
        timelines.len(),
        all.len(),
        rules.len()
    )
}
