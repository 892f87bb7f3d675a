//! What has to wait: CLIENT PAUSE, and a failover that hands a shard over with all data.

use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;
use slotway_core::time::UnixMs;
use slotway_engine::node::Pause;
use tokio::sync::watch;

/// The pauses of one node.
pub(crate) struct Pauses {
    reasons: Mutex<Reasons>,
    /// The longest of them, for each command to see.
    present: AtomicU8,
    changes: watch::Sender<Pause>,
}

#[derive(Default)]
struct Reasons {
    client: Option<(Pause, UnixMs)>,
    failover: bool,
    shutdown: bool,
    snapshot: bool,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            reasons: Mutex::default(),
            present: AtomicU8::new(Pause::Nothing as u8),
            changes: watch::Sender::new(Pause::Nothing),
        }
    }
}

impl Pauses {
    /// What has to wait now.
    pub(crate) fn present(&self) -> Pause {
        match self.present.load(Ordering::Acquire) {
            0 => Pause::Nothing,
            1 => Pause::Writes,
            _ => Pause::Everything,
        }
    }

    /// A client pauses the others until then, or ends that. A pause that lasts longer, or forbids more, stays.
    pub(crate) fn by_client(&self, pause: Option<(Pause, UnixMs)>) {
        self.change(|reasons| {
            reasons.client = match (reasons.client, pause) {
                (Some((before, end)), Some((pause, until))) => Some((before.max(pause), end.max(until))),
                (_, pause) => pause,
            };
        });
    }

    /// Writes wait for a failover, or go on after it.
    pub(crate) fn by_failover(&self, on: bool) {
        self.change(|reasons| reasons.failover = on);
    }

    /// Writes wait since the node is about to end, or go on since it is not.
    pub(crate) fn by_shutdown(&self, on: bool) {
        self.change(|reasons| reasons.shutdown = on);
    }

    /// Writes wait since a snapshot has not yet been written as far as they have made it grow, or go on.
    pub(crate) fn by_snapshot(&self, on: bool) {
        self.change(|reasons| reasons.snapshot = on);
    }

    /// Ends the pause of clients whose time is over.
    pub(crate) fn tick(&self, now: UnixMs) {
        if self.present() != Pause::Nothing {
            self.change(|reasons| reasons.client = reasons.client.filter(|(_, until)| *until > now));
        }
    }

    /// Waits until there is none.
    pub(crate) async fn wait_for_end(&self) {
        let mut changes = self.changes.subscribe();
        // The sender lives as long as this.
        let _ = changes.wait_for(|pause| *pause == Pause::Nothing).await;
    }

    fn change(&self, change: impl FnOnce(&mut Reasons)) {
        let mut reasons = self.reasons.lock();
        change(&mut reasons);
        let client = reasons.client.map_or(Pause::Nothing, |(pause, _)| pause);
        let present = if reasons.failover || reasons.shutdown || reasons.snapshot {
            client.max(Pause::Writes)
        } else {
            client
        };
        self.present.store(present as u8, Ordering::Release);
        self.changes.send_replace(present);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    #[test]
    fn the_stricter_pause_counts_until_its_end() {
        let pauses = Pauses::default();
        pauses.by_client(Some((Pause::Everything, at(10))));
        pauses.by_client(Some((Pause::Writes, at(5))));
        assert_eq!(pauses.present(), Pause::Everything);
        pauses.tick(at(9));
        assert_eq!(pauses.present(), Pause::Everything);
        pauses.by_failover(true);
        pauses.tick(at(10));
        assert_eq!(pauses.present(), Pause::Writes);
        pauses.by_client(None);
        assert_eq!(pauses.present(), Pause::Writes, "a client does not end a failover's pause");
        pauses.by_failover(false);
        assert_eq!(pauses.present(), Pause::Nothing);
    }
}
