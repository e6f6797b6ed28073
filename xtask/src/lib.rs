//! Weir's own tools and the laboratory its tests run in; nothing here is part of the product.

use std::path::PathBuf;
use std::process::Command;

pub mod bench;
pub mod compat;
pub mod crash;
pub mod demo;
pub mod detect;
pub mod lab;
pub mod leaks;
pub mod prove;
pub mod test;
pub mod tidy;

/// The repository's folder.
#[must_use]
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent()
        .map_or(own.clone(), std::path::Path::to_path_buf)
}

/// Cargo, as if a shell called it. Of what `cargo run` says of this package some build scripts want to know, ring's
/// for one: they would run again, and all that hangs on them would be built again, whenever who calls cargo changes.
#[must_use]
pub fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let ours = |prefix: &str| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        if ours("CARGO_PKG_") || ours("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Where cargo puts what it builds.
#[must_use]
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |named| root().join(PathBuf::from(named)),
    )
}
