//! The scanner: one text in, its signals out.

mod found_contacts;
mod layout;
mod masks;
mod numbers;
mod opinion;
mod report;
mod reported;

use crate::text::classifier::{Features, Model, Reading, Seen, TOPICS};
use crate::text::contacts::{self, Contact};
use crate::text::domains::DomainLists;
use crate::text::encoder::{Encoder, EncoderScratch, Head};
use crate::text::fold::{FoldTables, Folded, View};
use crate::text::frames::{self, Found};
use crate::text::guards;
use crate::text::lexicon::{self, Groups, Lexicon, builtin, is_chinese, is_word};
use crate::text::{Confidence, Link, NameId, ScanContext, Signal, SignalId, Signals, TextClass, Via};

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
    /// Written in Chinese characters, where nothing but the terms themselves parts words.
    pub(in crate::text) chinese: bool,
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
            chinese: false,
        }
    }
}

/// Buffers, reused from message to message.
#[derive(Debug, Default)]
pub struct Scratch {
    folded: Folded,
    hits: Vec<Hit>,
    found: Vec<Found>,
    contacts: Vec<Contact>,
    masks: masks::Masks,
    features: Features,
    encoder: EncoderScratch,
    /// Texts that the encoder was asked about.
    asked: u64,
    quotations: Vec<(u32, u32)>,
    /// Earlier messages of the same seller and this one in a row.
    joined: String,
    joined_links: Vec<Link>,
}

impl Scratch {
    /// How many texts the encoder was asked about since this was asked last.
    pub fn take_asked(&mut self) -> u64 {
        std::mem::take(&mut self.asked)
    }

    /// The views of the text that was scanned last, as folded: what a trainer reads.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        self.folded.views().map(|view| view.text.as_str())
    }
}

/// Compiled lexicons, frames, guards and lists. Shared by all threads.
#[derive(Debug)]
pub struct Scanner {
    tables: FoldTables,
    lexicon: Lexicon,
    domains: DomainLists,
    classifier: Option<Model>,
    encoder: Option<(Encoder, Head)>,
    ids: Ids,
}

