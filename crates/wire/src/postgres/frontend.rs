//! Messages a client sends after start-up (PostgreSQL docs, 55.7).

use super::bind::Bind;
use super::lists::Oids;
use super::reader::Reader;
use super::{Error, Frame};

/// What Describe and Close are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DescribeKind {
    /// A prepared statement (`S`).
    Statement,
    /// A portal (`P`).
    Portal,
}

impl DescribeKind {
    /// The byte on the wire.
    pub fn code(self) -> u8 {
        match self {
            DescribeKind::Statement => b'S',
            DescribeKind::Portal => b'P',
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            b'S' => Ok(DescribeKind::Statement),
            b'P' => Ok(DescribeKind::Portal),
            _ => Err(Error::Malformed("neither statement nor portal")),
        }
    }
}

/// A client's message. Names and texts are UTF-8 without NUL.
#[derive(Clone, PartialEq, Eq)]
pub enum Frontend<'a> {
    /// Simple query: one string, any number of statements.
    Query(&'a str),
    /// Prepare a statement.
    Parse {
        /// Name of the prepared statement; empty is the unnamed one.
        name: &'a str,
        /// One statement's text.
        text: &'a str,
        /// Types the client fixes; may be fewer than the parameters.
        parameter_types: Oids<'a>,
    },
    /// Make a portal of a prepared statement and values.
    Bind(Bind<'a>),
    /// Ask for the shape of a statement or portal.
    Describe {
        /// Which of the two.
        kind: DescribeKind,
        /// Its name.
        name: &'a str,
    },
    /// Run a portal.
    Execute {
        /// Name of the portal.
        portal: &'a str,
        /// Most rows to return; zero and below mean all.
        max_rows: i32,
    },
    /// Drop a statement or portal.
    Close {
        /// Which of the two.
        kind: DescribeKind,
        /// Its name.
        name: &'a str,
    },
    /// Send what is pending.
    Flush,
    /// End of an extended-query batch.
    Sync,
    /// A piece of a COPY stream; not aligned with rows.
    CopyData(&'a [u8]),
    /// The COPY stream is complete.
    CopyDone,
    /// The client gives COPY up; its reason, without terminator.
    CopyFail(&'a [u8]),
    /// Function call by oid (deprecated in PostgreSQL). The rest of its body is not read.
    FunctionCall(u32),
    /// An answer in the authentication dialogue (tag `p`): password, SASL or
    /// GSSAPI data; [`password_text`] and [`sasl_initial`] read it.
    Password(&'a [u8]),
    /// The client leaves.
    Terminate,
}

/// Shows kinds and sizes, never contents: texts and values may be secret.
impl std::fmt::Debug for Frontend<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Frontend::Query(text) => write!(f, "Query({} bytes)", text.len()),
            Frontend::Parse { name, text, .. } => {
                write!(f, "Parse({name:?}, {} bytes)", text.len())
            }
            Frontend::Bind(bind) => bind.fmt(f),
            Frontend::Describe { kind, name } => write!(f, "Describe({kind:?}, {name:?})"),
            Frontend::Execute { portal, max_rows } => write!(f, "Execute({portal:?}, {max_rows})"),
            Frontend::Close { kind, name } => write!(f, "Close({kind:?}, {name:?})"),
            Frontend::Flush => f.write_str("Flush"),
            Frontend::Sync => f.write_str("Sync"),
            Frontend::CopyData(data) => write!(f, "CopyData({} bytes)", data.len()),
            Frontend::CopyDone => f.write_str("CopyDone"),
            Frontend::CopyFail(_) => f.write_str("CopyFail"),
            Frontend::FunctionCall(function) => write!(f, "FunctionCall({function})"),
            Frontend::Password(_) => f.write_str("Password"),
            Frontend::Terminate => f.write_str("Terminate"),
        }
    }
}

/// Reads a client's message.
///
/// # Errors
/// Any field that does not fit, any byte left over, any text that is not UTF-8,
/// any unknown tag.
pub fn frontend<'a>(frame: &Frame<'a>) -> Result<Frontend<'a>, Error> {
    let mut reader = Reader::new(frame.body);
    let message = match frame.tag {
        b'Q' => Frontend::Query(reader.text("query text")?),
        b'P' => Frontend::Parse {
            name: reader.text("statement name")?,
            text: reader.text("query text")?,
            parameter_types: Oids::read(&mut reader)?,
        },
        b'B' => Frontend::Bind(Bind::read(&mut reader)?),
        b'D' => Frontend::Describe {
            kind: DescribeKind::from_code(reader.u8()?)?,
            name: reader.text("name in Describe")?,
        },
        b'E' => Frontend::Execute {
            portal: reader.text("portal name")?,
            max_rows: reader.i32()?,
        },
        b'C' => Frontend::Close {
            kind: DescribeKind::from_code(reader.u8()?)?,
            name: reader.text("name in Close")?,
        },
        b'H' => Frontend::Flush,
        b'S' => Frontend::Sync,
        b'd' => return Ok(Frontend::CopyData(frame.body)),
        b'c' => Frontend::CopyDone,
        b'f' => Frontend::CopyFail(reader.string()?),
        b'F' => return Ok(Frontend::FunctionCall(reader.u32()?)),
        b'p' => return Ok(Frontend::Password(frame.body)),
        b'X' => Frontend::Terminate,
        tag => return Err(Error::UnknownTag(tag)),
    };
    reader.end()?;
    Ok(message)
}

/// The password in the body of a [`Frontend::Password`] message that answers a
/// request for a cleartext or MD5 password. Not necessarily UTF-8.
pub fn password_text(body: &[u8]) -> Result<&[u8], Error> {
    let mut reader = Reader::new(body);
    let password = reader.string()?;
    reader.end()?;
    Ok(password)
}

/// A client's choice of SASL mechanism and its first data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SaslInitial<'a> {
    /// Name of the mechanism.
    pub mechanism: &'a str,
    /// Initial response, if one was sent.
    pub response: Option<&'a [u8]>,
}

impl std::fmt::Debug for SaslInitial<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SaslInitial")
            .field("mechanism", &self.mechanism)
            .finish_non_exhaustive()
    }
}

/// Reads the body of a [`Frontend::Password`] message as SASLInitialResponse.
pub fn sasl_initial(body: &[u8]) -> Result<SaslInitial<'_>, Error> {
    let mut reader = Reader::new(body);
    let mechanism = reader.text("SASL mechanism")?;
    let response = reader.value()?;
    reader.end()?;
    Ok(SaslInitial {
        mechanism,
        response,
    })
}
