//! An operator's morning: five things have gone wrong, each on nodes of their own, and Prometheus, with the rules of `deploy/prometheus`,
//! has a minute to name each. What is well is called well.
//!
//! The rules are hastened unless `SLOTWAY_MORNING` is set: then they are those that operators have, read every five seconds.

use std::env;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;
use slotway_tests::binaries;
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::prometheus::{Alert, Prometheus, hastened, rules};
use slotway_tests::proxy::Proxy;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

/// What is wrong has a name within this.
const NAMED: Duration = Duration::from_secs(60);
/// By how much rules are hastened for those who have no minute.
const HASTE: u64 = 6;
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(50) };
const QUIET: Patience = Patience { limit: Duration::from_secs(90), poll: Duration::from_millis(500) };
/// What goes to the replica in a second, over its slow network.
const SLOW: u64 = 50_000;
/// Files of the full disk have at most so many bytes.
const DISK_LEN: usize = 256 * 1024;

/// A node that Prometheus reads.
struct Node {
    server: Server,
    http: u16,
}

impl Node {
    fn start(options: &[&str]) -> Node {
        let http = free_port();
        let server = Server::slotway(&[&["--http-port", &http.to_string()], options].concat());
        Node { server, http }
    }

    /// One whose disk is full once a file has [`DISK_LEN`].
    fn start_on_a_small_disk() -> Node {
        let (port, http) = (free_port(), free_port());
        let limit = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", DISK_LEN / 512);
        let mut command = Command::new("sh");
        command.args(["-c", &limit, "sh"]).arg(binaries::slotway()).arg("server").stdin(Stdio::null());
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
        command.args(["--port", &port.to_string(), "--http-port", &http.to_string()]);
        Node { server: Server::start(command, port), http }
    }

    fn port(&self) -> u16 {
        self.server.port()
    }

    /// As Prometheus calls it.
    fn instance(&self) -> String {
        format!("127.0.0.1:{}", self.http)
    }

    fn call(&self, words: &[&str]) -> Value {
        self.server.connect().call(words)
    }
}

/// A node of a cluster whose network can be cut: others reach it through a proxy, and it is known by the address it comes from.
struct Member {
    node: Node,
    proxy: Proxy,
    host: IpAddr,
}

impl Member {
    fn start(number: u8) -> Member {
        let (proxy, host) = (Proxy::start(), IpAddr::V4(Ipv4Addr::new(127, 0, 0, number)));
        let (bus, from) = (proxy.port().to_string(), host.to_string());
        let announced = ["--cluster-announce-bus-port", &bus, "--cluster-announce-ip", "127.0.0.1"];
        let options =
            ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--bind-source-addr", &from];
        let node = Node::start(&[&announced[..], &options].concat());
        proxy.lead_to(node.port() + 10_000);
        Member { node, proxy, host }
    }

    fn says(&self, words: &[&str], text: &str) -> bool {
        self.node.call(words).as_str().is_some_and(|said| said.contains(text))
    }
}

