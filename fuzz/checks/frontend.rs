//! Whatever a client sends: no panic, no frame before it is whole, and what
//! decodes is written again byte for byte.

use bytes::BytesMut;
use wire::postgres::{
    self as pg, Error, FirstMessage, Frontend, Limits, encode, first_message, frame, frontend,
};

/// Reads `data` as the start of a connection, and as messages after it.
pub(crate) fn check(data: &[u8]) {
    first(data);
    let mut rest = data;
    while let Ok(Some(found)) = frame(rest, 1 << 20) {
        prefixes(rest, found.raw.len());
        if let Ok(message) = frontend(&found) {
            if let Some(again) = encoded(&message) {
                assert_eq!(again, found.raw, "{message:?}");
            }
            inspect(&message);
        }
        rest = &rest[found.raw.len()..];
    }
}

/// No prefix of a message is a message.
fn prefixes(buffer: &[u8], length: usize) {
    let some = (0..length.min(16)).chain(length.saturating_sub(4)..length);
    for end in some {
        assert_eq!(frame(&buffer[..end], 1 << 20), Ok(None));
    }
}

fn first(data: &[u8]) {
    let limits = Limits::default();
    let whole = first_message(data, &limits);
    for end in (0..data.len()).filter(|end| *end < 64 || end % 97 == 0) {
        let part = first_message(&data[..end], &limits);
        match (&whole, part) {
            (_, Ok(None)) => {}
            (Err(error), Err(earlier)) => assert_eq!(*error, earlier),
            (Ok(Some((message, taken))), Ok(Some((earlier, length)))) => {
                assert!(end >= length && *taken == length && *message == earlier);
            }
            (whole, part) => panic!("{part:?} at {end}, then {whole:?}"),
        }
    }
    let Ok(Some((message, taken))) = whole else {
        return;
    };
    let mut out = BytesMut::new();
    match message {
        FirstMessage::SslRequest => encode::ssl_request(&mut out),
        FirstMessage::GssEncRequest => encode::gss_enc_request(&mut out),
        FirstMessage::Cancel(cancel) => {
            encode::cancel_request(&mut out, cancel.process_id, cancel.secret).unwrap();
        }
        FirstMessage::Startup(startup) => {
            let parameters = startup.parameters.iter().copied();
            encode::startup(&mut out, startup.version, parameters).unwrap();
        }
    }
    assert_eq!(out, data[..taken]);
}

/// The message written again; `None` for those whose body is not read.
pub(crate) fn encoded(message: &Frontend<'_>) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    let done: Result<(), Error> = match message {
        Frontend::Query(text) => encode::query(&mut out, text),
        Frontend::Parse {
            name,
            text,
            parameter_types,
        } => encode::parse(&mut out, name, text, parameter_types.iter()),
        Frontend::Bind(bind) => encode::bind(
            &mut out,
            bind.portal,
            bind.statement,
            bind.parameter_formats().iter(),
            bind.parameters(),
            bind.result_formats().iter(),
        ),
        Frontend::Describe { kind, name } => encode::describe(&mut out, *kind, name),
        Frontend::Execute { portal, max_rows } => encode::execute(&mut out, portal, *max_rows),
        Frontend::Close { kind, name } => encode::close(&mut out, *kind, name),
        Frontend::Flush => {
            encode::flush(&mut out);
            Ok(())
        }
        Frontend::Sync => {
            encode::sync(&mut out);
            Ok(())
        }
        Frontend::Terminate => {
            encode::terminate(&mut out);
            Ok(())
        }
        Frontend::CopyDone => {
            encode::copy_done(&mut out);
            Ok(())
        }
        // an empty CopyData carries nothing and is not written
        Frontend::CopyData([]) => return None,
        Frontend::CopyData(data) => encode::copy_data(&mut out, data),
        Frontend::CopyFail(reason) => encode::copy_fail(&mut out, reason),
        Frontend::Password(body) => encode::sasl_response(&mut out, body),
        Frontend::FunctionCall(_) => return None,
    };
    done.unwrap();
    Some(out)
}

/// What accessors promise about a message that decoded.
fn inspect(message: &Frontend<'_>) {
    match message {
        Frontend::Bind(bind) => {
            let count = bind.parameters().len();
            assert_eq!(bind.parameters().count(), count);
            for index in 0..count.min(100) {
                assert!(bind.parameter_format(index).is_some());
            }
            assert_eq!(bind.parameter_format(count), None);
            assert_eq!(
                bind.result_formats().iter().count(),
                bind.result_formats().len()
            );
        }
        Frontend::Parse {
            parameter_types, ..
        } => {
            assert_eq!(parameter_types.iter().count(), parameter_types.len());
        }
        Frontend::Password(body) => {
            if let Ok(initial) = pg::sasl_initial(body) {
                let mut out = BytesMut::new();
                encode::sasl_initial(&mut out, initial.mechanism, initial.response).unwrap();
                assert_eq!(out[5..], **body);
            }
            if let Ok(password) = pg::password_text(body) {
                assert_eq!(password.len() + 1, body.len());
            }
        }
        _ => {}
    }
}
