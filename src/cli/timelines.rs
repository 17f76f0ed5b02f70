//! Golden timelines: the history of a store, and exactly the verdicts that must come of it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::backtest::{Label, Sample, Wording};
use crate::engine::{Effects, Engine};
use crate::event::{Decoded, decode};
use crate::policy::{Mode, Severity};
use crate::score::{FactValue, Finding, Trigger, Verdict, VerdictKind};
use crate::state::TaskState;
use crate::text::Confidence;
use crate::time::Millis;

use super::Failure;
use super::corpus::{Expected, Timeline};

/// Runs a timeline through an empty state of its own.
///
/// # Errors
/// What is wrong with one of its events, or with `until`.
pub(super) fn run(
    engine: &Engine,
    mut state: TaskState,
    timeline: &Timeline<'_>,
) -> Result<Vec<Verdict>, String> {
    let mut effects = Effects::default();
    for (index, event) in timeline.events.iter().enumerate() {
        match decode(event.get().as_bytes()).map_err(|error| format!("event {}: {error}", index + 1))? {
            Decoded::One(event) => drop(engine.process(&mut state, &event, &mut effects)),
            Decoded::Many(events) => {
                for event in &events {
                    engine.process(&mut state, event, &mut effects);
                }
            }
            Decoded::Skipped(_) => {}
        }
    }
    if let Some(until) = &timeline.until {
        let until = Millis::parse(until).map_err(|error| format!("until: \"{until}\" is {error}"))?;
        engine.advance(&mut state, until, &mut effects);
    }
    engine.finish(&mut state, &mut effects);
    Ok(effects.verdicts)
}

/// An expected verdict, a given one, or both where they speak of the same thing.
pub(super) struct Pair<'a> {
    pub(super) expected: Option<&'a Expected>,
    pub(super) got: Option<&'a Verdict>,
}

/// Holds what was expected against what was given.
pub(super) fn pair<'a>(timeline: &'a Timeline<'_>, verdicts: &'a [Verdict]) -> Vec<Pair<'a>> {
    let mut rest: Vec<&Verdict> = verdicts.iter().collect();
    let mut pairs = Vec::new();
    for expected in &timeline.expect {
        let speaks = |got: &&Verdict| {
            got.event_id == expected.event_id
                && got.trigger == expected.trigger
                && expected.occurred_at.as_ref().is_none_or(|at| *at == got.occurred_at)
        };
        // One event may have several deadlines: the verdict that agrees goes first.
        let exact = rest.iter().position(|got| speaks(got) && faults(expected, got).is_empty());
        let index = exact.or_else(|| rest.iter().position(speaks));
        pairs.push(Pair { expected: Some(expected), got: index.map(|index| rest.remove(index)) });
    }
    pairs.extend(rest.into_iter().map(|got| Pair { expected: None, got: Some(got) }));
    pairs
}

impl Pair<'_> {
    /// What is wrong, if anything: expected against got.
    pub(super) fn fault(&self) -> Option<String> {
        match (self.expected, self.got) {
            (Some(expected), Some(got)) => {
                let faults = faults(expected, got);
                (!faults.is_empty()).then(|| format!("{}: {}", expected.event_id, faults.join("; ")))
            }
            (Some(expected), None) => Some(format!(
                "{}: expected {}, got no {} verdict",
                expected.event_id,
                describe(expected.verdict, &expected.rules),
                trigger_word(expected.trigger),
            )),
            (None, Some(got)) => Some(format!(
                "{}: expected nothing, got {} ({})",
                got.event_id,
                describe(got.verdict, &rules(got)),
                trigger_word(got.trigger),
            )),
            (None, None) => None,
        }
    }

    /// The rules that were expected, and those that came.
    pub(super) fn rules(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        (
            self.expected.map_or_else(BTreeSet::new, |e| e.rules.clone()),
            self.got.map_or_else(BTreeSet::new, rules),
        )
    }

    /// The pair as a sample of a backtest: labelled by what was expected.
    pub(super) fn sample(&self, timeline: &Timeline<'_>) -> Sample {
        let expected = self.expected.map_or(VerdictKind::Clean, |expected| expected.verdict);
        let violation = expected == VerdictKind::Violation;
        let event = self.expected.map(|e| &e.event_id).or(self.got.map(|g| &g.event_id));
        Sample {
            id: format!("{} {}", timeline.name, event.map_or("", String::as_str)),
            lang: timeline.lang.to_string(),
            source: timeline.source.to_string(),
            label: if violation { Label::Violation } else { Label::Benign },
            wording: Wording::Ordinary,
            family: String::new(),
            disguise: Vec::new(),
            expected: match self.expected {
                Some(expected) if violation => expected.rules.iter().cloned().collect(),
                _ => Vec::new(),
            },
            verdict: self.got.map_or(VerdictKind::Clean, |got| got.verdict),
            found: self.got.map(convicting).unwrap_or_default(),
            undone: self.got.map(undone).unwrap_or_default(),
            asked: false,
        }
    }
}

