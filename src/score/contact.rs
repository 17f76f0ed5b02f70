//! May the seller write to this buyer now? Windows, proactive kinds, channels.

use std::sync::Arc;

use crate::event::{Channel, ConversationContext, MessageKind, Scheme};
use crate::policy::condition::{Contact, OrderAnchor, ProactiveKind};
use crate::state::Moment;

use super::scene::Scene;
use super::{Answer, Hit};

/// Whether a message may be sent, and on what ground.
#[derive(Debug)]
pub enum Permission {
    /// It is a reply inside an open window, or no contact at all.
    Reply,
    /// It is the first use, or one more, of an allowed proactive kind.
    Kind(Arc<str>),
    /// It may not.
    Denied(Hit),
    /// It turns on a fact that nobody knows.
    Unknown(&'static str),
}

/// Why a proactive kind does not allow a message, nearest miss last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    NotAllowedKind,
    WindowClosed,
    QuotaExceeded,
    MissingCapability,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowedKind => "not_allowed_kind",
            Self::WindowClosed => "window_closed",
            Self::QuotaExceeded => "quota_exceeded",
            Self::MissingCapability => "missing_capability",
        }
    }
}

/// What one condition of a kind says: three-valued, because facts may be missing.
enum Check {
    Holds,
    Fails(Reason),
    Unknown(&'static str),
}

/// Judges the contact itself, whatever the words.
pub fn permission(scene: &Scene<'_>, rule: &Contact) -> Permission {
    let Some(message) = scene.message() else { return Permission::Reply };
    // An edit is no new contact, and other channels have a rule of their own.
    if message.kind != MessageKind::Sent || message.channel != Channel::PlatformChat {
        return Permission::Reply;
    }
    if message.conversation.is_none() {
        return Permission::Unknown("conversation");
    }
    let at = scene.at();
    let buyer = match scene.conversation.map_or(Ok(None), |conversation| conversation.last_buyer_message(at))
    {
        Ok(buyer) => buyer,
        Err(_) => return Permission::Unknown("last_buyer_message_at"),
    };
    let closes_at = buyer.and_then(|buyer| rule.reply_window.map(|window| buyer.at.plus(window)));
    if buyer.is_some() && closes_at.is_none_or(|closes_at| at <= closes_at.plus(rule.grace)) {
        return Permission::Reply;
    }

    let mut nearest: Option<(Reason, &ProactiveKind)> = None;
    let mut unknown = None;
    for kind in &rule.kinds {
        match allows(scene, rule, kind) {
            Check::Holds => return Permission::Kind(Arc::clone(&kind.id)),
            Check::Unknown(fact) => unknown = unknown.or(Some(fact)),
            Check::Fails(reason) if nearest.is_none_or(|(best, _)| reason > best) => {
                nearest = Some((reason, kind))
            }
            Check::Fails(_) => {}
        }
    }
    if let Some(fact) = unknown {
        return Permission::Unknown(fact);
    }
    let reason = match (nearest, buyer) {
        (_, Some(_)) => Reason::WindowClosed.as_str(),
        (Some((reason, _)), None) => reason.as_str(),
        (None, None) => "no_buyer_message",
    };
    let later_message_known = scene.conversation.is_some_and(|conversation| conversation.has_buyer_message());
    let doubtful = match buyer {
        Some(buyer) => scene.observed() || buyer.observed,
        None => {
            scene.observed()
                && (later_message_known || nearest.is_some_and(|(r, _)| r == Reason::WindowClosed))
        }
    };
    let mut hit = Hit::certain()
        .doubt(doubtful)
        .fact("reason", reason)
        .fact("sent_at", at)
        .fact_if("last_buyer_message_at", buyer.map(|buyer| buyer.at))
        .fact_if("window_closes_at", closes_at)
        .fact_if("seconds_late", closes_at.map(|closes_at| at.since(closes_at).0 / 1000));
    if buyer.is_none() {
        hit = hit.fact("last_buyer_message", "none");
        if let Some((_, kind)) = nearest {
            hit = describe(hit, scene, kind);
        }
    }
    Permission::Denied(hit)
}

/// Adds what the nearest kind turned on.
fn describe(hit: Hit, scene: &Scene<'_>, kind: &ProactiveKind) -> Hit {
    let anchor = anchor_name(kind.anchor);
    let (opened, observed) = match scene.order.map(|order| order.moment(kind.anchor)) {
        Some(Moment::At { at, observed }) => (Some(at), observed),
        _ => (None, false),
    };
    hit.doubt(observed)
        .fact("kind", &*kind.id)
        .fact_if(anchor, opened)
        .fact_if("window_closes_at", opened.map(|at| at.plus(kind.window)))
        .fact_if("messages_of_kind", scene.order.map(|order| i64::from(order.used(&kind.id))))
        .fact_if("capability", kind.capability.as_deref())
}

const fn anchor_name(anchor: OrderAnchor) -> &'static str {
    match anchor {
        OrderAnchor::Created => "order.created_at",
        OrderAnchor::Paid => "order.paid_at",
        OrderAnchor::Shipped => "order.shipped_at",
        OrderAnchor::Delivered => "order.delivered_at",
    }
}

