//! The gateway in operation: health, reload, revocation, drain, databases that go away, a ledger that cannot be
//! written.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use xtask::lab::client::message;
use xtask::lab::process::{self, Guarded, Spec};
use xtask::lab::{Client, Settings, Weir, weir};

use crate::stand::{
    SERVER, Stand, balanced, entries, error, policies, refused, rule, serve, until,
};

fn health(weir: &Weir) -> (u16, Value) {
    let (status, body) = weir.get("/readyz").unwrap();
    (status, serde_json::from_str(&body).unwrap())
}

/// Starts `weir serve` in the folder of a stopped gateway, ready or not.
fn start_unready(stand: &Stand) -> Guarded {
    let folder = stand.folder.path();
    let binary = weir::binary().unwrap().display().to_string();
    let process = Guarded::spawn(&Spec {
        command: [&binary, "serve"].map(ToString::to_string).to_vec(),
        environment: Vec::new(),
        folder: folder.to_path_buf(),
        log: folder.join("weir.log"),
        account: None,
        sweep: None,
        stop_signal: "TERM",
    })
    .unwrap();
    until("the gateway lives", || {
        stand
            .weir
            .get("/healthz")
            .is_ok_and(|(status, body)| status == 200 && body == "ok\n")
    });
    process
}

#[test]
fn readiness_tells_what_is_there() {
    let stand = Stand::usual();
    let alice = stand.client("alice");
    assert_eq!(stand.weir.get("/healthz").unwrap().0, 200);
    let (status, body) = health(&stand.weir);
    assert_eq!(status, 200);
    assert_eq!(body["ready"], true);
    assert_eq!(body["targets"]["loaded"], 1);
    assert_eq!(body["sessions"], 1);
    drop(alice);
    until("the session is gone", || {
        health(&stand.weir).1["sessions"] == 0
    });
}

#[test]
fn a_database_that_is_down_is_told_and_found_again() {
    let mut server = serve(&Settings::default());
    let mut stand = Stand::on(&server, "", |c| c);
    stand.weir.stop();
    server.stop();

    // Down at the start.
    let _process = start_unready(&stand);
    until("the trouble is named", || {
        let (status, body) = health(&stand.weir);
        status == 503 && body["troubles"].to_string().contains("target shop")
    });
    let asked = std::time::Instant::now();
    let told = stand.turned_away(&stand.connect("alice"));
    assert_eq!(told.code(), "08001", "{told}");
    assert!(!told.to_string().contains("127.0.0.1"), "{told}");
    assert_eq!(stand.entries_of("session.refused")[0]["sqlstate"], "08001");
    assert!(asked.elapsed().as_secs() < 5, "{:?}", asked.elapsed());

    server.resume().unwrap();
    until("ready", || health(&stand.weir).0 == 200);
    let mut alice = stand.client("alice");
    alice.run("select 1").unwrap();

    // Down later: an idle session is told, one in a statement too.
    let mut busy = stand.client("dana");
    busy.send(&message::query(
        "select count(*) from generate_series(1, 300000000)",
    ))
    .unwrap();
    until("the statement is recorded", || {
        stand.entries_of("statement.intent").len() >= 2
    });
    // An immediate shutdown: nobody waits for anything.
    process::signal(server.pid(), "QUIT").unwrap();
    for client in [&mut alice, &mut busy] {
        let answer = client.finish().unwrap();
        assert_eq!(error(&answer).field('S'), "FATAL");
        assert!(
            ["57P01", "57P02"].contains(&error(&answer).code()),
            "{}",
            error(&answer)
        );
        assert!(answer.closed);
    }
    server.stop();
    server.resume().unwrap();
    until("sessions open again", || {
        Client::connect(&stand.connect("alice")).is_ok()
    });
    until("ready again", || health(&stand.weir).0 == 200);
    balanced(&stand);
}

#[test]
fn an_administrator_may_end_an_upstream_connection() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let end = format!(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = '{}' and application_name = '[alice]'",
        stand.database
    );
    SERVER.client("postgres").unwrap().run(&end).unwrap();
    let answer = alice.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01", "{}", error(&answer));
    assert!(answer.closed);
    stand.client("alice").run("select 1").unwrap();
}

/// How often the log says something.
fn said(stand: &Stand, what: &str) -> usize {
    stand.weir.log().matches(what).count()
}

