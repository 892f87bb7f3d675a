//! The world of one seed: nodes with their control planes and their data, networks, clients, an operator and time, and the loop that runs them.
//!
//! ```text
//!   control::World (bus, nodes.conf, weather) --Effect--> SimNode: Publish, Follow, DropKeys, stop, start
//!            ^                                               |
//!            +-- how far the data is, CLUSTER commands ------+
//!            +--------------------------- Timeline -------------------------------+
//!            v                                                                    |
//!   Arrival at a node --SimNode--> replies, stream for replicas --Network-------->|
//!   Arrival at a client, Timer --Client--> open, send, close, wake -------------->|
//!   Arrival at the operator --Operator--> SETSLOT, MIGRATE ---------------------->|
//!   Weather, Tick, Snapshot, Supervise ------------------------------------------'
//! ```
//!
//! A run has three phases. In the storm clients work while nodes, networks and disks fail, and slots move. In the calm faults are over, and
//! what the protocol promises must come true in its time. In the audit clients read every key again, beginning at several nodes; then the
//! cluster is at rest, and everything is checked.

mod effects;
mod phases;
mod traffic;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::slot::key_slot;
use slotway_core::topology::Topology;
use slotway_engine::config::Config;

use crate::chance::{Chance, Permille};
use crate::check::{self, Evidence, Verdicts, Violation};
use crate::client::{Client, Timer};
use crate::control;
use crate::ghosts::Ghosts;
use crate::history::{Bytes, History};
use crate::kept::Custody;
use crate::network::{Arrival, LinkId, Network, Side};
use crate::node::{Keeping, Kept, SimNode};
use crate::operator::{Operator, Place, Way};
use crate::report::Report;
use crate::sabotage::Plot;
use crate::swarm::{Promise, Stake, Swarm};
use crate::timeline::{Time, Timeline};
use crate::toll::Toll;
use crate::trace::Trace;
use crate::workload::{self, Kind, Workload};

/// Time between two changes of the clients' weather, in milliseconds.
const WEATHER_MS: u64 = 100;
/// Time between two ticks of a node: `hz 10`.
const TICK_MS: u64 = 100;
/// Time between two looks at how far the run has come, in milliseconds.
const SUPERVISE_MS: u64 = 50;
/// Connections that one life of a node may open.
const DIALS_PER_LIFE: u32 = 100_000;

/// Something that happens, besides what happens to control planes.
enum Event {
    Arrival(Arrival),
    Client(usize, Timer),
    /// The operator's next step.
    Step,
    /// The operator's command on that connection has had time enough.
    Patience(LinkId),
    /// So long MIGRATE waits, in that life.
    GiveUp(usize, u32),
    Tick(usize, u32),
    Snapshot(usize, u32),
    Weather,
    Supervise,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Storm,
    CalmSince(Time),
    Audit(Time),
}

/// A cluster, its clients, and all that can happen to them.
pub struct World {
    seed: u64,
    swarm: Swarm,
    plot: Plot,
    /// Control planes, and what fails.
    bus: control::world::World,
    timeline: Timeline<Event>,
    chance: Chance,
    network: Network,
    config: Arc<Config>,
    /// One life each; `None` while down.
    nodes: Vec<Option<SimNode>>,
    /// The disks of those that are down.
    kept: Vec<Kept>,
    /// Nodes that have started with less than all they had, and have not been given the rest.
    lacking: BTreeSet<usize>,
    /// In which life of its node a connection is served.
    served: BTreeMap<LinkId, u32>,
    /// Until when each node does nothing of its own accord: DEBUG SLEEP.
    asleep: Vec<Time>,
    /// Snapshots under way, so that each has one next slice planned.
    walking: BTreeSet<usize>,
    operator: Operator,
    ghosts: Ghosts,
    /// What the operator has had sent last.
    carried: Vec<Bytes>,
    clients: Vec<Client>,
    history: History,
    custody: Custody,
    toll: Toll,
    phase: Phase,
}

impl World {
    /// The world of `seed`; what happens in it is written to `trace`.
    pub fn new(seed: u64, trace: Trace) -> Self {
        Self::plotted(seed, trace, Plot::default(), control::Plot::None)
    }

