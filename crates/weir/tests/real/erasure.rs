//! Erasure and legal holds, asked of a gateway that runs and of a ledger at rest.

use std::path::Path;

use serde_json::{Value, json};

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
