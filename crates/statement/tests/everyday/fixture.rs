//! A catalog from the rows of `statement::catalog::LOAD`, kept as lines of tab-separated fields: section first, `\N`
//! for NULL, backslash escapes for tabs and line ends. Its first line is the fingerprint.

use statement::catalog::{Builder, Catalog};

/// Reads such a text.
pub(crate) fn catalog(rows: &str) -> Catalog {
    let mut builder = Builder::new();
    let mut fingerprint = String::new();
    for line in rows.lines() {
        let (section, rest) = line.split_once('\t').unwrap();
        if section == "fingerprint" {
            rest.clone_into(&mut fingerprint);
            continue;
        }
        let fields: Vec<_> = rest.split('\t').map(field).collect();
        let fields: Vec<_> = fields.iter().map(Option::as_deref).collect();
        builder.row(section, &fields).unwrap();
    }
    builder.finish(fingerprint)
}

fn field(text: &str) -> Option<String> {
    if text == "\\N" {
        return None;
    }
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(next) = characters.next() {
        value.push(match next {
            '\\' => match characters.next().unwrap() {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                other => other,
            },
            other => other,
        });
    }
    Some(value)
}