    /// The same with a rule broken, of data or of control planes.
    pub(crate) fn plotted(seed: u64, trace: Trace, plot: Plot, against_control: control::Plot) -> Self {
        let swarm = Swarm::of_seed(seed);
        let bus = control::world::World::within(swarm.cluster.clone(), seed, trace, against_control);
        let count = bus.members().len();
        let slots: BTreeSet<_> =
            workload::keys(seed, swarm.tags).iter().map(|keys| key_slot(&keys[0])).collect();
        let places = places(&bus, &swarm);
        let link = LinkId { client: swarm.clients + count, serial: 0 };
        let slots = slots.into_iter().collect();
        Self {
            seed,
            plot,
            timeline: Timeline::new(),
            chance: Chance::stream(seed, "world"),
            network: Network::new(seed, swarm.weather),
            config: config(swarm.promise, swarm.keeping),
            nodes: (0..count).map(|_| None).collect(),
            kept: (0..count).map(|_| Kept::default()).collect(),
            lacking: BTreeSet::new(),
            served: BTreeMap::new(),
            asleep: vec![Time::default(); count],
            walking: BTreeSet::new(),
            operator: Operator::new(seed, plot, places, slots, (swarm.way, swarm.moves), link),
            ghosts: Ghosts::default(),
            carried: Vec::new(),
            clients: clients(seed, &swarm, &bus),
            history: History::default(),
            custody: Custody::new(swarm.cluster.primaries, swarm.cluster.replicas, swarm.promise),
            toll: Toll::new(swarm.cluster.primaries),
            phase: Phase::Storm,
            bus,
            swarm,
        }
    }

    /// Runs to the end, or to the first violation.
    pub fn run(mut self) -> Report {
        let stormy = self.play();
        let mut verdicts = match self.swarm.stake {
            Stake::Moves => check::search(&self.history),
            Stake::Copies => Verdicts::new(),
        };
        verdicts.retain(|slot, _| !self.ghosts.haunted().contains(slot));
        let verdict = stormy.and_then(|()| {
            check::at_rest(Evidence { verdicts: &verdicts, ..self.evidence() })?;
            match self.swarm.stake {
                Stake::Moves => Ok(()),
                Stake::Copies => self.custody.check(&self.history, self.now()),
            }
        });
        let simulated = self.now();
        let toll = self.toll.sum(&self.history);
        let (trace, tally) = self.bus.into_trace();
        Report {
            seed: self.seed,
            simulated,
            trace,
            history: self.history,
            verdicts,
            tally,
            toll,
            moved: self.operator.moved,
            handed: self.operator.handed,
            begun: self.operator.begun,
            excused: self.custody.excused,
            haunted: self.ghosts.haunted().len() as u64,
            violation: verdict.err(),
        }
    }

    fn play(&mut self) -> Result<(), Violation> {
        for number in 0..self.nodes.len() {
            self.start(number);
        }
        self.bus.begin()?;
        self.see_to_effects()?;
        for event in [Event::Weather, Event::Supervise, Event::Step] {
            self.timeline.plan(Time::default(), event);
        }
        self.wake_clients();
        while self.step()? {}
        Ok(())
    }

    /// One event. False when the run is over.
    fn step(&mut self) -> Result<bool, Violation> {
        let next = self.timeline.next_at().expect("the supervisor always has a next look planned");
        if self.bus.next_at() <= next {
            self.bus.step()?;
            self.timeline.pass_to(self.bus.now());
            return self.see_to_effects().map(|()| true);
        }
        let event = self.timeline.advance().expect("it was seen just now");
        self.bus.pass_to(self.timeline.now());
        match event {
            Event::Arrival(arrival) => self.arrive(arrival)?,
            Event::Client(client, timer) => self.client(client, crate::client::Input::Timer(timer)),
            Event::Step => {
                self.tell_owners();
                let wish = self.operator.step();
                self.grant(wish)?;
            }
            Event::Patience(link) => {
                let wish = self.operator.lose_patience(link);
                self.grant(wish)?;
            }
            Event::GiveUp(number, life) => self.with_life(number, life, SimNode::give_up_carrying)?,
            Event::Tick(number, life) => self.tick(number, life)?,
            Event::Snapshot(number, life) => self.step_snapshot(number, life)?,
            Event::Weather => self.change_weather(),
            Event::Supervise => return self.supervise(),
        }
        Ok(true)
    }

