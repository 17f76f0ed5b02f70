//! The one place of the shell that looks at the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::time::Millis;

/// The instant of now. Commands take it once, so that everything they judge is judged alike.
pub(super) fn now() -> Millis {
    #[allow(clippy::disallowed_methods)] // Commands are the shell: they may look at the clock.
    let now = SystemTime::now();
    let millis = |length: std::time::Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    // A clock that was never set may stand before 1970.
    Millis(now.duration_since(UNIX_EPOCH).map_or_else(|error| -millis(error.duration()), millis))
}
