//! JSON, leaf by leaf, from text to text in one pass (RFC 8259): strings become stand-ins, numbers
//! 0, booleans false; nulls, shape and plain keys stay. White space goes. Documents that are
//! malformed, nested too deeply, or hold nothing to mask, become NULL.

use crate::cell::{self, Means};
use crate::label::Rule;
use crate::prose;
use zeroize::Zeroizing;

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 128;
/// Longest object key that counts as part of the shape, and most digits in it: longer ones, and
/// ones with other characters than identifiers have, may be data, and become tokens.
const MAX_KEY_BYTES: usize = 48;
const MAX_KEY_DIGITS: usize = 3;

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    CommaOrEnd,
    End,
}

/// Appends the masked document; `None` for NULL, then `out` may hold a torso.
pub(crate) fn mask(means: Means<'_>, document: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut writer = Writer {
        means,
        out,
        changed: false,
    };
    let mut rest = document;
    // One bit per level: set in an object, clear in an array.
    let (mut levels, mut depth) = (0u128, 0u32);
    let mut expect = Expect::Value;
    let after_value = |depth| {
        if depth == 0 {
            Expect::End
        } else {
            Expect::CommaOrEnd
        }
    };
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let Some(first) = rest.bytes().next() else {
            break;
        };
        let in_object = depth > 0 && levels & 1 == 1;
        expect = match (expect, first) {
            (Expect::ValueOrEnd, b']') | (Expect::KeyOrEnd, b'}') => {
                rest = writer.punctuation(rest, first)?;
                levels >>= 1;
                depth -= 1;
                after_value(depth)
            }
            (Expect::CommaOrEnd, b']' | b'}') if in_object == (first == b'}') => {
                rest = writer.punctuation(rest, first)?;
                levels >>= 1;
                depth -= 1;
                after_value(depth)
            }
            (Expect::CommaOrEnd, b',') => {
                rest = writer.punctuation(rest, first)?;
                writer.out.push(b' ');
                if in_object {
                    Expect::Key
                } else {
                    Expect::Value
                }
            }
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                let (name, after) = Text::read(rest)?;
                writer.name(&name)?;
                let after = after.trim_start_matches([' ', '\t', '\n', '\r']);
                rest = writer.punctuation(after.starts_with(':').then_some(after)?, b':')?;
                writer.out.push(b' ');
                Expect::Value
            }
            (Expect::Value | Expect::ValueOrEnd, b'[' | b'{') => {
                if depth == MAX_DEPTH {
                    return None;
                }
                rest = writer.punctuation(rest, first)?;
                levels = levels << 1 | u128::from(first == b'{');
                depth += 1;
                if first == b'{' {
                    Expect::KeyOrEnd
                } else {
                    Expect::ValueOrEnd
                }
            }
            (Expect::Value | Expect::ValueOrEnd, b'"') => {
                let (text, after) = Text::read(rest)?;
                writer.stand_in(&text)?;
                rest = after;
                after_value(depth)
            }
            (Expect::Value | Expect::ValueOrEnd, _) => {
                rest = writer.word(rest)?;
                after_value(depth)
            }
            (Expect::Key | Expect::KeyOrEnd | Expect::CommaOrEnd | Expect::End, _) => return None,
        };
    }
    (expect == Expect::End && writer.changed).then_some(())
}

struct Writer<'a> {
    means: Means<'a>,
    out: &'a mut Vec<u8>,
    /// Is anything different from the document?
    changed: bool,
}

