//! How often the program is wrong, measured on labelled texts, with a bound on what the measurement leaves open.
//!
//! Pure: samples in, [`Report`] out. Reading files and judging texts is the business of the command.

pub mod bounds;
mod label;
mod report;

pub use label::Label;
pub use report::{Group, GroupBy, Report, Side, Status, report};

use crate::score::VerdictKind;

/// One labelled text, and what was thought of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Id of the row, or of the event of a timeline.
    pub id: String,
    /// Language, as the row says.
    pub lang: String,
    /// Where the row comes from.
    pub source: String,
    /// What it is.
    pub label: Label,
    /// Rules that must be found, when the row names them; empty when any rule of its label will do.
    pub expected: Vec<String>,
    /// What was thought of it.
    pub verdict: VerdictKind,
    /// Rules with a finding that counts: certain, enforced, and not just information.
    pub found: Vec<String>,
}

impl Sample {
    /// A compliant text that was flagged.
    pub fn misjudged(&self) -> bool {
        self.label.side() == Some(Side::Benign) && self.verdict == VerdictKind::Violation
    }

    /// A violation that was not flagged.
    pub fn missed(&self) -> bool {
        self.label.side() == Some(Side::Violating) && self.verdict != VerdictKind::Violation
    }

    /// A violation that was flagged for the reason it was labelled with.
    pub fn named(&self) -> bool {
        let found = |rule: &str| self.found.iter().any(|found| found == rule);
        if self.expected.is_empty() {
            let rules = self.label.rules();
            !self.found.is_empty() && (rules.is_empty() || rules.iter().any(|rule| found(rule)))
        } else {
            self.expected.iter().all(|rule| found(rule))
        }
    }
}
