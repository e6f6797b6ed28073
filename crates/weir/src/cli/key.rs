//! `weir key`: access keys.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use identity::{AccessKey, Standing};
use serde_json::json;

use super::output::{Output, count, minute, rfc3339};
use super::{ConfigFile, Ended, Format};
use crate::config::{Config, duration, nearest};
use crate::keyfile;

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key for a principal; its secret is shown once
    Create(Create),
    /// List keys
    List(List),
    /// Revoke a key, at once and for good
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Id of the principal, as in the configuration
    principal: String,
    /// Lifetime, such as 12h or 90d [default: until revoked]
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only the keys of this principal
    principal: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Id of the key, such as key_3fmk2v7qa4zt
    key: String,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

impl Key {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Key::Create(create) => create.run(output),
            Key::List(list) => list.run(output),
            Key::Revoke(revoke) => revoke.run(output),
        }
        .map(|()| Ended::Well)
    }
}

impl Create {
    fn run(self, output: &mut Output) -> Result<()> {
        let config = self.config.load()?;
        known(&config, &self.principal)?;
        let now_ms = keyfile::now_ms();
        let expires_ms = match &self.expires {
            None => None,
            Some(text) => {
                let lifetime = duration(text)
                    .map_err(anyhow::Error::msg)
                    .context("--expires")?;
                Some(now_ms.saturating_add(u64::try_from(lifetime.as_millis())?))
            }
        };
        let random = keyfile::random()?;
        let (key, secret) = keyfile::update(&config.keys, |ring| {
            Ok(ring.create(&self.principal, &random, now_ms, expires_ms)?)
        })?;
        if self.format.json {
            let mut value = as_json(&key, now_ms);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("secret".to_owned(), json!(secret.expose()));
            }
            return output.json(&value);
        }
        let until = key
            .expires_ms
            .map_or("works until revoked".to_owned(), |ms| {
                format!("expires {} UTC", minute(ms))
            });
        output.line(format!(
            "Key {} for {}, {until}:\n",
            key.id,
            output.paint.bold(&key.principal)
        ))?;
        output.line(format!("  {}\n", output.paint.bold(secret.expose())))?;
        output.line("It is shown this once. Clients give it as the password:\n")?;
        for line in usage(&config, &key.principal) {
            output.line(format!("  {line}"))?;
        }
        Ok(())
    }
}

impl List {
    fn run(self, output: &mut Output) -> Result<()> {
        let config = self.config.load()?;
        if let Some(principal) = &self.principal {
            known(&config, principal)?;
        }
        let now_ms = keyfile::now_ms();
        let ring = keyfile::load(&config.keys)?;
        let wanted = |key: &&AccessKey| self.principal.as_ref().is_none_or(|p| *p == key.principal);
        let keys: Vec<&AccessKey> = ring
            .iter()
            .flat_map(|ring| ring.keys())
            .filter(wanted)
            .collect();
        if self.format.json {
            return output.json(
                &keys
                    .iter()
                    .map(|key| as_json(key, now_ms))
                    .collect::<Vec<_>>(),
            );
        }
        if keys.is_empty() {
            return output.line("No keys. `weir key create PRINCIPAL` makes one.");
        }
        let rows: Vec<[String; 5]> = keys
            .iter()
            .map(|key| {
                let ends = key
                    .revoked_ms
                    .or(key.expires_ms)
                    .map_or("-".to_owned(), minute);
                let id = key.id.to_string();
                [
                    id,
                    key.principal.clone(),
                    standing(key, now_ms).to_owned(),
                    minute(key.created_ms),
                    ends,
                ]
            })
            .collect();
        output.table(
            ["KEY", "PRINCIPAL", "STATE", "CREATED (UTC)", "ENDS (UTC)"],
            &rows,
        )
    }
}

impl Revoke {
    fn run(self, output: &mut Output) -> Result<()> {
        let config = self.config.load()?;
        let now_ms = keyfile::now_ms();
        let key = keyfile::update(&config.keys, |ring| {
            Ok(ring.revoke(&self.key, now_ms)?.clone())
        })
        .context("`weir key list` shows all keys")?;
        if self.format.json {
            return output.json(&as_json(&key, now_ms));
        }
        let left = keyfile::load(&config.keys)?
            .map_or(0, |ring| ring.active(&key.principal, now_ms).count());
        let left = if left == 0 {
            "no other active key".to_owned()
        } else {
            count(left, "active key") + " left"
        };
        output.line(format!(
            "Revoked {} of {}, who has {left}.",
            key.id, key.principal
        ))
    }
}

fn known(config: &Config, principal: &str) -> Result<()> {
    if config.principal(principal).is_some() {
        return Ok(());
    }
    let hint = match nearest(principal, config.principals.keys().map(String::as_str)) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("add [principals.{principal}] to {}", config.file.display()),
    };
    bail!("there is no principal {principal}: {hint}")
}

fn standing(key: &AccessKey, now_ms: u64) -> &'static str {
    match key.standing(now_ms) {
        Standing::Active => "active",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
    }
}

fn as_json(key: &AccessKey, now_ms: u64) -> serde_json::Value {
    let times = [
        ("created", Some(key.created_ms)),
        ("expires", key.expires_ms),
        ("revoked", key.revoked_ms),
    ];
    let mut fields = BTreeMap::from([
        ("id", json!(key.id)),
        ("principal", json!(key.principal)),
        ("state", json!(standing(key, now_ms))),
    ]);
    fields.extend(times.map(|(name, ms)| (name, json!(ms.map(rfc3339)))));
    json!(fields)
}

/// How to connect with a key, for the first listener and target.
pub(crate) fn usage(config: &Config, principal: &str) -> Vec<String> {
    let (Some(listener), Some(target)) = (config.listeners.first(), config.targets.keys().next())
    else {
        return Vec::new();
    };
    let host = if listener.address.ip().is_unspecified() {
        "HOST".to_owned()
    } else {
        listener.address.ip().to_string()
    };
    let port = listener.address.port();
    let tls = if listener.tls.is_some() {
        " sslmode=verify-full"
    } else {
        ""
    };
    vec![format!(
        "psql \"host={host} port={port} user={principal} dbname={target}{tls}\""
    )]
}
