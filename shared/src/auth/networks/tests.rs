use sha2::Digest as _;

use super::*;
use crate::random::SystemRandom;

const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

fn pack(list: impl IntoIterator<Item = Ending>) -> Networks {
    Networks::pack(list, &SystemRandom)
}

/// As lists are packed that would take too much otherwise.
fn pack_tagged(list: impl IntoIterator<Item = Ending>) -> Networks {
    Networks::decode(packed(&layered(list), Some(&Key::generate(&SystemRandom)))).unwrap()
}

fn networks(list: &[&str]) -> Networks {
    pack(list.iter().map(|text| (text.parse().unwrap(), None)))
}

fn contains(networks: &Networks, address: &str) -> bool {
    networks.contains(address.parse().unwrap(), NOW)
}

#[test]
fn edges_of_networks_are_in_and_their_neighbours_are_out() {
    let list = [
        "203.0.113.0/24",
        "198.51.100.10/32",
        "2001:db8::/32",
        "2001:dba:1::/47",
        "2001:dbb:0:8::/61",
        "2001:dbc::8/125",
        "2001:dbd::1/128",
        "2001:dbe::8000:0:0:0/65",
    ];
    let list = list.map(|text| (text.parse().unwrap(), None));
    for list in [pack(list), pack_tagged(list)] {
        edges(&list);
    }
}

fn edges(list: &Networks) {
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
        "2001:dbd::1",
        "2001:dbe::8000:0:0:0",
        "2001:dbe::ffff:ffff:ffff:ffff",
    ] {
        assert!(contains(list, address), "{address}");
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
        "2001:dbd::",
        "2001:dbd::2",
        "2001:dbe::7fff:ffff:ffff:ffff",
        "2001:dbe:0:1::",
        "::",
    ] {
        assert!(!contains(list, address), "{address}");
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
        let list = [(network.parse().unwrap(), Some(end))];
        let address = address.parse().unwrap();
        for (now, there) in [
            (NOW, true),
            (Timestamp::from_millisecond(end.as_millisecond() - 1), true),
            (end, false),
            (end.plus_seconds(1), false),
        ] {
            for list in [pack(list), pack_tagged(list)] {
                assert_eq!(list.contains(address, now), there, "{network} {now:?}");
                assert_eq!(list.ending(now), usize::from(there));
            }
        }
    }
    let never = pack([("0.0.0.0/0".parse().unwrap(), Some(NOW))]);
    assert!(!contains(&never, "192.0.2.1"));
}

#[test]
fn bytes_that_are_not_whole_are_no_networks() {
    let list = [
        ("203.0.113.0/24".parse().unwrap(), None),
        ("2001:db8::/32".parse().unwrap(), None),
        ("2001:db8:1::1/128".parse().unwrap(), None),
        ("2001:db8:2::1/128".parse().unwrap(), None),
        ("2001:db8:2::4/127".parse().unwrap(), None),
        ("198.51.100.0/24".parse().unwrap(), Some(NOW)),
    ];
    for whole in [pack(list), pack_tagged(list)] {
        assert_eq!(Networks::decode(whole.packed.clone()).as_ref(), Some(&whole));
        refuses_others(&whole.packed);
    }
}

/// That no bytes are read that differ from those in their length, or in one bit.
fn refuses_others(whole: &[u8]) {
    for length in 0..whole.len() {
        assert!(Networks::decode(whole[..length].to_vec()).is_none(), "{length}");
    }
    let longer = [whole, &[0]].concat();
    assert!(Networks::decode(longer).is_none());
    for bit in 0..whole.len() * 8 {
        let mut other = whole.to_vec();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(Networks::decode(other).is_none(), "{bit}");
    }
}

/// What no checksum vouches for, so that no search goes astray in bytes that somebody made.
#[test]
fn bytes_with_a_right_checksum_are_searched_without_a_panic() {
    let list = [("2001:db8::1/128", None), ("2001:db8::4/126", None), ("10.0.0.0/8", Some(NOW))];
    let list = list.map(|(network, end)| (network.parse().unwrap(), end));
    for whole in [pack(list), pack_tagged(list)] {
        withstands_any_byte(&whole.packed);
    }
}

