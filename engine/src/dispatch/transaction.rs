//! MULTI to EXEC: commands are admitted and queued one by one, then executed together, the shards of all their keys in hand.
//!
//! Source of the rules: `processCommand` and `execCommand` of Redis 7.2.

use alloc::boxed::Box;
use core::cell::RefCell;

use slotway_core::command::{self, Command, CommandId, Flag, keys};
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{Access, KeySlots};

use super::admission::{AFTER_ROUTING, Standing, admission, admit};
use super::memory::keep_clock;
use super::meter::{Fate, Within};
use super::routing::{Seeker, route_slots};
use super::run::Run;
use super::script::runs_a_script;
use super::{EXEC, Engine, Request};
use crate::keyspace::{Layout, Shard};
use crate::node::Node;
use crate::registry::{Effect, Handler, Outcome};
use crate::session::After;
use crate::shards::{Held, ShardAccess, ShardSet, WholeKeyspace};
use crate::transaction::{Queued, Transaction, Watch, WatchedKey};

/// What is executed at once even after MULTI.
const AT_ONCE: [CommandId; 6] = [
    command::id_of("exec"),
    command::id_of("discard"),
    command::id_of("multi"),
    command::id_of("watch"),
    command::id_of("quit"),
    command::id_of("reset"),
];

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// True for a command that has to wait for EXEC.
    pub(super) fn is_queued(&self, command: &Command) -> bool {
        self.session.transaction.is_some() && !AT_ONCE.contains(&command.id)
    }

    /// Queues a command that has been `admitted`; a refused one spoils the transaction. Returns what has become of it.
    pub(super) fn queue(
        &mut self,
        mark: usize,
        request: Request<'_>,
        handler: Handler,
        admitted: Result<(), ErrorReply>,
    ) -> Fate {
        let Request { command, args, .. } = request;
        let admitted = admitted.and_then(|()| match command.flags.contains(Flag::NoMulti) {
            true => Err(ErrorReply::NotInTransaction),
            false => Ok(()),
        });
        match (&admitted, &mut self.session.transaction) {
            (Ok(()), Some(transaction)) => {
                transaction.bytes += args.iter().map(<[u8]>::len).sum::<usize>();
                transaction.queued.push(Queued { command, handler, args: args.to_owned() });
                self.reply.simple("QUEUED");
            }
            (Ok(()), None) => unreachable!("asked after MULTI only"),
            (Err(_), _) => self.abort_transaction(),
        }
        let fate = if admitted.is_ok() { Fate::Queued } else { Fate::Refused };
        self.settle(command, mark, admitted.map(|()| Effect::None));
        fate
    }

    /// A request was refused: if MULTI is open, EXEC will execute nothing; EXEC itself closes it.
    pub(super) fn refused(&mut self, error: &ErrorReply) {
        match error {
            ErrorReply::ExecArity | ErrorReply::ExecAbortedBy(_) => {
                (self.session.transaction, self.session.watch) = (None, None)
            }
            _ => self.abort_transaction(),
        }
    }

    /// A command was refused that is executed at once even after MULTI. Returns the error to be answered.
    pub(super) fn refused_at_once(&mut self, command: &Command, error: ErrorReply) -> ErrorReply {
        if command.id != EXEC {
            self.abort_transaction();
            return error;
        }
        (self.session.transaction, self.session.watch) = (None, None);
        ErrorReply::ExecAbortedBy(Box::new(error))
    }

    fn abort_transaction(&mut self) {
        if let Some(transaction) = &mut self.session.transaction {
            transaction.aborted = true;
        }
    }

    /// WATCH, its keys' shards being held.
    pub(super) fn watch(&mut self, held: &mut Held<'_>, request: &Request<'_>) -> Outcome {
        if self.session.transaction.is_some() {
            return Err(ErrorReply::WatchInsideMulti);
        }
        let (layout, db) = (self.engine.shards.layout(), self.session.db);
        let watch = self.session.watch.get_or_insert_default();
        for bytes in
            request.args.skip(1).iter().filter(|key| !watch.contains(db, key)).collect::<alloc::vec::Vec<_>>()
        {
            let key = self.engine.hasher.key(bytes);
            let shard = held.shard(layout, key.slot());
            shard.interest.watch(db, bytes, &watch.changed);
            let existed = shard.db(db).exists(self.now, &key);
            watch.keys.push(WatchedKey { db, key: bytes.into(), existed });
        }
        Ok(Effect::None)
    }

    /// EXEC. Whatever becomes of it, MULTI is closed and nothing is watched any more.
    pub(super) fn exec(&mut self, mark: usize) {
        let transaction = self.session.transaction.take().unwrap_or_default();
        let watch = self.session.watch.take().unwrap_or_default();
        let exec = command::by_id(EXEC);
        if transaction.aborted {
            return self.settle(exec, mark, Err(ErrorReply::ExecAborted));
        }
        let engine = self.engine;
        let shards = shards_of(engine, &transaction, &watch);
        let outcome = engine.shards.with(shards, |held| {
            // Whoever waits waits as it stood: nothing has been done.
            if self.is_slot_fenced(slots_of(&transaction)) {
                self.session.after = After::Hold;
                return Ok(Effect::None);
            }
            if self.is_transaction_held_back(held, &transaction) {
                return Ok(Effect::None);
            }
            keep_clock(held, &self.config);
            self.admit_transaction(held, &transaction)?;
            self.effects.records = self.node.records();
            if watch.is_changed() || self.has_expired(held, &watch) {
                self.reply.null_array();
            } else {
                self.meter.executes(slots_of(&transaction));
                self.execute_all(held, &transaction);
            }
            self.propagate();
            Ok(Effect::None)
        });
        if self.session.after == After::Hold {
            (self.session.transaction, self.session.watch) = (Some(transaction), Some(watch));
            return;
        }
        self.settle(exec, mark, outcome);
    }

    /// Asks once more whether the commands may be executed here: the cluster may have changed since they were queued.
    fn admit_transaction(
        &mut self,
        held: &mut Held<'_>,
        transaction: &Transaction,
    ) -> Result<(), ErrorReply> {
        if self.session.is_obeyed() {
            return Ok(());
        }
        let topology = self.node.topology();
        if let Some(topology) = topology.as_deref() {
            let slots = slots_of(transaction);
            let access = Access::of_all(transaction.queued.iter().map(|queued| queued.command));
            let seeker = Seeker { readonly: self.session.readonly, origin: self.session.origin() };
            route_slots(topology, slots, access, seeker, &self.config)?;
        }
        let room = self.make_room(held, topology.as_deref());
        let standing = Standing::new(self.session, topology.as_deref(), self.node);
        for queued in &transaction.queued {
            let args = queued.args.as_args();
            let admission =
                admission(queued.command, &args, self.session, &self.config, &standing, room, self.node);
            admit(AFTER_ROUTING, &admission).map_err(|reason| ErrorReply::ExecAbortedBy(Box::new(reason)))?;
        }
        Ok(())
    }

    /// True if a watched key has expired since, which nobody need have noticed.
    fn has_expired(&self, held: &mut Held<'_>, watch: &Watch) -> bool {
        let layout = self.engine.shards.layout();
        watch.keys.iter().filter(|watched| watched.existed).any(|watched| {
            let key = self.engine.hasher.key(&watched.key);
            !held.shard(layout, key.slot()).db(watched.db).exists(self.now, &key)
        })
    }

    fn execute_all(&mut self, held: &mut Held<'_>, transaction: &Transaction) {
        self.effects.may_wait = false;
        self.reply.array(transaction.queued.len());
        let mut since_ns = self.meter_clock();
        for queued in &transaction.queued {
            let mark = self.reply.len();
            let request = self.engine.request(queued.command, queued.args.as_args());
            let outcome = match queued.handler {
                _ if let Err(lack) = self.may_at_exec(&request) => Err(lack.into()),
                Handler::Data(handler) => self.data(held, &request, handler),
                handler => {
                    let layout = self.engine.shards.layout();
                    self.alone(&request, handler, &InHand { layout, held: RefCell::new(held) }, true)
                }
            };
            self.settle(queued.command, mark, outcome);
            since_ns = self.meter_ends_within(since_ns, &request, Within::Transaction);
            self.show(&request);
            self.invalidate();
        }
    }
}

