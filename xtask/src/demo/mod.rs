//! `cargo xtask demo`: PostgreSQL with believable data as dev, staging and prod, and the gateway in front of it.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

mod lines;

use crate::lab::postgres::{PASSWORD, Settings};
use crate::lab::weir::{self, Profile};
use crate::lab::{Configuration, Postgres, Target, Weir, install};
use lines::{LINES, RAW_COLUMNS};

/// Options of `cargo xtask demo`.
#[derive(Args, Clone, Debug, Default)]
pub struct Demo {
    /// Run the printed lines, check what they show, and exit
    #[arg(long)]
    pub check: bool,
}

/// The script that makes the data; it reads the psql variable `percent`.
pub const DATA: &str = include_str!("data.sql");

/// Environments of the demo: name, target, percent of the full size.
const ENVIRONMENTS: &[(&str, &str, u32)] = &[
    ("dev", "dev-app", 2),
    ("staging", "staging-app", 10),
    ("prod", "prod-app", 100),
];

/// The role the gateway logs in upstream with: it owns the databases and is no superuser. Its password is
/// [`PASSWORD`].
pub const LOGIN: &str = "app";

/// How long one line may take.
const LINE_LIMIT: Duration = Duration::from_secs(20);

/// What the demo's columns hold.
pub const LABELS: &[(&str, &str)] = &[
    ("public.customers.name", "name"),
    ("public.customers.email", "email"),
    ("public.customers.phone", "phone"),
    ("public.payments.card", "card"),
    ("public.support_tickets.body", "note"),
    ("public.prompt_logs.prompt", "note"),
    ("public.prompt_logs.address", "ip"),
    ("public.training_runs.token", "secret"),
    ("public.employees.name", "name"),
    ("public.employees.email", "email"),
    ("public.employees.ssn", "ssn"),
    ("public.employees.salary", "salary"),
];

/// A PostgreSQL server with the demo's three databases, `app_dev`, `app_staging` and `app_prod`.
///
/// # Errors
/// When the server does not start.
pub fn databases() -> Result<Postgres> {
    let server = Postgres::start_with(&Settings {
        configuration: vec![
            "max_wal_size = 4GB".to_owned(),
            "synchronous_commit = off".to_owned(),
        ],
        ..Settings::default()
    })?;
    server
        .client("postgres")?
        .run(&format!("create role {LOGIN} login password '{PASSWORD}'"))?;
    std::thread::scope(|scope| {
        let loads: Vec<_> = ENVIRONMENTS
            .iter()
            .map(|(environment, _, percent)| {
                let server = &server;
                scope.spawn(move || {
                    let name = format!("app_{environment}");
                    server.client("postgres")?.run(&format!(
                        "create database {name} owner {LOGIN} template template0"
                    ))?;
                    server.script(
                        &name,
                        &format!("\\set percent {percent}\nset role {LOGIN};\n{DATA}"),
                    )
                })
            })
            .collect();
        loads.into_iter().try_for_each(|load| match load.join() {
            Ok(done) => done.map(|_| ()),
            Err(_) => anyhow::bail!("loading the data panicked"),
        })
    })
    .context("cannot load the demo's data")?;
    Ok(server)
}

/// The demo's configuration, in front of [`databases`].
#[must_use]
pub fn configuration(server: &Postgres) -> Configuration {
    let mut all = Configuration::default()
        .principal("alice", "human", &["engineers"])
        .principal("sam", "human", &["support"])
        .agent("helper", "alice", &["agents"])
        .principal("nightly", "workload", &["pipelines"]);
    for (environment, name, _) in ENVIRONMENTS {
        let mut target = Target::new(server, name, environment, &format!("app_{environment}"));
        LOGIN.clone_into(&mut target.user);
        for (column, label) in LABELS {
            target = target.label(column, label);
        }
        all = all.target(target);
    }
    all
}

