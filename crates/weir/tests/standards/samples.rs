//! A log with every kind of entry, and statements of every sort.

use ledger::days::Days;
use ledger::entry::{Draft, leaf};
use ledger::event::*;
use ledger::{Event, Sequence};

const AT: u64 = 1_795_215_000_123_456_789;

/// The leaves of the log.
pub(crate) fn log() -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    let mut add = |event: Event| {
        let sequence = leaves.len() as u64;
        let salts = vec![7; Draft::salt_bytes(&event)];
        let leaf = leaf(
            &event,
            Sequence(sequence),
            AT + sequence * 1_000_000,
            &salts,
        )
        .unwrap();
        leaves.push(leaf.bytes);
        sequence
    };
    for event in of_the_log() {
        add(event);
    }
    for event in of_operators() {
        add(event);
    }
    for event in of_strangers() {
        add(event);
    }
    for (session, kind) in [
        ("s-human", PrincipalKind::Human),
        ("s-agent", PrincipalKind::Agent),
        ("s-workload", PrincipalKind::Workload),
    ] {
        add(open(session, kind).into());
        for (number, (command, verbs, decision)) in STATEMENTS.iter().enumerate() {
            let intent = add(intent(session, number as u64 + 1, command, verbs, *decision).into());
            if *decision == Verdict::Allow {
                let status = STATUSES[number % STATUSES.len()];
                add(outcome(intent, status).into());
            }
        }
        let cancel = Cancel {
            session: session.into(),
            intent: None,
            by: CancelledBy::Client,
        };
        add(cancel.into());
        for reason in [CloseReason::Terminated, CloseReason::Revoked] {
            add(close(session, reason).into());
        }
    }
    leaves
}

/// Command, verbs, decision.
pub(crate) const STATEMENTS: &[(&str, &[&str], Verdict)] = &[
    ("SELECT", &["read"], Verdict::Allow),
    ("SELECT", &["read", "insert"], Verdict::Allow),
    ("INSERT", &["insert"], Verdict::Allow),
    ("UPDATE", &["read", "update"], Verdict::Allow),
    ("DELETE", &["delete"], Verdict::Deny),
    ("DROP TABLE", &["drop"], Verdict::Deny),
    ("TRUNCATE TABLE", &["truncate"], Verdict::Deny),
    ("COPY", &["export"], Verdict::Deny),
    ("COPY", &["insert"], Verdict::Allow),
    ("CREATE TABLE", &["create"], Verdict::Allow),
    ("SHOW", &[], Verdict::Allow),
    ("BEGIN", &[], Verdict::Allow),
    ("OPAQUE", &[], Verdict::Deny),
    ("SELECT", &["read"], Verdict::Ask),
    ("ALTER TABLE", &["alter"], Verdict::Allow),
];

const STATUSES: &[OutcomeStatus] = &[
    OutcomeStatus::Ok,
    OutcomeStatus::Error,
    OutcomeStatus::Refused,
    OutcomeStatus::Cancelled,
    OutcomeStatus::NotExecuted,
    OutcomeStatus::Partial,
    OutcomeStatus::Unknown,
];

