//! Deadlines, in the order in which they fall due.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::time::Millis;

use super::StoreKey;

/// Something to look at when its time comes. What it means is decided then: a timer whose reason is gone fires
/// nothing, so none is ever cancelled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer {
    /// When.
    pub at: Millis,
    /// Whose.
    pub store: Arc<StoreKey>,
    /// Why.
    pub kind: TimerKind,
}

/// Why to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKind {
    /// Waiting ends for events held back.
    Held,
    /// A buyer's turn may be unanswered still.
    Unanswered {
        /// Conversation.
        conversation: Box<str>,
    },
    /// A promised gift may be missing from the parcel.
    GiftDue {
        /// Order key.
        order: Box<str>,
    },
    /// A template may still wait for its review.
    TemplateReview {
        /// Template id.
        template: Box<str>,
        /// The deadline itself; the timer may look at it later.
        deadline: Millis,
    },
}

/// All deadlines of a task. Ties break by store and reason, so that replays agree.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    due: BTreeSet<Timer>,
}

impl Timers {
    /// Adds a deadline; the same one twice is one.
    pub fn arm(&mut self, timer: Timer) {
        self.due.insert(timer);
    }

    /// The next deadline.
    pub fn next_at(&self) -> Option<Millis> {
        self.due.first().map(|timer| timer.at)
    }

    /// Takes the next deadline before `limit`, or at it when `inclusive`.
    pub fn pop(&mut self, limit: Millis, inclusive: bool) -> Option<Timer> {
        let due = self.due.first().is_some_and(|timer| timer.at < limit || (inclusive && timer.at == limit));
        if due { self.due.pop_first() } else { None }
    }

    /// Deadlines armed.
    pub fn len(&self) -> usize {
        self.due.len()
    }

    /// Whether none is armed.
    pub fn is_empty(&self) -> bool {
        self.due.is_empty()
    }
}
