//! What operators tell a node: the CLUSTER commands that change something, with Redis' refusals.
//!
//! They are answered at once. What follows from them on the bus takes its time: a node that is met is known only after the
//! handshake, a manual failover is over when a vote is.

use alloc::string::String;
use alloc::vec::Vec;

use super::Cluster;
use super::address::Address;
use super::epochs::Bump;
use super::event::Event;
use super::handshake::Purpose;
use super::heartbeat::Audience;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::seeds::Search;
use super::slots::Taken;
use crate::epoch::{ConfigEpoch, Epoch};
use crate::id::{NodeId, ShardId};
use crate::resp::error::{ClusterError, MigrationError};
use crate::slot::Slot;
use crate::slot_set::SlotSet;
use crate::topology::NodeFlags;

/// An operator's word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admin {
    /// CLUSTER MEET.
    Meet {
        /// An address, or a name that the driver looks up whenever it connects.
        host: String,
        /// True if it is a name.
        is_name: bool,
        /// The port for clients.
        port: u16,
        /// The port of the bus.
        bus_port: u16,
    },
    /// CLUSTER FORGET.
    Forget(NodeId),
    /// CLUSTER ADDSLOTS and ADDSLOTSRANGE.
    AddSlots(SlotSet),
    /// CLUSTER DELSLOTS and DELSLOTSRANGE.
    DeleteSlots(SlotSet),
    /// CLUSTER FLUSHSLOTS.
    FlushSlots {
        /// This node has keys.
        has_keys: bool,
    },
    /// CLUSTER SETSLOT.
    SetSlot {
        /// Which.
        slot: Slot,
        /// What becomes of it.
        to: SetSlot,
        /// This node has keys in it.
        has_keys: bool,
    },
    /// CLUSTER REPLICATE.
    Replicate {
        /// Whom.
        primary: NodeId,
        /// This node has keys.
        has_keys: bool,
    },
    /// CLUSTER FAILOVER.
    Failover(FailoverMode),
    /// CLUSTER MIGRATESLOTS: which slots to which node.
    MigrateSlots(Vec<(SlotSet, NodeId)>),
    /// CLUSTER CANCELSLOTMIGRATIONS.
    CancelSlotMigrations,
    /// CLUSTER BUMPEPOCH.
    BumpEpoch,
    /// CLUSTER SET-CONFIG-EPOCH.
    SetConfigEpoch(ConfigEpoch),
    /// CLUSTER SAVECONFIG.
    SaveConfig,
    /// CLUSTER COUNT-FAILURE-REPORTS.
    CountFailureReports(NodeId),
    /// CLUSTER RESET.
    Reset {
        /// The node gets a new name, and its epochs begin anew.
        hard: bool,
        /// This node has keys.
        has_keys: bool,
    },
}

/// What becomes of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SetSlot {
    /// It moves from here to that node.
    Migrating(NodeId),
    /// It moves here from that node.
    Importing(NodeId),
    /// It moves no longer.
    Stable,
    /// It belongs to that node.
    Node(NodeId),
}

/// How much a manual failover asks of others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailoverMode {
    /// The primary stops writes until the replica has all of them; then a vote.
    Agreed,
    /// FORCE: the primary is not asked; a vote.
    Force,
    /// TAKEOVER: nobody is asked.
    Takeover,
}

/// What is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// OK.
    Ok,
    /// OK, once all keys are gone: they were those of a primary whose replica this node was.
    Emptied,
    /// What BUMPEPOCH did.
    Bump(Bump),
    /// How many primaries report a node.
    Reports(usize),
}

impl Cluster {
    /// Does what an operator says, or says why not. What comes of it is to be [polled](Cluster::poll_action).
    ///
    /// # Errors
    /// The refusal, in Redis' words; nothing has changed then.
    pub fn admin(&mut self, now: Now, admin: Admin) -> Result<Done, ClusterError> {
        // Thousands of these come one after the other.
        self.saves_are_due = !matches!(admin, Admin::SetSlot { .. });
        let done = self.execute(now, admin);
        self.finish(now);
        done
    }

