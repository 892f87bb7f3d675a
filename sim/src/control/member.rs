//! One node of the cluster: the machine, and what it has of its own in this world: an address, a clock, a disk, links.
//!
//! This is to the simulated world what `node/bus.rs` is to a real one, and as thin.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{RefCell, RefMut};
use core::ops::Range;

use slotway_core::bus::{Header, frame_len};
use slotway_core::cluster::{Announced, Cluster, Config, Input, LinkId, Now, Profile, Replication};
use slotway_core::epoch::ReplOffset;
use slotway_core::id::NodeId;
use slotway_core::time::{Instant, UnixMs};
use slotway_core::topology::Topology;

use super::Plot;
use super::disk::Disk;
use super::lie::Liar;
use super::swarm::Swarm;
use crate::chance::Chance;
use crate::network;
use crate::timeline::Time;

/// The port of the bus, on every host.
pub const BUS_PORT: u16 = 17_000;
/// The port for clients, on every host.
pub const PORT: u16 = 7000;
/// A machine's clock shows this when the simulation begins: moments before it can be told.
const CLOCK_START_MS: u64 = 1 << 40;

/// How a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// It runs.
    Up,
    /// Its process is gone; its host says so to whoever connects.
    Stopped,
    /// Its host is gone: nobody says anything.
    Vanished,
}

/// A connection as one of its ends sees it.
struct Connection {
    /// What the network calls it.
    wire: network::LinkId,
    /// Which end this is.
    side: network::Side,
    /// Bytes that are no whole frame yet.
    pending: Vec<u8>,
}

/// Where a node belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Membership {
    /// The cluster.
    Ours,
    /// The other cluster.
    Foreign,
    /// None any more: an operator took it out.
    Gone,
}

/// One node.
pub struct Member {
    /// Its name on the bus, which never changes but with its disk.
    pub id: NodeId,
    /// Whether it is of the cluster that is looked at, or of the one beside it.
    pub cluster: Membership,
    /// Whose habits it has.
    pub profile: Profile,
    /// What it tells instead of the truth, if it lies.
    pub liar: Option<Liar>,
    /// How it is.
    pub health: Health,
    /// Until when it stands still.
    pub paused: Time,
    /// How often it has been started: what was planned for an earlier life is void.
    pub life: u32,
    /// When this life began.
    pub started: Time,
    /// When the last one ended.
    pub ended: Time,
    /// The next wake-up that is planned.
    pub wake: Option<Time>,
    /// Its disk.
    pub disk: Disk,
    /// Its view of the cluster, as clients would be routed by it.
    pub view: Option<Arc<Topology>>,
    /// When it last heard from each other node.
    pub heard: BTreeMap<NodeId, Time>,
    /// How its data stands, if that is simulated: told with each input.
    pub data: Option<Replication>,
    /// Since when it knows each other node.
    pub known: BTreeMap<NodeId, Time>,
    /// Whom it was told to forget, and for which time it must not show them.
    pub banned: BTreeMap<NodeId, Range<Time>>,
    /// It began with an empty disk, and is not yet what an operator wants it to be.
    pub is_new: bool,
    machine: Rc<RefCell<Cluster>>,
    connections: BTreeMap<LinkId, Connection>,
    ends: BTreeMap<(network::LinkId, network::Side), LinkId>,
    opened: u32,
    accepted: u64,
    /// How much faster than time its clock goes, in thousandths.
    drift: i64,
    /// How far its wall clock is off, in milliseconds.
    wall_off_ms: i64,
    config: Config,
    plot: Plot,
}

