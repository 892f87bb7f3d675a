//! A running six-node cluster: `slotway dev` as one process.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::binaries;
use crate::ports::free_ports;
use crate::server::{POLL, Server, answers};

/// A cluster that is not whole by then never will be.
const FORM_MAX: Duration = Duration::from_secs(60);
/// Begins the line that `slotway dev` prints when every slot is served.
const READY: &str = "Cluster ready in ";

/// Nodes on consecutive ports, all of one process.
#[derive(Debug)]
pub struct Cluster {
    process: Server,
    nodes: u16,
}

impl Cluster {
    /// `slotway dev` with this many primaries and replicas of each, without its HTTP port in anyone's way.
    pub fn dev(primaries: u16, replicas: u16) -> Cluster {
        Self::dev_with(primaries, replicas, &[])
    }

    /// The same, with directives for every node, as `--name value`.
    pub fn dev_with(primaries: u16, replicas: u16, directives: &[&str]) -> Cluster {
        let cluster = Self::begin(primaries, replicas, &[], directives).wait_until_ready();
        for port in cluster.ports() {
            assert!(answers(port), "node {port} of a cluster that calls itself ready does not answer");
        }
        cluster
    }

    /// The same with TLS, and certificates in `folder`.
    pub fn dev_with_tls(primaries: u16, replicas: u16, folder: &Path, directives: &[&str]) -> Cluster {
        let folder = folder.to_str().expect("a folder of ours has a plain name");
        Self::begin(primaries, replicas, &["--tls", "--dir", folder], directives).wait_until_ready()
    }

    fn begin(primaries: u16, replicas: u16, options: &[&str], directives: &[&str]) -> Cluster {
        let nodes = primaries * (1 + replicas);
        // One port more for the page.
        let port = free_ports(nodes + 1);
        let mut command = Command::new(binaries::slotway());
        command.args(["dev", "--primaries", &primaries.to_string(), "--replicas", &replicas.to_string()]);
        command.args(["--port", &port.to_string(), "--http", &(port + nodes).to_string()]);
        command.args(options).arg("--").args(directives).stdin(Stdio::null());
        Cluster { process: Server::spawn(command, port), nodes }
    }

    /// The port of the first node; the others follow.
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// The ports of all nodes.
    pub fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        self.port()..self.port() + self.nodes
    }

    /// The port of the page.
    pub fn http(&self) -> u16 {
        self.port() + self.nodes
    }

    /// The process that is the cluster.
    pub fn process(&mut self) -> &mut Server {
        &mut self.process
    }

    fn wait_until_ready(mut self) -> Cluster {
        let give_up = Instant::now() + FORM_MAX;
        while !self.process.output().contains(READY) {
            assert!(self.process.is_running(), "slotway dev ended and said:\n{}", self.process.output());
            assert!(Instant::now() < give_up, "slotway dev said only:\n{}", self.process.output());
            thread::sleep(POLL);
        }
        self
    }
}
