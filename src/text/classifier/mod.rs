//! A second opinion on what a text means: a linear model over its words and over what the lexicons found.
//!
//! The frames know what a violation *is*; people find ever new words for it. The model has read thousands of labelled
//! messages, and says how likely the words of this one are a violation, of what, and which of them say so. It convicts
//! where it is sure, asks for a look where it is not, and doubts what the frames found where nothing else speaks for it.

mod features;
mod model;

use std::ops::Range;

pub use features::{FINDING_ROWS, ROWS, Reading, WORD_ROWS, is_group};
pub(in crate::text) use features::{Features, Seen};
pub(in crate::text) use model::likeliest_topic;
pub use model::{
    Bounds, MOST_ROWS, Model, ModelError, OUTPUTS, Scores, TOPICS, group_share, share, sureness,
};

/// Longest stretch of words given as evidence.
const LONGEST_EVIDENCE: usize = 12;

/// The words of a part that speak loudest for an output, as a range of the folded text: the stretch with the largest sum
/// of weights. `None` when no word speaks for it.
pub(in crate::text) fn evidence(
    model: &Model,
    features: &Features,
    part: usize,
    output: usize,
) -> Option<Range<u32>> {
    let part = features.parts.get(part).cloned().unwrap_or_default();
    let mut sums = vec![0_i32; features.words.len()];
    for feature in features.all.iter().take(features.wordy).filter(|one| part.contains(&one.word)) {
        if let Some(sum) = sums.get_mut(feature.word as usize) {
            *sum += model.weight(feature.row, output);
        }
    }
    // Kadane: a stretch that sums to nothing helps no later one.
    let mut best: Option<(i32, usize, usize)> = None;
    let (mut from, mut total) = (0, 0);
    for (at, sum) in sums.iter().enumerate() {
        if total <= 0 || at - from >= LONGEST_EVIDENCE {
            (from, total) = (at, 0);
        }
        total += sum;
        if total > best.map_or(0, |(known, _, _)| known) {
            best = Some((total, from, at));
        }
    }
    let (_, from, to) = best?;
    Some(features.words.get(from)?.start..features.words.get(to)?.end)
}
