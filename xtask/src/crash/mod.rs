//! `cargo xtask crash`: the gateway is killed under load, and the database says what really happened.
//!
//! `--kills` runs the real gateway before a real PostgreSQL that logs every statement. After each `kill -9` and
//! restart, the table, the server's log and what clients were answered are held against the ledger ([`oracle`]).
//! `--points` runs the store's simulated disk instead.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

mod load;
pub mod oracle;

use load::{Numbers, Random, Told, work};
use oracle::{Entry, History, Kind, Row, Statement, Violation, tag_in};

use crate::lab::weir::{self, Profile as Build};
use crate::lab::{Configuration, Postgres, Settings, Target, Weir};

/// Options of `cargo xtask crash`.
#[derive(Args, Clone, Debug, Default)]
pub struct Crash {
    /// How often the gateway is killed
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub kills: u64,
    /// Only under this profile of the ledger [default: each in turn]
    #[arg(long)]
    pub profile: Option<Profile>,
    /// What statements are sent and when the gateway dies
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Print the counts as JSON
    #[arg(long)]
    pub json: bool,
    /// Examine this many crash points of the simulated disk instead
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["kills", "profile"])]
    pub points: Option<u64>,
}

/// How soon entries are durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// Before every answer.
    Strict,
    /// Before every effect.
    Balanced,
    /// Soon.
    Fast,
}

const PROFILES: [Profile; 3] = [Profile::Balanced, Profile::Strict, Profile::Fast];

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Strict => "strict",
            Profile::Balanced => "balanced",
            Profile::Fast => "fast",
        }
    }
}

/// Clients at a time.
const CLIENTS: u64 = 5;

/// Kills before a ledger is replaced by a fresh one, so that each is checked as a whole in little time.
const KILLS_EACH: u64 = 10;

/// Everybody may do anything here but destroy.
const POLICY: &str = r#"
@id("all-but-destroy")
permit (principal, action, resource) unless { action in Action::"destroy" };
"#;

/// What came of it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Summary {
    /// How often the gateway was killed.
    pub kills: u64,
    /// Broken rules.
    pub violations: u64,
    /// Statements clients sent.
    pub statements: u64,
    /// Rows that were there after a kill, by what wrote them.
    pub committed: u64,
    /// Answers clients received to their last byte.
    pub answered: u64,
    /// Statements the server logged.
    pub seen: u64,
    /// Intents on record.
    pub intents: u64,
    /// Outcomes `unknown` among theirs.
    pub unknown: u64,
    /// Seconds it took.
    pub seconds: f64,
}

/// Runs it; `false` when a rule was broken.
///
/// # Errors
/// When PostgreSQL or the gateway does not start.
pub fn run(options: &Crash) -> Result<bool> {
    if let Some(points) = options.points {
        return simulated(points, options.seed);
    }
    let summary = measure(options)?;
    if options.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!("{}", summary.line());
    }
    Ok(summary.violations == 0)
}

impl Summary {
    /// The counts, in one line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "crash: {} violations in {} kills (statements {}, committed {}, answered {})",
            self.violations, self.kills, self.statements, self.committed, self.answered
        )
    }
}

/// The store's own simulation, in its test program. Tests are built with an optimised
/// store; a release would be half an hour's work for the index that is not needed here.
fn simulated(points: u64, seed: u64) -> Result<bool> {
    let mut cargo = crate::cargo();
    // Of the whole workspace, so that dependencies are built with the features they have everywhere.
    cargo
        .args(["test", "--quiet", "--workspace", "--lib"])
        .args([
            "whatever_survives_a_crash_keeps_every_promise",
            "--",
            "--nocapture",
        ])
        .env("WEIR_CRASH_POINTS", points.to_string())
        .env("WEIR_CRASH_SEED", seed.to_string())
        .current_dir(crate::root());
    Ok(cargo.status().context("cannot run cargo")?.success())
}

/// Kills the gateway as often as asked.
///
/// # Errors
/// As [`run`].
pub fn measure(options: &Crash) -> Result<Summary> {
    let binary = weir::build(Build::Debug)?;
    let begun = Instant::now();
    let server = Postgres::start_with(&Settings {
        configuration: vec![
            "log_statement = 'all'".to_owned(),
            "log_line_prefix = '<%p> '".to_owned(),
            "autovacuum = off".to_owned(),
        ],
        ..Settings::default()
    })?;
    server.client("postgres")?.run(
        "create table effects (tag bigint not null, connection bigint not null, kind text not null, commits bigint not null)",
    )?;
    let mut ground = Ground {
        server: &server,
        log_offset: 0,
        last: Numbers::default(),
        random: Random(options.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
        summary: Summary::default(),
    };
    let mut shown = Instant::now();
    while ground.summary.kills < options.kills {
        let turn = ground.summary.kills / KILLS_EACH;
        let each = PROFILES.get(usize::try_from(turn % 3)?).copied();
        let profile = options.profile.or(each).unwrap_or(Profile::Balanced);
        let kills = KILLS_EACH.min(options.kills - ground.summary.kills);
        ground.ledger(&binary, profile, kills)?;
        if shown.elapsed() > Duration::from_secs(10) {
            shown = Instant::now();
            eprintln!("{} of {} kills", ground.summary.kills, options.kills);
        }
    }
    let mut summary = ground.summary;
    summary.seconds = begun.elapsed().as_secs_f64();
    Ok(summary)
}

/// The server, and what was read of it so far.
struct Ground<'a> {
    server: &'a Postgres,
    log_offset: u64,
    last: Numbers,
    random: Random,
    summary: Summary,
}

