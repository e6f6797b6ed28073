//! The outcome of judging a query string: what runs, what is masked, what is
//! refused and why.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use ledger::event::{ColumnUse, Encoded, ObjectUse};
use mask::{Category, ColumnType, Label};
use policy::AccessFact;
use statement::{Effect, FunctionUse, Kind, SettingClass, Statement, Transaction};

use crate::comment::Declared;

use crate::refusal::Refusal;

/// When an intent must be on disk before its statement is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Every intent, and the outcome before the final reply.
    Strict,
    /// Whatever is not proven read-only.
    Balanced,
    /// None: written before forwarding, synced within milliseconds.
    Fast,
}

/// The words of a statement as the server gets them. Tokens in them have become what they stand for, so they are not
/// shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Words(pub(crate) Arc<str>);

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Words(…)")
    }
}

/// What a token stands for. Not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(Arc<str>);

impl Revealed {
    pub(crate) fn new(raw: &str) -> Self {
        Self(raw.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Revealed(…)")
    }
}

/// A parameter in the place of masked values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its place among the parameters, from 0.
    pub index: usize,
    /// The label of the values.
    pub label: Label,
    /// Their type; an array of it if `array`.
    pub ty: ColumnType,
    /// It is an array of values.
    pub array: bool,
    /// It is written.
    pub written: bool,
    /// The datasets that it is looked up in, if it is no token.
    pub datasets: Arc<[Arc<str>]>,
}

impl Parameter {
    /// The dataset to name it by.
    pub(crate) fn dataset(&self) -> &str {
        self.datasets.first().map_or("", |name| name)
    }
}

/// The verdict on one query string.
#[derive(Debug)]
pub struct Verdict {
    /// One per statement, in order. Complete also when the string is refused,
    /// so that the refusal can be recorded with its objects.
    pub judged: Vec<Judged>,
    /// The first refused statement refuses the whole string.
    pub refusal: Option<Refusal>,
    /// Wall-clock end of validity, if policy looked at the time.
    pub expires_ms: Option<u64>,
    /// Whether the verdict depends on the text and world alone (not on
    /// prepared statements or cursors of this session).
    pub cacheable: bool,
    /// What is sent in place of the client's text, and what the verdict is on: NULL stands where the client's
    /// computes with masked columns.
    pub sent: Option<Words>,
}

impl Verdict {
    /// A verdict on nothing: an empty query string.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            judged: Vec::new(),
            refusal: None,
            expires_ms: None,
            cacheable: true,
            sent: None,
        }
    }

    /// What the server is sent for the client's `text`.
    #[must_use]
    pub fn sent<'a>(&'a self, text: &'a str) -> &'a str {
        self.sent.as_ref().map_or(text, |words| &words.0)
    }

    /// Whether it depends on values of constants.
    #[must_use]
    pub fn by_value(&self) -> bool {
        self.judged.iter().any(|j| j.by_value)
    }

    /// Whether rows must be counted against a cap.
    #[must_use]
    pub fn capped(&self) -> bool {
        self.judged.iter().any(|j| j.row_cap.is_some())
    }

    /// Whether `other` masks the same columns by the same labels, and takes the same for parameters.
    #[must_use]
    pub fn masks_like(&self, other: &Self) -> bool {
        let same = |a: &Judged, b: &Judged| {
            (a.masks_rows() == b.masks_rows())
                && (!a.masks_rows() || a.outputs == b.outputs)
                && a.copy == b.copy
                && a.row_cap == b.row_cap
                && a.parameters == b.parameters
                && a.no_lookup.is_some() == b.no_lookup.is_some()
        };
        self.sent == other.sent
            && self.judged.len() == other.judged.len()
            && self
                .judged
                .iter()
                .zip(&other.judged)
                .all(|(a, b)| same(a, b))
    }

    /// Whether the server may parse this without running code of the database,
    /// so that what a Parse does is not worth an entry.
    ///
    /// Parsing resolves names and types. All it runs are the input functions of
    /// types, which only superusers can make; a statement that is not wholly
    /// understood is taken to run more.
    #[must_use]
    pub fn parses_quietly(&self) -> bool {
        let mut all = self.judged.iter();
        all.all(|judged| judged.statement.effect != Effect::Unknown)
    }

    /// Whether errors of this string may carry values.
    #[must_use]
    pub fn guarded(&self) -> bool {
        self.sent.is_some() || self.judged.iter().any(|j| j.guarded)
    }
}

