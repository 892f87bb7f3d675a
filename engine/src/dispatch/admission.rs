//! May this command be executed at all? One table of named guards, in the order in which Redis asks.
//!
//! The order is observable: the first guard that refuses gives the reply. Unknown commands and wrong arities have been
//! refused before (`prepare`); where the command's keys live is asked between the two halves of the table.
//! Source of the order: `processCommand` of Redis 7.2.

use slotway_core::command::{self, Command, CommandId, Flag, Flags};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::Protocol;
use slotway_core::resp::error::{AclError, ErrorReply};
use slotway_core::route::Access;
use slotway_core::topology::{self, Topology};

use super::Request;
use super::memory::Room;
use super::permission::{Asker, needs_authentication};
use super::routing::{presence, route_channel, route_here};
use super::run::{Run, scope};
use super::script::flags_of;
use crate::commands::Data;
use crate::config::{Config, ProtectedAction};
use crate::node::{Condition, Node};
use crate::session::Session;
use crate::shards::{Held, ShardAccess, ShardSet};

/// How the node stands towards a connection while shards are held: read once for all requests of a group.
#[derive(Clone, Copy)]
pub(super) struct Standing<'t> {
    /// The cluster as it is now; `None` without cluster mode.
    pub(super) topology: Option<&'t Topology>,
    /// This node replicates another one.
    pub(super) is_replica: bool,
    /// What forbids some commands for the time being.
    condition: Condition,
    suspects: Suspects,
}

/// Which commands the guards have to be asked about: all others pass each of them, as long as memory is left.
#[derive(Clone, Copy)]
enum Suspects {
    All,
    /// Those that have one of these flags.
    Flagged(Flags),
}

/// Always asked about: what may not be enabled, and what runs a script, whose flags are its own.
const SUSPECT: Flags = Flags::of(&[Flag::Admin, Flag::NoScript]);

/// What a guard may look at.
pub(super) struct Admission<'a> {
    pub(super) command: &'static Command,
    pub(super) args: &'a Args<'a>,
    /// Those of the command, or what the script that it runs says of itself.
    pub(super) flags: Flags,
    pub(super) session: &'a Session,
    pub(super) config: &'a Config,
    /// This node replicates another one.
    pub(super) is_replica: bool,
    /// Whether `maxmemory` leaves room for more data.
    pub(super) room: Room,
    /// What forbids some commands for the time being.
    pub(super) condition: Condition,
    pub(super) node: &'a dyn Node,
}

const DEBUG: CommandId = command::id_of("debug");
const CHANGE_MODULES: [CommandId; 3] =
    [command::id_of("module|load"), command::id_of("module|loadex"), command::id_of("module|unload")];
const PING: CommandId = command::id_of("ping");
/// What a RESP2 connection may send while it listens to channels.
const FOR_LISTENERS: [CommandId; 9] = [
    command::id_of("ping"),
    command::id_of("psubscribe"),
    command::id_of("punsubscribe"),
    command::id_of("quit"),
    command::id_of("reset"),
    command::id_of("ssubscribe"),
    command::id_of("subscribe"),
    command::id_of("sunsubscribe"),
    command::id_of("unsubscribe"),
];

/// One reason to refuse.
pub(super) struct Guard {
    check: fn(&Admission<'_>) -> Result<(), ErrorReply>,
}

/// Asked before it is known where the keys live.
const BEFORE_ROUTING: &[Guard] = &[
    Guard { check: what_is_protected_is_enabled },
    Guard { check: client_is_authenticated },
    Guard { check: user_has_permission },
];

/// Asked of a command that will be served here.
pub(super) const AFTER_ROUTING: &[Guard] = &[
    Guard { check: memory_is_left },
    Guard { check: snapshots_succeed },
    Guard { check: enough_replicas_follow },
    Guard { check: replica_takes_no_writes },
    Guard { check: listener_only_listens },
    Guard { check: data_is_fresh },
    Guard { check: data_is_loaded },
    Guard { check: monitor_only_looks },
];

/// Asked of a command that writes within a script.
pub(super) const IN_SCRIPTS: &[Guard] = &[
    Guard { check: replica_takes_no_writes },
    Guard { check: snapshots_succeed },
    Guard { check: enough_replicas_follow },
];

impl<'t> Standing<'t> {
    /// How `node`, which sees this `topology`, stands now.
    pub(super) fn new(session: &Session, topology: Option<&'t Topology>, node: &dyn Node) -> Self {
        let condition = node.condition();
        let is_replica = condition.follows || is_replica(topology);
        let Condition { is_stale, is_loading, lacks_replicas, fails_to_save, fails_to_append, .. } =
            condition;
        let is_restricted = !session.may_do_everything() || needs_authentication(session, node);
        let is_reader = session.is_monitor || !session.subscriptions.is_empty();
        let suspects =
            match is_stale || is_loading || fails_to_save || fails_to_append || is_restricted || is_reader {
                true => Suspects::All,
                false if is_replica || lacks_replicas => Suspects::Flagged(SUSPECT.with(Flag::Write)),
                false => Suspects::Flagged(SUSPECT),
            };
        Self { topology, is_replica, condition, suspects }
    }

