//! What sort of statement it is, with what the machine above must know to run it.

use super::{SetChange, Statement};
use crate::ColumnId;

/// The sort of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// SELECT, VALUES, TABLE; also SELECT INTO, whose effect is a definition.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// COPY.
    Copy {
        /// Which way rows go.
        direction: CopyDirection,
        /// The client sends or gets the rows; otherwise a file or program of the server's host.
        stdio: bool,
        /// Format of the rows.
        format: CopyFormat,
        /// How text and CSV are written.
        options: CopyOptions,
        /// The columns in field order; `None` for one that is computed, or does not resolve.
        columns: Vec<Option<ColumnId>>,
    },
    /// PREPARE.
    Prepare {
        /// Name of the prepared statement.
        name: String,
        /// The inner statement as sent. Holds literals.
        text: String,
        /// The inner statement.
        inner: Box<Statement>,
    },
    /// EXECUTE.
    Execute {
        /// Name of the prepared statement.
        name: String,
    },
    /// DEALLOCATE.
    Deallocate {
        /// Name of the prepared statement; `None` for all.
        name: Option<String>,
    },
    /// DECLARE.
    Declare {
        /// Name of the cursor.
        cursor: String,
        /// It outlives the transaction.
        with_hold: bool,
        /// Its rows come in binary format.
        binary: bool,
        /// The query.
        inner: Box<Statement>,
    },
    /// FETCH; MOVE when the outputs are empty.
    Fetch {
        /// Name of the cursor.
        cursor: String,
    },
    /// CLOSE.
    CloseCursor {
        /// Name of the cursor; `None` for all.
        name: Option<String>,
    },
    /// EXPLAIN.
    Explain {
        /// It runs the statement.
        analyze: bool,
        /// The statement explained.
        inner: Box<Statement>,
    },
    /// SET and RESET.
    Set(SetChange),
    /// SHOW.
    Show {
        /// The setting, or `all`.
        name: String,
    },
    /// Transaction control.
    Transaction(Transaction),
    /// DISCARD.
    Discard {
        /// DISCARD ALL; otherwise PLANS, SEQUENCES or TEMP.
        all: bool,
        /// DISCARD TEMP.
        temporary: bool,
    },
    /// LISTEN.
    Listen(String),
    /// UNLISTEN; `None` for all.
    Unlisten(Option<String>),
    /// NOTIFY.
    Notify(String),
    /// DO.
    Do,
    /// CALL.
    Call,
    /// LOCK TABLE.
    Lock,
    /// A statement that changes the catalog.
    Ddl,
    /// Any other statement.
    Utility,
}

/// Transaction control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transaction {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit {
        /// AND CHAIN.
        chain: bool,
    },
    /// ROLLBACK, ABORT.
    Rollback {
        /// AND CHAIN.
        chain: bool,
    },
    /// SAVEPOINT.
    Savepoint(String),
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo(String),
    /// RELEASE SAVEPOINT.
    Release(String),
    /// PREPARE TRANSACTION.
    Prepare,
    /// COMMIT PREPARED.
    CommitPrepared,
    /// ROLLBACK PREPARED.
    RollbackPrepared,
}

/// Which way COPY moves rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyDirection {
    /// COPY … TO: out of the database.
    To,
    /// COPY … FROM: into it.
    From,
}

/// Format of COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyFormat {
    /// Text.
    Text,
    /// CSV.
    Csv,
    /// Binary.
    Binary,
}

/// How COPY writes rows (PostgreSQL docs, COPY). Defaults are those of the format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOptions {
    /// Between fields.
    pub delimiter: u8,
    /// Stands for NULL.
    pub null: String,
    /// CSV quote.
    pub quote: u8,
    /// CSV escape.
    pub escape: u8,
    /// The header line.
    pub header: Header,
    /// FORCE_QUOTE: places in field order of columns that are always quoted.
    pub force_quote: Vec<bool>,
    /// FORCE_QUOTE *.
    pub force_quote_all: bool,
    /// Stands for a column's default (COPY FROM).
    pub default: Option<String>,
}

/// COPY's header line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Header {
    /// None.
    Absent,
    /// One line of column names.
    Present,
    /// One line that must match the columns' names.
    Match,
}
