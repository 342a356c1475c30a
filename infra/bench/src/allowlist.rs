//! How long the allowlist's check takes, without a request around it: a Criterion benchmark.

use std::{fs, hint::black_box, net::IpAddr, path::Path, time::Duration};

use criterion::Criterion;
use ipnet::IpNet;
use serde::{
    Deserialize as _,
    de::value::{self, BytesDeserializer},
};
use serde_json::Value;
use shared::{auth::allowlist::Networks, clock::Timestamp, random::SystemRandom};

use crate::report::Report;

const NETWORKS: u32 = 1000;

/// How many addresses are looked up in turn.
const ADDRESSES: u32 = 4096;

/// Many short samples: what else the machine does makes some of them long, and not the one in the
/// middle.
const SAMPLES: usize = 200;

const NOW: Timestamp = Timestamp::from_second(1_774_623_600);

/// The most that a check may take, in nanoseconds.
const CHECK: f64 = 20.0;

/// Where Criterion writes what it has found.
const FOUND: &str = "target/criterion";

pub(crate) fn measure(report: &mut Report) {
    report.section("A check of the allowlist with 1,000 networks (bound: 20 ns)");
    let two = |index: u32| if index.is_multiple_of(2) { v4(index) } else { v6(index, 64) };
    let end = Some(NOW.plus_seconds(60));
    let ending = |count: u32| (0..NETWORKS).map(move |it| (v4(it), end.filter(|_| it < count)));
    let lists: [(&str, Networks); 8] = [
        ("IPv4 addresses", pack(v4)),
        ("IPv6 networks, /48", pack(|index| v6(index, 48))),
        ("IPv6 networks, /64", pack(|index| v6(index, 64))),
        ("IPv6 addresses in one /64", pack(|index| v6(index, 128))),
        ("IPv6 addresses in 1,000 /64s, tagged", pack(v6_of_its_own)),
        ("half IPv4 addresses, half IPv6 networks", pack(two)),
        ("IPv4 addresses, 20 of which end", Networks::pack(ending(20), &SystemRandom)),
        ("IPv4 addresses that end", Networks::pack(ending(NETWORKS), &SystemRandom)),
    ];
    let mut criterion = Criterion::default()
        .without_plots()
        .output_directory(Path::new(FOUND))
        .sample_size(SAMPLES)
        .nresamples(1000)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    let addresses = addresses();
    for (name, list) in &lists {
        let check = format!("check of {name}");
        criterion.bench_function(&check, |bencher| {
            let mut addresses = addresses.iter().cycle();
            bencher.iter(|| list.contains(*addresses.next().unwrap(), NOW));
        });
        let bytes: Vec<u8> = serde_json::from_value(serde_json::to_value(list).unwrap()).unwrap();
        let decoding = format!("decoding of {name}");
        // As each request does once.
        criterion.bench_function(&decoding, |bencher| {
            bencher.iter(|| {
                let bytes = BytesDeserializer::<value::Error>::new(black_box(&bytes));
                Networks::deserialize(bytes).unwrap()
            });
        });
        let (nanoseconds, decoded) = (median(&check), median(&decoding));
        let value =
            format!("{nanoseconds:.1} ns, {} bytes, decoded in {decoded:.0} ns", list.packed_len());
        report.check(name, &value, nanoseconds <= CHECK);
    }
}

/// What Criterion has found, in nanoseconds.
fn median(name: &str) -> f64 {
    let path = Path::new(FOUND).join(name.replace('/', "_")).join("new/estimates.json");
    let found: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    found["median"]["point_estimate"].as_f64().unwrap()
}

fn pack(network: impl Fn(u32) -> IpNet) -> Networks {
    Networks::pack((0..NETWORKS).map(|index| (network(index), None)), &SystemRandom)
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
    (0..ADDRESSES)
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
