//! From texts of a pack to values: parameters, lengths of time, numbers, words, signals, lists.
//!
//! A reader never stops at a fault: it records it and goes on with a stand-in, because a policy author wants all
//! faults of a file at once. Nothing compiled with a fault is ever used.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::text::{HostClass, SignalId};
use crate::time::Span;

use super::condition::{LinkAllow, SignalSet};
use super::diff::EffectiveField;
use super::error::{Place, PolicyError};
use super::layers::{Layer, Origin, Sourced};
use super::spec::Text;
use super::words::Word;

/// What rules may speak of: the names the scanner knows.
pub trait Vocabulary {
    /// The signal of this name.
    fn signal(&self, name: &str) -> Option<SignalId>;
    /// Every signal name.
    fn signal_names(&self) -> Vec<&str>;
    /// Every named list of links.
    fn list_names(&self) -> Vec<&str>;
}

impl Vocabulary for crate::text::Scanner {
    fn signal(&self, name: &str) -> Option<SignalId> {
        Self::signal(self, name)
    }

    fn signal_names(&self) -> Vec<&str> {
        self.signals().map(|(_, name)| name).collect()
    }

    fn list_names(&self) -> Vec<&str> {
        self.domains().list_names()
    }
}

/// Reads the values of one rule.
pub(super) struct Reader<'a> {
    pub(super) vocabulary: &'a dyn Vocabulary,
    pub(super) params: &'a [(String, Sourced<String>)],
    pub(super) rule: &'a str,
    /// Where the text that is being read comes from.
    pub(super) origin: Origin,
    /// Where its question begins.
    pub(super) at: Place,
    pub(super) errors: &'a mut Vec<PolicyError>,
    /// Parameters that were asked for.
    pub(super) used: &'a mut BTreeSet<String>,
    /// What was read, for `policy show`.
    pub(super) fields: Vec<EffectiveField>,
}

/// A value with its parameter, if it came from one.
struct Value {
    text: String,
    place: Place,
    layer: Layer,
    param: Option<String>,
}

