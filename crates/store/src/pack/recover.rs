//! What opening a ledger must know of its packs, without hashing their entries again.

use std::path::{Path, PathBuf};

use ledger::merkle::{Frontier, Hash, subtree};
use ledger::{Kind, Sequence};

use super::file::{Unpacker, leaves};
use super::{BUNDLE, Disclosures, OpenIntents, Pack, Packs, Span, directory, upper};
use crate::Error;
use crate::disk::Disk;

/// The sealed part of a ledger.
pub(crate) struct Sealed {
    /// Its entries, `0..end`.
    pub(crate) end: u64,
    /// The tree of its bundles.
    pub(crate) bundles: Frontier,
    /// Allowed intents that had no outcome at its end.
    pub(crate) open: OpenIntents,
    /// Kind of its last entry.
    pub(crate) last: Option<Kind>,
    /// Files to remove.
    pub(crate) unfinished: Vec<PathBuf>,
    newest: Option<Newest>,
}

/// The newest pack, to compare the log with.
struct Newest {
    pack: Pack,
    /// The tile that was compared last.
    tile: Option<(u64, Vec<Hash>)>,
}

impl Sealed {
    /// Looks at all packs: whether each is whole, of this log, and follows the one
    /// before.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<Sealed, Error> {
        let packs = Packs::list(disk, dir)?;
        if let Some(path) = packs.misnamed.first() {
            return Err(Error::Damaged {
                path: path.clone(),
                offset: 0,
                reason: "its name is not that of a pack",
            });
        }
        let mut newest = None;
        for (before, span) in packs.in_order() {
            // Pruning takes away from the beginning, so only the first may begin late.
            if newest.is_some() && before != span.first {
                let reason = format!(
                    "entries {before} to {} are in no pack of {}",
                    span.first.saturating_sub(1),
                    directory(dir).display()
                );
                return Err(Error::Disagrees { reason });
            }
            Disclosures::open(disk, dir, span, log)?;
            newest = Some(Pack::open(disk, dir, span, log)?);
        }
        let end = packs.end();
        let bundles = upper::frontier(disk, dir, end)?;
        let mut sealed = Sealed {
            end,
            bundles,
            open: OpenIntents::default(),
            last: None,
            unfinished: packs.unfinished,
            newest: None,
        };
        if let Some(pack) = newest {
            sealed.open = pack.open_intents()?;
            sealed.last = Some(last_kind(&pack)?);
            sealed.newest = Some(Newest { pack, tile: None });
            sealed.compare_roots(disk, dir)?;
        }
        Ok(sealed)
    }

    /// The tree of its entries.
    pub(crate) fn frontier(&self) -> Frontier {
        let peaks = self.bundles.peaks().to_vec();
        Frontier::of_peaks(self.end, peaks).unwrap_or_default()
    }

    /// Compares the last bundle's root in the tiles with its hashes in the pack.
    fn compare_roots(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let last = (self.end / BUNDLE).saturating_sub(1);
        let root = upper::read(disk, dir, 1, last, 1)?.first().copied();
        let Some(newest) = &self.newest else {
            return Ok(());
        };
        if subtree(&newest.pack.tile(last)?) == root {
            return Ok(());
        }
        Err(Error::Disagrees {
            reason: format!(
                "{} and {} hold different hashes of bundle {last}",
                newest.pack.path().display(),
                upper::path(dir, 1).display()
            ),
        })
    }

    /// Whether an entry of the log that is also in the newest pack is the same there.
    /// One that is in an older pack is not looked at.
    pub(crate) fn holds(&mut self, sequence: Sequence, leaf: &Hash) -> Result<bool, Error> {
        let Some(newest) = &mut self.newest else {
            return Ok(true);
        };
        if !newest.pack.span().contains(sequence.0) {
            return Ok(true);
        }
        let index = sequence.0 / BUNDLE;
        if newest.tile.as_ref().is_none_or(|(at, _)| *at != index) {
            newest.tile = Some((index, newest.pack.tile(index)?));
        }
        let place = usize::try_from(sequence.0 % BUNDLE).unwrap_or(usize::MAX);
        let tile = newest.tile.as_ref().map(|(_, tile)| tile.as_slice());
        Ok(tile.and_then(|tile| tile.get(place)) == Some(leaf))
    }

    /// The newest pack's file.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.newest.as_ref().map(|newest| newest.pack.path())
    }
}

fn last_kind(pack: &Pack) -> Result<Kind, Error> {
    let Span { end, .. } = pack.span();
    let index = (end / BUNDLE).saturating_sub(1);
    let mut bundle = Vec::new();
    Unpacker::new()?.bundle(pack, index, &mut bundle)?;
    let last = leaves(&bundle).flatten().last().unwrap_or_default();
    super::kind_of(last, Sequence(end.saturating_sub(1))).ok_or_else(|| Error::Damaged {
        path: pack.path().to_owned(),
        offset: pack.offset(index),
        reason: "its last entry is altered",
    })
}
