use super::*;
use crate::disclosure::Opened;
use crate::joined::Join;
use std::sync::Arc;

/// Reads entries written as JSON without `v`, `seq` and `at`.
fn joined(entries: &[&str]) -> Joined {
    let mut join = Join::default();
    let mut last = None;
    for (sequence, entry) in entries.iter().enumerate() {
        let leaf = format!(
            r#"{{"v":1,"seq":{sequence},"at":"2026-11-20T22:50:0{sequence}.123456789Z",{entry}}}"#
        );
        last = join.take(Read::parse(leaf.as_bytes()).unwrap());
    }
    last.unwrap()
}

const OPEN: &str = r#""kind":"session.open","session":"s1","principal":"helper","principal_kind":"agent","on_behalf_of":"alice","target":"shop","environment":"prod","tls":null,"protocol":"postgresql/3.0","key":"k1""#;
const INTENT: &str = r#""kind":"statement.intent","session":"s1","statement":7,"principal":"helper","target":"shop","command":"SELECT","shape":"select email from customers where id = $1","shape_hash":"abc","objects":[{"verb":"read","name":"public.customers"}],"columns":[{"column":"public.customers.email","label":"email","usage":"projected"}],"decision":"allow","rules":["agents-read"],"policy":"v9","masks":["email"]"#;
const OUTCOME: &str = r#""kind":"statement.outcome","intent":1,"status":"ok","rows":3,"bytes":120,"masked":[{"label":"email","cells":3}],"duration_us":41500"#;

fn source() -> Source {
    Source {
        origin: "weir.example/prod".into(),
        version: "0.1.0".into(),
    }
}

fn told(joined: &Joined) -> Vec<Value> {
    let source = source();
    let events = events(joined, &source);
    events
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .collect()
}

#[test]
fn a_masked_read_of_an_agent_is_one_event_that_names_the_human() {
    let joined = joined(&[OPEN, INTENT, OUTCOME]);
    let all = told(&joined);
    let [one] = all.as_slice() else {
        panic!("{all:?}")
    };
    let expect = |pointer: &str, value: Value| {
        assert_eq!(one.pointer(pointer), Some(&value), "{pointer}");
    };
    expect("/class_uid", 6005.into());
    expect("/type_uid", 600_504.into());
    expect("/metadata/uid", "weir.example/prod/2".into());
    expect("/metadata/sequence", 2.into());
    expect("/metadata/correlation_uid", "s1/7".into());
    expect(
        "/metadata/profiles",
        serde_json::json!(["security_control", "ai_operation"]),
    );
    expect("/time", 1_795_215_001_123_u64.into());
    expect("/duration", 41.into());
    expect("/end_time", 1_795_215_001_164_u64.into());
    expect("/actor/user/uid", "helper".into());
    expect("/actor/user/type_id", 4.into());
    expect("/observables/0/value", "alice".into());
    expect("/message_context/ai_role_id", 4.into());
    expect("/action_id", 4.into());
    expect("/disposition_id", 11.into());
    expect("/authorizations/0/policy/uid", "agents-read".into());
    expect("/table/name", "public.customers".into());
    expect(
        "/query_info/query_string",
        "select email from customers where id = $1".into(),
    );
    expect("/unmapped/leaf_index", 2.into());
    expect("/unmapped/intent_leaf_index", 1.into());
    expect("/unmapped/masked/0/cells", 3.into());
    let hash = crate::merkle::leaf_hash(b"");
    assert_ne!(one["unmapped"]["leaf_sha256"], hex(&hash));
    assert_eq!(one["unmapped"]["leaf_sha256"], hex(&joined.told.leaf_hash));
}

#[test]
fn refused_destruction_is_a_finding_besides() {
    let intent = INTENT
        .replace(r#""SELECT""#, r#""DROP TABLE""#)
        .replace(r#""read""#, r#""drop""#)
        .replace(r#""allow""#, r#""deny""#);
    let joined = joined(&[OPEN, &intent]);
    let all = told(&joined);
    let [activity, finding] = all.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!(activity["type_uid"], 600_507);
    assert_eq!(activity["disposition_id"], 2);
    assert_eq!(activity["severity_id"], 4);
    assert_eq!(finding["class_uid"], 2004);
    assert_eq!(finding["finding_info"]["types"][0], "weir.destructive");
    assert_eq!(
        finding["finding_info"]["related_events"][0]["uid"],
        activity["metadata"]["uid"]
    );
    assert_ne!(finding["metadata"]["uid"], activity["metadata"]["uid"]);
    assert_eq!(finding["resources"][0]["name"], "public.customers");
}

#[test]
fn a_harmless_refusal_is_no_finding() {
    let intent = INTENT.replace(r#""allow""#, r#""deny""#);
    assert_eq!(told(&joined(&[OPEN, &intent])).len(), 1);
}

#[test]
fn what_is_disclosed_stands_in_its_place_and_nothing_else_does() {
    let without = told(&joined(&[OPEN, INTENT, OUTCOME])).pop().unwrap();
    let mut joined = joined(&[OPEN, INTENT, OUTCOME]);
    let disclosed = |name: &str, value: &str| Opened {
        name: name.into(),
        value: value.into(),
    };
    let intent = Arc::make_mut(joined.intent.as_mut().unwrap());
    intent.disclosed = vec![
        disclosed("text", "select email from customers where id = 42"),
        disclosed("purpose", "billing"),
    ];
    let session = Arc::make_mut(joined.session.as_mut().unwrap());
    session.disclosed = vec![
        disclosed("address", "192.0.2.7"),
        disclosed("application", "psql"),
    ];
    let one = told(&joined).pop().unwrap();
    assert_eq!(
        one["query_info"]["query_string"],
        "select email from customers where id = 42"
    );
    assert_eq!(one["unmapped"]["purpose"], "billing");
    assert_eq!(one["src_endpoint"]["ip"], "192.0.2.7");
    assert_eq!(one["actor"]["app_name"], "psql");
    let text = without.to_string();
    for value in ["42\"", "billing", "192.0.2.7", "psql"] {
        assert!(!text.contains(value), "{text}");
    }
}

#[test]
fn an_outcome_whose_intent_is_gone_is_told_all_the_same() {
    let joined = joined(&[OPEN, OUTCOME]);
    let one = told(&joined).pop().unwrap();
    assert_eq!(one["status_id"], 1);
    assert_eq!(one["database"]["name"], "unknown");
    assert_eq!(one["actor"]["user"]["uid"], "unknown");
}

#[test]
fn a_shortened_event_says_so_and_keeps_its_place() {
    let joined = joined(&[OPEN, INTENT, OUTCOME]);
    let source = source();
    let event = events(&joined, &source).remove(0);
    let short = serde_json::to_value(event.shortened("select")).unwrap();
    assert_eq!(short["metadata"]["is_truncated"], true);
    assert_eq!(short["query_info"]["query_string"], "select");
    assert_eq!(short["unmapped"]["leaf_index"], 2);
    assert!(short["unmapped"].get("objects").is_none());
}
