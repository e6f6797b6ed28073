//! One row of a catalog query, read field by field.

use std::sync::Arc;

use super::objects::FunctionName;
use super::{Error, Oid, literal};

/// Longest name accepted, bytes. A server has 63 unless it was built otherwise.
const NAME_BYTES: usize = 1_024;

/// A row being read from left to right.
pub(super) struct Row<'a> {
    section: &'static str,
    columns: std::slice::Iter<'a, Option<&'a str>>,
}

impl<'a> Row<'a> {
    /// Refuses a row that does not have exactly `width` columns.
    pub(super) fn new(
        section: &'static str,
        columns: &'a [Option<&'a str>],
        width: usize,
    ) -> Result<Self, Error> {
        let row = Self {
            section,
            columns: columns.iter(),
        };
        if columns.len() == width {
            Ok(row)
        } else {
            Err(row.fault("wrong number of columns"))
        }
    }

    pub(super) fn fault(&self, fault: &'static str) -> Error {
        Error::Malformed {
            section: self.section,
            fault,
        }
    }

    pub(super) fn optional(&mut self) -> Option<&'a str> {
        self.columns.next().copied().flatten()
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Error> {
        self.optional()
            .ok_or_else(|| self.fault("NULL where a value must be"))
    }

    pub(super) fn optional_text(&mut self) -> Option<Arc<str>> {
        self.optional().map(Arc::from)
    }

    pub(super) fn name(&mut self) -> Result<&'a str, Error> {
        let name = self.text()?;
        if name.len() > NAME_BYTES || name.contains('\0') {
            return Err(self.fault("not a name"));
        }
        Ok(name)
    }

    pub(super) fn number<T: std::str::FromStr>(&mut self) -> Result<T, Error> {
        self.text()?
            .parse()
            .map_err(|_| self.fault("not a number of the expected size"))
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Error> {
        literal::boolean(self.text()?).ok_or_else(|| self.fault("not a boolean"))
    }

    /// The byte of a `"char"`; a NUL `"char"` is the empty string and read as 0.
    pub(super) fn code(&mut self) -> Result<u8, Error> {
        match self.text()?.as_bytes() {
            [] => Ok(0),
            [code] => Ok(*code),
            _ => Err(self.fault("not a single character")),
        }
    }

    pub(super) fn numbers<T: std::str::FromStr>(&mut self) -> Result<Vec<T>, Error> {
        literal::numbers(self.text()?).ok_or_else(|| self.fault("not an array of numbers"))
    }

    pub(super) fn vector<T: std::str::FromStr>(&mut self) -> Result<Vec<T>, Error> {
        literal::vector(self.text()?).ok_or_else(|| self.fault("not a vector of numbers"))
    }

    pub(super) fn optional_array(&mut self) -> Result<Option<Vec<Option<String>>>, Error> {
        self.optional()
            .map(|text| literal::array(text).ok_or_else(|| self.fault("not an array")))
            .transpose()
    }

    pub(super) fn optional_numbers(&mut self) -> Result<Option<Vec<Oid>>, Error> {
        self.optional()
            .map(|text| literal::numbers(text).ok_or_else(|| self.fault("not an array of numbers")))
            .transpose()
    }

    /// The three columns oid, schema, name; all NULL is `None`.
    pub(super) fn optional_function(&mut self) -> Result<Option<FunctionName>, Error> {
        let (oid, schema, name) = (self.optional(), self.optional(), self.optional());
        match (oid, schema, name) {
            (None, None, None) => Ok(None),
            (Some(oid), Some(schema), Some(name)) => Ok(Some(FunctionName {
                oid: oid.parse().map_err(|_| self.fault("not an oid"))?,
                schema: schema.into(),
                name: name.into(),
            })),
            _ => Err(self.fault("a function in part")),
        }
    }

    pub(super) fn function(&mut self) -> Result<FunctionName, Error> {
        self.optional_function()?
            .ok_or_else(|| self.fault("NULL where a function must be"))
    }
}
