//! What must hold over time and under load: labels across renames and restarts, observe mode, bounds on memory and
//! input, and a ledger in which everything that ran has its two entries.

use std::io::Read;

use xtask::lab::client::message;
use xtask::lab::{Client, Extended};

use crate::stand::{SERVER, Stand, balanced, error, refused, until};

const OWN: &str = "select email from customers where id = 1";

#[test]
fn labels_follow_renames_across_restarts() {
    let mut stand = Stand::usual();
    let masked = stand.client("alice").run(OWN).unwrap().value();
    assert!(masked.ends_with(".invalid"));

    let renamed = "alter table customers rename email to mail";
    stand.direct().run(renamed).unwrap();
    let read = "select mail from customers where id = 1";
    assert_eq!(stand.client("alice").run(read).unwrap().value(), masked);
    stand.weir.resume().unwrap();
    assert_eq!(stand.client("alice").run(read).unwrap().value(), masked);

    // Another column takes the name: both are masked, also after two more looks at the catalog.
    stand
        .direct()
        .run("alter table customers add email text default 'new@shop.example'")
        .unwrap();
    let mut alice = stand.client("alice");
    let both = "select email, mail from customers where id = 1";
    let hidden = |client: &mut Client| {
        let answer = client.run(both).unwrap();
        assert!(!answer.contains("@shop.example"), "{:?}", answer.rows());
    };
    hidden(&mut alice);
    stand.weir.resume().unwrap();
    stand.direct().run("create table later (id int)").unwrap();
    hidden(&mut stand.client("alice"));
    stand.weir.resume().unwrap();
    hidden(&mut stand.client("alice"));
}

#[test]
fn a_label_that_names_nothing_refuses_masked_principals() {
    let stand = Stand::with("", |mut c| {
        c.targets[0] = c.targets[0]
            .clone()
            .label("public.customers.passport", "passport");
        c
    });
    let mut alice = stand.client("alice");
    for sql in ["select id from notes", "select id from customers"] {
        assert_eq!(refused(&mut alice, sql), "weir.unresolved-label", "{sql}");
    }
    alice.run("select 1").unwrap();
    stand
        .direct()
        .run("alter table customers add passport text")
        .unwrap();
    until("the label is found", || {
        alice
            .query("select id from notes")
            .unwrap()
            .errors
            .is_empty()
    });
}

#[test]
fn observe_mode_lets_through_but_never_past_masks() {
    let stand = Stand::edited(
        &SERVER,
        "",
        |c| c,
        |_, text| text.replace("sslmode=disable\"\n", "sslmode=disable\"\nobserve = true\n"),
    );
    let mut alice = stand.client("alice");
    // Refused otherwise, by prod-no-whole-table-write and prod-no-destroy.
    alice.run("update notes set text = 'x'").unwrap();
    alice.run("truncate notes").unwrap();
    let last = stand.entries_of("statement.intent").pop().unwrap();
    assert_eq!(last["decision"], "allow");
    let would = last["observed"].to_string();
    assert!(would.contains("prod-no-destroy"), "{last}");
    let tail = stand.weir.command(&["ledger", "tail"]).unwrap();
    let told = "observed only: prod-no-destroy would refuse";
    assert!(tail.contains(told), "{tail}");
    // Masks hold.
    assert!(alice.run(OWN).unwrap().value().ends_with(".invalid"));
    for sql in [
        "select id from customers where lower(email) = 'x'",
        "update customers set email = 'x'",
        "do $$ begin raise notice '%', (select email from customers limit 1); end $$",
    ] {
        assert_eq!(error(&alice.query(sql).unwrap()).code(), "42501", "{sql}");
    }
    balanced(&stand);
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_name() {
    let stand = Stand::usual();
    stand.edit("weir.toml", |text| text + "[limits]\nconections = 5\n");
    let told = stand.weir.command(&["serve"]).unwrap_err().to_string();
    assert!(told.contains("conections"), "{told}");
    assert!(told.contains("connections"), "{told}");
    assert!(told.contains("weir.toml:"), "{told}");
}

/// Resident memory of the gateway, MiB.
fn resident(stand: &Stand) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", stand.weir.pid())).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes / 1024
}

