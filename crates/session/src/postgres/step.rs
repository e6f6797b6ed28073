//! What was sent upstream and is not answered yet.
//!
//! The server answers in order, so a queue of [`Step`]s says what each answer
//! belongs to. Names (prepared statements, portals) change only when the server
//! confirms; until then the change lives in the queue and vanishes with it when
//! the server skips to Sync (PostgreSQL docs, 55.2.3).

use std::sync::Arc;

use ledger::Sequence;
use ledger::event::MaskedCells;
use statement::{ColumnId, Kind, Statement};

use super::Now;
use super::doubt::Under;
use super::errand::Errand;
use super::outcome::Tally;
use super::rows::{CopyMask, RowMask};
use crate::refusal::Refusal;
use crate::verdict::{Judged, Verdict, Words};
use crate::world::Labels;

/// A prepared statement of this session, by protocol or by SQL.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Text of the one statement to run.
    pub text: Arc<str>,
    /// What the server holds in place of the text.
    pub sent: Option<Words>,
    /// Masked columns that are NULL where it computes with them.
    pub degraded: Arc<[Arc<str>]>,
    /// Parameter types as the client declared them.
    pub types: Arc<[u32]>,
    /// The columns it used when it was prepared, if one of them was labelled: the server may go on to use them
    /// though the names have come to mean others.
    pub pinned: Option<Arc<[ColumnId]>>,
}

impl Prepared {
    /// The text that the server holds.
    pub(crate) fn held(&self) -> &Arc<str> {
        self.sent.as_ref().map_or(&self.text, |words| &words.0)
    }

    /// Whether the server may run something else than what `verdict`, the present one on the text, is on.
    pub(crate) fn is_outdated(&self, verdict: &Verdict) -> bool {
        let first = verdict.judged.first();
        verdict.sent != self.sent || first.is_some_and(|j| self.differs(&j.statement))
    }

    /// What [`Prepared::pinned`] holds for a statement.
    pub(crate) fn pin(statement: &Statement, labels: &Labels) -> Option<Arc<[ColumnId]>> {
        let is_labelled = |used: &statement::ColumnUse| labels.get(used.column).is_some();
        statement
            .columns
            .iter()
            .any(is_labelled)
            .then(|| columns(statement).into())
    }

    /// Whether the server may still run what was prepared, though `statement` is what the text means today.
    pub(crate) fn differs(&self, statement: &Statement) -> bool {
        self.pinned
            .as_ref()
            .is_some_and(|pinned| **pinned != *columns(statement))
    }
}

