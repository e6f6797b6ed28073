//! The labels of one target that nobody wrote in `weir.toml`.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mask::Label;
use statement::{Catalog, ColumnId, Oid};

use super::{Files, Found, Looked, NONE, Reviews, UNCLASSIFIED, Wanted, label, wanted, write};

/// After this time a table of which nobody can tell what it holds is looked at again; after twice as long the next time.
const AGAIN: Duration = Duration::from_secs(60);
/// The longest such time.
const AT_LAST: Duration = Duration::from_secs(3600);

/// What is known of a target's columns.
pub(crate) struct Discovery {
    files: Files,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The database that the catalog was read from, if it tells.
    database: Option<String>,
    /// People decided something, so that there must be a file.
    reviewed: bool,
    found: BTreeMap<ColumnId, Found>,
    /// What the file of findings holds.
    kept: Looked,
    reviews: Reviews,
    /// The file of reviews as it was last read.
    seen: Option<Seen>,
    /// The file of reviews cannot be read, so that nobody knows what must be masked.
    lost: bool,
    /// Tables of which nobody can tell what they hold: when to look again, and how often that was in vain.
    again: HashMap<Oid, (Instant, u32)>,
}

/// A file as the system tells of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Missing,
    Unreadable,
    /// Time of the last change, inode, bytes.
    File(i64, i64, u64, u64),
}

impl Discovery {
    pub(crate) fn new(files: Files) -> Self {
        let mut known = Known::default();
        match files.read_found() {
            Ok(looked) => {
                known.reviewed = looked.reviewed;
                known.kept = looked;
            }
            // Everything is looked at again, masked meanwhile.
            Err(_) => known.reviewed = true,
        }
        let discovery = Self {
            files,
            known: Mutex::new(known),
        };
        discovery.reread();
        discovery
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database whose catalog is read; gives whether it is another one than before. Findings of another are void.
    pub(crate) fn of_database(&self, database: Option<String>) -> bool {
        let mut known = self.known();
        if database.is_some() && known.database == database {
            return false;
        }
        known.found.clear();
        known.again.clear();
        if database.is_some() && known.kept.database == database {
            let columns = known.kept.columns.clone();
            known.found = columns.into_iter().map(|f| (f.id(), f)).collect();
        }
        known.database = database;
        true
    }

    /// The database whose catalog was read, if it tells.
    pub(crate) fn database(&self) -> Option<String> {
        self.known().database.clone()
    }

    /// Reads decisions anew if their file changed; gives whether it did.
    pub(crate) fn reread(&self) -> bool {
        let seen = match std::fs::metadata(self.files.reviewed()) {
            Ok(file) => Seen::File(file.mtime(), file.mtime_nsec(), file.ino(), file.size()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Seen::Missing,
            Err(_) => Seen::Unreadable,
        };
        let mut known = self.known();
        if known.seen == Some(seen) {
            return false;
        }
        known.seen = Some(seen);
        match self.files.reviews(known.reviewed) {
            Ok(reviews) => {
                known.reviewed |= !reviews.decisions.is_empty();
                known.reviews = reviews;
                known.lost = false;
            }
            Err(error) => {
                let file = self.files.reviewed();
                eprintln!(
                    "weir: decisions on labels in {}: {error}; until then every column without a configured label is masked",
                    file.display()
                );
                // What was decided to be nothing may not be so any more.
                known.reviews = Reviews::default();
                known.lost = true;
            }
        }
        true
    }

    /// Adds to the configured labels what was decided and, where `discover` says so, what was found.
    pub(crate) fn add(
        &self,
        catalog: &Catalog,
        discover: bool,
        bound: &mut HashMap<ColumnId, Label>,
    ) {
        let known = self.known();
        let mut own: BTreeMap<ColumnId, Option<Label>> = BTreeMap::new();
        for review in &known.reviews.decisions {
            let column = ColumnId {
                relation: review.relation,
                attribute: review.attribute,
            };
            let Some((type_oid, _)) = catalog.column_type(column) else {
                continue;
            };
            // A mask stands whatever becomes of the column; that it holds nothing was said of this one.
            let here = known.database.as_ref() == Some(&review.database);
            if review.label != NONE || (here && type_oid == review.type_oid) {
                own.insert(column, label(&review.label));
            }
        }
        if discover || known.lost {
            for wanted in wanted(catalog, |_, _| true) {
                for attribute in wanted.attributes {
                    let column = ColumnId {
                        relation: wanted.relation.oid,
                        attribute,
                    };
                    own.entry(column)
                        .or_insert_with(|| label(known.word(catalog, column)));
                }
            }
        }
        if discover {
            // Partitions are not looked at, but what was found before they were attached stands.
            for (column, found) in &known.found {
                if found.label != NONE && catalog.column_name(*column).is_some() {
                    let found = || label(known.word(catalog, *column));
                    own.entry(*column).or_insert_with(found);
                }
            }
        }
        let labelled: Vec<(ColumnId, Label)> = own
            .into_iter()
            .filter_map(|(column, label)| Some((column, label?)))
            .collect();
        for (column, label) in &labelled {
            bound.entry(*column).or_insert_with(|| label.clone());
        }
        for (column, label) in &labelled {
            for member in catalog.family(*column) {
                bound.entry(member).or_insert_with(|| label.clone());
            }
        }
    }

    /// Tables with columns to look at, the least recently looked at first.
    pub(crate) fn unseen<'a>(
        &self,
        catalog: &'a Catalog,
        configured: &dyn Fn(ColumnId) -> bool,
    ) -> Vec<Wanted<'a>> {
        let known = self.known();
        let now = Instant::now();
        let due = |table: &Oid| known.again.get(table).is_none_or(|(when, _)| *when <= now);
        let mut all = wanted(catalog, |column, ty| {
            let Some(found) = known.found.get(&column) else {
                return !configured(column);
            };
            let unknown = found.failed.is_some() || found.doubt.is_some();
            !configured(column)
                && (found.type_oid != ty
                    || found.at_ms < known.reviews.rescan_ms
                    || (found.label == NONE && !known.is_named(catalog, found))
                    || (unknown && due(&column.relation)))
        });
        all.sort_by_cached_key(|wanted| {
            let ids = wanted.attributes.iter().map(|attribute| ColumnId {
                relation: wanted.relation.oid,
                attribute: *attribute,
            });
            let times = ids.map(|id| known.found.get(&id).map_or(0, |found| found.at_ms));
            (times.min(), wanted.relation.oid)
        });
        all
    }

