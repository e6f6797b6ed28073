//! The key file: JSON, version 1. Unknown fields are refused, contradictions too. It holds
//! verifiers and the salt secret, so its text is a [`Secret`].

use super::{KeyRing, MAX_KEYS};
use crate::error::Error;
use crate::key::AccessKey;
use crate::principal::check_principal_id;
use crate::secret::Secret;
use crate::verifier::{MAX_ITERATIONS, MIN_ITERATIONS, decode_32};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use zeroize::Zeroize;

const VERSION: u64 = 1;

/// Read first, so that a file of another version is called that, and not malformed.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u64,
    /// PBKDF2 rounds of every key.
    iterations: u32,
    /// 32 bytes, base64.
    salt_secret: String,
    keys: Vec<AccessKey>,
}

impl Drop for File {
    fn drop(&mut self) {
        self.salt_secret.zeroize();
    }
}

impl KeyRing {
    /// Reads a key file. Refuses other versions, unknown or repeated fields, repeated ids, and keys
    /// of one principal that differ in salt or iterations.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let versioned: Versioned = serde_json::from_str(text).map_err(|fault| problem(&fault))?;
        if versioned.version != VERSION {
            return Err(Error::KeyFileVersion(versioned.version));
        }
        let mut file: File = serde_json::from_str(text).map_err(|fault| problem(&fault))?;
        let whole = |problem: &str| Error::KeyFile {
            line: 1,
            column: 1,
            problem: problem.to_owned(),
        };
        let salt_secret = decode_32(&file.salt_secret)
            .ok_or_else(|| whole("`salt_secret` is not 32 bytes of base64"))?;
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&file.iterations) {
            return Err(whole("`iterations` is out of range"));
        }
        if file.keys.len() > MAX_KEYS {
            return Err(Error::TooManyKeys {
                what: "keys of this gateway",
                limit: MAX_KEYS,
            });
        }
        let mut ring = Self {
            salt_secret: Secret::new(salt_secret),
            iterations: file.iterations,
            keys: BTreeMap::new(),
        };
        let mut ids = HashSet::new();
        for key in std::mem::take(&mut file.keys) {
            ring.check(&key)?;
            if !ids.insert(key.id.clone()) {
                return Err(Error::DuplicateKey(key.id));
            }
            ring.keys
                .entry(key.principal.clone())
                .or_default()
                .push(key);
        }
        for keys in ring.keys.values_mut() {
            keys.sort_by_key(|key| key.created_ms);
        }
        Ok(ring)
    }

    /// The key file's text, keys by principal and creation. Write it where only the gateway reads.
    pub fn to_json(&self) -> Secret<String> {
        let file = File {
            version: VERSION,
            iterations: self.iterations,
            salt_secret: STANDARD.encode(self.salt_secret.expose()),
            keys: self.keys().cloned().collect(),
        };
        // Serialising plain fields into memory has no way to fail.
        Secret::new(serde_json::to_string_pretty(&file).unwrap_or_default())
    }

    fn check(&self, key: &AccessKey) -> Result<(), Error> {
        let wrong = |problem| {
            Err(Error::InconsistentKey {
                key: key.id.clone(),
                problem,
            })
        };
        if check_principal_id(&key.principal).is_err() {
            return wrong("its principal is no valid id");
        }
        if key
            .expires_ms
            .is_some_and(|expires| expires <= key.created_ms)
        {
            return wrong("it expires before it is created");
        }
        if key.verifier.iterations != self.iterations {
            return wrong("its iterations differ from the file's");
        }
        let salt = self
            .of(&key.principal)
            .first()
            .map(|other| &other.verifier.salt);
        if salt.is_some_and(|salt| *salt != key.verifier.salt) {
            return wrong("its salt differs from that of its principal's other keys");
        }
        Ok(())
    }
}

/// Keeps what names a field and drops what could quote a value.
fn problem(fault: &serde_json::Error) -> Error {
    let text = fault.to_string();
    let text = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(text, _)| text);
    let names_a_field = ["unknown field", "missing field", "duplicate field"];
    let problem = if names_a_field.iter().any(|start| text.starts_with(start)) {
        text.to_owned()
    } else if fault.is_data() {
        "a value of the wrong form".to_owned()
    } else {
        "not well-formed JSON".to_owned()
    };
    Error::KeyFile {
        line: fault.line(),
        column: fault.column(),
        problem,
    }
}
