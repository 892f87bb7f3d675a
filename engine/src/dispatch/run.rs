//! Executes a prepared batch, group by group.

use alloc::string::String;
use alloc::sync::Arc;

use arrayvec::ArrayVec;
use slotway_core::command::{self, Command, CommandId, Flag, Group, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::BATCH_MAX;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{self, Access, Decision, Intent, KeySlots, Presence};
use slotway_core::time::UnixMs;
use slotway_core::topology::{self, NodeIndex, Topology};

use super::admission::{AFTER_ROUTING, Admission, BEFORE_ROUTING, admit};
use super::{Engine, Prepared, Tally};
use crate::commands::{Connection, Data, Scope, Whole};
use crate::events::Effects;
use crate::config::Config;
use crate::keyspace::{Key, Touch};
use crate::node::Node;
use crate::registry::{DataHandler, Effect, Handler, Outcome};
use crate::session::{After, ReplyMode, Session};
use crate::shards::{Held, ShardAccess, ShardSet};

const ASKING: CommandId = command::id_of("asking");
const MIGRATE: CommandId = command::id_of("migrate");
const TOUCH: CommandId = command::id_of("touch");

/// A batch being executed.
pub(super) struct Run<'a, 'o, A, N> {
    pub(super) engine: &'a Engine<A>,
    pub(super) node: &'a N,
    pub(super) session: &'a mut Session,
    pub(super) config: Arc<Config>,
    pub(super) prepared: ArrayVec<Prepared<'a>, BATCH_MAX>,
    pub(super) reply: ReplyWriter<'o>,
    pub(super) now: UnixMs,
    pub(super) tally: Tally,
    /// What the command being executed has brought about.
    pub(super) effects: Effects,
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Executes the whole batch, or up to the request that closes the connection.
    pub(super) fn all(mut self) -> Tally {
        let mut next = 0;
        while next < self.prepared.len() && self.session.after == After::Continue {
            next = self.group(next);
        }
        self.tally
    }

    /// Executes the requests from `first` on that need the same shards, at least one. Returns where to go on.
    fn group(&mut self, first: usize) -> usize {
        let mark = self.reply.len();
        match &self.prepared[first] {
            Prepared::Data { shards, .. } => {
                let shards = *shards;
                let end = self.end_of_group(first, shards);
                let engine = self.engine;
                return engine.shards.with(shards, |held| self.held(held, first, end));
            }
            Prepared::Alone { command, handler, args } => {
                let (command, handler, args) = (*command, *handler, *args);
                let outcome = self.alone(command, handler, args);
                self.settle(command, mark, outcome);
            }
            Prepared::Refused(error) => {
                let error = error.clone();
                self.answer(mark, Err(error));
            }
            Prepared::Foreign => {
                let from = &self.session.address;
                self.node.log(&alloc::format!(
                    "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to this \
                     port, perhaps to use it from a browser. Connection from {from} aborted."
                ));
                self.session.after = After::Abort;
            }
        }
        first + 1
    }

    fn end_of_group(&self, first: usize, wanted: ShardSet) -> usize {
        let same =
            |prepared: &&Prepared<'_>| matches!(prepared, Prepared::Data { shards, .. } if *shards == wanted);
        first + self.prepared[first..].iter().take_while(same).count()
    }

    /// Executes requests `first..end` with their shards in hand. Returns where to go on.
    fn held(&mut self, held: &mut Held<'_>, first: usize, end: usize) -> usize {
        if end - first > 1 {
            self.prefetch(held, first, end);
        }
        // Read now that the shards are held: see the module's head.
        let topology = self.node.topology();
        for index in first..end {
            let mark = self.reply.len();
            let Prepared::Data { command, handler, args, key, .. } = &self.prepared[index] else {
                return index;
            };
            let (command, handler, args, key) = (*command, *handler, *args, *key);
            let outcome = self.data(held, topology.as_deref(), command, handler, args, key);
            self.settle(command, mark, outcome);
            if self.session.after != After::Continue {
                return index + 1;
            }
        }
        end
    }

    /// Has the memory of all these requests' first keys fetched at once: buckets first, then what they point to.
    fn prefetch(&self, held: &mut Held<'_>, first: usize, end: usize) {
        let layout = self.engine.shards.layout();
        let keys = self.prepared[first..end].iter().filter_map(|prepared| match prepared {
            Prepared::Data { key, .. } => key.as_ref(),
            Prepared::Alone { .. } | Prepared::Refused(_) | Prepared::Foreign => None,
        });
        for key in keys.clone() {
            held.shard(layout, key.slot()).db(self.session.db).prefetch_bucket(key);
        }
        for key in keys {
            held.shard(layout, key.slot()).db(self.session.db).prefetch_entry(key);
        }
    }

    fn data(
        &mut self,
        held: &mut Held<'_>,
        topology: Option<&Topology>,
        command: &'static Command,
        handler: DataHandler,
        args: Args<'_>,
        key: Option<Key<'_>>,
    ) -> Outcome {
        let admission = admission(command, self.session, &self.config, topology, || held.used_memory());
        admit(BEFORE_ROUTING, &admission)?;
        let touch = if self.session.no_touch && command.id != TOUCH { Touch::No } else { Touch::Yes };
        let node = self.node;
        let scope = Scope {
            layout: self.engine.shards.layout(),
            hasher: &self.engine.hasher,
            db: self.session.db,
            now: self.now,
            config: &self.config,
            touch,
            first_key: key,
            random: &|| node.random(),
        };
        let mut data = Data::new(held, &mut self.effects, scope);
        if let Some(topology) = topology {
            route_here(topology, self.session, command, args, &mut data)?;
        }
        admit(AFTER_ROUTING, &admission)?;
        handler(&mut data, args, &mut self.reply)
    }

    fn alone(&mut self, command: &'static Command, handler: Handler, args: Args<'_>) -> Outcome {
        let topology = self.node.topology();
        let admission = admission(command, self.session, &self.config, topology.as_deref(), || 0);
        admit(BEFORE_ROUTING, &admission)?;
        admit(AFTER_ROUTING, &admission)?;
        let Engine { shards, hasher, registry } = self.engine;
        let mut connection =
            Connection { session: self.session, node: self.node, config: &self.config, now: self.now };
        let outcome = match handler {
            Handler::Session(handler) => handler(&mut connection, args, &mut self.reply),
            Handler::Node(handler) => {
                handler(&mut Whole { connection, shards, hasher, registry }, args, &mut self.reply)
            }
            Handler::Data(_) => unreachable!("a command on keys is prepared as Prepared::Data"),
        };
        // CONFIG SET may have replaced it; DEBUG SLEEP takes its time.
        self.config = self.node.config();
        self.now = self.node.now();
        outcome
    }

    /// After a command: the error if it failed, its effects, and the end of what holds for one command only.
    fn settle(&mut self, command: &'static Command, mark: usize, outcome: Outcome) {
        self.session.last_command = command.name;
        if command.id != ASKING {
            self.session.asking = false;
        }
        self.answer(mark, outcome);
    }

    fn answer(&mut self, mark: usize, outcome: Outcome) {
        self.tally.commands += 1;
        match outcome {
            Ok(Effect::None | Effect::Block(_)) => {}
            Ok(Effect::Changed(count)) => self.tally.changes += count,
            Err(error) => {
                self.tally.errors += 1;
                self.reply.truncate(mark);
                self.reply.error(&error);
            }
        }
        self.silence(mark);
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
}

/// What the guards are asked about.
fn admission<'r>(
    command: &'static Command,
    session: &'r Session,
    config: &'r Config,
    topology: Option<&Topology>,
    used_memory: impl FnOnce() -> usize,
) -> Admission<'r> {
    let myself = topology.and_then(|topology| topology.myself().map(|me| topology.node(me)));
    let is_replica = myself.is_some_and(topology::Node::is_replica);
    // Counted only where there is a limit: it takes a walk over the databases.
    let used_memory = if config.maxmemory() > 0 { used_memory() } else { 0 };
    Admission { command, session, config, is_replica, used_memory }
}

