//! The first pass: one table look-up a character, and notes on what may need another look.

use std::ops::Range;

use super::tables::{Class, FoldTables};
use super::{Causes, Via, View};

/// Tracks words while characters go by.
#[derive(Default)]
struct Tracker {
    causes: Causes,
    class: Option<Class>,
    letter: char,
    repeats: u8,
    word_start: usize,
    word_first: char,
    /// Words of one letter in a row, and of one digit.
    single_letters: u8,
    single_digits: u8,
}

impl Tracker {
    #[inline]
    fn see(&mut self, c: char, class: Class, at: usize, original: &str, tables: &FoldTables) {
        let before = self.class.unwrap_or(Class::Newline);
        if before == class {
            if c == self.letter && class.is_letter() {
                self.repeats += 1;
                if self.repeats >= 2 {
                    self.causes |= Causes::REPEATED;
                    self.repeats = 2;
                }
            } else {
                self.repeats = 0;
                if class == Class::HanDigit {
                    self.causes |= Causes::SPELLED;
                }
            }
        } else {
            self.repeats = 0;
            self.turn(before, class, c, at, original, tables);
        }
        self.class = Some(class);
        self.letter = c;
    }

    #[inline(never)]
    fn turn(&mut self, before: Class, class: Class, c: char, at: usize, original: &str, tables: &FoldTables) {
        match class {
            Class::Latin => self.causes |= Causes::LATIN,
            Class::Cyrillic => self.causes |= Causes::CYRILLIC,
            _ => {}
        }
        match (before.is_word(), class.is_word()) {
            (true, true) => {
                self.causes |= if before == Class::Digit || class == Class::Digit {
                    Causes::LEET
                } else {
                    Causes::MIXED
                };
            }
            (true, false) => self.end_word(at, original, tables),
            (false, true) => {
                self.word_start = at;
                self.word_first = c;
                if before == Class::Sign && class.is_letter() {
                    self.causes |= Causes::LEET;
                }
            }
            (false, false) => {}
        }
        match (before, class) {
            (Class::Space, b) if b.is_han() => self.causes |= Causes::HAN_SPACE,
            (a, Class::Space) if a.is_han() => self.causes |= Causes::HAN_SPACE,
            (Class::Space | Class::Bracket, Class::Dot) => self.causes |= Causes::SPELLED,
            (Class::Latin | Class::Digit, Class::HanDot) => self.causes |= Causes::SPELLED,
            _ => {}
        }
    }

    fn end_word(&mut self, at: usize, original: &str, tables: &FoldTables) {
        let bytes = at - self.word_start;
        if bytes <= self.word_first.len_utf8() {
            if self.word_first.is_ascii_digit() {
                self.single_digits = self.single_digits.saturating_add(1);
            }
            self.single_letters = self.single_letters.saturating_add(1);
            if self.single_letters >= 4 {
                self.causes |= Causes::SPACED;
            }
            if self.single_digits >= 10 {
                self.causes |= Causes::SPELLED;
            }
        } else {
            self.single_letters = 0;
            self.single_digits = 0;
            if tables.may_be_spelled(self.word_first, bytes)
                && original.get(self.word_start..at).is_some_and(|word| tables.is_spelled(word))
            {
                self.causes |= Causes::SPELLED;
            }
        }
    }
}

/// Makes the view before words are looked at.
pub(super) fn fold(original: &str, tables: &FoldTables, view: &mut View) -> Causes {
    view.clear();
    view.text.reserve(original.len());
    let mut tracker = Tracker::default();
    // Characters that stay as they are go over in one piece.
    let mut kept = 0;
    let mut expansion = String::new();
    for (at, c) in original.char_indices() {
        let entry = tables.entry(c);
        if c != tracker.letter && entry.goes_on(tracker.class) {
            tracker.letter = c;
            tracker.repeats = 0;
            continue;
        }
        let class = entry.class();
        if entry.is_in_step() && !(matches!(class, Class::Space | Class::Newline) && after_blank(&tracker)) {
            let folded = entry.folded();
            if !entry.is_same() {
                view.push_in_step(original.get(kept..at).unwrap_or_default(), kept, Via::empty());
                view.push_char_in_step(folded, at);
                kept = at + c.len_utf8();
            }
            tracker.see(folded, class, at, original, tables);
            continue;
        }
        view.push_in_step(original.get(kept..at).unwrap_or_default(), kept, Via::empty());
        let end = at + c.len_utf8();
        kept = end;
        if entry.is_drop() {
            view.push_gap(Via::ZERO_WIDTH);
            // Words cut by what was dropped have another length than the word lists say: look again.
            tracker.causes |= Causes::SPELLED;
        } else if entry.is_mark() {
            mark(c, end, tables, view, &mut tracker);
        } else if matches!(class, Class::Space | Class::Newline) {
            blank(class, at..end, original, tables, view, &mut tracker);
        } else if entry.is_slow() && !entry.is_same() {
            tables.expand(c, &mut expansion);
            let words = expansion.chars().any(char::is_alphanumeric);
            let via = if words { Via::COMPATIBILITY } else { Via::empty() };
            view.push_whole(&expansion, at..end, via);
            for folded in expansion.chars() {
                tracker.see(folded, tables.class(folded), at, original, tables);
            }
        } else if entry.is_slow() {
            kept = at;
            tracker.see(c, class, at, original, tables);
        } else {
            let folded = entry.folded();
            let mut buffer = [0; 4];
            view.push_whole(folded.encode_utf8(&mut buffer), at..end, entry.via());
            tracker.see(folded, class, at, original, tables);
        }
    }
    view.push_in_step(original.get(kept..).unwrap_or_default(), kept, Via::empty());
    tracker.see('\n', Class::Newline, original.len(), original, tables);
    tracker.causes
}

fn after_blank(tracker: &Tracker) -> bool {
    matches!(tracker.class, Some(Class::Space | Class::Newline))
}

/// A run of white space is one blank, or one line break when it holds one.
fn blank(
    class: Class,
    place: Range<usize>,
    original: &str,
    tables: &FoldTables,
    view: &mut View,
    tracker: &mut Tracker,
) {
    let newline = class == Class::Newline || tracker.class == Some(Class::Newline);
    let (c, class) = if newline { ('\n', Class::Newline) } else { (' ', Class::Space) };
    if after_blank(tracker) {
        view.replace_last(c, place.end, Via::empty());
    } else {
        view.push_whole(if newline { "\n" } else { " " }, place.clone(), Via::empty());
    }
    tracker.see(c, class, place.start, original, tables);
}

/// A combining mark: composed with the letter before where there is such a letter (и + breve = й), else dropped.
fn mark(c: char, end: usize, tables: &FoldTables, view: &mut View, tracker: &mut Tracker) {
    let before = view.text.chars().next_back();
    let composed = before.and_then(|b| unicode_normalization::char::compose(b, c));
    match composed.map(|c| tables.entry(c)) {
        Some(entry) if !entry.is_slow() && !entry.is_drop() && !entry.is_mark() => {
            let folded = entry.folded();
            view.replace_last(folded, end, Via::empty());
            tracker.letter = folded;
        }
        // A stress mark is ordinary writing.
        _ if matches!(c, '\u{300}' | '\u{301}') => view.push_gap(Via::empty()),
        _ => view.push_gap(Via::COMPATIBILITY),
    }
}
