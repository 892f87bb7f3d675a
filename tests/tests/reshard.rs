//! Slots move between nodes by the tools that people have, while clients write: no error, no lost write, no key too many.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_core::slot_set::SlotSet;
use slotway_tests::binaries;
use slotway_tests::load::{self, Load};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::operator;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline};

use Kind::{Redis, Slotway};

/// Keys that are there from the beginning.
const KEYS: usize = 5000;

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

/// The moments at which a move of a slot can be interrupted: what has been done by then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moment {
    /// The target waits for the slot: the first thing that redis-cli does.
    TargetOpen,
    /// So does the source let it go.
    Open,
    /// One key has moved.
    SomeKeys,
    /// All keys have.
    AllKeys,
    /// The target has been told that the slot is its own.
    TargetTold,
    /// Older tools open the source first.
    SourceOpen,
    /// Older tools tell the source first: then nobody claims the slot.
    SourceTold,
}

const MOMENTS: [Moment; 7] = [
    Moment::TargetOpen,
    Moment::Open,
    Moment::SomeKeys,
    Moment::AllKeys,
    Moment::TargetTold,
    Moment::SourceOpen,
    Moment::SourceTold,
];

/// Moves a slot from node 0 to node 1, until that moment.
fn interrupt(nodes: &Nodes, moment: Moment, slot: u16) {
    let (slot, from, to) = (slot.to_string(), nodes.id(0), nodes.id(1));
    let set = |node: usize, words: &[&str]| {
        nodes.call(node, &[&["CLUSTER", "SETSLOT", &slot], words].concat());
    };
    if moment != Moment::SourceOpen {
        set(1, &["IMPORTING", &from]);
    }
    if moment != Moment::TargetOpen {
        set(0, &["MIGRATING", &to]);
    }
    match moment {
        Moment::TargetOpen | Moment::SourceOpen | Moment::Open => {}
        Moment::SomeKeys => migrate(nodes, &slot, "1"),
        Moment::AllKeys => migrate(nodes, &slot, "1000"),
        Moment::TargetTold => {
            migrate(nodes, &slot, "1000");
            set(1, &["NODE", &to]);
        }
        Moment::SourceTold => {
            migrate(nodes, &slot, "1000");
            set(0, &["NODE", &to]);
        }
    }
}

/// Sends so many keys of a slot from node 0 to node 1.
fn migrate(nodes: &Nodes, slot: &str, count: &str) {
    let mut source = Connection::open(nodes.port(0)).expect("the node runs");
    let Value::Array(keys) = source.call(&["CLUSTER", "GETKEYSINSLOT", slot, count]) else {
        panic!("keys are an array")
    };
    let port = nodes.port(1).to_string();
    let words = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"].into_iter();
    let words: Vec<&str> = words.chain(keys.iter().filter_map(Value::as_str)).collect();
    assert_eq!(source.call(&words).as_str(), Some("OK"));
}

/// Slots of node 0, in the beginning, with several keys each, none of them of a client at work: where a slot is not open on both sides, a
/// client finds no key of it.
fn crowded_slots(nodes: &Nodes) -> Vec<u16> {
    let of_load: BTreeSet<u16> =
        load::keys(nodes.port(0)).map(|key| key_slot(key.as_bytes()).get()).collect();
    let mut by_slot = BTreeMap::<u16, usize>::new();
    let of_node = (0..KEYS).map(|number| key_slot(key(number).as_bytes()).get()).filter(|slot| *slot <= 5460);
    of_node.for_each(|slot| *by_slot.entry(slot).or_default() += 1);
    let is_fit = |(slot, keys): &(u16, usize)| *keys >= 2 && !of_load.contains(slot);
    by_slot.into_iter().filter(is_fit).map(|(slot, _)| slot).collect()
}

/// Interrupts moves at all moments, and has each mended.
fn are_mended(nodes: &Nodes, mend: impl Fn(&Nodes)) {
    fill(nodes);
    let slots = crowded_slots(nodes);
    let load = Load::start(nodes.port(0));
    for (moment, slot) in MOMENTS.into_iter().zip(slots) {
        interrupt(nodes, moment, slot);
        mend(nodes);
        nodes.wait_until_agreed();
        let check = nodes.redis_cli(&["check", &nodes.address(0)]);
        assert!(!check.contains("[WARNING]"), "{moment:?}:\n{check}");
    }
    let more = load.finish();
    assert_whole(nodes, more);
}

fn redis_cli_fixes(nodes: &Nodes) {
    let mut command = Command::new(binaries::redis_cli());
    command.args(["--cluster", "fix", &nodes.address(0), "--cluster-yes"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("redis-cli runs");
    // Where nobody owns a slot it asks all the same.
    let typed = child.stdin.take().expect("it is piped").write_all(b"yes\nyes\nyes\n");
    let output = child.wait_with_output().expect("redis-cli ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "redis-cli --cluster fix, typed {typed:?}:\n{told}");
}

fn slotway_fixes(nodes: &Nodes) {
    operator::cluster(&["fix", &nodes.address(0), "--yes"]).expect(0, "The cluster is whole");
}

#[test]
fn redis_cli_mends_a_move_that_was_interrupted_at_any_moment() {
    are_mended(&cluster(&[Slotway; 3], 3), redis_cli_fixes);
}

#[test]
fn slotway_mends_a_move_that_was_interrupted_at_any_moment() {
    are_mended(&cluster(&[Slotway; 3], 3), slotway_fixes);
}

#[test]
fn slotway_mends_it_between_redis_nodes_too() {
    are_mended(&cluster(&[Redis; 3], 3), slotway_fixes);
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
