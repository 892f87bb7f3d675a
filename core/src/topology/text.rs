//! A topology as CLUSTER NODES, REPLICAS, SLOTS, SHARDS and INFO tell it, byte for byte as Redis 7.2.
//!
//! Nodes come in the order of the topology, where Redis goes by its hash tables: the order is ours, the words are
//! not.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::{ClusterState, EndpointType, Health, Node, NodeFlags, NodeIndex, Topology, View};
use crate::resp::encode::ReplyWriter;
use crate::slot::{Slot, SlotRange};
use crate::slot_set::SlotSet;

/// The text of CLUSTER NODES: a line per node, handshakes included.
pub fn nodes(topology: &Topology, view: View) -> String {
    let mut text = String::new();
    for (index, _) in topology.nodes() {
        writeln!(text, "{}", Line { topology, index, view }).expect("a String takes any text");
    }
    text
}

/// The line of CLUSTER NODES about the node at `index`, without its line break.
pub fn node_line(topology: &Topology, index: NodeIndex, view: View) -> String {
    alloc::format!("{}", Line { topology, index, view })
}

/// CLUSTER REPLICAS of `primary`: an array of lines.
pub fn write_replicas(topology: &Topology, primary: NodeIndex, view: View, out: &mut ReplyWriter<'_>) {
    let replicas = topology.replicas_of(primary);
    out.array(replicas.len());
    for &replica in replicas {
        out.bulk(node_line(topology, replica, view).as_bytes());
    }
}

struct Line<'a> {
    topology: &'a Topology,
    index: NodeIndex,
    view: View,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = self.topology.node(self.index);
        let place = node.place(self.view);
        write!(f, "{} {}:{}@{}", node.id, place.ip, place.port, node.bus_port)?;
        if let Some(hostname) = place.hostname {
            write!(f, ",{hostname}")?;
        }
        write!(f, " {} ", node.flags)?;
        match node.primary {
            Some(primary) => write!(f, "{}", self.topology.node(primary).id)?,
            None => f.write_str("-")?,
        }
        let config_epoch = self.topology.config_epoch(self.index);
        write!(f, " {} {} {config_epoch} {}", node.ping_sent, node.pong_received, node.link.name())?;
        self.topology.slots_of(self.index).ranges().try_for_each(|range| write!(f, " {range}"))?;
        if self.topology.myself() == Some(self.index) { self.write_open_slots(f) } else { Ok(()) }
    }
}

impl Line<'_> {
    /// `[93->-id]` for a slot that leaves, `[93-<-id]` for one that arrives, by slot. One that is both leaves.
    fn write_open_slots(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.topology.all_migrating().chain(self.topology.all_importing());
        let open: SlotSet = open.map(|(slot, _)| slot).collect();
        open.iter().try_for_each(|slot| {
            let name = |index| self.topology.node(index).id;
            match (self.topology.migrating(slot), self.topology.importing(slot)) {
                (Some(target), _) => write!(f, " [{slot}->-{}]", name(target)),
                (None, Some(source)) => write!(f, " [{slot}-<-{}]", name(source)),
                (None, None) => Ok(()),
            }
        })
    }
}

/// CLUSTER SLOTS: an entry per range of slots of one owner, in slot order.
pub fn write_slots(topology: &Topology, view: View, out: &mut ReplyWriter<'_>) {
    let entries = out.deferred();
    let mut count = 0;
    for (range, owner) in topology.owned_ranges() {
        write_slots_entry(topology, range, owner, view, out);
        count += 1;
    }
    out.close(entries, count);
}

/// `[start, end, primary, replica...]`, with those replicas only that can serve reads.
fn write_slots_entry(
    topology: &Topology,
    range: SlotRange,
    owner: NodeIndex,
    view: View,
    out: &mut ReplyWriter<'_>,
) {
    let usable = |index: &&NodeIndex| topology.node(**index).health() == Health::Online;
    let replicas: Vec<_> = topology.replicas_of(owner).iter().filter(usable).collect();
    out.array(3 + replicas.len());
    write_slot(range.start(), out);
    write_slot(range.end(), out);
    write_slots_node(topology.node(owner), view, out);
    for &replica in replicas {
        write_slots_node(topology.node(replica), view, out);
    }
}

/// `[endpoint, port, id, {other addresses}]`
fn write_slots_node(node: &Node, view: View, out: &mut ReplyWriter<'_>) {
    let place = node.place(view);
    out.array(4);
    match view.endpoint_type {
        EndpointType::Unknown => out.null(),
        EndpointType::Ip | EndpointType::Hostname => out.bulk(place.host().as_bytes()),
    }
    out.integer(place.port.into());
    out.bulk(node.id.as_bytes());
    let ip = (view.endpoint_type != EndpointType::Ip).then_some(&*place.ip);
    let hostname = place.hostname.filter(|_| view.endpoint_type != EndpointType::Hostname);
    out.map(usize::from(ip.is_some()) + usize::from(hostname.is_some()));
    for (name, text) in [("ip", ip), ("hostname", hostname)] {
        write_pair_if_any(name, text, out);
    }
}

