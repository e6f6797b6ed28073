//! Numbers that are somebody's: cards, IBANs, identity numbers, phones, addresses of machines, dates of birth.

use super::super::ids;
use super::super::kind::Kind;
use super::super::{dates, look, network, numbers};
use super::cue::{self, Cue};
use super::{Candidate, boundary, keyed, pieces, place};

const IDENTITY: &[Kind] = &[
    Kind::NationalId,
    Kind::Ssn,
    Kind::TaxId,
    Kind::Passport,
    Kind::DriverLicense,
];
/// Longest run of digits and separators that is one number.
const MAX_RUN: usize = 44;
/// Most parts of a run that are tried.
const MAX_TRIES: usize = 6;
/// What a number has at least, and at most: `1.1.1990`, `1 84 12 76 451 089 46`.
const MIN_DIGITS: usize = 6;
const MIN_LENGTH: usize = 7;
const MAX_GROUPS: usize = 8;

/// Reads a part of a token: each side of `=` as a whole, else what stands in it between other signs. Gives where to go
/// on when something was read.
pub(super) fn read(
    text: &str,
    start: usize,
    end: usize,
    found: &mut Vec<Candidate>,
) -> Option<usize> {
    let mut free = start;
    for (start, end) in pieces(text, start, end, |c| c == '=') {
        let long = end - start > MAX_WHOLE;
        if start < free {
            continue;
        }
        if !long && let Some(after) = whole(text, start, end, found) {
            free = after;
            continue;
        }
        // Points stand within numbers, too.
        let sign = |c: char| !c.is_ascii_alphanumeric() && (long || c != '.');
        for (start, end) in pieces(text, start, end, sign) {
            if start >= free && end - start <= MAX_WHOLE {
                free = whole(text, start, end, found).unwrap_or(free);
            }
        }
    }
    (free > start).then_some(free)
}

/// Longest part that is read as a whole.
const MAX_WHOLE: usize = 256;
/// Reads what begins at a part with a digit in it; gives where to go on when it was read as something.
fn whole(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> Option<usize> {
    let token = text.get(start..end)?;
    if !token.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let body = token.trim_end_matches(['.', '!', '?', ':', '-', '/', '+']);
    if timestamp(body) || (body.len() >= 32 && body.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Some(end);
    }
    // `name:value`: the value; an address of the new Internet protocol has colons of its own.
    let after = if network::ip(body).is_some() {
        0
    } else {
        body.rfind(':').map_or(0, |at| at + 1)
    };
    let value = body.get(after..)?;
    let begin = start + after;
    if value.is_empty() || network::is_uuid(value) || network::is_mac(value) {
        return Some(end);
    }
    let mut push = |end: usize, kind: Kind, confidence: f32| {
        found.push(Candidate {
            start: begin,
            end,
            kind,
            confidence,
        });
        Some(end)
    };
    // A revision may be written as an address is.
    let key = super::before(text, begin);
    let revision = key.ends_with("rv:") || key.ends_with("ersion=");
    if let Some(ip) = network::ip(value).filter(|_| !revision) {
        return match ip {
            network::Ip::Public => push(begin + value.len(), Kind::Ip, 0.9),
            network::Ip::Special => Some(end),
        };
    }
    if network::is_hostname(value) || network::is_url(value) {
        return Some(end);
    }
    let first = value.as_bytes().first().copied()?;
    if first.is_ascii_alphabetic() {
        if let Some(length) = iban(text.get(begin..)?) {
            return push(begin + length, Kind::Iban, 0.98);
        }
        return lettered(text, begin, value)
            .and_then(|(end, kind, confidence)| push(end, kind, confidence));
    }
    // An opening bracket or a plus stands before the token.
    let open = text.get(..begin).is_some_and(|head| head.ends_with('('));
    let plus = text
        .get(..begin - usize::from(open))
        .is_some_and(|head| head.ends_with('+'));
    let from = begin - usize::from(open) - usize::from(plus);
    let run = run(text, from);
    if cue::before(text, from, Cue::Address) {
        place::announced(text, from, found);
    }
    let count = text
        .get(from..run)
        .unwrap_or_default()
        .bytes()
        .filter(u8::is_ascii_digit)
        .count();
    if count < 7 && value.len() < 8 {
        return None;
    }
    if let Some((end, kind, confidence)) = digits(text, from, run) {
        found.push(Candidate {
            start: from,
            end,
            kind,
            confidence,
        });
        return Some(end);
    }
    lettered(text, begin, value).map(|(end, kind, confidence)| {
        found.push(Candidate {
            start: begin,
            end,
            kind,
            confidence,
        });
        end
    })
}

/// A date with a time of day after it, as logs begin.
fn timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 16
        && bytes
            .get(..4)
            .is_some_and(|year| year.iter().all(u8::is_ascii_digit))
        && matches!(bytes.get(4), Some(b'-' | b'/'))
        && bytes.get(10) == Some(&b'T')
}

