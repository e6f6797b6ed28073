//! `weir explain`: what a statement does and what policy says to it.

use std::io::Read as _;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::output::Output;
use super::{ConfigFile, Ended, Format};
use crate::config::nearest;
use crate::explain::{Explained, ExplainedStatement, ExplainedVerdict, explain};

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The statement, or `-` to read it from standard input
    sql: String,
    /// The principal who would send it
    #[arg(long = "as", value_name = "PRINCIPAL")]
    principal: String,
    /// The target it would be sent to
    #[arg(long = "on", value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

impl Explain {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        let config = self.config.load()?;
        let meant = |word: &str, known: Vec<&str>| match nearest(word, known.iter().copied()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("there are {}", known.join(", ")),
        };
        let Some(principal) = config.principal(&self.principal) else {
            let known = config.principals.keys().map(String::as_str).collect();
            bail!(
                "there is no principal {}: {}",
                self.principal,
                meant(&self.principal, known)
            );
        };
        let target = super::target(&config, &self.target)?;
        let text = if self.sql == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("cannot read standard input")?;
            text
        } else {
            self.sql.clone()
        };
        let explained = explain(&config, principal, target, &text)?;
        if self.format.json {
            output.json(&explained)?;
        } else {
            render(&explained, output)?;
        }
        let refused = |s: &ExplainedStatement| matches!(s.verdict, ExplainedVerdict::Deny { .. });
        Ok(if explained.statements.iter().any(refused) {
            Ended::WithFindings
        } else {
            Ended::Well
        })
    }
}

/// Writes an explanation for people.
pub(crate) fn render(explained: &Explained, output: &mut Output) -> Result<()> {
    let Explained {
        principal,
        on_behalf_of,
        target,
        environment,
        ..
    } = explained;
    let who = match on_behalf_of {
        Some(human) => format!("{principal} (for {human})"),
        None => principal.clone(),
    };
    output.line(format!(
        "{who} on {target} ({environment}), policies {}",
        explained.policy_version
    ))?;
    let many = explained.statements.len() > 1;
    for (n, statement) in explained.statements.iter().enumerate() {
        output.line("")?;
        if many {
            output.line(output.paint.bold(&format!(
                "statement {} of {}",
                n + 1,
                explained.statements.len()
            )))?;
        }
        render_statement(statement, output)?;
    }
    if explained.observe {
        output.line("\nThe target only observes: refusals are recorded, and the statement runs. Masks hold.")?;
    }
    Ok(())
}

fn render_statement(statement: &ExplainedStatement, output: &mut Output) -> Result<()> {
    let paint = output.paint;
    verdict(&statement.verdict, output)?;
    let mut field = |name: &str, values: &[String]| -> Result<()> {
        for (n, value) in values.iter().enumerate() {
            let name = if n == 0 {
                format!("{name:9}")
            } else {
                " ".repeat(9)
            };
            output.line(format!("  {}  {value}", paint.dim(&name)))?;
        }
        Ok(())
    };
    field(
        "command",
        &[format!("{}, {}", statement.command, statement.effect)],
    )?;
    field("shape", std::slice::from_ref(&statement.shape))?;
    let accesses: Vec<String> = statement
        .accesses
        .iter()
        .map(|a| format!("{} {}", a.action, a.object))
        .collect();
    field("touches", &accesses)?;
    let labelled: Vec<String> = statement
        .labelled
        .iter()
        .map(|c| format!("{} ({}) as {}", c.column, c.label, c.usage))
        .collect();
    field("labelled", &labelled)?;
    let outputs: Vec<String> = statement
        .outputs
        .iter()
        .map(|o| match &o.masked {
            Some(masked) => format!("{} from {}: {masked}", o.name, o.source),
            None => format!("{} from {}", o.name, o.source),
        })
        .collect();
    field("returns", &outputs)?;
    field("calls", &statement.functions)?;
    field("opaque", &statement.opaque)
}

fn verdict(verdict: &ExplainedVerdict, output: &mut Output) -> Result<()> {
    let paint = output.paint;
    match verdict {
        ExplainedVerdict::Allow {
            rules,
            masks,
            degraded,
            row_cap,
        } => {
            let mut how = Vec::new();
            if !masks.is_empty() {
                how.push(format!("with {} masked", masks.join(", ")));
            }
            if !degraded.is_empty() {
                how.push(format!(
                    "NULL where it computes with {}",
                    degraded.join(", ")
                ));
            }
            if let Some(rows) = row_cap {
                how.push(format!("at most {rows} rows"));
            }
            let how = if how.is_empty() {
                String::new()
            } else {
                format!(" {}", how.join(", "))
            };
            output.line(format!("{}{how}", paint.green("allowed")))?;
            output.line(format!(
                "  {}  {}",
                paint.dim("rules    "),
                rules.join(", ")
            ))
        }
        ExplainedVerdict::Deny {
            code,
            rule,
            message,
            hint,
            objects,
        } => {
            output.line(format!("{}: {message}", paint.red("refused")))?;
            output.line(format!(
                "  {}  {rule} (SQLSTATE {code})",
                paint.dim("rule     ")
            ))?;
            if !objects.is_empty() {
                output.line(format!(
                    "  {}  {}",
                    paint.dim("objects  "),
                    objects.join(", ")
                ))?;
            }
            match hint {
                Some(hint) => output.line(format!("  {}  {hint}", paint.dim("hint     "))),
                None => Ok(()),
            }
        }
    }
}
