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

/// A value as written: well-formed JSON, borrowed from the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// The JSON text.
    pub(super) fn get(self) -> &'a str {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(input).map(|raw| Self(raw.get()))
    }
}

/// A value as written; `None` when absent or null.
pub(super) type Raw<'a> = Option<Json<'a>>;
/// Result of a reader.
pub(super) type Read<T> = Result<T, DecodeError>;

/// Declares a struct of raw values, all optional, unknown fields ignored.
macro_rules! raw_fields {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(default)]
        $vis struct $name<'a> {
            $(#[serde(borrow)] $(#[$fmeta])* pub(super) $field: $crate::event::wire::Raw<'a>),+
        }

        impl<'a> $name<'a> {
            /// The field of this name.
            #[allow(dead_code)]
            #[inline]
            fn field(&mut self, name: &str) -> Option<&mut $crate::event::wire::Raw<'a>> {
                $(if name == const { $crate::event::wire::unescaped(stringify!($field)) } {
                    return Some(&mut self.$field);
                })+
                None
            }
        }
    };
}
pub(super) use raw_fields;

/// A field's name in JSON: without the mark of a word that Rust keeps for itself.
pub(super) const fn unescaped(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

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
    Json::deserialize(input).map(Some)
}

impl<'a> Wire<'a> {
    /// Reads a record of plain values in one pass: what nearly every record is, at a fraction of what the general
    /// reader takes. `None` when anything is unusual, errors among it: the general reader then has the word.
    pub(super) fn read_plain(json: &'a str) -> Option<Self> {
        let mut wire = Self::default();
        let mut nulls: smallvec::SmallVec<[&str; 8]> = smallvec::SmallVec::new();
        let mut rest = Cursor { json, at: 0 };
        rest.expect(b'{')?;
        loop {
            let name = rest.key()?;
            rest.expect(b':')?;
            let value = rest.value()?;
            if let Some(field) = wire.field(name) {
                if field.is_some() || nulls.contains(&name) {
                    return None;
                }
                if value.0 == "null" && name != "insert" {
                    nulls.push(name);
                } else {
                    *field = Some(value);
                }
            }
            match rest.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        rest.next().is_none().then_some(wire)
    }
}

/// A place in a record.
struct Cursor<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.json.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    /// A string without escapes, without its quotation marks.
    fn key(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = plain_end(self.json.as_bytes(), start);
        self.at = end + 1;
        (self.json.as_bytes().get(end) == Some(&b'"')).then_some(())?;
        self.json.get(start..end)
    }

    fn value(&mut self) -> Option<Json<'a>> {
        let first = self.peek()?;
        let start = self.at;
        let bytes = self.json.as_bytes();
        match first {
            b'"' => {
                let end = plain_end(bytes, start + 1);
                match bytes.get(end) {
                    Some(b'"') => self.at = end + 1,
                    Some(b'\\') => return self.general(),
                    _ => return None,
                }
            }
            b'{' | b'[' => return self.general(),
            b'-' | b'0'..=b'9' => {
                let digits = start + usize::from(first == b'-');
                let count = bytes.get(digits..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let leading_zero = bytes.get(digits) == Some(&b'0') && count > 1;
                let end = digits + count;
                if count == 0 || leading_zero || matches!(bytes.get(end), Some(b'.' | b'e' | b'E')) {
                    return None;
                }
                self.at = end;
            }
            _ => {
                let word = ["true", "false", "null"].into_iter();
                let word = word
                    .filter(|word| bytes.get(start..).is_some_and(|rest| rest.starts_with(word.as_bytes())));
                self.at += word.map(str::len).next()?;
            }
        }
        self.json.get(start..self.at).map(Json)
    }

    /// A value of any kind, read by the general reader.
    fn general(&mut self) -> Option<Json<'a>> {
        let rest = self.json.get(self.at..)?;
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(Json(value.get()))
    }
}

/// Where a string that is being read from `from` on has its first quotation mark, backslash or control character.
/// Eight bytes at a time.
fn plain_end(bytes: &[u8], from: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let chunk = u64::from_le_bytes(*chunk);
        // A byte's high bit comes out set when the byte is below 0x20, or equal to one of the two; the lowest such is
        // exact, borrows only reach upwards.
        let below = chunk.wrapping_sub(ONES * 0x20) & !chunk;
        let quote = chunk ^ (ONES * u64::from(b'"'));
        let slash = chunk ^ (ONES * u64::from(b'\\'));
        let found =
            (below | (quote.wrapping_sub(ONES) & !quote) | (slash.wrapping_sub(ONES) & !slash)) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20)).unwrap_or(rest.len())
}

