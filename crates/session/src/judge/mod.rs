//! Judging a text: analysis, policy, masks. The only place where a statement's
//! meaning meets a principal's rights, for every protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use mask::Label;
use policy::{Context, Decision, Facts, Request, Subject};
use statement::{Catalog, ColumnId, Effect, Kind, Scope, Statement, Usage};

mod access;
mod floor;
mod masked;
mod masks;
mod reword;
mod settings;
mod tokens;

pub use floor::drift as floor_drift;
pub use settings::startup_setting;
use tokens::Written;
pub(crate) use tokens::{foreign, no_token};

use crate::cache::is_plain;
use crate::comment::Declared;
use crate::refusal::{Cause, Refusal};
use crate::verdict::{Foresight, Judged, Record, Verdict};
use crate::world::{Identity, Standing, World};

/// What of a session a verdict depends on.
pub(crate) struct Session<'a> {
    pub who: &'a Identity,
    pub standing: Standing,
    pub declared: &'a Declared,
    pub unix_ms: u64,
    /// Ending the open transaction would change settings or definitions, so
    /// that what follows its end in one string cannot be judged before it runs.
    pub ending: bool,
    /// The catalog as this transaction sees it may be older than what names mean in it.
    pub old_snapshot: bool,
}

/// One judgement.
pub(crate) struct Judge<'a> {
    pub world: &'a World,
    pub catalog: &'a Catalog,
    pub session: Session<'a>,
}

/// What came of judging a text.
pub(crate) struct Judgement {
    pub verdict: Arc<Verdict>,
    /// Every name in it resolved.
    pub complete: bool,
    /// The text's pattern, if the verdict holds for every text of it.
    pub pattern: Option<String>,
}