    fn execute(&mut self, now: Now, admin: Admin) -> Result<Done, ClusterError> {
        match admin {
            Admin::Meet { host, is_name, port, bus_port } => self.meet(now, host, is_name, port, bus_port),
            Admin::Forget(id) => self.forget_named(now, id),
            Admin::AddSlots(slots) => self.add_slots(&slots),
            Admin::DeleteSlots(slots) => self.delete_slots(&slots),
            Admin::FlushSlots { has_keys: true } => Err(ClusterError::FlushSlotsWithKeys),
            Admin::FlushSlots { has_keys: false } => self.delete_slots(&self.nodes[MYSELF].slots.clone()),
            Admin::SetSlot { slot, to, has_keys } => self.set_slot(now, slot, to, has_keys),
            Admin::Replicate { primary, has_keys } => self.replicate(now, primary, has_keys),
            Admin::Failover(mode) => self.failover(now, mode),
            Admin::MigrateSlots(wanted) => Ok(self.migrate_slots(now, wanted)?),
            Admin::CancelSlotMigrations => Ok(self.cancel_migrations(now)?),
            Admin::BumpEpoch => Ok(Done::Bump(self.bump_epoch())),
            Admin::SetConfigEpoch(epoch) => self.set_config_epoch(epoch),
            Admin::SaveConfig => {
                self.save_before_anything_leaves();
                Ok(Done::Ok)
            }
            Admin::CountFailureReports(id) => Ok(Done::Reports(self.reports_of(now, id)?)),
            Admin::Reset { has_keys: true, .. } if self.nodes[MYSELF].is_primary() => {
                Err(ClusterError::ResetWithKeys)
            }
            Admin::Reset { hard, .. } => self.reset(now, hard),
        }
    }

    fn named(&self, id: NodeId) -> Result<PeerIndex, ClusterError> {
        self.introduced(id).ok_or(ClusterError::UnknownNode(id))
    }

    /// The node of that name, unless that is only the placeholder of a handshake.
    fn introduced(&self, id: NodeId) -> Option<PeerIndex> {
        self.nodes.find(&id).filter(|&index| !self.nodes[index].in_handshake())
    }

    fn meet(
        &mut self,
        now: Now,
        host: String,
        is_name: bool,
        port: u16,
        bus_port: u16,
    ) -> Result<Done, ClusterError> {
        let (ip, met_as) = if is_name { (String::new(), Some(host)) } else { (host, None) };
        let (port, tls_port) = if self.config.tls_cluster { (0, port) } else { (port, 0) };
        self.begin_handshake(now, Address { ip, port, tls_port, bus_port }, met_as, Purpose::Meet);
        Ok(Done::Ok)
    }

    fn forget_named(&mut self, now: Now, id: NodeId) -> Result<Done, ClusterError> {
        match self.nodes.find(&id) {
            // Forgotten already, here or elsewhere.
            None if self.bans.contains(now, &id) => Ok(Done::Ok),
            None => Err(ClusterError::UnknownNode(id)),
            Some(MYSELF) => Err(ClusterError::ForgetMyself),
            Some(index) if self.nodes[MYSELF].primary == Some(index) => Err(ClusterError::ForgetMyPrimary),
            Some(index) => {
                self.forget_and_ban(now, index, None);
                Ok(Done::Ok)
            }
        }
    }

    fn add_slots(&mut self, slots: &SlotSet) -> Result<Done, ClusterError> {
        // Redis gives a replica slots of its own, which no node then serves.
        if self.nodes[MYSELF].is_replica() {
            return Err(ClusterError::SlotsOfReplica);
        }
        if let Some(slot) = slots.iter().find(|slot| self.slots.owner(*slot).is_some()) {
            return Err(ClusterError::SlotBusy(slot));
        }
        for slot in slots.iter() {
            self.slots.importing.remove(&slot);
            self.slots.bind(&mut self.nodes, slot, MYSELF);
        }
        self.slots_changed();
        Ok(Done::Ok)
    }

    fn delete_slots(&mut self, slots: &SlotSet) -> Result<Done, ClusterError> {
        if let Some(slot) = slots.iter().find(|slot| self.slots.owner(*slot).is_none()) {
            return Err(ClusterError::SlotUnassigned(slot));
        }
        for slot in slots.iter() {
            self.slots.unbind(&mut self.nodes, slot);
        }
        self.serves_less = true;
        self.slots_changed();
        Ok(Done::Ok)
    }

