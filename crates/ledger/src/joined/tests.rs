use super::*;
use crate::Event;
use crate::entry::{Draft, leaf};
use crate::event::tests::intent;
use crate::event::{
    CloseReason, Intent, LogOpen, Outcome, OutcomeStatus, PrincipalKind, SessionClose, SessionOpen,
    Verdict,
};

fn read(sequence: u64, event: impl Into<Event>) -> Read {
    let event = event.into();
    let salts = vec![0; Draft::salt_bytes(&event)];
    let leaf = leaf(&event, Sequence(sequence), 1_000_000_000 + sequence, &salts).unwrap();
    Read::parse(&leaf.bytes).unwrap()
}

fn open(session: &str) -> SessionOpen {
    SessionOpen {
        session: session.into(),
        principal: "helper".into(),
        principal_kind: PrincipalKind::Agent,
        on_behalf_of: Some("alice".into()),
        target: "app".into(),
        environment: "prod".into(),
        tls: None,
        protocol: "postgresql/3.0".into(),
        key: "k1".into(),
        address: None,
        application: None,
    }
}

fn close(session: &str) -> SessionClose {
    SessionClose {
        session: session.into(),
        reason: CloseReason::Terminated,
        statements: 1,
        refused: 0,
        rows: 0,
        bytes: 0,
        masked_cells: 0,
        duration_ms: 1,
    }
}

fn asks(session: &str, decision: Verdict) -> Intent {
    Intent {
        session: session.into(),
        decision,
        ..intent()
    }
}

fn ended(intent: u64) -> Outcome {
    Outcome {
        intent: Sequence(intent),
        session: None,
        status: OutcomeStatus::Ok,
        sqlstate: None,
        rows: 1,
        bytes: 1,
        masked: Vec::new(),
        duration_us: 1,
    }
}

/// What is told: place of the entry, of its intent, of its session's opening.
type Told = (u64, Option<u64>, Option<u64>);

fn told(joined: &Joined) -> Told {
    let place = |read: &Arc<Read>| read.entry.sequence.0;
    let (intent, session) = (joined.intent.as_ref(), joined.session.as_ref());
    (place(&joined.told), intent.map(place), session.map(place))
}

#[test]
fn a_statement_is_told_once_when_it_ends_or_is_refused() {
    let mut join = Join::default();
    let mut all = Vec::new();
    for read in [
        read(0, open("s")),
        read(1, asks("s", Verdict::Allow)),
        read(2, asks("s", Verdict::Deny)),
        read(3, ended(1)),
        read(4, close("s")),
    ] {
        assert_eq!(join.misses(&read.entry), None);
        all.extend(join.take(read).as_ref().map(told));
    }
    let expected: [Told; 4] = [
        (0, None, Some(0)),
        (2, None, Some(0)),
        (3, Some(1), Some(0)),
        (4, None, Some(0)),
    ];
    assert_eq!(all, expected);
    assert_eq!(join.open(), []);
}

#[test]
fn what_is_open_is_all_that_is_needed_to_go_on() {
    let mut join = Join::default();
    for read in [
        read(0, open("s")),
        read(1, open("t")),
        read(2, asks("s", Verdict::Allow)),
        read(3, close("t")),
    ] {
        join.take(read);
    }
    assert_eq!(join.open(), [0, 2].map(Sequence));
    let mut resumed = Join::default();
    resumed.remember(read(0, open("s")));
    assert_eq!(
        resumed.misses(&read(4, ended(2)).entry),
        Some(Sequence(2)),
        "an intent that was not remembered is asked for"
    );
    resumed.remember(read(2, asks("s", Verdict::Allow)));
    let one = resumed.take(read(4, ended(2))).unwrap();
    assert_eq!(told(&one), (4, Some(2), Some(0)));
}

#[test]
fn a_restart_ends_sessions_but_not_before_their_statements_are_told() {
    let mut join = Join::default();
    for read in [
        read(0, open("s")),
        read(1, open("idle")),
        read(2, asks("s", Verdict::Allow)),
    ] {
        join.take(read);
    }
    let opened = LogOpen {
        origin: "weir.local".into(),
        vkey: String::new(),
        epoch: 2,
        version: "1".into(),
        previous: None,
    };
    join.take(read(3, opened.clone()));
    assert_eq!(join.open(), [0, 2].map(Sequence));
    let one = join.take(read(4, ended(2))).unwrap();
    assert_eq!(told(&one), (4, Some(2), Some(0)));
    join.take(read(5, opened));
    assert_eq!(join.open(), []);
}

#[test]
fn intents_beyond_the_bound_are_forgotten_and_asked_for_again() {
    let mut join = Join::default();
    let long = Intent {
        shape: "x".repeat(60_000).into(),
        ..asks("s", Verdict::Allow)
    };
    for sequence in 0..400 {
        join.take(read(sequence, long.clone()));
        assert!(join.bytes <= REMEMBERED_BYTES);
    }
    assert!(join.open().len() < 400);
    assert_eq!(join.misses(&read(400, ended(0)).entry), Some(Sequence(0)));
    assert_eq!(join.misses(&read(400, ended(399)).entry), None);
    for sequence in 0..400 {
        let ended = read(400 + sequence, ended(sequence));
        if join.misses(&ended.entry).is_some() {
            join.remember(read(sequence, long.clone()));
        }
        assert_eq!(told(&join.take(ended).unwrap()).1, Some(sequence));
    }
    assert_eq!(join.bytes, 0);
}
