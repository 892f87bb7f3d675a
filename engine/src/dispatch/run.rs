//! Executes a prepared batch, group by group.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;

use arrayvec::ArrayVec;
use slotway_core::command::{self, Command, CommandId, Flag, id_of, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::{BATCH_MAX, Decoder};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, ScriptError, Scripted};
use slotway_core::time::UnixMs;

use super::admission::Standing;
use super::memory::keep_clock;
use super::meter::{Fate, Meter};
use super::permission::needs_authentication;
use super::{EXEC, Engine, Prepared, Request, Tally};
use crate::commands::{Connection, Data, Scope, Whole, deletion};
use crate::config::Config;
use crate::events::{Class, Done, Effects, NullReply};
use crate::keyspace::{DbIndex, ExpiryPolicy, Layout, Shard, Touch};
use crate::node::{Node, Pause};
use crate::propagation::{Instead, Record};
use crate::registry::{DataHandler, Effect, Handler, Outcome};
use crate::session::{After, ReplyMode, Session};
use crate::shards::{Held, ShardAccess, ShardSet, WholeKeyspace};

const ASKING: CommandId = command::id_of("asking");
const TOUCH: CommandId = command::id_of("touch");

/// A batch being executed.
pub(super) struct Run<'a, 'o, A, N> {
    pub(super) engine: &'a Engine<A>,
    pub(super) node: &'a N,
    pub(super) session: &'a mut Session,
    pub(super) config: Arc<Config>,
    pub(super) decoder: &'a Decoder,
    pub(super) prepared: ArrayVec<Prepared<'a>, BATCH_MAX>,
    pub(super) reply: ReplyWriter<'o>,
    pub(super) now: UnixMs,
    pub(super) tally: Tally,
    /// What the commands so far have brought about, and what has not been performed yet.
    pub(super) effects: Effects,
    pub(super) meter: Meter<'a>,
    /// Whether the last command was answered with an error.
    pub(super) failed: bool,
    /// Whether the error that a script is about to answer was counted as that of one of its commands.
    pub(super) error_is_counted: bool,
    /// What this connection is to be told of keys that it tracks, behind the reply to the command being executed.
    pub(super) own_notices: Vec<u8>,
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Executes the whole batch, or up to the request that closes the connection or blocks it, or whose reply fills the room for replies.
    pub(super) fn all(&mut self) -> Tally {
        let mut next = 0;
        if self.node.is_tracking() {
            self.limit_tracking();
        }
        while next < self.prepared.len() && self.goes_on() {
            next = self.group(next);
            self.serve_waiters();
        }
        if self.node.is_tracking() {
            // Of requests that wait, keys may have been evicted.
            self.invalidate();
            self.push_notices();
            self.broadcast();
        }
        self.meter_settles();
        self.tally.requests = next;
        self.tally
    }

    fn goes_on(&self) -> bool {
        self.session.after == After::Continue
            && self.session.blocked.is_none()
            && self.reply.len() < self.session.reply_room.batch_len_max
    }

    /// Executes the requests from `first` on that need the same shards, at least one. Returns where to go on.
    fn group(&mut self, first: usize) -> usize {
        if self.has_to_wait(&self.prepared[first]) {
            self.session.after = After::Hold;
            return first;
        }
        let prepared = self.unless_busy(self.prepared[first].clone());
        if self.is_node_held_back(&prepared) {
            return first;
        }
        let mark = self.reply.len();
        match prepared {
            Prepared::Data { request, shards, .. } if self.is_queued(request.command) => {
                let engine = self.engine;
                let admitted = engine.shards.with(shards, |held| self.admit_held(held, &request));
                let fate = self.queue(mark, request, self.handler_at(first), admitted);
                self.meter_ends(first, &request, mark, fate);
            }
            Prepared::Data { shards, .. } => {
                let end = self.end_of_group(first, shards);
                let engine = self.engine;
                return engine.shards.with(shards, |held| self.held(held, first, end));
            }
            Prepared::Alone { request, handler } if self.is_queued(request.command) => {
                let admitted = self.admit_alone(&request);
                let fate = self.queue(mark, request, handler, admitted);
                self.meter_ends_alone(first, &request, mark, fate);
            }
            Prepared::Alone { request, handler } => {
                let engine = self.engine;
                self.meter_begins(request.command);
                let admitted = self.admit_alone(&request);
                let outcome = admitted.map_err(|error| self.refused_at_once(request.command, error));
                let fate = Fate::of(&outcome);
                let outcome = outcome.and_then(|()| self.alone(&request, handler, &engine.shards, false));
                self.settle(request.command, mark, outcome);
                if self.session.after == After::Hold {
                    return first;
                }
                if fate == Fate::Executed {
                    self.show(&request);
                    self.push_own();
                }
                self.invalidate();
                self.push_notices();
                self.end_caching(request.command);
                self.meter_ends_alone(first, &request, mark, fate);
            }
            Prepared::Refused(error) => {
                self.refused(&error);
                self.meter_refuses(&error);
                self.answer(mark, Err(error));
            }
            Prepared::Foreign => self.turn_away(),
        }
        first + 1
    }

