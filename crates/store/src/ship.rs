//! Outputs: entries told to others, at least once, from a cursor that outlives the
//! process.
//!
//! Each output has a thread of its own, at low priority, that follows the durable part
//! of the log. The ledger is the buffer: an output that is down keeps nothing but its
//! place, and no statement waits for it. What was delivered is remembered in a cursor
//! file about once a second, so that after a crash a little is told again, with the
//! same `metadata.uid`; nothing is left out. What may still be lost is told to nobody:
//! an entry goes out once it survives power loss.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::{Error, Store};

mod connect;
mod cursor;
mod endpoint;
mod feed;
mod file;
mod http;
mod otlp;
mod run;
mod sink;
mod status;
mod syslog;

pub use endpoint::{Endpoint, Scheme};
pub use status::Status;

/// Names of disclosures that can be told to an output.
pub const DISCLOSURES: &[&str] = &[
    "address",
    "application",
    "parameters",
    "prepared",
    "purpose",
    "run",
    "target",
    "task",
    "text",
    "traceparent",
    "user",
];

/// One output.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name, also of its cursor: letters, digits, `-` and `_`.
    pub name: String,
    /// Where a new one begins.
    pub start: Start,
    /// Disclosures it is told, of [`DISCLOSURES`]; usually none.
    pub disclose: Vec<String>,
    /// Where to, and in which form.
    pub to: To,
}

/// Where a new output begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first entry of the log.
    First,
    /// With what is recorded from here on.
    Now,
}

/// Where to, and in which form.
#[derive(Clone, Debug)]
pub enum To {
    /// OCSF events as lines of JSON in a file.
    File {
        /// The file.
        path: PathBuf,
        /// It is renamed before it would become larger.
        rotate_bytes: u64,
        /// Renamed files that are kept.
        keep: u64,
    },
    /// OCSF events as lines of JSON in the bodies of POST requests.
    Http(Remote),
    /// OCSF events as syslog messages (RFC 5424).
    Syslog(Remote),
    /// Spans and log events for OpenTelemetry (OTLP/HTTP, protobuf).
    Otlp {
        /// The collector; `/v1/traces` and `/v1/logs` are added to its path.
        remote: Remote,
        /// What is sent.
        signals: Signals,
        /// Where each target is.
        places: BTreeMap<String, TargetPlace>,
    },
}

/// What OpenTelemetry is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signals {
    /// A span for each statement.
    pub traces: bool,
    /// A log event for each entry.
    pub logs: bool,
}

/// Where a target's database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetPlace {
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Database on that server.
    pub database: String,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Certificate authorities (PEM) instead of the system's.
    pub authorities: Option<PathBuf>,
    /// Bearer token.
    pub token: Option<Token>,
}

/// Reads a bearer token, anew for each connection, so that it may be renewed.
#[derive(Clone)]
pub struct Token(Arc<Read>);

type Read = dyn Fn() -> Result<Zeroizing<String>, String> + Send + Sync;

impl Token {
    /// A token that `read` gives; its error tells the place, never the token.
    pub fn new(
        read: impl Fn() -> Result<Zeroizing<String>, String> + Send + Sync + 'static,
    ) -> Token {
        Token(Arc::new(read))
    }
}

/// The token stays out of logs.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// The running outputs of a ledger.
pub struct Outputs {
    statuses: Vec<Arc<Status>>,
    threads: Vec<JoinHandle<()>>,
    stop: watch::Sender<Stop>,
}

/// Whether an output is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// No.
    No,
    /// Once it told everything.
    CaughtUp,
    /// At once.
    Now,
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.statuses.iter().map(|status| status.name()))
            .finish()
    }
}

impl Outputs {
    /// Starts them; cursors lie in `folder`, which is made.
    ///
    /// # Errors
    /// [`Error::Io`] when the folder cannot be made, [`Error::Thread`].
    pub fn start(
        outputs: Vec<Output>,
        store: &Arc<Store>,
        folder: &Path,
    ) -> Result<Outputs, Error> {
        let (stop, _) = watch::channel(Stop::No);
        let mut running = Outputs {
            statuses: Vec::new(),
            threads: Vec::new(),
            stop,
        };
        if outputs.is_empty() {
            return Ok(running);
        }
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        for output in outputs {
            let status = Arc::new(Status::new(&output.name));
            running.statuses.push(Arc::clone(&status));
            let cursor = folder.join(format!("{}.json", output.name));
            let (store, stop) = (Arc::clone(store), running.stop.subscribe());
            let thread = std::thread::Builder::new()
                .name(format!("weir-out-{}", output.name))
                .spawn(move || run::run(&output, &store, &status, &cursor, stop))
                .map_err(Error::Thread)?;
            running.threads.push(thread);
        }
        Ok(running)
    }

    /// How each of them is.
    #[must_use]
    pub fn statuses(&self) -> &[Arc<Status>] {
        &self.statuses
    }

    /// Lets them tell what is left for `patience`, then ends them. Call it after the
    /// store was closed, so that its last entries are told too.
    pub fn stop(&self, patience: Duration) {
        self.stop.send_replace(Stop::CaughtUp);
        let deadline = Instant::now() + patience;
        while !self.threads.iter().all(JoinHandle::is_finished) {
            if Instant::now() >= deadline {
                self.stop.send_replace(Stop::Now);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        self.stop.send_replace(Stop::Now);
    }
}
