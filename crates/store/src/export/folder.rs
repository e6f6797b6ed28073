//! A static log in a folder.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::tile::Tile;

use super::check::Source;
use crate::Error;
use crate::disk::{Disk, Mode, RealDisk};

/// Most bytes of a file of a static log: a bundle of 256 of the longest entries.
const MAX_BYTES: u64 = 256 * (2 + 65_535);

/// A static log in a folder.
pub struct Folder {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Folder {
    /// The log in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Folder {
        Folder {
            disk: Arc::new(RealDisk),
            folder: folder.to_owned(),
        }
    }
}

impl Source for Folder {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error> {
        read(&*self.disk, &self.folder.join(path))
    }

    fn partial(&self, tile: Tile) -> Result<Vec<Tile>, Error> {
        let directory = self.folder.join(format!("{}.p", tile.full()));
        let names = match self.disk.list(&directory) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(Error::io("list", &directory)(error)),
        };
        let width = |name: String| -> Option<Tile> {
            let path = format!("{}.p/{name}", tile.full());
            path.parse().ok()
        };
        Ok(names.into_iter().filter_map(width).collect())
    }
}

/// A whole file; `None` if it is not there.
pub(super) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match disk.open(path, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    let length = file.length().map_err(Error::io("read", path))?;
    // One byte more, so that what is too long is seen to be.
    let length = length.min(MAX_BYTES.saturating_add(1));
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
    let count = file
        .read_at(0, &mut bytes)
        .map_err(Error::io("read", path))?;
    bytes.truncate(count);
    Ok(Some(bytes))
}
