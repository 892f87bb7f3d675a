//! `slotway dev`: nodes of one process are nodes like any others, each with data of its own.

use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::cluster::Cluster;
use slotway_tests::wire::Connection;

/// What has not come about by then never will.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long to wait before looking again.
const POLL: Duration = Duration::from_millis(20);

/// Two shards of a primary and a replica, with a connection to each node: primaries first.
struct Dev {
    cluster: Cluster,
    nodes: Vec<Connection>,
}

impl Dev {
    fn start() -> Self {
        Self::of(Cluster::dev(2, 1))
    }

    fn of(cluster: Cluster) -> Self {
        let connect = |port| Connection::open(port).expect("the node runs");
        let nodes = cluster.ports().map(connect).collect();
        Self { nodes, cluster }
    }

    fn say(&mut self, node: usize, line: &str) -> Value {
        let words: Vec<&str> = line.split(' ').collect();
        self.nodes[node].call(&words)
    }

    fn id(&mut self, node: usize) -> String {
        self.say(node, "CLUSTER MYID").as_str().expect("a name").to_owned()
    }

    /// Asks a node until its answer has these words.
    fn wait_until(&mut self, node: usize, line: &str, words: &str) {
        self.wait_for(node, line, |answer| answer.as_str().is_some_and(|text| text.contains(words)));
    }

    fn wait_for(&mut self, node: usize, line: &str, is_it: impl Fn(&Value) -> bool) {
        let started = Instant::now();
        loop {
            let answer = self.say(node, line);
            if is_it(&answer) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{line} to node {node} goes on answering {answer:?}");
            thread::sleep(POLL);
        }
    }

    /// Writes some keys of the first or second half of the slots, and waits until one replica has them.
    fn write(&mut self, node: usize, is_mine: impl Fn(u16) -> bool) -> String {
        let tags = (0..).map(|number| format!("{{{number}}}"));
        let tag = { tags }.find(|tag| is_mine(key_slot(tag.as_bytes()).get())).expect("one of two");
        for number in 0..10 {
            assert_eq!(self.say(node, &format!("SET {tag}{number} value")), Value::Simple("OK".into()));
        }
        assert_eq!(self.say(node, "WAIT 1 10000"), Value::Integer(1));
        tag
    }
}

#[test]
fn a_node_that_goes_to_another_shard_has_the_data_of_that_shard_and_may_lead_it() {
    let mut dev = Dev::start();
    let first = dev.write(0, |slot| slot < 8192);
    let second = dev.write(1, |slot| slot >= 8192);
    assert_eq!(dev.say(2, "DBSIZE"), Value::Integer(10), "all that its primary has");

    let target = dev.id(1);
    assert_eq!(dev.say(2, &format!("CLUSTER REPLICATE {target}")), Value::Simple("OK".into()));
    dev.wait_until(2, "INFO replication", "master_link_status:up");
    dev.say(2, "READONLY");
    assert_eq!(dev.say(2, &format!("GET {second}3")), Value::Bulk(b"value".to_vec()));
    let moved = dev.say(2, &format!("GET {first}3"));
    assert!(matches!(&moved, Value::Error(text) if text.starts_with("MOVED")), "{moved:?}");
    assert_eq!(dev.say(2, "DBSIZE"), Value::Integer(10), "nothing is left of the old shard");
    assert_eq!(dev.say(0, "DBSIZE"), Value::Integer(10), "and nobody else's data has gone");

    dev.wait_for(1, "CLUSTER NODES", |nodes| count(nodes, &format!("slave {target}")) == 2);
    dev.wait_for(2, "CLUSTER NODES", |nodes| count(nodes, " connected") == 4);
    assert_eq!(dev.say(2, "CLUSTER FAILOVER"), Value::Simple("OK".into()));
    dev.wait_until(2, "INFO replication", "role:master");
    dev.wait_until(1, "INFO replication", "role:slave");
    assert_eq!(dev.say(2, &format!("SET {second}new value")), Value::Simple("OK".into()));
    assert!(
        matches!(dev.say(2, "WAIT 1 10000"), Value::Integer(1..)),
        "one of its two replicas has it, or both"
    );
    assert_eq!(dev.say(1, "DBSIZE"), Value::Integer(11), "the old primary follows the new one");
}

