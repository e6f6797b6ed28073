//! The server's side: somebody proves to hold one of a principal's keys.

use super::binding::ChannelBinding;
use super::message::{self, BindingFlag};
use super::{NONCE_BYTES, SCRAM_SHA_256, SCRAM_SHA_256_PLUS};
use crate::hash::{hmac_sha256, sha256};
use crate::key::KeyId;
use crate::ring::Challenge;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Why a login failed: for the ledger. What the client may read is [`Failure::public`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Client: broke RFC 5802's form.
    #[error("malformed SCRAM message: {0}")]
    Malformed(&'static str),
    /// Client: chose a mechanism that was not offered.
    #[error("the client chose a mechanism that was not offered")]
    Mechanism,
    /// Client or somebody between: flag and mechanism contradict each other.
    #[error("the channel binding flag does not fit the chosen mechanism")]
    Flag,
    /// Somebody between: the client was told that the server cannot bind, but it can (RFC 5802 §6).
    #[error("downgrade: the client was not shown SCRAM-SHA-256-PLUS, which was offered")]
    Downgrade,
    /// Somebody between: the client is bound to another TLS channel.
    #[error("the client is bound to another TLS channel")]
    ChannelBinding,
    /// Client: answers another exchange.
    #[error("the nonce belongs to another exchange")]
    Nonce,
    /// Client: no key of this principal was proved; the principal may not exist.
    #[error("no key of this principal was proved")]
    Proof,
    /// Client: proved a key whose time is over.
    #[error("the key {0} has expired")]
    Expired(KeyId),
    /// Client: proved a key that was withdrawn.
    #[error("the key {0} was revoked")]
    Revoked(KeyId),
    /// Client: a cleartext secret that is no access key.
    #[error("the password is not an access key")]
    KeyForm,
    /// Client: a cleartext secret that was mistyped.
    #[error("the access key was mistyped")]
    KeyChecksum,
    /// Bug: messages were fed in the wrong order.
    #[error("SCRAM messages out of order")]
    OutOfOrder,
}

impl Failure {
    /// What the client is told. The fate of a key is told only to who proved to hold it.
    pub fn public(&self) -> &'static str {
        match self {
            Failure::Malformed(_) | Failure::Mechanism | Failure::Flag | Failure::OutOfOrder => {
                "malformed SCRAM message"
            }
            Failure::Downgrade => "SCRAM channel binding negotiation error",
            Failure::ChannelBinding => "SCRAM channel binding check failed",
            Failure::Nonce => "invalid SCRAM response",
            Failure::Proof => "the access key was not accepted",
            Failure::Expired(_) => "this access key has expired",
            Failure::Revoked(_) => "this access key was revoked",
            Failure::KeyForm => "the password must be an access key, which starts with weir_",
            Failure::KeyChecksum => "the access key was mistyped or cut: its checksum is wrong",
        }
    }

    /// PostgreSQL's SQLSTATE for it: protocol violation, or invalid password.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Failure::Malformed(_) | Failure::Mechanism | Failure::Flag | Failure::OutOfOrder => {
                "08P01"
            }
            Failure::Downgrade | Failure::ChannelBinding | Failure::Nonce => "28000",
            Failure::Proof
            | Failure::Expired(_)
            | Failure::Revoked(_)
            | Failure::KeyForm
            | Failure::KeyChecksum => "28P01",
        }
    }
}

/// One login. Feed it the client's two messages, in order; after a failure it stays failed.
pub struct Server {
    challenge: Challenge,
    nonce: String,
    plus: Option<ChannelBinding>,
    state: State,
}

enum State {
    Fresh,
    Challenged {
        /// `client-first-message-bare "," server-first-message ","`.
        auth_message: String,
        nonce: String,
        /// `cbind-input`: what `c=` must decode to.
        binding: Vec<u8>,
    },
    Done,
}

impl Server {
    /// A login against `challenge`, with fresh random bytes. `plus` is this connection's binding:
    /// with it SCRAM-SHA-256-PLUS is offered, so it must be given exactly when it is.
    pub fn new(
        challenge: Challenge,
        nonce: [u8; NONCE_BYTES],
        plus: Option<ChannelBinding>,
    ) -> Self {
        Self {
            challenge,
            nonce: STANDARD.encode(nonce),
            plus,
            state: State::Fresh,
        }
    }

    /// The mechanisms to offer, best first.
    pub fn mechanisms(&self) -> &'static [&'static str] {
        match self.plus {
            Some(_) => &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256],
            None => &[SCRAM_SHA_256],
        }
    }

    /// Takes the mechanism the client chose and its first message; gives `server-first-message`.
    pub fn client_first(&mut self, mechanism: &str, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let State::Fresh = std::mem::replace(&mut self.state, State::Done) else {
            return Err(Failure::OutOfOrder);
        };
        if !self.mechanisms().contains(&mechanism) {
            return Err(Failure::Mechanism);
        }
        let first = message::client_first(message).map_err(Failure::Malformed)?;
        let mut binding = first.gs2.as_bytes().to_vec();
        match (first.flag, mechanism == SCRAM_SHA_256_PLUS, &self.plus) {
            (BindingFlag::TlsServerEndPoint, true, Some(plus)) => {
                binding.extend_from_slice(plus.as_bytes())
            }
            (BindingFlag::NotOffered, false, Some(_)) => return Err(Failure::Downgrade),
            (BindingFlag::NotOffered, false, None) | (BindingFlag::Unable, false, _) => {}
            (BindingFlag::TlsServerEndPoint, _, _)
            | (BindingFlag::NotOffered | BindingFlag::Unable, true, _) => {
                return Err(Failure::Flag);
            }
        }
        let nonce = format!("{}{}", first.nonce, self.nonce);
        let salt = STANDARD.encode(&self.challenge.salt);
        let answer = format!("r={nonce},s={salt},i={}", self.challenge.iterations);
        self.state = State::Challenged {
            auth_message: format!("{},{answer},", first.bare),
            nonce,
            binding,
        };
        Ok(answer.into_bytes())
    }

    /// Takes the client's last message; gives the id of the key it proved and
    /// `server-final-message`, which proves this side to the client.
    pub fn client_final(&mut self, message: &[u8]) -> Result<(KeyId, Vec<u8>), Failure> {
        let State::Challenged {
            mut auth_message,
            nonce,
            binding,
        } = std::mem::replace(&mut self.state, State::Done)
        else {
            return Err(Failure::OutOfOrder);
        };
        let last = message::client_final(message).map_err(Failure::Malformed)?;
        if !bool::from(last.binding.ct_eq(&binding)) {
            return Err(Failure::ChannelBinding);
        }
        if !bool::from(last.nonce.as_bytes().ct_eq(nonce.as_bytes())) {
            return Err(Failure::Nonce);
        }
        auth_message.push_str(last.without_proof);
        let (id, verifier) = self.challenge.proved(|verifier| {
            let mut client_key = hmac_sha256(&verifier.stored_key, &[auth_message.as_bytes()]);
            client_key
                .iter_mut()
                .zip(last.proof)
                .for_each(|(key, proof)| *key ^= proof);
            let proved = sha256(&[&client_key]).ct_eq(&verifier.stored_key);
            client_key.zeroize();
            proved
        })?;
        let signature = hmac_sha256(&verifier.server_key, &[auth_message.as_bytes()]);
        Ok((id, format!("v={}", STANDARD.encode(signature)).into_bytes()))
    }
}

#[cfg(test)]
mod tests;
