//! Reading YAML with places: a thin layer over the parser, so that every fault has a file, a line and a column.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_saphyr::{DefaultMessageFormatter, Error, MessageFormatter, Spanned};

use super::error::{Place, PolicyError};

/// A value with the place it was written at.
///
/// Words, numbers and times are read as texts and interpreted by the compiler: so one run reports every wrong
/// word of a file instead of the first, and a bare `no`, `on` or `off` stays the word it is.
pub type At<T> = Spanned<T>;

/// A map in the order it was written, with the places of its keys. Repeated keys are refused by the parser.
#[derive(Clone, Debug)]
pub struct Entries<T>(pub Vec<(At<String>, T)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Entries<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(key) = map.next_key()? {
                    pairs.push((key, map.next_value()?));
                }
                Ok(Entries(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// Reads one file.
///
/// # Errors
/// The first fault of its syntax or shape.
pub(crate) fn read<T: DeserializeOwned>(file: &Arc<str>, text: &str) -> Result<T, PolicyError> {
    // A policy pack is a few hundred lines. The limits stop a file that expands into gigabytes.
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 200_000, max_depth: 64, max_aliases: 1_000 },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| fault(file, &error))
}

fn fault(file: &Arc<str>, error: &Error) -> PolicyError {
    let error = match error.without_snippet() {
        Error::AliasError { error, .. } => error,
        plain => plain,
    };
    let place = error.location().map_or_else(|| Place::file(file), |at| Place::at(file, at));
    match error {
        Error::SerdeUnknownField { field, .. } if matches!(field.as_str(), "regex" | "pattern" | "patterns") => {
            PolicyError::new(place, format!("a pack holds no {field}"))
                .fix("words belong to the lexicons, and rules name signals: they are masked, guarded and tested there")
        }
        Error::SerdeUnknownField { field, expected, .. } => {
            PolicyError::new(place, format!("unknown key \"{field}\"")).nearest(field, expected.iter().copied())
        }
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            PolicyError::new(place, format!("unknown condition \"{variant}\""))
                .nearest(variant, expected.iter().copied())
        }
        // The parser knows where the map was read to, not where it began.
        Error::SerdeMissingField { field, .. } => {
            PolicyError::new(place, format!("the map that this line belongs to lacks \"{field}:\""))
        }
        Error::ExpectedMappingEndAfterEnumVariantValue { .. } => {
            PolicyError::new(place, "a rule asks one question, so \"when:\" has one key").fix("write a second rule")
        }
        Error::MultipleDocuments { .. } => {
            PolicyError::new(place, "a second document begins here").fix("give it a file of its own")
        }
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("a key");
            PolicyError::new(place, format!("\"{key}\" is written twice"))
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => {
            PolicyError::new(place, format!("{unexpected} where {expected} belongs"))
        }
        Error::Unexpected { expected, .. } => PolicyError::new(place, format!("{} belongs here", plain(expected))),
        Error::InvalidScalar { ty, .. } => PolicyError::new(place, format!("{} belongs here", plain(ty))),
        Error::Eof { .. } => PolicyError::new(place, "the file is empty"),
        Error::Budget { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            PolicyError::new(place, "the file expands to more than a policy file may hold")
                .fix("write it without nested aliases")
        }
        other => PolicyError::new(place, DefaultMessageFormatter.format_message(other).into_owned()),
    }
}

/// The parser's word for what it expected, for people who do not know parsers.
pub(crate) fn plain(expected: &'static str) -> &'static str {
    match expected {
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "f32" | "f64" | "floating point" => "a number",
        "boolean" => "true or false",
        "string scalar" => "one word, number or text",
        "mapping start" => "a map",
        "sequence start" => "a list, such as [one, another],",
        other => other,
    }
}
