//! Labels that nobody wrote: found in names and samples, decided by people, masked until known.

use std::process::{Command, Output};

use serde_json::Value;
use xtask::lab::client::message;

use crate::stand::{SERVER, Stand, until};

/// Columns with opaque, foreign and plain names, JSON, arrays, an empty table and one that cannot be read in time.
const DATA: &str = r#"
    create table t1 (c1 int primary key, c2 text, c3 text, c4 jsonb, c5 text[]);
    insert into t1 select n, 'person' || n || '@mail' || n % 7 || '.example.com', (array['open', 'closed', 'held'])[1 + n % 3],
        jsonb_build_object('kunde', jsonb_build_object('mail', 'k' || n || '@firma.example.de'), 'menge', n),
        array['tag' || n % 5, 'x'] from generate_series(1, 300) n;
    create table kunden (nr int primary key, "e-mail-adresse" text, telefonnummer text, geburtsdatum date);
    insert into kunden select n, 'a' || n || '@post.example.org', '+49 30 ' || 1000000 + n, date '1960-01-01' + n * 17
        from generate_series(1, 300) n;
    create table later (id int, secret_note text);
"#;

/// What nobody can tell anything of is masked, so tables have enough rows.
const PLAIN: &str = "insert into {} select n, 'plain ' || n from generate_series(1, 100) n;";

fn plain(table: &str) -> String {
    format!(
        "create table {table} (id int, v text); {}",
        PLAIN.replace("{}", table)
    )
}

/// With `discover = true`.
fn stand(sql: &str) -> Stand {
    Stand::edited(
        &SERVER,
        &format!("{DATA}{sql}"),
        |configuration| configuration,
        |_, text| {
            text.replace(
                "environment = \"prod\"",
                "environment = \"prod\"\ndiscover = true",
            )
        },
    )
}

fn weir(stand: &Stand, arguments: &[&str]) -> Output {
    Command::new(xtask::lab::weir::binary().unwrap())
        .args(arguments)
        .current_dir(stand.folder.path())
        .env("USER", "erin")
        .output()
        .unwrap()
}

