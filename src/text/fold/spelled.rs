//! Addresses and numbers written in words or taken apart: `восемь девятьсот …`, `t (точка) me`, `s h o p . r u`, `9l6-22O`.

use super::tables::{Class, FoldTables, Spelled};
use super::view::Rewrite;
use super::words::Scratch;
use super::{Via, View};

/// A word, or one character between words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    start: usize,
    end: usize,
    kind: Kind,
}

impl Token {
    fn is_single_digit_or_sign(&self) -> bool {
        match self.kind {
            Kind::Number(value) => value < 10,
            Kind::Digits => self.end - self.start == 1,
            Kind::HanDigit(_) | Kind::Sign(_) => true,
            _ => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Latin,
    /// A Russian word that stands for a host or its ending.
    Host,
    Word,
    Digits,
    /// Digits with the letter O, or with other letters that look like digits, among them.
    DigitsAndO,
    DigitsAndLetters,
    Number(u16),
    HanDigit(u8),
    Dot,
    At(bool),
    Slash,
    HanDot,
    Sign(char),
}

impl Kind {
    fn is_host_part(self) -> bool {
        matches!(self, Kind::Latin | Kind::Host | Kind::Digits | Kind::DigitsAndO | Kind::DigitsAndLetters)
    }
    fn is_digits(self) -> bool {
        matches!(self, Kind::Digits | Kind::DigitsAndO | Kind::DigitsAndLetters)
    }
    fn is_loose(self) -> bool {
        matches!(self, Kind::Sign(' ' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '"' | '\''))
    }
}

/// Makes the spelled view. False when nothing is spelled.
pub(super) fn spell(base: &View, out: &mut View, tables: &FoldTables, scratch: &mut Scratch) -> bool {
    let tokens = &mut scratch.tokens;
    tokenise(&base.text, tables, tokens);
    let mut writer = Writer {
        base,
        tables,
        rewrite: Rewrite::new(base, out),
        changed: false,
        in_host: false,
        refused: 0,
        not_apart: 0,
    };
    let mut at = 0;
    while at < tokens.len() {
        at = writer
            .numbers(tokens, at)
            .or_else(|| writer.taken_apart(tokens, at))
            .or_else(|| writer.sign(tokens, at))
            .unwrap_or_else(|| writer.token(tokens, at));
    }
    let changed = writer.changed;
    writer.rewrite.finish();
    changed
}

fn tokenise(text: &str, tables: &FoldTables, tokens: &mut Vec<Token>) {
    tokens.clear();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let class = tables.class(c);
        let mut end = start + c.len_utf8();
        if !class.is_word() {
            let kind = match class {
                Class::HanDigit => tables.han_digit(c).map_or(Kind::Word, Kind::HanDigit),
                Class::HanDot => Kind::HanDot,
                _ => Kind::Sign(c),
            };
            tokens.push(Token { start, end, kind });
            continue;
        }
        while let Some((at, c)) = chars.peek().copied() {
            if !tables.class(c).is_word() {
                break;
            }
            end = at + c.len_utf8();
            chars.next();
        }
        tokens.push(Token { start, end, kind: kind(text.get(start..end).unwrap_or_default(), tables) });
    }
}

/// The digit that a letter looks like, as fonts show it in either case.
fn digit_like(c: char) -> Option<&'static str> {
    Some(match c {
        'o' | 'о' => "0",
        'l' | 'i' | 'і' => "1",
        'z' => "2",
        'з' => "3",
        'ч' => "4",
        's' => "5",
        'б' => "6",
        'b' => "8",
        _ => return None,
    })
}

fn kind(word: &str, tables: &FoldTables) -> Kind {
    if word.bytes().all(|b| b.is_ascii_digit()) {
        return Kind::Digits;
    }
    if word.bytes().any(|b| b.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_digit() || digit_like(c).is_some())
    {
        let only_o = word.chars().filter_map(digit_like).all(|digit| digit == "0");
        return if only_o { Kind::DigitsAndO } else { Kind::DigitsAndLetters };
    }
    match tables.words.get(word) {
        Some(Spelled::Number(n)) => return Kind::Number(*n),
        Some(Spelled::Dot) => return Kind::Dot,
        Some(Spelled::At(alone)) => return Kind::At(*alone),
        Some(Spelled::Slash) => return Kind::Slash,
        None => {}
    }
    if word.is_ascii() {
        Kind::Latin
    } else if tables.hosts.contains_key(word) {
        Kind::Host
    } else {
        Kind::Word
    }
}

struct Writer<'a> {
    base: &'a View,
    tables: &'a FoldTables,
    rewrite: Rewrite<'a>,
    changed: bool,
    /// Within an address that has been put together: blanks around its slash go too.
    in_host: bool,
    /// Up to here runs of numbers have been looked at and left alone.
    refused: usize,
    /// Up to here letters that stand alone have been looked at and left alone.
    not_apart: usize,
}

