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
#[path = "../support/scenarios.rs"]
mod scenarios;
mod security;
mod sources;
mod upkeep;

use std::process::ExitCode;

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
    ("a_call_never_returns", live::a_call_never_returns),
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

fn main() -> ExitCode {
    if std::env::var_os("CONTACTWATCH_KAFKA_LIB").is_none() {
        println!(
            "\n*** the real-broker tests did NOT run: they need Apache Kafka, which `make broker` brings\n"
        );
        return ExitCode::SUCCESS;
    }
    let mut root = tempfile::tempdir().unwrap();
    let broker = Broker::start(&root.path().join("broker"));
    let against = format!("Apache Kafka at {}", broker.bootstrap());
    scenarios::play("broker", &against, SCENARIOS, &mut root, |scenario, name, dir| {
        let (dir, name) = (dir.to_owned(), name.replace('_', "-"));
        scenario(&Stage { dir, bootstrap: broker.bootstrap(), name })
    })
}
