use super::*;

/// Exchanges that PostgreSQL 15 ended with AuthenticationOk; the client's nonce is 18 times 0x42.
const POSTGRESQL_15: &[[&str; 6]] = &[
    [
        "pencil-%s",
        "SCRAM-SHA-256",
        "n,,n=,r=QkJCQkJCQkJCQkJCQkJCQkJC",
        "r=QkJCQkJCQkJCQkJCQkJCQkJCEu0bmwr5je6Ho7xz5di2hksR,s=R+ksuWuz0BNm1XTueT8Vgw==,i=4096",
        "c=biws,r=QkJCQkJCQkJCQkJCQkJCQkJCEu0bmwr5je6Ho7xz5di2hksR,p=ITcDxn2g3rm/1ynh2kdlyMSW63IojAnFzAXhD7Z9rhY=",
        "v=cpJhUkqvEUQFIA3PrDvencTM4Uu5QLHR/N1GienTClA=",
    ],
    [
        "p\u{ad}encil\u{a0}\u{aa}",
        "SCRAM-SHA-256-PLUS",
        "p=tls-server-end-point,,n=,r=QkJCQkJCQkJCQkJCQkJCQkJC",
        "r=QkJCQkJCQkJCQkJCQkJCQkJClifNXzaYFsBXFYEU1kSst4Vc,s=hH+Pv41O0nTiTdasquAAEg==,i=4096",
        "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCws+++qkMqPMUE4vnHauT83wYXHmg0Uixk16p5EI/0Dx4guxs6AKskJb+YAlUVohsvK,r=QkJCQkJCQkJCQkJCQkJCQkJClifNXzaYFsBXFYEU1kSst4Vc,p=eopZ7s5RVxVGAADBvW0Jjfyw4ygf7GmtuD9v/3P6ILo=",
        "v=89dHp3HhdZ8WWIS28A403Ma2KHrjUsXbPBee8a36VUE=",
    ],
];

fn client(password: &str, offered: &[&str], transport: Transport) -> Result<Client, Error> {
    Client::new(
        Secret::new(password.to_owned()),
        [0x42; NONCE_BYTES],
        offered.iter().copied(),
        transport,
    )
}

fn simple(password: &str) -> Client {
    client(password, &[SCRAM_SHA_256], Transport::Plain).unwrap()
}

#[test]
fn speaks_as_postgresql_15_accepted() {
    let certificate = super::super::binding::tests::certificate();
    for [password, mechanism, first, server_first, last, server_final] in POSTGRESQL_15 {
        let transport = match *mechanism {
            SCRAM_SHA_256_PLUS => Transport::Tls(ChannelBinding::of_certificate(&certificate)),
            _ => Transport::Plain,
        };
        let mut client = client(password, &[mechanism], transport).unwrap();
        assert_eq!(client.mechanism(), *mechanism);
        assert_eq!(client.client_first(), first.as_bytes());
        let answer = client.server_first(server_first.as_bytes()).unwrap();
        assert_eq!(std::str::from_utf8(&answer).unwrap(), *last);
        assert!(!client.is_verified() && client.keys().is_none());
        assert_eq!(client.server_final(server_final.as_bytes()), Ok(()));
        assert!(client.is_verified());
    }
}

