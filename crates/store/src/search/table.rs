//! The table `entries`: sealed segments and rows in memory, as DataFusion scans it.
//!
//! What a filter asks of columns that a form or a session determines is asked of the
//! dictionaries, exactly; only rows in the postings of what they answer are read.
//! Everything else is left to Parquet's statistics, bloom filters and page index.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::arrow::array::{Array as _, AsArray as _, BinaryArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{Int64Type, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, DFSchema, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetFileReaderFactory, ParquetRowSelection,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use datafusion::scalar::ScalarValue;
use futures::{StreamExt as _, TryStreamExt as _};

use super::index::{Index, Segment};
use super::postings::RowSet;
use super::schema::{self, FORM, SESSION};
use super::segment::Dictionaries;

/// Dictionaries that are read at one time.
const AT_ONCE: usize = 16;

/// Name of the object store inside DataFusion: nothing else has one.
pub(super) const STORE: &str = "weir://search";

/// The table `entries` at one moment.
#[derive(Debug)]
pub(super) struct Entries {
    pub(super) index: Index,
    /// In order.
    pub(super) segments: Vec<Arc<Segment>>,
    /// Rows of entries that are in none of them.
    pub(super) memory: Vec<RecordBatch>,
    pub(super) cache: Arc<Cache>,
}

/// Dictionaries that were read, up to a number of bytes.
#[derive(Debug)]
pub(super) struct Cache {
    limit_bytes: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    held: HashMap<(u64, u64), (Arc<Dictionaries>, u64)>,
    bytes: usize,
    clock: u64,
}

