use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};

use super::*;
use crate::note::Signer;

const ORIGIN: &str = "log.example/one";

fn log(seed: u8) -> Signer {
    Signer::new(ORIGIN, &[seed; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.into(),
        size: 7,
        root: [9; 32],
    }
}

/// Verifier key and signature line of a witness (C2SP tlog-cosignature).
fn witness(seed: u8, at_s: u64) -> (String, String) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let name = format!("witness.example/w{seed}");
    let public = [&[4], key.verifying_key().as_bytes().as_slice()].concat();
    let id = Sha256::digest([format!("{name}\n").as_bytes(), &public].concat());
    let hex: String = id[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!("cosignature/v1\ntime {at_s}\n{}", checkpoint().text());
    let signature = key.sign(message.as_bytes()).to_bytes();
    let line = [&id[..4], &at_s.to_be_bytes(), &signature].concat();
    (
        format!("{name}+{hex}+{}", STANDARD.encode(public)),
        format!("— {name} {}\n", STANDARD.encode(line)),
    )
}

/// The policy of the specification's example, with real keys.
fn example() -> String {
    let mut text = format!("# example\nlog\t{}  \n\n", log(1).verifier());
    for (seed, name) in (11..).zip(["X1", "X2", "X3", "Y1", "Y2", "Y3"]) {
        text += &format!(
            "witness {name} {} https://witness.example/\n",
            witness(seed, 0).0
        );
    }
    text + "  group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n\
            group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
}

fn cosigned_by(seeds: &[u8]) -> String {
    let lines = seeds.iter().map(|seed| witness(*seed, 1_679_315_147).1);
    checkpoint().sign(&log(1)).unwrap() + &lines.collect::<String>()
}

#[test]
fn the_specs_example_wants_two_of_x_and_one_of_y() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    for (seeds, holds) in [
        (&[11, 12, 14][..], true),
        (&[13, 12, 16], true),
        (&[11, 12, 13, 14, 15, 16], true),
        (&[11, 12, 13], false),
        (&[11, 14, 15, 16], false),
        (&[], false),
        (&[99], false),
    ] {
        let opened = policy.open(&cosigned_by(seeds));
        assert_eq!(opened.is_ok(), holds, "{seeds:?}: {opened:?}");
        if let Ok(trusted) = opened {
            assert_eq!(trusted.checkpoint, checkpoint());
            assert_eq!(trusted.cosigned.len(), seeds.len());
            assert_eq!(trusted.cosigned[0].at_s, 1_679_315_147);
        }
    }
    assert_eq!(
        policy
            .open(&cosigned_by(&[11, 99]))
            .unwrap_err()
            .to_string(),
        "the quorum X-and-Y is not reached: 1 of the 6 witnesses cosigned"
    );
}

#[test]
fn a_wrong_cosignature_of_a_known_witness_spoils_the_note() {
    let policy = Policy::parse(example().as_bytes()).unwrap();
    let good = cosigned_by(&[11, 12, 14]);
    let (_, line) = witness(13, 5);
    let signature = line.trim_end().rsplit_once(' ').unwrap().1;
    let mut bytes = STANDARD.decode(signature).unwrap();
    // Another time than the one that was signed.
    bytes[11] ^= 1;
    let bad = line.replace(signature, &STANDARD.encode(&bytes));
    assert!(policy.open(&good).is_ok());
    assert_eq!(
        policy.open(&format!("{good}{bad}")),
        Err(Error::BadSignature {
            name: "witness.example/w13".into()
        })
    );
    // The top bit of the time.
    bytes[11] ^= 1;
    bytes[4] ^= 0x80;
    let bad = line.replace(signature, &STANDARD.encode(&bytes));
    assert!(policy.open(&format!("{good}{bad}")).is_err());
}

#[test]
fn either_key_of_a_log_does_while_they_overlap() {
    let (old, new) = (log(1), log(2));
    let both = checkpoint().sign_with(&[&new, &old]).unwrap();
    for key in [&old, &new] {
        let policy = Policy::from(key.verifier());
        let trusted = policy.open(&both).unwrap();
        assert_eq!(trusted.signed_by, [key.verifier().clone()]);
    }
    let policy: Policy = [old.verifier(), new.verifier()].into_iter().collect();
    assert_eq!(policy.open(&both).unwrap().signed_by.len(), 2);
    let third = checkpoint().sign(&log(3)).unwrap();
    assert_eq!(
        policy.open(&third),
        Err(Error::NotSigned {
            name: ORIGIN.into()
        })
    );
}

