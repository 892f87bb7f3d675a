//! Servers, each a process of its own, that make one cluster: ours, redis-server, or both.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_core::topology::parse::{ParseOptions, nodes_text};

use tempfile::TempDir;

use crate::binaries;
use crate::ports::free_port;
use crate::server::Server;
use crate::wire::Connection;

/// The node timeout of all of them, in milliseconds.
pub const NODE_TIMEOUT_MS: u64 = 2000;
/// What has not come about by then never will.
const PATIENCE: Duration = Duration::from_secs(80);
/// How long to wait before looking again.
const POLL: Duration = Duration::from_millis(50);

/// Files there are never written to a disk.
const MEMORY: &str = "/dev/shm";

/// Whose server a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Ours.
    Slotway,
    /// The reference.
    Redis,
}

/// Some nodes.
#[derive(Debug)]
pub struct Nodes {
    nodes: Vec<Option<Server>>,
    /// The files of each node, which outlive its process: redis.conf and nodes.conf.
    files: Vec<TempDir>,
    /// Directives for those of ours, as on the command line.
    options: Vec<String>,
}

impl Nodes {
    /// Starts a node of each kind given; none knows any other.
    pub fn start(kinds: &[Kind]) -> Nodes {
        Self::start_with(kinds, &[])
    }

    /// The same, with directives for those of ours, as `--name value`.
    pub fn start_with(kinds: &[Kind], options: &[&str]) -> Nodes {
        let dir = |_: &Kind| tempfile::tempdir().expect("a temporary directory can be made");
        Self::start_in(kinds.iter().map(dir).collect(), kinds, options)
    }

    /// The same, with files in memory where the system has a place for that: for what writes them thousands of times.
    pub fn start_in_memory(kinds: &[Kind]) -> Nodes {
        let dir = |_: &Kind| {
            tempfile::tempdir_in(MEMORY)
                .or_else(|_| tempfile::tempdir())
                .expect("a temporary directory can be made")
        };
        Self::start_in(kinds.iter().map(dir).collect(), kinds, &[])
    }

    fn start_in(files: Vec<TempDir>, kinds: &[Kind], options: &[&str]) -> Nodes {
        let start = |(kind, dir): (&Kind, &TempDir)| {
            let (mut command, port) = command(*kind, dir.path());
            if *kind == Kind::Slotway {
                command.args(options);
            }
            Some(Server::start(command, port))
        };
        let nodes = kinds.iter().zip(&files).map(start).collect();
        Nodes { nodes, files, options: options.iter().map(|word| (*word).to_owned()).collect() }
    }

    /// Starts a node of each kind, with the address of loopback that it tells others: nodes of different hosts, as far as they know.
    pub fn start_on(hosts: &[(Kind, &str)]) -> Nodes {
        let dir = |_: &_| tempfile::tempdir().expect("a temporary directory can be made");
        let files: Vec<TempDir> = hosts.iter().map(dir).collect();
        let start = |((kind, host), dir): (&(Kind, &str), &TempDir)| {
            let (mut command, port) = command(*kind, dir.path());
            command.args(["--bind", "127.0.0.1", "127.0.0.2", "127.0.0.3", "--cluster-announce-ip", host]);
            Some(Server::start(command, port))
        };
        let nodes = hosts.iter().zip(&files).map(start).collect();
        Nodes { nodes, files, options: Vec::new() }
    }

    /// Starts so many nodes of ours that are to find each other by the name of the host, and to form a cluster as `init` says.
    pub fn start_forming(count: usize, init: &str) -> Nodes {
        let dir = |_| tempfile::tempdir().expect("a temporary directory can be made");
        let files: Vec<TempDir> = (0..count).map(dir).collect();
        Nodes { nodes: start_forming(&files, init), files, options: Vec::new() }
    }

    /// Ends all nodes that were to form a cluster, and starts them from their files on other ports.
    pub fn restart_elsewhere(&mut self, init: &str) {
        self.nodes.clear();
        self.nodes = start_forming(&self.files, init);
    }

    /// The port of a node that runs.
    pub fn port(&self, node: usize) -> u16 {
        self.server(node).port()
    }

    /// `127.0.0.1:port`, as redis-cli takes it.
    pub fn address(&self, node: usize) -> String {
        format!("127.0.0.1:{}", self.port(node))
    }

    /// Sends a command to a node; its reply as text. Panics on an error, but for a node that loads its data: that is waited for.
    pub fn call(&self, node: usize, words: &[&str]) -> String {
        let started = Instant::now();
        loop {
            match Connection::open(self.port(node)).expect("the node runs").call(words) {
                Value::Error(error) if error.starts_with("LOADING") && started.elapsed() < PATIENCE => {
                    thread::sleep(POLL);
                }
                Value::Error(error) => panic!("{words:?} to node {node}: {error:?}"),
                reply => return reply.as_str().map_or_else(|| format!("{reply:?}"), str::to_owned),
            }
        }
    }

    /// A file of a node, as text; empty when there is none.
    pub fn file(&self, node: usize, name: &str) -> String {
        fs::read_to_string(self.files[node].path().join(name)).unwrap_or_default()
    }

    /// The name of a node.
    pub fn id(&self, node: usize) -> String {
        self.call(node, &["CLUSTER", "MYID"])
    }

