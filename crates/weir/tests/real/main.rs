//! The gateway in front of a real PostgreSQL server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod endurance;
mod identity;
mod limitations;
mod operations;
mod stand;
mod transport;
