//! Ways to have tokens turned back where somebody can read what comes out, or to look values up unasked.

use super::{WORLD, known, parameter, stand};
use crate::stand::{Stand, balanced, error, policies, refused, rule};

/// More tables, and `lin`, who may look values up in customers alone.
const MORE: &str = "
    alter table customers add constraint emails unique (email);
    create table members (id int primary key, email text);
    insert into members values (1, 'bob@shop.example');
    create table unlabelled (id int, ref text references customers (email));
    create table labelled (id int, ref text references customers (email));
    create table usual (id int, ref text default 'ada@shop.example' references customers (email));
    create table follows (id int, ref text references members (email) on update cascade);
    create view through as select id, ref from unlabelled;
    create table kids (extra text) inherits (customers);
    create table parts (id int, email text) partition by list (email);
    alter table unlabelled owner to app; alter table labelled owner to app; alter table usual owner to app;
    alter table members owner to app; alter table kids owner to app; alter table parts owner to app;
    alter view through owner to app;
";

const LIN: &str = r#"
    @id("lin-reads")
    permit (principal in Group::"looking", action in [Action::"read", Action::"write"], resource);
    @id("lin-looks-up")
    permit (principal in Group::"looking", action == Action::"lookup", resource == Dataset::"public.customers");
    @id("one-row")
    @require("row_cap:1")
    forbid (principal in Group::"looking", action == Action::"lookup", resource)
    unless { context.enforced has rowCap && context.enforced.rowCap <= 1 };
"#;

fn more() -> Stand {
    let sql = MORE.replace("email text);", "email text unique);");
    Stand::with(&sql, |mut configuration| {
        let labels = &mut configuration.targets[0].labels;
        for column in ["members.email", "labelled.ref", "parts.email"] {
            labels.push((format!("public.{column}"), "email".into()));
        }
        policies(configuration, LIN)
            .principal("sue", "human", &["support", "engineers"])
            .principal("lin", "human", &["looking"])
    })
}

fn token(stand: &Stand, id: u32) -> String {
    let sql = format!("select email from customers where id = {id}");
    stand.client("alice").run(&sql).unwrap().value()
}

#[test]
fn what_inherits_from_a_masked_table_computes_nothing() {
    let stand = more();
    let mut alice = stand.client("alice");
    for sql in [
        "create table mine (leak text generated always as (email) stored) inherits (customers)",
        "create temp table mine (p int, c int, check (ascii(substr(email, p, 1)) < c)) inherits (customers)",
        "create table mine () inherits (kids)",
        "create table other (email text, leak text generated always as (email) stored);
         create table mine () inherits (customers, other)",
        "create table mine partition of parts for values in ('ada@shop.example')",
        "create table mine partition of parts (check (email < 'm')) default",
        "alter table kids add leak text generated always as (email) stored",
        "alter table kids add check (email < 'm')",
        "alter table customers add leak text generated always as (email) stored",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-use", "{sql}");
    }
    // A table that shares definitions shares no rows, and a child's labels are its parent's.
    alice
        .run("create table mine (like customers including all)")
        .unwrap();
    let token = token(&stand, 1);
    let answer = format!("insert into mine (id, email) values (9, '{token}') returning email");
    assert_eq!(alice.run(&answer).unwrap().value(), token);
    let answer = format!("insert into kids (id, email) values (9, '{token}') returning email");
    assert_eq!(alice.run(&answer).unwrap().value(), token);
    let stored = |table: &str| {
        let sql = format!("select email from {table} where id = 9");
        stand.direct().run(&sql).unwrap().value()
    };
    assert_eq!(stored("kids"), "ada@shop.example");
    assert_eq!(stored("mine"), token);
    balanced(&stand);
}

#[test]
fn a_foreign_key_looks_values_up() {
    let stand = more();
    let mut alice = stand.client("alice");
    for sql in [
        "insert into unlabelled (ref) values ('guess')",
        "insert into unlabelled (ref) values ('ada@shop.example')",
        "update unlabelled set ref = 'guess' where id = 1",
        "insert into through (ref) values ('guess')",
        "insert into usual (id) values (1)",
        "copy unlabelled (ref) from stdin",
        "copy usual (id) from stdin",
        "merge into unlabelled u using notes n on u.id = n.id when not matched then insert (ref) values ('guess')",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-use", "{sql}");
    }
    let insert = "insert into unlabelled (ref) values ($1)";
    let answer = alice.extended(insert, &parameter("guess")).unwrap();
    assert_eq!(rule(error(&answer)), "weir.masked-use");
    // What follows a token would be read raw.
    let (ada, bob) = (token(&stand, 1), token(&stand, 2));
    let follows = format!("update members set email = '{ada}' where id = 1");
    assert_eq!(refused(&mut alice, &follows), "weir.masked-use");
    let guess = "insert into labelled (ref) values ('bob@shop.example')";
    assert_eq!(refused(&mut alice, guess), "weir.masked-lookup");
    // Policy is asked of both tables.
    assert_eq!(
        refused(&mut stand.client("lin"), guess),
        "weir.masked-lookup"
    );
    stand.client("sue").run(guess).unwrap();
    let entry = stand.entries_of("statement.intent").pop().unwrap();
    assert_eq!(lookups(&entry), ["public.labelled", "public.customers"]);
    alice
        .run(&format!("insert into labelled values (1, '{bob}')"))
        .unwrap();
    let update = "update labelled set ref = $1 where id = 1";
    let answer = alice.extended(update, &parameter(&ada)).unwrap();
    assert_eq!(rule(error(&answer)), "weir.masked-order");
    let stored = "select string_agg(ref, ' ' order by id) from labelled";
    assert_eq!(
        stand.direct().run(stored).unwrap().value(),
        "bob@shop.example bob@shop.example"
    );
    balanced(&stand);
}

