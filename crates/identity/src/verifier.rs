//! What is stored instead of a secret: the SCRAM-SHA-256 verifier of RFC 5802 §3, in the form
//! PostgreSQL keeps in `pg_authid.rolpassword`.

use crate::error::Error;
use crate::hash::{hmac_sha256, sha256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Iterations for keys created here: RFC 7677 §4's minimum and PostgreSQL's default. Access keys
/// are 160 random bits, so more would cost clients time and buy nothing.
pub const DEFAULT_ITERATIONS: u32 = 4096;
/// Fewest iterations that a verifier or an upstream server may ask for.
pub const MIN_ITERATIONS: u32 = 1;
/// Most iterations that are computed for anybody: about half a second of one core.
pub const MAX_ITERATIONS: u32 = 1_000_000;
/// Length of the salts made here, as in PostgreSQL.
pub const SALT_BYTES: usize = 16;
/// Longest salt that is read.
const MAX_SALT_BYTES: usize = 256;

/// Verifies a secret without being it. Knowing a verifier does not let one log in, but does let one
/// play the server: treat files that hold it as secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Verifier {
    /// Random per principal, 1 to 256 bytes.
    pub(crate) salt: Vec<u8>,
    /// PBKDF2 rounds.
    pub(crate) iterations: u32,
    /// `H(ClientKey)`.
    pub(crate) stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub(crate) server_key: [u8; 32],
}

impl Verifier {
    /// Derives the verifier of `secret`. The secret goes through SASLprep; text that SASLprep
    /// refuses is used as it is, as PostgreSQL and libpq do. `iterations` is held between
    /// [`MIN_ITERATIONS`] and [`MAX_ITERATIONS`].
    pub fn derive(secret: &str, salt: &[u8], iterations: u32) -> Self {
        let iterations = iterations.clamp(MIN_ITERATIONS, MAX_ITERATIONS);
        let mut salted = salted_password(secret, salt, iterations);
        let mut client_key = client_key(&salted);
        let verifier = Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: sha256(&[&client_key]),
            server_key: server_key(&salted),
        };
        salted.zeroize();
        client_key.zeroize();
        verifier
    }

    /// The salt, public in every exchange.
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// PBKDF2 rounds, public in every exchange.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// Is `secret` the one behind this verifier? Costs [`Verifier::iterations`] rounds; the
    /// comparison takes the same time wherever the keys differ.
    pub fn verifies(&self, secret: &str) -> bool {
        let other = Self::derive(secret, &self.salt, self.iterations);
        self.same_keys(&other).into()
    }

    /// Compares the keys in constant time.
    pub(crate) fn same_keys(&self, other: &Self) -> Choice {
        self.stored_key.ct_eq(&other.stored_key) & self.server_key.ct_eq(&other.server_key)
    }
}

/// `Hi(Normalize(password), salt, i)`.
pub(crate) fn salted_password(secret: &str, salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut prepared = match stringprep::saslprep(secret) {
        Ok(prepared) => prepared,
        Err(_) => Cow::Borrowed(secret),
    };
    let mut salted = [0u8; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(prepared.as_bytes(), salt, iterations, &mut salted);
    if let Cow::Owned(copy) = &mut prepared {
        copy.zeroize();
    }
    salted
}

/// `HMAC(SaltedPassword, "Client Key")`.
pub(crate) fn client_key(salted: &[u8; 32]) -> [u8; 32] {
    hmac_sha256(salted, &[b"Client Key"])
}

/// `HMAC(SaltedPassword, "Server Key")`.
pub(crate) fn server_key(salted: &[u8; 32]) -> [u8; 32] {
    hmac_sha256(salted, &[b"Server Key"])
}

/// Decodes exactly 32 bytes of canonical base64.
pub(crate) fn decode_32(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// PostgreSQL's form, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`: for the key file,
/// or to hand a verifier to a server. Not for logs.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SCRAM-SHA-256${}:{}${}:{}",
            self.iterations,
            STANDARD.encode(&self.salt),
            STANDARD.encode(self.stored_key),
            STANDARD.encode(self.server_key)
        )
    }
}

/// In constant time.
impl PartialEq for Verifier {
    fn eq(&self, other: &Self) -> bool {
        let public = self.salt == other.salt && self.iterations == other.iterations;
        bool::from(self.same_keys(other)) && public
    }
}

impl Eq for Verifier {}

/// Shows that there is a verifier, not which.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rest = text
            .strip_prefix("SCRAM-SHA-256$")
            .ok_or(Error::Verifier("another scheme"))?;
        let (cost, keys) = rest
            .split_once('$')
            .ok_or(Error::Verifier("the keys are missing"))?;
        let (iterations, salt) = cost
            .split_once(':')
            .ok_or(Error::Verifier("the salt is missing"))?;
        let (stored, server) = keys
            .split_once(':')
            .ok_or(Error::Verifier("the server key is missing"))?;
        let digits = iterations.bytes().all(|b| b.is_ascii_digit());
        let iterations: u32 = match iterations.parse() {
            Ok(count) if digits && (MIN_ITERATIONS..=MAX_ITERATIONS).contains(&count) => count,
            _ => return Err(Error::Verifier("the iteration count is out of range")),
        };
        let salt = STANDARD
            .decode(salt)
            .map_err(|_| Error::Verifier("the salt is not base64"))?;
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES {
            return Err(Error::Verifier("the salt has a wrong length"));
        }
        let stored_key =
            decode_32(stored).ok_or(Error::Verifier("the stored key is not 32 bytes of base64"))?;
        let server_key =
            decode_32(server).ok_or(Error::Verifier("the server key is not 32 bytes of base64"))?;
        Ok(Self {
            salt,
            iterations,
            stored_key,
            server_key,
        })
    }
}

impl Serialize for Verifier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Verifier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
