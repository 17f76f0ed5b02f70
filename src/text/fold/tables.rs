//! What folding knows: one table over the first 65,536 code points made at start-up, and the word lists.

use std::collections::BTreeMap;

use ahash::AHashMap;
use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::class::is_invisible;
pub(super) use super::class::{Class, Entry};

/// Why folding data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// Not the YAML that is expected; the message has line and column.
    #[error("folding tables: {0}")]
    Syntax(String),
}

/// Folding data as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "version")]
    _version: u32,
    look_alikes: LookAlikes,
    letters: BTreeMap<char, char>,
    simplified: String,
    leet: Leet,
    transliteration: BTreeMap<String, String>,
    soft_endings: BTreeMap<String, String>,
    soft_inside: BTreeMap<String, String>,
    english: Vec<String>,
    number_words: BTreeMap<String, u16>,
    number_characters: BTreeMap<char, u8>,
    dot_words: Vec<String>,
    dot_characters: Vec<char>,
    at_words: Vec<String>,
    slash_words: Vec<String>,
    host_words: BTreeMap<String, String>,
    mail_hosts: Vec<String>,
    near_numbers: NearNumbers,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NearNumbers {
    phone: Vec<String>,
    weak: Vec<String>,
    other: Vec<String>,
    card: Vec<String>,
    chinese_phone: Vec<String>,
    chinese_other: Vec<String>,
}

/// What a word near a number says the number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) enum Near {
    /// A phone number.
    Phone,
    /// A phone number when no other word says otherwise.
    Weak,
    /// An order, a part, a tax number.
    Other,
    /// A bank card.
    Card,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookAlikes {
    to_latin: BTreeMap<char, char>,
    to_cyrillic: BTreeMap<char, char>,
    loose_to_cyrillic: BTreeMap<char, char>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leet {
    cyrillic: BTreeMap<char, String>,
    latin: BTreeMap<char, String>,
}

/// Compiled folding data. Immutable; share one among threads.
pub struct FoldTables {
    table: Box<[u32]>,
    simplified: AHashMap<char, char>,
    letters: BTreeMap<char, char>,
    han_digits: BTreeMap<char, u8>,
    han_dots: Vec<char>,
    /// Strict look-alikes, then loose ones.
    pub(super) to_latin: AHashMap<char, char>,
    pub(super) to_cyrillic: AHashMap<char, char>,
    pub(super) loose_to_cyrillic: AHashMap<char, char>,
    pub(super) leet_cyrillic: AHashMap<char, Vec<char>>,
    pub(super) leet_latin: AHashMap<char, Vec<char>>,
    pub(super) transliteration: AHashMap<Box<str>, Box<str>>,
    pub(super) soft_endings: Vec<(Box<str>, Box<str>)>,
    pub(super) soft_inside: Vec<(Box<str>, Box<str>)>,
    pub(super) words: AHashMap<Box<str>, Spelled>,
    pub(super) hosts: AHashMap<Box<str>, Box<str>>,
    pub(super) english: ahash::AHashSet<Box<str>>,
    /// Mail hosts that people name without their ending.
    pub(in crate::text) mail_hosts: Vec<String>,
    near: AHashMap<Box<str>, Near>,
    near_chinese: Vec<(Box<str>, Near)>,
    /// By low bits of the first letter: the byte lengths that spelled words have. Most words are turned away here.
    spelled_lengths: [u64; 128],
}

/// What a spelled word stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelled {
    Number(u16),
    Dot,
    /// `true` when the word alone says it (собака), `false` when it is a common word (at).
    At(bool),
    Slash,
}

impl std::fmt::Debug for FoldTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FoldTables").finish_non_exhaustive()
    }
}

