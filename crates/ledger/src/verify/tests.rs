use super::*;
use crate::event::tests::intent;
use crate::merkle::{Tree, leaf_hash};
use crate::note::Signer;
use crate::{Draft, Event, leaf};

fn signer() -> Signer {
    Signer::new("weir.example/gateway-1", &[5; 32]).unwrap()
}

fn trust() -> Policy {
    signer().verifier().into()
}

/// A proof of entry 3 in a log of 6.
fn text() -> String {
    let mut tree = Tree::new();
    let mut third = None;
    for sequence in 0..6 {
        let event = Event::from(intent());
        let salts = vec![sequence as u8; Draft::salt_bytes(&event)];
        let leaf = leaf(&event, Sequence(sequence), 1 << 60, &salts).unwrap();
        tree.push(leaf_hash(&leaf.bytes));
        if sequence == 3 {
            third = Some(leaf);
        }
    }
    let leaf = third.unwrap();
    let node = |level, index| tree.node(level, index);
    let checkpoint = Checkpoint {
        origin: "weir.example/gateway-1".into(),
        size: 6,
        root: merkle::root(6, &node).unwrap(),
    };
    let extra = Extra::new(&leaf.bytes, leaf.disclosed[0].encoded.clone()).unwrap();
    Proof {
        extra: Some(extra.encode().unwrap()),
        index: 3,
        hashes: merkle::inclusion(3, 6, &node).unwrap(),
        checkpoint: checkpoint.sign(&signer()).unwrap(),
    }
    .to_string()
}

#[test]
fn a_proof_convinces_with_the_key_alone() {
    let text = text();
    let evidence = proof(&text, &trust(), None).unwrap();
    assert_eq!(evidence.entry.sequence, Sequence(3));
    assert_eq!(evidence.checkpoint.size, 6);
    assert_eq!(evidence.disclosures[0].name, "text");
    assert_eq!(text.parse::<Proof>().unwrap().to_string(), text);
    assert!(proof(&text, &trust(), Some(b"{}")).is_err());
    assert!(proof(&text, &trust(), Some(&evidence.leaf)).is_ok());
}

#[test]
fn every_altered_byte_of_a_proof_is_noticed() {
    let text = text();
    let trust = trust();
    for position in 0..text.len() {
        for bit in 0..8 {
            let mut bytes = text.as_bytes().to_vec();
            bytes[position] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                assert!(
                    proof(&text, &trust, None).is_err(),
                    "byte {position} bit {bit}"
                );
            }
        }
    }
}

#[test]
fn another_logs_key_does_not_do() {
    let other = Signer::new("weir.example/gateway-1", &[6; 32]).unwrap();
    assert!(matches!(
        proof(&text(), &other.verifier().into(), None),
        Err(Error::NotSigned { .. })
    ));
}
