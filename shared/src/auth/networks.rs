//! Networks, packed for a search in place: without parsing or allocating, whatever their number.
//!
//! Networks without an end are merged and sorted. They lie in five sections, by family and by how
//! many bytes of the address their prefix needs: IPv4 (4), IPv6 up to /32 (4), /48 (6), /64 (8) and
//! /128 (16), each network being those bytes and its prefix length. So 1,000 IPv4 networks take
//! 5 KB, 1,000 IPv6 ones up to /64 no more than 9 KB, and 1,000 single IPv6 addresses 17 KB. Networks
//! that end cannot be merged, for their ends differ: they lie in five more sections, with four bytes
//! more for the second of their end, and are looked at one by one.
//!
//! The bytes: a version, the ten sections' numbers of networks (two bytes each, big endian), the
//! sections.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::clock::Timestamp;

const VERSION: u8 = 2;
/// The sections of networks without an end; those with one follow in the same order.
const WIDTHS: [usize; 5] = [4, 4, 6, 8, 16];
const SECTIONS: usize = WIDTHS.len() * 2;
const HEADER_LENGTH: usize = 1 + SECTIONS * 2;
/// The bytes of an end.
const END: usize = 4;

/// The last second in which a network may end: 2106-02-07T06:28:15Z.
pub const LAST_END: i64 = 0xffff_ffff;

/// Packed networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks {
    packed: Vec<u8>,
    /// Where each section begins, and where the last one ends.
    starts: [usize; SECTIONS + 1],
}

impl Default for Networks {
    fn default() -> Self {
        Self::pack([])
    }
}

impl Networks {
    /// Packs networks with their ends. An IPv4-mapped IPv6 network becomes the IPv4 network that it
    /// means.
    #[must_use]
    pub fn pack(networks: impl IntoIterator<Item = (IpNet, Option<Timestamp>)>) -> Self {
        let (mut v4, mut v6, mut ending) = (Vec::new(), Vec::new(), Vec::new());
        for (network, end) in networks {
            match (canonical(network), end) {
                (network, Some(end)) => ending.push((network, end)),
                (IpNet::V4(network), None) => v4.push(network),
                (IpNet::V6(network), None) => v6.push(network),
            }
        }
        ending.sort_unstable();
        let mut sections: [Vec<u8>; SECTIONS] = std::array::from_fn(|_| Vec::new());
        for network in Ipv4Net::aggregate(&v4) {
            write(&mut sections, network.into(), None);
        }
        for network in Ipv6Net::aggregate(&v6) {
            write(&mut sections, network.into(), None);
        }
        for (network, end) in ending {
            write(&mut sections, network, Some(end));
        }
        let mut packed = vec![VERSION];
        for (index, section) in sections.iter_mut().enumerate() {
            let count = section.len() / entry_length(index);
            let count = u16::try_from(count).unwrap_or(u16::MAX);
            section.truncate(usize::from(count) * entry_length(index));
            packed.extend(count.to_be_bytes());
        }
        packed.extend(sections.concat());
        let starts = starts(&packed).unwrap_or([HEADER_LENGTH; SECTIONS + 1]);
        Self { packed, starts }
    }

    /// The networks of these bytes, if they are whole.
    fn decode(packed: Vec<u8>) -> Option<Self> {
        let starts = starts(&packed)?;
        Some(Self { packed, starts })
    }

    /// Whether one of the networks contains `address` at that moment. An IPv4-mapped IPv6 address is
    /// the IPv4 address that it means. A network is gone in the very second of its end.
    #[must_use]
    pub fn contains(&self, address: IpAddr, now: Timestamp) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let bits = u128::from(address.to_bits());
                search::<4, 5>(self.section(0), bits) || scan::<4, 9>(self.section(5), bits, now)
            }
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                search::<4, 5>(self.section(1), bits >> 96)
                    || search::<6, 7>(self.section(2), bits >> 80)
                    || search::<8, 9>(self.section(3), bits >> 64)
                    || search::<16, 17>(self.section(4), bits)
                    || scan::<4, 9>(self.section(6), bits >> 96, now)
                    || scan::<6, 11>(self.section(7), bits >> 80, now)
                    || scan::<8, 13>(self.section(8), bits >> 64, now)
                    || scan::<16, 21>(self.section(9), bits, now)
            }
        }
    }

    /// How many networks there are that end, and have not ended at that moment.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> usize {
        let sections = WIDTHS.len()..SECTIONS;
        let live = |index| {
            let entries = self.section(index).chunks_exact(entry_length(index));
            entries.filter(|entry| !has_ended(entry, now)).count()
        };
        sections.map(live).sum()
    }

    /// How many bytes the networks take.
    #[must_use]
    pub const fn packed_len(&self) -> usize {
        self.packed.len() - HEADER_LENGTH
    }

    fn section(&self, index: usize) -> &[u8] {
        self.packed.get(self.starts[index]..self.starts[index + 1]).unwrap_or_default()
    }
}

