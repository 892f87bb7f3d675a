//! Clients inside and outside of the nodes' network are told different addresses, and each of them reaches what it is told.

use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::ports::free_port;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

/// What one node announces reaches another within this time.
const PATIENCE: Duration = Duration::from_secs(20);
/// A key of the second node, which has the upper half of the slots: slot 12182.
const KEY: &str = "foo";

/// Two nodes that are one cluster, and the ports at which they serve clients of the outside.
struct Pair {
    nodes: [Server; 2],
    outside: [u16; 2],
}

impl Pair {
    fn start() -> Self {
        let outside = [free_port(), free_port()];
        let nodes = outside.map(|port| {
            let port = port.to_string();
            Server::slotway(&["--cluster-enabled", "yes", "--cluster-client-port", &port])
        });
        let pair = Self { nodes, outside };
        for (node, slots) in [(0, ["0", "8191"]), (1, ["8192", "16383"])] {
            let [first, last] = slots;
            pair.call(node, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        let port = pair.nodes[1].port().to_string();
        pair.call(0, &["CLUSTER", "MEET", "127.0.0.1", &port]);
        pair.wait("one cluster", |pair| pair.call(0, &["CLUSTER", "INFO"]).contains("cluster_state:ok"));
        pair
    }

    fn call(&self, node: usize, words: &[&str]) -> String {
        text(self.nodes[node].connect().call(words))
    }

    /// What a client of the outside is answered by the first node.
    fn outsider(&self, words: &[&str]) -> String {
        text(Connection::open(self.outside[0]).expect("the port for clients is open").call(words))
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < PATIENCE, "{what}: {}", self.outsider(&["CLUSTER", "NODES"]));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn text(reply: Value) -> String {
    match reply {
        Value::Error(text) => text,
        reply => reply.as_str().map_or_else(|| format!("{reply:?}"), str::to_owned),
    }
}

#[test]
fn each_client_is_told_the_addresses_of_its_side() {
    let pair = Pair::start();
    let (inside, outside) = (pair.nodes[1].port(), pair.outside[1]);
    assert_eq!(pair.call(0, &["GET", KEY]), format!("MOVED 12182 127.0.0.1:{inside}"));
    pair.wait("the port for clients is told at once", |pair| {
        pair.outsider(&["GET", KEY]) == format!("MOVED 12182 127.0.0.1:{outside}")
    });
    for words in [&["CLUSTER", "SLOTS"], &["CLUSTER", "SHARDS"], &["CLUSTER", "NODES"]] {
        let (told_inside, told_outside) = (pair.call(0, words), pair.outsider(words));
        let names = |text: &str, port: u16| {
            text.contains(&format!("({port})")) || text.contains(&format!(":{port}@"))
        };
        assert!(names(&told_inside, inside) && !names(&told_inside, outside), "{told_inside}");
        assert!(names(&told_outside, outside) && !names(&told_outside, inside), "{told_outside}");
    }
}

/// As a test that starts containers learns the ports under which they are published only then.
#[test]
fn what_clients_are_told_can_be_changed_while_all_run() {
    let pair = Pair::start();
    pair.call(
        1,
        &[
            "CONFIG",
            "SET",
            "cluster-announce-client-port",
            "32768",
            "cluster-announce-client-ipv4",
            "203.0.113.7",
        ],
    );
    pair.wait("the other node tells it", |pair| {
        pair.outsider(&["GET", KEY]) == "MOVED 12182 203.0.113.7:32768"
    });
    pair.call(1, &["CONFIG", "SET", "cluster-announce-client-hostname", "two.example"]);
    pair.call(0, &["CONFIG", "SET", "cluster-preferred-endpoint-type", "hostname"]);
    pair.wait("a host name too", |pair| pair.outsider(&["GET", KEY]) == "MOVED 12182 two.example:32768");
    assert_eq!(pair.call(0, &["GET", KEY]), format!("MOVED 12182 ?:{}", pair.nodes[1].port()));
}

#[test]
fn a_client_is_inside_by_its_network() {
    let pair = Pair::start();
    pair.call(1, &["CONFIG", "SET", "cluster-announce-client-ipv4", "203.0.113.7"]);
    let moved = |host: &str, port: u16| format!("MOVED 12182 {host}:{port}");
    pair.call(0, &["CONFIG", "SET", "cluster-inside-networks", "192.0.2.0/24"]);
    let outside = moved("203.0.113.7", pair.outside[1]);
    pair.wait("a client of no such network is outside", |pair| pair.call(0, &["GET", KEY]) == outside);
    pair.call(0, &["CONFIG", "SET", "cluster-inside-networks", "192.0.2.0/24,127.0.0.0/8"]);
    assert_eq!(pair.call(0, &["GET", KEY]), moved("127.0.0.1", pair.nodes[1].port()));
    let refused = pair.call(0, &["CONFIG", "SET", "cluster-inside-networks", "nonsense"]);
    assert!(refused.contains("must be networks or addresses"), "{refused}");
}
