//! Two halves of a corpus: one to tune on, one only to report.

use crate::hash::stable_hash;

/// A half of a corpus. A text belongs to the same half for ever, whatever stands beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Half {
    /// Lexicons and models may learn from it.
    Tune,
    /// Nobody looks at it before it is reported.
    Report,
}

impl Half {
    /// The half of a text: by a hash of its letters and digits, so that a comma moves nothing.
    pub fn of(text: &str) -> Self {
        let letters: String =
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        if stable_hash(letters.as_bytes()) & 1 == 0 { Self::Tune } else { Self::Report }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_half() {
        for (text, half) in [
            ("Добрый день!", Half::Report),
            ("ДОБРЫЙ, ДЕНЬ!!", Half::Report),
            ("你好", Half::Tune),
            ("你好。", Half::Tune),
        ] {
            assert_eq!(Half::of(text), half, "{text}");
        }
    }

    #[test]
    fn halves_are_halves() {
        let tune = (0..10_000).filter(|n| Half::of(&format!("text {n}")) == Half::Tune).count();
        assert!((4_800..5_200).contains(&tune), "{tune}");
    }
}
