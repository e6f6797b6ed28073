//! More than ten thousand generated mutations of a ledger, its exported log and a
//! proof: each is named by the check, at the file that was altered or the one that
//! vouches for it. Prints how many of each class there were.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::ops::Range;
use std::path::{Path, PathBuf};

use common::{intent, options, outcome};
use ledger::checkpoint::Checkpoint;
use ledger::trust::Policy;
use store::export::{Folder, check, export};
use store::read::Reader;
use store::verify;
use store::{Disclose, Ledger, Store, prove};

/// A generator with a fixed beginning (SplitMix64): a miss can be made again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn of(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.len())
    }

    /// Another byte than this one.
    fn other(&mut self, byte: u8) -> u8 {
        byte ^ (1 + self.below(255)) as u8
    }
}

/// What one class of mutations came to.
struct Class {
    name: &'static str,
    made: usize,
    misses: Vec<String>,
}

impl Class {
    fn new(name: &'static str) -> Class {
        Class {
            name,
            made: 0,
            misses: Vec::new(),
        }
    }

    /// One mutation: `named` are the places the check named.
    fn count(&mut self, what: impl FnOnce() -> String, named: &[PathBuf], wanted: &[&Path]) {
        self.made += 1;
        let found = |path: &PathBuf| wanted.iter().any(|wanted| path.ends_with(wanted));
        if !named.iter().any(found) {
            self.misses
                .push(format!("{}: {}: {named:?}", self.name, what()));
        }
    }
}

/// The places that the check of a directory names.
fn named(dir: &Path, trust: Option<&Policy>, since: Option<&Checkpoint>) -> Vec<PathBuf> {
    let report = match since {
        Some(since) => verify::directory_since(dir, trust, since, &|_| {}),
        None => verify::directory(dir, trust),
    };
    match report {
        Ok(report) => report.faults.into_iter().map(|fault| fault.path).collect(),
        Err(
            store::Error::Damaged { path, .. }
            | store::Error::Content { path, .. }
            | store::Error::Missing { path }
            | store::Error::Io { path, .. },
        ) => vec![path],
        Err(other) => panic!("{other}"),
    }
}

fn append(store: &Store, statements: Range<u64>) {
    for statement in statements {
        let receipt = store.append(intent("alice", statement)).unwrap();
        store.append(outcome(receipt.sequence)).unwrap();
    }
}

fn grow(dir: &Path, statements: Range<u64>) {
    let store = Store::open(dir, options()).unwrap();
    append(&store, statements);
    store.close();
}

fn head(dir: &Path) -> Checkpoint {
    Reader::open(dir).unwrap().checkpoint().unwrap().0
}

/// A copy of a ledger or export.
fn copy(from: &Path) -> tempfile::TempDir {
    fn into(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let to = to.join(path.file_name().unwrap());
            if path.is_dir() {
                into(&path, &to);
            } else {
                std::fs::copy(&path, to).unwrap();
            }
        }
    }
    let to = tempfile::tempdir().unwrap();
    into(from, to.path());
    to
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

fn segment(dir: &Path) -> PathBuf {
    let all = files(&dir.join("wal"));
    let wal = all
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "wal"));
    wal.min().unwrap().clone()
}

/// A frame in a segment: where it stands, its leaf and what is sealed.
struct Frame {
    whole: Range<usize>,
    leaf: Range<usize>,
    sealed: Range<usize>,
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut out) = (64, Vec::new());
    while at + 24 <= bytes.len() && number(at) != 0 {
        let (end, leaf) = (at + 24 + number(at), at + 24 + number(at + 12));
        out.push(Frame {
            whole: at..end,
            leaf: at + 24..leaf,
            sealed: leaf..end,
        });
        at = end;
    }
    out
}

/// The checksum of the frame that begins at `at`, made right again.
fn repair(bytes: &mut [u8], frame: &Range<usize>) {
    let (at, end) = (frame.start, frame.end);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[at..at + 4]), &bytes[at + 8..end]);
    bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
}

const CHECKPOINT: &str = "checkpoint";

/// One byte of `part` of a frame becomes another, and the checksum is right again.
fn content(
    name: &'static str,
    base: &Path,
    count: usize,
    part: fn(&Frame) -> Range<usize>,
) -> Class {
    let (mut class, mut random) = (Class::new(name), Random(name.len() as u64));
    let dir = copy(base);
    let file = segment(dir.path());
    let whole = std::fs::read(&file).unwrap();
    let mut frames = frames(&whole);
    frames.retain(|frame| !part(frame).is_empty());
    while class.made < count {
        let frame = &frames[random.below(frames.len())];
        let at = random.of(part(frame));
        let mut bytes = whole.clone();
        bytes[at] = random.other(bytes[at]);
        repair(&mut bytes, &frame.whole);
        std::fs::write(&file, &bytes).unwrap();
        let named = named(dir.path(), None, None);
        let wanted = [file.as_path(), Path::new(CHECKPOINT)];
        class.count(|| format!("byte {at}"), &named, &wanted);
    }
    class
}

