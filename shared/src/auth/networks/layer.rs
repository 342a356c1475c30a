//! Networks none of which contains another, packed for a search in place.

use std::{collections::BTreeMap, net::IpAddr, ops::Range};

use ipnet::IpNet;

use super::{
    LAST_END,
    bytes::{COUNT, Reader, count, counted},
    column::Column,
};
use crate::clock::Timestamp;

/// How many bits the half of an IPv6 address has, which is what a column can hold.
const HALF: u8 = 64;
/// What stands for the networks' length where they have not all the same.
const EACH_ITS_OWN: u8 = u8::MAX;
/// The bytes of an end.
const END: usize = 4;

/// An address as it is looked for: an IPv4 address from the first bit on, or an IPv6 address's halves.
#[derive(Debug, Clone, Copy)]
pub(super) enum Halves {
    V4(u64),
    V6(u64, u64),
}

/// Where a layer lies in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layer {
    v4: Short,
    /// IPv6 networks up to /64.
    v6: Short,
    /// Longer ones that are alone in their /64.
    alone: Long,
    /// Longer ones that share a /64 with others.
    together: Long,
    /// Where the ends begin, if the networks end.
    ends: Option<usize>,
}

/// Networks of up to 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Short {
    count: usize,
    numbers: Column,
    /// Where the first length is.
    lengths: usize,
    /// How far the next one is from it: nowhere, if all have the same.
    step: usize,
}

/// Networks of more than 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Long {
    groups: usize,
    /// The networks' first 64 bits, once each.
    firsts: Column,
    /// Where it is said with which network each group begins, if not each has only one.
    begins: Option<usize>,
    /// The bits behind, in the groups' order.
    rests: Short,
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

/// A network as a column holds it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    number: u64,
    length: u8,
    end: Option<Timestamp>,
}

impl Layer {
    /// Packs sorted networks, which all have an end or none.
    pub(super) fn write(packed: &mut Vec<u8>, networks: &[(IpNet, Option<Timestamp>)]) {
        let (mut v4, mut v6, mut long) = (Vec::new(), Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for (network, end) in networks {
            let (length, end) = (network.prefix_len(), *end);
            match Halves::from(network.network()) {
                Halves::V4(number) => v4.push(Entry { number, length, end }),
                Halves::V6(number, _) if length <= HALF => v6.push(Entry { number, length, end }),
                Halves::V6(first, number) => {
                    long.entry(first).or_default().push(Entry {
                        number,
                        length: length - HALF,
                        end,
                    });
                }
            }
        }
        let (alone, together): (Vec<_>, Vec<_>) =
            long.into_iter().partition(|(_, it)| it.len() == 1);
        Short::write(packed, &v4);
        Short::write(packed, &v6);
        let alone = Long::write(packed, &alone);
        let together = Long::write(packed, &together);
        for entry in [v4, v6, alone, together].concat() {
            if let Some(end) = entry.end {
                // Later than that is refused at the edge; sooner has ended.
                let end = u32::try_from(end.as_second().clamp(0, LAST_END)).unwrap_or_default();
                packed.extend(end.to_le_bytes());
            }
        }
    }

    /// Reads where a layer lies.
    pub(super) fn read(reader: &mut Reader<'_>, ending: bool) -> Option<Self> {
        let v4 = Short::read(reader)?;
        let v6 = Short::read(reader)?;
        let alone = Long::read(reader, false)?;
        let together = Long::read(reader, true)?;
        let layer = Self { v4, v6, alone, together, ends: None };
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
        let v6 = || self.v6.find(packed, 0..self.v6.count, first);
        let alone = || self.alone.find(packed, first, rest);
        let together = || self.together.find(packed, first, rest);
        let behind = |count: usize| move |index: usize| count + index;
        v6().map(behind(self.v4.count))
            .or_else(|| alone().map(behind(self.v4.count + self.v6.count)))
            .or_else(|| together().map(behind(self.count() - self.together.rests.count)))
    }

    /// How many of the networks end, and have not ended at that moment.
    pub(super) fn ending(&self, packed: &[u8], now: Timestamp) -> usize {
        let Some(ends) = self.ends else { return 0 };
        (0..self.count()).filter(|index| is_to_come(packed, ends, *index, now)).count()
    }

    const fn count(&self) -> usize {
        self.v4.count + self.v6.count + self.alone.rests.count + self.together.rests.count
    }
}

impl Short {
    fn write(packed: &mut Vec<u8>, entries: &[Entry]) {
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

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
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
    fn find(&self, packed: &[u8], among: Range<usize>, address: u64) -> Option<usize> {
        if among.is_empty() {
            return None;
        }
        let found = self.numbers.find(packed, among, address)?;
        let length = packed.get(self.lengths + found.index * self.step)?;
        (found.agreeing >= u32::from(*length)).then_some(found.index)
    }
}

impl Long {
    /// Packs networks by their first 64 bits, and hands them back in the order that they lie in.
    fn write(packed: &mut Vec<u8>, groups: &[(u64, Vec<Entry>)]) -> Vec<Entry> {
        packed.extend(counted(groups.len()));
        if groups.is_empty() {
            return Vec::new();
        }
        Column::write(packed, groups.iter().map(|(first, _)| *first), HALF);
        let rests: Vec<Entry> = groups.iter().flat_map(|(_, rests)| rests).copied().collect();
        if rests.len() > groups.len() {
            let mut begin = 0;
            for (_, rests) in groups {
                packed.extend(counted(begin));
                begin += rests.len();
            }
            packed.extend(counted(begin));
        }
        Short::write(packed, &rests);
        rests
    }

    fn read(reader: &mut Reader<'_>, together: bool) -> Option<Self> {
        let groups = reader.count()?;
        if groups == 0 {
            return Some(Self::default());
        }
        let firsts = Column::read(reader, groups)?;
        let begins = if together { Some(reader.take((groups + 1) * COUNT)?.0) } else { None };
        let rests = Short::read(reader)?;
        (together || rests.count == groups).then_some(Self { groups, firsts, begins, rests })
    }

    #[inline]
    fn find(&self, packed: &[u8], first: u64, rest: u64) -> Option<usize> {
        if self.groups == 0 {
            return None;
        }
        let group = self.firsts.find(packed, 0..self.groups, first)?;
        if group.agreeing < u32::from(HALF) {
            return None;
        }
        let group = group.index;
        let among = match self.begins {
            Some(at) => {
                let begin = |group: usize| count(packed, at + group * COUNT);
                begin(group)..begin(group + 1).min(self.rests.count)
            }
            None => group..group + 1,
        };
        self.rests.find(packed, among, rest)
    }
}

fn is_to_come(packed: &[u8], ends: usize, index: usize, now: Timestamp) -> bool {
    let end = packed.get(ends + index * END..).and_then(<[u8]>::first_chunk);
    end.is_some_and(|end| now.as_second() < i64::from(u32::from_le_bytes(*end)))
}
