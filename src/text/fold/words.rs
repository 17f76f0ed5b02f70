//! Words that mix scripts and letters that repeat.

use super::tables::{Class, FoldTables};
use super::view::Rewrite;
use super::{Via, View};

/// Buffers of the word passes.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    letters: Vec<Letter>,
    pub(super) tokens: Vec<super::spelled::Token>,
}

#[derive(Clone, Copy, Debug)]
struct Letter {
    at: usize,
    from: char,
    to: char,
    class: Class,
}

/// Which way a word in two scripts is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// To the script that has more of its letters, by shape alone.
    Main,
    /// The other way, and by sound.
    Other,
}

/// Rewrites words into `out`. False when no word has such a reading; `out` is of no use then.
pub(super) fn normalise(
    base: &View,
    out: &mut View,
    tables: &FoldTables,
    reading: Reading,
    scratch: &mut Scratch,
) -> bool {
    let mut rewrite = Rewrite::new(base, out);
    let letters = &mut scratch.letters;
    let mut changed = false;
    letters.clear();
    for (at, c) in base.text.char_indices() {
        let class = tables.class(c);
        if class.is_word() {
            letters.push(Letter { at, from: c, to: c, class });
        } else if !letters.is_empty() {
            changed |= word(letters, at, &base.text, tables, reading, &mut rewrite);
            letters.clear();
        }
    }
    if !letters.is_empty() {
        changed |= word(letters, base.text.len(), &base.text, tables, reading, &mut rewrite);
        letters.clear();
    }
    rewrite.finish();
    changed
}

fn word(
    letters: &mut [Letter],
    end: usize,
    text: &str,
    tables: &FoldTables,
    reading: Reading,
    rewrite: &mut Rewrite<'_>,
) -> bool {
    let start = letters.first().map_or(end, |l| l.at);
    let address = text.get(..start).is_some_and(|t| t.ends_with(['.', '/', '@', '_', ':']))
        || text.get(end..).is_some_and(|t| t.starts_with(['/', '@', '_', ':']));
    let folded = fold_script(letters, tables, reading, address);
    // A word of one letter throughout is a name or a number: ООО, www, XXX, III.
    let one_letter = letters.windows(2).all(|pair| matches!(pair, [a, b] if a.to == b.to));
    let mut repeated = false;
    let mut rest: &[Letter] = letters;
    while let Some((first, after)) = rest.split_first() {
        let may = first.class.is_letter() && !one_letter;
        let same = if may { after.iter().take_while(|l| l.to == first.to).count() } else { 0 };
        let squeeze = same >= 2;
        let taken = if squeeze { same } else { 0 };
        let next = after.get(taken).map_or(end, |l| l.at);
        if squeeze || first.from != first.to {
            rewrite.copy_to(first.at);
            let via = if squeeze { Via::REPEATED } else { Via::empty() };
            let via = if first.from != first.to { via | Via::LOOKALIKE } else { via };
            let mut buffer = [0; 4];
            rewrite.put(first.to.encode_utf8(&mut buffer), next, via);
        }
        repeated |= squeeze;
        rest = after.get(taken..).unwrap_or_default();
    }
    match reading {
        Reading::Main => folded || repeated,
        Reading::Other => folded,
    }
}

/// Sets what each letter of the word is read as; false when the word stays as it is. A Latin word within an
/// `address` is Latin.
fn fold_script(letters: &mut [Letter], tables: &FoldTables, reading: Reading, address: bool) -> bool {
    let count = |class| letters.iter().filter(|l| l.class == class).count();
    let (latin, cyrillic, greek) = (count(Class::Latin), count(Class::Cyrillic), count(Class::Greek));
    let mixed = [latin, cyrillic, greek].iter().filter(|n| **n > 0).count() > 1;
    let strict = |c: char| tables.to_cyrillic.get(&c).copied();
    let loose = |c: char| strict(c).or_else(|| tables.loose_to_cyrillic.get(&c).copied());
    if !mixed {
        // A Latin word of look-alikes among Russian ones, as long as half of it or more looks Russian.
        let alike = letters.iter().filter(|l| strict(l.from).is_some()).count();
        if reading == Reading::Main || address || latin < 4 || latin != letters.len() || alike * 2 < latin {
            return false;
        }
        // Ordinary Latin words (iphone) stay what they are.
        let name: smallvec::SmallVec<[u8; 32]> = letters.iter().map(|l| l.from as u32 as u8).collect();
        if std::str::from_utf8(&name).is_ok_and(|name| tables.english.contains(name)) {
            return false;
        }
        return assign(letters, Class::Cyrillic, loose);
    }
    let latin_letter = |c: char| tables.to_latin.get(&c).copied();
    let can = |to: Class| {
        letters.iter().filter(|l| l.class.is_letter() && l.class != to).all(|l| match to {
            Class::Latin => latin_letter(l.from).is_some(),
            _ => strict(l.from).is_some(),
        })
    };
    let to_latin = can(Class::Latin) && latin > 0;
    let to_cyrillic = can(Class::Cyrillic) && cyrillic > 0;
    let main = match (to_latin, to_cyrillic) {
        (true, true) if latin > cyrillic => Some(Class::Latin),
        (_, true) => Some(Class::Cyrillic),
        (true, false) => Some(Class::Latin),
        (false, false) => None,
    };
    match (reading, main) {
        (Reading::Main, Some(Class::Latin)) | (Reading::Other, Some(Class::Cyrillic)) => {
            assign(letters, Class::Latin, latin_letter)
        }
        (Reading::Main, Some(_)) => assign(letters, Class::Cyrillic, strict),
        (Reading::Main, None) => false,
        (Reading::Other, _) => cyrillic > 0 && assign(letters, Class::Cyrillic, loose),
    }
}

/// Reads every letter that is not of the script `to` by `map`; all or none.
fn assign(letters: &mut [Letter], to: Class, map: impl Fn(char) -> Option<char>) -> bool {
    let foreign = |l: &Letter| l.class.is_letter() && l.class != to;
    if !letters.iter().filter(|l| foreign(l)).all(|l| map(l.from).is_some()) {
        return false;
    }
    for letter in letters.iter_mut().filter(|l| foreign(l)) {
        letter.to = map(letter.from).unwrap_or(letter.from);
    }
    true
}
