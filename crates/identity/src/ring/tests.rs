use super::*;

fn ring() -> KeyRing {
    KeyRing::new(Secret::new([7; 32]))
}

fn random(byte: u8) -> Secret<[u8; KEY_RANDOM_BYTES]> {
    Secret::new([byte; KEY_RANDOM_BYTES])
}

#[test]
fn all_keys_of_a_principal_share_salt_and_iterations_and_the_salt_is_the_mock_one() {
    let mut ring = ring();
    let before = ring.challenge("alice", 0);
    let (a, _) = ring.create("alice", &random(1), 0, None).unwrap();
    let (b, _) = ring.create("alice", &random(2), 0, None).unwrap();
    let (c, _) = ring.create("bob", &random(3), 0, None).unwrap();
    assert_eq!(a.verifier.salt(), b.verifier.salt());
    assert_eq!(a.verifier.salt(), before.salt);
    assert_ne!(a.verifier.salt(), c.verifier.salt());
    assert_eq!(a.verifier.iterations(), before.iterations);
    ring.revoke(a.id.as_str(), 1).unwrap();
    ring.revoke(b.id.as_str(), 1).unwrap();
    assert_eq!(ring.challenge("alice", 2).salt, before.salt);
    let other = KeyRing::new(Secret::new([8; 32]));
    assert_ne!(
        other.challenge("alice", 0).salt,
        before.salt,
        "salts cannot be guessed from names"
    );
}

#[test]
fn active_keys_are_those_neither_expired_nor_revoked() {
    let mut ring = ring();
    let (forever, _) = ring.create("alice", &random(1), 100, None).unwrap();
    let (short, _) = ring.create("alice", &random(2), 100, Some(200)).unwrap();
    let ids = |ring: &KeyRing, now| {
        ring.active("alice", now)
            .map(|key| key.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&ring, 199), [forever.id.clone(), short.id.clone()]);
    assert_eq!(ids(&ring, 200), std::slice::from_ref(&forever.id));
    assert_eq!(
        ring.revoke(forever.id.as_str(), 150).unwrap().revoked_ms,
        Some(150)
    );
    assert_eq!(
        ring.revoke(forever.id.as_str(), 999).unwrap().revoked_ms,
        Some(150)
    );
    assert_eq!(ids(&ring, 151), std::slice::from_ref(&short.id));
    assert_eq!(
        ids(&ring, 0),
        std::slice::from_ref(&short.id),
        "revocation does not depend on the clock"
    );
    assert_eq!(
        ring.revoke("key_none", 1),
        Err(Error::UnknownKey("key_none".to_owned()))
    );
}

#[test]
fn bounds_hold() {
    let mut ring = ring();
    for i in 0..MAX_ACTIVE_KEYS as u8 {
        ring.create("alice", &random(i), 0, Some(10)).unwrap();
    }
    let limit = |e| {
        Err(Error::TooManyKeys {
            what: e,
            limit: MAX_ACTIVE_KEYS,
        })
    };
    let outcome = |r: Result<_, Error>| r.map(|_: (AccessKey, _)| ());
    assert_eq!(
        outcome(ring.create("alice", &random(50), 0, None)),
        limit("active keys of one principal")
    );
    assert_eq!(
        outcome(ring.create("alice", &random(50), 10, None)),
        Ok(()),
        "expired ones do not count"
    );
    assert_eq!(
        outcome(ring.create("bob", &random(50), 0, Some(0))),
        Err(Error::ExpiresBeforeCreation)
    );
    assert_eq!(
        outcome(ring.create("b ob", &random(51), 0, None)),
        Err(Error::PrincipalId)
    );
    assert!(matches!(
        outcome(ring.create("bob", &random(50), 0, None)),
        Err(Error::DuplicateKey(_))
    ));
}

