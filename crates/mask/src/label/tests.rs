use super::*;

#[test]
fn any_lower_case_word_is_a_label() {
    for word in ["email", "date_of_birth", "x", "mrn-2", "pii"] {
        assert_eq!(Label::new(word).unwrap().as_str(), word);
    }
    for word in [
        "",
        "Email",
        "e mail",
        "-x",
        "2fa",
        "é",
        "a\0",
        &"a".repeat(64),
    ] {
        assert_eq!(Label::new(word), Err(Error::LabelForm), "{word:?}");
    }
}

#[test]
fn underscores_read_as_hyphens_and_other_words_redact() {
    assert_eq!(Label::new("national_id").unwrap().rule(), Rule::Document);
    assert_eq!(Label::new("unheard-of").unwrap().rule(), Rule::Redact);
    let released = Label::new("unheard-of").unwrap().releases();
    assert!(!released.equality && released.parts.is_empty());
}

#[test]
fn every_built_in_word_is_a_legal_label_found_once() {
    for (index, label) in labels().enumerate() {
        assert_eq!(Label::new(label.as_str()).unwrap().index(), Some(index));
        assert!(!describe(&label).is_empty());
        for word in label.words() {
            let other = Label::new(word).unwrap();
            assert!(
                other.index() == Some(index) && other.same_tokens(&label),
                "{word}"
            );
        }
        assert!(!label.reversible() || label.mark().is_some());
    }
}

#[test]
fn low_entropy_and_ordered_things_are_never_tokens() {
    for word in [
        "salary",
        "number",
        "date-of-birth",
        "date",
        "age",
        "gender",
        "geo",
        "note",
        "free-text",
    ] {
        let label = Label::new(word).unwrap();
        assert!(!label.releases().equality && !label.reversible(), "{word}");
    }
}

#[test]
fn of_texts_and_documents_only_equality_of_parts_is_released() {
    for (word, said) in [
        ("text", "equality of parts, kind, length, script, rest"),
        ("json", "equality of parts, kind, length, script, shape"),
    ] {
        let released = Label::new(word).unwrap().releases();
        assert!(!released.equality, "{word}");
        assert_eq!(released.to_string(), said);
    }
}
