//! One history of a ledger: clients, the committer, faults and crashes, by a seed.
//!
//! There are no threads. Clients are machines that take one step at a time; the
//! committer is driven by its `step`; and whenever it syncs without holding a lock,
//! clients take steps in the middle of that. What the log does next after a crash is
//! the next generation of the same history.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ledger::event::{Encoded, Intent, LogClose, ObjectUse, Outcome, OutcomeStatus, Verdict};
use ledger::{Event, Sequence};

use super::check::{entries, examine};
use super::disk::{Crash, FAULT_KINDS, Fault, FaultKind, Moment, SimDisk, after_crash};
use super::image::{Image, Luck};
use super::random::Random;
use super::witness::{Check, Mark, Taken, Violation, Witness};
use crate::committer::Committer;
use crate::log::{Log, Room};
use crate::{Options, Packing, Profile, open};

const CLIENTS: usize = 3;
const GENERATIONS: usize = 3;

/// Most bytes of a frame in these histories.
const FRAME_BYTES: u64 = 2 << 10;

/// What one history amounted to.
#[derive(Default)]
pub(super) struct Told {
    pub(super) points: u64,
    pub(super) kills: u64,
    pub(super) operations: u64,
    pub(super) taken: u64,
    pub(super) refused: u64,
    pub(super) faults: u64,
    pub(super) packs: u64,
    /// The first few, with where they stand in the history.
    pub(super) violations: Vec<(String, Violation)>,
    /// What operations there were and how each went on, to tell two runs apart.
    pub(super) fingerprint: u64,
}

impl Told {
    pub(super) fn add(&mut self, other: Told) {
        self.points += other.points;
        self.kills += other.kills;
        self.operations += other.operations;
        self.taken += other.taken;
        self.refused += other.refused;
        self.faults += other.faults;
        self.packs += other.packs;
        self.violations.extend(other.violations);
        self.fingerprint ^= other.fingerprint;
    }

    pub(super) fn found(&self, check: Check) -> bool {
        self.violations.iter().any(|(_, one)| one.check == check)
    }

    fn broken(&mut self, place: &str, violations: Vec<Violation>) {
        if self.violations.len() < 200 {
            let placed = violations.into_iter().map(|one| (place.to_owned(), one));
            self.violations.extend(placed);
        }
    }

    fn mix(&mut self, value: u64) {
        self.fingerprint = (self.fingerprint ^ value)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }
}

/// The directory of every simulated ledger.
pub(super) fn directory() -> PathBuf {
    PathBuf::from("/sim/ledger")
}

/// Segments so small that a history rolls over, and checkpoints so often that they
/// come between anything.
pub(super) fn options(profile: Profile) -> Options {
    Options {
        profile,
        segment_bytes: 16 << 10,
        reserve_bytes: 8 << 10,
        checkpoint_ms: 20,
        heal_ms: 20,
        packing: Packing::OnDemand,
        ..Options::new("weir.example/simulated")
    }
}

/// What a history is looked for.
#[derive(Clone, Copy, Default)]
pub(super) struct Wanted {
    /// It ends when this is found broken.
    pub(super) check: Option<Check>,
    /// The disk is in this trouble for a moment.
    pub(super) trouble: Option<FaultKind>,
}

/// Lives one history and examines a part of its crash points.
pub(super) fn live(seed: u64, profile: Profile, wanted: Wanted) -> Told {
    let until = wanted.check;
    let mut random = Random::new(seed);
    let mut told = Told::default();
    let mut image = Image::new(Path::new("/sim"));
    let mut mark = Mark::default();
    let mut crash = Crash::Kill;
    for generation in 0..GENERATIONS {
        let mut known = mark.clone();
        if crash != Crash::Kill {
            let durable = mark.durable;
            Arc::make_mut(&mut known.taken).retain(|one| one.sequence < durable);
        }
        let witness = Witness::after(known);
        let disk = SimDisk::new(image.clone(), Arc::clone(&witness), random.fork(1));
        run(&disk, &witness, profile, wanted, &mut random, &mut told);
        let place = format!("generation {generation}");
        told.broken(&place, witness.take_violations());
        let moments = disk.take_moments();
        told.operations += disk.operations() as u64;
        examine_some(
            &moments,
            profile,
            &random.fork(2),
            generation,
            until,
            &mut told,
        );
        if until.is_some_and(|check| told.found(check)) {
            break;
        }
        // The history goes on from one of them.
        let moment = &moments[random.below(moments.len())];
        crash = *crashes(moment).last().unwrap();
        if random.once_in(3) {
            crash = Crash::Kill;
        }
        image = after_crash(moment, crash, &mut random);
        mark = moment.mark.clone();
    }
    told
}

