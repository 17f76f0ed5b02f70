//! Kinds of characters, and what the table says of one.

use crate::text::Via;

/// What kind of character this is, as far as folding cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Class {
    Other,
    Space,
    Newline,
    Dot,
    /// An opening bracket.
    Bracket,
    /// A sign that stands for a letter: `@`, `$`.
    Sign,
    Han,
    HanDigit,
    /// 点 and 。: dots in spelled addresses.
    HanDot,
    Digit,
    Latin,
    Cyrillic,
    Greek,
    Letter,
}

impl Class {
    const ALL: [Class; 14] = [
        Class::Other,
        Class::Space,
        Class::Newline,
        Class::Dot,
        Class::Bracket,
        Class::Sign,
        Class::Han,
        Class::HanDigit,
        Class::HanDot,
        Class::Digit,
        Class::Latin,
        Class::Cyrillic,
        Class::Greek,
        Class::Letter,
    ];

    /// Letters and digits of scripts that put blanks between words.
    pub(super) fn is_word(self) -> bool {
        self >= Class::Digit
    }
    pub(super) fn is_letter(self) -> bool {
        self > Class::Digit
    }
    pub(super) fn is_han(self) -> bool {
        matches!(self, Class::Han | Class::HanDigit | Class::HanDot)
    }
}

/// An entry of the table: what a character becomes, its class, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry(pub(super) u32);

impl Entry {
    pub(super) const SAME: u32 = 1 << 20;
    pub(super) const IN_STEP: u32 = 1 << 21;
    pub(super) const COMPATIBILITY: u32 = 1 << 22;
    pub(super) const LOOKALIKE: u32 = 1 << 23;
    pub(super) const TRADITIONAL: u32 = 1 << 24;
    pub(super) const DROP: u32 = 1 << 25;
    pub(super) const MARK: u32 = 1 << 26;
    pub(super) const SLOW: u32 = 1 << 27;

    #[inline]
    pub(super) fn class(self) -> Class {
        Class::ALL.get(((self.0 >> 16) & 15) as usize).copied().unwrap_or(Class::Other)
    }
    /// The folded character, when it is one.
    #[inline]
    pub(super) fn folded(self) -> char {
        char::from_u32(self.0 & 0xFFFF).unwrap_or(' ')
    }
    #[inline]
    pub(super) fn is_same(self) -> bool {
        self.0 & Self::SAME != 0
    }
    /// A letter that stays as it is, of the class `before`: by far the most frequent case.
    #[inline]
    pub(super) fn goes_on(self, before: Option<Class>) -> bool {
        const PLAIN: u32 = Entry::SAME | Entry::IN_STEP;
        let class = (self.0 >> 16) & 15;
        self.0 & PLAIN == PLAIN && class > Class::Digit as u32 && before.is_some_and(|b| b as u32 == class)
    }
    /// One character of as many bytes.
    #[inline]
    pub(super) fn is_in_step(self) -> bool {
        self.0 & Self::IN_STEP != 0
    }
    pub(super) fn is_drop(self) -> bool {
        self.0 & Self::DROP != 0
    }
    pub(super) fn is_mark(self) -> bool {
        self.0 & Self::MARK != 0
    }
    pub(super) fn is_slow(self) -> bool {
        self.0 & Self::SLOW != 0
    }
    pub(super) fn via(self) -> Via {
        let mut via = Via::empty();
        via.set(Via::COMPATIBILITY, self.0 & Self::COMPATIBILITY != 0);
        via.set(Via::LOOKALIKE, self.0 & Self::LOOKALIKE != 0);
        via.set(Via::TRADITIONAL, self.0 & Self::TRADITIONAL != 0);
        via
    }
}

/// Format characters (general category Cf) and letters that draw nothing.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c as u32,
        0xAD | 0x34F | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x115F..=0x1160 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFEFF | 0xFFA0 | 0xFFF9..=0xFFFB | 0x110BD
            | 0x110CD | 0x13430..=0x1345F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE007F
    )
}
