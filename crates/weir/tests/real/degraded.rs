//! Reads that compute with a masked column, in front of a real server.

use std::process::Command;

use serde_json::Value;
use xtask::lab::client::message;
use xtask::lab::{Answer, Extended};

use crate::stand::{SERVER, Stand, balanced, error, refused, rule};

const RAW: &str = "@shop.example";

/// `seen` computes with the masked column; `odd` is a table with a domain that refuses NULL.
const MORE: &str = "
    create view seen as select id, lower(email) as low, email from customers;
    create domain mail as varchar(40) not null;
    create table odd (\"a \"\"b\" int primary key, mail mail, tags text[]);
    insert into odd values (1, 'ada@shop.example', array['ada@shop.example']);
    alter table odd owner to app; alter view seen owner to app;
";

fn stand() -> Stand {
    Stand::with(MORE, |mut configuration| {
        for column in ["public.odd.mail", "public.odd.tags"] {
            let labels = &mut configuration.targets[0].labels;
            labels.push((column.into(), "email".into()));
        }
        configuration
    })
}

fn rules(answer: &Answer) -> Vec<String> {
    answer.notices.iter().map(rule).collect()
}

/// Name and type of each output.
fn columns(answer: &Answer) -> Vec<(String, u32)> {
    let columns = answer.sets.iter().flat_map(|set| &set.columns);
    columns
        .map(|column| (column.name.clone(), column.type_oid))
        .collect()
}

#[test]
fn outputs_have_the_names_and_types_that_the_server_gives_them() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let mut direct = stand.direct();
    for text in [
        "select lower(email), email::varchar(20), cast(email as varchar(3)), email || 'x', email from customers",
        "select email collate \"C\", (email)::varchar(20), coalesce(email, ''), nullif(email, '') from customers",
        "select case when id = 1 then 'a' else email::varchar(20) end, case id when 1 then email end from customers",
        "select email like 'a%', email is distinct from 'a', email::varchar(20), email between 'a' and 'b' from customers",
        "select array[email], row(email), (select lower(email)), array(select email from customers) from customers",
        "select x.email from (select email::varchar(20) from customers) x",
        "select count(email), max(email), string_agg(email, ',' order by email), array_agg(email) from customers",
        "select low, email, low || 'x' from seen order by low, 1",
        "select mail::text, \"Ä \"\".\" . /* a.b */ \"mail\" || 'x', tags[1], tags[1:2], cardinality(tags) from odd \"Ä \"\".\"",
        "select rank() over (order by email), first_value(email) over w from customers window w as (order by id)",
        "select percentile_disc(0.5) within group (order by email), mode() within group (order by email) from customers",
        "select id, email from customers order by 2 desc, lower(email)",
        "select distinct id, lower(email) from customers order by lower(email), id",
        "select upper(m), m from (select email as m from customers order by email limit 2) x",
        "with e(m) as (select email from customers) select upper(e.m), m from e, lateral (select length(m)) l(n)",
        "values ((select max(email) from customers), 1)",
        "select region, max(email) from customers group by region order by 1",
    ] {
        let asked = direct.query(text).unwrap();
        assert!(asked.error().is_none(), "{text}: {:?}", asked.errors);
        let extended = Extended {
            describe: true,
            ..Extended::default()
        };
        for answer in [
            alice.query(text).unwrap(),
            alice.extended(text, &extended).unwrap(),
        ] {
            assert!(answer.error().is_none(), "{text}: {:?}", answer.errors);
            assert!(!answer.contains(RAW), "raw: {text}");
            assert_eq!(columns(&answer), columns(&asked), "{text}");
            assert_eq!(answer.rows().len(), asked.rows().len(), "{text}");
            assert_eq!(rules(&answer), ["weir.degraded"], "{text}");
        }
        // Who may see raw values is sent as written.
        let dana = stand.client("dana").query(text).unwrap();
        assert_eq!(dana.rows(), asked.rows(), "{text}");
        assert!(dana.notices.is_empty(), "{text}");
    }
    balanced(&stand);
}

#[test]
fn prepared_statements_cursors_and_copies_hold_null() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let text = "select replace(email, $1, ''), email from customers";
    let parameters = Extended {
        parameters: vec![Some(b"a")],
        describe: true,
        ..Extended::default()
    };
    let answer = alice.extended(text, &parameters).unwrap();
    assert_eq!(rules(&answer), ["weir.degraded"]);
    assert_eq!(answer.rows()[0][0], "NULL");
    assert!(answer.rows()[0][1].ends_with(".invalid"));
    for text in [
        "prepare p (text) as select replace(email, $1, '') from customers",
        "execute p ('a')",
        "begin",
        "declare c scroll cursor for select upper(email), id from customers order by email",
        "fetch 2 from c",
        "commit",
        "copy (select reverse(reverse(email)) from customers) to stdout",
        "copy (select email::varchar(20), id from customers) to stdout (format csv, header, force_quote (email))",
    ] {
        let answer = alice.query(text).unwrap();
        assert!(answer.error().is_none(), "{text}: {:?}", answer.errors);
        assert!(!answer.contains(RAW), "raw: {text}");
        let told = !matches!(text, "begin" | "commit" | "fetch 2 from c");
        let expected: &[&str] = if told { &["weir.degraded"] } else { &[] };
        assert_eq!(rules(&answer), expected, "{text}");
    }
    balanced(&stand);
}

