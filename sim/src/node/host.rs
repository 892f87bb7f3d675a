//! What the engine asks of the node around it, in a simulated world.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;

use slotway_core::cluster::{Action, Cluster, Durability, Input, Now, Replication};
use slotway_core::epoch::ReplOffset;
use slotway_core::id::{JobId, NodeId};
use slotway_core::replication::ReplId;
use slotway_core::replication::quorum::Tenure;
use slotway_core::resp::error::ErrorReply;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::UnixMs;
use slotway_core::topology::{NodeFlags, Topology};
use slotway_engine::acl::Acl;
use slotway_engine::config::{Asker, Config};
use slotway_engine::keyspace::Garbage;
use slotway_engine::node::{
    AofState, ClientCard, Condition, Facts, FailoverStage, LinkState, Node, Pause, ReplicaState,
    ReplicationState, Role, Shutdown,
};
use slotway_engine::propagation::Record;
use slotway_engine::pubsub::PubSub;
use slotway_engine::replication::{Link, Log};
use slotway_engine::session::{After, ClientId, Session};
use slotway_engine::shards::WholeKeyspace;
use slotway_engine::switches::Switches;

use super::disk::File;
use super::handoff::Handoff;
use super::quorum::Quorum;
use crate::chance::Chance;
use crate::history::Bytes;
use crate::network::LinkId;
use crate::sabotage::{Plot, Sabotage};
use crate::timeline::Time;

/// The node around one engine, for one life of its process.
pub(super) struct Host {
    pub(super) now: Cell<Time>,
    /// The same on the control plane's clocks.
    pub(super) moment: Cell<Now>,
    pub(super) chance: RefCell<Chance>,
    pub(super) config: RefCell<Arc<Config>>,
    pub(super) topology: RefCell<Option<Arc<Topology>>>,
    machine: Rc<RefCell<Cluster>>,
    /// What the control plane wanted done when commands talked to it.
    pub(super) actions: RefCell<Vec<Action>>,
    cards: RefCell<BTreeMap<ClientId, ClientCard>>,
    pub(super) links: RefCell<BTreeMap<ClientId, LinkId>>,
    pub(super) killed: RefCell<Vec<ClientId>>,
    /// What commands have for connections besides the one that sent them.
    pub(super) delivered: RefCell<Vec<(LinkId, Bytes)>>,
    pub(super) pubsub: RefCell<PubSub>,
    pub(super) acl: RefCell<Acl>,
    facts: RefCell<Facts>,
    switches: Switches,
    errors: Cell<u64>,
    pub(super) pause_us: Cell<u64>,
    /// A replica is taking over by agreement.
    pub(super) writes_pause: Cell<bool>,
    pub(super) log: RefCell<Log>,
    /// Whether writes are for replicas.
    pub(super) records: Cell<bool>,
    pub(super) file: RefCell<File>,
    pub(super) replicas: RefCell<BTreeMap<ClientId, Replica>>,
    pub(super) link: RefCell<Link>,
    /// Slots on their way.
    pub(super) handoff: Handoff,
    pub(super) quorum: Quorum,
    /// The offset of the stream up to which the file is on disk.
    pub(super) synced: Cell<u64>,
    /// Whom this node follows.
    pub(super) primary: RefCell<Option<(String, u16)>>,
    pub(super) plot: Plot,
}

/// A replica of this node.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) is_online: bool,
    /// How far it has said to be.
    pub(super) offset: u64,
    /// How far its disk is.
    pub(super) fsynced: u64,
    /// Its name as a node, if it counts as a copy of the shard.
    pub(super) copy: Option<NodeId>,
}

impl Host {
    pub(super) fn new(
        mut chance: Chance,
        config: Arc<Config>,
        machine: Rc<RefCell<Cluster>>,
        moment: Now,
        file: File,
        plot: Plot,
    ) -> Self {
        let id = new_id(&mut chance);
        let acl = RefCell::new(Acl::new(&config));
        Self {
            now: Cell::default(),
            moment: Cell::new(moment),
            chance: RefCell::new(chance),
            config: RefCell::new(config),
            topology: RefCell::default(),
            machine,
            actions: RefCell::default(),
            cards: RefCell::default(),
            links: RefCell::default(),
            killed: RefCell::default(),
            delivered: RefCell::default(),
            pubsub: RefCell::default(),
            acl,
            facts: RefCell::new(Facts { started_at: Time::default().wall(), ..Facts::default() }),
            switches: Switches::default(),
            errors: Cell::default(),
            pause_us: Cell::default(),
            writes_pause: Cell::new(false),
            log: RefCell::new(Log::new(id)),
            records: Cell::new(false),
            file: RefCell::new(file),
            replicas: RefCell::default(),
            link: RefCell::default(),
            handoff: Handoff::default(),
            quorum: Quorum::default(),
            synced: Cell::default(),
            primary: RefCell::default(),
            plot,
        }
    }

