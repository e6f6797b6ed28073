//! From `weir.toml` to what the gateway is told: files and secrets are read here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gateway::Setup;
use gateway::setup::{Limits, Listener, Login, ServerTls, Target, TlsMode};
use identity::{KeyRing, Secret};
use mask::Masker;
use policy::Policies;
use session::Durability;
use store::ship;
use zeroize::Zeroizing;

use crate::config::{self, Config, Destination, Profile, SslMode};

/// Everything the gateway may take anew while it runs.
///
/// # Errors
/// Files that cannot be read, secrets that are missing, policies that do not pass.
pub fn setup(config: &Config) -> Result<Setup> {
    let masker = masker(&config.masking)?;
    let mut targets = BTreeMap::new();
    for (name, target) in &config.targets {
        targets.insert(name.clone(), self::target(target)?);
    }
    Ok(Setup {
        principals: config.principals.clone(),
        keys: key_ring(config)?,
        policies: Arc::new(policies(config)?),
        masker: Arc::new(masker),
        targets,
        limits: limits(&config.limits),
        durability: match config.ledger.profile {
            Profile::Strict => Durability::Strict,
            Profile::Balanced => Durability::Balanced,
            Profile::Fast => Durability::Fast,
        },
        state: state_folder(config),
    })
}

/// What masks values, and turns tokens of the epochs that are in force back.
///
/// # Errors
/// A key that cannot be read.
pub fn masker(masking: &config::Masking) -> Result<Masker> {
    let root = masking.key.read_key().context("masking key")?;
    Ok(Masker::of_epochs(
        root.expose(),
        &masking.scope,
        masking.epochs.clone(),
    ))
}

/// Where Weir keeps what it must remember besides the ledger.
#[must_use]
pub fn state_folder(config: &Config) -> PathBuf {
    let directory = &config.ledger.directory;
    // Beside the whole name: `ledger.eu` and `ledger.us` are two ledgers.
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push(".state");
    directory.with_file_name(name)
}

/// The policies in force.
///
/// # Errors
/// Every problem of every file, one a line.
pub fn policies(config: &Config) -> Result<Policies> {
    let files = config.policy_files()?;
    match Policies::load(&files) {
        Ok(policies) => Ok(policies),
        Err(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            bail!("{}", lines.join("\n"))
        }
    }
}

/// The access keys. A file that is not there yet is an empty ring.
///
/// # Errors
/// A file that cannot be read or is not a key file.
pub fn key_ring(config: &Config) -> Result<KeyRing> {
    let path = &config.keys;
    match std::fs::read_to_string(path) {
        Ok(text) => KeyRing::from_json(&text)
            .with_context(|| format!("cannot read keys in {}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).context("no random bytes")?;
            Ok(KeyRing::new(Secret::new(secret)))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Where the gateway listens.
#[must_use]
pub fn listeners(config: &Config) -> Vec<Listener> {
    config
        .listeners
        .iter()
        .map(|listener| Listener {
            address: listener.address,
            tls: listener.tls.as_ref().map(|tls| ServerTls {
                certificate: tls.certificate.clone(),
                key: tls.key.clone(),
            }),
            insecure: listener.insecure,
            proxy_protocol: listener.proxy_protocol,
            channel_binding: listener.channel_binding,
        })
        .collect()
}

/// Who is told what the ledger records.
#[must_use]
pub fn outputs(config: &Config) -> Vec<ship::Output> {
    let remote = |remote: &config::Remote| ship::Remote {
        endpoint: remote.endpoint.clone(),
        authorities: remote.ca.clone(),
        token: remote.token.clone().map(|source| {
            ship::Token::new(move || match source.read() {
                Ok(token) => Ok(Zeroizing::new(token.expose().clone())),
                Err(error) => Err(format!("{error:#}")),
            })
        }),
    };
    let places: BTreeMap<String, ship::TargetPlace> = config
        .targets
        .iter()
        .map(|(name, target)| {
            let place = ship::TargetPlace {
                host: target.host.clone(),
                port: target.port,
                database: target.database.clone(),
            };
            (name.clone(), place)
        })
        .collect();
    let output = |output: &config::Output| ship::Output {
        name: output.name.clone(),
        start: output.start,
        disclose: output.disclose.clone(),
        to: match &output.to {
            Destination::File {
                path,
                rotate_bytes,
                keep,
            } => ship::To::File {
                path: path.clone(),
                rotate_bytes: *rotate_bytes,
                keep: *keep,
            },
            Destination::Http(to) => ship::To::Http(remote(to)),
            Destination::Syslog(to) => ship::To::Syslog(remote(to)),
            Destination::Otlp(to, signals) => ship::To::Otlp {
                remote: remote(to),
                signals: *signals,
                places: places.clone(),
            },
        },
    };
    config.outputs.iter().map(output).collect()
}

/// Where the outputs' cursors lie.
#[must_use]
pub fn cursors(config: &Config) -> PathBuf {
    state_folder(config).join("outputs")
}

fn limits(limits: &config::Limits) -> Limits {
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Limits {
        statement: statement::Limits {
            text_bytes: size(limits.statement_bytes),
            ..statement::Limits::default()
        },
        message_bytes: size(limits.message_bytes),
        sessions: size(limits.connections),
        login: limits.login_timeout,
        connect: limits.connect_timeout,
        catalog_poll: limits.catalog_poll,
    }
}

/// How far the server's certificate is checked.
#[must_use]
pub fn tls_mode(mode: SslMode) -> TlsMode {
    match mode {
        SslMode::Disable => TlsMode::Disable,
        SslMode::Require => TlsMode::Require,
        SslMode::VerifyCa => TlsMode::VerifyCa,
        SslMode::VerifyFull => TlsMode::VerifyFull,
    }
}

/// One target with its secrets.
///
/// # Errors
/// A password that is configured and cannot be read.
pub fn target(target: &config::Target) -> Result<Target> {
    let read = |login: &config::Login, place: &str| -> Result<Login> {
        let password = login.password.as_ref().map(config::SecretSource::read);
        Ok(Login {
            user: login.user.clone(),
            password: password
                .transpose()
                .with_context(|| format!("targets.{}.{place}", target.name))?,
        })
    };
    let mut logins = BTreeMap::new();
    for (tier, login) in &target.logins {
        logins.insert(tier.clone(), read(login, &format!("logins.{tier}"))?);
    }
    let floor = target.floor.as_ref();
    let floor = floor.map(|login| read(login, "floor")).transpose()?;
    Ok(Target {
        name: target.name.clone(),
        environment: target.environment.clone(),
        host: target.host.clone(),
        port: target.port,
        database: target.database.clone(),
        tls: tls_mode(target.sslmode),
        authorities: target.ca.clone(),
        logins,
        floor,
        discover: target.discover,
        observe: target.observe,
        labels: target
            .labels
            .iter()
            .map(|(name, label)| {
                (
                    [
                        name.schema.clone(),
                        name.relation.clone(),
                        name.column.clone(),
                    ],
                    label.clone(),
                )
            })
            .collect(),
    })
}
