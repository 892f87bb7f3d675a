//! Topologies for tests.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{LinkState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder};
use crate::epoch::{ConfigEpoch, ReplOffset};
use crate::id::{NodeId, ShardId};
use crate::slot::{SLOT_COUNT, Slot, SlotRange};
use crate::time::UnixMs;

/// A name that ends in `number`.
pub(crate) fn id(number: u16) -> NodeId {
    NodeId::parse(format!("{number:0>40}").as_bytes()).unwrap()
}

pub(crate) fn slot(number: u16) -> Slot {
    Slot::new(number).unwrap()
}

pub(crate) fn range(start: u16, end: u16) -> SlotRange {
    SlotRange::new(slot(start), slot(end)).unwrap()
}

/// A primary at 10.0.0.`number`:700`number`.
pub(crate) fn primary(number: u16) -> Node {
    Node {
        shard_id: ShardId::parse(format!("{number:s>40}").as_bytes()),
        ip: format!("10.0.0.{number}"),
        port: 7000 + number,
        bus_port: 17000 + number,
        config_epoch: ConfigEpoch::new(number.into()),
        pong_received: UnixMs::from_ms(1_700_000_000_000 + u64::from(number)),
        repl_offset: Some(ReplOffset::new(14)),
        ..Node::new(id(number))
    }
}

/// A cluster of three primaries and a replica of the first, which sees it, with slot 100 lost, slot 93 leaving for
/// the third and slot 16000 arriving from it.
pub(crate) fn three_primaries_one_replica() -> Topology {
    let mut builder = TopologyBuilder::new(7);
    let mut first = primary(1);
    first.flags = NodeFlags::MYSELF | NodeFlags::PRIMARY;
    first.hostname = Some("one.test".into());
    let first = builder.node(first);
    let second = builder.node(primary(2));
    let third = builder.node(primary(3));
    let replica = builder.node(Node { shard_id: primary(1).shard_id, ..primary(4) });
    builder.set_primary(replica, first);
    builder.own(first, [range(0, 99), range(101, 5460)]);
    builder.own(second, [range(5461, 10922)]);
    builder.own(third, [range(10923, 16383)]);
    builder.migrating(slot(93), third);
    builder.importing(slot(16000), third);
    builder.build().unwrap()
}

/// What a random node is given; see [`any_topology`].
#[derive(Clone, Debug)]
struct Draft {
    is_replica: bool,
    flags: Vec<NodeFlags>,
    ip: String,
    hostname: Option<String>,
    epoch: u64,
    times: (u64, u64),
    connected: bool,
}

fn drafts() -> impl Strategy<Value = Draft> {
    let flags = [NodeFlags::PFAIL, NodeFlags::FAIL, NodeFlags::NOADDR, NodeFlags::NOFAILOVER];
    let ip = prop_oneof!["10\\.0\\.0\\.[1-9]", "fe80::[0-9a-f]{1,4}:1", "fe80::1"];
    (
        any::<bool>(),
        proptest::sample::subsequence(flags.to_vec(), 0..=2),
        ip,
        proptest::option::of("[a-z]{1,8}\\.test"),
        0..1000u64,
        (0..u64::MAX, 0..u64::MAX),
        any::<bool>(),
    )
        .prop_map(|(is_replica, flags, ip, hostname, epoch, times, connected)| Draft {
            is_replica,
            flags,
            ip,
            hostname,
            epoch,
            times,
            connected,
        })
}

/// Any topology that CLUSTER NODES can tell whole: seen by its first node, whose replicas all replicas are, without
/// shard ids and offsets.
pub(crate) fn any_topology() -> impl Strategy<Value = Topology> {
    let cuts = proptest::collection::vec((0..SLOT_COUNT, 0..10usize), 0..12);
    let open =
        proptest::collection::btree_map(0..SLOT_COUNT, (any::<bool>(), any::<prop::sample::Index>()), 0..4);
    (drafts(), proptest::collection::vec(drafts(), 1..7), cuts, open).prop_map(
        |(first, others, cuts, open)| {
            let drafts: Vec<_> =
                core::iter::once(Draft { is_replica: false, ..first }).chain(others).collect();
            let mut builder = TopologyBuilder::new(0);
            let indices: Vec<_> = drafts
                .iter()
                .enumerate()
                .map(|(at, draft)| builder.node(node_of(at, draft, &drafts)))
                .collect();
            let primaries: Vec<_> =
                indices.iter().copied().filter(|index| !drafts[index.index()].is_replica).collect();
            for (index, draft) in indices.iter().zip(&drafts) {
                if draft.is_replica {
                    builder.set_primary(*index, NodeIndex(0));
                }
            }
            own_between(&mut builder, cuts, &primaries);
            for (number, (leaves, peer)) in open {
                let peer = indices[1 + peer.index(indices.len() - 1)];
                match leaves {
                    true => builder.migrating(slot(number), peer),
                    false => builder.importing(slot(number), peer),
                }
            }
            builder.build().unwrap()
        },
    )
}

fn node_of(at: usize, draft: &Draft, drafts: &[Draft]) -> Node {
    let mut flags = draft.flags.iter().fold(NodeFlags::PRIMARY, |flags, flag| flags | *flag);
    flags.set(NodeFlags::MYSELF, at == 0);
    let epoch = if draft.is_replica { drafts[0].epoch } else { draft.epoch };
    Node {
        flags,
        ip: draft.ip.clone(),
        port: 7000 + at as u16,
        bus_port: 17000 + at as u16,
        hostname: draft.hostname.clone(),
        config_epoch: ConfigEpoch::new(epoch),
        ping_sent: UnixMs::from_ms(draft.times.0),
        pong_received: UnixMs::from_ms(draft.times.1),
        link: if draft.connected { LinkState::Connected } else { LinkState::Disconnected },
        ..Node::new(id(at as u16))
    }
}

/// Gives the slots from each cut to the next to some primary, and some of them to nobody.
fn own_between(builder: &mut TopologyBuilder, mut cuts: Vec<(u16, usize)>, primaries: &[NodeIndex]) {
    cuts.sort_unstable();
    cuts.dedup_by_key(|(start, _)| *start);
    for (at, (start, pick)) in cuts.iter().enumerate() {
        let end = cuts.get(at + 1).map_or(SLOT_COUNT, |next| next.0) - 1;
        if let Some(owner) = primaries.get(pick % (primaries.len() + 1)) {
            builder.own(*owner, [range(*start, end)]);
        }
    }
}
