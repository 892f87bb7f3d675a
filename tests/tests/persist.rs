//! What is saved is there after a restart, of Slotway or of Redis; and nothing that fails takes the last snapshot away.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::dataset::{digest, fill};
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};
use tempfile::TempDir;

/// A background save takes no longer.
const SAVE_MAX: Duration = Duration::from_secs(60);

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let name = folder.path().to_str().expect("a temporary directory has a name of ASCII").to_owned();
    (folder, name)
}

fn options<'a>(dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--dir", dir, "--enable-debug-command", "yes"], more].concat()
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

/// A line of INFO.
fn info(connection: &mut Connection, name: &str) -> String {
    let Value::Bulk(text) = connection.call(&["INFO", "everything"]) else { panic!("INFO is text") };
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

fn wait_for_save(connection: &mut Connection) {
    let give_up = Instant::now() + SAVE_MAX;
    while info(connection, "rdb_bgsave_in_progress") != "0" {
        assert!(Instant::now() < give_up, "the save does not end");
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(info(connection, "rdb_last_bgsave_status"), "ok");
}

#[test]
fn what_is_saved_is_there_after_a_restart_of_either_server() {
    for threads in ["1", "3"] {
        let (_folder, dir) = folder();
        let server = Server::slotway(&options(&dir, &["--data-threads", threads]));
        let mut connection = server.connect();
        for db in ["0", "9"] {
            connection.call(&["SELECT", db]);
            fill(&mut connection, 3);
        }
        assert_eq!(connection.call(&["SAVE"]), ok());
        let before = digest(&mut connection);
        drop(server);
        assert_eq!(digest(&mut Server::redis(&options(&dir, &[])).connect()), before);
        let again = Server::slotway(&options(&dir, &["--data-threads", threads]));
        assert_eq!(digest(&mut again.connect()), before);
        assert!(again.output().contains("Done loading RDB, keys loaded: "), "{}", again.output());
    }
}

#[test]
fn a_file_of_redis_is_loaded() {
    let (_folder, dir) = folder();
    let redis = Server::redis(&options(&dir, &[]));
    let mut connection = redis.connect();
    fill(&mut connection, 4);
    assert_eq!(connection.call(&["SAVE"]), ok());
    let before = digest(&mut connection);
    drop(redis);
    let slotway = Server::slotway(&options(&dir, &[]));
    assert_eq!(digest(&mut slotway.connect()), before);
    assert_eq!(slotway.connect().call(&["DEBUG", "RELOAD"]), ok());
    assert_eq!(digest(&mut slotway.connect()), before);
}

/// Whatever is written, removed or flushed while the snapshot is taken.
#[test]
fn a_snapshot_in_the_background_is_of_one_moment() {
    for (threads, flush) in [("1", None), ("1", Some("FLUSHDB")), ("3", None)] {
        let (_folder, dir) = folder();
        let server = Server::slotway(&options(&dir, &["--data-threads", threads]));
        let mut connection = server.connect();
        fill(&mut connection, 5);
        connection.call(&["DEBUG", "POPULATE", "200000", "more", "100"]);
        // Slices that are some time apart: there is time to write in between.
        connection.call(&["CONFIG", "SET", "rdb-key-save-delay", "200"]);
        let before = digest(&mut connection);
        assert_eq!(connection.call(&["BGSAVE"]), Value::Simple("Background saving started".into()));
        let busy = Value::Error("ERR Background save already in progress".into());
        assert_eq!(connection.call(&["BGSAVE"]), busy);
        assert_eq!(connection.call(&["SAVE"]), busy);
        if let Some(flush) = flush {
            assert_eq!(connection.call(&[flush]), ok());
        }
        fill(&mut connection, 6);
        let mut random = Random::new(7);
        for _ in 0..20_000 {
            let key = format!("more:{}", random.below(200_000));
            match random.below(3) {
                0 => drop(connection.call(&["SET", &key, "new"])),
                1 => drop(connection.call(&["DEL", &key])),
                _ => drop(connection.call(&["APPEND", &key, "more"])),
            }
        }
        wait_for_save(&mut connection);
        check(&Path::new(&dir).join("dump.rdb"));
        assert_ne!(digest(&mut connection), before, "something has been written meanwhile");
        drop(server);
        let redis = Server::redis(&options(&dir, &[]));
        assert_eq!(digest(&mut redis.connect()), before, "{threads} threads, {flush:?}");
    }
}

fn check(path: &Path) {
    let checked = Command::new(binaries::redis_check_rdb()).arg(path).output().expect("redis-check-rdb runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn the_end_saves_where_snapshots_are_configured() {
    for (save, ending, is_kept) in [
        ("900 1", "SIGTERM", true),
        ("", "SIGTERM", false),
        ("900 1", "SHUTDOWN NOSAVE", false),
        ("", "SHUTDOWN SAVE", true),
        ("", "SHUTDOWN", false),
    ] {
        let (_folder, dir) = folder();
        let mut server = Server::slotway(&options(&dir, &["--save", save]));
        let mut connection = server.connect();
        connection.call(&["SET", "a", "1"]);
        if ending == "SIGTERM" {
            assert!(server.terminate().success());
        } else {
            let words: Vec<&str> = ending.split(' ').collect();
            connection.send(&slotway_tests::wire::request(&words)).expect("it listens");
            assert!(server.wait_for_exit().success());
        }
        assert_eq!(Path::new(&dir).join("dump.rdb").exists(), is_kept, "save '{save}', {ending}");
    }
}

/// The snapshot under way is of an earlier moment, and must not take the place of the last one.
#[test]
fn the_end_does_not_wait_for_a_snapshot_under_way() {
    for save in [Some("SAVE"), None] {
        let (_folder, dir) = folder();
        let mut server = Server::slotway(&options(&dir, &[]));
        let mut connection = server.connect();
        connection.call(&["DEBUG", "POPULATE", "100000", "key", "100"]);
        connection.call(&["CONFIG", "SET", "rdb-key-save-delay", "1000000"]);
        connection.call(&["BGSAVE"]);
        connection.call(&["SET", "late", "1"]);
        let words = ["SHUTDOWN", save.unwrap_or("NOSAVE")];
        connection.send(&slotway_tests::wire::request(&words)).expect("it listens");
        assert!(server.wait_for_exit().success());
        let left: Vec<_> =
            fs::read_dir(&dir).expect("it is ours").flatten().map(|file| file.file_name()).collect();
        assert_eq!(left.len(), usize::from(save.is_some()), "{left:?}");
        if save.is_some() {
            let again = Server::slotway(&options(&dir, &[]));
            assert_eq!(again.connect().call(&["DBSIZE"]), Value::Integer(100_001));
        }
    }
}

#[test]
fn a_snapshot_is_made_when_it_is_due() {
    let (_folder, dir) = folder();
    let server = Server::slotway(&options(&dir, &["--save", "1 2"]));
    let mut connection = server.connect();
    connection.call(&["SET", "a", "1"]);
    assert_eq!(info(&mut connection, "rdb_changes_since_last_save"), "1");
    connection.call(&["SET", "b", "1"]);
    let give_up = Instant::now() + SAVE_MAX;
    while !Path::new(&dir).join("dump.rdb").exists() {
        assert!(Instant::now() < give_up, "{}", server.output());
        thread::sleep(Duration::from_millis(20));
    }
    wait_for_save(&mut connection);
    assert_eq!(info(&mut connection, "rdb_changes_since_last_save"), "0");
    assert!(server.output().contains("2 changes in 1 seconds. Saving..."), "{}", server.output());
}

#[test]
fn while_snapshots_fail_writes_are_refused() {
    let (_folder, dir) = folder();
    // A folder that is not empty, where the file should be.
    let obstacle = Path::new(&dir).join("dump.rdb/x");
    let server = Server::slotway(&options(&dir, &["--save", "900 1"]));
    fs::create_dir_all(&obstacle).expect("the directory is ours");
    let mut connection = server.connect();
    connection.call(&["SET", "a", "1"]);
    assert_eq!(connection.call(&["SAVE"]), Value::Error("ERR".into()));
    connection.call(&["BGSAVE"]);
    let give_up = Instant::now() + SAVE_MAX;
    while info(&mut connection, "rdb_last_bgsave_status") == "ok" {
        assert!(Instant::now() < give_up, "{}", server.output());
        thread::sleep(Duration::from_millis(5));
    }
    for words in [&["SET", "a", "2"][..], &["PING"]] {
        let Value::Error(error) = connection.call(words) else { panic!("{words:?} is refused") };
        assert!(error.starts_with("MISCONF Redis is configured to save RDB snapshots"), "{error}");
    }
    assert_eq!(connection.call(&["GET", "a"]), Value::Bulk(b"1".to_vec()));
    fs::remove_dir_all(obstacle.parent().expect("made above")).expect("it is ours");
    assert_eq!(connection.call(&["SAVE"]), ok());
    assert_eq!(connection.call(&["SET", "a", "2"]), ok());
}

#[test]
fn a_damaged_file_is_told_and_nothing_is_served() {
    let (_folder, dir) = folder();
    let server = Server::slotway(&options(&dir, &[]));
    let mut connection = server.connect();
    fill(&mut connection, 8);
    assert_eq!(connection.call(&["SAVE"]), ok());
    drop(server);
    let path = Path::new(&dir).join("dump.rdb");
    let whole = fs::read(&path).expect("SAVE has written a file");
    let middle = whole.len() / 2;
    let mut flipped = whole.clone();
    flipped[middle] ^= 0x10;
    for (bytes, reason) in [(&flipped[..], "is damaged"), (&whole[..middle], "")] {
        fs::write(&path, bytes).expect("the directory is ours");
        let ended = Command::new(binaries::slotway())
            .args(["server", "--port", "0", "--save", "", "--dir", &dir])
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("Fatal error loading the DB") && said.contains(reason), "{said}");
        assert!(said.contains("byte"), "it says where: {said}");
    }
}

#[test]
fn what_writes_add_to_a_snapshot_that_is_slow_is_bounded() {
    const KEYS: usize = 60_000;
    let (_folder, dir) = folder();
    let server = Server::slotway(&options(&dir, &["--rdbcompression", "no"]));
    let mut connection = server.connect();
    connection.call(&["DEBUG", "POPULATE", &KEYS.to_string(), "key", "1000"]);
    // Each slice is followed by a pause: all the keys would be kept aside in the first of them.
    connection.call(&["CONFIG", "SET", "rdb-key-save-delay", "60000000"]);
    connection.call(&["BGSAVE"]);
    let before = server.resident_kib();
    for start in (0..KEYS).step_by(1000) {
        let set = |number: usize| request(&["SET", &format!("key:{number}"), &"x".repeat(1000)]);
        connection.send(&(start..start + 1000).flat_map(set).collect::<Vec<u8>>()).expect("the server reads");
        for _ in 0..1000 {
            assert_eq!(connection.read().expect("a reply").value, ok());
        }
    }
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 40 * 1024, "{grown} KiB are kept of {KEYS} values of 1000 bytes");
}
