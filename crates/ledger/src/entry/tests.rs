use super::*;
use crate::event::tests::intent;
use crate::event::{Gap, GapCause};
use crate::verify;

const AT: u64 = 1_795_215_000_123_456_789;

fn salts(event: &Event) -> Vec<u8> {
    (0..Draft::salt_bytes(event)).map(|n| n as u8).collect()
}

#[test]
fn an_entry_is_these_bytes() {
    let gap = Gap {
        cause: GapCause::Crash,
        epoch: 2,
        from: Sequence(7),
        dropped_bytes: 0,
        refused: 0,
        outage_ms: None,
        fault: None,
    };
    let event = Event::from(gap);
    let leaf = leaf(&event, Sequence(8), AT, &salts(&event)).unwrap();
    assert_eq!(
        String::from_utf8(leaf.bytes).unwrap(),
        "{\"v\":1,\"seq\":8,\"at\":\"2026-11-20T22:50:00.123456789Z\",\"kind\":\"log.gap\",\
         \"cause\":\"crash\",\"epoch\":2,\"from\":7,\"dropped_bytes\":0,\"refused\":0}"
    );
}

#[test]
fn what_is_read_is_what_was_written_and_disclosures_fit() {
    let event = Event::from(intent());
    let leaf = leaf(&event, Sequence(u64::MAX), AT, &salts(&event)).unwrap();
    let entry = Entry::parse(&leaf.bytes).unwrap();
    assert_eq!(entry.sequence, Sequence(u64::MAX));
    assert_eq!(entry.kind, Kind::Intent);
    assert_eq!(entry.text("decision"), Some("allow"));
    assert_eq!(entry.digests.len(), 2);
    let [disclosed] = leaf.disclosed.as_slice() else {
        panic!()
    };
    let opened = verify::disclosures(&entry, &disclosed.encoded).unwrap();
    assert_eq!(opened[0].name, "text");
    assert_eq!(opened[0].value, "select * from t where id = 'secret'");
    let twice = [disclosed.encoded[0].clone(), disclosed.encoded[0].clone()];
    assert!(verify::disclosures(&entry, &twice).is_err());
}

#[test]
fn too_few_salts_are_refused() {
    let event = Event::from(intent());
    let salts = salts(&event);
    let error = Draft::new(&event, &salts[1..]).unwrap_err();
    assert!(matches!(error, Error::TooLittleRandomness { .. }));
}

#[test]
fn an_entry_that_is_too_long_moves_into_a_disclosure() {
    let mut long = intent();
    long.shape = "ä".repeat(100_000).into();
    let event = Event::from(long);
    let leaf = leaf(&event, Sequence(0), AT, &salts(&event)).unwrap();
    assert!(leaf.bytes.len() <= MAX_LEAF_BYTES);
    let entry = Entry::parse(&leaf.bytes).unwrap();
    assert_eq!(entry.text("shape").unwrap().len(), SHORT_SHAPE_BYTES);
    let opened = verify::disclosures(&entry, &leaf.disclosed[0].encoded).unwrap();
    let whole = opened.iter().find(|one| one.name == "entry").unwrap();
    let whole: serde_json::Value = serde_json::from_str(&whole.value).unwrap();
    assert_eq!(whole["shape"].as_str().unwrap().len(), 200_000);
}

#[test]
fn prefix_is_never_longer_than_said() {
    let mut out = Vec::new();
    write_prefix(Sequence(u64::MAX), u64::MAX, &mut out).unwrap();
    assert_eq!(out.len(), MAX_PREFIX_BYTES);
    assert!(write_prefix(Sequence(u64::MAX), AT, &mut [0; 20].as_mut_slice()).is_err());
}
