//! `slotway cluster` moves slots at one moment where nodes can: what it shows, how it is stopped, what it says when a node dies.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use slotway_core::resp::value::Value;
use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::Nodes;
use slotway_tests::operator::{Running, begin, cluster, created_with, fill, keys, slots, slotway};
use slotway_tests::wire::Connection;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// Large enough that a migration at `SLOW` takes longer than any test of it.
const VALUE_LEN: usize = 20_000;
const SLOW: &str = "20kb";

/// Where all processors are busy, nodes that are well look dead.
fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Three Slotway nodes with some keys, from which nothing moves fast.
fn slow_cluster(options: &[&str]) -> (Nodes, BTreeSet<String>) {
    let nodes = created_with(&[Slotway; 3], 0, options);
    fill(&nodes, 300);
    let mut source = Connection::open(nodes.port(0)).expect("the node runs");
    let Value::Array(own) = source.call(&["KEYS", "*"]) else { panic!("KEYS is an array") };
    for key in own {
        source.call(&["SET", key.as_str().expect("keys are text"), &"x".repeat(VALUE_LEN)]);
    }
    source.call(&["CONFIG", "SET", "slot-migration-max-rate", SLOW]);
    let keys = keys(&nodes);
    (nodes, keys)
}

fn reshard(nodes: &Nodes) -> Running {
    let (from, to) = (nodes.address(0), nodes.address(1));
    begin(&[
        "cluster",
        "reshard",
        &nodes.address(2),
        "--from",
        &from,
        "--to",
        &to,
        "--slots",
        "1000",
        "--yes",
    ])
}

/// The states of the migrations that a node tells of.
fn states(nodes: &Nodes, node: usize) -> Vec<String> {
    let jobs =
        Connection::open(nodes.port(node)).expect("the node runs").call(&["CLUSTER", "GETSLOTMIGRATIONS"]);
    let state = |job: &Value| {
        let fields = job.to_pairs()?;
        let state = fields.iter().find(|(name, _)| name.as_str() == Some("state"))?;
        Some(state.1.as_str()?.to_owned())
    };
    jobs.as_items().unwrap_or_default().iter().filter_map(state).collect()
}

fn wait_until_it_sends(nodes: &Nodes) {
    nodes.wait_until("a migration is under way", |nodes| states(nodes, 0) == ["snapshotting"]);
}

#[test]
fn nodes_that_can_hand_over_many_slots_at_one_moment() {
    let _turn = turn();
    let nodes = created_with(&[Slotway, Slotway, Redis], 0, &[]);
    fill(&nodes, 500);
    let before = keys(&nodes);
    let (at, to, redis) = (nodes.address(0), nodes.address(1), nodes.address(2));
    let plan = |words: &[&str]| cluster(&[&["reshard", &at, "--dry-run", "--json"], words].concat());
    plan(&["--from", &at, "--to", &to, "--slots", "2000"]).expect(0, "\"how\":\"atomic\"");
    plan(&["--from", &at, "--to", &to, "--slots", "2000", "--classic"]).expect(0, "\"how\":\"classic\"");
    plan(&["--from", &at, "--to", &redis, "--slots", "2000"]).expect(0, "\"how\":\"classic\"");
    let go = |words: &[&str]| cluster(&[&["reshard", &at, "--yes"], words].concat());
    go(&["--from", &at, "--to", &to, "--slots", "2000"]).expect(0, "Moved 2000 slots with ");
    assert_eq!((slots(&nodes, 1), states(&nodes, 0)), (5462 + 2000, vec!["success".to_owned(); 2]));
    go(&["--from", &to, "--to", &at, "--slots", "30", "--classic"]).expect(0, "Moved 30 slots with ");
    go(&["--from", &at, "--to", &redis, "--slots", "30"]).expect(0, "Moved 30 slots with ");
    go(&["--from", &redis, "--to", &to, "--slots", "30"]).expect(0, "Moved 30 slots with ");
    assert_eq!(states(&nodes, 1), ["success"; 2], "these moved one after the other");
    cluster(&["rebalance", &at, "--yes"]).expect(0, "Moved ");
    assert_eq!(keys(&nodes), before);
}

#[test]
fn ctrl_c_takes_back_what_is_on_its_way() {
    let _turn = turn();
    let (nodes, before) = slow_cluster(&[]);
    let child = reshard(&nodes);
    wait_until_it_sends(&nodes);
    child.interrupt();
    let done = child.end().expect(4, "Stopped, as you wished.");
    assert!(done.err.contains("0 of 1000 slots were moved. To go on, say the same again with --slots 1000."));
    assert_eq!((states(&nodes, 0), states(&nodes, 1)), (vec!["cancelled".into()], vec!["failed".into()]));
    cluster(&["check", &nodes.address(0)]).expect(0, "none is open");
    assert_eq!(keys(&nodes), before);
}

