//! What the store remembers of itself outside its directory: the last checkpoint, in a
//! file beside it.
//!
//! A directory that is put back to an older state of its own, or to nothing, is sound
//! by itself. Only who remembers more can tell; here that is the store, as long as the
//! file was not put back too. An auditor's `--since` and an export remember better.

use std::path::Path;

use ledger::merkle::{Frontier, Hash};
use ledger::trust::Policy;

use crate::committer::Committer;
use crate::disk::Disk;
use crate::read::Reader;
use crate::tiles::Tiles;
use crate::{Error, files};

/// Refuses a ledger that has fewer entries than are remembered, or others.
pub(crate) fn check(
    disk: &dyn Disk,
    path: &Path,
    trust: &Policy,
    frontier: &Frontier,
    reader: impl FnOnce() -> Result<Reader, Error>,
) -> Result<(), Error> {
    let Some(bytes) = files::read(disk, path)? else {
        return Ok(());
    };
    let forgotten = |reason: String| Error::Forgotten {
        memory: path.to_owned(),
        reason,
    };
    let text = String::from_utf8_lossy(&bytes);
    let then = match trust.open(&text) {
        Ok(trusted) => trusted.checkpoint,
        Err(error) => return Err(forgotten(format!("this is another ledger: {error}"))),
    };
    let (then_size, size) = (then.size, frontier.size());
    if then_size > size {
        return Err(forgotten(format!(
            "{then_size} entries were signed and {size} are there"
        )));
    }
    let root: Hash = if then_size == size {
        frontier.root()
    } else {
        let tiles = Tiles::open(reader()?, then_size)?;
        ledger::merkle::root(then_size, &|level, index| tiles.node(level, index).ok())?
    };
    if root == then.root {
        return Ok(());
    }
    Err(forgotten(format!(
        "the first {then_size} entries are not those that were signed"
    )))
}

/// Refuses to begin a fresh ledger where one is remembered.
pub(crate) fn check_fresh(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    match files::read(disk, path)? {
        None => Ok(()),
        Some(_) => Err(Error::Forgotten {
            memory: path.to_owned(),
            reason: "the ledger it remembers is gone".to_owned(),
        }),
    }
}

impl Committer {
    /// Remembers the last checkpoint, where that is possible: a directory that cannot
    /// be written to is no reason to stop.
    pub(crate) fn remember(&self) {
        let log = &self.log;
        let Some(path) = &log.options.memory else {
            return;
        };
        let text = files::read(&*log.disk, &files::checkpoint(&log.dir));
        let above = path.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new("."));
        if let Ok(Some(text)) = text
            && files::read(&*log.disk, path).ok().flatten().as_ref() != Some(&text)
        {
            let _ = files::write(&*log.disk, above, path, &text);
        }
    }
}
