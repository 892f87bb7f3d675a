//! `slotway cluster` and `slotway doctor`, over clusters of Redis and of Slotway: what they do, say, and end with.

use std::process::Command;

use slotway_core::slot::key_slot;
use slotway_tests::binaries;
use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::operator::{begin, cluster, create, created, fill, has_replica, keys, slots, slotway};
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

#[test]
fn a_cluster_is_made_looked_at_and_checked() {
    for kind in [Redis, Slotway] {
        let nodes = Nodes::start(&[kind; 6]);
        let plan = cluster(&[
            "create",
            &nodes.address(0),
            &nodes.address(1),
            &nodes.address(2),
            "--dry-run",
            "--json",
        ]);
        plan.expect(0, "\"slots\":\"0-5460\"");
        let places: Vec<String> = (0..6).map(|node| nodes.address(node)).collect();
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        slotway(&[&["doctor"], places.as_slice()].concat()).expect(0, "next: slotway cluster create");
        cluster(&[&["create"], &places[..2]].concat()).expect(2, "too few for 3 primaries");
        cluster(&["create", places[0], places[1], places[2]]).expect(5, "Say --yes");
        cluster(&["create", places[0], places[1], places[1], "--yes"]).expect(2, "are the same node");
        create(&nodes, 1).expect(0, "3 primaries, 3 replicas");
        assert!(
            nodes.running().all(|node| nodes.call(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok"))
        );
        create(&nodes, 1).expect(2, "is in a cluster already: it knows 6 nodes");
        let at = nodes.address(0);
        cluster(&["info", &at]).expect(0, "replica of 127.0.0.1");
        cluster(&["info", &at, "--json"]).expect(0, "\"slot_count\":5461");
        cluster(&["check", &at]).expect(0, "all 16384 slots are served");
        cluster(&["check", &at, "--json"]).expect(0, "\"ok\":true");
        cluster(&["wait-ready", &at, "--nodes", "6", "--timeout", "20"]).expect(0, "ready");
        cluster(&["wait-ready", &at, "--nodes", "7", "--timeout", "0"]).expect(1, "knows 6 of 7 nodes");
        slotway(&["doctor", &at]).expect(0, "All nodes are on one host");
        cluster(&["call", &at, "--only", "primaries", "--", "DBSIZE"]).expect(0, ": 0");
        cluster(&["call", &at, "--", "NOSUCHCOMMAND"]).expect(1, "answers with an error");
        fails_over(&nodes);
    }
}

fn fails_over(nodes: &Nodes) {
    let view = nodes.view(0);
    let (_, replica) = view.nodes().find(|(_, node)| node.is_replica()).expect("there is a replica");
    let replica = format!("127.0.0.1:{}", replica.port);
    let (_, primary) = view.nodes().find(|(_, node)| !node.is_replica()).expect("there is a primary");
    cluster(&["failover", &format!("127.0.0.1:{}", primary.port), "--yes"]).expect(2, "name the replica");
    cluster(&["failover", &replica, "--yes"]).expect(0, "is a primary now");
    cluster(&["wait-ready", &replica]).expect(0, "ready");
}

#[test]
fn what_is_asked_for_wrongly_is_refused_in_a_sentence() {
    let nodes = created(Redis, 1);
    let (at, replica) =
        (nodes.address(0), (0..6).find(|node| !has_replica(&nodes, *node)).expect("there is one"));
    let (replica, own) = (
        nodes.address(replica),
        (0..6).filter(|node| has_replica(&nodes, *node)).map(|node| nodes.address(node)).collect::<Vec<_>>(),
    );
    let reshard = |words: &[&str]| cluster(&[&["reshard", &at, "--yes"], words].concat());
    reshard(&["--from", "nosuch", "--to", &own[0], "--slots", "1"]).expect(2, "is not in this cluster");
    reshard(&["--from", &own[0], "--to", &replica, "--slots", "1"])
        .expect(2, "is a replica and can have no slots");
    reshard(&["--from", &own[0], "--to", &own[0], "--slots", "1"]).expect(2, "both source and target");
    reshard(&["--from", &own[0], "--to", &own[1], "--slots", "9999"]).expect(2, "slots only, not 9999");
    reshard(&["--to", &own[1], "--ranges", "16384"]).expect(2, "they go from 0 to 16383");
    cluster(&["rebalance", &at, "--by", "cpu", "--yes"]).expect(2, "balance by keys or bytes");
    cluster(&["del-node", &at, "--node", &own[0], "--yes"]).expect(2, "Say --move-slots");
    cluster(&["info", "127.0.0.1:1"]).expect(3, "nothing listens there");
    let alone = Nodes::start(&[Redis]);
    cluster(&["add-node", &at, &at, "--yes"]).expect(2, "is in this cluster already");
    alone.call(0, &["CLUSTER", "ADDSLOTS", "5"]);
    cluster(&["add-node", &at, &alone.address(0), "--yes"]).expect(2, "is in a cluster already");
    cluster(&["check", &at]).expect(0, "none is open");
}

#[test]
fn slots_move_between_redis_nodes_and_no_key_is_lost() {
    slots_move(Redis);
}

#[test]
fn slots_move_between_slotway_nodes_and_no_key_is_lost() {
    slots_move(Slotway);
}

fn slots_move(kind: Kind) {
    let mut nodes = created(kind, 0);
    fill(&nodes, 500);
    let before = keys(&nodes);
    let (at, to) = (nodes.address(0), nodes.address(1));
    cluster(&["reshard", &at, "--from", "all", "--to", &to, "--slots", "300", "--dry-run"])
        .expect(0, "SLOTS");
    assert_eq!(slots(&nodes, 1), 5462);
    cluster(&["reshard", &at, "--from", "all", "--to", &to, "--slots", "300", "--yes"])
        .expect(0, "Moved 300 slots");
    assert_eq!((slots(&nodes, 1), keys(&nodes)), (5762, before.clone()));
    cluster(&["rebalance", &at, "--by", "keys", "--dry-run", "--json"]).expect(0, "\"dry_run\":true");
    cluster(&["rebalance", &at, "--yes"]).expect(0, "Moved");
    assert!((5461..=5462).contains(&slots(&nodes, 1)));
    assert_eq!(keys(&nodes), before);
    cluster(&["rebalance", &at, "--by", "bytes", "--weight", &format!("{to}=3"), "--yes"]).expect(0, "Moved");
    assert_eq!(keys(&nodes), before);
    // Out of memory is seen before the first slot moves.
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "1"]);
    cluster(&["reshard", &at, "--from", "all", "--to", &to, "--slots", "300", "--yes"])
        .expect(2, "has not enough memory");
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "0"]);
    nodes.kill(2);
    cluster(&["reshard", &at, "--from", &at, "--to", &to, "--slots", "3", "--yes"])
        .expect(2, "slotway doctor");
}

