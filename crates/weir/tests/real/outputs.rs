//! Outputs: who is told what the ledger records, at least once, whatever happens in between.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use xtask::lab::process::free_port;
use xtask::lab::tls::certificates;
use xtask::lab::{python, skip};

use crate::receiver::{Protocol, Receiver};
use crate::stand::{SERVER, Stand, until};

/// The usual stand with these lines at the end of `weir.toml`.
fn with_output(lines: &str) -> Stand {
    with_outputs(|_| lines.to_owned())
}

fn with_outputs(lines: impl FnOnce(&Path) -> String) -> Stand {
    Stand::edited(
        &SERVER,
        "",
        |c| c,
        |folder, text| format!("{text}\n{}\n", lines(folder)),
    )
}

fn lines_of(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The places of entries that have to be told: all but intents, of which their outcomes tell.
fn owed(stand: &Stand) -> BTreeSet<u64> {
    let told = |entry: &&Value| entry["kind"] != "statement.intent" || entry["decision"] != "allow";
    let entries = stand.entries();
    entries
        .iter()
        .filter(told)
        .map(|entry| entry["seq"].as_u64().unwrap())
        .collect()
}

fn told(events: &[Value]) -> BTreeSet<u64> {
    events
        .iter()
        .map(|event| event["metadata"]["sequence"].as_u64().unwrap())
        .collect()
}

/// Everything owed is told, nothing else, and what is told twice is the same.
fn complete(stand: &Stand, events: impl Fn() -> Vec<Value>) {
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    let mut tries = 0;
    until("everything is told", || {
        tries += 1;
        seen = (owed(stand), told(&events()));
        if tries % 100 == 0 {
            let missing: Vec<_> = seen.0.difference(&seen.1).collect();
            eprintln!("missing: {missing:?}");
        }
        seen.0 == seen.1
    });
    let mut by_uid = std::collections::BTreeMap::new();
    for event in events() {
        let uid = event["metadata"]["uid"].as_str().unwrap().to_owned();
        let before = by_uid.insert(uid, event.clone());
        assert!(before.is_none_or(|before| before == event), "{event}");
    }
}

fn work(stand: &Stand, rounds: usize) {
    let mut alice = stand.client("alice");
    let mut helper = stand.client("helper");
    for _ in 0..rounds {
        alice
            .run("select id, email from customers where id = 1")
            .unwrap();
        alice
            .run("insert into notes select 1000 + count(*) from notes")
            .unwrap();
        alice.query("drop table notes").unwrap();
        alice.query("select no_such_column from notes").unwrap();
        helper.run("select id from notes").unwrap();
    }
}

#[test]
fn every_statement_is_told_to_a_file_across_kills() {
    let mut stand =
        with_output("[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nfile = \"out/events.jsonl\"");
    let file = stand.folder.path().join("out/events.jsonl");
    for round in 0..6 {
        work(&stand, 1 + round % 3);
        let mut open = stand.client("alice");
        open.run("begin; insert into notes values (5000, 'lost')")
            .unwrap();
        stand.weir.crash();
        if round == 2 {
            // Power went, and with it the end of the last line.
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            std::fs::write(&file, format!("{text}{{\"metadata\":{{\"uid")).unwrap();
        }
        stand.weir.resume().unwrap();
    }
    work(&stand, 2);
    complete(&stand, || lines_of(&file));
    stand.weir.stop();
    // In good order: the end of the log too, and nothing twice after a quiet start.
    complete(&stand, || lines_of(&file));
    let events = lines_of(&file);
    let closed = events.last().unwrap();
    assert_eq!(closed["type_uid"], 100_807, "{closed}");
    stand.weir.resume().unwrap();
    let later = || lines_of(&file).split_off(events.len());
    until("the start is told", || {
        later().iter().any(|event| event["type_uid"] == 100_806)
    });
    let place = |event: &Value| event["metadata"]["sequence"].as_u64();
    assert!(
        later().iter().all(|event| place(event) > place(closed)),
        "{:#?}",
        later()
    );
    valid(&lines_of(&file));
}

/// Real events, by the official schema.
fn valid(events: &[Value]) {
    let packages = ["ocsf-json-schema==1.2.0", "jsonschema==4.25.1"];
    let python = match python::environment("ocsf", &packages) {
        Ok(python) => python,
        Err(why) => return skip(&format!("OCSF schema: {why:#}")),
    };
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let script = include_str!("../standards/ocsf.py");
    python::script(&python, script, lines.join("\n").as_bytes()).unwrap();
}

#[test]
fn a_statement_is_one_event_with_who_did_it() {
    let stand =
        with_output("[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nfile = \"events.jsonl\"");
    let file = stand.folder.path().join("events.jsonl");
    stand
        .client("helper")
        .run("select id, email from customers where region = 'north'")
        .unwrap();
    stand.client("alice").query("drop table notes").unwrap();
    complete(&stand, || lines_of(&file));
    let events = lines_of(&file);
    let of = |class: u64, who: &str| -> Vec<&Value> {
        let who = Value::from(who);
        events
            .iter()
            .filter(|e| e["class_uid"] == class && e["actor"]["user"]["uid"] == who)
            .collect()
    };
    let [read] = of(6005, "helper")[..] else {
        panic!("{events:#?}")
    };
    assert_eq!(read["observables"][0]["value"], "alice");
    assert_eq!(read["disposition"], "Corrected");
    assert_eq!(read["unmapped"]["masked"][0]["cells"], 1);
    assert_eq!(read["unmapped"]["rows"], 1);
    let shape = read["query_info"]["query_string"].as_str().unwrap();
    assert!(
        shape.contains("customers") && !shape.contains("north"),
        "{shape}"
    );
    let [refused] = of(6005, "alice")[..] else {
        panic!("{events:#?}")
    };
    assert_eq!(
        (&refused["action"], &refused["severity"]),
        (&"Denied".into(), &"High".into())
    );
    assert_eq!(of(2004, "alice").len(), 1);
    // No address, no application, no value.
    let all = std::fs::read_to_string(&file).unwrap();
    assert!(
        !all.contains("127.0.0.1") && !all.contains("north") && !all.contains("ada@"),
        "{all}"
    );
}

#[test]
fn what_is_configured_is_disclosed_until_it_is_erased() {
    let output = "[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nfile = \"events.jsonl\"\ndisclose = [\"text\", \"address\", \"purpose\"]";
    let mut stand = with_output(output);
    let file = stand.folder.path().join("events.jsonl");
    let text = "select id from customers where region = 'north' /*purpose='audit'*/";
    stand.client("alice").run(text).unwrap();
    complete(&stand, || lines_of(&file));
    let events = lines_of(&file);
    let told = events
        .iter()
        .find(|event| event["class_uid"] == 6005)
        .unwrap();
    assert!(
        told["query_info"]["query_string"]
            .as_str()
            .unwrap()
            .contains("'north'"),
        "{told}"
    );
    assert_eq!(told["unmapped"]["purpose"], "audit");
    assert_eq!(told["src_endpoint"]["ip"], "127.0.0.1");
    assert!(told["actor"].get("app_name").is_none(), "{told}");
    valid(&events);
    // Told anew from the beginning, as to an output that was down when it was erased.
    let erase = ["ledger", "erase", "alice", "--ground", "GDPR-17", "--yes"];
    stand.weir.command(&erase).unwrap();
    stand.weir.stop();
    std::fs::remove_dir_all(stand.folder.path().join("ledger.state/outputs")).unwrap();
    std::fs::remove_file(&file).unwrap();
    stand.weir.resume().unwrap();
    complete(&stand, || lines_of(&file));
    let events = lines_of(&file);
    assert!(
        events
            .iter()
            .any(|event| event["entity"]["type"] == "Disclosure Keys")
    );
    let all = std::fs::read_to_string(&file).unwrap();
    assert!(
        !all.contains("north") && !all.contains("\"audit\""),
        "{all}"
    );
}

#[test]
fn an_output_that_is_down_blocks_nothing_and_misses_nothing() {
    let port = free_port().unwrap();
    let mut stand = with_outputs(|folder| {
        std::fs::write(folder.join("siem.token"), "s3cret\n").unwrap();
        format!(
            "[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nendpoint = \"http://127.0.0.1:{port}/in?x=1\"\n\
             token = {{ file = \"siem.token\" }}"
        )
    });
    work(&stand, 2);
    let health = |stand: &Stand| -> Value {
        let (status, body) = stand.weir.get("/readyz").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["outputs"][0].clone()
    };
    until("it is told to be down", || health(&stand)["up"] == false);
    assert!(
        health(&stand)["trouble"]
            .as_str()
            .unwrap()
            .contains("cannot connect")
    );
    assert!(health(&stand)["entries_behind"].as_u64() > Some(0));
    assert!(
        stand.weir.log().contains("output siem is down"),
        "{}",
        stand.weir.log()
    );
    stand.weir.crash();
    stand.weir.resume().unwrap();
    work(&stand, 2);
    let siem = Receiver::start(Protocol::Http, port, None);
    siem.refuse(&[503, 413]);
    until("it takes something", || !siem.events().is_empty());
    complete(&stand, || siem.events());
    until("it is told to be up", || health(&stand)["up"] == true);
    until("nothing waits", || health(&stand)["entries_behind"] == 0);
    assert!(stand.weir.log().contains("output siem is up again"));
    let heads = siem.told.lock().unwrap().heads.clone();
    assert!(
        heads
            .iter()
            .all(|head| head.starts_with("POST /in?x=1 HTTP/1.1")),
        "{heads:?}"
    );
    assert!(
        heads
            .iter()
            .all(|head| head.contains("authorization: Bearer s3cret\r\n")),
        "{heads:?}"
    );
    assert!(!stand.weir.log().contains("s3cret"));
    // Kills in the middle of it all.
    for _ in 0..3 {
        work(&stand, 1);
        stand.weir.crash();
        stand.weir.resume().unwrap();
    }
    complete(&stand, || siem.events());
}

#[test]
fn a_server_with_a_certificate_of_others_is_told_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (right, other) = (folder.path().join("right"), folder.path().join("other"));
    std::fs::create_dir(&right).unwrap();
    std::fs::create_dir(&other).unwrap();
    let (right, other) = (certificates(&right).unwrap(), certificates(&other).unwrap());
    let honest = Receiver::start(Protocol::Http, 0, Some(&right));
    let impostor = Receiver::start(Protocol::Http, 0, Some(&other));
    let syslog = Receiver::start(Protocol::Syslog, 0, Some(&right));
    let ca = right.authority.display();
    let stand = with_output(&format!(
        "[[output]]\nname = \"honest\"\nkind = \"ocsf\"\nendpoint = \"https://localhost:{}/\"\nca = \"{ca}\"\n\
         [[output]]\nname = \"impostor\"\nkind = \"ocsf\"\nendpoint = \"https://localhost:{}/\"\nca = \"{ca}\"\n\
         [[output]]\nname = \"logs\"\nkind = \"ocsf\"\nsyslog = \"tls://localhost:{}\"\nca = \"{ca}\"\n",
        honest.port, impostor.port, syslog.port
    ));
    work(&stand, 1);
    complete(&stand, || honest.events());
    complete(&stand, || syslog.events());
    until("the fault is told", || {
        stand
            .weir
            .log()
            .contains("output impostor is down: TLS with")
    });
    assert!(impostor.events().is_empty() && impostor.told.lock().unwrap().heads.is_empty());
}

