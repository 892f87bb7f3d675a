//! What kind of world a seed makes: its size, its workload and how often what goes wrong.
//!
//! ```text
//!   seed % 4   0   slots move at one moment, among primaries without replicas      each reply can be explained (S8)
//!              1   replicas take over; clients use WAIT and WAITAOF                what was promised is kept (S7)
//!              2   slots move key by key, among primaries without replicas         S8
//!              3   writes count by quorum, replicas take over, slots move          what was acknowledged is kept (S7)
//! ```
//!
//! Each seed draws its own rates, many of them zero: faults that hide each other when all are on show themselves when
//! some are off ("swarm testing", Groce and others, 2012).

use crate::chance::{Chance, Permille};
use crate::client::Habits;
use crate::control;
use crate::node::Keeping;
use crate::operator::Way;

/// What is at stake in a world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stake {
    /// Slots move between primaries without replicas, which come back with all they had: no reply may be wrong.
    Moves,
    /// Replicas take over from primaries: what all of them have said to have may not be lost.
    Copies,
}

/// What is promised of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// What WAIT and WAITAOF have told.
    Asked,
    /// Each one that is acknowledged is kept: `cluster-write-quorum`.
    Quorum,
}

/// The size and the habits of a world.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// What is at stake.
    pub stake: Stake,
    /// The nodes, their bus, and what fails.
    pub cluster: control::swarm::Swarm,
    /// When disks have what they are given.
    pub keeping: Keeping,
    /// Per restart of a replica: its data is gone.
    pub wiped: Permille,
    /// Clients.
    pub clients: usize,
    /// Operations that each client carries out, unless the storm ends first.
    pub operations: usize,
    /// How they go about it.
    pub habits: Habits,
    /// Hash tags, each with a few keys: fewer mean more strife.
    pub tags: usize,
    /// Slots that are moved while clients are at work.
    pub moves: usize,
    /// How.
    pub way: Way,
    /// What clients are promised of writes, and how they ask for it.
    pub promise: Promise,
    /// The network of clients, replicas and operators.
    pub weather: Weather,
}

/// How often the network does what. All rates are per packet but where they say otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weather {
    /// Least time from sending to arrival, in microseconds.
    pub latency_us: u64,
    /// What chance adds to it at most, in microseconds.
    pub jitter_us: u64,
    /// The packet arrives in two pieces.
    pub split: Permille,
    /// The connection is reset somewhere within the packet.
    pub reset: Permille,
    /// The packet, and all that follows it, is held up.
    pub stall: Permille,
    /// For how long at most, in milliseconds.
    pub stall_ms: u64,
    /// Per change of weather: nothing passes one way between a client and a node.
    pub partition: Permille,
    /// For how long at most partitions last, in milliseconds.
    pub outage_ms: u64,
}

impl Weather {
    /// A network without faults, for the end of a run.
    pub fn calm(self) -> Self {
        Self { latency_us: self.latency_us, jitter_us: self.jitter_us, ..Self::default() }
    }
}

