//! Readings that are not sure: letters written apart, digits for letters, Russian in Latin letters.

use super::tables::{Class, FoldTables};
use super::view::Rewrite;
use super::words::{self, Reading, Scratch};
use super::{Via, View};

/// Signs that stand between letters written apart.
fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '.'
            | '-'
            | '*'
            | '_'
            | '/'
            | '|'
            | '\\'
            | '·'
            | '•'
            | ','
            | '~'
            | '+'
            | '='
            | '–'
            | '—'
            | '\''
            | '"'
    )
}

/// Joins letters written apart (`в а т с а п`, `с*к*и*д*к*а`) and Chinese characters with blanks between.
/// False when the text has none.
pub(super) fn join(base: &View, out: &mut View, tables: &FoldTables, scratch: &mut Scratch) -> bool {
    let mut joined = View::default();
    if !join_letters(base, &mut joined, tables) {
        return false;
    }
    // Once joined, the word may turn out to mix scripts.
    if !words::normalise(&joined, out, tables, Reading::Main, scratch) {
        std::mem::swap(out, &mut joined);
    }
    true
}

/// A run of single letters being gathered.
#[derive(Default)]
struct Singles {
    /// Start of each single letter.
    at: Vec<usize>,
    letters: usize,
}

fn join_letters(base: &View, out: &mut View, tables: &FoldTables) -> bool {
    let mut rewrite = Rewrite::new(base, out);
    let mut changed = false;
    let mut run = Singles::default();
    let mut separators = 0;
    let mut before = None;
    let mut chars = base.text.char_indices().peekable();
    // Whether the last Chinese character before a blank stood alone.
    let mut han_blank: Option<usize> = None;
    while let Some((at, c)) = chars.next() {
        let class = tables.class(c);
        let next = chars.peek().map(|(_, n)| tables.class(*n));
        let member = |class: Class| class.is_word() || class == Class::Sign;
        if member(class) && !before.is_some_and(member) && !next.is_some_and(member) {
            if separators > 2 {
                changed |= flush(&mut run, base, &mut rewrite);
            }
            run.at.push(at);
            run.letters += usize::from(class.is_letter());
            separators = 0;
        } else if is_separator(c) && !run.at.is_empty() {
            separators += 1;
        } else if !run.at.is_empty() {
            changed |= flush(&mut run, base, &mut rewrite);
            separators = 0;
        }
        if let Some(blank) = han_blank.take()
            && (class.is_han() || class.is_word())
            && run.at.len() < 2
        {
            rewrite.copy_to(blank);
            rewrite.drop_to(at, Via::SPACED);
            changed = true;
        }
        if class == Class::Space
            && (before.is_some_and(Class::is_han)
                || (next.is_some_and(Class::is_han) && before.is_some_and(Class::is_word)))
            && stands_alone(base, at, tables)
        {
            han_blank = Some(at);
        }
        before = Some(class);
    }
    changed |= flush(&mut run, base, &mut rewrite);
    rewrite.finish();
    changed
}

/// Whether the character before or after the blank at `at` stands alone, with blanks or edges on both sides.
fn stands_alone(base: &View, at: usize, tables: &FoldTables) -> bool {
    let bound = |c: Option<char>| c.is_none_or(|c| !tables.class(c).is_word() && !tables.class(c).is_han());
    let mut left = base.text.get(..at).unwrap_or_default().chars().rev();
    let mut right = base.text.get(at + 1..).unwrap_or_default().chars();
    let (_, further_left) = (left.next(), left.next());
    let (_, further_right) = (right.next(), right.next());
    bound(further_left) || bound(further_right)
}

fn flush(run: &mut Singles, base: &View, rewrite: &mut Rewrite<'_>) -> bool {
    let enough = run.at.len() >= 4 && run.letters >= 3;
    if enough {
        for pair in run.at.windows(2) {
            let [a, b] = pair else { continue };
            let c = base.text.get(*a..).and_then(|t| t.chars().next()).unwrap_or(' ');
            let from = a + c.len_utf8();
            rewrite.copy_to(from);
            // More than one blank between letters is the end of a word: `п и ш и  в  т г`.
            let original = base.original(from..*b);
            let blank = base.text.get(from..*b) == Some(" ");
            if blank && original.end - original.start > 1 {
                rewrite.copy_to(*b);
            } else {
                rewrite.drop_to(*b, Via::SPACED);
            }
        }
    }
    run.at.clear();
    run.letters = 0;
    enough
}

/// Reads digits and signs inside words as letters, each as its `nth` candidate (the first where there are fewer).
/// Answers whether there is such a word, and whether a further candidate would read it otherwise.
pub(super) fn leet(base: &View, out: &mut View, tables: &FoldTables, nth: usize) -> (bool, bool) {
    let mut rewrite = Rewrite::new(base, out);
    let (mut changed, mut more) = (false, false);
    let text = base.text.as_str();
    let is_part = |c: char| tables.class(c).is_word() || tables.class(c) == Class::Sign;
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|t| t.find(is_part)).map(|n| n + from) {
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|c| !is_part(c)).map_or(text.len(), |n| start + n);
        from = end;
        let word = text.get(start..end).unwrap_or_default();
        let Some(cyrillic) = leet_script(word, text.get(end..).unwrap_or_default(), tables) else { continue };
        let map = if cyrillic { &tables.leet_cyrillic } else { &tables.leet_latin };
        for (n, c) in word.char_indices() {
            let Some(candidates) = map.get(&c) else { continue };
            let Some(to) = candidates.get(nth).or(candidates.first()) else { continue };
            more |= candidates.len() > nth + 1;
            changed = true;
            rewrite.copy_to(start + n);
            let mut buffer = [0; 4];
            rewrite.put(to.encode_utf8(&mut buffer), start + n + c.len_utf8(), Via::LEET);
        }
    }
    rewrite.finish();
    (changed, more)
}

