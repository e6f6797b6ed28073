//! National identity numbers outside Europe. Each takes letters (capitals) and digits without separators.

use super::sums::{digit, luhn, mmdd, month_day, number, varied, verhoeff, weigh};

/// SSA POMS RM 10201.035: no 000, 666, 900 and above; no 00; no 0000.
pub(super) fn us_ssn(t: &[u8]) -> bool {
    let area = number(t, 0, 3);
    area != 0 && area != 666 && area < 900 && number(t, 3, 2) != 0 && number(t, 5, 4) != 0
}

pub(super) fn us_itin(t: &[u8]) -> bool {
    digit(t, 0) == 9 && matches!(number(t, 3, 2), 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

pub(super) fn ca_sin(t: &[u8]) -> bool {
    !matches!(digit(t, 0), 0 | 8) && luhn(t) && varied(t)
}

pub(super) fn br_cpf(t: &[u8]) -> bool {
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let first = check(weigh(t, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weigh(t, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    first == digit(t, 9) && second == digit(t, 10) && varied(t)
}

pub(super) fn br_cnpj(t: &[u8]) -> bool {
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let first = check(weigh(t, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weigh(t, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]));
    first == digit(t, 12) && second == digit(t, 13) && varied(t)
}

pub(super) fn br_rg(t: &[u8]) -> bool {
    let check = 11 - weigh(t, &[2, 3, 4, 5, 6, 7, 8, 9]) % 11;
    match t.get(8) {
        Some(b'X') => check == 10,
        Some(_) => check % 11 == digit(t, 8) && check != 10,
        None => false,
    }
}

/// Clave Única de Registro de Población; the check digit rests on letters with Ñ between N and O.
pub(super) fn mx_curp(t: &[u8]) -> bool {
    let value = |b: &u8| match b {
        b'0'..=b'9' => u32::from(b - b'0'),
        b'A'..=b'N' => u32::from(b - b'A') + 10,
        b'O'..=b'Z' => u32::from(b - b'A') + 11,
        _ => 0,
    };
    let sum: u32 = t
        .iter()
        .take(17)
        .zip((2..=18).rev())
        .map(|(b, weight)| value(b) * weight)
        .sum();
    mmdd(t, 6)
        && t.get(10).is_some_and(|b| b"HMX".contains(b))
        && (10 - sum % 10) % 10 == digit(t, 17)
}

/// Registro Federal de Contribuyentes: three or four letters, a date, three marks.
pub(super) fn mx_rfc(t: &[u8]) -> bool {
    mmdd(t, t.len().saturating_sub(7))
}

pub(super) fn ar_cuit(t: &[u8]) -> bool {
    let check = match 11 - weigh(t, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
        11 => 0,
        10 => 9,
        check => check,
    };
    matches!(number(t, 0, 2), 20 | 23 | 24 | 25 | 26 | 27 | 30 | 33 | 34) && check == digit(t, 10)
}

pub(super) fn cl_rut(t: &[u8]) -> bool {
    let Some((check, body)) = t.split_last() else {
        return false;
    };
    let sum: u32 = body
        .iter()
        .rev()
        .zip([2u32, 3, 4, 5, 6, 7].into_iter().cycle())
        .map(|(b, weight)| u32::from(b.saturating_sub(b'0')) * weight)
        .sum();
    let wanted = match 11 - sum % 11 {
        11 => b'0',
        10 => b'K',
        d => b'0' + u8::try_from(d).unwrap_or(0),
    };
    wanted == *check && varied(body)
}

pub(super) fn co_nit(t: &[u8]) -> bool {
    let sum: u32 = weigh(t, &[41, 37, 29, 23, 19, 17, 13, 7, 3]) % 11;
    (if sum > 1 { 11 - sum } else { sum }) == digit(t, 9)
}

pub(super) fn in_aadhaar(t: &[u8]) -> bool {
    digit(t, 0) > 1 && verhoeff(t) && varied(t)
}

/// Permanent Account Number: the fourth letter tells who holds it.
pub(super) fn in_pan(t: &[u8]) -> bool {
    t.get(3).is_some_and(|b| b"ABCFGHJLPT".contains(b))
}

/// GB 11643-1999.
pub(super) fn cn_resident(t: &[u8]) -> bool {
    const MARKS: &[u8; 11] = b"10X98765432";
    let sum = weigh(t, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
    matches!(digit(t, 0), 1..=8)
        && matches!(number(t, 6, 2), 18..=20)
        && mmdd(t, 10)
        && MARKS.get(sum as usize) == t.get(17)
}

/// The check digit is no longer given since October 2020.
pub(super) fn kr_resident(t: &[u8]) -> bool {
    mmdd(t, 2) && matches!(digit(t, 6), 1..=8)
}

pub(super) fn jp_individual(t: &[u8]) -> bool {
    let sum = weigh(t, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    (if sum <= 1 { 0 } else { 11 - sum }) == digit(t, 11) && varied(t)
}

pub(super) fn tw_national(t: &[u8]) -> bool {
    const PLACES: &[u8; 26] = b"ABCDEFGHJKLMNPQRSTUVXYWZIO";
    let Some(place) = t.first().and_then(|b| PLACES.iter().position(|p| p == b)) else {
        return false;
    };
    let number = u32::try_from(place).unwrap_or(0) + 10;
    let rest = t.get(1..).unwrap_or_default();
    let sum = number / 10 + number % 10 * 9 + weigh(rest, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
    matches!(digit(rest, 0), 1 | 2 | 8 | 9) && sum.is_multiple_of(10)
}

pub(super) fn hk_id(t: &[u8]) -> bool {
    let Some(letter) = t.first().filter(|b| b.is_ascii_uppercase()) else {
        return false;
    };
    let rest = t.get(1..).unwrap_or_default();
    let sum = 36 * 9 + (u32::from(letter - b'A') + 10) * 8 + weigh(rest, &[7, 6, 5, 4, 3, 2]);
    match (11 - sum % 11) % 11 {
        10 => t.last() == Some(&b'A'),
        check => check == digit(rest, 6) && t.last().is_some_and(u8::is_ascii_digit),
    }
}

pub(super) fn sg_nric(t: &[u8]) -> bool {
    let Some(first) = t.first() else { return false };
    let more = if matches!(first, b'T' | b'G') { 4 } else { 0 };
    let marks: &[u8; 11] = match first {
        b'S' | b'T' => b"JZIHGFEDCBA",
        b'F' | b'G' => b"XWUTRQPNMLK",
        _ => return false,
    };
    let sum = weigh(t.get(1..).unwrap_or_default(), &[2, 7, 6, 5, 4, 3, 2]) + more;
    marks.get((sum % 11) as usize) == t.last()
}

pub(super) fn my_nric(t: &[u8]) -> bool {
    mmdd(t, 2) && number(t, 6, 2) > 0
}

/// Day of birth is 40 more for women.
pub(super) fn id_nik(t: &[u8]) -> bool {
    let day = number(t, 6, 2);
    matches!(number(t, 0, 2), 11..=94)
        && month_day(number(t, 8, 2), if day > 40 { day - 40 } else { day })
}

pub(super) fn th_id(t: &[u8]) -> bool {
    let sum = weigh(t, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    matches!(digit(t, 0), 1..=8) && (11 - sum % 11) % 10 == digit(t, 12)
}

pub(super) fn za_id(t: &[u8]) -> bool {
    mmdd(t, 2) && matches!(digit(t, 10), 0..=2) && luhn(t)
}

pub(super) fn il_id(t: &[u8]) -> bool {
    luhn(t) && varied(t)
}

pub(super) fn au_tfn(t: &[u8]) -> bool {
    weigh(t, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && varied(t)
}

pub(super) fn au_medicare(t: &[u8]) -> bool {
    matches!(digit(t, 0), 2..=6) && weigh(t, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digit(t, 8)
}

pub(super) fn nz_ird(t: &[u8]) -> bool {
    let padded: Vec<u8> = if t.len() == 8 {
        [b"0", t].concat()
    } else {
        t.to_vec()
    };
    let remainder = |weights: &[u32]| (11 - weigh(&padded, weights) % 11) % 11;
    let first = remainder(&[3, 2, 7, 6, 5, 4, 3, 2]);
    let check = if first == 10 {
        remainder(&[7, 4, 3, 2, 5, 2, 7, 6])
    } else {
        first
    };
    let range = (10_000_000..150_000_000).contains(&number(&padded, 0, 9));
    range && check == digit(&padded, 8)
}

pub(super) fn ir_code(t: &[u8]) -> bool {
    let sum = weigh(t, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    (if sum < 2 { sum } else { 11 - sum }) == digit(t, 9) && varied(t)
}

pub(super) fn sa_id(t: &[u8]) -> bool {
    matches!(digit(t, 0), 1 | 2) && luhn(t)
}

/// Century, birth date, governorate.
pub(super) fn eg_id(t: &[u8]) -> bool {
    matches!(digit(t, 0), 2 | 3) && mmdd(t, 3) && matches!(number(t, 7, 2), 1..=35 | 88)
}

pub(super) fn ae_id(t: &[u8]) -> bool {
    t.starts_with(b"784") && matches!(number(t, 3, 2), 19 | 20) && luhn(t)
}
