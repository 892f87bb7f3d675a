//! From a batch of requests to their replies: the spine of the engine.
//!
//! ```text
//!   prepare    every request: name -> command, handler; first key -> slot, hash     (nothing is touched yet)
//!   group      the next requests that need the same shard, or one that needs none
//!     take the shard once: prefetch buckets, prefetch entries, then for each request in order
//!       admit      guards, in Redis' order: GUARDS_BEFORE_ROUTING
//!       route      cluster mode: core::route, with the topology as it is now that the shard is held
//!       admit      GUARDS_AFTER_ROUTING
//!       execute    the handler writes its reply
//!       settle     error instead of reply, effects, what holds for one command only
//!       meter      what it has cost its slot, and its command
//! ```
//!
//! Replies come in the order of requests, and each request sees what those before it did: only the fetching of
//! memory is moved forward. That is worth more than anything else here, since a node with much data waits mostly
//! for memory.
//!
//! Routing and execution are atomic: the topology is read while the shard is held. Whoever gives a slot away
//! publishes the new topology first, then takes and releases the slot's shard, and only then acknowledges.

mod admission;
mod blocking;
mod errands;
mod fence;
mod forsake;
mod memory;
mod meter;
mod monitor;
mod notify;
mod permission;
mod routing;
mod run;
mod script;
#[cfg(test)]
mod tests;
mod tracking;
mod transaction;

pub(crate) use blocking::{all_waiters, awaited_keys, unblock};
pub(crate) use permission::Asker;

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use slotway_core::command::{self, Command, CommandId, Unknown, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::Decoder;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use crate::config::Config;
use crate::events::Effects;
use crate::keyspace::{Key, KeyHasher};
use crate::node::Node;
use crate::registry::{DataHandler, Handler, Registry};
use crate::session::Session;
use crate::shards::{ShardAccess, ShardSet};
use meter::Meter;
use run::Run;

const EXEC: CommandId = command::id_of("exec");

/// What executes the commands of one node.
pub struct Engine<A> {
    shards: A,
    registry: Registry,
    hasher: KeyHasher,
}

/// What a batch came to, for the node's counters.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// Commands executed or refused.
    pub commands: u64,
    /// Error replies among them.
    pub errors: u64,
    /// Changes of data.
    pub changes: u64,
    /// How many requests of the batch are done with: all, unless the connection waits now, is to be closed, or has been
    /// answered so much that it is to be written first.
    pub requests: usize,
}

/// A batch of requests as they lie in the connection's read buffer.
#[derive(Clone, Copy)]
pub struct Requests<'a> {
    /// Where each request begins and ends.
    pub decoder: &'a Decoder,
    /// The bytes that were decoded.
    pub buffer: &'a [u8],
}

/// A request for a command of ours.
#[derive(Clone, Copy)]
struct Request<'a> {
    command: &'static Command,
    args: Args<'a>,
    /// Its first key.
    key: Option<Key<'a>>,
}

