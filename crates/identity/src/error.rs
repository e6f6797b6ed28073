//! What can be wrong with keys, key files and upstream logins. Messages never hold a secret, a
//! verifier or a value from a key file.

use crate::key::KeyId;

/// A fault, named; the documentation of each variant says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Operator: the key file is not the JSON this version understands.
    #[error("key file, line {line}, column {column}: {problem}")]
    KeyFile {
        /// 1-based line of the fault.
        line: usize,
        /// 1-based column of the fault.
        column: usize,
        /// What is wrong there; names fields, never values.
        problem: String,
    },
    /// Operator: the key file was written by another version.
    #[error("key file has version {0}; this build reads version 1")]
    KeyFileVersion(u64),
    /// Operator: the keys in a file contradict each other.
    #[error("key file: key {key}: {problem}")]
    InconsistentKey {
        /// The key at fault.
        key: KeyId,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Operator: two keys have the same id, or the same random bytes were used twice.
    #[error("key {0} exists already")]
    DuplicateKey(KeyId),
    /// Operator: no key has this id.
    #[error("there is no key {0}")]
    UnknownKey(String),
    /// Operator: one more key would pass a bound.
    #[error("{what}: {limit} is the limit; revoke a key first")]
    TooManyKeys {
        /// What is bounded.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// Operator: a key may not expire before it begins.
    #[error("a key cannot expire before it is created")]
    ExpiresBeforeCreation,
    /// Operator or client: a principal id is 1 to 128 bytes of printable text without spaces.
    #[error("a principal's id is 1 to 128 bytes, without spaces and control characters")]
    PrincipalId,
    /// Client: the text is no access key at all.
    #[error(
        "an access key starts with `weir_` and has {} characters",
        crate::KEY_SECRET_CHARS
    )]
    KeyForm,
    /// Client: the text looks like an access key, but its checksum is wrong.
    #[error("the access key's checksum is wrong: it was mistyped or cut when copied")]
    KeyChecksum,
    /// Operator: a verifier is not in PostgreSQL's `SCRAM-SHA-256$…` form.
    #[error("not a SCRAM-SHA-256 verifier: {0}")]
    Verifier(&'static str),
    /// Upstream: offers no SCRAM mechanism that this side can run.
    #[error("the server offers no SCRAM-SHA-256 login (MD5 and cleartext passwords are refused)")]
    NoMechanism,
    /// Upstream or somebody between: offers channel binding where there is no TLS to bind to.
    #[error(
        "the server offers SCRAM-SHA-256-PLUS on a connection without TLS: refused, something may sit between"
    )]
    BindingWithoutTls,
    /// Upstream: broke the exchange (RFC 5802 §7).
    #[error("the server's SCRAM message is malformed: {0}")]
    UpstreamMalformed(&'static str),
    /// Upstream: the iteration count is outside what this side is willing to compute.
    #[error("the server asks for {asked} SCRAM iterations; {min} to {max} are accepted")]
    UpstreamIterations {
        /// What the server asked for.
        asked: u32,
        /// Smallest accepted count.
        min: u32,
        /// Largest accepted count.
        max: u32,
    },
    /// Upstream: refused the login inside the exchange.
    #[error("the server refused the SCRAM login")]
    UpstreamRefused,
    /// Upstream: does not know the verifier, so it is not the server it claims to be.
    #[error("the server's SCRAM signature is wrong: it does not know this role's verifier")]
    UpstreamSignature,
    /// Bug: exchange messages were fed in the wrong order.
    #[error("SCRAM messages out of order")]
    OutOfOrder,
}
