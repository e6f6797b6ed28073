//! From a fresh connection to an open session: TLS, who it is, where it goes.
//!
//! Order matters: nothing about principals or targets is told before the proof;
//! after it, only what the principal may connect to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::BytesMut;
use identity::{KeyId, Principal, scram};
use ledger::event::{AuthenticationFailed, AuthenticationReason};
use policy::{Context, Subject};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wire::postgres as pg;

use crate::gateway::{Port, Shared, State};
use crate::stream::Stream;
use crate::target::Target;
use crate::{proxy_protocol, random, tls};

/// What a connection turned out to be.
pub(crate) enum Opened {
    /// A proved principal asking for a target.
    Session(Box<Proved>),
    /// Somebody else's statement is to be cancelled.
    Cancel {
        process_id: i32,
        secret: Vec<u8>,
        from: IpAddr,
    },
    /// Refused or gone; everything was said and recorded.
    Closed,
}

/// A client that proved who it is and may connect to its target.
pub(crate) struct Proved {
    pub stream: Stream,
    pub rest: BytesMut,
    pub principal: Principal,
    pub human: Option<Principal>,
    pub key: KeyId,
    pub target: Arc<Target>,
    pub address: SocketAddr,
    pub version: pg::ProtocolVersion,
    pub parameters: Vec<(String, String)>,
    pub tls: Option<ledger::event::Tls>,
}

