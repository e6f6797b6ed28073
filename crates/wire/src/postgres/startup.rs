//! The first packets of a connection, which carry no tag
//! (PostgreSQL docs, 55.2.1 and 55.7: StartupMessage, SSLRequest,
//! GSSENCRequest, CancelRequest).

use super::reader::Reader;
use super::{Error, Limits};

pub(crate) const SSL_REQUEST: u32 = 80_877_103;
pub(crate) const GSS_ENC_REQUEST: u32 = 80_877_104;
pub(crate) const CANCEL_REQUEST: u32 = 80_877_102;

/// Shortest and longest secret of a cancel key, in bytes: four in protocol 3.0,
/// up to 256 since 3.2.
pub(crate) const SECRET_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// A packet that opens a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstMessage<'a> {
    /// The client asks for TLS; the answer is one byte, `S` or `N`.
    SslRequest,
    /// The client asks for GSSAPI encryption; the answer is one byte, `G` or `N`.
    GssEncRequest,
    /// The client asks to cancel a statement of another connection; there is no answer.
    Cancel(CancelRequest<'a>),
    /// The client starts a session.
    Startup(Startup<'a>),
}

/// Names the session whose statement is to be cancelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CancelRequest<'a> {
    /// Process id as given in BackendKeyData.
    pub process_id: i32,
    /// The secret as given in BackendKeyData, 4 to 256 bytes. Compare in constant time.
    pub secret: &'a [u8],
}

impl std::fmt::Debug for CancelRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelRequest")
            .field("process_id", &self.process_id)
            .finish_non_exhaustive()
    }
}

/// Version of the protocol, as in the upper and lower half of the start-up code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion {
    /// Major version, 3 since PostgreSQL 7.4.
    pub major: u16,
    /// Minor version: 0, or 2 since PostgreSQL 18. Clients may ask for more
    /// and are answered with NegotiateProtocolVersion.
    pub minor: u16,
}

impl ProtocolVersion {
    /// Protocol 3.0.
    pub const V3_0: Self = ProtocolVersion { major: 3, minor: 0 };
    /// Protocol 3.2: cancel keys of variable length.
    pub const V3_2: Self = ProtocolVersion { major: 3, minor: 2 };

    /// The 32-bit code on the wire.
    pub fn code(self) -> u32 {
        u32::from(self.major) << 16 | u32::from(self.minor)
    }

    /// From the 32-bit code on the wire.
    pub fn from_code(code: u32) -> Self {
        let [a, b, c, d] = code.to_be_bytes();
        ProtocolVersion {
            major: u16::from_be_bytes([a, b]),
            minor: u16::from_be_bytes([c, d]),
        }
    }
}

/// A session's opening: version and parameters, in the order sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Startup<'a> {
    /// Requested version; the major version is always 3.
    pub version: ProtocolVersion,
    /// Names and values. No name is empty or occurs twice. Names that begin
    /// with `_pq_.` are protocol extensions.
    pub parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Startup<'a> {
    /// The value of a parameter; names are compared as bytes.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .iter()
            .find_map(|(key, value)| (*key == name).then_some(*value))
    }

    /// Names of the protocol extensions asked for (`_pq_.…`), in order.
    pub fn protocol_options(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.parameters
            .iter()
            .map(|(name, _)| *name)
            .filter(|name| name.starts_with("_pq_."))
    }
}

/// Reads the packet at the start of `buffer`, and how many bytes it takes.
/// `Ok(None)` asks for more bytes. The caller has looked for a TLS ClientHello
/// (first byte 0x16) before.
///
/// # Errors
/// [`Error::TooLarge`] or [`Error::Malformed`] from the fourth byte on;
/// [`Error::UnsupportedVersion`] for a major version other than 3. A parameter
/// name that occurs twice is refused: two readers could take two values.
pub fn first_message<'a>(
    buffer: &'a [u8],
    limits: &Limits,
) -> Result<Option<(FirstMessage<'a>, usize)>, Error> {
    let Some((length, _)) = buffer.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let declared = u32::from_be_bytes(*length);
    if declared < 8 {
        return Err(Error::Malformed("start-up packet length below eight"));
    }
    let limit_bytes = (limits.startup_bytes as u64).saturating_add(4);
    if u64::from(declared) > limit_bytes {
        return Err(Error::TooLarge {
            declared_bytes: u64::from(declared),
            limit_bytes,
        });
    }
    let Ok(total) = usize::try_from(declared) else {
        return Err(Error::Malformed("start-up packet length"));
    };
    let Some(body) = buffer.get(4..total) else {
        return Ok(None);
    };
    let mut reader = Reader::new(body);
    let message = match reader.u32()? {
        SSL_REQUEST => {
            reader.end()?;
            FirstMessage::SslRequest
        }
        GSS_ENC_REQUEST => {
            reader.end()?;
            FirstMessage::GssEncRequest
        }
        CANCEL_REQUEST => FirstMessage::Cancel(cancel_request(reader)?),
        code => FirstMessage::Startup(startup(ProtocolVersion::from_code(code), reader)?),
    };
    Ok(Some((message, total)))
}

fn cancel_request(mut reader: Reader<'_>) -> Result<CancelRequest<'_>, Error> {
    let process_id = reader.i32()?;
    let secret = reader.rest();
    if !SECRET_BYTES.contains(&secret.len()) {
        return Err(Error::Malformed("length of the cancel key"));
    }
    Ok(CancelRequest { process_id, secret })
}

fn startup(version: ProtocolVersion, mut reader: Reader<'_>) -> Result<Startup<'_>, Error> {
    if version.major != 3 {
        return Err(Error::UnsupportedVersion {
            major: version.major,
            minor: version.minor,
        });
    }
    let mut parameters = Vec::new();
    loop {
        let name = reader.text("start-up parameter name")?;
        if name.is_empty() {
            break;
        }
        parameters.push((name, reader.text("start-up parameter value")?));
    }
    reader.end()?;
    let mut names: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    if names
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a == b))
    {
        return Err(Error::Malformed("start-up parameter occurs twice"));
    }
    Ok(Startup {
        version,
        parameters,
    })
}
