//! Processes killed at any moment, and disks that are full: what was acknowledged is there afterwards.
//!
//! A full disk is a limit on the size of files (RLIMIT_FSIZE with SIGXFSZ ignored): it needs no privileges, can be lifted while the server
//! runs, and fails the same calls.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::facts::{Facts, Way};
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};
use tempfile::TempDir;

const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(20) };
/// Connections that write at the same time.
const WRITERS: usize = 4;
/// Kills of a test.
const ROUNDS: u64 = 6;
/// Size of files on the full disk, in KiB.
const DISK_KIB: usize = 256;

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let name = folder.path().to_str().expect("a temporary directory has a name of ASCII").to_owned();
    (folder, name)
}

fn options<'a>(dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--dir", dir, "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"], more].concat()
}

/// Counts up key `writer` until the server is gone, from what it has. Returns the last number that was acknowledged.
fn write(port: u16, writer: usize, stop: &AtomicBool) -> i64 {
    let mut connection = Connection::open(port).expect("it listens");
    let (key, list) = (format!("counter:{writer}"), format!("list:{writer}"));
    let mut acknowledged = 0;
    while !stop.load(Ordering::Relaxed) {
        // Both or neither.
        let batch = [&["MULTI"][..], &["INCR", &key], &["RPUSH", &list, "x"], &["EXEC"]];
        let bytes: Vec<u8> = batch.iter().flat_map(|words| request(words)).collect();
        let last = connection.send(&bytes).and_then(|()| {
            (0..3).try_for_each(|_| connection.read().map(drop))?;
            connection.read()
        });
        let Ok(reply) = last else { break };
        let Value::Array(items) = reply.value else { panic!("{:?} is no answer to EXEC", reply.value) };
        let Value::Integer(number) = items[0] else {
            panic!("it counts, and does not answer {:?}", items[0])
        };
        acknowledged = number;
    }
    acknowledged
}

/// What is there of each writer: at least `acknowledged`, and the list is as long as the counter says.
fn check(connection: &mut Connection, acknowledged: &[i64], what: &str) {
    for (writer, acknowledged) in acknowledged.iter().enumerate() {
        let counter = connection.call(&["GET", &format!("counter:{writer}")]);
        let counter: i64 = counter.as_str().map_or(0, |text| text.parse().expect("a number"));
        assert!(counter >= *acknowledged, "{what}: {acknowledged} was acknowledged, {counter} is there");
        let len = connection.call(&["LLEN", &format!("list:{writer}")]);
        assert_eq!(len, Value::Integer(counter), "{what}: transactions are whole");
    }
}

/// Writes from several connections, and does `meanwhile`, until the server is killed at a moment of `random`'s.
fn kill_while_writing(mut server: Server, random: &mut Random, meanwhile: &[&[&str]]) -> Vec<i64> {
    let (port, stop) = (server.port(), AtomicBool::new(false));
    let before_ms = 50 + random.below(300) as u64;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let stop = &stop;
                    move || write(port, writer, stop)
                })
            })
            .collect();
        let mut connection = server.connect();
        let end = Instant::now() + Duration::from_millis(before_ms);
        let mut number = 0;
        while Instant::now() < end && !meanwhile.is_empty() {
            // That one is under way already is no failure.
            connection.call(meanwhile[number % meanwhile.len()]);
            number += 1;
            thread::sleep(Duration::from_millis(random.below(20) as u64));
        }
        thread::sleep(end.saturating_duration_since(Instant::now()));
        assert!(server.is_running(), "{}", server.output());
        drop(server);
        writers.into_iter().map(|writer| writer.join().expect("a writer ends with the server")).collect()
    })
}

/// What is written goes to the kernel before it is acknowledged, whatever the policy: the end of the process takes nothing of it away.
#[test]
fn kills_under_load_during_rewrites_and_saves_lose_nothing_acknowledged() {
    for (policy, threads) in [("always", "1"), ("everysec", "1"), ("everysec", "2")] {
        let (_folder, dir) = folder();
        let aof = ["--appendonly", "yes", "--appendfsync", policy, "--data-threads", threads];
        let mut random = Random::new(21);
        let mut acknowledged = vec![0; WRITERS];
        for round in 0..ROUNDS {
            let server = Server::slotway(&options(&dir, &aof));
            let mut connection = server.connect();
            check(&mut connection, &acknowledged, &format!("{policy}, {threads} threads, round {round}"));
            if round == 0 {
                connection.call(&["DEBUG", "POPULATE", "50000", "key", "50"]);
            }
            acknowledged =
                kill_while_writing(server, &mut random, &[&["BGREWRITEAOF"], &["BGSAVE"], &["DBSIZE"]]);
        }
        let server = Server::slotway(&options(&dir, &aof));
        check(&mut server.connect(), &acknowledged, policy);
    }
}

