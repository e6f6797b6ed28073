//! What `weir explain` knows about a text: what it does, and what policy says.

use anyhow::{Result, bail};
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
            row_cap: None,
        }
    }
}

/// Explains `text` as `principal` would send it to `target`. Nothing of it runs.
///
/// # Errors
/// When the target's catalog cannot be read, or policies cannot be used.
pub fn explain(
    _config: &Config,
    _principal: &Principal,
    target: &Target,
    _text: &str,
) -> Result<Explained> {
    bail!(
        "cannot read the catalog of {}: this build has no gateway",
        target.name
    )
}
