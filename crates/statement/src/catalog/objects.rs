//! The objects of a catalog. Names are as the catalog has them: case-folded, unquoted.

use std::sync::Arc;

use super::Oid;

/// A relation: whatever has a row in `pg_class`, except TOAST tables.
#[derive(Debug, Clone)]
pub struct Relation {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: RelationKind,
    /// Whether it outlives session and crash.
    pub persistence: Persistence,
    /// It came with the server (`pg_catalog`, `information_schema`).
    pub system: bool,
    /// The composite type of its rows; 0 for what has none (indexes).
    pub row_type: Oid,
    /// `xmin` of its row in `pg_class`.
    pub xmin: u32,
    /// It is a partition of another relation.
    pub partition: bool,
    /// The columns that are not dropped, by rising attribute number. Without system columns.
    pub columns: Vec<Column>,
    /// The query of a user's view or materialised view, written with an empty search_path. `None` for the
    /// server's own views, which are taken as they are.
    pub view_definition: Option<Arc<str>>,
    /// Rewrite rules other than a view's own `_RETURN`.
    pub rules: Vec<Rule>,
    /// Triggers that users made; not those that implement foreign keys.
    pub triggers: Vec<Trigger>,
    /// Row security.
    pub row_security: RowSecurity,
    /// User-defined code that runs when its rows are written or read: through checks, defaults, generated columns,
    /// index expressions and operator classes, policies, partition keys.
    pub user_code: Vec<UserCode>,
    /// Foreign keys of this relation to others.
    pub references: Vec<ForeignKey>,
    /// Foreign keys of other relations to this one.
    pub referenced_by: Vec<ForeignKey>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// For an index: the relation it belongs to.
    pub index_of: Option<Oid>,
}

impl Relation {
    /// A column by name. System columns are not found.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// A column by attribute number. System columns are not found.
    pub fn column_by_attribute(&self, attribute: i16) -> Option<&Column> {
        let place = self
            .columns
            .binary_search_by_key(&attribute, |column| column.attribute)
            .ok()?;
        self.columns.get(place)
    }

    /// Attribute number of a column or system column.
    pub fn attribute(&self, name: &str) -> Option<i16> {
        match self.column(name) {
            Some(column) => Some(column.attribute),
            None if self.kind.has_system_columns() => {
                let found = SYSTEM_COLUMNS.iter().find(|column| column.name == name)?;
                Some(found.attribute)
            }
            None => None,
        }
    }

    /// Name of a column or system column.
    pub fn attribute_name(&self, attribute: i16) -> Option<&str> {
        if attribute < 0 && self.kind.has_system_columns() {
            return system_column(attribute).map(|column| column.name);
        }
        self.column_by_attribute(attribute)
            .map(|column| &*column.name)
    }

    /// Type and type modifier of a column or system column.
    pub fn attribute_type(&self, attribute: i16) -> Option<(Oid, i32)> {
        if attribute < 0 && self.kind.has_system_columns() {
            return system_column(attribute).map(|column| (column.type_oid, -1));
        }
        self.column_by_attribute(attribute)
            .map(|column| (column.type_oid, column.typmod))
    }
}

/// `pg_class.relkind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelationKind {
    /// An ordinary table.
    Table,
    /// A partitioned table; its rows stand in its partitions.
    Partitioned,
    /// A view.
    View,
    /// A materialised view.
    MaterialisedView,
    /// A foreign table.
    Foreign,
    /// A sequence.
    Sequence,
    /// A composite type made by CREATE TYPE.
    Composite,
    /// A TOAST table.
    Toast,
    /// An index.
    Index,
    /// An index of a partitioned table.
    PartitionedIndex,
    /// A kind that this version does not know. Nothing may be concluded about it.
    Unknown,
}

impl RelationKind {
    pub(super) fn from_code(code: &str) -> Self {
        match code {
            "r" => Self::Table,
            "p" => Self::Partitioned,
            "v" => Self::View,
            "m" => Self::MaterialisedView,
            "f" => Self::Foreign,
            "S" => Self::Sequence,
            "c" => Self::Composite,
            "t" => Self::Toast,
            "i" => Self::Index,
            "I" => Self::PartitionedIndex,
            _ => Self::Unknown,
        }
    }

    /// It may stand in a FROM clause.
    pub fn is_readable(self) -> bool {
        match self {
            Self::Table
            | Self::Partitioned
            | Self::View
            | Self::MaterialisedView
            | Self::Foreign
            | Self::Sequence
            | Self::Toast
            | Self::Unknown => true,
            Self::Composite | Self::Index | Self::PartitionedIndex => false,
        }
    }

    /// Its rows have `ctid`, `xmin`, `tableoid` and so on.
    pub fn has_system_columns(self) -> bool {
        match self {
            Self::Table
            | Self::Partitioned
            | Self::MaterialisedView
            | Self::Foreign
            | Self::Sequence
            | Self::Toast => true,
            Self::View | Self::Composite | Self::Index | Self::PartitionedIndex | Self::Unknown => {
                false
            }
        }
    }
}