/// The ways to crash at a moment that differ.
fn crashes(moment: &Moment) -> &'static [Crash] {
    if moment.image.is_settled() {
        return &[Crash::Kill];
    }
    &[
        Crash::Kill,
        Crash::Power(Luck::None),
        Crash::Power(Luck::All),
        Crash::Power(Luck::Prefix),
        Crash::Power(Luck::Sectors),
        Crash::Power(Luck::Sectors),
        Crash::Power(Luck::Sectors),
    ]
}

fn examine_some(
    moments: &[Moment],
    profile: Profile,
    random: &Random,
    generation: usize,
    until: Option<Check>,
    told: &mut Told,
) {
    let (dir, options) = (directory(), options(profile));
    // Of a long log fewer, because each takes longer.
    let part = if moments[0].mark.durable > 200 { 12 } else { 3 };
    let which = random.fork(0).below(part);
    for (index, moment) in moments.iter().enumerate() {
        told.mix(moment.mark.durable);
        told.mix(moment.mark.taken.len() as u64);
        if index % part != which || until.is_some_and(|check| told.found(check)) {
            continue;
        }
        for (draw, crash) in crashes(moment).iter().enumerate() {
            let mut random = random.fork((index * 16 + draw + 1) as u64);
            let image = after_crash(moment, *crash, &mut random);
            let found = examine(&dir, &options, image, &moment.mark, *crash, random);
            told.points += 1;
            told.kills += u64::from(*crash == Crash::Kill);
            if !found.is_empty() {
                let place = format!("generation {generation}, operation {index}, {crash:?}");
                told.broken(&place, found);
            }
        }
    }
}

/// One generation: open, work, perhaps in trouble, perhaps close.
fn run(
    disk: &SimDisk,
    witness: &Arc<Witness>,
    profile: Profile,
    wanted: Wanted,
    random: &mut Random,
    told: &mut Told,
) {
    let dir = directory();
    let mut faults = plan(random);
    faults.extend(wanted.trouble.map(|kind| {
        let from = 40 + random.below(80);
        let until = from + 1 + random.below(6);
        Fault { kind, from, until }
    }));
    told.faults += faults.len() as u64;
    let mut now = Instant::now();
    // Some logs are old already, so that there is something to seal.
    if wanted.trouble.is_none() && disk.is_empty() && random.once_in(6) {
        grow(disk, profile, now);
    }
    disk.observe(faults);
    let opened = open::open(Arc::new(disk.clone()), &dir, options(profile), now);
    let Ok((mut committer, mut packer)) = opened else {
        // A fault of the disk; the crash comes at the present moment or before.
        return;
    };
    committer.step(now);
    if committer.log.inner().faults.failed.is_none()
        && let Ok(mut entries) = entries(disk, &dir)
    {
        let durable = committer.log.durable.load(Ordering::Acquire);
        entries.retain(|one| one.sequence < durable);
        witness.opened(entries);
    }
    let log = Arc::clone(&committer.log);
    let people = Arc::new(Mutex::new(People {
        log: Arc::clone(&log),
        witness: Arc::clone(witness),
        random: random.fork(3),
        clients: vec![Client::Idle; CLIENTS],
        profile,
        statements: 0,
        refused: 0,
        taken: 0,
    }));
    let others = Arc::clone(&people);
    disk.meanwhile(Some(Box::new(move || {
        // Only where other threads could come in between.
        let free = log.inner.try_lock().is_ok() && log.keys.is_free();
        if free {
            others.lock().unwrap().some_steps();
        }
    })));
    for _ in 0..30 + random.below(40) {
        let waits = people.lock().unwrap().somebody_waits();
        // Nobody waits for long under `strict`, and everybody does under `fast`.
        let patience = match profile {
            Profile::Strict => 1,
            Profile::Balanced => 3,
            Profile::Fast => 8,
        };
        if (waits && random.once_in(2)) || random.once_in(patience + 1) {
            now += Duration::from_millis(1 + random.below(30) as u64);
            committer.step(now);
            let durable = committer.log.durable.load(Ordering::Acquire);
            witness.durable(durable);
        } else if random.once_in(8) {
            // It may fail as everything may, and is tried again.
            let before = committer.log.sealed.load(Ordering::Acquire);
            let _ = packer.seal_all();
            let sealed = committer.log.sealed.load(Ordering::Acquire);
            told.packs += u64::from(sealed > before);
        } else {
            people.lock().unwrap().step();
        }
    }
    if random.once_in(2) {
        heal(disk, &mut committer, &people, now);
    }
    if random.once_in(3) {
        close(&mut committer, &people);
    }
    disk.meanwhile(None);
    let people = people.lock().unwrap();
    told.taken += people.taken;
    told.refused += people.refused;
}

