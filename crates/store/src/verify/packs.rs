//! Checking packs and tiles.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ledger::Sequence;
use ledger::entry::Head;
use ledger::merkle::{Frontier, Hash, leaf_hash, subtree};

use super::entry::{self, Findings, Stored};
use super::{Check, Problem};
use crate::Error;
use crate::export::Progress;
use crate::keys::Content;
use crate::pack::file::{Unpacker, WRONG_CHECKSUM, leaves};
use crate::pack::upper::{self, Addition};
use crate::pack::{BUNDLE, Disclosures, OpenIntents, Pack, Span, kind_of};
use crate::view::View;

/// What was found in one pack.
#[derive(Default)]
struct Checked {
    findings: Findings,
    /// Roots of its bundles, as far as they could be read.
    roots: Vec<Option<Hash>>,
    /// Root of the tree of the signed size, if it ends in this pack: leaf hashes from
    /// the last full bundle on.
    rest: Option<Vec<Hash>>,
}

impl Check<'_> {
    /// Checks everything that is sealed, and gives its tree.
    pub(super) fn packs(&mut self, view: &View) -> Result<Frontier, Error> {
        let packs = &view.packs;
        for path in &packs.misnamed {
            let problem = Problem::Pack("its name is not that of a pack");
            self.findings.fault(path, None, None, problem);
        }
        for (position, (before, span)) in packs.in_order().enumerate() {
            let path = span.pack(self.dir);
            if span.first < before {
                let problem = Problem::Pack("it holds entries that another pack holds");
                self.findings
                    .fault(&path, None, Some(Sequence(span.first)), problem);
            } else if span.first > before && position > 0 {
                let problem = Problem::Missing {
                    from: Sequence(before),
                    to: Sequence(span.first),
                };
                self.findings
                    .fault(&path, None, Some(Sequence(before)), problem);
            }
        }
        let mut roots = self.stored_roots(packs.end())?;
        let rest = self.all(view, &mut roots);
        Ok(self.fold(packs.end(), &roots, rest))
    }

    /// The roots of all bundles as `tiles/1` has them.
    fn stored_roots(&mut self, end: u64) -> Result<Vec<Option<Hash>>, Error> {
        let count = upper::count(1, end);
        let roots = match upper::read(self.disk, self.dir, 1, 0, count) {
            Ok(roots) => roots.into_iter().map(Some).collect(),
            Err(Error::Missing { path }) => {
                let problem = Problem::Header("the file is missing");
                self.findings.fault(&path, None, None, problem);
                Vec::new()
            }
            Err(Error::Damaged {
                path,
                offset,
                reason,
            }) => {
                let problem = Problem::Header(reason);
                self.findings.fault(&path, Some(offset), None, problem);
                let whole = upper::read(self.disk, self.dir, 1, 0, offset / 32)?;
                whole.into_iter().map(Some).collect()
            }
            Err(other) => return Err(other),
        };
        let mut roots: Vec<Option<Hash>> = roots;
        roots.resize(usize::try_from(count).unwrap_or(usize::MAX), None);
        Ok(roots)
    }

    /// Checks all packs, replaces the stored roots by those of the entries, and gives
    /// the leaf hashes that the signed size has beyond its last full bundle.
    fn all(&mut self, view: &View, roots: &mut [Option<Hash>]) -> Option<Vec<Hash>> {
        let spans = &view.packs.spans;
        let entries = view.packs.end().saturating_sub(view.minimum());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (next, checked) = (AtomicUsize::new(0), AtomicU64::new(0));
        let done: Vec<Mutex<Option<Checked>>> = spans.iter().map(|_| Mutex::default()).collect();
        let job = Job {
            check: &*self,
            keys: self.keys.as_ref(),
            signed: self.signed.as_ref().map(|one| one.size),
            advance: &|| {
                let checked = checked.fetch_add(BUNDLE, Ordering::Relaxed);
                let done = checked.saturating_add(BUNDLE);
                let total = entries;
                (self.progress)(Progress { done, total });
            },
        };
        std::thread::scope(|scope| {
            for _ in 0..threads.min(spans.len()) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let (Some(span), Some(slot)) = (spans.get(at), done.get(at)) else {
                            return;
                        };
                        let before = at.checked_sub(1).and_then(|at| spans.get(at));
                        let before = before.filter(|before| before.end == span.first);
                        let found = job.pack(*span, before.copied());
                        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                    }
                });
            }
        });
        let mut rest = None;
        for (span, slot) in spans.iter().zip(done) {
            let slot = slot.into_inner().unwrap_or_else(PoisonError::into_inner);
            let found = slot.unwrap_or_default();
            self.findings.absorb(found.findings);
            rest = rest.or(found.rest);
            let first = span.first / BUNDLE;
            for (index, root) in (first..).zip(found.roots) {
                let stored = usize::try_from(index).ok().and_then(|at| roots.get_mut(at));
                let (Some(stored), Some(root)) = (stored, root) else {
                    continue;
                };
                if stored.is_some_and(|stored| stored != root) {
                    self.tile_fault(1, index);
                }
                *stored = Some(root);
            }
        }
        rest
    }

    fn tile_fault(&mut self, level: u8, index: u64) {
        let path = upper::path(self.dir, level);
        let sequence = index.checked_shl(8 * u32::from(level)).map(Sequence);
        let offset = Some(index.saturating_mul(32));
        let problem = Problem::TileHash { level, index };
        self.findings.fault(&path, offset, sequence, problem);
    }

    /// Makes the tree of bundle roots, compares the tiles above, and notes the root of
    /// the signed size if that is sealed.
    fn fold(&mut self, end: u64, roots: &[Option<Hash>], rest: Option<Vec<Hash>>) -> Frontier {
        // What could not be read was named; the tree goes on with what there is.
        let roots: Vec<Hash> = roots.iter().map(|root| root.unwrap_or_default()).collect();
        let signed = self.signed.as_ref().map(|one| one.size);
        if let Some(size) = signed.filter(|size| *size <= end) {
            let bundles = usize::try_from(size / BUNDLE).unwrap_or(usize::MAX);
            let part = Addition::new(Frontier::new(), roots.get(..bundles).unwrap_or_default());
            let peaks = part.frontier.peaks().to_vec();
            let whole = size - size % BUNDLE;
            if let Some(mut tree) = Frontier::of_peaks(whole, peaks) {
                for leaf in rest.into_iter().flatten() {
                    tree.push(leaf);
                }
                self.root_then = (tree.size() == size).then(|| tree.root());
            }
        }
        let tiles = Addition::new(Frontier::new(), &roots);
        for level in 2..=upper::LEVELS {
            let expected = tiles.hashes(level);
            let count = expected.len() as u64;
            let stored = upper::read(self.disk, self.dir, level, 0, count);
            match stored {
                Ok(stored) => {
                    for (index, (stored, expected)) in (0..).zip(stored.iter().zip(expected)) {
                        if stored != expected {
                            self.tile_fault(level, index);
                        }
                    }
                }
                Err(_) => self.tile_fault(level, 0),
            }
        }
        let peaks = tiles.frontier.peaks().to_vec();
        Frontier::of_peaks(end, peaks).unwrap_or_default()
    }
}

