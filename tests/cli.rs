//! The program as people run it: what it prints, and how it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "daemon")]

#[path = "cli/config.rs"]
mod config;
#[path = "cli/daemon.rs"]
mod daemon;
#[path = "cli/policy.rs"]
mod policy;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

const BUYER: &str = r#"{"v":1,"type":"message","event_id":"ozon/7/m/1/sent","platform":"ozon","store":"7","occurred_at":"2026-10-01T09:00:00Z","kind":"sent","conversation":"c1","message_id":"1","author":"buyer","origin":"human","text":"Где мой заказ?"}"#;
const ANSWER: &str = r#"{"v":1,"type":"message","event_id":"ozon/7/m/2/sent","platform":"ozon","store":"7","occurred_at":"2026-10-01T09:10:00Z","kind":"sent","conversation":"c1","message_id":"2","author":"seller","origin":"human","text":"Заказ в пути, завтра будет у вас."}"#;
const PROMO: &str = r#"{"v":1,"type":"message","event_id":"ozon/7/m/3/sent","platform":"ozon","store":"7","occurred_at":"2026-10-01T09:20:00Z","kind":"sent","conversation":"c1","message_id":"3","author":"seller","origin":"human","text":"Дарим скидку 10 % на следующий заказ!"}"#;

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/policies")
}

fn bare() -> Command {
    let mut command = Command::cargo_bin("contactwatch").unwrap();
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("CONTACTWATCH") {
            command.env_remove(variable);
        }
    }
    command.env("COLUMNS", "100").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn run(args: &[&str]) -> Command {
    let mut command = bare();
    command.args(args);
    command
}

