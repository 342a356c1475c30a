//! Networks of more than 64 bits, packed as they are.

use std::collections::BTreeMap;

use super::{
    bytes::{COUNT, Reader, count, counted},
    column::Column,
    layer::{Entry, HALF, LongEntry},
    short::Short,
};

/// Where such networks lie in the packed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Long {
    /// Those that are alone in their /64.
    alone: Groups,
    /// Those that share a /64 with others.
    together: Groups,
}

/// Networks by their first 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Groups {
    count: usize,
    /// The networks' first 64 bits, once each.
    firsts: Column,
    /// Where it is said with which network each group begins, if not each has only one.
    begins: Option<usize>,
    /// The bits behind, in the groups' order.
    rests: Short,
}

impl Long {
    /// Packs sorted networks, and hands them back in the order that they lie in.
    pub(super) fn write(packed: &mut Vec<u8>, networks: &[LongEntry]) -> Vec<Entry> {
        let mut groups = BTreeMap::<_, Vec<_>>::new();
        for network in networks {
            groups.entry(network.first).or_default().push(network.rest);
        }
        let (alone, together): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(_, rests)| rests.len() == 1);
        [Groups::write(packed, &alone), Groups::write(packed, &together)].concat()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let alone = Groups::read(reader, false)?;
        let together = Groups::read(reader, true)?;
        Some(Self { alone, together })
    }

    /// Which of the networks contains the address with these halves.
    #[inline]
    pub(super) fn find(&self, packed: &[u8], first: u64, rest: u64) -> Option<usize> {
        self.alone.find(packed, first, rest).or_else(|| {
            let index = self.together.find(packed, first, rest)?;
            Some(self.alone.rests.count + index)
        })
    }

    pub(super) const fn count(&self) -> usize {
        self.alone.rests.count + self.together.rests.count
    }
}

impl Groups {
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
        let count = reader.count()?;
        if count == 0 {
            return Some(Self::default());
        }
        let firsts = Column::read(reader, count)?;
        let begins = if together { Some(reader.take((count + 1) * COUNT)?.0) } else { None };
        let rests = Short::read(reader)?;
        (together || rests.count == count).then_some(Self { count, firsts, begins, rests })
    }

    #[inline]
    fn find(&self, packed: &[u8], first: u64, rest: u64) -> Option<usize> {
        if self.count == 0 {
            return None;
        }
        let group = self.firsts.find(packed, 0..self.count, first)?;
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