/// Lets a command pass that is served here.
///
/// # Errors
/// The redirection, or why nobody can serve it.
fn route_here(
    topology: &Topology,
    session: &Session,
    command: &'static Command,
    args: Args<'_>,
    data: &mut Data<'_, '_>,
) -> Result<(), ErrorReply> {
    let slots = keys::routed(command, args)
        .fold(KeySlots::None, |slots, key| slots.and(data.key(args.at(key.index)).slot()));
    let config = data.config();
    let mut decision = route::route(topology, slots, intent_of(command, session), config.down_policy());
    if let Decision::DependsOnPresence(open) = decision {
        decision = open.resolve(presence(command, args, data));
    }
    decision.refusal(|node| endpoint(topology, node, config)).map_or(Ok(()), Err)
}

fn intent_of(command: &Command, session: &Session) -> Intent {
    let access = match command {
        command if command.id == MIGRATE => Access::Migrate,
        command if command.group == Group::PubSub => Access::ShardChannel,
        command if command.flags.contains(Flag::Write) => Access::Write,
        _ => Access::Read,
    };
    let asking = session.asking || command.flags.contains(Flag::Asking);
    Intent { access, asking, readonly: session.readonly }
}

fn presence(command: &Command, args: Args<'_>, data: &mut Data<'_, '_>) -> Presence {
    let mut presence = Presence::default();
    for key in keys::routed(command, args) {
        match data.exists(args.at(key.index)) {
            true => presence.present += 1,
            false => presence.missing += 1,
        }
    }
    presence
}

/// `host:port` as `cluster-preferred-endpoint-type` wants it.
fn endpoint(topology: &Topology, node: NodeIndex, config: &Config) -> String {
    let node = topology.node(node);
    let host = node.preferred_host(config.cluster_preferred_endpoint_type());
    alloc::format!("{host}:{}", node.client_port(false))
}
