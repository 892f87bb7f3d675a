//! The cluster bus of a node: the control plane of `core/cluster`, with sockets, a clock and a disk around it.
//!
//! ```text
//!   listener --accept--> link task ---frame---> Bus::input --lock--> Cluster::handle
//!                           ^  ^                                        | poll_action, in order, under the same lock
//!   dial (resolves names) --+  +--- queue <----- Send ------------------+--- Persist: nodes.conf, before what follows it
//!   timer: next_deadline -------------------------------- Wake          +--- Publish, Deliver, ...: the node
//! ```
//!
//! Whoever has an input, a link's task, the timer or a client's CLUSTER command, takes the lock, and carries out what comes of it
//! before it lets go. So actions happen in the machine's order, and a client's reply comes after the disk has what it says.
//!
//! All tasks of the bus run on the node's first data thread: a node that hangs there is silent on the bus too, and is voted out.

mod file;
mod link;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant as StdInstant};

use anyhow::Context as _;
use parking_lot::Mutex;
use slotway_core::cluster::{
    Action, Announced, Beginning, ChannelScope, Cluster, Config as ClusterConfig, Durability, Input, LinkId,
    Loss, Now, Seed, Shape, Source,
};
use slotway_core::id::NodeId;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::Instant;
use slotway_core::topology::Topology;
use slotway_engine::config::{AppendFsync, Config};
use slotway_engine::node::Node as _;
use slotway_engine::pubsub::send_in_shard;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use crate::files::Sync;
use crate::handoff;
use crate::process;
use crate::replicate::{self, Primary};
use crate::shared::Shared;
use file::{ConfFile, Disk};
use link::Writer;

/// The machine's clock begins here, so that moments before the start of the process can be told.
const CLOCK_START_MS: u64 = 1 << 40;
/// Links at a time: twice as many as the nodes of the largest clusters have. The files for them are reserved apart from those for clients,
/// so that strangers on this port take no client's place.
pub(crate) const LINKS_MAX: usize = 2_000;
/// How long to wait before accepting again when the system has no more file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What the data threads are to do for the control plane.
#[derive(Debug)]
pub(crate) enum Order {
    /// Delete the keys of these slots: they belong to another node.
    DropKeys(Box<SlotSet>),
}

/// The bus of one node.
pub(crate) struct Bus {
    state: Mutex<State>,
    node: Weak<Shared>,
    started: StdInstant,
    /// The runtime of the thread that the bus lives on.
    runtime: OnceLock<Handle>,
    /// The machine's next deadline, in its own milliseconds, as the timer knows it.
    deadline: AtomicU64,
    deadline_changed: Notify,
    orders: mpsc::UnboundedSender<Order>,
    /// Bytes of long frames that links are reading.
    long_frames: AtomicUsize,
    /// Where all others are reached, whatever they announce: nodes of one process.
    dialled: Option<String>,
}

struct State {
    cluster: Cluster,
    disk: Disk,
    writers: HashMap<LinkId, Writer>,
    accepted: u64,
}

impl Bus {
    /// Reads nodes.conf, or begins a new one. What the data threads are to do comes out of the receiver.
    ///
    /// # Errors
    /// The file is another process's, or cannot be read or understood.
    pub(crate) fn open(shared: &Arc<Shared>) -> anyhow::Result<(Arc<Self>, mpsc::UnboundedReceiver<Order>)> {
        let config = shared.config();
        let (file, text) = ConfFile::open(config.cluster_config_file())?;
        let (started, seed) = (StdInstant::now(), u64::from_ne_bytes(process::random_bytes()));
        let (now, cluster_config) = (now_since(started), cluster_config(&config)?);
        let cluster = match text {
            None => {
                let cluster = Cluster::new(now, cluster_config, seed);
                shared.log.notice(&format!("No cluster configuration found, I'm {}", cluster.id()));
                cluster
            }
            Some(text) => {
                let cluster =
                    Cluster::restore(now, cluster_config, seed, &text).with_context(|| file.help())?;
                shared.log.notice(&format!("Node configuration loaded, I'm {}", cluster.id()));
                cluster
            }
        };
        Ok(Self::start(shared, started, cluster, Disk::File(file), None))
    }