/// Who runs the tests, as the machine knows them; what `USER` says is worth nothing.
fn machine_user() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn told(stand: &Stand, arguments: &[&str]) -> String {
    let out = weir(stand, arguments);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

fn list(stand: &Stand) -> Vec<Value> {
    let text = told(stand, &["labels", "list", "--target", "shop", "--json"]);
    serde_json::from_str(&text).unwrap()
}

/// Label and path of each row of a column.
fn of(stand: &Stand, table: &str, column: &str) -> Vec<(String, Option<String>, bool)> {
    let rows = list(stand).into_iter();
    rows.filter(|row| row["table"] == table && row["column"] == column)
        .map(|row| {
            let path = row["path"].as_str().map(str::to_owned);
            (
                row["label"].as_str().unwrap().to_owned(),
                path,
                row["sensitive"] == true,
            )
        })
        .collect()
}

fn scanned(stand: &Stand) {
    until("every table was looked at", || {
        ["t1", "kunden", "later", "notes"]
            .iter()
            .all(|table| list(stand).iter().any(|row| row["table"] == *table))
    });
}

fn sees(stand: &Stand, sql: &str, raw: &str) -> bool {
    let answer = stand.client("alice").query(sql).unwrap();
    answer.error().is_none() && answer.contains(raw)
}

#[test]
fn labels_are_found_by_names_and_values_and_mask() {
    let stand = stand("");
    scanned(&stand);
    until("masks follow", || {
        sees(&stand, "select c3 from t1", "closed")
    });
    assert_eq!(of(&stand, "t1", "c2"), [("email".to_owned(), None, true)]);
    assert_eq!(
        of(&stand, "kunden", "e-mail-adresse"),
        [("email".to_owned(), None, true)]
    );
    assert!(of(&stand, "kunden", "telefonnummer")[0].2);
    assert!(of(&stand, "kunden", "geburtsdatum")[0].2);
    let json = of(&stand, "t1", "c4");
    assert!(
        json.contains(&("email".to_owned(), Some("$.kunde.mail".to_owned()), true)),
        "{json:?}"
    );
    // What is written in weir.toml wins and is looked at by nobody.
    let configured = list(&stand);
    let email = configured
        .iter()
        .find(|row| row["table"] == "customers" && row["column"] == "email")
        .unwrap();
    assert_eq!(email["source"], "config");
    for (sql, raw) in [
        ("select c2 from t1", "@mail"),
        ("select c4 from t1", "firma.example.de"),
        ("select \"e-mail-adresse\" from kunden", "post.example.org"),
        ("select telefonnummer from kunden", "+49"),
    ] {
        assert!(!sees(&stand, sql, raw), "raw: {sql}");
        assert!(stand.client("dana").run(sql).unwrap().contains(raw));
    }
    // Each is on record, with evidence and without a value.
    let changes = stand.entries_of("label.change");
    let c2 = changes
        .iter()
        .find(|entry| entry["column"] == "public.t1.c2")
        .unwrap();
    assert_eq!(
        (&c2["label"], &c2["source"]),
        (&Value::from("email"), &Value::from("scan"))
    );
    assert!(
        changes
            .iter()
            .all(|entry| !entry.to_string().contains("example.")),
        "{changes:?}"
    );
    stand.weir.command(&["ledger", "verify"]).unwrap();
}

#[test]
fn what_is_new_or_empty_is_masked_until_it_is_known() {
    let stand = stand("");
    scanned(&stand);
    assert!(of(&stand, "later", "secret_note")[0].2);
    let mut direct = stand.direct();
    direct.run("begin; create table fresh (a int, b text); insert into fresh select n, 'plain words ' || n from generate_series(1, 100) n; grant select on fresh to app; commit").unwrap();
    // Whoever looks sees nothing of it before it was judged.
    let mut alice = stand.client("alice");
    let answer = alice.query("select b from fresh").unwrap();
    assert!(!answer.contains("plain words") || !of(&stand, "fresh", "b").is_empty());
    until("it was judged and is served", || {
        sees(&stand, "select b from fresh", "plain words")
    });
    // Another type is another column; a name is none.
    direct
        .run("alter table t1 rename c2 to kind; alter table t1 rename to orders")
        .unwrap();
    until("the rename is seen", || {
        stand
            .client("alice")
            .query("select kind from orders")
            .unwrap()
            .error()
            .is_none()
    });
    assert!(!sees(&stand, "select kind from orders", "@mail"));
    direct
        .run("alter table orders alter c3 type varchar(20); alter table orders drop c5")
        .unwrap();
    let looked = |stand: &Stand| {
        let changes = stand.entries_of("label.change");
        changes
            .iter()
            .filter(|entry| entry["column"] == "public.orders.c3")
            .count()
    };
    until("the changed column was looked at again", || {
        looked(&stand) > 0
    });
    until("and is served", || {
        sees(&stand, "select c3 from orders", "closed")
    });
}

#[test]
fn people_decide_and_say_why() {
    let stand = stand("");
    scanned(&stand);
    until("masks follow", || {
        sees(&stand, "select c3 from t1", "closed")
    });
    let set = |column: &str, label: &str| {
        told(
            &stand,
            &[
                "labels",
                "set",
                column,
                label,
                "--why",
                "ticket 4711",
                "--target",
                "shop",
            ],
        )
    };
    set("public.t1.c3", "note");
    until("the decision masks", || {
        !sees(&stand, "select c3 from t1", "closed")
    });
    set("public.t1.c2", "none");
    until("the decision lifts", || {
        sees(&stand, "select c2 from t1", "@mail")
    });
    let changes = stand.entries_of("label.change");
    let review = changes
        .iter()
        .rfind(|entry| entry["source"] == "review")
        .unwrap();
    assert_eq!(
        (
            &review["column"],
            &review["label"],
            &review["why"],
            &review["by"]
        ),
        (
            &Value::from("public.t1.c2"),
            &Value::from("none"),
            &Value::from("ticket 4711"),
            &Value::from(machine_user())
        )
    );
    let shown = told(
        &stand,
        &["labels", "show", "public.t1.c2", "--target", "shop"],
    );
    let decided = format!("{} decided: ticket 4711", machine_user());
    assert!(shown.contains(&decided), "{shown}");
    let exported = told(&stand, &["labels", "export", "--target", "shop"]);
    assert!(
        exported.contains("\"public.t1.c3\" = \"note\"") && !exported.contains("public.t1.c2"),
        "{exported}"
    );
    let wrong = weir(
        &stand,
        &[
            "labels",
            "set",
            "public.customers.email",
            "none",
            "--why",
            "x",
            "--target",
            "shop",
        ],
    );
    assert!(!wrong.status.success());
    // A decision that cannot be read masks everything.
    let file = stand
        .folder
        .path()
        .join("ledger.state/labels/shop.reviewed.json");
    std::fs::write(&file, "{").unwrap();
    until("all is masked", || {
        !sees(&stand, "select c2 from t1", "@mail")
    });
}

fn set(stand: &Stand, column: &str, label: &str) -> Output {
    let arguments = [
        "labels",
        "set",
        column,
        label,
        "--why",
        "ticket 4711",
        "--target",
        "shop",
    ];
    weir(stand, &arguments)
}

/// The label of a whole column and why, once it was looked at.
fn judged(stand: &Stand, table: &str, column: &str) -> (String, String) {
    until("it was looked at", || !of(stand, table, column).is_empty());
    let rows = list(stand);
    let row = rows
        .iter()
        .find(|row| row["table"] == table && row["column"] == column)
        .unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&row["label"]), text(&row["evidence"][0]))
}

