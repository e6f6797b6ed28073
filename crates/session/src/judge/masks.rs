//! What is masked in a statement, and which uses of a masked column are refused
//! (DESIGN §5: the table is closed).

use std::collections::BTreeSet;
use std::sync::Arc;

use mask::{Category, ColumnType, Label};
use policy::Context;
use statement::catalog::CTID;
use statement::{
    ColumnId, Effect, Given, Kind, Object, Oid, Place, RowOrder, Source, Statement, Tells, Usage,
    Verb,
};

use super::masked::Masked;
use super::tokens::Written;
use super::{Judge, earlier};
use crate::refusal::{Cause, Refusal};
use crate::verdict::Judged;

/// The rule that refuses what is not in the table.
pub(super) const MASKED_USE: &str = "weir.masked-use";
/// The rule that refuses what the order of rows would tell.
pub(super) const MASKED_ORDER: &str = "weir.masked-order";

impl Judge<'_> {
    /// Which outputs are masked; or the refusal of any other use of a masked
    /// column (DESIGN §5: the table is closed).
    pub(super) fn mask(
        &self,
        judged: &mut Judged,
        source: Written<'_>,
        count: usize,
        context: &Context<'_>,
    ) -> Option<Refusal> {
        let masks = judged.masks.clone();
        let masked = Masked::new(self, &masks, context);
        let refusal = self.mask_each(judged, source, count, context, &masked);
        judged.expires_ms = earlier(judged.expires_ms, masked.expires_ms());
        refusal
    }

    fn mask_each(
        &self,
        judged: &mut Judged,
        source: Written<'_>,
        count: usize,
        context: &Context<'_>,
        masking: &Masked<'_>,
    ) -> Option<Refusal> {
        let statement = Arc::clone(&judged.statement);
        if !self.world.labels.unresolved().is_empty()
            && self.masks_anything()
            && !statement.accesses.is_empty()
        {
            let reads_user_data = statement
                .accesses
                .iter()
                .any(|a| matches!(&a.object, Object::Relation { system: false, .. }));
            if reads_user_data {
                return Some(
                    Refusal::new(
                        Cause::Masked,
                        "weir.unresolved-label",
                        "a configured label names a column that does not exist, so masked principals may not read this database",
                    )
                    .objects(self.world.labels.unresolved().to_vec())
                    .hint("An operator must correct [targets.….labels] in weir.toml."),
                );
            }
        }
        let unresolved = |used: &statement::ColumnUse| {
            used.usage == Usage::Unresolved || used.column == ColumnId::UNRESOLVED
        };
        let unclear = statement.columns.iter().any(unresolved)
            || (judged.guarded && !statement.outputs_complete);
        if unclear && self.masks_anything() && statement.opaque.is_empty() {
            return Some(
                Refusal::new(
                    Cause::Opaque,
                    "weir.unresolved-column",
                    "Weir cannot tell which columns this statement reads or returns, and some here are masked",
                )
                .hint("Name the columns; send definitions and what uses them one by one."),
            );
        }
        if let Some(refusal) = self.tells_of_place(&statement, context) {
            return Some(refusal);
        }
        // MOVE reads a cursor on and returns nothing.
        let moves = matches!(statement.kind, Kind::Fetch { .. }) && statement.outputs.is_empty();
        if judged.masks.is_empty() || moves {
            return None;
        }
        let masked = |column: ColumnId| masking.label(column);
        // Whatever is said of it is said of these values.
        let mut given = statement.given.iter();
        judged.by_value = given.any(|given| masking.given(given) != Ok(None));
        let mut compared = None;
        for used in &statement.columns {
            let Some(label) = masked(used.column) else {
                continue;
            };
            if used.usage == Usage::Projected {
                continue;
            }
            if !runs_on_values(&statement) || !masking.releases(used.column, &used.tells) {
                return Some(misuse(used, label));
            }
            if !matches!(used.usage, Usage::Written | Usage::WrittenFrom) {
                compared = compared.or(Some(used));
            }
        }
        if let Some(refusal) = self.settle(judged, source, masking, context) {
            return Some(refusal);
        }
        if let Some(used) = compared.filter(|_| self.tells_order(&statement, masking)) {
            return Some(disorder(used, &statement));
        }
        let statement = Arc::clone(&judged.statement);
        if let Kind::Copy {
            direction: statement::CopyDirection::To,
            columns,
            stdio: true,
            ..
        } = &statement.kind
        {
            judged.copy = columns
                .iter()
                .map(|column| {
                    let column = (*column)?;
                    let label = masked(column)?.clone();
                    Some((label, self.column_type(column)))
                })
                .collect();
        }
        // A cursor or prepared statement returns its rows later; they are judged
        // again then, but what it reads must already be what it may return.
        let returned = match &statement.kind {
            Kind::Declare { inner, .. } | Kind::Prepare { inner, .. } => inner,
            _ => &*statement,
        };
        if !returned.outputs_complete
            && statement
                .columns
                .iter()
                .any(|used| masked(used.column).is_some())
        {
            let used = statement
                .columns
                .iter()
                .find(|used| masked(used.column).is_some())?;
            return Some(misuse(used, masked(used.column)?));
        }
        let stand_in = |column: ColumnId| {
            masked(column).map(|label| (label.clone(), self.column_type(column).category))
        };
        let mut outputs: Vec<Option<(Label, Category)>> =
            Vec::with_capacity(statement.outputs.len());
        for output in &statement.outputs {
            outputs.push(match &output.source {
                Source::Column(column) => stand_in(*column),
                // All are masked alike, or none is.
                Source::AnyOf(columns) => {
                    let mut all = columns.iter().map(|column| stand_in(*column));
                    let first = all.next().flatten();
                    if !all.all(|other| other == first) {
                        return Some(mixed(&statement, masked));
                    }
                    first
                }
                Source::Clean | Source::Derived => None,
            });
        }
        let projected: BTreeSet<ColumnId> = returned
            .outputs
            .iter()
            .flat_map(|o| match &o.source {
                Source::Column(column) => std::slice::from_ref(column),
                Source::AnyOf(columns) => columns,
                Source::Clean | Source::Derived => &[],
            })
            .copied()
            .chain(if let Kind::Copy { columns, .. } = &statement.kind {
                columns.iter().flatten().copied().collect::<Vec<_>>()
            } else {
                Vec::new()
            })
            .collect();
        // A projected masked column must be one of the outputs, or it would
        // leave by a way nobody looks at.
        for used in &statement.columns {
            if let Some(label) = masked(used.column)
                && used.usage == Usage::Projected
                && !projected.contains(&used.column)
            {
                return Some(misuse(used, label));
            }
        }
        if count > 1 && outputs.iter().any(Option::is_some) && !judged.reads_only {
            return Some(
                Refusal::new(
                    Cause::Masked,
                    "weir.masked-string",
                    "a statement with effects that returns masked columns must be sent by itself",
                )
                .hint("Split the query string."),
            );
        }
        // COPY's rows are copy data, masked field by field.
        if !matches!(statement.kind, Kind::Copy { .. }) {
            judged.outputs = outputs;
        }
        None
    }

    /// Whether something shows in which order rows are come by, which compared columns may decide.
    fn tells_order(&self, statement: &Statement, masked: &Masked<'_>) -> bool {
        if !tells_order(statement) {
            return false;
        }
        // Rows with one value of a column come in no order of it.
        let decides = |used: &&statement::ColumnUse| {
            let other = Usage::Projected == used.usage
                || matches!(used.usage, Usage::Written | Usage::WrittenFrom);
            !other && masked.label(used.column).is_some()
        };
        let by_value = |used: &statement::ColumnUse| matches!(&used.tells, Tells::Match(columns) if columns.len() == 1);
        let compared =
            |given: &&Given| given.place != Place::Written && masked.given(given) != Ok(None);
        let mut values = statement.given.iter().filter(compared);
        let one = match (values.next(), values.next()) {
            (Some(value), None) => !value.array && value.place == Place::Sought,
            _ => false,
        };
        let writes = statement.effect == Effect::Write && statement.order != RowOrder::PlanWithin;
        !(writes && one && statement.columns.iter().filter(decides).all(by_value))
    }

    /// Refuses what tells where rows lie, since that tells how long the values before them are.
    fn tells_of_place(&self, statement: &Statement, context: &Context<'_>) -> Option<Refusal> {
        if !self.masks_anything() && !self.on_floor() {
            return None;
        }
        let masked = |relation: Oid| {
            let relatives = self.catalog.descendants(relation);
            let mut all = relatives
                .into_iter()
                .chain(self.catalog.parents(relation))
                .chain([relation]);
            all.any(|relation| !self.sees_raw(relation, context).0)
        };
        let used = statement
            .columns
            .iter()
            .find(|used| used.column.attribute == CTID && masked(used.column.relation))?;
        let relation = format!("{}.{}", used.schema, used.relation);
        Some(
            Refusal::new(
                Cause::Masked,
                "weir.masked-place",
                format!(
                    "{relation} has masked columns, and where its rows lie (ctid, TABLESAMPLE) tells of their lengths"
                ),
            )
            .objects(vec![relation])
            .hint("Tell rows apart by a key; sample with a condition on random()."),
        )
    }

    /// A column's type, a domain's being its base type's.
    pub(super) fn column_type(&self, column: ColumnId) -> ColumnType {
        let (mut oid, mut modifier) = self.catalog.column_type(column).unwrap_or((0, -1));
        let mut category = Category::Other;
        // Domains over domains; bounded against a catalog that lies.
        for _ in 0..32 {
            let Some(found) = self.catalog.type_by_oid(oid) else {
                break;
            };
            category = Category::from_letter(found.category);
            if found.base == 0 {
                break;
            }
            oid = found.base;
            if found.base_typmod >= 0 {
                modifier = found.base_typmod;
            }
        }
        ColumnType {
            oid,
            modifier,
            category,
        }
    }
}

