//! How long the allowlist's check takes, without a request around it.

use std::{
    hint::black_box,
    net::IpAddr,
    time::{Duration, Instant},
};

use ipnet::IpNet;
use serde::{
    Deserialize as _,
    de::value::{self, BytesDeserializer},
};
use shared::{auth::allowlist::Networks, clock::Timestamp};

use crate::{
    report::Report,
    statistics::{in_turn, median},
};

const NETWORKS: u32 = 1000;
/// Many short ones: what else the machine does makes some of them long, and not the one in the middle.
const ROUNDS: usize = 1001;
const CHECKS: u32 = 10_000;
const DECODINGS: u32 = 100;

const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

/// The most that a check may take, in nanoseconds.
const CHECK: f64 = 20.0;

pub(crate) async fn measure(report: &mut Report) {
    report.section("A check of the allowlist with 1,000 networks (bound: 20 ns)");
    let two = |index: u32| if index.is_multiple_of(2) { v4(index) } else { v6(index, 64) };
    let end = Some(NOW.plus_seconds(60));
    let ending = |count: u32| (0..NETWORKS).map(move |it| (v4(it), end.filter(|_| it < count)));
    let lists: [(&str, Networks); 8] = [
        ("IPv4 addresses", pack(v4)),
        ("IPv6 networks, /48", pack(|index| v6(index, 48))),
        ("IPv6 networks, /64", pack(|index| v6(index, 64))),
        ("IPv6 addresses in one /64", pack(|index| v6(index, 128))),
        ("IPv6 addresses in 1,000 /64s", pack(v6_of_its_own)),
        ("half IPv4 addresses, half IPv6 networks", pack(two)),
        ("IPv4 addresses, 20 of which end", Networks::pack(ending(20))),
        ("IPv4 addresses that end", Networks::pack(ending(NETWORKS))),
    ];
    let addresses = addresses();
    let checks = async |(_, list): &(&str, Networks)| time(list, &addresses);
    let medians = in_turn(&lists, ROUNDS, 1, checks).await;
    for ((name, list), median) in lists.iter().zip(medians) {
        let nanoseconds = median * 1000.0 / f64::from(CHECKS);
        let decoded = time_decoding(list);
        let value =
            format!("{nanoseconds:.1} ns, {} bytes, decoded in {decoded:.0} ns", list.packed_len());
        report.check(name, &value, nanoseconds <= CHECK);
    }
}

fn pack(network: impl Fn(u32) -> IpNet) -> Networks {
    Networks::pack((0..NETWORKS).map(|index| (network(index), None)))
}

/// Every other address, so that none is merged with its neighbour.
fn v4(index: u32) -> IpNet {
    IpNet::from(IpAddr::V4((0x0a00_0000 + index * 2).into()))
}

fn v6(index: u32, prefix: u8) -> IpNet {
    let bits = (0x2001_0db8_u128 << 96) | (u128::from(index * 2) << (128 - prefix));
    IpNet::new(IpAddr::V6(bits.into()), prefix).unwrap()
}

/// An address that has its /64 for itself.
fn v6_of_its_own(index: u32) -> IpNet {
    let bits = (0x2001_0db8_u128 << 96) | (u128::from(index * 2) << 64);
    IpNet::from(IpAddr::V6(bits.into()))
}

/// Addresses of both families, half of which are on the lists or near them.
fn addresses() -> Vec<IpAddr> {
    (0..4096_u32)
        .map(|index| {
            let near = index.wrapping_mul(2_654_435_761) % (NETWORKS * 2 + 100);
            match index % 3 {
                0 => IpAddr::V4((0x0a00_0000 + near).into()),
                1 => IpAddr::V6(((0x2001_0db8_u128 << 96) | (u128::from(near) << 64)).into()),
                _ => IpAddr::V6(((0x2001_0db8_u128 << 96) | u128::from(near)).into()),
            }
        })
        .collect()
}

/// How long many checks take.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn time(list: &Networks, addresses: &[IpAddr]) -> Duration {
    let started = Instant::now();
    for address in addresses.iter().cycle().take(CHECKS as usize) {
        black_box(list.contains(black_box(*address), NOW));
    }
    started.elapsed()
}

/// Reads a list from its bytes, as each request does once, and copies them. The median of many
/// rounds, in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn time_decoding(list: &Networks) -> f64 {
    let bytes: Vec<u8> = serde_json::from_value(serde_json::to_value(list).unwrap()).unwrap();
    let round = |_| {
        let started = Instant::now();
        for _ in 0..DECODINGS {
            let bytes = BytesDeserializer::<value::Error>::new(black_box(&bytes));
            black_box(Networks::deserialize(bytes).unwrap());
        }
        started.elapsed()
    };
    median((0..ROUNDS).map(round).collect()) * 1000.0 / f64::from(DECODINGS)
}