/// CLUSTER SHARDS: an entry per shard, its slots and all its nodes, failed ones too.
pub fn write_shards(topology: &Topology, view: View, out: &mut ReplyWriter<'_>) {
    let shards = topology.shards();
    out.array(shards.len());
    for members in &shards {
        out.map(2);
        out.bulk(b"slots");
        write_shard_slots(topology, members, out);
        out.bulk(b"nodes");
        out.array(members.len());
        for &member in members {
            write_shard_node(topology.node(member), view, out);
        }
    }
}

/// The starts and ends of the ranges of whoever of the shard has slots, in one flat list.
fn write_shard_slots(topology: &Topology, members: &[NodeIndex], out: &mut ReplyWriter<'_>) {
    let owner = members.iter().find(|&&member| topology.has_slots(member));
    let slots = owner.map_or(SlotSet::EMPTY, |&owner| topology.slots_of(owner));
    out.array(2 * slots.ranges().count());
    for range in slots.ranges() {
        write_slot(range.start(), out);
        write_slot(range.end(), out);
    }
}

fn write_shard_node(node: &Node, view: View, out: &mut ReplyWriter<'_>) {
    let place = node.place(view);
    let pairs = out.deferred_map();
    let plain = node.place(View { tls: false, ..view });
    let ports = [("port", plain.port), ("tls-port", node.tls_port)];
    let ports = ports.into_iter().filter(|(_, port)| *port != 0);
    let hostname = place.hostname;
    let count = 6 + ports.clone().count() + usize::from(hostname.is_some());
    write_pair_if_any("id", Some(node.id.as_str()), out);
    for (name, port) in ports {
        out.bulk(name.as_bytes());
        out.integer(port.into());
    }
    write_pair_if_any("ip", Some(&place.ip), out);
    write_pair_if_any("endpoint", Some(place.host()), out);
    write_pair_if_any("hostname", hostname, out);
    write_pair_if_any("role", Some(if node.is_replica() { "replica" } else { "master" }), out);
    out.bulk(b"replication-offset");
    out.integer(node.repl_offset.unwrap_or_default().get() as i64);
    write_pair_if_any("health", Some(node.health().name()), out);
    out.close(pairs, count);
}

fn write_pair_if_any(name: &str, text: Option<impl AsRef<str>>, out: &mut ReplyWriter<'_>) {
    if let Some(text) = text {
        out.bulk(name.as_bytes());
        out.bulk(text.as_ref().as_bytes());
    }
}

fn write_slot(slot: Slot, out: &mut ReplyWriter<'_>) {
    out.integer(slot.get().into());
}

/// The lines of CLUSTER INFO that a topology knows, `cluster_state` to `cluster_my_epoch`, each with its CRLF.
pub fn info(topology: &Topology) -> String {
    let SlotCounts { assigned, ok, pfail, fail } = SlotCounts::of(topology);
    let primaries_with_slots = topology.nodes().filter(|(index, _)| topology.has_slots(*index)).count();
    let my_epoch = topology.myself().map_or_else(Default::default, |myself| topology.config_epoch(myself));
    alloc::format!(
        "cluster_state:{}\r\ncluster_slots_assigned:{assigned}\r\ncluster_slots_ok:{ok}\r\n\
         cluster_slots_pfail:{pfail}\r\ncluster_slots_fail:{fail}\r\ncluster_known_nodes:{}\r\n\
         cluster_size:{primaries_with_slots}\r\ncluster_current_epoch:{}\r\ncluster_my_epoch:{my_epoch}\r\n",
        match topology.state() {
            ClusterState::Ok => "ok",
            ClusterState::Fail => "fail",
        },
        topology.node_count(),
        topology.current_epoch(),
    )
}

/// How many slots have an owner, and how these owners are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotCounts {
    /// Slots with an owner.
    pub assigned: u16,
    /// Slots whose owner is well.
    pub ok: u16,
    /// Slots whose owner this node believes to be down.
    pub pfail: u16,
    /// Slots whose owner the cluster has agreed to be down.
    pub fail: u16,
}

impl SlotCounts {
    /// Counts the slots of `topology`.
    pub fn of(topology: &Topology) -> Self {
        let mut counts = Self::default();
        for owner in Slot::all().filter_map(|slot| topology.owner(slot)) {
            let flags = topology.node(owner).flags;
            counts.assigned += 1;
            *match flags {
                _ if flags.contains(NodeFlags::FAIL) => &mut counts.fail,
                _ if flags.contains(NodeFlags::PFAIL) => &mut counts.pfail,
                _ => &mut counts.ok,
            } += 1;
        }
        counts
    }
}
