//! The bytes that are hashed.
//!
//! An entry is one JSON object, written once and never serialised again: what is
//! stored is what is hashed. `v` (version of this form), `seq`, `at` and `kind` come
//! first, then the fields of the kind, then `_sd`: the digests of what is disclosed
//! elsewhere, sorted, so that their order says nothing (RFC 9901 §4.2.4.1).
//!
//! Place and time are assigned last, under the log's lock; everything else is a
//! [`Draft`] made before. So the object is a short prefix and a finished body.

use std::io::Write;

use crate::disclosure::{self, DIGEST_BYTES, SALT_BYTES};
use crate::event::{Clear, Encoded, Intent, Text};
use crate::{Error, Event, Kind, Sequence, time};

/// Version of the form of entries.
pub const VERSION: u64 = 1;

/// Most bytes of one leaf (C2SP tlog-tiles: entries have a 16-bit length).
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Most bytes of a prefix.
pub const MAX_PREFIX_BYTES: usize = 13 + 20 + 7 + time::BYTES + 2;

/// Bytes of a shape that stay in an entry whose long fields had to move.
const SHORT_SHAPE_BYTES: usize = 4096;
/// Objects, columns, rules and masks that stay in such an entry.
const SHORT_LIST: usize = 64;

/// An entry without its place and time.
#[derive(Debug)]
pub struct Draft {
    kind: Kind,
    body: Vec<u8>,
    disclosed: Vec<Disclosed>,
}

/// Encoded disclosures of one entry that belong to one subject.
#[derive(Clone, PartialEq, Eq)]
pub struct Disclosed {
    /// Whose key they are sealed under; `None` is nobody known.
    pub subject: Option<Text>,
    /// Encoded disclosures (see [`disclosure::encode`]).
    pub encoded: Vec<String>,
}

/// The values stay out of logs and panics.
impl std::fmt::Debug for Disclosed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disclosed")
            .field("subject", &self.subject)
            .field("count", &self.encoded.len())
            .finish()
    }
}

/// A finished entry: the hashed bytes and, apart from them, its disclosures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The JSON object.
    pub bytes: Vec<u8>,
    /// Its disclosures by subject, not yet sealed.
    pub disclosed: Vec<Disclosed>,
}

/// Makes the whole leaf of an event. `salts` are random bytes, at least
/// [`Draft::salt_bytes`] of them.
///
/// # Errors
/// As [`Draft::new`].
pub fn leaf(event: &Event, sequence: Sequence, at_ns: u64, salts: &[u8]) -> Result<Leaf, Error> {
    let draft = Draft::new(event, salts)?;
    let mut bytes = Vec::with_capacity(draft.body.len().saturating_add(MAX_PREFIX_BYTES));
    write_prefix(sequence, at_ns, &mut bytes)?;
    bytes.extend_from_slice(&draft.body);
    Ok(Leaf {
        bytes,
        disclosed: draft.disclosed,
    })
}

/// Writes what stands before the body: version, place and time.
///
/// # Errors
/// [`Error::EntryTooLarge`] if `out` takes fewer than [`MAX_PREFIX_BYTES`].
pub fn write_prefix(sequence: Sequence, at_ns: u64, out: &mut impl Write) -> Result<(), Error> {
    let mut write = || {
        write!(out, "{{\"v\":{VERSION},\"seq\":{sequence},\"at\":\"")?;
        time::write(at_ns, out)?;
        out.write_all(b"\",")
    };
    write().map_err(|_: std::io::Error| Error::EntryTooLarge {
        bytes: MAX_PREFIX_BYTES,
        limit: MAX_PREFIX_BYTES,
    })
}

impl Draft {
    /// Random bytes needed for the salts of `event`.
    #[must_use]
    pub fn salt_bytes(event: &Event) -> usize {
        // One more than there are disclosures: for the fields that do not fit.
        event
            .disclosures
            .len()
            .saturating_add(1)
            .saturating_mul(SALT_BYTES)
    }

    /// Encodes `event`. An entry that would be too long keeps the beginning of its
    /// long fields, and its complete clear part becomes one more disclosure, `entry`.
    ///
    /// # Errors
    /// [`Error::TooLittleRandomness`]; [`Error::EntryTooLarge`].
    pub fn new(event: &Event, salts: &[u8]) -> Result<Draft, Error> {
        let needed = Draft::salt_bytes(event);
        if salts.len() < needed {
            return Err(Error::TooLittleRandomness {
                needed,
                given: salts.len(),
            });
        }
        let (salts, _) = salts.as_chunks::<SALT_BYTES>();
        let mut salts = salts.iter();
        let mut disclosed: Vec<Disclosed> = Vec::new();
        for (one, salt) in event.disclosures.iter().zip(&mut salts) {
            let encoded = disclosure::encode(one.name, &one.value, salt)?;
            add(&mut disclosed, one.subject.as_ref(), encoded);
        }
        let limit = MAX_LEAF_BYTES - MAX_PREFIX_BYTES;
        let mut body = encode_body(event.kind, &event.clear, &disclosed)?;
        if body.len() > limit
            && let Clear::Intent(intent) = &event.clear
            && let Some(salt) = salts.next()
        {
            let whole = serde_json::to_string(&event.clear).map_err(not_json)?;
            let encoded = disclosure::encode("entry", &whole, salt)?;
            add(&mut disclosed, Some(&intent.principal), encoded);
            body = encode_body(event.kind, &Clear::Intent(shorten(intent)), &disclosed)?;
        }
        if body.len() > limit {
            return Err(Error::EntryTooLarge {
                bytes: body.len(),
                limit,
            });
        }
        Ok(Draft {
            kind: event.kind,
            body,
            disclosed,
        })
    }

