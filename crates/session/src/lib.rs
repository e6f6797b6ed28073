//! The sans-io life of one connection: one gate for every protocol.
//!
//! Invariants:
//! - only [`gate::clear`] makes a [`gate::Cleared`], after the ledger took the
//!   statement's intent;
//! - protocol adapters translate bytes; what a statement may do is decided in
//!   [`judge`](mod@judge) alone;
//! - on doubt the statement does not run, is recorded, and is explained.
//!
//! No I/O, clock or randomness: bytes and time come in as arguments, bytes and
//! wishes go out.

mod cache;
mod comment;
mod definitions;
mod floor;
pub mod gate;
mod judge;
mod opaque;
pub mod postgres;
mod refusal;
mod verdict;
mod world;

pub use cache::{Cache, Key};
pub use comment::Declared;
pub use definitions::{Change, Definitions};
pub use floor::{Drift, Floor};
pub use judge::{explain, floor_drift, masked_somewhere, startup_setting, usage_word};
pub use refusal::{Cause, Refusal};
pub use verdict::{Described, Durability, Foresight, Judged, Record, Verdict};
pub use world::{Catalogs, Identity, Labels, World};
