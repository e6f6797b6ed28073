//! Who gets in, where to, and what their name stands on: keys, targets, `weir.*` settings, context.

use serde_json::Value;
use xtask::lab::client::message;
use xtask::lab::{Answer, Client, Connect, Extended, Target};

use crate::stand::{SERVER, Stand, error, policies, refused, rule, until};

/// Messages of a login up to its end, as (tag, length), with what an ErrorResponse said.
fn shape(connect: &Connect) -> (Vec<(u8, usize)>, String) {
    let failure = Client::connect(connect).expect_err("the login was taken");
    let mut rest = &failure.raw[..];
    let mut found = Vec::new();
    while rest.len() >= 5 {
        let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]);
        found.push((rest[0], length as usize));
        rest = &rest[1 + length as usize..];
    }
    (found, failure.fields.unwrap().to_string())
}

/// The SCRAM server-first message: nonce, salt, iterations.
fn challenge(stand: &Stand, user: &str) -> String {
    let mut client = Client::open(&stand.connect(user)).unwrap();
    let startup = message::startup(&[("user", user), ("database", "shop")]);
    client.send(&startup).unwrap();
    let mut answer = Answer::default();
    client.receive(&mut answer).unwrap().unwrap();
    let first = message::Builder::new(b'p')
        .string("SCRAM-SHA-256")
        .value(Some(b"n,,n=,r=abcdefghijklmnopqrstuvwx"))
        .finish();
    client.send(&first).unwrap();
    let second = client.receive(&mut answer).unwrap().unwrap();
    String::from_utf8(second.body[4..].to_vec()).unwrap()
}

#[test]
fn an_unknown_user_looks_like_a_wrong_key() {
    let stand = Stand::usual();
    // A well-formed key of somebody else.
    let mut wrong = stand.connect("alice");
    wrong.password = stand.weir.key("dana").to_owned();
    let mut unknown = wrong.clone();
    unknown.user = "nobody".to_owned();
    let (seen, said) = shape(&wrong);
    assert!(said.contains("FATAL 28P01"), "{said}");
    assert_eq!(shape(&unknown), (seen, said));
    // Salt and iterations are those of a real user: of the same form, and the same each time.
    let fixed = |user: &str| {
        let first = challenge(&stand, user);
        let (nonce, rest) = first.split_once(',').unwrap();
        (nonce.len(), rest.to_owned())
    };
    let (alice, nobody) = (fixed("alice"), fixed("nobody"));
    assert_eq!(alice.0, nobody.0);
    assert_eq!(alice.1.len(), nobody.1.len());
    assert_ne!(alice.1, nobody.1);
    assert_eq!(nobody, fixed("nobody"));
    assert_eq!(alice, fixed("alice"));
    // The ledger knows.
    let reasons: Vec<Value> = stand
        .entries_of("authentication.failed")
        .into_iter()
        .map(|entry| entry["reason"].clone())
        .collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
}

#[test]
fn expired_and_revoked_keys_are_told_to_their_holder_only() {
    let stand = Stand::usual();
    let create = |expires: &[&str]| -> (String, String) {
        let mut command = vec!["key", "create", "alice", "--json"];
        command.extend(expires);
        let made: Value = serde_json::from_str(&stand.weir.command(&command).unwrap()).unwrap();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), text("secret"))
    };
    let with = |secret: &str| {
        let mut connect = stand.connect("alice");
        connect.password = secret.to_owned();
        connect
    };
    let (id, secret) = create(&[]);
    // A new key works without a restart, and so does its end.
    until("the new key is taken", || {
        Client::connect(&with(&secret)).is_ok()
    });
    stand.weir.command(&["key", "revoke", &id]).unwrap();
    until("the key is refused", || {
        Client::connect(&with(&secret)).is_err()
    });
    let told = stand.turned_away(&with(&secret));
    assert_eq!(told.code(), "28P01");
    assert!(told.message().contains("revoked"), "{told}");

    let (_, secret) = create(&["--expires", "1s"]);
    until("the key has expired", || {
        Client::connect(&with(&secret))
            .is_err_and(|failure| failure.to_string().contains("expired"))
    });
    // Who holds no key of hers is not told that there were some.
    let told = stand.turned_away(&with(stand.weir.key("dana")));
    assert!(told.message().contains("not accepted"), "{told}");
    stand.client("alice");
}