/// The slots of all keys of all commands.
pub(super) fn slots_of(transaction: &Transaction) -> KeySlots {
    transaction.queued.iter().fold(KeySlots::None, |slots, queued| {
        let args = queued.args.as_args();
        keys::routed(queued.command, args)
            .fold(slots, |slots, key| slots.and(slotway_core::slot::key_slot(args.at(key.index))))
    })
}

/// The shards that a transaction needs: one if that is enough, else all.
fn shards_of<A: ShardAccess>(engine: &Engine<A>, transaction: &Transaction, watch: &Watch) -> ShardSet {
    let layout = engine.shards.layout();
    if layout.shards() == 1 {
        return ShardSet::One(0);
    }
    let watched = watch.keys.iter().map(|watched| slotway_core::slot::key_slot(&watched.key));
    let slots = watched.fold(slots_of(transaction), KeySlots::and);
    let needs_all = transaction
        .queued
        .iter()
        .any(|queued| matches!(queued.handler, Handler::Node(_)) || runs_a_script(queued.command));
    match slots {
        KeySlots::One(slot) if !needs_all => ShardSet::One(layout.shard_of(slot)),
        KeySlots::None if !needs_all => ShardSet::One(0),
        KeySlots::None | KeySlots::One(_) | KeySlots::Several(_) => ShardSet::All,
    }
}

/// The shards in hand as commands on the whole node see them: within EXEC nobody takes shards again.
pub(super) struct InHand<'h, 's> {
    pub(super) layout: Layout,
    pub(super) held: RefCell<&'h mut Held<'s>>,
}

impl WholeKeyspace for InHand<'_, '_> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn each_shard(&self, visit: &mut dyn FnMut(&mut Shard)) {
        self.held.borrow_mut().each(visit);
    }

    fn one_shard(&self, index: u16, visit: &mut dyn FnMut(&mut Shard)) {
        self.held.borrow_mut().each(|shard| {
            if shard.index() == index {
                visit(shard);
            }
        });
    }

    fn all_shards(&self, visit: &mut dyn FnMut(&mut Held<'_>)) {
        visit(&mut self.held.borrow_mut());
    }
}
