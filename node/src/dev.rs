//! A whole cluster in one process: every node a real one, with its own port, session table and data.
//!
//! Nodes are spread over as many threads as there are cores; each node lives on one of them and owns its data. They begin as a
//! cluster that is formed already, and talk over the real bus from then on. Nothing is kept on disk.
//!
//! A replica serves the data of its primary itself: they share one engine, on one thread, so a READONLY read sees every
//! acknowledged write. Replication between processes takes this place when it comes.

use std::env;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context as _, anyhow};
use slotway_core::epoch::{ConfigEpoch, Epoch, ReplOffset};
use slotway_core::id::{NodeId, ShardId};
use slotway_core::plan;
use slotway_core::topology::{ClusterState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder};
use slotway_engine::config::{Config, args};
use slotway_engine::node::Node as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{LocalSet, spawn_local};

use crate::bus::{self, Bus, Order};
use crate::cli::environment;
use crate::health::Health;
use crate::log::{Level, Log};
use crate::outbox::Outboxes;
use crate::shared::Shared;
use crate::{files, health, http, identity, process, runtime, server, signals};

/// Distance from a node's client port to its bus port.
const BUS_PORT_OFFSET: u16 = 10_000;

/// The cluster to run.
pub(crate) struct Plan {
    pub(crate) primaries: u16,
    pub(crate) replicas: u16,
    pub(crate) first_port: u16,
    pub(crate) http_port: u16,
    pub(crate) bind: String,
    pub(crate) announce: String,
    pub(crate) directives: Vec<String>,
    pub(crate) quiet: bool,
}

impl Plan {
    /// Primaries first, then replicas: node `i` replicates node `i % primaries`, as `redis-cli --cluster create` lists them.
    fn node_count(&self) -> u16 {
        self.primaries * (self.replicas + 1)
    }

    fn port(&self, node: u16) -> u16 {
        self.first_port + node
    }

    fn primary_of(&self, node: u16) -> u16 {
        node % self.primaries
    }
}

/// One primary and its replicas, ready to be served by one thread.
struct ShardPlan {
    nodes: Vec<NodePlan>,
}

/// A node, ready to be served.
struct NodePlan {
    node: DevNode,
    listeners: Vec<std::net::TcpListener>,
    bus_listeners: Vec<std::net::TcpListener>,
}

/// A node and its control plane.
struct DevNode {
    shared: Arc<Shared>,
    bus: Arc<Bus>,
    orders: UnboundedReceiver<Order>,
}

/// Runs the cluster until the process is asked to end.
pub(crate) fn run(plan: &Plan) -> anyhow::Result<()> {
    let started = Instant::now();
    let config = configure(plan)?;
    let problem = identity::step_down(&config)?;
    // As many as the system allows will do: clients that find no descriptor are told so when they come.
    let _ = process::reserve_files(config.maxclients().saturating_mul(plan.node_count().into()));
    let topology = topology(plan)?;
    let outboxes: Vec<Arc<Outboxes>> = (0..plan.primaries).map(|_| Arc::default()).collect();
    let started_nodes: Vec<DevNode> = (0..plan.node_count())
        .map(|node| start_node(plan, node, &config, &topology, &outboxes))
        .collect::<anyhow::Result<_>>()?;
    let nodes: Vec<Arc<Shared>> = started_nodes.iter().map(|node| Arc::clone(&node.shared)).collect();
    let threads = serve_on_threads(shards(plan, &config, started_nodes)?)?;
    let runtime = runtime::current_thread()?;
    let log = Log::open("", if plan.quiet { Level::Warning } else { Level::Notice })?;
    problem.iter().for_each(|problem| log.warning(problem));
    runtime.block_on(async {
        let page = start_page(plan, &nodes, &log).await;
        health::serve(config.health_socket(), Health::of(nodes.clone()), &log);
        tell(plan, started.elapsed().as_secs_f64() * 1000.0, page.as_deref());
        signals::asked_to_end().await;
    });
    nodes.iter().for_each(|node| node.stop());
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a thread of the cluster panicked"))?;
    }
    if !plan.quiet {
        println!("The cluster has ended.");
    }
    Ok(())
}

