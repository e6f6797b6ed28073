//! Where an output is in the log, in a file that is replaced in one step.

use std::path::{Path, PathBuf};

use ledger::Sequence;
use serde::{Deserialize, Serialize};

use crate::disk::RealDisk;
use crate::{Error, files};

/// Where an output is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    /// Form of the file: 1.
    v: u64,
    /// Verifier key of the log.
    log: String,
    /// The first entry that was not delivered.
    next: u64,
    /// Earlier entries that later ones refer to.
    open: Vec<u64>,
}

/// The file of one output.
pub(super) struct Cursor {
    path: PathBuf,
    log: String,
    saved: Option<Content>,
}

impl Cursor {
    /// Reads the cursor of this log at `path`.
    ///
    /// # Errors
    /// A file that is there and is none; it is not overwritten, because that could
    /// leave entries out.
    pub(super) fn open(path: &Path, log: String) -> Result<Cursor, String> {
        let read = files::read(&RealDisk, path).map_err(|error| error.to_string())?;
        let mut saved = None;
        if let Some(bytes) = read {
            let content: Content = serde_json::from_slice(&bytes)
                .ok()
                .filter(|content: &Content| content.v == 1)
                .ok_or_else(|| {
                    let path = path.display();
                    format!("{path} is not a cursor: remove it, and everything is told again")
                })?;
            if content.log == log {
                saved = Some(content);
            } else {
                eprintln!(
                    "weir: {} is of another ledger: beginning with the first entry of this one",
                    path.display()
                );
            }
        }
        let path = path.to_owned();
        Ok(Cursor { path, log, saved })
    }

    /// The place, and what has to be remembered to go on from it.
    pub(super) fn place(&self) -> Option<(Sequence, Vec<Sequence>)> {
        let saved = self.saved.as_ref()?;
        Some((
            Sequence(saved.next),
            saved.open.iter().copied().map(Sequence).collect(),
        ))
    }

    /// Moves it, durably.
    pub(super) fn save(&mut self, next: Sequence, open: &[Sequence]) -> Result<(), Error> {
        let content = Content {
            v: 1,
            log: self.log.clone(),
            next: next.0,
            open: open.iter().map(|one| one.0).collect(),
        };
        if self.saved.as_ref() == Some(&content) {
            return Ok(());
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let text = serde_json::to_vec(&content).unwrap_or_default();
        files::write(&RealDisk, folder, &self.path, &text)?;
        self.saved = Some(content);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_found_where_it_was_left_and_only_by_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("siem.json");
        let mut cursor = Cursor::open(&path, "a".into()).unwrap();
        assert_eq!(cursor.place(), None);
        cursor.save(Sequence(7), &[Sequence(2)]).unwrap();
        let again = Cursor::open(&path, "a".into()).unwrap();
        assert_eq!(again.place(), Some((Sequence(7), vec![Sequence(2)])));
        assert_eq!(Cursor::open(&path, "b".into()).unwrap().place(), None);
    }

    #[test]
    fn a_damaged_cursor_is_not_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("siem.json");
        for text in ["", "{}", r#"{"v":2,"log":"a","next":1,"open":[]}"#] {
            std::fs::write(&path, text).unwrap();
            let fault = Cursor::open(&path, "a".into()).err().unwrap();
            assert!(fault.contains("siem.json"), "{fault}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
