//! CancelRequest under our own keys: found in constant time, rate-limited,
//! recorded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::relay::Control;

/// Wrong cancel requests one address may send in a burst, and per second.
const BURST: f64 = 20.0;
const PER_SECOND: f64 = 5.0;
/// Addresses remembered; beyond it the list starts afresh.
const ADDRESSES: usize = 10_000;

/// Sessions by the process id given to their client.
#[derive(Default)]
pub(crate) struct Registry {
    /// Several servers may have given the same process id.
    sessions: Mutex<HashMap<i32, Vec<Registered>>>,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

pub(crate) struct Registered {
    pub secret: Box<[u8]>,
    pub control: Arc<Control>,
}

impl Registry {
    /// Registers a session under the process id its server gave it, which is what `pg_backend_pid()`, notifications
    /// and `pg_stat_activity` tell, too.
    pub(crate) fn add(&self, process_id: i32, secret: Box<[u8]>, control: Arc<Control>) {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(process_id)
            .or_default()
            .push(Registered { secret, control });
    }

    /// Forgets a session.
    pub(crate) fn remove(&self, process_id: i32, control: &Arc<Control>) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = sessions.get_mut(&process_id) {
            same.retain(|registered| !Arc::ptr_eq(&registered.control, control));
            if same.is_empty() {
                sessions.remove(&process_id);
            }
        }
    }

    /// The session a request names, if its secret is right and `from` has not guessed too often. Whoever knows the
    /// secret may cancel as often as it likes.
    pub(crate) fn find(
        &self,
        process_id: i32,
        secret: &[u8],
        from: IpAddr,
        now: Instant,
    ) -> Option<Arc<Control>> {
        if self.guesses_left(from, now) < 1.0 {
            return None;
        }
        let found = self.named(process_id, secret);
        if found.is_none() {
            self.guessed(from);
        }
        found
    }

    fn named(&self, process_id: i32, secret: &[u8]) -> Option<Arc<Control>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = sessions.get(&process_id)?.iter();
        found
            .find(|registered| same(&registered.secret, secret))
            .map(|registered| Arc::clone(&registered.control))
    }

    fn guesses_left(&self, from: IpAddr, now: Instant) -> f64 {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES {
            buckets.clear();
        }
        let (tokens, seen) = buckets.entry(from).or_insert((BURST, now));
        *tokens =
            (*tokens + now.saturating_duration_since(*seen).as_secs_f64() * PER_SECOND).min(BURST);
        *seen = now;
        *tokens
    }

    fn guessed(&self, from: IpAddr) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((tokens, _)) = buckets.get_mut(&from) {
            *tokens -= 1.0;
        }
    }

    /// Every live session.
    pub(crate) fn all(&self) -> Vec<Arc<Control>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let all = sessions.values().flatten();
        all.map(|registered| Arc::clone(&registered.control))
            .collect()
    }

    /// Live sessions.
    pub(crate) fn len(&self) -> usize {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .map(Vec::len)
            .sum()
    }
}

/// Compares without telling by time where two secrets differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
