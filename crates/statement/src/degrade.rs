//! A statement with NULL in the place of columns it may not compute with.
//!
//! What comes out is a proposal: the caller analyses and judges it as if the client had sent it. A mistake here can
//! cost a name or an answer, never a value.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::analyze::references;
use crate::lex::{Lexer, Token, TokenKind};
use crate::resolve::{Reference, Ty, quoted, written};
use crate::{ColumnId, Oid, Scope, Usage};

/// A text that computes with NULL where another computed with columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Degraded {
    /// The text.
    pub text: String,
    /// The columns that are NULL in it, in the order of their first use.
    pub columns: Vec<ColumnId>,
}

/// Puts a NULL of the same type in the place of each reference that computes with a column for which `is_masked`, or
/// orders by it. Outputs keep their names.
///
/// `None` when one of them is used in any other way than as it is, when it decides which rows count, or when the text
/// does not name it by itself.
pub fn degrade(
    text: &str,
    parameters: &[Oid],
    scope: &Scope<'_>,
    is_masked: impl Fn(ColumnId) -> bool,
) -> Option<Degraded> {
    let references = references(text, parameters, scope).ok()?;
    let mut columns = Vec::new();
    let mut by_place: BTreeMap<usize, &Reference> = BTreeMap::new();
    for used in &references.uses {
        if used.usage == Usage::Projected || !is_masked(used.column) {
            continue;
        }
        let computes = matches!(
            used.usage,
            Usage::Expression | Usage::Order | Usage::Aggregate
        );
        if !computes || used.deciding {
            return None;
        }
        if !columns.contains(&used.column) {
            columns.push(used.column);
        }
        let place = used.place?;
        let mut found = references.found.iter();
        let reference = found.find(|found| found.place == place)?;
        // Without the reference an aggregate of the outer query would be one of the inner.
        if reference.outer && used.usage == Usage::Aggregate {
            return None;
        }
        by_place.insert(place, reference);
    }
    if columns.is_empty() {
        return None;
    }
    let words = Words::of(text);
    let mut edits = Vec::with_capacity(by_place.len());
    for reference in by_place.values() {
        let Ty::Known(oid, _) = reference.ty else {
            return None;
        };
        let null = format!("(NULL::{})", written(scope.catalog, oid)?);
        edits.push((words.reference(reference)?, null));
    }
    for naming in &references.names {
        if by_place.contains_key(&naming.reference) {
            let end = words.target_end(naming.place)?;
            edits.push((end..end, format!(" AS {}", quoted(&naming.name))));
        }
    }
    Some(Degraded {
        text: edited(text, edits)?,
        columns,
    })
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

/// The tokens of a text without comments.
struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Self {
        let tokens = Lexer::new(text).filter(|token| token.kind != TokenKind::Comment);
        Self {
            text,
            tokens: tokens.collect(),
        }
    }

    fn at(&self, place: usize) -> Option<usize> {
        let found = self
            .tokens
            .binary_search_by_key(&place, |token| token.start);
        found.ok()
    }

    fn word(&self, index: usize) -> &'a str {
        let token = self.tokens.get(index);
        token
            .and_then(|token| self.text.get(token.start..token.end))
            .unwrap_or_default()
    }

    /// Where a reference stands: its names with dots between them, or a number.
    fn reference(&self, reference: &Reference) -> Option<Range<usize>> {
        let first = self.at(reference.place)?;
        let last = match reference.path.len().checked_sub(1) {
            None => {
                let is_number = self.tokens.get(first)?.kind == TokenKind::Number;
                is_number.then_some(first)?
            }
            Some(dots) => {
                for (part, name) in reference.path.iter().enumerate() {
                    let index = first + 2 * part;
                    let dotted = part == 0 || self.word(index - 1) == ".";
                    if !dotted || !self.is_name(index, name) {
                        return None;
                    }
                }
                first + 2 * dots
            }
        };
        Some(reference.place..self.tokens.get(last)?.end)
    }

    fn is_name(&self, index: usize, name: &str) -> bool {
        let written = self.word(index);
        match self.tokens.get(index).map(|token| token.kind) {
            Some(TokenKind::Word) => written.to_ascii_lowercase() == name,
            Some(TokenKind::Quoted) => written == quoted(name),
            _ => false,
        }
    }

    /// Where the item of a select list that begins at `place` ends.
    fn target_end(&self, place: usize) -> Option<usize> {
        let first = self.at(place)?;
        let mut depth = 0usize;
        let mut end = None;
        for (index, token) in self.tokens.iter().enumerate().skip(first) {
            match self.word(index) {
                "(" | "[" => depth += 1,
                ")" | "]" if depth > 0 => depth -= 1,
                ")" | "]" | "," | ";" if depth == 0 => return end,
                word if depth == 0 && token.kind == TokenKind::Word => {
                    let before = match index.checked_sub(1) {
                        Some(before) if index > first => self.word(before),
                        _ => "",
                    };
                    if ends_targets(before, word) {
                        return end;
                    }
                }
                _ => {}
            }
            end = Some(token.end);
        }
        end
    }
}

/// Whether a word outside of parentheses, after another, begins what follows a select list.
fn ends_targets(before: &str, word: &str) -> bool {
    const FOLLOWING: [&str; 13] = [
        "except",
        "fetch",
        "for",
        "from",
        "group",
        "having",
        "intersect",
        "limit",
        "offset",
        "order",
        "union",
        "where",
        "window",
    ];
    let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    // `a.from`, IS DISTINCT FROM, WITHIN GROUP.
    let part = before == "."
        || (is(before, "distinct") && is(word, "from"))
        || (is(before, "within") && is(word, "group"));
    !part && FOLLOWING.iter().any(|following| is(word, following))
}
