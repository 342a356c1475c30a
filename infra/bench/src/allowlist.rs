//! How long the allowlist's check takes, without a request around it.

use std::{hint::black_box, net::IpAddr, time::Instant};

use ipnet::IpNet;
use shared::{auth::allowlist::Networks, clock::Timestamp};

use crate::{report::Report, statistics::median};

const NETWORKS: u32 = 1000;
const ROUNDS: usize = 101;
const CHECKS: u32 = 100_000;

/// The most that a check may take, in nanoseconds.
const CHECK: f64 = 20.0;

pub(crate) fn measure(report: &mut Report) {
    report.section("A check of the allowlist with 1,000 networks (bound: 20 ns)");
    let mixed = |index: u32| if index.is_multiple_of(2) { v4(index) } else { v6(index, 64) };
    let lists: [(&str, Networks); 4] = [
        ("IPv4 addresses", pack(v4)),
        ("IPv6 networks, /64", pack(|index| v6(index, 64))),
        ("IPv6 addresses", pack(|index| v6(index, 128))),
        ("half IPv4 addresses, half IPv6 networks", pack(mixed)),
    ];
    for (name, list) in lists {
        let nanoseconds = time(&list);
        let value = format!("{nanoseconds:.1} ns, {} bytes", list.packed_len());
        report.check(name, &value, nanoseconds <= CHECK);
    }
    let now = Timestamp::from_second(1_774_623_600);
    let ending = (0..20).map(|index| (v4(index), Some(now.plus_seconds(60))));
    let lasting = (20..NETWORKS).map(|index| (v4(index), None));
    let list = Networks::pack(ending.chain(lasting));
    report.note("IPv4 addresses, 20 of which end", &format!("{:.1} ns", time(&list)));
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

/// Checks addresses of both families, half of which are on the list or near it. The median of many
/// rounds, in nanoseconds a check.
#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn time(list: &Networks) -> f64 {
    let now = Timestamp::from_second(1_774_623_600);
    let addresses: Vec<IpAddr> = (0..4096_u32)
        .map(|index| {
            let near = index.wrapping_mul(2_654_435_761) % (NETWORKS * 2 + 100);
            match index % 3 {
                0 => IpAddr::V4((0x0a00_0000 + near).into()),
                1 => IpAddr::V6(((0x2001_0db8_u128 << 96) | (u128::from(near) << 64)).into()),
                _ => IpAddr::V6(((0x2001_0db8_u128 << 96) | u128::from(near)).into()),
            }
        })
        .collect();
    let round = |_| {
        let started = Instant::now();
        for address in addresses.iter().cycle().take(CHECKS as usize) {
            black_box(list.contains(black_box(*address), now));
        }
        started.elapsed()
    };
    median((0..ROUNDS).map(round).collect()) * 1000.0 / f64::from(CHECKS)
}
