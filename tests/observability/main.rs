//! Rules, routes and alerts against real servers: Prometheus and Alertmanager, as Debian has them, on loopback.
//!
//! `make observability` brings the servers and runs this; `make observability ARGS=relay` runs the scenarios whose names
//! contain the word. Each ends with one line: what it saw. Ports are random, nothing waits for a time to pass, only for
//! something to become so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test measures time and sends events of now")]
#![cfg(feature = "daemon")]

mod cardinality;
#[path = "../support/catalogue.rs"]
mod catalogue;
mod checks;
mod delivery;
mod demo;
mod exposition;
#[path = "../support/files.rs"]
mod files;
mod harness;
mod listener;
mod mutants;
mod routes;
#[path = "../support/scenarios.rs"]
mod scenarios;
mod scrape;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::ExitCode;

/// A scenario has a place to write to, and says what it saw.
type Scenario = fn(&Path) -> String;

/// The longest first: two run at a time.
const SCENARIOS: &[(&str, Scenario)] = &[
    ("mutants_are_killed", mutants::mutants_are_killed),
    ("relay_to_alertmanager", delivery::relay_to_alertmanager),
    ("demo_to_prometheus_to_receiver", scrape::demo_to_prometheus_to_receiver),
    ("ten_thousand_stores", cardinality::ten_thousand_stores),
    ("unit_tests_of_rules", checks::unit_tests_of_rules),
    ("rules_and_configurations_are_sound", checks::rules_and_configurations_are_sound),
    ("generated_configurations_are_sound", checks::generated_configurations_are_sound),
    ("unit_of_systemd_is_sound", checks::unit_of_systemd_is_sound),
    ("alerts_go_where_they_belong", routes::alerts_go_where_they_belong),
];

fn main() -> ExitCode {
    // Minutes, which `make test` spends once.
    if std::env::var_os("CONTACTWATCH_OBSERVABILITY").is_none() {
        println!(
            "\n*** the observability tests did NOT run: they need Prometheus and Alertmanager, which `make observability` brings\n"
        );
        return ExitCode::SUCCESS;
    }
    let missing: Vec<&str> = harness::TOOLS.iter().copied().filter(|tool| !harness::is_there(tool)).collect();
    if !missing.is_empty() {
        println!(
            "\n*** the observability tests did NOT run: {} missing; `make observability` installs them\n",
            missing.join(", ")
        );
        return ExitCode::FAILURE;
    }
    let mut root = tempfile::tempdir().unwrap();
    let play = |scenario: Scenario, _: &str, dir: &Path| scenario(dir);
    scenarios::play("observability", &harness::versions(), SCENARIOS, &mut root, play)
}
