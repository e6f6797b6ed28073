//! Faults of the pure part of the ledger.

/// What can be wrong with ledger values. None of the texts carries a value of a
/// disclosure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bug: an event whose literal-free part does not fit one leaf even after
    /// its long fields were moved into a disclosure.
    #[error("an entry of {bytes} bytes exceeds the limit of {limit} bytes")]
    EntryTooLarge {
        /// Bytes the leaf would have.
        bytes: usize,
        /// Most bytes a leaf may have (C2SP tlog-tiles: a 16-bit length).
        limit: usize,
    },
    /// Bug: too few random bytes were given for the salts.
    #[error("{given} random bytes given where {needed} are needed")]
    TooLittleRandomness {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
    /// The bytes of a leaf are not an entry of a version we know.
    #[error("not a ledger entry: {0}")]
    BadEntry(&'static str),
    /// The text is not a day.
    #[error("{0:?} is not a day: write it as 2026-11-21, not before 1970")]
    BadDay(String),
    /// A disclosure is not an RFC 9901 array of salt, name and value.
    #[error("not a disclosure: {0}")]
    BadDisclosure(&'static str),
    /// An encrypted disclosure does not open: altered, or under another key.
    #[error("a sealed disclosure does not open under its key")]
    Unsealable,
    /// The envelope around sealed disclosures is malformed.
    #[error("not a sealed disclosure: {0}")]
    BadSeal(&'static str),
    /// A signed note (or a key for one) is malformed.
    #[error("not a signed note: {0}")]
    BadNote(&'static str),
    /// A key is for signatures of another type (C2SP signed-note, "Signature types").
    #[error(
        "it signs with type 0x{found:02x}{}, where 0x{expected:02x}{} is needed",
        type_name(*.found), type_name(*.expected)
    )]
    KeyType {
        /// Type of the key.
        found: u8,
        /// Type that is needed.
        expected: u8,
    },
    /// No signature of the expected key is on the note.
    #[error("the note carries no signature by {name}")]
    NotSigned {
        /// Name of the key that should have signed.
        name: String,
    },
    /// A signature with the expected name and key id does not verify.
    #[error("the signature by {name} does not verify")]
    BadSignature {
        /// Name of the key.
        name: String,
    },
    /// The text under the signature is not a checkpoint.
    #[error("not a checkpoint: {0}")]
    BadCheckpoint(&'static str),
    /// The checkpoint belongs to another log.
    #[error("the checkpoint is of log {found}, not of {expected}")]
    OtherOrigin {
        /// Origin that was expected.
        expected: String,
        /// Origin that stands in the checkpoint.
        found: String,
    },
    /// No key of the checkpoint's log is trusted.
    #[error("the checkpoint is of log {origin}, which the policy does not list")]
    UnknownLog {
        /// Origin that stands in the checkpoint.
        origin: String,
    },
    /// All keys that signed the checkpoint had stopped to sign before.
    #[error(
        "the checkpoint of {size} entries is signed only by a key that was retired at {retired}"
    )]
    RetiredKey {
        /// Entries under the checkpoint.
        size: u64,
        /// Entries that were signed when the key stopped.
        retired: u64,
    },
    /// Too few witnesses cosigned the checkpoint.
    #[error("the quorum {quorum} is not reached: {cosigned} of the {witnesses} witnesses cosigned")]
    NoQuorum {
        /// Name of the quorum in the policy.
        quorum: String,
        /// Witnesses whose cosignatures verified.
        cosigned: usize,
        /// Witnesses in the policy.
        witnesses: usize,
    },
    /// The file is not a C2SP tlog-policy.
    #[error("not a policy: line {line}: {problem}")]
    BadPolicy {
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A path or its content is not that of a C2SP tlog-tiles resource.
    #[error("not a tile: {0}")]
    BadTile(&'static str),
    /// The text is not a C2SP tlog-proof.
    #[error("not a tlog-proof: {0}")]
    BadProof(&'static str),
    /// The hashes do not lead from the entry to the root of the checkpoint.
    #[error("the proof does not lead from the entry to the signed root")]
    ProofMismatch,
    /// The requested index or size is outside the tree.
    #[error("index {index} is outside a tree of {size} entries")]
    OutsideTree {
        /// Index or old size asked for.
        index: u64,
        /// Entries in the tree.
        size: u64,
    },
    /// Bug: the reader of tree nodes has no such node.
    #[error("node {index} of level {level} is not available")]
    MissingNode {
        /// Height above the leaves.
        level: u8,
        /// Position in its level.
        index: u64,
    },
}

/// Names of signature types, for messages.
fn type_name(kind: u8) -> &'static str {
    match kind {
        0x01 => " (Ed25519)",
        0x02 => " (ECDSA)",
        0x04 => " (Ed25519 cosignature)",
        0x05 => " (RFC 6962)",
        0x06 => " (ML-DSA-44 cosignature)",
        _ => "",
    }
}
