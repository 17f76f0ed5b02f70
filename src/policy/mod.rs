//! Policy as data: packs as people write them ([`spec`]), compiled ([`compile`]) into rules as they run ([`ruleset`]).
//!
//! The layers, each of which may change the one before it: shipped packs (which may inherit from one another), the
//! operator's overlays, the parameters of single stores; and exceptions, which mute a rule for a scope until a day.

mod bindings;
pub mod cases;
mod compile;
pub mod condition;
pub mod diff;
mod error;
mod layers;
mod lower;
pub mod overlay;
mod pack;
mod reader;
pub mod ruleset;
pub mod spec;
pub mod stores;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod words;
mod yaml;

pub use bindings::{Binding, BindingMode};
pub use compile::{Compilation, File, PolicySources, build, compile};
pub use condition::Condition;
pub use error::{Place, PolicyError, nearest};
pub use layers::{Layer, Sourced};
pub use reader::Vocabulary;
pub use ruleset::{Exception, Mode, OnUnknown, Pack, PlatformNotice, Rule, Ruleset, Severity, VerdictKind};
pub use stores::{StoreSeed, TemplateSeed};
pub use words::{mode_word, severity_word};
pub use yaml::{At, Entries};
#[cfg(feature = "daemon")]
pub(crate) use yaml::{plain, read as read_yaml};
