//! The network: from pieces of words to numbers that say what each means among all others of its text.
//!
//! A transformer encoder (Vaswani et al. 2017, as BERT and E5 have it): twelve layers, in each of which every piece looks
//! at every other and is then thought over by itself.

use ndarray::{Array1, Array2, Axis, Slice, linalg};

use super::MOST_PIECES;
use super::adapter::Adapter;
use crate::text::datafile::{Damage, Reader};

/// Numbers that stand for a piece.
pub(super) const WIDTH: usize = 384;
/// Numbers of a piece inside the second half of a layer.
pub(super) const WIDER: usize = 4 * WIDTH;
const LAYERS: usize = 12;
/// Ways of looking at others, each with its share of a piece's numbers.
const LOOKS: usize = 12;
const SHARE: usize = WIDTH / LOOKS;
/// Most rows of the table of pieces.
pub(super) const MOST_ROWS: usize = 1 << 20;
/// What a variance has at least.
const LEAST: f32 = 1e-12;
/// Weights that share a step.
const BLOCK: usize = 32;
/// Bytes of a block: its step as a half float, then two weights of four bits each a byte.
const BLOCK_BYTES: usize = 2 + BLOCK / 2;

/// All weights.
pub(super) struct Network {
    /// Of every piece its numbers, in blocks.
    table: Vec<u8>,
    /// What is added at every place of a text.
    places: Array2<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    looked: Dense,
    looked_norm: Norm,
    wide: Dense,
    narrow: Dense,
    norm: Norm,
}

/// A matrix, and what is added.
pub(super) struct Dense {
    /// A row for every number that goes in: so they lie as the product reads them.
    weights: Array2<f32>,
    bias: Array1<f32>,
}

/// Spread and shift of a row, after it was given mean nought and variance one.
pub(super) struct Norm {
    pub(super) spread: Array1<f32>,
    pub(super) shift: Array1<f32>,
}

impl Network {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let rows = reader.number()?;
        if rows > MOST_ROWS {
            return Err(reader.damage());
        }
        Ok(Self {
            table: reader.take(rows * WIDTH / BLOCK * BLOCK_BYTES)?.to_vec(),
            places: shaped(MOST_PIECES, WIDTH, reader.floats(MOST_PIECES * WIDTH)?),
            norm: Norm::read(reader)?,
            layers: (0..LAYERS).map(|_| Layer::read(reader)).collect::<Result<_, _>>()?,
        })
    }

    /// Adds to the weights of the last layers what an adapter has learned.
    pub(super) fn adapt(&mut self, adapter: &Adapter) {
        let first = LAYERS.saturating_sub(adapter.layers.len());
        for (layer, changes) in self.layers.iter_mut().skip(first).zip(&adapter.layers) {
            let Layer { query, key, value, looked, looked_norm, wide, narrow, norm } = layer;
            for (dense, change) in
                [query, key, value, looked, wide, narrow].into_iter().zip(&changes.matrices)
            {
                linalg::general_mat_mul(1.0, &change.into.t(), &change.out, 1.0, &mut dense.weights);
            }
            for (norm, change) in [looked_norm, norm].into_iter().zip(&changes.norms) {
                norm.spread += &change.spread;
                norm.shift += &change.shift;
            }
        }
    }

    /// A row of [`WIDTH`] numbers for each of the pieces, of which there are at most [`MOST_PIECES`].
    pub(super) fn run(&self, pieces: &[u32]) -> Array2<f32> {
        let mut rows = Vec::with_capacity(pieces.len() * WIDTH);
        pieces.iter().for_each(|piece| self.look_up(*piece as usize, &mut rows));
        let mut rows = shaped(pieces.len(), WIDTH, rows);
        rows += &self.places.slice_axis(Axis(0), Slice::from(..pieces.len()));
        self.norm.apply(&mut rows);
        for layer in &self.layers {
            layer.run(&mut rows);
        }
        rows
    }

    fn look_up(&self, piece: usize, out: &mut Vec<f32>) {
        let bytes = WIDTH / BLOCK * BLOCK_BYTES;
        match self.table.get(piece * bytes..(piece + 1) * bytes) {
            Some(blocks) => unpack(blocks, out),
            None => out.resize(out.len() + WIDTH, 0.0),
        }
    }
}

impl Layer {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(Self {
            query: Dense::read(reader, WIDTH, WIDTH)?,
            key: Dense::read(reader, WIDTH, WIDTH)?,
            value: Dense::read(reader, WIDTH, WIDTH)?,
            looked: Dense::read(reader, WIDTH, WIDTH)?,
            looked_norm: Norm::read(reader)?,
            wide: Dense::read(reader, WIDTH, WIDER)?,
            narrow: Dense::read(reader, WIDER, WIDTH)?,
            norm: Norm::read(reader)?,
        })
    }

    fn run(&self, rows: &mut Array2<f32>) {
        let seen = self.look(rows);
        *rows += &self.looked.apply(&seen);
        self.looked_norm.apply(rows);
        let mut wide = self.wide.apply(rows);
        wide.mapv_inplace(gelu);
        *rows += &self.narrow.apply(&wide);
        self.norm.apply(rows);
    }

    /// What every piece takes over from the others, each as much as its key suits the query.
    fn look(&self, rows: &Array2<f32>) -> Array2<f32> {
        let (query, key, value) = (self.query.apply(rows), self.key.apply(rows), self.value.apply(rows));
        let mut seen = Array2::zeros(rows.raw_dim());
        for from in (0..WIDTH).step_by(SHARE) {
            let share =
                |all: &Array2<f32>| all.slice_axis(Axis(1), Slice::from(from..from + SHARE)).to_owned();
            let mut weights = share(&query).dot(&share(&key).t());
            weights.rows_mut().into_iter().for_each(|mut row| {
                row *= 1.0 / (SHARE as f32).sqrt();
                let most = row.iter().copied().fold(f32::MIN, f32::max);
                row.mapv_inplace(|value| (value - most).exp());
                row /= row.sum();
            });
            let taken = weights.dot(&share(&value));
            seen.slice_axis_mut(Axis(1), Slice::from(from..from + SHARE)).assign(&taken);
        }
        seen
    }
}

