//! Masking of result rows and COPY data in flight.

use bytes::BytesMut;
use ledger::event::MaskedCells;
use mask::{ColumnType, Format, Label, Masked, Masker};
use wire::postgres as pg;

use statement::ColumnId;

use crate::refusal::{Cause, Refusal};
use crate::verdict::{Described, Judged};
use crate::world::World;

/// How the rows of one result are masked.
#[derive(Debug)]
pub(crate) struct RowMask {
    columns: Vec<Option<ColumnMask>>,
    rows: u64,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct ColumnMask {
    label: Label,
    column: ColumnType,
    format: Format,
    cells: u64,
}

/// The server's answer is not what was proven before execution.
pub(crate) fn mismatch() -> Refusal {
    Refusal::new(
        Cause::Mismatch,
        "weir.result-mismatch",
        "the server described a result that differs from the analysed statement, so nothing of it is sent",
    )
    .hint("Run the statement again; if it persists, report it with the request id.")
}

/// Checks a described result against lineage, and gives its types.
///
/// Every column's origin (table oid, attribute) must be what analysis said
/// (DESIGN §5, *describe before execute*).
pub(crate) fn verify(
    judged: &Judged,
    description: &pg::RowDescription<'_>,
) -> Result<Vec<Described>, Refusal> {
    let mut types = Vec::with_capacity(judged.outputs.len());
    let outputs = &judged.statement.outputs;
    let mut count = 0usize;
    for (index, field) in description.fields().enumerate() {
        let output = outputs.get(index).ok_or_else(mismatch)?;
        let reported = match output.reported {
            Some(column) => (column.relation, column.attribute),
            None => (0, 0),
        };
        if (field.table_oid, field.attribute) != reported {
            return Err(mismatch());
        }
        types.push(Described {
            type_oid: field.type_oid,
            type_modifier: field.type_modifier,
        });
        count = index + 1;
    }
    if count != outputs.len() {
        return Err(mismatch());
    }
    Ok(types)
}

/// Refuses a result that comes from a labelled column the statement was not
/// known to read, or from one that nobody looked at: names have changed their
/// meaning since it was judged.
pub(crate) fn expected(
    judged: &Judged,
    world: &World,
    description: &pg::RowDescription<'_>,
) -> Result<(), Refusal> {
    let unseen = |origin: ColumnId| {
        world.labels.unseen().is_some()
            && origin.relation != 0
            && origin.attribute > 0
            && world.catalog.column_name(origin).is_none()
    };
    for field in description.fields() {
        let origin = ColumnId {
            relation: field.table_oid,
            attribute: field.attribute,
        };
        if (world.labels.get(origin).is_some() || unseen(origin))
            && !judged
                .statement
                .columns
                .iter()
                .any(|used| used.column == origin)
        {
            return Err(mismatch());
        }
    }
    Ok(())
}

impl RowMask {
    /// The mask for `judged`, given described types and a format per column.
    pub(crate) fn new(
        judged: &Judged,
        types: &[Described],
        format: impl Fn(usize) -> Format,
    ) -> Result<Self, Refusal> {
        if types.len() != judged.outputs.len() {
            return Err(mismatch());
        }
        let columns = judged
            .outputs
            .iter()
            .zip(types)
            .enumerate()
            .map(|(index, (label, described))| {
                label.as_ref().map(|(label, category)| ColumnMask {
                    label: label.clone(),
                    column: ColumnType {
                        oid: described.type_oid,
                        modifier: described.type_modifier,
                        category: *category,
                    },
                    format: format(index),
                    cells: 0,
                })
            })
            .collect();
        Ok(Self {
            columns,
            rows: 0,
            scratch: Vec::new(),
        })
    }

    /// Appends `row` to `out` with labelled cells masked.
    pub(crate) fn row(
        &mut self,
        row: &pg::DataRow<'_>,
        masker: &Masker,
        out: &mut BytesMut,
    ) -> Result<(), Refusal> {
        if row.len() != self.columns.len() {
            return Err(mismatch());
        }
        self.rows += 1;
        let scratch = &mut self.scratch;
        let columns = &mut self.columns;
        pg::rewrite_row(*row, out, |index, raw, cell| {
            let Some(Some(mask)) = columns.get_mut(index) else {
                return;
            };
            let Some(raw) = raw else { return };
            mask.cells += 1;
            scratch.clear();
            match masker.mask(&mask.label, &mask.column, mask.format, raw, scratch) {
                Masked::Value => cell.replace(scratch),
                Masked::Null => cell.null(),
            }
        })
        .map_err(|_| mismatch())
    }

    /// Masked cells by label so far.
    pub(crate) fn counts(&self) -> Vec<MaskedCells> {
        counts(
            self.columns
                .iter()
                .flatten()
                .map(|mask| (&mask.label, mask.cells)),
        )
    }
}

/// Sums by label.
pub(super) fn counts<'a>(cells: impl Iterator<Item = (&'a Label, u64)>) -> Vec<MaskedCells> {
    let mut sums: Vec<MaskedCells> = Vec::new();
    for (label, cells) in cells.filter(|(_, cells)| *cells > 0) {
        match sums.iter_mut().find(|sum| *sum.label == *label.as_str()) {
            Some(sum) => sum.cells += cells,
            None => sums.push(MaskedCells {
                label: label.as_str().into(),
                cells,
            }),
        }
    }
    sums
}

/// How a COPY TO STDOUT is masked, field by field.
#[derive(Debug)]
pub(crate) struct CopyMask {
    pub(super) decoder: pg::copy::Decoder,
    pub(super) columns: Vec<Option<CopyColumn>>,
    pub(super) format: Format,
    pub(super) scratch: Vec<u8>,
}

/// One masked COPY field.
#[derive(Debug)]
pub(super) struct CopyColumn {
    pub label: Label,
    pub column: ColumnType,
    pub cells: u64,
}
