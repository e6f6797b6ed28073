//! Choosing entries and proving them: what goes into an evidence pack.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use ledger::days::{Day, Days};
use ledger::merkle;
use ledger::pack::Item;
use ledger::proof::{Extra, Proof};
use ledger::{Entry, Kind, Sequence};
use serde_json::Value;

use crate::Error;
use crate::read::Reader;
use crate::tiles::Tiles;

/// Most entries of one pack.
pub const MAX_ENTRIES: usize = 100_000;

/// Which entries are chosen: those with one of `entries`, or those that fit every
/// other field that is given.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Places in the log.
    pub entries: Vec<RangeInclusive<u64>>,
    /// Id of a session.
    pub session: Option<String>,
    /// Opaque id of a principal.
    pub principal: Option<String>,
    /// Name of a target.
    pub target: Option<String>,
    /// Name of an object, `schema.name`.
    pub object: Option<String>,
    /// Kind of entry.
    pub kind: Option<Kind>,
    /// Days.
    pub days: Days,
}

impl Selection {
    /// Whether it names anything, so that not everything is chosen.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        !self.entries.is_empty() || self.has_filter()
    }

    fn has_filter(&self) -> bool {
        self.session.is_some()
            || self.principal.is_some()
            || self.target.is_some()
            || self.object.is_some()
            || self.kind.is_some()
            || self.days != Days::default()
    }

    fn fits(&self, entry: &Entry) -> bool {
        let place = entry.sequence.0;
        if self.entries.iter().any(|range| range.contains(&place)) {
            return true;
        }
        if !self.has_filter() {
            return false;
        }
        let is = |wanted: &Option<String>, fields: &[&str]| {
            wanted
                .as_deref()
                .is_none_or(|wanted| fields.iter().any(|field| entry.text(field) == Some(wanted)))
        };
        let day = entry.at.get(..10).and_then(|day| day.parse::<Day>().ok());
        is(&self.session, &["session"])
            && is(&self.principal, &["principal", "subject"])
            && is(&self.target, &["target"])
            && self.kind.is_none_or(|kind| kind == entry.kind)
            && self
                .object
                .as_deref()
                .is_none_or(|name| touches(entry, name))
            && (self.days == Days::default() || day.is_some_and(|day| self.days.contain(day)))
    }
}

fn touches(entry: &Entry, name: &str) -> bool {
    let Some(Value::Array(objects)) = entry.fields.get("objects") else {
        return false;
    };
    objects
        .iter()
        .any(|object| object.get("name").and_then(Value::as_str) == Some(name))
}

/// What of the chosen entries is shown.
#[derive(Clone, Debug, Default)]
pub enum Show {
    /// The entries alone.
    #[default]
    Nothing,
    /// Disclosures of these names.
    Named(BTreeSet<String>),
    /// Every disclosure whose key exists.
    Everything,
}

impl Show {
    fn shows(&self, name: &str) -> bool {
        match self {
            Show::Nothing => false,
            Show::Named(names) => names.contains(name),
            Show::Everything => true,
        }
    }
}

/// Proves every entry that is chosen, with what makes it understood: the outcome of
/// a chosen statement, the beginning and the end of its session. All are under one
/// checkpoint; entries that it does not cover yet are left out.
///
/// `seen` is told how many entries were looked at, of how many.
///
/// # Errors
/// [`Error::TooMany`]; [`Error::Disagrees`]; as [`Tiles::open`].
pub fn gather(
    reader: Reader,
    selection: &Selection,
    show: &Show,
    mut seen: impl FnMut(u64, u64),
) -> Result<Vec<Item>, Error> {
    let (checkpoint, text) = reader.checkpoint()?;
    let size = checkpoint.size;
    let chosen = choose(&reader, size, selection, &mut seen)?;
    let tiles = Tiles::open(reader, size)?;
    let node = |level, index| tiles.node(level, index).ok();
    if merkle::root(size, &node)? != checkpoint.root {
        let reason = format!("the first {size} entries do not have the root that was signed");
        return Err(Error::Disagrees { reason });
    }
    let opener = tiles.reader().opener()?;
    let mut items = Vec::with_capacity(chosen.len());
    for sequence in chosen {
        let shown = opener.show(Sequence(sequence))?;
        let named = shown.disclosures.iter().zip(shown.encoded);
        let encoded = named
            .filter(|(one, _)| show.shows(&one.name))
            .map(|(_, encoded)| encoded)
            .collect();
        items.push(Item {
            proof: Proof {
                extra: Some(Extra::new(&shown.record.leaf, encoded)?.encode()?),
                index: sequence,
                hashes: merkle::inclusion(sequence, size, &node)?,
                checkpoint: text.clone(),
            },
            erased: shown.erased.len() as u64,
        });
    }
    Ok(items)
}

/// Places of the chosen entries below `size` and of what belongs to them.
fn choose(
    reader: &Reader,
    size: u64,
    selection: &Selection,
    seen: &mut impl FnMut(u64, u64),
) -> Result<BTreeSet<u64>, Error> {
    let mut chosen = BTreeSet::new();
    let mut sessions: BTreeSet<String> = BTreeSet::new();
    // Where sessions began and ended, for those that turn out to be wanted.
    let mut ends: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let mut entries = reader.entries(reader.minimum()?);
    while let Some(record) = entries.next()? {
        let place = record.sequence.0;
        if place >= size {
            break;
        }
        if place % 10_000 == 0 {
            seen(place, size);
        }
        let entry = record.entry()?;
        let session = entry.text("session");
        if let (Kind::SessionOpen | Kind::SessionClose, Some(session)) = (entry.kind, session) {
            ends.entry(session.to_owned()).or_default().push(place);
        }
        let of_chosen = matches!(entry.kind, Kind::Outcome | Kind::Cancel)
            && entry
                .number("intent")
                .is_some_and(|intent| chosen.contains(&intent));
        if of_chosen || selection.fits(&entry) {
            chosen.insert(place);
            sessions.extend(session.map(str::to_owned));
        }
        if chosen.len() > MAX_ENTRIES {
            return Err(Error::TooMany { limit: MAX_ENTRIES });
        }
    }
    let ends = sessions.iter().filter_map(|session| ends.get(session));
    chosen.extend(ends.flatten());
    Ok(chosen)
}
