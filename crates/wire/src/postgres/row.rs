//! Rows and their description (PostgreSQL docs, 55.7: DataRow, RowDescription).

use super::Error;
use super::bind::Parameters;
use super::lists::Format;
use super::reader::Reader;

/// One row of a result; all lengths have been checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataRow<'a> {
    values: Parameters<'a>,
}

impl<'a> DataRow<'a> {
    /// Reads the body of a DataRow message.
    ///
    /// # Errors
    /// When a length lies or bytes are left over.
    pub fn new(body: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let count = usize::from(reader.u16()?);
        let values = Parameters::read(&mut reader, count)?;
        reader.end()?;
        Ok(DataRow { values })
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The row has no columns (`SELECT FROM t`).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values in order; `None` is NULL.
    pub fn iter(&self) -> Parameters<'a> {
        self.values
    }

    /// The cells with their length words, as on the wire.
    pub(crate) fn cells(&self) -> &'a [u8] {
        self.values.raw()
    }
}

impl<'a> IntoIterator for DataRow<'a> {
    type Item = Option<&'a [u8]>;
    type IntoIter = Parameters<'a>;

    fn into_iter(self) -> Parameters<'a> {
        self.values
    }
}

/// Shows the count, never values.
impl std::fmt::Debug for DataRow<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataRow({} columns)", self.len())
    }
}

/// One column of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name as the server gives it, in the session's encoding.
    pub name: &'a [u8],
    /// Relation the column comes from; 0 when it comes from none.
    pub table_oid: u32,
    /// Attribute number in that relation; 0 when it comes from none.
    pub attribute: i16,
    /// Type of the values.
    pub type_oid: u32,
    /// `pg_type.typlen`: bytes, negative for variable width.
    pub type_size: i16,
    /// Type modifier, -1 when the type has none.
    pub type_modifier: i32,
    /// Format of the values; always text in the description of a statement.
    pub format: Format,
}

impl<'a> Field<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        Ok(Field {
            name: reader.string()?,
            table_oid: reader.u32()?,
            attribute: reader.i16()?,
            type_oid: reader.u32()?,
            type_size: reader.i16()?,
            type_modifier: reader.i32()?,
            format: Format::from_code(reader.i16()?)?,
        })
    }
}

/// The columns of a result; counts and lengths have been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDescription<'a> {
    columns: Columns<'a>,
}

impl<'a> RowDescription<'a> {
    /// Reads the body of a RowDescription message.
    ///
    /// # Errors
    /// When a field does not fit or bytes are left over.
    pub fn new(body: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        let left = usize::from(reader.u16()?);
        let columns = Columns { left, reader };
        for _ in 0..left {
            Field::read(&mut reader)?;
        }
        reader.end()?;
        Ok(RowDescription { columns })
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The result has no columns.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The columns in order.
    pub fn fields(&self) -> Columns<'a> {
        self.columns
    }
}

/// Iterator over the columns of a [`RowDescription`].
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    left: usize,
    reader: Reader<'a>,
}

impl PartialEq for Columns<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.left == other.left && self.reader.rest() == other.reader.rest()
    }
}

impl Eq for Columns<'_> {}

impl<'a> Iterator for Columns<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        self.left = self.left.checked_sub(1)?;
        Field::read(&mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Columns<'_> {}
