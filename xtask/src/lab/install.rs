//! Programs the tests need: found on this machine, or installed from Debian with a clear line each.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::process::is_root;

/// The folder with PostgreSQL's server programs (`initdb`, `postgres`, …), installing Debian's package when the
/// machine has none.
///
/// Order: `WEIR_POSTGRES_BIN`, the newest below `/usr/lib/postgresql`, `pg_config --bindir`, the `PATH`.
///
/// # Errors
/// When there is none and it cannot be installed; the message says what to do.
pub fn postgres() -> Result<PathBuf> {
    if let Some(found) = find_postgres() {
        return Ok(found);
    }
    if !is_debian() {
        bail!(
            "no PostgreSQL server found: put `postgres` and `initdb` on the PATH, or name their folder in WEIR_POSTGRES_BIN"
        );
    }
    let package = if available("postgresql-15") {
        "postgresql-15"
    } else {
        "postgresql"
    };
    install(package, "the PostgreSQL server the tests and the demo run")?;
    find_postgres()
        .context("Debian's PostgreSQL was installed, but its `postgres` and `initdb` are not found")
}

/// A PostgreSQL 15 or other server already on this machine.
#[must_use]
pub fn find_postgres() -> Option<PathBuf> {
    let has = |folder: &Path| folder.join("postgres").is_file() && folder.join("initdb").is_file();
    if let Some(named) = env::var_os("WEIR_POSTGRES_BIN").map(PathBuf::from) {
        return has(&named).then_some(named);
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, folder)| has(folder))
        .collect();
    versions.sort();
    if let Some((_, newest)) = versions.pop() {
        return Some(newest);
    }
    let told = Command::new("pg_config")
        .arg("--bindir")
        .stderr(Stdio::null())
        .output()
        .ok();
    if let Some(out) = told.filter(|out| out.status.success()) {
        let folder = PathBuf::from(String::from_utf8_lossy(&out.stdout).trim().to_owned());
        if has(&folder) {
            return Some(folder);
        }
    }
    on_path("postgres")
        .and_then(|program| program.parent().map(Path::to_path_buf))
        .filter(|folder| has(folder))
}

/// A program on the `PATH` or in the system folders Debian puts daemons into.
#[must_use]
pub fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/local/bin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A program, installing the Debian package that has it when it is absent.
///
/// # Errors
/// When it is absent and cannot be installed.
pub fn program(name: &str, package: &str, purpose: &str) -> Result<PathBuf> {
    if let Some(found) = on_path(name) {
        return Ok(found);
    }
    if !is_debian() {
        bail!("`{name}` is not on the PATH ({purpose})");
    }
    install(package, purpose)?;
    on_path(name)
        .with_context(|| format!("Debian's {package} was installed, but `{name}` is not found"))
}

/// Makes sure a Debian package without a program of its own (a library to build with) is there. Elsewhere than on
/// Debian this trusts the machine.
///
/// # Errors
/// When it is absent and cannot be installed.
pub fn package(name: &str, purpose: &str) -> Result<()> {
    if !is_debian() || installed(name) {
        return Ok(());
    }
    install(name, purpose)
}

/// Whether this machine installs with `apt-get`.
#[must_use]
pub fn is_debian() -> bool {
    on_path("apt-get").is_some() && on_path("dpkg-query").is_some()
}

fn installed(package: &str) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f", "${Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|out| out.status.success() && out.stdout.ends_with(b"ok installed"))
}

fn available(package: &str) -> bool {
    Command::new("apt-cache")
        .args(["policy", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|out| {
            String::from_utf8_lossy(&out.stdout).lines().any(|line| {
                line.trim()
                    .strip_prefix("Candidate: ")
                    .is_some_and(|candidate| candidate != "(none)")
            })
        })
}

fn install(package: &str, purpose: &str) -> Result<()> {
    eprintln!("installing Debian package {package}: {purpose}");
    if apt(&["install", package])? {
        return Ok(());
    }
    // A machine fresh from its image has no package lists yet.
    apt(&["update"])?;
    if apt(&["install", package])? {
        return Ok(());
    }
    bail!(
        "cannot install Debian package {package} ({purpose}): run `apt-get install {package}` as root, then try again"
    )
}

fn apt(arguments: &[&str]) -> Result<bool> {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    };
    let status = command
        .args(["-y", "-qq", "--no-install-recommends"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    Ok(status.is_ok_and(|status| status.success()))
}
