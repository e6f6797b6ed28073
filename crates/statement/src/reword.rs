//! A statement in other words, so that it tells no more than it may.
//!
//! What comes out is a proposal: the caller analyses and judges it as if the client had sent it. A mistake here can
//! cost a name or an answer, never a value.

use std::ops::Range;

use crate::analyze::references;
use crate::degrade::degrade;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworded {
    /// The text.
    pub text: String,
    /// The columns that are NULL in it, in the order of their first use.
    pub nulls: Vec<ColumnId>,
}

/// The statement in a text in other words. `is_forbidden` tells which uses of which columns it must not have, but for
/// selecting them as they are.
///
/// `None` when there is no way, or nothing to change.
pub fn reword(
    text: &str,
    parameters: &[Oid],
    scope: &Scope<'_>,
    rewording: Rewording,
    is_forbidden: impl Fn(ColumnId, &Tells) -> bool,
) -> Option<Reworded> {
    let references = references(text, parameters, scope).ok()?;
    let words = Words::of(text);
    let mut edits = Vec::new();
    let nulls = degrade(&words, &references, scope.catalog, is_forbidden, &mut edits)?;
    if rewording == Rewording::NullsAndChance {
        shuffle(&words, &mut edits)?;
    }
    let text = (!edits.is_empty()).then(|| edited(text, edits))??;
    Some(Reworded { text, nulls })
}

fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + edits.len() * 32);
    let mut from = 0;
    for (range, replacement) in edits {
        out.push_str(text.get(from..range.start)?);
        out.push_str(&replacement);
        from = range.end;
    }
    out.push_str(text.get(from..)?);
    Some(out)
}
