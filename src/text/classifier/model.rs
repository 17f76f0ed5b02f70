//! The model: as shipped (a compact file) and as run (a table of weights).
//!
//! The file: `CWCL`, a version byte; bounds, bias and scale of every output as little-endian `f32`; the number of rows
//! that are not zero; then for each its distance from the row before (LEB128) and one signed byte per output.

use crate::text::datafile::{Damage, Reader};

use super::features::{Features, ROWS, WORD_ROWS, WordSum, is_group};

/// What a message may be guilty of, in the order of the model's outputs; the first output is "of anything".
pub const TOPICS: [&str; 11] = [
    "contact.worded",
    "payment.worded",
    "diversion.worded",
    "promo.worded",
    "social.worded",
    "review.worded",
    "incentive.worded",
    "address.worded",
    "cancel.worded",
    "gift.worded",
    "notice.worded",
];
/// Outputs of the model: anything, then each topic.
pub const OUTPUTS: usize = TOPICS.len() + 1;
/// What the likeliest topic counts beside the output of anything.
const TOPIC_SHARE: f32 = 0.7;
/// Up to so many groups of terms count in full.
const MANY_GROUPS: f32 = 12.0;
/// A model has at most so many rows that are not zero: it is held in a few megabytes.
pub const MOST_ROWS: usize = 1 << 18;
const MAGIC: &[u8; 4] = b"CWCL";
const VERSION: u8 = 3;

/// Margins, one per output: above nothing, likelier guilty than not.
pub type Scores = [f32; OUTPUTS];

/// How sure the outputs are together that a text is guilty: what sounds bad sounds bad of something. Features that sound
/// bad by chance speak for no topic.
pub fn sureness(scores: &Scores) -> f32 {
    scores[0] + TOPIC_SHARE * likeliest_topic(scores)
}

/// The score of the topic that a text most likely is about.
pub(in crate::text) fn likeliest_topic(scores: &Scores) -> f32 {
    let [_, topics @ ..] = scores;
    topics.iter().copied().fold(f32::MIN, f32::max)
}

/// How sure one has to be that a text is guilty, from which on it is convicted, looked at, or spared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// From here on the words convict by themselves.
    pub convict: f32,
    /// From here on they are worth a look.
    pub review: f32,
    /// Below this, what the frames found is doubted.
    pub doubt: f32,
}

/// A linear model over hashed features, one row of weights per feature.
#[derive(Clone, PartialEq)]
pub struct Model {
    /// Where to draw the lines.
    pub bounds: Bounds,
    bias: Scores,
    /// What one unit of a weight is worth: of words, and of what the lexicons found.
    scale: [Scores; 2],
    /// A bit for every row that has weights, and how many have before each 64 of them.
    present: Vec<u64>,
    before: Vec<u32>,
    weights: Vec<[i8; OUTPUTS]>,
    /// The first of each of them: every text asks for these, few for the others.
    anything: Vec<i8>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("bounds", &self.bounds).field("rows", &self.weights.len()).finish()
    }
}

/// Why a model file cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Not such a file, or of another version of the program.
    #[error("no classifier model of version {VERSION}")]
    Kind,
    /// It ends too early or says what cannot be.
    #[error("the classifier model is damaged at byte {0}")]
    Damaged(usize),
}

impl From<Damage> for ModelError {
    fn from(Damage(at): Damage) -> Self {
        Self::Damaged(at)
    }
}

/// A model without opinions.
impl Default for Model {
    fn default() -> Self {
        let bounds = Bounds { convict: f32::MAX, review: f32::MAX, doubt: f32::MIN };
        Self::of_rows(Vec::new(), [0.0; OUTPUTS], [[0.0; OUTPUTS]; 2], bounds)
    }
}

impl Model {
    /// A model of the weights of a training. Rows that round to zero are dropped, and of more than [`MOST_ROWS`] the
    /// lightest.
    pub fn new(weights: &[Scores], bias: Scores, bounds: Bounds) -> Self {
        let mut scale = [[0.0_f32; OUTPUTS]; 2];
        for (row, weights) in weights.iter().enumerate() {
            for (scale, weight) in scale[block(row)].iter_mut().zip(weights) {
                *scale = scale.max(weight.abs() / 127.0);
            }
        }
        let round = |(row, weights): (usize, &Scores)| {
            let mut rounded = [0; OUTPUTS];
            for ((to, weight), scale) in rounded.iter_mut().zip(weights).zip(scale[block(row)]) {
                *to = if scale > 0.0 { (weight / scale).round() as i8 } else { 0 };
            }
            (row, rounded)
        };
        let mut rows: Vec<(usize, [i8; OUTPUTS])> =
            weights.iter().enumerate().take(ROWS).map(round).collect();
        rows.retain(|(_, row)| row.iter().any(|weight| *weight != 0));
        rows.sort_by_key(|(_, row)| {
            std::cmp::Reverse(row.iter().map(|weight| u32::from(weight.unsigned_abs())).sum::<u32>())
        });
        rows.truncate(MOST_ROWS);
        rows.sort_by_key(|(row, _)| *row);
        Self::of_rows(rows, bias, scale, bounds)
    }

