//! Whom an auditor trusts (C2SP tlog-policy): logs, witnesses, and how many of them.
//!
//! The file is octets: names are compared byte by byte and nothing in it is
//! normalised. A group can only name what stands above it, so evaluation is one pass.

use crate::Error;
use crate::checkpoint::Checkpoint;
use crate::note::{Note, VerifierKey, WitnessKey};

mod parse;

/// Which checkpoints are believed: those that any one of the logs signed and a quorum
/// of witnesses cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    /// Witnesses and groups, in the order they were defined.
    rules: Vec<Rule>,
    /// Place in `rules`; `None` wants no witness.
    quorum: Option<usize>,
}

/// A log and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key; the key's name is the origin of its checkpoints.
    pub key: VerifierKey,
    /// Where it is, if the policy says so.
    pub url: Option<String>,
}

/// A witness.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Witness {
    name: String,
    key: WitnessKey,
}

/// A name that a quorum can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    name: Vec<u8>,
    holds: Holds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    /// The witness at this place cosigned.
    Witness(usize),
    /// At least so many of the rules at these places hold.
    Group(usize, Vec<usize>),
}

/// A checkpoint that a policy accepts, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Keys of the log whose signatures verified.
    pub signed_by: Vec<VerifierKey>,
    /// Witnesses whose cosignatures verified.
    pub cosigned: Vec<Cosigned>,
}

/// A witness's statement that it saw this tree and none that contradicts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Name of the witness in the policy.
    pub witness: String,
    /// When, in seconds since 1970 UTC by the witness's clock.
    pub at_s: u64,
}

/// A policy that believes these keys of logs and asks for no witness.
impl<'a> FromIterator<&'a VerifierKey> for Policy {
    fn from_iter<I: IntoIterator<Item = &'a VerifierKey>>(keys: I) -> Policy {
        let log = |key: &VerifierKey| Log {
            key: key.clone(),
            url: None,
        };
        Policy {
            logs: keys.into_iter().map(log).collect(),
            witnesses: Vec::new(),
            rules: Vec::new(),
            quorum: None,
        }
    }
}

impl From<&VerifierKey> for Policy {
    fn from(key: &VerifierKey) -> Policy {
        [key].into_iter().collect()
    }
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`Error::BadPolicy`] with the line.
    pub fn parse(file: &[u8]) -> Result<Policy, Error> {
        parse::policy(file)
    }

    /// The logs it accepts.
    #[must_use]
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Whether a checkpoint wants cosignatures.
    #[must_use]
    pub fn wants_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Reads a checkpoint, and believes it if it is signed as the policy wants.
    ///
    /// # Errors
    /// [`Error::BadNote`]; [`Error::BadCheckpoint`]; [`Error::UnknownLog`];
    /// [`Error::NotSigned`]; [`Error::BadSignature`] of any key the policy names;
    /// [`Error::NoQuorum`].
    pub fn open(&self, checkpoint: &str) -> Result<Trusted, Error> {
        let note = Note::parse(checkpoint)?;
        let checkpoint = Checkpoint::parse(note.text())?;
        let mut signed_by = Vec::new();
        for log in &self.logs {
            // Every known key's signature is verified; only those of this log count.
            if note.is_signed_by(&log.key)? && log.key.name() == checkpoint.origin {
                signed_by.push(log.key.clone());
            }
        }
        if signed_by.is_empty() {
            let origin = checkpoint.origin;
            let known = self.logs.iter().any(|log| log.key.name() == origin);
            return Err(match known {
                true => Error::NotSigned { name: origin },
                false => Error::UnknownLog { origin },
            });
        }
        let mut times = Vec::new();
        for witness in &self.witnesses {
            times.push(note.cosigned_at(&witness.key)?);
        }
        self.check_quorum(&times)?;
        let cosigned = self.witnesses.iter().zip(times);
        let cosigned = cosigned.filter_map(|(witness, at_s)| {
            Some(Cosigned {
                witness: witness.name.clone(),
                at_s: at_s?,
            })
        });
        Ok(Trusted {
            checkpoint,
            signed_by,
            cosigned: cosigned.collect(),
        })
    }

    /// `times` tells for each witness when it cosigned.
    fn check_quorum(&self, times: &[Option<u64>]) -> Result<(), Error> {
        let Some(quorum) = self.quorum else {
            return Ok(());
        };
        let mut held: Vec<bool> = Vec::with_capacity(self.rules.len());
        for rule in &self.rules {
            let holds = match &rule.holds {
                Holds::Witness(at) => times.get(*at).is_some_and(Option::is_some),
                Holds::Group(least, members) => {
                    let holding = members.iter().filter(|at| held.get(**at) == Some(&true));
                    holding.count() >= *least
                }
            };
            held.push(holds);
        }
        if held.get(quorum) == Some(&true) {
            return Ok(());
        }
        let name = self.rules.get(quorum).map(|rule| rule.name.as_slice());
        Err(Error::NoQuorum {
            quorum: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            cosigned: times.iter().flatten().count(),
            witnesses: times.len(),
        })
    }
}

#[cfg(test)]
mod tests;
