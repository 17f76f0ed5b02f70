//! A text by itself: what `lint`, `backtest` and a draft's check judge.

use std::borrow::Cow;

use crate::event::{
    Author, Body, Channel, ConversationType, Event, Item, Message, OrderEvent, OrderKind, OrderRef, Origin,
    Registry, Surface, TemplateEvent, TemplateStatus, TextFormat, TimeSource,
};
use crate::policy::StoreSeed;
use crate::score::{Judgement, Trigger, Verdict};
use crate::state::TaskState;
use crate::time::{Millis, Span};

use super::{Effects, Emit, Engine};

/// A text without a conversation.
#[derive(Clone, Copy, Debug, Default)]
pub struct BareText<'a> {
    /// Platform whose packs judge.
    pub platform: &'a str,
    /// Store whose parameters hold; the platform's when `None`.
    pub store: Option<&'a str>,
    /// Where it is shown.
    pub surface: Surface,
    /// Its words.
    pub text: &'a str,
    /// Becomes the verdict's `event_id`.
    pub id: &'a str,
    /// The packs in force then judge.
    pub at: Millis,
    /// What is known around it. Only a chat has anything around it.
    pub around: Around<'a>,
}

/// What is known around a text in chat.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    /// What the buyer wrote just before; some question when `None`.
    pub buyer: Option<&'a str>,
    /// What the seller wrote in the minutes before, oldest first.
    pub earlier: &'a [&'a str],
    /// Titles of the order's items.
    pub items: &'a [&'a str],
    /// The order's own numbers: order, tracking.
    pub numbers: &'a [&'a str],
}

impl Engine {
    /// Judges a text by itself: in chat as a seller's reply inside an open window, elsewhere as what is shown there.
    /// `seed` is what is known of its store before any event.
    pub fn check_text(&self, bare: &BareText<'_>, seed: Option<&StoreSeed>) -> Verdict {
        self.judge_text(bare, seed).0
    }

    /// The same, and whether the encoder was asked about the text.
    pub fn judge_text(&self, bare: &BareText<'_>, seed: Option<&StoreSeed>) -> (Verdict, bool) {
        let BareText { platform, store, surface, text, id, at, around } = *bare;
        let engine = Self { emit: Emit::All, ..self.clone() };
        let mut state = TaskState::default();
        if let Some(seed) = seed {
            Self::seed_one(&mut state, seed);
        }
        let mut effects = Effects::default();
        let event = |event_id: &str, at, body| Event {
            event_id: Cow::Owned(event_id.to_owned()),
            platform: platform.into(),
            store: store.unwrap_or("check").into(),
            agency: None,
            occurred_at: at,
            time_source: TimeSource::Native,
            observed_at: None,
            body,
        };
        let mut take = |event: Event<'_>| {
            engine.process(&mut state, &event, &mut effects);
        };
        if surface == Surface::Chat {
            let order = order(&around);
            let number = order.as_ref().map(|order| order.order.clone()).unwrap_or_default();
            let message = |author, text| message(author, text, number.clone());
            if let Some(order) = order {
                take(event("order", at.minus(Span::minutes(2)), Body::Order(order)));
            }
            let question = message(Author::Buyer, around.buyer.unwrap_or("?"));
            take(event("question", at.minus(Span::minutes(1)), question));
            for (index, text) in around.earlier.iter().enumerate() {
                let before = (around.earlier.len() - index) as i64;
                take(event(
                    &format!("earlier {index}"),
                    at.minus(Span::seconds(before)),
                    message(Author::Seller, text),
                ));
            }
            state.desk.scratch.take_asked();
            engine.process(&mut state, &event(id, at, message(Author::Seller, text)), &mut effects);
        } else {
            let template = TemplateEvent {
                template: "check".into(),
                status: TemplateStatus::Submitted,
                surface,
                text: Some(text.into()),
                ..TemplateEvent::default()
            };
            take(event(id, at, Body::Registry(Registry::Template(template))));
        }
        engine.finish(&mut state, &mut effects);
        let asked = state.desk.scratch.take_asked() > 0;
        let verdict = match effects.verdicts.pop() {
            Some(verdict) => verdict,
            // A platform without packs forbids nothing.
            None => {
                let nothing = event(id, at, Body::Message(Message::default()));
                Judgement::default().into_record(&nothing, Trigger::Message, at, None, None)
            }
        };
        (verdict, asked)
    }
}

fn message<'a>(author: Author, text: &'a str, order: OrderRef<'a>) -> Body<'a> {
    Body::Message(Message {
        conversation: Some("check".into()),
        conversation_type: ConversationType::Buyer,
        author,
        origin: Origin::Human,
        channel: Channel::PlatformChat,
        text: Some(text.into()),
        text_format: TextFormat::Markdown,
        order,
        ..Message::default()
    })
}

/// The order that a text is about, when anything of it is known.
fn order<'a>(around: &Around<'a>) -> Option<OrderEvent<'a>> {
    if around.items.is_empty() && around.numbers.is_empty() {
        return None;
    }
    let items = around.items.iter().map(|title| Item { title: Some((*title).into()), ..Item::default() });
    let number = around.numbers.first().copied().unwrap_or("check");
    Some(OrderEvent {
        kind: OrderKind::Created,
        order: OrderRef { order: Some(number.into()), ..OrderRef::default() },
        items: items.collect(),
        tracking: around.numbers.iter().skip(1).map(|&number| number.into()).collect(),
        ..OrderEvent::default()
    })
}
