//! Native envelopes: one object of a marketplace with what its collector added, read into canonical events.
//!
//! One file per marketplace, and nowhere else in the program does a marketplace's name or word occur. Common to
//! all is here: whose store it is, when it happened, and how ids are made so that a push and a later poll of the
//! same thing are the same event.

mod ozon;
mod wildberries;
mod yandex_market;

use std::borrow::Cow;

use super::canonical::{derived_id, origin, plausible};
use super::decode::{DecodeError, Decoded, ErrorCode, SkipReason};
use super::wire::{self, Raw, Read, Wire, fold_word, id, missing, object, raw_fields, text};
use super::{Author, Body, Event, Message, OrderEvent, OrderKind, OrderState, Origin, TimeSource};
use crate::time::{Millis, TimeError};

/// Reads a native envelope.
pub(super) fn decode<'a>(wire: &Wire<'a>) -> Read<Decoded<'a>> {
    let native = wire.native.ok_or_else(|| missing("native", "the marketplace's object"))?;
    let platform = text("platform", wire.platform)?.map(|word| fold_word(&word)).unwrap_or_default();
    let read = match platform.as_str() {
        ozon::PLATFORM => ozon::decode,
        wildberries::PLATFORM => wildberries::decode,
        yandex_market::PLATFORM => yandex_market::decode,
        _ => {
            return Err(DecodeError {
                code: ErrorCode::InvalidField,
                message: format!(
                    "field `platform`: a native envelope needs one of {}, {} or {}",
                    ozon::PLATFORM,
                    wildberries::PLATFORM,
                    yandex_market::PLATFORM
                ),
            });
        }
    };
    read(&Envelope {
        store: id("store", wire.store)?,
        agency: id("agency", wire.agency)?,
        observed_at: wire::time("observed_at", wire.observed_at)?,
        native,
        fetched: match wire.fetched {
            Some(raw) => object("fetched", raw, "an object {message, chat}")?,
            None => Fetched::default(),
        },
        send_log: SendLog::read(wire.send_log)?,
    })
}

/// What stands around the native object.
struct Envelope<'a> {
    store: Option<Cow<'a, str>>,
    agency: Option<Cow<'a, str>>,
    observed_at: Option<Millis>,
    native: wire::Json<'a>,
    fetched: Fetched<'a>,
    send_log: SendLog<'a>,
}

raw_fields! {
    /// What the collector looked up beside the object.
    struct Fetched { message, chat }
}

raw_fields! { struct SendLogWire { origin, template, template_id, operator } }

/// What the agency's own sending system knows of the message: the marketplaces tell neither programs from people
/// nor one template from another.
#[derive(Default)]
struct SendLog<'a> {
    origin: Option<Origin>,
    template: Option<Cow<'a, str>>,
    operator: Option<Cow<'a, str>>,
}

impl<'a> SendLog<'a> {
    fn read(raw: Raw<'a>) -> Read<Self> {
        let Some(raw) = raw else { return Ok(Self::default()) };
        let wire: SendLogWire<'a> = object("send_log", raw, "an object {origin, template, operator}")?;
        let template = id("send_log.template", wire.template)?;
        Ok(Self {
            origin: origin("send_log.origin", wire.origin)?.known(),
            template: if template.is_some() {
                template
            } else {
                id("send_log.template_id", wire.template_id)?
            },
            operator: id("send_log.operator", wire.operator)?,
        })
    }
}

/// When something happened, and whose clock says so.
#[derive(Clone, Copy)]
struct When {
    time: Millis,
    source: TimeSource,
}

