//! The verdict record, exactly as it goes out (docs/contract.md, version 1).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use crate::policy::VerdictKind;
use crate::policy::{Mode, Severity};
use crate::text::Confidence;

/// What made the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// A message.
    Message,
    /// An order event.
    Order,
    /// A registry event.
    Registry,
    /// A deadline.
    Timer,
}

/// One verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Version of this record: 1.
    pub v: u8,
    /// UUID v5 of platform, store, event id, trigger, and for a timer its rule and deadline.
    pub verdict_id: String,
    /// What made it.
    pub trigger: Trigger,
    /// The judged event; for a timer the event that started it.
    pub event_id: String,
    /// Platform.
    pub platform: String,
    /// Store.
    pub store: String,
    /// Agency, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agency: Option<String>,
    /// Conversation, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Message, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Time of the event; for a timer its deadline. RFC 3339, UTC, milliseconds.
    pub occurred_at: String,
    /// The word.
    pub verdict: VerdictKind,
    /// 0 to 100, one decimal: ranks verdicts and stores.
    pub score: f64,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Facts that a rule turned on and nobody knows.
    pub unknown: Vec<String>,
    /// Hits that a mask, guard or exception took back.
    pub suppressed: Vec<SuppressedHit>,
    /// The packs that judged.
    pub packs: Vec<PackStamp>,
}

/// A rule that hit, with its evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Rule id.
    pub rule: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The clause it rests on.
    pub clause: Arc<str>,
    /// The source of the clause.
    pub source: Arc<str>,
    /// Whether it counts.
    pub mode: Mode,
    /// Points before group caps.
    pub weight: f32,
    /// Score group.
    pub group: Arc<str>,
    /// Spans of the original text.
    pub evidence: Vec<Evidence>,
    /// Named context facts that decided.
    pub facts: BTreeMap<String, FactValue>,
    /// What would have been compliant.
    pub advice: Arc<str>,
}

/// A piece of the original text that carried a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// First byte in the original text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// The words, phones and e-mails masked but for their last two characters.
    pub excerpt: String,
    /// Which fact was found.
    pub signal: String,
    /// What had to be undone to see it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<String>,
    /// The act of the frame that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// The object of the frame that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// `affirmed` or `negated`, when a frame decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polarity: Option<String>,
}

/// The value of a context fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// A word, id or RFC 3339 time.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Words.
    List(Vec<String>),
}

impl fmt::Display for FactValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::List(words) => f.write_str(&words.join(", ")),
        }
    }
}

/// A hit that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppressedHit {
    /// Signal, or rule for an exception.
    pub signal: String,
    /// Mask, guard, or `exception: <reason>`.
    pub by: String,
}

/// Which pack judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackStamp {
    /// Id.
    pub pack: Arc<str>,
    /// Version.
    pub version: Arc<str>,
    /// Hash of everything that went into it.
    pub hash: Arc<str>,
    /// Whether it counts.
    pub mode: Mode,
}
