//! From a text to signals: facts about its words, each with the bytes of the original that carry it.
//!
//! The order of things: [`fold`] once (case, width, look-alikes, zero-width, spacing) with a map back to the
//! original; precompiled automata find terms; [`frames`] decide on the few hits of a clause who does what to
//! whom; [`links`] and [`contacts`] find hosts, phones and addresses; [`guards`] and masks suppress hits by span.
//! A signal carries no number and no judgement: weighing is the business of `policy` and `score`.

pub mod classifier;
pub mod contacts;
mod datafile;
pub mod domains;
pub mod encoder;
pub mod fold;
pub mod frames;
pub mod guards;
pub mod lexicon;
pub mod links;
pub mod scan;

use serde::{Deserialize, Serialize};

pub use crate::event::{Surface, TextFormat};
pub use scan::{Scanner, Scratch};

bitflags::bitflags! {
    /// What had to be undone before a term was recognised. Empty for plain wording.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
    pub struct Via: u16 {
        /// Invisible characters inside a word.
        const ZERO_WIDTH = 1;
        /// Letters of another script that look alike.
        const LOOKALIKE = 1 << 1;
        /// Compatibility forms: full width, mathematical, circled, keycaps.
        const COMPATIBILITY = 1 << 2;
        /// Digits or signs for letters.
        const LEET = 1 << 3;
        /// Spaces, dots, dashes or stars between letters.
        const SPACED = 1 << 4;
        /// Letters repeated.
        const REPEATED = 1 << 5;
        /// Russian written in Latin letters.
        const TRANSLITERATED = 1 << 6;
        /// Numbers, dots, at-signs or slashes written as words.
        const SPELLED = 1 << 7;
        /// Traditional Chinese characters.
        const TRADITIONAL = 1 << 8;
        /// Joined from several messages.
        const SPLIT = 1 << 9;
        /// Read from a picture or a QR code.
        const ATTACHMENT = 1 << 10;
    }
}

impl Via {
    /// The words used in evidence, in a fixed order.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        const WORDS: [(Via, &str); 11] = [
            (Via::ZERO_WIDTH, "zero_width"),
            (Via::LOOKALIKE, "lookalike"),
            (Via::COMPATIBILITY, "compatibility"),
            (Via::LEET, "leet"),
            (Via::SPACED, "spaced"),
            (Via::REPEATED, "repeated"),
            (Via::TRANSLITERATED, "transliterated"),
            (Via::SPELLED, "spelled"),
            (Via::TRADITIONAL, "traditional"),
            (Via::SPLIT, "split"),
            (Via::ATTACHMENT, "attachment"),
        ];
        WORDS.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, word)| word)
    }
}

/// Index of a signal name in the scanner's vocabulary ([`Scanner::signal_name`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignalId(pub u16);

/// How sure the scanner is that the words mean what the signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Worth a look; never convicts alone.
    Suspected,
    /// Plain.
    Certain,
}

/// A fact found in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Which fact, such as `promo.discount`.
    pub id: SignalId,
    /// First byte in the original text.
    pub start: u32,
    /// One past the last byte in the original text.
    pub end: u32,
    /// What had to be undone to see it.
    pub via: Via,
    /// How sure.
    pub confidence: Confidence,
    /// The frame that decided, for evidence; `None` for a plain term, a number or a link.
    pub frame: Option<FrameHit>,
}

/// Index of a name in the scanner's vocabulary ([`Scanner::name`]): acts, objects, guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u16);

/// Who does what to whom: the reading of a clause that made a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHit {
    /// The act, such as `ask`, `give`, `offer`, `promise`.
    pub act: NameId,
    /// The object, such as `review`, `discount`, `contact`.
    pub object: NameId,
    /// Whether the act is denied. A denied act is normally suppressed; some frames need the denial.
    pub negated: bool,
}

/// A hit that a mask or guard took back, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// What it would have been.
    pub id: SignalId,
    /// Where, in the original text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What took it back: `order_item_title`, `own_number`, `quoted_buyer`, or the guard's id.
    pub by: NameId,
}

/// What a host is, by the domain lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostClass {
    /// The store's own marketplace.
    FirstParty,
    /// A carrier or parcel tracker.
    Tracking,
    /// A messenger: a way to reach somebody.
    Messenger,
    /// A social network, video or blog platform: something to follow.
    Social,
    /// A page of links to elsewhere.
    LinkHub,
    /// A form.
    Form,
    /// A payment page.
    Payment,
    /// A shortener or redirector: the true host is hidden.
    Shortener,
    /// Another marketplace.
    Marketplace,
    /// None of these.
    Other,
}

/// A link or bare domain in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// First byte in the original text.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Host in lower case, ASCII (punycode) form.
    pub host: Box<str>,
    /// Registrable domain by the public suffix list, when there is one.
    pub domain: Option<Box<str>>,
    /// Host and path in lower case without scheme, query and fragment: what `url_prefix` lists are held against.
    pub address: Box<str>,
    /// What the host is.
    pub class: HostClass,
    /// What had to be undone to see it.
    pub via: Via,
}

bitflags::bitflags! {
    /// What a whole message amounts to when it holds nothing else.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct TextClass: u8 {
        /// "Thank you", "ok": needs no answer.
        const THANKS = 1;
        /// "Hello": is no answer.
        const SMALL_TALK = 1 << 1;
        /// "Yes", "no".
        const MONOSYLLABIC = 1 << 2;
        /// No letters or digits at all (empty, emoji, punctuation).
        const BLANK = 1 << 3;
    }
}

/// Everything the scanner found in one message. Reused from message to message: a clean one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Facts, ordered by start, then id; overlapping repeats of one fact are merged.
    pub signals: Vec<Signal>,
    /// Links, ordered by start.
    pub links: Vec<Link>,
    /// Hits taken back.
    pub suppressed: Vec<Suppressed>,
    /// What the message amounts to as a whole.
    pub class: TextClass,
    /// Hash of the folded text, for duplicate bursts. Stable across runs and machines.
    pub folded_hash: u64,
    /// Letters and digits in the folded text.
    pub folded_chars: u32,
}

impl Signals {
    /// Forgets everything, keeps the buffers.
    pub fn clear(&mut self) {
        self.signals.clear();
        self.links.clear();
        self.suppressed.clear();
        self.class = TextClass::empty();
        self.folded_hash = 0;
        self.folded_chars = 0;
    }

    /// Whether nothing was found and nothing taken back.
    pub fn is_empty(&self) -> bool {
        self.signals.is_empty() && self.links.is_empty() && self.suppressed.is_empty()
    }
}

/// What is known around a text before it is scanned.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanContext<'a> {
    /// Platform of the store: chooses the first-party hosts and the platform's own name in guards.
    pub platform: &'a str,
    /// Where the words are shown.
    pub surface: Surface,
    /// Whether Markdown links are links.
    pub format: TextFormat,
    /// Titles and brands of the order's items: their words are names, not offers.
    pub names: &'a [&'a str],
    /// The order's own numbers (order, posting, tracking, SKU): never phones or cards.
    pub numbers: &'a [&'a str],
    /// Hashes of word 5-grams of the buyer's last messages ([`scan::quote_hashes`]), sorted: quoted words are the buyer's.
    pub quoted: &'a [u64],
    /// The same seller's messages of the last ten minutes, oldest first: contacts are split over them.
    pub recent: &'a [&'a str],
    /// Nobody judges the words, as those of a buyer: the encoder is not asked.
    pub unjudged: bool,
}
