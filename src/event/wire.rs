//! One record as written: a flat table of raw JSON values, and readers that name the field they fail on.
//!
//! Every value stays raw (borrowed, unparsed) until the field is read. So a field of the wrong type is an error
//! of that field, told by name, and never of the whole record; ids keep digits that no number type can hold;
//! and a text without escapes is a slice of the record.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use super::decode::{DecodeError, ErrorCode};
use super::{Item, OrderRef};
use crate::time::Millis;

/// A value as written; `None` when absent or null.
pub(super) type Raw<'a> = Option<&'a RawValue>;
/// Result of a reader.
pub(super) type Read<T> = Result<T, DecodeError>;

/// Declares a struct of raw values, all optional, unknown fields ignored.
macro_rules! raw_fields {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default)]
        $vis struct $name<'a> {
            $(#[serde(borrow)] $(#[$fmeta])* pub(super) $field: Option<&'a serde_json::value::RawValue>),+
        }
    };
}
pub(super) use raw_fields;

raw_fields! {
    /// Every field that a canonical event or a native envelope may have.
    pub(super) struct Wire {
        v, r#type, event_id, platform, store, agency, occurred_at, time_source, observed_at,
        kind, conversation, conversation_type, context, message_id, author, origin, channel,
        text, text_format, attachments, order, posting, sku, template, operator, buyer,
        scheme, state, items, tracking, delay, status, by,
        #[serde(deserialize_with = "null_is_a_value")] insert,
        gift_items, blocks, qr_payloads,
        class, surface, version, name, domain, title, time_zone,
        reason, verdict_id, label, reviewer, note,
        native, fetched, send_log,
    }
}

raw_fields! { struct OrderWire { posting, order, sku } }
raw_fields! { struct ItemWire { sku, offer_id, title, brand, quantity } }

/// `insert: null` says "no insert"; only an absent field says nothing.
fn null_is_a_value<'de, D: Deserializer<'de>>(input: D) -> Result<Raw<'de>, D::Error> {
    <&RawValue>::deserialize(input).map(Some)
}

/// A field that cannot be read.
pub(super) fn invalid(field: &str, found: &RawValue, expected: &str) -> DecodeError {
    DecodeError {
        code: ErrorCode::InvalidField,
        message: format!("field `{field}`: {} where {expected} is expected", class_of(found)),
    }
}

/// A field that the event needs.
pub(super) fn missing(field: &str, expected: &str) -> DecodeError {
    DecodeError {
        code: ErrorCode::MissingField,
        message: format!("field `{field}` is missing: expected {expected}"),
    }
}

/// What a value is, without its words.
fn class_of(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ if is_integer(value.get()) => "an integer",
        _ => "a number",
    }
}

fn is_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Parses an object; `expected` says what the field should hold.
pub(super) fn object<'a, T: Deserialize<'a>>(field: &str, raw: &'a RawValue, expected: &str) -> Read<T> {
    // serde reads a list as a struct, field by field; here that is never meant.
    if !raw.get().starts_with('{') {
        return Err(invalid(field, raw, expected));
    }
    serde_json::from_str(raw.get())
        .map_err(|_| invalid(field, raw, &format!("{expected} without repeated fields")))
}

/// Parses a list of raw values; absent is empty, and nulls in it are left out.
pub(super) fn list<'a>(field: &str, raw: Raw<'a>) -> Read<Vec<&'a RawValue>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let rows: Vec<Raw<'a>> = serde_json::from_str(raw.get()).map_err(|_| invalid(field, raw, "a list"))?;
    Ok(rows.into_iter().flatten().collect())
}

/// A string, when the value is one. Borrowed when it has no escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str::<Lossy>(raw.get()).ok().map(|text| Cow::Owned(text.0))
}

/// A string with escapes. Half of a surrogate pair (an emoji cut by length) becomes U+FFFD: such a message was
/// sent and must be judged, not refused.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Lossy;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        input.deserialize_bytes(Bytes)
    }
}

/// A text; an empty one is no text.
pub(super) fn text<'a>(field: &str, raw: Raw<'a>) -> Read<Option<Cow<'a, str>>> {
    let Some(raw) = raw else { return Ok(None) };
    let text = string(raw).ok_or_else(|| invalid(field, raw, "a string"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// An id: a string, or an integer of any size whose digits are taken as they stand. An empty one is no id.
pub(super) fn id<'a>(field: &str, raw: Raw<'a>) -> Read<Option<Cow<'a, str>>> {
    let Some(raw) = raw else { return Ok(None) };
    if is_integer(raw.get()) {
        return Ok(Some(Cow::Borrowed(raw.get())));
    }
    let id = string(raw)
        .ok_or_else(|| invalid(field, raw, "an id (a string such as \"24219509-0020\", or an integer)"))?;
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// A list of ids or texts; empty ones are left out.
pub(super) fn ids<'a>(field: &str, raw: Raw<'a>) -> Read<Vec<Cow<'a, str>>> {
    let mut found = Vec::new();
    for one in list(field, raw)? {
        found.extend(id(field, Some(one))?);
    }
    Ok(found)
}

