//! Policy files in, rules that run out.
//!
//! Everything that can be wrong with a policy is found here, at load time and with its place; evaluation never
//! fails. One run collects as many faults as it can: one per file for the shape of the YAML, all of them for what
//! the words mean.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::text::Scanner;
use crate::time::{Millis, Span};

use super::bindings::{Binding, StoreFile};
use super::cases::{self, Case};
use super::diff::EffectivePack;
use super::error::PolicyError;
use super::layers::{self, PackDraft, PackFile};
use super::overlay::{self, ExceptionsSpec, Known, NoticesSpec, OverlaySpec};
use super::pack::{self, Target};
use super::reader::Vocabulary;
use super::ruleset::{Exception, Pack, PacksByPlatform, PacksByStore, PlatformNotice, Ruleset};
use super::stores::{self, StoreSeed, StoresSpec};
use super::{bindings, yaml};

/// A file: its name for messages, and its text.
pub type File<'a> = (&'a str, &'a str);

/// The files of a policy, and what the configuration says about them.
#[derive(Clone, Debug, Default)]
pub struct PolicySources<'a> {
    /// Packs.
    pub packs: Vec<File<'a>>,
    /// Overlays, laid over in this order.
    pub overlays: Vec<File<'a>>,
    /// Exceptions.
    pub exceptions: Vec<File<'a>>,
    /// Stores.
    pub stores: Vec<File<'a>>,
    /// Notices that platforms send in a seller's name.
    pub notices: Vec<File<'a>>,
    /// Which packs are in force where. A pack that no binding names is in force on its platform in its own mode.
    pub bindings: Vec<Binding>,
    /// How long a message waits for facts that may still arrive.
    pub hold_back: Span,
    /// Hash of the lexicons and domain lists; part of the hash of every pack.
    pub lexicon_hash: u64,
    /// The present, to report exceptions that have ended. The core reads no clock.
    pub now: Option<Millis>,
}

/// A compiled policy: all of a [`Ruleset`] but the scanner, and what people want to know about it.
#[derive(Debug)]
pub struct Compilation {
    /// Packs of each platform.
    pub platforms: PacksByPlatform,
    /// Packs of stores that differ.
    pub stores: PacksByStore,
    /// Exceptions.
    pub exceptions: Vec<Exception>,
    /// Notices.
    pub notices: Vec<PlatformNotice>,
    /// How long a message waits for facts.
    pub hold_back: Span,
    /// What seeds the registries.
    pub seeds: Vec<StoreSeed>,
    /// Every pack as it runs, with the layer of every value: platforms first, then stores.
    pub effective: Vec<EffectivePack>,
    /// The inline cases of every pack, also of packs that are bound nowhere.
    pub cases: Vec<Case>,
    /// Every pack alone and enforced: what its inline cases are judged by.
    pub packs: Vec<Arc<Pack>>,
    /// What is allowed, and still worth a look.
    pub warnings: Vec<PolicyError>,
}

impl Compilation {
    /// The ruleset.
    pub fn into_ruleset(self, scanner: Arc<Scanner>) -> Ruleset {
        Ruleset {
            scanner,
            exceptions: self.exceptions,
            notices: self.notices,
            hold_back: self.hold_back,
            platforms: self.platforms,
            stores: self.stores,
        }
    }

    /// A ruleset of one pack alone, enforced: what the pack's inline cases are judged by.
    pub fn ruleset_of(&self, pack: &str, scanner: Arc<Scanner>) -> Option<Ruleset> {
        let pack = self.packs.iter().find(|known| &*known.id == pack)?;
        Some(Ruleset {
            scanner,
            exceptions: Vec::new(),
            notices: self.notices.clone(),
            hold_back: self.hold_back,
            platforms: HashMap::from([(Box::from(&*pack.platform), vec![Arc::clone(pack)])]),
            stores: HashMap::new(),
        })
    }
}

/// Compiles a policy into the ruleset that runs, against what the scanner knows.
///
/// # Errors
/// Every fault that was found, in the order of files and lines.
pub fn compile(sources: &PolicySources<'_>, scanner: Arc<Scanner>) -> Result<Ruleset, Vec<PolicyError>> {
    build(sources, &*scanner).map(|compilation| compilation.into_ruleset(scanner))
}

