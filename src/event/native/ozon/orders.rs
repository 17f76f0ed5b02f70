//! Postings and orders: what the pushes say of them.

use std::borrow::Cow;

use super::super::{Envelope, first_time, native_time, native_word, state_event};
use super::{Native, PLATFORM, store};
use crate::event::ids::order_base;
use crate::event::wire::{Read, id, items, missing, text};
use crate::event::{Event, OrderEvent, OrderKind, OrderRef, OrderState, Scheme};
use crate::time::Millis;

/// A number that may be a posting or an order: both forms occur in the same field.
pub(super) fn reference<'a>(number: Option<Cow<'a, str>>) -> OrderRef<'a> {
    let Some(number) = number else { return OrderRef::default() };
    let base = match &number {
        Cow::Borrowed(number) => Cow::Borrowed(order_base(number)),
        Cow::Owned(number) => Cow::Owned(order_base(number).to_owned()),
    };
    let posting = (base.len() < number.len()).then_some(number);
    OrderRef { posting, order: Some(base), sku: None }
}

fn order_of<'a>(native: &Native<'a>) -> Read<OrderRef<'a>> {
    let order = reference(id("native.order_number", native.order_number)?);
    let posting = id("native.posting_number", native.posting_number)?;
    match (posting, order.order) {
        (Some(posting), named) => {
            let order = named.or_else(|| reference(Some(posting.clone())).order);
            Ok(OrderRef { posting: Some(posting), order, sku: None })
        }
        // Pushes of whole orders print the order number with a posting's suffix; no posting is meant.
        (None, Some(order)) => Ok(OrderRef { order: Some(order), ..OrderRef::default() }),
        (None, None) => Err(missing("native.posting_number", "a posting number or an order number")),
    }
}

fn posting_state(word: &str) -> OrderState {
    match word {
        "posting_created" => OrderState::Created,
        "posting_acceptance_in_progress" | "posting_awaiting_registration" | "posting_packing" => {
            OrderState::Paid
        }
        "posting_transferring_to_delivery" | "posting_in_carriage" | "posting_not_in_carriage" => {
            OrderState::AwaitingShipment
        }
        // Conditionally delivered is the carrier's guess; Ozon itself still counts such a posting as on its way.
        "posting_on_way_to_city"
        | "posting_transferred_to_courier_service"
        | "posting_in_courier_service"
        | "posting_on_way_to_pickup_point"
        | "posting_driver_pick_up"
        | "posting_conditionally_delivered" => OrderState::Shipped,
        "posting_in_pickup_point" => OrderState::AtPickup,
        "posting_delivered" | "posting_received" => OrderState::Delivered,
        "posting_canceled" => OrderState::Cancelled,
        "posting_returned_to_warehouse" => OrderState::Returned,
        "posting_in_arbitration" | "posting_in_client_arbitration" => OrderState::Disputed,
        _ => OrderState::Unknown,
    }
}

/// A posting or an order reached a state, or was cancelled.
pub(super) fn posting<'a>(envelope: &Envelope<'a>, native: &Native<'a>, scheme: Scheme) -> Read<Event<'a>> {
    let push = text("native.message_type", native.message_type)?.unwrap_or_default();
    let state = if push.ends_with("_CANCELLED") {
        OrderState::Cancelled
    } else {
        posting_state(&native_word("native.new_state", native.new_state)?)
    };
    let when = envelope.when(first_time(&[
        ("native.changed_state_date", native.changed_state_date),
        ("native.cancel_date", native.cancel_date),
        ("native.cancelled_at", native.cancelled_at),
        ("native.updated_at", native.updated_at),
    ])?)?;
    let event = OrderEvent {
        order: order_of(native)?,
        scheme,
        items: items("native.products", native.products)?,
        ..state_event(state)
    };
    Ok(envelope.state(PLATFORM, store(envelope, native)?, when, event))
}

