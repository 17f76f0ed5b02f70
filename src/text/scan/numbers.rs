//! Numbers that mean an offer or a sum: "10 %", "200 руб.", "50元", "$5". Seen as hits, so that frames can speak of them.

use crate::text::Via;
use crate::text::contacts::digits;
use crate::text::fold::View;
use crate::text::lexicon::builtin;
use crate::text::scan::Hit;

/// What follows a number, longest first.
const AFTER: [(&str, u16); 36] = [
    ("%", builtin::PERCENT),
    ("％", builtin::PERCENT),
    ("процент", builtin::PERCENT),
    ("percent", builtin::PERCENT),
    ("折", builtin::FOLD_OFF),
    ("руб", builtin::MONEY),
    ("р.", builtin::MONEY),
    ("р ", builtin::MONEY),
    ("рэ", builtin::MONEY),
    ("₽", builtin::MONEY),
    ("rub", builtin::MONEY),
    ("rur", builtin::MONEY),
    ("тенге", builtin::MONEY),
    ("тг", builtin::MONEY),
    ("₸", builtin::MONEY),
    ("тыс", builtin::MONEY),
    ("元", builtin::MONEY),
    ("块", builtin::MONEY),
    ("卢布", builtin::MONEY),
    ("￥", builtin::MONEY),
    ("¥", builtin::MONEY),
    ("rmb", builtin::MONEY),
    ("$", builtin::MONEY),
    ("€", builtin::MONEY),
    ("£", builtin::MONEY),
    ("usd", builtin::MONEY),
    ("eur", builtin::MONEY),
    ("dollar", builtin::MONEY),
    ("доллар", builtin::MONEY),
    ("евро", builtin::MONEY),
    ("бонус", builtin::NUMBER),
    ("балл", builtin::NUMBER),
    ("k руб", builtin::MONEY),
    ("к руб", builtin::MONEY),
    ("yuan", builtin::MONEY),
    ("юан", builtin::MONEY),
];
const BEFORE: [char; 7] = ['$', '€', '£', '¥', '￥', '₽', '₸'];

/// Adds the numbers of the main reading to the hits.
pub(super) fn collect(view: &View, hits: &mut Vec<Hit>) {
    let text = view.text.as_str();
    if !digits::any(text) {
        return;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + found;
        let mut end = start;
        while let Some(byte) = bytes.get(end) {
            let inner =
                matches!(byte, b'.' | b',' | b' ') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if !byte.is_ascii_digit() && !inner {
                break;
            }
            end += 1;
        }
        let rest = text.get(end..).unwrap_or_default();
        let tail = rest.strip_prefix(' ').unwrap_or(rest);
        let after = AFTER.iter().find(|(unit, _)| tail.starts_with(unit));
        let before = text
            .get(..start)
            .unwrap_or_default()
            .trim_end_matches(' ')
            .chars()
            .next_back()
            .filter(|c| BEFORE.contains(c));
        let (group, range) = match (after, before) {
            (Some((unit, group)), _) => {
                (*group, start..end + (rest.len() - tail.len()) + unit.trim_end().len())
            }
            (None, Some(_)) => (builtin::MONEY, start..end),
            (None, None) => (builtin::NUMBER, start..end),
        };
        hits.push(Hit::new(view.original(range), group, Via::empty(), 2));
        at = end;
    }
}
