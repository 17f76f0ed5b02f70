//! How the process is asked to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A request to end, seen by every thread. Threads look at it between two pieces of work.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Arc<AtomicBool>);

impl Shutdown {
    /// Asks everybody to end.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody asked.
    pub fn begun(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
