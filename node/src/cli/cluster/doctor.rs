//! `slotway doctor`: looks at a cluster as a client does, from where it stands, and says what is wrong and what mends it.
//!
//! Nodes that are not in the cluster yet may be named too: then it says whether they could join.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use slotway_core::topology::parse::{ParseOptions, slots_reply};
use slotway_core::topology::{LinkState, Node, Topology};

use super::Common;
use super::check::{Trouble, troubles};
use super::client::{Access, Client};
use super::console::Console;
use super::exit::{Exit, Stop};
use super::info::tell;
use super::place::Place;
use super::view::{Seen, View};

/// How long a bus port may take to take a connection.
const BUS_PATIENCE: Duration = Duration::from_secs(3);

const EXAMPLES: &str = "\
Examples:
  slotway doctor redis-1:7000                      a cluster
  slotway doctor redis-1:7000 redis-2:7000 redis-3:7000     nodes that are to become one: can they?
  SLOTWAY_PASSWORD=secret slotway doctor redis-1:7000 --json

Run it where your clients run: it sees what they see. Ends with 1 if something is wrong.";

/// Say in plain words what is wrong, as a client sees it from here, and what mends it.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// A node of the cluster; more nodes, if they are to be in one cluster
    #[arg(required = true, value_name = "HOST:PORT")]
    nodes: Vec<Place>,
}

/// Say in plain words what is wrong with a cluster, and what mends it.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Alone {
    #[command(flatten)]
    pub(super) options: Options,
    #[command(flatten)]
    pub(super) common: Common,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let at = &options.nodes[0];
    let views: Vec<_> = options.nodes.iter().map(|place| (place, View::load(access, place))).collect();
    // A node that knows others is of the cluster; those that know nobody are to join it.
    let answered = views.iter().filter_map(|(place, view)| Some((*place, view.as_ref().ok()?)));
    let cluster = { answered }.find(|(_, view)| is_cluster(view));
    let mut found = Vec::new();
    if let Some((place, view)) = cluster {
        found.extend(troubles(view));
        // Whom all others are connected to has its bus port open where it matters, be it closed from here.
        let doubtful = view.seen().filter(|seen| !is_linked_to_all(view, seen));
        found.extend(buses(doubtful.map(|seen| (seen.client.place(), seen.node()))));
        found.extend(addresses(access, place, view)?);
    }
    for (place, view) in &views {
        match view {
            Err(stop) => found.push(unseen(place, stop)),
            Ok(view) => found.extend(apart(place, view, cluster.map(|(_, view)| view))),
        }
    }
    let mut told = BTreeSet::new();
    found.retain(|trouble| told.insert(trouble.sentence()));
    found.sort_by_key(|trouble| !trouble.is_serious());
    if cluster.is_none() && found.is_empty() {
        console.say(format!("These nodes can become a cluster: {}.", joined(&options.nodes, ", ")));
        console.say(format!("  next: slotway cluster create {}", joined(&options.nodes, " ")));
        console.data(&serde_json::json!({ "ok": true, "troubles": [] }));
        return Ok(());
    }
    tell(&found, cluster.map_or(at, |(place, _)| place), console)
}

fn joined(places: &[Place], between: &str) -> String {
    places.iter().map(Place::to_string).collect::<Vec<_>>().join(between)
}

fn is_cluster(view: &View) -> bool {
    view.topology().node_count() > 1 || view.topology().owned_ranges().next().is_some()
}

fn unseen(place: &Place, stop: &Stop) -> Trouble {
    let (node, why) = (place.to_string(), stop.text().to_owned());
    match stop.exit() {
        Exit::Locked => Trouble::PasswordDiffers { node, why },
        Exit::Refused => Trouble::NotACluster { node, why },
        Exit::Unreachable | Exit::Trouble | Exit::Interrupted | Exit::Declined => {
            Trouble::Unreachable { node, why }
        }
    }
}

