use super::*;
use crate::checkpoint::Checkpoint;
use crate::event::tests::intent;
use crate::merkle::{self, Tree, leaf_hash};
use crate::note::Signer;
use crate::{Draft, Event, Leaf, leaf};

fn signer() -> Signer {
    Signer::new("weir.example/gateway-1", &[5; 32]).unwrap()
}

fn trust() -> Policy {
    signer().verifier().into()
}

fn leaves() -> Vec<Leaf> {
    let one = |sequence: u8| {
        let event = Event::from(intent());
        let salts = vec![sequence; Draft::salt_bytes(&event)];
        leaf(&event, Sequence(sequence.into()), 1 << 60, &salts).unwrap()
    };
    (0..6).map(one).collect()
}

/// Entries 1, 3 and 4 of a log of 6; of 3 everything is disclosed.
fn items() -> Vec<Item> {
    let leaves = leaves();
    let mut tree = Tree::new();
    for leaf in &leaves {
        tree.push(leaf_hash(&leaf.bytes));
    }
    let node = |level, index| tree.node(level, index);
    let checkpoint = Checkpoint {
        origin: "weir.example/gateway-1".into(),
        size: 6,
        root: merkle::root(6, &node).unwrap(),
    };
    let checkpoint = checkpoint.sign(&signer()).unwrap();
    let item = |index: usize, shown: bool| {
        let leaf = &leaves[index];
        let encoded = leaf.disclosed[0].encoded.iter().filter(|_| shown);
        let extra = Extra::new(&leaf.bytes, encoded.cloned().collect()).unwrap();
        Item {
            proof: Proof {
                extra: Some(extra.encode().unwrap()),
                index: index as u64,
                hashes: merkle::inclusion(index as u64, 6, &node).unwrap(),
                checkpoint: checkpoint.clone(),
            },
            erased: 0,
        }
    };
    vec![item(1, false), item(3, true), item(4, false)]
}

fn pack() -> Pack {
    let about = About {
        made: "2026-11-21T00:00:00Z".into(),
        reason: "audit 9".into(),
        asked: "entries 1, 3, 4".into(),
    };
    Pack::make(about, &items()).unwrap()
}