#[test]
fn agrees_with_rfc_7677() {
    let mut client = simple("pencil");
    client.name("user");
    client.nonce = "rOprNGfwEbeRWgbNEkqO".to_owned();
    assert_eq!(client.client_first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    let answer = client
        .server_first(b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
        .unwrap();
    assert_eq!(
        std::str::from_utf8(&answer).unwrap(),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert_eq!(
        client.server_final(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
        Ok(())
    );
}

#[test]
fn names_are_escaped() {
    let mut client = simple("x");
    client.name("a,b=c");
    assert!(client.client_first().starts_with(b"n,,n=a=2Cb=3Dc,r="));
}

#[test]
fn chooses_the_strongest_mechanism_and_refuses_what_smells() {
    let binding = || Some(ChannelBinding::tls_server_end_point(vec![1; 32]));
    let both = [SCRAM_SHA_256_PLUS, SCRAM_SHA_256];
    let chosen = |offered: &[&str], transport| {
        client("x", offered, transport).map(|c| (c.mechanism(), c.gs2))
    };
    assert_eq!(
        chosen(&both, Transport::Tls(binding())),
        Ok((SCRAM_SHA_256_PLUS, "p=tls-server-end-point,,"))
    );
    assert_eq!(
        chosen(&[SCRAM_SHA_256], Transport::Tls(binding())),
        Ok((SCRAM_SHA_256, "y,,"))
    );
    assert_eq!(
        chosen(&both, Transport::Tls(None)),
        Ok((SCRAM_SHA_256, "n,,"))
    );
    assert_eq!(
        chosen(&[SCRAM_SHA_256], Transport::Plain),
        Ok((SCRAM_SHA_256, "n,,"))
    );
    assert_eq!(
        chosen(&both, Transport::Plain),
        Err(Error::BindingWithoutTls)
    );
    assert_eq!(
        chosen(&[SCRAM_SHA_256_PLUS], Transport::Tls(None)),
        Err(Error::NoMechanism)
    );
    assert_eq!(
        chosen(&["OAUTHBEARER", "SCRAM-SHA-1"], Transport::Plain),
        Err(Error::NoMechanism)
    );
    assert_eq!(chosen(&[], Transport::Plain), Err(Error::NoMechanism));
}

#[test]
fn a_server_that_does_not_know_the_verifier_is_refused_for_good() {
    let [password, _, _, server_first, _, server_final] = POSTGRESQL_15[0];
    let mut client = simple(password);
    client.server_first(server_first.as_bytes()).unwrap();
    let forged = format!("v={}", STANDARD.encode([0; 32]));
    assert_eq!(
        client.server_final(forged.as_bytes()),
        Err(Error::UpstreamSignature)
    );
    assert_eq!(
        client.server_final(server_final.as_bytes()),
        Err(Error::OutOfOrder)
    );
    assert!(!client.is_verified() && client.keys().is_none());

    let mut client = simple(password);
    client.server_first(server_first.as_bytes()).unwrap();
    assert_eq!(
        client.server_final(b"e=invalid-proof"),
        Err(Error::UpstreamRefused)
    );
    assert_eq!(
        simple(password).server_final(server_final.as_bytes()),
        Err(Error::OutOfOrder)
    );
}

#[test]
fn broken_and_greedy_server_messages_are_refused() {
    let own = "QkJCQkJCQkJCQkJCQkJCQkJC";
    for message in [
        String::new(),
        "r=".to_owned(),
        format!("r={own},s=c2FsdA==,i=4096"),
        "r=other,s=c2FsdA==,i=4096".to_owned(),
        format!("r={own}x,s=,i=4096"),
        format!("r={own}x,s=!,i=4096"),
        format!("r={own}x,s=c2FsdA=="),
        format!("r={own}x,s=c2FsdA==,i=-1"),
        format!("r={own}x,s=c2FsdA==,i=+1"),
        format!("r={own}x,s=c2FsdA==,i="),
        format!("r={own}x,s=c2FsdA==,i=99999999999"),
        format!("m=x,r={own}x,s=c2FsdA==,i=4096"),
        format!("r={own}x,s=c2FsdA==,i=4096,"),
        format!("r={own}x\0,s=c2FsdA==,i=4096"),
        format!("r={own}{},s=c2FsdA==,i=4096", "x".repeat(5000)),
    ] {
        let fault = simple("x").server_first(message.as_bytes());
        assert!(
            matches!(fault, Err(Error::UpstreamMalformed(_))),
            "{message}: {fault:?}"
        );
    }
    for asked in [0, MAX_ITERATIONS + 1, u32::MAX] {
        let fault = simple("x").server_first(format!("r={own}x,s=c2FsdA==,i={asked}").as_bytes());
        assert!(matches!(fault, Err(Error::UpstreamIterations { .. })));
    }
}

#[test]
fn remembered_keys_replace_the_rounds_only_for_the_same_salt() {
    let [password, _, _, server_first, last, server_final] = POSTGRESQL_15[0];
    let mut first = simple(password);
    first.server_first(server_first.as_bytes()).unwrap();
    first.server_final(server_final.as_bytes()).unwrap();
    let keys = first.keys().unwrap().clone();

    let mut again = simple("not used, the keys are");
    again.remember(keys.clone());
    assert_eq!(
        again.server_first(server_first.as_bytes()).unwrap(),
        last.as_bytes()
    );

    let mut rotated = simple("not used");
    rotated.remember(keys);
    let other_salt = server_first.replace("s=R", "s=S");
    assert_ne!(
        rotated.server_first(other_salt.as_bytes()).unwrap(),
        last.as_bytes()
    );
}
