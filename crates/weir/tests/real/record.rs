//! What is on the record, and what need not be.

use xtask::lab::client::message;
use xtask::lab::{Client, Extended};

use crate::stand::{Stand, balanced, policies};

/// Code of the database wherever a statement may run some; each piece says so.
const CODE: &str = "
    create function ran() returns boolean language plpgsql as
        'begin raise notice ''ran''; return true; end';
    create function fixed(int) returns int language plpgsql immutable as
        'begin raise notice ''ran''; return $1; end';
    create function same(int, int) returns boolean language plpgsql immutable as
        'begin raise notice ''ran''; return true; end';
    create function noted() returns trigger language plpgsql as
        'begin raise notice ''ran''; return new; end';
    create procedure work() language plpgsql as 'begin raise notice ''ran''; end';
    create domain checked as text check (ran());
    create type pair as (a int);
    create function paired(int) returns pair language plpgsql immutable as
        'begin raise notice ''ran''; return row($1); end';
    create cast (int as pair) with function paired(int) as implicit;
    create operator === (leftarg = int, rightarg = int, function = same);
    create table guarded (id int default fixed(1), word checked, twice int generated always as (fixed(2)) stored);
    alter table guarded enable row level security, force row level security;
    create policy seen on guarded using (ran());
    create trigger noted before insert on guarded for each row execute function noted();
    create view viewed as select fixed(3) as three, id from guarded where ran();";

/// An allowed Parse has no entry of its own, because nothing happens in it: this is what that stands on.
#[test]
fn the_server_runs_no_code_of_the_database_when_it_parses() {
    let stand = Stand::usual();
    let mut server = stand.direct();
    server.run("set role app").unwrap();
    server
        .run("create schema code; set search_path to code, public")
        .unwrap();
    server
        .run("reset role; grant usage on schema code to app")
        .unwrap();
    server.run(CODE).unwrap();
    for text in [
        "select fixed(1)",
        "select 1::pair",
        "select 'x'::checked",
        "select 1 === 2",
        "select * from viewed",
        "select id from guarded where fixed(1) = 1 order by fixed(2) limit fixed(3)",
        "select * from generate_series(1, fixed(3))",
        "insert into guarded (word) values ('x')",
        "insert into guarded select fixed(1), 'y'",
        "update guarded set word = 'y' where ran()",
        "delete from guarded where 1 === 2",
        "merge into guarded g using viewed v on g.id = v.id when matched then update set word = 'z'",
        "declare c cursor with hold for select fixed(1)",
        "explain select fixed(1)",
        "create table made as select fixed(1)",
        "copy (select fixed(1)) to stdout",
        "call work()",
        "do 'begin perform fixed(1); end'",
        "prepare q as select fixed(1)",
    ] {
        let parsed = server.prepare("p", text).unwrap();
        assert!(parsed.errors.is_empty(), "{text}: {:?}", parsed.errors);
        assert!(parsed.notices.is_empty(), "{text}: {:?}", parsed.notices);
        let run = server.execute("p", &Extended::default()).unwrap();
        let quiet =
            text.starts_with("prepare") || text.contains("guarded") && !text.contains("fixed");
        assert!(quiet || !run.notices.is_empty(), "{text}: {:?}", run.errors);
        server.run("deallocate p").unwrap();
    }
}

fn pieces(client: &mut Client, messages: &[Vec<u8>]) {
    client.send(&messages.concat()).unwrap();
    assert!(client.finish().unwrap().errors.is_empty());
}

#[test]
fn what_was_bound_has_one_outcome_that_tells_what_left() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let parse = || message::parse("", "select email from customers order by id", &[]);
    let bind = |portal: &str| message::bind(portal, "", &[], 0);
    let execute = |portal: &str, rows| message::execute(portal, rows);
    let sync = message::sync;
    // Executed to the end, in pieces, in part, and not at all.
    pieces(&mut alice, &[parse(), bind(""), execute("", 0), sync()]);
    alice.run("begin").unwrap();
    pieces(&mut alice, &[parse(), bind("a"), execute("a", 2), sync()]);
    pieces(&mut alice, &[execute("a", 2), sync()]);
    pieces(&mut alice, &[parse(), bind("b"), execute("b", 1), sync()]);
    pieces(&mut alice, &[parse(), bind("c"), sync()]);
    pieces(&mut alice, &[message::close(b'P', "b"), sync()]);
    alice.run("commit").unwrap();
    pieces(&mut alice, &[parse(), bind(""), execute("", 1), sync()]);
    alice.run("begin").unwrap();
    pieces(&mut alice, &[parse(), bind("d"), sync()]);
    drop(alice);
    balanced(&stand);
    let told: Vec<String> = stand
        .entries_of("statement.outcome")
        .iter()
        .filter(|entry| entry["status"] != "ok" || entry["rows"] != 0)
        .map(|entry| format!("{} {}", entry["status"].as_str().unwrap(), entry["rows"]))
        .collect();
    let expected = [
        "ok 3",
        "ok 3",
        "partial 1",
        "not_executed 0",
        "partial 1",
        "not_executed 0",
    ];
    assert_eq!(told, expected);
    // Two entries for each statement of either protocol, and no more.
    let intents = stand.entries_of("statement.intent").len();
    assert_eq!(intents, stand.entries_of("statement.outcome").len());
}

#[test]
fn a_session_refused_for_want_of_room_is_recorded() {
    let stand = Stand::with("", |mut c| {
        c.more += "[limits]\nconnections = 1\n";
        c
    });
    let _alice = stand.client("alice");
    let told = stand.turned_away(
        &stand
            .connect("helper")
            .parameter("application_name", "psql"),
    );
    assert_eq!(told.code(), "53300", "{told}");
    let refused = stand.entries_of("session.refused");
    let [entry] = refused.as_slice() else {
        panic!("{refused:?}");
    };
    assert_eq!(entry["principal"], "helper");
    assert_eq!(entry["on_behalf_of"], "alice");
    assert_eq!(entry["target"], "shop");
    assert_eq!(entry["sqlstate"], "53300");
    assert!(
        entry["key"].as_str().unwrap().starts_with("key_"),
        "{entry}"
    );
    let disclosed = stand.disclosed(entry);
    assert_eq!(disclosed["address"], "127.0.0.1");
    assert_eq!(disclosed["application"], "psql");
}

#[test]
fn what_runs_though_it_is_opaque_says_so() {
    let stand = Stand::with("", |c| {
        let more = r#"
            @id("dana-opaque")
            permit (principal == Human::"dana", action == Action::"opaque", resource);
        "#;
        policies(c, more)
    });
    let mut dana = stand.client("dana");
    dana.run("do $$ begin perform 1; end $$").unwrap();
    dana.run("select 1").unwrap();
    let intents = stand.entries_of("statement.intent");
    assert_eq!(intents[0]["opaque"], true, "{}", intents[0]);
    assert!(intents[1].get("opaque").is_none(), "{}", intents[1]);
    let tail = stand.weir.command(&["ledger", "tail"]).unwrap();
    assert!(tail.contains("(opaque)"), "{tail}");
}
