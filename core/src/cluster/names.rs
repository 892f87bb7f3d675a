//! What a heartbeat tells in its extensions: names for people, the shard, who is forgotten.

use alloc::string::String;

use super::Cluster;
use super::input::Now;
use super::nodes::PeerIndex;
use super::receive::Heartbeat;
use crate::bus::Extension;
use crate::id::ShardId;

/// What is told of the sender.
#[derive(Default)]
struct Told {
    hostname: String,
    human_name: String,
    shard_id: Option<ShardId>,
}

impl Cluster {
    /// The extensions of a heartbeat. A name that is not told is none; a shard that is not told is that of the primary.
    pub(crate) fn hear_extensions(&mut self, now: Now, sender: PeerIndex, heartbeat: Heartbeat<'_>) {
        let mut told = Told::default();
        for extension in heartbeat.body.extensions.iter() {
            match extension {
                Extension::Hostname(name) => told.hostname = name.into(),
                Extension::HumanNodename(name) => told.human_name = name.into(),
                Extension::ShardId(shard) => told.shard_id = Some(shard),
                Extension::ForgottenNode { node, ttl_seconds } if node != heartbeat.header.sender => {
                    self.hear_forgotten(now, node, ttl_seconds)
                }
                Extension::ForgottenNode { .. }
                | Extension::ClientIpv4(_)
                | Extension::ClientIpv6(_)
                | Extension::InternalSecret(_)
                | Extension::Unknown { .. } => {}
            }
        }
        self.keep_names(sender, told);
    }

    fn keep_names(&mut self, sender: PeerIndex, told: Told) {
        let primary = self.nodes.primary_of(sender);
        let shard_id = told.shard_id.unwrap_or(self.nodes[primary].shard_id);
        let peer = &mut self.nodes[sender];
        let known = (&peer.hostname, &peer.human_name, peer.shard_id);
        if known != (&told.hostname, &told.human_name, shard_id) {
            (peer.hostname, peer.human_name, peer.shard_id) = (told.hostname, told.human_name, shard_id);
            self.save_soon();
        }
    }
}
