//! Clients that write, and which writes each node has.
//!
//! A write is a number in a slot, and data is the set of numbers that a node has; who serves what is decided by the route of the real node
//! (`core::route`) over its own picture. A replica gets what its primary had a step ago, as long as both run and the network passes:
//! copying that is not waited for, as in Redis. So a write may be acknowledged and lost, and that is counted.
//!
//! This is a model of data, not the engine: that is simulated in [`crate::world`].

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::cluster::Replication;
use slotway_core::epoch::ReplOffset;
use slotway_core::route::{Access, Decision, DownPolicy, Intent, KeySlots, route};
use slotway_core::slot::Slot;
use slotway_core::topology::{ClusterState, NodeIndex, Topology};

use super::World;
use super::seen::Seen;
use crate::chance::Chance;
use crate::control::member::{Health, Member};
use crate::timeline::Time;

/// Clients, each beside a node of its own.
const CLIENTS: usize = 3;
/// How long a client waits for an answer, in milliseconds.
const PATIENCE_MS: u64 = 500;
/// How long it waits when it was told that the cluster is down, in milliseconds.
const BACKOFF_MS: u64 = 100;
/// What is written is remembered up to this many writes: two hours of all clients. Later ones are not made.
const WRITES_MAX: usize = 1_000_000;
/// Steps from one count of lost writes to the next.
const TICKS_PER_COUNT: u64 = 10;
const WRITE: Intent = Intent { access: Access::Write, asking: false, readonly: false };
/// The defaults of the directives.
const POLICY: DownPolicy = DownPolicy { allow_reads: false, allow_shard_channels: true };

/// How clients fared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Tally {
    pub(super) acknowledged: u64,
    pub(super) redirected: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    pub(super) lost: u64,
}

/// A client: where it is, whom it asks, and when it goes on.
struct Client {
    home: usize,
    owners: Vec<usize>,
    idle_until: Time,
}

/// What a node has.
#[derive(Clone, Default)]
struct Holding {
    has: Writes,
    /// The same a step ago: what has reached its replicas.
    before: Writes,
    fresh_at: Option<Time>,
    /// It has come to what it has from whom it follows now.
    is_linked: bool,
    is_paused: bool,
}

/// A set of writes.
#[derive(Clone, Default)]
struct Writes(Vec<u64>);

/// All clients, and all data.
pub(super) struct Clients {
    chance: Chance,
    clients: Vec<Client>,
    /// The slot of each write.
    slots: Vec<Slot>,
    acknowledged: Writes,
    holdings: Vec<Holding>,
    tally: Tally,
    ticks: u64,
    /// Whom each node copies.
    followed: Seen<Option<usize>>,
    /// The owner of each slot.
    owners: Seen<Vec<usize>>,
}

impl Clients {
    pub(super) fn new(seed: u64, members: &[Member]) -> Self {
        let client = |number: usize| Client {
            home: number % members.len(),
            owners: Vec::new(),
            idle_until: Time::default(),
        };
        Self {
            chance: Chance::stream(seed, "stage clients"),
            clients: (0..CLIENTS).map(client).collect(),
            slots: Vec::new(),
            acknowledged: Writes::default(),
            holdings: vec![Holding::default(); members.len()],
            tally: Tally::default(),
            ticks: 0,
            followed: Seen::new(members.len()),
            owners: Seen::new(members.len()),
        }
    }

    /// Writes to that node wait, or go on: a manual failover.
    pub(super) fn pause_writes(&mut self, node: usize, is_paused: bool) {
        self.holdings[node].is_paused = is_paused;
    }

    /// The writes in `slot` go from one node to the other: MIGRATE.
    pub(super) fn carry(&mut self, slot: Slot, from: usize, to: usize) {
        for (number, _) in self.slots.iter().enumerate().filter(|(_, of)| **of == slot) {
            if self.holdings[from].has.take(number) {
                self.holdings[to].has.add(number);
            }
        }
    }

    /// One step of all clients and all copies.
    pub(super) fn tick(&mut self, world: &mut World, cuts: &BTreeMap<(usize, usize), ()>) {
        self.copy(world, cuts);
        for client in 0..self.clients.len() {
            self.write(client, world, cuts);
        }
        self.ticks += 1;
        if self.ticks.is_multiple_of(TICKS_PER_COUNT) {
            self.count_lost(&world.members);
        }
        self.tell_machines(world);
    }

    fn copy(&mut self, world: &World, cuts: &BTreeMap<(usize, usize), ()>) {
        let now = world.now();
        for replica in 0..self.holdings.len() {
            self.holdings[replica].is_linked = false;
            let Some(view) = &world.members[replica].view else { continue };
            let primary = *self.followed.of(replica, view, || followed(view, &world.members));
            let Some(primary) = primary else { continue };
            let passes = !cuts.contains_key(&(primary, replica)) && !cuts.contains_key(&(replica, primary));
            let both_run = [primary, replica].iter().all(|node| runs(&world.members[*node], now));
            if passes && both_run {
                self.holdings[replica].has = self.holdings[primary].before.clone();
                self.holdings[replica].fresh_at = Some(now);
                self.holdings[replica].is_linked = true;
            }
        }
        for holding in &mut self.holdings {
            holding.before.0.clone_from(&holding.has.0);
        }
    }