/// Where a run of digits and of what stands between them ends.
fn run(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes().get(from..).unwrap_or_default();
    let (mut end, mut gap) = (0, 0);
    for (at, b) in bytes.iter().take(MAX_RUN).enumerate() {
        match b {
            b'0'..=b'9' => {
                gap = 0;
                end = at + 1;
            }
            b'+' if at == 0 => {}
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' => {
                gap += 1;
                if gap > 3 {
                    break;
                }
            }
            _ => break,
        }
    }
    // An extension belongs to its number.
    let tail = bytes.get(end..).unwrap_or_default();
    let mark = [&b"x"[..], b" x", b" ext. ", b" ext "]
        .into_iter()
        .find(|mark| tail.starts_with(mark));
    if let Some(mark) = mark {
        let more = tail
            .get(mark.len()..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if (1..=6).contains(&more) {
            end += mark.len() + more;
        }
    }
    from + end
}

/// The longest part of a run, from its front, that is a number of some kind.
fn digits(text: &str, from: usize, end: usize) -> Option<(usize, Kind, f32)> {
    let whole = text.get(from..end)?;
    // What follows directly must not go on: `12a`, `3.5k`.
    let goes_on = text
        .get(end..)?
        .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (mut ends, mut digits, mut groups) = (Vec::new(), 0, 0);
    for (at, _) in whole
        .bytes()
        .enumerate()
        .filter(|(_, b)| b.is_ascii_digit())
    {
        digits += 1;
        let last = !whole.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit);
        groups += usize::from(last);
        if last && groups <= MAX_GROUPS && digits >= MIN_DIGITS && at + 1 >= MIN_LENGTH {
            ends.push(at + 1);
        }
    }
    for length in ends.into_iter().rev().take(MAX_TRIES) {
        if length == whole.len() && goes_on {
            continue;
        }
        let part = whole.get(..length)?;
        if let Some((kind, confidence)) = number(text, from, part) {
            return Some((from + length, kind, confidence));
        }
    }
    None
}

