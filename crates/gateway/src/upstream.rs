//! Connecting to a database and logging in there.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use identity::Secret;
use identity::scram::{self, Transport};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wire::postgres as pg;

use crate::setup::{Login, Target, TlsMode};
use crate::stream::Stream;
use crate::{random, tls};

/// The longest message a server may send before it is ready, bytes.
const LOGIN_MESSAGE_LIMIT_BYTES: usize = 64 * 1024;

/// Why a database cannot be used; for operators, with host but without secrets.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The network.
    #[error("cannot reach {host}:{port}: {message}")]
    Unreachable {
        /// Host.
        host: String,
        /// Port.
        port: u16,
        /// The operating system's message.
        message: String,
    },
    /// TLS is required and the server has none, or its certificate fails.
    #[error("TLS with {host}: {message}")]
    Tls {
        /// Host.
        host: String,
        /// What failed.
        message: String,
    },
    /// The server refuses the login.
    #[error("{host} refuses role \"{user}\": {message} ({code})")]
    Refused {
        /// Host.
        host: String,
        /// Role.
        user: String,
        /// The server's message.
        message: String,
        /// SQLSTATE.
        code: String,
    },
    /// The server asks for something Weir does not do.
    #[error("{host} asks for {what}; use scram-sha-256 for the role \"{user}\"")]
    Method {
        /// Host.
        host: String,
        /// Role.
        user: String,
        /// The method.
        what: &'static str,
    },
    /// The server failed to prove itself, or broke the protocol.
    #[error("{host} broke the login protocol: {message}")]
    Protocol {
        /// Host.
        host: String,
        /// How.
        message: String,
    },
    /// The server answers a statement of Weir's own with an error.
    #[error("{host} answers: {message}")]
    Statement {
        /// Host.
        host: String,
        /// The server's message, with its SQLSTATE and its hint.
        message: String,
        /// SQLSTATE.
        code: String,
    },
    /// A login tier without credentials.
    #[error("target \"{target}\" has no login for tier \"{tier}\"")]
    NoLogin {
        /// The target.
        target: String,
        /// The tier.
        tier: String,
    },
}

/// A logged-in connection, ready for queries.
pub(crate) struct Connected {
    pub stream: Stream,
    /// Bytes read beyond the first ReadyForQuery.
    pub rest: BytesMut,
    /// ParameterStatus and notice messages of the start-up, as received, without
    /// `application_name`: that one is Weir's.
    pub parameters: BytesMut,
    pub cancel: CancelKey,
}

/// What a CancelRequest to the server needs.
#[derive(Clone)]
pub(crate) struct CancelKey {
    pub process_id: i32,
    pub secret: Arc<[u8]>,
}

/// How a target is connected to: what a reload may change without ending its
/// sessions. Connectors are made once.
pub(crate) struct Way {
    connector: Option<tokio_rustls::TlsConnector>,
    connect: Duration,
}

impl Way {
    /// Reads the file of certificate authorities.
    pub(crate) fn new(target: &Target, connect: Duration) -> Result<Self, crate::Error> {
        Ok(Self {
            connector: tls::opening(target.tls, target.authorities.as_deref())?,
            connect,
        })
    }
}

/// A target and how to reach it.
pub(crate) struct Endpoint {
    pub host: String,
    pub port: u16,
    pub database: String,
    way: ArcSwap<Way>,
}

impl Endpoint {
    pub(crate) fn new(target: &Target, connect: Duration) -> Result<Self, crate::Error> {
        Ok(Self {
            host: target.host.clone(),
            port: target.port,
            database: target.database.clone(),
            way: ArcSwap::from_pointee(Way::new(target, connect)?),
        })
    }

    /// Connects another way from here on.
    pub(crate) fn renew(&self, way: Way) {
        self.way.store(Arc::new(way));
    }

    /// How long connecting may take.
    pub(crate) fn connect(&self) -> Duration {
        self.way.load().connect
    }

