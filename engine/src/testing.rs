//! A node for unit tests: the engine over data that one thread owns, with a clock that stands still until it is moved.
//!
//! ```text
//!   let mut client = TestClient::new();
//!   assert_eq!(client.run("SET a 1"), "+OK\r\n");
//! ```
//!
//! Requests go through the decoder and dispatch as they do in a node; a reply is the bytes that would go out.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use slotway_core::cluster::{self, Action, Cluster, Durability, Input, Now};
use slotway_core::id::{NodeId, ShardId};
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::resp::error::ErrorReply;
use slotway_core::resp::inline::split_args;
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::slot_set::SlotSet;
use slotway_core::time::{Instant, UnixMs};
use slotway_core::topology::{self, NodeFlags, Topology, TopologyBuilder};

use crate::acl::Acl;
use crate::command_stats::CommandStats;
use crate::config::{Asker, Config};
use crate::dispatch::{Engine, Requests};
use crate::handoff::Export;
use crate::journal::Journal;
use crate::keyspace::{Garbage, KeyHasher, Layout, Shard};
use crate::monitor::Monitors;
use crate::node::{ClientCard, Facts, Node, Saves, Shutdown};
use crate::propagation::{Readers, Record, Stream, rebuild};
use crate::pubsub::{PubSub, Subscriptions};
use crate::rdb::KeyRecord;
use crate::replay::{Replay, ReplayError};
use crate::replication::{Applied, Applier, ApplyError};
use crate::session::{After, ClientId, Session};
use crate::shards::{Owned, WholeKeyspace};
use crate::slot_stats::SlotStats;
use crate::switches::Switches;
use crate::tracking::Tracking;

/// When every test begins.
pub(crate) const START: UnixMs = UnixMs::from_ms(1_700_000_000_000);

/// The databases of a test's node.
const DATABASES: u16 = 16;

/// A connection to a node of its own, or to the node of another one.
pub(crate) struct TestClient {
    world: Rc<World>,
    /// What the node remembers of the connection.
    pub(crate) session: Session,
}

struct World {
    node: TestNode,
    engine: Engine<Owned>,
}

impl TestClient {
    /// The first connection to a new node without cluster mode.
    pub(crate) fn new() -> Self {
        Self::with_config("")
    }

    /// The same, with directives as in redis.conf.
    pub(crate) fn with_config(text: &str) -> Self {
        Self::of_node(TestNode::new(text))
    }

    /// The first connection to a node that is in the cluster of `topology`.
    pub(crate) fn in_cluster(topology: Topology) -> Self {
        let node = TestNode::new("cluster-enabled yes");
        node.topology.replace(Some(Arc::new(topology)));
        Self::of_node(node)
    }

    /// The first connection to a cluster node that knows no other, with a control plane of its own.
    pub(crate) fn controlled() -> Self {
        let node = TestNode::new("cluster-enabled yes");
        node.cluster.replace(Some(Cluster::new(node.moment(), cluster::Config::default(), 7)));
        node.with_cluster(&mut |now, cluster| cluster.handle(now, Input::Wake));
        Self::of_node(node)
    }

