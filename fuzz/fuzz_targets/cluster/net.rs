//! A network whose frames arrive when the input says so, in any order, and as it says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use slotway_core::bus::Frame;
use slotway_core::cluster::{
    Action, Admin, Announced, Cluster, Config, Dataset, Durability, Input, LinkId, Loss, Now, Replication,
};
use slotway_core::epoch::Epoch;
use slotway_core::id::NodeId;
use slotway_core::time::{Instant, UnixMs};

/// Nodes in all.
pub(crate) const NODES: usize = 4;
/// Frames under way at most: what comes on top is lost, and the work of one input is bounded.
const MAIL_MAX: usize = 256;
const NODE_TIMEOUT_MS: u64 = 1000;
const FIRST_BUS_PORT: u16 = 17_000;

pub(crate) struct Net {
    write_quorum: bool,
    nodes: Vec<Host>,
    ms: u64,
    accepted: u64,
    /// Both ends of each connection.
    wires: BTreeMap<(usize, LinkId), (usize, LinkId)>,
    mail: VecDeque<(usize, LinkId, Arc<[u8]>)>,
}

struct Host {
    cluster: Cluster,
    saved: String,
}

impl Net {
    pub(crate) fn new(write_quorum: bool) -> Self {
        let cluster = |at| Cluster::new(at_ms(0), config(at, write_quorum), at as u64);
        let host = |at| Host { cluster: cluster(at), saved: String::new() };
        let nodes = (0..NODES).map(host).collect();
        let mut net =
            Self { write_quorum, nodes, ms: 0, accepted: 0, wires: BTreeMap::new(), mail: VecDeque::new() };
        net.act_on_all();
        net
    }

    pub(crate) fn id(&self, at: usize) -> Option<NodeId> {
        self.nodes.get(at % (NODES + 1)).map(|host| host.cluster.id())
    }

    /// What must hold whatever happened: each picture can be drawn, and each file read again to the same node.
    pub(crate) fn check(&self) {
        for (at, host) in self.nodes.iter().enumerate() {
            let picture = host.cluster.topology(self.now());
            let myself = picture.myself().expect("a node is in its own picture");
            assert_eq!(picture.node(myself).id, host.cluster.id());
            assert!(Epoch::from(picture.config_epoch(myself)) <= picture.current_epoch());
            let restored = Cluster::restore(self.now(), config(at, self.write_quorum), 1, &host.saved);
            restored.unwrap_or_else(|error| panic!("{error} in our own file:\n{}", host.saved));
        }
    }

    pub(crate) fn run_ms(&mut self, ms: u64) {
        let end = self.ms + ms % (4 * NODE_TIMEOUT_MS);
        while self.ms < end {
            let next = self.nodes.iter().map(|host| host.cluster.next_deadline().as_ms() - START_MS).min();
            self.ms = next.unwrap_or(end).clamp(self.ms + 1, end);
            (0..NODES).for_each(|at| self.input(at, Input::Wake));
        }
    }

    pub(crate) fn meet(&mut self, at: usize, other: usize) {
        let (host, bus_port) = (String::from("10.0.0.1"), bus_port(other));
        self.admin(at, Admin::Meet { host, is_name: false, port: bus_port - 10_000, bus_port });
    }

    /// A refusal is as good as anything else.
    pub(crate) fn admin(&mut self, at: usize, admin: Admin) {
        let now = self.now();
        let _ = self.nodes[at].cluster.admin(now, admin);
        self.act_on(at);
    }

    /// Delivers one of the frames under way, not always the first.
    pub(crate) fn deliver(&mut self, number: usize) {
        let Some((at, link, bytes)) = self.take_mail(number) else { return };
        self.receive(at, link, &bytes);
    }

    /// Delivers one of them with a byte changed, and once more as it was.
    pub(crate) fn change(&mut self, number: usize, change: u16) {
        let Some((at, link, bytes)) = self.take_mail(number) else { return };
        let mut changed = bytes.to_vec();
        // The fields of the header lie around the bitmap of slots; the low bits say which byte, the high ones what is in it.
        let place = usize::from(change) * 31 % changed.len();
        changed[place] = (change >> 8) as u8;
        self.receive(at, link, &changed);
        self.receive(at, link, &bytes);
    }

    pub(crate) fn deliver_all(&mut self) {
        for _ in 0..MAIL_MAX {
            self.deliver(0);
        }
    }

