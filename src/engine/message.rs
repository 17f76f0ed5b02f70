//! Messages: who wrote, what it changes, and for the seller's own, whether it may stand.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{
    Author, Channel, ConversationContext, ConversationType, Event, Message, MessageKind, OrderRef, Origin,
    Surface,
};
use crate::policy::Condition;
use crate::policy::condition::{Topics, Unanswered};
use crate::score::{Judgement, Scanned, Scene, Trigger, ask_message, ask_notice, patterns};
use crate::state::store::SentText;
use crate::state::{BuyerMessage, Conversation, Desk, Promise, Store, StoreKey, TaskState, Timers};
use crate::text::{ScanContext, Signals, scan};
use crate::time::{Millis, Span};

use super::held::Wait;
use super::reference::{attached_words, names, numbers, order_of, starts_with_folded, surface_of};
use super::{Answer, Effects, Engine, Outcome};

/// Bursts and follow-ups are remembered as long as the longest window any pack may ask for.
const PATTERN_MEMORY: Span = Span::days(7);
/// Texts are compared within this time at most.
const BURST_MEMORY: Span = Span::hours(1);

impl Engine {
    pub(super) fn message(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        message: &Message<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        let (key, store, _) = state.store_mut(&event.platform, &event.store);
        store.traffic.touch(event.occurred_at);
        learn_agency(store, event);
        let said = matches!(message.kind, MessageKind::Sent | MessageKind::Edited);
        if said && message.author == Author::Unknown {
            // Often a bare notification whose author and text follow under the same id: the id is not used up.
            return Outcome::Unscored;
        }
        if !enter(store, event, message) {
            return Outcome::Duplicate;
        }
        if !said {
            return Outcome::Observed;
        }
        match message.author {
            Author::Buyer => self.buyer(state, &key, event, message, effects),
            Author::Seller => self.seller(state, event, message, effects),
            Author::Platform => self.settle_one(state, event, Wait::Allowed, effects),
            Author::Support | Author::Courier => Outcome::Observed,
            Author::Unknown => Outcome::Unscored,
        }
    }

    /// The buyer's own words are never judged; they open windows, start clocks and set the topic.
    fn buyer(
        &self,
        state: &mut TaskState,
        key: &Arc<StoreKey>,
        event: &Event<'_>,
        message: &Message<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        if message.kind == MessageKind::Edited || message.channel != Channel::PlatformChat {
            return Outcome::Observed;
        }
        let at = event.occurred_at;
        let mut desk = std::mem::take(&mut state.desk);
        let text = message.text.as_deref().unwrap_or_default();
        let context = ScanContext {
            platform: &event.platform,
            surface: Surface::Chat,
            format: message.text_format,
            unjudged: true,
            ..ScanContext::default()
        };
        self.ruleset.scanner.scan(text, &context, &mut desk.scratch, &mut desk.text);
        let topics = self.topics(&desk.text);
        let elsewhere = |signals: &Signals| {
            self.terms
                .promise_elsewhere
                .is_some_and(|id| signals.signals.iter().any(|signal| signal.id == id))
        };

        let stream_time = state.stream_time();
        let (_, store, timers) = state.store_mut(&event.platform, &event.store);
        let needs_answer = self.clock(event).is_none_or(|clock| {
            text.is_empty() || desk.text.class.is_empty() || !clock.closers.intersects(desk.text.class)
        });
        if let Some(conversation) = conversation_mut(store, message) {
            let observed = event.time_source == crate::event::TimeSource::Observed;
            let id = needs_answer.then_some(&*event.event_id);
            conversation.buyer_wrote(BuyerMessage { at, observed, topics }, id);
            if !text.is_empty() {
                desk.quotes.clear();
                scan::quote_hashes(&self.ruleset.scanner, text, &mut desk.scratch, &mut desk.quotes);
                conversation.remember_quotes(at, &desk.quotes);
            }
            if elsewhere(&desk.text) {
                conversation.remember_promise_elsewhere(at);
            }
            self.arm_unanswered(timers, key, message, conversation, stream_time);
        }
        state.desk = desk;
        self.settle_conversation(state, key, message.conversation.as_deref(), effects);
        Outcome::Observed
    }

