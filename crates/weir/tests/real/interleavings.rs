//! A masked principal's statements while somebody else changes what names mean.

use xtask::lab::client::message;
use xtask::lab::{Answer, Client};

use crate::stand::{Stand, balanced, error, policies, refused, rule, until};

/// Gives the name of a clean column to the masked one, and takes it back.
const SWAP: [&str; 2] = [
    "alter table customers rename name to plain",
    "alter table customers rename email to name",
];
const BACK: [&str; 2] = [
    "alter table customers rename name to email",
    "alter table customers rename plain to name",
];

fn stand() -> Stand {
    Stand::with("", |configuration| {
        policies(
            configuration.principal("root", "human", &["engineers", "pii-readers", "root"]),
            "@id(\"root-may\") permit (principal in Group::\"root\", action, resource);",
        )
    })
}

/// Waits until a session of `who` waits for a lock.
fn blocked(stand: &Stand, who: &str) {
    let mut direct = stand.direct();
    let waiting = format!(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and application_name like '%[{who}]'"
    );
    until("a session waits for a lock", || {
        direct.run(&waiting).unwrap().value() == "1"
    });
}

/// What `alice` is told of what she sent before `definer` committed `definitions`.
fn race(
    stand: &Stand,
    definer: &mut Client,
    definitions: &[&str],
    alice: &mut Client,
    sent: &[u8],
) -> Answer {
    definer.run("begin").unwrap();
    for definition in definitions {
        definer.run(definition).unwrap();
    }
    alice.send(sent).unwrap();
    blocked(stand, "alice");
    definer.run("commit").unwrap();
    alice.finish().unwrap()
}

fn extended(sql: &str) -> Vec<u8> {
    let mut bytes = message::parse("", sql, &[]);
    bytes.extend(message::bind("", "", &[], 0));
    bytes.extend(message::execute("", 0));
    bytes.extend(message::sync());
    bytes
}

fn withheld(answer: &Answer, code: &str) {
    assert!(!answer.contains("SHOP.EXAMPLE"), "{:?}", answer.rows());
    assert!(!answer.contains("shop.example"), "{:?}", answer.rows());
    assert_eq!(error(answer).code(), code);
    assert_eq!(rule(error(answer)), "weir.definitions-changed");
}

/// It is taken for what computes with a masked column.
fn judged_anew(client: &mut Client, sql: &str) {
    let answer = client.query(sql).unwrap();
    let told = answer.errors.first().or(answer.notices.first());
    let rule = told.map(rule).unwrap_or_default();
    let known = matches!(&*rule, "weir.masked-use" | "weir.degraded");
    assert!(known, "{sql}: {rule} {:?}", answer.rows());
    assert!(!answer.contains("@shop"), "raw: {sql}");
}

#[test]
fn a_statement_that_waits_for_a_definition_tells_nothing() {
    let stand = stand();
    let mut alice = stand.client("alice");
    for who in ["dana", "root"] {
        let mut definer = stand.client(who);
        for sql in [
            "select upper(name) from customers where id = 1",
            "select id from customers where name like 'ada@%'",
            "select count(*) from customers where name like '%@%'",
            "select name::int from customers",
            "copy (select upper(name) from customers) to stdout",
        ] {
            for sent in [message::query(sql), extended(sql)] {
                let answer = race(&stand, &mut definer, &SWAP, &mut alice, &sent);
                withheld(&answer, "40001");
                // The connection lives, and the statement is judged anew.
                judged_anew(&mut alice, sql);
                assert_eq!(alice.run("select 1").unwrap().value(), "1");
                for definition in BACK {
                    definer.run(definition).unwrap();
                }
                let plain = alice.query(sql).unwrap();
                assert!(plain.error().is_none_or(|error| error.code() == "22P02"));
            }
        }
    }
    drop(alice);
    balanced(&stand);
}

#[test]
fn an_autocommitted_definition_is_seen_as_well() {
    let view = "create view people as select id, name as what from customers";
    let stand = Stand::with(view, |configuration| configuration);
    let (mut alice, mut dana) = (stand.client("alice"), stand.client("dana"));
    let mut direct = stand.direct();
    // Both wait for the same lock, the definition first.
    direct
        .run("begin; lock table people in access exclusive mode")
        .unwrap();
    let change = "create or replace view people as select id, email as what from customers";
    dana.send(&message::query(change)).unwrap();
    blocked(&stand, "dana");
    let read = "select upper(what) from people where id = 1";
    alice.send(&message::query(read)).unwrap();
    blocked(&stand, "alice");
    direct.run("commit").unwrap();
    assert!(dana.finish().unwrap().error().is_none());
    withheld(&alice.finish().unwrap(), "40001");
    judged_anew(&mut alice, read);
}

