//! The database floor: masked sessions log in as a role that cannot read labelled columns, on a real server.

use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use xtask::lab::postgres::{PASSWORD, SUPERUSER};
use xtask::lab::{Client, Configuration, Postgres};

use crate::stand::{SERVER, Stand, balanced, policies, refused, rule, until};

const RAW: &str = "@shop.example";

/// A gateway whose target has a floor in the configuration.
struct Floored {
    stand: Stand,
    role: String,
}

impl Floored {
    fn new(sql: &str, change: impl FnOnce(Configuration) -> Configuration) -> Floored {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        let role = format!("Masked \"{}\"", NUMBER.fetch_add(1, Ordering::Relaxed));
        let stand = Stand::edited(&SERVER, sql, change, |folder, text| {
            std::fs::write(folder.join("floor.password"), "floor's own").unwrap();
            format!(
                "{text}\n[targets.shop.floor]\nrole = '{role}'\npassword = {{ file = \"floor.password\" }}\n"
            )
        });
        Floored { stand, role }
    }

    /// With the floor laid.
    fn laid(sql: &str, change: impl FnOnce(Configuration) -> Configuration) -> Floored {
        let floored = Floored::new(sql, change);
        floored.apply();
        floored
    }

    fn weir(&self, arguments: &[&str]) -> Output {
        let server: &Postgres = &SERVER;
        let owner = format!(
            "postgres://{SUPERUSER}:{PASSWORD}@127.0.0.1:{}/{}?sslmode=disable",
            server.port(),
            self.stand.database
        );
        Command::new(xtask::lab::weir::binary().unwrap())
            .args(arguments)
            .env("WEIR_FLOOR_OWNER", owner)
            .current_dir(self.stand.folder.path())
            .output()
            .unwrap()
    }

    fn apply(&self) -> String {
        let out = self.weir(&["floor", "apply", "--target", "shop"]);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(
            out.status.success(),
            "{text}\n{}",
            String::from_utf8_lossy(&out.stderr)
        );
        text
    }

    fn plan(&self) -> String {
        let out = self.weir(&["floor", "plan", "--target", "shop"]);
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).unwrap()
    }

    /// Kinds of drift.
    fn check(&self) -> Vec<String> {
        let out = self.weir(&["floor", "check", "--target", "shop", "--json"]);
        let told: Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&out.stderr)));
        let drift = told["drift"].as_array().unwrap();
        assert_eq!(out.status.success(), drift.is_empty());
        drift
            .iter()
            .map(|d| d["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    fn role(&self) -> String {
        format!("\"{}\"", self.role.replace('"', "\"\""))
    }
}

/// Statements with every sort of use of a masked column, each refused or degraded without the floor.
const USES: &[&str] = &[
    "select * from customers",
    "select id from customers where email like 'ada%'",
    "select id from customers where email = 'ada@shop.example'",
    "select c.id from customers c join customers d on c.email = d.email",
    "select email, count(*) from customers group by email having max(email) > 'a'",
    "select distinct email from customers",
    "select email from customers union select name from customers",
    "select c from customers c",
    "select to_jsonb(c) from customers c",
    "select id from customers order by email desc limit 1",
    "explain select * from customers where email > 'b'",
    "with e as materialized (select email from customers) select reverse(email) from e",
    "copy (select id, email from customers) to stdout",
    "select id, name, region from public.customers",
    "select region, count(*) from customers group by region order by region",
];

