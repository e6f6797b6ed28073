//! Names of people, and what they sign in with.

use super::super::context::Context;
use super::super::fold;
use super::super::kind::Kind;
use super::super::profile::{Profile, ratio, to_f32};
use super::{Content, LEAST, found, passed};

/// Names of people, and what they sign in with.
pub(super) fn people(profile: &Profile<'_>, context: &Context, content: &mut Content) {
    let n = profile.len();
    let worth = profile.trust();
    let score = profile.mean(|l| l.person.map_or(-3.0, |p| p.score.clamp(-4.0, 5.0)));
    let firms = profile.values.iter().filter(|value| is_firm(value)).count();
    let several = profile.share(|l| l.person.is_some_and(|p| p.tokens >= 2));
    let (given, family): (usize, usize) = profile
        .looks
        .iter()
        .filter_map(|l| l.person)
        .fold((0, 0), |sum, p| (sum.0 + p.given, sum.1 + p.family));
    let listed = profile.count(|l| {
        l.person
            .is_some_and(|p| p.given + p.family > 0 && p.score > 1.5)
    });
    let mut odds = ((score - 0.4) * 3.0).max(profile.odds(listed, 0.55, 0.05).min(7.0));
    // Two or three words with capitals, all different and none of them common, are most often somebody.
    let shaped = profile.count(|l| {
        l.person
            .is_some_and(|p| (2..=3).contains(&p.tokens) && p.score > -1.6)
    });
    if ratio(shaped, n) > 0.9 && n >= 15 {
        odds = odds.max(2.6);
    }
    if ratio(firms, n) > 0.08 {
        odds -= 8.0;
    }
    // Few values again and again are a list of choices, not people.
    if n < 4 {
        odds = odds.min(3.0);
    }
    odds *= if odds > 0.0 { worth } else { 1.0 };
    // A name that says so is enough unless the values are something else.
    let other = profile
        .share(|l| l.number.is_some() || l.date.is_some() || l.uuid || l.hex || l.email || l.url);
    let mut hits = |kind: Kind, odds: f32, count: usize| {
        let floor = if context.names(kind) && other < 0.5 {
            -2.0
        } else {
            LEAST
        };
        content.say(kind, odds.max(floor), found(kind, count, profile));
    };
    let single = 1.0 - several;
    let either = profile.count(|l| l.person.is_some_and(|p| p.given + p.family > 0));
    hits(Kind::Name, odds - single * 3.0, either);
    let lean = (to_f32(given + 1) / to_f32(family + 1))
        .ln()
        .clamp(-1.0, 1.0);
    let spread = several * 4.0;
    hits(Kind::FirstName, odds - spread + lean.min(0.0) - 0.2, given);
    hits(Kind::LastName, odds - spread - lean.max(0.0) - 0.2, family);
    let users = profile.mean(|l| l.username);
    let mut odds = (users - 0.3) * 2.2;
    let shaped = profile.count(|l| l.username > -2.5 && !l.common);
    if ratio(shaped, n) > 0.9 && n >= 15 {
        odds = odds.max(2.0);
    }
    let hyphens = ratio(profile.values.iter().filter(|v| v.contains('-')).count(), n);
    odds -= hyphens * 3.0;
    if n < 8 {
        odds = odds.min(2.0);
    }
    // A name that says so is enough unless the values are something else.
    if context.names(Kind::Username) {
        odds = odds.max(-1.0);
    }
    let users = profile.count(|l| l.username > 0.5);
    let other = profile.share(|l| l.uuid || l.number.is_some() || l.date.is_some() || l.words > 2);
    if other > 0.7 {
        odds = odds.min(-4.0);
    }
    content.say(Kind::Username, odds, found(Kind::Username, users, profile));
    let plates = profile.count(|l| l.plate);
    content.say(
        Kind::Plate,
        if ratio(plates, n) > 0.8 { 1.0 } else { -2.0 },
        passed(Kind::Plate, plates, profile),
    );
}

/// Whether a value ends, or begins, as names of firms do.
fn is_firm(value: &str) -> bool {
    const ENDS: &[&str] = &[
        "inc",
        "ltd",
        "llc",
        "plc",
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "kgaa",
        "ug",
        "se",
        "sa",
        "sarl",
        "sas",
        "sl",
        "slne",
        "sll",
        "srl",
        "spa",
        "snc",
        "bv",
        "nv",
        "oy",
        "oyj",
        "ab",
        "hb",
        "asa",
        "aps",
        "kft",
        "zrt",
        "nyrt",
        "bt",
        "doo",
        "dd",
        "sro",
        "as",
        "spj",
        "spzoo",
        "corp",
        "co",
        "company",
        "group",
        "sons",
        "holdings",
        "partners",
        "associates",
        "studio",
        "ltda",
        "eireli",
        "limited",
        "incorporated",
        "stiftung",
        "eg",
        "cv",
        "pt",
        "tbk",
        "ооо",
        "оао",
        "зао",
        "ао",
        "ип",
        "нпо",
        "тов",
        "фоп",
        "ад",
        "еоод",
        "ет",
        "αε",
        "επε",
    ];
    const PARTS: &[&str] = &[
        "株式会社",
        "有限会社",
        "合同会社",
        "有限公司",
        "公司",
        "集团",
        "传媒",
        "网络",
        "科技",
        "信息",
        "주식회사",
        "(주)",
        "(유)",
        "유한회사",
        "שרכת",
        "בע\"מ",
        "شركة",
        "مؤسسة",
        "บริษัท",
        "पब्लिक",
        "लिमिटेड",
        " & ",
        " and ",
        " und ",
        " y ",
        " et ",
        " e Hijos",
    ];
    let folded = fold::text(value);
    folded
        .split([' ', ',', '-'])
        .map(|word| word.replace('.', ""))
        .any(|word| ENDS.contains(&word.as_str()))
        || PARTS.iter().any(|part| value.contains(part))
}
