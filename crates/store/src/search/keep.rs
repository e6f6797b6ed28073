//! Keeping the index while the gateway runs: a thread of low priority that follows
//! the durable entries, holds the newest in memory and seals them.
//!
//! What it knows it learns from the ledger, so it may be killed at any moment: it goes
//! on where the last sound segment ends.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use ledger::{Ledger as _, Sequence};
use tokio::sync::watch;

use super::batch::{self, Shared};
use super::build::{self, SEGMENT_ENTRIES, pieces};
use super::error::Error;
use super::index::{Index, Place, Segment};
use super::rows::{Rows, Session, fill};
use super::snapshot::{Searcher, Snapshot};
use crate::Store;
use crate::read::{Entries, Reader};

/// Between two looks at the ledger: with the 10 ms until entries are durable, less
/// than the 100 ms after which they have to be found.
const LOOK: Duration = Duration::from_millis(40);
/// Between two attempts after a fault.
const RETRY: Duration = Duration::from_secs(5);
/// Entries that are taken at once, so that who asks does not wait.
const AT_ONCE: u64 = 4096;
/// Lowest priority there is (`nice`).
const NICE: i32 = 19;

/// How an index is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Entries of a full segment; as many are held in memory.
    pub segment_entries: u64,
    /// After this time a segment is sealed that is not full; it is replaced later.
    pub seal_after: Duration,
}

impl Default for Keeping {
    fn default() -> Self {
        Keeping {
            segment_entries: SEGMENT_ENTRIES,
            seal_after: Duration::from_secs(15 * 60),
        }
    }
}

/// The thread that keeps an index. Dropping it stops it.
#[derive(Debug)]
pub struct Keeper {
    hot: Hot,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What the gateway knows without reading: the newest entries, and which segments
/// there are.
#[derive(Clone, Debug, Default)]
pub struct Hot {
    /// Taken before `made`, where both are.
    rows: Arc<RwLock<Rows>>,
    made: Arc<Mutex<Made>>,
}

#[derive(Default)]
struct Made {
    searcher: Option<Searcher>,
    /// They end where the rows begin.
    segments: Vec<Arc<Segment>>,
    /// Entries before this one are not found.
    minimum: u64,
    /// Of the rows, but for those that changed.
    batches: Vec<RecordBatch>,
    changed: BTreeSet<usize>,
}

/// Rows stay out of logs.
impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made")
            .field("segments", &self.segments.len())
            .finish_non_exhaustive()
    }
}

impl Keeper {
    /// Begins to keep the index of this ledger in a place. `report` hears of faults;
    /// they never reach the ledger, and what failed is tried again.
    ///
    /// # Errors
    /// [`crate::Error::Thread`].
    pub fn start(
        store: &Arc<Store>,
        place: Place,
        keeping: Keeping,
        report: impl Fn(&Error) + Send + 'static,
    ) -> Result<Keeper, Error> {
        let hot = Hot::default();
        let (stop, stopped) = watch::channel(false);
        let work = Work {
            store: Arc::clone(store),
            place,
            keeping,
            hot: hot.clone(),
            stopped,
        };
        let thread = std::thread::Builder::new()
            .name("weir-search".into())
            .spawn(move || work.run(&report))
            .map_err(crate::Error::Thread)?;
        Ok(Keeper {
            hot,
            stop,
            thread: Some(thread),
        })
    }

    /// What can be searched at once.
    #[must_use]
    pub fn hot(&self) -> Hot {
        self.hot.clone()
    }

    /// Stops. What is not sealed is read from the ledger again next time.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Hot {
    fn rows(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the rows, and hands on which of them.
    fn change<T>(&self, change: impl FnOnce(&mut Rows, &mut Made) -> T) -> T {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let mut made = self.made();
        let result = change(&mut rows, &mut made);
        made.changed.append(&mut rows.take_changed());
        result
    }

    /// Entries before this one are found by [`Hot::snapshot`].
    #[must_use]
    pub fn searchable(&self) -> u64 {
        self.rows().to
    }

    /// What is known at this moment; `None` until the thread has read the index.
    ///
    /// # Errors
    /// [`Error::Make`].
    pub async fn snapshot(&self) -> Result<Option<Snapshot>, Error> {
        let (searcher, segments, memory, minimum) = {
            let rows = self.rows();
            let mut made = self.made();
            let Some(searcher) = made.searcher.clone() else {
                return Ok(None);
            };
            made.refresh(&rows)?;
            let memory = made.batches.clone();
            (searcher, made.segments.clone(), memory, made.minimum)
        };
        searcher.of(segments, memory, minimum).await.map(Some)
    }
}

impl Made {
    /// Makes the batches that are not as the rows are.
    fn refresh(&mut self, rows: &Rows) -> Result<(), Error> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let shared = Shared::of(rows);
        while let Some(number) = self.changed.first().copied() {
            let batch = batch::batch(&rows.batch(number), &shared);
            let batch = batch.map_err(Error::make)?;
            match self.batches.get_mut(number) {
                Some(old) => *old = batch,
                None => self.batches.push(batch),
            }
            self.changed.remove(&number);
        }
        Ok(())
    }
}

/// What the thread has.
struct Work {
    store: Arc<Store>,
    place: Place,
    keeping: Keeping,
    hot: Hot,
    stopped: watch::Receiver<bool>,
}

