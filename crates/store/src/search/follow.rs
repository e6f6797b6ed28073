//! Statements as they end: `weir audit search --follow`.

use ledger::Sequence;

use super::answer::Answer;
use super::batch::{self, Shared};
use super::error::Error;
use super::query::Query;
use super::rows::{Rows, fill};
use super::snapshot::Searcher;
use crate::read::{Entries, Reader};

/// Rows that are kept before those that nobody waits for are let go.
const KEPT_ROWS: usize = 100_000;
/// Entries that are read at once.
const AT_ONCE: u64 = 10_000;

/// Follows a ledger from one moment on.
pub struct Follow<'a> {
    searcher: Searcher,
    rows: Rows,
    entries: Entries<'a>,
}

impl Searcher {
    /// Follows the ledger from entry `from` on, which is not before the last segment's
    /// end: mostly [`super::Snapshot::entries`].
    ///
    /// # Errors
    /// As [`Searcher::snapshot`].
    pub async fn follow<'a>(&self, reader: &'a Reader, from: u64) -> Result<Follow<'a>, Error> {
        let (begin, open) = self.last_before(reader, from).await?;
        let mut rows = Rows::new(begin, open);
        let mut entries = reader.entries(Sequence(begin));
        fill(&mut rows, &mut entries, from)?;
        rows.take_complete();
        Ok(Follow {
            searcher: self.clone(),
            rows,
            entries,
        })
    }
}

impl Follow<'_> {
    /// What fits of the statements that ended, or were refused, since the last time;
    /// in the order of the ledger.
    ///
    /// # Errors
    /// [`Error::Ledger`], [`Error::Query`].
    pub async fn next(&mut self, query: &Query) -> Result<Answer, Error> {
        let until = self.rows.to.saturating_add(AT_ONCE);
        fill(&mut self.rows, &mut self.entries, until)?;
        let complete = self.rows.take_complete();
        if complete.is_empty() {
            return Ok(Answer::default());
        }
        let part: Vec<_> = complete
            .iter()
            .filter_map(|row| self.rows.rows.get(*row))
            .collect();
        let batch = batch::batch(&part, &Shared::of(&self.rows)).map_err(Error::make)?;
        let snapshot = self.searcher.of(Vec::new(), vec![batch], 0).await?;
        let query = Query {
            limit: part.len(),
            ..query.clone()
        };
        let answer = snapshot.search(&query).await?.reversed()?;
        if self.rows.rows.len() > KEPT_ROWS {
            self.rows.forget_complete();
        }
        Ok(answer)
    }
}