/// Whether what a statement compares is compared when it runs, and nothing else is told of it.
fn runs_on_values(statement: &Statement) -> bool {
    match &statement.kind {
        Kind::Select
        | Kind::Insert
        | Kind::Update
        | Kind::Delete
        | Kind::Merge
        | Kind::Copy { .. }
        | Kind::Prepare { .. }
        | Kind::Execute { .. }
        | Kind::Declare { .. }
        | Kind::Fetch { .. } => statement.effect <= Effect::Write,
        _ => false,
    }
}

/// Whether something shows in which order rows are come by, which compared columns may decide.
fn tells_order(statement: &Statement) -> bool {
    if statement.order == RowOrder::PlanWithin {
        return true;
    }
    // The order of deletions is nowhere to be seen, but that of rows written is in the table.
    let deletes = |verb| matches!(verb, Verb::Read | Verb::Delete);
    let only_deletes = statement.command == "DELETE"
        && statement.outputs.is_empty()
        && statement.accesses.iter().all(|access| deletes(access.verb));
    // VALUES are inserted in the order of the text.
    let inserts = statement.command == "INSERT" && statement.effect == Effect::Write;
    let in_order =
        statement.order == RowOrder::Chance && (statement.effect == Effect::ReadOnly || inserts);
    !in_order && !only_deletes
}

