//! What this node shows of the cluster: the picture that commands are routed by and that CLUSTER NODES, SLOTS and SHARDS tell.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::Cluster;
use super::input::Now;
use super::links::LinkId;
use super::nodes::{MYSELF, PeerIndex};
use super::peer::Peer;
use crate::id::NodeId;
use crate::time::UnixMs;
use crate::topology::{LinkState, Node, NodeIndex, Topology, TopologyBuilder};

/// A connection of the bus, as CLUSTER LINKS tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkView {
    /// Its name.
    pub link: LinkId,
    /// Who is at the other end.
    pub node: NodeId,
    /// When it was opened or accepted.
    pub created: UnixMs,
}

impl Cluster {
    /// The connections whose other end is known: of each node the one to it, also while that is being opened, and the one from it. Tools
    /// read them in pairs, as Redis gives them.
    pub fn links(&self, now: Now) -> impl Iterator<Item = LinkView> {
        let of_nodes = self.nodes.iter().flat_map(|(_, peer)| {
            let both = [peer.outbound, peer.inbound];
            both.into_iter().flatten().map(|link| (link, peer.id))
        });
        of_nodes.filter_map(move |(link, node)| {
            let created = now.unix_of(Some(self.links.get(link)?.created));
            Some(LinkView { link, node, created })
        })
    }

    /// The version of the last picture: what is heard from now on shows in the next one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The picture as of now, with the times of pings and pongs.
    pub fn topology(&self, now: Now) -> Topology {
        let mut builder = TopologyBuilder::new(self.version);
        builder.state(self.state());
        builder.lacks_data(self.withholds());
        builder.current_epoch(self.current_epoch);
        let places = self.add_nodes(now, &mut builder);
        for (index, peer) in self.nodes.iter() {
            builder.own(places[&index], peer.slots.ranges());
            if let Some(primary) = peer.primary.filter(|_| peer.is_replica()) {
                builder.set_primary(places[&index], places[&primary]);
            }
        }
        self.slots.migrating.iter().for_each(|(slot, target)| builder.migrating(*slot, places[target]));
        self.slots.importing.iter().for_each(|(slot, source)| builder.importing(*slot, places[source]));
        builder.build().expect("nodes, roles and owners are kept without contradictions")
    }

    /// The next picture for readers.
    pub(super) fn next_picture(&mut self, now: Now) -> Arc<Topology> {
        self.version += 1;
        Arc::new(self.topology(now))
    }

    fn add_nodes(&self, now: Now, builder: &mut TopologyBuilder) -> BTreeMap<PeerIndex, NodeIndex> {
        self.nodes.iter().map(|(index, peer)| (index, builder.node(self.node(now, index, peer)))).collect()
    }

    fn node(&self, now: Now, index: PeerIndex, peer: &Peer) -> Node {
        let is_linked = index == MYSELF || peer.outbound.is_some();
        Node {
            shard_id: Some(peer.shard_id),
            flags: peer.flags,
            ip: peer.address.ip.clone(),
            port: peer.address.port,
            tls_port: peer.address.tls_port,
            bus_port: peer.address.bus_port,
            human_name: peer.human_name.clone(),
            hostname: (!peer.hostname.is_empty()).then(|| peer.hostname.clone()),
            outside: peer.outside.clone(),
            config_epoch: peer.config_epoch,
            ping_sent: now.unix_of(peer.ping_sent),
            pong_received: now.unix_of(peer.pong_received),
            link: if is_linked { LinkState::Connected } else { LinkState::Disconnected },
            repl_offset: Some(peer.offset),
            ..Node::new(peer.id)
        }
    }
}
