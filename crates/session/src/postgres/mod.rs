//! The PostgreSQL session as an explicit machine: bytes in, bytes out.
//!
//! Client bytes go through [`Machine::client`], server bytes through
//! [`Machine::upstream`]; both append to the two [`Outbox`]es. The machine does
//! no I/O and reads no clock. The server owns transaction state: a refused
//! message is replaced *in place* by one that is certain to fail, and its error
//! by ours, so transaction status, skip-to-Sync and savepoints stay the
//! server's (DESIGN §6).
//!
//! Must never: forward a text that has no [`Cleared`](crate::gate::Cleared);
//! forward a message the server would skip; let a row of a masked result pass
//! before its description was verified.

mod attribution;
mod client;
mod copying;
mod degraded;
mod doubt;
mod ending;
mod errand;
mod evidence;
mod judging;
mod names;
mod outbox;
mod outcome;
mod rows;
mod run;
mod settings;
mod simple;
mod step;
mod tokens;
mod upstream;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use foldhash::HashMap;
use ledger::{Ledger, Sequence};
use statement::Catalog;
use wire::postgres as pg;

pub use self::attribution::attributed;
pub use self::outbox::Outbox;
use self::settings::Known;
use self::step::{Portal, Prepared, Step};
use crate::cache::Cache;
use crate::judge::Judge;
use crate::refusal::Refusal;
use crate::verdict::Durability;
use crate::world::{Catalogs, Identity, Standing, World};

/// Client input is not read further while this much waits to leave, bytes.
const OUTBOX_LIMIT_BYTES: usize = 256 * 1024;
/// A masked row is taken whole; a longer one is refused, bytes.
const MASKED_ROW_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// Steps in flight before client input waits.
const PIPELINE_LIMIT: usize = 4096;
/// Prepared statements and portals a session may hold.
const NAMES_LIMIT: usize = 10_000;

/// Why a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The client said goodbye.
    Client,
    /// The client broke the protocol; the text was sent to it.
    ClientProtocol(&'static str),
    /// The server broke the protocol.
    UpstreamProtocol(&'static str),
    /// The server said goodbye (FATAL).
    Upstream,
    /// Weir's ledger refuses entries in a profile that must not go on without.
    Ledger,
    /// The gateway ends.
    Shutdown,
    /// The access key was revoked, or the principal changed.
    Revoked,
}

/// What the machine waits for before it takes more client bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Nothing: feed it.
    Nothing,
    /// An answer from the server.
    Upstream,
    /// A world with at least this [`World::catalog_generation`].
    Catalog(u64),
    /// Output to drain.
    Output,
}

/// What a session asks of its shell besides moving bytes.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Send a CancelRequest for the running statement upstream.
    pub cancel: bool,
}

/// Time as the shell knows it, for durations and validity.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Monotonic microseconds.
    pub monotonic_us: u64,
    /// Unix milliseconds.
    pub unix_ms: u64,
}

/// One PostgreSQL session after authentication.
pub struct Machine {
    who: Arc<Identity>,
    ledger: Arc<dyn Ledger>,
    catalogs: Arc<dyn Catalogs>,
    cache: Arc<Cache>,

    /// Texts of `who` that every entry names.
    names: RecordNames,
    /// Hash of everything of `who` a verdict depends on.
    who_digest: u64,
    standing: Standing,
    /// The world and settings `standing` was found under, and until when it holds.
    epoch: (u64, u64),
    standing_until: Option<u64>,
    strict: bool,
    /// The world's catalog, for laying temporary objects over it.
    shared_catalog: Arc<Catalog>,

    queue: VecDeque<Step>,
    /// Errands in the queue.
    errands: usize,
    statements: HashMap<Box<str>, Arc<Prepared>>,
    portals: HashMap<Box<str>, Portal>,
    /// Steps in the queue that will change names when confirmed.
    tentative: usize,

    transaction: pg::TransactionStatus,
    /// Extended messages forwarded since the last Sync.
    open: usize,
    /// Client messages are dropped until Sync, as the server does.
    skipping: bool,
    copy_in: bool,
    /// The client ended its copy data before the server asked for it.
    copy_ended_early: bool,
    /// CloseComplete messages to come that the client does not expect any more.
    unheard: usize,
    /// A failed describe answered the Query message at hand already.
    answered: bool,
    /// The message at hand uses a name that what is in flight may still change.
    settling: bool,
    /// A Query message was sent behind extended ones without a Sync.
    query_in_pipeline: bool,
    /// The verdict whose results are being described, for the message at hand:
    /// one on names of the session is in no cache.
    described: Option<judging::Described>,
    /// Refuse the message at hand with this once it is processed again.
    blocked_by: Option<Refusal>,

