//! What an operator asks of a ledger: done by the gateway that holds it, or by the
//! command itself when none runs.
//!
//! The gateway listens on the socket `control` in the ledger's folder, which only its
//! own user may enter. One connection is one question: a line of JSON, an
//! [`Operation`]; the answer is a line of JSON, `{"done": …}` or `{"refused": "why"}`.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use ledger::days::{Day, Days};
use ledger::event::{EvidenceExport, LabelChange, LabelSource};
use ledger::{Ledger as _, Sequence};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use store::Store;
use store::retention::Below;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

/// Most bytes of a question.
const MAX_QUESTION: u64 = 1 << 16;
/// How long a question may take to arrive.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an operation may take: it waits for the disk.
const ANSWER: Duration = Duration::from_secs(60);
/// Longest path of a socket that every system takes.
const MAX_SOCKET_PATH: usize = 100;

/// Something done to a ledger on behalf of an operator.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Operation {
    /// Destroys the keys of a subject's disclosures.
    Erase {
        subject: String,
        days: Days,
        ground: String,
    },
    /// Sets a legal hold.
    Hold {
        subject: Option<String>,
        days: Days,
        reason: String,
    },
    /// Ends a legal hold.
    Release { hold: String, reason: String },
    /// Prunes entries of days before this, or below this index.
    Prune {
        before: Option<Day>,
        below: Option<u64>,
    },
    /// Records what somebody decided a column holds.
    Label {
        target: String,
        column: String,
        label: String,
        why: String,
    },
    /// Records that evidence is about to leave.
    Evidence {
        digest: String,
        entries: u64,
        first: u64,
        last: u64,
        disclosed: Vec<String>,
        reason: String,
    },
}

/// What was done; it is durable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Done {
    /// The entries that say so.
    pub(crate) entries: Vec<u64>,
    /// Keys that were destroyed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<usize>,
    /// The first entry that is kept, after pruning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) minimum: Option<u64>,
    /// The hold that was set or ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<String>,
    /// Who asked, where that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<String>,
}

/// The gateway's answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Done),
    Refused(String),
}

impl Operation {
    /// Does it for the user of the machine who asked.
    async fn perform(self, store: &Arc<Store>, user: u32) -> Result<Done> {
        match self {
            Operation::Prune { before, below } => {
                let below = match (before, below) {
                    (Some(day), None) => Below::Day(day),
                    (None, Some(index)) => Below::Index(index),
                    (None, None) | (Some(_), Some(_)) => {
                        bail!("either a day or an index says what is pruned")
                    }
                };
                let store = Arc::clone(store);
                let prune = move || store.prune(below, None, None);
                let pruning = tokio::task::spawn_blocking(prune).await??;
                Ok(Done {
                    minimum: Some(pruning.below),
                    ..Done::on_record(pruning.entry.as_slice())
                })
            }
            Operation::Erase {
                subject,
                days,
                ground,
            } => {
                let erased = store.erase(&subject, days, ground, None).await?;
                Ok(Done {
                    keys: Some(erased.keys),
                    ..Done::on_record(&erased.entries)
                })
            }
            Operation::Hold {
                subject,
                days,
                reason,
            } => {
                let subject = subject.map(Into::into);
                let (hold, receipt) = store.hold(subject, days, reason, None).await?;
                Ok(Done {
                    hold: Some(hold.id),
                    ..Done::on_record(&[receipt.sequence])
                })
            }
            Operation::Release { hold, reason } => {
                let receipt = store.release(&hold, reason, None).await?;
                Ok(Done {
                    hold: Some(hold),
                    ..Done::on_record(&[receipt.sequence])
                })
            }
            Operation::Label {
                target,
                column,
                label,
                why,
            } => {
                let by = operator(user);
                let change = LabelChange {
                    target: target.into(),
                    column: column.into(),
                    label: label.into(),
                    source: LabelSource::Review,
                    why,
                    by: Some(by.as_str().into()),
                };
                let receipt = store.append(change.into())?;
                store.wait_durable(receipt.sequence).await?;
                Ok(Done {
                    by: Some(by),
                    ..Done::on_record(&[receipt.sequence])
                })
            }
            Operation::Evidence {
                digest,
                entries,
                first,
                last,
                disclosed,
                reason,
            } => {
                let export = EvidenceExport {
                    digest,
                    entries,
                    first: Sequence(first),
                    last: Sequence(last),
                    disclosed,
                    reason: reason.into(),
                    by: None,
                };
                let receipt = store.append(export.into())?;
                store.wait_durable(receipt.sequence).await?;
                Ok(Done::on_record(&[receipt.sequence]))
            }
        }
    }
}

