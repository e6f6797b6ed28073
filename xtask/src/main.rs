//! `cargo xtask`: Weir's own tools.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Weir's own tools",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start PostgreSQL with believable data and the gateway in front of it
    Demo(xtask::demo::Demo),
    /// Measure the gateway beside PgBouncer and a byte forwarder
    Bench(xtask::bench::Bench),
    /// Forward bytes from one loopback port to another (used by `bench`)
    #[command(hide = true)]
    Forward {
        /// Port to listen on
        listen: u16,
        /// Port to connect to
        to: u16,
    },
    /// Run third-party suites and everyday tools through the gateway
    Compat(xtask::compat::Compat),
    /// Kill the gateway under load and hold the database's truth against the ledger
    Crash(xtask::crash::Crash),
    /// Judge generated tables: which columns are found sensitive, what leaks, what is masked in vain
    Detect(xtask::detect::Detect),
    /// Run every check there is
    Test,
    /// Check floors, file sizes, documents and licences
    Tidy,
    /// Run a corpus of exfiltration attempts through the gateway
    Leaks(xtask::leaks::Leaks),
    /// Generated statements under the oracles that need no corpus
    Prove(xtask::prove::Prove),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(options) => xtask::demo::run(&options),
        Command::Bench(options) => xtask::bench::run(&options),
        Command::Forward { listen, to } => xtask::bench::forward(listen, to).map(|()| true),
        Command::Compat(options) => xtask::compat::run(&options),
        Command::Crash(options) => xtask::crash::run(&options),
        Command::Detect(options) => xtask::detect::run(&options),
        Command::Test => xtask::test::run(),
        Command::Tidy => xtask::tidy::run(),
        Command::Leaks(options) => xtask::leaks::run(&options),
        Command::Prove(options) => xtask::prove::run(&options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