pub(crate) fn intent(
    session: &str,
    number: u64,
    command: &'static str,
    verbs: &[&'static str],
    decision: Verdict,
) -> Intent {
    let shape = format!("{} $1", command.to_lowercase());
    Intent {
        session: session.into(),
        statement: number,
        principal: "p1".into(),
        target: "shop".into(),
        command: command.into(),
        shape_hash: shape_hash(&shape).into(),
        shape: shape.into(),
        objects: verbs
            .iter()
            .enumerate()
            .map(|(n, verb)| ObjectUse {
                verb: (*verb).into(),
                name: format!("public.t{}", n % 2).into(),
            })
            .collect(),
        columns: vec![ColumnUse {
            column: "public.t0.email".into(),
            label: "email".into(),
            usage: "projected".into(),
        }]
        .into(),
        decision,
        rules: vec!["engineers-read-write".into()].into(),
        observed: if number == 3 {
            vec!["prod-no-destroy".into()].into()
        } else {
            Vec::new().into()
        },
        opaque: command == "OPAQUE",
        policy: "sha256:9".into(),
        masks: if number == 1 {
            vec!["email".into()].into()
        } else {
            Vec::new().into()
        },
        degraded: Vec::new().into(),
        row_cap: (number == 4).then_some(1000),
        encoded: Encoded::default(),
        text: Some("select 'secret'".into()),
        prepared: None,
        parameters: None,
        purpose: None,
        task: None,
        run: None,
        traceparent: None,
    }
}

pub(crate) fn outcome(intent: u64, status: OutcomeStatus) -> Outcome {
    Outcome {
        intent: Sequence(intent),
        session: None,
        status,
        sqlstate: (status == OutcomeStatus::Error).then(|| "42P01".into()),
        rows: 3,
        bytes: 120,
        masked: vec![MaskedCells {
            label: "email".into(),
            cells: 3,
        }],
        duration_us: 41_500,
    }
}

pub(crate) fn open(session: &str, kind: PrincipalKind) -> SessionOpen {
    SessionOpen {
        session: session.into(),
        principal: "p1".into(),
        principal_kind: kind,
        on_behalf_of: (kind == PrincipalKind::Agent).then(|| "alice".into()),
        target: "shop".into(),
        environment: "prod".into(),
        tls: (kind == PrincipalKind::Human).then(|| Tls {
            version: "TLSv1.3".into(),
            cipher: "TLS_AES_256_GCM_SHA384".into(),
        }),
        protocol: "postgresql/3.0".into(),
        key: "k1".into(),
        address: Some("192.0.2.7".into()),
        application: Some("psql".into()),
    }
}

fn close(session: &str, reason: CloseReason) -> SessionClose {
    SessionClose {
        session: session.into(),
        reason,
        statements: 15,
        refused: 5,
        rows: 30,
        bytes: 1200,
        masked_cells: 3,
        duration_ms: 5000,
    }
}

fn of_the_log() -> Vec<Event> {
    let gap = |cause| Gap {
        cause,
        epoch: 2,
        from: Sequence(7),
        dropped_bytes: 0,
        refused: 1,
        outage_ms: Some(3),
        fault: Some("No space left on device".into()),
    };
    let alarm = |state| StorageAlarm {
        state,
        used_percent: 81,
        available_bytes: 1 << 30,
        reserve: true,
    };
    vec![
        LogOpen {
            origin: "weir.example/prod".into(),
            vkey: "weir.example/prod+00000000+AAAA".into(),
            epoch: 1,
            version: "0.1.0".into(),
            previous: Some(TreeHead {
                size: 1,
                root: "AAAA".into(),
            }),
        }
        .into(),
        LogClose {
            epoch: 1,
            refused: 0,
        }
        .into(),
        gap(GapCause::Crash).into(),
        gap(GapCause::DiskFull).into(),
        LogKey {
            state: KeyState::Added,
            vkey: "weir.example/prod+00000001+AAAA".into(),
            previous: Some("weir.example/prod+00000000+AAAA".into()),
            until_ms: Some(1_797_000_000_000),
        }
        .into(),
        LogKey {
            state: KeyState::Retired,
            vkey: "weir.example/prod+00000000+AAAA".into(),
            previous: None,
            until_ms: Some(1_797_000_000_000),
        }
        .into(),
        ClockStep {
            expected_ns: AT,
            found_ns: AT - 3_600_000_000_000,
            step_ms: -3_600_000,
        }
        .into(),
        alarm(AlarmState::Raised).into(),
        alarm(AlarmState::Cleared).into(),
    ]
}

fn of_operators() -> Vec<Event> {
    vec![
        KeyCreate {
            key: "k1".into(),
            principal: "p1".into(),
            by: None,
            expires_ms: Some(1_795_215_000_123),
        }
        .into(),
        KeyRevoke {
            key: "k1".into(),
            principal: "p1".into(),
            by: Some("admin".into()),
        }
        .into(),
        ConfigChange {
            digest: "00ff".into(),
            previous: None,
            changed: vec!["weir.toml".into()],
        }
        .into(),
        PolicyChange {
            policy: "sha256:9".into(),
            previous: Some("sha256:8".into()),
            policies: 20,
        }
        .into(),
        LabelChange {
            target: "shop".into(),
            column: "public.t0.email".into(),
            label: "email".into(),
            source: LabelSource::Review,
            why: "seen in the form".into(),
            by: Some("admin".into()),
        }
        .into(),
        Erasure {
            subject: "p1".into(),
            days: Days::default(),
            keys: vec!["00".into()],
            ground: "GDPR-17/4711".into(),
            by: None,
        }
        .into(),
        HoldSet {
            hold: "h1".into(),
            subject: Some("p1".into()),
            days: Days::default(),
            reason: "case 4711".into(),
            by: None,
        }
        .into(),
        HoldRelease {
            hold: "h1".into(),
            reason: "closed".into(),
            by: Some("admin".into()),
        }
        .into(),
        EvidenceExport {
            digest: "00ff".into(),
            entries: 2,
            first: Sequence(1),
            last: Sequence(2),
            disclosed: vec!["text".into()],
            reason: "audit 2026".into(),
            by: None,
        }
        .into(),
        RetentionPrune {
            from: Sequence(0),
            below: Sequence(256),
            holds: Vec::new(),
            retention_s: Some(34_560_000),
            by: None,
        }
        .into(),
    ]
}

fn of_strangers() -> Vec<Event> {
    use AuthenticationReason as Reason;
    let mut all: Vec<Event> = Vec::new();
    for reason in [
        Reason::UnknownPrincipal,
        Reason::WrongKey,
        Reason::NotPermitted,
        Reason::ChannelBinding,
        Reason::Timeout,
    ] {
        let known = reason != Reason::UnknownPrincipal;
        all.push(
            AuthenticationFailed {
                reason,
                target_digest: Some("d".into()),
                protocol: "postgresql/3.0".into(),
                principal: known.then(|| "p1".into()),
                user: Some("mallory".into()),
                target: Some("shop".into()),
                address: Some("192.0.2.66".into()),
                application: None,
            }
            .into(),
        );
    }
    for rule in [None, Some("no-search-path".into())] {
        let refused = SessionRefused {
            principal: "p1".into(),
            on_behalf_of: None,
            target: "shop".into(),
            protocol: "postgresql/3.0".into(),
            key: "k1".into(),
            sqlstate: "53300".into(),
            rule,
            address: None,
            application: None,
        };
        all.push(refused.into());
    }
    all
}
