use super::*;

pub(crate) fn intent() -> Intent {
    Intent {
        session: "0193".into(),
        statement: 1,
        principal: "p1".into(),
        target: "app".into(),
        command: "SELECT".into(),
        shape: "select * from t where id = $1".into(),
        shape_hash: shape_hash("select * from t where id = $1").into(),
        objects: vec![ObjectUse {
            verb: "read".into(),
            name: "public.t".into(),
        }]
        .into(),
        columns: Vec::new().into(),
        decision: Verdict::Allow,
        rules: Vec::new().into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "v1".into(),
        masks: Vec::new().into(),
        degraded: Vec::new().into(),
        row_cap: None,
        text: Some("select * from t where id = 'secret'".into()),
        prepared: None,
        parameters: None,
        purpose: Some("billing".into()),
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    }
}

#[test]
fn disclosed_fields_are_not_in_clear() {
    let event = Event::from(intent());
    let clear = serde_json::to_string(&event.clear).unwrap();
    assert!(
        !clear.contains("secret") && !clear.contains("billing"),
        "{clear}"
    );
    assert_eq!(
        event
            .disclosures
            .iter()
            .map(|one| one.name)
            .collect::<Vec<_>>(),
        ["text", "purpose"]
    );
    assert!(
        event
            .disclosures
            .iter()
            .all(|one| one.subject.as_deref() == Some("p1"))
    );
    assert!(!format!("{event:?}").contains("secret"));
}

#[test]
fn intents_that_share_their_encoding_are_written_as_alone() {
    let first = Intent {
        target: r#"x","command":"y\"#.into(),
        row_cap: Some(7),
        ..intent()
    };
    let second = Intent {
        session: "ü\"\n".into(),
        statement: 2,
        principal: "p2".into(),
        target: "".into(),
        encoded: first.encoded.share(),
        ..first.clone()
    };
    for intent in [&first, &second, &second] {
        let mut written = Vec::new();
        intent.write(&mut written).unwrap();
        assert_eq!(written, serde_json::to_vec(intent).unwrap());
    }
    // Who changes a copy does not write what the original was.
    let changed = Intent {
        command: "DELETE".into(),
        ..second.clone()
    };
    let mut written = Vec::new();
    changed.write(&mut written).unwrap();
    assert_eq!(written, serde_json::to_vec(&changed).unwrap());
}

#[test]
fn kinds_have_their_own_codes_and_names() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_code(kind.code()), Some(*kind));
        assert_eq!(Kind::from_name(kind.name()), Some(*kind));
    }
}

#[test]
fn a_long_value_is_cut_and_says_so() {
    let mut intent = intent();
    intent.text = Some("ä".repeat(MAX_VALUE_BYTES).into());
    let event = Event::from(intent);
    let value = &event.disclosures[0].value;
    assert!(value.len() < MAX_VALUE_BYTES + 200);
    assert!(value.contains("[cut: 2097152 bytes in all, sha256 "));
}
