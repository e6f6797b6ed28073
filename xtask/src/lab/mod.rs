//! The laboratory: real servers, the gateway and an independent client for tests and tools.
//!
//! ```no_run
//! use xtask::lab::Postgres;
//! let server = Postgres::start()?;
//! let mut client = server.client("postgres")?;
//! assert_eq!(client.query("select 1")?.value(), "1");
//! # Ok::<(), anyhow::Error>(())
//! ```
//! Everything started here is stopped with its handle, also when a test panics or its process is killed.

pub mod client;
pub mod install;
pub mod postgres;
pub mod process;
pub mod python;
pub mod tls;
pub mod weir;

pub use client::{Answer, Client, Connect, Extended, Fields};
pub use postgres::{Postgres, Settings};
pub use weir::{Configuration, Target, Weir};

/// Says that a check cannot be made on this machine, where `cargo xtask test` counts it.
pub fn skip(why: &str) {
    use std::io::Write as _;
    // Past the capture of test output.
    let _ = writeln!(std::io::stdout(), "SKIPPED: {why}");
}