#[test]
fn a_new_key_works_however_many_old_ones_died() {
    let mut ring = ring();
    for i in 0..40u8 {
        let (key, secret) = ring
            .create("alice", &random(i), u64::from(i), None)
            .unwrap();
        assert_eq!(
            ring.challenge("alice", 99).cleartext(secret.expose()),
            Ok(key.id.clone())
        );
        ring.revoke(key.id.as_str(), 99).unwrap();
    }
    let (_, secret) = ring.create("alice", &random(40), 40, None).unwrap();
    assert!(
        ring.challenge("alice", 99)
            .cleartext(secret.expose())
            .is_ok()
    );
    assert_eq!(ring.challenge("alice", 99).tried.len(), MAX_TRIED_KEYS);
}

#[test]
fn the_file_brings_everything_back() {
    let mut ring = ring();
    let (a, secret) = ring.create("alice", &random(1), 5, Some(1_000)).unwrap();
    ring.create("bob", &random(2), 6, None).unwrap();
    ring.revoke(a.id.as_str(), 9).unwrap();
    let text = ring.to_json();
    assert!(!text.expose().contains(secret.expose().as_str()));
    let read = KeyRing::from_json(text.expose()).unwrap();
    assert_eq!(read.to_json().expose(), text.expose());
    assert!(read.keys().eq(ring.keys()));
    assert_eq!(
        read.challenge("nobody", 0).salt,
        ring.challenge("nobody", 0).salt
    );
}

#[test]
fn files_that_are_not_understood_are_refused_without_quoting_values() {
    let mut ring = ring();
    ring.create("alice", &random(1), 5, None).unwrap();
    ring.create("alice", &random(2), 5, None).unwrap();
    let text = ring.to_json();
    let good = text.expose();
    let check = |edited: String, expected: &str| {
        assert_ne!(&edited, good);
        let Err(fault) = KeyRing::from_json(&edited) else {
            panic!("{expected}: accepted")
        };
        assert!(fault.to_string().contains(expected), "{fault}");
    };
    check(
        good.replacen("\"version\": 1", "\"version\": 2", 1),
        "version 2",
    );
    check(
        good.replacen("\"version\": 1,", "", 1),
        "missing field `version`",
    );
    check(
        good.replacen("\"keys\"", "\"kyes\"", 1),
        "unknown field `kyes`",
    );
    check(
        good.replacen("\"created_ms\"", "\"created\"", 1),
        "unknown field `created`",
    );
    check(
        good.replacen("\"iterations\": 4096", "\"iterations\": 4097", 1),
        "differ",
    );
    check(
        good.replacen("\"iterations\": 4096", "\"iterations\": 0", 1),
        "out of range",
    );
    check(
        good.replacen("\"iterations\": 4096", "\"iterations\": \"s3cret\"", 1),
        "wrong form",
    );
    check(
        good.replacen(
            "\"created_ms\": 5",
            "\"created_ms\": 5, \"expires_ms\": 5",
            1,
        ),
        "before it is created",
    );
    check(
        good.replacen("\"principal\": \"alice\"", "\"principal\": \"\"", 1),
        "no valid id",
    );
    check(good.replacen("SCRAM-SHA-256$", "s3cret$", 1), "wrong form");
    check(good[..good.len() / 2].to_owned(), "not well-formed JSON");
    let first_id = ring.keys().next().unwrap().id.to_string();
    let second_id = ring.keys().nth(1).unwrap().id.to_string();
    check(good.replacen(&second_id, &first_id, 1), "exists already");
    let fault = KeyRing::from_json(&good.replacen("4096", "\"s3cret\"", 1))
        .err()
        .unwrap();
    assert!(!fault.to_string().contains("s3cret"));
    let salt = good
        .split_once("4096:")
        .unwrap()
        .1
        .split_once('$')
        .unwrap()
        .0;
    let other = Verifier::derive("x", b"another salt....", 4096).to_string();
    let other = other
        .split_once("4096:")
        .unwrap()
        .1
        .split_once('$')
        .unwrap()
        .0
        .to_owned();
    check(good.replacen(salt, &other, 1), "salt differs");
}
