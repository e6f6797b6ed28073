//! Messages a server sends (PostgreSQL docs, 55.7).

use super::fields::Fields;
use super::lists::{Format, Formats, Oids};
use super::reader::Reader;
use super::row::{DataRow, RowDescription};
use super::startup::SECRET_BYTES;
use super::{Error, Frame};

/// A server's message, named as in the protocol. Strings are as sent, in the
/// session's encoding.
#[derive(Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the protocol's own names")]
pub enum Backend<'a> {
    Authentication(Authentication<'a>),
    /// Key for cancelling: secret of 4 bytes (3.0) up to 256 (3.2).
    BackendKeyData {
        process_id: i32,
        secret: &'a [u8],
    },
    BindComplete,
    CloseComplete,
    /// Command tag as sent, e.g. `INSERT 0 1`.
    CommandComplete(&'a [u8]),
    CopyInResponse(CopyFormats<'a>),
    CopyOutResponse(CopyFormats<'a>),
    CopyBothResponse(CopyFormats<'a>),
    CopyData(&'a [u8]),
    CopyDone,
    DataRow(DataRow<'a>),
    EmptyQueryResponse,
    ErrorResponse(Fields<'a>),
    NoticeResponse(Fields<'a>),
    /// Result of a function call; its body is not read.
    FunctionCallResponse,
    NotificationResponse {
        process_id: i32,
        channel: &'a [u8],
        payload: &'a [u8],
    },
    NoData,
    ParameterDescription(Oids<'a>),
    ParameterStatus {
        name: &'a [u8],
        value: &'a [u8],
    },
    ParseComplete,
    PortalSuspended,
    ReadyForQuery(TransactionStatus),
    RowDescription(RowDescription<'a>),
    /// The server speaks at most protocol 3.`minor`, and did not know these
    /// `_pq_.` options.
    NegotiateProtocolVersion {
        minor: i32,
        unrecognized: Strings<'a>,
    },
}

/// Shows kinds, names and sizes, never secrets or values.
impl std::fmt::Debug for Backend<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Backend::Authentication(request) => write!(f, "Authentication({request:?})"),
            Backend::BackendKeyData { process_id, .. } => write!(f, "BackendKeyData({process_id})"),
            Backend::BindComplete => f.write_str("BindComplete"),
            Backend::CloseComplete => f.write_str("CloseComplete"),
            Backend::CommandComplete(tag) => write!(f, "CommandComplete({})", tag.escape_ascii()),
            Backend::CopyInResponse(formats) => write!(f, "CopyInResponse({formats})"),
            Backend::CopyOutResponse(formats) => write!(f, "CopyOutResponse({formats})"),
            Backend::CopyBothResponse(formats) => write!(f, "CopyBothResponse({formats})"),
            Backend::CopyData(data) => write!(f, "CopyData({} bytes)", data.len()),
            Backend::CopyDone => f.write_str("CopyDone"),
            Backend::DataRow(row) => row.fmt(f),
            Backend::EmptyQueryResponse => f.write_str("EmptyQueryResponse"),
            Backend::ErrorResponse(fields) => write!(f, "ErrorResponse({fields:?})"),
            Backend::NoticeResponse(fields) => write!(f, "NoticeResponse({fields:?})"),
            Backend::FunctionCallResponse => f.write_str("FunctionCallResponse"),
            Backend::NotificationResponse { process_id, .. } => {
                write!(f, "NotificationResponse({process_id})")
            }
            Backend::NoData => f.write_str("NoData"),
            Backend::ParameterDescription(types) => {
                write!(f, "ParameterDescription({} types)", types.len())
            }
            Backend::ParameterStatus { name, .. } => {
                write!(f, "ParameterStatus({})", name.escape_ascii())
            }
            Backend::ParseComplete => f.write_str("ParseComplete"),
            Backend::PortalSuspended => f.write_str("PortalSuspended"),
            Backend::ReadyForQuery(status) => write!(f, "ReadyForQuery({status:?})"),
            Backend::RowDescription(columns) => {
                write!(f, "RowDescription({} columns)", columns.len())
            }
            Backend::NegotiateProtocolVersion { minor, .. } => {
                write!(f, "NegotiateProtocolVersion({minor})")
            }
        }
    }
}

/// A request of the server in the authentication dialogue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// The client is authenticated.
    Ok,
    /// Asks for the password in clear.
    CleartextPassword,
    /// Asks for an MD5 password.
    Md5 {
        /// Salt of the hash.
        salt: [u8; 4],
    },
    /// Offers SASL mechanisms.
    Sasl(Mechanisms<'a>),
    /// SASL data to go on with.
    SaslContinue(&'a [u8]),
    /// SASL data at the end.
    SaslFinal(&'a [u8]),
    /// Kerberos, GSSAPI, SSPI or anything else, by its code.
    Other(i32),
}

/// Shows the kind, never salts or SASL data.
impl std::fmt::Debug for Authentication<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Authentication::Ok => f.write_str("Ok"),
            Authentication::CleartextPassword => f.write_str("CleartextPassword"),
            Authentication::Md5 { .. } => f.write_str("Md5"),
            Authentication::Sasl(_) => f.write_str("Sasl"),
            Authentication::SaslContinue(_) => f.write_str("SaslContinue"),
            Authentication::SaslFinal(_) => f.write_str("SaslFinal"),
            Authentication::Other(code) => write!(f, "Other({code})"),
        }
    }
}

/// Names of SASL mechanisms, the server's preference first.
pub type Mechanisms<'a> = Strings<'a>;

/// A list of NUL-terminated strings, checked to be whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strings<'a> {
    list: &'a [u8],
}

impl<'a> Strings<'a> {
    /// The strings in order, without terminators.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.list);
        std::iter::from_fn(move || reader.string().ok())
    }
}

/// Whether a transaction is open, as told by ReadyForQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionStatus {
    /// No transaction (`I`).
    Idle,
    /// In a transaction block (`T`).
    InTransaction,
    /// In a failed transaction block (`E`).
    Failed,
}

impl TransactionStatus {
    /// The byte on the wire.
    pub fn code(self) -> u8 {
        match self {
            TransactionStatus::Idle => b'I',
            TransactionStatus::InTransaction => b'T',
            TransactionStatus::Failed => b'E',
        }
    }

    fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            b'I' => Ok(TransactionStatus::Idle),
            b'T' => Ok(TransactionStatus::InTransaction),
            b'E' => Ok(TransactionStatus::Failed),
            _ => Err(Error::Malformed("transaction status")),
        }
    }
}

/// Formats of a COPY stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFormats<'a> {
    /// Text (which includes CSV) or binary, for the stream as a whole.
    pub overall: Format,
    /// One code per column.
    pub columns: Formats<'a>,
}

