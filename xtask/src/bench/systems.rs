//! The systems compared, each in front of the same PostgreSQL.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::forward;
use super::load::ROWS;
use crate::lab::postgres::{PASSWORD, SUPERUSER, Settings};
use crate::lab::process::{Account, Guarded, Spec, free_port, wait_ready};
use crate::lab::weir::{self, Profile};
use crate::lab::{Client, Configuration, Connect, Postgres, Target, Weir, install};

/// One system a client can connect to.
#[derive(Debug)]
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) connect: Connect,
    /// The process in between; `None` for PostgreSQL itself.
    pub(super) pid: Option<u32>,
}

/// Everything running.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) systems: Vec<System>,
    /// What could not be measured, and why.
    pub(super) missing: Vec<String>,
    _gateway: Option<Weir>,
    _processes: Vec<Guarded>,
    _folders: Vec<TempDir>,
    _server: Postgres,
}

impl Field {
    pub(super) fn start(sessions_max: usize) -> Result<Field> {
        let server = Postgres::start_with(&Settings {
            configuration: vec![
                // PgBouncer keeps the sessions of clients that left while another system is measured.
                format!("max_connections = {}", 2 * sessions_max + 400),
                "shared_buffers = 256MB".to_owned(),
                "autovacuum = off".to_owned(),
                "synchronous_commit = off".to_owned(),
            ],
            ..Settings::default()
        })?;
        fill(&server)?;
        let mut field = Field {
            systems: vec![System {
                name: "direct",
                connect: server.connect("postgres"),
                pid: None,
            }],
            missing: Vec::new(),
            _gateway: None,
            _processes: Vec::new(),
            _folders: Vec::new(),
            _server: server,
        };
        for (name, start) in [
            (
                "pgbouncer",
                Field::pgbouncer as fn(&mut Field, usize) -> Result<()>,
            ),
            ("forwarder", Field::forwarder),
            ("weir", Field::weir),
        ] {
            if let Err(error) = start(&mut field, sessions_max) {
                eprintln!("LEFT OUT: {name}: {error:#}");
                field.missing.push(name.to_owned());
            }
        }
        Ok(field)
    }

    fn server_port(&self) -> u16 {
        self._server.port()
    }

    fn add(&mut self, name: &'static str, process: Guarded, connect: Connect) -> Result<()> {
        let mut process = process;
        wait_ready(name, &mut process, Duration::from_secs(20), || {
            Client::connect(&connect).is_ok()
        })?;
        self.systems.push(System {
            name,
            connect,
            pid: Some(process.pid()),
        });
        self._processes.push(process);
        Ok(())
    }

    fn pgbouncer(&mut self, sessions_max: usize) -> Result<()> {
        let program = install::program(
            "pgbouncer",
            "pgbouncer",
            "the pooler Weir is measured against",
        )?;
        let account = Account::unprivileged()?;
        let folder = tempfile::Builder::new()
            .prefix("weir-pgb-")
            .tempdir_in("/tmp")?;
        let port = free_port()?;
        fs::write(
            folder.path().join("users"),
            format!("\"{SUPERUSER}\" \"{PASSWORD}\"\n"),
        )?;
        fs::write(
            folder.path().join("ini"),
            format!(
                "[databases]\npostgres = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
                 unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = session\n\
                 max_client_conn = {}\ndefault_pool_size = {}\nlog_connections = 0\nlog_disconnections = 0\n",
                self.server_port(),
                folder.path().join("users").display(),
                sessions_max + 100,
                sessions_max + 50
            ),
        )?;
        for path in [
            folder.path().to_path_buf(),
            folder.path().join("users"),
            folder.path().join("ini"),
        ] {
            account.map_or(Ok(()), |account| account.own(&path))?;
        }
        let process = Guarded::spawn(&Spec {
            command: vec![program.display().to_string(), "ini".to_owned()],
            environment: Vec::new(),
            folder: folder.path().to_path_buf(),
            log: folder.path().join("log"),
            account,
            sweep: Some(folder.path().to_path_buf()),
            stop_signal: "TERM",
        })?;
        self._folders.push(folder);
        self.add(
            "pgbouncer",
            process,
            Connect::new(port, SUPERUSER, PASSWORD, "postgres"),
        )
    }

    fn forwarder(&mut self, _: usize) -> Result<()> {
        let (process, port, folder) = forward::start(self.server_port())?;
        self._folders.push(folder);
        self.add(
            "forwarder",
            process,
            Connect::new(port, SUPERUSER, PASSWORD, "postgres"),
        )
    }

    fn weir(&mut self, sessions_max: usize) -> Result<()> {
        let binary = weir::build(Profile::Release)?;
        let folder = tempfile::tempdir()?;
        let target = Target::new(&self._server, "bench", "prod", "postgres")
            .label("public.accounts.name", "name")
            .label("public.accounts.email", "email");
        let mut configuration =
            Configuration::default()
                .target(target)
                .principal("alice", "human", &["engineers"]);
        configuration.more = format!("[limits]\nconnections = {}\n", sessions_max + 100);
        configuration.write(folder.path())?;
        let gateway = Weir::start_binary(&binary, folder.path(), &[])?;
        let connect = gateway.connect("alice", "bench");
        masked(&connect, folder.path())?;
        self.systems.push(System {
            name: "weir",
            connect,
            pid: Some(gateway.pid()),
        });
        self._gateway = Some(gateway);
        self._folders.push(folder);
        Ok(())
    }
}

/// Makes the table that is asked.
pub(super) fn fill(server: &Postgres) -> Result<()> {
    server.client("postgres")?.run(&format!(
        "create table accounts (id int primary key, name text, email text, city text, balance int, note text);
         insert into accounts select g, 'Name ' || g, 'user' || g || '@example.com', 'City ' || g % 100, g % 10000,
             'a note of ordinary length ' || g from generate_series(1, {ROWS}) g;
         analyze accounts; checkpoint"
    ))?;
    Ok(())
}

/// A gateway that does not mask must not be measured.
fn masked(connect: &Connect, folder: &Path) -> Result<()> {
    let row =
        Client::connect(connect)?.run("select name, email, city from accounts where id = 7")?;
    let cells = row.rows().into_iter().next().unwrap_or_default();
    let [name, email, city] = cells.as_slice() else {
        anyhow::bail!("no row came through the gateway ({})", folder.display())
    };
    if name == "Name 7" || email == "user7@example.com" || city != "City 7" {
        anyhow::bail!("the gateway does not mask two columns of the bench's table: {cells:?}");
    }
    Ok(())
}
