//! How clients reach the gateway: TLS, channel binding, PROXY protocol, protocol versions, cancel requests.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use xtask::lab::client::message;
use xtask::lab::tls::certificates;
use xtask::lab::{Answer, Client, Connect};

use crate::stand::{SERVER, Stand, error, until};

const SLOW: &str = "select count(*) from generate_series(1, 200000000)";

/// A gateway with TLS for `localhost`, and further keys in `[listen]`.
fn with_tls(listen: &str) -> Stand {
    Stand::edited(
        &SERVER,
        "",
        |c| c,
        |folder, text| {
            certificates(folder).unwrap();
            let tls = format!(
                "\n{listen}\n[listen.tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n[admin]"
            );
            text.replacen("\n[admin]", &tls, 1)
        },
    )
}

fn encrypted(stand: &Stand, who: &str) -> Connect {
    let mut connect = stand.connect(who);
    connect.host = "localhost".to_owned();
    connect.authority = Some(stand.folder.path().join("ca.pem"));
    connect
}

/// A TLS client without SSLRequest.
fn direct_tls(
    stand: &Stand,
    alpn: &[&str],
) -> std::io::Result<rustls::StreamOwned<rustls::ClientConnection, TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(stand.folder.path().join("ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", stand.weir.port()))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(rustls::StreamOwned::new(connection, socket))
}

/// Sends a start-up packet and gives the tag of the answer, 0 if the other side closes.
fn first_tag(stream: &mut (impl Read + Write)) -> u8 {
    let startup = message::startup(&[("user", "alice"), ("database", "shop")]);
    let mut tag = [0];
    match stream
        .write_all(&startup)
        .and_then(|()| stream.flush())
        .and_then(|()| stream.read(&mut tag))
    {
        Ok(1) => tag[0],
        _ => 0,
    }
}

/// A listener that passes one connection on, with the first bytes of the client changed.
fn through(port: u16, change: impl FnOnce(Vec<u8>) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut first = vec![0; 4096];
        let length = client.read(&mut first).unwrap();
        first.truncate(length);
        server.write_all(&change(first)).unwrap();
        let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let _ = std::io::copy(&mut client, &mut server);
        let _ = server.shutdown(Shutdown::Both);
    });
    own
}

fn version(major: u16, minor: u16) -> impl FnOnce(Vec<u8>) -> Vec<u8> {
    move |mut packet| {
        packet[4..6].copy_from_slice(&major.to_be_bytes());
        packet[6..8].copy_from_slice(&minor.to_be_bytes());
        packet
    }
}

/// PROXY protocol version 2, TCP over IPv4 from 203.0.113.7 (RFC 5737).
fn proxy_header() -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend([203, 0, 113, 7, 127, 0, 0, 1, 0x9c, 0x40, 0x19, 0x20]);
    header
}

fn proxied(stand: &Stand, mut connect: Connect) -> Connect {
    connect.port = through(stand.weir.port(), |first| [proxy_header(), first].concat());
    connect
}

fn psql(stand: &Stand, more: &str) -> Result<String, String> {
    let authority = stand.folder.path().join("ca.pem");
    let place = format!(
        "host=localhost port={} dbname=shop user=alice sslmode=verify-full sslrootcert={} {more}",
        stand.weir.port(),
        authority.display()
    );
    let out = Command::new(SERVER.binaries().join("psql"))
        .args([
            "-XAtq",
            "-c",
            "select email from customers where id = 1",
            &place,
        ])
        .env("PGPASSWORD", stand.weir.key("alice"))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    match out.status.success() {
        true => Ok(text(&out.stdout)),
        false => Err(text(&out.stderr)),
    }
}

