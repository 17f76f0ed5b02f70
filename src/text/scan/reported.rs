//! Words that are reported, not said: in quotation marks, or a question that is answered with no.
//!
//! «Какой у вас ник?» Ника нет. – Оплатить напрямую? Нет, спасибо. – 您问能不能私下退，不能。

use crate::text::frames::Found;
use crate::text::lexicon::{Reasons, builtin};
use crate::text::scan::Hit;

/// A quotation of more than this share of the text is no quotation: it is the message.
const LARGEST_SHARE: f32 = 0.7;
/// A refusal begins within so many bytes of the question mark: blanks, a closing quotation mark, a dash.
const ANSWER_REACH: usize = 12;

/// An instruction begins within so many bytes before a quotation.
const INSTRUCTION_REACH: u32 = 40;

/// A question ends within so many characters after what it asks.
const SENTENCE_REACH: usize = 120;
/// Further quotations of a text are not looked at.
const MOST_QUOTATIONS: usize = 32;

/// Takes back what is only reported. `quotes` is a buffer.
pub(super) fn apply(
    text: &str,
    hits: &[Hit],
    found: &mut [Found],
    reasons: &Reasons,
    quotes: &mut Vec<(u32, u32)>,
) {
    if found.iter().all(|one| one.by.is_some()) {
        return;
    }
    quotations(text, quotes);
    quotes.retain(|(from, _)| !instructed(hits, *from));
    for one in found.iter_mut().filter(|one| one.by.is_none()) {
        if quotes.iter().any(|(from, to)| *from <= one.start && one.end <= *to) {
            one.by = Some(reasons.quotation);
        } else if answered_with_no(text, hits, one.end) {
            one.by = Some(reasons.refusal);
        }
    }
}

/// Stretches between quotation marks, unless they are most of the text.
fn quotations(text: &str, out: &mut Vec<(u32, u32)>) {
    out.clear();
    let mut open: Option<(usize, char)> = None;
    for (at, mark) in text.char_indices() {
        if out.len() >= MOST_QUOTATIONS {
            return;
        }
        match (open, mark) {
            (Some((from, closing)), mark) if mark == closing => {
                if (at - from) as f32 <= text.len() as f32 * LARGEST_SHARE {
                    out.push((offset(from), offset(at)));
                }
                open = None;
            }
            (None, '«') => open = Some((at, '»')),
            (None, '“' | '„') => open = Some((at, '”')),
            (None, '"') => open = Some((at, '"')),
            (None, '「') => open = Some((at, '」')),
            (None, '『') => open = Some((at, '』')),
            (None, '《') => open = Some((at, '》')),
            // „so“
            (Some((from, '”')), '“') if at > from => {
                out.push((offset(from), offset(at)));
                open = None;
            }
            // A quotation does not run over a line.
            (_, '\n') => open = None,
            _ => {}
        }
    }
}

/// Whether the words before a quotation tell the buyer to do what it says: "нажмите «отказаться»".
fn instructed(hits: &[Hit], quotation: u32) -> bool {
    let after = hits.partition_point(|hit| hit.start < quotation);
    hits.get(..after)
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|hit| hit.start + INSTRUCTION_REACH >= quotation)
        .any(|hit| hit.group == builtin::INSTRUCTS && hit.end <= quotation)
}

/// Whether the sentence that goes on at `end` is a question, and the next word a refusal.
fn answered_with_no(text: &str, hits: &[Hit], end: u32) -> bool {
    let Some(rest) = text.get(end as usize..) else { return false };
    let ends = |letter: char| matches!(letter, '.' | '!' | '?' | '？' | '。' | '！' | '\n' | ';');
    let stop = rest.char_indices().take(SENTENCE_REACH).find(|(_, letter)| ends(*letter));
    let Some((mark, '?' | '？')) = stop else { return false };
    let question = end as usize + mark;
    let first = hits.partition_point(|hit| (hit.start as usize) < question);
    hits.iter()
        .skip(first)
        .take_while(|hit| hit.start as usize <= question + ANSWER_REACH)
        .any(|hit| !hit.hidden && matches!(hit.group, builtin::NEGATOR | builtin::LACKING))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
