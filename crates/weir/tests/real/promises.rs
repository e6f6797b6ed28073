//! The promises of Weir, each as far as a running gateway can show it.

use xtask::lab::Extended;
use xtask::lab::client::message;

use crate::stand::{Stand, balanced, error, policies, refused, rule, until};

/// A raw value of the labelled column, as it must never leave.
const RAW: &str = "ada@shop.example";

#[test]
fn one_gate_judges_a_statement_alike_however_it_comes() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let text = "select id from customers where upper(email) = 'X'";
    let simple = refused(&mut alice, text);
    let parsed = alice.extended(text, &Extended::default()).unwrap();
    assert_eq!(rule(error(&parsed)), simple);
    for other in [
        format!("prepare p as {text}"),
        format!("begin; declare c cursor for {text}"),
        format!("copy ({text}) to stdout"),
        format!("explain {text}"),
        format!("create temp table t as {text}"),
    ] {
        assert_eq!(refused(&mut alice, &other), simple, "{other}");
        alice.query("rollback").unwrap();
    }
}

#[test]
fn only_a_cleared_statement_reaches_the_database() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let mut server = stand.direct();
    let count =
        |server: &mut xtask::lab::Client| server.run("select count(*) from notes").unwrap().value();
    for text in [
        "delete from notes",
        "truncate notes",
        "insert into notes values (90, 'a'); drop table notes",
        "with gone as (delete from notes returning id) select 1 from gone",
        "do $$ begin delete from notes; end $$",
        "explain analyze delete from notes",
    ] {
        refused(&mut alice, text);
        let told = alice.extended(text, &Extended::default()).unwrap();
        assert!(told.error().is_some(), "{text}");
        assert_eq!(count(&mut server), "10", "{text}");
    }
    // What is pipelined behind the refusal does not run either, up to Sync.
    let mut bytes = message::parse("", "truncate notes", &[]);
    bytes.extend(message::bind("", "", &[], 0));
    bytes.extend(message::execute("", 0));
    bytes.extend(message::parse(
        "",
        "insert into notes values (91, 'a')",
        &[],
    ));
    bytes.extend(message::bind("", "", &[], 0));
    bytes.extend(message::execute("", 0));
    bytes.extend(message::sync());
    alice.send(&bytes).unwrap();
    assert_eq!(alice.finish().unwrap().errors.len(), 1);
    assert_eq!(count(&mut server), "10");
}

#[test]
fn what_weir_cannot_tell_fails_closed_is_recorded_and_explained() {
    let stand = Stand::with(
        "create function anything() returns int language plpgsql as 'begin return 1; end'",
        |configuration| configuration,
    );
    let mut alice = stand.client("alice");
    let long = format!("select 1 /* {} */", "x".repeat(2 << 20));
    let deep = format!("select {}1{}", "(".repeat(2000), ")".repeat(2000));
    for text in [
        "select anything()",
        "do $$ begin perform 1; end $$",
        "select pg_read_file('/etc/passwd')",
        "select * from query_to_xml('select 1', true, true, '')",
        "copy notes to '/tmp/notes'",
        "copy notes to program 'cat'",
        "selct",
        "select * from pg_stat_activity",
        &long,
        &deep,
    ] {
        let before = stand.entries_of("statement.intent").len();
        let answer = alice.query(text).unwrap();
        let told = error(&answer);
        assert!(!rule(told).is_empty());
        let after = stand.entries_of("statement.intent");
        assert!(after.len() > before, "not recorded: {:.60}", text);
        assert_eq!(after.last().unwrap()["decision"], "deny", "{:.60}", text);
    }
    assert_eq!(alice.run("select 1").unwrap().value(), "1");
}