/// Fills a fresh log with more entries than one bundle has.
fn grow(disk: &SimDisk, profile: Profile, mut now: Instant) {
    let opened = open::open(Arc::new(disk.clone()), &directory(), options(profile), now);
    let (mut committer, _) = opened.unwrap();
    for statement in 0..150 {
        let own = committer.log.append(&intent("p0", statement)).unwrap();
        committer.log.append(&outcome(own.0)).unwrap();
        now += Duration::from_millis(30);
        committer.step(now);
    }
    committer.finish();
}

/// Nothing, or one trouble, or two: once, for a while, or until the crash.
fn plan(random: &mut Random) -> Vec<Fault> {
    let many = [0, 0, 1, 1, 2][random.below(5)];
    (0..many)
        .map(|_| {
            let kind = FAULT_KINDS[random.below(FAULT_KINDS.len())];
            let from = random.below(160);
            let lasts = match random.below(4) {
                0 => 1,
                1 => 2 + random.below(6),
                2 => 40,
                _ => usize::MAX / 2,
            };
            // A disk that fails for a moment is not full or read-only for a moment.
            let lasts = match kind {
                FaultKind::Full | FaultKind::ReadOnly => lasts.max(20),
                FaultKind::Write | FaultKind::Sync | FaultKind::Everything => lasts,
            };
            Fault {
                kind,
                from,
                until: from + lasts,
            }
        })
        .collect()
}

/// The disk works again: so does the log, without a restart.
fn heal(disk: &SimDisk, committer: &mut Committer, people: &Mutex<People>, mut now: Instant) {
    disk.repair();
    for _ in 0..4 {
        now += Duration::from_secs(2);
        committer.step(now);
    }
    let log = Arc::clone(&committer.log);
    let people = people.lock().unwrap();
    let witness = Arc::clone(&people.witness);
    if let Err(reason) = log.append(&intent("healed", 0)) {
        witness.violation(Check::Heals, reason.to_string());
        return;
    }
    people.took();
    let own = log.inner().next.0;
    drop(people);
    committer.step(now + Duration::from_secs(2));
    let durable = log.durable.load(Ordering::Acquire);
    if durable < own {
        witness.violation(Check::Heals, "nothing gets durable");
    }
    witness.durable(durable);
}

/// Everybody leaves, and the log is closed.
fn close(committer: &mut Committer, people: &Mutex<People>) {
    people.lock().unwrap().leave();
    let epoch = committer.log.inner().epoch;
    let _ = committer
        .log
        .append(&Event::from(LogClose { epoch, refused: 0 }));
    committer.finish();
}

/// One session after the other, one statement at a time.
#[derive(Clone, Copy, Debug)]
enum Client {
    Idle,
    /// Its intent has a receipt; the statement must wait for the disk.
    Gated(u64),
    /// The database works.
    Running(u64),
    /// Its outcome has a receipt; the answer must wait for the disk.
    Answering(u64),
}

/// All clients.
struct People {
    log: Arc<Log>,
    witness: Arc<Witness>,
    random: Random,
    clients: Vec<Client>,
    profile: Profile,
    statements: u64,
    taken: u64,
    refused: u64,
}

