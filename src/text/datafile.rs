//! What both data files of the encoder are read with, and what the bigger one holds.
//!
//! The encoder's file, as `scripts/encoder` writes it: `CWEN`, a version byte; the vocabulary (see [`super::pieces`]): how
//! many pieces, and for each a score, a length byte and the letters; the table of normal forms: how many units and bytes,
//! then those; how many rows the table of embeddings has. After that arrays without headers: that table as bytes, and
//! matrices of `f32` row by row, whose sizes the program knows. All numbers are little-endian.

/// A place in a file where something cannot be as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damage(pub(super) usize);

/// Takes the file's parts one after another.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// `None` when the file does not begin with these signs and this version.
    pub(super) fn new(bytes: &'a [u8], magic: [u8; 4], version: u8) -> Option<Self> {
        let [found @ .., found_version] = bytes.first_chunk::<5>()?;
        (*found == magic && *found_version == version).then_some(Self { bytes, at: 5 })
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)).ok_or(self.damage())?;
        self.at += count;
        Ok(taken)
    }

    pub(super) fn number(&mut self) -> Result<usize, Damage> {
        Ok(u32::from_le_bytes(self.four()?) as usize)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        let taken = self.take(1)?;
        taken.first().copied().ok_or(self.damage())
    }

    pub(super) fn numbers(&mut self, count: usize) -> Result<Vec<u32>, Damage> {
        Ok(self.fours(count)?.map(u32::from_le_bytes).collect())
    }

    pub(super) fn float(&mut self) -> Result<f32, Damage> {
        let float = f32::from_le_bytes(self.four()?);
        if float.is_finite() { Ok(float) } else { Err(self.damage()) }
    }

    pub(super) fn floats(&mut self, count: usize) -> Result<Vec<f32>, Damage> {
        let floats: Vec<f32> = self.fours(count)?.map(f32::from_le_bytes).collect();
        if floats.iter().all(|float| float.is_finite()) { Ok(floats) } else { Err(self.damage()) }
    }

    /// What cannot be at this place.
    pub(super) fn damage(&self) -> Damage {
        Damage(self.at)
    }

    /// Nothing may come after the last part.
    pub(super) fn end(self) -> Result<(), Damage> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.damage()) }
    }

    fn four(&mut self) -> Result<[u8; 4], Damage> {
        let taken = self.take(4)?;
        taken.first_chunk().copied().ok_or(self.damage())
    }

    fn fours(&mut self, count: usize) -> Result<impl Iterator<Item = [u8; 4]> + use<'a>, Damage> {
        let bytes = self.take(count.checked_mul(4).ok_or(self.damage())?)?;
        Ok(bytes.as_chunks::<4>().0.iter().copied())
    }
}
