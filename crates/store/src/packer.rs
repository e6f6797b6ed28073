//! The thread that seals full segments into packs.
//!
//! It never touches what is not under a signed checkpoint, holds none of the locks that
//! appending needs while it works, and runs at the lowest priority. Order of safety,
//! each durable before the next: disclosures, tiles, entries, removal of the segments.
//! A crash in between leaves files that opening removes, or segments whose entries are
//! in a pack already.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledger::merkle::{Frontier, Hash};
use ledger::{Kind, Sequence};

use crate::disk::Mode;
use crate::log::Log;
use crate::pack::recover::Sealed;
use crate::pack::upper::Addition;
use crate::pack::write::Writer;
use crate::pack::{BUNDLE, MAX_BUNDLES, OpenIntents, Span};
use crate::scan::{Cursor, Found};
use crate::segment::{self, Layout};
use crate::{Error, erase, files};

/// Time between attempts after a failure, and between looks at the retention.
const RETRY: Duration = Duration::from_secs(5);

/// Lowest priority of a thread.
const NICE: i32 = 19;

/// Roots of bundles as the committer, or recovery, hashed them: a segment is sealed
/// only if what the disk gives back has the same.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    /// Index of the first bundle.
    first: u64,
    roots: VecDeque<Hash>,
}

impl Roots {
    /// The roots of bundles from entry `from` on.
    pub(crate) fn new(from: u64, roots: Vec<Hash>) -> Roots {
        Roots {
            first: from / BUNDLE,
            roots: roots.into(),
        }
    }

    pub(crate) fn push(&mut self, root: Hash) {
        self.roots.push_back(root);
    }

    fn of(&self, index: u64) -> Option<Hash> {
        let at = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.roots.get(at).copied()
    }

    /// Forgets those of bundles before entry `end`.
    fn forget(&mut self, end: u64) {
        while self.first < end / BUNDLE && self.roots.pop_front().is_some() {
            self.first = self.first.saturating_add(1);
        }
    }
}

/// How the packer is told.
#[derive(Default)]
pub(crate) struct Packing {
    /// Whether a segment became full that may be sealed once it is signed.
    full: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    wanted: bool,
    stopping: bool,
    fault: Option<String>,
}

impl Packing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A segment is full.
    pub(crate) fn segment_is_full(&self) {
        self.full.store(true, Ordering::Release);
    }

    /// A checkpoint was written.
    pub(crate) fn signed(&self) {
        if self.full.swap(false, Ordering::AcqRel) {
            self.state().wanted = true;
            self.wake.notify_all();
        }
    }

    /// Ends the packer after the bundle it works on.
    pub(crate) fn stop(&self) {
        self.state().stopping = true;
        self.wake.notify_all();
    }

    fn stopping(&self) -> bool {
        self.state().stopping
    }

    /// Why segments are not sealed.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    /// Waits for something to do; false when it is to end.
    fn wait(&self) -> bool {
        let mut state = self.state();
        if !state.wanted && !state.stopping {
            (state, _) = self
                .wake
                .wait_timeout(state, RETRY)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.wanted = false;
        !state.stopping
    }
}

impl Log {
    pub(crate) fn roots(&self) -> MutexGuard<'_, Roots> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What only the packer touches.
pub(crate) struct Packer {
    pub(crate) log: Arc<Log>,
    /// The tree of sealed bundles.
    bundles: Frontier,
    /// Intents that were open at the end of what is sealed.
    open: OpenIntents,
    /// Why it is not known whether the last pack is there; opening again tells.
    doubt: Option<String>,
}

impl Packer {
    pub(crate) fn new(log: Arc<Log>, sealed: Sealed) -> Packer {
        Packer {
            log,
            bundles: sealed.bundles,
            open: sealed.open,
            doubt: None,
        }
    }

    /// Works until it is stopped.
    pub(crate) fn run(packer: &Mutex<Packer>, log: &Log) {
        // Without it, sealing only takes more from others.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
        loop {
            let mut packer = packer.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = packer.seal_all();
            drop(packer);
            if !log.packing.wait() {
                return;
            }
        }
    }