    pub(super) fn new_id(&self) -> ReplId {
        new_id(&mut self.chance.borrow_mut())
    }

    /// Whether keys that have expired are to be removed now.
    pub(super) fn expires(&self) -> bool {
        !self.switches.keeps_expired.load(Ordering::Relaxed) && !self.writes_pause.get()
    }

    pub(super) fn follows(&self) -> bool {
        self.primary.borrow().is_some()
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Facts)) {
        add(&mut self.facts.borrow_mut());
    }

    pub(super) fn publish(&self, session: &Session) {
        let mut cards = self.cards.borrow_mut();
        match session.after {
            After::Close | After::Abort => {
                cards.remove(&session.id);
            }
            After::Continue
            | After::WaitForAcks
            | After::WaitForShutdown
            | After::LoadAof
            | After::Hold
            | After::Migrate
            | After::Decode
            | After::Import
            | After::Replicate => {
                let card = ClientCard::new(session.clone(), self.now(), -1);
                cards.insert(card.session.id, card);
            }
        }
    }

    pub(super) fn forget(&self, id: ClientId) {
        self.pubsub.borrow_mut().forget(id);
        self.cards.borrow_mut().remove(&id);
        self.links.borrow_mut().remove(&id);
        if self.replicas.borrow_mut().remove(&id).is_some() {
            self.log.borrow_mut().leave(self.moment.get().instant, id);
        }
    }

    /// How the copying stands, for the control plane.
    pub(super) fn for_cluster(&self) -> Replication {
        let mut link = self.link.borrow_mut();
        // What is there of another history, or half loaded, is nothing.
        let is_whole = !self.follows() || link.has_data;
        let offset = ReplOffset::new(if is_whole { self.log.borrow().offset() } else { 0 });
        let lies = self.plot.breaks(Sabotage::EmptyStands) && self.follows();
        let fresh_at = if lies { Some(self.moment.get().instant) } else { link.fresh_at() };
        let (term, is_linked) = (link.label.standing(offset).term, link.is_linked());
        Replication { offset, fresh_at, term, is_linked }
    }

    /// Counts anew what a majority of the copies has.
    pub(super) fn recount(&self) {
        self.recount_with(&mut self.machine.borrow_mut());
    }

    /// The name of this node.
    pub(super) fn name(&self) -> NodeId {
        self.machine.borrow().id()
    }

    /// How much of what it has a copy may acknowledge to a primary of that term.
    pub(super) fn may_acknowledge(&self, tenure: Tenure) -> u64 {
        let reached = ReplOffset::new(self.log.borrow().offset());
        self.machine.borrow().fence().cap(tenure.term, reached).get()
    }

    /// What its nodes.conf says is known before its data is loaded.
    pub(super) fn show_first_picture(&self) {
        let picture = self.machine.borrow().topology(self.moment.get());
        self.route_by(Arc::new(picture));
    }

    /// The stream begins behind all that the last life can have told.
    pub(super) fn begin_stream(&self) {
        let first = self.machine.borrow().first_offset().get();
        self.log.borrow_mut().begin_at(first);
    }

    /// The link to the primary begins anew.
    pub(super) fn follow_anew(&self) {
        self.machine.borrow_mut().follow_anew();
    }

    /// All replicas that there are have everything up to there.
    pub(super) fn all_have(&self, offset: u64) -> bool {
        self.replicas
            .borrow()
            .values()
            .filter(|replica| replica.is_online)
            .all(|replica| replica.offset >= offset)
    }

    pub(super) fn count_errors(&self, count: u64) {
        self.errors.set(self.errors.get() + count);
    }

    /// Replies that were errors.
    pub(super) fn errors(&self) -> u64 {
        self.errors.get()
    }

    /// The disk may have got further.
    pub(super) fn note_synced(&self) {
        if self.file.borrow().is_synced() || self.plot.breaks(Sabotage::DiskLies) {
            self.synced.set(self.log.borrow().offset());
        }
    }

    /// A picture to route by.
    pub(super) fn route_by(&self, topology: Arc<Topology>) {
        self.topology.replace(Some(self.spoil(topology)));
    }

    fn spoil(&self, topology: Arc<Topology>) -> Arc<Topology> {
        let to_itself = self.plot.breaks(Sabotage::MovedToItself);
        if !to_itself && !self.plot.breaks(Sabotage::MovedToStranger) {
            return topology;
        }
        let myself = topology.nodes().find(|(_, node)| node.flags.contains(NodeFlags::MYSELF));
        let (ip, port) = match myself {
            Some((_, node)) if to_itself => (node.ip.clone(), node.port),
            _ => ("10.9.9.9".into(), 7000),
        };
        let mut spoilt = slotway_core::topology::TopologyBuilder::new(topology.version());
        spoilt.state(topology.state());
        for (_, node) in topology.nodes() {
            let is_other = !node.flags.contains(NodeFlags::MYSELF);
            let mut node = node.clone();
            if is_other {
                (node.ip, node.port) = (ip.clone(), port);
            }
            spoilt.node(node);
        }
        topology.owned_ranges().for_each(|(range, owner)| spoilt.own(owner, [range]));
        Arc::new(spoilt.build().expect("as sound as it was"))
    }
}