/// Waits until a look at a table waits for a lock of somebody.
fn until_a_look_waits(direct: &mut xtask::lab::Client) {
    until("a look waits", || {
        let waiting = "select count(*) from pg_stat_activity where application_name = 'weir labels' and wait_event_type = 'Lock' and datname = current_database()";
        direct.run(waiting).unwrap().value() != "0"
    });
}

#[test]
fn what_cannot_be_sampled_stays_masked_and_says_so() {
    let stand = stand(&format!(
        "{} create function mine() returns boolean language plpgsql as $$ begin raise exception 'ran as %', current_user; end $$;
         create table guarded (v text); insert into guarded values ('plain');
         alter table guarded enable row level security; alter table guarded force row level security;
         create policy p on guarded using (mine());
         reset role; create table hidden (v text); insert into hidden values ('plain'); revoke all on hidden from app;
         create foreign data wrapper far; create server far foreign data wrapper far; create foreign table far (v text) server far;
         create table parts (v text) partition by range (v); create foreign table part partition of parts default server far;
         grant select on far, parts to app;",
        plain("slow")
    ));
    // A table of others, and one whose policy would run somebody's code as Weir's role. The server's words may hold
    // values: its SQLSTATE does not.
    for table in ["hidden", "guarded"] {
        let (label, why) = judged(&stand, table, "v");
        assert_eq!(label, "unclassified");
        assert!(
            why.ends_with("(SQLSTATE 42501)") && !why.contains(table),
            "{why}"
        );
    }
    for table in ["far", "parts"] {
        let (label, why) = judged(&stand, table, "v");
        assert_eq!(label, "unclassified");
        assert!(why.contains("another server"), "{table}: {why}");
    }
    until("others are served meanwhile", || {
        sees(&stand, "select v from slow", "plain")
    });
    // Somebody holds a lock while it is looked at for the first time, and again.
    let mut direct = stand.direct();
    direct
        .run(&format!(
            "{} grant select on locked to app",
            plain("locked")
        ))
        .unwrap();
    until("it is served", || {
        sees(&stand, "select v from locked", "plain")
    });
    direct.run("begin; lock table locked").unwrap();
    let scanned = told(&stand, &["labels", "scan", "--target", "shop"]);
    assert!(scanned.contains("(SQLSTATE 55P03)"), "{scanned}");
    direct.run("rollback").unwrap();
    // What was found before stands.
    assert_eq!(judged(&stand, "locked", "v").0, "none");
    assert!(sees(&stand, "select v from locked", "plain"));
}

