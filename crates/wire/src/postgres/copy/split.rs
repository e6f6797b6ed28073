//! Splitting a whole line into fields. Follows `CopyReadAttributesText` and
//! `CopyReadAttributesCSV` of PostgreSQL.

use super::super::Error;
use super::row::{Field, Form, Span};
use super::{Csv, Format, Text};

/// Splits `line` (without its ending) at unescaped delimiters.
///
/// # Errors
/// `\.` inside the line: some versions of PostgreSQL end the data there, others
/// refuse it, and none writes it.
pub(crate) fn text(line: &[u8], options: &Text, spans: &mut Vec<Span>) -> Result<(), Error> {
    let mut start = 0;
    let mut end = line.len();
    let mut escaped = false;
    let mut bytes = line.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        if byte == b'\\' {
            escaped = true;
            match bytes.next() {
                Some((_, b'.')) => {
                    return Err(Error::Malformed("end-of-copy marker inside a line"));
                }
                Some(_) => {}
                // a backslash at the very end of the data stands for nothing
                None => end = at,
            }
        } else if byte == options.delimiter {
            push_text(line, start, at, escaped, options, spans);
            start = at.saturating_add(1);
            escaped = false;
        }
    }
    push_text(line, start, end, escaped, options, spans);
    Ok(())
}

fn push_text(
    line: &[u8],
    start: usize,
    end: usize,
    escaped: bool,
    options: &Text,
    spans: &mut Vec<Span>,
) {
    let form = if line.get(start..end) == Some(&options.null) {
        Form::Null
    } else if escaped {
        Form::Escaped
    } else {
        Form::Plain
    };
    spans.push(Span { start, end, form });
}

/// Splits `line` (without its ending) at delimiters outside quotes.
pub(crate) fn csv(line: &[u8], format: &Format, spans: &mut Vec<Span>) -> Result<(), Error> {
    let Format::Csv(options) = format else {
        return Err(Error::Malformed("COPY format"));
    };
    let mut start = 0;
    let mut in_quote = false;
    let mut quoted = false;
    let mut bytes = line.iter().copied().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        if in_quote {
            let is_escaped =
                |next: &(usize, u8)| next.1 == options.escape || next.1 == options.quote;
            if byte == options.escape && bytes.next_if(is_escaped).is_some() {
                continue;
            }
            in_quote = byte != options.quote;
        } else if byte == options.delimiter {
            push_csv(line, start, at, quoted, format, options, spans);
            start = at.saturating_add(1);
            quoted = false;
        } else if byte == options.quote {
            in_quote = true;
            quoted = true;
        }
    }
    if in_quote {
        return Err(Error::Malformed("COPY data ends inside quotes"));
    }
    push_csv(line, start, line.len(), quoted, format, options, spans);
    Ok(())
}

fn push_csv(
    line: &[u8],
    start: usize,
    end: usize,
    quoted: bool,
    format: &Format,
    options: &Csv,
    spans: &mut Vec<Span>,
) {
    let raw = line.get(start..end).unwrap_or_default();
    let column = spans.len();
    let null = if quoted {
        let form = Form::Escaped;
        options.force_null.contains(column)
            && Field { raw, form, format }.value().as_deref() == Some(options.null.as_slice())
    } else {
        raw == options.null && !options.force_not_null.contains(column)
    };
    let form = match (null, quoted) {
        (true, _) => Form::Null,
        (false, true) => Form::Escaped,
        (false, false) => Form::Plain,
    };
    spans.push(Span { start, end, form });
}
