//! Commands as a user types them, in a folder of their own.

mod mask;

use std::cell::RefCell;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use clap::{CommandFactory as _, Parser as _};
use expect_test::{Expect, expect};

use super::*;
use crate::explain::{
    Explained, ExplainedAccess, ExplainedColumn, ExplainedOutput, ExplainedStatement,
    ExplainedVerdict,
};

mod export;

#[derive(Clone, Default)]
struct Buffer(Rc<RefCell<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

/// Runs `weir ARGUMENTS`, where `~` stands for the folder; answers with what it
/// printed, and its end or error.
fn weir(folder: &Path, arguments: &str) -> String {
    let place = folder.display().to_string();
    let arguments = arguments
        .split_whitespace()
        .map(|word| word.replace('~', &place));
    let command = match Cli::try_parse_from(["weir".to_owned()].into_iter().chain(arguments)) {
        Ok(cli) => cli.command,
        Err(error) => return error.to_string(),
    };
    let buffer = Buffer::default();
    let ended = run(command, &mut Output::to(buffer.clone()));
    let end = match ended {
        Ok(Ended::Well) => String::new(),
        Ok(Ended::WithFindings) => "exit 1\n".to_owned(),
        Err(error) => format!("error: {error:#}\n"),
    };
    (buffer.text() + &end).replace(&place, "~")
}

const INIT: &str = "init --yes --target prod-app=postgres://app@db.internal:5432/app --principal alice --directory ~";

fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let said = weir(folder.path(), INIT);
    assert!(said.contains("weir_"), "{said}");
    folder
}

/// Hides what is random.
fn stable(text: &str) -> String {
    let mut out = String::new();
    for (n, line) in text.split('\n').enumerate() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let hidden = match word.trim_matches(['"', ',', '.', ':']) {
                w if w.starts_with("weir_") => Some((w, "weir_SECRET")),
                w if w.starts_with("key_") => Some((w, "key_ID")),
                w if w.len() >= 20 && w.ends_with('Z') && w.contains('T') => Some((w, "TIME")),
                w if w.len() == 16 && w.chars().all(|c| c.is_ascii_hexdigit()) => {
                    Some((w, "VERSION"))
                }
                w if w.len() == 10 && w.starts_with("20") => Some((w, "DATE")),
                w if (5..=8).contains(&w.len())
                    && w.contains(':')
                    && w.replace(':', "").parse::<u32>().is_ok() =>
                {
                    Some((w, "TIME"))
                }
                _ => None,
            };
            words.push(hidden.map_or(word.to_owned(), |(w, to)| word.replace(w, to)));
        }
        if n > 0 {
            out.push('\n');
        }
        out.push_str(words.join(" ").trim_end());
    }
    out
}

