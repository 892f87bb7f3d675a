//! The network of these tests: every frame arrives at once, in order.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::super::*;
use crate::bus::{Body, Frame, Header, Heartbeat, HeartbeatKind};
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::resp::error::ClusterError;
use crate::time::{Instant, UnixMs};
use crate::topology::{NodeIndex, Topology};

/// A moment: the wall clock shows something else than the other.
pub(super) fn at_ms(ms: u64) -> Now {
    Now { instant: Instant::from_ms(ms), unix: UnixMs::from_ms(1_700_000_000_000 + ms) }
}

pub(super) struct Net {
    nodes: Vec<Host>,
    ms: u64,
    accepted: u64,
    /// Both ends of each connection.
    wires: BTreeMap<(usize, LinkId), (usize, LinkId)>,
    mail: VecDeque<(usize, LinkId, Arc<[u8]>)>,
}

struct Host {
    cluster: Cluster,
    port: u16,
    is_up: bool,
    is_isolated: bool,
    saved: String,
    pauses: usize,
    resumes: usize,
    /// What was to be done with data, and what was on disk then.
    handoffs: Vec<(HandoffAction, String)>,
    /// What concerned the disk, clients and data, in order.
    done: Vec<Action>,
}

impl Net {
    pub(super) fn new(nodes: usize, node_timeout_ms: u64) -> Self {
        Self::with(nodes, node_timeout_ms, |_| {})
    }

    /// Nodes whose configuration is changed by `configure`.
    pub(super) fn with(nodes: usize, node_timeout_ms: u64, configure: impl Fn(&mut Config)) -> Self {
        let host = |at: usize| {
            let port = 10_000 + at as u16;
            let mut config = config(port, node_timeout_ms);
            configure(&mut config);
            let cluster = Cluster::new(at_ms(1000), config, 100 + at as u64);
            Host {
                cluster,
                port,
                is_up: true,
                is_isolated: false,
                saved: String::new(),
                pauses: 0,
                resumes: 0,
                handoffs: Vec::new(),
                done: Vec::new(),
            }
        };
        let nodes = (0..nodes).map(host).collect();
        Self { nodes, ms: 1000, accepted: 0, wires: BTreeMap::new(), mail: VecDeque::new() }
    }

    pub(super) fn node(&self, at: usize) -> &Cluster {
        &self.nodes[at].cluster
    }

    pub(super) fn topology(&self, at: usize) -> Topology {
        self.nodes[at].cluster.topology(self.now())
    }

    /// The place of node `other` in the picture of node `at`.
    pub(super) fn index(&self, at: usize, other: usize) -> NodeIndex {
        self.topology(at).find(&self.node(other).id()).unwrap()
    }

    pub(super) fn saved(&self, at: usize) -> String {
        self.nodes[at].saved.clone()
    }

    pub(super) fn config(&self, at: usize) -> Config {
        self.nodes[at].cluster.config().clone()
    }

    pub(super) fn pauses(&self, at: usize) -> usize {
        self.nodes[at].pauses
    }

    /// What a node wants done with data since it was asked last, and what was on disk then.
    pub(super) fn handoffs(&mut self, at: usize) -> Vec<(HandoffAction, String)> {
        core::mem::take(&mut self.nodes[at].handoffs)
    }

    pub(super) fn handoff(&mut self, at: usize, input: HandoffInput) {
        self.input(at, Input::Handoff(input));
        self.settle();
    }

    /// Lets `visit` talk to a node.
    pub(super) fn visit<R>(&mut self, at: usize, visit: impl FnOnce(Now, &mut Cluster) -> R) -> R {
        let now = self.now();
        let result = visit(now, &mut self.nodes[at].cluster);
        self.settle();
        result
    }

    pub(super) fn resumes(&self, at: usize) -> usize {
        self.nodes[at].resumes
    }

    pub(super) fn now(&self) -> Now {
        at_ms(self.ms)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.ms
    }

    pub(super) fn admin(&mut self, at: usize, admin: Admin) -> Result<Done, ClusterError> {
        let now = self.now();
        let done = self.nodes[at].cluster.admin(now, admin);
        self.settle();
        done
    }

    /// What node `at` has done so far that concerned its disk, its clients and its data.
    pub(super) fn done(&self, at: usize) -> &[Action] {
        &self.nodes[at].done
    }

    /// What of that follows from an operator's word.
    pub(super) fn admin_actions(&mut self, at: usize, admin: Admin) -> Vec<Action> {
        let before = self.nodes[at].done.len();
        self.admin(at, admin).unwrap();
        self.nodes[at].done[before..].to_vec()
    }

    pub(super) fn meet(&mut self, at: usize, other: usize) {
        let (host, bus_port) = (String::from("10.0.0.1"), self.nodes[other].port);
        self.admin(at, Admin::Meet { host, is_name: false, port: bus_port - 10_000, bus_port }).unwrap();
    }

