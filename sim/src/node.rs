//! A whole node but for its control plane: the engine that serves real clients, and the copying of its data, in a world without
//! sockets, threads or a clock.
//!
//! ```text
//!   bytes of a connection --> core::resp::decode --> Engine::execute --> bytes of replies
//!                                                       |   ^     `---> File (disk), Log (replicas)
//!                                 Host: time, chance, configuration, topology; quorum, slots on their way
//!   wishes of the control plane --> obey
//! ```
//!
//! This is to a simulated world what `node/client.rs`, `node/shared.rs` and `node/replicate` are to a real one, and as thin: no rule of
//! the cluster is decided here. One [`SimNode`] is one life of a process; its disk goes on to the next.

mod carry;
mod disk;
mod feed;
mod follow;
mod handoff;
mod host;
mod quorum;

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::mem;

use slotway_core::cluster::{Action, Beginning, Cluster, Now, Replication};
use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_engine::config::Config;
use slotway_engine::dispatch::{Engine, Requests};
use slotway_engine::keyspace::{DbIndex, KeyHasher, Layout, Shard};
use slotway_engine::node::Pause;
use slotway_engine::propagation::write_command;
use slotway_engine::rdb::{Compression, Version, dump};
use slotway_engine::session::{AckWait, After, ClientId, Session};
use slotway_engine::shards::{Owned, ShardAccess, ShardSet, WholeKeyspace as _};

use crate::chance::Chance;
use crate::history::Bytes;
use crate::network::LinkId;
use crate::sabotage::{Plot, Sabotage};
use crate::timeline::Time;
pub use carry::Carried;
use carry::Carrying;
pub use disk::{Keeping, Kept};
use feed::Snapshots;
use follow::Following;
use host::Host;
use quorum::Held;

/// In a cluster there is one database.
const DB: DbIndex = DbIndex(0);
/// Entries that the expiry cycle looks at per call.
const EXPIRE_BUDGET: u32 = 50;
/// Calls of [`SimNode::tick`] in a second.
const TICKS_PER_SECOND: u64 = 10;

/// What a node is started with.
pub struct Start {
    /// Its number in the world.
    pub number: usize,
    /// `host:port`, as redirections name it.
    pub address: String,
    /// What it draws.
    pub chance: Chance,
    /// Its configuration.
    pub config: Arc<Config>,
    /// Its control plane.
    pub machine: Rc<RefCell<Cluster>>,
    /// When.
    pub now: Time,
    /// The same on the control plane's clocks.
    pub moment: Now,
    /// When the disk has what it is given.
    pub keeping: Keeping,
    /// What it has.
    pub kept: Kept,
    /// What the connections that it opens are called: the client, and the first serial number.
    pub dials_as: LinkId,
    /// Which rule it breaks.
    pub plot: Plot,
}

/// One life of a node.
pub struct SimNode {
    /// Its number in the world.
    pub number: usize,
    /// `host:port`, as redirections name it.
    pub address: String,
    host: Host,
    engine: Engine<Owned>,
    connections: BTreeMap<LinkId, Connection>,
    next_client: u64,
    ticks: u64,
    /// Connections that this node opens.
    dials_as: LinkId,
    snapshots: Snapshots,
    following: Following,
    carrying: Option<Carrying>,
    out: Vec<Out>,
}

/// What a node wants sent.
#[derive(Debug)]
pub enum Out {
    /// Bytes on a connection that others have opened.
    Reply(LinkId, Bytes),
    /// The end of such a connection.
    Close(LinkId),
    /// A connection to that address.
    Dial(LinkId, String),
    /// Bytes on a connection that it has opened.
    Ask(LinkId, Bytes),
    /// The end of such a connection.
    Hang(LinkId),
    /// The same, and nothing that has not arrived by now is to arrive.
    Abort(LinkId),
    /// The keys that it was to bring elsewhere are there, or not.
    Carried(Carried),
    /// It has all data of the node at that address, as of now.
    Synced(String),
    /// A line for the trace.
    Note(String),
}

struct Connection {
    session: Session,
    decoder: Decoder,
    pending: Vec<u8>,
    /// It is a replica's from now on.
    is_replica: bool,
    /// It waits for replicas.
    wait: Option<AckWait>,
    /// It waits for the end of a pause, or behind a fence.
    is_held: bool,
    /// Its replies wait for copies.
    held: Option<Held>,
    /// The offset of the last write whose reply has been let go.
    released: u64,
}

