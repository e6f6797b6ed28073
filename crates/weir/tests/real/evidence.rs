//! Erasure, legal holds and evidence, asked of a gateway that runs and of a ledger at rest.

use std::path::Path;

use std::process::Command;

use serde_json::{Value, json};
use xtask::lab::install;

use crate::stand::{Stand, until};

/// A value that only ever stands in statement texts.
const SECRET: &str = "needle-7c1f";

fn run(stand: &Stand, arguments: &[&str]) -> Value {
    let mut all = vec!["ledger"];
    all.extend(arguments);
    all.push("--json");
    serde_json::from_str(&stand.weir.command(&all).unwrap()).unwrap()
}

fn refused(stand: &Stand, arguments: &[&str]) -> String {
    let mut all = vec!["ledger"];
    all.extend(arguments);
    stand.weir.command(&all).unwrap_err().to_string()
}

/// Whether any file under `folder` holds these bytes.
fn somewhere(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|one| {
        let path = one.unwrap().path();
        if path.is_dir() {
            return somewhere(&path, needle);
        }
        std::fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    })
}

/// The secrets of the key table: slots of 128 bytes, the secret at 56.
fn secrets(folder: &Path) -> Vec<Vec<u8>> {
    let table = std::fs::read(folder.join("subject.keys")).unwrap();
    let live = table.chunks_exact(128).skip(1).filter(|slot| slot[0] == 1);
    live.map(|slot| slot[56..88].to_vec()).collect()
}

#[test]
fn what_a_principal_disclosed_is_erased_everywhere_and_everything_still_verifies() {
    let mut stand = Stand::usual();
    let ledger = stand.folder.path().join("ledger");
    let mut dana = stand.client("dana");
    dana.run(&format!(
        "select count(*) from notes where text = '{SECRET}'"
    ))
    .unwrap();
    let intent = stand.entries_of("statement.intent").pop().unwrap();
    assert!(
        stand.disclosed(&intent)["text"]
            .to_string()
            .contains(SECRET)
    );
    // It never stood in clear; the keys did, and can be looked for.
    assert!(!somewhere(&ledger, SECRET.as_bytes()));
    let of_dana = secrets(&ledger);
    assert!(!of_dana.is_empty() && of_dana.iter().all(|secret| somewhere(&ledger, secret)));
    until("it is signed", || {
        stand
            .weir
            .command(&["ledger", "prove", &intent["seq"].to_string()])
            .is_ok()
    });

    let erase = ["erase", "dana", "--ground", "GDPR 17, request 7", "--yes"];
    let hold = run(&stand, &["hold", "set", "dana", "--reason", "case 12"]);
    let held = refused(&stand, &erase);
    assert!(
        held.contains("a legal hold covers this") && held.contains("case 12"),
        "{held}"
    );
    let hold = hold["hold"].as_str().unwrap();
    run(&stand, &["hold", "release", hold, "--reason", "settled"]);
    assert_eq!(run(&stand, &["hold", "list"]), json!([]));
    assert_eq!(run(&stand, &erase)["keys"], 1);

    assert_eq!(stand.disclosed(&intent), json!({}));
    assert!(of_dana.iter().all(|secret| !somewhere(&ledger, secret)));
    let kinds = ["hold.set", "hold.release", "erasure"].map(|kind| stand.entries_of(kind).len());
    assert_eq!(kinds, [1, 1, 1]);
    let erasure = &stand.entries_of("erasure")[0];
    assert_eq!(
        (&erasure["subject"], &erasure["ground"]),
        (&json!("dana"), &json!("GDPR 17, request 7"))
    );
    // The session goes on, under a new key.
    dana.run("select 1 from notes where text = 'later'")
        .unwrap();
    let later = stand.entries_of("statement.intent").pop().unwrap();
    assert!(
        stand.disclosed(&later)["text"]
            .to_string()
            .contains("later")
    );

    // Of a ledger at rest the command itself does it.
    drop(dana);
    stand.weir.stop();
    assert!(!ledger.join("control").exists());
    assert_eq!(run(&stand, &erase)["keys"], 1);
    assert!(refused(&stand, &erase).contains("nothing readable is kept of dana"));
    let verified = run(&stand, &["verify"]);
    assert_eq!(
        (&verified["ok"], verified["erased"].as_u64() > Some(0)),
        (&json!(true), true)
    );
}

#[test]
fn nobody_to_ask_means_nothing_is_erased() {
    let stand = Stand::usual();
    stand.client("dana").run("select 1").unwrap();
    let told = refused(&stand, &["erase", "dana", "--ground", "x"]);
    assert!(told.contains("--yes"), "{told}");
    let told = refused(
        &stand,
        &[
            "erase",
            "dana",
            "--ground",
            "x",
            "--yes",
            "--until",
            "2026-02-30",
        ],
    );
    assert!(told.contains("is not a day"), "{told}");
    assert!(stand.entries_of("erasure").is_empty());
}

