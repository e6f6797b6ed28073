//! A sealed segment: one Parquet file that any engine reads, with what makes Weir
//! find rows without reading them.
//!
//! Behind the last row group stand two dictionaries, each a small Parquet file of its
//! own: the forms of statements and the sessions, every one with its postings. The
//! key `weir` of the footer tells where they are and what the segment holds. Other
//! engines pass over both.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayRef, BinaryArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::{KeyValue, SortingColumn};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;
use ledger::merkle::leaf_hash;
use serde::{Deserialize, Serialize};

use super::batch::{self, Shared};
use super::error::Error;
use super::postings::Runs;
use super::rows::{Rows, Session, What};
use super::schema::{self, FORM, SESSION, VERSION};

const GROUP_ROWS: usize = 64 << 10;
const PAGE_ROWS: usize = 4096;
/// A dictionary page holds every shape of a row group, unless they are very many.
const DICTIONARY_PAGE_BYTES: usize = 4 << 20;

/// Key of [`About`] in the footer.
pub(super) const KEY: &str = "weir";

/// What a segment says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    /// Version of the form.
    pub(super) v: u64,
    /// The log's origin.
    pub(super) origin: String,
    /// The log's id, hexadecimal.
    pub(super) log: String,
    /// Position of the first entry.
    pub(super) from: u64,
    /// Position after the last.
    pub(super) to: u64,
    /// RFC 6962 hash of the last entry, hexadecimal.
    pub(super) last_leaf: String,
    /// Least and greatest time, microseconds since 1970 UTC.
    pub(super) at_us: [i64; 2],
    /// Rows, and those that are outcomes.
    pub(super) rows: u64,
    pub(super) late_outcomes: u64,
    forms: Block,
    sessions: Block,
}

/// Where in the file a dictionary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    offset: u64,
    length: u64,
    crc32c: u32,
}

/// Writes a segment.
///
/// # Errors
/// [`Error::Make`].
pub(super) fn write(rows: &Rows, origin: &str, log: &[u8; 16]) -> Result<Vec<u8>, Error> {
    let shared = Shared::of(rows);
    let (mut forms, mut sessions) = (
        vec![Runs::default(); rows.forms.len()],
        vec![Runs::default(); rows.sessions.len()],
    );
    let (mut late_outcomes, mut at_us) = (0_u64, [i64::MAX, i64::MIN]);
    for (number, row) in rows.rows.iter().enumerate() {
        for (all, place) in [(&mut forms, row.form), (&mut sessions, row.session)] {
            if let Some(runs) = all.get_mut(place as usize) {
                runs.push(number as u64);
            }
        }
        late_outcomes += u64::from(matches!(row.content, What::LateOutcome(_)));
        let [first, last] = at_us;
        at_us = [first.min(row.at_us), last.max(row.at_us)];
    }

    let properties = properties(rows)?;
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema::schema(), options)
        .map_err(Error::make)?;
    for number in 0..rows.batches() {
        let batch = batch::batch(&rows.batch(number), &shared).map_err(Error::make)?;
        writer.write(&batch).map_err(Error::make)?;
    }
    writer.flush().map_err(Error::make)?;

    let open = rows.open_places();
    let open: BooleanArray = (0..)
        .take(rows.sessions.len())
        .map(|place| Some(open.contains(&place)))
        .collect();
    let forms = dictionary(FORM, batch::columns(&shared.forms, FORM), None, forms)?;
    let columns = batch::columns(&shared.sessions, SESSION);
    let sessions = dictionary(SESSION, columns, Some(open), sessions)?;
    let mut put = |bytes: &[u8]| -> Result<Block, Error> {
        let offset = writer.bytes_written() as u64;
        writer.write_all(bytes).map_err(Error::make)?;
        Ok(Block {
            offset,
            length: bytes.len() as u64,
            crc32c: crc32c::crc32c(bytes),
        })
    };
    let about = About {
        v: VERSION,
        origin: origin.to_owned(),
        log: hex(log),
        from: rows.from,
        to: rows.to,
        last_leaf: hex(&leaf_hash(&rows.last)),
        at_us,
        rows: rows.rows.len() as u64,
        late_outcomes,
        forms: put(&forms)?,
        sessions: put(&sessions)?,
    };
    let about = serde_json::to_string(&about).map_err(Error::make)?;
    writer.append_key_value_metadata(KeyValue::new(KEY.to_owned(), about));
    writer.into_inner().map_err(Error::make)
}

