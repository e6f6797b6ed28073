//! Reading a ledger directory: `weir ledger tail` and `show`.
//!
//! Reading takes no lock and changes nothing, so it works beside the process that
//! writes. It does not verify; see [`crate::verify`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::checkpoint::Checkpoint;
use ledger::disclosure::Opened;
use ledger::note::VerifierKey;
use ledger::seal::{self, KeyId};
use ledger::trust::Policy;
use ledger::{Entry, Kind, Sequence};

use crate::disk::{Disk, RealDisk};
use crate::files::{Identity, KeyPeriod};
use crate::holds::{Hold, Holds};
use crate::keys::{self, Slot};
use crate::scan::{Cursor, Found};
use crate::view::View;
use crate::{Error, files};

mod entries;

pub use entries::Entries;

/// A ledger directory, open for reading.
#[derive(Clone)]
pub struct Reader {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) log_id: [u8; 16],
    verifier: VerifierKey,
    trust: Policy,
}

/// One entry as it is stored.
#[derive(Clone)]
pub struct Record {
    /// Its place.
    pub sequence: Sequence,
    /// Its kind.
    pub kind: Kind,
    /// The bytes that are hashed: a JSON object.
    pub leaf: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

/// The sealed part stays out of logs.
impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Record")
            .field("sequence", &self.sequence)
            .field("leaf", &String::from_utf8_lossy(&self.leaf))
            .finish_non_exhaustive()
    }
}

impl Record {
    /// The entry.
    ///
    /// # Errors
    /// [`ledger::Error::BadEntry`] if it was altered into something else.
    pub fn entry(&self) -> Result<Entry, ledger::Error> {
        Entry::parse(&self.leaf)
    }
}

/// One entry with what can be disclosed of it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As it is stored.
    pub record: Record,
    /// As it reads.
    pub entry: Entry,
    /// Its disclosures, each checked against the entry.
    pub disclosures: Vec<Opened>,
    /// The same, encoded, for a proof.
    pub encoded: Vec<String>,
    /// Keys that were erased; what they sealed is gone for ever.
    pub erased: Vec<ErasedKey>,
}

/// A destroyed key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasedKey {
    /// Its id.
    pub id: KeyId,
    /// When, nanoseconds since 1970 UTC.
    pub at_ns: u64,
}

