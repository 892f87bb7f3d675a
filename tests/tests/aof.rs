//! The append-only file: nothing acknowledged is lost, whatever ends the process; and Redis understands it, as Slotway does Redis'.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::dataset::{difference, digest, fill};
use slotway_tests::patience::Patience;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;
use tempfile::TempDir;

/// A rewrite takes no longer.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(20) };

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let name = folder.path().to_str().expect("a temporary directory has a name of ASCII").to_owned();
    (folder, name)
}

fn options<'a>(dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--dir", dir, "--enable-debug-command", "yes", "--appendonly", "yes"], more].concat()
}

fn wait_for_rewrite(connection: &mut Connection, count: usize) {
    PATIENCE.wait_until("the rewrite ends", || {
        connection.info("aof_rewrites") == count.to_string()
            && connection.info("aof_rewrite_in_progress") == "0"
    });
    assert_eq!(connection.info("aof_last_bgrewrite_status"), "ok");
}

/// Changes of every kind, some of which depend on chance or time.
fn change(connection: &mut Connection, seed: u64) {
    let mut random = Random::new(seed);
    for _ in 0..500 {
        let key = format!("key:{}", random.below(600));
        match random.below(6) {
            0 => connection.call(&["SPOP", &key, "2"]),
            1 => connection.call(&["EXPIRE", &key, "1000"]),
            2 => connection.call(&["XADD", &key, "MAXLEN", "~", "10", "*", "f", "v"]),
            3 => connection.call(&["SET", &key, "v", "EX", "1000"]),
            4 => connection.call(&["DEL", &key]),
            _ => {
                connection.call(&["MULTI"]);
                connection.call(&["INCR", "counter"]);
                connection.call(&["RPUSH", "list", &key]);
                connection.call(&["EXEC"])
            }
        };
    }
}

#[test]
fn a_slow_write_is_remembered_under_the_names_of_redis() {
    let (_folder, dir) = folder();
    let options = options(&dir, &["--appendfsync", "no", "--latency-monitor-threshold", "10"]);
    let server = Server::slotway(&options);
    let mut connection = server.connect();
    // For Redis this is no part of the write; here it stands for a slow disk.
    connection.call(&["DEBUG", "AOF-FLUSH-SLEEP", "30000"]);
    connection.call(&["SET", "k", "v"]);
    connection.call(&["DEBUG", "AOF-FLUSH-SLEEP", "0"]);
    let latest = connection.call(&["LATENCY", "LATEST"]);
    let events = latest.as_items().expect("events").iter();
    let name = |event: &Value| event.as_items()?.first()?.as_str().map(str::to_owned);
    let mut names: Vec<String> = events.filter_map(name).filter(|name| name.starts_with("aof")).collect();
    names.sort_unstable();
    assert_eq!(names, ["aof-write", "aof-write-alone"]);
}

/// What a server has that starts from these files.
fn assert_same(server: &Server, before: &Value, kept: &mut Connection) {
    let mut connection = server.connect();
    if digest(&mut connection) != *before {
        panic!("what differs:\n{}", difference(kept, &mut connection));
    }
}

#[test]
fn what_is_appended_is_there_after_a_kill_on_either_server() {
    for threads in ["1", "3"] {
        let (_folder, dir) = folder();
        let server = Server::slotway(&options(&dir, &["--appendfsync", "always", "--data-threads", threads]));
        let mut connection = server.connect();
        connection.call(&["SELECT", "3"]);
        fill(&mut connection, 1);
        change(&mut connection, 2);
        connection.call(&["BGREWRITEAOF"]);
        wait_for_rewrite(&mut connection, 1);
        connection.call(&["SELECT", "0"]);
        fill(&mut connection, 3);
        change(&mut connection, 4);
        let before = digest(&mut connection);
        // Without a word: dropped servers are killed.
        drop(server);
        check(&dir);
        let redis = Server::redis(&options(&dir, &[]));
        let mut kept = redis.connect();
        assert_eq!(digest(&mut kept), before, "{threads} threads");
        drop(redis);
        let again = Server::slotway(&options(&dir, &["--data-threads", threads]));
        assert_eq!(digest(&mut again.connect()), before, "{threads} threads");
    }
}