    /// On disk before the operator hears that it is done. Keys follow from it: were a host to stop and its node to come back with the file of
    /// before, a slot could be nobody's, each of two nodes taking it for the other's; or be served where its keys are no more. In Redis, which
    /// does not wait for the disk here, they can.
    fn slots_changed(&mut self) {
        self.recheck_state();
        self.save_before_anything_leaves();
    }

    fn set_slot(&mut self, now: Now, slot: Slot, to: SetSlot, has_keys: bool) -> Result<Done, ClusterError> {
        if self.nodes[MYSELF].is_replica() {
            return Err(ClusterError::SetSlotOnReplica);
        }
        if self.moves_any(&SlotSet::from_iter([slot])) {
            return Err(MigrationError::SlotOnItsWay(slot).into());
        }
        let may_wait = self.may_be_forgotten(slot, to);
        self.slots.taken.remove(&slot);
        match to {
            SetSlot::Migrating(id) => {
                if self.slots.owner(slot) != Some(MYSELF) {
                    return Err(ClusterError::NotMySlot(slot));
                }
                if let Some(target) = self.other_end(id)? {
                    self.slots.migrating.insert(slot, target);
                }
            }
            SetSlot::Importing(id) => {
                if self.slots.owner(slot) == Some(MYSELF) {
                    return Err(ClusterError::MySlot(slot));
                }
                if let Some(source) = self.other_end(id)? {
                    self.slots.importing.insert(slot, source);
                }
            }
            SetSlot::Stable => {
                self.slots.migrating.remove(&slot);
                self.slots.importing.remove(&slot);
            }
            SetSlot::Node(id) => self.assign(now, slot, id, has_keys)?,
        }
        if may_wait {
            self.recheck_state();
            self.out.write();
        } else {
            self.slots_changed();
        }
        Ok(Done::Ok)
    }

    /// Whether nothing is lost if the machine stops before this is on disk, which it is at the next tick, and comes back as it was.
    ///
    /// A slot that is open in vain, or not open yet: `fix` closes or opens it, with the keys of the last second that the disk has. Who gives a slot in
    /// good order and forgets it owns it as before, until it hears the claim of who has it, which is durable and newer. Who neither gives nor takes hears
    /// it from them. Who takes a slot must not forget it: it would be nobody's.
    fn may_be_forgotten(&self, slot: Slot, to: SetSlot) -> bool {
        let is_given = |to: NodeId| {
            let target = self.slots.migrating.get(&slot);
            target.is_some_and(|target| self.nodes[*target].id == to)
        };
        !self.config.syncs_each_write
            && match to {
                SetSlot::Migrating(_) | SetSlot::Importing(_) | SetSlot::Stable => true,
                SetSlot::Node(id) if id == self.id() => false,
                SetSlot::Node(id) => self.slots.owner(slot) != Some(MYSELF) || is_given(id),
            }
    }

    /// The node at the other end of an open slot; `None` for this one, which Redis takes too, and which means nothing.
    fn other_end(&self, id: NodeId) -> Result<Option<PeerIndex>, ClusterError> {
        let index = self.introduced(id).ok_or(ClusterError::NodeNotKnown(id))?;
        if self.nodes[index].is_replica() {
            return Err(ClusterError::TargetNotPrimary);
        }
        Ok(Some(index).filter(|index| *index != MYSELF))
    }

    /// SETSLOT NODE: the slot changes hands, and, if it arrives here, by an epoch of its own.
    fn assign(&mut self, now: Now, slot: Slot, id: NodeId, has_keys: bool) -> Result<(), ClusterError> {
        let to = self.named(id)?;
        if self.nodes[to].is_replica() {
            return Err(ClusterError::TargetNotPrimary);
        }
        let was_mine = self.slots.owner(slot) == Some(MYSELF);
        if was_mine && to != MYSELF && has_keys {
            return Err(ClusterError::SlotHasKeys(slot));
        }
        if !has_keys {
            self.slots.migrating.remove(&slot);
        }
        let migrating = self.slots.migrating.get(&slot).copied();
        let giver = self.slots.importing.get(&slot).copied().filter(|_| to == MYSELF);
        match giver {
            Some(giver) => {
                let taken = Some(Taken { giver, until: None });
                self.slots.take_over(&mut self.nodes, slot, taken);
            }
            None => self.slots.bind(&mut self.nodes, slot, to),
        }
        if let Some(target) = migrating.filter(|_| to == MYSELF) {
            self.slots.migrating.insert(slot, target);
        }
        if giver.is_some() {
            self.slots.importing.remove(&slot);
            self.bump_epoch();
            self.pong(now, Audience::All);
        }
        let is_empty = was_mine && to != MYSELF && self.nodes[MYSELF].slots.is_empty();
        self.serves_less |= was_mine && to != MYSELF;
        if is_empty && self.config.allow_replica_migration {
            self.become_replica_of(now, to);
        }
        Ok(())
    }

