//! Labels: what a column holds, in one word, and what masking makes of it.

use std::fmt;
use std::sync::Arc;

use crate::token;
use crate::types::ColumnType;

/// Longest label, in bytes.
const MAX_BYTES: usize = 63;

/// What is wrong with a label's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Operator: labels are short lower-case words.
    #[error(
        "a label is a lower-case word: it starts with a letter and has up to 63 of a-z, 0-9, - and _"
    )]
    LabelForm,
}

/// What a column holds: `email`, `ssn`, `salary`… Any lower-case word is a label; words that are not
/// built in are redacted. `_` and `-` read the same.
#[derive(Clone, Debug)]
pub struct Label {
    word: Arc<str>,
    /// Place in [`BUILT_IN`].
    index: Option<usize>,
}

impl Label {
    /// The label of that word.
    pub fn new(word: &str) -> Result<Self, Error> {
        let legal = |b: &u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let starts = word.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !starts || word.len() > MAX_BYTES || !word.as_bytes().iter().all(legal) {
            return Err(Error::LabelForm);
        }
        let same = |known: &str| {
            known
                .bytes()
                .eq(word.bytes().map(|b| if b == b'_' { b'-' } else { b }))
        };
        Ok(Self {
            word: word.into(),
            index: BUILT_IN
                .iter()
                .position(|(words, _)| words.iter().any(|known| same(known))),
        })
    }

    /// The word, as it was given.
    pub fn as_str(&self) -> &str {
        &self.word
    }

    pub(crate) fn index(&self) -> Option<usize> {
        self.index
    }

    pub(crate) fn rule(&self) -> Rule {
        self.index
            .and_then(|index| BUILT_IN.get(index))
            .map_or(Rule::Redact, |(_, rule)| *rule)
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl Eq for Label {}

impl std::hash::Hash for Label {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.word.hash(state);
    }
}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.word.cmp(&other.word)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)
    }
}

/// What an observer of masked values of a label learns about raw ones, besides which are NULL (where a type or
/// length has no room for a stand-in, not even that) and the lengths of arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// Which values are equal within a scope: whole ones, so that comparing them in the database tells no more.
    pub equality: bool,
    /// What is kept of each value, or told of it.
    pub parts: &'static [Part],
}

/// Something of a value that its stand-in tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Which things in it are equal within a scope.
    Equality,
    /// How long it is, in steps of about twenty characters.
    Length,
    /// Which years, which first digit, or which field of a grid it lies in.
    Bucket,
    /// What sort of value it is: of a secret, who issued it; of what is in a text, its label.
    Kind,
    /// Which script it is written in.
    Script,
    /// The shape of the document, its plain keys, and where nulls are.
    Shape,
    /// Whatever is not recognised as personal.
    Rest,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equality => "equality of parts",
            Self::Length => "length",
            Self::Bucket => "bucket",
            Self::Kind => "kind",
            Self::Script => "script",
            Self::Shape => "shape",
            Self::Rest => "rest",
        })
    }
}

/// In words for tables: `equality, length`.
impl fmt::Display for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equality = self.equality.then(|| "equality".to_owned());
        let parts = self.parts.iter().map(Part::to_string);
        let all: Vec<String> = equality.into_iter().chain(parts).collect();
        f.write_str(if all.is_empty() { "nothing" } else { "" })?;
        f.write_str(&all.join(", "))
    }
}

const PARTS_OF_TEXT: &[Part] = &[
    Part::Equality,
    Part::Kind,
    Part::Length,
    Part::Script,
    Part::Rest,
];
const PARTS_OF_JSON: &[Part] = &[
    Part::Equality,
    Part::Kind,
    Part::Length,
    Part::Script,
    Part::Shape,
];

