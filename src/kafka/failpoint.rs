//! Places where a test may kill the process, to see what is lost and what is doubled. Nothing in release builds.
//!
//! `CONTACTWATCH_FAIL_POINT=before_commit:3` ends the process the third time it comes by, as a power failure would:
//! no destructor runs, nothing is flushed.

/// Comes by the place `name`.
#[cfg(debug_assertions)]
pub(super) fn pass(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicI64, Ordering};

    static POINT: LazyLock<Option<(String, AtomicI64)>> = LazyLock::new(|| {
        let text = std::env::var("CONTACTWATCH_FAIL_POINT").ok()?;
        let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), AtomicI64::new(times.parse().unwrap_or(1))))
    });
    if let Some((point, left)) = &*POINT
        && point == name
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

/// Comes by the place: nothing happens in a release build.
#[cfg(not(debug_assertions))]
pub(super) fn pass(_name: &str) {}
