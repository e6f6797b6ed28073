//! Messages as lines of text, both roles.
//!
//! Client: `Q text`, `P name|text`, `B portal|statement|formats` (`t`, `b`),
//! `D S name`, `D P name`, `E portal|rows`, `C S name`, `C P name`, `H`, `S`,
//! `X`, `F`, `d data`, `c`, `f reason`, `raw hex`.
//!
//! Server: `T name@table.attribute:type …`, `D value|value` (`~` is NULL),
//! `C tag`, `Z I`, `1`, `2`, `3`, `n`, `s`, `I`, `E code text`, `N code text`,
//! `A channel payload`, `G columns`, `H columns`, `d data`, `c`, `K name value`,
//! `t`, `raw hex`.

use bytes::BytesMut;
use wire::postgres::{self as pg, Backend, DescribeKind, Field, Format, Frontend, encode};

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n").replace("\\t", "\t")
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(&digits[i * 2..i * 2 + 2], 16).unwrap())
        .collect()
}

fn kind(word: &str) -> DescribeKind {
    match word {
        "S" => DescribeKind::Statement,
        "P" => DescribeKind::Portal,
        other => panic!("{other} is neither S nor P"),
    }
}

/// A client's message.
pub(crate) fn client(line: &str, out: &mut BytesMut) {
    let (tag, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = rest.split('|');
    let mut part = || parts.next().unwrap_or("");
    match tag {
        "Q" => encode::query(out, rest).unwrap(),
        "P" => {
            let (name, text) = rest.split_once('|').unwrap();
            encode::parse(out, name, text, []).unwrap();
        }
        "B" => {
            let (portal, statement, formats) = (part(), part(), part());
            let formats = formats.chars().map(|c| match c {
                'b' => Format::Binary,
                _ => Format::Text,
            });
            encode::bind(out, portal, statement, [], [], formats).unwrap();
        }
        "D" => {
            let (which, name) = rest.split_once(' ').unwrap_or((rest, ""));
            encode::describe(out, kind(which), name).unwrap();
        }
        "C" => {
            let (which, name) = rest.split_once(' ').unwrap_or((rest, ""));
            encode::close(out, kind(which), name).unwrap();
        }
        "E" => {
            let (portal, rows) = (part(), part());
            encode::execute(out, portal, rows.parse().unwrap_or(0)).unwrap();
        }
        "H" => encode::flush(out),
        "S" => encode::sync(out),
        "X" => encode::terminate(out),
        "F" => out.extend_from_slice(&hex("46 0000000e 00000001 0000 0000 0000")),
        "d" => encode::copy_data(out, unescaped(rest).as_bytes()).unwrap(),
        "c" => encode::copy_done(out),
        "f" => encode::copy_fail(out, rest.as_bytes()).unwrap(),
        "raw" => out.extend_from_slice(&hex(rest)),
        other => panic!("no client message {other:?}"),
    }
}

/// A server's message.
pub(crate) fn server(line: &str, out: &mut BytesMut) {
    let (tag, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (word, more) = rest.split_once(' ').unwrap_or((rest, ""));
    match tag {
        "T" => {
            let fields: Vec<(&str, u32, i16, u32)> = rest
                .split_whitespace()
                .map(|column| {
                    let (name, origin) = column.split_once('@').unwrap();
                    let (origin, type_oid) = origin.split_once(':').unwrap();
                    let (table, attribute) = origin.split_once('.').unwrap();
                    let number = |text: &str| text.parse::<u32>().unwrap();
                    (
                        name,
                        number(table),
                        attribute.parse().unwrap(),
                        number(type_oid),
                    )
                })
                .collect();
            description(out, fields, &[]);
        }
        "D" => row(
            out,
            &rest
                .split('|')
                .map(|v| (v != "~").then(|| v.as_bytes().to_vec()))
                .collect::<Vec<_>>(),
        ),
        "C" => encode::command_complete(out, rest.as_bytes()),
        "Z" => encode::ready_for_query(
            out,
            match rest {
                "I" => pg::TransactionStatus::Idle,
                "T" => pg::TransactionStatus::InTransaction,
                _ => pg::TransactionStatus::Failed,
            },
        ),
        "1" => encode::parse_complete(out),
        "2" => encode::bind_complete(out),
        "3" => encode::close_complete(out),
        "n" => encode::no_data(out),
        "s" => encode::portal_suspended(out),
        "I" => encode::empty_query_response(out),
        "E" => encode::error_response(
            out,
            &pg::ErrorFields {
                detail: Some("detail with value secret@raw"),
                ..pg::ErrorFields::error(word, more)
            },
        ),
        "FATAL" => encode::error_response(out, &pg::ErrorFields::fatal(word, more)),
        "N" => encode::notice_response(out, &pg::ErrorFields::new("NOTICE", word, more)),
        "A" => encode::notification_response(out, 1, word.as_bytes(), more.as_bytes()),
        "G" | "H" => {
            let columns = vec![Format::Text; rest.parse().unwrap()];
            if tag == "G" {
                encode::copy_in_response(out, Format::Text, columns).unwrap();
            } else {
                encode::copy_out_response(out, Format::Text, columns).unwrap();
            }
        }
        "d" => encode::copy_data(out, unescaped(rest).as_bytes()).unwrap(),
        "c" => encode::copy_done(out),
        "K" => encode::parameter_status(out, word.as_bytes(), more.as_bytes()),
        "t" => encode::parameter_description(out, []).unwrap(),
        "raw" => out.extend_from_slice(&hex(rest)),
        other => panic!("no server message {other:?}"),
    }
}

/// A RowDescription of (name, table, attribute, type) columns.
pub(crate) fn description<'a>(
    out: &mut BytesMut,
    fields: impl IntoIterator<Item = (&'a str, u32, i16, u32)>,
    formats: &[Format],
) {
    let fields =
        fields
            .into_iter()
            .enumerate()
            .map(|(i, (name, table_oid, attribute, type_oid))| Field {
                name: name.as_bytes(),
                table_oid,
                attribute,
                type_oid,
                type_size: if type_oid == 23 { 4 } else { -1 },
                type_modifier: -1,
                format: match formats {
                    [] => Format::Text,
                    [one] => *one,
                    many => many[i],
                },
            });
    encode::row_description(out, fields).unwrap();
}

pub(crate) fn row(out: &mut BytesMut, values: &[Option<Vec<u8>>]) {
    encode::data_row(out, values.iter().map(Option::as_deref)).unwrap();
}

/// Splits a stream into messages; what is incomplete stays.
pub(crate) fn frames(input: &mut BytesMut) -> Vec<BytesMut> {
    let mut found = Vec::new();
    while let Some((_, length)) = pg::header(input) {
        if length > input.len() {
            break;
        }
        found.push(input.split_to(length));
    }
    found
}

fn value(bytes: Option<&[u8]>) -> String {
    bytes.map_or("~".into(), |bytes| bytes.escape_ascii().to_string())
}

/// A client's message, read back.
pub(crate) fn show_client(raw: &[u8]) -> String {
    let frame = pg::frame(raw, usize::MAX >> 1).unwrap().unwrap();
    match pg::frontend(&frame).unwrap() {
        Frontend::Query(text) => format!("Q {text}"),
        Frontend::Parse { name, text, .. } => format!("P {name}|{text}"),
        Frontend::Bind(bind) => format!("B {}|{}", bind.portal, bind.statement),
        Frontend::Describe { kind, name } => format!("D {} {name}", char::from(kind.code())),
        Frontend::Close { kind, name } => format!("C {} {name}", char::from(kind.code())),
        Frontend::Execute { portal, max_rows } => format!("E {portal}|{max_rows}"),
        Frontend::Flush => "H".into(),
        Frontend::Sync => "S".into(),
        Frontend::CopyData(data) => format!("d {}", data.escape_ascii()),
        Frontend::CopyDone => "c".into(),
        Frontend::CopyFail(why) => format!("f {}", why.escape_ascii()),
        Frontend::FunctionCall(_) => "F".into(),
        Frontend::Password(_) => "p".into(),
        Frontend::Terminate => "X".into(),
    }
}

/// A server's message, read back.
pub(crate) fn show_server(raw: &[u8]) -> String {
    let frame = pg::frame(raw, usize::MAX >> 1).unwrap().unwrap();
    match pg::backend(&frame).unwrap() {
        Backend::RowDescription(description) => {
            let columns: Vec<String> = description
                .fields()
                .map(|f| String::from_utf8_lossy(f.name).into_owned())
                .collect();
            format!("T {}", columns.join(" "))
        }
        Backend::DataRow(row) => {
            format!("D {}", row.iter().map(value).collect::<Vec<_>>().join("|"))
        }
        Backend::CommandComplete(tag) => format!("C {}", tag.escape_ascii()),
        Backend::ReadyForQuery(status) => format!("Z {}", char::from(status.code())),
        Backend::ParseComplete => "1".into(),
        Backend::BindComplete => "2".into(),
        Backend::CloseComplete => "3".into(),
        Backend::NoData => "n".into(),
        Backend::PortalSuspended => "s".into(),
        Backend::EmptyQueryResponse => "I".into(),
        Backend::ErrorResponse(fields) => format!(
            "{} {}",
            if fields.get(b'V') == Some(b"FATAL") {
                "FATAL"
            } else {
                "E"
            },
            fault(&fields)
        ),
        Backend::NoticeResponse(fields) => format!("N {}", fault(&fields)),
        Backend::NotificationResponse {
            channel, payload, ..
        } => {
            format!("A {} {}", channel.escape_ascii(), payload.escape_ascii())
        }
        Backend::CopyInResponse(_) => "G".into(),
        Backend::CopyOutResponse(_) => "H".into(),
        Backend::CopyData(data) => format!("d {}", data.escape_ascii()),
        Backend::CopyDone => "c".into(),
        Backend::ParameterStatus { name, value } => {
            format!("K {} {}", name.escape_ascii(), value.escape_ascii())
        }
        Backend::ParameterDescription(types) => format!("t {}", types.len()),
        other => format!("{other:?}"),
    }
}

/// SQLSTATE and text; of a refusal the rule.
fn fault(fields: &pg::Fields<'_>) -> String {
    let text = |code: u8| {
        fields
            .get(code)
            .map(|v| String::from_utf8_lossy(v).into_owned())
            .unwrap_or_default()
    };
    let detail = text(b'D');
    match detail
        .split("\"rule\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
    {
        Some(rule) => format!("{} <{rule}>", text(b'C')),
        None if detail.is_empty() => format!("{} {}", text(b'C'), text(b'M')),
        None => format!("{} {} ({detail})", text(b'C'), text(b'M')),
    }
}