/// `true` or `false`.
pub(super) fn flag(field: &str, raw: Raw<'_>) -> Read<Option<bool>> {
    match raw.map(|raw| (raw, raw.get())) {
        None => Ok(None),
        Some((_, "true")) => Ok(Some(true)),
        Some((_, "false")) => Ok(Some(false)),
        Some((raw, _)) => Err(invalid(field, raw, "true or false")),
    }
}

/// A time text.
pub(super) fn time(field: &str, raw: Raw<'_>) -> Read<Option<Millis>> {
    let Some(words) = text(field, raw)? else { return Ok(None) };
    match Millis::parse(&words) {
        Ok(time) => Ok(Some(time)),
        Err(reason) => Err(DecodeError {
            code: ErrorCode::InvalidTime,
            message: format!(
                "field `{field}`: a string that is {reason}; expected such as 2026-10-01T09:00:00.120Z"
            ),
        }),
    }
}

/// What was written where a word of a closed list is expected.
pub(super) enum Word<T> {
    /// Nothing.
    Absent,
    /// A known word.
    Known(T),
    /// A word that is not in the list.
    Other,
}

impl<T> Word<T> {
    /// The known word, `absent` or `other`.
    pub(super) fn or(self, absent: T, other: T) -> T {
        match self {
            Self::Absent => absent,
            Self::Known(value) => value,
            Self::Other => other,
        }
    }

    /// The known word.
    pub(super) fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Absent | Self::Other => None,
        }
    }
}

/// A word of a closed list, read as written or else folded.
pub(super) fn word<T>(field: &str, raw: Raw<'_>, known: impl Fn(&str) -> Option<T>) -> Read<Word<T>> {
    let Some(word) = text(field, raw)? else { return Ok(Word::Absent) };
    Ok(known(&word).or_else(|| known(&fold_word(&word))).map_or(Word::Other, Word::Known))
}

/// Lower case, Cyrillic look-alikes as Latin, blanks and dashes as underscores: producers and marketplaces print
/// `"Сustomer"` with a Cyrillic first letter, `BUYER_SELLER` and `Buyer_Seller`.
pub(super) fn fold_word(word: &str) -> String {
    word.trim()
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'а' => 'a',
            'в' => 'b',
            'е' => 'e',
            'к' => 'k',
            'м' => 'm',
            'н' => 'h',
            'о' => 'o',
            'р' => 'p',
            'с' => 'c',
            'т' => 't',
            'у' => 'y',
            'х' => 'x',
            'і' => 'i',
            'ј' => 'j',
            'ѕ' => 's',
            ' ' | '-' => '_',
            other => other,
        })
        .collect()
}

/// The order reference: `order` as an object or as a bare order number, with `posting` and `sku` beside it.
pub(super) fn order_ref<'a>(order: Raw<'a>, posting: Raw<'a>, sku: Raw<'a>) -> Read<OrderRef<'a>> {
    let mut found = OrderRef::default();
    match order {
        Some(raw) if raw.get().starts_with('{') => {
            let wire: OrderWire<'a> = object("order", raw, "an object {posting, order, sku}")?;
            found.posting = id("order.posting", wire.posting)?;
            found.order = id("order.order", wire.order)?;
            found.sku = id("order.sku", wire.sku)?;
        }
        bare => found.order = id("order", bare)?,
    }
    if found.posting.is_none() {
        found.posting = id("posting", posting)?;
    }
    if found.sku.is_none() {
        found.sku = id("sku", sku)?;
    }
    Ok(found)
}

/// Lines of an order, or gifts.
pub(super) fn items<'a>(field: &str, raw: Raw<'a>) -> Read<Vec<Item<'a>>> {
    let rows = list(field, raw)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let wire: ItemWire<'a> = object(field, row, "a list of objects {sku, title, brand, quantity}")?;
        let sku = id("items.sku", wire.sku)?;
        found.push(Item {
            sku: if sku.is_some() { sku } else { id("items.offer_id", wire.offer_id)? },
            title: text("items.title", wire.title)?,
            brand: text("items.brand", wire.brand)?,
            quantity: quantity("items.quantity", wire.quantity)?,
        });
    }
    Ok(found)
}

/// A number of pieces.
pub(super) fn quantity(field: &str, raw: Raw<'_>) -> Read<Option<u32>> {
    raw.map(|raw| raw.get().parse().map_err(|_| invalid(field, raw, "a whole number such as 1"))).transpose()
}