#[test]
fn a_forbidden_target_looks_like_one_that_does_not_exist() {
    let stand = Stand::with("", |c| {
        let vault = Target {
            name: "vault".into(),
            ..c.targets[0].clone()
        };
        let more = r#"
            @id("no-vault")
            forbid (principal, action == Action::"connect", resource == Target::"vault")
            unless { principal == Human::"dana" };
        "#;
        policies(c.target(vault), more)
    });
    let told = |who: &str, target: &str| {
        let told = stand.turned_away(&stand.weir.connect(who, target));
        told.to_string().replace(target, "X")
    };
    let forbidden = told("alice", "vault");
    assert_eq!(forbidden, told("alice", "cellar"));
    assert!(forbidden.contains("FATAL 3D000"), "{forbidden}");
    assert!(
        forbidden.ends_with("HINT: You may connect to: shop."),
        "{forbidden}"
    );
    let told = told("dana", "cellar");
    assert!(
        told.ends_with("HINT: You may connect to: shop, vault."),
        "{told}"
    );
    stand.weir.client("dana", "vault").unwrap();
    let reasons: Vec<Value> = stand
        .entries_of("authentication.failed")
        .into_iter()
        .map(|entry| entry["reason"].clone())
        .collect();
    assert_eq!(
        reasons,
        ["not_permitted", "unknown_target", "unknown_target"]
    );
    // Nothing of it is told before the proof.
    let mut wrong = stand.weir.connect("alice", "cellar");
    wrong.password = stand.weir.key("dana").to_owned();
    assert_eq!(stand.turned_away(&wrong).code(), "28P01");
}

#[test]
fn the_settings_of_weir_cannot_be_overwritten() {
    let stand = Stand::usual();
    let mut helper = stand.client("helper");
    let read = "select current_setting('weir.principal'), current_setting('weir.on_behalf_of'),
                length(current_setting('weir.session'))";
    let own = [vec![
        "helper".to_owned(),
        "alice".to_owned(),
        "36".to_owned(),
    ]];
    assert_eq!(helper.run(read).unwrap().rows(), own);
    for sql in [
        "set weir.principal = 'mallory'",
        "set local weir.principal = 'mallory'",
        "set session \"weir.principal\" = 'mallory'",
        "SET WEIR.PRINCIPAL TO mallory",
        "set weir.session = 'x'",
        "set weir.on_behalf_of = 'dana'",
        "set weir.anything = 'x'",
        "select set_config('weir.principal', 'mallory', false)",
        "select set_config('WEIR.principal', 'mallory', true)",
        "select set_config('weir.' || 'principal', 'mallory', false)",
        "update pg_settings set setting = 'mallory' where name = 'weir.principal'",
    ] {
        let answer = helper.query(sql).unwrap();
        assert_eq!(error(&answer).code(), "42501", "{sql}: {}", error(&answer));
    }
    // These go through and change nothing.
    for sql in ["reset weir.principal", "reset all", "discard all"] {
        let _ = helper.query(sql).unwrap();
        assert_eq!(helper.run(read).unwrap().rows(), own, "{sql}");
    }
    // When connecting: refused, and not shown to the database either.
    for (name, value) in [
        ("weir.principal", "mallory"),
        ("WEIR.Principal", "mallory"),
        ("options", "-c weir.principal=mallory"),
        ("options", "-cweir.principal=mallory"),
        ("options", "--weir.principal=mallory"),
        ("options", "--WEIR.principal=mallory"),
        ("options", "-c weir.on_behalf_of=dana"),
        ("options", "-c role=postgres"),
        ("role", "postgres"),
        ("options", "-c session_authorization=postgres"),
    ] {
        let told = stand.turned_away(&stand.connect("helper").parameter(name, value));
        let ours = ["42501", "0A000"].contains(&told.code());
        assert!(ours, "{name}={value}: {told}");
        assert!(!SERVER.log().contains("mallory"));
    }
    let refused = stand.entries_of("session.refused");
    assert_eq!(refused.len(), 10);
    assert_eq!(refused[0]["sqlstate"], "42501");
    assert_eq!(refused[0]["rule"], "weir.reserved-setting");
}

