//! A file system that is really full: a small tmpfs, mounted in a namespace of its own by
//! the test binary, which runs itself there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use common::{eventually, intent, options, outcome};
use ledger::{Kind, Unavailable};
use store::{Ledger, Sequence, State, Store, verify};

const CHILD: &str = "WEIR_STORE_TEST_FULL";

/// As user of a namespace of its own, which needs no privilege where the kernel allows it.
fn unshare() -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount"]);
    unshare
}

#[test]
fn on_a_full_file_system_it_fails_closed_and_goes_on_when_there_is_room() {
    let mounts = "mount -t tmpfs -o size=1m tmpfs /mnt";
    let permitted = unshare().args(["sh", "-c", mounts]).output();
    if !permitted.is_ok_and(|out| out.status.success()) {
        // Past the capture of test output.
        let _ = writeln!(
            std::io::stdout(),
            "SKIPPED: no mounting in a user namespace here: the full file system is only simulated"
        );
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let out = unshare()
        .args(["sh", "-c"])
        .arg("mount -t tmpfs -o size=640k tmpfs \"$0\" && exec \"$@\"")
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let dir = Path::new(&dir);
    let ledger = dir.join("ledger");
    let store = Store::open(&ledger, options()).unwrap();
    let running = store.append(intent("alice", 0)).unwrap().sequence;
    eventually("prepared", || {
        store.health().reserve && ledger.join("wal").read_dir().unwrap().count() == 3
    });
    // Somebody else fills it to the last byte.
    let filler = dir.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    while file.write_all(&[7]).is_ok() {}
    let mut taken = Vec::new();
    let refused = loop {
        match store.append(intent("alice", 1 + taken.len() as u64)) {
            Ok(receipt) => taken.push(receipt.sequence),
            Err(reason) => break reason,
        }
    };
    assert!(matches!(refused, Unavailable::DiskFull { .. }), "{refused}");
    let completed = store.append(outcome(running)).unwrap().sequence;
    assert!(!matches!(store.health().state, State::Ready));
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    eventually("resumed", || store.health().is_ready());
    let after = store.append(intent("alice", 9999)).unwrap().sequence;
    let kinds = || {
        let reader = store.reader().unwrap();
        let mut entries = reader.entries(Sequence(0));
        let mut out = Vec::new();
        while let Some(record) = entries.next().unwrap() {
            out.push(record.kind);
        }
        out
    };
    eventually("it is on the record", || {
        kinds().iter().filter(|kind| **kind == Kind::Gap).count() == 1
    });
    let reader = store.reader().unwrap();
    for sequence in taken.into_iter().chain([running, completed, after]) {
        assert!(reader.entries(sequence).next().unwrap().is_some());
    }
    store.close();
    drop((reader, store));
    let report = verify::directory(&ledger, None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);

    // Mounted again, read-only: it can be verified and does not begin.
    let remount = |how: &str| {
        let mut mount = Command::new("mount");
        let done = mount.args(["-o", how]).arg(dir).status().unwrap();
        assert!(done.success(), "{how}");
    };
    remount("remount,ro");
    let Err(refused) = Store::open(&ledger, options()) else {
        panic!("it wrote to what is read-only");
    };
    assert!(
        refused.to_string().contains("Read-only file system"),
        "{refused}"
    );
    assert!(verify::directory(&ledger, None).unwrap().is_sound());
    remount("remount,rw");
    Store::open(&ledger, options()).unwrap().close();
}
