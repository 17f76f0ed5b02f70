//! Written lexicons into a [`Lexicon`].

use std::collections::BTreeMap;

use serde_saphyr::{Location, Spanned};

use super::expand::{Endings, expand};
use super::trie::Trie;
use super::written::{WrittenFrame, WrittenGuard, WrittenLexicon, WrittenTerms};
use super::{Groups, Lexicon, LexiconError, MAX_GROUPS, Pattern, Reasons, VOCABULARY, builtin};
use crate::hash::stable_hash;
use crate::text::classifier::TOPICS;
use crate::text::fold::{FoldTables, Folded};
use crate::text::frames::Frame;
use crate::text::guards::Guard;
use crate::text::{NameId, SignalId};

/// A lexicon file with its name.
struct Source<'a> {
    file: &'a str,
    written: WrittenLexicon,
}

/// Compiles lexicon files: `(file name, YAML text)`.
pub(in crate::text) fn compile(files: &[(&str, &str)], tables: &FoldTables) -> Result<Lexicon, LexiconError> {
    let sources = files.iter().map(|(file, text)| read(file, text)).collect::<Result<Vec<_>, _>>()?;
    let mut builder = Builder::new(tables);
    for source in &sources {
        builder.declare(source)?;
    }
    for source in &sources {
        for (name, terms) in &source.written.terms {
            builder.terms(source.file, name, terms)?;
        }
    }
    builder.close_includes(&sources)?;
    for source in &sources {
        for frame in &source.written.frames {
            builder.frame(source.file, frame)?;
        }
        for guard in &source.written.guards {
            builder.guard(source.file, guard)?;
        }
    }
    builder.finish()
}

fn read<'a>(file: &'a str, text: &str) -> Result<Source<'a>, LexiconError> {
    match serde_saphyr::from_str(text) {
        Ok(written) => Ok(Source { file, written }),
        Err(error) => {
            let (line, column) =
                error.location().map_or((0, 0), |location| (location.line(), location.column()));
            Err(LexiconError { file: file.to_owned(), line, column, message: error.to_string() })
        }
    }
}

fn wrong(file: &str, at: Location, message: String) -> LexiconError {
    LexiconError { file: file.to_owned(), line: at.line(), column: at.column(), message }
}

struct Builder<'a> {
    tables: &'a FoldTables,
    folded: Folded,
    endings: Endings,
    groups: BTreeMap<String, u16>,
    names: Vec<String>,
    signals: Vec<String>,
    /// What a group means, included groups and all.
    closure: Vec<Groups>,
    forms: hashbrown::HashMap<String, Form>,
    hiding: Groups,
    frames: Vec<Frame>,
    guards: Vec<Guard>,
}

#[derive(Default)]
struct Form {
    groups: Vec<u16>,
    left: bool,
    right: bool,
}

impl<'a> Builder<'a> {
    fn new(tables: &'a FoldTables) -> Self {
        let mut builder = Self {
            tables,
            folded: Folded::default(),
            endings: Endings::new(),
            groups: BTreeMap::new(),
            names: Vec::new(),
            signals: VOCABULARY.iter().chain(&TOPICS).map(|name| (*name).to_owned()).collect(),
            closure: Vec::new(),
            forms: hashbrown::HashMap::new(),
            // "5000 тг" is money, not Telegram.
            hiding: [builtin::PERCENT, builtin::MONEY].into_iter().collect(),
            frames: Vec::new(),
            guards: Vec::new(),
        };
        for name in builtin::NAMES {
            builder.group(name);
        }
        builder
    }

    fn group(&mut self, name: &str) -> u16 {
        if let Some(known) = self.groups.get(name) {
            return *known;
        }
        let id = u16::try_from(self.names.len()).unwrap_or(u16::MAX);
        self.groups.insert(name.to_owned(), id);
        self.names.push(name.to_owned());
        let mut own = Groups::default();
        own.insert(id);
        self.closure.push(own);
        id
    }

    fn declare(&mut self, source: &Source<'_>) -> Result<(), LexiconError> {
        for (name, list) in &source.written.endings {
            self.endings.insert(name.clone(), list.clone());
        }
        for name in source.written.terms.keys() {
            self.group(name);
        }
        if self.names.len() > MAX_GROUPS {
            return Err(LexiconError {
                file: source.file.to_owned(),
                line: 0,
                column: 0,
                message: format!("more than {MAX_GROUPS} term groups: merge some"),
            });
        }
        for signal in &source.written.signals {
            if !self.signals.contains(&signal.value) {
                self.signals.push(signal.value.clone());
            }
        }
        Ok(())
    }

