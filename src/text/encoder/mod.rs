//! A sentence encoder, and a head upon it: what a text means, in words that no lesson of ours has.
//!
//! The encoder is the multilingual Universal Sentence Encoder v3 up to its last sum: pieces of words are looked up in a
//! table, and three stacks of convolutions look at two, three and five neighbours. It knows sixteen languages. Its file is
//! optional, large and fetched (`make encoder`). The [`Head`] is small and shipped: it has learned from labelled messages
//! which of those numbers speak for a violation.
//!
//! The encoder's file, as `scripts/encoder` writes it: `CWEN`, a version byte; the vocabulary (see [`pieces`]): how many
//! pieces, and for each a score, a length byte and the letters; the table of normal forms: how many units and bytes, then
//! those; how many rows the table of embeddings has. After that arrays without headers: that table as bytes, and matrices
//! of `f32` row by row, whose sizes the program knows. All numbers are little-endian.

mod head;
mod matrix;
mod network;
mod pieces;

pub use head::{Head, HeadBounds, HeadError, HeadScratch};

use crate::text::datafile::{Damage, Reader};
use network::{Network, NetworkScratch};
use pieces::{PieceScratch, Pieces};

/// Numbers that stand for a piece of a word.
pub const WIDTH: usize = network::WIDTH;
/// Pieces of a text that are looked at, its beginning and end counted.
pub const MOST_PIECES: usize = 100;
const MAGIC: [u8; 4] = *b"CWEN";
const VERSION: u8 = 1;

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
    network: NetworkScratch,
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

    /// The pieces of a text, at most [`MOST_PIECES`]: a row of [`WIDTH`] numbers for each.
    pub fn read_text<'s>(&self, text: &str, scratch: &'s mut EncoderScratch) -> &'s [f32] {
        self.pieces.cut(text, &mut scratch.pieces, &mut scratch.numbers);
        scratch.numbers.truncate(MOST_PIECES);
        self.network.run(&scratch.numbers, &mut scratch.network)
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
