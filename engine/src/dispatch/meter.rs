//! What the requests of a batch cost, told to their slots: see [`SlotStats`].
//!
//! ```text
//!   request request request LONG request ...  end
//!   ^clock                 ^    ^             ^       two readings for a batch, two more around a command that may take long
//! ```
//!
//! The clock costs as much as a tenth of a GET, so it is not read for each command. What short commands take together is shared out
//! among them, each by [`BASE_WEIGHT`] and its bytes; a command that may take long (one that Redis does not call `fast`, but for
//! [`SHORT`]) is measured by itself. Reading and writing the socket is not in it.
//!
//! What counts where is as in Valkey 8: bytes as they came and as they are sent; a client that waits counts once it is answered; of a
//! transaction the bytes of all that was queued and of MULTI, EXEC's reply, and its time as a whole; what replicas are sent, once for each.

use arrayvec::ArrayVec;
use slotway_core::command::{self, Command, CommandId, Flag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::BATCH_MAX;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::KeySlots;
use slotway_core::slot::{Slot, key_slot};

use super::run::Run;
use super::{EXEC, Request};
use crate::node::Node;
use crate::shards::ShardAccess;
use crate::slot_stats::{SlotCost, SlotStats};

/// Commands that are not `fast` only since their value may be long, which their bytes tell.
const SHORT: [CommandId; 6] = [
    command::id_of("del"),
    command::id_of("mget"),
    command::id_of("mset"),
    command::id_of("psetex"),
    command::id_of("set"),
    command::id_of("setex"),
];

/// A short command takes about as long as that many bytes of it.
const BASE_WEIGHT: u64 = 256;

/// `*1\r\n$5\r\nmulti\r\n`, which belongs to the slot of its EXEC.
const MULTI_LEN: u64 = 15;

/// The costs of a batch that have not been told yet.
pub(super) struct Meter<'a> {
    stats: Option<&'a SlotStats>,
    /// When the time began that has not been shared out.
    since_ns: u64,
    charges: ArrayVec<Charge, BATCH_MAX>,
    /// Bytes for replicas, of the request that is being executed.
    egress: u64,
    /// The slot of the transaction that is being executed.
    exec_slot: Option<Slot>,
}

/// What a request has cost. Without a slot it only takes its part of the time.
#[derive(Clone, Copy)]
struct Charge {
    slot: Option<Slot>,
    bytes_in: u64,
    bytes_out: u64,
    /// Its part of the time.
    weight: u64,
}

/// What has become of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was executed.
    Executed,
    /// It was refused, or waits for EXEC: nothing is counted but its bytes.
    NotExecuted,
    /// Its client waits: its bytes are counted with the reply.
    Parked,
}

impl Fate {
    /// Of a request that the guards and the routing let pass, or do not.
    pub(super) fn of(admitted: &Result<(), ErrorReply>) -> Self {
        if admitted.is_ok() { Fate::Executed } else { Fate::NotExecuted }
    }
}

impl<'a> Meter<'a> {
    /// Begins to count for `stats`, if anybody does.
    pub(super) fn new(stats: Option<&'a SlotStats>, node: &impl Node) -> Self {
        let since_ns = stats.map_or(0, |_| node.clock_ns());
        Self { stats, since_ns, charges: ArrayVec::new(), egress: 0, exec_slot: None }
    }

    /// A transaction with keys in `slots` is being executed.
    pub(super) fn executes(&mut self, slots: KeySlots) {
        self.exec_slot = match slots {
            KeySlots::One(slot) => Some(slot),
            KeySlots::None | KeySlots::Several(_) => None,
        };
    }

    /// Shares out the time up to `now_ns`, and begins anew.
    fn settle(&mut self, thread: u16, now_ns: u64) {
        let Some(stats) = self.stats else { return };
        let elapsed = now_ns.saturating_sub(self.since_ns);
        self.since_ns = now_ns;
        let weights = self.charges.iter().map(|charge| charge.weight).sum::<u64>().max(1);
        // With 16 bits behind the point, so that there is one division.
        let per_weight = (elapsed << 16) / weights;
        for Charge { slot, bytes_in, bytes_out, weight } in self.charges.drain(..) {
            let cpu_ns = (per_weight * weight + (1 << 15)) >> 16;
            if let Some(slot) = slot {
                stats.add_on(thread, slot, SlotCost { cpu_ns, bytes_in, bytes_out });
            }
        }
    }
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Before a request is executed: one that may take long has the clock for itself.
    #[inline]
    pub(super) fn meter_begins(&mut self, command: &Command) {
        if self.meter.stats.is_some() && is_long(command) && !self.meter.charges.is_empty() {
            self.meter_settles();
        }
    }

    /// After a request on keys: its reply begins at `mark`.
    #[inline]
    pub(super) fn meter_ends(&mut self, index: usize, request: &Request<'_>, mark: usize, fate: Fate) {
        if self.meter.stats.is_some() {
            self.charge(index, request.command, request.key.map(|key| key.slot()), mark, fate);
        }
    }

    /// After any other request, which may have channels, or the keys of a transaction.
    pub(super) fn meter_ends_alone(&mut self, index: usize, request: &Request<'_>, mark: usize, fate: Fate) {
        if self.meter.stats.is_some() {
            let slot = match request.command.id {
                EXEC => self.meter.exec_slot.take(),
                _ => first_slot(request.command, request.args),
            };
            self.charge(index, request.command, slot, mark, fate);
        }
    }

    fn charge(&mut self, index: usize, command: &Command, slot: Option<Slot>, mark: usize, fate: Fate) {
        let executed = fate == Fate::Executed;
        let sent = if executed && !self.session.is_obeyed() { (self.reply.len() - mark) as u64 } else { 0 };
        let mut bytes_in = if fate == Fate::Parked { 0 } else { self.decoder.request_len(index) as u64 };
        if executed && command.id == EXEC {
            bytes_in += MULTI_LEN;
        }
        let weight = if fate == Fate::NotExecuted { 0 } else { BASE_WEIGHT + bytes_in + sent };
        let bytes_out = sent + core::mem::take(&mut self.meter.egress);
        self.meter.charges.push(Charge { slot, bytes_in, bytes_out, weight });
        if is_long(command) || self.meter.charges.is_full() {
            self.meter_settles();
        }
    }

    /// Tells the slots what has come together.
    pub(super) fn meter_settles(&mut self) {
        if self.meter.stats.is_some() && !self.meter.charges.is_empty() {
            self.meter.settle(self.session.thread, self.node.clock_ns());
        }
    }

    /// What is propagated goes to all replicas.
    pub(super) fn meter_propagates(&mut self) {
        if self.meter.stats.is_some() {
            self.meter.egress += (self.effects.record.len() * self.node.replica_count()) as u64;
        }
    }

    /// Somebody who waited has been answered with so many bytes by a command of this batch.
    pub(super) fn meter_serves(&mut self, slot: Slot, request_len: usize, reply_len: usize) {
        let bytes_out = reply_len as u64 + core::mem::take(&mut self.meter.egress);
        if let Some(stats) = self.meter.stats {
            stats.add(slot, SlotCost { cpu_ns: 0, bytes_in: request_len as u64, bytes_out });
        }
    }
}

/// The slot of the first key, or channel.
fn first_slot(command: &'static Command, args: Args<'_>) -> Option<Slot> {
    keys::routed(command, args).next().map(|key| key_slot(args.at(key.index)))
}

fn is_long(command: &Command) -> bool {
    !command.flags.contains(Flag::Fast) && !SHORT.contains(&command.id)
}