    /// What of `found` is to be kept, beside which a failed or emptier look does not stand. Second, whether another label
    /// than before is in force by it.
    pub(crate) fn weigh(&self, found: Vec<Found>) -> Vec<(Found, bool)> {
        let known = self.known();
        let weighed = found.into_iter().map(|new| {
            let before = known.found.get(&new.id());
            let Some(old) = before.filter(|old| old.type_oid == new.type_oid) else {
                return (new, true);
            };
            let masks = old.label != NONE && old.label != UNCLASSIFIED;
            let stands = (new.failed.is_some() && old.failed.is_none())
                || (new.label == UNCLASSIFIED && masks);
            let same_name = old.is_named((&new.schema, &new.table, &new.column));
            if stands && (masks || same_name) {
                let kept = Found {
                    at_ms: new.at_ms,
                    ..old.clone()
                };
                return (kept, false);
            }
            // Under another name nothing was known of it.
            let changed = old.label != new.label || (new.label == NONE && !same_name);
            (new, changed)
        });
        weighed.collect()
    }

    /// Keeps what was found in `database`, after a look at `tables`; what is gone from the catalog is forgotten. Nothing
    /// counts before it is on disk.
    pub(crate) fn keep(
        &self,
        database: &str,
        catalog: &Catalog,
        tables: &[Oid],
        found: Vec<Found>,
    ) -> std::io::Result<()> {
        let mut known = self.known();
        if known.database.as_deref() != Some(database) {
            return Ok(());
        }
        let at_ms = known.reviews.rescan_ms;
        for table in tables {
            let mut of = found.iter().filter(|found| found.relation == *table);
            if of.any(|found| found.failed.is_some() || found.doubt.is_some()) {
                let vain = known.again.get(table).map_or(0, |(_, vain)| *vain);
                let wait = AGAIN.saturating_mul(1 << vain.min(10)).min(AT_LAST);
                known
                    .again
                    .insert(*table, (Instant::now() + wait, vain + 1));
            } else {
                known.again.remove(table);
            }
        }
        let mut all = known.found.clone();
        // A clock that was set back does not look for ever.
        all.extend(found.into_iter().map(|found| {
            let at_ms = found.at_ms.max(at_ms);
            (found.id(), Found { at_ms, ..found })
        }));
        all.retain(|column, found| match catalog.column_name(*column) {
            Some((schema, table, column)) if found.label != NONE => {
                [&mut found.schema, &mut found.table, &mut found.column]
                    .into_iter()
                    .zip([schema, table, column])
                    .for_each(|(old, new)| new.clone_into(old));
                true
            }
            Some(_) => true,
            None => false,
        });
        let looked = Looked {
            database: known.database.clone(),
            reviewed: known.reviewed,
            columns: all.values().cloned().collect(),
        };
        known.save(&self.files, looked)?;
        known.found = all;
        Ok(())
    }

    /// Remembers that there are decisions, so that their loss is seen.
    pub(crate) fn remember(&self) -> std::io::Result<()> {
        let mut known = self.known();
        if known.reviewed == known.kept.reviewed {
            return Ok(());
        }
        let looked = Looked {
            reviewed: known.reviewed,
            ..known.kept.clone()
        };
        known.save(&self.files, looked)
    }

    /// Whether a labelled column bears another name than when it was looked at.
    pub(crate) fn is_renamed(&self, catalog: &Catalog) -> bool {
        let known = self.known();
        let mut all = known.found.values();
        all.any(|found| found.label != NONE && !known.is_named(catalog, found))
    }
}

impl Known {
    /// The word for what the column holds, as far as it was looked at as it is now.
    fn word(&self, catalog: &Catalog, column: ColumnId) -> &str {
        let ty = catalog.column_type(column).map(|(oid, _)| oid);
        match self.found.get(&column) {
            Some(found) if !self.lost && ty == Some(found.type_oid) => match &*found.label {
                // Under another name it may be another column.
                NONE if !self.is_named(catalog, found) => UNCLASSIFIED,
                word => word,
            },
            Some(_) | None => UNCLASSIFIED,
        }
    }

    fn is_named(&self, catalog: &Catalog, found: &Found) -> bool {
        let name = catalog.column_name(found.id());
        name.is_some_and(|name| found.is_named(name))
    }

    /// Writes what was found, if it says anything new: the time alone does not.
    fn save(&mut self, files: &Files, looked: Looked) -> std::io::Result<()> {
        let timeless = |found: &Found| Found {
            at_ms: 0,
            ..found.clone()
        };
        let same = looked.database == self.kept.database
            && looked.reviewed == self.kept.reviewed
            && looked.columns.len() == self.kept.columns.len()
            && looked
                .columns
                .iter()
                .zip(&self.kept.columns)
                .all(|(new, old)| timeless(new) == timeless(old));
        if !same {
            write(&files.found(), &looked)?;
            self.kept = looked;
        }
        Ok(())
    }
}
