//! Looking at some values of a table: few, short, read-only and soon over.

use mask::detect::{Column, classify};
use statement::catalog::{Relation, RelationKind};
use statement::{Catalog, ColumnId, Oid};

use super::{Found, Held};
use crate::floor::quoted;
use crate::upstream::{Connected, Endpoint, Failure};

/// Rows that are looked at.
const ROWS: usize = 1000;
/// Characters of one text, and bytes of any other value as it is stored, that are looked at.
const VALUE: usize = 4096;
/// Characters of one table's values together.
const TABLE_BYTES: usize = 4 << 20;
/// Above this estimated number of rows, pages are chosen at random.
const LARGE: f64 = 100_000.0;

/// A table with columns to look at.
pub(crate) struct Wanted<'a> {
    pub relation: &'a Relation,
    pub attributes: Vec<i16>,
}

/// The next table with columns that `unseen` tells; tables in the order of their oids.
pub(crate) fn wanted<'a>(
    catalog: &'a Catalog,
    unseen: impl Fn(ColumnId, Oid) -> bool,
) -> Vec<Wanted<'a>> {
    let mut relations: Vec<&Relation> = catalog.relations().filter(|r| has_rows(r)).collect();
    relations.sort_by_key(|relation| relation.oid);
    let each = relations.into_iter().map(|relation| {
        let columns = relation.columns.iter().filter(|column| {
            let id = ColumnId {
                relation: relation.oid,
                attribute: column.attribute,
            };
            unseen(id, column.type_oid)
        });
        Wanted {
            relation,
            attributes: columns.map(|column| column.attribute).collect(),
        }
    });
    each.filter(|wanted| !wanted.attributes.is_empty())
        .collect()
}

/// Whether rows of its own lie in it. Views are followed to their tables, partitions are read through theirs.
fn has_rows(relation: &Relation) -> bool {
    let kind = matches!(
        relation.kind,
        RelationKind::Table | RelationKind::Partitioned | RelationKind::Foreign
    );
    kind && !relation.system && !relation.partition && !Catalog::is_system_schema(&relation.schema)
}

/// What a column's catalog entry adds to its name.
struct About {
    attribute: i16,
    type_name: String,
    category: char,
    max_chars: Option<u32>,
    unique: bool,
    comment: Option<String>,
}

fn about(relation: Oid) -> String {
    format!(
        "WITH RECURSIVE base(att, type, modifier, depth) AS (\
         SELECT a.attnum, a.atttypid, a.atttypmod, 0 FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid = {relation} AND a.attnum > 0 AND NOT a.attisdropped \
         UNION ALL SELECT b.att, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END, b.depth + 1 \
         FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd' WHERE b.depth < 32) \
         SELECT DISTINCT ON (b.att) b.att, pg_catalog.format_type(b.type, b.modifier), t.typcategory, \
         CASE WHEN b.type IN (1042, 1043) AND b.modifier > 4 THEN b.modifier - 4 END, \
         EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = {relation} AND i.indisunique \
         AND i.indnkeyatts = 1 AND i.indkey[0] = b.att), pg_catalog.col_description({relation}, b.att), \
         (SELECT c.reltuples FROM pg_catalog.pg_class c WHERE c.oid = {relation}) \
         FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type ORDER BY b.att, b.depth DESC"
    )
}