#[test]
fn the_control_socket_answers_nonsense_and_long_paths() {
    let stand = Stand::usual();
    let socket = stand.folder.path().join("ledger/control");
    let say = |text: &[u8]| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stream.write_all(text).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for nonsense in [
        &b"\n"[..],
        b"{}\n",
        b"{\"operation\":\"format\"}\n",
        &vec![b'['; 200_000],
        b"\xff\n",
    ] {
        let answer = say(nonsense);
        assert!(
            answer.is_empty() || answer.starts_with("{\"refused\""),
            "{answer}"
        );
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(stand.folder.path().join("ledger"))
            .unwrap()
            .permissions(),
    );
    assert_eq!(mode & 0o077, 0, "others may reach the socket");

    let deep = "d".repeat(90);
    let deep_stand = Stand::edited(
        &crate::stand::SERVER,
        "",
        |c| c,
        |_, text| {
            text.replace(
                "directory = \"ledger\"",
                &format!("directory = \"{deep}/ledger\""),
            )
        },
    );
    let set = run(&deep_stand, &["hold", "set", "--reason", "case 13"]);
    assert!(set["hold"].as_str().unwrap().starts_with("hold_"));
    assert_eq!(deep_stand.entries_of("hold.set").len(), 1);
}

/// What is done to the text of a file.
type Change<'a> = &'a dyn Fn(String) -> String;

fn weir(stand: &Stand, arguments: &[&str]) -> Result<String, String> {
    stand
        .weir
        .command(arguments)
        .map_err(|error| error.to_string())
}

/// Rewrites one file of a zip archive.
fn altered(from: &Path, to: &Path, name: &str, change: impl Fn(String) -> String) {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(from).unwrap()).unwrap();
    let mut out = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    for index in 0..archive.len() {
        let mut one = archive.by_index(index).unwrap();
        let this = one.name().unwrap().into_owned();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut one, &mut text).unwrap();
        let text = if this.ends_with(name) {
            change(text)
        } else {
            text
        };
        out.start_file(this, zip::write::SimpleFileOptions::default())
            .unwrap();
        std::io::Write::write_all(&mut out, text.as_bytes()).unwrap();
    }
    out.finish().unwrap();
}

