//! Gifts: promised in the required words, inside the platform, and kept.

use std::sync::Arc;

use crate::event::{MessageKind, OrderKind};
use crate::policy::condition::SignalSet;
use crate::state::order::OrderItem;
use crate::state::{Order, Promise, PromiseEnd};

use super::contact::shares_word;
use super::evidence::{self, EVIDENCE_CAP};
use super::scene::Scene;
use super::{Answer, Hit};

/// A promise that lacks an element of the required wording (founding brief: "赠送XX商品,随本次订单发出").
pub fn wording(
    scene: &Scene<'_>,
    promise: &SignalSet,
    elements: &[(Arc<str>, SignalSet)],
    unless: &SignalSet,
) -> Answer {
    if scene.strongest(unless).is_some() {
        return Answer::No;
    }
    let Some(confidence) = scene.strongest(promise) else { return Answer::No };
    let missing: Vec<String> = elements
        .iter()
        .filter(|(_, signals)| scene.strongest(signals).is_none())
        .map(|(name, _)| name.to_string())
        .collect();
    if missing.is_empty() {
        return Answer::No;
    }
    let mut hit = Hit::certain().fact("missing", missing);
    hit.confidence = confidence;
    push_evidence(&mut hit, scene, promise);
    hit.answer()
}

/// A gift or compensation negotiated outside the platform, or a promise made there that the buyer quoted.
pub fn private(scene: &Scene<'_>, promise: &SignalSet, elsewhere: &SignalSet) -> Answer {
    if scene
        .message()
        .is_none_or(|message| message.kind != MessageKind::Sent && message.kind != MessageKind::Edited)
    {
        return Answer::No;
    }
    let promised = scene.strongest(promise);
    let quoted = scene.conversation.and_then(|conversation| conversation.promise_elsewhere(scene.at()));
    let mut hit = Hit::certain();
    match (promised, scene.strongest(elsewhere), quoted) {
        (Some(promised), Some(elsewhere), _) => hit.confidence = promised.min(elsewhere),
        (Some(promised), None, Some(_)) => hit.confidence = promised,
        _ => return Answer::No,
    }
    push_evidence(&mut hit, scene, promise);
    push_evidence(&mut hit, scene, elsewhere);
    hit.fact_if("buyer_quoted_promise_at", quoted).answer()
}

fn push_evidence(hit: &mut Hit, scene: &Scene<'_>, set: &SignalSet) {
    for (scanned, signal) in scene.signals_in(set) {
        if hit.evidence.len() < EVIDENCE_CAP {
            hit.evidence.push(evidence::of_signal(scene.ruleset, scanned, signal));
        }
    }
}

/// The parcel was packed, and a promised gift was not in it.
pub fn unfulfilled(scene: &Scene<'_>) -> Answer {
    let (Some(event), Some(order)) = (scene.order_event(), scene.order) else { return Answer::No };
    if event.kind != OrderKind::ShippedWith {
        return Answer::No;
    }
    let mut doubtful = None;
    for promise in order.open_promises().filter(|promise| promise.at <= scene.at()) {
        match fate(order, promise) {
            Some(PromiseEnd::Broken) => return broken(promise).answer(),
            Some(PromiseEnd::Unknown) => doubtful = Some(promise),
            _ => {}
        }
    }
    let reported = order.shipped_with.as_ref().is_some_and(|shipped| shipped.gifts.is_some());
    match doubtful {
        // Another gift lies in the parcel than the one that was named.
        Some(promise) if reported => broken(promise).doubt(true).answer(),
        Some(_) => Answer::Unknown("order.gift_items"),
        None => Answer::No,
    }
}

/// The finding about a promise that was not, or may not have been, kept.
pub(crate) fn broken(promise: &Promise) -> Hit {
    Hit::certain()
        .fact("promised_at", promise.at)
        .fact("promise", &*promise.event_id)
        .fact_if("promise_message_id", promise.message_id.as_deref())
}

/// What the parcel says of a promise; `None` while its contents were not reported.
pub(crate) fn fate(order: &Order, promise: &Promise) -> Option<PromiseEnd> {
    let shipped = order.shipped_with.as_ref()?;
    let Some(gifts) = &shipped.gifts else { return Some(PromiseEnd::Unknown) };
    if gifts.is_empty() {
        return Some(PromiseEnd::Broken);
    }
    let named = !promise.words.is_empty() && gifts.iter().any(|gift| gift.title.is_some());
    if !named || gifts.iter().any(|gift| is_promised(gift, promise)) {
        return Some(PromiseEnd::Kept);
    }
    // Something else lies in the parcel: another name for it, or another thing.
    Some(PromiseEnd::Unknown)
}

fn is_promised(gift: &OrderItem, promise: &Promise) -> bool {
    let words = promise.words.join(" ");
    gift.title
        .as_deref()
        .is_some_and(|title| shares_word(&words, title) || shares_word(&title.to_lowercase(), &words))
}
