//! What random operations have made on one server, of every type and in every encoding, is the same on the other, on whichever way it comes.
//!
//! ```text
//!   operations --> producer --+-- stream of commands --> replica that was there from the beginning
//!                             |-- snapshot of PSYNC --> replica that comes late
//!                             |-- SAVE --> dump.rdb --> another server
//!                             `-- appendonlydir, rewritten in the middle --> another server
//! ```

use std::env;
use std::fs;
use std::path::Path;
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::dataset::fill;
use slotway_tests::facts::{Facts, Way};
use slotway_tests::patience::Patience;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;
use slotway_tests::workload::operate;
use tempfile::TempDir;

/// Operations in each direction, of which half come after the rewrite.
const OPERATIONS: usize = 100_000;
const OPERATIONS_NIGHTLY: usize = 3_000_000;
const PATIENCE: Patience = Patience { limit: Duration::from_secs(300), poll: Duration::from_millis(20) };
const OPTIONS: [&str; 8] = [
    "--enable-debug-command",
    "yes",
    "--repl-diskless-sync-delay",
    "0",
    "--repl-backlog-size",
    "64mb",
    "--auto-aof-rewrite-percentage",
    "0",
];
/// What the dataset must have, so that it is one of every type and encoding. A list of one node is called so in 7.2 only, a set of few texts too.
#[rustfmt::skip]
const ENCODINGS: [&str; 11] = [
    "hash hashtable", "hash listpack", "list quicklist", "set hashtable", "set intset", "stream stream", "string embstr", "string int",
    "string raw", "zset listpack", "zset skiplist",
];

#[derive(Clone, Copy)]
enum Kind {
    Slotway,
    Redis,
}

impl Kind {
    fn start(self, dir: &str, more: &[&str]) -> Server {
        let options = [&OPTIONS[..], &["--dir", dir], more].concat();
        match self {
            Kind::Slotway => Server::slotway(&options),
            Kind::Redis => Server::redis(&options),
        }
    }
}

#[test]
fn what_redis_has_made_is_the_same_in_slotway() {
    exchange(Kind::Redis, Kind::Slotway, &[]);
}

#[test]
fn what_slotway_has_made_is_the_same_in_redis() {
    exchange(Kind::Slotway, Kind::Redis, &["--data-threads", "2"]);
}

fn exchange(producer: Kind, consumer: Kind, more: &[&str]) {
    let (source, source_dir) = folder();
    let (_other, dir) = folder();
    let aof = ["--appendonly", "yes"];
    let server = producer.start(&source_dir, &[&aof[..], more].concat());
    let mut connection = server.connect();
    let (_early_folder, early_dir) = folder();
    let early = consumer.start(&early_dir, &[]);
    follow(&early, &server);
    fill(&mut connection, 1);
    let half = operations() / 2;
    operate(&mut connection, 1, half);
    rewrite(&mut connection);
    connection.call(&["SELECT", "0"]);
    operate(&mut connection, 2, half);

    let made = Facts::of(&mut connection);
    for encoding in ENCODINGS {
        assert!(made.encodings().contains(encoding), "{encoding} is not among {:?}", made.encodings());
    }
    catch_up(&mut connection, &early);
    made.assert_same(&Facts::of(&mut early.connect()), Way::Commands, "by the stream");
    drop(early);
    let (_late_folder, late_dir) = folder();
    let late = consumer.start(&late_dir, &[]);
    follow(&late, &server);
    catch_up(&mut connection, &late);
    made.assert_same(&Facts::of(&mut late.connect()), Way::Snapshot, "by a full synchronization");
    drop(late);

    assert_eq!(connection.call(&["SAVE"]), Value::Simple("OK".into()));
    let dump = Path::new(&source_dir).join("dump.rdb");
    fs::copy(&dump, Path::new(&dir).join("dump.rdb")).expect("both folders are ours");
    let loaded = Facts::of(&mut consumer.start(&dir, &[]).connect());
    made.assert_same(&loaded, Way::Snapshot, "by a file");
    assert!(server.terminate().success());

    // Where both load the same, they choose the same encodings.
    fs::rename(&dump, Path::new(&late_dir).join("dump.rdb")).expect("both folders are ours");
    let again = Facts::of(&mut producer.start(&late_dir, &[]).connect());
    again.assert_same(&loaded, Way::SameFile, "both by a file");
    let appended = Facts::of(&mut consumer.start(&source_dir, &aof).connect());
    made.assert_same(&appended, Way::Commands, "by the append-only file");
    drop(source);
}

fn operations() -> usize {
    if env::var_os("SLOTWAY_NIGHTLY").is_some() { OPERATIONS_NIGHTLY } else { OPERATIONS }
}

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let name = folder.path().to_str().expect("a temporary directory has a name of ASCII").to_owned();
    (folder, name)
}

#[track_caller]
fn follow(replica: &Server, primary: &Server) {
    let mut connection = replica.connect();
    connection.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    PATIENCE.wait_until("the link is up", || connection.info("master_link_status") == "up");
}

#[track_caller]
fn catch_up(primary: &mut Connection, replica: &Server) {
    let mut replica = replica.connect();
    PATIENCE.wait_until("the replica has read everything", || {
        primary.info("master_repl_offset") == replica.info("master_repl_offset")
    });
}

fn rewrite(connection: &mut Connection) {
    connection.call(&["BGREWRITEAOF"]);
    PATIENCE.wait_until("the rewrite ends", || {
        connection.info("aof_rewrite_in_progress") == "0" && connection.info("aof_rewrite_scheduled") == "0"
    });
    assert_eq!(connection.info("aof_last_bgrewrite_status"), "ok");
}
