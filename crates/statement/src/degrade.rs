//! NULL in the place of columns that a statement may not compute with.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::lex::TokenKind;
use crate::resolve::{Reference, References, Ty, quoted, written};
use crate::reword::Edit;
use crate::words::Words;
use crate::{Catalog, ColumnId, Tells, Usage};

/// Puts a NULL of the same type in the place of each reference that computes with a column in a way that `is_forbidden`,
/// or orders by it. Outputs keep their names. Gives the columns that are NULL then, in the order of their first use.
///
/// `None` when one of them is used in any other way than as it is, when it decides which rows count, or when the text
/// does not name it by itself.
pub(crate) fn degrade(
    words: &Words<'_>,
    references: &References,
    catalog: &Catalog,
    is_forbidden: impl Fn(ColumnId, &Tells) -> bool,
    edits: &mut Vec<Edit>,
) -> Option<Vec<ColumnId>> {
    let mut columns = Vec::new();
    let mut found: HashMap<usize, &Reference> = HashMap::default();
    for reference in &references.found {
        found.entry(reference.place).or_insert(reference);
    }
    let mut by_place: BTreeMap<usize, &Reference> = BTreeMap::new();
    for used in &references.uses {
        if used.usage == Usage::Projected || !is_forbidden(used.column, &used.tells) {
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
        let reference = *found.get(&place)?;
        // Without the reference an aggregate of the outer query would be one of the inner.
        if reference.outer && used.usage == Usage::Aggregate {
            return None;
        }
        by_place.insert(place, reference);
    }
    for reference in by_place.values() {
        let Ty::Known(oid, _) = reference.ty else {
            return None;
        };
        let null = format!("(NULL::{})", written(catalog, oid)?);
        edits.push((words.reference(reference.place, &reference.path)?, null));
    }
    for naming in &references.names {
        if by_place.contains_key(&naming.reference) {
            let end = words.target_end(naming.place)?;
            edits.push((end..end, format!(" AS {}", quoted(&naming.name))));
        }
    }
    Some(columns)
}

impl Words<'_> {
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
