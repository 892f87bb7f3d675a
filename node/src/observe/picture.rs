//! Which cluster it is, when its nodes do not all say the same.
//!
//! One node's picture is taken, never a mixture: of those that call the cluster well, one that has seen the latest epoch, and among these
//! the one whose picture was taken before. A node that is cut off from the others sees them failed and calls the cluster down, so its picture
//! is taken only while there is no other.

use std::cmp::Reverse;
use std::sync::Arc;

use slotway_core::id::NodeId;
use slotway_core::topology::view::TopologyView;
use slotway_core::topology::{ClusterState, Topology, TopologyBuilder};

use super::peer::{Heard, Peer};

/// The cluster, and whose picture it is.
pub(super) struct Picture {
    pub(super) topology: Arc<Topology>,
    of: Option<NodeId>,
}

impl Default for Picture {
    /// Nobody's, of nothing.
    fn default() -> Self {
        // Nothing contradicts nothing.
        let nothing = TopologyBuilder::new(0).build().expect("an empty topology is well formed");
        Self { topology: Arc::new(nothing), of: None }
    }
}

impl Picture {
    /// What `peers` show now; the same topology if it has not changed. `None` if none of them answers.
    pub(super) fn next<'a>(&self, peers: impl Iterator<Item = &'a Peer>) -> Option<Self> {
        self.among(peers.filter_map(Peer::heard))
    }

    fn among<'a>(&self, heard: impl Iterator<Item = &'a Heard>) -> Option<Self> {
        let rank = |heard: &&Heard| {
            (state_of(heard) == ClusterState::Ok, heard.epoch, heard.id == self.of, Reverse(heard.id))
        };
        let best = heard.max_by_key(rank)?;
        Some(Self { topology: self.told(best.topology.with_state(state_of(best))), of: best.id })
    }

    /// The same when nobody answers any more: as far as one can see, the cluster is down.
    pub(super) fn unanswered(&self) -> Self {
        Self { topology: self.told(self.topology.with_state(ClusterState::Fail)), of: self.of }
    }

    /// `topology` as the next picture, or this one if it shows the same: times of pings change all the time.
    fn told(&self, topology: Topology) -> Arc<Topology> {
        let now = TopologyView { version: self.topology.version(), ..TopologyView::of(&topology) };
        if now == TopologyView::of(&self.topology) {
            return Arc::clone(&self.topology);
        }
        Arc::new(topology.with_version(self.topology.version() + 1))
    }
}

fn state_of(heard: &Heard) -> ClusterState {
    heard.state.unwrap_or(heard.topology.state())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use slotway_core::topology::parse::{ParseOptions, nodes_text};

    use super::*;

    fn heard(me: char, state: ClusterState, epoch: u64, other: &str) -> Heard {
        let id = |name: char| name.to_string().repeat(40);
        let line = |name: char| {
            let (flags, slots) = if name == me { ("myself,master", "0-8191") } else { (other, "8192-16383") };
            format!(
                "{} 10.0.0.1:700{}@17000 {flags} - 0 0 1 connected {slots}\n",
                id(name),
                name as u8 - b'a'
            )
        };
        let text: String = ['a', 'b'].map(line).concat();
        let topology = nodes_text(&text, &ParseOptions::default()).expect("a cluster");
        let id = NodeId::parse(id(me).as_bytes());
        Heard { id, topology, state: Some(state), epoch, info: BTreeMap::new(), jobs: Vec::new() }
    }

    fn of(picture: &Picture) -> char {
        picture.of.map_or('-', |id| id.as_str().chars().next().expect("a name"))
    }

    #[test]
    fn the_picture_of_a_node_that_is_cut_off_is_not_taken() {
        let alone = heard('b', ClusterState::Fail, 9, "master,fail");
        let well = heard('a', ClusterState::Ok, 3, "master");
        let picture = Picture::default().among([&alone, &well].into_iter()).expect("two pictures");
        assert_eq!((of(&picture), picture.topology.state()), ('a', ClusterState::Ok));
        let picture = picture.among([&alone].into_iter()).expect("one picture");
        assert_eq!((of(&picture), picture.topology.state()), ('b', ClusterState::Fail));
    }

    #[test]
    fn the_latest_epoch_counts_and_otherwise_who_was_believed_before() {
        let (a, b) = (heard('a', ClusterState::Ok, 3, "master"), heard('b', ClusterState::Ok, 3, "master"));
        let first = Picture::default().among([&b].into_iter()).expect("a picture");
        assert_eq!(of(&first.among([&a, &b].into_iter()).expect("two")), 'b');
        let later = heard('a', ClusterState::Ok, 4, "master");
        assert_eq!(of(&first.among([&later, &b].into_iter()).expect("two")), 'a');
    }

    #[test]
    fn what_has_not_changed_is_not_told_again() {
        let a = heard('a', ClusterState::Ok, 3, "master");
        let first = Picture::default().among([&a].into_iter()).expect("a picture");
        let again = first.among([&heard('a', ClusterState::Ok, 3, "master")].into_iter()).expect("a picture");
        assert!(Arc::ptr_eq(&first.topology, &again.topology));
        let failed = again.among([&heard('a', ClusterState::Ok, 3, "master,fail")].into_iter()).expect("one");
        assert_eq!(failed.topology.version(), first.topology.version() + 1);
        let silent = failed.unanswered();
        assert_eq!(
            (silent.topology.state(), silent.topology.version()),
            (ClusterState::Fail, first.topology.version() + 2)
        );
    }
}
