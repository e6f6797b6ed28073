//! A client that costs little itself: prebuilt messages, one buffer, no decoding beyond message lengths.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::client::message;
use crate::lab::{Client, Connect};

/// How a query is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Simple,
    Extended,
    Prepared,
}

impl Protocol {
    pub(super) const ALL: [Protocol; 3] =
        [Protocol::Simple, Protocol::Extended, Protocol::Prepared];

    pub(super) fn name(self) -> &'static str {
        match self {
            Protocol::Simple => "simple",
            Protocol::Extended => "extended",
            Protocol::Prepared => "prepared",
        }
    }
}

/// Rows of the table that is asked.
pub(super) const ROWS: u32 = 100_000;

const SELECT: &str = "select id, name, email, city, balance, note from accounts where id = ";

/// One connection under load.
#[derive(Debug)]
pub(super) struct Session {
    socket: TcpStream,
    buffer: Vec<u8>,
    random: u32,
}

impl Session {
    pub(super) fn open(connect: &Connect, seed: u32) -> Result<Session> {
        let socket = Client::connect(connect)?.into_socket()?;
        socket.set_read_timeout(Some(Duration::from_secs(120)))?;
        let mut session = Session {
            socket,
            buffer: vec![0; 64 * 1024],
            random: seed.wrapping_mul(2_654_435_761) | 1,
        };
        let mut prepare = message::parse("q", &format!("{SELECT}$1"), &[23]);
        prepare.extend(message::sync());
        session.ask(&prepare)?;
        Ok(session)
    }

    /// Sends a request and reads its whole answer: how many bytes it was.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<u64> {
        self.socket.write_all(request)?;
        let mut received = 0u64;
        let mut head = [0u8; 5];
        let mut known = 0usize;
        let mut skip = 0usize;
        let mut failed = false;
        loop {
            let count = self.socket.read(&mut self.buffer)?;
            if count == 0 {
                bail!("the connection was closed");
            }
            received += u64::try_from(count)?;
            let mut bytes = self.buffer.get(..count).unwrap_or_default();
            while !bytes.is_empty() {
                if skip > 0 {
                    let gone = skip.min(bytes.len());
                    bytes = bytes.get(gone..).unwrap_or_default();
                    skip -= gone;
                } else {
                    let wanted = (5 - known).min(bytes.len());
                    let (part, rest) = bytes.split_at(wanted);
                    head.get_mut(known..known + wanted)
                        .context("header")?
                        .copy_from_slice(part);
                    bytes = rest;
                    known += wanted;
                    if known < 5 {
                        continue;
                    }
                    known = 0;
                    let [tag, length @ ..] = head;
                    skip = usize::try_from(u32::from_be_bytes(length))?.saturating_sub(4);
                    failed |= tag == b'E';
                    if tag == b'Z' {
                        // ReadyForQuery has one more byte, and nothing follows it.
                        if bytes.len() < skip {
                            self.socket.read_exact(&mut [0u8; 1])?;
                        }
                        if failed {
                            bail!("the query failed");
                        }
                        return Ok(received);
                    }
                }
            }
        }
    }

    fn request(&mut self, protocol: Protocol) -> Vec<u8> {
        // Xorshift: the same keys for every system, none of them cached by chance.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        let id = (1 + self.random % ROWS).to_string();
        let value = [Some(id.as_bytes())];
        match protocol {
            Protocol::Simple => message::query(&format!("{SELECT}{id}")),
            Protocol::Extended => {
                let mut bytes = message::parse("", &format!("{SELECT}$1"), &[23]);
                bytes.extend(message::bind("", "", &value, 0));
                bytes.extend(message::describe(b'P', ""));
                bytes.extend(message::execute("", 0));
                bytes.extend(message::sync());
                bytes
            }
            Protocol::Prepared => {
                let mut bytes = message::bind("", "q", &value, 0);
                bytes.extend(message::execute("", 0));
                bytes.extend(message::sync());
                bytes
            }
        }
    }

    /// Asks `count` single-row queries.
    pub(super) fn some(&mut self, protocol: Protocol, count: u32) -> Result<()> {
        for _ in 0..count {
            let request = self.request(protocol);
            self.ask(&request)?;
        }
        Ok(())
    }

    /// Asks single-row queries for a while and notes how long each took.
    fn load(&mut self, protocol: Protocol, length: Duration) -> Result<Vec<Duration>> {
        let end = Instant::now() + length;
        let mut took = Vec::with_capacity(65_536);
        loop {
            let request = self.request(protocol);
            let begun = Instant::now();
            self.ask(&request)?;
            let now = Instant::now();
            took.push(now - begun);
            if now >= end {
                return Ok(took);
            }
        }
    }
}

/// What a round of load measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    pub(super) queries: f64,
    pub(super) seconds: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

/// Loads all sessions at once, one thread each.
pub(super) fn round(
    sessions: &mut [Session],
    protocol: Protocol,
    length: Duration,
) -> Result<Round> {
    let begun = Instant::now();
    let results: Vec<Result<Vec<Duration>>> = std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .iter_mut()
            .map(|session| scope.spawn(move || session.load(protocol, length)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a load thread panicked")))
            })
            .collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    all.sort_unstable();
    let at = |percent: usize| {
        all.get(all.len() * percent / 100)
            .map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a count of queries is far below 2^52"
    )]
    let queries = all.len() as f64;
    Ok(Round {
        queries,
        seconds,
        p50_us: at(50),
        p99_us: at(99),
    })
}
