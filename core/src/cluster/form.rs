//! A cluster that forms itself: nodes started with the same `cluster-init`, in any order, agree who owns what.
//!
//! ```text
//!   who has no place yet              the one with the least name leads
//!     Offer: I am free, so large is  ---->  enough offers: Plan, members in order
//!            the cluster to be       <----  Plan, to each member
//!     Offer: I am free, and agree    ---->  all agree: it takes its place, and its heartbeats claim its slots
//!     sees a member claim what the plan says: takes its own place
//! ```
//!
//! Whoever has agreed to a plan agrees to no other while its leader may still begin it. Plans have rising config epochs, so that
//! of two that begin all the same the later one wins, slot by slot, by the rule of all claims. A node that comes when the cluster
//! stands, and a place that stayed empty, find each other after a while: a range of slots that nobody owns, or a primary with
//! too few replicas.
//!
//! Offers and plans are MODULE frames, which other servers ignore. What follows from them are ordinary claims and roles.

mod message;
mod spread;

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Cluster;
use super::event::Event;
use super::heartbeat::Audience;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use crate::bus::{EPOCH_JUMP_MAX, ModuleMessage};
use crate::epoch::{ConfigEpoch, Epoch};
use crate::id::NodeId;
use crate::plan;
use crate::slot::SlotRange;
use crate::time::Instant;
use crate::topology::NODES_MAX;

use message::{Message, Offer, Plan};

/// An offer counts for so long.
const OFFER_MS: u64 = 3000;
/// A leader that has been silent for so long does not begin its plan any more.
const LEADER_GONE_MS: u64 = 10_000;
/// Something is missing in a cluster that stands for so long before a free node takes its place.
const GAP_MS: u64 = 5000;
/// Offers are made at each tick among so many nodes, and less often among more.
const NODES_PER_TICK: u64 = 16;

/// `cluster-init`: how large the cluster is that forms itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Primaries, one or more.
    pub primaries: u16,
    /// Replicas of each.
    pub replicas: u16,
}

impl Shape {
    /// Reads `primaries=3,replicas=1`, either of which may be left out.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "cluster-init: expected primaries=<number>,replicas=<number>";
        let mut shape = Self { primaries: 3, replicas: 0 };
        for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
            let (name, number) = word.split_once('=').ok_or(FORM)?;
            let number = number.parse().map_err(|_| FORM)?;
            match name {
                "primaries" => shape.primaries = number,
                "replicas" => shape.replicas = number,
                _ => return Err(FORM),
            }
        }
        match shape.nodes() {
            0 => Err("cluster-init: a cluster has at least one primary"),
            nodes if nodes > NODES_MAX => Err("cluster-init: so many nodes do not fit into a cluster"),
            _ => Ok(shape),
        }
    }

    /// All of them.
    pub fn nodes(self) -> usize {
        usize::from(self.primaries) * (1 + usize::from(self.replicas))
    }
}

/// How far this node is in finding its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Formation {
    /// What other free nodes of the same shape have said, and when.
    offers: BTreeMap<NodeId, (Instant, Offer)>,
    /// The plan that this node has agreed to; of a leader, its own.
    agreed: Option<Plan>,
    /// The greatest config epoch of any plan that was heard of.
    promised: u64,
    /// Since when the cluster that stands has a place for this node.
    gap_since: Option<Instant>,
    /// How many nodes the log has been told of.
    told: usize,
    /// An operator has reset this node: it waits for orders.
    pub(crate) is_off: bool,
}

impl Formation {
    /// The names of those who are free at `now`.
    fn free(&self, now: Instant) -> impl Iterator<Item = (&NodeId, &Offer)> {
        let is_fresh = move |at: &Instant| now.ms_since(*at) <= OFFER_MS;
        self.offers.iter().filter(move |(_, (at, _))| is_fresh(at)).map(|(id, (_, offer))| (id, offer))
    }

