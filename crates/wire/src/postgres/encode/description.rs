//! Descriptions, rows and the opening of COPY.

use bytes::{BufMut, BytesMut};

use super::super::lists::Format;
use super::super::row::Field;
use super::{Error, exact_string, list, message, value};

/// RowDescription (`T`).
pub fn row_description<'f>(
    out: &mut BytesMut,
    fields: impl IntoIterator<Item = Field<'f>>,
) -> Result<(), Error> {
    message(out, b'T', |out| {
        list(out, fields, |out, field| {
            exact_string(out, field.name)?;
            out.put_u32(field.table_oid);
            out.put_i16(field.attribute);
            out.put_u32(field.type_oid);
            out.put_i16(field.type_size);
            out.put_i32(field.type_modifier);
            out.put_i16(field.format.code());
            Ok(())
        })
    })
}

/// DataRow (`D`); `None` is NULL.
pub fn data_row<'v>(
    out: &mut BytesMut,
    values: impl IntoIterator<Item = Option<&'v [u8]>>,
) -> Result<(), Error> {
    message(out, b'D', |out| list(out, values, value))
}

/// ParameterDescription (`t`).
pub fn parameter_description(
    out: &mut BytesMut,
    types: impl IntoIterator<Item = u32>,
) -> Result<(), Error> {
    message(out, b't', |out| {
        list(out, types, |out, oid| {
            out.put_u32(oid);
            Ok(())
        })
    })
}

/// CopyInResponse (`G`).
pub fn copy_in_response(
    out: &mut BytesMut,
    overall: Format,
    columns: impl IntoIterator<Item = Format>,
) -> Result<(), Error> {
    copy_response(out, b'G', overall, columns)
}

/// CopyOutResponse (`H`).
pub fn copy_out_response(
    out: &mut BytesMut,
    overall: Format,
    columns: impl IntoIterator<Item = Format>,
) -> Result<(), Error> {
    copy_response(out, b'H', overall, columns)
}

/// CopyBothResponse (`W`).
pub fn copy_both_response(
    out: &mut BytesMut,
    overall: Format,
    columns: impl IntoIterator<Item = Format>,
) -> Result<(), Error> {
    copy_response(out, b'W', overall, columns)
}

fn copy_response(
    out: &mut BytesMut,
    tag: u8,
    overall: Format,
    columns: impl IntoIterator<Item = Format>,
) -> Result<(), Error> {
    message(out, tag, |out| {
        out.put_u8(match overall {
            Format::Text => 0,
            Format::Binary => 1,
        });
        list(out, columns, |out, format| {
            out.put_i16(format.code());
            Ok(())
        })
    })
}
