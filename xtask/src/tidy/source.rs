//! Rust text without what only looks like code: comments, strings and test modules are blanked, lines stay.

/// The text with comments, string literals and `#[cfg(test)]` items replaced by spaces.
pub(super) fn product_code(text: &str) -> String {
    blank_tests(&blank_literals(text))
}

fn blank_literals(text: &str) -> String {
    let bytes: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at = |index: usize| bytes.get(index).copied().unwrap_or('\0');
    let mut i = 0;
    while i < bytes.len() {
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => line_end(&bytes, i),
            ('/', '*') => block_end(&bytes, i),
            ('"', _) => string_end(&bytes, i + 1),
            ('r', '"' | '#') if !word(at(i.wrapping_sub(1))) || at(i.wrapping_sub(1)) == 'b' => {
                raw_end(&bytes, i + 1)
            }
            ('\'', _) => char_end(&bytes, i),
            _ => i,
        };
        if end > i {
            out.extend(
                bytes
                    .iter()
                    .skip(i)
                    .take(end - i)
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            i = end;
        } else {
            out.push(at(i));
            i += 1;
        }
    }
    out
}

fn word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_end(text: &[char], from: usize) -> usize {
    (from..text.len())
        .find(|i| text.get(*i) == Some(&'\n'))
        .unwrap_or(text.len())
}

fn block_end(text: &[char], from: usize) -> usize {
    let (mut depth, mut i) = (0, from);
    while i < text.len() {
        match (text.get(i), text.get(i + 1)) {
            (Some('/'), Some('*')) => (depth, i) = (depth + 1, i + 2),
            (Some('*'), Some('/')) => (depth, i) = (depth - 1, i + 2),
            _ => i += 1,
        }
        if depth == 0 {
            return i;
        }
    }
    text.len()
}

fn string_end(text: &[char], from: usize) -> usize {
    let mut i = from;
    while let Some(c) = text.get(i) {
        match c {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    text.len()
}

/// From the first `#` or `"` of a raw string; gives back where it was when it is none.
fn raw_end(text: &[char], from: usize) -> usize {
    let hashes = text.iter().skip(from).take_while(|c| **c == '#').count();
    if text.get(from + hashes) != Some(&'"') {
        return from - 1;
    }
    let mut i = from + hashes + 1;
    while i < text.len() {
        let closes = text.get(i) == Some(&'"')
            && text
                .iter()
                .skip(i + 1)
                .take(hashes)
                .filter(|c| **c == '#')
                .count()
                == hashes;
        i += 1;
        if closes {
            return i + hashes;
        }
    }
    text.len()
}

/// A character literal; a lifetime is left alone.
fn char_end(text: &[char], from: usize) -> usize {
    if text.get(from + 1) == Some(&'\\') {
        return (from + 3..text.len())
            .find(|i| text.get(*i) == Some(&'\''))
            .map_or(text.len(), |i| i + 1);
    }
    if text.get(from + 2) == Some(&'\'') {
        from + 3
    } else {
        from
    }
}

fn blank_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        let (before, item) = rest.split_at(start);
        out.push_str(before);
        let end = item_end(item);
        let (gone, after) = item.split_at(end);
        out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where an item ends: at its first `;` outside braces, or at the brace that closes its first one.
fn item_end(item: &str) -> usize {
    let mut depth = 0usize;
    for (index, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            ';' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    item.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_what_is_no_product_code() {
        let text = "let a = \"tokio\"; // tokio\nlet b = r#\"std::fs \" \"#; /* a /* b */ tokio */ let c: &'a str; let d = '\"'; tokio\n";
        let code = product_code(text);
        assert_eq!(code.matches("tokio").count(), 1, "{code}");
        assert!(!code.contains("std::fs"));
        assert!(code.contains("&'a str"));
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn blanks_test_modules_only() {
        let code = product_code(
            "use a;\n#[cfg(test)]\nmod tests {\n  fn x() { std::fs::read(); }\n}\nfn y() {}\n#[cfg(test)]\nmod t;\nfn z() {}\n",
        );
        assert!(!code.contains("std::fs"));
        assert!(code.contains("fn y()") && code.contains("fn z()"));
        assert!(!code.contains("mod t;"));
    }
}
