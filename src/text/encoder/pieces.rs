//! From a text to pieces of words: the normal form and the likeliest cut, as the library "sentencepiece" makes them.
//!
//! The normal form (NFKC and what its authors added) comes from a table of letters. The cut is the row of pieces with the
//! largest sum of scores.

use crate::text::datafile::{Damage, Reader};
use hashbrown::HashMap;

/// Stands for a space.
const SPACE: &str = "\u{2581}";
/// How much worse than the worst piece a letter is that no piece knows.
const UNKNOWN_PENALTY: f64 = 10.0;
const UNKNOWN: u32 = 3;
const BEGIN: u32 = 0;
const END: u32 = 2;
/// Longer texts (in bytes of their normal form) are cut off: they add nothing but time.
const LONGEST: usize = 16_000;

/// The vocabulary.
pub(super) struct Pieces {
    /// For the hash of every piece and every beginning of one, the piece's number and one more; 0 for a mere beginning.
    prefixes: HashMap<u64, u32>,
    scores: Vec<f32>,
    unknown_score: f64,
    /// Letters with another normal form, and that.
    forms: HashMap<char, Box<str>>,
}

/// Buffers for one text.
#[derive(Debug, Default)]
pub(super) struct PieceScratch {
    normal: String,
    /// For every byte: best sum up to it, where its last piece starts, and which that is.
    best: Vec<(f64, u32, u32)>,
}

impl Pieces {
    pub(super) fn read(reader: &mut Reader<'_>, most: usize) -> Result<Self, Damage> {
        let count = reader.number()?;
        if count > most {
            return Err(reader.damage());
        }
        let (mut prefixes, mut scores) = (HashMap::new(), Vec::with_capacity(count));
        for number in 1..=count as u32 {
            scores.push(reader.float()?);
            let length = reader.byte()?;
            let piece =
                std::str::from_utf8(reader.take(usize::from(length))?).map_err(|_| reader.damage())?;
            let mut hash = START;
            for letter in piece.chars() {
                hash = take(hash, letter);
                prefixes.entry(hash).or_insert(0);
            }
            prefixes.insert(hash, number);
        }
        let mut forms = HashMap::new();
        for _ in 0..reader.number()? {
            let letter = u32::try_from(reader.number()?).ok().and_then(char::from_u32);
            let letter = letter.ok_or(reader.damage())?;
            let length = reader.byte()?;
            let form = std::str::from_utf8(reader.take(usize::from(length))?).map_err(|_| reader.damage())?;
            forms.insert(letter, form.into());
        }
        let worst = scores.iter().copied().fold(0.0, f32::min);
        Ok(Self { prefixes, scores, unknown_score: f64::from(worst) - UNKNOWN_PENALTY, forms })
    }

    /// Numbers of the pieces of a text, between a beginning and an end.
    pub(super) fn cut(&self, text: &str, scratch: &mut PieceScratch, out: &mut Vec<u32>) {
        out.clear();
        self.normalise(text, &mut scratch.normal);
        let normal = scratch.normal.as_str();
        let best = &mut scratch.best;
        best.clear();
        best.resize(normal.len() + 1, (f64::MIN, 0, UNKNOWN));
        if let Some(first) = best.first_mut() {
            first.0 = 0.0;
        }
        for (start, first) in normal.char_indices() {
            let base = best.get(start).map_or(f64::MIN, |best| best.0);
            let mut better = |end: usize, score: f64, piece: u32| {
                if let Some(best) = best.get_mut(end).filter(|best| score > best.0) {
                    *best = (score, start as u32, piece);
                }
            };
            let (mut hash, mut end, mut single) = (START, start, false);
            for letter in normal.get(start..).unwrap_or_default().chars() {
                hash = take(hash, letter);
                end += letter.len_utf8();
                let Some(number) = self.prefixes.get(&hash) else { break };
                let Some(piece) = number.checked_sub(1) else { continue };
                let score = self.scores.get(piece as usize).copied().unwrap_or_default();
                better(end, base + f64::from(score), piece);
                single |= end == start + first.len_utf8();
            }
            if !single {
                better(start + first.len_utf8(), base + self.unknown_score, UNKNOWN);
            }
        }
        out.push(END);
        let mut at = normal.len();
        while let Some((_, start, piece)) = best.get(at).filter(|_| at > 0) {
            // Unknown letters side by side are one piece.
            if *piece != UNKNOWN || out.last() != Some(&UNKNOWN) {
                out.push(*piece);
            }
            at = *start as usize;
        }
        out.push(BEGIN);
        out.reverse();
    }

    /// Writes the normal form: spaces become one sign each, with one in front, none doubled and none at the end.
    fn normalise(&self, text: &str, out: &mut String) {
        out.clear();
        out.push_str(SPACE);
        let mut own = [0; 4];
        for letter in text.chars() {
            if out.len() >= LONGEST {
                break;
            }
            let form = self.forms.get(&letter).map_or_else(|| &*letter.encode_utf8(&mut own), AsRef::as_ref);
            for letter in form.chars() {
                match letter {
                    ' ' if out.ends_with(SPACE) => {}
                    ' ' => out.push_str(SPACE),
                    _ => out.push(letter),
                }
            }
        }
        let end = if out.len() == SPACE.len() { out.len() } else { out.trim_end_matches(SPACE).len() };
        out.truncate(end);
    }
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn take(hash: u64, letter: char) -> u64 {
    let hash = (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}
