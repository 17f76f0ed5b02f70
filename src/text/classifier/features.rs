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
pub const WORD_ROWS: usize = 1 << 22;
/// Rows of the model for what the lexicons found, a power of two; they come after the others.
pub const FINDING_ROWS: usize = 1 << 14;
/// Signals have the first quarter of the finding rows, groups of terms and pairs of them the others.
const SIGNAL_ROWS: usize = FINDING_ROWS / 4;
/// Rows of the model.
pub const ROWS: usize = WORD_ROWS + FINDING_ROWS;

/// Lengths of pieces of a word, its borders counted as letters.
const PIECES: Range<usize> = 2..6;
/// Longest run of Chinese characters that is a feature.
const HAN_PIECES: usize = 4;
/// Stands for a Chinese character that is not read.
const OF_OTHERS: char = '\0';
/// Digits are told apart by how many stand together, up to so many.
const DIGITS: usize = 5;
/// Words, hits and links beyond so many are not looked at: they add nothing but time.
const LONGEST: usize = 2_000;
/// A sentence of fewer words is read with the one before it.
const SHORT_SENTENCE: usize = 3;
/// A finding is told apart from so many before it.
const LOOK_BACK: usize = 64;
/// Sentences beyond so many are read as one.
const MOST_PARTS: usize = 24;

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
    /// First word that makes it, as an index into [`Features::words`]; for what the lexicons found, the first word of
    /// its sentence.
    pub(in crate::text) word: u32,
}

/// Rows of the model for one part of one reading of a text, as many times as they occur: what a trainer learns from.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Which view of the text was read; 0 is the main one.
    pub view: usize,
    /// Words and pieces of words.
    pub words: Vec<u32>,
    /// What the lexicons found.
    pub findings: Vec<u32>,
}

/// What the features of a word weigh together.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::text) struct WordSum {
    pub(in crate::text) words: i32,
    pub(in crate::text) word_count: u32,
    pub(in crate::text) groups: i32,
    pub(in crate::text) group_count: u32,
    pub(in crate::text) signals: i32,
}

