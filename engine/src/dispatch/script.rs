//! EVAL and FCALL: which scripts may run, and what becomes of the commands within them.
//!
//! A script runs with all shards in hand that its keys and whatever it touches besides can lie in: the one that there is, or all of them. What
//! its commands change is one unit, for replicas as for the file; the script itself is never propagated.
//!
//! Source of the rules: `scriptPrepareForRun` and `scriptCall` of Redis 7.2.

use alloc::sync::Arc;
use core::cell::RefCell;

use slotway_core::command::{Command, CommandId, Flag, Flags, id_of};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::{AclError, ErrorReply, ScriptError};
use slotway_core::route::{Access, KeySlots};
use slotway_core::slot::Slot;
use slotway_core::time::UnixMs;

use super::Request;
use super::admission::{IN_SCRIPTS, Standing, admission, admit, is_replica};
use super::memory::Room;
use super::meter::Within;
use super::permission::{Asker, check};
use super::routing::{presence, route_here, slots_of};
use super::run::{Run, scope, write_null};
use super::transaction::InHand;
use crate::acl::Context;
use crate::commands::Data;
use crate::node::Node;
use crate::propagation::Readers;
use crate::registry::{Effect, Handler, Outcome};
use crate::script::{Caller, Invocation, Mode, Naming, ScriptFlag, ScriptFlags, SlowScript};
use crate::shards::{Held, ShardAccess};

/// What runs a script, and how it names it.
const SCRIPTED: [(CommandId, Naming); 6] = [
    (id_of("eval"), Naming::Text),
    (id_of("eval_ro"), Naming::Text),
    (id_of("evalsha"), Naming::Digest),
    (id_of("evalsha_ro"), Naming::Digest),
    (id_of("fcall"), Naming::Function),
    (id_of("fcall_ro"), Naming::Function),
];

/// Whether `command` runs a script, which may touch more than the keys that it is given.
pub(super) fn runs_a_script(command: &Command) -> bool {
    naming_of(command).is_some()
}

fn naming_of(command: &Command) -> Option<Naming> {
    SCRIPTED.iter().find(|(id, _)| *id == command.id).map(|(_, naming)| *naming)
}

/// The flags by which a request is admitted: those of its command, unless it runs a script that says of itself what it does.
pub(super) fn flags_of<N: Node>(node: &N, command: &'static Command, args: Args<'_>) -> Flags {
    // Few commands are not for scripts; only those that run one are looked at further.
    let naming = command.flags.contains(Flag::NoScript).then(|| naming_of(command)).flatten();
    let Some(naming) = naming else { return command.flags };
    let said = node.scripts().and_then(|host| host.flags(naming, args.at(1)));
    match said {
        Some(said) if !said.contains(ScriptFlag::Compat) => flags_said(command.flags, said),
        _ => command.flags,
    }
}

fn flags_said(of_command: Flags, said: ScriptFlags) -> Flags {
    let mut flags = of_command.without(Flag::Stale);
    if !said.contains(ScriptFlag::NoWrites) {
        flags = flags.with(Flag::Write);
        if !said.contains(ScriptFlag::AllowOom) {
            flags = flags.with(Flag::DenyOom);
        }
    }
    if said.contains(ScriptFlag::AllowStale) {
        flags = flags.with(Flag::Stale);
    }
    flags
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Runs the script of a request that has been admitted, its shards in hand.
    pub(super) fn script(
        &mut self,
        held: &mut Held<'_>,
        request: &Request<'_>,
        invocation: Invocation,
    ) -> Outcome {
        let node = self.node;
        let host = node.scripts().ok_or(ScriptError::NoEngine)?;
        let found = host.find(invocation.naming, request.args.at(1))?;
        let room = self.room_for_scripts(held);
        self.admit_script(found.flags, invocation.mode, room)?;
        self.show_script(request);
        let args = request.args.skip(3);
        let (keys, args) = (args.first(invocation.keys), args.skip(invocation.keys));
        let before = Before::of(self);
        self.error_is_counted = false;
        let mut script = Script::new(self, held, request, invocation, found.flags, room);
        let outcome = host.run(found, keys, args, &mut script);
        script.end();
        before.put_back(self);
        outcome.map(|()| Effect::None)
    }

    /// Whether there was room for more data when the script began: it is not stopped half-way for the lack of it.
    fn room_for_scripts(&mut self, held: &mut Held<'_>) -> Room {
        if self.session.is_obeyed() {
            return Room::Left;
        }
        let topology = self.node.topology();
        match is_replica(topology.as_deref()) || self.node.condition().follows {
            true => Room::Left,
            false => self.make_room(held, topology.as_deref()),
        }
    }

    /// What the flags of a script allow here and now. One without flags has its commands looked at one by one.
    fn admit_script(&self, flags: ScriptFlags, mode: Mode, room: Room) -> Result<(), ScriptError> {
        if flags.contains(ScriptFlag::Compat) || self.session.is_obeyed() {
            return Ok(());
        }
        let condition = self.node.condition();
        if flags.contains(ScriptFlag::NoCluster) && self.config.cluster_enabled() {
            return Err(ScriptError::NoCluster);
        }
        if condition.is_stale && !flags.contains(ScriptFlag::AllowStale) {
            return Err(ScriptError::Stale);
        }
        if !flags.contains(ScriptFlag::NoWrites) {
            let topology = self.node.topology();
            let is_replica = condition.follows || is_replica(topology.as_deref());
            match () {
                () if mode == Mode::ReadOnly => return Err(ScriptError::WritesInReadOnly),
                () if is_replica && self.config.replica_read_only() => {
                    return Err(ScriptError::WritesOnReplica);
                }
                () if condition.fails_to_save => return Err(ScriptError::MisConf),
                () if condition.fails_to_append => {
                    let why = self.node.aof_failure().unwrap_or_default();
                    return Err(ScriptError::MisConfAof(why.into_bytes()));
                }
                () if condition.lacks_replicas && !is_replica => return Err(ScriptError::NoReplicas),
                () => {}
            }
        }
        match room == Room::None
            && !flags.contains(ScriptFlag::AllowOom)
            && !flags.contains(ScriptFlag::NoWrites)
        {
            true => Err(ScriptError::OutOfMemory),
            false => Ok(()),
        }
    }
}

