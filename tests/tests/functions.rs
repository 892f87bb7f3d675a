//! Libraries of functions: the replies of FUNCTION and FCALL, and libraries that go by files and links between Slotway and Redis.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use slotway_core::resp::inline::split_args;
use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::patience::Patience;
use slotway_tests::server::{Kind, Server};
use slotway_tests::wire::{Connection, request};
use tempfile::TempDir;

const REQUESTS: &str = include_str!("../data/functions.txt");
/// Whatever is waited for comes about within this time.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(10) };
/// Two functions, one of which changes data.
const LIBRARY: &str = "#!lua name=library\nredis.register_function('put', function(keys, args) return redis.call('set', keys[1], args[1]) end)\nredis.register_function{function_name='fetch', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}, description='what was put'}";

fn start(kind: Kind, options: &[&str]) -> Server {
    kind.start(&[&["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"], options].concat())
}

const WAYS: [(Kind, Kind); 3] =
    [(Kind::Slotway, Kind::Redis), (Kind::Redis, Kind::Slotway), (Kind::Slotway, Kind::Slotway)];

fn ok() -> Value {
    Value::Simple("OK".into())
}

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let name = folder.path().to_str().expect("a temporary directory has a name of ASCII").to_owned();
    (folder, name)
}

fn load(connection: &mut Connection) {
    assert_eq!(connection.call(&["FUNCTION", "LOAD", LIBRARY]), Value::Bulk(b"library".to_vec()));
}

fn restore(connection: &mut Connection, payload: &[u8], policy: &[&str]) -> Value {
    let words =
        [&b"FUNCTION"[..], b"RESTORE", payload].into_iter().chain(policy.iter().map(|word| word.as_bytes()));
    connection.call(&words.collect::<Vec<_>>())
}

/// Both functions of the library are there and do what they should.
#[track_caller]
fn assert_works(connection: &mut Connection, may_write: bool) {
    if may_write {
        assert_eq!(connection.call(&["FCALL", "put", "1", "key", "value"]), ok());
        assert_eq!(connection.call(&["FCALL", "fetch", "1", "key"]), Value::Bulk(b"value".to_vec()));
    }
    assert_eq!(connection.call(&["FCALL_RO", "fetch", "1", "nothing"]), Value::Null);
    let listed = connection.call(&["FUNCTION", "LIST", "WITHCODE"]);
    let listed = format!("{listed:?}");
    assert!(listed.contains(&format!("{:?}", Value::Bulk(LIBRARY.into()))), "{listed}");
}

