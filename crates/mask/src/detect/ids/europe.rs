//! National identity numbers of Europe. Each takes letters (capitals) and digits without separators.

use super::sums::{ddmm, digit, luhn, mmdd, mod_11_10, mod_97, month_day, number, varied, weigh};

/// GOV.UK, National Insurance manual NIM39110.
pub(super) fn uk_nino(t: &[u8]) -> bool {
    let [a, b, .., last] = t else { return false };
    !b"DFIQUV".contains(a)
        && !b"DFIQUVO".contains(b)
        && b"ABCD".contains(last)
        && !matches!(
            &[*a, *b],
            b"BG" | b"GB" | b"NK" | b"KN" | b"TN" | b"NT" | b"ZZ"
        )
}

pub(super) fn uk_nhs(t: &[u8]) -> bool {
    let check = (11 - weigh(t, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    check != 10 && check == digit(t, 9) && varied(t)
}

/// One digit stands twice or three times among the first ten, the others at most once.
pub(super) fn de_tax(t: &[u8]) -> bool {
    let mut counts = [0u32; 10];
    for at in 0..10 {
        if let Some(count) = counts.get_mut(digit(t, at) as usize) {
            *count += 1;
        }
    }
    let repeated = counts.iter().filter(|count| **count > 1).count();
    digit(t, 0) != 0 && repeated == 1 && counts.iter().all(|count| *count <= 3) && mod_11_10(t)
}

/// Versicherungsnummer: area, birth date, initial, serial, check digit (VKVV §4).
pub(super) fn de_insurance(t: &[u8]) -> bool {
    let Some(letter) = t.get(8).filter(|b| b.is_ascii_uppercase()) else {
        return false;
    };
    let place = u32::from(letter - b'A') + 1;
    let digits: Vec<u32> = (0..8)
        .map(|at| digit(t, at))
        .chain([place / 10, place % 10, digit(t, 9), digit(t, 10)])
        .collect();
    let sum: u32 = digits
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(d, weight)| (d * weight) / 10 + (d * weight) % 10)
        .sum();
    ddmm(t, 2) && sum % 10 == digit(t, 11)
}

/// With key: 97 minus the remainder. Corsica's `2A` and `2B` count as 19 and 18.
pub(super) fn fr_nir(t: &[u8]) -> bool {
    let month = number(t, 3, 2);
    if !matches!(digit(t, 0), 1..=4 | 7 | 8) || !(matches!(month, 1..=12 | 20..=42 | 50..=99)) {
        return false;
    }
    let plain: Vec<u8> = match t.get(5..7) {
        Some(b"2A") => [
            t.get(..5).unwrap_or_default(),
            b"19",
            t.get(7..).unwrap_or_default(),
        ]
        .concat(),
        Some(b"2B") => [
            t.get(..5).unwrap_or_default(),
            b"18",
            t.get(7..).unwrap_or_default(),
        ]
        .concat(),
        Some(_) | None => t.to_vec(),
    };
    plain.iter().all(u8::is_ascii_digit) && 97 - number(&plain, 0, 13) % 97 == number(&plain, 13, 2)
}

/// DNI, and NIE with X, Y, Z in place of the first digit.
pub(super) fn es_dni(t: &[u8]) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let first = match t.first() {
        Some(b'X') => 0,
        Some(b'Y') => 1,
        Some(b'Z') => 2,
        Some(b) if b.is_ascii_digit() => u64::from(b - b'0'),
        Some(_) | None => return false,
    };
    let rest = first * 10_000_000 + number(t, 1, 7);
    usize::try_from(rest % 23)
        .ok()
        .and_then(|at| LETTERS.get(at))
        == t.get(8)
}

/// Codice fiscale (D.M. 23 December 1976), also with letters for digits.
pub(super) fn it_cf(t: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let sum: u32 = t
        .iter()
        .take(15)
        .enumerate()
        .map(|(at, b)| {
            let place = if b.is_ascii_digit() {
                b - b'0'
            } else {
                b.wrapping_sub(b'A')
            };
            if at % 2 == 0 {
                ODD.get(usize::from(place)).copied().unwrap_or(0)
            } else {
                u32::from(place)
            }
        })
        .sum();
    let month = t.get(8).is_some_and(|b| b"ABCDEHLMPRST".contains(b));
    month
        && t.get(15)
            .is_some_and(|b| u32::from(b.wrapping_sub(b'A')) == sum % 26)
}