#[test]
fn masked_sessions_run_all_of_sql_and_see_nothing_raw() {
    let floored = Floored::laid("", |mut configuration| {
        let mut people = configuration.principals.iter_mut();
        let alice = people.find(|one| one.name == "alice").unwrap();
        alice.groups.push("server-functions".to_owned());
        policies(
            configuration,
            r#"
            @id("alice-anything")
            permit (principal == Human::"alice", action in [Action::"opaque", Action::"call"], resource);
            "#,
        )
    });
    let mut alice = floored.stand.client("alice");
    assert_eq!(
        alice.run("select current_user").unwrap().value(),
        floored.role
    );
    for text in USES {
        let answer = alice.query(text).unwrap();
        assert!(answer.error().is_none(), "{text}: {:?}", answer.errors);
        assert!(answer.notices.is_empty(), "{text}: {:?}", answer.notices);
        assert!(!answer.contains(RAW), "raw: {text}");
    }
    // What only the server understands runs as well, and finds nothing.
    for text in [
        "do $$ declare r record; begin for r in select * from customers loop raise notice '%', r; end loop; end $$",
        "select query_to_xml('select * from customers', true, false, '')",
        "select count(*) from pg_stats where tablename = 'customers' and attname = 'email'",
    ] {
        let answer = alice.query(text).unwrap();
        assert!(answer.error().is_none(), "{text}: {:?}", answer.errors);
        assert!(!answer.contains(RAW), "raw: {text}");
    }
    for text in [
        "select query_to_xml('select email from public.customers', true, false, '')",
        "do $$ begin perform email from public.customers; end $$",
        "select * from public.customers",
        "set role app",
        "copy (select 1) to program 'true'",
        "select pg_read_file('postgresql.conf')",
        "select lo_import('/etc/hostname')",
    ] {
        let answer = alice.query(text).unwrap();
        assert_eq!(
            answer.code(),
            "42501",
            "{text}: {:?} {:?}",
            answer.rows(),
            answer.errors
        );
    }
    let explained = floored.weir(&["explain", USES[1], "--as", "alice", "--on", "shop"]);
    let explained = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(
        explained.contains("allowed") && explained.contains("weir_public.customers"),
        "{explained}"
    );
    // Who sees raw values has the ordinary login.
    let mut dana = floored.stand.client("dana");
    assert_eq!(dana.run("select current_user").unwrap().value(), "app");
    assert!(
        dana.run("select email from customers where email like 'ada%'")
            .unwrap()
            .contains(RAW)
    );
    balanced(&floored.stand);
}

#[test]
fn the_floor_serves_nobody_before_it_is_laid() {
    let floored = Floored::new("", |configuration| configuration);
    let told = floored.stand.turned_away(&floored.stand.connect("alice"));
    assert_eq!(told.code(), "42501");
    assert!(told.message().contains("does not exist"), "{told}");
    assert!(
        told.hint().contains("weir floor check --target shop"),
        "{told}"
    );
    assert_eq!(floored.check(), ["no-role"]);
    let refused = floored.stand.entries_of("session.refused");
    assert_eq!(refused.last().unwrap()["rule"], "weir.floor-drift");
    floored
        .stand
        .client("dana")
        .run("select email from customers")
        .unwrap();
    let text = floored.apply();
    assert!(
        text.contains("CREATE VIEW \"weir_public\".\"customers\""),
        "{text}"
    );
    assert!(
        text.contains("COMMIT;")
            && !text.contains("floor's own")
            && !text.contains("SCRAM-SHA-256$")
    );
    floored
        .stand
        .client("alice")
        .run("select email from customers")
        .unwrap();
}

