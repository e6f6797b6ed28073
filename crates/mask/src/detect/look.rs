//! One value looked at from all sides.

use super::{address, dates, email, fold, ids, names, network, numbers, secret, values};

/// What one value could be. Several may hold; which does is a question for the whole column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) email: bool,
    pub(crate) phone: Option<numbers::Phone>,
    pub(crate) card: bool,
    pub(crate) card_sized: bool,
    pub(crate) iban: bool,
    pub(crate) ids: Vec<ids::Hit>,
    pub(crate) ip: Option<network::Ip>,
    pub(crate) mac: bool,
    pub(crate) uuid: bool,
    pub(crate) hex: bool,
    pub(crate) url: bool,
    pub(crate) hostname: bool,
    pub(crate) version: bool,
    pub(crate) secret: Option<super::kind::Kind>,
    pub(crate) random: bool,
    pub(crate) password_like: bool,
    pub(crate) date: Option<dates::Date>,
    pub(crate) epoch: bool,
    pub(crate) number: Option<f64>,
    pub(crate) decimals: usize,
    pub(crate) person: Option<names::Person>,
    pub(crate) city: bool,
    pub(crate) city_end: bool,
    pub(crate) address: f32,
    /// A house number stands before or after words with capitals.
    pub(crate) house: bool,
    pub(crate) postal: u8,
    pub(crate) pair: bool,
    pub(crate) values: u8,
    pub(crate) icd10: bool,
    pub(crate) username: f32,
    pub(crate) plate: bool,
    pub(crate) common: bool,
    pub(crate) words: usize,
}

/// Longest value that is looked at as anything but prose.
const MAX_SCALAR: usize = 300;

pub(crate) fn look(value: &str) -> Look {
    let mut look = Look {
        words: value.split_whitespace().count(),
        address: -4.0,
        username: -4.0,
        ..Look::default()
    };
    look.secret = whole_secret(value);
    if value.len() > MAX_SCALAR {
        return look;
    }
    let bytes = value.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    look.email = email::is_email(value);
    look.url = network::is_url(value);
    look.uuid = network::is_uuid(value);
    look.mac = network::is_mac(value);
    look.ip = network::ip(value);
    look.version = network::is_version(value);
    look.hostname = !look.email && network::is_hostname(value);
    look.hex = network::is_hex(value) || network::is_digest(value);
    look.values = values::flags(value);
    look.icd10 = values::is_icd10(value);
    look.number = value.parse::<f64>().ok().filter(|n| n.is_finite());
    look.decimals = value.split_once('.').map_or(0, |(_, tail)| tail.len());
    look.pair = is_pair(value);
    look.common = is_common(value);
    if digits >= 6 {
        look.date = dates::date(value);
        look.epoch = dates::is_epoch(value);
        let card = numbers::card_digits(value);
        look.card_sized = card.is_some();
        look.card = card.is_some_and(|digits| numbers::is_card(&digits));
        look.iban = numbers::is_iban_like(value);
        look.ids = ids::look(value);
        if look.date.is_none() && look.ip.is_none() {
            look.phone = numbers::phone(value);
        }
    }
    let machine = look.email
        || look.url
        || look.uuid
        || look.mac
        || look.ip.is_some()
        || look.hex
        || look.hostname;
    if !machine {
        look.random = secret::is_random(value);
        look.password_like = secret::is_password_like(value);
        look.person = names::person(value);
        look.city = names::is_city(value);
        look.city_end = value
            .rsplit([' ', '-'])
            .next()
            .is_some_and(|w| names::has_city_end(&fold::text(w)));
        look.address = address::score(value);
        look.house = address::structure(value) > 0.0;
        look.postal = address::postal(value);
        look.username = username(value);
        look.plate = is_plate(value);
    }
    look
}

fn whole_secret(value: &str) -> Option<super::kind::Kind> {
    use super::kind::Kind;
    let value = value.trim();
    for scheme in ["Bearer ", "Basic ", "bearer ", "Token "] {
        if let Some(token) = value.strip_prefix(scheme)
            && token.len() >= 8
            && !token.contains(' ')
        {
            return Some(Kind::Secret);
        }
    }
    if secret::pem(value).is_some() {
        return Some(Kind::Secret);
    }
    if (network::is_url(value) && secret::url_with_password(value))
        || secret::connection_string(value)
    {
        return Some(Kind::Secret);
    }
    let (length, kind) = secret::at_start(value)?;
    (length == value.len()).then_some(kind)
}

