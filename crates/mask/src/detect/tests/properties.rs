//! What holds for any input.

use proptest::prelude::*;

use super::*;

/// Pieces that lead into every branch, glued at random.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("Dear Anna Müller, ".to_owned()),
        Just("12 Elm St".to_owned()),
        Just("password=".to_owned()),
        Just("-----BEGIN RSA PRIVATE KEY-----".to_owned()),
        Just("postgres://a:b@c/".to_owned()),
        Just("DE89370400440532013000".to_owned()),
        Just("佐藤様東京都港区1-2".to_owned()),
        Just("سلام محمد".to_owned()),
        Just("{\"a\": [1, \"x@y.zz\"".to_owned()),
        Just("2024-05-12T10".to_owned()),
        Just("ghp_16C7e42F292c6912E7710c838347Ae178B4a".to_owned()),
        "[0-9 +().x/-]{0,30}",
        "[A-Z][a-zäöüß]{0,12}",
        "\\PC{0,12}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn bytes_as_text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u8>(), 0..400)
        .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

proptest! {
    #[test]
    fn spans_lie_in_the_text_in_order_and_apart(text in prop_oneof![texts(), bytes_as_text()]) {
        let mut from = 0;
        for span in scan(&text) {
            prop_assert!(span.range.start >= from && span.range.start < span.range.end);
            prop_assert!(text.get(span.range.clone()).is_some());
            prop_assert!((0.0..=1.0).contains(&span.confidence));
            from = span.range.end;
        }
    }

    #[test]
    fn what_was_taken_for_something_lies_in_spans(text in texts()) {
        let spans = scan(&text);
        for candidate in scan::candidates(&text) {
            for (at, c) in text[candidate.clone()].char_indices() {
                let at = candidate.start + at;
                let inside = spans.iter().any(|span| span.range.contains(&at));
                prop_assert!(inside || !c.is_alphanumeric(), "{:?} of {:?}: {:?}", c, &text[candidate.clone()], spans);
            }
        }
    }

    #[test]
    fn a_judgement_is_the_same_for_any_order_of_the_sample(
        name in "[a-zA-Z_0-9äé电话]{0,20}",
        values in prop::collection::vec(prop::option::of(texts()), 0..12),
        type_name in prop::sample::select(vec!["text", "jsonb", "text[]", "integer", "date", "numeric", "inet", "thing"]),
    ) {
        let there: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let back: Vec<Option<&str>> = there.iter().rev().copied().collect();
        let judged = |sample| classify(&Column { type_name, ..column(&name, sample) });
        let found = judged(&there);
        prop_assert_eq!(&found, &judged(&back));
        prop_assert_eq!(&found, &judged(&there));
        prop_assert!(!found.is_empty());
        for finding in found {
            prop_assert!((0.0..=1.0).contains(&finding.confidence));
            prop_assert_eq!(finding.sensitive, finding.class != Class::None && finding.label.as_str() != "mac");
        }
    }
}

#[test]
fn long_and_repeating_texts_are_scanned_in_time_that_grows_with_them() {
    // A quadratic step would not come to an end here.
    for piece in [
        "@",
        "a@b.cc",
        "Anna ",
        "1 ",
        "a=",
        "٣",
        "-----BEGIN ",
        "佐",
        "A.",
        "http://",
        "{",
        "1-",
        "– ",
        "pwd=|",
        "pwd=\"|",
        "a&pwd=",
        "a=aaaaaaaaaaaaaa;",
        "Password=aaaaaa;",
        "Server=aaaaaaaaa;Password=aaaaaa;",
        "a?4111111111111111&",
    ] {
        let text = piece.repeat(400_000 / piece.len());
        let spans = scan(&text);
        assert!(
            spans
                .iter()
                .all(|span| text.get(span.range.clone()).is_some())
        );
    }
}
