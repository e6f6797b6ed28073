//! An evidence pack: entries, their proofs and chosen disclosures, to be checked
//! offline by somebody outside.
//!
//! A pack is a set of named files; how they are wrapped is the caller's.
//!
//! | file | what |
//! |---|---|
//! | `manifest.json` | what is in it, why, and the SHA-256 of every other file |
//! | `README.txt` | how to check it |
//! | `checkpoint` | the signed tree head (C2SP tlog-checkpoint) that all proofs are under |
//! | `proofs/N.tlog-proof` | entry N with what is disclosed of it (C2SP tlog-proof) |
//! | `entries.jsonl` | the same to be read: one object a line, `seq`, `entry`, `disclosures` |
//!
//! Nothing in it has to be trusted: [`Pack::check`] believes only the policy given.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::disclosure::Opened;
use crate::event::shape::hex;
use crate::proof::{Extra, Proof};
use crate::trust::Policy;
use crate::verify::{self, Evidence};
use crate::{Error, Sequence};

/// Version of the manifest.
pub const VERSION: u64 = 1;
/// Name of the manifest.
pub const MANIFEST: &str = "manifest.json";
const README: &str = "README.txt";
const CHECKPOINT: &str = "checkpoint";
const ENTRIES: &str = "entries.jsonl";
/// Most faults that are listed.
const MAX_FAULTS: usize = 100;

const README_TEXT: &str = "\
This is evidence from the ledger of a Weir gateway. To check it:

1. Get the ledger's verifier key (a line NAME+ID+KEY) or trust policy from
   somebody you trust, not from this file.
2. With Weir:    weir evidence verify THIS_FILE --key KEY
   Without it:   every proofs/N.tlog-proof is a C2SP tlog-proof
   (c2sp.org/tlog-proof); its extra line is base64 of a JSON object with the
   entry as it was hashed and the disclosures (RFC 9901) that are shown.
3. entries.jsonl is the same to be read; manifest.json says what was asked for.

Weir's documentation, docs/evidence.md, tells the steps in full and has a short
program that makes them without Weir.
";

/// Why a pack was made, and when.
#[derive(Clone, Debug)]
pub struct About {
    /// When, RFC 3339 UTC.
    pub made: String,
    /// For whom or what.
    pub reason: String,
    /// What was asked for, in words.
    pub asked: String,
}

/// One entry for a pack.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its proof, with the entry and what is disclosed in `extra`.
    pub proof: Proof,
    /// How many of its disclosures were erased.
    pub erased: u64,
}

/// What `manifest.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this object: 1.
    pub v: u64,
    /// When the pack was made, RFC 3339 UTC.
    pub made: String,
    /// For whom or what.
    pub reason: String,
    /// What was asked for, in words.
    pub asked: String,
    /// The entries, in order.
    pub entries: Vec<Line>,
    /// SHA-256 of every other file, hexadecimal.
    pub files: BTreeMap<String, String>,
}

/// One entry of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its place in the log.
    pub seq: u64,
    /// Its kind.
    pub kind: String,
    /// Names of what is disclosed of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disclosed: Vec<String>,
    /// How many disclosures were erased before the pack was made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub erased: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The files of a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pack {
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// What a checked pack says.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The manifest.
    pub manifest: Manifest,
    /// The entries, each proven and with its disclosures checked.
    pub entries: Vec<Evidence>,
}

/// Something that is wrong with a pack, and in which file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct Fault {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is listed, or has to be there, and is not.
    #[error("it is missing")]
    Missing,
    /// It is in no list.
    #[error("the manifest does not list it")]
    Unlisted,
    /// It is not what the manifest says.
    #[error("its SHA-256 is not that of the manifest")]
    Altered,
    /// It is not a manifest.
    #[error("it is not a manifest: {0}")]
    Manifest(String),
    /// Checkpoint, proof, entry or disclosure do not hold.
    #[error("{0}")]
    Proof(Error),
    /// It is under another checkpoint than the pack's.
    #[error("its checkpoint is not that of the pack")]
    OtherCheckpoint,
    /// Its entry is not the one that the manifest has here.
    #[error("the manifest says entry {listed}, {kind}; it proves entry {found}")]
    OtherEntry {
        /// In the manifest.
        listed: u64,
        /// Kind in the manifest.
        kind: String,
        /// In the proof.
        found: u64,
    },
    /// It discloses other things than the manifest says.
    #[error("it discloses other things than the manifest says")]
    Disclosed,
    /// It does not say what the proofs say.
    #[error("it does not say what the proofs say")]
    Differs,
}

