//! Arrays of one to six dimensions, element by element, in both formats (PostgreSQL docs, 8.15.6;
//! `array_send`). Bounds and NULL elements stay; an element without stand-in becomes NULL.

/// `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;

/// An element masker: `None` for NULL, then the output may hold a torso.
pub(crate) trait Element: FnMut(&[u8], &mut Vec<u8>) -> Option<()> {}
impl<F: FnMut(&[u8], &mut Vec<u8>) -> Option<()>> Element for F {}

/// Text format, as `array_out` writes it: `[1:2]={…}` bounds, quotes and backslashes where needed, no
/// white space. `None` for malformed ones, and for arrays without an element that is not NULL.
pub(crate) fn text(raw: &[u8], out: &mut Vec<u8>, mut element: impl Element) -> Option<()> {
    let (declared, mut rest) = bounds(raw)?;
    out.extend_from_slice(raw.get(..raw.len() - rest.len())?);
    let mut nest = Nest::default();
    let mut valued = false;
    loop {
        let first = *rest.first()?;
        match first {
            b'{' => {
                nest.open()?;
                out.push(b'{');
                rest = rest.get(1..)?;
                continue;
            }
            b'"' => {
                nest.leaf()?;
                let (inner, after) = quoted(rest)?;
                valued |= quote(inner, out, &mut element);
                rest = after;
            }
            _ => {
                nest.leaf()?;
                let end = rest.iter().position(|b| matches!(b, b',' | b'}'))?;
                let (inner, after) = rest.split_at_checked(end)?;
                let odd = |b: &u8| matches!(b, b'{' | b'"' | b'\\') || b.is_ascii_whitespace();
                if inner.is_empty() || inner.iter().any(odd) {
                    return None;
                }
                if inner.eq_ignore_ascii_case(b"null") {
                    out.extend_from_slice(b"NULL");
                } else {
                    valued |= quote(inner, out, &mut element);
                }
                rest = after;
            }
        }
        // After a leaf: close as many levels as end here, then a comma or the end.
        while let Some((b'}', after)) = rest.split_first() {
            nest.close()?;
            out.push(b'}');
            rest = after;
        }
        match rest.split_first() {
            None => break,
            Some((b',', after)) => {
                out.push(b',');
                rest = after;
            }
            Some(_) => return None,
        }
    }
    (nest.fits(declared) && valued).then_some(())
}

/// The lengths that `[l:u]…=` declares (none if there is no such prefix), and what follows it.
fn bounds(raw: &[u8]) -> Option<(Option<Lengths>, &[u8])> {
    if raw.first() != Some(&b'[') {
        return Some((None, raw));
    }
    let equals = raw.iter().position(|b| *b == b'=')?;
    let (prefix, rest) = raw.split_at_checked(equals)?;
    let mut prefix = std::str::from_utf8(prefix).ok()?;
    let mut lengths = Lengths::default();
    let mut dimensions = 0;
    while !prefix.is_empty() {
        let (bound, after) = prefix.strip_prefix('[')?.split_once(']')?;
        let (lower, upper) = bound.split_once(':')?;
        let length = integer(upper)?
            .checked_sub(integer(lower)?)?
            .checked_add(1)?;
        *lengths.get_mut(dimensions)? =
            usize::try_from(length).ok().filter(|length| *length > 0)?;
        dimensions += 1;
        prefix = after;
    }
    Some((Some(lengths), rest.get(1..)?))
}

/// A number as PostgreSQL writes one: no plus sign, no leading zero.
fn integer(text: &str) -> Option<i64> {
    let number: i32 = text.parse().ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits == "0" && text == "0" || !digits.starts_with(['0', '+']);
    plain.then_some(i64::from(number))
}

/// Elements per dimension, 0 where there is none.
type Lengths = [usize; MAX_DIMENSIONS];

/// Checks that braces make a box: all leaves equally deep, all rows equally long.
#[derive(Default)]
struct Nest {
    depth: usize,
    /// How deep the leaves are.
    leaves: Option<usize>,
    /// Elements so far, at each open level.
    counts: Lengths,
    /// Elements of a closed row, at each level.
    lengths: Lengths,
    done: bool,
}

impl Nest {
    fn open(&mut self) -> Option<()> {
        if self.done || self.leaves.is_some_and(|leaves| self.depth >= leaves) {
            return None;
        }
        self.count()?;
        *self.counts.get_mut(self.depth)? = 0;
        self.depth += 1;
        Some(())
    }

    fn leaf(&mut self) -> Option<()> {
        if self.done || self.depth == 0 || *self.leaves.get_or_insert(self.depth) != self.depth {
            return None;
        }
        self.count()
    }