/// How often `words` are in a text.
fn count(text: &Value, words: &str) -> usize {
    text.as_str().map_or(0, |text| text.matches(words).count())
}

#[test]
fn a_node_that_is_reset_is_alone_and_empty_and_comes_back_as_any_shards_replica() {
    let mut dev = Dev::start();
    dev.write(0, |slot| slot < 8192);
    dev.write(1, |slot| slot >= 8192);
    let before = dev.id(2);
    assert_eq!(dev.say(2, "CLUSTER RESET HARD"), Value::Simple("OK".into()));
    assert_eq!(dev.say(2, "DBSIZE"), Value::Integer(0), "its keys go before it answers");
    assert_ne!(dev.id(2), before);
    dev.wait_until(2, "CLUSTER INFO", "cluster_known_nodes:1\r");
    assert_eq!(dev.say(0, "DBSIZE"), Value::Integer(10), "its primary keeps what it has");

    let (port, target) = (dev.cluster.port() + 1, dev.id(1));
    dev.say(2, &format!("CLUSTER MEET 127.0.0.1 {port}"));
    dev.wait_until(2, "CLUSTER NODES", &target);
    assert_eq!(dev.say(2, &format!("CLUSTER REPLICATE {target}")), Value::Simple("OK".into()));
    dev.wait_until(2, "INFO replication", "master_link_status:up");
    assert_eq!(dev.say(2, "DBSIZE"), Value::Integer(10));
}

/// Two copies of each shard: both must have what is acknowledged.
#[test]
fn writes_count_by_quorum_among_nodes_of_one_process_too() {
    let mut dev = Dev::of(Cluster::dev_with(2, 1, &["--cluster-write-quorum", "yes"]));
    let tag = dev.write(0, |slot| slot < 8192);
    dev.wait_until(0, "INFO replication", "write_quorum_copies_present:2");
    dev.wait_for(2, "CLUSTER NODES", |nodes| count(nodes, " connected") == 4);
    assert_eq!(dev.say(2, "CLUSTER FAILOVER"), Value::Simple("OK".into()));
    dev.wait_until(2, "INFO replication", "role:master");
    dev.wait_until(2, "INFO replication", "write_quorum_copies_present:2");
    assert_eq!(dev.say(2, &format!("SET {tag}0 new")), Value::Simple("OK".into()));
    assert_eq!(dev.say(2, "DBSIZE"), Value::Integer(10));

    assert_eq!(dev.say(0, "CLUSTER RESET"), Value::Simple("OK".into()));
    dev.wait_until(2, "INFO replication", "write_quorum_copies_present:1");
    let refused = dev.say(2, &format!("SET {tag}0 newer"));
    assert!(matches!(&refused, Value::Error(text) if text.starts_with("NOREPLICAS")), "{refused:?}");
    assert_eq!(dev.say(2, &format!("GET {tag}0")), Value::Bulk(b"new".to_vec()));
}

/// Fifty nodes, of whom everybody knows everybody, and nobody takes anybody for dead.
#[test]
fn fifty_nodes_form_and_stay_well() {
    let mut dev = Dev::of(Cluster::dev(25, 1));
    let is_well = |dev: &mut Dev, node| {
        dev.wait_until(node, "CLUSTER INFO", "cluster_known_nodes:50");
        dev.wait_until(node, "CLUSTER INFO", "cluster_state:ok");
        // Each has been asked, and has answered.
        dev.wait_for(node, "CLUSTER NODES", |text| {
            text.as_str().is_some_and(|text| text.matches(" connected").count() == 50)
        });
        let text = dev.say(node, "CLUSTER NODES");
        assert!(!text.as_str().expect("text").contains("fail"), "{text:?}");
    };
    // Twice: who looked dead to the last one asked would be known to the first by now.
    (0..50).chain(0..50).for_each(|node| is_well(&mut dev, node));
}