    /// The leader of the plan agreed to may still begin it.
    fn is_bound(&self, now: Instant) -> bool {
        let Some(plan) = &self.agreed else { return false };
        match self.offers.get(&plan.leader) {
            None => false,
            Some((at, offer)) => {
                let has_left_it = offer.agreed.is_some_and(|agreed| agreed != plan.name());
                !has_left_it && now.ms_since(*at) <= LEADER_GONE_MS
            }
        }
    }
}

impl Cluster {
    /// This node has no part in any cluster yet, and is to have one.
    fn shape_to_form(&self) -> Option<Shape> {
        let myself = &self.nodes[MYSELF];
        let is_free = myself.is_primary() && myself.slots.is_empty() && !self.formation.is_off;
        self.config.init.filter(|_| is_free)
    }

    /// Nodes are still being looked for: more is said than in a cluster that stands, and epochs that collide matter to nobody
    /// yet.
    pub(crate) fn is_forming(&self) -> bool {
        self.shape_to_form().is_some() && self.nodes.voters() == 0
    }

    /// At each tick.
    pub(crate) fn step_formation(&mut self, now: Now) {
        let Some(shape) = self.shape_to_form() else { return };
        if self.nodes.voters() > 0 {
            return match self.plan_that_has_begun() {
                Some(plan) => self.take_place(now, &plan),
                None => self.fill_gap(now, shape),
            };
        }
        if self.ticks.is_multiple_of(1 + self.nodes.len() as u64 / NODES_PER_TICK) {
            self.offer_to_all(shape);
        }
        self.tell_how_many(now, shape);
        self.lead(now, shape);
    }

    /// A message of our own came from another node, perhaps about this.
    pub(crate) fn on_formation_message(&mut self, now: Now, sender: PeerIndex, module: ModuleMessage<'_>) {
        let Some(shape) = self.shape_to_form() else { return };
        match Message::parse(module) {
            Some(Message::Offer(offer)) if offer.shape == shape => {
                self.formation.promised = self.formation.promised.max(self.believable(offer.promised));
                self.formation.offers.insert(self.nodes[sender].id, (now.instant, offer));
                self.lead(now, shape);
            }
            Some(Message::Plan(plan)) if plan.shape == shape => self.consider(now, sender, plan),
            Some(Message::Offer(_) | Message::Plan(_)) | None => {}
        }
    }

    /// An epoch that somebody claims, or 0 if it is too far ahead to be true.
    fn believable(&self, epoch: u64) -> u64 {
        if epoch <= self.current_epoch.get().saturating_add(EPOCH_JUMP_MAX) { epoch } else { 0 }
    }

    fn my_offer(&self, shape: Shape) -> Offer {
        let agreed = self.formation.agreed.as_ref().map(Plan::name);
        let promised = self.formation.promised.max(self.current_epoch.get());
        Offer { shape, promised, agreed, zone: self.config.zone.clone() }
    }

    fn offer_to_all(&mut self, shape: Shape) {
        let offer = Message::Offer(self.my_offer(shape)).encoded();
        for index in self.nodes.indices() {
            if self.nodes[index].is_acquainted() {
                self.send_module(index, message::OFFER, &offer);
            }
        }
    }

    fn tell_how_many(&mut self, now: Now, shape: Shape) {
        let free = self.formation.free(now.instant).count() + 1;
        if free != self.formation.told {
            self.formation.told = free;
            self.note(Event::Forming { free, wanted: shape.nodes() });
        }
    }

    /// If it is this node's to lead: makes a plan when there are enough nodes, tells it, and begins it when all agree.
    fn lead(&mut self, now: Now, shape: Shape) {
        let me = self.id();
        if self.formation.free(now.instant).any(|(id, _)| *id < me) || self.nodes.voters() > 0 {
            return;
        }
        let Some(plan) = self.own_plan(now, shape) else { return };
        let name = plan.name();
        let agrees = |id: &NodeId| {
            self.formation.free(now.instant).any(|(free, offer)| free == id && offer.agreed == Some(name))
        };
        let missing: Vec<NodeId> =
            plan.members.iter().filter(|id| **id != me && !agrees(id)).copied().collect();
        if missing.is_empty() {
            return self.take_place(now, &plan);
        }
        let text = Message::Plan(plan).encoded();
        for index in missing.iter().filter_map(|id| self.nodes.find(id)).collect::<Vec<_>>() {
            self.send_module(index, message::PLAN, &text);
        }
    }

