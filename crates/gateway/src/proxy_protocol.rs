//! PROXY protocol version 2: the true address behind a balancer
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>, §2.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Header before the address block, bytes.
pub(crate) const FIXED_BYTES: usize = 16;
/// The longest address block taken, TLVs included, bytes.
const LIMIT_BYTES: usize = 4096;

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// More bytes are needed.
    Partial,
    /// Not a version 2 header: a listener that wants one closes.
    Malformed,
    /// Consumed bytes, and the client's address (none for LOCAL, the balancer's own checks).
    Whole(usize, Option<SocketAddr>),
}

/// Length of the address block that follows the fixed header, if it is one.
pub(crate) fn block_length(fixed: &[u8]) -> Option<usize> {
    let [version_command, _, high, low] = fixed.get(12..FIXED_BYTES)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    (fixed.starts_with(SIGNATURE) && version_command >> 4 == 2 && length <= LIMIT_BYTES)
        .then_some(length)
}

/// Reads the header at the start of `buffer`.
pub(crate) fn header(buffer: &[u8]) -> Header {
    let known = buffer.len().min(SIGNATURE.len());
    if buffer.get(..known) != SIGNATURE.get(..known) {
        return Header::Malformed;
    }
    let Some([version_command, family, high, low]) = buffer.get(12..FIXED_BYTES) else {
        return Header::Partial;
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if version_command >> 4 != 2 || length > LIMIT_BYTES {
        return Header::Malformed;
    }
    let Some(block) = buffer.get(FIXED_BYTES..FIXED_BYTES + length) else {
        return Header::Partial;
    };
    let consumed = FIXED_BYTES + length;
    match (version_command & 0xf, family) {
        (0, _) => Header::Whole(consumed, None),
        (1, 0x11) => match block.first_chunk::<12>() {
            Some(&[a, b, c, d, _, _, _, _, p, q, _, _]) => Header::Whole(
                consumed,
                Some(
                    (
                        IpAddr::from(Ipv4Addr::new(a, b, c, d)),
                        u16::from_be_bytes([p, q]),
                    )
                        .into(),
                ),
            ),
            None => Header::Malformed,
        },
        (1, 0x21) => {
            let address = block
                .first_chunk::<16>()
                .map(|octets| Ipv6Addr::from(*octets));
            let port = block
                .get(32..34)
                .and_then(|p| p.first_chunk::<2>())
                .map(|p| u16::from_be_bytes(*p));
            match (address, port) {
                (Some(address), Some(port)) => {
                    Header::Whole(consumed, Some((IpAddr::from(address), port).into()))
                }
                _ => Header::Malformed,
            }
        }
        _ => Header::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([
            0x21, 0x11, 0, 12, 10, 1, 2, 3, 127, 0, 0, 1, 0x30, 0x39, 0x15, 0x38,
        ]);
        bytes
    }

    #[test]
    fn reads_the_client_address_and_waits_for_all_of_it() {
        let bytes = v4();
        for cut in 0..bytes.len() {
            assert_eq!(header(&bytes[..cut]), Header::Partial, "{cut}");
        }
        assert_eq!(
            header(&bytes),
            Header::Whole(28, Some("10.1.2.3:12345".parse().unwrap()))
        );
    }

    #[test]
    fn refuses_what_is_not_version_2() {
        assert_eq!(
            header(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"),
            Header::Malformed
        );
        assert_eq!(header(&[0, 0, 0, 8]), Header::Malformed);
        let mut long = v4();
        long[14] = 0xff;
        assert_eq!(header(&long), Header::Malformed);
    }
}