impl std::fmt::Display for CopyFormats<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, {} columns", self.overall, self.columns.len())
    }
}

impl<'a> CopyFormats<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let overall = Format::from_code(i16::from(reader.u8()?))?;
        let columns = Formats::read(reader)?;
        Ok(CopyFormats { overall, columns })
    }
}

/// Reads a server's message.
///
/// # Errors
/// Any field that does not fit, any byte left over, any unknown tag.
pub fn backend<'a>(frame: &Frame<'a>) -> Result<Backend<'a>, Error> {
    let mut reader = Reader::new(frame.body);
    let message = match frame.tag {
        b'D' => return DataRow::new(frame.body).map(Backend::DataRow),
        b'T' => return RowDescription::new(frame.body).map(Backend::RowDescription),
        b'E' => return Fields::new(frame.body).map(Backend::ErrorResponse),
        b'N' => return Fields::new(frame.body).map(Backend::NoticeResponse),
        b'd' => return Ok(Backend::CopyData(frame.body)),
        b'V' => return Ok(Backend::FunctionCallResponse),
        b'K' => return key_data(reader),
        b'R' => return authentication(reader).map(Backend::Authentication),
        b'C' => Backend::CommandComplete(reader.string()?),
        b'Z' => Backend::ReadyForQuery(TransactionStatus::from_code(reader.u8()?)?),
        b'1' => Backend::ParseComplete,
        b'2' => Backend::BindComplete,
        b'3' => Backend::CloseComplete,
        b'n' => Backend::NoData,
        b's' => Backend::PortalSuspended,
        b'I' => Backend::EmptyQueryResponse,
        b'c' => Backend::CopyDone,
        b'G' => Backend::CopyInResponse(CopyFormats::read(&mut reader)?),
        b'H' => Backend::CopyOutResponse(CopyFormats::read(&mut reader)?),
        b'W' => Backend::CopyBothResponse(CopyFormats::read(&mut reader)?),
        b't' => Backend::ParameterDescription(Oids::read(&mut reader)?),
        b'S' => Backend::ParameterStatus {
            name: reader.string()?,
            value: reader.string()?,
        },
        b'A' => Backend::NotificationResponse {
            process_id: reader.i32()?,
            channel: reader.string()?,
            payload: reader.string()?,
        },
        b'v' => negotiate(&mut reader)?,
        tag => return Err(Error::UnknownTag(tag)),
    };
    reader.end()?;
    Ok(message)
}

fn key_data(mut reader: Reader<'_>) -> Result<Backend<'_>, Error> {
    let process_id = reader.i32()?;
    let secret = reader.rest();
    if !SECRET_BYTES.contains(&secret.len()) {
        return Err(Error::Malformed("length of the cancel key"));
    }
    Ok(Backend::BackendKeyData { process_id, secret })
}

fn authentication(mut reader: Reader<'_>) -> Result<Authentication<'_>, Error> {
    let request = match reader.i32()? {
        0 => Authentication::Ok,
        3 => Authentication::CleartextPassword,
        5 => Authentication::Md5 {
            salt: reader.u32()?.to_be_bytes(),
        },
        10 => {
            let (&last, list) = reader.rest().split_last().ok_or(Error::Truncated)?;
            let mut names = Reader::new(list);
            while !names.is_empty() {
                if names.string()?.is_empty() {
                    return Err(Error::TrailingBytes);
                }
            }
            if last != 0 {
                return Err(Error::Malformed("SASL mechanisms without terminator"));
            }
            return Ok(Authentication::Sasl(Strings { list }));
        }
        11 => return Ok(Authentication::SaslContinue(reader.rest())),
        12 => return Ok(Authentication::SaslFinal(reader.rest())),
        code => return Ok(Authentication::Other(code)),
    };
    reader.end()?;
    Ok(request)
}

/// The docs call the first word a minor version; servers send the whole
/// version code (3 in the upper half). Both are read.
fn negotiate<'a>(reader: &mut Reader<'a>) -> Result<Backend<'a>, Error> {
    let code = reader.u32()?;
    let minor = match code >> 16 {
        0 | 3 => (code & 0xffff) as i32,
        _ => return Err(Error::Malformed("negotiated protocol version")),
    };
    let count = reader.u32()?;
    let all = reader.rest();
    for _ in 0..count {
        reader.string()?;
    }
    let bytes = all.len().saturating_sub(reader.rest().len());
    let list = all.get(..bytes).ok_or(Error::Truncated)?;
    Ok(Backend::NegotiateProtocolVersion {
        minor,
        unrecognized: Strings { list },
    })
}
