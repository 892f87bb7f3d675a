//! The node around the measured engine: a cluster of one that has all slots, and counts what a server counts.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use slotway_core::id::NodeId;
use slotway_core::resp::error::ErrorReply;
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::time::UnixMs;
use slotway_core::topology::{self, NodeFlags, Topology, TopologyBuilder};
use slotway_engine::acl::{Acl, User};
use slotway_engine::command_stats::CommandStats;
use slotway_engine::config::{Asker, Config};
use slotway_engine::keyspace::Garbage;
use slotway_engine::node::{ClientCard, Facts, Node, Shutdown};
use slotway_engine::pubsub::PubSub;
use slotway_engine::session::ClientId;
use slotway_engine::shards::WholeKeyspace;
use slotway_engine::slot_stats::SlotStats;
use slotway_engine::switches::Switches;

/// When it is, for good: nothing may depend on how fast the machine is.
const NOW: UnixMs = UnixMs::from_ms(1_700_000_000_000);
const DATA_THREADS: u16 = 1;

pub(crate) struct LoneNode {
    /// Nanoseconds: each reading of the clock is 100 after the one before.
    clock_ns: Cell<u64>,
    random: Cell<u64>,
    config: Arc<Config>,
    topology: Arc<Topology>,
    slot_stats: SlotStats,
    command_stats: CommandStats,
    pubsub: RefCell<PubSub>,
    acl: RefCell<Acl>,
    switches: Switches,
}

impl LoneNode {
    pub(crate) fn new() -> Self {
        let mut config = Config::default();
        config.load("instructions", "cluster-enabled yes", &mut |_| Ok(Vec::new())).expect("a directive");
        config.finish().expect("directives that agree");
        Self {
            clock_ns: Cell::default(),
            random: Cell::default(),
            acl: RefCell::new(Acl::new(&config)),
            config: Arc::new(config),
            topology: Arc::new(all_slots()),
            slot_stats: SlotStats::new(DATA_THREADS),
            command_stats: CommandStats::new(DATA_THREADS),
            pubsub: RefCell::default(),
            switches: Switches::default(),
        }
    }

    /// Whom a connection belongs to as it begins.
    pub(crate) fn default_user(&self) -> Arc<User> {
        self.acl.borrow().default_user()
    }
}

fn all_slots() -> Topology {
    let mut builder = TopologyBuilder::new(1);
    let name = NodeId::parse(&[b'a'; 40]).expect("a name");
    let flags = NodeFlags::PRIMARY | NodeFlags::MYSELF;
    let myself = builder.node(topology::Node { flags, ..topology::Node::new(name) });
    builder.own(myself, SlotRange::new(Slot::MIN, Slot::MAX));
    builder.build().expect("one node that has all slots")
}

impl Node for LoneNode {
    fn now(&self) -> UnixMs {
        NOW
    }

    fn now_us(&self) -> u64 {
        NOW.as_ms() * 1000
    }

    fn random(&self) -> u64 {
        self.random.set(self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        self.random.get() ^ (self.random.get() >> 33)
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    fn set_config(&self, _: &[(&[u8], &[u8])], _: Asker) -> Result<(), ErrorReply> {
        Err(ErrorReply::other("ERR what is measured stays as it is"))
    }

    fn rewrite_config(&self) -> Result<(), ErrorReply> {
        Err(ErrorReply::other("ERR The server is running without a config file"))
    }

    fn topology(&self) -> Option<Arc<Topology>> {
        Some(Arc::clone(&self.topology))
    }

    fn clock_ns(&self) -> u64 {
        self.clock_ns.set(self.clock_ns.get() + 100);
        self.clock_ns.get()
    }

    fn slot_stats(&self) -> Option<&SlotStats> {
        Some(&self.slot_stats)
    }

    fn command_stats(&self) -> Option<&CommandStats> {
        Some(&self.command_stats)
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn reset_stats(&self) {}

    fn clients(&self) -> Vec<ClientCard> {
        Vec::new()
    }

    fn kill_clients(&self, _: &[ClientId]) -> usize {
        0
    }

    fn deliver(&self, _: ClientId, _: &[u8]) {}

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.borrow_mut());
    }

    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl)) {
        visit(&mut self.acl.borrow_mut());
    }

    fn shutdown(&self, _: Shutdown, _: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        Err(ErrorReply::NoShutdown)
    }

    fn switches(&self) -> &Switches {
        &self.switches
    }

    fn discard(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn sleep(&self, _us: u64) {}

    fn log(&self, _line: &str) {}
}
