//! `slotway cluster` and `slotway doctor` as operators type them, and the clusters that they are typed at.

use std::collections::BTreeSet;
use std::process::{Child, Command, Output, Stdio};

use slotway_core::slot::key_slot;

use crate::binaries;
use crate::nodes::{Kind, Nodes};
use crate::wire::Connection;

/// What a command printed, and its exit code.
#[derive(Debug)]
pub struct Done {
    /// -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// What a process left behind.
    pub fn of(output: Output) -> Done {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Done { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Panics unless it ended like this and said this, wherever.
    #[track_caller]
    pub fn expect(self, code: i32, says: &str) -> Done {
        let is_so = self.code == code && (self.out.contains(says) || self.err.contains(says));
        assert!(is_so, "not {code} with {says:?}, but {}:\n{}\n{}", self.code, self.out, self.err);
        self
    }
}

/// A command that runs.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Sends it what Ctrl-C sends.
    pub fn interrupt(&self) {
        let sent = Command::new("kill").args(["-INT", &self.0.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the command takes a signal");
    }

    /// Waits for its end.
    pub fn end(self) -> Done {
        Done::of(self.0.wait_with_output().expect("it ends"))
    }
}

/// `slotway` with these words, from its start to its end.
pub fn slotway(words: &[&str]) -> Done {
    begin(words).end()
}

/// `slotway cluster` with these words.
pub fn cluster(words: &[&str]) -> Done {
    slotway(&[&["cluster"], words].concat())
}

/// `slotway` with these words, under way.
pub fn begin(words: &[&str]) -> Running {
    let mut command = Command::new(binaries::slotway());
    command.args(words).env_remove("SLOTWAY_PASSWORD").env_remove("REDISCLI_AUTH");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Running(command.spawn().expect("slotway runs"))
}

/// A cluster of nodes of this kind: three primaries, and so many replicas of each.
pub fn created(kind: Kind, replicas: usize) -> Nodes {
    created_with(&vec![kind; 3 * (replicas + 1)], replicas, &[])
}

/// The same of these nodes, those of ours with `options`.
pub fn created_with(kinds: &[Kind], replicas: usize, options: &[&str]) -> Nodes {
    let nodes = Nodes::start_with(kinds, options);
    create(&nodes, replicas).expect(0, "The cluster is ready");
    nodes
}

/// Has all nodes that run become one cluster.
pub fn create(nodes: &Nodes, replicas: usize) -> Done {
    let places: Vec<String> = nodes.running().map(|node| format!("localhost:{}", nodes.port(node))).collect();
    let replicas = replicas.to_string();
    let words = places.iter().map(String::as_str).chain(["--replicas", &replicas, "--yes"]);
    cluster(&["create"].into_iter().chain(words).collect::<Vec<_>>())
}

/// Writes `count` keys, each to its owner.
pub fn fill(nodes: &Nodes, count: usize) {
    let view = nodes.view(0);
    for number in 0..count {
        let key = format!("key:{number}");
        let owner = view.owner(key_slot(key.as_bytes())).expect("all slots are served");
        let mut owner = Connection::open(view.node(owner).port).expect("the owner runs");
        owner.call(&["SET", &key, &number.to_string()]);
    }
}

/// All keys of the primaries, each read from who has it. Panics when one is there twice.
pub fn keys(nodes: &Nodes) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let view = nodes.view(0);
    for (_, node) in view.nodes().filter(|(_, node)| !node.is_replica()) {
        let reply = Connection::open(node.port).expect("the node runs").call(&["KEYS", "*"]);
        for key in reply.as_items().unwrap_or_default() {
            let key = key.as_str().expect("keys are text").to_owned();
            assert!(all.insert(key.clone()), "{key} is there twice");
        }
    }
    all
}

/// How many slots a node says it has.
pub fn slots(nodes: &Nodes, node: usize) -> usize {
    let view = nodes.view(node);
    view.slots_of(view.myself().expect("a view has its node")).len()
}

/// Whether a node says that it has a replica.
pub fn has_replica(nodes: &Nodes, node: usize) -> bool {
    let view = nodes.view(node);
    !view.replicas_of(view.myself().expect("a view has its node")).is_empty()
}
