//! The whole of a text: its statements in order, each in the light of those before it.

mod copy;
mod create;
mod ddl;
mod effects;
mod given;
mod prepared;
mod text;
mod utility;

use effects::Effects;
use text::{inner_text, trimmed};

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use crate::ast::{Query, Tree};
use crate::parse::{self, Parsed};
use crate::pattern;
use crate::resolve::{Pending, References, Resolver, Rows, Ty};
use crate::scope::Search;
use crate::{
    Access, Analysis, Effect, Error, Kind, Object, Oid, OpaqueReason, Output, RowOrder, Scope,
    SetChange, SetScope, SetValue, Statement, Usage, Verb, limits, shape,
};

/// How deep EXECUTE may lead into EXPLAIN into EXECUTE.
const NESTING: usize = 4;

/// Reads a text.
///
/// # Errors
/// The text is not in the grammar, or exceeds a limit.
pub fn analyze(text: &str, scope: &Scope<'_>) -> Result<Analysis, Error> {
    analyze_with(text, &[], scope)
}

/// Reads a text whose parameters have these declared types, as a Parse message gives them: 0 for a type that is left
/// to the server.
///
/// # Errors
/// The text is not in the grammar, or exceeds a limit.
pub fn analyze_with(text: &str, parameters: &[Oid], scope: &Scope<'_>) -> Result<Analysis, Error> {
    read(text, parameters, scope, None)
}

/// Reads a text and gathers the references to columns in it.
pub(crate) fn references(
    text: &str,
    parameters: &[Oid],
    scope: &Scope<'_>,
) -> Result<References, Error> {
    let references = RefCell::default();
    read(text, parameters, scope, Some(&references))?;
    Ok(references.into_inner())
}

fn read(
    text: &str,
    parameters: &[Oid],
    scope: &Scope<'_>,
    references: Option<&RefCell<References>>,
) -> Result<Analysis, Error> {
    limits::check(text, &scope.limits)?;
    let parsed = parse::parse(text, scope.limits.depth, scope.limits.statements)?;
    let mut settings = scope.settings.clone();
    let mut pending = Pending::default();
    let mut analysis = Analysis {
        statements: Vec::with_capacity(parsed.len()),
        complete_catalog: true,
        pattern: None,
    };
    let single = parsed.len() == 1;
    for one in &parsed {
        let search = Search::new(&settings.search_path, settings.temp_schema.as_deref());
        let surroundings = if single {
            0..text.len()
        } else {
            one.text.clone()
        };
        let reader = Reader {
            scope,
            search: &search,
            pending: &pending,
            known: settings.known,
            nesting: 0,
            references,
            parameters: parameters
                .iter()
                .map(|oid| match oid {
                    0 => Ty::Literal,
                    oid => Ty::Known(*oid, -1),
                })
                .collect(),
        };
        let mut effects = Effects::default();
        let mut statement =
            reader.statement(text, one, &mut effects, &mut analysis.complete_catalog);
        if single && matches!(one.tree, Tree::Query(_)) && !effects.constants_read {
            // The grammar agrees on what the constants are.
            analysis.pattern = pattern::of(text)
                .filter(|pattern| pattern.places == one.constants)
                .map(|pattern| pattern.text);
        }
        statement.comment = shape::comment(text.get(surroundings).unwrap_or_default());
        effects.apply(&statement, &mut pending, &mut settings);
        analysis.statements.push(statement);
    }
    Ok(analysis)
}

/// Reads one statement.
struct Reader<'a> {
    scope: &'a Scope<'a>,
    search: &'a Search,
    pending: &'a Pending,
    known: bool,
    nesting: usize,
    parameters: Vec<Ty>,
    /// Where references in the text are gathered, if they are.
    references: Option<&'a RefCell<References>>,
}

/// A statement half made.
struct Draft {
    command: &'static str,
    kind: Kind,
    rows: Rows,
    /// The statement is a definition or write; its outputs do not reach the client.
    silent: bool,
}

impl Draft {
    fn plain(command: &'static str, kind: Kind) -> Self {
        Self {
            command,
            kind,
            rows: Rows::default(),
            silent: false,
        }
    }
}

impl<'a> Reader<'a> {
    fn statement(
        &self,
        text: &str,
        parsed: &'a Parsed,
        effects: &mut Effects,
        complete: &mut bool,
    ) -> Statement {
        let own = trimmed(text, &parsed.text);
        self.tree(text, own, &parsed.tree, effects, complete)
    }

