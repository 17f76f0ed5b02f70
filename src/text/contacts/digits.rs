//! Runs of digits, and the shapes of phones and cards in them.

use std::ops::Range;

use super::ContactKind;
use crate::text::Confidence;

/// Digits without anything between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    /// A plus stands before.
    pub(super) plus: bool,
    /// An opening bracket stands before.
    pub(super) bracket: bool,
    /// A blank stands before, so that another number may begin here.
    pub(super) after_blank: bool,
    /// A dash stands before.
    after_dash: bool,
}

/// The groups of a run; ordinary ones fit without an allocation.
pub(super) type Groups = smallvec::SmallVec<[Group; 16]>;

/// How plainly a number is what it seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Written the way such numbers are.
    Formatted,
    /// The right digits, without form.
    Bare,
    /// Only a word beside it can tell.
    NeedsWord,
}

/// Whether there is a digit at all: asked of every text, so without a branch per byte.
pub(in crate::text) fn any(text: &str) -> bool {
    text.bytes().fold(false, |any, byte| any | byte.is_ascii_digit())
}

/// The last `bytes` of a text, on a character boundary.
pub(super) fn tail(text: &str, bytes: usize) -> &str {
    let mut from = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default()
}

/// The first `bytes` of a text, on a character boundary.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    let mut to = text.len().min(bytes);
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    text.get(..to).unwrap_or_default()
}

/// The next run of groups from `from` on: digits with no more than three of ` -().` between.
pub(super) fn run(text: &str, from: usize, groups: &mut Groups) -> Option<Range<usize>> {
    groups.clear();
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let start = from + bytes.get(from..)?.iter().position(u8::is_ascii_digit)?;
    let before = |n: usize| start.checked_sub(n).filter(|at| *at >= from).map_or(0, byte);
    let bracket = before(1) == b'(';
    let plus = if bracket { before(2) == b'+' } else { before(1) == b'+' };
    let mut group = Group { start, end: start, plus, bracket, after_blank: true, after_dash: false };
    let mut at = start;
    loop {
        while byte(at).is_ascii_digit() {
            at += 1;
        }
        group.end = at;
        groups.push(group);
        let end = at;
        let (mut blank, mut dash, mut opens, mut signs) = (false, false, false, 0);
        let rest = text.get(at..).unwrap_or_default();
        for c in rest.chars() {
            match c {
                ' ' => blank = true,
                '-' | '–' | '—' | '‑' | '‐' => dash = true,
                '(' => opens = true,
                ')' | '.' => {}
                _ => break,
            }
            signs += 1;
            at += c.len_utf8();
        }
        if !byte(at).is_ascii_digit() || signs > 3 {
            return Some(start..end);
        }
        group =
            Group { start: at, end: at, plus: false, bracket: opens, after_blank: blank, after_dash: dash };
    }
}

/// So many words may stand beside a piece of a number …
const WORDS_BESIDE: usize = 3;
/// … or so many Chinese characters.
const HAN_BESIDE: usize = 9;

/// The number with which a message ends: a piece of a longer one. A plus before it belongs to it.
pub(in crate::text) fn last_piece(text: &str) -> Option<Range<usize>> {
    let mut groups = Groups::new();
    let found = run(text, 0, &mut groups)?;
    let alone = run(text, found.end, &mut groups).is_none();
    let after = text.get(found.end..)?;
    let plus = usize::from(text.get(..found.start)?.ends_with('+'));
    (alone && is_beside(after) && !super::is_sum(after)).then_some(found.start - plus..found.end)
}

/// The number with which a message begins, but for a few words.
pub(in crate::text) fn first_piece(text: &str) -> Option<Range<usize>> {
    let mut groups = Groups::new();
    let found = run(text, 0, &mut groups)?;
    let alone = run(text, found.end, &mut groups).is_none();
    (alone && is_beside(text.get(..found.start)?) && !super::is_sum(text.get(found.end..)?)).then_some(found)
}

fn is_beside(text: &str) -> bool {
    let han = text.chars().filter(|c| *c >= '\u{4e00}').count();
    han <= HAN_BESIDE && text.split_whitespace().count() <= WORDS_BESIDE
}