/// `52.5200, 13.4050`, `POINT(13.4 52.5)`: a pair of coordinates.
pub(crate) fn is_pair(value: &str) -> bool {
    let inner = value
        .strip_prefix("POINT")
        .unwrap_or(value)
        .trim()
        .trim_start_matches(['(', '['])
        .trim_end_matches([')', ']']);
    let parts: Vec<&str> = inner
        .split([',', ' ', ';'])
        .filter(|part| !part.is_empty())
        .collect();
    let [a, b] = parts.as_slice() else {
        return false;
    };
    let degree = |text: &str, most: f64| {
        text.parse::<f64>().is_ok_and(|n| n.abs() <= most)
            && text
                .split_once('.')
                .is_some_and(|(_, tail)| tail.len() >= 3)
    };
    degree(a, 180.0) && degree(b, 180.0)
}

/// All words are common ones.
fn is_common(value: &str) -> bool {
    let mut any = false;
    for word in value
        .split([' ', '_', '-', '/', '.', '&'])
        .filter(|word| !word.is_empty())
    {
        any = true;
        if names::flags(&fold::text(word)) & names::WORD == 0 {
            return false;
        }
    }
    any
}

/// Log-odds that a value is a name somebody signs in with: small letters, a known name in it, digits at its end.
fn username(value: &str) -> f32 {
    let count = value.chars().count();
    let legal = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-' | '@')
    };
    if !(3..=32).contains(&count)
        || !value.chars().all(legal)
        || !value.starts_with(|c: char| c.is_ascii_lowercase() || c == '@')
    {
        return -4.0;
    }
    let body = value
        .trim_start_matches('@')
        .trim_end_matches(|c: char| c.is_ascii_digit());
    let parts: Vec<&str> = body
        .split(['.', '_', '-'])
        .filter(|part| !part.is_empty())
        .collect();
    if body.len() < 3 || parts.len() > 3 || body.bytes().any(|b| b.is_ascii_digit()) {
        return -3.0;
    }
    let mut best: f32 = if parts.len() == 1 && is_pinyin(body) {
        1.2
    } else {
        -0.8
    };
    let mut common = false;
    for part in &parts {
        let flags = names::flags(part);
        common |= flags & names::WORD != 0 && flags & (names::GIVEN | names::FAMILY) == 0;
        for start in 0..2.min(part.len()) {
            for end in (start + 3..=part.len()).rev() {
                let Some(piece) = part.get(start..end) else {
                    continue;
                };
                let known = names::flags(piece) & (names::GIVEN | names::FAMILY) != 0;
                // What is left over beside a name of some length is an initial or a second name.
                if known && (piece.len() >= 5 || part.len() - piece.len() <= 1) {
                    best = best.max(if piece.len() >= 4 { 3.0 } else { 2.0 });
                }
            }
        }
        if part.len() >= 4 {
            best = best.max(names::likeness(part) * 1.2 - 0.3);
        }
    }
    best - if common { 2.5 } else { 0.0 }
}

/// Two or three syllables of Mandarin.
fn is_pinyin(word: &str) -> bool {
    const STARTS: &[&str] = &[
        "zh", "ch", "sh", "b", "p", "m", "f", "d", "t", "n", "l", "g", "k", "h", "j", "q", "x",
        "r", "z", "c", "s", "y", "w",
    ];
    const ENDS: &[&str] = &[
        "iang", "iong", "uang", "ang", "eng", "ing", "ong", "iao", "ian", "uai", "uan", "ai", "ei",
        "ao", "ou", "an", "en", "in", "un", "ia", "ie", "iu", "ua", "uo", "ui", "ue", "a", "e",
        "i", "o", "u",
    ];
    fn rest(word: &str, left: u8) -> bool {
        if word.is_empty() {
            return true;
        }
        left > 0
            && STARTS
                .iter()
                .filter_map(|start| word.strip_prefix(start))
                .any(|tail| {
                    ENDS.iter()
                        .filter_map(|end| tail.strip_prefix(end))
                        .any(|tail| rest(tail, left - 1))
                })
    }
    (4..=16).contains(&word.len())
        && (rest(word, 3) || word.get(1..).is_some_and(|tail| rest(tail, 3)))
}

/// Registrations of vehicles: two or three groups of letters and digits, together four to eight.
fn is_plate(value: &str) -> bool {
    let count = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    let groups: Vec<&str> = value.split([' ', '-', '·']).collect();
    let upper = value
        .bytes()
        .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b' ' | b'-'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    upper
        && (5..=8).contains(&count)
        && (2..=4).contains(&groups.len())
        && groups.iter().all(|g| (1..=4).contains(&g.len()))
        && (1..=4).contains(&digits)
        && digits < count
        && value.bytes().filter(u8::is_ascii_uppercase).count() >= 2
}
