//! `[search]`: where the index over the ledger is, and how fresh its files are.

use std::path::Path;
use std::time::Duration;

use store::search::{Place, default_folder};

use super::reader::Section;
use super::{keys, unit};

/// The search index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Where its segments are.
    pub place: Place,
    /// After this time entries are in a segment, also when it is not full.
    pub seal_after: Duration,
}

const SEAL_AFTER: Duration = Duration::from_secs(15 * 60);

pub(super) fn search(top: &Section<'_>, ledger: &Path) -> Option<Search> {
    let mut search = Search {
        place: Place::Folder(default_folder(ledger)),
        seal_after: SEAL_AFTER,
    };
    let Some(section) = top.section("search", keys::SEARCH) else {
        return Some(search);
    };
    if let Some(entry) = section.get("store") {
        search.place = match entry.parsed(Place::parse)? {
            // Relative to the configuration file, as every path.
            Place::Folder(folder) => Place::Folder(section.relative(&folder.to_string_lossy())),
            place @ Place::S3(_) => place,
        };
    }
    if let Some(entry) = section.get("seal_after") {
        let time = entry.parsed(unit::duration)?;
        let range = Duration::from_secs(10)..=Duration::from_secs(86_400);
        if !range.contains(&time) {
            entry.fault("`search.seal_after` must be from 10s to 24h", None);
            return None;
        }
        search.seal_after = time;
    }
    Some(search)
}
