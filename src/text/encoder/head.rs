//! The head: how likely the numbers of a text's pieces are a violation, and what that is worth beside the classifier's
//! score.
//!
//! The file, as `scripts/encoder-head` writes it: `CWHD`, a version byte; what score and opinion are worth and what is
//! added to them; four bounds; what a number of a piece is multiplied with, for each; how many members the head has. For
//! every member its hidden numbers H; a scale for each of H columns and the rows of a matrix as signed bytes, one row for
//! every number of a piece; H biases; the same with three times H rows; three times H weights and a bias. Numbers are
//! little-endian, `u32` for counts and `f32` for the others.

use super::WIDTH;
use super::matrix::{ABREAST, Matrix, rectify, repeat};
use crate::text::datafile::{Damage, Reader};

const MAGIC: [u8; 4] = *b"CWHD";
const VERSION: u8 = 1;
const MOST_MEMBERS: usize = 16;
const MOST_HIDDEN: usize = 1024;
/// Pieces that are looked at together.
const TOGETHER: usize = 3;
/// How much the sum over all pieces counts beside the loudest of them.
const SUM: f32 = 0.3;

/// Why a head's file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// Not such a file, or of another version of the program.
    #[error("no encoder head of version {VERSION}")]
    Kind,
    /// It ends too early or says what cannot be.
    #[error("the encoder head is damaged at byte {0}")]
    Damaged(usize),
}

impl From<Damage> for HeadError {
    fn from(Damage(at): Damage) -> Self {
        Self::Damaged(at)
    }
}

/// Where lines are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadBounds {
    /// From this score of the classifier on the encoder is asked.
    pub ask: f32,
    /// From here on both together convict.
    pub convict: f32,
    /// From here on a text is worth a look.
    pub review: f32,
    /// Below this, what the frames found is doubted.
    pub doubt: f32,
}

/// Several small networks that were trained alike from different beginnings; their mean is the head's opinion.
pub struct Head {
    /// Where to draw the lines.
    pub bounds: HeadBounds,
    /// What the classifier's score and the opinion are worth, and what is added.
    joint: [f32; 3],
    members: Vec<Member>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Head");
        out.field("bounds", &self.bounds).field("joint", &self.joint).field("members", &self.members.len());
        out.finish()
    }
}

struct Member {
    hidden: usize,
    single: Matrix,
    single_bias: Vec<f32>,
    triple: Matrix,
    triple_bias: Vec<f32>,
    /// Of the loudest piece, of the loudest three, and of the sum over all threes.
    out: Vec<f32>,
    out_bias: f32,
}

/// Buffers for one text.
#[derive(Debug, Default)]
pub struct HeadScratch {
    singles: Vec<f32>,
    padded: Vec<f32>,
    triples: Vec<f32>,
}

impl Head {
    /// Reads a head's file.
    ///
    /// # Errors
    /// When it is no head of this version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(bytes, MAGIC, VERSION).ok_or(HeadError::Kind)?;
        let joint = [reader.float()?, reader.float()?, reader.float()?];
        let bounds = HeadBounds {
            ask: reader.float()?,
            convict: reader.float()?,
            review: reader.float()?,
            doubt: reader.float()?,
        };
        let inputs = reader.floats(WIDTH)?;
        let count = reader.number()?;
        if count == 0 || count > MOST_MEMBERS {
            return Err(reader.damage().into());
        }
        let members = (0..count).map(|_| Member::read(&mut reader, &inputs)).collect::<Result<_, _>>()?;
        reader.end()?;
        Ok(Self { bounds, joint, members })
    }

    /// How likely a text is a violation by its pieces, each a row of [`WIDTH`] numbers; above nothing, likelier than not.
    pub fn opinion(&self, pieces: &[f32], scratch: &mut HeadScratch) -> f32 {
        let sum: f32 = self.members.iter().map(|member| member.opinion(pieces, scratch)).sum();
        sum / self.members.len() as f32
    }

    /// The classifier's score and the head's opinion together.
    pub fn join(&self, score: f32, opinion: f32) -> f32 {
        let [of_score, of_opinion, added] = self.joint;
        of_score * score + of_opinion * opinion + added
    }
}

impl Member {
    fn read(reader: &mut Reader<'_>, inputs: &[f32]) -> Result<Self, Damage> {
        let hidden = reader.number()?;
        if hidden == 0 || hidden > MOST_HIDDEN || !hidden.is_multiple_of(ABREAST) {
            return Err(reader.damage());
        }
        Ok(Self {
            hidden,
            single: matrix(reader, hidden, WIDTH, |row| inputs.get(row).copied().unwrap_or_default())?,
            single_bias: reader.floats(hidden)?,
            triple: matrix(reader, hidden, TOGETHER * hidden, |_| 1.0)?,
            triple_bias: reader.floats(hidden)?,
            out: reader.floats(3 * hidden)?,
            out_bias: reader.float()?,
        })
    }

    fn opinion(&self, pieces: &[f32], scratch: &mut HeadScratch) -> f32 {
        let HeadScratch { singles, padded, triples } = scratch;
        let (count, hidden) = (pieces.len() / WIDTH, self.hidden);
        repeat(&self.single_bias, count, singles);
        self.single.multiply(pieces, WIDTH, singles);
        rectify(singles);
        padded.clear();
        padded.resize(hidden, 0.0);
        padded.extend_from_slice(singles);
        padded.resize(padded.len() + hidden, 0.0);
        repeat(&self.triple_bias, count, triples);
        self.triple.multiply(padded, hidden, triples);
        rectify(triples);
        let shorter = SUM / (count.max(1) as f32).sqrt();
        let mut opinion = self.out_bias;
        for (rows, out) in
            [(&*singles, self.out.get(..hidden)), (&*triples, self.out.get(hidden..2 * hidden))]
        {
            for (column, weight) in out.unwrap_or_default().iter().enumerate() {
                let loudest = rows.iter().skip(column).step_by(hidden).copied().fold(0.0, f32::max);
                opinion += weight * loudest;
            }
        }
        for (column, weight) in self.out.iter().skip(2 * hidden).enumerate() {
            let sum: f32 = triples.iter().skip(column).step_by(hidden).sum();
            opinion += weight * sum * shorter;
        }
        opinion
    }
}

