//! From a canonical record to an event: field by field, absent and null alike, unknown words as `unknown`.

use std::borrow::Cow;

use super::decode::{DecodeError, ErrorCode, EventType};
use super::wire::{self, Raw, Read, Wire, Word, flag, id, ids, missing, order_ref, raw_fields, text, word};
use super::{
    Attachment, Author, Body, ChangeStatus, Channel, ConversationContext, ConversationType, Disposition,
    DispositionLabel, Enforcement, EnforcementKind, Event, Message, MessageKind, OrderEvent, OrderKind,
    OrderState, Origin, Party, Registry, Scheme, Surface, TemplateClass, TemplateEvent, TemplateStatus,
    TextFormat, TimeSource,
};
use crate::time::{Millis, Span};

/// A clock may be wrong by an hour or a time zone; a message from days ahead of its reader is an error.
const MAX_AHEAD: Span = Span::days(1);

const EVENT_ID: &str = "a deterministic id such as \"<platform>/<store>/m/<message id>/sent\"";
const TIME: &str = "a time such as \"2026-10-01T09:00:00.120Z\"";

/// Reads a canonical event of a known type.
pub(super) fn event<'a>(wire: &Wire<'a>, kind: EventType) -> Read<Event<'a>> {
    let platform = id("platform", wire.platform)?
        .ok_or_else(|| missing("platform", "the marketplace, as its policy packs name it"))?;
    let store = id("store", wire.store)?.ok_or_else(|| missing("store", "the store id, such as \"7\""))?;
    let body = match kind {
        EventType::Order => Body::Order(order(wire)?),
        EventType::Registry => Body::Registry(registry(wire)?),
        EventType::Enforcement => Body::Enforcement(enforcement(wire)?),
        EventType::Disposition => Body::Disposition(disposition(wire)?),
        EventType::Message | EventType::Native => Body::Message(message(wire)?),
    };
    let observed_at = wire::time("observed_at", wire.observed_at)?;
    let (occurred_at, time_source) = match wire::time("occurred_at", wire.occurred_at)? {
        // A word for a third source is no promise of the platform's own clock.
        Some(time) => {
            let source = word("time_source", wire.time_source, TimeSource::from_word)?;
            (time, source.or(TimeSource::Native, TimeSource::Observed))
        }
        None => (observed_at.ok_or_else(|| missing("occurred_at", TIME))?, TimeSource::Observed),
    };
    plausible(occurred_at, observed_at)?;
    let event_id = match id("event_id", wire.event_id)? {
        Some(event_id) => event_id,
        None => {
            derived_id(&platform, &store, &body, occurred_at).ok_or_else(|| missing("event_id", EVENT_ID))?
        }
    };
    Ok(Event {
        event_id,
        platform,
        store,
        agency: id("agency", wire.agency)?,
        occurred_at,
        time_source,
        observed_at,
        body,
    })
}

/// Refuses an event from the future of its own collector: it would advance stream time past living timers.
pub(super) fn plausible(occurred_at: Millis, observed_at: Option<Millis>) -> Read<()> {
    match observed_at {
        Some(observed) if occurred_at.since(observed) > MAX_AHEAD => Err(DecodeError {
            code: ErrorCode::InvalidTime,
            message: format!(
                "field `occurred_at`: {occurred_at} is more than a day after `observed_at` {observed}; \
                 expected a time at or before it"
            ),
        }),
        _ => Ok(()),
    }
}

/// `platform/store/m/<message id>/<kind>`; edits carry their time, because a message is edited more than once.
pub(super) fn derived_id(
    platform: &str,
    store: &str,
    body: &Body<'_>,
    occurred_at: Millis,
) -> Option<Cow<'static, str>> {
    let Body::Message(message) = body else { return None };
    let message_id = message.message_id.as_deref()?;
    let kind = message.kind.as_str();
    Some(Cow::Owned(match message.kind {
        MessageKind::Edited => format!("{platform}/{store}/m/{message_id}/{kind}/{occurred_at}"),
        _ => format!("{platform}/{store}/m/{message_id}/{kind}"),
    }))
}

/// Reads an origin; some senders' logs call a program `api`.
pub(super) fn origin(field: &str, raw: Raw<'_>) -> Read<Word<Origin>> {
    word(field, raw, |word| if word == "api" { Some(Origin::Erp) } else { Origin::from_word(word) })
}

fn message<'a>(wire: &Wire<'a>) -> Read<Message<'a>> {
    let unknown_or_buyer = word("conversation_type", wire.conversation_type, ConversationType::from_word)?;
    Ok(Message {
        kind: word("kind", wire.kind, MessageKind::from_word)?.known().unwrap_or_default(),
        conversation: id("conversation", wire.conversation)?,
        // Who writes canonical events writes about buyers; marketplaces' other chats come in native form.
        conversation_type: unknown_or_buyer.or(ConversationType::Buyer, ConversationType::Unknown),
        context: word("context", wire.context, ConversationContext::from_word)?.known().unwrap_or_default(),
        message_id: id("message_id", wire.message_id)?,
        author: word("author", wire.author, Author::from_word)?.known().unwrap_or_default(),
        origin: origin("origin", wire.origin)?.known().unwrap_or_default(),
        channel: word("channel", wire.channel, Channel::from_word)?.or(Channel::PlatformChat, Channel::Other),
        text: text("text", wire.text)?,
        text_format: word("text_format", wire.text_format, TextFormat::from_word)?
            .known()
            .unwrap_or_default(),
        attachments: attachments(wire.attachments)?,
        order: order_ref(wire.order, wire.posting, wire.sku)?,
        template: id("template", wire.template)?,
        operator: id("operator", wire.operator)?,
        buyer: id("buyer", wire.buyer)?,
    })
}

