//! What arrived: the canonical event, borrowed from the bytes that carried it.
//!
//! [`decode`] turns one record (canonical JSON or a native envelope) into [`Event`]s. Nothing here knows a rule.
//! Texts are borrowed when the JSON has no escapes; [`Event::into_owned`] is for the few events that must wait.

mod canonical;
mod decode;
mod ids;
mod native;
mod owned;
mod wire;
mod words;

use std::borrow::Cow;

pub use decode::{DecodeError, Decoded, ErrorCode, SkipReason, decode};
pub use ids::order_base;
pub use words::{
    Author, ChangeStatus, Channel, ConversationContext, ConversationType, DispositionLabel, EnforcementKind,
    MessageKind, OrderKind, OrderState, Origin, Party, Scheme, Surface, TemplateClass, TemplateStatus,
    TextFormat, TimeSource,
};

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// One thing that happened in one store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event<'a> {
    /// Deterministic id; a repeated one is a duplicate.
    pub event_id: Cow<'a, str>,
    /// Marketplace, as the packs name it.
    pub platform: Cow<'a, str>,
    /// Store id within the platform.
    pub store: Cow<'a, str>,
    /// Agency that runs the store, when the event says so.
    pub agency: Option<Cow<'a, str>>,
    /// When it happened.
    pub occurred_at: Millis,
    /// Whether `occurred_at` is the platform's own time or the collector's.
    pub time_source: TimeSource,
    /// When the collector saw it.
    pub observed_at: Option<Millis>,
    /// What happened.
    pub body: Body<'a>,
}

/// What happened, by event type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body<'a> {
    /// Something was written, read, opened or closed in a conversation.
    Message(Message<'a>),
    /// An order changed.
    Order(OrderEvent<'a>),
    /// A template, capability, domain or store was registered.
    Registry(Registry<'a>),
    /// The marketplace punished the store, or let it go.
    Enforcement(Enforcement<'a>),
    /// A reviewer labelled a verdict.
    Disposition(Disposition<'a>),
}

/// A message or another event of a conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Message<'a> {
    /// What happened to it.
    pub kind: MessageKind,
    /// Conversation (chat) id; absent for off-platform channels that have none.
    pub conversation: Option<Cow<'a, str>>,
    /// Who the conversation is with.
    pub conversation_type: ConversationType,
    /// What the conversation is about, where the platform says so.
    pub context: ConversationContext,
    /// Message id.
    pub message_id: Option<Cow<'a, str>>,
    /// Who wrote.
    pub author: Author,
    /// What wrote: a person, a program, the platform.
    pub origin: Origin,
    /// Over which channel.
    pub channel: Channel,
    /// The words; absent for pictures and for notifications that carry ids alone.
    pub text: Option<Cow<'a, str>>,
    /// How to read `text`.
    pub text_format: TextFormat,
    /// Files, pictures, product cards.
    pub attachments: Vec<Attachment<'a>>,
    /// The order it speaks of.
    pub order: OrderRef<'a>,
    /// Template id, from the sending system.
    pub template: Option<Cow<'a, str>>,
    /// Operator, from the sending system.
    pub operator: Option<Cow<'a, str>>,
    /// Buyer id.
    pub buyer: Option<Cow<'a, str>>,
}

/// A file, picture or card sent with a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attachment<'a> {
    /// `image`, `file`, `product_card`, or what the producer says.
    pub kind: Cow<'a, str>,
    /// Where it lies.
    pub url: Option<Cow<'a, str>>,
    /// Words read from the picture by the producer.
    pub ocr_text: Option<Cow<'a, str>>,
    /// Contents of QR codes read from the picture by the producer.
    pub qr_payloads: Vec<Cow<'a, str>>,
}

/// The order a message or event speaks of; each part may be missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderRef<'a> {
    /// Posting (shipment) number.
    pub posting: Option<Cow<'a, str>>,
    /// Order number.
    pub order: Option<Cow<'a, str>>,
    /// Item the message is about.
    pub sku: Option<Cow<'a, str>>,
}

/// Something happened to an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderEvent<'a> {
    /// What happened.
    pub kind: OrderKind,
    /// Which order.
    pub order: OrderRef<'a>,
    /// Delivery scheme; `Unknown` when the event does not say.
    pub scheme: Scheme,
    /// State reached, when the event names one. `Cancelled` follows from kind `cancelled`.
    pub state: Option<OrderState>,
    /// What was bought; empty when the event does not say.
    pub items: Vec<Item<'a>>,
    /// Tracking numbers; empty when the event does not say.
    pub tracking: Vec<Cow<'a, str>>,
    /// A delay or exception (`logistics_event`).
    pub delay: bool,
    /// `address_change`: how far it went.
    pub status: Option<ChangeStatus>,
    /// `address_change`, `review_invited`: who did it.
    pub by: Option<Party>,
    /// `shipped_with`: insert id. `Some(None)` means "no insert", `None` means the event does not say.
    pub insert: Option<Option<Cow<'a, str>>>,
    /// `shipped_with`: gifts in the parcel. `None` means the event does not say.
    pub gift_items: Option<Vec<Item<'a>>>,
    /// `page_changed`: blocks on the order page.
    pub blocks: Vec<Cow<'a, str>>,
    /// `page_changed`: contents of its QR codes.
    pub qr_payloads: Vec<Cow<'a, str>>,
}