    known: Known,
    /// `application_name` to set, because the client's lacks the principal.
    rename: Option<String>,
    private: Option<Arc<Catalog>>,
    /// Which reading `private` is.
    private_id: u64,
    loading: Option<errand::Loading>,
    private_stale: bool,
    /// Definitions changed in the open transaction.
    definitions_changed: bool,
    definitions_in_flight: bool,
    settings_changed: bool,
    needs_generation: u64,
    retried: u64,
    /// Announces what this session defines, and holds answers that what others
    /// define may concern.
    doubts: doubt::Doubts,

    /// Bytes of the current server message still to forward as they come.
    pass_through: usize,
    pub(crate) statement_number: u64,
    /// Statements, refusals and masked cells, for the closing entry.
    pub(crate) counts: Counts,

    to_client: Outbox,
    to_upstream: Outbox,
    wishes: Wishes,
    end: Option<End>,
}

/// Totals of one session.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Statements judged.
    pub statements: u64,
    /// Statements refused.
    pub refused: u64,
    /// Rows that left.
    pub rows: u64,
    /// Bytes of row data that left.
    pub bytes: u64,
    /// Cells masked.
    pub masked_cells: u64,
}

struct RecordNames {
    session: Arc<str>,
    principal: Arc<str>,
    target: Arc<str>,
}

impl Machine {
    /// A session ready for its first message, in transaction status idle.
    #[must_use]
    pub fn new(
        who: Arc<Identity>,
        world: &World,
        ledger: Arc<dyn Ledger>,
        catalogs: Arc<dyn Catalogs>,
        cache: Arc<Cache>,
    ) -> Self {
        Self {
            names: RecordNames {
                session: who.session.as_str().into(),
                principal: who.principal.id.as_str().into(),
                target: who.target.name.as_str().into(),
            },
            who_digest: who.digest(),
            standing: Standing {
                masked_somewhere: true,
                lenient: false,
            },
            epoch: (0, u64::MAX),
            standing_until: None,
            strict: world.durability == Durability::Strict,
            shared_catalog: Arc::clone(&world.catalog),
            errands: 0,
            copy_ended_early: false,
            unheard: 0,
            who,
            ledger,
            cache,
            queue: VecDeque::new(),
            statements: HashMap::default(),
            portals: HashMap::default(),
            tentative: 0,
            transaction: pg::TransactionStatus::Idle,
            open: 0,
            skipping: false,
            copy_in: false,
            answered: false,
            settling: false,
            query_in_pipeline: false,
            described: None,
            blocked_by: None,
            known: Known::default(),
            rename: None,
            private: None,
            private_id: 0,
            loading: None,
            private_stale: false,
            definitions_changed: false,
            definitions_in_flight: false,
            settings_changed: false,
            needs_generation: 0,
            retried: 0,
            doubts: doubt::Doubts::new(catalogs.definitions()),
            catalogs,
            pass_through: 0,
            statement_number: 0,
            counts: Counts::default(),
            to_client: Outbox::default(),
            to_upstream: Outbox::default(),
            wishes: Wishes::default(),
            end: None,
        }
    }

    /// Declared context at start-up (`weir.purpose`, …), before any statement.
    pub fn declare(&mut self, name: &str, value: &str) {
        self.known.declare(name, value);
    }

    /// Takes what it can from client bytes; the rest stays in `input`.
    pub fn client(&mut self, input: &mut BytesMut, world: &World, now: Now) -> Waiting {
        self.look_at(world, now);
        loop {
            if self.end.is_some() {
                input.clear();
                return Waiting::Nothing;
            }
            if self.queue.is_empty() {
                // Whatever was waited for is answered.
                self.definitions_in_flight = false;
                self.query_in_pipeline = false;
                self.copy_ended_early = false;
            }
            if let Some(waiting) = self.waiting(world) {
                return waiting;
            }
            match self.next_message(input, world, now) {
                client::Taken::Message(length) => drop(input.split_to(length)),
                client::Taken::NeedBytes => return Waiting::Nothing,
                client::Taken::Blocked if std::mem::take(&mut self.settling) => {
                    return Waiting::Upstream;
                }
                client::Taken::Blocked => {}
            }
        }
    }

