//! Whatever a server sends: no panic, what decodes is written again byte for
//! byte, and a rewritten row differs in the cells asked for and nowhere else.

use bytes::BytesMut;
use wire::postgres::{
    Authentication, Backend, DataRow, Error, ProtocolVersion, backend, encode, frame, header,
    rewrite_row, run,
};

/// Reads `data` as messages.
pub(crate) fn check(data: &[u8]) {
    let mut rest = data;
    while let Ok(Some(found)) = frame(rest, 1 << 20) {
        assert_eq!(header(rest), Some((found.tag, found.raw.len())));
        let run = run(rest, found.tag, usize::MAX);
        assert!(run.messages >= 1 && run.bytes >= found.raw.len() && run.bytes <= rest.len());
        if let Ok(message) = backend(&found) {
            if let Some(again) = encoded(&message) {
                assert_eq!(again, found.raw, "{message:?}");
            }
            if let Backend::DataRow(row) = message {
                rewritten(row, found.raw);
            }
        }
        rest = &rest[found.raw.len()..];
    }
}

/// The message written again; `None` for those whose body is not kept.
pub(crate) fn encoded(message: &Backend<'_>) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    let done: Result<(), Error> = match message {
        Backend::Authentication(request) => return authentication(request),
        Backend::BackendKeyData { process_id, secret } => {
            encode::backend_key_data(&mut out, *process_id, secret)
        }
        Backend::BindComplete => {
            encode::bind_complete(&mut out);
            Ok(())
        }
        Backend::CloseComplete => {
            encode::close_complete(&mut out);
            Ok(())
        }
        Backend::CommandComplete(tag) => {
            encode::command_complete(&mut out, tag);
            Ok(())
        }
        Backend::CopyInResponse(formats) => {
            encode::copy_in_response(&mut out, formats.overall, formats.columns.iter())
        }
        Backend::CopyOutResponse(formats) => {
            encode::copy_out_response(&mut out, formats.overall, formats.columns.iter())
        }
        Backend::CopyBothResponse(formats) => {
            encode::copy_both_response(&mut out, formats.overall, formats.columns.iter())
        }
        Backend::CopyData([]) => return None,
        Backend::CopyData(data) => encode::copy_data(&mut out, data),
        Backend::CopyDone => {
            encode::copy_done(&mut out);
            Ok(())
        }
        Backend::DataRow(row) => encode::data_row(&mut out, *row),
        Backend::EmptyQueryResponse => {
            encode::empty_query_response(&mut out);
            Ok(())
        }
        Backend::ErrorResponse(fields) => {
            encode::error_fields(&mut out, fields.iter());
            Ok(())
        }
        Backend::NoticeResponse(fields) => {
            encode::notice_fields(&mut out, fields.iter());
            Ok(())
        }
        Backend::FunctionCallResponse => return None,
        Backend::NotificationResponse {
            process_id,
            channel,
            payload,
        } => {
            encode::notification_response(&mut out, *process_id, channel, payload);
            Ok(())
        }
        Backend::NoData => {
            encode::no_data(&mut out);
            Ok(())
        }
        Backend::ParameterDescription(types) => {
            encode::parameter_description(&mut out, types.iter())
        }
        Backend::ParameterStatus { name, value } => {
            encode::parameter_status(&mut out, name, value);
            Ok(())
        }
        Backend::ParseComplete => {
            encode::parse_complete(&mut out);
            Ok(())
        }
        Backend::PortalSuspended => {
            encode::portal_suspended(&mut out);
            Ok(())
        }
        Backend::ReadyForQuery(status) => {
            encode::ready_for_query(&mut out, *status);
            Ok(())
        }
        Backend::RowDescription(columns) => encode::row_description(&mut out, columns.fields()),
        Backend::NegotiateProtocolVersion {
            minor,
            unrecognized,
        } => {
            let names: Option<Vec<&str>> = unrecognized
                .iter()
                .map(|name| std::str::from_utf8(name).ok())
                .collect();
            let newest = ProtocolVersion {
                major: 3,
                minor: u16::try_from(*minor).unwrap(),
            };
            encode::negotiate_protocol_version(&mut out, newest, names?);
            let again = frame(&out, 1 << 21).unwrap().unwrap();
            assert_eq!(backend(&again).as_ref(), Ok(message));
            return None; // the version may have come without its upper half
        }
    };
    done.unwrap();
    Some(out)
}

fn authentication(request: &Authentication<'_>) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    match request {
        Authentication::Ok => encode::authentication_ok(&mut out),
        Authentication::CleartextPassword => encode::authentication_cleartext_password(&mut out),
        Authentication::Md5 { salt } => encode::authentication_md5_password(&mut out, *salt),
        Authentication::Sasl(mechanisms) => {
            let names: Option<Vec<&str>> = mechanisms
                .iter()
                .map(|name| std::str::from_utf8(name).ok())
                .collect();
            encode::authentication_sasl(&mut out, names?);
        }
        Authentication::SaslContinue(data) => encode::authentication_sasl_continue(&mut out, data),
        Authentication::SaslFinal(data) => encode::authentication_sasl_final(&mut out, data),
        Authentication::Other(_) => return None,
    }
    Some(out)
}

fn rewritten(row: DataRow<'_>, raw: &[u8]) {
    let cells: Vec<Option<&[u8]>> = row.iter().collect();
    assert_eq!(cells.len(), row.len());

    let mut same = BytesMut::new();
    rewrite_row(row, &mut same, |column, value, _| {
        assert_eq!(cells[column], value)
    })
    .unwrap();
    assert_eq!(same, raw);

    let changed = |column: usize| match column % 3 {
        0 => cells[column],
        1 => Some(&b"token"[..]),
        _ => None,
    };
    let mut out = BytesMut::new();
    rewrite_row(row, &mut out, |column, _, cell| match column % 3 {
        0 => {
            cell.replace(b"undone");
            cell.keep();
        }
        1 => {
            cell.null();
            cell.replace(b"token");
        }
        _ => cell.null(),
    })
    .unwrap();
    let mut expected = BytesMut::new();
    encode::data_row(&mut expected, (0..cells.len()).map(changed)).unwrap();
    assert_eq!(out, expected);
}
