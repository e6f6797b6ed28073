//! `weir audit`: beside a running gateway, over files that other engines read, and over S3.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use store::search::VIEWS;
use xtask::lab::process::{Guarded, Spec, free_port, wait_ready};
use xtask::lab::weir::binary;
use xtask::lab::{python, skip};

use crate::stand::{PATIENCE, Stand, until};

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What happened here: reads, masked and not, a refusal, an error, an agent.
fn busy() -> Stand {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    alice
        .query("select id, email from customers where id = 1")
        .unwrap();
    alice
        .query("select name from customers where name = 'Zoe''s secret'")
        .unwrap();
    alice.query("truncate customers").unwrap();
    alice.query("select 1 / (id - id) from notes").unwrap();
    let mut dana = stand.client("dana");
    dana.query("select email from customers").unwrap();
    dana.query("insert into notes values (11, 'eleven')")
        .unwrap();
    let mut helper = stand.client("helper");
    helper.query("select text from notes where id = 5").unwrap();
    stand
}

fn search(stand: &Stand, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["audit", "search", "--json"];
    all.extend(arguments);
    lines(&stand.weir.command(&all).unwrap())
}

#[test]
fn what_was_sent_is_found_beside_the_running_gateway() {
    let stand = busy();
    let ended = || {
        let found = search(&stand, &[]);
        found.len() >= 7
            && found
                .iter()
                .all(|row| row["decision"] != "allow" || row["status"].is_string())
    };
    until("all statements ended", ended);
    let shapes = |arguments: &[&str]| -> Vec<String> {
        let found = search(&stand, arguments);
        found
            .iter()
            .map(|row| row["shape"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(shapes(&["--who", "dana", "--verb", "insert"]).len(), 1);
    assert_eq!(
        shapes(&["--for", "alice"]),
        ["select text from notes where id = ?"]
    );
    assert_eq!(shapes(&["--label", "email", "--who", "alice"]).len(), 1);
    assert_eq!(shapes(&["FROM NOTES", "--who", "helper"]).len(), 1);
    assert_eq!(shapes(&["--decision", "deny"]).len(), 1);
    assert_eq!(shapes(&["--status", "error", "--who", "alice"]).len(), 1);
    assert_eq!(shapes(&["--object", "customers", "--who", "dana"]).len(), 1);
    assert_eq!(shapes(&["--since", "1h"]).len(), shapes(&[]).len());
    assert!(shapes(&["--until", "1h"]).is_empty());
    // A literal is nowhere, not even for who searches for it.
    assert!(shapes(&["Zoe"]).is_empty());
    // Every hit can be proved by its place.
    let hit = &search(&stand, &["--decision", "deny"])[0];
    let seq = hit["seq"].to_string();
    until("signed", || {
        stand.weir.command(&["ledger", "prove", &seq]).is_ok()
    });
    // The table is for people.
    let table = stand
        .weir
        .command(&["audit", "search", "--who", "helper"])
        .unwrap();
    assert!(table.starts_with("SEQ"), "{table}");
    assert!(table.contains("helper for alice"), "{table}");
    let nobody = stand
        .weir
        .command(&["audit", "search", "--who", "alise"])
        .unwrap();
    assert_eq!(nobody, "");
    // And in SQL, which cannot do more.
    let sql = "SELECT count(*) AS n FROM statements WHERE principal = 'dana'";
    let said = stand
        .weir
        .command(&["audit", "sql", "--json", sql])
        .unwrap();
    assert_eq!(lines(&said), [json!({ "n": 2 })]);
    let fault = stand
        .weir
        .command(&["audit", "sql", "DROP TABLE entries"])
        .unwrap_err();
    assert!(fault.to_string().contains("DDL not supported"), "{fault}");
    // The index is made anew while the gateway goes on, and is what the ledger is.
    until("all is signed", || {
        stand
            .weir
            .command(&["audit", "reindex"])
            .is_ok_and(|said| said.contains("in 1 segment"))
    });
    assert_eq!(search(&stand, &["--who", "dana"]).len(), 2);
    let said = stand
        .weir
        .command(&["audit", "reindex", "--check"])
        .unwrap();
    assert!(said.starts_with("sound:"), "{said}");
}

/// Without what has no value: engines differ in whether they say so.
fn plain(rows: &Value) -> Vec<Value> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| {
        let mut row = row.as_object().unwrap().clone();
        row.retain(|_, value| !value.is_null());
        Value::Object(row)
    })
    .collect()
}

#[test]
fn other_engines_read_the_same() {
    let packages = ["duckdb==2.0.0", "chdb==4.4.0"];
    let python = match python::environment("engines", &packages) {
        Ok(python) => python,
        Err(why) => return skip(&format!("DuckDB and ClickHouse: {why:#}")),
    };
    let stand = busy();
    let indexed = || -> (Vec<PathBuf>, u64) {
        let folder = stand.weir.folder().join("ledger/search/v1");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "parquet"));
        let ends = files.iter().map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap();
            name.split('-').nth(1).unwrap().parse::<u64>().unwrap()
        });
        let end = ends.max().unwrap_or(0);
        (files, end)
    };
    // Up to the end of the last session.
    until("indexed", || {
        let ended =
            "SELECT max(closed_seq) AS last, count(*) - count(closed_seq) AS open FROM sessions";
        let ended = stand.weir.command(&["audit", "sql", "--json", ended]);
        let ended = &lines(&ended.unwrap())[0];
        stand.weir.command(&["audit", "reindex"]).is_ok()
            && ended["open"] == 0
            && ended["last"]
                .as_u64()
                .is_some_and(|last| last < indexed().1)
    });
    let (files, end) = indexed();
    let below = format!("WHERE seq < {}", end);
    let queries: Vec<(bool, String)> = [
        (true, "SELECT seq, principal, on_behalf_of, command, fingerprint, decision, status, rows, duration_us FROM statements WHERE ORDER BY seq"),
        (true, "SELECT seq, objects, verbs, labels, masked_labels, masked_counts FROM statements WHERE AND status = 'ok' ORDER BY seq"),
        (true, "SELECT kind, count(*) AS n FROM entries WHERE GROUP BY kind ORDER BY kind"),
        (true, "SELECT principal, count(*) AS n, sum(rows) AS rows FROM statements WHERE GROUP BY principal ORDER BY principal"),
        (true, "SELECT session, principal, environment, closed_seq, reason FROM sessions WHERE ORDER BY seq"),
        (false, "SELECT seq, rule, observed FROM decisions WHERE ORDER BY seq, rule"),
        (false, "SELECT seq, label, cells FROM masks WHERE ORDER BY seq, label"),
    ]
    .map(|(plain, sql)| (plain, sql.replace("WHERE", &below)))
    .into();
    let asked = json!({
        "files": files,
        "views": VIEWS.iter().map(|view| json!({
            "name": view.name, "sql": view.sql, "plain": !view.sql.contains("unnest"),
        })).collect::<Vec<_>>(),
        "queries": queries.iter().map(|(plain, sql)| json!({ "plain": plain, "sql": sql })).collect::<Vec<_>>(),
    });
    let told = python::script(
        &python,
        include_str!("engines.py"),
        asked.to_string().as_bytes(),
    );
    let told: Value =
        serde_json::from_str(&told.unwrap_or_else(|fault| panic!("{fault:#}"))).unwrap();
    for (number, (simple, sql)) in queries.iter().enumerate() {
        let own = stand
            .weir
            .command(&["audit", "sql", "--json", sql])
            .unwrap();
        let own = plain(&Value::Array(lines(&own)));
        assert!(!own.is_empty(), "{sql}");
        assert_eq!(plain(&told["duckdb"][number]), own, "DuckDB: {sql}");
        if *simple {
            assert_eq!(plain(&told["clickhouse"][number]), own, "ClickHouse: {sql}");
        }
    }
}

