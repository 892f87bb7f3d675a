//! The commands that took longer than `slowlog-log-slower-than`: SLOWLOG.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::command::Command;
use slotway_core::resp::args::Args;
use slotway_core::time::UnixMs;

use crate::redact::{REDACTED, Secrets};

/// Arguments of a command that are kept, the last one being the note that there were more.
const ARGS_MAX: usize = 32;
/// Bytes of an argument that are kept.
const ARG_LEN_MAX: usize = 128;

/// The slow commands, the newest first.
#[derive(Default, Debug)]
pub struct SlowLog {
    commands: VecDeque<SlowCommand>,
    next_id: u64,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlowCommand {
    /// Its number, never used twice.
    pub id: u64,
    /// When it ended, in seconds.
    pub at_secs: u64,
    /// How long it took, in microseconds.
    pub us: u64,
    /// Its arguments, the name first: shortened, and without secrets.
    pub args: Vec<Box<[u8]>>,
    /// Who sent it.
    pub address: String,
    /// The name of that connection.
    pub name: String,
}

impl SlowLog {
    /// Notes a command, and forgets the oldest ones past `len_max`.
    pub(crate) fn push(
        &mut self,
        now: UnixMs,
        us: u64,
        request: (&Command, Args<'_>),
        client: (&str, &str),
        len_max: u64,
    ) {
        let (command, args) = request;
        let (address, name) = (client.0.into(), client.1.into());
        let args = shortened(command, args);
        self.commands.push_front(SlowCommand {
            id: self.next_id,
            at_secs: now.as_secs(),
            us,
            args,
            address,
            name,
        });
        self.next_id += 1;
        self.commands.truncate(usize::try_from(len_max).unwrap_or(usize::MAX));
    }

    /// The newest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &SlowCommand> {
        self.commands.iter()
    }

    /// Forgets all; numbers go on.
    pub fn reset(&mut self) {
        self.commands.clear();
    }
}

fn shortened(command: &Command, args: Args<'_>) -> Vec<Box<[u8]>> {
    let secrets = Secrets::of(command, args);
    let kept = if args.len() > ARGS_MAX { ARGS_MAX - 1 } else { args.len() };
    let show = |(index, arg)| match secrets.contains(index) {
        true => REDACTED.into(),
        false => shortened_arg(arg),
    };
    let mut shown: Vec<_> = args.iter().enumerate().take(kept).map(show).collect();
    if args.len() > kept {
        shown.push(alloc::format!("... ({} more arguments)", args.len() - kept).into_bytes().into());
    }
    shown
}

fn shortened_arg(arg: &[u8]) -> Box<[u8]> {
    if arg.len() <= ARG_LEN_MAX {
        return arg.into();
    }
    let (kept, rest) = arg.split_at(ARG_LEN_MAX);
    let note = alloc::format!("... ({} more bytes)", rest.len());
    [kept, note.as_bytes()].concat().into()
}
