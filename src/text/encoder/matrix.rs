//! Matrices of weights, and what is done with rows of numbers.

use crate::text::datafile::{Damage, Reader};

/// Columns that are summed up at once, so that the sums stay in registers.
pub(super) const ABREAST: usize = 8;
/// Rows that are multiplied at once: every weight that is fetched is used so often.
const TOGETHER: usize = 4;

/// Weights, [`ABREAST`] columns after the other, so that they are read in the order in which they lie.
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    panels: Vec<[f32; ABREAST]>,
}

impl Matrix {
    /// Reads `rows` rows of `columns` weights; `columns` is a multiple of eight.
    pub(super) fn read(reader: &mut Reader<'_>, rows: usize, columns: usize) -> Result<Self, Damage> {
        Ok(Self::new(rows, columns, &reader.floats(rows * columns)?))
    }

    /// Of weights row by row; `columns` is a multiple of eight.
    pub(super) fn new(rows: usize, columns: usize, weights: &[f32]) -> Self {
        let row = |from: usize| weights.get(from..).and_then(|rest| rest.first_chunk()).copied();
        let starts =
            (0..columns).step_by(ABREAST).flat_map(|column| (0..rows).map(move |row| row * columns + column));
        let panels = starts.map(|from| row(from).unwrap_or_default()).collect();
        Self { rows, columns, panels }
    }

    /// Adds the product of `input` and the matrix to `out`. The rows of `input` start `stride` values after each other and
    /// may overlap; those of `out` lie side by side.
    pub(super) fn multiply(&self, input: &[f32], stride: usize, out: &mut [f32]) {
        let mut from = 0;
        let mut blocks = out.chunks_exact_mut(self.columns * TOGETHER);
        for block in &mut blocks {
            self.block::<TOGETHER>(input.get(from..).unwrap_or_default(), stride, block);
            from += stride * TOGETHER;
        }
        for block in blocks.into_remainder().chunks_exact_mut(self.columns) {
            self.block::<1>(input.get(from..).unwrap_or_default(), stride, block);
            from += stride;
        }
    }

    fn block<const N: usize>(&self, input: &[f32], stride: usize, out: &mut [f32]) {
        let row =
            |row: usize| input.get(row * stride..).and_then(|rest| rest.get(..self.rows)).unwrap_or_default();
        let rows: [&[f32]; N] = std::array::from_fn(row);
        if rows.iter().any(|row| row.len() != self.rows) {
            return;
        }
        for (panel, weights) in self.panels.chunks_exact(self.rows).enumerate() {
            let mut sums = [[0.0_f32; ABREAST]; N];
            for (index, weights) in weights.iter().enumerate() {
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let value = row[index];
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
            }
            for (row, sums) in out.chunks_exact_mut(self.columns).zip(sums) {
                for (out, sum) in row.iter_mut().skip(panel * ABREAST).zip(sums) {
                    *out += sum;
                }
            }
        }
    }
}

/// Negative numbers become zero.
pub(super) fn rectify(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

/// Fills `out` with copies of a row.
pub(super) fn repeat(row: &[f32], count: usize, out: &mut Vec<f32>) {
    out.clear();
    (0..count).for_each(|_| out.extend_from_slice(row));
}

/// Writes rows of `width` numbers into rows of `wider` ones, from the place `at` of each on.
pub(super) fn place(rows: &[f32], width: usize, all: &mut [f32], wider: usize, at: usize) {
    for (row, all) in rows.chunks_exact(width).zip(all.chunks_exact_mut(wider)) {
        all.iter_mut().skip(at).zip(row).for_each(|(to, from)| *to = *from);
    }
}

/// Shift and spread of a row, after it was given mean nought and variance one.
pub(super) struct Norm {
    spread: Vec<f32>,
    shift: Vec<f32>,
}

impl Norm {
    pub(super) fn read(reader: &mut Reader<'_>, width: usize) -> Result<Self, Damage> {
        Ok(Self { spread: reader.floats(width)?, shift: reader.floats(width)? })
    }

    /// Brings every row to its norm.
    pub(super) fn apply(&self, rows: &mut [f32], least: f32) {
        let width = self.spread.len();
        for row in rows.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            row.iter_mut().for_each(|value| *value -= mean);
            let variance = row.iter().map(|value| value * value).sum::<f32>() / width as f32;
            let factor = 1.0 / (variance + least).sqrt();
            for ((value, spread), shift) in row.iter_mut().zip(&self.spread).zip(&self.shift) {
                *value = *value * factor * spread + shift;
            }
        }
    }
}
