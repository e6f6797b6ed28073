//! Servers that outputs deliver to: HTTP and syslog, over TCP, TLS and UDP.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use xtask::lab::tls::Certificates;

/// What a server was told and how it answers.
#[derive(Default)]
pub(crate) struct Told {
    /// Events, in the order they came.
    pub(crate) events: Vec<Value>,
    /// What came besides: the head of each request, or of each syslog message.
    pub(crate) heads: Vec<String>,
    /// Statuses to answer with before 200.
    pub(crate) refuse: VecDeque<u16>,
    /// Bodies of requests that were taken.
    pub(crate) bodies: Vec<(String, Vec<u8>)>,
}

/// A server that lives as long as the test's process.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    pub(crate) told: Arc<Mutex<Told>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Syslog,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Receiver {
    /// On a port that is free, or on `port`.
    pub(crate) fn start(protocol: Protocol, port: u16, tls: Option<&Certificates>) -> Receiver {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let receiver = Receiver {
            port: listener.local_addr().unwrap().port(),
            told: Arc::default(),
        };
        let tls = tls.map(|made| server_config(&made.certificate, &made.key));
        let told = Arc::clone(&receiver.told);
        thread::spawn(move || {
            for tcp in listener.incoming().flatten() {
                let (tls, told) = (tls.clone(), Arc::clone(&told));
                thread::spawn(move || serve(tcp, tls, protocol, &told));
            }
        });
        receiver
    }

    /// Syslog over UDP.
    pub(crate) fn datagrams() -> Receiver {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let receiver = Receiver {
            port: socket.local_addr().unwrap().port(),
            told: Arc::default(),
        };
        let told = Arc::clone(&receiver.told);
        thread::spawn(move || {
            let mut datagram = vec![0; 65_536];
            while let Ok(length) = socket.recv(&mut datagram) {
                take_message(&datagram[..length], &told);
            }
        });
        receiver
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.told.lock().unwrap().events.clone()
    }

    pub(crate) fn refuse(&self, statuses: &[u16]) {
        self.told.lock().unwrap().refuse.extend(statuses);
    }
}

fn server_config(certificate: &Path, key: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

fn serve(tcp: TcpStream, tls: Option<Arc<ServerConfig>>, protocol: Protocol, told: &Mutex<Told>) {
    let stream: Box<dyn Stream> = match tls {
        Some(config) => Box::new(StreamOwned::new(
            ServerConnection::new(config).unwrap(),
            tcp,
        )),
        None => Box::new(tcp),
    };
    let mut stream = BufReader::new(stream);
    // A connection that ends, ends.
    let _ = match protocol {
        Protocol::Http => requests(&mut stream, told),
        Protocol::Syslog => messages(&mut stream, told),
    };
}

fn requests(stream: &mut BufReader<Box<dyn Stream>>, told: &Mutex<Told>) -> Option<()> {
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })?;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        let mut told = told.lock().unwrap();
        let status = told.refuse.pop_front().unwrap_or(200);
        told.heads.push(head.clone());
        if status == 200 {
            for line in body
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
            {
                if let Ok(event) = serde_json::from_slice(line) {
                    told.events.push(event);
                }
            }
            told.bodies.push((head, body));
        }
        drop(told);
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n");
        stream.get_mut().write_all(answer.as_bytes()).ok()?;
        stream.get_mut().flush().ok()?;
    }
}

/// Octet counting (RFC 6587 §3.4.1).
fn messages(stream: &mut BufReader<Box<dyn Stream>>, told: &Mutex<Told>) -> Option<()> {
    loop {
        let mut length = Vec::new();
        stream.read_until(b' ', &mut length).ok()?;
        let length: usize = std::str::from_utf8(&length).ok()?.trim().parse().ok()?;
        let mut message = vec![0; length];
        stream.read_exact(&mut message).ok()?;
        take_message(&message, told);
    }
}

fn take_message(message: &[u8], told: &Mutex<Told>) {
    let text = std::str::from_utf8(message).unwrap();
    let (head, event) = text.split_at(text.find('{').unwrap());
    let mut told = told.lock().unwrap();
    told.heads.push(head.to_owned());
    told.events.push(serde_json::from_str(event).unwrap());
}
