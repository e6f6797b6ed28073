//! A ledger for outsiders: exported, checked against a policy, signed by another key.

use std::path::Path;

use ::ledger::Ledger as _;
use expect_test::expect;

use super::{check, installed, weir};

/// A ledger in `~/ledger`, with more entries each time.
fn grow(at: &Path, count: u64) {
    let mut options = store::Options::new("weir.example/test");
    options.segment_bytes = 1 << 20;
    options.reserve_bytes = 1 << 20;
    // The machine's own disk must not raise the alarm.
    options.alarm_percent = 101;
    let store = store::Store::open(&at.join("ledger"), options).unwrap();
    for policies in 0..count {
        let change = ::ledger::event::PolicyChange {
            policy: "version".into(),
            previous: None,
            policies,
        };
        store.append(change.into()).unwrap();
    }
    store.close();
}

/// What was printed, without what differs each time.
fn plain(text: &str) -> String {
    let word = |word: &str| match word {
        word if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) => "ROOT".into(),
        word if word.starts_with("weir.example/test+") => "VKEY".into(),
        word if word.ends_with('Z') && word.contains('T') => "TIME".into(),
        word => word.to_owned(),
    };
    let lines = text.lines().map(|line| {
        // How many entries a start writes depends on the machine's disk.
        let line = line
            .split_once("since entry ")
            .map_or(line, |(before, _)| before);
        let words: Vec<String> = line.split(' ').map(word).collect();
        words.join(" ").trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[test]
fn a_ledger_is_exported_and_checked_by_policy() {
    let folder = installed();
    let at = folder.path();
    grow(at, 300);
    let policy = weir(at, "ledger key --policy --directory ~/ledger");
    expect![[r#"
        # Whom to believe about weir.example/test
        # (https://c2sp.org/tlog-policy)
        log VKEY
        quorum none
    "#]]
    .assert_eq(&plain(&policy));
    std::fs::write(at.join("policy"), &policy).unwrap();
    let exported = weir(at, "ledger export ~/log --directory ~/ledger");
    assert!(
        exported
            .starts_with("Exported entries 0 to 302 (exclusive) of weir.example/test: 5 files, "),
        "{exported}"
    );
    std::fs::copy(at.join("log/checkpoint"), at.join("old")).unwrap();
    check(
        at,
        "ledger export ~/log --directory ~/ledger",
        expect![[r#"
            $ weir ledger export ~/log --directory ~/ledger
            Nothing new since 302 entries of weir.example/test
            To check it: weir ledger verify --export ~/log --policy FILE
        "#]],
    );
    check(
        at,
        "ledger verify --export ~/log",
        expect![[r#"
        $ weir ledger verify --export ~/log
        error: an exported log says itself who signed it: name whom you believe with --policy FILE or --key KEY (`weir ledger key --policy` prints a policy)
    "#]],
    );
    grow(at, 10);
    weir(at, "ledger export ~/log --directory ~/ledger");
    let told = weir(
        at,
        "ledger verify --export ~/log --policy ~/policy --since ~/old",
    );
    expect![[r#"
        sound: weir.example/test, 314 entries signed, 314 entries read
          root         ROOT
          continues    302 entries signed before
    "#]]
    .assert_eq(&plain(&told));
    let json = weir(at, "ledger verify --export ~/log --policy ~/policy --json");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["ok"], &json["signed"]), (&true.into(), &314.into()));

    // An older log, an altered one, and one that others signed.
    std::fs::rename(at.join("log/checkpoint"), at.join("new")).unwrap();
    std::fs::copy(at.join("old"), at.join("log/checkpoint")).unwrap();
    let told = weir(
        at,
        "ledger verify --export ~/log --policy ~/policy --since ~/new",
    );
    expect![[r#"
        error: checkpoint: 302 entries are signed and 314 were before: the log was rolled back or cut
        1 problem in weir.example/test, 302 entries signed, 302 entries read
          root         ROOT
        exit 1
    "#]].assert_eq(&plain(&told));
    std::fs::copy(at.join("new"), at.join("log/checkpoint")).unwrap();
    let tile = at.join("log/tile/0/000");
    let mut bytes = std::fs::read(&tile).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let told = weir(at, "ledger verify --export ~/log --policy ~/policy");
    expect![[r#"
        error: tile/0/000: the tile is altered: it does not fit the entries that were signed
        1 problem in weir.example/test, 314 entries signed, 314 entries read
          root         ROOT
        exit 1
    "#]]
    .assert_eq(&plain(&told));
    std::fs::write(at.join("policy"), "log nonsense\nquorum none\n").unwrap();
    check(
        at,
        "ledger verify --export ~/log --policy ~/policy",
        expect![[r#"
            $ weir ledger verify --export ~/log --policy ~/policy
            error: ~/policy: not a policy: line 1: not the key of a log: not a signed note: the verifier key is malformed
        "#]],
    );
}

#[test]
fn the_key_of_a_ledger_is_changed() {
    let folder = installed();
    let at = folder.path();
    grow(at, 3);
    let old = weir(at, "ledger key --directory ~/ledger");
    std::fs::write(at.join("old"), &old).unwrap();
    let told = weir(at, "ledger key rotate --overlap 1h --directory ~/ledger");
    expect![[r#"
        The ledger is signed with VKEY
        and until TIME with VKEY
        Give auditors the new policy: weir ledger key --policy
    "#]]
    .assert_eq(&plain(&told));
    let new = weir(at, "ledger key --directory ~/ledger");
    assert_ne!(old, new);
    std::fs::write(at.join("new"), &new).unwrap();
    let policy = weir(at, "ledger key --policy --directory ~/ledger");
    expect![[r#"
        # Whom to believe about weir.example/test
        # (https://c2sp.org/tlog-policy)
        # signs until TIME
        log VKEY
        # signs
        log VKEY
        quorum none
    "#]]
    .assert_eq(&plain(&policy));
    std::fs::write(at.join("policy"), &policy).unwrap();
    for trust in ["--key ~/old", "--key ~/new", "--policy ~/policy"] {
        let told = weir(at, &format!("ledger verify {trust} --directory ~/ledger"));
        assert!(told.starts_with("sound: "), "{told}");
    }
    weir(at, "ledger key rotate --overlap 0s --directory ~/ledger");
    let told = weir(at, "ledger verify --key ~/new --directory ~/ledger");
    assert!(told.starts_with("error: "), "{told}");
    let all = weir(at, "ledger key --all --directory ~/ledger");
    assert_eq!(all.lines().count(), 4);
    check(
        at,
        "ledger key rotate --overlap soon --directory ~/ledger",
        expect![[r#"
            $ weir ledger key rotate --overlap soon --directory ~/ledger
            error: invalid value 'soon' for '--overlap <TIME>': "soon" is not a time: write "250ms", "10s", "5m", "12h" or "90d"

            For more information, try '--help'.
        "#]],
    );
}
