//! A ledger in memory: the port's second implementor.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ledger::event::{Clear, Intent, Outcome, Verdict};
use ledger::{Event, Ledger, Receipt, Sequence, Unavailable};

/// What was recorded, in order.
#[derive(Default)]
pub(crate) struct Recorder {
    entries: Mutex<Vec<Entry>>,
    durable: AtomicU64,
    full: AtomicBool,
    pub(crate) syncs: AtomicU64,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Intent(Box<Intent>),
    Outcome(Outcome),
    Other,
}

impl Recorder {
    /// Whether entries are refused from here on.
    pub(crate) fn full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Everything appended so far is on disk.
    pub(crate) fn sync(&self) -> Sequence {
        let count = self.entries.lock().unwrap().len() as u64;
        self.durable.store(count, Ordering::SeqCst);
        Sequence(count)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap().clone()
    }

    /// Place and text of every intent that was allowed.
    pub(crate) fn allowed(&self) -> Vec<(u64, String)> {
        self.entries()
            .iter()
            .enumerate()
            .filter_map(|(place, entry)| match entry {
                Entry::Intent(intent) if intent.decision == Verdict::Allow => {
                    let text = intent.text.as_deref().unwrap_or_default();
                    Some((place as u64, text.trim().to_owned()))
                }
                _ => None,
            })
            .collect()
    }

    /// One line per entry.
    pub(crate) fn lines(&self) -> String {
        let mut out = String::new();
        for (place, entry) in self.entries().iter().enumerate() {
            let line = match entry {
                Entry::Intent(intent) => {
                    let mut line = format!(
                        "{place} intent {:?} {} [{}] rules [{}] masks [{}]",
                        intent.decision,
                        intent.command,
                        intent.text.as_deref().unwrap_or("-"),
                        intent.rules.join(" "),
                        intent.masks.join(" "),
                    );
                    if let Some(prepared) = &intent.prepared {
                        line.push_str(&format!(" prepared [{prepared}]"));
                    }
                    if !intent.observed.is_empty() {
                        line.push_str(&format!(" observed [{}]", intent.observed.join(" ")));
                    }
                    if !intent.degraded.is_empty() {
                        line.push_str(&format!(" degraded [{}]", intent.degraded.join(" ")));
                    }
                    if intent.opaque {
                        line.push_str(" opaque");
                    }
                    line
                }
                Entry::Outcome(outcome) => format!(
                    "{place} outcome of {} {:?} {} rows {} masked {}",
                    outcome.intent,
                    outcome.status,
                    outcome.sqlstate.as_deref().unwrap_or("-"),
                    outcome.rows,
                    outcome.masked.iter().map(|m| m.cells).sum::<u64>(),
                ),
                Entry::Other => format!("{place} other"),
            };
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

impl Ledger for Recorder {
    fn append(&self, event: Event) -> Result<Receipt, Unavailable> {
        if self.full.load(Ordering::SeqCst) {
            return Err(Unavailable::DiskFull {
                available_bytes: 0,
                needed_bytes: 1,
            });
        }
        let disclosed = |name: &str| {
            let found = event.disclosures.iter().find(|one| one.name == name);
            found.map(|one| one.value.to_string().into())
        };
        let (text, parameters) = (disclosed("text"), disclosed("parameters"));
        let prepared = disclosed("prepared");
        let entry = match event.clear {
            Clear::Intent(intent) => Entry::Intent(Box::new(Intent {
                // As an auditor reads it: a text that is its own shape is not disclosed.
                text: text.or_else(|| Some(intent.shape.clone()).filter(|shape| !shape.is_empty())),
                prepared,
                parameters,
                ..intent
            })),
            Clear::Outcome(outcome) => Entry::Outcome(outcome),
            _ => Entry::Other,
        };
        let mut entries = self.entries.lock().unwrap();
        entries.push(entry);
        let sequence = Sequence(entries.len() as u64 - 1);
        Ok(Receipt::issue(self, sequence))
    }

    fn durable(&self) -> Sequence {
        Sequence(self.durable.load(Ordering::SeqCst))
    }

    fn request_sync(&self) {
        self.syncs.fetch_add(1, Ordering::SeqCst);
    }
}