    /// A message of the seller: judged against what was known before it, then remembered.
    fn seller(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        message: &Message<'_>,
        effects: &mut Effects,
    ) -> Outcome {
        let judged = message.channel != Channel::PlatformChat || {
            let (_, store, _) = state.store_mut(&event.platform, &event.store);
            let known = conversation(store, message).map_or(message.conversation_type, |known| known.kind);
            matches!(known, ConversationType::Buyer | ConversationType::Dispute)
        };
        if !judged {
            return Outcome::Observed;
        }
        if message.channel == Channel::PlatformChat
            && message.text.is_none()
            && message.attachments.is_empty()
        {
            // Something was sent, nobody knows what: it answers the buyer, and there is nothing to judge.
            self.remember_seller(state, event, message, effects);
            return Outcome::Unscored;
        }
        let outcome = self.settle_one(state, event, Wait::Allowed, effects);
        self.remember_seller(state, event, message, effects);
        outcome
    }

    /// Judges a message that has been entered, now or when waiting has ended.
    pub(super) fn settle_one(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        wait: Wait,
        effects: &mut Effects,
    ) -> Outcome {
        let Some(message) = event.message() else { return Outcome::Observed };
        let mut desk = std::mem::take(&mut state.desk);
        let now = state.stream_time().unwrap_or_default();
        let (store_key, store, timers) = state.store_mut(&event.platform, &event.store);
        let judged = self.judge_message(store, &mut desk, event, message, wait, effects);
        if let (Some(key), MessageKind::Sent) = (judged.order, message.kind) {
            if let (Some(kind), Some(order)) = (&judged.kind, store.orders.get_mut(&key)) {
                order.count_use(kind);
            }
            if let Some(promise) = judged.promise {
                // The order may not have been seen yet: what is promised for it is kept all the same.
                let number = Some(Cow::Borrowed(&*key));
                let named = OrderRef { posting: message.order.posting.clone(), order: number, sku: None };
                if let Some((_, order)) = store.order_entry(&named) {
                    order.promise(promise);
                    self.arm_gift(timers, &store_key, &key, order, now);
                }
            }
        }
        state.desk = desk;
        if judged.outcome == Outcome::Held {
            let notice = (message.author == Author::Platform).then(|| self.notice_tolerance(event)).flatten();
            self.hold(state, event, notice.unwrap_or_default().max(self.ruleset.hold_back));
        }
        judged.outcome
    }

    /// How long the status that a notice speaks of may follow it, by the first pack in force that asks.
    fn notice_tolerance(&self, event: &Event<'_>) -> Option<Span> {
        self.conditions(event).find_map(|condition| match condition {
            Condition::UnexplainedNotice { tolerance, .. } => Some(*tolerance),
            _ => None,
        })
    }

    /// Every condition of the packs in force for the event.
    pub(super) fn conditions<'a>(&'a self, event: &Event<'_>) -> impl Iterator<Item = &'a Condition> {
        self.ruleset
            .packs_for(&event.platform, &event.store, event.occurred_at)
            .flat_map(|pack| &pack.rules)
            .map(|rule| &rule.condition)
    }

    /// Scans the words with what is known around them, and puts the message to the rules.
    fn judge_message(
        &self,
        store: &Store,
        desk: &mut Desk,
        event: &Event<'_>,
        message: &Message<'_>,
        wait: Wait,
        effects: &mut Effects,
    ) -> Judged {
        let order_key = order_of(store, message);
        let order = order_key.as_deref().and_then(|key| store.orders.get(key)).filter(|order| order.known);
        let known = conversation(store, message);
        let surface = surface_of(message);

        let text = message.text.as_deref().unwrap_or_default();
        let attached = attached_words(message);
        let names = names(order);
        let numbers = numbers(message, order, known);
        let fragments: SmallVec<[&str; 5]> =
            known.into_iter().flat_map(|known| known.fragments(event.occurred_at)).collect();
        let Desk { scratch, text: in_text, attached: in_attached, quotes } = desk;
        quotes.clear();
        quotes.extend(known.into_iter().flat_map(|known| known.quotes(event.occurred_at)));
        let context = ScanContext {
            platform: &event.platform,
            surface,
            format: message.text_format,
            names: &names,
            numbers: &numbers,
            quoted: quotes,
            recent: &fragments,
            unjudged: false,
        };
        self.ruleset.scanner.scan(text, &context, scratch, in_text);
        in_attached.clear();
        if !attached.is_empty() {
            self.ruleset.scanner.scan(&attached, &context, scratch, in_attached);
        }
        let texts = [
            Scanned { source: text, signals: in_text, attachment: false },
            Scanned { source: &attached, signals: in_attached, attachment: true },
        ];

        let scene = Scene {
            ruleset: &self.ruleset,
            event,
            profile: &store.profile,
            traffic: &store.traffic,
            conversation: known,
            order,
            order_key: order_key.as_deref(),
            texts: &texts,
            surface,
            template: message.template.as_deref().map(|id| (id, store.profile.template(id))),
        };
        let notice = message.author == Author::Platform;
        if !notice && self.is_platform_notice(event, message, text) {
            self.emit(effects, &scene, Trigger::Message, Judgement::exempt(&scene));
            return Judged { outcome: Outcome::Judged, kind: None, promise: None, order: None };
        }
        let judgement = if notice {
            Judgement::of(&scene, ask_notice, false)
        } else {
            Judgement::of(&scene, ask_message, surface == Surface::Chat)
        };
        if notice && !judgement.has_findings() {
            return Judged { outcome: Outcome::Observed, kind: None, promise: None, order: None };
        }
        // The status that a notice speaks of may be reported a little later than the notice.
        if wait == Wait::Allowed && (judgement.may_wait || notice) {
            return Judged { outcome: Outcome::Held, kind: None, promise: None, order: None };
        }
        let kind = judgement.kind.clone();
        let promise = if notice { None } else { self.promise(&scene) };
        self.emit(effects, &scene, Trigger::Message, judgement);
        Judged { outcome: Outcome::Judged, kind, promise, order: order_key }
    }