#[test]
fn the_hottest_slots_and_the_largest_keys_are_told() {
    for kind in [Redis, Slotway] {
        let nodes = created(kind, 0);
        fill(&nodes, 200);
        let view = nodes.view(0);
        let slot = key_slot(b"{hot}");
        let port = view.node(view.owner(slot).expect("all slots are served")).port;
        let mut owner = Connection::open(port).expect("the owner runs");
        owner.call(&["SET", "{hot}:large", &"x".repeat(100_000)]);
        owner.call(&["RPUSH", "{hot}:list", "a"]);
        (0..500).for_each(|_| drop(owner.call(&["GET", "{hot}:large"])));
        let at = nodes.address(0);
        let told = cluster(&["hot", &at, "--by", "bytes", "--slots", "1", "--keys", "1", "--json"]);
        let told = told.expect(0, "\"key\":\"{hot}:large\"");
        assert!(told.out.contains(&format!("\"slot\":{}", slot.get())), "{}", told.out);
        cluster(&["hot", &at]).expect(0, "looked at: no other is larger.");
        match kind {
            Slotway => {
                for by in ["cpu", "network-out"] {
                    let told = cluster(&["hot", &at, "--by", by, "--slots", "1", "--keys", "0", "--json"]);
                    told.expect(0, &format!("\"slot\":{}", slot.get()));
                }
                // Nothing goes on now.
                let told =
                    cluster(&["hot", &at, "--by", "network-in", "--during", "1", "--keys", "0", "--json"]);
                told.expect(0, "\"slots\":[]");
            }
            Redis => {
                drop(cluster(&["hot", &at, "--by", "cpu"]).expect(2, "No node tells what its slots cost"))
            }
        }
    }
}

