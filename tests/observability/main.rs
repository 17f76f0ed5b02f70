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
mod harness;
mod listener;
mod mutants;
mod routes;
mod scrape;
mod servers;
#[path = "../support/mod.rs"]
mod support;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

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

/// Scenarios at a time.
const AT_A_TIME: usize = 2;

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
    // libtest's own flags (--quiet, --test-threads) are of no concern here.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let chosen: Vec<_> = SCENARIOS
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word.as_str())))
        .collect();
    let root = tempfile::tempdir().unwrap();
    let began = Instant::now();
    println!("running {} scenarios against {}", chosen.len(), harness::versions());
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((name, scenario)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let dir = root.path().join(name);
                    std::fs::create_dir_all(&dir).unwrap();
                    let began = Instant::now();
                    let result = std::panic::catch_unwind(AssertUnwindSafe(|| scenario(&dir)));
                    let took = began.elapsed().as_secs_f64();
                    match result {
                        Ok(saw) => println!("test {name} ... ok ({took:.1} s): {saw}"),
                        Err(_) => {
                            println!("test {name} ... FAILED ({took:.1} s)");
                            failed.lock().unwrap().push(*name);
                        }
                    }
                    let _ = std::io::stdout().flush();
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if !failed.is_empty() {
        println!("\nfailed: {}; their files stay in {}", failed.join(", "), root.keep().display());
    }
    println!("\n{:.0} s", began.elapsed().as_secs_f64());
    println!(
        "observability: {} passed, {} failed, {} skipped",
        chosen.len() - failed.len(),
        failed.len(),
        SCENARIOS.len() - chosen.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
