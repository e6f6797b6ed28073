//! Judgements over columns and texts of another hand than the dictionaries'.

mod amounts;
mod columns;
mod properties;
mod texts;
mod validators;

use super::*;

fn column<'a>(name: &'a str, sample: &'a [Option<&'a str>]) -> Column<'a> {
    Column {
        schema: "public",
        table: "t",
        name,
        comment: None,
        type_name: "text",
        category: 'S',
        max_chars: None,
        unique: false,
        references: None,
        neighbours: &[],
        sample,
    }
}

/// All findings in one line: the label, in brackets where it is not sensitive, with its path.
fn show(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|f| match (&f.path, f.sensitive) {
            (None, true) => f.label.to_string(),
            (None, false) => format!("({})", f.label),
            (Some(path), true) => format!("{path}={}", f.label),
            (Some(path), false) => format!("{path}=({})", f.label),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn verdict(name: &str, values: &[&str]) -> String {
    let sample: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
    show(&classify(&column(name, &sample)))
}

/// The text with what was found in marks: `[email:…]`.
fn marked(text: &str) -> String {
    let mut out = String::new();
    let mut from = 0;
    for span in scan(text) {
        out.push_str(&text[from..span.range.start]);
        out.push_str(&format!("[{}:{}]", span.label, &text[span.range.clone()]));
        from = span.range.end;
    }
    out + &text[from..]
}