impl Connection {
    /// It goes on once something has come that is not for it to bring.
    fn waits(&self) -> bool {
        self.wait.is_some() || self.is_held || self.held.is_some()
    }
}

impl SimNode {
    /// A node starts, with the data that its disk has.
    pub fn start(start: Start) -> Self {
        let Start {
            number,
            address,
            mut chance,
            config,
            machine,
            now,
            moment,
            keeping,
            kept,
            dials_as,
            plot,
        } = start;
        let layout = Layout::new(1, 1).expect("one shard, one database");
        let hasher = KeyHasher::new(chance.next());
        let engine = Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher);
        let mut kept = kept;
        let (base, commands) = (kept.base.clone(), kept.commands.clone());
        let host = Host::new(
            chance,
            config,
            machine,
            moment,
            disk::File::new(Keeping::Nothing, Kept::default()),
            plot,
        );
        host.now.set(now);
        host.show_first_picture();
        let mut node = Self {
            number,
            address,
            host,
            engine,
            connections: BTreeMap::new(),
            next_client: 1,
            ticks: 0,
            dials_as,
            snapshots: Snapshots::default(),
            following: Following::default(),
            carrying: None,
            out: Vec::new(),
        };
        let whole = node.load(&base, &commands);
        node.hide_tracked();
        node.host.begin_stream();
        kept.commands.truncate(whole);
        node.host.file.replace(disk::File::new(keeping, kept));
        node
    }

    /// The present, on both kinds of clocks.
    pub fn set_time(&mut self, now: Time, moment: Now) {
        self.host.now.set(now);
        self.host.moment.set(moment);
    }

    /// What is to be sent, in order.
    pub fn take_out(&mut self) -> Vec<Out> {
        mem::take(&mut self.out)
    }

    /// What the control plane wanted done when commands talked to it.
    pub fn take_actions(&mut self) -> Vec<Action> {
        self.host.actions.take()
    }

    /// For how long it now does nothing: DEBUG SLEEP.
    pub fn take_pause_us(&mut self) -> u64 {
        self.host.pause_us.take()
    }

    /// How the copying stands, for the control plane.
    pub fn replication(&self) -> Replication {
        self.host.for_cluster()
    }

    /// Its process ends, its host does not.
    pub fn outlive(self) -> Kept {
        self.host.file.into_inner().outlive()
    }

    /// Its host stops.
    pub fn crash(self, chance: &mut Chance) -> Kept {
        self.host.file.into_inner().crash(chance)
    }

    /// The control plane wants something done.
    pub fn obey(&mut self, action: Action) {
        match action {
            Action::Publish(topology) => {
                self.host.route_by(topology);
                self.engine.topology_changed(&self.host);
                self.settle_tracked();
            }
            Action::Follow(source) => {
                let beginning = source.as_ref().map_or(Beginning::GoesOn, |source| source.beginning);
                self.follow(source.map(|source| (source.host, source.port)), beginning);
            }
            Action::PauseWrites => self.host.writes_pause.set(true),
            Action::ResumeWrites => {
                self.host.writes_pause.set(false);
                self.release();
            }
            Action::DropKeys(slots) => self.clear(*slots),
            Action::Handoff(action) => self.hand_off(action),
            // Of the bus; and clients here listen to no channel.
            Action::Connect { .. }
            | Action::Send { .. }
            | Action::Close { .. }
            | Action::Persist { .. }
            | Action::Deliver { .. }
            | Action::Note(_) => {}
        }
        self.settle();
    }

    /// Bytes have come over a connection, perhaps its first.
    pub fn receive(&mut self, link: LinkId, bytes: &[u8]) {
        if let Some(carrying) = &mut self.carrying {
            // MIGRATE blocks the node.
            carrying.postponed.push((link, bytes.into()));
            return;
        }
        let mut connection = self.connections.remove(&link).unwrap_or_else(|| self.accept(link));
        connection.pending.extend_from_slice(bytes);
        match connection.is_replica {
            true => self.hear_replica(link, connection),
            // It goes on when that is over.
            false if connection.waits() => drop(self.connections.insert(link, connection)),
            false => self.go_on(link, connection),
        }
        self.settle();
    }

    /// A connection has ended.
    pub fn disconnect(&mut self, link: LinkId) {
        if let Some(connection) = self.connections.remove(&link) {
            self.forget(&connection);
            if let Some(import) = &connection.session.import {
                self.end_import(import.job);
            }
        }
    }

    /// A tenth of a second has passed.
    pub fn tick(&mut self) {
        self.ticks += 1;
        if self.host.expires() {
            self.engine.expire_cycle(&self.host, EXPIRE_BUDGET);
        }
        if self.ticks.is_multiple_of(TICKS_PER_SECOND) {
            self.host.file.borrow_mut().sync();
            self.host.note_synced();
            self.ping_replicas();
        }
        self.tick_exports();
        self.step_imports();
        self.step_link();
        self.end_waits();
        self.settle();
    }

    fn forget(&mut self, connection: &Connection) {
        if let Some(waiter) = &connection.session.blocked {
            self.engine.forget_waiter(waiter);
        }
        self.host.forget(connection.session.id);
    }

    fn accept(&mut self, link: LinkId) -> Connection {
        let mut session = self.session(alloc::format!("10.1.0.{}:{}", link.client, 1024 + link.serial));
        session.local_address.clone_from(&self.address);
        self.host.links.borrow_mut().insert(session.id, link);
        Connection {
            session,
            decoder: Decoder::default(),
            pending: Vec::new(),
            is_replica: false,
            wait: None,
            is_held: false,
            held: None,
            released: 0,
        }
    }

    fn session(&mut self, address: String) -> Session {
        let id = ClientId(self.next_client);
        self.next_client += 1;
        let user = self.host.acl.borrow().default_user();
        Session::new(id, address, String::new(), self.host.now.get().wall(), Some(user))
    }

    /// Executes what has come over a client's connection, and sees to what follows.
    fn go_on(&mut self, link: LinkId, mut connection: Connection) {
        if connection.session.import.is_some() {
            return self.take_in(link, connection);
        }
        let number = self.host.quorum.number();
        let mut replies = self.execute(&mut connection);
        if self.host.plot != Plot::default() && connection.session.peer.is_none() {
            replies = self.spoil(replies);
        }
        self.before_replies();
        self.reply(link, connection, replies, number);
    }

    /// The replies of a connection go out; what they say may be relied upon.
    fn replied(&mut self, link: LinkId, mut connection: Connection, replies: Vec<u8>) {
        self.answer(link, replies);
        self.host.publish(&connection.session);
        match connection.session.after {
            After::Continue => {}
            // Errands, which this host does not run; MIGRATE is the operator's here.
            After::Close
            | After::Abort
            | After::WaitForShutdown
            | After::LoadAof
            | After::Migrate
            | After::Decode => {
                self.forget(&connection);
                return self.out.push(Out::Close(link));
            }
            After::Import => return self.begin_import(link, connection),
            After::WaitForAcks => {
                connection.wait = connection.session.ack_wait.take();
                self.ask_for_acks();
            }
            After::Hold => connection.is_held = true,
            After::Replicate => {
                connection.is_replica = true;
                self.begin_replica(link, &mut connection);
            }
        }
        self.connections.insert(link, connection);
    }

    fn before_replies(&mut self) {
        if !self.host.plot.breaks(Sabotage::ForgetToSync) {
            self.host.file.borrow_mut().before_replies();
            self.host.note_synced();
        }
    }

    fn answer(&mut self, link: LinkId, replies: Vec<u8>) {
        if !replies.is_empty() {
            self.out.push(Out::Reply(link, replies));
        }
        let delivered = self.host.delivered.take();
        self.out.extend(delivered.into_iter().map(|(link, bytes)| Out::Reply(link, bytes)));
    }

    /// Breaks what a node answers, where that is the plot.
    fn spoil(&self, mut replies: Vec<u8>) -> Vec<u8> {
        let Ok((_, first)) = Value::decode(&replies) else { return replies };
        if self.host.plot.breaks(Sabotage::MixReplies) {
            replies.rotate_left(first);
        }
        if self.host.plot.breaks(Sabotage::LoseReply) && first < replies.len() {
            replies.drain(..first);
        }
        replies
    }

    /// Executes all whole requests that have come, batch by batch.
    fn execute(&mut self, connection: &mut Connection) -> Vec<u8> {
        let Connection { session, decoder, pending, .. } = connection;
        let mut replies = Vec::new();
        if let Some(waiter) = session.blocked.clone() {
            if !waiter.is_done() {
                return replies;
            }
            self.engine.forget_waiter(&waiter);
            session.blocked = None;
        }
        let bulk_len_max = self.host.config.borrow().proto_max_bulk_len();
        let limits = Limits { bulk_len_max, authenticated: session.authenticated };
        while session.after == After::Continue {
            let decoded = decoder.decode(pending, limits);
            let requests = Requests { decoder, buffer: pending };
            let tally = self.engine.execute(&self.host, session, requests, &mut replies);
            self.host.count(|facts| {
                facts.commands_processed += tally.commands;
                facts.changes += tally.changes;
            });
            self.host.count_errors(tally.errors);
            pending.drain(..decoder.consume_first(tally.requests));
            match decoded {
                _ if session.blocked.is_some() || session.after != After::Continue => break,
                Decoded::Full => {}
                Decoded::All => break,
                Decoded::Broken(error) => {
                    let error = ErrorReply::Protocol(error.text());
                    ReplyWriter::new(&mut replies, session.protocol).error(&error);
                    session.after = After::Close;
                }
            }
        }
        replies
    }

    /// Goes on with the connections that a pause has held up.
    fn release(&mut self) {
        if self.pauses() != Pause::Nothing {
            return;
        }
        let held = self.connections.iter().filter(|(_, connection)| connection.is_held);
        for link in held.map(|(link, _)| *link).collect::<Vec<_>>() {
            self.resume(link, |connection| connection.is_held = false);
        }
    }

    fn pauses(&self) -> Pause {
        slotway_engine::node::Node::pause(&self.host)
    }

    /// What a connection waited for has come.
    fn resume(&mut self, link: LinkId, end: impl FnOnce(&mut Connection)) {
        if let Some(mut connection) = self.connections.remove(&link) {
            end(&mut connection);
            connection.session.after = After::Continue;
            self.go_on(link, connection);
        }
    }

    /// After each event: what has been written goes to replicas, who was killed is gone.
    fn settle(&mut self) {
        self.step_quorum();
        self.pump();
        let killed = self.host.killed.take();
        let links: Vec<LinkId> =
            killed.iter().filter_map(|id| self.host.links.borrow().get(id).copied()).collect();
        for link in links {
            self.disconnect(link);
            self.out.push(Out::Close(link));
        }
    }

    /// Executes one command as nobody's, whoever owns the slot.
    fn run(&mut self, words: &[&[u8]]) -> Value {
        let mut session = self.session(String::new());
        session.asking = true;
        let (mut bytes, mut replies, mut decoder) = (Vec::new(), Vec::new(), Decoder::default());
        write_command(&mut bytes, words.iter().copied());
        decoder.decode(&bytes, Limits { bulk_len_max: u64::MAX >> 1, authenticated: true });
        let requests = Requests { decoder: &decoder, buffer: &bytes };
        self.engine.execute(&self.host, &mut session, requests, &mut replies);
        Value::decode(&replies).map_or(Value::Null, |(value, _)| value)
    }

    /// The cluster as the node knows it.
    pub fn topology(&self) -> Option<Arc<Topology>> {
        self.host.topology.borrow().clone()
    }

    /// Whom it follows, as `host:port`.
    pub fn followed(&self) -> Option<String> {
        self.host.primary.borrow().as_ref().map(|(host, port)| alloc::format!("{host}:{port}"))
    }

    /// The history of its data, and whether that is all of its primary's.
    pub fn history(&self) -> (slotway_core::replication::History, bool) {
        let link = self.host.link.borrow();
        (self.host.log.borrow().history(), link.has_data && link.phase.is_connected())
    }

    /// Whether it has that key, and that has not expired.
    pub fn has(&self, key: &[u8]) -> bool {
        let (key, now) = (self.engine.hasher().key(key), self.host.now.get().wall());
        let mut has = false;
        self.engine.shards().all_shards(&mut |held| {
            held.each(|shard| has |= shard.db(DB).peek(now, &key).is_some());
        });
        has
    }

    /// All keys that have not expired, each with its value as DUMP gives it and its deadline, in order.
    pub fn contents(&self) -> BTreeMap<Bytes, (Bytes, Option<u64>)> {
        let (mut contents, now) = (BTreeMap::new(), self.host.now.get().wall());
        self.engine.shards().with(ShardSet::One(0), |held| {
            held.each(|shard| {
                shard.db(DB).for_each_key(now, |entry| {
                    let value = dump::encode(entry.value(), Version::V11, Compression::Off);
                    let expiry = entry.expiry().map(|at| at.as_ms());
                    contents.insert(entry.key().to_vec(), (value, expiry));
                });
            });
        });
        contents
    }
}
