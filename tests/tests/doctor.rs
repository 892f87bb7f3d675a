//! `slotway doctor` and `fix`, trouble by trouble, at clusters of Redis and of Slotway: what is said, and that the named command mends it.

use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::operator::{cluster, create, created, fill, keys, slotway};
use slotway_tests::wire::Connection;

const KINDS: [Kind; 2] = [Redis, Slotway];
/// Where the nodes of a cluster on two hosts are: the primaries first, then a replica of each.
const HOSTS: [&str; 6] = ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.2", "127.0.0.3", "127.0.0.2"];

/// Two primaries of three on one host, and one replica on its primary's.
fn on_two_hosts(kind: Kind) -> Nodes {
    let nodes = Nodes::start_on(&HOSTS.map(|host| (kind, host)));
    let primaries: Vec<String> = (0..3).map(|node| nodes.address(node)).collect();
    let words = ["create"].into_iter().chain(primaries.iter().map(String::as_str)).chain(["--yes"]);
    cluster(&words.collect::<Vec<_>>()).expect(0, "The cluster is ready");
    for node in 3..6 {
        let (at, new) = (nodes.address(0), nodes.address(node));
        cluster(&["add-node", &at, &new, "--replica-of", &nodes.id(node - 3), "--yes"])
            .expect(0, "is in the cluster");
    }
    nodes
}

#[test]
fn what_would_fail_together_is_told() {
    for kind in KINDS {
        let nodes = on_two_hosts(kind);
        let told =
            slotway(&["doctor", &nodes.address(0)]).expect(0, "is on its primary's host or zone (127.0.0.2)");
        assert_eq!(
            told.out.matches("is on its primary's host or zone").count(),
            1,
            "{kind:?}:\n{}",
            told.out
        );
        assert!(told.out.contains("2 of 3 primaries are on 127.0.0.2"), "{kind:?}:\n{}", told.out);
        replicas_without_the_password_are_told(&nodes);
    }
}

/// A password that everybody asks for and no replica gives.
fn replicas_without_the_password_are_told(nodes: &Nodes) {
    for node in nodes.running() {
        let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
        connection.call(&["CONFIG", "SET", "requirepass", "s3cret"]);
        connection.call(&["AUTH", "s3cret"]);
        connection.call(&["CLIENT", "KILL", "TYPE", "replica"]);
    }
    let doctor = || slotway(&["doctor", &nodes.address(0), "--password", "s3cret"]);
    nodes.wait_until("a replica is cut off", |_| doctor().out.contains("has no connection to its primary"));
    doctor().expect(1, "CONFIG SET masterauth there");
    for node in nodes.running() {
        let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
        connection.call(&["AUTH", "s3cret"]);
        connection.call(&["CONFIG", "SET", "masterauth", "s3cret"]);
    }
    nodes.wait_until("all replicas are back", |_| doctor().code == 0);
}

#[test]
fn nodes_that_cannot_join_are_told_why() {
    for kind in KINDS {
        let nodes = created(kind, 0);
        let new = Nodes::start_on(&[(kind, "127.0.0.1")]);
        let (at, new_at) = (nodes.address(0), new.address(0));
        let doctor = || slotway(&["doctor", &at, &new_at]);
        doctor().expect(0, "All nodes are on one host");
        // Only who has slots takes a key.
        new.call(0, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        new.wait_until_agreed();
        new.call(0, &["SET", "key", "value"]);
        new.call(0, &["CLUSTER", "DELSLOTSRANGE", "0", "16383"]);
        doctor().expect(1, "is not empty: it has 1 key.");
        cluster(&["add-node", &at, &new_at, "--yes"]).expect(2, "is not empty: it has 1 key.");
        new.call(0, &["FLUSHALL"]);
        doctor().expect(0, "All nodes are on one host");
        // Nobody listens on a port that the node does not have.
        new.call(0, &["CONFIG", "SET", "cluster-announce-bus-port", "1"]);
        doctor().expect(1, "open TCP port 1 in firewalls and container networks");
    }
}

#[test]
fn nodes_that_disagree_are_told_and_fix_has_them_agree() {
    for kind in KINDS {
        let nodes = created(kind, 0);
        fill(&nodes, 100);
        let before = keys(&nodes);
        let (at, from, to) = (nodes.address(2), nodes.id(0), nodes.id(1));
        // An empty slot of node 0, given up by it and taken by nobody.
        let is_empty =
            |slot: &u16| nodes.call(0, &["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]) == "Integer(0)";
        let slot = (0..5000).find(is_empty).expect("a hundred keys do not fill all slots").to_string();
        nodes.call(1, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
        nodes.call(0, &["CLUSTER", "SETSLOT", &slot, "NODE", &to]);
        slotway(&["doctor", &at]).expect(1, " disagree about ");
        cluster(&["fix", &at, "--dry-run"]).expect(0, "that one is told that it is the owner");
        cluster(&["fix", &at, "--yes"]).expect(0, "The cluster is whole");
        nodes.wait_until_agreed();
        assert_eq!(keys(&nodes), before, "{kind:?}");
    }
}

#[test]
fn a_primary_that_is_down_is_told_with_its_slots() {
    for kind in KINDS {
        let mut nodes = created(kind, 0);
        let at = nodes.address(0);
        nodes.kill(1);
        let doctor = || slotway(&["doctor", &at]);
        let refuses = "calls the cluster down and refuses commands";
        nodes.wait_until("the cluster calls it down", |_| doctor().out.contains(refuses));
        let told = doctor().expect(1, "nobody has taken over its");
        assert!(told.out.contains("cannot be reached: nothing listens there"), "{}", told.out);
        cluster(&["wait-ready", &at, "--timeout", "0"]).expect(1, "Not ready within 0 s");
    }
}

#[test]
fn passwords_that_differ_are_told() {
    for kind in KINDS {
        let nodes = Nodes::start(&[kind; 3]);
        nodes.call(2, &["CONFIG", "SET", "requirepass", "other"]);
        let places: Vec<String> = (0..3).map(|node| nodes.address(node)).collect();
        let words: Vec<&str> = ["doctor"].into_iter().chain(places.iter().map(String::as_str)).collect();
        slotway(&words).expect(1, &format!("The password of {} differs.", places[2]));
        let told = slotway(&[&words[..], &["--password", "other"]].concat());
        told.expect(1, "It has no password, and one was given.");
        create(&nodes, 0).expect(3, "asks for a password");
    }
}