impl Swarm {
    /// The world of `seed`.
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "swarm");
        let mut more = Chance::stream(seed, "swarm of later");
        match seed % 4 {
            0 => Self::of_moves(&mut chance).at_one_moment(&mut more),
            2 => Self::of_moves(&mut chance),
            3 => Self::of_copies(&mut chance).by_quorum(&mut more),
            _ => Self::of_copies(&mut chance).on_disk(&mut more),
        }
    }

    /// Slots move atomically.
    fn at_one_moment(self, chance: &mut Chance) -> Self {
        Self { moves: chance.within(3..=16) as usize, way: Way::Atomic, ..self }
    }

    /// Writes count by quorum: no disk loses what it has, and slots move between shards whose primaries change.
    fn by_quorum(mut self, chance: &mut Chance) -> Self {
        self.cluster.write_quorum = true;
        (self.keeping, self.wiped, self.promise) = (Keeping::Always, Permille(0), Promise::Quorum);
        (self.way, self.moves) = (Way::AtomicAmongReplicas, chance.within(0..=8) as usize);
        self
    }

    /// Some of those who wait, wait for disks.
    fn on_disk(mut self, chance: &mut Chance) -> Self {
        self.habits.for_disks = sometimes(chance, 1000);
        self
    }

    fn of_moves(chance: &mut Chance) -> Self {
        let habits = Habits {
            depth: chance.within(1..=4) as usize,
            think_ms: chance.within(20..=150),
            replicas: 0,
            waits: Permille(0),
            for_disks: Permille(0),
        };
        Self {
            stake: Stake::Moves,
            cluster: cluster(chance, 0),
            keeping: Keeping::Always,
            wiped: Permille(0),
            clients: chance.within(1..=4) as usize,
            operations: chance.within(20..=60) as usize,
            habits,
            tags: chance.within(1..=12) as usize,
            moves: chance.within(1..=6) as usize,
            way: Way::Classic,
            promise: Promise::Asked,
            weather: weather(chance),
        }
    }

    fn of_copies(chance: &mut Chance) -> Self {
        let replicas = chance.within(1..=2) as usize;
        let mut cluster = cluster(chance, replicas);
        // Long enough to be missed, and for replicas to take over; often enough that they lie behind.
        cluster.down_ms = chance.within(2000..=5000 + cluster.node_timeout_ms * 4);
        cluster.partition = sometimes(chance, 400);
        cluster.crash = Permille(chance.within(5..=60));
        let weather = Weather { stall: Permille(chance.within(0..=60)), ..weather(chance) };
        let habits = Habits {
            depth: chance.within(1..=3) as usize,
            think_ms: chance.within(20..=120),
            replicas,
            waits: Permille(chance.within(0..=900)),
            for_disks: Permille(0),
        };
        Self {
            stake: Stake::Copies,
            cluster,
            keeping: *chance.pick(&[
                Keeping::Always,
                Keeping::Always,
                Keeping::EverySecond,
                Keeping::Nothing,
            ]),
            wiped: sometimes(chance, 600),
            clients: chance.within(1..=3) as usize,
            operations: usize::MAX,
            habits,
            tags: chance.within(1..=8) as usize,
            moves: 0,
            way: Way::Classic,
            promise: Promise::Asked,
            weather,
        }
    }
}

/// Three primaries and more, with so many replicas each, in a storm of some seconds.
fn cluster(chance: &mut Chance, replicas: usize) -> control::swarm::Swarm {
    let node_timeout_ms = *chance.pick(&[500, 1000]);
    control::swarm::Swarm {
        primaries: if replicas > 0 { 3 } else { chance.within(2..=4) as usize },
        replicas,
        node_timeout_ms,
        keeps_shards: true,
        storm_s: chance.within(4..=12),
        weather: Weather {
            latency_us: chance.within(50..=2_000),
            jitter_us: chance.within(0..=5_000),
            split: sometimes(chance, 100),
            reset: sometimes(chance, 5),
            ..Weather::default()
        },
        crash: sometimes(chance, 40),
        vanish: sometimes(chance, 20),
        down_ms: chance.within(100..=node_timeout_ms * 6),
        torn: sometimes(chance, 300),
        sync_us: chance.within(100..=20_000),
        partition: sometimes(chance, 60),
        split: sometimes(chance, 10),
        pause: sometimes(chance, 20),
        outage_ms: chance.within(100..=node_timeout_ms * 3),
        drift: if chance.happens(Permille(500)) { chance.within(0..=50) } else { 0 },
        failover: sometimes(chance, 30),
        ..control::swarm::Swarm::default()
    }
}

fn weather(chance: &mut Chance) -> Weather {
    Weather {
        latency_us: chance.within(50..=2_000),
        jitter_us: chance.within(0..=3_000),
        split: sometimes(chance, 300),
        reset: sometimes(chance, 15),
        stall: sometimes(chance, 20),
        stall_ms: chance.within(1..=150),
        partition: sometimes(chance, 300),
        outage_ms: chance.within(5..=250),
    }
}

/// A rate of at most `max`; none at all for every other seed.
pub(crate) fn sometimes(chance: &mut Chance, max: u64) -> Permille {
    let rate = chance.within(1..=max);
    Permille(if chance.happens(Permille(500)) { rate } else { 0 })
}
