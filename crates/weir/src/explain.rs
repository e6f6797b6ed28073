//! What `weir explain` knows about a text: what it does, and what policy says.

use anyhow::Result;
use identity::Principal;
use serde::Serialize;

use crate::config::{Config, Target};

/// An explained text.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// Who asks.
    pub principal: String,
    /// The human behind an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// For which database.
    pub target: String,
    /// The target's environment.
    pub environment: String,
    /// Version of the policies asked.
    pub policy_version: String,
    /// Whether the target only observes, so that a refusal is recorded but not
    /// carried out.
    pub observe: bool,
    /// One per statement, in order. One refusal refuses all.
    pub statements: Vec<ExplainedStatement>,
}

/// One statement.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExplainedStatement {
    /// As in a command tag.
    pub command: String,
    /// The text without literals.
    pub shape: String,
    /// What it can change: `read-only`, `write`, `definition`, …
    pub effect: String,
    /// What it touches.
    pub accesses: Vec<ExplainedAccess>,
    /// Labelled columns, and how it uses them.
    pub labelled: Vec<ExplainedColumn>,
    /// Result columns.
    pub outputs: Vec<ExplainedOutput>,
    /// Functions that need a grant by name.
    pub functions: Vec<String>,
    /// Why it cannot be analysed in full.
    pub opaque: Vec<String>,
    /// What policy says.
    pub verdict: ExplainedVerdict,
}

/// One action on one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedAccess {
    /// The action, as in policies.
    pub action: String,
    /// The object.
    pub object: String,
}

/// One use of a labelled column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedColumn {
    /// `schema.relation.column`.
    pub column: String,
    /// Its label.
    pub label: String,
    /// How it is used: `projected`, `predicate`, …
    pub usage: String,
}

/// One result column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedOutput {
    /// Its name.
    pub name: String,
    /// Where its value comes from: a column, `derived`, `clean`.
    pub source: String,
    /// What leaves instead of the value, if it is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<String>,
}

/// What policy says to one statement.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
pub enum ExplainedVerdict {
    /// It runs.
    Allow {
        /// The policies behind it.
        rules: Vec<String>,
        /// Labels that leave masked.
        masks: Vec<String>,
        /// Masked columns that are NULL where it computes with them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        degraded: Vec<String>,
        /// Rows that may leave.
        row_cap: Option<u64>,
    },
    /// It does not.
    Deny {
        /// SQLSTATE.
        code: String,
        /// The rule that decided.
        rule: String,
        /// One sentence.
        message: String,
        /// What to do instead.
        hint: Option<String>,
        /// Objects concerned.
        objects: Vec<String>,
    },
}

impl Default for ExplainedVerdict {
    fn default() -> Self {
        ExplainedVerdict::Allow {
            rules: Vec::new(),
            masks: Vec::new(),
            degraded: Vec::new(),
            row_cap: None,
        }
    }
}

