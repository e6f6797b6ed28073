//! One upstream database: its catalog, kept fresh, and the world its sessions
//! are judged in.

mod looking;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use mask::{Label, Masker};
use policy::Policies;
use session::{Catalogs, Definitions, Durability, Floor, Labels, World};
use statement::{Catalog, ColumnId, Oid};
use store::Store;
use tokio::sync::{Notify, watch};

use crate::labels::{self, Discovery, Files};
use crate::upstream::{Connected, Endpoint, Failure, Way};
use crate::{floor, setup};

/// Between two attempts to reach a database that does not answer.
const RETRY: Duration = Duration::from_secs(2);

/// A number no world of this process had. Verdicts are kept by it, and a target
/// that is configured anew must not meet those of the one it replaces.
fn next_epoch() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::AcqRel) + 1
}

/// Columns a configured name stood for, as (oid, attribute).
type Bindings = BTreeMap<String, Vec<(u32, i16)>>;

/// Labels, and the views that read what they label.
type Tainted = (Arc<Labels>, Arc<[Oid]>);

/// What of the setup concerns every target's world.
pub(crate) struct Common {
    pub policies: Arc<Policies>,
    pub masker: Arc<Masker>,
    pub limits: setup::Limits,
    pub durability: Durability,
}

/// A target and everything Weir knows of it.
pub(crate) struct Target {
    pub(crate) setup: setup::Target,
    pub(crate) endpoint: Endpoint,
    world: ArcSwap<World>,
    /// Tells waiting sessions of a new world.
    changed: watch::Sender<u64>,
    requested: AtomicU64,
    /// Generation that contains every change of definitions seen here.
    required: AtomicU64,
    definitions: Definitions,
    wake: Notify,
    pub(crate) sessions: AtomicUsize,
    trouble: Mutex<Option<String>>,
    files: Files,
    /// Views that read labelled columns, under the labels they were found for.
    tainted: Mutex<Option<Tainted>>,
    discovery: Discovery,
    /// Something was found or decided about labels that the world does not hold yet.
    relabel: AtomicBool,
    /// Whether bindings are written, which only a serving gateway does.
    keeps: AtomicBool,
    poll_ms: AtomicU64,
}

impl Target {
    pub(crate) fn new(
        setup: setup::Target,
        common: &Common,
        state: &Path,
    ) -> Result<Arc<Self>, crate::Error> {
        let endpoint = Endpoint::new(&setup, common.limits.connect)?;
        let world = world(
            common,
            next_epoch(),
            0,
            Arc::new(Catalog::empty()),
            Arc::new(Labels::default()),
            // Nobody knows yet whether it holds.
            setup.floor.as_ref().map(|login| Floor {
                role: login.user.as_str().into(),
                drift: [floor::missing(&login.user)].into(),
            }),
        );
        let files = Files::of(state, &setup.name);
        Ok(Arc::new(Self {
            endpoint,
            world: ArcSwap::from_pointee(world),
            changed: watch::Sender::new(0),
            requested: AtomicU64::new(1),
            required: AtomicU64::new(0),
            definitions: Definitions::default(),
            wake: Notify::new(),
            sessions: AtomicUsize::new(0),
            trouble: Mutex::new(None),
            discovery: Discovery::new(files.clone()),
            files,
            tainted: Mutex::default(),
            relabel: AtomicBool::new(false),
            keeps: AtomicBool::new(true),
            poll_ms: AtomicU64::new(milliseconds(common.limits.catalog_poll)),
            setup,
        }))
    }

    /// The world as it is now.
    pub(crate) fn world(&self) -> arc_swap::Guard<Arc<World>> {
        self.world.load()
    }

    /// Waits until the catalog's generation is at least `generation`.
    pub(crate) async fn generation(&self, generation: u64) {
        let mut seen = self.changed.subscribe();
        let _ = seen
            .wait_for(|_| self.world.load().catalog_generation >= generation)
            .await;
    }

    /// Why the catalog cannot be read, if it cannot.
    #[must_use]
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    /// Takes new policies, masker, bounds and ways to connect.
    pub(crate) fn renew(&self, common: &Common, way: Way) {
        self.endpoint.renew(way);
        let poll_ms = milliseconds(common.limits.catalog_poll);
        self.poll_ms.store(poll_ms, Ordering::Release);
        self.wake.notify_one();
        let old = self.world.load();
        let (catalog, labels) = (Arc::clone(&old.catalog), Arc::clone(&old.labels));
        let floor = old.floor.clone();
        self.publish(world(
            common,
            0,
            old.catalog_generation,
            catalog,
            labels,
            floor,
        ));
    }