/// A request that has been looked up. Nothing in it depends on what earlier requests of the batch do.
#[derive(Clone)]
enum Prepared<'a> {
    /// It names no command of ours, or has too few or too many arguments.
    Refused(ErrorReply),
    /// It is a line of HTTP: a browser was made to talk to this port.
    Foreign,
    /// It needs shards.
    Data { request: Request<'a>, handler: DataHandler, shards: ShardSet },
    /// It is executed without any shard in hand.
    Alone { request: Request<'a>, handler: Handler },
}

impl<A: ShardAccess> Engine<A> {
    /// An engine over `shards`, whose keys are hashed by `hasher`.
    pub fn new(shards: A, hasher: KeyHasher) -> Self {
        Self { shards, registry: Registry::new(), hasher }
    }

    /// What hashes its keys.
    pub fn hasher(&self) -> &KeyHasher {
        &self.hasher
    }

    /// The data.
    pub fn shards(&self) -> &A {
        &self.shards
    }

    /// Executes a batch of at most [`BATCH_MAX`](slotway_core::resp::decode::BATCH_MAX) requests in order and appends the
    /// replies to `out`. Stops after a request that closes the connection (`session.after`) or makes it wait (`session.blocked`).
    pub fn execute<N: Node>(
        &self,
        node: &N,
        session: &mut Session,
        requests: Requests<'_>,
        out: &mut Vec<u8>,
    ) -> Tally {
        let config = node.config();
        let stats = node.slot_stats().filter(|_| config.cluster_slot_stats_enabled());
        let meter = Meter::new(stats, node, &config);
        let reply = ReplyWriter::new(out, session.protocol).up_to(session.reply_room.len_max);
        let now = node.now();
        let effects = Effects::new(config.notify_keyspace_events());
        let (decoder, tally) = (requests.decoder, Tally::default());
        let (failed, error_is_counted) = (false, false);
        // It has room for a whole batch, which is not to be moved about.
        let mut run = Run {
            engine: self,
            node,
            session,
            config,
            decoder,
            prepared: ArrayVec::new(),
            reply,
            now,
            tally,
            effects,
            meter,
            failed,
            error_is_counted,
            own_notices: Vec::new(),
        };
        for index in 0..decoder.len() {
            let prepared = self.prepare(&run.config, decoder.request(requests.buffer, index));
            run.prepared.push(prepared);
        }
        run.all()
    }

    fn prepare<'a>(&self, config: &Config, args: Args<'a>) -> Prepared<'a> {
        match self.find(args) {
            Err(_) if is_http(args) => Prepared::Foreign,
            Err(error) => Prepared::Refused(error),
            Ok((command, Handler::Data(handler))) => {
                let request = self.request(command, args);
                let shards = self.shards_of(config, command, request.key);
                Prepared::Data { request, handler, shards }
            }
            Ok((command, handler)) => {
                Prepared::Alone { request: Request { command, args, key: None }, handler }
            }
        }
    }

    fn request<'a>(&self, command: &'static Command, args: Args<'a>) -> Request<'a> {
        let key = keys::routed(command, args).next().map(|key| self.hasher.key(args.at(key.index)));
        Request { command, args, key }
    }

    /// The command that a request asks for, if this node serves it and the number of arguments is right.
    fn find(&self, args: Args<'_>) -> Result<(&'static Command, Handler), ErrorReply> {
        let command = command::resolve(args)?;
        match self.registry.handler(command) {
            Some(handler) if command.accepts(args.len()) => Ok((command, handler)),
            // It discards what it should have executed.
            Some(_) if command.id == EXEC => Err(ErrorReply::ExecArity),
            None if !self.registry.serves(command) => Err(not_served(command, args).into()),
            // A container alone has no handler, and takes at least one argument more.
            _ => Err(ErrorReply::Arity(command.name)),
        }
    }

    /// One shard whenever that is certain: there is one only, or all keys must be in the slot of the first.
    fn shards_of(&self, config: &Config, command: &Command, key: Option<Key<'_>>) -> ShardSet {
        let layout = self.shards.layout();
        match key {
            _ if layout.shards() == 1 => ShardSet::One(0),
            // A script may touch more than it is given.
            _ if script::runs_a_script(command) => ShardSet::All,
            Some(key) if config.cluster_enabled() || command.has_first_key_only() => {
                ShardSet::One(layout.shard_of(key.slot()))
            }
            _ => ShardSet::All,
        }
    }
}

/// True for what a page in somebody's browser can make it send here, to have the body that follows executed: `POST` and `Host:`.
fn is_http(args: Args<'_>) -> bool {
    args.is(0, "post") || args.is(0, "host:")
}

/// How Redis refuses what it does not know: by the subcommand if the container is served, else by the command.
fn not_served<'a>(command: &'static Command, args: Args<'a>) -> Unknown<'a> {
    match (command.name.split_once('|'), args.get(1)) {
        (Some((container, _)), Some(sent)) => match command::lookup(container.as_bytes()) {
            Some(container) => Unknown::Subcommand { container, sent },
            None => Unknown::Command(args),
        },
        _ => Unknown::Command(args),
    }
}
