//! The tokens of a text, for who edits it.

use std::ops::Range;

use crate::lex::{Lexer, Token, TokenKind};
use crate::resolve::quoted;

/// The tokens of a text without comments.
pub(crate) struct Words<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: Vec<Token>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let tokens = Lexer::new(text).filter(|token| token.kind != TokenKind::Comment);
        Self {
            text,
            tokens: tokens.collect(),
        }
    }

    pub(crate) fn at(&self, place: usize) -> Option<usize> {
        let found = self
            .tokens
            .binary_search_by_key(&place, |token| token.start);
        found.ok()
    }

    pub(crate) fn word(&self, index: usize) -> &'a str {
        let token = self.tokens.get(index);
        token
            .and_then(|token| self.text.get(token.start..token.end))
            .unwrap_or_default()
    }

    /// Where a reference that begins at `place` stands: its names with dots between them, or a number.
    pub(crate) fn reference(&self, place: usize, path: &[Box<str>]) -> Option<Range<usize>> {
        let first = self.at(place)?;
        let last = match path.len().checked_sub(1) {
            None => {
                let is_number = self.tokens.get(first)?.kind == TokenKind::Number;
                is_number.then_some(first)?
            }
            Some(dots) => {
                for (part, name) in path.iter().enumerate() {
                    let index = first + 2 * part;
                    let dotted = part == 0 || self.word(index - 1) == ".";
                    if !dotted || !self.is_name(index, name) {
                        return None;
                    }
                }
                first + 2 * dots
            }
        };
        Some(place..self.tokens.get(last)?.end)
    }

    fn is_name(&self, index: usize, name: &str) -> bool {
        let written = self.word(index);
        match self.tokens.get(index).map(|token| token.kind) {
            Some(TokenKind::Word) => written.to_ascii_lowercase() == name,
            Some(TokenKind::Quoted) => written == quoted(name),
            _ => false,
        }
    }

    /// Whether the token is this word, without quotes and as a word of its own: no name after a dot or AS.
    pub(crate) fn is_clause(&self, index: usize, word: &str) -> bool {
        let is_word = self.tokens.get(index).map(|token| token.kind) == Some(TokenKind::Word);
        let before = index.checked_sub(1).map_or("", |before| self.word(before));
        is_word
            && self.word(index).eq_ignore_ascii_case(word)
            && before != "."
            && !before.eq_ignore_ascii_case("as")
    }
}