fn lookups(entry: &serde_json::Value) -> Vec<String> {
    let objects = entry["objects"].as_array().unwrap().iter();
    let lookups = objects.filter(|object| object["verb"] == "lookup");
    lookups
        .map(|object| object["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_lookup_is_asked_of_each_dataset_and_granted_with_its_limits() {
    let stand = more();
    let both = "select count(*) from customers c, members m where 'x@y.example'::text in (c.email, m.email)";
    let mut lin = stand.client("lin");
    assert_eq!(refused(&mut lin, both), "weir.masked-lookup");
    let bound = both.replace("'x@y.example'", "$1");
    let answer = lin.extended(&bound, &parameter("x@y.example")).unwrap();
    assert_eq!(rule(error(&answer)), "weir.masked-lookup");
    let datasets = ["public.customers", "public.members"];
    stand.client("sue").run(both).unwrap();
    let entry = stand.entries_of("statement.intent").pop().unwrap();
    assert_eq!(lookups(&entry), datasets);
    let raw = parameter("x@y.example");
    stand.client("sue").extended(&bound, &raw).unwrap();
    let entry = stand.entries_of("statement.intent").pop().unwrap();
    assert_eq!(lookups(&entry), datasets);
    // Policy grants one row for each lookup.
    let one = "select id from customers where email = 'ada@shop.example'";
    assert_eq!(lin.run(one).unwrap().value(), "1");
    let two = "select id from customers where email in ('ada@shop.example', 'bob@shop.example')";
    let answer = lin.query(two).unwrap();
    assert_eq!(error(&answer).code(), "54000");
    assert_eq!(lin.run("select id from customers").unwrap().rows().len(), 3);
    balanced(&stand);
}

#[test]
fn tokens_are_turned_back_only_where_nobody_sees_them_raw() {
    let sql = "create table tickets (id int, email text); alter table tickets owner to app";
    let stand = Stand::with(sql, |mut configuration| {
        let labels = &mut configuration.targets[0].labels;
        labels.push(("public.tickets.email".into(), "email".into()));
        for (name, text) in policy::Policies::starter() {
            let exempt =
                r#"principal in Group::"pii-readers" || resource == Dataset::"public.tickets""#;
            let text = text.replace(r#"principal in Group::"pii-readers""#, exempt);
            configuration = configuration.policy(name, &text);
        }
        configuration
    });
    let token = token(&stand, 1);
    let mut alice = stand.client("alice");
    alice
        .run("insert into tickets values (1, 'ada@shop.example')")
        .unwrap();
    assert_eq!(
        alice.run("select email from tickets").unwrap().value(),
        "ada@shop.example"
    );
    for sql in [
        &*format!(
            "with x as (select count(email) from customers) insert into tickets values (2, '{token}')"
        ),
        "delete from tickets t using customers c where c.email = t.email",
        "select count(*) from tickets t join customers c on c.email = t.email",
        "select count(*) from tickets where email in (select email from customers)",
    ] {
        assert_eq!(refused(&mut alice, sql), "weir.masked-use", "{sql}");
    }
    let plain = format!("insert into tickets values (3, '{token}')");
    alice.run(&plain).unwrap();
    let both = "select email from tickets where id = 3";
    assert_eq!(alice.run(both).unwrap().value(), token);
    balanced(&stand);
}

#[test]
fn what_is_refused_for_one_value_is_judged_anew_for_another() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let token = token(&stand, 1);
    let sql =
        |value: &str| format!("select lower(email), id from customers where email = '{value}'");
    let refusal = refused(&mut alice, &sql("ada@shop.example"));
    assert_eq!(refusal, "weir.masked-use");
    let answer = alice.query(&sql(&token)).unwrap();
    assert_eq!(answer.rows(), [["NULL", "1"]], "{:?}", answer.errors);
}

#[test]
fn very_many_values_are_given() {
    let stand = stand(WORLD);
    let known = known(&stand, &stand);
    let ada = &known[0].token;
    let mut alice = stand.client("alice");
    let list = |one: &dyn Fn(usize) -> String| {
        let all: Vec<String> = (1..=10_000).map(one).collect();
        format!(
            "select count(*) from customers where email in ({})",
            all.join(",")
        )
    };
    let mut many = parameter(ada);
    many.parameters = vec![Some(ada.as_bytes()); 10_000];
    let answer = alice.extended(&list(&|n| format!("${n}")), &many).unwrap();
    assert_eq!(answer.value(), "2");
    let answer = alice.run(&list(&|_| format!("'{ada}'"))).unwrap();
    assert_eq!(answer.value(), "2");
    let one = alice.extended(&list(&|_| "$1".into()), &parameter(ada));
    assert_eq!(one.unwrap().value(), "2");
}

#[test]
fn rows_are_written_only_where_one_value_finds_them() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let token = token(&stand, 1);
    for sql in [
        "insert into notes select 100 + id from customers where email <> 'T'",
        "insert into notes select 100 + id from customers where not email = 'T'",
        "insert into notes select 100 + id from customers where email = 'T' or id > 0",
        "update customers set name = 'x' where email <> 'T'",
    ] {
        let rule = refused(&mut alice, &sql.replace('T', &token));
        assert!(
            matches!(&*rule, "weir.masked-order" | "weir.masked-tokens"),
            "{sql}: {rule}"
        );
    }
    let one = format!(
        "insert into notes select 100 + id from customers where email = '{token}' and id > 0"
    );
    alice.run(&one).unwrap();
    let merge = format!(
        "merge into customers c using notes n on n.id = c.id when matched then update set email = '{token}'"
    );
    assert_eq!(refused(&mut alice, &merge), "weir.masked-use");
}