/// One statement with all the gate decided about it.
#[derive(Debug)]
pub struct Judged {
    /// What the text means.
    pub statement: Arc<Statement>,
    /// Why it is refused, if it is.
    pub refusal: Option<Refusal>,
    /// Labels masked in it.
    pub masks: BTreeSet<String>,
    /// Per result column: the label to mask it by and its type's category.
    /// Empty when none is masked.
    pub outputs: Vec<Option<(Label, Category)>>,
    /// Per COPY field: label and type to mask it by.
    pub copy: Vec<Option<(Label, ColumnType)>>,
    /// Constants that are tokens: where they stand, their label, what they stand for.
    pub tokens: Vec<(usize, Label, Revealed)>,
    /// Parameters that may be tokens.
    pub parameters: Vec<Parameter>,
    /// Datasets in which constants that are no tokens are looked up, once for each.
    pub lookups: Vec<Arc<str>>,
    /// Why parameters must be tokens.
    pub no_lookup: Option<Refusal>,
    /// The values of constants were looked at.
    pub by_value: bool,
    /// Rows that may leave.
    pub row_cap: Option<u64>,
    /// Wall-clock end of what was decided, if policy looked at the time.
    pub expires_ms: Option<u64>,
    /// Errors and notices are results: replaced unless proven value-free.
    pub guarded: bool,
    /// Proven to have no effect.
    pub reads_only: bool,
    /// Result columns as described by the server, once verified.
    pub described: OnceLock<Arc<[Described]>>,
    /// What running it changes about later verdicts.
    pub foresight: Foresight,
    /// What the ledger records of it.
    pub record: Record,
}

impl Judged {
    /// Whether any result column is masked.
    #[must_use]
    pub fn masks_rows(&self) -> bool {
        self.outputs.iter().any(Option::is_some)
    }

    /// Whether this stands for a whole text that Weir could not read.
    pub(crate) fn is_text(&self) -> bool {
        self.statement.command == "OPAQUE"
    }

    /// A text that only the server understands, run by a holder of `opaque`.
    pub(crate) fn opaque(policy: &str) -> Self {
        let statement = Statement {
            text: 0..0,
            shape: "".into(),
            command: "OPAQUE",
            kind: Kind::Utility,
            accesses: Vec::new(),
            columns: Vec::new(),
            outputs: Vec::new(),
            outputs_complete: false,
            functions: Vec::new(),
            has_where: true,
            effect: Effect::Unknown,
            order: statement::RowOrder::PlanWithin,
            given: Vec::new(),
            opaque: vec![statement::OpaqueReason::Construct("the text")],
            settings: Vec::new(),
            fingerprint: Vec::new(),
            redefines: Vec::new(),
            comment: None,
        };
        Self {
            refusal: None,
            masks: BTreeSet::new(),
            outputs: Vec::new(),
            copy: Vec::new(),
            tokens: Vec::new(),
            parameters: Vec::new(),
            lookups: Vec::new(),
            no_lookup: None,
            by_value: false,
            row_cap: None,
            expires_ms: None,
            guarded: false,
            reads_only: false,
            described: OnceLock::new(),
            foresight: Foresight::of(&statement),
            record: Record::of(&statement, &[], policy, Declared::default()),
            statement: Arc::new(statement),
        }
    }
}

/// What a statement may change that later verdicts of its session depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Foresight {
    /// Settings that are modelled, or unknown code that may change them.
    pub settings: bool,
    /// Definitions: the catalog must be read again.
    pub definitions: bool,
    /// It ends (or partly undoes) a transaction, and with it what it changed.
    pub ends_transaction: bool,
    /// It touches nothing, so it may follow anything.
    pub touches_nothing: bool,
    /// What it does depends on what names mean.
    pub depends_on_names: bool,
}

