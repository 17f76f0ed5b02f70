//! The inline cases of packs: short stories, each judged by its pack alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::engine::{Effects, Emit, Engine};
use crate::policy::cases::{Case, Then};
use crate::policy::{Mode, severity_word};
use crate::score::{FactValue, Finding, Trigger, Verdict, VerdictKind};
use crate::state::TaskState;

use super::rules::Rules;

/// A test that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failed {
    /// File, line and column.
    pub(super) place: String,
    /// Its name.
    pub(super) name: String,
    /// What was expected, and what came.
    pub(super) fault: String,
}

/// Runs every case, and returns those that fail.
pub(super) fn run(rules: &Rules) -> Vec<Failed> {
    let engines: BTreeMap<&str, (Engine, &str)> = rules
        .policy
        .alone
        .iter()
        .map(|(pack, platform, ruleset)| {
            (&**pack, (Engine::new(Arc::clone(ruleset), Emit::All), &**platform))
        })
        .collect();
    let mut failed = Vec::new();
    for case in &rules.policy.cases {
        let Some((engine, platform)) = engines.get(&*case.pack) else { continue };
        let faults = faults(case, &verdicts(engine, platform, case));
        if !faults.is_empty() {
            let (place, name) = (case.place.to_string(), case.name.to_string());
            failed.push(Failed { place, name, fault: faults.join("; ") });
        }
    }
    failed
}

/// The verdicts that a case speaks of.
fn verdicts(engine: &Engine, platform: &str, case: &Case) -> Vec<Verdict> {
    let (mut state, mut effects) = (TaskState::default(), Effects::default());
    let events = case.events(platform, "1");
    for event in &events {
        engine.process(&mut state, event, &mut effects);
    }
    match case.then {
        Then::Until(until) => {
            effects.verdicts.clear();
            engine.advance(&mut state, until, &mut effects);
            effects.verdicts
        }
        Then::LastEvent => {
            // What is held back is judged at the end of the story.
            engine.finish(&mut state, &mut effects);
            let last = events.last().map_or("", |event| &*event.event_id);
            effects.verdicts.retain(|verdict| verdict.event_id == last && verdict.trigger != Trigger::Timer);
            effects.verdicts
        }
    }
}

fn faults(case: &Case, verdicts: &[Verdict]) -> Vec<String> {
    let expect = &case.expect;
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: String, got: String| {
        if expected != got {
            faults.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let findings: Vec<&Finding> =
        verdicts.iter().flat_map(|v| &v.findings).filter(|finding| finding.mode == Mode::Enforce).collect();
    let worst = verdicts.iter().map(|verdict| verdict.verdict).max().unwrap_or(VerdictKind::Clean);
    differs("verdict", expect.verdict.as_str().to_owned(), worst.as_str().to_owned());
    if let Some(rules) = &expect.rules {
        differs(
            "rules",
            set(rules.iter().map(|rule| &**rule)),
            set(findings.iter().map(|finding| &*finding.rule)),
        );
    }
    if let Some(severity) = expect.severity {
        let got = findings.iter().map(|finding| finding.severity).max().map_or("none", severity_word);
        differs("severity", severity_word(severity).to_owned(), got.to_owned());
    }
    if let Some(reason) = &expect.reason {
        let contact = findings.iter().find(|finding| &*finding.rule == "proactive-contact");
        let got = match contact.and_then(|finding| finding.facts.get("reason")) {
            Some(FactValue::Text(reason)) => reason.clone(),
            _ => "none".to_owned(),
        };
        differs("reason", reason.to_string(), got);
    }
    if let Some(unknown) = &expect.unknown {
        let got = verdicts.iter().flat_map(|verdict| verdict.unknown.iter().map(String::as_str));
        differs("unknown", set(unknown.iter().map(|fact| &**fact)), set(got));
    }
    faults
}

fn set<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: std::collections::BTreeSet<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.into_iter().collect::<Vec<_>>().join(", ") }
}
