//! `tls-server-end-point` (RFC 5929 §4.1): the hash of the server's certificate, with the digest of
//! the certificate's own signature, where MD5 and SHA-1 count as SHA-256.

use sha2::{Digest, Sha256, Sha384, Sha512};

/// The channel-binding data of one TLS connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelBinding(Vec<u8>);

impl ChannelBinding {
    /// From a hash that somebody else took of the certificate.
    pub fn tls_server_end_point(hash: Vec<u8>) -> Self {
        Self(hash)
    }

    /// From the server's end-entity certificate in DER. `None` when its signature algorithm names
    /// no digest (Ed25519, Ed448) or none that is known: then there is nothing to bind to.
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let hash = match signature_digest(der)? {
            Hash::Sha256 => Sha256::digest(der).to_vec(),
            Hash::Sha384 => Sha384::digest(der).to_vec(),
            Hash::Sha512 => Sha512::digest(der).to_vec(),
        };
        Some(Self(hash))
    }

    /// The data, as `c=` carries it behind the header.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// DER contents of object identifiers; RFC 8017 appendix C, RFC 5758 §3.2, RFC 3279 §2.2.
const SIGNATURES: &[(&[u8], Hash)] = &[
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        Hash::Sha256,
    ), // md5WithRSA
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        Hash::Sha256,
    ), // sha1WithRSA
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        Hash::Sha256,
    ), // sha256WithRSA
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        Hash::Sha384,
    ), // sha384WithRSA
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        Hash::Sha512,
    ), // sha512WithRSA
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], Hash::Sha256), // ecdsa-with-SHA1
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        Hash::Sha256,
    ), // ecdsa-with-SHA256
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        Hash::Sha384,
    ), // ecdsa-with-SHA384
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        Hash::Sha512,
    ), // ecdsa-with-SHA512
];
const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// Digests as RSASSA-PSS parameters name them.
const DIGESTS: &[(&[u8], Hash)] = &[
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1a], Hash::Sha256), // sha1
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        Hash::Sha256,
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02],
        Hash::Sha384,
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03],
        Hash::Sha512,
    ),
];

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const CONTEXT_0: u8 = 0xa0;

/// `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }` (RFC 5280 §4.1).
fn signature_digest(der: &[u8]) -> Option<Hash> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (_, rest) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(rest, SEQUENCE)?;
    let (oid, parameters) = element(algorithm, OBJECT_IDENTIFIER)?;
    if oid != RSASSA_PSS {
        return find(SIGNATURES, oid);
    }
    let (parameters, _) = element(parameters, SEQUENCE)?;
    match element(parameters, CONTEXT_0) {
        Some((hash, _)) => {
            let (hash, _) = element(hash, SEQUENCE)?;
            let (oid, _) = element(hash, OBJECT_IDENTIFIER)?;
            find(DIGESTS, oid)
        }
        // The default is SHA-1 (RFC 8017 A.2.3).
        None => Some(Hash::Sha256),
    }
}

fn find(table: &[(&[u8], Hash)], oid: &[u8]) -> Option<Hash> {
    table
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, hash)| *hash)
}

/// The contents of the element with this tag at the start of `der`, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (
                bytes
                    .iter()
                    .fold(0, |length, byte| (length << 8) | usize::from(*byte)),
                rest,
            )
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
pub(crate) mod tests;