/// One byte of a file becomes another.
fn bytes(name: &'static str, base: &Path, file: &str, count: usize) -> Class {
    let (mut class, mut random) = (Class::new(name), Random(file.len() as u64));
    let dir = copy(base);
    let file = match file {
        "wal" => segment(dir.path()),
        file => dir.path().join(file),
    };
    let whole = std::fs::read(&file).unwrap();
    while class.made < count {
        let at = random.below(whole.len());
        let mut bytes = whole.clone();
        bytes[at] = random.other(bytes[at]);
        // White space between the parts of JSON says nothing.
        let blank = |byte: u8| byte.is_ascii_whitespace();
        if file.ends_with("id.json") && blank(whole[at]) && blank(bytes[at]) {
            continue;
        }
        std::fs::write(&file, &bytes).unwrap();
        let named = named(dir.path(), None, None);
        let wanted = [file.as_path(), Path::new(CHECKPOINT)];
        class.count(|| format!("byte {at}"), &named, &wanted);
    }
    class
}

/// Files are cut anywhere.
fn truncation(base: &Path, count: usize) -> Class {
    let (mut class, mut random) = (Class::new("truncation"), Random(3));
    let dir = copy(base);
    let names = [segment(dir.path()), dir.path().join("subject.keys")];
    let names = [&names[..], &[dir.path().join(CHECKPOINT)]].concat();
    while class.made < count {
        let file = &names[random.below(names.len())];
        let whole = std::fs::read(file).unwrap();
        let length = random.below(whole.len());
        std::fs::write(file, &whole[..length]).unwrap();
        let named = named(dir.path(), None, None);
        // Without a key that was cut off, what it sealed cannot be read.
        let wal = segment(dir.path());
        let wanted = [file.as_path(), Path::new(CHECKPOINT), &wal];
        class.count(
            || format!("{} at {length}", file.display()),
            &named,
            &wanted,
        );
        std::fs::write(file, &whole).unwrap();
    }
    class
}

/// Two entries change places: as they are, with their numbers made right, and with the
/// number inside the entry made right too.
fn swapped(base: &Path, count: usize) -> Class {
    let (mut class, mut random) = (Class::new("swapped entries"), Random(4));
    let dir = copy(base);
    let file = segment(dir.path());
    let whole = std::fs::read(&file).unwrap();
    let frames = frames(&whole);
    while class.made < count {
        let first = random.below(frames.len() - 1);
        let second = random.of(first + 1..frames.len());
        let (a, b) = (&frames[first].whole, &frames[second].whole);
        if whole[a.clone()] == whole[b.clone()] {
            continue;
        }
        let renumber = |frame: &Range<usize>, to: usize| {
            let mut bytes = whole[frame.clone()].to_vec();
            bytes[16..24].copy_from_slice(&(to as u64).to_le_bytes());
            let all = 0..bytes.len();
            repair(&mut bytes, &all);
            bytes
        };
        let (early, late) = match random.below(2) {
            0 => (whole[b.clone()].to_vec(), whole[a.clone()].to_vec()),
            _ => (renumber(b, first), renumber(a, second)),
        };
        let parts = [
            &whole[..a.start],
            &early,
            &whole[a.end..b.start],
            &late,
            &whole[b.end..],
        ];
        std::fs::write(&file, parts.concat()).unwrap();
        let named = named(dir.path(), None, None);
        class.count(|| format!("{first} and {second}"), &named, &[&file]);
    }
    class
}

/// Entries are left out or doubled, with all numbers made right behind them.
fn dropped(base: &Path, count: usize) -> Class {
    let (mut class, mut random) = (Class::new("dropped, doubled entries"), Random(5));
    let dir = copy(base);
    let file = segment(dir.path());
    let whole = std::fs::read(&file).unwrap();
    let frames = frames(&whole);
    while class.made < count {
        let at = random.below(frames.len());
        let double = random.below(2) == 1;
        let mut bytes = whole[..64].to_vec();
        let mut sequence = 0_u64;
        for (position, frame) in frames.iter().enumerate() {
            let times = match (position == at, double) {
                (true, true) => 2,
                (true, false) => 0,
                (false, _) => 1,
            };
            for _ in 0..times {
                let begin = bytes.len();
                bytes.extend_from_slice(&whole[frame.whole.clone()]);
                bytes[begin + 16..begin + 24].copy_from_slice(&sequence.to_le_bytes());
                let all = begin..bytes.len();
                repair(&mut bytes, &all);
                sequence += 1;
            }
        }
        std::fs::write(&file, &bytes).unwrap();
        let named = named(dir.path(), None, None);
        let wanted = [file.as_path(), Path::new(CHECKPOINT)];
        class.count(|| format!("entry {at}, doubled: {double}"), &named, &wanted);
    }
    class
}

