//! May this command be executed at all? One table of named guards, in the order in which Redis asks.
//!
//! The order is observable: the first guard that refuses gives the reply. Unknown commands and wrong arities have been
//! refused before (`prepare`); where the command's keys live is asked between the two halves of the table.
//! Source of the order: `processCommand` of Redis 7.2.

use slotway_core::command::{self, Command, CommandId, Flag};
use slotway_core::resp::error::ErrorReply;

use crate::config::{Config, DebugCommand};
use crate::session::Session;

/// What a guard may look at.
pub(super) struct Admission<'a> {
    pub(super) command: &'static Command,
    pub(super) session: &'a Session,
    pub(super) config: &'a Config,
    /// This node replicates another one.
    pub(super) is_replica: bool,
    /// Bytes taken by the data in hand; 0 where `maxmemory` sets no limit.
    pub(super) used_memory: usize,
}

const DEBUG: CommandId = command::id_of("debug");

/// One reason to refuse.
pub(super) struct Guard {
    check: fn(&Admission<'_>) -> Result<(), ErrorReply>,
}

/// Asked before it is known where the keys live.
pub(super) const BEFORE_ROUTING: &[Guard] =
    &[Guard { check: debug_is_enabled }, Guard { check: client_is_authenticated }];

/// Asked of a command that will be served here.
pub(super) const AFTER_ROUTING: &[Guard] =
    &[Guard { check: memory_is_left }, Guard { check: replica_takes_no_writes }];

/// The refusal of the first guard that has one.
pub(super) fn admit(guards: &[Guard], admission: &Admission<'_>) -> Result<(), ErrorReply> {
    guards.iter().try_for_each(|guard| (guard.check)(admission))
}

fn debug_is_enabled(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    if admission.command.id != DEBUG {
        return Ok(());
    }
    match admission.config.enable_debug_command() {
        DebugCommand::Yes => Ok(()),
        DebugCommand::Local if admission.session.is_local => Ok(()),
        DebugCommand::Local | DebugCommand::No => Err(ErrorReply::DebugNotAllowed),
    }
}

fn client_is_authenticated(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    match admission.session.authenticated || admission.command.flags.contains(Flag::NoAuth) {
        true => Ok(()),
        false => Err(ErrorReply::NoAuth),
    }
}

/// Without eviction a command that may need memory is refused once `maxmemory` is reached.
fn memory_is_left(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let limit = admission.config.maxmemory();
    match limit > 0 && admission.command.flags.contains(Flag::DenyOom) && admission.used_memory as u64 > limit
    {
        true => Err(ErrorReply::OutOfMemory),
        false => Ok(()),
    }
}

fn replica_takes_no_writes(admission: &Admission<'_>) -> Result<(), ErrorReply> {
    let writes = admission.command.flags.contains(Flag::Write);
    match admission.is_replica && writes && admission.config.replica_read_only() {
        true => Err(ErrorReply::ReadOnlyReplica),
        false => Ok(()),
    }
}