#[test]
fn the_database_sees_who_it_is() {
    let stand = Stand::usual();
    let alice = stand.connect("alice").parameter("application_name", "psql");
    let _alice = Client::connect(&alice).unwrap();
    let long = "ä".repeat(60);
    let dana = stand.connect("dana").parameter("application_name", &long);
    let _dana = Client::connect(&dana).unwrap();
    let seen = format!(
        "select application_name from pg_stat_activity
         where datname = '{}' and application_name like '%[%]' order by 1",
        stand.database
    );
    let seen = SERVER
        .client("postgres")
        .unwrap()
        .run(&seen)
        .unwrap()
        .rows();
    assert!(seen.iter().any(|row| row[0] == "psql [alice]"), "{seen:?}");
    // A long name is cut, the principal never.
    assert!(
        seen.iter().any(|row| row[0].ends_with(" [dana]")),
        "{seen:?}"
    );
    let opened = stand.entries_of("session.open");
    assert_eq!(stand.disclosed(&opened[0])["application"], "psql");
}

#[test]
fn a_client_that_renames_itself_stays_attributed() {
    let stand = Stand::usual();
    let connect = stand.connect("alice").parameter("application_name", "psql");
    let mut alice = Client::connect(&connect).unwrap();
    let name = "select current_setting('application_name')";
    let mut seen = |sql: &str, at_server: &str, shown: &str| {
        for part in sql.split(';') {
            alice.run(part).unwrap();
        }
        assert_eq!(alice.run(name).unwrap().value(), at_server, "{sql}");
        assert_eq!(alice.setting("application_name"), Some(shown), "{sql}");
    };
    seen("select 1", "psql [alice]", "psql");
    seen("set application_name = 'mine'", "mine [alice]", "mine");
    seen(
        "set application_name = 'x [dana]'",
        "x [dana] [alice]",
        "x [dana]",
    );
    seen("reset application_name", "psql [alice]", "psql");
    seen("begin; set local application_name = 'a'", "a [alice]", "a");
    seen("commit", "psql [alice]", "psql");
    seen(
        "begin; set application_name = 'b'; select 1",
        "b [alice]",
        "b",
    );
    seen("commit", "b [alice]", "b");
    seen(
        "begin; set application_name = 'c'; rollback",
        "b [alice]",
        "b",
    );
    seen("set application_name = ''", "[alice]", "");
    seen("discard all", "psql [alice]", "psql");
    let set = alice.extended("set application_name = 'd'", &Extended::default());
    assert!(set.unwrap().errors.is_empty());
    let read = alice.extended(name, &Extended::default()).unwrap();
    assert_eq!(read.value(), "d [alice]");
    assert_eq!(alice.setting("application_name"), Some("d"));
}

#[test]
fn a_client_knows_its_backend_by_the_servers_number() {
    let stand = Stand::usual();
    let mut alice = stand.client("alice");
    let own = alice
        .run("select pg_backend_pid()")
        .unwrap()
        .value()
        .to_owned();
    assert_eq!(alice.process_id.to_string(), own);
    // Cancelling by it still takes the secret.
    let mut stranger = stand.client("alice");
    let secret = std::mem::replace(&mut stranger.secret, alice.secret.clone());
    stranger.cancel().unwrap();
    stranger.secret = secret;
    alice.send(&message::query("select pg_sleep(60)")).unwrap();
    until("it sleeps in the database", || {
        let asleep = format!(
            "select count(*) from pg_stat_activity where pid = {own} and wait_event = 'PgSleep'"
        );
        SERVER
            .client("postgres")
            .unwrap()
            .run(&asleep)
            .unwrap()
            .value()
            == "1"
    });
    alice.cancel().unwrap();
    assert_eq!(error(&alice.finish().unwrap()).code(), "57014");
    assert_eq!(stranger.run("select 1").unwrap().value(), "1");
}

#[test]
fn a_wrong_parameter_at_start_up_is_told_as_such() {
    let stand = Stand::usual();
    for (name, value, code) in [
        ("DUBIOUS_NAME", "1 2 3", "42704"),
        ("options", "-c dubious_name=123", "42704"),
        ("work_mem", "plenty", "22023"),
        ("extra_float_digits", "dana@example.com", "22023"),
    ] {
        let told = stand.turned_away(&stand.connect("dana").parameter(name, value));
        assert_eq!(told.code(), code, "{name}={value}: {told}");
        assert!(!told.to_string().contains(value), "{told}");
    }
}

