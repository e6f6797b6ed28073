//! Legal holds: while one is in force, nothing that it covers is erased or pruned.
//!
//! Each hold and each release is an entry; `holds.json` is what is in force, so that
//! nobody has to read the whole ledger to know. It is written before the entry that
//! sets a hold and after the entry that ends one: whatever is interrupted, the hold
//! stands. Who alters the file is found by [`crate::verify`], which knows the entries.

use std::path::Path;

use ledger::Event;
use ledger::days::Days;
use ledger::event::{HoldRelease, HoldSet, Text, Word};
use ledger::{Ledger as _, Receipt};
use serde::{Deserialize, Serialize};

use crate::disk::Disk;
use crate::{Error, Store, files, random};

/// A legal hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its id: `hold_` and eight hexadecimal digits.
    pub id: String,
    /// Opaque id of the principal whose entries it covers; `None` is everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The days of the entries it covers.
    #[serde(default)]
    pub days: Days,
    /// The matter.
    pub reason: String,
}

impl Hold {
    /// Whether it covers something of these entries; `None` is everybody's.
    #[must_use]
    pub fn covers(&self, subject: Option<&str>, days: &Days) -> bool {
        let same = match (self.subject.as_deref(), subject) {
            (Some(held), Some(subject)) => held == subject,
            (None, _) | (_, None) => true,
        };
        same && self.days.overlap(days)
    }
}

impl std::fmt::Display for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = self.subject.as_deref().unwrap_or("everybody");
        write!(f, "{} ({subject}, {}, {})", self.id, self.days, self.reason)
    }
}

/// The holds in force.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holds {
    pub(crate) holds: Vec<Hold>,
}

impl Holds {
    pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> Result<Holds, Error> {
        let path = files::holds(dir);
        let Some(bytes) = files::read(disk, &path)? else {
            return Ok(Holds::default());
        };
        serde_json::from_slice(&bytes).map_err(|_| Error::Damaged {
            path,
            offset: 0,
            reason: "it is not a list of legal holds",
        })
    }

    fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let path = files::holds(dir);
        match serde_json::to_vec_pretty(self) {
            Ok(bytes) => files::write(disk, dir, &path, &bytes),
            Err(_) => Err(Error::Damaged {
                path,
                offset: 0,
                reason: "it cannot be made",
            }),
        }
    }

    /// Forbids what a hold covers: the one place that erasure and pruning ask.
    ///
    /// # Errors
    /// [`Error::Held`], with every hold that stands in the way.
    pub(crate) fn permit(&self, subject: Option<&str>, days: &Days) -> Result<(), Error> {
        let covering = self.holds.iter().filter(|hold| hold.covers(subject, days));
        let holds: Vec<String> = covering.map(ToString::to_string).collect();
        if holds.is_empty() {
            Ok(())
        } else {
            Err(Error::Held { holds })
        }
    }
}

impl Store {
    /// The legal holds in force.
    pub async fn holds(&self) -> Vec<Hold> {
        self.holds.lock().await.holds.clone()
    }

    /// Sets a legal hold on the entries of a subject, or of everybody, durably.
    ///
    /// # Errors
    /// [`Error::NoDays`]; [`Error::Io`] or [`Error::Unavailable`]: the hold may stand
    /// all the same, and is listed if it does.
    pub async fn hold(
        &self,
        subject: Option<Text>,
        days: Days,
        reason: impl Into<Word>,
        by: Option<Text>,
    ) -> Result<(Hold, Receipt), Error> {
        if days.is_empty() {
            return Err(Error::NoDays { days });
        }
        let mut holds = self.holds.lock().await;
        let reason = reason.into();
        let hold = Hold {
            id: format!("hold_{:08x}", u32::from_le_bytes(random::array()?)),
            subject: subject.as_deref().map(str::to_owned),
            days,
            reason: reason.to_string(),
        };
        holds.holds.push(hold.clone());
        holds.write(&*self.log.disk, &self.log.dir)?;
        let receipt = self.append(Event::from(HoldSet {
            hold: hold.id.as_str().into(),
            subject,
            days,
            reason,
            by,
        }))?;
        self.wait_durable(receipt.sequence).await?;
        Ok((hold, receipt))
    }

    /// Ends a legal hold, durably.
    ///
    /// # Errors
    /// [`Error::NoSuchHold`]; [`Error::Io`] or [`Error::Unavailable`], and it stands.
    pub async fn release(
        &self,
        id: &str,
        reason: impl Into<Word>,
        by: Option<Text>,
    ) -> Result<Receipt, Error> {
        let mut holds = self.holds.lock().await;
        let Some(at) = holds.holds.iter().position(|hold| hold.id == id) else {
            return Err(Error::NoSuchHold { id: id.to_owned() });
        };
        let receipt = self.append(Event::from(HoldRelease {
            hold: id.into(),
            reason: reason.into(),
            by,
        }))?;
        self.wait_durable(receipt.sequence).await?;
        let hold = holds.holds.remove(at);
        if let Err(error) = holds.write(&*self.log.disk, &self.log.dir) {
            holds.holds.insert(at, hold);
            return Err(error);
        }
        Ok(receipt)
    }
}