pub(super) fn nl_bsn(t: &[u8]) -> bool {
    let sum = i64::from(weigh(t, &[9, 8, 7, 6, 5, 4, 3, 2])) - i64::from(digit(t, 8));
    sum % 11 == 0 && varied(t)
}

pub(super) fn be_national(t: &[u8]) -> bool {
    let (body, check) = (number(t, 0, 9), number(t, 9, 2));
    let born = number(t, 2, 2) <= 52 && number(t, 4, 2) <= 31;
    born && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check) && varied(t)
}

/// The month carries the century: 20, 40, 60 or 80 more.
pub(super) fn pl_pesel(t: &[u8]) -> bool {
    let sum = weigh(t, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    month_day(number(t, 2, 2) % 20, number(t, 4, 2)) && (10 - sum % 10) % 10 == digit(t, 10)
}

/// Personnummer and samordningsnummer (day + 60), ten or twelve digits.
pub(super) fn se_personal(t: &[u8]) -> bool {
    let short = if t.len() == 12 {
        t.get(2..).unwrap_or_default()
    } else {
        t
    };
    let day = number(short, 4, 2);
    let century = t.len() != 12 || matches!(number(t, 0, 2), 18..=20);
    century && month_day(number(short, 2, 2), if day > 60 { day - 60 } else { day }) && luhn(short)
}

pub(super) fn no_birth(t: &[u8]) -> bool {
    let first = (11 - weigh(t, &[3, 7, 6, 1, 8, 9, 4, 5, 2]) % 11) % 11;
    let second = (11 - weigh(t, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    let day = number(t, 0, 2);
    let day = if day > 40 { day - 40 } else { day };
    month_day(number(t, 2, 2) % 40, day) && first == digit(t, 9) && second == digit(t, 10)
}

pub(super) fn fi_hetu(t: &[u8]) -> bool {
    const MARKS: &[u8; 31] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    // A letter for the century may stand in place of the hyphen.
    let tail = t.len().saturating_sub(4);
    let body = number(t, 0, 6) * 1000 + number(t, tail, 3);
    let mark = usize::try_from(body % 31).ok().and_then(|at| MARKS.get(at));
    ddmm(t, 0)
        && mark == t.last()
        && t.get(tail..tail + 3)
            .is_some_and(|s| s.iter().all(u8::is_ascii_digit))
}

/// The check digit is no longer kept since 2007.
pub(super) fn dk_cpr(t: &[u8]) -> bool {
    ddmm(t, 0) && number(t, 6, 4) > 0
}

pub(super) fn pt_nif(t: &[u8]) -> bool {
    let check = 11 - weigh(t, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    matches!(digit(t, 0), 1 | 2 | 3 | 5 | 6 | 8 | 9) && check % 11 % 10 == digit(t, 8)
}

/// `756` and EAN-13.
pub(super) fn ch_ahv(t: &[u8]) -> bool {
    let sum = weigh(t, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    t.starts_with(b"756") && (10 - sum % 10) % 10 == digit(t, 12)
}

pub(super) fn at_insurance(t: &[u8]) -> bool {
    let sum = weigh(t, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    digit(t, 0) > 0 && ddmm(t, 4) && sum == digit(t, 3)
}

pub(super) fn ie_pps(t: &[u8]) -> bool {
    let second = t.get(8).map_or(0, |b| match b {
        b'W' => 0,
        b => u32::from(b.wrapping_sub(b'@')) * 9,
    });
    let sum = (weigh(t, &[8, 7, 6, 5, 4, 3, 2]) + second) % 23;
    let letter = if sum == 0 {
        u32::from(b'W')
    } else {
        u32::from(b'@') + sum
    };
    t.get(7).is_some_and(|b| u32::from(*b) == letter)
}

/// Rodné číslo: women's months are 50 more, since 2004 also 20 or 70.
pub(super) fn cz_birth(t: &[u8]) -> bool {
    let month = number(t, 2, 2);
    let plain = [0, 20, 50, 70].into_iter().any(|more| {
        month
            .checked_sub(more)
            .is_some_and(|m| month_day(m, number(t, 4, 2)))
    });
    plain
        && t.len() == 10
        && (number(t, 0, 10).is_multiple_of(11) || (number(t, 0, 9) % 11 == 10 && digit(t, 9) == 0))
}

pub(super) fn ro_cnp(t: &[u8]) -> bool {
    let sum = weigh(t, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let check = if sum == 10 { 1 } else { sum };
    digit(t, 0) > 0 && mmdd(t, 3) && number(t, 7, 2) <= 52 && check == digit(t, 12)
}

pub(super) fn bg_egn(t: &[u8]) -> bool {
    let sum = weigh(t, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11;
    let month = number(t, 2, 2);
    let plain = [0, 20, 40].into_iter().any(|more| {
        month
            .checked_sub(more)
            .is_some_and(|m| month_day(m, number(t, 4, 2)))
    });
    plain && sum % 10 == digit(t, 9)
}

/// Estonia and Lithuania: century and sex, birth date, serial.
pub(super) fn baltic(t: &[u8]) -> bool {
    let first = weigh(t, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) % 11;
    let second = weigh(t, &[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 11;
    let check = if first < 10 { first } else { second % 10 };
    matches!(digit(t, 0), 1..=8) && mmdd(t, 3) && check == digit(t, 10)
}

pub(super) fn lv_code(t: &[u8]) -> bool {
    let sum = weigh(t, &[1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    t.starts_with(b"32") || (ddmm(t, 0) && (1101 - sum) % 11 % 10 == digit(t, 10))
}

pub(super) fn hr_oib(t: &[u8]) -> bool {
    mod_11_10(t) && varied(t)
}

/// Matični broj, EMŠO: `ddmmyyy`, region, serial.
pub(super) fn yu_jmbg(t: &[u8]) -> bool {
    let sum = weigh(t, &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]);
    let check = match 11 - sum % 11 {
        10 | 11 => 0,
        check => check,
    };
    ddmm(t, 0) && matches!(digit(t, 4), 0 | 9) && check == digit(t, 12)
}

pub(super) fn hu_taj(t: &[u8]) -> bool {
    weigh(t, &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == digit(t, 8) && varied(t)
}

/// Adóazonosító jel begins with 8.
pub(super) fn hu_tax(t: &[u8]) -> bool {
    digit(t, 0) == 8 && weigh(t, &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == digit(t, 9)
}

pub(super) fn gr_amka(t: &[u8]) -> bool {
    ddmm(t, 0) && luhn(t)
}

pub(super) fn gr_afm(t: &[u8]) -> bool {
    weigh(t, &[256, 128, 64, 32, 16, 8, 4, 2]) % 11 % 10 == digit(t, 8) && varied(t)
}

pub(super) fn ru_inn_person(t: &[u8]) -> bool {
    let first = weigh(t, &[7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    let second = weigh(t, &[3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10;
    first == digit(t, 10) && second == digit(t, 11) && varied(t)
}

pub(super) fn ru_inn_firm(t: &[u8]) -> bool {
    weigh(t, &[2, 4, 10, 3, 5, 9, 4, 6, 8]) % 11 % 10 == digit(t, 9) && varied(t)
}

pub(super) fn ru_snils(t: &[u8]) -> bool {
    let sum = weigh(t, &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101;
    u64::from(sum % 100) == number(t, 9, 2) && varied(t)
}

pub(super) fn ua_tax(t: &[u8]) -> bool {
    const WEIGHTS: [i64; 9] = [-1, 5, 7, 9, 4, 6, 10, 5, 7];
    let sum: i64 = WEIGHTS
        .iter()
        .enumerate()
        .map(|(at, weight)| weight * i64::from(digit(t, at)))
        .sum();
    sum.rem_euclid(11) % 10 == i64::from(digit(t, 9)) && varied(t)
}

pub(super) fn tr_kimlik(t: &[u8]) -> bool {
    let odd: u32 = [0, 2, 4, 6, 8].iter().map(|at| digit(t, *at)).sum();
    let even: u32 = [1, 3, 5, 7].iter().map(|at| digit(t, *at)).sum();
    let all: u32 = (0..10).map(|at| digit(t, at)).sum();
    digit(t, 0) != 0
        && (i64::from(odd) * 7 - i64::from(even)).rem_euclid(10) == i64::from(digit(t, 9))
        && all % 10 == digit(t, 10)
}

/// Registre national of Luxembourg ends in Luhn's and Verhoeff's digits; the first is enough here.
pub(super) fn lu_national(t: &[u8]) -> bool {
    matches!(number(t, 0, 2), 19 | 20) && mmdd(t, 4) && t.get(..12).is_some_and(luhn)
}

/// Value added tax number of France: two digits over the SIREN.
pub(super) fn fr_vat(t: &[u8]) -> bool {
    t.starts_with(b"FR")
        && (number(t, 4, 9) * 100 + 12) % 97 == number(t, 2, 2)
        && mod_97(t.iter().copied()) < 97
}
