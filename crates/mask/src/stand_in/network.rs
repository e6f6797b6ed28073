//! Addresses and UUIDs, as text and as bytes.

use super::{Draw, hex};
use crate::key::Digest;

/// RFC 3849's prefix; RFC 5737's where IPv6 is too long (254 values, so many share one).
pub(super) fn ip(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    if chars < "2001:db8::ffff:ffff:ffff:ffff".len() {
        if chars < "192.0.2.255".len() {
            return None;
        }
        out.extend_from_slice(b"192.0.2.");
        let host = draw.bits(64) % 254 + 1;
        if host >= 100 {
            out.push(b'0' + (host / 100) as u8);
        }
        if host >= 10 {
            out.push(b'0' + (host / 10 % 10) as u8);
        }
        out.push(b'0' + (host % 10) as u8);
        return Some(());
    }
    out.extend_from_slice(b"2001:db8:");
    for group in ip_groups(draw) {
        out.push(b':');
        for shift in [12, 8, 4, 0] {
            out.push(hex((group >> shift) as u8));
        }
    }
    Some(())
}

/// The last four groups; none has a leading zero, so there is one way to write the address.
fn ip_groups(draw: &mut Draw) -> [u16; 4] {
    std::array::from_fn(|_| 0x8000 | draw.bits(15) as u16)
}

/// The address that [`Rule::Ip`] writes, as bytes.
pub(crate) fn ip_bytes(digest: &Digest) -> [u8; 16] {
    let mut address = [0u8; 16];
    let prefix = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0];
    let groups = ip_groups(&mut Draw::new(digest))
        .into_iter()
        .flat_map(u16::to_be_bytes);
    address
        .iter_mut()
        .zip(prefix.into_iter().chain(groups))
        .for_each(|(to, from)| *to = from);
    address
}

/// A version 8 UUID (RFC 9562 §5.8): 122 bits of the digest.
pub(crate) fn uuid_bytes(digest: &Digest) -> [u8; 16] {
    let mut bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = *version & 0x0f | 0x80;
    *variant = *variant & 0x3f | 0x80;
    bytes
}

pub(super) fn uuid(digest: &Digest, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let dashes = match chars {
        0..=31 => return None,
        32..=35 => false,
        _ => true,
    };
    for (at, byte) in uuid_bytes(digest).into_iter().enumerate() {
        if dashes && matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.push(hex(byte >> 4));
        out.push(hex(byte));
    }
    Some(())
}

/// The quadrant that IEEE 802c reserves: second digit 6.
pub(crate) fn mac_bytes(digest: &Digest) -> [u8; 6] {
    let mut mac = digest.first_chunk::<6>().copied().unwrap_or_default();
    let [first, ..] = &mut mac;
    *first = *first & 0xf0 | 0x06;
    mac
}

pub(super) fn mac(digest: &Digest, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let colons = match chars {
        0..=11 => return None,
        12..=16 => false,
        _ => true,
    };
    for (at, byte) in mac_bytes(digest).into_iter().enumerate() {
        if colons && at > 0 {
            out.push(b':');
        }
        out.push(hex(byte >> 4));
        out.push(hex(byte));
    }
    Some(())
}
