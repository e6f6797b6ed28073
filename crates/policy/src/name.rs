//! Names as PostgreSQL writes them (PostgreSQL docs, 4.1.1), so that
//! `Dataset::"a.b"` cannot stand for two different objects.

use std::borrow::Cow;

/// Quotes an identifier unless it is plain: lower-case ASCII letters, digits,
/// `_` and `$`, not starting with a digit or `$`. Key words stay unquoted,
/// because a policy names objects, not syntax.
#[must_use]
pub fn quote_identifier(name: &str) -> Cow<'_, str> {
    let plain = |(at, c): (usize, char)| match c {
        'a'..='z' | '_' => true,
        '0'..='9' | '$' => at > 0,
        _ => false,
    };
    if !name.is_empty() && name.char_indices().all(plain) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// `schema.name`, each part quoted if need be.
pub(crate) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_identifier(schema), quote_identifier(name))
}

/// `a, b and 3 more`: at most `limit` items by name.
pub(crate) fn listing(items: &[&str], limit: usize) -> String {
    let shown = items.get(..limit).unwrap_or(items);
    match (shown.split_last(), items.len() - shown.len()) {
        (None, _) => String::new(),
        (Some((last, [])), 0) => (*last).to_owned(),
        (Some((last, rest)), 0) => format!("{} and {last}", rest.join(", ")),
        (Some(_), more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listing(&["a"], 3), "a");
        assert_eq!(listing(&["a", "b"], 3), "a and b");
        assert_eq!(listing(&["a", "b", "c", "d", "e"], 3), "a, b, c and 2 more");
    }

    #[test]
    fn different_objects_have_different_names() {
        for (schema, name, text) in [
            ("public", "orders", "public.orders"),
            ("public", "Orders", "public.\"Orders\""),
            ("a.b", "c", "\"a.b\".c"),
            ("a", "b.c", "a.\"b.c\""),
            ("a", "x\"y", "a.\"x\"\"y\""),
            ("a", "1x", "a.\"1x\""),
            ("a", "", "a.\"\""),
            ("a", "größe", "a.\"größe\""),
        ] {
            assert_eq!(qualified(schema, name), text);
        }
    }
}