impl Reader<'_> {
    pub(super) fn error(&mut self, error: PolicyError) {
        self.errors.push(error.in_rule(self.rule));
    }

    pub(super) fn place(&self, text: &Text) -> Place {
        self.origin.place(text)
    }

    /// Where to look when values contradict each other: at the first that an operator or a store set, because the
    /// pack was sound before; else at the first.
    pub(super) fn blame(&self, texts: &[&Text]) -> Place {
        let param = |text: &&&Text| {
            let name = text.value.strip_prefix('$')?;
            self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value)
        };
        let mut params = texts.iter().filter_map(|text| param(&text));
        let set = params.find(|value| matches!(value.layer, Layer::Overlay | Layer::Store(..)));
        match (set, texts) {
            (Some(value), _) => value.place.clone(),
            (None, [first, ..]) => self.place(first),
            (None, []) => self.at.clone(),
        }
    }

    /// Puts the value of a parameter in the place of its name.
    fn resolve(&mut self, text: &Text) -> Option<Value> {
        let place = self.place(text);
        let Some(name) = text.value.strip_prefix('$') else {
            let layer = self.origin.layer.clone();
            return Some(Value { text: text.value.clone(), place, layer, param: None });
        };
        self.used.insert(name.to_owned());
        match self.params.iter().find(|(known, _)| known == name) {
            Some((_, value)) => Some(Value {
                text: value.value.clone(),
                place: value.place.clone(),
                layer: value.layer.clone(),
                param: Some(name.to_owned()),
            }),
            None => {
                let known: Vec<&str> = self.params.iter().map(|(known, _)| known.as_str()).collect();
                let error =
                    PolicyError::new(place, format!("unknown parameter \"${name}\"")).nearest(name, known);
                self.error(error);
                None
            }
        }
    }

    fn record(&mut self, name: &str, value: Value) {
        self.fields.push(EffectiveField {
            name: name.to_owned(),
            value: value.text,
            param: value.param,
            place: value.place,
            layer: value.layer,
        });
    }

    /// Whether a text, or the parameter it names, is this word.
    pub(super) fn is(&self, text: &Text, word: &str) -> bool {
        let param =
            text.value.strip_prefix('$').and_then(|name| self.params.iter().find(|(known, _)| known == name));
        param.map_or(&text.value, |(_, value)| &value.value) == word
    }

    /// A fault of a value: at the parameter when it comes from one.
    fn fault(&mut self, value: &Value, message: &str) -> PolicyError {
        let message = match &value.param {
            Some(name) => format!("parameter \"{name}\": {message}"),
            None => message.to_owned(),
        };
        PolicyError::new(value.place.clone(), message)
    }

    /// A length of time that may be zero.
    pub(super) fn span(&mut self, name: &str, text: &Text) -> Span {
        let Some(value) = self.resolve(text) else { return Span(0) };
        let span = match Span::parse(&value.text) {
            Ok(span) => span,
            Err(_) if value.text.starts_with('-') => {
                let error = self.fault(&value, &format!("{name} is negative: \"{}\"", value.text));
                self.error(error);
                Span(0)
            }
            Err(error) => {
                let error = self.fault(&value, &format!("{name}: \"{}\" is {error}", value.text));
                self.error(error);
                Span(0)
            }
        };
        self.record(name, value);
        span
    }

    /// A window: a length of time above zero.
    pub(super) fn window(&mut self, name: &str, text: &Text) -> Span {
        let before = self.errors.len();
        let span = self.span(name, text);
        if span.0 == 0 && self.errors.len() == before {
            let error = PolicyError::new(self.blame(&[text]), format!("{name} is 0, so it is never open"));
            self.error(error);
        }
        span
    }

    /// A number of at least `least`.
    pub(super) fn count(&mut self, name: &str, text: &Text, least: u32, because: &str) -> u32 {
        let Some(value) = self.resolve(text) else { return least };
        let number = match value.text.parse::<u32>() {
            Ok(number) if number < least => {
                let error = self.fault(&value, &format!("{name} is {number}, but {because}"));
                self.error(error);
                least
            }
            Ok(number) => number,
            Err(_) => {
                let error = self.fault(&value, &format!("{name}: \"{}\" is no whole number", value.text));
                self.error(error);
                least
            }
        };
        self.record(name, value);
        number
    }

    /// A free name.
    pub(super) fn name(&mut self, name: &str, text: &Text) -> Arc<str> {
        let Some(value) = self.resolve(text) else { return Arc::from("") };
        let arc = Arc::from(value.text.as_str());
        self.record(name, value);
        arc
    }

    /// A word of a closed list.
    pub(super) fn word<W: Word>(&mut self, name: &str, text: &Text) -> Option<W> {
        let value = self.resolve(text)?;
        let word = W::read(&value.text);
        if word.is_none() {
            let error = self
                .fault(&value, &format!("unknown {} \"{}\"", W::WHAT, value.text))
                .nearest(&value.text, W::words());
            self.error(error);
        }
        self.record(name, value);
        word
    }

    /// Words of a closed list, each at most once.
    pub(super) fn words<W: Word>(&mut self, name: &str, texts: &[Text]) -> Vec<W> {
        let words = texts.iter().enumerate().filter_map(|(index, text)| {
            if texts[..index].iter().any(|earlier| earlier.value == text.value) {
                let message = format!("{name}: \"{}\" is listed twice", text.value);
                self.errors.push(PolicyError::new(self.origin.place(text), message).in_rule(self.rule));
            }
            let word = W::read(&text.value);
            if word.is_none() {
                self.errors.push(
                    PolicyError::new(
                        self.origin.place(text),
                        format!("unknown {} \"{}\"", W::WHAT, text.value),
                    )
                    .nearest(&text.value, W::words())
                    .in_rule(self.rule),
                );
            }
            word
        });
        let words = words.collect();
        self.record_list(name, texts);
        words
    }

    fn record_list(&mut self, name: &str, texts: &[Text]) {
        let Some(first) = texts.first() else { return };
        let list = texts.iter().map(|text| text.value.as_str()).collect::<Vec<_>>().join(", ");
        let value = Value {
            text: format!("[{list}]"),
            place: self.place(first),
            layer: self.origin.layer.clone(),
            param: None,
        };
        self.record(name, value);
    }

    /// Free names.
    pub(super) fn names(&mut self, name: &str, texts: &[Text]) -> Vec<Arc<str>> {
        self.record_list(name, texts);
        texts.iter().map(|text| Arc::from(text.value.as_str())).collect()
    }

    /// A truth value, recorded when it is set.
    pub(super) fn flag(&mut self, name: &str, value: bool) -> bool {
        if value {
            let layer = self.origin.layer.clone();
            let value = Value { text: "true".to_owned(), place: self.at.clone(), layer, param: None };
            self.record(name, value);
        }
        value
    }

    /// Signals: exact names, or `group.*`.
    pub(super) fn signals(&mut self, name: &str, texts: &[Text]) -> SignalSet {
        let mut set = SignalSet::default();
        for text in texts {
            let found = match text.value.strip_suffix(".*") {
                Some(group) => self.group(group),
                None => self.vocabulary.signal(&text.value).into_iter().collect(),
            };
            if found.is_empty() {
                let vocabulary = self.vocabulary;
                let mut known: Vec<String> =
                    vocabulary.signal_names().into_iter().map(str::to_owned).collect();
                if text.value.ends_with(".*") {
                    known = known
                        .iter()
                        .filter_map(|name| Some(format!("{}.*", name.split_once('.')?.0)))
                        .collect();
                    known.dedup();
                }
                let message = format!("unknown signal \"{}\"", text.value);
                let error = PolicyError::new(self.place(text), message)
                    .nearest(&text.value, known.iter().map(String::as_str));
                self.error(error);
            }
            found.into_iter().for_each(|id| set.insert(id));
        }
        self.record_list(name, texts);
        set
    }

    fn group(&self, group: &str) -> Vec<SignalId> {
        let member = |name: &&str| name.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'));
        let names = self.vocabulary.signal_names();
        names.into_iter().filter(member).filter_map(|name| self.vocabulary.signal(name)).collect()
    }

    /// A named list of links.
    pub(super) fn list(&mut self, name: &str, text: &Text) -> Arc<str> {
        self.check_list(text, &text.value);
        self.name(name, text)
    }

    fn check_list(&mut self, text: &Text, list: &str) {
        let vocabulary = self.vocabulary;
        let known = vocabulary.list_names();
        if !known.contains(&list) {
            let error = PolicyError::new(self.place(text), format!("unknown list of links \"{list}\""))
                .nearest(list, known);
            self.error(error);
        }
    }

    /// Allowed links: classes of hosts, `registered_domain`, `list:<name>`.
    pub(super) fn links(&mut self, name: &str, texts: &[Text]) -> Vec<LinkAllow> {
        let mut allowed = Vec::new();
        for text in texts {
            if text.value == "registered_domain" {
                allowed.push(LinkAllow::RegisteredDomain);
            } else if let Some(list) = text.value.strip_prefix("list:") {
                self.check_list(text, list);
                allowed.push(LinkAllow::List(Arc::from(list)));
            } else if let Some(class) = HostClass::read(&text.value) {
                allowed.push(LinkAllow::Class(class));
            } else {
                let words = HostClass::words().into_iter().chain(["registered_domain", "list:<name>"]);
                let error =
                    PolicyError::new(self.place(text), format!("unknown kind of link \"{}\"", text.value))
                        .nearest(&text.value, words);
                self.error(error);
            }
        }
        self.record_list(name, texts);
        allowed
    }
}
