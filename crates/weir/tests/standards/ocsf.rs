//! OCSF 1.8.0, by the schema that schema.ocsf.io exports.

use std::path::PathBuf;

use ledger::joined::{Join, Joined, Read};
use ledger::ocsf::{Source, events};
use serde_json::{Value, json};
use xtask::lab::{python, skip};

use crate::samples::log;

/// Python with the schema, or why there is none.
pub(crate) fn checker() -> Option<PathBuf> {
    let packages = ["ocsf-json-schema==1.2.0", "jsonschema==4.25.1"];
    python::environment("ocsf", &packages)
        .map_err(|why| skip(&format!("OCSF schema: {why:#}")))
        .ok()
}

fn check(python: &std::path::Path, events: &[Value]) -> Result<Value, String> {
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    let told = python::script(python, include_str!("ocsf.py"), lines.join("\n").as_bytes());
    let told = told.map_err(|fault| fault.to_string())?;
    serde_json::from_str(told.trim()).map_err(|_| told)
}

fn joined() -> Vec<Joined> {
    let mut join = Join::default();
    let read = |leaf: &Vec<u8>| Read::parse(leaf).unwrap();
    log()
        .iter()
        .filter_map(|leaf| join.take(read(leaf)))
        .collect()
}

fn told(joined: &[Joined]) -> Vec<Value> {
    let source = Source {
        origin: "weir.example/prod".into(),
        version: "0.1.0".into(),
    };
    let all = joined.iter().flat_map(|joined| events(joined, &source));
    all.map(|event| serde_json::to_value(event).unwrap())
        .collect()
}

#[test]
fn every_kind_of_entry_is_told_as_the_schema_says() {
    let Some(python) = checker() else { return };
    let joined = joined();
    for kind in ledger::Kind::ALL {
        let told = |one: &Joined| {
            one.told.entry.kind == *kind
                || one.intent.as_ref().is_some_and(|i| i.entry.kind == *kind)
        };
        assert!(joined.iter().any(told), "no sample of {}", kind.name());
    }
    let seen = check(&python, &told(&joined)).unwrap_or_else(|faults| panic!("{faults}"));
    for class in [
        "datastore_activity",
        "authentication",
        "entity_management",
        "detection_finding",
        "event_log_actvity",
    ] {
        assert!(seen[class].as_u64() > Some(0), "{class}: {seen}");
    }
}

#[test]
fn the_schema_rejects_what_is_wrong() {
    let Some(python) = checker() else { return };
    let good = told(&joined());
    let statement = good
        .iter()
        .find(|event| event["class_uid"] == 6005)
        .unwrap();
    check(&python, std::slice::from_ref(statement)).unwrap();
    type Change = fn(&mut Value);
    let wrong: [(&str, Change); 6] = [
        ("no actor", |event| {
            drop(event.as_object_mut().unwrap().remove("actor"))
        }),
        ("no database", |event| {
            event.as_object_mut().unwrap().remove("database");
            event.as_object_mut().unwrap().remove("table");
        }),
        ("unknown attribute", |event| event["query"] = json!("x")),
        ("unknown activity", |event| event["activity_id"] = json!(42)),
        ("text for a number", |event| event["time"] = json!("now")),
        ("a wrong name for a number", |event| {
            event["action"] = json!("Refused")
        }),
    ];
    for (what, change) in wrong {
        let mut event = statement.clone();
        change(&mut event);
        assert!(check(&python, &[event]).is_err(), "taken: {what}");
    }
}
