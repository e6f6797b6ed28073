//! A small PostgreSQL client that hides nothing: it keeps every byte the server sends.
//!
//! It shares no code with the gateway, so what it sees is an independent opinion. It must never interpret or
//! normalise what it received on the way into [`Answer::raw`].

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

mod answer;
pub mod message;
mod scram;
mod stream;

pub use answer::{Answer, Column, Fields, Message, ResultSet};
use stream::Stream;

/// How to connect.
#[derive(Clone, Debug)]
pub struct Connect {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User.
    pub user: String,
    /// Password.
    pub password: String,
    /// Database.
    pub database: String,
    /// Further start-up parameters.
    pub parameters: Vec<(String, String)>,
    /// Authority to trust; with it, the connection is TLS or fails.
    pub authority: Option<PathBuf>,
    /// Whether to bind SCRAM to the TLS channel (SCRAM-SHA-256-PLUS).
    pub channel_binding: bool,
    /// Longest silence before a read fails.
    pub timeout: Duration,
}

impl Connect {
    /// A plain connection on loopback.
    #[must_use]
    pub fn new(port: u16, user: &str, password: &str, database: &str) -> Connect {
        Connect {
            host: "127.0.0.1".to_owned(),
            port,
            user: user.to_owned(),
            password: password.to_owned(),
            database: database.to_owned(),
            parameters: Vec::new(),
            authority: None,
            channel_binding: false,
            timeout: Duration::from_secs(30),
        }
    }