    /// What a seller's message changes, whatever its verdict. An edit changes nothing.
    fn remember_seller(
        &self,
        state: &mut TaskState,
        event: &Event<'_>,
        message: &Message<'_>,
        effects: &mut Effects,
    ) {
        let text = message.text.as_deref().unwrap_or_default();
        if message.kind != MessageKind::Sent || self.is_platform_notice(event, message, text) {
            return;
        }
        let at = event.occurred_at;
        let (hash, class) = (state.desk.text.folded_hash, state.desk.text.class);
        let stream_time = state.stream_time();
        let (key, store, timers) = state.store_mut(&event.platform, &event.store);
        if message.channel == Channel::PlatformChat {
            let order_key = order_of(store, message);
            let scene = Scene {
                ruleset: &self.ruleset,
                event,
                profile: &store.profile,
                traffic: &store.traffic,
                conversation: conversation(store, message),
                order: order_key.as_deref().and_then(|key| store.orders.get(key)),
                order_key: order_key.as_deref(),
                texts: &[],
                surface: Surface::Chat,
                template: None,
            };
            let sent = SentText { at, text: hash, to: patterns::addressee(&scene) };
            let follow_up = patterns::follow_up(&scene);
            if !text.is_empty() {
                store.traffic.sent(sent, BURST_MEMORY);
            }
            if let Some(follow_up) = follow_up {
                store.traffic.followed_up(follow_up, PATTERN_MEMORY);
            }
        }
        let clock = self.clock(event);
        let answers = message.channel == Channel::PlatformChat
            && clock.is_none_or(|clock| {
                clock.answered_by.contains(&message.origin)
                    && (class.is_empty()
                        || !clock.no_answer.intersects(class)
                        || !message.attachments.is_empty())
            });
        if let Some(conversation) = conversation_mut(store, message) {
            conversation.remember_fragment(at, text);
            conversation.settle_promise_elsewhere();
            if answers {
                let fired = conversation.fired_until().is_some();
                let waited = conversation
                    .first_unanswered()
                    .map(|first| (at.since(first.at), fired.then(|| first.event_id.clone())));
                conversation.seller_answered(at);
                if let Some((waited, alerted)) = waited.filter(|(waited, _)| waited.0 >= 0) {
                    effects.answers.push(Answer {
                        store: Arc::clone(&key),
                        waited,
                        overdue: clock.is_some_and(|clock| waited > clock.breach),
                        alerted,
                    });
                }
                self.arm_unanswered(timers, &key, message, conversation, stream_time);
            }
        }
    }

    /// The platform writes in the seller's name: said so by the origin, or known by the beginning of its text. A
    /// program or a named operator of the seller that copies the words is still the seller.
    fn is_platform_notice(&self, event: &Event<'_>, message: &Message<'_>, text: &str) -> bool {
        match message.origin {
            Origin::PlatformAutomatic => true,
            Origin::Human | Origin::Unknown if message.operator.is_none() => {
                self.ruleset.notices.iter().any(|notice| {
                    *notice.platform == *event.platform && starts_with_folded(text, &notice.prefix)
                })
            }
            _ => false,
        }
    }

