//! Words and links that a surface must not hold.

use crate::event::{MessageKind, Origin};
use crate::policy::condition::{Content, LinkAllow, LinkPolicy, Topics};
use crate::text::{Confidence, Link};
use crate::time::Span;

use super::evidence::{self, EVIDENCE_CAP};
use super::judgement::Scope;
use super::scene::Scene;
use super::{Answer, Hit};

/// What the buyer brought up stays a topic this long: the longest reply window that any brief names.
const TOPIC_WINDOW: Span = Span::hours(48);

/// Asks a content rule.
pub fn content(scene: &Scene<'_>, pack: &str, id: &str, rule: &Content) -> Answer {
    if scene
        .texts
        .iter()
        .all(|scanned| scanned.signals.signals.is_empty() && scanned.signals.links.is_empty())
    {
        return Answer::No;
    }
    if !rule.surfaces.contains(&scene.surface) || (rule.templated_only && !is_templated(scene)) {
        return Answer::No;
    }
    let mut hit = Hit::certain();
    let mut strongest = None;
    for (scanned, signal) in scene.signals_in(&rule.signals) {
        strongest = strongest.max(Some(signal.confidence));
        if hit.evidence.len() < EVIDENCE_CAP {
            hit.evidence.push(evidence::of_signal(scene.ruleset, scanned, signal));
        }
    }
    if let Some(policy) = &rule.links {
        let mut allowed = 0_u32;
        for (scanned, link) in scene.links() {
            let over = if is_allowed(scene, policy, link) {
                allowed += 1;
                policy.max.is_some_and(|max| allowed > max)
            } else {
                true
            };
            if over && !excepted(scene, pack, id, link) {
                strongest = Some(Confidence::Certain);
                if hit.evidence.len() < EVIDENCE_CAP {
                    hit.evidence.push(evidence::of_link(scanned, link));
                }
            }
        }
        if policy.max.is_some_and(|max| allowed > max) {
            hit = hit.fact("links", i64::from(allowed)).fact_if("links_max", policy.max.map(i64::from));
        }
    }
    let Some(confidence) = strongest else { return Answer::No };
    if !rule.unless_buyer_raised.is_empty() && raised(scene, rule.unless_buyer_raised) {
        return Answer::No;
    }
    hit.confidence = confidence;
    if let Some((topics, severity)) = rule.softened
        && raised(scene, topics)
    {
        hit.severity = Some(severity);
        hit = hit.fact("buyer_raised_it", true);
    }
    hit.answer()
}

fn raised(scene: &Scene<'_>, topics: Topics) -> bool {
    scene.buyer_raised(TOPIC_WINDOW).intersects(topics)
}

/// Whether the words come from a template: the registration itself, or a message rendered from one.
pub(crate) fn is_templated(scene: &Scene<'_>) -> bool {
    match scene.message() {
        Some(message) => {
            matches!(message.kind, MessageKind::Sent | MessageKind::Edited)
                && (message.template.is_some() || message.origin == Origin::Template)
        }
        None => scene.template.is_some(),
    }
}

/// Whether a link is one of the allowed kinds.
pub(crate) fn is_allowed(scene: &Scene<'_>, policy: &LinkPolicy, link: &Link) -> bool {
    allows_any(scene, &policy.allow, link)
}

/// Whether any of `allow` covers `link`.
pub(crate) fn allows_any(scene: &Scene<'_>, allow: &[LinkAllow], link: &Link) -> bool {
    allow.iter().any(|allow| match allow {
        LinkAllow::Class(class) => link.class == *class,
        LinkAllow::List(list) => scene.ruleset.scanner.domains().in_list(list, link),
        LinkAllow::RegisteredDomain => {
            scene.profile.has_domain(&link.host, link.domain.as_deref(), scene.at())
        }
    })
}

/// Whether an operator's exception allows this link here.
fn excepted(scene: &Scene<'_>, pack: &str, rule: &str, link: &Link) -> bool {
    let of_it = |domain: &str| *link.host == *domain || link.domain.as_deref() == Some(domain);
    let scope = Scope::of(scene);
    let exceptions = &scene.ruleset.exceptions;
    exceptions
        .iter()
        .any(|known| known.domain.as_deref().is_some_and(of_it) && known.covers(pack, rule, scope))
}
