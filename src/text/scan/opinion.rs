//! What the classifier thinks of a scanned text, and what that changes about its signals.
//!
//! Where an encoder is at hand, the classifier only says who goes on to it, and which words are evidence: for the texts
//! that reach the encoder, its head decides. The encoder cannot show what convinces it, so it convicts nothing in which the
//! classifier finds no words that speak for it.

use crate::text::classifier::{self, Model, OUTPUTS, Scores, Seen, TOPICS};
use crate::text::frames::DISGUISE;
use crate::text::{Confidence, Link, ScanContext, Signal, SignalId, Signals};

use super::{Scanner, Scratch};

/// A topic beside the likeliest one is named from this score on.
const LIKELY: f32 = 0.5;

/// Below this, "anything" is so unlikely that no topic is likely enough to make up for it.
const QUIET: f32 = -1.0;

/// The sentence of a reading that sounds worst; its features are those that were read last.
struct Worst {
    view: usize,
    part: usize,
    scores: Scores,
    /// How sure the classifier is that it is guilty.
    sure: f32,
}

/// What is thought of a text by its words.
struct Opinion {
    /// What the frames found is doubted.
    doubts: bool,
    /// How sure it is that the text is a violation; `None` when it is not.
    guilty: Option<Confidence>,
    /// Of which topics.
    scores: Scores,
}

impl Opinion {
    fn of_classifier(model: &Model, worst: &Worst) -> Self {
        let (bounds, sure) = (&model.bounds, worst.sure);
        let guilty = if sure >= bounds.convict {
            Some(Confidence::Certain)
        } else {
            (sure >= bounds.review).then_some(Confidence::Suspected)
        };
        Self { doubts: sure < bounds.doubt, guilty, scores: worst.scores }
    }
}

impl Scanner {
    /// Asks the model about every sentence in every reading of the text, and lets the one that sounds worst speak.
    pub(super) fn ask(
        &self,
        model: &Model,
        text: &str,
        context: &ScanContext<'_>,
        scratch: &mut Scratch,
        out: &mut Signals,
    ) {
        scratch.features.borrowed.clear();
        let mut worst = self.worst(model, scratch, &out.links);
        let others = !context.names.is_empty() || !context.quoted.is_empty();
        let review = model.bounds.review;
        let least = self.encoder.as_ref().map_or(review, |(_, head)| review.min(head.bounds.ask));
        if others && worst.sure >= least {
            let Scratch { folded, masks, features, .. } = scratch;
            masks.borrowed(folded.main(), text, context, &self.tables, &mut features.borrowed);
            if !features.borrowed.is_empty() {
                worst = self.worst(model, scratch, &out.links);
            }
        }
        let signals = &mut out.signals;
        let opinion = self.ask_encoder(&worst, scratch);
        let opinion = opinion.unwrap_or_else(|| Opinion::of_classifier(model, &worst));
        if opinion.doubts {
            self.doubt(signals);
        }
        let Some(confidence) = opinion.guilty else { return };
        // What the frames are sure of, they say better.
        if signals.iter().any(|signal| self.convicts(signal)) {
            return;
        }
        let Scratch { folded, features, .. } = scratch;
        let Some(view) = folded.views().nth(worst.view) else { return };
        let known = signals.len();
        for (topic, id) in self.topics(&opinion.scores) {
            // What a frame says already, and better, need not be said again, unless it is less sure.
            let family = family(self.signal_name(id));
            let surer = |signal: &&Signal| {
                confidence == Confidence::Suspected || signal.confidence == Confidence::Certain
            };
            let mut frames = signals.iter().take(known).filter(surer);
            if frames.any(|signal| self::family(self.signal_name(signal.id)) == family) {
                continue;
            }
            let words = classifier::evidence(model, features, worst.part, topic + 1);
            let Some(words) = words.or_else(|| classifier::evidence(model, features, worst.part, 0)) else {
                continue;
            };
            let folded = words.start as usize..words.end as usize;
            let original = view.original(folded.clone());
            let (start, end, via) = (original.start, original.end, view.via(folded));
            signals.push(Signal { id, start, end, via, confidence, frame: None });
        }
    }

