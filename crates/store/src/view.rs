//! What holds the entries at one moment: packs, and the write-ahead log behind them.

use std::path::Path;

use crate::Error;
use crate::disk::Disk;
use crate::pack::Packs;
use crate::segment::{self, Layout, Segment};

/// Packs and segments. Where both hold an entry, the pack counts.
#[derive(Debug, Default)]
pub(crate) struct View {
    pub(crate) layout: Layout,
    pub(crate) packs: Packs,
}

impl View {
    /// Looks at the log first: what is sealed and removed between the two looks is
    /// found in both.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<View, Error> {
        let layout = segment::layout(disk, dir, log)?;
        let packs = Packs::list(disk, dir)?;
        Ok(View { layout, packs })
    }

    /// The segment that has an entry.
    pub(crate) fn segment(&self, index: u64) -> Option<&Segment> {
        self.layout.segments.iter().rev().find(|one| {
            one.header.first.0 <= index && one.until.is_none_or(|until| until.0 > index)
        })
    }

    /// The first entry from which on nothing is missing.
    pub(crate) fn minimum(&self) -> u64 {
        match (self.packs.spans.is_empty(), self.layout.segments.first()) {
            (true, Some(first)) => first.header.first.0,
            (true, None) | (false, _) => self.packs.minimum(),
        }
    }
}