impl Proved {
    /// A start-up parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

/// A refused login: what the client and the ledger are told.
struct Refused {
    code: &'static str,
    message: String,
    hint: Option<String>,
    reason: AuthenticationReason,
}

impl Refused {
    fn new(code: &'static str, message: impl Into<String>, reason: AuthenticationReason) -> Self {
        Self {
            code,
            message: message.into(),
            hint: None,
            reason,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Everything up to a proved principal and an admitted target.
pub(crate) async fn open(tcp: TcpStream, peer: SocketAddr, port: &Port, shared: &Shared) -> Opened {
    let state = shared.state();
    match tokio::time::timeout(state.limits.login, attempt(tcp, peer, port, shared, &state)).await {
        Ok(Ok(opened)) => opened,
        // The network ended it.
        Ok(Err(_)) => Opened::Closed,
        Err(_) => {
            crate::gateway::note(shared, failed(AuthenticationReason::Timeout, peer));
            Opened::Closed
        }
    }
}

async fn attempt(
    tcp: TcpStream,
    peer: SocketAddr,
    port: &Port,
    shared: &Shared,
    state: &State,
) -> std::io::Result<Opened> {
    let mut input = BytesMut::new();
    let mut stream = Stream::Plain(tcp);
    let mut address = peer;
    if port.listener.proxy_protocol {
        match proxied(&mut stream).await? {
            Some(Some(client)) => address = client,
            Some(None) => {}
            None => return Ok(Opened::Closed),
        }
    }
    let limits = pg::Limits::default();
    let mut asked_tls = false;
    let mut asked_gss = false;
    let mut tls_facts = None;
    let mut bound = None;
    let (version, parameters) = loop {
        // Direct TLS: a ClientHello instead of a start-up packet.
        if input.is_empty() && !asked_tls && begins_tls(&stream).await? {
            let (Some(accepting), Stream::Plain(tcp)) = (&port.tls, stream) else {
                return Ok(Opened::Closed);
            };
            let accepted = accepting.acceptor.accept(tcp).await?;
            if accepted.get_ref().1.alpn_protocol() != Some(tls::ALPN) {
                // rustls takes a client without ALPN; direct TLS does not (PostgreSQL docs, 55.2.9).
                return Ok(Opened::Closed);
            }
            asked_tls = true;
            tls_facts = Some(facts(accepted.get_ref().1));
            bound.clone_from(&accepting.binding);
            stream = Stream::Accepted(Box::new(accepted));
        }
        match pg::first_message(&input, &limits) {
            Ok(None) => fill(&mut stream, &mut input).await?,
            Ok(Some((pg::FirstMessage::SslRequest, used))) => {
                if asked_tls || stream.is_encrypted() || input.len() > used {
                    // Bytes behind the request would be read as if they had come encrypted (CVE-2021-23214).
                    return Ok(Opened::Closed);
                }
                asked_tls = true;
                input.clear();
                match &port.tls {
                    None => stream.send(&mut BytesMut::from(&b"N"[..])).await?,
                    Some(accepting) => {
                        stream.send(&mut BytesMut::from(&b"S"[..])).await?;
                        let Stream::Plain(tcp) = stream else {
                            return Ok(Opened::Closed);
                        };
                        let accepted = accepting.acceptor.accept(tcp).await?;
                        tls_facts = Some(facts(accepted.get_ref().1));
                        bound.clone_from(&accepting.binding);
                        stream = Stream::Accepted(Box::new(accepted));
                    }
                }
            }
            Ok(Some((pg::FirstMessage::GssEncRequest, used))) => {
                if asked_gss || stream.is_encrypted() || input.len() > used {
                    return Ok(Opened::Closed);
                }
                asked_gss = true;
                input.clear();
                stream.send(&mut BytesMut::from(&b"N"[..])).await?;
            }
            Ok(Some((pg::FirstMessage::Cancel(request), _))) => {
                return Ok(Opened::Cancel {
                    process_id: request.process_id,
                    secret: request.secret.to_vec(),
                    from: address.ip(),
                });
            }
            Ok(Some((pg::FirstMessage::Startup(startup), used))) => {
                let version = startup.version;
                let unrecognized: Vec<String> =
                    startup.protocol_options().map(str::to_owned).collect();
                let parameters: Vec<(String, String)> = startup
                    .parameters
                    .iter()
                    .filter(|(name, _)| !name.starts_with("_pq_."))
                    .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                    .collect();
                let _ = input.split_to(used);
                if version.minor > pg::ProtocolVersion::V3_2.minor
                    || version.minor == 1
                    || !unrecognized.is_empty()
                {
                    let newest = if version.minor >= 2 {
                        pg::ProtocolVersion::V3_2
                    } else {
                        pg::ProtocolVersion::V3_0
                    };
                    let mut out = BytesMut::new();
                    pg::encode::negotiate_protocol_version(
                        &mut out,
                        newest,
                        unrecognized.iter().map(String::as_str),
                    );
                    stream.send(&mut out).await?;
                }
                let version = if version.minor >= 2 {
                    pg::ProtocolVersion::V3_2
                } else {
                    pg::ProtocolVersion::V3_0
                };
                break (version, parameters);
            }
            Err(error) => {
                say(
                    &mut stream,
                    "08P01",
                    &format!("malformed start-up packet: {error}"),
                    None,
                )
                .await?;
                return Ok(Opened::Closed);
            }
        }
    };
    let arrival = Arrival {
        stream,
        input,
        address,
        version,
        parameters,
        tls_facts,
        bound,
    };
    log_in(arrival, port, shared, state).await
}

/// A client that has said what it wants, before it proved anything.
struct Arrival {
    stream: Stream,
    input: BytesMut,
    address: SocketAddr,
    version: pg::ProtocolVersion,
    parameters: Vec<(String, String)>,
    tls_facts: Option<ledger::event::Tls>,
    bound: Option<scram::ChannelBinding>,
}

impl Arrival {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }
}

async fn log_in(
    mut arrival: Arrival,
    port: &Port,
    shared: &Shared,
    state: &State,
) -> std::io::Result<Opened> {
    let user = arrival.parameter("user").unwrap_or_default().to_owned();
    let asked = arrival
        .parameter("database")
        .filter(|d| !d.is_empty())
        .unwrap_or(&user)
        .to_owned();
    let outcome = judge_login(&mut arrival, &user, &asked, port, shared, state).await?;
    match outcome {
        Ok((principal, human, key, target)) => Ok(Opened::Session(Box::new(Proved {
            stream: arrival.stream,
            rest: arrival.input,
            principal,
            human,
            key,
            target,
            address: arrival.address,
            version: arrival.version,
            parameters: arrival.parameters,
            tls: arrival.tls_facts,
        }))),
        Err(refused) => {
            let event = AuthenticationFailed {
                reason: refused.reason,
                target_digest: None,
                protocol: "postgresql".into(),
                principal: None,
                user: Some(user.as_str().into()),
                target: Some(asked.as_str().into()),
                address: Some(arrival.address.ip().to_string().into()),
                application: arrival.parameter("application_name").map(Into::into),
            };
            crate::gateway::note(shared, event);
            say(
                &mut arrival.stream,
                refused.code,
                &refused.message,
                refused.hint.as_deref(),
            )
            .await?;
            Ok(Opened::Closed)
        }
    }
}

type Admitted = (Principal, Option<Principal>, KeyId, Arc<Target>);

async fn judge_login(
    arrival: &mut Arrival,
    user: &str,
    asked: &str,
    port: &Port,
    shared: &Shared,
    state: &State,
) -> std::io::Result<Result<Admitted, Refused>> {
    use AuthenticationReason as Why;
    if !arrival.stream.is_encrypted()
        && !arrival.address.ip().to_canonical().is_loopback()
        && !port.listener.insecure
    {
        return Ok(Err(Refused::new(
            "28000",
            "connections from other machines must use TLS",
            Why::TlsRequired,
        )
        .hint("Connect with sslmode=require, or better verify-full.")));
    }
    if let Some(replication) = arrival.parameter("replication")
        && !matches!(replication, "false" | "off" | "no" | "0")
    {
        return Ok(Err(Refused::new(
            "0A000",
            "replication connections are not served, because what they stream cannot be judged or masked",
            Why::Protocol,
        )
        .hint("Replicate from the database itself.")));
    }
    if let Some(encoding) = arrival.parameter("client_encoding")
        && !matches!(
            encoding.to_ascii_lowercase().trim_matches('\''),
            "utf8" | "utf-8" | "unicode" | "sql_ascii" | "auto"
        )
    {
        return Ok(Err(Refused::new(
            "22023",
            format!("client_encoding \"{encoding}\" is not served; Weir speaks UTF8 to clients"),
            Why::Protocol,
        )
        .hint("Set PGCLIENTENCODING=UTF8.")));
    }
    if user.is_empty() {
        return Ok(Err(Refused::new(
            "28000",
            "no user name in the start-up packet",
            Why::Protocol,
        )));
    }

    // The proof. A name that does not exist goes through the same motions.
    let now_ms = crate::unix_ms();
    let challenge = state.keys.challenge(user, now_ms);
    let binding = arrival
        .bound
        .clone()
        .filter(|_| port.listener.channel_binding);
    let Ok(nonce) = random::bytes() else {
        return Ok(Err(Refused::new("58000", "no random bytes", Why::Protocol)));
    };
    let mut server = scram::Server::new(challenge, nonce, binding);
    let mut out = BytesMut::new();
    pg::encode::authentication_sasl(&mut out, server.mechanisms().iter().copied());
    arrival.stream.send(&mut out).await?;
    let body = password_message(&mut arrival.stream, &mut arrival.input).await?;
    let first = match pg::sasl_initial(&body) {
        Ok(first) => server.client_first(first.mechanism, first.response.unwrap_or_default()),
        Err(_) => {
            return Ok(Err(Refused::new(
                "08P01",
                "malformed SASL response",
                Why::Protocol,
            )));
        }
    };
    let first = match first {
        Ok(first) => first,
        Err(failure) => {
            return Ok(Err(Refused::new(
                failure.sqlstate(),
                failure.public(),
                Why::Protocol,
            )));
        }
    };
    pg::encode::authentication_sasl_continue(&mut out, &first);
    arrival.stream.send(&mut out).await?;
    let body = password_message(&mut arrival.stream, &mut arrival.input).await?;
    let (key, last) = match server.client_final(&body) {
        Ok(proved) => proved,
        Err(failure) => {
            return Ok(Err(Refused::new(
                failure.sqlstate(),
                failure.public(),
                crate::gateway::why(&failure),
            )));
        }
    };
    let Some(principal) = state.principals.get(user).cloned() else {
        return Ok(Err(Refused::new(
            "28P01",
            "authentication failed",
            Why::UnknownPrincipal,
        )));
    };
    pg::encode::authentication_sasl_final(&mut out, &last);

    let human = principal
        .on_behalf_of()
        .and_then(|id| state.principals.get(id))
        .cloned();
    let subject = Subject {
        principal: &principal,
        human: human.as_ref(),
    };
    let address = arrival.address.ip().to_string();
    let context = Context {
        now_ms,
        client_address: &address,
        application: arrival.parameter("application_name").unwrap_or_default(),
        tls: arrival.stream.is_encrypted(),
        purpose: None,
        task: None,
        run: None,
    };
    let admits = |target: &Target| {
        state
            .policies
            .connect(subject, &crate::gateway::policy_target(target), &context)
            .is_allow()
    };
    if let Some(target) = state.targets.get(asked)
        && admits(target)
    {
        arrival.stream.send(&mut out).await?;
        return Ok(Ok((principal, human, key, Arc::clone(target))));
    }
    let mut open: Vec<&str> = state
        .targets
        .values()
        .filter(|t| admits(t))
        .map(|t| t.setup.name.as_str())
        .collect();
    open.sort_unstable();
    arrival.stream.send(&mut out).await?;
    let hint = if open.is_empty() {
        "There is no database you may connect to.".to_owned()
    } else {
        format!("You may connect to: {}.", open.join(", "))
    };
    let reason = if state.targets.contains_key(asked) {
        Why::NotPermitted
    } else {
        Why::UnknownTarget
    };
    let _ = shared;
    Ok(Err(Refused::new(
        "3D000",
        format!("database \"{asked}\" does not exist"),
        reason,
    )
    .hint(hint)))
}

async fn fill(stream: &mut Stream, input: &mut BytesMut) -> std::io::Result<()> {
    if stream.read_buf(input).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// A failed login of which nothing but the address is known.
fn failed(reason: AuthenticationReason, peer: SocketAddr) -> AuthenticationFailed {
    AuthenticationFailed {
        reason,
        target_digest: None,
        protocol: "postgresql".into(),
        principal: None,
        user: None,
        target: None,
        address: Some(peer.ip().to_string().into()),
        application: None,
    }
}

/// The body of the next message, which must be a `p`.
async fn password_message(stream: &mut Stream, input: &mut BytesMut) -> std::io::Result<BytesMut> {
    let limit = pg::Limits::default().authentication_bytes;
    loop {
        match pg::frame(input, limit) {
            Ok(Some(frame)) if frame.tag == b'p' => {
                let length = frame.raw.len();
                let mut raw = input.split_to(length);
                let _ = raw.split_to(5);
                return Ok(raw);
            }
            Ok(None) => fill(stream, input).await?,
            Ok(Some(_)) | Err(_) => {
                say(stream, "08P01", "expected a password message", None).await?;
                return Err(std::io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// The PROXY header: `None` if there is none, and the address if it names one.
/// Reads not a byte beyond it, because TLS may follow.
async fn proxied(stream: &mut Stream) -> std::io::Result<Option<Option<SocketAddr>>> {
    let mut header = vec![0; proxy_protocol::FIXED_BYTES];
    stream.read_exact(&mut header).await?;
    let Some(length) = proxy_protocol::block_length(&header) else {
        return Ok(None);
    };
    header.resize(proxy_protocol::FIXED_BYTES + length, 0);
    stream
        .read_exact(
            header
                .get_mut(proxy_protocol::FIXED_BYTES..)
                .unwrap_or_default(),
        )
        .await?;
    Ok(match proxy_protocol::header(&header) {
        proxy_protocol::Header::Whole(_, address) => Some(address),
        proxy_protocol::Header::Partial | proxy_protocol::Header::Malformed => None,
    })
}

/// Whether the next byte opens a TLS handshake record; it is not consumed.
async fn begins_tls(stream: &Stream) -> std::io::Result<bool> {
    let Stream::Plain(tcp) = stream else {
        return Ok(false);
    };
    let mut first = [0];
    if tcp.peek(&mut first).await? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(first == [0x16])
}

/// FATAL, and the reason.
pub(crate) async fn say(
    stream: &mut Stream,
    code: &str,
    message: &str,
    hint: Option<&str>,
) -> std::io::Result<()> {
    let mut out = BytesMut::new();
    pg::encode::error_response(
        &mut out,
        &pg::ErrorFields {
            hint,
            ..pg::ErrorFields::fatal(code, message)
        },
    );
    stream.send(&mut out).await
}

fn facts(connection: &rustls::ServerConnection) -> ledger::event::Tls {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "unknown",
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()))
        .unwrap_or_default();
    ledger::event::Tls {
        version: version.into(),
        cipher: cipher.into(),
    }
}
