//! The tamper-evident ledger: entry, Merkle tree, checkpoint, proof, verification.
//!
//! Values in, values out: this crate has no files, clock, threads or randomness
//! of its own. What is written where, and when it is durable, is `store`'s.
//!
//! | module | subject | spec |
//! |---|---|---|
//! | [`event`] | what can be recorded, literal-free | |
//! | [`entry`] | the bytes that are hashed | |
//! | [`days`] | whole days, UTC: the grain of erasure | |
//! | [`disclosure`] | salted digests of what may identify people or hold values | RFC 9901 |
//! | [`seal`] | encryption of disclosures under erasable keys | NIST SP 800-38D |
//! | [`merkle`] | hashes, frontier, inclusion and consistency proofs | RFC 6962 §2.1 |
//! | [`note`], [`checkpoint`] | signed tree heads | C2SP signed-note, tlog-checkpoint |
//! | [`tile`] | tiles and entry bundles: paths and bytes | C2SP tlog-tiles |
//! | [`trust`] | whom an auditor believes | C2SP tlog-policy, tlog-cosignature |
//! | [`proof`] | one entry's evidence as text | C2SP tlog-proof |
//! | [`pack`] | entries, proofs and disclosures for somebody outside | |
//! | [`verify`] | what an auditor checks, offline | |
//! | [`joined`] | an outcome with its intent and session | |
//! | [`ocsf`] | what a SIEM is told | OCSF 1.8.0 |
//! | [`time`] | times in entries | RFC 3339 |
//! | [`port`] | how the gate hands events over | |

pub mod checkpoint;
pub mod days;
pub mod disclosure;
pub mod entry;
pub mod event;
pub mod joined;
pub mod merkle;
pub mod note;
pub mod ocsf;
pub mod pack;
pub mod port;
pub mod proof;
pub mod seal;
pub mod tile;
pub mod time;
pub mod trust;
pub mod verify;

mod error;
mod sequence;

pub use entry::{Draft, Entry, Leaf, leaf};
pub use error::Error;
pub use event::{Disclosure, Event, Kind};
pub use port::{Ledger, Receipt, Unavailable};
pub use sequence::Sequence;
