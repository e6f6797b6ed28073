//! Judgements over columns and texts of another hand than the dictionaries'.

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

fn verdict(name: &str, values: &[&str]) -> String {
    let sample: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
    let findings = classify(&column(name, &sample));
    findings
        .iter()
        .map(|f| match (&f.path, f.sensitive) {
            (None, true) => f.label.to_string(),
            (None, false) => format!("({})", f.label),
            (Some(path), _) => format!("{path}={}", f.label),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_name_in_many_languages_is_enough() {
    for (name, label) in [
        ("customerEmail", "email"),
        ("KUNDE_TELEFONNUMMER", "phone"),
        ("fechaNacimiento", "date-of-birth"),
        ("生年月日", "date-of-birth"),
        ("номер_телефона", "phone"),
    ] {
        assert_eq!(verdict(name, &[]), label, "{name}");
    }
}

#[test]
fn finds_addresses_of_mail_in_opaque_columns() {
    assert_eq!(
        verdict("c17", &["ann@example.org", "bob@example.com"]),
        "email"
    );
}

#[test]
fn finds_addresses_of_mail_in_prose() {
    let text = "write to <ann.lee+x@mail.example.org>, not to a@b or @home.";
    let found: Vec<&str> = scan(text)
        .iter()
        .map(|span| &text[span.range.clone()])
        .collect();
    assert_eq!(found, ["ann.lee+x@mail.example.org"]);
}