#[test]
fn configuration_is_reloaded_as_a_whole_or_not_at_all() {
    let stand = Stand::with("", |c| policies(c, ""));
    let mut alice = stand.client("alice");
    alice.run("select id from notes").unwrap();

    // A policy changes under an open session.
    let forbid =
        "@id(\"no-notes\")\nforbid (principal, action, resource == Dataset::\"public.notes\");\n";
    stand.edit("90-test.cedar", |_| forbid.to_owned());
    until("the policy is in force", || {
        !alice
            .query("select id from notes")
            .unwrap()
            .errors
            .is_empty()
    });
    assert_eq!(refused(&mut alice, "select id from notes"), "no-notes");

    // One bad file, and nothing of the rest is taken.
    stand.edit("weir.toml", |text| {
        text + "\n[principals.eve]\nkind = \"human\"\ngroups = [\"engineers\"]\n"
    });
    until("the new principal is known", || {
        said(&stand, "configuration reloaded") >= 2
    });
    let eve = stand.weir.create_key("eve").unwrap();
    let mut connect = stand.connect("eve");
    connect.password = eve;
    until("her key is taken", || Client::connect(&connect).is_ok());
    let before = said(&stand, "not reloaded");
    stand.edit("90-test.cedar", |_| "permit (principal, action".to_owned());
    until("the fault is told, and where", || {
        said(&stand, "not reloaded") > before && said(&stand, "90-test.cedar:1") > 0
    });
    let log = stand.weir.log();
    assert!(log.contains("the old one stays in force"), "{log}");
    stand.edit("weir.toml", |text| {
        text.replace("[principals.eve]", "[principals.adam]")
    });
    let before = said(&stand, "not reloaded");
    stand.weir.signal("HUP").unwrap();
    until("the fault is told again", || {
        said(&stand, "not reloaded") > before
    });
    assert!(
        Client::connect(&connect).is_ok(),
        "eve went although the reload failed"
    );
    assert_eq!(refused(&mut alice, "select id from notes"), "no-notes");

    // The good file brings it all.
    stand.edit("90-test.cedar", |_| String::new());
    until("notes are readable again", || {
        alice
            .query("select id from notes")
            .unwrap()
            .errors
            .is_empty()
    });
    assert!(Client::connect(&connect).is_err());
    // SIGHUP reads anew, too.
    let before = said(&stand, "configuration reloaded");
    stand.weir.signal("HUP").unwrap();
    until("SIGHUP reloads", || {
        said(&stand, "configuration reloaded") > before
    });
    assert!(stand.entries_of("policy.change").len() >= 3);
}

#[test]
fn a_label_added_while_sessions_run_holds_for_them() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let read = "select name from customers where id = 1";
    assert_eq!(alice.run(read).unwrap().value(), "Ada");
    stand.edit("weir.toml", |text| {
        text.replace(
            "\"public.customers.email\" = \"email\"",
            "\"public.customers.email\" = \"email\"\n\"public.customers.name\" = \"name\"",
        )
    });
    let answer = alice.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01");
    assert_ne!(stand.client("alice").run(read).unwrap().value(), "Ada");
}

#[test]
fn a_new_poll_interval_reaches_a_target_that_stays() {
    let stand = Stand::with("", |mut c| {
        c.more += "[limits]\ncatalog_poll = \"1h\"\n";
        c
    });
    let mut alice = stand.client("alice");
    let read = "select id from notes";
    alice.run(read).unwrap();
    stand.edit("weir.toml", |text| text.replace("\"1h\"", "\"100ms\""));
    until("the new interval is known", || {
        said(&stand, "configuration reloaded") > 0
    });
    alice.run(read).unwrap();
    // Seen by looking alone: nothing of this goes through the gateway.
    let drop = "alter table customers drop column email";
    stand.direct().run(drop).unwrap();
    until("the label is missed", || {
        alice.query(read).unwrap().code() == "42501"
    });
}