/// Compiles a policy against a vocabulary.
///
/// # Errors
/// Every fault that was found, in the order of files and lines.
pub fn build(
    sources: &PolicySources<'_>,
    vocabulary: &dyn Vocabulary,
) -> Result<Compilation, Vec<PolicyError>> {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let (written, drafts) = drafts(sources, &mut errors);

    // Each pack by itself: its faults are reported once, whatever it is bound to. Cases are the author's: they are
    // judged by the pack as written, whatever an operator lays over it.
    let (mut packs, mut all_cases) = (Vec::new(), Vec::new());
    for (index, draft) in written.iter().chain(&drafts).enumerate() {
        let Some(platform) = &draft.platform else {
            errors.push(PolicyError::new(draft.place.clone(), "\"platform:\" is missing"));
            continue;
        };
        let target = Target {
            platform: &platform.value,
            store: None,
            mode: None,
            params: &[],
            vocabulary,
            lexicon_hash: sources.lexicon_hash,
        };
        let (mut pack, _) = pack::compile(draft, &target, &mut errors);
        pack.mode = super::Mode::Enforce;
        if index >= written.len() {
            continue;
        }
        all_cases.extend(cases::compile(draft, &pack, &mut errors));
        packs.push(Arc::new(pack));
    }

    let stores = read_all::<StoresSpec>(&sources.stores, &mut errors);
    let stores: Vec<StoreFile> = stores.into_iter().map(|(file, _, spec)| StoreFile { file, spec }).collect();
    let bound = bindings::bind(sources, &drafts, &stores, vocabulary, errors.is_empty(), &mut errors);
    let seeds = stores
        .iter()
        .flat_map(|file| file.spec.stores.iter().map(move |store| (&file.file, &store.value)))
        .map(|(file, store)| stores::seed(file, store, &mut errors))
        .collect();

    let known = Known {
        packs: drafts.iter().map(|draft| &*draft.id).collect(),
        rules: rule_ids(&drafts),
        platforms: drafts.iter().filter_map(|draft| Some(draft.platform.as_ref()?.value.as_str())).collect(),
        now: sources.now,
    };
    let mut exceptions = Vec::new();
    for (file, _, spec) in read_all::<ExceptionsSpec>(&sources.exceptions, &mut errors) {
        exceptions.extend(overlay::exceptions(&file, &spec, &known, &mut errors, &mut warnings));
    }
    let mut notices = Vec::new();
    for (file, _, spec) in read_all::<NoticesSpec>(&sources.notices, &mut errors) {
        notices.extend(overlay::notices(&file, &spec, &mut errors));
    }
    if !errors.is_empty() {
        errors.sort();
        errors.dedup();
        return Err(errors);
    }
    Ok(Compilation {
        platforms: bound.platforms,
        stores: bound.stores,
        effective: bound.effective,
        exceptions,
        notices,
        hold_back: sources.hold_back,
        seeds,
        cases: all_cases,
        packs,
        warnings,
    })
}

/// Packs with their parents, as written and with the overlays.
fn drafts(sources: &PolicySources<'_>, errors: &mut Vec<PolicyError>) -> (Vec<PackDraft>, Vec<PackDraft>) {
    let files: Vec<PackFile> = read_all(&sources.packs, errors)
        .into_iter()
        .map(|(file, text, spec)| PackFile { file, text, spec })
        .collect();
    let written = layers::drafts(&files, errors);
    let mut drafts = written.clone();
    for (file, text, spec) in read_all::<OverlaySpec>(&sources.overlays, errors) {
        layers::lay_over(&mut drafts, &spec, &file, &text, errors);
    }
    (written, drafts)
}

fn read_all<T: serde::de::DeserializeOwned>(
    files: &[File<'_>],
    errors: &mut Vec<PolicyError>,
) -> Vec<(Arc<str>, Arc<str>, T)> {
    let mut read = Vec::new();
    for (name, text) in files {
        // A file that holds comments alone is an example nobody has filled in yet.
        if text.lines().all(|line| matches!(line.trim_start().as_bytes().first(), None | Some(b'#'))) {
            continue;
        }
        let name: Arc<str> = Arc::from(*name);
        match yaml::read(&name, text) {
            Ok(spec) => read.push((name, Arc::from(*text), spec)),
            Err(error) => errors.push(error),
        }
    }
    read
}

fn rule_ids(drafts: &[PackDraft]) -> Vec<&str> {
    let mut ids: Vec<&str> =
        drafts.iter().flat_map(|draft| draft.rules.iter().map(|rule| rule.id.value.as_str())).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