/// `pg_class.relpersistence`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Persistence {
    /// Permanent.
    Permanent,
    /// Not written to the WAL.
    Unlogged,
    /// Lives as long as one session.
    Temporary,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// `pg_attribute.attnum`, from 1; dropped columns leave gaps.
    pub attribute: i16,
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub type_oid: Oid,
    /// Its type modifier; −1 for none.
    pub typmod: i32,
    /// NOT NULL.
    pub not_null: bool,
    /// It has a default or is generated.
    pub has_default: bool,
    /// GENERATED ALWAYS AS (…), stored or virtual.
    pub generated: bool,
    /// GENERATED … AS IDENTITY.
    pub identity: bool,
    /// Its collation takes different texts for equal.
    pub loose_collation: bool,
}

/// A column that every row has without it being declared (access/sysattr.h).
#[derive(Debug, Clone, Copy)]
pub struct SystemColumn {
    /// Its name.
    pub name: &'static str,
    /// Its attribute number, negative.
    pub attribute: i16,
    /// Its type.
    pub type_oid: Oid,
}

/// Attribute number of `ctid`, where a row lies.
pub const CTID: i16 = -1;

/// All system columns.
pub const SYSTEM_COLUMNS: [SystemColumn; 6] = [
    SystemColumn {
        name: "ctid",
        attribute: CTID,
        type_oid: 27,
    },
    SystemColumn {
        name: "xmin",
        attribute: -2,
        type_oid: 28,
    },
    SystemColumn {
        name: "cmin",
        attribute: -3,
        type_oid: 29,
    },
    SystemColumn {
        name: "xmax",
        attribute: -4,
        type_oid: 28,
    },
    SystemColumn {
        name: "cmax",
        attribute: -5,
        type_oid: 29,
    },
    SystemColumn {
        name: "tableoid",
        attribute: -6,
        type_oid: 26,
    },
];

fn system_column(attribute: i16) -> Option<&'static SystemColumn> {
    SYSTEM_COLUMNS
        .iter()
        .find(|column| column.attribute == attribute)
}

/// A rewrite rule other than `_RETURN`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Arc<str>,
    /// What sets it off.
    pub event: RuleEvent,
    /// INSTEAD.
    pub instead: bool,
    /// It can fire. What fires only in a replica session counts.
    pub enabled: bool,
    /// The whole CREATE RULE, written with an empty search_path.
    pub definition: Arc<str>,
}

/// `pg_rewrite.ev_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RuleEvent {
    /// ON SELECT.
    Select,
    /// ON UPDATE.
    Update,
    /// ON INSERT.
    Insert,
    /// ON DELETE.
    Delete,
    /// A code that this version does not know: any event.
    Unknown,
}

/// A trigger that a user made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: Arc<str>,
    /// The function it calls.
    pub function: FunctionName,
    /// `pg_trigger.tgtype`: bit 0 row, 1 before, 2 insert, 3 delete, 4 update, 5 truncate, 6 instead.
    pub type_bits: u16,
    /// It can fire. What fires only in a replica session counts.
    pub enabled: bool,
}

impl Trigger {
    /// Fires on INSERT.
    pub fn on_insert(&self) -> bool {
        self.type_bits & 4 != 0
    }
    /// Fires on DELETE.
    pub fn on_delete(&self) -> bool {
        self.type_bits & 8 != 0
    }
    /// Fires on UPDATE.
    pub fn on_update(&self) -> bool {
        self.type_bits & 16 != 0
    }
    /// Fires on TRUNCATE.
    pub fn on_truncate(&self) -> bool {
        self.type_bits & 32 != 0
    }
}

/// An event trigger (CREATE EVENT TRIGGER).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTrigger {
    /// Its name.
    pub name: Arc<str>,
    /// `ddl_command_start`, `ddl_command_end`, `sql_drop`, `table_rewrite`, `login`.
    pub event: Arc<str>,
    /// The function it calls.
    pub function: FunctionName,
}

/// Row security of a relation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowSecurity {
    /// ENABLE ROW LEVEL SECURITY.
    pub enabled: bool,
    /// FORCE ROW LEVEL SECURITY: also for the owner.
    pub forced: bool,
    /// The policies, also while row security is not enabled.
    pub policies: Vec<Policy>,
}

/// A row security policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// `r`, `a` (insert), `w` (update), `d`, or `*` for all.
    pub command: u8,
    /// PERMISSIVE; otherwise RESTRICTIVE.
    pub permissive: bool,
    /// USING expression, written with an empty search_path.
    pub using: Option<Arc<str>>,
    /// WITH CHECK expression.
    pub check: Option<Arc<str>>,
}

/// The name and identity of a function.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionName {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// User-defined code that a relation or a domain runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserCode {
    /// What runs it.
    pub origin: CodeOrigin,
    /// What kind of object the code is.
    pub class: CodeClass,
    /// Identifier of the function, operator or operator class.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
}

