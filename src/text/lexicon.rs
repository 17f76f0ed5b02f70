//! From lexicon files to one trie.
//!
//! As written ([`written`]): groups of terms in full inflected forms, frames and guards that speak of groups.
//! As run: every form of every language in one [`trie`] over folded characters, each pattern with the groups it belongs
//! to; frames and guards as bit sets over groups.

mod compile;
mod expand;
mod trie;
mod written;

use crate::text::frames::Frame;
use crate::text::guards::Guard;
use crate::text::{NameId, SignalId};

pub(in crate::text) use compile::{compile, is_alphanumeric, is_chinese, is_word};
pub(in crate::text) use trie::Trie;
pub(in crate::text) use written::{Across, Denied, Order};

/// The configuration texts a scanner is compiled from: `(file name, YAML text)`.
#[derive(Clone, Copy, Debug)]
pub struct LexiconSources<'a> {
    /// Told apart by name: `…lexicons/folding.yaml`, domain lists under `…domains/`, every other file under
    /// `…lexicons/` a lexicon. Other files are left alone.
    pub files: &'a [(&'a str, &'a str)],
}

/// What is wrong with a lexicon, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct LexiconError {
    /// File name as given.
    pub file: String,
    /// Line, from 1; 0 when the whole file is meant.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong and the fix.
    pub message: String,
}

/// How many groups a lexicon may have.
pub(in crate::text) const MAX_GROUPS: usize = 64 * WORDS;
const WORDS: usize = 12;

/// A set of term groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::text) struct Groups([u64; WORDS]);

impl Groups {
    pub(in crate::text) fn insert(&mut self, group: u16) {
        if let Some(word) = self.0.get_mut(usize::from(group) / 64) {
            *word |= 1 << (group % 64);
        }
    }
    #[inline]
    pub(in crate::text) fn contains(&self, group: u16) -> bool {
        self.0.get(usize::from(group) / 64).is_some_and(|word| word & (1 << (group % 64)) != 0)
    }
    #[inline]
    pub(in crate::text) fn intersects(&self, other: &Groups) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
    pub(in crate::text) fn extend(&mut self, other: &Groups) {
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }
    pub(in crate::text) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
    pub(in crate::text) fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..u16::try_from(MAX_GROUPS).unwrap_or(u16::MAX)).filter(|group| self.contains(*group))
    }
}

impl FromIterator<u16> for Groups {
    fn from_iter<I: IntoIterator<Item = u16>>(groups: I) -> Self {
        let mut all = Self::default();
        groups.into_iter().for_each(|group| all.insert(group));
        all
    }
}

/// One form in the trie.
#[derive(Clone, Copy, Debug)]
pub(in crate::text) struct Pattern {
    /// First of its groups in [`Lexicon::pattern_groups`].
    pub(in crate::text) first: u32,
    /// How many groups it belongs to.
    pub(in crate::text) count: u16,
    /// A letter or digit before it would make it another word.
    pub(in crate::text) left: bool,
    /// A letter or digit after it would make it another word.
    pub(in crate::text) right: bool,
}

/// Groups the scanner itself speaks of. A lexicon need not fill them; their ids are fixed.
pub(in crate::text) mod builtin {
    /// Names in id order.
    pub(in crate::text) const NAMES: [&str; 21] = [
        "percent",
        "money",
        "phone",
        "email",
        "handle",
        "link",
        "negator",
        "lacking",
        "not_denial",
        "clause_break",
        "parenthetical",
        "class_thanks",
        "class_small_talk",
        "class_monosyllabic",
        "class_filler",
        "number",
        "own_platform",
        "other_marketplace",
        "card",
        "fold_off",
        "instructs",
    ];
    pub(in crate::text) const PERCENT: u16 = 0;
    pub(in crate::text) const MONEY: u16 = 1;
    pub(in crate::text) const PHONE: u16 = 2;
    pub(in crate::text) const EMAIL: u16 = 3;
    pub(in crate::text) const HANDLE: u16 = 4;
    pub(in crate::text) const LINK: u16 = 5;
    pub(in crate::text) const NEGATOR: u16 = 6;
    pub(in crate::text) const LACKING: u16 = 7;
    pub(in crate::text) const NOT_DENIAL: u16 = 8;
    pub(in crate::text) const CLAUSE_BREAK: u16 = 9;
    pub(in crate::text) const PARENTHETICAL: u16 = 10;
    pub(in crate::text) const THANKS: u16 = 11;
    pub(in crate::text) const SMALL_TALK: u16 = 12;
    pub(in crate::text) const MONOSYLLABIC: u16 = 13;
    pub(in crate::text) const FILLER: u16 = 14;
    pub(in crate::text) const NUMBER: u16 = 15;
    pub(in crate::text) const OWN_PLATFORM: u16 = 16;
    pub(in crate::text) const OTHER_MARKETPLACE: u16 = 17;
    pub(in crate::text) const CARD: u16 = 18;
    /// "9折": nine tenths of the price.
    pub(in crate::text) const FOLD_OFF: u16 = 19;
    /// "нажмите «…»": what is quoted after it is to be done.
    pub(in crate::text) const INSTRUCTS: u16 = 20;
    /// Groups of the names of one marketplace: `marketplace_ozon`. Which is "own" depends on the store.
    pub(in crate::text) const PLATFORM_PREFIX: &str = "marketplace_";
}

