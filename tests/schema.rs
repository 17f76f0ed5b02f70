//! The schemas tell the truth: what the program writes and what the shipped files hold is valid by them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "daemon")]

#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

fn schema(format: &str) -> Value {
    let output = Command::cargo_bin("contactwatch").unwrap().args(["schema", format]).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Keywords that say nothing about validity.
const ANNOTATIONS: [&str; 6] = ["$schema", "$defs", "title", "description", "format", "pattern"];

/// As much of JSON Schema as these schemas use. A keyword that is not understood is a fault, so that none is
/// forgotten here.
fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Some(keywords) = schema.as_object() else { return found };
    for (keyword, expected) in keywords {
        let valid = match keyword.as_str() {
            word if ANNOTATIONS.contains(&word) => true,
            "$ref" => {
                let target = root.pointer(expected.as_str().unwrap().trim_start_matches('#')).unwrap();
                found.extend(faults(root, target, value, at));
                true
            }
            "type" => match expected {
                Value::Array(types) => types.iter().any(|kind| is(kind, value)),
                kind => is(kind, value),
            },
            "const" => expected == value,
            "enum" => expected.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= expected.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= expected.as_f64().unwrap()),
            "minProperties" => {
                value.as_object().is_none_or(|map| map.len() as u64 >= expected.as_u64().unwrap())
            }
            "maxProperties" => {
                value.as_object().is_none_or(|map| map.len() as u64 <= expected.as_u64().unwrap())
            }
            "required" => {
                let missing = |key: &Value| value.is_object() && value.get(key.as_str().unwrap()).is_none();
                !expected.as_array().unwrap().iter().any(missing)
            }
            "properties" => {
                for (key, below) in expected.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        found.extend(faults(root, below, value, &format!("{at}/{key}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let others = value.as_object().into_iter().flatten();
                for (key, value) in
                    others.filter(|(key, _)| known.is_none_or(|known| !known.contains_key(*key)))
                {
                    match expected {
                        Value::Bool(allowed) if !allowed => found.push(format!("{at}: unknown key {key}")),
                        below => found.extend(faults(root, below, value, &format!("{at}/{key}"))),
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    found.extend(faults(root, expected, value, &format!("{at}/{index}")));
                }
                true
            }
            "anyOf" => matching(root, expected, value) >= 1,
            "oneOf" => matching(root, expected, value) == 1,
            other => panic!("the test does not know the keyword {other}"),
        };
        if !valid {
            found.push(format!("{at}: {keyword} {expected}: {value}"));
        }
    }
    found
}

fn matching(root: &Value, schemas: &Value, value: &Value) -> usize {
    schemas.as_array().unwrap().iter().filter(|schema| faults(root, schema, value, "").is_empty()).count()
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type: {other}"),
    }
}

fn timelines() -> Vec<Value> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/timelines");
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let texts = files.map(|path| fs::read_to_string(path).unwrap());
    let rows: Vec<Value> = texts
        .flat_map(|text| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>())
        .collect();
    assert!(rows.len() > 100);
    rows
}

#[test]
fn every_event_of_the_timelines_is_valid() {
    let schema = schema("event");
    for timeline in timelines() {
        for event in timeline["events"].as_array().unwrap() {
            let kind = event["type"].as_str().unwrap();
            let faults = faults(&schema, &schema["$defs"][kind], event, kind);
            assert!(faults.is_empty(), "{}: {faults:#?}", timeline["name"]);
        }
    }
    let event = &timelines()[0]["events"][0];
    assert!(faults(&schema, &schema, event, "").is_empty());
    assert!(!faults(&schema, &schema, &serde_json::json!({"v": 1, "type": "message"}), "").is_empty());
}

#[test]
fn every_verdict_over_the_timelines_is_valid() {
    let schema = schema("verdict");
    let mut events = String::new();
    for timeline in timelines() {
        for event in timeline["events"].as_array().unwrap() {
            events += &format!("{event}\n");
        }
    }
    let output = Command::cargo_bin("contactwatch")
        .unwrap()
        .args(["score", "-"])
        .write_stdin(events)
        .output()
        .unwrap();
    let verdicts = String::from_utf8(output.stdout).unwrap();
    assert!(verdicts.lines().count() > 100, "{}", String::from_utf8_lossy(&output.stderr));
    for line in verdicts.lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let faults = faults(&schema, &schema, &verdict, "verdict");
        assert!(faults.is_empty(), "{line}\n{faults:#?}");
    }
}

#[test]
fn every_alert_is_valid() {
    use contactwatch::alert::AlertTerms;
    use contactwatch::config::{Alertmanager, Config};
    use contactwatch::time::Millis;

    let schema = schema("alert");
    let terms = AlertTerms::from(&Alertmanager {
        external_url: Some("https://contactwatch.example".to_owned()),
        ..Config::default().alertmanager
    });
    let engine = support::engine();
    let now = Millis::parse("2026-10-08T00:00:00Z").unwrap();
    let mut seen = 0;
    for (place, timeline) in support::timelines() {
        for record in support::run(&engine, &timeline).iter().flat_map(|verdict| terms.firing(verdict, now)) {
            let faults = faults(&schema, &schema, &serde_json::to_value(&record).unwrap(), "alert");
            assert!(faults.is_empty(), "{place}: {record:?}\n{faults:#?}");
            seen += 1;
        }
    }
    assert!(seen > 200, "only {seen} alerts");
}

#[test]
fn every_shipped_pack_is_valid() {
    let schema = schema("policy");
    let tree = contactwatch::shipped::Tree::shipped();
    for (name, text) in tree.part(contactwatch::shipped::Part::Packs) {
        let pack: Value = serde_saphyr::from_str(text).unwrap();
        let faults = faults(&schema, &schema, &pack, name);
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn every_schema_names_its_draft() {
    for format in ["event", "verdict", "alert", "policy"] {
        assert_eq!(schema(format)["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
}
