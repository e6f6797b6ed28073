//! Keys of signed notes (C2SP signed-note, "Verifier keys").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::is_name;
use crate::{Error, event::shape::hex};

/// Signature type Ed25519.
const ED25519: u8 = 0x01;
/// Signature type of timestamped Ed25519 cosignatures (C2SP tlog-cosignature).
const COSIGNATURE: u8 = 0x04;

/// Name, id and public key of one signature type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key<const TYPE: u8> {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl<const TYPE: u8> Key<TYPE> {
    fn new(name: &str, key: VerifyingKey) -> Result<Key<TYPE>, Error> {
        if !is_name(name) {
            return Err(Error::BadNote(
                "a key name is empty or has spaces or plus signs",
            ));
        }
        Ok(Key {
            name: name.to_owned(),
            id: key_id(name, TYPE, key.as_bytes()),
            key,
        })
    }

    fn parse(text: &str) -> Result<Key<TYPE>, Error> {
        let bad = Error::BadNote("the verifier key is malformed");
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad);
        };
        let key = STANDARD.decode(key).map_err(|_| bad.clone())?;
        let (found, key) = key.split_first().ok_or(bad.clone())?;
        if *found != TYPE {
            return Err(Error::KeyType {
                found: *found,
                expected: TYPE,
            });
        }
        let key = <&[u8; 32]>::try_from(key).map_err(|_| bad.clone())?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| bad.clone())?;
        let this = Key::new(name, key)?;
        if hex(&this.id) == id {
            Ok(this)
        } else {
            Err(bad)
        }
    }

    fn check(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let wrong = || Error::BadSignature {
            name: self.name.clone(),
        };
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        let verified = self.key.verify_strict(message, &signature);
        verified.map_err(|_| wrong())
    }
}

impl<const TYPE: u8> std::fmt::Display for Key<TYPE> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![TYPE];
        key.extend_from_slice(self.key.as_bytes());
        let (name, id) = (&self.name, hex(&self.id));
        write!(f, "{name}+{id}+{}", STANDARD.encode(key))
    }
}

/// A key that verifies a log's notes: `<name>+<hex key id>+<base64 of type and key>`,
/// signature type Ed25519 (0x01).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey(Key<ED25519>);

impl VerifierKey {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`Error::BadNote`]; [`Error::KeyType`] if it is a key of something else.
    pub fn parse(text: &str) -> Result<VerifierKey, Error> {
        Key::parse(text).map(VerifierKey)
    }

    /// Name of the key; for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn id(&self) -> [u8; 4] {
        self.0.id
    }

    /// The bare public key, by which duplicates are found (C2SP tlog-policy).
    pub(crate) fn public(&self) -> &[u8; 32] {
        self.0.key.as_bytes()
    }

    pub(super) fn check(&self, text: &str, signature: &[u8]) -> Result<(), Error> {
        self.0.check(text.as_bytes(), signature)
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A key that verifies a witness's cosignatures of checkpoints: signature type 0x04
/// (C2SP tlog-cosignature, Ed25519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey(Key<COSIGNATURE>);

impl WitnessKey {
    /// Reads the text form.
    ///
    /// # Errors
    /// As [`VerifierKey::parse`].
    pub fn parse(text: &str) -> Result<WitnessKey, Error> {
        Key::parse(text).map(WitnessKey)
    }

    /// Name of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn id(&self) -> [u8; 4] {
        self.0.id
    }

    pub(crate) fn public(&self) -> &[u8; 32] {
        self.0.key.as_bytes()
    }

    /// Checks a `timestamped_signature` of the note's text, and gives its time in
    /// seconds since 1970 UTC.
    pub(super) fn check(&self, text: &str, signature: &[u8]) -> Result<u64, Error> {
        let wrong = || Error::BadSignature {
            name: self.0.name.clone(),
        };
        let (at, signature) = signature.split_first_chunk().ok_or_else(wrong)?;
        let at_s = u64::from_be_bytes(*at);
        if i64::try_from(at_s).is_err() {
            return Err(wrong());
        }
        let message = format!("cosignature/v1\ntime {at_s}\n{text}");
        self.0.check(message.as_bytes(), signature)?;
        Ok(at_s)
    }
}

impl std::fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A key that signs notes. Has no Debug: it is a secret.
pub struct Signer {
    verifier: VerifierKey,
    key: SigningKey,
}

impl Signer {
    /// Makes the key named `name` of 32 random bytes.
    ///
    /// # Errors
    /// [`Error::BadNote`] if the name is empty or has spaces, `+` or control characters.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Signer, Error> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey(Key::new(name, key.verifying_key())?);
        Ok(Signer { verifier, key })
    }

    /// Reads the text form of Go's `sumdb/note`:
    /// `PRIVATE+KEY+<name>+<hex key id>+<base64 of type and seed>`.
    ///
    /// # Errors
    /// [`Error::BadNote`].
    pub fn parse(text: &str) -> Result<Signer, Error> {
        let bad = Error::BadNote("the signing key is malformed");
        let rest = text
            .trim_end_matches('\n')
            .strip_prefix("PRIVATE+KEY+")
            .ok_or(bad.clone())?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad);
        };
        let key = STANDARD.decode(key).map_err(|_| bad.clone())?;
        let [ED25519, seed @ ..] = key.as_slice() else {
            return Err(bad);
        };
        let seed = <&[u8; 32]>::try_from(seed).map_err(|_| bad.clone())?;
        let this = Signer::new(name, seed)?;
        if hex(&this.verifier.id()) == id {
            Ok(this)
        } else {
            Err(bad)
        }
    }

    /// The secret text form; see [`Signer::parse`].
    #[must_use]
    pub fn secret_text(&self) -> String {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        let (name, id) = (self.verifier.name(), hex(&self.verifier.id()));
        format!("PRIVATE+KEY+{name}+{id}+{}", STANDARD.encode(key))
    }

    /// The key that verifies what this one signs.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs `text`, which must end in a newline, and gives the whole note.
    ///
    /// # Errors
    /// [`Error::BadNote`] if it does not.
    pub fn sign(&self, text: &str) -> Result<String, Error> {
        super::sign(text, &[self])
    }

    pub(super) fn signature(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

/// First four bytes of SHA-256 of name, newline, signature type and public key.
fn key_id(name: &str, kind: u8, key: &[u8; 32]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', kind]);
    hasher.update(key);
    let digest: [u8; 32] = hasher.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}
