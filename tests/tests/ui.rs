//! What the page is told of a running cluster: by `slotway ui`, which looks at it from outside, and by nodes that serve the page themselves.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use slotway_core::slot::key_slot;
use slotway_tests::cluster::Cluster;
use slotway_tests::http::{events, get};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::operator::{Running, begin, created, created_with, fill, has_replica};
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(50) };

/// `slotway ui`, serving.
struct Page {
    http: u16,
    process: Running,
}

impl Page {
    fn over(place: &str, words: &[&str]) -> Self {
        let http = free_port();
        let number = http.to_string();
        let process =
            begin(&[&["ui", "--cluster", place, "--http", &number, "--interval", "200"], words].concat());
        PATIENCE.wait_until("the page is served", || TcpStream::connect(("127.0.0.1", http)).is_ok());
        Self { http, process }
    }

    /// Ends as Ctrl-C ends it; what it said.
    fn close(self) -> String {
        self.process.interrupt();
        self.process.end().expect(0, "Playground").out
    }
}

fn json(http: u16, path: &str) -> Value {
    let (status, body) = get(http, path, "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error} in {body}"))
}

/// What is told of the node with that id.
fn told<'a>(report: &'a Value, id: &str) -> &'a Value {
    let nodes = report["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["id"] == id).unwrap_or_else(|| panic!("no {id} in {report}"))
}

/// Keys of all slots, once all have been counted.
fn keys(http: u16) -> Vec<u64> {
    let counted = || json(http, "/api/slots")["keys"].as_array().expect("a column").clone();
    PATIENCE.wait_until("all slots are counted", || counted().iter().all(Value::is_u64));
    counted().iter().filter_map(Value::as_u64).collect()
}

/// The slots of all nodes by what an event tells, by id.
fn slots_of(topology: &Value, id: &str) -> u64 {
    told(topology, id)["slots"].as_u64().expect("a number")
}

#[test]
fn a_failover_of_redis_is_followed_from_outside() {
    let mut nodes = created(Kind::Redis, 1);
    fill(&nodes, 300);
    // Node 0 is the one that dies; the others are found by what it tells.
    let page = Page::over(&nodes.address(0), &[]);
    let topology = json(page.http, "/api/topology");
    assert_eq!(
        (topology["state"].as_str(), topology["nodes"].as_array().map(Vec::len)),
        (Some("ok"), Some(6))
    );
    let keys = keys(page.http);
    assert_eq!((keys.len(), keys.iter().sum::<u64>()), (16384, 300));
    assert!(keys[usize::from(key_slot(b"key:7").get())] > 0);
    let all_tell = || {
        json(page.http, "/api/nodes")["nodes"]
            .as_array()
            .is_some_and(|all| all.iter().all(|node| node["complaint"].is_null()))
    };
    PATIENCE.wait_until("all nodes tell", all_tell);
    let report = json(page.http, "/api/nodes");
    let dies = nodes.id(0);
    let heir = report_of_replica(&topology, &dies);
    let (primary, replica) = (told(&report, &dies), told(&report, &heir));
    assert!(primary["software"].as_str().is_some_and(|name| name.starts_with("Redis 7")), "{primary}");
    assert_eq!(primary["keys"], replica["keys"], "the replica has them all");
    assert_eq!(
        (replica["replication"]["isLinked"].as_bool(), replica["replication"]["behindBytes"].as_u64()),
        (Some(true), Some(0))
    );

    slots_on_their_way_are_told(&nodes, page.http);

    let stream = events(page.http, "/api/events");
    nodes.kill(0);
    let followed = loop {
        let event: Value =
            serde_json::from_str(&stream.recv_timeout(PATIENCE.limit).expect("an event")).expect("JSON");
        if slots_of(&event, &heir) > 0 {
            break event;
        }
    };
    assert_eq!((told(&followed, &heir)["role"].as_str(), slots_of(&followed, &dies)), (Some("primary"), 0));
    PATIENCE.wait_until("the cluster is well again", || json(page.http, "/api/topology")["state"] == "ok");
    let complaint = || told(&json(page.http, "/api/nodes"), &dies)["complaint"].clone();
    PATIENCE
        .wait_until("the dead node is missed", || complaint() == "cannot be reached: nothing listens there");
    drop(nodes);
    PATIENCE.wait_until("nobody is left", || json(page.http, "/api/topology")["state"] == "fail");
    assert!(page.close().contains("6 nodes"));
}

