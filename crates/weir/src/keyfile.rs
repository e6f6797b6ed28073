//! The file of access keys: read as a whole, replaced as a whole.
//!
//! A running gateway reads it again when it changes. Writers take turns by a
//! lock beside it; readers need none, because the file is replaced by rename.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use identity::{KeyRing, Secret};

/// Milliseconds since 1970, UTC.
#[must_use]
pub fn now_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// `N` bytes from the operating system's generator.
///
/// # Errors
/// When it has none to give.
pub fn random<const N: usize>() -> Result<Secret<[u8; N]>> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the operating system gives no random bytes")?;
    Ok(Secret::new(bytes))
}

/// The keys in `path`; `None` if there is no such file.
///
/// # Errors
/// When the file cannot be read or is damaged.
pub fn load(path: &Path) -> Result<Option<KeyRing>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Secret::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let ring = KeyRing::from_json(text.expose())
        .with_context(|| format!("cannot use {}", path.display()))?;
    Ok(Some(ring))
}

/// Changes the keys in `path`, which is made if it is not there, and writes them
/// to disk before returning.
///
/// # Errors
/// When the file cannot be read or written, or `change` fails; then nothing
/// changed.
pub fn update<T>(path: &Path, change: impl FnOnce(&mut KeyRing) -> Result<T>) -> Result<T> {
    let lock = beside(path, ".lock");
    let guard = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&lock)
        .and_then(|file| file.lock().map(|()| file))
        .with_context(|| format!("cannot lock {}", lock.display()))?;
    let mut ring = match load(path)? {
        Some(ring) => ring,
        None => KeyRing::new(random()?),
    };
    let result = change(&mut ring)?;
    replace(path, ring.to_json().expose())
        .with_context(|| format!("cannot write {}", path.display()))?;
    drop(guard);
    Ok(result)
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = beside(path, ".new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)?;
    // A left-over of a crash may have other rights.
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        assert!(load(&path).unwrap().is_none());
        let (key, _) = update(&path, |ring| {
            Ok(ring.create("alice", &random()?, 1, None)?)
        })
        .unwrap();
        update(&path, |ring| {
            Ok(ring.revoke(key.id.as_str(), 2).map(|_| ())?)
        })
        .unwrap();
        let ring = load(&path).unwrap().unwrap();
        assert_eq!(ring.key(key.id.as_str()).unwrap().revoked_ms, Some(2));
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(update(&path, |ring| Ok(ring.revoke("key_x", 2).map(|_| ())?)).is_err());
        std::fs::write(&path, "{").unwrap();
        assert!(load(&path).err().unwrap().to_string().contains("keys.json"));
    }
}