#[test]
fn few_or_blank_values_do_not_lift_a_mask() {
    let stand = stand(
        "create table defaults (id serial primary key, flag boolean, notes text default '', extra jsonb default '{}', kind text default 'n/a', body jsonb, memo text);
         insert into defaults (flag, kind, body, memo) select true, case n when 1 then 'x' else 'n/a' end,
            jsonb_build_object('n', n, 'note', ''), case n when 1 then 'test' end from generate_series(1, 300) n;
         create table long (d jsonb, t text, a text[]);
         insert into long select case when n > 30 then jsonb_build_object('n', n) else
                jsonb_build_object('note', (select string_agg(md5((m * n)::text), ' ') from generate_series(1, 200) m)) end,
            'plain ' || n || case n when 7 then repeat(' word', 2000) else '' end, array['plain ' || n, case n when 7 then (select string_agg(md5(m::text), '') from generate_series(1, 200) m) end]
            from generate_series(1, 300) n;",
    );
    assert_eq!(judged(&stand, "defaults", "flag").0, "none");
    assert_eq!(judged(&stand, "defaults", "id").0, "none");
    for column in ["notes", "extra", "kind", "body", "memo"] {
        let (label, why) = judged(&stand, "defaults", column);
        assert_eq!(label, "unclassified", "{column}: {why}");
    }
    for column in ["d", "t", "a"] {
        let (label, why) = judged(&stand, "long", column);
        assert_eq!(label, "unclassified", "{column}: {why}");
        assert!(why.contains("too long"), "{column}: {why}");
    }
    // What the application writes then is not raw.
    let later =
        "update defaults set notes = 'call Anna', extra = '{\"who\": \"Anna\"}' where id = 1";
    stand.direct().run(later).unwrap();
    assert!(!sees(&stand, "select notes, extra from defaults", "Anna"));
}

#[test]
fn another_table_under_the_name_is_not_judged_for_it() {
    let stand = stand(&format!(
        "{} create table mails (id int, v text); insert into mails select n, 'a' || n || '@post.example.org' from generate_series(1, 100) n;",
        plain("calm")
    ));
    assert_eq!(judged(&stand, "calm", "v").0, "none");
    let mut direct = stand.direct();
    direct
        .run("begin; alter table calm rename to away; alter table mails rename to calm")
        .unwrap();
    std::thread::scope(|scope| {
        let scan = scope.spawn(|| told(&stand, &["labels", "scan", "--target", "shop", "--json"]));
        until_a_look_waits(&mut stand.direct());
        direct.run("commit").unwrap();
        let rows: Vec<Value> = serde_json::from_str(&scan.join().unwrap()).unwrap();
        // The look waited for a table of the name `calm`, and got another one than the catalog had.
        let calm = rows
            .iter()
            .filter(|row| row["table"] == "calm" && row["column"] == "v");
        let labels: Vec<&Value> = calm.map(|row| &row["label"]).collect();
        assert!(!labels.contains(&&Value::from("email")), "{labels:?}");
    });
    until("the plain one is served by its other name", || {
        sees(&stand, "select v from away", "plain")
    });
    assert!(!sees(&stand, "select v from calm", "@post"));
}