    fn of_node(node: TestNode) -> Self {
        let layout = Layout::new(1, DATABASES).expect("one shard");
        let hasher = KeyHasher::new(42);
        let engine = Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher);
        Rc::new(World { node, engine }).connect()
    }

    /// Another connection to the same node.
    pub(crate) fn another(&self) -> Self {
        Rc::clone(&self.world).connect()
    }

    /// The number of this connection.
    pub(crate) fn id(&self) -> ClientId {
        self.session.id
    }

    /// The node.
    pub(crate) fn node(&self) -> &TestNode {
        &self.world.node
    }

    /// Switches this connection to RESP3.
    pub(crate) fn resp3(mut self) -> Self {
        assert!(self.run("HELLO 3").starts_with('%'));
        self
    }

    /// Executes one request, given as a line with Redis' quotes and escapes, and returns the bytes of the reply.
    #[track_caller]
    pub(crate) fn run(&mut self, line: &str) -> String {
        let words = split_args(line.as_bytes()).expect("quotes are balanced");
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.run_args(&words)
    }

    /// What has been delivered to this connection, besides replies, since the last look.
    pub(crate) fn received(&mut self) -> String {
        let bytes = self.node().delivered.borrow_mut().remove(&self.session.id).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Executes one request and returns what replicas are sent: a line for each command, without SELECT.
    #[track_caller]
    pub(crate) fn propagated(&mut self, line: &str) -> String {
        self.node().records.set(true);
        let reply = self.run(line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
        let stream = core::mem::take(&mut *self.node().stream.borrow_mut());
        lines_of(&stream)
    }

    /// Executes one request. Bytes of the reply that are no UTF-8 become U+FFFD.
    pub(crate) fn run_args(&mut self, words: &[&[u8]]) -> String {
        let mut buffer = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            buffer.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            buffer.extend_from_slice(word);
            buffer.extend_from_slice(b"\r\n");
        }
        String::from_utf8_lossy(&self.run_bytes(&buffer)).into_owned()
    }

    /// Tells the engine that the node's topology has changed.
    pub(crate) fn topology_changed(&self) {
        self.world.engine.topology_changed(&self.world.node);
    }

    /// Executes what a primary sends to this client's node.
    pub(crate) fn apply(
        &self,
        applier: &mut Applier,
        input: &[u8],
        count: impl FnOnce(&[u8]),
    ) -> Result<Applied, ApplyError> {
        applier.batch(&self.world.engine, &self.world.node, input, count)
    }

    /// Executes what has been read of an append-only file.
    pub(crate) fn replay(&self, replay: &mut Replay) -> Result<(), ReplayError> {
        replay.execute(&self.world.engine, &self.world.node)
    }

    /// The commands that bring about all keys: a line for each, words with a space between them.
    pub(crate) fn rebuilt(&self) -> String {
        let World { node, engine } = &*self.world;
        let mut out = Vec::new();
        engine.shards().each_shard(&mut |shard| {
            for (_, db) in shard.dbs() {
                db.for_each_key(node.now(), |entry| {
                    let (key, value, expiry) = (entry.key(), entry.value(), entry.expiry());
                    rebuild::write_key(&mut out, &KeyRecord { key, value, expiry, usage: None });
                });
            }
        });
        lines_of(&out)
    }

    /// A slice of the slots that are given away, of about so many bytes.
    pub(crate) fn export_slice(&self, budget: usize) -> Vec<u8> {
        let World { node, engine } = &*self.world;
        let mut export = node.export.borrow_mut();
        let export = export.as_mut().expect("slots are given away");
        engine.shards().all_shards(&mut |held| {
            held.each(|shard| export.go_on(node.now(), shard, engine.hasher(), budget));
        });
        export.take()
    }

    /// Executes all requests of `buffer` as one batch.
    pub(crate) fn run_bytes(&mut self, buffer: &[u8]) -> Vec<u8> {
        let World { node, engine } = &*self.world;
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        decoder.decode(buffer, Limits { bulk_len_max: 1 << 29, authenticated: true });
        let requests = Requests { decoder: &decoder, buffer };
        let tally = engine.execute(node, &mut self.session, requests, &mut out);
        node.changes.set(node.changes.get() + tally.changes);
        node.publish(&self.session);
        out
    }
}

/// The commands of a stream, a line for each: words with a space between them.
fn lines_of(stream: &[u8]) -> String {
    let limits = Limits { bulk_len_max: 1 << 29, authenticated: true };
    let (mut decoder, mut lines, mut rest) = (Decoder::default(), Vec::new(), stream);
    while !rest.is_empty() {
        decoder.decode(rest, limits);
        for index in 0..decoder.len() {
            let words = decoder.request(rest, index);
            let words: Vec<_> = words.iter().map(String::from_utf8_lossy).collect();
            lines.push(words.join(" "));
        }
        let used = decoder.consume_first(decoder.len());
        rest = &rest[used..];
    }
    lines.retain(|line| !line.starts_with("SELECT"));
    lines.join("\n")
}

