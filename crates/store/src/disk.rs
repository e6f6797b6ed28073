//! The one door to files.
//!
//! Everything the store does to a disk is a call of these two traits, so that tests
//! can fail, tear, lose or reorder any of it. What an implementor promises:
//! `write_at` is visible to later reads of any process; `sync` makes what was written
//! to this file before survive power loss, or fails; `rename`, `remove` and creation
//! survive only after `sync_dir`.

use std::io;
use std::path::Path;
use std::sync::Arc;

mod real;

pub use real::RealDisk;

/// A file system.
pub trait Disk: Send + Sync {
    /// Makes a directory and those above it, for this user only.
    ///
    /// # Errors
    /// The operating system's.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Names in a directory, in no order.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Opens a file.
    ///
    /// # Errors
    /// The operating system's; `NotFound`, or `AlreadyExists` for [`Mode::Create`].
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>>;

    /// Renames, replacing what is there.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes names in a directory durable.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Space of the file system that holds `dir`.
    ///
    /// # Errors
    /// The operating system's.
    fn space(&self, dir: &Path) -> io::Result<Space>;

    /// Takes the exclusive lock on a file (made if missing), until the guard is
    /// dropped or the process ends; `None` if another holds it.
    ///
    /// # Errors
    /// The operating system's.
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A lock that is held while this lives.
pub trait Lock: Send + Sync {}

/// An open file. Offsets and lengths are bytes.
pub trait File: Send + Sync {
    /// Reads at most `into.len()` bytes; fewer only at the end of the file.
    ///
    /// # Errors
    /// The operating system's.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `bytes`, or fails with any part of them written.
    ///
    /// # Errors
    /// The operating system's; `StorageFull`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes content and length durable. After a failure nothing is known about what
    /// was written since the last success.
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&self) -> io::Result<()>;

    /// Extends the file to `length` zero bytes with the space for them assigned.
    ///
    /// # Errors
    /// The operating system's; `StorageFull`.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Cuts the file.
    ///
    /// # Errors
    /// The operating system's.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Its length.
    ///
    /// # Errors
    /// The operating system's.
    fn length(&self) -> io::Result<u64>;
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To read what is there.
    Read,
    /// To read and write what is there.
    Write,
    /// Anew, for this user only; it must not exist.
    Create,
}

/// Space of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes this user may still use.
    pub available_bytes: u64,
}

impl Space {
    /// Used part in percent, rounded up, as `df` says it.
    #[must_use]
    pub fn used_percent(&self) -> u8 {
        let all = u128::from(self.used_bytes) + u128::from(self.available_bytes);
        let percent = (u128::from(self.used_bytes) * 100).div_ceil(all.max(1));
        u8::try_from(percent).unwrap_or(100)
    }
}

/// Whether the error says that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
