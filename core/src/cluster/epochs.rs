//! Epochs that no election gave: collisions settled by name, and bumps by an operator's word.
//!
//! Config epochs must differ, or two claims to a slot could not be told apart. Elections give each epoch once. Clusters that
//! were put together by hand, and bumps without a vote, may give one twice: then every primary but the one with the greatest
//! name takes a new one, until they differ.

use super::Cluster;
use super::event::Event;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::bus::Header;
use crate::epoch::ConfigEpoch;

/// What came of a bump.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bump {
    /// The config epoch of this node is now this one.
    Bumped(ConfigEpoch),
    /// It was the greatest already.
    Still(ConfigEpoch),
}

impl Cluster {
    /// Another primary has this node's config epoch: the one with the smaller name moves.
    pub(crate) fn settle_collision(&mut self, sender: PeerIndex, header: &Header) {
        let (myself, other) = (&self.nodes[MYSELF], &self.nodes[sender]);
        let collides =
            myself.is_primary() && other.is_primary() && header.config_epoch == myself.config_epoch;
        if collides && !self.is_forming() && myself.id < other.id && !self.breaks(Sabotage::CollisionsStay) {
            let with = other.id;
            self.take_next_epoch();
            self.note(Event::EpochCollision { with, epoch: self.current_epoch });
        }
    }

    /// Makes this node's config epoch the greatest of all, without asking anybody: for operators, who know better. The current epoch counts too:
    /// it may be the config epoch of a node that this one has not heard of late, whose claim would then undo what the bump is for.
    pub(crate) fn bump_epoch(&mut self) -> Bump {
        let known = self.nodes.iter().map(|(_, peer)| peer.config_epoch).max().unwrap_or_default();
        let greatest = known.max(self.current_epoch.into());
        let mine = self.nodes[MYSELF].config_epoch;
        if mine == greatest && mine != ConfigEpoch::default() {
            return Bump::Still(mine);
        }
        self.take_next_epoch();
        self.note(Event::EpochBumped { epoch: self.current_epoch });
        Bump::Bumped(self.nodes[MYSELF].config_epoch)
    }

    /// A new config epoch for this node, greater than all it knows; nobody is asked.
    pub(crate) fn take_next_epoch(&mut self) {
        self.current_epoch = self.current_epoch.next();
        self.nodes[MYSELF].config_epoch = self.current_epoch.into();
        self.save_before_anything_leaves();
    }
}
