//! The oracle: what the server says a statement reads is never more than what we say.

use std::collections::{BTreeMap, BTreeSet};

use statement::catalog::{Catalog, RelationKind};
use statement::{
    ColumnUse, Limits, NothingPrepared, Scope, Settings, Source, Statement, Usage, analyze,
};

use crate::catalog::{SETUP, load};
use crate::grammar::{self, Grammar};
use crate::oracle::{Answer, ask};
use crate::server::Server;
use crate::tree::{self, Columns};

/// Where the two disagree, by kind, with the shortest example of each.
#[derive(Default)]
struct Faults(BTreeMap<String, (usize, String)>);

impl Faults {
    fn add(&mut self, kind: impl Into<String>, example: String) {
        let entry = self.0.entry(kind.into()).or_insert((0, String::new()));
        entry.0 += 1;
        if entry.1.is_empty() || example.len() < entry.1.len() {
            entry.1 = example;
        }
    }
}

/// Parts of texts that are refused on purpose: columns that hold passwords.
const REFUSED: [&str; 2] = ["umoptions", "subconninfo"];

struct Comparison<'a> {
    catalog: &'a Catalog,
    settings: Settings,
    faults: Faults,
    compared: usize,
    opaque: usize,
    /// Outputs called clean.
    clean: usize,
}

impl<'a> Comparison<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            settings: Settings::default(),
            faults: Faults::default(),
            compared: 0,
            opaque: 0,
            clean: 0,
        }
    }
}