impl Writer<'_> {
    /// A run of numbers in words, or of single digits; answers the token after it.
    fn numbers(&mut self, tokens: &[Token], at: usize) -> Option<usize> {
        if at < self.refused {
            return None;
        }
        let (mut digits, mut words, mut singles, mut pieces, mut end) = (0usize, 0usize, 0usize, 0usize, at);
        let mut n = at;
        while let Some(token) = tokens.get(n) {
            match token.kind {
                Kind::Number(value) => {
                    words += 1;
                    digits += if value < 10 { 1 } else { 2 };
                    pieces += 1;
                }
                Kind::HanDigit(_) => {
                    words += 1;
                    digits += 1;
                    pieces += 1;
                }
                Kind::Digits | Kind::DigitsAndO | Kind::DigitsAndLetters => {
                    digits += token.end - token.start;
                    singles += usize::from(token.end - token.start == 1);
                    pieces += 1;
                }
                Kind::Sign(' ' | '-' | '.' | ',' | '(' | ')') if n > at => {
                    n += 1;
                    // Two signs at most between numbers: `8 (900)`.
                    if n - end > 3 {
                        break;
                    }
                    continue;
                }
                _ => break,
            }
            n += 1;
            end = n;
        }
        let run = tokens.get(at..end)?;
        if words > 0 && digits >= 7 {
            self.write_numbers(run);
            Some(end)
        } else if singles >= 10 && singles == pieces {
            for token in run {
                if token.kind == Kind::Digits {
                    self.rewrite.copy_to(token.end);
                } else {
                    self.rewrite.drop_to(token.end, Via::SPACED);
                }
            }
            self.changed = true;
            Some(end)
        } else {
            self.refused = end;
            None
        }
    }

    /// Numbers in words become digits; hundreds, tens and units that stand together make one number.
    fn write_numbers(&mut self, run: &[Token]) {
        self.changed = true;
        if run.iter().all(Token::is_single_digit_or_sign) {
            return self.write_single_digits(run);
        }
        let mut n = 0;
        while let Some(token) = run.get(n) {
            match token.kind {
                Kind::Number(first) => {
                    let (mut value, mut last, mut end, mut next) = (first, first, token.end, n + 1);
                    while let (Some(blank), Some(token)) = (run.get(next), run.get(next + 1)) {
                        let Kind::Number(v) = token.kind else { break };
                        let below = (last >= 100 && v < 100) || ((20..100).contains(&last) && v < 10);
                        if blank.kind != Kind::Sign(' ') || !below || v == 0 {
                            break;
                        }
                        (value, last, end) = (value.saturating_add(v), v, token.end);
                        next += 2;
                    }
                    self.put(token.start, &value.to_string(), end);
                    n = next;
                }
                Kind::HanDigit(digit) => {
                    self.put(token.start, &digit.to_string(), token.end);
                    n += 1;
                }
                _ => {
                    n = self.token(run, n);
                }
            }
        }
    }

    /// `восемь девять ноль три`: digit by digit, all one number.
    fn write_single_digits(&mut self, run: &[Token]) {
        let mut written: Option<usize> = None;
        for token in run {
            let digit = match token.kind {
                Kind::Number(value) => value.to_string(),
                Kind::HanDigit(digit) => digit.to_string(),
                Kind::Digits => self.base.text.get(token.start..token.end).unwrap_or_default().to_owned(),
                _ => continue,
            };
            self.put(written.unwrap_or(token.start), &digit, token.end);
            written = Some(token.end);
        }
    }

    /// A dot, at-sign or slash between parts of an address; answers the token after it.
    fn sign(&mut self, tokens: &[Token], at: usize) -> Option<usize> {
        let left = tokens.get(at.checked_sub(1)?)?;
        if !left.kind.is_host_part() {
            return None;
        }
        let mut n = at;
        let mut loose = 0;
        while tokens.get(n).is_some_and(|t| t.kind.is_loose()) && loose < 3 {
            n += 1;
            loose += 1;
        }
        let mark = tokens.get(n)?;
        let bracketed = n > at && matches!(tokens.get(n - 1)?.kind, Kind::Sign('(' | '[' | '{' | '<'));
        let mut next = n + 1;
        while tokens.get(next).is_some_and(|t| t.kind.is_loose()) && next - n <= 3 {
            next += 1;
        }
        let right = tokens.get(next)?;
        let spaced_before = n > at && tokens.get(at)?.kind == Kind::Sign(' ');
        let host_right =
            right.kind.is_host_part() && !matches!(right.kind, Kind::DigitsAndO | Kind::DigitsAndLetters);
        let ending = matches!(right.kind, Kind::Latin | Kind::Host);
        let sign = match mark.kind {
            Kind::Dot if ending && left.kind != Kind::Digits => ".",
            Kind::At(alone) if ending && (alone || bracketed || spelled_dot_follows(tokens, next)) => "@",
            Kind::Slash if host_right => "/",
            Kind::HanDot if ending && n == at && next == n + 1 => ".",
            Kind::Sign('.') if ending && (bracketed || spaced_before) && self.no_sentence(left, right) => ".",
            Kind::Sign('@') if ending && (bracketed || (spaced_before && dot_follows(tokens, next))) => "@",
            Kind::Sign('/') if self.in_host && host_right && next > n => "/",
            _ => return None,
        };
        if mark.kind == Kind::Sign('/') && next == n + 1 && n == at {
            return None;
        }
        self.in_host = true;
        self.changed = true;
        self.put(left.end, sign, right.start);
        Some(next)
    }

    /// An address with blanks between its letters; answers the token after it.
    fn taken_apart(&mut self, tokens: &[Token], at: usize) -> Option<usize> {
        let blank = |n: usize| tokens.get(n).is_some_and(|t| t.kind == Kind::Sign(' '));
        if at < self.not_apart || (at > 0 && !blank(at - 1)) {
            return None;
        }
        let (mut n, mut end, mut letters, mut marks) = (at, at, 0, 0);
        let mut after_letter = false;
        while let Some(token) = tokens.get(n) {
            match token.kind {
                Kind::Sign('.' | '@') => marks += 1,
                Kind::Sign('/' | ':' | '-' | '_') => {}
                Kind::Sign(_) => break,
                // Letters that touch are a word.
                _ if after_letter && !blank(n - 1) => break,
                _ if self
                    .base
                    .text
                    .get(token.start..token.end)
                    .is_none_or(|t| t.chars().nth(1).is_some()) =>
                {
                    break;
                }
                _ => letters += 1,
            }
            after_letter = !matches!(token.kind, Kind::Sign(_));
            n += 1;
            end = n;
            n += usize::from(blank(n));
        }
        let run = tokens.get(at..end)?;
        if letters < 5 || marks == 0 {
            self.not_apart = end;
            return None;
        }
        for token in run {
            if token.kind == Kind::Sign(' ') {
                self.rewrite.copy_to(token.start);
                self.rewrite.drop_to(token.end, Via::SPACED);
            }
        }
        self.changed = true;
        Some(end)
    }

    /// `слово . word` with a blank before the dot is an address only where both sides are short Latin words.
    fn no_sentence(&self, left: &Token, right: &Token) -> bool {
        left.kind == Kind::Latin && right.end - right.start <= 6
    }

    /// Copies a token; Russian host words within an address become Latin, O among digits becomes zero.
    /// Answers the token after it.
    fn token(&mut self, tokens: &[Token], at: usize) -> usize {
        let Some(token) = tokens.get(at) else { return at + 1 };
        let text = self.base.text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            Kind::Host if self.in_host || host_follows(tokens, at) => {
                if let Some(host) = self.tables.hosts.get(text) {
                    self.put(token.start, host, token.end);
                    self.changed = true;
                }
                // `собака мейл ру`: the dot is left out altogether.
                if let (Some(blank), Some(ending)) = (tokens.get(at + 1), tokens.get(at + 2))
                    && self.in_host
                    && blank.kind == Kind::Sign(' ')
                    && ending.kind == Kind::Host
                {
                    self.put(blank.start, ".", ending.start);
                    return at + 2;
                }
            }
            Kind::DigitsAndO | Kind::DigitsAndLetters => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let near =
                    |n: Option<usize>| n.and_then(|n| tokens.get(n)).is_some_and(|t| t.kind.is_digits());
                let beside = near(at.checked_sub(2)) || near(Some(at + 2));
                // Other letters are units and parts of names as well: 10l, 5s.
                let plain = token.kind == Kind::DigitsAndO && (digits >= 4 || text.chars().count() >= 7);
                if plain || beside || text.chars().count() >= 10 {
                    for (n, c) in text.char_indices() {
                        if let Some(digit) = digit_like(c) {
                            self.put(token.start + n, digit, token.start + n + c.len_utf8());
                        }
                    }
                    self.changed = true;
                }
            }
            Kind::Sign(c) if !matches!(c, '.' | '/' | '@' | '-' | '_') => self.in_host = false,
            Kind::Word => self.in_host = false,
            _ => {}
        }
        at + 1
    }

    fn put(&mut self, from: usize, text: &str, end: usize) {
        self.rewrite.copy_to(from);
        self.rewrite.put(text, end, Via::SPELLED);
    }
}

/// Whether the part of an address at `at` goes on with a dot in words.
fn spelled_dot_follows(tokens: &[Token], at: usize) -> bool {
    let after = tokens.get(at + 1..).unwrap_or_default();
    after.iter().take(4).find(|t| !t.kind.is_loose()).is_some_and(|t| t.kind == Kind::Dot)
}

/// Whether a word is followed by a dot of either kind: `lampa @ inbox . ru`.
fn dot_follows(tokens: &[Token], at: usize) -> bool {
    let after = tokens.get(at + 1..).unwrap_or_default();
    let dot = |t: &Token| matches!(t.kind, Kind::Dot | Kind::Sign('.'));
    after.iter().take(2).find(|t| !t.kind.is_loose()).is_some_and(dot)
}

/// Whether a host word is followed by a dot in words: `мейл точка ру`.
fn host_follows(tokens: &[Token], at: usize) -> bool {
    spelled_dot_follows(tokens, at)
}