/// Whether one kind allows the message. A condition that fails for certain outweighs any unknown one.
fn allows(scene: &Scene<'_>, rule: &Contact, kind: &ProactiveKind) -> Check {
    let checks = [
        capability(scene, kind),
        first_word(scene, kind),
        context(scene, kind),
        scheme(scene, kind),
        window(scene, rule, kind),
        quota(scene, kind),
        names_order(scene, kind),
        names_item(scene, kind),
        words(scene, kind),
    ];
    let mut unknown = None;
    for check in checks {
        match check {
            Check::Fails(reason) => return Check::Fails(reason),
            Check::Unknown(fact) => unknown = unknown.or(Some(fact)),
            Check::Holds => {}
        }
    }
    unknown.map_or(Check::Holds, Check::Unknown)
}

fn holds(condition: bool, otherwise: Reason) -> Check {
    if condition { Check::Holds } else { Check::Fails(otherwise) }
}

fn capability(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    let granted = |name: &Arc<str>| scene.profile.has_capability(name, scene.at());
    holds(kind.capability.as_ref().is_none_or(granted), Reason::MissingCapability)
}

fn first_word(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    let spoken = scene.conversation.is_some_and(|conversation| {
        matches!(conversation.last_buyer_message(scene.at()), Ok(Some(_)) | Err(_))
    });
    holds(!(kind.before_buyer && spoken), Reason::NotAllowedKind)
}

fn context(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    if kind.contexts.is_empty() {
        return Check::Holds;
    }
    let said = scene.message().map_or(ConversationContext::Unknown, |message| message.context);
    let known = scene.conversation.map_or(ConversationContext::Unknown, |conversation| conversation.context);
    let context = if said == ConversationContext::Unknown { known } else { said };
    match context {
        // A message that names an order is about that order, when the platform says nothing else.
        ConversationContext::Unknown if scene.order_key.is_some() => {
            holds(kind.contexts.contains(&ConversationContext::Order), Reason::NotAllowedKind)
        }
        ConversationContext::Unknown => Check::Unknown("conversation.context"),
        context => holds(kind.contexts.contains(&context), Reason::NotAllowedKind),
    }
}

fn scheme(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    if kind.schemes.is_empty() {
        return Check::Holds;
    }
    match scene.order.map_or(Scheme::Unknown, |order| order.scheme) {
        Scheme::Unknown => Check::Unknown("order.scheme"),
        scheme => holds(kind.schemes.contains(&scheme), Reason::NotAllowedKind),
    }
}

fn window(scene: &Scene<'_>, rule: &Contact, kind: &ProactiveKind) -> Check {
    let Some(order) = scene.order else { return Check::Unknown("order") };
    match order.moment(kind.anchor) {
        Moment::Unseen => Check::Unknown(anchor_name(kind.anchor)),
        Moment::NotYet => Check::Fails(Reason::NotAllowedKind),
        Moment::At { at: opened, .. } if scene.at() < opened => Check::Fails(Reason::NotAllowedKind),
        Moment::At { at: opened, .. } => {
            holds(scene.at() <= opened.plus(kind.window).plus(rule.grace), Reason::WindowClosed)
        }
    }
}

fn quota(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    match (kind.quota, scene.order) {
        (None, _) => Check::Holds,
        (Some(_), None) => Check::Unknown("order"),
        (Some(max), Some(order)) => holds(u32::from(order.used(&kind.id)) < max, Reason::QuotaExceeded),
    }
}

