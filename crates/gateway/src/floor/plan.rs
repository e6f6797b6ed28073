//! The statements that lay a floor: the same for the same catalog and labels, and safe to run again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use session::Drift;
use statement::catalog::{Relation, RelationKind};
use statement::{Catalog, ColumnId, Oid};

use super::{queries, quoted};

/// Before the name of a schema: the schema of its masking views.
const PREFIX: &str = "weir_";

/// The comment of such a schema: views in it are ours to replace. One without it is somebody else's.
pub(super) const MARK: &str = "Masking views of Weir";

/// The schema of the masking views of a schema's tables.
#[must_use]
pub fn schema_of_views(schema: &str) -> String {
    format!("{PREFIX}{schema}")
}

/// What is run, in order, in one transaction.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Lines about the whole, without `--`.
    pub head: Vec<String>,
    /// What is run.
    pub steps: Vec<Step>,
}

/// Statements with one purpose.
#[derive(Clone, Debug)]
pub struct Step {
    /// Why, as lines without `--`.
    pub why: Vec<String>,
    /// Without semicolons.
    pub statements: Vec<String>,
}

/// What a plan is made of.
pub(super) struct Facts<'a> {
    pub target: &'a str,
    pub database: &'a str,
    pub role: &'a str,
    pub catalog: &'a Catalog,
    /// Labelled columns and those computed from them, with the type a NULL in their place has.
    pub labelled: &'a BTreeMap<ColumnId, String>,
    /// Relations the ordinary login reads as a whole.
    pub readable: &'a BTreeSet<Oid>,
    /// Views that read labelled columns.
    pub tainted: &'a [Oid],
    /// The ordinary login's effective search path.
    pub path: &'a [String],
    /// Views that are there already in schemas with [`MARK`].
    pub present: &'a [(String, String)],
    pub drift: &'a [Drift],
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.head {
            writeln!(f, "-- {line}")?;
        }
        writeln!(f, "\nBEGIN;")?;
        for step in &self.steps {
            writeln!(f)?;
            for line in &step.why {
                writeln!(f, "-- {line}")?;
            }
            for statement in &step.statements {
                writeln!(f, "{statement};")?;
            }
        }
        writeln!(f, "\nCOMMIT;")
    }
}

/// A name in a comment: on one line, whatever it holds.
fn told(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Makes a schema for masking views; one of that name that somebody else made is left alone, and so is all else.
fn own_schema(schema: &str) -> String {
    let (name, literal, mark) = (
        quoted(schema),
        queries::literal(schema),
        queries::literal(MARK),
    );
    format!(
        "IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {literal}) THEN \
         CREATE SCHEMA {name}; COMMENT ON SCHEMA {name} IS {mark}; \
         ELSIF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {literal} \
         AND pg_catalog.obj_description(oid, 'pg_namespace') = {mark}) THEN \
         RAISE EXCEPTION USING MESSAGE = 'the schema ' || {literal} || ' is there already, and not Weir''s', \
         HINT = 'Rename it; if it may be replaced: COMMENT ON SCHEMA ' || {quoted_name} || ' IS ' || {quoted_mark}; END IF;",
        quoted_name = queries::literal(&name),
        quoted_mark = queries::literal(&mark),
    )
}

/// An anonymous block, whatever names stand in it.
fn block(body: &str) -> String {
    let tag = (0_u64..)
        .map(|number| match number {
            0 => "$weir$".to_owned(),
            _ => format!("$weir{number}$"),
        })
        .find(|tag| !body.contains(tag.as_str()))
        .unwrap_or_default();
    format!("DO {tag} BEGIN {body} END {tag}")
}

fn named(relation: &Relation) -> String {
    format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))
}

