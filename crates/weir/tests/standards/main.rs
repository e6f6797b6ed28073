//! What Weir tells others, checked by the owners of each standard: schemas and
//! libraries that are not ours, from their registries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod ocsf;
mod samples;
