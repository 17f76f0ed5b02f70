//! Which event ids were seen: a push and a later poll of the same thing must count once.

use serde::{Deserialize, Serialize};

use crate::hash::stable_hash;
use crate::time::Millis;

/// The latest ids of one conversation, order or store.
///
/// Bounded: past [`SeenIds::CAP`] the oldest is forgotten and its time becomes the floor, and an unknown id at or
/// before the floor is taken for a repeat. So a conversation of a million events costs no more than one of 256, and
/// re-reading its whole history judges nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenIds {
    ids: Vec<SeenId>,
    floor: u32,
}

/// Twelve bytes an id: the hash in halves keeps the alignment at four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SeenId {
    hash: [u32; 2],
    seconds: u32,
}

impl SeenIds {
    /// Ids kept.
    pub const CAP: usize = 256;

    /// Records `id`; `true` when it was not seen before.
    pub fn is_first(&mut self, id: &str, at: Millis) -> bool {
        let hash = stable_hash(id.as_bytes());
        let seen = SeenId { hash: [(hash >> 32) as u32, hash as u32], seconds: seconds(at) };
        if self.ids.iter().rev().any(|other| other.hash == seen.hash) || seen.seconds <= self.floor {
            return false;
        }
        if self.ids.len() >= Self::CAP {
            let oldest = self
                .ids
                .iter()
                .enumerate()
                .min_by_key(|(index, id)| (id.seconds, *index))
                .map_or(0, |(index, _)| index);
            self.floor = self.floor.max(self.ids.remove(oldest).seconds);
        }
        self.ids.push(seen);
        true
    }

    /// Whether `id` was seen, without recording it.
    pub fn contains(&self, id: &str) -> bool {
        let hash = stable_hash(id.as_bytes());
        let halves = [(hash >> 32) as u32, hash as u32];
        self.ids.iter().any(|other| other.hash == halves)
    }
}

/// Seconds since 2010, the first plausible event time; zero is "never".
fn seconds(at: Millis) -> u32 {
    let since = (at.0 - crate::time::EARLIEST.0) / 1000;
    u32::try_from(since.max(0)).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> Millis {
        Millis(crate::time::EARLIEST.0 + n * 1000)
    }

    #[test]
    fn a_repeat_is_a_repeat() {
        let mut seen = SeenIds::default();
        for (id, time, expected) in [
            ("a", 10, true),
            ("a", 10, false),
            ("b", 5, true),
            ("b", 99, false),
            ("", 11, true),
            ("", 11, false),
        ] {
            assert_eq!(seen.is_first(id, at(time)), expected, "{id} at {time}");
        }
    }

    #[test]
    fn it_is_bounded_and_what_was_forgotten_stays_a_repeat() {
        let mut seen = SeenIds::default();
        for n in 0..100_000 {
            assert!(seen.is_first(&format!("m{n}"), at(n + 2)));
        }
        assert_eq!(seen.ids.len(), SeenIds::CAP);
        assert!(!seen.is_first("m0", at(2)));
        assert!(!seen.is_first("never seen, older than the floor", at(50_000)));
        assert!(seen.is_first("new", at(100_002)));
    }
}
