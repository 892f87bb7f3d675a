//! Clients that wait for keys: parked by a command that can do nothing yet, served by whoever adds what they wait for.
//!
//! ```text
//!   BLPOP k ---- Effect::Block --> park: a Waiter under each key          session.blocked
//!   RPUSH k ---- Data::changed --> the key is ready --> serve_waiters     in the order in which they came
//!                                    the command is run again; Block again: it waits on
//!   the reply goes to the connection by Node::deliver, which wakes its task
//! ```
//!
//! Waiters are served after each command, before the next one of anybody (of this thread, where several share the data).
//! A waiter is answered once: by whoever claims it first of those who serve it, its timeout, CLIENT UNBLOCK, the end of its
//! connection, and its slot's leaving this node.

use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::command::{KeyFlag, keys};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{Access, KeySlots};
use slotway_core::slot::{Slot, key_slot};
use slotway_core::topology::Topology;

use super::meter::note_end_of_wait;
use super::routing::{Seeker, route_slots};
use super::run::{Run, write_null};
use super::tracking::tell_of_changes;
use super::{Engine, Request};
use crate::commands::{Data, Scope};
use crate::events::Block;
use crate::interest::Waiter;
use crate::keyspace::{DbIndex, Touch};
use crate::node::Node;
use crate::registry::{DataHandler, Effect};
use crate::shards::{Held, ShardAccess, ShardSet, WholeKeyspace};
use crate::slot_stats::SlotCost;

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// The connection waits from now on.
    pub(super) fn park(
        &mut self,
        held: &mut Held<'_>,
        request: &Request<'_>,
        handler: DataHandler,
        index: usize,
        mut block: Block,
    ) {
        self.tally.changes += core::mem::take(&mut block.changes);
        let args = block.args.take().unwrap_or_else(|| request.args.to_owned());
        let session = &mut *self.session;
        let waiter = Arc::new(Waiter::new(
            session.id,
            request.command,
            handler,
            args,
            session.db,
            session.protocol,
            block,
            session.readonly,
            session.origin(),
            session.user.clone(),
            self.decoder.request_len(index),
        ));
        let layout = self.engine.shards.layout();
        for key in awaited_keys(&waiter) {
            held.shard(layout, key_slot(key)).interest.wait(key, &waiter);
        }
        session.asking = false;
        session.last_command = request.command.name;
        session.blocked = Some(waiter);
    }

    /// Serves those who wait for the keys that the commands so far have made ready, and those whose keys that makes ready in turn.
    pub(super) fn serve_waiters(&mut self) {
        while self.effects.has_ready() {
            for (db, key) in self.effects.take_ready() {
                self.serve_key(db, &key);
            }
        }
    }

    fn serve_key(&mut self, db: DbIndex, key: &[u8]) {
        let (layout, slot) = (self.engine.shards.layout(), key_slot(key));
        let shard = ShardSet::One(layout.shard_of(slot));
        let waiters =
            self.engine.shards.with(shard, |held| held.shard(layout, slot).interest.waiters(db, key));
        for waiter in waiters {
            if waiter.begin() {
                let since_ns = self.meter_clock();
                match self.serve(&waiter, key) {
                    Some(reply) => {
                        self.meter_serves(slot, &waiter, &reply, since_ns);
                        answer(self.node, &waiter, &reply);
                    }
                    None => waiter.wait_on(),
                }
            }
        }
    }

    /// Runs a waiter's command again. `None` if it has to wait on.
    fn serve(&mut self, waiter: &Arc<Waiter>, key: &[u8]) -> Option<Vec<u8>> {
        let engine = self.engine;
        engine.shards.with(engine.shards_of_waiter(waiter), |held| {
            // Behind a fence nothing changes; it learns where the key went.
            let is_fenced = self.node.has_fence() && self.node.is_fenced(key_slot(key));
            if is_fenced || !has_kind(held, engine, self.now, waiter, key) {
                return None;
            }
            // Tried again when they are held no longer.
            if self.holder(held, waiter.command, waiter.args.as_args()).is_some() {
                return None;
            }
            if let Err(lack) = self.may_still(waiter) {
                return Some(error_reply(waiter, &lack.into()));
            }
            self.effects.may_wait = false;
            let mut bytes = Vec::new();
            let mut reply = ReplyWriter::new(&mut bytes, waiter.protocol);
            let scope = Scope {
                layout: engine.shards.layout(),
                hasher: &engine.hasher,
                db: waiter.db,
                now: self.now,
                config: &self.config,
                touch: Touch::Yes,
                counted: false,
                first_key: None,
                is_from_primary: false,
                client: waiter.client,
                user: waiter.user.as_deref(),
                node: self.node,
            };
            self.effects.records = self.node.records();
            let mut data = Data::new(held, &mut self.effects, scope);
            let outcome = (waiter.handler)(&mut data, waiter.args.as_args(), &mut reply);
            if self.effects.records {
                self.record(waiter.args.as_args(), waiter.db, &outcome);
                self.propagate_for(waiter);
            }
            match outcome {
                Ok(Effect::Block(block)) => {
                    self.tally.changes += block.changes;
                    return None;
                }
                Ok(Effect::Changed(count)) => self.tally.changes += count,
                Ok(Effect::None | Effect::Watch | Effect::Exec) => {}
                Ok(Effect::Migrate(_) | Effect::Decode(_)) => unreachable!("asked for only by who can wait"),
                Ok(Effect::Script(_)) => unreachable!("no script waits"),
                Err(error) => {
                    reply.truncate(0);
                    reply.error(&error);
                }
            }
            self.publish_events();
            // The client that waited has its reply first.
            tell_of_changes(self.node, &mut self.effects, Some(waiter.client), &mut bytes);
            Some(bytes)
        })
    }
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Hands on what the command of a waiter has become: a write of that connection, not of this one.
    fn propagate_for(&mut self, _waiter: &Waiter) {
        let own = self.session.write_offset;
        self.propagate();
        self.session.write_offset = own;
    }
}

