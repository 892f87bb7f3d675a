//! What each node says of itself and of the cluster, at one moment, all asked side by side.

use std::collections::BTreeMap;
use std::thread;

use slotway_core::id::NodeId;
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::parse::{ParseOptions, nodes_text};
use slotway_core::topology::{Node, NodeFlags, NodeIndex, Topology};

use super::client::{Access, Client};
use super::exit::Stop;
use super::place::Place;

/// Nodes asked at one time.
const ASKED_AT_ONCE: usize = 64;

/// What one node says.
pub(super) struct Seen {
    pub(super) client: Client,
    pub(super) id: NodeId,
    pub(super) topology: Topology,
    /// It calls the cluster well.
    pub(super) is_ok: bool,
    /// The fields of INFO.
    pub(super) info: BTreeMap<String, String>,
    /// How many keys it holds.
    pub(super) keys: u64,
}

/// A node of the cluster, and what it says, or why it says nothing.
pub(super) struct Member {
    pub(super) id: NodeId,
    pub(super) place: Place,
    pub(super) seen: Result<Seen, Stop>,
}

/// The cluster, as it told itself when asked.
pub(super) struct View {
    /// The node that was asked first, then those that it knows.
    pub(super) members: Vec<Member>,
}

impl Seen {
    /// Asks the node at `place`.
    ///
    /// # Errors
    /// It cannot be reached, lets nobody in, or is no node of a cluster.
    pub(super) fn ask(access: &Access, place: &Place) -> Result<Self, Stop> {
        let mut client = Client::connect(access, place)?;
        let text = client.text(&["CLUSTER", "NODES"]).map_err(|stop| not_a_cluster(place, stop))?;
        let options = ParseOptions { queried_host: Some(place.host.clone()), version: 0 };
        let topology = nodes_text(&text, &options)
            .map_err(|error| Stop::refused(format!("{place} tells a cluster that cannot be: {error}.")))?;
        let myself = topology
            .myself()
            .ok_or_else(|| Stop::refused(format!("{place} does not tell which node it is.")))?;
        let is_ok = client.text(&["CLUSTER", "INFO"])?.lines().any(|line| line == "cluster_state:ok");
        let info = fields(&client.text(&["INFO"])?);
        let keys = client.number(&["DBSIZE"])?;
        Ok(Self { client, id: topology.node(myself).id, topology, is_ok, info, keys })
    }

    /// The node itself, as it sees itself.
    pub(super) fn node(&self) -> &Node {
        self.topology.node(self.index())
    }

    /// Its place in its own topology.
    pub(super) fn index(&self) -> NodeIndex {
        // `ask` refuses a topology without it.
        self.topology.myself().expect("a node's own picture has the node")
    }

    /// It is a replica, and gets what its primary writes.
    pub(super) fn is_in_step(&self) -> bool {
        self.node().is_replica() && self.info.get("master_link_status").is_some_and(|status| status == "up")
    }

    /// The slots that it says it serves.
    pub(super) fn slots(&self) -> SlotSet {
        self.topology.slots_of(self.index())
    }

    /// A field of INFO that is a number.
    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.info.get(field)?.parse().ok()
    }

    /// `Slotway 0.1.0`, `Redis 7.0.15`, `Valkey 8.0.1`.
    pub(super) fn software(&self) -> String {
        let known =
            [("slotway_version", "Slotway"), ("valkey_version", "Valkey"), ("redis_version", "Redis")];
        let named = known.iter().find_map(|(field, name)| Some(format!("{name} {}", self.info.get(*field)?)));
        named.unwrap_or_else(|| "unknown".into())
    }

    /// The zone that it announces, else the host: what fails together.
    pub(super) fn zone(&self) -> String {
        let zone = self.info.get("availability_zone").filter(|zone| !zone.is_empty());
        let node = self.node();
        let address = if node.ip.is_empty() { &self.client.place().host } else { &node.ip };
        zone.unwrap_or(address).clone()
    }
}

impl View {
    /// Asks the node at `place`, then all that it knows.
    ///
    /// # Errors
    /// That first node cannot be asked. Of others it is told by [`Member::seen`].
    pub(super) fn load(access: &Access, place: &Place) -> Result<Self, Stop> {
        let first = Seen::ask(access, place)?;
        let is_reachable = |node: &&Node| {
            !node.flags.intersects(NodeFlags::MYSELF | NodeFlags::NOADDR | NodeFlags::HANDSHAKE)
        };
        let others: Vec<_> = first
            .topology
            .nodes()
            .map(|(_, node)| node)
            .filter(is_reachable)
            .map(|node| (node.id, place_of(node)))
            .collect();
        let mut members = Vec::with_capacity(others.len() + 1);
        for some in others.chunks(ASKED_AT_ONCE) {
            members.extend(ask_all(access, some));
        }
        members.insert(0, Member { id: first.id, place: place.clone(), seen: Ok(first) });
        Ok(Self { members })
    }