raw_fields! { struct AttachmentWire { kind, url, ocr_text, qr_payloads } }

fn attachments(raw: Raw<'_>) -> Read<Vec<Attachment<'_>>> {
    let rows = wire::list("attachments", raw)?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let expected = "a list of objects {kind, url, ocr_text, qr_payloads}";
        let wire: AttachmentWire<'_> = wire::object("attachments", row, expected)?;
        found.push(Attachment {
            kind: text("attachments.kind", wire.kind)?.unwrap_or(Cow::Borrowed("file")),
            url: text("attachments.url", wire.url)?,
            ocr_text: text("attachments.ocr_text", wire.ocr_text)?,
            qr_payloads: ids("attachments.qr_payloads", wire.qr_payloads)?,
        });
    }
    Ok(found)
}

fn order<'a>(wire: &Wire<'a>) -> Read<OrderEvent<'a>> {
    let kind = word("kind", wire.kind, OrderKind::from_word)?.known().unwrap_or_default();
    let order = order_ref(wire.order, wire.posting, wire.sku)?;
    // A page and an invitation are judged by themselves; everything else is a fact about some order.
    let needs_order = !matches!(kind, OrderKind::PageChanged | OrderKind::ReviewInvited);
    if needs_order && order.order.is_none() && order.posting.is_none() {
        return Err(missing("order", "an order number in `order` or a posting number in `posting`"));
    }
    let insert = match wire.insert {
        None => None,
        Some(raw) if raw.get() == "null" => Some(None),
        Some(raw) => Some(id("insert", Some(raw))?),
    };
    Ok(OrderEvent {
        kind,
        order,
        scheme: word("scheme", wire.scheme, Scheme::from_word)?.known().unwrap_or_default(),
        state: match word("state", wire.state, OrderState::from_word)? {
            Word::Absent => None,
            found => Some(found.known().unwrap_or_default()),
        },
        items: wire::items("items", wire.items)?,
        tracking: ids("tracking", wire.tracking)?,
        delay: flag("delay", wire.delay)?.unwrap_or_default(),
        // An unknown step is no request and no approval.
        status: word("status", wire.status, ChangeStatus::from_word)?.known(),
        by: match word("by", wire.by, Party::from_word)? {
            Word::Absent => None,
            found => Some(found.known().unwrap_or_default()),
        },
        insert,
        gift_items: wire.gift_items.map(|raw| wire::items("gift_items", Some(raw))).transpose()?,
        blocks: ids("blocks", wire.blocks)?,
        qr_payloads: ids("qr_payloads", wire.qr_payloads)?,
    })
}

/// A word that must be there and known: a registry that guesses would approve what nobody approved.
fn required<T>(
    field: &str,
    raw: Raw<'_>,
    known: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<T, DecodeError> {
    match word(field, raw, known)? {
        Word::Known(value) => Ok(value),
        Word::Absent => Err(missing(field, expected)),
        Word::Other => Err(DecodeError {
            code: ErrorCode::InvalidField,
            message: format!("field `{field}`: an unknown word; expected {expected}"),
        }),
    }
}

fn either(yes: &'static str, no: &'static str) -> impl Fn(&str) -> Option<bool> {
    move |word| if word == yes { Some(true) } else { (word == no).then_some(false) }
}

fn registry<'a>(wire: &Wire<'a>) -> Read<Registry<'a>> {
    let kinds =
        |word: &str| ["template", "capability", "domain", "store"].into_iter().find(|kind| *kind == word);
    let status = wire.status;
    Ok(match required("kind", wire.kind, kinds, "template, capability, domain or store")? {
        "template" => Registry::Template(TemplateEvent {
            template: id("template", wire.template)?
                .ok_or_else(|| missing("template", "a template id such as \"ship-01\""))?,
            status: required(
                "status",
                status,
                TemplateStatus::from_word,
                "submitted, approved, rejected or retired",
            )?,
            class: word("class", wire.class, TemplateClass::from_word)?.known(),
            surface: word("surface", wire.surface, Surface::from_word)?.known().unwrap_or_default(),
            text: text("text", wire.text)?,
            version: id("version", wire.version)?,
        }),
        "capability" => Registry::Capability {
            name: id("name", wire.name)?.ok_or_else(|| missing("name", "the name of a capability"))?,
            granted: required("status", status, either("granted", "revoked"), "granted or revoked")?,
        },
        "domain" => Registry::Domain {
            domain: text("domain", wire.domain)?
                .ok_or_else(|| missing("domain", "a host such as \"brand.example\""))?,
            registered: required("status", status, either("registered", "removed"), "registered or removed")?,
        },
        _ => Registry::Store {
            title: text("title", wire.title)?,
            time_zone: text("time_zone", wire.time_zone)?,
        },
    })
}

fn enforcement<'a>(wire: &Wire<'a>) -> Read<Enforcement<'a>> {
    Ok(Enforcement {
        kind: word("kind", wire.kind, EnforcementKind::from_word)?.known().unwrap_or_default(),
        reason: text("reason", wire.reason)?,
        message_id: id("message_id", wire.message_id)?,
        order: order_ref(wire.order, wire.posting, wire.sku)?,
    })
}

fn disposition<'a>(wire: &Wire<'a>) -> Read<Disposition<'a>> {
    Ok(Disposition {
        verdict_id: id("verdict_id", wire.verdict_id)?
            .ok_or_else(|| missing("verdict_id", "the id of a verdict"))?,
        // The labels measure misjudgments: a misspelt one must not count as another.
        label: required(
            "label",
            wire.label,
            DispositionLabel::from_word,
            "confirmed, misjudged, missed or accepted_risk",
        )?,
        reviewer: id("reviewer", wire.reviewer)?,
        note: text("note", wire.note)?,
    })
}