fn withstands_any_byte(whole: &[u8]) {
    let addresses = ["2001:db8::1", "2001:db8::5", "10.0.0.1", "::", "255.255.255.255"];
    let mut decoded = 0;
    for (index, byte) in (HEADER_LENGTH..whole.len()).flat_map(|it| (0..=255).map(move |b| (it, b)))
    {
        let mut other = whole.to_vec();
        other[index] = byte;
        let checksum = crc32fast::hash(&other[HEADER_LENGTH..]).to_le_bytes();
        other[1..HEADER_LENGTH].copy_from_slice(&checksum);
        if let Some(other) = Networks::decode(other) {
            decoded += 1;
            for address in addresses {
                contains(&other, address);
            }
            assert!(other.ending(NOW.plus_seconds(-1)) <= 1);
        }
    }
    assert!(decoded > 1000, "{decoded}");
}

#[test]
fn a_network_that_ends_within_another_that_ends_is_found_as_long_as_one_lasts() {
    let minutes = |count: i64| Some(NOW.plus_seconds(60 * count));
    let list = [
        ("2001:db8::/32".parse().unwrap(), minutes(1)),
        ("2001:db8:0:1::/64".parse().unwrap(), minutes(3)),
        ("2001:db8:0:1::5/128".parse().unwrap(), minutes(2)),
        ("2001:db8:0:1::5/128".parse().unwrap(), minutes(4)),
    ];
    for list in [pack(list), pack_tagged(list)] {
        end_one_after_the_other(&list);
    }
}

fn end_one_after_the_other(list: &Networks) {
    let within =
        |address: &str, seconds| list.contains(address.parse().unwrap(), NOW.plus_seconds(seconds));
    for (address, lasts) in [
        ("2001:db8::1", 60),
        ("2001:db8:0:1::4", 180),
        ("2001:db8:0:1::5", 240),
        ("2001:db8:0:2::", 60),
    ] {
        assert!(within(address, lasts - 1), "{address}");
        assert!(!within(address, lasts), "{address}");
    }
    assert_eq!([0, 60, 120, 180, 240].map(|it| list.ending(NOW.plus_seconds(it))), [4, 3, 2, 1, 0]);
}

/// Half of an address, as good as random.
fn half(index: u32) -> u64 {
    let digest = sha2::Sha256::digest(index.to_be_bytes());
    u64::from_be_bytes(*digest.first_chunk().unwrap())
}

fn v6(first: u64, rest: u64, length: u8) -> IpNet {
    IpNet::new(IpAddr::V6((u128::from(first) << 64 | u128::from(rest)).into()), length).unwrap()
}

#[test]
fn a_thousand_networks_take_what_is_said() {
    let packed = |network: &dyn Fn(u32) -> IpNet, end| {
        pack((0..1000).map(|index| (network(index), end))).packed_len()
    };
    let v4 = |index| {
        IpNet::new(IpAddr::V4(u32::try_from(half(index) >> 32).unwrap().into()), 32).unwrap()
    };
    let v4_network = |index| {
        let bits = u32::try_from(half(index) >> 40 << 8).unwrap();
        IpNet::new(IpAddr::V4(bits.into()), 24 + (index % 2) as u8).unwrap()
    };
    let v6_48 = |index| v6(half(index) >> 16 << 16, 0, 48);
    let v6_64 = |index| v6(half(index), 0, 64);
    let longer = |index| v6(half(index), half(index + 5000), 100 + (index % 29) as u8);
    let in_64s = |count| move |index| v6(half(index % count), half(index + 5000), 128);
    for (what, bytes, expected) in [
        ("IPv4 addresses", packed(&v4, None), 4017),
        ("IPv4 networks", packed(&v4_network, None), 5017),
        ("IPv6 /48s", packed(&v6_48, None), 8017),
        ("IPv6 /64s", packed(&v6_64, None), 8017),
        ("addresses in one /64", packed(&in_64s(1), None), 8032),
        ("addresses in 30 /64s", packed(&in_64s(30), None), 8322),
        ("IPv4 addresses that end", packed(&v4, Some(NOW)), 8025),
        // Tagged, for as they are they would take 13, 16 and 17 KB.
        ("addresses in 500 /64s", packed(&in_64s(500), None), 10_144),
        ("addresses in 1,000 /64s", packed(&in_64s(1000), None), 10_144),
        ("longer networks in 1,000 /64s", packed(&longer, None), 10_172),
    ] {
        assert_eq!(bytes, expected, "{what}");
        assert!(bytes <= ROOM, "{what}");
    }
    // What is not longer than /64 would not be shorter as a tag.
    assert_eq!(packed(&v6_64, Some(NOW)), 12_025);
}

