//! The part of PostgreSQL's parse tree that analysis understands, in a form that owns its parts.
//!
//! [`crate::parse`] makes it from the foreign tree. What it does not know becomes [`Expr::Opaque`],
//! [`From::Opaque`] or [`Tree::Opaque`]; nothing is dropped in silence. Depth is bounded by the maker, so recursion
//! over these types is bounded too.

mod expr;
mod query;
mod tree;

pub(crate) use expr::*;
pub(crate) use query::*;
pub(crate) use tree::*;

/// An identifier, case-folded as the grammar demands.
pub(crate) type Ident = Box<str>;
/// A possibly qualified name.
pub(crate) type Path = Vec<Ident>;
