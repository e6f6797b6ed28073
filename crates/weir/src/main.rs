//! `weir`: an identity-aware gateway in front of databases.

/// A statement allocates some dozens of short-lived pieces; the C library's allocator takes twice as long for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    weir::cli::main()
}
