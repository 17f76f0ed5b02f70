//! Deadlines: what is due is looked at again, and fires only when its reason still stands.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Body, Event, Message, TimeSource};
use crate::policy::condition::Unanswered;
use crate::policy::{Condition, Pack, Rule, Severity};
use crate::score::judgement::Scope;
use crate::score::{Hit, Judgement, Trigger, gifts};
use crate::state::{
    Conversation, Look, Moment, Order, OrderAnchor, PromiseEnd, StoreKey, TaskState, Template, Timer,
    TimerKind, Timers,
};
use crate::time::{Millis, Span};

use super::{Breach, Effects, Engine};

/// One deadline of a clock: when it lies, when it fires, and how bad it is (`None`: the rule's own severity).
struct Step {
    deadline: Millis,
    fires_at: Millis,
    limit: Span,
    severity: Option<Severity>,
}

fn steps(clock: &Unanswered, since: Millis) -> impl Iterator<Item = Step> {
    let warn = clock.warn.map(|limit| {
        let deadline = since.plus(limit);
        Step { deadline, fires_at: deadline, limit, severity: Some(Severity::Info) }
    });
    let deadline = since.plus(clock.breach);
    let breach = Step { deadline, fires_at: deadline.plus(clock.grace), limit: clock.breach, severity: None };
    warn.into_iter().chain([breach])
}

impl Engine {
    /// Fires every deadline before `limit` (or at it, when `inclusive`), in order.
    pub(super) fn fire_due(
        &self,
        state: &mut TaskState,
        limit: Millis,
        inclusive: bool,
        effects: &mut Effects,
    ) {
        while let Some(timer) = state.timers.pop(limit, inclusive) {
            match &timer.kind {
                TimerKind::Held => self.settle_until(state, &timer.store, timer.at, effects),
                TimerKind::Unanswered { conversation } => {
                    self.unanswered(state, &timer.store, conversation, timer.at, effects);
                }
                TimerKind::GiftDue { order } => {
                    self.gift_is_due(state, &timer.store, order, timer.at, effects)
                }
                TimerKind::TemplateReview { template, deadline } => {
                    self.review_is_due(state, &timer.store, template, *deadline, effects);
                }
            }
        }
    }

    /// When to look at a deadline: at its time, or a little later when it became known too late for that. What
    /// answers it may be on the way as well.
    pub(super) fn look_at(&self, deadline: Millis, now: Millis) -> Millis {
        if deadline < now { now.plus(self.ruleset.hold_back) } else { deadline }
    }

    /// Arms one deadline of a template's review.
    pub(super) fn arm_review(
        &self,
        timers: &mut Timers,
        key: &Arc<StoreKey>,
        id: &str,
        template: &mut Template,
        deadline: Millis,
        now: Millis,
    ) {
        let at = template.look(Look { deadline, at: self.look_at(deadline, now) });
        let kind = TimerKind::TemplateReview { template: id.into(), deadline };
        timers.arm(Timer { at, store: Arc::clone(key), kind });
    }

    /// Arms the question whether promised gifts were in a parcel that has left.
    pub(super) fn arm_gift(
        &self,
        timers: &mut Timers,
        key: &Arc<StoreKey>,
        id: &str,
        order: &mut Order,
        now: Millis,
    ) {
        if order.shipped_with.is_some() || order.open_promises().next().is_none() {
            return;
        }
        let Moment::At { at: shipped, .. } = order.moment(OrderAnchor::Shipped) else { return };
        // How long a parcel's contents may stay unknown, by the first pack in force that asks.
        let due = self.rules(key, now).find_map(|(_, rule)| match rule.condition {
            Condition::GiftUnfulfilled { due } => Some(due),
            _ => None,
        });
        let Some(due) = due else { return };
        let at = self.look_at(shipped.plus(due), now);
        let at = order.gift_look.map_or(at, |known| known.min(at));
        order.gift_look = Some(at);
        timers.arm(Timer { at, store: Arc::clone(key), kind: TimerKind::GiftDue { order: id.into() } });
    }

