//! From tree to facts: which object each name means, how each column is used, where each output comes from.
//!
//! Names resolve the way PostgreSQL resolves them (parser/parse_relation.c, parse_clause.c, parse_func.c). Where
//! its rules need more than is known here, the answer covers every reading, or the statement is opaque.

mod call;
mod code;
mod consequences;
mod equality;
mod expr;
mod facts;
mod from;
mod function;
mod join;
mod lineage;
mod names;
mod order;
mod outputs;
mod pending;
mod query;
mod references;
mod stored;
mod types;
mod view;
mod with;
mod write;

use std::rc::Rc;

use foldhash::{HashMap, HashSet};

use crate::ast::{Cte, Table};
use crate::catalog::{Catalog, Relation};
use crate::scope::Search;
use crate::{Oid, OpaqueReason};

pub(crate) use facts::Facts;
pub(crate) use from::Meant;
pub(crate) use lineage::{Lineage, Rows, ScopeColumn, Ty};
pub(crate) use order::CHANCE;
pub(crate) use pending::Pending;
pub(crate) use references::{Reference, References};
pub(crate) use types::{quoted, written};

/// Columns looked at while a statement is read, at most.
const WORK: usize = 20_000_000;

/// Columns of a result, at most (`MaxTupleAttributeNumber`, access/htup_details.h).
const WIDTH: usize = 1664;

/// Reads one statement.
pub(crate) struct Resolver<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) search: &'a Search,
    pub(crate) pending: &'a Pending,
    pub(crate) facts: Facts,
    /// FROM items of the queries around the present place, innermost last.
    levels: Vec<Level<'a>>,
    /// WITH clauses around the present place, innermost last.
    frames: Vec<Frame<'a>>,
    depth: usize,
    /// SELECTs around the present place, itself included.
    selects: usize,
    depth_limit: usize,
    /// How many columns were looked at, to bound the time a text may take.
    work: usize,
    /// Views being read, outermost first.
    views: Vec<Oid>,
    expanded: HashMap<Oid, Rc<[ScopeColumn]>>,
    /// Relations whose policies for these commands have been read.
    policies_read: HashSet<(Oid, Vec<u8>)>,
    /// Foreign keys of relations that are written.
    keys: HashMap<Oid, consequences::Keys<'a>>,
    /// User-defined types that values in the statement may have.
    types: HashSet<Oid>,
    /// Those that values are converted to.
    cast_types: HashSet<Oid>,
    /// What is compared next decides by itself which rows count.
    conjunct: bool,
    /// Columns that are not known belong to a relation that this statement creates.
    quiet: bool,
    /// Declared types of the parameters.
    pub(crate) parameters: Vec<Ty>,
    /// The setting that the column `name` of the present query is known to hold.
    setting: Option<&'a str>,
    /// Where SELECT INTO goes.
    pub(crate) into: Option<&'a Table>,
}

/// The FROM items of one query.
#[derive(Default)]
struct Level<'a> {
    items: Vec<Item<'a>>,
    /// How many columns they have together.
    width: usize,
    /// Items before this one cannot be seen (in ON, by other items).
    start: usize,
    /// No item can be seen (by a subselect in FROM that is not LATERAL).
    hidden: bool,
}

/// What a FROM clause brings into scope under one name.
struct Item<'a> {
    name: &'a str,
    /// The relation, when it is one and has no alias.
    schema: Option<&'a str>,
    relation: Option<&'a Relation>,
    columns: Vec<ScopeColumn>,
    /// It can be named: `t.a`.
    named: bool,
    /// Its columns can be named without it: `a`, `*`.
    bare: bool,
    /// It may have more columns, of any name.
    open: bool,
    /// FOR UPDATE and kin lock it.
    lockable: bool,
}

struct Frame<'a> {
    recursive: bool,
    ctes: Vec<CteState<'a>>,
    /// How many levels were around the WITH clause.
    levels: usize,
}

struct CteState<'a> {
    cte: &'a Cte,
    state: State,
}

enum State {
    /// Not read; visible to its siblings only under WITH RECURSIVE.
    Waiting,
    /// Being read, its first arm not yet.
    Started,
    /// Its first arm has been read: what a reference to itself gives.
    Recursing(Rows),
    Done(Rows),
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        catalog: &'a Catalog,
        search: &'a Search,
        pending: &'a Pending,
        depth_limit: usize,
    ) -> Self {
        Self {
            catalog,
            search,
            pending,
            facts: Facts::default(),
            levels: Vec::new(),
            frames: Vec::new(),
            depth: 0,
            selects: 0,
            work: 0,
            depth_limit: depth_limit.saturating_mul(2),
            views: Vec::new(),
            expanded: HashMap::default(),
            policies_read: HashSet::default(),
            keys: HashMap::default(),
            types: HashSet::default(),
            cast_types: HashSet::default(),
            conjunct: false,
            quiet: false,
            parameters: Vec::new(),
            setting: None,
            into: None,
        }
    }

    /// Runs `work` one level deeper, or marks the statement opaque and gives `otherwise`.
    fn deeper<T>(&mut self, otherwise: T, work: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= self.depth_limit {
            self.facts
                .opaque(OpaqueReason::Construct("nesting of this depth"));
            return otherwise;
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        result
    }

    /// Counts work; false once there was too much of it.
    fn spend(&mut self, columns: usize) -> bool {
        self.work = self.work.saturating_add(columns).saturating_add(1);
        if self.work > WORK {
            self.facts
                .opaque(OpaqueReason::Construct("a statement of this size"));
        }
        self.work <= WORK
    }

    fn level(&mut self) -> Option<&mut Level<'a>> {
        self.levels.last_mut()
    }

    /// A column of a relation that an earlier statement of the text makes or changes.
    fn unresolved(&mut self, schema: &str, relation: &str, name: &str) {
        if !self.quiet {
            self.facts.unresolved(schema, relation, name);
        }
    }

    fn construct(&mut self, what: &'static str) {
        self.facts.opaque(OpaqueReason::Construct(what));
    }
}