impl Writer<'_> {
    fn punctuation<'t>(&mut self, rest: &'t str, mark: u8) -> Option<&'t str> {
        self.out.push(mark);
        rest.get(1..)
    }

    /// An object's key.
    fn name(&mut self, text: &Text<'_>) -> Option<()> {
        if !is_plain(text) {
            return self.stand_in(text);
        }
        self.out.push(b'"');
        self.out.extend_from_slice(text.inner.as_bytes());
        self.out.push(b'"');
        Some(())
    }

    /// A string, of which nothing is kept.
    fn stand_in(&mut self, text: &Text<'_>) -> Option<()> {
        let resolved;
        let raw = match text.escaped {
            false => text.inner,
            true => {
                resolved = Zeroizing::new(text.chars().collect::<String>());
                resolved.as_str()
            }
        };
        self.out.push(b'"');
        let means = prose::whole(self.means, raw).unwrap_or(Means {
            rule: Rule::Json,
            ..self.means
        });
        cell::token_or_stand_in(means, raw, usize::MAX, self.out)?;
        self.out.push(b'"');
        self.changed = true;
        Some(())
    }

    /// A number or a literal name.
    fn word<'t>(&mut self, rest: &'t str) -> Option<&'t str> {
        let end = rest
            .find([' ', '\t', '\n', '\r', ',', ']', '}'])
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at_checked(end)?;
        let (masked, same) = match word {
            "null" => ("null", true),
            "false" => ("false", true),
            "true" => ("false", false),
            number => ("0", is_zero(number)?),
        };
        self.out.extend_from_slice(masked.as_bytes());
        self.changed |= !same;
        Some(rest)
    }
}

/// `-`? int frac? exp?; is its value zero? `None` if it is no number.
fn is_zero(number: &str) -> Option<bool> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let positive = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = match positive.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (positive, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let no_leading_zero = whole == "0" || !whole.starts_with('0');
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    if !digits(whole)
        || !no_leading_zero
        || !fraction.is_none_or(digits)
        || !exponent.is_none_or(digits)
    {
        return None;
    }
    Some(mantissa.bytes().all(|b| matches!(b, b'0' | b'.')))
}

/// Does a key read like an identifier, so that it is shape and not data?
fn is_plain(name: &Text<'_>) -> bool {
    let bytes = name.inner.as_bytes();
    let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !name.escaped
        && bytes.len() <= MAX_KEY_BYTES
        && bytes
            .first()
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && bytes.iter().all(letters)
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() <= MAX_KEY_DIGITS
}

/// A string that was checked to be well-formed.
struct Text<'a> {
    /// Between the quotes, as written.
    inner: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Reads the string at the start of `rest`, and gives what follows.
    fn read(rest: &'a str) -> Option<(Self, &'a str)> {
        let body = rest.strip_prefix('"')?;
        let mut escaped = false;
        let mut bytes = body.bytes().enumerate();
        let end = loop {
            match bytes.next()? {
                (at, b'"') => break at,
                (_, b'\\') => {
                    escaped = true;
                    bytes.next()?;
                }
                (_, 0..=0x1f) => return None,
                _ => {}
            }
        };
        let text = Self {
            inner: body.get(..end)?,
            escaped,
        };
        if escaped && !text.well_formed() {
            return None;
        }
        Some((text, body.get(end + 1..)?))
    }

    fn well_formed(&self) -> bool {
        let mut rest = self.inner;
        while !rest.is_empty() {
            match next_char(rest) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }

    /// The characters it stands for.
    fn chars(&self) -> impl Iterator<Item = char> {
        let mut rest = self.inner;
        std::iter::from_fn(move || {
            let (char, after) = next_char(rest)?;
            rest = after;
            Some(char)
        })
    }
}

/// The first character that the text stands for, escapes resolved; `None` at its end or at a fault.
fn next_char(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if first != '\\' {
        return Some((first, chars.as_str()));
    }
    let char = match chars.next()? {
        '"' => '"',
        '\\' => '\\',
        '/' => '/',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(chars.as_str()),
        _ => return None,
    };
    Some((char, chars.as_str()))
}

/// `XXXX`, or a surrogate pair `XXXX\uXXXX`.
fn unicode(text: &str) -> Option<(char, &str)> {
    let (high, rest) = four_hex(text)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, rest));
    }
    let (low, rest) = four_hex(rest.strip_prefix("\\u")?)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    Some((
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?,
        rest,
    ))
}

fn four_hex(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}
