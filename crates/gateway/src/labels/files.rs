//! The files of a target: what was found, what was decided, and what configured names stand for.
//!
//! A few thousand records that one process writes as a whole: files that are replaced, not a database. What must never
//! stand in them: a value.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Looked, Reviews};

/// Where what is known of a target's labels lies.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    name: String,
}

impl Files {
    /// Those of `target` in the folder of state.
    #[must_use]
    pub fn of(state: &Path, target: &str) -> Self {
        Self {
            folder: state.join("labels"),
            name: file_name(target),
        }
    }

    fn file(&self, what: &str) -> PathBuf {
        self.folder.join(format!("{}{what}.json", self.name))
    }

    /// What configured names stand for.
    pub(crate) fn bindings(&self) -> PathBuf {
        self.file("")
    }

    /// What was found, as the process that looks writes it.
    #[must_use]
    pub fn found(&self) -> PathBuf {
        self.file(".found")
    }

    /// What was decided, as `weir labels set` writes it.
    #[must_use]
    pub fn reviewed(&self) -> PathBuf {
        self.file(".reviewed")
    }

    /// Reads what was found; nothing, if nobody looked yet.
    ///
    /// # Errors
    /// A file that cannot be read or is none of ours.
    pub fn read_found(&self) -> Result<Looked> {
        Ok(read(&self.found())?.unwrap_or_default())
    }

    /// Reads what was decided.
    ///
    /// # Errors
    /// A file that cannot be read or is none of ours, and one that is gone though decisions were in force.
    pub fn read_reviews(&self) -> Result<Reviews> {
        // Who cannot tell whether there were decisions takes it that there were.
        let expected = self.read_found().map_or(true, |looked| looked.reviewed);
        self.reviews(expected)
    }

    pub(super) fn reviews(&self, expected: bool) -> Result<Reviews> {
        match read(&self.reviewed())? {
            Some(reviews) => Ok(reviews),
            None if expected => Err(Error::other(format!(
                "decisions were in force and their file is gone: put it back from a backup, or remove {} as well, to look at every column anew and to decide anew",
                self.found().display()
            ))),
            None => Ok(Reviews::default()),
        }
    }

    /// Changes what was decided, one process after the other.
    ///
    /// # Errors
    /// As [`Files::read_reviews`], what `change` gives, and a disk that does not take it.
    pub fn change<T, E: From<Error>>(
        &self,
        change: impl FnOnce(&mut Reviews) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        make(&self.folder)?;
        let mut open = OpenOptions::new();
        open.write(true).create(true).truncate(false).mode(0o600);
        let lock = open.open(self.folder.join(format!("{}.lock", self.name)))?;
        lock.lock()?;
        let mut reviews = self.read_reviews()?;
        let changed = change(&mut reviews)?;
        write(&self.reviewed(), &reviews)?;
        Ok(changed)
    }
}

/// Reads a file; `None` if there is none.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| Error::other(format!("{}: {error}", file.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn make(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Replaces a file, which only its owner may read; it is durable when this returns. When the disk does not take it, the
/// old file stands.
pub(crate) fn write(file: &Path, value: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec_pretty(value).map_err(Error::other)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    make(folder)?;
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    // What lies there is a dead process's, or somebody's link: neither is written to.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut open = OpenOptions::new();
    let mut new = open
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    new.write_all(&bytes)?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    File::open(folder)?.sync_all()
}

/// A target's name as a file name; another name is another file.
fn file_name(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.bytes()
        .map(|byte| match plain(&byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}
