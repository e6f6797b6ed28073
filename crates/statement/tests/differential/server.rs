//! A PostgreSQL 15 of the test's own: own data directory, no TCP, stopped and removed at the end.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Where Debian and most others put the server.
const FOLDERS: [&str; 2] = ["/usr/lib/postgresql/15/bin", "/usr/pgsql-15/bin"];

/// A running server.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
}

impl Server {
    /// Starts one; `None` when this machine has no PostgreSQL 15.
    pub(crate) fn start() -> Option<Self> {
        let programs = FOLDERS.iter().map(PathBuf::from);
        let programs = programs
            .into_iter()
            .find(|path| path.join("initdb").exists())?;
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let own = format!("weir-oracle-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(own);
        let server = Self { programs, folder };
        std::fs::create_dir_all(&server.folder).unwrap();
        if is_root() {
            // the server refuses to run as root
            run(Command::new("chown").arg("nobody").arg(&server.folder));
        }
        let data = server.data();
        run(server
            .program("initdb")
            .args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
                "-D",
            ])
            .arg(&data));
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c log_min_messages=fatal",
            server.folder.display()
        );
        let log = server.folder.join("log");
        run(server
            .program("pg_ctl")
            .args(["-w", "start", "-D"])
            .arg(&data)
            .arg("-l")
            .arg(log)
            .arg("-o")
            .arg(options));
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A program of the server, as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "nobody", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir(&self.folder).stdout(Stdio::null());
        command
    }

    /// Gives a script to psql.
    pub(crate) fn psql(&self, database: &str, options: &[&str], script: &str) -> Output {
        let mut child = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-U", "postgres", "-d", database, "-h"])
            .arg(&self.folder)
            .args(options)
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let script = script.to_owned();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let written = writer.join().unwrap();
        assert!(
            written.is_ok(),
            "psql ended early: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Runs a script that must succeed, and gives its records of fields. NULL and the empty string are told apart.
    pub(crate) fn records(&self, database: &str, script: &str) -> Vec<Vec<Option<String>>> {
        let null = "\u{1}null";
        let options = [
            "-A",
            "-t",
            "-0",
            "-F",
            "\u{1f}",
            "-P",
            &format!("null={null}"),
            "-v",
            "ON_ERROR_STOP=1",
        ];
        let output = self.psql(database, &options, script);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0')
            .map(|record| {
                let fields = record.split('\u{1f}');
                fields
                    .map(|field| (field != null).then(|| field.to_owned()))
                    .collect()
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.data();
        let _ = self
            .program("pg_ctl")
            .args(["-m", "immediate", "stop", "-D"])
            .arg(&data)
            .status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|own| own.uid() == 0)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
