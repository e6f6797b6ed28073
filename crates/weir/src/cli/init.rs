//! `weir init`: from nothing to a gateway that can be checked and served.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use identity::{Secret, check_principal_id};
use policy::Policies;
use serde_json::json;

use super::output::Output;
use super::template::Plan;
use super::{Ended, Format, key, prompt};
use crate::config::{Config, SecretSource, SslMode, Url};
use crate::keyfile;

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// First database: the name clients use, and where it is
    #[arg(long, value_name = "NAME=URL")]
    target: Option<String>,
    /// Environment of the target: prod, staging, dev, … [default: guessed from its name]
    #[arg(long, value_name = "WORD")]
    environment: Option<String>,
    /// First principal [default: $USER]
    #[arg(long, value_name = "NAME")]
    principal: Option<String>,
    /// Group of the first principal
    #[arg(long, value_name = "GROUP", default_value = "engineers")]
    group: String,
    /// Environment variable that holds the target's password
    #[arg(long, value_name = "NAME", conflicts_with = "password_file")]
    password_env: Option<String>,
    /// File that holds the target's password
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Address for clients
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:6432")]
    listen: SocketAddr,
    /// Folder to write into
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    directory: PathBuf,
    /// Ask nothing; take defaults
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    format: Format,
}

/// A file to be written.
struct Draft {
    path: PathBuf,
    text: Secret<String>,
    private: bool,
}

impl Init {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        let interactive = !self.yes && prompt::possible();
        let (plan, password) = self.plan(interactive)?;
        let drafts = self.drafts(&plan, password)?;
        let config_file = self.directory.join("weir.toml");
        let keys = self.directory.join("keys.json");