pub(super) fn created<'a>(envelope: &Envelope<'a>, native: &Native<'a>, scheme: Scheme) -> Read<Event<'a>> {
    let when = envelope.when(first_time(&[
        ("native.creation_date", native.creation_date),
        ("native.created_at", native.created_at),
    ])?)?;
    let event = OrderEvent {
        kind: OrderKind::Created,
        order: order_of(native)?,
        scheme,
        state: Some(OrderState::Created),
        items: items("native.products", native.products)?,
        ..OrderEvent::default()
    };
    Ok(envelope.state(PLATFORM, store(envelope, native)?, when, event))
}

/// A posting to be packed: it is paid (or accepted with payment on delivery) when its processing has begun.
pub(super) fn new_posting<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Event<'a>> {
    let in_process = native_time("native.in_process_at", native.in_process_at)?;
    let scheme = match native_word("native.tpl_integration_type", native.tpl_integration_type)?.as_str() {
        "non_integrated" | "3pl_tracking" | "aggregator" => Scheme::Rfbs,
        "ozon" => Scheme::Fbs,
        _ => Scheme::FbsOrRfbs,
    };
    let event = OrderEvent {
        kind: OrderKind::Created,
        order: order_of(native)?,
        scheme,
        state: Some(if in_process.is_some() { OrderState::Paid } else { OrderState::Unpaid }),
        items: items("native.products", native.products)?,
        tracking: id("native.tracking_number", native.tracking_number)?.into_iter().collect(),
        ..OrderEvent::default()
    };
    let when = envelope.when(in_process)?;
    Ok(envelope.state(PLATFORM, store(envelope, native)?, when, event))
}

/// Old and new form of a date, when the push has them.
type Change = (Option<Millis>, Option<Millis>);

pub(super) fn cutoff_changed<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Event<'a>> {
    let change = (
        native_time("native.old_cutoff_date", native.old_cutoff_date)?,
        native_time("native.new_cutoff_date", native.new_cutoff_date)?,
    );
    // The seller's own deadline: that it moves says nothing of when the buyer gets the parcel.
    dates_changed(envelope, native, Scheme::FbsOrRfbs, change, false)
}

pub(super) fn delivery_changed<'a>(
    envelope: &Envelope<'a>,
    native: &Native<'a>,
    scheme: Scheme,
) -> Read<Event<'a>> {
    let end = (
        native_time("native.old_delivery_date_end", native.old_delivery_date_end)?,
        native_time("native.new_delivery_date_end", native.new_delivery_date_end)?,
    );
    let begin = (
        native_time("native.old_delivery_date_begin", native.old_delivery_date_begin)?,
        native_time("native.new_delivery_date_begin", native.new_delivery_date_begin)?,
    );
    let change = if end.0.is_some() && end.1.is_some() { end } else { begin };
    let later = matches!(change, (Some(old), Some(new)) if new > old);
    dates_changed(envelope, native, scheme, change, later)
}

/// These pushes have no time; the dates themselves tell one change from the next, and a repeated push from both.
fn dates_changed<'a>(
    envelope: &Envelope<'a>,
    native: &Native<'a>,
    scheme: Scheme,
    (old, new): Change,
    delay: bool,
) -> Read<Event<'a>> {
    let date = |date: Option<Millis>| date.map_or_else(|| "none".to_owned(), |date| date.to_string());
    let event = OrderEvent {
        kind: OrderKind::DatesChanged,
        order: order_of(native)?,
        scheme,
        delay,
        ..OrderEvent::default()
    };
    let push = text("native.message_type", native.message_type)?.unwrap_or_default();
    let step = if push.contains("CUTOFF") { "cutoff_changed" } else { OrderKind::DatesChanged.as_str() };
    let n = format!("{}..{}", date(old), date(new));
    let when = envelope.when(None)?;
    Ok(envelope.order(PLATFORM, store(envelope, native)?, when, event, (step, &n)))
}