/// A command that judges with the small pack.
fn judge(args: &[&str]) -> Command {
    let mut command = run(args);
    command.arg("--policies").arg(policies());
    command
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn end(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn end_with(mut command: Command, input: impl Into<Vec<u8>>) -> Ended {
    command.write_stdin(input);
    end(command)
}

fn records(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn file(dir: &TempDir, name: &str, text: &str) -> String {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn help_tells_a_newcomer_what_to_do() {
    insta::assert_snapshot!("help", end(run(&["--help"])).out);
    for command in [
        "demo",
        "run",
        "topics",
        "dead-letters",
        "score",
        "lint",
        "backtest",
        "replay",
        "init",
        "policy",
        "config",
        "schema",
    ] {
        insta::assert_snapshot!(format!("help_{command}"), end(run(&[command, "--help"])).out);
    }
    for command in ["check", "show", "diff", "test"] {
        insta::assert_snapshot!(
            format!("help_policy_{command}"),
            end(run(&["policy", command, "--help"])).out
        );
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    for args in [
        &["judge"][..],
        &["score", "--nonsense"],
        &["score", "--until", "tomorrow"],
        &["score", "--fail-on", "clean"],
        &["lint", "--surface", "moon", "x"],
        &["lint", "--platform", "ozone", "x"],
        &["backtest"],
        &["backtest", "--budget", "3", "x"],
        &["replay"],
        &["schema", "orders"],
        &["score", "--policies", "/nowhere"],
        &["score", "--config", "/nowhere.yaml"],
    ] {
        let ended = end_with(run(args), "");
        assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{args:?}: {}", ended.err);
        assert!(ended.err.starts_with("error: "), "{args:?}: {}", ended.err);
    }
    assert!(end(judge(&["lint", "--platform", "ozone", "x"])).err.contains("did you mean \"ozon\"?"));
}

#[test]
fn files_that_cannot_be_read_end_with_3() {
    for args in [&["score", "/nowhere.ndjson"][..], &["backtest", "/nowhere.ndjson"], &["score", "/"]] {
        let ended = end(run(args));
        assert_eq!(ended.code, 3, "{args:?}: {}", ended.err);
        assert!(ended.err.contains('/'), "{}", ended.err);
    }
}

#[test]
fn score_judges_a_history() {
    let ended = end_with(judge(&["score", "--stats"]), format!("{BUYER}\n\n{ANSWER}\r\n{PROMO}\n"));
    assert_eq!(ended.code, 0, "{}", ended.err);
    let verdicts = records(&ended.out);
    let words: Vec<_> =
        verdicts.iter().map(|v| (v["event_id"].as_str().unwrap(), v["verdict"].as_str().unwrap())).collect();
    assert_eq!(words, [("ozon/7/m/2/sent", "clean"), ("ozon/7/m/3/sent", "violation")]);
    assert_eq!(verdicts[1]["findings"][0]["rule"], "promo");
    assert!(ended.err.starts_with("3 lines, 3 events (judged 2, observed 1), 2 verdicts"), "{}", ended.err);
}

#[test]
fn several_inputs_are_one_history() {
    let dir = TempDir::new().unwrap();
    let (first, second) = (file(&dir, "1.ndjson", BUYER), file(&dir, "2.ndjson", ANSWER));
    let verdicts = records(&end(judge(&["score", &first, &second])).out);
    assert_eq!(verdicts[0]["verdict"], "clean");
    let verdicts = records(&end(judge(&["score", &second])).out);
    assert_eq!(verdicts[0]["verdict"], "violation");
    let ended = end_with(judge(&["score", "-", &second]), BUYER);
    assert_eq!(records(&ended.out)[0]["verdict"], "clean");
}

#[test]
fn deadlines_fire_up_to_until() {
    for (until, fired) in [("2026-10-01T11:00:00Z", 1), ("2026-10-01T13:59:00+03:00", 0)] {
        let ended = end_with(judge(&["score", "--until", until]), BUYER);
        let verdicts = records(&ended.out);
        assert_eq!(verdicts.len(), fired, "{until}: {}", ended.out);
        for verdict in verdicts {
            assert_eq!(
                (&verdict["trigger"], &verdict["event_id"]),
                (&"timer".into(), &"ozon/7/m/1/sent".into())
            );
            assert_eq!(verdict["occurred_at"], "2026-10-01T11:00:00.000Z");
        }
    }
}

#[test]
fn bad_lines_are_named_counted_and_skipped() {
    let input = [
        BUYER.as_bytes(),
        b"\n{\"v\":1,\n\xff\xfe\n",
        ANSWER.as_bytes(),
        b"\n{\"v\":9,\"type\":\"message\"}",
    ]
    .concat();
    let ended = end_with(judge(&["score", "--stats"]), input.clone());
    assert_eq!(ended.code, 0);
    assert_eq!(records(&ended.out).len(), 1);
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.len(), 4, "{}", ended.err);
    for (line, number) in lines.iter().zip([2, 3, 5]) {
        assert!(line.starts_with(&format!("line {number}: ")), "{line}");
    }
    assert!(
        lines[3].contains("errors: invalid_json 1, invalid_utf8 1, unsupported_version 1"),
        "{}",
        lines[3]
    );

    let dir = TempDir::new().unwrap();
    let path = dir.path().join("events.ndjson");
    fs::write(&path, &input).unwrap();
    let path = path.to_str().unwrap();
    let ended = end(judge(&["score", path]));
    assert!(ended.err.starts_with(&format!("{path}: line 2: ")), "{}", ended.err);

    let ended = end(judge(&["score", "--strict", path]));
    assert_eq!(ended.code, 3);
    assert_eq!(ended.out, "");
    assert!(ended.err.contains("line 2: ") && !ended.err.contains("line 3"), "{}", ended.err);
}

#[test]
fn a_file_of_another_kind_is_not_told_line_by_line() {
    let ended = end_with(judge(&["score"]), "prose\n".repeat(50));
    assert_eq!((ended.code, ended.out.as_str()), (0, ""));
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.len(), 22, "{}", ended.err);
    assert_eq!(lines[20], "… and 30 more lines that cannot be read");
    assert!(lines[21].contains("`contactwatch schema event`"), "{}", lines[21]);
    let ended = end_with(judge(&["score", "--summary"]), "");
    assert_eq!(ended.out, "nothing was judged: no message of a seller, and no deadline passed\n");
}

#[test]
fn verdicts_can_be_an_exit_code() {
    let history = format!("{BUYER}\n{PROMO}\n");
    for (args, history, code) in [
        (&["score", "--fail-on", "violation"][..], history.as_str(), 1),
        (&["score", "--fail-on", "review", "--verdicts", "not_clean"], &history, 1),
        (&["score", "--fail-on", "violation"], BUYER, 0),
        (&["score"], &history, 0),
    ] {
        assert_eq!(end_with(judge(args), history).code, code, "{args:?}");
    }
    let ended =
        end_with(judge(&["score", "--verdicts", "not_clean"]), format!("{BUYER}\n{ANSWER}\n{PROMO}\n"));
    assert_eq!(records(&ended.out).len(), 1);
}

#[test]
fn rows_are_judged_as_replies_each_on_its_own() {
    let rows = "{\"id\":\"a\",\"lang\":\"ru\",\"text\":\"Спасибо за заказ\"}\n{\"id\":\"b\"}\n{\"id\":\"c\",\"lang\":\"ru\",\"text\":\"Дарим скидку 10 %\",\"label\":\"promo\"}\n";
    let ended = end_with(judge(&["score", "--assume-reply"]), rows);
    let verdicts = records(&ended.out);
    let words: Vec<_> =
        verdicts.iter().map(|v| (v["event_id"].as_str().unwrap(), v["verdict"].as_str().unwrap())).collect();
    assert_eq!(words, [("a", "clean"), ("c", "violation")]);
    assert!(ended.err.starts_with("line 2: ") && ended.err.contains("missing field `text`"), "{}", ended.err);
}

#[test]
fn a_summary_is_for_people() {
    let ended = end_with(judge(&["score", "--summary"]), format!("{BUYER}\n{ANSWER}\n{PROMO}\n"));
    insta::assert_snapshot!("summary", ended.out);
}

#[test]
fn lint_underlines_the_words() {
    let ended =
        end(judge(&["lint", "Добрый день!\nДарим скидку 10 % на следующий заказ", "Спасибо за заказ"]));
    assert_eq!(ended.code, 1, "{}", ended.err);
    insta::assert_snapshot!("lint", ended.out);
    assert!(end(judge(&["--color", "always", "lint", "Дарим скидку 10 %"])).out.contains("\u{1b}["));
}

#[test]
fn lint_reads_standard_input_as_one_text() {
    let ended = end_with(judge(&["lint", "--json", "-"]), "Добрый день!\n\nДарим скидку 10 %\n");
    assert_eq!(ended.code, 1);
    let verdicts = records(&ended.out);
    assert_eq!((verdicts.len(), &verdicts[0]["findings"][0]["rule"]), (1, &"promo".into()));
    let ended = end(judge(&["lint", "--surface", "insert", "Спасибо за заказ"]));
    assert_eq!((ended.code, ended.out.as_str()), (0, "clean: it may be sent\n"));
}

#[test]
fn the_shipped_policies_judge_all_platforms() {
    let ended = end(run(&["lint", "--platform", "all", "--json", "Дарим скидку 10 % на следующий заказ"]));
    assert_eq!(ended.code, 1, "{}", ended.err);
    let platforms: Vec<String> =
        records(&ended.out).iter().map(|v| v["platform"].as_str().unwrap().to_owned()).collect();
    assert_eq!(platforms, ["ozon", "wildberries", "yandex_market"]);
    assert!(records(&ended.out).iter().all(|v| v["verdict"] == "violation"), "{}", ended.out);
}

fn rows(n: usize, text: &str, label: &str) -> String {
    (0..n)
        .map(|i| format!("{{\"id\":\"{label}-{i}\",\"lang\":\"ru\",\"text\":\"{text}\",\"label\":\"{label}\",\"source\":\"shop\"}}\n"))
        .collect()
}

#[test]
fn backtest_holds_misjudgments_against_a_budget() {
    let clean = rows(998, "Ваш заказ в пути", "benign")
        + &rows(3, "Дарим скидку 10 %", "promo")
        + &rows(1, "?", "unknown");
    let ended = end_with(judge(&["backtest", "-"]), clean.as_str());
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("backtest", ended.out);

    let ended = end_with(judge(&["backtest", "--json", "-"]), clean);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(
        (&report["v"], &report["needed"], &report["uncounted"]["unknown"]),
        (&1.into(), &998.into(), &1.into())
    );
    let benign = &report["groups"][0];
    assert_eq!(
        (&benign["side"], &benign["n"], &benign["flagged"]),
        (&"benign".into(), &998.into(), &0.into())
    );

    let wrong = rows(997, "Ваш заказ в пути", "benign") + &rows(1, "Дарим скидку 10 %", "benign");
    let ended = end_with(judge(&["backtest", "--show", "misjudged", "5", "-"]), wrong);
    assert_eq!(ended.code, 1, "{}", ended.out);
    assert!(
        ended.out.contains("misjudged benign-0") && ended.out.contains("Дарим скидку 10 %"),
        "{}",
        ended.out
    );
    // Two clauses are broken by the same words, which are shown once.
    let evidence: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("  = ")).collect();
    assert_eq!(evidence.iter().collect::<BTreeSet<_>>().len(), evidence.len(), "{}", ended.out);
    assert!(!evidence.is_empty(), "{}", ended.out);

    let ended = end_with(judge(&["backtest", "-"]), "{\"id\":\"1\",\"text\":\"x\"}\n");
    assert_eq!((ended.code, ended.out.as_str()), (3, ""));
    assert!(ended.err.starts_with("line 1: missing field `label`; expected benign"), "{}", ended.err);
    let proof = "\nerror: no labelled text was read (1 line could not be read): this proves nothing\n";
    assert!(ended.err.ends_with(proof), "{}", ended.err);
    assert_eq!(end_with(judge(&["backtest", "--strict", "-"]), "{}").code, 3);
}

#[test]
fn backtest_reads_timelines() {
    let timeline = format!(
        r#"{{"name":"t","lang":"ru","events":[{BUYER},{PROMO}],"expect":[{{"event_id":"ozon/7/m/3/sent","trigger":"message","verdict":"violation","rules":["promo"]}}]}}"#
    );
    let ended = end_with(judge(&["backtest", "--json", "-"]), timeline);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let all = &report["groups"][0];
    assert_eq!(
        (&all["side"], &all["n"], &all["named"]),
        (&"violating".into(), &1.into(), &1.into()),
        "{}",
        ended.out
    );
}

#[test]
fn replay_shows_what_another_policy_would_have_said() {
    let dir = TempDir::new().unwrap();
    let pack = fs::read_to_string(policies().join("small.yaml")).unwrap();
    let promo = pack.find("  - id: promo\n").unwrap();
    let next = pack.find("  - id: proactive-contact\n").unwrap();
    file(&dir, "small.yaml", &(pack[..promo].to_owned() + &pack[next..]));
    let against = dir.path().to_str().unwrap();
    let history = format!("{BUYER}\n{ANSWER}\n{PROMO}\n");
    let ended = end_with(judge(&["replay", "--against", against]), history.as_str());
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("replay", ended.out);
    let changes =
        records(&end_with(judge(&["replay", "--json", "--against", against]), history.as_str()).out);
    assert_eq!((changes.len(), &changes[0]["why"][0]), (1, &"-promo".into()));
    let same = policies();
    let ended = end_with(judge(&["replay", "--against", same.to_str().unwrap()]), history);
    assert_eq!(ended.out, "0 of 2 verdicts change\n");
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let dir = TempDir::new().unwrap();
    let events: String = (0..20_000).map(|i| PROMO.replace("m/3/", &format!("m/{i}/")) + "\n").collect();
    let path = file(&dir, "events.ndjson", &events);
    let mut child = Process::new(assert_cmd::cargo::cargo_bin("contactwatch"))
        .args(["score", &path, "--policies", policies().to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
