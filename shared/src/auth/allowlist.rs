//! The IP allowlist's check.
//!
//! The networks are merged and sorted when they change, and stored packed: a version byte, the
//! number of IPv4 networks (two bytes, big endian), the IPv4 networks (5 bytes each: address and
//! prefix length), the IPv6 networks (17 bytes each). A request searches them in place, without
//! parsing or allocating.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;
const HEADER_LENGTH: usize = 3;

/// An organization's allowlist as the auth path needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Allowlist {
    /// Requests from anywhere are let in.
    Off,
    /// Requests from these networks are let in.
    On(Networks),
    /// The attribute is missing or does not decode: nobody is let in. It is the default, so that
    /// forgetting to decode it shuts out instead of letting in.
    #[default]
    Unreadable,
}

/// Packed networks: sorted, and none overlaps another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<u8>);

/// The attribute of the organization's item.
#[derive(Serialize, Deserialize)]
pub(crate) struct Attribute {
    enabled: bool,
    networks: Bytes,
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

impl Attribute {
    /// The attribute for a list that is enforced or not.
    pub(crate) fn new(enabled: bool, networks: &Networks) -> Self {
        Self { enabled, networks: Bytes(networks.0.clone()) }
    }

    /// What the auth path makes of the attribute.
    pub(crate) fn decode(self) -> Allowlist {
        match Networks::decode(self.networks.0) {
            Some(_) if !self.enabled => Allowlist::Off,
            Some(networks) => Allowlist::On(networks),
            None => Allowlist::Unreadable,
        }
    }
}

impl Allowlist {
    /// Whether a request from `address` is let in. `None`, an address that the gateway did not
    /// tell, is let in only where the list is off.
    #[must_use]
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::Off, _) => true,
            (Self::On(networks), Some(address)) => networks.contains(address),
            (Self::On(_), None) | (Self::Unreadable, _) => false,
        }
    }
}

impl Networks {
    /// Packs networks. Those that lie in or beside others are merged; IPv4-mapped IPv6 networks
    /// become the IPv4 networks that they mean.
    #[must_use]
    pub fn pack(networks: &[IpNet]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match canonical(*network) {
                IpNet::V4(network) => v4.push(network),
                IpNet::V6(network) => v6.push(network),
            }
        }
        let (v4, v6) = (Ipv4Net::aggregate(&v4), Ipv6Net::aggregate(&v6));
        let count = u16::try_from(v4.len()).unwrap_or(u16::MAX);
        let mut packed = vec![VERSION];
        packed.extend(count.to_be_bytes());
        for network in v4.iter().take(usize::from(count)) {
            packed.extend(network.network().octets());
            packed.push(network.prefix_len());
        }
        for network in v6 {
            packed.extend(network.network().octets());
            packed.push(network.prefix_len());
        }
        Self(packed)
    }

    fn decode(packed: Vec<u8>) -> Option<Self> {
        let [version, high, low, rest @ ..] = &packed[..] else { return None };
        let v4 = usize::from(u16::from_be_bytes([*high, *low])) * 5;
        let whole = *version == VERSION && rest.len() >= v4 && (rest.len() - v4).is_multiple_of(17);
        whole.then_some(Self(packed))
    }

    /// Whether one of the networks contains `address`. An IPv4-mapped IPv6 address is the IPv4
    /// address that it means.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let [_, high, low, rest @ ..] = &self.0[..] else { return false };
        let v4 = usize::from(u16::from_be_bytes([*high, *low])) * 5;
        let Some((v4, v6)) = rest.split_at_checked(v4) else { return false };
        match address.to_canonical() {
            IpAddr::V4(address) => search::<4, 5>(v4, u128::from(address.to_bits())),
            IpAddr::V6(address) => search::<16, 17>(v6, address.to_bits()),
        }
    }

    /// How many bytes the networks take.
    #[must_use]
    pub const fn packed_len(&self) -> usize {
        self.0.len() - HEADER_LENGTH
    }
}