fn number(text: &str, at: usize, part: &str) -> Option<(Kind, f32)> {
    if let Some(date) = dates::date(part) {
        let born =
            cue::near(text, at, Cue::Birth, 3) || keyed::announced(text, at, 3, &[Kind::BirthDate]);
        return (born && date.year < 2030).then_some((Kind::BirthDate, 0.85));
    }
    let spaced: String = part
        .split(' ')
        .filter(|g| !g.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if numbers::card_digits(part).is_some_and(|digits| numbers::is_card(&digits))
        && !numbered(text, at)
    {
        return Some((Kind::Card, 0.9));
    }
    let hits: Vec<ids::Hit> = ids::look(&spaced);
    let best = hits
        .iter()
        .filter(|hit| hit.passes)
        .filter_map(|hit| {
            ids::schemes()
                .get(hit.scheme)
                .map(|scheme| (scheme, hit.formed))
        })
        .min_by(|a, b| a.0.chance.total_cmp(&b.0.chance));
    if let Some((scheme, formed)) = best {
        let ssn = scheme.name == "US SSN" && formed;
        let sure = ssn || (formed && scheme.chance <= 0.03) || scheme.chance <= 0.001;
        if sure && !numbered(text, at) {
            return Some((scheme.kind, 0.85));
        }
    }
    let said = !hits.is_empty() && keyed::announced(text, at, 4, IDENTITY);
    if said {
        let kind = best.map_or(Kind::NationalId, |(scheme, _)| scheme.kind);
        return Some((kind, if best.is_some() { 0.9 } else { 0.7 }));
    }
    // What begins inside of a longer number is another one only where a check tells so.
    let mut head = super::before(text, at).bytes().rev();
    let inside = matches!(head.next(), Some(b'-' | b'.' | b'/'))
        && head.next().is_some_and(|b| b.is_ascii_digit());
    match numbers::phone(part).filter(|_| !inside)? {
        numbers::Phone::International => (!numbered(text, at)).then_some((Kind::Phone, 0.9)),
        numbers::Phone::Grouped if part.len() >= 9 => {
            (!numbered(text, at)).then_some((Kind::Phone, 0.7))
        }
        numbers::Phone::Grouped | numbers::Phone::Plain => (cue::near(text, at, Cue::Call, 3)
            || keyed::announced(text, at, 3, &[Kind::Phone]))
        .then_some((Kind::Phone, 0.7)),
    }
    .or_else(|| look::is_pair(part).then_some((Kind::Geo, 0.6)))
}

/// The words before say that things are numbered.
fn numbered(text: &str, at: usize) -> bool {
    cue::near(text, at, Cue::Numbered, 2)
}

/// An IBAN at the front of a text, in groups or not; its length in bytes.
fn iban(text: &str) -> Option<usize> {
    let head = text.as_bytes();
    if !(head.first()?.is_ascii_uppercase()
        && head.get(1)?.is_ascii_uppercase()
        && head.get(2)?.is_ascii_digit()
        && head.get(3)?.is_ascii_digit())
    {
        return None;
    }
    let mut ends = Vec::new();
    for (at, b) in head.iter().enumerate().take(42) {
        if !(b.is_ascii_alphanumeric() || *b == b' ') {
            ends.push(at);
            break;
        }
        if *b == b' ' {
            ends.push(at);
        }
        if at + 1 == head.len() || at == 41 {
            ends.push(at + 1);
        }
    }
    ends.into_iter()
        .rev()
        .find(|end| text.get(..*end).is_some_and(numbers::is_iban))
}

/// Identity numbers with letters in them.
fn lettered(text: &str, at: usize, value: &str) -> Option<(usize, Kind, f32)> {
    if value.bytes().all(|b| !b.is_ascii_alphabetic()) {
        return None;
    }
    let longer = text.get(at..boundary(text, (at + 13).min(text.len())));
    for part in [
        Some(value),
        longer.filter(|part| part.get(2..3) == Some(" ")),
    ]
    .into_iter()
    .flatten()
    {
        let best = ids::look(part)
            .into_iter()
            .filter(|hit| hit.passes)
            .filter_map(|hit| ids::schemes().get(hit.scheme))
            .min_by(|a, b| a.chance.total_cmp(&b.chance));
        if let Some(scheme) = best {
            let upper = !part.bytes().any(|b| b.is_ascii_lowercase());
            let long = part.len() >= 15;
            let said = keyed::announced(text, at, 4, IDENTITY);
            if upper && (said || long || scheme.chance <= 0.045) && !numbered(text, at) {
                return Some((at + part.len(), scheme.kind, if said { 0.9 } else { 0.7 }));
            }
        }
    }
    None
}
