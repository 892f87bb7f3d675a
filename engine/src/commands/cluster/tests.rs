use slotway_core::cluster::{Action, Input};
use slotway_core::epoch::Epoch;

use crate::node::Node as _;
use crate::testing::{TestClient, three_nodes};

fn client() -> TestClient {
    TestClient::in_cluster(three_nodes().build().unwrap())
}

#[test]
fn without_cluster_mode_everything_is_refused() {
    let mut client = TestClient::new();
    for line in ["CLUSTER INFO", "CLUSTER KEYSLOT a", "CLUSTER HELP", "CLUSTER COUNTKEYSINSLOT 0"] {
        assert_eq!(client.run(line), "-ERR This instance has cluster support disabled\r\n", "{line}");
    }
}

#[test]
fn a_node_knows_its_name_and_its_shard() {
    let mut client = client();
    assert_eq!(client.run("CLUSTER MYID"), alloc::format!("$40\r\n{}\r\n", "a".repeat(40)));
    assert_eq!(client.run("CLUSTER MYSHARDID"), alloc::format!("$40\r\n{}\r\n", "a".repeat(40)));
    assert!(client.run("CLUSTER INFO").contains("\r\ncluster_state:ok\r\ncluster_slots_assigned:16384\r\n"));
    assert_eq!(client.run("CLUSTER NODES").matches(" connected").count(), 3);
    assert_eq!(client.run("CLUSTER LINKS"), "*0\r\n");
}

#[test]
fn a_new_topology_is_told_from_then_on() {
    let mut client = client();
    let mut builder = three_nodes();
    builder.current_epoch(Epoch::new(9));
    client.node().set_topology(builder.build().unwrap());
    assert!(client.run("CLUSTER INFO").contains("\r\ncluster_current_epoch:9\r\n"));
}

#[test]
fn replicas_are_those_of_a_known_primary() {
    let mut client = client();
    let [a, b, c] = ["a", "b", "c"].map(|name| name.repeat(40));
    assert!(
        client
            .run(&alloc::format!("CLUSTER REPLICAS {a}"))
            .contains(&alloc::format!("{c} 127.0.0.1:7002@17002 slave"))
    );
    assert_eq!(client.run(&alloc::format!("CLUSTER SLAVES {b}")), "*0\r\n");
    assert_eq!(
        client.run(&alloc::format!("CLUSTER SLAVES {c}")),
        "-ERR The specified node is not a master\r\n"
    );
    assert_eq!(client.run("CLUSTER REPLICAS x"), "-ERR Unknown node x\r\n");
    assert_eq!(client.run(&alloc::format!("CLUSTER COUNT-FAILURE-REPORTS {b}")), ":0\r\n");
    assert_eq!(client.run("CLUSTER COUNT-FAILURE-REPORTS x"), "-ERR Unknown node x\r\n");
}

#[test]
fn keys_of_a_slot_are_counted_and_listed() {
    let mut client = client();
    assert_eq!(client.run("CLUSTER KEYSLOT {user}.a"), ":5474\r\n");
    client.run("MSET {user}.a 1 {user}.b 2");
    assert_eq!(client.run("CLUSTER COUNTKEYSINSLOT 5474"), ":2\r\n");
    let both = client.run("CLUSTER GETKEYSINSLOT 5474 10");
    assert!(both.starts_with("*2\r\n") && both.contains("{user}.a") && both.contains("{user}.b"));
    assert!(client.run("CLUSTER GETKEYSINSLOT 5474 1").starts_with("*1\r\n"));
    assert_eq!(client.run("CLUSTER GETKEYSINSLOT 5475 9"), "*0\r\n");
}

#[test]
fn what_is_no_slot_is_refused() {
    let mut client = client();
    for (line, error) in [
        ("CLUSTER COUNTKEYSINSLOT x", "ERR value is not an integer or out of range"),
        ("CLUSTER COUNTKEYSINSLOT 16384", "ERR Invalid slot"),
        ("CLUSTER GETKEYSINSLOT 16384 1", "ERR Invalid slot or number of keys"),
        ("CLUSTER GETKEYSINSLOT 0 -1", "ERR Invalid slot or number of keys"),
        ("CLUSTER GETKEYSINSLOT 0 x", "ERR value is not an integer or out of range"),
    ] {
        assert_eq!(client.run(line), alloc::format!("-{error}\r\n"));
    }
}

#[test]
fn slots_are_added_once_and_deleted_if_they_are_there() {
    let mut client = TestClient::controlled();
    assert_eq!(client.run("CLUSTER ADDSLOTS 1 2"), "+OK\r\n");
    assert_eq!(client.run("CLUSTER ADDSLOTSRANGE 3 5 10 12"), "+OK\r\n");
    for (line, error) in [
        ("CLUSTER ADDSLOTS 7 2", "ERR Slot 2 is already busy"),
        ("CLUSTER ADDSLOTS 7 7", "ERR Slot 7 specified multiple times"),
        ("CLUSTER ADDSLOTS 16384", "ERR Invalid or out of range slot"),
        ("CLUSTER ADDSLOTSRANGE 9 8", "ERR start slot number 9 is greater than end slot number 8"),
        ("CLUSTER DELSLOTS 8", "ERR Slot 8 is already unassigned"),
        ("CLUSTER DELSLOTSRANGE 12 13", "ERR Slot 13 is already unassigned"),
    ] {
        assert_eq!(client.run(line), alloc::format!("-{error}\r\n"), "{line}");
    }
    assert_eq!(client.run("CLUSTER DELSLOTS 1 2"), "+OK\r\n");
    assert!(client.run("CLUSTER NODES").trim_end().ends_with("connected 3-5 10-12"));
}