impl Cache {
    pub(super) fn new(limit_bytes: usize) -> Cache {
        Cache {
            limit_bytes,
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn of(
        &self,
        index: &Index,
        segment: &Segment,
    ) -> std::result::Result<Arc<Dictionaries>, super::Error> {
        let key = (segment.about.from, segment.about.to);
        {
            let mut inner = self.inner();
            inner.clock = inner.clock.saturating_add(1);
            let now = inner.clock;
            if let Some((held, used)) = inner.held.get_mut(&key) {
                *used = now;
                return Ok(Arc::clone(held));
            }
        }
        let read = Arc::new(index.dictionaries(segment).await?);
        let mut inner = self.inner();
        let now = inner.clock;
        inner.bytes = inner.bytes.saturating_add(read.bytes());
        inner.held.insert(key, (Arc::clone(&read), now));
        while inner.bytes > self.limit_bytes && inner.held.len() > 1 {
            let oldest = inner.held.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else {
                break;
            };
            if let Some((gone, _)) = inner.held.remove(&oldest) {
                inner.bytes = inner.bytes.saturating_sub(gone.bytes());
            }
        }
        Ok(read)
    }
}

/// What a filter is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Forms,
    Sessions,
    Rows,
}

fn about(filter: &Expr) -> About {
    let columns = filter.column_refs();
    let within = |names: &[&str]| {
        !columns.is_empty()
            && columns
                .iter()
                .all(|column| names.contains(&column.name.as_str()))
    };
    match (within(FORM), within(SESSION)) {
        (true, _) => About::Forms,
        (_, true) => About::Sessions,
        (false, false) => About::Rows,
    }
}

/// The filters as one physical expression over a schema.
fn compile(
    state: &dyn Session,
    filters: Vec<Expr>,
    schema: &Schema,
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(filter) = conjunction(filters) else {
        return Ok(None);
    };
    let schema = DFSchema::try_from(schema.clone())?;
    state.create_physical_expr(filter, &schema).map(Some)
}

/// Which rows of a batch a filter keeps.
fn kept(filter: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray> {
    let kept = filter.evaluate(batch)?.into_array(batch.num_rows())?;
    let kept = kept
        .as_boolean_opt()
        .ok_or_else(|| DataFusionError::Internal("a filter is no truth value".to_owned()))?;
    // What is neither true nor false is not kept.
    Ok(kept.iter().map(|kept| Some(kept == Some(true))).collect())
}

/// The rows that have any of these entries of a dictionary; `None` for all.
fn rows_of(dictionary: &RecordBatch, kept: &BooleanArray, rows: usize) -> Option<Option<RowSet>> {
    if kept.true_count() == kept.len() {
        return Some(None);
    }
    let postings = dictionary.column_by_name("postings")?;
    let postings: &BinaryArray = postings.as_any().downcast_ref()?;
    let mut set = RowSet::none(rows);
    for (place, kept) in kept.iter().enumerate() {
        if kept == Some(true) && !set.add(postings.value(place)) {
            return None;
        }
    }
    Some(Some(set))
}

impl Entries {
    /// The first entry there may be.
    pub(super) fn first(&self) -> Option<u64> {
        if let Some(segment) = self.segments.first() {
            return Some(segment.about.from);
        }
        let seq = self.memory.first()?.column_by_name("seq")?;
        let seq = seq.as_primitive_opt::<Int64Type>()?.values().first()?;
        u64::try_from(*seq).ok()
    }

    /// The segments that may hold what is asked for, by position and time.
    fn prune(&self, filter: Option<&Arc<dyn PhysicalExpr>>) -> Result<Vec<Arc<Segment>>> {
        let Some(filter) = filter else {
            return Ok(self.segments.clone());
        };
        let statistics = self
            .segments
            .iter()
            .map(|s| Arc::new(statistics(s)))
            .collect();
        let statistics = PrunableStatistics::new(statistics, schema::schema());
        let kept = PruningPredicateBuilder::new()
            .with_file_schema(schema::schema())
            .try_build(Arc::clone(filter))?
            .prune(&statistics)?;
        let segments = self.segments.iter().zip(kept);
        Ok(segments
            .filter(|(_, kept)| *kept)
            .map(|(segment, _)| Arc::clone(segment))
            .collect())
    }

    /// One segment as a file to scan, with the rows that count; `None` if it has none.
    async fn file(
        &self,
        segment: Arc<Segment>,
        filters: [Option<Arc<dyn PhysicalExpr>>; 2],
    ) -> Result<Option<PartitionedFile>> {
        let mut file = PartitionedFile::new_from_meta(segment.object.clone())
            .with_statistics(Arc::new(statistics(&segment)));
        if filters.iter().all(Option::is_none) {
            return Ok(Some(file));
        }
        let rows = usize::try_from(segment.about.rows).unwrap_or(usize::MAX);
        let outside = |error| DataFusionError::External(Box::new(error));
        let dictionaries = self
            .cache
            .of(&self.index, &segment)
            .await
            .map_err(outside)?;
        let [forms, sessions] = &filters;
        let mut chosen: Option<RowSet> = None;
        for (filter, dictionary) in [
            (forms, &dictionaries.forms),
            (sessions, &dictionaries.sessions),
        ] {
            let Some(filter) = filter else { continue };
            let set = rows_of(dictionary, &kept(filter, dictionary)?, rows)
                .ok_or_else(|| outside(segment.fault("its postings are damaged")))?;
            let Some(set) = set else { continue };
            match &mut chosen {
                Some(chosen) => chosen.intersect(&set),
                None => chosen = Some(set),
            }
        }
        if let Some(chosen) = chosen {
            match chosen.count() {
                0 => return Ok(None),
                all if all == rows => {}
                _ => file = file.with_extension(ParquetRowSelection::new(chosen.selection())),
            }
        }
        Ok(Some(file))
    }
}

/// What is known of a segment's rows without reading it.
fn statistics(segment: &Segment) -> Statistics {
    let schema = schema::schema();
    let about = &segment.about;
    let number = |value: u64| ScalarValue::Int64(i64::try_from(value).ok());
    let time = |value: i64| ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into()));
    let [first, last] = about.at_us;
    let columns = schema.fields().iter().map(|field| {
        let unknown = ColumnStatistics::new_unknown();
        match field.name().as_str() {
            "seq" => ColumnStatistics {
                min_value: Precision::Exact(number(about.from)),
                max_value: Precision::Exact(number(about.to.saturating_sub(1))),
                null_count: Precision::Exact(0),
                ..unknown
            },
            "at" => ColumnStatistics {
                min_value: Precision::Exact(time(first)),
                max_value: Precision::Exact(time(last)),
                null_count: Precision::Exact(0),
                ..unknown
            },
            _ => unknown,
        }
    });
    Statistics {
        num_rows: Precision::Inexact(usize::try_from(about.rows).unwrap_or(usize::MAX)),
        total_byte_size: Precision::Absent,
        column_statistics: columns.collect(),
    }
}

