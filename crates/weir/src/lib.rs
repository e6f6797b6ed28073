//! The `weir` binary as a library: configuration, wiring, subcommands.

pub mod config;
