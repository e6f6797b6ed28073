//! Bytes recorded between real clients and servers: psql 15, psql 18 (protocol
//! 3.2) and pgbench 15 with PostgreSQL 15 and 18, over a throw-away password.

use std::fmt::Write as _;
use std::path::Path;

use expect_test::{Expect, expect};
use wire::postgres::{
    Backend, FirstMessage, Frame, Frontend, Limits, ProtocolVersion, backend, first_message, frame,
    frontend,
};

use crate::checks;

pub(crate) fn capture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/captures");
    std::fs::read(folder.join(name)).unwrap()
}

/// Reads a stream as it grows by one byte at a time.
fn frames(stream: &[u8], mut each: impl FnMut(Frame<'_>)) {
    let mut start = 0;
    for end in 0..=stream.len() {
        if let Some(found) = frame(&stream[start..end], 1 << 20).unwrap() {
            assert_eq!(start + found.raw.len(), end);
            each(found);
            start = end;
        }
    }
    assert_eq!(start, stream.len());
}

/// One line per message; how often, when it repeats.
#[derive(Default)]
struct Shown {
    lines: Vec<(String, usize)>,
}

impl Shown {
    fn push(&mut self, line: String) {
        match self.lines.last_mut() {
            Some((last, times)) if *last == line => *times += 1,
            _ => self.lines.push((line, 1)),
        }
    }

    fn check(self, expected: &Expect) {
        let mut text = String::new();
        for (line, times) in self.lines {
            match times {
                1 => writeln!(text, "{line}").unwrap(),
                _ => writeln!(text, "{line} × {times}").unwrap(),
            }
        }
        expected.assert_eq(&text);
    }
}

fn check_server(name: &str, expected: &Expect) {
    let mut shown = Shown::default();
    frames(&capture(name), |found| {
        let message = backend(&found).unwrap();
        if let Some(again) = checks::backend::encoded(&message) {
            assert_eq!(again, found.raw, "{message:?}");
        }
        shown.push(match &message {
            Backend::ParameterStatus { .. } => "ParameterStatus".to_owned(),
            Backend::BackendKeyData { secret, .. } => format!("BackendKeyData({})", secret.len()),
            message => format!("{message:?}"),
        });
    });
    shown.check(expected);
}

fn check_client(name: &str, expected: &Expect) {
    let stream = capture(name);
    let mut shown = Shown::default();
    let (_, first) = first_message(&stream, &Limits::default()).unwrap().unwrap();
    checks::frontend::check(&stream[..first]);
    frames(&stream[first..], |found| {
        let message = frontend(&found).unwrap();
        assert_eq!(checks::frontend::encoded(&message).unwrap(), found.raw);
        shown.push(format!("{message:?}"));
    });
    shown.check(expected);
}

#[test]
fn psql_15() {
    check_client(
        "psql15.client.bin",
        &expect![[r#"
        Password × 2
        Query(85 bytes)
        Query(69 bytes)
        Query(108 bytes)
        Query(22 bytes)
        Query(64 bytes)
        Query(23 bytes)
        CopyData(43 bytes)
        CopyDone
        Query(44 bytes)
        Query(36 bytes)
        Query(12 bytes)
        Query(23 bytes)
        Query(1 bytes)
        Query(6 bytes)
        Query(11 bytes)
        Query(9 bytes) × 2
        Query(27 bytes)
        Terminate
    "#]],
    );
    check_server(
        "psql15.server.bin",
        &expect![[r#"
            Authentication(Sasl)
            Authentication(SaslContinue)
            Authentication(SaslFinal)
            Authentication(Ok)
            ParameterStatus × 13
            BackendKeyData(4)
            ReadyForQuery(Idle)
            RowDescription(4 columns)
            DataRow(4 columns)
            CommandComplete(SELECT 1)
            ReadyForQuery(Idle)
            CommandComplete(CREATE TABLE)
            ReadyForQuery(Idle)
            CommandComplete(INSERT 0 3)
            ReadyForQuery(Idle)
            CopyOutResponse(Text, 3 columns)
            CopyData(28 bytes)
            CopyData(26 bytes)
            CopyData(7 bytes)
            CopyDone
            CommandComplete(COPY 3)
            ReadyForQuery(Idle)
            CopyOutResponse(Text, 3 columns)
            CopyData(14 bytes)
            CopyData(29 bytes)
            CopyData(27 bytes)
            CopyData(8 bytes)
            CopyDone
            CommandComplete(COPY 3)
            ReadyForQuery(Idle)
            CopyInResponse(Text, 3 columns)
            CommandComplete(COPY 2)
            ReadyForQuery(Idle)
            NoticeResponse(Fields(00000))
            CommandComplete(DO)
            ReadyForQuery(Idle)
            ErrorResponse(Fields(22P02))
            ReadyForQuery(Idle)
            CommandComplete(LISTEN)
            ReadyForQuery(Idle)
            CommandComplete(NOTIFY)
            NotificationResponse(27151)
            ReadyForQuery(Idle)
            EmptyQueryResponse
            ReadyForQuery(Idle)
            CommandComplete(BEGIN)
            ReadyForQuery(InTransaction)
            ErrorResponse(Fields(22012))
            ReadyForQuery(Failed)
            ErrorResponse(Fields(25P02))
            ReadyForQuery(Failed)
            CommandComplete(ROLLBACK)
            ReadyForQuery(Idle)
            RowDescription(0 columns)
            DataRow(0 columns) × 2
            CommandComplete(SELECT 2)
            ReadyForQuery(Idle)
        "#]],
    );
}

#[test]
fn pgbench_prepared() {
    check_client(
        "pgbench15.client.bin",
        &expect![[r#"
        Password × 2
        Parse("P_0", 6 bytes)
        Sync
        Bind { portal: "", statement: "P_0", parameters: 0, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_1", 68 bytes)
        Sync
        Bind { portal: "", statement: "P_1", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_2", 53 bytes)
        Sync
        Bind { portal: "", statement: "P_2", parameters: 1, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_3", 67 bytes)
        Sync
        Bind { portal: "", statement: "P_3", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_4", 68 bytes)
        Sync
        Bind { portal: "", statement: "P_4", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_5", 101 bytes)
        Sync
        Bind { portal: "", statement: "P_5", parameters: 4, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("P_6", 4 bytes)
        Sync
        Bind { portal: "", statement: "P_6", parameters: 0, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_0", parameters: 0, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_1", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_2", parameters: 1, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_3", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_4", parameters: 2, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_5", parameters: 4, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Bind { portal: "", statement: "P_6", parameters: 0, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Terminate
    "#]],
    );
    check_server(
        "pgbench15.server.bin",
        &expect![[r#"
        Authentication(Sasl)
        Authentication(SaslContinue)
        Authentication(SaslFinal)
        Authentication(Ok)
        ParameterStatus × 13
        BackendKeyData(4)
        ReadyForQuery(Idle)
        ParseComplete
        ReadyForQuery(Idle)
        BindComplete
        NoData
        CommandComplete(BEGIN)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        RowDescription(1 columns)
        DataRow(1 columns)
        CommandComplete(SELECT 1)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(INSERT 0 1)
        ReadyForQuery(InTransaction)
        ParseComplete
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(COMMIT)
        ReadyForQuery(Idle)
        BindComplete
        NoData
        CommandComplete(BEGIN)
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        BindComplete
        RowDescription(1 columns)
        DataRow(1 columns)
        CommandComplete(SELECT 1)
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(UPDATE 1)
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(INSERT 0 1)
        ReadyForQuery(InTransaction)
        BindComplete
        NoData
        CommandComplete(COMMIT)
        ReadyForQuery(Idle)
    "#]],
    );
}

#[test]
fn psql_18_pipeline_in_protocol_3_2() {
    let stream = capture("psql18.client.bin");
    let (first, _) = first_message(&stream, &Limits::default()).unwrap().unwrap();
    let FirstMessage::Startup(startup) = first else {
        panic!("{first:?}");
    };
    assert_eq!(startup.version, ProtocolVersion::V3_2);
    assert_eq!(startup.parameter("user"), Some("ada"));
    check_client(
        "psql18.client.bin",
        &expect![[r#"
        Password × 2
        Parse("", 50 bytes)
        Bind { portal: "", statement: "", parameters: 3, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("", 17 bytes)
        Bind { portal: "", statement: "", parameters: 1, .. }
        Describe(Portal, "")
        Execute("", 0)
        Parse("", 17 bytes)
        Bind { portal: "", statement: "", parameters: 1, .. }
        Describe(Portal, "")
        Execute("", 0)
        Sync
        Parse("p3", 9 bytes)
        Bind { portal: "", statement: "p3", parameters: 0, .. }
        Describe(Portal, "")
        Execute("", 0)
        Close(Statement, "p3")
        Sync
        Query(73 bytes)
        Terminate
    "#]],
    );
    check_server(
        "psql18.server.bin",
        &expect![[r#"
            Authentication(Sasl)
            Authentication(SaslContinue)
            Authentication(SaslFinal)
            Authentication(Ok)
            ParameterStatus × 15
            BackendKeyData(32)
            ReadyForQuery(Idle)
            ParseComplete
            BindComplete
            RowDescription(2 columns)
            DataRow(2 columns)
            CommandComplete(SELECT 1)
            ReadyForQuery(Idle)
            ParseComplete
            BindComplete
            RowDescription(1 columns)
            DataRow(1 columns)
            CommandComplete(SELECT 1)
            ParseComplete
            ErrorResponse(Fields(22012))
            ReadyForQuery(Idle)
            ParseComplete
            BindComplete
            RowDescription(1 columns)
            DataRow(1 columns)
            CommandComplete(SELECT 1)
            CloseComplete
            ReadyForQuery(Idle)
            CopyOutResponse(Text, 3 columns)
            CopyData(27 bytes)
            CopyData(20 bytes)
            CopyDone
            CommandComplete(COPY 1)
            ReadyForQuery(Idle)
        "#]],
    );
}

#[test]
fn cancel_request_with_a_long_key() {
    let stream = capture("cancel18.client.bin");
    checks::frontend::check(&stream);
    let (first, taken) = first_message(&stream, &Limits::default()).unwrap().unwrap();
    let FirstMessage::Cancel(cancel) = first else {
        panic!("{first:?}");
    };
    assert_eq!((cancel.secret.len(), taken), (32, stream.len()));
}

/// A server of protocol 3.0 sends its whole version code, not a minor version.
#[test]
fn negotiate_protocol_version() {
    let stream = capture("negotiate15.server.bin");
    let found = frame(&stream, 1 << 20).unwrap().unwrap();
    let Ok(Backend::NegotiateProtocolVersion {
        minor,
        unrecognized,
    }) = backend(&found)
    else {
        panic!("{found:?}");
    };
    assert_eq!(minor, 0);
    assert_eq!(unrecognized.iter().collect::<Vec<_>>(), [b"_pq_.weir"]);
    check_server(
        "negotiate15.server.bin",
        &expect![[r#"
        NegotiateProtocolVersion(0)
        Authentication(Sasl)
    "#]],
    );
}

/// Values of a Bind and a DataRow as psql 18 and the server sent them.
#[test]
fn values_in_binds_and_rows() {
    let stream = capture("psql18.client.bin");
    let (_, first) = first_message(&stream, &Limits::default()).unwrap().unwrap();
    let mut binds = Vec::new();
    frames(&stream[first..], |found| {
        if let Ok(Frontend::Bind(bind)) = frontend(&found) {
            let values = bind
                .parameters()
                .map(|value| value.unwrap().escape_ascii().to_string());
            binds.push(values.collect::<Vec<_>>().join(","));
        }
    });
    assert_eq!(binds, [r"1,2,it\'s", r"\\x00ff", "0", ""]);

    let mut rows = Vec::new();
    frames(&capture("psql18.server.bin"), |found| {
        if let Ok(Backend::DataRow(row)) = backend(&found) {
            let values = row
                .iter()
                .map(|value| value.unwrap().escape_ascii().to_string());
            rows.push(values.collect::<Vec<_>>().join(","));
        }
    });
    assert_eq!(rows[0], r"3,it\'s");
}
