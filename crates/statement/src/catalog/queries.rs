//! The SQL that reads a catalog.

/// One query of a load: each of its rows is given to [`super::Builder::row`] under `section`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The section its rows belong to.
    pub section: &'static str,
    /// The query. All columns are of type text.
    pub sql: &'static str,
}

/// Loads everything but temporary objects.
pub const LOAD: &[Query] = &[];

/// Loads the temporary objects of the session it runs in.
pub const LOAD_TEMP: &[Query] = &[];

/// One row, one text column.
pub const FINGERPRINT: &str = "";
