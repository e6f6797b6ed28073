//! The database floor: a login role that cannot read labelled columns, so that the database itself withholds them
//! from masked principals, whatever they send (DESIGN §5).

use std::sync::Arc;

/// The floor of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// The role masked sessions log in as.
    pub role: Arc<str>,
    /// Rights it has and must not have, at the last look. While there is one, masked sessions are refused.
    pub drift: Arc<[Drift]>,
}

/// A right of the floor's role that lets raw values through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What kind of right, as one word: `column`, `membership`, `definer`, ….
    pub kind: String,
    /// What it is a right on, named as SQL writes it.
    pub object: String,
    /// One clause without values: `may SELECT public.customers.email`.
    pub what: String,
    /// Statements that take it back, in order. One that starts with `--` is for a person.
    pub repair: Vec<String>,
}

impl Floor {
    /// Whether masked sessions may rely on it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.drift.is_empty()
    }
}