impl Work {
    fn run(self, report: &dyn Fn(&Error)) {
        let _ = rustix::process::setpriority_process(None, NICE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let mut stopped = self.stopped.clone();
            let stop = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            tokio::select! {
                () = stop => {}
                () = self.forever(report) => {}
            }
        });
    }

    async fn forever(&self, report: &dyn Fn(&Error)) {
        let mut last = String::new();
        loop {
            let Err(error) = self.keep().await else {
                return;
            };
            // Once for every fault, not for every attempt.
            let text = error.to_string();
            if text != last {
                report(&error);
                last = text;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Keeps the index until something fails.
    async fn keep(&self) -> Result<(), Error> {
        let reader = self.store.reader()?;
        let index = Index::create(&reader, &self.place)?;
        let (mut from, open) = self.begin(&reader, &index).await?;
        self.hot.change(|rows, _| *rows = Rows::new(from, open));
        let mut entries = reader.entries(Sequence(from));
        let mut progress = self.store.progress();
        let (mut sealed, mut sealed_to) = (Instant::now(), from);
        loop {
            progress.mark_unchanged();
            let durable = self.store.durable().0;
            let full = pieces(from..u64::MAX, self.keeping.segment_entries);
            let full = full.map(|piece| piece.end).next().unwrap_or(u64::MAX);
            let until = durable.min(full);
            let to = self.take(&mut entries, until)?;
            let due = to > sealed_to && sealed.elapsed() >= self.keeping.seal_after;
            if to == full || due {
                let bytes = build::bytes(&index, &self.hot.rows())?;
                index.put(from, to, bytes).await?;
                (sealed, sealed_to) = (Instant::now(), to);
                index.prune(reader.minimum()?.0).await?;
                let layout = index.layout().await?;
                index.remove(&layout.superseded).await?;
                self.hot.made().minimum = layout.minimum;
                if to == full {
                    from = to;
                    self.hot.change(|rows, made| {
                        *rows = Rows::new(to, rows.open_after());
                        made.segments = layout.segments;
                        made.batches.clear();
                        made.changed.clear();
                    });
                }
            } else if to < until {
                tokio::task::yield_now().await;
            } else {
                let wait = self.keeping.seal_after.saturating_sub(sealed.elapsed());
                // Woken by what is durable, or when there is something to seal.
                let _ = tokio::time::timeout(wait.max(LOOK), progress.changed()).await;
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Takes entries into memory; tells where they end.
    fn take(&self, entries: &mut Entries<'_>, until: u64) -> Result<u64, Error> {
        self.hot.change(|rows, _| {
            let until = until.min(rows.to.saturating_add(AT_ONCE));
            fill(rows, entries, until)?;
            Ok(rows.to)
        })
    }

    /// Brings the index in order. Tells where the entries begin that are to be held in
    /// memory, and which sessions are open there.
    async fn begin(&self, reader: &Reader, index: &Index) -> Result<(u64, Vec<Session>), Error> {
        index.prune(reader.minimum()?.0).await?;
        let layout = index.layout().await?;
        let mut removed = layout.superseded;
        let mut segments = layout.segments;
        // A ledger that was put back to an earlier state went on differently.
        while let Some(last) = segments.last() {
            if last.about.to <= self.store.durable().0 && build::fits(reader, last)? {
                break;
            }
            removed.extend(
                segments
                    .pop()
                    .map(|segment| segment.object.location.clone()),
            );
        }
        index.remove(&removed).await?;
        // One that is not full is held in memory again, and replaced.
        let each = self.keeping.segment_entries.max(1);
        if segments
            .last()
            .is_some_and(|last| last.about.to % each != 0)
        {
            segments.pop();
        }
        let mut next = layout.minimum;
        let mut open = Vec::new();
        let mut sound: Vec<Arc<Segment>> = Vec::new();
        for segment in segments {
            if segment.about.from > next {
                self.mend(reader, index, next..segment.about.from, open)
                    .await?;
            }
            next = segment.about.to;
            open = index.dictionaries(&segment).await?.open_after();
            sound.push(segment);
        }
        // What is complete is sealed piece by piece, not held.
        let end = self.store.durable().0 / each * each;
        if end > next {
            open = self.mend(reader, index, next..end, open).await?;
            next = end;
        }
        let layout = index.layout().await?;
        let searcher = Searcher::new(index.clone())?;
        let segments = layout
            .segments
            .into_iter()
            .filter(|segment| segment.about.to <= next);
        let segments = segments.collect();
        self.hot.change(|rows, made| {
            *rows = Rows::new(next, open.iter().cloned());
            *made = Made {
                searcher: Some(searcher),
                segments,
                minimum: layout.minimum,
                ..Made::default()
            };
        });
        Ok((next, open))
    }

    /// Makes the segments that are missing; tells which sessions are open afterwards.
    async fn mend(
        &self,
        reader: &Reader,
        index: &Index,
        range: Range<u64>,
        mut open: Vec<Session>,
    ) -> Result<Vec<Session>, Error> {
        for piece in pieces(range, self.keeping.segment_entries) {
            let rows = build::rows(reader, &piece, open)?;
            index
                .put(piece.start, piece.end, build::bytes(index, &rows)?)
                .await?;
            open = rows.open_after();
            tokio::task::yield_now().await;
        }
        Ok(open)
    }
}
