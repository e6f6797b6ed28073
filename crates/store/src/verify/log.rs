//! Checking the write-ahead log.

use std::path::Path;

use ledger::Sequence;
use ledger::entry::Head;
use ledger::merkle::{Frontier, Hash, leaf_hash};

use super::entry::{self, Stored};
use super::{Check, Problem};
use crate::Error;
use crate::pack::{BUNDLE, Pack};
use crate::scan::{Cursor, Found};
use crate::segment::Segment;
use crate::view::View;

impl Check<'_> {
    /// Goes on with `frontier`, the tree of what is sealed.
    pub(super) fn log(
        &mut self,
        view: &View,
        cursors: Vec<Cursor>,
        mut frontier: Frontier,
    ) -> Result<Frontier, Error> {
        for (path, reason) in &view.layout.broken {
            let problem = Problem::Header(reason);
            self.findings.fault(path, Some(0), None, problem);
        }
        for path in &view.layout.unused {
            if path.extension().is_some_and(|name| name == "wal") {
                let blank = Cursor::raw(self.disk, path)?;
                self.trailing(path, &blank)?;
            }
        }
        let mut sealed = Overlap::new(self, view);
        let last = view.layout.segments.len().saturating_sub(1);
        let segments = view.layout.segments.iter().zip(cursors);
        for (position, (segment, cursor)) in segments.enumerate() {
            let is_last = position == last;
            self.segment(segment, cursor, is_last, &mut frontier, &mut sealed)?;
        }
        Ok(frontier)
    }

    fn segment(
        &mut self,
        segment: &Segment,
        mut cursor: Cursor,
        is_last: bool,
        frontier: &mut Frontier,
        sealed: &mut Overlap,
    ) -> Result<(), Error> {
        let (first, here) = (segment.header.first, Sequence(frontier.size()));
        if first > here {
            let problem = Problem::Missing {
                from: here,
                to: first,
            };
            self.findings
                .fault(&segment.path, None, Some(here), problem);
            return Ok(());
        }
        let superfluous = segment.until.is_some_and(|until| until.0 <= sealed.end);
        let signed = self.signed.as_ref().map_or(0, |one| one.size);
        loop {
            let (offset, sequence) = (cursor.offset(), cursor.expected());
            let (frame, offset) = match cursor.next()? {
                Found::Frame(frame, offset) => (frame, offset),
                Found::End => break,
                // The end of a ledger in use may be a frame that is being written.
                Found::Damaged(_) if is_last && self.live => return Ok(()),
                // It is removed when the ledger is opened next.
                Found::Damaged(_) if superfluous => return Ok(()),
                Found::Damaged(reason) => {
                    let problem = Problem::Frame(reason);
                    let path = &segment.path;
                    self.findings
                        .fault(path, Some(offset), Some(sequence), problem);
                    return Ok(());
                }
            };
            let hash = leaf_hash(frame.leaf);
            if frame.sequence.0 < sealed.end {
                if let Some(pack) = sealed.differs(self, frame.sequence, &hash)? {
                    let problem = Problem::Disagrees { pack };
                    let path = &segment.path;
                    self.findings
                        .fault(path, Some(offset), Some(sequence), problem);
                }
                continue;
            }
            frontier.push(hash);
            if self
                .signed
                .as_ref()
                .is_some_and(|one| one.size == frontier.size())
            {
                self.root_then = Some(frontier.root());
            }
            let stored = Stored {
                path: &segment.path,
                offset: Some(offset),
                sequence: frame.sequence,
                kind: Some(frame.kind),
                leaf: frame.leaf,
                sealed: Some(frame.sealed),
                signed: frame.sequence.0 < signed,
            };
            let (head, keys) = (Head::read(frame.leaf), self.keys.as_ref());
            entry::check(
                &stored,
                head.as_ref(),
                keys,
                &mut self.findings,
                |findings, problem| {
                    findings.fault(&segment.path, Some(offset), Some(sequence), problem);
                },
            );
        }
        // What a later segment replaced may still stand behind the end.
        if segment.until.is_none() && !self.live {
            self.trailing(&segment.path, &cursor)?;
        }
        Ok(())
    }

    fn trailing(&mut self, path: &Path, cursor: &Cursor) -> Result<(), Error> {
        if let Some((offset, bytes)) = cursor.rest()? {
            let problem = Problem::Trailing { bytes };
            self.findings.fault(path, Some(offset), None, problem);
        }
        Ok(())
    }
}

/// Entries that packs and log both hold.
struct Overlap<'a> {
    view: &'a View,
    end: u64,
    pack: Option<Pack>,
    tile: Option<(u64, Vec<Hash>)>,
}

impl<'a> Overlap<'a> {
    fn new(_check: &Check<'_>, view: &'a View) -> Overlap<'a> {
        Overlap {
            view,
            end: view.packs.end(),
            pack: None,
            tile: None,
        }
    }

    /// The pack that holds another entry with this sequence. One that cannot be read
    /// was named already.
    fn differs(
        &mut self,
        check: &Check<'_>,
        sequence: Sequence,
        hash: &Hash,
    ) -> Result<Option<String>, Error> {
        let Some(span) = self.view.packs.holding(sequence.0) else {
            return Ok(None);
        };
        if self.pack.as_ref().is_none_or(|pack| pack.span() != span) {
            self.tile = None;
            self.pack = Pack::open(check.disk, check.dir, span, &check.log).ok();
        }
        let Some(pack) = &self.pack else {
            return Ok(None);
        };
        let index = sequence.0 / BUNDLE;
        if self.tile.as_ref().is_none_or(|(at, _)| *at != index) {
            self.tile = pack.tile(index).ok().map(|tile| (index, tile));
        }
        let place = usize::try_from(sequence.0 % BUNDLE).unwrap_or(usize::MAX);
        let there = self.tile.as_ref().and_then(|(_, tile)| tile.get(place));
        let same = there.is_none_or(|there| there == hash);
        Ok((!same).then(|| pack.path().display().to_string()))
    }
}
