//! A statement in other words, so that it tells no more than it may.
//!
//! What comes out is a proposal: the caller analyses and judges it as if the client had sent it. A mistake here can
//! cost a name or an answer, never a value.

use std::ops::Range;

use crate::analyze::references;
use crate::degrade::degrade;
use crate::lex::{Lexer, TokenKind};
use crate::shuffle::shuffle;
use crate::words::Words;
use crate::{ColumnId, Oid, Scope, Tells};

/// A part of a text, and what stands there instead.
pub(crate) type Edit = (Range<usize>, String);

/// What is to be changed in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewording {
    /// NULL stands for what it may not compute with.
    Nulls,
    /// That, and its rows come in random order within that of its sort keys.
    NullsAndChance,
}

/// A statement in other words.
#[derive(Clone, PartialEq, Eq)]
pub struct Reworded {
    /// The text. Holds what stands for constants, which may be nobody's to see.
    pub text: String,
    /// Where in it the constants stand, in their order.
    pub constants: Vec<usize>,
    /// The columns that are NULL in it, in the order of their first use.
    pub nulls: Vec<ColumnId>,
}

/// The statement in a text in other words. `is_forbidden` tells which uses of which columns it must not have, but for
/// selecting them as they are. `constants` are values that stand for those that begin at these places.
///
/// `None` when there is no way, or nothing to change.
pub fn reword(
    text: &str,
    parameters: &[Oid],
    scope: &Scope<'_>,
    rewording: Rewording,
    constants: &[(usize, &str)],
    is_forbidden: impl Fn(ColumnId, &Tells) -> bool,
) -> Option<Reworded> {
    let references = references(text, parameters, scope).ok()?;
    let words = Words::of(text);
    let mut edits = Vec::new();
    let nulls = degrade(&words, &references, scope.catalog, is_forbidden, &mut edits)?;
    if rewording == Rewording::NullsAndChance {
        shuffle(&words, &mut edits)?;
    }
    let mut places: Vec<usize> = Vec::with_capacity(constants.len());
    for (place, value) in constants {
        let token = words.tokens.get(words.at(*place)?)?;
        literal(text, *place)?;
        edits.push((
            token.start..token.end,
            format!("'{}'", value.replace('\'', "''")),
        ));
        places.push(token.start);
    }
    if edits.is_empty() {
        return None;
    }
    let (text, moved) = edited(text, edits)?;
    let constants = places
        .iter()
        .map(|place| {
            let at = moved.binary_search_by_key(place, |(from, _)| *from);
            Some(moved.get(at.ok()?)?.1)
        })
        .collect::<Option<Vec<usize>>>()?;
    Some(Reworded {
        text,
        constants,
        nulls,
    })
}

/// The value of a string constant that begins at a place of a text, if it is written without escapes: `'…'`.
pub fn literal(text: &str, place: usize) -> Option<String> {
    let rest = text.get(place..)?;
    let token = Lexer::new(rest).next()?;
    let inner = rest
        .get(..token.end)
        .filter(|_| token.start == 0 && token.kind == TokenKind::Text)?
        .strip_prefix('\'')?
        .strip_suffix('\'')?;
    // A string in several pieces has a lone quote in it.
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '\'' && characters.next() != Some('\'') {
            return None;
        }
        value.push(character);
    }
    Some(value)
}

/// A text with parts replaced, and where each part that was replaced began and its replacement begins.
fn edited(text: &str, mut edits: Vec<Edit>) -> Option<(String, Vec<(usize, usize)>)> {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + edits.len() * 32);
    let mut moved = Vec::new();
    let mut from = 0;
    for (range, replacement) in edits {
        out.push_str(text.get(from..range.start)?);
        if !range.is_empty() {
            moved.push((range.start, out.len()));
        }
        out.push_str(&replacement);
        from = range.end;
    }
    out.push_str(text.get(from..)?);
    Some((out, moved))
}
