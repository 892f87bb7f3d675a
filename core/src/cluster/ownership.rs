//! Who owns a slot: the claim of the greater config epoch.
//!
//! A claim is a primary's heartbeat, or an UPDATE about it by somebody else. A slot that its owner no longer claims stays
//! with it, for redirections, but is free for whoever does claim it. A primary that loses its last slot becomes a replica of
//! the one who took it; so do its replicas.
//!
//! Source of the rule: Redis Cluster specification, "Hash slots configuration propagation", and Redis 7.2.

use alloc::boxed::Box;

use super::Cluster;
use super::action::{Action, Beginning};
use super::event::Event;
use super::heartbeat::Audience;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::Peer;
use super::sabotage::Sabotage;
use crate::bus::{Body, Header, Update};
use crate::epoch::ConfigEpoch;
use crate::slot::Slot;
use crate::slot_set::SlotSet;
use crate::topology::NodeFlags;

impl Cluster {
    /// What a heartbeat says of its sender's role.
    pub(crate) fn hear_role(&mut self, now: Now, sender: PeerIndex, header: &Header) {
        match header.primary {
            None => self.hear_primary(sender),
            // Nobody copies himself.
            Some(primary) => {
                let primary = self.nodes.find(&primary).filter(|primary| *primary != sender);
                self.hear_replica(now, sender, primary);
            }
        }
    }

    fn hear_primary(&mut self, sender: PeerIndex) {
        if !self.nodes[sender].is_primary() {
            self.make_primary(sender);
        }
    }

    /// `index` is a primary. That it has the slots of another is for its claim to say.
    fn make_primary(&mut self, index: PeerIndex) {
        let had_primary = self.nodes[index].primary.take();
        let peer = &mut self.nodes[index];
        peer.flags = peer.flags.without(NodeFlags::REPLICA).with(NodeFlags::PRIMARY);
        peer.flags.set(NodeFlags::MIGRATE_TO, index != MYSELF && had_primary.is_some());
        let node = peer.id;
        if let Some(before) = had_primary {
            self.check_migrate_to(before);
        }
        self.note(Event::RoleChanged { node, primary: None });
        self.recheck_state();
        self.save_soon();
    }

    fn hear_replica(&mut self, now: Now, sender: PeerIndex, primary: Option<PeerIndex>) {
        if self.nodes[sender].is_primary() {
            // Its slots are nobody's until the new owner claims them, which its own next heartbeat does.
            self.slots.unbind_all(&mut self.nodes, sender);
        }
        let before = self.nodes[sender].primary;
        let is_news = !self.nodes[sender].is_replica() || (primary.is_some() && before != primary);
        if is_news {
            let peer = &mut self.nodes[sender];
            peer.flags =
                peer.flags.without(NodeFlags::PRIMARY | NodeFlags::MIGRATE_TO).with(NodeFlags::REPLICA);
            peer.primary = primary;
            let (node, primary_id) = (peer.id, primary.map(|primary| self.nodes[primary].id));
            self.note(Event::RoleChanged { node, primary: primary_id });
            before.into_iter().for_each(|before| self.check_migrate_to(before));
            self.recheck_state();
            if primary == Some(MYSELF) {
                // It is to ask who has its data if it comes back without them: nobody would tell it in time.
                self.save_before_anything_leaves();
            } else {
                self.save_soon();
            }
        }
        if let Some(primary) = primary {
            self.nodes[sender].shard_id = self.nodes[primary].shard_id;
            let may_have_more = self.nodes[primary].is_primary() && primary != MYSELF;
            self.nodes[primary].flags.set(NodeFlags::MIGRATE_TO, may_have_more);
        }
        if self.nodes[MYSELF].primary == Some(sender) {
            self.follow_primary_of_primary(now);
        }
    }

    /// A primary without replicas is no target of replica migration: it never had any.
    fn check_migrate_to(&mut self, primary: PeerIndex) {
        if self.nodes.replicas_of(primary).next().is_none() {
            self.nodes[primary].flags.set(NodeFlags::MIGRATE_TO, false);
        }
    }

    /// What a heartbeat claims.
    pub(crate) fn hear_claim(&mut self, now: Now, sender: PeerIndex, header: &Header) {
        if header.primary == Some(self.id()) {
            // Who gave its last slot to this node follows it, and does not claim what it gave. Should it be elected, that is a new claim.
            let before = self.slots.taken.len();
            self.slots.taken.retain(|_, taken| taken.giver != sender);
            if let Some(link) = self.nodes[sender].outbound.filter(|_| self.slots.taken.len() < before) {
                self.dispel_doubts(sender, link);
            }
        }
        if !self.nodes[sender].is_primary() || header.primary.is_some() {
            return;
        }
        let shard_of = |peer: PeerIndex| self.nodes[peer].shard_id;
        let from = shard_of(sender);
        self.slots.taken.retain(|slot, taken| shard_of(taken.giver) != from || header.slots.contains(*slot));
        if self.nodes[sender].slots != header.slots {
            return self.apply_claim(now, sender, header.config_epoch, &header.slots);
        }
        // Redis forgets this: a frame from before the sender had a slot, overtaken by one that claims it, then left the slot to whoever
        // claims it next, by an older epoch too (seed 1026 of the world with clients).
        if !self.slots.unclaimed.is_empty() {
            self.slots.unclaimed = self.slots.unclaimed.difference(&header.slots);
        }
    }

