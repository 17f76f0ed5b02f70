//! What a rule can ask: one variant per kind of question, with its thresholds compiled.
//!
//! A closed set on purpose: a pack can be compiled, tested, diffed and explained because there is no expression
//! language. The evaluation of each variant lives in `score`.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::{ConversationContext, OrderState, Origin, Party, Scheme, Surface, TemplateClass};
pub use crate::state::{OrderAnchor, Topics};
use crate::text::{HostClass, SignalId, TextClass};
use crate::time::Span;

use super::ruleset::Severity;

/// One question about an event and what is known around it.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// May the seller write to this buyer now? (`proactive-contact`)
    Contact(Contact),
    /// Has a buyer's turn waited too long for an answer? A timer. (`reply-overdue`, `reply-window-missed`)
    Unanswered(Unanswered),
    /// Did the message go over a channel other than these? (`off-platform-channel`)
    Channel {
        /// Channels that are the platform's, or have rules of their own.
        allowed: SmallVec<[crate::event::Channel; 4]>,
    },
    /// Do the words or links say what this surface must not say?
    Content(Content),
    /// Was an automatic message sent without an approved template? (`auto-reply-unapproved`)
    TemplateApproved {
        /// Origins that need a template.
        origins: SmallVec<[Origin; 4]>,
    },
    /// Does a template keep what its class requires? (`template-requirement`)
    TemplateRequirement {
        /// What each class requires.
        classes: Vec<ClassRequirement>,
    },
    /// Has a template waited long for its review? A timer. (`template-review-overdue`)
    TemplateReviewAge {
        /// Findings with their severities, by age since submission.
        steps: SmallVec<[(Span, Severity); 2]>,
    },
    /// Was a parcel card shipped that is not registered and approved? (`insert-unregistered`)
    InsertApproved,
    /// Does the order page show other blocks, or QR codes to other hosts? (`order-page-content`)
    PageBlocks {
        /// Blocks that may be shown.
        allowed: Vec<Arc<str>>,
        /// Where QR codes may lead.
        links: Vec<LinkAllow>,
    },
    /// Was a review invitation sent by somebody else? (`review-invitation`)
    ReviewInvitedBy {
        /// Who may invite.
        allowed: SmallVec<[Party; 2]>,
    },
    /// Was an address changed outside these states, or without the platform's approval? (`address-change-flow`)
    AddressChange {
        /// States in which a change may be asked for.
        states: SmallVec<[OrderState; 4]>,
        /// Who may approve.
        approvers: SmallVec<[Party; 2]>,
    },
    /// Does a gift promise lack required elements? (`gift-wording`)
    GiftWording {
        /// Signals that open a promise.
        promise: SignalSet,
        /// Elements that must be there: name for evidence, and the signals that show it.
        elements: Vec<(Arc<str>, SignalSet)>,
        /// Signals that make it no promise inside the platform, so that its wording is beside the point.
        unless: SignalSet,
    },
    /// Is a gift negotiated outside the platform? (`gift-private`)
    GiftPrivate {
        /// Signals that speak of a gift or compensation.
        promise: SignalSet,
        /// Signals that lead outside the platform.
        elsewhere: SignalSet,
    },
    /// Was an order shipped without the gift that was promised? (`gift-unfulfilled`)
    GiftUnfulfilled {
        /// How long after shipment the contents of the parcel may stay unknown before that is reported.
        due: Span,
    },
    /// Was the same text sent to many buyers at once? (`duplicate-burst`)
    DuplicateText {
        /// Distinct buyers.
        k: u32,
        /// Within this time.
        within: Span,
        /// Texts with fewer letters and digits do not count.
        min_chars: u32,
    },
    /// Do messages follow status events at a constant delay? (`fixed-delay-followup`)
    FixedDelay {
        /// Messages about distinct orders.
        k: u32,
        /// Within this time.
        within: Span,
        /// Largest difference between the delays.
        spread: Span,
    },
    /// Does a platform notice claim a status the order never had? (`unexplained-notice`)
    UnexplainedNotice {
        /// Which status each signal claims.
        claims: Vec<(SignalId, OrderState)>,
        /// A status may follow its notice by this much.
        tolerance: Span,
    },
}

