//! Ozon: pushes, messages of a chat history, whole history pages.
//!
//! Pushes carry buyers', support's and Ozon's messages; the seller's own come from the history, which knows the
//! order but not the chat: the collector adds the chat's row as `fetched.chat`.

mod orders;

use std::borrow::Cow;

use uuid::Uuid;

use self::orders::{created, cutoff_changed, delivery_changed, new_posting, posting, reference};
use super::{Envelope, When, file_kind, first_time, native_time, native_word, origin_of, page};
use crate::event::decode::{Decoded, SkipReason};
use crate::event::wire::{Raw, Read, flag, id, list, missing, object, raw_fields, text};
use crate::event::{
    Attachment, Author, Body, Channel, ConversationContext, ConversationType, Event, Message, MessageKind,
    OrderRef, Scheme, TextFormat,
};

pub(super) const PLATFORM: &str = "ozon";

raw_fields! {
    /// Every field of a push, a history message or a history page. Older pushes have fewer.
    struct Native {
        message_type, seller_id,
        chat_id, chat_type, message_id, user, data, is_image, context, created_at, updated_at, messages,
        posting_number, order_number, products, tracking_number, tpl_integration_type, in_process_at,
        new_state, changed_state_date, cancel_date, cancelled_at, creation_date,
        old_delivery_date_begin, old_delivery_date_end, new_delivery_date_begin, new_delivery_date_end,
        old_cutoff_date, new_cutoff_date,
    }
}

raw_fields! { struct User { id, r#type } }
raw_fields! { struct Context { order_number, sku } }
raw_fields! { struct Chat { chat_id, chat_type, chat } }

pub(super) fn decode<'a>(envelope: &Envelope<'a>) -> Read<Decoded<'a>> {
    let native: Native<'a> = envelope.native()?;
    if let Some(push) = text("native.message_type", native.message_type)? {
        return self::push(envelope, &native, &push);
    }
    let chat = FetchedChat::read(envelope.fetched.chat)?;
    if let Some(rows) = native.messages {
        return page("native.messages", rows, |row| {
            let message: Native<'a> = object("native.messages", row, "a list of messages")?;
            Ok(vec![history(envelope, &message, &chat)?])
        });
    }
    if native.message_id.is_some() && native.user.is_some() {
        return Ok(Decoded::One(history(envelope, &native, &chat)?));
    }
    Ok(Decoded::Skipped(SkipReason::NotEvent))
}

fn push<'a>(envelope: &Envelope<'a>, native: &Native<'a>, name: &str) -> Read<Decoded<'a>> {
    let event = match name {
        "TYPE_NEW_MESSAGE" => pushed_message(envelope, native, MessageKind::Sent)?,
        "TYPE_UPDATE_MESSAGE" => pushed_message(envelope, native, MessageKind::Edited)?,
        "TYPE_MESSAGE_READ" => pushed_message(envelope, native, MessageKind::Read)?,
        "TYPE_CHAT_CLOSED" => chat_closed(envelope, native)?,
        "TYPE_NEW_POSTING" => new_posting(envelope, native)?,
        "TYPE_POSTING_CANCELLED" | "TYPE_STATE_CHANGED" => posting(envelope, native, Scheme::FbsOrRfbs)?,
        "TYPE_CUTOFF_DATE_CHANGED" => cutoff_changed(envelope, native)?,
        "TYPE_DELIVERY_DATE_CHANGED" => delivery_changed(envelope, native, Scheme::FbsOrRfbs)?,
        "TYPE_FBO_POSTING_NEW" => created(envelope, native, Scheme::Fbo)?,
        "TYPE_FBO_POSTING_CANCELLED" | "TYPE_FBO_POSTING_STATE_CHANGED" => {
            posting(envelope, native, Scheme::Fbo)?
        }
        "TYPE_FBO_POSTING_DELIVERY_DATE_CHANGED" => delivery_changed(envelope, native, Scheme::Fbo)?,
        "TYPE_ORDER_NEW" => created(envelope, native, Scheme::Unknown)?,
        "TYPE_ORDER_CANCELLED" | "TYPE_ORDER_STATE_CHANGED" => posting(envelope, native, Scheme::Unknown)?,
        // Pings, items, stocks, prices, the category tree, and whatever Ozon adds next.
        _ => return Ok(Decoded::Skipped(SkipReason::NotContact)),
    };
    Ok(Decoded::One(event))
}

