//! Writing files that appear whole and never change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, File, Mode};
use crate::{Error, files};

/// Files that are written before they are synced and appear: a file system then has
/// less to wait for.
const AT_ONCE: usize = 64;

/// Puts files into a folder.
pub(super) struct Writer<'a> {
    disk: &'a dyn Disk,
    folder: &'a Path,
    /// Written under a temporary name, not yet synced.
    pending: Vec<Pending>,
    /// Directories with names that are not yet durable.
    directories: BTreeSet<PathBuf>,
    pub(super) files: u64,
    pub(super) bytes: u64,
}

struct Pending {
    file: Arc<dyn File>,
    temporary: PathBuf,
    path: PathBuf,
}

impl<'a> Writer<'a> {
    pub(super) fn new(disk: &'a dyn Disk, folder: &'a Path) -> Writer<'a> {
        Writer {
            disk,
            folder,
            pending: Vec::new(),
            directories: BTreeSet::new(),
            files: 0,
            bytes: 0,
        }
    }

    /// Writes a file, unless it is there already.
    pub(super) fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.folder.join(name);
        if let Some(there) = super::folder::read(self.disk, &path)? {
            // Left by an export that did not come to its checkpoint.
            if there == bytes {
                return Ok(());
            }
            return Err(Error::Forked {
                folder: self.folder.to_owned(),
                reason: format!("{name} is there and differs"),
            });
        }
        let directory = path.parent().unwrap_or(self.folder);
        if !self.directories.contains(directory) {
            self.disk
                .create_dir(directory)
                .map_err(Error::io("create", directory))?;
            let above = directory.ancestors();
            for one in above.take_while(|one| one.starts_with(self.folder)) {
                self.directories.insert(one.to_owned());
            }
        }
        // A partial tile's name is a number: a suffix of its own.
        let mut temporary = path.clone().into_os_string();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        files::remove_if_there(self.disk, &temporary)?;
        let file = self
            .disk
            .open(&temporary, Mode::Create)
            .map_err(Error::io("create", &temporary))?;
        file.write_at(0, bytes)
            .map_err(Error::io("write", &temporary))?;
        self.files = self.files.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        self.pending.push(Pending {
            file,
            temporary,
            path,
        });
        if self.pending.len() < AT_ONCE {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        for one in &self.pending {
            let synced = one.file.sync();
            synced.map_err(Error::io("sync", &one.temporary))?;
        }
        for one in self.pending.drain(..) {
            self.disk
                .rename(&one.temporary, &one.path)
                .map_err(Error::io("rename", &one.temporary))?;
        }
        Ok(())
    }

    /// Makes everything durable, so that a checkpoint may name it.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        for directory in std::mem::take(&mut self.directories) {
            self.disk
                .sync_dir(&directory)
                .map_err(Error::io("sync", &directory))?;
        }
        Ok(())
    }
}
