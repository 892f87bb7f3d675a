//! What operators do to the cluster: take a node out, have it forgotten, bring a new one in.

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::cluster::Admin;
use slotway_core::id::NodeId;
use slotway_core::topology::{NodeFlags, Topology};

use super::World;
use crate::chance::Permille;
use crate::check::Violation;
use crate::control::member::{BUS_PORT, Health, Member, Membership};

/// A ban lasts a minute by the clock of who forgets; by the quickest of all clocks, this long.
const BAN_MS: u64 = 57_000;
/// Pictures of the time before a FORGET may still wait for the disk: so long at most.
const STALE_MS: u64 = 500;

impl World {
    /// In the storm: a replica is taken out for good, once, and goes on running for all that; and some node is told to forget whom
    /// only liars know.
    pub(super) fn draw_operator(&mut self, number: usize) -> Result<(), Violation> {
        if !self.chance.happens(self.swarm.forget) {
            return Ok(());
        }
        let is_first = self.members.iter().all(|member| member.cluster != Membership::Gone);
        if is_first && self.can_go(number) {
            return self.take_out(number);
        }
        self.have_strangers_forgotten(number)
    }

    /// A replica, in the eyes of all who run.
    fn can_go(&self, number: usize) -> bool {
        let member = &self.members[number];
        let is_replica = |view: &Topology| view.myself().is_some_and(|myself| view.node(myself).is_replica());
        member.cluster == Membership::Ours
            && member.view.as_ref().is_some_and(|view| is_replica(view))
            && !self.is_owner(member.id)
    }

    /// Somebody takes that node for the owner of slots.
    fn is_owner(&self, id: NodeId) -> bool {
        let owns = |view: &Topology| view.find(&id).is_some_and(|index| view.has_slots(index));
        self.members.iter().filter_map(|member| member.view.as_ref()).any(|view| owns(view))
    }

    fn take_out(&mut self, number: usize) -> Result<(), Violation> {
        self.trace.line(self.timeline.now(), format_args!("n{number} is taken out of the cluster"));
        self.members[number].cluster = Membership::Gone;
        if self.chance.happens(Permille(500)) {
            self.stop(number, Health::Stopped);
        }
        let rest = 0..self.members.len();
        rest.into_iter().try_for_each(|other| self.have_strangers_forgotten(other))
    }

    /// Once all is well: strangers are forgotten, and who was put in with an empty disk meets the others and copies one of them.
    pub(super) fn tidy(&mut self) -> Result<(), Violation> {
        for number in 0..self.members.len() {
            if self.members[number].cluster == Membership::Gone && self.members[number].health == Health::Up {
                self.stop(number, Health::Stopped);
            }
            self.have_strangers_forgotten(number)?;
            if self.members[number].is_new {
                self.introduce(number)?;
            }
        }
        Ok(())
    }

    /// Node `number` forgets all whom it knows and who are not of its cluster.
    fn have_strangers_forgotten(&mut self, number: usize) -> Result<(), Violation> {
        let member = &self.members[number];
        if member.health != Health::Up || member.cluster == Membership::Gone {
            return Ok(());
        }
        let is_fellow =
            |id: NodeId| self.members.iter().any(|other| other.cluster == member.cluster && other.id == id);
        let view = member.view.iter().flat_map(|view| view.nodes());
        let strangers: Vec<NodeId> = view
            .filter(|(_, node)| !node.flags.contains(NodeFlags::HANDSHAKE) && !is_fellow(node.id))
            .map(|(_, node)| node.id)
            .collect();
        strangers.into_iter().try_for_each(|id| self.order_forget(number, id))
    }

    fn order_forget(&mut self, number: usize, id: NodeId) -> Result<(), Violation> {
        let now = self.timeline.now();
        if self.order(number, Admin::Forget(id)) {
            self.trace.line(now, format_args!("n{number} is told to forget {id}"));
            self.witness.tally.forgotten += 1;
            self.members[number].banned.insert(id, now.plus_ms(STALE_MS)..now.plus_ms(BAN_MS));
        }
        self.carry_out(number)
    }

    /// A host comes back with an empty disk: another node by name, which an operator brings into the cluster.
    pub(super) fn start_anew(&mut self, number: usize) -> Result<(), Violation> {
        let (now, seed) = (self.timeline.now(), self.chance.next());
        let before = self.members[number].id;
        self.members[number].start_anew(now, seed);
        self.members[number].is_new = true;
        let id = self.members[number].id;
        self.trace.line(now, format_args!("n{number}, once {before}, starts with an empty disk as {id}"));
        self.carry_out(number)?;
        self.introduce(number)
    }

    /// A disk is given up where no data is on it that nobody else has.
    pub(super) fn may_be_wiped(&self, number: usize) -> bool {
        let ours = || self.members.iter().filter(|member| member.cluster == Membership::Ours);
        let running = ours().filter(|member| member.view.is_some()).count();
        let member = &self.members[number];
        // Where there is data around, its files are on that disk, too.
        let is_alone = self.effects.is_none();
        is_alone
            && member.cluster == Membership::Ours
            && running * 2 > ours().count()
            && !self.is_owner(member.id)
    }

    /// MEET, until somebody knows the node; then REPLICATE, once it knows of a primary.
    fn introduce(&mut self, number: usize) -> Result<(), Violation> {
        let id = self.members[number].id;
        let is_host = |(at, other): &(usize, &Member)| {
            *at != number && other.cluster == Membership::Ours && other.health == Health::Up
        };
        let mut hosts = self.members.iter().enumerate().filter(is_host).map(|(_, host)| host);
        let is_known = hosts.clone().any(|host| host.known.contains_key(&id));
        let host = hosts.next().map(|host| String::from(host.ip()));
        // Known by others is not enough: it may have missed their answers, and know nobody itself.
        match (host, self.some_primary(number).filter(|_| is_known)) {
            (None, _) => return Ok(()),
            (Some(_), Some(primary)) => {
                let is_done = self.order(number, Admin::Replicate { primary, has_keys: false });
                self.members[number].is_new = !is_done;
            }
            (Some(host), None) => {
                let meet = Admin::Meet { host, is_name: false, port: BUS_PORT - 10_000, bus_port: BUS_PORT };
                self.order(number, meet);
            }
        }
        self.carry_out(number)
    }

    fn some_primary(&self, number: usize) -> Option<NodeId> {
        let view = self.members[number].view.as_ref()?;
        let fails = NodeFlags::PFAIL | NodeFlags::FAIL | NodeFlags::HANDSHAKE;
        let mut nodes = view.nodes();
        let found = nodes.find(|(index, node)| view.has_slots(*index) && !node.flags.intersects(fails));
        found.map(|(_, node)| node.id)
    }

    /// True if the node does what it is told.
    fn order(&mut self, number: usize, order: Admin) -> bool {
        let own = self.members[number].now(self.timeline.now());
        self.members[number].machine().admin(own, order).is_ok()
    }
}
