//! tests/corpus/REPORT.md says what the program does today. `make backtest` writes it; here it is held against a new
//! measurement.

#![cfg(feature = "daemon")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// Where the part begins that is measured on corpora which are not in this repository.
const THIRD_PARTY: &str = "## Texts of third parties";
const LANGUAGES: [&str; 3] = ["ru", "en", "zh"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    files.sort();
    files
}

fn backtest(files: &[PathBuf], flags: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contactwatch"));
    let output = command.arg("backtest").arg("--json").args(flags).args(files).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn groups<'a>(report: &'a Value, side: &'a str, by: &'a str) -> impl Iterator<Item = &'a Value> {
    let groups = report["groups"].as_array().unwrap().iter();
    groups.filter(move |group| group["side"] == side && group["by"] == by)
}

fn group<'a>(report: &'a Value, side: &'a str, by: &'a str, key: &str) -> Option<&'a Value> {
    groups(report, side, by).find(|group| group["key"] == key)
}

fn percent(rate: f64) -> String {
    format!("{:.2} %", rate * 100.0)
}

fn count(group: &Value, field: &str) -> u64 {
    group[field].as_u64().unwrap()
}

fn review(group: &Value) -> String {
    percent(count(group, "review") as f64 / count(group, "n") as f64)
}

fn benign_row(out: &mut String, name: &str, group: &Value) {
    let (n, flagged) = (count(group, "n"), count(group, "flagged"));
    let (rate, bound) = (group["rate"].as_f64().unwrap(), group["bound"].as_f64().unwrap());
    let standing = group["status"].as_str().unwrap_or("");
    let review = review(group);
    writeln!(
        out,
        "| {name} | {n} | {flagged} | {} | {} | {standing} | {review} |",
        percent(rate),
        percent(bound)
    )
    .unwrap();
}

fn violating_row(out: &mut String, name: &str, group: &Value) {
    let (n, found) = (count(group, "n"), count(group, "flagged"));
    let (rate, bound) = (group["rate"].as_f64().unwrap(), group["bound"].as_f64().unwrap());
    let with_review = (found + count(group, "review")) as f64 / n as f64;
    let named = count(group, "named");
    writeln!(
        out,
        "| {name} | {n} | {found} | {} | {} | {named} | {} |",
        percent(rate),
        percent(bound),
        percent(with_review)
    )
    .unwrap();
}

const BENIGN: &str =
    "| benign | n | misjudged | rate | at most | budget | to review |\n|---|---|---|---|---|---|---|\n";
const VIOLATING: &str = "| violating | n | found | rate | at least | for the right rule | found or to review |\n|---|---|---|---|---|---|---|\n";

fn by_language(out: &mut String, report: &Value) {
    out.push_str(BENIGN);
    for wording in ["ordinary", "hard"] {
        for lang in LANGUAGES {
            let key = format!("{lang} {wording}");
            if let Some(group) = group(report, "benign", "lang_wording", &key) {
                benign_row(out, &key, group);
            }
        }
    }
    out.push('\n');
    out.push_str(VIOLATING);
    for wording in ["plain", "obfuscated"] {
        for lang in LANGUAGES {
            let key = format!("{lang} {wording}");
            if let Some(group) = group(report, "violating", "lang_wording", &key) {
                violating_row(out, &key, group);
            }
        }
    }
    out.push('\n');
}

fn table(out: &mut String, report: &Value, side: &'static str, by: &'static str) {
    out.push_str(if side == "benign" { BENIGN } else { VIOLATING });
    for group in groups(report, side, by) {
        let row = if side == "benign" { benign_row } else { violating_row };
        row(out, group["key"].as_str().unwrap(), group);
    }
    out.push('\n');
}

fn own(out: &mut String) {
    let texts = files(&root().join("tests/corpus/texts"));
    out.push_str(include_str!("corpus/report_head.md"));
    let exam = backtest(&texts, &["--half", "report"]);
    out.push_str("## The half that is only reported\n\n");
    by_language(out, &exam);
    out.push_str(
        "By rule: how many ordinary benign texts each flagged, and how many of its violations it named.\n\n",
    );
    table(out, &exam, "benign", "rule");
    table(out, &exam, "violating", "rule");
    out.push_str("By disguise, and the benign texts that were flagged because one was undone.\n\n");
    table(out, &exam, "violating", "disguise");
    table(out, &exam, "benign", "undone");
    out.push_str("By family.\n\n");
    table(out, &exam, "benign", "family");
    out.push_str("## The same half without the classifier\n\n");
    by_language(out, &backtest(&texts, &["--half", "report", "--no-classifier"]));
    out.push_str("## The half that lexicons and classifier learned from\n\n");
    out.push_str(
        "For comparison only: the distance to the other half is what was remembered and not understood.\n\n",
    );
    by_language(out, &backtest(&texts, &["--half", "tune"]));
}

/// Corpora of others, when they are at hand. Half of their benign rows are among the lessons of the classifier.
fn third_party() -> Option<String> {
    let folder =
        std::env::var_os("CONTACTWATCH_CORPORA").map_or(root().join("../shared/corpus"), PathBuf::from);
    let corpora = files(&folder);
    if corpora.is_empty() {
        return None;
    }
    let report = backtest(&corpora, &["--half", "report", "--assume-reply"]);
    let mut out = format!("{THIRD_PARTY}\n\n{}", include_str!("corpus/report_third.md"));
    table(&mut out, &report, "benign", "lang");
    table(&mut out, &report, "benign", "source");
    table(&mut out, &report, "violating", "source");
    Some(out)
}

#[test]
fn the_report_is_of_today() {
    let path = root().join("tests/corpus/REPORT.md");
    let mut report = String::new();
    own(&mut report);
    let third = third_party();
    if third.is_none() {
        eprintln!(
            "SKIPPED: the corpora of third parties are not at hand; their part of the report was not looked at"
        );
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let third = third.expect("the report is written where the corpora of third parties are at hand");
        std::fs::write(&path, report + &third).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let (own, known_third) = committed.split_once(THIRD_PARTY).expect("both parts");
    assert!(own == report, "tests/corpus/REPORT.md is not of today: run `make backtest`");
    if let Some(third) = third {
        let known = format!("{THIRD_PARTY}{known_third}");
        assert!(
            known == third,
            "the part on third parties in tests/corpus/REPORT.md is not of today: run `make backtest`"
        );
    }
}