/// Three nodes that are one cluster.
fn cluster() -> Vec<Member> {
    let members: Vec<Member> = (11..=13).map(Member::start).collect();
    for (member, range) in members.iter().zip([["0", "5460"], ["5461", "10922"], ["10923", "16383"]]) {
        member.node.call(&["CLUSTER", "ADDSLOTSRANGE", range[0], range[1]]);
        let (port, bus) = (members[0].node.port().to_string(), members[0].proxy.port().to_string());
        member.node.call(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
    }
    PATIENCE.wait_until("they are one cluster", || {
        members.iter().all(|member| {
            member.says(&["CLUSTER", "INFO"], "cluster_state:ok")
                && member.says(&["CLUSTER", "INFO"], "cluster_known_nodes:3")
        })
    });
    members
}

/// An alert that somebody waits for.
struct Expected {
    what: &'static str,
    name: &'static str,
    labels: Vec<(&'static str, String)>,
    /// When it was there, since the trouble began.
    after: Option<Duration>,
}

impl Expected {
    fn new(what: &'static str, name: &'static str, labels: &[(&'static str, String)]) -> Expected {
        Expected { what, name, labels: labels.to_vec(), after: None }
    }

    fn is(&self, alert: &Alert) -> bool {
        alert.name == self.name && self.labels.iter().all(|(name, value)| alert.label(name) == value)
    }
}

#[test]
fn prometheus_names_each_of_five_troubles_within_a_minute() {
    let (scrape_secs, rules) = match env::var_os("SLOTWAY_MORNING") {
        Some(_) => (5, rules()),
        None => (1, hastened(&rules(), HASTE)),
    };
    let full = Node::start_on_a_small_disk();
    let slow_network = Proxy::start();
    let primary = Node::start(&[]);
    slow_network.lead_to(primary.port());
    let replica = Node::start(&["--replicaof", "127.0.0.1", &slow_network.port().to_string()]);
    let hot = Node::start(&["--cluster-enabled", "yes"]);
    hot.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let locked = Node::start(&["--requirepass", "sesame-9c1f"]);
    let members = cluster();
    PATIENCE.wait_until("the replica follows", || {
        primary.call(&["INFO", "replication"]).as_str().is_some_and(|info| info.contains("state=online"))
    });
    let nodes =
        [&full, &primary, &replica, &hot, &locked, &members[0].node, &members[1].node, &members[2].node];
    let prometheus = Prometheus::start(&nodes.map(|node| node.http), scrape_secs, &rules);
    // Long enough for whatever lasts half a minute, or what is called that; and that somebody has asked without a password is told for one.
    thread::sleep(Duration::from_secs(if scrape_secs == 5 { 45 } else { 8 }));
    QUIET.wait_until("all is well", || prometheus.alerts().is_empty());

    let on = |node: &Node| ("instance", node.instance());
    let slot = key_slot(b"{hot}bits").get().to_string();
    let lagging = ("slave_port", replica.port().to_string());
    let mut expected = [
        Expected::new("a full disk", "SlotwayDiskFails", &[on(&full)]),
        Expected::new("a replica that lags", "SlotwayReplicaLags", &[on(&primary), lagging]),
        Expected::new("a hot slot", "SlotwayHotSlot", &[on(&hot), ("slot", slot)]),
        Expected::new("a wrong password", "SlotwayPasswordsRefused", &[on(&locked)]),
        Expected::new("a node cut off", "SlotwayNodeCutOff", &[on(&members[2].node)]),
    ];
    let is_over = AtomicBool::new(false);
    let all = thread::scope(|scope| {
        let end = End(&is_over);
        let began = Instant::now();
        scope.spawn(|| write_until_refused(&full, &is_over));
        scope.spawn(|| write_past(&slow_network, &primary));
        for _ in 0..2 {
            scope.spawn(|| ask_for_one_slot(&hot, &is_over));
        }
        scope.spawn(|| try_passwords(&locked, &is_over));
        for member in &members {
            member.proxy.cut_off(members[2].host);
        }
        members[2].proxy.cut_off(members[0].host);
        members[2].proxy.cut_off(members[1].host);
        while expected.iter().any(|expected| expected.after.is_none()) && began.elapsed() < NAMED {
            let alerts = prometheus.alerts();
            for expected in expected.iter_mut().filter(|expected| expected.after.is_none()) {
                expected.after = alerts.iter().any(|alert| expected.is(alert)).then(|| began.elapsed());
            }
            thread::sleep(Duration::from_millis(200));
        }
        drop(end);
        prometheus.alerts()
    });
    for Expected { what, name, after, .. } in &expected {
        println!("{what}: {name} after {after:.0?}");
    }
    let unnamed: Vec<_> = expected.iter().filter(|expected| expected.after.is_none()).collect();
    let names: Vec<_> = unnamed.iter().map(|expected| expected.what).collect();
    assert!(unnamed.is_empty(), "within {NAMED:?} nobody has named {names:?}, but {all:#?}");
    // The cluster is down, since a part of it is: nothing else may be said of anybody.
    let of_cluster = ["SlotwayNodeCutOff", "SlotwayClusterDown", "SlotwayNotReady", "SlotwaySlotsUncovered"];
    let is_right = |alert: &&Alert| {
        let is_member = members.iter().any(|member| member.node.instance() == alert.label("instance"));
        expected.iter().any(|expected| expected.is(alert))
            || (is_member && of_cluster.contains(&&*alert.name) && alert.name != "SlotwayNodeCutOff")
    };
    let wrong: Vec<&Alert> = all.iter().filter(|alert| !is_right(alert)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Says that it is over when it goes, be it because something has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn write_until_refused(node: &Node, is_over: &AtomicBool) {
    let mut connection = node.server.connect();
    let value = "x".repeat(1024);
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        if let Value::Error(error) = connection.call(&["SET", &number.to_string(), &value]) {
            assert!(error.starts_with("MISCONF"), "{error}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// More than gets through to the replica in ten minutes.
fn write_past(network: &Proxy, primary: &Node) {
    network.slow_down(SLOW);
    let mut connection = primary.server.connect();
    let value = "x".repeat(100_000);
    for number in 0..300 {
        connection.call(&["SET", &number.to_string(), &value]);
    }
}

fn ask_for_one_slot(node: &Node, is_over: &AtomicBool) {
    let mut connection = node.server.connect();
    connection.call(&["SETBIT", "{hot}bits", &(256 * 1024 * 1024).to_string(), "1"]);
    while !is_over.load(Ordering::Relaxed) {
        assert_eq!(connection.call(&["BITCOUNT", "{hot}bits"]), Value::Integer(1));
    }
}

fn try_passwords(node: &Node, is_over: &AtomicBool) {
    for number in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let mut connection = Connection::open(node.port()).expect("it listens");
        let reply = connection.call(&["AUTH", &format!("guess-{number}")]);
        assert!(matches!(&reply, Value::Error(error) if error.starts_with("WRONGPASS")), "{reply:?}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_runbook_says_of_each_alert_what_to_do() {
    let runbook = fs::read_to_string(binaries::workspace().join("docs/runbook.md")).expect("it is there");
    let rules = rules();
    let names: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let row = runbook.lines().find(|line| line.starts_with("| ") && line.contains(name));
        let cells = row.unwrap_or_else(|| panic!("no row of the runbook names {name}")).split(" | ").count();
        assert_eq!(cells, 3, "the row of {name} has what is seen, what it is, and what to do");
    }
}