impl<A: ShardAccess> Engine<A> {
    /// The reply of a waiter whose time is over; `None` if it has been answered.
    pub fn time_out<N: Node>(&self, node: &N, waiter: &Waiter) -> Option<Vec<u8>> {
        let reply = waiter.finish().then(|| timeout_reply(waiter))?;
        note_end(node, waiter, &reply);
        Some(reply)
    }

    /// Takes a waiter off its keys: to be called by its connection, once it is done or the connection ends.
    pub fn forget_waiter(&self, waiter: &Arc<Waiter>) {
        waiter.finish();
        self.shards.with(self.shards_of_waiter(waiter), |held| {
            let layout = self.shards.layout();
            for key in awaited_keys(waiter) {
                held.shard(layout, key_slot(key)).interest.leave(key, waiter);
            }
        });
    }

    /// The cluster has changed: answers those who wait for keys that are no longer served here, and tells those who listen to shard
    /// channels of slots that have left.
    pub fn topology_changed<N: Node>(&self, node: &N) {
        let (Some(topology), config) = (node.topology(), node.config()) else { return };
        node.with_pubsub(&mut |pubsub| {
            for slot in pubsub.shard_slots() {
                if !is_served_here(&topology, slot) {
                    pubsub.take_slot(slot, &mut |id, bytes| node.deliver(id, bytes));
                }
            }
        });
        let follows = node.condition().follows;
        for waiter in all_waiters(&self.shards) {
            let slots =
                awaited_keys(&waiter).into_iter().fold(KeySlots::None, |slots, key| slots.and(key_slot(key)));
            let access = Access::of(waiter.command);
            let seeker = Seeker { readonly: waiter.readonly, origin: waiter.origin };
            match route_slots(&topology, slots, access, seeker, &config) {
                Ok(_) => {}
                // Whether the topology or the data is heard of first, a replica says the same.
                Err(_) if follows => dismiss(node, &waiter),
                Err(error) if waiter.begin() => {
                    answer(node, &waiter, &error_reply(&waiter, &error));
                }
                Err(_) => {}
            }
        }
    }

    /// The node copies another one from now on: nobody waits any more, and the connections of those who did end.
    pub fn role_changed<N: Node>(&self, node: &N) {
        for waiter in all_waiters(&self.shards) {
            dismiss(node, &waiter);
        }
    }

    /// One shard if all keys are in it.
    fn shards_of_waiter(&self, waiter: &Waiter) -> ShardSet {
        let layout = self.shards.layout();
        let args = waiter.args.as_args();
        let mut shards =
            keys::routed(waiter.command, args).map(|key| layout.shard_of(key_slot(args.at(key.index))));
        match shards.next() {
            Some(first) if shards.all(|shard| shard == first) => ShardSet::One(first),
            Some(_) | None => ShardSet::All,
        }
    }
}