#[test]
fn nodes_join_and_leave() {
    let nodes = created(Redis, 0);
    fill(&nodes, 200);
    let before = keys(&nodes);
    let more = Nodes::start(&[Redis, Slotway]);
    let (at, primary, replica) = (nodes.address(0), more.address(0), nodes.address(1));
    cluster(&["add-node", &at, &primary, "--yes"]).expect(0, "is in the cluster");
    cluster(&["rebalance", &at, "--use-empty", "--yes"]).expect(0, "Moved 4096 slots");
    assert_eq!((slots(&more, 0), keys(&nodes)), (4096, before.clone()));
    cluster(&["add-node", &at, &more.address(1), "--replica-of", &replica, "--yes"])
        .expect(0, "is in the cluster");
    cluster(&["del-node", &at, "--node", &more.address(1), "--yes"]).expect(0, "has left the cluster");
    cluster(&["del-node", &at, "--node", &primary, "--move-slots", "--yes"])
        .expect(0, "has left the cluster");
    assert_eq!((nodes.view(0).node_count(), keys(&nodes)), (3, before));
    assert_eq!(more.view(0).node_count(), 1);
}

#[test]
fn open_and_uncovered_slots_are_mended() {
    [Redis, Slotway].into_iter().for_each(slots_are_mended);
}

fn slots_are_mended(kind: Kind) {
    let nodes = created(kind, 0);
    fill(&nodes, 200);
    let before = keys(&nodes);
    let (at, key) = (nodes.address(0), "key:1");
    let slot = key_slot(key.as_bytes()).get().to_string();
    let owner = (0..3)
        .find(|node| nodes.call(*node, &["CLUSTER", "COUNTKEYSINSLOT", &slot]) != "Integer(0)")
        .expect("the key is somewhere");
    let other = (owner + 1) % 3;
    let (from, to) = (nodes.id(owner), nodes.id(other));
    let open = || {
        nodes.call(other, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from]);
        nodes.call(owner, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to]);
    };
    open();
    cluster(&["check", &at]).expect(1, "A move was not ended");
    cluster(&["fix", &at, "--dry-run"]).expect(0, "no key has moved");
    cluster(&["fix", &at, "--yes"]).expect(0, "The cluster is whole");
    open();
    nodes.call(owner, &["MIGRATE", "127.0.0.1", &nodes.port(other).to_string(), key, "0", "5000"]);
    cluster(&["fix", &at]).expect(5, "it is ended, and no key is lost");
    cluster(&["fix", &at, "--yes"]).expect(0, "The cluster is whole");
    nodes.wait_until_agreed();
    assert_eq!(keys(&nodes), before);
    assert_eq!(nodes.call(other, &["GET", key]), "1");
    for node in nodes.running() {
        nodes.call(node, &["CLUSTER", "DELSLOTS", &slot]);
    }
    slotway(&["doctor", &at]).expect(1, &format!("Nobody serves 1 slot: {slot}."));
    cluster(&["fix", &at, "--yes"]).expect(0, "The cluster is whole");
}

#[test]
fn a_node_that_is_gone_is_named_and_forgotten() {
    let mut nodes = created(Redis, 0);
    let more = Nodes::start(&[Redis]);
    let (at, gone) = (nodes.address(0), more.address(0));
    cluster(&["add-node", &at, &gone, "--yes"]).expect(0, "is in the cluster");
    drop(more);
    slotway(&["doctor", &at]).expect(1, &format!("slotway cluster forget {at} --node {gone} --everywhere"));
    cluster(&["forget", &at, "--node", &gone, "--everywhere", "--yes"]).expect(0, "3 nodes forgot");
    nodes.wait_until_first_agree(3);
    cluster(&["forget", &at, "--node", &nodes.address(1), "--yes"]).expect(2, "serves 5462 slots");
    nodes.kill(1);
    slotway(&["doctor", &at, "--json"]).expect(1, "\"trouble\":\"unreachable\"");
}

