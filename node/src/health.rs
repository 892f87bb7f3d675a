//! Whether a node is well, for those who look after it: `/healthz`, `/readyz`, and the socket of `slotway ping`.
//!
//! *Alive* is who answers at all: another process would be no better, so nothing but silence is a reason to start one. *Ready* is a node
//! that clients can be sent to: its data is loaded, a replica's is its primary's, all slots have an owner, the cluster is up, and nothing in the
//! node's view is about to change. It is not while an owner of slots does not answer, or is down and nobody has taken over yet, or while two
//! claim slots by one epoch: then the views of the nodes differ, or soon will. A node that is down and owns nothing is no reason.
//!
//! The health socket (`health-socket`) answers whoever runs in the same container, whatever port, password and TLS the node has been given
//! since: one line, `PONG`, and one more, `ready` or why not. A name with `@` needs no file, and holds for one container: its process
//! namespace is part of it, so that containers which share the network of their host do not meet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use slotway_core::topology::{ClusterState, Node, NodeFlags, NodeIndex, Topology};
use slotway_engine::node::Node as _;
use tokio::io::AsyncWriteExt as _;

use crate::log::Log;
use crate::shared::Shared;

/// Most bytes of an answer.
const ANSWER_LEN_MAX: u64 = 4096;

/// How some nodes are; those of one process stand for each other.
#[derive(Clone)]
pub(crate) struct Health {
    nodes: Arc<[Arc<Shared>]>,
}

impl Health {
    pub(crate) fn of(nodes: Vec<Arc<Shared>>) -> Self {
        Self { nodes: nodes.into() }
    }

    /// The nodes.
    pub(crate) fn nodes(&self) -> &[Arc<Shared>] {
        &self.nodes
    }

    /// Whether clients can be sent here.
    ///
    /// # Errors
    /// Why not, in a few words.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.nodes.iter().try_for_each(|node| is_ready(node))
    }
}

/// Whether clients can be sent to `node`.
///
/// # Errors
/// Why not, in a few words.
pub(crate) fn is_ready(node: &Shared) -> Result<(), String> {
    if node.replication.is_loading() {
        return Err("loading the data".into());
    }
    if node.replication.is_cut_off() {
        return Err("the link to the primary is down".into());
    }
    let Some(topology) = node.topology() else { return Ok(()) };
    let uncovered = topology.uncovered().len();
    match topology.state() {
        _ if uncovered > 0 => Err(format!("{uncovered} slots have no node")),
        ClusterState::Ok => is_settled(&topology),
        ClusterState::Fail => Err("the cluster is down".into()),
    }
}

/// Whether the view of a node is one that lasts, as far as a node can tell by itself.
///
/// # Errors
/// Why not, in a few words.
fn is_settled(topology: &Topology) -> Result<(), String> {
    let owners: BTreeSet<NodeIndex> = topology.owned_ranges().map(|(_, owner)| owner).collect();
    let mut epochs = BTreeMap::new();
    for index in owners {
        let Node { id, flags, config_epoch, .. } = topology.node(index);
        let slots = || topology.slots_of(index).len();
        if flags.contains(NodeFlags::FAIL) {
            return Err(format!("node {id} is down, and nobody has taken over its {} slots", slots()));
        }
        if flags.contains(NodeFlags::PFAIL) {
            return Err(format!("node {id} does not answer, and owns {} slots", slots()));
        }
        if let Some(other) = epochs.insert(*config_epoch, *id) {
            return Err(format!("nodes {other} and {id} claim slots by the same epoch, {config_epoch}"));
        }
    }
    Ok(())
}

/// Answers on the socket `name`, if it has one, as long as the runtime runs. That it cannot be had is told in `log`, and no reason to
/// serve nobody.
pub(crate) fn serve(name: &str, health: Health, log: &Log) {
    if name.is_empty() {
        return;
    }
    match listen(name) {
        Ok(listener) => drop(tokio::spawn(answer_all(listener, health))),
        Err(error) => log.warning(&format!("No health checks on '{name}': {error}")),
    }
}

fn listen(name: &str) -> io::Result<tokio::net::UnixListener> {
    let listener = match name.strip_prefix('@') {
        Some(name) => UnixListener::bind_addr(&abstract_address(name)?)?,
        None => {
            // A file that nobody listens on is of a process that is gone.
            if Path::new(name).exists() && UnixStream::connect(name).is_err() {
                fs::remove_file(name)?;
            }
            UnixListener::bind(name)?
        }
    };
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    SocketAddr::from_abstract_name(format!("{name}-{}", namespace.display()))
}