/// How many bytes a network takes in a section.
const fn entry_length(section: usize) -> usize {
    let end = if section < WIDTHS.len() { 0 } else { END };
    WIDTHS[section % WIDTHS.len()] + 1 + end
}

/// Where the sections begin, if the bytes are whole.
fn starts(packed: &[u8]) -> Option<[usize; SECTIONS + 1]> {
    let (header, _) = packed.split_at_checked(HEADER_LENGTH)?;
    let (counts, _) = header[1..].as_chunks::<2>();
    let mut starts = [HEADER_LENGTH; SECTIONS + 1];
    for (index, count) in counts.iter().enumerate() {
        let length = usize::from(u16::from_be_bytes(*count)) * entry_length(index);
        starts[index + 1] = starts[index] + length;
    }
    (header[0] == VERSION && starts[SECTIONS] == packed.len()).then_some(starts)
}

fn write(sections: &mut [Vec<u8>; SECTIONS], network: IpNet, end: Option<Timestamp>) {
    let (length, of_family) = (network.prefix_len(), usize::from(matches!(network, IpNet::V6(_))));
    let section = match (of_family, length) {
        (0, _) => 0,
        (_, 0..=32) => 1,
        (_, 33..=48) => 2,
        (_, 49..=64) => 3,
        (_, _) => 4,
    };
    let index = section + if end.is_some() { WIDTHS.len() } else { 0 };
    let bytes = match network {
        IpNet::V4(network) => network.network().octets().to_vec(),
        IpNet::V6(network) => network.network().octets().to_vec(),
    };
    sections[index].extend(&bytes[..WIDTHS[section]]);
    sections[index].push(length);
    if let Some(end) = end {
        // Later than that is refused at the edge; sooner has ended.
        let end = u32::try_from(end.as_second().clamp(0, LAST_END)).unwrap_or_default();
        sections[index].extend(end.to_be_bytes());
    }
}

/// The first bytes of a network, as a number.
#[inline]
fn first<const WIDTH: usize>(entry: &[u8]) -> u128 {
    // A copy of a length that the compiler knows: a few instructions, where a loop takes many.
    let mut bytes = [0; 16];
    bytes[16 - WIDTH..].copy_from_slice(&entry[..WIDTH]);
    u128::from_be_bytes(bytes)
}

/// Whether a network contains the address whose first `WIDTH` bytes are `address`.
fn covers<const WIDTH: usize>(entry: &[u8], address: u128) -> bool {
    let Some(host_bits) = (WIDTH * 8).checked_sub(usize::from(entry[WIDTH])) else { return false };
    let differing = first::<WIDTH>(entry) ^ address;
    // A shift by all 128 bits would overflow.
    u32::try_from(host_bits).ok().is_some_and(|bits| differing.checked_shr(bits).unwrap_or(0) == 0)
}

/// Finds the last of the sorted networks that begins at or before `address`, and tells whether it
/// contains it. `WIDTH` is an address's bytes, `ENTRY` one more.
fn search<const WIDTH: usize, const ENTRY: usize>(packed: &[u8], address: u128) -> bool {
    let (entries, _) = packed.as_chunks::<ENTRY>();
    let after = entries.partition_point(|entry| first::<WIDTH>(entry) <= address);
    after.checked_sub(1).is_some_and(|index| covers::<WIDTH>(&entries[index], address))
}

