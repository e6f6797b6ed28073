//! Verdicts kept for texts seen before.
//!
//! A key holds everything a verdict depends on (DESIGN §6, *cache keys*); a
//! value is never served under another world epoch.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, PoisonError};

use crate::verdict::Verdict;

/// Entries kept; beyond it the cache starts afresh.
const ENTRIES: usize = 2048;
/// Longer texts are judged each time, bytes.
const TEXT_LIMIT_BYTES: usize = 8 * 1024;

/// What a verdict depends on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Key<'a> {
    /// The query string, as sent.
    pub text: &'a str,
    /// Declared parameter types.
    pub types: &'a [u32],
    /// Hash of effective settings and declared context.
    pub settings: u64,
    /// Hash of principal, target and session facts policy may look at.
    pub who: u64,
    /// The world's epoch.
    pub epoch: u64,
}

#[derive(Debug)]
struct Kept {
    text: Box<str>,
    types: Box<[u32]>,
    settings: u64,
    who: u64,
    epoch: u64,
    verdict: Arc<Verdict>,
}

impl Kept {
    fn is_for(&self, key: &Key<'_>) -> bool {
        *self.text == *key.text
            && *self.types == *key.types
            && self.settings == key.settings
            && self.who == key.who
            && self.epoch == key.epoch
    }
}

/// A bounded map from [`Key`] to verdict, shared by the sessions of a worker.
#[derive(Debug, Default)]
pub struct Cache {
    map: Mutex<HashMap<u64, Kept, foldhash::fast::RandomState>>,
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

    /// Keeps a verdict; of two texts with one digest the later stays.
    pub fn keep(&self, key: &Key<'_>, verdict: &Arc<Verdict>) {
        if key.text.len() > TEXT_LIMIT_BYTES {
            return;
        }
        let kept = Kept {
            text: key.text.into(),
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

/// A 64-bit digest for cache keys (not for evidence), seeded per process.
pub(crate) fn digest(value: impl Hash) -> u64 {
    static STATE: std::sync::OnceLock<foldhash::quality::RandomState> = std::sync::OnceLock::new();
    STATE
        .get_or_init(foldhash::quality::RandomState::default)
        .hash_one(value)
}