/// The configuration of every node, but for its port.
fn configure(plan: &Plan) -> anyhow::Result<Config> {
    let mut config = Config::default();
    // Only this machine reaches the cluster unless --bind asks for more: then protected mode would be in the way.
    config
        .load("slotway dev", "cluster-enabled yes\nprotected-mode no\nsave \"\"", &mut |_| Ok(Vec::new()))?;
    config.load("--announce", &format!("cluster-announce-ip {}", plan.announce), &mut |_| Ok(Vec::new()))?;
    config.load("the environment", &environment::directives(env::vars_os())?, &mut |_| Ok(Vec::new()))?;
    let line = args::parse(&plan.directives);
    config.load("the command line", &line.text, &mut |pattern| files::include(pattern))?;
    config.finish()?;
    Ok(config)
}

/// The cluster as the first node sees it.
fn topology(plan: &Plan) -> anyhow::Result<Topology> {
    let mut cluster = TopologyBuilder::new(1);
    cluster.state(ClusterState::Ok);
    cluster.current_epoch(Epoch::new(u64::from(plan.primaries)));
    let shard_ids: Vec<ShardId> =
        (0..plan.primaries).map(|_| ShardId::from_random(process::random_bytes())).collect();
    let indexes: Vec<NodeIndex> =
        (0..plan.node_count()).map(|node| cluster.node(describe(plan, node, &shard_ids))).collect();
    for node in plan.primaries..plan.node_count() {
        cluster.set_primary(indexes[usize::from(node)], indexes[usize::from(plan.primary_of(node))]);
    }
    for (primary, ranges) in plan::spread(plan.primaries.into()).into_iter().enumerate() {
        cluster.own(indexes[primary], ranges);
    }
    let topology = cluster.build().context("the cluster cannot be laid out")?;
    Ok(topology)
}

fn describe(plan: &Plan, number: u16, shard_ids: &[ShardId]) -> Node {
    let primary = plan.primary_of(number);
    let mut node = Node::new(NodeId::from_random(process::random_bytes()));
    let is_replica = number != primary;
    node.shard_id = Some(shard_ids[usize::from(primary)]);
    node.flags = if is_replica { NodeFlags::REPLICA } else { NodeFlags::PRIMARY };
    node.ip.clone_from(&plan.announce);
    node.port = plan.port(number);
    node.bus_port = node.port.saturating_add(BUS_PORT_OFFSET);
    node.config_epoch = ConfigEpoch::new(u64::from(primary) + 1);
    // It serves its primary's own data: there is nothing that it could lack.
    node.repl_offset = is_replica.then_some(ReplOffset::new(1));
    node.pong_received = process::unix_ms();
    node
}

fn start_node(
    plan: &Plan,
    number: u16,
    config: &Config,
    topology: &Topology,
    outboxes: &[Arc<Outboxes>],
) -> anyhow::Result<DevNode> {
    let mut config = config.clone();
    let port = plan.port(number);
    config.set_port(port);
    // Nodes of one process share a folder.
    config.set_dbfilename(&format!("dump-{port}.rdb"));
    let log = Log::open(config.logfile(), Level::Warning)?.with_prefix(format!("[{port}] "));
    let outboxes = Arc::clone(&outboxes[usize::from(plan.primary_of(number))]);
    let mut shared = Shared::new(config, None, log, outboxes);
    shared.shares_data = true;
    let shared = Arc::new(shared);
    let me = topology
        .nodes()
        .find_map(|(index, node)| (node.port == port).then_some(index))
        .context("every node is in the topology")?;
    let (bus, orders) = Bus::formed(&shared, &topology.as_seen_by(me, 1), dialled(&plan.bind))?;
    Ok(DevNode { shared, bus, orders })
}

/// Where nodes of this process reach each other, whatever address clients are told.
fn dialled(bind: &str) -> String {
    match bind {
        "0.0.0.0" | "*" => "127.0.0.1".to_owned(),
        "::" | "::*" => "::1".to_owned(),
        address => address.to_owned(),
    }
}

/// Binds every port, and groups the nodes by shard.
fn shards(plan: &Plan, config: &Config, nodes: Vec<DevNode>) -> anyhow::Result<Vec<ShardPlan>> {
    let mut shards: Vec<ShardPlan> = (0..plan.primaries).map(|_| ShardPlan { nodes: Vec::new() }).collect();
    let listen = |port: u16| {
        runtime::listen(&[&plan.bind], port, config.tcp_backlog() as i32)
            .with_context(|| format!("Port {port} is taken? Choose other ports with --port"))
    };
    for (number, node) in (0..plan.node_count()).zip(nodes) {
        let listeners = listen(plan.port(number))?;
        let bus_listeners = listen(bus::port(&node.shared.config())?)?;
        shards[usize::from(plan.primary_of(number))].nodes.push(NodePlan { node, listeners, bus_listeners });
    }
    Ok(shards)
}

