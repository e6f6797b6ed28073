//! Disclosures are encrypted before they are written, under a key of their subject
//! that can be destroyed (DESIGN §8): then they are gone from every copy, and the
//! digests in the tree stay what they are.
//!
//! One *envelope* holds the disclosures of one subject in one entry: AES-256-GCM with
//! a random 96-bit nonce (NIST SP 800-38D §8.2.2; at most 2³² messages per key).
//! The key id in the envelope is random, so it finds a subject's entries only for who
//! holds the key table.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::{Error, event::shape::hex};

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const VERSION: u8 = 1;
/// Length, version, key id and nonce.
const HEAD_BYTES: usize = 4 + 1 + 16 + NONCE_BYTES;

/// Random name of a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 16]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl std::str::FromStr for KeyId {
    type Err = Error;

    /// Reads what [`std::fmt::Display`] writes.
    fn from_str(text: &str) -> Result<KeyId, Error> {
        let bad = Error::BadSeal("not the id of a key");
        let mut id = [0; 16];
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(bad);
        }
        for (to, from) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(from).map_err(|_| bad.clone())?;
            *to = u8::from_str_radix(digits, 16).map_err(|_| bad.clone())?;
        }
        Ok(KeyId(id))
    }
}

impl std::fmt::Debug for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// The key of one subject, ready for use. Has no secret to show.
pub struct SubjectKey {
    id: KeyId,
    cipher: Aes256Gcm,
}

impl std::fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SubjectKey {
    /// Prepares a key.
    #[must_use]
    pub fn new(id: KeyId, secret: &[u8; 32]) -> SubjectKey {
        let mut key = Key::<Aes256Gcm>::from(*secret);
        let cipher = Aes256Gcm::new(&key);
        key.as_mut_slice().zeroize();
        SubjectKey { id, cipher }
    }

    /// Name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Appends one envelope with `encoded` disclosures to `out`. `nonce` must be
    /// random and never used before with this key.
    ///
    /// # Errors
    /// [`Error::BadSeal`] if the disclosures are longer than an envelope can be (4 GiB).
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        encoded: &[String],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let bytes = encoded
            .iter()
            .map(|one| one.len().saturating_add(1))
            .sum::<usize>();
        let length = bytes.saturating_add(HEAD_BYTES - 4 + TAG_BYTES);
        let length = u32::try_from(length).map_err(|_| Error::BadSeal("too long"))?;
        out.reserve(bytes.saturating_add(HEAD_BYTES + TAG_BYTES));
        out.extend_from_slice(&length.to_le_bytes());
        out.push(VERSION);
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(nonce);
        let start = out.len();
        for one in encoded {
            out.extend_from_slice(one.as_bytes());
            out.push(b'~');
        }
        let plain = out.get_mut(start..).unwrap_or_default();
        let tag = self
            .cipher
            .encrypt_inout_detached(&Nonce::from(*nonce), &associated(self.id), plain.into())
            .map_err(|_| Error::BadSeal("too long"))?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// Opens an envelope.
    ///
    /// # Errors
    /// [`Error::Unsealable`] if it was altered or is of another key.
    pub fn open(&self, envelope: &Envelope<'_>) -> Result<Vec<String>, Error> {
        let text = self.open_bytes(envelope)?;
        let text = String::from_utf8(text).map_err(|_| Error::Unsealable)?;
        Ok(text.split('~').map(str::to_owned).collect())
    }

