//! Making two databases that differ in masked values alone.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::image::Images;
use crate::lab::Client;
use crate::leaks::labels::{Labelled, quoted};

/// What is written into each world: the values of a column in the first and their images.
pub(crate) type Mapping = Vec<(Labelled, BTreeMap<String, (String, String)>)>;

/// Reads the values of labelled columns and draws their images.
pub(crate) fn mapping(client: &mut Client, columns: &[Labelled]) -> Result<Mapping> {
    let mut images = Images::default();
    let mut values: Vec<(Labelled, BTreeSet<String>)> = Vec::new();
    // values that must fit are drawn first
    let mut ordered: Vec<&Labelled> = columns.iter().filter(|column| column.stored).collect();
    ordered.sort_by_key(|column| column.shape != super::Shape::Text(None));
    ordered.reverse();
    for column in ordered.into_iter().filter(|column| column.shape.varies()) {
        let name = quoted(&column.column);
        let text = format!(
            "select distinct {name}::text from only {} where {name} is not null",
            column.relation()
        );
        let rows = client.run(&text)?.rows();
        let found: BTreeSet<String> = rows.into_iter().flatten().collect();
        for value in &found {
            images.stands_in_first(value);
        }
        values.push((column.clone(), found));
    }
    Ok(values
        .into_iter()
        .map(|(column, found)| {
            let pairs = found
                .into_iter()
                .map(|raw| {
                    let same = column.shape.same(&raw);
                    let image = column.shape.image(&mut images, &raw);
                    (raw, (same, image))
                })
                .collect();
            (column, pairs)
        })
        .collect())
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
    for (place, (_, pairs)) in mapping.iter().enumerate() {
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
    for (place, (column, _)) in mapping.iter().enumerate() {
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
