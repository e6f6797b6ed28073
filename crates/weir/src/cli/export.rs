//! `weir ledger export`: a static log that any C2SP client reads.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use store::export::export;

use super::Format;
use super::ledger::{Place, hex};
use super::output::{Output, count};
use super::progress::Bar;

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Folder of the static log: empty, missing, or of an earlier export, which is added to
    folder: PathBuf,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Export {
    pub(crate) fn run(self, output: &mut Output) -> Result<()> {
        let reader = self.place.reader()?;
        let mut bar = Bar::new("exported", "entries");
        let exported = export(&reader, &self.folder, &mut |progress| {
            bar.show(progress.done, progress.total);
        });
        bar.end();
        let exported = exported?;
        let checkpoint = &exported.checkpoint;
        if self.format.json {
            return output.json(&json!({
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": hex(&checkpoint.root),
                "before": exported.before,
                "minimum": exported.minimum,
                "files": exported.files,
                "bytes": exported.bytes,
            }));
        }
        let (size, before) = (checkpoint.size, exported.before);
        output.line(match size.saturating_sub(before) {
            0 => format!("Nothing new since {size} entries of {}", checkpoint.origin),
            _ => format!(
                "Exported entries {before} to {size} (exclusive) of {}: {}, {} bytes",
                checkpoint.origin,
                count(usize::try_from(exported.files)?, "file"),
                exported.bytes
            ),
        })?;
        output.line(format!(
            "To check it: weir ledger verify --export {} --policy FILE",
            self.folder.display()
        ))
    }
}
