//! The counts, and the mutants.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::disk::{Crash, Fault, FaultKind, SimDisk, after_crash};
use super::history::{Told, Wanted, live};
use super::image::{Image, Luck};
use super::random::Random;
use super::witness::{Check, Mark, Witness};
use super::{BROKEN, Broken};
use crate::Profile;
use crate::keys::{self, Keys, Slot};

const PROFILES: [Profile; 3] = [Profile::Strict, Profile::Balanced, Profile::Fast];

/// Lives histories on two threads until that many crash points were examined.
fn live_until(points: u64, first_seed: u64) -> (Told, u64) {
    let halves: Vec<(Told, u64)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                scope.spawn(move || {
                    let mut told = Told::default();
                    let (mut seed, mut histories) = (first_seed + thread, 0);
                    let mut shown = Instant::now();
                    while told.points < points.div_ceil(2) {
                        let profile = PROFILES[usize::try_from(seed % 3).unwrap()];
                        let one = live(seed, profile, Wanted::default());
                        for (place, violation) in &one.violations {
                            eprintln!(
                                "VIOLATION {violation} ({profile:?}, {place})\n  again: \
                                 cargo xtask crash --points 1 --seed {seed}"
                            );
                        }
                        told.add(one);
                        (seed, histories) = (seed + 2, histories + 1);
                        if thread == 0 && shown.elapsed() > Duration::from_secs(10) {
                            shown = Instant::now();
                            eprintln!("{} of about {points} crash points", told.points * 2);
                        }
                    }
                    (told, histories)
                })
            })
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut all = (Told::default(), 0);
    for (told, histories) in halves {
        all.0.add(told);
        all.1 += histories;
    }
    all
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `WEIR_CRASH_POINTS` and `WEIR_CRASH_SEED` say how many and which.
#[test]
fn whatever_survives_a_crash_keeps_every_promise() {
    let points = number("WEIR_CRASH_POINTS").unwrap_or(10_000);
    let seed = number("WEIR_CRASH_SEED").unwrap_or(1);
    let begun = Instant::now();
    let (told, histories) = live_until(points, seed);
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "simulated: {} violations in {} crash points ({} kills, {} power cuts; {histories} histories from seed \
         {seed}, {} disk operations, {} faults, {} packs sealed, {} entries taken, {} refused; {:.0} s)",
        told.violations.len(),
        told.points,
        told.kills,
        told.points - told.kills,
        told.operations,
        told.faults,
        told.packs,
        told.taken,
        told.refused,
        begun.elapsed().as_secs_f32(),
    )
    .unwrap();
    assert!(told.violations.is_empty());
}

/// Tiles were written, but their folder could not be synced; the next attempt found them there.
#[test]
fn a_file_that_a_failed_attempt_made_is_made_durable_by_the_next() {
    let told = live(2_026_112_326, Profile::Balanced, Wanted::default());
    assert!(told.violations.is_empty(), "{:?}", told.violations);
}

/// A known limitation: this must become a test of the opposite.
#[test]
fn a_history_of_disk_faults_that_loses_an_entry_is_known() {
    let told = live(2_026_112_735, Profile::Fast, Wanted::default());
    assert!(told.found(Check::Durable));
}

#[test]
fn the_same_seed_lives_the_same_history() {
    let once = live(5, Profile::Fast, Wanted::default());
    let again = live(5, Profile::Fast, Wanted::default());
    assert_eq!(once.fingerprint, again.fingerprint);
    assert_eq!(once.points, again.points);
    assert_ne!(
        once.fingerprint,
        live(6, Profile::Fast, Wanted::default()).fingerprint
    );
}