#[test]
fn another_log_is_not_believed() {
    let foreign = Signer::new("log.example/two", &[1; 32]).unwrap();
    let text = Checkpoint {
        origin: "log.example/two".into(),
        ..checkpoint()
    };
    let note = text.sign(&foreign).unwrap();
    let policy = Policy::from(log(1).verifier());
    assert_eq!(
        policy.open(&note),
        Err(Error::UnknownLog {
            origin: "log.example/two".into()
        })
    );
    // A known key under a checkpoint of another origin does not count.
    let stolen = log(1).sign(&text.text()).unwrap();
    assert!(matches!(
        policy.open(&stolen),
        Err(Error::UnknownLog { .. })
    ));
    let empty = Policy::parse(b"quorum none").unwrap();
    assert!(matches!(empty.open(&note), Err(Error::UnknownLog { .. })));
}

#[test]
fn faults_of_a_policy_are_told_with_their_line() {
    let (l, w, v) = (
        log(1).verifier().to_string(),
        witness(1, 0).0,
        witness(2, 0).0,
    );
    for (text, told) in [
        (String::new(), "line 1: there is no quorum line"),
        ("quorum none\nquorum none".into(), "line 2: a second quorum"),
        (
            "quorum w".into(),
            "line 1: no witness or group w is defined above",
        ),
        ("quorum".into(), "the quorum is written"),
        ("policy x".into(), "line 1: unknown keyword `policy`"),
        ("quorum none\r".into(), "a carriage return"),
        ("quorum none\x0b".into(), "a control character, 0x0b"),
        (
            "log nonsense".into(),
            "not the key of a log: not a signed note: the verifier key is malformed",
        ),
        (
            format!("log {w}"),
            "not the key of a log: it signs with type 0x04 (Ed25519 cosignature), where 0x01 (Ed25519) is needed",
        ),
        (
            format!("witness a {l}"),
            "not the key of a witness: it signs with type 0x01",
        ),
        (format!("log {l} a b"), "a log is written"),
        (
            format!("log {l}\nlog {l}"),
            "line 2: this key is listed twice",
        ),
        (
            format!("witness a {w}\nwitness b {w}"),
            "line 2: this key is already that of witness a",
        ),
        (format!("witness none {w}"), "the name none is taken"),
        (
            format!("witness a {w}\nwitness a {v}"),
            "line 2: the name a is taken",
        ),
        (
            format!("witness a {w}\ngroup a all a"),
            "line 2: the name a is taken",
        ),
        (
            format!("witness a {w}\ngroup g all a a"),
            "a is a member twice",
        ),
        (
            format!("witness a {w}\ngroup g all a\ngroup h all a g"),
            "line 3: a is a member twice",
        ),
        (format!("witness a {w}\ngroup g all"), "a group is written"),
        (format!("witness a {w}\ngroup g 2 a"), "`2` of 1 members"),
        (format!("witness a {w}\ngroup g 0 a"), "`0` of 1 members"),
        (format!("witness a {w}\ngroup g 01 a"), "`01` of 1 members"),
        ("group g all none".into(), "no witness or group none"),
        ("group g all g".into(), "no witness or group g"),
    ] {
        let error = Policy::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(told), "{text:?}\n{error}");
    }
}

#[test]
fn names_are_octets() {
    let (w, l) = (witness(1, 5).0, log(1));
    let mut file = format!("log {}\nwitness ", l.verifier()).into_bytes();
    file.extend_from_slice(b"\xff\xfe");
    file.extend_from_slice(format!(" {w}\nquorum ").as_bytes());
    file.extend_from_slice(b"\xff\xfe");
    let policy = Policy::parse(&file).unwrap();
    assert!(policy.wants_witnesses());
    assert!(policy.open(&checkpoint().sign(&l).unwrap()).is_err());
    assert!(policy.open(&cosigned_by(&[1])).is_ok());
    file.pop();
    assert!(Policy::parse(&file).is_err());
}

#[test]
fn many_logs_witnesses_and_groups_are_taken_but_not_any_number() {
    let many = |count: u16| {
        let mut text = String::new();
        for n in 0..count {
            let seed = [n.to_be_bytes(); 16].concat().try_into().unwrap();
            let signer = Signer::new(&format!("log.example/{n}"), &seed).unwrap();
            text += &format!("log {}\n", signer.verifier());
        }
        text + "quorum none\n"
    };
    assert_eq!(Policy::parse(many(64).as_bytes()).unwrap().logs().len(), 64);
    assert!(Policy::parse(many(1025).as_bytes()).is_err());
}

#[test]
fn a_witness_with_a_key_of_another_type_is_refused() {
    let key = STANDARD.encode([&[6], [0; 1312].as_slice()].concat());
    let text = format!("witness w witness.example/w+00000000+{key}\nquorum none\n");
    let told = Policy::parse(text.as_bytes()).unwrap_err().to_string();
    let wanted = "it signs with type 0x06 (ML-DSA-44 cosignature)";
    assert!(told.contains(wanted), "{told}");
}
