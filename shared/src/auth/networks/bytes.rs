//! Reading packed bytes, which may be anything.

/// The bytes of a count.
pub(super) const COUNT: usize = 2;

/// Bytes that are read one part after the other.
pub(super) struct Reader<'a> {
    packed: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From some place on.
    pub(super) const fn new(packed: &'a [u8], at: usize) -> Self {
        Self { packed, at }
    }

    /// So many bytes, and where they begin.
    pub(super) fn take(&mut self, count: usize) -> Option<(usize, &'a [u8])> {
        let start = self.at;
        let end = start.checked_add(count)?;
        let bytes = self.packed.get(start..end)?;
        self.at = end;
        Some((start, bytes))
    }

    /// One byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.1.first().copied()
    }

    /// A count.
    pub(super) fn count(&mut self) -> Option<usize> {
        let (start, _) = self.take(COUNT)?;
        Some(count(self.packed, start))
    }

    /// Whether all was read.
    pub(super) const fn is_done(&self) -> bool {
        self.at == self.packed.len()
    }
}

/// A count's bytes. Counts are bounded where networks are packed.
pub(super) fn counted(count: usize) -> [u8; COUNT] {
    u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes()
}

/// The count at a place.
pub(super) fn count(packed: &[u8], at: usize) -> usize {
    let bytes = packed.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| usize::from(u16::from_le_bytes(*bytes)))
}
