//! What one test stands on: a database of its own on a shared server, and a gateway of its own in front of it.

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use xtask::lab::postgres::{PASSWORD, Settings};
use xtask::lab::{Answer, Client, Configuration, Connect, Fields, Postgres, Target, Weir};

/// Role the gateways log in with: no superuser, owner of the test's database.
pub(crate) const LOGIN: &str = "app";
/// Name clients give for the test's database.
pub(crate) const TARGET: &str = "shop";
/// Longest wait for something that must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// The server most tests share.
pub(crate) static SERVER: LazyLock<Postgres> = LazyLock::new(|| {
    serve(&Settings {
        access: vec![
            "host all old_md5 127.0.0.1/32 md5".to_owned(),
            "host all old_clear 127.0.0.1/32 password".to_owned(),
        ],
        ..Settings::default()
    })
});

/// What every database holds at first: one label, `public.customers.email`.
const DATA: &str = "
    create table customers (id int primary key, name text, email text, region text);
    insert into customers values
        (1, 'Ada', 'ada@shop.example', 'north'),
        (2, 'Bob', 'bob@shop.example', 'south'),
        (3, 'Cyd', 'cyd@shop.example', 'south');
    create table notes (id int primary key, text text);
    insert into notes select n, 'note ' || n from generate_series(1, 10) n;
";

/// Starts a server with the gateway's login role.
pub(crate) fn serve(settings: &Settings) -> Postgres {
    let server = Postgres::start_with(settings).unwrap();
    let role = format!("create role {LOGIN} login password '{PASSWORD}'");
    server.client("postgres").unwrap().run(&role).unwrap();
    server
}

/// Makes a database owned by the login role, with [`DATA`] and `sql`.
pub(crate) fn database(server: &Postgres, sql: &str) -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    let name = format!("shop_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let mut first = server.client("postgres").unwrap();
    let create = format!("create database {name} owner {LOGIN} template template0");
    first.run(&create).unwrap();
    let mut inside = server.client(&name).unwrap();
    inside
        .run("alter schema public owner to app; set role app")
        .unwrap();
    inside.run(DATA).unwrap();
    if !sql.is_empty() {
        inside.run(sql).unwrap();
    }
    name
}

/// A database as the gateway is told of it: logged in to as [`LOGIN`], the email labelled.
pub(crate) fn target(server: &Postgres, database: &str) -> Target {
    let mut target =
        Target::new(server, TARGET, "prod", database).label("public.customers.email", "email");
    LOGIN.clone_into(&mut target.user);
    target
}

/// `alice` sees stand-ins, `dana` raw values, `helper` is alice's agent.
pub(crate) fn people() -> Configuration {
    Configuration::default()
        .principal("alice", "human", &["engineers"])
        .principal("dana", "human", &["engineers", "pii-readers"])
        .agent("helper", "alice", &["agents"])
}

/// The starter policies with one more file.
pub(crate) fn policies(mut configuration: Configuration, more: &str) -> Configuration {
    for (name, text) in policy::Policies::starter() {
        configuration = configuration.policy(name, text);
    }
    configuration.policy("90-test.cedar", more)
}

/// A database, and a gateway in front of it.
pub(crate) struct Stand {
    pub(crate) weir: Weir,
    pub(crate) database: String,
    pub(crate) folder: TempDir,
}

impl Stand {
    /// The usual: [`DATA`] and [`people`].
    pub(crate) fn usual() -> Stand {
        Stand::with("", |configuration| configuration)
    }

    /// With further SQL and a changed configuration.
    pub(crate) fn with(sql: &str, change: impl FnOnce(Configuration) -> Configuration) -> Stand {
        Stand::on(&SERVER, sql, change)
    }

    /// On a server of its own.
    pub(crate) fn on(
        server: &Postgres,
        sql: &str,
        change: impl FnOnce(Configuration) -> Configuration,
    ) -> Stand {
        Stand::edited(server, sql, change, |_, text| text)
    }

