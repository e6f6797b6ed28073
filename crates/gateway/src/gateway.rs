//! The running gateway: listeners, workers, and what they share.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use identity::{KeyRing, Principal, scram};
use ledger::Ledger;
use ledger::event::{AuthenticationReason, Clear};
use policy::Policies;
use session::Cache;
use store::Store;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::cancel::Registry;
use crate::metrics::Metrics;
use crate::relay::{Control, Stop};
use crate::setup::{Limits, Listener, Setup};
use crate::target::{Common, Target};
use crate::upstream::Way;
use crate::{Error, metrics, serve, tls};

/// How long a session that must end may take to tell its client so.
const FAREWELL: Duration = Duration::from_secs(2);

/// A listener with its TLS made ready.
pub(crate) struct Port {
    pub listener: Listener,
    pub tls: Option<tls::Accepting>,
}

/// What may change while sessions run; replaced as a whole.
pub(crate) struct State {
    pub principals: BTreeMap<String, Principal>,
    pub keys: KeyRing,
    pub policies: Arc<Policies>,
    pub targets: HashMap<String, Arc<Target>>,
    pub limits: Limits,
}

impl State {
    /// Whether what a session was opened under still holds: its key, its
    /// principal, the human behind it, and its target as it was configured.
    pub(crate) fn still_admits(&self, session: &Control) -> bool {
        let same = |who: &Principal| self.principals.get(&who.id) == Some(who);
        same(&session.principal)
            && session.human.as_ref().is_none_or(same)
            && self
                .keys
                .key(session.key.as_str())
                .is_some_and(|key| key.revoked_ms.is_none())
            && self
                .targets
                .get(&session.target.setup.name)
                .is_some_and(|target| Arc::ptr_eq(target, &session.target))
    }
}

/// What all workers share.
pub(crate) struct Shared {
    state: ArcSwap<State>,
    pub store: Arc<Store>,
    pub registry: Registry,
    pub sessions: AtomicUsize,
    pub draining: AtomicBool,
    pub metrics: Metrics,
}

impl Shared {
    pub(crate) fn state(&self) -> Arc<State> {
        self.state.load_full()
    }
}

/// A handle to the running gateway.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
    runtime: tokio::runtime::Handle,
    listening: Arc<Mutex<Vec<SocketAddr>>>,
}

struct Arrived {
    tcp: std::net::TcpStream,
    peer: SocketAddr,
    port: Arc<Port>,
}

