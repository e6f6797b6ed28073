//! SCRAM-SHA-256 and -PLUS, client side (RFC 5802, RFC 7677, RFC 5929 `tls-server-end-point`).
//!
//! Deliberately apart from the gateway's own implementation: it is what the gateway is tested against.

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// One exchange.
#[derive(Debug)]
pub(super) struct Scram {
    password: String,
    header: String,
    binding: Vec<u8>,
    nonce: String,
    first_bare: String,
    server_signature: Vec<u8>,
}

impl Scram {
    /// `certificate_hash`: hash of the server certificate to bind to, for `-PLUS`.
    pub(super) fn new(password: &str, nonce: &str, certificate_hash: Option<Vec<u8>>) -> Scram {
        let header = if certificate_hash.is_some() {
            "p=tls-server-end-point,,"
        } else {
            "n,,"
        };
        Scram {
            password: password.to_owned(),
            header: header.to_owned(),
            binding: certificate_hash.unwrap_or_default(),
            nonce: nonce.to_owned(),
            first_bare: format!("n=,r={nonce}"),
            server_signature: Vec::new(),
        }
    }

    pub(super) fn mechanism(&self) -> &'static str {
        if self.binding.is_empty() {
            "SCRAM-SHA-256"
        } else {
            "SCRAM-SHA-256-PLUS"
        }
    }

    pub(super) fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.first_bare).into_bytes()
    }

    pub(super) fn last(&mut self, server_first: &[u8]) -> Result<Vec<u8>> {
        let text = std::str::from_utf8(server_first).context("server-first is not UTF-8")?;
        let field = |name: &str| {
            text.split(',')
                .find_map(|part| part.strip_prefix(name))
                .with_context(|| format!("no {name} in {text}"))
        };
        let nonce = field("r=")?;
        let salt = STANDARD.decode(field("s=")?)?;
        let iterations: u32 = field("i=")?.parse()?;
        if !nonce.starts_with(&self.nonce) {
            bail!("the server's nonce does not begin with ours");
        }

        let mut salted = [0u8; 32];
        pbkdf2::pbkdf2::<Hmac<Sha256>>(self.password.as_bytes(), &salt, iterations, &mut salted)?;
        let client_key = keyed(&salted, b"Client Key")?;
        let stored_key = Sha256::digest(&client_key);
        let server_key = keyed(&salted, b"Server Key")?;

        let mut bound = self.header.clone().into_bytes();
        bound.extend_from_slice(&self.binding);
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(bound));
        let signed = format!("{},{text},{without_proof}", self.first_bare);
        let signature = keyed(&stored_key, signed.as_bytes())?;
        self.server_signature = keyed(&server_key, signed.as_bytes())?;
        let proof: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(a, b)| a ^ b)
            .collect();
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }

    /// Checks that the server knows the verifier too.
    pub(super) fn check(&self, server_final: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(server_final)?;
        let said = text
            .strip_prefix("v=")
            .with_context(|| format!("no signature in {text}"))?;
        if STANDARD.decode(said)? != self.server_signature {
            bail!("the server's signature is wrong");
        }
        Ok(())
    }
}

fn keyed(key: &[u8], text: &[u8]) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .ok()
        .context("hmac key")?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_example_of_rfc_7677() {
        // RFC 7677 §3, with the user name the RFC sends (PostgreSQL leaves it empty).
        let mut scram = Scram::new("pencil", "rOprNGfwEbeRWgbNEkqO", None);
        scram.first_bare = "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned();
        let first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let last = String::from_utf8(scram.last(first).unwrap()).unwrap();
        assert!(
            last.ends_with("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
            "{last}"
        );
        scram
            .check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
            .unwrap();
        assert!(scram.check(b"v=AAAA").is_err());
    }
}
