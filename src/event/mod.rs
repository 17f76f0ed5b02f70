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

use std::borrow::Cow;

pub use decode::{DecodeError, Decoded, ErrorCode, SkipReason, decode};
pub use ids::order_base;

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

/// Declares a closed word list of the canonical format: its words, and how unknown ones are read.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),+ $(,)? } unknown $unknown:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the canonical format.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads a word exactly as the canonical format writes it.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl Default for $name {
            fn default() -> Self { Self::$unknown }
        }
    };
}

words! {
    /// Where `occurred_at` comes from. A window that turns on an observed time is never certain.
    TimeSource {
        /// The platform's own time.
        Native = "native",
        /// The collector's clock.
        Observed = "observed",
    } unknown Native
}
words! {
    /// What happened in the conversation.
    MessageKind {
        /// Sent.
        Sent = "sent",
        /// Its words were changed.
        Edited = "edited",
        /// It was read.
        Read = "read",
        /// The conversation began.
        ConversationOpened = "conversation_opened",
        /// The conversation ended.
        ConversationClosed = "conversation_closed",
    } unknown Sent
}
words! {
    /// Who wrote.
    Author {
        /// The store.
        Seller = "seller",
        /// The customer.
        Buyer = "buyer",
        /// The marketplace.
        Platform = "platform",
        /// The marketplace's support.
        Support = "support",
        /// The courier.
        Courier = "courier",
        /// Nobody can tell: counted, never judged.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// What wrote.
    Origin {
        /// A person.
        Human = "human",
        /// A program of the agency.
        Erp = "erp",
        /// A template of the agency's sending system.
        Template = "template",
        /// The marketplace's own automaton.
        PlatformAutomatic = "platform_automatic",
        /// Nobody can tell.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// Over which channel.
    Channel {
        /// The marketplace's own chat.
        PlatformChat = "platform_chat",
        /// WhatsApp.
        Whatsapp = "whatsapp",
        /// Telegram.
        Telegram = "telegram",
        /// E-mail.
        Email = "email",
        /// SMS.
        Sms = "sms",
        /// A call.
        Phone = "phone",
        /// A card in the parcel.
        ParcelInsert = "parcel_insert",
        /// Anything else.
        Other = "other",
    } unknown Other
}
words! {
    /// Who the conversation is with.
    ConversationType {
        /// A buyer.
        Buyer = "buyer",
        /// The marketplace's support.
        Support = "support",
        /// Notices of the marketplace.
        PlatformNotice = "platform_notice",
        /// A dispute with a buyer.
        Dispute = "dispute",
        /// Nobody can tell.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// What the conversation is about.
    ConversationContext {
        /// An order.
        Order = "order",
        /// A return.
        Return = "return",
        /// A product, before any order.
        Direct = "direct",
        /// The platform does not say.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// How to read a text.
    TextFormat {
        /// As it stands.
        Plain = "plain",
        /// With Markdown links and pictures.
        Markdown = "markdown",
    } unknown Plain
}
words! {
    /// What happened to an order.
    OrderKind {
        /// Created.
        Created = "created",
        /// It reached a state.
        StateChanged = "state_changed",
        /// It was cancelled.
        Cancelled = "cancelled",
        /// Its dates moved.
        DatesChanged = "dates_changed",
        /// Its items changed.
        ItemsChanged = "items_changed",
        /// A logistics event, perhaps a delay.
        LogisticsEvent = "logistics_event",
        /// A step of an address change.
        AddressChange = "address_change",
        /// What went into the parcel.
        ShippedWith = "shipped_with",
        /// A review invitation went out.
        ReviewInvited = "review_invited",
        /// The order page was changed.
        PageChanged = "page_changed",
        /// A kind this version does not know.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// States of an order.
    OrderState {
        /// Created.
        Created = "created",
        /// Waiting for payment.
        Unpaid = "unpaid",
        /// Paid, or accepted with payment on delivery.
        Paid = "paid",
        /// Packed or being packed.
        AwaitingShipment = "awaiting_shipment",
        /// Handed to the carrier.
        Shipped = "shipped",
        /// Through customs.
        CustomsCleared = "customs_cleared",
        /// With the courier.
        OutForDelivery = "out_for_delivery",
        /// At the pick-up point.
        AtPickup = "at_pickup",
        /// With the buyer.
        Delivered = "delivered",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Returned.
        Returned = "returned",
        /// In dispute.
        Disputed = "disputed",
        /// A state this version does not know.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// Delivery schemes.
    Scheme {
        /// From the marketplace's warehouse.
        Fbo = "fbo",
        /// From the seller's warehouse.
        Fbs = "fbs",
        /// From the seller's warehouse by the seller's carrier.
        Rfbs = "rfbs",
        /// One of the two.
        FbsOrRfbs = "fbs_or_rfbs",
        /// From the marketplace's warehouse (another word for it).
        Fby = "fby",
        /// Delivered by the seller.
        Dbs = "dbs",
        /// Express.
        Express = "express",
        /// Nobody can tell.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// How far a change went.
    ChangeStatus {
        /// Asked for.
        Requested = "requested",
        /// Granted.
        Approved = "approved",
        /// Refused.
        Rejected = "rejected",
    } unknown Requested
}
words! {
    /// Who did it.
    Party {
        /// The store.
        Seller = "seller",
        /// The customer.
        Buyer = "buyer",
        /// The marketplace.
        Platform = "platform",
        /// A word this version does not know.
        Unknown = "unknown",
    } unknown Unknown
}
words! {
    /// Steps in the life of a template.
    TemplateStatus {
        /// Sent to review.
        Submitted = "submitted",
        /// May be used.
        Approved = "approved",
        /// May not be used.
        Rejected = "rejected",
        /// May no longer be used.
        Retired = "retired",
    } unknown Submitted
}
words! {
    /// What a template is for (the three classes of the founding brief).
    TemplateClass {
        /// "Your parcel is on its way", with the tracking number.
        ShipmentNotice = "shipment_notice",
        /// "Your parcel is late", with a true delay event.
        LogisticsDelay = "logistics_delay",
        /// "How to return", with the official link.
        ReturnGuide = "return_guide",
    } unknown ShipmentNotice
}
words! {
    /// Where words are shown to a buyer.
    Surface {
        /// A conversation.
        Chat = "chat",
        /// A template, before it is rendered.
        Template = "template",
        /// A card in the parcel.
        Insert = "insert",
        /// The order page.
        OrderPage = "order_page",
    } unknown Chat
}
words! {
    /// What the marketplace did.
    EnforcementKind {
        /// A warning.
        Warning = "warning",
        /// The store may not sell.
        Freeze = "freeze",
        /// It may again.
        Unfreeze = "unfreeze",
        /// Money.
        Fine = "fine",
        /// The store is gone.
        Closure = "closure",
    } unknown Warning
}
words! {
    /// What a reviewer says of a verdict.
    DispositionLabel {
        /// It was right.
        Confirmed = "confirmed",
        /// A compliant message was flagged.
        Misjudged = "misjudged",
        /// A violation was not flagged.
        Missed = "missed",
        /// It was right, and nobody minds.
        AcceptedRisk = "accepted_risk",
    } unknown Confirmed
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
