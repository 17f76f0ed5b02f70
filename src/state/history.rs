//! A value over event time: what was in force at an instant, whatever order the changes arrived in.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::time::Millis;

/// Changes of a value, by time. Holds the latest [`History::CAP`] changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History<T> {
    steps: SmallVec<[(Millis, T); 1]>,
}

impl<T> Default for History<T> {
    fn default() -> Self {
        Self { steps: SmallVec::new() }
    }
}

impl<T: PartialEq> History<T> {
    /// Changes kept; a template or permission that changes more often is judged by its latest ones.
    pub const CAP: usize = 32;

    /// Records that the value became `value` at `at`. The same change twice is one change; of two changes at the
    /// same instant the later arrival wins.
    pub fn record(&mut self, at: Millis, value: T) {
        let position = self.steps.partition_point(|(time, _)| *time <= at);
        if position > 0 && self.steps[position - 1].0 == at {
            self.steps[position - 1].1 = value;
            return;
        }
        self.steps.insert(position, (at, value));
        if self.steps.len() > Self::CAP {
            self.steps.remove(0);
        }
    }

    /// Takes back the change at `at`.
    pub fn forget(&mut self, at: Millis) {
        self.steps.retain(|(time, _)| *time != at);
    }

    /// The value in force at `at`; `None` before the first change.
    pub fn at(&self, at: Millis) -> Option<&T> {
        let position = self.steps.partition_point(|(time, _)| *time <= at);
        position.checked_sub(1).map(|index| &self.steps[index].1)
    }

    /// The last change.
    pub fn latest(&self) -> Option<(Millis, &T)> {
        self.steps.last().map(|(at, value)| (*at, value))
    }

    /// Every change, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Millis, &T)> {
        self.steps.iter().map(|(at, value)| (*at, value))
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_in_force_does_not_depend_on_the_order_of_arrival() {
        let changes = [(10, 'a'), (20, 'b'), (30, 'c')];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut history = History::default();
            for index in order {
                let (at, value) = changes[index];
                history.record(Millis(at), value);
            }
            for (at, expected) in
                [(9, None), (10, Some('a')), (19, Some('a')), (20, Some('b')), (99, Some('c'))]
            {
                assert_eq!(history.at(Millis(at)).copied(), expected, "at {at}, order {order:?}");
            }
        }
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        for n in 0..1000 {
            history.record(Millis(n), n);
        }
        assert_eq!(history.iter().count(), History::<i64>::CAP);
        assert_eq!(history.latest(), Some((Millis(999), &999)));
    }
}
