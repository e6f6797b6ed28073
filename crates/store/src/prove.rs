//! Evidence for one entry: `weir ledger prove`.

use ledger::Sequence;
use ledger::merkle::{self, Tree, leaf_hash};
use ledger::proof::{Extra, Proof};

use crate::Error;
use crate::read::{Reader, Shown};

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
/// Derives the tree from all entries up to the checkpoint: 64 bytes of memory and one
/// hash for each.
///
/// # Errors
/// [`Error::NoSuchEntry`]; [`Error::NotYetSigned`]; [`Error::Disagrees`] if the entries
/// do not have the signed root.
pub fn prove(reader: &Reader, sequence: Sequence, disclose: Disclose) -> Result<Proof, Error> {
    let (checkpoint, text) = reader.checkpoint()?;
    if sequence.0 >= checkpoint.size {
        let entries = reader.count()?;
        return Err(if sequence.0 < entries {
            Error::NotYetSigned {
                sequence,
                signed: checkpoint.size,
            }
        } else {
            Error::NoSuchEntry { sequence, entries }
        });
    }
    let mut tree = Tree::new();
    let mut entries = reader.entries(Sequence(0));
    while tree.size() < checkpoint.size {
        let Some(record) = entries.next()? else { break };
        tree.push(leaf_hash(&record.leaf));
    }
    let node = |level, index| tree.node(level, index);
    let size = checkpoint.size;
    if tree.size() < size || merkle::root(size, &node)? != checkpoint.root {
        let reason = format!("the first {size} entries do not have the root that was signed");
        return Err(Error::Disagrees { reason });
    }
    let Shown {
        record, encoded, ..
    } = reader.show(sequence)?;
    let encoded = match disclose {
        Disclose::Nothing => Vec::new(),
        Disclose::Everything => encoded,
    };
    Ok(Proof {
        extra: Some(Extra::new(&record.leaf, encoded)?.encode()?),
        index: sequence.0,
        hashes: merkle::inclusion(sequence.0, size, &node)?,
        checkpoint: text,
    })
}
