//! Evidence: the exact words of the original, with phones and e-mails masked.

use crate::policy::Ruleset;
use crate::text::{Link, Signal, Via};
use crate::time::Millis;

use super::scene::Scanned;
use super::verdict::{Evidence, FactValue};

/// Longest excerpt, in characters.
const EXCERPT_CHARS: usize = 120;
/// Pieces of evidence a finding lists; ten thousand links convict no more than a few.
pub const EVIDENCE_CAP: usize = 8;

/// The evidence of a signal.
pub fn of_signal(ruleset: &Ruleset, scanned: &Scanned<'_>, signal: &Signal) -> Evidence {
    let name = ruleset.scanner.signal_name(signal.id);
    let words = slice(scanned.source, signal.start, signal.end);
    let contact = name.starts_with("contact.phone")
        || name.starts_with("contact.email")
        || name.starts_with("contact.handle")
        || name.starts_with("payment.card");
    let mut evidence = span(scanned, signal.start, signal.end, signal.via, name);
    evidence.excerpt = if contact { mask_all(words) } else { excerpt(words) };
    if let Some(frame) = signal.frame {
        evidence.act = Some(ruleset.scanner.name(frame.act).to_owned());
        evidence.object = Some(ruleset.scanner.name(frame.object).to_owned());
        evidence.polarity = Some(if frame.negated { "negated" } else { "affirmed" }.to_owned());
    }
    evidence
}

/// The evidence of a link.
pub fn of_link(scanned: &Scanned<'_>, link: &Link) -> Evidence {
    let mut evidence = span(scanned, link.start, link.end, link.via, "link");
    evidence.excerpt = excerpt(slice(scanned.source, link.start, link.end));
    evidence
}

fn span(scanned: &Scanned<'_>, start: u32, end: u32, via: Via, signal: &str) -> Evidence {
    // Words of a picture have no place in the message's text.
    let (start, end, via) =
        if scanned.attachment { (0, 0, via | Via::ATTACHMENT) } else { (start, end, via) };
    Evidence {
        start,
        end,
        excerpt: String::new(),
        signal: signal.to_owned(),
        via: via.words().map(str::to_owned).collect(),
        act: None,
        object: None,
        polarity: None,
    }
}

/// The bytes `start..end` of `text`, or as much of them as lies on character boundaries.
fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// `words`, shortened, with every run of seven or more digits and every e-mail address masked.
pub fn excerpt(words: &str) -> String {
    let mut short: String = words.chars().take(EXCERPT_CHARS).collect();
    if words.chars().nth(EXCERPT_CHARS).is_some() {
        short.push('…');
    }
    mask(&short)
}

/// Masks all letters and digits but the last two.
fn mask_all(words: &str) -> String {
    let keep = words.chars().filter(|c| c.is_alphanumeric()).count().saturating_sub(2);
    let mut seen = 0;
    words
        .chars()
        .take(EXCERPT_CHARS)
        .map(|c| {
            if !c.is_alphanumeric() {
                return c;
            }
            seen += 1;
            if seen <= keep { '*' } else { c }
        })
        .collect()
}

/// Masks phone-like runs of digits and e-mail addresses inside other words.
fn mask(words: &str) -> String {
    let mut chars: Vec<char> = words.chars().collect();
    let mut index = 0;
    while index < chars.len() {
        if chars[index].is_ascii_digit() {
            let mut end = index;
            let mut last_digit = index;
            while end < chars.len() && (chars[end].is_ascii_digit() || " -()+.".contains(chars[end])) {
                if chars[end].is_ascii_digit() {
                    last_digit = end;
                }
                end += 1;
            }
            let digits = chars[index..=last_digit].iter().filter(|c| c.is_ascii_digit()).count();
            if digits >= 7 {
                mask_range(&mut chars[index..=last_digit]);
            }
            index = last_digit + 1;
        } else if chars[index] == '@' {
            let word = |c: &char| c.is_alphanumeric() || "._-+".contains(*c);
            let start = index - chars[..index].iter().rev().take_while(|c| word(c)).count();
            let end = index + 1 + chars[index + 1..].iter().take_while(|c| word(c)).count();
            mask_range(&mut chars[start..end]);
            index = end;
        } else {
            index += 1;
        }
    }
    chars.into_iter().collect()
}

fn mask_range(range: &mut [char]) {
    let keep = range.iter().filter(|c| c.is_alphanumeric()).count().saturating_sub(2);
    range.iter_mut().filter(|c| c.is_alphanumeric()).take(keep).for_each(|c| *c = '*');
}

impl From<&str> for FactValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Millis> for FactValue {
    fn from(at: Millis) -> Self {
        Self::Text(at.to_string())
    }
}

impl From<crate::time::Span> for FactValue {
    fn from(span: crate::time::Span) -> Self {
        Self::Text(span.to_string())
    }
}

impl From<i64> for FactValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for FactValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<String>> for FactValue {
    fn from(words: Vec<String>) -> Self {
        Self::List(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_and_addresses_are_masked_but_for_two_characters() {
        for (input, expected) in [
            ("скидка 10 %", "скидка 10 %"),
            ("звоните +7 900 123-45-67", "звоните +* *** ***-**-67"),
            ("wa.me/79001234567", "wa.me/*********67"),
            ("пишите shop@mail.ru сюда", "пишите ****@****.ru сюда"),
            ("@", "@"),
            ("заказ 123456", "заказ 123456"),
            ("", ""),
        ] {
            assert_eq!(excerpt(input), expected);
        }
        assert_eq!(mask_all("shop_help"), "****_**lp");
        assert_eq!(mask_all("восемь девятьсот"), "****** *******от");
        assert_eq!(excerpt(&"я".repeat(500)).chars().count(), EXCERPT_CHARS + 1);
    }
}
