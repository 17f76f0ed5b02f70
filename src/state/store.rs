//! What is remembered of a store: its registrations, its standing, and patterns over all its conversations.

use std::collections::VecDeque;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::{
    Enforcement, EnforcementKind, Event, OrderRef, OrderState, Registry, Surface, TemplateClass,
    TemplateEvent, TemplateStatus, order_base,
};
use crate::time::{EARLIEST, Millis, Span};

use super::conversation::Conversation;
use super::flag::Flag;
use super::history::History;
use super::order::Order;
use super::seen::SeenIds;
use super::tracked::{Entries, Tracked};

/// One store. The unit of order: what rules need about a message meets here and nowhere else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Store {
    /// Registrations and standing: one record of the changelog.
    pub profile: Tracked<Profile>,
    /// Patterns over all conversations, and what waits: another one, because it changes with every message.
    pub traffic: Tracked<Traffic>,
    /// Conversations by id.
    pub conversations: Entries<Conversation>,
    /// Orders by posting, or by order number where there is no posting.
    pub orders: Entries<Order>,
    /// Verdicts that were not clean, by their id.
    pub flags: Entries<Flag>,
    /// It is among the stores that were touched.
    pub(super) listed: bool,
    /// Order numbers and bases of posting numbers, to the key of the order last seen under them.
    pub(super) aliases: HashMap<Box<str>, Box<str>>,
}

/// What is registered of a store, and how it stands with its marketplace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Agency that runs it.
    pub agency: Option<Box<str>>,
    /// Human name.
    pub title: Option<Box<str>>,
    /// Whether it may sell.
    frozen: History<bool>,
    /// Permissions by name.
    capabilities: HashMap<Box<str>, History<bool>>,
    /// Brand domains.
    domains: HashMap<Box<str>, History<bool>>,
    /// Templates by id.
    templates: HashMap<Box<str>, Template>,
    /// Ids of registry, enforcement and conversation-less events.
    pub seen: SeenIds,
}

/// What happens in a store, over all its conversations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Texts sent lately, for bursts.
    sent: VecDeque<SentText>,
    /// Messages that followed a status event, for automata.
    follow_ups: VecDeque<FollowUp>,
    /// Events that wait for a fact that may still arrive.
    pub held: Vec<Held>,
    /// Latest event.
    pub last_event_at: Millis,
}

/// A template and its life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Template {
    /// What it is for.
    pub class: Option<TemplateClass>,
    /// Where it is shown.
    pub surface: Surface,
    /// Its words, by time.
    pub text: History<Box<str>>,
    /// Its standing, by time.
    pub status: History<TemplateStatus>,
    /// Event id of its last submission: a timer verdict names it.
    pub submitted_by: Option<Box<str>>,
    /// Deadlines of its reviews that have not been looked at, each with when that is.
    pub looks: SmallVec<[Look; 2]>,
}

/// A deadline, and when it is looked at: at its time, or later when it became known too late for that. A restart must
/// neither forget nor move that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The deadline.
    pub deadline: Millis,
    /// When.
    pub at: Millis,
}

/// A text that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentText {
    /// When.
    pub at: Millis,
    /// Hash of the folded text.
    pub text: u64,
    /// Hash of the buyer or conversation.
    pub to: u64,
}

/// A message that followed a status event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUp {
    /// When the message was sent.
    pub at: Millis,
    /// How long after the status event.
    pub delay: Span,
    /// The status.
    pub state: OrderState,
    /// Hash of the order.
    pub order: u64,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// When waiting ends, in stream time.
    pub until: Millis,
    /// What waits.
    pub event: Event<'static>,
}

impl Store {
    /// From now on changes are kept.
    pub(super) fn track(&mut self) {
        self.conversations.track();
        self.orders.track();
        self.flags.track();
    }

