//! Finding messages in a buffer by tag and length, without looking inside
//! (PostgreSQL docs, 55.1.1).

use super::Error;

/// A complete typed message at the start of a buffer. Making one consumes
/// nothing; `raw.len()` is what the caller advances by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The message type byte.
    pub tag: u8,
    /// The whole message: tag, length word, body.
    pub raw: &'a [u8],
    /// The body alone.
    pub body: &'a [u8],
}

/// Shows tag and size, never the body.
impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tag = char::from(self.tag).escape_default();
        write!(f, "Frame('{tag}', {} bytes)", self.body.len())
    }
}

/// Finds the message at the start of `buffer`. `Ok(None)` asks for more bytes.
///
/// `limit_bytes` bounds the declared length (which counts its own four bytes,
/// not the tag). A length below four or above the limit is an error as soon as
/// five bytes are there, so nobody waits or allocates for a 1 GB claim.
pub fn frame(buffer: &[u8], limit_bytes: usize) -> Result<Option<Frame<'_>>, Error> {
    let Some((tag, declared)) = tag_and_length(buffer) else {
        return Ok(None);
    };
    if declared > limit_bytes as u64 {
        if declared > MAX_DECLARED {
            return Err(Error::Malformed("negative message length"));
        }
        return Err(Error::TooLarge {
            declared_bytes: declared,
            limit_bytes: limit_bytes as u64,
        });
    }
    if declared < 4 {
        return Err(Error::Malformed("message length below four"));
    }
    let Ok(total) = usize::try_from(declared.saturating_add(1)) else {
        return Err(Error::Malformed("message length"));
    };
    let Some(raw) = buffer.get(..total) else {
        return Ok(None);
    };
    let Some(body) = raw.get(5..) else {
        return Ok(None);
    };
    Ok(Some(Frame { tag, raw, body }))
}

/// Tag and total length in bytes (tag and length word included) of the message
/// that starts `buffer`, complete or not: for streaming a message larger than
/// the buffer.
///
/// `None` when fewer than five bytes are there *or* the length is not one a
/// message can have; call [`frame`] then, which tells the two apart.
pub fn header(buffer: &[u8]) -> Option<(u8, usize)> {
    let (tag, declared) = tag_and_length(buffer)?;
    if !(4..=MAX_DECLARED).contains(&declared) {
        return None;
    }
    Some((tag, usize::try_from(declared.saturating_add(1)).ok()?))
}

/// Complete messages of one tag that follow each other: what can be forwarded
/// with a single write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    /// Bytes of the whole run.
    pub bytes: usize,
    /// Messages in it.
    pub messages: usize,
}

/// Measures the run of complete `tag` messages at the start of `buffer`, at
/// most `max_messages` of them. Looks at tags and lengths only; stops before a
/// malformed length, which [`frame`] then reports.
pub fn run(buffer: &[u8], tag: u8, max_messages: usize) -> Run {
    let mut run = Run::default();
    let mut rest = buffer;
    while run.messages < max_messages {
        let Some((found, total)) = header(rest) else {
            break;
        };
        if found != tag {
            break;
        }
        let Some(tail) = rest.get(total..) else {
            break;
        };
        rest = tail;
        run.messages = run.messages.saturating_add(1);
    }
    run.bytes = buffer.len().saturating_sub(rest.len());
    run
}

/// The length word is a signed 32-bit integer.
const MAX_DECLARED: u64 = i32::MAX as u64;

fn tag_and_length(buffer: &[u8]) -> Option<(u8, u64)> {
    let (&[tag, a, b, c, d], _) = buffer.split_first_chunk::<5>()?;
    Some((tag, u64::from(u32::from_be_bytes([a, b, c, d]))))
}

#[cfg(test)]
mod tests;