/// What a script may change of its connection, and must not.
struct Before {
    session: (crate::keyspace::DbIndex, bool),
    protocol: Protocol,
    now: UnixMs,
    may_wait: bool,
}

impl Before {
    fn of<A, N>(run: &mut Run<'_, '_, A, N>) -> Self {
        let may_wait = core::mem::take(&mut run.effects.may_wait);
        let session = (run.session.db, run.session.card_changed);
        Self { session, protocol: run.reply.protocol(), now: run.now, may_wait }
    }

    fn put_back<A, N>(self, run: &mut Run<'_, '_, A, N>) {
        (run.session.db, run.session.card_changed) = self.session;
        run.reply.set_protocol(self.protocol);
        run.now = self.now;
        run.effects.may_wait = self.may_wait;
    }
}

/// A script that runs.
struct Script<'s, 'r, 'o, 'h, 'q, A, N> {
    run: &'s mut Run<'r, 'o, A, N>,
    held: &'s mut Held<'h>,
    request: &'s Request<'q>,
    invocation: Invocation,
    flags: ScriptFlags,
    room: Room,
    /// Where in the output its reply begins; the replies of its commands are there meanwhile.
    mark: usize,
    /// The protocol of the client, and that of the script.
    protocols: (Protocol, Protocol),
    /// Who gets what it writes.
    readers: Readers,
    has_written: bool,
    /// The slot of its keys, once one is known.
    slot: Option<Slot>,
    slow: Option<Arc<SlowScript>>,
}

impl<'s, 'r, 'o, 'h, 'q, A: ShardAccess, N: Node> Script<'s, 'r, 'o, 'h, 'q, A, N> {
    fn new(
        run: &'s mut Run<'r, 'o, A, N>,
        held: &'s mut Held<'h>,
        request: &'s Request<'q>,
        invocation: Invocation,
        flags: ScriptFlags,
        room: Room,
    ) -> Self {
        let (mark, protocol) = (run.reply.len(), run.reply.protocol());
        let slot = request.key.map(|key| key.slot());
        Self {
            run,
            held,
            request,
            invocation,
            flags,
            room,
            mark,
            protocols: (protocol, Protocol::Resp2),
            readers: Readers::ALL,
            has_written: false,
            slot,
            slow: None,
        }
    }

    /// It is over, however it has ended.
    fn end(&mut self) {
        if self.slow.take().is_some() {
            if let Some(host) = self.run.node.scripts() {
                host.set_slow(None);
            }
            self.run.node.served_others();
        }
    }

    /// The command that is asked for; what is none has been counted.
    fn find(&self, words: Args<'_>) -> Result<(&'static Command, Handler), ErrorReply> {
        self.run.engine.find(words).map_err(|error| {
            self.run.meter_refuses(&error);
            match error {
                ErrorReply::Arity(_) | ErrorReply::ExecArity => ScriptError::CommandArity.into(),
                _ => ScriptError::UnknownCommand.into(),
            }
        })
    }

