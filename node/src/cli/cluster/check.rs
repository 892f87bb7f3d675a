//! What is wrong with a cluster, from what its nodes say. Pure: asks nobody.

mod trouble;

use std::collections::{BTreeMap, BTreeSet};

use slotway_core::id::NodeId;
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::{LinkState, Node, NodeFlags, NodeIndex, Topology};

use super::exit::Exit;
use super::view::{View, name_in};

pub(super) use trouble::{Trouble, Way};

/// What a node says, as far as it matters here.
pub(super) struct Opinion<'a> {
    pub(super) name: String,
    /// What fails together with it: its zone or host.
    pub(super) zone: String,
    pub(super) topology: &'a Topology,
    pub(super) is_ok: bool,
    /// For a replica: it has a connection to its primary.
    pub(super) is_linked: bool,
}

/// All troubles of the cluster, the worst first.
pub(super) fn troubles(view: &View) -> Vec<Trouble> {
    let opinions: Vec<Opinion> = view
        .seen()
        .map(|seen| Opinion {
            name: view.name(&seen.id),
            zone: seen.zone(),
            topology: &seen.topology,
            is_ok: seen.is_ok,
            is_linked: seen.info.get("master_link_status").is_none_or(|status| status == "up"),
        })
        .collect();
    let mut troubles: Vec<Trouble> = view
        .members
        .iter()
        .filter_map(|member| {
            let stop = member.seen.as_ref().err()?;
            let node = member.place.to_string();
            Some(match stop.exit() {
                Exit::Locked => Trouble::PasswordDiffers { node, why: stop.text().to_owned() },
                _ => Trouble::Unreachable { node, why: stop.text().to_owned() },
            })
        })
        .collect();
    let strangers = view.seen().filter(|seen| seen.client.has_no_password);
    troubles.extend(strangers.map(|seen| Trouble::PasswordDiffers {
        node: view.name(&seen.id),
        why: "It has no password, and one was given.".into(),
    }));
    troubles.extend(of(&opinions));
    troubles
}

/// Troubles of a cluster whose nodes say this. The first is the one that was asked.
pub(super) fn of(opinions: &[Opinion]) -> Vec<Trouble> {
    let Some(first) = opinions.first() else { return Vec::new() };
    let mut troubles = Vec::new();
    uncovered(first, &mut troubles);
    failed(opinions, &mut troubles);
    opinions.iter().for_each(|opinion| open(opinion, &mut troubles));
    disagreement(opinions, &mut troubles);
    links(opinions, &mut troubles);
    let down = opinions.iter().filter(|opinion| !opinion.is_ok);
    troubles.extend(down.map(|opinion| Trouble::Down { node: opinion.name.clone() }));
    together(opinions, &mut troubles);
    troubles
}

fn uncovered(first: &Opinion, troubles: &mut Vec<Trouble>) {
    let slots = first.topology.uncovered();
    if !slots.is_empty() {
        troubles.push(Trouble::Uncovered { slots });
    }
}

/// Nodes that the cluster calls down, and such as some node suspects.
fn failed(opinions: &[Opinion], troubles: &mut Vec<Trouble>) {
    let mut told = BTreeMap::new();
    for opinion in opinions {
        for (index, node) in opinion
            .topology
            .nodes()
            .filter(|(_, node)| node.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL))
        {
            let slots = opinion.topology.slots_of(index);
            told.entry(node.id)
                .or_insert_with(|| Trouble::Failed { node: name_in(opinion.topology, &node.id), slots });
        }
    }
    troubles.extend(told.into_values());
}

/// Slots on their way, grouped by where to.
fn open(opinion: &Opinion, troubles: &mut Vec<Trouble>) {
    let leaving = opinion.topology.all_migrating().map(|(slot, peer)| (slot, peer, Way::Leaving));
    let arriving = opinion.topology.all_importing().map(|(slot, peer)| (slot, peer, Way::Arriving));
    let mut groups: BTreeMap<(Way, NodeIndex), SlotSet> = BTreeMap::new();
    for (slot, peer, way) in leaving.chain(arriving) {
        groups.entry((way, peer)).or_default().insert(slot);
    }
    let told = groups.into_iter().map(|((way, peer), slots)| Trouble::Open {
        node: opinion.name.clone(),
        peer: name_in(opinion.topology, &opinion.topology.node(peer).id),
        way,
        slots,
    });
    troubles.extend(told);
}

