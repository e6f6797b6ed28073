//! The two allow-lists: which of the server's own functions and relations a statement may use.
//!
//! `functions.txt` and `relations.txt` are data, derived and reviewed (their heads say how) from
//! PostgreSQL 15, 16 and 18. What they do not name is not allowed; a server that has more than they name loses nothing but that.

use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};

/// What running a listed function may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Depends on its arguments alone.
    Immutable,
    /// Reads the catalog, settings or the clock of the transaction; changes nothing.
    Stable,
    /// Answers differ from call to call; changes nothing.
    Volatile,
    /// Changes the state of its own session (advisory locks, random seed, sleep).
    Session,
    /// Writes, or reaches other sessions (`nextval`, `setval`, `pg_notify`).
    Effect,
    /// Reads or writes settings (`set_config`): its arguments decide what it does.
    Settings,
}

impl Class {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "immutable" => Self::Immutable,
            "stable" => Self::Stable,
            "volatile" => Self::Volatile,
            "session" => Self::Session,
            "effect" => Self::Effect,
            "settings" => Self::Settings,
            _ => return None,
        })
    }
}

/// A system relation that may be read, and what of it may not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SystemRelation {
    excluded: HashSet<&'static str>,
}

impl SystemRelation {
    /// The column may be read. A whole-row reference counts as every column.
    pub fn allows(&self, column: &str) -> bool {
        !self.excluded.contains(column)
    }

    /// Every column may be read.
    pub fn is_whole(&self) -> bool {
        self.excluded.is_empty()
    }

    /// The columns that may not be read, in no particular order.
    pub fn excluded(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.excluded.iter().copied()
    }
}

type Names<T> = HashMap<&'static str, HashMap<&'static str, T>>;

static FUNCTIONS: LazyLock<Names<Class>> =
    LazyLock::new(|| functions(include_str!("functions.txt")));
static RELATIONS: LazyLock<Names<SystemRelation>> =
    LazyLock::new(|| relations(include_str!("relations.txt")));

/// The class of a function that came with the server; `None` when it is not allowed.
///
/// Meaningful only when no user-defined function of that name can be meant.
pub fn function(schema: &str, name: &str) -> Option<Class> {
    FUNCTIONS.get(schema)?.get(name).copied()
}

/// What may be read of a relation in `pg_catalog` or `information_schema`; `None` when nothing may.
pub fn relation(schema: &str, name: &str) -> Option<&'static SystemRelation> {
    RELATIONS.get(schema)?.get(name)
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .map(|line| line.split_once('#').map_or(line, |(data, _)| data).trim())
        .filter(|line| !line.is_empty())
}

/// A name without a schema stands in `pg_catalog`.
fn qualified(name: &'static str) -> (&'static str, &'static str) {
    name.split_once('.').unwrap_or(("pg_catalog", name))
}

fn functions(text: &'static str) -> Names<Class> {
    let mut names = Names::default();
    for line in lines(text) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(class)) = (words.next(), words.next().and_then(Class::from_word))
        else {
            continue;
        };
        let (schema, name) = qualified(name);
        names
            .entry(schema)
            .or_insert_with(HashMap::default)
            .insert(name, class);
    }
    names
}

fn relations(text: &'static str) -> Names<SystemRelation> {
    let mut names = Names::default();
    for line in lines(text) {
        let mut words = line.split_whitespace();
        let Some((schema, name)) = words.next().map(qualified) else {
            continue;
        };
        let relation = SystemRelation {
            excluded: words.filter_map(|word| word.strip_prefix('-')).collect(),
        };
        names
            .entry(schema)
            .or_insert_with(HashMap::default)
            .insert(name, relation);
    }
    names
}

#[cfg(test)]
mod tests;