/// Waits until the server can send no more, because nobody reads.
fn blocked(stand: &Stand) {
    let mut direct = SERVER.client("postgres").unwrap();
    let waiting = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and wait_event = 'ClientWrite'",
        stand.database
    );
    until("the server waits for its client", || {
        direct.run(&waiting).unwrap().value() != "0"
    });
}

/// A client of `alice` that asked for much and does not read it.
fn deaf(stand: &Stand) -> Client {
    let mut client = stand.client("alice");
    let much = "select repeat('x', 1000) from generate_series(1, 1000000)";
    client.send(&message::query(much)).unwrap();
    blocked(stand);
    client
}

/// Waits until a session ended for `reason`.
fn ended(stand: &Stand, reason: &str) {
    until("the session ends", || {
        let closed = stand.entries_of("session.close");
        closed.iter().any(|entry| entry["reason"] == reason)
    });
}

#[test]
fn a_revoked_client_that_does_not_read_is_ended() {
    let stand = Stand::usual();
    let _deaf = deaf(&stand);
    let list = ["key", "list", "alice", "--json"];
    let listed = stand.weir.command(&list).unwrap();
    let id = &listed[listed.find("key_").unwrap()..][..16];
    stand.weir.command(&["key", "revoke", id]).unwrap();
    ended(&stand, "revoked");
    balanced(&stand);
}

#[test]
fn a_client_that_does_not_read_does_not_keep_the_gateway_from_recording_its_end() {
    let mut stand = Stand::with("", |mut c| {
        c.more += "[limits]\nshutdown_grace = \"300ms\"\n";
        c
    });
    let _deaf = deaf(&stand);
    assert!(stand.weir.stop().unwrap().success());
    ended(&stand, "shutdown");
    balanced(&stand);
}

#[test]
fn a_client_that_does_not_read_costs_little() {
    let stand = Stand::usual();
    stand.client("alice").run(OWN).unwrap();
    let before = resident(&stand);
    let rows = "from customers, generate_series(1, 350000)";
    let texts = [
        // Passed on, masked, and one long row: each about 1 GB.
        format!("select repeat('x', 1000) {rows}"),
        format!("select email, repeat('x', 1000) {rows}"),
        "select repeat('x', 250000000)".to_owned(),
    ];
    let mut idle = Vec::new();
    for text in &texts {
        let mut client = stand.client("alice");
        client.send(&message::query(text)).unwrap();
        blocked(&stand);
        idle.push(client);
    }
    let grown = resident(&stand).saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    // Who reads on gets more of it, and others were never kept waiting.
    stand.client("dana").run("select 1").unwrap();
    let mut socket = idle.remove(0).into_socket().unwrap();
    let mut buffer = vec![0; 1 << 20];
    let mut read = 0;
    while read < 50_000_000 {
        read += socket.read(&mut buffer).unwrap();
    }
    let grown = resident(&stand).saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
}

#[test]
fn binds_of_a_thousand_parameters_run_and_are_recorded() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let places: Vec<String> = (1..=1000).map(|n| format!("${n}")).collect();
    let sql = format!(
        "select count(*) from notes where id in ({})",
        places.join(",")
    );
    let values: Vec<String> = (1..=1000).map(|n| n.to_string()).collect();
    let how = Extended {
        parameters: values.iter().map(|v| Some(v.as_bytes())).collect(),
        ..Extended::default()
    };
    let answer = alice.extended(&sql, &how).unwrap();
    assert!(answer.errors.is_empty(), "{:?}", answer.errors);
    assert_eq!(answer.value(), "10");
    let intents = stand.entries_of("statement.intent");
    let disclosed = stand.disclosed(intents.last().unwrap());
    assert!(
        disclosed["parameters"].to_string().contains("1000"),
        "{disclosed}"
    );
    balanced(&stand);
}

