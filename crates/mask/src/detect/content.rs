//! What a column's values say by themselves: log-odds per kind, each with its evidence.
//!
//! Checks are weighed by how often chance passes them. Bounds and constants were set by hand and checked on
//! generated tables whose generator draws from other lists than this crate's.

mod lists;
mod people;

use std::collections::BTreeSet;

use super::context::Context;
use super::evidence::Evidence;
use super::ids;
use super::kind::Kind;
use super::network::Ip;
use super::numbers::Phone;
use super::profile::{Profile, likelihood, ratio, to_f32};
use super::sort::Sort;

/// Most that values say against and for a kind.
const LEAST: f32 = -6.0;
const MOST: f32 = 10.0;

/// What values say.
#[derive(Debug, Default)]
pub(crate) struct Content {
    odds: Vec<(Kind, f32, Option<Evidence>)>,
    /// Most values are texts of several words.
    pub(crate) prose: bool,
}

impl Content {
    pub(crate) fn odds(&self, kind: Kind) -> f32 {
        self.odds
            .iter()
            .filter(|(of, ..)| *of == kind)
            .map(|(_, odds, _)| *odds)
            .max_by(f32::total_cmp)
            .unwrap_or(0.0)
    }

    pub(crate) fn evidence(&self, kind: Kind) -> impl Iterator<Item = &Evidence> {
        self.odds
            .iter()
            .filter(move |(of, odds, _)| *of == kind && (*odds > 0.0 || kind == Kind::None))
            .filter_map(|(_, _, evidence)| evidence.as_ref())
    }

    fn say(&mut self, kind: Kind, odds: f32, evidence: Option<Evidence>) {
        self.odds.push((kind, odds.clamp(LEAST, MOST), evidence));
    }
}

/// Weighs the values of a sample.
pub(crate) fn weigh(profile: &Profile<'_>, context: &Context, sort: Sort) -> Content {
    let mut content = Content::default();
    let n = profile.len();
    if n == 0 {
        return content;
    }
    let long = profile.share(|look| look.words >= 5);
    content.prose = long > 0.5 && profile.mean(|look| look.address) < 1.0;
    marks(profile, &mut content);
    secrets(profile, &mut content);
    numbers(profile, context, sort, &mut content);
    identities(profile, context, &mut content);
    moments(profile, context, sort, &mut content);
    people::people(profile, context, &mut content);
    lists::places(profile, context, sort, &mut content);
    lists::lists(profile, context, &mut content);
    content
}

fn passed(kind: Kind, passed: usize, profile: &Profile<'_>) -> Option<Evidence> {
    Some(Evidence::Validator {
        kind: kind.plain(),
        passed,
        of: profile.len(),
    })
}

fn found(kind: Kind, found: usize, profile: &Profile<'_>) -> Option<Evidence> {
    Some(Evidence::Dictionary {
        kind: kind.plain(),
        found,
        of: profile.len(),
    })
}

/// What machines write: addresses of mail and machines, identifiers, digests.
fn marks(profile: &Profile<'_>, content: &mut Content) {
    let mut simple = |kind: Kind, count: usize, chance: f32| {
        content.say(
            kind,
            profile.odds(count, 0.93, chance),
            passed(kind, count, profile),
        );
    };
    simple(Kind::Email, profile.count(|l| l.email), 0.001);
    simple(Kind::Mac, profile.count(|l| l.mac), 0.001);
    simple(Kind::Uuid, profile.count(|l| l.uuid), 0.0005);
    simple(
        Kind::Url,
        profile.count(|l| l.url && l.secret.is_none()),
        0.001,
    );
    let any = profile.count(|l| l.ip.is_some());
    let public = profile.count(|l| l.ip == Some(Ip::Public));
    let odds = if ratio(public, any) < 0.15 {
        LEAST
    } else {
        profile.odds(any, 0.9, 0.001)
    };
    content.say(Kind::Ip, odds, passed(Kind::Ip, any, profile));
    if any > 0 && public == 0 {
        content.say(
            Kind::None,
            0.0,
            Some(Evidence::Skeleton {
                form: "private or documentation IP addresses".to_owned(),
                percent: percent(any, profile.len()),
            }),
        );
    }
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(0)
}

