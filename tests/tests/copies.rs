//! The copies of a shard keep what one of them loses.

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::wire::Connection;

/// Three primaries, the first with the replicas that are named behind the first three.
fn shards(kinds: &[Kind], options: &[&str]) -> Nodes {
    let nodes = Nodes::start_with(kinds, options);
    let addresses: Vec<String> = (0..3).map(|node| nodes.address(node)).collect();
    let words: Vec<&str> = ["create"].into_iter().chain(addresses.iter().map(String::as_str)).collect();
    nodes.redis_cli(&words);
    for replica in 3..kinds.len() {
        nodes.call(replica, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    }
    nodes.wait_until_agreed();
    let primary = nodes.id(0);
    for replica in 3..kinds.len() {
        nodes.call(replica, &["CLUSTER", "REPLICATE", &primary]);
    }
    nodes.wait_until("the replicas have their data", |nodes| {
        (3..kinds.len())
            .all(|node| nodes.call(node, &["INFO", "replication"]).contains("master_link_status:up"))
    });
    nodes.wait_until_agreed();
    nodes
}

/// A tag whose keys are in a slot of node 0: the first third of them.
fn tag() -> String {
    let tags = (0..).map(|number| format!("{{{number}}}"));
    { tags }.find(|tag| key_slot(tag.as_bytes()).get() < 16384 / 3).expect("one of three")
}

fn write(nodes: &Nodes, node: usize, keys: usize) {
    let (mut connection, tag) = (Connection::open(nodes.port(node)).expect("the node runs"), tag());
    for number in 0..keys {
        let reply = connection.call(&["SET", &format!("{tag}{number}"), "value"]);
        assert_eq!(reply, Value::Simple("OK".into()), "key {number}");
    }
}

fn is_primary(nodes: &Nodes, node: usize) -> bool {
    nodes.call(node, &["INFO", "replication"]).contains("role:master")
}

fn keys(nodes: &Nodes, node: usize) -> Value {
    Connection::open(nodes.port(node)).expect("the node runs").call(&["DBSIZE"])
}

/// Waits until so many replicas have all that was written.
fn wait_for_replicas(nodes: &Nodes, primary: usize, replicas: usize) {
    let mut connection = Connection::open(nodes.port(primary)).expect("the node runs");
    connection.call(&["SET", &format!("{}0", tag()), "value"]);
    assert_eq!(connection.call(&["WAIT", &replicas.to_string(), "10000"]), Value::Integer(replicas as i64));
}

fn loses_its_data_and_restarts(kind: Kind) {
    let mut nodes = shards(&[Kind::Slotway, Kind::Slotway, Kind::Slotway, kind], &[]);
    write(&nodes, 0, 500);
    wait_for_replicas(&nodes, 0, 1);
    // Nothing was saved: the process comes back, before anybody has found that it failed, with nothing.
    nodes.kill(0);
    nodes.restart(0);
    nodes.wait_until("the replica with the data is the primary", |nodes| {
        is_primary(nodes, 3) && !is_primary(nodes, 0)
    });
    nodes.wait_until_agreed();
    assert_eq!(keys(&nodes, 3), Value::Integer(500), "nothing was lost");
    nodes.wait_until("the data is copied back", |nodes| keys(nodes, 0) == Value::Integer(500));
}

#[test]
fn a_primary_that_comes_back_without_its_data_follows_its_replica() {
    loses_its_data_and_restarts(Kind::Slotway);
}

#[test]
fn a_replica_that_is_a_redis_server_keeps_the_data_too() {
    loses_its_data_and_restarts(Kind::Redis);
}
