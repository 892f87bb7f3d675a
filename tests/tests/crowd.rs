//! Many clients and greedy ones: ten thousand idle, more than `maxclients`, lengths announced and never sent.
//!
//! The limits on memory are many times what is needed, and a fraction of what careless buffering would take.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};

const IDLE: usize = 10_000;
/// Resident memory for one idle client, at most: buffers may exist, but not large ones.
const IDLE_MAX_KIB: u64 = 24;
const MAXCLIENTS: usize = 50;
/// Clients that announce what they never send.
const GREEDY: usize = 20;
/// Growth allowed for all of them together.
const GREEDY_MAX_KIB: u64 = 64 * 1024;
/// How long a freed place may take to be given away again.
const FREED_MAX: Duration = Duration::from_secs(10);

#[test]
fn ten_thousand_idle_clients_cost_little_and_are_all_served() {
    // Both ends take a file each; the server's limit is its own.
    let limit = rlimit::increase_nofile_limit(2 * IDLE as u64).unwrap_or(0);
    assert!(
        limit > IDLE as u64 + 100,
        "this test needs a limit of open files above {IDLE}, and it is {limit}"
    );
    let server = Server::slotway(&["--maxclients", "10100"]);
    let before = server.resident_kib();
    let mut idle: Vec<Connection> = (0..IDLE).map(|_| server.connect()).collect();
    for connection in &mut idle {
        assert_eq!(connection.call(&["PING"]), Value::Simple("PONG".into()));
    }
    let growth = server.resident_kib().saturating_sub(before);
    assert!(growth < IDLE as u64 * IDLE_MAX_KIB, "{IDLE} idle clients take {growth} KiB");
    for connection in idle.iter_mut().rev() {
        assert_eq!(connection.call(&["ECHO", "still there"]), Value::Bulk(b"still there".to_vec()));
    }
}

#[test]
fn clients_past_maxclients_are_refused_as_redis_refuses_them() {
    let options = ["--maxclients", &MAXCLIENTS.to_string()];
    let (ours, theirs) = (Server::slotway(&options), Server::redis(&options));
    let mut served: Vec<Connection> = served(&ours);
    let their_clients = self::served(&theirs);
    let refusal = theirs.connect().read_to_close().expect("a close");
    for _ in 0..20 {
        assert_eq!(ours.connect().read_to_close().expect("a close"), refusal);
    }
    assert_eq!(refusal, b"-ERR max number of clients reached\r\n");
    for connection in &mut served {
        assert_eq!(connection.call(&["PING"]), Value::Simple("PONG".into()));
    }
    drop((served.pop(), their_clients));
    assert!(serves_again(&ours), "a place that became free stays empty");
}

#[test]
fn what_is_announced_and_never_sent_takes_no_memory() {
    let mut server = Server::slotway(&["--maxclients", "1000"]);
    let before = server.resident_kib();
    let announced: [&[u8]; 5] = [
        b"*2\r\n$4\r\nECHO\r\n$536870912\r\nabc",
        b"*2147483647\r\n$4\r\nMGET\r\n",
        b"*1048576\r\n",
        b"*3\r\n$3\r\nSET\r\n$536870912\r\n",
        b"*1000000\r\n$1\r\na\r\n$536870912\r\n",
    ];
    let mut greedy: Vec<Connection> = Vec::new();
    for bytes in announced.iter().flat_map(|bytes| [bytes; GREEDY / 5]) {
        let mut connection = server.connect();
        connection.send(bytes).expect("a server reads what is sent");
        greedy.push(connection);
    }
    assert_eq!(server.connect().call(&["PING"]), Value::Simple("PONG".into()));
    let growth = server.resident_kib().saturating_sub(before);
    assert!(growth < GREEDY_MAX_KIB, "announcements take {growth} KiB");
    assert!(server.is_running());
}

#[test]
fn a_large_value_comes_back_whole_and_its_buffers_go() {
    let server = Server::slotway(&["--maxclients", "100"]);
    let before = server.resident_kib();
    let value: Vec<u8> = (0..32 * 1024 * 1024u32).map(|n| (n % 251) as u8).collect();
    let mut connection = server.connect();
    assert_eq!(connection.call(&[&b"SET"[..], b"large", &value]), Value::Simple("OK".into()));
    assert!(connection.call(&["GET", "large"]) == Value::Bulk(value), "the value came back changed");
    assert_eq!(connection.call(&["DEL", "large"]), Value::Integer(1));
    // A new client makes the server look around; an allocator may keep some of it.
    drop(connection);
    assert_eq!(server.connect().call(&["PING"]), Value::Simple("PONG".into()));
    let growth = server.resident_kib().saturating_sub(before);
    assert!(growth < 5 * 32 * 1024, "{growth} KiB remain of a value of 32 MiB");
}

/// As many clients as the server takes, each of them served.
fn served(server: &Server) -> Vec<Connection> {
    let mut served = Vec::new();
    // The probes by which the harness knew that it is up may not be gone yet.
    let give_up = Instant::now() + FREED_MAX;
    while served.len() < MAXCLIENTS && Instant::now() < give_up {
        let mut connection = server.connect();
        if is_served(&mut connection) {
            served.push(connection);
        }
    }
    assert_eq!(served.len(), MAXCLIENTS);
    served
}

fn is_served(connection: &mut Connection) -> bool {
    let reply = connection.send(&request(&["PING"])).and_then(|()| connection.read());
    match reply {
        Ok(reply) => reply.bytes == b"+PONG\r\n",
        Err(error) => {
            let closed = matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
            );
            assert!(closed, "a server hangs: {error}");
            false
        }
    }
}

fn serves_again(server: &Server) -> bool {
    let give_up = Instant::now() + FREED_MAX;
    while Instant::now() < give_up {
        if is_served(&mut server.connect()) {
            return true;
        }
        thread::sleep(Duration::from_millis(2));
    }
    false
}