/// The program of docs/evidence.md, as it stands there.
fn auditors_program() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/evidence.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```python\n").unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

/// Runs it; `Err` is what it complained of.
fn auditor(program: &Path, pack: &Path, key: &str) -> Result<String, String> {
    let python = if install::is_debian() {
        install::package(
            "python3-cryptography",
            "the auditor's program of docs/evidence.md",
        )
        .unwrap();
        "/usr/bin/python3"
    } else {
        "python3"
    };
    let out = Command::new(python)
        .arg(program)
        .arg(pack)
        .arg(key)
        .output()
        .unwrap();
    if out.status.success() {
        return Ok(String::from_utf8(out.stdout).unwrap());
    }
    Err(String::from_utf8(out.stderr).unwrap())
}

#[test]
fn an_auditor_needs_nothing_of_ours() {
    let stand = Stand::usual();
    let folder = stand.folder.path();
    let mut dana = stand.client("dana");
    dana.run(&format!(
        "select count(*) from notes where text = '{SECRET}'"
    ))
    .unwrap();
    dana.query("select * from nowhere").unwrap();
    stand
        .client("alice")
        .run("select name from customers")
        .unwrap();
    drop(dana);
    until("the session is closed", || {
        stand.entries_of("session.close").len() == 2
    });
    let last = stand.entries().last().unwrap()["seq"].to_string();
    until("it is signed", || {
        weir(&stand, &["ledger", "prove", &last]).is_ok()
    });

    let pack = folder.join("dana.zip");
    let path = pack.to_str().unwrap();
    let create = [
        "evidence",
        "create",
        "--principal",
        "dana",
        "--kind",
        "statement.intent",
        "--disclose",
        "text",
        "--reason",
        "audit 9",
        "-o",
        path,
        "--json",
    ];
    let made: Value = serde_json::from_str(&weir(&stand, &create).unwrap()).unwrap();
    let record = &stand.entries_of("evidence.export")[0];
    assert_eq!(
        (&record["digest"], &record["reason"]),
        (&made["digest"], &json!("audit 9"))
    );
    assert!(
        weir(&stand, &create)
            .unwrap_err()
            .contains("exists; evidence is not overwritten")
    );

    let key = weir(&stand, &["ledger", "key"]).unwrap().trim().to_owned();
    let verify = |pack: &Path, key: &str| {
        weir(
            &stand,
            &[
                "evidence",
                "verify",
                pack.to_str().unwrap(),
                "--key",
                key,
                "--json",
            ],
        )
    };
    let told: Value = serde_json::from_str(&verify(&pack, &key).unwrap()).unwrap();
    let kinds: Vec<&str> = told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["entry"]["kind"].as_str().unwrap())
        .collect();
    // Her statements, what became of them, her session; nothing of alice's.
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == "statement.intent")
            .count(),
        2,
        "{kinds:?}"
    );
    assert!(
        kinds.contains(&"statement.outcome") && kinds.contains(&"session.open"),
        "{kinds:?}"
    );
    assert!(!told.to_string().contains("alice"), "{told}");
    assert!(told.to_string().contains(SECRET));

    let program = folder.join("check.py");
    std::fs::write(&program, auditors_program()).unwrap();
    let printed = auditor(&program, &pack, &key).unwrap();
    assert!(
        printed.contains(SECRET)
            && printed.ends_with(&format!("proven: {} entries\n", kinds.len())),
        "{printed}"
    );

    // Neither believes what was altered, or another key.
    let intent = told["entries"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["disclosures"]["text"].to_string().contains(SECRET))
        .unwrap();
    let place = format!(
        "{:012}.tlog-proof",
        intent["entry"]["seq"].as_u64().unwrap()
    );
    let alterations: [(&str, &str, Change<'_>); 4] = [
        ("index", &place, &|text| {
            text.replace("\nindex ", "\nindex 1")
        }),
        ("root", &place, &|text| {
            let (head, note) = text.split_once("\n\n").unwrap();
            let root = note.lines().nth(2).unwrap();
            format!(
                "{head}\n\n{}",
                note.replace(root, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
            )
        }),
        ("entry", &place, &|text| {
            altered_extra(&text, |extra| {
                let entry = extra["entry"]
                    .as_str()
                    .unwrap()
                    .replace("\"allow\"", "\"deny\"");
                extra["entry"] = json!(entry);
            })
        }),
        ("disclosure", &place, &|text| {
            altered_extra(&text, |extra| {
                extra["disclosures"] = json!([base64(b"[\"c2FsdA\",\"text\",\"select 1\"]")]);
            })
        }),
    ];
    for (what, name, change) in alterations {
        let bad = folder.join(format!("{what}.zip"));
        altered(&pack, &bad, name, change);
        assert!(
            auditor(&program, &bad, &key).is_err(),
            "{what}: the program believes it"
        );
        let told = verify(&bad, &key).unwrap_err();
        assert!(told.contains("failed"), "{what}: {told}");
    }
    let other = Stand::usual();
    let foreign = weir(&other, &["ledger", "key"]).unwrap().trim().to_owned();
    assert!(auditor(&program, &pack, &foreign).is_err());
    assert!(verify(&pack, &foreign).is_err());
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// A proof with its `extra` line altered.
fn altered_extra(proof: &str, change: impl Fn(&mut Value)) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let line = proof
        .lines()
        .find(|line| line.starts_with("extra "))
        .unwrap();
    let bytes = STANDARD.decode(&line[6..]).unwrap();
    let mut extra: Value = serde_json::from_slice(&bytes).unwrap();
    change(&mut extra);
    proof.replace(
        line,
        &format!("extra {}", STANDARD.encode(extra.to_string())),
    )
}

#[test]
fn evidence_of_nothing_of_everything_and_no_evidence_is_told_so() {
    let stand = Stand::usual();
    let folder = stand.folder.path();
    let out = folder.join("pack.zip");
    let out = out.to_str().unwrap();
    let create = |more: &[&str]| {
        let mut all = vec!["evidence", "create", "--reason", "x", "-o", out];
        all.extend(more);
        weir(&stand, &all).unwrap_err()
    };
    assert!(create(&[]).contains("say which entries"));
    assert!(create(&["--principal", "nobody"]).contains("no signed entry fits"));
    assert!(create(&["--entries", "9-5"]).contains("is no entry"));
    assert!(create(&["--kind", "statement.intend"]).contains("did you mean statement.intent?"));
    assert!(stand.entries_of("evidence.export").is_empty());
    assert!(!Path::new(out).exists());

    let verify = |bytes: &[u8], more: &[&str]| {
        let file = folder.join("strange.zip");
        std::fs::write(&file, bytes).unwrap();
        let mut all = vec!["evidence", "verify", file.to_str().unwrap()];
        all.extend(more);
        weir(&stand, &all).unwrap_err()
    };
    let key = weir(&stand, &["ledger", "key"]).unwrap().trim().to_owned();
    assert!(verify(b"", &["--key", &key]).contains("is no evidence pack"));
    assert!(verify(b"PK\x03\x04 and nothing", &["--key", &key]).contains("is no evidence pack"));
    assert!(verify(b"", &[]).contains("say whom you trust"));

    // A gigabyte of zeros in a megabyte.
    let bomb = folder.join("bomb.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&bomb).unwrap());
    zip.start_file(
        "proofs/000000000001.tlog-proof",
        zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..1025 {
        std::io::Write::write_all(&mut zip, &zeros).unwrap();
    }
    zip.finish().unwrap();
    let told = weir(
        &stand,
        &["evidence", "verify", bomb.to_str().unwrap(), "--key", &key],
    )
    .unwrap_err();
    assert!(told.contains("more than a gigabyte"), "{told}");
}
