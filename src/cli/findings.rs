//! Findings as people read them.
//!
//! A pack on trial mostly repeats what the pack in force says. For people that is one line; records stay complete.

use crate::policy::Mode;
use crate::score::{Finding, Verdict};

/// A finding, and who else says the same.
pub(super) struct Shown<'a> {
    pub(super) finding: &'a Finding,
    /// Where the same rule fires in shadow, too.
    also: Also<'a>,
}

enum Also<'a> {
    Nowhere,
    Packs(Vec<&'a str>),
    /// A record does not say which pack a finding is of, and here its packs do not tell either.
    Somewhere,
}

impl Shown<'_> {
    /// `also under ozon/api-docs (shadow)`, when that is so.
    pub(super) fn also(&self) -> Option<String> {
        match &self.also {
            Also::Nowhere => None,
            Also::Packs(packs) => Some(format!("also under {} (shadow)", packs.join(", "))),
            Also::Somewhere => Some("also in shadow".to_owned()),
        }
    }
}

/// The findings of a verdict, worst first: in shadow only those of rules without an enforced finding, and of these
/// one each.
pub(super) fn shown(verdict: &Verdict) -> Vec<Shown<'_>> {
    let shadows = || verdict.findings.iter().filter(|finding| finding.mode == Mode::Shadow);
    let on_trial: Vec<&str> =
        verdict.packs.iter().filter(|stamp| stamp.mode == Mode::Shadow).map(|stamp| &*stamp.pack).collect();
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for finding in &verdict.findings {
        let first = shown.iter().all(|other| other.finding.rule != finding.rule);
        if finding.mode == Mode::Shadow && !first {
            continue;
        }
        let repeats = shadows().filter(|shadow| shadow.rule == finding.rule).count();
        let also = match (finding.mode, first, repeats) {
            (_, false, _) | (Mode::Enforce, _, 0) | (Mode::Shadow, _, 1) => Also::Nowhere,
            (Mode::Enforce, ..) if repeats == on_trial.len() => Also::Packs(on_trial.clone()),
            _ => Also::Somewhere,
        };
        shown.push(Shown { finding, also });
    }
    shown
}
