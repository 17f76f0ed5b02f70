//! From what the rules found to a verdict: the worst finding decides, the score ranks.

pub mod verdict;

pub use verdict::{Evidence, Finding, PackStamp, SuppressedHit, Trigger, Verdict, VerdictKind};
