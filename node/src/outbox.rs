//! What others have for a connection: messages of channels, the reply to a command that has waited.
//!
//! Whoever has something appends it to the connection's [`Outbox`] and wakes its task, which alone writes to the socket. An
//! outbox that grows past `client-output-buffer-limit` ends the connection: it does not read. So does what the task itself has to write and
//! cannot, of which the outbox is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use slotway_core::time::UnixMs;
use slotway_engine::config::OutputLimit;
use slotway_engine::session::ClientId;

/// The outboxes of the connections of one node, which numbers them.
#[derive(Default)]
pub(crate) struct Outboxes {
    next_id: AtomicU64,
    open: Mutex<BTreeMap<ClientId, Arc<Outbox>>>,
}

/// What waits to be written to one connection.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Something has come since the task last looked.
    is_called: AtomicBool,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// How many bytes more the task has, which the client does not take.
    unsent: usize,
    /// Since when there have been more bytes than the soft limit allows.
    over_soft_limit_since: Option<UnixMs>,
    /// The same of what the task has taken: it goes on if the client does not take it from there.
    taken_since: Option<UnixMs>,
}

impl Outboxes {
    /// A number that no connection has had: 1 at first, as in Redis.
    pub(crate) fn next_id(&self) -> ClientId {
        ClientId(self.next_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// The outbox of a new connection.
    pub(crate) fn open(&self, id: ClientId) -> Arc<Outbox> {
        Arc::clone(self.open.lock().entry(id).or_default())
    }

    /// The connection is gone.
    pub(crate) fn close(&self, id: ClientId) {
        self.open.lock().remove(&id);
    }

    /// The outbox of an open connection.
    pub(crate) fn get(&self, id: ClientId) -> Option<Arc<Outbox>> {
        self.open.lock().get(&id).map(Arc::clone)
    }
}

impl Outbox {
    /// Appends bytes and wakes the connection's task. False if there are now more than `limit` allows.
    pub(crate) fn push(&self, bytes: &[u8], limit: OutputLimit, now: UnixMs) -> bool {
        let is_within = {
            let mut waiting = self.waiting.lock();
            waiting.bytes.extend_from_slice(bytes);
            waiting.is_within(limit, now)
        };
        self.is_called.store(true, Ordering::Release);
        self.waker.wake();
        is_within
    }

    /// Whether what waits keeps to `limit`.
    pub(crate) fn is_within(&self, limit: OutputLimit, now: UnixMs) -> bool {
        self.waiting.lock().is_within(limit, now)
    }

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Notes how many bytes the connection's task has to write, while the client does not take them.
    pub(crate) fn note_unsent(&self, len: usize) {
        let mut waiting = self.waiting.lock();
        waiting.unsent = len;
        if len > 0 {
            waiting.over_soft_limit_since = waiting.over_soft_limit_since.or(waiting.taken_since);
        } else if waiting.bytes.is_empty() {
            (waiting.over_soft_limit_since, waiting.taken_since) = (None, None);
        }
    }

    /// Ready once something has come since the last call that was ready.
    pub(crate) fn poll_called(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.is_called.swap(false, Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.waker.register(context.waker());
        // It may have come between the look and the registration.
        if self.is_called.swap(false, Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Moves what has come to the end of `out`.
    pub(crate) fn move_to(&self, out: &mut Vec<u8>) {
        let mut waiting = self.waiting.lock();
        if out.is_empty() {
            *out = std::mem::take(&mut waiting.bytes);
        } else {
            out.append(&mut waiting.bytes);
        }
        *waiting = Waiting { taken_since: waiting.over_soft_limit_since, ..Waiting::default() };
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.bytes.len() + self.unsent
    }

    fn is_within(&mut self, limit: OutputLimit, now: UnixMs) -> bool {
        let len = self.len() as u64;
        if limit.soft_bytes == 0 || len < limit.soft_bytes {
            self.over_soft_limit_since = None;
        }
        let is_over_hard = limit.hard_bytes > 0 && len >= limit.hard_bytes;
        let is_over_soft = limit.soft_bytes > 0 && len >= limit.soft_bytes && {
            let since = *self.over_soft_limit_since.get_or_insert(now);
            now.ms_since(since) > limit.soft_seconds.max(0) as u64 * 1000
        };
        !is_over_hard && !is_over_soft
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: OutputLimit = OutputLimit { hard_bytes: 10, soft_bytes: 4, soft_seconds: 1 };

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(1_000_000 + ms)
    }

    #[test]
    fn the_hard_limit_holds_at_once_and_the_soft_one_after_its_time() {
        let outbox = Outbox::default();
        assert!(outbox.push(b"12345", LIMIT, at(0)));
        assert!(outbox.push(b"6", LIMIT, at(1000)));
        assert!(!outbox.push(b"7", LIMIT, at(1001)));
        let mut out = Vec::new();
        outbox.move_to(&mut out);
        assert_eq!(out, b"1234567");
        assert!(outbox.push(b"12345", LIMIT, at(5000)), "the time begins anew");
        assert!(outbox.is_within(LIMIT, at(6000)));
        assert!(!outbox.is_within(LIMIT, at(6001)), "though nothing has come since");
        assert!(!outbox.push(b"67890", LIMIT, at(5001)));
    }

    #[test]
    fn what_the_task_cannot_write_counts_from_when_it_began_to_wait() {
        let outbox = Outbox::default();
        assert!(outbox.push(b"12345", LIMIT, at(0)));
        outbox.move_to(&mut Vec::new());
        outbox.note_unsent(5);
        assert_eq!(outbox.len(), 5);
        assert!(outbox.is_within(LIMIT, at(1000)));
        assert!(!outbox.is_within(LIMIT, at(1001)));
        assert!(!outbox.push(b"67890", LIMIT, at(500)), "ten in all");
        outbox.move_to(&mut Vec::new());
        outbox.note_unsent(0);
        assert!(outbox.push(b"12345", LIMIT, at(9000)), "it has taken everything");
        assert!(outbox.is_within(LIMIT, at(10_000)));
    }

    #[test]
    fn zero_is_no_limit() {
        let none = OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
        assert!(Outbox::default().push(&[0; 100_000], none, at(0)));
    }

    #[test]
    fn a_call_is_heard_once() {
        let outbox = Outbox::default();
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(outbox.poll_called(&mut context).is_pending());
        outbox.push(b"", LIMIT, at(0));
        assert!(outbox.poll_called(&mut context).is_ready());
        assert!(outbox.poll_called(&mut context).is_pending());
    }
}