impl Foresight {
    pub(crate) fn of(statement: &Statement) -> Self {
        let runs_code = matches!(statement.effect, Effect::Unknown)
            || statement
                .functions
                .iter()
                .any(|f| matches!(f, FunctionUse::Unlisted { .. }));
        let set = statement.settings.iter().chain(match &statement.kind {
            Kind::Set(change) => Some(change),
            _ => None,
        });
        let settings = set.into_iter().any(|change| {
            change.reset_all
                || change.class() != SettingClass::Harmless
                || change.name.starts_with("weir.")
        });
        let ends_transaction = matches!(
            statement.kind,
            Kind::Transaction(
                Transaction::Commit { .. }
                    | Transaction::Rollback { .. }
                    | Transaction::RollbackTo(_)
                    | Transaction::Prepare
            )
        );
        let touches_nothing = statement.accesses.is_empty()
            && statement.columns.is_empty()
            && statement.opaque.is_empty()
            && !runs_code;
        Self {
            settings: settings
                || runs_code
                || matches!(statement.kind, Kind::Discard { .. } | Kind::Do | Kind::Call),
            definitions: runs_code
                || matches!(
                    statement.kind,
                    Kind::Transaction(Transaction::CommitPrepared)
                )
                || matches!(statement.effect, Effect::Definition)
                || matches!(
                    statement.kind,
                    Kind::Ddl | Kind::Discard { .. } | Kind::Do | Kind::Call
                ),
            ends_transaction,
            touches_nothing,
            depends_on_names: !touches_nothing || !statement.functions.is_empty(),
        }
    }
}

/// What the ledger records of a statement each time it runs; made once.
#[derive(Clone, Debug)]
pub struct Record {
    /// Literal-free text.
    pub shape: Arc<str>,
    /// Digest of the shape.
    pub shape_hash: Arc<str>,
    /// What it does to what.
    pub objects: Arc<[ObjectUse]>,
    /// Labelled columns it uses.
    pub columns: Arc<[ColumnUse]>,
    /// Policy ids behind the decision.
    pub rules: Arc<[Arc<str>]>,
    /// Rules that refuse it, where they are only observed.
    pub observed: Arc<[Arc<str>]>,
    /// Analysis did not wholly understand it.
    pub opaque: bool,
    /// Labels masked.
    pub masks: Arc<[Arc<str>]>,
    /// Masked columns that are NULL where it computes with them.
    pub degraded: Arc<[Arc<str>]>,
    /// Version of the policies.
    pub policy: Arc<str>,
    /// What of it is the same in every intent, encoded once.
    pub encoded: Encoded,
    /// Context declared in the statement's own comment.
    pub declared: Declared,
    /// The text may hold a password: it is never recorded.
    pub secret: bool,
}

impl Record {
    pub(crate) fn of(
        statement: &Statement,
        accesses: &[AccessFact<'_>],
        policy: &str,
        declared: Declared,
    ) -> Self {
        let objects = accesses
            .iter()
            .map(|access| ObjectUse {
                verb: access.action.into(),
                name: access.resource.name().into(),
            })
            .collect();
        Self {
            shape_hash: ledger::event::shape_hash(&statement.shape).into(),
            shape: Arc::clone(&statement.shape),
            objects,
            columns: Arc::from([]),
            rules: Arc::from([]),
            observed: Arc::from([]),
            opaque: !statement.opaque.is_empty(),
            masks: Arc::from([]),
            degraded: Arc::from([]),
            policy: policy.into(),
            encoded: Encoded::default(),
            declared,
            secret: may_hold_password(statement.command),
        }
    }

    /// Adds a rule to those that determined the decision.
    pub(crate) fn determined_by(&mut self, rule: &str) {
        if !self.rules.iter().any(|r| **r == *rule) {
            self.rules = self
                .rules
                .iter()
                .cloned()
                .chain([Arc::from(rule)])
                .collect();
        }
    }
}

/// Commands whose text holds passwords or connection strings.
fn may_hold_password(command: &str) -> bool {
    const COMMANDS: [&str; 12] = [
        "CREATE ROLE",
        "ALTER ROLE",
        "CREATE USER",
        "ALTER USER",
        "CREATE GROUP",
        "CREATE USER MAPPING",
        "ALTER USER MAPPING",
        "CREATE SERVER",
        "ALTER SERVER",
        "CREATE SUBSCRIPTION",
        "ALTER SUBSCRIPTION",
        "OPAQUE",
    ];
    COMMANDS.contains(&command)
}

/// One result column as the server describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Type (`pg_type.oid`).
    pub type_oid: u32,
    /// Type modifier, -1 if none.
    pub type_modifier: i32,
}
