//! COPY: data in both directions.

use bytes::BytesMut;
use ledger::event::MaskedCells;
use mask::{Format, Masked, Masker};
use statement::{CopyDirection, CopyFormat, CopyOptions, Header, Kind};
use wire::postgres as pg;

use super::client::Flow;
use super::rows::{self, CopyColumn, CopyMask};
use super::step::{Run, Step};
use super::{End, Machine};
use crate::refusal::Refusal;
use crate::verdict::Judged;

impl Machine {
    /// The server asks for data. It ignores Sync and Flush until the data ends,
    /// so those in flight will not be answered.
    pub(super) fn copy_in_response(&mut self, raw: &[u8]) {
        match self.queue.front_mut() {
            Some(Step::Query(run) | Step::Execute(run)) if run.takes_copy_data() => {
                run.copy_asked = true;
                let extended = matches!(self.queue.front(), Some(Step::Execute(_)));
                while matches!(self.queue.get(1), Some(Step::Sync)) {
                    self.queue.remove(1);
                    // Nor will anything that waits for its answer go on by it.
                    self.definitions_in_flight = false;
                    if extended {
                        self.open = self.open.max(1);
                    }
                }
                self.to_client.buffer().extend_from_slice(raw);
                if self.queue.len() > 1 {
                    // It takes them for copy data, and fails on them.
                    return self.terminate(
                        "08P01",
                        "unexpected message during COPY from stdin",
                        End::ClientProtocol("message during COPY"),
                    );
                }
                self.copy_in = !std::mem::take(&mut self.copy_ended_early);
            }
            _ => self.terminate(
                "08P01",
                "the database broke the protocol; the connection is closed",
                End::UpstreamProtocol("an unexpected CopyInResponse"),
            ),
        }
    }

    /// A client message while the server takes copy data.
    pub(super) fn copy_in_message(&mut self, message: &pg::Frontend<'_>, raw: &[u8]) -> Flow {
        use pg::Frontend as F;
        match message {
            F::CopyData(data) => {
                if let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() {
                    run.bytes += data.len() as u64;
                }
                self.to_upstream.buffer().extend_from_slice(raw);
            }
            F::CopyDone | F::CopyFail(_) => {
                self.copy_in = false;
                self.to_upstream.buffer().extend_from_slice(raw);
            }
            // Ignored by the server in this state: not answered, so not queued.
            F::Flush | F::Sync => {}
            F::Terminate => {
                self.to_upstream.buffer().extend_from_slice(raw);
                self.end = Some(End::Client);
            }
            _ => self.terminate(
                "08P01",
                "unexpected message during COPY from stdin",
                End::ClientProtocol("message during COPY"),
            ),
        }
        Flow::Done
    }

    /// Copy data outside of COPY: the server ignores it, unless a COPY FROM is
    /// in flight that it has not answered yet.
    pub(super) fn early_copy_message(&mut self, message: &pg::Frontend<'_>, raw: &[u8]) -> Flow {
        let expected = self.queue.iter().any(
            |step| matches!(step, Step::Query(run) | Step::Execute(run) if run.will_take_copy_data()),
        );
        if expected {
            if !matches!(message, pg::Frontend::CopyData(_)) {
                self.copy_ended_early = true;
            }
            self.to_upstream.buffer().extend_from_slice(raw);
        }
        Flow::Done
    }
}

impl Run {
    fn takes_copy_data(&self) -> bool {
        !self.copy_asked && self.current().is_some_and(takes_copy_data)
    }

    pub(super) fn will_take_copy_data(&self) -> bool {
        let from = self.index + usize::from(self.copy_asked);
        let left = self.verdict.judged.get(from..).unwrap_or_default();
        left.iter().any(takes_copy_data)
    }
}

fn takes_copy_data(judged: &Judged) -> bool {
    matches!(
        &judged.statement.kind,
        Kind::Copy {
            direction: CopyDirection::From,
            stdio: true,
            ..
        }
    )
}

/// The longest COPY row that is masked; it is held whole, bytes.
const ROW_LIMIT_BYTES: usize = 64 * 1024 * 1024;

