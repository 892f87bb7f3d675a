//! The `cluster-*` directives, set while nodes run: ours and redis-server answer alike, and what follows is the same.
//!
//! What is set in vain, and the size of send queues, is in `cluster_commands`.

use std::thread;
use std::time::Duration;

use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::wire::{Connection, request};

/// Long enough for a node that would act to do so, and short for a test: nothing that fails by chance depends on it.
const A_WHILE: Duration = Duration::from_millis(2500);

/// A reply as it came, escaped, on a connection of its own.
fn say(nodes: &Nodes, node: usize, words: &[&str]) -> String {
    let mut connection = Connection::open(nodes.port(node)).expect("the node runs");
    connection.send(&request(words)).expect("it reads");
    connection.read().expect("it answers").bytes.escape_ascii().to_string()
}

fn set(nodes: &Nodes, node: usize, directive: &str, value: &str) {
    assert_eq!(say(nodes, node, &["CONFIG", "SET", directive, value]), "+OK\\r\\n", "{directive} {value}");
}

/// One node of ours and one of redis-server, which know nobody.
struct Pair {
    nodes: Nodes,
}

impl Pair {
    fn start() -> Pair {
        Pair { nodes: Nodes::start(&[Slotway, Redis]) }
    }

    /// Says it to both, who must answer alike. Their answer.
    #[track_caller]
    fn say(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').map(|word| if word == "\"\"" { "" } else { word }).collect();
        let [ours, theirs] = [0, 1].map(|node| say(&self.nodes, node, &words));
        assert_eq!(ours, theirs, "{line}");
        ours
    }

    /// Waits until both say this of themselves.
    fn wait_for(&self, line: &str, told: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let tell = |nodes: &Nodes| (0..2).all(|node| nodes.call(node, &words).contains(told));
        self.nodes.wait_until(told, tell);
    }
}

/// What CONFIG takes, refuses and tells of each directive; only here, `cluster-announce-human-nodename` is missing: Redis 7.0 has none.
#[test]
fn config_takes_refuses_and_tells_them_as_redis_does() {
    let pair = Pair::start();
    let directives = [
        "cluster-port",
        "cluster-announce-ip",
        "cluster-announce-port",
        "cluster-announce-tls-port",
        "cluster-announce-bus-port",
        "cluster-announce-hostname",
        "cluster-preferred-endpoint-type",
        "cluster-require-full-coverage",
        "cluster-allow-reads-when-down",
        "cluster-allow-pubsubshard-when-down",
        "cluster-migration-barrier",
        "cluster-allow-replica-migration",
        "cluster-replica-no-failover",
        "cluster-slave-no-failover",
        "cluster-replica-validity-factor",
        "cluster-slave-validity-factor",
        "cluster-node-timeout",
        "cluster-link-sendbuf-limit",
    ];
    let words = [
        "yes",
        "maybe",
        "-1",
        "0",
        "7",
        "65536",
        "1mb",
        "4.5",
        "a.example",
        "not_a-host!",
        "hostname",
        "\"\"",
    ];
    for directive in directives {
        let before = pair.say(&format!("CONFIG GET {directive}"));
        for word in words {
            pair.say(&format!("CONFIG SET {directive} {word}"));
            pair.say(&format!("CONFIG GET {directive}"));
        }
        if let [_, _, value, _] = before.split("\\r\\n").skip(2).collect::<Vec<_>>()[..]
            && directive != "cluster-port"
        {
            let value = if value.is_empty() { "\"\"" } else { value };
            assert_eq!(pair.say(&format!("CONFIG SET {directive} {value}")), "+OK\\r\\n");
        }
        assert_eq!(pair.say(&format!("CONFIG GET {directive}")), before);
    }
    pair.say("CONFIG SET cluster-node-timeout 3000 cluster-port 1");
    pair.say("CONFIG SET cluster-node-timeout 3000 cluster-migration-barrier x");
    pair.say("CONFIG GET cluster-node-timeout");
}