    /// Of rows in their order.
    fn of_rows(rows: Vec<(usize, [i8; OUTPUTS])>, bias: Scores, scale: [Scores; 2], bounds: Bounds) -> Self {
        let mut present = vec![0_u64; ROWS.div_ceil(64)];
        for (row, _) in &rows {
            if let Some(bits) = present.get_mut(row / 64) {
                *bits |= 1 << (row % 64);
            }
        }
        let mut seen = 0;
        let before = present.iter().map(|bits| {
            let before = seen;
            seen += bits.count_ones();
            before
        });
        let before = before.collect();
        let weights: Vec<[i8; OUTPUTS]> = rows.into_iter().map(|(_, weights)| weights).collect();
        let anything = weights.iter().map(|[anything, ..]| *anything).collect();
        Self { bounds, bias, scale, present, before, weights, anything }
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When it is no model file of this version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut reader = Reader::new(bytes, *MAGIC, VERSION).ok_or(ModelError::Kind)?;
        let bounds = Bounds { convict: reader.float()?, review: reader.float()?, doubt: reader.float()? };
        let (bias, scale) = (scores(&mut reader)?, [scores(&mut reader)?, scores(&mut reader)?]);
        let count = reader.number()?;
        let mut rows = Vec::with_capacity(count.min(ROWS));
        let mut row = 0;
        for _ in 0..count {
            row += reader.varint()?;
            if row >= ROWS || rows.len() >= MOST_ROWS {
                return Err(reader.damage().into());
            }
            let mut weights = [0; OUTPUTS];
            for (weight, byte) in weights.iter_mut().zip(reader.take(OUTPUTS)?) {
                *weight = *byte as i8;
            }
            rows.push((row, weights));
        }
        reader.end()?;
        Ok(Self::of_rows(rows, bias, scale, bounds))
    }

    /// The file that [`Model::read`] reads.
    pub fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        let Bounds { convict, review, doubt } = self.bounds;
        for float in [convict, review, doubt].iter().chain(&self.bias).chain(self.scale.as_flattened()) {
            out.extend(float.to_le_bytes());
        }
        out.extend((self.weights.len() as u32).to_le_bytes());
        let mut last = 0;
        let rows = (0..ROWS).filter(|row| self.place(*row).is_some());
        for (row, weights) in rows.zip(&self.weights) {
            let mut distance = row - last;
            last = row;
            while distance >= 0x80 {
                out.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            out.push(distance as u8);
            out.extend(weights.map(|weight| weight as u8));
        }
        out
    }

    /// The part of a text that sounds worst, and how likely it is guilty of anything.
    pub(in crate::text) fn worst(&self, features: &mut Features) -> (usize, f32) {
        let Features { all, wordy, words, parts, sums, .. } = features;
        sums.clear();
        sums.resize(words.len().max(1), WordSum::default());
        for (index, feature) in all.iter().enumerate() {
            let Some(sum) = sums.get_mut(feature.word as usize) else { continue };
            let weight = self.anything(feature.row);
            if index < *wordy {
                sum.words += weight;
                sum.word_count += 1;
            } else if is_group(feature.row) {
                sum.groups += weight;
                sum.group_count += 1;
            } else {
                sum.signals += weight;
            }
        }
        let score = |part: &std::ops::Range<u32>| {
            let mut all = WordSum::default();
            for sum in sums.get(part.start as usize..part.end as usize).unwrap_or_default() {
                all.words += sum.words;
                all.word_count += sum.word_count;
                all.groups += sum.groups;
                all.group_count += sum.group_count;
                all.signals += sum.signals;
            }
            let findings = all.groups as f32 * group_share(all.group_count as usize) + all.signals as f32;
            self.bias[0]
                + all.words as f32 * self.scale[0][0] * share(all.word_count as usize)
                + findings * self.scale[1][0]
        };
        let mut worst = (0, f32::MIN);
        for (index, part) in parts.iter().enumerate() {
            let score = score(part);
            if score > worst.1 {
                worst = (index, score);
            }
        }
        worst
    }

