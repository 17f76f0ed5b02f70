//! Do the unit tests of the rules bite? Each mutant is one threshold, one window or one label that is not as it was; the
//! tests of its file must fail.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::files::text;
use crate::harness::tool;

const SHORT: &str = "contactwatch.test.yml";
const LONG: &str = "contactwatch-long.test.yml";
const RULES: [&str; 2] = ["contactwatch.rules.yml", "contactwatch.alerts.yml"];

/// Alert or record, what stands in its rule, what it becomes, and whose test has to see it.
const MUTANTS: &[(&str, &str, &str, &str)] = &[
    ("ContactwatchStoreViolationSurge", ">= 3", ">= 7", LONG),
    ("ContactwatchStoreViolationSurge", "/ 24", "/ 240", LONG),
    ("platform_store:contactwatch_agency:info", "store!=\"other\"", "store!=\"none\"", LONG),
    ("ContactwatchReplyDeadlineNear", "0.75", "0.70", SHORT),
    ("ContactwatchReplyDeadlineNear", "group_left (agency)", "group_left ()", SHORT),
    ("ContactwatchMarketplaceActed", "kind!=\"unfreeze\"", "kind!=\"none\"", SHORT),
    ("ContactwatchSlaBudgetBurn", "(6 * 0.05)", "(20 * 0.05)", SHORT),
    ("ContactwatchSlaBudgetBurn", "(3 * 0.05)", "(0.3 * 0.05)", SHORT),
    ("ContactwatchSlaBudgetBurn", "> 50", "> 10", SHORT),
    ("ContactwatchMisjudgmentBudgetExceeded", "(max by", "(10 * max by", LONG),
    ("ContactwatchMisjudgmentBudgetExceeded", "> 1000", "> 100", LONG),
    ("ContactwatchMisjudgmentBudgetBurn", "(3 *", "(12 *", LONG),
    ("ContactwatchRuleMostlyMisjudged", "> 0.5", "> 0.1", LONG),
    ("ContactwatchRuleMostlyMisjudged", ">= 20", ">= 5", LONG),
    ("ContactwatchRuleSurge", "5 * sum", "0.5 * sum", LONG),
    ("ContactwatchReviewsStopped", "< 0.02", "< 0.2", LONG),
    ("ContactwatchReviewsStopped", "> 100", "> 10", LONG),
    ("ContactwatchDown", "for: 2m", "for: 20m", SHORT),
    ("ContactwatchRestarting", "> 2", "> 1", SHORT),
    ("ContactwatchErrorsLogged", "level=\"error\"", "level=\"warn\"", SHORT),
    ("ContactwatchWorkerSaturated", "> 0.9", "> 0.7", SHORT),
    ("ContactwatchProcessingDelayed", "> 60", "> 6", SHORT),
    ("ContactwatchEventsRejected", "> 0.01", "> 0.001", SHORT),
    ("ContactwatchSeriesCapped", "[1h]", "[2h]", SHORT),
    ("ContactwatchReloadFailed", "== 0", "== 1", SHORT),
    ("ContactwatchPoliciesDiffer", "< on (job)", "<= on (job)", SHORT),
    ("ContactwatchNotConsuming", "messages > 0", "messages > 100", SHORT),
    ("ContactwatchLagging", "> 600", "> 6000", SHORT),
    ("ContactwatchInputSilent", "> 1000", "> 100", SHORT),
    ("ContactwatchPartitionsUnassigned", "sum[1d]", "sum[5m]", SHORT),
    ("ContactwatchRebalancing", "revoke|lost", "assign|lost", SHORT),
    ("ContactwatchCommitsFailing", "result=\"error\"", "result=\"ok\"", SHORT),
    ("ContactwatchAlertDeliveryFailing", "< 120", "< 120000", SHORT),
    ("ContactwatchAlertRelaySilent", "unless on (job)", "and on (job)", SHORT),
    ("ContactwatchAlertsDropped", "reason!=\"expired\"", "reason!=\"rejected\"", SHORT),
    ("platform:contactwatch_reply_limit:seconds", "86400", "7200", SHORT),
    (
        "platform_rule:contactwatch_misjudged_per_verdicts:ratio_increase7d",
        "verdict!=\"missed\"",
        "verdict!=\"none\"",
        LONG,
    ),
    ("platform_rule:contactwatch_rule_matches:increase1h", "action=\"alert\"", "action!=\"none\"", LONG),
];

/// The rules with one of them changed, everywhere it stands in that rule.
fn mutate(files: &[String; 2], rule: &str, from: &str, to: &str) -> [String; 2] {
    let mut changed = 0;
    let mutant = files.each_ref().map(|text| {
        let mut parts = text.split_inclusive("\n  - ").map(str::to_owned).collect::<Vec<_>>();
        for part in &mut parts {
            let name = part.lines().next().and_then(|line| line.split_once(": ")).map(|(_, name)| name);
            if name == Some(rule) && part.contains(from) {
                *part = part.replace(from, to);
                changed += 1;
            }
        }
        parts.concat()
    });
    assert!(changed > 0, "{rule} holds no {from}");
    mutant
}

/// A test file of only those tests that look at an alert: promtool takes its time over a week.
fn tests_about(text: &str, rule: &str) -> String {
    let Some((head, tests)) = text.split_once("tests:\n") else { return text.to_owned() };
    let (mut kept, mut cut) = (format!("{head}tests:\n"), 0);
    for test in tests.split("\n- name: ") {
        let test = test.trim_start_matches("- name: ");
        if rule.contains(':') || test.contains(&format!("alertname: {rule}\n")) {
            kept.push_str(&format!("- name: {}\n", test.trim_end()));
            cut += 1;
        }
    }
    assert!(cut > 0, "no test looks at {rule}");
    kept
}

/// How many instances of promtool run at a time, beside the other scenario.
const AT_A_TIME: usize = 2;

pub(crate) fn mutants_are_killed(dir: &Path) -> String {
    let rules = RULES.map(|file| text(format!("dashboards/prometheus/{file}")));
    let tests = [SHORT, LONG].map(|file| text(format!("dashboards/prometheus/{file}")));
    let survivors = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some((rule, from, to, file)) = MUTANTS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place =
                        dir.join(format!("{rule}-{from}").replace(|c: char| !c.is_alphanumeric(), "-"));
                    fs::create_dir_all(&place).unwrap();
                    let test = tests_about(&tests[usize::from(*file == LONG)], rule);
                    fs::write(place.join(file), test).unwrap();
                    let mutant = mutate(&rules, rule, from, to);
                    for (name, text) in RULES.iter().zip(&mutant) {
                        fs::write(place.join(name), text).unwrap();
                    }
                    // What cannot be parsed is no mutant: the tests would fail for a reason that proves nothing.
                    let sound = tool(&place, "promtool", &["check", "rules", RULES[0], RULES[1]]);
                    assert!(sound.status.success(), "{rule}: {to} is no rule");
                    if tool(&place, "promtool", &["test", "rules", file]).status.success() {
                        survivors.lock().unwrap().push(format!("{rule}: {from} -> {to}"));
                    }
                }
            });
        }
    });
    let survivors = survivors.into_inner().unwrap();
    assert!(survivors.is_empty(), "no test sees that {survivors:#?}");
    format!("{} of {} mutants", MUTANTS.len(), MUTANTS.len())
}