    /// While a script takes its time, whatever is not for ending it is refused, before any shard is taken: the script has them.
    fn unless_busy<'p>(&self, prepared: Prepared<'p>) -> Prepared<'p> {
        let slow = match self.node.is_busy() && !self.session.is_obeyed() {
            true => self.node.scripts().and_then(|host| host.slow()),
            false => None,
        };
        let (Some(slow), Prepared::Data { request, .. } | Prepared::Alone { request, .. }) =
            (slow, &prepared)
        else {
            return prepared;
        };
        let is_data = matches!(prepared, Prepared::Data { .. });
        match request.command.flags {
            flags if !flags.contains(Flag::NoAuth) && needs_authentication(self.session, self.node) => {
                Prepared::Refused(ErrorReply::NoAuth)
            }
            flags if flags.contains(Flag::AllowBusy) && !is_data => prepared,
            _ => Prepared::Refused(busy(request.command, slow.kind)),
        }
    }

    fn end_of_group(&self, first: usize, wanted: ShardSet) -> usize {
        let same =
            |prepared: &&Prepared<'_>| matches!(prepared, Prepared::Data { shards, .. } if *shards == wanted);
        let may_wait = self.node.has_fence() || self.node.pause() != Pause::Nothing;
        let goes_on = |prepared: &&Prepared<'_>| same(prepared) && !(may_wait && self.has_to_wait(prepared));
        first + self.prepared[first..].iter().take_while(goes_on).count()
    }

    /// Whether a pause forbids the request for now.
    fn has_to_wait(&self, prepared: &Prepared<'_>) -> bool {
        if self.is_fenced(prepared) {
            return true;
        }
        let pause = self.node.pause();
        let (Prepared::Data { request, .. } | Prepared::Alone { request, .. }) = prepared else {
            return false;
        };
        match pause {
            Pause::Nothing => false,
            _ if self.session.is_obeyed() => false,
            Pause::Everything => true,
            Pause::Writes => {
                is_propagated(request.command)
                    || self.session.transaction.as_ref().is_some_and(|transaction| {
                        request.command.id == EXEC
                            && transaction.queued.iter().any(|queued| is_propagated(queued.command))
                    })
            }
        }
    }

    fn handler_at(&self, index: usize) -> Handler {
        match &self.prepared[index] {
            Prepared::Data { handler, .. } => Handler::Data(*handler),
            Prepared::Alone { handler, .. } => *handler,
            Prepared::Refused(_) | Prepared::Foreign => unreachable!("what has no handler is not queued"),
        }
    }

    /// Executes requests `first..end` with their shards in hand, up to one that others must hear of first. Returns where to go on.
    fn held(&mut self, held: &mut Held<'_>, first: usize, end: usize) -> usize {
        if end - first > 1 {
            self.prefetch(held, first, end);
        }
        // Read now that the shards are held: see the module's head.
        let topology = self.node.topology();
        let standing = Standing::new(self.session, topology.as_deref(), self.node);
        keep_clock(held, &self.config);
        let policy = match self.session.is_obeyed() {
            true => Some(ExpiryPolicy::Ignore),
            // A primary that pauses must not go on in its history.
            false => (self.node.pause() != Pause::Nothing).then_some(ExpiryPolicy::Keep),
        };
        let Some(policy) = policy else { return self.each_held(held, &standing, first, end) };
        let mut before = ExpiryPolicy::Delete;
        held.each(|shard| {
            before = shard.expiry_policy();
            shard.set_expiry_policy(policy);
        });
        let next = self.each_held(held, &standing, first, end);
        held.each(|shard| shard.set_expiry_policy(before));
        next
    }

    fn each_held(&mut self, held: &mut Held<'_>, standing: &Standing<'_>, first: usize, end: usize) -> usize {
        for index in first..end {
            let mark = self.reply.len();
            let Prepared::Data { request, handler, .. } = &self.prepared[index] else {
                return index;
            };
            let (request, handler) = (*request, *handler);
            if self.is_fenced(&self.prepared[index]) {
                self.session.after = After::Hold;
                return index;
            }
            if self.is_held_back(held, &request) {
                return index;
            }
            self.meter_begins(request.command);
            // What comes back has been admitted before it was sent out.
            let outcome = match self.session.arrived.is_some() {
                true => Ok(()),
                false => self.admit(held, standing, &request),
            };
            let fate = Fate::of(&outcome);
            self.effects.may_wait = self.node.runs_errands() && !self.session.is_obeyed();
            self.effects.done = Done {
                arrived: self.session.arrived.take(),
                decoded: core::mem::take(&mut self.session.decoded),
                is_late: standing.is_replica,
            };
            // After the guards: a replica that is promoted records before it takes writes.
            self.effects.records = self.node.records();
            match outcome.and_then(|()| self.data(held, &request, handler)) {
                Ok(Effect::Block(block)) => {
                    self.propagate();
                    self.park(held, &request, handler, index, *block);
                    self.show(&request);
                    self.meter_ends(index, &request, mark, Fate::Parked);
                    return index + 1;
                }
                Ok(effect @ (Effect::Migrate(_) | Effect::Decode(_))) => {
                    self.propagate();
                    return self.send_out(&request, index, effect);
                }
                Ok(Effect::Watch) => {
                    let outcome = self.watch(held, &request);
                    self.settle(request.command, mark, outcome);
                }
                outcome => self.settle(request.command, mark, outcome),
            }
            self.propagate();
            if fate == Fate::Executed {
                self.show(&request);
            }
            self.invalidate();
            self.push_notices();
            self.end_caching(request.command);
            self.meter_ends(index, &request, mark, fate);
            if !self.goes_on() || self.effects.has_ready() {
                return index + 1;
            }
        }
        end
    }

    /// Has the memory of all these requests' first keys fetched at once: buckets first, then what they point to.
    fn prefetch(&self, held: &mut Held<'_>, first: usize, end: usize) {
        let layout = self.engine.shards.layout();
        let keys = self.prepared[first..end].iter().filter_map(|prepared| match prepared {
            Prepared::Data { request, .. } => request.key.as_ref(),
            Prepared::Alone { .. } | Prepared::Refused(_) | Prepared::Foreign => None,
        });
        for key in keys.clone() {
            held.shard(layout, key.slot()).db(self.session.db).prefetch_bucket(key);
        }
        for key in keys {
            held.shard(layout, key.slot()).db(self.session.db).prefetch_entry(key);
        }
    }

    /// Executes a command on keys that has been admitted.
    pub(super) fn data(
        &mut self,
        held: &mut Held<'_>,
        request: &Request<'_>,
        handler: DataHandler,
    ) -> Outcome {
        let scope = scope(self.engine, self.node, &self.config, self.session, self.now, request);
        let reports_expired =
            self.effects.records || self.effects.wants(Class::Expired) || self.node.is_tracking();
        held.each(|shard| shard.report_expired(reports_expired));
        let mut data = Data::new(held, &mut self.effects, scope);
        let outcome = handler(&mut data, request.args, &mut self.reply);
        if reports_expired {
            data.note_expired();
        }
        if self.effects.records {
            self.record(request.args, self.session.db, &outcome);
        }
        self.remember(request);
        if self.effects.done.is_late && !self.session.is_obeyed() {
            self.note_own_keys(held, request);
        }
        match outcome {
            Ok(Effect::Script(invocation)) => self.script(held, request, invocation),
            outcome => outcome,
        }
    }

    /// What a client gives an expiry on a replica that takes writes has to go by itself.
    #[cold]
    fn note_own_keys(&self, held: &mut Held<'_>, request: &Request<'_>) {
        if !request.command.flags.contains(Flag::Write) {
            return;
        }
        for key in keys::routed(request.command, request.args) {
            let key = self.engine.hasher.key(request.args.at(key.index));
            let shard = held.shard(self.engine.shards.layout(), key.slot());
            if shard.db(self.session.db).peek(self.now, &key).is_some_and(|entry| entry.expiry().is_some()) {
                shard.note_own(self.session.db, key.bytes());
            }
        }
    }

    /// Records what a command has become for replicas.
    pub(super) fn record(&mut self, args: Args<'_>, db: DbIndex, outcome: &Outcome) {
        let Effects { record, instead, .. } = &mut self.effects;
        match (core::mem::take(instead), outcome) {
            // What fails half-way has changed nothing.
            (_, Err(_)) => {}
            (Instead::Commands(mut commands), Ok(_)) => record.append(&mut commands),
            (Instead::Nothing, Ok(Effect::Changed(_))) => record.push(db, args.iter()),
            (Instead::Nothing, Ok(_)) => {}
        }
    }

    /// Hands on what the unit that ends here has become, while its shards are in hand.
    pub(super) fn propagate(&mut self) {
        if !self.effects.record.is_empty() {
            self.meter_propagates();
            self.session.write_offset = self.node.propagate(&self.effects.record);
            self.effects.record.clear();
        }
    }

    /// Executes any other command that has been admitted; it reaches the data through `shards`.
    pub(super) fn alone(
        &mut self,
        request: &Request<'_>,
        handler: Handler,
        shards: &dyn WholeKeyspace,
        in_transaction: bool,
    ) -> Outcome {
        let Engine { hasher, registry, .. } = self.engine;
        let mut published = Record::default();
        let mut connection = Connection {
            session: self.session,
            in_transaction,
            node: self.node,
            config: &self.config,
            now: self.now,
            published: &mut published,
        };
        let attentive = Attentive {
            shards,
            node: self.node,
            config: &self.config,
            reports: self.effects.wants(Class::Expired) || self.node.is_tracking(),
            in_transaction,
            record: RefCell::default(),
            expired: RefCell::default(),
        };
        let effects = &mut self.effects;
        let outcome = match handler {
            Handler::Session(handler) => handler(&mut connection, request.args, &mut self.reply),
            Handler::Node(handler) => handler(
                &mut Whole { connection, shards: &attentive, hasher, registry, effects, in_transaction },
                request.args,
                &mut self.reply,
            ),
            Handler::Data(_) => unreachable!("a command on keys is prepared as Prepared::Data"),
        };
        let Attentive { record, expired, .. } = attentive;
        self.effects.record.append(&mut record.into_inner());
        self.effects.record.append(&mut published);
        if !in_transaction {
            self.propagate();
        }
        for (db, keys) in expired.into_inner() {
            self.effects.gone(self.node, &keys);
            self.effects.expired_before(db, keys);
        }
        // CONFIG SET may have replaced it; DEBUG SLEEP takes its time.
        let before = core::mem::replace(&mut self.config, self.node.config());
        if !Arc::ptr_eq(&before, &self.config) {
            self.meter.reconsider(&self.config);
        }
        self.effects.set_wanted(self.config.notify_keyspace_events());
        self.now = self.node.now();
        outcome
    }

    /// After a command: the error if it failed, its effects, and the end of what holds for one command only.
    pub(super) fn settle(&mut self, command: &'static Command, mark: usize, outcome: Outcome) {
        self.session.last_command = command.name;
        if command.id != ASKING {
            self.session.asking = false;
        }
        match outcome {
            Ok(Effect::Exec) => self.exec(mark),
            outcome => self.answer(mark, outcome),
        }
    }

    fn answer(&mut self, mark: usize, outcome: Outcome) {
        self.tally.commands += 1;
        match outcome {
            Ok(Effect::None | Effect::Watch | Effect::Exec) => {}
            Ok(Effect::Migrate(_) | Effect::Decode(_)) => unreachable!("asked for only by who can wait"),
            Ok(Effect::Script(_)) => unreachable!("it has run with the shards in hand"),
            Ok(Effect::Changed(count)) => self.tally.changes += count,
            // Within EXEC nothing waits.
            Ok(Effect::Block(block)) => {
                self.tally.changes += block.changes;
                write_null(block.timeout_reply, &mut self.reply);
            }
            Err(error) => {
                self.reply.truncate(mark);
                self.reply.error(&error);
            }
        }
        self.failed = self.reply.since(mark).first() == Some(&b'-');
        if self.failed && !core::mem::take(&mut self.error_is_counted) {
            self.count_error(mark);
        }
        self.silence(mark);
        if self.effects.has_events() {
            self.publish_events();
        }
        self.push_own();
    }

    /// Counts the error reply that begins at `mark`.
    #[cold]
    pub(super) fn count_error(&mut self, mark: usize) {
        self.tally.errors += 1;
        let text = &self.reply.since(mark)[1..];
        self.node.with_journal(&mut |journal| journal.errors.add(text));
    }

    /// CLIENT REPLY OFF and SKIP: takes the reply back.
    fn silence(&mut self, mark: usize) {
        match self.session.reply_mode {
            ReplyMode::On => return,
            ReplyMode::Off => {}
            ReplyMode::SkipNext => self.session.reply_mode = ReplyMode::SkipThis,
            ReplyMode::SkipThis => self.session.reply_mode = ReplyMode::On,
        }
        self.reply.truncate(mark);
    }

    /// A line of HTTP: see [`Prepared::Foreign`].
    fn turn_away(&mut self) {
        let from = &self.session.address;
        self.node.log(&alloc::format!(
            "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to this \
             port, perhaps to use it from a browser. Connection from {from} aborted."
        ));
        self.session.after = After::Abort;
    }
}

