//! The database a corpus runs against, put back into its first state whenever a case changed it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::corpus::relocate;
use super::labels::{self, Labelled};
use super::worlds::{Mapping, Side, mapping, write};
use crate::lab::{Client, Postgres, Settings};

/// Which of the two databases that differ only in masked values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// As the set-up script makes it.
    First,
    /// With every masked value's image in its place.
    Second,
}

/// What the set-up script made, from which both worlds are copied.
const ORIGIN: &str = "weir_origin";

impl World {
    fn template(self) -> &'static str {
        match self {
            World::First => "weir_first_world",
            World::Second => "weir_second_world",
        }
    }
}

/// A server with both worlds as templates, and one of them in place.
#[derive(Debug)]
pub(crate) struct Stage {
    server: Postgres,
    keeper: Client,
    database: String,
    files: PathBuf,
    world: World,
    clean_at: String,
    resets: u32,
    columns: Vec<Labelled>,
    values: Mapping,
    newest_oid: u32,
}

impl Stage {
    /// Starts a server and makes both worlds from a set-up script. `canaries` stand in masked columns only.
    pub(crate) fn new(setup: &Path, canaries: &[String]) -> Result<Stage> {
        let server = Postgres::start_with(&Settings {
            configuration: [
                "shared_preload_libraries = 'pg_stat_statements'",
                "wal_level = logical",
                "max_replication_slots = 20",
                "max_wal_senders = 10",
                // What runs in the background would look like a change made by a case.
                "autovacuum = off",
                "checkpoint_timeout = 1d",
                "max_wal_size = 8GB",
            ]
            .map(str::to_owned)
            .to_vec(),
            server_libpq: true,
            // Corpora let the server connect to itself without a password.
            access: vec!["host all postgres 127.0.0.1/32 trust".to_owned()],
            ..Settings::default()
        })?;
        let files = server.writable_folder("files")?;
        let text = fs::read_to_string(setup)
            .with_context(|| format!("cannot read {}", setup.display()))?;
        let text = relocate(&text, &files, server.port());
        let database = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("\\c "))
            .next_back()
            .map_or("postgres", str::trim)
            .trim_matches('"')
            .to_owned();
        let mut keeper = server.client("postgres")?;
        keeper.run("create extension pg_stat_statements")?;
        server
            .script("postgres", &text)
            .with_context(|| format!("{} failed", setup.display()))?;
        let (columns, values) = {
            let mut client = server.client(&database)?;
            let columns = labels::find(&mut client, labels::NAMED, canaries)?;
            let values = mapping(&mut client, &columns)?;
            (columns, values)
        };
        // renaming waits for the connection's end, and disconnects nobody
        keeper.run(&format!(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = '{database}'"
        ))?;
        keeper.run(&format!("alter database \"{database}\" rename to {ORIGIN}"))?;
        for (world, side) in [(World::First, Side::Same), (World::Second, Side::Image)] {
            let name = world.template();
            keeper.run(&format!("create database {name} template {ORIGIN}"))?;
            write(&mut server.client(name)?, &values, side)?;
        }
        let newest_oid = keeper
            .run("select max(oid) from pg_database")?
            .value()
            .parse()?;
        let mut stage = Stage {
            server,
            keeper,
            database,
            files,
            world: World::First,
            clean_at: String::new(),
            resets: 0,
            columns,
            values,
            newest_oid,
        };
        stage.put(World::First)?;
        Ok(stage)
    }

    pub(crate) fn server(&self) -> &Postgres {
        &self.server
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn files(&self) -> &Path {
        &self.files
    }

    pub(crate) fn resets(&self) -> u32 {
        self.resets
    }

    /// Puts a world in place, untouched. Says whether the database was made anew for it.
    pub(crate) fn ready(&mut self, world: World) -> Result<bool> {
        if self.world == world && self.is_clean()? {
            return Ok(false);
        }
        self.put(world)?;
        Ok(true)
    }

    /// Takes the database in place as it is for untouched.
    pub(crate) fn settle(&mut self) -> Result<()> {
        self.clean_at = self.position()?;
        Ok(())
    }

    /// The oid of a function in the database in place; 0 when there is none.
    pub(crate) fn function(&self, name: &str) -> Result<u32> {
        let mut client = self.server.client(&self.database)?;
        let name = name.replace('\'', "''");
        let answer = client.query(&format!("select oid from pg_proc where proname = '{name}'"))?;
        Ok(answer.value().parse().unwrap_or_default())
    }

    /// The labelled columns.
    pub(crate) fn columns(&self) -> &[Labelled] {
        &self.columns
    }

    /// What differs between the worlds.
    pub(crate) fn values(&self) -> &Mapping {
        &self.values
    }

    /// Both worlds have the same oids up to this one.
    pub(crate) fn newest_oid(&self) -> u32 {
        self.newest_oid
    }

    fn position(&mut self) -> Result<String> {
        Ok(self
            .keeper
            .run("select pg_current_wal_insert_lsn()")?
            .value())
    }

    /// Whatever a statement writes, permanent or catalog, moves the write-ahead log; files and server settings
    /// are looked at by themselves.
    fn is_clean(&mut self) -> Result<bool> {
        let no_files = fs::read_dir(&self.files)
            .map(|mut all| all.next().is_none())
            .unwrap_or(false);
        Ok(self.position()? == self.clean_at && no_files && !self.has_server_settings())
    }

    fn has_server_settings(&self) -> bool {
        let text =
            fs::read_to_string(self.server.data().join("postgresql.auto.conf")).unwrap_or_default();
        text.lines()
            .any(|line| !line.trim().is_empty() && !line.starts_with('#'))
    }

    fn put(&mut self, world: World) -> Result<()> {
        self.resets += 1;
        for entry in fs::read_dir(&self.files)?.flatten() {
            let _ = fs::remove_file(entry.path());
        }
        if self.has_server_settings() {
            self.keeper.run("alter system reset all")?;
            self.keeper.run("select pg_reload_conf()")?;
        }
        let keeper = &mut self.keeper;
        keeper.run("select pg_terminate_backend(active_pid) from pg_replication_slots where active_pid is not null")?;
        keeper.run(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active",
        )?;
        keeper.run(&format!(
            "drop database if exists \"{}\" with (force)",
            self.database
        ))?;
        keeper.run(&format!(
            "create database \"{}\" template {}",
            self.database,
            world.template()
        ))?;
        let roles = keeper.run("select quote_ident(rolname) from pg_roles where oid >= 16384")?;
        for role in roles.rows().iter().flatten() {
            // A role that still owns something elsewhere stays: it stands in nobody's way.
            keeper.query(&format!("drop role {role}"))?;
        }
        keeper.run("alter role postgres reset all")?;
        keeper.run("select pg_stat_statements_reset()")?;
        // The next one to read these catalogs would tidy them, which moves the log too.
        keeper.run("vacuum pg_database")?;
        self.server
            .client(&self.database)?
            .run("select count(*) from pg_class")?;
        self.world = world;
        self.clean_at = self.position()?;
        Ok(())
    }
}
