//! Passwords are in no log, and in nothing that the server tells of itself or of others.

use slotway_tests::server::Kind;
use slotway_tests::wire::{Connection, request};

const SECRETS: [&str; 5] =
    ["first-s3cret", "second-s3cret", "of-the-primary-s3cret", "of-alice-s3cret", "wrong-s3cret"];

/// What a server answers, with all the bytes of its texts.
fn told(connection: &mut Connection, words: &[&str]) -> String {
    connection.send(&request(words)).expect("the server reads");
    String::from_utf8_lossy(&connection.read().expect("the server answers").bytes).into_owned()
}

#[test]
fn passwords_show_nowhere() {
    let [first, second, of_primary, of_alice, wrong] = SECRETS;
    for kind in [Kind::Slotway, Kind::Redis] {
        let server = kind.start(&[
            "--loglevel",
            "debug",
            "--slowlog-log-slower-than",
            "0",
            "--latency-tracking",
            "yes",
        ]);
        let (mut one, mut monitor) = (server.connect(), server.connect());
        monitor.call(&["MONITOR"]);
        one.call(&["CONFIG", "SET", "requirepass", first]);
        one.call(&["CONFIG", "SET", "masterauth", of_primary]);
        one.call(&["AUTH", "default", wrong]);
        one.call(&["AUTH", first]);
        one.call(&["CONFIG", "SET", "requirepass", second]);
        one.call(&["HELLO", "3", "AUTH", "default", second]);
        one.call(&["HELLO", "2"]);
        one.call(&["ACL", "SETUSER", "alice", "on", &format!(">{of_alice}"), "+@all"]);
        one.call(&["AUTH", "alice", wrong]);
        one.call(&["REPLICAOF", "127.0.0.1", "1"]);
        one.call(&["REPLICAOF", "NO", "ONE"]);
        one.call(&["PING"]);
        let questions: [&[&str]; 8] = [
            &["SLOWLOG", "GET", "-1"],
            &["INFO", "everything"],
            &["CLIENT", "LIST"],
            &["ACL", "LIST"],
            &["ACL", "GETUSER", "alice"],
            &["ACL", "LOG"],
            &["COMMAND", "COUNT"],
            &["GET", "the-end"],
        ];
        let mut all: Vec<String> = questions.iter().map(|words| told(&mut one, words)).collect();
        loop {
            let line = String::from_utf8_lossy(&monitor.read().expect("a line").bytes).into_owned();
            let is_last = line.contains("the-end");
            all.push(line);
            if is_last {
                break;
            }
        }
        assert!(
            all[0].contains("(redacted)"),
            "{kind:?} tells of the commands, without what they hide: {}",
            all[0]
        );
        all.push(server.output());
        for (secret, text) in SECRETS.iter().flat_map(|secret| all.iter().map(move |text| (secret, text))) {
            assert!(!text.contains(secret), "{kind:?} tells {secret} by {text}");
        }
    }
}