    fn execute(&mut self, command: &'static Command, handler: Handler, words: Args<'_>) -> Outcome {
        let request = self.run.engine.request(command, words);
        self.admit(&request)?;
        let recorded = self.run.effects.record.count();
        let outcome = match handler {
            Handler::Data(handler) => self.run.data(self.held, &request, handler),
            handler => {
                let layout = self.run.engine.shards.layout();
                let now = self.run.now;
                let in_hand = InHand { layout, held: RefCell::new(self.held) };
                let outcome = self.run.alone(&request, handler, &in_hand, true);
                // For a script time stands still.
                self.run.now = now;
                outcome
            }
        };
        if self.readers != Readers::ALL {
            self.run.effects.record.limit(recorded, self.readers);
        }
        outcome
    }

    /// Asks whether a command may be executed within this script.
    fn admit(&mut self, request: &Request<'_>) -> Result<(), ErrorReply> {
        let Request { command, args, .. } = *request;
        let writes = command.flags.contains(Flag::Write);
        if command.flags.contains(Flag::NoScript) {
            return Err(ScriptError::NotAllowed.into());
        }
        if !self.run.session.is_obeyed() {
            self.admit_here(request)?;
        }
        let asker = Asker::new(self.run.node, &self.run.config, self.run.session).within(Context::Lua);
        asker.may(command, args).map_err(AclError::LacksInScript)?;
        if writes && self.slow.as_ref().is_some_and(|slow| !slow.writes()) {
            return Err(ScriptError::Killed(self.invocation.naming.kind()).into());
        }
        self.has_written |= writes;
        match self.run.session.is_obeyed() {
            true => Ok(()),
            false => self.route(request),
        }
    }

    fn admit_here(&mut self, request: &Request<'_>) -> Result<(), ErrorReply> {
        let command = request.command;
        let writes = command.flags.contains(Flag::Write);
        let node = self.run.node;
        let condition = node.condition();
        if condition.is_stale && !command.flags.contains(Flag::Stale) {
            return Err(ScriptError::CommandOnStaleReplica.into());
        }
        // What is propagated without a change of data counts as a write here: PUBLISH, for one.
        if (writes || command.flags.contains(Flag::MayReplicate)) && self.is_read_only() {
            return Err(ScriptError::CommandWrites.into());
        }
        let topology = node.topology();
        if writes {
            let Run { session, config, .. } = &*self.run;
            let standing = Standing::new(session, topology.as_deref(), node);
            admit(
                IN_SCRIPTS,
                &admission(command, &request.args, session, config, &standing, Room::Left, node),
            )?;
        }
        let stops =
            self.room == Room::None && !self.has_written && !self.flags.contains(ScriptFlag::AllowOom);
        match stops && command.flags.contains(Flag::DenyOom) {
            true => Err(ErrorReply::OutOfMemory),
            false => Ok(()),
        }
    }

    /// Counts a command of the script that has been answered.
    fn count(&mut self, command: Option<&'static Command>, words: Args<'_>, since_ns: u64) {
        let (run, mark) = (&mut *self.run, self.mark);
        run.failed = run.reply.since(mark).first() == Some(&b'-');
        if run.failed {
            run.count_error(mark);
            run.error_is_counted = true;
        }
        if let Some(command) = command {
            let request = Request { command, args: words, key: None };
            run.meter_ends_within(since_ns, &request, Within::Script);
            run.show_of_script(command, words);
        }
    }

    fn is_read_only(&self) -> bool {
        self.invocation.mode == Mode::ReadOnly || self.flags.contains(ScriptFlag::NoWrites)
    }

    /// Whether the keys of a command, declared or not, are served here, and are free to be changed.
    fn route(&mut self, request: &Request<'_>) -> Result<(), ErrorReply> {
        let Request { command, args, .. } = *request;
        let run = &mut *self.run;
        if run.holder(self.held, command, args).is_some() {
            return Err(ScriptError::Rehashing(command.name).into());
        }
        let topology = run.node.topology();
        let Some(topology) = topology.as_deref() else { return Ok(()) };
        let slots = slots_of(request);
        if run.is_slot_fenced(slots) {
            return Err(ScriptError::Rehashing(command.name).into());
        }
        route_here(topology, run.session, &run.config, request, Access::of(command), || {
            let scope = scope(run.engine, run.node, &run.config, run.session, run.now, request);
            presence(request, &mut Data::new(self.held, &mut run.effects, scope))
        })
        .map_err(|error| refusal(&error, command))?;
        self.keep_to_slot(slots)
    }

