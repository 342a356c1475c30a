//! Networks none of which contains another, packed for a search in place.

use std::net::IpAddr;

use super::{
    Ending, LAST_END,
    bytes::Reader,
    long::Long,
    short::Short,
    tags::{Key, Tags},
};
use crate::clock::Timestamp;

/// How many bits the half of an IPv6 address has, which is what a column can hold.
pub(super) const HALF: u8 = 64;
/// The bytes of an end.
const END: usize = 4;

/// An address as it is looked for: an IPv4 address from the first bit on, or an IPv6 address's halves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Halves {
    V4(u64),
    V6(u64, u64),
}

/// Where a layer lies in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layer {
    v4: Short,
    /// IPv6 networks up to /64.
    v6: Short,
    /// Longer ones.
    longer: Longer,
    /// Where the ends begin, if the networks end.
    ends: Option<usize>,
}

/// IPv6 networks longer than /64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Longer {
    AsTheyAre(Long),
    Tagged(Tags),
}

/// A network as a column holds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) length: u8,
    pub(super) end: Option<Timestamp>,
}

/// A network longer than /64: its first half, and what it is behind that.
#[derive(Debug, Clone, Copy)]
pub(super) struct LongEntry {
    pub(super) first: u64,
    pub(super) rest: Entry,
}

impl From<IpAddr> for Halves {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(u64::from(address.to_bits()) << 32),
            IpAddr::V6(address) => {
                let octets = address.octets();
                let (halves, _) = octets.as_chunks::<8>();
                Self::V6(u64::from_be_bytes(halves[0]), u64::from_be_bytes(halves[1]))
            }
        }
    }
}

impl Layer {
    /// Packs sorted networks, which all have an end or none. With a key, those longer than /64 are
    /// tagged.
    pub(super) fn write(packed: &mut Vec<u8>, networks: &[Ending], key: Option<&Key>) {
        let (mut v4, mut v6, mut longer) = (Vec::new(), Vec::new(), Vec::new());
        for (network, end) in networks {
            let (length, end) = (network.prefix_len(), *end);
            match Halves::from(network.network()) {
                Halves::V4(number) => v4.push(Entry { number, length, end }),
                Halves::V6(number, _) if length <= HALF => v6.push(Entry { number, length, end }),
                Halves::V6(first, number) => {
                    let rest = Entry { number, length: length - HALF, end };
                    longer.push(LongEntry { first, rest });
                }
            }
        }
        Short::write(packed, &v4);
        Short::write(packed, &v6);
        let longer = match key {
            Some(key) => Tags::write(packed, key, &longer),
            None => Long::write(packed, &longer),
        };
        for entry in [v4, v6, longer].concat() {
            if let Some(end) = entry.end {
                // Later than that is refused at the edge; sooner has ended.
                let end = u32::try_from(end.as_second().clamp(0, LAST_END)).unwrap_or_default();
                packed.extend(end.to_le_bytes());
            }
        }
    }

    /// Reads where a layer lies, and with the place of a key, where its tags do.
    pub(super) fn read(reader: &mut Reader<'_>, key: Option<usize>, ending: bool) -> Option<Self> {
        let v4 = Short::read(reader)?;
        let v6 = Short::read(reader)?;
        let longer = match key {
            Some(key) => Longer::Tagged(Tags::read(reader, key)?),
            None => Longer::AsTheyAre(Long::read(reader)?),
        };
        let layer = Self { v4, v6, longer, ends: None };
        let ends = if ending { Some(reader.take(layer.count() * END)?.0) } else { None };
        Some(Self { ends, ..layer })
    }

    /// Whether one of the networks contains an address at that moment.
    #[inline]
    pub(super) fn contains(&self, packed: &[u8], address: Halves, now: Timestamp) -> bool {
        let found = match address {
            Halves::V4(number) => self.v4.find(packed, 0..self.v4.count, number),
            Halves::V6(first, rest) => self.find_v6(packed, first, rest),
        };
        found.is_some_and(|index| self.ends.is_none_or(|ends| is_to_come(packed, ends, index, now)))
    }

    #[inline]
    fn find_v6(&self, packed: &[u8], first: u64, rest: u64) -> Option<usize> {
        let found = self.v6.find(packed, 0..self.v6.count, first);
        let index = found.or_else(|| {
            let index = match &self.longer {
                Longer::AsTheyAre(long) => long.find(packed, first, rest),
                Longer::Tagged(tags) => tags.find(packed, first, rest),
            };
            Some(self.v6.count + index?)
        })?;
        Some(self.v4.count + index)
    }

    /// How many of the networks end, and have not ended at that moment.
    pub(super) fn ending(&self, packed: &[u8], now: Timestamp) -> usize {
        let Some(ends) = self.ends else { return 0 };
        (0..self.count()).filter(|index| is_to_come(packed, ends, *index, now)).count()
    }

    const fn count(&self) -> usize {
        let longer = match &self.longer {
            Longer::AsTheyAre(long) => long.count(),
            Longer::Tagged(tags) => tags.count,
        };
        self.v4.count + self.v6.count + longer
    }
}

fn is_to_come(packed: &[u8], ends: usize, index: usize, now: Timestamp) -> bool {
    let end = packed.get(ends + index * END..).and_then(<[u8]>::first_chunk);
    end.is_some_and(|end| now.as_second() < i64::from(u32::from_le_bytes(*end)))
}