#[test]
fn tls_by_request_and_direct_tls_with_alpn() {
    let stand = with_tls("");
    let mut alice = Client::connect(&encrypted(&stand, "alice")).unwrap();
    assert_eq!(alice.run("select 1").unwrap().value(), "1");
    let opened = stand.entries_of("session.open").pop().unwrap();
    assert_eq!(opened["tls"]["version"], "TLSv1.3");

    let mut direct = direct_tls(&stand, &["postgresql"]).unwrap();
    assert_eq!(direct.conn.alpn_protocol(), Some(&b"postgresql"[..]));
    assert_eq!(first_tag(&mut direct), b'R');
    // Without ALPN the TLS may have been meant for somebody else (ALPACA).
    if let Ok(mut without) = direct_tls(&stand, &[]) {
        assert_eq!(first_tag(&mut without), 0);
    }
    assert!(direct_tls(&stand, &["http/1.1"]).is_err());

    // What is sent in clear behind SSLRequest is not read as if it had come encrypted.
    let mut socket = TcpStream::connect(("127.0.0.1", stand.weir.port())).unwrap();
    let startup = message::startup(&[("user", "alice"), ("database", "shop")]);
    socket
        .write_all(&[message::ssl_request(), startup].concat())
        .unwrap();
    let mut said = Vec::new();
    let _ = socket.read_to_end(&mut said);
    assert_eq!(said, b"");
}

#[test]
fn libpq_binds_scram_to_the_channel() {
    let stand = with_tls("");
    let seen = psql(&stand, "channel_binding=require").unwrap();
    assert!(seen.ends_with(".invalid"), "{seen}");
    let mut bound = encrypted(&stand, "alice");
    bound.channel_binding = true;
    Client::connect(&bound).unwrap();

    let stand = with_tls("channel_binding = false");
    let told = psql(&stand, "channel_binding=require").unwrap_err();
    assert!(told.contains("channel binding"), "{told}");
    psql(&stand, "channel_binding=prefer").unwrap();
}

#[test]
fn other_machines_must_use_tls() {
    let stand = Stand::edited(
        &SERVER,
        "",
        |c| c,
        |folder, text| {
            certificates(folder).unwrap();
            let tls =
                "\n[listen.tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\n[admin]";
            text.replacen("\n[admin]", tls, 1).replacen(
                "address = \"127.0.0.1",
                "address = \"0.0.0.0",
                1,
            )
        },
    );
    stand.client("alice");
    // This machine's own address, which a loopback check does not know. Nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let address = socket
        .connect("192.0.2.1:9")
        .and_then(|()| socket.local_addr());
    if let Ok(address) = address {
        let mut connect = stand.connect("alice");
        connect.host = address.ip().to_string();
        let told = stand.turned_away(&connect);
        assert_eq!(told.code(), "28000", "{told}");
        assert!(told.message().contains("TLS"), "{told}");
    }
    let failed = stand.entries_of("authentication.failed");
    assert!(
        failed.iter().all(|entry| entry["reason"] == "tls_required"),
        "{failed:?}"
    );
}

#[test]
fn a_reachable_listener_without_tls_does_not_start() {
    let stand = Stand::usual();
    stand.edit("weir.toml", |text| text.replacen("127.0.0.1", "0.0.0.0", 1));
    let told = stand.weir.command(&["serve"]).unwrap_err().to_string();
    assert!(told.contains("without TLS"), "{told}");
}

#[test]
fn proxy_protocol_tells_the_true_address() {
    let stand = with_tls("proxy_protocol = true");
    let mut alice = Client::connect(&proxied(&stand, encrypted(&stand, "alice"))).unwrap();
    alice.run("select 1").unwrap();
    let opened = stand.entries_of("session.open").pop().unwrap();
    assert_eq!(stand.disclosed(&opened)["address"], "203.0.113.7");
    // The true address counts, not the balancer's.
    let told = stand.turned_away(&proxied(&stand, stand.connect("alice")));
    assert_eq!(told.code(), "28000", "{told}");

    // Without the header, or with one of version 1, there is no answer.
    let mut bare = TcpStream::connect(("127.0.0.1", stand.weir.port())).unwrap();
    assert_eq!(first_tag(&mut bare), 0);
    let mut old = TcpStream::connect(("127.0.0.1", stand.weir.port())).unwrap();
    old.write_all(b"PROXY TCP4 203.0.113.7 127.0.0.1 40000 6432\r\n")
        .unwrap();
    assert_eq!(first_tag(&mut old), 0);
}