#[test]
fn files_of_redis_are_loaded_and_gone_on_with() {
    let (_folder, dir) = folder();
    let redis = Server::redis(&options(&dir, &["--aof-timestamp-enabled", "yes"]));
    let mut connection = redis.connect();
    fill(&mut connection, 5);
    connection.call(&["BGREWRITEAOF"]);
    wait_for_rewrite(&mut connection, 1);
    change(&mut connection, 6);
    let before = digest(&mut connection);
    drop(redis);
    let slotway = Server::slotway(&options(&dir, &["--appendfsync", "always"]));
    let mut kept = slotway.connect();
    assert_eq!(digest(&mut kept), before);
    change(&mut kept, 7);
    let after = digest(&mut kept);
    drop(slotway);
    let redis = Server::redis(&options(&dir, &[]));
    assert_eq!(digest(&mut redis.connect()), after);
}

/// The file that everything begins with.
fn base(dir: &str) -> PathBuf {
    let files = fs::read_dir(Path::new(dir).join("appendonlydir")).expect("the folder is there");
    let mut names = files.flatten().map(|file| file.path());
    names.find(|path| path.to_string_lossy().contains(".base.")).expect("there is one")
}

/// What DEBUG DIGEST does not see: the groups of a stream, and what is pending there.
fn groups(connection: &mut Connection) -> Vec<Value> {
    let asked: [&[&str]; 4] = [
        &["XINFO", "GROUPS", "stream"],
        &["XINFO", "GROUPS", "none"],
        &["XPENDING", "stream", "readers"],
        &["XPENDING", "stream", "idle"],
    ];
    asked.map(|words| connection.call(words)).to_vec()
}

fn read_by_groups(connection: &mut Connection) {
    for words in [
        &["XADD", "stream", "1-1", "f", "v"][..],
        &["XADD", "stream", "2-1", "f", "v", "g", "w"],
        &["XADD", "stream", "3-1", "f", "v"],
        &["XGROUP", "CREATE", "stream", "readers", "0"],
        &["XGROUP", "CREATE", "stream", "idle", "2-1"],
        &["XGROUP", "CREATE", "none", "nobody", "$", "MKSTREAM"],
        &["XGROUP", "CREATECONSUMER", "stream", "idle", "bob"],
        &["XREADGROUP", "GROUP", "readers", "alice", "COUNT", "2", "STREAMS", "stream", ">"],
        &["XDEL", "stream", "3-1"],
    ] {
        let reply = connection.call(words);
        assert!(!matches!(reply, Value::Error(_)), "{words:?}: {reply:?}");
    }
}

#[test]
fn without_a_preamble_the_base_is_commands_that_either_server_writes_and_loads() {
    let begin: [fn(&[&str]) -> Server; 3] = [
        |options| Server::slotway(&[options, &["--data-threads", "1"]].concat()),
        |options| Server::slotway(&[options, &["--data-threads", "3"]].concat()),
        |options| Server::redis(options),
    ];
    for (seed, start) in (20..).zip(begin) {
        let (_folder, dir) = folder();
        let options = options(&dir, &["--aof-use-rdb-preamble", "no"]);
        let server = start(&options);
        let mut connection = server.connect();
        connection.call(&["SELECT", "3"]);
        fill(&mut connection, seed);
        connection.call(&["SELECT", "0"]);
        fill(&mut connection, seed + 10);
        read_by_groups(&mut connection);
        let rewrites = connection.info("aof_rewrites").parse().unwrap_or(0);
        connection.call(&["BGREWRITEAOF"]);
        change(&mut connection, seed);
        wait_for_rewrite(&mut connection, rewrites + 1);
        let before = (digest(&mut connection), groups(&mut connection));
        // Without a word: dropped servers are killed.
        drop(server);
        assert!(base(&dir).to_string_lossy().ends_with(".base.aof"), "{}", base(&dir).display());
        assert!(fs::read(base(&dir)).expect("it is there").starts_with(b"*2\r\n$6\r\nSELECT"));
        check(&dir);
        for start in begin {
            let server = start(&options);
            let mut kept = server.connect();
            assert_eq!((digest(&mut kept), groups(&mut kept)), before);
        }
    }
}

