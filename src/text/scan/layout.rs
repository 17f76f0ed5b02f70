//! Where hits stand in a text: words, clauses, sentences. One pass over the original.

use crate::text::lexicon::{builtin, is_chinese, is_word};
use crate::text::scan::Hit;

/// What the pass saw besides the places of hits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    /// Length of the text in half words: a word is two, a Chinese character one.
    pub(super) words: u32,
    /// Words not covered by thanks, greetings and the like.
    pub(super) uncovered: u32,
    /// A word of Latin and Cyrillic letters that look alike.
    pub(super) mixed: Option<(u32, u32)>,
    /// An invisible character between letters.
    pub(super) invisible: Option<(u32, u32)>,
}

#[derive(Default)]
struct Word {
    start: usize,
    letters: u32,
    latin: u32,
    cyrillic: u32,
    latin_alike: u32,
    cyrillic_alike: u32,
}

/// Fills in `pos`, `clause` and `sentence` of hits sorted by start.
pub(super) fn lay_out(text: &str, hits: &mut [Hit]) -> Layout {
    let mut layout = Layout::default();
    let mut place = Place::default();
    let mut word: Option<Word> = None;
    let mut last_letters = 0;
    let mut previous = ' ';
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|(_, next)| *next);
        if is_word(letter) {
            let current = word.get_or_insert_with(|| Word { start: at, ..Word::default() });
            if current.letters == 0 {
                place.reach(at, hits, layout.words);
                layout.words += 2;
                layout.uncovered += u32::from(at as u64 >= place.class_end);
            }
            current.see(letter);
        } else if is_invisible(letter) && word.is_some() && next.is_some_and(is_word) {
            layout.invisible = layout.invisible.or(Some((offset(at), offset(at + letter.len_utf8()))));
        } else {
            if let Some(done) = word.take() {
                last_letters = done.letters;
                layout.mixed = layout.mixed.or(done.mixed().then_some((offset(done.start), offset(at))));
            }
            place.reach(at, hits, layout.words);
            if is_chinese(letter) {
                layout.words += 1;
                layout.uncovered += u32::from(at as u64 >= place.class_end);
                last_letters = 4;
            } else if (at as u64) >= place.hit_end {
                // Dots and dashes inside a disguised word end nothing.
                match break_after(
                    letter,
                    last_letters,
                    previous,
                    text.get(at + letter.len_utf8()..).unwrap_or_default(),
                ) {
                    Break::Sentence => place.sentence_ends(),
                    Break::Clause if !place.beside_parenthetical(at, hits) => place.clause += 1,
                    _ => {}
                }
            }
        }
        previous = letter;
    }
    if let Some(done) = word {
        layout.mixed = layout.mixed.or(done.mixed().then_some((offset(done.start), offset(text.len()))));
    }
    place.reach(text.len(), hits, layout.words);
    layout
}

#[derive(Default)]
struct Place {
    next: usize,
    clause: u32,
    sentence: u32,
    hit_end: u64,
    class_end: u64,
    parenthetical_end: u64,
}

impl Place {
    /// Gives a place to every hit that starts at or before `at`.
    fn reach(&mut self, at: usize, hits: &mut [Hit], words: u32) {
        while let Some(hit) = hits.get_mut(self.next).filter(|hit| hit.start as usize <= at) {
            if !hit.hidden && hit.group == builtin::CLAUSE_BREAK {
                self.clause += 1;
            }
            hit.pos = words;
            hit.end_pos = words + hit.half_words;
            hit.clause = self.clause;
            hit.sentence = self.sentence;
            let end = u64::from(hit.end);
            self.hit_end = self.hit_end.max(end);
            match hit.group {
                builtin::THANKS | builtin::SMALL_TALK | builtin::MONOSYLLABIC | builtin::FILLER => {
                    self.class_end = self.class_end.max(end);
                }
                builtin::PARENTHETICAL => self.parenthetical_end = self.parenthetical_end.max(end),
                _ => {}
            }
            self.next += 1;
        }
    }

    fn sentence_ends(&mut self) {
        self.sentence += 1;
        self.clause += 1;
    }

    /// Commas around "пожалуйста" set off nothing.
    fn beside_parenthetical(&self, at: usize, hits: &[Hit]) -> bool {
        let after = hits.get(self.next..).unwrap_or_default().iter();
        (self.parenthetical_end > 0 && at as u64 <= self.parenthetical_end + 1)
            || after
                .take_while(|hit| hit.start as usize <= at + 4)
                .any(|hit| hit.group == builtin::PARENTHETICAL)
    }
}

enum Break {
    None,
    Clause,
    Sentence,
}

fn break_after(letter: char, last_letters: u32, previous: char, rest: &str) -> Break {
    match letter {
        '\n' | '!' | '?' | ';' | '。' | '！' | '？' | '；' | '…' => Break::Sentence,
        '.' => {
            let mut after = rest.chars();
            let next = after.next();
            let ends = match next {
                None | Some('\n') => true,
                Some(' ') => {
                    last_letters >= 4
                        || rest
                            .trim_start()
                            .chars()
                            .next()
                            .is_none_or(|c| !c.is_lowercase() && !c.is_numeric())
                }
                // "Спасибо.Пишите"
                Some(c) => last_letters >= 2 && c.is_alphabetic() && !c.is_ascii() && !previous.is_numeric(),
            };
            if ends { Break::Sentence } else { Break::None }
        }
        ',' | '，' | ':' | '：' | '(' | ')' | '（' | '）' | '—' | '–' | '、' => Break::Clause,
        '-' if previous == ' ' && rest.starts_with(' ') => Break::Clause,
        _ => Break::None,
    }
}

fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{34f}')
}

fn looks_cyrillic(letter: char) -> bool {
    matches!(
        letter,
        'a' | 'c'
            | 'e'
            | 'o'
            | 'p'
            | 'x'
            | 'y'
            | 'k'
            | 'm'
            | 'h'
            | 't'
            | 'b'
            | 'i'
            | 'u'
            | 'A'
            | 'B'
            | 'C'
            | 'E'
            | 'H'
            | 'K'
            | 'M'
            | 'O'
            | 'P'
            | 'T'
            | 'X'
            | 'Y'
    )
}

fn looks_latin(letter: char) -> bool {
    matches!(
        letter,
        'а' | 'с'
            | 'е'
            | 'о'
            | 'р'
            | 'х'
            | 'у'
            | 'к'
            | 'м'
            | 'н'
            | 'т'
            | 'в'
            | 'ь'
            | 'А'
            | 'В'
            | 'С'
            | 'Е'
            | 'Н'
            | 'К'
            | 'М'
            | 'О'
            | 'Р'
            | 'Т'
            | 'Х'
            | 'У'
    )
}

impl Word {
    fn see(&mut self, letter: char) {
        self.letters += 1;
        match letter {
            'a'..='z' | 'A'..='Z' => {
                self.latin += 1;
                self.latin_alike += u32::from(looks_cyrillic(letter));
            }
            'а'..='я' | 'А'..='Я' | 'ё' | 'Ё' => {
                self.cyrillic += 1;
                self.cyrillic_alike += u32::from(looks_latin(letter));
            }
            _ => {}
        }
    }

    /// Both scripts, and one of them only by letters that look like the other's: written to deceive, not "USBшный".
    fn mixed(&self) -> bool {
        self.latin > 0
            && self.cyrillic > 0
            && self.latin + self.cyrillic >= 4
            && (self.latin == self.latin_alike || self.cyrillic == self.cyrillic_alike)
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