#[test]
fn protocol_versions_are_negotiated() {
    let stand = Stand::usual();
    let open = |change: Box<dyn FnOnce(Vec<u8>) -> Vec<u8> + Send>| {
        let mut connect = stand.connect("alice");
        connect.port = through(stand.weir.port(), change);
        Client::connect(&connect).unwrap()
    };
    let negotiated = |client: &Client| {
        let answer = client.greeting.messages.iter().find(|m| m.tag == b'v');
        answer.map(|m| m.body.clone())
    };
    let newest = |major: u16, minor: u16| [major.to_be_bytes(), minor.to_be_bytes()].concat();
    let none = [0; 4];

    let old = open(Box::new(version(3, 0)));
    assert_eq!((negotiated(&old), old.secret.len()), (None, 4));
    let new = open(Box::new(version(3, 2)));
    assert_eq!((negotiated(&new), new.secret.len()), (None, 32));
    let newer = open(Box::new(version(3, 9)));
    assert_eq!(
        negotiated(&newer),
        Some([&newest(3, 2)[..], &none].concat())
    );
    assert_eq!(newer.secret.len(), 32);
    // 3.1 was never used (PostgreSQL docs, 55.1).
    let never = open(Box::new(version(3, 1)));
    assert_eq!(
        negotiated(&never),
        Some([&newest(3, 0)[..], &none].concat())
    );

    let option = |mut packet: Vec<u8>| {
        packet.pop();
        packet.extend(b"_pq_.compression\0on\0\0");
        let length = u32::try_from(packet.len()).unwrap();
        packet[..4].copy_from_slice(&length.to_be_bytes());
        packet
    };
    let mut asked = open(Box::new(option));
    let expected = [&newest(3, 0)[..], &[0, 0, 0, 1], b"_pq_.compression\0"].concat();
    assert_eq!(negotiated(&asked), Some(expected));
    assert_eq!(asked.run("select 1").unwrap().value(), "1");

    let mut connect = stand.connect("alice");
    connect.port = through(stand.weir.port(), version(2, 0));
    assert_eq!(stand.turned_away(&connect).code(), "08P01");
}

/// Waits until a statement of the test's database runs, or none does.
fn running(stand: &Stand, yes: bool) {
    let mut direct = SERVER.client("postgres").unwrap();
    let count = format!(
        "select count(*) > 0 from pg_stat_activity
         where datname = '{}' and state = 'active' and query like '%generate_series%'",
        stand.database
    );
    let expected = if yes { "t" } else { "f" };
    until("the statement's state", || {
        direct.run(&count).unwrap().value() == expected
    });
}

#[test]
fn a_cancel_request_stops_the_statement() {
    let stand = with_tls("");
    // The short key of 3.0, in clear.
    let mut old = stand.client("alice");
    old.send(&message::query(SLOW)).unwrap();
    running(&stand, true);
    old.cancel().unwrap();
    assert_eq!(error(&old.finish().unwrap()).code(), "57014");
    assert_eq!(old.run("select 1").unwrap().value(), "1");

    // The long key of 3.2, over TLS.
    let mut connect = stand.connect("alice");
    connect.port = through(stand.weir.port(), version(3, 2));
    let mut new = Client::connect(&connect).unwrap();
    new.send(&message::query(SLOW)).unwrap();
    running(&stand, true);
    let mut other = Client::open(&encrypted(&stand, "alice")).unwrap();
    other
        .send(&message::cancel(new.process_id, &new.secret))
        .unwrap();
    assert_eq!(error(&new.finish().unwrap()).code(), "57014");

    let cancels = stand.entries_of("statement.cancel");
    assert_eq!(cancels.len(), 2);
    assert!(
        cancels.iter().all(|entry| entry["by"] == "client"),
        "{cancels:?}"
    );
}

#[test]
fn cancel_requests_need_the_secret_and_are_limited() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    alice.send(&message::query(SLOW)).unwrap();
    running(&stand, true);
    let send = |secret: &[u8]| {
        let mut socket = TcpStream::connect(("127.0.0.1", stand.weir.port())).unwrap();
        let request = message::cancel(alice.process_id, secret);
        socket.write_all(&request).unwrap();
        // The gateway closes when it is done with it, and says nothing.
        let mut said = Vec::new();
        let _ = socket.read_to_end(&mut said);
        assert_eq!(said, b"");
    };
    let mut wrong = alice.secret.clone();
    wrong[0] ^= 1;
    send(&wrong);
    send(&[&alice.secret[..], b"more"].concat());
    assert!(stand.entries_of("statement.cancel").is_empty());
    // After many guesses even the right one is not heard, for a while.
    for _ in 0..80 {
        send(&wrong);
    }
    send(&alice.secret);
    assert!(stand.entries_of("statement.cancel").is_empty());
    running(&stand, true);
    let mut heard = 0;
    until("the right request is heard again", || {
        thread::sleep(Duration::from_millis(100));
        send(&alice.secret);
        heard = stand.entries_of("statement.cancel").len();
        heard > 0
    });
    let answer: Answer = alice.finish().unwrap();
    assert_eq!(error(&answer).code(), "57014");
}

