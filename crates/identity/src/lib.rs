//! Verified identity: access keys, SCRAM and principals.
//!
//! Everything here is pure: time, random bytes and files are arguments. A secret is never stored
//! (only its SCRAM verifier), never printed (it lives in a [`Secret`]) and never compared in
//! variable time. Whoever fails to prove who they are learns only that the proof failed.
//!
//! - [`Principal`]: who a session is, once proved.
//! - [`KeyRing`]: the access keys, their expiry and revocation, and the stable mock salt that hides
//!   which principals exist.
//! - [`scram`]: RFC 5802/7677 exchanges in both roles.

mod error;
mod hash;
mod key;
mod principal;
mod ring;
pub mod scram;
mod secret;
mod verifier;

pub use error::Error;
pub use key::{AccessKey, KEY_RANDOM_BYTES, KEY_SECRET_CHARS, KeyId, Standing, check_key_secret};
pub use principal::{Kind, Principal, check_principal_id};
pub use ring::{Challenge, KeyRing, MAX_ACTIVE_KEYS, MAX_KEYS, MAX_TRIED_KEYS};
pub use secret::Secret;
pub use verifier::{DEFAULT_ITERATIONS, MAX_ITERATIONS, MIN_ITERATIONS, SALT_BYTES, Verifier};
