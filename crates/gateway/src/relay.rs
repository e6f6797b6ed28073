//! Moving bytes between a client, the session machine and a server.
//!
//! One task per session, one pass per wake-up: write what can be written, read
//! what is there, hand it to the machine. Buffers are bounded: a client that
//! stops reading stops the server from being read.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use ledger::event::{Cancel, CancelledBy, CloseReason};
use ledger::{Ledger, Sequence};
use session::Catalogs;
use session::postgres::{End, Machine, Waiting};
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::metrics::{Clock, Stamp, Worker};
use crate::stream::Stream;
use crate::target::Target;
use crate::upstream::{CancelKey, Failure};

/// The server is not read while this much waits for the client, bytes.
const CLIENT_BACKLOG_BYTES: usize = 512 * 1024;
/// Client bytes beyond a message in progress are not read, bytes.
const READ_AHEAD_BYTES: usize = 128 * 1024;
const SMALL_READ_BYTES: usize = 8 * 1024;
const LARGE_READ_BYTES: usize = 64 * 1024;
/// Bytes moved before other sessions get their turn.
const FAIR_SHARE_BYTES: usize = 4 * 1024 * 1024;

/// Why a session is told to end from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stop {
    /// The process ends: once the session is at rest.
    Drain = 1,
    /// The process ends now.
    Shutdown = 2,
    /// Its access key was revoked, or its principal or target changed.
    Revoked = 3,
    /// It was told to end, and its client does not take the news: at once.
    Forsaken = 4,
}

/// A session seen from outside.
pub(crate) struct Control {
    pub session: Arc<str>,
    pub key: identity::KeyId,
    pub principal: identity::Principal,
    pub human: Option<identity::Principal>,
    pub target: Arc<Target>,
    pub cancel: CancelKey,
    stop: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Control {
    pub(crate) fn new(
        session: Arc<str>,
        key: identity::KeyId,
        principal: identity::Principal,
        human: Option<identity::Principal>,
        target: Arc<Target>,
        cancel: CancelKey,
    ) -> Self {
        Self {
            session,
            key,
            principal,
            human,
            target,
            cancel,
            stop: AtomicU8::new(0),
            waker: Mutex::new(None),
        }
    }

    /// Tells the session to end.
    pub(crate) fn stop(&self, why: Stop) {
        self.stop.fetch_max(why as u8, Ordering::AcqRel);
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            waker.wake();
        }
    }

    /// Registers the session's task to be woken by [`Control::stop`].
    fn register(&self, cx: &Context<'_>) {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
    }

    fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::Acquire) {
            1 => Some(Stop::Drain),
            2 => Some(Stop::Shutdown),
            3 => Some(Stop::Revoked),
            4 => Some(Stop::Forsaken),
            _ => None,
        }
    }

    /// Passes a client's cancel request on, and records it.
    pub(crate) async fn cancel(&self, ledger: &dyn Ledger, by: CancelledBy) -> Result<(), Failure> {
        let event = Cancel {
            session: Arc::clone(&self.session),
            intent: None,
            by,
        };
        // A cancel request is served whether or not it can be recorded: it only ends work.
        let _ = ledger.append(event.into());
        self.target.endpoint.cancel(&self.cancel).await
    }
}

/// The two legs and what is known of them.
pub(crate) struct Legs {
    pub client: Stream,
    pub upstream: Stream,
    pub from_client: BytesMut,
    pub from_upstream: BytesMut,
}

/// Runs a session to its end; gives the reason for the closing entry.
pub(crate) async fn run(
    mut legs: Legs,
    machine: &mut Machine,
    control: &Arc<Control>,
    store: &Arc<Store>,
    worker: &Worker,
) -> CloseReason {
    let mut timing = Timing {
        clock: Clock::new(),
        request: Stamp::default(),
        response: Stamp::default(),
    };
    let mut waiting = Waiting::Nothing;
    let mut fed = false;
    loop {
        let turn = Turn {
            legs: &mut legs,
            machine,
            control,
            store,
            worker,
            timing: &mut timing,
            waiting,
            fed,
        };
        match turn.await {
            Event::End(reason) => {
                finish(&mut legs, machine).await;
                if let Some(number) = machine.unsettled() {
                    settle_when_closed(legs.upstream, Arc::clone(&control.target), number);
                }
                return reason;
            }
            Event::Yield(now_waiting) => {
                waiting = now_waiting;
                tokio::task::yield_now().await;
            }
            Event::AwaitLedger(sequence) => {
                // Rows of earlier statements are not kept waiting: only this
                // task sleeps, and what it may send was sent.
                if store.wait_durable(sequence).await.is_err() {
                    machine.terminate(
                        "58030",
                        "Weir's ledger cannot be written; the statement was not run",
                        End::Ledger,
                    );
                }
                machine.durable(store.durable());
            }
            Event::AwaitCatalog(generation) => {
                let wait = control.target.generation(generation);
                if tokio::time::timeout(control.target.endpoint.connect(), wait)
                    .await
                    .is_err()
                {
                    machine.terminate(
                        "57P03",
                        "the database's catalog cannot be read, so statements cannot be judged",
                        End::Ledger,
                    );
                }
                waiting = Waiting::Nothing;
            }
            Event::Cancel => {
                let control = Arc::clone(control);
                tokio::task::spawn_local(async move {
                    let _ = control.target.endpoint.cancel(&control.cancel).await;
                });
            }
        }
        fed = true;
    }
}

