//! Rows of a labelled corpus: bare texts, and timelines of events with what is expected of them.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::backtest::Label;
use crate::event::Surface;
use crate::policy::Severity;
use crate::score::{Trigger, VerdictKind};
use crate::text::Confidence;

/// One text by itself.
#[derive(Debug, Deserialize)]
pub(super) struct Row<'a> {
    /// Id: the `event_id` of its verdict.
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    /// The text.
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) lang: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) source: Cow<'a, str>,
    #[serde(default, borrow)]
    label: Option<Cow<'a, str>>,
    /// Rules that must be found.
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(default)]
    pub(super) platform: Option<String>,
    #[serde(default)]
    surface: Option<String>,
    /// What the text is about, such as `size-fit`; groups the report.
    #[serde(default, borrow)]
    pub(super) family: Cow<'a, str>,
    /// Benign, but in the words of violations: reported apart.
    #[serde(default)]
    pub(super) hard: bool,
    /// How the words are disguised; empty for plain wording.
    #[serde(default)]
    pub(super) obfuscated: Vec<String>,
    /// What the buyer wrote before.
    #[serde(default)]
    pub(super) buyer: Option<String>,
    /// What the seller wrote just before, oldest first.
    #[serde(default)]
    pub(super) earlier: Vec<String>,
    /// Titles of the order's items.
    #[serde(default)]
    pub(super) items: Vec<String>,
    /// The order's own numbers.
    #[serde(default)]
    pub(super) numbers: Vec<String>,
}

impl<'a> Row<'a> {
    /// Reads a row; the error says what is wrong with it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        read(bytes)
    }

    /// The label.
    pub(super) fn label(&self) -> Result<Label, String> {
        let Some(word) = &self.label else {
            return Err(format!("missing field `label`; expected {}", label_words()));
        };
        Label::from_word(word).ok_or_else(|| format!("unknown label \"{word}\"; expected {}", label_words()))
    }

    /// Where the text is shown: chat unless the row says otherwise.
    pub(super) fn surface(&self) -> Result<Surface, String> {
        let Some(word) = &self.surface else { return Ok(Surface::Chat) };
        Surface::from_word(word).ok_or_else(|| {
            let known: Vec<&str> = Surface::ALL.iter().map(|surface| surface.as_str()).collect();
            format!("unknown surface \"{word}\"; expected {}", known.join(", "))
        })
    }
}

fn label_words() -> String {
    Label::ALL.map(Label::as_str).join(", ")
}

/// The history of a store with every verdict that must come of it.
#[derive(Debug, Deserialize)]
pub(super) struct Timeline<'a> {
    /// Name.
    #[serde(borrow, alias = "id")]
    pub(super) name: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) lang: Cow<'a, str>,
    #[serde(default, borrow)]
    pub(super) source: Cow<'a, str>,
    /// Events as `score` reads them.
    #[serde(borrow)]
    pub(super) events: Vec<&'a RawValue>,
    /// Time reaches this instant at the end.
    #[serde(default)]
    pub(super) until: Option<String>,
    /// Every verdict that must be given, and no other.
    pub(super) expect: Vec<Expected>,
}

/// One verdict that must be given.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expected {
    /// The event: the message, or the one that started a timer.
    pub(super) event_id: String,
    /// What makes the verdict.
    pub(super) trigger: Trigger,
    /// The word.
    pub(super) verdict: VerdictKind,
    /// Exactly the rules with enforced findings.
    pub(super) rules: BTreeSet<String>,
    /// Reason of one of the findings.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Severity of one of the findings.
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    /// Confidence of one of the findings.
    #[serde(default)]
    pub(super) confidence: Option<Confidence>,
    /// Facts that are reported as unknown, by their beginnings.
    #[serde(default)]
    pub(super) unknown: Option<Vec<String>>,
    /// When a deadline was.
    #[serde(default)]
    pub(super) occurred_at: Option<String>,
    /// For people.
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

/// One line of a labelled corpus.
pub(super) enum Labelled<'a> {
    Row(Row<'a>),
    Timeline(Timeline<'a>),
}

impl<'a> Labelled<'a> {
    /// Reads a line: a timeline has `events`, a row has `text`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Shape {
            #[serde(default)]
            events: Option<serde::de::IgnoredAny>,
        }
        if read::<Shape>(bytes)?.events.is_some() {
            read(bytes).map(Self::Timeline)
        } else {
            read(bytes).map(Self::Row)
        }
    }
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    let text = simdutf8::compat::from_utf8(bytes)
        .map_err(|error| format!("byte {} is no UTF-8", error.valid_up_to()))?;
    serde_json::from_str(text).map_err(|error| {
        // The parser counts lines within the row, of which there is one.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        format!("column {}: {message}", error.column())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_what_is_missing() {
        for (line, expected) in [
            (&br#"{"id":"1"}"#[..], "column 10: missing field `text`"),
            (br#"{"id":"1","text":null}"#, "column 21: invalid type: null, expected a string"),
            (b"[", "column 1: EOF while parsing a list"),
            (b"\xff", "byte 0 is no UTF-8"),
        ] {
            assert_eq!(Row::read(line).unwrap_err(), expected);
        }
        let row = Row::read(br#"{"id":"1","text":"x","label":"ham"}"#).unwrap();
        assert!(row.label().unwrap_err().starts_with("unknown label \"ham\"; expected benign, promo, "));
    }

    #[test]
    fn a_line_with_events_is_a_timeline() {
        let line = br#"{"name":"t","events":[{"v":1}],"expect":[]}"#;
        assert!(matches!(Labelled::read(line), Ok(Labelled::Timeline(t)) if t.events.len() == 1));
        assert!(matches!(Labelled::read(br#"{"id":"1","text":"x"}"#), Ok(Labelled::Row(_))));
    }
}
