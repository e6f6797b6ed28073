use super::*;
use crate::key::{AccessKey, key_id};
use crate::ring::KeyRing;
use crate::scram::{Client, Transport};
use crate::secret::Secret;
use crate::verifier::Verifier;
use postgres_protocol::authentication::sasl;
use proptest::prelude::*;

fn ring() -> KeyRing {
    KeyRing::new(Secret::new([3; 32]))
}

/// A ring in which alice has `count` keys that expire at 1,000.
fn alice(count: u8) -> (KeyRing, Vec<(AccessKey, Secret<String>)>) {
    let mut ring = ring();
    let keys = (0..count)
        .map(|i| {
            ring.create("alice", &Secret::new([i; 20]), u64::from(i), Some(1_000))
                .unwrap()
        })
        .collect();
    (ring, keys)
}

fn binding() -> ChannelBinding {
    ChannelBinding::tls_server_end_point(vec![9; 32])
}

/// One exchange with rust-postgres's client.
fn oracle(
    mut server: Server,
    password: &str,
    channel: sasl::ChannelBinding,
    mechanism: &str,
) -> Result<KeyId, Failure> {
    let mut client = sasl::ScramSha256::new(password.as_bytes(), channel);
    let challenge = server.client_first(mechanism, client.message())?;
    client.update(&challenge).unwrap();
    let (id, last) = server.client_final(client.message())?;
    client.finish(&last).unwrap();
    Ok(id)
}

