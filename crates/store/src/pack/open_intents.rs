//! Allowed intents that have no outcome yet.
//!
//! After a crash each of them gets the outcome `unknown`. They are noted at the end of
//! each pack, so that opening a ledger need not read its packs for them.

use std::collections::BTreeSet;

use ledger::entry::Head;
use ledger::{Entry, Kind, Sequence};

use super::header::{long, short};
#[cfg(test)]
use crate::simulation::{Broken, is_broken};

/// The open intents, of whichever run: an opening settles what it finds, but may be cut
/// short itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenIntents {
    /// Where the last run began: its `log.open`.
    run: Sequence,
    intents: BTreeSet<u64>,
}

impl OpenIntents {
    /// Takes note of the next entry.
    pub(crate) fn note(&mut self, kind: Kind, sequence: Sequence, leaf: &[u8]) {
        if let Some(head) = Head::read(leaf) {
            return self.note_head(&head, sequence);
        }
        let Ok(entry) = Entry::parse(leaf) else {
            return;
        };
        if kind == Kind::LogOpen {
            self.begin(sequence);
        } else if kind == Kind::Intent && entry.text("decision") == Some("allow") {
            self.intents.insert(sequence.0);
        } else if kind == Kind::Outcome
            && let Some(intent) = entry.number("intent")
        {
            self.intents.remove(&intent);
        }
    }

    /// As [`OpenIntents::note`], of an entry whose head was read.
    pub(crate) fn note_head(&mut self, head: &Head<'_>, sequence: Sequence) {
        if head.kind == Kind::LogOpen {
            self.begin(sequence);
        } else if head.is_allowed() {
            self.intents.insert(sequence.0);
        } else if let Some(intent) = head.outcome_of() {
            self.intents.remove(&intent.0);
        }
    }

    fn begin(&mut self, run: Sequence) {
        self.run = run;
        #[cfg(test)]
        if is_broken(Broken::LooksAtLastRun) {
            self.intents.clear();
        }
    }

    /// In order.
    pub(crate) fn sequences(&self) -> Vec<Sequence> {
        self.intents.iter().copied().map(Sequence).collect()
    }

    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut out = self.run.0.to_le_bytes().to_vec();
        out.extend_from_slice(&u32::try_from(self.intents.len()).ok()?.to_le_bytes());
        for intent in &self.intents {
            out.extend_from_slice(&intent.to_le_bytes());
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        Some(out)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<OpenIntents> {
        let (content, crc) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (run, rest) = long(content)?;
        let (count, rest) = short(rest)?;
        let (intents, rest) = rest.as_chunks::<8>();
        let fits = u32::try_from(intents.len()) == Ok(count) && rest.is_empty();
        fits.then(|| OpenIntents {
            run: Sequence(run),
            intents: intents.iter().map(|one| u64::from_le_bytes(*one)).collect(),
        })
    }
}