/// Signals that are not made by frames.
#[derive(Clone, Copy, Debug)]
struct Ids {
    mixed_script: SignalId,
    zero_width: SignalId,
    split: SignalId,
    messenger: SignalId,
    account: SignalId,
    phone: SignalId,
    email: SignalId,
    handle: SignalId,
    card: SignalId,
    /// What the classifier speaks of, in the order of its topics.
    worded: [SignalId; TOPICS.len()],
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
        let lists: Vec<(&str, &str)> =
            sources.files.iter().filter(|(name, _)| name.contains("domains/")).copied().collect();
        let domains = DomainLists::compile(&lists).map_err(|error| LexiconError {
            file: error.file.clone(),
            line: 0,
            column: 0,
            message: error.reason.clone(),
        })?;
        let known = |name: &str| lexicon.signal(name).unwrap_or(SignalId(u16::MAX));
        Ok(Scanner {
            ids: Ids {
                mixed_script: known("evasion.mixed_script"),
                zero_width: known("evasion.zero_width"),
                split: known("evasion.split"),
                messenger: known("contact.messenger"),
                account: known("social.account"),
                phone: known("contact.phone"),
                email: known("contact.email"),
                handle: known("contact.handle"),
                card: known("payment.card_number"),
                worded: TOPICS.map(known),
            },
            tables,
            lexicon,
            domains,
            classifier: None,
            encoder: None,
        })
    }

    /// The scanner with a second opinion.
    #[must_use]
    pub fn with_classifier(self, model: Model) -> Self {
        Self { classifier: Some(model), ..self }
    }

    /// The scanner with an encoder, whose head is asked where the classifier is not sure. Without a classifier it is
    /// never asked.
    #[must_use]
    pub fn with_encoder(self, encoder: Encoder, head: Head) -> Self {
        Self { encoder: Some((encoder.with_head(&head), head)), ..self }
    }

    /// Whether an encoder may be asked.
    pub fn has_encoder(&self) -> bool {
        self.encoder.is_some()
    }

    /// Finds the signals of a text. `out` is cleared first.
    pub fn scan(&self, text: &str, context: &ScanContext<'_>, scratch: &mut Scratch, out: &mut Signals) {
        out.clear();
        scratch.hits.clear();
        scratch.found.clear();
        scratch.contacts.clear();
        scratch.folded.fold(text, &self.tables);
        (out.folded_hash, out.folded_chars) = digest(&scratch.folded.main().text);
        for view in scratch.folded.views() {
            self.collect(view, context.platform, &mut scratch.hits);
        }
        numbers::collect(scratch.folded.main(), &mut scratch.hits);
        self.collect_contacts(text, context, scratch, out);
        sort_and_hide(&self.lexicon, &mut scratch.hits);
        let layout = layout::lay_out(text, &mut scratch.hits);
        out.class = classify(&scratch.hits, layout.uncovered, out.folded_chars);
        let mut present = Groups::default();
        scratch.hits.iter().filter(|hit| !hit.hidden).for_each(|hit| present.insert(hit.group));
        frames::find(&self.lexicon, &scratch.hits, &present, layout.words, &mut scratch.found);
        guards::apply(&self.lexicon.guards, &scratch.hits, &present, &mut scratch.found);
        let Scratch { folded, hits, found, contacts, masks, quotations, .. } = scratch;
        if !found.is_empty() || !contacts.is_empty() || !out.links.is_empty() {
            let reasons = &self.lexicon.reasons;
            masks.read(folded.main(), text, context);
            masks.apply(folded.main(), context, &self.tables, hits, found, reasons);
            reported::apply(text, hits, found, reasons, quotations);
            self.report_contacts(text, context, (contacts, hits), masks, out);
            self.report_links(0, Some(masks), out);
        }
        for (id, place) in [(self.ids.mixed_script, layout.mixed), (self.ids.zero_width, layout.invisible)] {
            if let Some((start, end)) = place {
                let confidence = Confidence::Suspected;
                out.signals.push(Signal { id, start, end, via: Via::empty(), confidence, frame: None });
            }
        }
        report::frames(&scratch.found, out);
        if let Some(model) = self.classifier.as_ref().filter(|_| !self.is_settled(context, out)) {
            self.ask(model, text, context, scratch, out);
        }
        if !context.recent.is_empty() {
            self.scan_split(text, context, scratch, out);
        }
        report::settle(out);
    }

    /// Appends the hashes of a buyer's text to `out`: runs of five words (ten Chinese characters), folded, and contacts.
    /// Sorted, they are what [`ScanContext::quoted`] wants.
    pub fn quote_hashes(&self, text: &str, scratch: &mut Scratch, out: &mut Vec<u64>) {
        scratch.folded.fold(text, &self.tables);
        masks::hashes(scratch.folded.main(), &mut scratch.masks, out);
        scratch.contacts.clear();
        contacts::find(scratch.folded.main(), &self.tables, &ScanContext::default(), &mut scratch.contacts);
        out.extend(scratch.contacts.iter().map(|one| masks::contact_hash(text, one.start, one.end)));
    }

    /// The features of a text, for training: of each of its readings, of the whole and of each of its sentences.
    pub fn features(
        &self,
        text: &str,
        context: &ScanContext<'_>,
        scratch: &mut Scratch,
        out: &mut Vec<Reading>,
    ) {
        let mut signals = Signals::default();
        self.scan(text, context, scratch, &mut signals);
        let Scratch { folded, hits, found, features, .. } = scratch;
        let seen = Seen { lexicon: &self.lexicon, hits, found, links: &signals.links };
        features.borrowed.clear();
        for (view, read) in folded.views().enumerate() {
            features.read(read, &seen);
            out.extend(features.parts.iter().map(|part| Reading { view, ..features.of(part) }));
        }
    }

    /// All forms that are looked for, as folded: what other matchers are measured with. Takes a while.
    pub fn forms(&self) -> Vec<String> {
        self.lexicon.trie.forms()
    }

    /// Bytes that the compiled forms take.
    pub fn forms_memory(&self) -> usize {
        self.lexicon.trie.memory()
    }

    /// The domain lists.
    pub fn domains(&self) -> &DomainLists {
        &self.domains
    }

    fn collect(&self, view: &View, platform: &str, hits: &mut Vec<Hit>) {
        let spaced = view.via_anywhere().contains(Via::SPACED);
        let starts = |at: usize| spaced && starts_word(view, at);
        self.lexicon.trie.find(&view.text, starts, |form, range, inside| {
            let Some(pattern) = self.lexicon.patterns.get(form as usize) else { return };
            if (pattern.left && inside) || (pattern.right && !ends_word(view, range.end)) {
                return;
            }
            let original = view.original(range.clone());
            let via = view.via(range.clone());
            // "a" is no Russian conjunction in an English text.
            if range.len() < MIN_GUESSED && via.intersects(frames::GUESSED) {
                return;
            }
            let written = view.text.get(range).unwrap_or_default();
            let chinese = written.chars().all(is_chinese);
            let hit = Hit { chinese, ..Hit::new(original, 0, via, half_words(written)) };
            for group in self.lexicon.groups_of(*pattern) {
                hits.push(Hit { group: *group, ..hit });
                if let Some((_, named)) = self.lexicon.platforms.iter().find(|(known, _)| known == group) {
                    // Of an unknown store no marketplace is foreign.
                    let own = platform.is_empty() || named == platform;
                    let group = if own { builtin::OWN_PLATFORM } else { builtin::OTHER_MARKETPLACE };
                    hits.push(Hit { group, ..hit });
                }
            }
        });
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

/// Whether a word starts here. Letters written apart may have drawn in a preposition: `пишите в в а т с а п`.
fn starts_word(view: &View, at: usize) -> bool {
    let mut before = view.text.get(..at).unwrap_or_default().char_indices().rev();
    let Some((from, letter)) = before.next().filter(|(_, letter)| is_word(*letter)) else { return true };
    is_little_word(letter)
        && !before.next().is_some_and(|(_, letter)| is_word(letter))
        && view.via(from..at + 1).contains(Via::SPACED)
        && view.original(from..at).end < view.original(at..at + 1).start
}

/// Whether a word ends here, or a conjunction was drawn in: `с-к-и-д-к-а и`.
fn ends_word(view: &View, at: usize) -> bool {
    let mut after = view.text.get(at..).unwrap_or_default().chars();
    let Some(letter) = after.next().filter(|letter| is_word(*letter)) else { return true };
    let end = at + letter.len_utf8();
    is_little_word(letter)
        && !after.next().is_some_and(is_word)
        && view.via(at.saturating_sub(1)..end).contains(Via::SPACED)
        && view.original(at.saturating_sub(1)..at).end < view.original(at..end).start
}

/// Russian words of one letter.
fn is_little_word(letter: char) -> bool {
    matches!(letter, 'а' | 'в' | 'и' | 'к' | 'о' | 'с' | 'у' | 'я')
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
    let mut hiding = (0, 0, false);
    let mut not_denial = 0;
    for hit in hits {
        let length = hit.end - hit.start;
        // A Chinese phrase that starts inside another word is cut wrongly: 申|请取消.
        let cut = hit.start > hiding.0 && hit.start < hiding.1 && hiding.2;
        if cut || (hit.end <= hiding.1 && length < hiding.1 - hiding.0) {
            hit.hidden = true;
        } else if lexicon.hiding.contains(hit.group) && hit.end > hiding.1 {
            hiding = (hit.start, hit.end, hit.chinese);
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
        // A thumb thanks without a word.
        let thanks = hits.iter().any(|hit| hit.group == builtin::THANKS);
        return if thanks { TextClass::BLANK | TextClass::THANKS } else { TextClass::BLANK };
    }
    if uncovered > 0 {
        return TextClass::empty();
    }
    // Longer first: "您好" greets, its "好" agrees to nothing.
    let mut covered = 0;
    let mut class = TextClass::empty();
    for hit in hits {
        let one = match hit.group {
            builtin::THANKS => TextClass::THANKS,
            builtin::SMALL_TALK => TextClass::SMALL_TALK,
            builtin::MONOSYLLABIC => TextClass::MONOSYLLABIC,
            _ => continue,
        };
        if hit.start >= covered {
            class |= one;
            covered = hit.end;
        }
    }
    class
}

/// Guessed readings of shorter words (in bytes) are chance.
const MIN_GUESSED: usize = 8;
const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a over letters and digits, and how many there are.
fn digest(folded: &str) -> (u64, u32) {
    let mut hash = FNV_START;
    let mut count = 0;
    for (at, letter) in folded.char_indices().filter(|(_, letter)| lexicon::is_alphanumeric(*letter)) {
        count += 1;
        for byte in folded.as_bytes().get(at..at + letter.len_utf8()).unwrap_or_default() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
    (hash, count)
}

/// Hashes of a buyer's text for [`ScanContext::quoted`]: see [`Scanner::quote_hashes`].
pub fn quote_hashes(scanner: &Scanner, text: &str, scratch: &mut Scratch, out: &mut Vec<u64>) {
    scanner.quote_hashes(text, scratch, out);
}

#[cfg(test)]
mod tests;
