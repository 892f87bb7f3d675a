//! What Prometheus reads, and who may.

use std::collections::BTreeMap;
use std::time::Duration;

use slotway_tests::http::get;
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::server::Server;

const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(50) };

/// A node with an HTTP port.
fn node(options: &[&str]) -> (u16, Server) {
    let http = free_port();
    let port = http.to_string();
    (http, Server::slotway(&[&["--http-port", &port], options].concat()))
}

/// The samples of a page, by name and labels; panics where a line has not the form of the text format.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let (mut typed, mut helped) = (Vec::new(), "");
    let mut samples = BTreeMap::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a name and a kind");
            assert!(["counter", "gauge", "summary"].contains(&kind), "{line}");
            assert!(!typed.contains(&name), "{name} is told of twice");
            assert_eq!(helped, name, "{line} stands below its words");
            typed.push(name);
            continue;
        }
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, words) = rest.split_once(' ').expect("a name and words");
            assert!(words.len() > 5, "{line}");
            helped = name;
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        let name = series.split('{').next().expect("a name");
        assert_eq!(typed.last(), Some(&name), "{line} stands below its kind");
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{line}");
        assert!(series.len() == name.len() || series.ends_with("\"}"), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("no figure: {line}"));
        assert!(samples.insert(series.to_owned(), value).is_none(), "{line} is there twice");
    }
    samples
}

#[test]
fn figures_follow_what_the_node_does() {
    let (http, server) = node(&["--cluster-enabled", "yes"]);
    let ready = || get(http, "/readyz", "").0;
    assert_eq!(ready(), 503, "no slot is served yet");
    let mut connection = server.connect();
    connection.call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    PATIENCE.wait_until("the node is ready", || ready() == 200);
    for number in 0..20 {
        connection.call(&["SET", &format!("{{foo}}{number}"), "value"]);
    }
    connection.call(&["LPUSH", "{foo}1", "x"]);
    let (status, page) = get(http, "/metrics?slots=2", "");
    assert_eq!(status, 200);
    let samples = samples(&page);
    let is = |series: &str| *samples.get(series).unwrap_or_else(|| panic!("no {series} in\n{page}"));
    assert_eq!(is("redis_up"), 1.0);
    assert_eq!(is("slotway_ready"), 1.0);
    assert_eq!(is("redis_cluster_state"), 1.0);
    assert_eq!(is("redis_cluster_slots_ok"), 16384.0);
    assert_eq!(is("redis_commands_total{cmd=\"set\"}"), 20.0);
    assert_eq!(is("redis_commands_failed_calls_total{cmd=\"lpush\"}"), 1.0);
    assert_eq!(is("redis_errors_total{err=\"WRONGTYPE\"}"), 1.0);
    assert_eq!(is("redis_db_keys{db=\"db0\"}"), 20.0);
    assert_eq!(is("slotway_slot_keys{slot=\"12182\"}"), 20.0);
    assert!(is("redis_memory_used_bytes") > 1000.0);
    // The busiest two and the fullest two: of one slot that is both, and of two that are neither, which may be the same.
    let told = samples.keys().filter(|series| series.starts_with("slotway_slot_keys")).count();
    assert!((2..=3).contains(&told), "{told}");
}

#[test]
fn a_replica_that_is_cut_off_shows_on_both_sides() {
    let (http, primary) = node(&[]);
    let of = primary.port().to_string();
    let (replica_http, replica) = node(&["--replicaof", "127.0.0.1", &of]);
    PATIENCE.wait_until("the replica is ready", || get(replica_http, "/readyz", "").0 == 200);
    let read = |port| samples(&get(port, "/metrics", "").1);
    let lag = |samples: &BTreeMap<String, f64>| {
        samples
            .iter()
            .find(|(series, _)| series.starts_with("redis_connected_slave_lag_seconds{"))
            .map(|(_, lag)| *lag)
    };
    assert!(lag(&read(http)).is_some_and(|lag| lag < 60.0));
    assert_eq!(read(replica_http)["redis_master_link_up"], 1.0);
    drop(primary);
    PATIENCE.wait_until("the replica says that it is cut off", || {
        let (status, why) = get(replica_http, "/readyz", "");
        status == 503 && why.contains("the link to the primary is down")
    });
    assert_eq!(read(replica_http)["redis_master_link_up"], 0.0);
    assert_eq!(read(replica_http)["slotway_ready"], 0.0);
    drop(replica);
}

#[test]
fn with_a_token_only_who_shows_it_reads() {
    let (http, server) = node(&["--http-token", "s3cret"]);
    for path in ["/metrics", "/", "/api/topology"] {
        assert_eq!(get(http, path, "").0, 401, "{path}");
        assert_eq!(get(http, path, "Authorization: Bearer s3cre\r\n").0, 401, "{path}");
    }
    assert_eq!(get(http, "/metrics", "Authorization: Bearer s3cret\r\n").0, 200);
    assert_eq!(
        get(http, "/metrics", "Authorization: Basic YW55Ym9keTpzM2NyZXQ=\r\n").0,
        200,
        "as a password"
    );
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(http, path, "").0, 200, "{path} is for those who look after the process");
    }
    assert!(!server.output().contains("s3cret"));
}