    /// The same, where each node must answer.
    ///
    /// # Errors
    /// A node does not.
    pub(super) fn load_whole(access: &Access, place: &Place) -> Result<Self, Stop> {
        let view = Self::load(access, place)?;
        match view.members.iter().find_map(|member| member.seen.as_ref().err()) {
            Some(stop) => Err(stop.clone()),
            None => Ok(view),
        }
    }

    /// The cluster, as the node sees it that was asked first.
    pub(super) fn topology(&self) -> &Topology {
        &self.first().topology
    }

    /// The node that was asked first.
    pub(super) fn first(&self) -> &Seen {
        // `load` puts it there only if it answered.
        self.members[0].seen.as_ref().expect("the first node answered")
    }

    /// All that answered.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Seen> {
        self.members.iter().filter_map(|member| member.seen.as_ref().ok())
    }

    /// The same, to talk to.
    pub(super) fn seen_mut(&mut self) -> impl Iterator<Item = &mut Seen> {
        self.members.iter_mut().filter_map(|member| member.seen.as_mut().ok())
    }

    /// The primaries that answered, in the order in which they were told.
    pub(super) fn primaries(&self) -> impl Iterator<Item = &Seen> {
        self.seen().filter(|seen| !seen.node().is_replica())
    }

    /// The node of that name.
    ///
    /// # Errors
    /// It is not known, or does not answer.
    pub(super) fn member(&self, id: &NodeId) -> Result<&Seen, Stop> {
        let member = self.members.iter().find(|member| member.id == *id);
        let member = member.ok_or_else(|| Stop::refused(format!("Node {id} is not in this cluster.")))?;
        member.seen.as_ref().map_err(Clone::clone)
    }

    /// A connection to the node of that name.
    ///
    /// # Errors
    /// It is not known, or does not answer.
    pub(super) fn client(&mut self, id: &NodeId) -> Result<&mut Client, Stop> {
        let member = self.members.iter_mut().find(|member| member.id == *id);
        let member = member.ok_or_else(|| Stop::refused(format!("Node {id} is not in this cluster.")))?;
        member.seen.as_mut().map(|seen| &mut seen.client).map_err(|stop| stop.clone())
    }

    /// Which node is meant by `name`: an id, the beginning of one that only one node has, or a place.
    ///
    /// # Errors
    /// None is, or several are.
    pub(super) fn find(&self, name: &str) -> Result<NodeId, Stop> {
        let is_meant = |node: &&Node| {
            let id = node.id.as_str();
            let places = [&node.ip, node.hostname.as_ref().unwrap_or(&node.ip)];
            let is_place = places
                .iter()
                .any(|host| Place { host: (*host).clone(), port: node.port }.to_string() == name);
            is_place || id == name || (name.len() >= 4 && id.starts_with(name))
        };
        let by_place =
            self.members.iter().find(|member| member.place.to_string() == name).map(|member| member.id);
        let mut found = self.topology().nodes().map(|(_, node)| node).filter(is_meant).map(|node| node.id);
        match (by_place, found.next(), found.next()) {
            (Some(id), _, _) | (None, Some(id), None) => Ok(id),
            (None, Some(_), Some(_)) => {
                Err(Stop::refused(format!("'{name}' begins the ids of several nodes: write more of it.")))
            }
            (None, None, _) => Err(Stop::refused(format!(
                "Node '{name}' is not in this cluster. Name it by host:port, by its id or by how that begins; `slotway cluster info {}` lists them.",
                self.members[0].place
            ))),
        }
    }

    /// How a node is called when it is told of.
    pub(super) fn name(&self, id: &NodeId) -> String {
        let known =
            self.members.iter().find(|member| member.id == *id).map(|member| member.place.to_string());
        known.unwrap_or_else(|| name_in(self.topology(), id))
    }
}

/// How a node is called that is told of in `topology`.
pub(super) fn name_in(topology: &Topology, id: &NodeId) -> String {
    let known = topology.find(id).map(|index| topology.node(index));
    match known {
        Some(node) if !node.ip.is_empty() => place_of(node).to_string(),
        _ => format!("{}...", &id.as_str()[..8]),
    }
}

fn ask_all(access: &Access, nodes: &[(NodeId, Place)]) -> Vec<Member> {
    thread::scope(|scope| {
        let ask = |(id, place): &(NodeId, Place)| {
            let (id, place) = (*id, place.clone());
            scope.spawn(move || Member { id, seen: Seen::ask(access, &place), place })
        };
        let asked: Vec<_> = nodes.iter().map(ask).collect();
        // A panic of ours is not to be hidden.
        asked.into_iter().map(|thread| thread.join().expect("asking does not panic")).collect()
    })
}

fn place_of(node: &Node) -> Place {
    Place { host: node.ip.clone(), port: node.port }
}

fn not_a_cluster(place: &Place, stop: Stop) -> Stop {
    match stop.text().contains("cluster support disabled") {
        true => Stop::refused(format!(
            "{place} is a server without cluster mode. Start it with `cluster-enabled yes` to use it in a cluster; \
             `slotway cluster import` copies its keys into one."
        )),
        false => stop,
    }
}

fn fields(info: &str) -> BTreeMap<String, String> {
    let field = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    info.lines().filter_map(|line| field(line.trim_end())).collect()
}
