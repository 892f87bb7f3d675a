//! Slots on their way: requests that wait behind the fence of a source, and what the link of a migration may bring to its target.

use slotway_core::command::{self, Command, CommandId, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::{ErrorReply, MigrationError};
use slotway_core::route::KeySlots;
use slotway_core::slot::key_slot;

use super::run::Run;
use super::transaction::slots_of;
use super::{EXEC, Prepared};
use crate::node::Node;
use crate::shards::ShardAccess;

/// What the link of a migration may send besides commands on keys of its slots.
const OF_LINKS: [CommandId; 5] = [
    command::id_of("cluster|syncslots"),
    command::id_of("exec"),
    command::id_of("multi"),
    command::id_of("ping"),
    command::id_of("select"),
];

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Whether the request waits behind a fence. Asked twice: before its shards are taken, and again when they are in hand, since whoever puts
    /// up a fence takes all shards once, and counts on it that what comes afterwards has seen it.
    pub(super) fn is_fenced(&self, prepared: &Prepared<'_>) -> bool {
        if !self.node.has_fence() || self.session.is_obeyed() {
            return false;
        }
        match prepared {
            Prepared::Data { request, .. } if !self.is_queued(request.command) => {
                request.key.is_some_and(|key| self.node.is_fenced(key.slot()))
            }
            Prepared::Alone { request, .. } if request.command.id == EXEC => {
                let transaction = self.session.transaction.as_deref();
                transaction.is_some_and(|transaction| self.is_slot_fenced(slots_of(transaction)))
            }
            Prepared::Data { .. } | Prepared::Alone { .. } | Prepared::Refused(_) | Prepared::Foreign => {
                false
            }
        }
    }

    pub(super) fn is_slot_fenced(&self, slots: KeySlots) -> bool {
        match slots {
            KeySlots::None => false,
            KeySlots::One(slot) | KeySlots::Several(slot) => {
                self.node.has_fence() && !self.session.is_obeyed() && self.node.is_fenced(slot)
            }
        }
    }

    /// Lets what has been executed elsewhere pass; of a migration's link, only what concerns its slots. `None`: the guards are to be asked.
    pub(super) fn admit_obeyed(&self, command: &Command, args: Args<'_>) -> Option<Result<(), ErrorReply>> {
        let Some(import) = &self.session.import else {
            return self.session.is_primary_link.then_some(Ok(()));
        };
        let mut keys = keys::routed(command, args).map(|key| key_slot(args.at(key.index))).peekable();
        let is_its = match keys.peek() {
            None => OF_LINKS.contains(&command.id),
            Some(_) => keys.all(|slot| import.slots.contains(slot)),
        };
        Some(if is_its { Ok(()) } else { Err(MigrationError::NotOfLinks.into()) })
    }
}
