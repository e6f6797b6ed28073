//! The table of subject keys, erasable in place.
//!
//! ```text
//! header, 128 bytes: "weirkey1", log id (16), blind-index root (32), zeros, CRC-32C
//! slot, 128 bytes:   state u8 (0 void, 1 live, 2 erased), 7 zeros, key id (16),
//!                    blind index of the subject (32), secret (32),
//!                    made u64 ns, erased u64 ns, 20 zeros, CRC-32C
//! ```
//! A slot is written once and only ever changed by erasing it: secret and blind index
//! become zeros in place. A key is used on the day (UTC) it was made and on no other, so
//! that days can be erased. A slot that was torn by a crash becomes void when the log is
//! opened; no durable entry uses its key, because keys are made durable before entries.
//! Where an entry outlived a power cut that its key did not, the key counts as erased at
//! that opening ([`Keys::settle`]). On file systems that copy on write, and on
//! flash, old blocks may survive an overwrite below the file system: there the disk
//! itself should be encrypted.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ledger::days::{Day, Days};
use ledger::event::Text;
use ledger::seal::{KeyId, SubjectKey, blind_index};
use ledger::{Error as LedgerError, Unavailable};
use zeroize::{Zeroize, Zeroizing};

use crate::disk::{Disk, File, Mode, is_full};
#[cfg(test)]
use crate::simulation::{Broken, is_broken};
use crate::{Error, files, random};

const SLOT_BYTES: usize = 128;
const MAGIC: &[u8; 8] = b"weirkey1";
const VOID: u8 = 0;
const LIVE: u8 = 1;
const ERASED: u8 = 2;

/// What is known of a key.
#[derive(Clone)]
pub(crate) enum Slot {
    /// It can open disclosures.
    Live {
        /// The key.
        key: Arc<SubjectKey>,
        /// Its subject, blind.
        subject: [u8; 32],
        /// The day of the entries whose disclosures it seals.
        day: Day,
    },
    /// It was destroyed at this time, nanoseconds since 1970.
    Erased {
        /// When.
        at_ns: u64,
    },
}

/// Everything in the file.
pub(crate) struct Content {
    root: [u8; 32],
    /// By key id, with the place of the slot.
    pub(crate) slots: HashMap<KeyId, (Slot, u64)>,
    /// Places of slots that cannot be read.
    pub(crate) damaged: Vec<u64>,
    bytes: Zeroizing<Vec<u8>>,
    /// Where the next slot goes.
    end: u64,
}

impl Drop for Content {
    fn drop(&mut self) {
        self.root.zeroize();
    }
}

/// Reads the table of the log with this id.
pub(crate) fn read(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<Content, Error> {
    let path = files::subject_keys(dir);
    let file = match disk.open(&path, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Missing { path });
        }
        Err(error) => return Err(Error::io("open", &path)(error)),
    };
    let length = file.length().map_err(Error::io("read", &path))?;
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(usize::MAX)]);
    let count = file
        .read_at(0, &mut bytes)
        .map_err(Error::io("read", &path))?;
    bytes.truncate(count);
    let (slots, torn) = bytes.as_chunks::<SLOT_BYTES>();
    let mut slots = slots.iter().zip((0u64..).step_by(SLOT_BYTES));
    let root = slots
        .next()
        .and_then(|(header, _)| header_root(header, log));
    let Some(root) = root else {
        return Err(Error::Damaged {
            path,
            offset: 0,
            reason: "it is not this log's key table",
        });
    };
    let mut content = Content {
        root,
        slots: HashMap::new(),
        damaged: Vec::new(),
        bytes: Zeroizing::default(),
        end: 0,
    };
    for (slot, at) in slots {
        match parse(slot) {
            Some(Parsed::Key(id, slot)) => {
                content.slots.insert(id, (slot, at));
            }
            Some(Parsed::Void) => {}
            None => content.damaged.push(at),
        }
    }
    let whole = length.saturating_sub(torn.len() as u64);
    content.end = whole;
    if !torn.is_empty() {
        content.damaged.push(whole);
        content.end = whole.saturating_add(SLOT_BYTES as u64);
    }
    content.bytes = bytes;
    Ok(content)
}

