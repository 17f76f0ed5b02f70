//! Places where a test may let something fail, to see what is lost and what is doubled. Nothing in release builds.
//!
//! `CONTACTWATCH_FAIL_POINT=before_commit:3` ends the process the third time it comes by, as a power failure would: no
//! destructor runs, nothing is flushed. `before_commit:3:abort` loses the transaction every third time.

use super::stop::Stop;

/// Comes by the place `name`.
///
/// # Errors
/// [`Stop::Abort`] when the transaction is to be lost here.
#[cfg(debug_assertions)]
pub(super) fn pass(name: &str) -> Result<(), Stop> {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Point {
        name: String,
        every: u64,
        aborts: bool,
        passed: AtomicU64,
    }

    static POINT: LazyLock<Option<Point>> = LazyLock::new(|| {
        let text = std::env::var("CONTACTWATCH_FAIL_POINT").ok()?;
        let mut words = text.split(':');
        Some(Point {
            name: words.next()?.to_owned(),
            every: words.next().and_then(|times| times.parse().ok()).unwrap_or(1).max(1),
            aborts: words.next() == Some("abort"),
            passed: AtomicU64::new(0),
        })
    });
    if let Some(point) = &*POINT
        && point.name == name
        && (point.passed.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(point.every)
    {
        if point.aborts {
            return Err(Stop::Abort(format!("fail point {name}")));
        }
        std::process::abort();
    }
    Ok(())
}

/// Comes by the place: nothing happens in a release build.
#[cfg(not(debug_assertions))]
#[allow(clippy::unnecessary_wraps, reason = "it fails in other builds")]
pub(super) fn pass(_name: &str) -> Result<(), Stop> {
    Ok(())
}
