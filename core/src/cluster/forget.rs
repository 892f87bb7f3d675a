//! Forgetting nodes, and keeping them away for a while: else the gossip of others would bring them back.

use alloc::collections::BTreeMap;

use super::Cluster;
use super::event::Event;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::sabotage::Sabotage;
use crate::id::NodeId;
use crate::time::Instant;

/// How long a forgotten node is kept away.
const BAN_SECONDS: u64 = 60;
/// The longest ban that others may tell of.
const TOLD_BAN_SECONDS_MAX: u64 = 3600;
/// Bans at a time; those that others tell of above this are not believed.
const BANS_MAX: usize = 1024;

/// Nodes that are kept away, and until when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bans(BTreeMap<NodeId, Instant>);

impl Bans {
    /// Keeps `node` away for so long.
    fn add(&mut self, now: Now, node: NodeId, seconds: u64) {
        self.drop_expired(now);
        if self.0.len() < BANS_MAX {
            self.0.insert(node, now.instant.plus_ms(seconds * 1000));
        }
    }

    /// True while `node` is kept away.
    pub(crate) fn contains(&self, now: Now, node: &NodeId) -> bool {
        self.0.get(node).is_some_and(|until| *until > now.instant)
    }

    /// Who is kept away, and for how many seconds yet.
    pub(crate) fn iter(&self, now: Now) -> impl Iterator<Item = (NodeId, u64)> {
        let left = move |until: &Instant| until.ms_since(now.instant).div_ceil(1000);
        self.0.iter().map(move |(node, until)| (*node, left(until))).filter(|(_, seconds)| *seconds > 0)
    }

    fn drop_expired(&mut self, now: Now) {
        self.0.retain(|_, until| *until > now.instant);
    }
}

impl Cluster {
    /// True while that node is kept away.
    pub(crate) fn is_banned(&self, now: Now, node: &NodeId) -> bool {
        self.bans.contains(now, node) && !self.breaks(Sabotage::BansForgotten)
    }

    /// Takes a node out of the table, and its slots and links with it.
    pub(crate) fn forget(&mut self, index: PeerIndex) {
        self.slots.unbind_all(&mut self.nodes, index);
        self.slots.close_towards(index);
        let links = [self.nodes[index].outbound.take(), self.nodes[index].inbound.take()];
        links.into_iter().flatten().for_each(|link| self.close(link));
        self.nodes.remove(index);
        self.recheck_state();
        self.save_soon();
    }

    /// CLUSTER FORGET: out of the table, kept away, and all are told.
    pub(crate) fn forget_and_ban(&mut self, now: Now, index: PeerIndex, seconds: Option<u64>) {
        let node = self.nodes[index].id;
        self.bans.add(now, node, seconds.unwrap_or(BAN_SECONDS));
        self.note(Event::NodeForgotten { node });
        self.forget(index);
    }

    /// Somebody forgot a node, and wants all to. Not this one itself, and not its primary.
    pub(crate) fn hear_forgotten(&mut self, now: Now, node: NodeId, ttl_seconds: u64) {
        let seconds = ttl_seconds.min(TOLD_BAN_SECONDS_MAX);
        let Some(index) = self.nodes.find(&node) else { return };
        if index != MYSELF && self.nodes[MYSELF].primary != Some(index) && seconds > 0 {
            self.forget_and_ban(now, index, Some(seconds));
        }
    }
}
