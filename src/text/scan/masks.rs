//! What is known around a text takes hits back: words quoted from the buyer, names of the order's items, the
//! order's own numbers. Looked at only when something was found.

use crate::text::ScanContext;
use crate::text::fold::{FoldTables, Folded, View};
use crate::text::frames::Found;
use crate::text::lexicon::{Reasons, is_chinese, is_word};
use crate::text::scan::{FNV_PRIME, FNV_START, Hit};

/// Five words or ten Chinese characters, in half words.
const QUOTE: u32 = 10;
/// Two words or four Chinese characters of a title in a row are a name.
const NAME: u32 = 4;
/// Fewer digits in common say nothing.
const OWN_DIGITS: usize = 6;

/// A word, or one Chinese character.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Range in the folded text.
    folded: (u32, u32),
    /// Range in the original.
    start: u32,
    end: u32,
    half_words: u32,
    /// Inside a stretch that the buyer wrote.
    quoted: bool,
}

/// Buffers of the masks.
#[derive(Debug, Default)]
pub(super) struct Masks {
    tokens: Vec<Token>,
    title: Folded,
    title_tokens: Vec<Token>,
}

/// Splits a view into words.
fn tokens(view: &View, out: &mut Vec<Token>) {
    out.clear();
    let mut word: Option<usize> = None;
    let mut push = |from: usize, to: usize, half_words| {
        let original = view.original(from..to);
        let folded = (offset(from), offset(to));
        out.push(Token { folded, start: original.start, end: original.end, half_words, quoted: false });
    };
    for (at, letter) in view.text.char_indices() {
        if is_word(letter) {
            word.get_or_insert(at);
            continue;
        }
        if let Some(from) = word.take() {
            push(from, at, 2);
        }
        if is_chinese(letter) {
            push(at, at + letter.len_utf8(), 1);
        }
    }
    if let Some(from) = word {
        push(from, view.text.len(), 2);
    }
}

fn text_of<'v>(view: &'v View, token: &Token) -> &'v str {
    view.text.get(token.folded.0 as usize..token.folded.1 as usize).unwrap_or_default()
}

/// Hashes of all runs of five words (ten Chinese characters), with the last token of each.
fn runs<'a>(view: &'a View, tokens: &'a [Token]) -> impl Iterator<Item = (usize, usize, u64)> + 'a {
    (0..tokens.len()).filter_map(move |from| {
        let mut hash = FNV_START;
        let mut length = 0;
        for (at, token) in tokens.iter().enumerate().skip(from) {
            for byte in text_of(view, token).bytes().chain([b' ']) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
            }
            length += token.half_words;
            if length >= QUOTE {
                return Some((from, at, hash));
            }
        }
        None
    })
}

/// Hashes of a buyer's text, appended to `out`.
pub(super) fn hashes(view: &View, masks: &mut Masks, out: &mut Vec<u64>) {
    tokens(view, &mut masks.tokens);
    out.extend(runs(view, &masks.tokens).map(|(_, _, hash)| hash));
}

/// Hash of a phone, address or handle as it is written, but for case.
pub(super) fn contact_hash(text: &str, start: u32, end: u32) -> u64 {
    let written = text.get(start as usize..end as usize).unwrap_or_default();
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(FNV_PRIME);
    written.bytes().fold(FNV_START, hash)
}

impl Masks {
    /// Reads the words of a text and which of them are the buyer's.
    pub(super) fn read(&mut self, view: &View, text: &str, context: &ScanContext<'_>) {
        let quoted = context.quoted;
        if quoted.is_empty() && context.names.is_empty() && !text.contains('>') {
            return self.tokens.clear();
        }
        tokens(view, &mut self.tokens);
        if !quoted.is_empty() {
            // Runs come in order, so each token is marked once.
            let mut marked = 0;
            let mut spans: smallvec::SmallVec<[(usize, usize); 8]> = smallvec::SmallVec::new();
            spans.extend(
                runs(view, &self.tokens)
                    .filter(|(_, _, hash)| quoted.binary_search(hash).is_ok())
                    .map(|(from, to, _)| (from, to)),
            );
            for (from, to) in spans {
                for token in self.tokens.iter_mut().take(to + 1).skip(from.max(marked)) {
                    token.quoted = true;
                }
                marked = marked.max(to + 1);
            }
        }
        if text.contains('>') {
            let mut line = 0;
            for part in text.split_inclusive('\n') {
                let end = line + part.len();
                if part.trim_start().starts_with('>') {
                    let inside =
                        |token: &&mut Token| token.start as usize >= line && (token.end as usize) <= end;
                    self.tokens.iter_mut().filter(inside).for_each(|token| token.quoted = true);
                }
                line = end;
            }
        }
    }