/// Says goodbye on both legs, briefly.
async fn finish(legs: &mut Legs, machine: &mut Machine) {
    let goodbye = async {
        let _ = legs.client.send(machine.to_client().ready()).await;
        let mut out = BytesMut::new();
        if !matches!(machine.end(), Some(End::Client)) {
            wire::postgres::encode::terminate(&mut out);
        }
        let _ = legs.upstream.send(machine.to_upstream().ready()).await;
        let _ = legs.upstream.send(&mut out).await;
    };
    let _ = tokio::time::timeout(std::time::Duration::from_secs(2), goodbye).await;
}

/// What the session last sent may still commit definitions, until the server
/// closes the connection.
fn settle_when_closed(mut upstream: Stream, target: Arc<Target>, number: u64) {
    tokio::task::spawn_local(async move {
        let mut last = BytesMut::new();
        while upstream.read_buf(&mut last).await.is_ok_and(|n| n > 0) {
            last.clear();
        }
        let generation = target.definitions_changed();
        target.definitions().settle(number, generation);
    });
}

enum Event {
    End(CloseReason),
    Yield(Waiting),
    AwaitLedger(Sequence),
    AwaitCatalog(u64),
    Cancel,
}

/// What a session knows of time.
struct Timing {
    clock: Clock,
    request: Stamp,
    response: Stamp,
}

/// One wait for anything to do.
struct Turn<'a> {
    legs: &'a mut Legs,
    machine: &'a mut Machine,
    control: &'a Arc<Control>,
    store: &'a Arc<Store>,
    worker: &'a Worker,
    timing: &'a mut Timing,
    waiting: Waiting,
    fed: bool,
}

impl Future for Turn<'_> {
    type Output = Event;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Event> {
        self.get_mut().poll_turn(cx)
    }
}

