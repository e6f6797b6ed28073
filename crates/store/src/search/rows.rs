//! Entries to rows: the part of the index that is not sealed yet, in memory.

use std::collections::{BTreeSet, HashMap};

use ledger::Kind;

use super::entry::{self, Content, Intent, Other, Verdict};
use crate::Error;
use crate::read::Entries;

/// Rows that become one Arrow batch.
const BATCH_ROWS: usize = 8192;

/// The decision that an outcome follows.
const ALLOW: &str = "allow";

/// What all statements of one verdict share; other entries share their kind.
#[derive(Debug, Default)]
pub(super) struct Form {
    pub(super) kind: &'static str,
    /// None of an entry that is no intent.
    pub(super) verdict: Option<Verdict>,
    /// Rules, of an entry that is no intent but has a decision.
    pub(super) rule: Option<Vec<String>>,
}

/// What all entries of a session share; every field is empty for those of none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Session {
    pub(super) session: Option<String>,
    pub(super) principal: Option<String>,
    pub(super) principal_kind: Option<String>,
    pub(super) on_behalf_of: Option<String>,
    pub(super) target: Option<String>,
    pub(super) environment: Option<String>,
}

/// How a statement ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) seq: u64,
    pub(super) at_us: i64,
    pub(super) outcome: entry::Outcome,
}

/// One row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) seq: u64,
    pub(super) at_us: i64,
    /// Place in [`Rows::forms`].
    pub(super) form: u32,
    /// Place in [`Rows::sessions`].
    pub(super) session: u32,
    pub(super) content: What,
}

#[derive(Debug)]
pub(super) enum What {
    Statement {
        number: u64,
        ended: Option<Box<Ended>>,
    },
    /// An outcome whose intent is not among these rows.
    LateOutcome(Box<entry::Outcome>),
    Other(Box<Other>, String),
}

/// Rows of the entries from one position to another.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// Position of the first entry.
    pub(super) from: u64,
    /// Position after the last.
    pub(super) to: u64,
    /// The bytes of the last entry.
    pub(super) last: Vec<u8>,
    pub(super) rows: Vec<Row>,
    pub(super) forms: Vec<Form>,
    pub(super) sessions: Vec<Session>,
    /// Batches with rows that were added or changed since somebody last asked.
    changed: BTreeSet<usize>,
    /// Rows of statements that ended since somebody last asked, or do not run.
    complete: BTreeSet<usize>,
    forms_by_text: HashMap<Box<str>, u32>,
    forms_by_kind: HashMap<(Kind, Option<String>), u32>,
    known_sessions: HashMap<Session, u32>,
    open: HashMap<String, u32>,
    intents: HashMap<u64, usize>,
}

impl Rows {
    /// None yet, beginning at `from`, with the sessions that are open there.
    pub(super) fn new(from: u64, open: impl IntoIterator<Item = Session>) -> Rows {
        let mut rows = Rows {
            from,
            to: from,
            ..Rows::default()
        };
        for session in open {
            let place = rows.intern(session.clone());
            if let Some(id) = session.session {
                rows.open.insert(id, place);
            }
        }
        rows
    }

    /// The sessions that are open after the last entry, in the order they began.
    pub(super) fn open_after(&self) -> Vec<Session> {
        self.open_places()
            .into_iter()
            .filter_map(|place| self.sessions.get(place as usize).cloned())
            .collect()
    }

    /// Their places.
    pub(super) fn open_places(&self) -> BTreeSet<u32> {
        self.open.values().copied().collect()
    }