    /// Ends a node at once, as a power failure would.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].take();
    }

    /// Sends a signal to a node: `STOP`, `CONT`.
    pub fn signal(&self, node: usize, name: &str) {
        let pid = self.server(node).pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "node {node} takes a signal");
    }

    /// Asks a node to end (SIGTERM), and waits until it has.
    pub fn terminate(&mut self, node: usize) {
        let server = self.nodes[node].take().expect("the node runs");
        assert!(server.terminate().success(), "node {node} ends in good order");
    }

    /// Starts a node of ours that was killed again, from its files, on another port.
    pub fn restart(&mut self, node: usize) {
        self.restart_as(node, Kind::Slotway);
    }

    /// Starts a node that has ended from its files, on another port, as a server of this kind.
    pub fn restart_as(&mut self, node: usize, kind: Kind) {
        let (mut command, port) = command(kind, self.files[node].path());
        if kind == Kind::Slotway {
            command.args(&self.options);
        }
        self.nodes[node] = Some(Server::start(command, port));
    }

    /// Starts another process of ours on the files of a node, and gives what it says; it is to end by itself.
    pub fn start_a_second(&self, node: usize) -> String {
        let (command, port) = command(Kind::Slotway, self.files[node].path());
        let mut second = Server::spawn(command, port);
        second.wait_for_exit();
        second.output()
    }

    /// `redis-cli --cluster` with these words; what it printed. Panics when it fails.
    pub fn redis_cli(&self, words: &[&str]) -> String {
        let mut command = Command::new(binaries::redis_cli());
        command.arg("--cluster").args(words).arg("--cluster-yes").stdin(Stdio::null());
        let output = command.output().expect("redis-cli runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "redis-cli --cluster {words:?} failed:\n{text}");
        text
    }

    /// The cluster as a node tells it.
    pub fn view(&self, node: usize) -> Topology {
        let text = self.call(node, &["CLUSTER", "NODES"]);
        nodes_text(&text, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}:\n{text}"))
    }

    /// Waits until `done`; panics with `what` when that takes too long. Returns how long it took.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Self) -> bool) -> Duration {
        let started = Instant::now();
        while !done(self) {
            assert!(started.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}\n{}", self.all_views());
            thread::sleep(POLL);
        }
        started.elapsed()
    }

    /// Waits until all nodes that run call the cluster well and say the same of it.
    pub fn wait_until_agreed(&self) -> Duration {
        self.wait_until("all views are equal and all states are ok", |nodes| nodes.agree(nodes.running()))
    }

    /// Every node that runs knows all the others that were started; they agree, and call the cluster well.
    pub fn are_one_cluster(&self) -> bool {
        self.running().all(|node| self.view(node).node_count() == self.nodes.len())
            && self.agree(self.running())
    }

    /// Waits until the first `count` nodes, and they alone, are one cluster that is well.
    pub fn wait_until_first_agree(&self, count: usize) {
        self.wait_until("the first views are equal and their states are ok", |nodes| {
            nodes.view(0).node_count() == count && nodes.agree(0..count)
        });
    }

    /// These nodes call the cluster well, and agree about owners, epochs and roles.
    fn agree(&self, nodes: impl Iterator<Item = usize> + Clone) -> bool {
        let views: BTreeSet<Vec<String>> = nodes.clone().map(|node| facts(&self.view(node))).collect();
        let is_ok = |node| self.call(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok");
        views.len() == 1 && { nodes }.all(is_ok)
    }

    /// The nodes that run.
    pub fn running(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_some())
    }

    /// The process of a node that runs.
    pub fn server(&self, node: usize) -> &Server {
        self.nodes[node].as_ref().expect("the node was not killed")
    }

    fn all_views(&self) -> String {
        let view = |node| format!("node {node}:\n{}", self.call(node, &["CLUSTER", "NODES"]));
        self.running().map(view).collect()
    }
}

/// The command of a node whose files are in `dir`, on a free port.
fn start_forming(files: &[TempDir], init: &str) -> Vec<Option<Server>> {
    let commands: Vec<_> = files.iter().map(|dir| command(Kind::Slotway, dir.path())).collect();
    let seeds: Vec<String> = commands.iter().map(|(_, port)| format!("localhost:{port}")).collect();
    let start = |(mut command, port): (Command, u16)| {
        command.args(["--cluster-seeds", &seeds.join(","), "--cluster-init", init]);
        Some(Server::start(command, port))
    };
    commands.into_iter().map(start).collect()
}

fn command(kind: Kind, dir: &Path) -> (Command, u16) {
    let port = free_port();
    let conf = format!(
        "port {port}\nbind 127.0.0.1\nsave \"\"\ndir {}\ncluster-enabled yes\ncluster-node-timeout {NODE_TIMEOUT_MS}\n",
        dir.display()
    );
    let path = dir.join("redis.conf");
    fs::write(&path, conf).expect("the directory is ours");
    let mut command = match kind {
        Kind::Slotway => Command::new(binaries::slotway()),
        Kind::Redis => Command::new(binaries::redis_server()),
    };
    if kind == Kind::Slotway {
        command.arg("server");
    }
    command.arg(path).stdin(Stdio::null());
    (command, port)
}

/// What nodes must agree about, a line for each node.
fn facts(view: &Topology) -> Vec<String> {
    let line = |(index, node): (_, &slotway_core::topology::Node)| {
        let primary = node.primary.map(|primary| view.node(primary).id);
        let failed = if node.is_failed() { "failed" } else { "" };
        format!("{} {primary:?} {} {} {failed}", node.id, view.config_epoch(index), view.slots_of(index))
    };
    let mut lines: Vec<String> = view.nodes().map(line).collect();
    lines.sort();
    lines
}
