//! The demo as people run it: everything in one process, and what it says of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![cfg(feature = "daemon")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_contactwatch"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("CONTACTWATCH") {
            command.env_remove(variable);
        }
    }
    command.arg("demo").args(args).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// The number before a word.
fn number(text: &str, word: &str) -> u64 {
    let (before, _) = text.split_once(word).unwrap_or_else(|| panic!("no \"{word}\" in:\n{text}"));
    let digits: Vec<char> = before.trim_end().chars().rev().take_while(char::is_ascii_digit).collect();
    digits.into_iter().rev().collect::<String>().parse().unwrap_or_else(|_| panic!("no number before {word}"))
}

#[test]
fn a_fleet_is_judged_and_what_is_caught_is_told() {
    let output = demo(&["--seconds", "8", "--stores", "10", "--seed", "1"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("http://127.0.0.1:") && text.contains("/metrics"), "{text}");
    assert!(!text.contains('\u{1b}'), "escape codes where nobody reads them");
    assert!(!text.contains("Not all came out in time"), "{text}");

    let (live, summary) = text.split_once("\nStores\n").unwrap();
    let totals = live.lines().rev().find(|line| line.contains("verdicts in 10 stores")).unwrap();
    let (clean, violations) = (number(totals, "clean"), number(totals, "violation"));
    assert!(violations >= 8, "{totals}");
    assert!(clean * 10 >= number(totals, "verdicts") * 9, "most of life is clean: {totals}");
    let rules: BTreeSet<&str> = summary
        .lines()
        .skip_while(|line| *line != "Rules")
        .skip(2)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(rules.len() >= 6, "{rules:?}");
    for rule in ["proactive-contact", "reply-overdue", "off-platform-channel"] {
        assert!(rules.contains(rule), "{rule} among {rules:?}");
    }
    // Every rule is explained by its clause and by what would have been right.
    assert!(live.matches("→ ").count() >= 6, "{live}");
    assert!(number(summary, " active") > 0, "{summary}");
    assert_eq!(number(summary, "unreadable record"), 3, "{summary}");
    assert_eq!(live.matches("dead letter ").count(), 3, "{live}");
    assert!(
        summary.contains("labelled by the reviewer") && !summary.contains("  0 verdicts labelled"),
        "{summary}"
    );
    let (written, committed) = (number(summary, "events written"), number(summary, "committed with"));
    assert_eq!(written, committed, "{summary}");
}

/// Reads lines until one has the word.
fn wait_for(reader: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap() > 0 {
        if line.contains(word) {
            return line;
        }
        line.clear();
    }
    panic!("it ended before it said \"{word}\"");
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[tokio::test]
async fn it_answers_while_it_runs_and_ends_early_when_it_is_interrupted() {
    let mut child = demo(&["--seconds", "600", "--stores", "3"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let line = wait_for(&mut reader, "/metrics");
    let metrics = line.split_whitespace().last().unwrap().to_owned();
    wait_for(&mut reader, "→ ");
    let client = reqwest::Client::new();
    let text = client.get(&metrics).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("contactwatch_violations_total{"), "{text}");
    let check = metrics.replace("/metrics", "/v1/check");
    let draft = serde_json::json!({ "platform": "ozon", "store": "184213", "text": "Пишите нам в ватсап" });
    let answer = client.post(check).bearer_auth("demo").json(&draft).send().await.unwrap();
    assert!(answer.text().await.unwrap().contains("off-platform-contact"));

    interrupt(&child);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        rest.contains("Ended early.") && rest.contains("\nRules\n") && rest.contains("\nNext\n"),
        "{rest}"
    );
}

#[test]
fn what_it_cannot_do_is_said_at_once() {
    for (args, code, words) in [
        (&["--stores", "0"][..], 2, "1..=1000"),
        (&["--seconds", "0"], 2, "1..=3600"),
        (&["--policies", "/nowhere"], 2, "/nowhere"),
        (&["--log", "/nowhere/log"], 2, "cannot write the log"),
        (&["--listen", "192.0.2.1:1"], 2, "192.0.2.1:1"),
    ] {
        let output = demo(args).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {told}");
        assert!(told.contains(words), "{args:?}: {told}");
    }
}
