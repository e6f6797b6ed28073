//! The durable ledger: write-ahead log, committer, checkpoints.
//!
//! [`Store`] implements [`ledger::Ledger`] on one directory:
//!
//! | path | what | made durable |
//! |---|---|---|
//! | `lock` | held by the one process that writes | |
//! | `id.json` | origin, verifier key, form of the directory | once, last of all |
//! | `signing.key` | secrets of the keys that sign (0600), form of Go's `sumdb/note` | before `id.json` names them, see [`rotate`] |
//! | `subject.keys` | key of each subject's disclosures, erasable in place (0600) | before the entries that use them |
//! | `wal/NNNNNNNNNNNNNNNN.wal` | the entries, see [`frame`] and [`segment`] | by the committer |
//! | `holds.json` | legal holds in force | before the entry that sets one, after that which ends it |
//! | `packs/FIRST-END.pack`, `.disclosures` | full segments, sealed: see [`pack`] | before the segments go |
//! | `tiles/1`, `tiles/2`, … | hashes of C2SP tile levels 1 and up | before the packs |
//! | `wal/reserve` | disk reserve, becomes a segment when the disk is full | once |
//! | `checkpoint` | the signed tree head, by rename | after the entries it covers |
//!
//! Order of safety, each durable before the next: subject keys, entries, checkpoint.
//! A failed sync is never tried again on the same file: everything since the last
//! successful one is kept in memory and written to a new segment ([`log`]).
//! On opening, the tree is derived again from the entries that are not sealed and
//! compared with the checkpoint; a log that disagrees is never appended to ([`recover`]).
//!
//! [`ship`] tells others what is recorded.
//!
//! All file operations of the ledger go through [`disk::Disk`], so that a simulated disk can stand
//! in for the real one.

pub mod clock;
pub mod disk;
pub mod evidence;
pub mod export;
pub mod measure;
pub mod read;
pub mod retention;
pub mod rotate;
pub mod search;
pub mod ship;
pub mod tiles;
pub mod verify;

mod allocate;
mod committer;
mod erase;
mod error;
mod files;
mod frame;
mod heal;
mod health;
mod holds;
mod keys;
mod log;
mod memory;
mod open;
mod options;
mod pack;
mod packer;
mod prove;
mod random;
mod recover;
mod scan;
mod segment;
#[cfg(test)]
mod simulation;
mod store;
mod view;

pub use erase::Erased;
pub use error::Error;
pub use files::KeyPeriod;
pub use health::{Alarm, Health, State};
pub use holds::Hold;
pub use ledger::{Ledger, Receipt, Sequence, Unavailable};
pub use options::{Options, Packing, Profile};
pub use prove::{Disclose, prove, prove_in};
pub use store::Store;
