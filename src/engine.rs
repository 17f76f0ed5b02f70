//! The straight line: one event in, effects out.
//!
//! [`Engine::process`] fires what fell due before the event, lets the state observe it, has its words scanned, asks
//! every rule, and makes the verdict. The parts: [`message`] for everything written in a conversation, [`order`],
//! [`registry`], [`timers`] for deadlines, [`held`] for what waits for a fact that may still arrive.

mod bare;
mod held;
mod message;
mod order;
mod reference;
mod registry;
mod timers;

use std::sync::Arc;

use crate::event::{Body, DispositionLabel, Event};
use crate::policy::condition::Topics;
use crate::policy::{Mode, Pack, Rule, Ruleset};
use crate::score::{Judgement, Scene, Trigger, Verdict, VerdictKind};
use crate::state::{Flag, StoreKey, TaskState};
use crate::text::SignalId;
use crate::time::{Millis, Span};

pub use bare::{Around, BareText};

/// Judges events against a ruleset.
#[derive(Clone, Debug)]
pub struct Engine {
    ruleset: Arc<Ruleset>,
    emit: Emit,
    terms: Terms,
}

/// Signals that the state remembers rather than a rule.
#[derive(Clone, Debug, Default)]
struct Terms {
    topics: Vec<(SignalId, Topics)>,
    promise_elsewhere: Option<SignalId>,
    gift_promise: Option<SignalId>,
    gift_item: Option<SignalId>,
}

/// Which verdicts become effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emit {
    /// Every verdict.
    #[default]
    All,
    /// Only `review` and `violation`, and clean ones with shadow findings: a clean message allocates nothing.
    NotClean,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was judged.
    Judged,
    /// It changed what is known; nothing to judge.
    Observed,
    /// It waits for a fact that may still arrive; its verdict comes with a later event or at the end.
    Held,
    /// Its id was seen before.
    Duplicate,
    /// A message whose author nobody knows, or with nothing to judge by.
    Unscored,
}

/// What processing left to be done outside.
#[derive(Debug, Default)]
pub struct Effects {
    /// Verdicts, in the order they were reached.
    pub verdicts: Vec<Verdict>,
    /// Events judged, with or without a verdict among the effects.
    pub judged: u64,
    /// Buyers who waited and were answered.
    pub answers: Vec<Answer>,
    /// Buyers who waited longer than the reply time allows.
    pub breaches: Vec<Breach>,
    /// Verdicts that a reviewer labelled.
    pub reviews: Vec<Reviewed>,
}

impl Effects {
    /// Forgets everything, and keeps the room it took.
    pub fn clear(&mut self) {
        let Self { verdicts, judged, answers, breaches, reviews } = self;
        *judged = 0;
        verdicts.clear();
        answers.clear();
        breaches.clear();
        reviews.clear();
    }
}

/// A buyer who waited was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Where.
    pub store: Arc<StoreKey>,
    /// From the first unanswered message to the answer.
    pub waited: Span,
    /// It took longer than the reply time allows.
    pub overdue: bool,
    /// Event id of the first unanswered message, when a deadline had fired for it: what it alerted is over.
    pub alerted: Option<Box<str>>,
}

/// A buyer waits longer than the reply time allows. Known when the deadline passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Where.
    pub store: Arc<StoreKey>,
}

/// A reviewer labelled a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// Where.
    pub store: Arc<StoreKey>,
    /// What he said.
    pub label: DispositionLabel,
    /// Rules of the verdict, worst first; none when the verdict was clean, or is not remembered.
    pub rules: Vec<Box<str>>,
    /// From what was judged to the label, when the verdict is remembered.
    pub delay: Option<Span>,
    /// The verdict had no label before.
    pub first: bool,
}

impl Engine {
    /// An engine that judges with `ruleset`.
    pub fn new(ruleset: Arc<Ruleset>, emit: Emit) -> Self {
        let signal = |name: &str| ruleset.scanner.signal(name);
        let topics = [
            ("topic.review", Topics::REVIEW),
            ("topic.discount", Topics::DISCOUNT),
            ("topic.address", Topics::ADDRESS),
            ("topic.contact", Topics::CONTACT),
            ("topic.gift", Topics::GIFT),
            ("topic.cancel", Topics::CANCEL),
        ];
        let terms = Terms {
            topics: topics.iter().filter_map(|(name, topic)| Some((signal(name)?, *topic))).collect(),
            promise_elsewhere: signal("promise.elsewhere"),
            gift_promise: signal("gift.promise"),
            gift_item: signal("gift.item"),
        };
        Self { ruleset, emit, terms }
    }