    /// The sentence that sounds worst, of all readings.
    fn worst(&self, model: &Model, scratch: &mut Scratch, links: &[Link]) -> Worst {
        let Scratch { folded, hits, found, features, .. } = scratch;
        let seen = Seen { lexicon: &self.lexicon, hits, found, links };
        let (mut worst, mut last) = ((0, 0, f32::MIN), 0);
        for (view, read) in folded.views().enumerate() {
            features.read(read, &seen);
            let (part, anything) = model.worst(features);
            if anything > worst.2 {
                worst = (view, part, anything);
            }
            last = view;
        }
        let (view, part, anything) = worst;
        if anything < QUIET {
            return Worst { view, part, scores: [anything; OUTPUTS], sure: anything };
        }
        if let Some(read) = folded.views().nth(view).filter(|_| view != last) {
            features.read(read, &seen);
        }
        let scores = model.score(features, part);
        Worst { view, part, scores, sure: classifier::sureness(&scores) }
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
    pub(super) fn speaks(&self, id: SignalId) -> bool {
        let family = family(self.signal_name(id));
        matches!(family, "compensation") || TOPICS.iter().any(|topic| self::family(topic) == family)
    }

    /// Whether the frames are sure of it, and it is of the topics that the classifier knows.
    fn convicts(&self, signal: &Signal) -> bool {
        signal.confidence == Confidence::Certain && self.speaks(signal.id)
    }

    /// Whether no opinion is wanted: nobody judges the words, they are a mere greeting or thanks, or what convicts them is
    /// beyond doubt.
    pub(super) fn is_settled(&self, context: &ScanContext<'_>, out: &Signals) -> bool {
        let courtesy = !out.class.is_empty() && out.signals.is_empty() && out.links.is_empty();
        context.unjudged || courtesy || out.signals.iter().any(|signal| self.settles(signal))
    }

    /// Whether no opinion changes that a signal convicts.
    fn settles(&self, signal: &Signal) -> bool {
        self.convicts(signal) && self.beyond_doubt(signal)
    }

    /// Words that only a frame understood as a violation are worth a look, no more.
    fn doubt(&self, signals: &mut [Signal]) {
        for signal in signals.iter_mut().filter(|signal| !self.beyond_doubt(signal)) {
            signal.confidence = Confidence::Suspected;
        }
    }

    /// Numbers and addresses speak for themselves, and nobody disguises an innocent word.
    fn beyond_doubt(&self, signal: &Signal) -> bool {
        let hard = [self.ids.phone, self.ids.email, self.ids.handle, self.ids.card];
        hard.contains(&signal.id) || signal.via.intersects(DISGUISE)
    }

    /// What the encoder's head thinks of what sounds worst to the classifier. `None` where there is no encoder, or the
    /// classifier is so sure of its innocence that it is not worth the time.
    fn ask_encoder(&self, worst: &Worst, scratch: &mut Scratch) -> Option<Opinion> {
        let (encoder, head) = self.encoder.as_ref()?;
        if worst.sure < head.bounds.ask {
            return None;
        }
        scratch.asked += 1;
        let view = scratch.folded.views().nth(worst.view)?;
        let from = scratch.features.start(worst.part);
        let opinion = head.opinion(&encoder.read_text(&view.text, from, &mut scratch.encoder));
        let (joint, scores) = head.join(&worst.scores, &opinion);
        let convicts = joint >= head.bounds.convict;
        let guilty = if convicts {
            Some(Confidence::Certain)
        } else {
            (joint >= head.bounds.review).then_some(Confidence::Suspected)
        };
        // The frames' words are known to the classifier, whose score is part of this: they have no second voice.
        Some(Opinion { doubts: !convicts, guilty, scores })
    }
}

/// The first half of a signal's name: `review` of `review.ask`.
fn family(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
