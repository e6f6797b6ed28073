//! Changing the key of a log: the next one signs beside it for a while, then alone.
//!
//! Who wants a new key leaves a request in the directory ([`request`]); the process
//! that writes takes it up within a second, or the next one on opening. Order of
//! safety, each durable before the next:
//!
//! 1. the secret of the next key, in `signing.key` beside the old one;
//! 2. an entry `log.key`, under checkpoints that the old key signs;
//! 3. the next key in `id.json`: from here on both sign;
//! 4. the request is removed.
//!
//! Stopped anywhere, it begins again with the same secret. When the time of the old key
//! is over it stops to sign, on the record, and its secret is removed; its verifier key
//! stays in `id.json`, for what it signed.

use std::path::{Path, PathBuf};

use ledger::Event;
use ledger::event::{KeyState, LogKey};
use ledger::note::Signer;
use serde::{Deserialize, Serialize};

use crate::committer::Committer;
use crate::disk::{Disk, RealDisk};
use crate::files::{Identity, KeyPeriod};
use crate::log::Log;
use crate::{Error, files};

/// Most keys that sign at one time.
const MAX_SIGNING: usize = 8;

/// Somebody wants another key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The key in force when it was asked for: a request is taken up once.
    after: String,
    /// For how long both sign, milliseconds.
    overlap_ms: u64,
}

fn path(dir: &Path) -> PathBuf {
    dir.join("rotate.json")
}

/// Asks for another key of the log in `dir`. The old one signs beside it for
/// `overlap_ms`, so that auditors can learn of the new one.
///
/// # Errors
/// [`Error::Missing`] if there is no ledger; [`Error::TooManyKeys`]; [`Error::Io`].
pub fn request(dir: &Path, overlap_ms: u64) -> Result<(), Error> {
    let disk = &RealDisk;
    let Some(identity) = Identity::read(disk, dir)? else {
        return Err(Error::Missing {
            path: files::id(dir),
        });
    };
    let signing = identity
        .keys()
        .iter()
        .filter(|key| key.to.is_none())
        .count();
    if signing >= MAX_SIGNING {
        return Err(Error::TooManyKeys { signing });
    }
    let request = Request {
        after: identity.verifier(dir)?.to_string(),
        overlap_ms,
    };
    let text = serde_json::to_string(&request).map_err(|_| Error::Damaged {
        path: path(dir),
        offset: 0,
        reason: "it cannot be made",
    })?;
    files::write(disk, dir, &path(dir), format!("{text}\n").as_bytes())
}

fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Request>, Error> {
    let Some(bytes) = files::read(disk, &path(dir))? else {
        return Ok(None);
    };
    let request = serde_json::from_slice(&bytes).map_err(|_| Error::Damaged {
        path: path(dir),
        offset: 0,
        reason: "it is not a request for a key",
    })?;
    Ok(Some(request))
}

/// The secrets of the keys that sign, the newest first. A key in `id.json` that should
/// sign and has none, or the wrong one, is a damage.
pub(crate) fn signers(
    disk: &dyn Disk,
    dir: &Path,
    identity: &Identity,
) -> Result<Vec<Signer>, Error> {
    let path = files::signing_key(dir);
    let mut secrets = files::read_signers(disk, dir)?;
    if secrets.is_empty() {
        return Err(Error::Missing { path });
    }
    let mut signers = Vec::new();
    for (key, _) in identity
        .verifiers(dir)?
        .iter()
        .rev()
        .filter(|(_, to)| to.is_none())
    {
        let place = secrets.iter().position(|one| one.verifier() == key);
        let place = place.ok_or_else(|| Error::Damaged {
            path: path.clone(),
            offset: 0,
            reason: "it is not the key of this log",
        })?;
        signers.push(secrets.swap_remove(place));
    }
    Ok(signers)
}

impl Committer {
    /// Looks for a request, and for keys whose time is over. What fails is tried again
    /// at the next look.
    pub(crate) fn rotate(&mut self) {
        let now_ms = self.log.now_ns() / 1_000_000;
        if let Err(error) = self.take_up(now_ms).and_then(|()| self.retire(now_ms)) {
            *self.log.rotation_fault() = Some(error.to_string());
        } else {
            *self.log.rotation_fault() = None;
        }
    }

    fn take_up(&mut self, now_ms: u64) -> Result<(), Error> {
        let log = std::sync::Arc::clone(&self.log);
        let (disk, dir) = (&*log.disk, log.dir.as_path());
        let Some(request) = read(disk, dir)? else {
            return Ok(());
        };
        let mut identity = identity(&log)?;
        if identity.verifier(dir)?.to_string() != request.after {
            return files::remove_if_there(disk, &path(dir));
        }
        // A secret that id.json does not know is of an attempt that was cut short.
        let known = identity.verifiers(dir)?;
        let mut secrets = files::read_signers(disk, dir)?;
        secrets.retain(|one| !known.iter().any(|(key, _)| key == one.verifier()));
        let fresh = match secrets.pop() {
            Some(secret) => secret,
            None => {
                let fresh = files::make_signer(&log.options.origin)?;
                let signers = log.signers();
                let mut all: Vec<&Signer> = vec![&fresh];
                all.extend(signers.iter());
                files::write_signers(disk, dir, &all)?;
                fresh
            }
        };
        let vkey = fresh.verifier().to_string();
        let until_ms = now_ms.saturating_add(request.overlap_ms);
        log.append(&Event::from(LogKey {
            state: KeyState::Added,
            vkey: vkey.clone(),
            previous: Some(request.after),
            until_ms: Some(until_ms),
        }))?;
        self.commit();
        let mut keys = identity.keys();
        for key in keys.iter_mut().filter(|key| key.to.is_none()) {
            key.until_ms = Some(key.until_ms.unwrap_or(u64::MAX).min(until_ms));
        }
        keys.push(KeyPeriod {
            vkey,
            from: self.frontier.size(),
            until_ms: None,
            to: None,
        });
        identity.keys = keys;
        identity.write(disk, dir)?;
        log.signers().insert(0, fresh);
        files::remove_if_there(disk, &path(dir))
    }

    /// Lets keys stop to sign whose time is over.
    fn retire(&mut self, now_ms: u64) -> Result<(), Error> {
        let log = std::sync::Arc::clone(&self.log);
        if log.signers().len() < 2 {
            return Ok(());
        }
        let mut identity = identity(&log)?;
        let mut keys = identity.keys();
        let over = |key: &&mut KeyPeriod| {
            key.to.is_none() && key.until_ms.is_some_and(|until_ms| until_ms <= now_ms)
        };
        let mut retired = Vec::new();
        for key in keys.iter_mut().filter(over) {
            log.append(&Event::from(LogKey {
                state: KeyState::Retired,
                vkey: key.vkey.clone(),
                previous: None,
                until_ms: key.until_ms,
            }))?;
            key.to = Some(log.signed.load(std::sync::atomic::Ordering::Acquire));
            retired.push(key.vkey.clone());
        }
        if retired.is_empty() {
            return Ok(());
        }
        identity.keys = keys;
        identity.write(&*log.disk, &log.dir)?;
        let mut signers = log.signers();
        signers.retain(|signer| !retired.contains(&signer.verifier().to_string()));
        let left: Vec<&Signer> = signers.iter().collect();
        files::write_signers(&*log.disk, &log.dir, &left)
    }
}

fn identity(log: &Log) -> Result<Identity, Error> {
    let read = Identity::read(&*log.disk, &log.dir)?;
    read.ok_or_else(|| Error::Missing {
        path: files::id(&log.dir),
    })
}
