//! Statement analysis: text to verbs, objects, columns and how each is used.
pub mod catalog;
pub mod listed;
pub use catalog::{Catalog, ColumnId, Oid};
