//! Verdicts kept for texts seen before.
//!
//! A key holds everything a verdict depends on (DESIGN §6, *cache keys*); a
//! value is never served under another world epoch.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, PoisonError};

use statement::{Kind, Statement};

use crate::verdict::Verdict;

/// Entries kept; beyond it the cache starts afresh.
const ENTRIES: usize = 2048;
/// Longer texts are judged each time, bytes.
const TEXT_LIMIT_BYTES: usize = 8 * 1024;

/// What of a text a verdict depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wording<'a> {
    /// The query string, as sent.
    Text(&'a str),
    /// Its pattern ([`statement::pattern`]): no value of a plain constant was looked at.
    Pattern(&'a str),
}

/// What a verdict depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key<'a> {
    /// The query string or its pattern.
    pub wording: Wording<'a>,
    /// Declared parameter types.
    pub types: &'a [u32],
    /// Hash of effective settings and declared context.
    pub settings: u64,
    /// Hash of principal, target and session facts policy may look at.
    pub who: u64,
    /// The world's epoch.
    pub epoch: u64,
}

impl<'a> Wording<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Text(text) | Self::Pattern(text) => text,
        }
    }

    fn is_pattern(self) -> bool {
        matches!(self, Self::Pattern(_))
    }
}

#[derive(Debug)]
struct Kept {
    text: Box<str>,
    is_pattern: bool,
    types: Box<[u32]>,
    settings: u64,
    who: u64,
    epoch: u64,
    verdict: Arc<Verdict>,
}

impl Kept {
    fn is_for(&self, key: &Key<'_>) -> bool {
        key.wording.text() == &*self.text
            && key.wording.is_pattern() == self.is_pattern
            && *self.types == *key.types
            && self.settings == key.settings
            && self.who == key.who
            && self.epoch == key.epoch
    }
}

/// A verdict that holds for every statement that differs in literals only.
#[derive(Debug)]
struct Alike {
    settings: u64,
    who: u64,
    epoch: u64,
    verdict: Arc<Verdict>,
}

/// A bounded map from [`Key`] to verdict, shared by the sessions of a worker.
#[derive(Debug, Default)]
pub struct Cache {
    map: Mutex<HashMap<u64, Kept, foldhash::fast::RandomState>>,
    alike: Mutex<HashMap<u64, Alike, foldhash::fast::RandomState>>,
}

impl Cache {
    /// The verdict for `key`, unless it expired.
    #[must_use]
    pub fn find(&self, key: &Key<'_>, unix_ms: u64) -> Option<Arc<Verdict>> {
        let map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = map.get(&digest(key))?;
        let live = kept.verdict.expires_ms.is_none_or(|end| unix_ms < end);
        (live && kept.is_for(key)).then(|| Arc::clone(&kept.verdict))
    }

    /// The verdict on a statement that means the same as `statement`: equal in
    /// all that analysis found, so that only literals policy cannot see differ.
    #[must_use]
    pub(crate) fn find_alike(
        &self,
        key: &Key<'_>,
        statement: &Statement,
        unix_ms: u64,
    ) -> Option<Arc<Verdict>> {
        let alike = self.alike.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = alike.get(&digest((&statement.shape, key.types)))?;
        let same = kept.settings == key.settings && kept.who == key.who && kept.epoch == key.epoch;
        let live = kept.verdict.expires_ms.is_none_or(|end| unix_ms < end);
        let judged = kept.verdict.judged.first()?;
        (same && live && means_the_same(&judged.statement, statement))
            .then(|| Arc::clone(&kept.verdict))
    }

    /// Keeps the verdict on one plain statement for those alike.
    pub(crate) fn keep_alike(&self, key: &Key<'_>, verdict: &Arc<Verdict>) {
        let [judged] = verdict.judged.as_slice() else {
            return;
        };
        if !is_plain(&judged.statement) || judged.statement.shape.len() > TEXT_LIMIT_BYTES {
            return;
        }
        let kept = Alike {
            settings: key.settings,
            who: key.who,
            epoch: key.epoch,
            verdict: Arc::clone(verdict),
        };
        let mut alike = self.alike.lock().unwrap_or_else(PoisonError::into_inner);
        if alike.len() >= ENTRIES {
            alike.clear();
        }
        alike.insert(digest((&judged.statement.shape, key.types)), kept);
    }

    /// Keeps a verdict; of two texts with one digest the later stays.
    pub fn keep(&self, key: &Key<'_>, verdict: &Arc<Verdict>) {
        if key.wording.text().len() > TEXT_LIMIT_BYTES {
            return;
        }
        let kept = Kept {
            text: key.wording.text().into(),
            is_pattern: key.wording.is_pattern(),
            types: key.types.into(),
            settings: key.settings,
            who: key.who,
            epoch: key.epoch,
            verdict: Arc::clone(verdict),
        };
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        if map.len() >= ENTRIES {
            map.clear();
        }
        map.insert(digest(key), kept);
    }
}

/// Statements whose kind holds no literal, and no context of their own.
pub(crate) fn is_plain(statement: &Statement) -> bool {
    let kind = matches!(
        statement.kind,
        Kind::Select | Kind::Insert | Kind::Update | Kind::Delete
    );
    kind && statement.comment.is_none() && statement.settings.is_empty()
}

/// Whether analysis found the same in both, but for where they stand in a text.
fn means_the_same(a: &Statement, b: &Statement) -> bool {
    is_plain(a)
        && is_plain(b)
        && a.kind == b.kind
        && a.shape == b.shape
        && a.command == b.command
        && a.accesses == b.accesses
        && a.columns == b.columns
        && a.outputs == b.outputs
        && a.outputs_complete == b.outputs_complete
        && a.functions == b.functions
        && a.has_where == b.has_where
        && a.effect == b.effect
        && a.order == b.order
        && a.opaque == b.opaque
        && a.fingerprint == b.fingerprint
}

/// A 64-bit digest for cache keys (not for evidence), seeded per process.
pub(crate) fn digest(value: impl Hash) -> u64 {
    static STATE: std::sync::OnceLock<foldhash::quality::RandomState> = std::sync::OnceLock::new();
    STATE
        .get_or_init(foldhash::quality::RandomState::default)
        .hash_one(value)
}
