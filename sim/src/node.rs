//! A whole node: the engine that serves real clients, in a world without sockets, threads or a clock.
//!
//! ```text
//!   bytes of a connection --> core::resp::decode --> Engine::execute --> bytes of replies
//!                                                       |   ^
//!                                 Host: time, chance, configuration, topology
//! ```
//!
//! This is to a simulated world what `node/client.rs` and `node/shared.rs` are to a real one, and as thin: no rule of
//! the cluster is decided here.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::slot::Slot;
use slotway_core::time::UnixMs;
use slotway_core::topology::Topology;
use slotway_engine::config::{Asker, Config};
use slotway_engine::dispatch::{Engine, Requests};
use slotway_engine::keyspace::{DbIndex, Detached, Garbage, KeyHasher, Layout, Shard};
use slotway_engine::node::{ClientCard, Facts, Node, Shutdown};
use slotway_engine::pubsub::PubSub;
use slotway_engine::session::{After, ClientId, Session};
use slotway_engine::shards::{Owned, ShardAccess, ShardSet, WholeKeyspace};

use crate::chance::Chance;
use crate::history::Bytes;
use crate::network::LinkId;
use crate::timeline::Time;

/// In a cluster there is one database.
const DB: DbIndex = DbIndex(0);
/// Entries that the expiry cycle looks at per call.
const EXPIRE_BUDGET: u32 = 50;

/// One node.
pub struct SimNode {
    /// `host:port`, as redirections name it.
    pub address: String,
    host: Host,
    engine: Engine<Owned>,
    hasher: KeyHasher,
    connections: BTreeMap<LinkId, Connection>,
    next_client: u64,
}

struct Connection {
    session: Session,
    decoder: Decoder,
    pending: Vec<u8>,
}

/// What a node has to say to what it was sent.
pub struct Answer {
    /// Replies, in order.
    pub replies: Vec<u8>,
    /// Whether the connection goes on.
    pub after: After,
    /// For how long the node now does nothing: DEBUG SLEEP.
    pub pause_us: u64,
    /// Connections that it closes besides: CLIENT KILL.
    pub killed: Vec<LinkId>,
    /// What it sends to other connections: messages, the replies to commands that have waited.
    pub delivered: Vec<(LinkId, Bytes)>,
}

