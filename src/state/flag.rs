//! Verdicts that were not clean, for the day a reviewer says what they were worth.

use serde::{Deserialize, Serialize};

use crate::event::DispositionLabel;
use crate::time::{Millis, Span};

/// A verdict that was not clean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Time of what was judged.
    pub at: Millis,
    /// Rules that fired, worst first.
    pub rules: Vec<Box<str>>,
    /// What a reviewer said last.
    pub label: Option<DispositionLabel>,
}

impl Flag {
    /// Flags kept per store.
    pub const CAP: usize = 4096;
    /// How long reviewers take at most.
    pub const RETENTION: Span = Span::days(90);
}