    /// Adds a start-up parameter.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: &str) -> Connect {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Why there is no connection, or why one ended; with what the server had sent by then.
#[derive(Debug)]
pub struct Failure {
    /// In words.
    pub message: String,
    /// The server's ErrorResponse, when it sent one.
    pub fields: Option<Fields>,
    /// Every byte received.
    pub raw: Vec<u8>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fields {
            Some(fields) => write!(f, "{}: {fields}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for Failure {}

/// How to run one statement by the extended protocol.
#[derive(Clone, Debug)]
pub struct Extended<'a> {
    /// Text parameters.
    pub parameters: Vec<Option<&'a [u8]>>,
    /// Parameter types; empty leaves them to the server.
    pub types: Vec<u32>,
    /// Whether to send Describe for the portal.
    pub describe: bool,
    /// Whether to ask for binary results.
    pub binary: bool,
    /// Rows per Execute; 0 is all.
    pub max_rows: i32,
}

impl Default for Extended<'_> {
    fn default() -> Self {
        Extended {
            parameters: Vec::new(),
            types: Vec::new(),
            describe: true,
            binary: false,
            max_rows: 0,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: Stream,
    pending: Vec<u8>,
    /// ParameterStatus values, latest first-come order kept.
    pub settings: Vec<(String, String)>,
    /// Process id of BackendKeyData.
    pub process_id: i32,
    /// Secret of BackendKeyData.
    pub secret: Vec<u8>,
    /// What came before the first ReadyForQuery.
    pub greeting: Answer,
    address: (String, u16),
}

impl Client {
    /// Connects and authenticates.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub fn connect(connect: &Connect) -> Result<Client, Failure> {
        let mut client = Client::open(connect)?;
        let mut parameters = vec![
            ("user", connect.user.as_str()),
            ("database", connect.database.as_str()),
        ];
        parameters.extend(
            connect
                .parameters
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        client.send(&message::startup(&parameters))?;
        client.authenticate(connect)?;
        Ok(client)
    }

    /// Opens the stream (with TLS when asked) and sends nothing else: for tests that speak raw bytes.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses TLS.
    pub fn open(connect: &Connect) -> Result<Client, Failure> {
        let plain = |error: &dyn fmt::Display| Failure {
            message: format!("cannot reach {}:{}: {error}", connect.host, connect.port),
            fields: None,
            raw: Vec::new(),
        };
        let mut socket =
            TcpStream::connect((connect.host.as_str(), connect.port)).map_err(|e| plain(&e))?;
        let _ = socket.set_nodelay(true);
        let _ = socket.set_read_timeout(Some(connect.timeout));
        let stream = match &connect.authority {
            None => Stream::Plain(socket),
            Some(authority) => {
                let mut reply = [0u8];
                socket
                    .write_all(&message::ssl_request())
                    .map_err(|e| plain(&e))?;
                socket.read_exact(&mut reply).map_err(|e| plain(&e))?;
                if reply != *b"S" {
                    return Err(plain(&"it does not speak TLS"));
                }
                Stream::encrypt(socket, authority, &connect.host).map_err(|e| plain(&e))?
            }
        };
        Ok(Client {
            stream,
            pending: Vec::new(),
            settings: Vec::new(),
            process_id: 0,
            secret: Vec::new(),
            greeting: Answer::default(),
            address: (connect.host.clone(), connect.port),
        })
    }

    fn authenticate(&mut self, connect: &Connect) -> Result<(), Failure> {
        let mut answer = Answer::default();
        let binding = if connect.channel_binding {
            self.stream.certificate_hash()
        } else {
            None
        };
        let mut scram = scram::Scram::new(&connect.password, &nonce(), binding);
        loop {
            let Some(message) = self.receive(&mut answer)? else {
                return Err(failure("the server closed the connection", answer));
            };
            let body = message.body.clone();
            let tag = message.tag;
            answer.take(message);
            let reply = match (tag, body.split_first_chunk::<4>()) {
                (b'E', _) => return Err(failure("the server refused the connection", answer)),
                (b'R', Some((kind, rest))) => match i32::from_be_bytes(*kind) {
                    0 => None,
                    3 => Some(
                        message::Builder::new(b'p')
                            .string(&connect.password)
                            .finish(),
                    ),
                    5 => Some(
                        message::Builder::new(b'p')
                            .string(&md5_password(connect, rest))
                            .finish(),
                    ),
                    10 => {
                        let first = scram.first();
                        Some(
                            message::Builder::new(b'p')
                                .string(scram.mechanism())
                                .value(Some(&first))
                                .finish(),
                        )
                    }
                    11 => match scram.last(rest) {
                        Ok(bytes) => Some(message::Builder::new(b'p').raw(&bytes).finish()),
                        Err(error) => return Err(failure(&error.to_string(), answer)),
                    },
                    12 => {
                        if let Err(error) = scram.check(rest) {
                            return Err(failure(&error.to_string(), answer));
                        }
                        None
                    }
                    other => {
                        return Err(failure(&format!("authentication method {other}"), answer));
                    }
                },
                (b'K', Some((id, secret))) => {
                    self.process_id = i32::from_be_bytes(*id);
                    self.secret = secret.to_vec();
                    None
                }
                (b'Z', _) => {
                    self.greeting = answer;
                    return Ok(());
                }
                _ => None,
            };
            if let Some(reply) = reply {
                self.send(&reply)?;
            }
        }
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stream
            .write_all(bytes)
            .and_then(|()| self.stream.flush())
            .map_err(|error| Failure {
                message: format!("cannot send: {error}"),
                fields: None,
                raw: Vec::new(),
            })
    }

    /// Reads one message; `None` at the end of the stream. The bytes go to `answer.raw`.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub fn receive(&mut self, answer: &mut Answer) -> Result<Option<Message>, Failure> {
        loop {
            if let Some(message) = self.next_message() {
                if message.tag == b'S' {
                    let mut parts = message.body.split(|byte| *byte == 0);
                    let mut next = || {
                        parts
                            .next()
                            .map(|p| String::from_utf8_lossy(p).into_owned())
                            .unwrap_or_default()
                    };
                    let (name, value) = (next(), next());
                    self.settings.retain(|(known, _)| *known != name);
                    self.settings.push((name, value));
                }
                return Ok(Some(message));
            }
            let mut buffer = [0u8; 16384];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(None),
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    answer.raw.extend_from_slice(bytes);
                    self.pending.extend_from_slice(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => {
                    return Err(failure(&format!("cannot read: {error}"), answer.clone()));
                }
            }
        }
    }

    fn next_message(&mut self) -> Option<Message> {
        let length = self
            .pending
            .get(1..5)?
            .first_chunk::<4>()
            .map(|bytes| u32::from_be_bytes(*bytes))?;
        let end = 1 + usize::try_from(length).ok()?.max(4);
        if self.pending.len() < end {
            return None;
        }
        let whole: Vec<u8> = self.pending.drain(..end).collect();
        Some(Message {
            tag: whole.first().copied()?,
            body: whole.get(5..)?.to_vec(),
        })
    }

    /// Reads up to the next ReadyForQuery or the end of the connection. A COPY that asks for data is failed.
    ///
    /// # Errors
    /// When nothing comes in time.
    pub fn finish(&mut self) -> Result<Answer, Failure> {
        self.finish_with(None)
    }

    fn finish_with(&mut self, mut data: Option<&[u8]>) -> Result<Answer, Failure> {
        let mut answer = Answer::default();
        loop {
            let Some(message) = self.receive(&mut answer)? else {
                answer.closed = true;
                return Ok(answer);
            };
            let tag = message.tag;
            answer.take(message);
            match tag {
                b'Z' => return Ok(answer),
                b'G' | b'W' => match data.take() {
                    None => self.send(&message::copy_fail("nothing to copy"))?,
                    Some(bytes) => {
                        for chunk in bytes.chunks(64 * 1024) {
                            self.send(&message::copy_data(chunk))?;
                        }
                        self.send(&message::copy_done())?;
                    }
                },
                _ => {}
            }
        }
    }

    /// Runs a simple query.
    ///
    /// # Errors
    /// When the connection fails; an ErrorResponse is part of the answer.
    pub fn query(&mut self, text: &str) -> Result<Answer, Failure> {
        self.send(&message::query(text))?;
        self.finish()
    }

    /// Runs a simple query that must succeed.
    ///
    /// # Errors
    /// When the connection fails or the server answers with an error.
    pub fn run(&mut self, text: &str) -> Result<Answer, Failure> {
        let answer = self.query(text)?;
        if answer.errors.is_empty() {
            Ok(answer)
        } else {
            Err(failure(text, answer))
        }
    }

    /// Runs one statement by the extended protocol: Parse, Bind, Describe when asked, Execute, Sync.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn extended(&mut self, text: &str, how: &Extended<'_>) -> Result<Answer, Failure> {
        let mut bytes = message::parse("", text, &how.types);
        bytes.extend(message::bind(
            "",
            "",
            &how.parameters,
            i16::from(how.binary),
        ));
        if how.describe {
            bytes.extend(message::describe(b'P', ""));
        }
        bytes.extend(message::execute("", how.max_rows));
        bytes.extend(message::sync());
        self.send(&bytes)?;
        self.finish()
    }

    /// Prepares a named statement.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn prepare(&mut self, name: &str, text: &str) -> Result<Answer, Failure> {
        let mut bytes = message::parse(name, text, &[]);
        bytes.extend(message::describe(b'S', name));
        bytes.extend(message::sync());
        self.send(&bytes)?;
        self.finish()
    }

