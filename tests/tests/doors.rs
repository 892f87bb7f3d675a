//! Where clients come in: ports that move, Unix sockets, TLS.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use slotway_core::resp::value::Value;
use slotway_tests::http::get;
use slotway_tests::operator;
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::server::{Kind, Server, answers};
use slotway_tests::wire::Connection;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

const BOTH: [Kind; 2] = [Kind::Slotway, Kind::Redis];
const PATIENCE: Patience =
    Patience { limit: std::time::Duration::from_secs(60), poll: std::time::Duration::from_millis(50) };

/// What a server answers, as one line.
fn said(connection: &mut Connection, words: &[&str]) -> String {
    match connection.call(words) {
        Value::Simple(text) | Value::Error(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Bulk(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_port_moves_while_the_node_runs_or_stays_where_it_was() {
    for kind in BOTH {
        let server = kind.start(&["--bind", "127.0.0.1"]);
        let (taken, free) = (kind.start(&[]), free_port());
        let mut connection = server.connect();
        let refused = said(&mut connection, &["CONFIG", "SET", "port", &taken.port().to_string()]);
        let told = "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.";
        assert_eq!(refused, told, "{kind:?}");
        assert!(answers(server.port()), "{kind:?} stays where it was");
        let refused = said(&mut connection, &["CONFIG", "SET", "bind", "192.0.2.1"]);
        assert!(
            refused.contains("argument 'bind') - Failed to bind to specified addresses."),
            "{kind:?}: {refused}"
        );
        assert!(answers(server.port()), "{kind:?} stays where it was");
        assert_eq!(said(&mut connection, &["CONFIG", "SET", "port", &free.to_string()]), "OK");
        assert!(answers(free) && !answers(server.port()), "{kind:?} has moved");
        // Who was there stays.
        assert_eq!(said(&mut connection, &["CONFIG", "SET", "port", &server.port().to_string()]), "OK");
    }
}

#[test]
fn a_unix_socket_is_there_as_long_as_the_node() {
    for kind in BOTH {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("its.sock");
        let name = path.to_str().expect("a name in UTF-8").to_owned();
        // What somebody has left there makes room.
        fs::write(&path, "").expect("a file");
        let server = kind.start(&["--unixsocket", &name, "--unixsocketperm", "700"]);
        let list = redis_cli(&["-s", &name, "client", "list"]);
        assert!(list.contains(&format!("addr={name}:0 ")) && list.contains(" flags=U "), "{kind:?}: {list}");
        assert_eq!(fs::metadata(&path).expect("the socket").permissions().mode() & 0o777, 0o700, "{kind:?}");
        server.terminate();
        assert!(!path.exists(), "{kind:?} takes it away");
    }
}

#[test]
fn tls_lets_in_whoever_an_authority_vouches_for() {
    let papers = Papers::new();
    let (port, server) = start_with_tls(Kind::Slotway, &papers, &[]);
    let ask = |who: Option<&str>| cli_with_tls(&papers, port, who, &["ping"]);
    assert_eq!(ask(Some("good")), "PONG");
    for (who, reason) in
        [(None, "no certificate"), (Some("stranger"), "UnknownIssuer"), (Some("expired"), "expired")]
    {
        assert!(!ask(who).contains("PONG"), "{who:?}");
        PATIENCE.wait_until(reason, || server.output().contains(reason));
    }
    let mut connection = server.connect();
    let mut set = |name: &str, value: &str| said(&mut connection, &["CONFIG", "SET", name, value]);
    assert_eq!(set("tls-auth-clients", "optional"), "OK");
    assert_eq!(ask(None), "PONG");
    assert!(!ask(Some("stranger")).contains("PONG"), "one that is shown must be good");
    let told = set("tls-ca-cert-file", "/there/is/none");
    assert!(told.contains("Unable to update TLS configuration. Check server logs."), "{told}");
    assert_eq!(ask(Some("good")), "PONG", "what was there before goes on");
    // The same file with something else in it.
    papers.replace("good", "stranger");
    assert_eq!(set("tls-cert-file", &papers.certificate("good")), "OK");
    assert!(!ask(None).contains("PONG"), "the client does not trust the stranger that the server is now");
}

#[test]
fn who_asks_nobody_for_a_certificate_needs_no_authority() {
    let papers = Papers::new();
    for kind in BOTH {
        let port = free_port();
        let (certificate, key) = (papers.certificate("good"), papers.key("good"));
        let (number, words) = (port.to_string(), ["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        let _server =
            kind.start(&[&words[..], &["--tls-port", &number, "--tls-auth-clients", "no"]].concat());
        assert_eq!(cli_with_tls(&papers, port, None, &["ping"]), "PONG", "{kind:?}");
    }
}

#[test]
fn versions_and_ciphers_are_those_that_the_directives_name() {
    let papers = Papers::new();
    let (port, server) = start_with_tls(Kind::Slotway, &papers, &["--tls-protocols", "TLSv1.3"]);
    let with = |options: &[&str]| {
        let mut words = options.to_vec();
        words.push("ping");
        cli_with_tls(&papers, port, Some("good"), &words)
    };
    assert_eq!(with(&["--tls-ciphersuites", "TLS_AES_256_GCM_SHA384"]), "PONG");
    let mut connection = server.connect();
    let mut set = |name: &str, value: &str| said(&mut connection, &["CONFIG", "SET", name, value]);
    assert_eq!(set("tls-ciphersuites", "TLS_AES_128_GCM_SHA256"), "OK");
    assert!(!with(&["--tls-ciphersuites", "TLS_AES_256_GCM_SHA384"]).contains("PONG"));
    assert_eq!(with(&["--tls-ciphersuites", "TLS_AES_128_GCM_SHA256"]), "PONG");
    for (name, value) in
        [("tls-ciphersuites", "TLS_NONE"), ("tls-protocols", "TLSv1.1"), ("tls-protocols", "x")]
    {
        assert!(set(name, value).contains("Unable to update TLS configuration"), "{name} {value}");
    }
}

#[test]
fn data_is_copied_over_tls_to_and_from_redis() {
    let papers = Papers::new();
    for (primary, replica) in
        [(Kind::Slotway, Kind::Redis), (Kind::Redis, Kind::Slotway), (Kind::Slotway, Kind::Slotway)]
    {
        let (port, first) = start_with_tls(primary, &papers, &["--tls-replication", "yes"]);
        let mut writer = first.connect();
        let value = "v".repeat(3000);
        for key in 0..300 {
            writer.call(&["SET", &format!("before:{key}"), &value]);
        }
        let of = format!("127.0.0.1 {port}");
        let words: Vec<&str> =
            ["--tls-replication", "yes", "--replicaof"].into_iter().chain(of.split(' ')).collect();
        let (_, second) = start_with_tls(replica, &papers, &words);
        let told = format!("{primary:?} has given its data to {replica:?}");
        PATIENCE.wait_until(&told, || second.connect().info("master_link_status") == "up");
        writer.call(&["SET", "after", &value]);
        assert_eq!(said(&mut writer, &["WAIT", "1", "20000"]), "1", "{told}");
        let mut reader = second.connect();
        assert_eq!(said(&mut reader, &["DBSIZE"]), "301", "{told}");
        assert_eq!(said(&mut reader, &["GET", "after"]), value, "{told}");
    }
}

#[test]
fn nodes_of_both_kinds_make_a_cluster_over_tls_and_take_over_from_each_other() {
    let papers = Papers::new();
    let options = [
        "--tls-replication",
        "yes",
        "--tls-cluster",
        "yes",
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "3000",
    ];
    let kinds = [Kind::Slotway, Kind::Redis, Kind::Slotway, Kind::Redis];
    let start = |kind| {
        let bus = free_port().to_string();
        start_with_tls(kind, &papers, &[&options[..], &["--cluster-port", &bus]].concat())
    };
    let mut nodes: Vec<(u16, Server)> = kinds.into_iter().map(start).collect();
    let ports: Vec<u16> = nodes.iter().map(|(port, _)| *port).collect();
    let addresses: Vec<String> = ports[..3].iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let cluster = |words: &[&str]| {
        cli_with_tls(&papers, ports[0], Some("good"), &[&["--cluster-yes", "--cluster"], words].concat())
    };
    let create: Vec<&str> = ["create"].into_iter().chain(addresses.iter().map(String::as_str)).collect();
    let told = cluster(&create);
    assert!(told.contains("All 16384 slots covered"), "{told}");
    let told = cluster(&["add-node", &format!("127.0.0.1:{}", ports[3]), &addresses[0], "--cluster-slave"]);
    assert!(told.contains("New node added correctly"), "{told}");
    let follows = |node: &Server| node.connect().info("master_link_status") == "up";
    PATIENCE.wait_until("the replica has its data", || follows(&nodes[3].1));
    let in_tls = |port, words: &[&str]| cli_with_tls(&papers, port, Some("good"), words);
    // A client with TLS is told ports for TLS.
    let told: Vec<String> = ports[..3].iter().map(|port| in_tls(*port, &["get", "foo"])).collect();
    let moved: Vec<&String> = told.iter().filter(|told| told.starts_with("MOVED")).collect();
    assert_eq!(moved.len(), 2, "{told:?}");
    assert!(moved.iter().all(|moved| addresses.iter().any(|address| moved.contains(address))), "{told:?}");
    let primary = nodes[3].1.connect().info("master_port");
    let at = ports.iter().position(|port| port.to_string() == primary).expect("one of them");
    drop(nodes.remove(at));
    let heir = &nodes.last().expect("the replica").1;
    PATIENCE.wait_until("the replica takes over", || heir.connect().info("role") == "master");
    PATIENCE.wait_until("the cluster is whole", || {
        in_tls(ports[3], &["cluster", "info"]).contains("cluster_state:ok")
    });
}

#[test]
fn a_page_is_served_over_a_cluster_behind_tls() {
    let papers = Papers::new();
    let bus = free_port().to_string();
    let options = ["--cluster-enabled", "yes", "--tls-replication", "yes", "--cluster-port", &bus];
    for kind in BOTH {
        let (port, server) = start_with_tls(kind, &papers, &options);
        server.connect().call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        let (place, http) = (format!("127.0.0.1:{port}"), free_port());
        let number = http.to_string();
        let [authority, certificate] = ["authority", "good"].map(|name| papers.certificate(name));
        let (other, key) = (papers.certificate("other"), papers.key("good"));
        let words =
            ["ui", "--cluster", &place, "--http", &number, "--tls", "--cert", &certificate, "--key", &key];
        let with = |more: &[&str]| operator::begin(&[&words[..], more].concat());
        with(&["--cacert", &other]).end().expect(1, "UnknownIssuer");
        with(&[]).end().expect(1, &place);
        for trust in [&["--cacert", &authority][..], &["--insecure"]] {
            let page = with(trust);
            PATIENCE.wait_until("the page is served", || TcpStream::connect(("127.0.0.1", http)).is_ok());
            let (status, nodes) = get(http, "/api/nodes", "");
            assert!(status == 200 && nodes.contains("\"complaint\":null"), "{kind:?} {trust:?}: {nodes}");
            page.interrupt();
            page.end().expect(0, "1 nodes");
        }
    }
}

/// A server with TLS on a port of its own, and without on the one that tests ask it by.
fn start_with_tls(kind: Kind, papers: &Papers, options: &[&str]) -> (u16, Server) {
    let port = free_port();
    let (certificate, key, authority) =
        (papers.certificate("good"), papers.key("good"), papers.certificate("authority"));
    let own = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &authority,
    ];
    (port, kind.start(&[&own[..], options].concat()))
}

fn redis_cli(words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(words).output().expect("redis-cli runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).trim().to_owned()
}

fn cli_with_tls(papers: &Papers, port: u16, who: Option<&str>, words: &[&str]) -> String {
    let (port, authority) = (port.to_string(), papers.certificate("authority"));
    let mut options = vec!["-p", &port, "--tls", "--cacert", &authority];
    let own = who.map(|who| (papers.certificate(who), papers.key(who)));
    if let Some((certificate, key)) = &own {
        options.extend(["--cert", certificate, "--key", key]);
    }
    redis_cli(&[&options, words].concat())
}

/// Certificates and their keys, in a folder: an authority, and who it vouches for or does not.
struct Papers {
    folder: TempDir,
}

impl Papers {
    fn new() -> Self {
        let papers = Self { folder: TempDir::new().expect("a folder") };
        let authority = papers.found("authority");
        let other = papers.found("other");
        papers.issue("good", &authority, 30);
        papers.issue("expired", &authority, -1);
        papers.issue("stranger", &other, 30);
        papers
    }

    fn found(&self, name: &str) -> Issuer<'static, KeyPair> {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let certificate = params.self_signed(&key).expect("a certificate");
        self.write(name, &certificate.pem(), &key);
        Issuer::new(params, key)
    }

    /// A certificate that holds until so many days from now.
    fn issue(&self, name: &str, issuer: &Issuer<'_, KeyPair>, days: i64) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let now = OffsetDateTime::now_utc();
        (params.not_before, params.not_after) = (now - Duration::days(30), now + Duration::days(days));
        let certificate = params.signed_by(&key, issuer).expect("a certificate");
        self.write(name, &certificate.pem(), &key);
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) {
        fs::write(self.certificate(name), certificate).expect("a file");
        fs::write(self.key(name), key.serialize_pem()).expect("a file");
    }

    /// Puts the papers of `by` where those of `name` were.
    fn replace(&self, name: &str, by: &str) {
        fs::copy(self.certificate(by), self.certificate(name)).expect("a file");
        fs::copy(self.key(by), self.key(name)).expect("a file");
    }

    fn certificate(&self, name: &str) -> String {
        self.path(name, "crt").to_string_lossy().into_owned()
    }

    fn key(&self, name: &str) -> String {
        self.path(name, "key").to_string_lossy().into_owned()
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name).with_extension(ending)
    }
}
