//! Why rows of a catalog were not accepted.

/// A fault in the rows given to a [`super::Builder`]. The catalog must then not be used: upstream is at fault, or
/// the rows do not belong to the queries of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A row names a section that no query of this version has.
    #[error("the catalog has no section {0:?}")]
    UnknownSection(String),
    /// A row has too few or too many columns, or a column does not hold what its place demands.
    #[error("malformed row in catalog section {section}: {fault}")]
    Malformed {
        /// The section the row stands in.
        section: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Two rows describe the same object. The queries were not run in one snapshot.
    #[error("catalog section {0} describes an object twice")]
    Duplicate(&'static str),
    /// More rows or text than any catalog that this version loads may have.
    #[error("the catalog is larger than the limit of {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Of what: rows or bytes.
        unit: &'static str,
    },
}
