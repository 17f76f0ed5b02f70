//! Putting a policy to the test: the inline cases of its packs, each judged by its pack alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::{Effects, Emit, Engine};
use crate::policy::cases::{Case, Expect, Then};
use crate::policy::{Compilation, Mode};
use crate::score::{FactValue, Trigger, Verdict, VerdictKind};
use crate::state::TaskState;
use crate::text::Scanner;

/// Store that the stories of cases are told in.
const STORE: &str = "case";

/// How one case went.
#[derive(Clone, Debug)]
pub struct CaseReport {
    /// The case.
    pub case: Case,
    /// What differs from the expectation, a line each; empty when it holds.
    pub faults: Vec<String>,
    /// Rules that fired.
    pub fired: BTreeSet<Arc<str>>,
}

impl CaseReport {
    /// Whether the case holds.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Runs every inline case of a compiled policy.
pub fn run_cases(policy: &Compilation, scanner: &Arc<Scanner>) -> Vec<CaseReport> {
    let mut engines: Vec<(Arc<str>, Engine)> = Vec::new();
    let mut reports = Vec::with_capacity(policy.cases.len());
    for case in &policy.cases {
        let known = engines.iter().position(|(pack, _)| *pack == case.pack);
        let index = known.or_else(|| {
            let ruleset = policy.ruleset_of(&case.pack, Arc::clone(scanner))?;
            engines.push((Arc::clone(&case.pack), Engine::new(Arc::new(ruleset), Emit::All)));
            Some(engines.len() - 1)
        });
        let Some(engine) = index.and_then(|index| engines.get(index)).map(|(_, engine)| engine) else {
            continue;
        };
        reports.push(run_case(engine, case));
    }
    reports
}

fn run_case(engine: &Engine, case: &Case) -> CaseReport {
    let platform = engine.ruleset().platforms().next().unwrap_or_default().to_owned();
    let events = case.events(&platform, STORE);
    let mut state = TaskState::default();
    let mut effects = Effects::default();
    for event in &events {
        engine.process(&mut state, event, &mut effects);
    }
    let verdicts = match case.then {
        Then::LastEvent => {
            engine.finish(&mut state, &mut effects);
            let last = events.last().map(|event| event.event_id.as_ref()).unwrap_or_default();
            let own = |verdict: &Verdict| verdict.event_id == last && verdict.trigger != Trigger::Timer;
            effects.verdicts.into_iter().filter(own).collect()
        }
        Then::Until(until) => {
            let told = effects.verdicts.len();
            engine.advance(&mut state, until, &mut effects);
            effects.verdicts.split_off(told)
        }
    };
    let fired = findings(&verdicts).map(|finding| Arc::clone(&finding.rule)).collect();
    CaseReport { case: case.clone(), faults: compare(&case.expect, &verdicts), fired }
}

fn findings(verdicts: &[Verdict]) -> impl Iterator<Item = &crate::score::Finding> {
    verdicts.iter().flat_map(|verdict| &verdict.findings).filter(|finding| finding.mode == Mode::Enforce)
}

fn compare(expect: &Expect, verdicts: &[Verdict]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut differs = |what: &str, expected: String, got: String| {
        if expected != got {
            faults.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let word = verdicts.iter().map(|verdict| verdict.verdict).max().unwrap_or(VerdictKind::Clean);
    differs("verdict", expect.verdict.as_str().to_owned(), word.as_str().to_owned());
    let join = |words: BTreeSet<String>| format!("[{}]", words.into_iter().collect::<Vec<_>>().join(", "));
    if let Some(rules) = &expect.rules {
        let expected = rules.iter().map(|rule| rule.to_string()).collect();
        differs(
            "rules",
            join(expected),
            join(findings(verdicts).map(|finding| finding.rule.to_string()).collect()),
        );
    }
    if let Some(severity) = expect.severity {
        let got = findings(verdicts).map(|finding| finding.severity).max();
        differs("severity", format!("{severity:?}"), got.map_or("none".to_owned(), |got| format!("{got:?}")));
    }
    if let Some(reason) = &expect.reason {
        let got = findings(verdicts).find_map(|finding| match finding.facts.get("reason") {
            Some(FactValue::Text(reason)) => Some(reason.clone()),
            _ => None,
        });
        differs("reason", reason.to_string(), got.unwrap_or_else(|| "none".to_owned()));
    }
    if let Some(unknown) = &expect.unknown {
        let expected = unknown.iter().map(|fact| fact.to_string()).collect();
        differs(
            "unknown",
            join(expected),
            join(verdicts.iter().flat_map(|verdict| verdict.unknown.clone()).collect()),
        );
    }
    faults
}
