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
/// Where the part begins that is measured with the sentence encoder, whose file is not in this repository either.
const ENCODER: &str = "## The same half with the sentence encoder";
/// Other processors add the encoder's numbers up in another order: so many texts of a row may fall on the other side of a
/// bound.
const SLACK: u64 = 2;
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

/// Writers whom neither lexicons nor classifier nor encoder have learned from.
fn unread(flags: &[&str]) -> Value {
    backtest(&files(&root().join("tests/corpus/unread")), flags)
}

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
    out.push_str("## Writers whom nobody has read\n\n");
    out.push_str(
        "The texts of `unread/`: nothing was tuned on them, and nothing has learned from anything else of their writers.\n\n",
    );
    by_language(out, &unread(&[]));
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

/// With the encoder, when its file is at hand.
fn with_encoder() -> Option<String> {
    let shipped = root().join("target/encoder.bin");
    let file = std::env::var_os("CONTACTWATCH_ENCODER").map_or(shipped, PathBuf::from);
    if !file.exists() {
        return None;
    }
    let texts = files(&root().join("tests/corpus/texts"));
    let file = file.to_str().unwrap();
    let report = backtest(&texts, &["--half", "report", "--encoder", file]);
    let mut out = format!("{ENCODER}\n\n{}", include_str!("corpus/report_encoder.md"));
    by_language(&mut out, &report);
    table(&mut out, &report, "benign", "rule");
    table(&mut out, &report, "violating", "rule");
    table(&mut out, &report, "violating", "disguise");
    table(&mut out, &report, "benign", "family");
    out.push_str("And the writers whom nobody has read:\n\n");
    by_language(&mut out, &unread(&["--encoder", file]));
    Some(out)
}

/// The rows of tables: name, how many texts, how many of them flagged. What else stands in them follows from that.
fn rows(part: &str) -> Vec<(&str, u64, u64)> {
    let rows = part.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?, cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
    });
    rows.collect()
}

/// Whether both have the same rows, but for [`SLACK`].
fn agree(known: &str, found: &str) -> bool {
    let (known, found) = (rows(known), rows(found));
    let mut pairs = known.iter().zip(&found);
    known.len() == found.len() && pairs.all(|(a, b)| (a.0, a.1) == (b.0, b.1) && a.2.abs_diff(b.2) <= SLACK)
}

#[test]
fn parts_agree_but_for_a_slack() {
    let part = "text\n\n| benign | n | misjudged |\n|---|---|---|\n| ru hard | 524 | 11 | 2 % |\n";
    assert_eq!(rows(part), [("ru hard", 524, 11)]);
    for (from, to, expected) in [
        ("", "", true),
        ("| 11 |", "| 13 |", true),
        ("| 11 |", "| 14 |", false),
        ("| 524 |", "| 525 |", false),
        ("ru hard", "en hard", false),
        ("| ru hard | 524 | 11 | 2 % |\n", "", false),
    ] {
        assert_eq!(agree(part, &part.replacen(from, to, 1)), expected, "{from} {to}");
    }
}

#[test]
fn the_report_is_of_today() {
    let path = root().join("tests/corpus/REPORT.md");
    let mut report = String::new();
    let (encoder, third) = std::thread::scope(|scope| {
        let encoder = scope.spawn(with_encoder);
        own(&mut report);
        let third = third_party();
        (encoder.join().unwrap(), third)
    });
    for (part, name) in
        [(&encoder, "the sentence encoder (make encoder) is"), (&third, "the corpora of third parties are")]
    {
        if part.is_none() {
            eprintln!("SKIPPED: {name} not at hand; that part of the report was not looked at");
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let encoder = encoder.expect("the report is written where the sentence encoder is at hand");
        let third = third.expect("the report is written where the corpora of third parties are at hand");
        std::fs::write(&path, report + &encoder + &third).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    let (own, rest) = committed.split_once(ENCODER).expect("a part with the encoder");
    let (known_encoder, known_third) = rest.split_once(THIRD_PARTY).expect("a part on third parties");
    assert!(own == report, "tests/corpus/REPORT.md is not of today: run `make backtest`");
    if let Some(encoder) = encoder {
        assert!(
            agree(known_encoder, &encoder),
            "the part with the encoder in tests/corpus/REPORT.md is not of today: run `make backtest`"
        );
    }
    if let Some(third) = third {
        let known = format!("{THIRD_PARTY}{known_third}");
        assert!(
            known == third,
            "the part on third parties in tests/corpus/REPORT.md is not of today: run `make backtest`"
        );
    }
}
