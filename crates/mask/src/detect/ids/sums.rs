//! Check digits and parts of dates, over ASCII digits.

/// The digit at a place; 0 beyond the end or for another character.
pub(crate) fn digit(text: &[u8], at: usize) -> u32 {
    match text.get(at) {
        Some(b @ b'0'..=b'9') => u32::from(b - b'0'),
        Some(_) | None => 0,
    }
}

/// The number that stands in a range of digits.
pub(crate) fn number(text: &[u8], from: usize, length: usize) -> u64 {
    (from..from + length).fold(0, |sum: u64, at| {
        sum.wrapping_mul(10)
            .wrapping_add(u64::from(digit(text, at)))
    })
}

/// The sum of digits, each times its weight.
pub(crate) fn weigh(text: &[u8], weights: &[u32]) -> u32 {
    weights
        .iter()
        .enumerate()
        .map(|(at, weight)| weight * digit(text, at))
        .sum()
}

/// Luhn's check (ISO/IEC 7812-1, annex B).
pub(crate) fn luhn(text: &[u8]) -> bool {
    let sum: u32 = (0..text.len())
        .rev()
        .enumerate()
        .map(|(nth, at)| match digit(text, at) {
            d if nth % 2 == 0 => d,
            d if d > 4 => d * 2 - 9,
            d => d * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO/IEC 7064, MOD 11,10.
pub(crate) fn mod_11_10(text: &[u8]) -> bool {
    let Some((_, body)) = text.split_last() else {
        return false;
    };
    let product = (0..body.len()).fold(10, |product, at| {
        let sum = (digit(body, at) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == digit(text, body.len())
}

/// Verhoeff's check: the dihedral group of ten elements.
pub(crate) fn verhoeff(text: &[u8]) -> bool {
    const TIMES: [[u32; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const TURN: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let mut check = 0;
    for (nth, at) in (0..text.len()).rev().enumerate() {
        let turned = (0..nth % 8).fold(digit(text, at), |d, _| {
            TURN.get(d as usize).copied().unwrap_or(0)
        });
        check = TIMES
            .get(check as usize)
            .and_then(|row| row.get(turned as usize))
            .copied()
            .unwrap_or(0);
    }
    check == 0
}

/// The remainder of letters and digits read as a number, letters as 10 to 35 (ISO/IEC 7064, MOD 97-10).
pub(crate) fn mod_97(text: impl Iterator<Item = u8>) -> u32 {
    text.fold(0, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        b'A'..=b'Z' => (rest * 100 + u32::from(b - b'A') + 10) % 97,
        _ => rest,
    })
}

/// Month and day could be of a date.
pub(crate) fn month_day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && !(day == 31 && matches!(month, 2 | 4 | 6 | 9 | 11))
        && !(day == 30 && month == 2)
}

/// Two digits each of month and day stand at a place.
pub(crate) fn mmdd(text: &[u8], at: usize) -> bool {
    month_day(number(text, at, 2), number(text, at + 2, 2))
}

/// Two digits each of day and month stand at a place.
pub(crate) fn ddmm(text: &[u8], at: usize) -> bool {
    month_day(number(text, at + 2, 2), number(text, at, 2))
}

/// Not one digit all over: such numbers pass many checks and are nobody's.
pub(crate) fn varied(text: &[u8]) -> bool {
    text.iter().any(|b| Some(b) != text.first())
}
