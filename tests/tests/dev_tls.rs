//! `slotway dev --tls`, as redis-cli and our own commands meet it.

use std::process::Command;
use std::time::Duration;

use slotway_tests::binaries;
use slotway_tests::cluster::Cluster;
use slotway_tests::operator::{Done, slotway};
use slotway_tests::patience::Patience;
use tempfile::TempDir;

const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(100) };

/// Two primaries, a replica of each, and the folder of their certificates.
struct Secured {
    cluster: Cluster,
    folder: TempDir,
}

impl Secured {
    fn start(directives: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let secured = Self { cluster: Cluster::dev_with_tls(2, 1, folder.path(), directives), folder };
        let (authority, certificate, key) =
            (secured.file("ca.crt"), secured.file("client.crt"), secured.file("client.key"));
        let own = ["--tls", "--cacert", &authority, "--cert", &certificate, "--key", &key];
        PATIENCE.wait_until("all nodes are connected by the bus", || {
            (0..4).all(|node| {
                let nodes =
                    printed(&[&["-p", &secured.port(node)], &own[..], &["cluster", "nodes"]].concat());
                nodes.matches(" connected").count() == 4
            })
        });
        secured
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn port(&self, node: u16) -> String {
        (self.cluster.port() + node).to_string()
    }

    fn at(&self, node: u16) -> String {
        format!("127.0.0.1:{}", self.port(node))
    }

    /// The redis-cli of Redis, with the authority of the cluster.
    fn redis_cli(&self, node: u16, words: &[&str]) -> String {
        let (port, authority) = (self.port(node), self.file("ca.crt"));
        printed(&[&["-c", "-p", &port, "--tls", "--cacert", &authority], words].concat())
    }

    /// `slotway` with these words, and with the authority of the cluster.
    fn slotway(&self, words: &[&str]) -> Done {
        slotway(&[words, &["--tls", "--cacert", &self.file("ca.crt")]].concat())
    }
}

/// What the redis-cli of Redis prints.
fn printed(words: &[&str]) -> String {
    let output = Command::new(binaries::redis_cli()).args(words).output().expect("redis-cli runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}

#[test]
fn clients_and_nodes_use_tls_and_nothing_else() {
    let mut secured = Secured::start(&[]);
    let said = secured.cluster.process().output();
    let hint = said.lines().find_map(|line| line.split_once("redis-cli ")).expect("a line to try").1;
    let hint: Vec<&str> = hint.split(' ').chain(["ping"]).collect();
    assert_eq!(printed(&hint), "PONG", "the line that is told is one that works: {hint:?}");
    for number in 0..50 {
        let (key, value) = (format!("key:{number}"), number.to_string());
        assert_eq!(secured.redis_cli(0, &["set", &key, &value]), "OK");
        assert_eq!(secured.redis_cli(1, &["get", &key]), value, "redirections name ports that take TLS");
    }
    // The replica has come by TLS, since there is no other way in.
    assert_eq!(secured.redis_cli(0, &["config", "get", "port"]), "port\n0");
    let bus = format!("{}", secured.cluster.port() + 10_000);
    for port in [secured.port(0), bus] {
        assert_ne!(printed(&["-p", &port, "ping"]), "PONG", "port {port} serves who comes without TLS");
    }
    PATIENCE.wait_until("the replica has its data", || {
        secured.redis_cli(2, &["info", "replication"]).contains("master_link_status:up")
    });
    assert!(secured.redis_cli(0, &["cluster", "info"]).contains("cluster_state:ok"));
}

#[test]
fn our_own_commands_go_there_by_the_options_of_redis_cli() {
    let secured = Secured::start(&[]);
    for number in 0..100 {
        secured.redis_cli(0, &["set", &format!("key:{number}"), "value"]);
    }
    secured.slotway(&["cluster", "check", &secured.at(0)]).expect(0, "16384");
    secured.slotway(&["doctor", &secured.at(1)]).expect(0, "");
    let (from, to) = (secured.redis_cli(0, &["cluster", "myid"]), secured.redis_cli(1, &["cluster", "myid"]));
    for way in [&[][..], &["--classic"]] {
        let words =
            ["cluster", "reshard", &secured.at(0), "--from", &from, "--to", &to, "--slots", "500", "--yes"];
        secured.slotway(&[&words[..], way].concat()).expect(0, "");
    }
    let keys = |node| secured.redis_cli(node, &["dbsize"]).parse::<u32>().expect("a number");
    assert_eq!(keys(0) + keys(1), 100, "no key is lost, and none is there twice");
    secured.slotway(&["cluster", "failover", &secured.at(2), "--yes"]).expect(0, "");
    PATIENCE.wait_until("the replica leads", || {
        secured.redis_cli(2, &["info", "replication"]).contains("role:master")
    });
    PATIENCE.wait_until("all nodes agree about that", || {
        secured.slotway(&["cluster", "check", &secured.at(0)]).code == 0
    });
    let backup = secured.file("backup");
    secured.slotway(&["cluster", "backup", &secured.at(0), &backup]).expect(0, "");
    secured.slotway(&["ping", "-p", &secured.port(0)]).expect(0, "PONG");
    let (port, authority) = (secured.port(0), secured.file("ca.crt"));
    let words = ["redis-cli", "-c", "-p", &port, "--tls", "--cacert", &authority, "get", "key:1"];
    slotway(&words).expect(0, "value");
}

#[test]
fn who_is_not_trusted_is_told_why_and_what_helps() {
    let secured = Secured::start(&["--tls-auth-clients", "yes"]);
    let (at, authority) = (secured.at(0), secured.file("ca.crt"));
    let check = |options: &[&str]| slotway(&[&["cluster", "check", &at], options].concat());
    check(&[]).expect(3, "give --tls");
    check(&["--cacert", &authority]).expect(2, "--tls: give it too");
    check(&["--tls", "--cacert", &authority, "--cert", &authority]).expect(2, "belong together");
    check(&["--tls", "--cacert", "/there/is/none"]).expect(2, "/there/is/none");
    check(&["--tls", "--cacert", &authority]).expect(3, "Give --cert and --key");
    let (certificate, key) = (secured.file("client.crt"), secured.file("client.key"));
    let own = ["--tls", "--cert", &certificate, "--key", &key];
    check(&[&own[..], &["--cacert", &authority]].concat()).expect(0, "16384");
    check(&[&own[..], &["--insecure"]].concat()).expect(0, "16384");
    let other = TempDir::new().expect("a folder");
    let mut stranger = Cluster::dev_with_tls(1, 0, other.path(), &[]);
    let theirs = other.path().join("ca.crt").to_string_lossy().into_owned();
    check(&[&own[..], &["--cacert", &theirs]].concat()).expect(3, "not trusted here");
    assert!(stranger.process().is_running());
}

#[test]
fn who_comes_with_tls_to_where_there_is_none_is_told_so() {
    let cluster = Cluster::dev(1, 0);
    let at = format!("127.0.0.1:{}", cluster.port());
    slotway(&["cluster", "check", &at, "--tls", "--insecure", "--node-timeout", "2000"])
        .expect(3, "Does it speak TLS there?");
}
