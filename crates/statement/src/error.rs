//! Why a text did not become an [`Analysis`](crate::Analysis). Everything that parses does.

/// A text that is not analysed. All but [`Error::Internal`] are the client's fault; the statement must not be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text is not in PostgreSQL's grammar.
    #[error("{message}")]
    Syntax {
        /// The parser's message, as a server of the same version words it. It quotes the text itself, nothing else.
        message: String,
        /// Where, in characters, counted from 1; `None` when not known.
        position: Option<u32>,
        /// The SQLSTATE a server would send.
        sqlstate: &'static str,
    },
    /// The text is longer than [`Limits::text_bytes`](crate::Limits::text_bytes).
    #[error("statement of {bytes} bytes is longer than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The text nests deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("statement nests deeper than the limit of {limit} levels")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// The text holds more statements than [`Limits::statements`](crate::Limits::statements).
    #[error("more than the limit of {limit} statements in one text")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The text holds a NUL byte, which PostgreSQL's protocol cannot carry.
    #[error("statement contains a NUL byte")]
    Nul,
    /// A fault of this program or of the parser it uses.
    #[error("statement could not be analysed: {0}")]
    Internal(&'static str),
}

impl Error {
    /// The SQLSTATE that fits this error.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Syntax { sqlstate, .. } => sqlstate,
            Self::TooLarge { .. } | Self::TooMany { .. } => "54000",
            Self::TooDeep { .. } => "54001",
            Self::Nul => "22021",
            Self::Internal(_) => "XX000",
        }
    }
}
