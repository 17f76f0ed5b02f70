//! What judges: swapped whole when policies are loaded anew.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::engine::Engine;
use crate::policy::StoreSeed;
use crate::time::Millis;

/// An engine, what it knows of stores before any event, and when it was made.
#[derive(Debug)]
pub struct Judge {
    /// Judges.
    pub engine: Engine,
    /// What the file of stores says.
    pub seeds: Vec<StoreSeed>,
    /// When it was compiled.
    pub loaded_at: Millis,
    /// Counts loads of this process, from 1. Workers compare it to see that others judge now.
    pub generation: u64,
}

/// The judge in force, for every thread of the process.
pub type SharedJudge = Arc<ArcSwap<Judge>>;