    /// Whether the guards have to be asked about `command`.
    pub(super) fn suspects(&self, command: &Command, room: Room) -> bool {
        match self.suspects {
            Suspects::All => true,
            Suspects::Flagged(flags) => room == Room::None || command.flags.intersects(flags),
        }
    }
}

/// What the guards are asked about.
pub(super) fn admission<'r>(
    command: &'static Command,
    args: &'r Args<'r>,
    session: &'r Session,
    config: &'r Config,
    standing: &Standing<'_>,
    room: Room,
    node: &'r dyn Node,
) -> Admission<'r> {
    let Standing { is_replica, condition, .. } = *standing;
    Admission { command, args, flags: command.flags, session, config, is_replica, room, condition, node }
}

impl Admission<'_> {
    /// The same for a request whose flags are not those of its command.
    pub(super) fn with_flags(self, flags: Flags) -> Self {
        Self { flags, ..self }
    }
}

/// Whether this node replicates another one.
pub(super) fn is_replica(topology: Option<&Topology>) -> bool {
    let myself = topology.and_then(|topology| topology.myself().map(|me| topology.node(me)));
    myself.is_some_and(topology::Node::is_replica)
}

/// The refusal of the first guard that has one.
pub(super) fn admit(guards: &[Guard], admission: &Admission<'_>) -> Result<(), ErrorReply> {
    guards.iter().try_for_each(|guard| (guard.check)(admission))
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Asks whether the command may be executed here, its shards being held.
    pub(super) fn admit_held(
        &mut self,
        held: &mut Held<'_>,
        request: &Request<'_>,
    ) -> Result<(), ErrorReply> {
        let topology = self.node.topology();
        let standing = Standing::new(self.session, topology.as_deref(), self.node);
        self.admit(held, &standing, request)
    }

    pub(super) fn admit(
        &mut self,
        held: &mut Held<'_>,
        standing: &Standing<'_>,
        request: &Request<'_>,
    ) -> Result<(), ErrorReply> {
        if let Some(admitted) = self.admit_obeyed(request.command, request.args) {
            return admitted;
        }
        // Most pass all guards, and cost no more than this question.
        if standing.suspects(request.command, Room::Left) {
            return self.admit_suspect(held, standing, request);
        }
        self.route(held, standing, request, Access::of(request.command))?;
        match self.make_room(held, standing.topology) {
            Room::Left => {
                debug_assert_eq!(
                    self.ask_all(standing, request),
                    Ok(()),
                    "a guard refuses an unsuspected command"
                );
                Ok(())
            }
            room => self.ask(AFTER_ROUTING, standing, room, request, request.command.flags),
        }
    }

    fn admit_suspect(
        &mut self,
        held: &mut Held<'_>,
        standing: &Standing<'_>,
        request: &Request<'_>,
    ) -> Result<(), ErrorReply> {
        let Request { command, args, .. } = *request;
        self.ask(BEFORE_ROUTING, standing, Room::Left, request, command.flags)?;
        let flags = flags_of(self.node, command, args);
        let access = match flags != command.flags && flags.contains(Flag::Write) {
            true => Access::Write,
            false => Access::of(command),
        };
        self.route(held, standing, request, access)?;
        let room = self.make_room(held, standing.topology);
        self.ask(AFTER_ROUTING, standing, room, request, flags)
    }

    fn ask(
        &self,
        guards: &[Guard],
        standing: &Standing<'_>,
        room: Room,
        request: &Request<'_>,
        flags: Flags,
    ) -> Result<(), ErrorReply> {
        let Request { command, args, .. } = *request;
        let asked = admission(command, &args, self.session, &self.config, standing, room, self.node);
        admit(guards, &asked.with_flags(flags))
    }

    fn ask_all(&self, standing: &Standing<'_>, request: &Request<'_>) -> Result<(), ErrorReply> {
        let flags = request.command.flags;
        self.ask(BEFORE_ROUTING, standing, Room::Left, request, flags)?;
        self.ask(AFTER_ROUTING, standing, Room::Left, request, flags)
    }

    fn route(
        &mut self,
        held: &mut Held<'_>,
        standing: &Standing<'_>,
        request: &Request<'_>,
        access: Access,
    ) -> Result<(), ErrorReply> {
        let Some(topology) = standing.topology else { return Ok(()) };
        route_here(topology, self.session, &self.config, request, access, || {
            let scope = scope(self.engine, self.node, &self.config, self.session, self.now, request);
            presence(request, &mut Data::new(held, &mut self.effects, scope))
        })
    }

    /// The same for a command that needs no shard.
    pub(super) fn admit_alone(&mut self, request: &Request<'_>) -> Result<(), ErrorReply> {
        if let Some(admitted) = self.admit_obeyed(request.command, request.args) {
            return admitted;
        }
        let topology = self.node.topology();
        let topology = topology.as_deref();
        let Request { command, args, .. } = *request;
        let standing = Standing::new(self.session, topology, self.node);
        self.ask(BEFORE_ROUTING, &standing, Room::Left, request, command.flags)?;
        if let Some(topology) = topology {
            route_channel(topology, self.session, command, args, &self.config)?;
        }
        // FUNCTION LOAD and its kin: what evicts has the shards in hand.
        let room = match command.flags.contains(Flag::DenyOom) && self.config.maxmemory() > 0 {
            true => {
                let engine = self.engine;
                engine.shards.with(ShardSet::All, |held| self.make_room(held, topology))
            }
            false => Room::Left,
        };
        self.ask(AFTER_ROUTING, &standing, room, request, command.flags)
    }
}

