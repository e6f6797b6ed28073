//! The gateway under test: configuration, keys, the process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::client::{Client, Connect};
use super::postgres::{PASSWORD, Postgres, SUPERUSER};
use super::process::{Guarded, Spec, free_port, wait_ready};

/// One upstream database.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name clients give as `dbname`.
    pub name: String,
    /// `dev`, `staging`, `prod`, ….
    pub environment: String,
    /// Port on loopback.
    pub port: u16,
    /// Database on that server.
    pub database: String,
    /// Login role upstream.
    pub user: String,
    /// Its password.
    pub password: String,
    /// `schema.table.column` → label.
    pub labels: Vec<(String, String)>,
}

impl Target {
    /// A database of a lab server, logged in to as superuser.
    #[must_use]
    pub fn new(server: &Postgres, name: &str, environment: &str, database: &str) -> Target {
        Target {
            name: name.to_owned(),
            environment: environment.to_owned(),
            port: server.port(),
            database: database.to_owned(),
            user: SUPERUSER.to_owned(),
            password: PASSWORD.to_owned(),
            labels: Vec::new(),
        }
    }

    /// Labels a column.
    #[must_use]
    pub fn label(mut self, column: &str, label: &str) -> Target {
        self.labels.push((column.to_owned(), label.to_owned()));
        self
    }
}

/// One principal.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Name clients give as `user`.
    pub name: String,
    /// `human`, `agent` or `workload`.
    pub kind: String,
    /// Groups.
    pub groups: Vec<String>,
    /// The human an agent acts for.
    pub on_behalf_of: Option<String>,
}

/// What `weir.toml` and its neighbours hold.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Upstream databases.
    pub targets: Vec<Target>,
    /// Principals.
    pub principals: Vec<Principal>,
    /// Policy files: name and Cedar text. Without any, the starter policies hold.
    pub policies: Vec<(String, String)>,
    /// Lines put at the end of `weir.toml`.
    pub more: String,
}

impl Configuration {
    /// Adds a target.
    #[must_use]
    pub fn target(mut self, target: Target) -> Configuration {
        self.targets.push(target);
        self
    }

    /// Adds a human or a workload.
    #[must_use]
    pub fn principal(mut self, name: &str, kind: &str, groups: &[&str]) -> Configuration {
        self.principals.push(Principal {
            name: name.to_owned(),
            kind: kind.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            on_behalf_of: None,
        });
        self
    }

    /// Adds an agent that acts for a human.
    #[must_use]
    pub fn agent(mut self, name: &str, human: &str, groups: &[&str]) -> Configuration {
        self = self.principal(name, "agent", groups);
        if let Some(agent) = self.principals.last_mut() {
            agent.on_behalf_of = Some(human.to_owned());
        }
        self
    }

    /// Adds a policy file.
    #[must_use]
    pub fn policy(mut self, name: &str, text: &str) -> Configuration {
        self.policies.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Writes `weir.toml`, the policies and the secrets into a folder, on ports that are free now.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let mut toml = String::new();
        writeln!(toml, "[listen]\naddress = \"127.0.0.1:{}\"\n", free_port()?)?;
        writeln!(toml, "[admin]\naddress = \"127.0.0.1:{}\"\n", free_port()?)?;
        writeln!(
            toml,
            "[ledger]\ndirectory = \"ledger\"\n\n[keys]\nfile = \"keys.json\"\n"
        )?;
        writeln!(toml, "[masking]\nkey = {{ file = \"masking.key\" }}\n")?;
        secret(&folder.join("masking.key"), &"4c61622d6f6e6c79".repeat(4))?;
        if !self.policies.is_empty() {
            let names: Vec<String> = self
                .policies
                .iter()
                .map(|(name, _)| format!("{name:?}"))
                .collect();
            writeln!(toml, "[policy]\nfiles = [{}]\n", names.join(", "))?;
            for (name, text) in &self.policies {
                fs::write(folder.join(name), text)?;
            }
        }
        for target in &self.targets {
            let password = format!("{}.password", target.name);
            secret(&folder.join(&password), &target.password)?;
            writeln!(
                toml,
                "[targets.{}]\nenvironment = \"{}\"",
                target.name, target.environment
            )?;
            writeln!(
                toml,
                "url = \"postgres://127.0.0.1:{}/{}?sslmode=disable\"\n",
                target.port, target.database
            )?;
            writeln!(
                toml,
                "[targets.{}.logins.default]\nuser = \"{}\"",
                target.name, target.user
            )?;
            writeln!(toml, "password = {{ file = \"{password}\" }}\n")?;
            if !target.labels.is_empty() {
                writeln!(toml, "[targets.{}.labels]", target.name)?;
                for (column, label) in &target.labels {
                    writeln!(toml, "\"{column}\" = \"{label}\"")?;
                }
                toml.push('\n');
            }
        }
        for principal in &self.principals {
            writeln!(
                toml,
                "[principals.{}]\nkind = \"{}\"",
                principal.name, principal.kind
            )?;
            writeln!(toml, "groups = {:?}", principal.groups)?;
            if let Some(human) = &principal.on_behalf_of {
                writeln!(toml, "on_behalf_of = \"{human}\"")?;
            }
            toml.push('\n');
        }
        toml.push_str(&self.more);
        fs::write(folder.join("weir.toml"), toml)?;
        Ok(())
    }
}