    /// Executes a prepared statement, without Describe unless asked.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn execute(&mut self, name: &str, how: &Extended<'_>) -> Result<Answer, Failure> {
        let mut bytes = message::bind("", name, &how.parameters, i16::from(how.binary));
        if how.describe {
            bytes.extend(message::describe(b'P', ""));
        }
        bytes.extend(message::execute("", how.max_rows));
        bytes.extend(message::sync());
        self.send(&bytes)?;
        self.finish()
    }

    /// Runs `COPY … FROM STDIN` with data.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn copy_in(&mut self, text: &str, data: &[u8]) -> Result<Answer, Failure> {
        self.send(&message::query(text))?;
        self.finish_with(Some(data))
    }

    /// Calls a function by the FunctionCall message, text arguments and result.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn function_call(
        &mut self,
        oid: u32,
        arguments: &[Option<&[u8]>],
    ) -> Result<Answer, Failure> {
        self.send(&message::function_call(oid, arguments))?;
        self.finish()
    }

    /// Sends a CancelRequest for this connection over a connection of its own and waits for its end.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn cancel(&self) -> std::io::Result<()> {
        let mut socket = TcpStream::connect((self.address.0.as_str(), self.address.1))?;
        socket.write_all(&message::cancel(self.process_id, &self.secret))?;
        let _ = socket.set_read_timeout(Some(Duration::from_secs(5)));
        let _ = socket.read(&mut [0u8; 16]);
        Ok(())
    }

    /// A ParameterStatus value the server reported.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The bare socket of a plain connection that awaits a request, for clients with a protocol engine of their own.
    ///
    /// # Errors
    /// When the connection is TLS.
    pub fn into_socket(self) -> Result<TcpStream, Failure> {
        match self.stream {
            Stream::Plain(socket) => Ok(socket),
            Stream::Tls(_) => Err(failure(
                "a TLS connection has no bare socket",
                Answer::default(),
            )),
        }
    }

    /// Changes how long a read may be silent.
    pub fn set_timeout(&self, limit: Duration) {
        let _ = self.stream.socket().set_read_timeout(Some(limit));
    }
}

fn failure(message: &str, answer: Answer) -> Failure {
    Failure {
        message: message.to_owned(),
        fields: answer.errors.into_iter().next(),
        raw: answer.raw,
    }
}

/// Unique, not secret: enough for a client that only ever talks to its own lab.
fn nonce() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!("lab{now:032x}{:?}", std::thread::current().id()).replace(['(', ')'], "")
}

/// PostgreSQL docs, 55.2.1: `md5` of md5(password + user) + salt.
fn md5_password(connect: &Connect, salt: &[u8]) -> String {
    use md5::{Digest, Md5};
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let inner = hex(&Md5::digest(format!(
        "{}{}",
        connect.password, connect.user
    )));
    let mut outer = Md5::new();
    outer.update(inner.as_bytes());
    outer.update(salt);
    format!("md5{}", hex(&outer.finalize()))
}

#[cfg(test)]
mod tests;
