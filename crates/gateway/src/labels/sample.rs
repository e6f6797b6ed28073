//! Looking at some values of a table: few, short, read-only and soon over, and those of no other table.

use std::sync::Arc;

use mask::detect::{Amount, Column, judge};
use statement::catalog::{Relation, RelationKind};
use statement::{Catalog, ColumnId, Oid};

use super::{Found, Held, UNCLASSIFIED, label_of};
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
/// Fewest different values that can show that there is nothing to mask; of a column that was read as a whole, fewest
/// that differ from its commonest.
const ENOUGH: usize = 20;

/// A table with columns to look at.
pub(crate) struct Wanted<'a> {
    pub relation: &'a Relation,
    pub attributes: Vec<i16>,
}

/// Tables with columns that `unseen` tells, in the order of their oids.
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

/// A column as the server tells of it.
struct About {
    attribute: i16,
    name: Arc<str>,
    type_oid: Oid,
    type_name: String,
    category: char,
    max_chars: Option<u32>,
    unique: bool,
    comment: Option<String>,
    /// It is numbered by a sequence of its own.
    counted: bool,
}

/// What was read of a column.
#[derive(Default)]
struct Values {
    read: Vec<Option<String>>,
    /// Some value was too long to be read, or to be read to its end.
    cut: bool,
}

/// A table's columns with what was read of them: all that a judgement needs.
struct Sample {
    relation: Oid,
    schema: Arc<str>,
    table: Arc<str>,
    names: Vec<Arc<str>>,
    columns: Vec<(About, Values)>,
    /// Every row was read.
    whole: bool,
    failed: Option<String>,
    at_ms: u64,
}

fn about(relation: Oid) -> String {
    format!(
        "WITH RECURSIVE base(att, type, modifier, depth) AS (\
         SELECT a.attnum, a.atttypid, a.atttypmod, 0 FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid = {relation} AND a.attnum > 0 AND NOT a.attisdropped \
         UNION ALL SELECT b.att, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END, b.depth + 1 \
         FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype = 'd' WHERE b.depth < 32), \
         kin(oid) AS (SELECT {relation}::pg_catalog.oid \
         UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN kin ON i.inhparent = kin.oid) \
         SELECT DISTINCT ON (b.att) b.att, pg_catalog.format_type(b.type, b.modifier), t.typcategory, \
         CASE WHEN b.type IN (1042, 1043) AND b.modifier > 4 THEN b.modifier - 4 END, \
         EXISTS (SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = {relation} AND i.indisunique \
         AND i.indnkeyatts = 1 AND i.indkey[0] = b.att), pg_catalog.col_description({relation}, b.att), \
         c.reltuples, a.attname, a.atttypid, n.nspname, c.relname, c.relkind, \
         EXISTS (SELECT 1 FROM kin JOIN pg_catalog.pg_class k ON k.oid = kin.oid WHERE k.relkind = 'f'), \
         EXISTS (SELECT 1 FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid \
         WHERE d.classid = 1259 AND d.refclassid = 1259 AND d.refobjid = {relation} AND d.refobjsubid = b.att \
         AND d.deptype IN ('a', 'i') AND s.relkind = 'S') \
         FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.type \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = {relation} AND a.attnum = b.att \
         JOIN pg_catalog.pg_class c ON c.oid = {relation} JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         ORDER BY b.att, b.depth DESC"
    )
}

/// Samples and judges the columns. A table that cannot be read gives its columns with the reason, without values; one
/// that is another than the catalog says gives none.
///
/// # Errors
/// The connection is of no more use.
pub(crate) async fn scan(
    endpoint: &Endpoint,
    open: &mut Connected,
    wanted: &Wanted<'_>,
    now_ms: u64,
) -> Result<Vec<Found>, Failure> {
    let relation = wanted.relation;
    if relation.kind == RelationKind::Foreign {
        return Ok(unread(wanted, FOREIGN, now_ms));
    }
    // What is locked keeps its columns and its place; it is looked at by name, and judged by id.
    let lock = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", named(relation));
    let mut failed = None;
    for sql in ["BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", &lock] {
        failed = failed.or(refused(endpoint.rows(open, sql, |_| {}).await)?);
    }
    let found = match failed {
        Some(why) => Ok(Some(unread(wanted, &why, now_ms))),
        None => locked(endpoint, open, wanted, now_ms).await,
    };
    endpoint.rows(open, "ROLLBACK", |_| {}).await?;
    Ok(found?.unwrap_or_default())
}

/// Why tables of other servers are not read.
const FOREIGN: &str = "rows of it lie on another server, which is not asked";