fn secrets(profile: &Profile<'_>, content: &mut Content) {
    let shaped = profile.count(|l| l.secret.is_some());
    for kind in [Kind::ApiKey, Kind::Secret, Kind::Password] {
        let own = profile.count(|l| l.secret == Some(kind));
        let odds = if own * 2 >= shaped && own > 0 {
            profile.odds(shaped, 0.9, 0.0005)
        } else {
            0.0
        };
        content.say(kind, odds, passed(kind, own, profile));
    }
    let random = profile.count(|l| l.random);
    let share = ratio(random, profile.len());
    if share > 0.5 {
        content.say(
            Kind::Secret,
            profile.odds(random, 0.85, 0.03).min(5.0),
            passed(Kind::Secret, random, profile),
        );
    }
    let made = profile.count(|l| l.password_like && l.secret.is_none());
    if ratio(made, profile.len()) > 0.4 && profile.share(|l| l.words > 1) < 0.1 {
        content.say(
            Kind::Password,
            profile.odds(made, 0.75, 0.03).min(6.0),
            passed(Kind::Password, made, profile),
        );
    }
    // What is short, a number or a plain word is no secret, whatever its name says.
    let plain =
        profile.share(|l| l.number.is_some() || l.date.is_some() || l.common || l.email || l.uuid);
    if plain > 0.8 && shaped == 0 {
        let digits = profile.share(|l| l.number.is_some()) > 0.8;
        for kind in [Kind::Secret, Kind::ApiKey, Kind::Password] {
            // A column of PINs is digits too.
            content.say(kind, if digits { -2.0 } else { -1.0 }, None);
        }
    }
}

/// Cards, IBANs, phones.
fn numbers(profile: &Profile<'_>, context: &Context, sort: Sort, content: &mut Content) {
    let n = profile.len();
    let ibans = profile.count(|l| l.iban);
    content.say(
        Kind::Iban,
        profile.odds(ibans, 0.95, 0.0005),
        passed(Kind::Iban, ibans, profile),
    );
    let cards = profile.count(|l| l.card);
    let mut odds = profile.odds(cards, 0.96, 0.02).min(9.0);
    let (shared, rising) = numbering(profile);
    if shared >= 8 {
        odds = odds.min(1.0);
    }
    if context.not {
        odds = odds.min(3.0);
    }
    content.say(Kind::Card, odds, passed(Kind::Card, cards, profile));
    // Phones: how sure each value is depends on how it is written.
    let (intl, grouped, plain) = (
        profile.count(|l| l.phone == Some(Phone::International)),
        profile.count(|l| l.phone == Some(Phone::Grouped)),
        profile.count(|l| l.phone == Some(Phone::Plain)),
    );
    let any = intl + grouped + plain;
    let scale = (20.0 / to_f32(n)).min(1.0);
    let miss = to_f32(n - any) * -2.4;
    let sure = to_f32(intl) * 4.5 + to_f32(grouped) * 2.6;
    let mut odds = scale * (sure + miss);
    if intl + grouped < any {
        let weak = profile
            .values
            .iter()
            .zip(&profile.looks)
            .filter(|(_, look)| look.phone == Some(Phone::Plain))
            .map(|(value, _)| plain_phone(value))
            .sum::<f32>();
        odds += (scale * weak).clamp(-4.0, 4.2);
    }
    if shared >= 6 || rising {
        odds -= 4.0;
    }
    let lengths: BTreeSet<usize> = profile.values.iter().map(|v| v.len()).collect();
    if sort == Sort::Whole && profile.share(|l| l.epoch) > 0.5 {
        odds -= 6.0;
    }
    if any == plain && lengths.len() > 4 {
        odds -= 2.0;
    }
    // Whatever is a valid identity number, date or card is that rather.
    let better = profile.share(|l| {
        l.card || l.date.is_some() || l.epoch || l.ids.iter().any(|hit| hit.passes && hit.formed)
    });
    if better > 0.85 {
        odds -= 3.0;
    }
    content.say(Kind::Phone, odds, passed(Kind::Phone, any, profile));
    let digits = profile.share(|l| l.number.is_some() || l.card_sized || l.iban);
    content.say(
        Kind::BankAccount,
        if digits > 0.5 { 0.5 } else { -0.5 },
        None,
    );
}

/// Digits alone that may be a phone's: log-odds by how they begin.
fn plain_phone(value: &str) -> f32 {
    let bytes = value.as_bytes();
    match bytes {
        [b'0', b'1'..=b'9', ..] => 2.0,
        [b'1', b'3'..=b'9', ..] if bytes.len() == 11 => 2.2,
        _ if bytes.len() == 10 => 0.35,
        _ => 0.1,
    }
}