impl<'a> Envelope<'a> {
    /// The native object as a table of raw values.
    fn native<T: serde::Deserialize<'a>>(&self) -> Read<T> {
        object("native", self.native, "one object of the marketplace")
    }

    /// The store: who collects knows best; else what the object says.
    fn store(&self, native: impl FnOnce() -> Read<Option<Cow<'a, str>>>) -> Read<Cow<'a, str>> {
        let store = match &self.store {
            Some(store) => Some(store.clone()),
            None => native()?,
        };
        store.ok_or_else(|| missing("store", "the store id: this object names none, so its collector must"))
    }

    /// The object's own time, else the collector's.
    fn when(&self, native: Option<Millis>) -> Read<When> {
        match (native, self.observed_at) {
            (Some(time), observed) => {
                plausible(time, observed)?;
                Ok(When { time, source: TimeSource::Native })
            }
            (None, Some(time)) => Ok(When { time, source: TimeSource::Observed }),
            (None, None) => Err(DecodeError {
                code: ErrorCode::InvalidTime,
                message: "field `observed_at` is missing and the native object has no time of its own: the collector \
                          must add when it saw the object, such as 2026-10-01T09:00:00.120Z"
                    .to_owned(),
            }),
        }
    }

    fn event(
        &self,
        platform: &'static str,
        store: Cow<'a, str>,
        when: When,
        event_id: Cow<'a, str>,
        body: Body<'a>,
    ) -> Event<'a> {
        Event {
            event_id,
            platform: Cow::Borrowed(platform),
            store,
            agency: self.agency.clone(),
            occurred_at: when.time,
            time_source: when.source,
            observed_at: self.observed_at,
            body,
        }
    }

    /// A message with an id of its own: `platform/store/m/<message id>/<kind>`.
    fn message(
        &self,
        platform: &'static str,
        store: Cow<'a, str>,
        when: When,
        mut message: Message<'a>,
    ) -> Read<Event<'a>> {
        if message.author == Author::Seller {
            let log = &self.send_log;
            message.origin = log.origin.unwrap_or(message.origin);
            message.template = log.template.clone();
            message.operator = log.operator.clone();
        }
        let body = Body::Message(message);
        let event_id = derived_id(platform, &store, &body, when.time)
            .ok_or_else(|| missing("native", "a message id in the marketplace's object"))?;
        Ok(self.event(platform, store, when, event_id, body))
    }

    /// Something of a whole conversation: `platform/store/m/<conversation>/<kind>/<time>`.
    fn conversation(
        &self,
        platform: &'static str,
        store: Cow<'a, str>,
        when: When,
        message: Message<'a>,
    ) -> Event<'a> {
        let conversation = message.conversation.as_deref().unwrap_or("-");
        let event_id = format!("{platform}/{store}/m/{conversation}/{}/{}", message.kind.as_str(), when.time);
        self.event(platform, store, when, Cow::Owned(event_id), Body::Message(message))
    }

    /// A step of an order: `platform/store/o/<posting or order>/<step>/<n>`.
    fn order(
        &self,
        platform: &'static str,
        store: Cow<'a, str>,
        when: When,
        order: OrderEvent<'a>,
        (step, n): (&str, &str),
    ) -> Event<'a> {
        let key = order.order.posting.as_deref().or(order.order.order.as_deref()).unwrap_or("-");
        let event_id = format!("{platform}/{store}/o/{key}/{step}/{n}");
        self.event(platform, store, when, Cow::Owned(event_id), Body::Order(order))
    }

    /// A state reached. The time tells one visit of a state from the next. A state that only the collector timed
    /// counts once, however often it is polled: its first sighting is nearest to the truth.
    fn state(
        &self,
        platform: &'static str,
        store: Cow<'a, str>,
        when: When,
        order: OrderEvent<'a>,
    ) -> Event<'a> {
        let step = match (order.kind, order.state) {
            (OrderKind::Created | OrderKind::Cancelled, _) | (_, None) => order.kind.as_str(),
            (_, Some(state)) => state.as_str(),
        };
        let n = match when.source {
            TimeSource::Native => when.time.to_string(),
            TimeSource::Observed => TimeSource::Observed.as_str().to_owned(),
        };
        self.order(platform, store, when, order, (step, &n))
    }
}

/// A time of the marketplace: absent when it is empty or a "no date" such as 0001-01-01.
fn native_time(field: &str, raw: Raw<'_>) -> Read<Option<Millis>> {
    let Some(words) = text(field, raw)? else { return Ok(None) };
    match Millis::parse(&words) {
        Err(TimeError::Range) => Ok(None),
        _ => wire::time(field, raw),
    }
}

/// The first of several time fields that holds one.
fn first_time(fields: &[(&str, Raw<'_>)]) -> Read<Option<Millis>> {
    for &(field, raw) in fields {
        if let Some(time) = native_time(field, raw)? {
            return Ok(Some(time));
        }
    }
    Ok(None)
}

/// A marketplace's word, folded; empty when there is none.
fn native_word(field: &str, raw: Raw<'_>) -> Read<String> {
    Ok(text(field, raw)?.map(|word| fold_word(&word)).unwrap_or_default())
}

/// Rows of a page, each named in its errors.
fn page<'a>(
    field: &str,
    rows: wire::Json<'a>,
    mut read: impl FnMut(wire::Json<'a>) -> Read<Vec<Event<'a>>>,
) -> Read<Decoded<'a>> {
    let rows = wire::list(field, Some(rows))?;
    if rows.is_empty() {
        return Ok(Decoded::Skipped(SkipReason::Empty));
    }
    let mut events = Vec::with_capacity(rows.len());
    for (n, row) in rows.into_iter().enumerate() {
        let read = read(row).map_err(|error| DecodeError {
            code: error.code,
            message: format!("row {n} of `{field}`: {}", error.message),
        });
        events.extend(read?);
    }
    Ok(if events.is_empty() { Decoded::Skipped(SkipReason::NotContact) } else { Decoded::Many(events) })
}

/// The origin that follows from who wrote: people write for themselves, the marketplace writes by machine, and of
/// a seller's message nothing follows.
fn origin_of(author: Author) -> Origin {
    match author {
        Author::Buyer | Author::Support | Author::Courier => Origin::Human,
        Author::Platform => Origin::PlatformAutomatic,
        Author::Seller | Author::Unknown => Origin::Unknown,
    }
}

/// An order event with kind and state in step: a state of cancellation is a cancellation.
fn state_event<'a>(state: OrderState) -> OrderEvent<'a> {
    let kind = if state == OrderState::Cancelled { OrderKind::Cancelled } else { OrderKind::StateChanged };
    OrderEvent { kind, state: Some(state), ..OrderEvent::default() }
}

/// The kind of a file by the end of its name.
fn file_kind(name: &str) -> Cow<'static, str> {
    let picture = name.rsplit_once('.').is_some_and(|(_, end)| {
        ["jpg", "jpeg", "png", "webp", "gif", "heic", "bmp"]
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    });
    Cow::Borrowed(if picture { "image" } else { "file" })
}