#[test]
fn a_target_that_dies_leaves_all_with_its_source() {
    let _turn = turn();
    let (mut nodes, before) = slow_cluster(&["--appendonly", "yes"]);
    let child = reshard(&nodes);
    wait_until_it_sends(&nodes);
    nodes.kill(1);
    child.end().expect(4, "with all their keys, and none is open. They could not be moved");
    nodes.restart(1);
    nodes.wait_until_agreed();
    nodes.call(0, &["CONFIG", "SET", "slot-migration-max-rate", "0"]);
    reshard(&nodes).end().expect(0, "Moved 1000 slots");
    assert_eq!(keys(&nodes), before);
}

#[test]
fn a_source_that_dies_leaves_all_on_one_side() {
    let _turn = turn();
    let (mut nodes, before) = slow_cluster(&["--appendonly", "yes"]);
    let child = reshard(&nodes);
    wait_until_it_sends(&nodes);
    nodes.kill(0);
    child.end().expect(4, "are whole, and none is open");
    nodes.restart(0);
    nodes.wait_until_agreed();
    cluster(&["check", &nodes.address(1)]).expect(0, "none is open");
    assert_eq!((slots(&nodes, 0), keys(&nodes)), (5461, before));
}

#[test]
fn a_target_that_takes_no_more_is_named_with_what_mends_it() {
    let _turn = turn();
    let (nodes, before) = slow_cluster(&[]);
    let child = reshard(&nodes);
    wait_until_it_sends(&nodes);
    // The tool has looked before: this comes in the middle.
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "1"]);
    let raise = format!("Raise maxmemory of {}", nodes.address(1));
    child.end().expect(4, &raise);
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "0"]);
    nodes.call(0, &["CONFIG", "SET", "slot-migration-max-rate", "0"]);
    for node in nodes.running() {
        nodes.call(node, &["CONFIG", "SET", "requirepass", "s3cret"]);
    }
    let (from, to) = (nodes.address(0), nodes.address(1));
    let words = ["cluster", "reshard", &from, "--from", &from, "--to", &to, "--slots", "9", "--yes"];
    let told = slotway(&[&words[..], &["--password", "s3cret"]].concat());
    let told = told.expect(4, "CONFIG SET masterauth there");
    assert!(!told.err.contains("s3cret"));
    slotway(&[&words[..], &["--password", "s3cret", "--classic"]].concat()).expect(0, "Moved 9 slots");
    let mut password = |node: usize| {
        let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
        connection.call(&["AUTH", "s3cret"]);
        connection.call(&["CONFIG", "SET", "requirepass", ""]);
    };
    nodes.running().for_each(&mut password);
    assert_eq!(keys(&nodes), before);
}

#[test]
fn free_nodes_that_look_for_a_place_get_slots_and_a_replica() {
    let _turn = turn();
    let init = "primaries=1,replicas=1";
    let nodes = Nodes::start_forming(2, init);
    nodes.wait_until("a cluster has formed", |nodes| {
        nodes.running().all(|node| nodes.call(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok"))
    });
    let (at, seed) = (nodes.address(0), format!("localhost:{}", nodes.port(0)));
    let more = Nodes::start_with(&[Slotway; 2], &["--cluster-seeds", &seed, "--cluster-init", init]);
    nodes.wait_until("all have met", |nodes| {
        nodes.view(0).node_count() == 4 && nodes.view(1).node_count() == 4
    });
    more.wait_until("all have met", |more| more.view(0).node_count() == 4 && more.view(1).node_count() == 4);
    nodes.wait_until("all are connected", |_| cluster(&["check", &at]).code == 0);
    let told = cluster(&["rebalance", &at, "--use-empty", "--yes"]).expect(0, "Moved 8192 slots");
    assert!(told.out.contains("is left to be a replica where one is missing"), "{}", told.out);
    more.wait_until("one has the slots, and the other is its replica", |more| {
        let views = [more.view(0), more.view(1)];
        let is_so = |of: usize, other: usize| {
            let (own, its) = (views[of].myself(), views[other].myself());
            let (own, its) = (own.expect("a view has its node"), its.expect("a view has its node"));
            views[of].slots_of(own).len() == 8192
                && views[other]
                    .node(its)
                    .primary
                    .is_some_and(|of_it| views[other].node(of_it).id == views[of].node(own).id)
        };
        is_so(0, 1) || is_so(1, 0)
    });
    cluster(&["check", &at]).expect(0, "none is open");
}
