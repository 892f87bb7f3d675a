//! What kind of cluster a seed makes, and how often what goes wrong with it.
//!
//! Each seed draws its own rates, many of them zero, as for the worlds of clients ([`crate::swarm`]).

use alloc::vec;
use alloc::vec::Vec;

use super::lie::Lie;
use crate::chance::{Chance, Permille};
use crate::swarm::{Weather, sometimes};

/// The size of a cluster, its configuration and its faults. Rates are per change of weather, a tenth of a second, but where
/// they say otherwise.
#[derive(Clone, Debug, Default)]
pub struct Swarm {
    /// Primaries to begin with.
    pub primaries: usize,
    /// Replicas of each to begin with.
    pub replicas: usize,
    /// Primaries of another cluster beside it, on hosts whose addresses go round between both.
    pub foreigners: usize,
    /// Nodes behave as servers of several kinds do.
    pub has_profiles: bool,
    /// `cluster-node-timeout`, in milliseconds.
    pub node_timeout_ms: u64,
    /// Nodes announce names and find each other by them.
    pub has_names: bool,
    /// Writes count by quorum, and elections with them: `cluster-write-quorum yes`.
    pub write_quorum: bool,
    /// Replicas stay in their shard: `cluster-allow-replica-migration no`.
    pub keeps_shards: bool,
    /// All primaries begin with one config epoch, as in a cluster that was put together by hand.
    pub begins_colliding: bool,
    /// How long faults last, in seconds.
    pub storm_s: u64,
    /// The network of the bus.
    pub weather: Weather,
    /// A process stops, and its host refuses connections until it starts again.
    pub crash: Permille,
    /// A host vanishes with its process: nobody answers there.
    pub vanish: Permille,
    /// What is down starts again after so long at most, in milliseconds.
    pub down_ms: u64,
    /// Per restart: the host has another address.
    pub moves: Permille,
    /// Per restart: the file is cut somewhere.
    pub torn: Permille,
    /// Per durable write: the disk is full, and the process stops.
    pub disk_full: Permille,
    /// How long a durable write takes at most, in microseconds.
    pub sync_us: u64,
    /// Two nodes cannot hear each other, one way or both.
    pub partition: Permille,
    /// The cluster falls in two halves.
    pub split: Permille,
    /// A process stands still.
    pub pause: Permille,
    /// For how long at most any of these lasts, in milliseconds.
    pub outage_ms: u64,
    /// A wall clock jumps by up to an hour.
    pub clock_jump: Permille,
    /// How much faster or slower than another a node's clock may go, in thousandths.
    pub drift: u64,
    /// An operator asks a replica to take over, in one of the three forms.
    pub failover: Permille,
    /// Per restart: a byte of the file is another.
    pub rotten: Permille,
    /// Per restart: the file is one of some time ago.
    pub old_file: Permille,
    /// Per restart: the disk is empty, and an operator has the new node meet the others.
    pub wiped: Permille,
    /// An operator takes a replica out of the cluster, and has others forgotten that are none of it.
    pub forget: Permille,
    /// Per heartbeat of a node that lies.
    pub lie: Permille,
    /// What is lied about.
    pub lies: Vec<Lie>,
    /// All lie, not some.
    pub conspires: bool,
}

impl Swarm {
    /// Three primaries at the default node timeout, in a quick network, and no faults.
    pub fn calm() -> Self {
        Self {
            primaries: 3,
            node_timeout_ms: 15_000,
            storm_s: 60,
            weather: Weather { latency_us: 100, jitter_us: 100, ..Weather::default() },
            sync_us: 1000,
            ..Self::default()
        }
    }

    /// The cluster of `seed`.
    pub fn of_seed(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "control swarm");
        let chance = &mut chance;
        let node_timeout_ms = *chance.pick(&[500, 1000, 2000, 5000]);
        Self {
            primaries: chance.within(3..=7) as usize,
            replicas: chance.within(0..=2) as usize,
            node_timeout_ms,
            has_names: chance.happens(Permille(500)),
            keeps_shards: false,
            begins_colliding: chance.happens(Permille(200)),
            storm_s: chance.within(10..=60),
            weather: Weather {
                latency_us: chance.within(50..=5_000),
                jitter_us: chance.within(0..=20_000),
                split: sometimes(chance, 200),
                reset: sometimes(chance, 10),
                stall: sometimes(chance, 20),
                stall_ms: chance.within(1..=node_timeout_ms * 2),
                ..Weather::default()
            },
            crash: sometimes(chance, 40),
            vanish: sometimes(chance, 20),
            down_ms: chance.within(100..=node_timeout_ms * 6),
            moves: sometimes(chance, 300),
            torn: sometimes(chance, 300),
            disk_full: sometimes(chance, 30),
            sync_us: chance.within(100..=50_000),
            partition: sometimes(chance, 100),
            split: sometimes(chance, 10),
            pause: sometimes(chance, 20),
            outage_ms: chance.within(100..=node_timeout_ms * 4),
            clock_jump: sometimes(chance, 20),
            drift: if chance.happens(Permille(500)) { chance.within(0..=50) } else { 0 },
            failover: sometimes(chance, 30),
            ..Self::of_intruders(seed)
        }
        .with_conspirators(seed)
    }

    /// Now and then all nodes say that all is well, whatever they know, while hosts vanish for long.
    fn with_conspirators(mut self, seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "control conspirators");
        if !self.has_profiles && chance.happens(Permille(40)) {
            (self.conspires, self.lie, self.lies) = (true, Permille(1000), vec![Lie::FreshPongs]);
            (self.vanish, self.down_ms) = (Permille(20), self.node_timeout_ms * 8);
        }
        self
    }

    /// Nothing makes a pong look fresher than it is: nobody lies, and clocks agree.
    pub fn has_true_pongs(&self) -> bool {
        self.lie == Permille(0) && self.clock_jump == Permille(0) && self.drift == 0
    }

    /// What came later, from a stream of its own: peers that are not what they should be, and disks.
    fn of_intruders(seed: u64) -> Self {
        let mut chance = Chance::stream(seed, "control intruders");
        let chance = &mut chance;
        let has_profiles = chance.happens(Permille(200));
        let foreigners = if chance.happens(Permille(250)) { chance.within(1..=3) as usize } else { 0 };
        Self {
            foreigners,
            has_profiles,
            rotten: sometimes(chance, 200),
            old_file: sometimes(chance, 100),
            // Who meets a host whose address another cluster has meanwhile has joined two clusters: that is what MEET does.
            wiped: if foreigners == 0 { sometimes(chance, 200) } else { Permille(0) },
            forget: sometimes(chance, 10),
            lie: if has_profiles { Permille(0) } else { sometimes(chance, 300) },
            lies: lies(chance),
            ..Self::default()
        }
    }
}

/// One lie, or any.
fn lies(chance: &mut Chance) -> Vec<Lie> {
    let all = [Lie::FreshPongs, Lie::HugeEpoch, Lie::WrongName, Lie::Strangers, Lie::WrongAddresses];
    if chance.happens(Permille(500)) { vec![*chance.pick(&all)] } else { all.into() }
}