impl CopyMask {
    /// The mask for the COPY being run, if any field is masked.
    pub(super) fn for_run(
        run: &Run,
        formats: &pg::CopyFormats<'_>,
    ) -> Result<Option<CopyMask>, Refusal> {
        let Some(judged) = run.current() else {
            return Err(rows::mismatch());
        };
        let Kind::Copy {
            direction: CopyDirection::To,
            stdio: true,
            format,
            options,
            ..
        } = &judged.statement.kind
        else {
            // Opaque to analysis, so nothing of it is masked.
            return if judged.masks.is_empty() {
                Ok(None)
            } else {
                Err(rows::mismatch())
            };
        };
        if judged.copy.iter().all(Option::is_none) {
            return Ok(None);
        }
        let binary = matches!(format, CopyFormat::Binary);
        let fields = judged.copy.len();
        if formats.columns.len() != fields || (formats.overall == pg::Format::Binary) != binary {
            return Err(rows::mismatch());
        }
        let options =
            pg::copy::Options::new(codec(*format, options), Some(fields), ROW_LIMIT_BYTES)
                .map_err(|_| rows::mismatch())?;
        let columns = judged
            .copy
            .iter()
            .map(|field| {
                field.as_ref().map(|(label, column)| CopyColumn {
                    label: label.clone(),
                    column: *column,
                    cells: 0,
                })
            })
            .collect();
        Ok(Some(CopyMask {
            decoder: pg::copy::Decoder::new(options),
            columns,
            format: if binary { Format::Binary } else { Format::Text },
            scratch: Vec::new(),
        }))
    }

    /// Masks one CopyData body and appends what is whole as CopyData to `out`.
    pub(super) fn data(
        &mut self,
        mut data: &[u8],
        masker: &Masker,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        pg::encode::copy_data_with(out, |out| {
            while let Some(row) = self.decoder.next(&mut data)? {
                masked(
                    &row,
                    &mut self.columns,
                    self.format,
                    &mut self.scratch,
                    masker,
                    out,
                )?;
            }
            Ok::<(), pg::Error>(())
        })
        .map_err(|_| rows::mismatch())
    }

    /// The stream is over: the last row, if it has no line end.
    pub(super) fn finish(
        mut self,
        masker: &Masker,
        out: &mut BytesMut,
    ) -> Result<Vec<MaskedCells>, Refusal> {
        pg::encode::copy_data_with(out, |out| {
            if let Some(row) = self.decoder.finish()? {
                masked(
                    &row,
                    &mut self.columns,
                    self.format,
                    &mut self.scratch,
                    masker,
                    out,
                )?;
            }
            Ok::<(), pg::Error>(())
        })
        .map_err(|_| rows::mismatch())?;
        Ok(self.counts())
    }

    /// Masked cells by label so far.
    pub(super) fn counts(&self) -> Vec<MaskedCells> {
        rows::counts(
            self.columns
                .iter()
                .flatten()
                .map(|column| (&column.label, column.cells)),
        )
    }
}

fn masked(
    row: &pg::copy::Row<'_>,
    columns: &mut [Option<CopyColumn>],
    format: Format,
    scratch: &mut Vec<u8>,
    masker: &Masker,
    out: &mut BytesMut,
) -> Result<(), pg::Error> {
    row.rewrite(out, |index, field, cell| {
        let Some(Some(column)) = columns.get_mut(index) else {
            return;
        };
        let Some(raw) = field.value() else { return };
        column.cells += 1;
        scratch.clear();
        match masker.mask(&column.label, &column.column, format, &raw, scratch) {
            Masked::Value => cell.replace(scratch),
            Masked::Null => cell.null(),
        }
    })
}

fn codec(format: CopyFormat, options: &CopyOptions) -> pg::copy::Format {
    let header = match options.header {
        Header::Absent => pg::copy::Header::Absent,
        Header::Present | Header::Match => pg::copy::Header::Present,
    };
    let null = options.null.as_bytes().to_vec();
    match format {
        CopyFormat::Binary => pg::copy::Format::Binary,
        CopyFormat::Text => pg::copy::Format::Text(pg::copy::Text {
            delimiter: options.delimiter,
            null,
            header,
        }),
        CopyFormat::Csv => pg::copy::Format::Csv(pg::copy::Csv {
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            null,
            header,
            force_quote: if options.force_quote_all {
                pg::copy::ColumnSet::All
            } else {
                let forced = options.force_quote.iter().enumerate();
                pg::copy::ColumnSet::Listed(forced.filter_map(|(i, on)| on.then_some(i)).collect())
            },
            force_null: pg::copy::ColumnSet::None,
            force_not_null: pg::copy::ColumnSet::None,
        }),
    }
}
