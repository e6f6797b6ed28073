//! What a server sends, beside descriptions and rows.

use bytes::{BufMut, BytesMut};

use super::super::backend::TransactionStatus;
use super::super::fields::ErrorFields;
use super::super::rewrite::patch;
use super::super::startup::{ProtocolVersion, SECRET_BYTES};
use super::{Error, bare, fixed, message, own_string};

/// A message of our own words. They are short: were the length ever not to fit
/// its word, the message is dropped whole.
fn own(out: &mut BytesMut, tag: u8, write: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u8(tag);
    let length_at = out.len();
    out.put_i32(0);
    write(out);
    match i32::try_from(out.len().saturating_sub(length_at)) {
        Ok(length) => patch(out, length_at, length),
        Err(_) => out.truncate(start),
    }
}

/// AuthenticationOk (`R`).
pub fn authentication_ok(out: &mut BytesMut) {
    fixed(out, b'R', 0_i32.to_be_bytes());
}

/// AuthenticationCleartextPassword (`R`).
pub fn authentication_cleartext_password(out: &mut BytesMut) {
    fixed(out, b'R', 3_i32.to_be_bytes());
}

/// AuthenticationMD5Password (`R`).
pub fn authentication_md5_password(out: &mut BytesMut, salt: [u8; 4]) {
    own(out, b'R', |out| {
        out.put_i32(5);
        out.extend_from_slice(&salt);
    });
}

/// AuthenticationSASL (`R`): mechanisms, preferred first. Empty names are left out.
pub fn authentication_sasl<'m>(out: &mut BytesMut, mechanisms: impl IntoIterator<Item = &'m str>) {
    own(out, b'R', |out| {
        out.put_i32(10);
        for mechanism in mechanisms {
            if mechanism.bytes().any(|byte| byte != 0) {
                own_string(out, mechanism.as_bytes());
            }
        }
        out.put_u8(0);
    });
}

/// AuthenticationSASLContinue (`R`).
pub fn authentication_sasl_continue(out: &mut BytesMut, data: &[u8]) {
    own(out, b'R', |out| {
        out.put_i32(11);
        out.extend_from_slice(data);
    });
}

/// AuthenticationSASLFinal (`R`).
pub fn authentication_sasl_final(out: &mut BytesMut, data: &[u8]) {
    own(out, b'R', |out| {
        out.put_i32(12);
        out.extend_from_slice(data);
    });
}

/// BackendKeyData (`K`). `secret` has 4 bytes for protocol 3.0 clients, up to
/// 256 for 3.2.
pub fn backend_key_data(out: &mut BytesMut, process_id: i32, secret: &[u8]) -> Result<(), Error> {
    if !SECRET_BYTES.contains(&secret.len()) {
        return Err(Error::Malformed("length of the cancel key"));
    }
    message(out, b'K', |out| {
        out.put_i32(process_id);
        out.extend_from_slice(secret);
        Ok(())
    })
}

/// NegotiateProtocolVersion (`v`): the newest version we speak and the `_pq_.`
/// options we do not know. The version goes as its whole code, as servers do.
pub fn negotiate_protocol_version<'o>(
    out: &mut BytesMut,
    newest: ProtocolVersion,
    unrecognized: impl IntoIterator<Item = &'o str>,
) {
    own(out, b'v', |out| {
        out.put_u32(newest.code());
        let count_at = out.len();
        out.put_i32(0);
        let mut count: i32 = 0;
        for option in unrecognized {
            own_string(out, option.as_bytes());
            count = count.saturating_add(1);
        }
        patch(out, count_at, count);
    });
}

/// ParameterStatus (`S`).
pub fn parameter_status(out: &mut BytesMut, name: &[u8], value: &[u8]) {
    own(out, b'S', |out| {
        own_string(out, name);
        own_string(out, value);
    });
}

/// ReadyForQuery (`Z`).
pub fn ready_for_query(out: &mut BytesMut, status: TransactionStatus) {
    fixed(out, b'Z', [status.code()]);
}

/// CommandComplete (`C`), e.g. with `SELECT 1`.
pub fn command_complete(out: &mut BytesMut, tag: &[u8]) {
    own(out, b'C', |out| own_string(out, tag));
}

/// ErrorResponse (`E`).
pub fn error_response(out: &mut BytesMut, fields: &ErrorFields<'_>) {
    response(out, b'E', fields);
}

/// NoticeResponse (`N`).
pub fn notice_response(out: &mut BytesMut, fields: &ErrorFields<'_>) {
    response(out, b'N', fields);
}

/// ErrorResponse (`E`) of any fields, to pass on part of a server's own.
pub fn error_fields<'f>(out: &mut BytesMut, fields: impl IntoIterator<Item = (u8, &'f [u8])>) {
    any_fields(out, b'E', fields);
}

/// NoticeResponse (`N`) of any fields, to pass on part of a server's own.
pub fn notice_fields<'f>(out: &mut BytesMut, fields: impl IntoIterator<Item = (u8, &'f [u8])>) {
    any_fields(out, b'N', fields);
}

fn any_fields<'f>(out: &mut BytesMut, tag: u8, fields: impl IntoIterator<Item = (u8, &'f [u8])>) {
    own(out, tag, |out| {
        for (code, value) in fields {
            if code != 0 {
                out.put_u8(code);
                own_string(out, value);
            }
        }
        out.put_u8(0);
    });
}

fn response(out: &mut BytesMut, tag: u8, fields: &ErrorFields<'_>) {
    let position = fields.position.map(|position| position.to_string());
    let all = [
        (b'S', Some(fields.severity)),
        (b'V', Some(fields.severity)),
        (b'C', Some(fields.code)),
        (b'M', Some(fields.message)),
        (b'D', fields.detail),
        (b'H', fields.hint),
        (b'P', position.as_deref()),
        (b'W', fields.context),
        (b's', fields.schema),
        (b't', fields.table),
        (b'c', fields.column),
        (b'n', fields.constraint),
    ];
    let sent = all
        .into_iter()
        .filter_map(|(code, value)| value.map(|value| (code, value.as_bytes())));
    any_fields(out, tag, sent);
}

/// NotificationResponse (`A`).
pub fn notification_response(out: &mut BytesMut, process_id: i32, channel: &[u8], payload: &[u8]) {
    own(out, b'A', |out| {
        out.put_i32(process_id);
        own_string(out, channel);
        own_string(out, payload);
    });
}

/// ParseComplete (`1`).
pub fn parse_complete(out: &mut BytesMut) {
    bare(out, b'1');
}

/// BindComplete (`2`).
pub fn bind_complete(out: &mut BytesMut) {
    bare(out, b'2');
}

/// CloseComplete (`3`).
pub fn close_complete(out: &mut BytesMut) {
    bare(out, b'3');
}

/// NoData (`n`).
pub fn no_data(out: &mut BytesMut) {
    bare(out, b'n');
}

/// PortalSuspended (`s`).
pub fn portal_suspended(out: &mut BytesMut) {
    bare(out, b's');
}

/// EmptyQueryResponse (`I`).
pub fn empty_query_response(out: &mut BytesMut) {
    bare(out, b'I');
}
