//! Yandex Market: notifications with what was fetched for them, messages and pages of a chat history.
//!
//! A chat notification carries ids alone. What was said, by whom and about which order comes from the message and
//! the chat that the collector fetches and adds; without them the author is unknown, and nothing is judged.

use std::borrow::Cow;

use super::{Envelope, file_kind, first_time, native_time, native_word, origin_of, page, state_event};
use crate::event::decode::{Decoded, SkipReason};
use crate::event::wire::{Json, Raw, Read, id, list, missing, object, quantity, raw_fields, text};
use crate::event::{
    Attachment, Author, Channel, ConversationContext, ConversationType, Event, Item, Message, MessageKind,
    OrderEvent, OrderKind, OrderRef, OrderState, TextFormat,
};
use crate::time::Millis;

pub(super) const PLATFORM: &str = "yandex_market";

raw_fields! {
    /// Every field of a notification, a message, a chat, or the answer around one.
    struct Native {
        #[serde(rename = "notificationType")] notification_type,
        #[serde(rename = "businessId")] business_id,
        #[serde(rename = "campaignId")] campaign_id,
        #[serde(rename = "chatId")] chat_id,
        #[serde(rename = "messageId")] message_id,
        #[serde(rename = "orderId")] order_id,
        #[serde(rename = "sentAt")] sent_at,
        #[serde(rename = "createdAt")] created_at,
        #[serde(rename = "updatedAt")] updated_at,
        #[serde(rename = "startedAt")] started_at,
        #[serde(rename = "finishedAt")] finished_at,
        #[serde(rename = "cancelledAt")] cancelled_at,
        #[serde(rename = "requestedAt")] requested_at,
        #[serde(rename = "updateType")] update_type,
        status, substatus, statuses, items,
        sender, message, payload, context, r#type, messages, result,
    }
}

raw_fields! {
    struct Context {
        r#type, customer,
        #[serde(rename = "orderId")] order_id,
    }
}
raw_fields! { struct Customer { #[serde(rename = "publicId")] public_id } }
raw_fields! { struct Payload { name, url } }
raw_fields! { struct ItemWire { #[serde(rename = "offerId")] offer_id, count } }
raw_fields! { struct Statuses { #[serde(rename = "refundStatus")] refund_status } }

pub(super) fn decode<'a>(envelope: &Envelope<'a>) -> Read<Decoded<'a>> {
    let native: Native<'a> = envelope.native()?;
    if let Some(name) = text("native.notificationType", native.notification_type)? {
        return notification(envelope, &native, &name);
    }
    // The answer of a method holds its object in `result`; some have a list or a word there.
    let answer = match native.result {
        Some(raw) if raw.get().starts_with('{') => object("native.result", raw, "an object")?,
        _ => native,
    };
    if let Some(rows) = answer.messages {
        let mut chat = Chat::fetched(envelope)?;
        chat.add(&answer)?;
        return page("native.result.messages", rows, |row| {
            Ok(vec![history(envelope, &object("native.result.messages", row, "a list of messages")?, &chat)?])
        });
    }
    if answer.message_id.is_some() && answer.sender.is_some() {
        return Ok(Decoded::One(history(envelope, &answer, &Chat::fetched(envelope)?)?));
    }
    Ok(Decoded::Skipped(SkipReason::NotEvent))
}

fn notification<'a>(envelope: &Envelope<'a>, native: &Native<'a>, name: &str) -> Read<Decoded<'a>> {
    let event = match name {
        "CHAT_MESSAGE_SENT" => sent(envelope, native)?,
        "CHAT_CREATED" => chat_step(
            envelope,
            native,
            MessageKind::ConversationOpened,
            ("native.createdAt", native.created_at),
            false,
        )?,
        "CHAT_ARBITRAGE_STARTED" => chat_step(
            envelope,
            native,
            MessageKind::ConversationOpened,
            ("native.startedAt", native.started_at),
            true,
        )?,
        "CHAT_ARBITRAGE_FINISHED" => chat_step(
            envelope,
            native,
            MessageKind::ConversationClosed,
            ("native.finishedAt", native.finished_at),
            true,
        )?,
        name if name.starts_with("ORDER_") => return order(envelope, native, name),
        // Pings, reviews, questions, and whatever the marketplace adds next.
        _ => return Ok(Decoded::Skipped(SkipReason::NotContact)),
    };
    Ok(Decoded::One(event))
}

// ---- messages

/// What is known of the chat beside a message.
#[derive(Default)]
struct Chat<'a> {
    id: Option<Cow<'a, str>>,
    dispute: bool,
    context: ConversationContext,
    order: Option<Cow<'a, str>>,
    customer: Option<Cow<'a, str>>,
}

impl<'a> Chat<'a> {
    fn fetched(envelope: &Envelope<'a>) -> Read<Self> {
        let mut chat = Self::default();
        if let Some(raw) = envelope.fetched.chat {
            chat.add(&fetched("fetched.chat", raw)?)?;
        }
        Ok(chat)
    }

    /// Adds what an object says of the chat; what is known stays.
    fn add(&mut self, native: &Native<'a>) -> Read<()> {
        self.dispute |= native_word("chat.type", native.r#type)? == "arbitrage";
        if self.id.is_none() {
            self.id = id("chat.chatId", native.chat_id)?;
        }
        let context: Context<'a> = match native.context {
            Some(raw) => object("chat.context", raw, "an object {type, orderId}")?,
            None => Context::default(),
        };
        if self.context == ConversationContext::Unknown {
            self.context = match native_word("chat.context.type", context.r#type)?.as_str() {
                "order" => ConversationContext::Order,
                "return" => ConversationContext::Return,
                "direct" => ConversationContext::Direct,
                _ => ConversationContext::Unknown,
            };
        }
        if self.order.is_none() {
            self.order = id("chat.context.orderId", context.order_id)?;
        }
        if self.order.is_none() {
            self.order = id("chat.orderId", native.order_id)?;
        }
        if self.customer.is_none()
            && let Some(raw) = context.customer
        {
            let customer: Customer<'a> = object("chat.context.customer", raw, "an object {publicId}")?;
            self.customer = id("chat.context.customer.publicId", customer.public_id)?;
        }
        Ok(())
    }

    fn kind(&self) -> ConversationType {
        if self.dispute { ConversationType::Dispute } else { ConversationType::Buyer }
    }
}

/// What the collector fetched: the object itself, or the whole answer around it.
fn fetched<'a>(field: &str, raw: Json<'a>) -> Read<Native<'a>> {
    let native: Native<'a> = object(field, raw, "an object of the marketplace")?;
    match native.result {
        Some(inner) => object(field, inner, "an object of the marketplace"),
        None => Ok(native),
    }
}

fn store<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Cow<'a, str>> {
    envelope.store(|| id("native.businessId", native.business_id))
}

