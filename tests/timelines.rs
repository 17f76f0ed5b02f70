//! The golden timelines: whole histories of one store, and every verdict they must give.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;

use contactwatch::policy::Mode;
use contactwatch::policy::Severity;
use contactwatch::score::{FactValue, Verdict};
use support::{Timeline, effects, engine, run, timelines};

fn enforced(verdict: &Verdict) -> BTreeSet<String> {
    let enforced = verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
    enforced.map(|finding| finding.rule.to_string()).collect()
}

/// What is wrong, one line each.
fn compare(timeline: &Timeline, verdicts: &[Verdict]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rest: Vec<&Verdict> = verdicts.iter().collect();
    for expected in &timeline.expect {
        let word =
            |verdict: &Verdict| serde_json::to_value(verdict.trigger).unwrap().as_str().unwrap().to_owned();
        // A turn may fire several deadlines: the one with the wanted rules first.
        let wanted =
            |verdict: &&&Verdict| verdict.event_id == expected.event_id && word(verdict) == expected.trigger;
        let exact = rest.iter().position(|v| {
            wanted(&v)
                && enforced(v) == expected.rules
                && v.verdict.as_str() == expected.verdict
                && expected.severity.as_ref().is_none_or(|s| {
                    v.findings.iter().any(|f| format!("{:?}", f.severity).to_lowercase() == *s)
                })
        });
        let Some(index) = exact.or_else(|| rest.iter().position(|v| wanted(&v))) else {
            faults.push(format!(
                "no {} verdict for {}; expected {} {:?}",
                expected.trigger, expected.event_id, expected.verdict, expected.rules
            ));
            continue;
        };
        let verdict = rest.remove(index);
        if verdict.verdict.as_str() != expected.verdict || enforced(verdict) != expected.rules {
            faults.push(format!(
                "{}: expected {} {:?}, got {} {:?} unknown {:?}",
                expected.event_id,
                expected.verdict,
                expected.rules,
                verdict.verdict.as_str(),
                enforced(verdict),
                verdict.unknown
            ));
        }
        if let Some(reason) = &expected.reason {
            let reasons: Vec<_> = verdict
                .findings
                .iter()
                .filter(|f| f.mode == Mode::Enforce)
                .filter_map(|f| f.facts.get("reason"))
                .collect();
            if !reasons.contains(&&FactValue::Text(reason.clone())) {
                faults.push(format!("{}: expected reason {reason}, got {reasons:?}", expected.event_id));
            }
        }
        if let Some(unknown) = &expected.unknown
            && !unknown.iter().all(|fact| verdict.unknown.iter().any(|known| known.starts_with(fact)))
        {
            faults.push(format!(
                "{}: expected unknown {unknown:?}, got {:?}",
                expected.event_id, verdict.unknown
            ));
        }
        if let Some(confidence) = &expected.confidence {
            let found: Vec<String> = verdict
                .findings
                .iter()
                .filter(|f| f.mode == Mode::Enforce)
                .map(|f| format!("{:?}", f.confidence).to_lowercase())
                .collect();
            if !found.contains(confidence) {
                faults
                    .push(format!("{}: expected confidence {confidence}, got {found:?}", expected.event_id));
            }
        }
    }
    for verdict in rest {
        faults.push(format!(
            "unexpected {:?} verdict for {}: {} {:?}",
            verdict.trigger,
            verdict.event_id,
            verdict.verdict.as_str(),
            enforced(verdict)
        ));
    }
    faults
}

#[test]
fn every_timeline_gives_exactly_its_verdicts() {
    let engine = engine();
    let timelines = timelines();
    let mut faults = Vec::new();
    for (place, timeline) in &timelines {
        for fault in compare(timeline, &run(&engine, timeline)) {
            faults.push(format!("{place} {}: {fault}", timeline.name));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults in {} timelines:\n{}",
        faults.len(),
        timelines.len(),
        faults.join("\n")
    );
}

/// The reply time is counted apart from the verdicts: once for every deadline that passed, not for warnings before it.
#[test]
fn every_overdue_reply_is_a_breach_of_the_reply_time() {
    let engine = engine();
    let mut all = 0;
    for (place, timeline) in timelines() {
        let effects = effects(&engine, &timeline);
        let overdue = effects.verdicts.iter().flat_map(|verdict| &verdict.findings).filter(|finding| {
            &*finding.rule == "reply-overdue"
                && finding.severity != Severity::Info
                && finding.mode == Mode::Enforce
        });
        let overdue = overdue.count();
        assert_eq!(effects.breaches.len(), overdue, "{place} {}", timeline.name);
        all += overdue;
    }
    assert!(all >= 10, "{all}");
}
