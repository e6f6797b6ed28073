//! `/metrics`, read by Prometheus' own parser.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use xtask::lab::{Client, install, python, skip};

use crate::stand::{Stand, until};

/// The samples of a page, by family; `None` where there is no parser.
fn parsed(page: &str) -> Option<Value> {
    let python = python::environment("prometheus", &["prometheus-client==0.26.0"])
        .map_err(|why| skip(&format!("Prometheus' parser: {why:#}")))
        .ok()?;
    let read = python::script(&python, include_str!("metrics.py"), page.as_bytes()).unwrap();
    Some(serde_json::from_str(&read).unwrap())
}

fn page(stand: &Stand) -> String {
    let (status, page) = stand.weir.get("/metrics").unwrap();
    assert_eq!(status, 200);
    page
}

/// The value of the sample with these labels, 0 if there is none.
fn value(families: &Value, family: &str, name: &str, labels: Value) -> f64 {
    let samples = families[family]
        .as_array()
        .unwrap_or_else(|| panic!("no {family}: {families:#}"));
    let found = samples
        .iter()
        .find(|one| one["name"] == name && one["labels"] == labels);
    found.map_or(0.0, |one| one["value"].as_f64().unwrap())
}

#[test]
fn metrics_count_what_happened() {
    let output = "\n[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nfile = \"events.jsonl\"\n";
    let stand = Stand::edited(&crate::stand::SERVER, "", |c| c, |_, text| text + output);
    let mut alice = stand.client("alice");
    for _ in 0..5 {
        alice.run("select id, email from customers").unwrap();
    }
    alice.query("drop table notes").unwrap();
    alice.query("select length(email) from customers").unwrap();
    let mut wrong = stand.connect("alice");
    wrong.password = "weir_wrong".into();
    assert!(Client::connect(&wrong).is_err());
    let page = || page(&stand);
    let settled = [
        "weir_output_lag_entries{output=\"siem\"} 0\n",
        "weir_ledger_lag_entries{stage=\"fsync\"} 0\n",
    ];
    until("all is on disk and told", || {
        let page = page();
        settled.iter().all(|line| page.contains(line))
    });
    let Some(families) = parsed(&page()) else {
        return;
    };
    let statements = |command: &str, decision: &str| {
        let labels = json!({ "target": "shop", "command": command, "decision": decision });
        value(
            &families,
            "weir_statements",
            "weir_statements_total",
            labels,
        ) as u64
    };
    assert_eq!(statements("select", "allow"), 6);
    assert_eq!(statements("definition", "deny"), 1);
    let shop = || json!({ "target": "shop" });
    let of =
        |name: &str, labels: Value| value(&families, name.trim_end_matches("_total"), name, labels);
    assert_eq!(of("weir_statements_degraded_total", shop()) as u64, 1);
    let email = json!({ "target": "shop", "label": "email" });
    assert_eq!(of("weir_masked_cells_total", email) as u64, 15);
    assert_eq!(of("weir_sessions_open", shop()) as u64, 1);
    assert_eq!(of("weir_sessions_opened_total", shop()) as u64, 1);
    let reason = json!({ "reason": "wrong_key" });
    assert_eq!(of("weir_authentication_failures_total", reason) as u64, 1);
    assert_eq!(of("weir_ledger_ready", json!({})) as u64, 1);
    let stage = json!({ "stage": "fsync" });
    assert_eq!(of("weir_ledger_lag_entries", stage) as u64, 0);
    assert_eq!(of("weir_output_up", json!({ "output": "siem" })) as u64, 1);
    assert!(of("weir_output_events_total", json!({ "output": "siem" })) >= 8.0);
    let count = |name: &str| value(&families, name, &format!("{name}_count"), json!({}));
    // Each of seven statements came and went at least once, in each direction.
    assert!(count("weir_request_added_seconds") >= 7.0);
    assert!(count("weir_response_added_seconds") >= 7.0);
    assert!(count("weir_ledger_fsync_seconds") >= 1.0);
    let sum = |name: &str| value(&families, name, &format!("{name}_sum"), json!({}));
    assert!(sum("weir_request_added_seconds") > 0.0);
    // Nobody's name and no text is on the page.
    for word in ["alice", "customers", "notes"] {
        assert!(!page().contains(word), "{word}");
    }
    linted(&page());
}

/// By `promtool check metrics`, where there is one.
fn linted(page: &str) {
    let Some(promtool) = install::on_path("promtool") else {
        return skip("promtool is not on the PATH (Debian: prometheus)");
    };
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}\n{page}");
    assert_eq!(said, "", "{page}");
}

#[test]
fn metrics_tell_of_an_output_that_is_down() {
    let port = xtask::lab::process::free_port().unwrap();
    let output = format!(
        "\n[[output]]\nname = \"siem\"\nkind = \"ocsf\"\nendpoint = \"http://127.0.0.1:{port}\"\n"
    );
    let stand = Stand::edited(&crate::stand::SERVER, "", |c| c, |_, text| text + &output);
    stand.client("alice").run("select 1").unwrap();
    until("it is down", || {
        page(&stand).contains("weir_output_up{output=\"siem\"} 0\n")
    });
    let Some(families) = parsed(&page(&stand)) else {
        return;
    };
    let siem = || json!({ "output": "siem" });
    let of = |name: &str| value(&families, name.trim_end_matches("_total"), name, siem());
    assert!(of("weir_output_lag_entries") >= 1.0);
    assert!(of("weir_output_lag_seconds") > 0.0);
    assert!(of("weir_output_failures_total") >= 1.0);
    assert_eq!(of("weir_output_events_total") as u64, 0);
}