impl Member {
    /// The node that `topology` calls myself, of a cluster that begins.
    pub fn new(number: usize, topology: &Topology, swarm: &Swarm, plot: Plot, chance: &mut Chance) -> Self {
        let myself = topology.node(topology.myself().expect("a picture as one of its nodes sees it"));
        let drift = chance.within(0..=2 * swarm.drift) as i64 - swarm.drift as i64;
        let hostname = if swarm.has_names { name_of(number) } else { String::new() };
        let config = config(swarm, &myself.ip, hostname);
        let now = now(Time::default(), drift, 0);
        let machine = Cluster::formed(now, config.clone(), chance.next(), topology);
        let mut member = Self {
            id: myself.id,
            cluster: Membership::Ours,
            profile: Profile::default(),
            liar: None,
            health: Health::Up,
            paused: Time::default(),
            life: 0,
            started: Time::default(),
            ended: Time::default(),
            wake: None,
            disk: Disk::default(),
            view: None,
            heard: BTreeMap::new(),
            data: None,
            known: BTreeMap::new(),
            banned: BTreeMap::new(),
            is_new: false,
            machine: Rc::new(RefCell::new(machine.expect("a picture as one of its nodes sees it"))),
            connections: BTreeMap::new(),
            ends: BTreeMap::new(),
            opened: 0,
            accepted: 0,
            drift,
            wall_off_ms: 0,
            config,
            plot,
        };
        member.apply_plot();
        member
    }

    /// Where it is now.
    pub fn ip(&self) -> &str {
        &self.config.announced.ip
    }