/// Older states of a ledger that went on: each was sound in its time.
struct States {
    now: tempfile::TempDir,
    heads: Vec<Checkpoint>,
    older: Vec<tempfile::TempDir>,
}

fn states(count: u64) -> States {
    let now = tempfile::tempdir().unwrap();
    let (mut heads, mut older) = (Vec::new(), Vec::new());
    for state in 0..count {
        grow(now.path(), state..state + 1);
        heads.push(head(now.path()));
        older.push(copy(now.path()));
    }
    States { now, heads, older }
}

/// The whole directory is put back to an older state. Only a remembered checkpoint
/// tells.
fn rolled_back(states: &States) -> Class {
    let mut class = Class::new("roll-back");
    for (state, dir) in states.older.iter().enumerate() {
        assert!(named(dir.path(), None, None).is_empty());
        for head in &states.heads[state + 1..] {
            let named = named(dir.path(), None, Some(head));
            class.count(|| format!("{state}"), &named, &[Path::new(CHECKPOINT)]);
        }
    }
    class
}

/// One file of an older state stands in the new one.
fn replayed(states: &States) -> Class {
    let mut class = Class::new("replayed old file");
    let last = states.heads.last().unwrap();
    let current: Vec<PathBuf> = files(&states.now.path().join("wal"));
    for (state, older) in states.older[..states.older.len() - 1].iter().enumerate() {
        let dir = copy(states.now.path());
        // An older checkpoint under entries that go on.
        std::fs::copy(older.path().join(CHECKPOINT), dir.path().join(CHECKPOINT)).unwrap();
        let named_now = named(dir.path(), None, Some(last));
        class.count(
            || format!("checkpoint {state}"),
            &named_now,
            &[Path::new(CHECKPOINT)],
        );
        // Older entries under the newest checkpoint.
        let dir = copy(older.path());
        std::fs::copy(
            states.now.path().join(CHECKPOINT),
            dir.path().join(CHECKPOINT),
        )
        .unwrap();
        let named_now = named(dir.path(), None, None);
        class.count(
            || format!("entries {state}"),
            &named_now,
            &[Path::new(CHECKPOINT)],
        );
        // A segment is gone.
        for file in &current {
            if file.extension().is_none_or(|name| name != "wal") {
                continue;
            }
            let dir = copy(states.now.path());
            let gone = dir.path().join("wal").join(file.file_name().unwrap());
            std::fs::remove_file(&gone).unwrap();
            let named = named(dir.path(), None, None);
            let wal = files(&dir.path().join("wal"));
            let mut wanted: Vec<&Path> = wal.iter().map(PathBuf::as_path).collect();
            wanted.push(Path::new(CHECKPOINT));
            class.count(|| format!("without {}", gone.display()), &named, &wanted);
        }
    }
    class
}

/// An older state goes on differently, signed by the same key.
fn forked(states: &States, forks: usize) -> Class {
    let mut class = Class::new("fork");
    for fork in 0..forks {
        let state = fork % (states.older.len() - 1);
        let dir = copy(states.older[state].path());
        grow(dir.path(), 1000..1100);
        assert!(named(dir.path(), None, None).is_empty());
        for head in &states.heads[state + 1..] {
            let named = named(dir.path(), None, Some(head));
            class.count(|| format!("from {state}"), &named, &[Path::new(CHECKPOINT)]);
        }
    }
    class
}

/// A ledger with sealed packs.
fn packed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    append(&store, 0..200);
    common::eventually("signed", || store.health().signed.0 > 400);
    store.seal().unwrap();
    append(&store, 200..203);
    store.close();
    dir
}

/// Bytes of every file below a folder of the ledger.
fn below(name: &'static str, base: &Path, folder: &str, count: usize) -> Class {
    let (mut class, mut random) = (Class::new(name), Random(folder.len() as u64));
    let dir = copy(base);
    let all = files(&dir.path().join(folder));
    assert!(!all.is_empty(), "{folder}");
    while class.made < count {
        let file = &all[random.below(all.len())];
        let whole = std::fs::read(file).unwrap();
        let at = random.below(whole.len());
        let mut bytes = whole.clone();
        match random.below(8) {
            0 => bytes.truncate(at),
            _ => bytes[at] = random.other(bytes[at]),
        }
        std::fs::write(file, &bytes).unwrap();
        let named = named(dir.path(), None, None);
        let wanted = [file.as_path(), Path::new(CHECKPOINT)];
        class.count(|| format!("{} at {at}", file.display()), &named, &wanted);
        std::fs::write(file, &whole).unwrap();
    }
    class
}