/// Samples a table that is locked; `None` if it is not the one of the catalog.
async fn locked(
    endpoint: &Endpoint,
    open: &mut Connected,
    wanted: &Wanted<'_>,
    now_ms: u64,
) -> Result<Option<Vec<Found>>, Failure> {
    let relation = wanted.relation;
    let mut columns = Vec::new();
    let mut rows_estimated = 0.0;
    let mut foreign = false;
    let mut same = true;
    let read = endpoint
        .rows(open, &about(relation.oid), |row| {
            let text = |at: usize| row.get(at).copied().flatten();
            let number = |at| text(at).and_then(|n| n.parse::<i64>().ok());
            let kind = if relation.kind == RelationKind::Partitioned {
                "p"
            } else {
                "r"
            };
            same &= is_named(relation, text(9), text(10)) && text(11) == Some(kind);
            rows_estimated = text(6).and_then(|n| n.parse().ok()).unwrap_or(0.0);
            foreign |= text(12) != Some("f");
            let attribute = number(0).and_then(|n| i16::try_from(n).ok());
            if let Some(attribute) = attribute.filter(|a| wanted.attributes.contains(a)) {
                columns.push(About {
                    attribute,
                    name: text(7).unwrap_or_default().into(),
                    type_oid: number(8).and_then(|n| Oid::try_from(n).ok()).unwrap_or(0),
                    type_name: text(1).unwrap_or_default().to_owned(),
                    category: text(2).and_then(|c| c.chars().next()).unwrap_or('X'),
                    max_chars: number(3).and_then(|n| u32::try_from(n).ok()),
                    unique: text(4) == Some("t"),
                    comment: text(5).map(str::to_owned),
                    counted: text(13) == Some("t"),
                });
            }
        })
        .await;
    if let Some(why) = refused(read)? {
        return Ok(Some(unread(wanted, &why, now_ms)));
    }
    same &= columns.len() == wanted.attributes.len();
    same &= columns.iter().all(|about| {
        let column = relation.column_by_attribute(about.attribute);
        column.is_some_and(|column| column.name == about.name && column.type_oid == about.type_oid)
    });
    if !same {
        return Ok(None);
    }
    if foreign {
        return Ok(Some(unread(wanted, FOREIGN, now_ms)));
    }
    let large = rows_estimated > LARGE && relation.kind == RelationKind::Table;
    let percent = large.then(|| (rows_estimated.recip() * 400_000.0).clamp(0.001, 100.0));
    let mut sample = Sample {
        relation: relation.oid,
        schema: Arc::clone(&relation.schema),
        table: Arc::clone(&relation.name),
        names: relation
            .columns
            .iter()
            .map(|c| Arc::clone(&c.name))
            .collect(),
        columns: columns
            .into_iter()
            .map(|about| (about, Values::default()))
            .collect(),
        whole: percent.is_none(),
        failed: None,
        at_ms: now_ms,
    };
    sample.failed = refused(read_values(endpoint, open, relation, percent, &mut sample).await)?;
    // Schemas are renamed without a lock on what is in them.
    if sample.failed.is_none() && !still_named(endpoint, open, relation).await? {
        return Ok(None);
    }
    // Hundreds of milliseconds of arithmetic are not for the thread that serves sessions.
    let judged = tokio::task::spawn_blocking(move || sample.judge()).await;
    Ok(Some(judged.unwrap_or_else(|_| {
        unread(wanted, "it could not be judged", now_ms)
    })))
}

/// The columns as far as they are known without a look.
pub(crate) fn unread(wanted: &Wanted<'_>, why: &str, now_ms: u64) -> Vec<Found> {
    let relation = wanted.relation;
    let columns = wanted.attributes.iter().filter_map(|attribute| {
        let column = relation.column_by_attribute(*attribute)?;
        Some(Found {
            relation: relation.oid,
            attribute: *attribute,
            type_oid: column.type_oid,
            schema: relation.schema.to_string(),
            table: relation.name.to_string(),
            column: column.name.to_string(),
            at_ms: now_ms,
            label: UNCLASSIFIED.to_owned(),
            failed: Some(why.to_owned()),
            doubt: None,
            held: Vec::new(),
        })
    });
    columns.collect()
}

impl Sample {
    fn judge(self) -> Vec<Found> {
        let columns = self.columns.iter().map(|(about, values)| {
            let sample: Vec<Option<&str>> = values.read.iter().map(Option::as_deref).collect();
            let names = self.names.iter().map(|name| &**name);
            let neighbours: Vec<&str> = names.filter(|name| *name != &*about.name).collect();
            let judgement = judge(&Column {
                schema: &self.schema,
                table: &self.table,
                name: &about.name,
                comment: about.comment.as_deref(),
                type_name: &about.type_name,
                category: about.category,
                max_chars: about.max_chars,
                unique: about.unique,
                references: None,
                neighbours: &neighbours,
                sample: &sample,
            });
            let held: Vec<Held> = judgement.findings.iter().map(Held::from).collect();
            let doubt = match &self.failed {
                Some(_) => None,
                None => self.doubt(about, values, &judgement.amount),
            };
            let is_json = matches!(&*about.type_name, "json" | "jsonb");
            let certain = self.failed.is_none() && doubt.is_none();
            Found {
                relation: self.relation,
                attribute: about.attribute,
                type_oid: about.type_oid,
                schema: self.schema.to_string(),
                table: self.table.to_string(),
                column: about.name.to_string(),
                at_ms: self.at_ms,
                label: label_of(&held, is_json, certain),
                failed: self.failed.clone(),
                doubt,
                held,
            }
        });
        columns.collect()
    }