    /// Where clients reach it: `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{PORT}", self.ip())
    }

    /// The name it announces; empty for none.
    pub fn hostname(&self) -> &str {
        &self.config.hostname
    }

    /// The machine, to be polled and asked.
    pub fn machine(&self) -> RefMut<'_, Cluster> {
        self.machine.borrow_mut()
    }

    /// The same, for the commands of its clients. Another one after a restart.
    pub fn shared_machine(&self) -> Rc<RefCell<Cluster>> {
        Rc::clone(&self.machine)
    }

    /// Both of its clocks.
    pub fn now(&self, now_is: Time) -> Now {
        now(now_is, self.drift, self.wall_off_ms)
    }

    /// Gives the machine an input.
    pub fn handle(&mut self, now: Time, input: Input<'_>) {
        let now = self.now(now);
        if let Some(data) = self.data {
            self.machine().handle(now, Input::Replication(data));
        }
        self.machine().handle(now, input);
    }

    /// When the machine wants to be woken, in the world's time.
    pub fn deadline(&self) -> Time {
        let own_ms = self.machine().next_deadline().as_ms().saturating_sub(CLOCK_START_MS);
        let rate = (1000 + self.drift) as u64;
        Time::from_us((own_ms * 1_000_000).div_ceil(rate) + 1)
    }

    /// Where data is not simulated, a replica counts as one that has the data of its primary.
    pub fn follow(&mut self, now: Time, follows: bool) {
        let fresh_at = follows.then_some(Instant::from_ms(u64::MAX));
        let offset = ReplOffset::new(u64::from(follows));
        let replication = Replication { offset, fresh_at, is_linked: follows, ..Replication::default() };
        self.handle(now, Input::Replication(replication));
    }

    /// The wall clock shows something else from now on; the other never jumps.
    pub fn jump(&mut self, ms: i64) {
        self.wall_off_ms = ms;
    }

    /// A frame came from somebody.
    pub fn hear(&mut self, header: &Header, now: Time) {
        self.heard.insert(header.sender, now);
    }

    /// Behaves as such a server, in this life and the next.
    pub fn play(&mut self, profile: Profile) {
        self.profile = profile;
        self.machine().play(profile);
    }

    /// Its view is another from now on; which is returned.
    pub fn show(&mut self, view: Arc<Topology>, now: Time) -> Option<Arc<Topology>> {
        self.known.retain(|id, _| view.find(id).is_some());
        view.nodes().for_each(|(_, node)| _ = self.known.entry(node.id).or_insert(now));
        self.view.replace(view)
    }

    /// The process ends.
    pub fn stop(&mut self, now: Time, health: Health) {
        (self.health, self.ended) = (health, now);
        self.life += 1;
        self.wake = None;
        self.view = None;
        self.heard.clear();
        self.data = None;
        self.known.clear();
        self.banned.clear();
        self.connections.clear();
        self.ends.clear();
    }

    /// The process starts with what the file says. False, and nothing done, if it refuses the file.
    pub fn start(&mut self, now: Time, text: &str, seed: u64) -> bool {
        let text = if self.plot == Plot::VoteForgotten { without_vote(text) } else { text.into() };
        let restored = Cluster::restore(self.now(now), self.config.clone(), seed, &text);
        let Ok(machine) = restored else { return false };
        self.begin(now, machine);
        true
    }

    /// The process starts with nothing: another node, with another name.
    pub fn start_anew(&mut self, now: Time, seed: u64) {
        let machine = Cluster::new(self.now(now), self.config.clone(), seed);
        self.id = machine.id();
        self.disk = Disk::default();
        self.begin(now, machine);
    }

    fn begin(&mut self, now: Time, machine: Cluster) {
        self.machine = Rc::new(RefCell::new(machine));
        (self.health, self.paused, self.started) = (Health::Up, now, now);
        self.machine().play(self.profile);
        self.apply_plot();
    }

    /// The host has another address from now on.
    pub fn move_to(&mut self, ip: String) {
        self.config.announced.ip = ip;
    }

    /// A connection that this node opens; `number` is its own.
    pub fn open(&mut self, number: usize, link: LinkId) -> network::LinkId {
        self.opened += 1;
        let wire = network::LinkId { client: number, serial: self.opened };
        self.add(link, wire, network::Side::Client);
        wire
    }

    /// How many connections it has opened.
    pub fn opened(&self) -> u32 {
        self.opened
    }

    /// A connection that comes to this node.
    pub fn accept(&mut self, wire: network::LinkId) -> LinkId {
        self.accepted += 1;
        let link = LinkId::Inbound(self.accepted);
        self.add(link, wire, network::Side::Node);
        link
    }

    fn add(&mut self, link: LinkId, wire: network::LinkId, side: network::Side) {
        self.connections.insert(link, Connection { wire, side, pending: Vec::new() });
        self.ends.insert((wire, side), link);
    }

    /// The machine's name of a connection.
    pub fn link_of(&self, wire: network::LinkId, side: network::Side) -> Option<LinkId> {
        self.ends.get(&(wire, side)).copied()
    }

    /// The network's name of a connection, and which end of it is here.
    pub fn wire_of(&self, link: LinkId) -> Option<(network::LinkId, network::Side)> {
        self.connections.get(&link).map(|connection| (connection.wire, connection.side))
    }

    /// Connections to and from this node, in order.
    pub fn wires(&self) -> Vec<network::LinkId> {
        self.connections.values().map(|connection| connection.wire).collect()
    }

    /// A connection is no more.
    pub fn drop_link(&mut self, link: LinkId) -> Option<(network::LinkId, network::Side)> {
        let connection = self.connections.remove(&link)?;
        self.ends.remove(&(connection.wire, connection.side));
        Some((connection.wire, connection.side))
    }

    /// Adds bytes that came in, and takes the frames that are whole now. `None` if they are no frames.
    pub fn frames(&mut self, link: LinkId, bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        let pending = &mut self.connections.get_mut(&link)?.pending;
        pending.extend_from_slice(bytes);
        let mut frames = Vec::new();
        while let Some(len) = frame_len(pending).ok()?.filter(|len| *len <= pending.len()) {
            frames.push(pending.drain(..len).collect());
        }
        Some(frames)
    }

    fn apply_plot(&mut self) {
        #[cfg(test)]
        if let Plot::Machine(rule) = self.plot {
            self.machine().sabotage(rule);
        }
    }
}

/// The name of the host of node `number`.
pub fn name_of(number: usize) -> String {
    format!("n{number}.sim")
}

fn config(swarm: &Swarm, ip: &str, hostname: String) -> Config {
    let announced = Announced { ip: ip.into(), port: PORT, tls_port: 0, bus_port: BUS_PORT };
    Config {
        node_timeout_ms: swarm.node_timeout_ms,
        allow_replica_migration: !swarm.keeps_shards,
        write_quorum: swarm.write_quorum,
        announced,
        hostname,
        ..Config::default()
    }
}

fn now(time: Time, drift: i64, wall_off_ms: i64) -> Now {
    let own_ms = time.as_us() * (1000 + drift) as u64 / 1_000_000;
    Now {
        instant: Instant::from_ms(CLOCK_START_MS + own_ms),
        unix: UnixMs::from_ms(time.wall().as_ms().saturating_add_signed(wall_off_ms)),
    }
}

fn without_vote(text: &str) -> String {
    let vars = text.rfind("lastVoteEpoch ").unwrap_or(text.len());
    format!("{}lastVoteEpoch 0\n", &text[..vars])
}