    /// Takes note of a new world.
    fn look_at(&mut self, world: &World, now: Now) {
        let epoch = (world.epoch, self.known.version);
        if self.epoch == epoch && self.standing_until.is_none_or(|end| now.unix_ms < end) {
            return;
        }
        self.epoch = epoch;
        let judge = Judge {
            world,
            catalog: &world.catalog,
            session: self.as_session(now),
        };
        (self.standing, self.standing_until) = judge.standing();
        if !Arc::ptr_eq(&self.shared_catalog, &world.catalog) {
            self.shared_catalog = Arc::clone(&world.catalog);
            // Temporary objects lie over the old one; schemas may have come or gone.
            self.private_stale |= self.private.is_some();
            self.known.stale = true;
        }
    }

    /// Takes all complete server messages (and parts of long rows) from `input`.
    pub fn upstream(&mut self, input: &mut BytesMut, world: &World, now: Now) {
        self.look_at(world, now);
        self.server_bytes(input, world, now);
    }

    /// Lets bytes go that waited for the ledger.
    pub fn durable(&mut self, durable: Sequence) {
        self.to_upstream.release(durable);
        self.to_client.release(durable);
    }

    /// The ledger entry whose durability is awaited, if any.
    #[must_use]
    pub fn awaited(&self) -> Option<Sequence> {
        self.to_upstream
            .held_until()
            .max(self.to_client.held_until())
    }

    /// Bytes for the client.
    pub fn to_client(&mut self) -> &mut Outbox {
        &mut self.to_client
    }

    /// Bytes for the server.
    pub fn to_upstream(&mut self) -> &mut Outbox {
        &mut self.to_upstream
    }

    /// What the shell shall do; taken once.
    pub fn wishes(&mut self) -> Wishes {
        std::mem::take(&mut self.wishes)
    }

    /// Why the session ended, once it did.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Transaction status as last reported by the server.
    #[must_use]
    pub fn transaction(&self) -> pg::TransactionStatus {
        self.transaction
    }

    /// Whether nothing is in flight, so that the session may be ended quietly.
    #[must_use]
    pub fn at_rest(&self) -> bool {
        self.queue.is_empty() && self.open == 0 && self.transaction == pg::TransactionStatus::Idle
    }

    /// Totals so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Gives back buffers of an idle session.
    pub fn shrink(&mut self) {
        self.to_client.shrink();
        self.to_upstream.shrink();
    }

    /// Tells the client FATAL and ends the session.
    pub fn terminate(&mut self, code: &str, message: &str, end: End) {
        if self.end.is_none() {
            pg::encode::error_response(
                self.to_client.buffer(),
                &pg::ErrorFields::fatal(code, message),
            );
            self.end = Some(end);
        }
    }

    fn waiting(&self, world: &World) -> Option<Waiting> {
        if self.errands > 0 || (self.barrier() && !self.copy_in) {
            return Some(Waiting::Upstream);
        }
        if let Some(generation) = self.awaits_catalog()
            && generation > world.catalog_generation
        {
            return Some(Waiting::Catalog(generation));
        }
        let needed = match self.standing.masked_somewhere {
            true => self.needs_generation.max(self.catalogs.required()),
            false => self.needs_generation,
        };
        if needed > world.catalog_generation {
            return Some(Waiting::Catalog(needed));
        }
        if self.to_upstream.len() > OUTBOX_LIMIT_BYTES || self.queue.len() > PIPELINE_LIMIT {
            return Some(Waiting::Output);
        }
        None
    }

    /// Whether a step in flight must end before more client messages are taken:
    /// a capped result (what follows must not run if the cap is passed), a
    /// definition (what follows is judged under the new catalog), copy data that
    /// ended before the server asked for it, or a Query message that ends an open
    /// pipeline.
    fn barrier(&self) -> bool {
        let held_back =
            self.definitions_in_flight || self.copy_ended_early || self.query_in_pipeline;
        held_back && !self.queue.is_empty()
            || self.queue.back().is_some_and(|step| match step {
                Step::Query(run) | Step::Execute(run) => {
                    run.verdict.capped() || run.overruled.is_some()
                }
                _ => false,
            })
    }
}
