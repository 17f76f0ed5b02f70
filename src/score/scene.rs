//! All that a rule may look at, borrowed for the time of one judgement.

use smallvec::SmallVec;

use crate::event::{Body, Event, Message, OrderEvent, Surface, TimeSource};
use crate::policy::Ruleset;
use crate::policy::condition::{SignalSet, Topics};
use crate::state::{Conversation, Order, Profile, Template, Traffic};
use crate::text::{Confidence, Link, Signal, Signals};
use crate::time::{Millis, Span};

/// One event with everything known around it.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The rules' surroundings: scanner, exceptions.
    pub ruleset: &'a Ruleset,
    /// The event.
    pub event: &'a Event<'a>,
    /// The store.
    pub profile: &'a Profile,
    /// What happens over all conversations of the store.
    pub traffic: &'a Traffic,
    /// The conversation as it was before this event.
    pub conversation: Option<&'a Conversation>,
    /// The order it is about; `None` when nothing is known of one.
    pub order: Option<&'a Order>,
    /// Key of that order, or of the reference when the order is unknown; `None` when no order is named.
    pub order_key: Option<&'a str>,
    /// What was scanned: the text first, then words from attachments.
    pub texts: &'a [Scanned<'a>],
    /// Where the words are shown.
    pub surface: Surface,
    /// Template id of the message or registration, and what is registered under it.
    pub template: Option<(&'a str, Option<&'a Template>)>,
}

/// A text and what was found in it.
#[derive(Clone, Copy, Debug)]
pub struct Scanned<'a> {
    /// The original words.
    pub source: &'a str,
    /// The findings of the scanner.
    pub signals: &'a Signals,
    /// The words come from a picture or QR code, so spans of the message's own text say nothing.
    pub attachment: bool,
}

impl<'a> Scene<'a> {
    /// When it happened.
    pub fn at(&self) -> Millis {
        self.event.occurred_at
    }

    /// Whether its time is the collector's.
    pub fn observed(&self) -> bool {
        self.event.time_source == TimeSource::Observed
    }

    /// The message, when the event is one.
    pub fn message(&self) -> Option<&'a Message<'a>> {
        match &self.event.body {
            Body::Message(message) => Some(message),
            _ => None,
        }
    }

    /// The order event, when the event is one.
    pub fn order_event(&self) -> Option<&'a OrderEvent<'a>> {
        match &self.event.body {
            Body::Order(order) => Some(order),
            _ => None,
        }
    }

    /// Signals of `set`, with the text they stand in.
    pub fn signals_in<'s>(
        &self,
        set: &'s SignalSet,
    ) -> impl Iterator<Item = (&'a Scanned<'a>, &'a Signal)> + 's
    where
        'a: 's,
    {
        self.texts.iter().flat_map(move |scanned| {
            scanned
                .signals
                .signals
                .iter()
                .filter(|signal| set.contains(signal.id))
                .map(move |signal| (scanned, signal))
        })
    }

    /// The surest signal of `set`; `None` when there is none.
    pub fn strongest(&self, set: &SignalSet) -> Option<Confidence> {
        self.signals_in(set).map(|(_, signal)| signal.confidence).max()
    }

    /// Links, with the text they stand in.
    pub fn links(&self) -> impl Iterator<Item = (&'a Scanned<'a>, &'a Link)> {
        self.texts.iter().flat_map(|scanned| scanned.signals.links.iter().map(move |link| (scanned, link)))
    }

    /// What the buyer brought up within `window` before this event.
    pub fn buyer_raised(&self, window: Span) -> Topics {
        self.conversation.map_or(Topics::empty(), |conversation| conversation.topics(self.at(), window))
    }

    /// Original texts, joined for looking up numbers and item names.
    pub fn sources(&self) -> SmallVec<[&'a str; 2]> {
        self.texts.iter().map(|scanned| scanned.source).collect()
    }
}