/// DEBUG, and what loads modules, may be used by those for whom they are enabled.
fn what_is_protected_is_enabled(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { command, config, session, .. } = admission;
    if !command.flags.contains(Flag::Admin) {
        return Ok(());
    }
    let (allowed, refusal) = if command.id == DEBUG {
        (config.enable_debug_command(), ErrorReply::DebugNotAllowed)
    } else if CHANGE_MODULES.contains(&command.id) {
        (config.enable_module_command(), ErrorReply::ModuleNotAllowed)
    } else {
        return Ok(());
    };
    match allowed {
        ProtectedAction::Yes => Ok(()),
        ProtectedAction::Local if session.is_local => Ok(()),
        ProtectedAction::Local | ProtectedAction::No => Err(refusal),
    }
}

fn client_is_authenticated(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { command, session, node, .. } = admission;
    match needs_authentication(session, *node) && !command.flags.contains(Flag::NoAuth) {
        true => Err(ErrorReply::NoAuth),
        false => Ok(()),
    }
}

fn user_has_permission(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { command, args, session, config, node, .. } = admission;
    if session.may_do_everything() {
        return Ok(());
    }
    let may = Asker::new(*node, config, session).may(command, **args);
    may.map_err(|lack| AclError::Lacks(lack).into())
}

/// A command that may need memory is refused where nothing can be evicted to make room for it.
fn memory_is_left(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    match admission.room == Room::None && admission.flags.contains(Flag::DenyOom) {
        true => Err(ErrorReply::OutOfMemory),
        false => Ok(()),
    }
}

/// PING is refused too, so that whoever watches the node by it learns of the trouble.
fn snapshots_succeed(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { command, flags, condition, node, .. } = admission;
    let is_meant = || flags.contains(Flag::Write) || command.id == PING;
    match condition {
        Condition { fails_to_save: true, .. } if is_meant() => Err(ErrorReply::MisConf),
        Condition { fails_to_append: true, .. } if is_meant() => {
            Err(ErrorReply::MisConfAof(node.aof_failure().unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

fn enough_replicas_follow(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { flags, condition, is_replica, .. } = admission;
    match condition.lacks_replicas && !is_replica && flags.contains(Flag::Write) {
        true => Err(ErrorReply::NoReplicas),
        false => Ok(()),
    }
}

fn data_is_fresh(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    match admission.condition.is_stale && !admission.flags.contains(Flag::Stale) {
        true => Err(ErrorReply::MasterDown),
        false => Ok(()),
    }
}

fn data_is_loaded(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    match admission.condition.is_loading && !admission.command.flags.contains(Flag::Loading) {
        true => Err(ErrorReply::Loading),
        false => Ok(()),
    }
}

/// Redis takes monitors for replicas, which have nothing to ask for.
fn monitor_only_looks(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let flags = admission.command.flags;
    let touches_data = [Flag::Write, Flag::ReadOnly, Flag::MayReplicate];
    match admission.session.is_monitor && touches_data.into_iter().any(|flag| flags.contains(flag)) {
        true => Err(ErrorReply::MonitorAsksForData),
        false => Ok(()),
    }
}

fn replica_takes_no_writes(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let writes = admission.flags.contains(Flag::Write);
    match admission.is_replica && writes && admission.config.replica_read_only() {
        true => Err(ErrorReply::ReadOnlyReplica),
        false => Ok(()),
    }
}

/// In RESP2 a reply could not be told from a message.
fn listener_only_listens(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let Admission { session, command, .. } = admission;
    let is_free = session.protocol == Protocol::Resp3 || session.subscriptions.is_empty();
    match is_free || FOR_LISTENERS.contains(&command.id) {
        true => Ok(()),
        false => Err(ErrorReply::Subscribed(command.name)),
    }
}
