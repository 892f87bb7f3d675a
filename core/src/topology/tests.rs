use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::samples::{id, primary, range, slot, three_primaries_one_replica};
use super::*;
use crate::resp::encode::{Protocol, ReplyWriter};

/// A change to a builder of two primaries, and what [`TopologyBuilder::build`] says of it.
fn built(change: impl FnOnce(&mut TopologyBuilder, NodeIndex, NodeIndex)) -> Result<Topology, BuildError> {
    let mut builder = TopologyBuilder::new(1);
    let mut myself = primary(1);
    myself.flags.set(NodeFlags::MYSELF, true);
    let (first, second) = (builder.node(myself), builder.node(primary(2)));
    change(&mut builder, first, second);
    builder.build()
}

fn add(builder: &mut TopologyBuilder, node: Node) {
    builder.node(node);
}

#[test]
fn contradictions_are_refused_by_name() {
    let refused = |change: fn(&mut TopologyBuilder, NodeIndex, NodeIndex)| built(change).unwrap_err();
    assert_eq!(refused(|b, _, _| add(b, primary(1))), BuildError::DuplicateId(id(1)));
    let myself = Node { flags: NodeFlags::MYSELF, ..primary(3) };
    assert_eq!(built(|b, _, _| add(b, myself)).unwrap_err(), BuildError::TwoMyselfs(id(1), id(3)));
    assert_eq!(refused(|b, first, _| b.set_primary(first, first)), BuildError::ReplicaOfItself(id(1)));
    assert_eq!(
        refused(|b, first, second| {
            b.own(first, [range(5, 9)]);
            b.own(second, [range(9, 10)]);
        }),
        BuildError::TwoOwners(slot(9), id(1), id(2))
    );
    assert_eq!(
        refused(|b, first, second| {
            b.own(second, [range(5, 5)]);
            b.set_primary(second, first);
        }),
        BuildError::OwnerNotPrimary(slot(5), id(2))
    );
    assert_eq!(refused(|b, first, _| b.migrating(slot(3), first)), BuildError::OpenToItself(slot(3)));
    assert_eq!(
        refused(|b, first, _| b.importing(slot(3), NodeIndex(first.0 + 9))),
        BuildError::UnknownNode(NodeIndex(9))
    );
    let two_roles = Node { flags: NodeFlags::PRIMARY | NodeFlags::REPLICA, ..primary(3) };
    assert_eq!(built(|b, _, _| add(b, two_roles)).unwrap_err(), BuildError::TwoRoles(id(3)));
}

#[test]
fn an_open_slot_needs_a_node_that_has_it() {
    let mut builder = TopologyBuilder::new(1);
    let only = builder.node(primary(1));
    builder.migrating(slot(3), only);
    assert_eq!(builder.build(), Err(BuildError::OpenSlotOfNobody(slot(3))));
}

#[test]
fn the_state_follows_from_coverage_unless_it_is_told() {
    let all = |b: &mut TopologyBuilder, first, _| b.own(first, [SlotRange::ALL]);
    assert_eq!(built(all).unwrap().state(), ClusterState::Ok);
    assert_eq!(built(|b, first, _| b.own(first, [range(0, 16382)])).unwrap().state(), ClusterState::Fail);
    let told = built(|b, first, second| {
        all(b, first, second);
        b.state(ClusterState::Fail);
    });
    assert_eq!(told.unwrap().state(), ClusterState::Fail);
}

#[test]
fn another_node_sees_the_same_cluster_without_the_open_slots() {
    let topology = three_primaries_one_replica();
    let third = topology.find(&id(3)).unwrap();
    let seen = topology.as_seen_by(third, 8);
    assert_eq!((seen.version(), seen.myself()), (8, Some(third)));
    assert_eq!(seen.node(third).flags.to_string(), "myself,master");
    assert_eq!(seen.node(NodeIndex(0)).flags.to_string(), "master");
    assert_eq!(seen.migrating(slot(93)), None);
    assert_eq!(seen.importing(slot(16000)), None);
    assert!(Slot::all().all(|slot| seen.owner(slot) == topology.owner(slot)));
}

#[test]
fn cluster_nodes_reads_as_redis_writes_it() {
    let [one, two, three, four] = [1, 2, 3, 4].map(id);
    let expected = format!(
        "{one} 10.0.0.1:7001@17001,one.test myself,master - 0 1700000000001 1 connected \
         0-99 101-5460 [93->-{three}] [16000-<-{three}]\n\
         {two} 10.0.0.2:7002@17002 master - 0 1700000000002 2 connected 5461-10922\n\
         {three} 10.0.0.3:7003@17003 master - 0 1700000000003 3 connected 10923-16383\n\
         {four} 10.0.0.4:7004@17004 slave {one} 0 1700000000004 1 connected\n"
    );
    assert_eq!(text::nodes(&three_primaries_one_replica(), View::default()), expected);
}

#[test]
fn cluster_info_counts_slots_and_nodes() {
    let expected = "cluster_state:fail\r\ncluster_slots_assigned:16383\r\ncluster_slots_ok:16383\r\n\
                    cluster_slots_pfail:0\r\ncluster_slots_fail:0\r\ncluster_known_nodes:4\r\n\
                    cluster_size:3\r\ncluster_current_epoch:4\r\ncluster_my_epoch:1\r\n";
    assert_eq!(text::info(&three_primaries_one_replica()), expected);
}