#[test]
fn declared_context_lands_in_the_ledger() {
    let stand = Stand::usual();
    let context = |stand: &Stand| {
        let last = stand.entries_of("statement.intent").pop().unwrap();
        let found = stand.disclosed(&last);
        ["purpose", "task", "run"].map(|name| found[name].as_str().unwrap_or("").to_owned())
    };
    let options = "-c weir.purpose=billing --weir.task=T\\ 1";
    let mut alice = Client::connect(&stand.connect("alice").parameter("options", options)).unwrap();
    alice.run("select 1").unwrap();
    assert_eq!(context(&stand), ["billing", "T 1", ""]);
    alice.run("set weir.run = 'nightly-7'").unwrap();
    alice.run("select id from notes").unwrap();
    assert_eq!(context(&stand), ["billing", "T 1", "nightly-7"]);
    // A comment speaks for its own statement.
    alice
        .run("select id from notes /*purpose='a%20question',task='T%202'*/")
        .unwrap();
    assert_eq!(context(&stand), ["a question", "T 2", "nightly-7"]);
    alice.run("select text from notes").unwrap();
    assert_eq!(context(&stand), ["billing", "T 1", "nightly-7"]);
    alice.run("begin; set local weir.task = 'T 3'").unwrap();
    alice.run("select 2").unwrap();
    assert_eq!(context(&stand), ["billing", "T 3", "nightly-7"]);
    alice.run("rollback").unwrap();
    alice.run("select 3").unwrap();
    assert_eq!(context(&stand), ["billing", "T 1", "nightly-7"]);
}

#[test]
fn policy_may_ask_for_declared_context() {
    let stand = Stand::with("", |c| {
        let more = r#"
            @id("notes-need-a-purpose")
            @require("purpose")
            @message("Say what you read notes for")
            forbid (principal, action == Action::"read", resource == Dataset::"public.notes")
            unless { context has purpose };
        "#;
        policies(c, more)
    });
    let mut alice = stand.client("alice");
    let read = "select id from notes";
    assert_eq!(refused(&mut alice, read), "notes-need-a-purpose");
    alice.run(&format!("{read} /*purpose='audit'*/")).unwrap();
    assert_eq!(refused(&mut alice, read), "notes-need-a-purpose");
    alice.run("set weir.purpose = 'audit'").unwrap();
    alice.run(read).unwrap();
}

#[test]
fn an_agent_is_bound_by_its_human() {
    // The human may not read notes, so neither may the agent.
    let stand = Stand::with("", |c| {
        let more = r#"
            @id("not-alice")
            forbid (principal == Human::"alice", action == Action::"read", resource == Dataset::"public.notes");
        "#;
        policies(c, more)
    });
    let mut helper = stand.client("helper");
    assert_eq!(refused(&mut helper, "select id from notes"), "not-alice");
    helper.run("select id from customers").unwrap();
    let insert = "insert into customers (id) values (9)";
    assert_eq!(refused(&mut helper, insert), "agents-read-only");
    // When the human's groups change, open sessions of the agent end.
    stand.edit("weir.toml", |text| {
        text.replacen("groups = [\"engineers\"]", "groups = [\"support\"]", 1)
    });
    let answer = helper.finish().unwrap();
    assert_eq!(error(&answer).code(), "57P01", "{}", error(&answer));
    assert!(answer.closed);
}

#[test]
fn a_tier_without_a_login_does_not_fall_back() {
    let stand = Stand::edited(
        &SERVER,
        "",
        |c| {
            let other = Target {
                name: "other".into(),
                ..c.targets[0].clone()
            };
            c.target(other)
        },
        |_, text| {
            let login = "\n[targets.other.logins.restricted]\nuser = \"app\"\n";
            (text + login).replace(
                "[principals.dana]\n",
                "[principals.dana]\ntier = \"restricted\"\n",
            )
        },
    );
    let told = stand.turned_away(&stand.connect("dana"));
    assert_eq!(told.code(), "28000", "{told}");
    assert_eq!(stand.entries_of("session.refused")[0]["sqlstate"], "28000");
    let answer = stand
        .client("alice")
        .query("select email from nowhere")
        .unwrap();
    assert_eq!(rule(error(&answer)), "weir.unknown-name");
}