    /// Batches with rows that were added or changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.changed)
    }

    /// Rows of statements that ended since this was last asked, or were not allowed.
    pub(super) fn take_complete(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.complete)
    }

    /// Lets go of all rows but those of statements that have not ended.
    pub(super) fn forget_complete(&mut self) {
        let waited: BTreeSet<usize> = self.intents.values().copied().collect();
        let rows = std::mem::take(&mut self.rows);
        self.intents.clear();
        for (number, row) in rows.into_iter().enumerate() {
            if !waited.contains(&number) || !self.is_allowed(row.form) {
                continue;
            }
            self.intents.insert(row.seq, self.rows.len());
            self.rows.push(row);
        }
        self.complete.clear();
        self.changed.clear();
    }

    /// The rows of a batch.
    pub(super) fn batch(&self, number: usize) -> Vec<&Row> {
        let start = number.saturating_mul(BATCH_ROWS);
        self.rows.iter().skip(start).take(BATCH_ROWS).collect()
    }

    /// How many batches there are.
    pub(super) fn batches(&self) -> usize {
        self.rows.len().div_ceil(BATCH_ROWS)
    }

    /// Adds the next entry.
    ///
    /// # Errors
    /// [`ledger::Error::BadEntry`] if it is not one, or not the next.
    pub(super) fn push(&mut self, leaf: &[u8]) -> Result<(), ledger::Error> {
        let read = entry::read(leaf)?;
        if read.seq != self.to {
            return Err(ledger::Error::BadEntry("it is not the next entry"));
        }
        let (seq, at_us) = (read.seq, read.at_us);
        self.last.clear();
        self.last.extend_from_slice(leaf);
        let (form, session, content) = match read.content {
            Content::Intent(intent, verdict) => {
                let form = self.form(verdict)?;
                let number = intent.statement;
                let session = self.session_of(intent);
                self.intents.insert(seq, self.rows.len());
                if !self.is_allowed(form) {
                    self.complete.insert(self.rows.len());
                }
                let ended = None;
                (form, session, What::Statement { number, ended })
            }
            Content::Outcome(outcome) => {
                if let Some(row) = self.intents.remove(&outcome.intent)
                    && let Some(Row {
                        content: What::Statement { ended, .. },
                        form,
                        ..
                    }) = self.rows.get_mut(row)
                {
                    let form = *form;
                    *ended = Some(Box::new(Ended {
                        seq,
                        at_us,
                        outcome,
                    }));
                    self.changed.insert(row / BATCH_ROWS);
                    if self.is_allowed(form) {
                        self.complete.insert(row);
                    }
                    self.to = seq.saturating_add(1);
                    return Ok(());
                }
                let form = self.form_of_kind(Kind::Outcome, None);
                let session = self.known(outcome.session.as_deref());
                (form, session, What::LateOutcome(Box::new(outcome)))
            }
            Content::Other(kind, mut other, detail) => {
                let form = self.form_of_kind(kind, other.rule.take());
                let session = self.session_around(kind, &mut other);
                (form, session, What::Other(other, detail))
            }
        };
        self.changed.insert(self.rows.len() / BATCH_ROWS);
        self.rows.push(Row {
            seq,
            at_us,
            form,
            session,
            content,
        });
        self.to = seq.saturating_add(1);
        Ok(())
    }

    /// Whether statements of this form run.
    fn is_allowed(&self, form: u32) -> bool {
        let form = self.forms.get(form as usize);
        let verdict = form.and_then(|form| form.verdict.as_ref());
        verdict.is_none_or(|verdict| verdict.decision == ALLOW)
    }

    fn form(&mut self, verdict: &str) -> Result<u32, ledger::Error> {
        if let Some(form) = self.forms_by_text.get(verdict) {
            return Ok(*form);
        }
        let form = self.add_form(Form {
            kind: Kind::Intent.name(),
            verdict: Some(entry::verdict(verdict)?),
            rule: None,
        });
        self.forms_by_text.insert(verdict.into(), form);
        Ok(form)
    }

    fn form_of_kind(&mut self, kind: Kind, rule: Option<String>) -> u32 {
        let key = (kind, rule);
        if let Some(form) = self.forms_by_kind.get(&key) {
            return *form;
        }
        let refused = kind == Kind::SessionRefused;
        let form = self.add_form(Form {
            kind: kind.name(),
            verdict: None,
            rule: refused.then(|| key.1.iter().cloned().collect()),
        });
        self.forms_by_kind.insert(key, form);
        form
    }

    fn add_form(&mut self, form: Form) -> u32 {
        self.forms.push(form);
        place(self.forms.len())
    }

    fn intern(&mut self, session: Session) -> u32 {
        if let Some(place) = self.known_sessions.get(&session) {
            return *place;
        }
        self.sessions.push(session.clone());
        let place = place(self.sessions.len());
        self.known_sessions.insert(session, place);
        place
    }

    fn known(&mut self, id: Option<&str>) -> u32 {
        match id.and_then(|id| self.open.get(id)) {
            Some(place) => *place,
            None => self.intern(Session {
                session: id.map(str::to_owned),
                ..Session::default()
            }),
        }
    }

    fn session_of(&mut self, intent: Intent) -> u32 {
        if let Some(place) = self.open.get(&intent.session)
            && let Some(open) = self.sessions.get(*place as usize)
            && open.principal.as_ref() == Some(&intent.principal)
            && open.target.as_ref() == Some(&intent.target)
        {
            return *place;
        }
        self.intern(Session {
            session: Some(intent.session),
            principal: Some(intent.principal),
            target: Some(intent.target),
            ..Session::default()
        })
    }

    /// The session of an entry that is neither intent nor outcome, and what the entry
    /// does to the sessions that are open.
    fn session_around(&mut self, kind: Kind, other: &mut Other) -> u32 {
        if kind == Kind::LogOpen {
            // Whoever had the log before is gone, and its sessions with it.
            self.open.clear();
        }
        let id = other.session.take();
        let open = id.as_ref().and_then(|id| {
            if kind == Kind::SessionClose {
                self.open.remove(id)
            } else {
                self.open.get(id).copied()
            }
        });
        if let Some(place) = open {
            return place;
        }
        let place = self.intern(Session {
            session: id.clone(),
            principal: other.principal.take(),
            principal_kind: other.principal_kind.take(),
            on_behalf_of: other.on_behalf_of.take(),
            target: other.target.take(),
            environment: other.environment.take(),
        });
        if let (Kind::SessionOpen, Some(id)) = (kind, id) {
            self.open.insert(id, place);
        }
        place
    }
}

/// The place of the last of so many.
fn place(length: usize) -> u32 {
    u32::try_from(length.saturating_sub(1)).unwrap_or(u32::MAX)
}

/// Reads the next entries of a ledger into rows, until `until` or their end.
///
/// # Errors
/// As [`Entries::next`]; [`ledger::Error::BadEntry`].
pub(super) fn fill(rows: &mut Rows, entries: &mut Entries<'_>, until: u64) -> Result<(), Error> {
    // What was written since the reader met the end is seen by the second look.
    let mut looks = 2;
    while rows.to < until && looks > 0 {
        match entries.next()? {
            Some(record) => rows.push(&record.leaf)?,
            None => looks -= 1,
        }
    }
    Ok(())
}
