//! Whoever starts from a snapshot goes on where it was made: a replica asks its primary for the rest, a primary has replicas go on.

use std::process::{Command, Stdio};
use std::time::Duration;

use slotway_tests::binaries;
use slotway_tests::dataset::{difference, digest};
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::server::Server;
use slotway_tests::wire::Connection;
use tempfile::TempDir;

/// Links come up, and data arrives, within this time.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(20) };

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Slotway,
    SlotwayOfThreads,
    Redis,
}

/// A server that keeps its files and its port when it starts anew.
struct Restarting {
    dir: TempDir,
    port: u16,
    server: Option<Server>,
}

impl Restarting {
    fn start(kind: Kind, options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let mut it = Self { dir, port: free_port(), server: None };
        it.start_again(kind, options);
        it
    }

    /// Starts a server of that kind from the files.
    fn start_again(&mut self, kind: Kind, options: &[&str]) {
        let mut command = match kind {
            Kind::Redis => Command::new(binaries::redis_server()),
            Kind::Slotway | Kind::SlotwayOfThreads => Command::new(binaries::slotway()),
        };
        if kind != Kind::Redis {
            command.arg("server");
        }
        if kind == Kind::SlotwayOfThreads {
            command.args(["--data-threads", "3"]);
        }
        let dir = self.dir.path().to_str().expect("plain text");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir", dir]);
        command.args(["--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"]);
        command.args(options).stdin(Stdio::null());
        self.server = Some(Server::start(command, self.port));
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn connect(&self) -> Connection {
        self.server().connect()
    }

    /// Has it save and end.
    fn end(&mut self) {
        let mut server = self.server.take().expect("it runs");
        server.connect().send(b"SHUTDOWN SAVE\r\n").expect("the server reads");
        server.wait_for_exit();
    }

    fn replica_of(&self) -> String {
        format!("127.0.0.1 {}", self.port)
    }
}

fn count(connection: &mut Connection, name: &str) -> u64 {
    connection.info(name).parse().unwrap_or_else(|_| panic!("{name} is a number"))
}

/// Waits until the replica has read all that the primary has written.
#[track_caller]
fn wait_for_everything(primary: &Restarting, replica: &Restarting) {
    let (mut ours, mut theirs) = (primary.connect(), replica.connect());
    PATIENCE.wait_until("the replica has read everything", || {
        theirs.info("master_link_status") == "up"
            && count(&mut ours, "master_repl_offset") == count(&mut theirs, "master_repl_offset")
    });
}

#[track_caller]
fn compare(primary: &Restarting, replica: &Restarting) {
    wait_for_everything(primary, replica);
    let (mut ours, mut theirs) = (primary.connect(), replica.connect());
    if digest(&mut ours) != digest(&mut theirs) {
        panic!("what differs:\n{}", difference(&mut ours, &mut theirs));
    }
}

/// Some writes, the last of them to another database than the first.
fn write(connection: &mut Connection, round: usize) {
    connection.call(&["SELECT", "0"]);
    for number in 0..50 {
        connection.call(&["SET", &format!("{round}:{number}"), "value"]);
        connection.call(&["RPUSH", "list", &number.to_string()]);
    }
    connection.call(&["SELECT", "3"]);
    connection.call(&["INCR", "counter"]);
}

#[test]
fn a_replica_that_starts_from_its_snapshot_goes_on_without_another_one() {
    // The primary, the replica, and who starts from the replica's files.
    for (primary, before, after) in [
        (Kind::Slotway, Kind::Slotway, Kind::Slotway),
        (Kind::SlotwayOfThreads, Kind::SlotwayOfThreads, Kind::SlotwayOfThreads),
        (Kind::Redis, Kind::Slotway, Kind::Slotway),
        (Kind::Slotway, Kind::Redis, Kind::Redis),
        (Kind::Redis, Kind::Redis, Kind::Slotway),
        (Kind::Redis, Kind::Slotway, Kind::Redis),
    ] {
        let kinds = [primary, before, after];
        let primary = Restarting::start(primary, &[]);
        let mut connection = primary.connect();
        write(&mut connection, 1);
        let follows = ["--replicaof", &primary.replica_of()];
        let mut replica = Restarting::start(before, &follows);
        compare(&primary, &replica);
        write(&mut connection, 2);
        compare(&primary, &replica);
        replica.end();
        // The stream goes on in the database that it has selected before.
        connection.call(&["INCR", "counter"]);
        write(&mut connection, 3);
        replica.start_again(after, &follows);
        compare(&primary, &replica);
        assert_eq!(count(&mut connection, "sync_full"), 1, "{kinds:?}\n{}", replica.server().output());
        assert!(count(&mut connection, "sync_partial_ok") >= 1, "{kinds:?}");
    }
}

#[test]
fn replicas_of_a_primary_that_starts_from_its_snapshot_go_on_without_another_one() {
    for (before, after, replica) in [
        (Kind::Slotway, Kind::Slotway, Kind::Slotway),
        (Kind::SlotwayOfThreads, Kind::SlotwayOfThreads, Kind::Redis),
        (Kind::Redis, Kind::Slotway, Kind::Slotway),
        (Kind::Slotway, Kind::Redis, Kind::Slotway),
    ] {
        let kinds = [before, after, replica];
        let mut primary = Restarting::start(before, &[]);
        let replica = Restarting::start(replica, &["--replicaof", &primary.replica_of()]);
        let mut connection = primary.connect();
        write(&mut connection, 1);
        compare(&primary, &replica);
        // It is saved, and gone when it is loaded: the replica hears of that, too.
        connection.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        connection.call(&["SET", "short", "lived", "PX", "1"]);
        wait_for_everything(&primary, &replica);
        primary.end();
        primary.start_again(after, &[]);
        let mut connection = primary.connect();
        write(&mut connection, 2);
        compare(&primary, &replica);
        assert_eq!(count(&mut connection, "sync_full"), 0, "{kinds:?}\n{}", primary.server().output());
        assert_eq!(count(&mut connection, "sync_partial_ok"), 1, "{kinds:?}");
    }
}

#[test]
fn a_replica_of_a_replica_begins_in_the_database_that_the_stream_has_selected() {
    for last in [Kind::Slotway, Kind::Redis] {
        let first = Restarting::start(Kind::Slotway, &[]);
        let middle = Restarting::start(Kind::Slotway, &["--replicaof", &first.replica_of()]);
        let mut connection = first.connect();
        compare(&first, &middle);
        write(&mut connection, 1);
        compare(&first, &middle);
        let last = Restarting::start(last, &["--replicaof", &middle.replica_of()]);
        compare(&middle, &last);
        connection.call(&["INCR", "counter"]);
        compare(&first, &middle);
        compare(&middle, &last);
    }
}