/// Everything the lexicon files say, ready to run.
#[derive(Debug)]
pub(in crate::text) struct Lexicon {
    pub(in crate::text) trie: Trie,
    pub(in crate::text) patterns: Vec<Pattern>,
    pub(in crate::text) pattern_groups: Vec<u16>,
    /// Groups whose hits hide shorter hits inside them.
    pub(in crate::text) hiding: Groups,
    /// Signal names in id order.
    pub(in crate::text) signals: Vec<String>,
    /// Group names, then guard names, then the built-in reasons.
    pub(in crate::text) names: Vec<String>,
    /// Hashes of signals and names, in the same orders: what the classifier knows them by.
    pub(in crate::text) signal_hashes: Vec<u64>,
    pub(in crate::text) name_hashes: Vec<u64>,
    pub(in crate::text) frames: Vec<Frame>,
    /// Frames by the group of their object.
    pub(in crate::text) frames_of: Vec<Vec<u16>>,
    pub(in crate::text) guards: Vec<Guard>,
    pub(in crate::text) reasons: Reasons,
    /// Groups that name one marketplace, with the platform they name.
    pub(in crate::text) platforms: Vec<(u16, String)>,
}

/// Names of the built-in reasons for taking a hit back.
#[derive(Clone, Copy, Debug)]
pub(in crate::text) struct Reasons {
    pub(in crate::text) refusal: NameId,
    pub(in crate::text) order_item_title: NameId,
    pub(in crate::text) own_number: NameId,
    pub(in crate::text) quoted_buyer: NameId,
    pub(in crate::text) quotation: NameId,
}

impl Lexicon {
    pub(in crate::text) fn groups_of(&self, pattern: Pattern) -> &[u16] {
        let first = pattern.first as usize;
        self.pattern_groups.get(first..first + usize::from(pattern.count)).unwrap_or_default()
    }

    pub(in crate::text) fn signal(&self, name: &str) -> Option<SignalId> {
        let at = self.signals.iter().position(|known| known == name)?;
        u16::try_from(at).ok().map(SignalId)
    }
}

/// The signals that policy packs speak of, whatever the lexicons hold; the classifier's topics come after them.
pub(in crate::text) const VOCABULARY: [&str; 42] = [
    "promo.discount",
    "promo.bonus",
    "promo.offer",
    "social.follow",
    "social.account",
    "review.ask",
    "review.incentive",
    "review.change",
    "contact.messenger",
    "contact.phone",
    "contact.email",
    "contact.handle",
    "contact.ask",
    "contact.call",
    "payment.offplatform",
    "payment.card_number",
    "compensation.private",
    "address.ask",
    "cancel.ask",
    "gift.promise",
    "gift.item",
    "gift.this_order",
    "gift.sent_together",
    "diversion.site",
    "notice.platform",
    "status.shipped",
    "status.customs_cleared",
    "status.out_for_delivery",
    "status.at_pickup",
    "status.delivered",
    "status.delay",
    "promise.elsewhere",
    "topic.review",
    "topic.discount",
    "topic.address",
    "topic.contact",
    "topic.gift",
    "topic.cancel",
    "evasion.mixed_script",
    "evasion.zero_width",
    "evasion.split",
    "evasion.spelled",
];
