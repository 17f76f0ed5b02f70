//! What the daemon exposes, held against its catalogue and Prometheus' own linter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::catalogue;
use crate::harness::told;

/// Families that a healthy demo has no series of: errors of Kafka, and what its broker does not do.
const ABSENT: &[&str] = &["contactwatch_kafka_client_errors_total", "contactwatch_consumer_paused_total"];

/// Families that are documented and not exposed (yet): most appear with what they count.
pub(crate) fn missing(text: &str) -> Vec<String> {
    let is_there =
        |name: &String| text.contains(&format!("# TYPE {name} ")) || ABSENT.contains(&name.as_str());
    catalogue::families().into_keys().filter(|name| !is_there(name)).collect()
}

/// Checks an exposition; returns how many series and families of ours there are.
pub(crate) fn check(dir: &Path, text: &str) -> (usize, usize) {
    let path = dir.join("metrics.txt");
    fs::write(&path, text).unwrap();
    let linted = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::from(File::open(&path).unwrap()))
        .output()
        .unwrap();
    assert!(linted.status.success(), "promtool check metrics: {}", told(&linted));

    let families = catalogue::families();
    let mut exposed = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        if name.starts_with("process_") {
            continue;
        }
        let family = families.get(name).unwrap_or_else(|| panic!("{name} is exposed and not documented"));
        assert_eq!(kind, family.kind, "{name}");
        exposed.insert(name.to_owned());
    }
    let series = catalogue::series();
    let mut count = 0;
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("contactwatch_")) {
        count += 1;
        for (name, labels) in catalogue::selectors(line) {
            assert_eq!(Some(&labels), series.get(&name), "{name}");
            kinds.entry(name).or_default().extend(labels);
        }
    }
    (count, exposed.len())
}
