//! The gateway in front of a real PostgreSQL server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod auditor;
mod degraded;
mod endurance;
mod evidence;
mod floor;
mod identity;
mod interleavings;
mod labels;
mod limitations;
mod measured;
mod metrics;
mod operations;
mod otlp;
mod outputs;
mod promises;
mod receiver;
mod record;
mod search;
mod sequences;
mod stand;
mod token_world;
mod transport;