fn author(word: &str) -> Author {
    match word {
        "partner" => Author::Seller,
        "customer" => Author::Buyer,
        "market" => Author::Platform,
        "support" => Author::Support,
        _ => Author::Unknown,
    }
}

/// The message as the history has it.
fn body<'a>(message: &Native<'a>, chat: &Chat<'a>) -> Read<Message<'a>> {
    let author = author(&native_word("message.sender", message.sender)?);
    Ok(Message {
        kind: MessageKind::Sent,
        conversation: chat.id.clone(),
        conversation_type: chat.kind(),
        context: chat.context,
        message_id: id("message.messageId", message.message_id)?,
        author,
        origin: origin_of(author),
        channel: Channel::PlatformChat,
        text: text("message.message", message.message)?,
        text_format: TextFormat::Plain,
        attachments: attachments(message.payload)?,
        order: OrderRef { order: chat.order.clone(), ..OrderRef::default() },
        buyer: chat.customer.clone(),
        ..Message::default()
    })
}

fn attachments<'a>(raw: Raw<'a>) -> Read<Vec<Attachment<'a>>> {
    let mut found = Vec::new();
    for row in list("message.payload", raw)? {
        let file: Payload<'a> = object("message.payload", row, "a list of objects {name, url, size}")?;
        let name = text("message.payload.name", file.name)?.unwrap_or_default();
        found.push(Attachment {
            kind: file_kind(&name),
            url: text("message.payload.url", file.url)?,
            ..Attachment::default()
        });
    }
    Ok(found)
}

fn history<'a>(envelope: &Envelope<'a>, message: &Native<'a>, chat: &Chat<'a>) -> Read<Event<'a>> {
    let message_event = body(message, chat)?;
    if message_event.conversation.is_none() {
        return Err(missing(
            "fetched.chat.chatId",
            "the chat whose history this is: the answer does not repeat it",
        ));
    }
    let when = envelope.when(native_time("message.createdAt", message.created_at)?)?;
    envelope.message(PLATFORM, store(envelope, message)?, when, message_event)
}

/// A notification that a message was sent, and the message if the collector fetched it.
fn sent<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Event<'a>> {
    let mut chat = Chat::fetched(envelope)?;
    chat.id = id("native.chatId", native.chat_id)?.or(chat.id);
    let announced = native_time("native.sentAt", native.sent_at)?;
    let (mut message, written) = match envelope.fetched.message {
        Some(raw) => {
            let message = fetched("fetched.message", raw)?;
            (body(&message, &chat)?, native_time("fetched.message.createdAt", message.created_at)?)
        }
        None => (body(&Native::default(), &chat)?, None),
    };
    message.message_id = id("native.messageId", native.message_id)?.or(message.message_id);
    // The marketplace asks to believe the later of two times of one event.
    let when = envelope.when(announced.max(written))?;
    let store = store(envelope, native)?;
    // Without the fetched message there is neither author nor text: the engine counts it as unscored and leaves the
    // id to the poll that brings the words.
    envelope.message(PLATFORM, store, when, message)
}