#[allow(clippy::needless_pass_by_value)]
fn check(folder: &Path, arguments: &str, expected: Expect) {
    let said = weir(folder, arguments);
    expected.assert_eq(&stable(&format!("$ weir {arguments}\n{said}")));
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn init_writes_a_configuration_that_passes_its_own_check() {
    let folder = tempfile::tempdir().unwrap();
    check(
        folder.path(),
        INIT,
        expect![[r#"
            $ weir init --yes --target prod-app=postgres://app@db.internal:5432/app --principal alice --directory ~
            Wrote:
              ~/weir.toml
              ~/policies/10-groups.cedar
              ~/policies/20-production.cedar
              ~/policies/30-agents.cedar
              ~/policies/40-masking.cedar
              ~/policies/50-dangerous-functions.cedar
              ~/mask.key
              ~/keys.json

            Key key_ID for alice, shown this once:

              weir_SECRET

            Weir reads the password of app from PROD_APP_PASSWORD: set it first.

            Next:

              weir check --config ~/weir.toml
              weir serve --config ~/weir.toml
              psql "host=127.0.0.1 port=6432 user=alice dbname=prod-app"
        "#]],
    );
    expect![[r##"
        # Weir's configuration. Every key is described in docs/configuration.md;
        # `weir check` tells what is wrong. Secrets lie in files or in the environment,
        # never in here.

        [listen]
        address = "127.0.0.1:6432"
        # To serve other machines, give a certificate:
        # [listen.tls]
        # certificate = "server.pem"
        # key = "server.key"

        [admin]
        address = "127.0.0.1:6480"      # readiness, metrics, the live view

        [ledger]
        directory = "ledger"
        profile = "balanced"            # or "strict": all on disk before the last reply
        origin = "weir.local"           # the log's name for auditors, such as "weir.example/prod"

        [keys]
        file = "keys.json"              # what `weir key` writes

        [masking]
        key = { file = "mask.key" }     # keep it: without it, stand-ins change

        [policy]
        files = ["policies/*.cedar"]    # yours to edit; `weir policy check` afterwards

        # --- databases: clients name them as dbname -----------------------------------

        [targets.prod-app]
        environment = "prod"
        url = "postgres://db.internal:5432/app?sslmode=verify-full"
        discover = true                 # look for labels; what nobody looked at yet is masked
        # observe = true                # record refusals without refusing; masks hold

        [targets.prod-app.logins.default]
        user = "app"
        password = { env = "PROD_APP_PASSWORD" }

        # What columns hold. Labelled values leave as stand-ins, except for members of
        # the group pii-readers.
        [targets.prod-app.labels]
        # "public.customers.email" = "email"
        # "public.customers.phone" = "phone"

        # --- who may connect: clients name them as user -------------------------------
        # A new one needs a key: weir key create NAME

        [principals.alice]
        kind = "human"
        groups = ["engineers"]

        # An AI agent that acts for that person: reads, at most 1000 rows, masked.
        # [principals.helper-bot]
        # kind = "agent"
        # on_behalf_of = "alice"
        # groups = ["agents"]
    "##]]
    .assert_eq(&std::fs::read_to_string(folder.path().join("weir.toml")).unwrap());
    check(
        folder.path(),
        "policy check --config ~/weir.toml",
        expect![[r#"
            $ weir policy check --config ~/weir.toml
            ok: 22 policies in 5 files, version VERSION
        "#]],
    );
    check(
        folder.path(),
        "check --offline --config ~/weir.toml",
        expect![[r#"
            $ weir check --offline --config ~/weir.toml
            ok       configuration                   ~/weir.toml
            ok       policies                        22 policies in 5 files, version VERSION
            ok       masking key                     file ~/mask.key
            error    target prod-app, login default  environment variable PROD_APP_PASSWORD is not set
            ok       keys                            every principal has an active key
            ok       listener 127.0.0.1:6432         without TLS, on loopback
            skipped  target prod-app, login default  app@db.internal:5432/app was not tried
            exit 1
        "#]],
    );
}

#[test]
fn init_never_overwrites() {
    let folder = installed();
    let keys = std::fs::read(folder.path().join("keys.json")).unwrap();
    check(
        folder.path(),
        INIT,
        expect![[r#"
            $ weir init --yes --target prod-app=postgres://app@db.internal:5432/app --principal alice --directory ~
            error: nothing was written, because these exist: ~/weir.toml, ~/policies/10-groups.cedar, ~/policies/20-production.cedar, ~/policies/30-agents.cedar, ~/policies/40-masking.cedar, ~/policies/50-dangerous-functions.cedar, ~/mask.key, ~/keys.json
        "#]],
    );
    assert_eq!(
        std::fs::read(folder.path().join("keys.json")).unwrap(),
        keys
    );
    let other = tempfile::tempdir().unwrap();
    std::fs::write(other.path().join("mask.key"), "mine").unwrap();
    check(
        other.path(),
        INIT,
        expect![[r#"
            $ weir init --yes --target prod-app=postgres://app@db.internal:5432/app --principal alice --directory ~
            error: nothing was written, because these exist: ~/mask.key
        "#]],
    );
    assert!(!other.path().join("weir.toml").exists());
}

#[test]
fn init_keeps_a_password_out_of_the_configuration() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let said = weir(
        folder.path(),
        "init --yes --json --target dev=postgres://a%40b:hun%2Fter2@localhost/x%20y --directory ~",
    );
    assert!(!said.contains("hun"), "{said}");
    let config = Config::load(&folder.path().join("weir.toml")).unwrap();
    let target = &config.targets["dev"];
    assert_eq!(
        (target.environment.as_str(), target.database.as_str()),
        ("dev", "x y")
    );
    let login = target.login("default").unwrap();
    assert_eq!(login.user, "a@b");
    assert_eq!(
        login.password.as_ref().unwrap().read().unwrap().expose(),
        "hun/ter2"
    );
    for file in ["dev.password", "mask.key", "keys.json"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn init_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    check(
        folder.path(),
        "init --yes --directory ~",
        expect![[r#"
            $ weir init --yes --directory ~
            error: --target NAME=URL is needed, such as --target prod-app=postgres://app@db.internal:5432/app
        "#]],
    );
    check(
        folder.path(),
        "init --yes --directory ~ --target app",
        expect![[r#"
            $ weir init --yes --directory ~ --target app
            error: --target wants NAME=URL, such as prod-app=postgres://app@db.internal/app
        "#]],
    );
    check(
        folder.path(),
        "init --yes --directory ~ --target app=postgres://db/app",
        expect![[r#"
            $ weir init --yes --directory ~ --target app=postgres://db/app
            error: the URL of --target names no user: postgres://USER@db:5432/…
        "#]],
    );
    check(
        folder.path(),
        "init --yes --directory ~ --target app=postgres://u@db/app?sslmode=prefer",
        expect![[r#"
            $ weir init --yes --directory ~ --target app=postgres://u@db/app?sslmode=prefer
            error: --target: sslmode=prefer can be downgraded by whoever sits between: use verify-full
        "#]],
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = installed();
    let at = folder.path();
    check(
        at,
        "key create alice --expires 90d --config ~/weir.toml",
        expect![[r#"
            $ weir key create alice --expires 90d --config ~/weir.toml
            Key key_ID for alice, expires DATE TIME UTC:

              weir_SECRET

            It is shown this once. Clients give it as the password:

              psql "host=127.0.0.1 port=6432 user=alice dbname=prod-app"
        "#]],
    );
    check(
        at,
        "key create alic --config ~/weir.toml",
        expect![[r#"
            $ weir key create alic --config ~/weir.toml
            error: there is no principal alic: did you mean alice?
        "#]],
    );
    check(
        at,
        "key create zoe --config ~/weir.toml",
        expect![[r#"
            $ weir key create zoe --config ~/weir.toml
            error: there is no principal zoe: add [principals.zoe] to ~/weir.toml
        "#]],
    );
    check(
        at,
        "key create alice --expires soon --config ~/weir.toml",
        expect![[r#"
            $ weir key create alice --expires soon --config ~/weir.toml
            error: --expires: "soon" is not a time: write "250ms", "10s", "5m", "12h" or "90d"
        "#]],
    );
    check(
        at,
        "key list --config ~/weir.toml",
        expect![[r#"
            $ weir key list --config ~/weir.toml
            KEY               PRINCIPAL  STATE   CREATED (UTC)     ENDS (UTC)
            key_ID  alice      active  DATE TIME  -
            key_ID  alice      active  DATE TIME  DATE TIME
        "#]],
    );
    let listed: serde_json::Value =
        serde_json::from_str(&weir(at, "key list --json --config ~/weir.toml")).unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    check(
        at,
        &format!("key revoke {id} --config ~/weir.toml"),
        expect![[r#"
            $ weir key revoke key_ID --config ~/weir.toml
            Revoked key_ID of alice, who has 1 active key left.
        "#]],
    );
    check(
        at,
        "key list alice --config ~/weir.toml",
        expect![[r#"
            $ weir key list alice --config ~/weir.toml
            KEY               PRINCIPAL  STATE    CREATED (UTC)     ENDS (UTC)
            key_ID  alice      revoked  DATE TIME  DATE TIME
            key_ID  alice      active   DATE TIME  DATE TIME
        "#]],
    );
    check(
        at,
        "key revoke key_nope --config ~/weir.toml",
        expect![[r#"
            $ weir key revoke key_ID --config ~/weir.toml
            error: `weir key list` shows all keys: there is no key key_ID
        "#]],
    );
    let made: serde_json::Value =
        serde_json::from_str(&weir(at, "key create alice --json --config ~/weir.toml")).unwrap();
    assert!(identity::check_key_secret(made["secret"].as_str().unwrap()).is_ok());
    assert_eq!(made["principal"], "alice");
    assert!(
        !std::fs::read_to_string(at.join("keys.json"))
            .unwrap()
            .contains(made["secret"].as_str().unwrap())
    );
}

#[test]
fn policy_check_shows_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "// mine\n@id(\"a\")\npermit (principal, action == Action::\"reed\", resource);\n";
    std::fs::write(folder.path().join("a.cedar"), text).unwrap();
    check(
        folder.path(),
        "policy check ~/a.cedar",
        expect![[r#"
            $ weir policy check ~/a.cedar
            error: for policy `a`, unrecognized action `Action::"reed"`
             --> ~/a.cedar:3:30
              |
            3 | permit (principal, action == Action::"reed", resource);
              |                              ^
              help: did you mean `Action::"read"`?

            error: 1 problem in 1 file
            exit 1
        "#]],
    );
    check(
        folder.path(),
        "policy check --json ~/a.cedar",
        expect![[r#"
            $ weir policy check --json ~/a.cedar
            {
              "ok": false,
              "problems": [
                {
                  "file": "~/a.cedar",
                  "line": 3,
                  "column": 30,
                  "message": "for policy `a`, unrecognized action `Action::\"reed\"`",
                  "help": "did you mean `Action::\"read\"`?"
                }
              ]
            }
            exit 1
        "#]],
    );
    check(
        folder.path(),
        "policy check ~/b.cedar",
        expect![[r#"
            $ weir policy check ~/b.cedar
            error: cannot read ~/b.cedar: No such file or directory (os error 2)
        "#]],
    );
}

#[test]
fn check_finds_what_is_missing() {
    let folder = installed();
    let file = folder.path().join("weir.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text
        .replace("groups = [\"engineers\"]", "groups = [\"enginers\"]")
        .replace(
            "# \"public.customers.email\" = \"email\"",
            "\"public.customers.email\" = \"emial\"",
        )
        + "[principals.bob]\nkind = \"workload\"\n[listeners]\n";
    std::fs::write(&file, &text).unwrap();
    check(
        folder.path(),
        "check --config ~/weir.toml",
        expect![[r#"
            $ weir check --config ~/weir.toml
            error    configuration  ~/weir.toml:61:1: [listen] and [[listeners]] exclude each other
            exit 1
        "#]],
    );
    std::fs::write(&file, text.replace("[listeners]\n", "")).unwrap();
    std::fs::remove_file(folder.path().join("mask.key")).unwrap();
    check(
        folder.path(),
        "check --config ~/weir.toml",
        expect![[r#"
            $ weir check --config ~/weir.toml
            ok       configuration                   ~/weir.toml
            ok       policies                        22 policies in 5 files, version VERSION
            warning  principal alice                 no policy speaks of the group enginers
            error    masking key                     cannot read file ~/mask.key: No such file or directory (os error 2)
            error    target prod-app, login default  environment variable PROD_APP_PASSWORD is not set
            warning  keys                            no active key: bob (weir key create NAME)
            ok       listener 127.0.0.1:6432         without TLS, on loopback
            warning  target prod-app                 public.customers.email is labelled emial, which is redacted; did you mean email?
            skipped  target prod-app, login default  app@db.internal:5432/app was not tried
            exit 1
        "#]],
    );
    std::fs::write(folder.path().join("policies/bad.cedar"), "permit;").unwrap();
    check(
        folder.path(),
        "check --config ~/weir.toml",
        expect![[r#"
            $ weir check --config ~/weir.toml
            ok       configuration                   ~/weir.toml
            error    policies                        ~/policies/bad.cedar:1:7: unexpected token `;`: expected `(`
            error    masking key                     cannot read file ~/mask.key: No such file or directory (os error 2)
            error    target prod-app, login default  environment variable PROD_APP_PASSWORD is not set
            warning  keys                            no active key: bob (weir key create NAME)
            ok       listener 127.0.0.1:6432         without TLS, on loopback
            warning  target prod-app                 public.customers.email is labelled emial, which is redacted; did you mean email?
            skipped  target prod-app, login default  app@db.internal:5432/app was not tried
            exit 1
        "#]],
    );
    check(
        folder.path(),
        "check --config ~/nowhere.toml",
        expect![[r#"
            $ weir check --config ~/nowhere.toml
            error    configuration  cannot read ~/nowhere.toml: `weir init` makes one, --config names another: No such file or directory (os error 2)
            exit 1
        "#]],
    );
}

#[test]
fn an_explanation_is_readable() {
    let explained = Explained {
        principal: "helper-bot".to_owned(),
        on_behalf_of: Some("alice".to_owned()),
        target: "prod-app".to_owned(),
        environment: "prod".to_owned(),
        policy_version: "0123456789abcdef".to_owned(),
        observe: true,
        statements: vec![
            ExplainedStatement {
                command: "SELECT".to_owned(),
                shape: "SELECT email FROM customers WHERE id = $1".to_owned(),
                effect: "read-only".to_owned(),
                accesses: vec![ExplainedAccess {
                    action: "read".to_owned(),
                    object: "public.customers".to_owned(),
                }],
                labelled: vec![ExplainedColumn {
                    column: "public.customers.email".to_owned(),
                    label: "email".to_owned(),
                    usage: "projected".to_owned(),
                }],
                outputs: vec![ExplainedOutput {
                    name: "email".to_owned(),
                    source: "public.customers.email".to_owned(),
                    masked: Some("an address u_<token>@<token>.invalid".to_owned()),
                }],
                verdict: ExplainedVerdict::Allow {
                    rules: vec!["agents-read".to_owned(), "labels-masked".to_owned()],
                    masks: vec!["email".to_owned()],
                    degraded: Vec::new(),
                    row_cap: Some(1000),
                },
                ..ExplainedStatement::default()
            },
            ExplainedStatement {
                command: "DROP TABLE".to_owned(),
                shape: "DROP TABLE orders".to_owned(),
                effect: "definition".to_owned(),
                accesses: vec![ExplainedAccess {
                    action: "drop".to_owned(),
                    object: "public.orders".to_owned(),
                }],
                verdict: ExplainedVerdict::Deny {
                    code: "42501".to_owned(),
                    rule: "agents-read-only".to_owned(),
                    message: "Agents are read-only (drop on public.orders)".to_owned(),
                    hint: Some("Ask the person you act for to run this statement.".to_owned()),
                    objects: vec!["public.orders".to_owned()],
                },
                ..ExplainedStatement::default()
            },
        ],
    };
    let buffer = Buffer::default();
    super::explain::render(&explained, &mut Output::to(buffer.clone())).unwrap();
    expect![[r#"
        helper-bot (for alice) on prod-app (prod), policies 0123456789abcdef

        statement 1 of 2
        allowed with email masked, at most 1000 rows
          rules      agents-read, labels-masked
          command    SELECT, read-only
          shape      SELECT email FROM customers WHERE id = $1
          touches    read public.customers
          labelled   public.customers.email (email) as projected
          returns    email from public.customers.email: an address u_<token>@<token>.invalid

        statement 2 of 2
        refused: Agents are read-only (drop on public.orders)
          rule       agents-read-only (SQLSTATE 42501)
          objects    public.orders
          hint       Ask the person you act for to run this statement.
          command    DROP TABLE, definition
          shape      DROP TABLE orders
          touches    drop public.orders

        The target only observes: refusals are recorded, and the statement runs. Masks hold.
    "#]]
    .assert_eq(&buffer.text());
    let json = serde_json::to_value(&explained).unwrap();
    assert_eq!(json["statements"][1]["verdict"]["decision"], "deny");
    let folder = installed();
    check(
        folder.path(),
        "explain x --as alicia --on prod-app --config ~/weir.toml",
        expect![[r#"
            $ weir explain x --as alicia --on prod-app --config ~/weir.toml
            error: there is no principal alicia: did you mean alice?
        "#]],
    );
    check(
        folder.path(),
        "explain x --as alice --on prod-ap --config ~/weir.toml",
        expect![[r#"
            $ weir explain x --as alice --on prod-ap --config ~/weir.toml
            error: there is no target prod-ap: did you mean prod-app?
        "#]],
    );
}

#[test]
fn the_ledger_is_read_proven_and_verified() {
    use ::ledger::Ledger as _;
    let folder = installed();
    let at = folder.path();
    let directory = at.join("ledger");
    let mut options = store::Options::new("weir.example/test");
    options.segment_bytes = 1 << 20;
    options.reserve_bytes = 1 << 20;
    // The machine's own disk must not raise the alarm.
    options.alarm_percent = 101;
    let store = store::Store::open(&directory, options).unwrap();
    for n in 0..3 {
        let change = ::ledger::event::PolicyChange {
            policy: format!("version-{n}").into(),
            previous: None,
            policies: n,
        };
        store.append(change.into()).unwrap();
    }
    store.close();
    check(
        at,
        "ledger tail -n 3 --config ~/weir.toml",
        expect![[r#"
            $ weir ledger tail -n 3 --config ~/weir.toml
                   2  DATE TIME  policy.change          policy=version-1 policies=1
                   3  DATE TIME  policy.change          policy=version-2 policies=2
                   4  DATE TIME  log.close              epoch=1 refused=0
        "#]],
    );
    check(
        at,
        "ledger tail --kind policy.change -n 1 --directory ~/ledger",
        expect![[r#"
            $ weir ledger tail --kind policy.change -n 1 --directory ~/ledger
                   3  DATE TIME  policy.change          policy=version-2 policies=2
        "#]],
    );
    check(
        at,
        "ledger tail --kind policy.chang --directory ~/ledger",
        expect![[r#"
            $ weir ledger tail --kind policy.chang --directory ~/ledger
            error: there is no kind policy.chang: did you mean policy.change?
        "#]],
    );
    check(
        at,
        "ledger show 1 --config ~/weir.toml",
        expect![[r#"
        $ weir ledger show 1 --config ~/weir.toml
        entry 1, policy.change
          at        TIME
          policy    version-0
          policies  0
    "#]],
    );
    check(
        at,
        "ledger show 99 --config ~/weir.toml",
        expect![[r#"
        $ weir ledger show 99 --config ~/weir.toml
        error: the ledger has no entry 99; it has 5
    "#]],
    );
    let key = weir(at, "ledger key --config ~/weir.toml");
    assert!(key.starts_with("weir.example/test+"), "{key}");
    let sound = weir(
        at,
        &format!("ledger verify --key {} --config ~/weir.toml", key.trim()),
    );
    assert!(
        sound.starts_with("sound: weir.example/test, 5 entries, 5 of them signed"),
        "{sound}"
    );
    check(
        at,
        "ledger prove 1 -o ~/one.proof --config ~/weir.toml",
        expect![[r#"
            $ weir ledger prove 1 -o ~/one.proof --config ~/weir.toml
            Wrote ~/one.proof. To check it: weir ledger verify ~/one.proof --key KEY
        "#]],
    );
    check(
        at,
        "ledger prove 1 -o ~/one.proof --config ~/weir.toml",
        expect![[r#"
            $ weir ledger prove 1 -o ~/one.proof --config ~/weir.toml
            error: cannot write ~/one.proof: File exists (os error 17)
        "#]],
    );
    std::fs::write(at.join("vkey"), &key).unwrap();
    check(
        at,
        "ledger verify ~/one.proof --key ~/vkey",
        expect![[r#"
            $ weir ledger verify ~/one.proof --key ~/vkey
            proven: entry 1 is in weir.example/test, signed at 5 entries
              TIME  policy.change  policy=version-0 policies=0
        "#]],
    );
    let proof = std::fs::read_to_string(at.join("one.proof")).unwrap();
    std::fs::write(
        at.join("one.proof"),
        proof.replacen("index 1", "index 2", 1),
    )
    .unwrap();
    check(
        at,
        "ledger verify ~/one.proof --key ~/vkey",
        expect![[r#"
            $ weir ledger verify ~/one.proof --key ~/vkey
            not proven: ~/one.proof: the proof does not lead from the entry to the signed root
            exit 1
        "#]],
    );
    check(
        at,
        "ledger verify ~/one.proof --key nonsense",
        expect![[r#"
            $ weir ledger verify ~/one.proof --key nonsense
            error: --key is neither a verifier key (NAME+ID+KEY) nor a file
        "#]],
    );
    check(
        at,
        "ledger verify --directory ~/nowhere",
        expect![[r#"
            $ weir ledger verify --directory ~/nowhere
            error: there is no ledger in ~/nowhere yet: `weir serve` makes one
        "#]],
    );
}