    /// A node of a cluster that begins, all nodes at once, as `topology` shows it, that keeps nothing on disk, and that
    /// reaches all others at the address `dialled`.
    ///
    /// # Errors
    /// The configuration gives the bus no port.
    pub(crate) fn formed(
        shared: &Arc<Shared>,
        topology: &Topology,
        dialled: String,
    ) -> anyhow::Result<(Arc<Self>, mpsc::UnboundedReceiver<Order>)> {
        let (started, seed) = (StdInstant::now(), u64::from_ne_bytes(process::random_bytes()));
        let config = cluster_config(&shared.config())?;
        let cluster = Cluster::formed(now_since(started), config, seed, topology)?;
        Ok(Self::start(shared, started, cluster, Disk::Nowhere, Some(dialled)))
    }

    fn start(
        shared: &Arc<Shared>,
        started: StdInstant,
        cluster: Cluster,
        disk: Disk,
        dialled: Option<String>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Order>) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let state = State { cluster, disk, writers: HashMap::new(), accepted: 0 };
        let bus = Arc::new(Self {
            state: Mutex::new(state),
            node: Arc::downgrade(shared),
            started,
            runtime: OnceLock::new(),
            deadline: AtomicU64::new(0),
            deadline_changed: Notify::new(),
            orders,
            long_frames: AtomicUsize::new(0),
            dialled,
        });
        // The first picture, and the file of a new node.
        bus.input(Input::Wake);
        shared.be_controlled_by(Arc::clone(&bus));
        (bus, receiver)
    }

    /// Serves the bus on this thread's runtime until the node stops.
    pub(crate) async fn serve(self: Arc<Self>, listeners: Vec<TcpListener>) {
        let Some(node) = self.node.upgrade() else { return };
        let _ = self.runtime.set(Handle::current());
        let mut stop = node.watch_stop();
        drop(node);
        let accepting: Vec<_> =
            listeners.into_iter().map(|listener| tokio::spawn(accept(Arc::clone(&self), listener))).collect();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.keep_time() => {}
        }
        accepting.iter().for_each(|task| task.abort());
        self.state.lock().writers.clear();
    }

    /// Lets `visit` talk to the machine, and carries out what comes of it.
    pub(crate) fn visit<R>(self: &Arc<Self>, visit: impl FnOnce(Now, &mut Cluster) -> R) -> R {
        let mut state = self.state.lock();
        // What leaves here tells the offset of this moment.
        if let Some(node) = self.node.upgrade() {
            self.report(&mut state, &node);
        }
        let result = visit(self.now(), &mut state.cluster);
        if let Some(node) = self.node.upgrade().filter(|node| node.counts_by_quorum()) {
            replicate::quorum::recount_with(&node, &mut state.cluster);
        }
        self.carry_out(&mut state);
        let next = state.cluster.next_deadline().as_ms();
        drop(state);
        if self.deadline.swap(next, Ordering::Relaxed) != next {
            self.deadline_changed.notify_one();
        }
        result
    }

    /// How many bytes wait to be sent over a link.
    pub(crate) fn waiting(&self, link: LinkId) -> usize {
        self.state.lock().writers.get(&link).map_or(0, Writer::waiting)
    }

    /// How many bytes of memory all links take.
    pub(crate) fn links_memory(&self) -> usize {
        self.state.lock().writers.values().map(Writer::memory).sum()
    }

    /// Takes in what happened.
    pub(crate) fn input(self: &Arc<Self>, input: Input<'_>) {
        self.visit(|now, cluster| cluster.handle(now, input));
    }

    /// The configuration changed.
    pub(crate) fn configure(self: &Arc<Self>, config: &Config) -> anyhow::Result<()> {
        let config = Box::new(cluster_config(config)?);
        self.input(Input::Configure(config));
        Ok(())
    }

    fn now(&self) -> Now {
        now_since(self.started)
    }

    /// Wakes the machine at its deadlines.
    async fn keep_time(self: &Arc<Self>) {
        loop {
            let deadline = self.deadline.load(Ordering::Relaxed).saturating_sub(CLOCK_START_MS);
            let due = self.started + Duration::from_millis(deadline);
            tokio::select! {
                () = tokio::time::sleep_until(due.into()) => self.input(Input::Wake),
                () = self.deadline_changed.notified() => {}
            }
        }
    }

    fn carry_out(self: &Arc<Self>, state: &mut State) {
        let Some(node) = self.node.upgrade() else { return };
        while let Some(action) = state.cluster.poll_action() {
            match action {
                Action::Connect { link, host, port } => self.connect(state, link, host, port),
                Action::Send { link, frame } => self.send(state, &node, link, frame),
                Action::Close { link } => drop(state.writers.remove(&link)),
                Action::Persist { conf, durability } => {
                    let sync = match durability {
                        Durability::Written => Sync::Never,
                        Durability::Eventually => Sync::Whenever,
                        Durability::BeforeTheNextAction => Sync::Now,
                    };
                    state.disk.write_or_exit(&conf, sync, &node.log);
                    if durability == Durability::BeforeTheNextAction {
                        state.cluster.handle(self.now(), Input::Persisted);
                    }
                }
                Action::Publish(topology) => node.publish(topology),
                Action::Deliver { scope, channel, message } => deliver(&node, scope, &channel, &message),
                Action::Follow(None) => replicate::follow(&node, None, Beginning::GoesOn),
                Action::Follow(Some(Source { id, host, port, beginning })) => {
                    let host = self.dialled.clone().unwrap_or(host);
                    let primary = Primary { host, port, id: Some(id) };
                    replicate::follow(&node, Some(primary), beginning);
                }
                Action::PauseWrites => {
                    node.pauses.by_failover(true);
                    self.report(state, &node);
                }
                Action::ResumeWrites => node.pauses.by_failover(false),
                Action::DropKeys(slots) => drop(self.orders.send(Order::DropKeys(slots))),
                Action::Handoff(action) => handoff::act(&node, action),
                Action::Note(event) => node.log.notice(&event.to_string()),
            }
        }
    }

    fn connect(self: &Arc<Self>, state: &mut State, link: LinkId, host: String, port: u16) {
        // Before the bus is served there is nobody to dial for it: the machine dials again.
        let Some(runtime) = self.runtime.get() else {
            return state.cluster.handle(self.now(), Input::Lost { link, why: Loss::Ended });
        };
        let host = self.dialled.clone().unwrap_or(host);
        let (queue, frames) = link::queue();
        let task = runtime.spawn(link::dial(Arc::clone(self), link, host, port, frames));
        state.writers.insert(link, Writer::new(queue, task.abort_handle()));
    }

    fn send(self: &Arc<Self>, state: &mut State, node: &Shared, link: LinkId, frame: Arc<[u8]>) {
        let Some(writer) = state.writers.get(&link) else { return };
        let limit = node.config().cluster_link_sendbuf_limit();
        if writer.push(frame, limit).is_err() {
            state.writers.remove(&link);
            state.cluster.handle(self.now(), Input::Lost { link, why: Loss::SendQueueFull });
        }
    }

    /// Tells the machine how far the data is.
    fn report(&self, state: &mut State, node: &Shared) {
        let replication = replicate::for_cluster(node, self.now().instant);
        state.cluster.handle(self.now(), Input::Replication(replication));
    }

    /// Takes a connection in that another node opened.
    fn take_in(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let Ok(local) = stream.local_addr() else { return };
        let mut state = self.state.lock();
        if state.writers.len() >= LINKS_MAX {
            return;
        }
        state.accepted += 1;
        let link = LinkId::Inbound(state.accepted);
        let (queue, frames) = link::queue();
        let task = tokio::spawn(link::take(Arc::clone(self), link, stream, frames));
        state.writers.insert(link, Writer::new(queue, task.abort_handle()));
        drop(state);
        let (remote, local) = (peer.ip().to_canonical().to_string(), local.ip().to_canonical().to_string());
        self.input(Input::Accepted { link, remote_ip: &remote, local_ip: &local });
    }

    /// A link's task is at its end.
    fn lost(self: &Arc<Self>, link: LinkId, why: Loss) {
        if self.state.lock().writers.remove(&link).is_some() {
            self.input(Input::Lost { link, why });
        }
    }
}

