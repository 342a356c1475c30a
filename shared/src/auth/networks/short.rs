//! Networks of up to 64 bits, packed.

use std::ops::Range;

use super::{
    bytes::{Reader, counted},
    column::Column,
    layer::Entry,
};

/// What stands for the networks' length where they have not all the same.
const EACH_ITS_OWN: u8 = u8::MAX;

/// Where such networks lie in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Short {
    pub(super) count: usize,
    numbers: Column,
    /// Where the first length is.
    lengths: usize,
    /// How far the next one is from it: nowhere, if all have the same.
    step: usize,
}

impl Short {
    pub(super) fn write(packed: &mut Vec<u8>, entries: &[Entry]) {
        packed.extend(counted(entries.len()));
        let lengths: Vec<u8> = entries.iter().map(|entry| entry.length).collect();
        let (Some(least), Some(most)) = (lengths.iter().min(), lengths.iter().max()) else {
            return;
        };
        Column::write(packed, entries.iter().map(|entry| entry.number), *most);
        if least == most {
            packed.push(*least);
        } else {
            packed.push(EACH_ITS_OWN);
            packed.extend(lengths);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let count = reader.count()?;
        if count == 0 {
            return Some(Self::default());
        }
        let numbers = Column::read(reader, count)?;
        let (at, length) = reader.take(1)?;
        let (lengths, step) =
            if length == [EACH_ITS_OWN] { (reader.take(count)?.0, 1) } else { (at, 0) };
        Some(Self { count, numbers, lengths, step })
    }

    /// Which of the networks with these indices contains `address`.
    #[inline]
    pub(super) fn find(&self, packed: &[u8], among: Range<usize>, address: u64) -> Option<usize> {
        if among.is_empty() {
            return None;
        }
        let found = self.numbers.find(packed, among, address)?;
        let length = packed.get(self.lengths + found.index * self.step)?;
        (found.agreeing >= u32::from(*length)).then_some(found.index)
    }
}
