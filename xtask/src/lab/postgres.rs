//! A PostgreSQL server of one's own: temporary data folder, free loopback port, gone with its handle.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::client::{Client, Connect};
use super::install;
use super::process::{Account, Guarded, Spec, free_port, wait_ready};
use super::tls::{Certificates, certificates};

/// Name of the superuser every lab server has.
pub const SUPERUSER: &str = "postgres";
/// Password of the superuser; the server listens on loopback only and lives as long as a test.
pub const PASSWORD: &str = "lab-password";

/// How a server differs from the default.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Lines for `postgresql.conf`, as `name = value`.
    pub configuration: Vec<String>,
    /// Lines put before the default ones in `pg_hba.conf`.
    pub access: Vec<String>,
    /// Whether the server offers TLS with a certificate for `localhost`.
    pub tls: bool,
    /// Whether connections the server itself opens (dblink, postgres_fdw) find it without being told where.
    pub server_libpq: bool,
}

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Postgres {
    process: Option<Guarded>,
    folder: TempDir,
    binaries: PathBuf,
    account: Option<Account>,
    port: u16,
    certificates: Option<Certificates>,
    server_libpq: bool,
}

impl Postgres {
    /// Starts a server with the default settings.
    ///
    /// # Errors
    /// When PostgreSQL cannot be found, installed or started; the message carries the end of its log.
    pub fn start() -> Result<Postgres> {
        Postgres::start_with(&Settings::default())
    }