fn report_of_replica(topology: &Value, primary: &str) -> String {
    let nodes = topology["nodes"].as_array().expect("nodes");
    let replica = nodes.iter().find(|node| node["primaryId"] == primary).expect("a replica");
    replica["id"].as_str().expect("an id").to_owned()
}

/// Opens three slots between two primaries, and closes them again.
fn slots_on_their_way_are_told(nodes: &Nodes, http: u16) {
    let view = nodes.view(0);
    let primaries: Vec<usize> = (0..6).filter(|node| has_replica(nodes, *node)).collect();
    let (from, to) = (primaries[0], primaries[1]);
    let index =
        view.find(&nodes.view(from).node(nodes.view(from).myself().expect("itself")).id).expect("known");
    let slots: Vec<String> = view.slots_of(index).iter().take(3).map(|slot| slot.get().to_string()).collect();
    let [source, target] = [from, to].map(|node| nodes.id(node));
    for slot in &slots {
        nodes.call(to, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &source]);
        nodes.call(from, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &target]);
    }
    let migrations = || json(http, "/api/nodes")["migrations"].as_array().expect("migrations").clone();
    PATIENCE.wait_until("the slots are told as on their way", || {
        migrations().iter().any(|one| one["slots"] == 3)
    });
    let [one] = &migrations()[..] else { panic!("{:?}", migrations()) };
    assert_eq!(
        (one["from"].as_str(), one["to"].as_str(), one["how"].as_str()),
        (Some(&source[..]), Some(&target[..]), Some("slotBySlot"))
    );
    for slot in &slots {
        nodes.call(from, &["CLUSTER", "SETSLOT", slot, "STABLE"]);
        nodes.call(to, &["CLUSTER", "SETSLOT", slot, "STABLE"]);
    }
    PATIENCE.wait_until("nothing moves any more", || migrations().is_empty());
}

#[test]
fn a_user_with_the_rights_that_the_help_names_is_enough() {
    let help = begin(&["ui", "--help"]).end().expect(0, "ACL SETUSER viewer").out;
    let rule =
        help.split("ACL SETUSER viewer").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a rule");
    for (kind, unknown) in
        [(Kind::Redis, &["+cluster|slot-stats", "+cluster|getslotmigrations"][..]), (Kind::Slotway, &[])]
    {
        // Subcommands that a server does not have it does not take in a rule.
        let rights: Vec<&str> =
            rule.split_ascii_whitespace().filter(|word| !unknown.contains(word)).collect();
        let options = ["--cluster-enabled", "yes", "--requirepass", "other"];
        let server = match kind {
            Kind::Redis => Server::redis(&options),
            Kind::Slotway => Server::slotway(&options),
        };
        let mut connection = server.connect();
        connection.call(&["AUTH", "other"]);
        connection.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        let set = connection.call(&[&["ACL", "SETUSER", "viewer"], &rights[..]].concat());
        assert_eq!(set.as_str(), Some("OK"), "{kind:?}: {set:?}");
        PATIENCE.wait_until("it takes keys", || connection.call(&["SET", "a", "1"]).as_str() == Some("OK"));
        let place = format!("127.0.0.1:{}", server.port());
        let refused = |words: &[&str], says: &str| {
            begin(&[&["ui", "--cluster", &place], words].concat()).end().expect(1, says)
        };
        refused(&[], "asks for a password");
        refused(&["--pass", "wrong"], "refuses the password");
        refused(&["--user", "viewer"], "--user needs a password");
        let page = Page::over(&place, &["--user", "viewer", "--pass", "secret", "--http-token", "shown"]);
        let with_token = |path: &str| get(page.http, path, "Authorization: Bearer shown\r\n");
        assert_eq!(get(page.http, "/api/nodes", "").0, 401, "{kind:?}");
        PATIENCE.wait_until("the key is counted", || with_token("/api/slots").1.contains("1"));
        let (_, report) = with_token("/api/nodes");
        assert!(report.contains("\"complaint\":null") && report.contains("\"keys\":1"), "{kind:?}: {report}");
        let said = page.close();
        assert!(!said.contains("secret") && !said.contains("shown"));
    }
}

