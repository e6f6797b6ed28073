use std::sync::mpsc;

use super::*;
use crate::disk::RealDisk;

const DAY_NS: u64 = 86_400_000_000_000;

fn day(day: u64) -> Option<Day> {
    Some(Day(day))
}

#[test]
fn every_subject_has_a_key_a_day_and_days_are_erased_alone() {
    let dir = tempfile::tempdir().unwrap();
    let log = [7; 16];
    create(&RealDisk, dir.path(), &log).unwrap();
    let keys = Keys::open(&RealDisk, dir.path(), &log).unwrap();
    let (ann, bob): (Text, Text) = ("ann".into(), "bob".into());
    let of = |subject: &Text, day: u64, ns: u64| {
        let key = keys.of(Some(subject), day * DAY_NS + ns).unwrap();
        key.id()
    };
    let of_ann: Vec<KeyId> = (0..5).map(|day| of(&ann, day, 3)).collect();
    // A key is for its whole day, whichever way the clock steps.
    for (day, id) in (0..5).zip(&of_ann) {
        assert_eq!((of(&ann, day, 0), of(&ann, day, DAY_NS - 1)), (*id, *id));
    }
    let of_bob = of(&bob, 2, 3);
    let days = Days {
        from: day(1),
        until: day(2),
    };
    let mut doomed = keys.of_subject(Some("ann"), &days);
    doomed.sort_unstable();
    let mut expected = of_ann[1..3].to_vec();
    expected.sort_unstable();
    assert_eq!(doomed, expected);
    keys.erase(&doomed, 1).unwrap();
    assert_ne!(of(&ann, 2, 3), of_ann[2], "an erased key is not used again");

    let reopened = Keys::open(&RealDisk, dir.path(), &log).unwrap();
    let all = Days::default();
    assert_eq!(reopened.of_subject(Some("ann"), &all).len(), 4);
    assert_eq!(reopened.of_subject(Some("bob"), &all), [of_bob]);
}

/// A file whose first sync fails, late.
struct Late {
    file: Arc<dyn File>,
    begun: Mutex<Option<mpsc::Sender<()>>>,
    meanwhile: Mutex<mpsc::Receiver<bool>>,
}

impl File for Late {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> std::io::Result<usize> {
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> std::io::Result<()> {
        let Some(begun) = self.begun.lock().unwrap().take() else {
            return self.file.sync();
        };
        begun.send(()).unwrap();
        // Long enough for another to come by, if nothing holds it up.
        let patience = std::time::Duration::from_millis(200);
        let meanwhile = self.meanwhile.lock().unwrap().recv_timeout(patience);
        assert!(meanwhile.is_err(), "the other did not wait for this sync");
        Err(std::io::ErrorKind::Other.into())
    }

    fn allocate(&self, length: u64) -> std::io::Result<()> {
        self.file.allocate(length)
    }

    fn truncate(&self, length: u64) -> std::io::Result<()> {
        self.file.truncate(length)
    }

    fn length(&self) -> std::io::Result<u64> {
        self.file.length()
    }
}

#[test]
fn who_comes_while_another_syncs_waits_and_makes_up_for_its_failure() {
    let dir = tempfile::tempdir().unwrap();
    create(&RealDisk, dir.path(), &[7; 16]).unwrap();
    let keys = Keys::open(&RealDisk, dir.path(), &[7; 16]).unwrap();
    keys.of(Some(&"ann".into()), 0).unwrap();
    let (begun, has_begun) = mpsc::channel();
    let (done, meanwhile) = mpsc::channel();
    {
        let mut table = keys.table.lock().unwrap();
        table.file = Arc::new(Late {
            file: Arc::clone(&table.file),
            begun: Mutex::new(Some(begun)),
            meanwhile: Mutex::new(meanwhile),
        });
    }
    std::thread::scope(|scope| {
        let first = scope.spawn(|| keys.sync());
        has_begun.recv().unwrap();
        let second = scope.spawn(|| {
            let synced = keys.sync();
            let _ = done.send(synced.is_ok());
            synced
        });
        assert!(first.join().unwrap().is_err());
        assert!(second.join().unwrap().is_ok());
    });
    assert!(!keys.dirty.load(Ordering::Acquire));
}
