//! Names of people and places: word lists of many languages, and a model of three-letter sequences that tells
//! names that stand in no list from other words (log-odds, learnt from the lists when first asked).

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use super::fold;

/// Lists a word stands in.
pub(crate) const GIVEN: u8 = 1;
pub(crate) const FAMILY: u8 = 2;
pub(crate) const CITY: u8 = 4;
pub(crate) const WORD: u8 = 8;
pub(crate) const STREET: u8 = 16;
pub(crate) const TITLE: u8 = 32;
pub(crate) const PARTICLE: u8 = 64;

const TITLES: &str = "mr mrs ms miss mx dr prof professor herr frau hr fr monsieur madame mme mlle m sr sra srta don dona señor \
    señora senor senora signor signora sig sigra dott dottssa senhor senhora dhr mevr mw pan pani dipl ing mag univ med phd md \
    jr sr ii iii iv dds dvm cpa esq bay bayan sayin г-н г-жа господин госпожа κος κα κύριος κυρία السيد السيدة الأستاذ الدكتور م. د أ \
    מר גברת श्री श्रीमती डॉ นาย นาง นางสาว bsc msc ba mba ir drs drg sh mm se kom pd tn ny ing. rer nat hab inż csc rndr judr mudr bc mgr \
    dipl-ing b.eng b.sc b.a m.sc m.a m.eng lic doc tgn dt h hj s.t. s.pd m.ak s.kom o.b.e chiar.mo";
const PARTICLES: &str = "de da do dos das di del della dello delle dei van von der den ter ten te het la le les du des el al bin ibn ben \
    bint abu y e i zu zum zur af av san santa st mac mc o d da' dell' degli und a";

type Words = HashMap<Box<str>, u8, FixedState>;

struct Lists {
    words: Words,
    model: HashMap<[char; 3], f32, FixedState>,
    street_ends: Vec<Box<str>>,
    city_parts: Vec<Box<str>>,
    units: Vec<Box<str>>,
}

fn lists() -> &'static Lists {
    static LISTS: OnceLock<Lists> = OnceLock::new();
    LISTS.get_or_init(read)
}

fn read() -> Lists {
    let mut words = Words::default();
    let mut add = |text: &str, flag: u8| {
        *words.entry(fold::text(text).into()).or_default() |= flag;
    };
    let lines = |text: &'static str| {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(": "))
    };
    for (text, flag) in [
        (include_str!("given.txt"), GIVEN),
        (include_str!("family.txt"), FAMILY),
    ] {
        for (_, list) in lines(text) {
            list.split_whitespace()
                .filter(|word| word.chars().count() > 1 || !word.is_ascii())
                .for_each(|word| add(word, flag));
        }
    }
    let (mut street_ends, mut city_parts, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for (kind, list) in lines(include_str!("places.txt")) {
        for word in list.split_whitespace() {
            let folded: Box<str> = fold::text(&word.replace('_', " ")).into();
            match kind {
                "city" => add(&folded, CITY),
                "street" => add(&folded, STREET),
                "streetend" => street_ends.push(folded),
                "citypart" => city_parts.push(folded),
                "unit" => units.push(folded),
                _ => {}
            }
        }
    }
    for line in include_str!("words.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        line.split_whitespace().for_each(|word| add(word, WORD));
    }
    TITLES
        .split_whitespace()
        .for_each(|word| add(word.trim_end_matches('.'), TITLE));
    PARTICLES
        .split_whitespace()
        .for_each(|word| add(word, PARTICLE));
    let model = learn(&words);
    Lists {
        words,
        model,
        street_ends,
        city_parts,
        units,
    }
}

/// Log-odds of three letters in a row, names against other words; both smoothed.
fn learn(words: &Words) -> HashMap<[char; 3], f32, FixedState> {
    let mut counts: HashMap<[char; 3], (f32, f32), FixedState> = HashMap::default();
    let (mut names, mut others) = (0.0f32, 0.0f32);
    for (word, flags) in words {
        let name = flags & (GIVEN | FAMILY) != 0;
        let other = flags & WORD != 0;
        if name == other || word.chars().count() < 3 {
            continue;
        }
        for three in threes(word) {
            let count = counts.entry(three).or_default();
            if name {
                count.0 += 1.0;
                names += 1.0;
            } else {
                count.1 += 1.0;
                others += 1.0;
            }
        }
    }
    const SMOOTH: f32 = 0.6;
    let kinds = 8_000.0;
    counts
        .into_iter()
        .map(|(three, (name, other))| {
            let p = (name + SMOOTH) / (names + SMOOTH * kinds);
            let q = (other + SMOOTH) / (others + SMOOTH * kinds);
            (three, (p / q).ln())
        })
        .collect()
}