impl Ground<'_> {
    /// One fresh ledger, killed a few times.
    fn ledger(&mut self, binary: &Path, profile: Profile, kills: u64) -> Result<()> {
        let folder = tempfile::tempdir()?;
        Configuration::default()
            .target(Target::new(self.server, "app", "dev", "postgres"))
            .principal("app", "workload", &["apps"])
            .policy("crash.cedar", POLICY)
            .write(folder.path())?;
        let file = folder.path().join("weir.toml");
        let text = std::fs::read_to_string(&file)?;
        let directory = "directory = \"ledger\"";
        let with = format!("{directory}\nprofile = \"{}\"", profile.name());
        std::fs::write(&file, text.replace(directory, &with))?;
        let mut gateway = Weir::start_binary(binary, folder.path(), &[])?;
        let mut from = 0;
        for _ in 0..kills {
            let told = self.load(&mut gateway)?;
            gateway.resume().context("after kill -9")?;
            let history = self.history(&gateway, &told, profile, &mut from)?;
            self.judge(&history, &told, profile);
        }
        gateway.stop();
        Ok(())
    }

    /// Loads the gateway and kills it in the middle.
    fn load(&mut self, gateway: &mut Weir) -> Result<Told> {
        let told = Told::default();
        let connect = gateway.connect("app", "app");
        let enough = 20 + self.random.below(400);
        let seeds: Vec<u64> = (0..CLIENTS).map(|_| self.random.below(u64::MAX)).collect();
        let numbers = &self.last;
        let killed = std::thread::scope(|scope| {
            for seed in seeds {
                let (connect, told) = (&connect, &told);
                scope.spawn(move || work(connect, told, numbers, seed));
            }
            let begun = Instant::now();
            while told.answered.load(Ordering::Relaxed) < enough {
                if begun.elapsed() > Duration::from_secs(60) {
                    break;
                }
                std::thread::yield_now();
            }
            let good = told.answered.load(Ordering::Relaxed) >= enough;
            gateway.crash();
            good
        });
        if !killed {
            bail!(
                "only {} of {enough} statements were answered in a minute:\n{}",
                told.answered.load(Ordering::Relaxed),
                gateway.log()
            );
        }
        Ok(told)
    }

    /// Everything that is known after the kill.
    fn history(
        &mut self,
        gateway: &Weir,
        told: &Told,
        profile: Profile,
        from: &mut u64,
    ) -> Result<History> {
        let mut direct = self.server.client("postgres")?;
        // What the gateway had forwarded may still run; its sessions end when the server notices.
        let mine = "select count(*) from pg_stat_activity where backend_type = 'client backend' \
                    and pid <> pg_backend_pid() and query like '%t\\_%'";
        let begun = Instant::now();
        while direct.run(mine)?.value() != "0" {
            if begun.elapsed() > Duration::from_secs(30) {
                bail!("sessions of the killed gateway do not end");
            }
        }
        let rows = direct
            .run("select distinct tag, connection, kind, commits from effects")?
            .rows();
        direct.run("truncate effects")?;
        let processes: HashMap<i32, u64> = told
            .processes
            .lock()
            .map(|all| all.iter().copied().collect())
            .unwrap_or_default();
        let (log, end) = self.server.log_from(self.log_offset)?;
        self.log_offset = end;
        let unsound = match gateway.command(&["ledger", "verify", "--config", "weir.toml"]) {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let tail = gateway.command(&[
            "ledger",
            "tail",
            "--config",
            "weir.toml",
            "--json",
            "-n",
            "1000000",
        ])?;
        let mut entries = entries(&tail)?;
        entries.retain(|entry| entry.sequence >= *from);
        *from = entries.last().map_or(*from, |entry| entry.sequence + 1);
        Ok(History {
            entries,
            seen: log
                .lines()
                .filter_map(|line| seen(line, &processes))
                .collect(),
            rows: rows.iter().filter_map(|row| written(row)).collect(),
            answers: told
                .answers
                .lock()
                .map(|all| all.clone())
                .unwrap_or_default(),
            forbidden: told
                .forbidden
                .lock()
                .map(|all| all.clone())
                .unwrap_or_default(),
            strict: profile == Profile::Strict,
            unsound,
        })
    }

    fn judge(&mut self, history: &History, told: &Told, profile: Profile) {
        let found: Vec<Violation> = oracle::violations(history);
        let summary = &mut self.summary;
        summary.kills += 1;
        for violation in &found {
            println!(
                "VIOLATION {violation} (kill {}, {})",
                summary.kills,
                profile.name()
            );
        }
        let many = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let kind = |kind: &str| {
            many(
                history
                    .entries
                    .iter()
                    .filter(|one| one.kind == kind)
                    .count(),
            )
        };
        summary.violations += many(found.len());
        summary.statements += told.sent.load(Ordering::Relaxed);
        summary.answered += many(history.answers.len());
        summary.committed += many(history.rows.len());
        summary.seen += many(history.seen.len());
        summary.intents += kind("statement.intent");
        summary.unknown += many(
            history
                .entries
                .iter()
                .filter(|one| one.status == "unknown")
                .count(),
        );
    }
}

