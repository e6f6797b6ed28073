//! `weir`: an identity-aware gateway in front of databases.

fn main() -> std::process::ExitCode {
    weir::cli::main()
}
