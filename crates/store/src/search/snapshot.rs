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
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use super::answer::Answer;
use super::batch::{self, Shared};
use super::error::{Error, Fault};
use super::index::{Index, Layout, Segment};
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
/// Longest SELECT.
const SQL_BYTES: usize = 1 << 20;
/// Most signs and words in it that may each put a level on top of others: what reads it
/// recurses, and takes time that grows with the square.
const SQL_LEVELS: usize = 500;
/// Stack for that.
const STACK_BYTES: usize = 256 << 20;
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
        self.snapshot_of(reader, layout).await
    }

    /// As [`Searcher::snapshot`], of segments that were read to the end: what else but
    /// the ledger is left after [`Error::Read`].
    ///
    /// # Errors
    /// As [`Searcher::snapshot`].
    pub async fn readable_snapshot(&self, reader: &Reader) -> Result<Snapshot, Error> {
        let mut layout = self.index.layout().await?;
        for segment in std::mem::take(&mut layout.segments) {
            match self.index.read_whole(&segment).await {
                Ok(()) => layout.segments.push(segment),
                Err(Error::Segment(fault)) => layout.faults.push(fault),
                Err(error) => return Err(error),
            }
        }
        self.snapshot_of(reader, layout).await
    }

    async fn snapshot_of(&self, reader: &Reader, layout: Layout) -> Result<Snapshot, Error> {
        // What the ledger does not keep any more is not found either.
        let minimum = layout.minimum.max(reader.minimum()?.0);
        let mut memory = Vec::new();
        let mut segments: Vec<Arc<Segment>> = Vec::new();
        let mut faults = layout.faults;
        let mut next = minimum;
        for segment in layout.segments {
            let about = &segment.about;
            if about.to <= minimum {
                continue;
            }
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
        let snapshot = self.of(segments, memory, minimum).await?;
        Ok(Snapshot {
            entries,
            faults,
            ..snapshot
        })
    }

    /// Segments and rows in memory, as they are, but for entries before `minimum`.
    pub(super) async fn of(
        &self,
        segments: Vec<Arc<Segment>>,
        memory: Vec<RecordBatch>,
        minimum: u64,
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
        // What holds the minimum has entries before it.
        if entries.first().is_some_and(|first| first < minimum) {
            let kept = col("seq").gt_eq(number(minimum));
            let frame = context.read_table(entries)?.filter(kept)?;
            context.register_table("entries", frame.into_view())?;
        } else {
            context.register_table("entries", entries)?;
        }
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
            faults: Vec::new(),
            bounds,
            entries: 0,
        })
    }

    async fn open_after(&self, segment: &Segment) -> Result<Vec<Session>, Error> {
        Ok(self.cache.of(&self.index, segment).await?.open_after())
    }

    /// The end of the last segment before an entry, and the sessions open there.
    pub(super) async fn last_before(
        &self,
        reader: &Reader,
        entry: u64,
    ) -> Result<(u64, Vec<Session>), Error> {
        let layout = self.index.layout().await?;
        let minimum = layout.minimum.max(reader.minimum()?.0);
        let last = layout
            .segments
            .iter()
            .rfind(|segment| (minimum..=entry).contains(&segment.about.to));
        match last {
            Some(last) => Ok((last.about.to, self.open_after(last).await?)),
            None => Ok((minimum, Vec::new())),
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

fn number(value: u64) -> Expr {
    lit(i64::try_from(value).unwrap_or(i64::MAX))
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
        if text.len() > SQL_BYTES {
            return Err(Error::Query(format!(
                "the query has {} bytes; at most {SQL_BYTES} are taken",
                text.len()
            )));
        }
        let levels = levels(text);
        if levels > SQL_LEVELS {
            return Err(Error::Query(format!(
                "the query has {levels} operators, parentheses and the like; at most \
                 {SQL_LEVELS} are taken. Compare with a list: `IN (…)`"
            )));
        }
        let (context, text) = (self.context.clone(), text.to_owned());
        let (mut answer, answered) = oneshot::channel();
        let ask = move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            let done = runtime.map_err(Error::make).and_then(|runtime| {
                runtime.block_on(async {
                    tokio::select! {
                        () = answer.closed() => Err(Error::Query("nobody waits".to_owned())),
                        done = select(&context, &text) => done,
                    }
                })
            });
            let _ = answer.send(done);
        };
        std::thread::Builder::new()
            .name("select".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(ask)
            .map_err(Error::make)?;
        answered.await.map_err(Error::make)?
    }
}

/// How deeply a text may be nested at most, whatever of it is quoted or commented out.
fn levels(text: &str) -> usize {
    const WORDS: [&str; 9] = [
        "and",
        "case",
        "except",
        "intersect",
        "join",
        "not",
        "or",
        "select",
        "union",
    ];
    let signs = text
        .bytes()
        .filter(|byte| b"+-*/%|&^#<>=!~:[({".contains(byte));
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    let words = words.filter(|word| WORDS.iter().any(|one| one.eq_ignore_ascii_case(word)));
    signs.count().saturating_add(words.count())
}

async fn select(context: &SessionContext, text: &str) -> Result<Answer, Error> {
    let options = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    let frame = context.sql_with_options(text, options).await?;
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await?;
    Ok(Answer::with_schema(&schema, batches))
}
