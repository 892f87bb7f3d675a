//! Clusters of processes of their own that talk over the bus: made by redis-cli, mixed with redis-server, with nodes that die.
//!
//! One at a time: where all processors are busy, nodes that are well look dead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, NODE_TIMEOUT_MS, Nodes};
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits for one's turn. That another test has failed is its own matter.
fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Six nodes made one cluster by redis-cli: three primaries, each with a replica.
fn created_by_redis_cli(kinds: [Kind; 6]) -> Nodes {
    let nodes = Nodes::start(&kinds);
    let addresses: Vec<String> = (0..6).map(|node| nodes.address(node)).collect();
    let mut words = vec!["create"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(["--cluster-replicas", "1"]);
    let said = nodes.redis_cli(&words);
    assert!(said.contains("[OK] All 16384 slots covered."), "{said}");
    nodes.wait_until_agreed();
    nodes
}

/// The replica of a primary, as the first node that runs tells it.
fn replica_of(nodes: &Nodes, primary: usize) -> usize {
    let view = nodes.view(nodes.running().next().expect("a node runs"));
    let id = nodes.id(primary);
    let is_replica = |node: &usize| {
        let own_id = nodes.id(*node);
        let found = view.nodes().find(|(_, node)| node.id.as_str() == own_id).expect("all are known").1;
        found.primary.is_some_and(|primary| view.node(primary).id.as_str() == id)
    };
    nodes.running().find(is_replica).expect("each primary has a replica")
}

fn serves_slots(nodes: &Nodes, node: usize) -> bool {
    let view = nodes.view(node);
    view.myself().is_some_and(|myself| view.has_slots(myself))
}

#[test]
fn redis_cli_makes_checks_and_changes_a_cluster() {
    let _turn = turn();
    let nodes = Nodes::start(&[Slotway; 8]);
    let addresses: Vec<String> = (0..8).map(|node| nodes.address(node)).collect();
    let mut words = vec!["create"];
    words.extend(addresses[..6].iter().map(String::as_str));
    words.extend(["--cluster-replicas", "1"]);
    nodes.redis_cli(&words);
    nodes.wait_until_first_agree(6);
    let first = addresses[0].as_str();
    let said = nodes.redis_cli(&["check", first]);
    assert!(said.contains("[OK] All nodes agree about slots configuration."), "{said}");
    assert!(said.contains("[OK] All 16384 slots covered."), "{said}");
    let said = nodes.redis_cli(&["info", first]);
    assert!(said.contains("[OK] 0 keys in 3 masters."), "{said}");

    let said = nodes.redis_cli(&["add-node", &addresses[6], first]);
    assert!(said.contains("[OK] New node added correctly."), "{said}");
    nodes.wait_until_first_agree(7);
    let primary = nodes.id(0);
    let said = nodes.redis_cli(&[
        "add-node",
        &addresses[7],
        first,
        "--cluster-slave",
        "--cluster-master-id",
        &primary,
    ]);
    assert!(said.contains("[OK] New node added correctly."), "{said}");
    nodes.wait_until_agreed();
    let view = nodes.view(0);
    let primary = view.nodes().find(|(_, node)| node.id.as_str() == primary).expect("it is known").0;
    assert_eq!(view.replicas_of(primary).len(), 2);

    let said = nodes.redis_cli(&["call", first, "PING"]);
    assert_eq!(said.matches("PONG").count(), 8, "{said}");
    let said = nodes.redis_cli(&["set-timeout", first, "3000"]);
    assert!(said.contains("New node timeout set. 8 OK, 0 ERR."), "{said}");
    let last = nodes.id(7);
    nodes.redis_cli(&["del-node", first, &last]);
    nodes
        .wait_until("the eighth is forgotten", |nodes| (0..7).all(|node| nodes.view(node).node_count() == 7));
}

#[test]
fn nodes_form_a_cluster_by_themselves_and_keep_it_when_all_restart_elsewhere() {
    let _turn = turn();
    let init = "primaries=3,replicas=1";
    let mut nodes = Nodes::start_forming(6, init);
    nodes.wait_until_agreed();
    let primaries = (0..6).filter(|node| serves_slots(&nodes, *node)).count();
    assert_eq!(primaries, 3);
    let said = nodes.redis_cli(&["check", &nodes.address(0)]);
    assert!(said.contains("1 additional replica(s)"), "{said}");
    let ids: Vec<String> = (0..6).map(|node| nodes.id(node)).collect();
    nodes.restart_elsewhere(init);
    nodes.wait_until_agreed();
    assert_eq!(ids, (0..6).map(|node| nodes.id(node)).collect::<Vec<_>>());
}

#[test]
fn a_replica_takes_over_at_an_operators_word_in_all_three_forms() {
    let _turn = turn();
    let nodes = created_by_redis_cli([Slotway; 6]);
    for (primary, form) in [(0, None), (1, Some("FORCE")), (2, Some("TAKEOVER"))] {
        let replica = replica_of(&nodes, primary);
        let words: Vec<&str> = ["CLUSTER", "FAILOVER"].into_iter().chain(form).collect();
        nodes.call(replica, &words);
        nodes.wait_until(&format!("{form:?}: the roles change"), |nodes| {
            serves_slots(nodes, replica) && !serves_slots(nodes, primary)
        });
        nodes.wait_until_agreed();
    }
}

#[test]
fn a_primary_that_is_killed_is_replaced() {
    let _turn = turn();
    let mut nodes = created_by_redis_cli([Slotway; 6]);
    let replica = replica_of(&nodes, 0);
    nodes.kill(0);
    let took = nodes.wait_until("the replica serves the slots", |nodes| serves_slots(nodes, replica));
    println!("a replica took over after {took:?}, with a node timeout of {NODE_TIMEOUT_MS} ms");
    nodes.wait_until_agreed();
}

#[test]
fn our_nodes_and_redis_nodes_are_one_cluster_whoever_meets_whom() {
    let _turn = turn();
    let nodes = Nodes::start(&[Slotway, Redis, Slotway, Redis, Slotway, Redis]);
    // Ours meets theirs, theirs meets ours.
    for (node, other) in [(0, 1), (1, 2), (3, 2), (4, 3), (5, 4)] {
        nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(other).to_string()]);
    }
    for (node, (first, last)) in
        [("0", "5460"), ("5461", "10922"), ("10923", "16383")].into_iter().enumerate()
    {
        nodes.call(node, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
    }
    nodes.wait_until("all know all", |nodes| (0..6).all(|node| nodes.view(node).node_count() == 6));
    nodes.wait_until_agreed();
}