#[test]
fn deep_nesting_is_refused_and_the_session_goes_on() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let depth = 100_000;
    let nested = |open: &str, middle: &str, close: &str| {
        format!(
            "select {}{middle}{}",
            open.repeat(depth),
            close.repeat(depth)
        )
    };
    for sql in [
        nested("(", "1", ")"),
        nested("array[", "1", "]"),
        nested("not ", "true", ""),
        nested("- ", "1", ""),
        nested("1 + ", "1", ""),
        nested("case when true then ", "1", " end"),
        format!("select {}", "(".repeat(depth)),
    ] {
        let answer = alice.query(&sql).unwrap();
        let code = error(&answer).code().to_owned();
        // What nests without brackets may be too much for the grammar's own stack.
        let quick = ["54001", "54000", "42601"].contains(&code.as_str());
        assert!(quick, "{code} {}", &sql[..40]);
        let by_parse = alice.extended(&sql, &Extended::default()).unwrap();
        assert_eq!(error(&by_parse).code(), code);
    }
    let brackets = nested("(", "1", ")");
    let simple = alice.query(&brackets).unwrap();
    assert_eq!(error(&simple).code(), "54001");
    assert_eq!(alice.run("select 1").unwrap().value(), "1");
}

#[test]
fn every_way_to_run_leaves_an_intent_and_an_outcome() {
    let mut stand = Stand::usual();
    let mut alice = stand.client("alice");
    alice
        .run("select 1; select 2; select id from notes")
        .unwrap();
    alice.query("select 1; select 1/0; select 3").unwrap();
    alice.query("not sql").unwrap();
    alice.query("").unwrap();
    alice.query("drop table notes").unwrap();
    alice
        .prepare("p", "select id from notes where id > $1::int")
        .unwrap();
    let bound = |value: &'static str| Extended {
        parameters: vec![Some(value.as_bytes())],
        ..Extended::default()
    };
    alice.execute("p", &bound("3")).unwrap();
    alice.execute("p", &bound("x")).unwrap();
    let pieces = Extended {
        max_rows: 3,
        ..bound("0")
    };
    alice.execute("p", &pieces).unwrap();
    alice.run("begin").unwrap();
    alice.query("select 1/0").unwrap();
    alice.query("select id from notes").unwrap();
    alice.run("rollback").unwrap();
    alice.run("prepare q as select id from notes").unwrap();
    alice.run("execute q").unwrap();
    alice
        .run("begin; declare c cursor for select id from notes")
        .unwrap();
    alice.run("fetch 2 from c").unwrap();
    alice.run("commit").unwrap();
    alice.run("copy notes to stdout").unwrap();
    alice
        .copy_in("copy notes from stdin", b"50\tx\n51\ty\n")
        .unwrap();
    alice
        .copy_in("copy notes from stdin", b"not a number\tx\n")
        .unwrap();
    alice.query("copy notes from stdin").unwrap();
    alice.run("explain analyze select id from notes").unwrap();
    // Skipped by the server after an error: bound, never run.
    let mut bytes = message::parse("", "select 1/0", &[]);
    for _ in 0..3 {
        bytes.extend(message::bind("", "", &[], 0));
        bytes.extend(message::execute("", 0));
    }
    bytes.extend(message::sync());
    alice.send(&bytes).unwrap();
    alice.finish().unwrap();
    assert_eq!(alice.run("select 1").unwrap().value(), "1");
    balanced(&stand);
    // Killed in the middle of one: the next start says what is not known.
    let before = stand.entries_of("statement.intent").len();
    let slow = "select count(*) from generate_series(1, 100000000)";
    alice.send(&message::query(slow)).unwrap();
    until("it runs", || {
        stand.entries_of("statement.intent").len() > before
    });
    stand.weir.crash();
    stand.weir.resume().unwrap();
    balanced(&stand);
    let last = stand.entries_of("statement.outcome").pop().unwrap();
    assert_eq!(last["status"], "unknown");
}
