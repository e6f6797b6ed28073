//! Making two databases that differ in masked values alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use mask::Label;

use super::Shape;
use super::image::Images;
use crate::lab::Client;
use crate::leaks::labels::{Labelled, quoted};

/// Values of a column, each as it is written in the first world and its image.
type Pairs = BTreeMap<String, (String, String)>;

/// What is written into each world: the values of a column in the first and their images.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mapping {
    columns: Vec<(Labelled, Pairs)>,
    /// What the values are made of, and its images: words of texts, strings of documents, elements of arrays.
    pub(crate) parts: Vec<(String, String)>,
}

/// Tries at images that are in another order.
const SALTS: u32 = 200;

/// Reads the values of labelled columns and draws their images.
pub(crate) fn mapping(client: &mut Client, columns: &[Labelled]) -> Result<Mapping> {
    let mut values: Vec<(Labelled, BTreeSet<String>)> = Vec::new();
    // values that must fit are drawn first
    let mut ordered: Vec<&Labelled> = columns.iter().filter(|column| column.stored).collect();
    ordered.sort_by_key(|column| column.shape != Shape::Text(None));
    ordered.reverse();
    for column in ordered {
        let name = quoted(&column.column);
        let text = format!(
            "select distinct {name}::text from only {} where {name} is not null",
            column.relation()
        );
        let rows = client.run(&text)?.rows();
        let found: BTreeSet<String> = rows.into_iter().flatten().collect();
        if !column.shape.varies() && !found.is_empty() {
            bail!(
                "{} is of type {}, whose values cannot differ between the worlds",
                column.path(),
                column.sql_type
            );
        }
        values.push((column.clone(), found));
    }
    let mut same = None;
    for salt in 0..SALTS {
        let mapping = drawn(&values, salt)?;
        same = mapping.in_the_same_order().map(Labelled::path);
        if same.is_none() {
            return Ok(mapping);
        }
    }
    bail!(
        "the values of {} have one order whatever their images: what follows it would be the same in both worlds",
        same.unwrap_or_default()
    )
}

/// Images of all values.
fn drawn(values: &[(Labelled, BTreeSet<String>)], salt: u32) -> Result<Mapping> {
    let mut images = Images::salted(salt);
    for (column, found) in values {
        let label = Label::new(&column.label).with_context(|| column.path())?;
        images.telling(Some(label));
        for raw in found {
            column
                .shape
                .image(&mut images, raw)
                .with_context(|| column.path())?;
        }
    }
    images.telling(None);
    let mut columns = Vec::new();
    for (column, found) in values {
        let mut pairs = BTreeMap::new();
        for raw in found {
            let image = column
                .shape
                .image(&mut images, raw)
                .with_context(|| column.path())?;
            pairs.insert(raw.clone(), (column.shape.same(raw), image));
        }
        columns.push((column.clone(), pairs));
    }
    let parts = images.pairs();
    Ok(Mapping {
        columns,
        parts: parts.map(|(a, b)| (a.to_owned(), b.to_owned())).collect(),
    })
}

impl Mapping {
    /// A column of several values whose images are in the order of the values: what follows their order would be the
    /// same in both worlds.
    fn in_the_same_order(&self) -> Option<&Labelled> {
        let kept = |(column, pairs): &&(Labelled, Pairs)| {
            let number = |text: &str| text.parse::<f64>().unwrap_or_default();
            let mut sorted: Vec<(&str, &str)> = pairs
                .values()
                .map(|(raw, image)| (raw.as_str(), image.as_str()))
                .collect();
            let numbers = match column.shape {
                Shape::Integer(_) | Shape::Decimal => true,
                Shape::Text(_) | Shape::Time | Shape::Bytes | Shape::Network => false,
                Shape::Json | Shape::Flag | Shape::Array(_) | Shape::Other => return false,
            };
            if numbers {
                sorted.sort_by(|a, b| number(a.0).total_cmp(&number(b.0)));
            } else {
                sorted.sort_unstable();
            }
            let mut images = sorted.windows(2).filter_map(|two| match two {
                [a, b] => Some((a.1, b.1)),
                _ => None,
            });
            sorted.len() > 1
                && images.all(|(a, b)| {
                    if numbers {
                        number(a) <= number(b)
                    } else {
                        a <= b
                    }
                })
        };
        self.columns.iter().find(kept).map(|(column, _)| column)
    }
}

/// Which of a pair a world gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The values as they are.
    Same,
    /// Their images.
    Image,
}

/// Writes one side of a mapping into a database that was copied from where the mapping was read. Both worlds are
/// written in the same way, so that nothing but the values tells them apart: no trigger, rule or foreign key is run,
/// and rows keep their order.
pub(crate) fn write(client: &mut Client, mapping: &Mapping, side: Side) -> Result<()> {
    client.run("set session_replication_role = replica; set row_security = off")?;
    client.run("create temp table weir_values (place int, a text, b text)")?;
    let mut rows = String::new();
    for (place, (_, pairs)) in mapping.columns.iter().enumerate() {
        for (raw, (same, image)) in pairs {
            let new = if side == Side::Same { same } else { image };
            rows.push_str(&format!("{place}\t{}\t{}\n", copied(raw), copied(new)));
        }
    }
    client.copy_in("copy weir_values from stdin", rows.as_bytes())?;
    client.run("create unique index on weir_values (place, md5(a)); analyze weir_values")?;
    client.run(
        "create function pg_temp.weir_value(int, text) returns text language sql as
         'select b from pg_temp.weir_values where place = $1 and md5(a) = md5($2)'",
    )?;
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, (column, _)) in mapping.columns.iter().enumerate() {
        let name = quoted(&column.column);
        tables.entry(column.relation()).or_default().push(format!(
            "{name} = pg_temp.weir_value({place}, {name}::text)::{}",
            column.sql_type
        ));
    }
    for (table, set) in &tables {
        let text = format!("update only {table} set {}", set.join(", "));
        client
            .run(&text)
            .with_context(|| format!("cannot make the second world: {text}"))?;
    }
    client.run("set session_replication_role = origin")?;
    let views = client.run(
        "select c.oid::regclass from pg_class c where relkind = 'm' and relispopulated order by oid",
    )?;
    for view in views.rows().iter().flatten() {
        client.run(&format!("refresh materialized view {view}"))?;
    }
    client.run("discard temp")?;
    // rows as they would have been written at once, and statistics that nothing will change
    client.run("vacuum (full, freeze, analyze)")?;
    // what that left in the catalog would be tidied by the first who reads it
    client.run("vacuum (freeze)")?;
    Ok(())
}

/// As COPY's text format has it.
fn copied(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}
