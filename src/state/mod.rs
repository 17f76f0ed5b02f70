//! What is remembered, as pure transitions over event time.
//!
//! A task's state is its stores; a store is a [`Profile`], its conversations and its orders. Every entry is bounded
//! and expires by event time ([`TaskState::sweep`]); nothing depends on the order in which events arrive more than
//! the rules themselves do. [`codec`] turns each entry into a changelog record and back.

pub mod codec;
pub mod conversation;
pub mod flag;
pub mod history;
pub mod order;
pub mod seen;
pub mod store;
pub mod timers;
pub mod tracked;

use std::sync::Arc;

use codec::{CodecError, RecordKey};
use hashbrown::{Equivalent, HashMap};
use serde::{Deserialize, Serialize};

pub use conversation::{BuyerMessage, Conversation, Topics};
pub use flag::Flag;
pub use order::{Moment, Order, OrderAnchor, Promise, PromiseEnd};
pub use store::{Held, Look, Profile, Store, Template, Traffic};
pub use timers::{Timer, TimerKind, Timers};

use crate::event::OrderRef;
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
    progress: Progress,
    swept_at: Millis,
    retention: Retention,
    changes: Changes,
    /// Buffers of the scanner, reused from event to event; no part of what is remembered.
    pub(crate) desk: Desk,
}

/// How far a task is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// The largest event time seen.
    stream_time: Option<Millis>,
    /// Inputs, each with the offset of the next record to apply.
    applied: Vec<(Box<str>, i64)>,
}

/// What changed since it was last handed out.
#[derive(Debug, Default)]
struct Changes {
    tracking: bool,
    /// Stores of which a part was taken to change it.
    stores: Vec<Arc<StoreKey>>,
    /// Records of stores that are gone.
    gone: Vec<RecordKey>,
    /// Progress as it was handed out.
    progress: Option<Progress>,
}