    /// The ruleset in force.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// Takes one event: first fires what was due before it, then observes and judges it.
    pub fn process(&self, state: &mut TaskState, event: &Event<'_>, effects: &mut Effects) -> Outcome {
        let before = effects.verdicts.len();
        self.fire_due(state, event.occurred_at, false, effects);
        state.reach(event.occurred_at);
        let outcome = self.take(state, event, effects);
        flag(state, &effects.verdicts[before..]);
        outcome
    }

    fn take(&self, state: &mut TaskState, event: &Event<'_>, effects: &mut Effects) -> Outcome {
        match &event.body {
            Body::Message(message) => self.message(state, event, message, effects),
            Body::Order(order) => self.order(state, event, order, effects),
            Body::Registry(registry) => self.registry(state, event, registry, effects),
            Body::Enforcement(act) => {
                let (_, store, _) = state.store_mut(&event.platform, &event.store);
                if !store.profile.seen.is_first(&event.event_id, event.occurred_at) {
                    return Outcome::Duplicate;
                }
                store.traffic.touch(event.occurred_at);
                store.profile.enforce(act, event.occurred_at);
                Outcome::Observed
            }
            Body::Disposition(disposition) => {
                let (key, store, _) = state.store_mut(&event.platform, &event.store);
                if !store.profile.seen.is_first(&event.event_id, event.occurred_at) {
                    return Outcome::Duplicate;
                }
                let flag = store.flags.get_mut(&disposition.verdict_id);
                effects.reviews.push(Reviewed {
                    store: key,
                    label: disposition.label,
                    rules: flag.as_ref().map(|flag| flag.rules.clone()).unwrap_or_default(),
                    delay: flag.as_ref().map(|flag| event.occurred_at.since(flag.at)),
                    first: flag.as_ref().is_none_or(|flag| flag.label.is_none()),
                });
                if let Some(flag) = flag {
                    flag.label = Some(disposition.label);
                }
                Outcome::Observed
            }
        }
    }

    /// Lets stream time reach `to`: deadlines at or before it fire.
    pub fn advance(&self, state: &mut TaskState, to: Millis, effects: &mut Effects) {
        let before = effects.verdicts.len();
        self.fire_due(state, to, true, effects);
        state.reach(to);
        flag(state, &effects.verdicts[before..]);
    }

    /// The input has ended and no missing fact can arrive any more: judges what was held back.
    pub fn finish(&self, state: &mut TaskState, effects: &mut Effects) {
        let mut waiting: Vec<_> = state
            .stores()
            .flat_map(|(key, store)| store.traffic.held.iter().map(move |held| (held.until, key.clone())))
            .collect();
        waiting.sort();
        for (until, key) in waiting {
            self.settle_until(state, &key, until, effects);
        }
    }

    /// The rules in force for a store at `at`, each with its pack.
    fn rules<'a>(&'a self, key: &'a StoreKey, at: Millis) -> impl Iterator<Item = (&'a Arc<Pack>, &'a Rule)> {
        let packs = self.ruleset.packs_for(&key.platform, &key.store, at);
        packs.flat_map(|pack| pack.rules.iter().map(move |rule| (pack, rule)))
    }

    /// Hands a judgement out as a verdict, when verdicts of its kind are asked for.
    fn emit(&self, effects: &mut Effects, scene: &Scene<'_>, trigger: Trigger, judgement: Judgement) {
        effects.judged += 1;
        let wanted = self.emit == Emit::All
            || judgement.has_findings()
            || judgement.kind_of_verdict() != VerdictKind::Clean;
        if wanted {
            effects.verdicts.push(judgement.into_verdict(scene, trigger));
        }
    }
}

/// Remembers the verdicts that were not clean, for the reviewer who will say what they were worth.
fn flag(state: &mut TaskState, verdicts: &[Verdict]) {
    for verdict in verdicts.iter().filter(|verdict| verdict.verdict != VerdictKind::Clean) {
        let counts = verdict.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
        let mut rules: Vec<Box<str>> = Vec::new();
        for finding in counts {
            if !rules.iter().any(|rule| **rule == *finding.rule) {
                rules.push((&*finding.rule).into());
            }
        }
        let at = Millis::parse(&verdict.occurred_at).unwrap_or_default();
        let (_, store, _) = state.store_mut(&verdict.platform, &verdict.store);
        if store.flags.len() >= Flag::CAP
            && let Some(oldest) = store
                .flags
                .iter()
                .min_by(|(a, one), (b, two)| (one.at, a).cmp(&(two.at, b)))
                .map(|(id, _)| id.clone())
        {
            store.flags.remove(&oldest);
        }
        store.flags.insert((&*verdict.verdict_id).into(), Flag { at, rules, label: None });
    }
}