/// How many leading characters nearly all values share, and whether they are numbered one after the other.
fn numbering(profile: &Profile<'_>) -> (usize, bool) {
    let (Some(first), Some(last)) = (profile.values.first(), profile.values.last()) else {
        return (0, false);
    };
    if profile.len() < 5 {
        return (0, false);
    }
    // Values are sorted: what the first and the last share, all share.
    let shared = first
        .bytes()
        .zip(last.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let ends: Option<(u64, u64)> = first.parse().ok().zip(last.parse().ok());
    let rising = ends.is_some_and(|(a, b)| {
        b > a && (b - a) / u64::try_from(profile.len()).unwrap_or(1).max(1) < 50
    });
    (shared, rising)
}

/// The scheme of identity numbers whose check most values pass, beyond what chance passes.
fn identities(profile: &Profile<'_>, context: &Context, content: &mut Content) {
    let n = profile.len();
    let all = ids::schemes();
    let mut shaped = vec![0usize; all.len()];
    let mut valid = vec![0usize; all.len()];
    let mut formed = vec![0usize; all.len()];
    for hit in profile.looks.iter().flat_map(|look| &look.ids) {
        for (counts, add) in [
            (&mut shaped, true),
            (&mut valid, hit.passes),
            (&mut formed, hit.formed),
        ] {
            if let Some(count) = counts.get_mut(hit.scheme) {
                *count += usize::from(add);
            }
        }
    }
    let rivals = shaped.iter().filter(|count| **count * 2 > n).count().max(1);
    let (shared, rising) = numbering(profile);
    let mut best: [Option<(f32, usize, usize)>; 3] = [None; 3];
    for (index, scheme) in all.iter().enumerate() {
        let count = |counts: &[usize]| counts.get(index).copied().unwrap_or(0);
        let (shaped, valid, formed) = (count(&shaped), count(&valid), count(&formed));
        if shaped * 10 < n * 6 {
            continue;
        }
        let mut odds = likelihood(valid, n, 0.96, scheme.chance) - to_f32(rivals).ln() * 0.7;
        if formed * 10 > n * 6 {
            odds += if scheme.name == "US SSN" { 6.0 } else { 2.0 };
        } else if scheme.chance >= 0.03 {
            // One check digit over bare digits is what order numbers have too.
            odds -= 1.5;
        }
        if shared >= 7 || rising {
            odds -= 5.0;
        }
        if context.not {
            odds = odds.min(4.0);
        }
        let place = match scheme.kind {
            Kind::Ssn => 0,
            Kind::TaxId => 1,
            _ => 2,
        };
        if let Some(slot) = best.get_mut(place)
            && slot.is_none_or(|(before, ..)| odds > before)
        {
            *slot = Some((odds, index, valid));
        }
    }
    let kinds = [Kind::Ssn, Kind::TaxId, Kind::NationalId];
    for (kind, slot) in kinds.into_iter().zip(best) {
        match slot {
            Some((odds, index, valid)) => {
                let name = all.get(index).map_or("", |scheme| scheme.name);
                let evidence = Evidence::Validator {
                    kind: name,
                    passed: valid,
                    of: n,
                };
                // Somebody's own numbering may be called an identity number without being one of these.
                let floor = if context.names(kind) { -2.0 } else { LEAST };
                content.say(kind, odds.max(floor), Some(evidence));
            }
            None => {
                let digits =
                    profile.share(|l| l.number.is_some() || l.words <= 2 && l.person.is_none());
                content.say(kind, if digits > 0.5 { -2.0 } else { -4.0 }, None);
            }
        }
    }
    for kind in [Kind::Passport, Kind::DriverLicense] {
        let sentence =
            profile.share(|l| l.words > 2 || l.person.is_some() || l.email || l.date.is_some());
        content.say(kind, if sentence > 0.5 { -5.0 } else { 0.0 }, None);
    }
}

/// Dates of birth lie decades apart and long ago; other dates crowd together, carry times, or are to come.
fn moments(profile: &Profile<'_>, context: &Context, sort: Sort, content: &mut Content) {
    let n = profile.len();
    let mut years: Vec<u32> = profile
        .looks
        .iter()
        .filter_map(|l| l.date.map(|d| d.year))
        .collect();
    years.sort_unstable();
    let timed = profile.share(|l| l.date.is_some_and(|d| d.timed));
    let at = |share: usize| years.get(years.len() * share / 100).copied().unwrap_or(0);
    if years.len() * 10 < n * 7 {
        let year_alone = profile.share(|l| l.number.is_some_and(|v| (1900.0..2030.0).contains(&v)));
        let odds = if year_alone > 0.9 { 0.5 } else { -4.0 };
        content.say(Kind::BirthDate, odds, None);
        return;
    }
    let (low, middle, high) = (at(5), at(50), at(95));
    let mut odds = 0.0;
    odds += if high - low >= 30 {
        2.5
    } else if high - low >= 15 {
        1.2
    } else {
        -1.5
    };
    odds += if middle <= 2002 { 1.5 } else { -1.0 };
    odds += if low >= 1905 && high <= 2024 {
        0.7
    } else {
        -1.5
    };
    odds += if timed > 0.2 { -5.0 } else { 0.5 };
    if years.len() < 8 {
        odds *= 0.6;
    }
    if sort == Sort::Moment {
        odds -= 1.0;
    }
    if context.not && !context.names(Kind::BirthDate) {
        odds -= 3.0;
    }
    content.say(
        Kind::BirthDate,
        odds,
        Some(Evidence::Skeleton {
            form: "dates that lie decades apart".to_owned(),
            percent: percent(years.len(), n),
        }),
    );
    for kind in [
        Kind::Name,
        Kind::FirstName,
        Kind::LastName,
        Kind::Address,
        Kind::City,
        Kind::Username,
    ] {
        content.say(kind, LEAST, None);
    }
}
