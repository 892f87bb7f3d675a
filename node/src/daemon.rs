//! `daemonize` and `pidfile`: a server in the background, and where its number is written.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use anyhow::Context as _;

/// Set for the process that goes on in the background, so that it does not go there again.
const MARK: &str = "SLOTWAY_IN_BACKGROUND";
/// Where Redis writes the number of a background process when not told.
const PIDFILE: &str = "/var/run/redis.pid";

/// True in the process that has been started in the background.
pub(crate) fn is_in_background() -> bool {
    env::var_os(MARK).is_some()
}

/// Starts this program again in the background, with the same arguments, in a process group of its own and away from the terminal.
/// `input` is what it is to find on standard input.
///
/// # Errors
/// The system does not start it.
pub(crate) fn start_in_background(args: &[String], input: &str) -> anyhow::Result<()> {
    let program = env::current_exe().context("this program cannot find itself")?;
    let mut child = Command::new(program)
        .arg("server")
        .args(args)
        .env(MARK, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start in the background")?;
    let mut stdin = child.stdin.take().context("the background process has an input")?;
    stdin.write_all(input.as_bytes()).context("the background process does not take its configuration")
}

/// The file with the number of this process, for as long as this value lives.
pub(crate) struct PidFile(String);

impl PidFile {
    /// Writes the file if one is configured, or if the process is in the background, where Redis has a default for it. A file that cannot
    /// be written is no reason not to serve: the message says so.
    pub(crate) fn write(configured: &str) -> (Option<PidFile>, Option<String>) {
        let path = match configured {
            "" if !is_in_background() => return (None, None),
            "" => PIDFILE,
            path => path,
        };
        match fs::write(path, format!("{}\n", process::id())) {
            Ok(()) => (Some(PidFile(path.to_owned())), None),
            Err(error) => (None, Some(format!("Failed to write PID file: {path}: {error}"))),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Nothing else can be done about a file that does not go.
        let _ = fs::remove_file(&self.0);
    }
}
