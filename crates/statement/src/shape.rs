//! The literal-free form of a statement, and the comments around it.

use crate::lex::{Lexer, Token, TokenKind};

/// The text with every constant replaced by `?`, without comments, one blank where blanks or comments stood.
/// Three or more constants in a row (`1, 2, 3`) become `?, ...`.
pub(crate) fn shape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4096));
    let mut last_end = None;
    let mut run = 0usize;
    // Where the second constant of a run stands in the shape.
    let mut second = 0usize;
    let tokens: Vec<Token> = Lexer::new(text)
        .filter(|token| token.kind != TokenKind::Comment)
        .collect();
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        let constant = matches!(token.kind, TokenKind::Text | TokenKind::Number);
        if constant {
            run += 1;
            if run >= 3 {
                if run == 3 {
                    out.truncate(second);
                    out.push_str("...");
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
            if run == 2 {
                second = out.len();
            }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn constants_and_comments_go() {
        for (text, expected) in [
            ("select 1", "select ?"),
            (
                "SELECT  'a''b' , E'\\'x', $$y$$, $t$ $$ $t$, B'1', U&'z'",
                "SELECT ? , ...",
            ),
            ("select -1.5e-3 + a1 /* 2 */ -- 3", "select -? + a1"),
            (
                "select * from t where id in (1, 2, 3, 4) and b = $1",
                "select * from t where id in (?, ...) and b = $1",
            ),
            (
                "insert into t values (1, 'a'), (2, 'b')",
                "insert into t values (?, ?), (?, ?)",
            ),
            ("select 'a'\n'b', \"a'b\"", "select ?, \"a'b\""),
            ("alter role r password 'secret'", "alter role r password ?"),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn comments_around_a_statement_are_kept() {
        for (text, expected) in [
            ("select 1", None),
            ("/* a='1' */ select /* no */ 1 -- b", Some("a='1'\nb")),
            ("-- only", Some("only")),
        ] {
            assert_eq!(comment(text).as_deref(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_part_of_a_literal_survives(value in "[0-9a-z'$\\\\/*\"-]{1,12}") {
            let marked = format!("zq{value}");
            let quoted = marked.replace('\'', "''");
            let text = format!("select '{quoted}', E'{}', $zz${marked}$zz$ from t", quoted.replace('\\', "\\\\"));
            prop_assert!(!shape(&text).contains("zq"), "{}", shape(&text));
        }

        #[test]
        fn any_text_is_scanned_to_its_end(text in "[ -~\n]{0,40}") {
            let last = crate::lex::Lexer::new(&text).last().map_or(0, |token| token.end);
            prop_assert!(last >= text.trim_end_matches([' ', '\n']).len() && last <= text.len());
            shape(&text);
            comment(&text);
        }
    }
}
