//! Knowing what changed: whoever takes an entry to change it has changed it.
//!
//! The changelog writes what was touched since the last commit. Nobody has to remember to say so: the only ways to a
//! mutable entry lead through here. While tracking is off nothing is kept.

use std::borrow::Borrow;
use std::hash::Hash;
use std::ops::{Deref, DerefMut};

use hashbrown::HashMap;

/// Entries by id.
#[derive(Clone, Debug)]
pub struct Entries<T> {
    map: HashMap<Box<str>, Entry<T>>,
    touched: Vec<Box<str>>,
    tracking: bool,
}

#[derive(Clone, Debug, Default)]
struct Entry<T> {
    value: T,
    touched: bool,
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { map: HashMap::new(), touched: Vec::new(), tracking: false }
    }
}

/// What is remembered is equal, whether it was written or not.
impl<T: PartialEq> PartialEq for Entries<T> {
    fn eq(&self, other: &Self) -> bool {
        self.map.len() == other.map.len()
            && self.map.iter().all(|(id, entry)| other.get(id).is_some_and(|value| *value == entry.value))
    }
}

impl<T> Entries<T> {
    pub(super) fn track(&mut self) {
        self.tracking = true;
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// The entry, to look at.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.map.get(id).map(|entry| &entry.value)
    }

    /// The entry and its id as it is kept.
    pub fn get_key_value(&self, id: &str) -> Option<(&str, &T)> {
        self.map.get_key_value(id).map(|(id, entry)| (&**id, &entry.value))
    }

    /// Whether there is such an entry.
    pub fn contains_key<Q: Hash + Eq + ?Sized>(&self, id: &Q) -> bool
    where
        Box<str>: Borrow<Q>,
    {
        self.map.contains_key(id)
    }

    /// The entry, to change.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let entry = self.map.get_mut(id)?;
        if self.tracking && !entry.touched {
            entry.touched = true;
            self.touched.push(id.into());
        }
        Some(&mut entry.value)
    }

    /// The entry, to change, made when there is none.
    pub fn get_or_default(&mut self, id: &str) -> &mut T
    where
        T: Default,
    {
        if !self.map.contains_key(id) {
            self.insert(id.into(), T::default());
        }
        match self.get_mut(id) {
            Some(value) => value,
            None => unreachable!("the entry was inserted above"),
        }
    }

    /// Puts an entry in.
    pub fn insert(&mut self, id: Box<str>, value: T) {
        if self.tracking {
            self.touched.push(id.clone());
        }
        self.map.insert(id, Entry { value, touched: self.tracking });
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: &str) {
        if self.map.remove(id).is_some() && self.tracking {
            self.touched.push(id.into());
        }
    }

    /// Keeps the entries that `keep` lets stay; `change` may make them smaller, and says when it did.
    pub fn sweep(&mut self, mut change: impl FnMut(&mut T) -> bool, mut keep: impl FnMut(&T) -> bool) {
        let (touched, tracking) = (&mut self.touched, self.tracking);
        self.map.retain(|id, entry| {
            let stays = keep(&entry.value);
            if (!stays || change(&mut entry.value)) && tracking && !entry.touched {
                entry.touched = true;
                touched.push(id.clone());
            }
            stays
        });
    }

    /// Every id.
    pub fn keys(&self) -> impl Iterator<Item = &Box<str>> {
        self.map.keys()
    }

    /// Every entry.
    pub fn iter(&self) -> impl Iterator<Item = (&Box<str>, &T)> {
        self.map.iter().map(|(id, entry)| (id, &entry.value))
    }

    /// Ids touched since the last call, each once, in order.
    pub(super) fn take_touched(&mut self) -> Vec<Box<str>> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for id in &touched {
            if let Some(entry) = self.map.get_mut(id) {
                entry.touched = false;
            }
        }
        touched
    }
}

/// A single value.
#[derive(Clone, Debug, Default)]
pub struct Tracked<T> {
    value: T,
    touched: bool,
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.touched = true;
        &mut self.value
    }
}

impl<T> Tracked<T> {
    /// Whether it was touched since the last call.
    pub(super) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_touched_is_told_once() {
        let mut entries: Entries<u8> = Entries::default();
        entries.insert("before".into(), 1);
        entries.track();
        assert!(entries.take_touched().is_empty(), "nothing was tracked yet");
        entries.insert("b".into(), 1);
        *entries.get_or_default("a") = 2;
        *entries.get_or_default("a") = 3;
        let _ = entries.get("before");
        let ids = |entries: &mut Entries<u8>| {
            entries.take_touched().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ids(&mut entries), "a b");
        assert_eq!(ids(&mut entries), "");
        entries.remove("b");
        entries.remove("no such");
        let _ = entries.get_mut("a");
        assert_eq!(ids(&mut entries), "a b");
        entries.sweep(|value| *value == 3, |value| *value != 1);
        assert_eq!(ids(&mut entries), "a before");
        assert_eq!(entries.len(), 1);
    }
}