/// All shards as commands on the whole node see them: keys that turn out to have expired are told of, and propagated, while the shard is in hand.
struct Attentive<'a> {
    shards: &'a dyn WholeKeyspace,
    node: &'a dyn Node,
    config: &'a Config,
    /// Whether there are events for them.
    reports: bool,
    /// Whether they are propagated with other commands, later.
    in_transaction: bool,
    record: RefCell<Record>,
    expired: RefCell<Vec<(DbIndex, Keys)>>,
}

type Keys = Vec<Box<[u8]>>;

impl Attentive<'_> {
    fn visit(&self, shard: &mut Shard, visit: &mut dyn FnMut(&mut Shard)) {
        let records = self.node.records();
        shard.report_expired(self.reports || records);
        visit(shard);
        self.note(shard, records);
    }

    fn note(&self, shard: &mut Shard, records: bool) {
        if !self.reports && !records {
            return;
        }
        for (db, keys) in shard.dbs_mut().map(|(index, db)| (index, db.take_expired())) {
            let name = deletion(self.config.lazyfree_lazy_expire());
            for key in keys.iter().filter(|_| records) {
                let record = &mut *self.record.borrow_mut();
                record.push(db, [name, key].into_iter());
                if !self.in_transaction {
                    self.node.propagate(record);
                    record.clear();
                }
            }
            if !keys.is_empty() {
                self.expired.borrow_mut().push((db, keys));
            }
        }
    }
}