#[test]
fn a_list_that_is_packed_again_has_other_tags() {
    let list = || (0..1000).map(|index| (v6(half(index), half(index + 5000), 128), None));
    let (one, other) = (pack(list()), pack(list()));
    assert_eq!((one.packed[0], other.packed[0]), (TAGGED, TAGGED));
    let tags = |list: &Networks| list.packed[list.packed_len() - 10_000..].to_vec();
    let chunks = |tags: Vec<u8>| tags.chunks(10).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (one, other) = (chunks(tags(&one)), chunks(tags(&other)));
    assert!(one.iter().all(|tag| !other.contains(tag)));
}

/// Networks and addresses that are near each other, so that about as many are in as out.
struct Near {
    bytes: [u8; 24],
}

impl Near {
    fn draw() -> Self {
        Self { bytes: crate::random::bytes(&SystemRandom) }
    }

    fn address(&self) -> IpAddr {
        let bytes = &self.bytes;
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
    }

    /// A network, one in four of which ends. With `single`, of one address.
    fn network(&self, single: bool) -> Ending {
        let (address, bytes) = (self.address(), &self.bytes);
        let length = match address {
            IpAddr::V4(_) if single => 32,
            IpAddr::V6(_) if single => 128,
            IpAddr::V4(_) => 14 + bytes[21] % 19,
            IpAddr::V6(it) if it.to_ipv4_mapped().is_some() => 110 + bytes[21] % 19,
            IpAddr::V6(_) => 28 + bytes[21] % 101,
        };
        let end = NOW.plus_seconds(i64::from(bytes[22]) - 128);
        (IpNet::new(address, length).unwrap(), bytes[23].is_multiple_of(4).then_some(end))
    }

    /// An edge of a network, or the address beside it.
    fn edge(&self, network: &IpNet) -> IpAddr {
        let edge = if self.bytes[0] & 1 == 0 { network.network() } else { network.broadcast() };
        let step = i32::from(self.bytes[1] % 3) - 1;
        match edge {
            IpAddr::V4(edge) => IpAddr::V4(edge.to_bits().wrapping_add_signed(step).into()),
            IpAddr::V6(edge) => IpAddr::V6(edge.to_bits().wrapping_add_signed(step.into()).into()),
        }
    }
}

/// Compares 100 lists, each with 1,000 addresses, as they are packed by that.
fn agrees_with_a_plain_scan(pack: fn(Vec<Ending>) -> Networks) {
    let (mut inside, mut cases) = (0, 0);
    for round in 0..100 {
        let list: Vec<Ending> =
            (0..=Near::draw().bytes[0]).map(|_| Near::draw().network(round % 2 == 0)).collect();
        let packed = pack(list.clone());
        for _ in 0..1000 {
            let near = Near::draw();
            let address = match near.bytes[23] % 2 {
                0 => near.address(),
                _ => near.edge(&list[usize::from(near.bytes[22]) % list.len()].0),
            };
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

#[test]
fn the_search_agrees_with_a_plain_scan_in_100_000_cases() {
    agrees_with_a_plain_scan(pack);
}

#[test]
fn the_search_of_tags_agrees_with_a_plain_scan_in_100_000_cases() {
    agrees_with_a_plain_scan(pack_tagged);
}
