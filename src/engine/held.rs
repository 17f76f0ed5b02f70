//! What waits: events whose verdict a fact may still change. They are judged when the fact arrives, when the
//! time is up, or when the input ends.

use std::sync::Arc;

use crate::event::{Body, Event, OrderRef, order_base};
use crate::state::{Held, StoreKey, TaskState, Timer, TimerKind};
use crate::time::{Millis, Span};

use super::{Effects, Engine, Outcome};

/// Whether an event may still be held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// A fact may still arrive.
    Allowed,
    /// The time is up: what is unknown stays unknown.
    Over,
}

impl Engine {
    /// Holds `event` back for `span` of stream time.
    pub(super) fn hold(&self, state: &mut TaskState, event: &Event<'_>, span: Span) {
        let until = state.stream_time().unwrap_or_default().max(event.occurred_at).plus(span);
        let (key, store, timers) = state.store_mut(&event.platform, &event.store);
        store.traffic.held.push(Held { until, event: event.to_owned_static() });
        timers.arm(Timer { at: until, store: key, kind: TimerKind::Held });
    }

    /// Judges what waits in a conversation, because its buyer wrote.
    pub(super) fn settle_conversation(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        conversation: Option<&str>,
        effects: &mut Effects,
    ) {
        self.settle(state, key, effects, |held| {
            let of_it = conversation.is_some()
                && held
                    .event
                    .message()
                    .is_some_and(|message| message.conversation.as_deref() == conversation);
            of_it.then_some(Wait::Allowed)
        });
    }

    /// Judges what waits for an order, because something became known of it.
    pub(super) fn settle_order(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        order: &OrderRef<'_>,
        effects: &mut Effects,
    ) {
        let base = |reference: &OrderRef<'_>| -> Vec<String> {
            let numbers = [reference.posting.as_deref(), reference.order.as_deref()];
            numbers.into_iter().flatten().map(|number| order_base(number).to_owned()).collect()
        };
        let known = base(order);
        let conversation_order = |state: &TaskState, held: &Held| -> Option<String> {
            let id = held.event.message()?.conversation.as_deref()?;
            let conversation = state.store(&key.platform, &key.store)?.conversations.get(id)?;
            conversation.order.as_deref().map(|number| order_base(number).to_owned())
        };
        let waiting: Vec<bool> = state
            .store(&key.platform, &key.store)
            .map_or(&[][..], |store| &store.traffic.held)
            .iter()
            .map(|held| {
                let own = match &held.event.body {
                    Body::Message(message) => base(&message.order),
                    Body::Order(order) => base(&order.order),
                    _ => Vec::new(),
                };
                own.into_iter().chain(conversation_order(state, held)).any(|number| known.contains(&number))
            })
            .collect();
        let mut waiting = waiting.into_iter();
        self.settle(state, key, effects, |_| waiting.next().unwrap_or(false).then_some(Wait::Allowed));
    }

    /// Judges what may wait no longer at `now`.
    pub(super) fn settle_until(
        &self,
        state: &mut TaskState,
        key: &StoreKey,
        now: Millis,
        effects: &mut Effects,
    ) {
        self.settle(state, key, effects, |held| (held.until <= now).then_some(Wait::Over));
    }

    /// Takes out what `pick` names, oldest first, and judges it; what must wait on goes back with its old deadline.
    fn settle(
        &self,
        state: &mut TaskState,
        key: &StoreKey,
        effects: &mut Effects,
        mut pick: impl FnMut(&Held) -> Option<Wait>,
    ) {
        let (_, store, _) = state.store_mut(&key.platform, &key.store);
        if store.traffic.held.is_empty() {
            return;
        }
        let mut picked = Vec::new();
        let mut kept = Vec::new();
        for held in std::mem::take(&mut store.traffic.held) {
            match pick(&held) {
                Some(wait) => picked.push((held, wait)),
                None => kept.push(held),
            }
        }
        store.traffic.held = kept;
        picked.sort_by(|(a, _), (b, _)| {
            (a.until, a.event.occurred_at, &a.event.event_id).cmp(&(
                b.until,
                b.event.occurred_at,
                &b.event.event_id,
            ))
        });
        for (held, wait) in picked {
            let outcome = match &held.event.body {
                Body::Order(order) => self.settle_order_event(state, &held.event, order, wait, effects),
                _ => self.settle_one(state, &held.event, wait, effects),
            };
            if outcome == Outcome::Held {
                // Judging held it again with a new deadline: the first one stands.
                let (_, store, _) = state.store_mut(&key.platform, &key.store);
                if let Some(again) = store.traffic.held.last_mut() {
                    again.until = held.until;
                }
            }
        }
    }
}
