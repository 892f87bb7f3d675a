//! MIGRATE takes keys from Slotway to Redis, from Redis to Slotway, and between two of ours; it answers as Redis does, and nobody waits for it
//! but those who want to change what is on its way.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::dataset::{difference, digest, fill};
use slotway_tests::server::Kind::{self, Redis, Slotway, SlotwayOfThreads};
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);
const OPTIONS: [&str; 2] = ["--enable-debug-command", "yes"];
/// Keys of one MIGRATE.
const KEYS_AT_ONCE: usize = 50;
/// Fields of a large hash: some 8 MB of payload.
const FIELDS: usize = 200_000;

fn start(kind: Kind, options: &[&str]) -> Server {
    kind.start(&[&OPTIONS[..], options].concat())
}

fn text(value: &Value) -> String {
    match value {
        Value::Error(error) => format!("-{error}"),
        value => value.as_str().map_or_else(|| format!("{value:?}"), str::to_owned),
    }
}

/// Sends a line, with the port of `target` in place of `PORT`.
fn send(connection: &mut Connection, line: &str, target: u16) -> String {
    let port = target.to_string();
    let words: Vec<&str> = line
        .split(' ')
        .map(|word| match word {
            "PORT" => &*port,
            "''" => "",
            word => word,
        })
        .collect();
    text(&connection.call(&words))
}

fn names(connection: &mut Connection) -> Vec<String> {
    let Value::Array(names) = connection.call(&["KEYS", "*"]) else { panic!("KEYS is an array") };
    names.iter().map(text).collect()
}

#[test]
fn keys_of_every_type_arrive_between_servers_of_all_kinds() {
    let pairs =
        [(Slotway, Redis), (Redis, Slotway), (SlotwayOfThreads, Slotway), (Slotway, SlotwayOfThreads)];
    for (seed, (from, to)) in (1..).zip(pairs) {
        let (source, target, whole) = (start(from, &[]), start(to, &[]), start(Redis, &[]));
        let (mut here, mut there, mut all) = (source.connect(), target.connect(), whole.connect());
        fill(&mut here, seed);
        fill(&mut all, seed);
        let port = target.port().to_string();
        for keys in names(&mut here).chunks(KEYS_AT_ONCE) {
            let head = ["MIGRATE", "127.0.0.1", &port, "", "0", "20000", "KEYS"].map(str::to_owned);
            assert_eq!(text(&here.call(&[&head[..], keys].concat())), "OK", "{from:?} to {to:?}");
        }
        assert_eq!(text(&here.call(&["DBSIZE"])), "Integer(0)");
        if digest(&mut there) != digest(&mut all) {
            panic!("{from:?} to {to:?}:\n{}", difference(&mut all, &mut there));
        }
    }
}

/// What is sent to the source, and seen to be the same whoever it is; `>` goes to the target.
const DIALOGUE: &str = "\
SET a 1
SET b 2
SET ttl x PX 5000000
>SET b other
MIGRATE 127.0.0.1 PORT missing 0 1000
MIGRATE 127.0.0.1 PORT '' 0 1000 KEYS missing none
MIGRATE 127.0.0.1 PORT a 0 1000 KEYS a
MIGRATE 127.0.0.1 PORT a 0 1000 NONSENSE
MIGRATE 127.0.0.1 PORT a 0 1000 AUTH
MIGRATE 127.0.0.1 PORT a 0 1000 AUTH2 user
MIGRATE 127.0.0.1 PORT a zero 1000
MIGRATE 127.0.0.1 PORT a 0 soon
MIGRATE 127.0.0.1 PORT a 0
MIGRATE 127.0.0.1 PORT a 99 1000
EXISTS a
MIGRATE 127.0.0.1 PORT b 0 1000
EXISTS b
MIGRATE 127.0.0.1 PORT b 0 1000 COPY REPLACE
EXISTS b
>GET b
MIGRATE 127.0.0.1 PORT '' 0 1000 KEYS a b missing
EXISTS a b
>GET a
MIGRATE 127.0.0.1 PORT b 0 -5 replace
EXISTS b
>GET b
MIGRATE 127.0.0.1 PORT ttl 0 0
>EXISTS ttl
SET c 3
MIGRATE 127.0.0.1 PORT c 3 1000
>SELECT 3
>GET c
>SELECT 0
SET d 4
MIGRATE 127.0.0.1 PORT d 0 1000 AUTH secret
EXISTS d
MIGRATE 127.0.0.1 PORT d 0 1000 AUTH2 default secret
EXISTS d
MULTI
DISCARD
MIGRATE 127.0.0.1 1 d 0 300
MIGRATE no.such.host.invalid 6379 d 0 300
MIGRATE 127.0.0.1 PORT d 0 1000 REPLACE
EXISTS d
";

