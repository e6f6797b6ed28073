//! The index and the end of the ledger at one moment, to be asked.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::catalog::MemoryCatalogProviderList;
use datafusion::execution::context::{SQLOptions, SessionContext};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::SessionConfig;
use ledger::Sequence;

use super::answer::Answer;
use super::batch::{self, Shared};
use super::error::{Error, Fault};
use super::index::{Index, Segment};
use super::query::Query;
use super::rows::{Rows, Session, fill};
use super::schema::{STATEMENTS_WITHOUT_LATE_OUTCOMES, VIEWS};
use super::table::{Cache, Entries, STORE};
use crate::read::Reader;

/// Most entries that are read from the ledger because no segment has them.
const UNINDEXED_ENTRIES: u64 = 1 << 20;
/// Memory that one question may take.
const MEMORY_BYTES: usize = 2 << 30;
/// Memory for footers, and as much again for dictionaries.
const CACHE_BYTES: usize = 256 << 20;
/// By how much the part that is searched grows while it holds too little.
const GROWTH: usize = 4;

/// Asks the index of one ledger. What it read of segments it keeps for the next time.
#[derive(Clone)]
pub struct Searcher {
    index: Index,
    cache: Arc<Cache>,
    base: SessionState,
}

impl Searcher {
    /// Of an index.
    ///
    /// # Errors
    /// None that a test has seen.
    pub fn new(index: Index) -> Result<Searcher, Error> {
        let base = SessionStateBuilder::new()
            .with_config(config())
            .with_runtime_env(runtime(&index)?)
            .with_default_features()
            .build();
        Ok(Searcher {
            index,
            cache: Arc::new(Cache::new(CACHE_BYTES)),
            base,
        })
    }

    /// The index as it is, and from the ledger what is not in it.
    ///
    /// # Errors
    /// [`Error::Behind`] if that is very much; [`Error::Store`], [`Error::Ledger`].
    pub async fn snapshot(&self, reader: &Reader) -> Result<Snapshot, Error> {
        let layout = self.index.layout().await?;
        let mut memory = Vec::new();
        let mut segments: Vec<Arc<Segment>> = Vec::new();
        let mut faults = layout.faults;
        let mut next = layout.minimum;
        for segment in layout.segments {
            let about = &segment.about;
            if about.from > next {
                let gap = next..about.from;
                memory.extend(self.unindexed(reader, segments.last(), gap).await?);
            }
            next = about.to;
            segments.push(segment);
        }
        // A ledger that was put back to an earlier state has fewer entries.
        let entries = reader.count()?;
        while let Some(segment) = segments.last().filter(|last| last.about.to > entries) {
            faults.push(Fault {
                name: segment.name().to_owned(),
                reason: format!("the ledger has only {entries} entries"),
            });
            next = segment.about.from;
            segments.pop();
        }
        if entries > next {
            memory.extend(
                self.unindexed(reader, segments.last(), next..entries)
                    .await?,
            );
        }
        let snapshot = self.of(segments, memory, faults).await?;
        Ok(Snapshot {
            entries,
            ..snapshot
        })
    }

    /// Segments and rows in memory, as they are.
    pub(super) async fn of(
        &self,
        segments: Vec<Arc<Segment>>,
        memory: Vec<RecordBatch>,
        faults: Vec<Fault>,
    ) -> Result<Snapshot, Error> {
        let late = segments
            .iter()
            .any(|segment| segment.about.late_outcomes > 0)
            || memory.iter().any(has_late_outcomes);
        let bounds = segments.iter().map(|segment| segment.about.from).collect();
        let entries = Arc::new(Entries {
            index: self.index.clone(),
            segments,
            memory,
            cache: Arc::clone(&self.cache),
        });
        // Tables of its own; all else is shared.
        let state = SessionStateBuilder::new_from_existing(self.base.clone())
            .with_config(config())
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .build();
        let context = SessionContext::new_with_state(state);
        context.register_table("entries", entries)?;
        for view in VIEWS {
            let sql = match view.name {
                "statements" if !late => STATEMENTS_WITHOUT_LATE_OUTCOMES,
                _ => view.sql,
            };
            let frame = context.sql(sql).await?;
            context.register_table(view.name, frame.into_view())?;
        }
        Ok(Snapshot {
            context,
            faults,
            bounds,
            entries: 0,
        })
    }

    async fn open_after(&self, segment: &Segment) -> Result<Vec<Session>, Error> {
        Ok(self.cache.of(&self.index, segment).await?.open_after())
    }

    /// The end of the last segment before an entry, and the sessions open there.
    pub(super) async fn last_before(&self, entry: u64) -> Result<(u64, Vec<Session>), Error> {
        let layout = self.index.layout().await?;
        let last = layout
            .segments
            .iter()
            .rfind(|segment| segment.about.to <= entry);
        match last {
            Some(last) => Ok((last.about.to, self.open_after(last).await?)),
            None => Ok((layout.minimum, Vec::new())),
        }
    }

