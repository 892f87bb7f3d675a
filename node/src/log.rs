//! The log: lines as Redis writes them, to standard output or to a file.
//!
//! `pid:role date level message`, for example `42:M 23 Nov 2026 20:39:57.104 * Ready to accept connections tcp`.
//! Process managers and test harnesses find a server by these lines, so their words stay.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use parking_lot::Mutex;
use slotway_engine::config::LogLevel;
use time::OffsetDateTime;
use time::macros::format_description;

/// How much a line matters: the values of `loglevel`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Level {
    /// Everything.
    Debug,
    /// Rarely of use.
    Verbose,
    /// What one wants to know in production.
    Notice,
    /// What needs somebody's attention.
    Warning,
    /// No line at all (`loglevel nothing`).
    Nothing,
}

impl Level {
    /// The level that `loglevel` means.
    pub(crate) fn of(directive: LogLevel) -> Level {
        match directive {
            LogLevel::Debug => Level::Debug,
            LogLevel::Verbose => Level::Verbose,
            LogLevel::Notice => Level::Notice,
            LogLevel::Warning => Level::Warning,
            LogLevel::Nothing => Level::Nothing,
        }
    }

    fn mark(self) -> char {
        match self {
            Level::Debug => '.',
            Level::Verbose => '-',
            Level::Notice => '*',
            Level::Warning | Level::Nothing => '#',
        }
    }
}

/// Where the lines of one node go.
pub(crate) struct Log {
    level: Mutex<Level>,
    /// Standard output if there is no file.
    file: Option<Mutex<File>>,
    /// Stands before each message: the node's port where one process runs several.
    prefix: String,
}

impl Log {
    /// A log at `level`, to the file `path`, or to standard output if it is empty. The file's folder is made if it is missing.
    pub(crate) fn open(path: &str, level: Level) -> anyhow::Result<Log> {
        let file = if path.is_empty() { None } else { Some(Mutex::new(open_file(Path::new(path))?)) };
        Ok(Log { level: Mutex::new(level), file, prefix: String::new() })
    }

    /// The same, each message beginning with `prefix`.
    pub(crate) fn with_prefix(mut self, prefix: String) -> Log {
        self.prefix = prefix;
        self
    }

    /// Changes what is written from now on.
    pub(crate) fn set_level(&self, level: Level) {
        *self.level.lock() = level;
    }

    /// Writes a line, if its level is written at all.
    pub(crate) fn line(&self, level: Level, message: &str) {
        if level < *self.level.lock() {
            return;
        }
        let line =
            format!("{}:M {} {} {}{message}\n", std::process::id(), timestamp(), level.mark(), self.prefix);
        // A log that cannot be written (full disk, closed pipe) must not stop the server.
        let _ = match &self.file {
            Some(file) => file.lock().write_all(line.as_bytes()),
            None => io::stdout().lock().write_all(line.as_bytes()),
        };
    }

    /// A line at notice level.
    pub(crate) fn notice(&self, message: &str) {
        self.line(Level::Notice, message);
    }

    /// A line at warning level.
    pub(crate) fn warning(&self, message: &str) {
        self.line(Level::Warning, message);
    }
}

fn open_file(path: &Path) -> anyhow::Result<File> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder of the log file, {}", folder.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("Can't open the log file: {}", path.display()))
}

fn timestamp() -> String {
    const FORMAT: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[day] [month repr:short] [year] [hour]:[minute]:[second].[subsecond digits:3]");
    OffsetDateTime::now_utc().format(FORMAT).unwrap_or_default()
}
