//! The client's side, towards an upstream database: proves a password without sending it, and
//! accepts only a server that proves to know its verifier.

use super::binding::ChannelBinding;
use super::message::{self, ServerFinal};
use super::{NONCE_BYTES, SCRAM_SHA_256, SCRAM_SHA_256_PLUS};
use crate::error::Error;
use crate::hash::{hmac_sha256, sha256};
use crate::secret::Secret;
use crate::verifier::{MAX_ITERATIONS, MIN_ITERATIONS, client_key, salted_password, server_key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What carries the exchange.
#[derive(Clone)]
pub enum Transport {
    /// No TLS: there is nothing to bind to.
    Plain,
    /// TLS; the binding is absent when the certificate's signature has no digest (RFC 5929 §4.1),
    /// as Ed25519's.
    Tls(Option<ChannelBinding>),
}

/// What a password becomes for one salt: keep it to log in again without the rounds. As good as
/// the password for that one role.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ClientKeys {
    salt: Vec<u8>,
    iterations: u32,
    client_key: [u8; 32],
    server_key: [u8; 32],
}

/// One login upstream. After an error it stays failed.
pub struct Client {
    password: Secret<String>,
    /// `saslname`, escaped.
    name: String,
    mechanism: &'static str,
    gs2: &'static str,
    /// `cbind-input`.
    binding: Vec<u8>,
    nonce: String,
    remembered: Option<ClientKeys>,
    state: State,
}

enum State {
    Fresh,
    Proved { auth_message: String },
    Verified,
    Failed,
}

impl Client {
    /// Chooses among the mechanisms the server offers: PLUS whenever both sides can. Refuses
    /// servers without SCRAM, and PLUS without TLS (as libpq does).
    pub fn new<'a>(
        password: Secret<String>,
        nonce: [u8; NONCE_BYTES],
        offered: impl IntoIterator<Item = &'a str>,
        transport: Transport,
    ) -> Result<Self, Error> {
        let (mut simple, mut plus) = (false, false);
        for mechanism in offered {
            simple |= mechanism == SCRAM_SHA_256;
            plus |= mechanism == SCRAM_SHA_256_PLUS;
        }
        let (mechanism, gs2, data) = match transport {
            Transport::Plain if plus => return Err(Error::BindingWithoutTls),
            Transport::Tls(Some(binding)) if plus => (
                SCRAM_SHA_256_PLUS,
                "p=tls-server-end-point,,",
                binding.as_bytes().to_vec(),
            ),
            _ if !simple => return Err(Error::NoMechanism),
            // "y": could bind, was not offered it; a server that did offer it notices.
            Transport::Tls(Some(_)) => (SCRAM_SHA_256, "y,,", Vec::new()),
            Transport::Tls(None) | Transport::Plain => (SCRAM_SHA_256, "n,,", Vec::new()),
        };
        let mut binding = gs2.as_bytes().to_vec();
        binding.extend_from_slice(&data);
        let nonce = STANDARD.encode(nonce);
        Ok(Self {
            password,
            name: String::new(),
            mechanism,
            gs2,
            binding,
            nonce,
            remembered: None,
            state: State::Fresh,
        })
    }

    /// Names the role inside the exchange too, for servers that read it there. PostgreSQL does not:
    /// it takes the start-up packet's, and the name here stays empty, as libpq leaves it.
    pub fn name(&mut self, role: &str) {
        self.name = role.replace('=', "=3D").replace(',', "=2C");
    }

    /// Brings keys of an earlier login; used if the server still has the same salt and iterations.
    pub fn remember(&mut self, keys: ClientKeys) {
        self.remembered = Some(keys);
    }

    /// Keys to [`remember`](Self::remember), once the server proved itself.
    pub fn keys(&self) -> Option<&ClientKeys> {
        match self.state {
            State::Verified => self.remembered.as_ref(),
            State::Fresh | State::Proved { .. } | State::Failed => None,
        }
    }

    /// The chosen mechanism, for `SASLInitialResponse`.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// `client-first-message`.
    pub fn client_first(&self) -> Vec<u8> {
        format!("{}{}", self.gs2, self.bare()).into_bytes()
    }

    /// Takes `server-first-message`; gives `client-final-message`.
    pub fn server_first(&mut self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let State::Fresh = std::mem::replace(&mut self.state, State::Failed) else {
            return Err(Error::OutOfOrder);
        };
        let first = message::server_first(message).map_err(Error::UpstreamMalformed)?;
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&first.iterations) {
            let asked = first.iterations;
            return Err(Error::UpstreamIterations {
                asked,
                min: MIN_ITERATIONS,
                max: MAX_ITERATIONS,
            });
        }
        let extended = first
            .nonce
            .strip_prefix(self.nonce.as_str())
            .is_some_and(|own| !own.is_empty());
        if !extended {
            return Err(Error::UpstreamMalformed("the nonce does not continue ours"));
        }
        let known =
            |keys: &ClientKeys| keys.salt == first.salt && keys.iterations == first.iterations;
        let keys = match self.remembered.take() {
            Some(keys) if known(&keys) => keys,
            Some(_) | None => self.derive(first.salt, first.iterations),
        };
        let without_proof = format!("c={},r={}", STANDARD.encode(&self.binding), first.nonce);
        // Only valid UTF-8 was taken apart above.
        let server_first =
            std::str::from_utf8(message).map_err(|_| Error::UpstreamMalformed("not UTF-8"))?;
        let auth_message = format!("{},{server_first},{without_proof}", self.bare());
        let stored_key = sha256(&[&keys.client_key]);
        let mut proof = hmac_sha256(&stored_key, &[auth_message.as_bytes()]);
        proof
            .iter_mut()
            .zip(keys.client_key)
            .for_each(|(proof, key)| *proof ^= key);
        self.remembered = Some(keys);
        self.state = State::Proved { auth_message };
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }

    /// Takes `server-final-message`. Only after `Ok` may `AuthenticationOk` be believed.
    pub fn server_final(&mut self, message: &[u8]) -> Result<(), Error> {
        let State::Proved { auth_message } = std::mem::replace(&mut self.state, State::Failed)
        else {
            return Err(Error::OutOfOrder);
        };
        let signature = match message::server_final(message).map_err(Error::UpstreamMalformed)? {
            ServerFinal::Signature(signature) => signature,
            ServerFinal::Refused => return Err(Error::UpstreamRefused),
        };
        let keys = self.remembered.as_ref().ok_or(Error::OutOfOrder)?;
        let expected = hmac_sha256(&keys.server_key, &[auth_message.as_bytes()]);
        if !bool::from(expected.ct_eq(&signature)) {
            return Err(Error::UpstreamSignature);
        }
        self.state = State::Verified;
        Ok(())
    }

    /// Did the server prove itself?
    pub fn is_verified(&self) -> bool {
        matches!(self.state, State::Verified)
    }

    fn bare(&self) -> String {
        format!("n={},r={}", self.name, self.nonce)
    }

    fn derive(&self, salt: Vec<u8>, iterations: u32) -> ClientKeys {
        let mut salted = salted_password(self.password.expose(), &salt, iterations);
        let keys = ClientKeys {
            salt,
            iterations,
            client_key: client_key(&salted),
            server_key: server_key(&salted),
        };
        salted.zeroize();
        keys
    }
}

#[cfg(test)]
mod tests;