/// `2026-10-01T09:00:00.120Z`, with or without milliseconds, as programs write it; any other time is `None`.
fn plain_time(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| {
        bytes
            .get(from..to)?
            .iter()
            .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let signs = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if signs.iter().any(|(at, sign)| bytes.get(*at) != Some(sign)) {
        return None;
    }
    let millis = match bytes.get(19..)? {
        b"Z" => 0,
        [b'.', _, _, _, b'Z'] => number(20, 23)?,
        _ => return None,
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // The last days of months are left to the general reader.
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Days since 1970-01-01; years begin in March, so that the leap day ends one.
    let years = year - i64::from(month <= 2);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = years * 365 + years / 4 - years / 100 + years / 400 + day_of_year - 719_468;
    Millis(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + millis).checked().ok()
}

/// A field that cannot be read.
pub(super) fn invalid(field: &str, found: Json<'_>, expected: &str) -> DecodeError {
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
fn class_of(value: Json<'_>) -> &'static str {
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
    let digits = match json.as_bytes() {
        [b'-', digits @ ..] => digits,
        digits => digits,
    };
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Parses an object; `expected` says what the field should hold.
pub(super) fn object<'a, T: Deserialize<'a>>(field: &str, raw: Json<'a>, expected: &str) -> Read<T> {
    // serde reads a list as a struct, field by field; here that is never meant.
    if !raw.get().starts_with('{') {
        return Err(invalid(field, raw, expected));
    }
    serde_json::from_str(raw.get())
        .map_err(|_| invalid(field, raw, &format!("{expected} without repeated fields")))
}

/// Parses a list of raw values; absent is empty, and nulls in it are left out.
pub(super) fn list<'a>(field: &str, raw: Raw<'a>) -> Read<Vec<Json<'a>>> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    let rows: Vec<Raw<'a>> = serde_json::from_str(raw.get()).map_err(|_| invalid(field, raw, "a list"))?;
    Ok(rows.into_iter().flatten().collect())
}

/// A string, when the value is one. Borrowed when it has no escapes.
fn string(raw: Json<'_>) -> Option<Cow<'_, str>> {
    // What begins as a string is a whole one.
    let inner = match raw.get().as_bytes() {
        [b'"', .., b'"'] => raw.get().get(1..raw.get().len() - 1)?,
        _ => return None,
    };
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
    match plain_time(&words).map_or_else(|| Millis::parse(&words), Ok) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn general(json: &str) -> Option<Wire<'_>> {
        serde_json::from_str(json).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        /// Where the short way gives an answer, the general reader gives the same.
        #[test]
        fn the_plain_reader_agrees_with_the_general_one(
            fields in proptest::collection::vec(
                (
                    r#"(v|type|event_id|insert|order|text|delay|unknown|gift_items|t\\u0079pe)"#,
                    r#"(1|-0|-|01|12.5|1e3|true|false|null|nul|"[a-zё \t]{0,12}"|"\\n.{0,3}"|"\\ud83d"|"\\q"|\{"a":1\}|\[1, "b"\]|\[1,\]|\{\}|)"#,
                ),
                0..6,
            ),
            space in "[ \n\t]{0,2}",
            end in r"(\}|\} |\},|)",
        ) {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("\"{name}\"{space}:{space}{value}{space}")).collect();
            let json = format!("{{{space}{}{end}", fields.join(","));
            if let Some(plain) = Wire::read_plain(&json) {
                prop_assert_eq!(Some(plain), general(&json));
            }
        }

        #[test]
        fn a_plain_time_is_the_same_time(
            year in 0..9999u32, month in 0..14u32, day in 0..33u32, hour in 0..26u32, minute in 0..62u32,
            second in 0..62u32, tail in r"(Z|\.[0-9]{1,4}Z|\.123|\+03:00)",
        ) {
            let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{tail}");
            if let Some(time) = plain_time(&text) {
                prop_assert_eq!(Ok(time), Millis::parse(&text));
            }
        }

        #[test]
        fn a_string_ends_where_it_ends(text in "[a-zя\"\\\\ \u{0}-\u{7f}é你]{0,40}", from in 0..8usize) {
            let bytes = text.as_bytes();
            let from = from.min(bytes.len());
            let slow = bytes[from..].iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
            prop_assert_eq!(plain_end(bytes, from), slow.map_or(bytes.len(), |n| from + n));
        }
    }

    #[test]
    fn plain_records_take_the_short_way() {
        let json =
            r#" {"v":1, "type":"order","order":{"order":5},"text":"а\nб","insert":null,"by":null,"x":[1]} "#;
        let wire = Wire::read_plain(json);
        assert_eq!(wire, general(json));
        assert!(wire.is_some_and(|wire| wire.insert.is_some() && wire.order.is_some() && wire.by.is_none()));
        assert_eq!(plain_time("2026-10-01T09:00:00.120Z"), Some(Millis(1_790_845_200_120)));
        for twice in [r#"{"v":1,"v":1}"#, r#"{"by":null,"by":null}"#] {
            assert!(Wire::read_plain(twice).is_none() && general(twice).is_none(), "{twice}");
        }
    }
}