/// The refusal of a statement that would tell of a masked column by the order of rows.
fn disorder(used: &statement::ColumnUse, statement: &Statement) -> Refusal {
    let column = format!("{}.{}.{}", used.schema, used.relation, used.name);
    let (how, hint) = if statement.order == RowOrder::PlanWithin {
        (
            "what it gives depends on the order in which rows come",
            "Do without LIMIT in subselects, DISTINCT ON, window functions, array_agg, string_agg, and sums of floating-point numbers where masked columns are compared.",
        )
    } else if statement.effect == Effect::ReadOnly {
        (
            "its rows cannot be put in random order",
            "Send the statement by itself; do without WITH TIES.",
        )
    } else {
        (
            "it writes or locks rows in the order in which they come",
            "Find the rows by a SELECT first, then name them by a key.",
        )
    };
    Refusal::new(
        Cause::Masked,
        MASKED_ORDER,
        format!("column {column} is masked and compared here, which may decide the order of rows, and {how}"),
    )
    .objects(vec![column])
    .hint(hint)
}

/// The refusal of a statement that mixes values under different labels, or none, in one output.
fn mixed<'l>(statement: &Statement, masked: impl Fn(ColumnId) -> Option<&'l Label>) -> Refusal {
    let columns = statement.outputs.iter().flat_map(|o| match &o.source {
        Source::AnyOf(columns) => columns.iter(),
        Source::Column(_) | Source::Clean | Source::Derived => [].iter(),
    });
    let mut labelled = columns.filter_map(|column| Some((column, masked(*column)?)));
    let found = labelled.find_map(|(column, label)| {
        let used = statement.columns.iter().find(|u| u.column == *column)?;
        let used = statement::ColumnUse {
            usage: Usage::SetOperation,
            ..used.clone()
        };
        Some(misuse(&used, label))
    });
    found.unwrap_or_else(|| {
        let message = "a masked column is used in a set operation with others";
        Refusal::new(Cause::Masked, "weir.masked-use", message)
    })
}

fn misuse(used: &statement::ColumnUse, label: &Label) -> Refusal {
    let column = format!("{}.{}.{}", used.schema, used.relation, used.name);
    let how = match used.usage {
        Usage::Projected => "used where its values would leave unmasked",
        Usage::Written => "written",
        Usage::WrittenFrom => "copied into another column",
        Usage::WholeRow => "used as part of a whole row",
        Usage::Predicate => "used in a condition",
        Usage::Join => "used in a join condition",
        Usage::Group => "grouped by",
        Usage::Order => "sorted by",
        Usage::Distinct => "used under DISTINCT",
        Usage::SetOperation => "used in a set operation",
        Usage::Aggregate => "aggregated",
        Usage::Expression | Usage::Unresolved => "used in an expression",
    };
    Refusal::new(
        Cause::Masked,
        MASKED_USE,
        format!(
            "column {column} is masked (label {}), so it may be selected as it is but not {how}",
            label.as_str()
        ),
    )
    .objects(vec![column])
    .hint("Select the column by itself; or ask a data owner for raw access to this label.")
}
