//! Packs as people write them: the shape of the YAML, and nothing more.
//!
//! Every leaf is a text with its place ([`At`]); what it means is the business of `compile`. A `$name` stands for a
//! parameter of the pack, which an operator or a store may set.

use serde::Deserialize;

use super::cases::CaseSpec;
use super::yaml::{At, Entries};

/// A word, number or length of time.
pub type Text = At<String>;
/// A list of words.
pub type Texts = Vec<Text>;

/// One policy pack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackSpec {
    /// Id, such as `platform/name-date`.
    pub pack: Text,
    /// Version of the text.
    pub version: Text,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// Platform; that of the parent when absent.
    pub platform: Option<Text>,
    /// `enforce` or `shadow`; `enforce` when absent.
    pub mode: Option<Text>,
    /// The pack whose rules, parameters, groups and sources are taken over first.
    pub inherits: Option<Text>,
    /// When it is in force.
    pub effective: EffectiveSpec,
    /// What its clauses rest on.
    #[serde(default)]
    pub sources: Vec<SourceSpec>,
    /// Numbers that an operator or a store may set.
    #[serde(default)]
    pub params: Entries<Text>,
    /// Score groups and their caps.
    #[serde(default)]
    pub groups: Entries<Text>,
    /// Rules of the parent that this pack does not have.
    #[serde(default)]
    pub drop: Texts,
    /// Its rules. A rule of the parent is changed field by field.
    #[serde(default)]
    pub rules: Vec<At<RuleSpec>>,
    /// Cases that must hold before the pack loads.
    #[serde(default)]
    pub tests: Vec<At<CaseSpec>>,
}

/// Valid time, and when it became known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectiveSpec {
    /// From this instant …
    pub from: Text,
    /// … until this one.
    pub to: Option<Text>,
    /// When the rules were written down here.
    pub recorded: Option<Text>,
}

/// What a clause rests on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSpec {
    /// Id that rules name.
    pub id: Text,
    /// `official`, `secondary`, `seed` (the founding brief) or `common` (carried over from another platform).
    pub kind: Text,
    /// Title.
    #[serde(default)]
    pub title: String,
    /// Language.
    #[serde(default)]
    pub lang: String,
    /// Address, or where to find it.
    #[serde(default, rename = "ref")]
    pub reference: String,
    /// Day it was read.
    #[serde(default)]
    pub retrieved: String,
}

/// A rule, or what a layer changes of one. A new rule needs all but `mode` and `on_unknown`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    /// Id; in an overlay the key of the map is the id.
    pub id: Option<Text>,
    /// `info`, `warning` or `critical`.
    pub severity: Option<Text>,
    /// Points of a certain finding, 0 to 100.
    pub weight: Option<Text>,
    /// Score group.
    pub group: Option<Text>,
    /// The clause, quoted shortly.
    pub clause: Option<Text>,
    /// Id of the source of the clause.
    pub source: Option<Text>,
    /// What would have been compliant.
    pub advice: Option<Text>,
    /// `enforce`, `shadow` or `off`.
    pub mode: Option<Text>,
    /// `pass` or `review`.
    pub on_unknown: Option<Text>,
    /// The question.
    pub when: Option<At<ConditionSpec>>,
}

/// The question of a rule: a map of one key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionSpec {
    /// May the seller write to this buyer now?
    Contact(ContactSpec),
    /// Has a buyer's turn waited too long?
    Unanswered(UnansweredSpec),
    /// Did the message go over another channel?
    Channel(AllowedSpec),
    /// Do the words or links say what they must not?
    Content(ContentSpec),
    /// Was an automatic message sent without an approved template?
    TemplateApproved(OriginsSpec),
    /// Does a template keep what its class requires?
    TemplateRequirement(ClassesSpec),
    /// Has a template waited long for its review?
    TemplateReviewAge(StepsSpec),
    /// Was a parcel card shipped that is not approved?
    InsertApproved(NothingSpec),
    /// Does the order page show other blocks, or QR codes to other hosts?
    PageBlocks(PageBlocksSpec),
    /// Was a review invitation sent by somebody else?
    ReviewInvitedBy(AllowedSpec),
    /// Was an address changed outside these states, or without approval?
    AddressChange(AddressChangeSpec),
    /// Does a gift promise lack required elements?
    GiftWording(GiftWordingSpec),
    /// Is a gift negotiated outside the platform?
    GiftPrivate(GiftPrivateSpec),
    /// Was an order shipped without the promised gift?
    GiftUnfulfilled(GiftUnfulfilledSpec),
    /// Was the same text sent to many buyers at once?
    DuplicateText(DuplicateTextSpec),
    /// Do messages follow status events at a constant delay?
    FixedDelay(FixedDelaySpec),
    /// Does a platform notice claim a status the order never had?
    UnexplainedNotice(UnexplainedNoticeSpec),
}

