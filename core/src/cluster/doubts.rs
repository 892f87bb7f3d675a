//! Slots that a replica of another kind doubts that this primary has: they are claimed anew, before it could lose them for all.
//!
//! A frame that left this node before it had a slot may reach a node that an operator has already told of the slot (SETSLOT NODE). Redis since
//! 7.0.12 then notes that the owner does not claim it, and the note stays: later frames claim just what it knows. Elected in this node's place, the
//! replica claims the slot with the note upon it; any frame that was still on its way from this node takes the slot from it again, and when
//! this node says that it is a replica now, the slot is nobody's for good. Redis nodes do that to each other too: four of 7.0.15, once in 25 times.
//!
//! What clears the note is an UPDATE about this node by an epoch that the other has not heard of: so that is sent, ahead of the epoch.
//! Slotway's replicas keep no such note (`ownership`), nor does Valkey 8 keep it when a slot changes hands.

use alloc::boxed::Box;

use super::Cluster;
use super::event::Event;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use crate::bus::{Body, Update};

impl Cluster {
    /// Claims all slots of this primary anew, where `peer` hears it first on `link`, unless it has no doubts.
    ///
    /// To be called before any other frame to `peer` is made: the header of that has the new epoch, and would make the UPDATE old.
    pub(crate) fn dispel_doubts(&mut self, peer: PeerIndex, link: LinkId) {
        let has_doubts = self.profile().is_wary() && !self.nodes[peer].reads_light_publish;
        // What has been granted is for its target to claim.
        if !has_doubts || self.nodes[MYSELF].slots.is_empty() || self.has_granted() {
            return;
        }
        let update = Update {
            config_epoch: self.current_epoch.next().into(),
            owner: self.id(),
            slots: self.nodes[MYSELF].slots.clone(),
        };
        self.send_on(link, &Body::Update(Box::new(update)));
        self.take_next_epoch();
        self.note(Event::EpochBumped { epoch: self.current_epoch });
    }
}
