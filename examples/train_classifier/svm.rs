//! A linear support vector machine with squared hinge loss, by dual coordinate descent (Hsieh et al., 2008).

use contactwatch::text::classifier::{MOST_ROWS, OUTPUTS, ROWS, Scores};

use super::rows::{self, Row};

/// What an error costs beside large weights.
const COST: f32 = 0.05;
/// Violations are rarer than clean texts: an error on one counts as so many at most.
const RAREST: f32 = 8.0;
const PASSES: usize = 30;
/// A pass that moves nothing further than this is the last.
const STILL: f32 = 1e-3;
const SEED: u64 = 0x9e37;

/// Weights by row of the model, for the values that `rows` gives features.
pub(crate) struct Machine {
    weights: Vec<Scores>,
    pub(crate) bias: Scores,
}

impl Machine {
    /// The reading that sounds worst, and its scores.
    pub(crate) fn score(&self, row: &Row) -> (usize, Scores) {
        let mut worst = (0, [f32::MIN; OUTPUTS]);
        for (index, reading) in row.readings.iter().enumerate() {
            let mut scores = self.bias;
            for (feature, value) in reading {
                for (score, weight) in scores.iter_mut().zip(&self.weights[*feature as usize]) {
                    *score += weight * value;
                }
            }
            if scores[0] > worst.1[0] {
                worst = (index, scores);
            }
        }
        worst
    }

    /// Weights for features that count one each (words: one over the root of their number).
    pub(crate) fn effective(&self) -> Vec<Scores> {
        let scaled =
            |(row, weights): (usize, &Scores)| weights.map(|weight| weight * rows::scale(row as u32));
        self.weights.iter().enumerate().map(scaled).collect()
    }
}

/// Trains the first `outputs` outputs. The first round learns from whole texts as written; each further one from what
/// sounded worst to the round before: of a violation the worst reading of its worst sentence, of a benign text that one
/// beside the whole. The first round also chooses the features that are kept.
pub(crate) fn fit(train: &[&Row], outputs: usize) -> Machine {
    let mut keep = vec![true; ROWS];
    let mut machine =
        round(&train.iter().map(|row| Lesson { row, reading: 0 }).collect::<Vec<_>>(), &keep, 1);
    let mut order: Vec<usize> = (0..ROWS).collect();
    let size = |row: &usize| machine.weights[*row][0].abs();
    order.sort_by(|a, b| size(b).total_cmp(&size(a)));
    order.into_iter().skip(MOST_ROWS).for_each(|row| keep[row] = false);
    for last in [false, true] {
        let mut lessons = Vec::with_capacity(train.len() * 2);
        for row in train {
            let worst = machine.score(row).0;
            lessons.push(Lesson { row, reading: worst });
            if worst != 0 && row.label[0] < 0.0 {
                lessons.push(Lesson { row, reading: 0 });
            }
        }
        machine = round(&lessons, &keep, if last { outputs } else { 1 });
    }
    machine
}

/// A reading of a row that is learned from.
struct Lesson<'a> {
    row: &'a Row,
    reading: usize,
}

fn round(lessons: &[Lesson<'_>], keep: &[bool], outputs: usize) -> Machine {
    let texts: Vec<Vec<(u32, f32)>> = lessons
        .iter()
        .map(|Lesson { row, reading }| {
            let kept = |(feature, _): &(u32, f32)| {
                keep[*feature as usize] && !(row.tuned_on && rows::is_signal(*feature))
            };
            row.readings[*reading].iter().copied().filter(kept).collect()
        })
        .collect();
    let train: Vec<&Row> = lessons.iter().map(|lesson| lesson.row).collect();
    let mut machine = Machine { weights: vec![[0.0; OUTPUTS]; ROWS], bias: [0.0; OUTPUTS] };
    for output in 0..outputs {
        let (weights, bias) = descend(&train, &texts, output);
        for (all, weight) in machine.weights.iter_mut().zip(&weights) {
            all[output] = *weight;
        }
        machine.bias[output] = bias;
    }
    machine
}

fn descend(train: &[&Row], texts: &[Vec<(u32, f32)>], output: usize) -> (Vec<f32>, f32) {
    let violating = train.iter().filter(|row| row.label[output] > 0.0).count().max(1);
    let rarity = ((train.len() - violating) as f32 / violating as f32).min(RAREST).sqrt();
    let mut weights = vec![0.0_f32; ROWS];
    let mut bias = 0.0_f32;
    let mut alphas = vec![0.0_f32; train.len()];
    let lengths: Vec<f32> =
        texts.iter().map(|text| text.iter().map(|(_, value)| value * value).sum::<f32>() + 1.0).collect();
    let mut order: Vec<usize> = (0..train.len()).collect();
    let mut state = SEED;
    for _ in 0..PASSES {
        for last in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(last, (state >> 33) as usize % (last + 1));
        }
        let mut furthest = 0.0_f32;
        for &at in &order {
            let (text, label) = (&texts[at], train[at].label[output]);
            let cost = COST * train[at].weight * if label > 0.0 { rarity } else { 1.0 };
            let slack = 0.5 / cost;
            let score =
                bias + text.iter().map(|(feature, value)| weights[*feature as usize] * value).sum::<f32>();
            let gradient = label * score - 1.0 + slack * alphas[at];
            let alpha = (alphas[at] - gradient / (lengths[at] + slack)).max(0.0);
            let step = (alpha - alphas[at]) * label;
            if step != 0.0 {
                furthest = furthest.max(step.abs());
                alphas[at] = alpha;
                bias += step;
                for (feature, value) in text {
                    weights[*feature as usize] += step * value;
                }
            }
        }
        if furthest < STILL {
            break;
        }
    }
    (weights, bias)
}