impl Facts<'_> {
    pub(super) fn plan(&self) -> Plan {
        let mut relations: Vec<&Relation> = self
            .catalog
            .relations()
            .filter(|relation| self.concerns(relation))
            .collect();
        relations.sort_by_key(|relation| (relation.schema.clone(), relation.name.clone()));
        let mut plan = Plan {
            head: vec![
                format!(
                    "Weir: the database floor of target {} (database {}).",
                    told(self.target),
                    told(self.database)
                ),
                format!(
                    "Masked sessions log in as {}. It reads what has no label; labelled columns are NULL in the views",
                    told(self.role)
                ),
                format!(
                    "of the schemas {PREFIX}…, which its search_path names first. docs/floor.md tells more."
                ),
            ],
            steps: vec![self.role(), self.take_back()],
        };
        plan.steps.push(self.enter(&relations));
        plan.steps.push(self.grants(&relations));
        plan.steps.push(self.views(&relations));
        plan.steps.push(self.path(&relations));
        plan.steps
            .retain(|step| !step.statements.is_empty() || !step.why.is_empty());
        plan
    }

    /// Whether the floor's role may come to read it, or something in its place.
    fn concerns(&self, relation: &Relation) -> bool {
        let kind = match relation.kind {
            RelationKind::Table
            | RelationKind::Partitioned
            | RelationKind::View
            | RelationKind::MaterialisedView
            | RelationKind::Foreign => true,
            RelationKind::Sequence
            | RelationKind::Composite
            | RelationKind::Toast
            | RelationKind::Index
            | RelationKind::PartitionedIndex
            | RelationKind::Unknown => false,
        };
        // Partitions are read through their table.
        kind && !relation.system
            && !relation.partition
            && !Catalog::is_system_schema(&relation.schema)
            && !relation.schema.starts_with(PREFIX)
            && !relation.schema.starts_with("pg_")
            && self.readable.contains(&relation.oid)
    }

    fn labels(&self, relation: &Relation) -> bool {
        let id = |attribute| ColumnId {
            relation: relation.oid,
            attribute,
        };
        self.labelled
            .range(id(i16::MIN)..=id(i16::MAX))
            .next()
            .is_some()
    }

    fn type_of(&self, relation: &Relation, attribute: i16) -> Option<&String> {
        self.labelled.get(&ColumnId {
            relation: relation.oid,
            attribute,
        })
    }

    /// Why nothing of it is given to the role, if so.
    fn withheld(&self, relation: &Relation) -> Option<&'static str> {
        if self.tainted.contains(&relation.oid) {
            return Some("reads labelled columns as its owner");
        }
        if relation.kind == RelationKind::Foreign {
            return Some("is a foreign table, whose rows lie elsewhere");
        }
        let invoker = self.catalog.server_version() >= 150_000;
        (!invoker && self.labels(relation) && relation.row_security.enabled)
            .then_some("has row security, which views keep from PostgreSQL 15 on only")
    }

    fn role(&self) -> Step {
        let role = quoted(self.role);
        Step {
            why: vec![
                "The role. Its password is set by `weir floor apply`, as a SCRAM verifier, or by \\password in psql.".into(),
            ],
            statements: vec![
                block(&format!(
                    "IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = {}) THEN CREATE ROLE {role} LOGIN NOINHERIT; END IF;",
                    queries::literal(self.role)
                )),
                format!("GRANT CONNECT ON DATABASE {} TO {role}", quoted(self.database)),
            ],
        }
    }

    fn take_back(&self) -> Step {
        let mut step = Step {
            why: Vec::new(),
            statements: Vec::new(),
        };
        if !self.drift.is_empty() {
            step.why
                .push("Rights that would let raw values through.".into());
        }
        for drift in self.drift {
            step.why.push(format!("   it {}", told(&drift.what)));
            for repair in &drift.repair {
                match repair.strip_prefix("-- ") {
                    Some(by_hand) => step.why.push(format!("   BY HAND: {}", told(by_hand))),
                    None if step.statements.contains(repair) => {}
                    None => step.statements.push(repair.clone()),
                }
            }
        }
        step
    }

    fn enter(&self, relations: &[&Relation]) -> Step {
        let role = quoted(self.role);
        let schemas: BTreeSet<&str> = relations.iter().map(|r| &*r.schema).collect();
        let mut statements = Vec::new();
        for schema in schemas {
            let schema = quoted(schema);
            statements.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
            statements.push(format!(
                "REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role}"
            ));
        }
        Step {
            why: vec![
                "Schemas it may enter; what it was granted there before is granted anew below."
                    .into(),
            ],
            statements,
        }
    }

    fn grants(&self, relations: &[&Relation]) -> Step {
        let role = quoted(self.role);
        let mut step = Step {
            why: vec!["What has no label, as far as the ordinary login reads it.".into()],
            statements: Vec::new(),
        };
        for relation in relations {
            if let Some(why) = self.withheld(relation) {
                step.why
                    .push(format!("   not {}: it {why}", told(&named(relation))));
                continue;
            }
            if !self.labels(relation) {
                step.statements.push(format!(
                    "GRANT SELECT ON TABLE {} TO {role}",
                    named(relation)
                ));
                continue;
            }
            let plain: Vec<String> = relation
                .columns
                .iter()
                .filter(|column| self.type_of(relation, column.attribute).is_none())
                .map(|column| quoted(&column.name))
                .collect();
            if !plain.is_empty() {
                let plain = plain.join(", ");
                step.statements.push(format!(
                    "GRANT SELECT ({plain}) ON TABLE {} TO {role}",
                    named(relation)
                ));
            }
        }
        step
    }

    fn views(&self, relations: &[&Relation]) -> Step {
        let role = quoted(self.role);
        let options = match self.catalog.server_version() {
            150_000.. => "security_barrier = true, security_invoker = true",
            _ => "security_barrier = true",
        };
        let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
        let mut schemas: BTreeSet<String> = BTreeSet::new();
        let mut made = Vec::new();
        for relation in relations {
            if !self.labels(relation) || self.withheld(relation).is_some() {
                continue;
            }
            let schema = schema_of_views(&relation.schema);
            let view = format!("{}.{}", quoted(&schema), quoted(&relation.name));
            let columns: Vec<String> = relation
                .columns
                .iter()
                .map(|column| match self.type_of(relation, column.attribute) {
                    Some(ty) => format!("NULL::{ty} AS {}", quoted(&column.name)),
                    None => format!("r.{0} AS {0}", quoted(&column.name)),
                })
                .collect();
            made.push(format!("DROP VIEW IF EXISTS {view}"));
            made.push(format!(
                "CREATE VIEW {view} WITH ({options}) AS\n  SELECT {}\n  FROM {} AS r",
                columns.join(",\n         "),
                named(relation)
            ));
            made.push(format!("GRANT SELECT ON TABLE {view} TO {role}"));
            wanted.insert((schema.clone(), relation.name.to_string()));
            schemas.insert(schema);
        }
        let mut statements: Vec<String> = Vec::new();
        for (schema, view) in self.present {
            if !wanted.contains(&(schema.clone(), view.clone())) {
                statements.push(format!(
                    "DROP VIEW IF EXISTS {}.{}",
                    quoted(schema),
                    quoted(view)
                ));
            }
        }
        for schema in &schemas {
            statements.push(block(&own_schema(schema)));
            statements.push(format!(
                "GRANT USAGE ON SCHEMA {} TO {role}",
                quoted(schema)
            ));
        }
        statements.extend(made);
        Step {
            why: vec!["Masking views: labelled columns are NULL of their type.".into()],
            statements,
        }
    }

    fn path(&self, relations: &[&Relation]) -> Step {
        let masked = |schema: &str| {
            relations
                .iter()
                .any(|r| *r.schema == *schema && self.labels(r) && self.withheld(r).is_none())
        };
        let mut path = Vec::new();
        for schema in self.path.iter().filter(|s| *s != "pg_catalog") {
            if masked(schema) {
                path.push(quoted(&schema_of_views(schema)));
            }
            path.push(quoted(schema));
        }
        let path = match path.as_slice() {
            [] => "''".to_owned(),
            some => some.join(", "),
        };
        Step {
            why: vec!["Names without a schema mean the views.".into()],
            statements: vec![format!(
                "ALTER ROLE {} IN DATABASE {} SET search_path = {path}",
                quoted(self.role),
                quoted(self.database)
            )],
        }
    }
}
