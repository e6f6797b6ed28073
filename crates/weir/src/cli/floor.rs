//! `weir floor`: what a database needs so that it withholds labelled columns itself.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use gateway::floor::{Floored, Plan};
use identity::Secret;
use serde_json::json;

use super::output::{Output, count};
use super::{ConfigFile, Ended, Format};
use crate::config::{Config, SslMode, Target, Url};

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Subcommand)]
pub(crate) enum Floor {
    /// Print the statements that lay the floor; nothing is changed
    Plan(Asked),
    /// Lay the floor: run the plan in one transaction, as an owner
    Apply(Apply),
    /// Tell every right that lets raw values through to the floor's role
    Check(Asked),
}

#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// The target
    #[arg(long, value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    asked: Asked,
    /// Environment variable that holds the owner's URL, postgres://user:password@host/database
    #[arg(long, value_name = "NAME", default_value = "WEIR_FLOOR_OWNER")]
    owner_env: String,
}

impl Floor {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Floor::Plan(asked) => asked.plan(output),
            Floor::Check(asked) => asked.check(output),
            Floor::Apply(apply) => apply.run(output),
        }
    }
}

/// The target, which must have a floor in the configuration.
fn target<'c>(config: &'c Config, name: &str) -> Result<&'c Target> {
    let target = super::target(config, name)?;
    if target.floor.is_none() {
        bail!(
            "the target {name} has no floor: say in {} which role masked sessions log in as\n\
             \n    [targets.{name}.floor]\n    role = \"weir_masked\"\n    password = {{ env = \"…\" }}",
            config.file.display()
        );
    }
    Ok(target)
}

fn wait<T>(work: impl Future<Output = Result<T, gateway::Error>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    Ok(runtime.block_on(work)?)
}

impl Asked {
    fn made(&self) -> Result<(Config, Plan)> {
        let config = self.config.load()?;
        target(&config, &self.target)?;
        let plan = wait(gateway::floor::plan(
            crate::setup::setup(&config)?,
            &self.target,
        ))?;
        Ok((config, plan))
    }

    fn plan(self, output: &mut Output) -> Result<Ended> {
        let (_, plan) = self.made()?;
        if self.format.json {
            let steps = plan.steps.iter();
            let steps = steps.map(|step| json!({ "why": step.why, "statements": step.statements }));
            let steps: Vec<_> = steps.collect();
            output.json(&json!({ "target": self.target, "steps": steps }))?;
        } else {
            output.line(plan.to_string().trim_end())?;
        }
        Ok(Ended::Well)
    }

    fn check(self, output: &mut Output) -> Result<Ended> {
        let config = self.config.load()?;
        let target = target(&config, &self.target)?;
        let role = target
            .floor
            .as_ref()
            .map(|login| login.user.clone())
            .unwrap_or_default();
        let drift = wait(gateway::floor::check(
            crate::setup::setup(&config)?,
            &self.target,
        ))?;
        if self.format.json {
            let drift = drift.iter().map(|found| {
                json!({ "kind": found.kind, "object": found.object, "what": found.what, "repair": found.repair })
            });
            let drift: Vec<_> = drift.collect();
            output.json(&json!({ "target": self.target, "role": role, "drift": drift }))?;
        } else if drift.is_empty() {
            let paint = output.paint;
            let well = paint.green("ok");
            output.line(format!(
                "{well}  role {role} reads no labelled column of {}",
                self.target
            ))?;
        } else {
            for found in &drift {
                let paint = output.paint;
                output.line(format!("{}  {role} {}", paint.red(&found.kind), found.what))?;
                for repair in &found.repair {
                    let end = if repair.starts_with("--") { "" } else { ";" };
                    output.line(format!("    {repair}{end}"))?;
                }
            }
            output.line(format!(
                "\n{}: masked sessions of {} are refused (weir.floor-drift). `weir floor apply --target {}` takes back what it can.",
                count(drift.len(), "right"),
                self.target,
                self.target
            ))?;
        }
        Ok(if drift.is_empty() {
            Ended::Well
        } else {
            Ended::WithFindings
        })
    }
}

impl Apply {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let (config, plan) = self.asked.made()?;
        let target = target(&config, &self.asked.target)?;
        let variable = &self.owner_env;
        let url = std::env::var(variable).map(Secret::new).with_context(|| {
            format!("the environment variable {variable} must hold the URL of an owner, postgres://user:password@host:5432/database")
        })?;
        let url =
            Url::parse(url.expose()).map_err(|fault| anyhow::anyhow!("{variable}: {fault}"))?;
        let Some(user) = url.user else {
            bail!("{variable} names no user: postgres://user:password@host:5432/database");
        };
        if url.database != target.database {
            bail!(
                "{variable} names the database {}, but the target {} is {}",
                url.database,
                target.name,
                target.database
            );
        }
        let mut owner = crate::setup::target(target)?;
        let login = gateway::setup::Login {
            user,
            password: url.password,
        };
        let mode = url
            .sslmode
            .unwrap_or_else(|| SslMode::default_for(&url.host));
        owner.tls = crate::setup::tls_mode(mode);
        owner.host = url.host;
        owner.port = url.port;
        let Some(floor) = owner.floor.clone() else {
            bail!("the target {} has no floor", target.name);
        };
        let json = self.asked.format.json;
        let mut shown = Vec::new();
        let mut failed = None;
        let applied = wait(gateway::floor::apply(
            &plan,
            &owner,
            &login,
            &floor,
            PATIENCE,
            |step| {
                let line = match step {
                    Floored::Runs(statement) => format!("{statement};"),
                    Floored::Password => format!("ALTER ROLE {} PASSWORD '…';", floor.user),
                    Floored::Committed => "COMMIT;".to_owned(),
                };
                if !json && failed.is_none() {
                    failed = output.line(&line).err();
                }
                shown.push(line);
            },
        ));
        if let Some(error) = failed {
            return Err(error);
        }
        applied.context("the floor is as it was before")?;
        let drift = wait(gateway::floor::check(
            crate::setup::setup(&config)?,
            &self.asked.target,
        ))?;
        if json {
            let left: Vec<&str> = drift.iter().map(|found| found.what.as_str()).collect();
            output.json(
                &json!({ "target": self.asked.target, "statements": shown, "drift": left }),
            )?;
        } else if drift.is_empty() {
            let well = output.paint.green("ok");
            output.line(format!(
                "{well}  role {} reads no labelled column of {}",
                floor.user, target.name
            ))?;
        } else {
            for found in &drift {
                output.line(format!(
                    "{}  {} {}",
                    output.paint.red(&found.kind),
                    floor.user,
                    found.what
                ))?;
            }
            output.line(format!(
                "\nIt stays refused: `weir floor check --target {}` says what to do by hand.",
                target.name
            ))?;
        }
        Ok(if drift.is_empty() {
            Ended::Well
        } else {
            Ended::WithFindings
        })
    }
}
