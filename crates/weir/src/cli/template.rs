//! The `weir.toml` that `weir init` writes: small, commented, safe.

use std::net::SocketAddr;

use crate::config::{SecretSource, SslMode};

/// What a first configuration is made from.
pub(crate) struct Plan {
    pub(crate) listen: SocketAddr,
    pub(crate) target: String,
    pub(crate) environment: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
    pub(crate) sslmode: SslMode,
    pub(crate) user: String,
    /// File names are relative to the configuration.
    pub(crate) password: SecretSource,
    pub(crate) principal: String,
    pub(crate) group: String,
}

impl Plan {
    /// The text of `weir.toml`.
    pub(crate) fn render(&self) -> String {
        let target = key(&self.target);
        let principal = key(&self.principal);
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let (database, sslmode) = (encode(&self.database), self.sslmode.name());
        let url = quote(&format!(
            "postgres://{host}:{}/{database}?sslmode={sslmode}",
            self.port
        ));
        let password = match &self.password {
            SecretSource::File(file) => {
                format!("{{ file = {} }}", quote(&file.display().to_string()))
            }
            SecretSource::Environment(name) => format!("{{ env = {} }}", quote(name)),
        };
        let (listen, environment) = (quote(&self.listen.to_string()), quote(&self.environment));
        let (user, group, human) = (
            quote(&self.user),
            quote(&self.group),
            quote(&self.principal),
        );
        format!(
            r#"# Weir's configuration. Every key is described in docs/configuration.md;
# `weir check` tells what is wrong. Secrets lie in files or in the environment,
# never in here.

[listen]
address = {listen}
# To serve other machines, give a certificate:
# [listen.tls]
# certificate = "server.pem"
# key = "server.key"

[admin]
address = "127.0.0.1:6480"      # readiness, metrics, the live view

[ledger]
directory = "ledger"
profile = "balanced"            # or "strict": all on disk before the last reply
origin = "weir.local"           # the log's name for auditors, such as "weir.example/prod"

[keys]
file = "keys.json"              # what `weir key` writes

[masking]
key = {{ file = "mask.key" }}     # keep it: without it, stand-ins change

[policy]
files = ["policies/*.cedar"]    # yours to edit; `weir policy check` afterwards

# --- databases: clients name them as dbname -----------------------------------

[targets.{target}]
environment = {environment}
url = {url}
discover = true                 # look for labels; what nobody looked at yet is masked
# observe = true                # record refusals without refusing; masks hold

[targets.{target}.logins.default]
user = {user}
password = {password}

# What columns hold. Labelled values leave as stand-ins, except for members of
# the group pii-readers.
[targets.{target}.labels]
# "public.customers.email" = "email"
# "public.customers.phone" = "phone"

# --- who may connect: clients name them as user -------------------------------
# A new one needs a key: weir key create NAME

[principals.{principal}]
kind = "human"
groups = [{group}]

# An AI agent that acts for that person: reads, at most 1000 rows, masked.
# [principals.helper-bot]
# kind = "agent"
# on_behalf_of = {human}
# groups = ["agents"]
"#
        )
    }
}

/// A TOML string.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A TOML key.
fn key(text: &str) -> String {
    let plain = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain {
        return text.to_owned();
    }
    // A key has one line, unlike a value.
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            if matches!(c, '"' | '\\') {
                vec!['\\', c]
            } else {
                vec![c]
            }
        })
        .collect();
    format!("\"{escaped}\"")
}

/// Percent-encodes what is not unreserved (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    text.bytes()
        .map(|b| {
            if keep(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
