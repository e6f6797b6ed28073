//! The small files of a ledger directory: identity, signing key, checkpoint.

use std::io;
use std::path::{Path, PathBuf};

use ledger::note::{Signer, VerifierKey};
use ledger::trust::{Policy, Trusted};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::disk::{Disk, Mode};
use crate::{Error, random};

/// Most bytes of a small file.
const MAX_BYTES: usize = 1 << 20;

/// Paths of the small files.
pub(crate) fn id(dir: &Path) -> PathBuf {
    dir.join("id.json")
}
pub(crate) fn signing_key(dir: &Path) -> PathBuf {
    dir.join("signing.key")
}
pub(crate) fn subject_keys(dir: &Path) -> PathBuf {
    dir.join("subject.keys")
}
pub(crate) fn checkpoint(dir: &Path) -> PathBuf {
    dir.join("checkpoint")
}
pub(crate) fn holds(dir: &Path) -> PathBuf {
    dir.join("holds.json")
}
pub(crate) fn lock(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// Content of `id.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    /// Form of the directory: 1.
    pub(crate) v: u64,
    /// The log's name.
    pub(crate) origin: String,
    /// Its first verifier key, which names the log for ever.
    pub(crate) vkey: String,
    /// All its keys, oldest first, once there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) keys: Vec<KeyPeriod>,
}

/// A key of a log, and when it signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPeriod {
    /// The verifier key.
    pub vkey: String,
    /// Entries that were signed when it began.
    pub from: u64,
    /// When it stops to sign, milliseconds since 1970 UTC; `None` for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Entries that were signed when it stopped. It vouches for none above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

impl Identity {
    /// Binds segments and key table to this log.
    pub(crate) fn log_id(&self) -> [u8; 16] {
        let digest: [u8; 32] = Sha256::digest(self.vkey.as_bytes()).into();
        digest.first_chunk().copied().unwrap_or_default()
    }

    /// All keys, oldest first.
    pub(crate) fn keys(&self) -> Vec<KeyPeriod> {
        if self.keys.is_empty() {
            return vec![KeyPeriod {
                vkey: self.vkey.clone(),
                from: 0,
                until_ms: None,
                to: None,
            }];
        }
        self.keys.clone()
    }

    /// The verifier keys, oldest first, and until which size each vouches.
    pub(crate) fn verifiers(&self, dir: &Path) -> Result<Vec<(VerifierKey, Option<u64>)>, Error> {
        let mut out = Vec::new();
        let keys = self.keys();
        if keys.first().is_none_or(|first| first.vkey != self.vkey) {
            return Err(damaged(dir, "its first key is not that of the log"));
        }
        for one in keys {
            let key = VerifierKey::parse(&one.vkey).map_err(Error::content(&id(dir)))?;
            if key.name() != self.origin {
                return Err(damaged(dir, "origin and verifier key differ"));
            }
            out.push((key, one.to));
        }
        Ok(out)
    }

    /// The key in force.
    pub(crate) fn verifier(&self, dir: &Path) -> Result<VerifierKey, Error> {
        let newest = self.verifiers(dir)?.pop();
        let (key, _) = newest.ok_or_else(|| damaged(dir, "it names no key"))?;
        Ok(key)
    }

    /// Believes what any of the keys signed.
    pub(crate) fn trust(&self, dir: &Path) -> Result<Policy, Error> {
        Ok(self.verifiers(dir)?.iter().map(|(key, _)| key).collect())
    }

    /// Writes `id.json`.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let path = id(dir);
        match serde_json::to_string_pretty(self) {
            Ok(text) => write(disk, dir, &path, format!("{text}\n").as_bytes()),
            Err(_) => Err(Error::Damaged {
                path,
                offset: 0,
                reason: "it cannot be made",
            }),
        }
    }

    /// Reads `id.json`; `None` if there is none.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Option<Identity>, Error> {
        let path = id(dir);
        let Some(bytes) = read(disk, &path)? else {
            return Ok(None);
        };
        let malformed = Error::Damaged {
            path,
            offset: 0,
            reason: "it is not a ledger's identity",
        };
        match serde_json::from_slice::<Identity>(&bytes) {
            Ok(identity) if identity.v == 1 => Ok(Some(identity)),
            Ok(_) | Err(_) => Err(malformed),
        }
    }
}

