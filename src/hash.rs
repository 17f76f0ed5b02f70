//! A 64-bit hash that is the same on every machine and in every run, because its values are stored and compared
//! across restarts. Not for hash tables fed by strangers.

/// FNV-1a over `bytes`, finished with a multiply-shift so that low bits are usable by themselves.
pub(crate) fn stable_hash(bytes: &[u8]) -> u64 {
    finish(bytes.iter().fold(START, |hash, byte| step(hash, *byte)))
}

/// Initial value for hashing piecewise with [`step`] and [`finish`].
pub(crate) const START: u64 = 0xcbf2_9ce4_8422_2325;

/// Takes one more byte.
pub(crate) const fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
}

/// Spreads what was taken over all bits.
pub(crate) const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_fixed_because_they_are_stored() {
        for (input, expected) in [
            ("", 9_615_434_041_927_672_947),
            ("a", 9417481573473063714),
            ("ozon/7/m/1/sent", 7288096449626346823),
        ] {
            assert_eq!(stable_hash(input.as_bytes()), expected, "{input}");
        }
    }
}