/// Serves the shards on as many threads as there are cores. Returns once all of them accept connections.
fn serve_on_threads(shards: Vec<ShardPlan>) -> anyhow::Result<Vec<std::thread::JoinHandle<()>>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut shares: Vec<Vec<ShardPlan>> = (0..cores.min(shards.len())).map(|_| Vec::new()).collect();
    for (number, shard) in shards.into_iter().enumerate() {
        let share = number % shares.len();
        shares[share].push(shard);
    }
    let (ready, all_ready) = mpsc::channel();
    let threads = shares
        .into_iter()
        .enumerate()
        .map(|(number, share)| {
            let ready = ready.clone();
            let work = move || serve_share(share, &ready);
            std::thread::Builder::new()
                .name(format!("nodes-{number}"))
                .spawn(work)
                .context("cannot start a thread")
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    for _ in &threads {
        all_ready.recv().context("a thread ended before it was ready")??;
    }
    Ok(threads)
}

/// Serves some shards on this thread until all their nodes have stopped.
fn serve_share(share: Vec<ShardPlan>, ready: &mpsc::Sender<anyhow::Result<()>>) {
    // Nobody waits any more if another thread has failed: then this one's answer is of no interest.
    let report = |result| drop(ready.send(result));
    let runtime = match runtime::current_thread() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(error.into())),
    };
    LocalSet::new().block_on(&runtime, async {
        let mut nodes = Vec::new();
        for shard in share {
            match start_shard(shard) {
                Ok(tasks) => nodes.extend(tasks),
                Err(error) => return report(Err(error)),
            }
        }
        report(Ok(()));
        for node in nodes {
            // A node that panicked has said so; the others go on.
            let _ = node.await;
        }
    });
}

/// Starts a primary and its replicas, which share its engine.
///
/// A replica's own orders to delete keys are not obeyed: the keys are its primary's.
fn start_shard(shard: ShardPlan) -> anyhow::Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut nodes = shard.nodes.into_iter();
    let NodePlan { node: primary, listeners, bus_listeners } =
        nodes.next().context("a shard has a primary")?;
    spawn_local(primary.bus.serve(runtime::adopt(bus_listeners)?));
    let primary_server = server::owned(primary.shared);
    spawn_local(server::obey(Arc::clone(&primary_server), primary.orders));
    let mut tasks = Vec::new();
    for NodePlan { node: replica, listeners, bus_listeners } in nodes {
        spawn_local(replica.bus.serve(runtime::adopt(bus_listeners)?));
        let replica = server::sharing_data_of(&primary_server, replica.shared);
        tasks.push(spawn_local(server::serve_here(replica, runtime::adopt(listeners)?, None)));
    }
    tasks.push(spawn_local(server::serve_here(primary_server, runtime::adopt(listeners)?, None)));
    Ok(tasks)
}

/// The playground's address, if it is served. That its port is taken is no reason not to run the cluster.
async fn start_page(plan: &Plan, nodes: &[Arc<Shared>], log: &Log) -> Option<String> {
    if plan.http_port == 0 {
        return None;
    }
    let quiet = Log::open("", Level::Nothing).ok()?;
    let (address, health) = (format!("{}:{}", plan.bind, plan.http_port), Health::of(nodes.to_vec()));
    match http::start(&address, nodes[0].watch_topology(), health, &quiet).await {
        Ok(_) => Some(format!("http://{}:{}/", plan.announce, plan.http_port)),
        Err(error) => {
            log.warning(&format!("No playground: {error:#}. Choose another port with --http."));
            None
        }
    }
}

fn tell(plan: &Plan, ready_ms: f64, page: Option<&str>) {
    if plan.quiet {
        return;
    }
    let ranges = plan::spread(plan.primaries.into());
    for node in 0..plan.node_count() {
        let what = match plan.primary_of(node) {
            primary if primary == node => {
                let ranges: Vec<String> = ranges[usize::from(node)].iter().map(ToString::to_string).collect();
                format!("primary  slots {}", ranges.join(" "))
            }
            primary => format!("replica  of {}:{}", plan.announce, plan.port(primary)),
        };
        println!("  {}:{}  {what}", plan.announce, plan.port(node));
    }
    println!("Cluster ready in {ready_ms:.0} ms");
    println!();
    println!("  Try it      redis-cli -c -h {} -p {}", plan.announce, plan.first_port);
    if let Some(page) = page {
        println!("  Playground  {page}");
    }
    println!("  Stop        Ctrl-C");
}