    /// Arms the deadlines of a conversation's turn that have not fired.
    pub(super) fn arm_turn(
        &self,
        timers: &mut Timers,
        key: &Arc<StoreKey>,
        id: &str,
        conversation: &mut Conversation,
        now: Millis,
    ) {
        let Some(since) = conversation.first_unanswered().map(|waiting| waiting.at) else { return };
        for (_, rule) in self.rules(key, since) {
            let Condition::Unanswered(clock) = &rule.condition else { continue };
            for step in steps(clock, since) {
                if Some(step.fires_at) <= conversation.fired_until() {
                    continue;
                }
                if step.fires_at < now {
                    conversation.hold_deadlines(now.plus(self.ruleset.hold_back));
                }
                let at = conversation.not_before().map_or(step.fires_at, |held| held.max(step.fires_at));
                let kind = TimerKind::Unanswered { conversation: id.into() };
                timers.arm(Timer { at, store: Arc::clone(key), kind });
            }
        }
    }

    fn unanswered(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        id: &str,
        now: Millis,
        effects: &mut Effects,
    ) {
        let (_, store, _) = state.store_mut(&key.platform, &key.store);
        let Some(conversation) = store.conversations.get_mut(id) else { return };
        let Some(waiting) = conversation.first_unanswered().cloned() else { return };
        if conversation.not_before() > Some(now) {
            return;
        }
        // A turn that became known late may have several deadlines behind it: each has a verdict of its own.
        let mut due: Vec<(Millis, &Arc<Pack>, &Rule, Step)> = Vec::new();
        for (pack, rule) in self.rules(key, waiting.at) {
            let Condition::Unanswered(clock) = &rule.condition else { continue };
            let fired = conversation.fired_until();
            let now_due = |step: &Step| step.fires_at <= now && Some(step.fires_at) > fired;
            for step in steps(clock, waiting.at).filter(now_due) {
                if !(clock.silent_while_frozen && store.profile.frozen_at(step.deadline)) {
                    due.push((step.fires_at, pack, rule, step));
                }
            }
        }
        due.sort_by_key(|(fires_at, ..)| *fires_at);
        conversation.fired(now);
        // The tightest clock in force is the reply time: passing its deadline is a breach of it.
        let clock = self
            .rules(key, waiting.at)
            .filter_map(|(_, rule)| match &rule.condition {
                Condition::Unanswered(clock) => Some((rule, clock.breach)),
                _ => None,
            })
            .min_by_key(|(_, breach)| *breach)
            .map(|(rule, _)| rule);
        let breached = due.iter().any(|(_, _, rule, step)| {
            step.severity.is_none() && clock.is_some_and(|clock| std::ptr::eq(clock, *rule))
        });
        if breached {
            effects.breaches.push(Breach { store: Arc::clone(key) });
        }
        let agency = store.profile.agency.clone();
        for together in due.chunk_by(|a, b| a.0 == b.0) {
            let mut judgement = Judgement::default();
            let mut deadline = now;
            for (_, pack, rule, step) in together {
                let scope = Scope { store: (&key.platform, &key.store), template: None, at: step.deadline };
                deadline = step.deadline;
                let mut hit = Hit::certain()
                    .doubt(waiting.observed)
                    .fact("first_unanswered_at", waiting.at)
                    .fact("deadline", step.deadline)
                    .fact("limit", step.limit);
                hit.severity = step.severity;
                judgement.take_timer(&self.ruleset.exceptions, scope, pack, rule, hit);
            }
            let message = Message { conversation: Some(id.into()), ..Message::default() };
            self.emit_timer(effects, key, &waiting.event_id, message, deadline, agency.as_deref(), judgement);
        }
    }

    /// The parcel left long ago and nobody reported what was in it.
    fn gift_is_due(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        id: &str,
        now: Millis,
        effects: &mut Effects,
    ) {
        let (_, store, _) = state.store_mut(&key.platform, &key.store);
        let agency = store.profile.agency.clone();
        let Some(order) = store.orders.get_mut(id).filter(|order| order.gift_look == Some(now)) else {
            return;
        };
        order.gift_look = None;
        if order.shipped_with.is_some() {
            return;
        }
        let scope = Scope { store: (&key.platform, &key.store), template: None, at: now };
        for promise in
            order.promises.iter_mut().filter(|promise| promise.closed.is_none() && promise.at <= now)
        {
            let mut judgement = Judgement::default();
            for (pack, rule) in self.rules(key, now) {
                if matches!(rule.condition, Condition::GiftUnfulfilled { .. }) {
                    let hit = gifts::broken(promise).doubt(true).fact("parcel_contents", "unknown");
                    judgement.take_timer(&self.ruleset.exceptions, scope, pack, rule, hit);
                }
            }
            let message = Message {
                conversation: promise.conversation.as_deref().map(|id| id.to_owned().into()),
                ..Message::default()
            };
            promise.closed = Some((now, PromiseEnd::Unknown));
            let event_id = promise.event_id.clone();
            self.emit_timer(effects, key, &event_id, message, now, agency.as_deref(), judgement);
        }
    }