/// Looks at each of the networks that end.
fn scan<const WIDTH: usize, const ENTRY: usize>(
    packed: &[u8],
    address: u128,
    now: Timestamp,
) -> bool {
    let (entries, _) = packed.as_chunks::<ENTRY>();
    entries.iter().any(|entry| covers::<WIDTH>(entry, address) && !has_ended(entry, now))
}

fn has_ended(entry: &[u8], now: Timestamp) -> bool {
    let Some((_, end)) = entry.split_last_chunk::<END>() else { return true };
    now.as_second() >= i64::from(u32::from_be_bytes(*end))
}

/// The network as it is compared: without host bits, and IPv4 where it is an IPv4-mapped one.
#[must_use]
pub fn canonical(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Some(length) = v6.prefix_len().checked_sub(96)
        && let Ok(v4) = Ipv4Net::new(v4, length)
    {
        return IpNet::V4(v4.trunc());
    }
    network.trunc()
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.packed)
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Networks;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("packed networks")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Networks, E> {
                self.visit_byte_buf(bytes.to_vec())
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Networks, E> {
                Networks::decode(bytes).ok_or_else(|| E::custom("networks that are not whole"))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random as _, SystemRandom};

    const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

    fn networks(list: &[&str]) -> Networks {
        Networks::pack(list.iter().map(|text| (text.parse().unwrap(), None)))
    }

    fn contains(networks: &Networks, address: &str) -> bool {
        networks.contains(address.parse().unwrap(), NOW)
    }

    #[test]
    fn edges_of_networks_are_in_and_their_neighbours_are_out() {
        let list = networks(&[
            "203.0.113.0/24",
            "198.51.100.10/32",
            "2001:db8::/32",
            "2001:dba:1::/47",
            "2001:dbb:0:8::/61",
            "2001:dbc::8/125",
        ]);
        for address in [
            "203.0.113.0",
            "203.0.113.255",
            "198.51.100.10",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:dba:1:ffff:ffff:ffff:ffff:ffff",
            "2001:dbb:0:8::",
            "2001:dbb:0:f:ffff:ffff:ffff:ffff",
            "2001:dbc::8",
            "2001:dbc::f",
        ] {
            assert!(contains(&list, address), "{address}");
        }
        for address in [
            "203.0.112.255",
            "203.0.114.0",
            "198.51.100.9",
            "198.51.100.11",
            "2001:db7:ffff::",
            "2001:db9::",
            "2001:dba:2::",
            "2001:dbb:0:7:ffff:ffff:ffff:ffff",
            "2001:dbb:0:10::",
            "2001:dbc::7",
            "2001:dbc::10",
            "::",
        ] {
            assert!(!contains(&list, address), "{address}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_it_means() {
        let list = networks(&["203.0.113.0/24"]);
        assert!(contains(&list, "::ffff:203.0.113.7"));
        assert!(!contains(&list, "::ffff:203.0.114.7"));
        assert!(contains(&networks(&["::ffff:203.0.113.0/120"]), "203.0.113.7"));
    }

    #[test]
    fn networks_of_everything_contain_everything_of_their_family() {
        let list = networks(&["0.0.0.0/0"]);
        assert!(contains(&list, "0.0.0.0") && contains(&list, "255.255.255.255"));
        assert!(!contains(&list, "2001:db8::1"));
        let list = networks(&["::/0"]);
        assert!(contains(&list, "::1") && contains(&list, "ffff::"));
        assert!(!contains(&list, "192.0.2.1"));
    }

    #[test]
    fn nothing_is_in_an_empty_list() {
        assert!(!contains(&networks(&[]), "127.0.0.1"));
        assert!(!contains(&networks(&[]), "::1"));
    }

    #[test]
    fn a_network_is_gone_in_the_very_second_of_its_end() {
        let end = NOW.plus_seconds(60);
        for (network, address) in [
            ("203.0.113.0/24", "203.0.113.9"),
            ("2001:db8::/32", "2001:db8::9"),
            ("2001:db8:1::/48", "2001:db8:1::9"),
            ("2001:db8:1:2::/64", "2001:db8:1:2::9"),
            ("2001:db8::9/128", "2001:db8::9"),
        ] {
            let list = Networks::pack([(network.parse().unwrap(), Some(end))]);
            let address = address.parse().unwrap();
            for (now, there) in [
                (NOW, true),
                (Timestamp::from_millisecond(end.as_millisecond() - 1), true),
                (end, false),
                (end.plus_seconds(1), false),
            ] {
                assert_eq!(list.contains(address, now), there, "{network} {now:?}");
                assert_eq!(list.ending(now), usize::from(there));
            }
        }
        let never = Networks::pack([("0.0.0.0/0".parse().unwrap(), Some(NOW))]);
        assert!(!contains(&never, "192.0.2.1"));
    }

    #[test]
    fn bytes_that_are_not_whole_are_no_networks() {
        let whole = networks(&["203.0.113.0/24", "2001:db8::/32"]).packed;
        assert!(Networks::decode(whole.clone()).is_some());
        for length in 0..whole.len() {
            assert!(Networks::decode(whole[..length].to_vec()).is_none(), "{length}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(Networks::decode(longer).is_none());
        let mut other = whole;
        for version in [0, 1, 3, 255] {
            other[0] = version;
            assert!(Networks::decode(other.clone()).is_none(), "{version}");
        }
    }

    #[test]
    fn a_thousand_networks_take_what_is_said() {
        let packed = |network: &dyn Fn(u32) -> IpNet, end| {
            Networks::pack((0..1000).map(|index| (network(index * 2), end))).packed_len()
        };
        let v4 = |index: u32| IpNet::new(IpAddr::V4((0x0a00_0000 + index).into()), 32).unwrap();
        let v6 = |prefix: u8| {
            move |index: u32| {
                let bits = (0x2001_0db8_u128 << 96) | (u128::from(index) << (128 - prefix));
                IpNet::new(IpAddr::V6(bits.into()), prefix).unwrap()
            }
        };
        assert_eq!(packed(&v4, None), 5000);
        assert_eq!(packed(&v6(48), None), 7000);
        assert_eq!(packed(&v6(64), None), 9000);
        assert_eq!(packed(&v6(128), None), 17_000);
        assert_eq!(packed(&v4, Some(NOW)), 9000);
    }

    /// Networks and addresses that are near each other, so that about as many are in as out.
    #[test]
    fn the_search_agrees_with_a_plain_scan_in_100_000_cases() {
        let mut bytes = [0; 24];
        let mut next = || {
            SystemRandom.fill(&mut bytes);
            bytes
        };
        let address = |bytes: &[u8; 24]| -> IpAddr {
            let v4 = std::net::Ipv4Addr::new(10, bytes[1] & 3, bytes[2], bytes[3]);
            match bytes[0] % 3 {
                0 => v4.into(),
                1 => v4.to_ipv6_mapped().into(),
                _ => {
                    let mut octets = [0; 16];
                    octets.copy_from_slice(&bytes[4..20]);
                    octets[..3].copy_from_slice(&[0x20, 1, 0xd]);
                    octets[3] &= 7;
                    // Hosts that often differ in their last bytes alone.
                    octets[4 + usize::from(bytes[20] % 12)..15].fill(0);
                    octets.into()
                }
            }
        };
        let (mut inside, mut cases) = (0, 0);
        for _ in 0..100 {
            let list: Vec<(IpNet, Option<Timestamp>)> = (0..=next()[0])
                .map(|_| {
                    let bytes = next();
                    let address = address(&bytes);
                    let length = match address {
                        IpAddr::V4(_) => 14 + bytes[21] % 19,
                        IpAddr::V6(it) if it.to_ipv4_mapped().is_some() => 110 + bytes[21] % 19,
                        IpAddr::V6(_) => 28 + bytes[21] % 101,
                    };
                    let end = NOW.plus_seconds(i64::from(bytes[22]) - 128);
                    (IpNet::new(address, length).unwrap(), (bytes[23] % 4 == 0).then_some(end))
                })
                .collect();
            let packed = Networks::pack(list.iter().copied());
            for _ in 0..1000 {
                let address = address(&next());
                let plain = address.to_canonical();
                let scanned = list.iter().any(|(network, end)| {
                    canonical(*network).contains(&plain) && end.is_none_or(|end| NOW < end)
                });
                assert_eq!(packed.contains(address, NOW), scanned, "{address}");
                inside += u32::from(scanned);
                cases += 1;
            }
        }
        assert_eq!(cases, 100_000);
        assert!((10_000..90_000).contains(&inside), "{inside}");
    }
}
