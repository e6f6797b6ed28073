//! One entry's evidence as text (C2SP tlog-proof).
//!
//! The `extra` line holds the entry and those of its disclosures that are to be
//! shown, as JSON: nobody has to trust it, because the proof authenticates the entry
//! and the entry authenticates the disclosures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::checkpoint::{decimal, hash};
use crate::merkle::Hash;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes of an inclusion proof: the height of a tree of 2⁶⁴ leaves.
const MAX_HASHES: usize = 64;
/// Most bytes of a proof with what it discloses.
const MAX_BYTES: usize = 64 << 20;

/// A proof that an entry is in a log. Not yet checked: see [`crate::verify::proof`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Opaque data that goes along, not authenticated by the format.
    pub extra: Option<Vec<u8>>,
    /// Place of the entry.
    pub index: u64,
    /// Inclusion proof, from the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

/// What our own proofs carry in `extra`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extra {
    /// Version of this object: 1.
    pub v: u64,
    /// The entry, exactly as hashed.
    pub entry: String,
    /// Encoded disclosures that are shown (RFC 9901).
    pub disclosures: Vec<String>,
}

/// The values stay out of logs and panics.
impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Extra")
            .field("entry", &self.entry)
            .field("disclosures", &self.disclosures.len())
            .finish_non_exhaustive()
    }
}

impl Extra {
    /// The entry with those disclosures.
    ///
    /// # Errors
    /// [`Error::BadEntry`] if the leaf is not UTF-8, which no entry is.
    pub fn new(leaf: &[u8], disclosures: Vec<String>) -> Result<Extra, Error> {
        let entry = std::str::from_utf8(leaf).map_err(|_| Error::BadEntry("not UTF-8"))?;
        Ok(Extra {
            v: 1,
            entry: entry.to_owned(),
            disclosures,
        })
    }

    /// The bytes for [`Proof::extra`].
    ///
    /// # Errors
    /// [`Error::BadProof`], which no text causes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|_| Error::BadProof("the extra data is not JSON"))
    }

    /// Reads [`Proof::extra`].
    ///
    /// # Errors
    /// [`Error::BadProof`].
    pub fn decode(bytes: &[u8]) -> Result<Extra, Error> {
        let bad = Error::BadProof("the extra line holds no entry");
        let extra: Extra = serde_json::from_slice(bytes).map_err(|_| bad.clone())?;
        if extra.v == 1 { Ok(extra) } else { Err(bad) }
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl std::str::FromStr for Proof {
    type Err = Error;

    fn from_str(text: &str) -> Result<Proof, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::BadProof("it is too long"));
        }
        let (head, checkpoint) = text
            .split_once("\n\n")
            .ok_or(Error::BadProof("it has no checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(Error::BadProof(
                "the first line is not c2sp.org/tlog-proof@v1",
            ));
        }
        let mut line = lines.next();
        let mut extra = None;
        if let Some(data) = line.and_then(|line| line.strip_prefix("extra ")) {
            let data = STANDARD.decode(data);
            extra = Some(data.map_err(|_| Error::BadProof("the extra line is not base64"))?);
            line = lines.next();
        }
        let index = line
            .and_then(|line| line.strip_prefix("index "))
            .and_then(decimal)
            .ok_or(Error::BadProof("it has no index"))?;
        let mut hashes = Vec::new();
        for line in lines {
            if hashes.len() == MAX_HASHES {
                return Err(Error::BadProof("it has too many hashes"));
            }
            hashes.push(hash(line).ok_or(Error::BadProof("a line is not a hash"))?);
        }
        Ok(Proof {
            extra,
            index,
            hashes,
            checkpoint: checkpoint.to_owned(),
        })
    }
}