    /// The clock of unanswered turns: a conversation has one, the tightest of the packs in force.
    pub(super) fn clock<'a>(&'a self, event: &Event<'_>) -> Option<&'a Unanswered> {
        let clocks = self.conditions(event).filter_map(|condition| match condition {
            Condition::Unanswered(clock) => Some(clock),
            _ => None,
        });
        clocks.min_by_key(|clock| clock.breach)
    }

    fn topics(&self, signals: &Signals) -> Topics {
        let topic = |id| self.terms.topics.iter().find(|(signal, _)| *signal == id).map(|(_, topic)| *topic);
        signals
            .signals
            .iter()
            .filter_map(|signal| topic(signal.id))
            .fold(Topics::empty(), |all, one| all | one)
    }

    /// The gift that the message promises for the order it is about.
    fn promise(&self, scene: &Scene<'_>) -> Option<Promise> {
        let message = scene.message()?;
        let promised = self.terms.gift_promise?;
        let scanned = scene.texts.first()?;
        let found = |id| scanned.signals.signals.iter().filter(move |signal| Some(signal.id) == id);
        found(Some(promised)).next()?;
        let words = found(self.terms.gift_item)
            .filter_map(|signal| scanned.source.get(signal.start as usize..signal.end as usize))
            .flat_map(|words| words.split(|c: char| !c.is_alphanumeric()))
            .filter(|word| word.chars().count() > 2 || word.chars().any(|c| c >= '\u{4e00}'))
            .take(8)
            .map(|word| word.to_lowercase().into_boxed_str())
            .collect();
        Some(Promise {
            at: scene.at(),
            event_id: (&*scene.event.event_id).into(),
            conversation: message.conversation.as_deref().map(Into::into),
            message_id: message.message_id.as_deref().map(Into::into),
            words,
            closed: None,
        })
    }

    fn arm_unanswered(
        &self,
        timers: &mut Timers,
        key: &Arc<StoreKey>,
        message: &Message<'_>,
        known: &mut Conversation,
        stream_time: Option<Millis>,
    ) {
        let Some(id) = message.conversation.as_deref() else { return };
        if matches!(known.kind, ConversationType::Buyer | ConversationType::Dispute) {
            self.arm_turn(timers, key, id, known, stream_time.unwrap_or_default());
        }
    }
}

/// What judging a message came to, and what it changes about the order it is about.
struct Judged {
    outcome: Outcome,
    /// The proactive kind it was let through as.
    kind: Option<Arc<str>>,
    /// The gift it promised.
    promise: Option<Promise>,
    order: Option<Box<str>>,
}

/// Enters the message into its conversation: its id, what it is about, its time. `false` for a repeat, which may
/// still teach what the first arrival lacked (a poll knows the order, a push does not).
fn enter(store: &mut Store, event: &Event<'_>, message: &Message<'_>) -> bool {
    let Some(id) = message.conversation.as_deref() else {
        return store.profile.seen.is_first(&event.event_id, event.occurred_at);
    };
    if !store.conversations.contains_key(id) {
        store.conversations.insert(id.into(), Conversation::default());
    }
    let Some(conversation) = store.conversations.get_mut(id) else { return true };
    if message.conversation_type != ConversationType::Unknown {
        conversation.kind = message.conversation_type;
    }
    if message.context != ConversationContext::Unknown {
        conversation.context = message.context;
    }
    if let Some(number) = message.order.posting.as_deref().or(message.order.order.as_deref())
        && conversation.order.as_deref() != Some(number)
    {
        conversation.order = Some(number.into());
    }
    conversation.touch(event.occurred_at);
    conversation.seen.is_first(&event.event_id, event.occurred_at)
}

fn learn_agency(store: &mut Store, event: &Event<'_>) {
    if let Some(agency) = event.agency.as_deref()
        && store.profile.agency.as_deref() != Some(agency)
    {
        store.profile.agency = Some(agency.into());
    }
}

fn conversation<'a>(store: &'a Store, message: &Message<'_>) -> Option<&'a Conversation> {
    message.conversation.as_deref().and_then(|id| store.conversations.get(id))
}

fn conversation_mut<'a>(store: &'a mut Store, message: &Message<'_>) -> Option<&'a mut Conversation> {
    message.conversation.as_deref().and_then(|id| store.conversations.get_mut(id))
}