#[test]
fn the_index_lies_in_a_bucket() {
    let python = match python::environment("moto", &["moto[server]==5.2.5"]) {
        Ok(python) => python,
        Err(why) => return skip(&format!("an S3 server: {why:#}")),
    };
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let spec = Spec {
        command: [
            python.to_str().unwrap(),
            "-m",
            "moto.server",
            "-p",
            &port.to_string(),
        ]
        .map(Into::into)
        .into(),
        environment: Vec::new(),
        folder: folder.path().into(),
        log: folder.path().join("log"),
        account: None,
        sweep: None,
        stop_signal: "TERM",
    };
    let mut server = Guarded::spawn(&spec).unwrap();
    let request = |head: &str| -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        let rest = "Host: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(format!("{head} HTTP/1.1\r\n{rest}").as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    };
    wait_ready("the S3 server", &mut server, PATIENCE * 4, || {
        request("PUT /audit").is_ok_and(|said| said.contains(" 200 "))
    })
    .unwrap();

    let stand = busy();
    let home = stand.weir.folder();
    let text = std::fs::read_to_string(home.join("weir.toml")).unwrap();
    let bucket = format!("{text}\n[search]\nstore = \"s3://audit/of/weir\"\n");
    std::fs::write(home.join("bucket.toml"), bucket).unwrap();
    let weir = |key: &str, arguments: &[&str]| {
        Command::new(binary().unwrap())
            .args(arguments)
            .args(["--config", "bucket.toml"])
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", key)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .current_dir(home)
            .output()
            .unwrap()
    };
    let said = |arguments: &[&str]| {
        let out = weir("key", arguments);
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    };
    let empty = said(&["audit", "search", "--json"]);
    assert!(!empty.is_empty(), "without an index, the ledger is read");
    let indexed = said(&["audit", "reindex"]);
    assert!(
        indexed.contains("in s3://audit/of/weir; removed 0"),
        "{indexed}"
    );
    let listed = request("GET /audit?list-type=2").unwrap();
    assert!(listed.contains("of/weir/v1/000000000000-"), "{listed}");
    assert!(!home.join("s3:").exists());
    let found = lines(&said(&["audit", "search", "--json", "--who", "dana"]));
    assert_eq!(found.len(), 2);
    assert!(said(&["audit", "reindex", "--check"]).starts_with("sound:"));
    // A bucket that cannot be had is told, and nothing is believed to be empty.
    server.stop();
    let out = weir("key", &["audit", "search"]);
    assert!(!out.status.success());
    let fault = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        fault.contains("cannot list the search index in s3://audit/of/weir"),
        "{fault}"
    );
}
