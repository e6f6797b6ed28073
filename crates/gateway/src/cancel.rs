//! CancelRequest under our own keys: found in constant time, rate-limited,
//! recorded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::relay::Control;

/// Cancel requests one address may send in a burst, and per second.
const BURST: f64 = 20.0;
const PER_SECOND: f64 = 5.0;
/// Addresses remembered; beyond it the list starts afresh.
const ADDRESSES: usize = 10_000;

/// Sessions by the process id given to their client.
#[derive(Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<i32, Registered>>,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

pub(crate) struct Registered {
    pub secret: Box<[u8]>,
    pub control: Arc<Control>,
}

impl Registry {
    /// Registers a session under a fresh process id.
    pub(crate) fn add(
        &self,
        secret: Box<[u8]>,
        control: Arc<Control>,
    ) -> Result<i32, getrandom::Error> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let id = i32::from_be_bytes(crate::random::bytes()?) & 0x3fff_ffff;
            if id > 0 && !sessions.contains_key(&id) {
                sessions.insert(id, Registered { secret, control });
                return Ok(id);
            }
        }
    }

    /// Forgets a session.
    pub(crate) fn remove(&self, process_id: i32) {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&process_id);
    }

    /// The session a request names, if its secret is right and `from` has not
    /// asked too often.
    pub(crate) fn find(
        &self,
        process_id: i32,
        secret: &[u8],
        from: IpAddr,
        now: Instant,
    ) -> Option<Arc<Control>> {
        if !self.admits(from, now) {
            return None;
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let registered = sessions.get(&process_id)?;
        same(&registered.secret, secret).then(|| Arc::clone(&registered.control))
    }

    fn admits(&self, from: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES {
            buckets.clear();
        }
        let (tokens, seen) = buckets.entry(from).or_insert((BURST, now));
        *tokens =
            (*tokens + now.saturating_duration_since(*seen).as_secs_f64() * PER_SECOND).min(BURST);
        *seen = now;
        if *tokens < 1.0 {
            return false;
        }
        *tokens -= 1.0;
        true
    }

    /// Every live session.
    pub(crate) fn all(&self) -> Vec<Arc<Control>> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.values().map(|r| Arc::clone(&r.control)).collect()
    }

    /// Live sessions.
    pub(crate) fn len(&self) -> usize {
        self.sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// Compares without telling by time where two secrets differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}