/// Runs it; `false` when a checked line shows something else than it says.
///
/// # Errors
/// When a server does not start.
pub fn run(options: &Demo) -> Result<bool> {
    let psql = install::program(
        "psql",
        "postgresql-client",
        "the client the demo's lines are for",
    )?;
    let binary = weir::build(Profile::Debug)?;
    let begun = Instant::now();
    println!("starting PostgreSQL with the data of an AI company (dev, staging, prod) …");
    let server = databases()?;
    println!("starting Weir …");
    let folder = tempfile::Builder::new().prefix("weir-demo-").tempdir()?;
    configuration(&server).write(folder.path())?;
    let gateway = Weir::start_binary(&binary, folder.path(), &[])?;
    println!(
        "ready after {:.1} s; configuration, policies and ledger in {}\n",
        begun.elapsed().as_secs_f32(),
        folder.path().display()
    );

    let raw: Vec<String> = server
        .client("app_prod")?
        .run(RAW_COLUMNS)?
        .rows()
        .into_iter()
        .flatten()
        .collect();
    let mut good = true;
    for line in LINES {
        let shell = line.shell(gateway.port(), gateway.key(line.principal));
        println!("# {}: {}\n{shell}\n", line.role, line.shows);
        if !options.check {
            continue;
        }
        let shown = shown(&shell, &psql)?;
        println!("{}", shown.trim_end());
        match line.fault(&shown, &raw) {
            None => println!("ok: {}\n", line.role),
            Some(fault) => {
                good = false;
                println!("FAILED: {}: {fault}\n", line.role);
            }
        }
    }
    if options.check {
        let checked = gateway.command(&["ledger", "verify", "--config", "weir.toml"]);
        match checked {
            Ok(said) => println!("ledger: {}", said.trim()),
            Err(error) => {
                good = false;
                println!("FAILED: ledger: {error}");
            }
        }
        return Ok(good);
    }
    println!("Ctrl-C ends it.");
    std::io::stdout().flush()?;
    loop {
        // Servers are stopped by their guards when this process ends.
        std::thread::park();
    }
}

/// What a line prints. One that hangs is ended after a while and says so.
fn shown(shell: &str, psql: &Path) -> Result<String> {
    let mut child = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {shell}")])
        .env("PATH", with_folder(psql))
        .env("PAGER", "cat")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot run the line")?;
    let mut out = child.stdout.take().context("no output pipe")?;
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = out.read_to_end(&mut bytes);
        bytes
    });
    let deadline = Instant::now() + LINE_LIMIT;
    let mut hung = "";
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            hung = "\n(no end after 20 s)";
            // The group: psql runs below the shell.
            signal_group(child.id())?;
            child.wait()?;
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let bytes = reader.join().unwrap_or_default();
    Ok(format!("{}{hung}", String::from_utf8_lossy(&bytes)))
}

fn signal_group(leader: u32) -> Result<()> {
    Command::new("sh")
        .args(["-c", &format!("kill -s KILL -- -{leader}")])
        .status()?;
    Ok(())
}

fn with_folder(program: &Path) -> std::ffi::OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = program.parent() {
        path.push(":");
        path.push(folder);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_believable_and_the_same_everywhere() {
        let server = databases().unwrap();
        let mut prod = server.client("app_prod").unwrap();
        let mut dev = server.client("app_dev").unwrap();
        let count = "select (select count(*) from customers) + (select count(*) from payments)
            + (select count(*) from support_tickets) + (select count(*) from prompt_logs)
            + (select count(*) from features) + (select count(*) from training_runs)
            + (select count(*) from model_weights) + (select count(*) from employees)";
        let rows: u32 = prod.query(count).unwrap().value().parse().unwrap();
        assert!((90_000..120_000).contains(&rows), "{rows}");
        assert!(dev.query(count).unwrap().value().parse::<u32>().unwrap() < rows / 10);
        let first = "select name, email, phone from customers where id = 1";
        assert_eq!(
            prod.query(first).unwrap().rows(),
            dev.query(first).unwrap().rows()
        );
        let labelled = prod
            .query("select string_agg(table_schema || '.' || table_name || '.' || column_name, ' ') from information_schema.columns where table_schema = 'public'")
            .unwrap()
            .value();
        for (column, _) in LABELS {
            assert!(
                labelled.split(' ').any(|known| known == *column),
                "{column}"
            );
        }
    }
}