    /// Ends one of the connections of a node.
    pub(crate) fn lose(&mut self, at: usize, number: usize) {
        let ends: Vec<_> = self.wires.keys().filter(|(node, _)| *node == at).copied().collect();
        let Some(end) = ends.get(number % ends.len().max(1)).copied() else { return };
        self.cut(end, Loss::Refused);
        self.input(at, Input::Lost { link: end.1, why: Loss::Ended });
    }

    /// Its data has come so far.
    pub(crate) fn report(&mut self, at: usize, replication: Replication) {
        self.input(at, Input::Replication(replication));
    }

    /// Starts a node again from its file, and with so much of its data.
    pub(crate) fn restart(&mut self, at: usize, dataset: Dataset) {
        let ends: Vec<_> = self.wires.keys().filter(|(node, _)| *node == at).copied().collect();
        ends.into_iter().for_each(|end| self.cut(end, Loss::Refused));
        let (now, host) = (self.now(), &mut self.nodes[at]);
        let config = config(at, self.write_quorum);
        host.cluster = Cluster::restore(now, config, self.ms, &host.saved).expect("our own file");
        self.input(at, Input::Started(dataset));
    }

    pub(crate) fn now(&self) -> Now {
        at_ms(self.ms)
    }

    fn take_mail(&mut self, number: usize) -> Option<(usize, LinkId, Arc<[u8]>)> {
        let number = number % self.mail.len().max(1);
        self.mail.remove(number)
    }

    fn receive(&mut self, at: usize, link: LinkId, bytes: &[u8]) {
        if let Ok(frame) = Frame::parse(bytes) {
            self.input(at, Input::Frame { link, frame: &frame });
        }
    }

    fn input(&mut self, at: usize, input: Input<'_>) {
        let now = self.now();
        self.nodes[at].cluster.handle(now, input);
        self.act_on(at);
    }

    fn act_on_all(&mut self) {
        (0..NODES).for_each(|at| self.act_on(at));
    }

    fn act_on(&mut self, at: usize) {
        while let Some(action) = self.nodes[at].cluster.poll_action() {
            match action {
                Action::Connect { link, port, .. } => self.connect(at, link, port),
                Action::Send { link, frame } => {
                    if let Some((target, inbound)) = self.wires.get(&(at, link))
                        && self.mail.len() < MAIL_MAX
                    {
                        self.mail.push_back((*target, *inbound, frame));
                    }
                }
                Action::Close { link } => self.cut((at, link), Loss::Ended),
                Action::Persist { conf, durability } => {
                    self.nodes[at].saved = conf;
                    if durability == Durability::BeforeTheNextAction {
                        let now = self.now();
                        self.nodes[at].cluster.handle(now, Input::Persisted);
                    }
                }
                _ => {}
            }
        }
    }

    fn connect(&mut self, at: usize, link: LinkId, port: u16) {
        let target = (0..NODES).find(|target| bus_port(*target) == port);
        let Some(target) = target else { return self.input(at, Input::Lost { link, why: Loss::Refused }) };
        self.accepted += 1;
        let inbound = LinkId::Inbound(self.accepted);
        self.wires.insert((at, link), (target, inbound));
        self.wires.insert((target, inbound), (at, link));
        let ip = "10.0.0.1";
        self.input(target, Input::Accepted { link: inbound, remote_ip: ip, local_ip: ip });
        self.input(at, Input::Connected { link, remote_ip: ip });
    }

    /// The other end is told; this one knows.
    fn cut(&mut self, end: (usize, LinkId), why: Loss) {
        let Some(other) = self.wires.remove(&end) else { return };
        self.wires.remove(&other);
        self.input(other.0, Input::Lost { link: other.1, why });
    }
}

/// The clock of the machines begins here.
const START_MS: u64 = 1 << 40;

fn at_ms(ms: u64) -> Now {
    Now { instant: Instant::from_ms(START_MS + ms), unix: UnixMs::from_ms(1_700_000_000_000 + ms) }
}

fn bus_port(at: usize) -> u16 {
    FIRST_BUS_PORT + at as u16
}

fn config(at: usize, write_quorum: bool) -> Config {
    let bus_port = bus_port(at);
    let announced = Announced { port: bus_port - 10_000, bus_port, ..Announced::default() };
    Config { node_timeout_ms: NODE_TIMEOUT_MS, write_quorum, announced, ..Config::default() }
}
