//! `weir.toml`, parsed once into typed values (docs/configuration.md).
//!
//! Unknown keys are refused with the nearest right name; every fault of the file
//! is reported with its line. Secrets are not in here: only where they lie.

mod fault;
mod keys;
mod ledger;
mod names;
mod output;
mod read;
mod reader;
mod search;
mod secret;
mod unit;
mod url;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use identity::Principal;

pub use fault::{Fault, Faults, nearest};
pub use keys::{Keys, SECTIONS};
pub use names::ColumnName;
pub use output::{Destination, Output, Remote};
pub use search::Search;
pub use secret::SecretSource;
pub use unit::{bytes, duration};
pub use url::{SslMode, Url, is_loopback};

/// A whole configuration. Paths are absolute or relative to the working
/// directory, no longer to the file.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// Where clients connect; at least one.
    pub listeners: Vec<Listener>,
    /// Where operators connect.
    pub admin: Admin,
    /// The ledger.
    pub ledger: Ledger,
    /// The index over it.
    pub search: Search,
    /// The access keys' file.
    pub keys: PathBuf,
    /// How stand-ins are made.
    pub masking: Masking,
    /// Where policies come from.
    pub policy: PolicySource,
    /// Upstream databases by name; at least one.
    pub targets: BTreeMap<String, Target>,
    /// Who may connect, by id.
    pub principals: BTreeMap<String, Principal>,
    /// Bounds.
    pub limits: Limits,
    /// Who is told what the ledger records.
    pub outputs: Vec<Output>,
}

/// One address for clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// Certificate, if connections are encrypted.
    pub tls: Option<TlsFiles>,
    /// Whether other machines may connect without TLS.
    pub insecure: bool,
    /// Whether every connection starts with a PROXY protocol header (version 2)
    /// that tells the client's true address.
    pub proxy_protocol: bool,
    /// Whether SCRAM-SHA-256-PLUS is offered over TLS.
    pub channel_binding: bool,
}

/// A certificate chain and its key, both PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Chain, leaf first.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The operators' address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Address and port.
    pub address: SocketAddr,
}

/// The ledger of this gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Its directory.
    pub directory: PathBuf,
    /// When entries must be on disk.
    pub profile: Profile,
    /// The log's name in checkpoints (C2SP tlog-checkpoint, origin).
    pub origin: String,
    /// Disk space kept in reserve, in bytes.
    pub reserve_bytes: u64,
    /// The file outside the directory that remembers the last checkpoint.
    pub memory: PathBuf,
    /// Where auditors' programs read it (C2SP tlog-tiles), if anywhere.
    pub listen: Option<SocketAddr>,
    /// How long entries are kept; `None` is for ever.
    pub retention: Option<Duration>,
}

/// When entries must be on disk before a statement proceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Every intent, and the outcome before the final reply.
    Strict,
    /// The intent of whatever is not proven read-only.
    Balanced,
    /// None; within milliseconds.
    Fast,
}

/// How stand-ins for labelled values are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masking {
    /// Where the 32-byte root key lies.
    pub key: SecretSource,
    /// Equal values have equal stand-ins within one scope.
    pub scope: String,
    /// The last one masks: it is raised to make all stand-ins new. Tokens of all of them are understood.
    pub epochs: RangeInclusive<u32>,
}

/// Where policies come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// The starter pack inside this program.
    Starter,
    /// Files; `*` may stand in the last part of a path.
    Files(Vec<PathBuf>),
}

/// One upstream database.
#[derive(Clone, Debug)]
pub struct Target {
    /// What clients give as database name.
    pub name: String,
    /// `prod`, `staging`, `dev`, …
    pub environment: String,
    /// Host name or IP address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database on that server.
    pub database: String,
    /// How the connection is encrypted.
    pub sslmode: SslMode,
    /// Certificate authorities to trust (PEM) instead of the system's.
    pub ca: Option<PathBuf>,
    /// Looks for labels; what nobody looked at yet is masked.
    pub discover: bool,
    /// Records what policy would refuse, but lets it run. Never for masks.
    pub observe: bool,
    /// Login roles by tier; at least one.
    pub logins: BTreeMap<String, Login>,
    /// The role masked sessions log in as, if the database has a floor.
    pub floor: Option<Login>,
    /// Labels of columns.
    pub labels: BTreeMap<ColumnName, mask::Label>,
}

/// One login role of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The role.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<SecretSource>,
}

/// Bounds on what one client, or all of them, may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest statement text, in bytes.
    pub statement_bytes: u64,
    /// Longest message from a client, in bytes.
    pub message_bytes: u64,
    /// Client connections at one time.
    pub connections: u64,
    /// For a client to prove who it is.
    pub login_timeout: Duration,
    /// For a connection to a target, login included.
    pub connect_timeout: Duration,
    /// Between two looks at a target's catalog.
    pub catalog_poll: Duration,
    /// For sessions to end when the gateway stops.
    pub shutdown_grace: Duration,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read; [`Faults`] for all that is wrong with it.
    pub fn load(file: &Path) -> Result<Config> {
        let text = std::fs::read_to_string(file).with_context(|| {
            format!(
                "cannot read {}: `weir init` makes one, --config names another",
                file.display()
            )
        })?;
        Ok(Self::parse(&text, file)?)
    }

    /// Reads the text of a file; relative paths start at the folder of `file`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, file: &Path) -> Result<Config, Faults> {
        read::config(text, file).map_err(|faults| Faults::new(file, faults))
    }

    /// A principal by id.
    #[must_use]
    pub fn principal(&self, id: &str) -> Option<&Principal> {
        self.principals.get(id)
    }

    /// The human an agent acts for.
    #[must_use]
    pub fn human(&self, principal: &Principal) -> Option<&Principal> {
        self.principals.get(principal.on_behalf_of()?)
    }

    /// The policy files as (name, text), read from disk.
    ///
    /// # Errors
    /// When a file cannot be read or a pattern matches none.
    pub fn policy_files(&self) -> Result<Vec<(String, String)>> {
        let patterns = match &self.policy {
            PolicySource::Starter => {
                let starter = policy::Policies::starter().iter();
                return Ok(starter
                    .map(|(name, text)| (format!("starter/{name}"), (*text).to_owned()))
                    .collect());
            }
            PolicySource::Files(patterns) => patterns,
        };
        let mut files = Vec::new();
        for pattern in patterns {
            for file in names::matching(pattern)? {
                let text = std::fs::read_to_string(&file)
                    .with_context(|| format!("cannot read {}", file.display()))?;
                files.push((file.display().to_string(), text));
            }
        }
        files.sort();
        files.dedup();
        Ok(files)
    }
}

impl Target {
    /// The login role for a principal of `tier`. There is no fallback to another
    /// tier: it could have more rights.
    #[must_use]
    pub fn login(&self, tier: &str) -> Option<&Login> {
        self.logins.get(tier)
    }

    /// As policy names it.
    #[must_use]
    pub fn for_policy(&self) -> policy::Target {
        policy::Target {
            name: self.name.clone(),
            environment: self.environment.clone(),
        }
    }
}

impl Profile {
    /// The word in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Profile::Strict => "strict",
            Profile::Balanced => "balanced",
            Profile::Fast => "fast",
        }
    }
}

#[cfg(test)]
mod tests;
