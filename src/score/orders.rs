//! Questions about order events: addresses, review invitations, the order page, notices about a status.

use std::sync::Arc;

use crate::event::{ChangeStatus, OrderKind, OrderState, Party};
use crate::policy::condition::LinkAllow;
use crate::text::SignalId;
use crate::time::Span;

use super::evidence::{self, EVIDENCE_CAP};
use super::scene::Scene;
use super::{Answer, Hit, content};

/// An address change outside the allowed states, without the platform's approval, or still pending at shipment.
pub fn address_change(scene: &Scene<'_>, states: &[OrderState], approvers: &[Party]) -> Answer {
    let Some(event) = scene.order_event() else { return Answer::No };
    let at = scene.at();
    if event.kind != OrderKind::AddressChange {
        return shipped_without_approval(scene);
    }
    match event.status.unwrap_or_default() {
        ChangeStatus::Requested if event.by == Some(Party::Platform) => Answer::No,
        ChangeStatus::Requested => match scene.order.map(|order| order.state_at(at)) {
            // The request itself made the order known by name, and by nothing else.
            None | Some(None) => Answer::Unknown("order"),
            Some(Some(state)) if states.contains(&state) => Answer::No,
            Some(Some(state)) => Hit::certain()
                // Who asked is half of the offence; a request of unknown origin is for a person to look at.
                .doubt(event.by.is_none_or(|by| by == Party::Unknown) || scene.observed())
                .fact("reason", "outside_allowed_states")
                .fact("order.state", state.as_str())
                .fact_if("by", event.by.map(Party::as_str))
                .answer(),
        },
        ChangeStatus::Approved => match event.by {
            None | Some(Party::Unknown) => Answer::No,
            Some(by) if approvers.contains(&by) => Answer::No,
            Some(by) => {
                Hit::certain().fact("reason", "not_approved_by_platform").fact("by", by.as_str()).answer()
            }
        },
        ChangeStatus::Rejected => Answer::No,
    }
}

/// The order went out while a change asked for by the store waited for the platform.
fn shipped_without_approval(scene: &Scene<'_>) -> Answer {
    let (Some(event), Some(order)) = (scene.order_event(), scene.order) else { return Answer::No };
    let Some(change) = order.address_change else { return Answer::No };
    let ships = event.state == Some(OrderState::Shipped) || event.kind == OrderKind::ShippedWith;
    let first = order.reached(OrderState::Shipped).is_none_or(|reached| reached.at == scene.at());
    if !ships || !first || change.settled.is_some() || change.requested_at > scene.at() {
        return Answer::No;
    }
    Hit::certain()
        .fact("reason", "shipped_before_approval")
        .fact("requested_at", change.requested_at)
        .fact_if("by", change.by.map(Party::as_str))
        .answer()
}

/// A review invitation by anybody but the platform.
pub fn review_invited_by(scene: &Scene<'_>, allowed: &[Party]) -> Answer {
    match scene.order_event() {
        Some(event) if event.kind == OrderKind::ReviewInvited => match event.by {
            None | Some(Party::Unknown) => Answer::Unknown("review_invited.by"),
            Some(by) if allowed.contains(&by) => Answer::No,
            Some(by) => Hit::certain()
                .fact("by", by.as_str())
                .fact_if(
                    "order.delivered_at",
                    scene
                        .order
                        .and_then(|order| order.reached(OrderState::Delivered))
                        .map(|reached| reached.at),
                )
                .answer(),
        },
        _ => Answer::No,
    }
}

/// An order page with other blocks than the allowed ones, or QR codes that lead elsewhere.
pub fn page_blocks(scene: &Scene<'_>, allowed: &[Arc<str>], links: &[LinkAllow]) -> Answer {
    let Some(event) = scene.order_event().filter(|event| event.kind == OrderKind::PageChanged) else {
        return Answer::No;
    };
    let foreign: Vec<String> = event
        .blocks
        .iter()
        .filter(|block| !allowed.iter().any(|allowed| **allowed == ***block))
        .take(EVIDENCE_CAP)
        .map(|block| block.chars().take(40).collect())
        .collect();
    let mut hit = Hit::certain();
    for (scanned, link) in scene.links().filter(|(_, link)| !content::allows_any(scene, links, link)) {
        if hit.evidence.len() < EVIDENCE_CAP {
            hit.evidence.push(evidence::of_link(scanned, link));
        }
    }
    if foreign.is_empty() && hit.evidence.is_empty() {
        return Answer::No;
    }
    if !foreign.is_empty() {
        hit = hit.fact("blocks", foreign);
    }
    hit.answer()
}

/// A notice of the platform that claims a status which the order never had.
pub fn unexplained_notice(scene: &Scene<'_>, claims: &[(SignalId, OrderState)], tolerance: Span) -> Answer {
    let claimed = scene.texts.iter().flat_map(|scanned| {
        scanned.signals.signals.iter().filter_map(move |signal| {
            let state = claims.iter().find(|(id, _)| *id == signal.id)?.1;
            Some((scanned, signal, state))
        })
    });
    let Some(order) = scene.order else { return Answer::No };
    let limit = scene.at().plus(tolerance);
    let mut hit = Hit::certain();
    for (scanned, signal, state) in claimed {
        // Platforms skip states on the way: a later one explains an earlier claim.
        let explained = order.reached(state).is_some_and(|reached| reached.at <= limit)
            || (state == OrderState::Shipped && order.shipped_by(limit));
        if explained {
            return Answer::No;
        }
        if hit.evidence.len() < EVIDENCE_CAP {
            hit.evidence.push(evidence::of_signal(scene.ruleset, scanned, signal));
        }
        hit = hit.fact("claimed", state.as_str());
    }
    if hit.evidence.is_empty() {
        return Answer::No;
    }
    hit.fact_if("order.state", order.state_at(scene.at()).map(OrderState::as_str)).answer()
}
