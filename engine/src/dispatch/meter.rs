//! What the requests of a batch cost: told to their slots ([`SlotStats`]) and to their commands ([`CommandStats`]), and to the journal if it was
//! much.
//!
//! ```text
//!   request request request LONG request ...  end
//!   ^clock                 ^    ^             ^       two readings for a batch, two more around a command that may take long
//! ```
//!
//! The clock costs as much as a tenth of a GET, so it is not read for each command. What short commands take together is shared out
//! among them, each by [`BASE_WEIGHT`] and its bytes; a command that may take long (one that Redis does not call `fast`, but for
//! [`SHORT`]) is measured by itself, and so is every one where less than [`EXACT_BELOW_NS`] is slow already. Reading and writing the socket is
//! not in it. The commands of a transaction or a script are measured one by one, and again as a whole.
//!
//! What counts where is as in Valkey 8 for slots: bytes as they came and as they are sent; a client that waits counts once it is answered; of a
//! transaction the bytes of all that was queued and of MULTI, EXEC's reply, and its time as a whole; what replicas are sent, once for each. For
//! commands it is as in `call` of Redis 7.2.

use arrayvec::ArrayVec;
use slotway_core::command::{self, Command, CommandId, Flag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::BATCH_MAX;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::KeySlots;
use slotway_core::slot::{Slot, key_slot};

use super::run::Run;
use super::{EXEC, Prepared, Request};
use crate::command_stats::{Call, CommandStats};
use crate::config::Config;
use crate::interest::Waiter;
use crate::journal::LatencyEvent;
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

/// Where a command is slow from less than this on, sharing out would hide slow ones.
const EXACT_BELOW_NS: u64 = 1_000_000;

/// As whom the commands of scripts are logged: they have no connection of their own.
const NOBODY: (&str, &str) = ("?:0", "");

/// The costs of a batch that have not been told yet.
pub(super) struct Meter<'a> {
    slots: Option<&'a SlotStats>,
    commands: Option<&'a CommandStats>,
    rules: Rules,
    /// When the time began that has not been shared out.
    since_ns: u64,
    charges: ArrayVec<Charge, BATCH_MAX>,
    /// Bytes for replicas, of the request that is being executed.
    egress: u64,
    /// The slot of the transaction that is being executed.
    exec_slot: Option<Slot>,
}

/// What the configuration says of measuring.
#[derive(Clone, Copy)]
struct Rules {
    /// From here on the journal is told.
    slow_ns: u64,
    /// Whether histograms are kept.
    tracks: bool,
}

impl Rules {
    fn of(config: &Config) -> Self {
        let slow_us = u64::try_from(config.slowlog_log_slower_than_us()).unwrap_or(u64::MAX);
        let latency_ms = match config.latency_monitor_threshold_ms() {
            0 => u64::MAX,
            ms => ms,
        };
        let slow_ns = slow_us.saturating_mul(1000).min(latency_ms.saturating_mul(1_000_000));
        Self { slow_ns, tracks: config.latency_tracking() }
    }
}

/// What a request has cost.
#[derive(Clone, Copy)]
struct Charge {
    /// Which of the batch it is.
    index: usize,
    fate: Fate,
    /// It was answered with an error.
    failed: bool,
    /// Without one it only takes its part of the time.
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
    /// It waits for EXEC: nothing is counted but its bytes.
    Queued,
    /// It was refused: nothing else is counted but its bytes.
    Refused,
    /// Its client waits: its bytes are counted with the reply.
    Parked,
}

impl Fate {
    /// Of a request that the guards and the routing let pass, or do not.
    pub(super) fn of(admitted: &Result<(), ErrorReply>) -> Self {
        if admitted.is_ok() { Fate::Executed } else { Fate::Refused }
    }
}

impl<'a> Meter<'a> {
    /// Begins to count for those who want it, if anybody does.
    pub(super) fn new(slots: Option<&'a SlotStats>, node: &'a impl Node, config: &Config) -> Self {
        let commands = node.command_stats();
        let is_on = slots.is_some() || commands.is_some();
        let since_ns = if is_on { node.clock_ns() } else { 0 };
        let rules = Rules::of(config);
        Self { slots, commands, rules, since_ns, charges: ArrayVec::new(), egress: 0, exec_slot: None }
    }

    /// The configuration has changed.
    pub(super) fn reconsider(&mut self, config: &Config) {
        self.rules = Rules::of(config);
    }

