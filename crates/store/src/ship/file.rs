//! Lines of JSON in a file that is renamed before it becomes too large.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::sink::Failure;

const CHUNK_BYTES: u64 = 64 << 10;

/// A file of lines.
pub(super) struct JsonLines {
    path: PathBuf,
    rotate_bytes: u64,
    keep: u64,
    open: Option<Open>,
}

struct Open {
    file: File,
    bytes: u64,
    unsynced: bool,
}

impl JsonLines {
    pub(super) fn new(path: &Path, rotate_bytes: u64, keep: u64) -> JsonLines {
        JsonLines {
            path: path.to_owned(),
            rotate_bytes,
            keep,
            open: None,
        }
    }

    /// Appends whole lines.
    pub(super) fn write(&mut self, lines: &[u8]) -> Result<(), Failure> {
        self.append(lines).map_err(|error| {
            // What was written of it is cut off when the file is opened again.
            self.open = None;
            Failure::down(format!("cannot write {}: {error}", self.path.display()))
        })
    }

    /// Makes what was written survive power loss.
    pub(super) fn sync(&mut self) -> Result<(), String> {
        let Some(open) = self.open.as_mut().filter(|open| open.unsynced) else {
            return Ok(());
        };
        match open.file.sync_data() {
            Ok(()) => {
                open.unsynced = false;
                Ok(())
            }
            // What a failed sync left behind is unknown: it is told again.
            Err(error) => {
                self.open = None;
                Err(format!("cannot sync {}: {error}", self.path.display()))
            }
        }
    }

    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        // Somebody else may have renamed or removed the file.
        let there = std::fs::metadata(&self.path).ok().map(|found| found.ino());
        if let Some(open) = &self.open
            && there != Some(open.file.metadata()?.ino())
        {
            open.file.sync_data()?;
            self.open = None;
        }
        if let Some(open) = &self.open
            && open.bytes > 0
            && open.bytes.saturating_add(lines.len() as u64) > self.rotate_bytes
        {
            open.file.sync_data()?;
            self.open = None;
            self.rotate()?;
        }
        let open = match &mut self.open {
            Some(open) => open,
            closed @ None => closed.insert(open(&self.path)?),
        };
        open.file.write_all(lines)?;
        open.bytes = open.bytes.saturating_add(lines.len() as u64);
        open.unsynced = true;
        Ok(())
    }

    /// `events.jsonl` becomes `events.jsonl.1`, that `.2`, …; the oldest goes.
    fn rotate(&self) -> std::io::Result<()> {
        let numbered = |number: u64| match number {
            0 => self.path.clone(),
            number => {
                let mut name = self.path.clone().into_os_string();
                name.push(format!(".{number}"));
                PathBuf::from(name)
            }
        };
        if self.keep == 0 {
            std::fs::remove_file(&self.path)?;
        }
        for number in (0..self.keep).rev() {
            match std::fs::rename(numbered(number), numbered(number.saturating_add(1))) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        sync_folder(&self.path)
    }
}

/// Opens for appending, without a last line that was cut short.
fn open(path: &Path) -> std::io::Result<Open> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let mut end = file.metadata()?.len();
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK_BYTES);
        chunk.clear();
        file.seek(SeekFrom::Start(start))?;
        (&mut file).take(end - start).read_to_end(&mut chunk)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte == b'\n') {
            end = start.saturating_add(last as u64).saturating_add(1);
            break;
        }
        end = start;
    }
    if end < file.metadata()?.len() {
        file.set_len(end)?;
    }
    sync_folder(path)?;
    Ok(Open {
        file,
        bytes: end,
        unsynced: true,
    })
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_line_that_was_cut_short_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/events.jsonl");
        let mut lines = JsonLines::new(&path, 1 << 20, 3);
        lines.write(b"{\"n\":1}\n{\"n\":2}\n").unwrap();
        lines.sync().unwrap();
        drop(lines);
        std::fs::write(&path, text(&path) + "{\"n\":3,\"cut").unwrap();
        let mut lines = JsonLines::new(&path, 1 << 20, 3);
        lines.write(b"{\"n\":3}\n").unwrap();
        assert_eq!(text(&path), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
        std::fs::write(&path, "cut").unwrap();
        let mut lines = JsonLines::new(&path, 1 << 20, 3);
        lines.write(b"{}\n").unwrap();
        assert_eq!(text(&path), "{}\n");
    }

    #[test]
    fn files_are_renamed_before_they_are_too_large_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let mut lines = JsonLines::new(&path, 10, 2);
        for line in [
            "aaaa\n",
            "bbbb\n",
            "cccc\n",
            "dddddddddddddddd\n",
            "eeee\n",
            "f\n",
        ] {
            lines.write(line.as_bytes()).unwrap();
        }
        let all: Vec<String> = ["e", "e.1", "e.2", "e.3"]
            .map(|name| text(&folder.path().join(name)))
            .into();
        assert_eq!(all, ["eeee\nf\n", "dddddddddddddddd\n", "cccc\n", ""]);
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e");
        let mut lines = JsonLines::new(&path, 100, 2);
        lines.write(b"a\n").unwrap();
        std::fs::rename(&path, folder.path().join("taken")).unwrap();
        lines.write(b"b\n").unwrap();
        assert_eq!(text(&path), "b\n");
    }
}