    /// Whether a stretch of the original is the buyer's.
    pub(super) fn quoted(&self, start: u32, end: u32) -> bool {
        let first = self.tokens.partition_point(|token| token.end <= start);
        let mut inside = self.tokens.iter().skip(first).take_while(|token| token.start < end).peekable();
        inside.peek().is_some() && inside.all(|token| token.quoted)
    }

    /// Takes back what the buyer wrote and what the order's items are called.
    pub(super) fn apply(
        &mut self,
        view: &View,
        context: &ScanContext<'_>,
        tables: &FoldTables,
        hits: &[Hit],
        found: &mut [Found],
        reasons: &Reasons,
    ) {
        for one in found.iter_mut().filter(|one| one.by.is_none()) {
            if hits.get(one.object).is_some_and(|object| self.quoted(object.start, object.end)) {
                one.by = Some(reasons.quoted_buyer);
            }
        }
        for name in context.names {
            if found.iter().all(|one| one.by.is_some()) {
                return;
            }
            self.title.fold(name, tables);
            let title = self.title.main();
            tokens(title, &mut self.title_tokens);
            for one in found.iter_mut().filter(|one| one.by.is_none()) {
                let Some(object) = hits.get(one.object) else { continue };
                if self.named(view, object, one.hit.is_none()) {
                    one.by = Some(reasons.order_item_title);
                }
            }
        }
    }

    /// Stretches of the original that are not the seller's own words: what the buyer wrote, and names of the order's items,
    /// whole or two words of them in a row.
    pub(super) fn borrowed(
        &mut self,
        view: &View,
        text: &str,
        context: &ScanContext<'_>,
        tables: &FoldTables,
        out: &mut Vec<(u32, u32)>,
    ) {
        out.clear();
        self.read(view, text, context);
        out.extend(self.tokens.iter().filter(|token| token.quoted).map(|token| (token.start, token.end)));
        for name in context.names {
            self.title.fold(name, tables);
            let title = self.title.main();
            tokens(title, &mut self.title_tokens);
            let whole: u32 = self.title_tokens.iter().map(|token| token.half_words).sum();
            let mut from = 0;
            while let Some(first) = self.tokens.get(from) {
                let rest = self.tokens.get(from..).unwrap_or_default();
                let alike = |start: usize| {
                    let title_words = self.title_tokens.iter().skip(start);
                    let pairs = title_words.zip(rest);
                    pairs.take_while(|(a, b)| text_of(title, a) == text_of(view, b)).count()
                };
                let count = (0..self.title_tokens.len()).map(alike).max().unwrap_or_default();
                let run = rest.get(..count).unwrap_or_default();
                let size: u32 = run.iter().map(|token| token.half_words).sum();
                if let Some(last) = run.last().filter(|_| size >= NAME.min(whole)) {
                    out.push((first.start, last.end));
                    from += count;
                } else {
                    from += 1;
                }
            }
        }
        out.sort_unstable();
    }

    /// Whether the object with a word beside it stands in the title just so ("Bonus Black"), or is all of it.
    fn named(&self, view: &View, object: &Hit, mere_mention: bool) -> bool {
        let first = self.tokens.partition_point(|token| token.end <= object.start);
        let count = self.tokens.iter().skip(first).take_while(|token| token.start < object.end).count();
        if count == 0 {
            return false;
        }
        let stands = |from: usize, count: usize| {
            let Some(words) = self.tokens.get(from..from + count) else { return false };
            let title = self.title.main();
            self.title_tokens
                .windows(count)
                .any(|part| part.iter().zip(words).all(|(a, b)| text_of(title, a) == text_of(view, b)))
        };
        let whole = self.title_tokens.len() == count && mere_mention && stands(first, count);
        // A name of several words is one by itself: "Follow Us".
        let several = count > 1 && !object.chinese && stands(first, count);
        whole || several || stands(first, count + 1) || (first > 0 && stands(first - 1, count + 1))
    }
}

/// Whether a number found in the text is one of the order's own.
pub(super) fn own_number(text: &str, numbers: &[&str]) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    if numbers.is_empty() {
        return false;
    }
    let found = digits(text);
    found.len() >= OWN_DIGITS
        && numbers
            .iter()
            .map(|number| digits(number))
            .any(|own| own.len() >= OWN_DIGITS && (own.contains(&found) || found.contains(&own)))
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