impl Done {
    fn on_record(entries: &[Sequence]) -> Done {
        Done {
            entries: entries.iter().map(|sequence| sequence.0).collect(),
            ..Done::default()
        }
    }
}

/// The operator as the machine knows them: what a client says of itself proves nothing.
fn operator(user: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {user}"))
}

/// The socket of a ledger's folder. Paths of sockets are short; a long one is reached
/// through the folder's descriptor, which has to live as long as the path is used.
fn socket(directory: &Path) -> Result<(PathBuf, Option<OwnedFd>)> {
    let path = directory.join("control");
    if path.as_os_str().len() <= MAX_SOCKET_PATH {
        return Ok((path, None));
    }
    let folder = rustix::fs::open(
        directory,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .with_context(|| format!("cannot open {}", directory.display()))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/control", folder.as_raw_fd()));
    Ok((path, Some(folder)))
}

/// Answers operators until dropped.
pub(crate) struct Control {
    task: tokio::task::JoinHandle<()>,
    path: PathBuf,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Begins to answer operators of the ledger that this process holds.
pub(crate) fn listen(directory: &Path, store: Arc<Store>) -> Result<Control> {
    let (path, folder) = socket(directory)?;
    // The ledger's lock is ours, so a socket that is there is a dead gateway's.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot remove {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(&path)
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    let task = tokio::spawn(async move {
        let _folder = folder;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, say: the others need the time.
                tokio::time::sleep(PATIENCE).await;
                continue;
            };
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let _ = answer(stream, &store).await;
            });
        }
    });
    Ok(Control {
        task,
        path: directory.join("control"),
    })
}

async fn answer(mut stream: tokio::net::UnixStream, store: &Arc<Store>) -> Result<()> {
    let user = stream.peer_cred()?.uid();
    let (reading, mut writing) = stream.split();
    let mut line = String::new();
    let mut reading = tokio::io::BufReader::new(reading.take(MAX_QUESTION));
    tokio::time::timeout(PATIENCE, reading.read_line(&mut line)).await??;
    let done = match serde_json::from_str::<Operation>(&line) {
        Ok(operation) => operation.perform(store, user).await,
        Err(error) => Err(anyhow!("the gateway does not know this operation: {error}")),
    };
    let answer = match done {
        Ok(done) => Answer::Done(done),
        Err(refused) => Answer::Refused(format!("{refused:#}")),
    };
    let mut answer = serde_json::to_vec(&answer)?;
    answer.push(b'\n');
    writing.write_all(&answer).await?;
    Ok(())
}

/// Has `operation` done to the ledger in `directory`: by the gateway that holds it, or
/// here, where `options` say how it is kept.
pub(crate) fn request(
    directory: &Path,
    options: store::Options,
    operation: Operation,
) -> Result<Done> {
    if let Some(answered) = ask(directory, &operation)? {
        return answered;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let store = match Store::open(directory, options) {
        Err(store::Error::Locked { .. }) => bail!(
            "a process holds the ledger in {} and does not answer on {}: \
             is it just starting, or another version?",
            directory.display(),
            directory.join("control").display()
        ),
        opened => opened.with_context(|| format!("ledger in {}", directory.display()))?,
    };
    let done = runtime.block_on(operation.perform(&store, rustix::process::getuid().as_raw()));
    store.close();
    done
}

/// The answer of the gateway; `None` if there is none.
fn ask(directory: &Path, operation: &Operation) -> Result<Option<Result<Done>>> {
    let (path, _folder) = socket(directory)?;
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot reach the gateway on {}", path.display()));
        }
    };
    stream.set_read_timeout(Some(ANSWER))?;
    let lost = "the gateway went away before it answered; look at `weir ledger tail` for whether it was done";
    stream
        .write_all(format!("{}\n", serde_json::to_string(operation)?).as_bytes())
        .context(lost)?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_QUESTION))
        .read_line(&mut line)
        .context(lost)?;
    Ok(Some(match serde_json::from_str(&line).context(lost)? {
        Answer::Done(done) => Ok(done),
        Answer::Refused(why) => Err(anyhow!(why)),
    }))
}