#[async_trait]
impl TableProvider for Entries {
    fn schema(&self) -> SchemaRef {
        schema::schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match about(filter) {
                About::Forms | About::Sessions => TableProviderFilterPushDown::Exact,
                About::Rows => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = schema::schema();
        let of = |what: About| {
            let chosen = filters.iter().filter(|filter| about(filter) == what);
            chosen.cloned().collect::<Vec<_>>()
        };
        let rows = compile(state, of(About::Rows), &schema)?;
        let dictionaries = [
            compile(state, of(About::Forms), &schema::dictionary(FORM))?,
            compile(state, of(About::Sessions), &schema::dictionary(SESSION))?,
        ];
        let mut segments = self.prune(rows.as_ref())?;
        if of(About::Forms).iter().any(asks_for_late_outcomes) {
            segments.retain(|segment| segment.about.late_outcomes > 0);
        }
        // Newest first, so that a search for the newest ends early.
        let files: Vec<PartitionedFile> = futures::stream::iter(segments.into_iter().rev())
            .map(|segment| self.file(segment, dictionaries.clone()))
            .buffered(AT_ONCE)
            .try_filter_map(|file| std::future::ready(Ok(file)))
            .try_collect()
            .await?;

        let all = compile(state, filters.to_vec(), &schema)?;
        let mut memory = Vec::new();
        for batch in &self.memory {
            let batch = match &all {
                Some(filter) => filter_record_batch(batch, &kept(filter, batch)?)?,
                None => batch.clone(),
            };
            if batch.num_rows() > 0 {
                memory.push(batch);
            }
        }
        let mut plans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !files.is_empty() {
            plans.push(scan(state, files, rows, projection, limit)?);
        }
        if !memory.is_empty() || plans.is_empty() {
            let exec = MemorySourceConfig::try_new_exec(&[memory], schema, projection.cloned())?;
            plans.push(exec);
        }
        UnionExec::try_new(plans)
    }
}

/// `kind = 'statement.outcome'`, which most segments are known to have none of.
fn asks_for_late_outcomes(filter: &Expr) -> bool {
    let outcome = ledger::Kind::Outcome.name();
    let Expr::BinaryExpr(binary) = filter else {
        return false;
    };
    let named = matches!(&*binary.left, Expr::Column(column) if column.name == "kind");
    let value = match &*binary.right {
        Expr::Literal(value, _) => value.try_as_str().flatten() == Some(outcome),
        _ => false,
    };
    named && value && binary.op == datafusion::logical_expr::Operator::Eq
}

fn scan(
    state: &dyn Session,
    files: Vec<PartitionedFile>,
    rows: Option<Arc<dyn PhysicalExpr>>,
    projection: Option<&Vec<usize>>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let url = ObjectStoreUrl::parse(STORE)?;
    let runtime = state.runtime_env();
    let store = runtime.object_store(&url)?;
    let cache = runtime.cache_manager.get_file_metadata_cache();
    let mut source = ParquetSource::new(schema::schema())
        .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(
            store, cache,
        )))
        .with_pushdown_filters(true)
        .with_enable_page_index(true)
        .with_bloom_filter_on_read(true);
    let limit = match rows {
        // More may be read than is kept.
        Some(filter) => {
            source = source.with_predicate(filter);
            None
        }
        None => limit,
    };
    let partitions = state.config_options().execution.target_partitions.max(1);
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); partitions.min(files.len())];
    let count = groups.len();
    for (number, file) in files.into_iter().enumerate() {
        if let Some(group) = groups.get_mut(number % count) {
            group.push(file);
        }
    }
    let config = FileScanConfigBuilder::new(url, Arc::new(source))
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_projection_indices(projection.cloned())?
        .with_limit(limit)
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

impl Dictionaries {
    /// Memory they take.
    fn bytes(&self) -> usize {
        let size = |batch: &RecordBatch| batch.get_array_memory_size();
        size(&self.forms).saturating_add(size(&self.sessions))
    }
}