/// One line of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item<'a> {
    /// Stock keeping unit or offer id.
    pub sku: Option<Cow<'a, str>>,
    /// Title as the buyer sees it.
    pub title: Option<Cow<'a, str>>,
    /// Brand.
    pub brand: Option<Cow<'a, str>>,
    /// Pieces.
    pub quantity: Option<u32>,
}

/// A registration: facts about a store that rules need at send time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Registry<'a> {
    /// A template was submitted, approved, rejected or retired.
    Template(TemplateEvent<'a>),
    /// A capability (such as a permission to write first) was granted or revoked.
    Capability {
        /// Capability name.
        name: Cow<'a, str>,
        /// Granted, or revoked.
        granted: bool,
    },
    /// A brand domain was registered or removed.
    Domain {
        /// Host or registrable domain.
        domain: Cow<'a, str>,
        /// Registered, or removed.
        registered: bool,
    },
    /// A store was described.
    Store {
        /// Human name.
        title: Option<Cow<'a, str>>,
        /// IANA time zone, for display alone.
        time_zone: Option<Cow<'a, str>>,
    },
}

/// A step in the life of a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateEvent<'a> {
    /// Template id.
    pub template: Cow<'a, str>,
    /// Step.
    pub status: TemplateStatus,
    /// What it is for.
    pub class: Option<TemplateClass>,
    /// Where it is shown.
    pub surface: Surface,
    /// Text with `{variables}`; absent when the event repeats a known template.
    pub text: Option<Cow<'a, str>>,
    /// Version.
    pub version: Option<Cow<'a, str>>,
}

/// The marketplace acted against the store, or took it back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Enforcement<'a> {
    /// What it did.
    pub kind: EnforcementKind,
    /// Its words.
    pub reason: Option<Cow<'a, str>>,
    /// Message it names.
    pub message_id: Option<Cow<'a, str>>,
    /// Order it names.
    pub order: OrderRef<'a>,
}

/// A reviewer's word on a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Disposition<'a> {
    /// The verdict.
    pub verdict_id: Cow<'a, str>,
    /// The label.
    pub label: DispositionLabel,
    /// Who.
    pub reviewer: Option<Cow<'a, str>>,
    /// Why.
    pub note: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// The message, when it is one.
    pub fn message(&self) -> Option<&Message<'a>> {
        match &self.body {
            Body::Message(message) => Some(message),
            _ => None,
        }
    }
}