/// Name of the proof of an entry.
#[must_use]
pub fn proof_name(sequence: Sequence) -> String {
    format!("proofs/{:012}.tlog-proof", sequence.0)
}

impl Pack {
    /// Makes a pack. All items are under the checkpoint of the first; they are in order.
    ///
    /// # Errors
    /// [`Error::BadProof`], [`Error::BadEntry`] or [`Error::BadDisclosure`] if an item
    /// carries no entry or one with disclosures that are not its own.
    pub fn make(about: About, items: &[Item]) -> Result<Pack, Error> {
        let mut pack = Pack::default();
        let mut lines = Vec::with_capacity(items.len());
        let mut readable = String::new();
        for item in items {
            let extra = item.proof.extra.as_deref();
            let extra = Extra::decode(extra.ok_or(Error::BadProof("it carries no entry"))?)?;
            let entry = crate::Entry::parse(extra.entry.as_bytes())?;
            let opened = verify::disclosures(&entry, &extra.disclosures)?;
            readable.push_str(&readable_line(entry.sequence, &extra.entry, &opened)?);
            lines.push(Line {
                seq: entry.sequence.0,
                kind: entry.kind.name().to_owned(),
                disclosed: opened.into_iter().map(|one| one.name).collect(),
                erased: item.erased,
            });
            let name = proof_name(entry.sequence);
            pack.files.insert(name, item.proof.to_string().into_bytes());
        }
        let checkpoint = items.first().map(|item| item.proof.checkpoint.clone());
        let checkpoint = checkpoint.unwrap_or_default().into_bytes();
        pack.files.insert(CHECKPOINT.to_owned(), checkpoint);
        pack.files.insert(ENTRIES.to_owned(), readable.into_bytes());
        pack.files
            .insert(README.to_owned(), README_TEXT.as_bytes().to_vec());
        let digests = pack.files.iter();
        let manifest = Manifest {
            v: VERSION,
            made: about.made,
            reason: about.reason,
            asked: about.asked,
            entries: lines,
            files: digests
                .map(|(name, bytes)| (name.clone(), hex(&Sha256::digest(bytes))))
                .collect(),
        };
        let manifest = serde_json::to_vec_pretty(&manifest)
            .map_err(|_| Error::BadEntry("the manifest does not serialise"))?;
        pack.files.insert(MANIFEST.to_owned(), manifest);
        Ok(pack)
    }