fn faults(pack: &Pack) -> String {
    let faults = pack.check(&trust()).unwrap_err();
    let texts: Vec<String> = faults.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

/// Alters the manifest, and with it whatever it must agree with.
fn forged(change: impl FnOnce(&mut Manifest, &mut BTreeMap<String, Vec<u8>>)) -> Pack {
    let mut pack = pack();
    let mut manifest: Manifest = serde_json::from_slice(&pack.files[MANIFEST]).unwrap();
    change(&mut manifest, &mut pack.files);
    for (name, digest) in &mut manifest.files {
        if let Some(bytes) = pack.files.get(name) {
            *digest = hex(&Sha256::digest(bytes));
        }
    }
    let bytes = serde_json::to_vec(&manifest).unwrap();
    pack.files.insert(MANIFEST.into(), bytes);
    pack
}

#[test]
fn a_pack_is_believed_with_the_key_alone() {
    let contents = pack().check(&trust()).unwrap();
    let places: Vec<u64> = contents
        .entries
        .iter()
        .map(|one| one.entry.sequence.0)
        .collect();
    assert_eq!(places, [1, 3, 4]);
    assert_eq!(contents.manifest.entries[1].disclosed, ["text", "purpose"]);
    assert!(contents.manifest.entries[0].disclosed.is_empty());
    let other = Signer::new("weir.example/gateway-1", &[6; 32]).unwrap();
    assert!(pack().check(&other.verifier().into()).is_err());
}

#[test]
fn an_altered_byte_anywhere_is_noticed() {
    let whole = pack();
    for (name, bytes) in whole.files.iter().filter(|(name, _)| *name != MANIFEST) {
        for position in 0..bytes.len() {
            let mut altered = whole.clone();
            altered.files.get_mut(name).unwrap()[position] ^= 1;
            assert!(
                faults(&altered).contains(name.as_str()),
                "{name} {position}"
            );
        }
    }
    // What the manifest says of reasons is nobody's signature; its digest is on record.
    for position in 0..whole.files[MANIFEST].len() {
        let mut altered = whole.clone();
        altered.files.get_mut(MANIFEST).unwrap()[position] ^= 1;
        assert_ne!(altered.digest(), whole.digest());
    }
}

#[test]
fn who_forges_the_manifest_too_is_found_by_the_proofs() {
    let three = proof_name(Sequence(3));
    // Another entry's proof in its place.
    let swapped = forged(|_, files| {
        let other = files[&proof_name(Sequence(4))].clone();
        files.insert(three.clone(), other);
    });
    assert!(
        faults(&swapped).contains("the manifest says entry 3"),
        "{}",
        faults(&swapped)
    );
    // What is to be read differs from what is proven.
    let rewritten = forged(|_, files| {
        let text = String::from_utf8(files[ENTRIES].clone()).unwrap();
        files.insert(
            ENTRIES.into(),
            text.replace("'secret'", "'other'").into_bytes(),
        );
    });
    assert!(faults(&rewritten).contains("it does not say what the proofs say"));
    // An entry that never was.
    let invented = forged(|_, files| {
        let text = String::from_utf8(files[&three].clone()).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("extra "))
            .unwrap();
        let mut proof: Proof = text.parse().unwrap();
        let mut extra = Extra::decode(proof.extra.as_deref().unwrap()).unwrap();
        extra.entry = extra.entry.replace("SELECT", "DELETE");
        proof.extra = Some(extra.encode().unwrap());
        assert!(!proof.to_string().contains(line));
        files.insert(three.clone(), proof.to_string().into_bytes());
    });
    assert!(
        faults(&invented).contains("does not lead"),
        "{}",
        faults(&invented)
    );
    // A disclosure that is hidden, or one of another entry.
    let hidden = forged(|manifest, _| manifest.entries[1].disclosed.clear());
    assert!(faults(&hidden).contains("it discloses other things"));
    let foreign = forged(|_, files| {
        let text = String::from_utf8(files[&three].clone()).unwrap();
        let mut proof: Proof = text.parse().unwrap();
        let mut extra = Extra::decode(proof.extra.as_deref().unwrap()).unwrap();
        extra.disclosures = leaves()[2].disclosed[0].encoded.clone();
        proof.extra = Some(extra.encode().unwrap());
        files.insert(three.clone(), proof.to_string().into_bytes());
    });
    assert!(faults(&foreign).contains("its digest is not in the entry"));
    // Files that come and go.
    let gone = forged(|_, files| drop(files.remove(&three)));
    assert!(faults(&gone).contains("it is missing"));
    let unlisted = forged(|manifest, _| drop(manifest.files.remove(&three)));
    assert!(faults(&unlisted).contains("the manifest does not list it"));
    let more = forged(|_, files| drop(files.insert("run.sh".into(), b"rm".to_vec())));
    assert!(faults(&more).contains("run.sh: the manifest does not list it"));
    // Another log's checkpoint.
    let foreign = Checkpoint {
        origin: "weir.example/gateway-1".into(),
        size: 0,
        root: merkle::empty_root(),
    };
    let foreign = foreign.sign(&signer()).unwrap();
    let other = forged(|_, files| drop(files.insert(CHECKPOINT.into(), foreign.into_bytes())));
    assert!(faults(&other).contains("its checkpoint is not that of the pack"));
}

#[test]
fn what_is_no_pack_is_told_so() {
    assert!(faults(&Pack::default()).contains("manifest.json: it is missing"));
    let mut pack = pack();
    for no_manifest in ["", "{}", "[1]", "{\"v\":2}"] {
        pack.files.insert(MANIFEST.into(), no_manifest.into());
        assert!(
            faults(&pack).contains("it is not a manifest"),
            "{no_manifest}"
        );
    }
}