impl WholeKeyspace for Attentive<'_> {
    fn layout(&self) -> Layout {
        self.shards.layout()
    }

    fn each_shard(&self, visit: &mut dyn FnMut(&mut Shard)) {
        self.shards.each_shard(&mut |shard| self.visit(shard, visit));
    }

    fn one_shard(&self, index: u16, visit: &mut dyn FnMut(&mut Shard)) {
        self.shards.one_shard(index, &mut |shard| self.visit(shard, visit));
    }

    fn all_shards(&self, visit: &mut dyn FnMut(&mut Held<'_>)) {
        self.shards.all_shards(&mut |held| {
            let records = self.node.records();
            held.each(|shard| shard.report_expired(self.reports || records));
            visit(held);
            held.each(|shard| self.note(shard, records));
        });
    }
}

/// Under which circumstances a request is executed.
pub(super) fn scope<'s, A: ShardAccess, N: Node>(
    engine: &'s Engine<A>,
    node: &'s N,
    config: &'s Config,
    session: &'s Session,
    now: UnixMs,
    request: &Request<'s>,
) -> Scope<'s> {
    let touch = if session.no_touch && request.command.id != TOUCH { Touch::No } else { Touch::Yes };
    Scope {
        layout: engine.shards.layout(),
        hasher: &engine.hasher,
        db: session.db,
        now,
        config,
        touch,
        counted: counts_reads(request.command),
        first_key: request.key,
        is_from_primary: session.is_obeyed(),
        client: session.id,
        user: session.user.as_deref(),
        node,
    }
}