    /// The order that `reference` speaks of: by posting, then by order number, then by what the numbers have in
    /// common (platforms print posting and order numbers in the same field).
    pub fn order_key(&self, reference: &OrderRef<'_>) -> Option<&str> {
        let exact = |number: &str| self.orders.get_key_value(number).map(|(key, _)| key);
        let alias = |number: &str| {
            let base = order_base(number);
            self.aliases
                .get(number)
                .or_else(|| self.aliases.get(base))
                .map(|key| &**key)
                .or_else(|| exact(base))
        };
        let posting = reference.posting.as_deref();
        let order = reference.order.as_deref();
        posting
            .and_then(exact)
            .or_else(|| order.and_then(exact))
            .or_else(|| posting.and_then(alias))
            .or_else(|| order.and_then(alias))
    }

    /// The order of `reference`, created when nobody spoke of it before. `None` when the reference names nothing.
    pub fn order_entry(&mut self, reference: &OrderRef<'_>) -> Option<(Box<str>, &mut Order)> {
        let number = reference.posting.as_deref().or(reference.order.as_deref())?;
        // An order known under its bare number takes in the first posting that names it; two postings stay apart.
        let known = self
            .order_key(reference)
            .filter(|key| *key == number || reference.posting.is_none() || *key == order_base(number));
        let key: Box<str> = known.unwrap_or(number).into();
        for alias in [reference.order.as_deref(), Some(order_base(number))].into_iter().flatten() {
            if *alias != *key && self.aliases.get(alias).is_none_or(|old| *old != key) {
                self.aliases.insert(alias.into(), key.clone());
            }
        }
        let entry = self.orders.get_or_default(&key);
        Some((key, entry))
    }

    /// Builds the aliases anew from the orders (after a restore).
    pub(super) fn realias(&mut self, key: &str) {
        let Some(order) = self.orders.get(key) else { return };
        for number in order.numbers.iter().map(|number| &**number).chain([key]) {
            for alias in [number, order_base(number)] {
                if alias != key {
                    self.aliases.insert(alias.into(), key.into());
                }
            }
        }
    }
}

impl Profile {
    const CAP: usize = 4096;
    /// A freeze without an `unfreeze` ends by itself after this long (founding brief: 72 h).
    pub const FREEZE: Span = Span::hours(72);

    /// Takes a registration.
    pub fn register(&mut self, event: &Registry<'_>, event_id: &str, at: Millis) {
        match event {
            Registry::Template(template) => self.register_template(template, event_id, at),
            Registry::Capability { name, granted } => {
                record(&mut self.capabilities, &word(name), at, *granted)
            }
            Registry::Domain { domain, registered } => {
                record(&mut self.domains, &domain.to_lowercase(), at, *registered);
            }
            Registry::Store { title, .. } => {
                self.title = title.as_deref().map(Into::into).or_else(|| self.title.take());
            }
        }
    }

    fn register_template(&mut self, event: &TemplateEvent<'_>, event_id: &str, at: Millis) {
        if self.templates.len() >= Self::CAP && !self.templates.contains_key(&*event.template) {
            return;
        }
        let template = self.templates.entry((&*event.template).into()).or_default();
        template.class = event.class.or(template.class);
        if event.surface != Surface::default() || template.status.is_empty() {
            template.surface = event.surface;
        }
        if let Some(text) = &event.text {
            template.text.record(at, (&**text).into());
        }
        template.status.record(at, event.status);
        if event.status == TemplateStatus::Submitted {
            template.submitted_by = Some(event_id.into());
        }
    }

    /// Takes an act of the marketplace.
    pub fn enforce(&mut self, event: &Enforcement<'_>, at: Millis) {
        match event.kind {
            EnforcementKind::Freeze | EnforcementKind::Closure => {
                self.frozen.record(at, true);
                if event.kind == EnforcementKind::Freeze {
                    self.frozen.record(at.plus(Self::FREEZE), false);
                }
            }
            EnforcementKind::Unfreeze => self.frozen.record(at, false),
            EnforcementKind::Warning | EnforcementKind::Fine => {}
        }
    }

