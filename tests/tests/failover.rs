//! FAILOVER: a primary hands over to a replica, be either of them Slotway or Redis, and those who wait on it are told.

use std::thread;
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::patience::Patience;
use slotway_tests::server::{Kind, Server};
use slotway_tests::wire::{Connection, request};

/// What has not come about by then never will.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(20) };
const OPTIONS: [&str; 4] = ["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"];
const UNBLOCKED: &str =
    "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

fn start(kind: Kind) -> Server {
    kind.start(&OPTIONS)
}

/// Two servers, the second of which follows the first, and is known there as one that is online.
fn pair(primary: Kind, replica: Kind) -> (Server, Server) {
    let (primary, replica) = (start(primary), start(replica));
    follow(&replica, &primary);
    (primary, replica)
}

fn follow(replica: &Server, primary: &Server) {
    let (mut above, mut below) = (primary.connect(), replica.connect());
    below.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    let port = format!("port={},state=online", replica.port());
    PATIENCE.wait_until("the replica is online", || {
        (0..2).any(|number| above.info(&format!("slave{number}")).contains(&port))
    });
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

fn error(text: &str) -> Value {
    Value::Error(text.into())
}

/// Has a server do nothing for so long.
fn sleep(server: &Server, secs: &'static str) -> thread::JoinHandle<Value> {
    let mut connection = server.connect();
    thread::spawn(move || connection.call(&["DEBUG", "SLEEP", secs]))
}

/// Sends a command whose reply comes later.
fn ask(server: &Server, words: &[&str]) -> Connection {
    let mut connection = server.connect();
    connection.send(&request(words)).expect("the server reads");
    connection
}

#[test]
fn a_replica_that_has_everything_takes_over_and_is_followed_without_a_snapshot() {
    for (primary, replica) in [
        (Kind::Slotway, Kind::Slotway),
        (Kind::Slotway, Kind::Redis),
        (Kind::Redis, Kind::Slotway),
        (Kind::SlotwayOfThreads, Kind::SlotwayOfThreads),
    ] {
        let kinds = [primary, replica];
        let (old, new) = pair(primary, replica);
        // Somebody else follows, and goes on following.
        let third = start(Kind::Slotway);
        follow(&third, &old);
        let mut before = old.connect();
        for number in 0..200 {
            before.call(&["SET", &format!("key:{number}"), "value"]);
        }
        let port = new.port().to_string();
        assert_eq!(
            before.call(&["FAILOVER", "TO", "127.0.0.1", &port, "TIMEOUT", "30000"]),
            ok(),
            "{kinds:?}"
        );
        // It waits for the end of the failover, and hears then that it has come to the wrong place.
        let late = before.call(&["SET", "late", "1"]);
        assert!(matches!(&late, Value::Error(text) if text.starts_with("READONLY ")), "{kinds:?}: {late:?}");
        let mut after = new.connect();
        assert_eq!(after.info("role"), "master", "{kinds:?}");
        assert_eq!(before.info("role"), "slave", "{kinds:?}");
        assert_eq!(before.info("master_failover_state"), "no-failover");
        assert_eq!(after.call(&["DBSIZE"]), Value::Integer(200), "{kinds:?}");
        assert_eq!(after.call(&["SET", "after", "1"]), ok());
        for server in [&old, &third] {
            let mut connection = server.connect();
            PATIENCE.wait_until("it has what was written afterwards", || {
                connection.call(&["EXISTS", "after"]) == Value::Integer(1)
            });
        }
        assert_eq!(after.info("sync_full"), "0", "{kinds:?}\n{}", old.output());
        assert_eq!(before.info("sync_full"), "2", "{kinds:?}: those of the beginning");
    }
}

#[test]
fn those_who_wait_are_told_that_their_primary_is_a_replica() {
    for kind in [Kind::Slotway, Kind::SlotwayOfThreads, Kind::Redis] {
        let (primary, _replica) = pair(kind, Kind::Slotway);
        let mut waiting = [
            ask(&primary, &["BLPOP", "list", "0"]),
            ask(&primary, &["XREAD", "BLOCK", "0", "STREAMS", "stream", "$"]),
            ask(&primary, &["WAIT", "5", "0"]),
        ];
        let mut connection = primary.connect();
        PATIENCE.wait_until("they wait", || connection.info("blocked_clients") == "3");
        assert_eq!(connection.call(&["FAILOVER", "TIMEOUT", "30000"]), ok());
        for connection in &mut waiting {
            assert_eq!(connection.read().expect("an answer").value, error(UNBLOCKED), "{kind:?}");
            assert!(connection.read().is_err(), "{kind:?}: the connection ends");
        }
        PATIENCE.wait_until("it follows", || connection.info("role") == "slave");
    }
}

#[test]
fn a_failover_that_is_aborted_or_late_leaves_a_primary() {
    for primary in [Kind::Slotway, Kind::Redis] {
        let (primary, replica) = pair(primary, Kind::Slotway);
        let mut connection = primary.connect();
        for request in [&["FAILOVER"][..], &["FAILOVER", "TIMEOUT", "300"]] {
            let asleep = sleep(&replica, "1");
            PATIENCE.wait_until("the replica lacks something", || {
                connection.call(&["SET", "a", "1"]);
                connection.call(&["WAIT", "1", "10"]) == Value::Integer(0)
            });
            assert_eq!(connection.call(request), ok());
            assert_eq!(connection.info("master_failover_state"), "waiting-for-sync");
            assert_eq!(
                connection.call(&["FAILOVER"]),
                error("ERR FAILOVER already in progress."),
                "{request:?}"
            );
            assert_eq!(
                connection.call(&["REPLICAOF", "NO", "ONE"]),
                error("ERR REPLICAOF not allowed while failing over.")
            );
            let mut late = ask(&primary, &["SET", "late", "1"]);
            if request.len() == 1 {
                assert_eq!(connection.call(&["FAILOVER", "ABORT"]), ok());
            }
            assert_eq!(late.read().expect("an answer").value, ok(), "writes go on");
            assert_eq!(connection.info("master_failover_state"), "no-failover");
            assert_eq!(connection.info("role"), "master");
            asleep.join().expect("it wakes");
        }
    }
}

#[test]
fn a_failover_by_force_goes_on_when_its_time_is_over() {
    for (primary, replica) in [(Kind::Slotway, Kind::Redis), (Kind::Slotway, Kind::Slotway)] {
        let (primary, replica) = pair(primary, replica);
        let mut connection = primary.connect();
        let asleep = sleep(&replica, "2");
        PATIENCE.wait_until("the replica lacks something", || {
            connection.call(&["SET", "a", "1"]);
            connection.call(&["WAIT", "1", "10"]) == Value::Integer(0)
        });
        let port = replica.port().to_string();
        assert_eq!(connection.call(&["FAILOVER", "TO", "127.0.0.1", &port, "FORCE", "TIMEOUT", "100"]), ok());
        PATIENCE.wait_until("it is a replica", || connection.info("role") == "slave");
        asleep.join().expect("it wakes");
        let mut other = replica.connect();
        PATIENCE.wait_until("the replica has taken over", || other.info("role") == "master");
        PATIENCE.wait_until("it is followed", || connection.info("master_link_status") == "up");
        assert_eq!(connection.info("master_failover_state"), "no-failover");
    }
}

#[test]
fn refusals_are_those_of_redis() {
    let answers = |kind| {
        let (primary, replica) = pair(kind, kind);
        let (mut above, mut below) = (primary.connect(), replica.connect());
        let port = replica.port().to_string();
        let requests: &[&[&str]] = &[
            &["FAILOVER", "ABORT"],
            &["FAILOVER", "ABORT", "TIMEOUT", "1"],
            &["FAILOVER", "FORCE"],
            &["FAILOVER", "FORCE", "TIMEOUT", "10"],
            &["FAILOVER", "TO", "127.0.0.1", &port, "FORCE"],
            &["FAILOVER", "TO", "127.0.0.1", "1"],
            &["FAILOVER", "TO", "127.0.0.1", "99999999"],
            &["FAILOVER", "TO", "127.0.0.1"],
            &["FAILOVER", "TO", "127.0.0.1", "x"],
            &["FAILOVER", "TIMEOUT", "-1"],
            &["FAILOVER", "TIMEOUT", "x"],
            &["FAILOVER", "NONSENSE"],
            &["PSYNC", "?", "-1", "FAILOVER"],
        ];
        let mut answers: Vec<Value> = requests.iter().map(|request| above.call(request)).collect();
        answers.extend([
            below.call(&["FAILOVER"]),
            below.call(&["FAILOVER", "ABORT"]),
            below.call(&["PSYNC", &"a".repeat(40), "1", "FAILOVER"]),
        ]);
        let alone = start(kind);
        answers.push(alone.connect().call(&["FAILOVER"]));
        answers
    };
    assert_eq!(answers(Kind::Slotway), answers(Kind::Redis));
}

#[test]
fn client_list_tells_links_and_those_who_wait_as_redis_does() {
    let flags = |connection: &mut Connection, name: &str| {
        let Value::Bulk(text) = connection.call(&["CLIENT", "LIST"]) else { panic!("text") };
        let text = String::from_utf8_lossy(&text).into_owned();
        let field = |line: &str, name: &str| {
            let of = |word: &str| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            line.split(' ').find_map(of).unwrap_or_default()
        };
        let lines = text.lines().filter(|line| {
            if name.is_empty() { field(line, "name").is_empty() } else { field(line, "name") == name }
        });
        let mut flags: Vec<String> =
            lines.map(|line| ["flags", "multi", "db"].map(|name| field(line, name)).join(" ")).collect();
        flags.sort();
        flags
    };
    let told = |kind| {
        let (primary, replica) = pair(kind, kind);
        let mut asks = primary.connect();
        asks.call(&["CLIENT", "SETNAME", "asks"]);
        let mut told = vec![flags(&mut asks, "")];
        let mut below = replica.connect();
        below.call(&["CLIENT", "SETNAME", "asks"]);
        told.push(flags(&mut below, ""));
        for words in [
            &["BLPOP", "list", "0"][..],
            &["WAIT", "5", "0"],
            &["MULTI"],
            &["SELECT", "3"],
            &["SUBSCRIBE", "channel"],
            &["CLIENT", "NO-EVICT", "on"],
        ] {
            let mut other = primary.connect();
            other.call(&["CLIENT", "SETNAME", words[0]]);
            other.send(&request(words)).expect("the server reads");
            let mut seen = Vec::new();
            PATIENCE.wait_until("it has been read", || {
                seen = flags(&mut asks, words[0]);
                seen != ["N -1 0"]
            });
            told.push(seen);
        }
        told
    };
    assert_eq!(told(Kind::Slotway), told(Kind::Redis));
}