fn names_order(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    if !kind.names_order {
        return Check::Holds;
    }
    let reference = scene.message().map(|message| &message.order);
    let own = scene.order.map_or(&[][..], |order| &order.numbers[..]).iter().map(|number| &**number);
    let said =
        reference.into_iter().flat_map(|order| [order.posting.as_deref(), order.order.as_deref()]).flatten();
    let mut numbers = own.chain(said).chain(scene.order_key).filter(|number| !number.is_empty()).peekable();
    if numbers.peek().is_none() {
        return Check::Unknown("order");
    }
    let named = numbers.any(|number| scene.texts.iter().any(|scanned| names_number(scanned.source, number)));
    holds(named, Reason::NotAllowedKind)
}

/// Whether `text` holds `number` as a number of its own, not as a part of a longer one.
fn names_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, found)| {
        let word = |c: char| c.is_ascii_alphanumeric();
        !text[..at].ends_with(word) && !text[at + found.len()..].starts_with(word)
    })
}

fn names_item(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    if !kind.names_item {
        return Check::Holds;
    }
    let items = scene.order.map_or(&[][..], |order| &order.items[..]);
    if items.is_empty() {
        return Check::Unknown("order.items");
    }
    let text: String = scene.sources().join("\n").to_lowercase();
    let named = items.iter().any(|item| {
        item.sku.as_deref().is_some_and(|sku| names_number(&text, &sku.to_lowercase()))
            || item.title.as_deref().is_some_and(|title| shares_word(&text, title))
    });
    if named {
        Check::Holds
    } else if items.iter().any(|item| item.title.is_none()) {
        // The text may name by its title what is known here by its number alone.
        Check::Unknown("order.items")
    } else {
        Check::Fails(Reason::NotAllowedKind)
    }
}

/// Whether `text` (lower case) holds a word of `title`, allowing for another ending (Russian cases).
pub(crate) fn shares_word(text: &str, title: &str) -> bool {
    let title = title.to_lowercase();
    let words = |text: &str| -> Vec<Vec<char>> {
        text.split(|c: char| !c.is_alphanumeric()).map(|word| word.chars().collect()).collect()
    };
    let in_text = words(text);
    words(&title).iter().any(|word| {
        // Chinese titles have no spaces: any two characters in a row will do.
        if word.iter().any(|c| ('\u{4e00}'..='\u{9fff}').contains(c)) {
            return word.windows(2).any(|pair| text.contains(&pair.iter().collect::<String>()));
        }
        in_text.iter().any(|other| {
            let common = word.iter().zip(other).take_while(|(a, b)| a == b).count();
            let longer = word.len().max(other.len());
            common >= 3 && common + 3 >= longer && (longer > 3 || word == other)
        })
    })
}

fn words(scene: &Scene<'_>, kind: &ProactiveKind) -> Check {
    holds(scene.strongest(&kind.deny).is_none(), Reason::NotAllowedKind)
}

/// A message over a channel that is not the platform's.
pub fn channel(scene: &Scene<'_>, allowed: &[Channel]) -> Answer {
    match scene.message() {
        Some(message) if !allowed.contains(&message.channel) => {
            Hit::certain().fact("channel", message.channel.as_str()).answer()
        }
        _ => Answer::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_named_whole() {
        for (text, number, expected) in [
            ("Заказ 123456: чехол", "123456", true),
            ("Заказ 1234567", "123456", false),
            ("№24219509-0020-1.", "24219509-0020-1", true),
            ("24219509-0020-1", "24219509-0020", true),
            ("", "1", false),
        ] {
            assert_eq!(names_number(text, number), expected, "{text} {number}");
        }
    }

    #[test]
    fn an_item_is_named_by_a_word_of_its_title() {
        for (text, title, expected) in [
            ("заказ 1: чехол, 1 шт.", "Чехол силиконовый", true),
            ("отправим чехла пару", "Чехол", true),
            ("ваш заказ принят", "Чехол силиконовый", false),
            ("您的订单：手机壳一个", "硅胶手机壳", true),
            ("your case is here", "Phone case", true),
            ("силиконовую форму", "Чехол силиконовый", true),
        ] {
            assert_eq!(shares_word(text, title), expected, "{text} / {title}");
        }
    }
}
