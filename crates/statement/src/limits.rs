//! What is refused before the C parser sees a text.

use crate::Error;
use crate::lex::{Lexer, TokenKind};

/// Bounds on what is analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of a text in bytes.
    pub text_bytes: usize,
    /// Levels of nesting: of parentheses, brackets and CASE in the text, and of the tree the parser makes of it.
    pub depth: usize,
    /// Statements in one text.
    pub statements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 1 << 20,
            depth: 500,
            statements: 10_000,
        }
    }
}

/// A linear scan that knows strings and comments and counts what can nest.
pub(crate) fn check(text: &str, limits: &Limits) -> Result<(), Error> {
    if text.len() > limits.text_bytes {
        return Err(Error::TooLarge {
            bytes: text.len(),
            limit_bytes: limits.text_bytes,
        });
    }
    if text.as_bytes().contains(&0) {
        return Err(Error::Nul);
    }
    let (mut brackets, mut cases) = (0usize, 0usize);
    for token in Lexer::new(text) {
        let piece = text.get(token.start..token.end).unwrap_or_default();
        match token.kind {
            TokenKind::Symbol => match piece {
                "(" | "[" => brackets += 1,
                ")" | "]" => brackets = brackets.saturating_sub(1),
                _ => {}
            },
            TokenKind::Word if piece.eq_ignore_ascii_case("case") => cases += 1,
            TokenKind::Word if piece.eq_ignore_ascii_case("end") => {
                cases = cases.saturating_sub(1);
            }
            _ => {}
        }
        if brackets + cases > limits.depth {
            return Err(Error::TooDeep {
                limit: limits.depth,
            });
        }
    }
    Ok(())
}
