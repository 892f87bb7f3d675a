use slotway_core::epoch::Epoch;

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