    /// The kind of the entry.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Everything after the prefix.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The encoded disclosures by subject.
    #[must_use]
    pub fn disclosed(&self) -> &[Disclosed] {
        &self.disclosed
    }
}

fn add(disclosed: &mut Vec<Disclosed>, subject: Option<&Text>, encoded: String) {
    match disclosed
        .iter_mut()
        .find(|one| one.subject.as_ref() == subject)
    {
        Some(one) => one.encoded.push(encoded),
        None => {
            disclosed.push(Disclosed {
                subject: subject.cloned(),
                encoded: vec![encoded],
            });
        }
    }
}

fn not_json(_: serde_json::Error) -> Error {
    Error::BadEntry("the event does not serialise")
}

fn encode_body(kind: Kind, clear: &Clear, disclosed: &[Disclosed]) -> Result<Vec<u8>, Error> {
    let mut digests: Vec<String> = disclosed
        .iter()
        .flat_map(|one| {
            one.encoded
                .iter()
                .map(|encoded| disclosure::digest(encoded))
        })
        .collect();
    digests.sort_unstable();
    let mut body = Vec::with_capacity(512);
    body.extend_from_slice(b"\"kind\":\"");
    body.extend_from_slice(kind.name().as_bytes());
    body.extend_from_slice(b"\"");
    // The object of the kind follows in place: its opening brace becomes the comma.
    let brace = body.len();
    match clear {
        Clear::Intent(intent) => intent.write(&mut body),
        other => serde_json::to_writer(&mut body, other),
    }
    .map_err(not_json)?;
    match body.get_mut(brace..) {
        Some([first @ b'{', _, .., b'}']) => *first = b',',
        _ => return Err(Error::BadEntry("the event is not an object")),
    }
    if !digests.is_empty() {
        body.pop();
        body.extend_from_slice(b",\"_sd\":[");
        for (position, digest) in digests.iter().enumerate() {
            body.extend_from_slice(if position == 0 { b"\"" } else { b",\"" });
            body.extend_from_slice(digest.as_bytes());
            body.push(b'"');
        }
        body.extend_from_slice(b"]}");
    }
    Ok(body)
}

fn shorten(intent: &Intent) -> Intent {
    let mut end = SHORT_SHAPE_BYTES.min(intent.shape.len());
    while !intent.shape.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    Intent {
        encoded: Encoded::default(),
        shape: intent.shape.get(..end).unwrap_or_default().into(),
        objects: intent.objects.iter().take(SHORT_LIST).cloned().collect(),
        columns: intent.columns.iter().take(SHORT_LIST).cloned().collect(),
        rules: intent.rules.iter().take(SHORT_LIST).cloned().collect(),
        observed: intent.observed.iter().take(SHORT_LIST).cloned().collect(),
        masks: intent.masks.iter().take(SHORT_LIST).cloned().collect(),
        degraded: intent.degraded.iter().take(SHORT_LIST).cloned().collect(),
        ..intent.clone()
    }
}

/// A read entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place.
    pub sequence: Sequence,
    /// When, RFC 3339 UTC with nanoseconds.
    pub at: String,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The fields of the kind, in the order they were written.
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Digests of what is disclosed elsewhere.
    pub digests: Vec<String>,
}

impl Entry {
    /// Reads the bytes of a leaf.
    ///
    /// # Errors
    /// [`Error::BadEntry`] if they are not an entry of a version and kind we know.
    pub fn parse(leaf: &[u8]) -> Result<Entry, Error> {
        use serde_json::Value;
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_slice(leaf).map_err(|_| Error::BadEntry("not a JSON object"))?;
        let mut take = |name: &'static str| fields.shift_remove(name);
        if take("v").and_then(|v| v.as_u64()) != Some(VERSION) {
            return Err(Error::BadEntry("unknown version"));
        }
        let sequence = take("seq").and_then(|seq| seq.as_u64()).map(Sequence);
        let Some(Value::String(at)) = take("at") else {
            return Err(Error::BadEntry("no time"));
        };
        let kind = take("kind");
        let kind = kind
            .as_ref()
            .and_then(Value::as_str)
            .and_then(Kind::from_name);
        let mut digests = Vec::new();
        match take("_sd") {
            None => {}
            Some(Value::Array(items)) => {
                for item in items {
                    match item {
                        Value::String(digest) if digest.len() == DIGEST_BYTES => {
                            digests.push(digest);
                        }
                        _ => return Err(Error::BadEntry("a digest is malformed")),
                    }
                }
            }
            Some(_) => return Err(Error::BadEntry("digests are not a list")),
        }
        Ok(Entry {
            sequence: sequence.ok_or(Error::BadEntry("no sequence"))?,
            at,
            kind: kind.ok_or(Error::BadEntry("unknown kind"))?,
            fields,
            digests,
        })
    }

    /// A text field by name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// A number field by name.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.fields.get(name)?.as_u64()
    }
}

mod head;
#[cfg(test)]
mod tests;

pub use head::Head;
