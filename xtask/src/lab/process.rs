//! Child processes that cannot outlive the test that started them.
//!
//! A server is started under a tiny shell that holds the read end of a pipe. When the handle is dropped, or when
//! the process that holds it dies in any way (a panic, SIGKILL, an exit that skips destructors of statics), the
//! pipe closes and the shell stops the server. No process group of a stranger is ever signalled.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const GUARD: &str = r#"
signal=$1; log=$2; sweep=$3; shift 3
exec 3<&0 </dev/null
"$@" >>"$log" 2>&1 3<&- &
child=$!
echo "$child"
(
    word=
    read -r word <&3
    kill -0 $$ 2>/dev/null && kill -s "$signal" "$child"
    # Nobody said goodbye: whoever held the pipe is gone and cannot tidy up.
    if [ -z "$word" ] && [ -n "$sweep" ]; then
        n=0
        while kill -0 $$ && [ $n -lt 150 ]; do n=$((n + 1)); sleep 0.1; done
        rm -rf "$sweep"
    fi
) >/dev/null 2>&1 &
exec 3<&- >/dev/null
wait "$child"
"#;

/// The account a server runs under when the test itself runs as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Account {
    /// The account for servers that refuse root: `None` when this process is not root (they run as oneself).
    ///
    /// # Errors
    /// When this process is root and the machine knows neither `nobody` nor `postgres`.
    pub fn unprivileged() -> Result<Option<Account>> {
        if !is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["nobody", "postgres"]
            .iter()
            .find_map(|name| parse_account(&passwd, name))
            .map(Some)
            .context("this runs as root and /etc/passwd has neither `nobody` nor `postgres` to run a server as")
    }

    /// Gives a file or folder to the account.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn own(self, path: &Path) -> Result<()> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("cannot give {} to uid {}", path.display(), self.uid))
    }
}

fn parse_account(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid })
    })
}

/// Whether this process is root.
#[must_use]
pub fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|out| out.stdout.trim_ascii() == b"0")
}

/// What to start.
#[derive(Debug)]
pub struct Spec {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Extra environment.
    pub environment: Vec<(String, String)>,
    /// Working folder.
    pub folder: PathBuf,
    /// File that takes standard output and standard error.
    pub log: PathBuf,
    /// Account to run under; `None`: as oneself.
    pub account: Option<Account>,
    /// Folder removed when this process dies without stopping the child.
    pub sweep: Option<PathBuf>,
    /// Signal that stops it in good order, without the `SIG`.
    pub stop_signal: &'static str,
}

/// A running child, stopped on drop.
#[derive(Debug)]
pub struct Guarded {
    guard: Child,
    pipe: Option<ChildStdin>,
    pid: u32,
    log: PathBuf,
}

impl Guarded {
    /// Starts the child.
    ///
    /// # Errors
    /// When the shell or the program cannot be started.
    pub fn spawn(spec: &Spec) -> Result<Guarded> {
        let name = spec.command.first().context("nothing to start")?;
        let mut command = Command::new("sh");
        command
            .args(["-c", GUARD, "guard", spec.stop_signal])
            .arg(&spec.log)
            .arg(spec.sweep.as_deref().unwrap_or(Path::new("")))
            .args(&spec.command)
            .current_dir(&spec.folder)
            .envs(spec.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        if let Some(account) = spec.account {
            command.uid(account.uid).gid(account.gid);
        }
        let mut guard = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let pipe = guard.stdin.take();
        let out = guard.stdout.take().context("no output pipe")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let Ok(pid) = line.trim().parse() else {
            let _ = guard.wait();
            bail!("cannot start {name}: {}", tail(&spec.log));
        };
        Ok(Guarded {
            guard,
            pipe,
            pid,
            log: spec.log.clone(),
        })
    }

    /// Process id of the server itself.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The exit status, when it has ended.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.guard.try_wait().ok().flatten()
    }

    /// The last lines it logged.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Everything it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    }