    /// Every replica has the data of its primary.
    pub(super) fn all_in_sync(&mut self) {
        for at in 0..self.nodes.len() {
            let fresh_at = Some(Instant::from_ms(self.ms));
            self.input(
                at,
                Input::Replication(Replication {
                    offset: ReplOffset::new(100),
                    fresh_at,
                    is_linked: true,
                    ..Default::default()
                }),
            );
        }
        self.run_ms(2000);
    }

    /// A node has come so far with data that is complete under that term.
    pub(super) fn data(&mut self, at: usize, term: u64, offset: u64) {
        let fresh_at = Some(Instant::from_ms(self.ms));
        let (offset, term) = (ReplOffset::new(offset), ConfigEpoch::new(term));
        self.input(at, Input::Replication(Replication { offset, fresh_at, is_linked: true, term }));
        self.settle();
    }

    /// A node that follows another has so much data, of which nobody has said that it is that one's.
    pub(super) fn unlinked_data(&mut self, at: usize, offset: u64) {
        let fresh_at = Some(Instant::from_ms(self.ms));
        let offset = ReplOffset::new(offset);
        self.input(at, Input::Replication(Replication { offset, fresh_at, ..Replication::default() }));
        self.settle();
    }

    /// A node that has restarted has found that of its data.
    pub(super) fn started(&mut self, at: usize, dataset: Dataset) {
        self.input(at, Input::Started(dataset));
        self.settle();
    }

    pub(super) fn node_mut(&mut self, at: usize) -> &mut Cluster {
        &mut self.nodes[at].cluster
    }

    pub(super) fn kill(&mut self, at: usize) {
        self.nodes[at].is_up = false;
        let wires: Vec<_> = self.wires.keys().filter(|(node, _)| *node == at).copied().collect();
        for end in wires {
            self.cut(end, Loss::Refused);
        }
        self.settle();
    }

    /// Starts a node that was killed again, from its file, at another port.
    pub(super) fn restart(&mut self, at: usize, port: u16) {
        let (now, host) = (self.now(), &mut self.nodes[at]);
        let before = host.cluster.config().clone();
        let announced = config(port, 0).announced;
        host.cluster = Cluster::restore(now, Config { announced, ..before }, 55, &host.saved).unwrap();
        (host.port, host.is_up) = (port, true);
        self.settle();
    }

    /// Starts a node that was killed, without what it had on disk: a new node at the same place.
    pub(super) fn start_new(&mut self, at: usize) {
        let (now, host) = (self.now(), &mut self.nodes[at]);
        host.cluster = Cluster::new(now, host.cluster.config().clone(), 900 + at as u64);
        host.is_up = true;
        self.settle();
    }

    /// Nothing comes to a node or from it; nobody is told.
    pub(super) fn isolate(&mut self, at: usize) {
        self.nodes[at].is_isolated = true;
    }

    pub(super) fn join(&mut self, at: usize) {
        self.nodes[at].is_isolated = false;
    }

    /// Lets node `to` get a pong of node `from` with another header.
    pub(super) fn forge(&mut self, from: usize, to: usize, change: impl Fn(&mut Header)) {
        self.forge_on(from, to, |link| matches!(link, LinkId::Inbound(_)), change);
    }

    /// The same on a connection that node `to` has opened, as an answer.
    pub(super) fn forge_answer(&mut self, from: usize, to: usize, change: impl Fn(&mut Header)) {
        self.forge_on(from, to, |link| matches!(link, LinkId::Outbound(_)), change);
    }

    fn forge_on(
        &mut self,
        from: usize,
        to: usize,
        is_meant: impl Fn(&LinkId) -> bool,
        change: impl Fn(&mut Header),
    ) {
        let mut header = Box::new(self.nodes[from].cluster.header());
        change(&mut header);
        let heartbeat = Heartbeat {
            kind: HeartbeatKind::Pong,
            gossip: Default::default(),
            extensions: Default::default(),
        };
        let frame = Frame::Full { header, body: Body::Heartbeat(heartbeat) };
        let is_there = |(node, link): &&(usize, LinkId)| *node == to && is_meant(link);
        let (_, link) = *self.wires.keys().find(is_there).unwrap();
        self.input(to, Input::Frame { link, frame: &frame });
        self.settle();
    }

    /// All nodes that are up agree about owners, epochs and roles.
    pub(super) fn assert_views_agree(&self) {
        let view = |at: usize| -> Vec<String> {
            let topology = self.topology(at);
            let line = |(index, node): (NodeIndex, &crate::topology::Node)| {
                let primary = node.primary.map(|primary| topology.node(primary).id);
                format!(
                    "{} {primary:?} {} {}",
                    node.id,
                    topology.config_epoch(index),
                    topology.slots_of(index)
                )
            };
            topology.nodes().map(line).collect()
        };
        let up: Vec<usize> = (0..self.nodes.len()).filter(|at| self.nodes[*at].is_up).collect();
        for at in &up {
            assert_eq!(view(*at), view(up[0]), "node {at} and node {}", up[0]);
        }
    }

