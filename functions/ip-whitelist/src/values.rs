//! Fields of bodies.

use std::{borrow::Cow, net::IpAddr};

use deserr::{Deserr, IntoValue, Value, ValueKind, ValuePointerRef};
use ipnet::IpNet;
use shared::{
    auth::allowlist::{LAST_END, canonical},
    clock::Timestamp,
    http::{
        fault::Faults,
        field::{Ruled, TextRule, wrong_kind},
    },
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// The longest network: an IPv4-mapped IPv6 address in full, and its prefix length.
const MAX_CIDR_BYTES: usize = 49;

/// An IPv4 or IPv6 network in CIDR notation. An address alone is a network of one; an IPv4-mapped
/// IPv6 network is the IPv4 network that it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr(pub(crate) IpNet);

impl Deserr<Faults> for Cidr {
    fn deserialize_from_value<V: IntoValue>(
        value: Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let Value::String(text) = value else {
            return Err(wrong_kind(value, &[ValueKind::String], location));
        };
        let Some(network) = network(&text) else {
            let detail = "Must be an IPv4 or IPv6 address, or a network such as 203.0.113.0/24.";
            return Err(Faults::at(location, "invalid_value", detail));
        };
        if network != network.trunc() {
            let right = canonical(network);
            let detail = format!("Has bits set beyond its prefix: the network is {right}.");
            return Err(Faults::at(location, "host_bits_set", detail));
        }
        Ok(Self(canonical(network)))
    }
}

/// Reads the usual notation alone. Others, such as `0x7f.1`, mean different networks to different
/// programs: the standard library's parser knows none of them, and a prefix length is digits.
fn network(text: &str) -> Option<IpNet> {
    if text.len() > MAX_CIDR_BYTES {
        return None;
    }
    let Some((address, length)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    let digits = length.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || length.len() > 3 || (length.len() > 1 && length.starts_with('0')) {
        return None;
    }
    IpNet::new(address.parse().ok()?, length.parse().ok()?).ok()
}

impl PartialSchema for Cidr {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("cidr".into())))
            .max_length(Some(MAX_CIDR_BYTES))
            .into()
    }
}

impl ToSchema for Cidr {
    fn name() -> Cow<'static, str> {
        "Cidr".into()
    }
}

/// How an IP address is read: as the standard library reads it, without a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressRule;

impl TextRule for AddressRule {
    type Output = IpAddr;
    const NAME: &'static str = "IpAddress";
    const FORMAT: &'static str = "ip";
    const PATTERN: Option<&'static str> = None;
    const MAX: usize = 45;

    fn read(text: &str) -> Result<IpAddr, &'static str> {
        text.parse().map_err(|_| "Must be an IPv4 or IPv6 address.")
    }
}

/// An IP address.
pub(crate) type Address = Ruled<AddressRule>;

/// Checks when an entry is to end.
pub(crate) fn in_future(end: Timestamp, now: Timestamp) -> Result<Timestamp, Faults> {
    if end <= now || end.as_second() > LAST_END {
        let last = Timestamp::from_second(LAST_END);
        let detail = format!("Must be in the future, and at most {last}.");
        return Err(Faults::new("/expires_at", "out_of_range", detail));
    }
    Ok(end)
}
