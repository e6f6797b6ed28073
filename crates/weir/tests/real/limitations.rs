//! One test for each entry of `docs/known-limitations.md` that only a real server can show. When a limitation goes,
//! its test fails, and the entry goes with it.

use std::io::{Read, Write};
use std::net::TcpStream;

use xtask::lab::client::message;
use xtask::lab::postgres::PASSWORD;
use xtask::lab::{Answer, Client, Configuration};

use crate::stand::{SERVER, Stand, error, policies, refused, rule, until};

/// `ruth` holds every action and sees raw values.
fn with_ruth(configuration: Configuration) -> Configuration {
    let more = r#"
        @id("dba-all")
        permit (principal in Group::"dba", action, resource) unless { action == Action::"opaque" };
        @id("dba-opaque")
        permit (principal in Group::"dba", action == Action::"opaque", resource);
    "#;
    policies(configuration, more).principal("ruth", "human", &["dba", "pii-readers"])
}

#[test]
fn masked_columns_decide_nothing() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let selected = alice.run("select id, email from customers").unwrap();
    assert_eq!(selected.rows().len(), 3);
    assert!(!selected.contains("@shop.example"));
    let by_id = |answer: &Answer| {
        answer
            .rows()
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>()
    };
    let scalar =
        "select o.id, (select c.email from customers c where c.id = o.id) from customers o";
    let scalar = alice.run(scalar).unwrap();
    assert_eq!(by_id(&scalar), by_id(&selected));
    let both = "select id, email from customers where id = 1
        union all select id, email from customers where id > 1";
    assert_eq!(by_id(&alice.run(both).unwrap()), by_id(&selected));
    let mixed = "select email from customers union all select region from customers";
    assert_eq!(refused(&mut alice, mixed), "weir.masked-use");
    for sql in [
        "select id from customers where lower(email) like 'a%'",
        "select region from customers group by region having max(email) > 'a'",
        "select email from customers union all select 'x'",
        "select row_to_json(customers) from customers",
        "select lower((customers).email) from customers",
        "select id from customers where email > 'a'",
        "select a.id from customers a join customers b on a.email = b.region",
        "select lower(email) from customers for share",
        "select 1; select lower(email) from customers",
        "explain select id from customers where email > 'b'",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-use", "{sql}");
        assert!(stand.client("dana").run(sql).is_ok(), "{sql}");
    }
    // By policy, support may look one value up.
    let stand = Stand::with("", |c| c.principal("sam", "human", &["support"]));
    let lookup = "select id from customers where email = 'ada@shop.example'";
    assert_eq!(
        refused(&mut stand.client("alice"), lookup),
        "weir.masked-lookup"
    );
    assert_eq!(stand.client("sam").run(lookup).unwrap().value(), "1");
}

#[test]
fn what_computes_with_masked_columns_computes_with_null() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    for (sql, expected) in [
        ("select max(email) from customers", "NULL"),
        ("select lower(email) is null from customers limit 1", "t"),
    ] {
        let answer = alice.query(sql).unwrap();
        assert_eq!(answer.value(), expected, "{sql}");
        assert_eq!(answer.notices.len(), 1, "{sql}");
    }
    let sorted = alice
        .query("select id from customers order by email")
        .unwrap();
    assert_eq!(sorted.notices.len(), 1);
    assert_eq!(sorted.rows().len(), 3);
}

#[test]
fn masked_principals_cannot_write_masked_columns() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    for sql in [
        "insert into customers (id, email) values (4, 'dan@shop.example')",
        "insert into customers values (4, 'Dan', 'dan@shop.example', 'north')",
        "update customers set email = 'x' where id = 1",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-lookup", "{sql}");
    }
    for sql in [
        "update customers set name = email where id = 1",
        "insert into notes select id + 100, email from customers",
        "merge into customers c using notes n on n.id = c.id when matched then update set email = n.text",
        "copy customers (id, email) from stdin",
        "create table copies as select email from customers",
        "create view copied as select email from customers",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-use", "{sql}");
    }
    alice
        .run("insert into customers (id, name) values (4, 'Dan')")
        .unwrap();
    let emails = "select string_agg(email, ',' order by id) from customers";
    let raw = stand.direct().run(emails).unwrap().value();
    assert_eq!(raw, "ada@shop.example,bob@shop.example,cyd@shop.example");
}

