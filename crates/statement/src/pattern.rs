//! Texts that differ in plain constants only.
//!
//! The grammar sees one token in each place where a pattern has a mark, whatever stood there, so texts of one pattern
//! have one parse tree but for the values. Whether analysis looked at a value is noticed by
//! [`crate::ast::Literal::read`].

/// Longer texts have no pattern, bytes.
const LIMIT_BYTES: usize = 8 * 1024;
/// Digits of a constant that is an `int4` for sure.
const DIGITS: usize = 9;
const NUMBER: char = '\u{1}';
const TEXT: char = '\u{2}';

/// A text with a mark in place of each plain constant, and where the constants begin.
pub(crate) struct Pattern {
    pub(crate) text: String,
    pub(crate) places: Vec<usize>,
}

/// The text with a mark in place of each plain constant: quoted without escapes, or an integer of the type `int4`.
/// `None` if it has none of them, or something besides that only the grammar should take apart: comments, strings of
/// other forms, control characters.
///
/// A pattern is not a text: the marks are control characters.
#[must_use]
pub fn pattern(text: &str) -> Option<String> {
    of(text).map(|pattern| pattern.text)
}

pub(crate) fn of(text: &str) -> Option<Pattern> {
    let bytes = text.as_bytes();
    if bytes.len() > LIMIT_BYTES || !bytes.iter().any(|byte| is_start(*byte)) {
        return None;
    }
    let at = |place: usize| bytes.get(place).copied().unwrap_or(b' ');
    let mut out = String::with_capacity(bytes.len());
    let mut places = Vec::new();
    // From where on nothing was copied yet.
    let mut from = 0;
    let mut place = 0;
    let mut before = b' ';
    while place < bytes.len() {
        let byte = at(place);
        let next = at(place + 1);
        match byte {
            b'\'' => {
                // E'', B'', X'', N'', U&'', and what is no statement.
                if is_word(before) || matches!(before, b'&' | b'\'' | b'"' | b'$') {
                    return None;
                }
                let end = string_end(bytes, place + 1)?;
                out.push_str(text.get(from..place)?);
                out.push(TEXT);
                places.push(place);
                from = end;
                place = end;
                before = b'\'';
                continue;
            }
            b'0'..=b'9' if !is_word(before) && !matches!(before, b'.' | b'$') => {
                let digits = bytes.get(place..)?.iter();
                let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
                let after = at(place + digits);
                let alone = !is_word(after) && !matches!(after, b'.' | b'$' | b'\'' | b'"');
                if alone && digits <= DIGITS {
                    out.push_str(text.get(from..place)?);
                    out.push(NUMBER);
                    places.push(place);
                    from = place + digits;
                }
                place += digits;
                before = b'0';
                continue;
            }
            b'"' => {
                let length = bytes
                    .get(place + 1..)?
                    .iter()
                    .position(|byte| *byte == b'"')?;
                place += length + 1;
            }
            b'-' if next == b'-' => return None,
            b'/' if next == b'*' => return None,
            // Parameters are copied; anything else may be a dollar quote.
            b'$' if !next.is_ascii_digit() => return None,
            b'\t' | b'\n' | b'\r' => {}
            b'\\' | 0..0x20 => return None,
            _ => {}
        }
        before = byte;
        place += 1;
    }
    out.push_str(text.get(from..)?);
    (!places.is_empty()).then_some(Pattern { text: out, places })
}

/// The byte after the closing quote; a backslash means something under settings that are not looked at here.
fn string_end(bytes: &[u8], mut place: usize) -> Option<usize> {
    loop {
        match bytes.get(place)? {
            b'\\' => return None,
            b'\'' if bytes.get(place + 1) == Some(&b'\'') => place += 2,
            b'\'' => return Some(place + 1),
            _ => place += 1,
        }
    }
}

fn is_start(byte: u8) -> bool {
    byte == b'\'' || byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_constants_become_marks() {
        for (text, expected) in [
            ("select 1", "select \u{1}"),
            (
                "select a1, \"b 2 '\", $3 from t where x='it''s'and y=-5",
                "select a1, \"b 2 '\", $3 from t where x=\u{2}and y=-\u{1}",
            ),
            (
                "select 1.5, .5, 1e5, 0x1F, 1_000, 9999999999, 1",
                "select 1.5, .5, 1e5, 0x1F, 1_000, 9999999999, \u{1}",
            ),
            ("select 'ü', ü1", "select \u{2}, ü1"),
        ] {
            assert_eq!(pattern(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_only_the_grammar_takes_apart_has_no_pattern() {
        for text in [
            "select a",
            "select 1 -- 'a'",
            "select /* 1 */ 1",
            "select E'a'",
            "select U&'a'",
            "select b'1'",
            "select $$a$$, 1",
            "select $t$1$t$",
            "select 'a",
            "select 'a\\'",
            "select \"a, 1",
            "select \u{1}, 1",
            "select 'a''b'\"c\"'d'",
        ] {
            assert_eq!(pattern(text), None, "{text}");
        }
    }

    proptest! {
        /// Marks stand where the scanner of the whole lexical form sees constants, and nowhere else.
        #[test]
        fn marks_are_constants(text in "[ab1'\"$\\-/*.,&eE \\n_+ü]{0,24}") {
            use crate::lex::{Lexer, TokenKind};
            if let Some(pattern) = of(&text) {
                let constants: Vec<usize> = Lexer::new(&text)
                    .filter(|token| matches!(token.kind, TokenKind::Text | TokenKind::Number))
                    .map(|token| token.start)
                    .collect();
                for place in &pattern.places {
                    // A string that goes on after a newline is one token; the grammar's count tells them apart.
                    let goes_on = text.contains('\n');
                    prop_assert!(goes_on || constants.contains(place), "{text:?} {place}");
                }
            }
        }
    }
}
