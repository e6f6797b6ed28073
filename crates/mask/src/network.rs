//! `inet`, `cidr` and `uuid`: read in either format, so that one address or id has one stand-in
//! whatever column it comes from.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An address with its prefix length, as a digest takes it: what it is, then its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    bytes: [u8; 16],
    length: u8,
    bits: u8,
}

/// `inet`'s family numbers on the wire: PostgreSQL's `PGSQL_AF_INET` and `PGSQL_AF_INET6`.
const FAMILY_4: u8 = 2;
const FAMILY_6: u8 = 3;

impl Address {
    /// `10.0.0.1`, `10.0.0.0/8`, `2001:db8::1/64`; a prefix must be decimal and in range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let mut bytes = [0u8; 16];
        let length = if let Ok(four) = address.parse::<Ipv4Addr>() {
            bytes
                .iter_mut()
                .zip(four.octets())
                .for_each(|(to, from)| *to = from);
            4
        } else {
            bytes = address.parse::<Ipv6Addr>().ok()?.octets();
            16
        };
        let bits = match bits {
            Some(bits) if !bits.bytes().all(|b| b.is_ascii_digit()) => return None,
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= length * 8)?,
            None => length * 8,
        };
        Some(Self {
            bytes,
            length,
            bits,
        })
    }

    /// Family, prefix length, cidr flag, address length, address.
    pub(crate) fn from_wire(raw: &[u8]) -> Option<Self> {
        let ([family, bits, cidr, length], address) = raw.split_first_chunk::<4>()?;
        let expected = match *family {
            FAMILY_4 => 4,
            FAMILY_6 => 16,
            _ => return None,
        };
        let whole = *length == expected && address.len() == usize::from(expected);
        if !whole || *bits > expected * 8 || *cidr > 1 {
            return None;
        }
        let mut bytes = [0u8; 16];
        bytes
            .iter_mut()
            .zip(address)
            .for_each(|(to, from)| *to = *from);
        Some(Self {
            bytes,
            length: expected,
            bits: *bits,
        })
    }

    /// An IPv4 address and its prefix length.
    pub(crate) fn of_four(four: [u8; 4], bits: u8) -> Option<Self> {
        let [a, b, c, d] = four;
        let bytes = [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        (bits <= 32).then_some(Self {
            bytes,
            length: 4,
            bits,
        })
    }

    /// The IPv4 address and its prefix length, if it is one.
    pub(crate) fn four(&self) -> Option<([u8; 4], u8)> {
        let [a, b, c, d, ..] = self.bytes;
        (self.length == 4).then_some(([a, b, c, d], self.bits))
    }

    /// The IPv6 host, if it is one.
    pub(crate) fn six_host(&self) -> Option<[u8; 16]> {
        (self.length == 16 && self.bits == 128).then_some(self.bytes)
    }

    /// The address, at the start; zeros follow one of IPv4.
    pub(crate) fn octets(&self) -> [u8; 16] {
        self.bytes
    }

    /// Appends it as `inet_send` and `cidr_send` do.
    pub(crate) fn to_wire(self, cidr: u8, out: &mut Vec<u8>) {
        let family = if self.length == 4 { FAMILY_4 } else { FAMILY_6 };
        out.extend_from_slice(&[family, self.bits, cidr, self.length]);
        out.extend(self.bytes.iter().take(usize::from(self.length)));
    }

    /// What a digest takes. The leading NUL keeps it apart from any text.
    pub(crate) fn parts(&self) -> [[u8; 8]; 3] {
        let mut parts = [
            [0, b'i', b'p', self.length, self.bits, 0, 0, 0],
            [0; 8],
            [0; 8],
        ];
        let [_, high, low] = &mut parts;
        high.iter_mut()
            .chain(low)
            .zip(self.bytes)
            .for_each(|(to, from)| *to = from);
        parts
    }

    /// An IPv6 host.
    pub(crate) fn of_six(bytes: [u8; 16]) -> Self {
        Self {
            bytes,
            length: 16,
            bits: 128,
        }
    }

    /// The prefix length of a host, which `inet_out` leaves out.
    pub(crate) fn host_bits(&self) -> Option<u8> {
        (self.bits == self.length * 8).then_some(self.bits)
    }
}

