//! The log: lines as Redis writes them, to standard output or to a file.
//!
//! `pid:role date level message`, for example `42:M 23 Nov 2026 20:39:57.104 * Ready to accept connections tcp`.
//! Process managers and test harnesses find a server by these lines, so their words stay.
//!
//! With `log-format` the same is said in a form for programs, one line each:
//!
//! ```text
//!   logfmt  pid=42 role=primary timestamp="23 Nov 2026 20:39:57.104" level=notice message="Ready to accept connections tcp"
//!   json    {"pid":42,"role":"primary","timestamp":"2026-11-23T20:39:57.104+00:00","level":"notice","message":"Ready to accept connections tcp"}
//! ```
//!
//! The first is Valkey 8's (`serverLogRaw` in its `src/server.c`), where a quote becomes `'` and the end of a line a blank.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use parking_lot::Mutex;
use serde::Serialize;
use slotway_engine::config::{Config, LogFormat, LogLevel, LogTimestamps};
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

    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            // As in Valkey.
            Level::Verbose => "info",
            Level::Notice => "notice",
            Level::Warning | Level::Nothing => "warning",
        }
    }
}

/// The form of lines: `log-format` and `log-timestamp-format`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Form {
    format: LogFormat,
    timestamps: LogTimestamps,
}

impl Form {
    /// As Redis writes them.
    pub(crate) const LEGACY: Form = Form { format: LogFormat::Legacy, timestamps: LogTimestamps::Legacy };

    /// The form that the directives mean.
    pub(crate) fn of(config: &Config) -> Form {
        Form { format: config.log_format(), timestamps: config.log_timestamp_format() }
    }
}

/// Where the lines of one node go.
pub(crate) struct Log {
    level: Mutex<Level>,
    form: Mutex<Form>,
    /// Standard output if there is no file.
    file: Option<Mutex<File>>,
    /// Tells the nodes of one process apart: the port; 0 where it runs one.
    node: u16,
    is_replica: AtomicBool,
}

impl Log {
    /// A log at `level`, to the file `path`, or to standard output if it is empty. The file's folder is made if it is missing.
    pub(crate) fn open(path: &str, level: Level) -> anyhow::Result<Log> {
        let file = if path.is_empty() { None } else { Some(Mutex::new(open_file(Path::new(path))?)) };
        let (level, form) = (Mutex::new(level), Mutex::new(Form::LEGACY));
        Ok(Log { level, form, file, node: 0, is_replica: AtomicBool::new(false) })
    }

    /// The same, where each line tells which node it is of, by its port.
    pub(crate) fn of_node(mut self, port: u16) -> Log {
        self.node = port;
        self
    }

    /// The same in another form.
    pub(crate) fn in_form(self, form: Form) -> Log {
        self.set_form(form);
        self
    }

    /// Changes what lines look like from now on.
    pub(crate) fn set_form(&self, form: Form) {
        *self.form.lock() = form;
    }

    /// Lines tell from now on that the node is a replica, or a primary.
    pub(crate) fn set_replica(&self, is_replica: bool) {
        self.is_replica.store(is_replica, Ordering::Relaxed);
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
        let form = *self.form.lock();
        let line = Line {
            pid: std::process::id(),
            role: if self.is_replica.load(Ordering::Relaxed) { "replica" } else { "primary" },
            node: self.node,
            timestamp: timestamp(form, OffsetDateTime::now_utc()),
            level: level.name(),
            message,
        };
        let line = match form.format {
            LogFormat::Legacy => line.legacy(level),
            LogFormat::Logfmt => line.logfmt(),
            LogFormat::Json => line.json(),
        };
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

/// What a line says.
#[derive(Serialize)]
struct Line<'a> {
    pid: u32,
    role: &'static str,
    #[serde(skip_serializing_if = "is_zero")]
    node: u16,
    timestamp: String,
    level: &'static str,
    message: &'a str,
}

fn is_zero(node: &u16) -> bool {
    *node == 0
}

impl Line<'_> {
    fn legacy(&self, level: Level) -> String {
        let Self { pid, timestamp, message, node, .. } = self;
        let role = if self.role == "replica" { 'S' } else { 'M' };
        let node = if is_zero(node) { String::new() } else { format!("[{node}] ") };
        format!("{pid}:{role} {timestamp} {} {node}{message}\n", level.mark())
    }

    fn logfmt(&self) -> String {
        let Self { pid, role, timestamp, level, message, node } = self;
        let node = if is_zero(node) { String::new() } else { format!("node={node} ") };
        let message = message.replace('"', "'").replace(['\n', '\r'], " ");
        format!("pid={pid} role={role} {node}timestamp=\"{timestamp}\" level={level} message=\"{message}\"\n")
    }

    fn json(&self) -> String {
        serde_json::to_string(self).expect("plain data has a JSON form") + "\n"
    }
}

fn timestamp(form: Form, now: OffsetDateTime) -> String {
    const LEGACY: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[day] [month repr:short] [year] [hour]:[minute]:[second].[subsecond digits:3]");
    const ISO8601: &[time::format_description::BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]+00:00");
    match (form.timestamps, form.format) {
        (LogTimestamps::Legacy, LogFormat::Legacy | LogFormat::Logfmt) => now.format(LEGACY),
        (LogTimestamps::Legacy, LogFormat::Json) | (LogTimestamps::Iso8601, _) => now.format(ISO8601),
        (LogTimestamps::Milliseconds, _) => Ok((now.unix_timestamp_nanos() / 1_000_000).to_string()),
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(node: u16) -> Line<'static> {
        Line {
            pid: 42,
            role: "replica",
            node,
            timestamp: "now".into(),
            level: Level::Verbose.name(),
            message: "say \"no\"\r\nto\tit",
        }
    }

    #[test]
    fn a_line_has_one_of_three_forms() {
        assert_eq!(line(0).legacy(Level::Verbose), "42:S now - say \"no\"\r\nto\tit\n");
        assert_eq!(
            line(0).logfmt(),
            "pid=42 role=replica timestamp=\"now\" level=info message=\"say 'no'  to\tit\"\n"
        );
        let json = line(7000).json();
        assert_eq!(
            json,
            "{\"pid\":42,\"role\":\"replica\",\"node\":7000,\"timestamp\":\"now\",\"level\":\"info\",\"message\":\"say \\\"no\\\"\\r\\nto\\tit\"}\n"
        );
    }

    #[test]
    fn moments_have_the_form_asked_for_and_in_json_one_that_programs_read() {
        let now = OffsetDateTime::from_unix_timestamp_nanos(1_795_946_997_104_000_000).unwrap();
        let told = |format, timestamps| timestamp(Form { format, timestamps }, now);
        assert_eq!(told(LogFormat::Logfmt, LogTimestamps::Legacy), "29 Nov 2026 10:09:57.104");
        assert_eq!(told(LogFormat::Json, LogTimestamps::Legacy), "2026-11-29T10:09:57.104+00:00");
        assert_eq!(told(LogFormat::Legacy, LogTimestamps::Iso8601), "2026-11-29T10:09:57.104+00:00");
        assert_eq!(told(LogFormat::Json, LogTimestamps::Milliseconds), "1795946997104");
    }
}