fn check(dir: &str) {
    let manifest = Path::new(dir).join("appendonlydir/appendonly.aof.manifest");
    let tool = binaries::redis_check_rdb().with_file_name("redis-check-aof");
    let checked =
        Command::new(tool).arg(&manifest).stdin(Stdio::null()).output().expect("redis-check-aof runs");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && said.contains("All AOF files and manifest are valid"), "{said}");
}

fn last_increment(dir: &str) -> PathBuf {
    let files = fs::read_dir(Path::new(dir).join("appendonlydir")).expect("the folder is there");
    let names = files.flatten().map(|file| file.path());
    names.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().expect("there is one")
}

#[test]
fn a_torn_tail_is_cut_off_with_a_word_and_what_is_before_stays() {
    let (_folder, dir) = folder();
    let server = Server::slotway(&options(&dir, &[]));
    let mut connection = server.connect();
    connection.call(&["SET", "a", "1"]);
    drop(server);
    let path = last_increment(&dir);
    let whole = fs::metadata(&path).expect("it is there").len();
    for tail in
        ["*3\r\n$3\r\nSET\r\n$1\r\nb", "*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n"]
    {
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is ours");
        file.write_all(tail.as_bytes()).expect("it is ours");
        let refused = Command::new(binaries::slotway())
            .args(["server", "--port", "0"])
            .args(options(&dir, &["--aof-load-truncated", "no"]))
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("at byte {whole}")), "{said}");
        let server = Server::slotway(&options(&dir, &[]));
        assert_eq!(server.connect().call(&["DBSIZE"]), Value::Integer(1));
        assert!(server.output().contains("cut at byte"), "{}", server.output());
        assert_eq!(fs::metadata(&path).expect("it is there").len(), whole);
    }
    for damage in ["nonsense\r\n", "\r\n", "*0\r\n", "SET b 2\r\n"] {
        let mut file = OpenOptions::new().append(true).open(&path).expect("it is ours");
        file.set_len(whole).and_then(|()| file.write_all(damage.as_bytes())).expect("it is ours");
        let slotway = [&["server", "--port", "0"][..], &options(&dir, &[])].concat();
        let socket = format!("{dir}/socket");
        let redis = [&["--port", "0", "--unixsocket", &socket][..], &options(&dir, &[])].concat();
        for (binary, options) in [(binaries::slotway(), slotway), (binaries::redis_server(), redis)] {
            let refused = Command::new(&binary).args(options).stdin(Stdio::null()).output();
            let refused = refused.expect("it starts");
            let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
            assert_eq!(refused.status.code(), Some(1), "what is damaged is not cut off: {damage:?}: {said}");
            assert!(said.contains("Bad file format reading the append only file"), "{damage:?}: {said}");
        }
    }
}

#[test]
fn it_can_begin_and_end_at_run_time_and_rewrites_itself_when_it_grows() {
    let (_folder, dir) = folder();
    let server = Server::slotway(&["--dir", &dir, "--enable-debug-command", "yes"]);
    let mut connection = server.connect();
    fill(&mut connection, 8);
    connection.call(&["CONFIG", "SET", "appendonly", "yes"]);
    wait_for_rewrite(&mut connection, 1);
    change(&mut connection, 9);
    connection.call(&[
        "CONFIG",
        "SET",
        "auto-aof-rewrite-min-size",
        "1",
        "auto-aof-rewrite-percentage",
        "20",
    ]);
    for number in 0..20_000 {
        connection.call(&["SET", "a", &number.to_string()]);
    }
    PATIENCE.wait_until("it rewrites itself", || connection.info("aof_rewrites") != "1");
    connection.call(&["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"]);
    let rewrites = || fs::read_dir(Path::new(&dir).join("appendonlydir")).expect("it is there").count();
    change(&mut connection, 10);
    let before = digest(&mut connection);
    assert!(server.terminate().success());
    assert_eq!(rewrites(), 3, "a base, an increment and the manifest");
    let again = Server::slotway(&options(&dir, &[]));
    assert_same(&again, &before, &mut again.connect());
}