    /// The plan that this node leads: the one there is while all of its members are there, else a new one.
    fn own_plan(&mut self, now: Now, shape: Shape) -> Option<Plan> {
        let me = self.id();
        let free: Vec<NodeId> = self.formation.free(now.instant).map(|(id, _)| *id).collect();
        let is_whole = |plan: &&Plan| {
            plan.leader == me
                && plan.shape == shape
                && plan.members.iter().all(|id| *id == me || free.contains(id))
        };
        if let Some(plan) = self.formation.agreed.as_ref().filter(is_whole) {
            return Some(plan.clone());
        }
        let is_mine = self.formation.agreed.as_ref().is_some_and(|plan| plan.leader == me);
        if free.len() + 1 < shape.nodes() || (!is_mine && self.formation.is_bound(now.instant)) {
            return None;
        }
        let members: Vec<NodeId> = core::iter::once(me).chain(free).take(shape.nodes()).collect();
        let members = spread::in_order(shape, &members, |id| self.whereabouts(id));
        let base = self.formation.promised.max(self.current_epoch.get()) + 1;
        let plan = Plan { leader: me, shape, base, members };
        self.agree(plan.clone());
        Some(plan)
    }

    /// Where a node falls together with others: its zone if it has one, else its host.
    fn whereabouts(&self, id: &NodeId) -> &str {
        let offered = self.formation.offers.get(id).map_or("", |(_, offer)| &offer.zone);
        let zone = if *id == self.id() { &self.config.zone } else { offered };
        match zone {
            "" => self.nodes.find(id).map_or("", |at| self.nodes[at].address.ip.as_str()),
            zone => zone,
        }
    }

    fn agree(&mut self, plan: Plan) {
        self.formation.promised = self.formation.promised.max(plan.last_epoch());
        self.formation.agreed = Some(plan);
    }

    /// Somebody leads: agrees, if this node is among the members, knows them all, and is not bound to another plan.
    fn consider(&mut self, now: Now, sender: PeerIndex, plan: Plan) {
        let (me, leader) = (self.id(), self.nodes[sender].id);
        let is_known = self.formation.agreed.as_ref().is_some_and(|agreed| agreed.name() == plan.name());
        let is_acceptable = plan.leader == leader
            && leader < me
            && self.nodes.voters() == 0
            && plan.members.contains(&me)
            && plan.members.iter().all(|id| self.nodes.find(id).is_some())
            && self.formation.agreed.as_ref().is_none_or(|agreed| plan.base > agreed.last_epoch())
            && self.believable(plan.last_epoch()) > 0
            && self.formation.free(now.instant).all(|(id, _)| *id >= leader)
            && !self.formation.is_bound(now.instant);
        if is_acceptable && !is_known {
            self.agree(plan);
        } else if !is_known {
            return;
        }
        // The leader waits for this answer: it goes at once, and again if it was lost.
        if let Some(shape) = self.config.init {
            let offer = Message::Offer(self.my_offer(shape)).encoded();
            self.send_module(sender, message::OFFER, &offer);
        }
    }

    /// The plan that this node agreed to, if one of its members claims slots by it.
    fn plan_that_has_begun(&self) -> Option<Plan> {
        let plan = self.formation.agreed.as_ref()?;
        let claims = |id: &NodeId| {
            self.nodes
                .find(id)
                .map(|at| &self.nodes[at])
                .is_some_and(|peer| peer.votes() && peer.config_epoch.get() >= plan.base)
        };
        plan.members.iter().any(claims).then(|| plan.clone())
    }

