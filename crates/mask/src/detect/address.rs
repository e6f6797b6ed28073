//! Addresses: streets with numbers, towns with postal codes, in the orders of many countries.

use super::fold;
use super::names;

/// How much a whole text looks like an address: log-odds.
pub(crate) fn score(text: &str) -> f32 {
    let count = text.chars().count();
    if !(5..=200).contains(&count) {
        return -4.0;
    }
    let has_digit = text.chars().any(char::is_numeric);
    let east = east_asian(text);
    if east > 0.0 {
        return east;
    }
    let (mut street, mut city, mut unit, mut numbers, mut words, mut plain) = (0, 0, 0, 0, 0, 0);
    for token in tokens(text) {
        let folded = fold::text(token);
        if token.starts_with(|c: char| c.is_numeric()) {
            numbers += usize::from(token.chars().filter(|c| c.is_numeric()).count() <= 6);
            continue;
        }
        words += 1;
        let flags = names::flags(&folded);
        if names::is_street(&folded) {
            street += 1;
        } else if names::is_unit(&folded) {
            unit += 1;
        } else if flags & names::CITY != 0 {
            city += 1;
        } else if flags & names::WORD != 0 || token.starts_with(char::is_lowercase) {
            plain += 1;
        }
    }
    let built = structure(text);
    if words == 0 || words > 20 {
        return -4.0;
    }
    let code = postal_inside(text);
    let mut score = -2.5;
    score += if street > 0 { 2.0 } else { 0.0 };
    score += if has_digit { 0.5 } else { -1.5 };
    score += if street > 0 && numbers > 0 { 2.0 } else { 0.0 };
    score += if unit > 0 && numbers > 0 { 1.5 } else { 0.0 };
    score += if city > 0 && numbers > 0 { 1.5 } else { 0.0 };
    score += if code { 1.5 } else { 0.0 };
    score += built;
    score += if text.contains('\n') || text.contains(", ") {
        0.5
    } else {
        0.0
    };
    #[expect(clippy::cast_precision_loss, reason = "a few words")]
    let plain_share = plain as f32 / words as f32;
    score - plain_share * 3.0
}

/// A house number before or after words with capitals, a code before a town: log-odds, whatever the words are.
pub(crate) fn structure(text: &str) -> f32 {
    let part = text.split([',', '\n']).next().unwrap_or_default().trim();
    let words: Vec<&str> = part.split(' ').filter(|word| !word.is_empty()).collect();
    let capital = |word: &&str| {
        word.starts_with(|c: char| c.is_uppercase() || (c.is_alphabetic() && !c.is_lowercase()))
    };
    let number = |word: &str, least: usize| {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        (least..=5).contains(&digits) && word.chars().count() - digits <= 2
    };
    let mut score = 0.0;
    if let [first, rest @ ..] = words.as_slice()
        && number(first, 1)
        && (1..=5).contains(&rest.len())
        && rest.iter().any(capital)
    {
        score += 1.5;
    }
    if let [rest @ .., last] = words.as_slice()
        && number(last, 2)
        && (1..=5).contains(&rest.len())
        && rest.iter().any(capital)
    {
        score += 1.5;
    }
    // `…, 121 03 Dolní Benešov`, `…, South Julia, L28 7JH`.
    let town = text.split([',', '\n']).skip(1).any(|part| {
        let part = part.trim();
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        (2..=9).contains(&digits) && part.len() <= 60
    });
    score
        + if town && text.chars().any(char::is_alphabetic) {
            1.5
        } else {
            0.0
        }
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', '\n', '\r', '\t', ';', '\u{3000}'])
        .map(|token| token.trim_matches(['.', '(', ')', '#']))
        .filter(|token| !token.is_empty())
}

/// Chinese, Japanese and Korean addresses by their marks of province, town, street and number.
fn east_asian(text: &str) -> f32 {
    const MARKS: &[char] = &[
        '省', '市', '区', '區', '县', '縣', '路', '街', '号', '號', '巷', '弄', '丁', '番', '町',
        '村', '都', '府', '楼', '室', '座', '鄉', '鎮', '段',
    ];
    const HANGUL: &[char] = &['시', '도', '구', '군', '동', '로', '길', '읍', '면', '리'];
    if !text
        .chars()
        .any(|c| names::is_han(c) || names::is_hangul(c))
    {
        return -4.0;
    }
    let marks = text.chars().filter(|c| MARKS.contains(c)).count();
    let hangul = text
        .split([' ', '('])
        .filter(|word| {
            word.chars().count() >= 2
                && word
                    .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '가')
                    .ends_with(HANGUL)
        })
        .count();
    let digit = text.chars().any(char::is_numeric);
    match (marks + hangul, digit) {
        (3.., _) => 4.0,
        (2, true) => 3.5,
        (2, false) => 1.5,
        (1, true) => 1.0,
        _ => -4.0,
    }
}

/// Whether a text holds something with a postal code's form that is seldom anything else.
fn postal_inside(text: &str) -> bool {
    let parts: Vec<&str> = tokens(text).collect();
    parts.iter().any(|part| postal(part) >= 2)
        || parts
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if postal(&format!("{a} {b}")) >= 2))
        || parts.windows(2).any(|pair| {
            matches!(pair, [a, b] if matches!(a.len(), 4..=6) && a.bytes().all(|d| d.is_ascii_digit())
                && b.starts_with(char::is_uppercase))
                || matches!(pair, [a, b] if matches!(b.len(), 5 | 6) && b.bytes().all(|d| d.is_ascii_digit())
                    && a.len() == 2 && a.bytes().all(|c| c.is_ascii_uppercase()))
        })
}

/// How sure a whole text is a postal code by its form: 0 not at all, 1 digits that may be anything, 2 a form of few
/// other things, 3 of hardly any.
pub(crate) fn postal(text: &str) -> u8 {
    if !(3..=10).contains(&text.len()) || !text.is_ascii() {
        return if text.starts_with('〒') { 3 } else { 0 };
    }
    let form: String = text
        .chars()
        .map(|c| match c {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    match form.as_str() {
        "A9A 9A9" | "A9 9AA" | "A99 9AA" | "AA9 9AA" | "AA99 9AA" | "A9A 9AA" | "AA9A 9AA"
        | "99999-9999" => 3,
        "A9A-9A9" | "9999 AA" | "9999AA" | "99999-999" | "AA-99999" | "AA-9999" | "AA 99999"
        | "A99 A999" | "A99A999" | "A9AA9AA" | "AA999AA" | "A-9999" | "AA99AA" | "A9A9A9" => 2,
        "999-9999" | "99-999" | "999 99" | "999-999" | "9999-999" | "999999" | "99999" | "9999"
        | "999 999" | "AA999" | "AAA 9999" | "AAA9999" => 1,
        _ => 0,
    }
}
