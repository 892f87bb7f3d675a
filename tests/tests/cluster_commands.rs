//! CLUSTER and its neighbours, asked well and badly: a cluster of ours and one of redis-server hold the same dialogue.

use std::path::Path;

use slotway_core::resp::inline::split_args;
use slotway_core::resp::value::Value;
use slotway_tests::differences::Differences;
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::script::format_args;
use slotway_tests::wire::{Connection, Reply, request};

/// Nodes of each cluster.
const NODES: usize = 4;
/// The name of no node.
const NOBODY: &str = "ffffffffffffffffffffffffffffffffffffffff";

/// A cluster, and what it is called by in the dialogue.
struct Side {
    nodes: Nodes,
    connections: Vec<Connection>,
    /// What stands in the dialogue for what is different on each side.
    names: Vec<(String, String)>,
}

impl Side {
    fn start(kind: Kind) -> Side {
        let nodes = Nodes::start(&[kind; NODES]);
        let connect = |node| Connection::open(nodes.port(node)).expect("the node runs");
        let connections = (0..NODES).map(connect).collect();
        let mut side = Side { nodes, connections, names: Vec::new() };
        side.learn_names();
        side
    }

    fn learn_names(&mut self) {
        let names = |node: usize| {
            let port = self.nodes.port(node);
            let (bus, id) = (port + 10_000, self.nodes.id(node));
            let name = |what| format!("<{what} {node}>");
            [(name("id"), id), (name("bus"), bus.to_string()), (name("port"), port.to_string())]
        };
        self.names = (0..NODES).flat_map(names).chain([("<nobody>".into(), NOBODY.into())]).collect();
    }

    /// Says it, and gives the reply in the dialogue's own words.
    fn say(&mut self, node: usize, line: &str) -> String {
        let replace = |text: String, (name, own): &(String, String)| text.replace(name, own);
        let line = self.names.iter().fold(line.to_owned(), replace);
        let args = split_args(line.as_bytes()).expect("a line of the dialogue is quoted well");
        let connection = &mut self.connections[node];
        let reply = connection.send(&request(&args)).and_then(|()| connection.read());
        let reply = told(&reply.unwrap_or_else(|error| panic!("no reply to {line}: {error}")));
        if line.contains("RESET") {
            self.learn_names();
        }
        let restore = |text: String, (name, own): &(String, String)| text.replace(own, name);
        self.names.iter().fold(reply, restore)
    }

    fn wait(&self, what: &str) {
        let tells = |node: &str, line: &str| {
            let node = node.parse().expect("a node has a number");
            self.nodes.call(node, &["INFO", "replication"]).contains(line)
        };
        let is_so = || match what.split(' ').collect::<Vec<_>>()[..] {
            ["agreed"] => self.nodes.are_one_cluster(),
            ["copied", node] => tells(node, "master_link_status:up"),
            ["primary", node] => tells(node, "role:master"),
            _ => panic!("nobody knows how to wait for '{what}'"),
        };
        self.nodes.wait_until(what, |_| is_so());
    }
}

/// The bytes of a reply as text; of lines that describe nodes, without times and epochs, which are each cluster's own.
fn told(reply: &Reply) -> String {
    let texts = match &reply.value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_node = |text: &&str| text.split(' ').nth(7).is_some_and(|link| link.ends_with("connected"));
    match texts.iter().all(is_node) && !texts.is_empty() {
        true => texts.into_iter().map(timeless).collect(),
        false => reply.bytes.escape_ascii().to_string(),
    }
}

fn timeless(line: &str) -> String {
    let words = line.split(' ').enumerate();
    words.map(|(at, word)| if (4..7).contains(&at) { "* " } else { word }).collect()
}

#[test]
fn a_cluster_answers_right_and_wrong_words_as_redis_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/cluster_commands.txt");
    let dialogue = std::fs::read_to_string(path).expect("the dialogue is there");
    let differences = Differences::of_suite("cluster_commands");
    let (mut ours, mut theirs) = (Side::start(Kind::Slotway), Side::start(Kind::Redis));
    let mut disagreements = Vec::new();
    for line in dialogue.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(' ').expect("who is told, and what") {
            ("wait", what) => [&ours, &theirs].iter().for_each(|side| side.wait(what)),
            (node, line) => {
                let node = node.parse().expect("a node has a number");
                let (our_reply, their_reply) = (ours.say(node, line), theirs.say(node, line));
                let args: Vec<Vec<u8>> = line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
                let (our_bytes, their_bytes) = (our_reply.as_bytes(), their_reply.as_bytes());
                if our_reply != their_reply && !differences.allow(&args, our_bytes, their_bytes) {
                    let said = format_args(&args);
                    disagreements.push(format!(
                        "node {node}: {said}\n  ours:   {our_reply}\n  theirs: {their_reply}\n"
                    ));
                }
            }
        }
    }
    assert!(disagreements.is_empty(), "{}", disagreements.concat());
}
