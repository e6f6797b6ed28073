//! What a server sent, decoded for assertions; nothing is thrown away.

use std::fmt;

/// One backend message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Type byte.
    pub tag: u8,
    /// Everything after the length.
    pub body: Vec<u8>,
}

/// Fields of an ErrorResponse or NoticeResponse (PostgreSQL docs, 55.8), in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(char, String)>);

impl Fields {
    /// Decodes the body of an `E` or `N` message.
    #[must_use]
    pub fn decode(body: &[u8]) -> Fields {
        Fields(
            body.split(|byte| *byte == 0)
                .filter_map(|field| {
                    let (code, text) = field.split_first()?;
                    Some((
                        char::from(*code),
                        String::from_utf8_lossy(text).into_owned(),
                    ))
                })
                .collect(),
        )
    }

    /// A field by its code, empty when absent.
    #[must_use]
    pub fn field(&self, code: char) -> &str {
        self.0
            .iter()
            .find(|(c, _)| *c == code)
            .map_or("", |(_, text)| text)
    }

    /// SQLSTATE.
    #[must_use]
    pub fn code(&self) -> &str {
        self.field('C')
    }

    /// Primary message.
    #[must_use]
    pub fn message(&self) -> &str {
        self.field('M')
    }

    /// DETAIL.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.field('D')
    }

    /// HINT.
    #[must_use]
    pub fn hint(&self) -> &str {
        self.field('H')
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.field('S'), self.code(), self.message())?;
        for (label, code) in [("DETAIL", 'D'), ("HINT", 'H')] {
            if !self.field(code).is_empty() {
                write!(f, " {label}: {}", self.field(code))?;
            }
        }
        Ok(())
    }
}

/// One column of a RowDescription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Table oid, 0 when not a plain column.
    pub table_oid: u32,
    /// Attribute number, 0 when not a plain column.
    pub attribute: i16,
    /// Type oid.
    pub type_oid: u32,
    /// 0 text, 1 binary.
    pub format: i16,
}

/// The rows of one statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultSet {
    /// Columns, empty when the server sent no RowDescription.
    pub columns: Vec<Column>,
    /// Rows; `None` is NULL.
    pub rows: Vec<Vec<Option<Vec<u8>>>>,
    /// Command tag, empty when the statement did not complete.
    pub tag: String,
}

impl ResultSet {
    /// Rows as text, NULL as `NULL`.
    #[must_use]
    pub fn text(&self) -> Vec<Vec<String>> {
        self.rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| {
                        cell.as_ref().map_or_else(
                            || "NULL".to_owned(),
                            |bytes| String::from_utf8_lossy(bytes).into_owned(),
                        )
                    })
                    .collect()
            })
            .collect()
    }
}

/// Everything between a request and the ReadyForQuery (or end of connection) that ends it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Result sets, in order.
    pub sets: Vec<ResultSet>,
    /// Errors, in order.
    pub errors: Vec<Fields>,
    /// Notices, in order.
    pub notices: Vec<Fields>,
    /// Asynchronous notifications: channel and payload.
    pub notifications: Vec<(String, String)>,
    /// Bytes of all CopyData messages.
    pub copied: Vec<u8>,
    /// Result of a FunctionCall.
    pub function_result: Option<Vec<u8>>,
    /// Messages as they came.
    pub messages: Vec<Message>,
    /// Every byte received.
    pub raw: Vec<u8>,
    /// Transaction status of the ReadyForQuery: `I`, `T`, `E`; 0 when none came.
    pub status: u8,
    /// Whether the server closed the connection.
    pub closed: bool,
}

impl Answer {
    /// The first error, when there is one.
    #[must_use]
    pub fn error(&self) -> Option<&Fields> {
        self.errors.first()
    }

    /// SQLSTATE of the first error, or empty.
    #[must_use]
    pub fn code(&self) -> &str {
        self.error().map_or("", Fields::code)
    }

    /// Rows of all result sets as text.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        self.sets.iter().flat_map(ResultSet::text).collect()
    }

    /// The single cell of a single-row answer, or empty.
    #[must_use]
    pub fn value(&self) -> String {
        self.rows()
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .unwrap_or_default()
    }

    /// Whether the server's bytes contain a text.
    #[must_use]
    pub fn contains(&self, needle: &str) -> bool {
        let needle = needle.as_bytes();
        !needle.is_empty()
            && self
                .raw
                .windows(needle.len())
                .any(|window| window == needle)
    }

    pub(super) fn take(&mut self, message: Message) {
        let body = &message.body;
        match message.tag {
            b'T' => self.sets.push(ResultSet {
                columns: columns(body),
                ..ResultSet::default()
            }),
            b'D' => {
                let row = row(body);
                if self.sets.last().is_none_or(|set| !set.tag.is_empty()) {
                    self.sets.push(ResultSet::default());
                }
                if let Some(set) = self.sets.last_mut() {
                    set.rows.push(row);
                }
            }
            b'C' | b'I' | b's' => {
                let tag = match message.tag {
                    b'C' => string(body),
                    b'I' => "EMPTY".to_owned(),
                    _ => "SUSPENDED".to_owned(),
                };
                if self.sets.last().is_none_or(|set| !set.tag.is_empty()) {
                    self.sets.push(ResultSet::default());
                }
                if let Some(set) = self.sets.last_mut() {
                    set.tag = tag;
                }
            }
            b'E' => self.errors.push(Fields::decode(body)),
            b'N' => self.notices.push(Fields::decode(body)),
            b'A' => {
                let mut parts = body.get(4..).unwrap_or_default().split(|byte| *byte == 0);
                let mut next = || {
                    parts
                        .next()
                        .map(|p| String::from_utf8_lossy(p).into_owned())
                        .unwrap_or_default()
                };
                self.notifications.push((next(), next()));
            }
            b'd' => self.copied.extend_from_slice(body),
            b'V' => self.function_result = Reader(body).value().flatten(),
            b'Z' => self.status = body.first().copied().unwrap_or_default(),
            _ => {}
        }
        self.messages.push(message);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn int16(&mut self) -> Option<i16> {
        self.bytes().map(i16::from_be_bytes)
    }

    fn string(&mut self) -> Option<String> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = String::from_utf8_lossy(self.0.get(..end)?).into_owned();
        self.0 = self.0.get(end + 1..)?;
        Some(text)
    }

    fn value(&mut self) -> Option<Option<Vec<u8>>> {
        let length = self.bytes().map(i32::from_be_bytes)?;
        let Ok(length) = usize::try_from(length) else {
            return Some(None);
        };
        let value = self.0.get(..length)?.to_vec();
        self.0 = self.0.get(length..)?;
        Some(Some(value))
    }
}

fn string(body: &[u8]) -> String {
    String::from_utf8_lossy(body.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}

fn columns(body: &[u8]) -> Vec<Column> {
    let mut reader = Reader(body);
    let count = reader.int16().unwrap_or_default();
    (0..count)
        .map_while(|_| {
            let name = reader.string()?;
            let table_oid = reader.bytes().map(u32::from_be_bytes)?;
            let attribute = reader.int16()?;
            let type_oid = reader.bytes().map(u32::from_be_bytes)?;
            let _size_and_modifier: [u8; 6] = reader.bytes()?;
            Some(Column {
                name,
                table_oid,
                attribute,
                type_oid,
                format: reader.int16()?,
            })
        })
        .collect()
}

fn row(body: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut reader = Reader(body);
    let count = reader.int16().unwrap_or_default();
    (0..count).map_while(|_| reader.value()).collect()
}