/// Finds the last of the sorted networks that begins at or before `address`, and tells whether it
/// contains it. `WIDTH` is an address's bytes, `ENTRY` one more.
fn search<const WIDTH: usize, const ENTRY: usize>(packed: &[u8], address: u128) -> bool {
    let (entries, _) = packed.as_chunks::<ENTRY>();
    let first = |entry: &[u8; ENTRY]| {
        entry[..WIDTH].iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte))
    };
    let after = entries.partition_point(|entry| first(entry) <= address);
    let Some(entry) = after.checked_sub(1).map(|index| &entries[index]) else { return false };
    let Some(host_bits) = (WIDTH * 8).checked_sub(usize::from(entry[WIDTH])) else { return false };
    let differing = first(entry) ^ address;
    // A shift by all 128 bits, for ::/0, would overflow.
    u32::try_from(host_bits).ok().is_some_and(|bits| differing.checked_shr(bits).unwrap_or(0) == 0)
}

fn canonical(network: IpNet) -> IpNet {
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.network().to_ipv4_mapped()
        && let Some(length) = v6.prefix_len().checked_sub(96)
        && let Ok(v4) = Ipv4Net::new(v4, length)
    {
        return IpNet::V4(v4.trunc());
    }
    network.trunc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random as _, SystemRandom};

    fn networks(list: &[&str]) -> Networks {
        Networks::pack(&list.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
    }

    fn contains(networks: &Networks, address: &str) -> bool {
        networks.contains(address.parse().unwrap())
    }

    #[test]
    fn edges_of_networks_are_in_and_their_neighbours_are_out() {
        let list = networks(&["203.0.113.0/24", "198.51.100.10/32", "2001:db8::/32"]);
        for address in [
            "203.0.113.0",
            "203.0.113.255",
            "198.51.100.10",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
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
        assert!(!Allowlist::On(networks(&[])).allows(Some("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn an_address_that_is_not_told_is_let_in_only_where_the_list_is_off() {
        assert!(Allowlist::Off.allows(None));
        assert!(!Allowlist::On(networks(&["0.0.0.0/0", "::/0"])).allows(None));
        assert!(!Allowlist::Unreadable.allows(None));
        assert!(!Allowlist::default().allows(Some("127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn what_does_not_decode_lets_nobody_in_even_when_turned_off() {
        for packed in [
            vec![],
            vec![1],
            vec![2, 0, 0],
            vec![1, 0, 1],
            vec![1, 0, 0, 9],
            vec![1, 0, 1, 1, 2, 3, 4],
        ] {
            for enabled in [true, false] {
                let attribute = Attribute { enabled, networks: Bytes(packed.clone()) };
                assert_eq!(attribute.decode(), Allowlist::Unreadable, "{packed:?}");
            }
        }
    }

    #[test]
    fn the_search_agrees_with_a_plain_scan_over_a_thousand_networks() {
        let mut random = [0; 16];
        let mut next = || {
            SystemRandom.fill(&mut random);
            random
        };
        let list: Vec<IpNet> = (0..1000)
            .map(|index| {
                let bytes = next();
                if index % 2 == 0 {
                    let address = std::net::Ipv4Addr::new(10, bytes[1] & 3, bytes[2], bytes[3]);
                    Ipv4Net::new(address, 16 + bytes[4] % 17).unwrap().trunc().into()
                } else {
                    let mut octets = bytes;
                    octets[..6].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0]);
                    Ipv6Net::new(octets.into(), 56 + bytes[4] % 73).unwrap().trunc().into()
                }
            })
            .collect();
        let packed = Networks::pack(&list);
        assert!(packed.packed_len() <= 500 * 5 + 500 * 17);
        for index in 0..5000 {
            let bytes = next();
            let address: IpAddr = if index % 2 == 0 {
                std::net::Ipv4Addr::new(10, bytes[1] & 3, bytes[2], bytes[3]).into()
            } else {
                let mut octets = bytes;
                octets[..7].copy_from_slice(&[0x20, 1, 0xd, 0xb8, 0, 0, 0]);
                std::net::Ipv6Addr::from(octets).into()
            };
            let scanned = list.iter().any(|network| network.contains(&address));
            assert_eq!(packed.contains(address), scanned, "{address}");
        }
    }
}
