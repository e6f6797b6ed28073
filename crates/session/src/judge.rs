//! Judging a text: analysis, policy, masks. The only place where a statement's
//! meaning meets a principal's rights, for every protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use mask::{Category, ColumnType, Label};
use policy::{AccessFact, Context, Decision, Facts, Request, ResourceFact, Subject};
use statement::{
    Catalog, ColumnId, Effect, FunctionUse, Kind, Object, Scope, SettingClass, Source, Statement,
    Usage, Verb,
};

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
}

/// One judgement.
pub(crate) struct Judge<'a> {
    pub world: &'a World,
    pub catalog: &'a Catalog,
    pub session: Session<'a>,
}

impl Judge<'_> {
    /// The verdict on a query string, and whether every name in it resolved.
    ///
    /// `alike` may know the verdict on a statement that means the same.
    pub(crate) fn text(
        &self,
        text: &str,
        types: &[u32],
        scope: &Scope<'_>,
        alike: impl FnOnce(&Statement) -> Option<Arc<Verdict>>,
    ) -> (Arc<Verdict>, bool) {
        let analysis = match statement::analyze_with(text, types, scope) {
            Ok(analysis) => analysis,
            Err(error) => return (Arc::new(self.unreadable(&error)), true),
        };
        let complete = analysis.complete_catalog;
        if let [statement] = analysis.statements.as_slice()
            && let Some(verdict) = alike(statement)
        {
            return (verdict, complete);
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
            let (mut judged, mut refusal, expires) = self.statement(&statement, count);
            if unsettled
                && !judged.foresight.touches_nothing
                && refusal.is_none()
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
            verdict.expires_ms = earlier(verdict.expires_ms, expires);
            judged.refusal.clone_from(&refusal);
            verdict.judged.push(judged);
            verdict.refusal = verdict.refusal.or(refusal);
        }
        (Arc::new(verdict), complete)
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
        // Whoever holds `opaque` may send what only the server understands.
        if matches!(error, statement::Error::Syntax { .. })
            && !self.masks_anything()
            && self.world.policies.holds(
                self.subject(),
                &self.session.who.target,
                "opaque",
                &self.context(),
            )
        {
            let mut judged = Judged::opaque("OPAQUE");
            judged.record.policy = self.world.policies.version().into();
            verdict.judged.push(judged);
            return verdict;
        }
        verdict.refusal = Some(refusal);
        verdict
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
            family.find_map(|member| labels.get(member))
        })
    }

    /// Judges one statement: every access by policy, then every labelled column
    /// by how it is used.
    fn statement(
        &self,
        statement: &Arc<Statement>,
        count: usize,
    ) -> (Judged, Option<Refusal>, Option<u64>) {
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
            row_cap: None,
            guarded: self.guarded(statement, &context),
            reads_only: statement.effect == Effect::ReadOnly,
            observed: false,
            described: OnceLock::new(),
            foresight: Foresight::of(statement),
            record: Record::of(
                statement,
                &accesses,
                self.world.policies.version(),
                comment.clone(),
            ),
        };
        let expires = decision.expires_ms();
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
            judged.observed = true;
            refusal = None;
        }
        if refusal.is_none() {
            refusal = self.reserved_setting(statement);
        }
        if refusal.is_none() {
            refusal = self.mask(&mut judged, count);
        }
        judged.record.masks = judged.masks.iter().map(|m| Arc::from(m.as_str())).collect();
        judged.record.columns = self.labelled(statement);
        (judged, refusal, expires)
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

    /// What policy is asked about: one access per verb and object, `call` for
    /// each function that is not known to be harmless.
    fn accesses<'s>(&'s self, statement: &'s Statement) -> Vec<AccessFact<'s>> {
        let mut by_relation: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for used in &statement.columns {
            if let Some(label) = self.label(used.column) {
                by_relation
                    .entry((&used.schema, &used.relation))
                    .or_default()
                    .insert(label.as_str());
            }
        }
        let mut accesses: Vec<AccessFact<'s>> = statement
            .accesses
            .iter()
            .map(|access| {
                let (resource, labels) = match &access.object {
                    Object::Relation {
                        schema,
                        name,
                        system,
                        ..
                    } => (
                        ResourceFact::Dataset {
                            schema,
                            name,
                            system: *system,
                            temporary: schema.starts_with("pg_temp"),
                        },
                        by_relation
                            .get(&(schema.as_ref(), name.as_ref()))
                            .cloned()
                            .unwrap_or_default(),
                    ),
                    Object::Schema(name) => (ResourceFact::Schema(name), BTreeSet::new()),
                    Object::Function { schema, name } => {
                        (ResourceFact::Function { schema, name }, BTreeSet::new())
                    }
                    Object::Database(name) => (
                        ResourceFact::Object {
                            class: "database",
                            name,
                        },
                        BTreeSet::new(),
                    ),
                    Object::Role(name) => (
                        ResourceFact::Object {
                            class: "role",
                            name,
                        },
                        BTreeSet::new(),
                    ),
                    Object::Other { class, name } => {
                        (ResourceFact::Object { class, name }, BTreeSet::new())
                    }
                };
                AccessFact {
                    action: access.verb.name(),
                    resource,
                    labels,
                }
            })
            .collect();
        for function in &statement.functions {
            if let FunctionUse::Unlisted { schema, name, .. } = function {
                accesses.push(AccessFact {
                    action: Verb::Call.name(),
                    resource: ResourceFact::Function {
                        schema: schema.as_deref().unwrap_or("pg_catalog"),
                        name,
                    },
                    labels: BTreeSet::new(),
                });
            }
        }
        accesses
    }

    /// Whether the principal sees every label of a relation raw, and until when
    /// that holds.
    fn sees_raw(&self, relation: statement::Oid, context: &Context<'_>) -> (bool, Option<u64>) {
        let labels: BTreeSet<&str> = self
            .world
            .labels
            .of_relation(relation)
            .map(Label::as_str)
            .collect();
        if labels.is_empty() {
            return (true, None);
        }
        let Some(found) = self.catalog.relation_by_oid(relation) else {
            return (false, None);
        };
        let accesses = [AccessFact {
            action: Verb::Read.name(),
            resource: ResourceFact::Dataset {
                schema: &found.schema,
                name: &found.name,
                system: false,
                temporary: false,
            },
            labels,
        }];
        let facts = Facts {
            accesses: &accesses,
            has_where: true,
            command: "SELECT",
            opaque: false,
        };
        let request = Request {
            subject: self.subject(),
            target: &self.session.who.target,
            facts: &facts,
            context,
        };
        let decision = self.world.policies.decide(&request);
        let until = decision.expires_ms();
        (
            matches!(decision, Decision::Allow(e) if e.masks.is_empty()),
            until,
        )
    }

    /// Errors and notices of a statement are results when it touches a relation
    /// with a label this principal may not see raw, or runs code Weir does not
    /// know.
    fn guarded(&self, statement: &Statement, context: &Context<'_>) -> bool {
        if self.world.labels.is_empty() {
            return false;
        }
        let code = !statement.opaque.is_empty()
            || statement
                .functions
                .iter()
                .any(|f| matches!(f, FunctionUse::Unlisted { .. }));
        if code {
            return self.masks_anything();
        }
        let mut relations: BTreeSet<statement::Oid> = statement
            .columns
            .iter()
            .map(|c| c.column.relation)
            .collect();
        for access in &statement.accesses {
            if let Object::Relation { oid, system, .. } = &access.object {
                match oid {
                    Some(oid) => {
                        relations.extend(self.catalog.descendants(*oid));
                        relations.extend(self.catalog.parents(*oid));
                    }
                    None if *system => {}
                    // Unresolved: nothing is known of it.
                    None => return self.masks_anything(),
                }
            }
        }
        relations
            .into_iter()
            .any(|relation| !self.sees_raw(relation, context).0)
    }

    /// Which outputs are masked; or the refusal of any other use of a masked
    /// column (DESIGN §5: the table is closed).
    fn mask(&self, judged: &mut Judged, count: usize) -> Option<Refusal> {
        let statement = Arc::clone(&judged.statement);
        if !self.world.labels.unresolved().is_empty()
            && self.masks_anything()
            && !statement.accesses.is_empty()
        {
            let reads_user_data = statement
                .accesses
                .iter()
                .any(|a| matches!(&a.object, Object::Relation { system: false, .. }));
            if reads_user_data {
                return Some(
                    Refusal::new(
                        Cause::Masked,
                        "weir.unresolved-label",
                        "a configured label names a column that does not exist, so masked principals may not read this database",
                    )
                    .objects(self.world.labels.unresolved().to_vec())
                    .hint("An operator must correct [targets.….labels] in weir.toml."),
                );
            }
        }
        let unresolved = |used: &statement::ColumnUse| {
            used.usage == Usage::Unresolved || used.column == ColumnId::UNRESOLVED
        };
        let unclear = statement.columns.iter().any(unresolved)
            || (judged.guarded && !statement.outputs_complete);
        if unclear && self.masks_anything() && statement.opaque.is_empty() {
            return Some(
                Refusal::new(
                    Cause::Opaque,
                    "weir.unresolved-column",
                    "Weir cannot tell which columns this statement reads or returns, and some here are masked",
                )
                .hint("Name the columns; send definitions and what uses them one by one."),
            );
        }
        if judged.masks.is_empty() {
            return None;
        }
        let masked = |column: ColumnId| {
            self.label(column)
                .filter(|label| judged.masks.contains(label.as_str()))
        };
        for used in &statement.columns {
            let Some(label) = masked(used.column) else {
                continue;
            };
            if used.usage != Usage::Projected {
                return Some(misuse(used, label));
            }
        }
        if let Kind::Copy {
            direction: statement::CopyDirection::To,
            columns,
            stdio: true,
            ..
        } = &statement.kind
        {
            judged.copy = columns
                .iter()
                .map(|column| {
                    let column = (*column)?;
                    let label = masked(column)?.clone();
                    Some((label, self.column_type(column)))
                })
                .collect();
        }
        // A cursor or prepared statement returns its rows later; they are judged
        // again then, but what it reads must already be what it may return.
        let returned = match &statement.kind {
            Kind::Declare { inner, .. } | Kind::Prepare { inner, .. } => inner,
            _ => &*statement,
        };
        if !returned.outputs_complete
            && statement
                .columns
                .iter()
                .any(|used| masked(used.column).is_some())
        {
            let used = statement
                .columns
                .iter()
                .find(|used| masked(used.column).is_some())?;
            return Some(misuse(used, masked(used.column)?));
        }
        let outputs: Vec<Option<(Label, Category)>> = statement
            .outputs
            .iter()
            .map(|output| match &output.source {
                Source::Column(column) => {
                    masked(*column).map(|label| (label.clone(), self.column_type(*column).category))
                }
                Source::Clean | Source::Derived => None,
            })
            .collect();
        let projected: BTreeSet<ColumnId> = returned
            .outputs
            .iter()
            .filter_map(|o| {
                if let Source::Column(c) = &o.source {
                    Some(*c)
                } else {
                    None
                }
            })
            .chain(if let Kind::Copy { columns, .. } = &statement.kind {
                columns.iter().flatten().copied().collect::<Vec<_>>()
            } else {
                Vec::new()
            })
            .collect();
        // A projected masked column must be one of the outputs, or it would
        // leave by a way nobody looks at.
        for used in &statement.columns {
            if let Some(label) = masked(used.column)
                && !projected.contains(&used.column)
            {
                return Some(misuse(used, label));
            }
        }
        if count > 1 && outputs.iter().any(Option::is_some) && !judged.reads_only {
            return Some(
                Refusal::new(
                    Cause::Masked,
                    "weir.masked-string",
                    "a statement with effects that returns masked columns must be sent by itself",
                )
                .hint("Split the query string."),
            );
        }
        // COPY's rows are copy data, masked field by field.
        if !matches!(statement.kind, Kind::Copy { .. }) {
            judged.outputs = outputs;
        }
        None
    }

    /// A column's type, a domain's being its base type's.
    fn column_type(&self, column: ColumnId) -> ColumnType {
        let (mut oid, mut modifier) = self.catalog.column_type(column).unwrap_or((0, -1));
        let mut category = Category::Other;
        // Domains over domains; bounded against a catalog that lies.
        for _ in 0..32 {
            let Some(found) = self.catalog.type_by_oid(oid) else {
                break;
            };
            category = Category::from_letter(found.category);
            if found.base == 0 {
                break;
            }
            oid = found.base;
            if found.base_typmod >= 0 {
                modifier = found.base_typmod;
            }
        }
        ColumnType {
            oid,
            modifier,
            category,
        }
    }

    /// Settings that only Weir writes, or that would change what it reads.
    fn reserved_setting(&self, statement: &Statement) -> Option<Refusal> {
        let own = match &statement.kind {
            Kind::Set(change) => Some(change),
            _ => None,
        };
        own.into_iter()
            .chain(&statement.settings)
            .find_map(|change| self.setting(change))
    }

    fn setting(&self, change: &statement::SetChange) -> Option<Refusal> {
        // Holders of `opaque` may leave what Weir understands; from then on every
        // statement of theirs is opaque.
        if !self.session.standing.lenient
            && let Some(refusal) = unreadable_setting(change)
        {
            return Some(refusal);
        }
        let name = &change.name;
        match change.class() {
            SettingClass::Reserved if name != "weir.traceparent" => Some(
                Refusal::new(
                    Cause::Policy,
                    "weir.reserved-setting",
                    format!("the setting \"{name}\" is written by Weir alone"),
                )
                .hint("Clients may set weir.purpose, weir.task, weir.run and weir.traceparent."),
            ),
            SettingClass::Meaning if self.masks_anything() && !change.reset_all => Some(
                Refusal::new(
                    Cause::Masked,
                    "weir.meaning-setting",
                    format!(
                        "the setting \"{name}\" changes what statements mean or in which order rows come, so masked principals may not set it"
                    ),
                )
                .hint("Leave it at the server's value."),
            ),
            SettingClass::Reserved | SettingClass::Meaning | SettingClass::Harmless | SettingClass::Modelled => None,
        }
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

/// The earlier of two ends, none being never.
pub(crate) fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Settings under which Weir would read texts and values otherwise than the
/// server does.
fn unreadable_setting(change: &statement::SetChange) -> Option<Refusal> {
    let statement::SetValue::Literal(values) = &change.value else {
        return None;
    };
    let value = values
        .first()
        .map(|v| v.to_ascii_lowercase())
        .unwrap_or_default();
    let wanted = match change.name.as_str() {
        "client_encoding" if !matches!(value.as_str(), "utf8" | "utf-8" | "unicode") => "UTF8",
        "standard_conforming_strings" if !matches!(value.as_str(), "on" | "true" | "yes" | "1") => {
            "on"
        }
        "role" | "session_authorization" if !matches!(value.as_str(), "none" | "default") => {
            "its default"
        }
        _ => return None,
    };
    Some(
        Refusal::new(
            Cause::Unsupported,
            "weir.session-setting",
            format!(
                "through Weir, \"{}\" stays {wanted}, so that statements mean what they say",
                change.name
            ),
        )
        .hint(format!("Leave \"{}\" at {wanted}.", change.name)),
    )
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

fn misuse(used: &statement::ColumnUse, label: &Label) -> Refusal {
    let column = format!("{}.{}.{}", used.schema, used.relation, used.name);
    let how = match used.usage {
        Usage::Projected => "used where its values would leave unmasked",
        Usage::Written => "written",
        Usage::WrittenFrom => "copied into another column",
        Usage::WholeRow => "used as part of a whole row",
        Usage::Predicate => "used in a condition",
        Usage::Join => "used in a join condition",
        Usage::Group => "grouped by",
        Usage::Order => "sorted by",
        Usage::Distinct => "used under DISTINCT",
        Usage::SetOperation => "used in a set operation",
        Usage::Aggregate => "aggregated",
        Usage::Expression | Usage::Unresolved => "used in an expression",
    };
    Refusal::new(
        Cause::Masked,
        "weir.masked-use",
        format!(
            "column {column} is masked (label {}), so it may be selected as it is but not {how}",
            label.as_str()
        ),
    )
    .objects(vec![column])
    .hint("Select the column by itself; or ask a data owner for raw access to this label.")
}

/// Whether a client may give `name` this value when it connects: the rule for
/// SET, before there is a session.
#[must_use]
pub fn startup_setting(
    world: &World,
    who: &Identity,
    name: &str,
    value: &str,
    unix_ms: u64,
) -> Option<Refusal> {
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
    };
    let mut judge = Judge {
        world,
        catalog: &world.catalog,
        session,
    };
    (judge.session.standing, _) = judge.standing();
    let change = statement::SetChange {
        name: name.to_ascii_lowercase(),
        scope: statement::SetScope::Session,
        value: statement::SetValue::Literal(vec![value.to_owned()]),
        is_reset: false,
        reset_all: false,
    };
    judge.setting(&change)
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
    judge.text(text, &[], &scope, |_| None).0
}