#[test]
fn what_is_no_cluster_is_said_in_words() {
    let alone = Server::redis(&["--save", ""]);
    let place = format!("127.0.0.1:{}", alone.port());
    begin(&["ui", "--cluster", &place]).end().expect(1, "is a server without cluster mode");
    let nobody = format!("127.0.0.1:{}", free_port());
    begin(&["ui", "--cluster", &nobody]).end().expect(1, "nothing listens there");
    begin(&["ui", "--cluster", "host:port"]).end().expect(2, "is no place of a node");
}

#[test]
fn a_whole_cluster_in_one_process_tells_of_its_nodes_without_being_asked_over_the_network() {
    // None of the nodes would let anybody in over a connection who has no password.
    let cluster = Cluster::dev_with(3, 1, &["--requirepass", "secret", "--masterauth", "secret"]);
    let http = cluster.http();
    let mut connection = Connection::open(cluster.port()).expect("a node runs");
    connection.call(&["AUTH", "secret"]);
    // Of the first node.
    for number in 0..50 {
        assert_eq!(connection.call(&["SET", &format!("{{3}}{number}"), "value"]).as_str(), Some("OK"));
    }
    let slot = usize::from(key_slot(b"{3}").get());
    let counted = || json(http, "/api/slots?of=keys,cpuUsec,bytes,load");
    PATIENCE.wait_until("the keys are counted", || counted()["keys"][slot] == 50);
    let columns = counted();
    assert!(columns["bytes"][slot].as_u64() > Some(50 * 5) && columns["cpuUsec"][slot].as_u64() > Some(0));
    PATIENCE.wait_until("what it costs a second is known", || counted()["load"][slot].is_u64());
    let report = json(http, "/api/nodes");
    let nodes = report["nodes"].as_array().expect("nodes");
    assert_eq!(
        nodes.iter().filter(|node| node["keys"] == 50).count(),
        2,
        "a primary and its replica: {report}"
    );
    assert!(nodes.iter().all(|node| node["complaint"].is_null()), "{report}");
    let (status, why) = get(http, "/api/slots?of=heat", "");
    assert!(status == 400 && why.contains("no column 'heat'"), "{status} {why}");
}

#[test]
fn a_node_that_serves_the_page_asks_the_others() {
    let http = free_port();
    let kinds = [Kind::Slotway, Kind::Slotway, Kind::Redis];
    let nodes = created_with(&kinds, 0, &[]);
    fill(&nodes, 100);
    nodes.call(0, &["CONFIG", "SET", "loglevel", "notice"]);
    let own = Server::slotway(&["--cluster-enabled", "yes", "--http-port", &http.to_string()]);
    let (_, why) = get(http, "/api/nodes", "");
    let alone: Value = serde_json::from_str(&why).expect("JSON");
    assert_eq!(alone["nodes"].as_array().map(Vec::len), Some(1), "{why}");
    own.connect().call(&["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    PATIENCE.wait_until("it knows them all", || {
        json(http, "/api/topology")["nodes"].as_array().is_some_and(|all| all.len() == 4)
    });
    assert_eq!(keys(http).iter().sum::<u64>(), 100);
    let report = json(http, "/api/nodes");
    let software: Vec<&str> = report["nodes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|node| node["software"].as_str())
        .collect();
    assert_eq!(software.iter().filter(|name| name.starts_with("Slotway")).count(), 3, "{report}");
    assert_eq!(software.iter().filter(|name| name.starts_with("Redis")).count(), 1, "{report}");
}

#[test]
fn a_server_without_cluster_mode_has_no_nodes_to_tell_of() {
    let http = free_port();
    let _server = Server::slotway(&["--http-port", &http.to_string()]);
    for path in ["/api/nodes", "/api/slots"] {
        assert_eq!(get(http, path, ""), (404, "this node is not in cluster mode".into()), "{path}");
    }
}
