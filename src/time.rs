//! Event time: milliseconds since the Unix epoch, and spans between two of them.
//!
//! The core never reads a clock. Every instant comes from an event; texts are RFC 3339 with any offset on the
//! way in and UTC milliseconds with `Z` on the way out (the canonical event format).

use std::fmt;

use serde::{Deserialize, Serialize};

/// An instant of event time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub i64);

/// A length of time in milliseconds. Never negative when it comes from configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span(pub i64);

/// Earliest event time that is taken for real: marketplaces print 0001-01-01 and 1970-01-01 for "no date".
pub const EARLIEST: Millis = Millis(1_262_304_000_000); // 2010-01-01T00:00:00Z
/// First instant that is too late to be real: one such event would advance stream time past every timer.
pub const LATEST: Millis = Millis(4_102_444_800_000); // 2100-01-01T00:00:00Z

impl Millis {
    /// The instant `span` later, saturating at the ends of the number range.
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// The instant `span` earlier, saturating at the ends of the number range.
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// Time from `earlier` to `self`; negative when `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Reads an RFC 3339 text with any offset. Fractions beyond milliseconds are cut off (nine digits occur).
    ///
    /// # Errors
    /// [`TimeError::Syntax`] when the text is no date-time with an offset, [`TimeError::Range`] when it lies
    /// outside [`EARLIEST`]..[`LATEST`].
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError::Syntax)?;
        Self(instant.as_millisecond()).checked()
    }

    /// `self` when it is a plausible event time.
    ///
    /// # Errors
    /// [`TimeError::Range`] outside [`EARLIEST`]..[`LATEST`].
    pub fn checked(self) -> Result<Self, TimeError> {
        if self >= EARLIEST && self < LATEST { Ok(self) } else { Err(TimeError::Range) }
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Span {
    /// `n` seconds.
    pub const fn seconds(n: i64) -> Self {
        Self(n * 1000)
    }
    /// `n` minutes.
    pub const fn minutes(n: i64) -> Self {
        Self::seconds(n * 60)
    }
    /// `n` hours.
    pub const fn hours(n: i64) -> Self {
        Self::minutes(n * 60)
    }
    /// `n` days.
    pub const fn days(n: i64) -> Self {
        Self::hours(n * 24)
    }

    /// Reads `90m`, `48h`, `10d`, `60s`, `250ms`, or a sum such as `1h30m`.
    ///
    /// # Errors
    /// [`TimeError::Span`] when the text is none of these.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let mut rest = text.trim();
        let mut total = 0_i64;
        if rest.is_empty() {
            return Err(TimeError::Span);
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: i64 = number.parse().map_err(|_| TimeError::Span)?;
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let scale = match unit {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(TimeError::Span),
            };
            total = number.checked_mul(scale).and_then(|n| total.checked_add(n)).ok_or(TimeError::Span)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        if rest == 0 {
            return f.write_str("0s");
        }
        if rest < 0 {
            f.write_str("-")?;
            rest = rest.saturating_neg();
        }
        for (unit, scale) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= scale {
                write!(f, "{}{unit}", rest / scale)?;
                rest %= scale;
            }
        }
        Ok(())
    }
}

/// Why a text is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("not an RFC 3339 date-time with an offset, such as 2026-10-01T09:00:00.120Z")]
    Syntax,
    /// Outside the years an event can come from.
    #[error("outside 2010-01-01 .. 2100-01-01, so it is not the time of an event")]
    Range,
    /// Not a length of time.
    #[error("not a length of time, such as 90m, 48h or 10d")]
    Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_with_any_offset_and_written_in_utc_milliseconds() {
        for (input, expected) in [
            ("2026-10-01T09:00:00.120Z", Ok("2026-10-01T09:00:00.120Z")),
            ("2017-11-21T00:00:00+03:00", Ok("2017-11-20T21:00:00.000Z")),
            ("2025-01-16T10:09:49.759084017Z", Ok("2025-01-16T10:09:49.759Z")),
            ("2026-10-01 09:00:00Z", Ok("2026-10-01T09:00:00.000Z")),
            ("0001-01-01T00:00:00Z", Err(TimeError::Range)),
            ("2200-01-01T00:00:00Z", Err(TimeError::Range)),
            ("1970-01-01T00:00:00Z", Err(TimeError::Range)),
            ("2026-10-01T09:00:00", Err(TimeError::Syntax)),
            ("23-09-2022 09:12:41", Err(TimeError::Syntax)),
            ("", Err(TimeError::Syntax)),
        ] {
            assert_eq!(Millis::parse(input).map(|t| t.to_string()), expected.map(str::to_owned), "{input}");
        }
    }

    #[test]
    fn spans_are_read_and_written_in_units() {
        for (input, expected) in [
            ("90m", Ok("1h30m")),
            ("48h", Ok("2d")),
            ("1h30m", Ok("1h30m")),
            ("250ms", Ok("250ms")),
            ("0s", Ok("0s")),
            ("", Err(TimeError::Span)),
            ("5", Err(TimeError::Span)),
            ("h", Err(TimeError::Span)),
            ("-5h", Err(TimeError::Span)),
            ("5 h", Err(TimeError::Span)),
            ("99999999999999999d", Err(TimeError::Span)),
        ] {
            assert_eq!(Span::parse(input).map(|t| t.to_string()), expected.map(str::to_owned), "{input}");
        }
    }
}