/// The product, broken in this way, is caught by this check.
fn catches(how: Broken, check: Check) {
    let trouble = match how {
        Broken::SyncsAgain
        | Broken::ReusesSegment
        | Broken::ForgetsBatch
        | Broken::StaysOpen
        | Broken::NeverHeals
        | Broken::TrustsKeys => Some(FaultKind::Sync),
        _ => None,
    };
    BROKEN.set(Some(how));
    let caught = (0..60).any(|seed| {
        let profile = PROFILES[usize::try_from(seed % 3).unwrap()];
        let wanted = Wanted {
            check: Some(check),
            trouble,
        };
        live(seed, profile, wanted).found(check)
    });
    BROKEN.set(None);
    assert!(caught, "{how:?} is not caught by {check:?}");
}

macro_rules! mutants {
    ($($name:ident: $how:ident is caught by $($check:ident),+;)*) => {
        $(#[test]
        fn $name() {
            $(catches(Broken::$how, Check::$check);)+
        })*
    };
}

mutants! {
    an_early_acknowledgement: AcknowledgesBeforeSync is caught by Durable, EffectGate, ReleaseGate;
    an_early_checkpoint: SignsBeforeSync is caught by CheckpointCovers;
    a_second_sync: SyncsAgain is caught by NoSecondSync;
    a_segment_used_again: ReusesSegment is caught by FailsClosed, NoSecondSync;
    a_forgotten_batch: ForgetsBatch is caught by Sequence;
    a_name_that_is_not_synced: SkipsDirectorySync is caught by Durable;
    keys_that_are_not_synced: SkipsKeySync is caught by Discloses;
    keys_of_a_failed_sync: TrustsKeys is caught by NoSecondSync;
    torn_keys: LeavesTornKeys is caught by Verifies;
    a_tail_in_the_page_cache: TrustsTail is caught by CheckpointCovers;
    a_dropped_tail: DropsTail is caught by Durable, CheckpointGrows;
    forgotten_intents: ForgetsIntents is caught by OneOutcome;
    intents_of_the_run_before: LooksAtLastRun is caught by OneOutcome;
    a_crash_that_is_not_told: ForgetsCrash is caught by CrashTold;
    a_failed_log_that_takes_entries: StaysOpen is caught by FailsClosed;
    a_log_that_never_heals: NeverHeals is caught by Heals;
    intents_that_wait: DefersIntents is caught by Written;
    an_identity_before_its_log: NamesItselfFirst is caught by Opens;
}

/// The second sync of a file whose first one failed tells nothing: what was erased must
/// be gone after a power cut all the same.
#[test]
fn an_erasure_whose_sync_failed_is_done_by_the_next_one() {
    let (dir, log) = (Path::new("/sim"), [7; 16]);
    let random = Random::new(1);
    let witness = Witness::after(Mark::default());
    let disk = SimDisk::new(Image::new(dir), Arc::clone(&witness), random.fork(1));
    keys::create(&disk, dir, &log).unwrap();
    let keys = Keys::open(&disk, dir, &log).unwrap();
    let ids = [
        keys.of(Some(&"ann".into()), 0).unwrap().id(),
        keys.of(Some(&"bob".into()), 0).unwrap().id(),
    ];
    keys.sync().unwrap();
    disk.observe(vec![Fault {
        kind: FaultKind::Sync,
        from: 0,
        until: usize::MAX,
    }]);
    keys.erase(&ids[..1], 1).unwrap_err();
    assert!(
        keys.live(ids[0]).is_none(),
        "nothing is sealed under it any more"
    );
    keys.erase(&ids[..1], 1).unwrap_err();
    disk.repair();
    keys.erase(&ids[..1], 1).unwrap();
    let last = disk.take_moments().pop().unwrap();
    let left = after_crash(&last, Crash::Power(Luck::None), &mut random.fork(2));
    let left = SimDisk::new(left, witness, random.fork(3));
    let content = keys::read(&left, dir, &log).unwrap();
    let slots = &content.slots;
    assert!(matches!(slots[&ids[0]].0, Slot::Erased { at_ns: 1 }));
    assert!(matches!(slots[&ids[1]].0, Slot::Live { .. }));
}