    fn replicate(&mut self, now: Now, primary: NodeId, has_keys: bool) -> Result<Done, ClusterError> {
        let index = self.named(primary)?;
        if index == MYSELF {
            return Err(ClusterError::ReplicateMyself);
        }
        if self.nodes[index].is_replica() {
            return Err(ClusterError::ReplicateReplica);
        }
        let myself = &self.nodes[MYSELF];
        if myself.is_primary() && (!myself.slots.is_empty() || has_keys) {
            return Err(ClusterError::ReplicateNotEmpty);
        }
        if myself.primary != Some(index) {
            self.become_replica_of(now, index);
        }
        Ok(Done::Ok)
    }

    fn failover(&mut self, now: Now, mode: FailoverMode) -> Result<Done, ClusterError> {
        if self.nodes[MYSELF].is_primary() {
            return Err(ClusterError::FailoverOnPrimary);
        }
        let Some(primary) = self.nodes[MYSELF].primary else { return Err(ClusterError::PrimaryUnknown) };
        match mode {
            FailoverMode::Agreed => {
                if self.nodes[primary].is_failed() || self.nodes[primary].outbound.is_none() {
                    return Err(ClusterError::PrimaryDown);
                }
                self.begin_manual_failover(now, primary);
            }
            FailoverMode::Force => self.begin_forced_failover(now),
            FailoverMode::Takeover => {
                self.end_manual_failover();
                self.bump_epoch();
                self.take_over(now);
            }
        }
        Ok(Done::Ok)
    }

    fn set_config_epoch(&mut self, epoch: ConfigEpoch) -> Result<Done, ClusterError> {
        if self.nodes.len() > 1 {
            return Err(ClusterError::EpochInCompany);
        }
        if self.nodes[MYSELF].config_epoch != ConfigEpoch::default() {
            return Err(ClusterError::EpochSet);
        }
        self.nodes[MYSELF].config_epoch = epoch;
        self.current_epoch = self.current_epoch.max(Epoch::from(epoch));
        self.save_before_anything_leaves();
        Ok(Done::Ok)
    }

    fn reports_of(&mut self, now: Now, id: NodeId) -> Result<usize, ClusterError> {
        let index = self.named(id)?;
        Ok(self.count_reports(now, index))
    }

    /// Alone again: all nodes and slots are forgotten. HARD: under a new name, and the epochs begin anew.
    fn reset(&mut self, now: Now, hard: bool) -> Result<Done, ClusterError> {
        self.end_manual_failover();
        self.forget_election();
        let was_replica = self.nodes[MYSELF].is_replica();
        if was_replica {
            self.become_primary(now);
        }
        self.formation.is_off = true;
        self.search = Search::default();
        let everybody = self.nodes.indices().into_iter().filter(|index| *index != MYSELF);
        everybody.for_each(|index| self.forget(index));
        self.slots.unbind_all(&mut self.nodes, MYSELF);
        self.slots.migrating.clear();
        self.slots.importing.clear();
        self.nodes[MYSELF].flags.set(NodeFlags::MIGRATE_TO, false);
        if hard {
            self.begin_anew();
        }
        self.serves_less = true;
        self.slots_changed();
        self.save_before_anything_leaves();
        Ok(if was_replica { Done::Emptied } else { Done::Ok })
    }

    fn begin_anew(&mut self) {
        let (id, shard) = (self.random.id_bytes(), self.random.id_bytes());
        self.nodes.rename(MYSELF, NodeId::from_random(id));
        self.nodes[MYSELF].shard_id = ShardId::from_random(shard);
        self.nodes[MYSELF].config_epoch = ConfigEpoch::default();
        self.current_epoch = Epoch::default();
        self.last_vote_epoch = Epoch::default();
        self.note(Event::NodeReset { node: self.nodes[MYSELF].id });
    }
}