fn damaged(dir: &Path, reason: &'static str) -> Error {
    Error::Damaged {
        path: id(dir),
        offset: 0,
        reason,
    }
}

/// The signing keys of the log, one a line; empty if there is no such file.
pub(crate) fn read_signers(disk: &dyn Disk, dir: &Path) -> Result<Vec<Signer>, Error> {
    let path = signing_key(dir);
    let Some(text) = read(disk, &path)?.map(Zeroizing::new) else {
        return Ok(Vec::new());
    };
    let text = std::str::from_utf8(&text).unwrap_or_default();
    let signers = text.lines().map(Signer::parse);
    signers
        .collect::<Result<_, _>>()
        .map_err(Error::content(&path))
}

/// Replaces the signing keys.
pub(crate) fn write_signers(disk: &dyn Disk, dir: &Path, signers: &[&Signer]) -> Result<(), Error> {
    let mut text = Zeroizing::new(String::with_capacity(256 * signers.len()));
    for signer in signers {
        text.push_str(&Zeroizing::new(signer.secret_text()));
        text.push('\n');
    }
    write(disk, dir, &signing_key(dir), text.as_bytes())
}

/// Makes a key for a log.
pub(crate) fn make_signer(origin: &str) -> Result<Signer, Error> {
    let seed = Zeroizing::new(random::array::<32>()?);
    Ok(Signer::new(origin, &seed)?)
}

/// The last signed checkpoint, checked; and its text.
pub(crate) fn read_checkpoint(
    disk: &dyn Disk,
    dir: &Path,
    trust: &Policy,
) -> Result<(Trusted, String), Error> {
    let path = checkpoint(dir);
    let Some(bytes) = read(disk, &path)? else {
        return Err(Error::Missing { path });
    };
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Error::Damaged {
            path,
            offset: 0,
            reason: "it is not text",
        });
    };
    let trusted = trust.open(&text).map_err(Error::content(&path))?;
    Ok((trusted, text))
}

/// Checks that a key which still signs vouches for the checkpoint.
pub(crate) fn check_retired(
    trusted: &Trusted,
    keys: &[(VerifierKey, Option<u64>)],
) -> Result<(), ledger::Error> {
    let size = trusted.checkpoint.size;
    let to = |signer: &VerifierKey| {
        let known = keys.iter().find(|(key, _)| key == signer);
        known.map_or(Some(0), |(_, to)| *to)
    };
    let ends: Option<Vec<u64>> = trusted.signed_by.iter().map(to).collect();
    match ends.and_then(|ends| ends.into_iter().max()) {
        Some(retired) if retired < size => Err(ledger::Error::RetiredKey { size, retired }),
        Some(_) | None => Ok(()),
    }
}

/// A whole small file; `None` if it is not there.
pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match disk.open(path, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("open", path)(error)),
    };
    let length = file.length().map_err(Error::io("read", path))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length.min(MAX_BYTES)];
    let count = file
        .read_at(0, &mut bytes)
        .map_err(Error::io("read", path))?;
    bytes.truncate(count);
    Ok(Some(bytes))
}

/// Replaces a small file in one step: after power loss it is the old one or the new one.
pub(crate) fn write(disk: &dyn Disk, dir: &Path, path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let temporary = path.with_extension("tmp");
    remove_if_there(disk, &temporary)?;
    let file = disk
        .open(&temporary, Mode::Create)
        .map_err(Error::io("create", &temporary))?;
    let written = file
        .write_at(0, bytes)
        .map_err(Error::io("write", &temporary))
        .and_then(|()| file.sync().map_err(Error::io("sync", &temporary)))
        .and_then(|()| {
            disk.rename(&temporary, path)
                .map_err(Error::io("rename", &temporary))
        });
    if written.is_err() {
        // Half a copy of what may be erased later takes up what room there is.
        let _ = disk.remove(&temporary);
    }
    written?;
    disk.sync_dir(dir).map_err(Error::io("sync", dir))
}

/// Removes a file unless it is gone already.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
