//! What lies in dashboards/ and packaging/, held against the program: names, links, files. Needs none of their servers;
//! `make observability` runs those.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "daemon")]

#[path = "support/catalogue.rs"]
mod catalogue;
#[path = "support/files.rs"]
mod files;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use contactwatch::alert::AlertTerms;
use contactwatch::alert::contacts::Contacts;
use contactwatch::alert::routing::{Reader, Routing};
use contactwatch::config::Config;
use contactwatch::engine::{Around, BareText};
use contactwatch::event::Surface;
use contactwatch::time::Millis;
use files::{list, root, text, yaml};
use serde_json::Value;

const RULES: [&str; 2] = ["contactwatch.rules.yml", "contactwatch.alerts.yml"];
const TESTS: [&str; 2] = ["contactwatch.test.yml", "contactwatch-long.test.yml"];

fn rules() -> Vec<Value> {
    let files = RULES.map(|file| yaml(Path::new("dashboards/prometheus").join(file)));
    files
        .iter()
        .flat_map(|file| list(file, "groups"))
        .flat_map(|group| list(group, "rules"))
        .cloned()
        .collect()
}

fn alerts() -> BTreeMap<String, Vec<Value>> {
    let mut alerts: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for rule in rules() {
        if let Some(name) = rule["alert"].as_str() {
            alerts.entry(name.to_owned()).or_default().push(rule.clone());
        }
    }
    alerts
}

/// Headings of the runbooks, as links name them.
fn sections() -> BTreeSet<String> {
    let runbooks = text("dashboards/RUNBOOKS.md");
    let headings = runbooks.lines().filter_map(|line| line.strip_prefix("### "));
    headings.map(|heading| heading.to_lowercase().replace(' ', "-")).collect()
}

#[test]
fn rules_ask_for_metrics_and_labels_that_there_are() {
    let series = catalogue::series();
    let recorded: BTreeSet<String> =
        rules().iter().filter_map(|rule| rule["record"].as_str().map(str::to_owned)).collect();
    assert!(series.len() > 50 && recorded.len() >= 20);
    let mut asked = BTreeSet::new();
    for rule in rules() {
        let expr = rule["expr"].as_str().unwrap();
        for (name, labels) in catalogue::selectors(expr) {
            if recorded.contains(&name) {
                asked.insert(name);
                continue;
            }
            let known = series.get(&name).unwrap_or_else(|| panic!("{name} is no metric: {expr}"));
            for label in labels.iter().filter(|label| !matches!(label.as_str(), "job" | "instance")) {
                assert!(known.contains(label), "{name} has no label {label}: {expr}");
            }
        }
    }
    // The rest is for dashboards alone: whoever takes one out has to look there.
    let unused: Vec<&String> = recorded.difference(&asked).collect();
    assert!(unused.len() <= 1, "{unused:?}");
}

#[test]
fn selectors_are_found() {
    for (expr, expected) in [
        ("contactwatch_a_total", "contactwatch_a_total[]"),
        (
            "sum by (job) (rate(contactwatch_a_total{x=\"contactwatch_b\", y!~\"}\"}[5m]))",
            "contactwatch_a_total[x y]",
        ),
        (
            "a:contactwatch_b:rate5m > 0.5 * contactwatch_c{z=~\"1\"}",
            "a:contactwatch_b:rate5m[] contactwatch_c[z]",
        ),
        ("label_replace(vector(1), \"contactwatch_d\", \"\", \"\", \"\")", ""),
    ] {
        let found = catalogue::selectors(expr)
            .into_iter()
            .map(|(name, labels)| format!("{name}[{}]", labels.into_iter().collect::<Vec<_>>().join(" ")));
        assert_eq!(found.collect::<Vec<_>>().join(" "), expected, "{expr}");
    }
}