impl Label {
    /// What the label's masked values release. Of texts and documents parts become what they are in columns of their
    /// own, and some of them one constant.
    pub fn releases(&self) -> Releases {
        let (equality, parts): (bool, &[Part]) = match self.rule() {
            Rule::Email | Rule::Username | Rule::Url => (true, &[Part::Length]),
            Rule::Name | Rule::Word | Rule::Address => (true, &[Part::Script]),
            Rule::Secret => (true, &[Part::Kind]),
            Rule::Json => (false, PARTS_OF_JSON),
            Rule::Text => (false, PARTS_OF_TEXT),
            Rule::Phone
            | Rule::Ssn
            | Rule::Document
            | Rule::Card
            | Rule::Iban
            | Rule::Ip
            | Rule::Mac
            | Rule::Uuid => (true, &[]),
            Rule::Birth | Rule::Date | Rule::Number | Rule::Geo => (false, &[Part::Bucket]),
            Rule::Redact => (false, &[]),
        };
        Releases { equality, parts }
    }

    /// The words for this label, the usual one first. Only it, if it is not built in.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let built_in = self.index.and_then(|index| BUILT_IN.get(index));
        let other = built_in.is_none().then_some(&*self.word);
        built_in
            .into_iter()
            .flat_map(|(words, _)| words.iter().copied())
            .chain(other)
    }

    /// The range that nobody uses and in which stand-ins lie, if there is one.
    pub fn mark(&self) -> Option<&'static str> {
        Some(match self.rule() {
            Rule::Email => "u_….invalid",
            Rule::Url => "https://….invalid/",
            Rule::Username => "user_ and 36 characters",
            Rule::Phone => "+999",
            Rule::Ssn => "area 900 to 999",
            Rule::Document | Rule::Iban => "XX",
            Rule::Card => "9999",
            Rule::Ip => "2001:db8::/32",
            Rule::Mac => "second digit 6",
            Rule::Name
            | Rule::Word
            | Rule::Address
            | Rule::Secret
            | Rule::Json
            | Rule::Uuid
            | Rule::Text
            | Rule::Birth
            | Rule::Date
            | Rule::Number
            | Rule::Geo
            | Rule::Redact => return None,
        })
    }

    /// Are there tokens of this label, that can be turned back into what they stand for?
    pub fn reversible(&self) -> bool {
        token::shortest(self.rule()).is_some()
    }

    /// Characters of the shortest token, if there are tokens.
    pub fn token_chars(&self) -> Option<usize> {
        token::shortest(self.rule())
    }

    /// Do values of a column of that type become tokens? Those that are too long for one do not.
    pub fn reversible_in(&self, column: &ColumnType) -> bool {
        token::shortest(self.rule()).is_some_and(|shortest| {
            column.chars() >= shortest || self.rule() == Rule::Ip && column.is_address()
        })
    }

    /// Do equal values under both labels become equal tokens? So it is for different spellings of one label.
    pub fn same_tokens(&self, other: &Self) -> bool {
        match (self.index, other.index) {
            (None, None) => self == other,
            (one, two) => one == two,
        }
    }
}

/// What a value becomes, for documentation and explanations. One sentence, without a full stop.
pub fn describe(label: &Label) -> &'static str {
    match label.rule() {
        Rule::Email => "an address u_<token>@….invalid (.invalid is never assigned, RFC 2606)",
        Rule::Phone => "a number that starts with +999, a country code that is not assigned",
        Rule::Ssn => {
            "a number in a range that is issued neither as SSN nor as ITIN; without a token few enough that two people may share one"
        }
        Rule::Document => {
            "XX and letters and digits (XX is never a country); in columns of numbers a negative one"
        }
        Rule::Card => {
            "a 16-digit number that starts with 9999, for which there is no issuer, with a right check digit"
        }
        Rule::Iban => "an IBAN of the country XX, which there is not, with right check digits",
        Rule::Name => {
            "an invented given and family name in the same script; two people may share one"
        }
        Rule::Word => "an invented name in the same script; two may share one",
        Rule::Address => "an invented street and number in the same script; two may share one",
        Rule::Ip => "an IPv6 address in 2001:db8::/32, reserved for documentation (RFC 3849)",
        Rule::Mac => "an address whose second digit is 6, which is reserved (IEEE 802c)",
        Rule::Username => "user_<token>",
        Rule::Secret => "‹secret:<kind>:<four hex digits>›",
        Rule::Json => {
            "in JSON, every string what it would be in a column of its label, or t_<token>; every number 0, every boolean false; shape and plain keys stay"
        }
        Rule::Uuid => "a version 8 UUID",
        Rule::Url => "https://<token>.invalid/",
        Rule::Text => {
            "the text with what is recognised in it replaced as in text columns of its label, dates and places by [redacted]"
        }
        Rule::Birth => "the first day, or the first year, of five years",
        Rule::Date => "the first day of the year",
        Rule::Number => "its first digit with zeros for the others; 0 below ten",
        Rule::Geo => "the next tenth of a degree",
        Rule::Redact => "[redacted] where text fits, else NULL",
    }
}