impl Turn<'_> {
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let mut moved = 0;
        // Bytes already read (with the start-up, or while the machine waited).
        let mut pending_client = !self.legs.from_client.is_empty() || !self.fed;
        if !self.legs.from_upstream.is_empty() {
            self.feed_upstream();
        }
        loop {
            if let Some(stop) = self.control.stopped() {
                self.stop(stop);
                if stop == Stop::Forsaken {
                    return Poll::Ready(Event::End(reason(self.machine)));
                }
            }
            let mut progress = false;

            // Out.
            match self.write(cx) {
                Ok(written) => progress |= written,
                Err(event) => return Poll::Ready(event),
            }
            if self.machine.end().is_some()
                && self.machine.to_client().is_empty()
                && self.machine.to_upstream().is_empty()
            {
                return Poll::Ready(Event::End(reason(self.machine)));
            }
            if self.machine.wishes().cancel {
                return Poll::Ready(Event::Cancel);
            }

            // In from the server.
            if self.machine.end().is_none()
                && self.machine.awaits_catalog().is_none()
                && self.machine.to_client().len() < CLIENT_BACKLOG_BYTES
            {
                match read(&mut self.legs.upstream, cx, &mut self.legs.from_upstream) {
                    Poll::Ready(Ok(0)) => {
                        self.machine.terminate(
                            "57P01",
                            "the database closed the connection",
                            End::UpstreamProtocol("connection closed"),
                        );
                        progress = true;
                    }
                    Poll::Ready(Ok(n)) => {
                        moved += n;
                        progress = true;
                        self.feed_upstream();
                        pending_client |= !self.legs.from_client.is_empty();
                    }
                    Poll::Ready(Err(_)) => {
                        self.machine.terminate(
                            "57P01",
                            "the connection to the database was lost",
                            End::UpstreamProtocol("connection lost"),
                        );
                        progress = true;
                    }
                    Poll::Pending => {}
                }
            }

            // In from the client.
            let may_read = match self.waiting {
                Waiting::Nothing => true,
                Waiting::Upstream | Waiting::Catalog(_) | Waiting::Output => {
                    self.legs.from_client.len() < READ_AHEAD_BYTES
                }
            };
            if self.machine.end().is_none() && may_read {
                match read(&mut self.legs.client, cx, &mut self.legs.from_client) {
                    Poll::Ready(Ok(0) | Err(_)) => {
                        return Poll::Ready(Event::End(CloseReason::ClientLost));
                    }
                    Poll::Ready(Ok(n)) => {
                        moved += n;
                        progress = true;
                        pending_client = true;
                    }
                    Poll::Pending => {}
                }
            }
            if pending_client || (progress && !self.legs.from_client.is_empty()) {
                pending_client = false;
                self.feed_client();
                progress |= !self.machine.to_upstream().ready().is_empty()
                    || !self.machine.to_client().ready().is_empty();
            }

            if !progress {
                break;
            }
            if moved > FAIR_SHARE_BYTES {
                return Poll::Ready(Event::Yield(self.waiting));
            }
        }

        if let Some(sequence) = self.machine.awaited() {
            if self.store.durable() > sequence {
                self.machine.durable(self.store.durable());
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            // The registered wakers of both sockets stay; sleep on the ledger.
            return Poll::Ready(Event::AwaitLedger(sequence));
        }
        if let Some(generation) = self.machine.awaits_catalog() {
            return Poll::Ready(Event::AwaitCatalog(generation));
        }
        if let Waiting::Catalog(generation) = self.waiting {
            return Poll::Ready(Event::AwaitCatalog(generation));
        }
        self.control.register(cx);
        if self.control.stopped().is_some_and(|stop| match stop {
            Stop::Drain => self.machine.at_rest(),
            // Acted on already, unless it came just now.
            Stop::Shutdown | Stop::Revoked => self.machine.end().is_none(),
            Stop::Forsaken => true,
        }) {
            cx.waker().wake_by_ref();
        }
        self.rest();
        Poll::Pending
    }

    fn feed_upstream(&mut self) {
        let (at, now) = self.timing.clock.now();
        let world = self.control.target.world();
        self.machine
            .upstream(&mut self.legs.from_upstream, &world, now);
        let waits = !self.machine.to_client().is_empty();
        self.timing.response.came(at, waits);
    }

    fn feed_client(&mut self) {
        let (at, now) = self.timing.clock.now();
        let world = self.control.target.world();
        self.waiting = self.machine.client(&mut self.legs.from_client, &world, now);
        let waits = !self.machine.to_upstream().is_empty() || self.waiting != Waiting::Nothing;
        self.timing.request.came(at, waits);
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Event> {
        let mut progress = false;
        let legs = &mut *self.legs;
        let out = self.machine.to_upstream().ready();
        if !out.is_empty() {
            while !out.is_empty() {
                match legs.upstream.poll_from(cx, out) {
                    Poll::Ready(Ok(_)) => progress = true,
                    // What the server still says is read below.
                    Poll::Ready(Err(_)) => {
                        out.clear();
                        break;
                    }
                    Poll::Pending => {
                        self.timing.request.stalled();
                        break;
                    }
                }
            }
            let _ = flush(&mut legs.upstream, cx);
            if self.waiting == Waiting::Nothing && self.machine.to_upstream().is_empty() {
                self.timing.request.went(&self.worker.request);
            }
        }
        let out = self.machine.to_client().ready();
        if !out.is_empty() {
            while !out.is_empty() {
                match legs.client.poll_from(cx, out) {
                    Poll::Ready(Ok(_)) => progress = true,
                    Poll::Ready(Err(_)) => return Err(Event::End(CloseReason::ClientLost)),
                    Poll::Pending => {
                        self.timing.response.stalled();
                        break;
                    }
                }
            }
            let _ = flush(&mut legs.client, cx);
            if self.machine.to_client().is_empty() {
                self.timing.response.went(&self.worker.response);
            }
        }
        Ok(progress)
    }

    fn stop(&mut self, stop: Stop) {
        match stop {
            Stop::Drain if !self.machine.at_rest() => {}
            Stop::Drain | Stop::Shutdown => {
                self.machine.terminate(
                    "57P01",
                    "Weir is shutting down; connect again",
                    End::Shutdown,
                );
            }
            Stop::Revoked | Stop::Forsaken => {
                self.machine.terminate(
                    "57P01",
                    "the access key was revoked, or its principal or database was configured anew; connect again",
                    End::Revoked,
                );
            }
        }
    }

    /// An idle session keeps no buffers.
    fn rest(&mut self) {
        if self.legs.from_client.is_empty() && self.legs.from_client.capacity() > 0 {
            self.legs.from_client = BytesMut::new();
        }
        if self.legs.from_upstream.is_empty() && self.legs.from_upstream.capacity() > 0 {
            self.legs.from_upstream = BytesMut::new();
        }
        self.machine.shrink();
    }
}

/// Reads once; a buffer that was filled grows for the next time.
fn read(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<std::io::Result<usize>> {
    let want = if buffer.len() >= SMALL_READ_BYTES || buffer.capacity() >= LARGE_READ_BYTES {
        LARGE_READ_BYTES
    } else {
        SMALL_READ_BYTES
    };
    if buffer.capacity() - buffer.len() < want / 2 {
        buffer.reserve(want);
    }
    stream.poll_into(cx, buffer)
}

fn flush(stream: &mut Stream, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
    match stream {
        Stream::Plain(_) => Poll::Ready(Ok(())),
        Stream::Accepted(_) | Stream::Opened(_) => AsyncWrite::poll_flush(Pin::new(stream), cx),
    }
}

fn reason(machine: &Machine) -> CloseReason {
    match machine.end() {
        Some(End::Client) | None => CloseReason::Terminated,
        Some(End::ClientProtocol(_)) => CloseReason::Protocol,
        Some(End::Upstream | End::UpstreamProtocol(_)) => CloseReason::UpstreamLost,
        Some(End::Ledger) => CloseReason::Ledger,
        Some(End::Shutdown) => CloseReason::Shutdown,
        Some(End::Revoked) => CloseReason::Revoked,
    }
}
