//! Chance that repeats itself: the same seed gives the same fleet.

/// A generator of pseudo-random numbers (SplitMix64): small, quick, and good enough for a story.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The same for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` up to and without `high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(1).unsigned_abs();
        low.saturating_add_unsigned(self.number() % width)
    }

    /// Whether something happens that does so in `percent` of all cases.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 100) < percent
    }

    /// One of them; `None` when there is none.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = self.between(0, i64::try_from(from.len()).unwrap_or(i64::MAX));
        from.get(usize::try_from(index).unwrap_or_default())
    }

    /// Any order of them.
    pub(super) fn shuffle<T>(&mut self, of: &mut [T]) {
        for last in (1..of.len()).rev() {
            let other = self.number() % (last as u64 + 1);
            of.swap(last, usize::try_from(other).unwrap_or_default());
        }
    }

    /// An id in the shape of a UUID.
    pub(super) fn uuid(&mut self) -> String {
        uuid::Uuid::from_u64_pair(self.number(), self.number()).to_string()
    }
}
