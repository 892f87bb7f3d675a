//! Scripts on a running server: those that do not end, what they leave behind, and several threads.

use std::process::Command;
use std::thread;
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::patience::Patience;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};

/// A script is noticed, or ends, no later.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(5) };
const ENDLESS: &str = "while true do end";
const BUSY: &str = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";

fn error(text: &str) -> Value {
    Value::Error(text.into())
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

/// Begins a script, without waiting for its reply.
fn begin(server: &Server, script: &str) -> Connection {
    let mut connection = server.connect();
    connection.send(&request(&["EVAL", script, "0"])).expect("the server reads");
    connection
}

/// Asks until others are told that a script takes its time.
fn wait_until_busy(connection: &mut Connection) {
    PATIENCE.wait_until("others are told", || connection.call(&["PING"]) == error(BUSY));
}

fn reply(connection: &mut Connection) -> Value {
    connection.read().expect("a reply").value
}

#[test]
fn a_script_without_end_is_reported_and_killed() {
    for threads in ["1", "3"] {
        let server = Server::slotway(&["--busy-reply-threshold", "20", "--data-threads", threads]);
        let mut before = server.connect();
        assert_eq!(before.call(&["SCRIPT", "KILL"]), error("NOTBUSY No scripts in execution right now."));
        let mut script = begin(&server, ENDLESS);
        wait_until_busy(&mut before);
        // Who comes now is served too, and a request in two parts is put together.
        let mut after = server.connect();
        assert_eq!(after.call(&["GET", "a"]), error(BUSY));
        let (start, end) = b"*2\r\n$6\r\nSCRIPT\r\n$4\r\nKILL\r\n".split_at(17);
        after.send(start).expect("the server reads");
        assert_eq!(before.call(&["GET", "a"]), error(BUSY));
        after.send(end).expect("the server reads");
        assert_eq!(reply(&mut after), ok());
        let Value::Error(text) = reply(&mut script) else { panic!("it was killed") };
        assert!(text.starts_with("ERR Script killed by user with SCRIPT KILL..."), "{text}");
        for connection in [&mut before, &mut after, &mut script] {
            assert_eq!(connection.call(&["PING"]), Value::Simple("PONG".into()));
        }
    }
}

#[test]
fn a_script_that_has_written_is_ended_by_the_end_of_the_server_only() {
    let mut server = Server::slotway(&["--busy-reply-threshold", "20"]);
    let mut other = server.connect();
    let _script = begin(&server, &format!("redis.call('set', 'a', 1) {ENDLESS}"));
    wait_until_busy(&mut other);
    let Value::Error(text) = other.call(&["SCRIPT", "KILL"]) else { panic!("it has written") };
    assert!(text.starts_with("UNKILLABLE Sorry the script already executed write commands"), "{text}");
    assert_eq!(other.call(&["SHUTDOWN"]), error(BUSY));
    other.send(&request(&["SHUTDOWN", "NOSAVE"])).expect("the server reads");
    server.wait_for_exit();
}

#[test]
fn sigterm_waits_for_a_script_as_in_redis() {
    let options = ["--busy-reply-threshold", "20"];
    for mut server in [Server::redis(&options), Server::slotway(&options)] {
        let mut other = server.connect();
        let _script = begin(&server, ENDLESS);
        wait_until_busy(&mut other);
        let signalled = Command::new("kill").args(["-TERM", &server.pid().to_string()]).status();
        assert!(signalled.expect("there is kill").success());
        // It goes on, others are told, and who ends the script ends the server.
        assert_eq!(other.call(&["PING"]), error(BUSY));
        assert_eq!(other.call(&["SCRIPT", "KILL"]), ok());
        server.wait_for_exit();
    }
}

#[test]
fn who_must_authenticate_can_do_so_to_end_a_script() {
    let server = Server::slotway(&["--busy-reply-threshold", "20", "--requirepass", "secret"]);
    let mut other = server.connect();
    assert_eq!(other.call(&["AUTH", "secret"]), ok());
    let mut script = server.connect();
    assert_eq!(script.call(&["AUTH", "secret"]), ok());
    script.send(&request(&["EVAL", ENDLESS, "0"])).expect("the server reads");
    wait_until_busy(&mut other);
    let mut late = server.connect();
    assert_eq!(late.call(&["SCRIPT", "KILL"]), error("NOAUTH Authentication required."));
    assert_eq!(late.call(&["AUTH", "secret"]), ok());
    assert_eq!(late.call(&["SCRIPT", "KILL"]), ok());
    assert!(matches!(reply(&mut script), Value::Error(_)));
    // What was said meanwhile still holds.
    assert_eq!(late.call(&["PING"]), Value::Simple("PONG".into()));
}

#[test]
fn scripts_of_several_threads_lose_nothing() {
    let server = Server::slotway(&["--data-threads", "3"]);
    let clients: Vec<_> = (0..6)
        .map(|number| {
            let mut connection = server.connect();
            thread::spawn(move || {
                let script = "redis.call('incr', KEYS[1]) return redis.call('incr', KEYS[2])";
                let own = format!("own:{number}");
                for _ in 0..200 {
                    let reply = connection.call(&["EVAL", script, "2", &own, "shared"]);
                    assert!(matches!(reply, Value::Integer(_)), "{reply:?}");
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("no reply was wrong"));
    let mut connection = server.connect();
    assert_eq!(connection.call(&["GET", "shared"]), Value::Bulk(b"1200".to_vec()));
    assert_eq!(connection.call(&["GET", "own:3"]), Value::Bulk(b"200".to_vec()));
}