impl World {
    fn connect(self: Rc<Self>) -> TestClient {
        let id = self.node.next_client_id();
        let (address, local) = (format!("127.0.0.1:{}", 50_000 + id.0), String::from("127.0.0.1:6379"));
        let user = self.node.acl.borrow().default_user();
        let session = Session::new(id, address, local, self.node.now(), Some(user));
        self.node.publish(&session);
        TestClient { world: self, session }
    }
}

/// The node around the engine, all of it settable.
pub(crate) struct TestNode {
    now: Cell<UnixMs>,
    random: Cell<u64>,
    config: RefCell<Arc<Config>>,
    topology: RefCell<Option<Arc<Topology>>>,
    cluster: RefCell<Option<Cluster>>,
    /// What the control plane wanted done, but for what a test's node does itself.
    pub(crate) actions: RefCell<Vec<Action>>,
    cards: RefCell<Vec<ClientCard>>,
    client_ids: Cell<u64>,
    /// Changes of data so far.
    pub(crate) changes: Cell<u64>,
    /// Connections killed by others, in order.
    pub(crate) killed: RefCell<Vec<ClientId>>,
    /// What SHUTDOWN last asked for.
    pub(crate) shutdown: Cell<Option<Shutdown>>,
    /// Whether keys expire in the background.
    pub(crate) switches: Switches,
    /// What has been delivered to connections and not been looked at yet.
    delivered: RefCell<BTreeMap<ClientId, Vec<u8>>>,
    pubsub: RefCell<PubSub>,
    acl: RefCell<Acl>,
    /// The text of `aclfile`.
    pub(crate) acl_file: RefCell<Vec<u8>>,
    /// Microseconds slept so far.
    pub(crate) slept_us: Cell<u64>,
    /// Whether somebody wants what writes become for replicas.
    pub(crate) records: Cell<bool>,
    /// What has been propagated since the last look.
    stream: RefCell<Vec<u8>>,
    selection: RefCell<Stream>,
    /// Slots that this node gives away.
    export: RefCell<Option<Export>>,
    /// Lines of the log.
    pub(crate) log: RefCell<Vec<String>>,
    /// Readings of the clock so far: each is a microsecond after the one before.
    clock_readings: Cell<u64>,
    slot_stats: SlotStats,
    command_stats: CommandStats,
    /// What is remembered of commands.
    pub(crate) journal: RefCell<Journal>,
    monitors: RefCell<Monitors>,
    tracking: RefCell<Tracking>,
    /// How many replicas there are said to be.
    pub(crate) replicas: Cell<usize>,
}

impl TestNode {
    fn new(text: &str) -> Self {
        let mut config = Config::default();
        config.load("test", text, &mut |_| Ok(Vec::new())).expect("directives that a node starts with");
        config.finish().expect("directives that agree");
        let acl = RefCell::new(Acl::new(&config));
        Self {
            now: Cell::new(START),
            random: Cell::new(0),
            config: RefCell::new(Arc::new(config)),
            topology: RefCell::default(),
            cluster: RefCell::default(),
            actions: RefCell::default(),
            cards: RefCell::default(),
            client_ids: Cell::new(0),
            changes: Cell::new(0),
            killed: RefCell::default(),
            shutdown: Cell::new(None),
            switches: Switches::default(),
            delivered: RefCell::default(),
            pubsub: RefCell::default(),
            acl,
            acl_file: RefCell::default(),
            slept_us: Cell::new(0),
            records: Cell::new(false),
            stream: RefCell::default(),
            selection: RefCell::default(),
            export: RefCell::default(),
            log: RefCell::default(),
            clock_readings: Cell::new(0),
            slot_stats: SlotStats::new(1),
            command_stats: CommandStats::new(1),
            journal: RefCell::default(),
            monitors: RefCell::default(),
            tracking: RefCell::default(),
            replicas: Cell::new(0),
        }
    }

    fn moment(&self) -> Now {
        let unix = self.now.get();
        Now { instant: Instant::from_ms(unix.as_ms()), unix }
    }

