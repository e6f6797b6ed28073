//! What the gateway is told to do, as plain values: the binary reads them from
//! `weir.toml`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity::{KeyRing, Principal, Secret};
use mask::Masker;
use policy::Policies;
use session::Durability;

/// One place clients connect to.
#[derive(Clone)]
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    /// Certificate chain and key; without them only plain connections are taken.
    pub tls: Option<ServerTls>,
    /// Take plain connections from other machines too.
    pub insecure: bool,
    /// Connections begin with a PROXY protocol v2 header.
    pub proxy_protocol: bool,
    /// Offer SCRAM-SHA-256-PLUS; off behind a balancer that ends TLS.
    pub channel_binding: bool,
}

/// PEM files of a listener's certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// How far an upstream's certificate is checked (libpq's `sslmode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS, certificate unchecked.
    Require,
    /// TLS, certificate from a known authority.
    VerifyCa,
    /// TLS, certificate from a known authority and for this host.
    VerifyFull,
}

/// Credentials of one tier.
#[derive(Clone)]
pub struct Login {
    /// Role at the database.
    pub user: String,
    /// Its password, if it has one.
    pub password: Option<Secret<String>>,
}

/// One upstream database.
#[derive(Clone)]
pub struct Target {
    /// Name clients connect to.
    pub name: String,
    /// `dev`, `staging`, `prod`, …
    pub environment: String,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Database at the server.
    pub database: String,
    /// TLS towards it.
    pub tls: TlsMode,
    /// PEM of authorities, instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Logins by tier; `default` also reads the catalog.
    pub logins: BTreeMap<String, Login>,
    /// The role masked sessions log in as, if the database has a floor.
    pub floor: Option<Login>,
    /// Look for labels in names and samples; what nobody looked at yet is masked.
    pub discover: bool,
    /// Record refusals but let statements run (never for masks).
    pub observe: bool,
    /// Schema, relation and column to label.
    pub labels: BTreeMap<[String; 3], mask::Label>,
}

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Statement text.
    pub statement: statement::Limits,
    /// One client message, bytes.
    pub message_bytes: usize,
    /// Sessions at a time.
    pub sessions: usize,
    /// From connecting to being logged in.
    pub login: Duration,
    /// Connecting to a database.
    pub connect: Duration,
    /// Between two looks at a catalog while sessions are open.
    pub catalog_poll: Duration,
}

/// Everything that may change while the gateway runs.
pub struct Setup {
    /// Who may connect.
    pub principals: BTreeMap<String, Principal>,
    /// Their access keys.
    pub keys: KeyRing,
    /// What they may do.
    pub policies: Arc<Policies>,
    /// Turns labelled values into stand-ins.
    pub masker: Arc<Masker>,
    /// Where they connect to.
    pub targets: BTreeMap<String, Target>,
    /// Bounds.
    pub limits: Limits,
    /// When intents must be on disk.
    pub durability: Durability,
    /// Folder for what Weir must remember besides the ledger (label bindings).
    pub state: PathBuf,
}

impl Target {
    /// Whether `other` is configured the same, so that a reload changes nothing.
    pub(crate) fn same(&self, other: &Self) -> bool {
        let logins = |t: &Self| -> Vec<(Option<String>, String, Option<String>)> {
            let tiers = t.logins.iter().map(|(tier, login)| (Some(tier), login));
            tiers
                .chain(t.floor.iter().map(|login| (None, login)))
                .map(|(tier, login)| {
                    (
                        tier.cloned(),
                        login.user.clone(),
                        login.password.as_ref().map(|p| p.expose().clone()),
                    )
                })
                .collect()
        };
        (
            &self.name,
            &self.environment,
            &self.host,
            self.port,
            &self.database,
            self.tls,
            &self.authorities,
            (self.observe, self.discover),
        ) == (
            &other.name,
            &other.environment,
            &other.host,
            other.port,
            &other.database,
            other.tls,
            &other.authorities,
            (other.observe, other.discover),
        ) && self.labels == other.labels
            && logins(self) == logins(other)
    }
}
