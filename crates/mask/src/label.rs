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
            index: BUILT_IN.iter().position(|(known, _)| same(known)),
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

/// What an observer of masked values of a label learns about raw ones, besides structure (lengths
/// of arrays; shape, null leaves and plain keys of JSON).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Releases {
    /// Which values are equal within a scope.
    pub equality: bool,
    /// What is kept of each value, or told of it.
    pub parts: &'static [Part],
}

/// Something of a value that its stand-in tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Whether it is NULL. Where a type or length has no room for a stand-in, not even that.
    Nullness,
    /// How long it is, in steps of about twenty characters.
    Length,
}

impl Label {
    /// What the label's masked values release.
    pub fn releases(&self) -> Releases {
        let equality = self.rule() != Rule::Redact;
        let parts: &[Part] = match self.rule() {
            Rule::Email | Rule::Username | Rule::Url => &[Part::Nullness, Part::Length],
            Rule::Phone
            | Rule::Ssn
            | Rule::NationalId
            | Rule::Card
            | Rule::Iban
            | Rule::Name
            | Rule::GivenName
            | Rule::Address
            | Rule::Ip
            | Rule::Secret
            | Rule::Json
            | Rule::Uuid
            | Rule::Redact => &[Part::Nullness],
        };
        Releases { equality, parts }
    }

    /// Are there tokens of this label, that can be turned back into what they stand for?
    pub fn reversible(&self) -> bool {
        token::shortest(self.rule()).is_some()
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
            "a number in a range that is issued neither as SSN nor as ITIN; few enough that two people may share one"
        }
        Rule::NationalId => "XX and ten letters or digits (XX is never a country)",
        Rule::Card => {
            "a 16-digit number that starts with 9999, for which there is no issuer, with a right check digit"
        }
        Rule::Iban => "an IBAN of the country XX, which there is not, with right check digits",
        Rule::Name => "an invented given and family name",
        Rule::GivenName => "an invented name",
        Rule::Address => "an invented street and number",
        Rule::Ip => "an IPv6 address in 2001:db8::/32, reserved for documentation (RFC 3849)",
        Rule::Username => "user_<token>",
        Rule::Secret => "[secret:<four hex digits>]",
        Rule::Json => {
            "in JSON, every string a token t_<token>, every number 0, every boolean false; shape and plain keys stay"
        }
        Rule::Uuid => "a version 8 UUID",
        Rule::Url => "https://<token>.invalid/",
        Rule::Redact => "[redacted] where text fits, else NULL",
    }
}

/// The built-in labels, for documentation and completion.
pub fn labels() -> impl Iterator<Item = Label> {
    BUILT_IN.iter().enumerate().map(|(index, (word, _))| Label {
        word: (*word).into(),
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
    NationalId,
    Card,
    Iban,
    Name,
    GivenName,
    Address,
    Ip,
    Username,
    Secret,
    Json,
    Uuid,
    Url,
    /// A constant where text fits, else NULL: for what has few values, or an order, or prose.
    Redact,
}

const BUILT_IN: &[(&str, Rule)] = &[
    ("email", Rule::Email),
    ("phone", Rule::Phone),
    ("ssn", Rule::Ssn),
    ("national-id", Rule::NationalId),
    ("tax-id", Rule::NationalId),
    ("passport", Rule::NationalId),
    ("driver-license", Rule::NationalId),
    ("card", Rule::Card),
    ("iban", Rule::Iban),
    ("bank-account", Rule::NationalId),
    ("name", Rule::Name),
    ("first-name", Rule::GivenName),
    ("last-name", Rule::GivenName),
    ("address", Rule::Address),
    ("username", Rule::Username),
    ("ip", Rule::Ip),
    ("uuid", Rule::Uuid),
    ("url", Rule::Url),
    ("secret", Rule::Secret),
    ("password", Rule::Secret),
    ("api-key", Rule::Secret),
    ("json", Rule::Json),
    ("date-of-birth", Rule::Redact),
    ("date", Rule::Redact),
    ("age", Rule::Redact),
    ("gender", Rule::Redact),
    ("salary", Rule::Redact),
    ("number", Rule::Redact),
    ("geo", Rule::Redact),
    ("postal-code", Rule::Redact),
    ("health", Rule::Redact),
    ("note", Rule::Redact),
    ("free-text", Rule::Redact),
    ("redact", Rule::Redact),
];

#[cfg(test)]
mod tests;
