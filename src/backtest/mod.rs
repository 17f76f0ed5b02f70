//! How often the program is wrong, measured on labelled texts, with a bound on what the measurement leaves open.
//!
//! Pure: samples in, [`Report`] out. Reading files and judging texts is the business of the command.

pub mod bounds;
mod half;
mod label;
mod report;

pub use half::Half;
pub use label::Label;
pub use report::{Budget, Group, GroupBy, Report, Side, Status, report};

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
    /// How it says it.
    pub wording: Wording,
    /// What it is about; empty when the row does not say.
    pub family: String,
    /// How its words are disguised, when they are.
    pub disguise: Vec<String>,
    /// Rules that must be found, when the row names them; empty when any rule of its label will do.
    pub expected: Vec<String>,
    /// What was thought of it.
    pub verdict: VerdictKind,
    /// Rules with a finding that counts: certain, enforced, and not just information.
    pub found: Vec<String>,
    /// What had to be undone to see the words that convicted it.
    pub undone: Vec<String>,
    /// Whether the encoder was asked about it.
    pub asked: bool,
}

/// How a text says what it says: an easy and a difficult kind for either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wording {
    /// Benign, in everyday words; a violation, in plain ones.
    #[default]
    Ordinary,
    /// Benign, in the words of violations; a violation, disguised.
    Difficult,
}

impl Wording {
    /// The word in a report.
    pub const fn as_str(self, side: Side) -> &'static str {
        match (self, side) {
            (Self::Ordinary, Side::Benign) => "ordinary",
            (Self::Difficult, Side::Benign) => "hard",
            (Self::Ordinary, Side::Violating) => "plain",
            (Self::Difficult, Side::Violating) => "obfuscated",
        }
    }
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