    /// Why the sample does not show that the column holds nothing, if nothing was found in it.
    fn doubt(&self, about: &About, values: &Values, amount: &Amount) -> Option<String> {
        // Neither truth values nor counted numbers are other ones tomorrow.
        if about.category == 'B' || about.counted {
            return None;
        }
        if values.cut {
            return Some("values are too long to be looked at as a whole".to_owned());
        }
        if amount.in_part {
            return Some(
                "parts of its values cannot be judged: keys that may be values, too deep or too many paths, or blanks"
                    .to_owned(),
            );
        }
        let (distinct, uncommon) = (amount.distinct, amount.uncommon);
        // The values of an enumeration stand in the catalog.
        let whole = self.whole || about.category == 'E';
        if distinct >= ENOUGH || (whole && uncommon >= ENOUGH) {
            return None;
        }
        Some(match distinct {
            0 => "there are no values to look at".to_owned(),
            1 => "there is only one value to look at".to_owned(),
            _ => format!("there are only {distinct} different values to look at"),
        })
    }
}

/// What the server's refusal means, without its words: they may hold values. Any other failure ends the use of the
/// connection.
fn refused(result: Result<(), Failure>) -> Result<Option<String>, Failure> {
    match result {
        Ok(()) => Ok(None),
        Err(Failure::Statement { code, .. }) => {
            let what = match &*code {
                "42501" => "Weir's role may not read it, or row security concerns the role",
                "55P03" => "somebody held a lock on it",
                "57014" => "reading it took too long",
                _ => "the server refused to have it read",
            };
            let is_code = code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric());
            Ok(Some(match is_code {
                true => format!("{what} (SQLSTATE {code})"),
                false => what.to_owned(),
            }))
        }
        Err(other) => Err(other),
    }
}

fn named(relation: &Relation) -> String {
    format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))
}

fn is_named(relation: &Relation, schema: Option<&str>, name: Option<&str>) -> bool {
    (schema, name) == (Some(&*relation.schema), Some(&*relation.name))
}

async fn still_named(
    endpoint: &Endpoint,
    open: &mut Connected,
    relation: &Relation,
) -> Result<bool, Failure> {
    let sql = format!(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = {}",
        relation.oid
    );
    let mut same = false;
    let read = endpoint.rows(open, &sql, |row| {
        let text = |at: usize| row.get(at).copied().flatten();
        same = is_named(relation, text(0), text(1));
    });
    read.await?;
    Ok(same)
}

async fn read_values(
    endpoint: &Endpoint,
    open: &mut Connected,
    relation: &Relation,
    percent: Option<f64>,
    sample: &mut Sample,
) -> Result<(), Failure> {
    // Each column as it is read, and whether that is not all of it.
    let mut columns: Vec<String> = sample
        .columns
        .iter()
        .map(|(about, _)| {
            let name = quoted(&about.name);
            let text = about.category == 'S'
                && ["text", "character"]
                    .iter()
                    .any(|ty| about.type_name.starts_with(ty));
            match text {
                true => format!(
                    "pg_catalog.left(r.{name}, {VALUE}), pg_catalog.length(r.{name}) > {VALUE}"
                ),
                false => format!(
                    "CASE WHEN pg_catalog.pg_column_size(r.{name}) <= {VALUE} THEN r.{name} END, \
                     pg_catalog.pg_column_size(r.{name}) > {VALUE}"
                ),
            }
        })
        .collect();
    // A view that took the name has no such column, and is not run.
    columns.push("r.tableoid".to_owned());
    let pages = percent.map(|percent| format!(" TABLESAMPLE SYSTEM ({percent})"));
    let sql = format!(
        "SELECT {} FROM {} AS r{} LIMIT {ROWS}",
        columns.join(", "),
        named(relation),
        pages.unwrap_or_default()
    );
    let (mut bytes, mut rows) = (0, 0);
    let Sample { columns, whole, .. } = sample;
    let read = endpoint.rows(open, &sql, |row| {
        rows += 1;
        for (cell, (_, values)) in row.chunks_exact(2).zip(columns.iter_mut()) {
            let [value, cut] = cell else { continue };
            values.cut |= *cut == Some("t");
            bytes += value.map_or(0, str::len);
            if bytes <= TABLE_BYTES {
                values.read.push(value.map(str::to_owned));
            }
        }
    });
    read.await?;
    *whole &= rows < ROWS && bytes <= TABLE_BYTES;
    Ok(())
}