    /// A script that says nothing of it may use keys of one slot only.
    fn keep_to_slot(&mut self, slots: KeySlots) -> Result<(), ErrorReply> {
        let is_free =
            self.flags.contains(ScriptFlag::AllowCrossSlotKeys) || self.flags.contains(ScriptFlag::Compat);
        let (KeySlots::One(slot), false) = (slots, is_free) else { return Ok(()) };
        match *self.slot.get_or_insert(slot) == slot {
            true => Ok(()),
            false => Err(ScriptError::CrossSlot.into()),
        }
    }
}

impl<A: ShardAccess, N: Node> Caller for Script<'_, '_, '_, '_, '_, A, N> {
    fn call(&mut self, words: Args<'_>) -> &[u8] {
        self.run.reply.truncate(self.mark);
        // The script is to see all of it, whatever the client may be sent.
        let len_max = self.run.reply.set_len_max(usize::MAX);
        self.run.reply.set_protocol(self.protocols.1);
        self.run.tally.commands += 1;
        let since_ns = self.run.meter_clock();
        let found = self.find(words);
        let command = found.as_ref().ok().map(|(command, _)| *command);
        match found.and_then(|(command, handler)| self.execute(command, handler, words)) {
            Ok(Effect::Changed(count)) => self.run.tally.changes += count,
            // Nothing waits within a script.
            Ok(Effect::Block(block)) => {
                self.run.tally.changes += block.changes;
                write_null(block.timeout_reply, &mut self.run.reply);
            }
            Ok(Effect::None) => {}
            Ok(Effect::Watch | Effect::Exec | Effect::Script(_) | Effect::Migrate(_) | Effect::Decode(_)) => {
                unreachable!("not allowed within scripts, or asked for only by who can wait")
            }
            Err(error) => {
                self.run.reply.truncate(self.mark);
                self.run.reply.error(&error);
            }
        }
        self.count(command, words, since_ns);
        self.run.reply.set_len_max(len_max);
        self.run.reply.since(self.mark)
    }

    fn allows(&self, words: Args<'_>) -> Option<bool> {
        let command = slotway_core::command::resolve(words).ok()?;
        Some(check(self.run.session, command, words).is_ok())
    }

    fn set_protocol(&mut self, protocol: Protocol) {
        self.protocols.1 = protocol;
    }

    fn protocol(&self) -> Protocol {
        self.protocols.1
    }

    fn set_readers(&mut self, readers: Readers) {
        self.readers = readers;
    }

    fn goes_on(&mut self) -> bool {
        let threshold = self.run.config.busy_reply_threshold_ms();
        let node = self.run.node;
        let Some(host) = node.scripts() else { return true };
        if threshold == 0 {
            return true;
        }
        let slow = match &self.slow {
            Some(slow) => Arc::clone(slow),
            None => {
                let elapsed = node.now().ms_since(self.run.now);
                if elapsed < threshold {
                    return true;
                }
                let (kind, is_obeyed) = (self.invocation.naming.kind(), self.run.session.is_obeyed());
                let command =
                    if self.invocation.naming == Naming::Function { "FUNCTION KILL" } else { "SCRIPT KILL" };
                node.log(&alloc::format!(
                    "Slow script detected: still in execution after {elapsed} milliseconds. You can try killing the script using the {command} command."
                ));
                let slow =
                    SlowScript::new(kind, self.request.args, self.run.now, self.has_written, is_obeyed);
                let slow = Arc::new(slow);
                host.set_slow(Some(Arc::clone(&slow)));
                self.slow = Some(Arc::clone(&slow));
                slow
            }
        };
        node.serve_others();
        !slow.is_killed() && !node.is_stopping()
    }

    fn log(&self, level: u8, line: &[u8]) {
        self.run.node.log_at(level, &alloc::string::String::from_utf8_lossy(line));
    }

    fn reply(&mut self) -> ReplyWriter<'_> {
        self.run.reply.truncate(self.mark);
        self.run.reply.set_protocol(self.protocols.0);
        self.run.reply.lend()
    }
}

/// How a script is told that its keys are not served here.
fn refusal(error: &ErrorReply, command: &Command) -> ScriptError {
    match error {
        ErrorReply::ClusterDownReadOnly => ScriptError::ClusterDownReadOnly,
        ErrorReply::ClusterDown => ScriptError::ClusterDown,
        ErrorReply::CrossSlot => ScriptError::CrossSlotCommand(command.name),
        ErrorReply::TryAgain => ScriptError::Rehashing(command.name),
        ErrorReply::SlotNotServed => ScriptError::SlotNotServed,
        _ => ScriptError::NonLocalKey,
    }
}