    /// SHA-256 of the manifest, and so of everything, hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let manifest = self.files.get(MANIFEST).map(Vec::as_slice);
        hex(&Sha256::digest(manifest.unwrap_or_default()))
    }

    /// Checks everything in it against a policy.
    ///
    /// # Errors
    /// Every fault that was found, at most a hundred.
    pub fn check(&self, trust: &Policy) -> Result<Contents, Vec<Fault>> {
        let mut faults = Faults::default();
        let Some(manifest) = self.manifest(&mut faults) else {
            return Err(faults.0);
        };
        self.files_as_listed(&manifest, &mut faults);
        let checkpoint = self.text(CHECKPOINT);
        if let Err(error) = trust.open(checkpoint.unwrap_or_default()) {
            faults.add(CHECKPOINT, Problem::Proof(error));
        }
        let mut entries = Vec::with_capacity(manifest.entries.len());
        let mut readable = String::new();
        for line in &manifest.entries {
            let name = proof_name(Sequence(line.seq));
            let evidence = match verify::proof(self.text(&name).unwrap_or_default(), trust, None) {
                Ok(evidence) => evidence,
                Err(error) => {
                    faults.add(&name, Problem::Proof(error));
                    continue;
                }
            };
            let proof: Option<Proof> = self.text(&name).and_then(|text| text.parse().ok());
            if proof.map(|proof| proof.checkpoint).as_deref() != checkpoint {
                faults.add(&name, Problem::OtherCheckpoint);
            }
            let entry = &evidence.entry;
            if (entry.sequence.0, entry.kind.name()) != (line.seq, &line.kind) {
                let problem = Problem::OtherEntry {
                    listed: line.seq,
                    kind: line.kind.clone(),
                    found: entry.sequence.0,
                };
                faults.add(&name, problem);
            }
            let disclosed = evidence.disclosures.iter().map(|one| &one.name);
            if !disclosed.eq(&line.disclosed) {
                faults.add(&name, Problem::Disclosed);
            }
            let text = String::from_utf8_lossy(&evidence.leaf);
            match readable_line(entry.sequence, &text, &evidence.disclosures) {
                Ok(text) => readable.push_str(&text),
                Err(error) => faults.add(&name, Problem::Proof(error)),
            }
            entries.push(evidence);
        }
        if self.text(ENTRIES) != Some(&readable) {
            faults.add(ENTRIES, Problem::Differs);
        }
        if faults.0.is_empty() {
            Ok(Contents { manifest, entries })
        } else {
            Err(faults.0)
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(name)?).ok()
    }

    fn manifest(&self, faults: &mut Faults) -> Option<Manifest> {
        let Some(bytes) = self.files.get(MANIFEST) else {
            faults.add(MANIFEST, Problem::Missing);
            return None;
        };
        match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) if manifest.v == VERSION => Some(manifest),
            Ok(_) => {
                let unknown = "it is of a version this program does not know".to_owned();
                faults.add(MANIFEST, Problem::Manifest(unknown));
                None
            }
            Err(error) => {
                faults.add(MANIFEST, Problem::Manifest(error.to_string()));
                None
            }
        }
    }

    fn files_as_listed(&self, manifest: &Manifest, faults: &mut Faults) {
        for (name, digest) in &manifest.files {
            match self.files.get(name) {
                None => faults.add(name, Problem::Missing),
                Some(bytes) if hex(&Sha256::digest(bytes)) != *digest => {
                    faults.add(name, Problem::Altered);
                }
                Some(_) => {}
            }
        }
        let proofs = manifest.entries.iter();
        let proofs = proofs.map(|line| proof_name(Sequence(line.seq)));
        let wanted: std::collections::BTreeSet<String> = proofs
            .chain([README, CHECKPOINT, ENTRIES].map(str::to_owned))
            .collect();
        for name in &wanted {
            if !manifest.files.contains_key(name) {
                faults.add(name, Problem::Unlisted);
            }
        }
        // What is wanted and missing was named above.
        let surplus = self.files.keys().chain(manifest.files.keys());
        for name in surplus.filter(|name| *name != MANIFEST && !wanted.contains(*name)) {
            faults.add(name, Problem::Unlisted);
        }
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, file: &str, problem: Problem) {
        if self.0.len() < MAX_FAULTS {
            let file = file.to_owned();
            self.0.push(Fault { file, problem });
        }
    }
}

fn readable_line(sequence: Sequence, leaf: &str, opened: &[Opened]) -> Result<String, Error> {
    let pairs = opened
        .iter()
        .map(|one| (one.name.as_str(), one.value.as_str()));
    let disclosures: BTreeMap<&str, &str> = pairs.collect();
    let disclosures = serde_json::to_string(&disclosures)
        .map_err(|_| Error::BadDisclosure("value is not JSON"))?;
    Ok(format!(
        "{{\"seq\":{sequence},\"entry\":{leaf},\"disclosures\":{disclosures}}}\n"
    ))
}

#[cfg(test)]
mod tests;
