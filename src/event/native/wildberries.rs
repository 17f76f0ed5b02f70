//! Wildberries: rows and pages of the chat feed, lists of assembly orders and of their states.
//!
//! There are no pushes and no store ids: the collector adds the store. The feed tells programs from people except
//! where it matters most: `seller-portal` is both a person and Wildberries writing in the seller's name. Which of
//! its messages are Wildberries' own is told by their text, and texts are data, not code: not decided here.

use std::borrow::Cow;

use super::{Envelope, When, native_time, native_word, origin_of, page, state_event};
use crate::event::decode::{Decoded, SkipReason};
use crate::event::wire::{Json, Raw, Read, id, invalid, list, missing, object, raw_fields, text};
use crate::event::{
    Attachment, Author, Channel, ConversationContext, ConversationType, Event, Item, Message, MessageKind,
    OrderEvent, OrderKind, OrderRef, OrderState, Origin, Scheme, TextFormat,
};
use crate::time::Millis;

pub(super) const PLATFORM: &str = "wildberries";

raw_fields! {
    /// Every field of a feed row or of the answers around rows.
    struct Native {
        #[serde(rename = "chatID")] chat_id,
        #[serde(rename = "eventID")] event_id,
        #[serde(rename = "eventType")] event_type,
        #[serde(rename = "addTimestamp")] add_timestamp,
        #[serde(rename = "addTime")] add_time,
        #[serde(rename = "clientID")] client_id,
        message, source, sender, result, events, orders,
    }
}

raw_fields! { struct Words { text, attachments } }
raw_fields! { struct Attached { files, images, #[serde(rename = "goodCard")] good_card } }
raw_fields! { struct File { url } }
raw_fields! { struct Card { rid, #[serde(rename = "nmID")] nm_id } }
raw_fields! {
    /// A row of the list of new orders, of their states, or of a history of states.
    struct Order {
        id, rid, statuses,
        #[serde(rename = "orderID")] order_id,
        #[serde(rename = "nmId")] nm_id,
        #[serde(rename = "createdAt")] created_at,
        #[serde(rename = "deliveryType")] delivery_type,
        #[serde(rename = "supplierStatus")] supplier_status,
        #[serde(rename = "wbStatus")] wb_status,
    }
}
raw_fields! { struct Status { date, code } }

pub(super) fn decode<'a>(envelope: &Envelope<'a>) -> Read<Decoded<'a>> {
    let native: Native<'a> = envelope.native()?;
    // An answer holds its rows in `result`; the list of chats is a list there, and no event.
    let answer = match native.result {
        Some(raw) if raw.get().starts_with('{') => object("native.result", raw, "an object")?,
        _ => native,
    };
    if let Some(rows) = answer.events {
        return page("native.result.events", rows, |raw| {
            let row: Native<'a> = object("native.result.events", raw, "a list of events")?;
            Ok(feed_row(envelope, &row)?.into_iter().collect())
        });
    }
    if let Some(rows) = answer.orders {
        return page("native.orders", rows, |row| order_row(envelope, row));
    }
    if answer.event_id.is_some() {
        return Ok(
            feed_row(envelope, &answer)?.map_or(Decoded::Skipped(SkipReason::NotContact), Decoded::One)
        );
    }
    let row: Order<'a> = envelope.native()?;
    if row.supplier_status.is_some()
        || row.wb_status.is_some()
        || (row.rid.is_some() && row.created_at.is_some())
    {
        let mut events = order_row(envelope, envelope.native)?;
        return Ok(events.pop().map_or(Decoded::Skipped(SkipReason::Empty), Decoded::One));
    }
    Ok(Decoded::Skipped(SkipReason::NotEvent))
}

fn store<'a>(envelope: &Envelope<'a>) -> Read<Cow<'a, str>> {
    envelope.store(|| Ok(None))
}

// ---- messages

fn author(word: &str) -> Author {
    match word {
        "client" => Author::Buyer,
        "seller" => Author::Seller,
        "wb" => Author::Platform,
        _ => Author::Unknown,
    }
}

/// A row of the feed; rows that are no messages (refunds, in older feeds) give none.
fn feed_row<'a>(envelope: &Envelope<'a>, row: &Native<'a>) -> Read<Option<Event<'a>>> {
    if !matches!(native_word("native.eventType", row.event_type)?.as_str(), "message" | "") {
        return Ok(None);
    }
    let author = author(&native_word("native.sender", row.sender)?);
    let by_program = native_word("native.source", row.source)? == "seller_public_api";
    let words: Words<'a> = match row.message {
        Some(raw) => object("native.message", raw, "an object {text, attachments}")?,
        // A contact without words or files is still a contact.
        None => Words::default(),
    };
    let (attachments, order) = attached(words.attachments)?;
    let message = Message {
        kind: MessageKind::Sent,
        conversation: Some(
            id("native.chatID", row.chat_id)?
                .ok_or_else(|| missing("native.chatID", "the chat of the event"))?,
        ),
        conversation_type: ConversationType::Buyer,
        context: if order.order.is_some() {
            ConversationContext::Order
        } else {
            ConversationContext::Unknown
        },
        message_id: id("native.eventID", row.event_id)?,
        author,
        origin: if author == Author::Seller && by_program { Origin::Erp } else { origin_of(author) },
        channel: Channel::PlatformChat,
        text: text("native.message.text", words.text)?,
        text_format: TextFormat::Plain,
        attachments,
        order,
        buyer: id("native.clientID", row.client_id)?,
        ..Message::default()
    };
    let when = envelope.when(row_time(row)?)?;
    envelope.message(PLATFORM, store(envelope)?, when, message).map(Some)
}

