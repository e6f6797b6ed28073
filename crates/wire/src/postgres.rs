//! PostgreSQL frontend/backend protocol, versions 3.0 and 3.2
//! (PostgreSQL docs, chapter 55).
//!
//! A connection is read in two steps. [`frame`] finds a complete message at the
//! start of a buffer by its tag and length; [`frontend`] or [`backend`] turns
//! that message into fields. Before start-up there is no tag:
//! [`first_message`] reads those packets. [`encode`] writes every message,
//! [`rewrite_row`] writes a row again with some cells replaced, and [`copy`]
//! splits the byte stream inside `CopyData` into rows and fields.
//!
//! Decoding is strict: a message that has bytes left over, a count that does
//! not fit, a string that is not UTF-8 where text is promised, are errors.
//! Nothing is copied; every decoded value borrows from the buffer.

mod backend;
mod bind;
pub mod copy;
pub mod encode;
mod error;
mod fields;
mod frame;
mod frontend;
mod lists;
mod reader;
mod rewrite;
mod row;
mod startup;

pub use backend::{
    Authentication, Backend, CopyFormats, Mechanisms, Strings, TransactionStatus, backend,
};
pub use bind::{Bind, Parameters};
pub use error::{Error, Limits};
pub use fields::{ErrorFields, Fields};
pub use frame::{Frame, Run, frame, header, run};
pub use frontend::{DescribeKind, Frontend, SaslInitial, frontend, password_text, sasl_initial};
pub use lists::{Format, Formats, Oids};
pub use rewrite::{Cell, rewrite_row};
pub use row::{Columns, DataRow, Field, RowDescription};
pub use startup::{CancelRequest, FirstMessage, ProtocolVersion, Startup, first_message};
