//! Fields of errors and notices (PostgreSQL docs, 55.8).

use super::Error;
use super::reader::Reader;

/// Fields of an ErrorResponse or NoticeResponse as received; checked to be
/// whole. Values may hold data of the database: they are results.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fields<'a> {
    body: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the body of an ErrorResponse or NoticeResponse message.
    ///
    /// # Errors
    /// When a string or the final terminator is missing, or bytes are left over.
    pub fn new(body: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(body);
        while reader.u8()? != 0 {
            reader.string()?;
        }
        reader.end()?;
        Ok(Fields { body })
    }

    /// Code and value of each field, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.body);
        std::iter::from_fn(move || match reader.u8() {
            Ok(0) | Err(_) => None,
            Ok(code) => reader.string().ok().map(|value| (code, value)),
        })
    }

    /// The first field with this code, e.g. `b'C'` for the SQLSTATE.
    pub fn get(&self, code: u8) -> Option<&'a [u8]> {
        self.iter()
            .find_map(|(found, value)| (found == code).then_some(value))
    }
}

/// Shows the SQLSTATE alone: messages may hold values.
impl std::fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sqlstate = self.get(b'C').unwrap_or_default();
        write!(f, "Fields({})", sqlstate.escape_ascii())
    }
}

/// What an error or notice of our own says. `severity`, `code` and `message`
/// are always sent; the rest when present. Start from [`ErrorFields::error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorFields<'a> {
    /// `ERROR`, `FATAL`, `NOTICE`, …; sent as both `S` and `V`.
    pub severity: &'a str,
    /// SQLSTATE, five characters.
    pub code: &'a str,
    /// One line for people.
    pub message: &'a str,
    /// More about it.
    pub detail: Option<&'a str>,
    /// What to do instead.
    pub hint: Option<&'a str>,
    /// Place in the statement's text, in characters from 1.
    pub position: Option<u32>,
    /// Context in which it happened.
    pub context: Option<&'a str>,
    /// Schema it concerns.
    pub schema: Option<&'a str>,
    /// Table it concerns.
    pub table: Option<&'a str>,
    /// Column it concerns.
    pub column: Option<&'a str>,
    /// Constraint it concerns.
    pub constraint: Option<&'a str>,
}

impl<'a> ErrorFields<'a> {
    /// An `ERROR` with nothing but code and message.
    pub fn error(code: &'a str, message: &'a str) -> Self {
        ErrorFields::new("ERROR", code, message)
    }

    /// A `FATAL` error: the connection ends after it.
    pub fn fatal(code: &'a str, message: &'a str) -> Self {
        ErrorFields::new("FATAL", code, message)
    }

    /// A `NOTICE` with SQLSTATE 00000.
    pub fn notice(message: &'a str) -> Self {
        ErrorFields::new("NOTICE", "00000", message)
    }

    /// Any severity.
    pub fn new(severity: &'a str, code: &'a str, message: &'a str) -> Self {
        ErrorFields {
            severity,
            code,
            message,
            detail: None,
            hint: None,
            position: None,
            context: None,
            schema: None,
            table: None,
            column: None,
            constraint: None,
        }
    }
}
