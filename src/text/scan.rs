//! The scanner: one text in, its signals out.

mod layout;
mod numbers;

use crate::text::fold::{FoldTables, Folded, View};
use crate::text::frames::{self, Found};
use crate::text::guards;
use crate::text::lexicon::{self, Groups, Lexicon, builtin, is_chinese, is_word};
use crate::text::{Confidence, NameId, ScanContext, Signal, SignalId, Signals, Suppressed, TextClass, Via};

pub use crate::text::lexicon::{LexiconError, LexiconSources};

/// A term, number or link seen in a text.
#[derive(Clone, Copy, Debug)]
pub(in crate::text) struct Hit {
    pub(in crate::text) start: u32,
    pub(in crate::text) end: u32,
    pub(in crate::text) group: u16,
    pub(in crate::text) via: Via,
    /// Own length in half words.
    pub(in crate::text) half_words: u32,
    /// Place in half words.
    pub(in crate::text) pos: u32,
    pub(in crate::text) end_pos: u32,
    pub(in crate::text) clause: u32,
    pub(in crate::text) sentence: u32,
    /// Inside a longer phrase that means something else.
    pub(in crate::text) hidden: bool,
}

impl Hit {
    /// A hit whose place in the text's structure is not known yet.
    fn new(original: std::ops::Range<u32>, group: u16, via: Via, half_words: u32) -> Self {
        Self {
            start: original.start,
            end: original.end,
            group,
            via,
            half_words,
            pos: 0,
            end_pos: 0,
            clause: 0,
            sentence: 0,
            hidden: false,
        }
    }
}

/// Buffers, reused from message to message.
#[derive(Debug, Default)]
pub struct Scratch {
    folded: Folded,
    hits: Vec<Hit>,
    found: Vec<Found>,
}

/// Compiled lexicons, frames, guards and lists. Shared by all threads.
#[derive(Debug)]
pub struct Scanner {
    tables: FoldTables,
    lexicon: Lexicon,
    mixed_script: SignalId,
    zero_width: SignalId,
}

impl Scanner {
    /// Compiles the configuration texts.
    pub fn compile(sources: &LexiconSources<'_>) -> Result<Scanner, LexiconError> {
        let is_folding = |name: &str| name.ends_with("folding.yaml");
        let is_lexicon = |name: &str| name.contains("lexicons/") && !is_folding(name);
        let folding = sources.files.iter().find(|(name, _)| is_folding(name));
        let (file, yaml) = folding.copied().unwrap_or(("lexicons/folding.yaml", ""));
        let tables = FoldTables::compile(yaml).map_err(|error| LexiconError {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message: error.to_string(),
        })?;
        let lexicons: Vec<(&str, &str)> =
            sources.files.iter().filter(|(name, _)| is_lexicon(name)).copied().collect();
        let lexicon = lexicon::compile(&lexicons, &tables)?;
        let known = |name: &str| lexicon.signal(name).unwrap_or(SignalId(u16::MAX));
        Ok(Scanner {
            mixed_script: known("evasion.mixed_script"),
            zero_width: known("evasion.zero_width"),
            tables,
            lexicon,
        })
    }

    /// Finds the signals of a text. `out` is cleared first.
    pub fn scan(&self, text: &str, context: &ScanContext<'_>, scratch: &mut Scratch, out: &mut Signals) {
        out.clear();
        scratch.folded.fold(text, &self.tables);
        scratch.hits.clear();
        scratch.found.clear();
        for (index, view) in scratch.folded.views().enumerate() {
            self.collect(view, context.platform, &mut scratch.hits);
            if index == 0 {
                (out.folded_hash, out.folded_chars) = digest(&view.text);
                numbers::collect(view, &mut scratch.hits);
            }
        }
        sort_and_hide(&self.lexicon, &mut scratch.hits);
        let layout = layout::lay_out(text, &mut scratch.hits);
        out.class = classify(&scratch.hits, layout.uncovered, out.folded_chars);
        let mut present = Groups::default();
        scratch.hits.iter().filter(|hit| !hit.hidden).for_each(|hit| present.insert(hit.group));
        frames::find(&self.lexicon, &scratch.hits, &present, layout.words, &mut scratch.found);
        guards::apply(&self.lexicon.guards, &scratch.hits, &present, &mut scratch.found);
        for (id, place) in [(self.mixed_script, layout.mixed), (self.zero_width, layout.invisible)] {
            if let Some((start, end)) = place {
                let confidence = Confidence::Suspected;
                out.signals.push(Signal { id, start, end, via: Via::empty(), confidence, frame: None });
            }
        }
        report(&scratch.found, out);
    }

    fn collect(&self, view: &View, platform: &str, hits: &mut Vec<Hit>) {
        for found in self.lexicon.automaton.find_overlapping_iter(&view.text) {
            let Some(pattern) = self.lexicon.patterns.get(found.pattern().as_usize()) else { continue };
            let range = found.range();
            if (pattern.left && view.text[..range.start].chars().next_back().is_some_and(is_word))
                || (pattern.right && view.text[range.end..].chars().next().is_some_and(is_word))
            {
                continue;
            }
            let original = view.original(range.clone());
            let via = view.via(range.clone());
            let half_words = half_words(&view.text[range]);
            let hit = Hit::new(original, 0, via, half_words);
            for group in self.lexicon.groups_of(*pattern) {
                hits.push(Hit { group: *group, ..hit });
                if let Some((_, named)) = self.lexicon.platforms.iter().find(|(known, _)| known == group) {
                    // Of an unknown store no marketplace is foreign.
                    let own = platform.is_empty() || named == platform;
                    let group = if own { builtin::OWN_PLATFORM } else { builtin::OTHER_MARKETPLACE };
                    hits.push(Hit { group, ..hit });
                }
            }
        }
    }