fn reply(protocol: Protocol, write: impl FnOnce(&Topology, &mut ReplyWriter<'_>)) -> String {
    let mut out = Vec::new();
    write(&three_primaries_one_replica(), &mut ReplyWriter::new(&mut out, protocol));
    String::from_utf8(out).unwrap().replace("\r\n", " ")
}

#[test]
fn cluster_slots_names_endpoint_port_id_and_the_other_addresses() {
    let tells = |protocol, endpoint_type, node: &str| {
        let view = View { endpoint_type, ..View::default() };
        let text = reply(protocol, |topology, out| text::write_slots(topology, view, out));
        assert!(text.contains(node), "{text} lacks {node}");
    };
    let (one, two) = (id(1), id(2));
    let node = format!("*4 $8 10.0.0.1 :7001 $40 {one} *2 $8 hostname $8 one.test ");
    tells(Protocol::Resp2, EndpointType::Ip, &node);
    let node = format!("*4 $8 one.test :7001 $40 {one} %1 $2 ip $8 10.0.0.1 ");
    tells(Protocol::Resp3, EndpointType::Hostname, &node);
    let node = format!("*4 $1 ? :7002 $40 {two} %1 $2 ip $8 10.0.0.2 ");
    tells(Protocol::Resp3, EndpointType::Hostname, &node);
    let node = format!("*4 _ :7001 $40 {one} %2 $2 ip $8 10.0.0.1 $8 hostname $8 one.test ");
    tells(Protocol::Resp3, EndpointType::Unknown, &node);
    let node = format!("*4 $-1 :7002 $40 {two} *2 $2 ip $8 10.0.0.2 ");
    tells(Protocol::Resp2, EndpointType::Unknown, &node);
}

#[test]
fn cluster_slots_has_an_entry_per_range_with_the_replicas_that_serve() {
    let text = reply(Protocol::Resp2, |topology, out| text::write_slots(topology, View::default(), out));
    let four = id(4);
    assert!(text.starts_with("*4 *4 :0 :99 *4 "), "{text}");
    assert_eq!(text.matches(&format!("*4 $8 10.0.0.4 :7004 $40 {four} *0 ")).count(), 2);
    assert!(text.contains("*3 :5461 :10922 "), "{text}");
}

#[test]
fn cluster_slots_leaves_out_replicas_that_cannot_serve() {
    let topology = built(|b, first, second| {
        b.own(first, [SlotRange::ALL]);
        b.set_primary(second, first);
    });
    let mut topology = topology.unwrap();
    for (flags, offset, listed) in [(NodeFlags::NONE, 9, 4), (NodeFlags::NONE, 0, 3), (NodeFlags::FAIL, 9, 3)]
    {
        topology.nodes[1].flags = NodeFlags::REPLICA | flags;
        topology.nodes[1].repl_offset = Some(crate::epoch::ReplOffset::new(offset));
        let mut out = Vec::new();
        text::write_slots(&topology, View::default(), &mut ReplyWriter::new(&mut out, Protocol::Resp2));
        assert!(out.starts_with(format!("*1\r\n*{listed}\r\n").as_bytes()));
    }
}

#[test]
fn cluster_shards_lists_all_nodes_of_a_shard() {
    let text = reply(Protocol::Resp3, |topology, out| text::write_shards(topology, View::default(), out));
    let (one, four) = (id(1), id(4));
    let expected = format!(
        "*3 %2 $5 slots *4 :0 :99 :101 :5460 $5 nodes *2 \
         %8 $2 id $40 {one} $4 port :7001 $2 ip $8 10.0.0.1 $8 endpoint $8 10.0.0.1 $8 hostname $8 one.test \
         $4 role $6 master $18 replication-offset :14 $6 health $6 online \
         %7 $2 id $40 {four} $4 port :7004 $2 ip $8 10.0.0.4 $8 endpoint $8 10.0.0.4 \
         $4 role $7 replica $18 replication-offset :14 $6 health $6 online "
    );
    assert!(text.starts_with(&expected), "{text}");
}

#[test]
fn cluster_shards_words_missing_endpoints_otherwise_than_cluster_slots() {
    let endpoints = |endpoint_type| {
        let view = View { endpoint_type, ..View::default() };
        let text = reply(Protocol::Resp2, |topology, out| text::write_shards(topology, view, out));
        let endpoints =
            text.split("endpoint ").skip(1).map(|rest| rest.split(" $").next().unwrap().to_string());
        endpoints.collect::<Vec<_>>()
    };
    assert_eq!(endpoints(EndpointType::Hostname), ["$8 one.test", "$1 ?", "$1 ?", "$1 ?"]);
    assert_eq!(endpoints(EndpointType::Unknown), ["$0 ", "$0 ", "$0 ", "$0 "]);
}

#[test]
fn tls_clients_are_told_tls_ports() {
    let view = View { tls: true, ..View::default() };
    let topology = built(|b, _, _| add(b, Node { tls_port: 8003, ..primary(3) })).unwrap();
    let third = topology.find(&id(3)).unwrap();
    assert!(text::node_line(&topology, third, view).contains(" 10.0.0.3:8003@17003 "));
    assert!(text::node_line(&topology, third, View::default()).contains(" 10.0.0.3:7003@17003 "));
}

#[test]
fn flags_are_written_in_redis_order() {
    let flags =
        NodeFlags::FAIL | NodeFlags::REPLICA | NodeFlags::NOFAILOVER | NodeFlags::MYSELF | NodeFlags::PFAIL;
    assert_eq!(flags.to_string(), "myself,slave,fail?,fail,nofailover");
    assert_eq!(NodeFlags::MEET.to_string(), "noflags");
    assert_eq!(NodeFlags::parse_name("noflags"), Some(NodeFlags::NONE));
    assert_eq!(NodeFlags::parse_name("master,slave"), None);
}
