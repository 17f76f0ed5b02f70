//! Lexicon files as people write them. Unknown keys are errors; places are kept for messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

/// One file of `config/lexicons`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenLexicon {
    /// What the file is about, for its readers.
    #[serde(default, rename = "about")]
    _about: String,
    /// Signals beyond the built-in vocabulary.
    #[serde(default)]
    pub(super) signals: Vec<Spanned<String>>,
    /// Named lists of endings for `(=name)`.
    #[serde(default)]
    pub(super) endings: BTreeMap<String, String>,
    /// Groups of words that mean the same to the frames.
    #[serde(default)]
    pub(super) terms: BTreeMap<String, WrittenTerms>,
    /// Who does what to whom.
    #[serde(default)]
    pub(super) frames: Vec<WrittenFrame>,
    /// What takes hits back.
    #[serde(default)]
    pub(super) guards: Vec<WrittenGuard>,
}

/// A group of words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTerms {
    #[serde(default)]
    pub(super) ru: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) en: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) zh: Vec<Spanned<String>>,
    /// Other groups whose words belong to this one as well.
    #[serde(default)]
    pub(super) includes: Vec<Spanned<String>>,
    /// A hit of this group stands alone as a signal: shorthand for a frame without an act.
    #[serde(default)]
    pub(super) signal: Option<Spanned<String>>,
    /// Its words hide shorter hits inside them ("карта памяти" is no bank card).
    #[serde(default)]
    pub(super) hides: bool,
}

/// A reading of a clause.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFrame {
    /// Signal it makes.
    pub(super) signal: Spanned<String>,
    /// Upon what.
    pub(super) object: Vec<Spanned<String>>,
    /// What is done; empty when the object says it all.
    #[serde(default)]
    pub(super) act: Vec<Spanned<String>>,
    /// Further groups that must stand near, one of each list.
    #[serde(default)]
    pub(super) with: Vec<Vec<Spanned<String>>>,
    /// Groups that must not stand in the same sentence.
    #[serde(default)]
    pub(super) unless: Vec<Spanned<String>>,
    /// Largest distance in words (two Chinese characters count as one word).
    #[serde(default = "default_within")]
    pub(super) within: u16,
    /// How far act and object may stand apart in the text's structure.
    #[serde(default)]
    pub(super) across: Across,
    /// Which comes first.
    #[serde(default)]
    pub(super) order: Order,
    /// What a negation does.
    #[serde(default)]
    pub(super) denied: Denied,
    /// Plain, or only worth a look.
    #[serde(default)]
    pub(super) suspected: bool,
    /// Only in a message of at most this many words.
    #[serde(default)]
    pub(super) alone: Option<u16>,
    /// Only when somebody took pains to hide the word.
    #[serde(default)]
    pub(super) disguised: bool,
}

fn default_within() -> u16 {
    6
}

/// How far the parts of a frame may stand apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::text) enum Across {
    /// Within one clause.
    #[default]
    Clause,
    /// Within one sentence.
    Sentence,
    /// Anywhere, within the distance.
    Message,
}

/// Order of act and object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::text) enum Order {
    /// Either.
    #[default]
    Any,
    /// "оставьте отзыв"
    ActFirst,
    /// "отзыв оставьте"
    ObjectFirst,
}

/// What a negation of the act or the object does to a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::text) enum Denied {
    /// A refusal: no signal.
    #[default]
    Suppress,
    /// All the same.
    Ignore,
    /// The frame is the denial ("не оформляйте возврат").
    Require,
}

/// What takes hits back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenGuard {
    /// Name in evidence.
    pub(super) id: String,
    /// Signals it speaks of; `promo.*` for a family, empty for all.
    #[serde(default)]
    pub(super) signals: Vec<Spanned<String>>,
    /// Phrases that cover the object of a signal.
    #[serde(default)]
    pub(super) over: Vec<Spanned<String>>,
    /// Groups that stand in the neighbourhood of the object.
    #[serde(default)]
    pub(super) near: Vec<Spanned<String>>,
    /// Further groups that must stand near as well, one of each list.
    #[serde(default)]
    pub(super) with: Vec<Vec<Spanned<String>>>,
    /// Groups whose presence lifts the guard.
    #[serde(default)]
    pub(super) unless: Vec<Spanned<String>>,
    /// Neighbourhood in words.
    #[serde(default = "default_within")]
    pub(super) within: u16,
    /// Neighbourhood in structure.
    #[serde(default)]
    pub(super) across: Across,
}
