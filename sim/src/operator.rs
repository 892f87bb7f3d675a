//! Who changes the cluster while clients are at work: moves slots, tells nodes, takes nodes for down.
//!
//! A slot moves in one of two ways, a step at a time, with clients in between:
//!
//! ```text
//!   handoff   Give: giver publishes that the slot is the taker's, fence, keys go on their way
//!             Take: taker gets the keys, publishes that the slot is its own
//!   open      Open: taker IMPORTING, giver MIGRATING
//!             Carry: a few keys, in one moment for both nodes (MIGRATE), again and again
//!             Take: taker claims the slot            Settle: giver hears of it
//!   both      the other nodes hear of it, each in its own time
//! ```
//!
//! No slot is opened towards one node twice. A request with ASKING may be late: if it comes while the slot is open once
//! more, its node makes the key that it does not have, and which is still at the giver. Redis has this hole too; seed 10391
//! found it.
//!
//! The operator plays what the control plane and its bus will do by themselves; checkers and clients will not notice.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::slot::{Slot, key_slot};
use slotway_core::topology::ClusterState;
use slotway_engine::keyspace::Detached;

use crate::chance::{Chance, Permille};
use crate::node::SimNode;
use crate::sabotage::{Plot, Sabotage};
use crate::swarm::Swarm;
use crate::timeline::Time;
use crate::view::{Claim, Members, View};
use crate::workload;

/// The first epoch of a claim: past those of the nodes as they begin.
const FIRST_EPOCH: u64 = 100;
/// Moves and outages begin within so many milliseconds.
const BUSY_MS: u64 = 400;
/// Longest time between two steps of a move, in milliseconds.
const STEP_MS: u64 = 15;
/// Longest time until a node hears of a move, in milliseconds.
const RUMOUR_MS: u64 = 80;

/// Something the operator does at its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Begins to move some slot.
    Begin,
    /// Goes on with a move.
    Go(usize),
    /// A node hears a claim.
    Hear(usize, Claim),
    /// A node takes the cluster to be down.
    Down(usize),
    /// A node takes the cluster to be up again.
    Up(usize),
}

/// What a step led to.
#[derive(Default)]
pub struct Progress {
    /// Steps to come.
    pub plans: Vec<(Time, Step)>,
    /// The slot whose owner or keys have changed.
    pub changed: Option<Slot>,
    /// What happened, for the trace.
    pub note: String,
}

/// A slot on its way.
struct Move {
    slot: Slot,
    from: usize,
    to: usize,
    /// Its first stage: the way in which it moves.
    first: Stage,
    stage: Stage,
    /// Of the claim by which it ends.
    epoch: u64,
    /// Keys that have left one node and not come to the other.
    cargo: Vec<Detached>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Give,
    Open,
    Carry,
    Take,
    Settle,
    Done,
}

/// The operator and what it has under way.
pub struct Operator {
    chance: Chance,
    plot: Plot,
    members: Rc<Members>,
    views: Vec<View>,
    slots: Vec<Slot>,
    moves: Vec<Move>,
    epoch: u64,
    /// Steps planned and not done.
    pending: usize,
}

impl Operator {
    /// The operator of a new cluster, and its first steps.
    pub fn new(seed: u64, plot: Plot, swarm: &Swarm, members: &Rc<Members>) -> (Self, Vec<(Time, Step)>) {
        let tags = workload::keys(seed, swarm.tags);
        let mut operator = Self {
            chance: Chance::stream(seed, "operator"),
            plot,
            members: Rc::clone(members),
            views: (0..swarm.nodes).map(|node| View::new(Rc::clone(members), node, plot)).collect(),
            slots: tags.iter().map(|keys| key_slot(&keys[0])).collect(),
            moves: Vec::new(),
            epoch: FIRST_EPOCH,
            pending: 0,
        };
        let mut plans = Vec::new();
        for _ in 0..swarm.moves {
            plans.push((operator.soon(Time::default(), BUSY_MS), Step::Begin));
        }
        for _ in 0..swarm.outages {
            let node = operator.chance.below(swarm.nodes);
            plans.push((operator.soon(Time::default(), BUSY_MS), Step::Down(node)));
        }
        operator.pending = plans.len();
        (operator, plans)
    }

