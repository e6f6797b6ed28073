//! What analysis gives: plain data that floors above judge. Nothing here holds a literal of the statement unless
//! its documentation says so.

mod access;
mod column;
mod kind;
mod setting;
mod statement;

pub use access::{Access, FunctionUse, Object, Verb};
pub use column::{ColumnUse, Given, GivenBy, Output, Place, Source, Tells, Usage};
pub use kind::{CopyDirection, CopyFormat, CopyOptions, Header, Kind, Transaction};
pub use setting::{SetChange, SetScope, SetValue, SettingClass};
pub use statement::{Analysis, Effect, OpaqueReason, RowOrder, Statement};
