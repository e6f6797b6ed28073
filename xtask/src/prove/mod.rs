//! `cargo xtask prove`: generated statements under the two oracles that need no corpus.

use anyhow::Result;
use clap::{Args, Subcommand};

mod choices;
mod grammar;
mod sqlsmith;
mod stage;
mod worlds;

pub use worlds::{Summary, Worlds, measure};

/// Options of `cargo xtask prove`.
#[derive(Args, Clone, Debug)]
pub struct Prove {
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Debug, Subcommand)]
enum What {
    /// Generated statements in two databases that differ in masked values alone: equal bytes are asked for
    Worlds(Worlds),
}

/// Runs it; `false` when something was disproved.
///
/// # Errors
/// When a server does not start.
pub fn run(options: &Prove) -> Result<bool> {
    match &options.what {
        What::Worlds(options) => worlds::run(options),
    }
}