    fn is_on(&self) -> bool {
        self.slots.is_some() || self.commands.is_some()
    }

    /// A transaction with keys in `slots` is being executed.
    pub(super) fn executes(&mut self, slots: KeySlots) {
        self.exec_slot = match slots {
            KeySlots::One(slot) => Some(slot),
            KeySlots::None | KeySlots::Several(_) => None,
        };
    }

    fn tell(&self, thread: u16, charge: &Charge, command: CommandId, ns: u64) {
        let Charge { fate, failed, slot, bytes_in, bytes_out, .. } = *charge;
        if let (Some(slots), Some(slot)) = (self.slots, slot) {
            slots.add_on(thread, slot, SlotCost { cpu_ns: ns, bytes_in, bytes_out });
        }
        if let Some(commands) = self.commands {
            match fate {
                Fate::Executed => {
                    commands.called_on(thread, Call { command, ns, failed, tracked: self.rules.tracks });
                }
                Fate::Refused => commands.rejected(command),
                Fate::Queued | Fate::Parked => {}
            }
        }
    }
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Before a request is executed: one that may take long has the clock for itself.
    #[inline]
    pub(super) fn meter_begins(&mut self, command: &Command) {
        if self.meter.is_on() && is_long(command) && !self.meter.charges.is_empty() {
            self.meter_settles();
        }
    }

    /// After a request on keys: its reply begins at `mark`.
    #[inline]
    pub(super) fn meter_ends(&mut self, index: usize, request: &Request<'_>, mark: usize, fate: Fate) {
        if self.meter.is_on() {
            self.charge(index, request.command, request.key.map(|key| key.slot()), mark, fate);
        }
    }