#[test]
fn it_answers_as_redis_does() {
    let run = |kind: Kind, target: Kind| -> Vec<String> {
        let (source, target) = (start(kind, &[]), start(target, &[]));
        let (mut here, mut there) = (source.connect(), target.connect());
        let say = |line: &'static str| match line.strip_prefix('>') {
            Some(line) => format!("{line}: {}", send(&mut there, line, 0)),
            None => format!("{line}: {}", send(&mut here, line, target.port())),
        };
        DIALOGUE.lines().map(say).collect()
    };
    let expected = run(Redis, Redis);
    assert!(expected.iter().any(|line| line.contains("BUSYKEY")), "{expected:#?}");
    for (source, target) in [(Slotway, Redis), (Redis, Slotway), (Slotway, Slotway)] {
        for (ours, theirs) in run(source, target).iter().zip(&expected) {
            assert_eq!(ours, theirs, "{source:?} to {target:?}");
        }
    }
}

#[test]
fn a_password_lets_it_in_and_a_wrong_one_leaves_the_keys() {
    let (source, target) = (start(Slotway, &[]), start(Redis, &["--requirepass", "secret"]));
    let (mut here, mut there) = (source.connect(), target.connect());
    there.call(&["AUTH", "secret"]);
    here.call(&["SET", "k", "v"]);
    let mut migrate = |options: &str| {
        send(&mut here, format!("MIGRATE 127.0.0.1 PORT k 0 5000{options}").as_str(), target.port())
    };
    let refused = "-ERR Target instance replied with error: ";
    assert_eq!(migrate(""), format!("{refused}NOAUTH Authentication required."));
    let wrong = migrate(" AUTH wrong");
    assert!(wrong.starts_with(&format!("{refused}WRONGPASS")), "{wrong}");
    assert_eq!(migrate(" COPY AUTH secret"), "OK");
    assert_eq!(migrate(" REPLACE AUTH2 default secret"), "OK");
    assert_eq!(text(&here.call(&["EXISTS", "k"])), "Integer(0)");
    assert_eq!(text(&there.call(&["GET", "k"])), "v");
}