impl Gateway {
    /// Makes a gateway; nothing listens yet. Must be called inside a runtime,
    /// which also keeps the catalogs fresh.
    ///
    /// # Errors
    /// Certificates or keys that cannot be used.
    pub fn new(setup: Setup, store: Arc<Store>) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::current();
        let state = make_state(setup, None, &runtime, &store)?;
        Ok(Self {
            shared: Arc::new(Shared {
                state: ArcSwap::from_pointee(state),
                store,
                registry: Registry::default(),
                sessions: AtomicUsize::new(0),
                draining: AtomicBool::new(false),
                metrics: Metrics::default(),
            }),
            runtime,
            listening: Arc::default(),
        })
    }

    /// Listens and serves on `workers` threads of one runtime each.
    ///
    /// # Errors
    /// Addresses that cannot be bound, certificates that cannot be used.
    pub async fn listen(&self, listeners: Vec<Listener>, workers: usize) -> Result<(), Error> {
        let mut senders = Vec::new();
        for index in 0..workers.max(1) {
            senders.push(self.spawn_worker(index)?);
        }
        let senders: Arc<[mpsc::UnboundedSender<Arrived>]> = senders.into();
        for listener in listeners {
            let reachable = !listener.address.ip().to_canonical().is_loopback();
            if reachable && listener.tls.is_none() && !listener.insecure {
                return Err(Error::PlainListener(listener.address));
            }
            let port = Arc::new(Port {
                tls: listener.tls.as_ref().map(tls::accepting).transpose()?,
                listener,
            });
            let address = port.listener.address;
            let socket = TcpListener::bind(address)
                .await
                .map_err(|source| Error::Listen { address, source })?;
            if let Ok(bound) = socket.local_addr() {
                self.listening
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(bound);
            }
            let senders = Arc::clone(&senders);
            let shared = Arc::clone(&self.shared);
            self.runtime
                .spawn(async move { accept(&socket, &port, &senders, &shared).await });
        }
        Ok(())
    }

    /// Addresses bound, in order of the listeners.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listening
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn spawn_worker(&self, index: usize) -> Result<mpsc::UnboundedSender<Arrived>, Error> {
        let (sender, mut arrivals) = mpsc::unbounded_channel::<Arrived>();
        let shared = Arc::clone(&self.shared);
        let worker = shared.metrics.worker();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::Io {
                what: "cannot start a worker",
                source,
            })?;
        let spawned = std::thread::Builder::new()
            .name(format!("weir-{index}"))
            .spawn(move || {
                let cache = Arc::new(Cache::default());
                let local = tokio::task::LocalSet::new();
                local.block_on(&runtime, async move {
                    while let Some(arrived) = arrivals.recv().await {
                        let shared = Arc::clone(&shared);
                        let cache = Arc::clone(&cache);
                        let worker = Arc::clone(&worker);
                        tokio::task::spawn_local(async move {
                            let Ok(tcp) = TcpStream::from_std(arrived.tcp) else {
                                return;
                            };
                            let here = serve::Here {
                                shared: &shared,
                                cache: &cache,
                                worker: &worker,
                            };
                            serve::connection(tcp, arrived.peer, &arrived.port, here).await;
                        });
                    }
                });
            });
        spawned.map_err(|source| Error::Io {
            what: "cannot start a worker",
            source,
        })?;
        Ok(sender)
    }

    /// Takes a new setup. Sessions whose key was revoked, or whose principal or
    /// target changed, end; the others go on under the new policies.
    ///
    /// # Errors
    /// As [`Gateway::new`]; the old setup stays in force then.
    pub fn reload(&self, setup: Setup) -> Result<(), Error> {
        let old = self.shared.state();
        let store = &self.shared.store;
        let state = Arc::new(make_state(setup, Some(&old), &self.runtime, store)?);
        // First the state, then the sessions: one that opens meanwhile looks at
        // the state once it is registered.
        self.shared.state.store(Arc::clone(&state));
        let mut all = self.shared.registry.all();
        all.retain(|control| !state.still_admits(control));
        revoke(&self.runtime, all);
        Ok(())
    }

    /// Sessions open at the moment.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.shared.registry.len()
    }

    /// What is measured, in the text format of Prometheus.
    #[must_use]
    pub fn metrics(&self, outputs: &[Arc<store::ship::Status>]) -> String {
        let state = self.shared.state();
        let open = state
            .targets
            .iter()
            .map(|(name, target)| (name.as_str(), target.sessions.load(Ordering::Relaxed)));
        metrics::page(&self.shared.metrics, &self.shared.store, outputs, open)
    }

    /// What keeps the gateway from serving, if anything: for readiness.
    #[must_use]
    pub fn troubles(&self) -> Vec<String> {
        let state = self.shared.state();
        let mut troubles: Vec<String> = state
            .targets
            .values()
            .filter_map(|target| {
                target
                    .trouble()
                    .map(|why| format!("target {}: {why}", target.setup.name))
            })
            .collect();
        troubles.sort();
        if self.shared.draining.load(Ordering::Acquire) {
            troubles.push("shutting down".into());
        }
        troubles
    }

    /// Targets whose catalog is loaded, and all of them.
    #[must_use]
    pub fn loaded(&self) -> (usize, usize) {
        let state = self.shared.state();
        let loaded = state
            .targets
            .values()
            .filter(|t| t.world().catalog_generation > 0)
            .count();
        (loaded, state.targets.len())
    }

    /// Waits until no session is open.
    async fn emptied(&self) {
        while self.shared.sessions.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Takes no more connections, lets sessions come to rest for `patience`,
    /// then ends them.
    pub async fn drain(&self, patience: Duration) {
        self.shared.draining.store(true, Ordering::Release);
        for control in self.shared.registry.all() {
            control.stop(Stop::Drain);
        }
        if tokio::time::timeout(patience, self.emptied())
            .await
            .is_err()
        {
            for control in self.shared.registry.all() {
                control.stop(Stop::Shutdown);
            }
            if tokio::time::timeout(FAREWELL, self.emptied())
                .await
                .is_err()
            {
                for control in self.shared.registry.all() {
                    control.stop(Stop::Forsaken);
                }
                let _ = tokio::time::timeout(Duration::from_secs(3), self.emptied()).await;
            }
        }
    }
}