fn secret(file: &Path, text: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(file, text)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

/// Whether to build and run the optimised gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As tests run it.
    Debug,
    /// As it is shipped.
    Release,
}

/// Builds the gateway and tells where it is. `WEIR_BIN` names one that is built already.
///
/// # Errors
/// When it does not build.
pub fn build(profile: Profile) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("WEIR_BIN") {
        return Ok(PathBuf::from(named));
    }
    super::install::package(
        "libclang-dev",
        "a library that building PostgreSQL's grammar needs",
    )?;
    let mut cargo = crate::cargo();
    cargo
        .args(["build", "--quiet", "--workspace", "--bin", "weir"])
        .current_dir(crate::root());
    // With a test beside it, it has the features that tests are built with; else the engine
    // of the index would be built once more for one of them.
    cargo.args(match profile {
        Profile::Debug => ["--test", "standards"].as_slice(),
        Profile::Release => &["--release"],
    });
    if !cargo.status().context("cannot run cargo")?.success() {
        bail!("the gateway does not build");
    }
    let folder = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    Ok(crate::target_folder().join(folder).join("weir"))
}

/// The gateway built beside the running test or tool, or named by `WEIR_BIN`.
///
/// # Errors
/// When there is none.
pub fn binary() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("WEIR_BIN") {
        return Ok(PathBuf::from(named));
    }
    let own = std::env::current_exe()?;
    own.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join("weir"))
        .find(|file| file.is_file())
        .context("no `weir` beside this program: build it with `cargo build -p weir`, or name it in WEIR_BIN")
}

/// A running gateway.
#[derive(Debug)]
pub struct Weir {
    process: Option<Guarded>,
    binary: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    port: u16,
    admin_port: u16,
    keys: BTreeMap<String, String>,
}

impl Weir {
    /// Starts the gateway built beside this program on a folder with `weir.toml`, after making one key for each
    /// principal in it, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not come up; the message carries the end of its log.
    pub fn start(folder: &Path) -> Result<Weir> {
        Weir::start_binary(&binary()?, folder, &[])
    }

    /// As [`Weir::start`], with the program and further environment given.
    ///
    /// # Errors
    /// As [`Weir::start`].
    pub fn start_binary(
        binary: &Path,
        folder: &Path,
        environment: &[(&str, &str)],
    ) -> Result<Weir> {
        let text = fs::read_to_string(folder.join("weir.toml")).context("no weir.toml")?;
        let configuration: toml::Table = text.parse()?;
        let mut weir = Weir {
            process: None,
            binary: binary.to_path_buf(),
            folder: folder.to_path_buf(),
            environment: environment
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            port: port_of(&configuration, "listen")?,
            admin_port: port_of(&configuration, "admin")?,
            keys: BTreeMap::new(),
        };
        if let Some(principals) = configuration
            .get("principals")
            .and_then(toml::Value::as_table)
        {
            for name in principals.keys() {
                let key = weir.create_key(name)?;
                weir.keys.insert(name.clone(), key);
            }
        }
        weir.launch()?;
        Ok(weir)
    }

