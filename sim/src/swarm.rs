//! What kind of world a seed makes: its size, its workload and how often what goes wrong.
//!
//! Each seed draws its own rates, many of them zero: faults that hide each other when all are on show themselves when
//! some are off ("swarm testing", Groce and others, 2012).

use crate::chance::{Chance, Permille};

/// The size and the habits of a world.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Primaries.
    pub nodes: usize,
    /// Clients.
    pub clients: usize,
    /// Operations that each client carries out.
    pub operations: usize,
    /// Operations that a client has under way at most.
    pub depth: usize,
    /// Hash tags, each with a few keys: fewer mean more strife.
    pub tags: usize,
    /// Slots that are moved while clients are at work.
    pub moves: usize,
    /// Times that a node takes the cluster to be down.
    pub outages: usize,
    /// The network.
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
    /// Per change of weather: a node stops for a while and does nothing at all.
    pub pause: Permille,
    /// For how long at most partitions and pauses last, in milliseconds.
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
        Self {
            nodes: chance.within(2..=6) as usize,
            clients: chance.within(1..=5) as usize,
            operations: chance.within(20..=60) as usize,
            depth: chance.within(1..=4) as usize,
            tags: chance.within(1..=12) as usize,
            moves: chance.within(0..=12) as usize,
            outages: chance.within(0..=2) as usize,
            weather: weather(&mut chance),
        }
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
        pause: sometimes(chance, 200),
        outage_ms: chance.within(5..=250),
    }
}

/// A rate of at most `max`; none at all for every other seed.
pub(crate) fn sometimes(chance: &mut Chance, max: u64) -> Permille {
    let rate = chance.within(1..=max);
    Permille(if chance.happens(Permille(500)) { rate } else { 0 })
}