    fn protocol(&self, message: impl Into<String>) -> Failure {
        Failure::Protocol {
            host: self.host.clone(),
            message: message.into(),
        }
    }

    fn broken(&self, error: &io::Error) -> Failure {
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => "the server closed the connection".to_owned(),
            _ => error.to_string(),
        };
        Failure::Unreachable {
            host: self.host.clone(),
            port: self.port,
            message,
        }
    }

    /// Opens a connection, under TLS if the target asks for it.
    async fn open(&self) -> Result<Stream, Failure> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(|e| self.broken(&e))?;
        let _ = tcp.set_nodelay(true);
        let mut stream = Stream::Plain(tcp);
        let way = self.way.load_full();
        let Some(connector) = &way.connector else {
            return Ok(stream);
        };
        let mut request = BytesMut::new();
        pg::encode::ssl_request(&mut request);
        stream
            .send(&mut request)
            .await
            .map_err(|e| self.broken(&e))?;
        let tls_failure = |message: String| Failure::Tls {
            host: self.host.clone(),
            message,
        };
        // One byte, and nothing may follow it in the clear (CVE-2021-23222).
        let answer = stream.read_u8().await.map_err(|e| self.broken(&e))?;
        if answer != b'S' {
            return Err(tls_failure(
                "the server does not offer TLS; enable it there or set sslmode=disable".into(),
            ));
        }
        let Stream::Plain(tcp) = stream else {
            return Err(tls_failure("no plain stream".into()));
        };
        let name = tls::server_name(&self.host).map_err(|e| tls_failure(e.to_string()))?;
        let opened = connector
            .connect(name, tcp)
            .await
            .map_err(|e| tls_failure(e.to_string()))?;
        Ok(Stream::Opened(Box::new(opened)))
    }

    /// Connects and logs in.
    pub(crate) async fn log_in(
        &self,
        login: &Login,
        parameters: &[(String, String)],
    ) -> Result<Connected, Failure> {
        let bound = self.connect();
        match tokio::time::timeout(bound, self.log_in_unbounded(login, parameters)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Unreachable {
                host: self.host.clone(),
                port: self.port,
                message: format!("no answer within {} s", bound.as_secs()),
            }),
        }
    }

    async fn log_in_unbounded(
        &self,
        login: &Login,
        parameters: &[(String, String)],
    ) -> Result<Connected, Failure> {
        let mut stream = self.open().await?;
        let binding = match &stream {
            Stream::Opened(tls) => tls::upstream_binding(tls),
            _ => None,
        };
        let mut out = BytesMut::new();
        let own = [
            ("user", login.user.as_str()),
            ("database", self.database.as_str()),
        ];
        let all = own
            .into_iter()
            .chain(parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        pg::encode::startup(&mut out, pg::ProtocolVersion::V3_0, all)
            .map_err(|e| self.protocol(e.to_string()))?;
        stream.send(&mut out).await.map_err(|e| self.broken(&e))?;

        let mut input = BytesMut::with_capacity(4096);
        let mut proof: Option<scram::Client> = None;
        let mut proved = false;
        let mut forwarded = BytesMut::new();
        let mut cancel = CancelKey {
            process_id: 0,
            secret: Arc::from([0u8; 4]),
        };
        loop {
            let raw = self.message(&mut stream, &mut input).await?;
            let frame = pg::frame(&raw, LOGIN_MESSAGE_LIMIT_BYTES)
                .ok()
                .flatten()
                .ok_or_else(|| self.protocol("a malformed message"))?;
            match pg::backend(&frame).map_err(|e| self.protocol(e.to_string()))? {
                pg::Backend::Authentication(request) => {
                    use pg::Authentication as A;
                    match request {
                        // A server that asked for a proof must give its own.
                        A::Ok if proof.as_ref().is_some_and(|p| !p.is_verified()) => {
                            return Err(
                                self.protocol("it did not prove that it knows the password")
                            );
                        }
                        A::Ok => proved = true,
                        A::CleartextPassword if stream.is_encrypted() => {
                            let password = self.password(login)?;
                            pg::encode::password(&mut out, password.expose().as_bytes())
                                .map_err(|e| self.protocol(e.to_string()))?;
                            stream.send(&mut out).await.map_err(|e| self.broken(&e))?;
                        }
                        A::CleartextPassword => {
                            return Err(self.method(login, "a password in clear without TLS"));
                        }
                        A::Md5 { .. } => return Err(self.method(login, "an MD5 password")),
                        A::Sasl(mechanisms) => {
                            let password = self.password(login)?;
                            let transport = if stream.is_encrypted() {
                                Transport::Tls(binding.clone())
                            } else {
                                Transport::Plain
                            };
                            let offered: Vec<&str> = mechanisms
                                .iter()
                                .filter_map(|m| std::str::from_utf8(m).ok())
                                .collect();
                            let nonce =
                                random::bytes().map_err(|_| self.protocol("no random bytes"))?;
                            let client = scram::Client::new(password, nonce, offered, transport)
                                .map_err(|e| self.protocol(e.to_string()))?;
                            pg::encode::sasl_initial(
                                &mut out,
                                client.mechanism(),
                                Some(&client.client_first()),
                            )
                            .map_err(|e| self.protocol(e.to_string()))?;
                            proof = Some(client);
                            stream.send(&mut out).await.map_err(|e| self.broken(&e))?;
                        }
                        A::SaslContinue(data) => {
                            let client = proof
                                .as_mut()
                                .ok_or_else(|| self.protocol("SASL out of order"))?;
                            let answer = client
                                .server_first(data)
                                .map_err(|e| self.protocol(e.to_string()))?;
                            pg::encode::sasl_response(&mut out, &answer)
                                .map_err(|e| self.protocol(e.to_string()))?;
                            stream.send(&mut out).await.map_err(|e| self.broken(&e))?;
                        }
                        A::SaslFinal(data) => {
                            let client = proof
                                .as_mut()
                                .ok_or_else(|| self.protocol("SASL out of order"))?;
                            client
                                .server_final(data)
                                .map_err(|e| self.protocol(e.to_string()))?;
                        }
                        _ => {
                            return Err(
                                self.method(login, "an authentication method Weir does not have")
                            );
                        }
                    }
                }
                pg::Backend::ErrorResponse(fields) => {
                    let text = |code| {
                        fields
                            .get(code)
                            .map(|v| String::from_utf8_lossy(v).into_owned())
                    };
                    return Err(Failure::Refused {
                        host: self.host.clone(),
                        user: login.user.clone(),
                        message: text(b'M').unwrap_or_default(),
                        code: text(b'C').unwrap_or_default(),
                    });
                }
                _ if !proved => return Err(self.protocol("a message before the login ended")),
                pg::Backend::ParameterStatus { name, .. } if name == b"application_name" => {}
                pg::Backend::ParameterStatus { .. } | pg::Backend::NoticeResponse(_) => {
                    if forwarded.len() > LOGIN_MESSAGE_LIMIT_BYTES {
                        return Err(self.protocol("too many parameters"));
                    }
                    forwarded.extend_from_slice(&raw);
                }
                pg::Backend::BackendKeyData { process_id, secret } => {
                    cancel = CancelKey {
                        process_id,
                        secret: secret.into(),
                    };
                }
                pg::Backend::NegotiateProtocolVersion { .. } => {}
                pg::Backend::ReadyForQuery(_) => {
                    return Ok(Connected {
                        stream,
                        rest: input,
                        parameters: forwarded,
                        cancel,
                    });
                }
                _ => return Err(self.protocol("an unexpected message")),
            }
        }
    }

    fn password(&self, login: &Login) -> Result<Secret<String>, Failure> {
        login.password.clone().ok_or_else(|| Failure::Refused {
            host: self.host.clone(),
            user: login.user.clone(),
            message: "the server asks for a password, and weir.toml has none for this login".into(),
            code: "28P01".into(),
        })
    }

    fn method(&self, login: &Login, what: &'static str) -> Failure {
        Failure::Method {
            host: self.host.clone(),
            user: login.user.clone(),
            what,
        }
    }

    async fn message(
        &self,
        stream: &mut Stream,
        input: &mut BytesMut,
    ) -> Result<BytesMut, Failure> {
        loop {
            match pg::header(input) {
                Some((_, length)) if length > LOGIN_MESSAGE_LIMIT_BYTES => {
                    return Err(self.protocol("a message too long"));
                }
                Some((_, length)) if input.len() >= length => return Ok(input.split_to(length)),
                _ => {}
            }
            if stream.read_buf(input).await.map_err(|e| self.broken(&e))? == 0 {
                return Err(self.broken(&io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// Asks the server to stop what runs under `key`.
    pub(crate) async fn cancel(&self, key: &CancelKey) -> Result<(), Failure> {
        let work = async {
            let mut stream = self.open().await?;
            let mut out = BytesMut::new();
            pg::encode::cancel_request(&mut out, key.process_id, &key.secret)
                .map_err(|e| self.protocol(e.to_string()))?;
            stream.send(&mut out).await.map_err(|e| self.broken(&e))?;
            // The server closes when it has acted on it.
            let mut end = BytesMut::new();
            let _ = stream.read_buf(&mut end).await;
            Ok(())
        };
        tokio::time::timeout(self.connect(), work)
            .await
            .unwrap_or(Ok(()))
    }

    /// Runs a simple query on a connection of Weir's own; gives rows of text.
    pub(crate) async fn rows(
        &self,
        connection: &mut Connected,
        sql: &str,
        mut row: impl FnMut(&[Option<&str>]),
    ) -> Result<(), Failure> {
        let mut out = BytesMut::new();
        pg::encode::query(&mut out, sql).map_err(|e| self.protocol(e.to_string()))?;
        connection
            .stream
            .send(&mut out)
            .await
            .map_err(|e| self.broken(&e))?;
        let mut failure = None;
        loop {
            let raw = loop {
                match pg::header(&connection.rest) {
                    Some((_, length)) if length > 64 * 1024 * 1024 => {
                        return Err(self.protocol("a message too long"));
                    }
                    Some((_, length)) if connection.rest.len() >= length => {
                        break connection.rest.split_to(length);
                    }
                    _ => {}
                }
                connection.rest.reserve(64 * 1024);
                if connection
                    .stream
                    .read_buf(&mut connection.rest)
                    .await
                    .map_err(|e| self.broken(&e))?
                    == 0
                {
                    return Err(self.broken(&io::ErrorKind::UnexpectedEof.into()));
                }
            };
            let frame = pg::frame(&raw, usize::MAX >> 1)
                .ok()
                .flatten()
                .ok_or_else(|| self.protocol("a malformed message"))?;
            match pg::backend(&frame).map_err(|e| self.protocol(e.to_string()))? {
                pg::Backend::DataRow(cells) => {
                    let texts: Option<Vec<Option<&str>>> = cells
                        .iter()
                        .map(|cell| {
                            cell.map_or(Some(None), |c| std::str::from_utf8(c).ok().map(Some))
                        })
                        .collect();
                    row(&texts.ok_or_else(|| self.protocol("a catalog that is not UTF-8"))?);
                }
                pg::Backend::ErrorResponse(fields) => {
                    let text = |code| {
                        let field = fields.get(code).map(|v| String::from_utf8_lossy(v));
                        field.unwrap_or_default().into_owned()
                    };
                    let mut message = format!("{} ({})", text(b'M'), text(b'C'));
                    let hint = text(b'H');
                    if !hint.is_empty() {
                        message = format!("{message}\nhint: {hint}");
                    }
                    failure = Some(Failure::Statement {
                        host: self.host.clone(),
                        message,
                        code: text(b'C'),
                    });
                }
                pg::Backend::ReadyForQuery(_) => return failure.map_or(Ok(()), Err),
                _ => {}
            }
        }
    }
}

impl TlsMode {
    /// Reads libpq's word for it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "disable" => Self::Disable,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}