    /// Whether the store may not sell at `at`.
    pub fn frozen_at(&self, at: Millis) -> bool {
        self.frozen.at(at).copied().unwrap_or(false)
    }

    /// Whether the store has the permission at `at`.
    pub fn has_capability(&self, name: &str, at: Millis) -> bool {
        self.capabilities.get(&*word(name)).and_then(|history| history.at(at)).copied().unwrap_or(false)
    }

    /// Whether `host` or its registrable `domain` is registered at `at`.
    pub fn has_domain(&self, host: &str, domain: Option<&str>, at: Millis) -> bool {
        [Some(host), domain]
            .into_iter()
            .flatten()
            .filter_map(|name| self.domains.get(name))
            .any(|history| history.at(at).copied().unwrap_or(false))
    }

    /// The template of this id.
    pub fn template(&self, id: &str) -> Option<&Template> {
        self.templates.get(id)
    }

    /// The same, to change it.
    pub fn template_mut(&mut self, id: &str) -> Option<&mut Template> {
        self.templates.get_mut(id)
    }

    /// Every template.
    pub fn templates(&self) -> impl Iterator<Item = (&str, &Template)> {
        self.templates.iter().map(|(id, template)| (&**id, template))
    }

    /// Forgets what an earlier file of stores said: it speaks from the beginning of time.
    pub(crate) fn unseed(&mut self) {
        for histories in [&mut self.capabilities, &mut self.domains] {
            histories.retain(|_, history| {
                history.forget(EARLIEST);
                !history.is_empty()
            });
        }
        self.templates.retain(|_, template| {
            template.text.forget(EARLIEST);
            template.status.forget(EARLIEST);
            !template.status.is_empty()
        });
    }
}

impl Traffic {
    const SENT_CAP: usize = 1024;
    const FOLLOW_UPS_CAP: usize = 256;

    /// Something happened in the store.
    pub fn touch(&mut self, at: Millis) {
        self.last_event_at = self.last_event_at.max(at);
    }

    /// Remembers a text that was sent; forgets what lies more than `keep` before it.
    pub fn sent(&mut self, text: SentText, keep: Span) {
        push(&mut self.sent, text, |entry| text.at.since(entry.at) <= keep, Self::SENT_CAP);
    }

    /// Buyers other than `to` who got the same text within `within` before `at`.
    pub fn sent_to_others(&self, text: u64, to: u64, at: Millis, within: Span) -> usize {
        let mut others: smallvec::SmallVec<[u64; 16]> = smallvec::SmallVec::new();
        let (older, newer) = self.sent.as_slices();
        for entries in [older, newer] {
            // Nearly every text is another one: that is told first.
            for entry in entries.iter().filter(|entry| entry.text == text) {
                if entry.to != to && entry.at <= at && at.since(entry.at) <= within {
                    others.push(entry.to);
                }
            }
        }
        others.sort_unstable();
        others.dedup();
        others.len()
    }

    /// Remembers a message that followed a status event.
    pub fn followed_up(&mut self, follow_up: FollowUp, keep: Span) {
        push(
            &mut self.follow_ups,
            follow_up,
            |entry| follow_up.at.since(entry.at) <= keep,
            Self::FOLLOW_UPS_CAP,
        );
    }

    /// Follow-ups of `state` about other orders within `within` before `at`, latest first.
    pub fn follow_ups(
        &self,
        state: OrderState,
        order: u64,
        at: Millis,
        within: Span,
    ) -> impl Iterator<Item = &FollowUp> {
        self.follow_ups.iter().rev().filter(move |entry| {
            entry.state == state && entry.order != order && entry.at <= at && at.since(entry.at) <= within
        })
    }
}

impl Template {
    const LOOKS_CAP: usize = 32;

