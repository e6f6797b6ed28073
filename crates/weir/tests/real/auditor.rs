//! The ledger as an auditor sees it: over HTTP and exported, with a program of their own
//! on Go's `golang.org/x/mod/sumdb`.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use xtask::lab::process::free_port;
use xtask::lab::{install, skip};

use crate::stand::{PATIENCE, SERVER, Stand, until};

/// The auditor's program, built; or why it cannot be.
fn auditor(folder: &Path) -> Result<PathBuf> {
    let Some(go) = install::on_path("go") else {
        bail!("there is no Go on this machine");
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/auditor");
    for name in ["main.go", "go.mod", "go.sum"] {
        std::fs::copy(source.join(name), folder.join(name))?;
    }
    let program = folder.join("auditor");
    let build = |settings: &[(&str, &str)], what: &str| -> Result<()> {
        let out = Command::new(&go)
            .args(["build", "-o"])
            .arg(&program)
            .arg(what)
            .current_dir(folder)
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-buildvcs=false")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .output()
            .context("cannot run go")?;
        if out.status.success() {
            return Ok(());
        }
        bail!("{}", String::from_utf8_lossy(&out.stderr).trim())
    };
    // The module proxy first; where it cannot be reached, Debian's package.
    build(&[], ".").or_else(|proxy| {
        install::package("golang-golang-x-mod-dev", "Go's own log client")
            .and_then(|()| {
                let path = [("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode")];
                build(&path, "main.go")
            })
            .map_err(|debian| debian.context(format!("and not from the proxy: {proxy:#}")))
    })?;
    Ok(program)
}

struct Audit {
    program: PathBuf,
    vkey: String,
}

impl Audit {
    fn run(&self, location: &str, old: Option<&Path>) -> Result<String, String> {
        let out = Command::new(&self.program)
            .arg(location)
            .arg(&self.vkey)
            .args(old)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        match out.status.success() {
            true => Ok(text),
            false => Err(text),
        }
    }
}

/// A gateway with the ledger's listener, and some hundred entries.
fn stand() -> (Stand, u16) {
    let port = free_port().unwrap();
    let stand = Stand::edited(
        &SERVER,
        "",
        |configuration| configuration,
        |_, text| {
            let listen = format!("[ledger]\nlisten = \"127.0.0.1:{port}\"\n");
            text.replacen("[ledger]\n", &listen, 1)
        },
    );
    statements(&stand, 150);
    (stand, port)
}

fn statements(stand: &Stand, count: u32) {
    let mut dana = stand.client("dana");
    for number in 0..count {
        dana.run(&format!("select text from notes where id = {number}"))
            .unwrap();
    }
}

/// Status, headers and body of one answer.
fn http(port: u16, request: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "{request}Host: weir\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let split = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), answer[split + 4..].to_vec())
}

fn get(port: u16, path: &str) -> (u16, String, Vec<u8>) {
    http(port, &format!("GET {path} HTTP/1.1\r\n"))
}

fn verify(stand: &Stand, arguments: &[&str]) -> Value {
    let mut all = vec!["ledger", "verify", "--json"];
    all.extend(arguments);
    serde_json::from_str(&stand.weir.command(&all).unwrap()).unwrap()
}

/// Size of the checkpoint that is served.
fn size(port: u16) -> u64 {
    let (_, _, text) = get(port, "/checkpoint");
    let text = String::from_utf8(text).unwrap();
    text.lines().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_ledger_is_served_read_only_and_only_what_is_signed() {
    let (stand, port) = stand();
    until("a full tile is signed", || size(port) > 300);
    let (status, head, text) = get(port, "/checkpoint");
    assert_eq!(status, 200);
    assert!(
        head.contains("content-type: text/plain; charset=utf-8"),
        "{head}"
    );
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let known = format!("GET /checkpoint HTTP/1.1\r\nIf-None-Match: {tag}\r\n");
    // Unless it moved on meanwhile, the tag still fits.
    let (status, _, body) = http(port, &known);
    assert!(status == 304 && body.is_empty() || body != text);

    for path in [
        "/tile/0/000",
        "/tile/entries/000",
        "/tile/0/001.p/3",
        "/tile/1/000.p/1",
    ] {
        let (status, head, body) = get(port, path);
        assert_eq!(status, 200, "{path}");
        assert!(head.contains("max-age=31536000, immutable"), "{head}");
        assert!(!head.contains("content-encoding"), "{head}");
        assert!(
            head.contains("content-type: application/octet-stream"),
            "{head}"
        );
        assert_eq!(get(port, path).2, body);
    }
    assert_eq!(get(port, "/tile/0/000").2.len(), 8192);
    for path in [
        "/",
        "/id.json",
        "/signing.key",
        "/tile",
        "/tile/0/999",
        "/tile/0/0",
        "/tile/entries/999.p/1",
        "/tile/0/..%2f..%2fsigning.key",
        "/tile/0/../../signing.key",
        "/tile/63/x018/x446/x744/x073/x709/x551/615",
    ] {
        let (status, head, _) = get(port, path);
        assert_eq!(status, 404, "{path}");
        assert!(!head.contains("immutable"), "{head}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let (status, ..) = http(
            port,
            &format!("{method} /tile/0/000 HTTP/1.1\r\nContent-Length: 0\r\n"),
        );
        assert_eq!(status, 405, "{method}");
    }
    // The auditor's own check, over HTTP.
    let policy = stand.folder.path().join("policy");
    let text = stand.weir.command(&["ledger", "key", "--policy"]).unwrap();
    std::fs::write(&policy, text).unwrap();
    let url = format!("http://127.0.0.1:{port}");
    let policy = policy.display().to_string();
    let report = verify(&stand, &["--url", &url, "--policy", &policy]);
    assert_eq!(report["ok"], true, "{report}");
    assert!(report["signed"].as_u64().unwrap() > 300);
}

#[test]
fn go_verifies_the_ledger_over_http_and_exported_and_rejects_what_is_altered() {
    let build = tempfile::tempdir().unwrap();
    let program = match auditor(build.path()) {
        Ok(program) => program,
        Err(why) => return skip(&format!("verification by golang.org/x/mod: {why:#}")),
    };
    let (stand, port) = stand();
    until("a full tile is signed", || size(port) > 300);
    let vkey = stand.weir.command(&["ledger", "key"]).unwrap();
    let audit = Audit {
        program,
        vkey: vkey.trim().to_owned(),
    };
    let old = stand.folder.path().join("old");
    std::fs::write(&old, get(port, "/checkpoint").2).unwrap();
    statements(&stand, 150);
    let url = format!("http://127.0.0.1:{port}");
    until("more is signed", || size(port) > 600);
    let told = audit.run(&url, Some(&old));
    assert!(
        told.as_ref()
            .is_ok_and(|told| told.starts_with("verified ")),
        "{told:?}"
    );

    let folder = stand.folder.path().join("export");
    let place = folder.display().to_string();
    stand.weir.command(&["ledger", "export", &place]).unwrap();
    let told = audit.run(&place, Some(&old));
    assert!(
        told.as_ref()
            .is_ok_and(|told| told.starts_with("verified ")),
        "{told:?}"
    );

    // Another key of the same name is not believed.
    let stranger = ledger::note::Signer::new("weir.local", &[7; 32]).unwrap();
    let stranger = Audit {
        vkey: stranger.verifier().to_string(),
        program: audit.program.clone(),
    };
    let told = stranger.run(&place, None).unwrap_err();
    assert!(told.contains("no verifiable signatures"), "{told}");

    let mut rejected = 0;
    for path in files(&folder) {
        if path.ends_with(".lock") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        let middle = whole.len() / 2;
        let mut altered = whole.clone();
        altered[middle] ^= 1;
        for bytes in [&altered[..], &whole[..middle], &[]] {
            std::fs::write(&path, bytes).unwrap();
            let told = audit.run(&place, Some(&old));
            assert!(told.is_err(), "{}: {told:?}", path.display());
            rejected += 1;
        }
        std::fs::write(&path, &whole).unwrap();
    }
    // A checkpoint, two full tiles and bundles, a partial of each, and the level above.
    assert!(rejected >= 24, "{rejected}");
    assert!(audit.run(&place, Some(&old)).is_ok());
    println!(
        "golang.org/x/mod rejected {rejected} alterations of {} files",
        files(&folder).len()
    );
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out
}