#[test]
fn whoever_knows_the_secret_may_cancel_as_often_as_it_likes() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let idle = stand.client("alice");
    for _ in 0..60 {
        idle.cancel().unwrap();
    }
    alice.send(&message::query(SLOW)).unwrap();
    running(&stand, true);
    alice.cancel().unwrap();
    assert_eq!(error(&alice.finish().unwrap()).code(), "57014");
}

#[test]
fn a_client_that_leaves_takes_its_statement_along() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    alice.send(&message::query(SLOW)).unwrap();
    running(&stand, true);
    drop(alice);
    running(&stand, false);
    until("the outcome is recorded", || {
        let outcomes = stand.entries_of("statement.outcome");
        outcomes
            .last()
            .is_some_and(|entry| entry["status"] == "unknown")
    });
    let cancel = stand.entries_of("statement.cancel").pop().unwrap();
    assert_eq!(cancel["by"], "disconnect");
}

#[test]
fn the_certificate_of_the_database_is_checked() {
    let server = crate::stand::serve(&xtask::lab::Settings {
        tls: true,
        ..Default::default()
    });
    let made = server.certificates().unwrap().authority.clone();
    let over_tls = |folder: &Path, text: String| {
        std::fs::copy(&made, folder.join("upstream-ca.pem")).unwrap();
        let plain = format!("127.0.0.1:{}", server.port());
        text.replace(&plain, &format!("localhost:{}", server.port()))
            .replace(
                "sslmode=disable\"",
                "sslmode=verify-full\"\nca = \"upstream-ca.pem\"",
            )
    };
    let stand = Stand::edited(&server, "", |c| c, over_tls);
    // SCRAM-SHA-256-PLUS over TLS: the server offers it, so anything less would be a downgrade.
    let mut alice = stand.client("alice");
    let ssl = "select ssl from pg_stat_ssl join pg_stat_activity using (pid)
        where application_name = '[alice]'";
    let mut direct = server.client(&stand.database).unwrap();
    assert_eq!(direct.run(ssl).unwrap().value(), "t");
    assert_eq!(alice.run("select 1").unwrap().value(), "1");

    // Other authorities in the same file hold for who connects from then on.
    let file = stand.folder.path().join("upstream-ca.pem");
    let others = tempfile::tempdir().unwrap();
    let others = certificates(others.path()).map(|made| std::fs::read_to_string(made.authority));
    crate::stand::replace(&file, &others.unwrap().unwrap());
    until("the database is not trusted", || {
        Client::connect(&stand.connect("alice")).is_err()
    });
    assert_eq!(alice.run("select 2").unwrap().value(), "2");
    crate::stand::replace(&file, &std::fs::read_to_string(&made).unwrap());
    until("the database is trusted again", || {
        Client::connect(&stand.connect("alice")).is_ok()
    });
    assert_eq!(alice.run("select 3").unwrap().value(), "3");

    // Without `ca` the system's authorities are asked, and they know nothing of it.
    stand.edit("weir.toml", |text| {
        text.replace("ca = \"upstream-ca.pem\"\n", "")
    });
    until("the gateway says that it cannot", || {
        let (status, body) = stand.weir.get("/readyz").unwrap();
        status == 503 && body.contains("TLS with localhost")
    });
    let told = stand.turned_away(&stand.connect("alice"));
    assert_eq!(told.code(), "08001", "{told}");
    assert!(!told.to_string().contains("localhost"), "{told}");

    // `require` takes any certificate, as the operator asked.
    stand.edit("weir.toml", |text| {
        text.replace("sslmode=verify-full", "sslmode=require")
    });
    until("the gateway is ready again", || {
        stand.weir.get("/readyz").unwrap().0 == 200
    });
    stand.client("alice");
}
