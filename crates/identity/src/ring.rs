//! All access keys of a gateway: creating, revoking, finding, and the file they live in.
//!
//! All keys of one principal share salt and iterations, so that one SCRAM exchange can try each of
//! them; all principals share the iterations, and a principal's salt is the HMAC of its name, so
//! that a name without keys is answered exactly as one with keys, for ever.

mod file;

use crate::error::Error;
use crate::hash::hmac_sha256;
use crate::key::{
    AccessKey, KEY_RANDOM_BYTES, KeyId, Standing, check_key_secret, key_id, key_secret,
};
use crate::principal::check_principal_id;
use crate::scram::Failure;
use crate::secret::Secret;
use crate::verifier::{DEFAULT_ITERATIONS, SALT_BYTES, Verifier};
use std::collections::BTreeMap;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Most keys in one ring.
pub const MAX_KEYS: usize = 100_000;
/// Most active keys of one principal.
pub const MAX_ACTIVE_KEYS: usize = 8;
/// Keys tried in one login: the active ones, then the youngest dead ones (whose owner is told that
/// the key is dead). Every login tries this many, so time does not tell how many there are.
pub const MAX_TRIED_KEYS: usize = 16;

/// The access keys by principal. Cloning one to change it and swapping it in keeps readers lock-free.
#[derive(Clone)]
pub struct KeyRing {
    salt_secret: Secret<[u8; 32]>,
    iterations: u32,
    /// Never holds an empty list; each list is in order of creation.
    keys: BTreeMap<String, Vec<AccessKey>>,
}

impl KeyRing {
    /// An empty ring. `salt_secret` is 32 random bytes that are kept with the ring for its life:
    /// every salt comes from it.
    pub fn new(salt_secret: Secret<[u8; 32]>) -> Self {
        Self {
            salt_secret,
            iterations: DEFAULT_ITERATIONS,
            keys: BTreeMap::new(),
        }
    }

    /// Makes a key for `principal` from fresh random bytes. The second value is the text to show
    /// once; only the verifier stays.
    pub fn create(
        &mut self,
        principal: &str,
        random: &Secret<[u8; KEY_RANDOM_BYTES]>,
        now_ms: u64,
        expires_ms: Option<u64>,
    ) -> Result<(AccessKey, Secret<String>), Error> {
        check_principal_id(principal)?;
        if expires_ms.is_some_and(|expires| expires <= now_ms) {
            return Err(Error::ExpiresBeforeCreation);
        }
        if self.keys().count() >= MAX_KEYS {
            return Err(Error::TooManyKeys {
                what: "keys of this gateway",
                limit: MAX_KEYS,
            });
        }
        if self.active(principal, now_ms).count() >= MAX_ACTIVE_KEYS {
            return Err(Error::TooManyKeys {
                what: "active keys of one principal",
                limit: MAX_ACTIVE_KEYS,
            });
        }
        let id = key_id(random.expose());
        if self.key(id.as_str()).is_some() {
            return Err(Error::DuplicateKey(id));
        }
        let secret = key_secret(random.expose());
        let verifier = Verifier::derive(secret.expose(), &self.salt(principal), self.iterations);
        let key = AccessKey {
            id,
            principal: principal.to_owned(),
            verifier,
            created_ms: now_ms,
            expires_ms,
            revoked_ms: None,
        };
        self.keys
            .entry(principal.to_owned())
            .or_default()
            .push(key.clone());
        Ok((key, secret))
    }

    /// Revokes a key, at once and for good; the first time stands when it is repeated. Sessions
    /// that it opened are the caller's to end.
    pub fn revoke(&mut self, id: &str, now_ms: u64) -> Result<&AccessKey, Error> {
        let key = self
            .keys
            .values_mut()
            .flatten()
            .find(|key| key.id.as_str() == id)
            .ok_or_else(|| Error::UnknownKey(id.to_owned()))?;
        key.revoked_ms.get_or_insert(now_ms);
        Ok(key)
    }

    /// Every key, by principal, then in order of creation.
    pub fn keys(&self) -> impl Iterator<Item = &AccessKey> {
        self.keys.values().flatten()
    }

    /// The key with this id.
    pub fn key(&self, id: &str) -> Option<&AccessKey> {
        self.keys().find(|key| key.id.as_str() == id)
    }

    /// The keys that open a session for `principal` at `now_ms`.
    pub fn active(&self, principal: &str, now_ms: u64) -> impl Iterator<Item = &AccessKey> {
        self.of(principal)
            .iter()
            .filter(move |key| key.standing(now_ms) == Standing::Active)
    }