    /// The score of every output for a part of a text.
    pub(in crate::text) fn score(&self, features: &Features, part: usize) -> Scores {
        // Of words, of groups, of signals.
        let (mut sums, mut counts) = ([[0_i32; OUTPUTS]; 3], [0_usize; 3]);
        let part = features.parts.get(part).cloned().unwrap_or_default();
        for (index, feature) in features.all.iter().enumerate().filter(|(_, one)| part.contains(&one.word)) {
            let kind = if index < features.wordy { 0 } else { 2 - usize::from(is_group(feature.row)) };
            counts[kind] += 1;
            if let Some(weights) = self.row(feature.row) {
                for (sum, weight) in sums[kind].iter_mut().zip(weights) {
                    *sum += i32::from(*weight);
                }
            }
        }
        let (words, groups) = (share(counts[0]), group_share(counts[1]));
        let mut scores = self.bias;
        for (output, score) in scores.iter_mut().enumerate() {
            let findings = sums[1][output] as f32 * groups + sums[2][output] as f32;
            *score +=
                sums[0][output] as f32 * self.scale[0][output] * words + findings * self.scale[1][output];
        }
        scores
    }

    /// What a feature adds to an output, in units of that output.
    pub(in crate::text) fn weight(&self, row: u32, output: usize) -> i32 {
        self.row(row).and_then(|weights| weights.get(output)).map_or(0, |weight| i32::from(*weight))
    }

    /// What a feature adds to the output of anything.
    #[inline]
    fn anything(&self, row: u32) -> i32 {
        let place = self.place(row as usize);
        place.and_then(|place| self.anything.get(place)).map_or(0, |weight| i32::from(*weight))
    }

    #[inline]
    fn row(&self, row: u32) -> Option<&[i8; OUTPUTS]> {
        self.weights.get(self.place(row as usize)?)
    }

    /// Where the weights of a row are.
    #[inline]
    fn place(&self, row: usize) -> Option<usize> {
        let (bits, bit) = (*self.present.get(row / 64)?, 1_u64 << (row % 64));
        let within = (bits & bit != 0).then(|| (bits & (bit - 1)).count_ones() as usize)?;
        Some(*self.before.get(row / 64)? as usize + within)
    }
}

/// How much one of `count` words and pieces of words counts: a long text is not worse for its length.
pub fn share(count: usize) -> f32 {
    1.0 / (count.max(1) as f32).sqrt()
}

/// How much one of `count` groups of terms counts: many of them only say that a sentence is long.
pub fn group_share(count: usize) -> f32 {
    (MANY_GROUPS / (count as f32).max(MANY_GROUPS)).sqrt()
}

/// Rows of words are the first block, what the lexicons found the second.
fn block(row: usize) -> usize {
    usize::from(row >= WORD_ROWS)
}

fn scores(reader: &mut Reader<'_>) -> Result<Scores, Damage> {
    let mut scores = [0.0; OUTPUTS];
    for score in &mut scores {
        *score = reader.float()?;
    }
    Ok(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> Model {
        let mut weights = vec![[0.0; OUTPUTS]; ROWS];
        weights[0][0] = 1.0;
        weights[200][0] = -0.5;
        weights[200][3] = 2.0;
        weights[ROWS - 1][OUTPUTS - 1] = 0.25;
        Model::new(&weights, [-1.0; OUTPUTS], Bounds { convict: 3.0, review: 1.0, doubt: -4.0 })
    }

    #[test]
    fn a_model_is_read_as_written() {
        let model = model();
        let bytes = model.write();
        let read = Model::read(&bytes).unwrap();
        assert_eq!(read, model);
        assert_eq!((read.weight(200, 0), read.weight(200, 3), read.weight(7, 0)), (-64, 127, 0));
    }

    #[test]
    fn a_damaged_model_is_refused() {
        let bytes = model().write();
        for end in 0..bytes.len() {
            assert!(Model::read(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Model::read(&longer), Err(ModelError::Damaged(bytes.len())));
        assert_eq!(Model::read(b"CWCL\x09rest"), Err(ModelError::Kind));
        let mut wild = bytes.clone();
        wild[5..9].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(matches!(Model::read(&wild), Err(ModelError::Damaged(_))));
    }
}