    fn publish(&self, mut world: World) {
        let epoch = next_epoch();
        world.epoch = epoch;
        self.world.store(Arc::new(world));
        self.changed.send_replace(epoch);
    }

    /// Keeps the catalog fresh until the process ends or the target is dropped.
    pub(crate) async fn keep(self: Arc<Self>, store: Arc<Store>) {
        if self.setup.discover {
            tokio::spawn(looking::discover(Arc::downgrade(&self), store));
        }
        let mut connection: Option<Connected> = None;
        loop {
            if Arc::strong_count(&self) == 1 {
                return;
            }
            let goal = self.requested.load(Ordering::Acquire);
            let wanted = goal > self.world.load().catalog_generation;
            if wanted || self.sessions.load(Ordering::Acquire) > 0 {
                match self.look(&mut connection, goal).await {
                    Ok(()) => self.set_trouble(None),
                    Err(failure) => {
                        connection = None;
                        // What was to be bound anew still is.
                        self.relabel.store(true, Ordering::Release);
                        self.set_trouble(Some(failure.to_string()));
                        let _ = tokio::time::timeout(RETRY, std::future::pending::<()>()).await;
                        continue;
                    }
                }
            }
            if self.discovery.reread() {
                self.label_anew();
                continue;
            }
            if let Err(error) = self.discovery.remember() {
                self.set_trouble(Some(format!(
                    "cannot keep in {} that there are decisions on labels: {error}",
                    self.files.found().display()
                )));
            }
            let poll = Duration::from_millis(self.poll_ms.load(Ordering::Acquire));
            let _ = tokio::time::timeout(poll, self.wake.notified()).await;
        }
    }

    /// Has labels bound anew: what is found or decided is another than before.
    fn label_anew(&self) {
        self.relabel.store(true, Ordering::Release);
        self.request_refresh();
    }