#[test]
fn ctrl_c_and_a_target_that_dies_leave_a_cluster_that_is_understood() {
    let mut nodes = created(Redis, 0);
    fill(&nodes, 300);
    let before = keys(&nodes);
    let reshard = |nodes: &Nodes| {
        let (at, to) = (nodes.address(0), nodes.address(1));
        begin(&["cluster", "reshard", &at, "--from", "all", "--to", &to, "--slots", "9000", "--yes"])
    };
    let child = reshard(&nodes);
    nodes.wait_until("some slots have moved", |nodes| slots(nodes, 1) > 5500);
    child.interrupt();
    child.end().expect(4, "Stopped, as you wished.");
    nodes.wait_until_agreed();
    cluster(&["check", &nodes.address(0)]).expect(0, "none is open");
    assert_eq!(keys(&nodes), before);
    let moved = slots(&nodes, 1);
    let child = reshard(&nodes);
    nodes.wait_until("more slots have moved", |nodes| slots(nodes, 1) > moved + 50);
    nodes.kill(1);
    child.end().expect(4, "say the same again with --slots ");
}

#[test]
fn an_address_that_nobody_reaches_is_named() {
    let nodes = created(Redis, 0);
    // The node listens on another address of this host only.
    nodes.call(1, &["CONFIG", "SET", "cluster-announce-ip", "127.0.0.9"]);
    nodes.wait_until("the others have heard of it", |nodes| {
        nodes.call(0, &["CLUSTER", "NODES"]).contains("127.0.0.9")
    });
    let told = format!("127.0.0.9:{} cannot be reached: nothing listens there", nodes.port(1));
    slotway(&["doctor", &nodes.address(0)]).expect(1, &told);
}

#[test]
fn shells_complete_it() {
    slotway(&["completions", "bash"]).expect(0, "wait-ready");
    slotway(&["cluster", "rebalance", "--help"]).expect(0, "Examples:");
}

#[test]
fn a_password_is_needed_everywhere_and_told_nowhere() {
    let nodes = created(Redis, 0);
    let at = nodes.address(0);
    for node in 0..2 {
        nodes.call(node, &["CONFIG", "SET", "requirepass", "s3cret"]);
    }
    cluster(&["info", &at]).expect(3, "asks for a password");
    cluster(&["info", &at, "--password", "wrong"]).expect(3, "refuses the password");
    let told =
        slotway(&["doctor", &at, "--password", "s3cret"]).expect(1, "It has no password, and one was given.");
    assert!(!told.out.contains("s3cret") && !told.err.contains("s3cret"));
}

#[test]
fn a_standalone_server_is_imported_and_shards_are_backed_up() {
    for kind in [Redis, Slotway] {
        let nodes = created(kind, 1);
        let old = Server::redis::<&str>(&[]);
        let mut source = old.connect();
        for number in 0..700 {
            source.call(&["SET", &format!("old:{number}"), "v", "EX", "1000"]);
        }
        let (at, from) = (nodes.address(0), format!("127.0.0.1:{}", old.port()));
        cluster(&["import", &at, "--from", &from, "--dry-run"]).expect(0, "has 700 keys");
        cluster(&["import", &at, "--from", &from, "--yes"]).expect(0, "Imported 700 keys");
        assert_eq!(keys(&nodes).len(), 700);
        cluster(&["import", &at, "--from", &from, "--yes"]).expect(4, "Say --replace");
        cluster(&["import", &at, "--from", &from, "--move", "--replace", "--yes"])
            .expect(0, "Imported 700 keys");
        assert_eq!(source.call(&["DBSIZE"]).as_integer(), Some(0));
        cluster(&["import", &at, "--from", &at, "--yes"]).expect(2, "is a node of a cluster");
        backs_up(&nodes);
    }
}

fn backs_up(nodes: &Nodes) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let path = folder.path().join("backup");
    let text = path.to_str().expect("temporary directories have plain names");
    cluster(&["backup", &nodes.address(0), text, "--dry-run"]).expect(0, "SHARD OF");
    cluster(&["backup", &nodes.address(0), text]).expect(0, "Wrote 3 snapshots");
    let files =
        std::fs::read_dir(&path).expect("it is there").map(|file| file.expect("it can be read").path());
    let (mut snapshots, mut keys) = (0, 0);
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "rdb")) {
        let output =
            Command::new(binaries::redis_check_rdb()).arg(&file).output().expect("redis-check-rdb runs");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{told}");
        let number = told
            .lines()
            .find_map(|line| line.split_once("] ")?.1.strip_suffix(" keys read")?.parse::<usize>().ok());
        keys += number.expect("it tells the number of keys");
        snapshots += 1;
    }
    assert_eq!((snapshots, keys), (3, 700));
    cluster(&["backup", &nodes.address(0), text]).expect(2, "is not empty");
}