fn threes(word: &str) -> impl Iterator<Item = [char; 3]> {
    let padded: Vec<char> = std::iter::once('^')
        .chain(word.chars())
        .chain(['$'])
        .collect();
    let mut at = 0;
    std::iter::from_fn(move || {
        let three = match padded.get(at..at + 3) {
            Some([a, b, c]) => [*a, *b, *c],
            Some(_) | None => return None,
        };
        at += 1;
        Some(three)
    })
}

/// The lists a folded word stands in.
pub(crate) fn flags(folded: &str) -> u8 {
    lists().words.get(folded).copied().unwrap_or(0)
}

/// How much more a folded word looks like a name than like another word: mean log-odds of its threes.
pub(crate) fn likeness(folded: &str) -> f32 {
    let model = &lists().model;
    let (mut sum, mut count) = (0.0f32, 0.0f32);
    for three in threes(folded) {
        sum += model.get(&three).copied().unwrap_or(0.0);
        count += 1.0;
    }
    if count == 0.0 { 0.0 } else { sum / count }
}

/// What a token says about being a part of a name, in log-odds.
pub(crate) fn weight(folded: &str, flags: u8) -> f32 {
    let listed = match (flags & (GIVEN | FAMILY) != 0, flags & WORD != 0) {
        (true, false) => 3.0,
        (true, true) => 0.7,
        (false, true) => -3.0,
        (false, false) => -0.6,
    };
    let place = if flags & (CITY | STREET) != 0 && flags & (GIVEN | FAMILY) == 0 {
        -1.5
    } else {
        0.0
    };
    listed + place + likeness(folded).clamp(-1.5, 1.5)
}

/// A cell or a phrase read as the name of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Person {
    /// Log-odds of being one.
    pub(crate) score: f32,
    /// Tokens that are names, without titles and particles.
    pub(crate) tokens: usize,
    /// Tokens in the lists of given and of family names.
    pub(crate) given: usize,
    pub(crate) family: usize,
}

/// Reads a whole text as a person's name: one to five words, each with a capital, or of a script without.
pub(crate) fn person(text: &str) -> Option<Person> {
    let text = text.trim();
    if text.is_empty() || text.len() > 80 || text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(person) = east_asian(text) {
        return Some(person);
    }
    let mut found = Person {
        score: 0.0,
        tokens: 0,
        given: 0,
        family: 0,
    };
    let (mut words, mut counted) = (0, 0.0f32);
    for token in text
        .split([' ', ',', '\u{a0}'])
        .filter(|token| !token.is_empty())
    {
        let token = token.trim_end_matches('.').trim_matches(['(', ')', '"']);
        let folded = fold::text(token);
        let flags = flags(&folded);
        words += 1;
        if words > 7 {
            return None;
        }
        if token.chars().count() == 1 && token.chars().all(char::is_uppercase) {
            continue;
        }
        if flags & TITLE != 0 || token.contains('.') {
            found.score += if flags & TITLE != 0 { 1.0 } else { 0.0 };
            continue;
        }
        if flags & PARTICLE != 0
            && (flags & (GIVEN | FAMILY) == 0 || token.starts_with(char::is_lowercase))
        {
            continue;
        }
        if !is_name_shaped(token) {
            return None;
        }
        // A double name is as good as its better half.
        let best = folded
            .split(['-', '\'', '’'])
            .filter(|part| part.chars().count() > 1)
            .map(|part| {
                let own = self::flags(part);
                (weight(part, own), own)
            })
            .chain([(weight(&folded, flags), flags)])
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        found.score += best.0;
        counted += 1.0;
        found.tokens += 1;
        found.given += usize::from(best.1 & GIVEN != 0);
        found.family += usize::from(best.1 & FAMILY != 0);
    }
    // Two words that might be a name are likelier one than each by itself.
    if counted > 2.0 {
        found.score *= 2.0 / counted;
    }
    (found.tokens > 0 && found.tokens <= 5).then_some(found)
}

