//! Looks at a cluster as its clients can: who is how far behind, what slots hold, what moves where. The page's screens over a running cluster
//! are fed by it, whoever serves them.
//!
//! ```text
//!   every second:  each node, side by side -- INFO, CLUSTER NODES, some slots --> Heard
//!                  of all of them --> picture (which cluster is this?), report (nodes, moves), slots (a slice of each primary's)
//! ```
//!
//! `slotway ui` looks at nodes of any make over connections of its own. A node that serves the page asks itself, and its neighbours in the same
//! process, without a connection; others it asks as the replica that it is or may become, and only while somebody looks at the page. Nothing
//! that is asked changes anything.

pub(crate) mod access;
mod link;
mod peer;
mod picture;
mod report;
mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use parking_lot::Mutex;
use slotway_core::id::NodeId;
use slotway_core::topology::{Node, NodeFlags, Topology};
use tokio::sync::{Notify, watch};

use crate::shared::Shared;
use access::{Access, Door};
use peer::Peer;
pub(crate) use report::Report;
pub(crate) use slots::{Column, Slots};

/// How often a node that serves the page looks at the others.
pub(crate) const INTERVAL: Duration = Duration::from_secs(1);
/// After this long without a question nobody looks at the page.
const ATTENTION: Duration = Duration::from_secs(10);
/// How long a question waits for the first look.
const PATIENCE: Duration = Duration::from_secs(5);
/// Nodes asked at one time.
const ASKED_AT_ONCE: usize = 64;

/// The cluster as somebody told it, told anew on each change.
pub(crate) type Topologies = watch::Receiver<Option<Arc<Topology>>>;

/// What has been seen, for those who ask.
#[derive(Clone)]
pub(crate) struct Sight(Arc<Inner>);

struct Inner {
    began: Instant,
    /// When somebody last asked, in milliseconds after `began`; 0 for never.
    asked: AtomicU64,
    wake: Notify,
    report: watch::Sender<Option<Arc<Report>>>,
    slots: Mutex<Slots>,
}

impl Sight {
    fn new() -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            asked: AtomicU64::new(0),
            wake: Notify::new(),
            report: watch::Sender::new(None),
            slots: Mutex::new(Slots::default()),
        }))
    }

    /// The nodes and what moves between them; `None` if nobody could be asked in time.
    pub(crate) async fn report(&self) -> Option<Arc<Report>> {
        self.asked();
        let mut reports = self.0.report.subscribe();
        let first = tokio::time::timeout(PATIENCE, reports.wait_for(Option::is_some)).await;
        first.ok()?.ok()?.clone()
    }

    /// What `read` takes of the slots.
    pub(crate) async fn slots<T>(&self, read: impl FnOnce(&Slots) -> T) -> Option<T> {
        self.report().await?;
        Some(read(&self.0.slots.lock()))
    }

    fn asked(&self) {
        let now = self.0.began.elapsed().as_millis() as u64;
        self.0.asked.store(now.max(1), Ordering::Relaxed);
        self.0.wake.notify_one();
    }

    /// Returns while somebody looks, or once somebody does.
    async fn attention(&self) {
        loop {
            let asked = self.0.asked.load(Ordering::Relaxed);
            let ago = self.0.began.elapsed().saturating_sub(Duration::from_millis(asked));
            if asked > 0 && ago < ATTENTION {
                return;
            }
            self.0.wake.notified().await;
        }
    }
}

/// Looks at the cluster again and again.
pub(crate) struct Observer {
    access: Access,
    /// By the door they are reached at.
    peers: BTreeMap<Door, Peer>,
    /// Nodes of this process.
    inside: Vec<Arc<Shared>>,
    sight: Sight,
}

impl Observer {
    fn new(access: Access, inside: Vec<Arc<Shared>>) -> Self {
        Self { access, peers: BTreeMap::new(), inside, sight: Sight::new() }
    }

    /// Looks in the background at the cluster of `nodes`, of this process, while somebody asks what is seen, as long as the runtime runs.
    pub(crate) fn of_nodes(nodes: &[Arc<Shared>], topologies: Topologies) -> Sight {
        let sight = Sight::new();
        if let Some(first) = nodes.first() {
            let mut observer = Self::new(Access::AsReplica(Arc::clone(first)), nodes.to_vec());
            observer.sight = sight.clone();
            tokio::spawn(observer.attend(topologies));
        }
        sight
    }