impl Judge<'_> {
    /// Judges a query string.
    ///
    /// `alike` may know the verdict on a statement that means the same.
    pub(crate) fn text(
        &self,
        text: &str,
        types: &[u32],
        scope: &Scope<'_>,
        alike: impl FnOnce(&Statement) -> Option<Arc<Verdict>>,
    ) -> Judgement {
        let source = Written {
            text,
            revealed: &BTreeMap::new(),
        };
        let mut judgement = self.as_written(source, types, scope, alike);
        if let Some(verdict) = self.reworded(text, types, scope, &judgement.verdict) {
            judgement.verdict = Arc::new(verdict);
            // It holds one text, not a pattern.
            judgement.pattern = None;
        }
        if judgement.verdict.by_value() {
            judgement.pattern = None;
        }
        judgement
    }

    /// Judges a query string as it stands.
    fn as_written(
        &self,
        source: Written<'_>,
        types: &[u32],
        scope: &Scope<'_>,
        alike: impl FnOnce(&Statement) -> Option<Arc<Verdict>>,
    ) -> Judgement {
        let analysis = match statement::analyze_with(source.text, types, scope) {
            Ok(analysis) => analysis,
            Err(error) => {
                return Judgement {
                    verdict: Arc::new(self.unreadable(&error)),
                    complete: true,
                    pattern: None,
                };
            }
        };
        let complete = analysis.complete_catalog;
        let plain = analysis.statements.first().is_some_and(is_plain);
        let pattern = analysis.pattern.filter(|_| plain);
        if let [statement] = analysis.statements.as_slice()
            && let Some(verdict) = alike(statement)
        {
            return Judgement {
                verdict,
                complete,
                pattern,
            };
        }
        let mut verdict = Verdict::empty();
        let count = analysis.statements.len();
        let mut unsettled = false;
        for statement in analysis.statements {
            let statement = Arc::new(statement);
            if matches!(
                statement.kind,
                Kind::Fetch { .. } | Kind::Execute { .. } | Kind::Declare { .. }
            ) {
                verdict.cacheable = false;
            }
            let (mut judged, mut refusal) = self.statement(&statement, source, count);
            if unsettled
                && !judged.foresight.touches_nothing
                && refusal
                    .as_ref()
                    .is_none_or(|r| r.rule == "weir.unresolved-column")
                && self.masks_anything()
            {
                refusal = Some(
                    Refusal::new(
                        Cause::Opaque,
                        "weir.unsettled-string",
                        "what follows a definition or the end of a transaction in one query string cannot be analysed before it runs",
                    )
                    .hint("Send the statements one by one."),
                );
            }
            unsettled |= judged.foresight.definitions
                || (judged.foresight.ends_transaction && self.session.ending);
            if judged.row_cap.is_some()
                && count > 1
                && (!judged.reads_only || !verdict.judged.iter().all(|j| j.reads_only))
            {
                refusal = refusal.or_else(|| {
                    Some(
                        Refusal::new(
                            Cause::RowCap,
                            "weir.capped-string",
                            "under a row cap, statements with effects must be sent one by one",
                        )
                        .hint("Split the query string."),
                    )
                });
            }
            if let Some(refusal) = &refusal {
                judged.record.determined_by(&refusal.rule);
            }
            verdict.expires_ms = earlier(verdict.expires_ms, judged.expires_ms);
            judged.refusal.clone_from(&refusal);
            verdict.judged.push(judged);
            verdict.refusal = verdict.refusal.or(refusal);
        }
        Judgement {
            verdict: Arc::new(verdict),
            complete,
            pattern,
        }
    }

    /// A text that is no SQL, or beyond the limits.
    fn unreadable(&self, error: &statement::Error) -> Verdict {
        let mut verdict = Verdict::empty();
        let refusal = match error {
            statement::Error::Syntax {
                message, position, ..
            } => {
                let mut refusal = Refusal::new(Cause::Syntax, "weir.syntax", message.clone());
                refusal.position = *position;
                refusal
            }
            other => Refusal::new(Cause::Limit, "weir.limit", other.to_string())
                .code(other.sqlstate())
                .hint("Split the statement, or raise [limits] in weir.toml."),
        };
        let only_for_the_server = matches!(
            error,
            statement::Error::Syntax { .. } | statement::Error::Internal(_)
        );
        if only_for_the_server && self.runs_opaque() {
            verdict.judged.push(self.opaque());
            return verdict;
        }
        verdict.refusal = Some(refusal);
        verdict
    }

    /// The verdict on a FunctionCall message, if the principal may send it.
    pub(crate) fn function_call(&self, function: u32) -> Option<Verdict> {
        if !self.runs_opaque() {
            return None;
        }
        let mut judged = self.opaque();
        judged.record.shape = format!("FunctionCall {function}").into();
        judged.record.shape_hash = ledger::event::shape_hash(&judged.record.shape).into();
        let mut verdict = Verdict::empty();
        verdict.judged.push(judged);
        Some(verdict)
    }

    /// Whoever holds `opaque` and is masked nowhere may send what only the server understands.
    fn runs_opaque(&self) -> bool {
        !self.masks_anything()
            && self.world.policies.holds(
                self.subject(),
                &self.session.who.target,
                "opaque",
                &self.context(),
            )
    }

    fn opaque(&self) -> Judged {
        let mut judged = Judged::opaque("OPAQUE");
        judged.record.policy = self.world.policies.version().into();
        judged
    }

    /// What the principal is on this target as a whole.
    ///
    /// Holds until the end it gives, if policy looked at the time.
    pub(crate) fn standing(&self) -> (Standing, Option<u64>) {
        let context = self.context();
        let mut masked_somewhere = !self.world.labels.unresolved().is_empty();
        let mut expires: Option<u64> = None;
        for relation in self.world.labels.relations() {
            let (raw, until) = self.sees_raw(relation, &context);
            masked_somewhere |= !raw;
            expires = earlier(expires, until);
        }
        masked_somewhere &= !self.withheld();
        let lenient = !masked_somewhere
            && self.world.policies.holds(
                self.subject(),
                &self.session.who.target,
                "opaque",
                &context,
            );
        (
            Standing {
                masked_somewhere,
                lenient,
            },
            expires,
        )
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            principal: &self.session.who.principal,
            human: self.session.who.human.as_ref(),
        }
    }

    fn context(&self) -> Context<'_> {
        let who = self.session.who;
        Context {
            now_ms: self.session.unix_ms,
            client_address: &who.address,
            application: &who.application,
            tls: who.tls,
            purpose: self.session.declared.purpose.as_deref(),
            task: self.session.declared.task.as_deref(),
            run: self.session.declared.run.as_deref(),
        }
    }

    /// Labels of the target this principal never sees raw.
    fn masks_anything(&self) -> bool {
        self.session.standing.masked_somewhere
    }

    fn label(&self, column: ColumnId) -> Option<&Label> {
        let labels = &self.world.labels;
        labels.get(column).or_else(|| {
            // Labels are bound under the shared catalog; under a transaction's own, tables may have new relatives.
            let own = !std::ptr::eq(self.catalog, &*self.world.catalog);
            let mut family = own
                .then(|| self.catalog.family(column))
                .into_iter()
                .flatten();
            family
                .find_map(|member| labels.get(member))
                .or_else(|| labels.unseen().filter(|_| own && self.is_unseen(column)))
        })
    }

    /// Whether the column is one that the shared catalog does not hold yet, of a table with rows that others may write.
    fn is_unseen(&self, column: ColumnId) -> bool {
        use statement::catalog::{Persistence, RelationKind as Kind};
        let relation = self.catalog.relation_by_oid(column.relation);
        column.attribute > 0
            && self.world.catalog.column_name(column).is_none()
            && relation.is_some_and(|relation| {
                !relation.system
                    && relation.persistence != Persistence::Temporary
                    && matches!(
                        relation.kind,
                        Kind::Table | Kind::Partitioned | Kind::Foreign
                    )
            })
    }

    /// Judges one statement: every access by policy, then every labelled column
    /// by how it is used.
    fn statement(
        &self,
        statement: &Arc<Statement>,
        source: Written<'_>,
        count: usize,
    ) -> (Judged, Option<Refusal>) {
        let comment = statement
            .comment
            .as_deref()
            .map(crate::comment::declared)
            .unwrap_or_default();
        let mut context = self.context();
        context.purpose = comment.purpose.as_deref().or(context.purpose);
        context.task = comment.task.as_deref().or(context.task);
        context.run = comment.run.as_deref().or(context.run);

        let accesses = self.accesses(statement);
        let facts = Facts {
            accesses: &accesses,
            has_where: statement.has_where,
            command: statement.command,
            opaque: !statement.opaque.is_empty(),
        };
        let request = Request {
            subject: self.subject(),
            target: &self.session.who.target,
            facts: &facts,
            context: &context,
        };
        let decision = self.world.policies.decide(&request);

        let mut judged = Judged {
            statement: Arc::clone(statement),
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
            expires_ms: decision.expires_ms(),
            guarded: self.guarded(statement, &context),
            reads_only: statement.effect == Effect::ReadOnly,
            described: OnceLock::new(),
            foresight: Foresight::of(statement),
            record: Record::of(
                statement,
                &accesses,
                self.world.policies.version(),
                comment.clone(),
            ),
        };
        let mut refusal = match decision {
            Decision::Allow(enforcement) => {
                judged.row_cap = enforcement.row_cap;
                judged.masks = enforcement.masks;
                judged.record.rules = enforcement
                    .reasons
                    .iter()
                    .map(|r| Arc::from(r.id.as_str()))
                    .collect();
                None
            }
            Decision::Deny(denial) => {
                judged.record.rules = denial
                    .reasons
                    .iter()
                    .map(|r| Arc::from(r.id.as_str()))
                    .collect();
                Some(self.denied(statement, &denial))
            }
        };
        if refusal.is_some() && self.session.who.observe && self.observable(statement, &context) {
            judged.record.observed = std::mem::replace(&mut judged.record.rules, Arc::from([]));
            refusal = None;
        }
        if refusal.is_none() {
            refusal = self.floor(&judged);
        }
        if refusal.is_none() {
            refusal = self.reserved_setting(statement);
        }
        if refusal.is_none()
            && self.session.old_snapshot
            && self.masks_anything()
            && judged.foresight.depends_on_names
        {
            refusal = Some(old_snapshot());
        }
        if refusal.is_none() {
            refusal = self.mask(&mut judged, source, count, &context);
        }
        judged.record.masks = judged.masks.iter().map(|m| Arc::from(m.as_str())).collect();
        judged.record.columns = self.labelled(statement);
        (judged, refusal)
    }

    /// In observe mode a refusal is recorded and the statement runs, but only if
    /// no label of what it touches is masked.
    fn observable(&self, statement: &Statement, context: &Context<'_>) -> bool {
        !self.masks_anything()
            || (statement.opaque.is_empty() && self.columns_seen_raw(statement, context))
    }

    fn columns_seen_raw(&self, statement: &Statement, context: &Context<'_>) -> bool {
        statement.columns.iter().all(|used| {
            self.label(used.column).is_none() || self.sees_raw(used.column.relation, context).0
        })
    }

    fn denied(&self, statement: &Statement, denial: &policy::Denial) -> Refusal {
        if let Some(reason) = statement.opaque.first()
            && denial
                .refused
                .iter()
                .all(|refused| refused.action == "opaque")
        {
            return crate::opaque::refusal(reason);
        }
        Refusal::new(Cause::Policy, &denial.reason.id, denial.message.clone())
            .objects(denial.objects())
            .hint(denial.hint.clone())
    }

    /// Labelled columns of a statement, for the record.
    fn labelled(&self, statement: &Statement) -> Arc<[ledger::event::ColumnUse]> {
        statement
            .columns
            .iter()
            .filter_map(|used| {
                let label = self.label(used.column)?;
                Some(ledger::event::ColumnUse {
                    column: format!("{}.{}.{}", used.schema, used.relation, used.name).into(),
                    label: label.as_str().into(),
                    usage: usage_word(used.usage).into(),
                })
            })
            .collect()
    }
}

