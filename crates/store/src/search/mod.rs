//! Search over the ledger: rows, segments, questions (docs/audit-search.md).
//!
//! The path of an entry, each step derived from the one before and from nothing else:
//!
//! 1. [`entry`]: the bytes of an entry become what the index wants of it, clear fields only;
//! 2. [`rows`]: an outcome joins its intent, a statement gets what its session knows;
//! 3. the newest rows stay in memory ([`Hot`]), where they are found at once;
//! 4. [`segment`]: full ranges of entries become Parquet files in a folder or a bucket
//!    ([`index`]), with dictionaries and postings of what rows share;
//! 5. [`table`]: DataFusion scans files and memory as one table, asked by a [`Snapshot`].
//!
//! The index proves nothing and is never needed: what it lacks is read from the ledger.
//! It must never hold what can be erased.

mod answer;
mod batch;
mod build;
mod entry;
mod error;
mod follow;
mod index;
mod keep;
mod postings;
mod query;
mod rows;
mod schema;
mod segment;
mod snapshot;
mod table;

pub use answer::Answer;
pub use build::{Rebuilt, SEGMENT_ENTRIES, compare, rebuild};
pub use error::{Error, Fault};
pub use follow::Follow;
pub use index::{Index, Place, default_folder};
pub use keep::{Hot, Keeper, Keeping};
pub use query::Query;
pub use schema::{COLUMNS, Column, VIEWS, View};
pub use snapshot::{Searcher, Snapshot};
