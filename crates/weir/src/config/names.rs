//! Names with structure: columns and file patterns.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// `schema.relation.column`, unquoted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnName {
    /// Schema.
    pub schema: String,
    /// Table, view, …
    pub relation: String,
    /// Column.
    pub column: String,
}

impl ColumnName {
    /// Reads `public.customers.email`; a part with other than lower-case
    /// letters, digits and `_` stands in double quotes, as in SQL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a column: write schema.table.column");
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let part = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let (part, after) = unquote(quoted).ok_or_else(wrong)?;
                    rest = after;
                    part
                }
                None => {
                    let (part, after) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
                    if part.contains('"') {
                        return Err(wrong());
                    }
                    if part.chars().any(char::is_uppercase) {
                        return Err(format!(
                            "\"{part}\" has capital letters: quote it as in SQL, '\\\"{part}\\\"'"
                        ));
                    }
                    rest = after;
                    part.to_owned()
                }
            };
            if part.is_empty() {
                return Err(wrong());
            }
            parts.push(part);
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => break,
                None => return Err(wrong()),
            }
        }
        match <[String; 3]>::try_from(parts) {
            Ok([schema, relation, column]) => Ok(Self {
                schema,
                relation,
                column,
            }),
            Err(_) => Err(wrong()),
        }
    }
}

/// The text before the closing quote, with doubled quotes made single, and what
/// follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        part.push_str(before);
        match after.strip_prefix('"') {
            Some(after) => {
                part.push('"');
                rest = after;
            }
            None => return Some((part, after)),
        }
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = policy::quote_identifier;
        write!(
            f,
            "{}.{}.{}",
            quote(&self.schema),
            quote(&self.relation),
            quote(&self.column)
        )
    }
}

/// The files a pattern stands for, sorted: itself, or all in its folder that
/// match the `*` in its last part.
pub(super) fn matching(pattern: &Path) -> Result<Vec<PathBuf>> {
    let name = pattern
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if !name.contains('*') {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = pattern
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?
    {
        let entry =
            entry.with_context(|| format!("cannot read the folder {}", folder.display()))?;
        let found = entry.file_name();
        let Some(found) = found.to_str() else {
            continue;
        };
        if !found.starts_with('.') && matches(name, found) {
            files.push(folder.join(found));
        }
    }
    if files.is_empty() {
        bail!("{} matches no file", pattern.display());
    }
    files.sort();
    Ok(files)
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut tail) = name.strip_prefix(start) else {
        return false;
    };
    loop {
        if matches(rest, tail) {
            return true;
        }
        let mut chars = tail.chars();
        if chars.next().is_none() {
            return false;
        }
        tail = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_columns_as_sql_writes_them() {
        for (text, written) in [
            ("public.customers.email", Some("public.customers.email")),
            (
                "public.\"Customers\".\"e.mail\"",
                Some("public.\"Customers\".\"e.mail\""),
            ),
            ("\"a\"\"b\".c.d", Some("\"a\"\"b\".c.d")),
            ("\"public\".c.d", Some("public.c.d")),
            ("customers.email", None),
            ("a.b.c.d", None),
            ("a..c", None),
            ("public.Customers.email", None),
            ("public.\"x.y", None),
            ("public.\"x\"y.z", None),
            ("", None),
        ] {
            assert_eq!(
                ColumnName::parse(text)
                    .ok()
                    .map(|c| c.to_string())
                    .as_deref(),
                written,
                "{text}"
            );
        }
    }

    #[test]
    fn a_star_stands_for_any_part_of_a_name() {
        for (pattern, name, expected) in [
            ("*.cedar", "a.cedar", true),
            ("*.cedar", ".cedar", true),
            ("*.cedar", "a.cedar.bak", false),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "acb", false),
            ("*", "x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
