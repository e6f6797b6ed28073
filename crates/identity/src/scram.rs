//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677), as PostgreSQL runs them inside SASL
//! messages; channel binding is `tls-server-end-point` (RFC 5929 §4).
//!
//! Both sides are machines over bytes: the caller carries the messages and brings the nonces.

mod binding;
mod client;
mod message;
mod server;

pub use binding::ChannelBinding;
pub use client::{Client, ClientKeys, Transport};
pub use server::{Failure, Server};

/// The mechanism without channel binding.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism bound to the TLS channel.
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";
/// Random bytes behind one nonce; the nonce is their base64.
pub const NONCE_BYTES: usize = 18;

/// Longest SCRAM message that is read, in bytes. Real ones stay below 500.
const MAX_MESSAGE_BYTES: usize = 4096;
