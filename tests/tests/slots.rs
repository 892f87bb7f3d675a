//! Slots on their way while clients of two libraries write, while their owners fail over, and while MIGRATE takes keys out of them; what they
//! cost; and what is asked for wrongly.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use slotway_core::resp::value::Value;
use slotway_core::slot::{Slot, key_slot};
use slotway_tests::load::Load;
use slotway_tests::nodes::Kind::Slotway;
use slotway_tests::nodes::Nodes;
use slotway_tests::operator::{created_with, fill};
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// The slots that move: the first so many, of the first node.
const MOVED: u16 = 1000;

/// Where all processors are busy, nodes that are well look dead.
fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connect(nodes: &Nodes, node: usize) -> Connection {
    Connection::open(nodes.port(node)).expect("the node runs")
}

/// A key whose slot moves.
fn moved_key() -> String {
    let is_moved = |key: &String| key_slot(key.as_bytes()).get() < MOVED;
    (0..).map(|number| format!("moved:{number}")).find(is_moved).expect("some key is in there")
}

fn migrate(nodes: &Nodes, from: usize, to: usize) -> Value {
    let (last, id) = ((MOVED - 1).to_string(), nodes.id(to));
    connect(nodes, from).call(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", "0", &last, "NODE", &id])
}

/// A field of the last migration that a node tells of.
fn last_job(nodes: &Nodes, node: usize, field: &str) -> String {
    let jobs = connect(nodes, node).call(&["CLUSTER", "GETSLOTMIGRATIONS"]);
    let fields = jobs.as_items().and_then(|jobs| jobs.first()?.to_pairs()).unwrap_or_default();
    let found = fields.iter().find(|(name, _)| name.as_str() == Some(field));
    found.and_then(|(_, value)| value.as_str()).unwrap_or_default().to_owned()
}

fn wait_for_end(nodes: &Nodes, node: usize) -> String {
    let is_over = |state: &str| ["success", "failed", "cancelled"].contains(&state);
    nodes.wait_until("the migration is over", |nodes| is_over(&last_job(nodes, node, "state")));
    last_job(nodes, node, "state")
}

/// What CLUSTER SLOT-STATS tells of the slot of `key`.
fn stats(connection: &mut Connection, key: &str) -> BTreeMap<String, i64> {
    let slot = key_slot(key.as_bytes()).to_string();
    let told = connection.call(&["CLUSTER", "SLOT-STATS", "SLOTSRANGE", &slot, &slot]);
    let pairs = told.as_items().and_then(|slots| slots.first()?.as_items()?[1].to_pairs());
    let field = |(name, value): (&Value, &Value)| Some((name.as_str()?.to_owned(), value.as_integer()?));
    pairs.unwrap_or_default().into_iter().filter_map(field).collect()
}

fn is_primary(nodes: &Nodes, node: usize) -> bool {
    nodes.call(node, &["INFO", "replication"]).contains("role:master")
}

/// The replica of a primary.
fn replica_of(nodes: &Nodes, primary: usize) -> usize {
    let id = nodes.id(primary);
    let is_its = |node: &usize| {
        nodes
            .call(*node, &["CLUSTER", "NODES"])
            .lines()
            .any(|line| line.contains("myself,slave") && line.contains(&id))
    };
    nodes.running().find(is_its).expect("each primary has a replica")
}

/// All keys of the primaries, as often as they are there.
fn keys(nodes: &Nodes) -> Vec<String> {
    let view = nodes.view(0);
    let of = |port| Connection::open(port).expect("the node runs").call(&["KEYS", "*"]);
    let replies = view.nodes().filter(|(_, node)| !node.is_replica()).map(|(_, node)| of(node.port));
    let names = |reply: Value| -> Vec<String> {
        reply.as_items().unwrap_or_default().iter().filter_map(|key| Some(key.as_str()?.to_owned())).collect()
    };
    let mut keys: Vec<String> = replies.flat_map(names).collect();
    keys.sort();
    keys
}

/// The node that has the slots that move.
fn owner(nodes: &Nodes) -> usize {
    let view = nodes.view(0);
    let owner = view.owner(Slot::MIN).expect("it is served");
    nodes.running().find(|node| nodes.port(*node) == view.node(owner).port).expect("the owner runs")
}

#[test]
fn several_threads_count_what_a_slot_costs_until_it_goes() {
    const CLIENTS: usize = 6;
    const ROUNDS: usize = 200;
    let _turn = turn();
    let nodes = created_with(&[Slotway; 3], 0, &["--data-threads", "3"]);
    let (key, mut source) = (moved_key(), connect(&nodes, 0));
    assert_eq!(source.call(&["CONFIG", "RESETSTAT"]).as_str(), Some("OK"));
    let set = vec![b"SET".to_vec(), key.clone().into_bytes(), b"value".to_vec()];
    let get = vec![b"GET".to_vec(), key.clone().into_bytes()];
    let len = |words: &[Vec<u8>]| slotway_tests::wire::request(words).len() as i64;
    let requests = [set.clone(), get.clone(), set.clone(), get.clone()];
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let mut connection = connect(&nodes, 0);
                for _ in 0..ROUNDS {
                    pipeline(&mut connection, &requests);
                }
            });
        }
    });
    let pairs = (2 * CLIENTS * ROUNDS) as i64;
    let told = stats(&mut source, &key);
    assert_eq!(told["key-count"], 1);
    assert_eq!(told["network-bytes-in"], pairs * (len(&set) + len(&get)));
    assert_eq!(told["network-bytes-out"], pairs * ("+OK\r\n".len() + "$5\r\nvalue\r\n".len()) as i64);
    assert!(told["cpu-usec"] > 0 && told["memory-bytes"] > key.len() as i64, "{told:?}");
    assert_eq!(migrate(&nodes, 0, 1), Value::Simple("OK".into()));
    assert_eq!(wait_for_end(&nodes, 0), "success");
    nodes.wait_until_agreed();
    assert_eq!(stats(&mut source, &key), BTreeMap::new());
    let arrived = stats(&mut connect(&nodes, 1), &key);
    assert_eq!((arrived["key-count"], arrived["memory-bytes"]), (1, told["memory-bytes"]));
    assert_eq!((arrived["network-bytes-in"], arrived["network-bytes-out"]), (0, 0), "it begins anew");
}

