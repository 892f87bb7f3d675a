//! Slots move between nodes by the tools that people have, while clients write: no error, no lost write, no key too many.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_core::slot_set::SlotSet;
use slotway_tests::binaries;
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline};

use Kind::Slotway;

/// Keys that are there from the beginning.
const KEYS: usize = 5000;
/// Two at a time would be in each other's way.
static SET_UP: Once = Once::new();

fn folder() -> PathBuf {
    binaries::workspace().join("tests/clients")
}

/// Nodes of these kinds, of which the first `primaries` are a cluster.
fn cluster(kinds: &[Kind], primaries: usize) -> Nodes {
    let nodes = Nodes::start(kinds);
    let addresses: Vec<String> = (0..primaries).map(|node| nodes.address(node)).collect();
    let words: Vec<&str> = ["create"].into_iter().chain(addresses.iter().map(String::as_str)).collect();
    nodes.redis_cli(&words);
    nodes.wait_until_first_agree(primaries);
    nodes
}

fn key(number: usize) -> String {
    format!("key:{number}")
}

/// Fills a cluster by the nodes that own the keys.
fn fill(nodes: &Nodes) {
    let view = nodes.view(0);
    for node in nodes.running() {
        let owner = view.find(&id_of(nodes, node));
        let mine = (0..KEYS)
            .filter(|number| owner.is_some() && view.owner(key_slot(key(*number).as_bytes())) == owner);
        let set = |number: usize| {
            vec![b"SET".to_vec(), key(number).into_bytes(), format!("value:{number}").into_bytes()]
        };
        let requests: Vec<Vec<Vec<u8>>> = mine.map(set).collect();
        let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
        for chunk in requests.chunks(500) {
            for reply in pipeline(&mut connection, chunk) {
                assert_eq!(reply.value.as_str(), Some("OK"));
            }
        }
    }
}

/// Each key is where its slot is, with its value, and there is no other; `more` keys are those of clients.
#[track_caller]
fn assert_whole(nodes: &Nodes, more: usize) {
    let view = nodes.view(0);
    let mut connections: Vec<(String, Connection)> = nodes
        .running()
        .map(|node| (nodes.id(node), Connection::open(nodes.port(node)).expect("the node runs")))
        .collect();
    let mut count = 0;
    for (_, connection) in &mut connections {
        let Value::Integer(keys) = connection.call(&["DBSIZE"]) else { panic!("DBSIZE is a number") };
        count += keys as usize;
    }
    assert_eq!(count, KEYS + more, "keys on all nodes");
    for number in 0..KEYS {
        let owner = view.owner(key_slot(key(number).as_bytes())).expect("every slot has an owner");
        let id = view.node(owner).id.to_string();
        let (_, connection) = connections.iter_mut().find(|(name, _)| *name == id).expect("the owner runs");
        let value = connection.call(&["GET", &key(number)]);
        assert_eq!(value.as_str(), Some(&*format!("value:{number}")), "{}", key(number));
    }
}

fn id_of(nodes: &Nodes, node: usize) -> NodeId {
    NodeId::parse(nodes.id(node).as_bytes()).expect("a node's name")
}

/// How many slots a node owns.
fn slots_of(nodes: &Nodes, node: usize) -> usize {
    let (view, id) = (nodes.view(node), id_of(nodes, node));
    let index = view.find(&id);
    SlotSet::FULL.iter().filter(|slot| index.is_some() && view.owner(*slot) == index).count()
}

/// Clients at work, until they are told to end.
struct Load(Vec<Child>);

impl Load {
    fn start(port: u16) -> Load {
        SET_UP.call_once(|| {
            let status = Command::new(folder().join("setup.sh")).status().expect("setup.sh runs");
            assert!(status.success());
        });
        let start = |program: PathBuf, script: &str| {
            let mut command = Command::new(program);
            command.current_dir(folder()).arg(script).arg(port.to_string()).arg(format!("{port}"));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the client starts")
        };
        Load(vec![start(folder().join(".venv/bin/python"), "load.py"), start("node".into(), "load.mjs")])
    }

