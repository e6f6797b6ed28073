//! The messages of RFC 5802 §7, taken apart strictly. Faults are fixed words: a message may hold
//! what a client typed.

use super::MAX_MESSAGE_BYTES;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is wrong with a message.
pub(super) type Fault = &'static str;

/// `client-first-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst<'a> {
    /// `gs2-header`, with both commas.
    pub(super) gs2: &'a str,
    pub(super) flag: BindingFlag,
    /// `client-first-message-bare`.
    pub(super) bare: &'a str,
    pub(super) nonce: &'a str,
}

/// `gs2-cbind-flag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindingFlag {
    /// `n`: the client cannot bind.
    Unable,
    /// `y`: the client could, and believes that the server cannot.
    NotOffered,
    /// `p=tls-server-end-point`.
    TlsServerEndPoint,
}

/// `client-final-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFinal<'a> {
    /// Decoded `channel-binding`.
    pub(super) binding: Vec<u8>,
    pub(super) nonce: &'a str,
    pub(super) proof: [u8; 32],
    /// The message up to `,p=`.
    pub(super) without_proof: &'a str,
}

/// `server-first-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerFirst<'a> {
    pub(super) nonce: &'a str,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

/// `server-final-message`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerFinal {
    Signature([u8; 32]),
    Refused,
}

pub(super) fn client_first(message: &[u8]) -> Result<ClientFirst<'_>, Fault> {
    let text = text(message)?;
    let (flag, rest) = text.split_once(',').ok_or("no channel binding flag")?;
    let (authzid, bare) = rest
        .split_once(',')
        .ok_or("no authorization identity field")?;
    let flag = match flag {
        "n" => BindingFlag::Unable,
        "y" => BindingFlag::NotOffered,
        "p=tls-server-end-point" => BindingFlag::TlsServerEndPoint,
        _ if flag.starts_with("p=") => return Err("unsupported channel binding type"),
        _ => return Err("unknown channel binding flag"),
    };
    if !authzid.is_empty() {
        return Err("authorization identities are not supported");
    }
    let gs2 = text.strip_suffix(bare).unwrap_or_default();
    let mut fields = bare.split(',');
    let name = fields.next().unwrap_or_default();
    if name.starts_with("m=") {
        return Err("mandatory extensions are not supported");
    }
    // The name is the start-up packet's; what stands here is ignored, as PostgreSQL does.
    value(Some(name), "n=").ok_or("no user name field")?;
    let nonce = nonce(fields.next())?;
    extensions(fields)?;
    Ok(ClientFirst {
        gs2,
        flag,
        bare,
        nonce,
    })
}

pub(super) fn client_final(message: &[u8]) -> Result<ClientFinal<'_>, Fault> {
    let text = text(message)?;
    let (without_proof, proof) = text.rsplit_once(",p=").ok_or("no proof")?;
    let mut fields = without_proof.split(',');
    let binding = value(fields.next(), "c=").ok_or("no channel binding field")?;
    let binding = STANDARD
        .decode(binding)
        .map_err(|_| "channel binding is not base64")?;
    let nonce = nonce(fields.next())?;
    extensions(fields)?;
    let proof = crate::verifier::decode_32(proof).ok_or("the proof is not 32 bytes of base64")?;
    Ok(ClientFinal {
        binding,
        nonce,
        proof,
        without_proof,
    })
}

pub(super) fn server_first(message: &[u8]) -> Result<ServerFirst<'_>, Fault> {
    let mut fields = text(message)?.split(',');
    let first = fields.next();
    if first.is_some_and(|field| field.starts_with("m=")) {
        return Err("mandatory extensions are not supported");
    }
    let nonce = nonce(first)?;
    let salt = value(fields.next(), "s=").ok_or("no salt")?;
    let salt = STANDARD
        .decode(salt)
        .map_err(|_| "the salt is not base64")?;
    if salt.is_empty() {
        return Err("the salt is empty");
    }
    let iterations = value(fields.next(), "i=").ok_or("no iteration count")?;
    if !iterations.bytes().all(|b| b.is_ascii_digit()) {
        return Err("the iteration count is not a number");
    }
    let iterations = iterations
        .parse()
        .map_err(|_| "the iteration count is not a number")?;
    extensions(fields)?;
    Ok(ServerFirst {
        nonce,
        salt,
        iterations,
    })
}

pub(super) fn server_final(message: &[u8]) -> Result<ServerFinal, Fault> {
    let mut fields = text(message)?.split(',');
    let first = fields.next();
    extensions(fields)?;
    if value(first, "e=").is_some() {
        return Ok(ServerFinal::Refused);
    }
    let signature = value(first, "v=").ok_or("neither signature nor error")?;
    let signature =
        crate::verifier::decode_32(signature).ok_or("the signature is not 32 bytes of base64")?;
    Ok(ServerFinal::Signature(signature))
}

fn text(message: &[u8]) -> Result<&str, Fault> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err("too long");
    }
    let text = std::str::from_utf8(message).map_err(|_| "not UTF-8")?;
    if text.contains('\0') {
        Err("holds a NUL")
    } else {
        Ok(text)
    }
}

fn value<'a>(field: Option<&'a str>, name: &str) -> Option<&'a str> {
    field?.strip_prefix(name)
}

/// `"r=" printable`: at least one of 0x21–0x7e, and no comma.
fn nonce(field: Option<&str>) -> Result<&str, Fault> {
    let nonce = value(field, "r=").ok_or("no nonce")?;
    let printable = nonce.bytes().all(|b| (0x21..=0x7e).contains(&b));
    if nonce.is_empty() || !printable {
        Err("the nonce is not printable")
    } else {
        Ok(nonce)
    }
}

/// `attr-val`s that this side does not know may follow; they are covered by the proof, and ignored.
fn extensions<'a>(fields: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    for field in fields {
        match field.as_bytes() {
            [letter, b'=', _, ..] if letter.is_ascii_alphabetic() => {}
            _ => return Err("not an attribute"),
        }
    }
    Ok(())
}