    fn review_is_due(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        id: &str,
        now: Millis,
        effects: &mut Effects,
    ) {
        let (_, store, _) = state.store_mut(&key.platform, &key.store);
        let Some(template) = store.profile.template_mut(id) else { return };
        template.looked(now);
        let Some(since) = template.pending_since(now) else { return };
        let scope = Scope { store: (&key.platform, &key.store), template: Some(id), at: now };
        let mut judgement = Judgement::default();
        for (pack, rule) in self.rules(key, now) {
            let Condition::TemplateReviewAge { steps } = &rule.condition else { continue };
            for (age, severity) in steps.iter().filter(|(age, _)| since.plus(*age) == now) {
                let mut hit =
                    Hit::certain().fact("template", id).fact("submitted_at", since).fact("limit", *age);
                hit.severity = Some(*severity);
                judgement.take_timer(&self.ruleset.exceptions, scope, pack, rule, hit);
            }
        }
        let event_id = template.submitted_by.clone().unwrap_or_default();
        let agency = store.profile.agency.clone();
        self.emit_timer(effects, key, &event_id, Message::default(), now, agency.as_deref(), judgement);
    }

    #[allow(clippy::too_many_arguments, reason = "a record is made of this much, and only here")]
    fn emit_timer(
        &self,
        effects: &mut Effects,
        key: &StoreKey,
        event_id: &str,
        message: Message<'_>,
        deadline: Millis,
        agency: Option<&str>,
        judgement: Judgement,
    ) {
        if !judgement.has_findings() {
            return;
        }
        effects.judged += 1;
        let conversation = message.conversation.as_deref().map(str::to_owned);
        let event = Event {
            event_id: Cow::Borrowed(event_id),
            platform: Cow::Borrowed(&key.platform),
            store: Cow::Borrowed(&key.store),
            agency: None,
            occurred_at: deadline,
            time_source: TimeSource::Native,
            observed_at: None,
            body: Body::Message(message),
        };
        let name = deadline.to_string();
        let mut verdict = judgement.into_record(&event, Trigger::Timer, deadline, Some(&name), agency);
        verdict.conversation = conversation;
        effects.verdicts.push(verdict);
    }

    /// Arms every deadline anew from what is remembered: after a restore, or when other rules came into force.
    pub fn rearm(&self, state: &mut TaskState) {
        let mut timers = Timers::default();
        let now = state.stream_time().unwrap_or_default();
        for (key, store) in state.stores() {
            let key = Arc::new(key.clone());
            for held in &store.traffic.held {
                timers.arm(Timer { at: held.until, store: Arc::clone(&key), kind: TimerKind::Held });
            }
            for (id, order) in store.orders.iter() {
                if let Some(at) = order.gift_look {
                    let kind = TimerKind::GiftDue { order: id.clone() };
                    timers.arm(Timer { at, store: Arc::clone(&key), kind });
                }
            }
            for (id, template) in store.profile.templates() {
                for Look { deadline, at } in template.looks.iter().copied() {
                    let kind = TimerKind::TemplateReview { template: id.into(), deadline };
                    timers.arm(Timer { at, store: Arc::clone(&key), kind });
                }
            }
        }
        // Only conversations in which somebody waits are taken to change them.
        let waiting: Vec<(StoreKey, Box<str>)> = state
            .stores()
            .flat_map(|(key, store)| store.conversations.iter().map(move |entry| (key, entry)))
            .filter(|(_, (_, conversation))| conversation.first_unanswered().is_some())
            .map(|(key, (id, _))| (key.clone(), id.clone()))
            .collect();
        for (key, id) in waiting {
            let (key, store, _) = state.store_mut(&key.platform, &key.store);
            if let Some(conversation) = store.conversations.get_mut(&id) {
                self.arm_turn(&mut timers, &key, &id, conversation, now);
            }
        }
        state.timers = timers;
    }
}
