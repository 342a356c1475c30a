//! Networks of more than 64 bits as tags of 80 bits: what makes room where so many share nothing that,
//! packed as they are, they would make every request read more than is said of a list.
//!
//! A tag is what a secret function makes of a network. The function is drawn anew each time that a list
//! is packed, and nobody sees it. It is two of the strongly universal functions of M. Thorup, "High
//! Speed Hashing for Integers and Strings" (2015, arXiv:1504.06804), the multiply-shift for vectors: of
//! any two different networks, over the choice of the function, the tags are the same with a
//! probability of 2^-80, whoever chooses the networks. So an address that is on no list of 1,000 passes
//! for one that is with 2^-70, and who would find one that does has to try it by requests: a million a
//! second take 26 million years for an even chance. With a hash that others can compute, it could be
//! looked for at home.

use super::{
    bytes::{Reader, counted},
    layer::{Entry, HALF, LongEntry},
};
use crate::random::{self, Random};

/// The bytes of a tag.
const TAG: usize = 10;

/// The factors of a function: for an address's halves and a length, and a summand.
const FACTORS: usize = 4;

/// The bytes of a key.
const KEY: usize = 2 * FACTORS * size_of::<u128>();

/// The choice of a function.
pub(super) struct Key([u8; KEY]);

/// Where tags lie in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tags {
    /// Where the key does.
    key: usize,
    /// Where the lengths begin that the networks have, shortest first, and how many these are.
    lengths: (usize, usize),
    /// Where the tags begin, which are sorted.
    start: usize,
    pub(super) count: usize,
}

impl Key {
    pub(super) fn generate(random: &dyn Random) -> Self {
        Self(random::bytes(random))
    }

    pub(super) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where the key lies.
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<usize> {
        Some(reader.take(KEY)?.0)
    }
}

impl Tags {
    /// Packs networks, and hands them back in the order that they lie in.
    pub(super) fn write(packed: &mut Vec<u8>, key: &Key, networks: &[LongEntry]) -> Vec<Entry> {
        let mut lengths: Vec<u8> = networks.iter().map(|network| network.rest.length).collect();
        lengths.sort_unstable();
        lengths.dedup();
        packed.extend(counted(lengths.len()));
        packed.extend(lengths);
        let mut tagged: Vec<_> = networks
            .iter()
            .map(|LongEntry { first, rest }| (tag(&key.0, *first, rest.number, rest.length), *rest))
            .collect();
        tagged.sort_unstable_by_key(|(tag, _)| *tag);
        packed.extend(counted(tagged.len()));
        for (tag, _) in &tagged {
            packed.extend(&tag.to_le_bytes()[..TAG]);
        }
        tagged.into_iter().map(|(_, entry)| entry).collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>, key: usize) -> Option<Self> {
        let lengths = reader.count()?;
        let (at, each) = reader.take(lengths)?;
        let count = reader.count()?;
        let (start, _) = reader.take(count * TAG)?;
        let fit = each.iter().all(|length| (1..=HALF).contains(length));
        fit.then_some(Self { key, lengths: (at, lengths), start, count })
    }

    /// Which of the networks contains the address with these halves.
    #[inline]
    pub(super) fn find(&self, packed: &[u8], first: u64, rest: u64) -> Option<usize> {
        let key = packed.get(self.key..)?.first_chunk()?;
        let (at, lengths) = self.lengths;
        let tags = packed.get(self.start..self.start + self.count * TAG)?;
        let (tags, _) = tags.as_chunks::<TAG>();
        packed.get(at..at + lengths)?.iter().find_map(|length| {
            let network = rest & u64::MAX.checked_shl(u32::from(HALF - length))?;
            search(tags, tag(key, first, network, *length))
        })
    }
}

/// Looks for a tag from where it should be: tags are spread evenly, so of 1,000 it is within 16 places
/// as good as always, and those lie side by side in the cache.
#[inline]
fn search(tags: &[[u8; TAG]], wanted: u128) -> Option<usize> {
    let first = (wanted >> (8 * TAG - 64)) & u128::from(u64::MAX);
    let at = usize::try_from((first * tags.len() as u128) >> 64).ok()?;
    let (below, above) = tags.split_at_checked(at)?;
    let behind = above.iter().take_while(|tag| number(tag) < wanted).count();
    let index = if behind > 0 {
        at + behind
    } else {
        at - below.iter().rev().take_while(|tag| number(tag) >= wanted).count()
    };
    tags.get(index).filter(|tag| number(tag) == wanted).map(|_| index)
}

/// The tag of a network, whose length is without that of its first half.
#[inline]
fn tag(key: &[u8; KEY], first: u64, rest: u64, length: u8) -> u128 {
    let (factors, _) = key.as_chunks::<{ size_of::<u128>() }>();
    let hash = |factors: &[[u8; 16]]| {
        let words = [first, rest, length.into(), 1];
        let products = factors
            .iter()
            .zip(words)
            .map(|(factor, word)| u128::from_le_bytes(*factor).wrapping_mul(word.into()));
        products.fold(0_u128, u128::wrapping_add) >> 64
    };
    let (one, other) = factors.split_at(FACTORS);
    hash(one) << 16 | hash(other) >> 48
}

/// A copy of a length that the compiler knows: two instructions, where a loop takes many.
#[inline]
fn number(tag: &[u8; TAG]) -> u128 {
    let mut bytes = [0; size_of::<u128>()];
    bytes[..TAG].copy_from_slice(tag);
    u128::from_le_bytes(bytes)
}
