//! What a client sends.

use bytes::{BufMut, BytesMut};

use super::super::frontend::DescribeKind;
use super::super::lists::Format;
use super::super::startup::{
    CANCEL_REQUEST, GSS_ENC_REQUEST, ProtocolVersion, SECRET_BYTES, SSL_REQUEST,
};
use super::{Error, bare, counted, exact_string, list, message, value};

/// SSLRequest (no tag).
pub fn ssl_request(out: &mut BytesMut) {
    out.put_u32(8);
    out.put_u32(SSL_REQUEST);
}

/// GSSENCRequest (no tag).
pub fn gss_enc_request(out: &mut BytesMut) {
    out.put_u32(8);
    out.put_u32(GSS_ENC_REQUEST);
}

/// CancelRequest (no tag). `secret` has 4 to 256 bytes.
pub fn cancel_request(out: &mut BytesMut, process_id: i32, secret: &[u8]) -> Result<(), Error> {
    if !SECRET_BYTES.contains(&secret.len()) {
        return Err(Error::Malformed("length of the cancel key"));
    }
    counted(out, |out| {
        out.put_u32(CANCEL_REQUEST);
        out.put_i32(process_id);
        out.extend_from_slice(secret);
        Ok(())
    })
}

/// StartupMessage (no tag). Names must not be empty.
pub fn startup<'p>(
    out: &mut BytesMut,
    version: ProtocolVersion,
    parameters: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> Result<(), Error> {
    counted(out, |out| {
        out.put_u32(version.code());
        for (name, value) in parameters {
            if name.is_empty() {
                return Err(Error::Malformed("start-up parameter without a name"));
            }
            exact_string(out, name.as_bytes())?;
            exact_string(out, value.as_bytes())?;
        }
        out.put_u8(0);
        Ok(())
    })
}

/// PasswordMessage (`p`): password in clear or its MD5 form.
pub fn password(out: &mut BytesMut, password: &[u8]) -> Result<(), Error> {
    message(out, b'p', |out| exact_string(out, password))
}

/// SASLInitialResponse (`p`).
pub fn sasl_initial(
    out: &mut BytesMut,
    mechanism: &str,
    response: Option<&[u8]>,
) -> Result<(), Error> {
    message(out, b'p', |out| {
        exact_string(out, mechanism.as_bytes())?;
        value(out, response)
    })
}

/// SASLResponse (`p`).
pub fn sasl_response(out: &mut BytesMut, response: &[u8]) -> Result<(), Error> {
    message(out, b'p', |out| {
        out.extend_from_slice(response);
        Ok(())
    })
}

/// Query (`Q`).
pub fn query(out: &mut BytesMut, text: &str) -> Result<(), Error> {
    message(out, b'Q', |out| exact_string(out, text.as_bytes()))
}

/// Parse (`P`).
pub fn parse(
    out: &mut BytesMut,
    name: &str,
    text: &str,
    parameter_types: impl IntoIterator<Item = u32>,
) -> Result<(), Error> {
    message(out, b'P', |out| {
        exact_string(out, name.as_bytes())?;
        exact_string(out, text.as_bytes())?;
        list(out, parameter_types, |out, oid| {
            out.put_u32(oid);
            Ok(())
        })
    })
}

/// Bind (`B`). Formats follow the protocol's rule: none, one for all, or one
/// each; several parameter formats must be as many as parameters.
pub fn bind<'v>(
    out: &mut BytesMut,
    portal: &str,
    statement: &str,
    parameter_formats: impl IntoIterator<Item = Format>,
    parameters: impl IntoIterator<Item = Option<&'v [u8]>>,
    result_formats: impl IntoIterator<Item = Format>,
) -> Result<(), Error> {
    message(out, b'B', |out| {
        exact_string(out, portal.as_bytes())?;
        exact_string(out, statement.as_bytes())?;
        let mut formats = 0_usize;
        let mut values = 0_usize;
        list(out, parameter_formats, |out, format| {
            formats = formats.saturating_add(1);
            out.put_i16(format.code());
            Ok(())
        })?;
        list(out, parameters, |out, parameter| {
            values = values.saturating_add(1);
            value(out, parameter)
        })?;
        if formats > 1 && formats != values {
            return Err(Error::Malformed("parameter formats without parameters"));
        }
        list(out, result_formats, |out, format| {
            out.put_i16(format.code());
            Ok(())
        })
    })
}

/// Describe (`D`).
pub fn describe(out: &mut BytesMut, kind: DescribeKind, name: &str) -> Result<(), Error> {
    message(out, b'D', |out| {
        out.put_u8(kind.code());
        exact_string(out, name.as_bytes())
    })
}

/// Execute (`E`); `max_rows` of zero means all.
pub fn execute(out: &mut BytesMut, portal: &str, max_rows: i32) -> Result<(), Error> {
    message(out, b'E', |out| {
        exact_string(out, portal.as_bytes())?;
        out.put_i32(max_rows);
        Ok(())
    })
}

/// Close (`C`).
pub fn close(out: &mut BytesMut, kind: DescribeKind, name: &str) -> Result<(), Error> {
    message(out, b'C', |out| {
        out.put_u8(kind.code());
        exact_string(out, name.as_bytes())
    })
}

/// CopyFail (`f`).
pub fn copy_fail(out: &mut BytesMut, reason: &[u8]) -> Result<(), Error> {
    message(out, b'f', |out| exact_string(out, reason))
}

/// Flush (`H`).
pub fn flush(out: &mut BytesMut) {
    bare(out, b'H');
}

/// Sync (`S`).
pub fn sync(out: &mut BytesMut) {
    bare(out, b'S');
}

/// Terminate (`X`).
pub fn terminate(out: &mut BytesMut) {
    bare(out, b'X');
}