    /// As [`Stand::on`], with the text of `weir.toml` changed before the start; `edit` is given its folder too.
    pub(crate) fn edited(
        server: &Postgres,
        sql: &str,
        change: impl FnOnce(Configuration) -> Configuration,
        edit: impl FnOnce(&Path, String) -> String,
    ) -> Stand {
        let database = database(server, sql);
        let configuration = change(people().target(target(server, &database)));
        let folder = tempfile::Builder::new()
            .prefix("weir-real-")
            .tempdir_in("/tmp")
            .unwrap();
        configuration.write(folder.path()).unwrap();
        let file = folder.path().join("weir.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, edit(folder.path(), text)).unwrap();
        let weir = Weir::start(folder.path()).unwrap();
        Stand {
            weir,
            database,
            folder,
        }
    }

    pub(crate) fn connect(&self, who: &str) -> Connect {
        self.weir.connect(who, TARGET)
    }

    pub(crate) fn client(&self, who: &str) -> Client {
        Client::connect(&self.connect(who)).unwrap()
    }

    /// A superuser's connection past the gateway.
    pub(crate) fn direct(&self) -> Client {
        SERVER.client(&self.database).unwrap()
    }

    /// What the client is told when it may not connect.
    pub(crate) fn turned_away(&self, connect: &Connect) -> Fields {
        let failure = Client::connect(connect).expect_err("the login was taken");
        failure
            .fields
            .unwrap_or_else(|| panic!("closed without a word: {}", failure.message))
    }

    /// Every ledger entry so far, as stored.
    pub(crate) fn entries(&self) -> Vec<Value> {
        entries(&self.weir)
    }

    /// Entries of one kind.
    pub(crate) fn entries_of(&self, kind: &str) -> Vec<Value> {
        let mut all = self.entries();
        all.retain(|entry| entry["kind"] == kind);
        all
    }

    /// What an entry discloses.
    pub(crate) fn disclosed(&self, entry: &Value) -> Value {
        let sequence = entry["seq"].to_string();
        let shown = self
            .weir
            .command(&["ledger", "show", &sequence, "--json"])
            .unwrap();
        serde_json::from_str::<Value>(&shown).unwrap()["disclosures"].clone()
    }

    /// Changes a file of the configuration folder.
    pub(crate) fn edit(&self, file: &str, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        replace(&path, &change(text));
    }
}

/// Writes a file as editors do: beside, then renamed.
pub(crate) fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("swp");
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(&beside, path).unwrap();
}

/// Every ledger entry of a gateway so far.
pub(crate) fn entries(weir: &Weir) -> Vec<Value> {
    weir.command(&["ledger", "tail", "--json", "-n", "100000"])
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Asks until the answer is yes.
pub(crate) fn until(what: &str, yes: impl FnMut() -> bool) {
    if let Err(what) = until_or(what, yes) {
        panic!("never: {what}");
    }
}

fn until_or(what: &str, mut yes: impl FnMut() -> bool) -> Result<(), String> {
    let deadline = Instant::now() + PATIENCE;
    while !yes() {
        if Instant::now() > deadline {
            return Err(what.to_owned());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The rule of a refusal, from its DETAIL.
pub(crate) fn rule(fields: &Fields) -> String {
    let detail: Value = serde_json::from_str(fields.detail())
        .unwrap_or_else(|_| panic!("no refusal of Weir's: {fields}"));
    detail["rule"].as_str().unwrap_or_default().to_owned()
}

/// Runs what must be refused, and gives the rule.
pub(crate) fn refused(client: &mut Client, sql: &str) -> String {
    let answer = client.query(sql).unwrap();
    let error = answer
        .error()
        .unwrap_or_else(|| panic!("not refused: {sql}\n{:?}", answer.rows()));
    rule(error)
}

/// The first error, which must be there.
pub(crate) fn error(answer: &Answer) -> &Fields {
    answer
        .error()
        .unwrap_or_else(|| panic!("no error: {:?}", answer.rows()))
}

/// The ledger is sound, and every statement that ran has an intent and an outcome.
pub(crate) fn balanced(stand: &Stand) {
    let intents = |entries: &[Value]| -> Vec<u64> {
        entries
            .iter()
            .filter(|entry| entry["kind"] == "statement.intent" && entry["decision"] == "allow")
            .map(|entry| entry["seq"].as_u64().unwrap())
            .collect()
    };
    let outcomes = |entries: &[Value]| -> Vec<u64> {
        let mut found: Vec<u64> = entries
            .iter()
            .filter(|entry| entry["kind"] == "statement.outcome")
            .map(|entry| entry["intent"].as_u64().unwrap())
            .collect();
        found.sort_unstable();
        found
    };
    let mut seen = (Vec::new(), Vec::new());
    until_or("each intent has its outcome", || {
        let entries = stand.entries();
        seen = (intents(&entries), outcomes(&entries));
        seen.0 == seen.1
    })
    .unwrap_or_else(|what| panic!("never: {what}\nintents {:?}\noutcomes {:?}", seen.0, seen.1));
    stand.weir.command(&["ledger", "verify"]).unwrap();
}
