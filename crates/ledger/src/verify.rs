//! What an auditor checks offline, with nothing but a policy: whom to believe.

use crate::checkpoint::Checkpoint;
use crate::disclosure::{self, Opened};
use crate::proof::{Extra, Proof};
use crate::trust::{Cosigned, Policy, Trusted};
use crate::{Entry, Error, Sequence, merkle};

/// What a checked proof says.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The entry.
    pub entry: Entry,
    /// The bytes that were hashed.
    pub leaf: Vec<u8>,
    /// The disclosures that were shown, each checked against the entry.
    pub disclosures: Vec<Opened>,
    /// The signed tree head that covers it.
    pub checkpoint: Checkpoint,
    /// Witnesses that cosigned it.
    pub cosigned: Vec<Cosigned>,
}

/// Checks the text of a proof file against a policy (C2SP tlog-proof, "Verifying a
/// tlog proof"). The entry is the one the proof carries, or `leaf` if that is given.
///
/// # Errors
/// What does not hold, by name: [`Error::BadProof`], what [`Policy::open`] says of the
/// checkpoint, [`Error::OutsideTree`], [`Error::ProofMismatch`], [`Error::BadEntry`],
/// [`Error::BadDisclosure`].
pub fn proof(text: &str, trust: &Policy, leaf: Option<&[u8]>) -> Result<Evidence, Error> {
    let proof: Proof = text.parse()?;
    let Trusted {
        checkpoint,
        cosigned,
        ..
    } = trust.open(&proof.checkpoint)?;
    let extra = match (&proof.extra, leaf) {
        (_, Some(leaf)) => Extra::new(leaf, Vec::new())?,
        (Some(extra), None) => Extra::decode(extra)?,
        (None, None) => return Err(Error::BadProof("it carries no entry and none was given")),
    };
    let leaf = extra.entry.into_bytes();
    merkle::verify_inclusion(
        &merkle::leaf_hash(&leaf),
        proof.index,
        checkpoint.size,
        &proof.hashes,
        &checkpoint.root,
    )?;
    let entry = Entry::parse(&leaf)?;
    if entry.sequence != Sequence(proof.index) {
        return Err(Error::BadEntry("its sequence is not its place in the tree"));
    }
    let disclosures = disclosures(&entry, &extra.disclosures)?;
    Ok(Evidence {
        entry,
        leaf,
        disclosures,
        checkpoint,
        cosigned,
    })
}

/// Checks that every encoded disclosure belongs to `entry`, and opens it.
///
/// # Errors
/// [`Error::BadDisclosure`] if one is malformed, shown twice, or of no digest of the entry.
pub fn disclosures(entry: &Entry, encoded: &[String]) -> Result<Vec<Opened>, Error> {
    let mut left: Vec<&str> = entry.digests.iter().map(String::as_str).collect();
    let mut out = Vec::with_capacity(encoded.len());
    for one in encoded {
        let digest = disclosure::digest(one);
        let at = left.iter().position(|left| *left == digest);
        left.swap_remove(at.ok_or(Error::BadDisclosure("its digest is not in the entry"))?);
        out.push(disclosure::decode(one)?);
    }
    Ok(out)
}

/// Checks that an encoded disclosure is one of the digests in `left`, and takes that
/// away. Its form is not looked at: see [`disclosure::check`].
///
/// # Errors
/// [`Error::BadDisclosure`].
pub fn fit(left: &mut Vec<&[u8]>, encoded: &[u8]) -> Result<(), Error> {
    let digest = disclosure::digest_bytes(encoded);
    let at = left.iter().position(|left| *left == digest);
    left.swap_remove(at.ok_or(Error::BadDisclosure("its digest is not in the entry"))?);
    Ok(())
}

#[cfg(test)]
mod tests;
