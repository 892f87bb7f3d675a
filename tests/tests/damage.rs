//! Files that are damaged, and primaries that send anything: a clear error, never a crash, never data that is silently wrong.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_engine::config::Config;
use slotway_engine::keyspace::KeyHasher;
use slotway_engine::rdb::{ReadOptions, Reader, Step};
use slotway_engine::value::Limits;
use slotway_tests::binaries;
use slotway_tests::dataset::fill;
use slotway_tests::ports::free_port;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::request;
use slotway_tests::workload::operate;

const HASHER: KeyHasher = KeyHasher::new(1);
/// Bits flipped in a large file.
const FLIPS: usize = 150;
/// Damaged files that a server is started with, and primaries that a replica meets.
const STARTS: u64 = 40;

/// What a redis-server saves after `make`.
fn snapshot(make: impl FnOnce(&mut slotway_tests::wire::Connection)) -> Vec<u8> {
    let redis = Server::redis(&["--enable-debug-command", "yes"]);
    let mut connection = redis.connect();
    make(&mut connection);
    assert_eq!(connection.call(&["SAVE"]), Value::Simple("OK".into()));
    fs::read(redis.dir().join("dump.rdb")).expect("it is saved")
}

/// True when the file is read to its end without an error.
fn is_read(bytes: &[u8]) -> bool {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    let mut reader = Reader::new(ReadOptions { verifies_checksum: true });
    let mut start = 0;
    loop {
        match reader.next(&bytes[start..], &limits) {
            Ok(Step::Item { consumed, .. }) => start += consumed,
            Ok(Step::End { .. }) => return true,
            Ok(Step::Incomplete) => return reader.unexpected_end(bytes.len() - start).to_string().is_empty(),
            Err(error) => return error.to_string().is_empty(),
        }
    }
}

/// A key of each type, small and large enough for each encoding.
fn make_some(connection: &mut slotway_tests::wire::Connection) {
    for line in [
        "SET s text",
        "SET n 12345",
        "SET e x EX 1000000",
        "RPUSH l a b 1 2",
        "SADD i 1 2 70000",
        "SADD t a b c",
        "HSET h f v g 1",
        "ZADD z 1 a 2.5 b",
        "XADD x 1-1 f v",
        "XGROUP CREATE x g 0",
        "XREADGROUP GROUP g alice STREAMS x >",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = connection.call(&words);
        assert!(!matches!(reply, Value::Error(_)), "{line}: {reply:?}");
    }
    connection.call(&["SET", "packed", &"abc".repeat(50)]);
}

#[test]
fn no_bit_of_a_small_snapshot_can_flip_unnoticed() {
    let whole = snapshot(make_some);
    assert!(is_read(&whole));
    let flips = (0..whole.len()).flat_map(|at| (0..8).map(move |bit| (at, bit)));
    let unnoticed: Vec<_> = flips.filter(|(at, bit)| is_read(&flipped(&whole, *at, *bit))).collect();
    assert_eq!(unnoticed, [], "of {} bytes", whole.len());
}

#[test]
fn no_bit_of_a_large_snapshot_can_flip_unnoticed() {
    let whole = snapshot(|connection| {
        fill(connection, 31);
        operate(connection, 31, 5000);
    });
    assert!(is_read(&whole));
    let mut random = Random::new(32);
    for _ in 0..FLIPS {
        let (at, bit) = (random.below(whole.len()), random.below(8));
        assert!(!is_read(&flipped(&whole, at, bit)), "bit {bit} of byte {at} of {}", whole.len());
    }
}

fn flipped(whole: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    bytes[at] ^= 1 << bit;
    bytes
}