/// Makes an empty table.
pub(crate) fn create(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<(), Error> {
    let root = Zeroizing::new(random::array::<32>()?);
    let mut header = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(log);
    header.extend_from_slice(&*root);
    close(&mut header);
    files::write(disk, dir, &files::subject_keys(dir), &header)
}

/// Fills with zeros and the checksum.
fn close(slot: &mut Vec<u8>) {
    slot.resize(SLOT_BYTES - 4, 0);
    slot.extend_from_slice(&crc32c::crc32c(slot).to_le_bytes());
}

/// The content of a header or slot whose checksum is right.
fn opened(slot: &[u8; SLOT_BYTES]) -> Option<&[u8]> {
    let (content, crc) = slot.split_last_chunk::<4>()?;
    (crc32c::crc32c(content) == u32::from_le_bytes(*crc)).then_some(content)
}

fn header_root(header: &[u8; SLOT_BYTES], log: &[u8; 16]) -> Option<[u8; 32]> {
    let (root, zeros) = opened(header)?
        .strip_prefix(MAGIC)?
        .strip_prefix(log)?
        .split_first_chunk()?;
    zeros.iter().all(|byte| *byte == 0).then_some(*root)
}

/// What stands in a slot that can be read.
enum Parsed {
    Key(KeyId, Slot),
    Void,
}

fn parse(slot: &[u8; SLOT_BYTES]) -> Option<Parsed> {
    let (&[state, 0, 0, 0, 0, 0, 0, 0], rest) = opened(slot)?.split_first_chunk()? else {
        return None;
    };
    let (id, rest) = rest.split_first_chunk()?;
    let (subject, rest) = rest.split_first_chunk()?;
    let (secret, rest) = rest.split_first_chunk()?;
    let (made_ns, rest) = rest.split_first_chunk()?;
    let (erased_ns, _) = rest.split_first_chunk()?;
    let id = KeyId(*id);
    match state {
        VOID => Some(Parsed::Void),
        LIVE => Some(Parsed::Key(
            id,
            Slot::Live {
                key: Arc::new(SubjectKey::new(id, secret)),
                subject: *subject,
                day: Day::of(u64::from_le_bytes(*made_ns)),
            },
        )),
        ERASED => Some(Parsed::Key(
            id,
            Slot::Erased {
                at_ns: u64::from_le_bytes(*erased_ns),
            },
        )),
        _ => None,
    }
}

fn encode(
    state: u8,
    id: KeyId,
    subject: &[u8; 32],
    secret: &[u8; 32],
    times: [u64; 2],
) -> Zeroizing<Vec<u8>> {
    let mut slot = Zeroizing::new(Vec::with_capacity(SLOT_BYTES));
    slot.extend_from_slice(&[state, 0, 0, 0, 0, 0, 0, 0]);
    slot.extend_from_slice(&id.0);
    slot.extend_from_slice(subject);
    slot.extend_from_slice(secret);
    for time in times {
        slot.extend_from_slice(&time.to_le_bytes());
    }
    close(&mut slot);
    slot
}

/// The table of the process that writes.
pub(crate) struct Keys {
    root: Zeroizing<[u8; 32]>,
    /// Keys in use, by subject as it is named.
    in_use: RwLock<HashMap<Option<Text>, InUse>>,
    table: Mutex<Table>,
    /// Whether a slot was written since the last sync.
    dirty: AtomicBool,
    /// Whether a sync of the file failed, so that what it holds is written once more
    /// before the next one.
    failed: AtomicBool,
    /// Held by who syncs: whoever finds nothing left to sync may rely on it.
    syncing: Mutex<()>,
    /// Places of slots that could not be read when the table was opened.
    torn: Vec<u64>,
    /// Ids that stood in the table when it was opened.
    known: HashSet<KeyId>,
}

struct InUse {
    day: Day,
    key: Arc<SubjectKey>,
}

struct Table {
    file: Arc<dyn File>,
    /// What the file holds, so that a fault can be repaired without reading it back.
    bytes: Zeroizing<Vec<u8>>,
    /// Live keys by blind index.
    live: HashMap<[u8; 32], Vec<Live>>,
    /// The same by their ids.
    by_id: HashMap<KeyId, Arc<SubjectKey>>,
    end: u64,
}

#[derive(Clone)]
struct Live {
    key: Arc<SubjectKey>,
    day: Day,
    /// Place of the slot.
    at: u64,
}

impl Table {
    /// Writes a slot to the file and its copy.
    fn write(&mut self, at: u64, slot: &[u8]) -> std::io::Result<()> {
        self.file.write_at(at, slot)?;
        let start = usize::try_from(at).unwrap_or(usize::MAX);
        let end = start.saturating_add(slot.len());
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(copy) = self.bytes.get_mut(start..end) {
            copy.copy_from_slice(slot);
        }
        Ok(())
    }
}

impl Keys {
    /// Opens the table for writing.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<Keys, Error> {
        let mut content = read(disk, dir, log)?;
        let path = files::subject_keys(dir);
        let file = disk
            .open(&path, Mode::Write)
            .map_err(Error::io("open", &path))?;
        let mut live: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_id = HashMap::new();
        for (slot, at) in content.slots.values() {
            if let Slot::Live { key, subject, day } = slot {
                by_id.insert(key.id(), Arc::clone(key));
                live.entry(*subject).or_default().push(Live {
                    key: Arc::clone(key),
                    day: *day,
                    at: *at,
                });
            }
        }
        Ok(Keys {
            root: Zeroizing::new(content.root),
            in_use: RwLock::default(),
            table: Mutex::new(Table {
                file,
                bytes: std::mem::take(&mut content.bytes),
                live,
                by_id,
                end: content.end,
            }),
            // What an earlier process wrote may not have reached the disk.
            dirty: AtomicBool::new(true),
            failed: AtomicBool::new(false),
            syncing: Mutex::default(),
            torn: std::mem::take(&mut content.damaged),
            known: content.slots.keys().copied().collect(),
        })
    }

    /// Leaves nothing of a crash: torn slots become void, and keys that entries above
    /// the checkpoint were sealed under but that are nowhere in the table count as
    /// erased now. Written, not yet durable.
    pub(crate) fn settle(&self, used: &BTreeSet<KeyId>, now_ns: u64) -> std::io::Result<()> {
        #[cfg(test)]
        if is_broken(Broken::LeavesTornKeys) {
            return Ok(());
        }
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let void = encode(VOID, KeyId([0; 16]), &[0; 32], &[0; 32], [0, 0]);
        for at in &self.torn {
            table.write(*at, &void)?;
        }
        for id in used.iter().filter(|id| !self.known.contains(id)) {
            let slot = encode(ERASED, *id, &[0; 32], &[0; 32], [0, now_ns]);
            let end = table.end;
            table.write(end, &slot)?;
            table.end = end.saturating_add(SLOT_BYTES as u64);
        }
        Ok(())
    }

    /// The key of a subject for what is written at this time, which is made (written,
    /// not yet durable) if there is none.
    pub(crate) fn of(
        &self,
        subject: Option<&Text>,
        at_ns: u64,
    ) -> Result<Arc<SubjectKey>, Unavailable> {
        let today = Day::of(at_ns);
        let subject = subject.cloned();
        let in_use = self.in_use.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(InUse { day, key }) = in_use.get(&subject)
            && *day == today
        {
            return Ok(Arc::clone(key));
        }
        drop(in_use);
        let blind = blind_index(&self.root, subject.as_deref());
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let made = table.live.get(&blind).and_then(|keys| {
            let of_today = keys.iter().find(|live| live.day == today)?;
            Some(Arc::clone(&of_today.key))
        });
        let key = match made {
            Some(key) => key,
            None => self.make(&mut table, blind, at_ns)?,
        };
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let now_in_use = InUse {
            day: today,
            key: Arc::clone(&key),
        };
        in_use.insert(subject, now_in_use);
        Ok(key)
    }

    fn make(
        &self,
        table: &mut Table,
        blind: [u8; 32],
        at_ns: u64,
    ) -> Result<Arc<SubjectKey>, Unavailable> {
        let id = KeyId(random::array()?);
        let secret = Zeroizing::new(random::array::<32>()?);
        let slot = encode(LIVE, id, &blind, &secret, [at_ns, 0]);
        self.dirty.store(true, Ordering::Release);
        let end = table.end;
        table.write(end, &slot).map_err(|error| Unavailable::Io {
            operation: "write of a subject key",
            message: error.to_string(),
        })?;
        let key = Arc::new(SubjectKey::new(id, &secret));
        table.by_id.insert(id, Arc::clone(&key));
        table.live.entry(blind).or_default().push(Live {
            key: Arc::clone(&key),
            day: Day::of(at_ns),
            at: end,
        });
        table.end = end.saturating_add(SLOT_BYTES as u64);
        Ok(key)
    }

    /// The key with this id, unless it was destroyed.
    pub(crate) fn live(&self, id: KeyId) -> Option<Arc<SubjectKey>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.by_id.get(&id).cloned()
    }

    /// The keys that a subject's disclosures of these days were sealed under.
    pub(crate) fn of_subject(&self, subject: Option<&str>, days: &Days) -> Vec<KeyId> {
        let blind = blind_index(&self.root, subject);
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = table.live.get(&blind).into_iter().flatten();
        let wanted = keys.filter(|live| days.contain(live.day));
        wanted.map(|live| live.key.id()).collect()
    }

    /// Destroys these keys, durably. Those that are gone already are passed over.
    pub(crate) fn erase(&self, ids: &[KeyId], now_ns: u64) -> Result<(), Unavailable> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let mut in_use = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        let failed = |operation| {
            move |error: std::io::Error| Unavailable::Io {
                operation,
                message: error.to_string(),
            }
        };
        let doomed = |live: &Live| ids.contains(&live.key.id());
        let slots: Vec<Live> = table
            .live
            .values()
            .flatten()
            .filter(|live| doomed(live))
            .cloned()
            .collect();
        for Live { key, at, .. } in &slots {
            self.dirty.store(true, Ordering::Release);
            let slot = encode(ERASED, key.id(), &[0; 32], &[0; 32], [0, now_ns]);
            table
                .write(*at, &slot)
                .map_err(failed("erasure of a subject key"))?;
        }
        // Also if they may yet come back by a failing sync, nothing more is sealed under them.
        for keys in table.live.values_mut() {
            keys.retain(|live| !doomed(live));
        }
        table.by_id.retain(|id, _| !ids.contains(id));
        in_use.retain(|_, one| !ids.contains(&one.key.id()));
        drop((table, in_use));
        self.sync().map_err(failed("sync of an erasure"))
    }

    /// Makes durable what was written. After a failed sync the system may hold for
    /// written what is not, so all of it is written again before the next one.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        #[cfg(test)]
        if is_broken(Broken::SkipsKeySync) {
            return Ok(());
        }
        let _alone = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.dirty.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let written = || {
            let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            if self.failed.load(Ordering::Acquire) {
                table.file.write_at(0, &table.bytes)?;
            }
            Ok(Arc::clone(&table.file))
        };
        let synced = written().and_then(|file| file.sync());
        self.failed.store(synced.is_err(), Ordering::Release);
        synced.inspect_err(|_| self.dirty.store(true, Ordering::Release))
    }

    /// Whether nobody is at work with the table.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.table.try_lock().is_ok()
    }

    /// Writes the table anew, after a fault: to another file, or where the disk is full,
    /// over itself. Every slot stays as it is, so a crash meanwhile leaves nothing new.
    pub(crate) fn rewrite(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let path = files::subject_keys(dir);
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        match files::write(disk, dir, &path, &table.bytes) {
            Err(Error::Io { source, .. }) if is_full(&source) => {
                drop(table);
                self.failed.store(true, Ordering::Release);
                self.dirty.store(true, Ordering::Release);
                return self.sync().map_err(Error::io("sync", &path));
            }
            written => written?,
        }
        let file = disk
            .open(&path, Mode::Write)
            .map_err(Error::io("open", &path))?;
        let old = std::mem::replace(&mut table.file, file);
        // The old file has no name any more. What it holds must not outlive an erasure
        // in the new one.
        let zeros = vec![0; table.bytes.len()];
        let _ = old.write_at(0, &zeros).and_then(|()| old.sync());
        self.failed.store(false, Ordering::Release);
        self.dirty.store(false, Ordering::Release);
        Ok(())
    }
}

/// The fault for an envelope whose key is nowhere in the table.
pub(crate) const UNKNOWN_KEY: LedgerError = LedgerError::BadSeal("its key is not in the key table");

#[cfg(test)]
mod tests;