    /// Sends a signal (name without `SIG`) to the server itself.
    ///
    /// # Errors
    /// When it is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        signal(self.pid, name)
    }

    /// Kills the server without warning, as a crash would, and waits for its end.
    pub fn crash(&mut self) {
        let _ = self.signal("KILL");
        let _ = self.guard.wait();
        self.release();
    }

    /// Says goodbye, which makes the guard stop the server and leave its files to us.
    fn release(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"bye\n");
        }
    }

    /// Stops the server in good order; kills it when that takes longer than ten seconds.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.release();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.guard.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(5)),
                Ok(None) => {
                    let _ = self.signal("KILL");
                    return self.guard.wait().ok();
                }
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Sends a signal (name without `SIG`) to one process.
///
/// # Errors
/// When there is no such process.
pub fn signal(pid: u32, name: &str) -> Result<()> {
    let done = Command::new("sh")
        .args([
            "-c",
            "kill -s \"$1\" \"$2\" 2>/dev/null",
            "signal",
            name,
            &pid.to_string(),
        ])
        .status()?;
    if !done.success() {
        bail!("cannot send SIG{name} to process {pid}");
    }
    Ok(())
}

/// A loopback port nobody listens on at the moment.
///
/// # Errors
/// When no socket can be had.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

/// Waits until `ready` says yes.
///
/// # Errors
/// When the child ends first or the time is over; the message carries the end of its log.
pub fn wait_ready(
    what: &str,
    child: &mut Guarded,
    limit: Duration,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        if ready() {
            return Ok(());
        }
        if let Some(status) = child.exited() {
            bail!("{what} ended at once ({status}):\n{}", child.log_tail());
        }
        if Instant::now() > deadline {
            bail!(
                "{what} was not ready after {} s:\n{}",
                limit.as_secs(),
                child.log_tail()
            );
        }
        thread::sleep(Duration::from_millis(15));
    }
}

fn tail(log: &Path) -> String {
    let text = fs::read(log)
        .map(|b| String::from_utf8_lossy(&b).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(30)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Guarded {
        Guarded::spawn(&Spec {
            command: vec!["sleep".into(), "60".into()],
            environment: Vec::new(),
            folder: folder.to_path_buf(),
            log: folder.join("log"),
            account: None,
            sweep: None,
            stop_signal: "TERM",
        })
        .unwrap()
    }

    fn alive(pid: u32) -> bool {
        signal(pid, "0").is_ok()
    }

    #[test]
    fn a_child_ends_with_its_handle() {
        let folder = tempfile::tempdir().unwrap();
        let child = sleeper(folder.path());
        let pid = child.pid();
        assert!(alive(pid));
        drop(child);
        assert!(!alive(pid));
    }

    #[test]
    fn a_child_ends_when_a_test_panics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_path_buf();
        let (tell, told) = std::sync::mpsc::channel();
        let panicked = thread::spawn(move || {
            let child = sleeper(&path);
            tell.send(child.pid()).unwrap();
            panic!("on purpose");
        })
        .join();
        assert!(panicked.is_err());
        assert!(!alive(told.recv().unwrap()));
    }

    #[test]
    fn an_owner_that_is_killed_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let swept = folder.path().join("data");
        fs::create_dir(&swept).unwrap();
        let mut child = sleeper(folder.path());
        let pid = child.pid();
        drop(child);
        assert!(
            swept.exists(),
            "a handle that says goodbye sweeps for itself"
        );
        child = Guarded::spawn(&Spec {
            command: vec!["sleep".into(), "60".into()],
            environment: Vec::new(),
            folder: folder.path().to_path_buf(),
            log: folder.path().join("log"),
            account: None,
            sweep: Some(swept.clone()),
            stop_signal: "TERM",
        })
        .unwrap();
        assert_ne!(pid, child.pid());
        // Closing the pipe without a word is what the kernel does for a process that was killed.
        child.pipe = None;
        let deadline = Instant::now() + Duration::from_secs(10);
        while swept.exists() && Instant::now() < deadline {
            let _ = child.exited();
            thread::sleep(Duration::from_millis(20));
        }
        assert!(!swept.exists());
        assert!(!alive(child.pid()));
    }

    #[test]
    fn an_early_end_is_told_with_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Guarded::spawn(&Spec {
            command: vec![
                "sh".into(),
                "-c".into(),
                "echo no such option; exit 3".into(),
            ],
            environment: Vec::new(),
            folder: folder.path().to_path_buf(),
            log: folder.path().join("log"),
            account: None,
            sweep: None,
            stop_signal: "TERM",
        })
        .unwrap();
        let error = wait_ready("it", &mut child, Duration::from_secs(5), || false)
            .unwrap_err()
            .to_string();
        assert!(error.contains("no such option"), "{error}");
    }

    #[test]
    fn accounts_are_read_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(
            parse_account(passwd, "nobody"),
            Some(Account {
                uid: 65534,
                gid: 65533
            })
        );
        assert_eq!(parse_account(passwd, "postgres"), None);
    }
}