/// Whether digits of several messages, put together, are a mobile number. Eleven digits from 13 to 19 on are a Chinese
/// one, and sizes that were told one by one.
pub(in crate::text) fn mobile(number: &str) -> Option<Confidence> {
    let (plus, digits) = match number.strip_prefix('+') {
        Some(rest) => (true, rest.as_bytes()),
        None => (false, number.as_bytes()),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    match (digits, digits.len()) {
        ([b'7' | b'8', b'9', ..], 11) | ([b'3', b'7', b'5', ..], 12) | ([b'8', b'6', b'1', ..], 13) => {
            Some(Confidence::Certain)
        }
        ([b'1', b'3'..=b'9', ..], 11) if !plus => Some(Confidence::Suspected),
        (_, 10..=13) => plus.then_some(Confidence::Certain),
        _ => None,
    }
}

/// What a few groups can be.
pub(super) fn shape(text: &str, groups: &[Group]) -> Option<(Shape, ContactKind)> {
    let total: usize = groups.iter().map(|g| g.end - g.start).sum();
    if !(6..=19).contains(&total) {
        return None;
    }
    let mut number = [0u8; 19];
    let digits = groups.iter().flat_map(|g| text.as_bytes().get(g.start..g.end).unwrap_or_default());
    for (slot, digit) in number.iter_mut().zip(digits) {
        *slot = digit - b'0';
    }
    let number = number.get(..total)?;
    let lengths: smallvec::SmallVec<[usize; 8]> = groups.iter().map(|g| g.end - g.start).collect();
    let first = groups.first()?;
    if total >= 16 {
        return card(number, &lengths).map(|shape| (shape, ContactKind::Card));
    }
    let written = Written {
        plus: first.plus,
        bracket: groups.iter().any(|g| g.bracket),
        dashes: groups.get(1..).unwrap_or_default().iter().any(|g| g.after_dash),
    };
    phone(number, &lengths, &written).map(|shape| (shape, ContactKind::Phone))
}

struct Written {
    plus: bool,
    bracket: bool,
    dashes: bool,
}

fn phone(number: &[u8], lengths: &[usize], written: &Written) -> Option<Shape> {
    let total = number.len();
    let zeros = number.iter().all(|d| Some(d) == number.first());
    if zeros {
        return None;
    }
    if written.plus {
        let wanted = match number {
            [7, ..] => 11..=11,
            [8, 6, ..] => 13..=13,
            [3, 7 | 8, ..] | [9, 9, ..] => 11..=12,
            _ => 10..=15,
        };
        return wanted.contains(&total).then_some(Shape::Formatted);
    }
    match (number, lengths) {
        ([7 | 8, 3 | 4 | 7 | 8 | 9, ..], _) if total == 11 => Some(russian(number, lengths, written)),
        ([1, 3..=9, ..], [11]) => Some(Shape::Bare),
        ([1, 3..=9, ..], [3, 4, 4]) => Some(Shape::Formatted),
        ([8, 6, 1, 3..=9, ..], [13] | [2, 11]) => Some(Shape::Bare),
        ([8, 6, 1, 3..=9, ..], [2, 3, 4, 4]) => Some(Shape::Formatted),
        ([9, ..], [10]) => Some(if is_inn(number) { Shape::NeedsWord } else { Shape::Bare }),
        (_, [3, 3, 2, 2] | [3, 3, 4] | [3, 2, 2, 3] | [3, 7])
            if written.bracket || (written.dashes && lengths.len() > 2) =>
        {
            Some(Shape::Formatted)
        }
        ([9, ..], [3, 3, 2, 2] | [3, 3, 4] | [3, 7]) => Some(Shape::Bare),
        ([4, ..] | [8, ..], [4, 2, 2, 2] | [4, 6] | [5, 1, 2, 2]) if written.bracket => {
            Some(Shape::Formatted)
        }
        (_, [3, 2, 2] | [2, 2, 2] | [3, 4]) if written.dashes => Some(Shape::NeedsWord),
        (_, [10..=12]) => Some(Shape::NeedsWord),
        (_, _) if (10..=12).contains(&total) && lengths.len() <= 6 && lengths.iter().all(|n| *n <= 7) => {
            Some(Shape::NeedsWord)
        }
        _ => None,
    }
}

/// 7 or 8, a code of three to five digits, and the rest in groups.
fn russian(number: &[u8], lengths: &[usize], written: &Written) -> Shape {
    let mobile = matches!(number, [_, 9, ..] | [_, 8, 0, ..]);
    let small = |rest: &[usize]| rest.len() == 1 || rest.iter().all(|n| (1..=4).contains(n));
    match lengths {
        [11] if mobile => Shape::Bare,
        [11] => Shape::NeedsWord,
        [1, 10] if mobile => Shape::Bare,
        [1, 3..=5, rest @ ..] | [4, rest @ ..] if !rest.is_empty() && small(rest) => {
            if mobile || written.bracket || written.dashes { Shape::Formatted } else { Shape::Bare }
        }
        _ => Shape::NeedsWord,
    }
}

/// A card number by its first digit and check digit.
fn card(number: &[u8], lengths: &[usize]) -> Option<Shape> {
    if !matches!(number, [2..=6, ..]) || !luhn(number) || number.iter().all(|d| Some(d) == number.first()) {
        return None;
    }
    match lengths {
        [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 4, 4, 6] | [4, 4, 4, 7] => Some(Shape::Formatted),
        [_] => Some(Shape::Bare),
        _ => None,
    }
}

/// The check digit of cards and IMEIs.
fn luhn(number: &[u8]) -> bool {
    let sum: u32 = number
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| match (n % 2, u32::from(*digit) * 2) {
            (0, double) => double / 2,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digit of a company's tax number.
fn is_inn(number: &[u8]) -> bool {
    const WEIGHTS: [u32; 9] = [2, 4, 10, 3, 5, 9, 4, 6, 8];
    let sum: u32 = number.iter().zip(WEIGHTS).map(|(d, w)| u32::from(*d) * w).sum();
    number.len() == 10 && number.last().is_some_and(|check| sum % 11 % 10 == u32::from(*check))
}
