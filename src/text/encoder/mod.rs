//! A sentence encoder, and a head upon it: what a text means, in words that no lesson of ours has.
//!
//! The encoder is multilingual-e5-small (Wang et al. 2024), a transformer that has read a hundred languages. Its file is
//! optional, large and fetched (`make encoder`). The [`Head`] is small and shipped: it has learned from labelled messages
//! how to change the encoder's last layers, and which of its numbers speak for a violation.
//!
//! The encoder's file, as `scripts/encoder` writes it: `CWEN`, a version byte; the vocabulary (see [`pieces`]): how many
//! pieces, and for each a score, a length byte and the letters; the normal forms: how many, and for each a letter as its
//! code, a length byte and the form. Then arrays without headers: the table of pieces after how many rows it has, what is
//! added at each of [`MOST_PIECES`] places, spread and shift of a norm, and for every layer the matrices and biases for
//! query, key, value and what was looked at, a norm, two matrices and biases, and a norm. The table and the matrices, with
//! a row for every number that comes out, have blocks of 32 numbers: a half float for the step, then sixteen bytes with
//! two numbers each, from -8 to 7 steps. Other arrays are of `f32`. All numbers are little-endian.

mod adapter;
mod head;
mod network;
mod pieces;

pub use head::{Head, HeadBounds, HeadError};

use ndarray::Array2;

use crate::text::datafile::{Damage, Reader};
use network::Network;
use pieces::{PieceScratch, Pieces};

/// Numbers that stand for a piece of a word.
pub const WIDTH: usize = network::WIDTH;
/// Pieces of a text that are looked at, its beginning and end counted.
pub const MOST_PIECES: usize = 96;
const MAGIC: [u8; 4] = *b"CWEN";
const VERSION: u8 = 2;

/// Why an encoder's file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncoderError {
    /// Not such a file, or of another version of the program.
    #[error("no encoder file of version {VERSION}; `make encoder` writes one")]
    Kind,
    /// It ends too early or says what cannot be.
    #[error("the encoder file is damaged at byte {0}; `make encoder` writes it anew")]
    Damaged(usize),
}

impl From<Damage> for EncoderError {
    fn from(Damage(at): Damage) -> Self {
        Self::Damaged(at)
    }
}

/// The encoder, as run.
pub struct Encoder {
    pieces: Pieces,
    network: Network,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// Buffers, reused from text to text.
#[derive(Debug, Default)]
pub struct EncoderScratch {
    pieces: PieceScratch,
    numbers: Vec<u32>,
    /// Pieces of what is left out of a long text.
    before: Vec<u32>,
}

/// What a text means: a row of [`WIDTH`] numbers for each of its pieces.
pub struct Meaning(Array2<f32>);

impl Meaning {
    /// How many pieces it has.
    pub fn pieces(&self) -> usize {
        self.0.nrows()
    }

    /// The numbers of a piece; nothing when there are fewer pieces.
    pub fn piece(&self, index: usize) -> &[f32] {
        let row = |index| self.0.row(index).to_slice();
        (index < self.pieces()).then_some(index).and_then(row).unwrap_or_default()
    }
}

impl Encoder {
    /// Reads the encoder's file.
    ///
    /// # Errors
    /// When it is no encoder file of this version, or damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, EncoderError> {
        let mut reader = Reader::new(bytes, MAGIC, VERSION).ok_or(EncoderError::Kind)?;
        let pieces = Pieces::read(&mut reader, network::MOST_ROWS)?;
        let network = Network::read(&mut reader)?;
        reader.end()?;
        Ok(Self { pieces, network })
    }

    /// The encoder as the head has changed it.
    #[must_use]
    pub fn with_head(mut self, head: &Head) -> Self {
        self.network.adapt(&head.adapter);
        self
    }

    /// The numbers of a text's pieces, of which at most [`MOST_PIECES`] are looked at: a beginning, those of the text, and
    /// an end. Of a longer text they are those from the byte `from` on, or the last ones when too few follow.
    pub fn pieces<'s>(&self, text: &str, from: usize, scratch: &'s mut EncoderScratch) -> &'s [u32] {
        let EncoderScratch { pieces, numbers, before } = scratch;
        self.pieces.cut(text, pieces, numbers);
        if numbers.len() > MOST_PIECES {
            before.clear();
            if let Some(text) = text.get(..from).filter(|text| !text.is_empty()) {
                self.pieces.cut(text, pieces, before);
            }
            let left_out = before.len().saturating_sub(2).min(numbers.len() - MOST_PIECES);
            numbers.drain(1..=left_out);
            let end = numbers.last().copied();
            numbers.truncate(MOST_PIECES - 1);
            numbers.extend(end);
        }
        numbers
    }

    /// What a text means; of one that is too long, what it means from the byte `from` on.
    pub fn read_text(&self, text: &str, from: usize, scratch: &mut EncoderScratch) -> Meaning {
        Meaning(self.network.run(self.pieces(text, from, scratch)))
    }
}

/// An encoder that knows no piece, for tests: it says the same of every text of the same length.
#[cfg(test)]
pub(in crate::text) fn blank() -> Encoder {
    Encoder::read(&tests::blank_file()).unwrap()
}

/// A head for tests, whose opinion does not rest on the text.
#[cfg(test)]
pub(in crate::text) use head::tests::constant as constant_head;

#[cfg(test)]
mod tests;
