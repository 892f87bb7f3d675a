//! Binds the facts of a command to the function that executes it.
//!
//! A command is declared twice, once each: its facts in `core/command/table`, its handler in the `COMMANDS` list of its
//! family in [`commands`]. What has facts and no handler answers `unknown command`.

use alloc::boxed::Box;
use alloc::vec;

use slotway_core::command::{self, COMMAND_COUNT, Command};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use crate::commands::{self, Connection, Data, Whole};
use crate::events::Block;
use crate::migration::Migration;
use crate::script::Invocation;

/// What a handler did besides writing its reply. Handlers return effects; dispatch performs them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[must_use]
pub enum Effect {
    /// It only read, or found nothing to change.
    None,
    /// It made so many changes to data.
    Changed(u64),
    /// WATCH: the connection watches the command's keys from now on.
    Watch,
    /// EXEC: the commands queued since MULTI are executed now, and their replies are the reply.
    Exec,
    /// EVAL: the script of the request is to run, with its keys' shards in hand.
    Script(Invocation),
    /// It can do nothing yet, and has written nothing: the client waits.
    Block(Box<Block>),
    /// MIGRATE: its keys are to be taken to another server.
    Migrate(Box<Migration>),
    /// It needs a payload decoded, which takes long enough to be done elsewhere, and has written nothing: it is run again then.
    Decode(Box<[u8]>),
}

impl Effect {
    /// So many changes; none at all is [`Effect::None`].
    pub const fn changed(count: u64) -> Effect {
        if count == 0 { Effect::None } else { Effect::Changed(count) }
    }
}

impl From<Block> for Effect {
    fn from(block: Block) -> Self {
        Effect::Block(Box::new(block))
    }
}

/// The reply is written, or this error is the reply and whatever was written is taken back.
pub type Outcome = Result<Effect, ErrorReply>;

/// Executes a command on keys.
pub type DataHandler = fn(&mut Data<'_, '_>, Args<'_>, &mut ReplyWriter<'_>) -> Outcome;

/// The function that executes a command. Its type says what it may touch.
#[derive(Clone, Copy, Debug)]
pub enum Handler {
    /// The shards of its keys.
    Data(DataHandler),
    /// The connection.
    Session(fn(&mut Connection<'_>, Args<'_>, &mut ReplyWriter<'_>) -> Outcome),
    /// The node: all its shards, its connections, its process.
    Node(fn(&mut Whole<'_>, Args<'_>, &mut ReplyWriter<'_>) -> Outcome),
}

/// Handlers by command id.
pub struct Registry {
    handlers: Box<[Option<Handler>]>,
}

impl Registry {
    /// Binds every handler to its command.
    pub fn new() -> Self {
        let mut handlers = vec![None; COMMAND_COUNT].into_boxed_slice();
        for (name, handler) in commands::families().flatten() {
            let command =
                command::lookup_full(name.as_bytes()).unwrap_or_else(|| panic!("no facts of command {name}"));
            handlers[command.id.index()] = Some(*handler);
        }
        Self { handlers }
    }

    /// The handler of `command`, if there is one.
    pub fn handler(&self, command: &Command) -> Option<Handler> {
        self.handlers[command.id.index()]
    }

    /// True when this node executes `command`, or one of its subcommands.
    pub fn serves(&self, command: &Command) -> bool {
        self.handler(command).is_some() || command.subcommands().iter().any(|sub| self.handler(sub).is_some())
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_has_facts_and_is_bound_once() {
        let registry = Registry::new();
        let bound = registry.handlers.iter().flatten().count();
        assert_eq!(bound, commands::families().flatten().count());
    }
}