/// Half of the slots are nobody's.
#[test]
fn a_node_of_a_cluster_that_is_down_serves_what_the_directives_say() {
    let pair = Pair::start();
    // The slot of b is 3300; those of the others are nobody's.
    let keys = ["SET foobar 1", "GET b", "SET b 1", "GET foo", "GET a", "SET a 1"];
    let shard_words = ["SPUBLISH b hello", "SSUBSCRIBE b", "SPUBLISH foo hello", "SSUBSCRIBE foo"];
    let told = || keys.iter().chain(&shard_words).map(|line| pair.say(line)).collect::<Vec<_>>();
    pair.say("CLUSTER ADDSLOTSRANGE 0 8191");
    pair.wait_for("CLUSTER INFO", "cluster_slots_assigned:8192");
    let down = told();
    assert!(down[1].contains("The cluster is down"), "{down:?}");

    pair.say("CONFIG SET cluster-allow-reads-when-down yes");
    let reads = told();
    assert!(reads[1].starts_with("$-1"), "{reads:?}");
    assert!(reads[2].contains("only accepts read commands"), "{reads:?}");
    pair.say("CONFIG SET cluster-allow-reads-when-down no");
    assert_eq!(told(), down);

    pair.say("CONFIG SET cluster-allow-pubsubshard-when-down no");
    let silent = told();
    assert!(down[6].starts_with(":0") && silent[6].contains("CLUSTERDOWN"), "{down:?} {silent:?}");
    pair.say("CONFIG SET cluster-allow-pubsubshard-when-down yes");

    pair.say("CONFIG SET cluster-require-full-coverage no");
    pair.wait_for("CLUSTER INFO", "cluster_state:ok");
    let partly = told();
    assert!(partly[2].starts_with("+OK") && partly[3].contains("Hash slot not served"), "{partly:?}");
    pair.say("CONFIG SET cluster-require-full-coverage yes");
    // Redis looks at its slots again when they change.
    pair.say("CLUSTER DELSLOTS 8191");
    pair.wait_for("CLUSTER INFO", "cluster_state:fail");
}

/// A node of each kind in one cluster: each tells of itself, and of the other, what it was set to.
struct Announced {
    nodes: Nodes,
    ids: [String; 2],
}

