//! OpenTelemetry: what a collector is sent, decoded by the official classes.

use std::fmt::Write;

use serde_json::Value;
use xtask::lab::{python, skip};

use crate::receiver::{Protocol, Receiver};
use crate::stand::{SERVER, Stand, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// Everything the collector took; `None` where the classes cannot be had.
fn decoded(collector: &Receiver) -> Option<Value> {
    let packages = [
        "opentelemetry-proto==1.45.2",
        "opentelemetry-semantic-conventions==0.66b2",
    ];
    let python = python::environment("otlp", &packages)
        .map_err(|why| skip(&format!("OpenTelemetry's classes: {why:#}")))
        .ok()?;
    let mut lines = String::new();
    for (head, body) in &collector.told.lock().unwrap().bodies {
        assert!(
            head.contains("content-type: application/x-protobuf\r\n"),
            "{head}"
        );
        write!(lines, "{} ", head.split(' ').nth(1).unwrap()).unwrap();
        for byte in body {
            write!(lines, "{byte:02x}").unwrap();
        }
        lines.push('\n');
    }
    let told = python::script(&python, include_str!("otlp.py"), lines.as_bytes());
    Some(serde_json::from_str(&told.unwrap_or_else(|fault| panic!("{fault}"))).unwrap())
}

fn caught_up(stand: &Stand) {
    until("the collector has it all", || {
        let (_, page) = stand.weir.get("/metrics").unwrap();
        let fsync = "weir_ledger_lag_entries{stage=\"fsync\"} 0\n";
        page.contains("weir_output_lag_entries{output=\"otel\"} 0\n") && page.contains(fsync)
    });
}

fn with_collector(collector: &Receiver, more: &str) -> Stand {
    let output = format!(
        "\n[[output]]\nname = \"otel\"\nkind = \"otlp\"\nendpoint = \"http://127.0.0.1:{}/otlp/\"\n{more}\n",
        collector.port
    );
    Stand::edited(&SERVER, "", |c| c, |_, text| text + &output)
}

fn spans<'a>(told: &'a Value, summary: &str) -> Vec<&'a Value> {
    let all = told["spans"].as_array().unwrap();
    all.iter().filter(|span| span["name"] == summary).collect()
}

#[test]
fn spans_join_the_callers_trace_and_name_things_as_the_conventions_do() {
    let collector = Receiver::start(Protocol::Http, 0, None);
    let mut stand = with_collector(&collector, "");
    let mut helper = stand.client("helper");
    let comment = |flags: &str| format!("/*traceparent='00-{TRACE}-{SPAN}-{flags}',purpose='x'*/");
    helper
        .run(&format!(
            "select id, email from customers where id = 42 {}",
            comment("01")
        ))
        .unwrap();
    helper
        .run(&format!("select text from notes {}", comment("00")))
        .unwrap();
    helper.run("select name from customers").unwrap();
    let mut alice = stand.client("alice");
    alice.query("drop table notes").unwrap();
    alice.query("select 1 / (id - 1) from notes").unwrap();
    caught_up(&stand);
    // The last second is told again, as the same spans.
    stand.weir.crash();
    stand.weir.resume().unwrap();
    caught_up(&stand);
    let Some(told) = decoded(&collector) else {
        return;
    };
    assert_eq!(told["resources"][0]["service.name"], "weir");

    let joined = spans(&told, "SELECT public.customers");
    let of_trace: Vec<_> = joined
        .iter()
        .filter(|span| span["trace"] == TRACE)
        .collect();
    let span = of_trace[0];
    assert!(of_trace.iter().all(|again| again["span"] == span["span"]));
    assert_eq!((&span["parent"], &span["kind"]), (&SPAN.into(), &3.into()));
    assert_eq!(span["flags"], 0x301);
    let named = &span["attributes"];
    for (name, value) in [
        ("db.system.name", Value::from("postgresql")),
        ("db.namespace", stand.database.as_str().into()),
        ("db.operation.name", "SELECT".into()),
        ("db.collection.name", "public.customers".into()),
        ("db.query.summary", "SELECT public.customers".into()),
        ("db.response.returned_rows", 0.into()),
        ("server.address", "127.0.0.1".into()),
        ("server.port", SERVER.port().into()),
        ("user.id", "helper".into()),
        ("weir.on_behalf_of", "alice".into()),
        ("weir.masks", Value::from(vec!["email"])),
    ] {
        assert_eq!(named[name], value, "{name}: {named:#}");
    }
    let query = named["db.query.text"].as_str().unwrap();
    assert!(
        query.contains("customers") && !query.contains("42"),
        "{query}"
    );
    assert!(named.get("client.address").is_none() && named.get("weir.purpose").is_none());

    // The caller sampled it not: no span, and the log stands in the caller's.
    assert!(
        spans(&told, "SELECT public.notes")
            .iter()
            .all(|span| span["trace"] != TRACE)
    );
    let logs = told["logs"].as_array().unwrap();
    assert!(logs.iter().all(|log| log["event"] == "db.audit"));
    let summary = |log: &&Value| log["attributes"]["db.query.summary"] == "SELECT public.notes";
    let log = logs
        .iter()
        .filter(summary)
        .find(|log| log["trace"] == TRACE)
        .unwrap();
    assert_eq!((&log["span"], &log["flags"]), (&SPAN.into(), &0.into()));

    // A caller without a trace begins one.
    let alone = joined.iter().find(|span| span["trace"] != TRACE).unwrap();
    assert_eq!(alone["parent"], "");

    let refused = spans(&told, "DROP TABLE public.notes")[0];
    assert_eq!(refused["attributes"]["error.type"], "refused");
    let failed = spans(&told, "SELECT public.notes")[0];
    assert_eq!(failed["attributes"]["db.response.status_code"], "22012");
    assert_eq!(failed["attributes"]["error.type"], "22012");
    assert_eq!(failed["status"], 2);
    // Sessions and the rest are log events.
    let kinds = |kind: &str| {
        logs.iter()
            .any(|log| log["attributes"]["weir.kind"] == kind)
    };
    assert!(kinds("session.open") && kinds("log.open") && kinds("log.gap"));
}

#[test]
fn signals_may_be_chosen_and_disclosures_named() {
    let collector = Receiver::start(Protocol::Http, 0, None);
    let more = "signals = [\"logs\"]\ndisclose = [\"address\", \"text\"]";
    let stand = with_collector(&collector, more);
    stand
        .client("alice")
        .run("select id from customers where id = 42")
        .unwrap();
    caught_up(&stand);
    let Some(told) = decoded(&collector) else {
        return;
    };
    assert_eq!(told["spans"].as_array().unwrap().len(), 0);
    let logs = told["logs"].as_array().unwrap();
    let log = logs
        .iter()
        .find(|log| log["attributes"]["db.operation.name"] == "SELECT")
        .unwrap();
    assert_eq!(log["attributes"]["client.address"], "127.0.0.1");
    assert!(
        log["attributes"]["db.query.text"]
            .as_str()
            .unwrap()
            .contains("42"),
        "{log}"
    );
}