    /// Seals what can be sealed.
    pub(crate) fn seal_all(&mut self) -> Result<(), Error> {
        let sealed = loop {
            if let Some(reason) = &self.doubt {
                let reason = reason.clone();
                break Err(Error::Doubt { reason });
            }
            match self.seal() {
                Ok(true) if !self.log.packing.stopping() => {}
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.log.packing.state().fault = sealed.as_ref().err().map(ToString::to_string);
        sealed
    }

    /// Makes one pack, if there is enough for one.
    fn seal(&mut self) -> Result<bool, Error> {
        let log = Arc::clone(&self.log);
        let layout = segment::layout(&*log.disk, &log.dir, &log.log_id)?;
        let Some(span) = self.next_pack(&layout)? else {
            return Ok(false);
        };
        let mut writer = Writer::create(&*log.disk, &log.dir, span, log.log_id)?;
        let mut open = self.open.clone();
        match self.fill(&layout, span, &mut writer, &mut open) {
            Ok(true) => {}
            Ok(false) => {
                writer.abandon(&*log.disk);
                return Ok(false);
            }
            Err(error) => {
                writer.abandon(&*log.disk);
                return Err(error);
            }
        }
        let addition = Addition::new(self.bundles.clone(), writer.roots());
        let finished = writer.finish(&*log.disk, &log.dir, &open)?;
        addition.write(&*log.disk, &log.dir)?;
        finished
            .publish(&*log.disk, &log.dir)
            .inspect_err(|error| self.doubt = Some(error.to_string()))?;
        self.bundles = addition.frontier;
        self.open = open;
        log.sealed.store(span.end, Ordering::Release);
        log.roots().forget(span.end);
        self.remove_sealed(&layout, span.end)?;
        Ok(true)
    }

    /// Which entries the next pack gets: those of full segments that together have the
    /// size of one, and as many of the next as complete the last bundle. All of them
    /// are under a checkpoint.
    fn next_pack(&self, layout: &Layout) -> Result<Option<Span>, Error> {
        let log = &self.log;
        let signed = log.signed.load(Ordering::Acquire);
        let first = log.sealed.load(Ordering::Acquire);
        let (mut bytes, mut end) = (0_u64, None);
        for segment in &layout.segments {
            let Some(until) = segment.until.map(|until| until.0) else {
                break;
            };
            if until <= first {
                files::remove_if_there(&*log.disk, &segment.path)?;
                continue;
            }
            let complete = until.next_multiple_of(BUNDLE);
            if complete > signed {
                // It is looked at again after the next checkpoint.
                log.packing.segment_is_full();
                break;
            }
            let file = log.disk.open(&segment.path, Mode::Read);
            let file = file.map_err(Error::io("open", &segment.path))?;
            let length = file.length().map_err(Error::io("read", &segment.path))?;
            bytes = bytes.saturating_add(length);
            end = Some(complete);
            if bytes >= log.options.segment_bytes {
                break;
            }
        }
        // Small segments are those of a gateway that was started often.
        let enough = bytes >= log.options.segment_bytes / 2;
        let most = first.saturating_add(MAX_BUNDLES * BUNDLE);
        let end = end.map(|end| end.min(most));
        Ok(end
            .filter(|end| enough && *end > first)
            .map(|end| Span { first, end }))
    }

    /// Writes the entries of `span`; false if it was stopped.
    fn fill(
        &self,
        layout: &Layout,
        span: Span,
        writer: &mut Writer,
        open: &mut OpenIntents,
    ) -> Result<bool, Error> {
        let log = &self.log;
        let mut next = span.first;
        for segment in &layout.segments {
            let until = segment.until.map_or(u64::MAX, |until| until.0);
            if until <= next || next >= span.end {
                continue;
            }
            let mut cursor = Cursor::open(&*log.disk, segment)?;
            while next < span.end {
                let offset = cursor.offset();
                let frame = match cursor.next()? {
                    Found::Frame(frame, _) => frame,
                    Found::End => break,
                    Found::Damaged(reason) => {
                        return Err(Error::Damaged {
                            path: segment.path.clone(),
                            offset,
                            reason,
                        });
                    }
                };
                if frame.sequence.0 < next {
                    continue;
                }
                if frame.sequence.0 > next {
                    break;
                }
                if frame.kind == Kind::Erasure {
                    // Opening finishes an erasure that was interrupted, if the log has it.
                    log.keys.erase(&erase::keys_of(frame.leaf), log.now_ns())?;
                }
                let root = writer.push(frame.leaf, frame.sealed)?;
                open.note(frame.kind, frame.sequence, frame.leaf);
                if let Some(root) = root {
                    let index = next / BUNDLE;
                    if log.roots().of(index) != Some(root) {
                        return Err(Error::Disagrees {
                            reason: format!(
                                "{} does not give back what was written: entries {} to {next}",
                                segment.path.display(),
                                index.saturating_mul(BUNDLE),
                            ),
                        });
                    }
                    if log.packing.stopping() {
                        return Ok(false);
                    }
                }
                next = next.saturating_add(1);
            }
        }
        if next == span.end {
            return Ok(true);
        }
        Err(Error::Disagrees {
            reason: format!("entry {} cannot be read from the log", Sequence(next)),
        })
    }

    /// Removes the segments whose entries are sealed.
    fn remove_sealed(&self, layout: &Layout, end: u64) -> Result<(), Error> {
        for segment in &layout.segments {
            if segment.until.is_some_and(|until| until.0 <= end) {
                files::remove_if_there(&*self.log.disk, &segment.path)?;
            }
        }
        Ok(())
    }
}
