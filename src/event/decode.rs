//! Decoding.
//! From the bytes of one record to events, or to a reason why there are none.

use super::wire::{Wire, Word, missing, word};
use super::{Event, canonical, native};

/// What one record holds.
#[derive(Debug, PartialEq)]
// Nearly every record is `One`: a box would cost an allocation per event to save stack in the rare cases.
#[allow(clippy::large_enum_variant)]
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

impl ErrorCode {
    /// All of them, in the order of their definition.
    pub const ALL: [Self; Self::TooLarge as usize + 1] = [
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::InvalidField,
        Self::MissingField,
        Self::InvalidTime,
        Self::UnsupportedVersion,
        Self::UnknownType,
        Self::TooLarge,
    ];

    /// The code as it stands in headers, metrics and counts.
    pub fn word(self) -> &'static str {
        match self {
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::InvalidField => "invalid_field",
            Self::MissingField => "missing_field",
            Self::InvalidTime => "invalid_time",
            Self::UnsupportedVersion => "unsupported_version",
            Self::UnknownType => "unknown_type",
            Self::TooLarge => "too_large",
        }
    }
}

/// Largest record that is read: far above any message, below what one would want in memory per partition.
const MAX_RECORD: usize = 16 * 1024 * 1024;

/// The types of canonical events, and the native envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventType {
    Message,
    Order,
    Registry,
    Enforcement,
    Disposition,
    Native,
}

impl EventType {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "message" => Self::Message,
            "order" => Self::Order,
            "registry" => Self::Registry,
            "enforcement" => Self::Enforcement,
            "disposition" => Self::Disposition,
            "native" => Self::Native,
            _ => return None,
        })
    }
}

const KNOWN_TYPES: &str = "message, order, registry, enforcement, disposition or native";

/// Reads one record.
///
/// # Errors
/// [`DecodeError`] when the bytes are no event.
pub fn decode(record: &[u8]) -> Result<Decoded<'_>, DecodeError> {
    let wire = parse(record)?;
    if let Some(version) = wire.v.filter(|v| v.get() != "1") {
        return Err(DecodeError {
            code: ErrorCode::UnsupportedVersion,
            message: match version.get().parse::<u32>() {
                Ok(found) => {
                    format!("field `v`: version {found} of the event format; this program reads version 1")
                }
                Err(_) => "field `v`: not the number 1, the one version that this program reads".to_owned(),
            },
        });
    }
    let kind = match word("type", wire.r#type, EventType::from_word)? {
        Word::Known(kind) => kind,
        Word::Absent if wire.native.is_some() => EventType::Native,
        Word::Absent => return Err(missing("type", KNOWN_TYPES)),
        Word::Other => {
            return Err(DecodeError {
                code: ErrorCode::UnknownType,
                message: format!("field `type`: an unknown word; expected {KNOWN_TYPES}"),
            });
        }
    };
    match kind {
        EventType::Native => native::decode(&wire),
        canonical => canonical::event(&wire, canonical).map(Decoded::One),
    }
}

/// The record as a table of raw values.
fn parse(record: &[u8]) -> Result<Wire<'_>, DecodeError> {
    if record.len() > MAX_RECORD {
        return Err(DecodeError {
            code: ErrorCode::TooLarge,
            message: format!("a record of {} bytes; an event has at most {MAX_RECORD}", record.len()),
        });
    }
    let json = simdutf8::compat::from_utf8(record).map_err(|error| DecodeError {
        code: ErrorCode::InvalidUtf8,
        message: format!("not UTF-8 from byte {} on", error.valid_up_to()),
    })?;
    match json.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {}
        None => return Err(invalid_json("an empty record; expected one JSON object")),
        Some(_) => return Err(invalid_json("no JSON object: an event starts with {")),
    }
    serde_json::from_str(json).map_err(|error| {
        let code = match error.classify() {
            serde_json::error::Category::Data => ErrorCode::InvalidField,
            _ => ErrorCode::InvalidJson,
        };
        // The message of serde_json speaks of syntax and of field names; values are raw and never in it.
        let offset = offset_of(json, error.line(), error.column());
        DecodeError { code, message: format!("{error} (byte {offset})") }
    })
}

fn invalid_json(message: &str) -> DecodeError {
    DecodeError { code: ErrorCode::InvalidJson, message: message.to_owned() }
}

/// Byte offset of a line and column, both from 1 as serde_json counts them (column 0 is the end of the line before).
fn offset_of(json: &str, line: usize, column: usize) -> usize {
    let before: usize = json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(json.len())
}