impl Comparison<'_> {
    fn statement(&mut self, text: &str, answer: &Answer) {
        let [query] = answer.queries.as_slice() else {
            return;
        };
        let scope = Scope {
            catalog: self.catalog,
            settings: &self.settings,
            prepared: &NothingPrepared,
            limits: Limits::default(),
        };
        let ours = match analyze(text, &scope) {
            Ok(analysis) => analysis,
            Err(error) => {
                self.faults.add(format!("error {error}"), text.to_owned());
                return;
            }
        };
        let [ours] = ours.statements.as_slice() else {
            self.faults.add("number of statements", text.to_owned());
            return;
        };
        if !ours.opaque.is_empty() {
            // refused: nothing is claimed
            self.opaque += 1;
            if REFUSED.iter().any(|part| text.contains(part)) {
                return;
            }
            self.faults
                .0
                .entry(format!("opaque {}", ours.opaque[0]))
                .or_insert((0, text.to_owned()))
                .0 += 1;
            return;
        }
        self.compared += 1;
        self.columns(text, &tree::reads(query), ours);
        self.outputs(text, query, ours);
    }

    /// The server's reads must all be ours.
    fn columns(&mut self, text: &str, theirs: &Columns, ours: &Statement) {
        let mut claimed: BTreeSet<(u32, i16)> = ours
            .columns
            .iter()
            .filter(|column| column.usage != Usage::Unresolved && column.usage != Usage::Written)
            .map(|ColumnUse { column, .. }| (column.relation, column.attribute))
            .collect();
        claimed.extend(
            ours.outputs
                .iter()
                .flat_map(|output| match &output.source {
                    Source::Column(column) => vec![*column],
                    Source::AnyOf(columns) => columns.to_vec(),
                    Source::Clean | Source::Derived => Vec::new(),
                })
                .map(|column| (column.relation, column.attribute)),
        );
        let through_system_views = ours.columns.iter().any(|column| {
            let relation = self.catalog.relation_by_oid(column.column.relation);
            relation.is_some_and(|relation| relation.system && relation.kind == RelationKind::View)
        });
        for (oid, attribute) in theirs {
            let Some(relation) = self.catalog.relation_by_oid(*oid) else {
                self.faults.add(
                    format!("relation {oid} is not in the catalog"),
                    text.to_owned(),
                );
                continue;
            };
            // the server's own views are taken as they are
            if relation.system && through_system_views {
                continue;
            }
            let missing: Vec<_> = match attribute {
                // system columns hold no values of users
                ..0 => Vec::new(),
                0 => relation
                    .columns
                    .iter()
                    .filter(|column| !claimed.contains(&(*oid, column.attribute)))
                    .map(|column| column.name.to_string())
                    .collect(),
                _ if claimed.contains(&(*oid, *attribute)) => Vec::new(),
                _ => relation
                    .column_by_attribute(*attribute)
                    .map(|column| column.name.to_string())
                    .into_iter()
                    .collect(),
            };
            for column in missing {
                let whole = if *attribute == 0 { " (whole row)" } else { "" };
                self.faults.add(
                    format!("MISSED {}.{column}{whole}", relation.name),
                    text.to_owned(),
                );
            }
        }
    }

    /// Names and origins of outputs must be the server's; what we call unchanged must be.
    fn outputs(&mut self, text: &str, query: &tree::Node, ours: &Statement) {
        let origins = query.origins();
        if !ours.outputs_complete {
            self.faults.add("outputs not complete", text.to_owned());
            return;
        }
        if origins.len() != ours.outputs.len() {
            self.faults.add(
                "number of outputs",
                format!("{} for {}: {text}", ours.outputs.len(), origins.len()),
            );
            return;
        }
        for (place, ((name, relation, attribute), output)) in
            origins.iter().zip(&ours.outputs).enumerate()
        {
            if **name != *output.name && name != "<>" {
                self.faults.add(
                    "name of output",
                    format!("{} for {name}: {text}", output.name),
                );
            }
            let reported = output
                .reported
                .map_or((0, 0), |column| (column.relation, column.attribute));
            if reported != (*relation, *attribute) {
                self.faults.add(
                    "origin of output",
                    format!(
                        "{reported:?} for {:?} at {place}: {text}",
                        (relation, attribute)
                    ),
                );
            }
            if output.source == Source::Clean {
                self.clean += 1;
                let values = tree::values(query, place);
                let of_users = |oid: u32| {
                    self.catalog
                        .relation_by_oid(oid)
                        .is_none_or(|relation| !relation.system)
                };
                if let Some(column) = values
                    .iter()
                    .find(|(oid, attribute)| *attribute >= 0 && of_users(*oid))
                {
                    self.faults
                        .add("NOT CLEAN", format!("{column:?} at {place}: {text}"));
                }
            }
            if let (Source::AnyOf(columns), true) = (&output.source, query.is_select()) {
                let ours: BTreeSet<(u32, i16)> = columns
                    .iter()
                    .map(|column| (column.relation, column.attribute))
                    .collect();
                let theirs = tree::values(query, place);
                // followed to where they were copied from, as below
                let copied = |relation: u32| {
                    let relation = self.catalog.relation_by_oid(relation);
                    relation.is_some_and(|relation| relation.kind == RelationKind::MaterialisedView)
                };
                if theirs
                    .iter()
                    .any(|column| !copied(column.0) && !ours.contains(column))
                {
                    self.faults.add(
                        "output has other values, too",
                        format!("{theirs:?} for {ours:?} at {place}: {text}"),
                    );
                }
            }
            let Source::Column(column) = output.source else {
                continue;
            };
            // the server's own views are taken as they are
            let relation = self.catalog.relation_by_oid(column.relation);
            let own_view = relation
                .is_some_and(|relation| relation.system && relation.kind == RelationKind::View);
            if query.is_select() && !own_view {
                let plain = tree::plain(query, place);
                // we follow the columns of materialised views to where they were copied from, the server does not
                let copied = plain.is_some_and(|(relation, _)| {
                    let relation = self.catalog.relation_by_oid(relation);
                    relation.is_some_and(|relation| relation.kind == RelationKind::MaterialisedView)
                });
                if !copied && plain != Some((column.relation, column.attribute)) {
                    self.faults.add(
                        "output is not unchanged",
                        format!("{column:?} for {plain:?} at {place}: {text}"),
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_the_server_reads_is_missed() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    server.records("postgres", grammar::SETUP);
    let catalog = load(&server, "postgres");
    let mut statements: Vec<String> = include_str!("cases.sql")
        .split(";\n")
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect();
    let written = statements.len();
    let seed = std::env::var("WEIR_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(20);
    let mut grammar = Grammar::new(seed);
    statements.extend((0..3_000).map(|_| grammar.statement()));
    let mut comparison = Comparison::new(&catalog);
    let answers = ask(&server, "postgres", "", &statements);
    for (statement, answer) in statements.iter().zip(&answers).take(written) {
        assert!(answer.error.is_none(), "{:?}: {statement}", answer.error);
    }
    for (statement, answer) in statements.iter().zip(&answers) {
        comparison.statement(statement, answer);
    }
    let clean = comparison.finish(2_500);
    assert!(clean > 50, "only {clean} outputs clean");
}

#[test]
fn what_row_security_reads_is_not_missed() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    server.records("postgres", grammar::SETUP);
    let catalog = load(&server, "postgres");
    let statements: Vec<_> = [
        "SELECT id FROM app.secured",
        "SELECT count(*) FROM app.secured s JOIN clean USING (id)",
        "SELECT 1 WHERE EXISTS (SELECT FROM app.secured)",
        "SELECT id FROM app.over_secured",
        "UPDATE app.secured SET secret = 'x'",
        "DELETE FROM app.secured WHERE id = 1 RETURNING secret",
        "INSERT INTO app.secured VALUES (1, 'a', 'b') RETURNING id",
        "INSERT INTO clean(id) SELECT id FROM app.secured",
    ]
    .map(str::to_owned)
    .into();
    let mut comparison = Comparison::new(&catalog);
    let answers = ask(&server, "postgres", "SET ROLE reader; ", &statements);
    let owner = catalog.column("app", "secured", "owner").unwrap();
    for (statement, answer) in statements.iter().zip(&answers) {
        // the oracle sees row security at all
        let reads = answer.queries.first().map(tree::reads).unwrap_or_default();
        let writes = statement.starts_with("INSERT INTO app");
        assert!(
            writes
                || statement.contains("over_")
                || reads.contains(&(owner.relation, owner.attribute)),
            "{statement}"
        );
        comparison.statement(statement, answer);
    }
    comparison.finish(statements.len());
}

#[test]
fn nothing_everyday_tools_read_is_missed() {
    let Some(server) = Server::start() else {
        eprintln!("no PostgreSQL 15 here");
        return;
    };
    server.records("postgres", SETUP);
    server.records("postgres", grammar::SETUP);
    let catalog = load(&server, "postgres");
    let tools = [
        include_str!("../everyday/psql.sql"),
        include_str!("../everyday/psql18.sql"),
        include_str!("../everyday/pg_dump.sql"),
        include_str!("../everyday/sqlalchemy.sql"),
        include_str!("../everyday/django.sql"),
        include_str!("../everyday/pgcli.sql"),
        include_str!("../everyday/jdbc.sql"),
        include_str!("../everyday/drivers.sql"),
    ];
    let selects = |text: &&str| {
        let word = text.split_whitespace().next().unwrap_or_default();
        matches!(
            word.to_ascii_uppercase().as_str(),
            "SELECT" | "WITH" | "VALUES" | "TABLE"
        )
    };
    let statements: Vec<String> = tools
        .iter()
        .flat_map(|texts| texts.split("\n--------\n"))
        .filter(selects)
        .map(|text| text.trim().trim_end_matches(';').to_owned())
        .collect();
    let mut comparison = Comparison::new(&catalog);
    let answers = ask(&server, "postgres", "", &statements);
    for (statement, answer) in statements.iter().zip(&answers) {
        comparison.statement(statement, answer);
    }
    comparison.finish(300);
}

impl Comparison<'_> {
    fn finish(self, least: usize) -> usize {
        assert!(
            self.faults.0.is_empty(),
            "{} compared, {} kinds of faults: {:#?}",
            self.compared,
            self.faults.0.len(),
            self.faults.0
        );
        assert!(
            self.compared >= least,
            "only {} compared, {} opaque",
            self.compared,
            self.opaque
        );
        self.clean
    }
}