/// Takes copies of `keys` to `target`, again and again, from whichever node has them. How often that was done.
fn take_copies(nodes: &Nodes, keys: &[String], target: &Server, done: &AtomicBool) -> usize {
    let (port, mut count) = (target.port().to_string(), 0);
    let mut connections = [connect(nodes, 0), connect(nodes, 1)];
    while !done.load(Ordering::Acquire) {
        for key in keys {
            let words = ["MIGRATE", "127.0.0.1", &port, key, "0", "20000", "COPY", "REPLACE"];
            for connection in &mut connections {
                match connection.call(&words) {
                    Value::Simple(text) if text == "OK" => count += 1,
                    Value::Error(error) if error.starts_with("MOVED ") => {}
                    // The slot has gone meanwhile.
                    Value::Error(error) if error.contains("MIGRATE") => {}
                    Value::Simple(text) if text == "NOKEY" => {}
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    count
}

#[test]
fn slots_go_to_and_fro_under_clients_at_work_and_under_migrate() {
    const HANDOVERS: usize = 6;
    let _turn = turn();
    let nodes = created_with(&[Slotway; 3], 0, &["--data-threads", "2"]);
    let none: [&str; 0] = [];
    let elsewhere = Server::slotway(&none);
    let own: Vec<String> = (0..40).map(|number| format!("{{{}}}:{number}", moved_key())).collect();
    let mut first = connect(&nodes, 0);
    own.iter().for_each(|key| assert_eq!(first.call(&["SET", key, "v"]).as_str(), Some("OK")));
    let load = Load::start(nodes.port(2));
    let done = AtomicBool::new(false);
    let copies = thread::scope(|scope| {
        let takers: Vec<_> =
            own.chunks(10).map(|keys| scope.spawn(|| take_copies(&nodes, keys, &elsewhere, &done))).collect();
        for round in 0..HANDOVERS {
            let (from, to) = (round % 2, (round + 1) % 2);
            assert_eq!(migrate(&nodes, from, to), Value::Simple("OK".into()));
            assert_eq!(wait_for_end(&nodes, from), "success", "{}", last_job(&nodes, from, "message"));
            nodes.wait_until_agreed();
        }
        done.store(true, Ordering::Release);
        takers.into_iter().map(|taker| taker.join().expect("it takes copies")).sum::<usize>()
    });
    assert!(copies > 0);
    let written = load.finish();
    nodes.wait_until("nobody has a key twice", |nodes| {
        let count = |node| connect(nodes, node).call(&["DBSIZE"]).as_integer().expect("a number");
        (0..3).map(count).sum::<i64>() == (written + own.len()) as i64
    });
    let mut owner = connect(&nodes, 0);
    assert!(own.iter().all(|key| owner.call(&["GET", key]).as_str() == Some("v")));
}

#[test]
fn a_failover_of_either_side_ends_a_migration_and_loses_nothing() {
    let _turn = turn();
    let nodes = created_with(&[Slotway; 6], 1, &[]);
    let (key, value) = (moved_key(), "x".repeat(2000));
    let mut first = connect(&nodes, owner(&nodes));
    for number in 0..300 {
        assert_eq!(first.call(&["SET", &format!("{{{key}}}:{number}"), &value]).as_str(), Some("OK"));
    }
    fill(&nodes, 300);
    let before = keys(&nodes);
    // A write of the first node's is sent to its replica, and counted there as it is here.
    let primary = owner(&nodes);
    let replica = replica_of(&nodes, primary);
    for node in [primary, replica] {
        nodes.call(node, &["CONFIG", "RESETSTAT"]);
    }
    first.call(&["SET", &format!("{{{key}}}:0"), &value]);
    let told = stats(&mut first, &key);
    let there = |field: &str| stats(&mut connect(&nodes, replica), &key)[field];
    nodes.wait_until("the replica has it", |_| there("network-bytes-in") == told["network-bytes-in"]);
    assert_eq!(told["network-bytes-out"], told["network-bytes-in"] + "+OK\r\n".len() as i64);
    assert_eq!(there("network-bytes-out"), 0);
    for of_source in [true, false] {
        let source = owner(&nodes);
        let is_other = |node: &usize| *node != source && is_primary(&nodes, *node);
        let target = nodes.running().find(is_other).expect("there are three primaries");
        nodes.call(source, &["CONFIG", "SET", "slot-migration-max-rate", "20kb"]);
        assert_eq!(migrate(&nodes, source, target), Value::Simple("OK".into()));
        nodes.wait_until("it sends", |nodes| last_job(nodes, source, "state") == "snapshotting");
        let successor = replica_of(&nodes, if of_source { source } else { target });
        nodes.call(successor, &["CLUSTER", "FAILOVER"]);
        assert_eq!(wait_for_end(&nodes, source), "failed");
        let why = last_job(&nodes, source, "message");
        assert!(!why.is_empty(), "it says why");
        nodes.wait_until("the replica has taken over", |nodes| is_primary(nodes, successor));
        nodes.wait_until_agreed();
        nodes.wait_until("all keys are there, each once", |nodes| keys(nodes) == before);
        nodes.call(source, &["CONFIG", "SET", "slot-migration-max-rate", "0"]);
        let source = owner(&nodes);
        let target = nodes.running().find(|node| *node != source && is_primary(&nodes, *node));
        assert_eq!(migrate(&nodes, source, target.expect("as above")), Value::Simple("OK".into()));
        assert_eq!(wait_for_end(&nodes, source), "success", "{}", last_job(&nodes, source, "message"));
        nodes.wait_until_agreed();
        nodes.wait_until("all keys are there, each once", |nodes| keys(nodes) == before);
    }
}

/// Nothing is on its way at any node, and no slot is open.
#[track_caller]
fn assert_closed(nodes: &Nodes, after: &str) {
    for node in nodes.running() {
        assert!(!nodes.call(node, &["CLUSTER", "NODES"]).contains('['), "node {node} after {after}");
        let told = nodes.call(node, &["INFO", "cluster"]);
        assert!(!told.contains("cluster_slot_migration"), "node {node} after {after}: {told}");
    }
}

#[test]
fn what_is_asked_for_wrongly_is_said_and_leaves_no_slot_open() {
    let _turn = turn();
    let mut nodes = created_with(&[Slotway; 6], 1, &[]);
    let (source, key) = (owner(&nodes), moved_key());
    connect(&nodes, source).call(&["SET", &key, "v"]);
    let replica = replica_of(&nodes, source);
    let is_other = |node: &usize| *node != source && is_primary(&nodes, *node);
    let target = nodes.running().find(is_other).expect("there are three primaries");
    let (here, there, behind) = (nodes.id(source), nodes.id(target), nodes.id(replica));
    let stranger = "f".repeat(40);
    let not_known = format!("ERR I don't know about node {stranger}");
    let unknown = format!("ERR Unknown node name: {stranger}");
    for (node, words, error) in [
        (source, format!("MIGRATESLOTS SLOTSRANGE 0 9 NODE {stranger}"), &*unknown),
        (source, format!("MIGRATESLOTS SLOTSRANGE 0 16384 NODE {there}"), "ERR Invalid or out of range slot"),
        (source, format!("MIGRATESLOTS SLOTSRANGE 0 9 NODE {behind}"), "ERR Target node is not a master"),
        (source, format!("MIGRATESLOTS SLOTSRANGE 0 9 NODE {here}"), "ERR Target node can not be this node."),
        (
            target,
            format!("MIGRATESLOTS SLOTSRANGE 0 9 NODE {here}"),
            "ERR Slots are not served by this node.",
        ),
        (
            replica,
            format!("MIGRATESLOTS SLOTSRANGE 0 9 NODE {there}"),
            "ERR Slot migration can only be used on primary nodes.",
        ),
        (source, format!("SETSLOT 0 MIGRATING {stranger}"), &*not_known),
        (target, format!("SETSLOT 0 IMPORTING {stranger}"), &*not_known),
        (source, format!("SETSLOT 16384 NODE {there}"), "ERR Invalid or out of range slot"),
        (source, format!("SETSLOT 0 MIGRATING {behind}"), "ERR Target node is not a master"),
        (source, format!("SETSLOT 0 NODE {behind}"), "ERR Target node is not a master"),
        (source, format!("SETSLOT 0 IMPORTING {there}"), "ERR I'm already the owner of hash slot 0"),
        (target, format!("SETSLOT 0 MIGRATING {here}"), "ERR I'm not the owner of hash slot 0"),
        (replica, format!("SETSLOT 0 MIGRATING {there}"), "ERR Please use SETSLOT only with masters."),
    ] {
        let line = ["CLUSTER"].into_iter().chain(words.split(' ')).collect::<Vec<_>>();
        assert_eq!(connect(&nodes, node).call(&line), Value::Error(error.into()), "{words}");
        assert_closed(&nodes, &words);
    }
    // A target that dies on the way.
    let mut filler = connect(&nodes, source);
    for number in 0..300 {
        filler.call(&["SET", &format!("{{{key}}}:{number}"), &"x".repeat(2000)]);
    }
    nodes.call(source, &["CONFIG", "SET", "slot-migration-max-rate", "20kb"]);
    assert_eq!(migrate(&nodes, source, target), Value::Simple("OK".into()));
    nodes.wait_until("it sends", |nodes| last_job(nodes, source, "state") == "snapshotting");
    let heir = replica_of(&nodes, target);
    nodes.kill(target);
    assert_eq!(wait_for_end(&nodes, source), "failed");
    assert!(!last_job(&nodes, source, "message").is_empty(), "it says why");
    nodes.wait_until("its replica takes over", |nodes| is_primary(nodes, heir));
    nodes.wait_until_agreed();
    assert_closed(&nodes, "the target's death");
    assert_eq!(filler.call(&["GET", &key]).as_str(), Some("v"));
    let refused = migrate_to(&nodes, source, &there);
    assert!(
        matches!(&refused, Value::Error(error) if error.starts_with("ERR Target node is ")),
        "{refused:?}"
    );
    nodes.call(source, &["CONFIG", "SET", "slot-migration-max-rate", "0"]);
    assert_eq!(migrate(&nodes, source, heir), Value::Simple("OK".into()));
    assert_eq!(wait_for_end(&nodes, source), "success");
}

fn migrate_to(nodes: &Nodes, from: usize, id: &str) -> Value {
    connect(nodes, from).call(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", "0", "9", "NODE", id])
}