/// Each replica is of the other kind than its primary, and takes over with all that its primary has acknowledged to WAIT.
#[test]
fn a_dead_primary_of_either_kind_is_replaced_by_a_replica_of_the_other_with_all_data() {
    let _turn = turn();
    let mut nodes = Nodes::start(&[Slotway, Redis, Slotway, Redis, Slotway, Redis]);
    for node in 1..6 {
        nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    }
    for (node, range) in [["0", "5460"], ["5461", "10922"], ["10923", "16383"]].into_iter().enumerate() {
        nodes.call(node, &["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]);
    }
    nodes.wait_until_agreed();
    for (replica, primary) in [(3, 0), (4, 1), (5, 2)] {
        let primary = nodes.id(primary);
        nodes.call(replica, &["CLUSTER", "REPLICATE", &primary]);
    }
    nodes.wait_until_agreed();
    for dead in [0, 1] {
        let heir = dead + 3;
        nodes.wait_until("the replica has its data", |nodes| {
            nodes.call(heir, &["INFO", "replication"]).contains("master_link_status:up")
        });
        let mut connection = Connection::open(nodes.port(dead)).expect("it runs");
        let tag = tag_of(&nodes, dead);
        let key = |number| format!("{{{tag}}}{number}");
        for number in 0..1000 {
            connection.call(&["SET", &key(number), &number.to_string()]);
        }
        assert_eq!(connection.call(&["WAIT", "1", "0"]), Value::Integer(1));
        // Offsets of replicas travel with heartbeats.
        std::thread::sleep(Duration::from_millis(NODE_TIMEOUT_MS));
        nodes.kill(dead);
        nodes.wait_until(&format!("node {heir} serves the slots of node {dead}"), |nodes| {
            serves_slots(nodes, heir)
        });
        nodes.wait_until_agreed();
        let mut connection = Connection::open(nodes.port(heir)).expect("it runs");
        for number in 0..1000 {
            let value = connection.call(&["GET", &key(number)]);
            assert_eq!(value, Value::Bulk(number.to_string().into_bytes()), "{}", key(number));
        }
    }
}

/// Messages of each kind that a node has sent and received, as CLUSTER INFO tells: names and numbers.
fn counts(nodes: &Nodes, node: usize) -> BTreeMap<String, u64> {
    let text = nodes.call(node, &["CLUSTER", "INFO"]);
    let count = |line: &str| {
        let (name, number) = line.strip_prefix("cluster_stats_messages_")?.split_once(':')?;
        Some((name.to_owned(), number.trim().parse().ok()?))
    };
    text.lines().filter_map(count).collect()
}

fn subscriber(nodes: &Nodes, node: usize, words: &[&str]) -> Connection {
    let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
    connection.call(words);
    connection
}

/// Each primary has a replica of the other kind. Whatever happens, happens in both shards.
#[test]
fn messages_reach_nodes_of_either_kind_and_are_counted_as_redis_counts_them() {
    let _turn = turn();
    let nodes = Nodes::start(&[Slotway, Redis, Redis, Slotway]);
    for node in 1..4 {
        nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    }
    nodes.call(0, &["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
    nodes.call(1, &["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
    nodes.wait_until("they are one cluster", Nodes::are_one_cluster);
    for (replica, primary) in [(2, 0), (3, 1)] {
        nodes.call(replica, &["CLUSTER", "REPLICATE", &nodes.id(primary)]);
    }
    nodes.wait_until("the replicas have the data, and all links stand", |nodes| {
        let is_up = |node| nodes.call(node, &["INFO", "replication"]).contains("master_link_status:up");
        let is_linked = |node| nodes.call(node, &["CLUSTER", "NODES"]).matches(" connected").count() == 4;
        nodes.are_one_cluster() && is_up(2) && is_up(3) && (0..4).all(is_linked)
    });

    // By PUBLISH to all others, by SPUBLISH to the other node of the shard. Slots 3300 and 15495.
    let mut all: Vec<Connection> =
        (0..4).map(|node| subscriber(&nodes, node, &["SUBSCRIBE", "news"])).collect();
    let mut of_shard: Vec<Connection> = [(0, "b"), (1, "a"), (2, "b"), (3, "a")]
        .map(|(node, channel)| subscriber(&nodes, node, &["SSUBSCRIBE", channel]))
        .into();
    for node in 0..4 {
        nodes.call(node, &["PUBLISH", "news", &node.to_string()]);
        let channel = if node % 2 == 0 { "b" } else { "a" };
        nodes.call(node, &["SPUBLISH", channel, &node.to_string()]);
    }
    let told = |connection: &mut Connection, count: usize| {
        let message = |_| match connection.read().expect("a message").value {
            Value::Array(parts) => parts[2].as_str().expect("text").to_owned(),
            other => panic!("a message is an array: {other:?}"),
        };
        (0..count).map(message).collect::<BTreeSet<_>>()
    };
    let texts = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<BTreeSet<_>>();
    all.iter_mut().for_each(|connection| assert_eq!(told(connection, 4), texts(&[0, 1, 2, 3])));
    for (node, connection) in of_shard.iter_mut().enumerate() {
        assert_eq!(told(connection, 2), texts(&[node % 2, node % 2 + 2]));
    }
    for node in 0..4 {
        let counted = counts(&nodes, node);
        let of = |name: &str| counted.get(name).copied().unwrap_or_default();
        let seen = ["publish_sent", "publish_received", "publishshard_sent", "publishshard_received"].map(of);
        assert_eq!(seen, [3, 3, 1, 1], "node {node}: {counted:?}");
    }

    for replica in [2, 3] {
        nodes.call(replica, &["CLUSTER", "FAILOVER"]);
        nodes.wait_until("the replica takes over", |nodes| serves_slots(nodes, replica));
        nodes.wait_until_agreed();
    }
    // The first new primary votes for the second, who is behind is sent an UPDATE, a MEET that was lost is sent again, and on a busy machine
    // somebody may look dead: all the others are in both shards or in none.
    let kinds = |node| {
        let is_first = node == 2;
        let is_by_chance = |name: &String| {
            let is_rare = ["update", "meet", "fail"].iter().any(|kind| name.starts_with(kind));
            is_rare || (is_first && name == "auth-ack_sent")
        };
        counts(&nodes, node).into_keys().filter(|name| !is_by_chance(name)).collect::<BTreeSet<_>>()
    };
    assert_eq!(kinds(0), kinds(1), "of the old primaries");
    assert_eq!(kinds(2), kinds(3), "of the new ones");
    for name in ["auth-ack_sent", "auth-req_received", "mfstart_received"] {
        assert!(kinds(0).contains(name), "{name}: {:?}", kinds(0));
    }
    for name in ["auth-ack_received", "auth-req_sent", "mfstart_sent"] {
        assert!(kinds(2).contains(name), "{name}: {:?}", kinds(2));
    }
    for node in 0..4 {
        let counted = counts(&nodes, node);
        for (sum, end) in [("sent", "_sent"), ("received", "_received")] {
            let parts = counted.iter().filter(|(name, _)| name.ends_with(end)).map(|(_, count)| count);
            assert_eq!(counted[sum], parts.sum::<u64>(), "node {node}: {counted:?}");
        }
    }
}

/// A hash tag whose slot the node serves.
fn tag_of(nodes: &Nodes, node: usize) -> String {
    let view = nodes.view(node);
    let is_here = |tag: &String| view.owner(key_slot(tag.as_bytes())) == view.myself();
    (0..).map(|number| number.to_string()).find(is_here).expect("it serves a third of all slots")
}

/// Every write that was acknowledged before, during and after an orderly failover is there, without WAIT.
#[test]
fn an_orderly_failover_under_load_loses_nothing() {
    let _turn = turn();
    let nodes = created_by_redis_cli([Slotway; 6]);
    let (primary, replica) = (0, replica_of(&nodes, 0));
    nodes.wait_until("the replica has its data", |nodes| {
        nodes.call(replica, &["INFO", "replication"]).contains("master_link_status:up")
    });
    let tag = tag_of(&nodes, primary);
    let ports = [nodes.port(primary), nodes.port(replica)];
    let is_over = AtomicBool::new(false);
    let acknowledged = std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_until(&is_over, ports, &tag));
        let end = End(&is_over);
        for heir in [replica, primary, replica] {
            // Voters give one shard no second vote before.
            std::thread::sleep(Duration::from_millis(2 * NODE_TIMEOUT_MS));
            nodes.call(heir, &["CLUSTER", "FAILOVER"]);
            nodes.wait_until("the roles change", |nodes| serves_slots(nodes, heir));
            nodes.wait_until_agreed();
            nodes.wait_until("the other one follows", |nodes| {
                let other = if heir == replica { primary } else { replica };
                nodes.call(other, &["INFO", "replication"]).contains("master_link_status:up")
            });
        }
        drop(end);
        writer.join().expect("it writes")
    });
    assert!(acknowledged > 1000, "it has written {acknowledged}");
    let mut connection = Connection::open(nodes.port(replica)).expect("it runs");
    for number in 0..acknowledged {
        let value = connection.call(&["GET", &format!("{{{tag}}}{number}")]);
        assert_eq!(value, Value::Bulk(number.to_string().into_bytes()), "{number} of {acknowledged}");
    }
    // The shard has had one history all the time.
    let stats = nodes.call(replica, &["INFO", "stats"]);
    assert!(stats.contains("sync_full:0"), "{stats}");
}

/// Says that it is over when it goes, be it because something has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes keys with ascending numbers to whoever takes them, one by one. Returns how many were acknowledged.
fn write_until(is_over: &AtomicBool, ports: [u16; 2], tag: &str) -> usize {
    let mut connections = ports.map(|port| Connection::open(port).expect("it runs"));
    let (mut number, mut target) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        match connections[target].call(&["SET", &format!("{{{tag}}}{number}"), &number.to_string()]) {
            Value::Error(error) => {
                assert!(error.starts_with("MOVED ") || error.starts_with("CLUSTERDOWN "), "{error}");
                target = 1 - target;
            }
            _ => number += 1,
        }
    }
    number
}

#[test]
fn a_node_that_restarts_is_the_same_node_wherever_it_is() {
    let _turn = turn();
    let mut nodes = created_by_redis_cli([Slotway; 6]);
    let (id, port) = (nodes.id(1), nodes.port(1));
    let said = nodes.start_a_second(1);
    assert!(said.contains("already used by a different Redis Cluster node"), "{said}");
    // All of a shard's nodes may restart, and more than one at a time.
    let replica = replica_of(&nodes, 1);
    nodes.kill(1);
    nodes.kill(replica);
    nodes.restart(1);
    nodes.restart(replica);
    assert_eq!(nodes.id(1), id);
    assert_ne!(nodes.port(1), port);
    nodes.wait_until_agreed();
    let view = nodes.view(0);
    let known = view.nodes().find(|(_, node)| node.id.as_str() == id).expect("it is known").1;
    assert_eq!(known.port, nodes.port(1));
}

/// A node of Redis goes on as one of ours, and one of ours as one of Redis, with the nodes.conf of the other.
#[test]
fn a_node_goes_on_as_a_server_of_the_other_kind_from_its_file() {
    let _turn = turn();
    let mut nodes = Nodes::start(&[Slotway, Redis, Slotway]);
    for (node, range) in [["0", "5460"], ["5461", "10922"], ["10923", "16383"]].into_iter().enumerate() {
        nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(2).to_string()]);
        nodes.call(node, &["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]);
    }
    nodes.wait_until("they are one cluster", Nodes::are_one_cluster);
    nodes.call(1, &["CLUSTER", "SETSLOT", "10922", "MIGRATING", &nodes.id(0)]);
    nodes.call(0, &["CLUSTER", "SETSLOT", "10922", "IMPORTING", &nodes.id(1)]);
    let before = [nodes.id(0), nodes.id(1)];
    for (node, kind) in [(0, Redis), (1, Slotway)] {
        nodes.terminate(node);
        nodes.restart_as(node, kind);
    }
    nodes.wait_until_agreed();
    assert_eq!([nodes.id(0), nodes.id(1)], before);
    let own_line = |node: usize| {
        let text = nodes.call(node, &["CLUSTER", "NODES"]);
        text.lines().find(|line| line.contains("myself")).expect("it tells of itself").to_owned()
    };
    assert!(own_line(0).ends_with(&format!(" 0-5460 [10922-<-{}]", before[1])), "{}", own_line(0));
    assert!(own_line(1).ends_with(&format!(" 5461-10922 [10922->-{}]", before[0])), "{}", own_line(1));
}

/// Addresses are given to others: of a container that is gone, a stranger has it the next moment. Its data must not take the place of the shard's.
#[test]
fn a_replica_does_not_copy_a_stranger_at_the_address_of_its_primary() {
    let _turn = turn();
    let mut nodes = created_by_redis_cli([Slotway; 6]);
    let (primary, replica) = (0, replica_of(&nodes, 0));
    let (tag, port) = (tag_of(&nodes, primary), nodes.port(primary));
    let mut writer = Connection::open(port).expect("the primary runs");
    for number in 0..100 {
        writer.call(&["SET", &format!("{{{tag}}}{number}"), "kept"]);
    }
    assert_eq!(writer.call(&["WAIT", "1", "10000"]), Value::Integer(1));
    nodes.kill(primary);
    let stranger = Server::start_redis_on(port);
    nodes.wait_until("the replica takes over", |nodes| serves_slots(nodes, replica));
    assert_eq!(nodes.call(replica, &["DBSIZE"]), "Integer(100)");
    drop(stranger);
}