fn new_id(chance: &mut Chance) -> ReplId {
    ReplId::from_random(core::array::from_fn(|_| chance.next() as u8))
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

    /// What must be on disk is, when this returns: the world writes it before anything else of it.
    fn with_cluster(&self, visit: &mut dyn FnMut(Now, &mut Cluster)) -> bool {
        let mut machine = self.machine.borrow_mut();
        let now = self.moment.get();
        machine.handle(now, Input::Replication(self.for_cluster()));
        visit(now, &mut machine);
        self.recount_with(&mut machine);
        while let Some(action) = machine.poll_action() {
            match &action {
                Action::Persist { durability: Durability::BeforeTheNextAction, .. } => {
                    machine.handle(now, Input::Persisted);
                }
                Action::Publish(topology) => self.route_by(Arc::clone(topology)),
                _ => {}
            }
            self.actions.borrow_mut().push(action);
        }
        true
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

    fn deliver(&self, to: ClientId, bytes: &[u8]) {
        if let Some(link) = self.links.borrow().get(&to).filter(|_| !bytes.is_empty()) {
            self.delivered.borrow_mut().push((*link, bytes.to_vec()));
        }
    }

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.borrow_mut());
    }

    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl)) {
        visit(&mut self.acl.borrow_mut());
    }

    fn condition(&self) -> Condition {
        let (follows, lacks_replicas) = (self.follows(), self.quorum.lacks_copies());
        Condition { follows, lacks_replicas, ..Condition::default() }
    }

    fn replication(&self) -> ReplicationState {
        let (log, link) = (self.log.borrow(), self.link.borrow());
        let role = self.primary.borrow().clone().map_or(Role::Primary, |(host, port)| {
            let offset = link.has_data.then_some(log.offset());
            let phase = link.phase;
            Role::Replica(Box::new(LinkState {
                host,
                port,
                phase,
                offset,
                silent_secs: None,
                down_secs: None,
                transfer: None,
            }))
        });
        let sent = log.offset();
        let lies = self.plot.breaks(Sabotage::WaitLies);
        let replicas = self.replicas.borrow();
        let replicas = replicas.values().map(|replica| ReplicaState {
            host: replica.host.clone(),
            port: replica.port,
            is_online: replica.is_online,
            offset: if lies { sent } else { replica.offset },
            fsynced: replica.fsynced,
            lag_secs: 0,
        });
        let replicas = replicas.collect();
        ReplicationState {
            quorum: None,
            failover: FailoverStage::Nothing,
            role,
            history: log.history(),
            backlog: log.backlog(),
            replicas,
            syncs: log.syncs(),
        }
    }

    fn pause(&self) -> Pause {
        if self.writes_pause.get() { Pause::Writes } else { Pause::Nothing }
    }

    fn aof(&self) -> AofState {
        AofState { is_on: self.file.borrow().is_on(), fsynced: self.synced.get(), ..AofState::default() }
    }

    fn has_fence(&self) -> bool {
        self.handoff.has_fence()
    }

    fn is_fenced(&self, slot: Slot) -> bool {
        self.handoff.is_fenced(slot)
    }

    fn track_import(&self, job: JobId, slots: Option<&SlotSet>) -> Option<SlotSet> {
        self.handoff.track(job, slots)
    }

    fn records(&self) -> bool {
        self.records.get() || self.file.borrow().is_on() || self.handoff.records()
    }

    fn propagate(&self, record: &Record) -> u64 {
        self.handoff.note(record);
        self.file.borrow_mut().append(record);
        let mut log = self.log.borrow_mut();
        match self.records.get() {
            true => log.write(record, self.config.borrow().repl_backlog_size()),
            false => log.offset(),
        }
    }

    /// A simulated node has no process: the world, not a command, decides when it stops.
    fn shutdown(&self, how: Shutdown, _: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        Err(if how.abort { ErrorReply::NoShutdown } else { ErrorReply::ShutdownFailed })
    }

    fn discard(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn switches(&self) -> &Switches {
        &self.switches
    }

    fn sleep(&self, us: u64) {
        self.pause_us.set(self.pause_us.get().saturating_add(us));
    }

    fn log(&self, _: &str) {}
}