/// Explains `text` as `principal` would send it to `target`. Nothing of it runs.
///
/// # Errors
/// When the target's catalog cannot be read, or policies cannot be used.
pub fn explain(
    config: &Config,
    principal: &Principal,
    target: &Target,
    text: &str,
) -> Result<Explained> {
    let setup = crate::setup::setup(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (world, mut settings) = runtime.block_on(gateway::world(setup, &target.name))?;
    let human = config.human(principal);
    let mut who = session::Identity {
        principal: principal.clone(),
        human: human.cloned(),
        target: target.for_policy(),
        session: "explain".into(),
        address: "127.0.0.1".into(),
        application: "weir explain".into(),
        tls: true,
        observe: target.observe,
        upstream_user: String::new(),
    };
    let now = jiff::Timestamp::now().as_millisecond();
    let now = u64::try_from(now).unwrap_or_default();
    if let Some(floor) = &target.floor
        && session::masked_somewhere(&world, &who, now)
    {
        who.upstream_user.clone_from(&floor.user);
        // The role's path, as `weir floor plan` sets it.
        let with_views = settings.search_path.iter().flat_map(|schema| {
            let views = gateway::floor::schema_of_views(schema);
            let there = world.catalog.has_schema(&views);
            there.then_some(views).into_iter().chain([schema.clone()])
        });
        settings.search_path = with_views.collect();
    }
    let verdict = session::explain(&world, &who, &settings, text, now);
    let mut statements: Vec<ExplainedStatement> = verdict
        .judged
        .iter()
        .map(|judged| explained(&world, judged))
        .collect();
    if statements.is_empty()
        && let Some(refusal) = &verdict.refusal
    {
        statements.push(ExplainedStatement {
            verdict: denied(refusal),
            ..ExplainedStatement::default()
        });
    }
    Ok(Explained {
        principal: principal.id.clone(),
        on_behalf_of: principal.on_behalf_of().map(str::to_owned),
        target: target.name.clone(),
        environment: target.environment.clone(),
        policy_version: world.policies.version().to_owned(),
        observe: target.observe,
        statements,
    })
}

fn explained(world: &session::World, judged: &session::Judged) -> ExplainedStatement {
    let statement = &judged.statement;
    let column = |id| {
        let (schema, relation, name) = world.catalog.column_name(id)?;
        Some(
            [schema, relation, name]
                .map(|part| policy::quote_identifier(part))
                .join("."),
        )
    };
    let outputs = statement
        .outputs
        .iter()
        .enumerate()
        .map(|(index, output)| ExplainedOutput {
            name: output.name.to_string(),
            source: match &output.source {
                statement::Source::Column(id) => column(*id).unwrap_or_else(|| "unknown".into()),
                statement::Source::AnyOf(ids) => ids
                    .iter()
                    .map(|id| column(*id).unwrap_or_else(|| "unknown".into()))
                    .collect::<Vec<_>>()
                    .join(" or "),
                statement::Source::Clean => "clean".into(),
                statement::Source::Derived => "derived".into(),
            },
            masked: judged
                .outputs
                .get(index)
                .and_then(Option::as_ref)
                .map(|(label, _)| format!("{} ({})", label.as_str(), mask::describe(label))),
        });
    ExplainedStatement {
        command: statement.command.to_owned(),
        shape: statement.shape.to_string(),
        effect: match statement.effect {
            statement::Effect::ReadOnly => "read-only",
            statement::Effect::TransactionControl => "transaction control",
            statement::Effect::Session => "session state",
            statement::Effect::Volatile => "volatile",
            statement::Effect::Write => "write",
            statement::Effect::Definition => "definition",
            statement::Effect::Unknown => "unknown",
        }
        .to_owned(),
        accesses: judged
            .record
            .objects
            .iter()
            .map(|object| ExplainedAccess {
                action: object.verb.to_string(),
                object: object.name.to_string(),
            })
            .collect(),
        labelled: judged
            .record
            .columns
            .iter()
            .map(|used| ExplainedColumn {
                column: used.column.to_string(),
                label: used.label.to_string(),
                usage: used.usage.to_string(),
            })
            .collect(),
        outputs: outputs.collect(),
        functions: statement
            .functions
            .iter()
            .filter_map(|function| match function {
                statement::FunctionUse::Listed(_) => None,
                statement::FunctionUse::Unlisted {
                    schema: Some(schema),
                    name,
                    ..
                } => Some(format!("{schema}.{name}")),
                statement::FunctionUse::Unlisted {
                    schema: None, name, ..
                } => Some(name.to_string()),
            })
            .collect(),
        opaque: statement.opaque.iter().map(ToString::to_string).collect(),
        verdict: match &judged.refusal {
            Some(refusal) => denied(refusal),
            None => ExplainedVerdict::Allow {
                rules: judged
                    .record
                    .rules
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                masks: judged.masks.iter().cloned().collect(),
                degraded: judged
                    .record
                    .degraded
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                row_cap: judged.row_cap,
            },
        },
    }
}

fn denied(refusal: &session::Refusal) -> ExplainedVerdict {
    ExplainedVerdict::Deny {
        code: refusal.code.to_owned(),
        rule: refusal.rule.clone(),
        message: refusal.message.clone(),
        hint: refusal.hint.clone(),
        objects: refusal.objects.clone(),
    }
}
