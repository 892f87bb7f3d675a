//! What readers of groups do, as replicas are told: which entry is pending for whom since when, and where the group stands.
//!
//! Source of the rules: `streamPropagateXCLAIM` and `streamPropagateGroupID` of Redis 7.2.

use alloc::vec::Vec;

use slotway_core::resp::encode::Decimal;

use crate::commands::Data;
use crate::value::stream::{Delivery, Group, StreamId};

/// Entries that have been given or claimed, and where the group stands behind them.
#[derive(Default)]
pub(super) struct Given {
    pub(super) entries: Vec<Noted>,
    /// Whether the group's position is told by itself.
    pub(super) has_moved: bool,
    last_id: StreamId,
    entries_read: Option<u64>,
}

/// An entry as it is pending, and how far its group was then.
pub(super) struct Noted {
    id: StreamId,
    consumer: Vec<u8>,
    delivery: Delivery,
    last_id: StreamId,
}

impl Given {
    /// Notes an entry as it is pending now.
    pub(super) fn note(&mut self, group: &Group, id: StreamId) {
        if let Some(pending) = group.pending().get(&id) {
            self.entries.push(Noted {
                id,
                consumer: pending.owner().to_vec(),
                delivery: pending.delivery,
                last_id: group.last_id(),
            });
        }
    }

    /// Notes where the group stands.
    pub(super) fn note_position(&mut self, group: &Group) {
        (self.last_id, self.entries_read) = (group.last_id(), group.entries_read());
    }

    /// Has all of it propagated in place of the request.
    pub(super) fn propagate(&self, data: &mut Data<'_, '_>, key: &[u8], group: &[u8]) {
        for Noted { id, consumer, delivery, last_id } in &self.entries {
            let (last_id, id, mut at, mut count) =
                (last_id.text(), id.text(), Decimal::new(), Decimal::new());
            data.propagate(&[
                b"XCLAIM",
                key,
                group,
                consumer,
                b"0",
                id.as_bytes(),
                b"TIME",
                at.format_unsigned(delivery.at.as_ms()),
                b"RETRYCOUNT",
                count.format_unsigned(delivery.count),
                b"FORCE",
                b"JUSTID",
                b"LASTID",
                last_id.as_bytes(),
            ]);
        }
        if self.has_moved {
            let (last_id, mut read) = (self.last_id.text(), Decimal::new());
            let read = match self.entries_read {
                Some(entries) => read.format_unsigned(entries),
                None => b"-1",
            };
            data.propagate(&[b"XGROUP", b"SETID", key, group, last_id.as_bytes(), b"ENTRIESREAD", read]);
        }
    }
}
