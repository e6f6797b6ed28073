//! Writing messages, one function each, for both roles
//! (PostgreSQL docs, 55.7). Everything is appended to the buffer.
//!
//! Where the words come from elsewhere and must not be altered (statements,
//! names, values), a function fails rather than send something else: a NUL in a
//! string, a count or length the protocol cannot say. The buffer is then as it
//! was. Where the words are our own (errors, tags, parameters we report), NULs
//! are left out and nothing fails.

use bytes::{BufMut, BytesMut};

use super::Error;
use super::rewrite::patch;

mod client;
mod description;
mod server;

pub use client::{
    bind, cancel_request, close, copy_fail, describe, execute, flush, gss_enc_request, parse,
    password, query, sasl_initial, sasl_response, ssl_request, startup, sync, terminate,
};
pub use description::{
    copy_both_response, copy_in_response, copy_out_response, data_row, parameter_description,
    row_description,
};
pub use server::{
    authentication_cleartext_password, authentication_md5_password, authentication_ok,
    authentication_sasl, authentication_sasl_continue, authentication_sasl_final, backend_key_data,
    bind_complete, close_complete, command_complete, empty_query_response, error_fields,
    error_response, negotiate_protocol_version, no_data, notice_fields, notice_response,
    notification_response, parameter_status, parse_complete, portal_suspended, ready_for_query,
};

/// CopyData (`d`), both roles.
pub fn copy_data(out: &mut BytesMut, data: &[u8]) -> Result<(), Error> {
    copy_data_with(out, |out| {
        out.extend_from_slice(data);
        Ok(())
    })
}

/// CopyData (`d`) around whatever `write` appends, without an extra copy.
/// Nothing is sent when `write` appends nothing or fails.
pub fn copy_data_with<E: From<Error>>(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    let mut empty = true;
    let result = message(out, b'd', |out| {
        let before = out.len();
        write(out)?;
        empty = out.len() <= before;
        Ok(())
    });
    if empty {
        out.truncate(start);
    }
    result
}

/// CopyDone (`c`), both roles.
pub fn copy_done(out: &mut BytesMut) {
    bare(out, b'c');
}

/// A message without a body.
fn bare(out: &mut BytesMut, tag: u8) {
    out.put_u8(tag);
    out.put_i32(4);
}

/// A message whose body is one fixed-size value.
fn fixed<const N: usize>(out: &mut BytesMut, tag: u8, body: [u8; N]) {
    out.put_u8(tag);
    out.put_u32(4_u32.saturating_add(N as u32));
    out.extend_from_slice(&body);
}

/// A message whose body is what `write` appends; undone when that fails or the
/// length does not fit its word.
fn message<E: From<Error>>(
    out: &mut BytesMut,
    tag: u8,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.put_u8(tag);
    let result = counted(out, write);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// What `write` appends, behind a length word that counts itself.
fn counted<E: From<Error>>(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.put_i32(0);
    let result = write(out).and_then(|()| {
        let bytes = out.len().saturating_sub(start);
        let length = length_word(bytes)?;
        patch(out, start, length);
        Ok(())
    });
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn length_word(bytes: usize) -> Result<i32, Error> {
    i32::try_from(bytes).map_err(|_| Error::TooLarge {
        declared_bytes: bytes as u64,
        limit_bytes: i32::MAX as u64,
    })
}

/// A NUL-terminated string that must not be altered.
fn exact_string(out: &mut BytesMut, string: &[u8]) -> Result<(), Error> {
    if string.contains(&0) {
        return Err(Error::Malformed("NUL inside a string"));
    }
    out.extend_from_slice(string);
    out.put_u8(0);
    Ok(())
}

/// A NUL-terminated string of our own; NULs in it are left out.
fn own_string(out: &mut BytesMut, string: &[u8]) {
    for piece in string.split(|byte| *byte == 0) {
        out.extend_from_slice(piece);
    }
    out.put_u8(0);
}

/// A value behind its length word; `None` is NULL.
fn value(out: &mut BytesMut, value: Option<&[u8]>) -> Result<(), Error> {
    match value {
        None => out.put_i32(-1),
        Some(value) => {
            out.put_i32(length_word(value.len())?);
            out.extend_from_slice(value);
        }
    }
    Ok(())
}

/// A 16-bit count, and each item as `write` puts it.
fn list<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut BytesMut, T) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = out.len();
    out.put_u16(0);
    let mut count: u16 = 0;
    for item in items {
        count = count
            .checked_add(1)
            .ok_or(Error::Malformed("more than 65535 items"))?;
        write(out, item)?;
    }
    if let Some(place) = out.get_mut(start..start.saturating_add(2)) {
        place.copy_from_slice(&count.to_be_bytes());
    }
    Ok(())
}
