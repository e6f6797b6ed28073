//! Definitions on their way: what sessions change while others run statements.
//!
//! A statement is judged before the server looks its names up. In between it may
//! wait for a lock, and whoever held it may have given the names to other things.
//! So each session says which names it is about to change before it forwards
//! what commits, and a masked principal's answer is held back while that may
//! concern it. Must never forget a change that may still take effect.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use statement::{Catalog, Effect, FunctionUse, Kind, Object, Statement, Verb};

/// Changes kept after they were settled.
const KEPT: usize = 1024;
/// While a change is on its way, no generation contains it.
const UNSETTLED: u64 = u64::MAX;

/// What a change of definitions may give another meaning to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Relations of these names.
    names: BTreeSet<Arc<str>>,
    /// Also names that something removed with one of these stood before.
    removes: bool,
    /// Everything: other things than relations were changed.
    everything: bool,
    /// Perhaps everything: code ran that may define.
    code: bool,
}

impl Change {
    /// Adds what a statement that changes definitions may change.
    pub(crate) fn add(&mut self, statement: &Statement) {
        const HARMLESS: [&str; 5] = ["COMMENT", "CREATE INDEX", "GRANT", "REINDEX", "REVOKE"];
        match statement.kind {
            // Temporary objects are the session's own.
            Kind::Discard { .. } => return,
            // COMMIT PREPARED: of whatever was prepared.
            Kind::Transaction(_) => self.everything = true,
            _ => {}
        }
        if statement.effect != Effect::Definition && !matches!(statement.kind, Kind::Ddl) {
            self.code = true;
            return;
        }
        // What an event trigger or a default runs.
        let unlisted = |used: &FunctionUse| matches!(used, FunctionUse::Unlisted { .. });
        self.code |= statement.functions.iter().any(unlisted) || !statement.opaque.is_empty();
        if HARMLESS.contains(&statement.command) {
            return;
        }
        let lasting = |access: &&statement::Access| !matches!(&access.object, Object::Relation { schema, .. } if schema.starts_with("pg_temp"));
        let mut changed = 0;
        for access in statement.accesses.iter().filter(lasting) {
            match (&access.object, access.verb) {
                (Object::Relation { .. }, Verb::Read | Verb::Lock | Verb::Grant) => {}
                (Object::Relation { name, .. }, verb) => {
                    changed += 1;
                    self.names.insert(Arc::clone(name));
                    self.removes |= verb == Verb::Drop;
                }
                _ => self.everything = true,
            }
        }
        if changed > 0 || statement.accesses.is_empty() {
            self.names.extend(statement.redefines.iter().cloned());
            self.everything |= statement.accesses.is_empty() && statement.redefines.is_empty();
        }
    }

    /// Whether nothing of others changes by it.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn extend(&mut self, other: &Self) {
        self.names.extend(other.names.iter().cloned());
        self.removes |= other.removes;
        self.everything |= other.everything;
        self.code |= other.code;
    }

    /// Whether it is known to concern what a statement reads.
    fn concerns(&self, read: &Names<'_>, catalog: &Catalog) -> bool {
        // A name comes to mean another relation only where there is one.
        let uncovers = |name: &str| catalog.relations_named(name).nth(1).is_some();
        self.everything
            || read
                .0
                .iter()
                .any(|name| self.names.contains(*name) || (self.removes && uncovers(name)))
    }
}

/// Names of the relations a statement reads.
#[derive(Debug)]
pub(crate) struct Names<'a>(BTreeSet<&'a str>);

impl<'a> Names<'a> {
    pub(crate) fn read_by(statement: &'a Statement) -> Self {
        let accessed = statement.accesses.iter().filter_map(|access| {
            if let Object::Relation { name, .. } = &access.object {
                Some(&**name)
            } else {
                None
            }
        });
        let used = statement.columns.iter().map(|used| &*used.relation);
        Self(accessed.chain(used).collect())
    }
}

/// What is known against an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Nothing.
    None,
    /// Code ran that may have defined something, or one definition concerns it:
    /// if the catalog is the same after all, so is the meaning.
    Some,
    /// So many definitions concern it that one may have undone another.
    Grave,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    session: u64,
    change: Change,
    /// The catalog generation that contains it.
    settled: u64,
}

/// Changes of definitions that sessions of one target make.
#[derive(Debug, Default)]
pub struct Definitions {
    entries: Mutex<VecDeque<Entry>>,
    /// The latest generation that must be waited for.
    latest: AtomicU64,
    /// The latest generation of a change that is not kept any more.
    forgotten: AtomicU64,
    numbers: AtomicU64,
}

impl Definitions {
    /// A number that nothing else here has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Says that `session` is about to forward what may commit `change`. It
    /// must be called before a byte of that leaves.
    pub(crate) fn announce(&self, number: u64, session: u64, change: &Change) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.iter_mut().find(|entry| entry.number == number) {
            Some(entry) => entry.change.extend(change),
            None => entries.push_back(Entry {
                number,
                session,
                change: change.clone(),
                settled: UNSETTLED,
            }),
        }
        self.latest.store(UNSETTLED, Ordering::SeqCst);
    }

    /// Says that an announced change took effect or never will, and that
    /// `generation` of the catalog contains what came of it.
    pub fn settle(&self, number: u64, generation: u64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.number == number) {
            entry.settled = generation;
        }
        while entries.len() > KEPT {
            let oldest = entries.iter().position(|entry| entry.settled != UNSETTLED);
            let Some(gone) = oldest.and_then(|oldest| entries.remove(oldest)) else {
                break;
            };
            self.forgotten.fetch_max(gone.settled, Ordering::SeqCst);
        }
        let latest = entries.iter().map(|entry| entry.settled).max();
        let latest = latest.unwrap_or_default();
        self.latest.store(latest, Ordering::SeqCst);
    }

    /// Whether no session changed anything that `generation` does not contain.
    pub(crate) fn quiet(&self, generation: u64) -> bool {
        self.latest.load(Ordering::SeqCst) <= generation
    }

    /// What of the changes of other sessions speaks against the answer to a
    /// statement that reads `names` and was judged under `generation`.
    pub(crate) fn doubt(
        &self,
        session: u64,
        generation: u64,
        names: &Names<'_>,
        catalog: &Catalog,
    ) -> Doubt {
        if self.forgotten.load(Ordering::SeqCst) > generation {
            return Doubt::Grave;
        }
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut concern, mut code) = (0, false);
        for entry in entries
            .iter()
            .filter(|entry| entry.settled > generation && entry.session != session)
        {
            concern += usize::from(entry.change.concerns(names, catalog));
            code |= entry.change.code;
        }
        match concern {
            0 if !code => Doubt::None,
            0 | 1 => Doubt::Some,
            _ => Doubt::Grave,
        }
    }
}

#[cfg(test)]
mod tests;
