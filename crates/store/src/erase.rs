//! Erasure: destroying the keys of a subject's disclosures.
//!
//! The digests in the tree, and with them every proof, stay what they are; what they
//! are digests of cannot be read any more, in this directory or in any copy of it that
//! was made without its key table. The record comes first: it is durable before a key
//! is destroyed, and an erasure that was interrupted is finished on opening.

use ledger::Event;
use ledger::days::Days;
use ledger::event::{Erasure, Text, Word};
use ledger::seal::KeyId;
use ledger::{Entry, Ledger as _, Sequence};

use crate::{Error, Store};

/// Ids of keys that one entry takes; a leaf is at most 65,535 bytes.
const KEYS_OF_AN_ENTRY: usize = 1000;

/// What was erased.
#[derive(Clone, Debug)]
pub struct Erased {
    /// Keys that were destroyed: one for each day on which something was disclosed.
    pub keys: usize,
    /// The entries that say so: one, unless it is years of days.
    pub entries: Vec<Sequence>,
}

impl Store {
    /// Destroys the keys of the disclosures that a subject's entries of these days
    /// have, durably, and records that. What the subject does afterwards, even on the
    /// same day, is disclosed under a new key.
    ///
    /// # Errors
    /// [`Error::NoDays`]; [`Error::Held`]; [`Error::NothingKept`];
    /// [`Error::Unavailable`] if the keys could not be destroyed or it could not be
    /// recorded: then it is asked for again.
    pub async fn erase(
        &self,
        subject: &str,
        days: Days,
        ground: impl Into<Word>,
        by: Option<Text>,
    ) -> Result<Erased, Error> {
        if days.is_empty() {
            return Err(Error::NoDays { days });
        }
        let holds = self.holds.lock().await;
        holds.permit(Some(subject), &days)?;
        let keys = self.log.keys.of_subject(Some(subject), &days);
        if keys.is_empty() {
            return Err(Error::NothingKept {
                subject: subject.to_owned(),
                days,
            });
        }
        let (ground, subject) = (ground.into(), Text::from(subject));
        let mut entries = Vec::new();
        for keys in keys.chunks(KEYS_OF_AN_ENTRY) {
            let receipt = self.append(Event::from(Erasure {
                subject: subject.clone(),
                days,
                keys: keys.iter().map(ToString::to_string).collect(),
                ground: ground.clone(),
                by: by.clone(),
            }))?;
            self.wait_durable(receipt.sequence).await?;
            self.log.keys.erase(keys, self.log.now_ns())?;
            entries.push(receipt.sequence);
        }
        drop(holds);
        Ok(Erased {
            keys: keys.len(),
            entries,
        })
    }
}

/// The keys that an `erasure` entry names.
pub(crate) fn keys_of(leaf: &[u8]) -> Vec<KeyId> {
    let Ok(entry) = Entry::parse(leaf) else {
        return Vec::new();
    };
    let Some(serde_json::Value::Array(keys)) = entry.fields.get("keys") else {
        return Vec::new();
    };
    let texts = keys.iter().filter_map(serde_json::Value::as_str);
    texts.filter_map(|text| text.parse().ok()).collect()
}