    fn perform(&self, cluster: &mut Cluster) {
        while let Some(action) = cluster.poll_action() {
            match action {
                Action::Persist { durability: Durability::BeforeTheNextAction, .. } => {
                    cluster.handle(self.moment(), Input::Persisted);
                }
                Action::Publish(topology) => drop(self.topology.replace(Some(topology))),
                other => self.actions.borrow_mut().push(other),
            }
        }
    }

    /// Gives slots away from now on.
    pub(crate) fn begin_export(&self, export: Export) {
        self.records.set(true);
        self.export.replace(Some(export));
    }

    /// Whether there is something to send.
    pub(crate) fn exports(&self) -> bool {
        self.export.borrow().as_ref().is_some_and(|export| export.next().is_some() || export.pending() > 0)
    }

    /// Whether the data that is sent is gone.
    pub(crate) fn export_is_flushed(&self) -> bool {
        self.export.borrow().as_ref().is_some_and(Export::is_flushed)
    }

    /// Moves the clock forward.
    pub(crate) fn advance_ms(&self, ms: u64) {
        self.now.set(self.now.get().plus_ms(ms));
    }

    /// Puts another topology in the place of the present one.
    pub(crate) fn set_topology(&self, topology: Topology) {
        self.topology.replace(Some(Arc::new(topology)));
    }

    fn next_client_id(&self) -> ClientId {
        self.client_ids.set(self.client_ids.get() + 1);
        ClientId(self.client_ids.get())
    }

    fn publish(&self, session: &Session) {
        let mut cards = self.cards.borrow_mut();
        cards.retain(|card| card.session.id != session.id);
        if session.after == After::Continue {
            cards.push(ClientCard::new(session.clone(), self.now(), 8));
            cards.sort_by_key(|card| card.session.id);
        }
    }
}

impl Node for TestNode {
    fn now(&self) -> UnixMs {
        self.now.get()
    }

    fn now_us(&self) -> u64 {
        self.now.get().as_ms() * 1000
    }

