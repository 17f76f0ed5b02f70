//! Whether the process does its work: named checks for `/readyz`, heartbeats for `/livez`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::time::{Millis, Span};

/// What every part of the process says of itself.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    checks: BTreeMap<String, Result<(), String>>,
    beats: BTreeMap<String, Millis>,
}

impl Readiness {
    fn parts<T>(&self, f: impl FnOnce(&mut Parts) -> T) -> T {
        // A thread that panicked while it held the lock left whole values behind.
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sets a check; `Err` says what is missing, in words for an operator.
    pub fn set(&self, name: &str, state: Result<(), String>) {
        self.parts(|parts| parts.checks.insert(name.to_owned(), state));
    }

    /// Drops a check.
    pub fn remove(&self, name: &str) {
        self.parts(|parts| parts.checks.remove(name));
    }

    /// Whether every check passes. A process without checks has not begun.
    pub fn ready(&self) -> bool {
        self.parts(|parts| !parts.checks.is_empty() && parts.checks.values().all(Result::is_ok))
    }

    /// Every check, by name.
    pub fn report(&self) -> Vec<(String, Result<(), String>)> {
        self.parts(|parts| parts.checks.iter().map(|(name, state)| (name.clone(), state.clone())).collect())
    }

    /// A thread went round its loop.
    pub fn beat(&self, who: &str, at: Millis) {
        self.parts(|parts| match parts.beats.get_mut(who) {
            Some(last) => *last = at,
            None => drop(parts.beats.insert(who.to_owned(), at)),
        });
    }

    /// Threads that have not gone round their loop for longer than `patience`.
    pub fn stuck(&self, now: Millis, patience: Span) -> Vec<String> {
        self.parts(|parts| {
            let old = parts.beats.iter().filter(|(_, last)| now.since(**last) > patience);
            old.map(|(who, _)| who.clone()).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_is_when_every_check_passes() {
        let readiness = Readiness::default();
        assert!(!readiness.ready(), "nothing has begun");
        readiness.set("policies", Ok(()));
        assert!(readiness.ready());
        readiness.set("worker 0", Err("restores 3 partitions".to_owned()));
        assert!(!readiness.ready());
        readiness.remove("worker 0");
        assert!(readiness.ready());
    }

    #[test]
    fn a_thread_is_stuck_when_it_beats_no_more() {
        let readiness = Readiness::default();
        readiness.beat("worker 0", Millis(0));
        readiness.beat("relay", Millis(50_000));
        assert_eq!(readiness.stuck(Millis(60_000), Span::seconds(30)), ["worker 0"]);
        readiness.beat("worker 0", Millis(60_000));
        assert!(readiness.stuck(Millis(60_000), Span::seconds(30)).is_empty());
    }
}
