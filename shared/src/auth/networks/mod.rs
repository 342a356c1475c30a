//! Networks, packed for a search in place: without parsing, whatever their number.
//!
//! Networks without an end are merged. All are sorted, and lie in columns of numbers: IPv4; IPv6 up
//! to /64; and longer IPv6 networks as their first 64 bits, once for all that share them, and the
//! bits behind. A number takes 4 or 8 bytes, by the longest prefix of its column; a prefix length
//! takes one, or none where all are the same. So 1,000 IPv4 networks take 4 to 5 KB, and IPv6 ones up
//! to /64 8 to 9 KB, as do single IPv6 addresses that share /64s. 1,000 addresses that share nothing
//! would take 16 to 17 KB: 128 random bits each, in whatever order, cannot take less than 15. Where that
//! is too much for the organization's item, networks longer than /64 are tagged instead, with 10 bytes
//! each.
//!
//! Networks that end cannot be merged, for their ends differ. One of them can lie within another,
//! and a search finds no more than the last that begins before an address: so each lies in the
//! layer that is numbered by how many others it lies within, mostly the first. They take four
//! bytes more, for the second of their end.
//!
//! The bytes: a version, the checksum of all behind it, with the version of tags their key, the number
//! of layers, the layers, of which the first is that of the networks without an end.

mod bytes;
mod column;
mod layer;
mod long;
mod short;
mod tags;

use std::{fmt, net::IpAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::{
    bytes::{Reader, counted},
    layer::{Halves, Layer},
    tags::Key,
};
use crate::{clock::Timestamp, random::Random};

/// The version of networks as they are.
const VERSION: u8 = 3;
/// The version of those with tags.
const TAGGED: u8 = 4;
/// The version and the checksum.
const HEADER_LENGTH: usize = 5;

/// The last second in which a network may end: 2106-02-07T06:28:15Z.
pub const LAST_END: i64 = 0xffff_ffff;

/// How many bytes networks may take as they are: what an organization's item has room for, beside 1.5 KB
/// of its own, in the three units that it is read for at most.
const ROOM: usize = 3 * 4096 - 1536;

/// A network and its end.
type Ending = (IpNet, Option<Timestamp>);

/// Packed networks.
#[derive(Clone, PartialEq, Eq)]
pub struct Networks {
    packed: Vec<u8>,
    layers: Vec<Layer>,
}

impl Default for Networks {
    fn default() -> Self {
        let packed = packed(&[Vec::new()], None);
        let layers = layers_of(&packed).unwrap_or_default();
        Self { packed, layers }
    }
}

impl Networks {
    /// Packs networks with their ends. An IPv4-mapped IPv6 network becomes the IPv4 network that it
    /// means. Of more than 65,535 networks, the first count. `random` draws the key of tags, where there
    /// are any.
    #[must_use]
    pub fn pack(networks: impl IntoIterator<Item = Ending>, random: &dyn Random) -> Self {
        let layers = layered(networks);
        let as_they_are = packed(&layers, None);
        let packed = if as_they_are.len() <= ROOM {
            as_they_are
        } else {
            let tagged = packed(&layers, Some(&Key::generate(random)));
            if tagged.len() < as_they_are.len() { tagged } else { as_they_are }
        };
        let layers = layers_of(&packed).unwrap_or_default();
        Self { packed, layers }
    }

    /// The networks of these bytes, if they are whole.
    fn decode(packed: Vec<u8>) -> Option<Self> {
        let layers = layers_of(&packed)?;
        Some(Self { packed, layers })
    }

    /// Whether one of the networks contains `address` at that moment. An IPv4-mapped IPv6 address is
    /// the IPv4 address that it means. A network is gone in the very second of its end.
    #[must_use]
    pub fn contains(&self, address: IpAddr, now: Timestamp) -> bool {
        let address = Halves::from(address);
        self.layers.iter().any(|layer| layer.contains(&self.packed, address, now))
    }

    /// How many networks there are that end, and have not ended at that moment.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> usize {
        self.layers.iter().map(|layer| layer.ending(&self.packed, now)).sum()
    }

    /// How many bytes the networks take.
    #[must_use]
    pub const fn packed_len(&self) -> usize {
        self.packed.len()
    }
}

/// The networks without an end, merged, and behind them the others; each layer sorted.
fn layered(networks: impl IntoIterator<Item = Ending>) -> Vec<Vec<Ending>> {
    let (mut v4, mut v6, mut ending) = (Vec::new(), Vec::new(), Vec::new());
    for (network, end) in networks.into_iter().take(usize::from(u16::MAX)) {
        match (canonical(network), end) {
            (network, Some(_)) => ending.push((network, end)),
            (IpNet::V4(network), None) => v4.push(network),
            (IpNet::V6(network), None) => v6.push(network),
        }
    }
    let v4 = Ipv4Net::aggregate(&v4).into_iter().map(IpNet::V4);
    let v6 = Ipv6Net::aggregate(&v6).into_iter().map(IpNet::V6);
    let mut layers = vec![v4.chain(v6).map(|network| (network, None)).collect()];
    layers.extend(nested(ending));
    for layer in &mut layers {
        layer.sort_unstable();
    }
    layers
}

/// The networks by how many others of them each lies within.
fn nested(mut networks: Vec<Ending>) -> Vec<Vec<Ending>> {
    networks.sort_unstable();
    let mut layers: Vec<Vec<_>> = Vec::new();
    let mut around: Vec<IpNet> = Vec::new();
    for (network, end) in networks {
        around.truncate(around.iter().take_while(|it| it.contains(&network)).count());
        if layers.len() == around.len() {
            layers.push(Vec::new());
        }
        layers[around.len()].push((network, end));
        around.push(network);
    }
    layers
}

/// The bytes of sorted layers, of which the first has no ends; with tags where there is a key.
fn packed(layers: &[Vec<Ending>], key: Option<&Key>) -> Vec<u8> {
    let mut body = key.map(|key| key.as_bytes().to_vec()).unwrap_or_default();
    body.extend(counted(layers.len()));
    for layer in layers {
        Layer::write(&mut body, layer, key);
    }
    let mut packed = vec![if key.is_some() { TAGGED } else { VERSION }];
    packed.extend(crc32fast::hash(&body).to_le_bytes());
    packed.extend(body);
    packed
}

/// Where the layers lie, if the bytes are whole.
fn layers_of(packed: &[u8]) -> Option<Vec<Layer>> {
    let (header, body) = packed.split_first_chunk::<HEADER_LENGTH>()?;
    let [version, checksum @ ..] = *header;
    if u32::from_le_bytes(checksum) != crc32fast::hash(body) {
        return None;
    }
    let mut reader = Reader::new(packed, HEADER_LENGTH);
    let key = match version {
        VERSION => None,
        TAGGED => Some(Key::read(&mut reader)?),
        _ => return None,
    };
    let count = reader.count()?;
    let layers = (0..count).map(|index| Layer::read(&mut reader, key, index > 0));
    let layers = layers.collect::<Option<Vec<_>>>()?;
    reader.is_done().then_some(layers)
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

/// Without the bytes, which have the key of tags in them.
impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Networks").field("packed_len", &self.packed_len()).finish_non_exhaustive()
    }
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
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
mod tests;