    fn write(&mut self, client: usize, world: &World, cuts: &BTreeMap<(usize, usize), ()>) {
        let now = world.now();
        let Client { home, idle_until, .. } = self.clients[client];
        if idle_until > now || self.slots.len() >= WRITES_MAX {
            return;
        }
        let slot = Slot::new(self.chance.below(16384) as u16).expect("it is below 16384");
        let target = self.clients[client].owners.get(usize::from(slot.get())).copied();
        let target = target.unwrap_or_else(|| self.chance.below(world.members.len()));
        let passes = !cuts.contains_key(&(home, target)) && !cuts.contains_key(&(target, home));
        let member = &world.members[target];
        let Some(view) = member.view.as_ref().filter(|_| passes && runs(member, now)) else {
            self.tally.unanswered += 1;
            return self.try_elsewhere(client, now, PATIENCE_MS);
        };
        match route(view, KeySlots::One(slot), WRITE, POLICY) {
            Decision::Serve | Decision::DependsOnPresence(_) if self.holdings[target].is_paused => {
                self.clients[client].idle_until = now.plus_ms(BACKOFF_MS);
            }
            Decision::Serve | Decision::DependsOnPresence(_) => self.acknowledge(target, slot),
            Decision::Moved(..) | Decision::Ask(..) => {
                self.tally.redirected += 1;
                self.clients[client].owners.clear();
            }
            Decision::Down(_) | Decision::TryAgain | Decision::CrossSlot => {
                self.tally.refused += 1;
                self.try_elsewhere(client, now, BACKOFF_MS);
            }
        }
        // Told where to go, or new here, it asks for the whole map. Who cannot serve is asked for none.
        if self.clients[client].owners.is_empty() && self.clients[client].idle_until <= now {
            let owners = self.owners.of(target, view, || owners(view, &world.members));
            self.clients[client].owners.clone_from(owners);
        }
    }

    fn acknowledge(&mut self, node: usize, slot: Slot) {
        let number = self.slots.len();
        self.slots.push(slot);
        self.holdings[node].has.add(number);
        self.acknowledged.add(number);
        self.tally.acknowledged += 1;
    }

    /// The client forgets what it knew, and asks anybody next time.
    fn try_elsewhere(&mut self, client: usize, now: Time, wait_ms: u64) {
        self.clients[client].owners.clear();
        self.clients[client].idle_until = now.plus_ms(wait_ms);
    }

    /// Acknowledged writes that no owner of slots has, in the eyes of the node with the latest picture that serves; as before if none does.
    fn count_lost(&mut self, members: &[Member]) {
        let serving =
            members.iter().enumerate().filter_map(|(node, member)| Some((node, member.view.as_ref()?)));
        let serving = serving.filter(|(_, view)| view.state() == ClusterState::Ok);
        let Some((node, view)) = serving.max_by_key(|(_, view)| view.current_epoch()) else { return };
        let owners = self.owners.of(node, view, || owners(view, members));
        let mut runs = owners.clone();
        runs.dedup();
        let mut present = Writes::default();
        for owner in runs.into_iter().collect::<BTreeSet<usize>>() {
            present.unite(&self.holdings[owner].has);
        }
        self.tally.lost = self.acknowledged.without(&present);
    }

    fn tell_machines(&self, world: &mut World) {
        let now = world.now();
        for (node, holding) in self.holdings.iter().enumerate() {
            let member = &mut world.members[node];
            let fresh_at = holding.fresh_at.map(|at| member.now(at.min(now)).instant);
            let offset = ReplOffset::new(holding.has.count());
            member.data = Some(Replication {
                offset,
                fresh_at,
                is_linked: holding.is_linked,
                ..Replication::default()
            });
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// How many writes a node has.
    pub(super) fn count(&self, node: usize) -> u64 {
        self.holdings[node].has.count()
    }
}

impl Writes {
    fn add(&mut self, number: usize) {
        let word = number / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    /// True if it was there.
    fn take(&mut self, number: usize) -> bool {
        let Some(word) = self.0.get_mut(number / 64) else { return false };
        let bit = 1 << (number % 64);
        let was = *word & bit != 0;
        *word &= !bit;
        was
    }

    fn unite(&mut self, other: &Writes) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// How many are here and not there.
    fn without(&self, there: &Writes) -> u64 {
        let others = there.0.iter().copied().chain(core::iter::repeat(0));
        self.0.iter().zip(others).map(|(word, other)| u64::from((word & !other).count_ones())).sum()
    }
}

fn runs(member: &Member, now: Time) -> bool {
    member.health == Health::Up && member.paused <= now
}

/// Whom a node copies, by its own picture.
fn followed(view: &Topology, members: &[Member]) -> Option<usize> {
    let primary = view.node(view.myself()?).primary?;
    place(view, primary, members)
}

fn place(view: &Topology, node: NodeIndex, members: &[Member]) -> Option<usize> {
    let id = view.node(node).id;
    members.iter().position(|member| member.id == id)
}

/// The owner of each slot, as CLUSTER SLOTS of that node tells it.
fn owners(view: &Topology, members: &[Member]) -> Vec<usize> {
    let mut owners = vec![0; 16384];
    for (range, owner) in view.owned_ranges() {
        let Some(node) = place(view, owner, members) else { continue };
        range.iter().for_each(|slot| owners[usize::from(slot.get())] = node);
    }
    owners
}