    /// After any other request, which may have channels, or the keys of a transaction.
    pub(super) fn meter_ends_alone(&mut self, index: usize, request: &Request<'_>, mark: usize, fate: Fate) {
        if self.meter.is_on() {
            let slot = match request.command.id {
                EXEC => self.meter.exec_slot.take(),
                _ if self.meter.slots.is_some() => first_slot(request.command, request.args),
                _ => None,
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
        let weight = match fate {
            Fate::Executed | Fate::Parked => BASE_WEIGHT + bytes_in + sent,
            Fate::Queued | Fate::Refused => 0,
        };
        let bytes_out = sent + core::mem::take(&mut self.meter.egress);
        let failed = self.failed;
        self.meter.charges.push(Charge { index, fate, failed, slot, bytes_in, bytes_out, weight });
        let is_exact = self.meter.rules.slow_ns < EXACT_BELOW_NS;
        if is_long(command) || is_exact || self.meter.charges.is_full() {
            self.meter_settles();
        }
    }

    /// Shares out the time since the last time, and tells everybody what has come together.
    pub(super) fn meter_settles(&mut self) {
        if !self.meter.is_on() || self.meter.charges.is_empty() {
            return;
        }
        let now_ns = self.node.clock_ns();
        let elapsed = now_ns.saturating_sub(core::mem::replace(&mut self.meter.since_ns, now_ns));
        let weights = self.meter.charges.iter().map(|charge| charge.weight).sum::<u64>().max(1);
        // With 16 bits behind the point, so that there is one division.
        let per_weight = (elapsed << 16) / weights;
        for at in 0..self.meter.charges.len() {
            let charge = self.meter.charges[at];
            let ns = (per_weight * charge.weight + (1 << 15)) >> 16;
            let (Prepared::Data { request, .. } | Prepared::Alone { request, .. }) =
                &self.prepared[charge.index]
            else {
                unreachable!("what names no command is not charged");
            };
            self.meter.tell(self.session.thread, &charge, request.command.id, ns);
            if ns >= self.meter.rules.slow_ns && charge.fate == Fate::Executed {
                self.note_slow(request.command, request.args, ns, self.client());
            }
        }
        self.meter.charges.clear();
    }

    /// What is propagated goes to all replicas.
    pub(super) fn meter_propagates(&mut self) {
        if self.meter.slots.is_some() {
            self.meter.egress += (self.effects.record.len() * self.node.replica_count()) as u64;
        }
    }

    /// A request was refused before it was known to name a command with the right number of arguments.
    pub(super) fn meter_refuses(&self, error: &ErrorReply) {
        let command = match error {
            ErrorReply::Arity(name) => command::lookup_full(name.as_bytes()).map(|command| command.id),
            ErrorReply::ExecArity => Some(EXEC),
            _ => None,
        };
        if let (Some(command), Some(commands)) = (command, self.meter.commands) {
            commands.rejected(command);
        }
    }

    /// The time, where commands within another one are measured.
    pub(super) fn meter_clock(&self) -> u64 {
        self.meter.commands.map_or(0, |_| self.node.clock_ns())
    }

    /// After a command of a transaction or a script that has begun then. Returns the time.
    pub(super) fn meter_ends_within(&mut self, since_ns: u64, request: &Request<'_>, within: Within) -> u64 {
        let Some(commands) = self.meter.commands else { return 0 };
        let (now_ns, command) = (self.node.clock_ns(), request.command);
        let (ns, failed, tracked) = (now_ns.saturating_sub(since_ns), self.failed, self.meter.rules.tracks);
        commands.called_on(self.session.thread, Call { command: command.id, ns, failed, tracked });
        if ns >= self.meter.rules.slow_ns {
            let client = match within {
                Within::Transaction => self.client(),
                Within::Script => NOBODY,
            };
            self.note_slow(command, request.args, ns, client);
        }
        now_ns
    }

    /// Somebody who waited has been answered with so many bytes by a command of this batch, served since then.
    pub(super) fn meter_serves(&mut self, slot: Slot, waiter: &Waiter, reply: &[u8], since_ns: u64) {
        let bytes_out = reply.len() as u64 + core::mem::take(&mut self.meter.egress);
        if let Some(stats) = self.meter.slots {
            stats.add(slot, SlotCost { cpu_ns: 0, bytes_in: waiter.request_len as u64, bytes_out });
        }
        if self.meter.commands.is_some() {
            let ns = self.node.clock_ns().saturating_sub(since_ns);
            note_end_of_wait(self.node, &self.config, waiter, reply, ns);
        }
    }

    fn client(&self) -> (&str, &str) {
        (&self.session.address, &self.session.name)
    }

    #[cold]
    fn note_slow(&self, command: &Command, args: Args<'_>, ns: u64, client: (&str, &str)) {
        note_slow(self.node, &self.config, (command, args), ns, client);
    }
}

/// Around what a command was executed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    /// EXEC.
    Transaction,
    /// EVAL and its kin.
    Script,
}

/// Tells the journal of a command that took long, by one of two thresholds at least.
fn note_slow(node: &dyn Node, config: &Config, request: (&Command, Args<'_>), ns: u64, client: (&str, &str)) {
    let (us, ms, flags) = (ns / 1000, ns / 1_000_000, request.0.flags);
    let len_max = config.slowlog_max_len();
    let is_slow = u64::try_from(config.slowlog_log_slower_than_us()).is_ok_and(|threshold| us >= threshold)
        && len_max > 0
        && !flags.contains(Flag::SkipSlowlog);
    let threshold_ms = config.latency_monitor_threshold_ms();
    let is_latent = threshold_ms > 0 && ms >= threshold_ms;
    let event = if flags.contains(Flag::Fast) { LatencyEvent::FastCommand } else { LatencyEvent::Command };
    node.with_journal(&mut |journal| {
        if is_slow {
            journal.slow.push(node.now(), us, request, client, len_max);
        }
        if is_latent {
            journal.latency.add(event, node.now(), ms);
        }
    });
}

/// A client that has waited is answered: that counts as the call. Its last attempt took that long.
pub(super) fn note_end_of_wait(node: &dyn Node, config: &Config, waiter: &Waiter, reply: &[u8], ns: u64) {
    let Some(commands) = node.command_stats() else { return };
    let rules = Rules::of(config);
    let failed = reply.first() == Some(&b'-');
    if failed {
        node.with_journal(&mut |journal| journal.errors.add(&reply[1..]));
    }
    commands.called(Call { command: waiter.command.id, ns, failed, tracked: rules.tracks });
    if ns >= rules.slow_ns {
        let card = node.client(waiter.client);
        let client = card.as_ref().map_or(NOBODY, |card| (&*card.session.address, &*card.session.name));
        note_slow(node, config, (waiter.command, waiter.args.as_args()), ns, client);
    }
}

/// The slot of the first key, or channel.
fn first_slot(command: &'static Command, args: Args<'_>) -> Option<Slot> {
    keys::routed(command, args).next().map(|key| key_slot(args.at(key.index)))
}

fn is_long(command: &Command) -> bool {
    !command.flags.contains(Flag::Fast) && !SHORT.contains(&command.id)
}
