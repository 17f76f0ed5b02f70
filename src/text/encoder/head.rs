//! The head: how likely the numbers of a text's pieces are a violation, and what that is worth beside the classifier's
//! score.
//!
//! The file, as `scripts/encoder-head` writes it: `CWHD`, a version byte; what score and opinion of an output are worth
//! and what is added to them; the same of the whole text, where the likeliest topic counts as well; three bounds; the
//! adapter: how many of the last layers it changes, how many rows its matrices have, and for each layer six times a
//! matrix of that many rows for what goes in and one for what comes out, then what is added to the spread and shift of
//! both norms; the head's hidden numbers H, a matrix of H rows, H biases; a matrix of twice H numbers for every output,
//! and their biases. Matrices have a scale for every row and then signed bytes; the last one is of `f32`. Numbers are
//! little-endian, `u32` for counts and `f32` for the others.

use ndarray::{Array1, Axis, concatenate};

use super::Meaning;
use super::adapter::{Adapter, bytes};
use super::network::{Dense, WIDTH, gelu, loudest, shaped};
use crate::text::classifier::{OUTPUTS, Scores, likeliest_topic, sureness};
use crate::text::datafile::{Damage, Reader};

const MAGIC: [u8; 4] = *b"CWHD";
const VERSION: u8 = 4;
const MOST_HIDDEN: usize = 1024;

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
    /// From here on both together convict; below, they doubt what the frames found.
    pub convict: f32,
    /// From here on a text is worth a look.
    pub review: f32,
}

/// What was learned from labelled messages: changes to the encoder, and a small network upon it.
pub struct Head {
    /// Where to draw the lines.
    pub bounds: HeadBounds,
    /// What score and opinion of an output are worth, and what is added.
    output: [f32; 3],
    /// What the classifier's sureness, the opinion and the likeliest topic are worth, and what is added.
    whole: [f32; 4],
    pub(super) adapter: Adapter,
    hidden: Dense,
    out: Dense,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Head");
        out.field("bounds", &self.bounds)
            .field("output", &self.output)
            .field("whole", &self.whole)
            .finish_non_exhaustive()
    }
}