async fn answer_all(listener: tokio::net::UnixListener, health: Health) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let ready = health.ready().map_or_else(|why| why, |()| "ready".into());
        // Who does not read it does not need it.
        let _ = stream.write_all(format!("PONG\n{ready}\n").as_bytes()).await;
    }
}

/// What a node that answers says of itself.
pub(crate) struct Answer {
    /// Why clients cannot be sent there yet.
    pub(crate) not_ready: Option<String>,
}

/// Asks the node that listens on the socket `name`.
///
/// # Errors
/// Nobody answers within `timeout`.
pub(crate) fn ask(name: &str, timeout: Duration) -> io::Result<Answer> {
    let stream = match name.strip_prefix('@') {
        Some(name) => UnixStream::connect_addr(&abstract_address(name)?)?,
        None => UnixStream::connect(name)?,
    };
    stream.set_read_timeout(Some(timeout))?;
    let mut text = String::new();
    stream.take(ANSWER_LEN_MAX).read_to_string(&mut text)?;
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some("PONG"), Some("ready")) => Ok(Answer { not_ready: None }),
        (Some("PONG"), Some(why)) => Ok(Answer { not_ready: Some(why.into()) }),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("unexpected answer {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use slotway_core::epoch::ConfigEpoch;
    use slotway_core::id::NodeId;
    use slotway_core::plan;
    use slotway_core::topology::TopologyBuilder;

    use super::*;
    use crate::log::Level;

    /// Two that own all slots, and one that owns none, each with an epoch and a flag more.
    fn view(nodes: [(u64, NodeFlags); 3]) -> Result<(), String> {
        let mut cluster = TopologyBuilder::new(1);
        let mut indexes = Vec::new();
        for (number, (epoch, flag)) in nodes.into_iter().enumerate() {
            let mut node = Node::new(NodeId::from_random([number as u8; 20]));
            node.config_epoch = ConfigEpoch::new(epoch);
            node.flags = node.flags.with(flag);
            indexes.push(cluster.node(node));
        }
        for (ranges, index) in plan::spread(2).into_iter().zip(indexes) {
            cluster.own(index, ranges);
        }
        is_settled(&cluster.build().unwrap())
    }

    #[test]
    fn a_view_lasts_while_owners_are_well_and_claim_by_epochs_of_their_own() {
        let (none, pfail, fail) = (NodeFlags::default(), NodeFlags::PFAIL, NodeFlags::FAIL);
        assert_eq!(view([(1, none), (2, none), (2, none)]), Ok(()));
        assert_eq!(view([(1, none), (2, none), (0, fail)]), Ok(()), "it owns nothing");
        for (nodes, words) in [
            ([(1, none), (2, pfail), (3, none)], "does not answer, and owns 8192 slots"),
            ([(1, fail), (2, none), (3, none)], "is down, and nobody has taken over its 8192 slots"),
            ([(1, none), (1, none), (3, none)], "claim slots by the same epoch, 1"),
        ] {
            let why = view(nodes).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
    }

    /// A name of this process alone.
    fn own_name(word: &str) -> String {
        format!("@slotway-{word}-{}", std::process::id())
    }

    fn answer(name: &str) -> Answer {
        let runtime = crate::runtime::current_thread().unwrap();
        let log = Log::open("", Level::Nothing).unwrap();
        runtime.block_on(async {
            serve(name, Health::of(Vec::new()), &log);
            let name = name.to_owned();
            let asking = tokio::task::spawn_blocking(move || ask(&name, Duration::from_secs(5)));
            asking.await.unwrap().unwrap()
        })
    }

    #[test]
    fn a_socket_with_a_file_or_without_answers() {
        assert_eq!(answer(&own_name("health")).not_ready, None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("health");
        // The second time the file is there already, of a process that is gone.
        for _ in 0..2 {
            assert_eq!(answer(path.to_str().unwrap()).not_ready, None);
        }
    }

    #[test]
    fn nobody_there_is_an_error() {
        assert!(ask(&own_name("nobody"), Duration::from_secs(1)).is_err());
    }
}
