//! Signed notes (C2SP signed-note), Ed25519 only.
//!
//! A note is a text that ends in a newline, an empty line, and signature lines
//! `— <name> <base64 of key id and signature>`. Signatures of unknown keys are
//! ignored, so that keys can overlap and witnesses can add theirs; one of a known key
//! that does not verify spoils the whole note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

mod key;

pub use key::{Signer, VerifierKey, WitnessKey};

/// Most bytes of a note.
const MAX_NOTE_BYTES: usize = 1 << 20;
/// Most signatures of a note; the spec wants at least 16 to be accepted.
const MAX_SIGNATURES: usize = 100;

/// A note that was read. Nothing of it is to be believed before a key verified it.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<Line<'a>>,
}

/// One signature line.
#[derive(Clone, Debug)]
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Reads a note.
    ///
    /// # Errors
    /// [`Error::BadNote`].
    pub fn parse(note: &'a str) -> Result<Note<'a>, Error> {
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
        let mut lines = Vec::new();
        for line in signatures.split('\n') {
            if lines.len() == MAX_SIGNATURES {
                return Err(Error::BadNote("it has too many signatures"));
            }
            lines.push(Line::parse(line)?);
        }
        Ok(Note { text, lines })
    }

    /// The text, unverified.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Whether `key` signed the note.
    ///
    /// # Errors
    /// [`Error::BadSignature`] if a signature by it is there and does not verify.
    pub fn is_signed_by(&self, key: &VerifierKey) -> Result<bool, Error> {
        let mut signed = false;
        for line in self.by(key.name(), key.id()) {
            key.check(self.text, &line.signature)?;
            signed = true;
        }
        Ok(signed)
    }

    /// When `key` cosigned the note, in seconds since 1970 UTC by the witness's clock;
    /// the latest time, if it did more than once.
    ///
    /// # Errors
    /// As [`Note::is_signed_by`].
    pub fn cosigned_at(&self, key: &WitnessKey) -> Result<Option<u64>, Error> {
        let mut at_s = None;
        for line in self.by(key.name(), key.id()) {
            at_s = at_s.max(Some(key.check(self.text, &line.signature)?));
        }
        Ok(at_s)
    }

    fn by(&self, name: &str, id: [u8; 4]) -> impl Iterator<Item = &Line<'a>> {
        self.lines
            .iter()
            .filter(move |line| line.name == name && line.id == id)
    }
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Result<Line<'a>, Error> {
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
        Ok(Line {
            name,
            id: *id,
            signature: signature.to_vec(),
        })
    }
}

impl VerifierKey {
    /// Checks that this key signed `note`, and gives the text that it signed.
    ///
    /// # Errors
    /// [`Error::BadNote`], [`Error::NotSigned`], [`Error::BadSignature`].
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, Error> {
        let note = Note::parse(note)?;
        if note.is_signed_by(self)? {
            return Ok(note.text);
        }
        Err(Error::NotSigned {
            name: self.name().to_owned(),
        })
    }
}

/// Signs `text`, which must end in a newline, with every one of `signers`, and gives
/// the whole note.
///
/// # Errors
/// [`Error::BadNote`] if it does not, or there is no signer.
pub fn sign(text: &str, signers: &[&Signer]) -> Result<String, Error> {
    if !text.ends_with('\n') {
        return Err(Error::BadNote("the text does not end in a newline"));
    }
    if signers.is_empty() {
        return Err(Error::BadNote("nobody signs it"));
    }
    let mut note = format!("{text}\n");
    for signer in signers {
        let key = signer.verifier();
        let mut signature = key.id().to_vec();
        signature.extend_from_slice(&signer.signature(text));
        note.push_str("\u{2014} ");
        note.push_str(key.name());
        note.push(' ');
        STANDARD.encode_string(signature, &mut note);
        note.push('\n');
    }
    Ok(note)
}

/// C2SP signed-note: not empty, no spaces, no plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests;