    /// Reads the fingerprint, and the catalog if it changed.
    pub(crate) async fn look(
        &self,
        connection: &mut Option<Connected>,
        goal: u64,
    ) -> Result<(), Failure> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => {
                let login = self.login("default")?;
                let mut open = self.endpoint.log_in(login, &catalog_parameters()).await?;
                let database = looking::database(&self.endpoint, &mut open).await?;
                if self.discovery.of_database(database) {
                    self.relabel.store(true, Ordering::Release);
                }
                open
            }
        };
        let mut fingerprint = self.fingerprint(&mut open).await?;
        let old = self.world.load_full();
        let relabel = self.relabel.swap(false, Ordering::AcqRel) | self.discovery.reread();
        if fingerprint == old.catalog.fingerprint() && old.catalog_generation > 0 {
            let labels = match relabel {
                true => Arc::new(self.bind_labels(&old.catalog)),
                false => Arc::clone(&old.labels),
            };
            // Memberships and attributes of roles have no part in the fingerprint.
            let floor = self.floor(&mut open, &old.catalog, &labels).await?;
            if relabel || floor != old.floor {
                let mut next = copy(&self.world.load());
                next.labels = labels;
                next.floor = floor;
                next.catalog_generation = goal.max(old.catalog_generation);
                self.publish(next);
            } else if goal > old.catalog_generation {
                // Looked at since it was asked for, and nothing changed: the
                // epoch stays, so verdicts stay.
                let mut same = copy(&old);
                same.catalog_generation = goal;
                let epoch = same.epoch;
                self.world.store(Arc::new(same));
                self.changed.send_replace(epoch);
            }
        } else {
            let mut builder = statement::catalog::Builder::new();
            let mut fault = None;
            // One snapshot for the fingerprint and all it stands for.
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            self.endpoint.rows(&mut open, begin, |_| {}).await?;
            fingerprint = self.fingerprint(&mut open).await?;
            for query in statement::catalog::LOAD {
                let take = |row: &[Option<&str>]| {
                    if let Err(error) = builder.row(query.section, row) {
                        fault.get_or_insert(error);
                    }
                };
                self.endpoint.rows(&mut open, query.sql, take).await?;
            }
            self.endpoint.rows(&mut open, "COMMIT", |_| {}).await?;
            if let Some(fault) = fault {
                return Err(Failure::Protocol {
                    host: self.setup.host.clone(),
                    message: format!("catalog: {fault}"),
                });
            }
            let catalog = Arc::new(builder.finish(fingerprint));
            let labels = Arc::new(self.bind_labels(&catalog));
            let floor = self.floor(&mut open, &catalog, &labels).await?;
            // Policies may have been renewed while the catalog was read.
            let mut next = copy(&self.world.load());
            next.catalog = catalog;
            next.labels = labels;
            next.floor = floor;
            next.catalog_generation = goal.max(old.catalog_generation);
            self.publish(next);
        }
        *connection = Some(open);
        Ok(())
    }

    async fn fingerprint(&self, open: &mut Connected) -> Result<String, Failure> {
        let mut fingerprint = String::new();
        let take = |row: &[Option<&str>]| {
            fingerprint = row
                .first()
                .copied()
                .flatten()
                .unwrap_or_default()
                .to_owned()
        };
        self.endpoint
            .rows(open, statement::catalog::FINGERPRINT, take)
            .await?;
        Ok(fingerprint)
    }

    /// Asks the server whether the floor holds, if there is to be one.
    async fn floor(
        &self,
        open: &mut Connected,
        catalog: &Catalog,
        labels: &Arc<Labels>,
    ) -> Result<Option<Floor>, Failure> {
        let Some(login) = &self.setup.floor else {
            return Ok(None);
        };
        let tainted = self.tainted(catalog, labels);
        let question = floor::Question {
            role: &login.user,
            logins: &self.ordinary_roles(),
            labelled: &self.labelled(labels, catalog),
            tainted: &tainted,
        };
        let answer = floor::ask(&self.endpoint, open, &question).await?;
        let mut drift = answer.drift;
        if !answer.exists {
            drift.insert(0, floor::missing(&login.user));
        }
        Ok(Some(Floor {
            role: login.user.as_str().into(),
            drift: drift.into(),
        }))
    }

    /// Views that read labelled columns; looked for once for the same labels, which are bound anew with the catalog.
    fn tainted(&self, catalog: &Catalog, labels: &Arc<Labels>) -> Arc<[Oid]> {
        let mut kept = self.tainted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, tainted)) = &*kept
            && Arc::ptr_eq(of, labels)
        {
            return Arc::clone(tainted);
        }
        let limits = self.world.load().limits;
        let tainted: Arc<[Oid]> = floor::tainted(catalog, labels, limits).into();
        *kept = Some((Arc::clone(labels), Arc::clone(&tainted)));
        tainted
    }

    /// Labelled columns, in order.
    pub(crate) fn labelled(&self, labels: &Labels, catalog: &Catalog) -> Vec<ColumnId> {
        let mut columns: Vec<ColumnId> = labels.columns().collect();
        columns.retain(|column| catalog.column_name(*column).is_some());
        columns.sort_unstable();
        columns
    }

    /// The roles of those who are not masked, each once.
    pub(crate) fn ordinary_roles(&self) -> Vec<String> {
        let roles = self.setup.logins.values().map(|login| login.user.clone());
        let each: std::collections::BTreeSet<String> = roles.collect();
        each.into_iter().collect()
    }

    /// Reads bindings without ever writing them.
    pub(crate) fn look_only(&self) {
        self.keeps.store(false, Ordering::Release);
    }

    /// The database whose catalog was read, if it tells.
    pub(crate) fn database(&self) -> Option<String> {
        self.discovery.database()
    }

    /// The default login's effective search path.
    pub(crate) async fn search_path(&self) -> Result<Vec<String>, Failure> {
        let mut open = self.endpoint.log_in(self.login("default")?, &[]).await?;
        let mut path = Vec::new();
        let sql = "SELECT pg_catalog.unnest(pg_catalog.current_schemas(true))";
        let take =
            |row: &[Option<&str>]| path.extend(row.first().copied().flatten().map(str::to_owned));
        self.endpoint.rows(&mut open, sql, take).await?;
        Ok(path)
    }

    /// A copy of the world as it is now.
    pub(crate) fn into_world(self: Arc<Self>) -> World {
        copy(&self.world.load())
    }

    /// The credentials of a tier.
    pub(crate) fn login(&self, tier: &str) -> Result<&setup::Login, Failure> {
        self.setup.logins.get(tier).ok_or_else(|| Failure::NoLogin {
            target: self.setup.name.clone(),
            tier: tier.to_owned(),
        })
    }

    /// Binds configured labels to (oid, attribute). A binding once made holds
    /// when the column is renamed, also when another one takes its name; it is
    /// kept in a file beside the ledger.
    fn bind_labels(&self, catalog: &Catalog) -> Labels {
        let kept = match self.kept_bindings() {
            Ok(kept) => kept,
            Err(error) => {
                let file = self.files.bindings();
                let file = file.display();
                eprintln!(
                    "weir: label bindings in {file}: {error}; masked principals are refused until the file is mended or removed"
                );
                let every = self.setup.labels.keys();
                let names = every.map(|name| {
                    name.each_ref()
                        .map(|part| policy::quote_identifier(part))
                        .join(".")
                });
                return self.labels(catalog, HashMap::new(), names.collect());
            }
        };
        let mut bound: HashMap<ColumnId, Label> = HashMap::new();
        let mut unresolved = Vec::new();
        let mut keep = Bindings::new();
        for ([schema, relation, column], label) in &self.setup.labels {
            let name = [schema, relation, column]
                .map(|part| policy::quote_identifier(part))
                .join(".");
            let by_name = catalog.column(schema, relation, column);
            let by_id = kept
                .get(&name)
                .into_iter()
                .flatten()
                .map(|&(relation, attribute)| ColumnId {
                    relation,
                    attribute,
                })
                .filter(|id| catalog.column_name(*id).is_some() && Some(*id) != by_name);
            let columns: Vec<ColumnId> = by_name.into_iter().chain(by_id).collect();
            if columns.is_empty() {
                unresolved.push(name);
                continue;
            }
            let ids = columns.iter().map(|id| (id.relation, id.attribute));
            keep.insert(name, ids.collect());
            for column in columns {
                for member in catalog.family(column) {
                    bound.insert(member, label.clone());
                }
            }
        }
        if keep != kept && self.keeps.load(Ordering::Acquire) {
            self.keep_bindings(&keep);
        }
        self.labels(catalog, bound, unresolved)
    }

    /// Bindings made earlier; none if there is no file. A file that cannot be
    /// read may name columns that were renamed since, so it is a fault.
    fn kept_bindings(&self) -> std::io::Result<Bindings> {
        Ok(labels::read(&self.files.bindings())?.unwrap_or_default())
    }

    fn keep_bindings(&self, keep: &Bindings) {
        let file = self.files.bindings();
        if let Err(error) = labels::write(&file, keep) {
            let file = file.display();
            self.set_trouble(Some(format!(
                "cannot keep label bindings in {file}: {error}"
            )));
        }
    }

    /// Labels for what is bound, and for what was found or decided.
    fn labels(
        &self,
        catalog: &Catalog,
        mut bound: HashMap<ColumnId, Label>,
        unresolved: Vec<String>,
    ) -> Labels {
        self.discovery.add(catalog, self.setup.discover, &mut bound);
        let labels = Labels::new(bound, unresolved);
        match Label::new(labels::UNCLASSIFIED) {
            Ok(unseen) if self.setup.discover => labels.with_unseen(unseen),
            Ok(_) | Err(_) => labels,
        }
    }
}

