//! Places, and kinds of few values: genders, beliefs, illnesses, ages.

use super::super::context::Context;
use super::super::kind::Kind;
use super::super::profile::{Profile, ratio};
use super::super::sort::Sort;
use super::super::values;
use super::{Content, LEAST, found, numbering, passed};

/// Addresses, towns, postal codes, coordinates.
pub(super) fn places(profile: &Profile<'_>, context: &Context, sort: Sort, content: &mut Content) {
    let n = profile.len();
    let score = profile.mean(|l| l.address.clamp(-4.0, 5.0));
    let worth = profile.trust();
    let mut odds = (score - 0.2) * 2.2;
    // A house number beside words with capitals, all over a column, is hardly anything else.
    if profile.share(|l| l.house) > 0.75 && profile.len() >= 10 && !context.thing {
        odds = odds.max(3.6);
    }
    let addresses = profile.count(|l| l.address > 0.0);
    content.say(
        Kind::Address,
        if odds > 0.0 { odds * worth } else { odds },
        passed(Kind::Address, addresses, profile),
    );
    let (cities, ends) = (
        profile.count(|l| l.city),
        profile.count(|l| l.city || l.city_end),
    );
    let mut odds =
        (profile.odds(cities, 0.45, 0.02) + profile.odds(ends, 0.6, 0.15) * 0.3).min(6.0) * worth;
    if profile.share(|l| l.words > 4 || l.number.is_some() || l.email) > 0.3 {
        odds = LEAST;
    }
    if context.names(Kind::City) {
        odds = odds.max(-1.0);
    }
    content.say(Kind::City, odds, found(Kind::City, cities, profile));
    let (sure, likely, some) = (
        profile.count(|l| l.postal >= 3),
        profile.count(|l| l.postal >= 2),
        profile.count(|l| l.postal >= 1),
    );
    let mut odds = profile
        .odds(sure, 0.9, 0.02)
        .max(profile.odds(likely, 0.93, 0.2).min(3.2))
        .max(if ratio(some, n) > 0.9 { 0.6 } else { -5.0 });
    let (shared, rising) = numbering(profile);
    if shared >= 3 || (rising && !context.names(Kind::PostalCode)) {
        odds -= 2.0;
    }
    if context.names(Kind::PostalCode) && profile.share(|l| l.words > 2 || l.person.is_some()) < 0.5
    {
        odds = odds.max(-1.0);
    }
    content.say(
        Kind::PostalCode,
        odds,
        passed(Kind::PostalCode, some, profile),
    );
    let pairs = profile.count(|l| l.pair);
    let mut odds = profile.odds(pairs, 0.95, 0.002);
    let degrees = profile.share(|l| l.decimals >= 4 && l.number.is_some_and(|v| v.abs() <= 180.0));
    if degrees > 0.9 {
        let numbers: Vec<f64> = profile.looks.iter().filter_map(|l| l.number).collect();
        let low = numbers.iter().copied().fold(f64::MAX, f64::min);
        let high = numbers.iter().copied().fold(f64::MIN, f64::max);
        let wide = high - low > 3.0 && high.abs().max(low.abs()) > 10.0;
        odds = if wide && n >= 5 { 3.2 } else { -1.0 };
    } else if sort != Sort::Point
        && context.names(Kind::Geo)
        && profile.share(|l| l.number.is_some()) > 0.9
    {
        odds = 0.0;
    }
    if sort == Sort::Point {
        odds = 8.0;
    }
    content.say(Kind::Geo, odds, passed(Kind::Geo, pairs, profile));
}

/// Kinds of few values, known by their words; and ages and income, known by name alone.
pub(super) fn lists(profile: &Profile<'_>, context: &Context, content: &mut Content) {
    let n = profile.len();
    let genders = profile.count(|l| l.values & values::GENDER != 0);
    let short = profile
        .values
        .iter()
        .all(|v| v.chars().count() == 1 && v.is_ascii());
    let all = ratio(genders, n) > 0.8 && n <= 12;
    let odds = match (all, short, n) {
        (true, true, 2..) => 4.0,
        (true, true, _) => 0.5,
        (true, false, 2..) => 7.0,
        (true, false, _) => 3.5,
        (false, _, 1..=12) if context.names(Kind::Gender) => -1.0,
        (false, ..) => -5.0,
    };
    content.say(Kind::Gender, odds, found(Kind::Gender, genders, profile));
    let known = profile.count(|l| l.values & values::DEMOGRAPHIC != 0);
    let share = ratio(known, n);
    let odds = if share > 0.6 && n >= 2 {
        5.0
    } else if context.names(Kind::Demographic)
        && profile.share(|l| l.number.is_some() || l.email || l.date.is_some()) < 0.5
    {
        0.0
    } else {
        -3.0
    };
    content.say(
        Kind::Demographic,
        odds,
        found(Kind::Demographic, known, profile),
    );
    let known = profile.count(|l| l.values & values::HEALTH != 0);
    let codes = profile.count(|l| l.icd10);
    let share = ratio(known, n);
    let odds = if ratio(codes, n) > 0.8 {
        4.5
    } else if share > 0.35 && (n >= 3 || share > 0.9) {
        5.5
    } else if context.names(Kind::Health) {
        -0.5
    } else {
        -3.0
    };
    content.say(
        Kind::Health,
        odds,
        found(Kind::Health, known.max(codes), profile),
    );
    let numbers = profile.share(|l| l.number.is_some());
    let whole = profile.share(|l| {
        l.number
            .is_some_and(|v| (0.0..=120.0).contains(&v) && v.fract() == 0.0)
    });
    content.say(
        Kind::Age,
        if whole > 0.95 {
            0.8
        } else if numbers > 0.5 {
            -4.0
        } else {
            -2.0
        },
        None,
    );
    content.say(
        Kind::Salary,
        if numbers > 0.9 {
            0.5
        } else if has_amount(profile) {
            0.0
        } else {
            -3.0
        },
        None,
    );
}

/// Amounts with a currency or with separators.
fn has_amount(profile: &Profile<'_>) -> bool {
    let amounts = profile
        .values
        .iter()
        .filter(|v| v.bytes().filter(u8::is_ascii_digit).count() * 2 >= v.len())
        .count();
    amounts * 2 > profile.len()
}