    /// Becomes what the plan says: on disk before anybody hears of it.
    fn take_place(&mut self, now: Now, plan: &Plan) {
        let me = self.id();
        let Some(at) = plan.members.iter().position(|id| *id == me) else { return };
        let primaries = usize::from(plan.shape.primaries);
        self.current_epoch = self.current_epoch.max(Epoch::new(plan.last_epoch()));
        if at < primaries {
            let epoch = ConfigEpoch::new(plan.base + at as u64);
            self.claim_ranges(now, epoch, &plan::spread(primaries)[at]);
        } else if let Some(primary) = self.nodes.find(&plan.members[at % primaries]) {
            self.join_shard(now, primary);
        }
    }

    fn claim_ranges(&mut self, now: Now, epoch: ConfigEpoch, ranges: &[SlotRange]) {
        let mine = &mut self.nodes[MYSELF].config_epoch;
        *mine = epoch.max(*mine);
        let free: Vec<_> = ranges
            .iter()
            .flat_map(|range| range.iter())
            .filter(|slot| self.slots.owner(*slot).is_none())
            .collect();
        for slot in &free {
            self.slots.bind(&mut self.nodes, *slot, MYSELF);
        }
        self.note(Event::PlaceTaken { primary: None, slots: free.len() });
        self.placed(now);
    }

    fn join_shard(&mut self, now: Now, primary: PeerIndex) {
        self.note(Event::PlaceTaken { primary: Some(self.nodes[primary].id), slots: 0 });
        self.become_replica_of(now, primary);
        self.placed(now);
    }

    fn placed(&mut self, now: Now) {
        self.formation.gap_since = None;
        self.recheck_state();
        self.save_before_anything_leaves();
        self.pong(now, Audience::All);
    }

    /// In a cluster that stands: a place that has been empty for a while is taken by the free node whose turn it is.
    fn fill_gap(&mut self, now: Now, shape: Shape) {
        let gaps = self.gaps(shape);
        let me = self.id();
        let rank = self.nodes.iter().filter(|(_, peer)| peer.id < me && self.is_free(peer.id)).count();
        let Some(gap) = gaps.get(rank) else {
            self.formation.gap_since = None;
            return;
        };
        let since = *self.formation.gap_since.get_or_insert(now.instant);
        if now.instant.ms_since(since) < GAP_MS {
            return;
        }
        match gap {
            Gap::Slots(range) => {
                self.current_epoch = self.current_epoch.next();
                self.claim_ranges(now, self.current_epoch.into(), &[*range]);
            }
            Gap::Replica(primary) => self.join_shard(now, *primary),
        }
    }

    /// A node without a part in the cluster, as far as is known here.
    fn is_free(&self, id: NodeId) -> bool {
        let peer = self.nodes.find(&id).map(|at| &self.nodes[at]);
        peer.is_some_and(|peer| {
            peer.is_acquainted() && peer.is_primary() && peer.slots.is_empty() && !peer.is_failing()
        })
    }

    /// What a cluster of this shape lacks: ranges first, then replicas, in an order that all nodes find.
    fn gaps(&self, shape: Shape) -> Vec<Gap> {
        let is_unowned = |range: &SlotRange| range.iter().all(|slot| self.slots.owner(slot).is_none());
        let ranges = plan::spread(shape.primaries.into()).into_iter().flatten().filter(is_unowned);
        let shards = self.nodes.iter().filter(|(_, peer)| peer.votes() && !peer.is_failing());
        let lacking = shards.flat_map(|(index, _)| {
            let working = self.nodes.working_replicas_of(index);
            core::iter::repeat_n(Gap::Replica(index), usize::from(shape.replicas).saturating_sub(working))
        });
        ranges.map(Gap::Slots).chain(lacking).collect()
    }
}

/// A place that nobody has.
#[derive(Clone, Copy)]
enum Gap {
    /// Slots that nobody owns.
    Slots(SlotRange),
    /// A replica too few of this primary.
    Replica(PeerIndex),
}