        let taken: Vec<String> = drafts
            .iter()
            .map(|draft| &draft.path)
            .chain([&keys])
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| path.display().to_string())
            .collect();
        if !taken.is_empty() {
            bail!(
                "nothing was written, because these exist: {}",
                taken.join(", ")
            );
        }
        // What is written must be what `weir serve` reads.
        if let Some(draft) = drafts.first() {
            Config::parse(draft.text.expose(), &config_file)?;
        }
        make_folder(&self.directory)?;
        make_folder(&self.directory.join("policies"))?;
        for draft in &drafts {
            write(draft)?;
        }
        let config = Config::load(&config_file)?;
        let random = keyfile::random()?;
        let (access_key, secret) = keyfile::update(&config.keys, |ring| {
            Ok(ring.create(&plan.principal, &random, keyfile::now_ms(), None)?)
        })?;

        let written: Vec<String> = drafts
            .iter()
            .map(|draft| draft.path.display().to_string())
            .chain([keys.display().to_string()])
            .collect();
        if self.format.json {
            output.json(&json!({
                "files": written,
                "principal": plan.principal,
                "key": access_key.id,
                "secret": secret.expose(),
            }))?;
            return Ok(Ended::Well);
        }
        output.line("Wrote:")?;
        for file in &written {
            output.line(format!("  {file}"))?;
        }
        output.line(format!(
            "\nKey {} for {}, shown this once:\n",
            access_key.id, plan.principal
        ))?;
        output.line(format!("  {}\n", output.paint.bold(secret.expose())))?;
        if let SecretSource::Environment(name) = &plan.password {
            output.line(format!(
                "Weir reads the password of {} from {name}: set it first.\n",
                plan.user
            ))?;
        }
        output.line("Next:\n")?;
        let flag =
            if config_file == Path::new("./weir.toml") || config_file == Path::new("weir.toml") {
                String::new()
            } else {
                format!(" --config {}", config_file.display())
            };
        output.line(format!("  weir check{flag}"))?;
        output.line(format!("  weir serve{flag}"))?;
        for line in key::usage(&config, &plan.principal) {
            output.line(format!("  {line}"))?;
        }
        Ok(Ended::Well)
    }

    /// What to write, from arguments and answers; and the password, if Weir is
    /// to keep it in a file of its own.
    fn plan(&self, interactive: bool) -> Result<(Plan, Option<Secret<String>>)> {
        let given = match &self.target {
            Some(given) => given.clone(),
            None if interactive => {
                let name = prompt::ask(
                    "Name of the first database, as clients will write it (prod-app)",
                    None,
                )?;
                let url = prompt::ask("Where it is (postgres://user@host:5432/database)", None)?;
                format!("{name}={url}")
            }
            None => bail!(
                "--target NAME=URL is needed, such as --target prod-app=postgres://app@db.internal:5432/app"
            ),
        };
        let (target, url) = given
            .split_once('=')
            .context("--target wants NAME=URL, such as prod-app=postgres://app@db.internal/app")?;
        let (target, url) = (
            target.trim().to_owned(),
            Url::parse(url.trim())
                .map_err(anyhow::Error::msg)
                .context("--target")?,
        );
        if target.is_empty() || target.contains(char::is_whitespace) {
            bail!("a target's name has no spaces");
        }
        let environment = match &self.environment {
            Some(environment) => environment.clone(),
            None if interactive => prompt::ask("Environment", Some(guess(&target)))?,
            None => guess(&target).to_owned(),
        };
        let user = match &url.user {
            Some(user) => user.clone(),
            None if interactive => prompt::ask("Role that Weir logs in with", None)?,
            None => bail!(
                "the URL of --target names no user: postgres://USER@{}:{}/…",
                url.host,
                url.port
            ),
        };
        let default = std::env::var("USER")
            .ok()
            .filter(|name| check_principal_id(name).is_ok());
        let default = default.unwrap_or_else(|| "admin".to_owned());
        let principal = match &self.principal {
            Some(principal) => principal.clone(),
            None if interactive => prompt::ask("Your name in Weir", Some(&default))?,
            None => default,
        };
        check_principal_id(&principal)?;
        let (source, password) = self.password(&target, &user, url.password, interactive)?;
        let plan = Plan {
            listen: self.listen,
            sslmode: url
                .sslmode
                .unwrap_or_else(|| SslMode::default_for(&url.host)),
            target,
            environment,
            host: url.host,
            port: url.port,
            database: url.database,
            user,
            password: source,
            principal,
            group: self.group.clone(),
        };
        Ok((plan, password))
    }

    fn password(
        &self,
        target: &str,
        user: &str,
        in_url: Option<Secret<String>>,
        interactive: bool,
    ) -> Result<(SecretSource, Option<Secret<String>>)> {
        if let Some(name) = &self.password_env {
            return Ok((SecretSource::Environment(name.clone()), None));
        }
        if let Some(file) = &self.password_file {
            let file = std::path::absolute(file)
                .with_context(|| format!("cannot find {}", file.display()))?;
            return Ok((SecretSource::File(file), None));
        }
        let variable: String = target
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect();
        let variable = format!("{variable}_PASSWORD");
        let password = match in_url {
            Some(password) => Some(password),
            None if interactive => prompt::ask_secret(&format!(
                "Password of {user} (empty: read it from ${variable} when serving)"
            ))?,
            None => None,
        };
        Ok(match password {
            Some(password) => (
                SecretSource::File(PathBuf::from(file_name(target))),
                Some(password),
            ),
            None => (SecretSource::Environment(variable), None),
        })
    }

    fn drafts(&self, plan: &Plan, password: Option<Secret<String>>) -> Result<Vec<Draft>> {
        let open = |path: PathBuf, text: String| Draft {
            path,
            text: Secret::new(text),
            private: false,
        };
        let mut drafts = vec![open(self.directory.join("weir.toml"), plan.render())];
        for (name, text) in Policies::starter() {
            drafts.push(open(
                self.directory.join("policies").join(name),
                (*text).to_owned(),
            ));
        }
        let key: Secret<[u8; 32]> = keyfile::random()?;
        let hex: String = key
            .expose()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let text = Secret::new(hex + "\n");
        drafts.push(Draft {
            path: self.directory.join("mask.key"),
            text,
            private: true,
        });
        if let Some(text) = password {
            drafts.push(Draft {
                path: self.directory.join(file_name(&plan.target)),
                text,
                private: true,
            });
        }
        Ok(drafts)
    }
}

fn file_name(target: &str) -> String {
    let safe: String = target
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("{safe}.password")
}

/// The environment a target's name suggests; the strictest when it says nothing.
fn guess(target: &str) -> &'static str {
    let name = target.to_ascii_lowercase();
    let says = |words: &[&str]| {
        name.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| words.contains(&part))
    };
    if says(&["dev", "development", "test", "local"]) {
        "dev"
    } else if says(&["staging", "stage", "stg"]) {
        "staging"
    } else {
        "prod"
    }
}

fn make_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o755);
    builder
        .create(path)
        .with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Writes a file that must not exist, whoever else may be writing.
fn write(draft: &Draft) -> Result<()> {
    let mode = if draft.private { 0o600 } else { 0o644 };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&draft.path);
    file.and_then(|mut file| {
        file.write_all(draft.text.expose().as_bytes())?;
        file.sync_all()
    })
    .with_context(|| format!("cannot write {}", draft.path.display()))
}