#[test]
fn syslog_messages_are_as_rfc_5424_says() {
    let tcp = Receiver::start(Protocol::Syslog, 0, None);
    let udp = Receiver::datagrams();
    let mut stand = with_output(&format!(
        "[[output]]\nname = \"tcp\"\nkind = \"ocsf\"\nsyslog = \"tcp://127.0.0.1:{}\"\n\
         [[output]]\nname = \"udp\"\nkind = \"ocsf\"\nsyslog = \"udp://127.0.0.1:{}\"\n\
         disclose = [\"text\"]\n",
        tcp.port, udp.port
    ));
    work(&stand, 1);
    stand.weir.crash();
    stand.weir.resume().unwrap();
    // More than a datagram holds.
    let long = format!("select id from notes where text = '{}'", "x".repeat(70_000));
    stand.client("alice").query(&long).unwrap();
    complete(&stand, || tcp.events());
    complete_but_for_length(&stand, &udp);
    let heads = tcp.told.lock().unwrap().heads.clone();
    for head in heads {
        let fields: Vec<&str> = head.split(' ').collect();
        let [priority, time, host, app, process, id, data, rest] = fields[..] else {
            panic!("{head}")
        };
        // Facility 13, log audit; severities error to informational.
        assert!(
            ["<107>1", "<108>1", "<109>1", "<110>1"].contains(&priority),
            "{head}"
        );
        assert!(
            time.ends_with('Z') && time.len() == "2026-11-21T01:03:52.123456Z".len(),
            "{head}"
        );
        assert!(
            !host.is_empty() && app == "weir" && process.parse::<u32>().is_ok(),
            "{head}"
        );
        assert!(
            id.parse::<u32>().is_ok() && data == "-" && rest.is_empty(),
            "{head}"
        );
    }
}