#[test]
fn errors_tell_no_place_in_a_text_the_client_did_not_send() {
    let stand = stand();
    let mut alice = stand.client("alice");
    let answer = alice
        .query("select lower(email), email + 1 from customers")
        .unwrap();
    assert_eq!(error(&answer).code(), "42883");
    assert_eq!(error(&answer).field('P'), "");
    let answer = alice
        .query("select lower(email), 1 / (id - 1) from customers")
        .unwrap();
    assert_eq!(error(&answer).code(), "22012");
    // The connection and what is pipelined behind go on.
    let mut bytes = message::query("select upper(email) from customers");
    bytes.extend(message::query("select 1"));
    alice.send(&bytes).unwrap();
    assert_eq!(rules(&alice.finish().unwrap()), ["weir.degraded"]);
    assert_eq!(alice.finish().unwrap().value(), "1");
    balanced(&stand);
}

#[test]
fn the_ledger_and_explain_tell_of_null() {
    let stand = stand();
    let text = "select lower(email) from customers where id = 1";
    stand.client("alice").run(text).unwrap();
    let entries = stand.entries_of("statement.intent");
    let last = entries.last().unwrap();
    assert_eq!(
        last["degraded"],
        serde_json::json!(["public.customers.email"])
    );
    assert_eq!(last["columns"][0]["usage"], "expression");
    assert!(!last["shape"].as_str().unwrap().contains("NULL"), "{last}");
    assert_eq!(stand.disclosed(last)["text"], text);
    let tail = stand.weir.command(&["ledger", "tail"]).unwrap();
    assert!(
        tail.contains("with NULL for public.customers.email"),
        "{tail}"
    );
    let explained = |json: &[&str]| {
        let asked = ["explain", text, "--as", "alice", "--on", "shop"];
        stand.weir.command(&[&asked[..], json].concat()).unwrap()
    };
    let told = explained(&[]);
    assert!(
        told.contains("NULL where it computes with public.customers.email"),
        "{told}"
    );
    let json: Value = serde_json::from_str(&explained(&["--json"])).unwrap();
    let verdict = &json["statements"][0]["verdict"];
    assert_eq!(verdict["degraded"][0], "public.customers.email");
}

#[test]
fn psql_shows_the_notice_before_the_rows() {
    let stand = stand();
    let place = format!(
        "host=127.0.0.1 port={} dbname=shop user=alice sslmode=disable",
        stand.weir.port()
    );
    let out = Command::new(SERVER.binaries().join("psql"))
        .args([
            "-XAtq",
            "-c",
            "select id, lower(email) from customers order by id",
        ])
        .arg(&place)
        .env("PGPASSWORD", stand.weir.key("alice"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "1|\n2|\n3|\n");
    let told = String::from_utf8_lossy(&out.stderr);
    let notice = "NOTICE:  masked column public.customers.email is NULL where it is computed with";
    assert!(told.starts_with(notice), "{told}");
}

/// Whatever the rewriting makes of these, nothing raw leaves.
#[test]
fn nothing_leaks_where_names_and_forms_are_odd() {
    let stand = stand();
    let mut alice = stand.client("alice");
    for text in [
        "select lower(U&\"em\\0061il\") from customers",
        "select lower(c.email), c.email from customers c, (select 1 as email) d",
        "select lower(\"c\".\"email\") from customers \"c\", lateral (select c.email || 'x' as email) as d order by d.email",
        "select (customers).email || '' from customers",
        "select upper(((customers).email)) from customers",
        "select lower(customers.*::text) from customers",
        "select to_jsonb(c) ->> 'email', lower(c.email) from customers c",
        "select lower(e) from (select customers as e from customers) x(e)",
        "select lower(low) from (select * from seen) x",
        "select * from seen",
        "select max(email) filter (where email like 'a%') from customers",
        "select lower(email) from customers group by email",
        "select lower(email) as email from customers order by email",
        "select lower(email) as e from customers group by e",
        "select (select max(c.email)) from customers c",
        "select (select max(c.id || o.email) from customers o) from customers c",
        "with recursive r(e, n) as (select email, 1 from customers union all select lower(e), n + 1 from r where n < 3) select e from r",
        "select lower(email) from customers natural join (select email, id from customers) x",
        "select lower(x.email) from customers a join customers b using (id, email) cross join (select '' as email) x",
        "select lower(email) /* '; select email from customers -- */ from customers -- email",
        "select e.* from customers c, lateral regexp_split_to_table(c.email, '@') e",
        "select (array_agg(email))[1], (array_agg(c))[1].email from customers c",
        "select json_build_object('a', email, 'b', lower(email)) from customers",
        "table seen order by low",
    ] {
        let extended = Extended {
            describe: true,
            ..Extended::default()
        };
        for answer in [
            alice.query(text).unwrap(),
            alice.extended(text, &extended).unwrap(),
        ] {
            let whole = String::from_utf8_lossy(&answer.raw).to_lowercase();
            assert!(!whole.contains(RAW), "raw: {text}");
            assert!(!whole.contains("shop"), "raw: {text}");
        }
    }
    assert_eq!(refused(&mut alice, "select * from seen"), "weir.masked-use");
}
