//! MONITOR: every command that is executed, as a line to those who ask for it.
//!
//! A client that does not read ends by `client-output-buffer-limit normal`, as any other does.
//!
//! Source of the form: `replicationFeedMonitors` of Redis 7.2.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use slotway_core::command::Command;
use slotway_core::resp::args::Args;

use crate::config::push_quoted;
use crate::keyspace::DbIndex;
use crate::redact::{REDACTED, Secrets};
use crate::session::ClientId;

/// The connections that have sent MONITOR, in the order of their coming.
#[derive(Default, Debug)]
pub struct Monitors(Vec<ClientId>);

impl Monitors {
    /// `client` is shown all commands from now on.
    pub fn begin(&mut self, client: ClientId) {
        self.end(client);
        self.0.push(client);
    }

    /// It is shown none any more.
    pub fn end(&mut self, client: ClientId) {
        self.0.retain(|other| *other != client);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = ClientId> {
        self.0.iter().copied()
    }
}

/// Who sends a command.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender<'a> {
    /// A connection, by its address.
    Client(&'a str),
    /// A script.
    Script,
}

/// The line that monitors get, line break included.
pub(crate) fn line(
    now_us: u64,
    db: DbIndex,
    sender: Sender<'_>,
    command: &Command,
    args: Args<'_>,
) -> String {
    let (secs, us) = (now_us / 1_000_000, now_us % 1_000_000);
    let sender = match sender {
        Sender::Client(address) => address,
        Sender::Script => "lua",
    };
    let mut line = alloc::format!("+{secs}.{us:06} [{} {sender}]", db.0);
    let secrets = Secrets::of(command, args);
    for (index, arg) in args.iter().enumerate() {
        line.push(' ');
        push_quoted(&mut line, if secrets.contains(index) { REDACTED } else { arg });
    }
    write!(line, "\r\n").expect("a String takes any text");
    line
}
