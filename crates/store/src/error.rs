//! Faults of opening and reading a ledger directory.

use std::path::{Path, PathBuf};

use ledger::{Sequence, Unavailable};

/// Why a ledger directory cannot be opened, read or proved from. All are the
/// operator's to resolve unless said otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes to this ledger.
    #[error("the ledger in {} is in use by another process", dir.display())]
    Locked {
        /// The ledger's directory.
        dir: PathBuf,
    },
    /// A file operation failed.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A file that must be there is not.
    #[error("{} is missing; the ledger is incomplete and is not appended to", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file does not have its form.
    #[error("{} is damaged at byte {offset}: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// The entries do not agree with the last checkpoint that was signed.
    #[error(
        "the ledger disagrees with its last checkpoint ({reason}); it is not appended to. \
         Keep the directory as evidence, run `weir ledger verify`, and start a new ledger elsewhere"
    )]
    Disagrees {
        /// In which way.
        reason: String,
    },
    /// The directory is of another log.
    #[error("the ledger is of log {found}, the configuration says {expected}")]
    OtherOrigin {
        /// Origin in the options.
        expected: String,
        /// Origin in the directory.
        found: String,
    },
    /// Something in a file is not what it has to be.
    #[error("{}: {source}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ledger::Error,
    },
    /// A pure function of the ledger failed.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// A folder that was to hold a static log holds something else.
    #[error(
        "{} is in the way: a ledger is exported into a folder of its own, which is empty \
         or holds an earlier export",
        path.display()
    )]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// The ledger does not continue what was exported from it.
    #[error(
        "the ledger does not continue the log in {}: {reason}. One of them was rolled back, \
         cut or replaced; keep both as evidence",
        folder.display()
    )]
    Forked {
        /// The folder of the static log.
        folder: PathBuf,
        /// In which way.
        reason: String,
    },
    /// Where a log is read from does not answer.
    #[error("{0}")]
    Source(String),
    /// The directory does not hold what was signed there before.
    #[error(
        "{} remembers another state of this ledger: {reason}. It was rolled back, cut or \
         replaced, and is not appended to. Keep both as evidence; to begin anew on \
         purpose, move that file away too",
        memory.display()
    )]
    Forgotten {
        /// The file that remembers.
        memory: PathBuf,
        /// In which way.
        reason: String,
    },
    /// So many keys sign already that another has to wait for one to stop.
    #[error("{signing} keys sign already; wait until the overlap of one is over")]
    TooManyKeys {
        /// How many.
        signing: usize,
    },
    /// There is no such entry.
    #[error("the ledger has no entry {sequence}; it has {entries}")]
    NoSuchEntry {
        /// The one asked for.
        sequence: Sequence,
        /// Number of entries.
        entries: u64,
    },
    /// The entry was there and is not kept any more.
    #[error("entry {sequence} is not kept any more; the ledger begins at entry {minimum}")]
    Pruned {
        /// The one asked for.
        sequence: Sequence,
        /// The first that is kept.
        minimum: u64,
    },
    /// The entry is not yet covered by a checkpoint.
    #[error(
        "entry {sequence} is not yet under a signed checkpoint, which covers {signed}; try again"
    )]
    NotYetSigned {
        /// The one asked for.
        sequence: Sequence,
        /// Entries under the checkpoint.
        signed: u64,
    },
    /// A legal hold forbids it.
    #[error("{}: {}. Release it first, if that is lawful", if holds.len() == 1 { "a legal hold covers this" } else { "legal holds cover this" }, holds.join("; "))]
    Held {
        /// The holds, as they read.
        holds: Vec<String>,
    },
    /// Nothing readable is kept of a subject.
    #[error(
        "nothing readable is kept of {subject} in {days}: it may be erased already, or the id is another"
    )]
    NothingKept {
        /// The principal's id.
        subject: String,
        /// The days asked for.
        days: ledger::days::Days,
    },
    /// The last day of a range comes before its first.
    #[error("{days} is no range: its end comes before its beginning")]
    NoDays {
        /// The range.
        days: ledger::days::Days,
    },
    /// More entries were chosen than a pack takes.
    #[error("more than {limit} entries fit; choose fewer days, one session or one principal")]
    TooMany {
        /// Most entries of a pack.
        limit: usize,
    },
    /// There is no such hold.
    #[error("there is no legal hold {id}; `weir ledger hold list` shows those in force")]
    NoSuchHold {
        /// The one asked for.
        id: String,
    },
    /// A pack may have its name or not.
    #[error(
        "{reason}; whether the pack is there is not known, and no more are made until the \
         ledger is opened again. Nothing is lost"
    )]
    Doubt {
        /// What failed.
        reason: String,
    },
    /// Entries could not be compressed or decompressed.
    #[error("compression: {0}")]
    Compression(std::io::Error),
    /// Entries cannot be taken at the moment.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The committer thread could not be started.
    #[error("cannot start the committer thread: {0}")]
    Thread(std::io::Error),
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io {
            operation,
            path,
            source,
        }
    }

    pub(crate) fn content(path: &Path) -> impl FnOnce(ledger::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Content { path, source }
    }
}
