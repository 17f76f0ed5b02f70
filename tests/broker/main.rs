//! The daemon against a real Apache Kafka: from produced events to alerts, and through every failure.
//!
//! `make broker` brings the broker and runs this; `make broker ARGS=kill` runs the scenarios whose names contain the
//! word. Each ends with one line: what it counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test measures time and sends events of now")]
#![cfg(feature = "daemon")]

mod catch_up;
mod delivery;
mod harness;
mod live;
mod security;
mod sources;
mod upkeep;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use harness::Stage;
use harness::broker::Broker;

/// A scenario says what it counted.
type Scenario = fn(&Stage) -> String;

/// The longest first: two run at a time.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("kill_at_every_step", catch_up::kill_at_every_step),
    ("killed_with_verdicts_under_way", live::killed_with_verdicts_under_way),
    ("static_members_die_early", catch_up::static_members_die_early),
    ("transactions_are_lost", live::transactions_are_lost),
    ("processes_come_and_go", live::processes_come_and_go),
    ("a_broker_restarts", live::a_broker_restarts),
    ("a_process_that_stood_still_is_fenced", live::a_process_that_stood_still_is_fenced),
    ("end_to_end", catch_up::end_to_end),
    ("every_source_is_judged_as_score_does", sources::every_source_is_judged_as_score_does),
    ("alertmanagers_fail", delivery::alertmanagers_fail),
    ("state_survives_compaction", upkeep::state_survives_compaction),
    ("secured_connections", security::secured_connections),
    ("a_crash_at_least_once", catch_up::a_crash_at_least_once),
    ("an_idle_store_is_told_in_time", live::an_idle_store_is_told_in_time),
    ("two_with_one_name", live::two_with_one_name),
    ("the_brokers_group_protocol", live::the_brokers_group_protocol),
    ("wide_topics_are_read_whole", upkeep::wide_topics_are_read_whole),
    ("dead_letters", upkeep::dead_letters),
    ("dead_letter_limits", upkeep::dead_letter_limits),
    ("policies_change", upkeep::policies_change),
    ("reviewers_and_marketplaces_are_counted", upkeep::reviewers_and_marketplaces_are_counted),
    ("topics_that_are_not_right", upkeep::topics_that_are_not_right),
];

/// Ends of the daemons' logs: where the tests ran for somebody else, nothing but their output is left.
fn tell_logs(dir: &std::path::Path) {
    const LINES: usize = 60;
    for file in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = harness::text(&path);
            let lines: Vec<&str> = log.lines().collect();
            let skipped = lines.len().saturating_sub(LINES);
            println!("--- {} ({skipped} lines before)\n{}", path.display(), lines[skipped..].join("\n"));
        }
    }
}

/// Scenarios at a time.
const AT_A_TIME: usize = 2;

fn main() -> ExitCode {
    if std::env::var_os("CONTACTWATCH_KAFKA_LIB").is_none() {
        println!(
            "\n*** the real-broker tests did NOT run: they need Apache Kafka, which `make broker` brings\n"
        );
        return ExitCode::SUCCESS;
    }
    // libtest's own flags (--quiet, --test-threads) are of no concern here.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word)))
        .collect();
    let root = tempfile::tempdir().unwrap();
    let broker = Broker::start(&root.path().join("broker"));
    let began = Instant::now();
    println!("running {} scenarios against Apache Kafka at {}", chosen.len(), broker.bootstrap());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((name, scenario)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = root.path().join(name);
                    std::fs::create_dir_all(&dir).unwrap();
                    let stage = Stage { dir, bootstrap: broker.bootstrap(), name: name.replace('_', "-") };
                    let began = Instant::now();
                    let result = std::panic::catch_unwind(AssertUnwindSafe(|| scenario(&stage)));
                    let took = began.elapsed().as_secs_f64();
                    match result {
                        Ok(counted) => println!("test {name} ... ok ({took:.1} s): {counted}"),
                        Err(_) => {
                            println!("test {name} ... FAILED ({took:.1} s)");
                            tell_logs(&stage.dir);
                            failed.lock().unwrap().push(*name);
                        }
                    }
                    let _ = std::io::stdout().flush();
                }
            });
        }
    });
    drop(broker);
    let failed = failed.into_inner().unwrap();
    if !failed.is_empty() {
        println!("\nfailed: {}; their logs stay in {}", failed.join(", "), root.keep().display());
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    println!(
        "broker: {} passed, {} failed, {} skipped",
        chosen.len() - failed.len(),
        failed.len(),
        SCENARIOS.len() - chosen.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