    fn now(&self) -> Time {
        self.timeline.now()
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            now: self.now(),
            nodes: self.nodes.iter().flatten().collect(),
            history: &self.history,
            verdicts: const { &Verdicts::new() },
        }
    }

    /// Draws partitions between clients and nodes, as long as the storm lasts.
    fn change_weather(&mut self) {
        if self.phase != Phase::Storm {
            return;
        }
        let (now, weather) = (self.now(), self.swarm.weather);
        let until = now.plus_us(self.chance.within(0..=weather.outage_ms * 1000));
        let (client, node) = (self.chance.below(self.clients.len()), self.chance.below(self.nodes.len()));
        if self.chance.happens(weather.partition) {
            let to = if self.chance.happens(Permille(500)) { Side::Client } else { Side::Node };
            self.bus
                .trace()
                .line(now, format_args!("c{client} and n{node} are cut off towards {to:?} until {until}"));
            self.network.cut_off(client, node, to, until);
        }
        self.timeline.plan(now.plus_ms(WEATHER_MS), Event::Weather);
    }

    /// Tells the operator who takes himself for the owner of which slot.
    fn tell_owners(&mut self) {
        let owns = |slot, node: &Option<SimNode>| {
            let view = node.as_ref().and_then(SimNode::topology);
            view.is_some_and(|view| view.myself().is_some_and(|myself| view.owner(slot) == Some(myself)))
        };
        let nodes = &self.nodes;
        self.operator.learn(|slot| nodes.iter().position(|node| owns(slot, node)));
    }

    fn wake_clients(&mut self) {
        let now = self.now();
        (0..self.clients.len())
            .for_each(|client| self.timeline.plan(now, Event::Client(client, Timer::Next)));
    }
}

/// What simulated nodes are configured with: clocks of replication that fit the length of a storm.
fn config(promise: Promise, keeping: Keeping) -> Arc<Config> {
    const TEXT: &str =
        "cluster-enabled yes\nrepl-ping-replica-period 1\nrepl-timeout 3\nrepl-backlog-size 16384";
    let by_quorum = if promise == Promise::Quorum { "\ncluster-write-quorum yes" } else { "" };
    let to_file = if keeping == Keeping::Nothing { "" } else { "\nappendonly yes" };
    let text = [TEXT, by_quorum, to_file].concat();
    let mut config = Config::default();
    config.load("sim", &text, &mut |_| Ok(Vec::new())).expect("directives that exist");
    config.finish().expect("directives that agree");
    Arc::new(config)
}

/// The nodes that slots may go to.
fn places(bus: &control::world::World, swarm: &Swarm) -> Vec<Place> {
    let place = |member: &control::member::Member| Place { id: member.id, address: member.address() };
    let count = match swarm.way {
        Way::Classic | Way::Atomic => swarm.cluster.primaries,
        Way::AtomicAmongReplicas => bus.members().len(),
    };
    bus.members().iter().take(count).map(place).collect()
}

fn clients(seed: u64, swarm: &Swarm, bus: &control::world::World) -> Vec<Client> {
    let addresses: Vec<_> = bus.members().iter().map(control::member::Member::address).collect();
    let kind = match swarm.stake {
        Stake::Moves => Kind::Mixed,
        Stake::Copies => Kind::Tokens,
    };
    let client = |number| {
        let workload = Workload::new(seed, kind, number, swarm.tags, swarm.operations);
        Client::new(seed, number, addresses.clone(), workload, swarm.habits)
    };
    (0..swarm.clients).map(client).collect()
}

/// Whether the node of this picture has slots of its own.
fn is_primary(view: &Topology) -> bool {
    view.myself().is_some_and(|myself| view.node(myself).primary.is_none() && view.has_slots(myself))
}
