//! Policy as data: packs as people write them ([`spec`]), compiled ([`compile`]) into rules as they run ([`ruleset`]).

pub mod condition;
pub mod ruleset;

pub use condition::Condition;
pub use ruleset::{Exception, Mode, OnUnknown, Pack, PlatformNotice, Rule, Ruleset, Severity};