impl Announced {
    fn start() -> Announced {
        let nodes = Nodes::start_on(&[(Slotway, "127.0.0.1"), (Redis, "127.0.0.1")]);
        nodes.call(0, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(1).to_string()]);
        nodes.call(0, &["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
        nodes.call(1, &["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
        nodes.wait_until("they are one cluster", Nodes::are_one_cluster);
        let ids = [0, 1].map(|node| nodes.id(node));
        Announced { nodes, ids }
    }

    fn set(&self, directive: &str, value: &str) {
        (0..2).for_each(|node| set(&self.nodes, node, directive, value));
    }

    /// The address of `node` in the words of CLUSTER NODES, as `viewer` tells it.
    fn address(&self, viewer: usize, node: usize) -> String {
        let text = self.nodes.call(viewer, &["CLUSTER", "NODES"]);
        let line = text.lines().find(|line| line.starts_with(&self.ids[node])).unwrap_or_default();
        line.split(' ').nth(1).unwrap_or_default().to_owned()
    }

    /// Waits until everybody tells this of each node; `<port>` and `<bus>` are its own.
    fn wait_for(&self, address: &str) {
        (0..2).for_each(|node| self.wait_for_one(node, address));
    }

    fn wait_for_one(&self, node: usize, address: &str) {
        let port = self.nodes.port(node);
        let expected =
            address.replace("<port>", &port.to_string()).replace("<bus>", &(port + 10_000).to_string());
        self.nodes.wait_until(address, |_| (0..2).all(|viewer| self.address(viewer, node) == expected));
    }

    /// What `viewer` answers, names and ports of nodes replaced by words that do not depend on who is asked.
    fn told(&self, viewer: usize, words: &[&str]) -> String {
        let mut reply = say(&self.nodes, viewer, words);
        for (node, name) in [(viewer, "me"), (1 - viewer, "you")] {
            reply = reply.replace(&self.ids[node], name).replace(&self.nodes.port(node).to_string(), name);
        }
        reply
    }

    /// Whom each names to clients whose key is the other's, and in CLUSTER SLOTS.
    fn named(&self) -> [String; 2] {
        // Slots 3300 and 15495.
        let moved = [(0, "a"), (1, "b")].map(|(viewer, key)| self.told(viewer, &["GET", key]));
        let moved = moved.map(|text| text.split(' ').nth(2).unwrap_or_default().to_owned());
        assert_eq!(moved[0], moved[1]);
        let slots = [0, 1].map(|viewer| say(&self.nodes, viewer, &["CLUSTER", "SLOTS"]));
        assert_eq!(slots[0], slots[1]);
        let [moved, _] = moved;
        let [slots, _] = slots;
        [moved, slots]
    }
}

#[test]
fn what_a_node_announces_is_told_by_all_and_may_change_at_any_time() {
    let nodes = Announced::start();
    nodes.wait_for("127.0.0.1:<port>@<bus>");
    assert!(nodes.named()[0].starts_with("127.0.0.1:you"));

    nodes.set("cluster-announce-ip", "127.0.0.2");
    nodes.wait_for("127.0.0.2:<port>@<bus>");
    nodes.set("cluster-announce-port", "7");
    nodes.wait_for("127.0.0.2:7@<bus>");
    nodes.set("cluster-announce-port", "0");
    nodes.set("cluster-announce-hostname", "host.example");
    nodes.wait_for("127.0.0.2:<port>@<bus>,host.example");

    // The name beside the address, in its place, and neither.
    let by_address = nodes.named();
    assert!(by_address[0].starts_with("127.0.0.2:you"), "{by_address:?}");
    assert!(by_address[1].contains("hostname\\r\\n$12\\r\\nhost.example"), "{by_address:?}");
    nodes.set("cluster-preferred-endpoint-type", "hostname");
    let by_name = nodes.named();
    assert!(by_name[0].starts_with("host.example:you"), "{by_name:?}");
    nodes.set("cluster-preferred-endpoint-type", "unknown-endpoint");
    let by_nothing = nodes.named();
    assert!(by_nothing[0].starts_with(":you"), "{by_nothing:?}");
    nodes.set("cluster-preferred-endpoint-type", "hostname");
    nodes.set("cluster-announce-hostname", "");
    nodes.wait_for("127.0.0.2:<port>@<bus>");
    let nameless = nodes.named();
    assert!(nameless[0].starts_with("?:you"), "{nameless:?}");
    nodes.set("cluster-preferred-endpoint-type", "ip");

    // A port at which nobody listens: it is told by who can still reach the other, and taken back.
    for node in 0..2 {
        set(&nodes.nodes, node, "cluster-announce-bus-port", "9");
        nodes.wait_for_one(node, "127.0.0.2:<port>@9");
        set(&nodes.nodes, node, "cluster-announce-bus-port", "0");
        nodes.wait_for_one(node, "127.0.0.2:<port>@<bus>");
        nodes.nodes.wait_until("they reach each other again", Nodes::are_one_cluster);
    }
}

/// Redis 7.0 has no names for people, and tells no second port to others: two nodes of ours do. They know these names from each other, and keep them.
#[test]
fn names_for_people_and_ports_for_tls_reach_the_other_node() {
    let nodes = Nodes::start(&[Slotway; 2]);
    nodes.call(0, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(1).to_string()]);
    nodes.wait_until("they know each other", |nodes| (0..2).all(|node| nodes.view(node).node_count() == 2));
    set(&nodes, 0, "cluster-announce-human-nodename", "rack-7");
    set(&nodes, 0, "cluster-announce-tls-port", "7777");
    let saved = |nodes: &Nodes| (0..2).all(|node| nodes.file(node, "nodes.conf").contains("nodename=rack-7"));
    nodes.wait_until("both keep the name", saved);
    for node in 0..2 {
        let shard = format!("shard-id={}", nodes.call(node, &["CLUSTER", "MYSHARDID"]));
        nodes.wait_until("both keep the name of the shard", |nodes| {
            (0..2).all(|node| nodes.file(node, "nodes.conf").contains(&shard))
        });
    }
    let shards = |nodes: &Nodes, node| say(nodes, node, &["CLUSTER", "SHARDS"]);
    nodes.wait_until("both tell the port", |nodes| {
        (0..2).all(|node| shards(nodes, node).contains("$8\\r\\ntls-port\\r\\n:7777"))
    });
    set(&nodes, 0, "cluster-announce-human-nodename", "");
    set(&nodes, 0, "cluster-announce-tls-port", "0");
    nodes.wait_until("the name is gone", |nodes| {
        (0..2).all(|node| !nodes.file(node, "nodes.conf").contains("rack-7"))
    });
    nodes
        .wait_until("the port is gone", |nodes| (0..2).all(|node| !shards(nodes, node).contains("tls-port")));
    let told = say(&nodes, 0, &["CONFIG", "SET", "cluster-announce-human-nodename", "a;b"]);
    assert!(told.starts_with("-ERR CONFIG SET failed"), "{told}");
}

/// Makes `replicas` of these primaries, of whom each has a part of the slots, one cluster.
fn cluster(kinds: &[Kind], primaries: usize, replicas: &[(usize, usize)]) -> Nodes {
    let nodes = Nodes::start(kinds);
    for node in 1..kinds.len() {
        nodes.call(node, &["CLUSTER", "MEET", "127.0.0.1", &nodes.port(0).to_string()]);
    }
    for primary in 0..primaries {
        let (first, next) = (16384 * primary / primaries, 16384 * (primary + 1) / primaries);
        nodes.call(primary, &["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &(next - 1).to_string()]);
    }
    nodes.wait_until("they are one cluster", Nodes::are_one_cluster);
    for (replica, primary) in replicas {
        nodes.call(*replica, &["CLUSTER", "REPLICATE", &nodes.id(*primary)]);
    }
    nodes.wait_until("replicas have the data", |nodes| {
        let has = |(node, _): &(usize, usize)| {
            nodes.call(*node, &["INFO", "replication"]).contains("master_link_status:up")
        };
        nodes.are_one_cluster() && replicas.iter().all(has)
    });
    nodes
}

/// The flags of a node, as `viewer` tells them.
fn flags(nodes: &Nodes, viewer: usize, id: &str) -> String {
    let text = nodes.call(viewer, &["CLUSTER", "NODES"]);
    let line = text.lines().find(|line| line.starts_with(id)).unwrap_or_default();
    line.split(' ').nth(2).unwrap_or_default().to_owned()
}

fn has_asked_for_votes(nodes: &Nodes, node: usize) -> bool {
    nodes.call(node, &["CLUSTER", "INFO"]).contains("messages_auth-req_sent")
}

/// Two replicas, one of each kind, of primaries of the other kind that die: they stand when they may, and not before.
#[test]
fn who_is_dead_and_who_may_stand_is_as_the_directives_say_now() {
    let mut nodes = cluster(&[Slotway, Redis, Slotway, Redis, Slotway, Slotway, Redis], 5, &[(5, 1), (6, 0)]);
    let (dead, heirs) = ([nodes.id(0), nodes.id(1)], [5, 6]);
    let all = |nodes: &Nodes, directive: &str, value: &str| {
        nodes.running().for_each(|node| set(nodes, node, directive, value));
    };
    for heir in heirs {
        set(&nodes, heir, "cluster-replica-no-failover", "yes");
        set(&nodes, heir, "repl-ping-replica-period", "1");
        let id = nodes.id(heir);
        nodes.wait_until("all know that it does not stand", |nodes| {
            nodes.running().all(|node| flags(nodes, node, &id).contains("nofailover"))
        });
    }

    all(&nodes, "cluster-node-timeout", "60000");
    nodes.kill(0);
    nodes.kill(1);
    thread::sleep(A_WHILE * 2);
    let are_failed = |nodes: &Nodes| {
        nodes
            .running()
            .all(|node| dead.iter().all(|id| flags(nodes, node, id).split(',').any(|flag| flag == "fail")))
    };
    for node in nodes.running() {
        dead.iter().for_each(|id| assert_eq!(flags(&nodes, node, id), "master", "a minute has not passed"));
    }
    all(&nodes, "cluster-node-timeout", "1000");
    nodes.wait_until("the dead are found", are_failed);

    thread::sleep(A_WHILE);
    heirs.iter().for_each(|heir| assert!(!has_asked_for_votes(&nodes, *heir), "{heir} was not to stand"));
    for heir in heirs {
        set(&nodes, heir, "cluster-replica-validity-factor", "1");
        set(&nodes, heir, "cluster-replica-no-failover", "no");
    }
    thread::sleep(A_WHILE);
    heirs.iter().for_each(|heir| assert!(!has_asked_for_votes(&nodes, *heir), "the data of {heir} is old"));
    heirs.iter().for_each(|heir| set(&nodes, *heir, "cluster-replica-validity-factor", "0"));
    nodes.wait_until("both take over", |nodes| {
        heirs.iter().all(|heir| nodes.call(*heir, &["INFO", "replication"]).contains("role:master"))
    });
    nodes.wait_until("the cluster is well", |nodes| {
        nodes.running().all(|node| nodes.call(node, &["CLUSTER", "INFO"]).contains("cluster_state:ok"))
    });
}

/// One primary has two replicas, and the one of another dies: one of the two goes there when its primary can spare it and it may.
fn a_replica_goes_to_an_orphan(kind: Kind) {
    let mut nodes = cluster(&[kind; 6], 3, &[(3, 0), (4, 0), (5, 1)]);
    let (orphan, dead) = (nodes.id(1), nodes.id(5));
    let all = |nodes: &Nodes, directive: &str, value: &str| {
        nodes.running().for_each(|node| set(nodes, node, directive, value));
    };
    let goers = |nodes: &Nodes| {
        let text = nodes.call(0, &["CLUSTER", "NODES"]);
        let follows =
            |line: &&str| line.split(' ').nth(3) == Some(orphan.as_str()) && !line.starts_with(&dead);
        text.lines().filter(follows).count()
    };
    all(&nodes, "cluster-migration-barrier", "2");
    nodes.kill(5);
    nodes.wait_until("all know that it is dead", |nodes| {
        nodes.running().all(|node| flags(nodes, node, &dead).split(',').any(|flag| flag == "fail"))
    });
    // Nobody goes to an orphan before five seconds have passed.
    thread::sleep(Duration::from_secs(6));
    assert_eq!(goers(&nodes), 0, "{kind:?}: two are to stay");
    all(&nodes, "cluster-allow-replica-migration", "no");
    all(&nodes, "cluster-migration-barrier", "1");
    thread::sleep(A_WHILE);
    assert_eq!(goers(&nodes), 0, "{kind:?}: none may go");
    all(&nodes, "cluster-allow-replica-migration", "yes");
    nodes.wait_until("one goes", |nodes| goers(nodes) == 1);
}

#[test]
fn replicas_go_to_orphans_as_the_directives_say_now() {
    a_replica_goes_to_an_orphan(Slotway);
}

#[test]
fn so_do_those_of_redis() {
    a_replica_goes_to_an_orphan(Redis);
}
