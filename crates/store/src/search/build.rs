//! Segments from the ledger: building, rebuilding, comparing.

use std::collections::BTreeSet;
use std::ops::Range;

use ledger::Sequence;
use ledger::merkle::leaf_hash;

use super::error::{Error, Fault};
use super::index::{Index, Segment};
use super::rows::{Rows, Session, fill};
use super::schema;
use super::segment::{self, hex};
use super::snapshot::batches;
use crate::read::Reader;

/// Entries of a full segment, unless said otherwise.
pub const SEGMENT_ENTRIES: u64 = 1 << 18;

/// What was done to rebuild an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Entries that are in segments.
    pub entries: u64,
    /// Segments that were written.
    pub segments: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// What was removed.
    pub removed: usize,
}

/// Cuts a range where segments end.
pub(super) fn pieces(range: Range<u64>, each: u64) -> impl Iterator<Item = Range<u64>> {
    let each = each.max(1);
    let mut from = range.start;
    std::iter::from_fn(move || {
        let to = range
            .end
            .min((from / each).saturating_add(1).saturating_mul(each));
        let piece = (from < to).then_some(from..to);
        from = to;
        piece
    })
}

/// Rows of these entries of the ledger.
pub(super) fn rows(reader: &Reader, range: &Range<u64>, open: Vec<Session>) -> Result<Rows, Error> {
    let mut rows = Rows::new(range.start, open);
    fill(
        &mut rows,
        &mut reader.entries(Sequence(range.start)),
        range.end,
    )?;
    if rows.to < range.end {
        return Err(crate::Error::NoSuchEntry {
            sequence: Sequence(rows.to),
            entries: rows.to,
        }
        .into());
    }
    Ok(rows)
}

/// Rows as a segment.
pub(super) fn bytes(index: &Index, rows: &Rows) -> Result<Vec<u8>, Error> {
    segment::write(rows, &index.origin, &index.log)
}

/// Whether the last entry of a segment is that of the ledger.
pub(super) fn fits(reader: &Reader, segment: &Segment) -> Result<bool, Error> {
    let last = Sequence(segment.about.to.saturating_sub(1));
    let record = reader.entries(last).next()?;
    Ok(record.is_some_and(|record| {
        record.sequence == last && hex(&leaf_hash(&record.leaf)) == segment.about.last_leaf
    }))
}

/// Makes the whole index anew from the signed entries of the ledger, and removes what
/// is not of it. The old one serves until then. `progress` hears of entries done and
/// of all.
///
/// # Errors
/// [`Error::Ledger`], [`Error::Store`], [`Error::Make`].
pub async fn rebuild(
    reader: &Reader,
    index: &Index,
    segment_entries: u64,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Rebuilt, Error> {
    let (checkpoint, _) = reader.checkpoint()?;
    let from = index.layout().await?.minimum.max(reader.minimum()?.0);
    let (mut open, mut done) = (Vec::new(), Rebuilt::default());
    let mut made = BTreeSet::new();
    for piece in pieces(from..checkpoint.size, segment_entries) {
        progress(piece.start, checkpoint.size);
        let rows = rows(reader, &piece, open)?;
        let bytes = bytes(index, &rows)?;
        done.bytes = done.bytes.saturating_add(bytes.len() as u64);
        index.put(piece.start, piece.end, bytes).await?;
        done.segments = done.segments.saturating_add(1);
        done.entries = done
            .entries
            .saturating_add(rows.to.saturating_sub(rows.from));
        made.insert((piece.start, piece.end));
        open = rows.open_after();
    }
    progress(checkpoint.size, checkpoint.size);
    let removed = index.remove_all_but(&made).await?;
    Ok(Rebuilt { removed, ..done })
}

/// Compares every segment with the ledger, row by row.
///
/// # Errors
/// [`Error::Ledger`], [`Error::Store`], [`Error::Make`].
pub async fn compare(
    reader: &Reader,
    index: &Index,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Fault>, Error> {
    let layout = index.layout().await?;
    let (minimum, entries) = (reader.minimum()?.0, reader.count()?);
    let mut faults = layout.faults;
    let mut before: Option<(u64, Vec<Session>)> = None;
    for segment in &layout.segments {
        let about = &segment.about;
        progress(about.from, entries);
        let mut differs = |reason: &str| {
            faults.push(Fault {
                name: segment.name().to_owned(),
                reason: reason.to_owned(),
            });
        };
        if about.from < minimum {
            // The ledger does not have all of it any more.
            let open = index.dictionaries(segment).await?.open_after();
            before = Some((about.to, open));
            continue;
        }
        if about.to > entries {
            differs("the ledger has fewer entries");
            continue;
        }
        // What was open before a pruned part only the segment after it can say.
        let known = before.take().filter(|(to, _)| *to == about.from);
        let open = known.map(|(_, open)| open).unwrap_or_default();
        let rows = rows(reader, &(about.from..about.to), open)?;
        let expected = bytes(index, &rows)?;
        let found = index.bytes(segment).await?;
        if found != expected {
            let schema = schema::schema();
            let found = segment::decode(&found, &schema).map_err(Error::make);
            let expected = datafusion::arrow::compute::concat_batches(&schema, &batches(&rows)?);
            match (found, expected) {
                (Ok(found), Ok(expected)) if found == expected => {}
                (Ok(_), _) => differs("its rows are not those of the ledger"),
                (Err(_), _) => differs("it cannot be read"),
            }
        }
        before = Some((rows.to, rows.open_after()));
    }
    Ok(faults)
}
