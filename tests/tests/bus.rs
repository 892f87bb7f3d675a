//! Clusters of processes of their own that talk over the bus: made by redis-cli, mixed with redis-server, with nodes that die.
//!
//! One at a time: where all processors are busy, nodes that are well look dead.

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
