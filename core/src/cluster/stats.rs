//! Counts of messages, as CLUSTER INFO tells them.

use crate::bus::{Frame, MessageKind};

/// Messages by kind, since the start.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    sent: [u64; MessageKind::COUNT],
    received: [u64; MessageKind::COUNT],
    /// Links that were closed because too much lay in their send queues.
    pub links_over_limit: u64,
}

impl Stats {
    pub(crate) fn sent(&mut self, kind: MessageKind) {
        self.sent[kind.index()] += 1;
    }

    pub(crate) fn received(&mut self, frame: &Frame<'_>) {
        if let Some(kind) = frame.kind() {
            self.received[kind.index()] += 1;
        }
    }

    /// How many messages of each kind were sent.
    pub fn all_sent(&self) -> impl Iterator<Item = (MessageKind, u64)> {
        MessageKind::ALL.into_iter().map(|kind| (kind, self.sent[kind.index()]))
    }

    /// How many messages of each kind were received.
    pub fn all_received(&self) -> impl Iterator<Item = (MessageKind, u64)> {
        MessageKind::ALL.into_iter().map(|kind| (kind, self.received[kind.index()]))
    }
}
