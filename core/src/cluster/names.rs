//! What a heartbeat tells in its extensions: names for people, where clients find the node, the shard, who is forgotten.

use alloc::string::String;

use super::Cluster;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use super::receive::Heartbeat;
use crate::bus::Extension;
use crate::id::ShardId;
use crate::topology::Outside;

/// What is told of the sender.
#[derive(Default)]
struct Told {
    hostname: String,
    human_name: String,
    outside: Outside,
    shard_id: Option<ShardId>,
}

impl Cluster {
    /// The extensions of a heartbeat. A name that is not told is none; the shard of a replica is that of its primary.
    pub(crate) fn hear_extensions(&mut self, now: Now, sender: PeerIndex, heartbeat: Heartbeat<'_>) {
        let mut told = Told::default();
        let profile = self.profile();
        for extension in heartbeat.body.extensions.iter().filter(|told| profile.knows_extension(told)) {
            match extension {
                Extension::Hostname(name) => told.hostname = name.into(),
                Extension::HumanNodename(name) => told.human_name = name.into(),
                Extension::ShardId(shard) => told.shard_id = Some(shard),
                Extension::ForgottenNode { node, ttl_seconds } if node != heartbeat.header.sender => {
                    self.hear_forgotten(now, node, ttl_seconds)
                }
                Extension::ClientIpv4(ip) => told.outside.ipv4 = Some(ip),
                Extension::ClientIpv6(ip) => told.outside.ipv6 = Some(ip),
                Extension::ClientHostname(name) => told.outside.hostname = name.into(),
                Extension::ClientPort(port) => told.outside.port = port,
                Extension::ForgottenNode { .. }
                | Extension::InternalSecret(_)
                | Extension::Unknown { .. } => {}
            }
        }
        self.keep_names(sender, told);
    }

    fn keep_names(&mut self, sender: PeerIndex, told: Told) {
        let primary = self.nodes.primary_of(sender);
        // A replica may have invented the name before its primary told it.
        let told_by_itself = told.shard_id.filter(|_| primary == sender);
        let shard_id = told_by_itself.unwrap_or(self.nodes[primary].shard_id);
        if self.nodes[MYSELF].primary == Some(sender) {
            self.nodes[MYSELF].shard_id = shard_id;
        }
        let peer = &mut self.nodes[sender];
        let known = (&peer.hostname, &peer.human_name, peer.shard_id);
        if peer.outside != told.outside {
            // Learnt anew after a restart: it is not in the file.
            peer.outside = told.outside;
            self.out.is_stale = true;
        }
        if known != (&told.hostname, &told.human_name, shard_id) {
            (peer.hostname, peer.human_name, peer.shard_id) = (told.hostname, told.human_name, shard_id);
            self.save_soon();
        }
    }
}