/// Whether a word of letters, digits and signs is one in disguise; true for Cyrillic, false for Latin letters.
fn leet_script(word: &str, after: &str, tables: &FoldTables) -> Option<bool> {
    let (mut latin, mut cyrillic, mut digits, mut signs, mut run, mut longest) = (0, 0, 0, 0, 0, 0);
    for c in word.chars() {
        let class = tables.class(c);
        match class {
            Class::Digit => digits += 1,
            Class::Sign => signs += 1,
            Class::Cyrillic => cyrillic += 1,
            Class::Latin => latin += 1,
            _ => return None,
        }
        run = if class == Class::Digit { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let (letters, strange) = (latin + cyrillic, digits + signs);
    // Numbers with units, sizes and part numbers are no words: 500мл, iphone15, sm-a525.
    if strange == 0 || letters < 3 || strange > letters || longest > 2 || (latin > 0 && cyrillic > 0) {
        return None;
    }
    let handle_or_mail = word.starts_with('@') || (latin > 0 && signs == 1 && after.starts_with('.'));
    (!handle_or_mail).then_some(cyrillic > 0)
}

/// Reads clauses in Latin letters that are not English as Russian. False when there is none.
pub(super) fn transliterate(base: &View, out: &mut View, tables: &FoldTables) -> bool {
    let mut rewrite = Rewrite::new(base, out);
    let mut changed = false;
    let mut from = 0;
    let text = base.text.as_str();
    for clause in text.split_inclusive(['.', '!', '?', '\n', ';']) {
        if is_latin_russian(clause, tables) {
            changed |= transliterate_clause(clause, from, tables, &mut rewrite);
        }
        from += clause.len();
    }
    rewrite.finish();
    changed
}

fn is_latin_russian(clause: &str, tables: &FoldTables) -> bool {
    let (mut latin, mut other, mut foreign) = (0usize, 0usize, 0usize);
    for word in clause.split(|c| !tables.class(c).is_word() && c != '\'').filter(|w| !w.is_empty()) {
        match word.chars().next().map(|c| tables.class(c)) {
            // English and Russian in Latin letters alike, and other short words that prove nothing.
            Some(Class::Latin) if matches!(word, "on" | "my" | "do" | "no" | "to") => {}
            Some(Class::Latin) if word.len() <= 2 && (word.len() < 2 || !tables.english.contains(word)) => {}
            Some(Class::Latin) => {
                latin += 1;
                foreign += usize::from(tables.english.contains(word) || looks_english(word));
            }
            Some(Class::Digit) => {}
            _ => other += 1,
        }
    }
    latin > other && foreign * 4 < latin && !clause.chars().any(|c| tables.class(c).is_han())
}

/// Spellings that Russian in Latin letters has not.
fn looks_english(word: &str) -> bool {
    const PARTS: [&str; 14] =
        ["w", "q", "th", "ck", "gh", "oo", "ee", "ea", "ph", "ll", "tion", "'t", "'s", "n't"];
    const ENDS: [&str; 8] = ["ing", "ed", "ly", "ble", "ment", "ght", "ous", "ack"];
    PARTS.iter().any(|part| word.contains(part))
        || (word.len() > 4 && ENDS.iter().any(|end| word.ends_with(end)))
}

fn transliterate_clause(clause: &str, offset: usize, tables: &FoldTables, rewrite: &mut Rewrite<'_>) -> bool {
    let mut changed = false;
    let mut at = 0;
    let mut word = String::new();
    while let Some(c) = clause.get(at..).and_then(|t| t.chars().next()) {
        if !c.is_ascii_alphabetic() {
            at += c.len_utf8();
            continue;
        }
        let rest = clause.get(at..).unwrap_or_default();
        let end = at + rest.find(|c: char| !c.is_ascii_alphabetic() && c != '\'').unwrap_or(rest.len());
        let source = clause.get(at..end).unwrap_or_default();
        word.clear();
        russian(source, tables, &mut word);
        soften(&mut word, tables);
        rewrite.copy_to(offset + at);
        rewrite.put(&word, offset + end, Via::TRANSLITERATED);
        changed = true;
        at = end;
    }
    changed
}

fn russian(source: &str, tables: &FoldTables, out: &mut String) {
    let mut at = 0;
    while at < source.len() {
        let rest = source.get(at..).unwrap_or_default();
        if rest.starts_with('\'') {
            out.push('ь');
            at += 1;
            continue;
        }
        // `y` after a vowel and before none is й: sleduyuschiy, moy; `iy` and `yy` end in it.
        if rest.starts_with('y')
            && out.ends_with(['а', 'е', 'и', 'о', 'у', 'ы', 'э', 'ю', 'я'])
            && !rest.get(1..2).is_some_and(|n| "aeou".contains(n))
        {
            out.push('й');
            at += 1;
            continue;
        }
        let longest = (1..=6).rev().find_map(|n| Some((n, tables.transliteration.get(rest.get(..n)?)?)));
        match longest {
            Some((n, to)) => {
                out.push_str(to);
                at += n;
            }
            None => {
                let c = rest.chars().next().unwrap_or(' ');
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
}

/// Puts back soft signs that Latin letters do not write: ostavte → оставьте.
fn soften(word: &mut String, tables: &FoldTables) {
    for (hard, soft) in &tables.soft_endings {
        if word.ends_with(&**hard) {
            word.truncate(word.len() - hard.len());
            word.push_str(soft);
            break;
        }
    }
    for (hard, soft) in &tables.soft_inside {
        if let Some(at) = word.find(&**hard)
            && hard != soft
        {
            word.replace_range(at..at + hard.len(), soft);
        }
    }
}