#[test]
fn every_alert_says_who_acts_and_where_to_read_on() {
    let sections = sections();
    for (name, rules) in alerts() {
        for rule in rules {
            let (labels, annotations) = (&rule["labels"], &rule["annotations"]);
            let severity = labels["severity"].as_str().unwrap_or_default();
            assert!(matches!(severity, "critical" | "warning" | "info" | "none"), "{name}: {severity}");
            let component = labels["component"].as_str().unwrap_or_default();
            let known = ["stores", "sla", "misjudgment", "daemon", "kafka", "delivery", "meta"];
            assert!(known.contains(&component), "{name}: {component}");
            for annotation in ["summary", "description"] {
                assert!(
                    annotations[annotation].as_str().is_some_and(|text| text.len() > 20),
                    "{name}: {annotation}"
                );
            }
            let url = annotations["runbook_url"].as_str().unwrap_or_default();
            let (page, section) = url.split_once('#').unwrap_or_default();
            assert!(page.ends_with("/dashboards/RUNBOOKS.md"), "{name}: {url}");
            assert_eq!(section, name.to_lowercase(), "{name}");
            assert!(sections.contains(section), "{name} has no section in dashboards/RUNBOOKS.md");
        }
    }
}

#[test]
fn every_alert_is_tested_both_ways() {
    let mut tested: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for file in TESTS {
        let file = yaml(Path::new("dashboards/prometheus").join(file));
        for check in list(&file, "tests").iter().flat_map(|test| list(test, "alert_rule_test")) {
            let fires = !list(check, "exp_alerts").is_empty();
            let count = tested.entry(check["alertname"].as_str().unwrap().to_owned()).or_default();
            count[usize::from(fires)] += 1;
        }
    }
    for name in alerts().keys() {
        let [quiet, fires] = tested.get(name).copied().unwrap_or_default();
        // The watchdog always fires.
        assert!(
            fires > 0 && (quiet > 0 || name == "ContactwatchWatchdog"),
            "{name}: {quiet} quiet, {fires} fire"
        );
    }
}

#[test]
fn what_the_daemon_links_to_is_there() {
    let sections = sections();
    let engine = support::engine();
    let ids: BTreeSet<String> =
        engine.ruleset().packs().flat_map(|pack| &pack.rules).map(|rule| rule.id.to_string()).collect();
    assert!(ids.len() >= 25, "{ids:?}");
    for id in &ids {
        assert!(sections.contains(id), "rule {id} has no section in dashboards/RUNBOOKS.md");
    }
    // The address that the page itself tells to configure gives links that end at a section.
    let runbooks = text("dashboards/RUNBOOKS.md");
    let base = runbooks.lines().find_map(|line| line.trim().strip_prefix("runbook_url: ")).unwrap();
    let mut config = Config::default().alertmanager;
    config.runbook_url = Some(base.trim_matches('"').to_owned());
    let bare = BareText {
        platform: "ozon",
        store: Some("7"),
        surface: Surface::Chat,
        text: "Дарим скидку 10 %, пишите в ватсап",
        id: "ozon/7/m/1/sent",
        at: Millis::parse("2026-10-01T09:00:00Z").unwrap(),
        around: Around::default(),
    };
    let verdict = engine.check_text(&bare, None);
    let records = AlertTerms::from(&config).firing(&verdict, bare.at);
    assert!(records.len() >= 2);
    for record in records {
        let (_, section) = record.annotations["runbook_url"].split_once('#').unwrap();
        assert!(sections.contains(section), "{section}");
        let name = &record.labels["alertname"];
        assert!(runbooks.contains(&format!("### {section}\n\nAlert `{name}`.")), "{name}");
    }
}

/// The example is what the command writes for the contacts beside it.
#[test]
fn the_alertmanager_example_is_up_to_date() {
    let dir = "dashboards/alertmanager";
    let stores = yaml(format!("{dir}/stores.example.yaml"));
    let agencies: Vec<&str> =
        list(&stores, "stores").iter().filter_map(|store| store["agency"].as_str()).collect();
    let name = format!("{dir}/contacts.example.yaml");
    let contacts = Contacts::read(&name, &text(&name), &agencies).unwrap();
    let wanted = Routing { contacts: &contacts, token: None, reader: Reader::V025 }.to_string();
    let path = root().join(dir).join("alertmanager.yml");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert!(text(path) == wanted, "alertmanager.yml is not up to date: run the tests with UPDATE_DOCS=1");
}
