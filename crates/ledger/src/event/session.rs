//! Events of a session's life.

use serde::Serialize;

use super::{Disclosure, Text, Word, maybe_text, text};

/// An authenticated session began.
#[derive(Clone, Debug, Serialize)]
pub struct SessionOpen {
    /// Session id (UUID text).
    #[serde(serialize_with = "text")]
    pub session: Text,
    /// Opaque id of the principal.
    #[serde(serialize_with = "text")]
    pub principal: Text,
    /// What the principal is.
    pub principal_kind: PrincipalKind,
    /// Opaque id of the human an agent acts for.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Text>,
    /// Name of the target.
    #[serde(serialize_with = "text")]
    pub target: Text,
    /// Environment of the target.
    #[serde(serialize_with = "text")]
    pub environment: Text,
    /// Encryption towards the client; `None` is clear text.
    pub tls: Option<Tls>,
    /// Protocol and version, like `postgresql/3.0`.
    pub protocol: Word,
    /// Id of the access key used.
    #[serde(serialize_with = "text")]
    pub key: Text,
    /// Disclosed: client address.
    #[serde(skip)]
    pub address: Option<Text>,
    /// Disclosed: what the client calls itself.
    #[serde(skip)]
    pub application: Option<Text>,
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person.
    Human,
    /// An agent acting for a person.
    Agent,
    /// A pipeline or service.
    Workload,
}

/// Encryption of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tls {
    /// Protocol version, like `TLSv1.3`.
    pub version: Word,
    /// Cipher suite by its IANA name.
    pub cipher: Word,
}

impl SessionOpen {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        let mut out = Vec::with_capacity(2);
        let subject = Some(&self.principal);
        Disclosure::take(&mut out, "address", subject, &mut self.address);
        Disclosure::take(&mut out, "application", subject, &mut self.application);
        out
    }
}

/// A session ended.
#[derive(Clone, Debug, Serialize)]
pub struct SessionClose {
    /// Session id.
    #[serde(serialize_with = "text")]
    pub session: Text,
    /// Why it ended.
    pub reason: CloseReason,
    /// Statements judged.
    pub statements: u64,
    /// Of those, refused.
    pub refused: u64,
    /// Rows sent to the client.
    pub rows: u64,
    /// Bytes of row data sent to the client.
    pub bytes: u64,
    /// Cells masked.
    pub masked_cells: u64,
    /// How long it lasted, milliseconds.
    pub duration_ms: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// The client said goodbye.
    Terminated,
    /// The client's connection broke.
    ClientLost,
    /// The database's connection broke, or it said goodbye.
    UpstreamLost,
    /// One side broke the protocol.
    Protocol,
    /// The key was revoked or expired, or an operator ended the session.
    Revoked,
    /// Nothing happened for too long.
    Idle,
    /// The gateway stops.
    Shutdown,
    /// The ledger could not take entries.
    Ledger,
}

impl SessionClose {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        Vec::new()
    }
}

/// A principal proved who it is and may connect, but got no session.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRefused {
    /// Opaque id of the principal.
    #[serde(serialize_with = "text")]
    pub principal: Text,
    /// Opaque id of the human an agent acts for.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Text>,
    /// Name of the target.
    #[serde(serialize_with = "text")]
    pub target: Text,
    /// Protocol and version.
    pub protocol: Word,
    /// Id of the access key used.
    #[serde(serialize_with = "text")]
    pub key: Text,
    /// SQLSTATE the client was told.
    pub sqlstate: Word,
    /// The rule that refused what the client asked for, if it was one.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub rule: Option<Text>,
    /// Disclosed: client address.
    #[serde(skip)]
    pub address: Option<Text>,
    /// Disclosed: what the client calls itself.
    #[serde(skip)]
    pub application: Option<Text>,
}

impl SessionRefused {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        let mut out = Vec::with_capacity(2);
        let subject = Some(&self.principal);
        Disclosure::take(&mut out, "address", subject, &mut self.address);
        Disclosure::take(&mut out, "application", subject, &mut self.application);
        out
    }
}

/// Someone did not get in.
#[derive(Clone, Debug, Serialize)]
pub struct AuthenticationFailed {
    /// Why, as a class; the client is told less.
    pub reason: AuthenticationReason,
    /// Keyed digest of the target name given ([`super::name_digest`]).
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub target_digest: Option<Text>,
    /// Protocol and version.
    pub protocol: Word,
    /// Opaque id of the principal, once the name was found to be one.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub principal: Option<Text>,
    /// Disclosed: the user name given.
    #[serde(skip)]
    pub user: Option<Text>,
    /// Disclosed: the target name given.
    #[serde(skip)]
    pub target: Option<Text>,
    /// Disclosed: client address.
    #[serde(skip)]
    pub address: Option<Text>,
    /// Disclosed: what the client calls itself.
    #[serde(skip)]
    pub application: Option<Text>,
}

/// Why someone did not get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationReason {
    /// No principal has that name.
    UnknownPrincipal,
    /// No target has that name.
    UnknownTarget,
    /// The proof of the key is wrong.
    WrongKey,
    /// The principal has no key.
    NoKey,
    /// The key ended.
    ExpiredKey,
    /// The key was revoked.
    RevokedKey,
    /// Policy does not let this principal connect to this target.
    NotPermitted,
    /// The connection is not encrypted and has to be.
    TlsRequired,
    /// The channel binding does not fit: somebody stands in between.
    ChannelBinding,
    /// The exchange was malformed or broken off.
    Protocol,
    /// It took too long.
    Timeout,
    /// Too many attempts or sessions.
    Limit,
    /// The database did not let the gateway in.
    Upstream,
}

impl AuthenticationFailed {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        let mut out = Vec::with_capacity(4);
        let subject = self.principal.as_ref();
        Disclosure::take(&mut out, "user", subject, &mut self.user);
        Disclosure::take(&mut out, "target", subject, &mut self.target);
        Disclosure::take(&mut out, "address", subject, &mut self.address);
        Disclosure::take(&mut out, "application", subject, &mut self.application);
        out
    }
}
