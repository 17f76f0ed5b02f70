//! The closed word lists of the canonical format. Each has a value for words that this version does not know.

use serde::{Deserialize, Serialize};

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
