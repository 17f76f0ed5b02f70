//! The closed word lists of packs: what each word means, and which words there are.

use crate::event::{
    Channel, ConversationContext, OrderState, Origin, Party, Scheme, Surface, TemplateClass, TemplateStatus,
};
use crate::text::{HostClass, TextClass};

use super::condition::{OrderAnchor, Topics};
use super::ruleset::{Mode, OnUnknown, Severity, VerdictKind};

/// A value that packs write as a word.
pub(super) trait Word: Copy {
    /// What it is, for messages.
    const WHAT: &'static str;
    /// Every word.
    fn words() -> Vec<&'static str>;
    /// Reads one.
    fn read(word: &str) -> Option<Self>;
}

macro_rules! event_words {
    ($($type:ty: $what:literal),+ $(,)?) => {
        $(impl Word for $type {
            const WHAT: &'static str = $what;
            fn words() -> Vec<&'static str> {
                Self::ALL.iter().map(|value| value.as_str()).collect()
            }
            fn read(word: &str) -> Option<Self> {
                Self::from_word(word)
            }
        })+
    };
}

event_words! {
    Channel: "channel",
    ConversationContext: "context",
    OrderState: "order state",
    Origin: "origin",
    Party: "party",
    Scheme: "scheme",
    Surface: "surface",
    TemplateClass: "template class",
    TemplateStatus: "template status",
}

macro_rules! word_table {
    ($($type:ty: $what:literal { $($word:literal => $value:expr),+ $(,)? })+) => {
        $(impl Word for $type {
            const WHAT: &'static str = $what;
            fn words() -> Vec<&'static str> {
                vec![$($word),+]
            }
            fn read(word: &str) -> Option<Self> {
                match word { $($word => Some($value),)+ _ => None }
            }
        })+
    };
}

/// A mode as written: a rule or pack can also be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switch(pub(super) Option<Mode>);

word_table! {
    Severity: "severity" { "info" => Self::Info, "warning" => Self::Warning, "critical" => Self::Critical }
    Mode: "mode" { "enforce" => Self::Enforce, "shadow" => Self::Shadow }
    Switch: "mode" {
        "enforce" => Self(Some(Mode::Enforce)),
        "shadow" => Self(Some(Mode::Shadow)),
        "off" => Self(None),
    }
    VerdictKind: "verdict" { "clean" => Self::Clean, "review" => Self::Review, "violation" => Self::Violation }
    OnUnknown: "on_unknown" { "pass" => Self::Pass, "review" => Self::Review }
    OrderAnchor: "moment of an order" {
        "created" => Self::Created,
        "paid" => Self::Paid,
        "shipped" => Self::Shipped,
        "delivered" => Self::Delivered,
    }
    HostClass: "class of host" {
        "first_party" => Self::FirstParty,
        "tracking" => Self::Tracking,
        "messenger" => Self::Messenger,
        "link_hub" => Self::LinkHub,
        "form" => Self::Form,
        "payment" => Self::Payment,
        "shortener" => Self::Shortener,
        "marketplace" => Self::Marketplace,
        "other" => Self::Other,
    }
    Topics: "topic" {
        "review" => Self::REVIEW,
        "discount" => Self::DISCOUNT,
        "address" => Self::ADDRESS,
        "contact" => Self::CONTACT,
        "gift" => Self::GIFT,
        "cancel" => Self::CANCEL,
    }
    TextClass: "class of text" {
        "thanks" => Self::THANKS,
        "small_talk" => Self::SMALL_TALK,
        "monosyllabic" => Self::MONOSYLLABIC,
        "blank" => Self::BLANK,
    }
}

/// The word of a severity.
pub const fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// The word of a mode.
pub const fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
    }
}
