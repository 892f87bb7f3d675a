//! Starts servers and ends them.
//!
//! A server is ready when it answers, and it is ended by its own process id when the value is dropped. Its working
//! directory is temporary; what it printed is shown when the test that used it fails.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binaries;
use crate::ports::free_port;
use crate::wire::Connection;

/// A server that does not answer by then never will.
const START_MAX: Duration = Duration::from_secs(30);
/// How long to wait before asking again.
pub(crate) const POLL: Duration = Duration::from_millis(2);
/// Lines of its output shown after a failure.
const LOG_LINES_SHOWN: usize = 40;

/// A running server process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
}

/// What a test runs on both sides of what it compares, or connects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// `slotway server`.
    Slotway,
    /// The same with three data threads.
    SlotwayOfThreads,
    /// `redis-server`.
    Redis,
}

impl Kind {
    /// One of them with `options`, on a free port.
    pub fn start(self, options: &[&str]) -> Server {
        match self {
            Kind::Slotway => Server::slotway(options),
            Kind::SlotwayOfThreads => Server::slotway(&[options, &["--data-threads", "3"]].concat()),
            Kind::Redis => Server::redis(options),
        }
    }
}

impl Server {
    /// `slotway server` with `options` (redis.conf directives as `--name value`), on a free port.
    pub fn slotway<S: AsRef<OsStr>>(options: &[S]) -> Server {
        let mut command = Command::new(binaries::slotway());
        command.arg("server");
        Server::with_defaults(command, options)
    }

    /// `redis-server` with `options`, on a free port.
    pub fn redis<S: AsRef<OsStr>>(options: &[S]) -> Server {
        Server::with_defaults(Command::new(binaries::redis_server()), options)
    }

    /// `redis-server` on a port that somebody else had before.
    pub fn start_redis_on(port: u16) -> Server {
        let mut command = Command::new(binaries::redis_server());
        let delay = ["--repl-diskless-sync-delay", "0"];
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()])
            .args(delay)
            .stdin(Stdio::null());
        Server::start(command, port)
    }

    /// Starts `command` in a directory of its own and waits until `port` answers.
    pub fn start(command: Command, port: u16) -> Server {
        let server = Server::spawn(command, port);
        server.wait_until_it_answers()
    }

    /// Starts `command` without waiting: for those that are to end by themselves.
    pub fn spawn(mut command: Command, port: u16) -> Server {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let log = File::create(dir.path().join("output.log")).expect("the directory is ours");
        let errors = log.try_clone().expect("a file handle can be shared");
        command.current_dir(dir.path()).stdout(log).stderr(errors);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("cannot start {}: {error}", Path::new(command.get_program()).display())
        });
        Server { child, port, dir }
    }

    /// The port of its clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its working directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A new connection. Panics when refused.
    pub fn connect(&self) -> Connection {
        Connection::open(self.port).unwrap_or_else(|error| panic!("port {} refuses: {error}", self.port))
    }

    /// What it wrote to standard output and standard error so far.
    pub fn output(&self) -> String {
        fs::read_to_string(self.dir().join("output.log")).unwrap_or_default()
    }

    /// Resident memory in KiB: `VmRSS` of `/proc/<pid>/status`.
    pub fn resident_kib(&self) -> u64 {
        self.status_kib("VmRSS:")
    }

    /// The most resident memory that it ever had, in KiB.
    pub fn peak_resident_kib(&self) -> u64 {
        self.status_kib("VmHWM:")
    }

    /// Time of processors that it has used.
    pub fn cpu_time(&self) -> Duration {
        // Linux tells user space times in units of 1/100 s.
        const TICK: Duration = Duration::from_millis(10);
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        // The second field, the command's name, may hold blanks; it ends with the last parenthesis.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
        TICK * (ticks(11) + ticks(12))
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|text| text.trim().split(' ').next()?.parse().ok())
            .unwrap_or_else(|| panic!("process {} is gone\n{}", self.pid(), self.output()))
    }

    /// True while the process runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end (SIGTERM) and waits for it.
    pub fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("kill").arg(self.pid().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "process {} takes a signal", self.pid());
        self.wait_for_exit()
    }

    /// Waits until the process ends. Panics when it does not.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let give_up = Instant::now() + START_MAX;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(Instant::now() < give_up, "process {} does not end", self.pid());
            thread::sleep(POLL);
        }
    }

    fn with_defaults<S: AsRef<OsStr>>(mut command: Command, options: &[S]) -> Server {
        let port = free_port();
        command.arg("--port").arg(port.to_string()).args(["--bind", "127.0.0.1", "--save", ""]);
        command.args(options).stdin(Stdio::null());
        Server::start(command, port)
    }

    fn wait_until_it_answers(mut self) -> Server {
        let give_up = Instant::now() + START_MAX;
        while !answers(self.port) {
            let status = self.child.try_wait().ok().flatten();
            assert!(status.is_none(), "the server ended ({status:?}) and said:\n{}", self.output());
            assert!(
                Instant::now() < give_up,
                "port {} does not answer; it said:\n{}",
                self.port,
                self.output()
            );
            thread::sleep(POLL);
        }
        self
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("output of the server on port {}:\n{}", self.port, last_lines(&self.output()));
        }
    }
}

/// True when whoever listens there answers a PING, be it with an error.
pub fn answers(port: u16) -> bool {
    let Ok(mut connection) = Connection::open(port) else { return false };
    let reply = connection.send(b"PING\r\n").and_then(|()| connection.read());
    reply.is_ok_and(|reply| !reply.bytes.starts_with(b"-LOADING"))
}

/// Writes `text` to a file `name` that lives as long as the directory returned.
pub fn file_of(name: &str, text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let path = dir.path().join(name);
    fs::write(&path, text).expect("the directory is ours");
    (dir, path)
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n")
}
