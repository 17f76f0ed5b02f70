//! Inline tests of a pack: what is given, what happens then, and what the verdict must be.
//!
//! A case is a short story of one conversation. [`Case::events`] tells it in canonical events; whoever runs it
//! feeds them to an engine whose ruleset holds the pack alone and compares what the last one brings with
//! [`Expect`].

mod spec;
mod steps;

use std::borrow::Cow;
use std::sync::Arc;

pub use spec::{CaseSpec, ExpectSpec, GiftSpec, ItemSpec, ShippedWithSpec, StepSpec, TemplateSpec};

use crate::event::{Body, Event, TimeSource};
use crate::time::{Millis, Span};

use super::error::{Place, PolicyError};
use super::layers::PackDraft;
use super::ruleset::{Pack, Severity, VerdictKind};
use super::spec::Text;
use super::words::Word;

/// The instant that `at: 0h` stands for: 2026-10-01T09:00:00Z.
pub const BASE: Millis = Millis(1_790_845_200_000);

/// Why a seller may not write, as `facts.reason` of `proactive-contact`.
const REASONS: [&str; 5] =
    ["no_buyer_message", "window_closed", "not_allowed_kind", "quota_exceeded", "missing_capability"];

/// One case, checked.
#[derive(Clone, Debug)]
pub struct Case {
    /// The pack it belongs to.
    pub pack: Arc<str>,
    /// What it shows.
    pub name: Arc<str>,
    /// Where it is written.
    pub place: Place,
    /// What is judged at the end.
    pub then: Then,
    /// What the verdict must be.
    pub expect: Expect,
    steps: Vec<Step>,
}

/// What a case judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The last event: its own verdict, also when it is held back for a while. Timers due before it do not count.
    LastEvent,
    /// What time alone brings after the last event, up to this instant and at it: timers, and verdicts that were
    /// held back.
    Until(Millis),
}

/// What the verdict must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The word: the worst when there are several verdicts, `clean` also when there is none.
    pub verdict: VerdictKind,
    /// Exactly the rules with findings, in any order; `None` when the case does not say (`review` alone).
    pub rules: Option<Vec<Arc<str>>>,
    /// Severity of the worst finding.
    pub severity: Option<Severity>,
    /// `facts.reason` of the finding of `proactive-contact`.
    pub reason: Option<Arc<str>>,
    /// Exactly the unknown facts; `None` when the case does not say.
    pub unknown: Option<Vec<Arc<str>>>,
}

/// One event of the story.
#[derive(Clone, Debug)]
struct Step {
    at: Span,
    source: TimeSource,
    /// Id without platform and store.
    id: String,
    body: Body<'static>,
}

impl Case {
    /// The story in canonical events, in order of time.
    pub fn events(&self, platform: &str, store: &str) -> Vec<Event<'static>> {
        let owned = |text: &str| Cow::Owned(text.to_owned());
        let event = |step: &Step| Event {
            event_id: Cow::Owned(format!("{platform}/{store}/{}", step.id)),
            platform: owned(platform),
            store: owned(store),
            agency: None,
            occurred_at: BASE.plus(step.at),
            time_source: step.source,
            observed_at: None,
            body: step.body.clone(),
        };
        self.steps.iter().map(event).collect()
    }
}

/// Checks the cases of a pack.
pub(super) fn compile(draft: &PackDraft, pack: &Pack, errors: &mut Vec<PolicyError>) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for at in &draft.tests {
        let spec = &at.value;
        let mut faults = Vec::new();
        let mut reader = steps::StepReader::new(&draft.origin, spec, &mut faults);
        let steps = reader.steps(&spec.given, &spec.then);
        let then = match &spec.then.value.until {
            Some(_) => Then::Until(BASE.plus(reader.time)),
            None => Then::LastEvent,
        };
        let expect = expect(draft, pack, &spec.expect, &mut faults);
        if let Some(first) = cases.iter().find(|case| *case.name == *spec.name.value) {
            let message = format!("another case has this name, in line {}", first.place.line);
            faults.push(PolicyError::new(draft.origin.place(&spec.name), message));
        }
        errors.extend(faults.into_iter().map(|mut fault| {
            fault.message = format!("test \"{}\": {}", spec.name.value, fault.message);
            fault
        }));
        cases.push(Case {
            pack: Arc::clone(&draft.id),
            name: Arc::from(spec.name.value.as_str()),
            place: draft.origin.place(&spec.name),
            then,
            expect,
            steps,
        });
    }
    cases
}

fn expect(draft: &PackDraft, pack: &Pack, spec: &ExpectSpec, errors: &mut Vec<PolicyError>) -> Expect {
    let place = |text: &Text| draft.origin.place(text);
    let verdict = VerdictKind::read(&spec.verdict.value).unwrap_or_else(|| {
        let message = format!("unknown verdict \"{}\"", spec.verdict.value);
        errors.push(
            PolicyError::new(place(&spec.verdict), message)
                .nearest(&spec.verdict.value, VerdictKind::words()),
        );
        VerdictKind::Clean
    });
    let named = spec.rules.as_deref().unwrap_or_default();
    for rule in named {
        // Rules that an overlay switched off are known all the same.
        if draft.rules.iter().all(|known| known.id.value != rule.value) {
            let message = format!("pack {} has no rule \"{}\"", pack.id, rule.value);
            let known = draft.rules.iter().map(|known| known.id.value.as_str());
            errors.push(PolicyError::new(place(rule), message).nearest(&rule.value, known));
        }
    }
    if (verdict == VerdictKind::Violation) == named.is_empty() && verdict != VerdictKind::Review {
        let message = match verdict {
            VerdictKind::Violation => "a violation names its rules",
            _ => "a clean verdict has no findings, so it names no rules",
        };
        errors.push(PolicyError::new(place(&spec.verdict), message));
    }
    let severity = spec.severity.as_ref().and_then(|text| {
        let word = Severity::read(&text.value);
        if word.is_none() {
            let message = format!("unknown severity \"{}\"", text.value);
            errors.push(PolicyError::new(place(text), message).nearest(&text.value, Severity::words()));
        }
        word
    });
    if let Some(reason) = &spec.reason
        && !REASONS.contains(&reason.value.as_str())
    {
        let message = format!("unknown reason \"{}\"", reason.value);
        errors.push(PolicyError::new(place(reason), message).nearest(&reason.value, REASONS));
    }
    let arc = |text: &Text| Arc::from(text.value.as_str());
    Expect {
        verdict,
        rules: match (&spec.rules, verdict) {
            (None, VerdictKind::Review) => None,
            _ => Some(named.iter().map(arc).collect()),
        },
        severity,
        reason: spec.reason.as_ref().map(arc),
        unknown: spec.unknown.as_ref().map(|texts| texts.iter().map(arc).collect()),
    }
}