    /// Ends them; none may have met an error. How many keys they have written.
    #[track_caller]
    fn finish(mut self) -> usize {
        for child in &mut self.0 {
            drop(child.stdin.take());
        }
        let mut keys = 0;
        for mut child in self.0.drain(..) {
            let (mut said, mut complained) = (String::new(), String::new());
            child.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
            child.stderr.take().expect("it is piped").read_to_string(&mut complained).expect("it is text");
            let status = child.wait().expect("it ends");
            assert!(status.success() && complained.is_empty(), "a client failed:\n{said}{complained}");
            keys +=
                said.split(' ').next().and_then(|word| word.parse::<usize>().ok()).expect("a number of keys");
        }
        keys
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn reshard(nodes: &Nodes, from_node: usize, to_node: usize, slots: usize) {
    let (from, to, slots) = (nodes.id(from_node), nodes.id(to_node), slots.to_string());
    nodes.redis_cli(&[
        "reshard",
        &nodes.address(from_node),
        "--cluster-from",
        &from,
        "--cluster-to",
        &to,
        "--cluster-slots",
        &slots,
        "--cluster-pipeline",
        "50",
    ]);
}

#[test]
fn reshard_and_rebalance_move_slots_while_clients_write() {
    let nodes = cluster(&[Slotway; 4], 3);
    fill(&nodes);
    let load = Load::start(nodes.port(0));
    reshard(&nodes, 0, 1, 300);
    nodes.wait_until_first_agree(3);
    assert_eq!(slots_of(&nodes, 1), 5462 + 300);
    nodes.redis_cli(&["add-node", &nodes.address(3), &nodes.address(0)]);
    nodes.wait_until_agreed();
    let weight = format!("{}=0.1", nodes.id(3));
    let pipeline = ["--cluster-pipeline", "50"];
    nodes.redis_cli(
        &[
            &["rebalance", &nodes.address(0), "--cluster-use-empty-masters", "--cluster-weight", &weight][..],
            &pipeline,
        ]
        .concat(),
    );
    nodes.wait_until_agreed();
    let share = slots_of(&nodes, 3);
    assert!((500..=560).contains(&share), "a tenth of a share: {share}");
    let more = load.finish();
    assert_whole(&nodes, more);
    nodes.redis_cli(&["check", &nodes.address(0)]);
}

/// A slot in the middle of being moved from node 0 to node 1, in one of the states that an interruption can leave.
fn interrupt(nodes: &Nodes, step: usize, slot: u16) {
    let (slot, from, to) = (slot.to_string(), nodes.id(0), nodes.id(1));
    let migrating = || nodes.call(0, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]);
    let importing = || nodes.call(1, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
    let migrate = |count: &str| {
        let Value::Array(keys) = Connection::open(nodes.port(0)).expect("the node runs").call(&[
            "CLUSTER",
            "GETKEYSINSLOT",
            &slot,
            count,
        ]) else {
            panic!("keys are an array")
        };
        let port = nodes.port(1).to_string();
        let mut words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"].map(str::to_owned).to_vec();
        words.extend(keys.iter().filter_map(|key| key.as_str().map(str::to_owned)));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        nodes.call(0, &words);
    };
    match step {
        0 => drop(migrating()),
        1 => drop(importing()),
        2 => drop((importing(), migrating())),
        3 => {
            importing();
            migrating();
            migrate("1");
        }
        4 => {
            importing();
            migrating();
            migrate("1000");
        }
        5 => {
            importing();
            migrating();
            migrate("1000");
            nodes.call(1, &["CLUSTER", "SETSLOT", &slot, "NODE", &to]);
        }
        _ => unreachable!("six steps"),
    }
}

#[test]
fn fix_mends_a_move_that_was_interrupted_at_any_step() {
    let nodes = cluster(&[Slotway; 3], 3);
    fill(&nodes);
    // Slots of node 0 with several keys each: its range is 0 to 5460.
    let crowded = (0..KEYS).map(|number| key_slot(key(number).as_bytes())).filter(|slot| slot.get() <= 5460);
    let mut by_slot = BTreeMap::<u16, usize>::new();
    crowded.for_each(|slot| *by_slot.entry(slot.get()).or_default() += 1);
    let slots: Vec<u16> = by_slot.into_iter().filter(|(_, keys)| *keys >= 2).map(|(slot, _)| slot).collect();
    for (step, slot) in slots.into_iter().take(6).enumerate() {
        let load = Load::start(nodes.port(0));
        interrupt(&nodes, step, slot);
        nodes.redis_cli(&["fix", &nodes.address(0)]);
        nodes.wait_until_agreed();
        let check = nodes.redis_cli(&["check", &nodes.address(0)]);
        assert!(!check.contains("[WARNING]"), "step {step}:\n{check}");
        let more = load.finish();
        assert_whole(&nodes, more);
        // Their keys go, so that the next clients may count anew.
        for node in 0..3 {
            let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
            for pattern in ["py:*", "js:*"] {
                let Value::Array(names) = connection.call(&["KEYS", pattern]) else {
                    panic!("KEYS is an array")
                };
                for name in names {
                    connection.call(&["DEL", name.as_str().expect("text")]);
                }
            }
        }
    }
}

#[test]
fn import_takes_the_keys_of_a_server_that_stands_alone() {
    let nodes = cluster(&[Slotway; 3], 3);
    for alone in [Server::redis::<&str>(&[]), Server::slotway::<&str>(&[])] {
        let mut connection = alone.connect();
        for number in 0..KEYS {
            connection
                .send(&slotway_tests::wire::request(&["SET", &key(number), &format!("value:{number}")]))
                .expect("it reads");
        }
        for _ in 0..KEYS {
            assert_eq!(connection.read().expect("a reply").value.as_str(), Some("OK"));
        }
        let from = format!("127.0.0.1:{}", alone.port());
        nodes.redis_cli(&["import", &nodes.address(0), "--cluster-from", &from, "--cluster-replace"]);
        assert_whole(&nodes, 0);
        assert_eq!(connection.call(&["DBSIZE"]), Value::Integer(0));
    }
}

#[test]
fn a_target_that_is_full_keeps_its_slot_open_and_fix_closes_it() {
    let nodes = cluster(&[Slotway; 3], 3);
    fill(&nodes);
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "1"]);
    let mut command = Command::new(binaries::redis_cli());
    let (from, to) = (nodes.id(0), nodes.id(1));
    command.args(["--cluster", "reshard", &nodes.address(0), "--cluster-from", &from, "--cluster-to", &to]);
    command.args(["--cluster-slots", "5", "--cluster-yes"]).stdin(Stdio::null());
    let output = command.output().expect("redis-cli runs");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("OOM command not allowed"), "{said}");
    assert_whole(&nodes, 0);
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "0"]);
    nodes.redis_cli(&["fix", &nodes.address(0)]);
    nodes.wait_until_agreed();
    assert_whole(&nodes, 0);
}