/// Some bytes changed, removed, doubled or cut off.
fn damaged(random: &mut Random, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => drop(bytes.drain(at..(at + 1 + random.below(20)).min(bytes.len()))),
            3 => {
                bytes.splice(at..at, whole[at.min(whole.len() - 1)..].iter().take(30).copied()).for_each(drop)
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

/// Starts a server with the files in `dir`. What it says when it refuses them; `None` when it takes them.
fn refusal(dir: &str, options: &[&str]) -> Option<String> {
    let port = free_port();
    let mut command = Command::new(binaries::slotway());
    command
        .args(["server", "--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir", dir])
        .args(options);
    command.stdin(Stdio::null());
    let mut server = Server::spawn(command, port);
    loop {
        if slotway_tests::server::answers(port) {
            return None;
        }
        if !server.is_running() {
            let status = server.wait_for_exit();
            assert_eq!(status.code(), Some(1), "it ends by itself: {}", server.output());
            return Some(server.output());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn files_of(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(dir.join("appendonlydir")).expect("it is ours").flatten();
    files.map(|file| (file.path(), fs::read(file.path()).expect("it is ours"))).collect()
}

/// Manifest, base and increment, whichever is damaged: the server says why it does not start, or starts.
#[test]
fn damaged_append_only_files_are_refused_with_a_word_or_loaded() {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let dir = folder.path().to_str().expect("a name of ASCII");
    let aof = ["--appendonly", "yes", "--enable-debug-command", "yes"];
    let server = Server::slotway(&[&["--dir", dir][..], &aof].concat());
    let mut connection = server.connect();
    make_some(&mut connection);
    connection.call(&["BGREWRITEAOF"]);
    operate(&mut connection, 33, 500);
    assert!(server.terminate().success());
    let whole = files_of(folder.path());
    let mut refused = 0;
    for seed in 0..STARTS {
        let mut random = Random::new(seed);
        fs::remove_dir_all(folder.path().join("appendonlydir")).expect("it is ours");
        fs::create_dir(folder.path().join("appendonlydir")).expect("it is ours");
        let chosen = random.below(whole.len());
        for (at, (path, bytes)) in whole.iter().enumerate() {
            let bytes = if at == chosen { damaged(&mut random, bytes) } else { bytes.clone() };
            fs::write(path, bytes).expect("it is ours");
        }
        if let Some(said) = refusal(dir, &aof) {
            refused += 1;
            assert!(said.contains("AOF") || said.contains("append only"), "seed {seed}: it says why: {said}");
            assert!(!said.contains("panicked"), "seed {seed}: {said}");
        }
    }
    assert!(refused > 0, "some of that is damage that shows");
}

/// A primary's whole part of a conversation, with bytes changed: the replica lives on, and tries again.
#[test]
fn a_replica_survives_a_primary_that_sends_anything() {
    let snapshot = snapshot(make_some);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let replica = Server::slotway(&["--enable-debug-command", "yes"]);
    for seed in 0..STARTS {
        let mut random = Random::new(seed);
        let mark = "m".repeat(40);
        let commands: Vec<u8> =
            [&["SELECT", "0"][..], &["SET", "a", "1"], &["MULTI"], &["INCR", "b"], &["EXEC"], &["PING"]]
                .iter()
                .flat_map(|words| request(words))
                .collect();
        let history = format!("+FULLRESYNC {} 100\r\n", "a".repeat(40));
        let (head, tail) = match random.below(2) {
            0 => (format!("${}\r\n", snapshot.len()), String::new()),
            _ => (format!("$EOF:{mark}\r\n"), mark),
        };
        let mut script =
            [history.as_bytes(), b"\n", head.as_bytes(), &snapshot, tail.as_bytes(), &commands].concat();
        if seed > 1 {
            script = match random.below(3) {
                // The lines in front, the snapshot, or what follows it.
                0 => [damaged(&mut random, &script[..100]), script[100..].to_vec()].concat(),
                1 => damaged(&mut random, &script),
                _ => {
                    let end = script.len() - commands.len();
                    [script[..end].to_vec(), damaged(&mut random, &commands)].concat()
                }
            };
        }
        let mut control = replica.connect();
        control.call(&["REPLICAOF", "127.0.0.1", &port.to_string()]);
        converse(&listener, &script);
        control.call(&["REPLICAOF", "NO", "ONE"]);
        assert_eq!(control.call(&["PING"]), Value::Simple("PONG".into()), "seed {seed}");
        assert!(!replica.output().contains("panicked"), "seed {seed}: {}", replica.output());
    }
}

/// Answers the handshake of whoever connects, then says all of `script` and hears no more.
fn converse(listener: &TcpListener, script: &[u8]) {
    let (mut stream, _) = listener.accept().expect("the replica connects");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket takes a timeout");
    let (mut heard, mut answered) = (Vec::new(), 0);
    let mut chunk = [0; 4096];
    loop {
        let len = stream.read(&mut chunk).expect("the replica speaks");
        assert!(len > 0, "the replica asks for data: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&chunk[..len]);
        let text = String::from_utf8_lossy(&heard).into_owned();
        if text.contains("PSYNC") {
            break;
        }
        // Each request is one array, and gets one line.
        let asked = text.matches('*').count();
        for number in answered..asked {
            stream
                .write_all(if number == 0 { b"+PONG\r\n" } else { b"+OK\r\n" })
                .expect("the replica listens");
        }
        answered = asked;
    }
    // Whoever is told nonsense may hang up in the middle; whoever is told everything acknowledges it.
    let _ = stream.write_all(script);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    while stream.read(&mut chunk).is_ok_and(|len| len > 0) {}
}