impl Head {
    /// Reads a head's file.
    ///
    /// # Errors
    /// When it is no head of this version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(bytes, MAGIC, VERSION).ok_or(HeadError::Kind)?;
        let output = [reader.float()?, reader.float()?, reader.float()?];
        let whole = [reader.float()?, reader.float()?, reader.float()?, reader.float()?];
        let bounds = HeadBounds { ask: reader.float()?, convict: reader.float()?, review: reader.float()? };
        let adapter = Adapter::read(&mut reader)?;
        let hidden = reader.number()?;
        if hidden == 0 || hidden > MOST_HIDDEN {
            return Err(reader.damage().into());
        }
        let weights = self::bytes(&mut reader, hidden, WIDTH)?;
        let hidden = Dense::new(weights, reader.floats(hidden)?);
        let inputs = 2 * hidden.width();
        let weights = shaped(OUTPUTS, inputs, reader.floats(OUTPUTS * inputs)?);
        let out = Dense::new(weights, reader.floats(OUTPUTS)?);
        reader.end()?;
        Ok(Self { bounds, output, whole, adapter, hidden, out })
    }

    /// How likely a text is a violation, and one of each topic; above nought, likelier than not.
    pub fn opinion(&self, meaning: &Meaning) -> Scores {
        let mut hidden = self.hidden.apply(&meaning.0);
        hidden.mapv_inplace(gelu);
        let mean = hidden.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(hidden.ncols()));
        let both = [loudest(&hidden), mean];
        let both = concatenate(Axis(0), &both.each_ref().map(|row| row.view())).unwrap_or_default();
        let said = self.out.apply(&both.insert_axis(Axis(0)));
        let mut scores = [0.0; OUTPUTS];
        scores.iter_mut().zip(said).for_each(|(score, said)| *score = said);
        scores
    }

    /// The classifier's scores and the head's opinion together, output by output, and how sure both are of the whole text.
    /// They are surer where they mean the same topic: what sounds bad to either by chance sounds bad of something else.
    pub fn join(&self, scores: &Scores, opinion: &Scores) -> (f32, Scores) {
        let [of_score, of_opinion, added] = self.output;
        let mut joined = *scores;
        for (score, opinion) in joined.iter_mut().zip(opinion) {
            *score = of_score * *score + of_opinion * opinion + added;
        }
        let [of_sureness, of_opinion, of_topic, added] = self.whole;
        let alone = of_sureness * sureness(scores) + of_opinion * opinion[0];
        let sure = alone + of_topic * likeliest_topic(&joined) + added;
        (sure, joined)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::text::encoder::Meaning;

    const HIDDEN: usize = 8;
    const RANK: usize = 2;

    /// A head's file that reads the first number of a piece: of the loudest it says ten times as much, of the mean once.
    /// Its second output says ten times less than the loudest. With `layers`, an adapter that changes nothing.
    fn file(bounds: HeadBounds, output: [f32; 3], whole: [f32; 4], layers: usize) -> Vec<u8> {
        let HeadBounds { ask, convict, review } = bounds;
        let mut out = [MAGIC.as_slice(), &[VERSION]].concat();
        let floats = |out: &mut Vec<u8>, values: &[f32]| {
            values.iter().for_each(|value| out.extend(value.to_le_bytes()))
        };
        floats(&mut out, &output);
        floats(&mut out, &whole);
        floats(&mut out, &[ask, convict, review]);
        out.extend((layers as u32).to_le_bytes());
        out.extend((RANK as u32).to_le_bytes());
        let narrow = 4 * RANK + RANK * WIDTH;
        let wide = 4 * RANK + RANK * 4 * WIDTH;
        out.resize(out.len() + layers * (10 * narrow + 2 * wide + 4 * 4 * WIDTH), 0);
        out.extend((HIDDEN as u32).to_le_bytes());
        floats(&mut out, &[0.5; HIDDEN]);
        out.push(2);
        out.resize(out.len() + WIDTH * HIDDEN - 1, 0);
        floats(&mut out, &[0.0; HIDDEN]);
        let mut weights = [0.0; OUTPUTS * 2 * HIDDEN];
        (weights[0], weights[HIDDEN], weights[2 * HIDDEN]) = (10.0, 1.0, -10.0);
        floats(&mut out, &weights);
        floats(&mut out, &[0.5; OUTPUTS]);
        out
    }

    /// A head to which the opinion is worth nothing, so that what it says is the classifier's score times `of_score` and
    /// `added`.
    pub(in crate::text) fn constant(bounds: HeadBounds, of_score: f32, added: f32) -> Head {
        Head::read(&file(bounds, [of_score, 0.0, added], [of_score, 0.0, 0.0, added], 1)).unwrap()
    }

    const BOUNDS: HeadBounds = HeadBounds { ask: -1.0, convict: 3.0, review: 1.0 };

    #[test]
    fn the_loudest_piece_and_the_mean_speak() {
        let head = Head::read(&file(BOUNDS, [1.0; 3], [1.0; 4], 0)).unwrap();
        assert_eq!(head.bounds, BOUNDS);
        let check = |pieces: &[f32], wanted: f32, second: f32| {
            let mut rows = vec![0.0; pieces.len() * WIDTH];
            pieces.iter().enumerate().for_each(|(at, first)| rows[at * WIDTH] = *first);
            let said = head.opinion(&Meaning(shaped(pieces.len(), WIDTH, rows)));
            assert!((said[0] - wanted).abs() < 1e-3, "{pieces:?}: {}, not {wanted}", said[0]);
            assert!((said[1] - second).abs() < 1e-3, "{pieces:?}: {}, not {second}", said[1]);
            assert_eq!(said[OUTPUTS - 1], 0.5);
        };
        check(&[9.0], 0.5 + 90.0 + 9.0, 0.5 - 90.0);
        check(&[6.0, 12.0, 0.0, 6.0], 0.5 + 120.0 + 6.0, 0.5 - 120.0);
        // What is far below nought is nought.
        check(&[-9.0, -9.0], 0.5, 0.5);
    }

    #[test]
    fn score_and_opinion_are_joined() {
        let head = Head::read(&file(BOUNDS, [2.0, 3.0, -1.0], [1.0, 10.0, 100.0, 0.5], 0)).unwrap();
        let of = |anything: f32, topics: [f32; 2]| {
            let mut scores = [-9.0; OUTPUTS];
            (scores[0], scores[1], scores[2]) = (anything, topics[0], topics[1]);
            scores
        };
        let check = |scores: Scores, opinion: Scores, topic: f32| {
            let (sure, joined) = head.join(&scores, &opinion);
            assert_eq!(joined[0], 2.0 * scores[0] + 3.0 * opinion[0] - 1.0);
            let wanted = sureness(&scores) + 10.0 * opinion[0] + 100.0 * topic + 0.5;
            assert!((sure - wanted).abs() < 1e-3, "{sure}, not {wanted}");
        };
        check(of(1.5, [2.0, -1.0]), of(0.5, [3.0, -2.0]), 12.0);
        // They are less sure where they mean different topics.
        check(of(1.5, [2.0, -1.0]), of(0.5, [-2.0, 3.0]), 6.0);
    }

    #[test]
    fn a_damaged_head_is_refused() {
        let bytes = file(BOUNDS, [1.0; 3], [1.0; 4], 1);
        for end in (0..bytes.len()).step_by(997).chain(0..64) {
            assert!(Head::read(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(Head::read(&longer).err(), Some(HeadError::Damaged(bytes.len())));
        assert_eq!(Head::read(b"CWHD\x09rest").err(), Some(HeadError::Kind));
        let changed = |bytes: &[u8], at: usize, to: [u8; 4]| {
            let mut bytes = bytes.to_vec();
            bytes[at..at + 4].copy_from_slice(&to);
            Head::read(&bytes).err()
        };
        assert_eq!(changed(&bytes, 5, f32::NAN.to_le_bytes()), Some(HeadError::Damaged(9)));
        let adapter = 5 + 10 * 4;
        for at in [adapter, adapter + 4] {
            assert_eq!(changed(&bytes, at, u32::MAX.to_le_bytes()), Some(HeadError::Damaged(adapter + 8)));
        }
        let plain = file(BOUNDS, [1.0; 3], [1.0; 4], 0);
        for hidden in [0, 1025, u32::MAX] {
            let found = changed(&plain, adapter + 8, hidden.to_le_bytes());
            assert_eq!(found, Some(HeadError::Damaged(adapter + 12)), "{hidden}");
        }
    }
}
