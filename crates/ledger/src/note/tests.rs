use super::*;

/// From the documentation of golang.org/x/mod/sumdb/note.
const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SKEY: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\n\
                    — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn signs_and_opens_the_note_of_the_go_documentation() {
    let signer = Signer::parse(SKEY).unwrap();
    assert_eq!(signer.verifier().to_string(), VKEY);
    assert_eq!(signer.secret_text(), SKEY);
    assert_eq!(signer.sign(TEXT).unwrap(), NOTE);
    assert_eq!(VerifierKey::parse(VKEY).unwrap().open(NOTE).unwrap(), TEXT);
}

#[test]
fn unknown_signatures_are_ignored_but_ours_is_needed() {
    let key = VerifierKey::parse(VKEY).unwrap();
    let other = Signer::new("other.example/log", &[1; 32]).unwrap();
    let foreign = other.sign(TEXT).unwrap();
    assert_eq!(
        key.open(&foreign),
        Err(Error::NotSigned {
            name: "PeterNeumann".into()
        })
    );
    let line = foreign.rsplit_once("\n\n").unwrap().1;
    assert_eq!(key.open(&format!("{NOTE}{line}")).unwrap(), TEXT);
    assert_eq!(
        other.verifier().open(&format!("{NOTE}{line}")).unwrap(),
        TEXT
    );
}

#[test]
fn every_altered_byte_is_noticed() {
    let key = VerifierKey::parse(VKEY).unwrap();
    for position in 0..NOTE.len() {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[position] ^= 1 << (position % 7);
        if let Ok(note) = String::from_utf8(bytes) {
            assert!(key.open(&note).is_err(), "byte {position}");
        }
    }
}

#[test]
fn malformed_keys_are_refused() {
    for text in [
        "",
        "a",
        "a+b",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AQ==",
    ] {
        assert!(VerifierKey::parse(text).is_err(), "{text}");
    }
    assert!(Signer::new("with space", &[0; 32]).is_err());
}

#[test]
fn sixteen_signatures_and_two_keys_of_one_name_are_read() {
    let signers: Vec<Signer> = (1..=16)
        .map(|seed| Signer::new("log.example/one", &[seed; 32]).unwrap())
        .collect();
    let all: Vec<&Signer> = signers.iter().collect();
    let note = sign(TEXT, &all).unwrap();
    for signer in &signers {
        assert_eq!(signer.verifier().open(&note).unwrap(), TEXT);
    }
    let bad = note.replace("problem is", "problem was");
    assert!(matches!(
        signers[15].verifier().open(&bad),
        Err(Error::BadSignature { .. })
    ));
    let many: Vec<&Signer> = all.iter().copied().cycle().take(101).collect();
    assert_eq!(
        signers[0].verifier().open(&sign(TEXT, &many).unwrap()),
        Err(Error::BadNote("it has too many signatures"))
    );
}

#[test]
fn a_key_of_another_type_is_named() {
    let witness = "witness.example/w1+";
    for text in [VKEY, witness] {
        assert!(WitnessKey::parse(text).is_err(), "{text}");
    }
    assert_eq!(
        WitnessKey::parse(VKEY).unwrap_err().to_string(),
        "it signs with type 0x01 (Ed25519), where 0x04 (Ed25519 cosignature) is needed"
    );
}