/// What is done behind the floor's back, the kind it is found as, and what undoes what `apply` cannot.
const DRIFTS: &[(&str, &str, &str)] = &[
    ("column", "grant select on customers to FLOOR", ""),
    ("column", "grant select (email) on customers to public", ""),
    ("column", "grant update (email) on customers to FLOOR", ""),
    (
        "column",
        "alter table customers add low text generated always as (lower(email)) stored; grant select on customers to FLOOR",
        "",
    ),
    ("trigger", "grant trigger on customers to FLOOR", ""),
    (
        "membership",
        "drop role if exists readers; create role readers; grant readers to FLOOR",
        "",
    ),
    ("membership", "grant pg_read_all_data to FLOOR", ""),
    ("membership", "grant pg_monitor to FLOOR", ""),
    ("membership", "grant pg_read_server_files to FLOOR", ""),
    ("membership", "grant pg_execute_server_program to FLOOR", ""),
    ("membership", "grant app to FLOOR", ""),
    ("superuser", "alter role FLOOR superuser", ""),
    ("superuser", "grant postgres to FLOOR", ""),
    ("bypassrls", "alter role FLOOR bypassrls", ""),
    ("createrole", "alter role FLOOR createrole", ""),
    ("createdb", "alter role FLOOR createdb", ""),
    ("replication", "alter role FLOOR replication", ""),
    ("no-login", "alter role FLOOR nologin", ""),
    (
        "view",
        "create view leak as select lower(email) as e from customers; grant select on leak to public",
        "",
    ),
    (
        "view",
        "create materialized view kept as select email from customers; grant select on kept to FLOOR",
        "",
    ),
    (
        "view",
        "drop view weir_public.customers; create view weir_public.customers as select id, email from customers; \
      grant select on weir_public.customers to FLOOR",
        "",
    ),
    (
        "definer",
        "create function sd() returns setof text language sql security definer as 'select email from public.customers'",
        "",
    ),
    (
        "definer-trigger",
        "create function fills() returns trigger language plpgsql security definer as \
      $$ begin new.text := (select email from public.customers limit 1); return new; end $$; \
      revoke all on function fills() from public; create trigger t before insert on notes for each row execute function fills(); \
      grant insert on notes to FLOOR",
        "",
    ),
    (
        "rule",
        "create rule tells as on insert to notes do also select email from customers; grant insert on notes to FLOOR",
        "",
    ),
    ("extension", "create extension dblink", ""),
    (
        "extension",
        "create extension pageinspect; grant execute on function get_raw_page(text, int8) to public",
        "",
    ),
    (
        "foreign-table",
        "create extension file_fdw; create server files foreign data wrapper file_fdw; \
      create foreign table f (t text) server files options (filename '/etc/hostname'); grant select on f to public",
        "",
    ),
    (
        "user-mapping",
        "create extension postgres_fdw; create server other foreign data wrapper postgres_fdw; \
      create user mapping for public server other",
        "drop user mapping for public server other",
    ),
    (
        "default-privilege",
        "alter default privileges for role app in schema public grant select on tables to public",
        "",
    ),
    ("create", "grant create on schema public to public", ""),
    ("create", "DO-DATABASE", ""),
    (
        "owner",
        "alter schema weir_public owner to FLOOR",
        "alter schema weir_public owner to postgres",
    ),
    (
        "server-function",
        "grant execute on function pg_read_file(text) to FLOOR",
        "",
    ),
    ("catalog", "grant select on pg_statistic to FLOOR", ""),
    (
        "untrusted-language",
        "create language sneaky handler plpgsql_call_handler; \
      create function sneaks() returns int language sneaky as 'begin return 1; end'",
        "",
    ),
];

#[test]
fn each_kind_of_drift_refuses_masked_sessions_until_it_is_taken_back() {
    let floored = Floored::laid("", |configuration| configuration);
    let stand = &floored.stand;
    let mut direct = stand.direct();
    stand
        .client("alice")
        .run("select id from customers")
        .unwrap();
    for (kind, sql, undo) in DRIFTS {
        let sql = match *sql {
            "DO-DATABASE" => format!("grant create on database {} to FLOOR", stand.database),
            sql => sql.to_owned(),
        };
        direct.run(&sql.replace("FLOOR", &floored.role())).unwrap();
        let found = floored.check();
        assert!(found.iter().any(|found| found == kind), "{sql}: {found:?}");
        let told = stand.turned_away(&stand.connect("alice"));
        assert_eq!(told.code(), "42501", "{sql}: {told}");
        assert!(
            told.message().contains("raw values are within reach"),
            "{sql}: {told}"
        );
        // Others are not concerned.
        stand
            .client("dana")
            .run("select email from customers")
            .unwrap();
        if undo.is_empty() {
            floored.apply();
        } else {
            direct.run(undo).unwrap();
            floored.apply();
        }
        assert_eq!(floored.check(), Vec::<String>::new(), "{sql}");
        let mut alice = Client::connect(&stand.connect("alice"))
            .unwrap_or_else(|e| panic!("{sql}: {}", e.message));
        let seen = alice.run("select id, email from customers").unwrap();
        assert!(seen.rows().len() == 3 && !seen.contains(RAW), "{sql}");
    }
    let refused = stand.entries_of("session.refused");
    assert_eq!(refused.len(), DRIFTS.len());
    assert!(
        refused
            .iter()
            .all(|entry| entry["rule"] == "weir.floor-drift")
    );
}