#[test]
fn a_node_that_is_met_is_dialled_by_its_address_or_its_name() {
    let mut client = TestClient::controlled();
    for host in ["127.0.0.1", "::1", "node-2.example"] {
        assert_eq!(client.run(&alloc::format!("CLUSTER MEET {host} 7000")), "+OK\r\n", "{host}");
    }
    for (line, error) in [
        ("CLUSTER MEET 300.0.0.1 7000", "ERR Invalid node address specified: 300.0.0.1:7000"),
        ("CLUSTER MEET a_b 7000", "ERR Invalid node address specified: a_b:7000"),
        ("CLUSTER MEET 127.0.0.1 60000", "ERR Invalid node address specified: 127.0.0.1:60000"),
        ("CLUSTER MEET 127.0.0.1 x", "ERR Invalid base port specified: x"),
        ("CLUSTER MEET 127.0.0.1 7000 x", "ERR Invalid bus port specified: x"),
    ] {
        assert_eq!(client.run(line), alloc::format!("-{error}\r\n"), "{line}");
    }
    client.node().advance_ms(200);
    client.node().with_cluster(&mut |now, cluster| cluster.handle(now, Input::Wake));
    let dialled: alloc::vec::Vec<_> = client
        .node()
        .actions
        .borrow()
        .iter()
        .filter_map(|action| match action {
            Action::Connect { host, port, .. } => Some((host.clone(), *port)),
            _ => None,
        })
        .collect();
    for host in ["127.0.0.1", "::1", "node-2.example"] {
        assert!(dialled.contains(&(host.into(), 17000)), "{host}: {dialled:?}");
    }
}

#[test]
fn keys_keep_a_slot_where_it_is() {
    let mut client = TestClient::controlled();
    client.run("CLUSTER ADDSLOTSRANGE 0 16383");
    client.node().advance_ms(20_000);
    client.node().with_cluster(&mut |now, cluster| cluster.handle(now, Input::Wake));
    assert_eq!(client.run("SET a 1"), "+OK\r\n");
    assert_eq!(client.run("CLUSTER FLUSHSLOTS"), "-ERR DB must be empty to perform CLUSTER FLUSHSLOTS.\r\n");
    assert_eq!(
        client.run("CLUSTER RESET"),
        "-ERR CLUSTER RESET can't be called with master nodes containing keys\r\n"
    );
    client.run("DEL a");
    assert_eq!(client.run("CLUSTER FLUSHSLOTS"), "+OK\r\n");
    assert!(client.run("SET a 1").starts_with("-CLUSTERDOWN"));
}

#[test]
fn epochs_are_set_once_and_bumped() {
    let mut client = TestClient::controlled();
    assert_eq!(client.run("CLUSTER SET-CONFIG-EPOCH 5"), "+OK\r\n");
    assert_eq!(client.run("CLUSTER SET-CONFIG-EPOCH 6"), "-ERR Node config epoch is already non-zero\r\n");
    assert_eq!(client.run("CLUSTER SET-CONFIG-EPOCH -1"), "-ERR Invalid config epoch specified: -1\r\n");
    assert_eq!(client.run("CLUSTER BUMPEPOCH"), "+STILL 5\r\n");
    let before = client.run("CLUSTER MYID");
    assert_eq!(client.run("CLUSTER RESET HARD"), "+OK\r\n");
    assert_ne!(client.run("CLUSTER MYID"), before);
    assert_eq!(client.run("CLUSTER BUMPEPOCH"), "+BUMPED 1\r\n");
}

#[test]
fn where_the_topology_is_fixed_nothing_changes_it() {
    let mut client = client();
    for line in
        ["CLUSTER ADDSLOTS 1", "CLUSTER MEET 127.0.0.1 7000", "CLUSTER RESET", "CLUSTER SETSLOT 1 STABLE"]
    {
        assert_eq!(client.run(line), "-ERR The topology of this node is fixed\r\n", "{line}");
    }
}

#[test]
fn a_replica_has_in_its_file_what_its_primary_tells_of_slots_on_their_way() {
    let mut client = client();
    client.session.is_primary_link = true;
    let (source, job) = ("b".repeat(40), "c".repeat(40));
    let told = alloc::format!("CLUSTER SYNCSLOTS ESTABLISH SOURCE {source} NAME {job} SLOTSRANGE 5 6");
    assert_eq!(client.propagated(&told).trim_end(), told);
}