/// Bytes of the exported log: altered, cut, gone, or one file in place of another.
fn exported(base: &Path, count: usize) -> Class {
    let (mut class, mut random) = (Class::new("exported tile, bundle, checkpoint"), Random(7));
    let out = tempfile::tempdir().unwrap();
    let reader = Reader::open(base).unwrap();
    export(&reader, out.path(), &mut |_| {}).unwrap();
    let mut all = files(out.path());
    all.retain(|path| !path.ends_with(".lock"));
    while class.made < count {
        let file = &all[random.below(all.len())];
        let whole = std::fs::read(file).unwrap();
        let at = random.below(whole.len());
        let mut bytes = whole.clone();
        match random.below(16) {
            0 => bytes.truncate(at),
            1 => bytes.push(0),
            2 => bytes = std::fs::read(&all[random.below(all.len())]).unwrap(),
            _ => bytes[at] = random.other(bytes[at]),
        }
        if bytes == whole {
            continue;
        }
        std::fs::write(file, &bytes).unwrap();
        let report = check(&Folder::new(out.path()), reader.trust(), None, &mut |_| {});
        let faults = report.unwrap().faults;
        let named: Vec<PathBuf> = faults.into_iter().map(|fault| fault.path).collect();
        let relative = file.strip_prefix(out.path()).unwrap();
        class.count(
            || format!("{} at {at}", file.display()),
            &named,
            &[relative],
        );
        std::fs::write(file, &whole).unwrap();
    }
    class
}

/// Bytes of a proof with its disclosures.
fn proofs(base: &Path, count: usize) -> Class {
    let (mut class, mut random) = (Class::new("proof with disclosures"), Random(8));
    let reader = Reader::open(base).unwrap();
    let proof = prove(&reader, store::Sequence(3), Disclose::Everything).unwrap();
    let whole = proof.to_string();
    while class.made < count {
        let mut bytes = whole.clone().into_bytes();
        let at = random.below(bytes.len());
        bytes[at] = random.other(bytes[at]);
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        let told = ledger::verify::proof(&text, reader.trust(), None);
        let named = if told.is_err() {
            vec![PathBuf::from("proof")]
        } else {
            Vec::new()
        };
        class.count(|| format!("byte {at}"), &named, &[Path::new("proof")]);
    }
    class
}

#[test]
fn ten_thousand_mutations_are_named_without_a_miss() {
    let small = tempfile::tempdir().unwrap();
    grow(small.path(), 1..5);
    let (small, packed, states) = (small.path(), packed(), states(24));
    let packed = packed.path();
    let small_first: &[&(dyn Fn() -> Class + Sync)] = &[
        &|| content("leaf", small, 1800, |frame| frame.leaf.clone()),
        &|| content("disclosure", small, 1600, |frame| frame.sealed.clone()),
        &|| {
            content("frame header", small, 500, |frame| {
                frame.whole.start + 8..frame.leaf.start
            })
        },
        &|| bytes("segment", small, "wal", 1800),
        &|| bytes("checkpoint", small, CHECKPOINT, 900),
        &|| bytes("catalog (id.json)", small, "id.json", 500),
        &|| bytes("key table", small, "subject.keys", 500),
        &|| truncation(small, 800),
        &|| swapped(small, 400),
        &|| dropped(small, 300),
        &|| below("pack", packed, "packs", 400),
        &|| below("stored tile", packed, "tiles", 200),
        &|| exported(packed, 400),
        &|| proofs(small, 700),
        &|| rolled_back(&states),
        &|| replayed(&states),
        &|| forked(&states, 6),
    ];
    // Nothing is named where nothing was altered.
    for dir in [small, packed, states.now.path()] {
        assert_eq!(named(dir, None, Some(&head(dir))), Vec::<PathBuf>::new());
    }
    let classes: Vec<Class> = std::thread::scope(|scope| {
        let halves = small_first.chunks(small_first.len().div_ceil(2));
        let running: Vec<_> = halves
            .map(|half| scope.spawn(|| half.iter().map(|class| class()).collect::<Vec<_>>()))
            .collect();
        let done = running.into_iter().flat_map(|one| one.join().unwrap());
        done.collect()
    });
    let mut total = 0;
    println!("{:<36} {:>7} {:>7}", "class", "made", "missed");
    for class in &classes {
        println!(
            "{:<36} {:>7} {:>7}",
            class.name,
            class.made,
            class.misses.len()
        );
        total += class.made;
    }
    println!("{:<36} {total:>7}", "all");
    let misses: Vec<&String> = classes.iter().flat_map(|class| &class.misses).collect();
    assert!(
        misses.is_empty(),
        "{} misses: {:#?}",
        misses.len(),
        &misses[..misses.len().min(20)]
    );
    assert!(total >= 10_000, "{total}");
}