impl Dense {
    fn read(reader: &mut Reader<'_>, from: usize, to: usize) -> Result<Self, Damage> {
        let mut weights = Vec::with_capacity(from * to);
        unpack(reader.take(from * to / BLOCK * BLOCK_BYTES)?, &mut weights);
        if weights.iter().any(|weight| !weight.is_finite()) {
            return Err(reader.damage());
        }
        Ok(Self::new(shaped(to, from, weights), reader.floats(to)?))
    }

    /// Of a matrix with a row for every number that comes out.
    pub(super) fn new(weights: Array2<f32>, bias: Vec<f32>) -> Self {
        let weights = weights.reversed_axes().as_standard_layout().into_owned();
        Self { weights, bias: Array1::from(bias) }
    }

    /// How many numbers come out.
    pub(super) fn width(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn apply(&self, rows: &Array2<f32>) -> Array2<f32> {
        rows.dot(&self.weights) + &self.bias
    }
}

impl Norm {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let (spread, shift) = (reader.floats(WIDTH)?, reader.floats(WIDTH)?);
        Ok(Self { spread: Array1::from(spread), shift: Array1::from(shift) })
    }

    fn apply(&self, rows: &mut Array2<f32>) {
        for mut row in rows.rows_mut() {
            row -= row.sum() / WIDTH as f32;
            let variance = row.dot(&row) / WIDTH as f32;
            row *= 1.0 / (variance + LEAST).sqrt();
            row *= &self.spread;
            row += &self.shift;
        }
    }
}

/// The numbers of blocks: sixteen numbers lie in the lower halves of their bytes, sixteen in the upper ones.
fn unpack(blocks: &[u8], out: &mut Vec<f32>) {
    for block in blocks.chunks_exact(BLOCK_BYTES) {
        let Some((step, weights)) = block.split_first_chunk::<2>() else { continue };
        let step = half(u16::from_le_bytes(*step));
        let weight = |bits: u8| (f32::from(bits) - 8.0) * step;
        out.extend(weights.iter().map(|byte| weight(byte & 0xf)));
        out.extend(weights.iter().map(|byte| weight(byte >> 4)));
    }
}

/// The value of a half float.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 => f32::INFINITY,
        _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// Nearly nought below nought and nearly the value itself above (Hendrycks and Gimpel 2016, by their tangent formula).
pub(super) fn gelu(value: f32) -> f32 {
    let bent = 0.797_884_6 * (value + 0.044_715 * value * value * value);
    0.5 * value * (1.0 + tanh(bent))
}

/// The hyperbolic tangent by its continued fraction, right to 3e-5; unlike the exact one it is computed for several numbers
/// at once.
fn tanh(value: f32) -> f32 {
    let x = value.clamp(-4.97, 4.97);
    let square = x * x;
    let above = x * (135_135.0 + square * (17_325.0 + square * (378.0 + square)));
    let below = 135_135.0 + square * (62_370.0 + square * (3_150.0 + square * 28.0));
    (above / below).clamp(-1.0, 1.0)
}

/// Rows of numbers; there are as many as the shape says, or they are all nought.
pub(super) fn shaped(rows: usize, columns: usize, numbers: Vec<f32>) -> Array2<f32> {
    Array2::from_shape_vec((rows, columns), numbers).unwrap_or_else(|_| Array2::zeros((rows, columns)))
}

/// The largest number of every column.
pub(super) fn loudest(rows: &Array2<f32>) -> Array1<f32> {
    rows.fold_axis(Axis(0), f32::MIN, |most, value| most.max(*value))
}

/// An encoder's file without a word in it, for tests: every piece of every text gets the same numbers.
#[cfg(test)]
pub(super) fn blank(out: &mut Vec<u8>) {
    let mut zeros = |bytes: usize| out.resize(out.len() + bytes, 0);
    let block = |weights: usize| weights / BLOCK * BLOCK_BYTES;
    // No rows.
    zeros(4);
    zeros(4 * (MOST_PIECES * WIDTH + 2 * WIDTH));
    for _ in 0..LAYERS {
        (0..4).for_each(|_| zeros(block(WIDTH * WIDTH) + 4 * WIDTH));
        zeros(4 * 2 * WIDTH);
        zeros(block(WIDTH * WIDER) + 4 * WIDER);
        zeros(block(WIDTH * WIDER) + 4 * WIDTH);
        zeros(4 * 2 * WIDTH);
    }
}