/// Names mean what they mean now, but what was defined can only be read as it
/// was when the transaction began.
fn old_snapshot() -> Refusal {
    Refusal::new(
        Cause::Masked,
        "weir.old-snapshot",
        "after a definition under REPEATABLE READ or SERIALIZABLE, Weir cannot tell what names mean, and some columns here are masked",
    )
    .code("0A000")
    .hint("Make definitions under READ COMMITTED.")
}

/// The earlier of two ends, none being never.
pub(crate) fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// The word for a use in the ledger.
#[must_use]
pub fn usage_word(usage: Usage) -> &'static str {
    match usage {
        Usage::Projected => "projected",
        Usage::Expression => "expression",
        Usage::Predicate => "predicate",
        Usage::Join => "join",
        Usage::Group => "group",
        Usage::Order => "order",
        Usage::Distinct => "distinct",
        Usage::SetOperation => "set_operation",
        Usage::Aggregate => "aggregate",
        Usage::Written => "written",
        Usage::WrittenFrom => "written_from",
        Usage::WholeRow => "whole_row",
        Usage::Unresolved => "unresolved",
    }
}

/// Whether some label of the target is masked for a fresh session of `who`, and the database does not withhold it.
#[must_use]
pub fn masked_somewhere(world: &World, who: &Identity, unix_ms: u64) -> bool {
    let declared = Declared::default();
    let session = Session {
        who,
        standing: Standing::default(),
        declared: &declared,
        unix_ms,
        ending: false,
        old_snapshot: false,
    };
    let judge = Judge {
        world,
        catalog: &world.catalog,
        session,
    };
    judge.standing().0.masked_somewhere
}

/// Judges `text` as a fresh session of `who` would have it judged. Nothing runs
/// and nothing is recorded: for `weir explain`.
#[must_use]
pub fn explain(
    world: &World,
    who: &Identity,
    settings: &statement::Settings,
    text: &str,
    unix_ms: u64,
) -> Arc<Verdict> {
    let declared = Declared::default();
    let session = Session {
        who,
        standing: Standing {
            masked_somewhere: true,
            lenient: false,
        },
        declared: &declared,
        unix_ms,
        ending: false,
        old_snapshot: false,
    };
    let mut judge = Judge {
        world,
        catalog: &world.catalog,
        session,
    };
    (judge.session.standing, _) = judge.standing();
    let scope = Scope {
        catalog: &world.catalog,
        settings,
        prepared: &statement::NothingPrepared,
        limits: world.limits,
    };
    judge.text(text, &[], &scope, |_| None).verdict
}
