//! Every section of `weir.toml` and the keys it may hold: what the parser knows
//! and what docs/configuration.md describes.

/// One kind of section.
#[derive(Debug)]
pub struct Keys {
    /// As written, with `*` for a name of the user's choice.
    pub section: &'static str,
    /// Its keys. Empty: keys are names of the user's choice.
    pub keys: &'static [&'static str],
}

macro_rules! sections {
    ($($name:ident = $section:literal: [$($key:literal),*];)*) => {
        $(pub(super) const $name: &Keys = &Keys { section: $section, keys: &[$($key),*] };)*

        /// All sections.
        pub const SECTIONS: &[&Keys] = &[$($name),*];
    };
}

sections! {
    TOP = "": [
        "listen", "listeners", "admin", "ledger", "keys", "masking", "policy", "targets", "principals", "limits", "output", "search"
    ];
    LISTEN = "listen": ["address", "tls", "proxy_protocol", "channel_binding", "insecure"];
    TLS = "listen.tls": ["certificate", "key"];
    ADMIN = "admin": ["address", "insecure"];
    LEDGER = "ledger": ["directory", "profile", "origin", "reserve", "retention", "memory", "listen", "insecure"];
    SEARCH = "search": ["store", "seal_after"];
    KEYS = "keys": ["file"];
    MASKING = "masking": ["key", "scope", "epoch", "oldest_epoch"];
    POLICY = "policy": ["files"];
    TARGETS = "targets": [];
    TARGET = "targets.*": ["environment", "url", "observe", "discover", "ca", "logins", "labels", "floor"];
    LOGINS = "targets.*.logins": [];
    LOGIN = "targets.*.logins.*": ["user", "password"];
    FLOOR = "targets.*.floor": ["role", "password"];
    LABELS = "targets.*.labels": [];
    SECRET = "*.key, *.password, *.token": ["file", "env"];
    PRINCIPALS = "principals": [];
    PRINCIPAL = "principals.*": ["kind", "groups", "tier", "on_behalf_of"];
    OUTPUT = "output": [
        "name", "kind", "file", "rotate", "keep", "endpoint", "syslog", "token", "ca", "insecure", "start", "disclose",
        "signals"
    ];
    LIMITS = "limits": [
        "statement", "message", "connections", "login_timeout", "connect_timeout", "catalog_poll", "shutdown_grace"
    ];
}
