//! Bytes on their way out, and those that may not leave before the ledger is
//! on disk.

use bytes::BytesMut;
use ledger::Sequence;

/// A byte queue with a hold point: everything written after [`Outbox::hold`]
/// stays until the ledger is durable up to the given entry. Order is kept.
#[derive(Debug, Default)]
pub struct Outbox {
    ready: BytesMut,
    held: BytesMut,
    until: Option<Sequence>,
}

impl Outbox {
    /// Where the next bytes go.
    pub fn buffer(&mut self) -> &mut BytesMut {
        if self.until.is_some() {
            &mut self.held
        } else {
            &mut self.ready
        }
    }

    /// Moves a whole buffer to the end of the queue, without copying when the
    /// queue is empty.
    pub fn append(&mut self, bytes: BytesMut) {
        let buffer = self.buffer();
        if buffer.is_empty() {
            *buffer = bytes;
        } else {
            buffer.extend_from_slice(&bytes);
        }
    }

    /// Holds everything written from here on until `sequence` is durable.
    pub fn hold(&mut self, sequence: Sequence) {
        self.until = Some(self.until.map_or(sequence, |s| s.max(sequence)));
    }

    /// Lets held bytes go if `durable` (all entries below it are on disk)
    /// covers them.
    pub fn release(&mut self, durable: Sequence) {
        if self.until.is_some_and(|s| s < durable) {
            self.until = None;
            let held = std::mem::take(&mut self.held);
            self.append(held);
        }
    }

    /// The entry being waited for.
    #[must_use]
    pub fn held_until(&self) -> Option<Sequence> {
        self.until
    }

    /// Bytes that may be written to the socket; the caller consumes them.
    pub fn ready(&mut self) -> &mut BytesMut {
        &mut self.ready
    }

    /// Bytes queued, held ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ready.len() + self.held.len()
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives unused memory back; for idle sessions.
    pub fn shrink(&mut self) {
        if self.ready.is_empty() {
            self.ready = BytesMut::new();
        }
        if self.held.is_empty() {
            self.held = BytesMut::new();
        }
    }
}