    fn close(&mut self) -> Option<()> {
        let level = self.depth.checked_sub(1)?;
        let count = *self.counts.get(level)?;
        let length = self.lengths.get_mut(level)?;
        if *length == 0 {
            *length = count;
        }
        if count == 0 || *length != count {
            return None;
        }
        self.depth = level;
        self.done = level == 0;
        Some(())
    }

    /// One more element of the row that is open.
    fn count(&mut self) -> Option<()> {
        if let Some(level) = self.depth.checked_sub(1) {
            *self.counts.get_mut(level)? += 1;
        }
        Some(())
    }

    fn fits(&self, declared: Option<Lengths>) -> bool {
        self.done && declared.is_none_or(|declared| declared == self.lengths)
    }
}

/// A quoted element between its quotes, still escaped, and what follows it.
fn quoted(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = rest.get(1..)?;
    let mut bytes = body.iter().enumerate();
    loop {
        match bytes.next()? {
            (end, b'"') => return Some((body.get(..end)?, body.get(end + 1..)?)),
            (_, b'\\') => {
                bytes.next()?;
            }
            _ => {}
        }
    }
}

/// Writes the masked element in quotes, or NULL; tells whether there is a value.
fn quote(inner: &[u8], out: &mut Vec<u8>, element: &mut impl Element) -> bool {
    let start = out.len();
    out.push(b'"');
    let masked = if inner.contains(&b'\\') {
        let mut plain = Vec::with_capacity(inner.len());
        let mut bytes = inner.iter();
        while let Some(byte) = bytes.next() {
            plain.push(if *byte == b'\\' {
                bytes.next().copied().unwrap_or(b'\\')
            } else {
                *byte
            });
        }
        element(&plain, out)
    } else {
        element(inner, out)
    };
    if masked.is_none() {
        out.truncate(start);
        out.extend_from_slice(b"NULL");
        return false;
    }
    let number = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e');
    if out.len() > start + 1 && out.iter().skip(start + 1).all(number) {
        out.remove(start);
        return true;
    }
    if out
        .iter()
        .skip(start + 1)
        .any(|b| matches!(b, b'"' | b'\\'))
    {
        let value = out.split_off(start + 1);
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(byte);
        }
    }
    out.push(b'"');
    true
}

/// Binary format: dimensions, null flag, element oid, length and lower bound of each dimension, then
/// each element with its length (-1 for NULL).
pub(crate) fn binary(
    raw: &[u8],
    oid: u32,
    out: &mut Vec<u8>,
    mut element: impl Element,
) -> Option<()> {
    let (dimensions, rest) = take_i32(raw)?;
    let (flags, rest) = take_i32(rest)?;
    let (element_oid, mut rest) = take_i32(rest)?;
    let dimensions = usize::try_from(dimensions)
        .ok()
        .filter(|n| (1..=MAX_DIMENSIONS).contains(n))?;
    if !(0..=1).contains(&flags) || element_oid.cast_unsigned() != oid {
        return None;
    }
    let mut count = 1usize;
    for _ in 0..dimensions {
        let (length, after) = take_i32(rest)?;
        (_, rest) = take_i32(after)?;
        count = count.checked_mul(usize::try_from(length).ok().filter(|length| *length > 0)?)?;
    }
    let header = raw.len() - rest.len();
    // Each element takes at least its length's four bytes.
    if count > rest.len() / 4 {
        return None;
    }
    let start = out.len();
    out.extend_from_slice(raw.get(..header)?);
    let (mut valued, mut nulls) = (false, 0u8);
    for _ in 0..count {
        let (length, after) = take_i32(rest)?;
        let place = out.len();
        out.extend_from_slice(&NULL_LENGTH);
        if length == -1 {
            nulls = 1;
            rest = after;
            continue;
        }
        let (inner, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        let written = match element(inner, out) {
            Some(()) => i32::try_from(out.len() - place - 4).ok()?,
            None => {
                out.truncate(place + 4);
                nulls = 1;
                continue;
            }
        };
        out.get_mut(place..place + 4)?
            .copy_from_slice(&written.to_be_bytes());
        valued = true;
    }
    *out.get_mut(start + 7)? = nulls;
    (rest.is_empty() && valued).then_some(())
}

const NULL_LENGTH: [u8; 4] = (-1i32).to_be_bytes();

fn take_i32(raw: &[u8]) -> Option<(i32, &[u8])> {
    let (number, rest) = raw.split_first_chunk::<4>()?;
    Some((i32::from_be_bytes(*number), rest))
}
