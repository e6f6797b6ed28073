//! Agreement with another implementation, the crate `postgres-protocol`.

use bytes::BytesMut;
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend as theirs, frontend as their_client};
use proptest::prelude::*;
use wire::postgres::{
    DescribeKind, ErrorFields, Field, Format, ProtocolVersion, TransactionStatus, encode,
};

fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..12)
}

fn values() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    prop::collection::vec(prop::option::of(bytes()), 0..6)
}

fn formats(codes: &[bool]) -> Vec<Format> {
    let format = |binary: &bool| {
        if *binary {
            Format::Binary
        } else {
            Format::Text
        }
    };
    codes.iter().map(format).collect()
}

/// Both write the same bytes.
fn same(ours: impl Fn(&mut BytesMut), theirs: impl Fn(&mut BytesMut)) -> Result<(), TestCaseError> {
    let (mut left, mut right) = (BytesMut::new(), BytesMut::new());
    ours(&mut left);
    theirs(&mut right);
    prop_assert_eq!(left, right);
    Ok(())
}

/// What they read of what we write.
fn read(write: impl Fn(&mut BytesMut)) -> theirs::Message {
    let mut out = BytesMut::new();
    write(&mut out);
    let message = theirs::Message::parse(&mut out).unwrap().unwrap();
    assert!(out.is_empty());
    message
}