    fn terms(&mut self, file: &str, name: &str, terms: &WrittenTerms) -> Result<(), LexiconError> {
        let group = self.group(name);
        if terms.hides {
            self.hiding.insert(group);
        }
        for (list, chinese) in [(&terms.ru, false), (&terms.en, false), (&terms.zh, true)] {
            for entry in list {
                let forms = expand(&entry.value, &self.endings)
                    .map_err(|message| wrong(file, entry.referenced, message))?;
                for form in forms {
                    self.form(group, &form, chinese)
                        .map_err(|message| wrong(file, entry.referenced, message))?;
                }
            }
        }
        if let Some(signal) = &terms.signal {
            let signal = self.signal_id(file, signal)?;
            let object = self.closure.get(usize::from(group)).copied().unwrap_or_default();
            self.frames.push(Frame::mention(signal, object));
        }
        Ok(())
    }

    fn form(&mut self, group: u16, form: &str, chinese: bool) -> Result<(), String> {
        let (form, free_left) = form.strip_prefix('~').map_or((form, false), |rest| (rest, true));
        let (form, free_right) = form.strip_suffix('~').map_or((form, false), |rest| (rest, true));
        self.folded.fold(form, self.tables);
        let text = self.folded.main().text.trim().to_owned();
        let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
            return Err(format!("`{form}` is empty after folding: write letters or digits"));
        };
        // Chinese has no word boundaries; a Latin edge of a Chinese term is checked on the left alone: "vx123" is "vx".
        let left = !free_left && is_word(first);
        let right = !free_right && !chinese && is_word(last);
        let known = self.forms.entry(text).or_insert_with(|| Form { groups: Vec::new(), left, right });
        known.left &= left;
        known.right &= right;
        if !known.groups.contains(&group) {
            known.groups.push(group);
        }
        Ok(())
    }

    /// A group means its own words and those of the groups it includes, to any depth.
    fn close_includes(&mut self, sources: &[Source<'_>]) -> Result<(), LexiconError> {
        // Each round reaches one level deeper; nobody nests groups deeper than this.
        for _ in 0..4 {
            for source in sources {
                for (name, terms) in &source.written.terms {
                    let group = self.group(name);
                    for included in &terms.includes {
                        let other = self.groups_named(source.file, std::slice::from_ref(included))?;
                        if let Some(closure) = self.closure.get_mut(usize::from(group)) {
                            closure.extend(&other);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn groups_named(&self, file: &str, names: &[Spanned<String>]) -> Result<Groups, LexiconError> {
        let mut all = Groups::default();
        for name in names {
            let group = self.groups.get(&name.value).ok_or_else(|| {
                wrong(
                    file,
                    name.referenced,
                    format!(
                        "no term group is named `{}`: add it under `terms` or correct the name",
                        name.value
                    ),
                )
            })?;
            if let Some(closure) = self.closure.get(usize::from(*group)) {
                all.extend(closure);
            }
        }
        Ok(all)
    }

    fn lists(&self, file: &str, lists: &[Vec<Spanned<String>>]) -> Result<Vec<Groups>, LexiconError> {
        lists.iter().map(|list| self.groups_named(file, list)).collect()
    }

    fn signal_id(&self, file: &str, name: &Spanned<String>) -> Result<SignalId, LexiconError> {
        self.signals
            .iter()
            .position(|known| *known == name.value)
            .and_then(|at| u16::try_from(at).ok())
            .map(SignalId)
            .ok_or_else(|| {
                wrong(
                    file,
                    name.referenced,
                    format!("`{}` is no signal: correct the name or list it under `signals`", name.value),
                )
            })
    }

    fn frame(&mut self, file: &str, written: &WrittenFrame) -> Result<(), LexiconError> {
        if written.object.is_empty() {
            return Err(wrong(
                file,
                written.signal.referenced,
                "a frame needs an `object`: name a term group".into(),
            ));
        }
        self.frames.push(Frame {
            signal: self.signal_id(file, &written.signal)?,
            object: self.groups_named(file, &written.object)?,
            act: self.groups_named(file, &written.act)?,
            with: self.lists(file, &written.with)?,
            unless: self.groups_named(file, &written.unless)?,
            within: written.within.saturating_mul(2),
            across: written.across,
            order: written.order,
            denied: written.denied,
            suspected: written.suspected,
            alone: written.alone.map(|words| u32::from(words) * 2),
            disguised: written.disguised,
        });
        Ok(())
    }

    fn guard(&mut self, file: &str, written: &WrittenGuard) -> Result<(), LexiconError> {
        let mut signals = vec![written.signals.is_empty(); self.signals.len()];
        for wanted in &written.signals {
            let family = wanted.value.strip_suffix('*');
            let mut any = false;
            for (known, flag) in self.signals.iter().zip(&mut signals) {
                if family.map_or(*known == wanted.value, |family| known.starts_with(family)) {
                    *flag = true;
                    any = true;
                }
            }
            if !any {
                let message =
                    format!("`{}` names no signal: correct it or list it under `signals`", wanted.value);
                return Err(wrong(file, wanted.referenced, message));
            }
        }
        let name = u16::try_from(self.names.len()).map(NameId).unwrap_or(NameId(u16::MAX));
        self.names.push(written.id.clone());
        self.guards.push(Guard {
            name,
            signals,
            over: self.groups_named(file, &written.over)?,
            near: self.groups_named(file, &written.near)?,
            with: self.lists(file, &written.with)?,
            unless: self.groups_named(file, &written.unless)?,
            within: written.within.saturating_mul(2),
            across: written.across,
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Lexicon, LexiconError> {
        let mut forms: Vec<(String, Form)> = std::mem::take(&mut self.forms).into_iter().collect();
        forms.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let trie = Trie::new(forms.iter().map(|(form, known)| (form.as_str(), known.left)));
        let mut patterns = Vec::with_capacity(forms.len());
        let mut pattern_groups = Vec::new();
        for (_, form) in &forms {
            patterns.push(Pattern {
                first: u32::try_from(pattern_groups.len()).unwrap_or(u32::MAX),
                count: u16::try_from(form.groups.len()).unwrap_or(u16::MAX),
                left: form.left,
                right: form.right,
            });
            pattern_groups.extend_from_slice(&form.groups);
        }
        let mut frames_of = vec![Vec::new(); MAX_GROUPS];
        for (at, frame) in self.frames.iter().enumerate() {
            for group in frame.object.iter() {
                if let (Some(list), Ok(at)) = (frames_of.get_mut(usize::from(group)), u16::try_from(at)) {
                    list.push(at);
                }
            }
        }
        let mut reason = |name: &str| {
            self.names.push(name.to_owned());
            NameId(u16::try_from(self.names.len() - 1).unwrap_or(u16::MAX))
        };
        let reasons = Reasons {
            refusal: reason("refusal"),
            order_item_title: reason("order_item_title"),
            own_number: reason("own_number"),
            quoted_buyer: reason("quoted_buyer"),
            quotation: reason("quotation"),
        };
        let platforms = self.groups.iter().filter_map(|(name, group)| {
            name.strip_prefix(builtin::PLATFORM_PREFIX).map(|platform| (*group, platform.to_owned()))
        });
        let platforms = platforms.collect();
        Ok(Lexicon {
            platforms,
            trie,
            patterns,
            pattern_groups,
            hiding: self.hiding,
            signal_hashes: hashes(&self.signals),
            name_hashes: hashes(&self.names),
            signals: self.signals,
            names: self.names,
            frames: self.frames,
            frames_of,
            guards: self.guards,
            reasons,
        })
    }
}

fn hashes(names: &[String]) -> Vec<u64> {
    names.iter().map(|name| stable_hash(name.as_bytes())).collect()
}

/// Letters, digits and marks that make a word longer. Chinese characters do not.
#[inline]
pub(in crate::text) fn is_word(letter: char) -> bool {
    is_alphanumeric(letter) && !is_chinese(letter)
}

/// [`char::is_alphanumeric`], which searches for everything but ASCII: most characters here are Cyrillic or Chinese.
#[inline]
pub(in crate::text) fn is_alphanumeric(letter: char) -> bool {
    match letter {
        '\0'..='\x7f' => letter.is_ascii_alphanumeric(),
        '\u{400}'..='\u{481}' | '\u{4e00}'..='\u{9fff}' => true,
        _ => letter.is_alphanumeric(),
    }
}

/// Chinese characters (and the kana and full-width neighbours nobody needs apart).
pub(in crate::text) fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    #[test]
    fn short_cuts_agree_with_the_standard_library() {
        for letter in '\0'..=char::MAX {
            assert_eq!(super::is_alphanumeric(letter), letter.is_alphanumeric(), "{letter:?}");
        }
    }
}
