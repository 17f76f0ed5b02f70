//! Putting a policy to the test: the inline cases of its packs, each judged by its pack alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::engine::{Effects, Emit, Engine};
use crate::policy::cases::{Case, Expect, Then};
use crate::policy::{Compilation, Mode, severity_word};
use crate::score::{FactValue, Finding, Trigger, Verdict, VerdictKind};
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
    /// Rules with enforced findings.
    pub fired: BTreeSet<Arc<str>>,
}

/// How often a rule was expected, and what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// Cases that expect it.
    pub expected: u64,
    /// Of these, those in which it fired.
    pub hit: u64,
    /// And those in which it did not.
    pub missed: u64,
    /// Cases in which it fired and was not expected.
    pub unexpected: u64,
}

/// Hits by rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HitsByRule(BTreeMap<Arc<str>, Hits>);

impl HitsByRule {
    /// Counts one comparison.
    pub fn count(&mut self, expected: &BTreeSet<Arc<str>>, fired: &BTreeSet<Arc<str>>) {
        for rule in expected.union(fired) {
            let hits = self.0.entry(Arc::clone(rule)).or_default();
            let (expected, fired) = (expected.contains(rule), fired.contains(rule));
            hits.expected += u64::from(expected);
            hits.hit += u64::from(expected && fired);
            hits.missed += u64::from(expected && !fired);
            hits.unexpected += u64::from(!expected && fired);
        }
    }

    /// Counts a case. One that does not say which rules it expects counts for none.
    pub fn count_case(&mut self, report: &CaseReport) {
        if let Some(rules) = &report.case.expect.rules {
            self.count(&rules.iter().map(Arc::clone).collect(), &report.fired);
        }
    }

    /// Every rule that was expected or fired, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Hits)> {
        self.0.iter().map(|(rule, hits)| (&**rule, *hits))
    }
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
        reports.push(match index.and_then(|index| engines.get(index)) {
            Some((_, engine)) => run_case(engine, case),
            // Never silently: a case that is not run would pass for one that holds.
            None => CaseReport {
                case: case.clone(),
                faults: vec!["its pack is not compiled".to_owned()],
                fired: BTreeSet::new(),
            },
        });
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

fn findings(verdicts: &[Verdict]) -> impl Iterator<Item = &Finding> {
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
    if let Some(rules) = &expect.rules {
        differs(
            "rules",
            set(rules.iter().map(|rule| &**rule)),
            set(findings(verdicts).map(|finding| &*finding.rule)),
        );
    }
    if let Some(severity) = expect.severity {
        let got = findings(verdicts).map(|finding| finding.severity).max().map_or("none", severity_word);
        differs("severity", severity_word(severity).to_owned(), got.to_owned());
    }
    if let Some(reason) = &expect.reason {
        // A message may break several rules, and other rules have reasons of their own.
        let got = findings(verdicts).filter_map(|finding| match finding.facts.get("reason") {
            Some(FactValue::Text(reason)) => Some(reason.as_str()),
            _ => None,
        });
        let got: BTreeSet<&str> = got.collect();
        if !got.contains(&**reason) {
            differs("reason", reason.to_string(), set(got.into_iter()));
        }
    }
    if let Some(unknown) = &expect.unknown {
        let got = verdicts.iter().flat_map(|verdict| verdict.unknown.iter().map(String::as_str));
        differs("unknown", set(unknown.iter().map(|fact| &**fact)), set(got));
    }
    faults
}

fn set<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: BTreeSet<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.into_iter().collect::<Vec<_>>().join(", ") }
}
