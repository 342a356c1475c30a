//! Which addresses a request may go to that a caller has named: public ones alone. Any other is a way
//! into the network that the functions run in, its metadata service above all.
//!
//! It is checked twice. [`check_url`] judges what is written when a channel is created, and again when
//! it is sent to; [`check_answer`] judges what the name resolves to, and the connection goes to the
//! very addresses that it was given, so that no second answer of the DNS can lead elsewhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::http::Uri;
use url::{Host, Url};

/// How long an address may be, in bytes.
pub const MAX_URL: usize = 2048;

/// How long a host's name and each of its parts may be, in bytes (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// The port of HTTPS; besides it only those are let through that no system service has.
const HTTPS: u16 = 443;
const FIRST_FREE_PORT: u16 = 1024;

/// Names, and ends of names, that lead into somebody's own network (RFC 6761, RFC 6762, RFC 7686,
/// RFC 8375, ICANN's reserved `internal`, and what is in use beside them).
const PRIVATE_NAMES: [&str; 14] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "private",
    "test",
];

/// What is not a public host's in IPv4: the special-purpose registry of IANA (RFC 6890), multicast
/// and reserved addresses, and one that Azure has taken from the public ones.
const REFUSED_V4: [(Ipv4Addr, u32); 19] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// All of IPv6 that is global unicast. What lies outside is refused with no list: loopback, unique
/// local, link-local, site-local, multicast, and every form that carries an IPv4 address (mapped,
/// compatible, translated by `64:ff9b::/96` or `64:ff9b:1::/48`).
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What is not a public host's in it.
const REFUSED_V6: [(Ipv6Addr, u32); 6] = [
    // IETF's protocol assignments, with Teredo (2001::/32), which carries an IPv4 address.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which carries an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3ffe, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Why an address is refused: a sentence for people, that says nothing of what a name resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is longer than [`MAX_URL`].
    #[error("Must have at most 2048 bytes.")]
    TooLong,
    /// It is no absolute URL, or one that programs read differently.
    #[error("Must be an absolute https URL, without white space or backslashes.")]
    NotAUrl,
    /// It is not of HTTPS.
    #[error("Must begin with https://.")]
    NotHttps,
    /// It has a user's name or password in it.
    #[error("Must have no user name and no password.")]
    Credentials,
    /// It has a fragment, which is never sent.
    #[error("Must have no fragment.")]
    Fragment,
    /// Its port is one of a system service.
    #[error("Must have port 443, or one from 1024 on.")]
    Port,
    /// Its host, or what the host's name resolves to, is not public.
    #[error("Must lead to a public address.")]
    NotPublic,
    /// The host's name resolves to nothing.
    #[error("The host's name does not resolve.")]
    Unresolved,
}

/// Reads an address that a caller has named. `allow_insecure` lets `http` and loopback pass, for tests
/// and the local stack alone.
///
/// # Errors
/// Why it is refused.
pub fn check_url(text: &str, allow_insecure: bool) -> Result<Url, Refusal> {
    if text.len() > MAX_URL {
        return Err(Refusal::TooLong);
    }
    // The URL standard drops control characters and takes a backslash for a slash: what is stored would
    // not be what is sent to.
    if text.contains(|it: char| it.is_whitespace() || it.is_control() || it == '\\') {
        return Err(Refusal::NotAUrl);
    }
    let url = Url::parse(text).map_err(|_| Refusal::NotAUrl)?;
    // What is stored and sent to is what the parser has made of it: other characters take three bytes each.
    if url.as_str().len() > MAX_URL {
        return Err(Refusal::TooLong);
    }
    // It lets characters pass that HTTP's own parser, by which requests are sent, does not.
    if url.as_str().parse::<Uri>().is_err() {
        return Err(Refusal::NotAUrl);
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure => {}
        _ => return Err(Refusal::NotHttps),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    if url.fragment().is_some() {
        return Err(Refusal::Fragment);
    }
    check_host(&url.host().ok_or(Refusal::NotAUrl)?, allow_insecure)?;
    let port = url.port().unwrap_or(HTTPS);
    if port != HTTPS && port < FIRST_FREE_PORT {
        return Err(Refusal::Port);
    }
    Ok(url)
}

/// Judges a host as the URL standard has read it: a number in whatever notation is an IPv4 address by
/// then, and a name is in ASCII and in lower case.
fn check_host(host: &Host<&str>, allow_insecure: bool) -> Result<(), Refusal> {
    let name = match host {
        Host::Ipv4(address) => return check_address((*address).into(), allow_insecure),
        Host::Ipv6(address) => return check_address((*address).into(), allow_insecure),
        Host::Domain(name) => name,
    };
    if allow_insecure && *name == "localhost" {
        return Ok(());
    }
    // A name that ends in a dot is the same as without it to the DNS, and another one to certificates.
    let (_, last) = name.rsplit_once('.').ok_or(Refusal::NotPublic)?;
    if last.is_empty() || PRIVATE_NAMES.contains(&last) {
        return Err(Refusal::NotPublic);
    }
    let is_name = name.len() <= MAX_NAME && name.split('.').all(is_label);
    is_name.then_some(()).ok_or(Refusal::NotAUrl)
}

/// Whether the DNS can have a name with this part (RFC 1035, section 2.3.1), or with an underscore, which
/// some hosts have all the same.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Judges an address: only a public host's passes, and with `allow_insecure` a loopback address, too.
///
/// # Errors
/// [`Refusal::NotPublic`].
pub fn check_address(address: IpAddr, allow_insecure: bool) -> Result<(), Refusal> {
    let is_public = match address {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|it| is_in_v4(address, *it)),
        IpAddr::V6(address) => {
            is_in_v6(address, GLOBAL_V6) && !REFUSED_V6.iter().any(|it| is_in_v6(address, *it))
        }
    };
    let is_allowed = is_public || (allow_insecure && address.is_loopback());
    is_allowed.then_some(()).ok_or(Refusal::NotPublic)
}

/// Judges all that a name resolves to. One address that is not public refuses them all: whoever mixes
/// such a one in does it to be connected to it at some time.
///
/// # Errors
/// Why they are refused.
pub fn check_answer(addresses: &[IpAddr], allow_insecure: bool) -> Result<(), Refusal> {
    if addresses.is_empty() {
        return Err(Refusal::Unresolved);
    }
    addresses.iter().try_for_each(|address| check_address(*address, allow_insecure))
}

fn is_in_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= length
}

#[cfg(test)]
mod tests;
