//! The PostgreSQL codec at its boundary: hostile bytes, captures from real
//! servers and clients, another implementation, and the fuzz corpora.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod captures;
mod copy;
mod corpus;
mod hostile;
mod oracle;

/// What the fuzz targets assert, shared with `fuzz/`.
#[path = "../../../../fuzz/checks"]
mod checks {
    pub(crate) mod backend;
    pub(crate) mod copy;
    pub(crate) mod frontend;
}
