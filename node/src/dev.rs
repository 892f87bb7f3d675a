//! A whole cluster in one process: every node a real one, with its own port, session table and data.
//!
//! Nodes are spread over as many threads as there are cores; each node lives on one of them and owns its data. They begin as a
//! cluster that is formed already, and talk over the real bus from then on. Nothing is kept on disk.
//!
//! Replicas copy the data of their primary as between processes, over a socket of their own. Since all nodes begin empty, and at once, none
//! has to ask for a snapshot first.

mod certificates;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context as _, anyhow};
use slotway_core::epoch::{ConfigEpoch, Epoch, ReplOffset};
use slotway_core::id::{NodeId, ShardId};
use slotway_core::plan;
use slotway_core::replication::{History, ReplId};
use slotway_core::resp::error::ErrorReply;
use slotway_core::topology::{ClusterState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder};
use slotway_engine::config::{Asker, Config, args};
use slotway_engine::node::Node as _;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{LocalSet, spawn_local};

use crate::bus::{self, Bus, Order};
use crate::cli::environment;
use crate::health::Health;
use crate::log::{Form, Level, Log};
use crate::observe::Observer;
use crate::shared::Shared;
use crate::{files, health, http, identity, process, runtime, server, signals, users};
use certificates::Certificates;

/// Where the history of each shard begins: not at 0, which says of a replica that it has no data yet.
const START: ReplOffset = ReplOffset::new(1);
/// How long replicas may take to reach their primaries before the cluster is called ready without them.
const LINKS_TIMEOUT: Duration = Duration::from_secs(5);
/// How often to look.
const LINKS_POLL: Duration = Duration::from_millis(1);
/// Distance from a node's client port to its bus port.
const BUS_PORT_OFFSET: u16 = 10_000;

/// What `--tls` means to each node. Redis asks clients for certificates; here they may come without, which is how most of them are set up
/// first: `-- --tls-auth-clients yes` asks.
const TLS: &str = "tls-replication yes\ntls-cluster yes\ntls-auth-clients optional";

/// The cluster to run.
pub(crate) struct Plan {
    pub(crate) primaries: u16,
    pub(crate) replicas: u16,
    pub(crate) first_port: u16,
    pub(crate) http_port: u16,
    pub(crate) bind: String,
    pub(crate) announce: String,
    /// Where files go; the current folder if it is not given.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) transport: Transport,
    pub(crate) directives: Vec<String>,
    pub(crate) quiet: bool,
}

/// How clients come, and how nodes come to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Transport {
    /// As they are, over TCP.
    Plain,
    /// In TLS, all of them.
    Tls,
}

impl Plan {
    /// Primaries first, then replicas: node `i` replicates node `i % primaries`, as `redis-cli --cluster create` lists them.
    fn node_count(&self) -> u16 {
        self.primaries * (self.replicas + 1)
    }

    fn port(&self, node: u16) -> u16 {
        self.first_port + node
    }

    /// Ports of a node for clients without TLS, and with it; 0 for none.
    fn ports(&self, node: u16) -> (u16, u16) {
        match self.transport {
            Transport::Plain => (self.port(node), 0),
            Transport::Tls => (0, self.port(node)),
        }
    }

