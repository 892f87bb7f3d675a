//! Data is copied between Slotway and Redis, in both directions, whatever happens to the links.

use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::dataset::{difference, digest, fill};
use slotway_tests::patience::Patience;
use slotway_tests::random::Random;
use slotway_tests::server::{Kind, Server};
use slotway_tests::wire::{Connection, request};

/// Links come up, and data arrives, within this time.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: POLL };
/// Keys whose time has come are gone within this time.
const EXPIRED_MAX: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(20);
/// Redis waits five seconds for more replicas otherwise.
const OPTIONS: [&str; 6] =
    ["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "100mb"];

fn start(kind: Kind) -> Server {
    kind.start(&OPTIONS)
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

fn count(connection: &mut Connection, name: &str) -> u64 {
    connection.info(name).parse().unwrap_or_else(|_| panic!("{name} is a number"))
}

/// How many full synchronizations have a reason that is counted, of those given or taken.
fn reasons(connection: &mut Connection, side: &str) -> u64 {
    let Value::Bulk(text) = connection.call(&["INFO", "stats"]) else { panic!("INFO is text") };
    let prefix = format!("sync_full_{side}_");
    let text = String::from_utf8_lossy(&text).into_owned();
    let counts = text.lines().filter_map(|line| line.strip_prefix(&prefix)?.split_once(':'));
    counts.map(|(_, count)| count.parse::<u64>().expect("a number")).sum()
}

#[track_caller]
fn follow(replica: &Server, primary: &Server) {
    let mut connection = replica.connect();
    connection.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    PATIENCE.wait_until("the link is up", || connection.info("master_link_status") == "up");
}

/// Waits until the replica has read all that the primary has written, and compares what they have.
#[track_caller]
fn compare(primary: &Server, replica: &Server) {
    let (mut ours, mut theirs) = (primary.connect(), replica.connect());
    PATIENCE.wait_until("the replica has read everything", || {
        count(&mut ours, "master_repl_offset") == count(&mut theirs, "master_repl_offset")
            && theirs.info("master_link_status") == "up"
    });
    // Keys whose time has come are not gone at the same moment on both.
    let give_up = Instant::now() + EXPIRED_MAX;
    while digest(&mut ours) != digest(&mut theirs) {
        if Instant::now() > give_up {
            panic!("what differs:\n{}", difference(&mut ours, &mut theirs));
        }
        thread::sleep(POLL);
    }
}

/// Writes of many kinds, those among them whose effect depends on chance or time.
fn write(connection: &mut Connection, seed: u64) {
    let mut random = Random::new(seed);
    fill(connection, seed);
    for _ in 0..2000 {
        let (key, other) = (format!("key:{}", random.below(600)), format!("key:{}", random.below(600)));
        let number = random.below(50).to_string();
        let words: &[&str] = match random.below(28) {
            0 => &["SET", &key, &number, "EX", "100"],
            1 => &["SETEX", &key, "1000", &number],
            2 => &["INCRBYFLOAT", &key, "0.1"],
            3 => &["HINCRBYFLOAT", &key, &number, "1.7"],
            4 => &["SPOP", &key],
            5 => &["SPOP", &key, &number],
            6 => &["EXPIRE", &key, "100"],
            7 => &["PEXPIRE", &key, "3"],
            8 => &["GETEX", &key, "PX", "100000"],
            9 => &["GETDEL", &key],
            10 => &["LMPOP", "2", &key, &other, "LEFT", "COUNT", "3"],
            11 => &["BLPOP", &key, "0.001"],
            12 => &["BLMOVE", &key, &other, "LEFT", "RIGHT", "0.001"],
            13 => &["ZMPOP", "2", &key, &other, "MIN", "COUNT", "2"],
            14 => &["BZPOPMAX", &key, &other, "0.001"],
            15 => &["XADD", &key, "MAXLEN", "~", "20", "*", "field", &number],
            16 => &["XADD", &key, "*", "field", &number],
            17 => &["XREADGROUP", "GROUP", "g1", "carol", "COUNT", "3", "STREAMS", &key, ">"],
            18 => &["XAUTOCLAIM", &key, "g1", "dave", "0", "0", "COUNT", "4"],
            19 => &["XCLAIM", &key, "g2", "erin", "0", "1-0", "2-0", "3-0"],
            20 => &["XTRIM", &key, "MAXLEN", "~", "3"],
            21 => &["SORT", &key, "ALPHA", "STORE", &other],
            22 => &["COPY", &key, &other, "REPLACE"],
            23 => &["RENAME", &key, &other],
            24 => &["MOVE", &key, "3"],
            25 => &["SUNIONSTORE", &key, &other],
            26 => &["SET", &key, &number, "KEEPTTL", "GET"],
            _ => &["DEL", &key],
        };
        if random.chance(10) {
            connection.call(&["MULTI"]);
            connection.call(&["INCR", "counter"]);
            connection.call(words);
            connection.call(&["EXEC"]);
        } else {
            connection.call(words);
        }
    }
}

#[test]
fn what_is_written_is_copied_in_either_direction() {
    for (primary, replica) in [
        (Kind::Slotway, Kind::Redis),
        (Kind::Redis, Kind::Slotway),
        (Kind::Slotway, Kind::Slotway),
        (Kind::SlotwayOfThreads, Kind::SlotwayOfThreads),
    ] {
        let (primary, replica) = (start(primary), start(replica));
        let mut connection = primary.connect();
        write(&mut connection, 1);
        replica.connect().call(&["SET", "of the replica", "1"]);
        follow(&replica, &primary);
        compare(&primary, &replica);
        write(&mut connection, 2);
        compare(&primary, &replica);
        connection.call(&["SELECT", "5"]);
        write(&mut connection, 3);
        connection.call(&["SWAPDB", "0", "5"]);
        compare(&primary, &replica);
        connection.call(&["FLUSHALL"]);
        compare(&primary, &replica);
    }
}

#[test]
fn what_is_written_while_a_snapshot_is_taken_is_copied_too() {
    for (primary, replica) in [(Kind::Slotway, Kind::Redis), (Kind::SlotwayOfThreads, Kind::Slotway)] {
        let (primary, replica) = (start(primary), start(replica));
        let mut connection = primary.connect();
        connection.call(&["DEBUG", "POPULATE", "300000", "many", "100"]);
        replica.connect().call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        let mut random = Random::new(1);
        for number in 0..30_000 {
            let key = format!("many:{}", random.below(300_000));
            match number % 3 {
                0 => connection.call(&["SET", &key, "new"]),
                1 => connection.call(&["DEL", &key]),
                _ => connection.call(&["APPEND", &key, "more"]),
            };
        }
        compare(&primary, &replica);
    }
}

#[test]
fn a_link_that_was_cut_goes_on_where_it_stopped() {
    for (primary, replica) in
        [(Kind::Slotway, Kind::Redis), (Kind::Redis, Kind::Slotway), (Kind::Slotway, Kind::Slotway)]
    {
        let kinds = [primary, replica];
        let (primary, replica) = (start(primary), start(replica));
        let mut connection = primary.connect();
        follow(&replica, &primary);
        let full = count(&mut connection, "sync_full");
        // Where it is a server of ours, either side counts why. (Redis asks to go on in its own history, if there is none to go on in.)
        let counts = [reasons(&mut connection, "given"), reasons(&mut replica.connect(), "taken")];
        let is_told = |(count, kind): (&u64, Kind)| *count == 1 || kind == Kind::Redis;
        assert!(counts.iter().zip(kinds).all(is_told), "{counts:?} of {kinds:?}");
        connection.call(&["SELECT", "4"]);
        for round in 0..3 {
            connection.call(&["SET", "a", &round.to_string()]);
            connection.call(&["CLIENT", "KILL", "TYPE", "replica"]);
            connection.call(&["INCR", "b"]);
            compare(&primary, &replica);
        }
        assert_eq!(count(&mut connection, "sync_full"), full, "{primary:?} {replica:?}");
        assert!(count(&mut connection, "sync_partial_ok") >= 1);
    }
}

#[test]
fn a_history_that_is_renamed_needs_a_snapshot_to_go_on() {
    for (primary, replica) in
        [(Kind::Slotway, Kind::Redis), (Kind::Redis, Kind::Slotway), (Kind::Slotway, Kind::Slotway)]
    {
        let (primary, replica) = (start(primary), start(replica));
        let mut connection = primary.connect();
        follow(&replica, &primary);
        let (full, before) = (count(&mut connection, "sync_full"), connection.info("master_replid"));
        assert_eq!(connection.call(&["DEBUG", "CHANGE-REPL-ID"]), ok());
        assert_ne!(connection.info("master_replid"), before);
        connection.call(&["CLIENT", "KILL", "TYPE", "replica"]);
        connection.call(&["INCR", "b"]);
        compare(&primary, &replica);
        assert_eq!(count(&mut connection, "sync_full"), full + 1);
        assert_eq!(replica.connect().info("master_replid"), connection.info("master_replid"));
    }
}

#[test]
fn a_chain_passes_everything_on_and_a_promoted_middle_goes_on_without_a_snapshot() {
    let (first, middle, last) = (start(Kind::Redis), start(Kind::Slotway), start(Kind::Redis));
    let mut connection = first.connect();
    write(&mut connection, 4);
    follow(&middle, &first);
    follow(&last, &middle);
    write(&mut connection, 5);
    compare(&first, &middle);
    compare(&middle, &last);
    let mut promoted = middle.connect();
    let full = count(&mut promoted, "sync_full");
    assert_eq!(promoted.call(&["REPLICAOF", "NO", "ONE"]), ok());
    write(&mut promoted, 6);
    compare(&middle, &last);
    // The old primary comes back as a replica; all that it has is in the promoted one's history.
    follow(&first, &middle);
    compare(&middle, &first);
    assert_eq!(count(&mut promoted, "sync_full"), full, "{}", middle.output());
}

#[test]
fn wait_counts_the_replicas_that_have_the_write() {
    for kind in [Kind::Redis, Kind::Slotway] {
        let (primary, replica) = (start(Kind::Slotway), start(kind));
        let mut connection = primary.connect();
        assert_eq!(connection.call(&["WAIT", "0", "10"]), Value::Integer(0));
        assert_eq!(connection.call(&["WAIT", "1", "10"]), Value::Integer(0));
        follow(&replica, &primary);
        connection.call(&["SET", "a", "1"]);
        assert_eq!(connection.call(&["WAIT", "1", "0"]), Value::Integer(1));
        assert_eq!(replica.connect().call(&["GET", "a"]), Value::Bulk(b"1".to_vec()));
        assert_eq!(connection.call(&["WAIT", "2", "50"]), Value::Integer(1));
        connection.call(&["MULTI"]);
        connection.call(&["WAIT", "2", "0"]);
        assert_eq!(connection.call(&["EXEC"]), Value::Array(vec![Value::Integer(1)]));
    }
}

#[test]
fn waitaof_tells_whose_disks_have_the_write() {
    let dirs = [0; 2].map(|_| tempfile::tempdir().expect("a temporary directory can be made"));
    let server = |at: usize, fsync: &str| {
        let dir = dirs[at].path().to_str().expect("plain text").to_owned();
        Server::slotway(
            &[&OPTIONS[..], &["--dir", &dir, "--appendonly", "yes", "--appendfsync", fsync]].concat(),
        )
    };
    let waitaof = |connection: &mut Connection, words: [&str; 3]| {
        connection.call(&[&["SET", "k", "v"][..]].concat());
        let Value::Array(counts) = connection.call(&[&["WAITAOF"], &words[..]].concat()) else {
            panic!("two counts")
        };
        counts.iter().map(|count| count.as_integer().expect("a number")).collect::<Vec<_>>()
    };
    let (primary, replica) = (server(0, "always"), server(1, "everysec"));
    let mut connection = primary.connect();
    assert_eq!(waitaof(&mut connection, ["1", "0", "0"]), [1, 0], "at once");
    assert_eq!(waitaof(&mut connection, ["0", "1", "50"]), [1, 0], "nobody follows");
    follow(&replica, &primary);
    assert_eq!(waitaof(&mut connection, ["1", "1", "20000"]), [1, 1], "within its second");
    let mut other = replica.connect();
    let error = other.call(&["WAITAOF", "0", "0", "0"]);
    assert!(
        matches!(error, Value::Error(text) if text.starts_with("ERR WAITAOF cannot be used with replica"))
    );
    assert_eq!(
        connection.call(&["WAITAOF", "2", "0", "0"]),
        Value::Error("ERR value is out of range, value must between 0 and 1".into())
    );
    connection.call(&["CONFIG", "SET", "appendfsync", "no"]);
    assert_eq!(waitaof(&mut connection, ["1", "0", "1500"])[0], 0, "nobody asks the disk");
    connection.call(&["CONFIG", "SET", "appendonly", "no"]);
    let error = connection.call(&["WAITAOF", "1", "0", "0"]);
    assert!(matches!(error, Value::Error(text) if text.contains("appendonly is disabled")));
}

#[test]
fn a_shutdown_waits_for_replicas_unless_it_is_taken_back() {
    for kind in [Kind::Slotway, Kind::Redis] {
        let (mut primary, replica) = (start(Kind::Slotway), start(kind));
        follow(&replica, &primary);
        let mut connection = primary.connect();
        let write =
            |connection: &mut Connection, key: &str| connection.call(&["SET", key, &"x".repeat(10_000)]);
        // The replica does nothing meanwhile, and so lacks what comes.
        let sleep = |secs: &'static str| {
            let mut other = replica.connect();
            thread::spawn(move || other.call(&["DEBUG", "SLEEP", secs]))
        };
        let asleep = sleep("2");
        PATIENCE.wait_until("the replica sleeps", || {
            write(&mut connection, "first");
            connection.call(&["WAIT", "1", "10"]) == Value::Integer(0)
        });
        let mut asks = primary.connect();
        asks.send(&request(&["SHUTDOWN"])).expect("the server reads");
        let mut other = primary.connect();
        PATIENCE.wait_until("the shutdown waits", || other.call(&["SHUTDOWN", "ABORT"]) == ok());
        let answer = asks.read().expect("a reply").value;
        assert_eq!(answer, Value::Error("ERR Errors trying to SHUTDOWN. Check logs.".into()));
        assert_eq!(write(&mut connection, "second"), ok(), "writes go on");
        asleep.join().expect("it wakes");
        let asleep = sleep("1");
        PATIENCE.wait_until("the replica sleeps", || {
            write(&mut connection, "third");
            connection.call(&["WAIT", "1", "10"]) == Value::Integer(0)
        });
        write(&mut connection, "last");
        asks.send(&request(&["SHUTDOWN"])).expect("the server reads");
        primary.wait_for_exit();
        asleep.join().expect("it wakes");
        let mut there = replica.connect();
        assert_eq!(
            there.call(&["EXISTS", "first", "second", "third", "last"]),
            Value::Integer(4),
            "{kind:?}"
        );
    }
}

#[test]
fn a_replica_refuses_what_redis_refuses() {
    let (primary, replica) = (start(Kind::Redis), start(Kind::Slotway));
    follow(&replica, &primary);
    let mut connection = replica.connect();
    let error = |value| match value {
        Value::Error(text) => text,
        other => panic!("{other:?} is no error"),
    };
    assert!(error(connection.call(&["SET", "a", "1"])).starts_with("READONLY "));
    assert!(error(connection.call(&["WAIT", "1", "0"])).starts_with("ERR WAIT cannot be used"));
    connection.call(&["CONFIG", "SET", "replica-serve-stale-data", "no"]);
    drop(primary);
    PATIENCE.wait_until("the link is down", || connection.info("master_link_status") == "down");
    assert!(error(connection.call(&["GET", "a"])).starts_with("MASTERDOWN "));
    assert_eq!(connection.call(&["REPLICAOF", "NO", "ONE"]), ok());
    assert_eq!(connection.call(&["SET", "a", "1"]), ok());
    let alone = start(Kind::Slotway);
    let mut connection = alone.connect();
    connection.call(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
    PATIENCE.wait_until(
        "there are too few replicas",
        || matches!(connection.call(&["SET", "a", "1"]), Value::Error(text) if text.starts_with("NOREPLICAS ")),
    );
}

#[test]
fn a_replica_with_a_password_follows_a_primary_with_one() {
    let primary = Server::redis(&["--requirepass", "secret"]);
    let replica = Server::slotway(&["--masterauth", "wrong"]);
    let mut connection = replica.connect();
    connection.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    PATIENCE
        .wait_until("it is refused", || replica.output().contains("Unable to AUTH to MASTER: -WRONGPASS"));
    connection.call(&["CONFIG", "SET", "masterauth", "secret"]);
    PATIENCE.wait_until("the link is up", || connection.info("master_link_status") == "up");
}