impl People {
    fn some_steps(&mut self) {
        for _ in 0..self.random.below(3) {
            self.step();
        }
    }

    fn somebody_waits(&self) -> bool {
        let waits = |one: &Client| matches!(one, Client::Gated(_) | Client::Answering(_));
        self.clients.iter().any(waits)
    }

    /// One step of one client.
    fn step(&mut self) {
        let index = self.random.below(CLIENTS);
        let durable = self.log.durable.load(Ordering::Acquire);
        let gated = |own: u64| {
            // What was said to be durable counts from the moment somebody hears it.
            (durable > own).then(|| self.witness.durable(durable))
        };
        self.clients[index] = match self.clients[index] {
            Client::Idle => {
                let effect = self.random.once_in(2);
                self.statements += 1;
                // Now and then somebody nobody has seen, who needs a key.
                let principal = if self.random.once_in(12) {
                    format!("p{}", self.statements)
                } else {
                    format!("p{index}")
                };
                let event = intent(&principal, self.statements);
                match self.append(&event) {
                    None => Client::Idle,
                    Some(own) => match self.profile {
                        Profile::Strict => Client::Gated(own),
                        Profile::Balanced if effect => Client::Gated(own),
                        Profile::Balanced | Profile::Fast => Client::Running(own),
                    },
                }
            }
            Client::Gated(own) => match gated(own) {
                Some(()) => {
                    self.witness.effect(own);
                    Client::Running(own)
                }
                None => Client::Gated(own),
            },
            Client::Running(own) => match self.append(&outcome(own)) {
                None => Client::Running(own),
                Some(outcome) if self.profile == Profile::Strict => Client::Answering(outcome),
                Some(_) => Client::Idle,
            },
            Client::Answering(own) => match gated(own) {
                Some(()) => {
                    self.witness.release(own);
                    Client::Idle
                }
                None => Client::Answering(own),
            },
        };
    }

    /// Every session ends; what its statement became is told once if it can be.
    fn leave(&mut self) {
        for index in 0..CLIENTS {
            if let Client::Gated(own) | Client::Running(own) = self.clients[index] {
                self.append(&outcome(own));
            }
            self.clients[index] = Client::Idle;
        }
    }

    /// Appends where it need not wait for room.
    fn append(&mut self, event: &Event) -> Option<u64> {
        let room = self.log.inner().admit(FRAME_BYTES, event.kind, u64::MAX);
        if matches!(room, Ok(Room::Later(_))) {
            return None;
        }
        let Ok(sequence) = self.log.append(event) else {
            self.refused += 1;
            return None;
        };
        self.taken += 1;
        self.took();
        Some(sequence.0)
    }

    /// Notes the receipt of the last entry.
    fn took(&self) {
        let inner = self.log.inner();
        let leaf = inner.batch.leaves.last().unwrap().clone();
        let leaf: Arc<[u8]> = inner.batch.bytes[leaf].into();
        let sequence = inner.next.0 - 1;
        drop(inner);
        let kind = ledger::Entry::parse(&leaf).unwrap().kind;
        self.witness.took(Taken {
            sequence,
            kind,
            leaf,
        });
    }
}

fn intent(principal: &str, statement: u64) -> Event {
    Event::from(Intent {
        session: "0193-session".into(),
        statement,
        principal: principal.into(),
        target: "app".into(),
        command: "UPDATE".into(),
        shape: "update t set a = $1".into(),
        shape_hash: "0".into(),
        objects: vec![ObjectUse {
            verb: "update".into(),
            name: "public.t".into(),
        }]
        .into(),
        columns: Vec::new().into(),
        decision: Verdict::Allow,
        rules: Vec::new().into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "v1".into(),
        masks: Vec::new().into(),
        degraded: Vec::new().into(),
        row_cap: None,
        prepared: None,
        text: Some(format!("update t set a = {statement}").into()),
        parameters: None,
        purpose: None,
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    })
}

fn outcome(intent: u64) -> Event {
    Event::from(Outcome {
        intent: Sequence(intent),
        session: None,
        status: OutcomeStatus::Ok,
        sqlstate: None,
        rows: 1,
        bytes: 10,
        masked: Vec::new(),
        duration_us: 5,
    })
}
