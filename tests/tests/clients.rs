//! The cluster clients that people use work with a cluster of one command.
//!
//! One `slotway dev` of six nodes; each client in turn writes and reads back ten thousand keys (binary, hash-tagged,
//! several with one command) without a single error, then tries commands of other shapes. Then each uses every data type,
//! blocks, subscribes and runs a transaction. The programs of the other languages are in `clients/`.

#[path = "clients/rust_types.rs"]
mod rust_types;

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{Commands, RedisResult};
use slotway_tests::binaries::{redis_benchmark, redis_cli};
use slotway_tests::cluster::Cluster;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;

const KEYS: usize = 10_000;
/// A client that takes longer hangs.
const CLIENT_SECONDS_MAX: &str = "120";
/// Keys of one MSET.
const GROUP: usize = 4;

type Check = (&'static str, fn(&Cluster) -> Result<(), String>);
const CHECKS: &[Check] = &[
    ("redis-py, RESP2", |cluster| python(cluster, "redis_py.py", "2")),
    ("redis-py, RESP3", |cluster| python(cluster, "redis_py.py", "3")),
    ("ioredis", |cluster| node(cluster, &["ioredis.mjs"])),
    ("node-redis, RESP2", |cluster| node(cluster, &["node_redis.mjs", "2"])),
    ("node-redis, RESP3", |cluster| node(cluster, &["node_redis.mjs", "3"])),
    ("redis crate", rust),
    ("redis-cli -c", cli),
    ("redis-benchmark --cluster", benchmark),
];

/// The same, with the data types.
const TYPE_CHECKS: &[Check] = &[
    ("redis-py, RESP2", |cluster| python(cluster, "redis_py_types.py", "2")),
    ("redis-py, RESP3", |cluster| python(cluster, "redis_py_types.py", "3")),
    ("ioredis", |cluster| node(cluster, &["ioredis_types.mjs"])),
    ("node-redis, RESP2", |cluster| node(cluster, &["node_redis_types.mjs", "2"])),
    ("node-redis, RESP3", |cluster| node(cluster, &["node_redis_types.mjs", "3"])),
    ("redis crate", |cluster| rust_types::run(&rust_client(cluster)?).map_err(|error| error.to_string())),
];

#[test]
fn every_client_writes_and_reads_back_without_an_error() {
    all_succeed(CHECKS);
}

#[test]
fn every_client_uses_every_data_type_without_an_error() {
    all_succeed(TYPE_CHECKS);
}

fn all_succeed(checks: &[Check]) {
    set_up();
    let mut cluster = Cluster::dev(3, 1);
    let failures: Vec<String> = checks
        .iter()
        .filter_map(|(name, check)| check(&cluster).err().map(|error| format!("{name}: {error}")))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(cluster.process().is_running());
}

#[test]
fn a_cluster_of_one_node_owns_every_slot() {
    let cluster = Cluster::dev(1, 0);
    let mut connection = Connection::open(cluster.port()).expect("it is ready");
    for key in ["a", "foo", "{bar}", ""] {
        assert_eq!(connection.call(&["SET", key, "1"]).as_str(), Some("OK"));
    }
    let info = connection.call(&["CLUSTER", "INFO"]);
    let info = info.as_str().unwrap_or_default();
    assert!(info.contains("cluster_state:ok") && info.contains("cluster_slots_assigned:16384"), "{info}");
}

#[test]
fn redis_py_makes_users_and_is_them() {
    set_up();
    let cluster = Cluster::dev(1, 0);
    for protocol in ["2", "3"] {
        python(&cluster, "redis_py_acl.py", protocol)
            .unwrap_or_else(|error| panic!("RESP{protocol}: {error}"));
    }
}

#[test]
fn redis_py_reaches_a_cluster_by_tls_and_asks_whom_it_trusts() {
    set_up();
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = Cluster::dev_with_tls(3, 0, folder.path(), &[]);
    python(&cluster, "redis_py_tls.py", &folder.path().to_string_lossy())
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn caches_of_clients_have_what_the_server_has() {
    set_up();
    let server = Server::slotway::<&str>(&[]);
    let port = server.port();
    let checks: [(&str, Result<(), String>); 4] = [
        ("redis-py", python_at(port, "redis_py_cache.py", "server")),
        ("node-redis", node_at(port, &["node_redis_cache.mjs"])),
        ("ioredis", node_at(port, &["ioredis_tracking.mjs"])),
        ("redis-py, a cluster", python(&Cluster::dev(3, 0), "redis_py_cache.py", "cluster")),
    ];
    for (name, outcome) in checks {
        outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Installs the libraries, unless they are there: once, however many tests need them.
fn set_up() {
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _guard = INSTALLING.lock();
    let status = Command::new("./setup.sh").current_dir(folder()).status();
    assert!(status.is_ok_and(|status| status.success()), "tests/clients/setup.sh installs the clients");
}

fn python(cluster: &Cluster, program: &str, protocol: &str) -> Result<(), String> {
    python_at(cluster.port(), program, protocol)
}

fn python_at(port: u16, program: &str, word: &str) -> Result<(), String> {
    let mut command = limited(folder().join(".venv/bin/python"));
    run(command.arg(program).arg(port.to_string()).arg(word))
}

fn node(cluster: &Cluster, args: &[&str]) -> Result<(), String> {
    node_at(cluster.port(), args)
}

fn node_at(port: u16, args: &[&str]) -> Result<(), String> {
    let mut command = limited("node");
    run(command.arg(args[0]).arg(port.to_string()).args(&args[1..]))
}

/// A program that is ended when it hangs: some clients wait for a broken cluster for ever.
fn limited(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("timeout");
    command.arg(CLIENT_SECONDS_MAX).arg(program);
    command
}

/// Runs a program of `clients/`; what it printed when it fails or complains.
fn run(command: &mut Command) -> Result<(), String> {
    let output =
        command.current_dir(folder()).stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    succeeded(&output)?;
    if output.stderr.is_empty() { Ok(()) } else { Err(printed(&output)) }
}

fn rust(cluster: &Cluster) -> Result<(), String> {
    let mut connection = rust_client(cluster)?.get_connection().map_err(|error| error.to_string())?;
    write_and_read_back(&mut connection).map_err(|error| error.to_string())
}

fn rust_client(cluster: &Cluster) -> Result<ClusterClient, String> {
    let nodes: Vec<String> = cluster.ports().map(|port| format!("redis://127.0.0.1:{port}")).collect();
    ClusterClient::new(nodes).map_err(|error| error.to_string())
}

fn write_and_read_back(connection: &mut ClusterConnection) -> RedisResult<()> {
    let mut random = Random::new(3);
    let groups: Vec<Vec<Pair>> = (0..KEYS / GROUP).map(|number| group(&mut random, number)).collect();
    for group in &groups {
        connection.mset::<_, _, ()>(group)?;
    }
    for group in &groups {
        let keys: Vec<&[u8]> = group.iter().map(|(key, _)| key.as_slice()).collect();
        let values: Vec<Vec<u8>> = connection.mget(&keys)?;
        assert!(values.iter().eq(group.iter().map(|(_, value)| value)), "MGET gives what MSET took");
    }
    for (key, value) in groups.iter().flatten() {
        assert_eq!(&connection.get::<_, Vec<u8>>(key)?, value);
        assert!(connection.expire::<_, bool>(key, 1000)? && connection.persist::<_, bool>(key)?);
        assert_eq!(connection.del::<_, u32>(key)?, 1);
        assert!(!connection.exists::<_, bool>(key)?);
    }
    Ok(())
}

type Pair = (Vec<u8>, Vec<u8>);

/// Binary keys of one slot, by their tag, and their values.
fn group(random: &mut Random, number: usize) -> Vec<Pair> {
    let mut pair = |member| {
        let (key_len, value_len) = (random.below(12), random.below(40));
        let mut key = format!("rust{{{number}}}{member}:").into_bytes();
        key.extend(random.bytes(key_len));
        (key, random.bytes(value_len))
    };
    (0..GROUP).map(&mut pair).collect()
}

/// redis-cli follows redirections from one node to the other, with a thousand keys.
fn cli(cluster: &Cluster) -> Result<(), String> {
    let script: String =
        (0..1000).map(|n| format!("SET cli:{n} \"value \\x00 {n}\"\nGET cli:{n}\nDEL cli:{n}\n")).collect();
    let port = cluster.port().to_string();
    let output = fed(limited(redis_cli()).args(["-c", "-p", &port]), script)?;
    succeeded(&output)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let replies: Vec<&str> = text.lines().filter(|line| !line.starts_with("-> Redirected")).collect();
    let expected: Vec<String> =
        (0..1000).flat_map(|n| ["OK".to_string(), format!("value \0 {n}"), "1".to_string()]).collect();
    if replies == expected { Ok(()) } else { Err(printed(&output)) }
}

fn benchmark(cluster: &Cluster) -> Result<(), String> {
    let port = cluster.port().to_string();
    let mut command = limited(redis_benchmark());
    command.args(["--cluster", "-p", &port, "-t", "set,get", "-P", "16", "-n", "100000", "-q"]);
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    succeeded(&output)?;
    let text = printed(&output);
    let finished = |name: &str| {
        text.split(['\r', '\n']).any(|line| line.starts_with(name) && line.contains("requests per second"))
    };
    if finished("SET:") && finished("GET:") && !text.contains("rror") { Ok(()) } else { Err(text) }
}

/// Runs a program with `input` as its standard input.
fn fed(command: &mut Command, input: String) -> Result<Output, String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    // Written aside, since the program prints while it reads.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    match writer.join() {
        Ok(Ok(())) => Ok(output),
        _ => Err(printed(&output)),
    }
}

fn succeeded(output: &Output) -> Result<(), String> {
    if output.status.success() { Ok(()) } else { Err(format!("{}\n{}", output.status, printed(output))) }
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}