    /// Starts a server.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_with(settings: &Settings) -> Result<Postgres> {
        let binaries = install::postgres()?;
        let account = Account::unprivileged()?;
        let folder = tempfile::Builder::new()
            .prefix("weir-pg-")
            .tempdir_in("/tmp")?;
        own(account, folder.path())?;
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD)?;
        own(account, &password)?;

        let data = folder.path().join("data");
        let mut initdb = Command::new(binaries.join("initdb"));
        initdb
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
            ])
            .args(["-U", SUPERUSER])
            .arg(format!("--pwfile={}", password.display()))
            .arg("-D")
            .arg(&data)
            .current_dir(folder.path())
            .stdin(Stdio::null());
        if let Some(account) = account {
            use std::os::unix::process::CommandExt;
            initdb.uid(account.uid).gid(account.gid);
        }
        let out = initdb.output().context("cannot run initdb")?;
        if !out.status.success() {
            bail!("initdb failed:\n{}", String::from_utf8_lossy(&out.stderr));
        }

        let mut server = Postgres {
            process: None,
            folder,
            binaries,
            account,
            port: free_port()?,
            certificates: None,
            server_libpq: settings.server_libpq,
        };
        server.configure(settings)?;
        server.launch()?;
        Ok(server)
    }

    fn configure(&mut self, settings: &Settings) -> Result<()> {
        let data = self.data();
        let mut lines = vec![
            "listen_addresses = '127.0.0.1'".to_owned(),
            format!(
                "unix_socket_directories = '{}'",
                self.folder.path().display()
            ),
            "fsync = off".to_owned(),
            "full_page_writes = off".to_owned(),
            "max_connections = 300".to_owned(),
            "timezone = 'UTC'".to_owned(),
            "log_timezone = 'UTC'".to_owned(),
        ];
        if settings.tls {
            let made = certificates(self.folder.path())?;
            for file in [&made.authority, &made.certificate, &made.key] {
                own(self.account, file)?;
            }
            lines.push("ssl = on".to_owned());
            lines.push(format!("ssl_cert_file = '{}'", made.certificate.display()));
            lines.push(format!("ssl_key_file = '{}'", made.key.display()));
            self.certificates = Some(made);
        }
        lines.extend(settings.configuration.iter().cloned());
        append(&data.join("postgresql.conf"), &lines)?;
        if !settings.access.is_empty() {
            let file = data.join("pg_hba.conf");
            let default = fs::read_to_string(&file)?;
            fs::write(&file, format!("{}\n{default}", settings.access.join("\n")))?;
        }
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let mut environment = vec![("LC_ALL".to_owned(), "C".to_owned())];
        if self.server_libpq {
            environment.push((
                "PGHOST".to_owned(),
                self.folder.path().display().to_string(),
            ));
            environment.push(("PGPORT".to_owned(), self.port.to_string()));
            environment.push(("PGUSER".to_owned(), SUPERUSER.to_owned()));
        }
        let spec = Spec {
            command: vec![
                self.binaries.join("postgres").display().to_string(),
                "-D".to_owned(),
                self.data().display().to_string(),
                "-p".to_owned(),
                self.port.to_string(),
            ],
            environment,
            folder: self.folder.path().to_path_buf(),
            log: self.folder.path().join("server.log"),
            account: self.account,
            sweep: Some(self.folder.path().to_path_buf()),
            // A fast shutdown: clients are disconnected, nothing waits for them.
            stop_signal: "INT",
        };
        let mut process = Guarded::spawn(&spec)?;
        let connect = self.connect("postgres");
        wait_ready("PostgreSQL", &mut process, Duration::from_secs(60), || {
            Client::connect(&connect).is_ok()
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Loopback port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the postmaster; 0 while stopped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Guarded::pid)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder with `psql`, `pg_dump`, ….
    #[must_use]
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// A folder the server's account may write into, made on demand.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn writable_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder)?;
        own(self.account, &folder)?;
        Ok(folder)
    }

    /// Certificates, when the server was started with TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Everything the server logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.path().join("server.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// What the server logged from a byte on, in whole lines, and where that ends.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log_from(&self, offset: u64) -> Result<(String, u64)> {
        use std::io::{Read, Seek, SeekFrom};
        let mut file = fs::File::open(self.folder.path().join("server.log"))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n');
        bytes.truncate(whole.map_or(0, |last| last + 1));
        let end = offset + u64::try_from(bytes.len())?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), end))
    }

    /// How to connect to a database as superuser.
    #[must_use]
    pub fn connect(&self, database: &str) -> Connect {
        Connect::new(self.port, SUPERUSER, PASSWORD, database)
    }

    /// A connection as superuser.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn client(&self, database: &str) -> Result<Client> {
        Ok(Client::connect(&self.connect(database))?)
    }

    /// `postgres://…` of a database, with the superuser and without the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://127.0.0.1:{}/{database}", self.port)
    }

    /// `postgres://…` of a database, with the superuser and the password, without TLS.
    #[must_use]
    pub fn owner_url(&self, database: &str) -> String {
        format!(
            "postgres://{SUPERUSER}:{PASSWORD}@127.0.0.1:{}/{database}?sslmode=disable",
            self.port
        )
    }

    /// A `psql` ready to be given arguments: superuser, no start-up file, stops at the first error.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.binaries.join("psql"));
        psql.args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            SUPERUSER,
        ])
        .args(["-p", &self.port.to_string(), "-d", database])
        .env("PGPASSWORD", PASSWORD)
        .env("PGOPTIONS", "-c client_min_messages=warning")
        .current_dir("/")
        .stdin(Stdio::null());
        psql
    }

    /// Runs a script (psql's own commands included) as superuser.
    ///
    /// # Errors
    /// When a statement fails; the message is psql's.
    pub fn script(&self, database: &str, text: &str) -> Result<String> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        let out = self
            .psql(database)
            .arg("-At")
            .arg("-f")
            .arg(file.path())
            .output()
            .context("cannot run psql")?;
        if !out.status.success() {
            bail!("psql failed:\n{}", String::from_utf8_lossy(&out.stderr));
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Stops the server in good order; its data stays.
    pub fn stop(&mut self) {
        self.process = None;
    }

    /// Kills the postmaster without warning.
    pub fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.crash();
        }
    }

    /// Starts a stopped server again on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&mut self) -> Result<()> {
        self.stop();
        self.launch()
    }
}

fn own(account: Option<Account>, path: &Path) -> Result<()> {
    account.map_or(Ok(()), |account| account.own(path))
}

fn append(file: &Path, lines: &[String]) -> Result<()> {
    let mut text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    for line in lines {
        text.push('\n');
        text.push_str(line);
    }
    text.push('\n');
    fs::write(file, text)?;
    Ok(())
}
