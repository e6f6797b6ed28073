//! The `weir` program: configuration, wiring, subcommands. Everything else lives
//! in the crates below it.

pub mod cli;
pub mod config;
mod control;
pub mod explain;
pub mod keyfile;
pub mod reach;
pub mod serve;
pub mod setup;