/// Capital first and small letters after it, or all capitals, or a script without the difference.
pub(crate) fn is_name_shaped(token: &str) -> bool {
    let mut chars = token.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let mark = |c: char| matches!(c, '-' | '\'' | '’' | '\u{200c}' | '·') || fold::is_mark(c);
    let letters = token.chars().all(|c| c.is_alphabetic() || mark(c));
    let caseless = !first.is_lowercase() && !first.is_uppercase();
    letters
        && first.is_alphabetic()
        && (first.is_uppercase() || caseless)
        && token.chars().count() < 30
}

pub(crate) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '々')
}

pub(crate) fn is_kana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}')
}

pub(crate) fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

/// Chinese, Japanese and Korean names: a family name of one or two characters, then one to three of a given name.
fn east_asian(text: &str) -> Option<Person> {
    let east = |c: char| is_han(c) || is_kana(c) || is_hangul(c);
    let blank = |c: char| matches!(c, ' ' | '\u{3000}');
    if !text.chars().all(|c| east(c) || blank(c)) {
        return None;
    }
    let parts: Vec<&str> = text.split(blank).filter(|part| !part.is_empty()).collect();
    let known = |part: &str, list: u8| flags(part) & list != 0;
    let made = |score: f32, given: bool, family: bool, tokens: usize| {
        Some(Person {
            score,
            tokens,
            given: usize::from(given),
            family: usize::from(family),
        })
    };
    if let [family, given] = parts.as_slice() {
        let (f, g) = (known(family, FAMILY), known(given, GIVEN));
        let short = family.chars().count() <= 4 && given.chars().count() <= 4;
        let score =
            if f { 3.0 } else { 0.0 } + if g { 3.0 } else { 0.0 } + if short { 1.0 } else { -3.0 };
        return made(score, g, f, 2);
    }
    let [whole] = parts.as_slice() else {
        return None;
    };
    let count = whole.chars().count();
    if count == 0 || count > 5 || known(whole, CITY) {
        return None;
    }
    let (is_given, is_family) = (known(whole, GIVEN), known(whole, FAMILY));
    if (is_given || is_family) && count <= 3 {
        return made(3.0, is_given, is_family, 1);
    }
    // A family name at the front.
    let ends: Vec<usize> = whole
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .collect();
    let front = [2, 1, 3].into_iter().find_map(|n: usize| {
        let cut = *ends.get(n - 1)?;
        let (family, rest) = whole.split_at_checked(cut)?;
        (!rest.is_empty() && known(family, FAMILY)).then_some((n, rest))
    });
    let (n, rest) = front?;
    let left = rest.chars().count();
    let usual = if whole.chars().any(is_hangul) {
        n == 1 && left == 2
    } else {
        (1..=2).contains(&left) || (n == 2 && left == 3)
    };
    if known(whole, WORD) || !usual {
        return None;
    }
    let g = known(rest, GIVEN);
    made(if g { 5.0 } else { 1.5 }, g, true, 2)
}

/// Whether a token is a street's, by itself or by its end: `Hauptstraße`, `Elm St`.
pub(crate) fn is_street(folded: &str) -> bool {
    flags(folded) & STREET != 0
        || lists()
            .street_ends
            .iter()
            .any(|end| folded.len() > end.len() + 2 && folded.ends_with(&**end))
}

/// Whether a text is, or begins as, a listed town.
pub(crate) fn is_city(text: &str) -> bool {
    flags(&fold::text(text)) & CITY != 0
}

/// Whether a word ends as names of towns do.
pub(crate) fn has_city_end(folded: &str) -> bool {
    lists()
        .city_parts
        .iter()
        .any(|part| folded.len() > part.len() + 2 && folded.ends_with(&**part))
}

/// `Apt`, `Suite`, `Etage`.
pub(crate) fn is_unit(folded: &str) -> bool {
    lists().units.iter().any(|unit| **unit == *folded)
}
