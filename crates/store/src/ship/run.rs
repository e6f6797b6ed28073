//! The life of one output: read, deliver, remember.

use std::path::Path;
use std::time::{Duration, Instant};

use ledger::Ledger as _;
use ledger::Sequence;
use ledger::joined::Joined;
use tokio::sync::watch;

use super::cursor::Cursor;
use super::feed::Feed;
use super::sink::{Failure, Sink};
use super::{Output, Start, Status, Stop};
use crate::Store;

/// Entries that come within this time are told together.
const LINGER: Duration = Duration::from_millis(50);
/// Between two moves of the cursor.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// Between two attempts, at first and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How nice the thread is to those that serve (nice(2)).
const NICENESS: i32 = 10;

pub(super) fn run(
    output: &Output,
    store: &Store,
    status: &Status,
    cursor: &Path,
    stop: watch::Receiver<Stop>,
) {
    // What this thread is refused, it does without.
    let _ = rustix::process::nice(NICENESS);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(output, store, status, cursor, stop)),
        Err(error) => status.failed(&format!("cannot start: {error}")),
    }
}

/// Starts anew, from the cursor, after what concerns the ledger or the cursor itself.
async fn serve(
    output: &Output,
    store: &Store,
    status: &Status,
    cursor: &Path,
    mut stop: watch::Receiver<Stop>,
) {
    let mut sink = Sink::new(output, store.origin(), store.version());
    let mut wait = BACKOFF.0;
    loop {
        let begun = Instant::now();
        match follow(output, store, status, cursor, &mut stop, &mut sink).await {
            Ok(()) => return,
            Err(fault) => status.failed(&fault),
        }
        if begun.elapsed() > BACKOFF.1 {
            wait = BACKOFF.0;
        }
        if pause(wait, &mut stop, Stop::CaughtUp).await {
            return;
        }
        wait = (wait * 2).min(BACKOFF.1);
    }
}

/// Waits; true when the output is to end meanwhile, if `on` or more is asked.
async fn pause(time: Duration, stop: &mut watch::Receiver<Stop>, on: Stop) -> bool {
    let asked =
        |stop: &Stop| *stop == Stop::Now || (*stop == Stop::CaughtUp && on == Stop::CaughtUp);
    tokio::select! {
        () = tokio::time::sleep(time) => false,
        _ = stop.wait_for(asked) => true,
    }
}

async fn follow(
    output: &Output,
    store: &Store,
    status: &Status,
    cursor: &Path,
    stop: &mut watch::Receiver<Stop>,
    sink: &mut Sink,
) -> Result<(), String> {
    let mut cursor = Cursor::open(cursor, store.vkey())?;
    let reader = store.reader().map_err(|error| error.to_string())?;
    let (next, open) = cursor.place().unwrap_or_else(|| match output.start {
        Start::First => (Sequence(0), Vec::new()),
        Start::Now => (store.durable(), Vec::new()),
    });
    if next > store.durable() {
        return Err(format!(
            "its cursor is at entry {next}, and the ledger has {}: is it a copy?",
            store.durable()
        ));
    }
    let disclose = sink.disclose();
    let mut feed =
        Feed::resume(store, &reader, &disclose, next, &open).map_err(|error| error.to_string())?;
    status.at(next);
    // So that one that began `Now` and was told of nothing begins there again.
    cursor
        .save(next, &open)
        .map_err(|error| error.to_string())?;
    let mut saved = Instant::now();
    let mut durable = store.progress();
    loop {
        let mut ending = *stop.borrow();
        if ending == Stop::No && !feed.waits() {
            tokio::select! {
                _ = durable.changed() => {
                    if pause(LINGER, stop, Stop::CaughtUp).await {
                        ending = *stop.borrow();
                    }
                }
                _ = stop.changed() => ending = *stop.borrow(),
                () = tokio::time::sleep(SAVE_EVERY) => {}
            }
        }
        if feed.waits() && ending != Stop::Now {
            let batch = feed.batch().map_err(|error| error.to_string())?;
            status.waits(batch.first().map(|joined| joined.told.at_ns));
            if !deliver(sink, status, &batch, stop).await {
                return Ok(());
            }
            status.at(feed.next());
            if !feed.waits() {
                status.waits(None);
            }
        }
        let finished = ending == Stop::Now || (ending == Stop::CaughtUp && !feed.waits());
        if finished || saved.elapsed() >= SAVE_EVERY {
            let settled = sink.settle();
            let moved = settled.and_then(|()| {
                cursor
                    .save(feed.next(), &feed.open())
                    .map_err(|error| error.to_string())
            });
            if finished {
                return Ok(());
            }
            moved?;
            saved = Instant::now();
        }
    }
}

/// Delivers a batch, however long it takes; false if the output is to end before.
async fn deliver(
    sink: &mut Sink,
    status: &Status,
    batch: &[Joined],
    stop: &mut watch::Receiver<Stop>,
) -> bool {
    let mut rest = batch;
    let mut most = rest.len();
    let mut wait = BACKOFF.0;
    while !rest.is_empty() {
        let part = rest.get(..most.min(rest.len())).unwrap_or(rest);
        let told = tokio::select! {
            told = sink.deliver(part) => told,
            _ = stop.wait_for(|stop| *stop == Stop::Now) => return false,
        };
        match told {
            Ok(events) => {
                status.delivered(events);
                rest = rest.get(part.len()..).unwrap_or_default();
                wait = BACKOFF.0;
            }
            Err(Failure::TooLarge(_)) if part.len() > 1 => most = part.len() / 2,
            Err(Failure::TooLarge(what) | Failure::Down(what)) => {
                status.failed(&what);
                if pause(wait, stop, Stop::Now).await {
                    return false;
                }
                wait = (wait * 2).min(BACKOFF.1);
            }
        }
    }
    true
}
