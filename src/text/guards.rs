//! What takes hits back, by span, and keeps the others alive: guards from the lexicons, names of the order's
//! items, and words quoted from the buyer.

use crate::text::frames::{Found, neighbours, neighbours_or_over, within_structure};
use crate::text::lexicon::{Across, Groups};
use crate::text::scan::Hit;
use crate::text::{NameId, SignalId};

/// A phrase that covers an object starts at most this many half words before it.
const COVER_REACH: u32 = 24;
/// Groups that lift a guard count this far.
const UNLESS_REACH: u32 = 24;

/// A guard as run. Distances are in half words.
#[derive(Clone, Debug)]
pub(in crate::text) struct Guard {
    pub(in crate::text) name: NameId,
    /// By signal id: whether the guard speaks of it.
    pub(in crate::text) signals: Vec<bool>,
    pub(in crate::text) over: Groups,
    pub(in crate::text) near: Groups,
    pub(in crate::text) with: Vec<Groups>,
    pub(in crate::text) unless: Groups,
    pub(in crate::text) within: u16,
    pub(in crate::text) across: Across,
}

impl Guard {
    fn speaks_of(&self, signal: SignalId) -> bool {
        self.signals.get(usize::from(signal.0)).copied().unwrap_or(false)
    }

    fn holds(&self, hits: &[Hit], at: usize, object: &Hit) -> bool {
        let covered = || {
            neighbours_or_over(hits, at, COVER_REACH)
                .any(|hit| self.over.contains(hit.group) && hit.start < object.end && object.start < hit.end)
        };
        let near = |groups: &Groups| {
            neighbours(hits, at, u32::from(self.within))
                .any(|(_, hit)| groups.contains(hit.group) && within_structure(self.across, object, hit))
        };
        let stands = (!self.over.is_empty() && (self.over.contains(object.group) || covered()))
            || (!self.near.is_empty() && near(&self.near));
        stands
            && self.with.iter().all(near)
            && (self.unless.is_empty()
                || !neighbours(hits, at, UNLESS_REACH)
                    .any(|(_, hit)| self.unless.contains(hit.group) && hit.sentence == object.sentence))
    }
}

/// Takes back what the guards speak against.
pub(in crate::text) fn apply(guards: &[Guard], hits: &[Hit], present: &Groups, found: &mut [Found]) {
    for one in found.iter_mut().filter(|one| one.by.is_none()) {
        let Some(object) = hits.get(one.object) else { continue };
        let guard = guards.iter().find(|guard| {
            guard.speaks_of(one.signal)
                && (guard.over.intersects(present) || guard.near.intersects(present))
                && guard.holds(hits, one.object, object)
        });
        one.by = guard.map(|guard| guard.name);
    }
}