/// A chat or a dispute in it began or ended.
fn chat_step<'a>(
    envelope: &Envelope<'a>,
    native: &Native<'a>,
    kind: MessageKind,
    (field, time): (&str, Raw<'a>),
    dispute: bool,
) -> Read<Event<'a>> {
    let mut chat = Chat::fetched(envelope)?;
    chat.id = id("native.chatId", native.chat_id)?.or(chat.id);
    chat.dispute |= dispute;
    if chat.id.is_none() {
        return Err(missing("native.chatId", "the chat that the notification is about"));
    }
    // Nobody but a buyer can begin a chat that is about no order.
    let direct = !dispute && chat.context == ConversationContext::Direct;
    let author = if direct { Author::Buyer } else { Author::Unknown };
    let message = Message {
        kind,
        author,
        origin: origin_of(author),
        message_id: None,
        ..body(&Native::default(), &chat)?
    };
    let when = envelope.when(native_time(field, time)?)?;
    Ok(envelope.conversation(PLATFORM, store(envelope, native)?, when, message))
}

// ---- orders

fn order<'a>(envelope: &Envelope<'a>, native: &Native<'a>, name: &str) -> Read<Decoded<'a>> {
    let step = match name {
        "ORDER_CREATED" => OrderEvent {
            kind: OrderKind::Created,
            items: items(native.items)?,
            ..state_event(OrderState::Created)
        },
        "ORDER_CANCELLED" => OrderEvent { items: items(native.items)?, ..state_event(OrderState::Cancelled) },
        "ORDER_STATUS_UPDATED" => state_event(order_state(
            &native_word("native.status", native.status)?,
            &native_word("native.substatus", native.substatus)?,
        )),
        // The order goes on until the seller agrees: something changed, and no state is reached.
        "ORDER_CANCELLATION_REQUEST" => OrderEvent { kind: OrderKind::StateChanged, ..OrderEvent::default() },
        // The items of a return are not those of the order, so they are not told.
        "ORDER_RETURN_CREATED" => state_event(OrderState::Returned),
        "ORDER_RETURN_STATUS_UPDATED" => state_event(return_state(native.statuses)?),
        "ORDER_UPDATED" => OrderEvent { kind: update_kind(native)?, ..OrderEvent::default() },
        _ => return Ok(Decoded::Skipped(SkipReason::NotContact)),
    };
    let number =
        id("native.orderId", native.order_id)?.ok_or_else(|| missing("native.orderId", "an order number"))?;
    let event = OrderEvent { order: OrderRef { order: Some(number), ..OrderRef::default() }, ..step };
    // Order notifications name a shop of the business; the collector knows the business.
    let store = envelope.store(|| {
        let business = id("native.businessId", native.business_id)?;
        if business.is_some() { Ok(business) } else { id("native.campaignId", native.campaign_id) }
    })?;
    let when = envelope.when(order_time(native)?)?;
    Ok(Decoded::One(if name == "ORDER_CANCELLATION_REQUEST" {
        envelope.order(PLATFORM, store, when, event, ("cancellation_requested", &when.time.to_string()))
    } else {
        envelope.state(PLATFORM, store, when, event)
    }))
}

fn order_time(native: &Native<'_>) -> Read<Option<Millis>> {
    first_time(&[
        ("native.cancelledAt", native.cancelled_at),
        ("native.requestedAt", native.requested_at),
        ("native.updatedAt", native.updated_at),
        ("native.createdAt", native.created_at),
    ])
}

fn items<'a>(raw: Raw<'a>) -> Read<Vec<Item<'a>>> {
    let mut found = Vec::new();
    for row in list("native.items", raw)? {
        let item: ItemWire<'a> = object("native.items", row, "a list of objects {offerId, count}")?;
        found.push(Item {
            sku: id("native.items.offerId", item.offer_id)?,
            quantity: quantity("native.items.count", item.count)?,
            ..Item::default()
        });
    }
    Ok(found)
}

fn order_state(status: &str, substatus: &str) -> OrderState {
    match (status, substatus) {
        ("placing" | "reserved" | "pending", _) => OrderState::Created,
        ("unpaid", _) => OrderState::Unpaid,
        ("processing", "ready_to_ship") => OrderState::AwaitingShipment,
        ("processing", _) => OrderState::Paid,
        ("delivery", _) => OrderState::Shipped,
        ("pickup", _) => OrderState::AtPickup,
        ("delivered", _) => OrderState::Delivered,
        ("cancelled", _) => OrderState::Cancelled,
        ("returned" | "partially_returned", _) => OrderState::Returned,
        _ => OrderState::Unknown,
    }
}

fn return_state(raw: Raw<'_>) -> Read<OrderState> {
    let Some(raw) = raw else { return Ok(OrderState::Returned) };
    let statuses: Statuses<'_> = object("native.statuses", raw, "an object {refundStatus, shipmentStatus}")?;
    let refund = native_word("native.statuses.refundStatus", statuses.refund_status)?;
    Ok(if refund == "premoderation_dispute" { OrderState::Disputed } else { OrderState::Returned })
}

fn update_kind(native: &Native<'_>) -> Read<OrderKind> {
    Ok(match native_word("native.updateType", native.update_type)?.as_str() {
        "shipment_date_updated" | "delivery_date_updated" => OrderKind::DatesChanged,
        _ => OrderKind::Unknown,
    })
}
