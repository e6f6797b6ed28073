//! Configurations as data.

use expect_test::{Expect, expect};

use super::*;

const SMALL: &str = r#"
[listen]
address = "127.0.0.1:6432"
[masking]
key = { file = "mask.key" }
[targets.dev]
environment = "dev"
url = "postgres://localhost/app"
logins.default = { user = "app" }
"#;

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse(text, Path::new("/etc/weir/weir.toml"))
}

#[allow(clippy::needless_pass_by_value)]
fn faults(text: &str, expected: Expect) {
    let faults = parse(text).unwrap_err();
    expected.assert_eq(&faults.to_string().replace("/etc/weir/weir.toml", "F"));
}

#[test]
fn a_small_configuration_has_safe_defaults() {
    let config = parse(SMALL).unwrap();
    let listener = &config.listeners[0];
    assert!(listener.channel_binding && !listener.proxy_protocol && listener.tls.is_none());
    assert_eq!(config.admin.address.to_string(), "127.0.0.1:6480");
    assert_eq!(config.ledger.directory, Path::new("/etc/weir/ledger"));
    assert_eq!(config.ledger.profile, Profile::Balanced);
    assert_eq!(config.ledger.retention, None);
    assert_eq!(config.keys, Path::new("/etc/weir/keys.json"));
    assert_eq!(config.policy, PolicySource::Starter);
    assert_eq!(
        config.masking.key,
        SecretSource::File("/etc/weir/mask.key".into())
    );
    let target = &config.targets["dev"];
    assert_eq!((target.sslmode, target.observe), (SslMode::Disable, false));
    assert!(target.login("default").is_some() && target.login("read").is_none());
    assert!(config.policy_files().unwrap().len() >= 5);
}

#[test]
fn tokens_of_up_to_sixteen_epochs_are_read() {
    let epochs = |lines: &str| {
        let key = "key = { file = \"mask.key\" }";
        parse(&SMALL.replace(key, &format!("{key}\n{lines}"))).map(|config| config.masking.epochs)
    };
    assert_eq!(epochs("").unwrap(), 1..=1);
    assert_eq!(epochs("epoch = 7").unwrap(), 7..=7);
    assert_eq!(epochs("epoch = 7\noldest_epoch = 5").unwrap(), 5..=7);
    assert_eq!(epochs("epoch = 20\noldest_epoch = 5").unwrap(), 5..=20);
    for lines in [
        "epoch = 7\noldest_epoch = 8",
        "epoch = 21\noldest_epoch = 5",
        "oldest_epoch = 2",
    ] {
        let told = epochs(lines).unwrap_err().to_string();
        assert!(
            told.contains("`masking.oldest_epoch` must be a number from"),
            "{told}"
        );
    }
}