    fn tree(
        &self,
        text: &str,
        own: Range<usize>,
        tree: &'a Tree,
        effects: &mut Effects,
        complete: &mut bool,
    ) -> Statement {
        let piece = text.get(own.clone()).unwrap_or_default();
        let mut resolver = self.resolver();
        resolver.parameters.clone_from(&self.parameters);
        if !self.known {
            resolver.facts.opaque(OpaqueReason::UnknownSettings);
        }
        let draft = self.draft(&mut resolver, piece, tree, effects, complete);
        effects.constants_read |= resolver.facts.constants_read.get();
        let mut statement = self.finish(resolver, draft, piece, own, complete);
        statement.redefines = effects.names();
        statement
    }

    fn resolver(&self) -> Resolver<'a> {
        let limit = self.scope.limits.depth;
        let mut resolver = Resolver::new(self.scope.catalog, self.search, self.pending, limit);
        resolver.facts.references = self.references.map(|_| Box::default());
        resolver
    }

    fn draft(
        &self,
        resolver: &mut Resolver<'a>,
        text: &str,
        tree: &'a Tree,
        effects: &mut Effects,
        complete: &mut bool,
    ) -> Draft {
        match tree {
            Tree::Query(query) => self.query(resolver, query, effects),
            Tree::Copy(copy) => self.copy(resolver, copy),
            Tree::Prepare { name, types, query } => {
                self.prepare(resolver, text, name, types, query, complete)
            }
            Tree::Declare {
                name,
                with_hold,
                binary,
                query,
            } => {
                let inner = self.inner_query(text, query, self.parameters.clone(), complete);
                inherit(resolver, &inner);
                Draft::plain(
                    "DECLARE CURSOR",
                    Kind::Declare {
                        cursor: name.to_string(),
                        with_hold: *with_hold,
                        binary: *binary,
                        inner: Box::new(inner),
                    },
                )
            }
            Tree::Explain { analyze, inner } => {
                let mut ignored = Effects::default();
                let statement = self.tree(text, 0..text.len(), inner, &mut ignored, complete);
                self.explain(resolver, *analyze, statement)
            }
            Tree::Execute(execute) => self.execute(resolver, execute, complete),
            Tree::CreateAs {
                table,
                materialised,
                inner,
            } => self.create_as(
                resolver,
                text,
                table,
                *materialised,
                inner,
                effects,
                complete,
            ),
            Tree::Ddl(ddl) => self.ddl(resolver, ddl, effects),
            _ => self.utility(resolver, tree),
        }
    }

    /// A query that stands in another statement.
    fn inner_query(
        &self,
        text: &str,
        query: &'a Query,
        parameters: Vec<Ty>,
        complete: &mut bool,
    ) -> Statement {
        let own = inner_text(text);
        let piece = text.get(own.clone()).unwrap_or_default();
        let mut resolver = self.resolver();
        resolver.parameters = parameters;
        let mut effects = Effects::default();
        let draft = self.query(&mut resolver, query, &mut effects);
        self.finish(resolver, draft, piece, own, complete)
    }

    fn query(&self, resolver: &mut Resolver<'a>, query: &'a Query, effects: &mut Effects) -> Draft {
        let rows = resolver.query(query);
        resolver.facts.by_chance = resolver.comes_by_chance(query);
        let (command, kind) = match query {
            Query::Select(_) => ("SELECT", Kind::Select),
            Query::Insert(_) => ("INSERT", Kind::Insert),
            Query::Update(_) => ("UPDATE", Kind::Update),
            Query::Delete(_) => ("DELETE", Kind::Delete),
            Query::Merge(_) => ("MERGE", Kind::Merge),
            Query::Opaque(_) => ("SELECT", Kind::Utility),
        };
        let mut draft = Draft {
            command,
            kind,
            rows,
            silent: false,
        };
        if let Some(table) = resolver.into.take() {
            // SELECT INTO is CREATE TABLE AS.
            self.creates(resolver, table, effects);
            resolver.facts.raise(Effect::Definition);
            draft.command = "SELECT INTO";
            draft.silent = true;
        }
        draft
    }

    fn finish(
        &self,
        mut resolver: Resolver<'a>,
        draft: Draft,
        text: &str,
        own: Range<usize>,
        complete: &mut bool,
    ) -> Statement {
        let usage = if draft.silent {
            Usage::WrittenFrom
        } else {
            Usage::Projected
        };
        for column in &draft.rows.columns {
            resolver.facts.lineage(&column.lineage, usage);
        }
        resolver.check_system_columns();
        resolver.check_implicit_casts();
        let mut facts = resolver.facts;
        if let (Some(all), Some(own)) = (self.references, facts.references.take()) {
            all.borrow_mut().add(*own);
        }
        *complete &= facts.complete;
        let mut given = facts.take_given();
        given::count_places(&mut given, text);
        let columns = facts.columns(self.scope.catalog);
        let outputs = if draft.silent {
            Vec::new()
        } else {
            outputs(&draft.rows)
        };
        let mut statement = Statement {
            text: own,
            shape: shape::shape(text).into(),
            command: draft.command,
            kind: draft.kind,
            accesses: facts.touched().collect(),
            columns,
            given,
            outputs,
            outputs_complete: !draft.rows.open,
            functions: facts.take_functions(),
            has_where: facts.has_where,
            effect: facts.effect,
            order: facts.order(),
            opaque: facts.take_opaque(),
            settings: std::mem::take(&mut facts.settings),
            fingerprint: facts.take_fingerprint(),
            redefines: Vec::new(),
            comment: None,
        };
        add_reads(&mut statement);
        statement
    }
}