impl FoldTables {
    /// Compiles folding data (`config/lexicons/folding.yaml`).
    ///
    /// # Errors
    /// [`TablesError::Syntax`] when the text is not such YAML; unknown keys are errors.
    pub fn compile(yaml: &str) -> Result<Self, TablesError> {
        let written: Written =
            serde_saphyr::from_str(yaml).map_err(|e| TablesError::Syntax(e.to_string()))?;
        let mut simplified = AHashMap::new();
        for pair in written.simplified.split_whitespace() {
            let mut chars = pair.chars();
            match (chars.next(), chars.next(), chars.next()) {
                (Some(from), Some(to), None) if from != to => {
                    simplified.insert(from, to);
                }
                (Some(_), Some(_), None) => {}
                _ => {
                    return Err(TablesError::Syntax(format!(
                        "simplified: `{pair}` is not a pair of characters"
                    )));
                }
            }
        }
        let mut words: AHashMap<Box<str>, Spelled> = AHashMap::new();
        for (word, n) in written.number_words {
            words.insert(word.into(), Spelled::Number(n));
        }
        for word in written.dot_words {
            words.insert(word.into(), Spelled::Dot);
        }
        for word in written.at_words {
            let alone = word.len() > 2;
            words.insert(word.into(), Spelled::At(alone));
        }
        for word in written.slash_words {
            words.insert(word.into(), Spelled::Slash);
        }
        let mut spelled_lengths = [0u64; 128];
        for word in words.keys() {
            let first = word.chars().next().unwrap_or(' ');
            if let Some(slot) = spelled_lengths.get_mut(first as usize & 127) {
                *slot |= 1 << word.len().min(63);
            }
        }
        let lists =
            |map: BTreeMap<char, String>| map.into_iter().map(|(k, v)| (k, v.chars().collect())).collect();
        let strings = |map: BTreeMap<String, String>| map.into_iter().map(|(k, v)| (k.into(), v.into()));
        let mut this = Self {
            table: Box::default(),
            simplified,
            letters: written.letters,
            han_digits: written.number_characters,
            han_dots: written.dot_characters,
            to_latin: written.look_alikes.to_latin.into_iter().collect(),
            to_cyrillic: written.look_alikes.to_cyrillic.into_iter().collect(),
            loose_to_cyrillic: written.look_alikes.loose_to_cyrillic.into_iter().collect(),
            leet_cyrillic: lists(written.leet.cyrillic),
            leet_latin: lists(written.leet.latin),
            transliteration: strings(written.transliteration).collect(),
            soft_endings: strings(written.soft_endings).collect(),
            soft_inside: strings(written.soft_inside).collect(),
            words,
            hosts: strings(written.host_words).collect(),
            english: written.english.into_iter().map(Into::into).collect(),
            spelled_lengths,
            mail_hosts: written.mail_hosts,
            near: [
                (written.near_numbers.phone, Near::Phone),
                (written.near_numbers.weak, Near::Weak),
                (written.near_numbers.other, Near::Other),
                (written.near_numbers.card, Near::Card),
            ]
            .into_iter()
            .flat_map(|(words, near)| words.into_iter().map(move |word| (word.into(), near)))
            .collect(),
            near_chinese: [
                (written.near_numbers.chinese_phone, Near::Phone),
                (written.near_numbers.chinese_other, Near::Other),
            ]
            .into_iter()
            .flat_map(|(words, near)| words.into_iter().map(move |word| (word.into(), near)))
            .collect(),
        };
        let table = (0..0x1_0000u32).map(|code| char::from_u32(code).map_or(0, |c| this.make(c).0)).collect();
        this.table = table;
        Ok(this)
    }

    /// What to do with a character.
    #[inline]
    pub(super) fn entry(&self, c: char) -> Entry {
        match self.table.get(c as usize) {
            Some(entry) => Entry(*entry),
            None => self.make(c),
        }
    }

    #[inline]
    pub(super) fn class(&self, c: char) -> Class {
        self.entry(c).class()
    }

    /// Whether a word of this first letter and byte length may be a spelled number, dot, at-sign or slash.
    #[inline]
    pub(super) fn may_be_spelled(&self, first: char, bytes: usize) -> bool {
        self.spelled_lengths
            .get(first as usize & 127)
            .is_some_and(|lengths| lengths >> bytes.min(63) & 1 == 1)
    }

    /// Whether a word as it was written stands for a number or sign; one that still has to be folded may.
    pub(super) fn is_spelled(&self, written: &str) -> bool {
        let mut folded: smallvec::SmallVec<[u8; 64]> = smallvec::SmallVec::new();
        for c in written.chars() {
            let entry = self.entry(c);
            if !entry.is_in_step() {
                return true;
            }
            folded.extend_from_slice(entry.folded().encode_utf8(&mut [0; 4]).as_bytes());
        }
        std::str::from_utf8(&folded).is_ok_and(|word| self.words.contains_key(word))
    }

    /// What a word near a number says of it.
    pub(in crate::text) fn near(&self, word: &str) -> Option<Near> {
        self.near.get(word).copied()
    }

    /// What the last, or the first, Chinese word of a text says of the number beside it.
    pub(in crate::text) fn near_chinese(&self, text: &str, last: bool) -> Option<Near> {
        let place =
            |word: &str| if last { text.rfind(word).map(|at| at + word.len()) } else { text.find(word) };
        let found =
            self.near_chinese.iter().filter_map(|(word, near)| Some((place(word)?, word.len(), *near)));
        // At one place the longer word wins: 订单号 is no 号.
        let nearest = if last {
            found.max_by_key(|(at, len, _)| (*at, *len))
        } else {
            found.min_by_key(|(at, ..)| *at)
        };
        nearest.map(|(.., near)| near)
    }

    /// A Chinese digit.
    pub(super) fn han_digit(&self, c: char) -> Option<u8> {
        self.han_digits.get(&c).copied()
    }

    /// Folds one character that becomes none or several.
    pub(super) fn expand(&self, c: char, out: &mut String) {
        out.clear();
        self.settle(c, out);
    }