/// Writes until the process is killed at a random moment; what was acknowledged is there afterwards.
#[test]
fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let (_folder, dir) = folder();
    let mut random = Random::new(11);
    let mut acknowledged = 0;
    for round in 0..5 {
        let server = Server::slotway(&options(&dir, &["--appendfsync", "always"]));
        let mut connection = server.connect();
        if round > 0 {
            let Value::Bulk(value) = connection.call(&["GET", "counter"]) else { panic!("it is lost") };
            let value: i64 = String::from_utf8_lossy(&value).parse().expect("a number");
            assert!(value >= acknowledged, "{acknowledged} was acknowledged, {value} is there");
            acknowledged = value;
        }
        let end = Instant::now() + Duration::from_millis(100 + random.below(300) as u64);
        while Instant::now() < end {
            let Value::Integer(value) = connection.call(&["INCR", "counter"]) else { panic!("it counts") };
            acknowledged = value;
            if value % 100 == 0 {
                connection.call(&["BGREWRITEAOF"]);
            }
        }
    }
}

/// The names of the increments, in order.
fn increments(dir: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(dir).join("appendonlydir")).expect("it is there");
    let mut names: Vec<PathBuf> = files.map(|file| file.expect("it is there").path()).collect();
    names.retain(|name| name.to_string_lossy().ends_with(".incr.aof"));
    names.sort();
    names
}

#[test]
fn what_was_written_when_can_be_told_and_the_rest_be_cut_off_by_the_tools_of_redis() {
    let (_folder, dir) = folder();
    let more = ["--aof-timestamp-enabled", "yes"];
    let server = Server::slotway(&options(&dir, &more));
    let mut connection = server.connect();
    connection.call(&["SET", "first", "1"]);
    connection.call(&["MULTI"]);
    connection.call(&["SET", "second", "2"]);
    connection.call(&["INCR", "second"]);
    connection.call(&["EXEC"]);
    let second = || {
        let text = fs::read(increments(&dir).last().expect("there is one")).expect("it is there");
        let text = String::from_utf8_lossy(&text).into_owned();
        let stamps = text.lines().filter_map(|line| line.strip_prefix("#TS:"));
        stamps.map(|stamp| stamp.trim().parse().expect("a second")).collect::<Vec<u64>>()
    };
    let first = second();
    assert!(first.is_sorted() && !first.is_empty(), "{first:?}");
    let last = *first.last().expect("there is one");
    PATIENCE.wait_until("a second is over", || {
        let is_over = second().last() != Some(&last);
        if !is_over {
            connection.call(&["SET", "late", "3"]);
        }
        is_over
    });
    connection.call(&["DEL", "late"]);
    connection.call(&["SET", "last", "4"]);
    let before = digest(&mut connection);
    assert!(server.terminate().success());
    let redis = Server::redis(&options(&dir, &[]));
    assert_same(&redis, &before, &mut redis.connect());
    drop(redis);
    let manifest = Path::new(&dir).join("appendonlydir/appendonly.aof.manifest");
    let mut check = Command::new(binaries::redis_check_rdb().with_file_name("redis-check-aof"));
    check.arg("--truncate-to-timestamp").arg(last.to_string()).arg(&manifest);
    let output = check.stdin(Stdio::null()).output().expect("redis-check-aof runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let starts: [&dyn Fn() -> Server; 2] =
        [&|| Server::slotway(&options(&dir, &more)), &|| Server::redis(&options(&dir, &[]))];
    for start in starts {
        let server = start();
        let mut connection = server.connect();
        assert_eq!(connection.call(&["GET", "second"]), Value::Bulk(b"3".to_vec()), "{said}");
        assert_eq!(connection.call(&["EXISTS", "last"]), Value::Integer(0), "{said}");
    }
}
