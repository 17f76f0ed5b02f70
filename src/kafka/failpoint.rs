//! Places where a test may let something fail, to see what is lost and what is doubled. Nothing in release builds.
//!
//! `CONTACTWATCH_FAIL_POINT=before_commit:3` ends the process the third time it comes by, as a power failure would: no
//! destructor runs, nothing is flushed. `before_commit:3:abort` loses the transaction every third time, and
//! `adding_offsets:3:hang` has every third call of the library never come back.

use super::stop::Stop;

/// Comes by the place `name`.
///
/// # Errors
/// [`Stop::Abort`] when the transaction is to be lost here.
#[cfg(debug_assertions)]
pub(super) fn pass(name: &str) -> Result<(), Stop> {
    match due(name) {
        None => Ok(()),
        Some("abort") => Err(Stop::Abort(format!("fail point {name}"))),
        Some("hang") => loop {
            std::thread::park();
        },
        Some(_) => std::process::abort(),
    }
}

/// What is to happen at the place, when it is the time.
#[cfg(debug_assertions)]
fn due(name: &str) -> Option<&'static str> {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Point {
        name: String,
        every: u64,
        what: String,
        passed: AtomicU64,
    }

    static POINT: LazyLock<Option<Point>> = LazyLock::new(|| {
        let text = std::env::var("CONTACTWATCH_FAIL_POINT").ok()?;
        let mut words = text.split(':');
        Some(Point {
            name: words.next()?.to_owned(),
            every: words.next().and_then(|times| times.parse().ok()).unwrap_or(1).max(1),
            what: words.next().unwrap_or("die").to_owned(),
            passed: AtomicU64::new(0),
        })
    });
    let point = POINT.as_ref().filter(|point| point.name == name)?;
    let passed = point.passed.fetch_add(1, Ordering::Relaxed) + 1;
    passed.is_multiple_of(point.every).then_some(&*point.what)
}

/// Comes by the place: nothing happens in a release build.
#[cfg(not(debug_assertions))]
#[allow(clippy::unnecessary_wraps, reason = "it fails in other builds")]
pub(super) fn pass(_name: &str) -> Result<(), Stop> {
    Ok(())
}
