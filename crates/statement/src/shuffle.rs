//! Random order for the rows of a query.
//!
//! [`CHANCE`] becomes the last sort key of the outermost query. Where that may only be sorted by what it gives (DISTINCT,
//! set operations), it becomes a subselect, of which LIMIT takes rows.

use std::ops::Range;

use crate::lex::TokenKind;
use crate::resolve::CHANCE;
use crate::reword::Edit;
use crate::words::Words;

/// `None` for what cannot be sorted.
pub(crate) fn shuffle(words: &Words<'_>, edits: &mut Vec<Edit>) -> Option<()> {
    let query = query(words)?;
    let start = words.tokens.get(query.start)?.start;
    let mut depth = 0usize;
    // The outermost SELECT after WITH.
    let mut main = None;
    let mut wrap = words.word(query.start) == "(";
    let mut order = None;
    let mut rest = None;
    for index in query.clone() {
        match words.word(index) {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth > 0 {
            continue;
        }
        let is = |word: &str| words.is_clause(index, word);
        if main.is_none() {
            // The first word follows AS in PREPARE.
            let begins = |word: &str| {
                is(word) || index == query.start && words.word(index).eq_ignore_ascii_case(word)
            };
            if begins("select") || begins("values") || begins("table") {
                main = Some(index);
                wrap |= words.is_clause(index + 1, "distinct");
            }
            continue;
        }
        if is("ties") {
            return None;
        }
        if rest.is_none() {
            wrap |= is("union") || is("intersect") || is("except");
            if is("order") && words.is_clause(index + 1, "by") {
                order = Some(index);
            } else if is("limit") || is("offset") || is("fetch") || is("for") {
                rest = Some(index);
            }
        }
    }
    let end_before = |index: usize| Some(words.tokens.get(index.checked_sub(1)?)?.end);
    let at = end_before(rest.unwrap_or(query.end))?;
    if wrap {
        let body = end_before(order.or(rest).unwrap_or(query.end))?;
        edits.push((start..start, "SELECT * FROM (".into()));
        edits.push((body..body, ") AS \"weir\"".into()));
    }
    let key = match order {
        Some(_) => format!(", {CHANCE}"),
        None => format!(" ORDER BY {CHANCE}"),
    };
    edits.push((at..at, key));
    Some(())
}

/// The tokens of the query in a statement.
fn query(words: &Words<'_>) -> Option<Range<usize>> {
    let mut end = words.tokens.len();
    while end > 0 && words.word(end - 1) == ";" {
        end -= 1;
    }
    let first = words.word(0);
    let is = |word: &str| first.eq_ignore_ascii_case(word);
    if is("copy") {
        let close = closing(words, 1)?;
        return Some(2..close);
    }
    if is("prepare") || is("declare") {
        let before = if is("prepare") { "as" } else { "for" };
        let mut depth = 0usize;
        for index in 2..end {
            match words.word(index) {
                "(" => depth += 1,
                ")" => depth = depth.checked_sub(1)?,
                word if depth == 0
                    && words.tokens.get(index)?.kind == TokenKind::Word
                    && word.eq_ignore_ascii_case(before) =>
                {
                    return Some(index + 1..end);
                }
                _ => {}
            }
        }
        return None;
    }
    Some(0..end)
}

/// The parenthesis that closes the one at `open`.
fn closing(words: &Words<'_>, open: usize) -> Option<usize> {
    if words.word(open) != "(" {
        return None;
    }
    let mut depth = 0usize;
    for index in open..words.tokens.len() {
        match words.word(index) {
            "(" => depth += 1,
            ")" if depth == 1 => return Some(index),
            ")" => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    None
}
