//! The second oracle: two databases whose masked values are related by a bijection give equal bytes, order included.
//!
//! [`image`] draws the bijection, [`rewrite`] writes it into a database, [`tokens`] learns which stand-in of one world
//! answers to which of the other, [`transcript`] takes answers apart, and [`compare`] compares. What a label declares as released is the same in both
//! worlds: which values are equal, which are NULL, the shape of arrays and documents, a phone's country. Everything
//! else about a masked value is not, and may show in no byte.

mod compare;
mod declared;
mod draw;
mod image;
mod raw;
mod rewrite;
mod tokens;
mod transcript;
mod value;

pub(crate) use compare::{Comparison, Which, compare};
pub(crate) use rewrite::{Mapping, Side, mapping, write};
pub(crate) use tokens::{Tokens, answers};
pub(crate) use transcript::{Pieces, View, pieces};
pub(crate) use value::Shape;

/// The first `{{…}}` of a text: what stands before it, in it and after it.
pub(crate) fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}