    /// 1, 2, 3 ...
    fn random(&self) -> u64 {
        self.random.set(self.random.get() + 1);
        self.random.get()
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    fn set_config(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), ErrorReply> {
        let mut config = Config::clone(&self.config());
        let changes = config.set(pairs, asker)?;
        if changes.contains("requirepass") {
            self.acl.borrow_mut().set_default_password(config.requirepass());
        }
        self.config.replace(Arc::new(config));
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), ErrorReply> {
        Err(ErrorReply::other("ERR The server is running without a config file"))
    }

    fn topology(&self) -> Option<Arc<Topology>> {
        self.topology.borrow().clone()
    }

    fn with_cluster(&self, visit: &mut dyn FnMut(Now, &mut Cluster)) -> bool {
        let mut cluster = self.cluster.borrow_mut();
        let Some(cluster) = cluster.as_mut() else { return false };
        visit(self.moment(), cluster);
        self.perform(cluster);
        true
    }

    fn facts(&self) -> Facts {
        Facts {
            run_id: "0123456789".repeat(4),
            os: "Linux test".into(),
            started_at: START,
            port: 6379,
            connected_clients: self.cards.borrow().len() as u64,
            changes: self.changes.get(),
            ..Facts::default()
        }
    }

    fn reset_stats(&self) {
        self.changes.set(0);
        self.slot_stats.reset(&SlotSet::FULL);
        self.command_stats.reset();
        self.journal.borrow_mut().errors.reset();
    }

    fn clock_ns(&self) -> u64 {
        self.clock_readings.set(self.clock_readings.get() + 1);
        self.clock_readings.get() * 1000 + self.slept_us.get() * 1000
    }

    fn slot_stats(&self) -> Option<&SlotStats> {
        self.config().cluster_enabled().then_some(&self.slot_stats)
    }

    fn command_stats(&self) -> Option<&CommandStats> {
        Some(&self.command_stats)
    }

    fn with_journal(&self, visit: &mut dyn FnMut(&mut Journal)) {
        visit(&mut self.journal.borrow_mut());
    }

    fn has_monitors(&self) -> bool {
        !self.monitors.borrow().is_empty()
    }

    fn with_monitors(&self, visit: &mut dyn FnMut(&mut Monitors)) {
        visit(&mut self.monitors.borrow_mut());
    }

    fn is_tracking(&self) -> bool {
        !self.tracking.borrow().is_empty()
    }

    fn with_tracking(&self, visit: &mut dyn FnMut(&mut Tracking)) {
        visit(&mut self.tracking.borrow_mut());
    }

    fn listener(&self, client: ClientId) -> Option<Arc<Subscriptions>> {
        let cards = self.cards.borrow();
        let card = cards.iter().find(|card| card.session.id == client)?;
        Some(Arc::clone(&card.session.subscriptions))
    }

    fn replica_count(&self) -> usize {
        self.replicas.get()
    }

    fn clients(&self) -> Vec<ClientCard> {
        self.cards.borrow().clone()
    }

    fn kill_clients(&self, ids: &[ClientId]) -> usize {
        let mut cards = self.cards.borrow_mut();
        let before = cards.len();
        cards.retain(|card| !ids.contains(&card.session.id));
        self.killed.borrow_mut().extend_from_slice(ids);
        before - cards.len()
    }

    fn deliver(&self, to: ClientId, bytes: &[u8]) {
        self.delivered.borrow_mut().entry(to).or_default().extend_from_slice(bytes);
    }

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.borrow_mut());
    }

    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl)) {
        visit(&mut self.acl.borrow_mut());
    }

    fn read_acl_file(&self) -> Result<Vec<u8>, String> {
        Ok(self.acl_file.borrow().clone())
    }

    fn write_acl_file(&self, text: &[u8]) -> bool {
        self.acl_file.replace(text.to_vec());
        true
    }

    fn records(&self) -> bool {
        self.records.get()
    }

    fn propagate(&self, record: &Record) -> u64 {
        self.export.borrow_mut().iter_mut().for_each(|export| export.note(record));
        let mut stream = self.stream.borrow_mut();
        self.selection.borrow_mut().write(record, Readers::REPLICAS, &mut stream);
        stream.len() as u64
    }

    fn saves(&self) -> Saves {
        Saves { changes: self.changes.get(), ..Saves::default() }
    }

    fn shutdown(&self, how: Shutdown, _: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        if how.abort && self.shutdown.take().is_none() {
            return Err(ErrorReply::NoShutdown);
        }
        self.shutdown.set((!how.abort).then_some(how));
        Ok(())
    }

    fn discard(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn switches(&self) -> &Switches {
        &self.switches
    }

    fn sleep(&self, us: u64) {
        self.slept_us.set(self.slept_us.get().saturating_add(us));
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.into());
    }
}

/// Three nodes on ports 7000 to 7002: `a` and `b` with half of the slots each, `c` a replica of `a`; as `a` sees them.
pub(crate) fn three_nodes() -> TopologyBuilder {
    let mut builder = TopologyBuilder::new(1);
    let half = Slot::new(8192).expect("a slot");
    let below = Slot::new(8191).expect("a slot");
    let a = builder.node(topology::Node {
        flags: NodeFlags::PRIMARY | NodeFlags::MYSELF,
        ..node_named(b'a', b'a', 7000)
    });
    let b = builder.node(node_named(b'b', b'b', 7001));
    let c = builder.node(node_named(b'c', b'a', 7002));
    builder.set_primary(c, a);
    builder.own(a, SlotRange::new(Slot::MIN, below));
    builder.own(b, SlotRange::new(half, Slot::MAX));
    builder
}

/// A node whose name and whose shard's name are 40 times a letter.
fn node_named(name: u8, shard: u8, port: u16) -> topology::Node {
    topology::Node {
        shard_id: ShardId::parse(&[shard; 40]),
        ip: "127.0.0.1".into(),
        port,
        bus_port: port + 10_000,
        ..topology::Node::new(NodeId::parse(&[name; 40]).expect("a name"))
    }
}

#[test]
fn a_test_client_sees_what_another_one_did() {
    let mut client = TestClient::new();
    assert_eq!(client.run("SET a 1"), "+OK\r\n");
    assert_eq!(client.another().run("GET a"), "$1\r\n1\r\n");
}