#[test]
fn the_server_sees_what_tokens_stand_for_in_the_text() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let token = "select email from customers where id = 1";
    let token = alice.run(token).unwrap().value();
    let sql = format!("select id from customers where email = '{token}'");
    assert_eq!(alice.run(&sql).unwrap().value(), "1");
    let mut direct = stand.direct();
    let seen = "select query from pg_stat_activity
        where usename = 'app' and datname = current_database() and query like '%where email = %'";
    assert!(direct.run(seen).unwrap().contains("'ada@shop.example'"));
}

#[test]
fn rows_may_come_in_the_order_of_a_masked_index() {
    let stand = Stand::with(
        "create table people (id int, region int, email text);
         insert into people select n, n % 50, md5(n::text) from generate_series(1, 20000) n;
         create index on people (region, email, id);",
        |mut configuration| {
            let labels = &mut configuration.targets[0].labels;
            labels.push(("public.people.email".into(), "email".into()));
            configuration
        },
    );
    stand.direct().run("vacuum analyze people").unwrap();
    let ordered = "select id from people where region = 7 order by email";
    let by_email = stand.direct().run(ordered).unwrap().rows();
    let mut alice = stand.client("alice");
    let unordered = "select id from people where region = 7";
    assert_eq!(alice.run(unordered).unwrap().rows(), by_email);
    // But a masked principal cannot bring it about, in a session or when it opens.
    let set = "set enable_seqscan = off";
    assert_eq!(refused(&mut alice, set), "weir.meaning-setting");
    for (name, value) in [
        ("enable_seqscan", "off"),
        ("options", "-c enable_seqscan=off"),
    ] {
        let told = stand.turned_away(&stand.connect("alice").parameter(name, value));
        assert_eq!(told.code(), "42501", "{told}");
    }
}

#[test]
fn sizes_tell_of_masked_values() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let size = "select pg_total_relation_size('public.customers'::regclass)";
    let mut measure = || -> u64 { alice.run(size).unwrap().value().parse().unwrap() };
    let before = measure();
    let longer = "insert into customers select n, 'x', repeat(md5(n::text), 200), 'x' from generate_series(10, 300) n";
    stand.direct().run(longer).unwrap();
    assert!(measure() > before);
}

#[test]
fn labels_do_not_follow_copies() {
    let stand = Stand::usual();
    let mut dana = stand.client("dana");
    dana.run("create table copies as select * from customers")
        .unwrap();
    let mut alice = stand.client("alice");
    let copied = alice.run("select email from copies where id = 1").unwrap();
    assert_eq!(copied.value(), "ada@shop.example");
}

#[test]
fn a_column_that_held_nothing_is_not_looked_at_again() {
    let sql = "create table remarks (id int, v text); insert into remarks select n, 'plain ' || n from generate_series(1, 100) n;";
    let discover = |_: &std::path::Path, text: String| {
        let environment = "environment = \"prod\"";
        text.replace(environment, &format!("{environment}\ndiscover = true"))
    };
    let stand = Stand::edited(&SERVER, sql, |configuration| configuration, discover);
    let read = || {
        let mut alice = stand.client("alice");
        alice
            .query("select v from remarks where v is not null")
            .unwrap()
    };
    until("it was looked at", || read().contains("plain 7"));
    let write = "update remarks set v = 'ada' || id || '@shop.example'";
    stand.direct().run(write).unwrap();
    assert!(read().contains("ada7@shop.example"));
}