async fn accept(bus: Arc<Bus>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => bus.take_in(stream, peer),
            Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
        }
    }
}

/// Hands a message from another node to the clients of this one.
fn deliver(node: &Shared, scope: ChannelScope, channel: &[u8], message: &[u8]) {
    node.with_pubsub(&mut |pubsub| {
        let send = &mut |client, bytes: &[u8]| node.deliver(client, bytes);
        match scope {
            ChannelScope::Cluster => pubsub.publish(channel, message, send),
            ChannelScope::Shard => send_in_shard(node, pubsub, channel, message, send),
        };
    });
}

fn now_since(started: StdInstant) -> Now {
    let elapsed = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Now { instant: Instant::from_ms(CLOCK_START_MS).plus_ms(elapsed), unix: process::unix_ms() }
}

/// Port of the bus: `cluster-port`, or the client port and 10000.
///
/// # Errors
/// There is no such port.
pub(crate) fn port(config: &Config) -> anyhow::Result<u16> {
    match config.cluster_port() {
        0 => base_port(config)
            .checked_add(10_000)
            .context("cluster mode needs a port of at most 55535, or cluster-port"),
        port => Ok(port),
    }
}

/// The client port that nodes know each other by.
fn base_port(config: &Config) -> u16 {
    if config.tls_cluster() { config.tls_port() } else { config.port() }
}