    fn launch(&mut self) -> Result<()> {
        let spec = Spec {
            command: ["serve", "--config", "weir.toml"].into_iter().fold(
                vec![self.binary.display().to_string()],
                |mut all, word| {
                    all.push(word.to_owned());
                    all
                },
            ),
            environment: self.environment.clone(),
            folder: self.folder.clone(),
            log: self.folder.join("weir.log"),
            account: None,
            sweep: None,
            stop_signal: "TERM",
        };
        let mut process = Guarded::spawn(&spec)?;
        let admin = self.admin_port;
        wait_ready("the gateway", &mut process, Duration::from_secs(60), || {
            http_get(admin, "/readyz").is_ok_and(|(status, _)| status == 200)
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Runs a subcommand of the gateway's program in the configuration folder and gives its standard output.
    ///
    /// # Errors
    /// When it fails; the message is what it said.
    pub fn command(&self, arguments: &[&str]) -> Result<String> {
        let out = Command::new(&self.binary)
            .args(arguments)
            .envs(self.environment.iter().map(|(k, v)| (k, v)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", self.binary.display()))?;
        if !out.status.success() {
            bail!(
                "`weir {}` failed: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&out.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    /// Makes a further key and gives its secret.
    ///
    /// # Errors
    /// When the gateway's program refuses.
    pub fn create_key(&self, principal: &str) -> Result<String> {
        let told = self.command(&[
            "key",
            "create",
            principal,
            "--config",
            "weir.toml",
            "--json",
        ])?;
        let key: serde_json::Value =
            serde_json::from_str(&told).context("`weir key create --json` is not JSON")?;
        let secret = key.get("secret").and_then(serde_json::Value::as_str);
        Ok(secret
            .context("`weir key create --json` has no secret")?
            .to_owned())
    }

    /// The key made for a principal at the start; empty for a stranger.
    #[must_use]
    pub fn key(&self, principal: &str) -> &str {
        self.keys.get(principal).map_or("", String::as_str)
    }

    /// Port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port for operators.
    #[must_use]
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// Configuration folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Process id; 0 while stopped.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Guarded::pid)
    }

    /// Everything it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.folder.join("weir.log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// How a principal connects to a target.
    #[must_use]
    pub fn connect(&self, principal: &str, target: &str) -> Connect {
        Connect::new(self.port, principal, self.key(principal), target)
    }

    /// A connection of a principal to a target.
    ///
    /// # Errors
    /// When it is refused.
    pub fn client(&self, principal: &str, target: &str) -> Result<Client> {
        Ok(Client::connect(&self.connect(principal, target))?)
    }

    /// GET on the admin address: status and body.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn get(&self, path: &str) -> Result<(u16, String)> {
        http_get(self.admin_port, path)
    }

    /// Sends a signal (name without `SIG`).
    ///
    /// # Errors
    /// When the gateway is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        self.process
            .as_ref()
            .context("the gateway is stopped")?
            .signal(name)
    }

    /// Stops the gateway in good order and gives its exit status.
    pub fn stop(&mut self) -> Option<std::process::ExitStatus> {
        self.process.take().and_then(|mut process| process.stop())
    }

    /// Kills the gateway without warning.
    pub fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.crash();
        }
    }

    /// Starts a stopped gateway again on the same folder, ports and keys.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&mut self) -> Result<()> {
        self.stop();
        self.launch()
    }
}

fn port_of(configuration: &toml::Table, section: &str) -> Result<u16> {
    let address = configuration
        .get(section)
        .and_then(|section| section.get("address"))
        .and_then(toml::Value::as_str)
        .with_context(|| format!("weir.toml has no {section}.address"))?;
    let (_, port) = address
        .rsplit_once(':')
        .with_context(|| format!("{address} has no port"))?;
    port.parse()
        .with_context(|| format!("{address} has no port"))
}

/// One HTTP GET on loopback: status and body.
///
/// # Errors
/// When nobody answers.
pub fn http_get(port: u16, path: &str) -> Result<(u16, String)> {
    let mut socket = TcpStream::connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(
        socket,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = Vec::new();
    socket.read_to_end(&mut reply)?;
    let text = String::from_utf8_lossy(&reply);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|word| word.parse().ok())
        .context("not an HTTP answer")?;
    let body = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_configuration_is_toml_with_its_ports() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target {
            name: "prod-app".into(),
            environment: "prod".into(),
            port: 5432,
            database: "app".into(),
            user: "u".into(),
            password: "p".into(),
            labels: vec![("public.customers.email".into(), "email".into())],
        };
        let configuration = Configuration::default()
            .target(target)
            .principal("alice", "human", &["engineers"])
            .agent("bot", "alice", &["agents"])
            .policy("all.cedar", "permit (principal, action, resource);");
        configuration.write(folder.path()).unwrap();
        let table: toml::Table = fs::read_to_string(folder.path().join("weir.toml"))
            .unwrap()
            .parse()
            .unwrap();
        assert!(port_of(&table, "listen").unwrap() > 0);
        assert_eq!(
            table["principals"]["bot"]["on_behalf_of"].as_str(),
            Some("alice")
        );
        assert_eq!(
            table["targets"]["prod-app"]["labels"]["public.customers.email"].as_str(),
            Some("email")
        );
        assert_eq!(table["policy"]["files"][0].as_str(), Some("all.cedar"));
    }
}
