//! Collecting what the rules answer, and making the verdict of it.

use std::cmp::Reverse;
use std::sync::Arc;

use smallvec::SmallVec;
use uuid::Uuid;

use crate::event::Event;
use crate::policy::{Condition, Exception, Mode, OnUnknown, Pack, Rule, Severity};
use crate::text::Confidence;
use crate::time::Millis;

use super::contact::{self, Permission};
use super::scene::Scene;
use super::verdict::{Finding, PackStamp, SuppressedHit, Trigger, Verdict, VerdictKind};
use super::{Answer, Hit};

/// Points of an info finding at most.
const INFO_WEIGHT: f32 = 10.0;
/// Suppressed hits a verdict lists.
const SUPPRESSED_CAP: usize = 16;
/// Namespace of verdict ids; fixed for ever, because ids are compared across replays.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1c_57d0_8a1e_5b6f_9b52_5e0a_37c1_4f11);

/// Everything the rules said about one event. Allocates nothing while they say no.
#[derive(Debug, Default)]
pub struct Judgement {
    findings: Vec<Finding>,
    unknown: SmallVec<[(&'static str, bool); 2]>,
    exceptions: Vec<SuppressedHit>,
    packs: SmallVec<[Arc<Pack>; 2]>,
    points: SmallVec<[(usize, usize, f32); 4]>,
    /// A fact that may still arrive could change the answer of an enforced rule.
    pub may_wait: bool,
    /// The proactive kind that an enforced rule let the message through as.
    pub kind: Option<Arc<str>>,
}

/// How one event of a kind is put to a rule.
pub(crate) type Ask = fn(&Scene<'_>, &str, &Rule) -> Answer;

impl Judgement {
    /// Puts the event to every rule of every pack in force. `contact` says whether the right to write is judged too.
    pub(crate) fn of(scene: &Scene<'_>, ask: Ask, contact: bool) -> Self {
        let mut judgement = Self::default();
        let event = scene.event;
        for pack in scene.ruleset.packs_for(&event.platform, &event.store, event.occurred_at) {
            judgement.packs.push(Arc::clone(pack));
            for rule in &pack.rules {
                let answer = match &rule.condition {
                    Condition::Contact(_) if !contact => Answer::No,
                    Condition::Contact(condition) => match contact::permission(scene, condition) {
                        Permission::Reply => Answer::No,
                        Permission::Kind(kind) => {
                            if mode(pack, rule) == Mode::Enforce {
                                judgement.kind = Some(kind);
                            }
                            Answer::No
                        }
                        Permission::Denied(hit) => {
                            let no_buyer_yet = !hit.facts.contains_key("last_buyer_message_at");
                            judgement.may_wait |= no_buyer_yet && mode(pack, rule) == Mode::Enforce;
                            Answer::Yes(hit)
                        }
                        Permission::Unknown(fact) => Answer::Unknown(fact),
                    },
                    _ => ask(scene, &pack.id, rule),
                };
                judgement.take(&scene.ruleset.exceptions, Scope::of(scene), pack, rule, answer);
            }
        }
        judgement
    }

    /// A judgement that names the packs and finds nothing: what is exempt from every rule.
    pub(crate) fn exempt(scene: &Scene<'_>) -> Self {
        let event = scene.event;
        let packs = scene.ruleset.packs_for(&event.platform, &event.store, event.occurred_at);
        Self { packs: packs.map(Arc::clone).collect(), ..Self::default() }
    }

    /// A judgement of a timer: the packs are named as their rules answer.
    pub(crate) fn take_timer(
        &mut self,
        exceptions: &[Exception],
        scope: Scope<'_>,
        pack: &Arc<Pack>,
        rule: &Rule,
        hit: Hit,
    ) {
        if !self.packs.iter().any(|known| Arc::ptr_eq(known, pack)) {
            self.packs.push(Arc::clone(pack));
        }
        self.take(exceptions, scope, pack, rule, Answer::Yes(hit));
    }

    fn take(
        &mut self,
        exceptions: &[Exception],
        scope: Scope<'_>,
        pack: &Arc<Pack>,
        rule: &Rule,
        answer: Answer,
    ) {
        let mode = mode(pack, rule);
        match answer {
            Answer::No => {}
            Answer::Unknown(fact) => {
                let decides = mode == Mode::Enforce && rule.on_unknown == OnUnknown::Review;
                self.may_wait |= decides;
                match self.unknown.iter_mut().find(|(known, _)| *known == fact) {
                    Some((_, deciding)) => *deciding |= decides,
                    None => self.unknown.push((fact, decides)),
                }
            }
            Answer::Yes(hit) => {
                let exception = exceptions.iter().find(|exception| {
                    exception.domain.is_none() && exception.covers(&pack.id, &rule.id, scope)
                });
                if let Some(exception) = exception {
                    self.exceptions.push(SuppressedHit {
                        signal: rule.id.to_string(),
                        by: format!("exception: {}", exception.reason),
                    });
                    return;
                }
                self.push(pack, rule, mode, hit);
            }
        }
    }

    fn push(&mut self, pack: &Arc<Pack>, rule: &Rule, mode: Mode, hit: Hit) {
        debug_assert!(!hit.evidence.is_empty() || !hit.facts.is_empty(), "rule {} gave no evidence", rule.id);
        let severity = hit.severity.unwrap_or(rule.severity);
        // A warning before the deadline is worth a look, not the points of the breach.
        let weight = if severity == Severity::Info { rule.weight.min(INFO_WEIGHT) } else { rule.weight };
        let share = if hit.confidence == Confidence::Certain { 1.0 } else { 0.5 };
        if mode == Mode::Enforce {
            let pack_index = self.packs.iter().position(|known| Arc::ptr_eq(known, pack)).unwrap_or_default();
            self.points.push((pack_index, rule.group, weight * share));
        }
        self.findings.push(Finding {
            rule: Arc::clone(&rule.id),
            severity,
            confidence: hit.confidence,
            clause: Arc::clone(&rule.clause),
            source: Arc::clone(&rule.source),
            mode,
            weight,
            group: pack.groups.get(rule.group).map(|(name, _)| Arc::clone(name)).unwrap_or_default(),
            evidence: hit.evidence,
            facts: hit.facts,
            advice: Arc::clone(&rule.advice),
        });
    }

    /// Whether any rule fired, whatever its mode.
    pub fn has_findings(&self) -> bool {
        !self.findings.is_empty()
    }

    /// The word: the worst finding of an enforced rule decides.
    pub fn kind_of_verdict(&self) -> VerdictKind {
        let of_finding = |finding: &Finding| match (finding.confidence, finding.severity) {
            (Confidence::Certain, Severity::Critical | Severity::Warning) => VerdictKind::Violation,
            _ => VerdictKind::Review,
        };
        let found =
            self.findings.iter().filter(|finding| finding.mode == Mode::Enforce).map(of_finding).max();
        let unknown = self.unknown.iter().any(|(_, decides)| *decides).then_some(VerdictKind::Review);
        found.max(unknown).unwrap_or_default()
    }

    /// 0 to 100: points summed, each group capped.
    fn score(&self) -> f64 {
        let mut groups: SmallVec<[((usize, usize), f32); 4]> = SmallVec::new();
        for (pack, group, points) in &self.points {
            match groups.iter_mut().find(|(key, _)| *key == (*pack, *group)) {
                Some((_, sum)) => *sum += points,
                None => groups.push(((*pack, *group), *points)),
            }
        }
        let cap = |pack: usize, group: usize| {
            self.packs.get(pack).and_then(|pack| pack.groups.get(group)).map_or(100.0, |(_, cap)| *cap)
        };
        // The empty sum of floats is minus zero.
        let total = 0.0 + groups.iter().map(|((pack, group), sum)| sum.min(cap(*pack, *group))).sum::<f32>();
        (f64::from(total.clamp(0.0, 100.0)) * 10.0).round() / 10.0
    }

    /// The record of an event's verdict.
    pub(crate) fn into_verdict(self, scene: &Scene<'_>, trigger: Trigger) -> Verdict {
        let event = scene.event;
        let mut verdict =
            self.into_record(event, trigger, event.occurred_at, None, scene.profile.agency.as_deref());
        let message = scene.message();
        verdict.conversation = message.and_then(|message| message.conversation.as_deref()).map(str::to_owned);
        verdict.message_id = message.and_then(|message| message.message_id.as_deref()).map(str::to_owned);
        for scanned in scene.texts {
            for hit in &scanned.signals.suppressed {
                let hit = SuppressedHit {
                    signal: scene.ruleset.scanner.signal_name(hit.id).to_owned(),
                    by: scene.ruleset.scanner.name(hit.by).to_owned(),
                };
                if verdict.suppressed.len() < SUPPRESSED_CAP && !verdict.suppressed.contains(&hit) {
                    verdict.suppressed.push(hit);
                }
            }
        }
        verdict
    }

    /// The record of whatever was judged: `event` names it, `at` is its time or deadline.
    pub(crate) fn into_record(
        mut self,
        event: &Event<'_>,
        trigger: Trigger,
        at: Millis,
        timer: Option<&str>,
        agency: Option<&str>,
    ) -> Verdict {
        let kind = self.kind_of_verdict();
        let score = self.score();
        self.findings.sort_by(|a, b| {
            let order =
                |f: &Finding| (Reverse(f.mode == Mode::Enforce), Reverse(f.severity), Reverse(f.confidence));
            order(a).cmp(&order(b)).then(b.weight.total_cmp(&a.weight)).then_with(|| a.rule.cmp(&b.rule))
        });
        let mut unknown: Vec<String> = self.unknown.iter().map(|(fact, _)| (*fact).to_owned()).collect();
        unknown.sort();
        Verdict {
            v: 1,
            verdict_id: verdict_id(event, trigger, timer),
            trigger,
            event_id: event.event_id.to_string(),
            platform: event.platform.to_string(),
            store: event.store.to_string(),
            agency: event.agency.as_deref().or(agency).map(str::to_owned),
            conversation: None,
            message_id: None,
            occurred_at: at.to_string(),
            verdict: kind,
            score,
            findings: self.findings,
            unknown,
            suppressed: self.exceptions,
            packs: self.packs.iter().map(stamp).collect(),
        }
    }
}

/// Whether a rule of a pack counts: both must.
fn mode(pack: &Pack, rule: &Rule) -> Mode {
    if pack.mode == Mode::Enforce { rule.mode } else { Mode::Shadow }
}

fn stamp(pack: &Arc<Pack>) -> PackStamp {
    PackStamp {
        pack: Arc::clone(&pack.id),
        version: Arc::clone(&pack.version),
        hash: Arc::clone(&pack.hash),
        mode: pack.mode,
    }
}

/// The id of a verdict depends on what was judged and on nothing else, so a replay gives it again.
fn verdict_id(event: &Event<'_>, trigger: Trigger, timer: Option<&str>) -> String {
    let trigger = match trigger {
        Trigger::Message => "message",
        Trigger::Order => "order",
        Trigger::Registry => "registry",
        Trigger::Timer => "timer",
    };
    let name =
        [&*event.platform, &*event.store, &*event.event_id, trigger, timer.unwrap_or_default()].join("\n");
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

/// What an exception is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Platform and store.
    pub store: (&'a str, &'a str),
    /// Template of the message or registration.
    pub template: Option<&'a str>,
    /// Time of the event or deadline.
    pub at: Millis,
}

impl<'a> Scope<'a> {
    pub(crate) fn of(scene: &Scene<'a>) -> Self {
        Self {
            store: (&scene.event.platform, &scene.event.store),
            template: scene.template.map(|(id, _)| id),
            at: scene.at(),
        }
    }
}

impl Exception {
    /// Whether the exception mutes `rule` of `pack` here; whose links it allows is the caller's business.
    pub(crate) fn covers(&self, pack: &str, rule: &str, scope: Scope<'_>) -> bool {
        let here = |(platform, store): &(Arc<str>, Arc<str>)| (&**platform, &**store) == scope.store;
        *self.rule == *rule
            && self.pack.as_deref().is_none_or(|only| only == pack)
            && self.store.as_ref().is_none_or(here)
            && self.template.as_deref().is_none_or(|template| scope.template == Some(template))
            && self.expires.is_none_or(|expires| scope.at < expires)
    }
}
