//! What the command table says of a request.

use alloc::vec::Vec;

use slotway_core::command::RequestPolicy;
use slotway_core::command::compact::{self, Compact, Miss};
use slotway_core::command::keys::{Key, KeysError};
use slotway_core::resp::args::{Args, Span};

use crate::numbers;

/// The question is the ends of `count` arguments, as little-endian numbers of 4 bytes, then the arguments in a row. The answer is numbers
/// of the same kind: `[outcome, facts, step, index, flags, index, flags, ..]`.
///
/// - outcome: 0 fine; 1 no such command; 2 no such subcommand; 3 wrong number of arguments; 4 the arguments name no keys
///   though they must. From 1 to 3 nothing follows.
/// - facts: bit 0 reads only; bits 4 to 6 request policy (0 none, 1 all nodes, 2 all shards, 3 multi shard, 4 special).
/// - step: from one key to the next, where all that follows the name is keys and what belongs to them; else 0.
/// - the keys: those that decide the slot if `is_routed`, else those of COMMAND GETKEYSANDFLAGS; flags as the bits of `KeyFlag`.
pub(crate) fn facts_of(question: &[u8], count: usize, is_routed: bool) -> Vec<u8> {
    let numbers = spans(question, count).map_or_else(
        || Vec::from([Outcome::UnknownCommand as u32]),
        |(spans, joined)| told(Args::new(joined, &spans), is_routed),
    );
    numbers::bytes(&numbers)
}

#[derive(Clone, Copy)]
enum Outcome {
    Fine,
    UnknownCommand,
    UnknownSubcommand,
    Arity,
    NoKeys,
}

/// Where each argument lies in what follows the ends; nothing if one does not.
fn spans(question: &[u8], count: usize) -> Option<(Vec<Span>, &[u8])> {
    let (ends, joined) = question.split_at_checked(count.checked_mul(4)?)?;
    let mut start = 0;
    let mut spans = Vec::with_capacity(count);
    for end in ends.as_chunks().0 {
        let end = u32::from_le_bytes(*end);
        joined.get(start as usize..end as usize)?;
        spans.push(Span { start, end });
        start = end;
    }
    Some((spans, joined))
}

fn told(args: Args<'_>, is_routed: bool) -> Vec<u32> {
    match compact::resolve(args) {
        Err(Miss::Command) => Vec::from([Outcome::UnknownCommand as u32]),
        Err(Miss::Subcommand) => Vec::from([Outcome::UnknownSubcommand as u32]),
        Ok(command) if !command.accepts(args.len()) => Vec::from([Outcome::Arity as u32]),
        Ok(command) => facts(command, args, is_routed),
    }
}

fn facts(command: Compact, args: Args<'_>, is_routed: bool) -> Vec<u32> {
    let facts = u32::from(command.is_read_only()) | policy(command) << 4;
    let mut told = Vec::from([Outcome::Fine as u32, facts, command.step_to_the_end().unwrap_or(0).into()]);
    let mut tell = |key: Key| told.extend([key.index as u32, key.flags.bits().into()]);
    if is_routed {
        command.routed(args).for_each(tell);
        return told;
    }
    match command.keys(args, &mut tell) {
        Ok(()) | Err(KeysError::NoKeys) => {}
        Err(KeysError::InvalidArity) => told[0] = Outcome::Arity as u32,
        Err(KeysError::InvalidArguments) => told[0] = Outcome::NoKeys as u32,
    }
    told
}

fn policy(command: Compact) -> u32 {
    match command.request_policy() {
        None => 0,
        Some(RequestPolicy::AllNodes) => 1,
        Some(RequestPolicy::AllShards) => 2,
        Some(RequestPolicy::MultiShard) => 3,
        Some(RequestPolicy::Special) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &[u8], count: usize, is_routed: bool) -> Vec<u32> {
        numbers::read(&facts_of(question, count, is_routed))
    }

    fn told(request: &str, is_routed: bool) -> Vec<u32> {
        let args: Vec<&str> = request.split(' ').collect();
        let mut question = Vec::new();
        let mut end = 0;
        for arg in &args {
            end += arg.len() as u32;
            question.extend(end.to_le_bytes());
        }
        question.extend(args.concat().bytes());
        asked(&question, args.len(), is_routed)
    }

    #[test]
    fn a_command_that_can_be_split_tells_its_step() {
        assert_eq!(told("MGET a b", true), [0, 1 | 3 << 4, 1, 1, 0, 2, 0]);
        let [0, facts, 2, 1, _, 3, _] = told("MSET a 1 b 2", false)[..] else {
            panic!("two keys, two apart")
        };
        assert_eq!(facts, 3 << 4);
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
        assert_eq!(asked(b"", 0, true), [1]);
        assert_eq!(asked(b"GET", 1, true), [1]);
        assert_eq!(asked(&[9, 0, 0, 0, b'G'], 1, true), [1]);
        assert_eq!(asked(&[2, 0, 0, 0, 1, 0, 0, 0, b'G', b'E', b'T'], 2, true), [1]);
        assert_eq!(asked(b"GET", usize::MAX, true), [1]);
    }
}