fn store<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Cow<'a, str>> {
    envelope.store(|| id("native.seller_id", native.seller_id))
}

// ---- messages

/// The chat that the collector looked up: the row of the chat list, or the chat inside it.
struct FetchedChat<'a> {
    id: Option<Cow<'a, str>>,
    kind: Option<ConversationType>,
}

impl<'a> FetchedChat<'a> {
    fn read(raw: Raw<'a>) -> Read<Self> {
        let Some(raw) = raw else { return Ok(Self { id: None, kind: None }) };
        let mut chat: Chat<'a> = object("fetched.chat", raw, "an object {chat_id, chat_type}")?;
        if let Some(inner) = chat.chat {
            chat = object("fetched.chat.chat", inner, "an object {chat_id, chat_type}")?;
        }
        Ok(Self {
            id: id("fetched.chat.chat_id", chat.chat_id)?,
            kind: chat_type("fetched.chat.chat_type", chat.chat_type)?,
        })
    }
}

/// Chat types are spelled differently in pushes and in the list, and some are not documented.
fn chat_type(field: &str, raw: Raw<'_>) -> Read<Option<ConversationType>> {
    let word = native_word(field, raw)?;
    Ok(match word.as_str() {
        "" => None,
        "buyer_seller" | "buyer_seller_select" => Some(ConversationType::Buyer),
        "seller_support" => Some(ConversationType::Support),
        word if word.starts_with("seller_notification") || word.starts_with("seller_api_") => {
            Some(ConversationType::PlatformNotice)
        }
        // Managers and account groups are Ozon's people as well, and no buyers.
        word if word.contains("_manager_") || word.ends_with("_group") => Some(ConversationType::Support),
        _ => Some(ConversationType::Unknown),
    })
}

fn author(word: &str) -> Author {
    match word {
        "customer" => Author::Buyer,
        "seller" => Author::Seller,
        "crm" | "notificationuser" => Author::Platform,
        "support" => Author::Support,
        "courier" => Author::Courier,
        _ => Author::Unknown,
    }
}

/// What a push and a history message share: who, what, and about which order.
fn body<'a>(native: &Native<'a>) -> Read<Message<'a>> {
    let user: User<'a> = match native.user {
        Some(raw) => object("native.user", raw, "an object {id, type}")?,
        None => User::default(),
    };
    let author = author(&native_word("native.user.type", user.r#type)?);
    let (text, mut attachments) = data(native.data)?;
    let picture = flag("native.is_image", native.is_image).unwrap_or_default().unwrap_or_default();
    if picture && !attachments.iter().any(|found: &Attachment<'_>| found.kind == "image") {
        attachments.push(Attachment { kind: Cow::Borrowed("image"), ..Attachment::default() });
    }
    Ok(Message {
        message_id: id("native.message_id", native.message_id)?,
        author,
        origin: origin_of(author),
        channel: Channel::PlatformChat,
        text,
        text_format: TextFormat::Markdown,
        attachments,
        buyer: if author == Author::Buyer { id("native.user.id", user.id)? } else { None },
        ..Message::default()
    })
}

/// The order that the history names beside a message; either part may be empty.
fn context<'a>(message: &mut Message<'a>, raw: Raw<'a>) -> Read<()> {
    let Some(raw) = raw else { return Ok(()) };
    let context: Context<'a> = object("native.context", raw, "an object {order_number, sku}")?;
    message.order = OrderRef {
        sku: id("native.context.sku", context.sku)?,
        ..reference(id("native.context.order_number", context.order_number)?)
    };
    if message.order.order.is_some() {
        message.context = ConversationContext::Order;
    }
    Ok(())
}

fn history<'a>(envelope: &Envelope<'a>, native: &Native<'a>, chat: &FetchedChat<'a>) -> Read<Event<'a>> {
    let conversation = id("native.chat_id", native.chat_id)?.or_else(|| chat.id.clone());
    let mut message = Message {
        conversation: Some(conversation.ok_or_else(|| {
            missing("fetched.chat.chat_id", "the chat whose history this is: the answer does not repeat it")
        })?),
        conversation_type: chat.kind.unwrap_or_default(),
        ..body(native)?
    };
    context(&mut message, native.context)?;
    let when = envelope.when(native_time("native.created_at", native.created_at)?)?;
    envelope.message(PLATFORM, store(envelope, native)?, when, message)
}

