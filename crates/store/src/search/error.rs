//! Faults of searching.

use std::path::PathBuf;

use datafusion::arrow::error::ArrowError;
use datafusion::error::DataFusionError;

/// Why the index cannot be read, written or asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] crate::Error),
    /// Operator: the place of the index cannot be used.
    #[error("cannot {operation} the search index in {place}: {source}")]
    Store {
        /// What was attempted.
        operation: &'static str,
        /// Where.
        place: String,
        /// What the store says.
        source: object_store::Error,
    },
    /// Operator: what is configured is no place for an index.
    #[error("{0}")]
    Place(String),
    /// Bug: a segment cannot be made.
    #[error("cannot make a segment of the search index: {0}")]
    Make(String),
    /// A segment cannot be read; the ledger has what it had.
    #[error("{0}")]
    Segment(Fault),
    /// Too much of the ledger is in no segment.
    #[error(
        "{entries} entries from {from} on are not in the search index: \
         a running gateway adds them, or run `weir audit reindex`"
    )]
    Behind {
        /// The first.
        from: u64,
        /// How many.
        entries: u64,
    },
    /// A segment went away or cannot be read while it was searched.
    #[error("cannot read the search index: {0}; `weir audit reindex` makes it anew")]
    Read(String),
    /// User: the question cannot be answered.
    #[error("{0}")]
    Query(String),
}

/// Something in the place of the index that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("search segment {name} is not used: {reason}")]
pub struct Fault {
    /// Its name there.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Error {
    pub(super) fn store(
        operation: &'static str,
        place: &str,
    ) -> impl FnOnce(object_store::Error) -> Error + use<> {
        let place = place.to_owned();
        move |source| Error::Store {
            operation,
            place,
            source,
        }
    }

    pub(super) fn make(error: impl std::fmt::Display) -> Error {
        Error::Make(error.to_string())
    }

    pub(super) fn folder(path: PathBuf) -> impl FnOnce(std::io::Error) -> Error {
        move |error| {
            Error::Place(format!(
                "cannot use {} for the search index: {error}",
                path.display()
            ))
        }
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Error {
        // The first line says it; what follows is for who programs DataFusion.
        let text = error.strip_backtrace();
        let line = text.lines().next().unwrap_or_default().to_owned();
        match error.find_root() {
            DataFusionError::ParquetError(_)
            | DataFusionError::ObjectStore(_)
            | DataFusionError::IoError(_)
            | DataFusionError::External(_) => Error::Read(line),
            DataFusionError::ArrowError(error, _)
                if matches!(
                    **error,
                    ArrowError::ParquetError(_)
                        | ArrowError::ExternalError(_)
                        | ArrowError::IoError(..)
                ) =>
            {
                Error::Read(line)
            }
            _ => Error::Query(line),
        }
    }
}