/// Milliseconds where the feed has them, else the same time cut to seconds.
fn row_time(row: &Native<'_>) -> Read<Option<Millis>> {
    if let Some(raw) = row.add_timestamp {
        let digits = id("native.addTimestamp", Some(raw))?.unwrap_or_default();
        let time =
            digits.parse().map_err(|_| invalid("native.addTimestamp", raw, "milliseconds since 1970"))?;
        if let Ok(time) = Millis(time).checked() {
            return Ok(Some(time));
        }
    }
    native_time("native.addTime", row.add_time)
}

/// Files, pictures and the product card; the card is the only word of the order, on the first message alone.
fn attached<'a>(raw: Raw<'a>) -> Read<(Vec<Attachment<'a>>, OrderRef<'a>)> {
    let mut found = Vec::new();
    let Some(raw) = raw else { return Ok((found, OrderRef::default())) };
    let wire: Attached<'a> =
        object("native.message.attachments", raw, "an object {files, images, goodCard}")?;
    let mut order = OrderRef::default();
    if let Some(raw) = wire.good_card {
        let card: Card<'a> = object("native.message.attachments.goodCard", raw, "an object {rid, nmID}")?;
        order.order = id("native.message.attachments.goodCard.rid", card.rid)?;
        order.sku = id("native.message.attachments.goodCard.nmID", card.nm_id)?;
        found.push(Attachment { kind: Cow::Borrowed("product_card"), ..Attachment::default() });
    }
    for (kind, field, rows) in [
        ("file", "native.message.attachments.files", wire.files),
        ("image", "native.message.attachments.images", wire.images),
    ] {
        for row in list(field, rows)? {
            let file: File<'a> = object(field, row, "a list of objects {url}")?;
            found.push(Attachment {
                kind: Cow::Borrowed(kind),
                url: text(field, file.url)?,
                ..Attachment::default()
            });
        }
    }
    Ok((found, order))
}

// ---- orders

/// A row of any of the three lists. Rows name an order by its assembly task; the chat's `rid` stands in new orders
/// alone, so that such an event ties both names.
fn order_row<'a>(envelope: &Envelope<'a>, raw: Json<'a>) -> Read<Vec<Event<'a>>> {
    let row: Order<'a> = object("native.orders", raw, "a list of orders")?;
    let task = id("native.orders.id", row.id)?;
    let order = OrderRef {
        posting: if task.is_some() { task } else { id("native.orders.orderID", row.order_id)? },
        order: id("native.orders.rid", row.rid)?,
        sku: None,
    };
    if order.posting.is_none() && order.order.is_none() {
        return Err(missing("native.orders.id", "the id of an order"));
    }
    if row.statuses.is_some() {
        return history(envelope, &row, &order);
    }
    let (event, when) = if row.supplier_status.is_some() || row.wb_status.is_some() {
        let state = order_state(
            &native_word("native.orders.supplierStatus", row.supplier_status)?,
            &native_word("native.orders.wbStatus", row.wb_status)?,
        );
        // The answer has no time: the collector's is all there is.
        (state_event(state), envelope.when(None)?)
    } else {
        (created(&row)?, envelope.when(native_time("native.orders.createdAt", row.created_at)?)?)
    };
    Ok(vec![envelope.state(PLATFORM, store(envelope)?, when, OrderEvent { order, ..event })])
}

fn created<'a>(row: &Order<'a>) -> Read<OrderEvent<'a>> {
    let scheme = native_word("native.orders.deliveryType", row.delivery_type)?;
    // An assembly task is one piece of one item.
    let sku = id("native.orders.nmId", row.nm_id)?;
    Ok(OrderEvent {
        kind: OrderKind::Created,
        scheme: match scheme.as_str() {
            "edbs" => Scheme::Express,
            word => Scheme::from_word(word).unwrap_or_default(),
        },
        state: Some(OrderState::Created),
        items: sku
            .map(|sku| Item { sku: Some(sku), quantity: Some(1), ..Item::default() })
            .into_iter()
            .collect(),
        ..OrderEvent::default()
    })
}

/// States of a cross-border order: each has its time, or none.
fn history<'a>(envelope: &Envelope<'a>, row: &Order<'a>, order: &OrderRef<'a>) -> Read<Vec<Event<'a>>> {
    let mut events = Vec::new();
    for raw in list("native.orders.statuses", row.statuses)? {
        let status: Status<'a> = object("native.orders.statuses", raw, "a list of objects {date, code}")?;
        let state = match native_word("native.orders.statuses.code", status.code)?.as_str() {
            "received_by_client" => OrderState::Delivered,
            // The list has the words of both other fields, and more that say nothing of a window.
            code => match order_state("", code) {
                OrderState::Unknown => order_state(code, ""),
                state => state,
            },
        };
        let when: When = envelope.when(native_time("native.orders.statuses.date", status.date)?)?;
        let event = OrderEvent { order: order.clone(), ..state_event(state) };
        events.push(envelope.state(PLATFORM, store(envelope)?, when, event));
    }
    Ok(events)
}

/// What Wildberries says of a parcel is later than what the seller says of it, but a cancellation is final.
fn order_state(supplier: &str, wb: &str) -> OrderState {
    match (supplier, wb) {
        (_, "sold") => OrderState::Delivered,
        ("cancel" | "cancel_carrier", _)
        | (_, "canceled" | "canceled_by_client" | "declined_by_client" | "canceled_by_carrier" | "defect") => {
            OrderState::Cancelled
        }
        (_, "ready_for_pickup") => OrderState::AtPickup,
        (_, "sorted" | "accepted_by_carrier" | "sent_to_carrier" | "postponed_delivery")
        | ("complete", _) => OrderState::Shipped,
        ("confirm", _) => OrderState::AwaitingShipment,
        ("new", "waiting" | "") => OrderState::Created,
        _ => OrderState::Unknown,
    }
}