/// Rules with a finding that makes a violation.
pub(super) fn convicting(verdict: &Verdict) -> Vec<String> {
    let rules: BTreeSet<String> = verdict
        .findings
        .iter()
        .filter(|finding| convicts(finding))
        .map(|finding| finding.rule.to_string())
        .collect();
    rules.into_iter().collect()
}

/// What had to be undone to see the words of such findings.
pub(super) fn undone(verdict: &Verdict) -> Vec<String> {
    let findings = verdict.findings.iter().filter(|finding| convicts(finding));
    let words: BTreeSet<&String> =
        findings.flat_map(|finding| &finding.evidence).flat_map(|evidence| &evidence.via).collect();
    words.into_iter().cloned().collect()
}

/// Enforced, certain, not just information.
fn convicts(finding: &Finding) -> bool {
    finding.mode == Mode::Enforce
        && finding.confidence == Confidence::Certain
        && finding.severity > Severity::Info
}

fn enforced(verdict: &Verdict) -> impl Iterator<Item = &Finding> {
    verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce)
}

fn rules(verdict: &Verdict) -> BTreeSet<String> {
    enforced(verdict).map(|finding| finding.rule.to_string()).collect()
}

fn faults(expected: &Expected, got: &Verdict) -> Vec<String> {
    let mut faults = Vec::new();
    let found = rules(got);
    if (expected.verdict, &expected.rules) != (got.verdict, &found) {
        let unknown = match got.unknown.as_slice() {
            [] => String::new(),
            unknown => format!(" (not known: {})", unknown.join(", ")),
        };
        faults.push(format!(
            "expected {}, got {}{unknown}",
            describe(expected.verdict, &expected.rules),
            describe(got.verdict, &found)
        ));
    }
    if let Some(reason) = &expected.reason {
        let reasons: Vec<&FactValue> =
            enforced(got).filter_map(|finding| finding.facts.get("reason")).collect();
        if !reasons.iter().any(|got| matches!(got, FactValue::Text(got) if got == reason)) {
            let got: Vec<String> = reasons.into_iter().map(super::summary::fact).collect();
            faults.push(format!("expected reason {reason}, got {}", or_none(&got)));
        }
    }
    if let Some(severity) = expected.severity {
        let got: Vec<Severity> = enforced(got).map(|finding| finding.severity).collect();
        if !got.contains(&severity) {
            let got: Vec<String> =
                got.into_iter().map(|s| super::output::severity_word(s).to_owned()).collect();
            let expected = super::output::severity_word(severity);
            faults.push(format!("expected severity {expected}, got {}", or_none(&got)));
        }
    }
    if let Some(confidence) = expected.confidence
        && !enforced(got).any(|finding| finding.confidence == confidence)
    {
        let word = if confidence == Confidence::Certain { "certain" } else { "suspected" };
        faults.push(format!("expected a {word} finding, got none"));
    }
    if let Some(unknown) = &expected.unknown {
        let missing = unknown.iter().filter(|fact| !got.unknown.iter().any(|known| known.starts_with(*fact)));
        faults.extend(
            missing.map(|fact| format!("expected {fact} not to be known, got {}", or_none(&got.unknown))),
        );
    }
    faults
}

fn or_none(words: &[String]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn describe(verdict: VerdictKind, rules: &BTreeSet<String>) -> String {
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    match rules.as_slice() {
        [] => verdict.as_str().to_owned(),
        rules => format!("{} {}", verdict.as_str(), rules.join(", ")),
    }
}

fn trigger_word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Message => "message",
        Trigger::Order => "order",
        Trigger::Registry => "registry",
        Trigger::Timer => "timer",
    }
}

/// Files that are named, and for a directory its `*.ndjson` files in order.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|error| super::input::cannot_read(path, &error))?;
        let mut below: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
            .collect();
        below.sort();
        files.extend(below);
    }
    Ok(files)
}
