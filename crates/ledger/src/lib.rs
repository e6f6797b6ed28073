//! The tamper-evident ledger: entry, Merkle tree, checkpoint, proof, verification.
