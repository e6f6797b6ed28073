//! What can be wrong with bytes, and how many of them are welcome.

/// Why bytes are not a message. Carries no value taken from the message beyond
/// tags and lengths, so it may be logged and shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message ends before the fields it announces.
    #[error("message ends before its fields do")]
    Truncated,
    /// The message has bytes after its last field.
    #[error("message has bytes after its last field")]
    TrailingBytes,
    /// The sender announces more bytes than are welcome.
    #[error("message of {declared_bytes} bytes exceeds the limit of {limit_bytes} bytes")]
    TooLarge {
        /// Bytes announced (or, for a COPY row, gathered so far).
        declared_bytes: u64,
        /// Bytes allowed.
        limit_bytes: u64,
    },
    /// A field holds what the protocol does not allow; the text says which.
    #[error("malformed message: {0}")]
    Malformed(&'static str),
    /// No message of this role has this tag.
    #[error("unknown message tag 0x{0:02x}")]
    UnknownTag(u8),
    /// Text that has to be UTF-8 is not; names the field.
    #[error("{0} is not valid UTF-8")]
    NotUtf8(&'static str),
    /// The client asks for a major protocol version other than 3.
    #[error("unsupported frontend protocol {major}.{minor}")]
    UnsupportedVersion {
        /// Requested major version.
        major: u16,
        /// Requested minor version.
        minor: u16,
    },
}

/// Upper bounds on what a client may announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Declared length of a typed message, in bytes (the length word counts
    /// itself, the tag is not counted).
    pub message_bytes: usize,
    /// The same for a message before authentication has succeeded.
    pub authentication_bytes: usize,
    /// Bytes of a start-up packet after its length word; 10,000 as in
    /// PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`).
    pub startup_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            message_bytes: 64 * 1024 * 1024,
            authentication_bytes: 65_535,
            startup_bytes: 10_000,
        }
    }
}