/// The features of one text. Reused from text to text.
#[derive(Debug, Default)]
pub(in crate::text) struct Features {
    pub(in crate::text) all: Vec<Feature>,
    /// How many of them are words or pieces of words; they come first.
    pub(in crate::text) wordy: usize,
    /// Words as ranges of the folded text.
    pub(in crate::text) words: Vec<Range<u32>>,
    /// What is judged by itself, as ranges of words: the whole text, then its sentences where it has several.
    pub(in crate::text) parts: Vec<Range<u32>>,
    /// Stretches of the original that are not read, sorted: words of others.
    pub(in crate::text) borrowed: Vec<(u32, u32)>,
    /// What a model makes of each word: its buffer.
    pub(in crate::text) sums: Vec<WordSum>,
    letters: Vec<char>,
    sentences: Vec<u32>,
    /// Where in the original the sentences begin.
    starts: Vec<u32>,
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
                self.han(view, word.start as usize, text, at);
                before = [None, None];
                continue;
            }
            if self.is_of_others(view, word.start as usize..word.end as usize) {
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
        self.divide(view);
        self.read_findings(seen);
    }

    /// Whether others wrote a stretch of a view.
    fn is_of_others(&self, view: &View, range: Range<usize>) -> bool {
        if self.borrowed.is_empty() {
            return false;
        }
        let original = view.original(range);
        self.is_borrowed(original.start, original.end)
    }

    /// Whether others wrote a stretch of the original.
    fn is_borrowed(&self, start: u32, end: u32) -> bool {
        self.borrowed.iter().any(|(from, to)| *from <= start && end <= *to)
    }

    fn clear(&mut self) {
        self.all.clear();
        self.words.clear();
        self.sentences.clear();
        self.parts.clear();
        self.starts.clear();
    }

    /// The whole text and its sentences.
    fn divide(&mut self, view: &View) {
        let count = self.words.len();
        self.parts.push(0..count as u32);
        let mut from = 0;
        for at in 1..=count {
            let ends = at == count || self.sentences.get(at) != self.sentences.get(at - 1);
            let rest = count - at;
            if !ends || (rest > 0 && (at - from < SHORT_SENTENCE || self.parts.len() >= MOST_PARTS)) {
                continue;
            }
            if at - from < SHORT_SENTENCE && self.parts.len() > 1 {
                if let Some(last) = self.parts.last_mut() {
                    last.end = at as u32;
                }
            } else {
                self.parts.push(from as u32..at as u32);
            }
            from = at;
        }
        // One sentence is the whole text.
        if self.parts.len() == 2 {
            self.parts.truncate(1);
        }
        for part in self.parts.iter().skip(1) {
            let word = self.words.get(part.start as usize).cloned().unwrap_or_default();
            self.starts.push(view.original(word.start as usize..word.end as usize).start);
        }
    }

    /// Where in the view a part begins.
    pub(in crate::text) fn start(&self, part: usize) -> usize {
        let first = self.parts.get(part).and_then(|part| self.words.get(part.start as usize));
        first.map_or(0, |word| word.start as usize)
    }

    /// First word of the sentence in which the original text has the byte `at`.
    fn sentence_of(&self, at: u32) -> u32 {
        let sentence = self.starts.partition_point(|start| *start <= at);
        self.parts.get(sentence).map_or(0, |part| part.start)
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
            let dot = letter == '.'
                && text.get(at + 1..).and_then(|rest| rest.chars().next()).is_none_or(char::is_whitespace);
            if dot || matches!(letter, '!' | '?' | '。' | '！' | '？' | '\n' | ';' | '；' | '…') {
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

    /// Runs of Chinese characters, but for those of others.
    fn han(&mut self, view: &View, from: usize, text: &str, at: u32) {
        self.letters.clear();
        for (place, letter) in text.char_indices() {
            let place = from + place;
            let of_others = self.is_of_others(view, place..place + letter.len_utf8());
            self.letters.push(if of_others { OF_OTHERS } else { letter });
        }
        for from in 0..self.letters.len() {
            let mut hash = start(seed::PIECE);
            for to in from..(from + HAN_PIECES).min(self.letters.len()) {
                let letter = self.letters.get(to).copied().unwrap_or(OF_OTHERS);
                if letter == OF_OTHERS {
                    break;
                }
                hash = take(hash, letter);
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
            if self.is_borrowed(hit.start, hit.end) {
                continue;
            }
            let mut hash = lexicon.name_hashes.get(usize::from(hit.group)).copied().unwrap_or_default();
            let word = self.sentence_of(hit.start);
            self.find(seed::GROUP, hash, word);
            if denied(hits, index) {
                hash = hash.rotate_left(7);
                self.find(seed::GROUP, hash, word);
            }
            if let Some((before, other)) = last
                && before.clause == hit.clause
            {
                self.find(seed::GROUPS, other.rotate_left(23).wrapping_add(hash), word);
            }
            last = Some((hit, hash));
        }
        for one in found.iter().take(LONGEST) {
            let hash = lexicon.signal_hashes.get(usize::from(one.signal.0)).copied().unwrap_or_default();
            let hash = if one.by.is_some() { hash.rotate_left(11) } else { hash };
            self.find(seed::SIGNAL, hash, self.sentence_of(one.start));
        }
        for link in links.iter().take(LONGEST) {
            self.find(
                seed::SIGNAL,
                hash::step(start(seed::SIGNAL), link.class as u8),
                self.sentence_of(link.start),
            );
        }
    }

    fn push(&mut self, hash: u64, word: u32) {
        self.all.push(Feature { row: (hash::finish(hash) as usize & (WORD_ROWS - 1)) as u32, word });
    }

    fn find(&mut self, kind: u8, hash: u64, word: u32) {
        // Kinds keep to stretches of their own, so that a trainer can weigh them apart.
        let row = (hash::finish(start(kind) ^ hash) as usize) & (SIGNAL_ROWS - 1);
        let stretch = match kind {
            seed::SIGNAL => 0,
            seed::GROUP => 1,
            _ => 2 + (hash & 1) as usize,
        };
        let feature = Feature { row: (WORD_ROWS + stretch * SIGNAL_ROWS + row) as u32, word };
        // A lexicon's finding counts once a sentence.
        let known = self.all.get(self.wordy..).unwrap_or_default();
        if !known.iter().rev().take(LOOK_BACK).any(|one| *one == feature) {
            self.all.push(feature);
        }
    }

    /// The features of a part, copied.
    pub(in crate::text) fn of(&self, part: &Range<u32>) -> Reading {
        let inside = |features: &[Feature]| -> Vec<u32> {
            features.iter().filter(|one| part.contains(&one.word)).map(|one| one.row).collect()
        };
        let (words, findings) = self.all.split_at(self.wordy);
        Reading { view: 0, words: inside(words), findings: inside(findings) }
    }
}

/// Whether a row of the model is of a group of terms or of a pair of them.
pub fn is_group(row: u32) -> bool {
    row as usize >= WORD_ROWS + SIGNAL_ROWS
}

fn is_word_like(letter: char) -> bool {
    letter.is_alphanumeric()
}

/// Signs that say something: a question, an address, money, a pictogram.
fn is_sign(letter: char) -> bool {
    matches!(letter, '?' | '？' | '@' | '%' | '₽' | '$' | '¥' | '€' | '+')
        || matches!(u32::from(letter), 0x2600..=0x27bf | 0x2b50 | 0x1f300..=0x1faff)
}
