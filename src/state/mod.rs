//! What is remembered, as pure transitions over event time.
//!
//! A task's state is its stores; a store is a [`Profile`], its conversations and its orders. Every entry is bounded
//! and expires by event time ([`TaskState::sweep`]); nothing depends on the order in which events arrive more than
//! the rules themselves do. [`codec`] turns each entry into a changelog record and back.

pub mod codec;
pub mod conversation;
pub mod history;
pub mod order;
pub mod seen;
pub mod store;
pub mod timers;

use std::sync::Arc;

use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Serialize};

pub use conversation::{BuyerMessage, Conversation, Topics};
pub use order::{Moment, Order, OrderAnchor, Promise, PromiseEnd};
pub use store::{Held, Profile, Store, Template};
pub use timers::{Timer, TimerKind, Timers};

use crate::text::{Scratch, Signals};
use crate::time::{Millis, Span};

/// A store of a platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreKey {
    /// Platform.
    pub platform: Box<str>,
    /// Store id within it.
    pub store: Box<str>,
}

/// A borrowed [`StoreKey`], for looking up without allocating.
#[derive(Clone, Copy, Hash)]
struct StoreRef<'a> {
    platform: &'a str,
    store: &'a str,
}

impl Equivalent<StoreKey> for StoreRef<'_> {
    fn equivalent(&self, key: &StoreKey) -> bool {
        *self.platform == *key.platform && *self.store == *key.store
    }
}

/// The state of one task: every store of one partition.
#[derive(Debug)]
pub struct TaskState {
    stores: HashMap<StoreKey, (Arc<StoreKey>, Store)>,
    /// Deadlines.
    pub timers: Timers,
    stream_time: Option<Millis>,
    swept_at: Millis,
    retention: Retention,
    /// Buffers of the scanner, reused from event to event; no part of what is remembered.
    pub(crate) desk: Desk,
}

/// Buffers for scanning one event.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) scratch: Scratch,
    /// What was found in the text.
    pub(crate) text: Signals,
    /// What was found in attachments.
    pub(crate) attached: Signals,
    /// Hashes of a buyer's words.
    pub(crate) quotes: Vec<u64>,
}

/// How long entries live after their last event, in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Conversations.
    pub conversation: Span,
    /// Orders without promises.
    pub order: Span,
    /// Orders with promises, after the last of them closed.
    pub promise: Span,
    /// Stores without any event.
    pub store: Span,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            conversation: Span::days(400),
            order: Span::days(200),
            promise: Span::days(180),
            store: Span::days(800),
        }
    }
}

impl Default for TaskState {
    fn default() -> Self {
        Self::new(Retention::default())
    }
}

impl TaskState {
    /// An empty state.
    pub fn new(retention: Retention) -> Self {
        Self {
            stores: HashMap::new(),
            timers: Timers::default(),
            stream_time: None,
            swept_at: Millis(i64::MIN),
            retention,
            desk: Desk::default(),
        }
    }

    /// The largest event time seen; `None` before the first event.
    pub fn stream_time(&self) -> Option<Millis> {
        self.stream_time
    }

    /// Stream time reaches `at`; it never goes back.
    pub fn reach(&mut self, at: Millis) {
        self.stream_time = self.stream_time.max(Some(at));
        let step = Span(self.retention.conversation.0.min(self.retention.order.0) / 16);
        if at.since(self.swept_at) >= step {
            self.sweep();
        }
    }

    /// The store, when anything is known of it.
    pub fn store(&self, platform: &str, store: &str) -> Option<&Store> {
        self.stores.get(&StoreRef { platform, store }).map(|(_, store)| store)
    }

    /// The store and its shared key, created on first use.
    pub fn store_mut(&mut self, platform: &str, store: &str) -> (Arc<StoreKey>, &mut Store, &mut Timers) {
        let reference = StoreRef { platform, store };
        if !self.stores.contains_key(&reference) {
            let key = StoreKey { platform: platform.into(), store: store.into() };
            self.stores.insert(key.clone(), (Arc::new(key), Store::default()));
        }
        match self.stores.get_mut(&reference) {
            Some((key, store)) => (Arc::clone(key), store, &mut self.timers),
            None => unreachable!("the entry was inserted above"),
        }
    }

    /// Every store.
    pub fn stores(&self) -> impl Iterator<Item = (&StoreKey, &Store)> {
        self.stores.iter().map(|(key, (_, store))| (key, store))
    }

    /// Every store, to change.
    pub(crate) fn stores_mut(&mut self) -> impl Iterator<Item = (&Arc<StoreKey>, &mut Store)> {
        self.stores.values_mut().map(|(key, store)| (&*key, store))
    }

    /// Drops what has expired. Runs by itself whenever stream time has moved by a sixteenth of the shortest
    /// retention, so memory exceeds what retention asks for by that much at most.
    pub fn sweep(&mut self) {
        let Some(now) = self.stream_time else { return };
        self.swept_at = now;
        let Retention { conversation, order, promise, store: store_span } = self.retention;
        let idle = |last: Millis, span: Span| now.since(last) > span;
        for (_, store) in self.stores.values_mut() {
            store.conversations.retain(|_, entry| {
                if idle(entry.last_event_at, Span::days(3)) {
                    entry.shrink();
                }
                !idle(entry.last_event_at, conversation)
            });
            store.orders.retain(|_, entry| {
                let promised = entry.promises.iter().any(|made| match made.closed {
                    Some((at, _)) => !idle(at, promise),
                    // An order that is never shipped nor cancelled would keep its promise for ever.
                    None => !idle(entry.last_event_at, Span(order.0.saturating_add(promise.0))),
                });
                promised || !idle(entry.last_event_at, order)
            });
            let Store { orders, aliases, .. } = store;
            aliases.retain(|_, key| orders.contains_key(key));
        }
        self.stores.retain(|_, (_, store)| {
            !(store.conversations.is_empty()
                && store.orders.is_empty()
                && idle(store.profile.last_event_at, store_span))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_expires_by_event_time() {
        let mut state = TaskState::default();
        let day = |n| Millis(Span::days(n).0 + crate::time::EARLIEST.0);
        state.reach(day(0));
        {
            let (_, store, _) = state.store_mut("p", "s");
            store.profile.last_event_at = day(0);
            store.conversations.entry("c".into()).or_default().last_event_at = day(0);
            store.orders.entry("o".into()).or_default().last_event_at = day(0);
        }
        let counts = |state: &TaskState| {
            state.store("p", "s").map(|store| (store.conversations.len(), store.orders.len()))
        };
        for (at, expected) in [(199, Some((1, 1))), (240, Some((1, 0))), (430, Some((0, 0))), (900, None)] {
            state.reach(day(at));
            assert_eq!(counts(&state), expected, "day {at}");
        }
    }
}