    /// What to challenge somebody with who claims to be `principal`. There is always a challenge:
    /// a name without keys gets a stable salt and a login that fails like a wrong key.
    pub fn challenge(&self, principal: &str, now_ms: u64) -> Challenge {
        let of = self.of(principal);
        let with = |wanted: fn(Standing) -> bool| {
            of.iter()
                .rev()
                .filter(move |key| wanted(key.standing(now_ms)))
        };
        let tried = with(|s| s == Standing::Active)
            .chain(with(|s| s != Standing::Active))
            .take(MAX_TRIED_KEYS)
            .map(|key| Candidate {
                id: key.id.clone(),
                standing: key.standing(now_ms),
                verifier: key.verifier.clone(),
            })
            .collect();
        let salt = self.salt(principal);
        let decoy = Verifier {
            salt: salt.clone(),
            iterations: self.iterations,
            stored_key: self.derived("decoy stored key", principal),
            server_key: self.derived("decoy server key", principal),
        };
        Challenge {
            salt,
            iterations: self.iterations,
            tried,
            decoy,
        }
    }

    fn of(&self, principal: &str) -> &[AccessKey] {
        self.keys.get(principal).map_or(&[], Vec::as_slice)
    }

    /// The salt of a principal's keys; what it would be, if there are none.
    fn salt(&self, principal: &str) -> Vec<u8> {
        match self.of(principal).first() {
            Some(key) => key.verifier.salt.clone(),
            None => self
                .derived("salt", principal)
                .into_iter()
                .take(SALT_BYTES)
                .collect(),
        }
    }

    fn derived(&self, what: &str, principal: &str) -> [u8; 32] {
        hmac_sha256(
            self.salt_secret.expose(),
            &[b"weir scram ", what.as_bytes(), b"\0", principal.as_bytes()],
        )
    }
}

/// A login about to be proved: salt, iterations and the verifiers it is checked against. It says
/// nothing about whether the principal exists.
#[derive(Clone)]
pub struct Challenge {
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
    tried: Vec<Candidate>,
    decoy: Verifier,
}

#[derive(Clone)]
struct Candidate {
    id: KeyId,
    standing: Standing,
    verifier: Verifier,
}

impl Challenge {
    /// The challenge for keys that are chosen by the caller: all of one principal, tried in order,
    /// at most [`MAX_TRIED_KEYS`]. Keys that do not share the first one's salt and iterations are
    /// left out. `None` without keys: only a ring can answer for a name it does not know.
    pub fn of(keys: &[&AccessKey], now_ms: u64) -> Option<Self> {
        let first = &keys.first()?.verifier;
        let same = |key: &&&AccessKey| {
            key.verifier.salt == first.salt && key.verifier.iterations == first.iterations
        };
        let tried = keys
            .iter()
            .filter(same)
            .take(MAX_TRIED_KEYS)
            .map(|key| Candidate {
                id: key.id.clone(),
                standing: key.standing(now_ms),
                verifier: key.verifier.clone(),
            });
        let mut decoy = first.clone();
        decoy.stored_key = [0; 32];
        decoy.server_key = [0; 32];
        Some(Self {
            salt: first.salt.clone(),
            iterations: first.iterations,
            tried: tried.collect(),
            decoy,
        })
    }

    /// Proves a secret that came in clear over TLS. One derivation serves all keys, whether there
    /// are any or not.
    pub fn cleartext(&self, secret: &str) -> Result<KeyId, Failure> {
        check_key_secret(secret).map_err(|fault| match fault {
            Error::KeyChecksum => Failure::KeyChecksum,
            _ => Failure::KeyForm,
        })?;
        let shown = Verifier::derive(secret, &self.salt, self.iterations);
        self.proved(|verifier| verifier.same_keys(&shown))
            .map(|(id, _)| id)
    }

    /// Finds the key that `proves`, in time that depends neither on which one it is nor on how many
    /// there are. A dead key that is proved is named: its owner holds it.
    pub(crate) fn proved(
        &self,
        proves: impl Fn(&Verifier) -> subtle::Choice,
    ) -> Result<(KeyId, &Verifier), Failure> {
        const NONE: u64 = u64::MAX;
        let mut found = NONE;
        for at in 0..MAX_TRIED_KEYS {
            let candidate = self.tried.get(at);
            let verifier = candidate.map_or(&self.decoy, |candidate| &candidate.verifier);
            let real = subtle::Choice::from(u8::from(candidate.is_some()));
            let hit = proves(verifier) & real & found.ct_eq(&NONE);
            found.conditional_assign(&(at as u64), hit);
        }
        let candidate = usize::try_from(found)
            .ok()
            .and_then(|at| self.tried.get(at))
            .ok_or(Failure::Proof)?;
        match candidate.standing {
            Standing::Active => Ok((candidate.id.clone(), &candidate.verifier)),
            Standing::Expired => Err(Failure::Expired(candidate.id.clone())),
            Standing::Revoked => Err(Failure::Revoked(candidate.id.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
