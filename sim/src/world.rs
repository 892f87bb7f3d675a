//! The world of one seed: nodes, network, clients, operator and time, and the loop that runs them.
//!
//! ```text
//!            +--------------------------- Timeline -----------------------------+
//!            v                                                                  |
//!   Arrival at a node --SimNode--> replies --Network--> Arrival at a client     |
//!   Arrival at a client, Timer --Client--> open, send, close, wake -------------+
//!   Step --Operator--> topologies, keys moved --check::after_change             |
//!   Weather, Expire, Supervise ------------------------------------------------ +
//! ```
//!
//! A run has three phases. In the storm clients work while slots move and the network fails. In the calm faults are over
//! and what was under way ends. In the audit clients read every key again, beginning at several nodes; then the cluster is at
//! rest, and everything is checked.

use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_engine::config::Config;
use slotway_engine::session::After;

use crate::chance::{Chance, Permille};
use crate::check::{self, Evidence, Verdicts, Violation};
use crate::client::{Action, Client, Input, Timer};
use crate::history::{Call, History};
use crate::network::{Arrival, Arrivals, LinkId, Network, Packet, Side};
use crate::node::SimNode;
use crate::operator::{Operator, Step};
use crate::report::Report;
use crate::sabotage::{Plot, Sabotage};
use crate::swarm::Swarm;
use crate::timeline::{Time, Timeline};
use crate::trace::{Shown, Trace};
use crate::view::Members;
use crate::workload::{self, Workload};

/// Time between two changes of weather, in milliseconds.
const WEATHER_MS: u64 = 40;
/// Time between two expiry cycles, in milliseconds: `hz 10`.
const EXPIRE_MS: u64 = 100;
/// Time between two looks at how far the run has come, in milliseconds.
const SUPERVISE_MS: u64 = 25;
/// From the end of faults to the audit, in milliseconds: longer than anything that faults may have delayed.
const CALM_MS: u64 = 600;
/// A run that has not ended by then never will, in seconds.
const RUN_S_MAX: u64 = 60;
/// From how many nodes each key is looked for in the audit.
const AUDIT_STARTS: usize = 2;

/// Something that happens.
enum Event {
    Arrival(Arrival),
    Client(usize, Timer),
    Operator(Step),
    Weather,
    Expire,
    Supervise,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Storm,
    CalmSince(Time),
    Audit,
}

/// A cluster, its clients, and all that can happen to them.
pub struct World {
    seed: u64,
    swarm: Swarm,
    plot: Plot,
    timeline: Timeline<Event>,
    trace: Trace,
    chance: Chance,
    network: Network,
    nodes: Vec<SimNode>,
    /// Until when each node does nothing.
    paused: Vec<Time>,
    operator: Operator,
    clients: Vec<Client>,
    history: History,
    phase: Phase,
}

impl World {
    /// The world of `seed`; what happens in it is written to `trace`.
    pub fn new(seed: u64, trace: Trace) -> Self {
        Self::plotted(seed, trace, Plot::default())
    }

    /// The same with a rule broken.
    pub(crate) fn plotted(seed: u64, trace: Trace, plot: Plot) -> Self {
        let swarm = Swarm::of_seed(seed);
        let members = Rc::new(Members::new(seed, swarm.nodes));
        let (operator, steps) = Operator::new(seed, plot, &swarm, &members);
        let mut world = Self {
            seed,
            plot,
            timeline: Timeline::new(),
            trace,
            chance: Chance::stream(seed, "world"),
            network: Network::new(seed, swarm.weather),
            nodes: nodes(seed, &members),
            paused: vec![Time::default(); swarm.nodes],
            operator,
            clients: clients(seed, &swarm, &members),
            history: History::default(),
            phase: Phase::Storm,
            swarm,
        };
        world.operator.introduce(&mut world.nodes);
        steps.into_iter().for_each(|(at, step)| world.timeline.plan(at, Event::Operator(step)));
        world.wake_clients();
        for event in [Event::Weather, Event::Expire, Event::Supervise] {
            world.timeline.plan(Time::default(), event);
        }
        world
    }

