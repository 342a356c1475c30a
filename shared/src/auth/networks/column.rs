//! Sorted numbers of 64 bits, packed: each without the trailing bytes that none of them needs. They
//! are little endian, as the processors are.

use std::ops::Range;

use super::bytes::Reader;

/// How many bytes a number can take.
const WIDTHS: [usize; 2] = [4, 8];

/// Where a column lies in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Column {
    start: usize,
    width: usize,
}

/// The last of a column's numbers that is not above the one which was looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Which one.
    pub(super) index: usize,
    /// In how many leading bits the two agree, of those that the column has.
    pub(super) agreeing: u32,
}

impl Column {
    /// Packs numbers, of which only the first bits are needed.
    pub(super) fn write(packed: &mut Vec<u8>, numbers: impl Iterator<Item = u64>, needed: u8) {
        let width = WIDTHS.into_iter().find(|width| 8 * width >= usize::from(needed)).unwrap_or(8);
        packed.extend(u8::try_from(width));
        for number in numbers {
            let number = number.to_be_bytes();
            packed.extend(number[..width].iter().rev());
        }
    }

    /// Reads where a column of so many numbers lies.
    pub(super) fn read(reader: &mut Reader<'_>, count: usize) -> Option<Self> {
        let width = usize::from(reader.byte()?);
        let (start, _) = reader.take(count * width)?;
        WIDTHS.contains(&width).then_some(Self { start, width })
    }

    /// Looks for a number among those with these indices, which are sorted.
    #[inline]
    pub(super) fn find(&self, packed: &[u8], among: Range<usize>, wanted: u64) -> Option<Found> {
        let of = |index: usize| self.start + index * self.width;
        let numbers = packed.get(of(among.start)..of(among.end))?;
        let found = match self.width {
            4 => find::<4>(numbers, wanted),
            _ => find::<8>(numbers, wanted),
        }?;
        Some(Found { index: among.start + found.index, ..found })
    }
}

#[inline]
fn find<const WIDTH: usize>(numbers: &[u8], wanted: u64) -> Option<Found> {
    let behind = 64 - 8 * WIDTH;
    let wanted = wanted >> behind;
    let (numbers, _) = numbers.as_chunks::<WIDTH>();
    let past = numbers.partition_point(|bytes| number(bytes) <= wanted);
    let index = past.checked_sub(1)?;
    let differing = (number(&numbers[index]) ^ wanted) << behind;
    Some(Found { index, agreeing: differing.leading_zeros() })
}

/// A copy of a length that the compiler knows: one instruction, where a loop takes many.
#[inline]
fn number<const WIDTH: usize>(bytes: &[u8; WIDTH]) -> u64 {
    let mut word = [0; 8];
    word[..WIDTH].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}
