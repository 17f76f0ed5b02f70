//! What training changed about the encoder: small matrices beside its large ones (LoRA, Hu et al. 2021), so that the
//! encoder itself need not be shipped.

use ndarray::Array2;

use super::network::{Norm, WIDER, WIDTH, shaped};
use crate::text::datafile::{Damage, Reader};

const MOST_LAYERS: usize = 64;
const MOST_RANK: usize = 128;
/// Numbers that go into and come out of the matrices of a layer, in the order in which they are run.
const SHAPES: [(usize, usize); 6] =
    [(WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDER), (WIDER, WIDTH)];

/// Changes to the last layers.
pub(super) struct Adapter {
    pub(super) layers: Vec<LayerChanges>,
}

/// Changes to the matrices of a layer and to its two norms.
pub(super) struct LayerChanges {
    pub(super) matrices: Vec<Change>,
    pub(super) norms: [Norm; 2],
}

/// What is added to a matrix: the product of what is made of the numbers that go in, and what comes out of that.
pub(super) struct Change {
    pub(super) into: Array2<f32>,
    pub(super) out: Array2<f32>,
}

impl Adapter {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let (layers, rank) = (reader.number()?, reader.number()?);
        if layers > MOST_LAYERS || rank > MOST_RANK {
            return Err(reader.damage());
        }
        let mut layer = || {
            let change = |(from, to): &(usize, usize)| Change::read(reader, *from, *to, rank);
            let matrices = SHAPES.iter().map(change).collect::<Result<_, _>>()?;
            Ok(LayerChanges { matrices, norms: [Norm::read(reader)?, Norm::read(reader)?] })
        };
        Ok(Self { layers: (0..layers).map(|_| layer()).collect::<Result<_, _>>()? })
    }
}

impl Change {
    fn read(reader: &mut Reader<'_>, from: usize, to: usize, rank: usize) -> Result<Self, Damage> {
        Ok(Self { into: bytes(reader, rank, from)?, out: bytes(reader, rank, to)? })
    }
}

/// A matrix of signed bytes, with a scale for every row.
pub(super) fn bytes(reader: &mut Reader<'_>, rows: usize, columns: usize) -> Result<Array2<f32>, Damage> {
    let scales = reader.floats(rows)?;
    let bytes = reader.take(rows * columns)?;
    let row = |(row, scale): (&[u8], f32)| row.iter().map(|byte| f32::from(*byte as i8) * scale).collect();
    let numbers: Vec<Vec<f32>> = bytes.chunks_exact(columns).zip(scales).map(row).collect();
    Ok(shaped(rows, columns, numbers.concat()))
}
