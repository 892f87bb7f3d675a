//! Slots on their way while clients of two libraries write, and while MIGRATE takes keys out of them; what they cost.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::load::Load;
use slotway_tests::nodes::Kind::Slotway;
use slotway_tests::nodes::Nodes;
use slotway_tests::operator::created_with;
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
