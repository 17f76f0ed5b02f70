//! The straight line: one event in, effects out.

use std::sync::Arc;

use crate::event::{Event, Surface};
use crate::policy::Ruleset;
use crate::score::Verdict;
use crate::state::TaskState;
use crate::time::Millis;

/// Judges events against a ruleset.
#[derive(Clone, Debug)]
pub struct Engine {
    ruleset: Arc<Ruleset>,
    emit: Emit,
}

/// Which verdicts become effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emit {
    /// Every verdict.
    #[default]
    All,
    /// Only `review` and `violation`, and clean ones with shadow findings: a clean message allocates nothing.
    NotClean,
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was judged.
    Judged,
    /// It changed what is known; nothing to judge.
    Observed,
    /// It waits for a fact that may still arrive; its verdict comes with a later event or at the end.
    Held,
    /// Its id was seen before.
    Duplicate,
    /// A message whose author nobody knows, or without text to judge by.
    Unscored,
}

/// What processing left to be done outside.
#[derive(Debug, Default)]
pub struct Effects {
    /// Verdicts, in the order they were reached.
    pub verdicts: Vec<Verdict>,
}

impl Engine {
    /// An engine that judges with `ruleset`.
    pub fn new(ruleset: Arc<Ruleset>, emit: Emit) -> Self {
        Self { ruleset, emit }
    }

    /// The ruleset in force.
    pub fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// Takes one event: first fires what was due before it, then observes and judges it.
    pub fn process(&self, _state: &mut TaskState, _event: &Event<'_>, _effects: &mut Effects) -> Outcome {
        let _ = self.emit;
        Outcome::Observed
    }

    /// Lets stream time reach `to`: deadlines at or before it fire.
    pub fn advance(&self, _state: &mut TaskState, _to: Millis, _effects: &mut Effects) {}

    /// The input has ended and no missing fact can arrive any more: judges what was held back.
    pub fn finish(&self, _state: &mut TaskState, _effects: &mut Effects) {}

    /// Judges a text by itself: in chat as a seller's reply inside an open window, elsewhere as what is shown there.
    pub fn check_text(&self, _platform: &str, _surface: Surface, _text: &str, _id: &str) -> Verdict {
        unreachable_stub()
    }
}

fn unreachable_stub() -> Verdict {
    std::process::abort()
}
