//! Patterns over a store's conversations: bursts of one text, and messages at a constant delay.

use crate::event::{MessageKind, Surface, TemplateStatus};
use crate::hash::stable_hash;
use crate::text::TextClass;
use crate::time::Span;

use super::scene::Scene;
use super::{Answer, Hit};

/// Whom a message goes to, as one number: the buyer, or the conversation where no buyer is named.
pub(crate) fn addressee(scene: &Scene<'_>) -> u64 {
    let message = scene.message();
    let id = message
        .and_then(|message| message.conversation.as_deref().or(message.buyer.as_deref()))
        .unwrap_or_default();
    stable_hash(id.as_bytes())
}

/// The same text to at least `k` buyers within `within`. Greetings and thanks are everybody's words, and an
/// approved template is meant to repeat.
pub fn duplicate(scene: &Scene<'_>, k: u32, within: Span, min_chars: u32) -> Answer {
    let Some(scanned) = scene.texts.first() else { return Answer::No };
    let sent = scene.message().is_some_and(|message| message.kind == MessageKind::Sent);
    if !sent || scene.surface != Surface::Chat || scanned.signals.folded_chars < min_chars {
        return Answer::No;
    }
    let approved = scene
        .template
        .and_then(|(_, template)| template)
        .is_some_and(|template| template.status_at(scene.at()) == Some(TemplateStatus::Approved));
    if approved
        || scanned.signals.class.intersects(TextClass::THANKS | TextClass::SMALL_TALK | TextClass::BLANK)
    {
        return Answer::No;
    }
    let others =
        scene.traffic.sent_to_others(scanned.signals.folded_hash, addressee(scene), scene.at(), within);
    let buyers = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
    if buyers < k {
        return Answer::No;
    }
    Hit::certain()
        .fact("buyers", i64::from(buyers))
        .fact("within", within)
        .fact("limit", i64::from(k))
        .answer()
}

/// The last `k` messages after the same status, about `k` orders, at delays that differ by `spread` at most.
pub fn fixed_delay(scene: &Scene<'_>, k: u32, within: Span, spread: Span) -> Answer {
    let Some(follow_up) = follow_up(scene) else { return Answer::No };
    let mut shortest = follow_up.delay;
    let mut longest = follow_up.delay;
    let mut orders: smallvec::SmallVec<[u64; 8]> = smallvec::smallvec![follow_up.order];
    for other in scene.traffic.follow_ups(follow_up.state, follow_up.order, scene.at(), within) {
        if orders.len() as u32 >= k || orders.contains(&other.order) {
            continue;
        }
        shortest = shortest.min(other.delay);
        longest = longest.max(other.delay);
        orders.push(other.order);
    }
    if (orders.len() as u32) < k || longest.0 - shortest.0 > spread.0 {
        return Answer::No;
    }
    Hit::certain()
        .fact("status", follow_up.state.as_str())
        .fact("delay", follow_up.delay)
        .fact("spread", Span(longest.0 - shortest.0))
        .fact("messages", i64::from(k))
        .answer()
}

/// The message as a follow-up of its order's last status event; `None` when no status is known, or when the buyer
/// wrote after it, so that the message answers the buyer.
pub(crate) fn follow_up(scene: &Scene<'_>) -> Option<crate::state::store::FollowUp> {
    let message = scene.message().filter(|message| message.kind == MessageKind::Sent)?;
    message.conversation.as_ref()?;
    let change = scene.order?.last_change(scene.at())?;
    let last_word = scene.conversation.and_then(|known| known.last_buyer_message(scene.at()).ok().flatten());
    if last_word.is_some_and(|buyer| buyer.at > change.at) {
        return None;
    }
    Some(crate::state::store::FollowUp {
        at: scene.at(),
        delay: scene.at().since(change.at),
        state: change.state,
        order: stable_hash(scene.order_key?.as_bytes()),
    })
}