/// Whatever the moment: the snapshot that is there is a whole one, the last or the one before.
#[test]
fn a_kill_while_saving_leaves_a_whole_snapshot() {
    let (_folder, dir) = folder();
    let mut random = Random::new(22);
    let mut saved = 0;
    for _ in 0..ROUNDS {
        let server = Server::slotway(&options(&dir, &[]));
        let mut connection = server.connect();
        let value = connection
            .call(&["GET", "generation"])
            .as_str()
            .map_or(0, |text| text.parse().expect("a number"));
        assert!(value == saved || value == saved + 1, "{saved} was saved, and {value} is there");
        saved = value;
        connection.call(&["DEBUG", "POPULATE", "100000", "key", "50"]);
        connection.call(&["INCR", "generation"]);
        connection.call(&["BGSAVE"]);
        thread::sleep(Duration::from_millis(random.below(250) as u64));
    }
}

/// The primary, or the replica, is killed in the middle of a full synchronization; both are the same in the end.
#[test]
fn kills_during_full_synchronization_end_in_equal_data() {
    let ((_one, primary_dir), (_other, replica_dir)) = (folder(), folder());
    let aof = ["--appendonly", "yes", "--appendfsync", "everysec"];
    let port = free_port().to_string();
    let start = || {
        let mut command = Command::new(binaries::slotway());
        command.args(["server", "--port", &port, "--bind", "127.0.0.1", "--save", ""]);
        command.args(options(&primary_dir, &aof));
        Server::start(command, port.parse().expect("a port"))
    };
    let follower = ["--replicaof", &format!("127.0.0.1 {port}")].map(str::to_owned);
    let follow = || Server::slotway(&options(&replica_dir, &[&follower[0], &follower[1]]));
    let mut random = Random::new(23);
    let mut primary = start();
    primary.connect().call(&["DEBUG", "POPULATE", "100000", "key", "100"]);
    let mut acknowledged = vec![0; WRITERS];
    for round in 0..ROUNDS {
        let replica = follow();
        check(&mut primary.connect(), &acknowledged, &format!("round {round}"));
        if round % 2 == 0 {
            acknowledged = kill_while_writing(primary, &mut random, &[]);
            primary = start();
        } else {
            thread::sleep(Duration::from_millis(random.below(200) as u64));
        }
        drop(replica);
    }
    let replica = follow();
    let (mut ours, mut theirs) = (primary.connect(), replica.connect());
    PATIENCE.wait_until("the replica has everything", || {
        theirs.info("master_link_status") == "up"
            && ours.info("master_repl_offset") == theirs.info("master_repl_offset")
    });
    check(&mut ours, &acknowledged, "in the end");
    Facts::of(&mut ours).assert_same(&Facts::of(&mut theirs), Way::Snapshot, "in the end");
}

/// A server on a disk that is full once a file has [`DISK_KIB`].
fn on_a_full_disk(dir: &str, more: &[&str]) -> Server {
    let port = free_port();
    let limit = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", DISK_KIB * 2);
    let mut command = Command::new("sh");
    command.args(["-c", &limit, "sh"]).arg(binaries::slotway()).args(["server", "--port", &port.to_string()]);
    command.args(["--bind", "127.0.0.1", "--save", ""]).args(options(dir, more));
    Server::start(command, port)
}

fn make_room(server: &Server) {
    let made =
        Command::new("prlimit").args(["--pid", &server.pid().to_string(), "--fsize=unlimited:"]).status();
    assert!(made.is_ok_and(|status| status.success()), "the limit can be lifted");
}

/// Writes until that is refused. Returns how many writes were accepted, and the refusal; `None` when the server has ended.
fn fill_up(connection: &mut Connection) -> (usize, Option<String>) {
    let value = "v".repeat(1000);
    for number in 0..20 * DISK_KIB {
        let request = request(&["SET", &format!("key:{number}"), &value]);
        match connection.send(&request).and_then(|()| connection.read()) {
            Ok(reply) if reply.value == Value::Simple("OK".into()) => {}
            Ok(reply) => return (number, Some(format!("{:?}", reply.value))),
            Err(_) => return (number, None),
        }
    }
    panic!("the disk never gets full");
}

