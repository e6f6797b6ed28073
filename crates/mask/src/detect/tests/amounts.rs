//! How much a sample tells.

use super::*;

fn amount(type_name: &str, values: &[&str]) -> Amount {
    let sample: Vec<Option<&str>> = values.iter().copied().map(Some).collect();
    let category = match type_name {
        "text" => 'S',
        "text[]" => 'A',
        _ => 'U',
    };
    let column = Column {
        schema: "public",
        table: "t",
        name: "c",
        comment: None,
        type_name,
        category,
        max_chars: None,
        unique: false,
        references: None,
        neighbours: &[],
        sample: &sample,
    };
    judge(&column).amount
}

#[test]
fn blank_and_equal_values_tell_little() {
    let of = |values: &[&str]| {
        let amount = amount("text", values);
        (amount.distinct, amount.uncommon, amount.in_part)
    };
    assert_eq!(of(&["", " ", "-", "--"]), (0, 0, false));
    assert_eq!(of(&["n/a", "n/a", "n/a ", "x"]), (2, 1, false));
    assert_eq!(of(&["a", "b", "a", "b"]), (2, 2, false));
    let arrays = amount("text[]", &["{}", "{a,b}", "{}", "{c}"]);
    assert_eq!((arrays.distinct, arrays.uncommon), (2, 1));
}

#[test]
fn documents_without_telling_leaves_tell_nothing() {
    assert_eq!(amount("jsonb", &["{}", "[]", r#"{"a": null}"#]).distinct, 0);
    let two = amount("jsonb", &[r#"{"a": 1}"#, r#"{"a": 2}"#]);
    assert_eq!((two.distinct, two.in_part), (2, false));
    // A path that has been blank so far may hold anything tomorrow.
    assert!(
        amount(
            "jsonb",
            &[r#"{"a": 1, "note": ""}"#, r#"{"a": 2, "note": " "}"#]
        )
        .in_part
    );
}

#[test]
fn what_is_passed_over_is_told() {
    let deep = format!("{}1{}", r#"{"a": "#.repeat(30), "}".repeat(30));
    let wide = format!(
        "[{}]",
        (0..12)
            .map(|group| {
                let keys: Vec<String> = (0..50).map(|n| format!("\"k{n}\": {n}")).collect();
                format!("{{\"g{group}\": {{{}}}}}", keys.join(", "))
            })
            .collect::<Vec<_>>()
            .join(", ")
    );
    let array = format!("{{{}}}", vec!["x"; 1001].join(","));
    for (type_name, value) in [
        ("jsonb", deep.as_str()),
        ("jsonb", &wide),
        ("jsonb", r#"{"anna@example.org": 3}"#),
        ("json", "{x"),
        ("text[]", &array),
    ] {
        let head: String = value.chars().take(40).collect();
        assert!(amount(type_name, &[value, r#"{"a": 1}"#]).in_part, "{head}");
    }
    // Prose among documents.
    let mut texts = vec![r#"{"a": 1}"#; 19];
    texts.push("call Anna");
    assert!(amount("text", &texts).in_part);
}