fn properties(rows: &Rows) -> Result<WriterProperties, Error> {
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let mut builder = WriterProperties::builder()
        .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(3).map_err(Error::make)?,
        ))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS / 4)
        .set_dictionary_page_size_limit(DICTIONARY_PAGE_BYTES)
        .set_column_index_truncate_length(Some(64))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(vec![SortingColumn {
            column_idx: 0,
            descending: false,
            nulls_first: false,
        }]));
    let distinct = [
        ("session", rows.sessions.len()),
        ("principal", rows.sessions.len()),
        ("fingerprint", rows.forms.len()),
    ];
    for (name, count) in distinct {
        builder = builder
            .set_column_bloom_filter_enabled(path(name), true)
            .set_column_bloom_filter_fpp(path(name), 0.01)
            .set_column_bloom_filter_max_ndv(path(name), count.max(1) as u64);
    }
    // Of positions and numbers that are almost all different a dictionary helps nobody.
    for name in [
        "seq",
        "at",
        "outcome_seq",
        "ended_at",
        "duration_us",
        "statement",
    ] {
        builder = builder
            .set_column_dictionary_enabled(path(name), false)
            .set_column_encoding(
                path(name),
                datafusion::parquet::basic::Encoding::DELTA_BINARY_PACKED,
            );
    }
    Ok(builder.build())
}

fn dictionary(
    names: &[&str],
    mut columns: Vec<ArrayRef>,
    open: Option<BooleanArray>,
    postings: Vec<Runs>,
) -> Result<Vec<u8>, Error> {
    let schema = schema::dictionary(names);
    let closed = || BooleanArray::from(vec![false; postings.len()]);
    columns.push(Arc::new(open.unwrap_or_else(closed)));
    let postings = postings.into_iter().map(|runs| Some(runs.finish()));
    columns.push(Arc::new(postings.collect::<BinaryArray>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(Error::make)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(
            ZstdLevel::try_new(3).map_err(Error::make)?,
        ))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("weir".to_owned())
        .build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let mut writer =
        ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(Error::make)?;
    writer.write(&batch).map_err(Error::make)?;
    writer.into_inner().map_err(Error::make)
}

/// The dictionaries of a segment.
#[derive(Debug)]
pub(super) struct Dictionaries {
    pub(super) forms: RecordBatch,
    pub(super) sessions: RecordBatch,
}

impl About {
    /// Where the dictionaries are.
    pub(super) fn blocks(&self) -> [std::ops::Range<u64>; 2] {
        [self.forms, self.sessions]
            .map(|block| block.offset..block.offset.saturating_add(block.length))
    }

    /// Reads the dictionaries; the reason if they are damaged.
    pub(super) fn dictionaries(
        &self,
        forms: &Bytes,
        sessions: &Bytes,
    ) -> Result<Dictionaries, String> {
        let read = |block: Block, bytes: &Bytes, names: &[&str]| {
            if crc32c::crc32c(bytes) != block.crc32c {
                return Err("the checksum of a dictionary is wrong".to_owned());
            }
            decode(bytes, &schema::dictionary(names)).map_err(|error| error.to_string())
        };
        Ok(Dictionaries {
            forms: read(self.forms, forms, FORM)?,
            sessions: read(self.sessions, sessions, SESSION)?,
        })
    }
}

/// All rows of a Parquet file, with these types.
pub(super) fn decode(
    bytes: &Bytes,
    schema: &SchemaRef,
) -> Result<RecordBatch, datafusion::parquet::errors::ParquetError> {
    let options = ArrowReaderOptions::new().with_schema(Arc::clone(schema));
    let reader =
        ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options)?.build()?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(schema, &batches)?)
}

impl Dictionaries {
    /// The sessions that are open after the last entry.
    pub(super) fn open_after(&self) -> Vec<Session> {
        let flags = self.sessions.column_by_name("open");
        let Some(flags) = flags.and_then(|flags| flags.as_any().downcast_ref::<BooleanArray>())
        else {
            return Vec::new();
        };
        let text = |name: &str, row: usize| {
            let column = self.sessions.column_by_name(name)?;
            let column = column
                .as_any()
                .downcast_ref::<datafusion::arrow::array::StringViewArray>()?;
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        (0..flags.len())
            .filter(|row| flags.value(*row))
            .map(|row| Session {
                session: text("session", row),
                principal: text("principal", row),
                principal_kind: text("principal_kind", row),
                on_behalf_of: text("on_behalf_of", row),
                target: text("target", row),
                environment: text("environment", row),
            })
            .collect()
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