proptest! {
    #[test]
    fn client_messages(
        (name, sql, oids) in (text(), text(), prop::collection::vec(any::<u32>(), 0..5)),
        (rows, data) in (any::<i32>(), bytes()),
    ) {
        same(|out| encode::query(out, &sql).unwrap(), |out| their_client::query(&sql, out).unwrap())?;
        same(
            |out| encode::parse(out, &name, &sql, oids.iter().copied()).unwrap(),
            |out| their_client::parse(&name, &sql, oids.iter().copied(), out).unwrap(),
        )?;
        for (kind, code) in [(DescribeKind::Statement, b'S'), (DescribeKind::Portal, b'P')] {
            same(
                |out| encode::describe(out, kind, &name).unwrap(),
                |out| their_client::describe(code, &name, out).unwrap(),
            )?;
            same(
                |out| encode::close(out, kind, &name).unwrap(),
                |out| their_client::close(code, &name, out).unwrap(),
            )?;
        }
        same(
            |out| encode::execute(out, &name, rows).unwrap(),
            |out| their_client::execute(&name, rows, out).unwrap(),
        )?;
        same(
            |out| encode::copy_fail(out, name.as_bytes()).unwrap(),
            |out| their_client::copy_fail(&name, out).unwrap(),
        )?;
        same(
            |out| encode::password(out, name.as_bytes()).unwrap(),
            |out| their_client::password_message(name.as_bytes(), out).unwrap(),
        )?;
        same(
            |out| encode::sasl_initial(out, &name, Some(&data)).unwrap(),
            |out| their_client::sasl_initial_response(&name, &data, out).unwrap(),
        )?;
        same(
            |out| encode::sasl_response(out, &data).unwrap(),
            |out| their_client::sasl_response(&data, out).unwrap(),
        )?;
        same(encode::sync, their_client::sync)?;
        same(encode::flush, their_client::flush)?;
        same(encode::terminate, their_client::terminate)?;
        same(encode::copy_done, their_client::copy_done)?;
        same(encode::ssl_request, their_client::ssl_request)?;
        same(
            |out| encode::cancel_request(out, rows, &rows.to_be_bytes()).unwrap(),
            |out| their_client::cancel_request(rows, rows, out),
        )?;
        same(
            |out| encode::startup(out, ProtocolVersion::V3_0, [("user", "ada"), ("x", &*name)]).unwrap(),
            |out| their_client::startup_message([("user", "ada"), ("x", &*name)], out).unwrap(),
        )?;
    }

    #[test]
    fn bind(
        (portal, statement) in (text(), text()),
        parameters in values(),
        (each, results) in (any::<bool>(), prop::collection::vec(any::<bool>(), 0..4)),
    ) {
        let codes: Vec<bool> = (0..if each { parameters.len() } else { 0 }).map(|at| at % 2 == 0).collect();
        let write = |value: &Option<Vec<u8>>, out: &mut BytesMut| match value {
            None => Ok(IsNull::Yes),
            Some(value) => {
                out.extend_from_slice(value);
                Ok(IsNull::No)
            }
        };
        let codes_of = |codes: &[bool]| codes.iter().map(|code| i16::from(*code)).collect::<Vec<_>>();
        same(
            |out| {
                let values = parameters.iter().map(|value| value.as_deref());
                encode::bind(out, &portal, &statement, formats(&codes), values, formats(&results)).unwrap();
            },
            |out| {
                let written = their_client::bind(
                    &portal, &statement, codes_of(&codes), &parameters, write, codes_of(&results), out,
                );
                assert!(written.is_ok());
            },
        )?;
    }

    #[test]
    fn rows(values in values()) {
        use fallible_iterator::FallibleIterator as _;
        let message = read(|out| {
            encode::data_row(out, values.iter().map(|value| value.as_deref())).unwrap();
        });
        let theirs::Message::DataRow(row) = message else { panic!() };
        let mut ranges = row.ranges();
        for value in &values {
            let range = ranges.next().unwrap().unwrap();
            prop_assert_eq!(range.map(|range| &row.buffer()[range]), value.as_deref());
        }
        prop_assert!(ranges.next().unwrap().is_none());
    }

    #[test]
    fn descriptions(
        (name, oid, attribute) in (text(), any::<u32>(), any::<i16>()),
        (size, modifier, oids) in (any::<i16>(), any::<i32>(), prop::collection::vec(any::<u32>(), 0..5)),
    ) {
        use fallible_iterator::FallibleIterator as _;
        let field = Field {
            name: name.as_bytes(),
            table_oid: oid,
            attribute,
            type_oid: !oid,
            type_size: size,
            type_modifier: modifier,
            format: Format::Binary,
        };
        let message = read(|out| encode::row_description(out, [field]).unwrap());
        let theirs::Message::RowDescription(body) = message else { panic!() };
        let mut fields = body.fields();
        let read_field = fields.next().unwrap().unwrap();
        prop_assert_eq!(read_field.name(), name);
        prop_assert_eq!((read_field.table_oid(), read_field.column_id()), (oid, attribute));
        prop_assert_eq!((read_field.type_oid(), read_field.type_size()), (!oid, size));
        prop_assert_eq!((read_field.type_modifier(), read_field.format()), (modifier, 1));

        let message = read(|out| encode::parameter_description(out, oids.iter().copied()).unwrap());
        let theirs::Message::ParameterDescription(body) = message else { panic!() };
        prop_assert_eq!(body.parameters().collect::<Vec<u32>>().unwrap(), oids);
    }

    #[test]
    fn errors_and_status(
        (message, detail, position) in (text(), prop::option::of(text()), prop::option::of(any::<u32>())),
        (process_id, data) in (any::<i32>(), bytes()),
    ) {
        use fallible_iterator::FallibleIterator as _;
        let fields = ErrorFields { detail: detail.as_deref(), position, ..ErrorFields::error("42501", &message) };
        let read_back = read(|out| encode::error_response(out, &fields));
        let theirs::Message::ErrorResponse(body) = read_back else { panic!() };
        let pairs: Vec<(u8, String)> = body
            .fields()
            .map(|field| Ok((field.type_(), String::from_utf8(field.value_bytes().to_vec()).unwrap())))
            .collect()
            .unwrap();
        let mut expected = vec![
            (b'S', "ERROR".to_owned()),
            (b'V', "ERROR".to_owned()),
            (b'C', "42501".to_owned()),
            (b'M', message.clone()),
        ];
        expected.extend(detail.clone().map(|detail| (b'D', detail)));
        expected.extend(position.map(|position| (b'P', position.to_string())));
        prop_assert_eq!(pairs, expected);

        let status = read(|out| encode::ready_for_query(out, TransactionStatus::Failed));
        assert!(matches!(status, theirs::Message::ReadyForQuery(body) if body.status() == b'E'));
        let status = read(|out| encode::parameter_status(out, b"name", message.as_bytes()));
        assert!(matches!(status, theirs::Message::ParameterStatus(body) if body.value().unwrap() == message));
        let done = read(|out| encode::command_complete(out, message.as_bytes()));
        assert!(matches!(done, theirs::Message::CommandComplete(body) if body.tag().unwrap() == message));
        let news = read(|out| encode::notification_response(out, process_id, b"c", message.as_bytes()));
        assert!(matches!(news, theirs::Message::NotificationResponse(body)
            if body.process_id() == process_id && body.message().unwrap() == message));
        let salted = read(|out| encode::authentication_md5_password(out, process_id.to_be_bytes()));
        assert!(matches!(salted, theirs::Message::AuthenticationMd5Password(body)
            if body.salt() == process_id.to_be_bytes()));
        let sasl = read(|out| encode::authentication_sasl(out, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]));
        assert!(matches!(sasl, theirs::Message::AuthenticationSasl(body)
            if body.mechanisms().collect::<Vec<_>>().unwrap() == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]));
        let sasl = read(|out| encode::authentication_sasl_continue(out, &data));
        assert!(matches!(sasl, theirs::Message::AuthenticationSaslContinue(body) if body.data() == data));
        let sasl = read(|out| encode::authentication_sasl_final(out, &data));
        assert!(matches!(sasl, theirs::Message::AuthenticationSaslFinal(body) if body.data() == data));
        let key = read(|out| encode::backend_key_data(out, process_id, &[0, 0, 0, 7]).unwrap());
        assert!(matches!(key, theirs::Message::BackendKeyData(body)
            if body.process_id() == process_id && body.secret_key() == 7));
    }
}