impl Reader {
    /// Opens the ledger in `dir`.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is none; [`Error::Damaged`], [`Error::Content`],
    /// [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Reader, Error> {
        Reader::open_on(Arc::new(RealDisk), dir)
    }

    /// As [`Reader::open`], on another disk.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Reader, Error> {
        let Some(identity) = Identity::read(&*disk, dir)? else {
            return Err(Error::Missing {
                path: files::id(dir),
            });
        };
        let (verifier, log_id) = (identity.verifier(dir)?, identity.log_id());
        let trust = identity.trust(dir)?;
        Ok(Reader {
            disk,
            dir: dir.to_owned(),
            log_id,
            verifier,
            trust,
        })
    }

    /// The verifier key in force when the directory was opened, as it stands there. Who
    /// wants evidence compares it with one obtained elsewhere.
    #[must_use]
    pub fn vkey(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Believes what this log signed. Who wants evidence has a policy of their own.
    #[must_use]
    pub fn trust(&self) -> &Policy {
        &self.trust
    }

    /// The log's keys, oldest first, and when each signs.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn keys(&self) -> Result<Vec<KeyPeriod>, Error> {
        let identity = Identity::read(&*self.disk, &self.dir)?;
        let missing = || Error::Missing {
            path: files::id(&self.dir),
        };
        Ok(identity.ok_or_else(missing)?.keys())
    }

    /// The last signed checkpoint, its signature checked, and its text.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], [`Error::Content`], [`Error::Io`].
    pub fn checkpoint(&self) -> Result<(Checkpoint, String), Error> {
        let read = files::read_checkpoint(&*self.disk, &self.dir, &self.trust);
        let (trusted, text) = match read {
            // A key may have taken over since the directory was opened.
            Err(Error::Content { .. }) => {
                let identity = Identity::read(&*self.disk, &self.dir)?;
                let trust = identity.map(|identity| identity.trust(&self.dir));
                let trust = trust.transpose()?.unwrap_or_else(|| self.trust.clone());
                files::read_checkpoint(&*self.disk, &self.dir, &trust)?
            }
            other => other?,
        };
        Ok((trusted.checkpoint, text))
    }

    /// Entries from `from` on, in order.
    #[must_use]
    pub fn entries(&self, from: Sequence) -> Entries<'_> {
        Entries::new(self, from)
    }

    /// The minimum index (tlog-tiles, "Pruning"): the first entry that is kept.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn minimum(&self) -> Result<Sequence, Error> {
        self.view().map(|view| Sequence(view.minimum()))
    }

    pub(crate) fn view(&self) -> Result<View, Error> {
        View::read(&*self.disk, &self.dir, &self.log_id)
    }

    /// How many entries are written, durable or not.
    ///
    /// # Errors
    /// As [`Entries::next`].
    pub fn count(&self) -> Result<u64, Error> {
        let mut look = 0;
        loop {
            look += 1;
            let view = self.view()?;
            let Some(last) = view.layout.segments.last() else {
                return Ok(view.packs.end());
            };
            let mut cursor = match Cursor::open(&*self.disk, last) {
                // It was sealed since the directory was read.
                Err(Error::Io { source, .. })
                    if look < 100 && source.kind() == std::io::ErrorKind::NotFound =>
                {
                    continue;
                }
                other => other?,
            };
            while let Found::Frame(..) = cursor.next()? {}
            return Ok(cursor.expected().0.max(view.packs.end()));
        }
    }

    /// The legal holds in force.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn holds(&self) -> Result<Vec<Hold>, Error> {
        Ok(Holds::read(&*self.disk, &self.dir)?.holds)
    }

    /// One entry with its disclosures decrypted.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`]; [`Error::Pruned`]; [`Error::Ledger`] if the entry or a disclosure was altered.
    pub fn show(&self, sequence: Sequence) -> Result<Shown, Error> {
        self.opener()?.show(sequence)
    }

    /// What is needed to read many entries with their disclosures.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Damaged`], [`Error::Io`]: the key table.
    pub fn opener(&self) -> Result<Opener<'_>, Error> {
        Ok(Opener {
            reader: self,
            keys: keys::read(&*self.disk, &self.dir, &self.log_id)?,
        })
    }
}

/// Decrypts disclosures with the keys as they were when it was made.
pub struct Opener<'a> {
    reader: &'a Reader,
    keys: keys::Content,
}

impl Opener<'_> {
    /// One entry with its disclosures decrypted.
    ///
    /// # Errors
    /// As [`Reader::show`].
    pub fn show(&self, sequence: Sequence) -> Result<Shown, Error> {
        let record = self.reader.entries(sequence).next()?;
        let Some(record) = record else {
            return Err(Error::NoSuchEntry {
                sequence,
                entries: self.reader.count()?,
            });
        };
        let entry = record.entry()?;
        let (mut encoded, mut erased) = (Vec::new(), Vec::new());
        for envelope in seal::envelopes(&record.sealed)? {
            match self.keys.slots.get(&envelope.key) {
                Some((Slot::Live { key, .. }, _)) => encoded.extend(key.open(&envelope)?),
                Some((Slot::Erased { at_ns }, _)) => {
                    erased.push(ErasedKey {
                        id: envelope.key,
                        at_ns: *at_ns,
                    });
                }
                None => return Err(keys::UNKNOWN_KEY.into()),
            }
        }
        let disclosures = ledger::verify::disclosures(&entry, &encoded)?;
        Ok(Shown {
            record,
            entry,
            disclosures,
            encoded,
            erased,
        })
    }
}
