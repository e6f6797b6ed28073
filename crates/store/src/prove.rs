//! Evidence for one entry: `weir ledger prove`.

use ledger::Sequence;
use ledger::checkpoint::Checkpoint;
use ledger::merkle;
use ledger::proof::{Extra, Proof};

use crate::Error;
use crate::read::{Reader, Shown};
use crate::tiles::Tiles;

/// What of an entry a proof shows to who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclose {
    /// The entry alone.
    Nothing,
    /// Its disclosures too, as far as their keys exist.
    Everything,
}

/// The C2SP tlog-proof of one entry, to be checked by [`ledger::verify::proof`].
///
/// Hashes what of the ledger is not sealed; who makes many proofs keeps [`Tiles`] and
/// calls [`prove_in`].
///
/// # Errors
/// [`Error::NoSuchEntry`]; [`Error::NotYetSigned`]; [`Error::Pruned`];
/// [`Error::Disagrees`] if the entries do not have the signed root.
pub fn prove(reader: &Reader, sequence: Sequence, disclose: Disclose) -> Result<Proof, Error> {
    let (checkpoint, text) = reader.checkpoint()?;
    covered(reader, sequence, &checkpoint)?;
    let tiles = match Tiles::open(reader.clone(), checkpoint.size) {
        Ok(tiles) => tiles,
        Err(Error::NoSuchEntry { .. }) => return Err(disagrees(checkpoint.size)),
        Err(other) => return Err(other),
    };
    prove_in(&tiles, &checkpoint, text, sequence, disclose)
}

/// As [`prove`], of tiles that cover `checkpoint`, whose signed text is `text`.
///
/// # Errors
/// As [`prove`].
pub fn prove_in(
    tiles: &Tiles,
    checkpoint: &Checkpoint,
    text: String,
    sequence: Sequence,
    disclose: Disclose,
) -> Result<Proof, Error> {
    covered(tiles.reader(), sequence, checkpoint)?;
    let size = checkpoint.size;
    if tiles.with_nodes(|node| merkle::root(size, node))? != checkpoint.root {
        return Err(disagrees(size));
    }
    let hashes = tiles.with_nodes(|node| merkle::inclusion(sequence.0, size, node))?;
    let Shown {
        record, encoded, ..
    } = tiles.reader().show(sequence)?;
    merkle::verify_inclusion(
        &merkle::leaf_hash(&record.leaf),
        sequence.0,
        size,
        &hashes,
        &checkpoint.root,
    )
    .map_err(|_| disagrees(size))?;
    let encoded = match disclose {
        Disclose::Nothing => Vec::new(),
        Disclose::Everything => encoded,
    };
    Ok(Proof {
        extra: Some(Extra::new(&record.leaf, encoded)?.encode()?),
        index: sequence.0,
        hashes,
        checkpoint: text,
    })
}

fn covered(reader: &Reader, sequence: Sequence, checkpoint: &Checkpoint) -> Result<(), Error> {
    if sequence.0 < checkpoint.size {
        return Ok(());
    }
    let entries = reader.count()?;
    Err(if sequence.0 < entries {
        Error::NotYetSigned {
            sequence,
            signed: checkpoint.size,
        }
    } else {
        Error::NoSuchEntry { sequence, entries }
    })
}

fn disagrees(size: u64) -> Error {
    let reason = format!("the first {size} entries do not have the root that was signed");
    Error::Disagrees { reason }
}
