//! Rules as they run: compiled, immutable, swapped whole.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::text::Scanner;
use crate::time::{Millis, Span};

use super::condition::Condition;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the dashboard.
    Info,
    /// A named prohibition or a service metric.
    Warning,
    /// The marketplace freezes, fines or closes for it.
    Critical,
}

/// What is thought of a message: the worst finding decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// Nothing stands against it.
    #[default]
    Clean,
    /// Only suspected or info findings, or an unknown fact decides.
    Review,
    /// A certain finding of severity critical or warning.
    Violation,
}

impl VerdictKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Review => "review",
            Self::Violation => "violation",
        }
    }
}

/// Whether findings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// They make the verdict.
    Enforce,
    /// They are listed and counted, and change nothing.
    Shadow,
}

/// What a rule says when a fact it turns on is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// The fact is listed, the verdict stays.
    Pass,
    /// The fact is listed, the verdict is at least `review`.
    Review,
}

/// Packs in force, by platform.
pub type PacksByPlatform = HashMap<Box<str>, Vec<Arc<Pack>>>;

/// Packs in force, by platform and store.
pub type PacksByStore = HashMap<Box<str>, PacksByPlatform>;

/// Everything that judges: packs, exceptions, the scanner.
#[derive(Debug)]
pub struct Ruleset {
    /// The text scanner with its lexicons and domain lists.
    pub scanner: Arc<Scanner>,
    /// Rules muted for a scope until a date.
    pub exceptions: Vec<Exception>,
    /// Notices that platforms send in the seller's name.
    pub notices: Vec<PlatformNotice>,
    /// How long a message waits (in stream time) for facts that may still arrive.
    pub hold_back: Span,
    /// Packs of each platform, for stores without parameters of their own.
    pub(crate) platforms: PacksByPlatform,
    /// Packs of stores that have parameters or bindings of their own: platform → store → packs.
    pub(crate) stores: PacksByStore,
}

/// One policy pack, compiled.
#[derive(Debug, PartialEq)]
pub struct Pack {
    /// Id, such as `ozon/seed-2024-07`.
    pub id: Arc<str>,
    /// Version of the pack's text.
    pub version: Arc<str>,
    /// Hash of everything that went into it (pack, overlay, parameters, lexicons), 16 hex digits.
    pub hash: Arc<str>,
    /// Platform it is for.
    pub platform: Arc<str>,
    /// Whether its findings count.
    pub mode: Mode,
    /// In force from here …
    pub from: Millis,
    /// … until here, when it ends.
    pub to: Option<Millis>,
    /// Its rules, in the order of the pack.
    pub rules: Vec<Rule>,
    /// Score groups: name and cap. [`Rule::group`] points here.
    pub groups: Vec<(Arc<str>, f32)>,
}

/// One rule, compiled.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Id of the contract, such as `promo`.
    pub id: Arc<str>,
    /// How bad.
    pub severity: Severity,
    /// Points of a certain finding; a suspected one has half.
    pub weight: f32,
    /// Index into [`Pack::groups`].
    pub group: usize,
    /// The clause it rests on.
    pub clause: Arc<str>,
    /// The source of the clause, by id of the pack's `sources`.
    pub source: Arc<str>,
    /// What would have been compliant, in English.
    pub advice: Arc<str>,
    /// Whether its findings count, within a pack that does.
    pub mode: Mode,
    /// What an unknown fact does.
    pub on_unknown: OnUnknown,
    /// The question.
    pub condition: Condition,
}

/// A rule muted for a scope until a date, with a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Exception {
    /// Rule id.
    pub rule: Arc<str>,
    /// Only in this pack; `None` for the rule of every pack.
    pub pack: Option<Arc<str>>,
    /// Platform and store; `None` for all.
    pub store: Option<(Arc<str>, Arc<str>)>,
    /// Registrable domain or host of the links it allows; `None` when it is not about a link.
    pub domain: Option<Arc<str>>,
    /// Template id; `None` for any message.
    pub template: Option<Arc<str>>,
    /// Why.
    pub reason: Arc<str>,
    /// Until when; messages sent at or after this instant are judged again.
    pub expires: Option<Millis>,
}

/// A message that a platform sends in the seller's name: never the seller's act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformNotice {
    /// Platform.
    pub platform: Arc<str>,
    /// The text begins so (compared after folding case and white space).
    pub prefix: Arc<str>,
}

impl Ruleset {
    /// The packs that judge `store` at `at`, in the order of their binding.
    ///
    /// An event older than every enforced pack of its platform is judged by the earliest of them: history before
    /// the first dated policy is not lawless.
    pub fn packs_for(&self, platform: &str, store: &str, at: Millis) -> impl Iterator<Item = &Arc<Pack>> {
        let packs = self
            .stores
            .get(platform)
            .and_then(|stores| stores.get(store))
            .or_else(|| self.platforms.get(platform))
            .map_or(&[][..], Vec::as_slice);
        let in_force = move |pack: &Pack| pack.from <= at && pack.to.is_none_or(|to| at < to);
        let enforced = move |pack: &&Arc<Pack>| pack.mode == Mode::Enforce;
        let earliest = if packs.iter().filter(enforced).any(|pack| pack.from <= at) {
            None
        } else {
            packs.iter().filter(enforced).map(|pack| pack.from).min()
        };
        packs.iter().filter(move |pack| {
            in_force(pack) || earliest.is_some_and(|from| pack.mode == Mode::Enforce && pack.from == from)
        })
    }

    /// Platforms that have packs.
    pub fn platforms(&self) -> impl Iterator<Item = &str> {
        self.platforms.keys().map(|name| &**name)
    }

    /// Every pack variant, each once.
    pub fn packs(&self) -> impl Iterator<Item = &Arc<Pack>> {
        self.platforms.values().chain(self.stores.values().flat_map(HashMap::values)).flatten()
    }
}

impl Pack {
    /// The rule of this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| &*rule.id == id)
    }
}