    /// Tells every node its cluster for the first time.
    pub fn introduce(&mut self, nodes: &mut [SimNode]) {
        (0..nodes.len()).for_each(|node| self.publish(nodes, node));
    }

    /// True when nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.pending == 0
    }

    /// Does one step.
    pub fn handle(&mut self, now: Time, step: Step, nodes: &mut [SimNode]) -> Progress {
        let progress = match step {
            Step::Begin => self.begin(now),
            Step::Go(index) => self.go(now, index, nodes),
            Step::Hear(node, claim) => self.hear(nodes, node, claim),
            Step::Down(node) => {
                let up = (self.soon(now, RUMOUR_MS), Step::Up(node));
                self.set_state(nodes, node, ClusterState::Fail);
                Progress { plans: [up].into(), note: format!("n{node} sees the cluster down"), changed: None }
            }
            Step::Up(node) => {
                self.set_state(nodes, node, ClusterState::Ok);
                Progress { note: format!("n{node} sees the cluster up"), ..Progress::default() }
            }
        };
        self.pending = self.pending + progress.plans.len() - 1;
        progress
    }

    /// Chooses a slot with keys that is not moving, and where it goes.
    fn begin(&mut self, now: Time) -> Progress {
        let slot = *self.chance.pick(&self.slots);
        let is_moving = self.moves.iter().any(|other| other.slot == slot && other.stage != Stage::Done);
        let from = self.owner(slot);
        let to = (from + 1 + self.chance.below(self.views.len() - 1)) % self.views.len();
        if is_moving {
            return Progress::default();
        }
        let was_open = |other: &Move| other.slot == slot && other.to == to && other.first == Stage::Open;
        let hand_off = self.chance.happens(Permille(400)) || self.moves.iter().any(was_open);
        let stage = if hand_off { Stage::Give } else { Stage::Open };
        self.epoch += 1;
        self.moves.push(Move { slot, from, to, first: stage, stage, epoch: self.epoch, cargo: Vec::new() });
        let go = (self.soon(now, STEP_MS), Step::Go(self.moves.len() - 1));
        Progress {
            plans: [go].into(),
            note: format!("slot {slot} is to move n{from} -> n{to}"),
            changed: None,
        }
    }

    /// Does the next step of a move.
    fn go(&mut self, now: Time, index: usize, nodes: &mut [SimNode]) -> Progress {
        let Move { slot, from, to, stage, .. } = self.moves[index];
        let next = match stage {
            Stage::Give => self.give(now, index, nodes),
            Stage::Open => self.open(index, nodes),
            Stage::Carry => self.carry(now, index, nodes),
            Stage::Take => self.take(now, index, nodes),
            Stage::Settle => self.settle(index, nodes),
            Stage::Done => Stage::Done,
        };
        self.moves[index].stage = next;
        let plans = match next {
            Stage::Done => self.rumours(now, index),
            _ => [(self.soon(now, STEP_MS), Step::Go(index))].into(),
        };
        Progress { plans, note: format!("slot {slot} n{from} -> n{to}: {stage:?}"), changed: Some(slot) }
    }

    fn give(&mut self, now: Time, index: usize, nodes: &mut [SimNode]) -> Stage {
        let Move { slot, from, .. } = self.moves[index];
        let claim = self.claim(index);
        if self.plot.breaks(Sabotage::ClaimEarly) {
            self.hear(nodes, claim.owner, claim);
        } else if !self.plot.breaks(Sabotage::ServeWhatIsGone) {
            self.hear(nodes, from, claim);
        }
        self.moves[index].cargo = self.load(now, &mut nodes[from], slot, usize::MAX);
        Stage::Take
    }

    fn open(&mut self, index: usize, nodes: &mut [SimNode]) -> Stage {
        let Move { slot, from, to, .. } = self.moves[index];
        if !self.plot.breaks(Sabotage::ForgetToImport) {
            self.views[to].import(slot, from);
        }
        self.publish(nodes, to);
        self.views[from].migrate(slot, to);
        self.publish(nodes, from);
        Stage::Carry
    }

    fn carry(&mut self, now: Time, index: usize, nodes: &mut [SimNode]) -> Stage {
        let Move { slot, from, .. } = self.moves[index];
        if nodes[from].keys_of(slot, 1).is_empty() {
            return Stage::Take;
        }
        self.moves[index].cargo = self.load(now, &mut nodes[from], slot, 1);
        self.unload(now, index, nodes);
        // A bug that leaves the key behind would carry it for ever.
        if self.plot.breaks(Sabotage::KeepCopy) { Stage::Take } else { Stage::Carry }
    }

    fn take(&mut self, now: Time, index: usize, nodes: &mut [SimNode]) -> Stage {
        let to = self.moves[index].to;
        self.unload(now, index, nodes);
        let claim = self.claim(index);
        self.hear(nodes, to, claim);
        Stage::Settle
    }

    fn settle(&mut self, index: usize, nodes: &mut [SimNode]) -> Stage {
        let from = self.moves[index].from;
        let claim = self.claim(index);
        self.hear(nodes, from, claim);
        Stage::Done
    }

    /// Takes keys out of a node.
    fn load(&self, now: Time, node: &mut SimNode, slot: Slot, max: usize) -> Vec<Detached> {
        if self.plot.breaks(Sabotage::KeepCopy) {
            return node.keys_of(slot, max).iter().filter_map(|key| node.copy_of(now, key)).collect();
        }
        node.take_keys(now, slot, max)
    }

    /// Brings the keys under way to the taker.
    fn unload(&mut self, now: Time, index: usize, nodes: &mut [SimNode]) {
        let Move { to, cargo, .. } = &mut self.moves[index];
        if self.plot.breaks(Sabotage::DropKey) {
            cargo.pop();
        }
        cargo.drain(..).for_each(|value| nodes[*to].put_key(now, value));
    }

    /// That the slot of a move is the taker's.
    fn claim(&self, index: usize) -> Claim {
        let Move { slot, to: owner, epoch, .. } = self.moves[index];
        Claim { slot, owner, epoch }
    }

    /// The nodes that had no part in a move hear of it.
    fn rumours(&mut self, now: Time, index: usize) -> Vec<(Time, Step)> {
        let claim = self.claim(index);
        let Move { from, to, .. } = self.moves[index];
        let mut others: Vec<usize> =
            (0..self.views.len()).filter(|node| ![from, to].contains(node)).collect();
        if self.plot.breaks(Sabotage::ForgetToTell) {
            others.pop();
        }
        others.into_iter().map(|node| (self.soon(now, RUMOUR_MS), Step::Hear(node, claim))).collect()
    }

    fn hear(&mut self, nodes: &mut [SimNode], node: usize, claim: Claim) -> Progress {
        self.views[node].hear(claim);
        self.publish(nodes, node);
        let note = format!("n{node} hears that slot {} is n{}'s", claim.slot, claim.owner);
        Progress { plans: Vec::new(), changed: Some(claim.slot), note }
    }

    fn set_state(&mut self, nodes: &mut [SimNode], node: usize, state: ClusterState) {
        self.views[node].set_state(state);
        self.publish(nodes, node);
    }

    fn publish(&mut self, nodes: &mut [SimNode], node: usize) {
        nodes[node].publish(self.views[node].topology());
    }

    /// Who has taken the slot last, or has had it from the beginning.
    fn owner(&self, slot: Slot) -> usize {
        let last = self.moves.iter().rev().find(|other| other.slot == slot);
        last.map_or_else(|| self.members.first_owner(slot), |last| last.to)
    }

    fn soon(&mut self, now: Time, ms: u64) -> Time {
        now.plus_us(self.chance.within(0..=ms * 1000))
    }
}
