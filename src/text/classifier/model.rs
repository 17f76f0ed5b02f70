//! The model: as shipped (a compact file) and as run (a table of weights).
//!
//! The file: `CWCL`, a version byte; bounds, bias and scale of every output as little-endian `f32`; the number of rows
//! that are not zero; then for each its distance from the row before (LEB128) and one signed byte per output.

use super::features::{Features, ROWS, WORD_ROWS};

/// What a message may be guilty of, in the order of the model's outputs; the first output is "of anything".
pub const TOPICS: [&str; 10] = [
    "contact.worded",
    "payment.worded",
    "diversion.worded",
    "promo.worded",
    "social.worded",
    "review.worded",
    "address.worded",
    "cancel.worded",
    "gift.worded",
    "notice.worded",
];
/// Outputs of the model: anything, then each topic.
pub const OUTPUTS: usize = TOPICS.len() + 1;
const MAGIC: &[u8; 4] = b"CWCL";
const VERSION: u8 = 1;

/// Margins, one per output: above nothing, likelier guilty than not.
pub type Scores = [f32; OUTPUTS];

/// Scores of "anything" from which on a text is convicted, looked at, or spared.
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
    /// For every row its place among the weights, from 1; 0 when all its weights are zero.
    places: Vec<u16>,
    weights: Vec<[i8; OUTPUTS]>,
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

/// A model without opinions.
impl Default for Model {
    fn default() -> Self {
        let bounds = Bounds { convict: f32::MAX, review: f32::MAX, doubt: f32::MIN };
        Self::of_rows(Vec::new(), [0.0; OUTPUTS], [[0.0; OUTPUTS]; 2], bounds)
    }
}

impl Model {
    /// A model of the weights of a training. Rows that round to zero are dropped, and of more than 65,535 the lightest.
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
        rows.truncate(usize::from(u16::MAX));
        rows.sort_by_key(|(row, _)| *row);
        Self::of_rows(rows, bias, scale, bounds)
    }

    fn of_rows(rows: Vec<(usize, [i8; OUTPUTS])>, bias: Scores, scale: [Scores; 2], bounds: Bounds) -> Self {
        let mut model =
            Self { bounds, bias, scale, places: vec![0; ROWS], weights: Vec::with_capacity(rows.len()) };
        for (row, weights) in rows {
            model.weights.push(weights);
            if let (Some(place), Ok(at)) = (model.places.get_mut(row), u16::try_from(model.weights.len())) {
                *place = at;
            }
        }
        model
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When it is no model file of this version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take::<4>().ok() != Some(*MAGIC) || reader.take::<1>().ok() != Some([VERSION]) {
            return Err(ModelError::Kind);
        }
        let bounds = Bounds { convict: reader.float()?, review: reader.float()?, doubt: reader.float()? };
        let (bias, scale) = (reader.scores()?, [reader.scores()?, reader.scores()?]);
        let count = u32::from_le_bytes(reader.take()?) as usize;
        let mut rows = Vec::with_capacity(count.min(ROWS));
        let mut row = 0;
        for _ in 0..count {
            row += reader.varint()?;
            if row >= ROWS || rows.len() >= usize::from(u16::MAX) {
                return Err(ModelError::Damaged(reader.at));
            }
            rows.push((row, reader.take::<OUTPUTS>()?.map(|byte| byte as i8)));
        }
        if reader.at != bytes.len() {
            return Err(ModelError::Damaged(reader.at));
        }
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
        for (row, place) in self.places.iter().enumerate().filter(|(_, place)| **place > 0) {
            let mut distance = row - last;
            last = row;
            while distance >= 0x80 {
                out.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            out.push(distance as u8);
            let weights = self.weights.get(usize::from(*place) - 1).copied().unwrap_or_default();
            out.extend(weights.map(|weight| weight as u8));
        }
        out
    }

    /// The score of every output for the features of a text.
    pub(in crate::text) fn score(&self, features: &Features) -> Scores {
        let mut sums = [[0_i32; OUTPUTS]; 2];
        for (index, feature) in features.all.iter().enumerate() {
            if let Some(weights) = self.row(feature.row) {
                let sums = &mut sums[usize::from(index >= features.wordy)];
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += i32::from(*weight);
                }
            }
        }
        let share = share(features.wordy);
        let mut scores = self.bias;
        for (output, score) in scores.iter_mut().enumerate() {
            *score += sums[0][output] as f32 * self.scale[0][output] * share
                + sums[1][output] as f32 * self.scale[1][output];
        }
        scores
    }

    /// What a feature adds to an output, in units of that output.
    pub(in crate::text) fn weight(&self, row: u32, output: usize) -> i32 {
        self.row(row).and_then(|weights| weights.get(output)).map_or(0, |weight| i32::from(*weight))
    }

    #[inline]
    fn row(&self, row: u32) -> Option<&[i8; OUTPUTS]> {
        let place = self.places.get(row as usize).copied().filter(|place| *place > 0)?;
        self.weights.get(usize::from(place) - 1)
    }
}

/// How much one of `count` words and pieces of words counts: a long text is not worse for its length.
pub fn share(count: usize) -> f32 {
    1.0 / (count.max(1) as f32).sqrt()
}

/// Rows of words are the first block, what the lexicons found the second.
fn block(row: usize) -> usize {
    usize::from(row >= WORD_ROWS)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        let taken = *bytes.ok_or(ModelError::Damaged(self.at))?;
        self.at += N;
        Ok(taken)
    }

    fn float(&mut self) -> Result<f32, ModelError> {
        let float = f32::from_le_bytes(self.take()?);
        if float.is_finite() { Ok(float) } else { Err(ModelError::Damaged(self.at)) }
    }

    fn scores(&mut self) -> Result<Scores, ModelError> {
        let mut scores = [0.0; OUTPUTS];
        for score in &mut scores {
            *score = self.float()?;
        }
        Ok(scores)
    }

    fn varint(&mut self) -> Result<usize, ModelError> {
        let mut value = 0;
        for shift in (0..28).step_by(7) {
            let [byte] = self.take()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ModelError::Damaged(self.at))
    }
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