impl Catalogs for Target {
    fn request_refresh(&self) -> u64 {
        let ticket = self.requested.fetch_add(1, Ordering::AcqRel) + 1;
        self.wake.notify_one();
        ticket
    }

    fn definitions_changed(&self) -> u64 {
        let ticket = self.request_refresh();
        self.required.fetch_max(ticket, Ordering::AcqRel);
        ticket
    }

    fn required(&self) -> u64 {
        self.required.load(Ordering::Acquire)
    }

    fn definitions(&self) -> &Definitions {
        &self.definitions
    }
}

/// Start-up parameters of the connection that reads the catalog.
fn catalog_parameters() -> Vec<(String, String)> {
    [
        ("application_name", "weir catalog"),
        ("client_encoding", "UTF8"),
        ("search_path", ""),
        ("standard_conforming_strings", "on"),
        ("statement_timeout", "30000"),
        ("default_transaction_read_only", "on"),
    ]
    .map(|(n, v)| (n.to_owned(), v.to_owned()))
    .into()
}

fn world(
    common: &Common,
    epoch: u64,
    generation: u64,
    catalog: Arc<Catalog>,
    labels: Arc<Labels>,
    floor: Option<Floor>,
) -> World {
    World {
        epoch,
        catalog_generation: generation,
        policies: Arc::clone(&common.policies),
        catalog,
        labels,
        floor,
        masker: Arc::clone(&common.masker),
        limits: common.limits.statement,
        message_limit_bytes: common.limits.message_bytes,
        durability: common.durability,
    }
}

fn copy(world: &World) -> World {
    World {
        epoch: world.epoch,
        catalog_generation: world.catalog_generation,
        policies: Arc::clone(&world.policies),
        catalog: Arc::clone(&world.catalog),
        labels: Arc::clone(&world.labels),
        floor: world.floor.clone(),
        masker: Arc::clone(&world.masker),
        limits: world.limits,
        message_limit_bytes: world.message_limit_bytes,
        durability: world.durability,
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
