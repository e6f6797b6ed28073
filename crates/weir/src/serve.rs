//! `weir serve`: opens the ledger, starts the gateway, takes new configuration,
//! drains.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use gateway::Gateway;
use identity::KeyRing;
use ledger::Ledger as _;
use ledger::days::Day;
use ledger::event::{ConfigChange, KeyCreate, KeyRevoke, PolicyChange};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use store::Store;
use store::retention::Below;
use store::search::{Keeper, Keeping};
use store::ship::Outputs;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::{Config, PolicySource, Profile, SecretSource};
use crate::{control, setup};

/// Between two looks at whether the ledger takes a change it could not record.
const RETRY: Duration = Duration::from_millis(250);
/// Between two looks for entries whose time is over.
const PRUNE: Duration = Duration::from_secs(3600);
/// For outputs to be told the last entries when the gateway stops.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Changes that come within this time are one.
const SETTLE: Duration = Duration::from_millis(150);

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What keeps the gateway from starting; afterwards faults are printed and the
/// old configuration stays in force.
pub fn run(config: Config) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(serve(config))
}

async fn serve(mut config: Config) -> Result<()> {
    let setup = setup::setup(&config)?;
    let policy_version: String = setup.policies.version().to_owned();
    let policies = setup.policies.ids().count();
    let store = Store::open(&config.ledger.directory, options(&config))
        .with_context(|| format!("ledger in {}", config.ledger.directory.display()))?;
    record(&store, None, &config, None, &policy_version, policies)?;
    // A new ledger names every key; an old one knows those it saw.
    let mut keys = if store.health().epoch <= 1 {
        KnownKeys::new()
    } else {
        known_keys(&setup.keys)
    };
    record_keys(&store, &mut keys, &setup.keys)?;
    let retention = tokio::spawn(keep(Arc::clone(&store), config.ledger.retention));
    let mut keeper = keeper(&store, &config)?;
    let control = control::listen(&config.ledger.directory, Arc::clone(&store))?;
    let gateway = Gateway::new(setup, Arc::clone(&store))?;
    // One runtime a worker, half the cores: a wake-up costs more than a statement,
    // and clients or the database often share the machine.
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    gateway.listen(setup::listeners(&config), workers).await?;
    let outputs = Outputs::start(setup::outputs(&config), &store, &setup::cursors(&config))?;
    let statuses = outputs.statuses().to_vec();
    let admin = gateway::serve_admin(
        config.admin.address,
        gateway.clone(),
        Arc::clone(&store),
        statuses,
    )
    .await?;
    let tiles = match config.ledger.listen {
        Some(address) => Some(gateway::serve_tiles(address, &store).await?),
        None => None,
    };
    for address in gateway.addresses() {
        println!("weir: listening on {address}");
    }
    println!(
        "weir: health on http://{admin}/readyz, ledger in {}",
        config.ledger.directory.display()
    );
    if let Some(address) = tiles {
        println!("weir: ledger for auditors on http://{address}/checkpoint");
    }

    let (changes, mut changed) = mpsc::unbounded_channel();
    let mut watching = watch(&config, changes.clone());
    let mut hangup = signal(SignalKind::hangup()).context("cannot take SIGHUP")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot take SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot take SIGINT")?;
    let mut version = policy_version;
    // A change that is not in force yet, because the ledger could not record it.
    let mut unrecorded = false;
    loop {
        tokio::select! {
            _ = hangup.recv() => {}
            () = tokio::time::sleep(RETRY), if unrecorded => {
                if !store.health().is_ready() {
                    continue;
                }
            }
            Some(()) = changed.recv() => {
                // Editors write in steps.
                tokio::time::sleep(SETTLE).await;
                while changed.try_recv().is_ok() {}
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
        let reloaded = reload(&config, &gateway, &store, &version, &mut keys);
        unrecorded = matches!(&reloaded, Err(error) if error.is::<ledger::Unavailable>());
        match reloaded {
            Ok((fresh, fresh_version)) => {
                println!("weir: configuration reloaded (policies {fresh_version})");
                version = fresh_version;
                config = fresh;
                watching = watch(&config, changes.clone());
            }
            Err(error) => {
                eprintln!(
                    "weir: configuration not reloaded, the old one stays in force\n{error:#}"
                );
                if unrecorded {
                    eprintln!("weir: it is reloaded when the ledger takes entries again");
                }
            }
        }
    }
    retention.abort();
    drop((watching, control));
    println!("weir: draining");
    gateway.drain(config.limits.shutdown_grace).await;
    keeper.stop();
    store.close();
    outputs.stop(LAST_WORDS);
    println!("weir: stopped");
    Ok(())
}

/// Prunes the ledger, day by day, of what is older than `retention`.
async fn keep(store: Arc<Store>, retention: Option<Duration>) {
    let Some(retention) = retention else {
        return;
    };
    let mut looks = tokio::time::interval(PRUNE);
    loop {
        looks.tick().await;
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .saturating_sub(retention);
        let first = Day::of(u64::try_from(since.as_nanos()).unwrap_or(0));
        let store = Arc::clone(&store);
        let pruned = tokio::task::spawn_blocking(move || {
            store.prune(Below::Day(first), Some(retention), None)
        });
        match pruned.await {
            Ok(Ok(pruning)) if pruning.is_empty() => {}
            Ok(Ok(pruning)) => println!(
                "weir: pruned entries {} to {} of the ledger ({})",
                pruning.from,
                pruning.below.saturating_sub(1),
                pruning.days
            ),
            Ok(Err(error)) => eprintln!("weir: the ledger is not pruned: {error}"),
            Err(_) => return,
        }
    }
}

/// Reads everything anew; all of it takes effect, or none.
fn reload(
    old: &Config,
    gateway: &Gateway,
    store: &Store,
    version: &str,
    keys: &mut KnownKeys,
) -> Result<(Config, String)> {
    let config = Config::load(&old.file)?;
    let setup = setup::setup(&config)?;
    let fresh = setup.policies.version().to_owned();
    let policies = setup.policies.ids().count();
    if config.listeners != old.listeners
        || config.admin != old.admin
        || config.ledger != old.ledger
        || config.outputs != old.outputs
        || config.search != old.search
    {
        eprintln!(
            "weir: [listen], [admin], [ledger], [search] and [[output]] take effect after a restart"
        );
    }
    record(store, Some(old), &config, Some(version), &fresh, policies)?;
    record_keys(store, keys, &setup.keys)?;
    gateway.reload(setup)?;
    Ok((config, fresh))
}

/// How the configuration says the ledger is kept.
/// Keeps the search index beside the ledger. What goes wrong there concerns no session.
fn keeper(store: &Arc<Store>, config: &Config) -> Result<Keeper> {
    let keeping = Keeping {
        seal_after: config.search.seal_after,
        ..Keeping::default()
    };
    let report = |error: &store::search::Error| {
        eprintln!("weir: {error}; it is tried again, and nothing is lost");
    };
    Ok(Keeper::start(
        store,
        config.search.place.clone(),
        keeping,
        report,
    )?)
}

pub(crate) fn options(config: &Config) -> store::Options {
    let mut options = store::Options::new(config.ledger.origin.clone());
    options.profile = match config.ledger.profile {
        Profile::Strict => store::Profile::Strict,
        Profile::Balanced => store::Profile::Balanced,
        Profile::Fast => store::Profile::Fast,
    };
    options.reserve_bytes = config.ledger.reserve_bytes;
    options.memory = Some(config.ledger.memory.clone());
    options
}

/// Records which configuration and policies are in force from here on.
fn record(
    store: &Store,
    old: Option<&Config>,
    config: &Config,
    old_version: Option<&str>,
    version: &str,
    policies: usize,
) -> Result<()> {
    let digest = |config: &Config| -> Option<String> {
        let text = std::fs::read_to_string(&config.file).ok()?;
        Some(ledger::event::shape_hash(&text))
    };
    store.append(
        ConfigChange {
            digest: digest(config).unwrap_or_default().into(),
            previous: None,
            changed: old.map_or_else(Vec::new, |_| vec!["weir.toml".to_owned()]),
        }
        .into(),
    )?;
    if old_version != Some(version) {
        store.append(
            PolicyChange {
                policy: version.into(),
                previous: old_version.map(Into::into),
                policies: policies as u64,
            }
            .into(),
        )?;
    }
    Ok(())
}

/// Records keys that were made or revoked and are not `known` to be.
fn record_keys(store: &Store, known: &mut KnownKeys, ring: &KeyRing) -> Result<()> {
    for key in ring.keys() {
        let revoked = key.revoked_ms.is_some();
        let id = key.id.as_str();
        if !known.contains_key(id) {
            let made = KeyCreate {
                key: id.into(),
                principal: key.principal.as_str().into(),
                by: None,
                expires_ms: key.expires_ms,
            };
            store.append(made.into())?;
            known.insert(id.to_owned(), false);
        }
        if revoked && known.get(id) != Some(&true) {
            let revoked = KeyRevoke {
                key: id.into(),
                principal: key.principal.as_str().into(),
                by: None,
            };
            store.append(revoked.into())?;
            known.insert(id.to_owned(), true);
        }
    }
    Ok(())
}

/// Keys seen so far, and whether they were revoked.
type KnownKeys = std::collections::HashMap<String, bool>;

/// The keys as they are now, without recording them: those the ledger knows
/// from an earlier life of the process.
fn known_keys(ring: &KeyRing) -> KnownKeys {
    ring.keys()
        .map(|key| (key.id.as_str().to_owned(), key.revoked_ms.is_some()))
        .collect()
}

/// Watches the folders of every file the configuration comes from.
fn watch(config: &Config, changes: mpsc::UnboundedSender<()>) -> Option<RecommendedWatcher> {
    let files = watched(config);
    let interesting = files.clone();
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        let written = event.kind.is_modify() || event.kind.is_create() || event.kind.is_remove();
        let ours = event.paths.iter().any(|path| {
            interesting.iter().any(|file| {
                path == file
                    || (path.parent() == file.parent()
                        && file.extension().is_some_and(|e| e == "cedar"))
            })
        });
        if written && ours {
            let _ = changes.send(());
        }
    });
    let mut watcher = match watcher {
        Ok(watcher) => watcher,
        Err(error) => {
            eprintln!("weir: cannot watch files ({error}); send SIGHUP to reload");
            return None;
        }
    };
    let mut folders: Vec<PathBuf> = files
        .iter()
        .filter_map(|f| f.parent().map(PathBuf::from))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        if let Err(error) = watcher.watch(&folder, RecursiveMode::NonRecursive) {
            eprintln!(
                "weir: cannot watch {} ({error}); send SIGHUP to reload",
                folder.display()
            );
        }
    }
    Some(watcher)
}

fn watched(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.file.clone(), config.keys.clone()];
    if let PolicySource::Files(patterns) = &config.policy {
        files.extend(patterns.iter().cloned());
    }
    if let SecretSource::File(path) = &config.masking.key {
        files.push(path.clone());
    }
    files.extend(
        config
            .targets
            .values()
            .filter_map(|target| target.ca.clone()),
    );
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    files.into_iter().map(absolute).collect()
}