/// As `inet_out` writes it: a host without its prefix length.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.four() {
            Some((four, _)) => write!(f, "{}", Ipv4Addr::from(four))?,
            None => write!(f, "{}", Ipv6Addr::from(self.bytes))?,
        }
        if self.bits < self.length * 8 {
            write!(f, "/{}", self.bits)?;
        }
        Ok(())
    }
}

/// A UUID as PostgreSQL writes it, or in capitals, or without hyphens.
pub(crate) fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    let hyphened = match bytes.len() {
        36 => true,
        32 => false,
        _ => return None,
    };
    let mut uuid = [0u8; 16];
    let mut digits = 0usize;
    for (at, byte) in bytes.iter().enumerate() {
        if hyphened && matches!(at, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(*byte).to_digit(16)? as u8;
        let place = uuid.get_mut(digits / 2)?;
        *place = *place << 4 | digit;
        digits += 1;
    }
    (digits == 32).then_some(uuid)
}

/// A MAC address of six octets, with colons, hyphens or nothing between them.
pub(crate) fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mark = text
        .as_bytes()
        .get(2)
        .filter(|byte| matches!(byte, b':' | b'-'));
    let width = if mark.is_some() { 3 } else { 2 };
    let mut mac = [0u8; 6];
    let mut rest = text;
    for (at, octet) in mac.iter_mut().enumerate() {
        let (one, after) = rest.split_at_checked(width.min(rest.len()))?;
        let (digits, between) = one.split_at_checked(2)?;
        let last = at == 5;
        let right = match mark {
            Some(mark) if !last => between.as_bytes() == [*mark],
            Some(_) | None => between.is_empty(),
        };
        if !right || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *octet = u8::from_str_radix(digits, 16).ok()?;
        rest = after;
    }
    rest.is_empty().then_some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_mean_the_same_address() {
        for (text, wire) in [
            ("10.0.0.1", vec![2, 32, 0, 4, 10, 0, 0, 1]),
            ("10.0.0.0/8", vec![2, 8, 1, 4, 10, 0, 0, 0]),
            ("::1", [vec![3, 128, 0, 16], vec![0; 15], vec![1]].concat()),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(Some(address), Address::from_wire(&wire), "{text}");
        }
        for text in [
            "",
            "10.0.0",
            "10.0.0.1/33",
            "10.0.0.1/",
            "10.0.0.1/+8",
            "::1/129",
            "x",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
        for wire in [
            &[][..],
            &[2, 32, 0, 4, 10, 0, 0],
            &[2, 33, 0, 4, 1, 1, 1, 1],
            &[4, 32, 0, 4, 1, 1, 1, 1],
        ] {
            assert_eq!(Address::from_wire(wire), None);
        }
    }

    #[test]
    fn uuids_are_read_in_three_spellings() {
        let expected = parse_uuid("0123456789abcdef0123456789abcdef");
        assert!(expected.is_some());
        assert_eq!(parse_uuid("01234567-89ab-cdef-0123-456789abcdef"), expected);
        assert_eq!(parse_uuid("01234567-89AB-CDEF-0123-456789ABCDEF"), expected);
        for text in [
            "",
            "01234567-89ab-cdef-0123-456789abcde",
            "01234567089ab-cdef-0123-456789abcdef",
            &"é".repeat(18),
        ] {
            assert_eq!(parse_uuid(text), None, "{text}");
        }
    }

    #[test]
    fn mac_addresses_are_read_in_three_spellings() {
        let expected = Some([0x08, 0, 0x2b, 1, 2, 0xff]);
        for text in ["08:00:2b:01:02:ff", "08-00-2B-01-02-FF", "08002b0102ff"] {
            assert_eq!(parse_mac(text), expected, "{text}");
        }
        for text in [
            "",
            "08:00:2b:01:02",
            "08:00:2b:01:02:ff:",
            "08:00-2b:01:02:ff",
            "+8:00:2b:01:02:ff",
            "é:00:2b:01:02:ff",
            "08002b0102f",
        ] {
            assert_eq!(parse_mac(text), None, "{text}");
        }
    }
}
