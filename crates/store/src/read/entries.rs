//! Going through a ledger's entries.

use std::ops::Range;

use ledger::Sequence;

use super::{Reader, Record};
use crate::Error;
use crate::pack::file::{Table, Unpacker, leaves};
use crate::pack::{BUNDLE, Disclosures, Pack, Span, kind_of};
use crate::scan::{Cursor, Found};
use crate::view::View;

/// Sealed parts of a bundle are read at once up to this size, else one by one.
const MAX_SEALED_BYTES: u64 = 8 << 20;

/// How often a look at the directory is repeated that a running gateway made stale.
const LOOKS: usize = 100;

/// Entries in order. Not an `Iterator`: after `None` it may be asked again, and gives
/// what was written meanwhile (`weir ledger tail --follow`).
pub struct Entries<'a> {
    reader: &'a Reader,
    next: Sequence,
    at: At,
}

/// Where the next entry is expected.
enum At {
    Nowhere,
    /// Number of the segment, and the place in it.
    Log(u64, Cursor),
    Pack(Box<PackCursor>),
}

impl<'a> Entries<'a> {
    pub(super) fn new(reader: &'a Reader, from: Sequence) -> Entries<'a> {
        Entries {
            reader,
            next: from,
            at: At::Nowhere,
        }
    }

    /// The next entry; `None` if there is none yet.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Pruned`] if it is not kept any more; [`Error::Damaged`] if
    /// entries cannot be read and later ones can.
    #[expect(clippy::should_implement_trait, reason = "it goes on after None")]
    pub fn next(&mut self) -> Result<Option<Record>, Error> {
        loop {
            if let Some(record) = self.step()? {
                if record.sequence >= self.next {
                    self.next = record.sequence.next();
                    return Ok(Some(record));
                }
                continue;
            }
            if !self.turn()? {
                return Ok(None);
            }
        }
    }

    /// The next entry of the file at hand.
    fn step(&mut self) -> Result<Option<Record>, Error> {
        match &mut self.at {
            At::Nowhere => Ok(None),
            At::Pack(pack) if pack.span().contains(self.next.0) => pack.record(self.next).map(Some),
            At::Pack(_) => Ok(None),
            At::Log(_, cursor) => match cursor.next()? {
                Found::Frame(frame, _) => Ok(Some(Record {
                    sequence: frame.sequence,
                    kind: frame.kind,
                    leaf: frame.leaf.to_vec(),
                    sealed: frame.sealed.to_vec(),
                })),
                // Damage may be a frame that is being written; `turn` knows.
                Found::End | Found::Damaged(_) => Ok(None),
            },
        }
    }

    /// Goes on in the file that has the next entry.
    fn turn(&mut self) -> Result<bool, Error> {
        let mut look = 0;
        loop {
            look += 1;
            match self.look() {
                // It was sealed, or pruned, since the directory was read.
                Err(Error::Missing { .. }) if look < LOOKS => {}
                Err(Error::Io { source, .. })
                    if look < LOOKS && source.kind() == std::io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
    }

    fn look(&mut self) -> Result<bool, Error> {
        let reader = self.reader;
        let (disk, dir, log) = (&*reader.disk, &reader.dir, &reader.log_id);
        let view = View::read(disk, dir, log)?;
        let wanted = match &self.at {
            At::Log(_, cursor) => cursor.expected().max(self.next),
            At::Nowhere | At::Pack(_) => self.next,
        };
        if let Some(span) = view.packs.holding(wanted.0) {
            self.at = At::Pack(Box::new(PackCursor::open(reader, span)?));
            return Ok(true);
        }
        let Some(segment) = view.segment(wanted.0) else {
            let minimum = view.minimum();
            if wanted.0 < minimum {
                return Err(Error::Pruned {
                    sequence: wanted,
                    minimum,
                });
            }
            return Ok(false);
        };
        match &mut self.at {
            At::Log(ordinal, cursor) if segment.ordinal == *ordinal => {
                if segment.until.is_none() {
                    return Ok(false);
                }
                if cursor.until() == segment.until {
                    return Err(Error::Damaged {
                        path: segment.path.clone(),
                        offset: cursor.offset(),
                        reason: "entries are missing",
                    });
                }
                // A later segment appeared, so this one is complete up to there.
                cursor.set_until(segment.until);
                Ok(true)
            }
            At::Nowhere | At::Log(..) | At::Pack(_) => {
                self.at = At::Log(segment.ordinal, Cursor::open(disk, segment)?);
                Ok(true)
            }
        }
    }
}

/// A place in a pack.
pub(super) struct PackCursor {
    pack: Pack,
    disclosures: Disclosures,
    unpacker: Unpacker,
    /// The bundle at hand.
    index: Option<u64>,
    bundle: Vec<u8>,
    leaves: Vec<Range<usize>>,
    table: Option<Table>,
    sealed: Option<Vec<u8>>,
}

impl PackCursor {
    pub(super) fn open(reader: &Reader, span: Span) -> Result<PackCursor, Error> {
        let (disk, dir, log) = (&*reader.disk, &reader.dir, &reader.log_id);
        Ok(PackCursor {
            pack: Pack::open(disk, dir, span, log)?,
            disclosures: Disclosures::open(disk, dir, span, log)?,
            unpacker: Unpacker::new()?,
            index: None,
            bundle: Vec::new(),
            leaves: Vec::new(),
            table: None,
            sealed: None,
        })
    }

    fn span(&self) -> Span {
        self.pack.span()
    }

    fn load(&mut self, index: u64) -> Result<(), Error> {
        self.index = None;
        self.unpacker.bundle(&self.pack, index, &mut self.bundle)?;
        let mut at = 0_usize;
        self.leaves.clear();
        for leaf in leaves(&self.bundle) {
            let leaf = leaf.ok_or_else(|| self.damaged(index, "a bundle is cut short"))?;
            let start = at.saturating_add(2);
            at = start.saturating_add(leaf.len());
            self.leaves.push(start..at);
        }
        if self.leaves.len() as u64 != BUNDLE {
            return Err(self.damaged(index, "a bundle does not have 256 entries"));
        }
        let table = self.disclosures.table(index)?;
        self.sealed = None;
        if table.bytes() <= MAX_SEALED_BYTES {
            let mut sealed = Vec::new();
            self.disclosures.all(&table, &mut sealed)?;
            self.sealed = Some(sealed);
        }
        self.table = Some(table);
        self.index = Some(index);
        Ok(())
    }

    fn damaged(&self, index: u64, reason: &'static str) -> Error {
        Error::Damaged {
            path: self.pack.path().to_owned(),
            offset: self.pack.offset(index),
            reason,
        }
    }

    fn record(&mut self, sequence: Sequence) -> Result<Record, Error> {
        let index = sequence.0 / BUNDLE;
        if self.index != Some(index) {
            self.load(index)?;
        }
        let place = usize::try_from(sequence.0 % BUNDLE).unwrap_or(0);
        let leaf = self.leaves.get(place).cloned().unwrap_or_default();
        let leaf = self.bundle.get(leaf).unwrap_or_default();
        let place = self
            .table
            .as_ref()
            .and_then(|table| table.places.get(place));
        let place = place.ok_or_else(|| self.damaged(index, "a bundle is cut short"))?;
        let sealed = match &self.sealed {
            None => self.disclosures.sealed(place)?,
            Some(all) => self.disclosures.part(self.table.as_ref(), place, all)?,
        };
        let kind = kind_of(leaf, sequence);
        Ok(Record {
            sequence,
            kind: kind.ok_or_else(|| self.damaged(index, "an entry is altered"))?,
            leaf: leaf.to_vec(),
            sealed,
        })
    }
}