/// What is sent has no reference left to the column that was masked, but to the one that is now.
#[test]
fn a_statement_sent_with_null_for_a_column_tells_nothing_either() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let sql = "select upper(name), lower(email) from customers where id = 1";
    for sent in [message::query(sql), extended(sql)] {
        let answer = race(&stand, &mut dana, &SWAP, &mut alice, &sent);
        withheld(&answer, "40001");
        for definition in BACK {
            dana.run(definition).unwrap();
        }
    }
    balanced(&stand);
}

#[test]
fn a_definer_who_leaves_is_waited_for() {
    let view = "create view people as select id, name as what from customers";
    let stand = Stand::with(view, |configuration| configuration);
    let (mut alice, mut dana) = (stand.client("alice"), stand.client("dana"));
    let mut direct = stand.direct();
    direct
        .run("begin; lock table people in access exclusive mode")
        .unwrap();
    let change = "create or replace view people as select id, email as what from customers";
    dana.send(&message::query(change)).unwrap();
    blocked(&stand, "dana");
    let read = "select upper(what) from people where id = 1";
    alice.send(&message::query(read)).unwrap();
    blocked(&stand, "alice");
    drop(dana);
    direct.run("commit").unwrap();
    // The definition was cancelled, or it took effect.
    let answer = alice.finish().unwrap();
    assert!(!answer.contains("SHOP.EXAMPLE"), "{:?}", answer.rows());
}

#[test]
fn in_a_transaction_the_transaction_fails() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let sql = "select upper(name) from customers where id = 1";
    for sent in [message::query(sql), extended(sql)] {
        alice.run("begin; select id from notes").unwrap();
        let answer = race(&stand, &mut dana, &SWAP, &mut alice, &sent);
        withheld(&answer, "40001");
        let next = alice.query("select id from notes").unwrap();
        assert_eq!(error(&next).code(), "25P02");
        alice.run("rollback").unwrap();
        for definition in BACK {
            dana.run(definition).unwrap();
        }
    }
}

#[test]
fn cursors_and_prepared_statements_are_no_way_round() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let sql = "select upper(name) from customers where id = 1";
    alice.run(&format!("prepare p as {sql}")).unwrap();
    let mut bound = message::bind("", "s", &[], 0);
    bound.extend(message::execute("", 1));
    bound.extend(message::sync());
    let mut named = message::parse("s", sql, &[]);
    named.extend(message::sync());
    alice.send(&named).unwrap();
    alice.finish().unwrap();
    for (before, sent) in [
        (
            "begin",
            message::query(&format!("declare c cursor for {sql}")),
        ),
        ("begin", message::query("execute p")),
        ("", message::query("execute p")),
        ("", bound),
    ] {
        alice.run(before).unwrap();
        let answer = race(&stand, &mut dana, &SWAP, &mut alice, &sent);
        withheld(&answer, "40001");
        let _ = alice.query("rollback").unwrap();
        for definition in BACK {
            dana.run(definition).unwrap();
        }
    }
}

#[test]
fn a_write_that_took_effect_says_so() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let sql = "update customers set region = 'x' where name like 'ada@%'";
    let answer = race(&stand, &mut dana, &SWAP, &mut alice, &message::query(sql));
    withheld(&answer, "40003");
    assert!(!answer.contains("UPDATE"));
}

#[test]
fn definitions_of_other_relations_hold_nobody_up() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let rename = "alter table notes rename text to words";
    let lock = "lock table customers in access exclusive mode";
    let sent = message::query("select upper(name) from customers where id = 1");
    let answer = race(&stand, &mut dana, &[rename, lock], &mut alice, &sent);
    assert_eq!(answer.value(), "ADA");
    let sent = extended("select upper(name) from customers where id = 1");
    let rename = "alter table notes rename words to text";
    let answer = race(&stand, &mut dana, &[rename, lock], &mut alice, &sent);
    assert_eq!(answer.value(), "ADA");
}

#[test]
fn an_old_snapshot_is_not_taken_for_what_names_mean() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut dana = stand.client("dana");
    let sql = "select upper(name) from customers where id = 1";
    for level in ["repeatable read", "serializable"] {
        alice
            .run(&format!(
                "begin isolation level {level}; select id from notes"
            ))
            .unwrap();
        for definition in SWAP {
            dana.run(definition).unwrap();
        }
        // Without definitions of its own, the transaction is judged by the shared catalog.
        judged_anew(&mut alice, sql);
        alice.run("rollback").unwrap();
        for definition in BACK {
            dana.run(definition).unwrap();
        }
        alice
            .run(&format!(
                "begin isolation level {level}; select id from notes"
            ))
            .unwrap();
        for definition in SWAP {
            dana.run(definition).unwrap();
        }
        alice.run("create table fresh (id int)").unwrap();
        assert_eq!(refused(&mut alice, sql), "weir.old-snapshot");
        alice.run("rollback").unwrap();
        for definition in BACK {
            dana.run(definition).unwrap();
        }
    }
    alice.run("begin; create table fresh (id int)").unwrap();
    assert_eq!(alice.run(sql).unwrap().value(), "ADA");
}