fn pushed_message<'a>(envelope: &Envelope<'a>, native: &Native<'a>, kind: MessageKind) -> Read<Event<'a>> {
    let chat = FetchedChat::read(envelope.fetched.chat)?;
    let pushed = chat_type("native.chat_type", native.chat_type)?;
    let mut message = Message {
        kind,
        conversation: id("native.chat_id", native.chat_id)?.or(chat.id),
        conversation_type: pushed.or(chat.kind).unwrap_or_default(),
        ..body(native)?
    };
    // A push names no order; the history message beside it may.
    if let Some(raw) = envelope.fetched.message {
        let fetched: Native<'a> = object("fetched.message", raw, "a message of the history")?;
        context(&mut message, fetched.context)?;
    }
    let time = match kind {
        MessageKind::Edited => {
            first_time(&[("native.updated_at", native.updated_at), ("native.created_at", native.created_at)])?
        }
        _ => native_time("native.created_at", native.created_at)?,
    };
    let when = envelope.when(time)?;
    if kind == MessageKind::Sent && message.message_id.is_none() {
        return unnamed(envelope, native, when, message);
    }
    envelope.message(PLATFORM, store(envelope, native)?, when, message)
}

/// Notices of undocumented chats come without any id: the body itself names them, with its time.
fn unnamed<'a>(
    envelope: &Envelope<'a>,
    native: &Native<'a>,
    when: When,
    message: Message<'a>,
) -> Read<Event<'a>> {
    let store = store(envelope, native)?;
    let body = Uuid::new_v5(&Uuid::NAMESPACE_OID, envelope.native.get().as_bytes());
    let event_id = format!("{PLATFORM}/{store}/m/{body}/sent/{}", when.time);
    Ok(envelope.event(PLATFORM, store, when, Cow::Owned(event_id), Body::Message(message)))
}

fn chat_closed<'a>(envelope: &Envelope<'a>, native: &Native<'a>) -> Read<Event<'a>> {
    let message = Message {
        kind: MessageKind::ConversationClosed,
        conversation: Some(
            id("native.chat_id", native.chat_id)?
                .ok_or_else(|| missing("native.chat_id", "the chat that was closed"))?,
        ),
        conversation_type: chat_type("native.chat_type", native.chat_type)?.unwrap_or_default(),
        ..body(native)?
    };
    let when = envelope.when(None)?;
    Ok(envelope.conversation(PLATFORM, store(envelope, native)?, when, message))
}

/// Text and attachments of `data`: elements in Markdown, pictures among them, joined by line ends.
fn data<'a>(raw: Raw<'a>) -> Read<(Option<Cow<'a, str>>, Vec<Attachment<'a>>)> {
    let Some(raw) = raw else { return Ok((None, Vec::new())) };
    let mut parts = Vec::new();
    if raw.get().starts_with('"') {
        parts.extend(text("native.data", Some(raw))?);
    } else {
        for part in list("native.data", Some(raw))? {
            parts.extend(text("native.data", Some(part))?);
        }
    }
    let attachments = parts.iter().flat_map(|part| markdown_files(part)).collect();
    let text = match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(Cow::Owned(parts.join("\n"))),
    };
    Ok((text, attachments))
}

/// Host of the files of chats.
const FILES: &str = "https://api-seller.ozon.ru/";

/// `![…](url)` anywhere, and `[name](url)` of a chat file.
fn markdown_files(part: &str) -> Vec<Attachment<'static>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(middle) = memchr::memmem::find(&part.as_bytes()[from..], b"](") {
        let middle = from + middle;
        from = middle + 2;
        let Some(length) = memchr::memchr(b')', &part.as_bytes()[from..]) else { break };
        let Some(opening) = part[..middle].rfind('[') else { continue };
        let (label, url) = (&part[opening + 1..middle], part[from..from + length].trim());
        let picture = part[..opening].ends_with('!');
        if url.is_empty() || !(picture || url.starts_with(FILES)) {
            continue;
        }
        let kind = match () {
            () if picture => Cow::Borrowed("image"),
            () if label.contains('.') && file_kind(url) == "file" => file_kind(label),
            () => file_kind(url),
        };
        found.push(Attachment { kind, url: Some(Cow::Owned(url.to_owned())), ..Attachment::default() });
    }
    found
}