    /// Somebody tells of the claim of another node, because this one seems to have missed it.
    pub(crate) fn on_update(&mut self, now: Now, update: &Update) {
        let known = self.nodes.find(&update.owner);
        let is_other = |owner: &PeerIndex| *owner != MYSELF && !self.nodes[*owner].in_handshake();
        let Some(owner) = known.filter(is_other) else { return };
        let is_news = self.nodes[owner].config_epoch < update.config_epoch;
        if !is_news {
            return;
        }
        if self.nodes[owner].is_replica() {
            self.make_primary(owner);
        }
        self.nodes[owner].config_epoch = update.config_epoch;
        self.save_before_anything_leaves();
        self.apply_claim(now, owner, update.config_epoch, &update.slots);
    }

    /// `claimant` has `slots` since `epoch`, so it is told.
    fn apply_claim(&mut self, now: Now, claimant: PeerIndex, epoch: ConfigEpoch, slots: &SlotSet) {
        let shard_primary = self.nodes.primary_of(MYSELF);
        let (had, mine) = (self.nodes[shard_primary].slots.len(), self.nodes[MYSELF].slots.clone());
        let mut moved = 0;
        let is_disputed = self.disputes(now, claimant, epoch, slots);
        for slot in slots.iter() {
            moved += usize::from(self.take_slot(now, claimant, epoch, slot));
        }
        if is_disputed {
            self.take_next_epoch();
            self.note(Event::EpochBumped { epoch: self.current_epoch });
            self.pong(now, Audience::All);
        }
        let forsaken = self.nodes[claimant].slots.difference(slots);
        self.slots.unclaimed.extend(forsaken.iter());
        if moved == 0 {
            return;
        }
        self.note(Event::SlotsMoved { to: self.nodes[claimant].id, epoch, slots: moved });
        self.recheck_state();
        self.save_before_anything_leaves();
        let left = self.nodes[shard_primary].slots.len();
        if claimant != shard_primary && had > 0 && left == 0 && self.may_follow(had, claimant) {
            return self.demote_to(now, claimant);
        }
        self.follow_primary_of_primary(now);
        let lost = mine.difference(&self.nodes[MYSELF].slots);
        if self.nodes[MYSELF].is_primary() && !lost.is_empty() {
            self.serves_less = true;
            self.out.push(Action::DropKeys(Box::new(lost)));
        }
    }

    /// Whether this node was given one of these slots by the claimant, who claims it by a greater epoch all the same.
    ///
    // Redis gives the slot back, and deletes its keys, which the claimant has no longer: the epoch that the taker bumped was the greatest that it
    // had heard of, and a giver that it was cut off from had a greater one (seed 1016 of the world with clients). The word of the operator, or of
    // the source of a migration, stands: the bump is made up for.
    fn disputes(&self, now: Now, claimant: PeerIndex, epoch: ConfigEpoch, slots: &SlotSet) -> bool {
        let is_given = |slot: &Slot| slots.contains(*slot) && self.was_given_by(now, claimant, *slot);
        epoch > self.nodes[MYSELF].config_epoch && self.slots.taken.keys().any(is_given)
    }

    /// This node has the slot from `peer`, or from whom `peer` has taken over from.
    fn was_given_by(&self, now: Now, peer: PeerIndex, slot: Slot) -> bool {
        let taken = self.slots.taken.get(&slot).filter(|_| self.profile().is_wary());
        taken.is_some_and(|taken| {
            taken.until.is_none_or(|until| now.instant < until)
                && self.nodes[taken.giver].shard_id == self.nodes[peer].shard_id
        })
    }

    /// Gives one slot to who claims it, if the claim is the better one. True if it moved.
    fn take_slot(&mut self, now: Now, claimant: PeerIndex, epoch: ConfigEpoch, slot: Slot) -> bool {
        let owner = self.slots.owner(slot);
        if owner == Some(claimant) {
            self.slots.unclaimed.remove(slot);
            return false;
        }
        // A slot on its way here changes hands by SETSLOT only: the operator decides. And so has one that came from the claimant.
        if self.slots.importing.contains_key(&slot) || self.was_given_by(now, claimant, slot) {
            return false;
        }
        let is_better = match owner {
            None => true,
            Some(owner) => {
                self.slots.unclaimed.contains(slot)
                    || self.nodes[owner].config_epoch < epoch
                    || (owner == MYSELF && self.has_granted_to(claimant, slot))
                    || self.breaks(Sabotage::OlderClaimWins)
            }
        };
        if is_better {
            self.slots.bind(&mut self.nodes, slot, claimant);
            self.check_first_slots(claimant);
        }
        is_better
    }