/// Commands that write and whose reads are counted all the same: what they read is not what they write.
const COUNTED_WRITES: [CommandId; 13] = [
    id_of("bitop"),
    id_of("copy"),
    id_of("georadius"),
    id_of("georadiusbymember"),
    id_of("geosearchstore"),
    id_of("sdiffstore"),
    id_of("sinterstore"),
    id_of("sort"),
    id_of("sunionstore"),
    id_of("zdiffstore"),
    id_of("zinterstore"),
    id_of("zrangestore"),
    id_of("zunionstore"),
];

/// Whether what `command` reads counts as hits and misses.
fn counts_reads(command: &Command) -> bool {
    !command.flags.contains(Flag::Write) || COUNTED_WRITES.contains(&command.id)
}

/// Whether a command may become one for replicas.
pub(super) fn is_propagated(command: &Command) -> bool {
    command.flags.contains(Flag::Write) || command.flags.contains(Flag::MayReplicate)
}

/// What a blocking command answers when its time is over.
pub(super) fn write_null(null: NullReply, reply: &mut ReplyWriter<'_>) {
    match null {
        NullReply::Array => reply.null_array(),
        NullReply::Bulk => reply.null(),
    }
}

/// The answer to what has to wait for a script; EXEC tells what has become of its transaction.
fn busy(command: &Command, kind: Scripted) -> ErrorReply {
    let error = ScriptError::Busy(kind).into();
    match command.id == EXEC {
        true => ErrorReply::ExecAbortedBy(Box::new(error)),
        false => error,
    }
}