#[test]
fn a_target_that_is_full_refuses_and_nothing_is_lost() {
    let target = start(Slotway, &["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let source = start(Slotway, &[]);
    let mut here = source.connect();
    here.call(&["SET", "k", "v"]);
    let reply = send(&mut here, "MIGRATE 127.0.0.1 PORT k 0 5000", target.port());
    let refused =
        "-ERR Target instance replied with error: OOM command not allowed when used memory > 'maxmemory'.";
    assert_eq!(reply, refused);
    assert_eq!(text(&here.call(&["GET", "k"])), "v");
    assert_eq!(text(&here.call(&["APPEND", "k", "w"])), "Integer(2)", "it is held no longer");
}

#[test]
fn a_target_that_does_not_answer_is_given_up_and_others_do_not_wait_for_it() {
    // It accepts, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = silent.local_addr().expect("it is bound").port();
    let source = start(Slotway, &[]);
    let (mut here, mut other, mut writer) = (source.connect(), source.connect(), source.connect());
    here.call(&["MSET", "k", "v", "l", "w"]);
    let line = format!("MIGRATE 127.0.0.1 {port} k 0 1500");
    let words: Vec<&str> = line.split(' ').collect();
    here.send(&slotway_tests::wire::request(&words)).expect("it reads");
    let stream = silent.accept().expect("MIGRATE connects");
    // It holds its key now: readers, and writers of other keys, go on; a writer of the key waits.
    assert_eq!(text(&other.call(&["GET", "k"])), "v");
    assert_eq!(text(&other.call(&["SET", "l", "x"])), "OK");
    writer.send(&slotway_tests::wire::request(&["APPEND", "k", "+"])).expect("it reads");
    assert_eq!(text(&other.call(&["GET", "k"])), "v");
    let reply = here.read().expect("an answer");
    assert_eq!(text(&reply.value), "-IOERR error or timeout reading from target instance");
    assert_eq!(text(&writer.read().expect("an answer").value), "Integer(2)");
    assert_eq!(text(&other.call(&["GET", "k"])), "v+");
    drop(stream);
}

#[test]
fn a_target_that_has_stood_still_is_not_sent_the_rest_later() {
    // More than it has room for while it does not read.
    const LEN: usize = 8_000_000;
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let source = start(Slotway, &[]);
    let mut here = source.connect();
    let value = "x".repeat(LEN);
    here.call(&["SETRANGE", "k", "0", &value]);
    let port = silent.local_addr().expect("it is bound").port();
    let reply = send(&mut here, "MIGRATE 127.0.0.1 PORT k 0 1000 REPLACE", port);
    assert!(reply.starts_with("-IOERR error or timeout"), "{reply}");
    let (mut stream, _) = silent.accept().expect("MIGRATE has connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
    let mut late = Vec::new();
    let end = stream.read_to_end(&mut late);
    assert!(late.len() < LEN, "{} bytes came all the same", late.len());
    assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    assert_eq!(text(&here.call(&["EXISTS", "k"])), "Integer(1)");
}

fn fill_hash(connection: &mut Connection, key: &str) {
    for start in (0..FIELDS).step_by(1000) {
        let pairs = (start..start + 1000).flat_map(|n| [format!("field:{n}"), format!("value:{n}")]);
        let words: Vec<String> = ["HSET".to_owned(), key.to_owned()].into_iter().chain(pairs).collect();
        connection.call(&words);
    }
}

#[test]
fn a_large_hash_arrives_whole_while_others_are_served() {
    for (from, to) in [(Slotway, SlotwayOfThreads), (Slotway, Redis), (Redis, Slotway)] {
        let (source, target) = (start(from, &[]), start(to, &[]));
        let (mut here, mut there) = (source.connect(), target.connect());
        fill_hash(&mut here, "large");
        here.call(&["SET", "k", "v"]);
        let expected = here.call(&["DEBUG", "DIGEST-VALUE", "large"]);
        let done = AtomicBool::new(false);
        let longest = thread::scope(|scope| {
            let server = if from == Slotway { &source } else { &target };
            let pings = scope.spawn(|| longest_ping(server, &done));
            let mut writer = source.connect();
            let line = "MIGRATE 127.0.0.1 PORT large 0 30000";
            assert_eq!(send(&mut here, line, target.port()), "OK", "{from:?} to {to:?}");
            done.store(true, Ordering::Release);
            // As after the MIGRATE of Redis, which nobody overtakes.
            assert_eq!(text(&writer.call(&["HSET", "large", "field:1", "late"])), "Integer(1)");
            pings.join().expect("pings go on")
        });
        // A bound for any machine; BENCHMARKS.md has the figures.
        assert!(longest < Duration::from_secs(2), "{from:?} to {to:?}: {longest:?}");
        assert_eq!(there.call(&["DEBUG", "DIGEST-VALUE", "large"]), expected, "{from:?} to {to:?}");
        assert_eq!(text(&here.call(&["HLEN", "large"])), "Integer(1)");
    }
}

/// The longest that a PING takes until `done`.
fn longest_ping(server: &Server, done: &AtomicBool) -> Duration {
    let (mut connection, started, mut longest) = (server.connect(), Instant::now(), Duration::ZERO);
    while !done.load(Ordering::Acquire) && started.elapsed() < PATIENCE {
        let sent = Instant::now();
        assert_eq!(text(&connection.call(&["PING"])), "PONG");
        longest = longest.max(sent.elapsed());
        thread::sleep(Duration::from_millis(1));
    }
    longest
}

/// Clients count up in keys that are moved to and fro meanwhile. Each count is there once, on one of the two servers or the other.
#[test]
fn no_write_is_lost_while_keys_move() {
    const KEYS: usize = 20;
    const ROUNDS: usize = 40;
    for kind in [Slotway, SlotwayOfThreads] {
        let (source, target) = (start(kind, &[]), start(Slotway, &[]));
        let done = AtomicBool::new(false);
        let written = thread::scope(|scope| {
            let writers: Vec<_> = (0..3).map(|_| scope.spawn(|| count_up(&source, KEYS, &done))).collect();
            let (mut here, mut there) = (source.connect(), target.connect());
            let mut taken: BTreeMap<String, i64> = BTreeMap::new();
            for _ in 0..ROUNDS {
                let keys = (0..KEYS).map(|n| format!("n:{n}")).collect::<Vec<_>>().join(" ");
                let reply =
                    send(&mut here, &format!("MIGRATE 127.0.0.1 PORT '' 0 20000 KEYS {keys}"), target.port());
                assert!(["OK", "NOKEY"].contains(&&*reply), "{reply}");
                for key in names(&mut there) {
                    let count = text(&there.call(&["GETDEL", &key])).parse::<i64>().expect("a count");
                    *taken.entry(key).or_default() += count;
                }
            }
            done.store(true, Ordering::Release);
            let written: i64 = writers.into_iter().map(|writer| writer.join().expect("it counts")).sum();
            let left: i64 = names(&mut here)
                .iter()
                .map(|key| text(&here.call(&["GET", key])).parse::<i64>().expect("a count"))
                .sum();
            assert_eq!(taken.values().sum::<i64>() + left, written, "{kind:?}");
            written
        });
        assert!(written > 0);
    }
}

/// How often a client has counted up until `done`.
fn count_up(server: &Server, keys: usize, done: &AtomicBool) -> i64 {
    let (mut connection, mut count) = (server.connect(), 0);
    while !done.load(Ordering::Acquire) {
        let batch: Vec<Vec<Vec<u8>>> =
            (0..keys).map(|n| vec![b"INCR".to_vec(), format!("n:{n}").into_bytes()]).collect();
        for reply in pipeline(&mut connection, &batch) {
            assert!(matches!(reply.value, Value::Integer(_)), "{:?}", reply.value);
            count += 1;
        }
        // Within EXEC, too.
        for line in ["MULTI", "INCR n:0", "INCR n:1"] {
            send(&mut connection, line, 0);
        }
        let reply = connection.call(&["EXEC"]);
        assert!(matches!(&reply, Value::Array(counts) if counts.len() == 2), "{reply:?}");
        count += 2;
    }
    count
}

#[test]
fn replicas_of_both_ends_follow() {
    let delay = ["--repl-diskless-sync-delay", "0"];
    let (source, target) = (start(Slotway, &delay), start(Slotway, &delay));
    let (here, there) = (start(Redis, &delay), start(Slotway, &delay));
    for (replica, primary) in [(&here, &source), (&there, &target)] {
        replica.connect().call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    }
    fill(&mut source.connect(), 9);
    let expected = digest(&mut source.connect());
    let mut connection = source.connect();
    for keys in names(&mut connection).chunks(KEYS_AT_ONCE) {
        let line = format!("MIGRATE 127.0.0.1 PORT '' 0 20000 KEYS {}", keys.join(" "));
        assert_eq!(send(&mut connection, &line, target.port()), "OK");
    }
    let give_up = Instant::now() + PATIENCE;
    loop {
        let is_empty = text(&here.connect().call(&["DBSIZE"])) == "Integer(0)";
        if is_empty && digest(&mut there.connect()) == expected {
            return;
        }
        assert!(Instant::now() < give_up, "replicas do not follow");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn within_a_transaction_it_is_refused() {
    let (source, target) = (start(Slotway, &[]), start(Slotway, &[]));
    let mut here = source.connect();
    here.call(&["SET", "k", "v"]);
    here.call(&["MULTI"]);
    send(&mut here, "MIGRATE 127.0.0.1 PORT k 0 1000", target.port());
    let Value::Array(replies) = here.call(&["EXEC"]) else { panic!("EXEC is an array") };
    assert_eq!(text(&replies[0]), "-ERR MIGRATE cannot wait for its target inside a transaction");
    assert_eq!(text(&here.call(&["GET", "k"])), "v");
}