    pub(super) fn run_ms(&mut self, ms: u64) {
        self.run_until(ms, |_| false);
    }

    /// Runs for so long, or until `done`. True if it was.
    pub(super) fn run_until(&mut self, ms: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.ms + ms;
        self.settle();
        while self.ms < end {
            if done(self) {
                return true;
            }
            let up = self.nodes.iter().filter(|host| host.is_up);
            let next = up.map(|host| host.cluster.next_deadline().as_ms()).min().unwrap_or(end);
            self.ms = next.max(self.ms + 1).min(end);
            for at in 0..self.nodes.len() {
                if self.nodes[at].is_up && self.nodes[at].cluster.next_deadline().as_ms() <= self.ms {
                    self.input(at, Input::Wake);
                }
            }
            self.settle();
        }
        done(self)
    }

    fn input(&mut self, at: usize, input: Input<'_>) {
        let now = self.now();
        self.nodes[at].cluster.handle(now, input);
    }

    /// Does what the nodes want done, until they want nothing more.
    fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for at in 0..self.nodes.len() {
                while let Some(action) = self.nodes[at].cluster.poll_action().filter(|_| self.nodes[at].is_up)
                {
                    self.act(at, action);
                    is_quiet = false;
                }
            }
            while let Some((at, link, bytes)) = self.mail.pop_front() {
                let frame = Frame::parse(&bytes).expect("what a machine sends can be read");
                self.input(at, Input::Frame { link, frame: &frame });
                is_quiet = false;
            }
            if is_quiet {
                return;
            }
        }
    }

    fn act(&mut self, at: usize, action: Action) {
        if let Action::Persist { .. }
        | Action::PauseWrites
        | Action::ResumeWrites
        | Action::Follow(_)
        | Action::Note(Event::StrangerRefused { .. }) = &action
        {
            self.nodes[at].done.push(action.clone());
        }
        match action {
            Action::Connect { link, port, .. } => self.connect(at, link, port),
            Action::Send { link, frame } => self.send(at, link, frame),
            Action::Close { link } => self.cut((at, link), Loss::Ended),
            Action::Persist { conf, durability } => {
                self.nodes[at].saved = conf;
                if durability == Durability::BeforeTheNextAction {
                    self.input(at, Input::Persisted);
                }
            }
            Action::PauseWrites => self.nodes[at].pauses += 1,
            Action::ResumeWrites => self.nodes[at].resumes += 1,
            Action::Handoff(action) => {
                let saved = self.nodes[at].saved.clone();
                self.nodes[at].handoffs.push((action, saved));
            }
            Action::Publish(_)
            | Action::Deliver { .. }
            | Action::Follow(_)
            | Action::DropKeys(_)
            | Action::Note(_) => {}
        }
    }

    fn connect(&mut self, at: usize, link: LinkId, port: u16) {
        let target = self.nodes.iter().position(|host| host.port == port && host.is_up);
        let Some(target) = target else { return self.input(at, Input::Lost { link, why: Loss::Refused }) };
        if self.nodes[at].is_isolated || self.nodes[target].is_isolated {
            return;
        }
        self.accepted += 1;
        let inbound = LinkId::Inbound(self.accepted);
        self.wires.insert((at, link), (target, inbound));
        self.wires.insert((target, inbound), (at, link));
        let ip = "10.0.0.1";
        self.input(target, Input::Accepted { link: inbound, remote_ip: ip, local_ip: ip });
        self.input(at, Input::Connected { link, remote_ip: ip });
    }

    fn send(&mut self, at: usize, link: LinkId, frame: Arc<[u8]>) {
        let Some(&(target, inbound)) = self.wires.get(&(at, link)) else { return };
        if !self.nodes[at].is_isolated && !self.nodes[target].is_isolated {
            self.mail.push_back((target, inbound, frame));
        }
    }

    fn cut(&mut self, end: (usize, LinkId), why: Loss) {
        let Some(other) = self.wires.remove(&end) else { return };
        self.wires.remove(&other);
        if self.nodes[other.0].is_up && !self.nodes[other.0].is_isolated && !self.nodes[end.0].is_isolated {
            self.input(other.0, Input::Lost { link: other.1, why });
        }
    }
}

fn config(port: u16, node_timeout_ms: u64) -> Config {
    let announced = Announced { bus_port: port, port: port.wrapping_sub(10_000), ..Announced::default() };
    Config { node_timeout_ms, announced, ..Config::default() }
}
