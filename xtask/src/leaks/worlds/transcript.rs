//! Two transcripts of one case, message by message.

use super::tokens::Names;
use crate::lab::client::Message;
use crate::lab::{Answer, Fields};

/// What an answer is made of: each piece must be the same in both worlds, and in the same place.
pub(crate) type Pieces = Vec<Vec<u8>>;

/// How a transcript is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// Stand-ins of its world.
    pub(crate) names: &'a Names,
    /// The newest oid that both worlds share; what is made later has one by chance.
    pub(crate) newest_oid: u32,
    /// The requests held stand-ins, so that positions in them are not the same.
    pub(crate) own_text_differs: bool,
}

/// An answer in pieces, stand-ins by their names in both worlds. Left out is what has no part in the answer: the
/// gateway's own request ids, positions in a text that stand-ins make longer, and process ids.
pub(crate) fn pieces(answer: &Answer, view: View<'_>) -> Pieces {
    let names = view.names;
    let mut found = Vec::new();
    let mut copied: Vec<u8> = Vec::new();
    for message in &answer.messages {
        // the server may cut a row of COPY wherever it likes
        if message.tag == b'd' {
            copied.extend_from_slice(&message.body);
            continue;
        }
        if !copied.is_empty() {
            lines(&std::mem::take(&mut copied), names, &mut found);
        }
        piece(message, view, &mut found);
    }
    lines(&copied, names, &mut found);
    if answer.closed {
        found.push(b"closed".to_vec());
    }
    found
}

fn lines(copied: &[u8], names: &Names, found: &mut Pieces) {
    if !copied.is_empty() {
        found.extend(
            copied
                .split_inclusive(|byte| *byte == b'\n')
                .map(|line| [b"d ", names.rename(line).as_slice()].concat()),
        );
    }
}

fn piece(message: &Message, view: View<'_>, found: &mut Pieces) {
    let names = view.names;
    let tagged = |bytes: Vec<u8>| [&[message.tag, b' '], bytes.as_slice()].concat();
    match message.tag {
        b'D' => found.push(tagged(row(&message.body, names))),
        b'E' | b'N' => {
            let mut text = String::new();
            for (code, value) in &Fields::decode(&message.body).0 {
                if matches!(code, 'L' | 'F' | 'R')
                    || (view.own_text_differs && matches!(code, 'P' | 'p'))
                {
                    continue;
                }
                text.push_str(&format!("{code}={};", without_request(value)));
            }
            found.push(tagged(names.rename(text.as_bytes())));
        }
        // channel and payload, without the process that sent it
        b'A' => found.push(tagged(
            names.rename(message.body.get(4..).unwrap_or_default()),
        )),
        b'K' => {}
        b'T' => found.push(tagged(description(&message.body, view.newest_oid))),
        _ => found.push(tagged(names.rename(&message.body))),
    }
}

/// A RowDescription, in which what was made in the case is called 0.
fn description(body: &[u8], newest_oid: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (name, tail) = rest.split_at(end);
        let Some((fields, next)) = tail
            .get(1..)
            .and_then(|tail| tail.split_first_chunk::<18>())
        else {
            break;
        };
        out.extend_from_slice(name);
        for (place, bytes) in fields.chunks(2).enumerate() {
            let oid_at = |start: usize| {
                let four = fields.get(start..).and_then(|four| four.first_chunk::<4>());
                four.map_or(0, |four| u32::from_be_bytes(*four))
            };
            // table at 0, attribute at 4, type at 6, size, modifier and format from 10
            let new = match place {
                0 | 1 => oid_at(0) > newest_oid,
                3 | 4 => oid_at(6) > newest_oid,
                _ => false,
            };
            out.extend_from_slice(if new { &[0, 0] } else { bytes });
        }
        rest = next;
    }
    out
}

/// A row's cells, each in brackets.
fn row(body: &[u8], names: &Names) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            out.extend_from_slice(b"[NULL]");
            rest = tail;
            continue;
        };
        out.push(b'[');
        out.extend(names.rename(tail.get(..length).unwrap_or_default()));
        out.push(b']');
        rest = tail.get(length..).unwrap_or_default();
    }
    out
}

/// Request ids are random.
fn without_request(text: &str) -> String {
    const NAME: &str = "\"request\":\"";
    let Some((before, after)) = text.split_once(NAME) else {
        return text.to_owned();
    };
    let end = after.find('"').unwrap_or(after.len());
    format!("{before}{NAME}{}", after.get(end..).unwrap_or_default())
}