/// As [`complete`]; what does not fit into a datagram is shortened, and says so.
fn complete_but_for_length(stand: &Stand, udp: &Receiver) {
    complete(stand, || udp.events());
    let events = udp.events();
    let short: Vec<_> = events
        .iter()
        .filter(|e| e["metadata"]["is_truncated"] == true)
        .collect();
    assert_eq!(short.len(), 1, "{short:#?}");
    assert_eq!(
        short[0]["query_info"]["query_string"]
            .as_str()
            .unwrap()
            .len(),
        1024
    );
}

#[test]
fn a_new_output_may_begin_now_and_goes_on_from_there() {
    let mut stand = Stand::usual();
    work(&stand, 1);
    let file = stand.folder.path().join("events.jsonl");
    stand.weir.stop();
    let before = owed(&stand).last().copied().unwrap();
    stand.edit("weir.toml", |text| {
        text + "\n[[output]]\nname = \"late\"\nkind = \"ocsf\"\nfile = \"events.jsonl\"\nstart = \"now\"\n"
    });
    stand.weir.resume().unwrap();
    stand.weir.crash();
    stand.weir.resume().unwrap();
    work(&stand, 1);
    let last = owed(&stand).last().copied().unwrap();
    until("the last is told", || {
        told(&lines_of(&file)).last() >= Some(&last)
    });
    let seen = told(&lines_of(&file));
    assert!(seen.first() > Some(&before), "{before}: {seen:?}");
}

#[test]
fn syslog_loses_what_is_on_its_way() {
    // Takes a connection and reads nothing of it.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let stand = with_output(&format!(
        "[[output]]\nname = \"logs\"\nkind = \"ocsf\"\nsyslog = \"tcp://127.0.0.1:{port}\""
    ));
    let (taken, _) = deaf.accept().unwrap();
    work(&stand, 1);
    until("all is handed over", || {
        let (_, page) = stand.weir.get("/metrics").unwrap();
        let told = page.contains("weir_output_lag_entries{output=\"logs\"} 0\n");
        told && page.contains("weir_output_up{output=\"logs\"} 1\n")
    });
    let before = owed(&stand);
    drop((taken, deaf));
    let late = Receiver::start(Protocol::Syslog, port, None);
    work(&stand, 1);
    let last = owed(&stand).last().copied();
    until("the last is told", || {
        told(&late.events()).last().copied() >= last
    });
    let seen = told(&late.events());
    assert!(
        before.iter().any(|one| !seen.contains(one)),
        "nothing was lost"
    );
}
