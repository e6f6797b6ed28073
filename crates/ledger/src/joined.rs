//! Entries told together: an outcome with its intent, each with its session.
//!
//! Who watches from outside wants one event per statement, with who did it. The log
//! has two entries for a statement, and who it was stands in the session's first.
//! [`Join`] reads entries in order and remembers what later ones refer to: sessions that
//! are open, and intents up to a bound; of those beyond it the reader asks the log again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::disclosure::Opened;
use crate::merkle::leaf_hash;
use crate::{Entry, Error, Kind, Sequence, time};

/// Intents that are remembered, bytes of their entries and disclosures.
const REMEMBERED_BYTES: usize = 16 << 20;

/// An entry as it was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its fields.
    pub entry: Entry,
    /// When, nanoseconds since 1970 UTC.
    pub at_ns: u64,
    /// Leaf hash (RFC 6962 §2.1).
    pub leaf_hash: [u8; 32],
    /// What of it is disclosed to whoever is told; usually nothing.
    pub disclosed: Vec<Opened>,
    /// Bytes of the leaf.
    leaf_bytes: usize,
}

impl Read {
    /// Reads the bytes of a leaf.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn parse(leaf: &[u8]) -> Result<Read, Error> {
        let entry = Entry::parse(leaf)?;
        let at_ns = time::parse(&entry.at).ok_or(Error::BadEntry("no time"))?;
        Ok(Read {
            entry,
            at_ns,
            leaf_hash: leaf_hash(leaf),
            disclosed: Vec::new(),
            leaf_bytes: leaf.len(),
        })
    }

    /// Bytes of the leaf and of what is disclosed.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let disclosed = self.disclosed.iter().map(|one| one.value.len());
        disclosed.sum::<usize>().saturating_add(self.leaf_bytes)
    }

    /// A disclosed value by name.
    #[must_use]
    pub fn disclosed(&self, name: &str) -> Option<&str> {
        let found = self.disclosed.iter().find(|one| one.name == name)?;
        Some(&found.value)
    }
}

/// An entry with those it refers to.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The entry that tells of it.
    pub told: Arc<Read>,
    /// Of an outcome: its intent.
    pub intent: Option<Arc<Read>>,
    /// The opening of the session it belongs to, if that is known.
    pub session: Option<Arc<Read>>,
}

impl Joined {
    /// The entry that says what was done: the intent of an outcome, else itself.
    #[must_use]
    pub fn subject(&self) -> &Read {
        self.intent.as_deref().unwrap_or(&self.told)
    }
}

/// What is open at a place of the log.
#[derive(Debug, Default)]
pub struct Join {
    sessions: BTreeMap<Box<str>, Arc<Read>>,
    intents: BTreeMap<Sequence, Arc<Read>>,
    /// Bytes of all intents.
    bytes: usize,
}

impl Join {
    /// The intent that `entry` tells the outcome of, if it is not remembered: then it
    /// has to be [remembered](Join::remember) first.
    #[must_use]
    pub fn misses(&self, entry: &Entry) -> Option<Sequence> {
        if entry.kind != Kind::Outcome {
            return None;
        }
        let intent = entry.number("intent").map(Sequence)?;
        (!self.intents.contains_key(&intent)).then_some(intent)
    }

    /// Takes an earlier entry without telling of it.
    pub fn remember(&mut self, read: Read) {
        let read = Arc::new(read);
        if read.entry.kind == Kind::Intent {
            self.bytes = self.bytes.saturating_add(read.bytes());
            self.intents.insert(read.entry.sequence, read);
        } else if read.entry.kind == Kind::SessionOpen
            && let Some(session) = read.entry.text("session")
        {
            self.sessions.insert(session.into(), Arc::clone(&read));
        }
    }

    /// Takes the next entry; `None` if there is nothing to tell until a later one: of
    /// a statement that is allowed, its outcome tells.
    pub fn take(&mut self, read: Read) -> Option<Joined> {
        let kind = read.entry.kind;
        if kind == Kind::Intent && read.entry.text("decision") == Some("allow") {
            self.remember(read);
            self.forget();
            return None;
        }
        if kind == Kind::SessionOpen {
            self.remember(read.clone());
        }
        if kind == Kind::LogOpen {
            // Sessions of an earlier process are over. What was in flight is told of
            // by outcomes that follow.
            let open: Vec<_> = self.intents.values().map(session_of).collect();
            self.sessions.retain(|id, _| open.contains(&Some(&**id)));
        }
        let told = Arc::new(read);
        let intent = told
            .entry
            .number("intent")
            .filter(|_| kind == Kind::Outcome);
        let intent = intent.and_then(|intent| self.intents.remove(&Sequence(intent)));
        if let Some(intent) = &intent {
            self.bytes = self.bytes.saturating_sub(intent.bytes());
        }
        let session = session_of(intent.as_ref().unwrap_or(&told))
            .and_then(|id| self.sessions.get(id))
            .cloned();
        if kind == Kind::SessionClose
            && let Some(id) = told.entry.text("session")
        {
            self.sessions.remove(id);
            let bytes = &mut self.bytes;
            self.intents.retain(|_, intent| {
                let other = intent.entry.text("session") != Some(id);
                if !other {
                    *bytes = bytes.saturating_sub(intent.bytes());
                }
                other
            });
        }
        Some(Joined {
            told,
            intent,
            session,
        })
    }

    /// Forgets the oldest intents beyond the bound.
    fn forget(&mut self) {
        while self.bytes > REMEMBERED_BYTES && self.intents.len() > 1 {
            let Some((_, oldest)) = self.intents.pop_first() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }

    /// The entries that have to be remembered before going on here, in order.
    #[must_use]
    pub fn open(&self) -> Vec<Sequence> {
        let sessions = self.sessions.values().map(|one| one.entry.sequence);
        let mut open: Vec<_> = sessions.chain(self.intents.keys().copied()).collect();
        open.sort_unstable();
        open
    }
}

fn session_of(read: &Arc<Read>) -> Option<&str> {
    read.entry.text("session")
}

#[cfg(test)]
mod tests;