/// When a seller may write.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// How long after the buyer's last message an answer may be sent; `None` for ever.
    pub reply_window: Option<Span>,
    /// Clock skew allowed on every window of this rule.
    pub grace: Span,
    /// What may be sent without the buyer having asked.
    pub kinds: Vec<ProactiveKind>,
}

/// A kind of message the seller may start with.
#[derive(Clone, Debug, PartialEq)]
pub struct ProactiveKind {
    /// Name, for evidence.
    pub id: Arc<str>,
    /// The conversation must be about one of these; empty for any.
    pub contexts: SmallVec<[ConversationContext; 2]>,
    /// The order must be delivered so; empty for any.
    pub schemes: SmallVec<[Scheme; 4]>,
    /// Only before the buyer's first message.
    pub before_buyer: bool,
    /// The window opens here …
    pub anchor: OrderAnchor,
    /// … and stays open so long.
    pub window: Span,
    /// Messages of this kind per order; `None` for any number.
    pub quota: Option<u32>,
    /// Capability the store must have at send time.
    pub capability: Option<Arc<str>>,
    /// The text must name the order's number.
    pub names_order: bool,
    /// The text must name an item of the order (title word, SKU or offer id).
    pub names_item: bool,
    /// Signals that make it another kind of message.
    pub deny: SignalSet,
}

/// A turn that waits for an answer. The clock runs from the first unanswered buyer message.
#[derive(Clone, Debug, PartialEq)]
pub struct Unanswered {
    /// Reported as info after this long; `None` for no warning.
    pub warn: Option<Span>,
    /// Reported with the rule's severity after this long.
    pub breach: Span,
    /// Added to `breach` before it fires.
    pub grace: Span,
    /// Says nothing while the store is frozen.
    pub silent_while_frozen: bool,
    /// Buyer messages of these classes need no answer.
    pub closers: TextClass,
    /// Seller messages of these classes are no answer.
    pub no_answer: TextClass,
    /// Origins whose messages are an answer.
    pub answered_by: SmallVec<[Origin; 4]>,
}

/// What a surface must not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// Where.
    pub surfaces: SmallVec<[Surface; 4]>,
    /// Only in messages rendered from a template (and in templates themselves).
    pub templated_only: bool,
    /// Any of these signals.
    pub signals: SignalSet,
    /// Links other than the allowed ones, when the rule is about links.
    pub links: Option<LinkPolicy>,
    /// Not when the buyer raised the topic in the open window.
    pub unless_buyer_raised: Topics,
    /// With this severity instead when the buyer raised the topic.
    pub softened: Option<(Topics, Severity)>,
}

/// Which links a surface may hold.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkPolicy {
    /// Allowed kinds; everything else is denied.
    pub allow: Vec<LinkAllow>,
    /// At most so many allowed links; `None` for any number.
    pub max: Option<u32>,
}

/// A kind of allowed link.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkAllow {
    /// By class of host.
    Class(HostClass),
    /// By a named list of `config/domains`.
    List(Arc<str>),
    /// A domain that the store has registered.
    RegisteredDomain,
}

/// What one class of template requires.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRequirement {
    /// The class.
    pub class: TemplateClass,
    /// The template holds this variable, and a rendered text the order's tracking number in its place.
    pub tracking_variable: Option<Arc<str>>,
    /// The order has reached one of these states.
    pub order_states: SmallVec<[OrderState; 8]>,
    /// A delay event of the order lies at most so long before the message.
    pub delay_within: Option<Span>,
    /// The text links to this named list, and to nothing else.
    pub link_list: Option<Arc<str>>,
}

/// A set of signals, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalSet {
    words: SmallVec<[u64; 2]>,
}

impl SignalSet {
    /// Whether `id` is in the set.
    pub fn contains(&self, id: SignalId) -> bool {
        self.words.get(usize::from(id.0) / 64).is_some_and(|word| word >> (id.0 % 64) & 1 == 1)
    }

    /// Adds `id`.
    pub fn insert(&mut self, id: SignalId) {
        let index = usize::from(id.0) / 64;
        if self.words.len() <= index {
            self.words.resize(index + 1, 0);
        }
        self.words[index] |= 1 << (id.0 % 64);
    }

    /// Whether the set has no member.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }
}

impl FromIterator<SignalId> for SignalSet {
    fn from_iter<I: IntoIterator<Item = SignalId>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}