/// Whether there are others, and all of them have a connection of the bus to this node.
fn is_linked_to_all(view: &View, node: &Seen) -> bool {
    let mut others = view.seen().filter(|seen| seen.id != node.id).peekable();
    let link = |seen: &Seen| seen.topology.find(&node.id).map(|index| seen.topology.node(index).link);
    others.peek().is_some() && others.all(|seen| link(seen) == Some(LinkState::Connected))
}

/// What is in the way of a node that is to join: of the cluster, or of others that know nobody either.
fn apart(place: &Place, view: &View, cluster: Option<&View>) -> Vec<Trouble> {
    let seen = view.first();
    if cluster.is_some_and(|cluster| cluster.topology().find(&seen.id).is_some()) {
        return Vec::new();
    }
    let mut found = cannot_join(place, seen);
    found.extend(buses([(place, seen.node())].into_iter()));
    found
}

/// Why a node is not fit to join a cluster.
pub(super) fn cannot_join(place: &Place, seen: &Seen) -> Vec<Trouble> {
    let node = place.to_string();
    let mut found = Vec::new();
    if seen.client.has_no_password {
        found.push(Trouble::PasswordDiffers {
            node: node.clone(),
            why: "It has no password, and one was given.".into(),
        });
    }
    let nodes = seen.topology.node_count();
    if nodes > 1 || !seen.slots().is_empty() {
        found.push(Trouble::InACluster { node: node.clone(), nodes });
    }
    if seen.keys > 0 {
        found.push(Trouble::NotEmpty { node, keys: seen.keys });
    }
    found
}

/// Bus ports that take no connection from here.
fn buses<'a>(nodes: impl Iterator<Item = (&'a Place, &'a Node)>) -> Vec<Trouble> {
    let closed = |(place, node): (&Place, &Node)| {
        let port = if node.bus_port == 0 { place.port.checked_add(10_000)? } else { node.bus_port };
        let ip = Place { host: if node.ip.is_empty() { place.host.clone() } else { node.ip.clone() }, port }
            .resolve()
            .ok()?;
        let why = match TcpStream::connect_timeout(&SocketAddr::new(ip, port), BUS_PATIENCE) {
            Ok(_) => return None,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => "refused".to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => "no answer".to_owned(),
            Err(error) => error.to_string(),
        };
        Some(Trouble::BusClosed { node: place.to_string(), port, why })
    };
    nodes.filter_map(closed).collect()
}

/// Addresses that clients are told and cannot reach.
fn addresses(access: &Access, place: &Place, view: &View) -> Result<Vec<Trouble>, Stop> {
    let mut client = Client::connect(access, place)?;
    let reply = client.order(&["CLUSTER", "SLOTS"])?;
    let options = ParseOptions { queried_host: Some(place.host.clone()), version: 0 };
    let Ok(told) = slots_reply(&reply, &options) else { return Ok(Vec::new()) };
    let wrong = told.nodes().filter_map(|(_, node)| unreachable_as_told(access, view, &told, node));
    Ok(wrong.collect())
}

fn unreachable_as_told(access: &Access, view: &View, told: &Topology, node: &Node) -> Option<Trouble> {
    let known = view.members.iter().find(|member| member.id == node.id)?;
    let place = Place { host: node.host().to_owned(), port: told.node(told.find(&node.id)?).port };
    if place == known.place {
        return None;
    }
    let stop = Client::connect(access, &place).err()?;
    Some(Trouble::WrongAddress {
        node: known.place.to_string(),
        told: place.to_string(),
        why: stop.text().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use slotway_core::id::NodeId;

    use super::*;

    #[test]
    fn a_bus_port_that_takes_no_connection_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Place { host: "127.0.0.1".into(), port: 7000 };
        let mut node = Node::new(NodeId::from_random([7; 20]));
        node.bus_port = listener.local_addr().unwrap().port();
        assert_eq!(buses([(&place, &node)].into_iter()), []);
        drop(listener);
        let closed = buses([(&place, &node)].into_iter());
        let expected =
            Trouble::BusClosed { node: place.to_string(), port: node.bus_port, why: "refused".into() };
        assert_eq!(closed, [expected]);
    }
}