    /// Has a deadline looked at; one that waits for that already is left as it is. Returns when it will be.
    pub fn look(&mut self, look: Look) -> Millis {
        if let Some(known) = self.looks.iter().find(|known| known.deadline == look.deadline) {
            return known.at;
        }
        if self.looks.len() >= Self::LOOKS_CAP {
            self.looks.remove(0);
        }
        self.looks.push(look);
        look.at
    }

    /// A deadline has been looked at.
    pub fn looked(&mut self, deadline: Millis) {
        self.looks.retain(|look| look.deadline != deadline);
    }

    /// Its standing at `at`; `None` before it was submitted.
    pub fn status_at(&self, at: Millis) -> Option<TemplateStatus> {
        self.status.at(at).copied()
    }

    /// Since when it waits for its review, when it does at `at`.
    pub fn pending_since(&self, at: Millis) -> Option<Millis> {
        let (since, status) = self.status.iter().rev().find(|(time, _)| *time <= at)?;
        (*status == TemplateStatus::Submitted).then_some(since)
    }
}

/// A name as one word: producers write "WB Care", "wb-care" and `wb_care`.
fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).flat_map(char::to_lowercase).collect()
}

fn record(histories: &mut HashMap<Box<str>, History<bool>>, name: &str, at: Millis, value: bool) {
    if histories.len() < Profile::CAP || histories.contains_key(name) {
        histories.entry(name.into()).or_default().record(at, value);
    }
}

fn push<T>(queue: &mut VecDeque<T>, entry: T, keep: impl Fn(&T) -> bool, cap: usize) {
    while queue.front().is_some_and(|oldest| !keep(oldest)) || queue.len() >= cap {
        queue.pop_front();
    }
    queue.push_back(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(posting: &'static str, order: &'static str) -> OrderRef<'static> {
        let some = |text: &'static str| (!text.is_empty()).then(|| text.into());
        OrderRef { posting: some(posting), order: some(order), sku: None }
    }

    #[test]
    fn an_order_is_found_by_any_of_its_numbers() {
        // (posting, order) of the event, (posting, order) of the message, key found
        for (event, message, expected) in [
            (("24219509-0020-1", ""), ("24219509-0020-1", ""), Some("24219509-0020-1")),
            (("24219509-0020-1", ""), ("", "24219509-0020"), Some("24219509-0020-1")),
            (("", "24219509-0020-1"), ("", "24219509-0020"), Some("24219509-0020-1")),
            (("24219509-0020-1", "24219509-0020"), ("", "24219509-0020"), Some("24219509-0020-1")),
            (("", "24219509-0020"), ("24219509-0020-2", ""), Some("24219509-0020")),
            (("p-1", "o-1"), ("", "o-1"), Some("p-1")),
            (("", "123"), ("", "1234"), None),
            (("", "123"), ("", ""), None),
        ] {
            let mut store = Store::default();
            let _ = store.order_entry(&reference(event.0, event.1)).unwrap();
            assert_eq!(store.order_key(&reference(message.0, message.1)), expected, "{event:?} {message:?}");
        }
    }

    #[test]
    fn two_postings_of_an_order_stay_apart() {
        let mut store = Store::default();
        for posting in ["24219509-0020-1", "24219509-0020-2"] {
            let (key, _) = store.order_entry(&reference(posting, "24219509-0020")).unwrap();
            assert_eq!(&*key, posting);
        }
        assert_eq!(store.orders.len(), 2);
    }

    #[test]
    fn a_freeze_ends_by_itself_or_when_lifted() {
        let hour = |n| Millis(Span::hours(n).0);
        let act = |kind| Enforcement { kind, ..Enforcement::default() };
        let mut profile = Profile::default();
        profile.enforce(&act(EnforcementKind::Freeze), hour(10));
        for (at, expected) in [(9, false), (10, true), (81, true), (82, false)] {
            assert_eq!(profile.frozen_at(hour(at)), expected, "at {at} h");
        }
        profile.enforce(&act(EnforcementKind::Unfreeze), hour(20));
        assert!(!profile.frozen_at(hour(21)));
    }
}