#[test]
fn a_change_that_could_not_be_recorded_is_made_when_it_can() {
    let mut stand = Stand::with("", |c| policies(c, ""));
    let weir = hardy(&mut stand);
    let mut dana = weir.client("dana", "shop").unwrap();
    let long = format!("select length('{}')", "x".repeat(200_000));
    dana.run(&long).unwrap();
    file_size_limit(weir.pid(), "100000:unlimited");
    until("the ledger's fault is felt", || {
        dana.query("select 1").unwrap().code() == "58030"
    });
    let forbid =
        "@id(\"no-notes\")\nforbid (principal, action, resource == Dataset::\"public.notes\");\n";
    stand.edit("90-test.cedar", |_| forbid.to_owned());
    until("the change is put off", || {
        weir.log().contains("configuration not reloaded")
    });
    file_size_limit(weir.pid(), "unlimited:unlimited");
    until("the change is in force", || {
        let answer = dana.query("select id from notes").unwrap();
        answer.code() == "42501"
    });
    assert_eq!(refused(&mut dana, "select id from notes"), "no-notes");
    let versions = entries(&weir);
    let changed = versions
        .iter()
        .filter(|entry| entry["kind"] == "policy.change");
    assert!(changed.count() >= 2);
}

#[test]
fn a_revoked_key_ends_open_sessions() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let listed = stand
        .weir
        .command(&["key", "list", "alice", "--json"])
        .unwrap();
    let start = listed.find("key_").unwrap();
    let id = &listed[start..start + 16];
    stand.weir.command(&["key", "revoke", id]).unwrap();
    let answer = alice.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01", "{}", error(&answer));
    assert!(answer.closed);
    assert_eq!(dana.run("select 1").unwrap().value(), "1");
    assert_eq!(stand.entries_of("key.revoke").len(), 1);
    until("the end is recorded", || {
        let closed = stand.entries_of("session.close");
        closed.iter().any(|entry| entry["reason"] == "revoked")
    });
    // A further key works without a restart.
    let mut connect = stand.connect("alice");
    connect.password = stand.weir.create_key("alice").unwrap();
    until("the new key is taken", || Client::connect(&connect).is_ok());
}

#[test]
fn sigterm_lets_running_statements_finish() {
    let mut stand = Stand::usual();
    let mut lock = stand.direct();
    lock.run("begin; lock table notes").unwrap();
    let mut busy = stand.client("dana");
    busy.send(&message::query("select count(*) from notes"))
        .unwrap();
    until("the statement waits", || {
        stand.entries_of("statement.intent").len() == 1
    });
    let mut idle = stand.client("alice");
    stand.weir.signal("TERM").unwrap();
    let answer = idle.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01");
    assert!(error(&answer).message().contains("shutting down"));
    assert!(answer.closed);
    assert!(Client::connect(&stand.connect("alice")).is_err());
    lock.run("commit").unwrap();
    assert_eq!(busy.finish().unwrap().value(), "10");
    let answer = busy.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01");
    let port = stand.weir.port();
    until("the gateway is gone", || {
        TcpStream::connect(("127.0.0.1", port)).is_err()
    });
    assert!(stand.weir.stop().unwrap().success());
    assert_eq!(stand.entries_of("log.close").len(), 1);
    balanced(&stand);
}

#[test]
fn shutdown_does_not_wait_for_ever() {
    let mut stand = Stand::with("", |mut c| {
        c.more += "[limits]\nshutdown_grace = \"300ms\"\n";
        c
    });
    let mut busy = stand.client("dana");
    busy.send(&message::query(
        "select count(*) from generate_series(1, 300000000)",
    ))
    .unwrap();
    until("the statement runs", || {
        stand.entries_of("statement.intent").len() == 1
    });
    stand.weir.signal("TERM").unwrap();
    let answer = busy.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01");
    assert!(stand.weir.stop().unwrap().success());
    balanced(&stand);
}

#[test]
fn a_ledger_has_one_gateway() {
    let stand = Stand::usual();
    let told = stand.weir.command(&["serve"]).unwrap_err().to_string();
    assert!(told.contains("ledger"), "{told}");
    stand.client("alice").run("select 1").unwrap();
    balanced(&stand);
}

/// A gateway that lives on when its files may not grow, as on a full disk; SIGXFSZ would kill it.
fn hardy(stand: &mut Stand) -> Weir {
    stand.weir.stop();
    let script = stand.folder.path().join("hardy");
    let binary = weir::binary().unwrap();
    let text = format!(
        "#!/bin/sh\ntrap '' XFSZ\nexec {} \"$@\"\n",
        binary.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    Weir::start_binary(&script, stand.folder.path(), &[]).unwrap()
}

fn file_size_limit(pid: u32, limit: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &format!("--fsize={limit}")])
        .status()
        .unwrap();
    assert!(done.success());
}

