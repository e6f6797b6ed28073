//! What a check of a ledger directory says.

use std::path::PathBuf;

use ledger::Sequence;
use ledger::merkle::Hash;

/// What a check of a directory found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Entries that are whole and in order, those that were pruned included.
    pub entries: u64,
    /// Root of their tree.
    pub root: Hash,
    /// Entries under the signed checkpoint; those above it are not yet signed.
    pub signed: Option<u64>,
    /// Entries that are sealed in packs.
    pub sealed: u64,
    /// How many packs there are.
    pub packs: u64,
    /// The first entry that is kept; those below it were pruned, on the record.
    pub minimum: u64,
    /// Disclosures that were decrypted and found to fit their entries.
    pub disclosures: u64,
    /// Envelopes whose keys were erased; the digests of what they held stand.
    pub erased: u64,
    /// Whether another process writes to the ledger, so that its end may move.
    pub live: bool,
    /// What is wrong; at most a hundred.
    pub faults: Vec<Fault>,
    /// How many faults there are in all.
    pub fault_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: Option<u64>,
    /// The entry that is affected.
    pub sequence: Option<Sequence>,
    /// What is wrong.
    pub problem: Problem,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, ", entry {sequence}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header of a segment, or of the key table, is not one.
    #[error("{0}")]
    Header(&'static str),
    /// Bytes where a frame should be are not that frame.
    #[error("{0}")]
    Frame(&'static str),
    /// Entries before a segment are missing.
    #[error("entries {from} to {to} (exclusive) are missing")]
    Missing {
        /// First missing.
        from: Sequence,
        /// First there.
        to: Sequence,
    },
    /// Something is written behind the last entry.
    #[error("{bytes} bytes behind the last entry are not empty")]
    Trailing {
        /// How many, up to the last that is not zero.
        bytes: u64,
    },
    /// The operating system does not give it back.
    #[error("{0}")]
    Unreadable(String),
    /// A bundle of a pack cannot be read.
    #[error("bundle {bundle}: {reason}")]
    Bundle {
        /// Its index: that of its first entry divided by 256.
        bundle: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// An entry does not have the hash that was sealed with it.
    #[error("bundle {bundle}: the entry or its leaf hash is altered")]
    Leaf {
        /// The entry's bundle.
        bundle: u64,
    },
    /// A hash of a tile is not that of what is below it.
    #[error("hash {index} of tile level {level} is altered")]
    TileHash {
        /// The tile level.
        level: u8,
        /// The hash's index in the level.
        index: u64,
    },
    /// Two packs hold the same entries, or a pack has an impossible name.
    #[error("{0}")]
    Pack(&'static str),
    /// Pack and write-ahead log hold different entries in one place.
    #[error("the entry is another one than in {pack}")]
    Disagrees {
        /// The pack.
        pack: String,
    },
    /// An older checkpoint stands where a newer one was.
    #[error("it covers {size} entries and {sealed} are sealed: it is an older one")]
    OlderCheckpoint {
        /// Entries under the checkpoint.
        size: u64,
        /// Entries that are sealed.
        sealed: u64,
    },
    /// The stored JSON is not the entry it should be.
    #[error("the entry is altered: {0}")]
    Entry(ledger::Error),
    /// Frame and entry differ.
    #[error("the entry is altered: its {0} is not that of its frame")]
    Differs(&'static str),
    /// A disclosure does not open, is missing, or is not of its entry.
    #[error("a disclosure is altered: {0}")]
    Disclosure(ledger::Error),
    /// Fewer or more disclosures than digests.
    #[error("the entry names {digests} disclosures, {stored} are stored")]
    DisclosureCount {
        /// Digests in the entry.
        digests: usize,
        /// Disclosures stored.
        stored: usize,
    },
    /// The checkpoint is missing, malformed or not signed by the log.
    #[error("{0}")]
    Checkpoint(String),
    /// The signed root is not that of the entries.
    #[error(
        "the first {size} entries do not have the root that was signed: one of them is altered"
    )]
    Root {
        /// Entries under the checkpoint.
        size: u64,
    },
    /// Something was erased that a legal hold covered.
    #[error("it destroyed what the legal hold {0} covered")]
    Held(String),
    /// A hold that the entries know is not in the list that is obeyed.
    #[error("the legal hold {0} is in force and not listed: the list was altered")]
    HoldMissing(String),
    /// The list of holds cannot be read.
    #[error("{0}")]
    Holds(String),
    /// Fewer entries than were signed.
    #[error("{size} entries were signed, {entries} are there")]
    Short {
        /// Entries under the checkpoint.
        size: u64,
        /// Entries that are there.
        entries: u64,
    },
    /// The checkpoint to compare with is of another log.
    #[error("the checkpoint from before is of log {0}")]
    OtherLog(String),
    /// Fewer entries are signed than were before.
    #[error("{size} entries are signed and {then} were before: the log was rolled back or cut")]
    RolledBack {
        /// Entries under the checkpoint.
        size: u64,
        /// Entries under the one from before.
        then: u64,
    },
    /// The log does not continue the one that was signed before.
    #[error(
        "the first {size} entries do not have the root that was signed before: this is another history"
    )]
    Forked {
        /// Entries under the checkpoint from before.
        size: u64,
    },
    /// A tile or bundle is not there.
    #[error("it is missing")]
    TileMissing,
    /// The bytes of a tile or bundle are not those of one.
    #[error("{0}")]
    Tile(ledger::Error),
    /// A tile does not hold the hashes that lead from the entries to the signed root.
    #[error("the tile is altered: it does not fit the entries that were signed")]
    TileDiffers,
    /// An entry does not hash to what was signed.
    #[error("the entry is altered: it does not have the hash that was signed")]
    Altered,
    /// An entry and the tile of its hash do not fit, and neither leads to the signed root.
    #[error("the entry or its hash is altered: they do not fit each other")]
    BundleDiffers,
    /// An entry stands where another belongs.
    #[error("the entry is moved: it says that it is entry {0}")]
    Misplaced(Sequence),
    /// A slot of the key table cannot be read.
    #[error("a subject key is damaged; what it sealed cannot be read")]
    Key,
    /// The key in the directory is not the one given.
    #[error("the verifier key in the directory is not the one given")]
    OtherKey,
}