/// Samples and judges the columns. A table that cannot be read gives its columns with the reason, without values.
///
/// # Errors
/// The connection is gone.
pub(crate) async fn scan(
    endpoint: &Endpoint,
    open: &mut Connected,
    wanted: &Wanted<'_>,
    now_ms: u64,
) -> Result<Vec<Found>, Failure> {
    let relation = wanted.relation;
    let mut about = Vec::new();
    let mut rows_estimated = 0.0;
    let read = endpoint
        .rows(open, &self::about(relation.oid), |row| {
            let text = |at: usize| row.get(at).copied().flatten();
            if let Some(attribute) = text(0).and_then(|n| n.parse().ok()) {
                rows_estimated = text(6)
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(rows_estimated);
                about.push(About {
                    attribute,
                    type_name: text(1).unwrap_or_default().to_owned(),
                    category: text(2).and_then(|c| c.chars().next()).unwrap_or('X'),
                    max_chars: text(3).and_then(|n| n.parse().ok()),
                    unique: text(4) == Some("t"),
                    comment: text(5).map(str::to_owned),
                });
            }
        })
        .await;
    let mut failed = refused(read)?;
    about.retain(|column| wanted.attributes.contains(&column.attribute));
    let mut values: Vec<Vec<Option<String>>> = vec![Vec::new(); about.len()];
    if failed.is_none() && !about.is_empty() {
        let large = rows_estimated > LARGE && relation.kind == RelationKind::Table;
        let percent = large.then(|| (rows_estimated.recip() * 400_000.0).clamp(0.001, 100.0));
        failed =
            refused(read_values(endpoint, open, relation, &about, percent, &mut values).await)?;
    }
    let names: Vec<&str> = relation.columns.iter().map(|c| &*c.name).collect();
    let found = about.iter().zip(&values).filter_map(|(about, values)| {
        let column = relation.column_by_attribute(about.attribute)?;
        let sample: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        let neighbours: Vec<&str> = names
            .iter()
            .copied()
            .filter(|n| *n != &*column.name)
            .collect();
        let held = classify(&Column {
            schema: &relation.schema,
            table: &relation.name,
            name: &column.name,
            comment: about.comment.as_deref(),
            type_name: &about.type_name,
            category: about.category,
            max_chars: about.max_chars,
            unique: about.unique,
            references: None,
            neighbours: &neighbours,
            sample: &sample,
        });
        Some(Found {
            relation: relation.oid,
            attribute: about.attribute,
            type_oid: column.type_oid,
            schema: relation.schema.to_string(),
            table: relation.name.to_string(),
            column: column.name.to_string(),
            at_ms: now_ms,
            values: sample.iter().flatten().count() as u64,
            failed: failed.clone(),
            held: held.iter().map(Held::from).collect(),
        })
    });
    let mut found: Vec<Found> = found.collect();
    if found.is_empty() {
        // Not even the catalog could be asked: nothing is known of any.
        found.extend(wanted.attributes.iter().filter_map(|attribute| {
            let column = relation.column_by_attribute(*attribute)?;
            Some(Found {
                relation: relation.oid,
                attribute: *attribute,
                type_oid: column.type_oid,
                schema: relation.schema.to_string(),
                table: relation.name.to_string(),
                column: column.name.to_string(),
                at_ms: now_ms,
                values: 0,
                failed: Some(failed.clone().unwrap_or_else(|| "it is gone".to_owned())),
                held: Vec::new(),
            })
        }));
    }
    Ok(found)
}

/// Why the server's answer is of no use, as a text; any other failure ends the scan.
fn refused(result: Result<(), Failure>) -> Result<Option<String>, Failure> {
    match result {
        Ok(()) => Ok(None),
        Err(Failure::Statement { message, .. } | Failure::Protocol { message, .. }) => {
            Ok(Some(message))
        }
        Err(other) => Err(other),
    }
}

async fn read_values(
    endpoint: &Endpoint,
    open: &mut Connected,
    relation: &Relation,
    about: &[About],
    percent: Option<f64>,
    values: &mut [Vec<Option<String>>],
) -> Result<(), Failure> {
    let columns: Vec<String> = about
        .iter()
        .filter_map(|about| {
            let name = quoted(&relation.column_by_attribute(about.attribute)?.name);
            let text = about.category == 'S'
                && ["text", "character"]
                    .iter()
                    .any(|ty| about.type_name.starts_with(ty));
            Some(match text {
                true => format!("pg_catalog.left(r.{name}, {VALUE})"),
                false => format!(
                    "CASE WHEN pg_catalog.pg_column_size(r.{name}) <= {VALUE} THEN r.{name} END"
                ),
            })
        })
        .collect();
    let sample = percent.map(|percent| format!(" TABLESAMPLE SYSTEM ({percent})"));
    let sql = format!(
        "SELECT {} FROM {}.{} AS r{} LIMIT {ROWS}",
        columns.join(", "),
        quoted(&relation.schema),
        quoted(&relation.name),
        sample.unwrap_or_default()
    );
    let mut bytes = 0;
    endpoint
        .rows(open, &sql, |row| {
            for (cell, values) in row.iter().zip(values.iter_mut()) {
                bytes += cell.map_or(0, str::len);
                if bytes <= TABLE_BYTES {
                    values.push(cell.map(str::to_owned));
                }
            }
        })
        .await
}
