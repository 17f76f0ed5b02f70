//! What the classifier sees of a text: pieces of words, words, pairs of words, and what the lexicons found.
//!
//! Every feature is a row of the model, chosen by a hash: no dictionary of features has to be shipped or searched.

use std::ops::Range;

use crate::hash;
use crate::text::Link;
use crate::text::fold::View;
use crate::text::frames::{Found, denied};
use crate::text::lexicon::{Lexicon, is_chinese, is_word};
use crate::text::scan::Hit;

/// Rows of the model for words and their pieces, a power of two.
pub const WORD_ROWS: usize = 1 << 18;
/// Rows of the model for what the lexicons found, a power of two; they come after the others.
pub const FINDING_ROWS: usize = 1 << 14;
/// Rows of the model.
pub const ROWS: usize = WORD_ROWS + FINDING_ROWS;

/// Lengths of pieces of a word, its borders counted as letters.
const PIECES: Range<usize> = 2..6;
/// Longest run of Chinese characters that is a feature.
const HAN_PIECES: usize = 4;
/// Digits are told apart by how many stand together, up to so many.
const DIGITS: usize = 5;
/// Words, hits and links beyond so many are not looked at: they add nothing but time.
const LONGEST: usize = 2_000;

/// What the lexicons and lists saw in the whole text.
#[derive(Clone, Copy)]
pub(in crate::text) struct Seen<'a> {
    pub(in crate::text) lexicon: &'a Lexicon,
    pub(in crate::text) hits: &'a [Hit],
    pub(in crate::text) found: &'a [Found],
    pub(in crate::text) links: &'a [Link],
}

/// One feature, and the words that make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) struct Feature {
    /// Row of the model.
    pub(in crate::text) row: u32,
    /// First word that makes it, as an index into [`Features::words`]; [`NO_WORD`] for what the lexicons found.
    pub(in crate::text) word: u32,
}

/// The place of a feature that no single word makes.
pub(in crate::text) const NO_WORD: u32 = u32::MAX;

/// The features of one text. Reused from text to text.
#[derive(Debug, Default)]
pub(in crate::text) struct Features {
    pub(in crate::text) all: Vec<Feature>,
    /// How many of them are words or pieces of words; they come first.
    pub(in crate::text) wordy: usize,
    /// Words as ranges of the folded text.
    pub(in crate::text) words: Vec<Range<u32>>,
    letters: Vec<char>,
    seen: Vec<u64>,
    sentences: Vec<u32>,
}

/// Kinds of features: the same letters as a word and as a piece are two features.
mod seed {
    pub(super) const PIECE: u8 = 1;
    pub(super) const WORD: u8 = 2;
    pub(super) const PAIR: u8 = 3;
    pub(super) const APART: u8 = 4;
    pub(super) const GROUP: u8 = 5;
    pub(super) const GROUPS: u8 = 6;
    pub(super) const SIGNAL: u8 = 7;
}

fn take(hash: u64, letter: char) -> u64 {
    let code = u32::from(letter);
    code.to_le_bytes().iter().take(3).fold(hash, |hash, byte| hash::step(hash, *byte))
}

fn start(kind: u8) -> u64 {
    hash::step(hash::START, kind)
}

impl Features {
    /// Reads a view of a text.
    pub(in crate::text) fn read(&mut self, view: &View, seen: &Seen<'_>) {
        self.clear();
        self.read_words(&view.text);
        let mut before: [Option<u64>; 2] = [None, None];
        let words = std::mem::take(&mut self.words);
        for (index, word) in words.iter().enumerate() {
            let text = view.text.get(word.start as usize..word.end as usize).unwrap_or_default();
            if index > 0 && self.sentences.get(index) != self.sentences.get(index - 1) {
                before = [None, None];
            }
            let at = index as u32;
            if text.chars().next().is_some_and(is_chinese) {
                self.han(text, at);
                before = [None, None];
                continue;
            }
            let whole = self.word(text, at);
            for (kind, other, back) in [(seed::PAIR, before[0], 1), (seed::APART, before[1], 2)] {
                if let Some(other) = other {
                    self.push(
                        start(kind) ^ other.rotate_left(17).wrapping_add(whole),
                        at.saturating_sub(back),
                    );
                }
            }
            before = [Some(whole), before[0]];
        }
        self.words = words;
        self.wordy = self.all.len();
        self.read_findings(seen);
    }

    fn clear(&mut self) {
        // Only what was marked is wiped: the marks of all rows are many times a message's.
        self.seen.resize(ROWS.div_ceil(64), 0);
        for feature in self.all.drain(..) {
            if let Some(seen) = self.seen.get_mut(feature.row as usize / 64) {
                *seen = 0;
            }
        }
        self.words.clear();
        self.sentences.clear();
    }

