//! What can go wrong in the gateway, for operators.

/// A fault of configuration or surroundings.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate or key cannot be used.
    #[error("{0}")]
    Tls(String),
    /// A listener's address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A listener would take plain connections from other machines.
    #[error(
        "listener {0} is reachable from other machines without TLS; give it [tls], or set insecure = true"
    )]
    PlainListener(std::net::SocketAddr),
    /// A database cannot be reached or does not let Weir in.
    #[error("{0}")]
    Upstream(#[from] crate::upstream::Failure),
    /// The target has no `floor` in the configuration.
    #[error("target \"{0}\" has no [targets.….floor]")]
    NoFloor(String),
    /// The system gives no random bytes.
    #[error("no random bytes")]
    Random,
    /// The ledger does not take entries.
    #[error("ledger: {0}")]
    Ledger(#[from] ledger::Unavailable),
    /// The ledger cannot be read.
    #[error("ledger: {0}")]
    Store(#[from] store::Error),
    /// A thread or file of the gateway's own.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
}
