//! Tokens of IPv4 addresses and networks: IPv6 addresses under 2001:db8::/32. Those of IPv6 have no room in it.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::ff1::{Direction, Ff1};
use crate::network::Address;

/// The prefix that is kept for documentation (RFC 3849).
const PREFIX: [u8; 4] = [0x20, 0x01, 0x0d, 0xb8];
/// What proves a token: 56 bits.
const ZEROS: [u8; 7] = [0; 7];
/// Longest spelling of an IPv6 address.
pub(super) const LENGTH: usize = 39;

/// The token of an address.
pub(crate) fn seal(cipher: &Ff1, address: &Address) -> Option<Ipv6Addr> {
    let ([a, b, c, d], bits) = address.four()?;
    let [z0, z1, z2, z3, z4, z5, z6] = ZEROS;
    let mut sealed = [z0, z1, z2, z3, z4, z5, z6, bits, a, b, c, d];
    cipher.bytes(Direction::Encrypt, b"", &mut sealed)?;
    let mut octets = [0u8; 16];
    octets
        .iter_mut()
        .zip(PREFIX.into_iter().chain(sealed))
        .for_each(|(to, from)| *to = from);
    Some(Ipv6Addr::from(octets))
}

/// The address that a token of this key stands for.
pub(crate) fn open(cipher: &Ff1, token: &Address) -> Option<Address> {
    let octets = token.six_host()?;
    let mut sealed = *octets.strip_prefix(&PREFIX)?.as_array::<12>()?;
    cipher.bytes(Direction::Decrypt, b"", &mut sealed)?;
    let [bits, four @ ..] = sealed.strip_prefix(&ZEROS)?.as_array::<5>()?;
    Address::of_four(*four, *bits)
}

/// Does an address lie where stand-ins do?
pub(crate) fn marked(address: &Address) -> bool {
    const DOCUMENTED: [u8; 3] = [192, 0, 2];
    match address.four() {
        Some((four, _)) => four.starts_with(&DOCUMENTED),
        None => address.octets().starts_with(&PREFIX),
    }
}

/// A token as text, of a value that is spelled the usual way.
pub(super) fn write(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let address = Address::parse(raw)?;
    if address.to_string() != raw {
        return None;
    }
    out.extend_from_slice(seal(cipher, &address)?.to_string().as_bytes());
    Some(())
}

/// The usual spelling of what a token stands for.
pub(super) fn read(cipher: &Ff1, text: &str) -> Option<String> {
    Some(open(cipher, &Address::parse(text)?)?.to_string())
}

/// Is a text an address where stand-ins lie?
pub(super) fn text_marked(folded: &str) -> bool {
    Address::parse(folded).is_some_and(|address| marked(&address))
        || folded.parse::<Ipv4Addr>().is_err() && folded.starts_with("2001:db8:")
}
