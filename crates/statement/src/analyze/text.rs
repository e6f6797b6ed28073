//! Places in the text.

use std::ops::Range;

use crate::shape;

/// The statement's place without blanks and comments around it.
pub(super) fn trimmed(text: &str, place: &Range<usize>) -> Range<usize> {
    let piece = text.get(place.clone()).unwrap_or_default();
    if !shape::may_have_comments(piece) {
        let blank =
            |character: char| character.is_ascii_whitespace() || matches!(character, ';' | '\u{b}');
        let start = place.start + (piece.len() - piece.trim_start_matches(blank).len());
        return start..(start + piece.trim_matches(blank).len());
    }
    let mut inside = crate::lex::Lexer::new(piece)
        .filter(|token| token.kind != crate::lex::TokenKind::Comment)
        .filter(|token| piece.get(token.start..token.end) != Some(";"));
    let Some(first) = inside.next() else {
        return place.clone();
    };
    let last = inside.last().unwrap_or(first);
    place.start + first.start..place.start + last.end
}

/// Where the inner statement of PREPARE, DECLARE or EXPLAIN starts: after the first AS or FOR that stands outside of
/// parentheses, else the whole.
pub(super) fn inner_text(text: &str) -> Range<usize> {
    let mut depth = 0usize;
    let mut found = false;
    for token in crate::lex::Lexer::new(text) {
        let piece = text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            crate::lex::TokenKind::Comment => {}
            crate::lex::TokenKind::Symbol if piece == "(" && !found => depth += 1,
            crate::lex::TokenKind::Symbol if piece == ")" && !found => {
                depth = depth.saturating_sub(1)
            }
            _ if found => return token.start..text.len(),
            crate::lex::TokenKind::Word if depth == 0 => {
                found = piece.eq_ignore_ascii_case("as") || piece.eq_ignore_ascii_case("for");
            }
            _ => {}
        }
    }
    0..text.len()
}