fn columns(statement: &Statement) -> Vec<ColumnId> {
    let mut columns: Vec<ColumnId> = statement.columns.iter().map(|used| used.column).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// A portal or SQL cursor of this session.
#[derive(Clone, Debug)]
pub(crate) struct Portal {
    pub prepared: Arc<Prepared>,
    pub verdict: Arc<Verdict>,
    /// Its statement within the verdict.
    pub index: usize,
    /// What the verdict was made under; re-judged when it changed.
    pub version: (u64, u64),
    /// Result formats as bound (empty: all text).
    pub formats: Arc<[i16]>,
    /// Rows that left so far, those that FETCH took included.
    pub rows: u64,
    /// The catalog its names were looked up in, until that is beyond doubt.
    pub under: Option<Under>,
    /// The number of its Bind in the session.
    pub request: u64,
    /// The intent recorded at Bind, until its outcome is.
    pub intent: Option<Sequence>,
    /// What left by Execute and no outcome tells of yet; none before the first.
    pub left: Option<Tally>,
    /// Survives its transaction.
    pub hold: bool,
    /// Declared by SQL, so fetched by `FETCH`.
    pub cursor: bool,
}

impl Portal {
    /// Its statement.
    pub(crate) fn judged(&self) -> Option<&Judged> {
        self.verdict.judged.get(self.index)
    }
}

/// A statement list being run, by Query or Execute.
#[derive(Debug)]
pub(crate) struct Run {
    pub verdict: Arc<Verdict>,
    /// Statement the server is at.
    pub index: usize,
    /// The portal executed, or none for a simple query.
    pub portal: Option<Box<str>>,
    /// Result formats of the portal.
    pub formats: Arc<[i16]>,
    /// Intent of each statement of the string; a portal has its own.
    pub intents: Vec<Sequence>,
    /// The number of its first statement in the session.
    pub request: u64,
    /// The client knows what is NULL in the statement the server is at.
    pub announced: bool,
    pub started_us: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Rows that left before this run, for portals fetched in pieces.
    pub rows_before: u64,
    pub row_mask: Option<RowMask>,
    pub copy_mask: Option<CopyMask>,
    /// Masked cells of a COPY that ended.
    pub copied: Vec<MaskedCells>,
    /// The server asked for the copy data of the statement being run.
    pub copy_asked: bool,
    /// The catalog it was judged under, if its answers may depend on it.
    pub under: Option<Under>,
    /// Nothing speaks against the answer of the statement being run.
    pub beyond_doubt: bool,
    /// Set when Weir ends the statement itself: nothing more of it leaves.
    pub overruled: Option<Refusal>,
    /// Whether the refusal was sent to the client already.
    pub told: bool,
}

/// A name of the session's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'a> {
    Statement(&'a str),
    Portal(&'a str),
}

impl Name<'_> {
    /// Whether running `judged` may change what this name stands for.
    pub(crate) fn changed_by(self, judged: &Judged) -> bool {
        match (&judged.statement.kind, self) {
            (Kind::Prepare { name, .. }, Name::Statement(own)) => name == own,
            (Kind::Deallocate { name }, Name::Statement(own)) => {
                name.as_deref().is_none_or(|name| name == own)
            }
            (Kind::Declare { cursor, .. }, Name::Portal(own)) => cursor == own,
            (Kind::CloseCursor { name }, Name::Portal(own)) => {
                name.as_deref().is_none_or(|name| name == own)
            }
            (Kind::Discard { all, .. }, _) => *all,
            _ => judged.is_text(),
        }
    }
}

/// One thing the server has yet to answer.
#[derive(Debug)]
pub(crate) enum Step {
    /// A Query message: answers up to ReadyForQuery.
    Query(Box<Run>),
    Parse {
        name: Box<str>,
        prepared: Arc<Prepared>,
        verdict: Arc<Verdict>,
        intent: Option<Sequence>,
    },
    Bind {
        name: Box<str>,
        portal: Portal,
    },
    DescribeStatement {
        verdict: Arc<Verdict>,
        parameters: bool,
    },
    DescribePortal {
        verdict: Arc<Verdict>,
    },
    Execute(Box<Run>),
    CloseStatement(Box<str>),
    ClosePortal(Box<str>),
    Sync,
    /// A message replaced by one that fails; `simple` ones end with ReadyForQuery.
    Refused {
        refusal: Refusal,
        request: u64,
        simple: bool,
    },
    /// Weir's own question; its answers never reach the client.
    Errand(Box<Errand>),
}

impl Step {
    /// Whether this runs a COPY.
    pub(crate) fn copies(&self) -> bool {
        match self {
            Step::Query(run) | Step::Execute(run) => run
                .current()
                .is_some_and(|judged| matches!(judged.statement.kind, Kind::Copy { .. })),
            _ => false,
        }
    }

    /// Whether the server skips this step after an error in an earlier one.
    pub(crate) fn skippable(&self) -> bool {
        // A Query message is skipped like any other.
        !matches!(self, Step::Sync) && !matches!(self, Step::Errand(errand) if errand.sync)
    }
}

impl Run {
    /// Whether a statement of it changes names by SQL.
    pub(crate) fn changes_names(&self) -> bool {
        self.verdict.judged.iter().any(|judged| {
            matches!(
                judged.statement.kind,
                Kind::Prepare { .. }
                    | Kind::Deallocate { .. }
                    | Kind::Declare { .. }
                    | Kind::CloseCursor { .. }
                    | Kind::Discard { .. }
            )
        })
    }

    pub(crate) fn new(
        verdict: Arc<Verdict>,
        portal: Option<Box<str>>,
        intents: Vec<Sequence>,
        now: Now,
    ) -> Self {
        Self {
            verdict,
            index: 0,
            portal,
            formats: Arc::from([]),
            intents,
            request: 0,
            announced: false,
            started_us: now.monotonic_us,
            rows: 0,
            bytes: 0,
            rows_before: 0,
            row_mask: None,
            copy_mask: None,
            copied: Vec::new(),
            copy_asked: false,
            under: None,
            beyond_doubt: false,
            overruled: None,
            told: false,
        }
    }

    /// Masked cells of the statement being run, by label.
    pub(crate) fn masked(&self) -> Vec<MaskedCells> {
        match (&self.row_mask, &self.copy_mask) {
            (Some(mask), _) => mask.counts(),
            (None, Some(mask)) => mask.counts(),
            (None, None) => self.copied.clone(),
        }
    }
}