#[test]
fn a_masked_value_never_leaves() {
    let stand = Stand::with(
        "create view seen as select id, email from customers;
         create table wide (id int, tags text[], doc jsonb, mail varchar(40), code char(20));
         insert into wide values (1, array['ada@shop.example', null], '{\"a\": \"ada@shop.example\"}', 'ada@shop.example', 'ada@shop.example');",
        |mut configuration| {
            let labels = &mut configuration.targets[0].labels;
            for column in ["tags", "doc", "mail", "code"] {
                labels.push((format!("public.wide.{column}"), "email".into()));
            }
            configuration
        },
    );
    let mut alice = stand.client("alice");
    let columns = "select id, tags, doc, mail, code from wide";
    for text in [
        "select email from customers where id = 1",
        "select * from seen",
        "select c.email from customers c join notes n on n.id = c.id",
        "with x as (select email from customers) select email from x",
        "copy customers to stdout",
        "copy customers (email) to stdout (format csv, header)",
        "copy customers to stdout (format binary)",
        "copy (select email from customers) to stdout",
        "update customers set name = name where id = 1 returning email",
        "begin; declare c binary cursor for select email from customers; fetch all from c; commit",
        "prepare p as select email from customers; execute p",
        columns,
        "select email::int from customers",
        "insert into customers select id, name, email, region from customers",
        "update customers set id = 2 where id = 1",
        "select * from customers where email = 'ada@shop.example'",
        "explain (analyze, verbose) select * from customers where email = 'ada@shop.example'",
        "select most_common_vals from pg_stats where tablename = 'customers'",
        "select query_to_xml('select email from customers', true, true, '')",
        "select string_agg(email, ',') from customers",
        "select to_json(customers) from customers",
        "select customers from customers",
    ] {
        for answer in [
            alice.query(text).unwrap(),
            alice
                .extended(
                    text,
                    &Extended {
                        describe: true,
                        ..Extended::default()
                    },
                )
                .unwrap(),
            alice
                .extended(
                    text,
                    &Extended {
                        describe: true,
                        binary: true,
                        ..Extended::default()
                    },
                )
                .unwrap(),
        ] {
            assert!(!answer.contains(RAW), "{text}: {:?}", answer.rows());
        }
        alice.query("rollback").unwrap();
        alice.query("deallocate all").unwrap();
    }
    let masked = alice.run(columns).unwrap();
    assert_eq!(masked.rows()[0].len(), 5);
    balanced(&stand);
}

#[test]
fn nothing_happens_off_the_record_though_the_gateway_is_killed() {
    let mut stand = Stand::usual();
    let mut alice = stand.client("alice");
    for id in 101..110 {
        alice
            .run(&format!("insert into notes values ({id}, 'kept')"))
            .unwrap();
    }
    alice
        .send(&message::query(
            "insert into notes select 200, pg_sleep(30)::text",
        ))
        .unwrap();
    until("it waits in the database", || {
        stand.direct().run("select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and state = 'active' and pid <> pg_backend_pid()").unwrap().value() == "1"
    });
    stand.weir.crash();
    stand.weir.resume().unwrap();
    stand.weir.command(&["ledger", "verify"]).unwrap();
    let intents = stand.entries_of("statement.intent");
    let inserts = intents
        .iter()
        .filter(|entry| entry["command"] == "INSERT")
        .count();
    assert_eq!(inserts, 10, "{intents:#?}");
    assert_eq!(
        stand
            .direct()
            .run("select count(*) from notes where id between 101 and 109")
            .unwrap()
            .value(),
        "9"
    );
}

#[test]
fn a_refusal_is_an_error_and_no_hang_up() {
    let stand = Stand::with("", |configuration| policies(configuration, ""));
    let mut alice = stand.client("alice");
    let answer = alice.query("drop table notes").unwrap();
    let told = error(&answer);
    assert_eq!(told.field('V'), "ERROR");
    assert_eq!(told.code(), "42501");
    assert!(!told.hint().is_empty());
    let detail: serde_json::Value = serde_json::from_str(told.detail()).unwrap();
    assert_eq!(
        (&detail["v"], &detail["decision"]),
        (&1.into(), &"deny".into()),
        "{detail}"
    );
    assert_eq!(detail["rule"], "prod-no-destroy");
    assert_eq!(answer.status, b'I');
    assert!(!answer.closed);
    // Inside a transaction it fails the transaction, and a savepoint survives it.
    alice.run("begin").unwrap();
    alice.run("insert into notes values (300, 'a')").unwrap();
    alice.run("savepoint x").unwrap();
    assert_eq!(alice.query("drop table notes").unwrap().status, b'E');
    alice.run("rollback to x").unwrap();
    assert_eq!(alice.run("commit").unwrap().status, b'I');
    assert_eq!(
        alice.run("select count(*) from notes").unwrap().value(),
        "11"
    );
}