    fn make(&self, c: char) -> Entry {
        if is_invisible(c) {
            return Entry(Entry::DROP);
        }
        if is_combining_mark(c) {
            return Entry(Entry::MARK);
        }
        match c {
            '\n' => return Entry('\n' as u32 | (Class::Newline as u32) << 16 | Entry::SAME | Entry::IN_STEP),
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let step = if c == '\r' { Entry::IN_STEP } else { 0 };
                return Entry('\n' as u32 | (Class::Newline as u32) << 16 | step);
            }
            _ if c.is_whitespace() || c == '\u{2800}' => {
                let same = if c == ' ' { Entry::SAME } else { 0 };
                let step = if c.is_ascii() { Entry::IN_STEP } else { 0 };
                return Entry(' ' as u32 | (Class::Space as u32) << 16 | same | step);
            }
            _ if c.is_control() => return Entry(Entry::DROP),
            _ => {}
        }
        // Emoji are frequent and never change.
        if matches!(c as u32, 0x1F000..=0x1F0FF | 0x1F1E6..=0x1F1FF | 0x1F300..=0x1FAFF) {
            return Entry(Entry::SAME | Entry::SLOW);
        }
        // Ideographs, syllables and private characters have no other forms; most of the table is made of them.
        if matches!(c as u32, 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3 | 0xE000..=0xF8FF) {
            let to = self.simplified.get(&c).copied().unwrap_or(c);
            let how = if to == c { Entry::SAME | Entry::IN_STEP } else { Entry::TRADITIONAL };
            return Entry(to as u32 | (self.classify(to) as u32) << 16 | how);
        }
        let mut folded = String::new();
        self.settle(c, &mut folded);
        let mut chars = folded.chars();
        let Some(first) = chars.next() else { return Entry(Entry::DROP) };
        let class = self.classify(first) as u32;
        if chars.next().is_some() || first as u32 > 0xFFFF {
            return Entry(class << 16 | Entry::SLOW | Entry::COMPATIBILITY);
        }
        let mut bits = first as u32 | class << 16;
        if first == c {
            bits |= Entry::SAME;
        }
        let undone = self.undone(c, first);
        if first.len_utf8() == c.len_utf8() && undone == 0 {
            bits |= Entry::IN_STEP;
        }
        Entry(bits | undone)
    }

    fn undone(&self, c: char, folded: char) -> u32 {
        if self.simplified.contains_key(&c) {
            Entry::TRADITIONAL
        } else if self.letters.contains_key(&c) {
            Entry::LOOKALIKE
        } else if folded.is_alphanumeric() && std::iter::once(c).nfkc().ne(std::iter::once(c)) {
            // Accents that compose and superscripts are ordinary writing; other forms of letters are not.
            if matches!(c, '²' | '³' | '¹' | 'ª' | 'º') { 0 } else { Entry::COMPATIBILITY }
        } else {
            0
        }
    }

    /// Folds until nothing changes, so that folding a folded text is the identity.
    fn settle(&self, c: char, out: &mut String) {
        let mut current = String::from(c);
        for _ in 0..4 {
            let mut next = String::with_capacity(current.len());
            for from in current.chars() {
                self.one(from, &mut next);
            }
            if next == current {
                break;
            }
            current = next;
        }
        out.push_str(&current);
    }

    fn one(&self, c: char, out: &mut String) {
        // Signs whose compatibility form reads as a word (№ → no, ™ → tm) or a run of dots.
        if matches!(c, '№' | '™' | '℠' | '℡' | '℻' | '…' | '‥' | '®' | '©') {
            return out.push(c);
        }
        if let Some(to) = self.letters.get(&c) {
            return out.push(*to);
        }
        // Negative circled and squared Latin letters have no compatibility form.
        if let code @ (0x1F150..=0x1F169 | 0x1F170..=0x1F189) = c as u32 {
            let nth = u8::try_from((code - 0x1F150) % 32).unwrap_or(0);
            return out.push(char::from(b'a' + nth.min(25)));
        }
        let blank = std::iter::once(c).nfkc().any(char::is_whitespace);
        let decomposed = std::iter::once(c).nfkc().filter(|_| !blank).chain(blank.then_some(c));
        for d in decomposed.flat_map(char::to_lowercase) {
            let d = if d == 'ё' { 'е' } else { d };
            let d = self.simplified.get(&d).copied().unwrap_or(d);
            if !is_combining_mark(d) && !is_invisible(d) {
                out.push(d);
            }
        }
    }

    fn classify(&self, c: char) -> Class {
        match c {
            '.' => Class::Dot,
            '(' | '[' | '{' | '<' => Class::Bracket,
            '@' | '$' => Class::Sign,
            '0'..='9' => Class::Digit,
            'a'..='z' => Class::Latin,
            '。' => Class::HanDot,
            _ if self.han_dots.contains(&c) => Class::HanDot,
            _ if self.han_digits.contains_key(&c) => Class::HanDigit,
            'а'..='я' => Class::Cyrillic,
            _ if c.is_ascii() => Class::Other,
            _ if !c.is_alphabetic() => Class::Other,
            _ => match c as u32 {
                0xC0..=0x24F | 0x1E00..=0x1EFF => Class::Latin,
                0x370..=0x3FF | 0x1F00..=0x1FFF => Class::Greek,
                0x400..=0x52F => Class::Cyrillic,
                0x2E80..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF => Class::Han,
                _ => Class::Letter,
            },
        }
    }
}
