//! Reads the binary files that models come in: signs, a version, then numbers, all little-endian.

/// A place in a file where something cannot be as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::text) struct Damage(pub(in crate::text) usize);

/// Takes the file's parts one after another.
pub(in crate::text) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// `None` when the file does not begin with these signs and this version.
    pub(in crate::text) fn new(bytes: &'a [u8], magic: [u8; 4], version: u8) -> Option<Self> {
        let [found @ .., found_version] = bytes.first_chunk::<5>()?;
        (*found == magic && *found_version == version).then_some(Self { bytes, at: 5 })
    }

    pub(in crate::text) fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let taken = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)).ok_or(self.damage())?;
        self.at += count;
        Ok(taken)
    }

    pub(in crate::text) fn number(&mut self) -> Result<usize, Damage> {
        Ok(u32::from_le_bytes(self.four()?) as usize)
    }

    pub(in crate::text) fn byte(&mut self) -> Result<u8, Damage> {
        let taken = self.take(1)?;
        taken.first().copied().ok_or(self.damage())
    }

    /// A number in groups of seven bits, the lowest first (LEB128); at most four bytes.
    pub(in crate::text) fn varint(&mut self) -> Result<usize, Damage> {
        let mut value = 0;
        for shift in (0..28).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damage())
    }

    pub(in crate::text) fn float(&mut self) -> Result<f32, Damage> {
        let float = f32::from_le_bytes(self.four()?);
        if float.is_finite() { Ok(float) } else { Err(self.damage()) }
    }

    pub(in crate::text) fn floats(&mut self, count: usize) -> Result<Vec<f32>, Damage> {
        let floats: Vec<f32> = self.fours(count)?.map(f32::from_le_bytes).collect();
        if floats.iter().all(|float| float.is_finite()) { Ok(floats) } else { Err(self.damage()) }
    }

    /// What cannot be at this place.
    pub(in crate::text) fn damage(&self) -> Damage {
        Damage(self.at)
    }

    /// Nothing may come after the last part.
    pub(in crate::text) fn end(self) -> Result<(), Damage> {
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
