//! Signed tree heads (C2SP tlog-checkpoint).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::Error;
use crate::merkle::Hash;
use crate::note::{self, Signer, VerifierKey};

/// What a log says about itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Unique name of the log.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Root hash of the tree of those entries.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root_text())
    }

    /// The root as it stands in the text: standard base64.
    #[must_use]
    pub fn root_text(&self) -> String {
        STANDARD.encode(self.root)
    }

    /// Signs it. The signer's name is the origin, as the spec recommends.
    ///
    /// # Errors
    /// [`Error::OtherOrigin`] if it is not.
    pub fn sign(&self, signer: &Signer) -> Result<String, Error> {
        self.sign_with(&[signer])
    }

    /// Signs it with several keys, as while one takes over from another.
    ///
    /// # Errors
    /// As [`Checkpoint::sign`].
    pub fn sign_with(&self, signers: &[&Signer]) -> Result<String, Error> {
        let name = |signer: &&Signer| signer.verifier().name().to_owned();
        match signers.iter().map(name).find(|name| *name != self.origin) {
            None => note::sign(&self.text(), signers),
            Some(expected) => Err(Error::OtherOrigin {
                expected,
                found: self.origin.clone(),
            }),
        }
    }

    /// Checks the signature of `key` on `note` and reads the checkpoint of the log
    /// with the key's name. Extension lines are signed but not interpreted.
    ///
    /// # Errors
    /// As [`VerifierKey::open`]; [`Error::BadCheckpoint`]; [`Error::OtherOrigin`].
    pub fn open(note: &str, key: &VerifierKey) -> Result<Checkpoint, Error> {
        let checkpoint = Checkpoint::parse(key.open(note)?)?;
        if checkpoint.origin != key.name() {
            return Err(Error::OtherOrigin {
                expected: key.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }

    /// Reads the signed text. Its origin may be anything: who opens a checkpoint knows
    /// which one is meant.
    pub(crate) fn parse(text: &str) -> Result<Checkpoint, Error> {
        let mut lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(Error::BadCheckpoint("it has fewer than three lines"));
        };
        if origin.is_empty() {
            return Err(Error::BadCheckpoint("the origin is empty"));
        }
        let size = decimal(size).ok_or(Error::BadCheckpoint("the size is not a number"))?;
        let root = hash(root).ok_or(Error::BadCheckpoint("the root is not a hash"))?;
        if lines.any(str::is_empty) {
            return Err(Error::BadCheckpoint("an extension line is empty"));
        }
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

/// A decimal number without leading zeroes or sign.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

/// A hash in standard base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