/// Entries held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stores.
    pub stores: usize,
    /// Conversations.
    pub conversations: usize,
    /// Orders.
    pub orders: usize,
    /// Verdicts that were not clean.
    pub flags: usize,
    /// Deadlines armed.
    pub timers: usize,
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
            progress: Progress::default(),
            swept_at: Millis(i64::MIN),
            retention,
            changes: Changes::default(),
            desk: Desk::default(),
        }
    }

    /// The largest event time seen; `None` before the first event.
    pub fn stream_time(&self) -> Option<Millis> {
        self.progress.stream_time
    }

    /// Offset of the next record of `input` to apply; `None` when none was.
    pub fn applied(&self, input: &str) -> Option<i64> {
        self.progress.applied.iter().find(|(name, _)| **name == *input).map(|(_, next)| *next)
    }

    /// Every record of `input` before `next` is applied.
    pub fn set_applied(&mut self, input: &str, next: i64) {
        match self.progress.applied.iter_mut().find(|(name, _)| **name == *input) {
            Some((_, known)) => *known = next,
            None => self.progress.applied.push((input.into(), next)),
        }
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    fn set_progress(&mut self, progress: Progress) {
        self.progress.applied = progress.applied;
        if let Some(at) = progress.stream_time {
            self.reach(at);
        }
    }

    /// Stream time reaches `at`; it never goes back.
    pub fn reach(&mut self, at: Millis) {
        self.progress.stream_time = self.progress.stream_time.max(Some(at));
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
            let mut store = Store::default();
            if self.changes.tracking {
                store.track();
            }
            self.stores.insert(key.clone(), (Arc::new(key), store));
        }
        match self.stores.get_mut(&reference) {
            Some((key, store)) => {
                if self.changes.tracking && !store.listed {
                    store.listed = true;
                    self.changes.stores.push(Arc::clone(key));
                }
                (Arc::clone(key), store, &mut self.timers)
            }
            None => unreachable!("the entry was inserted above"),
        }
    }

    /// Every store.
    pub fn stores(&self) -> impl Iterator<Item = (&StoreKey, &Store)> {
        self.stores.iter().map(|(key, (_, store))| (key, store))
    }

    /// Whether anything is known of the store.
    pub fn knows(&self, platform: &str, store: &str) -> bool {
        self.stores.contains_key(&StoreRef { platform, store })
    }

    fn drop_store(&mut self, key: &StoreKey) {
        self.stores.remove(key);
    }

    /// Entries held.
    pub fn counts(&self) -> Counts {
        let none = Counts { stores: self.stores.len(), timers: self.timers.len(), ..Counts::default() };
        self.stores().fold(none, |sum, (_, store)| Counts {
            conversations: sum.conversations + store.conversations.len(),
            orders: sum.orders + store.orders.len(),
            flags: sum.flags + store.flags.len(),
            ..sum
        })
    }

    /// From now on it is known what changed: a changelog is kept.
    pub fn track(&mut self) {
        self.changes.tracking = true;
        self.stores.values_mut().for_each(|(_, store)| store.track());
    }

    /// Hands out every entry that changed since the last call, once: its key and its record, `None` when it is gone.
    ///
    /// # Errors
    /// Never in practice: every state type has a serial form.
    pub fn drain_changes(
        &mut self,
        mut each: impl FnMut(&RecordKey, Option<&[u8]>),
    ) -> Result<(), CodecError> {
        let mut keys = std::mem::take(&mut self.changes.gone);
        for at in std::mem::take(&mut self.changes.stores) {
            let Some((_, store)) = self.stores.get_mut(&*at) else { continue };
            store.listed = false;
            let key = || StoreKey::clone(&at);
            if store.profile.take_touched() {
                keys.push(RecordKey::Profile(key()));
            }
            if store.traffic.take_touched() {
                keys.push(RecordKey::Traffic(key()));
            }
            let touched = store.conversations.take_touched();
            keys.extend(touched.into_iter().map(|id| RecordKey::Conversation(key(), id)));
            keys.extend(store.orders.take_touched().into_iter().map(|id| RecordKey::Order(key(), id)));
            keys.extend(store.flags.take_touched().into_iter().map(|id| RecordKey::Flag(key(), id)));
        }
        if self.changes.progress.as_ref() != Some(&self.progress) {
            self.changes.progress = Some(self.progress.clone());
            keys.push(RecordKey::Task);
        }
        for key in &keys {
            each(key, self.record(key)?.as_deref());
        }
        Ok(())
    }

    /// A small copy to try things on: the store, this conversation and this order, and nothing else.
    pub fn excerpt(
        &self,
        platform: &str,
        store: &str,
        conversation: Option<&str>,
        order: Option<&str>,
    ) -> Self {
        let mut copy = Self::new(self.retention);
        let Some(known) = self.store(platform, store) else { return copy };
        copy.progress.stream_time = self.progress.stream_time;
        copy.swept_at = self.swept_at;
        let (_, target, _) = copy.store_mut(platform, store);
        target.profile = known.profile.clone();
        target.traffic = known.traffic.clone();
        target.traffic.held.clear();
        let found = conversation.and_then(|id| Some((id, known.conversations.get(id)?)));
        if let Some((id, entry)) = found {
            target.conversations.insert(id.into(), entry.clone());
        }
        let of_conversation = found.and_then(|(_, entry)| entry.order.as_deref());
        for number in [order, of_conversation].into_iter().flatten() {
            let reference = OrderRef { order: Some(number.into()), ..OrderRef::default() };
            if let Some((key, entry)) =
                known.order_key(&reference).and_then(|key| known.orders.get_key_value(key))
            {
                target.orders.insert(key.into(), entry.clone());
                target.realias(key);
            }
        }
        copy
    }

    /// Drops what has expired. Runs by itself whenever stream time has moved by a sixteenth of the shortest
    /// retention, so memory exceeds what retention asks for by that much at most.
    pub fn sweep(&mut self) {
        let Some(now) = self.progress.stream_time else { return };
        self.swept_at = now;
        let Retention { conversation, order, promise, store: store_span } = self.retention;
        let idle = |last: Millis, span: Span| now.since(last) > span;
        let Changes { tracking, stores: listed, gone, .. } = &mut self.changes;
        for (key, store) in self.stores.values_mut() {
            store.conversations.sweep(
                |entry| idle(entry.last_event_at, Span::days(3)) && entry.shrink(),
                |entry| !idle(entry.last_event_at, conversation),
            );
            store.orders.sweep(
                |_| false,
                |entry| {
                    let promised = entry.promises.iter().any(|made| match made.closed {
                        Some((at, _)) => !idle(at, promise),
                        // An order that is never shipped nor cancelled would keep its promise for ever.
                        None => !idle(entry.last_event_at, Span(order.0.saturating_add(promise.0))),
                    });
                    promised || !idle(entry.last_event_at, order)
                },
            );
            store.flags.sweep(|_| false, |flag| !idle(flag.at, Flag::RETENTION));
            let Store { orders, aliases, .. } = store;
            aliases.retain(|_, key| orders.contains_key(key));
            if *tracking && !store.listed {
                store.listed = true;
                listed.push(Arc::clone(key));
            }
        }
        self.stores.retain(|_, (key, store)| {
            let stays = !(store.conversations.is_empty()
                && store.orders.is_empty()
                && idle(store.traffic.last_event_at, store_span));
            if !stays && *tracking {
                let at = || StoreKey::clone(key);
                let touched = store.conversations.take_touched();
                gone.extend(touched.into_iter().map(|id| RecordKey::Conversation(at(), id)));
                gone.extend(store.orders.take_touched().into_iter().map(|id| RecordKey::Order(at(), id)));
                let flags: Vec<Box<str>> = store.flags.keys().cloned().collect();
                gone.extend(
                    store.flags.take_touched().into_iter().chain(flags).map(|id| RecordKey::Flag(at(), id)),
                );
                gone.extend([RecordKey::Profile(at()), RecordKey::Traffic(at())]);
            }
            stays
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
            store.traffic.last_event_at = day(0);
            store.conversations.get_or_default("c").last_event_at = day(0);
            store.orders.get_or_default("o").last_event_at = day(0);
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