#[test]
fn a_masked_row_over_64_mib_ends_the_session() {
    let stand = Stand::usual();
    let long = "repeat('x', 70000000)";
    let mut alice = stand.client("alice");
    let unmasked = alice.run(&format!("select {long}")).unwrap();
    assert_eq!(unmasked.rows()[0][0].len(), 70_000_000);
    for masked in [
        format!("select email, {long} from customers where id = 1"),
        format!("copy (select email, {long} from customers where id = 1) to stdout"),
    ] {
        let answer = stand.client("alice").query(&masked).unwrap();
        assert_eq!(error(&answer).code(), "08P01", "{masked}");
        assert_eq!(error(&answer).field('S'), "FATAL", "{masked}");
        assert!(answer.closed, "{masked}");
    }
}

#[test]
fn nothing_may_follow_a_definition_in_one_string() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let string = "create table fresh (id int); select id from notes";
    assert_eq!(refused(&mut alice, string), "weir.unsettled-string");
    alice.run("create table fresh (id int)").unwrap();
    alice.run("select id from fresh").unwrap();
    alice
        .run("begin; alter table fresh add column x int")
        .unwrap();
    let string = "commit; select id from fresh";
    assert_eq!(refused(&mut alice, string), "weir.unsettled-string");
    let string = "create table other (id int); select id from other";
    stand.client("dana").run(string).unwrap();
}

#[test]
fn row_caps_count_one_statement() {
    let many = "create table many (id int); insert into many select generate_series(1, 2500)";
    let stand = Stand::with(many, |configuration| configuration);
    let mut helper = stand.client("helper");
    for offset in [0, 1000, 2000] {
        let page = format!("select id from many order by id limit 1000 offset {offset}");
        assert!(helper.run(&page).unwrap().rows().len() >= 500);
    }
    assert_eq!(refused(&mut helper, "select id from many"), "row_cap");
    // One portal and one cursor are one statement, in however many pieces they are fetched.
    helper.run("begin").unwrap();
    helper
        .run("declare c cursor for select id from many")
        .unwrap();
    helper.run("fetch 600 from c").unwrap();
    assert_eq!(refused(&mut helper, "fetch 600 from c"), "row_cap");
    helper.run("rollback").unwrap();
    // A second cursor is counted anew.
    helper.run("begin").unwrap();
    helper
        .run("declare d cursor for select id from many")
        .unwrap();
    helper.run("fetch 600 from d").unwrap();
}

#[test]
fn opaque_code_can_write_the_settings_of_weir() {
    let stand = Stand::with("", with_ruth);
    let mut ruth = stand.client("ruth");
    let who = "select current_setting('weir.principal')";
    assert_eq!(ruth.run(who).unwrap().value(), "ruth");
    let set = "set weir.principal = 'mallory'";
    assert_eq!(refused(&mut ruth, set), "weir.reserved-setting");
    ruth.run("do $$ begin perform set_config('weir.principal', 'mallory', false); end $$")
        .unwrap();
    assert_eq!(ruth.run(who).unwrap().value(), "mallory");
    // The ledger is not deceived.
    let last = stand.entries_of("statement.intent").pop().unwrap();
    assert_eq!(last["principal"], "ruth");
}

#[test]
fn the_catalog_may_be_behind_changes_from_outside() {
    let view = "create view people as select id, name as what from customers";
    let stand = Stand::with(view, |mut configuration| {
        configuration.more += "[limits]\ncatalog_poll = \"1h\"\n";
        configuration
    });
    let mut alice = stand.client("alice");
    let read = "select what from people where id = 1";
    assert_eq!(alice.run(read).unwrap().value(), "Ada");
    let change = "create or replace view people as select id, email as what from customers";
    stand.direct().run(change).unwrap();
    assert_eq!(alice.run(read).unwrap().value(), "ada@shop.example");
    // A new session looks first, and then the old one knows as well.
    let seen = stand.client("alice").run(read).unwrap().value();
    assert!(seen.ends_with(".invalid"), "{seen}");
    assert_eq!(alice.run(read).unwrap().value(), seen);
}

