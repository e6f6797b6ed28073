//! Labels that nobody wrote: found in names and samples, decided by people, masked until known.

use std::process::{Command, Output};

use serde_json::Value;

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
    direct.run("create table fresh (a int, b text); insert into fresh values (1, 'plain words here'); grant select on fresh to app").unwrap();
    // Whoever looks sees nothing of it before it was judged.
    let mut alice = stand.client("alice");
    let answer = alice.query("select b from fresh").unwrap();
    assert!(!answer.contains("plain words") || !of(&stand, "fresh", "b").is_empty());
    until("it was judged", || !of(&stand, "fresh", "a").is_empty());
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
            &Value::from("erin")
        )
    );
    let shown = told(
        &stand,
        &["labels", "show", "public.t1.c2", "--target", "shop"],
    );
    assert!(shown.contains("erin decided: ticket 4711"), "{shown}");
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

#[test]
fn what_cannot_be_sampled_stays_masked_and_says_so() {
    let stand = stand(
        "create table slow (id int, v text); insert into slow values (1, 'plain');
         create function mine() returns boolean language plpgsql as $$ begin raise exception 'ran as %', current_user; end $$;
         create table guarded (v text); insert into guarded values ('plain');
         alter table guarded enable row level security; alter table guarded force row level security;
         create policy p on guarded using (mine());
         create table hidden (v text); insert into hidden values ('plain');
         reset role; alter table hidden owner to postgres; revoke all on hidden from app;",
    );
    let all = |tables: &[&str]| {
        until("each was tried", || {
            tables
                .iter()
                .all(|table| list(&stand).iter().any(|row| row["table"] == **table))
        });
    };
    all(&["slow", "hidden", "guarded"]);
    let evidence = |table: &str| {
        let rows = list(&stand);
        let row = rows
            .iter()
            .find(|row| row["table"] == table && row["column"] == "v")
            .unwrap();
        let why = row["evidence"][0].as_str().unwrap_or_default().to_owned();
        (
            row["label"] == "unclassified" && row["sensitive"] == true,
            why,
        )
    };
    // A table of others, and one whose policy would run somebody's code as Weir's role.
    for table in ["hidden", "guarded"] {
        let (masked, why) = evidence(table);
        assert!(
            masked && why.contains("42501") && !why.contains("ran as"),
            "{table}: {why}"
        );
    }
    until("others are served meanwhile", || {
        sees(&stand, "select v from slow", "plain")
    });
    // Somebody holds a lock while it is looked at again.
    let mut direct = stand.direct();
    direct.run("begin; lock table slow").unwrap();
    told(&stand, &["labels", "scan", "--target", "shop"]);
    until("the lock was too long", || {
        evidence("slow").1.contains("55P03")
    });
    direct.run("rollback").unwrap();
    until("it is masked", || {
        !sees(&stand, "select v from slow", "plain")
    });
    let changes = stand.entries_of("label.change");
    let said = |e: &&Value| e["column"] == "public.slow.v" && e["label"] == "unclassified";
    assert!(
        changes.iter().find(said).unwrap()["why"]
            .as_str()
            .unwrap()
            .contains("55P03")
    );
}
