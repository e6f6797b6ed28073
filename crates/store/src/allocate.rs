//! Making and removing the files of segments, and the disk reserve.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::{Disk, File, Mode};
use crate::log::{Active, Batch};
use crate::segment::{self, Header};
#[cfg(test)]
use crate::simulation::{Broken, is_broken};
use crate::{Options, files};

/// Maker of segments.
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    segment_bytes: u64,
    reserve_bytes: u64,
    reserve: AtomicBool,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, options: &Options) -> Segments {
        let reserve = disk.open(&segment::reserve(dir), Mode::Read).is_ok();
        Segments {
            disk,
            dir: dir.to_owned(),
            segment_bytes: options.segment_bytes,
            reserve_bytes: options.reserve_bytes,
            reserve: AtomicBool::new(reserve),
        }
    }

    /// Whether the disk reserve is there.
    pub(crate) fn has_reserve(&self) -> bool {
        self.reserve.load(Ordering::Relaxed)
    }

    /// Writes a segment whole: header, the frames of `batch`, room for more. It
    /// appears under its name only when it is durable.
    pub(crate) fn whole(&self, ordinal: u64, header: &Header, batch: &Batch) -> io::Result<Active> {
        let temporary = segment::temporary(&self.dir, ordinal);
        let filled = (segment::HEADER_BYTES as u64).saturating_add(batch.bytes.len() as u64);
        let wanted = self.segment_bytes.saturating_add(batch.bytes.len() as u64);
        let (file, capacity, emergency) = match self.allocate(&temporary, wanted) {
            Ok(file) => (file, wanted, false),
            // The reserve is there for this, if the batch fits.
            Err(_) if filled <= self.reserve_bytes && self.has_reserve() => {
                self.disk.rename(&segment::reserve(&self.dir), &temporary)?;
                self.reserve.store(false, Ordering::Relaxed);
                (
                    self.disk.open(&temporary, Mode::Write)?,
                    self.reserve_bytes,
                    true,
                )
            }
            Err(error) => return Err(error),
        };
        file.write_at(0, &header.encode())?;
        file.write_at(segment::HEADER_BYTES as u64, &batch.bytes)?;
        file.sync()?;
        self.disk
            .rename(&temporary, &segment::path(&self.dir, ordinal))?;
        #[cfg(test)]
        if is_broken(Broken::SkipsDirectorySync) {
            let offset = filled;
            return Ok(Active {
                file,
                ordinal,
                offset,
                capacity,
                emergency,
            });
        }
        self.disk.sync_dir(&segment::directory(&self.dir))?;
        Ok(Active {
            file,
            ordinal,
            offset: filled,
            capacity,
            emergency,
        })
    }

    /// Makes a segment ahead of its use.
    pub(crate) fn spare(&self, ordinal: u64) -> io::Result<Active> {
        let path = segment::path(&self.dir, ordinal);
        let capacity = self.segment_bytes;
        let file = self.allocate(&path, capacity)?;
        file.sync()?;
        self.disk.sync_dir(&segment::directory(&self.dir))?;
        let offset = segment::HEADER_BYTES as u64;
        Ok(Active {
            file,
            ordinal,
            offset,
            capacity,
            emergency: false,
        })
    }

    /// Makes a segment of the reserve.
    pub(crate) fn spare_of_reserve(&self, ordinal: u64) -> Option<Active> {
        if !self.has_reserve() {
            return None;
        }
        let path = segment::path(&self.dir, ordinal);
        self.disk.rename(&segment::reserve(&self.dir), &path).ok()?;
        self.reserve.store(false, Ordering::Relaxed);
        self.disk.sync_dir(&segment::directory(&self.dir)).ok()?;
        let file = self.disk.open(&path, Mode::Write).ok()?;
        let offset = segment::HEADER_BYTES as u64;
        Some(Active {
            file,
            ordinal,
            offset,
            capacity: self.reserve_bytes,
            emergency: true,
        })
    }

    /// Makes an unused segment the reserve again that it was. If that fails, another
    /// reserve is made.
    pub(crate) fn give_back(&self, ordinal: u64) {
        let (from, to) = (
            segment::path(&self.dir, ordinal),
            segment::reserve(&self.dir),
        );
        let given = self
            .disk
            .rename(&from, &to)
            .and_then(|()| self.disk.sync_dir(&segment::directory(&self.dir)));
        self.reserve.store(given.is_ok(), Ordering::Relaxed);
    }

    /// Makes the disk reserve if it is not there.
    pub(crate) fn make_reserve(&self) -> io::Result<()> {
        if self.has_reserve() {
            return Ok(());
        }
        let path = segment::reserve(&self.dir);
        let temporary = path.with_extension("tmp");
        self.allocate(&temporary, self.reserve_bytes)?.sync()?;
        self.disk.rename(&temporary, &path)?;
        self.disk.sync_dir(&segment::directory(&self.dir))?;
        self.reserve.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// A fresh file of zeros; nothing is left of it on failure.
    fn allocate(&self, path: &Path, bytes: u64) -> io::Result<Arc<dyn File>> {
        files::remove_if_there(&*self.disk, path).map_err(io::Error::other)?;
        let file = self.disk.open(path, Mode::Create)?;
        file.allocate(bytes).inspect_err(|_| {
            let _ = self.disk.remove(path);
        })?;
        Ok(file)
    }

    /// Removes what segment `ordinal` replaced: what stands behind `old_end` in the
    /// segment of that number, and everything between. Readers ignore it anyway, so a
    /// failure does no harm.
    pub(crate) fn drop_replaced(&self, old_end: (u64, u64), ordinal: u64) {
        let (old, offset) = old_end;
        if let Ok(file) = self.disk.open(&segment::path(&self.dir, old), Mode::Write) {
            // What failed must be cut off before this file may be synced again.
            let _ = file.truncate(offset).and_then(|()| file.sync());
        }
        for replaced in old.saturating_add(1)..ordinal {
            let path = segment::path(&self.dir, replaced);
            let _ = files::remove_if_there(&*self.disk, &path);
        }
    }
}