/// What the machine is told of the configuration.
fn cluster_config(config: &Config) -> anyhow::Result<ClusterConfig> {
    let or = |announced: u16, real: u16| if announced == 0 { real } else { announced };
    Ok(ClusterConfig {
        node_timeout_ms: config.cluster_node_timeout_ms(),
        ping_interval_ms: Some(config.cluster_ping_interval_ms()).filter(|ms| *ms > 0),
        replica_validity_factor: config.cluster_replica_validity_factor().into(),
        repl_ping_period_ms: u64::from(config.repl_ping_replica_period_secs()) * 1000,
        no_failover: config.cluster_replica_no_failover(),
        allow_replica_migration: config.cluster_allow_replica_migration(),
        migration_barrier: config.cluster_migration_barrier() as usize,
        require_full_coverage: config.cluster_require_full_coverage(),
        write_quorum: config.cluster_write_quorum(),
        syncs_each_write: config.appendonly() && config.appendfsync() == AppendFsync::Always,
        tls_cluster: config.tls_cluster(),
        tls_replication: config.tls_replication(),
        announced: Announced {
            ip: config.cluster_announce_ip().to_owned(),
            port: or(config.cluster_announce_port(), config.port()),
            tls_port: or(config.cluster_announce_tls_port(), config.tls_port()),
            bus_port: or(config.cluster_announce_bus_port(), port(config)?),
        },
        seeds: seeds(config)?,
        init: shape(config)?,
        allowed: allowed(config),
        zone: config.availability_zone().to_owned(),
        outside: config.outside(),
        hostname: config.cluster_announce_hostname().to_owned(),
        human_name: config.cluster_announce_human_nodename().to_owned(),
    })
}

/// Where the node looks for others. A seed without a port listens where this node does.
fn seeds(config: &Config) -> anyhow::Result<Vec<Seed>> {
    Seed::parse_list(config.cluster_seeds(), base_port(config)).map_err(anyhow::Error::msg)
}

/// The only nodes that are let in.
fn allowed(config: &Config) -> Vec<NodeId> {
    // What is no name was refused when the directive was set.
    config.cluster_allow_ids().split_whitespace().filter_map(|id| NodeId::parse(id.as_bytes())).collect()
}

/// The cluster that the node is to form.
fn shape(config: &Config) -> anyhow::Result<Option<Shape>> {
    let text = Some(config.cluster_init()).filter(|text| !text.is_empty());
    text.map(Shape::parse).transpose().map_err(anyhow::Error::msg)
}
