//! Slotway starts from the files and command lines that redis-server is started with.
//!
//! The file of the tutorial is Debian's redis.conf with seven edits; only paths and the port are ours. Files with
//! mistakes stop the server with the place of the mistake.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::ports::free_port;
use slotway_tests::server::{Server, file_of};
use slotway_tests::wire::Connection;

/// Debian's redis.conf without its comments: for machines where the installed one may not be read.
const DEBIAN_CONF: &str = include_str!("../data/debian-redis.conf");
const INSTALLED_CONF: &str = "/etc/redis/redis.conf";
/// The tutorial's edits: directives set, comments taken away.
const EDITS: &[(&str, &str)] = &[
    ("daemonize", "no"),
    ("requirepass", "123456"),
    ("masterauth", "123456"),
    ("cluster-enabled", "yes"),
    ("cluster-config-file", "nodes-6379.conf"),
    ("cluster-node-timeout", "15000"),
];

#[test]
fn the_file_of_the_tutorial_starts_a_node_with_password_and_cluster_mode() {
    let installed = fs::read_to_string(INSTALLED_CONF).ok();
    for text in installed.iter().map(String::as_str).chain([DEBIAN_CONF]) {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let port = free_port();
        let conf = tutorial_conf(text, dir.path(), port);
        let server = Server::start(slotway(&["server", &conf]), port);
        check_tutorial_node(&server, dir.path());
    }
}

fn check_tutorial_node(server: &Server, dir: &Path) {
    let mut client = server.connect();
    assert_eq!(client.call(&["GET", "k"]), Value::Error("NOAUTH Authentication required.".into()));
    let wrong = client.call(&["AUTH", "12345"]);
    assert!(matches!(&wrong, Value::Error(text) if text.starts_with("WRONGPASS ")), "{wrong:?}");
    assert_eq!(client.call(&["AUTH", "123456"]), Value::Simple("OK".into()));
    let info = client.call(&["INFO", "cluster"]);
    assert!(info.as_str().unwrap_or_default().contains("cluster_enabled:1"), "{info:?}");
    for (name, value) in EDITS {
        assert_eq!(config(&mut client, name), *value, "CONFIG GET {name}");
    }
    assert_eq!(config(&mut client, "bind"), "* -::*", "without the line it listens everywhere");
    let log = fs::read_to_string(dir.join("log/redis-server.log")).expect("logfile names it");
    assert!(log.contains("Ready to accept connections"), "{log}");
}

/// The file after the tutorial's edits, with its folders under `dir`. Gives its path.
fn tutorial_conf(text: &str, dir: &Path, port: u16) -> String {
    let (data, log) = (dir.join("data"), dir.join("log"));
    fs::create_dir_all(&data).and_then(|()| fs::create_dir_all(&log)).expect("the directory is ours");
    let paths = [
        ("dir", data.display().to_string()),
        ("logfile", format!("\"{}\"", log.join("redis-server.log").display())),
        ("pidfile", dir.join("redis.pid").display().to_string()),
        ("port", port.to_string()),
    ];
    let edits = EDITS.iter().map(|(name, value)| (*name, value.to_string())).chain(paths);
    let text = edits.fold(comment_out(text, "bind"), |text, (name, value)| set(&text, name, &value));
    let path = dir.join("redis.conf");
    fs::write(&path, text).expect("the directory is ours");
    path.display().to_string()
}

fn comment_out(text: &str, name: &str) -> String {
    let is = |line: &str| line.split(' ').next() == Some(name);
    text.lines().map(|line| if is(line) { format!("# {line}\n") } else { format!("{line}\n") }).collect()
}

/// The text with `name value` instead of what it says of `name`.
fn set(text: &str, name: &str, value: &str) -> String {
    format!("{}{name} {value}\n", comment_out(text, name))
}

