use super::*;
use crate::entry::{Entry, leaf};
use crate::event::tests::intent;
use crate::event::{LogClose, Outcome, OutcomeStatus};
use crate::{Draft, Event};

fn bytes(event: impl Into<Event>) -> Vec<u8> {
    let event = event.into();
    let salts: Vec<u8> = (0..Draft::salt_bytes(&event)).map(|n| n as u8).collect();
    leaf(&event, Sequence(17), 1_795_215_000_123_456_789, &salts)
        .unwrap()
        .bytes
}

fn outcome() -> Outcome {
    Outcome {
        intent: Sequence(16),
        session: None,
        status: OutcomeStatus::Ok,
        sqlstate: None,
        rows: 1,
        bytes: 10,
        masked: Vec::new(),
        duration_us: 5,
    }
}

fn samples() -> Vec<Vec<u8>> {
    vec![
        bytes(intent()),
        bytes(outcome()),
        bytes(LogClose {
            epoch: 1,
            refused: 0,
        }),
    ]
}

#[test]
fn it_is_what_parsing_finds() {
    for leaf in samples() {
        let head = Head::read(&leaf).unwrap();
        let entry = Entry::parse(&leaf).unwrap();
        assert_eq!(
            (head.sequence, head.at, head.kind),
            (entry.sequence, entry.at.as_str(), entry.kind)
        );
        let digests: Vec<_> = entry.digests.iter().map(String::as_bytes).collect();
        assert_eq!(head.digests().collect::<Vec<_>>(), digests);
    }
}

#[test]
fn fields_are_found_and_words_inside_of_texts_are_not() {
    let mut event = intent();
    event.shape = "select ',\"decision\":\"allow\"', ',\"decision\":\"deny\"'".into();
    event.decision = crate::event::Verdict::Deny;
    let leaf = bytes(event);
    let head = Head::read(&leaf).unwrap();
    assert!(!head.is_allowed());
    assert_eq!(head.outcome_of(), None);
    assert!(Head::read(&bytes(intent())).unwrap().is_allowed());
    let leaf = bytes(outcome());
    let head = Head::read(&leaf).unwrap();
    assert_eq!(head.outcome_of(), Some(Sequence(16)));
    assert!(!head.is_allowed());
}

/// Whatever is altered, it reads what parsing reads, or leaves it to parsing.
#[test]
fn an_altered_entry_is_read_as_parsing_reads_it_or_not_at_all() {
    for leaf in samples() {
        for position in 0..leaf.len() {
            for to in [b'"', b'}', b']', b',', b'0', b'\\', leaf[position] ^ 1] {
                let mut leaf = leaf.clone();
                leaf[position] = to;
                let (Some(head), Ok(entry)) = (Head::read(&leaf), Entry::parse(&leaf)) else {
                    continue;
                };
                assert_eq!(
                    (head.sequence, head.kind),
                    (entry.sequence, entry.kind),
                    "{position}"
                );
                let digests: Vec<_> = entry.digests.iter().map(String::as_bytes).collect();
                assert_eq!(head.digests().collect::<Vec<_>>(), digests, "{position}");
            }
        }
    }
}