fn outputs(rows: &Rows) -> Vec<Output> {
    rows.columns
        .iter()
        .map(|column| Output {
            name: Arc::clone(&column.name),
            reported: column.lineage.reported,
            source: column.lineage.source(),
        })
        .collect()
}

/// A write that looks at columns of what it writes also reads it.
fn add_reads(statement: &mut Statement) {
    let read: Vec<Object> = statement
        .accesses
        .iter()
        .filter(|access| {
            matches!(access.verb, Verb::Insert | Verb::Update | Verb::Delete) && !access.indirect
        })
        .filter(|access| match &access.object {
            Object::Relation { oid: Some(oid), .. } => statement
                .columns
                .iter()
                .any(|column| column.column.relation == *oid && column.usage != Usage::Written),
            _ => false,
        })
        .map(|access| access.object.clone())
        .collect();
    for object in read {
        let there = |access: &Access| access.verb == Verb::Read && access.object == object;
        if !statement.accesses.iter().any(there) {
            statement.accesses.push(Access {
                verb: Verb::Read,
                object,
                indirect: false,
            });
        }
    }
}

/// Takes over what an inner statement does.
fn inherit(resolver: &mut Resolver<'_>, inner: &Statement) {
    let facts = &mut resolver.facts;
    for access in &inner.accesses {
        facts.access(access.verb, access.object.clone(), access.indirect);
    }
    for column in &inner.columns {
        if column.usage == Usage::Unresolved {
            facts.unresolved(&column.schema, &column.relation, &column.name);
        } else {
            facts.column_telling(column.column, column.usage, column.tells.clone());
        }
    }
    for given in &inner.given {
        facts.given(given.clone());
    }
    for function in &inner.functions {
        facts.function(function.clone());
    }
    for reason in &inner.opaque {
        facts.opaque(reason.clone());
    }
    for entry in &inner.fingerprint {
        facts.depends_on(*entry);
    }
    facts.settings.extend(inner.settings.iter().cloned());
    facts.has_where &= inner.has_where;
    facts.by_chance = inner.order == RowOrder::Chance;
    facts.order_within |= inner.order == RowOrder::PlanWithin;
    facts.raise(inner.effect);
}

impl<'a> Reader<'a> {
    /// The settings a prepared statement or cursor meets: the present ones.
    fn deeper(&self) -> Option<Reader<'a>> {
        (self.nesting < NESTING).then(|| Reader {
            scope: self.scope,
            search: self.search,
            pending: self.pending,
            known: self.known,
            nesting: self.nesting + 1,
            parameters: Vec::new(),
            references: None,
        })
    }

    fn explain(&self, resolver: &mut Resolver<'a>, analyze: bool, mut inner: Statement) -> Draft {
        inherit(resolver, &inner);
        resolver.facts.explain();
        if !analyze && resolver.facts.effect != Effect::Unknown {
            // Nothing runs but what the planner folds: functions that are not volatile.
            resolver.facts.effect = Effect::ReadOnly;
        }
        inner.outputs.clear();
        Draft {
            command: "EXPLAIN",
            kind: Kind::Explain {
                analyze,
                inner: Box::new(inner),
            },
            rows: prepared::one_column("QUERY PLAN", false),
            silent: false,
        }
    }
}

/// The change that a setting's own statement makes.
fn reset(name: &str) -> SetChange {
    SetChange {
        name: name.into(),
        scope: SetScope::Session,
        value: SetValue::Default,
        is_reset: true,
        reset_all: false,
    }
}