    fn read_words(&mut self, text: &str) {
        let mut word: Option<usize> = None;
        let mut sentence = 0;
        let mut han: Option<usize> = None;
        for (at, letter) in text.char_indices() {
            if self.words.len() >= LONGEST {
                return;
            }
            if is_chinese(letter) && is_word_like(letter) {
                han.get_or_insert(at);
            } else if let Some(from) = han.take() {
                self.add_word(from..at, sentence);
            }
            if is_word(letter) {
                word.get_or_insert(at);
                continue;
            }
            if let Some(from) = word.take() {
                self.add_word(from..at, sentence);
            }
            if is_sign(letter) {
                self.add_word(at..at + letter.len_utf8(), sentence);
            }
            if matches!(letter, '.' | '!' | '?' | '。' | '！' | '？' | '\n' | ';' | '；' | '…') {
                sentence += 1;
            }
        }
        if let Some(from) = word.or(han) {
            self.add_word(from..text.len(), sentence);
        }
    }

    fn add_word(&mut self, range: Range<usize>, sentence: u32) {
        self.words.push(range.start as u32..range.end as u32);
        self.sentences.push(sentence);
    }

    /// A word and its pieces; returns its hash.
    fn word(&mut self, text: &str, at: u32) -> u64 {
        self.letters.clear();
        self.letters.push('^');
        let mut digits = 0;
        for letter in text.chars() {
            if letter.is_numeric() {
                digits += 1;
                if digits <= DIGITS {
                    self.letters.push('0');
                }
            } else {
                digits = 0;
                self.letters.push(letter);
            }
        }
        self.letters.push('$');
        let whole = self.letters.iter().fold(start(seed::WORD), |hash, letter| take(hash, *letter));
        self.push(whole, at);
        for from in 0..self.letters.len() {
            let mut hash = start(seed::PIECE);
            for to in from..(from + PIECES.end - 1).min(self.letters.len()) {
                hash = take(hash, self.letters.get(to).copied().unwrap_or_default());
                if to + 1 - from >= PIECES.start {
                    self.push(hash, at);
                }
            }
        }
        whole
    }

    fn han(&mut self, text: &str, at: u32) {
        self.letters.clear();
        self.letters.extend(text.chars());
        for from in 0..self.letters.len() {
            let mut hash = start(seed::PIECE);
            for to in from..(from + HAN_PIECES).min(self.letters.len()) {
                hash = take(hash, self.letters.get(to).copied().unwrap_or_default());
                self.push(hash, at);
            }
        }
    }

    /// Groups of terms, pairs of them in one clause, the signals that frames made of them or took back, and links.
    fn read_findings(&mut self, seen: &Seen<'_>) {
        let Seen { lexicon, hits, found, links } = *seen;
        let hits = hits.get(..LONGEST).unwrap_or(hits);
        let mut last: Option<(&Hit, u64)> = None;
        for (index, hit) in hits.iter().enumerate().filter(|(_, hit)| !hit.hidden) {
            let mut hash = lexicon.name_hashes.get(usize::from(hit.group)).copied().unwrap_or_default();
            self.find(seed::GROUP, hash);
            if denied(hits, index) {
                hash = hash.rotate_left(7);
                self.find(seed::GROUP, hash);
            }
            if let Some((before, other)) = last
                && before.clause == hit.clause
            {
                self.find(seed::GROUPS, other.rotate_left(23).wrapping_add(hash));
            }
            last = Some((hit, hash));
        }
        for one in found.iter().take(LONGEST) {
            let hash = lexicon.signal_hashes.get(usize::from(one.signal.0)).copied().unwrap_or_default();
            let hash = if one.by.is_some() { hash.rotate_left(11) } else { hash };
            self.find(seed::SIGNAL, hash);
        }
        for link in links.iter().take(LONGEST) {
            self.find(seed::SIGNAL, hash::step(start(seed::SIGNAL), link.class as u8));
        }
    }

    fn push(&mut self, hash: u64, word: u32) {
        self.add((hash::finish(hash) as usize) & (WORD_ROWS - 1), word);
    }

    fn find(&mut self, kind: u8, hash: u64) {
        // Kinds keep to stretches of their own, so that a trainer can weigh them apart.
        let quarter = FINDING_ROWS / 4;
        let row = (hash::finish(start(kind) ^ hash) as usize) & (quarter - 1);
        let stretch = match kind {
            seed::SIGNAL => 0,
            seed::GROUP => 1,
            _ => 2 + (hash & 1) as usize,
        };
        self.add(WORD_ROWS + stretch * quarter + row, NO_WORD);
    }

    fn add(&mut self, row: usize, word: u32) {
        if let Some(seen) = self.seen.get_mut(row / 64) {
            let bit = 1 << (row % 64);
            if *seen & bit == 0 {
                *seen |= bit;
                self.all.push(Feature { row: row as u32, word });
            }
        }
    }
}

fn is_word_like(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// Signs that say something: a question, an address, money, a pictogram.
fn is_sign(letter: char) -> bool {
    matches!(letter, '?' | '？' | '@' | '%' | '₽' | '$' | '¥' | '€' | '+')
        || matches!(u32::from(letter), 0x2600..=0x27bf | 0x2b50 | 0x1f300..=0x1faff)
}