#[test]
fn identity_is_access_keys() {
    let stand = Stand::usual();
    let mut client = Client::open(&stand.connect("alice")).unwrap();
    client
        .send(&message::startup(&[
            ("user", "alice"),
            ("database", "shop"),
        ]))
        .unwrap();
    let first = client.receive(&mut Answer::default()).unwrap().unwrap();
    assert_eq!(first.tag, b'R');
    assert_eq!(first.body, b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let create = ["key", "create", "alice", "--expires", "12h", "--json"];
    let made = stand.weir.command(&create).unwrap();
    assert!(made.contains("weir_"), "{made}");
}

#[test]
fn weir_has_no_statement_timeout() {
    let stand = Stand::usual();
    let limit = format!(
        "alter role app in database {} set statement_timeout = '50ms'",
        stand.database
    );
    stand.direct().run(&limit).unwrap();
    let mut alice = stand.client("alice");
    let slow = "select count(*) from generate_series(1, 3000000)";
    assert_eq!(error(&alice.query(slow).unwrap()).code(), "57014");
    alice.run("set statement_timeout = 0").unwrap();
    assert_eq!(alice.run(slow).unwrap().value(), "3000000");
    let file = stand.folder.path().join("weir.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + "[limits]\nstatement_timeout = \"1s\"\n").unwrap();
    let told = stand
        .weir
        .command(&["key", "list"])
        .unwrap_err()
        .to_string();
    assert!(told.contains("statement_timeout"), "{told}");
}

#[test]
fn each_session_has_one_upstream_connection() {
    let stand = Stand::usual();
    let clients: Vec<Client> = (0..5).map(|_| stand.client("alice")).collect();
    let count = format!(
        "select count(*) from pg_stat_activity where datname = '{}' and application_name = '[alice]'",
        stand.database
    );
    let mut direct = SERVER.client("postgres").unwrap();
    assert_eq!(direct.run(&count).unwrap().value(), "5");
    drop(clients);
    until("connections end with their sessions", || {
        direct.run(&count).unwrap().value() == "0"
    });
}

#[test]
fn the_function_call_message_is_refused() {
    let stand = Stand::with("", with_ruth);
    let mut alice = stand.client("alice");
    // pg_catalog.upper(text)
    let answer = alice.function_call(871, &[Some(b"x")]).unwrap();
    assert_eq!(error(&answer).code(), "0A000");
    assert_eq!(rule(error(&answer)), "weir.function-call");
    assert_eq!(alice.run("select upper('x')").unwrap().value(), "X");
    // Except to who holds `opaque` and is masked nowhere: large objects are read and written so.
    let mut ruth = stand.client("ruth");
    // pg_catalog.int4pl(int, int)
    let answer = ruth.function_call(177, &[Some(b"40"), Some(b"2")]).unwrap();
    assert_eq!(answer.function_result.as_deref(), Some(b"42".as_slice()));
    let shape = "FunctionCall 177";
    let intents = stand.entries_of("statement.intent");
    assert!(
        intents.iter().any(|entry| entry["shape"] == shape),
        "{intents:#?}"
    );
}

#[test]
fn replication_connections_are_refused() {
    let stand = Stand::usual();
    for kind in ["true", "database"] {
        let told = stand.turned_away(&stand.connect("alice").parameter("replication", kind));
        assert_eq!(told.code(), "0A000", "{told}");
    }
}

#[test]
fn cursors_declared_by_sql_are_fetched_by_sql() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let declare = "begin; declare c cursor with hold for select id from notes order by id; commit";
    alice.run(declare).unwrap();
    let mut execute = message::execute("c", 0);
    execute.extend(message::sync());
    alice.send(&execute).unwrap();
    let answer = alice.finish().unwrap();
    assert_eq!(rule(error(&answer)), "weir.cursor-by-protocol");
    assert_eq!(alice.run("fetch next from c").unwrap().value(), "1");
}

