//! Order events: what they teach, and the few that a rule speaks of.

use crate::event::{Event, OrderEvent, OrderKind, OrderState, Surface, TextFormat};
use crate::score::{Judgement, Scanned, Scene, Trigger, ask_order, gifts};
use crate::state::{Order, PromiseEnd, TaskState};
use crate::text::ScanContext;

use super::held::Wait;
use super::{Effects, Engine, Outcome};

impl Engine {
    pub(super) fn order(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        order: &OrderEvent<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        let at = event.occurred_at;
        let (key, store, _) = state.store_mut(&event.platform, &event.store);
        store.traffic.touch(at);
        let first = match store.order_entry(&order.order) {
            Some((_, entry)) => {
                let first = entry.seen.is_first(&event.event_id, at);
                if first {
                    entry.observe(order, at, event.time_source);
                }
                first
            }
            None => store.profile.seen.is_first(&event.event_id, at),
        };
        if !first {
            return Outcome::Duplicate;
        }
        let outcome = self.settle_order_event(state, event, order, Wait::Allowed, effects);
        self.settle_order(state, &key, &order.order, effects);
        outcome
    }

    /// Judges an order event that has been observed, now or when waiting has ended.
    pub(super) fn settle_order_event(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        order: &OrderEvent<'_>,
        wait: Wait,
        effects: &mut Effects,
    ) -> Outcome {
        let mut desk = std::mem::take(&mut state.desk);
        let now = state.stream_time().unwrap_or_default();
        let (key, store, timers) = state.store_mut(&event.platform, &event.store);
        let order_key: Option<Box<str>> = store.order_key(&order.order).map(Into::into);
        let shown = order.qr_payloads.iter().map(|payload| &**payload).collect::<Vec<_>>().join("\n");
        desk.attached.clear();
        if !shown.is_empty() {
            let context = ScanContext {
                platform: &event.platform,
                surface: Surface::OrderPage,
                format: TextFormat::Plain,
                ..ScanContext::default()
            };
            self.ruleset.scanner.scan(&shown, &context, &mut desk.scratch, &mut desk.attached);
        }
        let texts = [Scanned { source: &shown, signals: &desk.attached, attachment: true }];
        let scene = Scene {
            ruleset: &self.ruleset,
            event,
            profile: &store.profile,
            traffic: &store.traffic,
            conversation: None,
            order: order_key.as_deref().and_then(|key| store.orders.get(key)),
            order_key: order_key.as_deref(),
            texts: &texts,
            surface: Surface::OrderPage,
            template: None,
        };
        let judgement = Judgement::of(&scene, ask_order, false);
        let spoken_of = matches!(
            order.kind,
            OrderKind::AddressChange
                | OrderKind::ShippedWith
                | OrderKind::ReviewInvited
                | OrderKind::PageChanged
        );
        let outcome = if judgement.may_wait && wait == Wait::Allowed {
            Outcome::Held
        } else if spoken_of || judgement.has_findings() {
            self.emit(effects, &scene, Trigger::Order, judgement);
            Outcome::Judged
        } else {
            Outcome::Observed
        };

        if let Some((order_key, known)) =
            order_key.as_deref().and_then(|key| store.orders.get_mut(key).map(|order| (key, order)))
        {
            if outcome != Outcome::Held {
                close_promises(known, order, event);
            }
            self.arm_gift(timers, &key, order_key, known, now);
        }
        state.desk = desk;
        if outcome == Outcome::Held {
            self.hold(state, event, self.ruleset.hold_back);
        }
        outcome
    }
}

/// Promises end when the parcel is packed or the order is cancelled.
fn close_promises(known: &mut Order, order: &OrderEvent<'_>, event: &Event<'_>) {
    let at = event.occurred_at;
    if order.kind == OrderKind::ShippedWith {
        let ends: Vec<Option<PromiseEnd>> =
            known.promises.iter().map(|promise| gifts::fate(known, promise)).collect();
        for (promise, end) in known.promises.iter_mut().zip(ends) {
            if let (None, Some(end), true) = (promise.closed, end, promise.at <= at) {
                promise.closed = Some((at, end));
            }
        }
    }
    if known.reached(OrderState::Cancelled).is_some() && known.reached(OrderState::Shipped).is_none() {
        for promise in known.promises.iter_mut().filter(|promise| promise.closed.is_none()) {
            promise.closed = Some((at, PromiseEnd::Void));
        }
    }
}
