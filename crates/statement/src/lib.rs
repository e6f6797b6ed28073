//! Statement analysis: text to verbs, objects, columns and how each is used.
#![allow(dead_code)]
mod analyze;
mod ast;
pub mod catalog;
mod error;
mod lex;
mod limits;
pub mod listed;
mod model;
mod parse;
mod resolve;
mod scope;
mod shape;
pub use analyze::analyze;
pub use catalog::{Catalog, ColumnId, Oid};
pub use error::Error;
pub use limits::Limits;
pub use model::*;
pub use scope::{NothingPrepared, Prepared, Scope, Settings};