#[test]
fn a_large_configuration_is_read_in_full() {
    let config = parse(
        r#"
        [[listeners]]
        address = "127.0.0.1:6432"
        [[listeners]]
        address = "0.0.0.0:5432"
        tls = { certificate = "tls/server.pem", key = "/run/server.key" }
        proxy_protocol = true
        channel_binding = false
        [admin]
        address = "0.0.0.0:6480"
        insecure = true
        [ledger]
        directory = "/var/lib/weir"
        profile = "strict"
        origin = "weir.example/prod"
        reserve = "1GiB"
        retention = "400d"
        [keys]
        file = "k.json"
        [masking]
        key = { env = "WEIR_MASK_KEY" }
        scope = "eu"
        epoch = 3
        [policy]
        files = ["policies/*.cedar", "extra.cedar"]
        [targets.prod-app]
        environment = "prod"
        url = "postgres://db.internal:6000/app?sslmode=verify-ca"
        ca = "ca.pem"
        observe = true
        [targets.prod-app.logins.default]
        user = "app"
        password = { env = "PROD_APP_PASSWORD" }
        [targets.prod-app.logins.read]
        user = "reader"
        password = { file = "reader.password" }
        [targets.prod-app.labels]
        "public.customers.email" = "email"
        'public."Staff".salary' = "salary"
        [principals.alice]
        kind = "human"
        groups = ["engineers"]
        [principals.helper-bot]
        kind = "agent"
        on_behalf_of = "alice"
        groups = ["agents"]
        tier = "read"
        [principals."etl@example.org"]
        kind = "workload"
        [limits]
        statement = "64kB"
        message = 1000000
        connections = 20
        login_timeout = "5s"
        connect_timeout = "1m"
        catalog_poll = "500ms"
        shutdown_grace = "0s"
        "#,
    )
    .unwrap();
    assert_eq!(config.listeners.len(), 2);
    assert_eq!(
        config.listeners[1].tls.as_ref().unwrap().certificate,
        Path::new("/etc/weir/tls/server.pem")
    );
    let target = &config.targets["prod-app"];
    let labels: Vec<String> = target.labels.keys().map(ToString::to_string).collect();
    assert_eq!(
        labels,
        ["public.\"Staff\".salary", "public.customers.email"]
    );
    assert_eq!(target.sslmode, SslMode::VerifyCa);
    let bot = config.principal("helper-bot").unwrap();
    assert_eq!(config.human(bot).unwrap().id, "alice");
    assert_eq!(target.login(&bot.tier).unwrap().user, "reader");
    assert_eq!(config.limits.message_bytes, 1_000_000);
    assert_eq!(config.limits.shutdown_grace, Duration::ZERO);
}