#[test]
fn a_full_disk_refuses_writes_and_loses_none_of_those_before() {
    let (_folder, dir) = folder();
    let server = on_a_full_disk(&dir, &["--appendonly", "yes", "--appendfsync", "everysec"]);
    let mut connection = server.connect();
    let (_, refusal) = fill_up(&mut connection);
    let refusal = refusal.expect("the server stays");
    assert!(refusal.contains("MISCONF Errors writing to the AOF file: "), "{refusal}");
    assert_eq!(connection.info("aof_last_write_status"), "err");
    assert!(server.output().contains("Error writing to the AOF file"), "{}", server.output());
    // Reads go on; and a rewrite that cannot be written leaves everything as it is.
    assert!(matches!(connection.call(&["GET", "key:1"]), Value::Bulk(_)));
    connection.call(&["BGREWRITEAOF"]);
    PATIENCE.wait_until("the rewrite ends", || connection.info("aof_rewrite_in_progress") == "0");
    make_room(&server);
    PATIENCE.wait_until("writes are accepted again", || {
        connection.call(&["SET", "later", "1"]) == Value::Simple("OK".into())
    });
    assert!(server.output().contains("AOF write error looks solved"), "{}", server.output());
    connection.call(&["BGREWRITEAOF"]);
    PATIENCE.wait_until("the rewrite ends", || connection.info("aof_rewrite_in_progress") == "0");
    assert_eq!(connection.info("aof_last_bgrewrite_status"), "ok");
    connection.call(&["INCR", "later"]);
    let before = Facts::of(&mut connection);
    drop(server);
    let again = Server::slotway(&options(&dir, &["--appendonly", "yes"]));
    before.assert_same(&Facts::of(&mut again.connect()), Way::Snapshot, "after the full disk");
}

/// Who is promised that what is acknowledged is on disk, is acknowledged nothing that is not: the server ends, as Redis does.
#[test]
fn a_full_disk_ends_a_server_that_always_syncs() {
    let (_folder, dir) = folder();
    let aof = ["--appendonly", "yes", "--appendfsync", "always"];
    let mut server = on_a_full_disk(&dir, &aof);
    let (accepted, refusal) = fill_up(&mut server.connect());
    assert_eq!(refusal, None);
    assert_eq!(server.wait_for_exit().code(), Some(1), "{}", server.output());
    assert!(server.output().contains("Can't recover from AOF write error"), "{}", server.output());
    let again = Server::slotway(&options(&dir, &aof));
    let Value::Integer(keys) = again.connect().call(&["DBSIZE"]) else { panic!("DBSIZE is a number") };
    assert_eq!(keys, accepted as i64);
}

#[test]
fn a_snapshot_that_finds_no_room_is_reported_and_the_last_one_stays() {
    let (_folder, dir) = folder();
    let server = on_a_full_disk(&dir, &["--save", "3600 1", "--rdbcompression", "no"]);
    let mut connection = server.connect();
    connection.call(&["SET", "a", "1"]);
    assert_eq!(connection.call(&["SAVE"]), Value::Simple("OK".into()));
    let dump = Path::new(&dir).join("dump.rdb");
    let before = fs::read(&dump).expect("it is saved");
    connection.call(&["DEBUG", "POPULATE", "1000", "key", "1000"]);
    connection.call(&["BGSAVE"]);
    PATIENCE.wait_until("the save ends", || connection.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(connection.info("rdb_last_bgsave_status"), "err");
    let refused = format!("{:?}", connection.call(&["SET", "b", "1"]));
    assert!(refused.contains("MISCONF"), "{refused}");
    assert!(format!("{:?}", connection.call(&["SAVE"])).contains("Error"), "SAVE tells of it");
    assert_eq!(fs::read(&dump).expect("it is still there"), before);
    let files = fs::read_dir(&dir).expect("it is ours").count();
    assert_eq!(files, 1, "what could not be finished is removed");
    make_room(&server);
    connection.call(&["BGSAVE"]);
    PATIENCE.wait_until("the save ends", || connection.info("rdb_bgsave_in_progress") == "0");
    assert_eq!(connection.call(&["SET", "b", "1"]), Value::Simple("OK".into()));
}
