//! Weir's own tools and the laboratory its tests run in; nothing here is part of the product.

use std::path::PathBuf;

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

/// Where cargo puts what it builds.
#[must_use]
pub fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |named| root().join(PathBuf::from(named)),
    )
}
