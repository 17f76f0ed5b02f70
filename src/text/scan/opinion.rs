//! What the classifier thinks of a scanned text, and what that changes about its signals.

use crate::text::classifier::{self, Model, Scores, Seen, TOPICS};
use crate::text::frames::DISGUISE;
use crate::text::{Confidence, Signal, SignalId, Signals};

use super::{Scanner, Scratch};

/// A topic beside the likeliest one is named from this score on.
const LIKELY: f32 = 0.5;

impl Scanner {
    /// Asks the model about every reading of the text, and lets the one that sounds worst speak.
    pub(super) fn ask(&self, model: &Model, scratch: &mut Scratch, out: &mut Signals) {
        let Scratch { folded, hits, found, features, .. } = scratch;
        let Signals { signals, links, .. } = out;
        let seen = Seen { lexicon: &self.lexicon, hits, found, links };
        let mut worst: Option<(usize, Scores)> = None;
        let mut last = 0;
        for (index, view) in folded.views().enumerate() {
            features.read(view, &seen);
            last = index;
            let scores = model.score(features);
            if worst.as_ref().is_none_or(|(_, known)| anything(&scores) > anything(known)) {
                worst = Some((index, scores));
            }
        }
        let Some((index, scores)) = worst else { return };
        let likely = anything(&scores);
        if likely < model.bounds.doubt {
            self.doubt(signals);
        }
        // What the frames are sure of, they say better.
        let sure =
            signals.iter().any(|signal| signal.confidence == Confidence::Certain && self.speaks(signal.id));
        if likely < model.bounds.review || sure {
            return;
        }
        let Some(view) = folded.views().nth(index) else { return };
        if index != last {
            features.read(view, &seen);
        }
        let confidence =
            if likely >= model.bounds.convict { Confidence::Certain } else { Confidence::Suspected };
        let known = signals.len();
        for (topic, id) in self.topics(&scores) {
            // What a frame says already, and better, need not be said again.
            let family = family(self.signal_name(id));
            let mut frames = signals.iter().take(known);
            if frames.any(|signal| self::family(self.signal_name(signal.id)) == family) {
                continue;
            }
            let words = classifier::evidence(model, features, topic + 1);
            let Some(words) = words.or_else(|| classifier::evidence(model, features, 0)) else { continue };
            let folded = words.start as usize..words.end as usize;
            let original = view.original(folded.clone());
            let (start, end, via) = (original.start, original.end, view.via(folded));
            signals.push(Signal { id, start, end, via, confidence, frame: None });
        }
    }

    /// The topics that a text is guilty of: the likeliest, and whatever is likely by itself.
    fn topics(&self, scores: &Scores) -> impl Iterator<Item = (usize, SignalId)> {
        let each = scores.get(1..).unwrap_or_default();
        let best = each.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(topic, _)| topic);
        let likely =
            each.iter().enumerate().filter(move |(topic, score)| Some(*topic) == best || **score > LIKELY);
        likely.filter_map(|(topic, _)| self.ids.worded.get(topic).map(|id| (topic, *id)))
    }

    /// Whether a signal says something of the topics that the classifier knows.
    fn speaks(&self, id: SignalId) -> bool {
        let family = family(self.signal_name(id));
        matches!(family, "compensation") || TOPICS.iter().any(|topic| self::family(topic) == family)
    }

    /// Words that only a frame understood as a violation are worth a look, no more. Numbers and addresses speak for
    /// themselves, and nobody disguises an innocent word.
    fn doubt(&self, signals: &mut [Signal]) {
        let hard = [self.ids.phone, self.ids.email, self.ids.handle, self.ids.card];
        for signal in signals.iter_mut() {
            if hard.contains(&signal.id) || signal.via.intersects(DISGUISE) {
                continue;
            }
            signal.confidence = Confidence::Suspected;
        }
    }
}

/// The first half of a signal's name: `review` of `review.ask`.
fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

fn anything(scores: &Scores) -> f32 {
    scores.first().copied().unwrap_or(f32::MIN)
}
