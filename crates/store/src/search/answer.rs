//! Answers, as text or JSON.

use std::io::Write;

use datafusion::arrow::array::{RecordBatch, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::json::WriterBuilder;
use datafusion::arrow::json::writer::LineDelimited;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::Error;

/// RFC 3339, always as long.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// Rows of an answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    names: Vec<String>,
    batches: Vec<RecordBatch>,
}

impl Answer {
    pub(super) fn new(batches: Vec<RecordBatch>) -> Answer {
        let names = batches.first().map(|batch| names(&batch.schema()));
        Answer {
            names: names.unwrap_or_default(),
            batches,
        }
    }

    pub(super) fn with_schema(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Answer {
        Answer {
            names: names(schema),
            batches,
        }
    }

    /// The rows in the opposite order.
    ///
    /// # Errors
    /// None that a test has seen.
    pub fn reversed(mut self) -> Result<Answer, Error> {
        self.batches.reverse();
        for batch in &mut self.batches {
            let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
            let backwards: UInt64Array = (0..rows).rev().collect();
            *batch = take_record_batch(batch, &backwards)
                .map_err(|error| Error::Query(error.to_string()))?;
        }
        Ok(self)
    }

    /// Names of the columns; none if nothing was found and nobody knows.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every row as texts, those of the named columns; what is not there is empty.
    ///
    /// # Errors
    /// [`Error::Query`] if a value has no text.
    pub fn rows(&self, columns: &[&str]) -> Result<Vec<Vec<String>>, Error> {
        let options = FormatOptions::default()
            .with_null("")
            .with_timestamp_tz_format(Some(TIME));
        let mut rows = Vec::with_capacity(self.len());
        for batch in &self.batches {
            let schema = batch.schema();
            let formatters = columns
                .iter()
                .map(|name| {
                    let Ok(place) = schema.index_of(name) else {
                        return Ok(None);
                    };
                    ArrayFormatter::try_new(batch.column(place), &options).map(Some)
                })
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| Error::Query(error.to_string()))?;
            for row in 0..batch.num_rows() {
                let text = |formatter: &Option<ArrayFormatter<'_>>| match formatter {
                    Some(formatter) => formatter.value(row).to_string(),
                    None => String::new(),
                };
                rows.push(formatters.iter().map(text).collect());
            }
        }
        Ok(rows)
    }

    /// Every row as a JSON object on a line of its own.
    ///
    /// # Errors
    /// [`Error::Query`] if a value is not JSON or `to` fails.
    pub fn write_json(&self, to: &mut impl Write) -> Result<(), Error> {
        let fault = |error: datafusion::arrow::error::ArrowError| Error::Query(error.to_string());
        let mut writer = WriterBuilder::new()
            .with_timestamp_tz_format(TIME.to_owned())
            .build::<_, LineDelimited>(to);
        writer
            .write_batches(&self.batches.iter().collect::<Vec<_>>())
            .map_err(fault)?;
        writer.finish().map_err(fault)
    }
}

fn names(schema: &SchemaRef) -> Vec<String> {
    schema
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect()
}
