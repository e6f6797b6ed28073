//! The labels of one target that nobody wrote in `weir.toml`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use mask::Label;
use statement::{Catalog, ColumnId, Oid};

use super::{Found, Reviews, UNCLASSIFIED, Wanted, file, read, wanted, write};

/// After this time what could not be read, or had no value, is looked at again.
const AGAIN: Duration = Duration::from_secs(60);

/// What is known of a target's columns.
pub(crate) struct Discovery {
    found_in: PathBuf,
    reviewed_in: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    found: HashMap<ColumnId, Found>,
    reviews: Reviews,
    /// When the file of reviews was last written, as it was read.
    seen: Option<SystemTime>,
    /// The file of reviews cannot be read, so that nobody knows what must be masked.
    lost: bool,
}

impl Discovery {
    pub(crate) fn new(state: &Path, target: &str) -> Self {
        let found_in = file(state, target, "found");
        // A file that cannot be read is as none: everything is looked at again, masked meanwhile.
        let found: Vec<Found> = read(&found_in).unwrap_or_default();
        let known = Known {
            found: found.into_iter().map(|found| (found.id(), found)).collect(),
            ..Known::default()
        };
        let discovery = Self {
            found_in,
            reviewed_in: file(state, target, "reviewed"),
            known: Mutex::new(known),
        };
        discovery.reread();
        discovery
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads decisions anew if their file changed; gives whether it did.
    pub(crate) fn reread(&self) -> bool {
        let seen = std::fs::metadata(&self.reviewed_in).and_then(|file| file.modified());
        let seen = seen.ok();
        let mut known = self.known();
        if seen == known.seen {
            return false;
        }
        known.seen = seen;
        match read(&self.reviewed_in) {
            Ok(reviews) => {
                known.reviews = reviews;
                known.lost = false;
            }
            Err(error) => {
                let file = self.reviewed_in.display();
                eprintln!(
                    "weir: decisions on labels in {file}: {error}; every column without a configured label is masked until the file is mended or removed"
                );
                // What was decided to be nothing may not be so any more.
                known.reviews = Reviews::default();
                known.lost = true;
            }
        }
        true
    }

    /// Adds to the configured labels what was decided and, where `found` counts, what was found.
    pub(crate) fn add(
        &self,
        catalog: &Catalog,
        discover: bool,
        bound: &mut HashMap<ColumnId, Label>,
    ) {
        let known = self.known();
        let type_of = |column| catalog.column_type(column).map(|(oid, _)| oid);
        let mut decided: HashMap<ColumnId, Option<Label>> = HashMap::new();
        for review in &known.reviews.decisions {
            let column = ColumnId {
                relation: review.relation,
                attribute: review.attribute,
            };
            // Another type is another column, of which nobody decided.
            if type_of(column) == Some(review.type_oid) {
                let label = (review.label != "none").then(|| Label::new(&review.label).ok());
                decided.insert(column, label.flatten());
            }
        }
        let mut found: Vec<(ColumnId, Option<Label>)> = Vec::new();
        for wanted in wanted(catalog, |_, _| discover || known.lost) {
            for attribute in wanted.attributes {
                let column = ColumnId {
                    relation: wanted.relation.oid,
                    attribute,
                };
                let of_type = known
                    .found
                    .get(&column)
                    .filter(|f| type_of(column) == Some(f.type_oid));
                let label = match of_type {
                    Some(found) if !known.lost => found.label(is_json(catalog, column)),
                    Some(_) | None => Label::new(UNCLASSIFIED).ok(),
                };
                found.push((column, label));
            }
        }
        found.retain(|(column, _)| !decided.contains_key(column));
        let all = decided.into_iter().chain(found);
        let labelled: Vec<(ColumnId, Label)> =
            all.filter_map(|(c, label)| Some((c, label?))).collect();
        for (column, label) in labelled {
            for member in catalog.family(column) {
                bound.entry(member).or_insert_with(|| label.clone());
            }
        }
    }

    /// Tables with columns to look at.
    pub(crate) fn unseen<'a>(
        &self,
        catalog: &'a Catalog,
        configured: &dyn Fn(ColumnId) -> bool,
        now_ms: u64,
    ) -> Vec<Wanted<'a>> {
        let known = self.known();
        let again = now_ms.saturating_sub(u64::try_from(AGAIN.as_millis()).unwrap_or(u64::MAX));
        wanted(catalog, |column: ColumnId, ty: Oid| {
            !configured(column)
                && known.found.get(&column).is_none_or(|found| {
                    found.type_oid != ty
                        || found.at_ms < known.reviews.rescan_ms
                        || ((found.values == 0 || found.failed.is_some()) && found.at_ms < again)
                })
        })
    }

    /// The label by what is known of it so far, `none` if there is none.
    pub(crate) fn label_of(&self, catalog: &Catalog, found: &Found) -> Option<String> {
        let known = self.known();
        let before = known
            .found
            .get(&found.id())
            .filter(|f| f.type_oid == found.type_oid)?;
        Some(label_word(catalog, before))
    }

    /// Keeps what was found; what is gone from the catalog is forgotten.
    pub(crate) fn keep(&self, catalog: &Catalog, found: Vec<Found>) -> std::io::Result<()> {
        let mut known = self.known();
        known
            .found
            .extend(found.into_iter().map(|found| (found.id(), found)));
        known
            .found
            .retain(|column, _| catalog.column_name(*column).is_some());
        let mut all: Vec<&Found> = known.found.values().collect();
        all.sort_by_key(|found| found.id());
        write(&self.found_in, &all)
    }
}

/// The label of what was found, in one word.
pub(crate) fn label_word(catalog: &Catalog, found: &Found) -> String {
    let label = found.label(is_json(catalog, found.id()));
    label.map_or_else(|| "none".to_owned(), |label| label.as_str().to_owned())
}

/// Whether the column's type is JSON.
fn is_json(catalog: &Catalog, column: ColumnId) -> bool {
    let ty = catalog
        .column_type(column)
        .and_then(|(oid, _)| catalog.type_by_oid(oid));
    ty.is_some_and(|ty| matches!(&*ty.name, "json" | "jsonb") && &*ty.schema == "pg_catalog")
}