    /// Runs to the end, or to the first violation.
    pub fn run(mut self) -> Report {
        let stormy = loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(violation) => break Err(violation),
            }
        };
        let verdicts = check::search(&self.history);
        let verdict =
            stormy.and_then(|()| check::at_rest(Evidence { verdicts: &verdicts, ..self.evidence() }));
        Report {
            seed: self.seed,
            simulated: self.timeline.now(),
            trace: self.trace,
            history: self.history,
            verdicts,
            violation: verdict.err(),
        }
    }

    /// One event. False when the run is over.
    fn step(&mut self) -> Result<bool, Violation> {
        let event = self.timeline.advance().expect("the supervisor always has a next look planned");
        match event {
            Event::Arrival(arrival) => self.arrive(arrival),
            Event::Client(client, timer) => self.client(client, Input::Timer(timer)),
            Event::Operator(step) => return self.operate(step).map(|()| true),
            Event::Weather => self.change_weather(),
            Event::Expire => self.expire(),
            Event::Supervise => return self.supervise(),
        }
        Ok(true)
    }

    fn arrive(&mut self, arrival: Arrival) {
        let node = self.network.node_of(arrival.link);
        match (arrival.to, node) {
            (Side::Node, Some(node)) if self.paused[node] > self.timeline.now() => {
                self.timeline.plan(self.paused[node], Event::Arrival(arrival));
            }
            (Side::Node, Some(node)) => {
                if let Some(packet) = self.network.arrive(arrival) {
                    self.serve(node, arrival.link, packet);
                }
            }
            (Side::Node, None) => {}
            (Side::Client, _) => {
                if let Some(packet) = self.network.arrive(arrival) {
                    self.reply(arrival.link, packet);
                }
            }
        }
    }

    /// A packet comes to a node.
    fn serve(&mut self, node: usize, link: LinkId, packet: Packet) {
        let now = self.timeline.now();
        let bytes = match packet {
            Packet::Bytes(bytes) => bytes,
            Packet::End => {
                self.trace.line(now, format_args!("{link} -> n{node} end"));
                return self.nodes[node].disconnect(link);
            }
        };
        self.trace.line(now, format_args!("{link} -> n{node} {}", Shown(&bytes)));
        let mut answer = self.nodes[node].receive(now, link, &bytes);
        self.paused[node] = now.plus_us(answer.pause_us);
        self.spoil(&mut answer.replies);
        if !answer.replies.is_empty() {
            let arrivals = self.network.send(self.paused[node], link, Side::Client, answer.replies);
            self.plan(arrivals);
        }
        for (link, bytes) in answer.delivered {
            let arrivals = self.network.send(self.paused[node], link, Side::Client, bytes);
            self.plan(arrivals);
        }
        let closed = answer.killed.into_iter().chain((answer.after == After::Close).then_some(link));
        for link in closed {
            let arrivals = self.network.close(now, link, Side::Node);
            self.plan(arrivals);
        }
    }

    /// A packet comes to a client.
    fn reply(&mut self, link: LinkId, packet: Packet) {
        let now = self.timeline.now();
        let input = match packet {
            Packet::Bytes(bytes) => {
                self.trace.line(now, format_args!("{link} <- {}", Shown(&bytes)));
                Input::Bytes(link, bytes)
            }
            Packet::End => {
                self.trace.line(now, format_args!("{link} <- end"));
                Input::End(link)
            }
        };
        self.client(link.client, input);
    }

    fn client(&mut self, client: usize, input: Input) {
        let now = self.timeline.now();
        for action in self.clients[client].handle(now, input, &mut self.history) {
            let arrivals = match action {
                Action::Open(link, address) => {
                    self.trace.line(now, format_args!("{link} opens {address}"));
                    let node = self.nodes.iter().position(|node| node.address == address);
                    self.network.open(now, link, node)
                }
                Action::Send(link, bytes) => self.network.send(now, link, Side::Node, bytes),
                Action::Close(link) => {
                    self.trace.line(now, format_args!("{link} closes"));
                    self.network.close(now, link, Side::Client)
                }
                Action::Wake(at, timer) => {
                    self.timeline.plan(at, Event::Client(client, timer));
                    Arrivals::new()
                }
            };
            self.plan(arrivals);
        }
    }

    fn operate(&mut self, step: Step) -> Result<(), Violation> {
        let now = self.timeline.now();
        let progress = self.operator.handle(now, step, &mut self.nodes);
        self.trace.line(now, format_args!("operator: {}", progress.note));
        progress.plans.into_iter().for_each(|(at, step)| self.timeline.plan(at, Event::Operator(step)));
        progress.changed.map_or(Ok(()), |slot: Slot| check::after_change(self.evidence(), slot))
    }

    fn plan(&mut self, arrivals: Arrivals) {
        arrivals.into_iter().for_each(|(at, arrival)| self.timeline.plan(at, Event::Arrival(arrival)));
    }

    /// Draws partitions and pauses, as long as the storm lasts.
    fn change_weather(&mut self) {
        if self.phase != Phase::Storm {
            return;
        }
        let (now, weather) = (self.timeline.now(), self.swarm.weather);
        let until = now.plus_us(self.chance.within(0..=weather.outage_ms * 1000));
        let (client, node) = (self.chance.below(self.clients.len()), self.chance.below(self.nodes.len()));
        if self.chance.happens(weather.partition) {
            let to = if self.chance.happens(Permille(500)) { Side::Client } else { Side::Node };
            self.trace
                .line(now, format_args!("c{client} and n{node} are cut off towards {to:?} until {until}"));
            self.network.cut_off(client, node, to, until);
        }
        if self.chance.happens(weather.pause) {
            self.trace.line(now, format_args!("n{node} stops until {until}"));
            self.paused[node] = until;
        }
        self.timeline.plan(now.plus_ms(WEATHER_MS), Event::Weather);
    }

    fn expire(&mut self) {
        let now = self.timeline.now();
        self.nodes.iter_mut().for_each(|node| node.expire_cycle(now));
        self.timeline.plan(now.plus_ms(EXPIRE_MS), Event::Expire);
    }

    /// Goes on to the next phase when this one is over. False when the last one is.
    fn supervise(&mut self) -> Result<bool, Violation> {
        let now = self.timeline.now();
        let is_idle = self.operator.is_idle() && self.clients.iter().all(Client::is_idle);
        match self.phase {
            Phase::Storm if is_idle => {
                self.trace.line(now, format_args!("faults are over"));
                self.network.calm();
                self.phase = Phase::CalmSince(now);
            }
            Phase::CalmSince(then) if now >= then.plus_ms(CALM_MS) => self.audit(),
            Phase::Audit if is_idle => return Ok(false),
            Phase::Storm | Phase::CalmSince(_) | Phase::Audit => {}
        }
        self.timeline.plan(now.plus_ms(SUPERVISE_MS), Event::Supervise);
        if now.as_us() > RUN_S_MAX * 1_000_000 {
            // What has not ended by now shows in the checks.
            return Ok(false);
        }
        Ok(true)
    }

    /// Has every key read again, from several nodes each.
    fn audit(&mut self) {
        self.trace.line(self.timeline.now(), format_args!("audit"));
        self.phase = Phase::Audit;
        self.history.at_rest = true;
        for (number, key) in workload::keys(self.seed, self.swarm.tags).concat().iter().enumerate() {
            let starts = (0..AUDIT_STARTS).map(|start| &self.nodes[(number + start) % self.nodes.len()]);
            let calls = starts.map(|node| (Call::Get(key.clone()), node.address.clone()));
            let client = number % self.clients.len();
            self.clients[client].assign(calls);
        }
        self.wake_clients();
    }

    fn wake_clients(&mut self) {
        let now = self.timeline.now();
        (0..self.clients.len())
            .for_each(|client| self.timeline.plan(now, Event::Client(client, Timer::Next)));
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            now: self.timeline.now(),
            nodes: &self.nodes,
            history: &self.history,
            verdicts: const { &Verdicts::new() },
        }
    }

    /// Breaks what a node answers, where that is the plot.
    fn spoil(&self, replies: &mut Vec<u8>) {
        let Ok((_, first)) = Value::decode(replies) else { return };
        if self.plot.breaks(Sabotage::MixReplies) {
            replies.rotate_left(first);
        }
        if self.plot.breaks(Sabotage::LoseReply) && first < replies.len() {
            replies.drain(..first);
        }
    }
}

fn nodes(seed: u64, members: &Members) -> Vec<SimNode> {
    let mut config = Config::default();
    config.load("sim", "cluster-enabled yes", &mut |_| Ok(Vec::new())).expect("a directive that exists");
    config.finish().expect("directives that agree");
    let config = Arc::new(config);
    let addresses = members.addresses().into_iter();
    addresses.map(|address| SimNode::new(seed, address, Arc::clone(&config))).collect()
}

fn clients(seed: u64, swarm: &Swarm, members: &Members) -> Vec<Client> {
    let client = |number| {
        let workload = Workload::new(seed, number, swarm.tags, swarm.operations);
        Client::new(seed, number, members.addresses(), workload, swarm.depth)
    };
    (0..swarm.clients).map(client).collect()
}