#[test]
fn an_unknown_directive_stops_with_file_line_and_suggestion() {
    let text = "# a comment\nport 0\n\nrequirepas secret\nmaxclients 100\n";
    let (_dir, path) = file_of("redis.conf", text);
    let said = refused(&["server", &path.display().to_string()]);
    for part in [&*path.display().to_string(), "line 4", "requirepas secret", "requirepass"] {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
}

#[test]
fn a_value_that_is_none_stops_with_its_line() {
    for line in [
        "maxclients many",
        "maxclients 0",
        "appendonly perhaps",
        "maxmemory 1xb",
        "save 900",
        "requirepass \"a",
    ] {
        let (_dir, path) = file_of("redis.conf", &format!("port 0\n{line}\n"));
        let said = refused(&["server", &path.display().to_string()]);
        assert!(said.contains("line 2") && said.contains(line), "{line}: {said}");
    }
    let said = refused(&["server", "/nonexistent/redis.conf"]);
    assert!(said.contains("/nonexistent/redis.conf"), "{said}");
}

#[test]
fn the_command_line_overrides_the_file() {
    let (_dir, path) = file_of("redis.conf", "port 1\nmaxclients 100\ntimeout 5\n");
    let port = free_port().to_string();
    let path = path.display().to_string();
    let mut command =
        slotway(&[&path, "--port", &port, "--maxclients", "200", "--save", "900", "1", "60", "2"]);
    command.args(["--requirepass", "two words", "--bind", "127.0.0.1"]);
    let server = Server::start(command, port.parse().expect("a port"));
    let mut client = server.connect();
    assert_eq!(client.call(&["AUTH", "two words"]), Value::Simple("OK".into()));
    assert_eq!(config(&mut client, "maxclients"), "200");
    assert_eq!(config(&mut client, "save"), "900 1 60 2");
    assert_eq!(config(&mut client, "port"), port);
}

#[test]
fn the_configuration_may_come_through_standard_input() {
    let port = free_port();
    let mut command = slotway(&["-", "--maxclients", "300"]);
    let text = format!("port {port}\nbind 127.0.0.1\nmaxclients 100\nproto-max-bulk-len 2mb\n");
    let (_dir, path) = file_of("input", &text);
    command.stdin(fs::File::open(path).expect("it was just written"));
    let server = Server::start(command, port);
    let mut client = server.connect();
    assert_eq!(config(&mut client, "maxclients"), "300");
    assert_eq!(config(&mut client, "proto-max-bulk-len"), "2097152");
}

#[test]
fn by_the_names_of_redis_and_valkey_it_is_their_server() {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    for name in ["redis-server", "valkey-server"] {
        let link = dir.path().join(name);
        symlink(binaries::slotway(), &link).expect("the directory is ours");
        let port = free_port();
        let mut command = Command::new(link);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]).stdin(Stdio::null());
        let server = Server::start(command, port);
        assert_eq!(server.connect().call(&["PING"]), Value::Simple("PONG".into()));
    }
}

#[test]
fn configuration_set_and_rewritten_is_there_after_a_restart() {
    let port = free_port();
    let (dir, path) = file_of("redis.conf", "");
    let text = format!("# kept\nport {port}\nbind 127.0.0.1\nmaxclients 100\ndir {}\n", dir.path().display());
    fs::write(&path, text).expect("the directory is ours");
    let conf = path.display().to_string();
    let server = Server::start(slotway(&["server", &conf]), port);
    let mut client = server.connect();
    assert_eq!(
        client.call(&["CONFIG", "SET", "maxclients", "123", "timeout", "77"]),
        Value::Simple("OK".into())
    );
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), Value::Simple("OK".into()));
    drop(server);
    let rewritten = fs::read_to_string(&path).expect("it is still there");
    assert!(rewritten.starts_with("# kept\n") && rewritten.contains("maxclients 123"), "{rewritten}");
    let server = Server::start(slotway(&["server", &conf]), port);
    let mut client = server.connect();
    assert_eq!(config(&mut client, "maxclients"), "123");
    assert_eq!(config(&mut client, "timeout"), "77");
}

#[test]
fn sigterm_ends_it_cleanly_and_its_log_says_what_harnesses_look_for() {
    let server = Server::slotway(&["--loglevel", "notice"]);
    server.connect().call(&["SET", "k", "v"]);
    for part in ["Server initialized", "Ready to accept connections"] {
        assert!(server.output().contains(part), "{part:?} is missing in: {}", server.output());
    }
    assert_eq!(server.terminate().code(), Some(0));
}

fn slotway(args: &[&str]) -> Command {
    let mut command = Command::new(binaries::slotway());
    command.args(args).stdin(Stdio::null());
    command
}

/// What the server says when it refuses to start. Panics when it starts.
fn refused(args: &[&str]) -> String {
    let mut server = Server::spawn(slotway(args), 0);
    let status = server.wait_for_exit();
    assert!(!status.success(), "it started with {args:?}: {}", server.output());
    server.output()
}

fn config(client: &mut Connection, name: &str) -> String {
    let reply = client.call(&["CONFIG", "GET", name]);
    let pairs = reply.to_pairs().unwrap_or_default();
    let value = pairs.first().and_then(|(_, value)| value.as_str());
    value.unwrap_or_else(|| panic!("CONFIG GET {name} gives {reply:?}")).to_string()
}