    async fn attend(mut self, topologies: Topologies) {
        loop {
            self.sight.attention().await;
            let topology = topologies.borrow().clone();
            if let Some(topology) = topology {
                self.look(&topology, &[]).await;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Looks at the cluster that the nodes at `doors` are of, by connections alone.
    ///
    /// # Errors
    /// None of them can be asked: why, a line for each.
    pub(crate) async fn from_outside(
        access: Access,
        doors: Vec<Door>,
        interval: Duration,
    ) -> Result<(Sight, Topologies), String> {
        let mut observer = Self::new(access, Vec::new());
        let nowhere = picture::Picture::default();
        observer.look_around(None, &doors).await;
        let Some(first) = nowhere.next(observer.peers.values()) else {
            let why = |(door, peer): (&Door, &Peer)| format!("{door} {}", peer.complaint());
            return Err(observer.peers.iter().map(why).collect::<Vec<_>>().join("\n"));
        };
        let sender = watch::Sender::new(Some(Arc::clone(&first.topology)));
        let (sight, topologies) = (observer.sight.clone(), sender.subscribe());
        tokio::spawn(observer.follow(first, doors, interval, sender));
        Ok((sight, topologies))
    }

    async fn follow(
        mut self,
        mut picture: picture::Picture,
        doors: Vec<Door>,
        interval: Duration,
        sender: watch::Sender<Option<Arc<Topology>>>,
    ) {
        loop {
            self.look(&Arc::clone(&picture.topology), &doors).await;
            picture = picture.next(self.peers.values()).unwrap_or_else(|| picture.unanswered());
            sender.send_if_modified(|told| {
                let is_news = told.as_ref().is_none_or(|told| !Arc::ptr_eq(told, &picture.topology));
                *told = Some(Arc::clone(&picture.topology));
                is_news
            });
            tokio::time::sleep(interval).await;
        }
    }

    /// Asks the nodes of `topology`, and those at `doors`, and tells what they say.
    async fn look(&mut self, topology: &Topology, doors: &[Door]) {
        self.look_around(Some(topology), doors).await;
        let peers: BTreeMap<NodeId, &Peer> =
            self.peers.values().filter_map(|peer| Some((peer.id()?, peer))).collect();
        let mut slots = self.sight.0.slots.lock();
        peers.iter().for_each(|(id, peer)| slots.take(*id, peer.counted()));
        slots.forget_all_but(topology);
        drop(slots);
        let report = Report::of(topology, &peers);
        self.sight.0.report.send_replace(Some(Arc::new(report)));
    }

    async fn look_around(&mut self, topology: Option<&Topology>, doors: &[Door]) {
        let wanted = self.wanted(topology, doors);
        self.peers.retain(|door, _| wanted.contains_key(door));
        for (door, id) in wanted {
            self.peers.entry(door.clone()).or_insert_with(|| match inside(&self.inside, id) {
                Some(shared) => Peer::inside(shared, id),
                None => Peer::outside(door, id),
            });
        }
        let access = &self.access;
        let mut peers: Vec<&mut Peer> = self.peers.values_mut().collect();
        for some in peers.chunks_mut(ASKED_AT_ONCE) {
            join_all(some.iter_mut().map(|peer| {
                let slots = topology.zip(peer.id()).and_then(|(all, id)| Some(all.slots_of(all.find(&id)?)));
                peer.look(access, slots.unwrap_or_default())
            }))
            .await;
        }
    }

    /// The doors to knock at, with the node that is expected there: those given, and that of each node which is not behind one of them.
    fn wanted(&self, topology: Option<&Topology>, doors: &[Door]) -> BTreeMap<Door, Option<NodeId>> {
        let mut wanted: BTreeMap<Door, Option<NodeId>> =
            doors.iter().map(|door| (door.clone(), None)).collect();
        let met: BTreeSet<NodeId> = doors.iter().filter_map(|door| self.peers.get(door)?.id()).collect();
        let is_reachable = |node: &Node| !node.flags.intersects(NodeFlags::NOADDR | NodeFlags::HANDSHAKE);
        for (_, node) in topology.iter().flat_map(|topology| topology.nodes()) {
            if is_reachable(node) && !met.contains(&node.id) {
                wanted.insert(Door::of(node, &self.access), Some(node.id));
            }
        }
        wanted
    }
}

/// The node of this process that has this name.
fn inside(nodes: &[Arc<Shared>], id: Option<NodeId>) -> Option<Arc<Shared>> {
    let is_it = |node: &&Arc<Shared>| {
        let Some(topology) = slotway_engine::node::Node::topology(node.as_ref()) else { return false };
        topology.myself().map(|index| topology.node(index).id) == id
    };
    nodes.iter().find(is_it).cloned()
}
