//! The copies of a shard keep what one of them loses.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::nodes::{Kind, NODE_TIMEOUT_MS, Nodes};
use slotway_tests::wire::{Connection, request};

/// `shutdown-timeout`, after which a primary ends though no replica has taken over.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits for one's turn. That another test has failed is its own matter.
fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    let _turn = turn();
    loses_its_data_and_restarts(Kind::Slotway);
}

#[test]
fn a_replica_that_is_a_redis_server_keeps_the_data_too() {
    let _turn = turn();
    loses_its_data_and_restarts(Kind::Redis);
}

/// Writes numbered keys to whoever is the primary of the shard, until `is_over`. Returns the numbers that were acknowledged.
fn write_on(ports: &[u16], is_over: &AtomicBool) -> Vec<usize> {
    let (tag, mut acknowledged, mut number) = (tag(), Vec::new(), 0);
    while !is_over.load(Ordering::Relaxed) {
        for port in ports {
            let Ok(mut connection) = Connection::open(*port) else { continue };
            loop {
                number += 1;
                let sent = connection.send(&request(&["SET", &format!("{tag}{number}"), "value"]));
                match sent.and_then(|()| connection.read()).map(|reply| reply.value) {
                    Ok(Value::Simple(_)) => acknowledged.push(number),
                    _ => break,
                }
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    acknowledged
}

#[test]
fn what_a_majority_of_the_copies_has_acknowledged_outlives_any_one_of_them() {
    let _turn = turn();
    let kinds = [Kind::Slotway; 5];
    let mut nodes = shards(&kinds, &["--cluster-write-quorum", "yes"]);
    let tag = tag();
    for round in 0..3 {
        nodes.call(1, &["PING"]);
        let copies = [0, 3, 4];
        let primary =
            *copies.iter().find(|node| is_primary(&nodes, **node)).expect("the shard has a primary");
        let ports = copies.map(|node| nodes.port(node));
        let is_over = AtomicBool::new(false);
        let acknowledged = thread::scope(|scope| {
            let writer = scope.spawn(|| write_on(&ports, &is_over));
            nodes
                .wait_until("writes are acknowledged", |nodes| keys(nodes, primary).as_integer() > Some(300));
            nodes.kill(primary);
            nodes.wait_until("another copy has taken over", |nodes| {
                copies.iter().any(|node| *node != primary && is_primary(nodes, *node))
            });
            is_over.store(true, Ordering::Relaxed);
            writer.join().expect("the writer ends")
        });
        let winner = *copies
            .iter()
            .find(|node| **node != primary && is_primary(&nodes, **node))
            .expect("as waited for");
        nodes.wait_until("it serves", |nodes| {
            nodes.call(winner, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
        });
        let mut connection = Connection::open(nodes.port(winner)).expect("the node runs");
        let lost = acknowledged
            .iter()
            .filter(|number| connection.call(&["EXISTS", &format!("{tag}{number}")]) != Value::Integer(1));
        assert_eq!(lost.count(), 0, "of {} writes in round {round}", acknowledged.len());
        assert!(acknowledged.len() > 300);
        nodes.restart(primary);
        nodes.wait_until("the old primary is a copy again", |nodes| {
            nodes.call(winner, &["INFO", "replication"]).contains("write_quorum_copies_present:3")
        });
        connection.call(&["FLUSHALL"]);
        nodes.wait_until_agreed();
    }
}

#[test]
fn without_a_majority_of_the_copies_writes_are_refused() {
    let _turn = turn();
    let mut nodes = shards(&[Kind::Slotway; 5], &["--cluster-write-quorum", "yes"]);
    let key = format!("{}1", tag());
    let set =
        |nodes: &Nodes| Connection::open(nodes.port(0)).expect("the node runs").call(&["SET", &key, "1"]);
    nodes.wait_until("all copies are there", |nodes| {
        nodes.call(0, &["INFO", "replication"]).contains("write_quorum_copies_present:3")
    });
    assert_eq!(set(&nodes), Value::Simple("OK".into()));
    nodes.kill(3);
    assert_eq!(set(&nodes), Value::Simple("OK".into()), "two of three");
    nodes.kill(4);
    nodes.wait_until("the loss is known", |nodes| {
        nodes.call(0, &["INFO", "replication"]).contains("write_quorum_copies_present:1")
    });
    assert!(matches!(set(&nodes), Value::Error(error) if error.starts_with("NOREPLICAS")));
    nodes.restart(4);
    nodes.wait_until("a copy is back", |nodes| set(nodes) == Value::Simple("OK".into()));
}

#[test]
fn a_rolling_restart_loses_no_write_and_goes_on_serving() {
    let _turn = turn();
    let mut nodes = shards(&[Kind::Slotway; 4], &["--cluster-handover-on-shutdown", "yes"]);
    for (leaves, takes_over) in [(0, 3), (3, 0)] {
        restart_under_load(&mut nodes, leaves, takes_over, Duration::from_millis(NODE_TIMEOUT_MS));
    }
}

#[test]
fn a_redis_replica_takes_over_from_a_primary_that_ends() {
    let _turn = turn();
    let kinds = [Kind::Slotway, Kind::Slotway, Kind::Slotway, Kind::Redis];
    let mut nodes = shards(&kinds, &["--cluster-handover-on-shutdown", "yes"]);
    // It is asked a second time, as an operator would: the first way is Slotway's own.
    restart_under_load(&mut nodes, 0, 3, SHUTDOWN_TIMEOUT);
}

/// Ends the primary `leaves` of the first shard by SIGTERM while somebody writes, and starts it again as a replica.
fn restart_under_load(nodes: &mut Nodes, leaves: usize, takes_over: usize, limit: Duration) {
    let (tag, ports) = (tag(), [nodes.port(0), nodes.port(3)]);
    let is_over = AtomicBool::new(false);
    let (acknowledged, ended) = thread::scope(|scope| {
        let writer = scope.spawn(|| write_on(&ports, &is_over));
        let before = keys(nodes, leaves).as_integer().unwrap_or_default();
        nodes.wait_until("writes are acknowledged", |nodes| {
            keys(nodes, leaves).as_integer() > Some(before + 200)
        });
        let began = Instant::now();
        nodes.terminate(leaves);
        let ended = began.elapsed();
        let after = keys(nodes, takes_over).as_integer().unwrap_or_default();
        nodes.wait_until("writes go on", |nodes| keys(nodes, takes_over).as_integer() > Some(after + 200));
        is_over.store(true, Ordering::Relaxed);
        (writer.join().expect("the writer ends"), ended)
    });
    assert!(ended < limit, "nobody had to find it dead: {ended:?}");
    let mut connection = Connection::open(nodes.port(takes_over)).expect("the node runs");
    let is_there =
        |number: &&usize| connection.call(&["EXISTS", &format!("{tag}{number}")]) == Value::Integer(1);
    assert_eq!(
        acknowledged.iter().filter(is_there).count(),
        acknowledged.len(),
        "all that was acknowledged is there"
    );
    connection.call(&["FLUSHALL"]);
    nodes.restart(leaves);
    nodes.wait_until("the node that left is a replica with its data", |nodes| {
        nodes.call(leaves, &["INFO", "replication"]).contains("master_link_status:up")
    });
    nodes.wait_until_agreed();
    // A vote goes over the link that the voter has opened, as in Redis: before that stands, it is lost.
    nodes.wait_until("all links stand", |nodes| {
        (0..4).all(|at| !nodes.call(at, &["CLUSTER", "NODES"]).contains("disconnected"))
    });
}

#[test]
fn a_primary_that_comes_back_as_a_replica_goes_on_from_its_snapshot() {
    let _turn = turn();
    let mut nodes = shards(&[Kind::Slotway; 4], &["--save", "1000000 1000000"]);
    write(&nodes, 0, 100);
    wait_for_replicas(&nodes, 0, 1);
    nodes.terminate(0);
    nodes.wait_until("the replica has taken over", |nodes| {
        is_primary(nodes, 3) && nodes.call(3, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
    });
    write(&nodes, 3, 200);
    nodes.restart(0);
    nodes.wait_until("the node that ended follows, with the data", |nodes| {
        !is_primary(nodes, 0)
            && nodes.call(0, &["INFO", "replication"]).contains("master_link_status:up")
            && keys(nodes, 0) == Value::Integer(200)
    });
    let stats = nodes.call(3, &["INFO", "stats"]);
    assert!(stats.contains("sync_full:0\r\n") && stats.contains("sync_partial_ok:1\r\n"), "{stats}");
}