/// Signed bytes, with a scale for every column and for every row.
fn matrix(
    reader: &mut Reader<'_>,
    columns: usize,
    rows: usize,
    of_row: impl Fn(usize) -> f32,
) -> Result<Matrix, Damage> {
    let scales = reader.floats(columns)?;
    let bytes = reader.take(rows * columns)?;
    let mut weights = Vec::with_capacity(bytes.len());
    for (row, bytes) in bytes.chunks_exact(columns).enumerate() {
        let of_row = of_row(row);
        weights
            .extend(bytes.iter().zip(&scales).map(|(byte, scale)| f32::from(*byte as i8) * scale * of_row));
    }
    Ok(Matrix::new(rows, columns, &weights))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const HIDDEN: usize = 8;

    /// A head's file with one member that reads the first number of a piece, and says ten times the loudest piece and the
    /// loudest three.
    fn file(bounds: HeadBounds, joint: [f32; 3]) -> Vec<u8> {
        let HeadBounds { ask, convict, review, doubt } = bounds;
        let mut out = [MAGIC.as_slice(), &[VERSION]].concat();
        let floats = |out: &mut Vec<u8>, values: &[f32]| {
            values.iter().for_each(|value| out.extend(value.to_le_bytes()))
        };
        floats(&mut out, &joint);
        floats(&mut out, &[ask, convict, review, doubt]);
        floats(&mut out, &[2.0; WIDTH]);
        out.extend(1_u32.to_le_bytes());
        out.extend((HIDDEN as u32).to_le_bytes());
        floats(&mut out, &[0.5; HIDDEN]);
        out.push(1);
        out.resize(out.len() + WIDTH * HIDDEN - 1, 0);
        floats(&mut out, &[0.0; HIDDEN]);
        floats(&mut out, &[0.25; HIDDEN]);
        // The first hidden number of the piece before, of this one and of the one after; the last is unwelcome.
        for weight in [4_i8, 4, -4] {
            out.push(weight as u8);
            out.resize(out.len() + HIDDEN * HIDDEN - 1, 0);
        }
        floats(&mut out, &[0.0; HIDDEN]);
        let mut weights = [0.0; 3 * HIDDEN];
        (weights[0], weights[HIDDEN], weights[2 * HIDDEN]) = (10.0, 10.0, 1.0);
        floats(&mut out, &weights);
        floats(&mut out, &[0.5]);
        out
    }

    /// A head to which the opinion is worth nothing, so that what it says is the classifier's score times `of_score` and
    /// `added`.
    pub(in crate::text) fn constant(bounds: HeadBounds, of_score: f32, added: f32) -> Head {
        Head::read(&file(bounds, [of_score, 0.0, added])).unwrap()
    }

    const BOUNDS: HeadBounds = HeadBounds { ask: -1.0, convict: 3.0, review: 1.0, doubt: -2.0 };

    #[test]
    fn the_loudest_pieces_and_their_sum_speak() {
        let head = Head::read(&file(BOUNDS, [1.0, 1.0, 0.0])).unwrap();
        assert_eq!(head.bounds, BOUNDS);
        let mut scratch = HeadScratch::default();
        let mut say = |pieces: &[f32]| {
            let mut rows = vec![0.0; pieces.len() * WIDTH];
            pieces.iter().enumerate().for_each(|(at, first)| rows[at * WIDTH] = *first);
            head.opinion(&rows, &mut scratch)
        };
        assert_eq!(say(&[]), 0.5);
        assert_eq!(say(&[-3.0]), 0.5);
        // Single: 2. Threes: 2. Sum: 2.
        assert_eq!(say(&[2.0]), 0.5 + 20.0 + 20.0 + 0.3 * 2.0);
        // Singles: 1, 2, 0, 1. Threes: 1 - 2, 1 + 2, 2 - 1, 1.
        assert!((say(&[1.0, 2.0, -5.0, 1.0]) - (0.5 + 20.0 + 30.0 + 0.3 * 5.0 / 2.0)).abs() < 1e-4);
    }

    #[test]
    fn score_and_opinion_are_joined() {
        let head = Head::read(&file(BOUNDS, [2.0, 3.0, -1.0])).unwrap();
        assert_eq!(head.join(1.5, 0.5), 3.5);
    }

    #[test]
    fn a_damaged_head_is_refused() {
        let bytes = file(BOUNDS, [1.0; 3]);
        for end in 0..bytes.len() {
            assert!(Head::read(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Head::read(&longer).err(), Some(HeadError::Damaged(bytes.len())));
        assert_eq!(Head::read(b"CWHD\x09rest").err(), Some(HeadError::Kind));
        let changed = |at: usize, to: [u8; 4]| {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&to);
            Head::read(&bytes).err()
        };
        let members = 5 + 7 * 4 + WIDTH * 4;
        assert_eq!(changed(5, f32::NAN.to_le_bytes()), Some(HeadError::Damaged(9)));
        for count in [0, 17, u32::MAX] {
            assert_eq!(changed(members, count.to_le_bytes()), Some(HeadError::Damaged(members + 4)));
        }
        for hidden in [0, 7, 1032, u32::MAX] {
            assert_eq!(changed(members + 4, hidden.to_le_bytes()), Some(HeadError::Damaged(members + 8)));
        }
    }
}
