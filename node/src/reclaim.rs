//! Frees what commands leave to the background (UNLINK, FLUSHALL ASYNC), on a thread of its own.
//!
//! The thread is started by the first piece of garbage: a node that is never asked needs none.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use slotway_engine::keyspace::Garbage;

/// The way to the thread.
#[derive(Default)]
pub(crate) struct Reclaimer {
    way: OnceLock<Option<Sender<Garbage>>>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

impl Reclaimer {
    /// Has `garbage` freed; at once, on this thread, if the system starts no other.
    pub(crate) fn discard(&self, garbage: Garbage) {
        self.counts.pending.fetch_add(1, Ordering::Relaxed);
        let sent = match self.way.get_or_init(|| start(Arc::clone(&self.counts))) {
            Some(way) => way.send(garbage).is_ok(),
            None => false,
        };
        if !sent {
            self.counts.done();
        }
    }

    /// Pieces that wait.
    pub(crate) fn pending(&self) -> u64 {
        self.counts.pending.load(Ordering::Relaxed)
    }

    /// Counts what is freed from zero again.
    pub(crate) fn reset(&self) {
        self.counts.freed.store(0, Ordering::Relaxed);
    }

    /// Pieces freed so far.
    pub(crate) fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed)
    }
}

impl Counts {
    fn done(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
        self.freed.fetch_add(1, Ordering::Relaxed);
    }
}

fn start(counts: Arc<Counts>) -> Option<Sender<Garbage>> {
    let (way, garbage): (_, Receiver<Garbage>) = channel();
    let free = move || {
        for piece in garbage {
            drop(piece);
            counts.done();
        }
    };
    std::thread::Builder::new().name("reclaim".into()).spawn(free).ok().map(|_| way)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Piece(Sender<()>);

    impl Drop for Piece {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[test]
    fn garbage_is_freed_and_counted() {
        let reclaimer = Reclaimer::default();
        let (freed, heard) = channel();
        for _ in 0..3 {
            reclaimer.discard(Box::new(Piece(freed.clone())));
        }
        (0..3).for_each(|_| heard.recv().expect("the piece is dropped"));
        drop(freed);
        while reclaimer.pending() > 0 {
            std::thread::yield_now();
        }
        assert_eq!(reclaimer.freed(), 3);
    }
}