#[test]
fn without_a_ledger_nothing_runs_and_sessions_survive() {
    let mut stand = Stand::usual();
    let weir = hardy(&mut stand);
    let mut dana = weir.client("dana", "shop").unwrap();
    // The ledger's next write lies beyond the limit; the gateway's log does not.
    let long = format!("select length('{}')", "x".repeat(200_000));
    dana.run(&long).unwrap();
    file_size_limit(weir.pid(), "100000:unlimited");
    let insert = "insert into notes values (100, 'x')";
    until("the ledger's fault is felt", || {
        dana.query("select 1").unwrap().code() == "58030"
    });
    let answer = dana.query(insert).unwrap();
    assert_eq!(error(&answer).code(), "58030", "{}", error(&answer));
    assert_eq!(rule(error(&answer)), "weir.ledger");
    assert_eq!(error(&answer).field('S'), "ERROR");
    assert_eq!(answer.status, b'I');
    let count = "select count(*) from notes";
    assert_eq!(stand.direct().run(count).unwrap().value(), "10");
    let (status, body) = health(&weir);
    assert_eq!(status, 503);
    assert!(body["troubles"].to_string().contains("ledger"), "{body}");
    // Nobody gets in whose session cannot be recorded.
    let told = stand.turned_away(&weir.connect("alice", "shop"));
    assert_eq!(told.code(), "58030", "{told}");

    file_size_limit(weir.pid(), "unlimited:unlimited");
    until("the ledger heals", || health(&weir).0 == 200);
    dana.run(insert).unwrap();
    assert_eq!(stand.direct().run(count).unwrap().value(), "11");
    drop(dana);
    stand.weir = weir;
    stand.weir.stop();
    let gaps = entries(&stand.weir);
    assert!(gaps.iter().any(|entry| entry["kind"] == "log.gap"));
    balanced(&stand);
}

/// A file system of its own for the ledger.
struct Mounted(std::path::PathBuf);

impl Mounted {
    /// `None` where mounting is not permitted.
    fn on(folder: &Path) -> Option<Mounted> {
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=200m", "tmpfs"])
            .arg(folder)
            .output();
        done.is_ok_and(|out| out.status.success())
            .then(|| Mounted(folder.to_path_buf()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    let mut stand = Stand::usual();
    stand.weir.stop();
    let ledger = stand.folder.path().join("ledger");
    std::fs::remove_dir_all(&ledger).unwrap();
    // Another ledger begins, on purpose.
    std::fs::remove_file(stand.folder.path().join("ledger.checkpoint")).unwrap();
    std::fs::create_dir(&ledger).unwrap();
    let Some(_mounted) = Mounted::on(&ledger) else {
        // Not root, or in a container: the test above has to do.
        return xtask::lab::skip("no file system can be mounted here to be full for the gateway");
    };
    stand.edit("weir.toml", |text| {
        text.replace(
            "directory = \"ledger\"",
            "directory = \"ledger\"\nreserve = \"16MiB\"",
        )
    });
    let weir = hardy(&mut stand);
    let mut dana = weir.client("dana", "shop").unwrap();
    let long = format!("select length('{}')", "x".repeat(200_000));
    dana.run(&long).unwrap();
    // A write fails, and when writing works again there is no room for what it takes to go on.
    file_size_limit(weir.pid(), "100000:unlimited");
    until("the ledger's fault is felt", || {
        dana.query("select 1").unwrap().code() == "58030"
    });
    let filler = ledger.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while file.write_all(&[0; 1 << 16]).is_ok() {}
    drop(file);
    file_size_limit(weir.pid(), "unlimited:unlimited");
    until("the full disk is named", || {
        health(&weir).1["troubles"].to_string().contains("space")
    });
    assert_eq!(dana.query("select 1").unwrap().code(), "58030");
    std::fs::remove_file(&filler).unwrap();
    until("there is room again", || {
        dana.query("select 1").unwrap().errors.is_empty()
    });
    drop(dana);
    stand.weir = weir;
    stand.weir.stop();
    balanced(&stand);
}
