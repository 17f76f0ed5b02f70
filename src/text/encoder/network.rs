//! The network: from pieces of words to numbers that say what each means among its neighbours.

use super::matrix::{Matrix, Norm, place, rectify, repeat};
use crate::text::datafile::{Damage, Reader};

/// Numbers of a piece by itself.
const EMBEDDED: usize = 512;
/// Numbers of a piece in one stack of convolutions.
const NARROW: usize = 256;
/// How many neighbours each stack looks at, itself counted, and how many of them stand before it.
const STACKS: [(usize, usize); 3] = [(2, 0), (3, 1), (5, 2)];
/// Numbers that stand for a piece.
pub(super) const WIDTH: usize = EMBEDDED + STACKS.len() * NARROW;
/// The table's rows are dealt out to so many parts, each with a scale of its own.
const PARTS: usize = 17;
/// Most rows of the table.
pub(super) const MOST_ROWS: usize = 1 << 20;

/// All weights.
pub(super) struct Network {
    table: Vec<u8>,
    /// What one step of a number of the table is worth, and where its numbers begin, for every part.
    steps: Vec<f32>,
    floors: Vec<f32>,
    narrow: Matrix,
    narrow_bias: Vec<f32>,
    narrow_norm: Norm,
    stacks: [Stack; STACKS.len()],
    least: f32,
}

/// Two convolutions, one after the other; each adds to what goes in.
struct Stack {
    layers: [(Matrix, Vec<f32>); 2],
    neighbours: usize,
    before: usize,
}

/// Buffers for one text.
#[derive(Debug, Default)]
pub(super) struct NetworkScratch {
    embedded: Vec<f32>,
    narrow: Vec<f32>,
    padded: Vec<f32>,
    layer: Vec<f32>,
    all: Vec<f32>,
}

impl Network {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let rows = reader.number()?;
        if rows > MOST_ROWS {
            return Err(reader.damage());
        }
        let table = reader.take(rows * EMBEDDED)?.to_vec();
        let (steps, floors) = (reader.floats(PARTS)?, reader.floats(PARTS)?);
        let joint = STACKS.len() * NARROW;
        let narrow = Matrix::read(reader, EMBEDDED, joint)?;
        let narrow_bias = reader.floats(joint)?;
        let narrow_norm = Norm::read(reader, joint)?;
        let mut stack = |(neighbours, before): (usize, usize)| -> Result<Stack, Damage> {
            let mut layer =
                || Ok((Matrix::read(reader, neighbours * NARROW, NARROW)?, reader.floats(NARROW)?));
            Ok(Stack { layers: [layer()?, layer()?], neighbours, before })
        };
        let stacks = [stack(STACKS[0])?, stack(STACKS[1])?, stack(STACKS[2])?];
        let least = reader.float()?;
        Ok(Self { table, steps, floors, narrow, narrow_bias, narrow_norm, stacks, least })
    }

    /// A row of [`WIDTH`] numbers for every piece.
    pub(super) fn run<'s>(&self, pieces: &[u32], scratch: &'s mut NetworkScratch) -> &'s [f32] {
        let NetworkScratch { embedded, narrow, padded, layer, all } = scratch;
        self.look_up(pieces, embedded);
        repeat(&self.narrow_bias, pieces.len(), narrow);
        self.narrow.multiply(embedded, EMBEDDED, narrow);
        self.narrow_norm.apply(narrow, self.least);
        all.clear();
        all.resize(pieces.len() * WIDTH, 0.0);
        place(embedded, EMBEDDED, all, WIDTH, 0);
        for (index, stack) in self.stacks.iter().enumerate() {
            stack.pad(narrow, index * NARROW, padded);
            for (matrix, bias) in &stack.layers {
                repeat(bias, pieces.len(), layer);
                matrix.multiply(padded, NARROW, layer);
                rectify(layer);
                let from = stack.before * NARROW;
                for (value, layer) in padded.iter_mut().skip(from).zip(layer.iter()) {
                    *value += layer;
                }
            }
            let rows = padded.get(stack.before * NARROW..).unwrap_or_default();
            place(rows, NARROW, all, WIDTH, EMBEDDED + index * NARROW);
        }
        all
    }

    fn look_up(&self, pieces: &[u32], out: &mut Vec<f32>) {
        out.clear();
        for piece in pieces {
            let (row, part) = (*piece as usize, *piece as usize % PARTS);
            let (step, floor) = (self.steps.get(part), self.floors.get(part));
            let (step, floor) = (step.copied().unwrap_or_default(), floor.copied().unwrap_or_default());
            let row = self.table.get(row * EMBEDDED..(row + 1) * EMBEDDED).unwrap_or(&[0; EMBEDDED]);
            out.extend(row.iter().map(|number| f32::from(*number) * step + floor));
        }
    }
}

impl Stack {
    /// This stack's numbers of every piece, with nothing around them: a window is then a row that starts so many pieces
    /// earlier.
    fn pad(&self, narrow: &[f32], from: usize, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.before * NARROW, 0.0);
        for row in narrow.chunks_exact(STACKS.len() * NARROW) {
            out.extend(row.iter().skip(from).take(NARROW));
        }
        out.resize(out.len() + (self.neighbours - 1 - self.before) * NARROW, 0.0);
    }
}

/// An encoder's file without a word in it, for tests: every piece of every text gets the same numbers.
#[cfg(test)]
pub(super) fn blank(out: &mut Vec<u8>) {
    let mut floats = |count: usize, value: f32| (0..count).for_each(|_| out.extend(value.to_le_bytes()));
    // No rows: a float of nought is the number nought.
    floats(1, 0.0);
    floats(PARTS, 0.0);
    floats(PARTS, 1.0);
    let joint = STACKS.len() * NARROW;
    floats(EMBEDDED * joint + 3 * joint, 0.0);
    let layer = |neighbours: usize| neighbours * NARROW * NARROW + NARROW;
    floats(STACKS.iter().map(|(neighbours, _)| 2 * layer(*neighbours)).sum(), 0.0);
    floats(1, 1e-6);
}
