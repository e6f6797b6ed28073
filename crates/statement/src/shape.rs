//! The literal-free form of a statement, and the comments around it.

use crate::lex::{Lexer, Token, TokenKind};

/// The text with every constant replaced by `?`, without comments, one blank where blanks or comments stood.
/// Three or more constants in a row (`1, 2, 3`) become `?, ...`.
pub(crate) fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4096));
    let mut last_end = None;
    let mut run = 0usize;
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        let constant = matches!(token.kind, TokenKind::Text | TokenKind::Number);
        if constant {
            run += 1;
            if run >= 3 {
                // The comma before it is already written: `?, ?,`.
                if run == 3 {
                    out.truncate(out.trim_end().len());
                    if out.ends_with("?,") {
                        out.truncate(out.len() - 2);
                        out.push_str("...");
                    }
                }
                last_end = Some(token.end);
                place += skip_run(text, &tokens, place, &mut last_end);
                continue;
            }
        } else if !(token.kind == TokenKind::Symbol
            && text.get(token.start..token.end) == Some(","))
        {
            run = 0;
        }
        if last_end.is_some_and(|end| end < token.start) {
            out.push(' ');
        }
        if constant {
            out.push('?');
        } else {
            out.push_str(text.get(token.start..token.end).unwrap_or_default());
        }
        last_end = Some(token.end);
        place += 1;
    }
    out
}

/// How many tokens from the constant at `place` on belong to its run: constants with single commas between them.
fn skip_run(text: &str, tokens: &[Token], place: usize, last_end: &mut Option<usize>) -> usize {
    let mut taken = 1;
    while let (Some(comma), Some(next)) = (tokens.get(place + taken), tokens.get(place + taken + 1))
    {
        let is_comma = text.get(comma.start..comma.end) == Some(",");
        if !is_comma || !matches!(next.kind, TokenKind::Text | TokenKind::Number) {
            break;
        }
        *last_end = Some(next.end);
        taken += 2;
    }
    taken
}

/// What stands in the comments directly before and after the statement, without the comment signs.
pub(crate) fn comment(text: &str) -> Option<String> {
    if !may_have_comments(text) {
        return None;
    }
    let tokens: Vec<Token> = Lexer::new(text).collect();
    let leading = tokens
        .iter()
        .take_while(|token| token.kind == TokenKind::Comment);
    let all = tokens.iter().all(|token| token.kind == TokenKind::Comment);
    let trailing = tokens
        .iter()
        .rev()
        .take_while(|token| token.kind == TokenKind::Comment);
    let mut found: Vec<&str> = leading.filter_map(|token| inner(text, token)).collect();
    if !all {
        let mut after: Vec<&str> = trailing.filter_map(|token| inner(text, token)).collect();
        after.reverse();
        found.append(&mut after);
    }
    (!found.is_empty()).then(|| found.join("\n"))
}

/// Whether anything in the text looks like a comment.
pub(crate) fn may_have_comments(text: &str) -> bool {
    text.contains("--") || text.contains("/*")
}

fn inner<'a>(text: &'a str, token: &Token) -> Option<&'a str> {
    let raw = text.get(token.start..token.end)?;
    let bare = match raw.strip_prefix("--") {
        Some(rest) => rest,
        None => {
            let rest = raw.strip_prefix("/*")?;
            rest.strip_suffix("*/").unwrap_or(rest)
        }
    };
    Some(bare.trim())
}