/// Nodes that see other owners, other roles or other members than the first.
fn disagreement(opinions: &[Opinion], troubles: &mut Vec<Trouble>) {
    let Some((first, others)) = opinions.split_first() else { return };
    let theirs = facts(first.topology);
    for other in others {
        let own = facts(other.topology);
        if own != theirs {
            let differs = |id: &&NodeId| own.get(id) != theirs.get(id);
            let about: BTreeSet<_> = own.keys().chain(theirs.keys()).filter(differs).collect();
            let about = about
                .into_iter()
                .map(|id| name_in(if own.contains_key(id) { other.topology } else { first.topology }, id));
            troubles.push(Trouble::Disagree {
                node: other.name.clone(),
                with: first.name.clone(),
                about: about.collect(),
            });
        }
    }
}

/// What nodes must agree about: of each node whose replica it is, and its slots.
pub(super) fn facts(topology: &Topology) -> BTreeMap<NodeId, (Option<NodeId>, SlotSet)> {
    let is_member = |(_, node): &(NodeIndex, &Node)| !node.flags.contains(NodeFlags::HANDSHAKE);
    let fact = |(index, node): (NodeIndex, &Node)| {
        (node.id, (node.primary.map(|primary| topology.node(primary).id), topology.slots_of(index)))
    };
    topology.nodes().filter(is_member).map(fact).collect()
}

/// Nodes that others have no bus connection to, and replicas that have none to their primary.
fn links(opinions: &[Opinion], troubles: &mut Vec<Trouble>) {
    let mut without: BTreeMap<NodeId, (String, u16, Vec<String>)> = BTreeMap::new();
    for opinion in opinions {
        for (_, node) in opinion.topology.nodes() {
            let is_up = !node.flags.intersects(NodeFlags::FAIL | NodeFlags::PFAIL | NodeFlags::MYSELF);
            if is_up && node.link == LinkState::Disconnected {
                let told = || (name_in(opinion.topology, &node.id), node.bus_port, Vec::new());
                without.entry(node.id).or_insert_with(told).2.push(opinion.name.clone());
            }
        }
    }
    troubles.extend(without.into_values().map(|(node, port, from)| Trouble::NoLink { node, port, from }));
    let cut_off = opinions.iter().filter(|opinion| !opinion.is_linked);
    troubles.extend(cut_off.map(|opinion| Trouble::ReplicaCutOff { replica: opinion.name.clone() }));
}

/// What would fail together: replicas beside their primaries, a majority of primaries, shards of one node.
fn together(opinions: &[Opinion], troubles: &mut Vec<Trouble>) {
    let zones: BTreeMap<NodeId, (&str, &str)> = opinions
        .iter()
        .filter_map(|opinion| {
            let id = opinion.topology.node(opinion.topology.myself()?).id;
            Some((id, (opinion.name.as_str(), opinion.zone.as_str())))
        })
        .collect();
    let topology = opinions[0].topology;
    let primaries: Vec<_> = topology.nodes().filter(|(index, _)| topology.has_slots(*index)).collect();
    for (index, node) in &primaries {
        if topology.replicas_of(*index).is_empty() {
            troubles.push(Trouble::NoReplica { primary: name_in(topology, &node.id) });
        }
    }
    let all_zones: BTreeSet<_> = zones.values().map(|(_, zone)| *zone).collect();
    if all_zones.len() == 1 && zones.len() > 1 {
        let host = all_zones.into_iter().collect();
        return troubles.push(Trouble::AllOnOneHost { host });
    }
    majority(&primaries, &zones, troubles);
    for (index, node) in primaries {
        let beside =
            topology.replicas_of(index).iter().filter_map(|replica| zones.get(&topology.node(*replica).id));
        let own = zones.get(&node.id);
        troubles.extend(beside.filter(|(_, zone)| own.is_some_and(|own| own.1 == *zone)).map(
            |(replica, zone)| Trouble::ReplicaBesidePrimary {
                replica: (*replica).to_owned(),
                primary: name_in(topology, &node.id),
                host: (*zone).to_owned(),
            },
        ));
    }
}

fn majority(
    primaries: &[(NodeIndex, &Node)],
    zones: &BTreeMap<NodeId, (&str, &str)>,
    troubles: &mut Vec<Trouble>,
) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, zone) in primaries.iter().filter_map(|(_, node)| zones.get(&node.id)) {
        *counts.entry(zone).or_default() += 1;
    }
    let all = primaries.len();
    troubles.extend(
        counts
            .into_iter()
            .filter(|(_, count)| all > 1 && *count > all / 2)
            .map(|(host, count)| Trouble::MajorityOnHost { host: host.to_owned(), count, all }),
    );
}

#[cfg(test)]
mod tests;
