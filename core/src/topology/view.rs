//! A topology as plain data for JSON and JavaScript: what the page draws and what `GET /api/topology` answers.
//!
//! Field names are camelCase there. Nodes name each other by id, slots are numbers, ranges are `[first, last]`.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{ClusterState, Health, LinkState, Node, NodeIndex, Role, Topology};
use crate::slot::Slot;
use crate::slot_set::SlotSet;

/// First and last slot of a range.
pub type RangeView = (u16, u16);

/// A whole topology.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopologyView {
    /// Which picture this is; it grows.
    pub version: u64,
    /// Whether the cluster takes commands.
    pub state: StateView,
    /// The cluster's logical time.
    pub current_epoch: u64,
    /// The id of the node whose picture this is, if it is a node's.
    pub myself: Option<String>,
    /// All known nodes.
    pub nodes: Vec<NodeView>,
    /// Slots that `myself` is moving away.
    pub migrating: Vec<OpenSlotView>,
    /// Slots that `myself` is fetching.
    pub importing: Vec<OpenSlotView>,
    /// Slots that nobody serves.
    pub uncovered: Vec<RangeView>,
}

/// One node.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// Its name.
    pub id: String,
    /// Where to connect to; may be empty.
    pub host: String,
    /// Its address; empty while nobody knows it.
    pub ip: String,
    /// The host name it announces, if it does.
    pub hostname: Option<String>,
    /// Its port for clients: the one without TLS if it has one.
    pub port: u16,
    /// Its port for other nodes, 0 if unknown.
    pub bus_port: u16,
    /// What it is to its shard.
    pub role: RoleView,
    /// Whose replica it is.
    pub primary_id: Option<String>,
    /// Its flags, in the words of CLUSTER NODES.
    pub flags: Vec<String>,
    /// Since when its shard has its slots.
    pub config_epoch: u64,
    /// Whether `myself` has a connection to it.
    pub link_state: LinkView,
    /// How it is.
    pub health: HealthView,
    /// The slots it serves.
    pub ranges: Vec<RangeView>,
    /// How many slots it serves.
    pub slots: usize,
}

/// A slot on its way, and the node at the other end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSlotView {
    /// The slot.
    pub slot: u16,
    /// The id of the target (migrating) or the source (importing).
    pub node: String,
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident of $of:ident { $($variant:ident),* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum $name {
            $(#[doc = concat!("[`", stringify!($of), "::", stringify!($variant), "`]")] $variant,)*
        }

        impl From<$of> for $name {
            fn from(value: $of) -> Self {
                match value {
                    $($of::$variant => $name::$variant,)*
                }
            }
        }
    };
}

word! {
    /// `ok` or `fail`.
    StateView of ClusterState { Ok, Fail }
}
word! {
    /// `primary` or `replica`.
    RoleView of Role { Primary, Replica }
}
word! {
    /// `connected` or `disconnected`.
    LinkView of LinkState { Connected, Disconnected }
}
word! {
    /// `online`, `failed` or `loading`.
    HealthView of Health { Online, Failed, Loading }
}

impl TopologyView {
    /// The plain data of `topology`.
    pub fn of(topology: &Topology) -> Self {
        Self {
            version: topology.version(),
            state: topology.state().into(),
            current_epoch: topology.current_epoch().get(),
            myself: topology.myself().map(|index| id_of(topology, index)),
            nodes: topology.nodes().map(|(index, node)| node_view(topology, index, node)).collect(),
            migrating: topology.all_migrating().map(|open| open_view(topology, open)).collect(),
            importing: topology.all_importing().map(|open| open_view(topology, open)).collect(),
            uncovered: ranges_of(&topology.uncovered()),
        }
    }
}

/// The ranges of `slots` as pairs of numbers.
pub fn ranges_of(slots: &SlotSet) -> Vec<RangeView> {
    slots.ranges().map(|range| (range.start().get(), range.end().get())).collect()
}

fn node_view(topology: &Topology, index: NodeIndex, node: &Node) -> NodeView {
    let slots = topology.slots_of(index);
    NodeView {
        id: node.id.into(),
        host: node.host().into(),
        ip: node.ip.clone(),
        hostname: node.hostname.clone(),
        port: if node.port == 0 { node.tls_port } else { node.port },
        bus_port: node.bus_port,
        role: node.role().into(),
        primary_id: node.primary.map(|primary| id_of(topology, primary)),
        flags: node.flags.names().map(String::from).collect(),
        config_epoch: topology.config_epoch(index).get(),
        link_state: node.link.into(),
        health: node.health().into(),
        ranges: ranges_of(&slots),
        slots: slots.len(),
    }
}

fn open_view(topology: &Topology, (slot, peer): (Slot, NodeIndex)) -> OpenSlotView {
    OpenSlotView { slot: slot.get(), node: id_of(topology, peer) }
}

fn id_of(topology: &Topology, index: NodeIndex) -> String {
    topology.node(index).id.into()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use serde_json::json;

    #[test]
    fn the_json_of_a_topology_has_the_fields_that_the_page_reads() {
        let view = serde_json::to_value(TopologyView::of(&samples::three_primaries_one_replica())).unwrap();
        assert_eq!(view["version"], 7);
        assert_eq!(view["state"], "fail");
        assert_eq!(view["myself"], samples::id(1).as_str());
        assert_eq!(view["migrating"], json!([{"slot": 93, "node": samples::id(3).as_str()}]));
        assert_eq!(view["importing"], json!([{"slot": 16000, "node": samples::id(3).as_str()}]));
        assert_eq!(view["uncovered"], json!([[100, 100]]));
        let replica = json!({
            "id": samples::id(4).as_str(), "host": "10.0.0.4", "ip": "10.0.0.4", "hostname": null, "port": 7004,
            "busPort": 17004, "role": "replica", "primaryId": samples::id(1).as_str(), "flags": ["slave"],
            "configEpoch": 1, "linkState": "connected", "health": "online", "ranges": [], "slots": 0,
        });
        assert_eq!(view["nodes"][3], replica);
        assert_eq!(view["nodes"][0]["ranges"], json!([[0, 99], [101, 5460]]));
        assert_eq!(view["nodes"][0]["slots"], 5460);
        let again: TopologyView = serde_json::from_value(view.clone()).unwrap();
        assert_eq!(serde_json::to_value(again).unwrap(), view);
    }
}
