//! The one place that looks at the clock.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::time::Millis;

/// The instant of now. A command takes it once, so that everything it judges is judged alike.
pub(crate) fn now() -> Millis {
    #[allow(clippy::disallowed_methods, reason = "the shell may look at the clock, here")]
    let now = SystemTime::now();
    let millis = |length: std::time::Duration| i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    // A clock that was never set may stand before 1970.
    Millis(now.duration_since(UNIX_EPOCH).map_or_else(|error| -millis(error.duration()), millis))
}

/// A point to measure lengths of time from: it never goes back.
pub(crate) fn instant() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "the shell may look at the clock, here")]
    let now = Instant::now();
    now
}

/// Now, by both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// By the clock.
    pub(crate) clock: Millis,
    /// To measure from.
    pub(crate) instant: Instant,
}

/// The moment of now.
pub(crate) fn moment() -> Moment {
    Moment { clock: now(), instant: instant() }
}
