//! One access key, and the text form of its secret.
//!
//! A secret is `weir_`, 32 characters that carry 160 random bits, and 6 that carry a 30-bit
//! checksum: 43 characters of `[a-z2-7_]`, short enough for every pooler, without characters that
//! look alike (`0 1 8 9`), selected whole by a double click, and found by secret scanners as
//! `weir_[a-z2-7]{38}`.

use crate::error::Error;
use crate::hash::{base32, is_base32, sha256};
use crate::secret::Secret;
use crate::verifier::Verifier;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroize;

/// Random bytes in one secret.
pub const KEY_RANDOM_BYTES: usize = 20;
/// Length of a secret's text, in characters.
pub const KEY_SECRET_CHARS: usize = PREFIX.len() + BODY_CHARS + CHECKSUM_CHARS;

const PREFIX: &str = "weir_";
const BODY_CHARS: usize = KEY_RANDOM_BYTES * 8 / 5;
const CHECKSUM_CHARS: usize = 6;
const ID_CHARS: usize = 12;

/// Names a key in commands, in the ledger and in messages. Public: it is derived from the secret,
/// but from 160 random bits there is no way back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id as text, such as `key_3fmk2v7qa4zt`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that a principal may log in with. The secret itself is shown once and kept nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// Its name.
    pub id: KeyId,
    /// Id of the principal it belongs to.
    pub principal: String,
    /// Verifies the secret.
    pub verifier: Verifier,
    /// Unix time in milliseconds.
    pub created_ms: u64,
    /// First millisecond at which it no longer works; `None`: until revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// When it was revoked. A revoked key stays revoked, whatever the clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<u64>,
}

/// What a key is good for at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It opens a session.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody withdrew it.
    Revoked,
}

impl AccessKey {
    /// The key's standing at `now_ms`. Revoked wins over expired.
    pub fn standing(&self, now_ms: u64) -> Standing {
        if self.revoked_ms.is_some() {
            Standing::Revoked
        } else if self.expires_ms.is_some_and(|expires| now_ms >= expires) {
            Standing::Expired
        } else {
            Standing::Active
        }
    }
}

/// The secret's text for the given random bytes.
pub(crate) fn key_secret(random: &[u8; KEY_RANDOM_BYTES]) -> Secret<String> {
    let mut body = base32(random);
    let mut text = String::with_capacity(KEY_SECRET_CHARS);
    text.push_str(PREFIX);
    text.push_str(&body);
    text.push_str(&checksum(&body));
    body.zeroize();
    Secret::new(text)
}

/// The id of the key with the given random bytes.
pub(crate) fn key_id(random: &[u8; KEY_RANDOM_BYTES]) -> KeyId {
    let digest = base32(&sha256(&[b"weir access key id", random]));
    KeyId(format!("key_{}", digest.get(..ID_CHARS).unwrap_or(&digest)))
}

/// Tells a mistyped or truncated secret from a well-formed one, without knowing any key. Says
/// nothing about whether the key exists.
pub fn check_key_secret(text: &str) -> Result<(), Error> {
    let rest = text.strip_prefix(PREFIX).ok_or(Error::KeyForm)?;
    let (body, sum) = rest.split_at_checked(BODY_CHARS).ok_or(Error::KeyForm)?;
    if sum.len() != CHECKSUM_CHARS || !is_base32(rest) {
        return Err(Error::KeyForm);
    }
    if checksum(body) == sum {
        Ok(())
    } else {
        Err(Error::KeyChecksum)
    }
}

/// The first 30 bits of a domain-separated SHA-256.
fn checksum(body: &str) -> String {
    let mut text = base32(&sha256(&[b"weir access key checksum", body.as_bytes()]));
    text.truncate(CHECKSUM_CHARS);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_documented_form() {
        let secret = key_secret(&[7; KEY_RANDOM_BYTES]);
        let text = secret.expose();
        assert_eq!(text.len(), KEY_SECRET_CHARS);
        assert_eq!(KEY_SECRET_CHARS, 43);
        assert!(text.starts_with("weir_") && is_base32(&text[5..]), "{text}");
        assert_eq!(check_key_secret(text), Ok(()));
    }

    #[test]
    fn every_single_typo_and_swap_is_detected() {
        let secret = key_secret(&std::array::from_fn(|i| (i * 37) as u8));
        let text = secret.expose();
        for at in 5..text.len() {
            for other in "abcdefghijklmnopqrstuvwxyz234567".chars() {
                let mut typo: Vec<char> = text.chars().collect();
                if typo[at] != other {
                    typo[at] = other;
                    let typo: String = typo.iter().collect();
                    assert_eq!(check_key_secret(&typo), Err(Error::KeyChecksum), "{typo}");
                }
            }
            let mut swapped: Vec<char> = text.chars().collect();
            if at > 5 && swapped[at] != swapped[at - 1] {
                swapped.swap(at, at - 1);
                let swapped: String = swapped.iter().collect();
                assert_eq!(
                    check_key_secret(&swapped),
                    Err(Error::KeyChecksum),
                    "{swapped}"
                );
            }
        }
    }

    #[test]
    fn other_texts_are_not_keys() {
        let good = key_secret(&[1; KEY_RANDOM_BYTES]);
        let good = good.expose();
        for text in [
            String::new(),
            "hunter2".to_owned(),
            "weir_".to_owned(),
            good[..good.len() - 1].to_owned(),
            format!("{good}a"),
            format!(" {good}"),
            good.to_uppercase(),
            good.replacen("weir_", "weir-", 1),
            format!("weir_{}é{}", "a".repeat(31), "a".repeat(5)),
        ] {
            assert_eq!(check_key_secret(&text), Err(Error::KeyForm), "{text}");
        }
    }

    #[test]
    fn ids_differ_and_do_not_repeat_the_secret() {
        let (a, b) = (key_id(&[1; 20]), key_id(&[2; 20]));
        assert_ne!(a, b);
        assert_eq!(a.as_str().len(), 4 + ID_CHARS);
        assert!(!key_secret(&[1; 20]).expose().contains(&a.as_str()[4..]));
    }
}
