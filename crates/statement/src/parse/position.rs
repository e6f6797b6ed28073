//! Where a syntax error stands. The parser's Rust binding keeps the message but not the position.

use crate::lex::{Lexer, Token, TokenKind};

/// How many places are tried, and in texts of which length.
const TRIES: usize = 16;
const LENGTH_BYTES: usize = 1 << 16;

/// The position in characters, counted from 1, when it can be told.
pub(super) fn of(text: &str, message: &str) -> Option<u32> {
    if message.ends_with("at end of input") {
        return characters(text, text.len());
    }
    if text.len() > LENGTH_BYTES {
        return None;
    }
    let (_, near) = message.split_once(" at or near \"")?;
    let near = near.strip_suffix('"')?;
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let mut matching = tokens.iter().filter(|token| {
        text.get(token.start..)
            .is_some_and(|rest| rest.starts_with(near))
    });
    let first = matching.next()?;
    if matching.next().is_none() {
        return characters(text, first.start);
    }
    // The first token of that spelling after which the text, cut off there, is already wrong.
    tokens
        .iter()
        .filter(|token| {
            text.get(token.start..)
                .is_some_and(|rest| rest.starts_with(near))
        })
        .take(TRIES)
        .find(|token| {
            let cut = text.get(..token.end).unwrap_or_default();
            super::run(cut).is_err_and(|error| error.to_string().ends_with(message_tail(message)))
        })
        .and_then(|token| characters(text, token.start))
}

fn message_tail(message: &str) -> &str {
    message
        .find(" at or near ")
        .and_then(|place| message.get(place..))
        .unwrap_or(message)
}

fn characters(text: &str, byte: usize) -> Option<u32> {
    u32::try_from(text.get(..byte)?.chars().count() + 1).ok()
}