    /// Rows of entries that no segment has.
    async fn unindexed(
        &self,
        reader: &Reader,
        before: Option<&Arc<Segment>>,
        range: Range<u64>,
    ) -> Result<Vec<RecordBatch>, Error> {
        let entries = range.end.saturating_sub(range.start);
        if entries > UNINDEXED_ENTRIES {
            return Err(Error::Behind {
                from: range.start,
                entries,
            });
        }
        let open = match before.filter(|before| before.about.to == range.start) {
            Some(before) => self.open_after(before).await?,
            None => Vec::new(),
        };
        let mut rows = Rows::new(range.start, open);
        fill(
            &mut rows,
            &mut reader.entries(Sequence(range.start)),
            range.end,
        )?;
        batches(&rows)
    }
}

fn has_late_outcomes(batch: &RecordBatch) -> bool {
    use datafusion::arrow::array::AsArray as _;
    let kinds = batch.column_by_name("kind");
    kinds
        .and_then(|kinds| kinds.as_string_view_opt())
        .is_none_or(|kinds| {
            kinds
                .iter()
                .any(|kind| kind == Some(ledger::Kind::Outcome.name()))
        })
}

/// All rows, in batches.
pub(super) fn batches(rows: &Rows) -> Result<Vec<RecordBatch>, Error> {
    let shared = Shared::of(rows);
    (0..rows.batches())
        .map(|number| batch::batch(&rows.batch(number), &shared).map_err(Error::make))
        .collect()
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(true)
        .with_information_schema(true)
        .with_target_partitions(std::thread::available_parallelism().map_or(1, usize::from));
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.collect_statistics = false;
    config
}

/// What a question may use: the index and a bounded amount of memory, no other store
/// and no temporary files.
fn runtime(index: &Index) -> Result<Arc<RuntimeEnv>, Error> {
    let none = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let runtime = RuntimeEnvBuilder::new()
        .with_disk_manager_builder(none)
        .with_memory_limit(MEMORY_BYTES, 1.0)
        .with_metadata_cache_limit(CACHE_BYTES)
        .build_arc()?;
    let local = ObjectStoreUrl::local_filesystem();
    let _ = runtime.deregister_object_store(local.as_ref());
    let url = ObjectStoreUrl::parse(STORE)?;
    runtime.register_object_store(url.as_ref(), Arc::clone(&index.store));
    Ok(runtime)
}

/// The index and the ledger at one moment.
pub struct Snapshot {
    context: SessionContext,
    faults: Vec<Fault>,
    /// First entry of each segment.
    bounds: Vec<u64>,
    entries: u64,
}

impl Snapshot {
    /// What of the index is not used. The answers are whole nevertheless: the ledger
    /// was read instead.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Entries of the ledger at that moment, if it was read for this.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The newest statements that fit, newest first.
    ///
    /// # Errors
    /// [`Error::Query`]; [`Error::Segment`] if a segment cannot be read.
    pub async fn search(&self, query: &Query) -> Result<Answer, Error> {
        let filter = query.filter();
        let (mut found, mut count, mut step) = (Vec::new(), 0, 1);
        let mut rest = self.bounds.as_slice();
        let mut until = None;
        while count < query.limit {
            // The newest segments first, with what is not in any yet.
            let (older, part) = rest.split_at(rest.len().saturating_sub(step));
            let from = part.first().copied().filter(|_| !older.is_empty());
            let missing = query.limit.saturating_sub(count);
            let batches = self.part(&filter, from, until, missing).await?;
            count = count.saturating_add(batches.iter().map(RecordBatch::num_rows).sum());
            found.extend(batches);
            let Some(from) = from else { break };
            (rest, until, step) = (older, Some(from), step.saturating_mul(GROWTH));
        }
        Ok(Answer::new(found))
    }

    async fn part(
        &self,
        filter: &[Expr],
        from: Option<u64>,
        until: Option<u64>,
        limit: usize,
    ) -> Result<Vec<RecordBatch>, Error> {
        let number = |value: u64| lit(i64::try_from(value).unwrap_or(i64::MAX));
        let mut frame = self.context.table("statements").await?;
        let bounds = from
            .map(|from| col("seq").gt_eq(number(from)))
            .into_iter()
            .chain(until.map(|until| col("seq").lt(number(until))));
        for filter in bounds.chain(filter.iter().cloned()) {
            frame = frame.filter(filter)?;
        }
        let frame = frame
            .sort(vec![col("seq").sort(false, false)])?
            .limit(0, Some(limit))?;
        Ok(frame.collect().await?)
    }

    /// The answer to a SELECT over the tables of the index. Nothing else is run:
    /// nothing that changes anything, no files, no other stores.
    ///
    /// # Errors
    /// [`Error::Query`]; [`Error::Segment`] if a segment cannot be read.
    pub async fn sql(&self, text: &str) -> Result<Answer, Error> {
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        let frame = self.context.sql_with_options(text, options).await?;
        let schema = Arc::clone(frame.schema().inner());
        let batches = frame.collect().await?;
        Ok(Answer::with_schema(&schema, batches))
    }
}
