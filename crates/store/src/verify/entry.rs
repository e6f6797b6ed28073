//! Checking entries and their disclosures, wherever they lie.

use std::path::{Path, PathBuf};

use ledger::entry::Head;
use ledger::{Entry, Kind, Sequence, disclosure, seal};

use super::report::{Fault, Problem};
use crate::keys::{self, Content, Slot};

/// Most faults that are listed.
pub(crate) const MAX_FAULTS: usize = 100;

/// What was found so far, by one thread.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) faults: Vec<Fault>,
    pub(super) fault_count: u64,
    pub(super) disclosures: u64,
    pub(super) erased: u64,
    /// Up to where entries were pruned, by the entries that say so.
    pub(super) pruned: u64,
    /// Entries about holds, and what holds forbid, in order.
    pub(super) ruled: Vec<Ruled>,
}

/// An entry that legal holds are about, and where it lies.
pub(super) struct Ruled {
    pub(super) place: (PathBuf, Option<u64>),
    pub(super) entry: Entry,
}

impl Findings {
    pub(super) fn fault(
        &mut self,
        path: &Path,
        offset: Option<u64>,
        sequence: Option<Sequence>,
        problem: Problem,
    ) {
        self.fault_count = self.fault_count.saturating_add(1);
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Fault {
                path: path.to_owned(),
                offset,
                sequence,
                problem,
            });
        }
    }

    /// Adds what another thread found.
    pub(super) fn absorb(&mut self, other: Findings) {
        self.fault_count = self.fault_count.saturating_add(other.fault_count);
        let room = MAX_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
        self.disclosures = self.disclosures.saturating_add(other.disclosures);
        self.erased = self.erased.saturating_add(other.erased);
        self.pruned = self.pruned.max(other.pruned);
        self.ruled.extend(other.ruled);
    }
}

/// An entry as it is stored.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) path: &'a Path,
    /// Of its frame, or of its bundle.
    pub(super) offset: Option<u64>,
    pub(super) sequence: Sequence,
    /// What its frame says, if it has one.
    pub(super) kind: Option<Kind>,
    pub(super) leaf: &'a [u8],
    /// `None` if its disclosures cannot be read.
    pub(super) sealed: Option<&'a [u8]>,
    /// Whether a signed root covers it: then it is what the gateway wrote, and only
    /// what is compared with something else is read.
    pub(super) signed: bool,
}

/// What an entry says of itself.
struct Said<'a> {
    sequence: Sequence,
    kind: Kind,
    digests: Digests<'a>,
}

/// Digests of what an entry discloses; there are one to three, mostly.
type Digests<'a> = Vec<&'a [u8]>;

/// Checks one entry; `fault` is told what is wrong.
pub(super) fn check(
    stored: &Stored<'_>,
    head: Option<&Head<'_>>,
    keys: Option<&Content>,
    findings: &mut Findings,
    mut fault: impl FnMut(&mut Findings, Problem),
) {
    let parsed;
    let said = match head.filter(|_| stored.signed) {
        Some(head) => Said {
            sequence: head.sequence,
            kind: head.kind,
            digests: head.digests().collect(),
        },
        None => {
            parsed = match Entry::parse(stored.leaf) {
                Ok(entry) => entry,
                Err(error) => return fault(findings, Problem::Entry(error)),
            };
            Said {
                sequence: parsed.sequence,
                kind: parsed.kind,
                digests: parsed.digests.iter().map(String::as_bytes).collect(),
            }
        }
    };
    if said.sequence != stored.sequence {
        fault(findings, Problem::Differs("sequence"));
    }
    if stored.kind.is_some_and(|kind| kind != said.kind) {
        fault(findings, Problem::Differs("kind"));
    }
    let rare = matches!(
        said.kind,
        Kind::RetentionPrune | Kind::HoldSet | Kind::HoldRelease | Kind::Erasure
    );
    if rare && let Ok(entry) = Entry::parse(stored.leaf) {
        if entry.kind == Kind::RetentionPrune {
            findings.pruned = findings.pruned.max(entry.number("below").unwrap_or(0));
        }
        let place = (stored.path.to_owned(), stored.offset);
        findings.ruled.push(Ruled { place, entry });
    }
    if let Err(problem) = disclosures(stored, said.digests, keys, findings) {
        fault(findings, problem);
    }
}

fn disclosures(
    stored: &Stored<'_>,
    digests: Vec<&[u8]>,
    keys: Option<&Content>,
    findings: &mut Findings,
) -> Result<(), Problem> {
    let Some(sealed) = stored.sealed else {
        return Ok(());
    };
    if sealed.is_empty() && digests.is_empty() {
        return Ok(());
    }
    let (mut opened, mut erased) = (0_usize, 0_u64);
    let mut left = digests;
    let count = left.len();
    for envelope in seal::each_envelope(sealed) {
        let envelope = envelope.map_err(Problem::Disclosure)?;
        let Some(keys) = keys else {
            return Ok(());
        };
        match keys.slots.get(&envelope.key) {
            Some((Slot::Live { key, .. }, _)) => {
                let text = key.open_bytes(&envelope).map_err(Problem::Disclosure)?;
                for encoded in text.split(|byte| *byte == b'~') {
                    opened = opened.saturating_add(1);
                    let fits = ledger::verify::fit(&mut left, encoded);
                    // What fits a digest under a signed root is as it was written.
                    let checked = fits.and_then(|()| match stored.signed {
                        true => Ok(()),
                        false => disclosure::check(encoded),
                    });
                    checked.map_err(Problem::Disclosure)?;
                }
            }
            Some((Slot::Erased { .. }, _)) => erased = erased.saturating_add(1),
            None => return Err(Problem::Disclosure(keys::UNKNOWN_KEY)),
        }
    }
    findings.disclosures = findings.disclosures.saturating_add(opened as u64);
    findings.erased = findings.erased.saturating_add(erased);
    if erased == 0 && opened != count {
        return Err(Problem::DisclosureCount {
            digests: count,
            stored: opened,
        });
    }
    Ok(())
}
