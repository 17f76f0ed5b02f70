//! From what is known to a verdict: every rule is asked, the worst finding decides, the score ranks.
//!
//! [`scene::Scene`] is all a rule may look at. The questions are answered in [`contact`], [`content`],
//! [`templates`], [`orders`], [`gifts`] and [`patterns`]; [`judgement`] collects the answers, [`verdict`] is the record.

pub mod contact;
pub mod content;
pub mod evidence;
pub mod gifts;
pub mod judgement;
pub mod orders;
pub mod patterns;
pub mod scene;
pub mod templates;
pub mod verdict;

pub use judgement::Judgement;
pub use scene::{Scanned, Scene};
pub use verdict::{Evidence, FactValue, Finding, PackStamp, SuppressedHit, Trigger, Verdict, VerdictKind};

use crate::policy::{Condition, Rule, Severity};
use crate::text::Confidence;

/// What a rule answers.
#[derive(Debug)]
pub enum Answer {
    /// It does not fire.
    No,
    /// It turns on a fact that nobody knows.
    Unknown(&'static str),
    /// It fires.
    Yes(Hit),
}

/// A rule that fired, and why.
#[derive(Debug)]
pub struct Hit {
    /// How sure.
    pub confidence: Confidence,
    /// Another severity than the rule's own.
    pub severity: Option<Severity>,
    /// Spans of the original text.
    pub evidence: Vec<Evidence>,
    /// Named facts that decided.
    pub facts: std::collections::BTreeMap<String, FactValue>,
}

impl Hit {
    /// A certain hit with no evidence yet.
    pub fn certain() -> Self {
        Self {
            confidence: Confidence::Certain,
            severity: None,
            evidence: Vec::new(),
            facts: std::collections::BTreeMap::new(),
        }
    }

    /// Names a fact that decided.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Into<FactValue>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    /// Names a fact, when it is known.
    #[must_use]
    pub fn fact_if(self, name: &str, value: Option<impl Into<FactValue>>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// Lowers the hit to a suspicion when `doubtful`.
    #[must_use]
    pub fn doubt(mut self, doubtful: bool) -> Self {
        if doubtful {
            self.confidence = Confidence::Suspected;
        }
        self
    }

    /// The hit as an answer.
    pub fn answer(self) -> Answer {
        Answer::Yes(self)
    }
}

/// Asks one rule about a message of the seller. Conditions about other moments answer no.
pub(crate) fn ask_message(scene: &Scene<'_>, pack: &str, rule: &Rule) -> Answer {
    match &rule.condition {
        Condition::Channel { allowed } => contact::channel(scene, allowed),
        Condition::Content(content) => content::content(scene, pack, &rule.id, content),
        Condition::TemplateApproved { origins } => templates::approved(scene, origins),
        Condition::TemplateRequirement { classes } => templates::requirement(scene, classes),
        Condition::InsertApproved => templates::insert_message(scene),
        Condition::GiftWording { promise, elements, unless } => {
            gifts::wording(scene, promise, elements, unless)
        }
        Condition::GiftPrivate { promise, elsewhere } => gifts::private(scene, promise, elsewhere),
        Condition::DuplicateText { k, within, min_chars } => {
            patterns::duplicate(scene, *k, *within, *min_chars)
        }
        Condition::FixedDelay { k, within, spread } => patterns::fixed_delay(scene, *k, *within, *spread),
        // Contact has a permission beside its answer and is asked by the judgement itself; the rest belong to
        // order events, registrations, notices and timers.
        Condition::Contact(_)
        | Condition::Unanswered(_)
        | Condition::TemplateReviewAge { .. }
        | Condition::PageBlocks { .. }
        | Condition::ReviewInvitedBy { .. }
        | Condition::AddressChange { .. }
        | Condition::GiftUnfulfilled { .. }
        | Condition::UnexplainedNotice { .. } => Answer::No,
    }
}

/// Asks one rule about an order event.
pub(crate) fn ask_order(scene: &Scene<'_>, _pack: &str, rule: &Rule) -> Answer {
    match &rule.condition {
        Condition::InsertApproved => templates::insert_shipped(scene),
        Condition::PageBlocks { allowed, links } => orders::page_blocks(scene, allowed, links),
        Condition::ReviewInvitedBy { allowed } => orders::review_invited_by(scene, allowed),
        Condition::AddressChange { states, approvers } => orders::address_change(scene, states, approvers),
        Condition::GiftUnfulfilled { .. } => gifts::unfulfilled(scene),
        _ => Answer::No,
    }
}

/// Asks one rule about a template that is registered.
pub(crate) fn ask_template(scene: &Scene<'_>, pack: &str, rule: &Rule) -> Answer {
    match &rule.condition {
        Condition::Content(content) => content::content(scene, pack, &rule.id, content),
        Condition::TemplateRequirement { classes } => templates::requirement_at_registration(scene, classes),
        _ => Answer::No,
    }
}

/// Asks one rule about a notice of the platform.
pub(crate) fn ask_notice(scene: &Scene<'_>, _pack: &str, rule: &Rule) -> Answer {
    match &rule.condition {
        Condition::UnexplainedNotice { claims, tolerance } => {
            orders::unexplained_notice(scene, claims, *tolerance)
        }
        _ => Answer::No,
    }
}