#[test]
fn somebody_elses_schema_is_left_alone() {
    // The second schema would end the block that makes its masking schema.
    let theirs = r#"
        create schema weir_public; create view weir_public.customers as select 'theirs' as kept;
        create schema weir_other; create view weir_other.report as select 'theirs' as kept;
        create schema "x$weir$; drop table notes"; create table "x$weir$; drop table notes".t (email text);
        grant usage on schema "x$weir$; drop table notes" to public;
        grant select on "x$weir$; drop table notes".t to public;
    "#;
    let floored = Floored::new(theirs, |mut configuration| {
        let column = "\\\"x$weir$; drop table notes\\\".t.email".to_owned();
        configuration.targets[0]
            .labels
            .push((column, "email".to_owned()));
        configuration
    });
    let kept = |schema: &str| {
        let sql = format!(
            "select kept from {schema}.customers union all select kept from weir_other.report \
             union all select 'theirs' where to_regclass('notes') is not null"
        );
        let mut direct = floored.stand.direct();
        assert_eq!(direct.run(&sql).unwrap().rows().len(), 3);
    };
    let out = floored.weir(&["floor", "apply", "--target", "shop"]);
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success(), "{told}");
    assert!(
        told.contains("the schema weir_public is there already, and not Weir's"),
        "{told}"
    );
    kept("weir_public");
    let rename = "alter schema weir_public rename to theirs";
    floored.stand.direct().run(rename).unwrap();
    // A second time finds its own.
    floored.apply();
    floored.apply();
    kept("theirs");
    assert_eq!(floored.check(), Vec::<String>::new());
}

#[test]
fn drift_reaches_sessions_that_are_open() {
    let floored = Floored::laid("", |configuration| configuration);
    let mut alice = floored.stand.client("alice");
    let mut direct = floored.stand.direct();
    let text = "select id from customers where email is null";
    alice.prepare("p", text).unwrap();
    alice.run(text).unwrap();
    let role = floored.role();
    // Neither is in the fingerprint of the catalog: a membership, then a right.
    for (drift, back) in [
        (
            format!("grant pg_monitor to {role}"),
            format!("revoke pg_monitor from {role}"),
        ),
        (
            format!("grant select on customers to {role}"),
            format!(
                "revoke select (email) on customers from {role}; revoke select on customers from {role}; grant select (id, name, region) on customers to {role}"
            ),
        ),
    ] {
        direct.run(&drift).unwrap();
        let mut found = String::new();
        until("the drift is seen", || {
            let answer = alice.query(text).unwrap();
            found = answer.error().map(rule).unwrap_or_default();
            !found.is_empty()
        });
        assert_eq!(found, "weir.floor-drift");
        let prepared = alice
            .execute("p", &xtask::lab::Extended::default())
            .unwrap();
        assert_eq!(rule(prepared.error().unwrap()), "weir.floor-drift");
        // What touches nothing goes on, so that a transaction can be ended.
        alice.run("select 1").unwrap();
        direct.run(&back).unwrap();
        until("it is taken back", || {
            alice.query(text).unwrap().error().is_none()
        });
    }
    balanced(&floored.stand);
}

#[test]
fn who_becomes_masked_connects_again() {
    let floored = Floored::laid("", |configuration| policies(configuration, ""));
    let mut dana = floored.stand.client("dana");
    dana.run("select email from customers").unwrap();
    floored.stand.edit("40-masking.cedar", |text| {
        text.replace("principal in Group::\"pii-readers\"", "false")
    });
    until("the policy is in force", || {
        let answer = dana.query("select id from customers").unwrap();
        answer
            .error()
            .is_some_and(|error| rule(error) == "weir.floor-login")
    });
    assert_eq!(
        refused(&mut dana, "select count(*) from notes"),
        "weir.floor-login"
    );
    let mut again = floored.stand.client("dana");
    let seen = again.run("select email from customers").unwrap();
    assert!(!seen.contains(RAW));
}

/// Names, types and relatives that are no plain case.
const ODD: &str = r#"
    create schema "Odd ""Names"; grant usage on schema "Odd ""Names" to public;
    create domain mail as varchar(40) not null;
    create table "Odd ""Names"."T; drop" (id int primary key, "e ""m" mail, tags text[], j jsonb,
        low text generated always as (lower(j::text)) stored);
    insert into "Odd ""Names"."T; drop" values (1, 'ada@shop.example', '{ada@shop.example}', '{"a":"ada@shop.example"}');
    create table events (id int, day date, who text) partition by range (day);
    create table events_1 partition of events for values from ('2020-01-01') to ('2021-01-01');
    insert into events values (1, '2020-05-05', 'eve@shop.example');
    create table base (id int, secret text); create table derived (extra int) inherits (base);
    insert into derived values (1, 'x@shop.example', 2);
    create table tenant (id int, owner text, mail text); alter table tenant enable row level security;
    create policy own on tenant using (owner = current_user);
    insert into tenant values (1, 'app', 'app@shop.example'), (2, 'other', 'other@shop.example');
    create view regions as select distinct region from customers;
    create view mails as select email from customers;
    comment on table notes is E'a line\n; drop table customers; --';
