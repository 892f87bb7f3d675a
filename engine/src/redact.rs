//! Which arguments of commands are secrets: shown neither by SLOWLOG nor by MONITOR.
//!
//! Source of the rules: the calls of `redactClientCommandArgument` in Redis 7.2.

use core::ops::Range;

use slotway_core::command::{Command, CommandId, id_of};
use slotway_core::resp::args::Args;

use crate::config::directive;

/// What stands in place of a secret.
pub(crate) const REDACTED: &[u8] = b"(redacted)";

const ACL_DELUSER: CommandId = id_of("acl|deluser");
const ACL_GETUSER: CommandId = id_of("acl|getuser");
const ACL_SETUSER: CommandId = id_of("acl|setuser");
const AUTH: CommandId = id_of("auth");
const CONFIG_SET: CommandId = id_of("config|set");
const HELLO: CommandId = id_of("hello");
const MIGRATE: CommandId = id_of("migrate");

/// The secret arguments of one request.
pub(crate) enum Secrets<'a> {
    /// There are none.
    None,
    /// These.
    Some(Range<usize>),
    /// Every second one, where the name before it is that of a secret directive.
    Directives(Args<'a>),
}

impl<'a> Secrets<'a> {
    /// Those of a request for `command`.
    pub(crate) fn of(command: &Command, args: Args<'a>) -> Self {
        match command.id {
            AUTH => Secrets::Some(1..args.len()),
            ACL_DELUSER | ACL_GETUSER | ACL_SETUSER => Secrets::Some(2..args.len()),
            CONFIG_SET => Secrets::Directives(args),
            HELLO => behind(args, 2, &[("auth", 2)]),
            MIGRATE => behind(args, 6, &[("auth", 1), ("auth2", 2)]),
            _ => Secrets::None,
        }
    }

    /// Whether the argument at `index` is one.
    pub(crate) fn contains(&self, index: usize) -> bool {
        match self {
            Secrets::None => false,
            Secrets::Some(range) => range.contains(&index),
            Secrets::Directives(args) => index >= 3 && index % 2 == 1 && is_secret(args.at(index - 1)),
        }
    }
}

fn is_secret(name: &[u8]) -> bool {
    directive(name).is_some_and(|directive| directive.sensitive)
}

/// So many words behind one of `words`, which is looked for from `first` on.
fn behind<'a>(args: Args<'a>, first: usize, words: &[(&str, usize)]) -> Secrets<'a> {
    let found = (first..args.len()).find_map(|at| {
        let (_, count) = words.iter().find(|(word, _)| args.is(at, word))?;
        Some(at + 1..(at + 1 + count).min(args.len()))
    });
    found.map_or(Secrets::None, Secrets::Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use slotway_core::command::resolve;
    use slotway_core::resp::args::ArgsBuf;
    use std::string::{String, ToString as _};

    fn shown(line: &str) -> String {
        let mut buffer = ArgsBuf::default();
        line.split(' ').for_each(|word| buffer.push(word.as_bytes()));
        let args = buffer.as_args();
        let secrets = Secrets::of(resolve(args).unwrap(), args);
        let words = line.split(' ').enumerate();
        let words: Vec<_> = words.map(|(at, word)| if secrets.contains(at) { "*" } else { word }).collect();
        words.join(" ").to_string()
    }

    #[test]
    fn passwords_and_users_are_secrets_and_nothing_else_is() {
        for (line, expected) in [
            ("AUTH u p", "AUTH * *"),
            ("HELLO 3 SETNAME n AUTH u p", "HELLO 3 SETNAME n AUTH * *"),
            ("HELLO 3 AUTH u", "HELLO 3 AUTH *"),
            ("ACL SETUSER u >p +@all", "ACL SETUSER * * *"),
            ("CONFIG SET maxmemory 1 requirepass p", "CONFIG SET maxmemory 1 requirepass *"),
            ("MIGRATE h 1 k 0 5 COPY AUTH2 u p KEYS a", "MIGRATE h 1 k 0 5 COPY AUTH2 * * KEYS a"),
            ("MIGRATE auth 1 k 0 5 auth p", "MIGRATE auth 1 k 0 5 auth *"),
            ("SET auth p", "SET auth p"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }
}