#[test]
fn entries_are_kept_a_day_at_least() {
    let with = |retention: &str| format!("{SMALL}\n[ledger]\nretention = \"{retention}\"\n");
    let kept = parse(&with("400d")).unwrap().ledger.retention;
    assert_eq!(kept, Some(std::time::Duration::from_secs(400 * 86_400)));
    let refused = parse(&with("23h")).unwrap_err().to_string();
    assert!(
        refused.contains("`ledger.retention` must be at least 1d"),
        "{refused}"
    );
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_right_name() {
    faults(
        &SMALL
            .replace("address", "adress")
            .replace("environment", "enviroment"),
        expect![[r#"
            F:2:1: [listen] has no `address`
              help: For example: address = "127.0.0.1:6432"
            F:3:1: unknown key `adress` in [listen]
              help: Did you mean `address`?
            F:6:1: [targets.dev] has no `environment`
              help: For example: environment = "prod"
            F:7:1: unknown key `enviroment` in [targets.dev]
              help: Did you mean `environment`?"#]],
    );
    faults(
        &format!("{SMALL}\n[ledgr]\n[limits]\ncolour = 1\n[targets.dev.logins.read]\nuser = 1"),
        expect![[r#"
            F:11:2: unknown key `ledgr` in weir.toml
              help: Did you mean `ledger`?
            F:13:1: unknown key `colour` in [limits]
              help: There are statement, message, connections, login_timeout, connect_timeout, catalog_poll, shutdown_grace.
            F:15:8: `targets.dev.logins.read.user` must be a text in quotes, not integer"#]],
    );
}

#[test]
fn mistakes_are_told_with_line_and_remedy() {
    faults(
        "[listen\naddress = 1",
        expect!["F:1:8: unclosed table, expected `]`"],
    );
    faults(
        "",
        expect![[r#"
        F:1:1: weir.toml has no [masking]
          help: For example: [masking]
                key = { file = "mask.key" }    # openssl rand -hex 32 > mask.key
        F:1:1: weir.toml has no `listen`
          help: For example: listen = { address = "127.0.0.1:6432" }
        F:1:1: weir.toml has no `targets`
          help: For example: targets = { … }: `weir init` writes one"#]],
    );
    faults(
        r#"
listen = { address = "0.0.0.0:5432" }
admin = { address = "0.0.0.0:80" }
ledger = { profile = "balance", origin = "two words", reserve = "1B" }
masking = { key = "0123", epoch = -1 }
policy = { files = [] }
limits = { statement = "1mb", login_timeout = 5, connect_timeout = "2h" }
[targets."prod app"]
environment = ""
url = "postgres://app:secret@db/app"
logins = {}
labels = { "customers.email" = "email", "public.customers.phone" = "Phone" }
[principals.alice]
kind = "hooman"
[principals.bot]
kind = "agent"
[principals.bob]
kind = "human"
tier = "raed"
[principals.other-bot]
kind = "agent"
on_behalf_of = "bop"
[principals.third-bot]
kind = "agent"
on_behalf_of = "other-bot"
"#,
        expect![[r#"
            F:2:10: [listen] would serve 0.0.0.0:5432 without TLS
              help: Add [listen.tls] with certificate and key, or insecure = true if the network in between is yours.
            F:3:9: [admin] would serve 0.0.0.0:80 to whoever reaches it
              help: Use a loopback address, or insecure = true if only operators and probes can reach it.
            F:4:22: `ledger.profile` must be one of "strict", "balanced", "fast"
              help: Did you mean "balanced"?
            F:5:19: `masking.key` must say where the secret lies, not hold it
              help: Write { file = "path" } or { env = "NAME" }.
            F:5:35: `masking.epoch` must be a number from 0 to 4294967295
            F:6:10: [policy] names no files
              help: Without [policy], the starter pack holds.
            F:7:24: "1mb" is not a size: write "64MiB", "500kB" or a number of bytes
            F:7:47: `limits.login_timeout` must be a text in quotes, not integer
            F:7:68: `limits.connect_timeout` must be from 1s to 1h
            F:8:1: a target's name has no spaces
            F:9:15: `targets."prod app".environment` is empty
            F:10:7: a target's URL holds no user and password: logins do
              help: [targets."prod app".logins.default]
                    user = "…"
                    password = { env = "…" }
            F:11:10: [targets."prod app".logins] has no login
            F:12:32: "customers.email" is not a column: write schema.table.column
            F:12:68: a label is a lower-case word: it starts with a letter and has up to 63 of a-z, 0-9, - and _
            F:14:8: `principals.alice.kind` must be one of "human", "agent", "workload"
              help: Did you mean "human"?
            F:15:1: [principals.bot] has no `on_behalf_of`
              help: For example: on_behalf_of = "alice"
            F:20:1: `other-bot` acts for `bop`, who is not among the principals
              help: Did you mean "bob"?
            F:23:1: `third-bot` acts for `other-bot`, which is not a human"#]],
    );
}

#[test]
fn outputs_are_read_and_their_mistakes_told() {
    let config = parse(&format!(
        r#"{SMALL}
[[output]]
name = "files"
kind = "ocsf"
file = "out/events.jsonl"
[[output]]
name = "siem"
kind = "ocsf"
endpoint = "https://siem.example/in"
token = {{ env = "SIEM_TOKEN" }}
ca = "ca.pem"
start = "now"
disclose = ["text", "address", "text"]
[[output]]
name = "logs"
kind = "ocsf"
syslog = "udp://logs.example"
insecure = true
[[output]]
name = "otel"
kind = "otlp"
endpoint = "http://localhost:4318"
signals = ["traces"]
"#
    ))
    .unwrap();
    let [files, siem, logs, otel] = config.outputs.as_slice() else {
        panic!("{:?}", config.outputs)
    };
    let expected = Destination::File {
        path: "/etc/weir/out/events.jsonl".into(),
        rotate_bytes: 100 << 20,
        keep: 10,
    };
    assert_eq!(files.to, expected);
    assert_eq!(siem.disclose, ["address", "text"]);
    assert_eq!(siem.start, store::ship::Start::Now);
    let remote = siem.remote().unwrap();
    assert_eq!(remote.endpoint.to_string(), "https://siem.example:443/in");
    assert_eq!(logs.remote().unwrap().endpoint.port, 514);
    let Destination::Otlp(_, signals) = &otel.to else {
        panic!("{otel:?}")
    };
    assert!(signals.traces && !signals.logs);
    faults(
        &format!(
            r#"{SMALL}
[[output]]
name = "no where"
kind = "oscf"
disclose = ["adress", "row"]
[[output]]
name = "a"
kind = "ocsf"
[[output]]
name = "b"
kind = "ocsf"
file = "x"
endpoint = "https://x"
[[output]]
name = "c"
kind = "ocsf"
file = "x"
token = {{ env = "T" }}
rotate = "1B"
[[output]]
name = "c"
kind = "ocsf"
endpoint = "http://siem.example"
keep = 3
[[output]]
name = "c"
kind = "ocsf"
syslog = "tcp://logs.example"
token = "hunter2"
[[output]]
name = "d"
kind = "ocsf"
file = "d"
signals = ["logs"]
[[output]]
name = "d"
kind = "ocsf"
file = "e"
[[output]]
name = "e"
kind = "ocsf"
file = "e"
[[output]]
name = "f"
kind = "otlp"
file = "f"
[[output]]
name = "g"
kind = "otlp"
endpoint = "https://otel.example"
signals = []
"#
        ),
        expect![[r#"
            F:12:8: an output's name has letters, digits, - and _ only
            F:13:8: `output.kind` must be one of "ocsf", "otlp"
              help: Did you mean "ocsf"?
            F:14:13: nothing named "adress" is disclosed; did you mean "address"?
            F:15:1: [output] says not where to
              help: Write file = "events.jsonl", endpoint = "https://siem.example/ingest" or syslog = "tls://logs.example:6514".
            F:18:1: [output] has more than one of file, endpoint and syslog
              help: Write file = "events.jsonl", endpoint = "https://siem.example/ingest" or syslog = "tls://logs.example:6514".
            F:27:9: `output.token` is for servers only
            F:28:10: `output.rotate` must be from 1048576 to 1099511627776 bytes
            F:32:12: http://siem.example:80 would be sent what people do, without TLS
              help: Use https:// or tls://, or insecure = true if the network in between is yours.
            F:33:8: `output.keep` is for files only
            F:37:10: "tcp://logs.example" has no port
            F:38:9: `output.token` is for endpoints only
            F:38:9: `output.token` must say where the secret lies, not hold it
              help: Write { file = "path" } or { env = "NAME" }.
            F:43:11: `output.signals` is for otlp only
            F:44:1: two outputs have the name d
            F:48:1: the outputs d and e go to one place
            F:55:8: `output.file` is for ocsf only
            F:60:11: `output.signals` is empty"#]],
    );
}

#[test]
fn secrets_are_never_repeated() {
    for text in [
        SMALL.replace("{ file = \"mask.key\" }", "\"hunter2hunter2\""),
        SMALL.replace("localhost", "app:hunter2@localhost"),
        SMALL.replace(
            "{ user = \"app\" }",
            "{ user = \"app\", password = \"hunter2\" }",
        ),
    ] {
        let faults = parse(&text).unwrap_err().to_string();
        assert!(!faults.contains("hunter2"), "{faults}");
    }
}

/// Each key the parser knows is described, under its section's heading.
#[test]
fn docs_describe_every_key_of_the_configuration() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    for section in SECTIONS
        .iter()
        .filter(|s| !s.section.is_empty() && !s.keys.is_empty())
    {
        let heading = format!("`{}`", section.section);
        let part = page
            .split("\n## ")
            .find(|part| {
                part.lines()
                    .next()
                    .is_some_and(|title| title.contains(&heading))
            })
            .unwrap_or_else(|| panic!("no heading for {heading}"));
        for key in section.keys {
            assert!(
                part.contains(&format!("\n| `{key}` |")),
                "{heading} does not describe {key}"
            );
        }
    }
    for key in SECTIONS[0].keys {
        assert!(
            page.contains(&format!("`{key}")) || page.contains(&format!("[[{key}")),
            "{key}"
        );
    }
}

/// Every built-in label, with what becomes of its values and what that tells, as the masker says it.
#[test]
fn docs_describe_every_label() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, table) = page
        .split_once("| label | what leaves instead | tokens | tells |")
        .unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let written: Vec<&str> = table.lines().skip(2).collect();
    assert_eq!(
        written,
        crate::cli::label_rows(),
        "docs/configuration.md, \"Databases\""
    );
}