impl SimNode {
    /// A node without data that knows no cluster yet.
    pub fn new(seed: u64, address: String, config: Arc<Config>) -> Self {
        let mut chance = Chance::stream(seed, &address);
        let layout = Layout::new(1, 1).expect("one shard, one database");
        let hasher = KeyHasher::new(chance.next());
        let engine = Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher);
        let host = Host::new(chance, config);
        Self { address, host, engine, hasher, connections: BTreeMap::new(), next_client: 1 }
    }

    /// Bytes have come over a connection, perhaps its first.
    pub fn receive(&mut self, now: Time, link: LinkId, bytes: &[u8]) -> Answer {
        self.host.now.set(now);
        let mut connection = self.connections.remove(&link).unwrap_or_else(|| self.accept(now, link));
        connection.pending.extend_from_slice(bytes);
        let replies = self.execute(&mut connection);
        let after = connection.session.after;
        self.host.publish(&connection.session);
        if after == After::Continue {
            self.connections.insert(link, connection);
        }
        Answer {
            replies,
            after,
            pause_us: self.host.pause_us.take(),
            killed: self.killed(),
            delivered: self.host.delivered.take(),
        }
    }

    /// A connection has ended.
    pub fn disconnect(&mut self, link: LinkId) {
        if let Some(connection) = self.connections.remove(&link) {
            if let Some(waiter) = &connection.session.blocked {
                self.engine.forget_waiter(waiter);
            }
            self.host.pubsub.borrow_mut().forget(connection.session.id);
            self.host.cards.borrow_mut().remove(&connection.session.id);
            self.host.links.borrow_mut().remove(&connection.session.id);
        }
    }

    /// Removes some of the keys that have expired.
    pub fn expire_cycle(&mut self, now: Time) {
        if self.host.active_expire.get() {
            self.host.now.set(now);
            self.engine.expire_cycle(&self.host, EXPIRE_BUDGET);
        }
    }

    /// The cluster as the node knows it.
    pub fn topology(&self) -> Arc<Topology> {
        self.host.topology.borrow().clone().expect("a node is told its cluster before anything else")
    }

    /// From now on the node knows the cluster as this.
    pub fn publish(&mut self, topology: Topology) {
        self.host.topology.replace(Some(Arc::new(topology)));
    }

    /// Takes the values of at most `max` keys of `slot` out. Once this returns, no command that was routed by an older
    /// topology is under way: holding the shard is the fence.
    pub fn take_keys(&mut self, now: Time, slot: Slot, max: usize) -> Vec<Detached> {
        let keys = self.keys_of(slot, max);
        let hasher = self.hasher;
        self.with_shard(|shard| {
            let db = shard.db(DB);
            keys.iter().filter_map(|key| db.take(now.wall(), &hasher.key(key))).collect()
        })
    }

    /// Puts a value under its key.
    pub fn put_key(&mut self, now: Time, value: Detached) {
        let hasher = self.hasher;
        self.with_shard(|shard| {
            let key = value.entry().key().to_vec();
            shard.db(DB).put(now.wall(), &hasher.key(&key), value);
        });
    }

    /// A copy of the value of `key`.
    pub fn copy_of(&self, now: Time, key: &[u8]) -> Option<Detached> {
        let key = self.hasher.key(key);
        self.with_shard(|shard| shard.db(DB).duplicate(now.wall(), &key, &key))
    }

    /// At most `max` keys of `slot`, expired ones included, in no order.
    pub fn keys_of(&self, slot: Slot, max: usize) -> Vec<Bytes> {
        let mut keys = Vec::new();
        self.with_shard(|shard| shard.db(DB).keys_in_slot(slot, max, |key| keys.push(key.to_vec())));
        keys
    }

    /// The keys of `slot` that have not expired, in no order.
    pub fn living_keys_of(&self, now: Time, slot: Slot) -> Vec<Bytes> {
        let mut keys = self.keys_of(slot, usize::MAX);
        self.with_shard(|shard| keys.retain(|key| shard.db(DB).exists(now.wall(), &self.hasher.key(key))));
        keys
    }

    /// All keys that have not expired, in no order.
    pub fn keys(&self, now: Time) -> Vec<Bytes> {
        let mut keys = Vec::new();
        self.with_shard(|shard| {
            shard.db(DB).for_each_key(now.wall(), |entry| keys.push(entry.key().to_vec()));
        });
        keys
    }

    fn with_shard<R>(&self, visit: impl FnOnce(&mut Shard) -> R) -> R {
        let mut visit = Some(visit);
        let mut result = None;
        self.engine.shards().with(ShardSet::One(0), |held| {
            held.each(|shard| result = visit.take().map(|visit| visit(shard)));
        });
        result.expect("the one shard is visited once")
    }

    fn accept(&mut self, now: Time, link: LinkId) -> Connection {
        let id = ClientId(self.next_client);
        self.next_client += 1;
        self.host.links.borrow_mut().insert(id, link);
        let address = format!("10.1.0.{}:{}", link.client, 1024 + link.serial);
        let session = Session::new(id, address, self.address.clone(), now.wall(), true);
        Connection { session, decoder: Decoder::default(), pending: Vec::new() }
    }

    /// Executes all whole requests that have come, batch by batch.
    fn execute(&mut self, connection: &mut Connection) -> Vec<u8> {
        let Connection { session, decoder, pending } = connection;
        let mut replies = Vec::new();
        if let Some(waiter) = session.blocked.clone() {
            if !waiter.is_done() {
                return replies;
            }
            self.engine.forget_waiter(&waiter);
            session.blocked = None;
        }
        let limits = Limits {
            bulk_len_max: self.host.config.borrow().proto_max_bulk_len(),
            authenticated: session.authenticated,
        };
        while session.after == After::Continue {
            let decoded = decoder.decode(pending, limits);
            let requests = Requests { decoder, buffer: pending };
            let tally = self.engine.execute(&self.host, session, requests, &mut replies);
            self.host.count(|facts| {
                facts.commands_processed += tally.commands;
                facts.error_replies += tally.errors;
                facts.changes += tally.changes;
            });
            pending.drain(..decoder.consume_first(tally.requests));
            match decoded {
                _ if session.blocked.is_some() => break,
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

    fn killed(&mut self) -> Vec<LinkId> {
        let killed = self.host.killed.take();
        let links = self.host.links.borrow();
        killed.iter().filter_map(|id| links.get(id).copied()).collect()
    }
}

/// What the engine asks of the node around it.
struct Host {
    now: Cell<Time>,
    chance: RefCell<Chance>,
    config: RefCell<Arc<Config>>,
    topology: RefCell<Option<Arc<Topology>>>,
    cards: RefCell<BTreeMap<ClientId, ClientCard>>,
    links: RefCell<BTreeMap<ClientId, LinkId>>,
    killed: RefCell<Vec<ClientId>>,
    /// What commands have for connections besides the one that sent them.
    delivered: RefCell<Vec<(LinkId, Bytes)>>,
    pubsub: RefCell<PubSub>,
    facts: RefCell<Facts>,
    active_expire: Cell<bool>,
    pause_us: Cell<u64>,
    log: RefCell<Vec<String>>,
}

impl Host {
    fn new(chance: Chance, config: Arc<Config>) -> Self {
        Self {
            now: Cell::default(),
            chance: RefCell::new(chance),
            config: RefCell::new(config),
            topology: RefCell::default(),
            cards: RefCell::default(),
            links: RefCell::default(),
            killed: RefCell::default(),
            delivered: RefCell::default(),
            pubsub: RefCell::default(),
            facts: RefCell::new(Facts { started_at: Time::default().wall(), ..Facts::default() }),
            active_expire: Cell::new(true),
            pause_us: Cell::default(),
            log: RefCell::default(),
        }
    }

    fn count(&self, add: impl FnOnce(&mut Facts)) {
        add(&mut self.facts.borrow_mut());
    }

    fn publish(&self, session: &Session) {
        let mut cards = self.cards.borrow_mut();
        match session.after {
            After::Continue => {
                let (session, active_at) = (session.clone(), self.now());
                let card = ClientCard { session, active_at, query_len: 0, query_free: 0, memory: 0, fd: -1 };
                cards.insert(card.session.id, card);
            }
            // A simulated node has no replicas of this kind, and is given no slots in this way: such connections end.
            After::Close
            | After::Abort
            | After::WaitForAcks
            | After::WaitForShutdown
            | After::Hold
            | After::Migrate
            | After::Decode
            | After::Import
            | After::Replicate => {
                cards.remove(&session.id);
            }
        }
    }
}

impl Node for Host {
    fn now(&self) -> UnixMs {
        self.now.get().wall()
    }

    fn now_us(&self) -> u64 {
        self.now.get().wall_us()
    }

    fn random(&self) -> u64 {
        self.chance.borrow_mut().next()
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    fn set_config(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), ErrorReply> {
        let mut config = Config::clone(&self.config());
        let _no_effects_outside = config.set(pairs, asker)?;
        self.config.replace(Arc::new(config));
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), ErrorReply> {
        Err(ErrorReply::other("ERR The server is running without a config file"))
    }

    fn topology(&self) -> Option<Arc<Topology>> {
        self.topology.borrow().clone()
    }

    fn facts(&self) -> Facts {
        let connected_clients = self.cards.borrow().len() as u64;
        Facts { connected_clients, ..self.facts.borrow().clone() }
    }

    fn reset_stats(&self) {
        let started_at = self.facts.borrow().started_at;
        self.facts.replace(Facts { started_at, ..Facts::default() });
    }

    fn clients(&self) -> Vec<ClientCard> {
        self.cards.borrow().values().cloned().collect()
    }

    fn kill_clients(&self, ids: &[ClientId]) -> usize {
        let mut cards = self.cards.borrow_mut();
        let there: Vec<ClientId> = ids.iter().copied().filter(|id| cards.remove(id).is_some()).collect();
        self.killed.borrow_mut().extend_from_slice(&there);
        there.len()
    }

    /// A simulated node has no process: the world, not a command, decides when it stops.
    fn deliver(&self, to: ClientId, bytes: &[u8]) {
        if let Some(link) = self.links.borrow().get(&to).filter(|_| !bytes.is_empty()) {
            self.delivered.borrow_mut().push((*link, bytes.to_vec()));
        }
    }

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.borrow_mut());
    }

    fn shutdown(&self, how: Shutdown, _: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        Err(if how.abort { ErrorReply::NoShutdown } else { ErrorReply::ShutdownFailed })
    }

    fn discard(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn set_active_expire(&self, on: bool) {
        self.active_expire.set(on);
    }

    fn sleep(&self, us: u64) {
        self.pause_us.set(self.pause_us.get().saturating_add(us));
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.into());
    }
}
