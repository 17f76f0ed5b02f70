//! Decoding.
//! From the bytes of one record to events, or to a reason why there are none.

use super::Event;

/// What one record holds.
#[derive(Debug, PartialEq)]
pub enum Decoded<'a> {
    /// One event: nearly always.
    One(Event<'a>),
    /// Several events: a native page (a history, a feed, a list of order states).
    Many(Vec<Event<'a>>),
    /// A well-formed record that is no contact or order event: counted, never an error.
    Skipped(SkipReason),
}

/// Why a well-formed record gives no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// Native type that speaks of products, stock, prices, reviews, pings.
    NotContact,
    /// Answer of an API or an error body.
    NotEvent,
    /// Page without rows.
    Empty,
}

/// A record that cannot be read: it goes to the dead letters with this code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DecodeError {
    /// Bounded code, for metrics and dead-letter headers.
    pub code: ErrorCode,
    /// What is wrong, where (field, byte offset), and what is expected. Never holds message text.
    pub message: String,
}

/// Bounded codes of [`DecodeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON, or cut off.
    InvalidJson,
    /// A field has the wrong type or an unreadable value.
    InvalidField,
    /// A field that the event needs is absent.
    MissingField,
    /// A time that is none, or out of range.
    InvalidTime,
    /// `v` is not 1.
    UnsupportedVersion,
    /// `type` is none of the known.
    UnknownType,
    /// Larger than an event may be.
    TooLarge,
}

/// Reads one record.
///
/// # Errors
/// [`DecodeError`] when the bytes are no event.
pub fn decode(_record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    Ok(Decoded::Skipped(SkipReason::Empty))
}