"#;

fn odd(mut configuration: Configuration) -> Configuration {
    for (column, label) in [
        (
            "\\\"Odd \\\"\\\"Names\\\".\\\"T; drop\\\".\\\"e \\\"\\\"m\\\"",
            "email",
        ),
        ("\\\"Odd \\\"\\\"Names\\\".\\\"T; drop\\\".tags", "email"),
        ("\\\"Odd \\\"\\\"Names\\\".\\\"T; drop\\\".j", "json"),
        ("public.events.who", "email"),
        ("public.base.secret", "secret"),
        ("public.tenant.mail", "email"),
    ] {
        configuration.targets[0]
            .labels
            .push((column.to_owned(), label.to_owned()));
    }
    configuration
}

#[test]
fn the_plan_keeps_odd_names_types_relatives_and_row_security() {
    let floored = Floored::new(ODD, odd);
    let plan = floored.plan();
    assert_eq!(plan, floored.plan());
    assert!(!plan.contains("floor's own"));
    floored.apply();
    let second = floored.plan();
    floored.apply();
    assert_eq!(
        second,
        floored.plan(),
        "the plan of a floor that is laid is always the same"
    );
    let mut alice = floored.stand.client("alice");
    let odd = "select * from \"weir_Odd \"\"Names\".\"T; drop\"";
    for (text, rows) in [
        (odd, 1),
        ("select * from events", 1),
        ("select id, day from public.events", 1),
        ("select * from base", 1),
        ("select * from derived", 1),
        // Row security sees the floor's role, which owns no row.
        ("select * from tenant", 0),
        ("select region from regions", 2),
    ] {
        let answer = alice.query(text).unwrap();
        assert!(answer.error().is_none(), "{text}: {:?}", answer.errors);
        assert_eq!(answer.rows().len(), rows, "{text}");
        assert!(!answer.contains(RAW), "raw: {text}");
    }
    for text in [
        "select email from mails",
        "select id from public.events_1",
        "select low from \"Odd \"\"Names\".\"T; drop\"",
        "select secret from public.derived",
        "insert into notes values (99, 'x')",
        "select ctid from public.customers",
    ] {
        let answer = alice.query(text).unwrap();
        assert_eq!(answer.code(), "42501", "{text}: {:?}", answer.rows());
    }
    assert!(
        second.contains("not \"public\".\"mails\": it reads labelled columns as its owner"),
        "{second}"
    );
}

#[test]
fn where_rows_lie_and_their_order_stay_hidden_on_the_floor() {
    let floored = Floored::laid("", |configuration| configuration);
    let mut alice = floored.stand.client("alice");
    assert_eq!(
        refused(
            &mut alice,
            "select id from public.customers tablesample system (50)"
        ),
        "weir.masked-place"
    );
    assert_eq!(
        refused(&mut alice, "set enable_seqscan = off"),
        "weir.meaning-setting"
    );
}

#[test]
fn a_label_that_names_nothing_or_comes_later_closes_the_floor() {
    let floored = Floored::laid("", |configuration| configuration);
    let mut alice = floored.stand.client("alice");
    alice.run("select name from customers").unwrap();
    drop(alice);
    floored.stand.edit("weir.toml", |text| {
        text.replace(
            "[targets.shop.labels]",
            "[targets.shop.labels]\n\"public.customers.name\" = \"name\"",
        )
    });
    until("the new label is in force", || {
        floored.check() == ["column"]
    });
    let told = floored.stand.turned_away(&floored.stand.connect("alice"));
    assert!(told.message().contains("public.customers.name"), "{told}");
    floored.apply();
    let seen = floored
        .stand
        .client("alice")
        .run("select name from customers where name is null")
        .unwrap();
    assert_eq!(seen.rows().len(), 3);
    floored.stand.edit("weir.toml", |text| {
        text.replace(
            "[targets.shop.labels]",
            "[targets.shop.labels]\n\"public.customers.gone\" = \"name\"",
        )
    });
    until("the unresolved label is in force", || {
        floored.check() == ["label"]
    });
    let mut alice = floored.stand.client("alice");
    assert_eq!(
        refused(&mut alice, "select id from customers"),
        "weir.unresolved-label"
    );
}