    /// A primary with its first slots may be given replicas, where primaries have some.
    fn check_first_slots(&mut self, claimant: PeerIndex) {
        let has_replicas = |index| self.nodes.replicas_of(index).next().is_some();
        if self.nodes[claimant].slots.len() == 1 && self.nodes.iter().any(|(index, _)| has_replicas(index)) {
            self.nodes[claimant].flags.set(NodeFlags::MIGRATE_TO, claimant != MYSELF);
        }
    }

    /// The last slot of this shard went to `winner`. It is followed if replicas may change shards, or if it has nothing but
    /// what this shard had: then it is the same shard after a failover.
    fn may_follow(&self, lost: usize, winner: PeerIndex) -> bool {
        self.config.allow_replica_migration
            || self.nodes[winner].slots.len() == lost
            || self.nodes[winner].shard_id == self.nodes[MYSELF].shard_id
    }

    /// This node is a replica of `winner` from now on.
    fn demote_to(&mut self, now: Now, winner: PeerIndex) {
        self.note(Event::Demoted { to: self.nodes[winner].id });
        self.become_replica_of(now, winner);
    }

    /// Replicas of replicas are not allowed: who finds itself one moves up.
    pub(crate) fn follow_primary_of_primary(&mut self, now: Now) {
        let Some(primary) = self.nodes[MYSELF].primary.filter(|&primary| self.nodes[primary].is_replica())
        else {
            return;
        };
        let above = self.nodes[primary].primary.filter(|above| *above != MYSELF);
        if let Some(above) = above.filter(|&above| self.nodes[above].is_primary()) {
            self.note(Event::FollowsPrimaryOfPrimary { primary: self.nodes[above].id });
            self.become_replica_of(now, above);
        }
    }

    /// Makes this node a replica of `primary`, of which it may be one already.
    pub(crate) fn become_replica_of(&mut self, _now: Now, primary: PeerIndex) {
        self.slots.migrating.clear();
        self.slots.importing.clear();
        self.slots.unbind_all(&mut self.nodes, MYSELF);
        let before = self.nodes[MYSELF].primary.replace(primary);
        let myself = &mut self.nodes[MYSELF];
        myself.flags =
            myself.flags.without(NodeFlags::PRIMARY | NodeFlags::MIGRATE_TO).with(NodeFlags::REPLICA);
        let shard = self.nodes[primary].shard_id;
        let beginning =
            if self.nodes[MYSELF].shard_id == shard { Beginning::GoesOn } else { Beginning::Anew };
        self.nodes[MYSELF].shard_id = shard;
        self.nodes[primary].flags.set(NodeFlags::MIGRATE_TO, true);
        before
            .into_iter()
            .filter(|before| *before != primary)
            .for_each(|before| self.check_migrate_to(before));
        self.forget_election();
        self.end_tenure();
        self.end_comeback();
        self.serves_less = true;
        self.follow_primary(beginning);
        // Who has waited is let go to a node that is a replica already.
        self.end_manual_failover();
        self.recheck_state();
        self.save_soon();
    }

    /// Makes this node a primary, with no slots that it did not have.
    pub(crate) fn become_primary(&mut self, _now: Now) {
        if self.nodes[MYSELF].is_replica() {
            self.make_primary(MYSELF);
            self.out.push(Action::Follow(None));
        }
    }

    /// Whoever claims a slot that somebody owns by a greater epoch has missed something: it is told about the first such.
    pub(crate) fn correct_who_lags(&mut self, sender: PeerIndex, header: &Header) {
        // The claim is as it is known here, and since no earlier epoch: nobody else can be the better owner.
        let claimant = header.primary.map_or(Some(sender), |primary| self.nodes.find(&primary));
        let is_known = |claimant| {
            let claimant: &Peer = &self.nodes[claimant];
            claimant.slots == header.slots && claimant.config_epoch <= header.config_epoch
        };
        if claimant.is_some_and(is_known) {
            return;
        }
        let better = header.slots.iter().find_map(|slot| {
            let owner = self.slots.owner(slot).filter(|_| !self.slots.unclaimed.contains(slot))?;
            let is_better = owner != sender && self.nodes[owner].config_epoch > header.config_epoch;
            is_better.then_some(owner)
        });
        // A replica repeats its primary's claim, and that may be the better owner's.
        let Some(owner) =
            better.filter(|&owner| header.primary.is_none() || self.nodes[owner].id != header.sender)
        else {
            return;
        };
        let update = Update {
            config_epoch: self.nodes[owner].config_epoch,
            owner: self.nodes[owner].id,
            slots: self.claim_of(owner),
        };
        self.send(sender, &Body::Update(Box::new(update)));
    }
}
