//! A topology from its plain data: the way back, for functions that take a view as an argument.

use slotway_core::epoch::{ConfigEpoch, Epoch};
use slotway_core::id::NodeId;
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::topology::view::{LinkView, NodeView, RangeView, StateView, TopologyView};
use slotway_core::topology::{
    ClusterState, LinkState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder,
};
use wasm_bindgen::JsValue;

use crate::input::type_error;

/// The topology that `view` shows. A view that contradicts itself is a `TypeError` that says how.
pub(crate) fn topology_of(view: &JsValue) -> Result<Topology, JsValue> {
    let view: TopologyView = serde_wasm_bindgen::from_value(view.clone())
        .map_err(|error| type_error(&format!("topology is not what parseTopology returns: {error}")))?;
    rebuild(&view).map_err(|problem| type_error(&format!("topology: {problem}")))
}

fn rebuild(view: &TopologyView) -> Result<Topology, String> {
    let mut builder = TopologyBuilder::new(view.version);
    builder.state(match view.state {
        StateView::Ok => ClusterState::Ok,
        StateView::Fail => ClusterState::Fail,
    });
    builder.current_epoch(Epoch::new(view.current_epoch));
    let indexes = view
        .nodes
        .iter()
        .map(|told| Ok(builder.node(node(told, view.myself.as_deref())?)))
        .collect::<Result<Vec<_>, String>>()?;
    let find = |id: &str| {
        let at = view.nodes.iter().position(|told| told.id == id);
        at.map(|at| indexes[at]).ok_or_else(|| format!("node {id} is named but not described"))
    };
    // The node whose view it is: what counts is its name, and not the flag of a node that once was it.
    if let Some(myself) = &view.myself {
        find(myself)?;
    }
    for (told, &index) in view.nodes.iter().zip(&indexes) {
        builder.own(index, told.ranges.iter().map(range).collect::<Result<Vec<_>, _>>()?);
        if let Some(primary) = &told.primary_id {
            builder.set_primary(index, find(primary)?);
        }
    }
    open_slots(view, find, &mut builder)?;
    builder.build().map_err(|error| error.to_string())
}

fn open_slots(
    view: &TopologyView,
    find: impl Fn(&str) -> Result<NodeIndex, String>,
    builder: &mut TopologyBuilder,
) -> Result<(), String> {
    for open in &view.migrating {
        builder.migrating(slot(open.slot)?, find(&open.node)?);
    }
    for open in &view.importing {
        builder.importing(slot(open.slot)?, find(&open.node)?);
    }
    Ok(())
}

fn node(told: &NodeView, myself: Option<&str>) -> Result<Node, String> {
    let id = NodeId::parse(told.id.as_bytes()).ok_or_else(|| format!("{:?} is no node id", told.id))?;
    let flags = told.flags.iter().filter_map(|name| NodeFlags::parse_name(name));
    let mut flags = flags.fold(NodeFlags::NONE, NodeFlags::with);
    flags.set(NodeFlags::MYSELF, myself == Some(&told.id));
    Ok(Node {
        flags,
        ip: told.ip.clone(),
        port: told.port,
        bus_port: told.bus_port,
        hostname: told.hostname.clone(),
        endpoint: (told.host != told.ip).then(|| told.host.clone()),
        config_epoch: ConfigEpoch::new(told.config_epoch),
        link: match told.link_state {
            LinkView::Connected => LinkState::Connected,
            LinkView::Disconnected => LinkState::Disconnected,
        },
        ..Node::new(id)
    })
}

fn range(&(start, end): &RangeView) -> Result<SlotRange, String> {
    SlotRange::new(slot(start)?, slot(end)?)
        .ok_or_else(|| format!("range {start}-{end} ends before it begins"))
}

fn slot(number: u16) -> Result<Slot, String> {
    Slot::new(number).ok_or_else(|| format!("{number} is no slot"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::topology::parse::{ParseOptions, nodes_text};

    const NODES: &str = "\
        07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7000@17000,host-a myself,master - 0 0 1 connected 0-99 200 [93->-e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca]\n\
        e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:7001@17001 master,fail? - 0 0 2 disconnected 300-400\n\
        6ec23923021cf3ffec47632106199cb7f496ce01 127.0.0.1:7002@17002 slave 07c37dfeb235213a872192d90877d0cd55635b91 0 0 1 connected\n";

    fn view() -> TopologyView {
        let options = ParseOptions { version: 7, ..ParseOptions::default() };
        TopologyView::of(&nodes_text(NODES, &options).expect("a well-formed text"))
    }

    #[test]
    fn a_topology_rebuilt_from_its_view_has_that_view() {
        let rebuilt = rebuild(&view()).expect("a view of a topology");
        assert_eq!(TopologyView::of(&rebuilt), view());
    }

    #[test]
    fn whose_view_it_is_says_the_field_and_not_a_flag() {
        let seen_by = |myself: Option<&str>| {
            // Slots that are open are those of the node that told the view.
            let (migrating, importing) = (Vec::new(), Vec::new());
            let view = TopologyView { myself: myself.map(String::from), migrating, importing, ..view() };
            let rebuilt = rebuild(&view).expect("a view");
            rebuilt.myself().map(|index| rebuilt.node(index).port)
        };
        assert_eq!(seen_by(Some("e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca")), Some(7001));
        assert_eq!(seen_by(None), None);
    }

    #[test]
    fn a_view_that_contradicts_itself_is_refused_in_words() {
        let broken = |change: fn(&mut TopologyView)| {
            let mut view = view();
            change(&mut view);
            rebuild(&view).expect_err("a contradiction")
        };
        assert_eq!(broken(|view| view.nodes[0].ranges = vec![(9, 3)]), "range 9-3 ends before it begins");
        assert_eq!(broken(|view| view.nodes[0].ranges = vec![(0, 16384)]), "16384 is no slot");
        assert_eq!(broken(|view| view.nodes[0].id = "x".into()), "\"x\" is no node id");
        assert_eq!(broken(|view| view.myself = Some("x".into())), "node x is named but not described");
        assert_eq!(broken(|view| view.migrating[0].node = "x".into()), "node x is named but not described");
    }
}