/// Entries as `weir ledger tail --json` prints them.
fn entries(text: &str) -> Result<Vec<Entry>> {
    text.lines()
        .map(|line| {
            let leaf: serde_json::Value =
                serde_json::from_str(line).context("an entry is not JSON")?;
            let word = |name: &str| {
                let word = leaf.get(name).and_then(serde_json::Value::as_str);
                word.unwrap_or_default().to_owned()
            };
            let number = |name: &str| leaf.get(name).and_then(serde_json::Value::as_u64);
            Ok(Entry {
                sequence: number("seq").context("an entry without sequence")?,
                kind: word("kind"),
                session: word("session"),
                shape: word("shape"),
                decision: word("decision"),
                intent: number("intent").unwrap_or_default(),
                status: word("status"),
            })
        })
        .collect()
}

/// A client's statement in a line of the server's log: `<PID> LOG:  statement: …` or `… execute NAME: …`.
fn seen(line: &str, processes: &HashMap<i32, u64>) -> Option<Statement> {
    let (process, rest) = line.strip_prefix('<')?.split_once("> LOG:  ")?;
    let connection = *processes.get(&process.parse().ok()?)?;
    let text = match rest.strip_prefix("statement: ") {
        Some(text) => text,
        None => rest.strip_prefix("execute ")?.split_once(": ")?.1,
    };
    let kind = if text.starts_with("copy") {
        Kind::Copy
    } else if text.starts_with("commit") {
        Kind::Commit
    } else {
        Kind::Tagged
    };
    Some(Statement {
        tag: tag_in(text)?,
        kind,
        connection,
    })
}

/// A row of the table: tag, connection, kind, tag of the COMMIT that was to follow.
fn written(row: &[String]) -> Option<Row> {
    let [tag, connection, kind, commits] = row else {
        return None;
    };
    Some(Row {
        by: Statement {
            tag: tag.parse().ok()?,
            kind: if kind == "copy" {
                Kind::Copy
            } else {
                Kind::Tagged
            },
            connection: connection.parse().ok()?,
        },
        commit: commits.parse().ok().filter(|tag| *tag > 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_servers_log() {
        let processes = HashMap::from([(41, 7)]);
        let statement = |tag, kind| Statement {
            tag,
            kind,
            connection: 7,
        };
        let cases = [
            (
                "<41> LOG:  statement: select 1 as t_5",
                Some(statement(5, Kind::Tagged)),
            ),
            (
                "<41> LOG:  execute p9: insert into effects as t_9 (tag)",
                Some(statement(9, Kind::Tagged)),
            ),
            (
                "<41> LOG:  statement: commit /* t_6 */",
                Some(statement(6, Kind::Commit)),
            ),
            (
                "<41> LOG:  statement: copy effects (tag) from stdin /* t_7 */",
                Some(statement(7, Kind::Copy)),
            ),
            ("<41> LOG:  statement: select pg_catalog.version()", None),
            ("<42> LOG:  statement: select 1 as t_5", None),
            ("<41> DETAIL:  parameters: $1 = 't_5'", None),
        ];
        for (line, expected) in cases {
            assert_eq!(seen(line, &processes), expected, "{line}");
        }
    }

    #[test]
    fn reads_entries() {
        let text = r#"{"v":1,"seq":8,"kind":"statement.intent","session":"s","shape":"commit","decision":"allow"}
{"v":1,"seq":9,"kind":"statement.outcome","intent":8,"status":"ok"}"#;
        let read = entries(text).unwrap();
        assert_eq!((read[0].sequence, read[0].shape.as_str()), (8, "commit"));
        assert_eq!((read[1].intent, read[1].status.as_str()), (8, "ok"));
    }
}
