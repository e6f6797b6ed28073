//! Events as syslog messages (RFC 5424) over TLS (RFC 5425), TCP (RFC 6587, octet
//! counting) or UDP (RFC 5426).
//!
//! Syslog has no acknowledgement: delivered means handed to the connection. Before a
//! batch, a connection that the other side closed is noticed.

use std::net::Ipv6Addr;
use std::pin::Pin;
use std::time::Duration;

use ledger::ocsf::Event;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UdpSocket, lookup_host};

use super::connect::{Connection, connect};
use super::sink::Failure;
use super::{Remote, Scheme};

/// Facility "log audit" (RFC 5424 §6.2.1).
const FACILITY: u8 = 13;
/// Most bytes of a datagram over IPv4.
const DATAGRAM_BYTES: usize = 65_507;
/// Bytes of the query in an event that had to be shortened.
const SHORT_QUERY_BYTES: usize = 1024;
/// For a batch to be taken.
const PATIENCE: Duration = Duration::from_secs(30);

/// A syslog server.
pub(super) struct Syslog {
    remote: Remote,
    host: String,
    open: Option<Open>,
}

enum Open {
    Stream(Pin<Box<dyn Connection>>),
    Datagrams(UdpSocket),
}

impl Syslog {
    pub(super) fn new(remote: &Remote) -> Syslog {
        let name = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        let plain = |c: &char| c.is_ascii_graphic();
        Syslog {
            remote: remote.clone(),
            host: name.chars().filter(plain).take(255).collect(),
            open: None,
        }
    }

    pub(super) async fn send(&mut self, events: &[Event<'_>]) -> Result<(), Failure> {
        let sent = match tokio::time::timeout(PATIENCE, self.try_send(events)).await {
            Ok(sent) => sent,
            Err(_) => Err("does not take anything".to_owned()),
        };
        sent.map_err(|what| {
            self.open = None;
            Failure::down(format!("{}: {what}", self.remote.endpoint))
        })
    }

    async fn try_send(&mut self, events: &[Event<'_>]) -> Result<(), String> {
        if let Some(Open::Stream(stream)) = &mut self.open
            && closed(stream).await
        {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = Some(self.dial().await?);
        }
        match &mut self.open {
            Some(Open::Stream(stream)) => {
                let mut bytes = Vec::new();
                for event in events {
                    let message = message(event, &self.host);
                    bytes.extend_from_slice(format!("{} ", message.len()).as_bytes());
                    bytes.extend_from_slice(&message);
                }
                stream
                    .write_all(&bytes)
                    .await
                    .map_err(|error| error.to_string())?;
                stream.flush().await.map_err(|error| error.to_string())
            }
            Some(Open::Datagrams(socket)) => {
                for event in events {
                    let mut message = message(event, &self.host);
                    if message.len() > DATAGRAM_BYTES {
                        message = shortened(event, &self.host);
                    }
                    socket
                        .send(&message)
                        .await
                        .map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn dial(&self) -> Result<Open, String> {
        if self.remote.endpoint.scheme != Scheme::Udp {
            return connect(&self.remote).await.map(Open::Stream);
        }
        let (host, port) = (
            self.remote.endpoint.host.as_str(),
            self.remote.endpoint.port,
        );
        let mut found = lookup_host((host, port))
            .await
            .map_err(|error| error.to_string())?;
        let address = found.next().ok_or("the host has no address")?;
        let any = match address.is_ipv4() {
            true => std::net::IpAddr::from([0, 0, 0, 0]),
            false => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))
            .await
            .map_err(|error| error.to_string())?;
        socket
            .connect(address)
            .await
            .map_err(|error| error.to_string())?;
        Ok(Open::Datagrams(socket))
    }
}

/// Whether the other side closed; what it says is not looked at.
async fn closed(stream: &mut Pin<Box<dyn Connection>>) -> bool {
    let mut byte = [0; 64];
    loop {
        tokio::select! {
            biased;
            read = stream.read(&mut byte) => match read {
                Ok(0) | Err(_) => return true,
                Ok(_) => {}
            },
            () = std::future::ready(()) => return false,
        }
    }
}

/// One message (RFC 5424 §6) with the event as its text.
fn message(event: &Event<'_>, host: &str) -> Vec<u8> {
    // RFC 5424 §6.2.1: 6 informational, 5 notice, 4 warning, 3 error.
    let severity = match event.severity_id {
        Some(0 | 1) | None => 6,
        Some(2) => 5,
        Some(3) => 4,
        Some(_) => 3,
    };
    let time = event
        .metadata
        .as_ref()
        .and_then(|of| of.original_time)
        .unwrap_or("-");
    // TIME-SECFRAC has at most six digits (§6.2.3).
    let time = match time.split_at_checked(26) {
        Some((micros, _)) => format!("{micros}Z"),
        None => time.to_owned(),
    };
    let class = event.class_uid.unwrap_or_default();
    let priority = u32::from(FACILITY) * 8 + severity;
    let host = if host.is_empty() { "-" } else { host };
    let process = std::process::id();
    let mut out = format!("<{priority}>1 {time} {host} weir {process} {class} - ").into_bytes();
    let _ = serde_json::to_writer(&mut out, event);
    out
}

fn shortened(event: &Event<'_>, host: &str) -> Vec<u8> {
    let query = event.query_info.as_ref().and_then(|info| info.query_string);
    let query = query.unwrap_or_default();
    let mut end = SHORT_QUERY_BYTES.min(query.len());
    while !query.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    message(&event.shortened(query.get(..end).unwrap_or_default()), host)
}