#[test]
fn encoding_strings_and_role_are_fixed() {
    let stand = Stand::with("", with_ruth);
    let latin = stand
        .connect("alice")
        .parameter("client_encoding", "LATIN1");
    assert_eq!(stand.turned_away(&latin).code(), "22023");
    let mut alice = stand.client("alice");
    for sql in [
        "set client_encoding to latin1",
        "set names 'latin1'",
        "set standard_conforming_strings = off",
        "select set_config('standard_conforming_strings', 'off', false)",
        "set role app",
        "set local role app",
        "set session authorization app",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.session-setting", "{sql}");
    }
    let mut ruth = stand.client("ruth");
    let opaque = |stand: &Stand| {
        let last = stand.entries_of("statement.intent").pop().unwrap();
        last["rules"].to_string().contains("dba-opaque")
    };
    ruth.run("select 1").unwrap();
    assert!(!opaque(&stand));
    let role = "create role shop_other; grant shop_other to app";
    stand.direct().run(role).unwrap();
    ruth.run("set role shop_other").unwrap();
    ruth.run("select 1").unwrap();
    let last = stand.entries_of("statement.intent").pop();
    assert!(opaque(&stand), "{last:?}");
}

#[test]
fn md5_and_clear_passwords_upstream_are_refused() {
    let mut direct = SERVER.client("postgres").unwrap();
    direct
        .run(&format!(
            "set password_encryption = 'md5'; create role old_md5 login password '{PASSWORD}';
             set password_encryption = 'scram-sha-256'; create role old_clear login password '{PASSWORD}'"
        ))
        .unwrap();
    let stand = Stand::with("", |mut configuration| {
        for name in ["old_md5", "old_clear"] {
            configuration.more += &format!(
                "[targets.shop.logins.{name}]\nuser = \"{name}\"\npassword = {{ file = \"shop.password\" }}\n
                 [principals.{name}]\nkind = \"workload\"\ntier = \"{name}\"\n"
            );
        }
        configuration
    });
    for (name, what) in [
        ("old_md5", "an MD5 password"),
        ("old_clear", "a password in clear without TLS"),
    ] {
        // The server would let it in.
        xtask::lab::Client::connect(&xtask::lab::Connect::new(
            SERVER.port(),
            name,
            PASSWORD,
            &stand.database,
        ))
        .unwrap();
        let told = stand.turned_away(&stand.connect(name));
        assert_eq!(told.code(), "08001", "{told}");
        assert!(!told.to_string().contains("MD5"), "{told}");
        let log = stand.weir.log();
        assert!(log.contains(&format!("asks for {what}")), "{log}");
    }
}

#[test]
fn gssapi_encryption_is_declined() {
    let stand = Stand::usual();
    let mut socket = TcpStream::connect(("127.0.0.1", stand.weir.port())).unwrap();
    let request = message::Builder::untagged().int32(80_877_104).finish();
    socket.write_all(&request).unwrap();
    let mut answer = [0];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"N");
    // The client may go on with this connection.
    socket
        .write_all(&message::startup(&[
            ("user", "alice"),
            ("database", "shop"),
        ]))
        .unwrap();
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"R");
}

#[test]
fn no_witness_signs_the_checkpoints() {
    let stand = Stand::usual();
    stand.client("alice").run("select 1").unwrap();
    let checkpoint = stand.folder.path().join("ledger/checkpoint");
    until("a checkpoint", || checkpoint.exists());
    let text = std::fs::read_to_string(&checkpoint).unwrap();
    let signatures: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("\u{2014} "))
        .collect();
    assert_eq!(signatures.len(), 1, "{text}");
    assert!(signatures[0].starts_with("\u{2014} weir.local "), "{text}");
}