/// The built-in labels, for documentation and completion.
pub fn labels() -> impl Iterator<Item = Label> {
    BUILT_IN
        .iter()
        .enumerate()
        .map(|(index, (words, _))| Label {
            word: words.first().copied().unwrap_or_default().into(),
            index: Some(index),
        })
}

/// The label of what has no better one.
pub(crate) fn redact() -> Label {
    Label {
        word: "redact".into(),
        index: None,
    }
}

/// What is done with a value, whatever its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Email,
    Phone,
    Ssn,
    Document,
    Card,
    Iban,
    Name,
    /// A name of one word.
    Word,
    Address,
    Ip,
    Mac,
    Username,
    Secret,
    Json,
    Uuid,
    Url,
    Text,
    /// Five years, and one.
    Birth,
    Date,
    Number,
    Geo,
    /// A constant where text fits, else NULL: for what has few values, or an order, or prose.
    Redact,
}

impl Rule {
    /// Does only the bucket of a value leave?
    pub(crate) fn is_bucket(self) -> bool {
        matches!(self, Self::Birth | Self::Date | Self::Number | Self::Geo)
    }

    /// May a value be what becomes of it? The first value of a bucket may, since nobody can tell it from the others;
    /// and a text that holds nothing personal.
    pub(crate) fn may_keep(self) -> bool {
        self.is_bucket() || self == Self::Text
    }
}

const BUILT_IN: &[(&[&str], Rule)] = &[
    (&["email"], Rule::Email),
    (&["phone"], Rule::Phone),
    (&["ssn"], Rule::Ssn),
    (&["national-id"], Rule::Document),
    (&["tax-id"], Rule::Document),
    (&["passport"], Rule::Document),
    (&["driver-license"], Rule::Document),
    (&["bank-account"], Rule::Document),
    (&["plate"], Rule::Document),
    (&["card"], Rule::Card),
    (&["iban"], Rule::Iban),
    (&["name"], Rule::Name),
    (&["first-name", "given-name"], Rule::Word),
    (&["last-name", "family-name"], Rule::Word),
    (&["city"], Rule::Word),
    (&["address"], Rule::Address),
    (&["username"], Rule::Username),
    (&["ip"], Rule::Ip),
    (&["mac"], Rule::Mac),
    (&["uuid"], Rule::Uuid),
    (&["url"], Rule::Url),
    (&["secret"], Rule::Secret),
    (&["password"], Rule::Secret),
    (&["api-key"], Rule::Secret),
    (&["json"], Rule::Json),
    (&["text"], Rule::Text),
    (&["date-of-birth", "birth-date"], Rule::Birth),
    (&["date"], Rule::Date),
    (&["number"], Rule::Number),
    (&["age"], Rule::Number),
    (&["geo"], Rule::Geo),
    (&["salary"], Rule::Redact),
    (&["gender"], Rule::Redact),
    (&["demographic"], Rule::Redact),
    (&["postal-code", "zip"], Rule::Redact),
    (&["health", "medical"], Rule::Redact),
    (&["note"], Rule::Redact),
    (&["free-text"], Rule::Redact),
    (&["redact"], Rule::Redact),
];

#[cfg(test)]
mod tests;