    /// Opens an envelope, and gives its disclosures with `~` between them.
    ///
    /// # Errors
    /// As [`SubjectKey::open`].
    pub fn open_bytes(&self, envelope: &Envelope<'_>) -> Result<Vec<u8>, Error> {
        let mut plain = envelope.sealed.to_vec();
        let (text, tag) = plain
            .split_last_chunk_mut::<TAG_BYTES>()
            .ok_or(Error::Unsealable)?;
        self.cipher
            .decrypt_inout_detached(
                &Nonce::from(*envelope.nonce),
                &associated(envelope.key),
                (&mut *text).into(),
                &(*tag).into(),
            )
            .map_err(|_| Error::Unsealable)?;
        let length = text.strip_suffix(b"~").ok_or(Error::Unsealable)?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

fn associated(id: KeyId) -> [u8; 32] {
    let mut out = *b"weir-disclosure\x01................";
    for (to, from) in out.iter_mut().skip(16).zip(id.0) {
        *to = from;
    }
    out
}

/// The sealed disclosures of one subject in one entry.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The key they are sealed under.
    pub key: KeyId,
    nonce: &'a [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

/// Splits the sealed part of an entry into its envelopes.
///
/// # Errors
/// [`Error::BadSeal`] if lengths or versions do not fit.
pub fn envelopes(bytes: &[u8]) -> Result<Vec<Envelope<'_>>, Error> {
    each_envelope(bytes).collect()
}

/// As [`envelopes`], one after the other; nothing follows an error.
pub fn each_envelope(mut bytes: &[u8]) -> impl Iterator<Item = Result<Envelope<'_>, Error>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let taken = take_envelope(bytes);
        bytes = taken.as_ref().map_or(&[], |(_, rest)| *rest);
        Some(taken.map(|(envelope, _)| envelope))
    })
}

fn take_envelope(bytes: &[u8]) -> Result<(Envelope<'_>, &[u8]), Error> {
    const SHORT: Error = Error::BadSeal("cut short");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| SHORT)?;
    let (envelope, rest) = rest.split_at_checked(length).ok_or(SHORT)?;
    let (version, envelope) = envelope.split_first().ok_or(SHORT)?;
    if *version != VERSION {
        return Err(Error::BadSeal("unknown version"));
    }
    let (key, envelope) = envelope.split_first_chunk::<16>().ok_or(SHORT)?;
    let (nonce, sealed) = envelope.split_first_chunk::<NONCE_BYTES>().ok_or(SHORT)?;
    let envelope = Envelope {
        key: KeyId(*key),
        nonce,
        sealed,
    };
    Ok((envelope, rest))
}

/// Keyed digest under which the key table knows a subject without naming it.
#[must_use]
pub fn blind_index(root: &[u8; 32], subject: Option<&str>) -> [u8; 32] {
    let mut key = [0; 32];
    // Both lengths are fixed and legal; if they were not, every subject would share
    // one index, and then one key: erasure would reach too far, never too short.
    let _ = Hkdf::<Sha256>::new(None, root).expand(b"weir ledger blind index v1", &mut key);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else {
        return [0; 32];
    };
    key.zeroize();
    match subject {
        None => mac.update(b"\0"),
        Some(subject) => {
            mac.update(b"\x01");
            mac.update(subject.as_bytes());
        }
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (SubjectKey, Vec<u8>) {
        let key = SubjectKey::new(KeyId([3; 16]), &[9; 32]);
        let mut out = Vec::new();
        key.seal(&[1; NONCE_BYTES], &["abc".into(), "de".into()], &mut out)
            .unwrap();
        key.seal(&[2; NONCE_BYTES], &["f".into()], &mut out)
            .unwrap();
        (key, out)
    }

    #[test]
    fn opens_what_it_sealed() {
        let (key, bytes) = sealed();
        let envelopes = envelopes(&bytes).unwrap();
        assert_eq!(envelopes.len(), 2);
        assert_eq!(key.open(&envelopes[0]).unwrap(), ["abc", "de"]);
        assert_eq!(key.open(&envelopes[1]).unwrap(), ["f"]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (key, bytes) = sealed();
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[position] ^= 1 << bit;
                let noticed = match envelopes(&bytes) {
                    Err(_) => true,
                    Ok(all) => all
                        .iter()
                        .any(|one| one.key != key.id() || key.open(one).is_err()),
                };
                assert!(noticed, "byte {position} bit {bit}");
            }
        }
    }

    #[test]
    fn a_blind_index_needs_the_root() {
        assert_eq!(
            blind_index(&[1; 32], Some("a")),
            blind_index(&[1; 32], Some("a"))
        );
        assert_ne!(
            blind_index(&[1; 32], Some("a")),
            blind_index(&[2; 32], Some("a"))
        );
        assert_ne!(blind_index(&[1; 32], Some("")), blind_index(&[1; 32], None));
    }
}