/// True for a slot of this node, or of the node that it replicates.
fn is_served_here(topology: &Topology, slot: Slot) -> bool {
    let me = topology.myself();
    let primary = me.and_then(|me| topology.node(me).primary).or(me);
    topology.owner(slot).is_some_and(|owner| Some(owner) == primary)
}

/// Lets the client `id` go that waits for keys: with an error, or as if its time were over. False if it does not wait.
pub(crate) fn unblock(shards: &dyn WholeKeyspace, node: &dyn Node, id: u64, with_error: bool) -> bool {
    let waiter = all_waiters(shards).into_iter().find(|waiter| waiter.client.0 == id);
    let Some(waiter) = waiter.filter(|waiter| waiter.begin()) else { return false };
    let reply = match with_error {
        true => error_reply(&waiter, &ErrorReply::Unblocked),
        false => timeout_reply(&waiter),
    };
    note_end(node, &waiter, &reply);
    answer(node, &waiter, &reply);
    true
}

/// A client that has waited for nothing: its slot has cost the bytes all the same.
fn note_end(node: &dyn Node, waiter: &Waiter, reply: &[u8]) {
    let config = node.config();
    note_end_of_wait(node, &config, waiter, reply, 0);
    let slot = awaited_keys(waiter).first().map(|key| key_slot(key));
    let stats = node.slot_stats().filter(|_| config.cluster_slot_stats_enabled());
    if let (Some(slot), Some(stats)) = (slot, stats) {
        let (bytes_in, bytes_out) = (waiter.request_len as u64, reply.len() as u64);
        stats.add(slot, SlotCost { cpu_ns: 0, bytes_in, bytes_out });
    }
}

/// Sends its reply to a waiter that has been claimed, and lets its connection go on: in this order, lest the connection sends something else first.
fn answer(node: &dyn Node, waiter: &Waiter, reply: &[u8]) {
    node.deliver(waiter.client, reply);
    waiter.end();
    // Wakes the connection, which may have looked while the waiter was not done yet.
    node.deliver(waiter.client, b"");
}

/// The same with the word that the node has become a replica, as which its connection ends.
fn dismiss(node: &dyn Node, waiter: &Waiter) {
    if waiter.begin() {
        node.deliver(waiter.client, &error_reply(waiter, &ErrorReply::InstanceStateChanged));
        waiter.end_for_good();
        node.deliver(waiter.client, b"");
    }
}

/// All who wait, each once, in no order.
pub(crate) fn all_waiters(shards: &dyn WholeKeyspace) -> Vec<Arc<Waiter>> {
    let mut waiters: Vec<Arc<Waiter>> = Vec::new();
    shards.each_shard(&mut |shard| {
        for waiter in shard.interest.all_waiters() {
            if !waiter.is_done() && !waiters.iter().any(|other| Arc::ptr_eq(other, waiter)) {
                waiters.push(Arc::clone(waiter));
            }
        }
    });
    waiters
}

/// The keys that may bring what a command waits for: those it takes from, not those it puts into.
pub(crate) fn awaited_keys(waiter: &Waiter) -> Vec<&[u8]> {
    let (args, mut awaited) = (waiter.args.as_args(), Vec::new());
    // Words that name no keys would not have been accepted by the command.
    let _ = keys::keys(waiter.command, args, &mut |key| {
        if key.flags.contains(KeyFlag::Access) {
            awaited.push(args.at(key.index));
        }
    });
    awaited
}

/// True if the key holds what the waiter waits for.
fn has_kind<A: ShardAccess>(
    held: &mut Held<'_>,
    engine: &Engine<A>,
    now: slotway_core::time::UnixMs,
    waiter: &Waiter,
    key: &[u8],
) -> bool {
    let key = engine.hasher.key(key);
    let shard = held.shard(engine.shards.layout(), key.slot());
    let kind = shard.db(waiter.db).peek(now, &key).map(|entry| entry.kind());
    kind == Some(waiter.block.kind) || waiter.waits_for_anything()
}

fn timeout_reply(waiter: &Waiter) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_null(waiter.block.timeout_reply, &mut ReplyWriter::new(&mut bytes, waiter.protocol));
    bytes
}

fn error_reply(waiter: &Waiter, error: &ErrorReply) -> Vec<u8> {
    let mut bytes = Vec::new();
    ReplyWriter::new(&mut bytes, waiter.protocol).error(error);
    bytes
}
