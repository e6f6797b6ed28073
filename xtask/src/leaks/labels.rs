//! Which columns of a corpus's database are labelled.

use anyhow::Result;

use super::worlds::Shape;
use crate::lab::Client;

/// What corpora say is masked, as far as their database has it.
pub(crate) const NAMED: &[(&str, &str)] = &[
    ("public.customers.email", "email"),
    ("public.customers.ssn", "ssn"),
    ("public.customers.salary", "salary"),
    ("public.customers.profile", "json"),
    ("public.customers.tags", "tags"),
    ("public.customers.note", "note"),
    ("public.parent.email", "email"),
    ("public.child.email", "email"),
    ("public.part.email", "email"),
    ("public.part1.email", "email"),
];

/// A labelled column of a table.
#[derive(Clone, Debug)]
pub(crate) struct Labelled {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) label: String,
    pub(crate) shape: Shape,
    /// The type as SQL writes it.
    pub(crate) sql_type: String,
    /// Whether the table holds rows itself.
    pub(crate) stored: bool,
}

impl Labelled {
    /// `schema.table.column`, as `weir.toml` names it.
    pub(crate) fn path(&self) -> String {
        [&self.schema, &self.table, &self.column]
            .map(|name| word(name))
            .join(".")
    }

    /// The table, as SQL names it.
    pub(crate) fn relation(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.table))
    }
}

/// A name in double quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn word(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.chars().all(plain) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

const COLUMNS: &str = "select n.nspname, c.relname, a.attname, t.typname, t.typcategory, coalesce(e.typname, ''),
    case when t.typname in ('varchar', 'bpchar') and a.atttypmod > 4 then a.atttypmod - 4 end,
    format_type(a.atttypid, a.atttypmod), c.relkind = 'r'
  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
  join pg_type t on t.oid = a.atttypid left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
  where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
  order by c.oid, a.attnum";

/// The labelled columns of a database: those that are `named`, and every other column of a table in which one of
/// `canaries` stands.
pub(crate) fn find(
    client: &mut Client,
    named: &[(&str, &str)],
    canaries: &[String],
) -> Result<Vec<Labelled>> {
    let mut found = Vec::new();
    for row in client.run(COLUMNS)?.rows() {
        let cell = |place: usize| row.get(place).cloned().unwrap_or_default();
        let mut column = Labelled {
            schema: cell(0),
            table: cell(1),
            column: cell(2),
            label: String::new(),
            shape: Shape::of(&cell(3), &cell(4), &cell(5), cell(6).parse().ok()),
            sql_type: cell(7),
            stored: cell(8) == "t",
        };
        let path = column.path();
        let named = named.iter().find(|(name, _)| *name == path);
        column.label = match named {
            Some((_, label)) => (*label).to_owned(),
            None => match canary_in(client, &column, canaries)? {
                Some(canary) => word_for(&column, &canary).to_owned(),
                None => continue,
            },
        };
        found.push(column);
    }
    Ok(found)
}

/// The first value of a column that holds a canary.
fn canary_in(
    client: &mut Client,
    column: &Labelled,
    canaries: &[String],
) -> Result<Option<String>> {
    if canaries.is_empty() {
        return Ok(None);
    }
    let any: Vec<String> = canaries
        .iter()
        .map(|canary| format!("strpos(v, '{}') > 0", canary.replace('\'', "''")))
        .collect();
    let text = format!(
        "select v from (select {}::text as v from only {}) s where {} limit 1",
        quoted(&column.column),
        column.relation(),
        any.join(" or ")
    );
    Ok(client.run(&text)?.rows().into_iter().flatten().next())
}

/// A copy of a masked value is labelled as what it looks like.
fn word_for(column: &Labelled, value: &str) -> &'static str {
    match &column.shape {
        Shape::Json => "json",
        Shape::Array(_) => "tags",
        Shape::Text(_) if value.contains(' ') => "note",
        Shape::Text(_) if value.contains('@') => "email",
        Shape::Text(_) if value.starts_with('+') => "phone",
        Shape::Text(_) if value.contains('-') => "ssn",
        Shape::Integer(_) | Shape::Decimal => "salary",
        _ => "note",
    }
}
