//! Signed notes and their keys (C2SP signed-note), Ed25519 only.
//!
//! A note is a text that ends in a newline, an empty line, and signature lines
//! `— <name> <base64 of key id and signature>`. Signatures of unknown keys are
//! ignored; the one that was asked for must be there and verify.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{Error, event::shape::hex};

/// Signature type Ed25519.
const ED25519: u8 = 0x01;
/// Most bytes of a note.
const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signatures that are looked at.
const MAX_SIGNATURES: usize = 100;

/// A key that verifies notes: `<name>+<hex key id>+<base64 of type and key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    /// Name of the key; for a log its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`Error::BadNote`].
    pub fn parse(text: &str) -> Result<VerifierKey, Error> {
        let bad = Error::BadNote("the verifier key is malformed");
        let mut parts = text.trim_end_matches('\n').splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad);
        };
        let key = STANDARD.decode(key).map_err(|_| bad.clone())?;
        let [ED25519, key @ ..] = key.as_slice() else {
            return Err(Error::BadNote("the verifier key is not Ed25519"));
        };
        let key = <&[u8; 32]>::try_from(key).map_err(|_| bad.clone())?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| bad.clone())?;
        if !is_name(name) {
            return Err(bad);
        }
        let this = VerifierKey {
            name: name.to_owned(),
            id: key_id(name, &key),
            key,
        };
        if hex(&this.id) == id {
            Ok(this)
        } else {
            Err(bad)
        }
    }

    /// Checks that this key signed `note`, and gives the text that it signed.
    ///
    /// # Errors
    /// [`Error::BadNote`], [`Error::NotSigned`], [`Error::BadSignature`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, Error> {
        if note.len() > MAX_NOTE_BYTES {
            return Err(Error::BadNote("it is too long"));
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(Error::BadNote("it holds control characters"));
        }
        let split = note
            .rfind("\n\n")
            .ok_or(Error::BadNote("it has no signatures"))?;
        let (text, signatures) = note.split_at(split.saturating_add(1));
        let signatures = signatures
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or(Error::BadNote("the last line is cut short"))?;
        let mut signed = false;
        for line in signatures.split('\n').take(MAX_SIGNATURES) {
            signed |= self.check_line(text, line)?;
        }
        if signed {
            Ok(text)
        } else {
            Err(Error::NotSigned {
                name: self.name.clone(),
            })
        }
    }

    /// Whether this signature line is by this key; an error if it is and is wrong.
    fn check_line(&self, text: &str, line: &str) -> Result<bool, Error> {
        let bad = Error::BadNote("a signature line is malformed");
        let (name, signature) = line
            .strip_prefix("\u{2014} ")
            .and_then(|rest| rest.split_once(' '))
            .ok_or(bad.clone())?;
        let signature = STANDARD.decode(signature).map_err(|_| bad.clone())?;
        let (id, signature) = signature.split_first_chunk::<4>().ok_or(bad.clone())?;
        if !is_name(name) || signature.is_empty() {
            return Err(bad);
        }
        if name != self.name || *id != self.id {
            return Ok(false);
        }
        let wrong = Error::BadSignature {
            name: self.name.clone(),
        };
        let signature = Signature::from_slice(signature).map_err(|_| wrong.clone())?;
        self.key
            .verify_strict(text.as_bytes(), &signature)
            .map_err(|_| wrong)?;
        Ok(true)
    }
}

impl std::fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex(&self.id),
            STANDARD.encode(key)
        )
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
        if !is_name(name) {
            return Err(Error::BadNote(
                "a key name is empty or has spaces or plus signs",
            ));
        }
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let verifier = VerifierKey {
            name: name.to_owned(),
            id: key_id(name, &public),
            key: public,
        };
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
        if hex(&this.verifier.id) == id {
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
        let (name, id) = (&self.verifier.name, hex(&self.verifier.id));
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
        if !text.ends_with('\n') {
            return Err(Error::BadNote("the text does not end in a newline"));
        }
        let mut signature = self.verifier.id.to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        let name = &self.verifier.name;
        Ok(format!(
            "{text}\n\u{2014} {name} {}\n",
            STANDARD.encode(signature)
        ))
    }
}

/// C2SP signed-note: not empty, no spaces, no plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

/// First four bytes of SHA-256 of name, newline, signature type and public key.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