/// Declares the parameters of one condition.
macro_rules! condition {
    ($(#[$meta:meta])* $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fmeta])* pub $field: $type),* }
    };
}

condition! {
    /// `contact`.
    ContactSpec {
        /// Answers may be sent so long after the buyer's last message, or `forever`.
        reply_within: Text,
        /// Clock skew allowed on every window; none when absent.
        grace: Option<Text>,
        /// What may be sent unasked.
        #[serde(default)]
        kinds: Vec<KindSpec>,
    }
}
condition! {
    /// One kind of message the seller may start with.
    KindSpec {
        /// Name, for evidence.
        id: Text,
        /// The conversation is about one of these.
        #[serde(default)]
        contexts: Texts,
        /// The order is delivered so.
        #[serde(default)]
        schemes: Texts,
        /// Only before the buyer's first message.
        #[serde(default)]
        before_buyer: bool,
        /// The window opens at `created`, `paid`, `shipped` or `delivered` …
        after: Text,
        /// … and stays open so long.
        within: Text,
        /// So many per order.
        quota: Option<Text>,
        /// The store has this capability.
        capability: Option<Text>,
        /// The text names the `order` and an `item` of it.
        #[serde(default)]
        names: Texts,
        /// Signals that make it another kind of message.
        #[serde(default)]
        deny: Texts,
    }
}
condition! {
    /// `unanswered`.
    UnansweredSpec {
        /// Reported as info after so long.
        warn: Option<Text>,
        /// Reported with the rule's severity after so long.
        breach: Text,
        /// Added to `breach`; none when absent.
        grace: Option<Text>,
        /// Says nothing while the store is frozen.
        #[serde(default)]
        silent_while_frozen: bool,
        /// Buyer messages that need no answer.
        #[serde(default)]
        closers: Texts,
        /// Seller messages that are no answer.
        #[serde(default)]
        no_answer: Texts,
        /// Origins whose messages are an answer.
        answered_by: Texts,
    }
}
condition! {
    /// `channel`, `review_invited_by`.
    AllowedSpec {
        /// What is allowed.
        allowed: Texts,
    }
}
condition! {
    /// `content`.
    ContentSpec {
        /// Where: `chat`, `template`, `insert`, `order_page`.
        surfaces: Texts,
        /// Only in messages rendered from a template, and in templates.
        #[serde(default)]
        templated_only: bool,
        /// Any of these signals; `promo.*` is every signal of its group.
        #[serde(default)]
        signals: Texts,
        /// Links other than these.
        links: Option<LinksSpec>,
        /// Not when the buyer raised one of these topics in the open window.
        #[serde(default)]
        unless_buyer_raised: Texts,
        /// With a milder severity when the buyer raised it.
        softened: Option<SoftenedSpec>,
    }
}
condition! {
    /// Which links are allowed.
    LinksSpec {
        /// Classes of hosts, `registered_domain`, or `list:<name>`.
        #[serde(default)]
        allow: Texts,
        /// At most so many.
        max: Option<Text>,
    }
}
condition! {
    /// A milder severity.
    SoftenedSpec {
        /// Topics the buyer raised.
        buyer_raised: Texts,
        /// The milder severity.
        to: Text,
    }
}
condition! {
    /// `template_approved`.
    OriginsSpec {
        /// Origins that need a template.
        origins: Texts,
    }
}
condition! {
    /// `template_requirement`.
    ClassesSpec {
        /// What each class requires.
        classes: Vec<ClassSpec>,
    }
}
condition! {
    /// What one class of template requires.
    ClassSpec {
        /// The class.
        class: Text,
        /// A variable it holds, with the order's tracking number in its place when rendered.
        tracking_variable: Option<Text>,
        /// The order has reached one of these states.
        #[serde(default)]
        order_states: Texts,
        /// A delay event lies at most so long before.
        delay_within: Option<Text>,
        /// It links to this list, and to nothing else.
        link_list: Option<Text>,
    }
}
condition! {
    /// `template_review_age`.
    StepsSpec {
        /// Findings by age.
        steps: Vec<StepSpec>,
    }
}
condition! {
    /// One age.
    StepSpec {
        /// So long after submission …
        after: Text,
        /// … with this severity.
        severity: Text,
    }
}
condition! {
    /// `insert_approved: {}`.
    NothingSpec {}
}
condition! {
    /// `page_blocks`.
    PageBlocksSpec {
        /// Blocks that may be shown.
        allowed: Texts,
        /// Where QR codes may lead.
        #[serde(default)]
        links: Texts,
    }
}
condition! {
    /// `address_change`.
    AddressChangeSpec {
        /// States in which a change may be asked for.
        states: Texts,
        /// Who may approve.
        approvers: Texts,
    }
}
condition! {
    /// `gift_wording`.
    GiftWordingSpec {
        /// Signals that open a promise.
        promise: Texts,
        /// Elements that must be there, and the signals that show them.
        elements: Entries<Texts>,
        /// Signals beside which the wording is beside the point.
        #[serde(default)]
        unless: Texts,
    }
}
condition! {
    /// `gift_private`.
    GiftPrivateSpec {
        /// Signals that speak of a gift or compensation.
        promise: Texts,
        /// Signals that lead outside.
        elsewhere: Texts,
    }
}
condition! {
    /// `gift_unfulfilled`.
    GiftUnfulfilledSpec {
        /// So long after shipment the parcel's contents may stay unknown.
        due: Text,
    }
}
condition! {
    /// `duplicate_text`.
    DuplicateTextSpec {
        /// Distinct buyers.
        buyers: Text,
        /// Within this time.
        within: Text,
        /// Shorter texts do not count.
        min_chars: Text,
    }
}
condition! {
    /// `fixed_delay`.
    FixedDelaySpec {
        /// Distinct orders.
        orders: Text,
        /// Within this time.
        within: Text,
        /// Largest difference between the delays.
        spread: Text,
    }
}
condition! {
    /// `unexplained_notice`.
    UnexplainedNoticeSpec {
        /// Which signals claim which state.
        claims: Entries<Texts>,
        /// A status may follow its notice by this much.
        tolerance: Text,
    }
}
