//! A ledger as a static log directory: what any C2SP client reads, from a file server
//! or a disk (C2SP tlog-tiles).
//!
//! | path | what |
//! |---|---|
//! | `tile/L/N`, `tile/L/N.p/W` | hashes; full tiles are written once |
//! | `tile/entries/N`, `tile/entries/N.p/W` | the entries, as they are hashed |
//! | `checkpoint` | the signed tree head, last of all |
//!
//! Exporting again adds what was signed meanwhile. What stands under a checkpoint that
//! was exported is never written again: a ledger that does not continue it is refused
//! before the first byte. [`check`] is the other side: it reads such a directory, here
//! or elsewhere, and believes nothing but a policy.

use std::path::{Path, PathBuf};

use ledger::checkpoint::Checkpoint;
use ledger::merkle;
use ledger::tile::{self, Content, Tile};

use crate::disk::{Disk, RealDisk};
use crate::read::Reader;
use crate::tiles::Tiles;
use crate::{Error, files};

mod check;
mod folder;
mod write;

pub use check::{Report, Source, check};
pub use folder::Folder;

use write::Writer;

/// How far a long work is, in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// To be done in all.
    pub total: u64,
}

/// What an export did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The checkpoint that stands in the folder.
    pub checkpoint: Checkpoint,
    /// Entries under the one that stood there before.
    pub before: u64,
    /// Tiles and bundles written.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first entry that could be exported; what is below is not kept any more.
    pub minimum: u64,
}

/// Brings the static log in `folder`, which is made if it is not there, to the last
/// checkpoint of the ledger.
///
/// # Errors
/// [`Error::Occupied`] if something else is in the folder; [`Error::Forked`] if the
/// ledger does not continue what was exported; [`Error::Disagrees`] if its entries do not
/// have the root it signed; [`Error::Locked`]; [`Error::Content`], [`Error::Io`].
pub fn export(
    reader: &Reader,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exported, Error> {
    export_on(&RealDisk, reader, folder, progress)
}

/// As [`export`], onto another disk.
///
/// # Errors
/// As [`export`].
pub fn export_on(
    disk: &dyn Disk,
    reader: &Reader,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exported, Error> {
    disk.create_dir(folder)
        .map_err(Error::io("create", folder))?;
    let lock = lock(folder);
    let _lock = disk
        .lock(&lock)
        .map_err(Error::io("lock", &lock))?
        .ok_or_else(|| Error::Locked {
            dir: folder.to_owned(),
        })?;
    let before = exported(disk, reader, folder)?;
    let (checkpoint, text) = reader.checkpoint()?;
    let old = before.as_ref().map_or(0, |before| before.size);
    if old > checkpoint.size {
        let signed = checkpoint.size;
        return Err(forked(
            folder,
            format!("it was exported at {old} entries and the ledger has {signed}"),
        ));
    }
    let tiles = Tiles::open(reader.clone(), checkpoint.size)?;
    continues(folder, &tiles, &checkpoint, before.as_ref())?;

    let mut writer = Writer::new(disk, folder);
    let total = checkpoint.size.saturating_sub(old);
    for content in Content::of_tree(checkpoint.size) {
        // What was partial is written anew, under the name of its new width.
        let from = content.count(old) / u64::from(tile::WIDTH);
        for tile in content.tiles(from, checkpoint.size) {
            let known = Tile::of_tree(content, tile.index(), old);
            if known == Some(tile) {
                continue;
            }
            if let Some(bytes) = bytes(&tiles, tile)? {
                writer.put(&tile.to_string(), &bytes)?;
            }
            if content == Content::Entries {
                let done = tile.end().unwrap_or(total).saturating_sub(old);
                progress(Progress { done, total });
            }
        }
    }
    writer.finish()?;
    let path = files::checkpoint(folder);
    if files::read(disk, &path)?.as_deref() != Some(text.as_bytes()) {
        files::write(disk, folder, &path, text.as_bytes())?;
    }
    let (files, bytes) = (writer.files, writer.bytes);
    remove_partial(disk, folder, old, checkpoint.size);
    Ok(Exported {
        checkpoint,
        before: old,
        files,
        bytes,
        minimum: tiles.minimum(),
    })
}

fn lock(folder: &Path) -> PathBuf {
    folder.join(".lock")
}

fn forked(folder: &Path, reason: String) -> Error {
    Error::Forked {
        folder: folder.to_owned(),
        reason,
    }
}

/// The checkpoint of an earlier export.
fn exported(disk: &dyn Disk, reader: &Reader, folder: &Path) -> Result<Option<Checkpoint>, Error> {
    let path = files::checkpoint(folder);
    let Some(bytes) = files::read(disk, &path)? else {
        let names = disk.list(folder).map_err(Error::io("list", folder))?;
        let ours = |name: &str| matches!(name, "tile" | ".lock" | "checkpoint.tmp");
        return match names.iter().find(|name| !ours(name)) {
            None => Ok(None),
            Some(name) => Err(Error::Occupied {
                path: folder.join(name),
            }),
        };
    };
    let text = String::from_utf8_lossy(&bytes);
    match reader.trust().open(&text) {
        Ok(trusted) => Ok(Some(trusted.checkpoint)),
        Err(source) => Err(Error::Content { path, source }),
    }
}

/// Checks that what will be exported is what was signed, and goes on from what was
/// exported before.
fn continues(
    folder: &Path,
    tiles: &Tiles,
    checkpoint: &Checkpoint,
    before: Option<&Checkpoint>,
) -> Result<(), Error> {
    let node = |level, index| tiles.node(level, index).ok();
    let size = checkpoint.size;
    if merkle::root(size, &node)? != checkpoint.root {
        let reason = format!("the first {size} entries do not have the root that was signed");
        return Err(Error::Disagrees { reason });
    }
    if let Some(before) = before
        && merkle::root(before.size, &node)? != before.root
    {
        let size = before.size;
        return Err(forked(
            folder,
            format!("its first {size} entries are not the first {size} of the ledger"),
        ));
    }
    Ok(())
}

/// The content of a tile; `None` if it is not kept any more.
fn bytes(tiles: &Tiles, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
    let (index, width) = (tile.index(), u64::from(tile.width()));
    match tile.content() {
        Content::Entries => match tiles.bundle(index, width) {
            Ok(bundle) => Ok(Some(bundle)),
            Err(Error::Pruned { .. }) => Ok(None),
            Err(other) => Err(other),
        },
        Content::Hashes(level) => match tiles.tile(level, index, width) {
            Ok(hashes) => Ok(Some(tile::encode_hashes(&hashes))),
            Err(Error::Pruned { .. }) => Ok(None),
            Err(other) => Err(other),
        },
    }
}

/// Removes partial tiles whose full tile is there (tlog-tiles, "Partial Tiles"). Nobody
/// needs them, so failures do no harm.
fn remove_partial(disk: &dyn Disk, folder: &Path, old: u64, size: u64) {
    for content in Content::of_tree(size) {
        let from = content.count(old) / u64::from(tile::WIDTH);
        for tile in content.tiles(from, size).take_while(Tile::is_full) {
            let partial = folder.join(format!("{tile}.p"));
            for name in disk.list(&partial).unwrap_or_default() {
                let _ = disk.remove(&partial.join(name));
            }
        }
    }
}
