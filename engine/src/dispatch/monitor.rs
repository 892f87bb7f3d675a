//! Shows monitors what is executed: each command once it has been, but for scripts, which come before their commands.

use slotway_core::command::{Command, Flag};
use slotway_core::resp::args::Args;

use super::Request;
use super::run::Run;
use crate::monitor::{Sender, line};
use crate::node::Node;
use crate::shards::ShardAccess;

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// After a command was executed, by itself or within a transaction. What administers the node is not shown.
    #[inline]
    pub(super) fn show(&mut self, request: &Request<'_>) {
        let flags = request.command.flags;
        if self.node.has_monitors() && !flags.contains(Flag::Admin) && !flags.contains(Flag::SkipMonitor) {
            self.show_to_monitors(request.command, request.args, false);
        }
    }

    /// Before a script runs.
    pub(super) fn show_script(&mut self, request: &Request<'_>) {
        if self.node.has_monitors() {
            self.show_to_monitors(request.command, request.args, false);
        }
    }

    /// After a command of a script.
    pub(super) fn show_of_script(&mut self, command: &Command, args: Args<'_>) {
        if self.node.has_monitors() && !command.flags.contains(Flag::Admin) {
            self.show_to_monitors(command, args, true);
        }
    }

    #[cold]
    fn show_to_monitors(&mut self, command: &Command, args: Args<'_>, by_script: bool) {
        let (node, session) = (self.node, &mut *self.session);
        let sender = if by_script { Sender::Script } else { Sender::Client(&session.address) };
        let line = line(node.now_us(), session.db, sender, command, args);
        let mut monitors = alloc::vec::Vec::new();
        node.with_monitors(&mut |all| monitors = all.iter().collect());
        for client in monitors {
            match client == session.id {
                // Behind the reply, which may be part of one that is not complete.
                true => session.pushed.extend_from_slice(line.as_bytes()),
                false => node.deliver(client, line.as_bytes()),
            }
        }
    }

    /// What this connection has to be sent besides the reply that is complete now.
    pub(super) fn push_own(&mut self) {
        if !self.session.pushed.is_empty() {
            self.reply.raw(&core::mem::take(&mut self.session.pushed));
        }
    }
}
