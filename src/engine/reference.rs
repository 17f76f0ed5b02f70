//! What a message refers to: its order, the names and numbers around it, the words in its pictures.

use smallvec::SmallVec;

use crate::event::{Attachment, Channel, Message, OrderRef, Surface};
use crate::state::{Conversation, Order, Store};

/// Titles and brands of the order: their words are names.
pub(super) fn names(order: Option<&Order>) -> SmallVec<[&str; 8]> {
    let items = order.map_or(&[][..], |order| &order.items);
    items.iter().flat_map(|item| [item.title.as_deref(), item.brand.as_deref()]).flatten().collect()
}

/// Numbers of the order: never phones.
pub(super) fn numbers<'a>(
    message: &'a Message<'_>,
    order: Option<&'a Order>,
    known: Option<&'a Conversation>,
) -> SmallVec<[&'a str; 8]> {
    let said = [&message.order.posting, &message.order.order, &message.order.sku];
    let mut numbers: SmallVec<[&str; 8]> = said.into_iter().filter_map(|number| number.as_deref()).collect();
    if let Some(order) = order {
        numbers.extend(order.numbers.iter().chain(&order.tracking).map(|number| &**number));
        numbers.extend(order.items.iter().filter_map(|item| item.sku.as_deref()));
    }
    numbers.extend(known.and_then(|known| known.order.as_deref()));
    numbers
}

/// Key of the order a message is about (its own reference first, then the conversation's), or the number it names
/// when no such order is known.
pub(super) fn order_of(store: &Store, message: &Message<'_>) -> Option<Box<str>> {
    let named = message.order.posting.as_deref().or(message.order.order.as_deref());
    if named.is_some() {
        return store.order_key(&message.order).or(named).map(Into::into);
    }
    let remembered =
        message.conversation.as_deref().and_then(|id| store.conversations.get(id))?.order.as_deref()?;
    let reference = OrderRef { order: Some(remembered.into()), ..OrderRef::default() };
    store.order_key(&reference).or(Some(remembered)).map(Into::into)
}

pub(super) fn surface_of(message: &Message<'_>) -> Surface {
    if message.channel == Channel::ParcelInsert { Surface::Insert } else { Surface::Chat }
}

/// Words that a producer read from pictures, a line each.
pub(super) fn attached_words(message: &Message<'_>) -> String {
    let words = |attachment: &Attachment<'_>| -> Vec<String> {
        let ocr = attachment.ocr_text.as_deref().map(str::to_owned);
        ocr.into_iter().chain(attachment.qr_payloads.iter().map(|payload| payload.to_string())).collect()
    };
    message.attachments.iter().flat_map(words).collect::<Vec<_>>().join("\n")
}

/// Whether `text` begins with `prefix`, case and runs of white space aside.
pub(super) fn starts_with_folded(text: &str, prefix: &str) -> bool {
    let mut words = text.split_whitespace();
    let mut wanted = prefix.split_whitespace().peekable();
    while let Some(want) = wanted.next() {
        let Some(word) = words.next() else { return false };
        let (word, want) = (word.to_lowercase(), want.to_lowercase());
        // The last word of the prefix may be cut inside a word of the text.
        let fits = if wanted.peek().is_none() { word.starts_with(&*want) } else { word == want };
        if !fits {
            return false;
        }
    }
    !prefix.trim().is_empty()
}
