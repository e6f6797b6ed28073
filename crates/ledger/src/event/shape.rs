//! Digests that stand in clear: of literal-free shapes, and keyed ones of names.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 of a literal-free statement shape, as 32 hexadecimal digits (128 bits).
#[must_use]
pub fn shape_hash(shape: &str) -> String {
    let mut digest = hex(&Sha256::digest(shape.as_bytes()));
    digest.truncate(32);
    digest
}

/// Keyed digest of a name somebody typed (a target or user that may not exist), as
/// 32 hexadecimal digits: equal names are seen to be equal, and without `key` a
/// guess cannot be tested.
#[must_use]
pub fn name_digest(key: &[u8; 32], name: &str) -> String {
    // HMAC takes a key of any length, so the error cannot happen; an empty digest
    // would say less, not more.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(b"weir ledger name\0");
    mac.update(name.as_bytes());
    let mut digest = hex(&mac.finalize().into_bytes());
    digest.truncate(32);
    digest
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    out
}
