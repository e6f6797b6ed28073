//! The small files of a ledger directory: identity, signing key, checkpoint.

use std::io;
use std::path::{Path, PathBuf};

use ledger::checkpoint::Checkpoint;
use ledger::note::{Signer, VerifierKey};
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
    /// Its verifier key.
    pub(crate) vkey: String,
}

impl Identity {
    /// Binds segments and key table to this log.
    pub(crate) fn log_id(&self) -> [u8; 16] {
        let digest: [u8; 32] = Sha256::digest(self.vkey.as_bytes()).into();
        digest.first_chunk().copied().unwrap_or_default()
    }

    pub(crate) fn verifier(&self, dir: &Path) -> Result<VerifierKey, Error> {
        let key = VerifierKey::parse(&self.vkey).map_err(Error::content(&id(dir)))?;
        if key.name() == self.origin {
            return Ok(key);
        }
        Err(Error::Damaged {
            path: id(dir),
            offset: 0,
            reason: "origin and verifier key differ",
        })
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

/// The signing key of the log; `None` if there is none.
pub(crate) fn read_signer(disk: &dyn Disk, dir: &Path) -> Result<Option<Signer>, Error> {
    let path = signing_key(dir);
    let Some(text) = read(disk, &path)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&text).unwrap_or_default();
    Signer::parse(text).map(Some).map_err(Error::content(&path))
}

/// Makes the signing key of a fresh log.
pub(crate) fn make_signer(disk: &dyn Disk, dir: &Path, origin: &str) -> Result<Signer, Error> {
    let seed = Zeroizing::new(random::array::<32>()?);
    let signer = Signer::new(origin, &seed)?;
    let text = Zeroizing::new(format!("{}\n", signer.secret_text()));
    write(disk, dir, &signing_key(dir), text.as_bytes())?;
    Ok(signer)
}

/// The last signed checkpoint, checked; and its text.
pub(crate) fn read_checkpoint(
    disk: &dyn Disk,
    dir: &Path,
    key: &VerifierKey,
) -> Result<(Checkpoint, String), Error> {
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
    let checkpoint = Checkpoint::open(&text, key).map_err(Error::content(&path))?;
    Ok((checkpoint, text))
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
    file.write_at(0, bytes)
        .map_err(Error::io("write", &temporary))?;
    file.sync().map_err(Error::io("sync", &temporary))?;
    disk.rename(&temporary, path)
        .map_err(Error::io("rename", &temporary))?;
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