    /// Id of a signal.
    pub fn signal(&self, name: &str) -> Option<SignalId> {
        self.lexicon.signal(name)
    }

    /// Name of a signal; empty for an id of another scanner.
    pub fn signal_name(&self, id: SignalId) -> &str {
        self.lexicon.signals.get(usize::from(id.0)).map_or("", String::as_str)
    }

    /// All signals.
    pub fn signals(&self) -> impl Iterator<Item = (SignalId, &str)> {
        (0..).map(SignalId).zip(self.lexicon.signals.iter().map(String::as_str))
    }

    /// Name of an act, object, guard or mask; empty for an id of another scanner.
    pub fn name(&self, id: NameId) -> &str {
        self.lexicon.names.get(usize::from(id.0)).map_or("", String::as_str)
    }
}

fn half_words(text: &str) -> u32 {
    let mut count = 0;
    let mut inside = false;
    for letter in text.chars() {
        let word = is_word(letter);
        count += if is_chinese(letter) { 1 } else { u32::from(word && !inside) * 2 };
        inside = word;
    }
    count
}

/// Sorts, drops repeats from other readings, and marks what stands inside a phrase that means something else.
fn sort_and_hide(lexicon: &Lexicon, hits: &mut Vec<Hit>) {
    hits.sort_unstable_by_key(|hit| {
        (hit.start, std::cmp::Reverse(hit.end), hit.group, hit.via.bits().count_ones())
    });
    hits.dedup_by_key(|hit| (hit.start, hit.end, hit.group));
    let mut hiding = (0, 0);
    let mut not_denial = 0;
    for hit in hits {
        let length = hit.end - hit.start;
        if hit.end <= hiding.1 && length < hiding.1 - hiding.0 {
            hit.hidden = true;
        } else if lexicon.hiding.contains(hit.group) && hit.end > hiding.1 {
            hiding = (hit.start, hit.end);
        }
        match hit.group {
            builtin::NOT_DENIAL => not_denial = not_denial.max(hit.end),
            builtin::NEGATOR | builtin::LACKING if hit.end <= not_denial => hit.hidden = true,
            _ => {}
        }
    }
}

fn classify(hits: &[Hit], uncovered: u32, letters: u32) -> TextClass {
    if letters == 0 {
        return TextClass::BLANK;
    }
    if uncovered > 0 {
        return TextClass::empty();
    }
    hits.iter().fold(TextClass::empty(), |class, hit| {
        class
            | match hit.group {
                builtin::THANKS => TextClass::THANKS,
                builtin::SMALL_TALK => TextClass::SMALL_TALK,
                builtin::MONOSYLLABIC => TextClass::MONOSYLLABIC,
                _ => TextClass::empty(),
            }
    })
}

/// What stands goes to the signals, one per stretch of text; what was taken back goes beside them.
fn report(found: &[Found], out: &mut Signals) {
    for one in found {
        match one.by {
            Some(by) => {
                out.suppressed.push(Suppressed { id: one.signal, start: one.start, end: one.end, by })
            }
            None => out.signals.push(Signal {
                id: one.signal,
                start: one.start,
                end: one.end,
                via: one.via,
                confidence: one.confidence,
                frame: one.hit,
            }),
        }
    }
    out.suppressed.sort_unstable_by_key(|one| (one.id, one.start, one.end, one.by));
    out.suppressed.dedup_by(|next, kept| {
        let same = next.id == kept.id && next.by == kept.by && next.start < kept.end;
        if same {
            kept.end = kept.end.max(next.end);
        }
        same
    });
    out.suppressed.sort_unstable_by_key(|one| (one.start, one.id, one.end));
    out.signals.sort_unstable_by_key(|one| (one.id, one.start, one.end));
    out.signals.dedup_by(|next, kept| {
        let same = next.id == kept.id && next.start < kept.end;
        if same {
            if next.confidence > kept.confidence {
                (kept.confidence, kept.via, kept.frame) = (next.confidence, next.via, next.frame);
            }
            kept.end = kept.end.max(next.end);
            kept.frame = kept.frame.or(next.frame);
        }
        same
    });
    out.signals.sort_unstable_by_key(|one| (one.start, one.id));
}

/// FNV-1a over letters and digits, and how many there are.
fn digest(folded: &str) -> (u64, u32) {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut count = 0;
    let mut buffer = [0; 4];
    for letter in folded.chars().filter(|letter| letter.is_alphanumeric()) {
        count += 1;
        for byte in letter.encode_utf8(&mut buffer).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (hash, count)
}

#[cfg(test)]
mod tests;

// STAND-IN until domain lists and quotations land.
/// Lists.
#[derive(Debug, Default)]
pub struct Lists;
impl Lists {
    /// Names.
    pub fn list_names(&self) -> Vec<&str> {
        vec!["ozon_return_pages"]
    }
    /// In list.
    pub fn in_list(&self, _list: &str, _link: &crate::text::Link) -> bool {
        false
    }
}
impl Scanner {
    /// Lists.
    pub fn domains(&self) -> &'static Lists {
        &Lists
    }
}
/// Quotes.
pub fn quote_hashes(_s: &Scanner, _t: &str, _c: &mut Scratch) -> Vec<u64> {
    Vec::new()
}
