use super::*;

/// From `pg_authid` of PostgreSQL 15.
const POSTGRESQL_15: &[(&str, &str)] = &[
    (
        "pencil-%s",
        "SCRAM-SHA-256$4096:R+ksuWuz0BNm1XTueT8Vgw==$MVnCBrw9Hw4ZGNfjPMq7V2GEQuk/S1CRXQ6H0AuaJQ8=:eGPuqz54UBOiEtvP93OEUY9IWIxXLYeGwPdw3sjBsD8=",
    ),
    (
        // SASLprep: soft hyphen to nothing, no-break space to space, ordinal indicator to "a".
        "p\u{ad}encil\u{a0}\u{aa}",
        "SCRAM-SHA-256$4096:hH+Pv41O0nTiTdasquAAEg==$WT79FBXLpxh9KrhyzC34GQs19pwGafEXkAfww72c6pg=:Doe4Mm8LfQ7SrRzqaZFBKd4FYcBglLZewhcTbT4ZtaI=",
    ),
];

#[test]
fn derives_what_postgresql_stores() {
    for (password, stored) in POSTGRESQL_15 {
        let verifier: Verifier = stored.parse().unwrap();
        assert_eq!(verifier.to_string(), *stored);
        assert!(Verifier::derive(password, verifier.salt(), verifier.iterations()) == verifier);
        assert!(verifier.verifies(password));
        assert!(!verifier.verifies("pencil"));
    }
    let prepared: Verifier = POSTGRESQL_15[1].1.parse().unwrap();
    assert!(
        prepared.verifies("pencil a"),
        "the same text after SASLprep"
    );
}

#[test]
fn text_that_saslprep_refuses_is_used_as_it_is() {
    let verifier = Verifier::derive("bell\u{7}", b"0123456789abcdef", 10);
    assert!(verifier.verifies("bell\u{7}"));
    assert!(!verifier.verifies("bell"));
}

#[test]
fn refuses_other_and_broken_forms() {
    let keys =
        "MVnCBrw9Hw4ZGNfjPMq7V2GEQuk/S1CRXQ6H0AuaJQ8=:eGPuqz54UBOiEtvP93OEUY9IWIxXLYeGwPdw3sjBsD8=";
    for text in [
        "".to_owned(),
        "md5a6343a68d964ca596d9752250d54bb8a".to_owned(),
        "SCRAM-SHA-1$4096:c2FsdA==$a:b".to_owned(),
        format!("SCRAM-SHA-256$0:c2FsdA==${keys}"),
        format!("SCRAM-SHA-256$+1:c2FsdA==${keys}"),
        format!("SCRAM-SHA-256$1000001:c2FsdA==${keys}"),
        format!("SCRAM-SHA-256$4096:${keys}"),
        format!("SCRAM-SHA-256$4096:c2FsdA${keys}"),
        format!("SCRAM-SHA-256$4096:c2FsdA==${keys}$"),
        format!("SCRAM-SHA-256$4096:c2FsdA==${}", keys.replace(':', "")),
        format!("SCRAM-SHA-256$4096:c2FsdA==${}", &keys[4..]),
        format!("SCRAM-SHA-256$4096:{}${keys}", "AAAA".repeat(100)),
    ] {
        assert!(text.parse::<Verifier>().is_err(), "{text}");
    }
}

#[test]
fn debug_shows_nothing() {
    let verifier = Verifier::derive("x", b"salt", 1);
    assert_eq!(format!("{verifier:?}"), "Verifier(…)");
}
