//! What the command table says of a request.

use slotway_core::command::keys::{self, Key, KeysError};
use slotway_core::command::{self, Command, FindKeys, Flag, Group, RequestPolicy, Tip};
use slotway_core::resp::args::{Args, Span};
use wasm_bindgen::prelude::wasm_bindgen;

/// The arguments are `joined`, each up to its place in `ends`. Answers `[outcome, facts, step, index, flags, index, flags, ..]`.
///
/// - outcome: 0 fine; 1 no such command; 2 no such subcommand; 3 wrong number of arguments; 4 the arguments name no keys
///   though they must. From 1 to 3 nothing follows.
/// - facts: bit 0 reads only; bit 1 writes; bit 2 its keys are shard channels; bits 4 to 6 request policy (0 none, 1 all nodes,
///   2 all shards, 3 multi shard, 4 special).
/// - step: from one key to the next, where all that follows the name is keys and what belongs to them; else 0.
/// - the keys: those that decide the slot if `routed`, else those of COMMAND GETKEYSANDFLAGS; flags as the bits of `KeyFlag`.
#[wasm_bindgen]
pub fn command_facts(joined: &[u8], ends: &[u32], routed: bool) -> Vec<u32> {
    let starts = std::iter::once(&0).chain(ends);
    let spans: Vec<Span> = starts.zip(ends).map(|(&start, &end)| Span { start, end }).collect();
    if spans.iter().any(|span| joined.get(span.start as usize..span.end as usize).is_none()) {
        return vec![Outcome::UnknownCommand as u32];
    }
    let args = Args::new(joined, &spans);
    match command::resolve(args) {
        Err(command::Unknown::Command(_)) => vec![Outcome::UnknownCommand as u32],
        Err(command::Unknown::Subcommand { .. }) => vec![Outcome::UnknownSubcommand as u32],
        Ok(command) if !command.accepts(args.len()) => vec![Outcome::Arity as u32],
        Ok(command) => facts(command, args, routed),
    }
}

#[derive(Clone, Copy)]
enum Outcome {
    Fine,
    UnknownCommand,
    UnknownSubcommand,
    Arity,
    NoKeys,
}

fn facts(command: &Command, args: Args<'_>, routed: bool) -> Vec<u32> {
    let mut told = vec![Outcome::Fine as u32, bits(command), step(command)];
    let mut tell = |key: Key| told.extend([key.index as u32, key_bits(key)]);
    if routed {
        keys::routed(command, args).for_each(tell);
        return told;
    }
    match keys::keys(command, args, &mut tell) {
        Ok(()) | Err(KeysError::NoKeys) => {}
        Err(KeysError::InvalidArity) => told[0] = Outcome::Arity as u32,
        Err(KeysError::InvalidArguments) => told[0] = Outcome::NoKeys as u32,
    }
    told
}

fn bits(command: &Command) -> u32 {
    let bit = |is: bool, place: u32| u32::from(is) << place;
    bit(command.flags.contains(Flag::ReadOnly), 0)
        | bit(command.flags.contains(Flag::Write), 1)
        | bit(command.group == Group::PubSub, 2)
        | policy(command) << 4
}

fn key_bits(key: Key) -> u32 {
    key.flags.iter().map(|flag| 1 << flag as u32).sum()
}

fn policy(command: &Command) -> u32 {
    let policy = command.tips.iter().find_map(|tip| match tip {
        Tip::Request(policy) => Some(*policy),
        Tip::Response(_) | Tip::NondeterministicOutput | Tip::NondeterministicOutputOrder => None,
    });
    match policy {
        None => 0,
        Some(RequestPolicy::AllNodes) => 1,
        Some(RequestPolicy::AllShards) => 2,
        Some(RequestPolicy::MultiShard) => 3,
        Some(RequestPolicy::Special) => 4,
    }
}

fn step(command: &Command) -> u32 {
    match command.key_specs {
        [spec] if command.first_key == 1 => match spec.find_keys {
            FindKeys::Range { last: -1, step, limit: 0 } => step.into(),
            FindKeys::Range { .. } | FindKeys::KeyNum { .. } | FindKeys::Unknown => 0,
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(request: &str, routed: bool) -> Vec<u32> {
        let mut end = 0;
        let ends: Vec<u32> = request
            .split(' ')
            .map(|arg| {
                end += arg.len() as u32;
                end
            })
            .collect();
        command_facts(request.replace(' ', "").as_bytes(), &ends, routed)
    }

    #[test]
    fn a_command_that_can_be_split_tells_its_step() {
        assert_eq!(told("MGET a b", true), [0, 1 | 3 << 4, 1, 1, 0, 2, 0]);
        let [0, facts, 2, 1, _, 3, _] = told("MSET a 1 b 2", false)[..] else {
            panic!("two keys, two apart")
        };
        assert_eq!(facts, 2 | 3 << 4);
        assert_eq!(told("SINTER a b", true)[1..3], [1, 1]);
    }

    #[test]
    fn what_is_no_request_is_told_apart() {
        assert_eq!(told("NOPE a", true), [1]);
        assert_eq!(told("CONFIG nope", true), [2]);
        assert_eq!(told("GET", true), [3]);
        assert_eq!(told("PING", false)[0], 0);
        assert_eq!(told("EVAL s", false)[0], 3);
        assert_eq!(told("SINTERCARD 3 a b", false)[0], 4);
        assert_eq!(command_facts(b"GET", &[], true), [1]);
        assert_eq!(command_facts(b"GET", &[9], true), [1]);
        assert_eq!(command_facts(b"GETa", &[3, 2], true), [1]);
    }

    #[test]
    fn shard_channels_are_told_from_keys() {
        assert_eq!(told("SSUBSCRIBE c", true)[1] & 4, 4);
        assert_eq!(told("GET c", true)[1] & 4, 0);
    }
}
