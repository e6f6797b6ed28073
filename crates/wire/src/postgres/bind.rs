//! Bind: values for a prepared statement (PostgreSQL docs, 55.2.3).

use super::Error;
use super::lists::{Format, Formats};
use super::reader::Reader;

/// A Bind message whose counts and lengths have been checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Name of the portal to make; empty is the unnamed one.
    pub portal: &'a str,
    /// Name of the prepared statement.
    pub statement: &'a str,
    parameter_formats: Formats<'a>,
    parameters: Parameters<'a>,
    result_formats: Formats<'a>,
}

impl<'a> Bind<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let portal = reader.text("portal name")?;
        let statement = reader.text("statement name")?;
        let parameter_formats = Formats::read(reader)?;
        let count = usize::from(reader.u16()?);
        if parameter_formats.len() > 1 && parameter_formats.len() != count {
            return Err(Error::Malformed("parameter formats without parameters"));
        }
        let parameters = Parameters::read(reader, count)?;
        let result_formats = Formats::read(reader)?;
        Ok(Bind {
            portal,
            statement,
            parameter_formats,
            parameters,
            result_formats,
        })
    }

    /// The values in order; `None` is NULL.
    pub fn parameters(&self) -> Parameters<'a> {
        self.parameters
    }

    /// Formats of the parameters, as sent.
    pub fn parameter_formats(&self) -> Formats<'a> {
        self.parameter_formats
    }

    /// Format of parameter `index`; `None` when there is no such parameter.
    pub fn parameter_format(&self, index: usize) -> Option<Format> {
        if index < self.parameters.len() {
            self.parameter_formats.format(index)
        } else {
            None
        }
    }

    /// Formats asked for the result columns, as sent.
    pub fn result_formats(&self) -> Formats<'a> {
        self.result_formats
    }
}

/// Shows names and counts, never values.
impl std::fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind")
            .field("portal", &self.portal)
            .field("statement", &self.statement)
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

/// Length-prefixed values, checked to be whole. An iterator, cheap to copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Parameters<'a> {
    left: usize,
    values: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Reads `count` values and leaves `reader` behind the last one.
    pub(crate) fn read(reader: &mut Reader<'a>, count: usize) -> Result<Self, Error> {
        let all = reader.rest();
        for _ in 0..count {
            reader.value()?;
        }
        let bytes = all.len().saturating_sub(reader.rest().len());
        let values = all.get(..bytes).ok_or(Error::Truncated)?;
        Ok(Parameters {
            left: count,
            values,
        })
    }

    /// The values with their length words, as on the wire.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.values
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let mut reader = Reader::new(self.values);
        let value = reader.value().ok()?;
        self.values = reader.rest();
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Parameters<'_> {}

/// Shows the count, never values.
impl std::fmt::Debug for Parameters<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parameters({})", self.left)
    }
}