#[test]
fn a_lost_connection_costs_one_table_its_look() {
    let stand = stand("");
    scanned(&stand);
    let mut direct = stand.direct();
    let tables = [plain("stuck"), plain("other")].join(" ");
    direct
        .run(&format!("{tables} grant select on stuck, other to app"))
        .unwrap();
    until("both are served", || {
        sees(&stand, "select v from stuck", "plain") && sees(&stand, "select v from other", "plain")
    });
    direct
        .run("begin; alter table stuck alter v type varchar(40); alter table other alter v type varchar(40)")
        .unwrap();
    // The catalog is read again while somebody is there.
    let _somebody = stand.client("alice");
    // Who waits for the lock before the change can be seen has it before any look.
    let mut holder = stand.direct();
    holder.run("begin").unwrap();
    holder.send(&message::query("lock table stuck")).unwrap();
    until("the lock is waited for", || {
        let waiting = "select count(*) from pg_stat_activity where query = 'lock table stuck' and wait_event_type = 'Lock' and datname = current_database()";
        stand.direct().run(waiting).unwrap().value() == "1"
    });
    direct.run("commit").unwrap();
    assert!(holder.finish().unwrap().error().is_none());
    let mut killer = stand.direct();
    until("the look is cut off, or the other one was faster", || {
        let kill = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'weir labels' and wait_event_type = 'Lock' and datname = current_database()";
        killer.run(kill).unwrap();
        judged(&stand, "stuck", "v").0 == "unclassified"
    });
    holder.run("rollback").unwrap();
    until("others are looked at", || {
        sees(&stand, "select v from other", "plain")
    });
    assert!(!sees(&stand, "select v from stuck", "plain"));
}

#[test]
fn a_partition_keeps_what_was_found_in_it() {
    let stand = stand(
        "create table events (at int, v text) partition by list (at);
         create table events_1 partition of events for values in (1);
         insert into events select 1, 'plain ' || n from generate_series(1, 2000) n;
         create table old (at int, v text); insert into old select 2, 'a' || n || '@post.example.org' from generate_series(1, 100) n;",
    );
    assert_eq!(judged(&stand, "events", "v").0, "none");
    assert_eq!(judged(&stand, "old", "v").0, "email");
    until("it is served", || {
        sees(&stand, "select v from events", "plain")
    });
    stand
        .direct()
        .run("alter table events attach partition old for values in (2)")
        .unwrap();
    until("it is a partition", || {
        !sees(&stand, "select v from events where at = 1", "plain")
    });
    assert!(!sees(&stand, "select v from old", "@post"));
    assert!(!sees(&stand, "select v from events", "@post"));
}

#[test]
fn decisions_are_about_the_column_that_bears_the_name_now() {
    let stand = stand("");
    scanned(&stand);
    let mut direct = stand.direct();
    let rename = "alter table t1 rename c2 to c2_old; alter table t1 add c2 text";
    direct.run(rename).unwrap();
    let out = set(&stand, "public.t1.c2", "none");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    until("the name is seen", || {
        stand
            .client("alice")
            .query("select c2_old from t1")
            .unwrap()
            .error()
            .is_none()
    });
    assert!(!sees(&stand, "select c2_old from t1", "@mail"));
    assert_eq!(of(&stand, "t1", "c2"), [("none".to_owned(), None, false)]);
    for (column, why) in [
        ("public.t1.nothing", "no column"),
        ("public.v.c2", "of a view"),
    ] {
        direct
            .run("create or replace view v as select c2 from t1")
            .unwrap();
        let out = set(&stand, column, "none");
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!out.status.success() && said.contains(why), "{said}");
    }
    let blank = [
        "labels",
        "set",
        "public.t1.c3",
        "none",
        "--why",
        " ",
        "--target",
        "shop",
    ];
    assert!(!weir(&stand, &blank).status.success());
    // A mask that somebody decided stands when the type changes; that it holds nothing does not.
    assert!(set(&stand, "public.t1.c3", "note").status.success());
    direct
        .run("drop view v; alter table t1 alter c3 type varchar(20), alter c2 type varchar(20); update t1 set c2 = 'x@mail.example.com'")
        .unwrap();
    until("the change is seen", || {
        !sees(&stand, "select c2 from t1", "@mail")
    });
    assert!(!sees(&stand, "select c3 from t1", "closed"));
    assert_eq!(of(&stand, "t1", "c3"), [("note".to_owned(), None, true)]);
}