/// Ends sessions whose ground is gone: their clients are told, and soon not waited for.
pub(crate) fn revoke(runtime: &tokio::runtime::Handle, sessions: Vec<Arc<Control>>) {
    for session in &sessions {
        session.stop(Stop::Revoked);
    }
    if !sessions.is_empty() {
        runtime.spawn(async move {
            tokio::time::sleep(FAREWELL).await;
            for session in &sessions {
                session.stop(Stop::Forsaken);
            }
        });
    }
}

async fn accept(
    socket: &TcpListener,
    port: &Arc<Port>,
    workers: &[mpsc::UnboundedSender<Arrived>],
    shared: &Shared,
) {
    let mut turn = 0usize;
    loop {
        let Ok((tcp, peer)) = socket.accept().await else {
            // Out of descriptors: let some close.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if shared.draining.load(Ordering::Acquire) {
            continue;
        }
        let _ = tcp.set_nodelay(true);
        let keepalive = socket2::TcpKeepalive::new()
            .with_time(Duration::from_secs(60))
            .with_interval(Duration::from_secs(10));
        let _ = socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive);
        turn = turn.wrapping_add(1);
        if let (Ok(tcp), Some(worker)) = (tcp.into_std(), workers.get(turn % workers.len().max(1)))
        {
            let _ = worker.send(Arrived {
                tcp,
                peer,
                port: Arc::clone(port),
            });
        }
    }
}

fn make_state(
    setup: Setup,
    old: Option<&State>,
    runtime: &tokio::runtime::Handle,
    store: &Arc<Store>,
) -> Result<State, Error> {
    let common = Common {
        policies: Arc::clone(&setup.policies),
        masker: setup.masker,
        limits: setup.limits,
        durability: setup.durability,
    };
    let mut targets = HashMap::new();
    let mut made = Vec::new();
    let mut kept = Vec::new();
    for (name, target) in setup.targets {
        // A target whose configuration is the same keeps its catalog and sessions.
        let old = old.and_then(|state| state.targets.get(&name));
        let target = match old.filter(|old| old.setup.same(&target)) {
            Some(old) => {
                kept.push((Arc::clone(old), Way::new(&target, common.limits.connect)?));
                Arc::clone(old)
            }
            None => {
                let target = Target::new(target, &common, &setup.state)?;
                made.push(Arc::clone(&target));
                target
            }
        };
        targets.insert(name, target);
    }
    // Nothing fails from here on: all of it takes effect.
    for (target, way) in kept {
        target.renew(&common, way);
    }
    for target in made {
        runtime.spawn(target.keep(Arc::clone(store)));
    }
    Ok(State {
        principals: setup.principals,
        keys: setup.keys,
        policies: setup.policies,
        targets,
        limits: setup.limits,
    })
}

/// A target as policy names it.
pub(crate) fn policy_target(target: &Target) -> policy::Target {
    policy::Target {
        name: target.setup.name.clone(),
        environment: target.setup.environment.clone(),
    }
}

/// How a failed proof is recorded.
pub(crate) fn why(failure: &scram::Failure) -> AuthenticationReason {
    match failure {
        scram::Failure::Expired(_) => AuthenticationReason::ExpiredKey,
        scram::Failure::Revoked(_) => AuthenticationReason::RevokedKey,
        scram::Failure::ChannelBinding | scram::Failure::Downgrade => {
            AuthenticationReason::ChannelBinding
        }
        scram::Failure::Proof => AuthenticationReason::WrongKey,
        _ => AuthenticationReason::Protocol,
    }
}

/// Appends, ignoring whether it was taken: for entries nothing depends on.
pub(crate) fn note(shared: &Shared, event: impl Into<ledger::Event>) {
    let event = event.into();
    if let Clear::AuthenticationFailed(failed) = &event.clear {
        shared.metrics.authentication_failed(failed.reason);
    }
    if let Clear::SessionRefused(refused) = &event.clear {
        shared.metrics.session_refused(&refused.target);
    }
    let _ = shared.store.append(event);
}