    fn primary_of(&self, node: u16) -> u16 {
        node % self.primaries
    }
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
    let mut config = configure(plan)?;
    // Before: the folder is given to who goes on.
    enter_folder(plan, &mut config)?;
    let problem = identity::step_down(&config)?;
    let certificates = match plan.transport {
        Transport::Plain => None,
        Transport::Tls => Some(certify(plan, &mut config)?),
    };
    // As many as the system allows will do: clients that find no descriptor are told so when they come.
    let _ = process::reserve_files(config.maxclients().saturating_mul(plan.node_count().into()));
    let topology = topology(plan)?;
    let histories: Vec<History> = (0..plan.primaries).map(|_| history()).collect();
    let started_nodes: Vec<DevNode> = (0..plan.node_count())
        .map(|node| start_node(plan, node, &config, &topology, &histories))
        .collect::<anyhow::Result<_>>()?;
    let nodes: Vec<Arc<Shared>> = started_nodes.iter().map(|node| Arc::clone(&node.shared)).collect();
    let threads = serve_on_threads(listen_all(plan, &config, started_nodes)?)?;
    let runtime = runtime::current_thread()?;
    let log =
        Log::open("", if plan.quiet { Level::Warning } else { Level::Notice })?.in_form(Form::of(&config));
    problem.iter().for_each(|problem| log.warning(problem));
    runtime.block_on(async {
        let page = start_page(plan, &nodes, &log).await;
        health::serve(config.health_socket(), Health::of(nodes.clone()), &log);
        until_linked(&nodes, &log).await;
        tell(plan, started.elapsed().as_secs_f64() * 1000.0, page.as_deref(), certificates.as_ref());
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
    if plan.transport == Transport::Tls {
        config.load("--tls", TLS, &mut |_| Ok(Vec::new()))?;
    }
    config.load("--announce", &format!("cluster-announce-ip {}", plan.announce), &mut |_| Ok(Vec::new()))?;
    config.load("the environment", &environment::directives(env::vars_os())?, &mut |_| Ok(Vec::new()))?;
    let line = args::parse(&plan.directives);
    config.load("the command line", &line.text, &mut |pattern| files::include(pattern))?;
    config.finish()?;
    if config.masterauth().is_empty() && !config.requirepass().is_empty() {
        // Replicas would need the password that the same command line sets.
        let password = config.requirepass().to_vec();
        let _ = config.set(&[(b"masterauth", &password)], Asker::default()).map_err(ErrorReply::from)?;
    }
    Ok(config)
}

/// Goes to the folder where files go, and makes it if it is missing.
fn enter_folder(plan: &Plan, config: &mut Config) -> anyhow::Result<()> {
    let Some(folder) = &plan.folder else { return Ok(()) };
    fs::create_dir_all(folder)
        .and_then(|()| env::set_current_dir(folder))
        .with_context(|| format!("cannot work in the folder {}", folder.display()))?;
    config.set_dir(&env::current_dir()?.to_string_lossy());
    Ok(())
}

/// Has certificates made for all addresses that lead here, and the nodes show them, unless other files were named.
fn certify(plan: &Plan, config: &mut Config) -> anyhow::Result<Certificates> {
    let mut names = vec!["localhost", "127.0.0.1", "::1", &plan.announce];
    names.extend(Some(plan.bind.as_str()).filter(|bind| !bind.contains('*')));
    names.sort_unstable();
    names.dedup();
    let here = plan.folder.as_ref().map(|_| env::current_dir()).transpose()?;
    let certificates = Certificates::make(here.as_deref(), &names)?;
    if config.tls_cert_file().is_empty() {
        let path = |name| certificates.path(name).to_string_lossy().into_owned().into_bytes();
        let (own, key, authority) = (path("node.crt"), path("node.key"), path("ca.crt"));
        let files: [(&[u8], &[u8]); 3] =
            [(b"tls-cert-file", &own), (b"tls-key-file", &key), (b"tls-ca-cert-file", &authority)];
        let _ = config.set(&files, Asker::default()).map_err(ErrorReply::from)?;
    }
    Ok(certificates)
}

/// What a shard's nodes begin with: nothing, which is there all the same.
fn history() -> History {
    History { id: ReplId::from_random(process::random_bytes()), offset: START.get(), before: None }
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
    (node.port, node.tls_port) = plan.ports(number);
    node.bus_port = plan.port(number).saturating_add(BUS_PORT_OFFSET);
    node.config_epoch = ConfigEpoch::new(u64::from(primary) + 1);
    // All have what there is, which is nothing.
    node.repl_offset = is_replica.then_some(START);
    node.pong_received = process::unix_ms();
    node
}

fn start_node(
    plan: &Plan,
    number: u16,
    config: &Config,
    topology: &Topology,
    histories: &[History],
) -> anyhow::Result<DevNode> {
    let mut config = config.clone();
    let port = plan.port(number);
    let (plain, tls) = plan.ports(number);
    config.set_port(plain);
    config.set_tls_port(tls);
    // Nodes of one process share a folder.
    config.set_dbfilename(&format!("dump-{port}.rdb"));
    let log = Log::open(config.logfile(), Level::Warning)?.of_node(port).in_form(Form::of(&config));
    let shared = Arc::new(Shared::new(config, None, log));
    shared.make_tls(&shared.config())?;
    users::load_at_start(&shared)?;
    if plan.replicas > 0 {
        shared.replication.begin_together(histories[usize::from(plan.primary_of(number))]);
    }
    let me = topology
        .nodes()
        .find_map(|(index, node)| ((node.port, node.tls_port) == (plain, tls)).then_some(index))
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

/// Binds every port.
fn listen_all(plan: &Plan, config: &Config, nodes: Vec<DevNode>) -> anyhow::Result<Vec<NodePlan>> {
    let listen = |port: u16| {
        runtime::listen(&[&plan.bind], port, config.tcp_backlog() as i32)
            .with_context(|| format!("Port {port} is taken? Choose other ports with --port"))
    };
    let with_listeners = |(number, node): (u16, DevNode)| {
        let listeners = listen(plan.port(number))?;
        let bus_listeners = listen(bus::port(&node.shared.config())?)?;
        Ok(NodePlan { node, listeners, bus_listeners })
    };
    (0..plan.node_count()).zip(nodes).map(with_listeners).collect()
}

/// Serves the nodes on as many threads as there are cores. Returns once all of them accept connections.
fn serve_on_threads(nodes: Vec<NodePlan>) -> anyhow::Result<Vec<std::thread::JoinHandle<()>>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut shares: Vec<Vec<NodePlan>> = (0..cores.min(nodes.len())).map(|_| Vec::new()).collect();
    for (number, node) in nodes.into_iter().enumerate() {
        let share = number % shares.len();
        shares[share].push(node);
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

/// Serves some nodes on this thread until all of them have stopped.
fn serve_share(share: Vec<NodePlan>, ready: &mpsc::Sender<anyhow::Result<()>>) {
    // Nobody waits any more if another thread has failed: then this one's answer is of no interest.
    let report = |result| drop(ready.send(result));
    let runtime = match runtime::current_thread() {
        Ok(runtime) => runtime,
        Err(error) => return report(Err(error.into())),
    };
    LocalSet::new().block_on(&runtime, async {
        let started: anyhow::Result<Vec<_>> = share.into_iter().map(serve_node).collect();
        match started {
            Err(error) => report(Err(error)),
            Ok(tasks) => {
                report(Ok(()));
                for task in tasks {
                    // A node that panicked has said so; the others go on.
                    let _ = task.await;
                }
            }
        }
    });
}

/// Starts a node on this thread, whose [`LocalSet`] is running.
fn serve_node(plan: NodePlan) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let NodePlan { node: DevNode { shared, bus, orders }, listeners, bus_listeners } = plan;
    spawn_local(bus.serve(runtime::adopt(bus_listeners)?));
    shared.doors.adopt(listeners, &shared.config())?;
    let server = server::owned(shared);
    spawn_local(server::obey(Arc::clone(&server), orders));
    Ok(spawn_local(server::serve_here(server, None)))
}

/// Waits until each replica reads what its primary writes, so that WAIT and a failover find what they look for from the first moment on.
async fn until_linked(nodes: &[Arc<Shared>], log: &Log) {
    let all_linked = async {
        while nodes.iter().any(|node| node.is_replica() && !node.replication.is_linked()) {
            tokio::time::sleep(LINKS_POLL).await;
        }
    };
    if tokio::time::timeout(LINKS_TIMEOUT, all_linked).await.is_err() {
        log.warning("Not every replica has reached its primary yet");
    }
}

/// The playground's address, if it is served. That its port is taken is no reason not to run the cluster.
async fn start_page(plan: &Plan, nodes: &[Arc<Shared>], log: &Log) -> Option<String> {
    if plan.http_port == 0 {
        return None;
    }
    let quiet = Log::open("", Level::Nothing).ok()?;
    let (address, health) = (format!("{}:{}", plan.bind, plan.http_port), Health::of(nodes.to_vec()));
    let sight = Observer::of_nodes(nodes, nodes[0].watch_topology());
    let (topologies, config) = (nodes[0].watch_topology(), nodes[0].config());
    match http::start(&address, topologies, sight, health, config.http_token(), &quiet).await {
        Ok(_) => Some(format!("http://{}:{}/", plan.announce, plan.http_port)),
        Err(error) => {
            log.warning(&format!("No playground: {error:#}. Choose another port with --http."));
            None
        }
    }
}

fn tell(plan: &Plan, ready_ms: f64, page: Option<&str>, certificates: Option<&Certificates>) {
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
    let trust = certificates.map(|made| format!(" --tls --cacert {}", made.path("ca.crt").display()));
    let trust = trust.unwrap_or_default();
    println!("  Try it      redis-cli -c -h {} -p {}{trust}", plan.announce, plan.first_port);
    if let Some(page) = page {
        println!("  Playground  {page}");
    }
    println!("  Stop        Ctrl-C");
}