/// What runs a piece of user-defined code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeOrigin {
    /// A column's default, or the expression of a generated column.
    Default,
    /// A CHECK constraint of a table or a domain, or an exclusion constraint.
    Constraint,
    /// An index: expression, predicate or operator class.
    Index,
    /// A row security policy.
    Policy,
    /// A partition key or partition bound.
    Partition,
    /// Extended statistics on expressions, run by ANALYZE.
    Statistics,
    /// A WHEN condition of a trigger.
    Trigger,
    /// A type: its input, output or other support function.
    Type,
    /// An origin that this version does not know: may run at any time.
    Unknown,
}

/// What kind of object runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CodeClass {
    /// A function.
    Function,
    /// An operator.
    Operator,
    /// An operator class or family.
    OperatorClass,
    /// A type with user-defined input and output functions, or a domain.
    Type,
    /// Something else.
    Other,
}

/// A foreign key. Both sides list columns in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// `pg_constraint.oid`.
    pub oid: Oid,
    /// The referencing relation.
    pub from: Oid,
    /// Attribute numbers of the referencing columns.
    pub from_attributes: Vec<i16>,
    /// The referenced relation.
    pub to: Oid,
    /// Attribute numbers of the referenced columns.
    pub to_attributes: Vec<i16>,
    /// Action on update of the referenced row: `a` none, `r` restrict, `c` cascade, `n` set null, `d` set default.
    pub on_update: u8,
    /// Action on delete of the referenced row; letters as above.
    pub on_delete: u8,
}

/// An index of a relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// `pg_class.oid` of the index.
    pub oid: Oid,
    /// UNIQUE.
    pub unique: bool,
    /// It implements the primary key.
    pub primary: bool,
    /// Attribute numbers of its key columns; 0 for an expression.
    pub attributes: Vec<i16>,
    /// It covers only part of the rows.
    pub partial: bool,
}

/// A user-defined function, procedure, aggregate or window function; or one of the server's with OUT parameters.
#[derive(Debug, Clone)]
pub struct Function {
    /// `pg_proc.oid`.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: FunctionKind,
    /// `i` immutable, `s` stable, `v` volatile.
    pub volatility: u8,
    /// Types of its input parameters.
    pub arguments: Vec<Oid>,
    /// Number of input parameters that have a default.
    pub defaults: usize,
    /// The last input parameter is VARIADIC.
    pub variadic: bool,
    /// Its result type.
    pub returns: Oid,
    /// It returns a set.
    pub returns_set: bool,
    /// Names and types of OUT, INOUT and TABLE parameters, in order.
    pub outputs: Vec<(Arc<str>, Oid)>,
    /// Name of its language.
    pub language: Arc<str>,
    /// SECURITY DEFINER.
    pub security_definer: bool,
    /// `xmin` of its row in `pg_proc`.
    pub xmin: u32,
}

/// `pg_proc.prokind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// A plain function.
    Function,
    /// A procedure.
    Procedure,
    /// An aggregate.
    Aggregate,
    /// A window function.
    Window,
    /// A kind that this version does not know.
    Unknown,
}

/// A user-defined operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// `pg_operator.oid`.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Type of its left operand; 0 for a prefix operator.
    pub left: Oid,
    /// Type of its right operand.
    pub right: Oid,
    /// Identifier of the function behind it; 0 for a shell.
    pub function: Oid,
}

/// A user-defined cast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cast {
    /// `pg_cast.oid`.
    pub oid: Oid,
    /// Source type.
    pub source: Oid,
    /// Target type.
    pub target: Oid,
    /// The function it calls; `None` for a cast by input and output functions or without conversion.
    pub function: Option<FunctionName>,
    /// When it applies: `e` explicit, `a` assignment, `i` implicit.
    pub context: u8,
    /// How: `f` function, `i` input and output functions, `b` binary coercible.
    pub method: u8,
}

/// A data type.
#[derive(Debug, Clone)]
pub struct Type {
    /// `pg_type.oid`.
    pub oid: Oid,
    /// Its schema.
    pub schema: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub kind: TypeKind,
    /// `pg_type.typcategory`: `S` string, `N` numeric, `D` date and time, `A` array, …
    pub category: u8,
    /// Element type of an array (or of a fixed-length type that can be subscripted); 0 for none.
    pub element: Oid,
    /// The type of arrays of this type; 0 for none.
    pub array: Oid,
    /// Base type of a domain; 0 for none.
    pub base: Oid,
    /// Type modifier a domain gives its base type; −1 for none.
    pub base_typmod: i32,
    /// The relation a composite type belongs to; 0 for none.
    pub relation: Oid,
    /// It came with the server.
    pub system: bool,
    /// Its input, output, receive or send function is user-defined.
    pub user_io: bool,
    /// User-defined code in its domain checks.
    pub user_code: Vec<UserCode>,
}

/// `pg_type.typtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// A base type, arrays included.
    Base,
    /// A composite type.
    Composite,
    /// A domain.
    Domain,
    /// An enum.
    Enum,
    /// A pseudo-type.
    Pseudo,
    /// A range.
    Range,
    /// A multirange.
    Multirange,
    /// A kind that this version does not know.
    Unknown,
}