/// What each thread needs.
struct Job<'a> {
    check: &'a Check<'a>,
    keys: Option<&'a Content>,
    signed: Option<u64>,
    advance: &'a (dyn Fn() + Sync),
}

/// Files and buffers for one pack.
struct Open {
    pack: Pack,
    disclosures: Option<Disclosures>,
    unpacker: Unpacker,
    bundle: Vec<u8>,
    sealed: Vec<u8>,
}

impl Job<'_> {
    fn pack(&self, span: Span, before: Option<Span>) -> Checked {
        let mut out = Checked::default();
        let check = self.check;
        let (disk, dir, log) = (check.disk, check.dir, &check.log);
        let disclosures = match Disclosures::open(disk, dir, span, log) {
            Ok(disclosures) => Some(disclosures),
            Err(error) => {
                fault_of(error, &span.disclosures(dir), span.first, &mut out.findings);
                None
            }
        };
        let opened = Pack::open(disk, dir, span, log)
            .and_then(|pack| Unpacker::new().map(|unpacker| (pack, unpacker)));
        let (pack, unpacker) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                fault_of(error, &span.pack(dir), span.first, &mut out.findings);
                return out;
            }
        };
        let mut open = Open {
            pack,
            disclosures,
            unpacker,
            bundle: Vec::new(),
            sealed: Vec::new(),
        };
        let mut intents = match before {
            None if span.first == 0 => Some(OpenIntents::default()),
            None => None,
            Some(before) => Pack::open(disk, dir, before, log)
                .and_then(|pack| pack.open_intents())
                .ok(),
        };
        for index in span.first / BUNDLE..span.end / BUNDLE {
            let root = self.bundle(&mut open, index, &mut intents, &mut out);
            out.roots.push(root);
            (self.advance)();
        }
        match (open.pack.open_intents(), intents) {
            (Err(error), _) => {
                fault_of(error, open.pack.path(), span.end, &mut out.findings);
            }
            (Ok(stored), Some(intents)) if stored != intents => {
                let problem = Problem::Pack("its list of open intents is not that of its entries");
                out.findings.fault(open.pack.path(), None, None, problem);
            }
            (Ok(_), _) => {}
        }
        out
    }

    /// Checks a bundle and gives its root, if its entries can be read.
    fn bundle(
        &self,
        open: &mut Open,
        index: u64,
        intents: &mut Option<OpenIntents>,
        out: &mut Checked,
    ) -> Option<Hash> {
        let first = index.saturating_mul(BUNDLE);
        let path = open.pack.path().to_owned();
        let offset = Some(open.pack.offset(index));
        let tile = match open.pack.tile(index) {
            Ok(tile) => tile,
            Err(error) => {
                bundle_fault(error, &path, index, &mut out.findings);
                Vec::new()
            }
        };
        self.read_sealed(open, index, &mut out.findings);
        let (table, sealed) = match (&open.disclosures, open.sealed.is_empty()) {
            (Some(disclosures), _) => (disclosures.table(index).ok(), open.sealed.as_slice()),
            (None, _) => (None, [].as_slice()),
        };
        if let Err(error) = open.unpacker.bundle(&open.pack, index, &mut open.bundle) {
            bundle_fault(error, &path, index, &mut out.findings);
            *intents = None;
            return None;
        }
        let mut hashes = Vec::with_capacity(tile.len());
        for (place, leaf) in leaves(&open.bundle).enumerate() {
            let sequence = Sequence(first.saturating_add(place as u64));
            let Some(leaf) = leaf else {
                let problem = Problem::Bundle {
                    bundle: index,
                    reason: "it is cut short",
                };
                out.findings.fault(&path, offset, Some(sequence), problem);
                break;
            };
            let hash = leaf_hash(leaf);
            hashes.push(hash);
            if tile.get(place).is_some_and(|stored| *stored != hash) {
                let problem = Problem::Leaf { bundle: index };
                out.findings.fault(&path, offset, Some(sequence), problem);
            }
            let place = table
                .as_ref()
                .and_then(|table| Some((table, table.places.get(place)?)));
            let part = place.and_then(|(table, place)| table.part(place, sealed));
            if let (Some((_, place)), Some(part)) = (place, part)
                && !place.is(part)
                && let Some(disclosures) = &open.disclosures
            {
                let problem = Problem::Frame(WRONG_CHECKSUM);
                let (path, at) = (disclosures.path(), Some(place.offset));
                out.findings.fault(path, at, Some(sequence), problem);
            }
            let stored = Stored {
                path: &path,
                offset,
                sequence,
                kind: None,
                leaf,
                sealed: part,
                signed: self.signed.is_some_and(|signed| sequence.0 < signed),
            };
            let head = Head::read(leaf);
            entry::check(
                &stored,
                head.as_ref(),
                self.keys,
                &mut out.findings,
                |findings, problem| {
                    let (path, at) = match (&problem, &open.disclosures, place) {
                        (
                            Problem::Disclosure(_) | Problem::DisclosureCount { .. },
                            Some(disclosures),
                            Some((_, place)),
                        ) => (disclosures.path(), Some(place.offset)),
                        _ => (path.as_path(), offset),
                    };
                    findings.fault(path, at, Some(sequence), problem);
                },
            );
            match (intents.as_mut(), &head) {
                (Some(intents), Some(head)) => intents.note_head(head, sequence),
                (Some(intents), None) => {
                    if let Some(kind) = kind_of(leaf, sequence) {
                        intents.note(kind, sequence, leaf);
                    }
                }
                (None, _) => {}
            }
        }
        if let Some(size) = self.signed.filter(|size| size / BUNDLE == index) {
            let rest = usize::try_from(size % BUNDLE).unwrap_or(0);
            out.rest = hashes.get(..rest).map(<[Hash]>::to_vec);
        }
        if hashes.len() as u64 == BUNDLE {
            return subtree(&hashes);
        }
        let problem = Problem::Bundle {
            bundle: index,
            reason: "it does not have 256 entries",
        };
        out.findings
            .fault(&path, offset, Some(Sequence(first)), problem);
        None
    }

    /// Reads the sealed parts of a bundle.
    fn read_sealed(&self, open: &mut Open, index: u64, findings: &mut Findings) {
        open.sealed.clear();
        let Some(disclosures) = &open.disclosures else {
            return;
        };
        let read = disclosures
            .table(index)
            .and_then(|table| disclosures.all(&table, &mut open.sealed));
        if let Err(error) = read {
            bundle_fault(error, disclosures.path(), index, findings);
        }
    }
}

/// Notes why a file of a pack cannot be read.
fn fault_of(error: Error, path: &Path, sequence: u64, findings: &mut Findings) {
    let sequence = Some(Sequence(sequence));
    match error {
        Error::Damaged {
            path,
            offset,
            reason,
        } => findings.fault(&path, Some(offset), sequence, Problem::Header(reason)),
        Error::Missing { path } => {
            let problem = Problem::Header("the file is missing");
            findings.fault(&path, None, sequence, problem);
        }
        other => findings.fault(path, None, sequence, Problem::Unreadable(other.to_string())),
    }
}

/// Notes why a bundle cannot be read.
fn bundle_fault(error: Error, path: &Path, bundle: u64, findings: &mut Findings) {
    let sequence = Some(Sequence(bundle.saturating_mul(BUNDLE)));
    match error {
        Error::Damaged {
            path,
            offset,
            reason,
        } => {
            let problem = Problem::Bundle { bundle, reason };
            findings.fault(&path, Some(offset), sequence, problem);
        }
        other => findings.fault(path, None, sequence, Problem::Unreadable(other.to_string())),
    }
}
