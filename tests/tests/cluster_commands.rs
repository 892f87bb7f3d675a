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

/// A link as CLUSTER LINKS tells of it: the names of its fields, in order, and their values.
fn link(value: &Value) -> (Vec<&str>, Vec<&Value>) {
    let Value::Array(fields) = value else { panic!("a link is an array of names and values: {value:?}") };
    let (names, values) = fields.chunks(2).map(|pair| (&pair[0], &pair[1])).unzip::<_, _, Vec<_>, Vec<_>>();
    (names.into_iter().map(|name| name.as_str().expect("a name")).collect(), values)
}

fn links(nodes: &Nodes, node: usize) -> Vec<Value> {
    let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
    match connection.call(&["CLUSTER", "LINKS"]) {
        Value::Array(links) => links,
        other => panic!("CLUSTER LINKS is a list: {other:?}"),
    }
}

#[test]
fn links_are_told_as_redis_tells_them_one_each_way_to_every_other_node() {
    let unix_ms = || {
        let since = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
        i64::try_from(since.as_millis()).expect("not that far in the future")
    };
    let started = unix_ms();
    let told = [Kind::Slotway, Kind::Redis].map(|kind| {
        let nodes = Nodes::start(&[kind; 3]);
        for node in [1, 2] {
            nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
        }
        nodes.wait_until("each node has a link each way to both others", |nodes| {
            (0..3).all(|node| links(nodes, node).len() == 4)
                && (0..3).all(|node| !nodes.call(node, &["CLUSTER", "NODES"]).contains("handshake"))
        });
        let (all, mut ends) = (links(&nodes, 0), Vec::new());
        let mut names = Vec::new();
        for (fields, values) in all.iter().map(link) {
            let [direction, node, created, events, allocated, used] = values[..] else {
                panic!("six fields: {fields:?}")
            };
            ends.push((direction.as_str().expect("a word"), node.as_str().expect("a name").to_owned()));
            let created = created.as_integer().expect("a time");
            assert!((started..=unix_ms()).contains(&created), "{kind:?}: {created}");
            assert!(["r", "rw"].contains(&events.as_str().expect("a word")), "{kind:?}: {events:?}");
            let sizes = (allocated.as_integer().expect("a size"), used.as_integer().expect("a size"));
            assert!(sizes.0 >= sizes.1 && sizes.1 >= 0, "{kind:?}: {sizes:?}");
            names.push(fields.into_iter().map(str::to_owned).collect::<Vec<_>>());
        }
        ends.sort();
        let mut expected: Vec<_> =
            [1, 2].iter().flat_map(|node| [("from", nodes.id(*node)), ("to", nodes.id(*node))]).collect();
        expected.sort();
        assert_eq!(ends, expected, "{kind:?}");
        names
    });
    assert_eq!(told[0], told[1], "the same fields in the same order");
}

/// A process that is stopped takes nothing in: what waits for it grows no further than the limit, and the link is closed and counted.
#[test]
fn what_waits_on_a_link_is_bounded_by_cluster_link_sendbuf_limit() {
    const LIMIT: i64 = 1 << 20;
    let nodes = Nodes::start(&[Kind::Slotway; 2]);
    nodes.call(1, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    nodes.wait_until("the nodes know each other", |nodes| (0..2).all(|node| links(nodes, node).len() == 2));
    nodes.call(0, &["CONFIG", "SET", "cluster-link-sendbuf-limit", &LIMIT.to_string()]);
    nodes.signal(1, "STOP");
    let message = "x".repeat(256 * 1024);
    let exceeded = |nodes: &Nodes| {
        !nodes.call(0, &["CLUSTER", "INFO"]).contains("total_cluster_links_buffer_limit_exceeded:0")
    };
    nodes.wait_until("a link has been closed for what waited on it", |nodes| {
        let mut publisher = Connection::open(nodes.port(0)).expect("the node runs");
        for _ in 0..20 {
            publisher.call(&["PUBLISH", "channel", &message]);
        }
        exceeded(nodes)
    });
    let waiting = |value: &Value| link(value).1[5].as_integer().expect("a size");
    let largest = links(&nodes, 0).iter().map(waiting).max().unwrap_or(0);
    nodes.signal(1, "CONT");
    assert!(largest <= LIMIT, "{largest} bytes wait");
    nodes.wait_until("the link is back", |nodes| links(nodes, 0).len() == 2);
}
