//! What the words around a column's values say: its name, comment, table and neighbours, in log-odds per kind.

use super::evidence::Evidence;
use super::kind::{Class, Kind};
use super::lexicon::{self, Reading, Sense};

/// Log-odds for words of weight 1, 2 and 3. Set by hand, then checked on generated tables.
const WEIGHTS: [f32; 4] = [0.0, 1.2, 3.4, 6.0];
/// A word inside a longer one says a little less.
const INSIDE: f32 = 0.85;
/// What a comment says beside what a name says.
const COMMENT: f32 = 0.6;

/// What is known about a column besides its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    says: Vec<(Kind, f32, String, bool)>,
    /// The name speaks of something that is nobody's: an order, a state, a count.
    pub(crate) not: bool,
    pub(crate) thing: bool,
    /// Other columns, or the table, are about people.
    pub(crate) people: bool,
    pub(crate) words: String,
}

impl Context {
    /// Reads a column's surroundings. `above` is what stands over it: its table, or the keys over a leaf of JSON.
    pub(crate) fn read(
        name: &str,
        comment: Option<&str>,
        above: &[&str],
        neighbours: &[&str],
    ) -> Self {
        let mut context = Self::default();
        let reading = lexicon::read(name);
        context.take(&reading, 1.0, false);
        if let Some(comment) = comment {
            context.take(&lexicon::read(comment), COMMENT, true);
        }
        let above: Vec<Reading> = above.iter().map(|name| lexicon::read(name)).collect();
        context.people = above
            .iter()
            .flat_map(|reading| &reading.votes)
            .any(|vote| vote.sense == Sense::Person);
        let mut words = Vec::new();
        for neighbour in neighbours {
            for vote in lexicon::read(neighbour).votes {
                if let Sense::Kind(kind, 3) = vote.sense
                    && kind.class() == Class::Identifier
                    && words.len() < 3
                {
                    words.push(vote.word);
                }
            }
        }
        context.people |= !words.is_empty();
        context.words = words.join(", ");
        // "name" of a thing: by what stands before it, or over it when it stands alone.
        let alone = reading.votes.len() <= 1;
        let thing_above = above
            .iter()
            .flat_map(|reading| &reading.votes)
            .any(|vote| vote.sense == Sense::Thing);
        if alone && thing_above && !context.people {
            context.thing = true;
        }
        context
    }

    fn take(&mut self, reading: &Reading, share: f32, comment: bool) {
        let person = reading.votes.iter().any(|vote| vote.sense == Sense::Person);
        for vote in &reading.votes {
            match vote.sense {
                Sense::Kind(kind, weight) => {
                    let mut odds = WEIGHTS.get(usize::from(weight)).copied().unwrap_or(0.0) * share;
                    if vote.inside {
                        odds *= INSIDE;
                    }
                    if person && matches!(kind, Kind::Name) {
                        odds += 2.0 * share;
                    }
                    // `email_count`: what comes last is what the column is.
                    let after = reading
                        .votes
                        .iter()
                        .any(|other| other.sense == Sense::Not && other.first > vote.last);
                    if after {
                        odds -= 8.0 * share;
                    }
                    self.says.push((kind, odds, vote.word.clone(), comment));
                }
                Sense::Thing if !comment => self.thing = true,
                Sense::Not if !comment => self.not = true,
                Sense::Thing | Sense::Not | Sense::Person => {}
            }
        }
    }

    /// Log-odds for a kind from words alone.
    pub(crate) fn odds(&self, kind: Kind) -> f32 {
        let said = self
            .says
            .iter()
            .filter(|(said, ..)| *said == kind)
            .map(|(_, odds, ..)| *odds)
            .max_by(f32::total_cmp);
        let mut odds = said.unwrap_or(0.0);
        let numeric = matches!(
            kind,
            Kind::Card
                | Kind::Phone
                | Kind::Ssn
                | Kind::NationalId
                | Kind::TaxId
                | Kind::BankAccount
                | Kind::Passport
                | Kind::PostalCode
                | Kind::Plate
                | Kind::DriverLicense
        );
        let strong = said.is_some_and(|odds| odds >= 5.0);
        if self.not && !strong {
            odds -= if numeric { 7.0 } else { 3.0 };
        }
        if self.thing && !strong {
            odds -= match kind {
                Kind::Name | Kind::FirstName | Kind::LastName => 5.0,
                Kind::City | Kind::Username | Kind::Health | Kind::Demographic => 3.0,
                _ => 1.0,
            };
        }
        if self.people && kind.is_sensitive() && odds > -1.0 {
            odds += 0.7;
        }
        // Another kind that the name names clearly leaves less for this one.
        let other = self
            .says
            .iter()
            .filter(|(said, ..)| *said != kind && !family(*said, kind))
            .map(|(_, odds, ..)| *odds)
            .fold(0.0f32, f32::max);
        if other >= 5.0 && said.is_none() {
            odds -= 2.0;
        }
        odds
    }

    /// Whether the words name this kind clearly.
    pub(crate) fn names(&self, kind: Kind) -> bool {
        self.says
            .iter()
            .any(|(said, odds, ..)| *said == kind && *odds >= 3.0)
    }

    /// The words that speak for a kind, as evidence.
    pub(crate) fn evidence(&self, kind: Kind) -> Vec<Evidence> {
        let mut all = Vec::new();
        for (said, odds, word, comment) in &self.says {
            if *said == kind && *odds > 0.0 {
                let (word, kind) = (word.clone(), kind.plain());
                let one = if *comment {
                    Evidence::Comment { word, kind }
                } else {
                    Evidence::Name { word, kind }
                };
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        if self.people && !self.words.is_empty() && !all.is_empty() {
            all.push(Evidence::Neighbours {
                words: self.words.clone(),
            });
        }
        all
    }
}

/// Kinds that a word for one may as well mean for the other.
fn family(a: Kind, b: Kind) -> bool {
    let group = |kind: Kind| match kind {
        Kind::Name | Kind::FirstName | Kind::LastName | Kind::Username => 1,
        Kind::Address | Kind::City | Kind::PostalCode | Kind::Geo => 2,
        Kind::Ssn | Kind::NationalId | Kind::TaxId | Kind::Passport | Kind::DriverLicense => 3,
        Kind::Secret | Kind::Password | Kind::ApiKey => 4,
        Kind::Iban | Kind::BankAccount | Kind::Card => 5,
        Kind::FreeText => 6,
        _ => 0,
    };
    group(a) != 0 && (group(a) == group(b) || group(a) == 6 || group(b) == 6)
}