#[test]
fn functions_answer_as_redis() {
    let (redis, slotway) = (start(Kind::Redis, &[]), start(Kind::Slotway, &[]));
    let mut different = Vec::new();
    for protocol in ["2", "3"] {
        let (mut theirs, mut ours) = (redis.connect(), slotway.connect());
        theirs.call(&["HELLO", protocol]);
        ours.call(&["HELLO", protocol]);
        for line in REQUESTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let words = split_args(line.as_bytes()).expect("quotes are balanced");
            let (expected, found) = (theirs.call(&words), ours.call(&words));
            if expected != found {
                different.push(format!("RESP{protocol} {line}\n  theirs {expected:?}\n  ours   {found:?}"));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_dump_of_functions_is_restored_on_either_server() {
    for (from, to) in WAYS {
        let (from, to) = (start(from, &[]), start(to, &[]));
        let (mut from, mut to) = (from.connect(), to.connect());
        load(&mut from);
        let Value::Bulk(payload) = from.call(&["FUNCTION", "DUMP"]) else { panic!("a dump is text") };
        assert_eq!(restore(&mut to, &payload, &["APPEND"]), ok());
        assert_works(&mut to, true);
        assert_eq!(
            restore(&mut to, &payload, &["append"]),
            Value::Error("ERR Library library already exists".into())
        );
        assert_eq!(restore(&mut to, &payload, &["REPLACE"]), ok());
        let other = "#!lua name=other\nredis.register_function('other', function() end)";
        to.call(&["FUNCTION", "LOAD", other]);
        assert_eq!(restore(&mut to, &payload, &["FLUSH"]), ok());
        assert_works(&mut to, true);
        assert!(matches!(to.call(&["FCALL", "other", "0"]), Value::Error(_)));
        // Another library has the function already.
        to.call(&["FUNCTION", "FLUSH"]);
        to.call(&["FUNCTION", "LOAD", &other.replace("('other'", "('Put'")]);
        let taken = restore(&mut to, &payload, &[]);
        assert_eq!(taken, Value::Error("ERR Function put already exists".into()));
        let mut spoilt = payload.clone();
        spoilt[3] ^= 1;
        let wrong = Value::Error("ERR DUMP payload version or checksum are wrong".into());
        assert_eq!(restore(&mut to, &spoilt, &[]), wrong);
        to.call(&["SET", "k", "v"]);
        let Value::Bulk(value) = to.call(&["DUMP", "k"]) else { panic!("there is a value") };
        let other_kind = Value::Error("ERR given type is not a function".into());
        assert_eq!(restore(&mut to, &value, &[]), other_kind);
    }
}

#[test]
fn functions_are_in_snapshots() {
    for (from, to) in WAYS {
        let (_folder, dir) = folder();
        let server = start(from, &["--dir", &dir]);
        let mut connection = server.connect();
        load(&mut connection);
        assert_eq!(connection.call(&["SAVE"]), ok());
        assert_eq!(connection.call(&["DEBUG", "RELOAD"]), ok());
        assert_works(&mut connection, true);
        drop(server);
        assert_works(&mut start(to, &["--dir", &dir]).connect(), true);
    }
}

#[test]
fn functions_are_in_append_only_files_of_both_forms() {
    for (from, to) in WAYS {
        for preamble in ["yes", "no"] {
            let (_folder, dir) = folder();
            let options = ["--dir", &dir, "--appendonly", "yes", "--aof-use-rdb-preamble", preamble];
            let server = start(from, &options);
            let mut connection = server.connect();
            load(&mut connection);
            connection.call(&["BGREWRITEAOF"]);
            PATIENCE.wait_until("the file is written anew", || {
                connection.info("aof_rewrite_in_progress") == "0" && connection.info("aof_rewrites") == "1"
            });
            let second = "#!lua name=second\nredis.register_function('second', function() return 2 end)";
            connection.call(&["FUNCTION", "LOAD", second]);
            assert_eq!(connection.call(&["FCALL", "put", "1", "k", "v"]), ok());
            assert!(server.terminate().success());
            let server = start(to, &options);
            let mut connection = server.connect();
            assert_eq!(connection.call(&["GET", "k"]), Value::Bulk(b"v".to_vec()));
            assert_eq!(connection.call(&["FCALL", "second", "0"]), Value::Integer(2));
            assert_works(&mut connection, true);
        }
    }
}

#[test]
fn a_snapshot_whose_library_cannot_be_loaded_is_refused() {
    let (_folder, dir) = folder();
    let server = start(Kind::Slotway, &["--dir", &dir, "--rdbcompression", "no", "--rdbchecksum", "no"]);
    let mut connection = server.connect();
    load(&mut connection);
    assert_eq!(connection.call(&["SAVE"]), ok());
    drop(server);
    let dump = Path::new(&dir).join("dump.rdb");
    let mut bytes = fs::read(&dump).expect("it has been saved");
    let at = bytes.windows(3).position(|window| window == b"#!l").expect("the library is in it");
    bytes[at + 2] = b'j';
    fs::write(&dump, bytes).expect("the folder is ours");
    let mut command = Command::new(binaries::slotway());
    let port = slotway_tests::ports::free_port().to_string();
    command.args(["server", "--dir", &dir, "--port", &port]);
    let mut refused = Server::spawn(command, port.parse().expect("a number"));
    assert!(!refused.wait_for_exit().success());
    let told = refused.output();
    assert!(told.contains("Failed loading a library of functions: Engine 'jua' not found"), "{told}");
}

#[test]
fn redis_cli_takes_the_functions_and_no_keys() {
    for (from, to) in WAYS {
        let (_folder, dir) = folder();
        let server = start(from, &["--dir", &dir]);
        let mut connection = server.connect();
        load(&mut connection);
        connection.call(&["SET", "kept", "value"]);
        let file = Path::new(&dir).join("functions.rdb");
        let mut command = Command::new(binaries::redis_cli());
        command.args(["-p", &server.port().to_string(), "--functions-rdb"]).arg(&file);
        let output = command.output().expect("redis-cli runs");
        assert!(output.status.success(), "{output:?}");
        let other = start(to, &["--dir", &dir, "--dbfilename", "functions.rdb"]);
        let mut connection = other.connect();
        assert_eq!(connection.call(&["DBSIZE"]), Value::Integer(0));
        assert_works(&mut connection, true);
    }
}

#[test]
fn what_a_snapshot_is_to_tell_is_asked_for_in_the_words_of_redis() {
    let (redis, slotway) = (start(Kind::Redis, &[]), start(Kind::Slotway, &[]));
    let (mut theirs, mut ours) = (redis.connect(), slotway.connect());
    for words in ["functions", "", "Functions  functions", "functions keys", "keys", "\"functions"] {
        let request = ["REPLCONF", "rdb-filter-only", words];
        assert_eq!(ours.call(&request), theirs.call(&request), "{words:?}");
    }
}

#[test]
fn functions_go_to_replicas() {
    for (primary, replica) in WAYS {
        let (primary, replica) = (start(primary, &[]), start(replica, &[]));
        let (mut ours, mut theirs) = (primary.connect(), replica.connect());
        load(&mut ours);
        let stays = "#!lua name=goes\nredis.register_function('goes', function() end)";
        theirs.call(&["FUNCTION", "LOAD", stays]);
        theirs.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        PATIENCE.wait_until("the link is up", || theirs.info("master_link_status") == "up");
        // By the snapshot, in place of what was there.
        assert_works(&mut theirs, false);
        let gone = Value::Error("ERR Function not found".into());
        assert_eq!(theirs.call(&["FCALL_RO", "goes", "0"]), gone);
        // By the stream.
        let second = "#!lua name=second\nredis.register_function{function_name='second', callback=function() return 2 end, flags={'no-writes'}}";
        ours.call(&["FUNCTION", "LOAD", second]);
        let called = ours.call(&["FCALL", "put", "1", "key", "value"]);
        assert_eq!(called, ok());
        assert_eq!(ours.call(&["WAIT", "1", "60000"]), Value::Integer(1));
        assert_eq!(theirs.call(&["FCALL_RO", "second", "0"]), Value::Integer(2));
        assert_eq!(theirs.call(&["FCALL_RO", "fetch", "1", "key"]), Value::Bulk(b"value".to_vec()));
        let replacing = second.replace("return 2", "return 3");
        ours.call(&["FUNCTION", "LOAD", "REPLACE", &replacing]);
        ours.call(&["FUNCTION", "DELETE", "library"]);
        assert_eq!(ours.call(&["WAIT", "1", "60000"]), Value::Integer(1));
        assert_eq!(theirs.call(&["FCALL_RO", "second", "0"]), Value::Integer(3));
        assert_eq!(theirs.call(&["FCALL_RO", "fetch", "1", "key"]), gone);
        let Value::Bulk(payload) = ours.call(&["FUNCTION", "DUMP"]) else { panic!("a dump is text") };
        ours.call(&["FUNCTION", "FLUSH"]);
        assert_eq!(ours.call(&["WAIT", "1", "60000"]), Value::Integer(1));
        assert_eq!(theirs.call(&["FCALL_RO", "second", "0"]), gone);
        assert_eq!(restore(&mut ours, &payload, &[]), ok());
        assert_eq!(ours.call(&["WAIT", "1", "60000"]), Value::Integer(1));
        assert_eq!(theirs.call(&["FCALL_RO", "second", "0"]), Value::Integer(3));
        let refused = theirs.call(&["FUNCTION", "FLUSH"]);
        assert_eq!(refused, Value::Error("READONLY You can't write against a read only replica.".into()));
    }
}

#[test]
fn a_function_without_end_is_told_of_and_killed() {
    const BUSY: &str =
        "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.";
    for threads in ["1", "3"] {
        let server = start(Kind::Slotway, &["--busy-reply-threshold", "20", "--data-threads", threads]);
        let mut other = server.connect();
        let code = "#!lua name=endless\nredis.register_function('Endless', function() while true do end end)";
        other.call(&["FUNCTION", "LOAD", code]);
        let mut caller = server.connect();
        caller.send(&request(&["FCALL", "endless", "0", "argument"])).expect("the server reads");
        let busy = Value::Error(BUSY.into());
        PATIENCE.wait_until("others are told", || other.call(&["PING"]) == busy);
        assert_eq!(other.call(&["FUNCTION", "LIST"]), busy);
        let told = format!("{:?}", other.call(&["FUNCTION", "STATS"]));
        assert!(
            ["Endless", "FCALL", "argument", "duration_ms"].map(|text| contains(&told, text)) == [true; 4],
            "{told}"
        );
        assert_eq!(other.call(&["SCRIPT", "KILL"]), busy);
        assert_eq!(other.call(&["FUNCTION", "KILL"]), ok());
        let Value::Error(text) = caller.read().expect("a reply").value else { panic!("it was killed") };
        assert!(text.starts_with("ERR Script killed by user with FUNCTION KILL..."), "{text}");
        assert_eq!(caller.call(&["PING"]), Value::Simple("PONG".into()));
        assert_eq!(
            other.call(&["FUNCTION", "KILL"]),
            Value::Error("NOTBUSY No scripts in execution right now.".into())
        );
    }
}

/// Whether a reply that has been printed has a text, in bytes or as it is.
fn contains(printed: &str, text: &str) -> bool {
    printed.contains(text) || printed.contains(&format!("{:?}", text.as_bytes()))
}

#[test]
fn functions_are_those_of_all_threads() {
    let server = start(Kind::Slotway, &["--data-threads", "3"]);
    load(&mut server.connect());
    let clients: Vec<_> = (0..6)
        .map(|number| {
            let mut connection = server.connect();
            thread::spawn(move || {
                let name = format!("own{number}");
                let code = format!(
                    "#!lua name={name}\nredis.register_function('{name}', function(keys) return redis.call('incr', keys[1]) end)"
                );
                for round in 1..=100 {
                    let loaded = connection.call(&["FUNCTION", "LOAD", "REPLACE", &code]);
                    assert_eq!(loaded, Value::Bulk(name.clone().into_bytes()));
                    assert_eq!(connection.call(&["FCALL", &name, "1", &name]), Value::Integer(round));
                    assert_eq!(connection.call(&["FCALL", "put", "1", "shared", &name]), ok());
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("no reply was wrong"));
    let mut connection = server.connect();
    assert_eq!(connection.info("number_of_libraries"), "7");
    assert_eq!(connection.info("number_of_functions"), "8");
}