#[test]
fn decisions_made_at_the_same_time_all_stand() {
    let stand = stand("");
    scanned(&stand);
    let columns = [
        "t1.c1",
        "t1.c2",
        "t1.c3",
        "kunden.nr",
        "kunden.telefonnummer",
        "later.id",
    ];
    std::thread::scope(|scope| {
        let scan = scope.spawn(|| told(&stand, &["labels", "scan", "--target", "shop"]));
        let all = columns.map(|column| {
            let stand = &stand;
            scope.spawn(move || set(stand, &format!("public.{column}"), "note"))
        });
        for one in all {
            assert!(one.join().unwrap().status.success());
        }
        scan.join().unwrap();
    });
    let rows = list(&stand);
    let decided = rows.iter().filter(|row| row["source"] == "review");
    assert_eq!(decided.count(), columns.len());
}

#[test]
fn decisions_that_are_gone_or_of_another_database_mask() {
    let mut stand = stand("");
    scanned(&stand);
    assert!(set(&stand, "public.t1.c2", "none").status.success());
    until("the decision lifts", || {
        sees(&stand, "select c2 from t1", "@mail")
    });
    let folder = stand.folder.path().join("ledger.state/labels");
    let (reviewed, found) = (
        folder.join("shop.reviewed.json"),
        folder.join("shop.found.json"),
    );
    let mode = std::fs::metadata(&reviewed).unwrap().permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
    let kept = std::fs::read_to_string(&reviewed).unwrap();
    let database = |text: &str| {
        let at: Value = serde_json::from_str(text).unwrap();
        let at = at["decisions"][0]["database"].clone();
        at.as_str().unwrap().to_owned()
    };
    let other = kept.replace(&database(&kept), "7:7");
    crate::stand::replace(&reviewed, &other);
    until("it was said of another database", || {
        !sees(&stand, "select c2 from t1", "@mail")
    });
    crate::stand::replace(&reviewed, &kept);
    until("it counts again", || {
        sees(&stand, "select c2 from t1", "@mail")
    });
    std::fs::remove_file(&reviewed).unwrap();
    until("all is masked", || {
        !sees(&stand, "select c3 from t1", "closed")
    });
    let out = set(&stand, "public.t1.c3", "none");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(
        !out.status.success() && said.contains("their file is gone"),
        "{said}"
    );
    // After a restart, too.
    stand.weir.crash();
    stand.weir.resume().unwrap();
    assert!(!sees(&stand, "select c3 from t1", "closed"));
    stand.weir.crash();
    crate::stand::replace(&reviewed, &kept);
    // Findings of another database are void: everything is looked at anew.
    let text = std::fs::read_to_string(&found).unwrap();
    crate::stand::replace(&found, &text.replace(&database(&kept), "7:7"));
    let before = stand.entries_of("label.change").len();
    stand.weir.resume().unwrap();
    until("it was looked at anew", || {
        stand.entries_of("label.change").len() > before
    });
    until("and counts", || sees(&stand, "select c3 from t1", "closed"));
}

#[test]
fn without_discover_only_decisions_count() {
    let stand = Stand::with(DATA, |configuration| configuration);
    let scanned = told(&stand, &["labels", "scan", "--target", "shop", "--json"]);
    assert!(scanned.contains("\"masked\": false"), "{scanned}");
    // Nothing was kept: it is on no record.
    assert!(of(&stand, "t1", "c2").is_empty());
    assert!(sees(&stand, "select c2 from t1", "@mail"));
    assert!(set(&stand, "public.t1.c2", "email").status.success());
    until("the decision masks", || {
        !sees(&stand, "select c2 from t1", "@mail")
    });
    assert_eq!(of(&stand, "t1", "c2"), [("email".to_owned(), None, true)]);
    let out = weir(&stand, &["labels", "scan", "--target", "shop"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("masks nothing"), "{said}");
}