#[test]
fn agrees_with_rfc_7677() {
    let key = AccessKey {
        id: key_id(&[0; 20]),
        principal: "user".to_owned(),
        verifier: Verifier::derive(
            "pencil",
            &STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(),
            4096,
        ),
        created_ms: 0,
        expires_ms: None,
        revoked_ms: None,
    };
    let mut server = Server::new(Challenge::of(&[&key], 0).unwrap(), [0; NONCE_BYTES], None);
    server.nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned();
    assert_eq!(
        server
            .client_first(SCRAM_SHA_256, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
            .unwrap(),
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let (id, last) = server
        .client_final(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        .unwrap();
    assert_eq!(id, key.id);
    assert_eq!(last, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn rust_postgres_proves_each_key_of_a_principal() {
    let (ring, keys) = alice(3);
    for (key, secret) in &keys {
        let plain = Server::new(ring.challenge("alice", 10), [1; NONCE_BYTES], None);
        assert_eq!(
            oracle(
                plain,
                secret.expose(),
                sasl::ChannelBinding::unsupported(),
                SCRAM_SHA_256
            ),
            Ok(key.id.clone())
        );
        let plain = Server::new(ring.challenge("alice", 10), [1; NONCE_BYTES], None);
        assert_eq!(
            oracle(
                plain,
                secret.expose(),
                sasl::ChannelBinding::unrequested(),
                SCRAM_SHA_256
            ),
            Ok(key.id.clone())
        );
        let plus = Server::new(
            ring.challenge("alice", 10),
            [1; NONCE_BYTES],
            Some(binding()),
        );
        let channel = sasl::ChannelBinding::tls_server_end_point(vec![9; 32]);
        assert_eq!(
            oracle(plus, secret.expose(), channel, SCRAM_SHA_256_PLUS),
            Ok(key.id.clone())
        );
    }
}

#[test]
fn wrong_expired_revoked_and_foreign_keys_do_not_open() {
    let (mut ring, keys) = alice(2);
    let (bobs, bob_secret) = ring.create("bob", &Secret::new([99; 20]), 0, None).unwrap();
    let check = |ring: &KeyRing, name: &str, secret: &str, now, expected| {
        let server = Server::new(ring.challenge(name, now), [1; NONCE_BYTES], None);
        assert_eq!(
            oracle(
                server,
                secret,
                sasl::ChannelBinding::unsupported(),
                SCRAM_SHA_256
            ),
            expected,
            "{name}"
        );
        assert_eq!(
            ring.challenge(name, now).cleartext(secret),
            expected,
            "{name} in clear"
        );
    };
    let secret = |i: usize| keys[i].1.expose();
    let id = |i: usize| keys[i].0.id.clone();
    check(&ring, "alice", bob_secret.expose(), 10, Err(Failure::Proof));
    check(&ring, "bob", secret(0), 10, Err(Failure::Proof));
    check(&ring, "nobody", secret(0), 10, Err(Failure::Proof));
    check(&ring, "bob", bob_secret.expose(), u64::MAX, Ok(bobs.id));
    check(&ring, "alice", secret(0), 999, Ok(id(0)));
    check(
        &ring,
        "alice",
        secret(0),
        1_000,
        Err(Failure::Expired(id(0))),
    );
    ring.revoke(id(1).as_str(), 10).unwrap();
    check(&ring, "alice", secret(1), 5, Err(Failure::Revoked(id(1))));
    check(&ring, "alice", secret(0), 11, Ok(id(0)));
    assert_eq!(
        ring.challenge("alice", 1).cleartext("hunter2"),
        Err(Failure::KeyForm)
    );
    let typo = format!(
        "{}{}",
        &secret(0)[..42],
        if secret(0).ends_with('a') { "b" } else { "a" }
    );
    assert_eq!(
        ring.challenge("alice", 1).cleartext(&typo),
        Err(Failure::KeyChecksum)
    );
}

#[test]
fn an_unknown_name_is_challenged_like_a_known_one() {
    let (ring, _) = alice(1);
    let ask = |name: &str, now| {
        let mut server = Server::new(ring.challenge(name, now), [1; NONCE_BYTES], None);
        String::from_utf8(server.client_first(SCRAM_SHA_256, b"n,,n=,r=abc").unwrap()).unwrap()
    };
    assert_eq!(ask("nobody", 1), ask("nobody", 2));
    assert_ne!(ask("nobody", 1), ask("noone", 1));
    assert_eq!(ask("nobody", 1).len(), ask("alice", 1).len());
    assert!(ask("nobody", 1).ends_with(",i=4096"));
    // The proof that would fit an all-zero verifier must not fit a name without keys.
    let mut server = Server::new(ring.challenge("nobody", 1), [1; NONCE_BYTES], None);
    let nonce = ask("nobody", 1).split(',').next().unwrap().to_owned();
    server.client_first(SCRAM_SHA_256, b"n,,n=,r=abc").unwrap();
    let last = format!("c=biws,{nonce},p={}", STANDARD.encode([0; 32]));
    assert_eq!(server.client_final(last.as_bytes()), Err(Failure::Proof));
}

#[test]
fn downgrades_and_foreign_channels_are_refused() {
    let (ring, keys) = alice(1);
    let server = |plus: Option<ChannelBinding>| {
        Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], plus)
    };
    let first = |plus, mechanism: &str, message: &str| {
        server(plus)
            .client_first(mechanism, message.as_bytes())
            .map(|_| ())
    };
    let bound = "p=tls-server-end-point,,n=,r=abc";
    assert_eq!(
        first(Some(binding()), SCRAM_SHA_256, "y,,n=,r=abc"),
        Err(Failure::Downgrade)
    );
    assert_eq!(first(None, SCRAM_SHA_256, "y,,n=,r=abc"), Ok(()));
    assert_eq!(first(Some(binding()), SCRAM_SHA_256, "n,,n=,r=abc"), Ok(()));
    assert_eq!(first(Some(binding()), SCRAM_SHA_256_PLUS, bound), Ok(()));
    assert_eq!(
        first(Some(binding()), SCRAM_SHA_256_PLUS, "n,,n=,r=abc"),
        Err(Failure::Flag)
    );
    assert_eq!(
        first(Some(binding()), SCRAM_SHA_256_PLUS, "y,,n=,r=abc"),
        Err(Failure::Flag)
    );
    assert_eq!(
        first(Some(binding()), SCRAM_SHA_256, bound),
        Err(Failure::Flag)
    );
    assert_eq!(first(None, SCRAM_SHA_256, bound), Err(Failure::Flag));
    assert_eq!(
        first(None, SCRAM_SHA_256_PLUS, bound),
        Err(Failure::Mechanism)
    );
    assert_eq!(
        first(None, "OAUTHBEARER", "n,,n=,r=abc"),
        Err(Failure::Mechanism)
    );

    let elsewhere = sasl::ChannelBinding::tls_server_end_point(vec![8; 32]);
    let outcome = oracle(
        server(Some(binding())),
        keys[0].1.expose(),
        elsewhere,
        SCRAM_SHA_256_PLUS,
    );
    assert_eq!(outcome, Err(Failure::ChannelBinding));

    // A flag that is changed on the way shows in the client's last message.
    let mut relayed = server(Some(binding()));
    let mut client = sasl::ScramSha256::new(
        keys[0].1.expose().as_bytes(),
        sasl::ChannelBinding::unrequested(),
    );
    let changed = String::from_utf8(client.message().to_vec())
        .unwrap()
        .replacen("y,", "n,", 1);
    client
        .update(
            &relayed
                .client_first(SCRAM_SHA_256, changed.as_bytes())
                .unwrap(),
        )
        .unwrap();
    assert_eq!(
        relayed.client_final(client.message()),
        Err(Failure::ChannelBinding)
    );
}

#[test]
fn malformed_first_messages_are_refused() {
    let (ring, _) = alice(1);
    for message in [
        "",
        "n",
        "n,",
        "n,,",
        "n,,n=",
        "n,,n=,r=",
        "n,,r=abc",
        "x,,n=,r=abc",
        "n,a=bob,n=,r=abc",
        "n,,m=1,n=,r=abc",
        "p=tls-unique,,n=,r=abc",
        "n,,n=,r=a c",
        "n,,n=,r=é",
        "n,,n=,r=abc,",
        "n,,n=,r=abc,x",
        "n,,n=,r=abc\0",
    ] {
        let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
        let fault = server.client_first(SCRAM_SHA_256, message.as_bytes());
        assert!(
            matches!(fault, Err(Failure::Malformed(_))),
            "{message:?}: {fault:?}"
        );
        assert_eq!(
            server.client_first(SCRAM_SHA_256, b"n,,n=,r=abc"),
            Err(Failure::OutOfOrder)
        );
    }
    let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
    assert!(
        server
            .client_first(SCRAM_SHA_256, b"n,,n=x,r=abc,a=extension")
            .is_ok()
    );
}

#[test]
fn malformed_last_messages_are_refused() {
    let (ring, _) = alice(1);
    let proof = STANDARD.encode([0; 32]);
    let nonce = format!("abc{}", STANDARD.encode([1; NONCE_BYTES]));
    let good = format!("c=biws,r={nonce},p={proof}");
    for (message, expected) in [
        (good.clone(), Failure::Proof),
        (format!("c=biws,r={nonce},x=1,p={proof}"), Failure::Proof),
        (
            format!("c=eSws,r={nonce},p={proof}"),
            Failure::ChannelBinding,
        ),
        (format!("c=biws,r={nonce}x,p={proof}"), Failure::Nonce),
        (format!("c=biws,r=abc,p={proof}"), Failure::Nonce),
    ] {
        let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
        server.client_first(SCRAM_SHA_256, b"n,,n=,r=abc").unwrap();
        assert_eq!(
            server.client_final(message.as_bytes()),
            Err(expected),
            "{message}"
        );
        assert_eq!(
            server.client_final(good.as_bytes()),
            Err(Failure::OutOfOrder)
        );
    }
    for message in [
        String::new(),
        format!("c=biws,r={nonce}"),
        format!("{good},x=1"),
        format!("c=biws,r={nonce},p=AAAA"),
        format!("c=!,r={nonce},p={proof}"),
        format!("r={nonce},p={proof}"),
    ] {
        let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
        server.client_first(SCRAM_SHA_256, b"n,,n=,r=abc").unwrap();
        let fault = server.client_final(message.as_bytes());
        assert!(
            matches!(fault, Err(Failure::Malformed(_))),
            "{message}: {fault:?}"
        );
    }
    let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
    assert_eq!(
        server.client_final(good.as_bytes()),
        Err(Failure::OutOfOrder)
    );
}

#[test]
fn what_the_client_reads_names_no_key() {
    let id = key_id(&[0; 20]);
    for failure in [
        Failure::Expired(id.clone()),
        Failure::Revoked(id.clone()),
        Failure::Proof,
    ] {
        assert!(!failure.public().contains(id.as_str()));
        assert_eq!(failure.sqlstate(), "28P01");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn our_client_and_server_agree(random in any::<[u8; 20]>(), a in any::<[u8; 18]>(), b in any::<[u8; 18]>(), tls in any::<bool>()) {
        let mut ring = ring();
        let (key, secret) = ring.create("alice", &Secret::new(random), 0, None).unwrap();
        let plus = tls.then(binding);
        let transport = if tls { Transport::Tls(plus.clone()) } else { Transport::Plain };
        let mut server = Server::new(ring.challenge("alice", 1), a, plus);
        let mut client = Client::new(secret, b, server.mechanisms().iter().copied(), transport).unwrap();
        let challenge = server.client_first(client.mechanism(), &client.client_first()).unwrap();
        let (id, last) = server.client_final(&client.server_first(&challenge).unwrap()).unwrap();
        prop_assert_eq!(id, key.id);
        prop_assert!(client.server_final(&last).is_ok());
    }

    #[test]
    fn arbitrary_messages_never_open_and_never_panic(first in any::<Vec<u8>>(), text in "[npyrcv=,a-z0-9]{0,40}", last in any::<Vec<u8>>()) {
        let (ring, _) = alice(1);
        for message in [first.as_slice(), text.as_bytes()] {
            let mut server = Server::new(ring.challenge("alice", 1), [1; NONCE_BYTES], None);
            let _ = server.client_first(SCRAM_SHA_256, message);
            prop_assert!(server.client_final(&last).is_err());
            let mut client =
                Client::new(Secret::new(String::new()), [2; 18], [SCRAM_SHA_256], Transport::Plain).unwrap();
            prop_assert!(client.server_first(message).is_err());
            prop_assert!(client.server_final(&last).is_err());
        }
    }
}
